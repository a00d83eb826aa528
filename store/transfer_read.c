/*
 * Reading what transfer.c folds.
 */
#include <string.h>

#include "store/journal.h"
#include "store/past.h"
#include "store/transfer_rows.h"

/* ---- sums ---- */

struct key transfer_item_key(enum transfer_origin origin, struct span id,
			     struct span item, enum transfer_side side)
{
	struct key key = transfer_key(origin, TRANSFER_ROW_ITEM, id);

	key_add_text(&key, item);
	key_add_u8(&key, 0);
	key_add_u8(&key, (uint8_t)side);
	return key;
}

struct transfer_sums transfer_sums_read(struct reader *reader)
{
	struct transfer_sums sums;

	sums.shipped = read_signed(reader);
	sums.surplus = read_signed(reader);
	sums.good = read_signed(reader);
	sums.damaged = read_signed(reader);
	sums.claimed = read_signed(reader);
	sums.lost = read_signed(reader);
	return sums;
}

enum err_code transfer_item_add(const struct view *view, const struct key *key,
				struct transfer_sums *sums, struct err *err)
{
	struct transfer_sums more;
	struct reader reader;
	enum err_code code =
		row_get(view, TABLE_TRANSFER, key_span(key), &reader, err);

	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	more = transfer_sums_read(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_TRANSFER, err);
	if (!transfer_sums_add(sums, &more))
		return err_set(err, ERR_OVERFLOW, "more than 2^63 units");
	return ERR_OK;
}

struct item_of_transfer {
	enum transfer_origin origin;
	struct span id;
	struct span item;
};

static enum err_code sides_add(const struct view *view,
			       const struct item_of_transfer *of,
			       struct transfer_sums *sums, struct err *err)
{
	enum err_code code = ERR_OK;

	for (int side = TRANSFER_SENDER; side <= TRANSFER_HQ && code == ERR_OK;
	     side++) {
		struct key key = transfer_item_key(of->origin, of->id, of->item,
						   (enum transfer_side)side);

		code = transfer_item_add(view, &key, sums, err);
	}
	return code;
}

enum err_code transfer_sums_own(const struct view *view, struct span id,
				struct span item,
				struct transfer_sums *ret_sums, struct err *err)
{
	struct item_of_transfer of = {ORIGIN_OWN, id, item};
	struct transfer_sums sums = {.shipped = 0};
	enum err_code code = sides_add(view, &of, &sums, err);

	if (code == ERR_OK)
		*ret_sums = sums;
	return code;
}

enum err_code transfer_sums(const struct view *view, struct span id,
			    struct span item, struct transfer_sums *ret_sums,
			    struct err *err)
{
	struct item_of_transfer of = {ORIGIN_FEEDS, id, item};
	struct transfer_sums sums;
	enum err_code code = transfer_sums_own(view, id, item, &sums, err);

	if (code == ERR_OK)
		code = sides_add(view, &of, &sums, err);
	if (code == ERR_OK)
		*ret_sums = sums;
	return code;
}

/* ---- what the sides say of a transfer as a whole ---- */

static enum err_code word_read(struct reader *reader, enum entry_kind kind,
			       struct pos *ret_pos, struct entry *ret_entry,
			       struct err *err)
{
	struct pos pos = read_pos(reader);
	struct span bytes = read_raw(reader, reader_left(reader));

	if (!reader_done(reader) || entry_decode(bytes, ret_entry) != ERR_OK ||
	    ret_entry->kind != kind)
		return row_garbled(TABLE_TRANSFER, err);
	*ret_pos = pos;
	return ERR_OK;
}

/* What a side said, in whichever origin; of two, what it said in its journal
 * is newer than what came round through a feed. */
static enum err_code word_get(const struct view *view, struct span id,
			      enum transfer_side side,
			      struct transfer_word *ret_word, struct err *err)
{
	struct transfer_word word = {.is_said = false};
	struct entry entry;

	for (int origin = ORIGIN_OWN; origin <= ORIGIN_FEEDS; origin++) {
		struct key key = transfer_key((enum transfer_origin)origin,
					      TRANSFER_ROW_WORD, id);
		struct reader reader;
		enum err_code code;

		key_add_u8(&key, (uint8_t)side);
		code = row_get(view, TABLE_TRANSFER, key_span(&key), &reader,
			       err);
		if (code == ERR_NOT_FOUND)
			continue;
		if (code == ERR_OK)
			code = word_read(&reader, ENTRY_TRANSFER, &word.pos,
					 &entry, err);
		if (code != ERR_OK)
			return code;
		word.is_said = true;
		word.transfer = entry.body.transfer;
		word.effective = entry.effective;
		break;
	}
	*ret_word = word;
	return ERR_OK;
}

