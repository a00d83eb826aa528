/*
 * Queries for what the warehouse consists of: items, codes, bins, devices,
 * accounts.
 */
#include "gateway/core/page.h"

#include "gateway/core/rights.h"
#include "store/listing.h"
#include "store/seen.h"

static void text_out(struct json_out *out, const char *key, struct span text)
{
	if (text.size > 0)
		out_text_at(out, key, text);
}

static void number_out(struct json_out *out, const char *key, int64_t number)
{
	if (number != 0)
		out_int_at(out, key, number);
}

static void flag_out(struct json_out *out, const char *key, bool is_set)
{
	if (is_set)
		out_bool_at(out, key, true);
}

/* ---- items ---- */

static void item_out(struct json_out *out, const struct item *item)
{
	char class[] = {item->abc_class, '\0'};

	text_out(out, "name_en", item_name_span(&item->name_en));
	text_out(out, "name_zh", item_name_span(&item->name_zh));
	out_string_at(out, "unit", term_name(TERM_UNIT, item->unit));
	out_string_at(out, "tracking",
		      term_name(TERM_TRACKING, item->tracking));
	number_out(out, "shelf_life_days", item->shelf_life_days);
	number_out(out, "weight_mg", (int64_t)item->weight_mg);
	text_out(out, "class", span_of(class));
	flag_out(out, "inactive", item->is_inactive);
}

/* What HQ says, and what is this site's own and waits for HQ. */
static void standing_out(const struct page *page, enum listed listed)
{
	if (listed != LISTED_OWN)
		out_string_at(page->asking->out, "standing", "master");
	else if (page->asking->is_networked)
		out_string_at(page->asking->out, "standing", "proposal");
}

static enum err_code item_visit(void *context, struct span sku,
				enum listed listed, struct err *err)
{
	struct page *page = context;
	struct json_out *out = page->asking->out;
	struct item_no number;
	struct item item;
	enum err_code code = page_row(page);

	if (code == ERR_OK)
		code = item_find(page->asking->view, sku, &number, err);
	if (code == ERR_OK)
		code = item_get(page->asking->view, number, &item, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	out_object(out);
	out_text_at(out, "item", sku);
	if (code == ERR_OK)
		item_out(out, &item);
	else
		out_bool_at(out, "undescribed", true);
	standing_out(page, listed);
	out_object_end(out);
	return page_row_end(page, sku);
}

static enum err_code item_list(struct asking *asking, struct err *err)
{
	struct page page;

	if (!page_begin(&page, asking, "items"))
		return ERR_OK;
	return page_end(&page, listing_items(asking->view, page.after,
					     item_visit, &page, err));
}

/* ---- codes ---- */

struct code_listing {
	struct page page;
	struct sku item; /* empty: of all */
	uint32_t looked;
};

static bool is_listed(const struct code_listing *listing,
		      const struct code *body)
{
	return body->item.size > 0 &&
	       (listing->item.size == 0 ||
		span_equal(sku_span(&body->item), sku_span(&listing->item)));
}

static enum err_code code_row(struct page *page, const struct code *body,
			      enum listed listed)
{
	struct json_out *out = page->asking->out;
	enum err_code code = page_row(page);

	if (code != ERR_OK)
		return code;
	out_object(out);
	out_text_at(out, "code", code_text_span(&body->code));
	out_text_at(out, "item", sku_span(&body->item));
	out_int_at(out, "pack", body->pack);
	standing_out(page, listed);
	out_object_end(out);
	return page_row_end(page, code_text_span(&body->code));
}

/* There is no index from items to their codes: all are looked at. */
static enum err_code code_visit(void *context, const struct code *body,
				enum listed listed, struct err *err)
{
	struct code_listing *listing = context;
	struct page *page = &listing->page;
	enum err_code code = ERR_OK;

	(void)err;
	if (is_listed(listing, body))
		code = code_row(page, body, listed);
	if (code != ERR_OK || ++listing->looked < page->asking->look_max)
		return code;
	page_cut(page, code_text_span(&body->code));
	return ERR_STOPPED;
}

static enum err_code code_list(struct asking *asking, struct err *err)
{
	struct code_listing listing = {.item = {0}};
	struct page *page = &listing.page;
	struct item_no item;
	enum err_code code;

	if (json_member(asking->arguments, "item") != NULL) {
		if (!asking_item(asking, "item", &item, &code, err))
			return code;
		code = item_name_of(asking->view, item, &listing.item, err);
		if (code != ERR_OK)
			return code;
	}
	if (!page_begin(page, asking, "codes"))
		return ERR_OK;
	return page_end(page, listing_codes(asking->view, page->after,
					    code_visit, &listing, err));
}

/* ---- bins ---- */

static enum err_code bin_visit(void *context, struct span name,
			       struct place_no place, struct err *err)
{
	struct page *page = context;
	struct json_out *out = page->asking->out;
	struct bin bin = {.is_inactive = false};
	enum err_code code = page_row(page);

