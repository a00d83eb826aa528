#include "store/trace.h"

#include <string.h>

#include "store/balance.h"
#include "store/master.h"
#include "store/row.h"

#define TRACE_ROW_SIZE_MAX 96

/* A pallet stands among the serials of no item. */
static const struct item_no no_item = {0};

static struct key trace_key(struct item_no item, struct span text)
{
	struct key key = key_of_number(item.value);

	key_add_text(&key, text);
	return key;
}

enum err_code lot_get(const struct view *view, struct item_no item,
		      struct span lot, struct lot_record *ret_lot,
		      struct err *err)
{
	enum err_code code = item_renumber(view, &item, err);
	struct lot_record record;
	struct reader reader;
	struct key key;

	if (code != ERR_OK)
		return code;
	key = trace_key(item, lot);
	code = row_get(view, TABLE_LOT, key_span(&key), &reader, err);
	if (code != ERR_OK)
		return code;
	record.expiry = (uint32_t)read_varint(&reader);
	record.first = read_pos(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_LOT, err);
	*ret_lot = record;
	return ERR_OK;
}

static enum err_code where_read(struct reader *reader,
				struct whereabouts *ret_where, struct err *err)
{
	struct whereabouts where;

	where.place.value = read_u32(reader);
	where.condition = (enum condition)read_u8(reader);
	where.pos = read_pos(reader);
	where.item.value = read_u32(reader);
	where.quantity.units = read_signed(reader);
	if (!lot_set(&where.lot, read_span(reader, LOT_SIZE_MAX)) ||
	    !reader_done(reader) || where.condition > CONDITION_MAX)
		return row_garbled(TABLE_SERIAL, err);
	*ret_where = where;
	return ERR_OK;
}

static enum err_code where_get(const struct view *view, struct span key,
			       struct whereabouts *ret_where, struct err *err)
{
	struct reader reader;
	enum err_code code = row_get(view, TABLE_SERIAL, key, &reader, err);

	if (code != ERR_OK)
		return code;
	return where_read(&reader, ret_where, err);
}

enum err_code serial_get(const struct view *view, struct item_no item,
			 struct span serial, struct whereabouts *ret_where,
			 struct err *err)
{
	enum err_code code = item_renumber(view, &item, err);
	struct key key;

	if (code != ERR_OK)
		return code;
	key = trace_key(item, serial);
	return where_get(view, key_span(&key), ret_where, err);
}

enum err_code sscc_get(const struct view *view, struct span sscc,
		       struct whereabouts *ret_where, struct err *err)
{
	struct key key = trace_key(no_item, sscc);

	return where_get(view, key_span(&key), ret_where, err);
}

struct serial_walk {
	const struct view *view;
	struct item_no item;
	struct place_no place; /* the last one that was looked at; 0: none */
	bool stands;           /* there are units in it */
	uint64_t count;
};

static enum err_code serial_row(void *context, struct span key,
				struct span value, struct err *err)
{
	struct serial_walk *walk = context;
	struct whereabouts where;
	struct reader reader;
	enum err_code code = row_open(TABLE_SERIAL, key, value, &reader, err);

	if (code == ERR_OK)
		code = where_read(&reader, &where, err);
	if (code != ERR_OK || place_no_kind(where.place) != PLACE_BIN)
		return code;
	if (where.place.value != walk->place.value)
		code = balance_stands(walk->view, walk->item, where.place,
				      &walk->stands, err);
	walk->place = where.place;
	if (code == ERR_OK && walk->stands)
		walk->count++;
	return code;
}

enum err_code serial_count(const struct view *view, struct item_no item,
			   uint64_t *ret_count, struct err *err)
{
	enum err_code code = item_renumber(view, &item, err);
	struct serial_walk walk = {.view = view, .item = item};
	struct key prefix;

	ASSERT(item.value != 0);
	if (code != ERR_OK)
		return code;
	prefix = key_of_number(item.value);
	code = view_walk(view, TABLE_SERIAL, key_span(&prefix),
			 key_span(&prefix), serial_row, &walk, err);
	if (code == ERR_OK)
		*ret_count = walk.count;
	return code;
}

static enum err_code where_put(struct txn *txn, struct span key,
			       const struct whereabouts *where, struct err *err)
{
	uint8_t buffer[TRACE_ROW_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_u32(&writer, where->place.value);
	write_u8(&writer, (uint8_t)where->condition);
	write_pos(&writer, where->pos);
	write_u32(&writer, where->item.value);
	write_signed(&writer, where->quantity.units);
	write_span(&writer, lot_span(&where->lot));
	return row_put(txn, TABLE_SERIAL, key, &writer, err);
}

/* The first movement that names a lot makes its row; a later one that says
 * another expiry corrects it, since the label is the better witness. */
static enum err_code lot_fold(struct txn *txn, struct pos pos,
			      const struct movement *movement,
			      struct item_no item, struct err *err)
{
	struct span lot = lot_span(&movement->lot);
	struct key key = trace_key(item, lot);
	struct lot_record record = {0, pos};
	uint8_t buffer[TRACE_ROW_SIZE_MAX];
	struct writer writer;
	enum err_code code;

	code = lot_get(txn_view(txn), item, lot, &record, err);
	if (code == ERR_OK &&
	    (movement->expiry == 0 || movement->expiry == record.expiry))
		return ERR_OK;
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	writer_init(&writer, buffer, sizeof(buffer));
	write_varint(&writer, movement->expiry);
	write_pos(&writer, record.first);
	return row_put(txn, TABLE_LOT, key_span(&key), &writer, err);
}

enum err_code trace_fold(struct txn *txn, struct pos pos,
			 const struct movement *movement, struct item_no item,
			 struct place_no to, struct err *err)
{
	struct whereabouts where = {.place = to,
				    .condition = movement->to.condition,
				    .pos = pos,
				    .item = item,
				    .lot = movement->lot,
				    .quantity = movement->quantity};
	enum err_code code = ERR_OK;
	struct key key;

	if (movement->lot.size > 0)
		code = lot_fold(txn, pos, movement, item, err);
	if (code == ERR_OK && movement->serial.size > 0) {
		key = trace_key(item, serial_span(&movement->serial));
		code = where_put(txn, key_span(&key), &where, err);
	}
	if (code == ERR_OK && movement->sscc[0] != '\0') {
		key = trace_key(no_item,
				(struct span){movement->sscc, SSCC_SIZE});
		code = where_put(txn, key_span(&key), &where, err);
	}
	return code;
}