static enum transfer_state state_of(const struct transfer_word *word)
{
	return word->is_said ? word->transfer.state : (enum transfer_state)0;
}

static enum err_code record_fill(const struct view *view, struct span id,
				 struct reader *head,
				 struct transfer_record *ret_record,
				 struct err *err)
{
	struct transfer_record record = {.unsettled = read_varint(head)};
	enum err_code code;

	if (!reader_done(head) || !place_name_set(&record.id, id))
		return row_garbled(TABLE_TRANSFER, err);
	code = word_get(view, id, TRANSFER_SENDER, &record.sender, err);
	if (code == ERR_OK)
		code = word_get(view, id, TRANSFER_ADDRESSEE, &record.addressee,
				err);
	if (code == ERR_OK)
		code = word_get(view, id, TRANSFER_HQ, &record.hq, err);
	if (code != ERR_OK)
		return code;
	record.states.sender = state_of(&record.sender);
	record.states.addressee = state_of(&record.addressee);
	record.states.hq = state_of(&record.hq);
	record.states.is_reopened =
		record.unsettled > 0 &&
		transfer_reopens(&record.states, record.sender.pos,
				 record.addressee.transfer.answers);
	*ret_record = record;
	return ERR_OK;
}

enum err_code transfer_get(const struct view *view, struct span id,
			   struct transfer_record *ret_record, struct err *err)
{
	struct key key = {.size = 0};
	struct reader reader;
	enum err_code code;

	if (id.size > PLACE_NAME_SIZE_MAX)
		return ERR_NOT_FOUND;
	key = transfer_key(ORIGIN_BOTH, TRANSFER_ROW_HEAD, id);
	code = row_get(view, TABLE_TRANSFER, key_span(&key), &reader, err);
	if (code != ERR_OK)
		return code;
	return record_fill(view, id, &reader, ret_record, err);
}

struct heads {
	const struct view *view;
	transfer_visit_fn *visit;
	void *context;
	struct span after;
};

static enum err_code head_visit(void *context, struct span key,
				struct span value, struct err *err)
{
	struct heads *heads = context;
	struct transfer_record record;
	struct reader reader;
	struct span id;
	struct span none;
	enum err_code code;

	if (!transfer_key_split(key, &id, &none))
		return row_garbled(TABLE_TRANSFER, err);
	if (span_equal(id, heads->after))
		return ERR_OK;
	code = row_open(TABLE_TRANSFER, key, value, &reader, err);
	if (code == ERR_OK)
		code = record_fill(heads->view, id, &reader, &record, err);
	if (code != ERR_OK)
		return code;
	return heads->visit(heads->context, &record, err);
}

enum err_code transfer_walk(const struct view *view, struct span after,
			    transfer_visit_fn *visit, void *context,
			    struct err *err)
{
	static const char prefix[] = {ORIGIN_BOTH, TRANSFER_ROW_HEAD};
	struct heads heads = {view, visit, context, after};
	struct key from = transfer_key(ORIGIN_BOTH, TRANSFER_ROW_HEAD, after);

	from.size--; /* without the NUL: ids that begin with @after follow */
	return view_walk(view, TABLE_TRANSFER, key_span(&from),
			 (struct span){prefix, sizeof(prefix)}, head_visit,
			 &heads, err);
}

/* ---- items ---- */

struct items {
	const struct view *view;
	struct span id;
	enum transfer_origin origin;
	struct sku last;
	transfer_item_fn *visit;
	void *context;
};

static enum err_code any_row(void *context, struct span key, struct span value,
			     struct err *err)
{
	bool *is_there = context;

	(void)key, (void)value, (void)err;
	*is_there = true;
	return ERR_STOPPED;
}

/* Whether the site's own journal speaks of the item, too. */
static enum err_code is_own(const struct items *items, struct span item,
			    bool *ret_is_own, struct err *err)
{
	struct key key = transfer_key(ORIGIN_OWN, TRANSFER_ROW_ITEM, items->id);
	enum err_code code;

	*ret_is_own = false;
	key_add_text(&key, item);
	key_add_u8(&key, 0);
	code = view_walk(items->view, TABLE_TRANSFER, key_span(&key),
			 key_span(&key), any_row, ret_is_own, err);
	return code == ERR_STOPPED ? ERR_OK : code;
}

static enum err_code item_visit(void *context, struct span key,
				struct span value, struct err *err)
{
	struct items *items = context;
	struct transfer_sums sums;
	struct span id;
	struct span item;
	bool is_seen = false;
	enum err_code code = ERR_OK;

