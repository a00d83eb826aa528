/*
 * The tables' side of the audit.
 */
#include <stdlib.h>

#include "store/audit_work.h"
#include "store/master.h"
#include "store/row.h"

static void row_report(struct audit *audit, enum finding_kind kind)
{
	struct finding finding = {.kind = kind, .table = audit->table};

	audit_report(audit, &finding);
}

/* ---- names and numbers ---- */

/* True if @number is one that the store can have given to an item. */
static struct audit_item *item_at(struct audit *audit, uint32_t number)
{
	if (number == 0 || number > audit->items_count)
		return NULL;
	return &audit->items[number - 1];
}

static struct audit_place *place_at(struct audit *audit, uint32_t number)
{
	uint32_t at;

	if (!dense_find(&audit->place_numbers, number, &at))
		return NULL;
	return &audit->places[at];
}

static enum err_code item_row(struct audit *audit, struct span key,
			      struct reader *row, struct err *err)
{
	struct span sku = read_raw(row, reader_left(row));
	struct audit_item *item;
	struct item_no back;
	struct reader reader;
	uint32_t number;
	uint32_t book;
	enum err_code code;

	reader_init(&reader, key.data, key.size);
	number = read_u32(&reader);
	item = item_at(audit, number);
	code = item_find(audit->view, sku, &back, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND && code != ERR_CORRUPT)
		return code;
	if (!reader_done(&reader) || item == NULL || code != ERR_OK ||
	    back.value != number) {
		row_report(audit, FINDING_NAME);
		return ERR_OK;
	}
	if (book_item(&audit->book, sku, &book))
		item->book = book + 1;
	return ERR_OK;
}

static enum err_code place_keep(struct audit *audit, uint32_t number,
				const struct place *place, struct err *err)
{
	void *array = audit->places;
	uint32_t at;
	uint32_t book;
	enum err_code code = dense_add(&audit->place_numbers, number, &at);

	if (code == ERR_OK)
		code = array_reserve(&array, &audit->places_capacity,
				     audit->place_numbers.count,
				     sizeof(*audit->places));
	audit->places = array;
	if (code != ERR_OK)
		return err_set(err, code, "out of memory");
	audit->places[at].place = *place;
	if (book_place(&audit->book, place, &book))
		audit->places[at].book = book + 1;
	return ERR_OK;
}

static enum err_code place_row(struct audit *audit, struct span key,
			       struct err *err)
{
	struct place_no number;
	struct place_no back;
	struct place place;
	struct reader reader;
	enum err_code code;

	reader_init(&reader, key.data, key.size);
	number.value = read_u32(&reader);
	if (!reader_done(&reader)) {
		row_report(audit, FINDING_NAME);
		return ERR_OK;
	}
	code = place_get(audit->view, number, &place, err);
	if (code == ERR_OK)
		code = place_find(audit->view, &place, &back, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND && code != ERR_CORRUPT)
		return code;
	if (code != ERR_OK || back.value != number.value) {
		row_report(audit, FINDING_NAME);
		return ERR_OK;
	}
	return place_keep(audit, number.value, &place, err);
}

/* ---- what was ever held, and what is promised ---- */

static enum err_code held_row(struct audit *audit, struct span key)
{
	const struct audit_place *place;
	const struct audit_item *item;
	struct reader reader;
	uint32_t pair;

	reader_init(&reader, key.data, key.size);
	place = place_at(audit, read_u32(&reader));
	item = item_at(audit, read_u32(&reader));
	if (!reader_done(&reader) || place == NULL || item == NULL ||
	    place->book == 0 || item->book == 0 ||
	    !book_pair(&audit->book, item->book - 1, place->book - 1, &pair))
		row_report(audit, FINDING_EXTRA);
	else
		audit->held++;
	return ERR_OK;
}

static enum err_code promise_row(struct audit *audit, struct span key,
				 struct reader *row)
{
	struct qty picked = {read_signed(row)};
	struct qty packed = {read_signed(row)};
	struct audit_item *item;
	struct reader reader;

