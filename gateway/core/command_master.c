/*
 * Commands for what the warehouse consists of: items, codes, bins, devices,
 * accounts.
 */
#include "gateway/core/asking.h"

#include "gateway/core/goods.h"
#include "gateway/core/retry.h"
#include "gateway/core/rights.h"

static const struct refusal bad_name = {
	"bad_name", "%s is no name: 1 to 32 of a-z, 0-9 and -",
	"%s 不是有效名称：1 至 32 个 a-z、0-9 或 -"};
static const struct refusal unknown_account = {
	"unknown_account", "there is no account %s", "没有账户 %s"};
static const struct refusal last_manager = {
	"last_manager", "%s is the last manager and cannot be revoked",
	"%s 是最后一个管理员，不能停用"};

/* ---- items ---- */

static bool item_words(struct asking *asking, struct item *item)
{
	uint32_t unit;
	uint32_t tracking;
	struct span class;

	if (!asking_term_or(asking, "unit", TERM_UNIT, item->unit, &unit) ||
	    !asking_term_or(asking, "tracking", TERM_TRACKING, item->tracking,
			    &tracking) ||
	    !asking_text_or(asking, "class", REASON_SIZE_MAX, &class))
		return false;
	item->unit = (enum base_unit)unit;
	item->tracking = (enum tracking)tracking;
	if (class.size == 0 || goods_class(class, &item->abc_class))
		return true;
	(void)asking_refuse(asking, &refusal_unknown_word, class);
	return false;
}

/* What is not said stays as it was. */
static bool item_read(struct asking *asking, struct item *item)
{
	struct json_range days = {0, 36500};
	struct json_range weight = {0, INT64_C(1000000000000)};
	struct span name;
	int64_t number;

	if (!asking_text_or(asking, "name_en", ITEM_NAME_SIZE_MAX, &name))
		return false;
	if (name.size > 0 && !item_name_set(&item->name_en, name))
		return false;
	if (!asking_text_or(asking, "name_zh", ITEM_NAME_SIZE_MAX, &name))
		return false;
	if (name.size > 0 && !item_name_set(&item->name_zh, name))
		return false;
	if (!asking_int_or(asking, "shelf_life_days", days,
			   item->shelf_life_days, &number))
		return false;
	item->shelf_life_days = (uint32_t)number;
	if (!asking_int_or(asking, "weight_mg", weight,
			   (int64_t)item->weight_mg, &number))
		return false;
	item->weight_mg = (uint64_t)number;
	return item_words(asking, item) &&
	       asking_bool_or(asking, "inactive", item->is_inactive,
			      &item->is_inactive);
}

static enum err_code item_set(struct asking *asking, struct err *err)
{
	struct entry entry;
	struct item *item = &entry.body.item;
	struct goods_before before;
	struct span sku;
	uint32_t booked;
	enum err_code code;

	if (!asking_text(asking, "item", SKU_SIZE_MAX, &sku))
		return ERR_OK;
	act_entry(asking->act, &entry, ENTRY_ITEM);
	code = goods_item(asking->view, sku, item, &before, err);
	if (code != ERR_OK || !item_read(asking, item) ||
	    !goods_may_say(asking))
		return code;
	if (item->unit != before.unit && before.is_known &&
	    goods_is_hq(asking) && !before.has_moved)
		code = goods_moved_anywhere(asking->view, sku,
					    &before.has_moved, err);
	if (code != ERR_OK)
		return code;
	if (before.has_moved && item->unit != before.unit)
		return asking_refuse(asking, &refusal_unit_fixed, sku);
	code = goods_say(asking, &entry, err);
	if (code == ERR_OK)
		code = retry_named(asking->engine, asking->act->batch, sku,
				   &booked, err);
	return code;
}

/* ---- codes ---- */

static enum err_code code_set(struct asking *asking, struct err *err)
{
	struct json_range packs = {1, QTY_MOVE_MAX};
	struct entry entry;
	struct code *body = &entry.body.code;
	char gtin[GS1_GTIN_SIZE];
	struct item_no number;
	struct span text;
	struct span sku;
	uint32_t booked;
	enum err_code code;