	(void)value;
	if (!transfer_key_split(key, &id, &item) || item.size == 0)
		return row_garbled(TABLE_TRANSFER, err);
	if (span_equal(item, sku_span(&items->last)))
		return ERR_OK;
	if (!sku_set(&items->last, item))
		return row_garbled(TABLE_TRANSFER, err);
	if (items->origin == ORIGIN_FEEDS)
		code = is_own(items, item, &is_seen, err);
	if (code != ERR_OK || is_seen)
		return code;
	code = transfer_sums(items->view, items->id, item, &sums, err);
	if (code != ERR_OK)
		return code;
	return items->visit(items->context, &items->last, &sums, err);
}

enum err_code transfer_items(const struct view *view, struct span id,
			     transfer_item_fn *visit, void *context,
			     struct err *err)
{
	enum err_code code = ERR_OK;

	for (int origin = ORIGIN_OWN; origin <= ORIGIN_FEEDS && code == ERR_OK;
	     origin++) {
		struct items items = {.view = view,
				      .id = id,
				      .origin = (enum transfer_origin)origin,
				      .visit = visit,
				      .context = context};
		struct key key =
			transfer_key(items.origin, TRANSFER_ROW_ITEM, id);

		code = view_walk(view, TABLE_TRANSFER, key_span(&key),
				 key_span(&key), item_visit, &items, err);
	}
	return code;
}

/* ---- lines ---- */

struct lines {
	enum transfer_side side;
	transfer_line_fn *visit;
	void *context;
};

static enum err_code line_visit(void *context, struct span key,
				struct span value, struct err *err)
{
	struct lines *lines = context;
	struct transfer_line line = {.side = lines->side};
	struct reader reader;
	struct span id;
	struct span item;
	enum err_code code = row_open(TABLE_TRANSFER, key, value, &reader, err);

	if (code != ERR_OK)
		return code;
	/* The side stands before the item. */
	if (!transfer_key_split(key, &id, &item) || item.size < 2)
		return row_garbled(TABLE_TRANSFER, err);
	item.data++;
	item.size--;
	if (!sku_set(&line.item, item) || !transfer_line_read(&reader, &line))
		return row_garbled(TABLE_TRANSFER, err);
	return lines->visit(lines->context, &line, err);
}

enum err_code transfer_lines(const struct view *view, struct span id,
			     enum transfer_side side, struct span item,
			     transfer_line_fn *visit, void *context,
			     struct err *err)
{
	struct lines lines = {side, visit, context};
	enum err_code code = ERR_OK;

	for (int origin = ORIGIN_OWN; origin <= ORIGIN_FEEDS && code == ERR_OK;
	     origin++) {
		struct key key = transfer_key((enum transfer_origin)origin,
					      TRANSFER_ROW_LINE, id);

		key_add_u8(&key, (uint8_t)side);
		if (item.size > 0) {
			key_add_text(&key, item);
			key_add_u8(&key, 0);
		}
		code = view_walk(view, TABLE_TRANSFER, key_span(&key),
				 key_span(&key), line_visit, &lines, err);
	}
	return code;
}

enum err_code transfer_line_find(const struct view *view, struct span id,
				 struct transfer_line *line, struct err *err)
{
	struct transfer_line found = *line;

	found.expiry = 0;
	found.sums = (struct transfer_sums){.shipped = 0};
	for (int origin = ORIGIN_OWN; origin <= ORIGIN_FEEDS; origin++) {
		uint64_t hash = transfer_line_hash(line);
		enum err_code code = ERR_OK;

		while (code == ERR_OK) {
			struct key key = transfer_line_key(
				(enum transfer_origin)origin, id, line, hash++);
			struct transfer_line row = *line;
			struct reader reader;

			code = row_get(view, TABLE_TRANSFER, key_span(&key),
				       &reader, err);
			if (code == ERR_OK &&
			    !transfer_line_read(&reader, &row))
				code = row_garbled(TABLE_TRANSFER, err);
			if (code != ERR_OK || !transfer_line_is(&row, line))
				continue;
			found.expiry = row.expiry;
			if (!transfer_sums_add(&found.sums, &row.sums))
				return err_set(err, ERR_OVERFLOW,
					       "more than 2^63 units");
			break;
		}
		if (code != ERR_OK && code != ERR_NOT_FOUND)
			return code;
	}
	*line = found;
	return ERR_OK;
}

/* ---- pallets, numbers ---- */

struct pallets {
	transfer_pallet_fn *visit;
	void *context;
};

static enum err_code pallet_visit(void *context, struct span key,
				  struct span value, struct err *err)
{
	struct pallets *pallets = context;
	struct span sscc;
	struct span id;

	(void)value;
	if (!transfer_key_split(key, &sscc, &id))
		return row_garbled(TABLE_TRANSFER, err);
	return pallets->visit(pallets->context, id, err);
}