	reader_init(&reader, key.data, key.size);
	item = item_at(audit, read_u32(&reader));
	(void)read_pos(row);
	if (!reader_done(row) || item == NULL || picked.units < 0 ||
	    packed.units < 0) {
		row_report(audit, FINDING_ROW);
		return ERR_OK;
	}
	if (!qty_add(item->picked, picked, &item->picked) ||
	    !qty_add(item->packed, packed, &item->packed))
		row_report(audit, FINDING_OVERFLOW);
	return ERR_OK;
}

/* ---- every row ---- */

static enum err_code row_audit(struct audit *audit, struct span key,
			       struct reader *row, struct err *err)
{
	if (audit->table == TABLE_ITEM_NAME)
		return item_row(audit, key, row, err);
	if (audit->table == TABLE_PLACE)
		return place_row(audit, key, err);
	if (audit->table == TABLE_HELD)
		return held_row(audit, key);
	if (audit->table == TABLE_PROMISE)
		return promise_row(audit, key, row);
	return ERR_OK;
}

static enum err_code table_row(void *context, struct span key,
			       struct span value, struct err *err)
{
	struct audit *audit = context;
	struct reader row;
	struct err ignored;
	enum err_code code;

	/* The one row without a checksum: it says how to read all others. */
	if (audit->table == TABLE_META && span_is(key, ENV_FORMAT_KEY))
		return ERR_OK;
	if (row_open(audit->table, key, value, &row, &ignored) != ERR_OK) {
		row_report(audit, FINDING_ROW);
		return audit_row_done(audit, err);
	}
	audit->result.rows++;
	code = row_audit(audit, key, &row, err);
	if (code != ERR_OK)
		return code;
	return audit_row_done(audit, err);
}

/* A name more than there are numbers would lead nowhere. */
static enum err_code counts_audit(struct audit *audit, enum table names,
				  enum table numbers, struct err *err)
{
	uint64_t names_count;
	uint64_t numbers_count;
	enum err_code code = view_count(audit->view, names, &names_count, err);

	if (code == ERR_OK)
		code = view_count(audit->view, numbers, &numbers_count, err);
	if (code != ERR_OK)
		return code;
	audit->table = names;
	if (names_count != numbers_count)
		row_report(audit, FINDING_NAME);
	return ERR_OK;
}

/* Each item in each bin that the journal knows of has its row of HELD. */
static void held_audit(struct audit *audit)
{
	const struct book *book = &audit->book;
	uint64_t expected = 0;

	for (uint32_t i = 0; i < book->pairs.count; i++) {
		struct span place =
			intern_key(&book->places, book->pairs_at[i].place);

		expected += place.data[0] == PLACE_BIN;
	}
	audit->table = TABLE_HELD;
	if (audit->held < expected)
		row_report(audit, FINDING_MISSING);
}

enum err_code audit_tables(struct audit *audit, struct err *err)
{
	enum err_code code = view_count(audit->view, TABLE_ITEM_NAME,
					&audit->items_count, err);

	if (code != ERR_OK)
		return code;
	audit->items = calloc(audit->items_count + 1, sizeof(*audit->items));
	if (audit->items == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	/* Names first: the others are judged by them. */
	code = audit_table_walk(audit, TABLE_ITEM_NAME, table_row, err);
	if (code == ERR_OK)
		code = audit_table_walk(audit, TABLE_PLACE, table_row, err);
	for (size_t i = 0; i < TABLE_COUNT && code == ERR_OK; i++)
		if (i != TABLE_JOURNAL && i != TABLE_BALANCE &&
		    i != TABLE_ITEM_NAME && i != TABLE_PLACE)
			code = audit_table_walk(audit, (enum table)i, table_row,
						err);
	if (code == ERR_OK)
		code = counts_audit(audit, TABLE_SKU, TABLE_ITEM_NAME, err);
	if (code == ERR_OK)
		code = counts_audit(audit, TABLE_PLACE_NAME, TABLE_PLACE, err);
	if (code == ERR_OK)
		held_audit(audit);
	return code;
}
