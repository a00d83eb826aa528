/*
 * Commands and queries for what sites propose of items and codes: hq.proposals,
 * hq.adopt, hq.decline.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "gateway/core/goods.h"
#include "gateway/core/hq_ask.h"
#include "gateway/core/hq_bulk.h"
#include "gateway/core/page.h"
#include "gateway/core/rights.h"
#include "store/catalogue.h"
#include "store/feed.h"

static const struct refusal no_proposal = {
	"unknown_proposal",
	"that site proposes no %s, or HQ says the same already",
	"该站点没有提议 %s，或总部已有相同内容"};
static const struct refusal what = {"missing_field",
				    "item, code or all has to be given",
				    "须给出 item、code 或 all"};
static const struct refusal no_item = {
	"unknown_item", "code %s is of an item that HQ has not adopted",
	"条码 %s 所属的商品尚未被总部采纳"};

/* ---- what a proposal is ---- */

enum standing {
	STANDING_NONE, /* it proposes nothing: HQ says so, or it was dropped */
	STANDING_NEW,
	STANDING_DIFFERS,
	STANDING_UNIT, /* counted in another unit */
};
static const char *const standing_names[] = {"none", "new", "differs", "unit"};

static enum err_code item_stands(const struct view *view,
				 const struct entry *said,
				 enum standing *ret_standing, struct err *err)
{
	UNINITIALIZED struct entry master;
	const struct item *item = &said->body.item;
	enum err_code code;

	entry_init(&master, ENTRY_ITEM);
	code = catalogue_item(view, sku_span(&item->sku), &master.body.item,
			      err);
	if (code == ERR_NOT_FOUND)
		*ret_standing =
			item->is_inactive ? STANDING_NONE : STANDING_NEW;
	else if (code != ERR_OK)
		return code;
	else if (item->unit != master.body.item.unit)
		*ret_standing = STANDING_UNIT;
	else
		*ret_standing = goods_same(said, &master) ? STANDING_NONE
							  : STANDING_DIFFERS;
	return ERR_OK;
}

static enum err_code code_stands(const struct view *view,
				 const struct entry *said,
				 enum standing *ret_standing, struct err *err)
{
	UNINITIALIZED struct entry master;
	const struct code *body = &said->body.code;
	enum err_code code;

	entry_init(&master, ENTRY_CODE);
	code = catalogue_code(view, code_text_span(&body->code),
			      &master.body.code, err);
	if (code == ERR_NOT_FOUND)
		*ret_standing =
			body->item.size == 0 ? STANDING_NONE : STANDING_NEW;
	else if (code != ERR_OK)
		return code;
	else
		*ret_standing = goods_same(said, &master) ? STANDING_NONE
							  : STANDING_DIFFERS;
	return ERR_OK;
}

static enum err_code stands(const struct view *view, const struct entry *said,
			    enum standing *ret_standing, struct err *err)
{
	return said->kind == ENTRY_ITEM
		       ? item_stands(view, said, ret_standing, err)
		       : code_stands(view, said, ret_standing, err);
}

static struct span name_of(const struct entry *said)
{
	return said->kind == ENTRY_ITEM ? sku_span(&said->body.item.sku)
					: code_text_span(&said->body.code.code);
}

/* ---- the list ---- */

struct proposals {
	struct page page;
	uint32_t only; /* site; 0: all */
	/* The row that ended the page before. */
	uint32_t site;
	enum entry_kind kind;
	struct code_text after;
};

/* "5 i SKU" */
static void token_read(struct proposals *proposals)
{
	struct span text = proposals->page.after;
	uint64_t site;
	size_t digits = 0;

	while (digits < text.size && text.data[digits] != ' ')
		digits++;
	if (digits + 3 > text.size ||
	    !span_to_u64((struct span){text.data, digits}, UINT32_MAX, &site))
		return;
	proposals->site = (uint32_t)site;
	proposals->kind =
		text.data[digits + 1] == 'i' ? ENTRY_ITEM : ENTRY_CODE;
	if (!code_text_set(&proposals->after,
			   (struct span){text.data + digits + 3,
					 text.size - digits - 3}))
		proposals->after.size = 0;
}

