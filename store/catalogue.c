#include "store/catalogue.h"

#include "store/last_word.h"
#include "store/row.h"

/* Kinds of TABLE_ROSTER's rows; others are in roster.c. */
#define CATALOGUE_ITEM 'I'   /* SKU: number, pos, entry */
#define CATALOGUE_CODE 'K'   /* code: pos, entry */
#define CATALOGUE_NUMBER 'N' /* number: SKU */

#define CATALOGUE_ROW_SIZE_MAX (ENTRY_SIZE_MAX + 32)

bool catalogue_has_given(struct item_no item)
{
	return item.value >= CATALOGUE_FIRST;
}

/* ---- rows ---- */

static struct key kind_key(char kind)
{
	struct key key = {.size = 0};

	key_add_u8(&key, (uint8_t)kind);
	return key;
}

static struct key text_key(char kind, struct span text)
{
	struct key key = kind_key(kind);

	key_add_text(&key, text);
	return key;
}

static struct key number_key(uint32_t number)
{
	struct key key = kind_key(CATALOGUE_NUMBER);

	key_add_u32(&key, number);
	return key;
}

struct record {
	uint32_t number; /* of an item */
	struct pos pos;
	struct span bytes; /* of the entry; borrowed */
};

static enum err_code record_read(char kind, struct reader *reader,
				 struct record *ret_record, struct err *err)
{
	struct record record = {.number = 0};

	if (kind == CATALOGUE_ITEM)
		record.number = read_u32(reader);
	record.pos = read_pos(reader);
	record.bytes = read_raw(reader, reader_left(reader));
	if (!reader_ok(reader))
		return row_garbled(TABLE_ROSTER, err);
	*ret_record = record;
	return ERR_OK;
}

static enum err_code record_find(const struct view *view, char kind,
				 struct span text, struct record *ret_record,
				 struct err *err)
{
	struct key key = text_key(kind, text);
	struct reader reader;
	enum err_code code =
		row_get(view, TABLE_ROSTER, key_span(&key), &reader, err);

	return code == ERR_OK ? record_read(kind, &reader, ret_record, err)
			      : code;
}

static enum err_code entry_of(const struct record *record,
			      struct entry *ret_entry, struct err *err)
{
	if (entry_decode(record->bytes, ret_entry) != ERR_OK)
		return row_garbled(TABLE_ROSTER, err);
	return ERR_OK;
}

static enum err_code entry_find(const struct view *view, char kind,
				struct span text, struct entry *ret_entry,
				struct err *err)
{
	struct record record;
	enum err_code code = record_find(view, kind, text, &record, err);

	return code == ERR_OK ? entry_of(&record, ret_entry, err) : code;
}

/* ---- reading ---- */

enum err_code catalogue_item(const struct view *view, struct span sku,
			     struct item *ret_item, struct err *err)
{
	UNINITIALIZED struct entry entry;
	enum err_code code;

	if (sku.size == 0 || sku.size > SKU_SIZE_MAX)
		return ERR_NOT_FOUND;
	code = entry_find(view, CATALOGUE_ITEM, sku, &entry, err);
	if (code == ERR_OK)
		*ret_item = entry.body.item;
	return code;
}

enum err_code catalogue_number(const struct view *view, struct span sku,
			       struct item_no *ret_item, struct err *err)
{
	struct record record;
	enum err_code code;

	if (sku.size == 0 || sku.size > SKU_SIZE_MAX)
		return ERR_NOT_FOUND;
	code = record_find(view, CATALOGUE_ITEM, sku, &record, err);
	if (code == ERR_OK)
		ret_item->value = record.number;
	return code;
}

enum err_code catalogue_code(const struct view *view, struct span text,
			     struct code *ret_code, struct err *err)
{
	UNINITIALIZED struct entry entry;
	enum err_code code;

	if (text.size == 0 || text.size > CODE_SIZE_MAX)
		return ERR_NOT_FOUND;
	code = entry_find(view, CATALOGUE_CODE, text, &entry, err);
	if (code == ERR_OK)
		*ret_code = entry.body.code;
	return code;
}

enum err_code catalogue_name(const struct view *view, struct item_no item,
			     struct sku *ret_sku, struct err *err)
{
	struct key key = number_key(item.value);
	struct reader reader;
	enum err_code code =
		row_get(view, TABLE_ROSTER, key_span(&key), &reader, err);

	if (code == ERR_OK &&
	    !sku_set(ret_sku, read_raw(&reader, reader_left(&reader))))
		return row_garbled(TABLE_ROSTER, err);
	return code;
}

enum err_code catalogue_count(const struct view *view, uint32_t *ret_count,
			      struct err *err)
{
	struct key prefix = kind_key(CATALOGUE_NUMBER);
	struct span key;
	struct span value;
	struct reader reader;
	uint32_t last;
	enum err_code code = view_last(view, TABLE_ROSTER, key_span(&prefix),
				       &key, &value, err);

	if (code == ERR_NOT_FOUND) {
		*ret_count = 0;
		return ERR_OK;
	}
	if (code != ERR_OK)
		return code;
	reader_init(&reader, key.data + 1, key.size - 1); /* kind is first */
	last = read_u32(&reader);
	if (!reader_done(&reader) || last < CATALOGUE_FIRST)
		return row_garbled(TABLE_ROSTER, err);
	*ret_count = last - CATALOGUE_FIRST + 1;
	return ERR_OK;
}

static enum err_code row_count(void *context, struct span key,
			       struct span value, struct err *err)
{
	uint64_t *count = context;

