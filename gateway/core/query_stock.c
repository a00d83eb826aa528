/*
 * stock.list: what there is of each item; of one item, where it lies and for
 * whom; what lies in one bin.
 */
#include "gateway/core/page.h"

#include <string.h>

#include "gateway/core/rights.h"
#include "gateway/core/view.h"
#include "store/balance.h"
#include "store/promise.h"
#include "store/trace.h"

static const struct refusal bad_page = {
	"bad_page", "%s is not where a page of this list ended",
	"%s 不是本列表的分页位置"};

/* ---- each item ---- */

struct stock_listing {
	struct page page;
	bool is_all; /* those that have left, too */
};

static enum err_code stock_visit(void *context, struct span sku,
				 struct item_no item, struct err *err)
{
	struct stock_listing *listing = context;
	struct page *page = &listing->page;
	struct json_out *out = page->asking->out;
	struct stock stock;
	enum err_code code =
		view_stock_read(page->asking->view, item, &stock, err);

	if (code != ERR_OK || (stock.has_left && !listing->is_all))
		return code;
	code = page_row(page);
	if (code != ERR_OK)
		return code;
	out_object(out);
	view_stock_members(&stock, out);
	out_object_end(out);
	return page_row_end(page, sku);
}

static enum err_code list_items(struct asking *asking, struct err *err)
{
	struct stock_listing listing;
	struct page *page = &listing.page;

	if (!asking_bool_or(asking, "all", false, &listing.is_all) ||
	    !page_begin(page, asking, "items"))
		return ERR_OK;
	return page_end(page, sku_walk(asking->view, page->after, stock_visit,
				       &listing, err));
}

/* ---- cells ---- */

static enum err_code expiry_out(struct asking *asking, struct item_no item,
				struct span lot, struct err *err)
{
	struct lot_record record;
	struct date expiry;
	enum err_code code = lot_get(asking->view, item, lot, &record, err);

	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code == ERR_OK && date_from_number(record.expiry, &expiry)) {
		out_key(asking->out, "expiry");
		out_date(asking->out, expiry);
	}
	return code;
}

/* The units of one item in one place, by condition and lot. */
static enum err_code cells_out(struct asking *asking, struct item_no item,
			       const struct balance *balance, struct err *err)
{
	struct json_out *out = asking->out;

	out_array_at(out, "cells");
	for (size_t i = 0; i < balance->count; i++) {
		const struct cell *cell = &balance->cells[i];
		struct span lot = lot_span(&cell->lot);
		enum err_code code = ERR_OK;

		out_object(out);
		if (cell->condition != CONDITION_NONE)
			out_string_at(out, "condition",
				      condition_name(cell->condition));
		if (lot.size > 0) {
			out_text_at(out, "lot", lot);
			code = expiry_out(asking, item, lot, err);
		}
		out_int_at(out, "units", cell->quantity.units);
		out_object_end(out);
		if (code != ERR_OK)
			return code;
	}
	out_array_end(out);
	return ERR_OK;
}

static int64_t units_of(const struct balance *balance)
{
	int64_t units = 0;

	/* A row's sum fits: balance_add refuses what would not. */
	for (size_t i = 0; i < balance->count; i++)
		units += balance->cells[i].quantity.units;
	return units;
}

/* ---- one item ---- */

/* A page ends in its places ("bin:A-01", "customer:"), or in its promises
 * ("promise:O-17"), which come after them. */
#define TOKEN_PROMISE "promise:"

static void place_token(const struct place *place,
			char token[PAGE_TOKEN_SIZE_MAX])
{
	(void)text_format(token, PAGE_TOKEN_SIZE_MAX, "%s:%.*s",
			  place_kind_name(place->kind), (int)place->name.size,
			  place->name.data);
}

static bool place_token_read(struct span token, struct place *ret_place)
{
	const char *colon =
		token.size == 0 ? NULL : memchr(token.data, ':', token.size);
	struct span kind;
	struct span name;
	uint32_t number;

	if (colon == NULL)
		return false;
	kind = (struct span){token.data, (size_t)(colon - token.data)};
	name = (struct span){colon + 1, token.size - kind.size - 1};
	if (!term_parse(TERM_PLACE, kind, &number) ||
	    !place_name_set(&ret_place->name, name))
		return false;
	ret_place->kind = (enum place_kind)number;
	return true;
}

struct item_listing {
	struct page page;
	struct item_no item;
	struct place_no after; /* places up to this one were listed */
	struct span after_order;
};

