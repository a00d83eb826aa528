#include "store/session.h"

#include "rules/base/qty.h"
#include "store/row.h"

/* Kinds of rows, so that a walk over sessions passes no tally. */
#define ROW_SESSION 1
#define ROW_TALLY 2 /* and, without item and lot, how many a device has */

/* Texts, and what the numbers take: 15 of them, at most 10 bytes each. */
#define SESSION_ROW_SIZE_MAX                                               \
	(2 * PLACE_NAME_SIZE_MAX + REF_SIZE_MAX + LOT_SIZE_MAX + 15 * 10 + \
	 ROW_CHECKSUM_SIZE)

static struct key device_key(uint8_t kind, struct device_no device)
{
	struct key key = {.size = 0};

	key_add_u8(&key, kind);
	key_add_u32(&key, device.value);
	return key;
}

/* ---- sessions ---- */

static void tally_write(struct writer *writer,
			const struct session_tally *tally)
{
	write_varint(writer, tally->item.value);
	write_span(writer, lot_span(&tally->lot));
	write_signed(writer, tally->units);
}

static bool tally_read(struct reader *reader, struct session_tally *tally)
{
	uint64_t item = read_varint(reader);
	struct span lot = read_span(reader, LOT_SIZE_MAX);

	tally->item.value = (uint32_t)item;
	tally->units = read_signed(reader);
	return item <= UINT32_MAX && tally->units >= 0 &&
	       lot_set(&tally->lot, lot);
}

static enum err_code session_read(struct reader *reader,
				  struct session *ret_session, struct err *err)
{
	struct session session;
	struct span bin;
	struct span to;
	struct span order;
	uint64_t lines;
	bool is_tally;

	session.op = read_u8(reader);
	bin = read_span(reader, PLACE_NAME_SIZE_MAX);
	to = read_span(reader, PLACE_NAME_SIZE_MAX);
	order = read_span(reader, REF_SIZE_MAX);
	session.quantity = read_varint(reader);
	session.started.ms = read_signed(reader);
	session.last.ms = read_signed(reader);
	session.bin_pos = read_pos(reader);
	session.undo_first = read_pos(reader);
	session.undo_last = read_pos(reader);
	lines = read_varint(reader);
	session.lines = (uint32_t)lines;
	is_tally = tally_read(reader, &session.undo_tally);
	if (!reader_done(reader) || lines > UINT32_MAX || !is_tally ||
	    !place_name_set(&session.bin, bin) ||
	    !place_name_set(&session.to, to) || !ref_set(&session.order, order))
		return row_garbled(TABLE_SESSION, err);
	*ret_session = session;
	return ERR_OK;
}

enum err_code session_get(const struct view *view, struct device_no device,
			  struct session *ret_session, struct err *err)
{
	struct key key = device_key(ROW_SESSION, device);
	struct reader reader;
	enum err_code code =
		row_get(view, TABLE_SESSION, key_span(&key), &reader, err);

	if (code != ERR_OK)
		return code;
	return session_read(&reader, ret_session, err);
}

enum err_code session_put(struct txn *txn, struct device_no device,
			  const struct session *session, struct err *err)
{
	struct key key = device_key(ROW_SESSION, device);
	uint8_t buffer[SESSION_ROW_SIZE_MAX];
	struct writer writer;

	ASSERT(device.value != 0);
	writer_init(&writer, buffer, sizeof(buffer));
	write_u8(&writer, session->op);
	write_span(&writer, place_name_span(&session->bin));
	write_span(&writer, place_name_span(&session->to));
	write_span(&writer, ref_span(&session->order));
	write_varint(&writer, session->quantity);
	write_signed(&writer, session->started.ms);
	write_signed(&writer, session->last.ms);
	write_pos(&writer, session->bin_pos);
	write_pos(&writer, session->undo_first);
	write_pos(&writer, session->undo_last);
	write_varint(&writer, session->lines);
	tally_write(&writer, &session->undo_tally);
	return row_put(txn, TABLE_SESSION, key_span(&key), &writer, err);
}

enum err_code session_end(struct txn *txn, struct device_no device,
			  struct err *err)
{
	struct key key = device_key(ROW_SESSION, device);
	enum err_code code = session_tallies_clear(txn, device, err);

	if (code != ERR_OK)
		return code;
	code = txn_delete(txn, TABLE_SESSION, key_span(&key), err);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

struct each {
	session_each_fn *visit;
	void *context;
};

static enum err_code each_row(void *context, struct span key, struct span value,
			      struct err *err)
{
	struct each *each = context;
	struct session session;
	struct device_no device;
	struct reader reader;
	enum err_code code;