	(void)key;
	(void)value;
	(void)err;
	++*count;
	return ERR_OK;
}

enum err_code catalogue_codes_count(const struct view *view,
				    uint64_t *ret_count, struct err *err)
{
	struct key prefix = kind_key(CATALOGUE_CODE);
	struct span all = key_span(&prefix);
	uint64_t count = 0;
	enum err_code code =
		view_walk(view, TABLE_ROSTER, all, all, row_count, &count, err);

	if (code == ERR_OK)
		*ret_count = count;
	return code;
}

struct next {
	char kind;
	struct span after; /* the whole key */
	struct entry *entry;
};

static enum err_code next_row(void *context, struct span key, struct span value,
			      struct err *err)
{
	struct next *next = context;
	struct record record;
	struct reader reader;
	enum err_code code;

	if (span_equal(key, next->after))
		return ERR_OK;
	code = row_open(TABLE_ROSTER, key, value, &reader, err);
	if (code == ERR_OK)
		code = record_read(next->kind, &reader, &record, err);
	if (code == ERR_OK)
		code = entry_of(&record, next->entry, err);
	return code == ERR_OK ? ERR_STOPPED : code;
}

enum err_code catalogue_next(const struct view *view, enum entry_kind kind,
			     struct span after, struct entry *ret_entry,
			     struct err *err)
{
	char row = kind == ENTRY_ITEM ? CATALOGUE_ITEM : CATALOGUE_CODE;
	struct key prefix = kind_key(row);
	UNINITIALIZED struct entry entry;
	struct next next = {.kind = row, .entry = &entry};
	struct key from;
	enum err_code code;

	ASSERT(kind == ENTRY_ITEM || kind == ENTRY_CODE);
	if (after.size > CODE_SIZE_MAX)
		after.size = CODE_SIZE_MAX;
	from = text_key(row, after);
	next.after = key_span(&from);
	code = view_walk(view, TABLE_ROSTER, next.after, key_span(&prefix),
			 next_row, &next, err);
	if (code == ERR_OK)
		return ERR_NOT_FOUND;
	if (code != ERR_STOPPED)
		return code;
	*ret_entry = entry;
	return ERR_OK;
}

/* ---- folding ---- */

static enum err_code number_give(struct txn *txn, struct span sku,
				 uint32_t *ret_number, struct err *err)
{
	uint8_t buffer[SKU_SIZE_MAX + ROW_CHECKSUM_SIZE];
	struct writer writer;
	uint32_t count;
	struct key key;
	enum err_code code = catalogue_count(txn_view(txn), &count, err);

	if (code != ERR_OK)
		return code;
	if (count >= UINT32_MAX - CATALOGUE_FIRST)
		return err_set(err, ERR_FULL, "too many items of HQ");
	key = number_key(CATALOGUE_FIRST + count);
	writer_init(&writer, buffer, sizeof(buffer));
	write_raw(&writer, sku.data, sku.size);
	code = row_put(txn, TABLE_ROSTER, key_span(&key), &writer, err);
	if (code == ERR_OK)
		*ret_number = CATALOGUE_FIRST + count;
	return code;
}

/* What lies further on in the feed wins; of two at one place, which are on two
 * branches of a fork, the greater bytes: on every node alike. */
static enum err_code record_put(struct txn *txn, char kind, struct span text,
				const struct record *record, struct err *err)
{
	UNINITIALIZED uint8_t buffer[CATALOGUE_ROW_SIZE_MAX];
	struct key key = text_key(kind, text);
	struct record there = {.number = 0};
	struct writer writer;
	enum err_code code =
		record_find(txn_view(txn), kind, text, &there, err);

	if (code == ERR_OK && (there.pos.value > record->pos.value ||
			       (there.pos.value == record->pos.value &&
				span_compare(there.bytes, record->bytes) >= 0)))
		return ERR_OK;
	if (code == ERR_NOT_FOUND)
		code = kind == CATALOGUE_ITEM
			       ? number_give(txn, text, &there.number, err)
			       : ERR_OK;
	if (code != ERR_OK)
		return code;
	writer_init(&writer, buffer, sizeof(buffer));
	if (kind == CATALOGUE_ITEM)
		write_u32(&writer, there.number);
	write_pos(&writer, record->pos);
	write_raw(&writer, record->bytes.data, record->bytes.size);
	return row_put(txn, TABLE_ROSTER, key_span(&key), &writer, err);
}

enum err_code catalogue_fold(struct txn *txn, struct pos pos,
			     const struct entry *entry, struct err *err)
{
	UNINITIALIZED uint8_t encoded[ENTRY_SIZE_MAX];
	struct record record = {.pos = pos};

	if (entry->kind != ENTRY_ITEM && entry->kind != ENTRY_CODE)
		return ERR_OK;
	record.bytes = last_word_bytes(entry, encoded);
	if (entry->kind == ENTRY_ITEM)
		return record_put(txn, CATALOGUE_ITEM,
				  sku_span(&entry->body.item.sku), &record,
				  err);
	return record_put(txn, CATALOGUE_CODE,
			  code_text_span(&entry->body.code.code), &record, err);
}

/* ---- emptying ---- */

enum err_code catalogue_clear(struct txn *txn, struct err *err)
{
	static const char kinds[] = {CATALOGUE_ITEM, CATALOGUE_CODE,
				     CATALOGUE_NUMBER};
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(kinds) && code == ERR_OK; i++) {
		struct key prefix = kind_key(kinds[i]);

		code = rows_clear(txn, TABLE_ROSTER, key_span(&prefix), err);
	}
	return code;
}