static enum err_code place_visit(void *context, struct item_no item,
				 struct place_no number,
				 const struct balance *balance, struct err *err)
{
	struct item_listing *listing = context;
	struct page *page = &listing->page;
	struct json_out *out = page->asking->out;
	char token[PAGE_TOKEN_SIZE_MAX];
	struct place place;
	enum err_code code;

	if (number.value <= listing->after.value || balance->count == 0)
		return ERR_OK;
	code = page_row(page);
	if (code == ERR_OK)
		code = place_get(page->asking->view, number, &place, err);
	if (code != ERR_OK)
		return code;
	place_token(&place, token);
	out_object(out);
	out_string_at(out, "kind", place_kind_name(place.kind));
	if (place.name.size > 0)
		out_text_at(out, "place", place_name_span(&place.name));
	out_int_at(out, "units", units_of(balance));
	code = cells_out(page->asking, item, balance, err);
	if (code != ERR_OK)
		return code;
	pos_out(out, "entry", balance->pos);
	out_object_end(out);
	return page_row_end(page, span_of(token));
}

static enum err_code promise_visit(void *context, struct item_no item,
				   const struct promise *promise,
				   struct err *err)
{
	struct item_listing *listing = context;
	struct page *page = &listing->page;
	struct json_out *out = page->asking->out;
	struct span order = ref_span(&promise->order);
	char token[PAGE_TOKEN_SIZE_MAX];
	enum err_code code;

	(void)item;
	(void)err;
	if (listing->after_order.size > 0 &&
	    span_compare(order, listing->after_order) <= 0)
		return ERR_OK;
	code = page_row(page);
	if (code != ERR_OK)
		return code;
	(void)text_format(token, sizeof(token), TOKEN_PROMISE "%.*s",
			  (int)order.size, order.data);
	out_object(out);
	out_text_at(out, "order", order);
	out_int_at(out, "picked", promise->picked.units);
	out_int_at(out, "packed", promise->packed.units);
	pos_out(out, "entry", promise->since);
	out_object_end(out);
	return page_row_end(page, span_of(token));
}

/* Where the page begins. False: refused. */
static bool item_after(struct item_listing *listing, enum err_code *ret_code,
		       struct err *err)
{
	struct asking *asking = listing->page.asking;
	struct span after = listing->page.after;
	struct place place;

	*ret_code = ERR_OK;
	listing->after.value = 0;
	listing->after_order = (struct span){"", 0};
	if (after.size == 0)
		return true;
	if (span_starts(after, TOKEN_PROMISE)) {
		listing->after.value = UINT32_MAX;
		listing->after_order.data =
			after.data + sizeof(TOKEN_PROMISE) - 1;
		listing->after_order.size =
			after.size - (sizeof(TOKEN_PROMISE) - 1);
		return true;
	}
	*ret_code = ERR_NOT_FOUND;
	if (place_token_read(after, &place))
		*ret_code =
			place_find(asking->view, &place, &listing->after, err);
	if (*ret_code == ERR_NOT_FOUND)
		*ret_code = asking_refuse(asking, &bad_page, after);
	return *ret_code == ERR_OK && !asking->is_refused;
}

static enum err_code item_head(struct item_listing *listing, struct err *err)
{
	struct asking *asking = listing->page.asking;
	struct stock stock;
	uint64_t serials;
	enum err_code code =
		view_stock_read(asking->view, listing->item, &stock, err);

	if (code == ERR_OK)
		code = serial_count(asking->view, listing->item, &serials, err);
	if (code != ERR_OK)
		return code;
	/* A count of 3 where 5 lay does not say which 2 are gone. */
	if (serials > (uint64_t)stock.tally.on_hand.units)
		serials = (uint64_t)stock.tally.on_hand.units;
	view_stock_members(&stock, asking->out);
	out_int_at(asking->out, "serials", (int64_t)serials);
	return ERR_OK;
}

static enum err_code list_item(struct asking *asking, struct err *err)
{
	struct json_range limits = {1, PAGE_LIMIT_MAX};
	struct item_listing listing = {.page = {.asking = asking}};
	struct page *page = &listing.page;
	int64_t limit;
	enum err_code code;