	act_entry(asking->act, &entry, ENTRY_CODE);
	if (!asking_text(asking, "code", CODE_SIZE_MAX, &text) ||
	    !asking_text_or(asking, "item", SKU_SIZE_MAX, &sku) ||
	    !asking_int_or(asking, "pack", packs, 1, &body->pack) ||
	    !goods_may_say(asking))
		return ERR_OK;
	text = code_canonical(text, gtin);
	if (sku.size > 0) {
		code = goods_named(asking->view, goods_is_hq(asking), sku,
				   &number, err);
		if (code == ERR_NOT_FOUND)
			return asking_refuse(asking, &refusal_unknown_item,
					     sku);
		if (code != ERR_OK)
			return code;
	}
	if (!code_text_set(&body->code, text) || !sku_set(&body->item, sku))
		return ERR_INVALID; /* both were measured above */
	code = goods_say(asking, &entry, err);
	if (code == ERR_OK && sku.size > 0)
		code = retry_named(asking->engine, asking->act->batch, text,
				   &booked, err);
	return code;
}

/* ---- bins ---- */

static enum err_code bin_set(struct asking *asking, struct err *err)
{
	struct entry entry;
	struct bin *bin = &entry.body.bin;
	struct span name;
	struct span zone;
	uint32_t booked;
	enum err_code code;

	act_entry(asking->act, &entry, ENTRY_BIN);
	if (!asking_text(asking, "bin", PLACE_NAME_SIZE_MAX, &name) ||
	    !asking_text_or(asking, "zone", REF_SIZE_MAX, &zone) ||
	    !asking_bool_or(asking, "inactive", false, &bin->is_inactive))
		return ERR_OK;
	if (!place_name_is_valid(name) || !place_name_set(&bin->name, name) ||
	    !ref_set(&bin->zone, zone))
		return asking_refuse(asking, &refusal_bad_bin, name);
	code = asking_post(asking, &entry, err);
	if (code == ERR_OK)
		code = retry_named(asking->engine, asking->act->batch, name,
				   &booked, err);
	return code;
}

/* ---- devices ---- */

static bool device_read(struct asking *asking, struct device *device)
{
	struct json_range seconds = {0, 31 * 86400};
	struct span text;
	uint32_t kind;
	int64_t number;

	if (!asking_term_or(asking, "kind", TERM_DEVICE, device->kind, &kind))
		return false;
	device->kind = (enum device_kind)kind;
	if (!asking_text_or(asking, "place", PLACE_NAME_SIZE_MAX, &text) ||
	    (text.size > 0 && !place_name_set(&device->place, text)))
		return false;
	if (!asking_text_or(asking, "gs", REASON_SIZE_MAX, &text) ||
	    (text.size > 0 && !reason_set(&device->gs_substitute, text)))
		return false;
	if (!asking_text_or(asking, "profile", NAME_SIZE_MAX, &text) ||
	    (text.size > 0 && !name_set(&device->profile, text)))
		return false;
	if (!asking_int_or(asking, "interval_s", seconds, device->interval_s,
			   &number))
		return false;
	device->interval_s = (uint32_t)number;
	return true;
}

static enum err_code device_set(struct asking *asking, struct err *err)
{
	struct entry entry;
	struct device *device = &entry.body.device;
	struct device before = {.kind = DEVICE_SCANNER};
	struct device_no number;
	struct span name;
	uint32_t booked;
	enum err_code code;

	if (!asking_text(asking, "device", NAME_SIZE_MAX, &name))
		return ERR_OK;
	if (!text_is_name(name))
		return asking_refuse(asking, &bad_name, name);
	code = device_get(asking->view, name, &before, &number, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	act_entry(asking->act, &entry, ENTRY_DEVICE);
	*device = before;
	device->is_revoked = false;
	if (!name_set(&device->name, name) || !device_read(asking, device))
		return ERR_OK;
	code = asking_post(asking, &entry, err);
	if (code == ERR_OK)
		code = retry_device(asking->engine, asking->act->batch, name,
				    &booked, err);
	return code;
}

static enum err_code device_revoke(struct asking *asking, struct err *err)
{
	struct entry entry;
	struct device_no number;
	struct span name;
	enum err_code code;

