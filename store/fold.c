#include "store/fold.h"

#include "store/balance.h"
#include "store/check.h"
#include "store/found.h"
#include "store/master.h"
#include "store/promise.h"
#include "store/row.h"
#include "store/trace.h"
#include "store/transfer.h"

/* Kinds of TABLE_DOCUMENT's keys; others are in master.c, check.c and
 * found.c. */
#define DOCUMENT_COUNT 'n'    /* bin, item, lot: the last count */
#define DOCUMENT_ACCEPTED 'a' /* bin, item: when one was last accepted */
#define DOCUMENT_ANSWER 'i'   /* id of an intent: the answer */
#define COUNT_ROW_SIZE_MAX (ENTRY_SIZE_MAX + 32)
#define ACCEPTED_ROW_SIZE_MAX 16

static const enum table derived[] = {
	TABLE_BALANCE, TABLE_HELD,      TABLE_ITEM,     TABLE_SKU,
	TABLE_CODE,    TABLE_ITEM_NAME, TABLE_PLACE,    TABLE_PLACE_NAME,
	TABLE_BIN,     TABLE_LOT,       TABLE_SERIAL,   TABLE_DEVICE,
	TABLE_ACCOUNT, TABLE_PROMISE,   TABLE_DOCUMENT, TABLE_TASK,
	TABLE_ALERT,   TABLE_TRANSFER,
};

/* Clean text has no NUL, so NULs may stand between the parts. */
static struct key document_key(char kind, struct span bin, struct span item)
{
	struct key key = {.size = 0};

	key_add_u8(&key, (uint8_t)kind);
	key_add_text(&key, bin);
	key_add_u8(&key, 0);
	key_add_text(&key, item);
	return key;
}

static struct key count_key(struct span bin, struct span item, struct span lot)
{
	struct key key = document_key(DOCUMENT_COUNT, bin, item);

	key_add_u8(&key, 0);
	key_add_text(&key, lot);
	return key;
}

enum err_code count_get(const struct view *view, struct span bin,
			struct span item, struct span lot,
			struct count_record *ret_count, struct err *err)
{
	struct key key = count_key(bin, item, lot);
	struct count_record record;
	struct reader reader;
	struct entry entry;
	enum err_code code;

	code = row_get(view, TABLE_DOCUMENT, key_span(&key), &reader, err);
	if (code != ERR_OK)
		return code;
	record.pos = read_pos(&reader);
	if (!reader_ok(&reader) ||
	    entry_decode(read_raw(&reader, reader_left(&reader)), &entry) !=
		    ERR_OK ||
	    entry.kind != ENTRY_COUNT)
		return row_garbled(TABLE_DOCUMENT, err);
	record.count = entry.body.count;
	record.place = entry.regained.value != 0 ? entry.regained : record.pos;
	record.effective = entry.effective;
	record.is_trusted = (entry.clock_flags & ENTRY_EFFECTIVE_TRUSTED) != 0;
	*ret_count = record;
	return ERR_OK;
}

enum err_code count_accepted(const struct view *view, struct span bin,
			     struct span item, struct moment *ret_accepted,
			     struct err *err)
{
	struct key key = document_key(DOCUMENT_ACCEPTED, bin, item);
	struct moment accepted;
	struct reader reader;
	enum err_code code;

	code = row_get(view, TABLE_DOCUMENT, key_span(&key), &reader, err);
	if (code != ERR_OK)
		return code;
	accepted.ms = read_signed(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_DOCUMENT, err);
	*ret_accepted = accepted;
	return ERR_OK;
}

/* A count that comes late does not take back a later one. */
static enum err_code accepted_fold(struct txn *txn, const struct entry *entry,
				   struct err *err)
{
	struct span bin = place_name_span(&entry->body.count.bin);
	struct span item = sku_span(&entry->body.count.item);
	struct key key = document_key(DOCUMENT_ACCEPTED, bin, item);
	uint8_t buffer[ACCEPTED_ROW_SIZE_MAX];
	struct moment before;
	struct writer writer;
	enum err_code code;

