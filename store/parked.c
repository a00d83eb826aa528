#include "store/parked.h"

#include "store/row.h"

#define FLAG_CLOCK_TRUSTED 1
#define FLAG_CUT 2
#define FLAGS_ALL (FLAG_CLOCK_TRUSTED | FLAG_CUT)

/* The raw bytes, detail, code and boot, and what the numbers take. */
#define PARKED_ROW_SIZE_MAX                                           \
	(PARKED_RAW_SIZE_MAX + SEEN_DETAIL_SIZE_MAX + CODE_SIZE_MAX + \
	 BOOT_SIZE_MAX + 64)

/* Inputs have numbers from 1; the row of number 0 holds the totals. */
#define TOTALS_NUMBER 0

static struct key parked_key(uint64_t number)
{
	struct key key = {.size = 0};

	key_add_u64(&key, number);
	return key;
}

static uint64_t raw_size(const struct parked *parked)
{
	return (uint64_t)parked->topic.size + parked->payload.size;
}

/* ---- totals ---- */

enum err_code parked_totals(const struct view *view,
			    struct parked_totals *ret_totals, struct err *err)
{
	struct key key = parked_key(TOTALS_NUMBER);
	struct parked_totals totals = {0};
	struct reader reader;
	enum err_code code =
		row_get(view, TABLE_PARKED, key_span(&key), &reader, err);

	if (code == ERR_OK) {
		totals.count = read_varint(&reader);
		totals.bytes = read_varint(&reader);
		totals.ever = read_varint(&reader);
		if (!reader_done(&reader))
			return row_garbled(TABLE_PARKED, err);
	} else if (code != ERR_NOT_FOUND) {
		return code;
	}
	*ret_totals = totals;
	return ERR_OK;
}

static enum err_code
totals_put(struct txn *txn, const struct parked_totals *totals, struct err *err)
{
	struct key key = parked_key(TOTALS_NUMBER);
	uint8_t buffer[3 * 10 + ROW_CHECKSUM_SIZE];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_varint(&writer, totals->count);
	write_varint(&writer, totals->bytes);
	write_varint(&writer, totals->ever);
	return row_put(txn, TABLE_PARKED, key_span(&key), &writer, err);
}

/* ---- an input's row ---- */

static enum err_code parked_put(struct txn *txn, const struct parked *parked,
				struct err *err)
{
	struct key key = parked_key(parked->number);
	uint8_t buffer[PARKED_ROW_SIZE_MAX];
	struct writer writer;

	ASSERT(parked->topic.size <= TOPIC_IN_SIZE_MAX);
	ASSERT(parked->payload.size <= PAYLOAD_IN_SIZE_MAX);
	ASSERT(parked->detail.size <= SEEN_DETAIL_SIZE_MAX);
	writer_init(&writer, buffer, sizeof(buffer));
	write_signed(&writer, parked->arrival.ms);
	write_u8(&writer,
		 (uint8_t)((parked->clock_trusted ? FLAG_CLOCK_TRUSTED : 0) |
			   (parked->is_cut ? FLAG_CUT : 0)));
	write_varint(&writer, parked->code);
	write_span(&writer, code_text_span(&parked->wants));
	write_varint(&writer, parked->name.device.value);
	write_span(&writer, boot_span(&parked->name.boot));
	write_varint(&writer, parked->name.seq);
	write_span(&writer, parked->detail);
	write_span(&writer, parked->topic);
	write_span(&writer, parked->payload);
	return row_put(txn, TABLE_PARKED, key_span(&key), &writer, err);
}

static enum err_code parked_read(struct reader *reader, uint64_t number,
				 struct parked *ret_parked, struct err *err)
{
	struct parked parked = {.number = number};
	struct span wants;
	struct span boot;
	uint64_t device;
	uint64_t word;
	uint8_t flags;

	parked.arrival.ms = read_signed(reader);
	flags = read_u8(reader);
	word = read_varint(reader);
	wants = read_span(reader, CODE_SIZE_MAX);
	device = read_varint(reader);
	boot = read_span(reader, BOOT_SIZE_MAX);
	parked.name.seq = read_varint(reader);
	parked.detail = read_span(reader, SEEN_DETAIL_SIZE_MAX);
	parked.topic = read_span(reader, TOPIC_IN_SIZE_MAX);
	parked.payload = read_span(reader, PAYLOAD_IN_SIZE_MAX);
	if (!reader_done(reader) || (flags & ~FLAGS_ALL) != 0 ||
	    word > UINT16_MAX || device > UINT32_MAX ||
	    !code_text_set(&parked.wants, wants) ||
	    !boot_set(&parked.name.boot, boot))
		return row_garbled(TABLE_PARKED, err);
	parked.clock_trusted = (flags & FLAG_CLOCK_TRUSTED) != 0;
	parked.is_cut = (flags & FLAG_CUT) != 0;
	parked.code = (uint16_t)word;
	parked.name.device.value = (uint32_t)device;
	*ret_parked = parked;
	return ERR_OK;
}

enum err_code parked_get(const struct view *view, uint64_t number,
			 struct parked *ret_parked, struct err *err)
{
	struct key key = parked_key(number);
	struct reader reader;
	enum err_code code;