	if (!asking_item(asking, "item", &listing.item, &code, err))
		return code;
	if (!asking_text_or(asking, "after", PAGE_TOKEN_SIZE_MAX,
			    &page->after) ||
	    !asking_int_or(asking, "limit", limits, PAGE_LIMIT, &limit))
		return ERR_OK;
	if (!item_after(&listing, &code, err))
		return code;
	code = item_head(&listing, err);
	if (code != ERR_OK)
		return code;
	page_open(page, asking, "places", limit);
	code = page_end(page, balance_walk_item(asking->view, listing.item,
						place_visit, &listing, err));
	if (code != ERR_OK || asking->is_refused || page->has_more)
		return code;
	page_open(page, asking, "promises", limit - page->count);
	return page_end(page, promise_walk(asking->view, listing.item,
					   promise_visit, &listing, err));
}

/* ---- one bin ---- */

struct bin_listing {
	struct page page;
	uint32_t looked;
};

static enum err_code held_row(struct page *page, struct item_no item,
			      const struct balance *balance, struct err *err)
{
	struct asking *asking = page->asking;
	struct json_out *out = asking->out;
	struct stock stock;
	enum err_code code = page_row(page);

	if (code == ERR_OK)
		code = view_stock_read(asking->view, item, &stock, err);
	if (code != ERR_OK)
		return code;
	out_object(out);
	out_text_at(out, "item", sku_span(&stock.sku));
	if (stock.name_en.size > 0)
		out_text_at(out, "name_en", item_name_span(&stock.name_en));
	if (stock.name_zh.size > 0)
		out_text_at(out, "name_zh", item_name_span(&stock.name_zh));
	out_int_at(out, "units", units_of(balance));
	code = cells_out(asking, item, balance, err);
	if (code != ERR_OK)
		return code;
	pos_out(out, "entry", balance->pos);
	out_object_end(out);
	return page_row_end(page, sku_span(&stock.sku));
}

/* What was ever held there may be many times what is. */
static enum err_code held_visit(void *context, struct item_no item,
				struct place_no place,
				const struct balance *balance, struct err *err)
{
	struct bin_listing *listing = context;
	struct page *page = &listing->page;
	struct sku sku;
	enum err_code code = ERR_OK;

	(void)place;
	if (balance->count > 0)
		code = held_row(page, item, balance, err);
	if (code != ERR_OK || ++listing->looked < page->asking->look_max)
		return code;
	code = item_name_of(page->asking->view, item, &sku, err);
	if (code != ERR_OK)
		return code;
	page_cut(page, sku_span(&sku));
	return ERR_STOPPED;
}

static enum err_code list_bin(struct asking *asking, struct err *err)
{
	struct bin_listing listing = {.looked = 0};
	struct page *page = &listing.page;
	struct balance_key after = {.item = {0}};
	struct span name;
	struct place bin;
	enum err_code code;

	if (!asking_text(asking, "bin", PLACE_NAME_SIZE_MAX, &name))
		return ERR_OK;
	if (!place_name_is_valid(name))
		return asking_refuse(asking, &refusal_unknown_bin, name);
	bin = place_bin(name);
	code = place_find(asking->view, &bin, &after.place, err);
	if (code == ERR_NOT_FOUND)
		return asking_refuse(asking, &refusal_unknown_bin, name);
	if (code != ERR_OK)
		return code;
	out_text_at(asking->out, "bin", name);
	if (!page_begin(page, asking, "items"))
		return ERR_OK;
	if (page->after.size > 0)
		code = item_find(asking->view, page->after, &after.item, err);
	if (code == ERR_NOT_FOUND)
		return asking_refuse(asking, &bad_page, page->after);
	if (code != ERR_OK)
		return code;
	return page_end(page,
			balance_walk_bin_after(asking->view, after, held_visit,
					       &listing, err));
}

static enum err_code stock_list(struct asking *asking, struct err *err)
{
	bool has_item = json_member(asking->arguments, "item") != NULL;
	bool has_bin = json_member(asking->arguments, "bin") != NULL;
	struct fault fault;

	if (has_item && has_bin) {
		(void)fault_of(&fault, FAULT_TWO_GIVEN, "item", span_of("bin"));
		return asking_fault(asking, &fault);
	}
	if (has_item)
		return list_item(asking, err);
	if (has_bin)
		return list_bin(asking, err);
	return list_items(asking, err);
}

static const struct command_row rows[] = {
	{{"stock.list", COMMAND_QUERY, RIGHTS_READ}, stock_list, NULL},
};
const struct command_table stock_queries = {rows, ARRAY_LEN(rows)};