	if (code == ERR_OK)
		code = bin_get(page->asking->view, name, &bin, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	out_object(out);
	out_text_at(out, "bin", name);
	text_out(out, "zone", ref_span(&bin.zone));
	flag_out(out, "system", place.value <= PLACE_NO_PACKED);
	flag_out(out, "inactive", bin.is_inactive);
	out_object_end(out);
	return page_row_end(page, name);
}

static enum err_code bin_list(struct asking *asking, struct err *err)
{
	struct page page;

	if (!page_begin(&page, asking, "bins"))
		return ERR_OK;
	return page_end(&page, bin_walk(asking->view, page.after, bin_visit,
					&page, err));
}

/* ---- devices ---- */

/* Which of its readings were taken: of its present boot. */
static enum err_code progress_out(struct page *page, struct span name,
				  struct err *err)
{
	struct json_out *out = page->asking->out;
	struct seen_progress progress;
	struct device device;
	struct device_no number;
	enum err_code code =
		device_get(page->asking->view, name, &device, &number, err);

	if (code == ERR_OK)
		code = seen_recent(page->asking->view, number, &progress, err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	out_id_at(out, "upto", progress.upto);
	out_id_at(out, "high", progress.high);
	return ERR_OK;
}

static void device_out(struct json_out *out, const struct device *device)
{
	out_text_at(out, "device", name_span(&device->name));
	out_string_at(out, "kind", term_name(TERM_DEVICE, device->kind));
	text_out(out, "place", place_name_span(&device->place));
	text_out(out, "gs", reason_span(&device->gs_substitute));
	text_out(out, "profile", name_span(&device->profile));
	number_out(out, "interval_s", device->interval_s);
	flag_out(out, "revoked", device->is_revoked);
}

static enum err_code device_visit(void *context, struct span key,
				  struct pos pos, const struct entry *entry,
				  struct err *err)
{
	struct page *page = context;
	struct json_out *out = page->asking->out;
	enum err_code code = page_row(page);

	(void)pos;
	if (code != ERR_OK)
		return code;
	out_object(out);
	device_out(out, &entry->body.device);
	code = progress_out(page, key, err);
	if (code != ERR_OK)
		return code;
	out_object_end(out);
	return page_row_end(page, key);
}

static enum err_code device_list(struct asking *asking, struct err *err)
{
	struct page page;

	if (!page_begin(&page, asking, "devices"))
		return ERR_OK;
	return page_end(&page,
			record_walk(asking->view, TABLE_DEVICE, page.after,
				    device_visit, &page, err));
}

/* ---- accounts ---- */

static void account_out(struct json_out *out, const struct account *account)
{
	out_text_at(out, "account", name_span(&account->name));
	out_array_at(out, "roles");
	for (uint32_t role = 1; role <= ROLE_HQ; role <<= 1)
		if ((account->roles & role) != 0)
			out_string(out, term_name(TERM_ROLE, role));
	out_array_end(out);
	if (account->uid != 0)
		out_int_at(out, "uid", (int64_t)account->uid - 1);
	flag_out(out, "revoked", account->is_revoked);
}

static enum err_code account_visit(void *context, struct span key,
				   struct pos pos, const struct entry *entry,
				   struct err *err)
{
	struct page *page = context;
	struct json_out *out = page->asking->out;
	enum err_code code = page_row(page);

	(void)pos;
	(void)err;
	if (code != ERR_OK)
		return code;
	out_object(out);
	account_out(out, &entry->body.account);
	out_object_end(out);
	return page_row_end(page, key);
}

static enum err_code account_list(struct asking *asking, struct err *err)
{
	struct page page;

	if (!page_begin(&page, asking, "accounts"))
		return ERR_OK;
	return page_end(&page,
			record_walk(asking->view, TABLE_ACCOUNT, page.after,
				    account_visit, &page, err));
}

static const struct command_row rows[] = {
	{{"item.list", COMMAND_QUERY, RIGHTS_READ}, item_list, NULL},
	{{"code.list", COMMAND_QUERY, RIGHTS_READ}, code_list, NULL},
	{{"bin.list", COMMAND_QUERY, RIGHTS_READ}, bin_list, NULL},
	{{"device.list", COMMAND_QUERY, RIGHTS_READ}, device_list, NULL},
	{{"account.list", COMMAND_QUERY, RIGHTS_READ}, account_list, NULL},
};
const struct command_table master_queries = {rows, ARRAY_LEN(rows)};