	if (number == TOTALS_NUMBER)
		return ERR_NOT_FOUND;
	code = row_get(view, TABLE_PARKED, key_span(&key), &reader, err);
	if (code != ERR_OK)
		return code;
	return parked_read(&reader, number, ret_parked, err);
}

struct walk {
	parked_visit_fn *visit;
	void *context;
};

static enum err_code walk_row(void *context, struct span key, struct span value,
			      struct err *err)
{
	struct walk *walk = context;
	struct parked parked;
	struct reader reader;
	uint64_t number;
	enum err_code code;

	reader_init(&reader, key.data, key.size);
	number = read_u64(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_PARKED, err);
	code = row_open(TABLE_PARKED, key, value, &reader, err);
	if (code == ERR_OK)
		code = parked_read(&reader, number, &parked, err);
	if (code != ERR_OK)
		return code;
	return walk->visit(walk->context, &parked, err);
}

enum err_code parked_walk(const struct view *view, uint64_t from,
			  parked_visit_fn *visit, void *context,
			  struct err *err)
{
	struct walk walk = {visit, context};
	struct key key = parked_key(from == TOTALS_NUMBER ? 1 : from);
	struct span all = {"", 0};

	return view_walk(view, TABLE_PARKED, key_span(&key), all, walk_row,
			 &walk, err);
}

/* ---- adding and removing ---- */

struct oldest {
	uint64_t number;
	uint64_t bytes;
};

static enum err_code oldest_visit(void *context, const struct parked *parked,
				  struct err *err)
{
	struct oldest *oldest = context;

	(void)err;
	oldest->number = parked->number;
	oldest->bytes = raw_size(parked);
	return ERR_STOPPED;
}

/* Deletes the row @number and takes it out of @totals. */
static enum err_code leave(struct txn *txn, uint64_t number, uint64_t bytes,
			   struct parked_totals *totals, struct err *err)
{
	struct key key = parked_key(number);

	if (totals->count < 1 || totals->bytes < bytes)
		return row_garbled(TABLE_PARKED, err);
	totals->count--;
	totals->bytes -= bytes;
	return txn_delete(txn, TABLE_PARKED, key_span(&key), err);
}

static enum err_code oldest_leave(struct txn *txn, struct parked_totals *totals,
				  struct parked_loss *loss, struct err *err)
{
	struct oldest oldest = {0, 0};
	enum err_code code =
		parked_walk(txn_view(txn), 0, oldest_visit, &oldest, err);

	if (code == ERR_OK) /* the totals say that there is one */
		return row_garbled(TABLE_PARKED, err);
	if (code != ERR_STOPPED)
		return code;
	if (loss->count == 0)
		loss->first = oldest.number;
	loss->last = oldest.number;
	loss->bytes += oldest.bytes;
	loss->count++;
	return leave(txn, oldest.number, oldest.bytes, totals, err);
}

static bool is_crowded(const struct parked_totals *totals,
		       const struct parked_bounds *bounds, uint64_t bytes)
{
	return totals->count >= bounds->count_max ||
	       bytes > bounds->bytes_max ||
	       totals->bytes > bounds->bytes_max - bytes;
}

enum err_code parked_add(struct txn *txn, const struct parked_bounds *bounds,
			 struct parked *parked, struct parked_loss *ret_loss,
			 struct err *err)
{
	uint64_t bytes = raw_size(parked);
	struct parked_loss loss = {0};
	struct parked_totals totals;
	enum err_code code = parked_totals(txn_view(txn), &totals, err);

	while (code == ERR_OK && totals.count > 0 &&
	       loss.count < PARKED_LEAVE_MAX &&
	       is_crowded(&totals, bounds, bytes))
		code = oldest_leave(txn, &totals, &loss, err);
	if (code != ERR_OK)
		return code;
	totals.count++;
	totals.bytes += bytes;
	totals.ever++;
	parked->number = totals.ever;
	code = parked_put(txn, parked, err);
	if (code == ERR_OK)
		code = totals_put(txn, &totals, err);
	if (code == ERR_OK)
		*ret_loss = loss;
	return code;
}

enum err_code parked_amend(struct txn *txn, uint64_t number,
			   const struct parked_reason *reason, struct err *err)
{
	struct parked parked;
	enum err_code code = parked_get(txn_view(txn), number, &parked, err);

	if (code != ERR_OK)
		return code;
	parked.code = reason->code;
	parked.wants = reason->wants;
	parked.name = reason->name;
	parked.detail = reason->detail;
	/* Its spans are of the old row, and copied before that goes. */
	return parked_put(txn, &parked, err);
}

enum err_code parked_remove(struct txn *txn, uint64_t number, struct err *err)
{
	struct parked_totals totals;
	struct parked parked;
	enum err_code code = parked_get(txn_view(txn), number, &parked, err);

	if (code == ERR_OK)
		code = parked_totals(txn_view(txn), &totals, err);
	if (code == ERR_OK)
		code = leave(txn, number, raw_size(&parked), &totals, err);
	if (code != ERR_OK)
		return code;
	return totals_put(txn, &totals, err);
}
