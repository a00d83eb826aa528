#include "store/asked.h"

#include "store/row.h"

/* Kinds of rows. An account's name has no NUL, so one ends it in a key. */
#define ROW_ID 1    /* account, 0, id: number, content, reply */
#define ROW_ORDER 2 /* account, 0, number: id */

#define ASKED_ROW_SIZE_MAX (3 * 10 + ASKED_REPLY_SIZE_MAX + ROW_CHECKSUM_SIZE)
_Static_assert(ASKED_ROW_SIZE_MAX <= ROW_SIZE_MAX, "a reply fits a row");

static struct key account_key(uint8_t kind, struct span account)
{
	struct key key = {.size = 0};

	ASSERT(account.size > 0 && account.size <= NAME_SIZE_MAX);
	key_add_u8(&key, kind);
	key_add_text(&key, account);
	key_add_u8(&key, 0);
	return key;
}

static struct key id_key(const struct asked_name *name)
{
	struct key key = account_key(ROW_ID, name->account);

	ASSERT(name->id.size > 0 && name->id.size <= ASKED_ID_SIZE_MAX);
	key_add_text(&key, name->id);
	return key;
}

static struct key order_key(struct span account, uint64_t number)
{
	struct key key = account_key(ROW_ORDER, account);

	key_add_u64(&key, number);
	return key;
}

enum err_code asked_find(const struct view *view, const struct asked_name *name,
			 uint64_t content, enum asked_state *ret_state,
			 struct span *ret_reply, struct err *err)
{
	struct key key = id_key(name);
	struct reader reader;
	struct span reply;
	uint64_t before;
	enum err_code code;

	code = row_get(view, TABLE_ASKED, key_span(&key), &reader, err);
	if (code == ERR_NOT_FOUND) {
		*ret_state = ASKED_NEW;
		return ERR_OK;
	}
	if (code != ERR_OK)
		return code;
	(void)read_varint(&reader); /* its number: for the one that leaves */
	before = read_u64(&reader);
	reply = read_span(&reader, ASKED_REPLY_SIZE_MAX);
	if (!reader_done(&reader))
		return row_garbled(TABLE_ASKED, err);
	*ret_state = before == content ? ASKED_BEFORE : ASKED_REUSED;
	if (before == content)
		*ret_reply = reply;
	return ERR_OK;
}

/* The number of the account's last command; 0: it had none. */
static enum err_code last_number(const struct view *view, struct span account,
				 uint64_t *ret_number, struct err *err)
{
	struct key prefix = account_key(ROW_ORDER, account);
	struct span last;
	struct span value;
	struct reader reader;
	enum err_code code;

	*ret_number = 0;
	code = view_last(view, TABLE_ASKED, key_span(&prefix), &last, &value,
			 err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	reader_init(&reader, last.data, last.size);
	(void)read_raw(&reader, prefix.size);
	*ret_number = read_u64(&reader);
	return reader_done(&reader) ? ERR_OK : row_garbled(TABLE_ASKED, err);
}

/* Forgets the account's command @number. */
static enum err_code forget(struct txn *txn, struct span account,
			    uint64_t number, struct err *err)
{
	struct key order = order_key(account, number);
	struct asked_name name = {.account = account};
	struct reader reader;
	struct key id;
	enum err_code code;

	code = row_get(txn_view(txn), TABLE_ASKED, key_span(&order), &reader,
		       err);
	if (code == ERR_NOT_FOUND)
		return row_garbled(TABLE_ASKED, err);
	if (code != ERR_OK)
		return code;
	name.id = read_span(&reader, ASKED_ID_SIZE_MAX);
	if (!reader_done(&reader) || name.id.size == 0)
		return row_garbled(TABLE_ASKED, err);
	id = id_key(&name);
	code = txn_delete(txn, TABLE_ASKED, key_span(&id), err);
	if (code == ERR_OK)
		code = txn_delete(txn, TABLE_ASKED, key_span(&order), err);
	return code == ERR_NOT_FOUND ? row_garbled(TABLE_ASKED, err) : code;
}

enum err_code asked_mark(struct txn *txn, const struct asked_name *name,
			 uint64_t content, struct span reply, struct err *err)
{
	struct key id = id_key(name);
	struct key order;
	uint8_t buffer[ASKED_ROW_SIZE_MAX];
	struct writer writer;
	uint64_t number;
	enum err_code code;

	ASSERT(reply.size <= ASKED_REPLY_SIZE_MAX);
	code = last_number(txn_view(txn), name->account, &number, err);
	if (code == ERR_OK && number >= ASKED_WINDOW)
		code = forget(txn, name->account, number + 1 - ASKED_WINDOW,
			      err);
	if (code != ERR_OK)
		return code;
	writer_init(&writer, buffer, sizeof(buffer));
	write_varint(&writer, number + 1);
	write_u64(&writer, content);
	write_span(&writer, reply);
	code = row_put(txn, TABLE_ASKED, key_span(&id), &writer, err);
	if (code != ERR_OK)
		return code;
	order = order_key(name->account, number + 1);
	writer_init(&writer, buffer, sizeof(buffer));
	write_span(&writer, name->id);
	return row_put(txn, TABLE_ASKED, key_span(&order), &writer, err);
}