	if (entry->body.count.verdict != COUNT_ACCEPTED)
		return ERR_OK;
	code = count_accepted(txn_view(txn), bin, item, &before, err);
	if (code == ERR_OK && before.ms >= entry->effective.ms)
		return ERR_OK;
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	writer_init(&writer, buffer, sizeof(buffer));
	write_signed(&writer, entry->effective.ms);
	return row_put(txn, TABLE_DOCUMENT, key_span(&key), &writer, err);
}

static enum err_code count_fold(struct txn *txn, struct pos pos,
				const struct entry *entry, struct span bytes,
				struct err *err)
{
	const struct count *count = &entry->body.count;
	struct key key =
		count_key(place_name_span(&count->bin), sku_span(&count->item),
			  lot_span(&count->lot));
	UNINITIALIZED uint8_t buffer[COUNT_ROW_SIZE_MAX];
	struct writer writer;
	enum err_code code;

	writer_init(&writer, buffer, sizeof(buffer));
	write_pos(&writer, pos);
	write_raw(&writer, bytes.data, bytes.size);
	code = row_put(txn, TABLE_DOCUMENT, key_span(&key), &writer, err);
	if (code == ERR_OK)
		code = accepted_fold(txn, entry, err);
	if (code == ERR_OK)
		code = found_fold(txn, pos, entry, err);
	return code;
}

/* ---- answers to HQ ---- */

static struct key answer_key(struct span id)
{
	struct key key = {.size = 0};

	key_add_u8(&key, DOCUMENT_ANSWER);
	key_add_text(&key, id);
	return key;
}

enum err_code intent_answer(const struct view *view, struct span id,
			    struct intent_result *ret_result, struct err *err)
{
	struct key key = answer_key(id);
	struct reader reader;
	struct entry entry;
	enum err_code code;

	code = row_get(view, TABLE_DOCUMENT, key_span(&key), &reader, err);
	if (code != ERR_OK)
		return code;
	(void)read_pos(&reader);
	if (!reader_ok(&reader) ||
	    entry_decode(read_raw(&reader, reader_left(&reader)), &entry) !=
		    ERR_OK ||
	    entry.kind != ENTRY_INTENT_RESULT)
		return row_garbled(TABLE_DOCUMENT, err);
	*ret_result = entry.body.intent_result;
	return ERR_OK;
}

static enum err_code answer_fold(struct txn *txn, struct pos pos,
				 const struct entry *entry, struct span bytes,
				 struct err *err)
{
	struct key key = answer_key(ref_span(&entry->body.intent_result.id));
	UNINITIALIZED uint8_t buffer[COUNT_ROW_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_pos(&writer, pos);
	write_raw(&writer, bytes.data, bytes.size);
	return row_put(txn, TABLE_DOCUMENT, key_span(&key), &writer, err);
}

/* ---- movements ---- */

/* One side of a movement: units leave it, or come to it. */
static enum err_code side_fold(struct txn *txn, struct balance_change *change,
			       const struct side *side, int64_t units,
			       struct err *err)
{
	enum err_code code =
		place_intern(txn, &side->place, &change->place, err);

	if (code != ERR_OK)
		return code;
	change->side = side;
	change->change.units = units;
	return balance_add(txn, change, err);
}

static enum err_code movement_fold(struct txn *txn, struct pos pos,
				   const struct entry *entry, struct err *err)
{
	const struct movement *movement = &entry->body.movement;
	int64_t units = movement->quantity.units;
	struct span order = entry->ref.kind == REF_ORDER
				    ? ref_span(&entry->ref.text)
				    : (struct span){"", 0};
	struct balance_change change = {.lot = lot_span(&movement->lot),
					.pos = pos};
	enum err_code code;

	code = item_intern(txn, sku_span(&movement->item), &change.item, err);
	if (code == ERR_OK)
		code = side_fold(txn, &change, &movement->from, -units, err);
	if (code == ERR_OK)
		code = side_fold(txn, &change, &movement->to, units, err);
	if (code == ERR_OK)
		code = trace_fold(txn, pos, movement, change.item, change.place,
				  err);
	if (code == ERR_OK)
		code = promise_fold(txn, pos, movement, change.item, order,
				    err);
	if (code == ERR_OK)
		code = found_fold(txn, pos, entry, err);
	if (code == ERR_OK)
		code = transfer_fold_own(txn, pos, entry, err);
	return code;
}

/* The system bins get their numbers here, in this order, in every store. */
static enum err_code founding_fold(struct txn *txn, struct err *err)
{
	static const char *const system_bins[] = {BIN_DOCK, BIN_PICKED,
						  BIN_PACKED};