enum err_code transfer_pallets(const struct view *view, struct span sscc,
			       transfer_pallet_fn *visit, void *context,
			       struct err *err)
{
	struct pallets pallets = {visit, context};
	enum err_code code = ERR_OK;

	for (int origin = ORIGIN_OWN; origin <= ORIGIN_FEEDS && code == ERR_OK;
	     origin++) {
		struct key key = transfer_key((enum transfer_origin)origin,
					      TRANSFER_ROW_SSCC, sscc);

		code = view_walk(view, TABLE_TRANSFER, key_span(&key),
				 key_span(&key), pallet_visit, &pallets, err);
	}
	return code;
}

enum err_code transfer_last_number(const struct view *view, uint32_t from,
				   uint64_t *ret_number, struct err *err)
{
	struct key key = transfer_count_key(from);
	struct reader reader;
	uint64_t number = 0;
	enum err_code code =
		row_get(view, TABLE_TRANSFER, key_span(&key), &reader, err);

	if (code == ERR_OK) {
		number = read_varint(&reader);
		if (!reader_done(&reader) || number > TRANSFER_NUMBER_MAX)
			return row_garbled(TABLE_TRANSFER, err);
	} else if (code != ERR_NOT_FOUND) {
		return code;
	}
	*ret_number = number;
	return ERR_OK;
}

enum err_code transfer_next_number(const struct view *view, uint32_t from,
				   uint64_t *ret_number, struct err *err)
{
	struct past past = {.count = 0};
	struct journal_head head;
	uint64_t last = 0;
	uint64_t life = 0;
	enum err_code code = transfer_last_number(view, from, &last, err);

	if (code == ERR_OK)
		code = journal_head_get(view, &head, err);
	if (code == ERR_OK)
		code = past_read(view, from, &past, err);
	if (code != ERR_OK)
		return code;
	if (past.count > 0)
		life = pos_epoch(head.pos) * TRANSFER_LIFE_NUMBERS;
	if (last < life)
		last = life;
	if (last == TRANSFER_NUMBER_MAX)
		return err_set(err, ERR_OVERFLOW, "no transfer number is left");
	*ret_number = last + 1;
	return ERR_OK;
}

/* ---- claims ---- */

struct claims {
	transfer_claim_fn *visit;
	void *context;
};

static enum err_code claim_visit(void *context, struct span key,
				 struct span value, struct err *err)
{
	struct claims *claims = context;
	struct reader reader;
	struct entry entry;
	struct pos pos;
	enum err_code code = row_open(TABLE_TRANSFER, key, value, &reader, err);

	if (code == ERR_OK)
		code = word_read(&reader, ENTRY_CLAIM, &pos, &entry, err);
	if (code != ERR_OK)
		return code;
	return claims->visit(claims->context, &entry.body.claim,
			     (enum transfer_side)key.data[key.size - 1], err);
}

enum err_code transfer_claims(const struct view *view, struct span id,
			      transfer_claim_fn *visit, void *context,
			      struct err *err)
{
	struct claims claims = {visit, context};
	enum err_code code = ERR_OK;

	for (int origin = ORIGIN_OWN; origin <= ORIGIN_FEEDS && code == ERR_OK;
	     origin++) {
		struct key key = transfer_key((enum transfer_origin)origin,
					      TRANSFER_ROW_CLAIM, id);

		code = view_walk(view, TABLE_TRANSFER, key_span(&key),
				 key_span(&key), claim_visit, &claims, err);
	}
	return code;
}

/* ---- what is on its way ---- */

struct ways {
	transfer_way_fn *visit;
	void *context;
};

static enum err_code way_visit(void *context, struct span key,
			       struct span value, struct err *err)
{
	struct ways *ways = context;
	struct reader reader;
	struct span item;
	struct span id;
	int64_t units;
	enum err_code code = row_open(TABLE_TRANSFER, key, value, &reader, err);

	if (code != ERR_OK)
		return code;
	if (reader_left(&reader) == 0)
		return ERR_OK;
	units = read_signed(&reader);
	if (!transfer_key_split(key, &item, &id) || !reader_done(&reader))
		return row_garbled(TABLE_TRANSFER, err);
	return ways->visit(ways->context, id, units, err);
}

enum err_code transfer_ways(const struct view *view, struct span item,
			    transfer_way_fn *visit, void *context,
			    struct err *err)
{
	struct ways ways = {visit, context};
	struct key key = transfer_key(ORIGIN_BOTH, TRANSFER_ROW_WAY, item);

	return view_walk(view, TABLE_TRANSFER, key_span(&key), key_span(&key),
			 way_visit, &ways, err);
}
