#include "gateway/core/view_parts.h"

#include <inttypes.h>

/* What follows the rows: as_of, clock, fresh_for_s, epoch and pos; in changes
 * also the two names. */
#define CHUNK_TAIL_SIZE 160
#define CHANGES_TAIL_SIZE 256

/* "16777215.1099511627775.4294967295" */
#define LINK_PRINT_SIZE 40

static void row_out(const struct stock *stock, struct json_out *out)
{
	const struct tally *tally = &stock->tally;

	out_array(out);
	out_text(out, sku_span(&stock->sku));
	out_int(out, tally->on_hand.units);
	out_int(out, tally->available.units);
	out_int(out, tally->reserved.units);
	out_int(out, tally->allocated.units);
	out_int(out, tally->on_hold.units);
	out_int(out, tally->quarantine.units);
	out_int(out, tally->damaged.units);
	out_int(out, (int64_t)pos_number(stock->pos));
	out_int(out, pos_epoch(stock->pos));
	out_array_end(out);
}

/* Writes a row, or nothing if there is no room for it. */
static bool row_add(const struct stock *stock, struct json_out *out)
{
	struct json_mark mark = out_mark(out);

	row_out(stock, out);
	if (out_ok(out))
		return true;
	out_rollback(out, mark);
	return false;
}

static enum err_code rows_out(const struct view *view,
			      const struct view_chunk *chunk,
			      struct json_out *out, uint32_t *ret_next,
			      struct err *err)
{
	size_t rows = 0;
	uint32_t at;

	for (at = chunk->first; at < chunk->end; at++) {
		struct stock stock;
		enum err_code code;

		code = view_stock_read(view, (struct item_no){at}, &stock, err);
		if (code != ERR_OK)
			return code;
		if (stock.has_left)
			continue;
		if (rows == chunk->rows_max || !row_add(&stock, out))
			break;
		rows++;
	}
	*ret_next = at;
	return ERR_OK;
}

enum err_code view_chunk_print(const struct view *view,
			       const struct view_chunk *chunk,
			       const struct view_age *age, struct json_out *out,
			       uint32_t *ret_next, struct err *err)
{
	enum err_code code;

	out_object(out);
	out_int_at(out, "v", VIEW_VERSION);
	out_int_at(out, "chunk", chunk->number);
	out_int_at(out, "chunks", chunk->count);
	out_reserve(out, CHUNK_TAIL_SIZE);
	out_array_at(out, "rows");
	code = rows_out(view, chunk, out, ret_next, err);
	if (code != ERR_OK)
		return code;
	out_reserve(out, 0);
	out_array_end(out);
	view_age_out(age, out);
	view_pos_out(chunk->head, out);
	out_object_end(out);
	return ERR_OK;
}

/* ---- changes ---- */

void view_changes_begin(struct json_out *out)
{
	out_object(out);
	out_int_at(out, "v", VIEW_VERSION);
	out_reserve(out, CHANGES_TAIL_SIZE);
	out_array_at(out, "rows");
}

bool view_changes_has_room(const struct json_out *out)
{
	return out->capacity - out->size >=
	       VIEW_ROW_SIZE_MAX + CHANGES_TAIL_SIZE;
}

void view_changes_add(struct json_out *out, const struct stock *stock)
{
	if (!stock->has_left) {
		row_out(stock, out);
		return;
	}
	/* A row with nothing but its item: it has left the site. */
	out_array(out);
	out_text(out, sku_span(&stock->sku));
	out_array_end(out);
}

static void link_out(const char *key, const struct view_link *link,
		     struct json_out *out)
{
	char text[LINK_PRINT_SIZE];
	bool fits = text_format(text, sizeof(text),
				"%" PRIu32 ".%" PRIu64 ".%" PRIu32,
				pos_epoch(link->pos), pos_number(link->pos),
				link->part);

	ASSERT(fits);
	out_string_at(out, key, text);
}

void view_changes_end(struct json_out *out, const struct view_link *link,
		      const struct view_link *previous,
		      const struct view_age *age)
{
	out_reserve(out, 0);
	out_array_end(out);
	link_out("id", link, out);
	if (previous != NULL)
		link_out("prev", previous, out);
	else
		out_null_at(out, "prev");
	view_age_out(age, out);
	view_pos_out(link->pos, out);
	out_object_end(out);
}
