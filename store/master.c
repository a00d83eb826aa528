#include "store/master.h"

#include "store/catalogue.h"
#include "store/master_names.h"
#include "store/row.h"

/* Kinds of TABLE_DOCUMENT's keys. */
#define DOCUMENT_COUNT_TASK 'c'

/* A record's row: [number], pos, entry bytes, checksum. */
#define RECORD_SIZE_MAX (ENTRY_SIZE_MAX + 32)

/* ---- records ---- */

static bool is_numbered(enum table table)
{
	return table == TABLE_DEVICE;
}

static enum err_code record_read(enum table table, struct reader *reader,
				 uint32_t *ret_number, struct pos *ret_pos,
				 struct entry *ret_entry)
{
	enum err_code code;
	struct err *none = NULL;

	*ret_number = is_numbered(table) ? read_u32(reader) : 0;
	*ret_pos = read_pos(reader);
	if (!reader_ok(reader))
		return row_garbled(table, none);
	code = entry_decode(read_raw(reader, reader_left(reader)), ret_entry);
	return code == ERR_CORRUPT ? row_garbled(table, none) : code;
}

static enum err_code record_get(const struct view *view, enum table table,
				struct span key, uint32_t *ret_number,
				struct entry *ret_entry, struct err *err)
{
	struct reader reader;
	struct pos pos;
	enum err_code code = row_get(view, table, key, &reader, err);

	if (code != ERR_OK)
		return code;
	code = record_read(table, &reader, ret_number, &pos, ret_entry);
	return code == ERR_CORRUPT ? row_garbled(table, err) : code;
}

enum err_code record_find(const struct view *view, enum table table,
			  struct span key, struct pos *ret_pos,
			  struct entry *ret_entry, struct err *err)
{
	struct reader reader;
	uint32_t number;
	enum err_code code = row_get(view, table, key, &reader, err);

	if (code != ERR_OK)
		return code;
	code = record_read(table, &reader, &number, ret_pos, ret_entry);
	return code == ERR_CORRUPT ? row_garbled(table, err) : code;
}

static enum err_code record_put(struct txn *txn, enum table table,
				struct span key, struct pos pos,
				struct span bytes, struct err *err)
{
	UNINITIALIZED uint8_t buffer[RECORD_SIZE_MAX];
	struct writer writer;
	struct reader old;
	uint64_t count;
	enum err_code code;

	writer_init(&writer, buffer, sizeof(buffer));
	if (is_numbered(table)) {
		code = row_get(txn_view(txn), table, key, &old, err);
		if (code == ERR_OK) {
			write_u32(&writer, read_u32(&old));
		} else if (code == ERR_NOT_FOUND) {
			code = view_count(txn_view(txn), table, &count, err);
			write_u32(&writer, (uint32_t)count + 1);
		}
		if (code != ERR_OK)
			return code;
	}
	write_pos(&writer, pos);
	write_raw(&writer, bytes.data, bytes.size);
	return row_put(txn, table, key, &writer, err);
}

enum err_code item_get_own(const struct view *view, struct span sku,
			   struct item *ret_item, struct err *err)
{
	struct item_no item;
	struct entry entry;
	uint32_t number;
	struct key key;
	enum err_code code = item_find_own(view, sku, &item, err);

	if (code != ERR_OK)
		return code;
	key = key_of_number(item.value);
	code = record_get(view, TABLE_ITEM, key_span(&key), &number, &entry,
			  err);
	if (code == ERR_OK)
		*ret_item = entry.body.item;
	return code;
}

/* What the journal says of it tells its name, too. */
enum err_code item_get(const struct view *view, struct item_no item,
		       struct item *ret_item, struct err *err)
{
	struct key key = key_of_number(item.value);
	struct entry entry;
	struct item own;
	struct sku sku;
	uint32_t number;
	bool has_own;
	enum err_code code = ERR_NOT_FOUND;

	if (!catalogue_has_given(item))
		code = record_get(view, TABLE_ITEM, key_span(&key), &number,
				  &entry, err);
	has_own = code == ERR_OK;
	if (has_own) {
		own = entry.body.item;
		sku = own.sku;
	} else if (code == ERR_NOT_FOUND) {
		code = item_name_read(view, item, &sku, err);
	}
	if (code != ERR_OK)
		return code;
	code = catalogue_item(view, sku_span(&sku), ret_item, err);
	if (code != ERR_NOT_FOUND || !has_own)
		return code;
	*ret_item = own;
	return ERR_OK;
}

enum err_code code_get(const struct view *view, struct span text,
		       struct code *ret_code, struct err *err)
{
	struct entry entry;
	uint32_t number;
	enum err_code code;

