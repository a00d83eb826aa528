#include "store/found.h"

#include "store/row.h"

#define DOCUMENT_FOUND 'f' /* bin, item, condition, order */
#define FOUND_ROW_SIZE_MAX 64

/* ---- rows ---- */

/* Clean text has no NUL. */
static struct key found_prefix(struct span bin, struct span item)
{
	struct key key = {.size = 0};

	key_add_u8(&key, DOCUMENT_FOUND);
	key_add_text(&key, bin);
	key_add_u8(&key, 0);
	key_add_text(&key, item);
	key_add_u8(&key, 0);
	return key;
}

static bool is_for_orders(const struct side *side)
{
	return side->condition == CONDITION_GOOD &&
	       (place_is_bin(&side->place, BIN_PICKED) ||
		place_is_bin(&side->place, BIN_PACKED));
}

static struct key found_key(struct span item, const struct side *side,
			    struct span order)
{
	struct key key = found_prefix(place_name_span(&side->place.name), item);

	key_add_u8(&key, (uint8_t)side->condition);
	if (is_for_orders(side))
		key_add_text(&key, order);
	return key;
}

static enum err_code found_read(const struct view *view, const struct key *key,
				struct found_record *ret_found, struct err *err)
{
	struct found_record found;
	struct reader reader;
	uint8_t trusted;
	enum err_code code =
		row_get(view, TABLE_DOCUMENT, key_span(key), &reader, err);

	if (code != ERR_OK)
		return code;
	found.units = read_signed(&reader);
	found.pos = read_pos(&reader);
	found.place = read_pos(&reader);
	found.effective.ms = read_signed(&reader);
	trusted = read_u8(&reader);
	if (!reader_done(&reader) || found.units <= 0 || trusted > 1)
		return row_garbled(TABLE_DOCUMENT, err);
	found.is_trusted = trusted == 1;
	*ret_found = found;
	return ERR_OK;
}

static enum err_code found_put(struct txn *txn, const struct key *key,
			       const struct found_record *found,
			       struct err *err)
{
	uint8_t buffer[FOUND_ROW_SIZE_MAX];
	struct writer writer;

	if (found->units <= 0)
		return txn_delete(txn, TABLE_DOCUMENT, key_span(key), err);
	writer_init(&writer, buffer, sizeof(buffer));
	write_signed(&writer, found->units);
	write_pos(&writer, found->pos);
	write_pos(&writer, found->place);
	write_signed(&writer, found->effective.ms);
	write_u8(&writer, found->is_trusted);
	return row_put(txn, TABLE_DOCUMENT, key_span(key), &writer, err);
}

enum err_code found_get(const struct view *view, struct span item,
			const struct side *side, struct span order,
			struct found_record *ret_found, struct err *err)
{
	struct key key = found_key(item, side, order);

	return found_read(view, &key, ret_found, err);
}

/* ---- folding ---- */

static struct span order_of(const struct entry *entry)
{
	return entry->ref.kind == REF_ORDER ? ref_span(&entry->ref.text)
					    : (struct span){"", 0};
}

/* A sum beyond int64 says no more than the largest. */
static enum err_code more_fold(struct txn *txn, struct pos pos,
			       const struct entry *entry, struct err *err)
{
	const struct movement *movement = &entry->body.movement;
	struct key key = found_key(sku_span(&movement->item), &movement->to,
				   order_of(entry));
	struct found_record found = {.units = 0};
	enum err_code code = found_read(txn_view(txn), &key, &found, err);

	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	if (__builtin_add_overflow(found.units, movement->quantity.units,
				   &found.units))
		found.units = INT64_MAX;
	found.pos = pos;
	found.place = entry->regained.value != 0 ? entry->regained : pos;
	found.effective = entry->effective;
	found.is_trusted = (entry->clock_flags & ENTRY_EFFECTIVE_TRUSTED) != 0;
	return found_put(txn, &key, &found, err);
}

static enum err_code less_fold(struct txn *txn, const struct entry *entry,
			       struct err *err)
{
	const struct movement *movement = &entry->body.movement;
	struct key key = found_key(sku_span(&movement->item), &movement->from,
				   order_of(entry));
	struct found_record found;
	enum err_code code = found_read(txn_view(txn), &key, &found, err);

	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	found.units -= movement->quantity.units;
	return found_put(txn, &key, &found, err);
}

/* From here on the count says what stands there. One that came back is older
 * than what was found since. */
static enum err_code count_fold(struct txn *txn, const struct entry *entry,
				struct err *err)
{
	const struct count *count = &entry->body.count;
	struct key prefix = found_prefix(place_name_span(&count->bin),
					 sku_span(&count->item));

	if (count->verdict != COUNT_ACCEPTED || entry->regained.value != 0)
		return ERR_OK;
	return rows_clear(txn, TABLE_DOCUMENT, key_span(&prefix), err);
}

enum err_code found_fold(struct txn *txn, struct pos pos,
			 const struct entry *entry, struct err *err)
{
	const struct movement *movement = &entry->body.movement;

	if (entry->kind == ENTRY_COUNT)
		return count_fold(txn, entry, err);
	if (entry->kind != ENTRY_MOVEMENT)
		return ERR_OK;
	if (movement->kind == MOVEMENT_FOUND &&
	    movement->to.place.kind == PLACE_BIN)
		return more_fold(txn, pos, entry, err);
	if (movement->kind == MOVEMENT_REVERSE &&
	    movement->from.place.kind == PLACE_BIN &&
	    movement->to.place.kind == PLACE_FOUND)
		return less_fold(txn, entry, err);
	return ERR_OK;
}
