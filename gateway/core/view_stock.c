#include "gateway/core/view_parts.h"

#include "gateway/core/terms.h"
#include "store/balance.h"
#include "store/journal.h"
#include "store/site.h"
#include "store/transfer.h"
#include "store/master.h"

/* ---- reading ---- */

/* Names, unit, and whether it is still in use. */
static enum err_code record_read(const struct view *view, struct stock *stock,
				 bool *ret_is_inactive, struct err *err)
{
	struct item item;
	enum err_code code = item_get(view, stock->item, &item, err);

	*ret_is_inactive = false;
	if (code == ERR_NOT_FOUND)
		return ERR_OK; /* moved, but never described */
	if (code != ERR_OK)
		return code;
	stock->name_en = item.name_en;
	stock->name_zh = item.name_zh;
	stock->unit = item.unit;
	*ret_is_inactive = item.is_inactive;
	return ERR_OK;
}

static enum err_code changed_read(const struct view *view, struct stock *stock,
				  struct err *err)
{
	struct entry entry;
	enum err_code code;

	if (stock->pos.value == 0)
		return ERR_OK;
	code = journal_read(view, stock->pos, &entry, err);
	if (code == ERR_NOT_FOUND || code == ERR_VERSION)
		return ERR_OK; /* before what is kept here, or newer than us */
	if (code != ERR_OK)
		return code;
	stock->changed_at = stamp_moment(entry.stamp);
	stock->has_changed_at = (entry.clock_flags & ENTRY_CLOCK_TRUSTED) != 0;
	return ERR_OK;
}

struct inbound {
	uint32_t site;
	int64_t units;
};

/* What came before its sender's word does not make up for what is still to
 * come of another transfer. Senders may say more than there are numbers for. */
static enum err_code inbound_add(void *context, struct span id, int64_t units,
				 struct err *err)
{
	struct inbound *inbound = context;

	(void)err;
	if (units > 0 &&
	    transfer_side_of(inbound->site, id) == TRANSFER_ADDRESSEE &&
	    __builtin_add_overflow(inbound->units, units, &inbound->units))
		inbound->units = INT64_MAX;
	return ERR_OK;
}

static enum err_code inbound_read(const struct view *view, struct stock *stock,
				  struct err *err)
{
	struct inbound inbound = {.units = 0};
	enum err_code code = site_number_get(view, &inbound.site, err);

	if (code == ERR_OK && inbound.site != 0)
		code = transfer_ways(view, sku_span(&stock->sku), inbound_add,
				     &inbound, err);
	stock->in_transit_in = inbound.units;
	return code;
}

enum err_code view_stock_read(const struct view *view, struct item_no item,
			      struct stock *ret_stock, struct err *err)
{
	struct stock stock = {.item = item};
	bool is_inactive;
	enum err_code code;

	code = item_name_of(view, item, &stock.sku, err);
	if (code == ERR_OK)
		code = record_read(view, &stock, &is_inactive, err);
	if (code == ERR_OK)
		code = balance_tally(view, item, &stock.tally, &stock.pos, err);
	if (code == ERR_OK)
		code = changed_read(view, &stock, err);
	if (code == ERR_OK)
		code = inbound_read(view, &stock, err);
	if (code != ERR_OK)
		return code;
	stock.has_left = is_inactive && stock.tally.on_hand.units == 0;
	*ret_stock = stock;
	return ERR_OK;
}

/* ---- what payloads share ---- */

void view_moment_out(const char *key, struct moment moment, bool is_trusted,
		     struct json_out *out)
{
	if (is_trusted)
		out_moment_at(out, key, moment);
	else
		out_null_at(out, key);
}

void view_when_out(const char *key, struct moment moment, bool is_trusted,
		   struct json_out *out)
{
	view_moment_out(key, moment, is_trusted, out);
	if (is_trusted)
		return;
	out_string_at(out, "clock", "untrusted");
	out_moment_at(out, "clock_time", moment);
}

void view_age_out(const struct view_age *age, struct json_out *out)
{
	view_moment_out("as_of", age->as_of,
			age->clock_trusted && age->as_of.ms != 0, out);
	out_string_at(out, "clock",
		      age->clock_trusted ? "trusted" : "untrusted");
	out_int_at(out, "fresh_for_s", age->fresh_for_s);
}

void view_pos_out(struct pos pos, struct json_out *out)
{
	out_int_at(out, "epoch", pos_epoch(pos));
	out_int_at(out, "pos", (int64_t)pos_number(pos));
}

/* ---- the payload ---- */

static void describe_out(const struct stock *stock, struct json_out *out)
{
	out_text_at(out, "item", sku_span(&stock->sku));
	if (stock->name_en.size > 0)
		out_text_at(out, "name_en", item_name_span(&stock->name_en));
	if (stock->name_zh.size > 0)
		out_text_at(out, "name_zh", item_name_span(&stock->name_zh));
	if (stock->unit != 0)
		out_string_at(out, "unit", term_name(TERM_UNIT, stock->unit));
}

static void figures_out(const struct stock *stock, struct json_out *out)
{
	const struct tally *tally = &stock->tally;

	out_int_at(out, "on_hand", tally->on_hand.units);
	out_int_at(out, "available", tally->available.units);
	out_int_at(out, "reserved", tally->reserved.units);
	out_int_at(out, "allocated", tally->allocated.units);
	out_int_at(out, "on_hold", tally->on_hold.units);
	out_int_at(out, "quarantine", tally->quarantine.units);
	out_int_at(out, "damaged", tally->damaged.units);
	out_int_at(out, "in_transit_in", stock->in_transit_in);
	/* It keeps no purchase orders yet, so there are none. */
	out_int_at(out, "on_order", 0);
	out_int_at(out, "atp", tally->available.units);
}

void view_stock_print(const struct stock *stock, const struct view_age *age,
		      struct json_out *out)
{
	out_object(out);
	out_int_at(out, "v", VIEW_VERSION);
	describe_out(stock, out);
	figures_out(stock, out);
	view_age_out(age, out);
	view_moment_out("changed_at", stock->changed_at, stock->has_changed_at,
			out);
	view_pos_out(stock->pos, out);
	out_object_end(out);
}

void view_stock_members(const struct stock *stock, struct json_out *out)
{
	describe_out(stock, out);
	figures_out(stock, out);
	view_moment_out("changed_at", stock->changed_at, stock->has_changed_at,
			out);
	view_pos_out(stock->pos, out);
}