	reader_init(&reader, key.data, key.size);
	(void)read_u8(&reader); /* the walk's prefix */
	device.value = read_u32(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_SESSION, err);
	code = row_open(TABLE_SESSION, key, value, &reader, err);
	if (code == ERR_OK)
		code = session_read(&reader, &session, err);
	if (code != ERR_OK)
		return code;
	return each->visit(each->context, device, &session, err);
}

enum err_code session_walk(const struct view *view, session_each_fn *visit,
			   void *context, struct err *err)
{
	static const char kind = ROW_SESSION;
	struct each each = {visit, context};
	struct span prefix = {&kind, 1};

	return view_walk(view, TABLE_SESSION, prefix, prefix, each_row, &each,
			 err);
}

/* ---- tallies ---- */

static struct key tally_key(struct device_no device,
			    const struct session_tally *tally)
{
	struct key key = device_key(ROW_TALLY, device);

	key_add_u32(&key, tally->item.value);
	key_add_text(&key, lot_span(&tally->lot));
	return key;
}

/* A row of one number; 0 if there is none. */
static enum err_code number_get(const struct view *view, struct span key,
				int64_t *ret_number, struct err *err)
{
	struct reader reader;
	int64_t number;
	enum err_code code = row_get(view, TABLE_SESSION, key, &reader, err);

	if (code == ERR_NOT_FOUND) {
		*ret_number = 0;
		return ERR_OK;
	}
	if (code != ERR_OK)
		return code;
	number = read_signed(&reader);
	if (!reader_done(&reader) || number <= 0)
		return row_garbled(TABLE_SESSION, err);
	*ret_number = number;
	return ERR_OK;
}

static enum err_code number_put(struct txn *txn, struct span key,
				int64_t number, struct err *err)
{
	uint8_t buffer[10 + ROW_CHECKSUM_SIZE];
	struct writer writer;

	if (number == 0)
		return txn_delete(txn, TABLE_SESSION, key, err);
	writer_init(&writer, buffer, sizeof(buffer));
	write_signed(&writer, number);
	return row_put(txn, TABLE_SESSION, key, &writer, err);
}

/* Counts the device's tallies one up or down. */
static enum err_code tallies_step(struct txn *txn, struct device_no device,
				  int64_t step, struct err *err)
{
	struct key key = device_key(ROW_TALLY, device);
	int64_t count;
	enum err_code code =
		number_get(txn_view(txn), key_span(&key), &count, err);

	if (code != ERR_OK)
		return code;
	count += step;
	if (count < 0)
		return row_garbled(TABLE_SESSION, err);
	if (count > SESSION_TALLIES_MAX)
		return err_set(err, ERR_INVALID,
			       "more than %d items and lots in one count",
			       SESSION_TALLIES_MAX);
	return number_put(txn, key_span(&key), count, err);
}

enum err_code session_count(struct txn *txn, struct device_no device,
			    const struct session_tally *add, struct err *err)
{
	struct key key = tally_key(device, add);
	struct qty before;
	struct qty after;
	enum err_code code =
		number_get(txn_view(txn), key_span(&key), &before.units, err);

	ASSERT(device.value != 0 && add->item.value != 0);
	if (code != ERR_OK || add->units == 0)
		return code;
	if (!qty_add(before, (struct qty){add->units}, &after) ||
	    after.units < 0)
		return err_set(err, ERR_OVERFLOW,
			       "a count of %lld and %lld units is none",
			       (long long)before.units, (long long)add->units);
	if (before.units == 0)
		code = tallies_step(txn, device, 1, err);
	else if (after.units == 0)
		code = tallies_step(txn, device, -1, err);
	if (code != ERR_OK)
		return code;
	return number_put(txn, key_span(&key), after.units, err);
}

struct tallies {
	session_visit_fn *visit;
	void *context;
};

static enum err_code tally_row(void *context, struct span key,
			       struct span value, struct err *err)
{
	struct tallies *tallies = context;
	struct session_tally tally;
	struct reader reader;
	struct span lot;
	enum err_code code;

	reader_init(&reader, key.data, key.size);
	(void)read_u8(&reader); /* kind and device: the walk's prefix */
	(void)read_u32(&reader);
	if (reader_done(&reader))
		return ERR_OK; /* how many there are */
	tally.item.value = read_u32(&reader);
	lot = read_raw(&reader, reader_left(&reader));
	if (!reader_done(&reader) || !lot_set(&tally.lot, lot))
		return row_garbled(TABLE_SESSION, err);
	code = row_open(TABLE_SESSION, key, value, &reader, err);
	if (code != ERR_OK)
		return code;
	tally.units = read_signed(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_SESSION, err);
	return tallies->visit(tallies->context, &tally, err);
}

enum err_code session_tallies(const struct view *view, struct device_no device,
			      session_visit_fn *visit, void *context,
			      struct err *err)
{
	struct tallies tallies = {visit, context};
	struct key key = device_key(ROW_TALLY, device);

	return view_walk(view, TABLE_SESSION, key_span(&key), key_span(&key),
			 tally_row, &tallies, err);
}

enum err_code session_tallies_clear(struct txn *txn, struct device_no device,
				    struct err *err)
{
	struct key prefix = device_key(ROW_TALLY, device);
	struct span last;
	struct span value;
	enum err_code code;

	do {
		code = view_last(txn_view(txn), TABLE_SESSION,
				 key_span(&prefix), &last, &value, err);
		if (code == ERR_OK) {
			struct key key = key_of_text(last);

			code = txn_delete(txn, TABLE_SESSION, key_span(&key),
					  err);
		}
	} while (code == ERR_OK);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}