static enum err_code proposal_out(struct proposals *proposals,
				  const struct certificate *site,
				  const struct latest *latest,
				  enum standing standing)
{
	struct json_out *out = proposals->page.asking->out;
	const struct item *item = &latest->entry.body.item;
	const struct code *body = &latest->entry.body.code;
	bool is_item = latest->entry.kind == ENTRY_ITEM;
	struct span name = name_of(&latest->entry);
	char token[PAGE_TOKEN_SIZE_MAX];
	enum err_code code = page_row(&proposals->page);

	if (code != ERR_OK)
		return code;
	out_object(out);
	out_int_at(out, "site", site->site);
	out_text_at(out, "name", name_span(&site->name));
	out_string_at(out, "kind", is_item ? "item" : "code");
	out_text_at(out, "item",
		    is_item ? sku_span(&item->sku) : sku_span(&body->item));
	if (is_item) {
		out_text_at(out, "name_en", item_name_span(&item->name_en));
		out_text_at(out, "name_zh", item_name_span(&item->name_zh));
		out_string_at(out, "unit", term_name(TERM_UNIT, item->unit));
	} else {
		out_text_at(out, "code", code_text_span(&body->code));
		out_int_at(out, "pack", body->pack);
	}
	out_string_at(out, "standing", standing_names[standing]);
	out_text_at(out, "by", name_span(&latest->entry.actor.name));
	out_moment_at(out, "since", stamp_moment(latest->entry.stamp));
	out_object_end(out);
	(void)text_format(token, sizeof(token), "%" PRIu32 " %c %.*s",
			  site->site, is_item ? 'i' : 'c', (int)name.size,
			  name.data);
	return page_row_end(&proposals->page, span_of(token));
}

static enum err_code kind_list(struct proposals *proposals,
			       const struct certificate *site,
			       enum entry_kind kind, struct err *err)
{
	const struct view *view = proposals->page.asking->view;
	UNINITIALIZED struct latest latest;
	struct code_text after = {.size = 0};
	enum standing standing;
	enum err_code code;

	if (site->site == proposals->site && kind == proposals->kind)
		after = proposals->after;
	latest.entry.kind = kind;
	code = feed_latest_next(view, site->site, code_text_span(&after),
				&latest, err);
	while (code == ERR_OK) {
		code = stands(view, &latest.entry, &standing, err);
		if (code == ERR_OK && standing != STANDING_NONE)
			code = proposal_out(proposals, site, &latest, standing);
		if (code != ERR_OK)
			return code;
		if (!code_text_set(&after, name_of(&latest.entry)))
			return err_set(err, ERR_CORRUPT, "a name is too long");
		code = feed_latest_next(view, site->site,
					code_text_span(&after), &latest, err);
	}
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* A site once, by its last life. */
static enum err_code site_visit(void *context, struct pos pos,
				const struct entry *entry, struct err *err)
{
	const struct certificate *site = &entry->body.certificate;
	struct proposals *proposals = context;
	struct certificate last;
	enum err_code code;

	(void)pos;
	if (site->site < SITE_FIRST || site->site < proposals->site ||
	    (proposals->only != 0 && site->site != proposals->only))
		return ERR_OK;
	code = roster_site(proposals->page.asking->view, site->site, &last,
			   err);
	if (code != ERR_OK || last.epoch != site->epoch)
		return code;
	if (site->site != proposals->site || proposals->kind != ENTRY_CODE)
		code = kind_list(proposals, site, ENTRY_ITEM, err);
	return code == ERR_OK ? kind_list(proposals, site, ENTRY_CODE, err)
			      : code;
}

static enum err_code list(struct asking *asking, struct err *err)
{
	struct proposals proposals = {.only = 0};
	enum err_code code = ERR_OK;

	if (json_member(asking->arguments, "site") != NULL &&
	    !asking_site(asking, "site", &proposals.only, &code, err))
		return code;
	if (!page_begin(&proposals.page, asking, "proposals"))
		return ERR_OK;
	token_read(&proposals);
	return page_end(&proposals.page,
			roster_walk(asking->view, ENTRY_CERTIFICATE, site_visit,
				    &proposals, err));
}

/* ---- adopting ---- */

struct adopting {
	struct asking *asking;
	uint32_t site;
	struct span only; /* codes of this item alone; empty: of all */
	uint64_t items;
	uint64_t codes;
	uint64_t left; /* HQ says something else of them */
	struct hq_bulk bulk;
};

/* HQ says what the site says. */
static enum err_code say(struct adopting *adopting, const struct entry *said,
			 struct err *err)
{
	struct entry entry;