	for (size_t i = 0; i < ARRAY_LEN(system_bins); i++) {
		struct place place = place_bin(span_of(system_bins[i]));
		struct place_no number;
		enum err_code code = place_intern(txn, &place, &number, err);

		if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}

static enum err_code unsound(const struct entry *entry, struct err *err)
{
	enum movement_fault fault = MOVEMENT_SOUND;

	if (entry->kind == ENTRY_MOVEMENT)
		fault = movement_check(&entry->body.movement);
	if (fault != MOVEMENT_SOUND)
		return err_set(err, ERR_INVALID, "not a movement: %s",
			       movement_fault_name(fault));
	return err_set(err, ERR_INVALID, "a field of the entry is unsound");
}

static enum err_code task_fold(struct txn *txn, struct pos pos,
			       const struct entry *entry, struct span bytes,
			       struct err *err)
{
	enum err_code code = master_fold(txn, pos, entry, bytes, err);

	return code == ERR_OK ? check_fold(txn, pos, entry, bytes, err) : code;
}

enum err_code fold_entry(struct txn *txn, struct pos pos,
			 const struct entry *entry, struct span bytes,
			 struct err *err)
{
	if (!entry_is_sound(entry))
		return unsound(entry, err);
	if (entry->carried.value != 0)
		return ERR_OK; /* folded where it lies */
	switch (entry->kind) {
	case ENTRY_FOUNDING:
		return founding_fold(txn, err);
	case ENTRY_MOVEMENT:
		return movement_fold(txn, pos, entry, err);
	case ENTRY_TASK:
		return task_fold(txn, pos, entry, bytes, err);
	case ENTRY_CHECK:
	case ENTRY_CHECK_RESULT:
		return check_fold(txn, pos, entry, bytes, err);
	case ENTRY_COUNT:
		return count_fold(txn, pos, entry, bytes, err);
	case ENTRY_ITEM:
	case ENTRY_CODE:
	case ENTRY_BIN:
	case ENTRY_DEVICE:
	case ENTRY_ACCOUNT:
	case ENTRY_ALERT:
		return master_fold(txn, pos, entry, bytes, err);
	case ENTRY_TRANSFER:
	case ENTRY_CLAIM:
		return transfer_fold_own(txn, pos, entry, err);
	case ENTRY_INTENT_RESULT:
		return answer_fold(txn, pos, entry, bytes, err);
	case ENTRY_ORDER:
	case ENTRY_STATUS:
	case ENTRY_LOSS:
	case ENTRY_CERTIFICATE:
	case ENTRY_FENCE:
	case ENTRY_INTENT:
	case ENTRY_INVITATION:
	case ENTRY_SUCCESSION:
	case ENTRY_CLOSING:
	case ENTRY_ROOT:
		return ERR_OK; /* history only: nothing is derived from them */
	}
	ASSERT(entry->kind <= ENTRY_KIND_MAX);
	return ERR_OK;
}

const enum table *fold_tables(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(derived);
	return derived;
}

struct span fold_prefix(enum table table)
{
	return span_of(table == TABLE_TRANSFER ? TRANSFER_OWN_PREFIX : "");
}

enum err_code fold_clear(struct txn *txn, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(derived); i++) {
		/* That one also holds what other sites said. */
		enum err_code code = derived[i] == TABLE_TRANSFER
					     ? transfer_clear_own(txn, err)
					     : txn_clear(txn, derived[i], err);

		if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}
