#include "store/journal.h"

#include "store/row.h"
#include "store/seal.h"

#include <inttypes.h>

#define CHAIN_SIZE 8
#define HEAD_ROW_SIZE_MAX 64

static const struct span head_key = {"head", 4};

enum err_code journal_head_put(struct txn *txn, const struct journal_head *head,
			       struct err *err)
{
	uint8_t buffer[HEAD_ROW_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_pos(&writer, head->pos);
	write_u64(&writer, head->chain);
	write_u64(&writer, head->stamp.value);
	return row_put(txn, TABLE_META, head_key, &writer, err);
}

enum err_code journal_head_get(const struct view *view,
			       struct journal_head *ret_head, struct err *err)
{
	struct journal_head head;
	struct reader reader;
	enum err_code code = row_get(view, TABLE_META, head_key, &reader, err);

	if (code == ERR_NOT_FOUND)
		return err_set(err, ERR_CORRUPT, "the store has no head row");
	if (code != ERR_OK)
		return code;
	head.pos = read_pos(&reader);
	head.chain = read_u64(&reader);
	head.stamp.value = read_u64(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_META, err);
	*ret_head = head;
	return ERR_OK;
}

static struct key journal_key(struct pos pos)
{
	struct key key = {.size = 0};

	key_add_u64(&key, pos.value);
	return key;
}

enum err_code journal_append(struct txn *txn, struct journal_head *head,
			     const struct entry *entry,
			     struct entry_bytes *ret_bytes, struct err *err)
{
	struct journal_head next = {.stamp = entry->stamp};
	struct key key;
	struct writer writer;
	struct span bytes;
	enum err_code code;

	ASSERT(entry->stamp.value > head->stamp.value);
	ASSERT(pos_number(head->pos) < POS_NUMBER_MAX);
	next.pos.value = head->pos.value + 1;
	writer_init(&writer, ret_bytes->data, sizeof(ret_bytes->data));
	entry_encode(&writer, entry);
	bytes = (struct span){(char *)ret_bytes->data, writer.size};
	next.chain = seal_checksum(head->chain, bytes);
	write_u64(&writer, next.chain);
	ASSERT(writer_ok(&writer));
	ret_bytes->size = bytes.size;
	key = journal_key(next.pos);
	bytes.size = writer.size;
	code = txn_append(txn, TABLE_JOURNAL, key_span(&key), bytes, err);
	if (code == ERR_OK)
		*head = next;
	return code;
}

static enum err_code row_parse(struct span key, struct span value,
			       struct journal_row *ret_row, struct err *err)
{
	struct reader reader;

	reader_init(&reader, key.data, key.size);
	ret_row->pos.value = read_u64(&reader);
	if (!reader_done(&reader) || value.size < CHAIN_SIZE ||
	    value.size > ENTRY_SIZE_MAX + CHAIN_SIZE)
		return err_set(err, ERR_CORRUPT,
			       "the journal has a garbled row");
	ret_row->bytes = (struct span){value.data, value.size - CHAIN_SIZE};
	reader_init(&reader, value.data + ret_row->bytes.size, CHAIN_SIZE);
	ret_row->chain = read_u64(&reader);
	return ERR_OK;
}

enum err_code journal_read(const struct view *view, struct pos pos,
			   struct entry *ret_entry, struct err *err)
{
	struct key key = journal_key(pos);
	struct journal_row row;
	struct span value;
	enum err_code code;

	code = view_get(view, TABLE_JOURNAL, key_span(&key), &value, err);
	if (code != ERR_OK)
		return code;
	code = row_parse(key_span(&key), value, &row, err);
	if (code != ERR_OK)
		return code;
	code = entry_decode(row.bytes, ret_entry);
	if (code != ERR_OK)
		return err_set(err, code, "entry %" PRIu32 ".%" PRIu64 " is %s",
			       pos_epoch(pos), pos_number(pos),
			       code == ERR_VERSION ? "of a newer depot"
						   : "garbled");
	return ERR_OK;
}

struct walk {
	journal_visit_fn *visit;
	void *context;
	struct pos next;
};

static enum err_code walk_row(void *context, struct span key, struct span value,
			      struct err *err)
{
	struct walk *walk = context;
	struct journal_row row;
	enum err_code code = row_parse(key, value, &row, err);

	if (code != ERR_OK)
		return code;
	if (row.pos.value != walk->next.value &&
	    (walk->next.value == 0 || pos_number(row.pos) != 1))
		return err_set(err, ERR_CORRUPT,
			       "entry %" PRIu32 ".%" PRIu64 " is missing",
			       pos_epoch(walk->next), pos_number(walk->next));
	walk->next.value = row.pos.value + 1;
	return walk->visit(walk->context, &row, err);
}

enum err_code journal_walk(const struct view *view, struct pos from,
			   journal_visit_fn *visit, void *context,
			   struct err *err)
{
	struct walk walk = {visit, context, from};
	struct key first = journal_key(from);
	struct span all = {"", 0};

	ASSERT(pos_number(from) > 0);
	return view_walk(view, TABLE_JOURNAL, key_span(&first), all, walk_row,
			 &walk, err);
}

struct verify {
	uint64_t chain;
	struct pos last;
	bool has_start; /* the first row only gives the chain to go on from */
};

static enum err_code verify_row(void *context, const struct journal_row *row,
				struct err *err)
{
	struct verify *verify = context;

	if (pos_number(row->pos) == 1) {
		verify->chain = 0;
		verify->has_start = true;
	}
	if (verify->has_start &&
	    seal_checksum(verify->chain, row->bytes) != row->chain)
		return err_set(err, ERR_CORRUPT,
			       "the chain breaks at entry %" PRIu32 ".%" PRIu64
			       ": " ENV_ADVICE,
			       pos_epoch(row->pos), pos_number(row->pos));
	verify->chain = row->chain;
	verify->last = row->pos;
	verify->has_start = true;
	return ERR_OK;
}

enum err_code journal_verify(const struct view *view, struct pos from,
			     const struct journal_head *head, struct err *err)
{
	struct verify verify = {.has_start = from.value == 0};
	struct pos first = {from.value == 0 ? 1 : from.value};
	enum err_code code;

	code = journal_walk(view, first, verify_row, &verify, err);
	if (code != ERR_OK)
		return code;
	if (verify.last.value != head->pos.value || verify.chain != head->chain)
		return err_set(err, ERR_CORRUPT,
			       "the journal ends at %" PRIu32 ".%" PRIu64
			       ", its head says %" PRIu32 ".%" PRIu64,
			       pos_epoch(verify.last), pos_number(verify.last),
			       pos_epoch(head->pos), pos_number(head->pos));
	return ERR_OK;
}