	if (text.size == 0 || text.size > CODE_SIZE_MAX)
		return ERR_NOT_FOUND;
	code = catalogue_code(view, text, ret_code, err);
	if (code != ERR_NOT_FOUND)
		return code;
	code = record_get(view, TABLE_CODE, text, &number, &entry, err);
	if (code == ERR_OK)
		*ret_code = entry.body.code;
	return code;
}

enum err_code code_find(const struct view *view, struct span text,
			struct item_no *ret_item, int64_t *ret_pack,
			struct err *err)
{
	struct code body;
	enum err_code code = code_get(view, text, &body, err);

	if (code != ERR_OK)
		return code;
	if (body.item.size == 0)
		return ERR_NOT_FOUND;
	code = item_find(view, sku_span(&body.item), ret_item, err);
	if (code == ERR_OK)
		*ret_pack = body.pack;
	return code;
}

/* Records that are found by a text: @member of the entry's body. */
#define RECORD_GET(function, type, table, member, limit)                    \
	enum err_code function(const struct view *view, struct span name,   \
			       struct type *ret_record, struct err *err)    \
	{                                                                   \
		struct entry entry;                                         \
		uint32_t number;                                            \
		enum err_code code;                                         \
                                                                            \
		if (name.size == 0 || name.size > (limit))                  \
			return ERR_NOT_FOUND;                               \
		code = record_get(view, table, name, &number, &entry, err); \
		if (code == ERR_OK)                                         \
			*ret_record = entry.body.member;                    \
		return code;                                                \
	}

RECORD_GET(bin_get, bin, TABLE_BIN, bin, PLACE_NAME_SIZE_MAX)
RECORD_GET(account_get, account, TABLE_ACCOUNT, account, NAME_SIZE_MAX)
RECORD_GET(task_get, task, TABLE_TASK, task, NAME_SIZE_MAX)
RECORD_GET(alert_get, alert, TABLE_ALERT, alert, REF_SIZE_MAX)

enum err_code device_get(const struct view *view, struct span name,
			 struct device *ret_device,
			 struct device_no *ret_number, struct err *err)
{
	struct entry entry;
	enum err_code code;

	if (name.size == 0 || name.size > NAME_SIZE_MAX)
		return ERR_NOT_FOUND;
	code = record_get(view, TABLE_DEVICE, name, &ret_number->value, &entry,
			  err);
	if (code == ERR_OK)
		*ret_device = entry.body.device;
	return code;
}

static struct key count_task_key(struct span bin, struct span item)
{
	struct key key = {.size = 0};

	key_add_u8(&key, DOCUMENT_COUNT_TASK);
	key_add_text(&key, bin);
	key_add_u8(&key, 0);
	key_add_text(&key, item);
	return key;
}

enum err_code task_open_count(const struct view *view, struct span bin,
			      struct span item, struct name *ret_id,
			      struct err *err)
{
	struct key key = count_task_key(bin, item);
	struct reader reader;
	enum err_code code;

	code = row_get(view, TABLE_DOCUMENT, key_span(&key), &reader, err);
	if (code != ERR_OK)
		return code;
	if (!name_set(ret_id, read_raw(&reader, reader_left(&reader))))
		return row_garbled(TABLE_DOCUMENT, err);
	return ERR_OK;
}

struct walk {
	enum table table;
	record_visit_fn *visit;
	void *context;
	struct span after;
};

static enum err_code walk_record(void *context, struct span key,
				 struct span value, struct err *err)
{
	struct walk *walk = context;
	struct reader reader;
	struct entry entry;
	struct pos pos;
	uint32_t number;
	enum err_code code;

	if (walk->after.size > 0 && span_equal(key, walk->after))
		return ERR_OK;
	code = row_open(walk->table, key, value, &reader, err);
	if (code != ERR_OK)
		return code;
	code = record_read(walk->table, &reader, &number, &pos, &entry);
	if (code == ERR_VERSION)
		return ERR_OK;
	if (code != ERR_OK)
		return row_garbled(walk->table, err);
	return walk->visit(walk->context, key, pos, &entry, err);
}

enum err_code record_walk(const struct view *view, enum table table,
			  struct span after, record_visit_fn *visit,
			  void *context, struct err *err)
{
	struct walk walk = {table, visit, context, after};
	struct span all = {"", 0};

	return view_walk(view, table, after, all, walk_record, &walk, err);
}

/* ---- folding ---- */