	act_entry(adopting->asking->act, &entry, said->kind);
	entry.body = said->body;
	if (said->kind == ENTRY_ITEM)
		adopting->items++;
	else
		adopting->codes++;
	return hq_bulk_add(&adopting->bulk, &entry, err);
}

static enum err_code new_say(struct adopting *adopting,
			     const struct entry *said, struct err *err)
{
	const struct view *view = adopting->asking->view;
	enum standing standing;
	struct item_no number;
	enum err_code code = stands(view, said, &standing, err);

	if (code != ERR_OK || standing == STANDING_NONE)
		return code;
	if (standing == STANDING_NEW && said->kind == ENTRY_CODE) {
		code = catalogue_number(view, sku_span(&said->body.code.item),
					&number, err);
		if (code == ERR_NOT_FOUND)
			standing = STANDING_DIFFERS;
		else if (code != ERR_OK)
			return code;
	}
	if (standing == STANDING_NEW)
		return say(adopting, said, err);
	adopting->left++;
	return ERR_OK;
}

/* All of @kind that HQ has not spoken of. */
static enum err_code kind_adopt(struct adopting *adopting, enum entry_kind kind,
				struct err *err)
{
	const struct view *view = adopting->asking->view;
	UNINITIALIZED struct latest latest;
	struct code_text after = {.size = 0};
	enum err_code code = ERR_OK;

	while (code == ERR_OK) {
		latest.entry.kind = kind;
		code = feed_latest_next(view, adopting->site,
					code_text_span(&after), &latest, err);
		if (code != ERR_OK)
			break;
		if (!code_text_set(&after, name_of(&latest.entry)))
			return err_set(err, ERR_CORRUPT, "a name is too long");
		if (kind == ENTRY_CODE && adopting->only.size > 0 &&
		    !span_equal(sku_span(&latest.entry.body.code.item),
				adopting->only))
			continue;
		code = new_say(adopting, &latest.entry, err);
	}
	/* What follows looks at the catalogue. */
	return code == ERR_NOT_FOUND ? hq_bulk_end(&adopting->bulk, err) : code;
}

/* The one that was named, whatever HQ said before. */
static enum err_code named_adopt(struct adopting *adopting,
				 enum entry_kind kind, struct span name,
				 struct err *err)
{
	struct asking *asking = adopting->asking;
	struct latest latest = {.entry = {.kind = kind}};
	enum standing standing;
	struct item_no number;
	bool has_moved = false;
	enum err_code code = feed_latest_get(asking->view, adopting->site, name,
					     &latest, err);

	if (code == ERR_OK)
		code = stands(asking->view, &latest.entry, &standing, err);
	if (code == ERR_NOT_FOUND ||
	    (code == ERR_OK && standing == STANDING_NONE))
		return asking_refuse(asking, &no_proposal, name);
	if (code == ERR_OK && kind == ENTRY_CODE &&
	    latest.entry.body.code.item.size > 0) {
		code = catalogue_number(asking->view,
					sku_span(&latest.entry.body.code.item),
					&number, err);
		if (code == ERR_NOT_FOUND)
			return asking_refuse(asking, &no_item, name);
	}
	if (code == ERR_OK && standing == STANDING_UNIT)
		code = goods_moved_anywhere(asking->view, name, &has_moved,
					    err);
	if (code == ERR_OK && has_moved)
		return asking_refuse(asking, &refusal_unit_fixed, name);
	if (code == ERR_OK)
		code = say(adopting, &latest.entry, err);
	return code == ERR_OK ? hq_bulk_end(&adopting->bulk, err) : code;
}

static enum err_code adopt_run(struct adopting *adopting, struct err *err)
{
	struct asking *asking = adopting->asking;
	struct span item = {"", 0};
	struct span text = {"", 0};
	char gtin[GS1_GTIN_SIZE];
	bool is_all;
	enum err_code code;