	if (!asking_text(asking, "device", NAME_SIZE_MAX, &name))
		return ERR_OK;
	act_entry(asking->act, &entry, ENTRY_DEVICE);
	code = device_get(asking->view, name, &entry.body.device, &number, err);
	if (code == ERR_NOT_FOUND)
		return asking_refuse(asking, &refusal_unknown_device, name);
	if (code != ERR_OK)
		return code;
	entry.body.device.is_revoked = true;
	return asking_post(asking, &entry, err);
}

/* ---- accounts ---- */

static bool roles_read(struct asking *asking, uint32_t *roles)
{
	struct fault fault;
	const struct json_value *list = json_member(asking->arguments, "roles");

	if (list == NULL)
		return true;
	*roles = 0;
	if (json_kind(list) != JSON_ARRAY) {
		(void)json_fault(list, FAULT_NOT_LIST, &fault);
		(void)asking_fault(asking, &fault); /* always ERR_OK */
		return false;
	}
	for (const struct json_value *at = json_first(list); at != NULL;
	     at = json_next(at)) {
		struct span word = {"", 0};
		uint32_t role = 0;

		if (json_to_text(at, &word, &fault) != ERR_OK) {
			(void)asking_fault(asking, &fault);
			return false;
		}
		if (!term_parse(TERM_ROLE, word, &role)) {
			(void)asking_refuse(asking, &refusal_unknown_word,
					    word);
			return false;
		}
		*roles |= role;
	}
	return true;
}

static enum err_code account_set(struct asking *asking, struct err *err)
{
	struct json_range uids = {-1, UINT32_MAX};
	struct entry entry;
	struct account *account = &entry.body.account;
	struct account before = {.roles = ROLE_OPERATOR};
	struct span name;
	int64_t uid;
	enum err_code code;

	if (!asking_text(asking, "account", NAME_SIZE_MAX, &name))
		return ERR_OK;
	if (!text_is_name(name))
		return asking_refuse(asking, &bad_name, name);
	code = account_get(asking->view, name, &before, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	act_entry(asking->act, &entry, ENTRY_ACCOUNT);
	*account = before;
	account->is_revoked = false;
	if (!name_set(&account->name, name) ||
	    !roles_read(asking, &account->roles) ||
	    !asking_int_or(asking, "uid", uids, (int64_t)account->uid - 1,
			   &uid))
		return ERR_OK;
	account->uid = (uint64_t)(uid + 1);
	return asking_post(asking, &entry, err);
}

struct managers {
	struct span except;
	bool has_other;
};

static enum err_code manager_look(void *context, struct span key,
				  struct pos pos, const struct entry *entry,
				  struct err *err)
{
	struct managers *managers = context;
	const struct account *account = &entry->body.account;

	(void)pos;
	(void)err;
	if (!span_equal(key, managers->except) && !account->is_revoked &&
	    (account->roles & RIGHTS_SITE) != 0)
		managers->has_other = true;
	return ERR_OK;
}

static enum err_code account_revoke(struct asking *asking, struct err *err)
{
	struct managers managers = {.has_other = false};
	struct span all = {"", 0};
	struct entry entry;
	struct span name;
	enum err_code code;

	if (!asking_text(asking, "account", NAME_SIZE_MAX, &name))
		return ERR_OK;
	act_entry(asking->act, &entry, ENTRY_ACCOUNT);
	code = account_get(asking->view, name, &entry.body.account, err);
	if (code == ERR_NOT_FOUND)
		return asking_refuse(asking, &unknown_account, name);
	managers.except = name;
	if (code == ERR_OK)
		code = record_walk(asking->view, TABLE_ACCOUNT, all,
				   manager_look, &managers, err);
	if (code != ERR_OK)
		return code;
	if (!managers.has_other)
		return asking_refuse(asking, &last_manager, name);
	entry.body.account.is_revoked = true;
	return asking_post(asking, &entry, err);
}

static const struct command_row rows[] = {
	{{"item.set", COMMAND_WRITE, RIGHTS_GOODS}, item_set, NULL},
	{{"code.set", COMMAND_WRITE, RIGHTS_GOODS}, code_set, NULL},
	{{"bin.set", COMMAND_WRITE, RIGHTS_SITE}, bin_set, NULL},
	{{"device.set", COMMAND_WRITE, RIGHTS_SITE}, device_set, NULL},
	{{"device.revoke", COMMAND_WRITE, RIGHTS_SITE}, device_revoke, NULL},
	{{"account.set", COMMAND_WRITE, RIGHTS_SITE}, account_set, NULL},
	{{"account.revoke", COMMAND_WRITE, RIGHTS_SITE}, account_revoke, NULL},
};
const struct command_table master_commands = {rows, ARRAY_LEN(rows)};