static enum err_code item_fold(struct txn *txn, struct pos pos,
			       const struct entry *entry, struct span bytes,
			       struct err *err)
{
	struct item_no item;
	struct key key;
	enum err_code code;

	code = item_intern(txn, sku_span(&entry->body.item.sku), &item, err);
	if (code != ERR_OK)
		return code;
	key = key_of_number(item.value);
	return record_put(txn, TABLE_ITEM, key_span(&key), pos, bytes, err);
}

static enum err_code bin_fold(struct txn *txn, struct pos pos,
			      const struct entry *entry, struct span bytes,
			      struct err *err)
{
	struct place place = place_bin(place_name_span(&entry->body.bin.name));
	struct place_no number;
	enum err_code code = place_intern(txn, &place, &number, err);

	if (code != ERR_OK)
		return code;
	return record_put(txn, TABLE_BIN, place_name_span(&place.name), pos,
			  bytes, err);
}

/* Keeps the index of open count tasks beside the tasks themselves. */
static enum err_code task_fold(struct txn *txn, struct pos pos,
			       const struct entry *entry, struct span bytes,
			       struct err *err)
{
	const struct task *task = &entry->body.task;
	struct key key = count_task_key(place_name_span(&task->bin),
					sku_span(&task->item));
	uint8_t buffer[NAME_SIZE_MAX + ROW_CHECKSUM_SIZE];
	struct writer writer;
	struct reader indexed;
	enum err_code code;

	code = record_put(txn, TABLE_TASK, name_span(&task->id), pos, bytes,
			  err);
	if (code != ERR_OK || task->kind != TASK_COUNT)
		return code;
	if (task->state == TASK_OPEN || task->state == TASK_CLAIMED) {
		writer_init(&writer, buffer, sizeof(buffer));
		write_raw(&writer, task->id.data, task->id.size);
		return row_put(txn, TABLE_DOCUMENT, key_span(&key), &writer,
			       err);
	}
	code = row_get(txn_view(txn), TABLE_DOCUMENT, key_span(&key), &indexed,
		       err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	/* The index names the last task opened there: maybe another one. */
	if (code != ERR_OK ||
	    !span_equal(read_raw(&indexed, reader_left(&indexed)),
			name_span(&task->id)))
		return code;
	return txn_delete(txn, TABLE_DOCUMENT, key_span(&key), err);
}

/* A closed alert leaves the table: what is listed is what is open. */
static enum err_code alert_fold(struct txn *txn, struct pos pos,
				const struct entry *entry, struct span bytes,
				struct err *err)
{
	struct span id = ref_span(&entry->body.alert.id);
	enum err_code code;

	if (!entry->body.alert.is_closed)
		return record_put(txn, TABLE_ALERT, id, pos, bytes, err);
	code = txn_delete(txn, TABLE_ALERT, id, err);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code master_fold(struct txn *txn, struct pos pos,
			  const struct entry *entry, struct span bytes,
			  struct err *err)
{
	switch (entry->kind) {
	case ENTRY_ITEM:
		return item_fold(txn, pos, entry, bytes, err);
	case ENTRY_CODE:
		return record_put(txn, TABLE_CODE,
				  code_text_span(&entry->body.code.code), pos,
				  bytes, err);
	case ENTRY_BIN:
		return bin_fold(txn, pos, entry, bytes, err);
	case ENTRY_DEVICE:
		return record_put(txn, TABLE_DEVICE,
				  name_span(&entry->body.device.name), pos,
				  bytes, err);
	case ENTRY_ACCOUNT:
		return record_put(txn, TABLE_ACCOUNT,
				  name_span(&entry->body.account.name), pos,
				  bytes, err);
	case ENTRY_TASK:
		return task_fold(txn, pos, entry, bytes, err);
	case ENTRY_ALERT:
		return alert_fold(txn, pos, entry, bytes, err);
	case ENTRY_FOUNDING:
	case ENTRY_MOVEMENT:
	case ENTRY_COUNT:
	case ENTRY_ORDER:
	case ENTRY_STATUS:
	case ENTRY_LOSS:
	case ENTRY_TRANSFER:
	case ENTRY_CLAIM:
	case ENTRY_CHECK:
	case ENTRY_CHECK_RESULT:
	case ENTRY_CERTIFICATE:
	case ENTRY_FENCE:
	case ENTRY_INTENT:
	case ENTRY_INTENT_RESULT:
	case ENTRY_INVITATION:
	case ENTRY_SUCCESSION:
	case ENTRY_CLOSING:
	case ENTRY_ROOT:
		break;
	}
	ASSERT(entry->kind == ENTRY_ITEM);
	return ERR_OK;
}