	if (!asking_text_or(asking, "item", SKU_SIZE_MAX, &item) ||
	    !asking_text_or(asking, "code", CODE_SIZE_MAX, &text) ||
	    !asking_bool_or(asking, "all", false, &is_all))
		return ERR_OK;
	if (text.size > 0)
		return named_adopt(adopting, ENTRY_CODE,
				   code_canonical(text, gtin), err);
	if (item.size == 0 && !is_all)
		return asking_refuse(asking, &what, SPAN_LITERAL(""));
	adopting->only = item;
	code = item.size > 0 ? named_adopt(adopting, ENTRY_ITEM, item, err)
			     : kind_adopt(adopting, ENTRY_ITEM, err);
	if (code != ERR_OK || asking->is_refused)
		return code;
	return kind_adopt(adopting, ENTRY_CODE, err);
}

static enum err_code adopt(struct asking *asking, struct err *err)
{
	const struct hq *hq = asking_hq(asking);
	struct adopting *adopting;
	uint32_t site;
	enum err_code code = ERR_OK;

	if (hq == NULL || !asking_site(asking, "site", &site, &code, err))
		return code;
	adopting = calloc(1, sizeof(*adopting));
	if (adopting == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	adopting->asking = asking;
	adopting->site = site;
	hq_bulk_init(&adopting->bulk, hq, asking->act->batch, true);
	code = adopt_run(adopting, err);
	if (code == ERR_OK && !asking->is_refused) {
		asking->is_idle = adopting->items + adopting->codes == 0;
		out_int_at(asking->out, "items", (int64_t)adopting->items);
		out_int_at(asking->out, "codes", (int64_t)adopting->codes);
		out_int_at(asking->out, "left", (int64_t)adopting->left);
	}
	free(adopting);
	return code;
}

/* ---- declining ---- */

/* The site takes its own word back: HQ asks it to. */
static enum err_code decline(struct asking *asking, struct err *err)
{
	const struct hq *hq = asking_hq(asking);
	struct intent_plan plan = {.hours = intent_hours(asking)};
	struct latest latest = {.entry = {.kind = ENTRY_ITEM}};
	char arguments[INTENT_ARGUMENTS_SIZE_MAX];
	char gtin[GS1_GTIN_SIZE];
	struct span item = {"", 0};
	struct span text = {"", 0};
	struct json_out out;
	struct ref id;
	enum err_code code = ERR_OK;

	if (hq == NULL || !asking_site(asking, "site", &plan.site, &code, err))
		return code;
	if (!asking_text_or(asking, "item", SKU_SIZE_MAX, &item) ||
	    !asking_text_or(asking, "code", CODE_SIZE_MAX, &text))
		return ERR_OK;
	if (item.size == 0 && text.size == 0)
		return asking_refuse(asking, &what, SPAN_LITERAL(""));
	if (item.size == 0) {
		text = code_canonical(text, gtin);
		latest.entry.kind = ENTRY_CODE;
	}
	code = feed_latest_get(asking->view, plan.site,
			       item.size > 0 ? item : text, &latest, err);
	if (code == ERR_NOT_FOUND)
		return asking_refuse(asking, &no_proposal,
				     item.size > 0 ? item : text);
	if (code != ERR_OK)
		return code;
	out_init(&out, arguments, sizeof(arguments));
	out_object(&out);
	out_text_at(&out, item.size > 0 ? "item" : "code",
		    item.size > 0 ? item : text);
	if (item.size > 0)
		out_bool_at(&out, "inactive", true);
	out_object_end(&out);
	if (!out_ok(&out))
		return asking_refuse(asking, &refusal_too_long,
				     SPAN_LITERAL(""));
	plan.verb = item.size > 0 ? SPAN_LITERAL("item.set")
				  : SPAN_LITERAL("code.set");
	plan.arguments = out_span(&out);
	code = hq_ask(asking, hq, &plan, &id, err);
	if (code == ERR_OK)
		hq_asked_out(asking, &plan, &id);
	return code;
}

static const struct command_row rows[] = {
	{{"hq.adopt", COMMAND_WRITE, RIGHTS_GOODS}, adopt, NULL},
	{{"hq.decline", COMMAND_WRITE, RIGHTS_GOODS}, decline, NULL},
	{{"hq.proposals", COMMAND_QUERY, RIGHTS_READ}, list, NULL},
};
const struct command_table adopt_commands = {rows, ARRAY_LEN(rows)};
