/*
 * The numbers that a store gives to the names of items and places.
 */
#include "store/master_names.h"

#include "store/catalogue.h"
#include "store/master.h"
#include "store/row.h"

/* Numbers of one kind's places: what its bits leave of a place_no. */
#define PLACE_NO_COUNT_MAX ((1u << PLACE_NO_KIND_SHIFT) - 1)

static enum err_code number_find(const struct view *view, enum table table,
				 struct span key, uint32_t *ret_number,
				 struct err *err)
{
	struct reader reader;
	enum err_code code = row_get(view, table, key, &reader, err);
	uint32_t number;

	if (code != ERR_OK)
		return code;
	number = read_u32(&reader);
	if (!reader_done(&reader))
		return row_garbled(table, err);
	*ret_number = number;
	return ERR_OK;
}

static enum err_code number_put(struct txn *txn, enum table table,
				struct span key, uint32_t number,
				struct err *err)
{
	uint8_t buffer[4 + ROW_CHECKSUM_SIZE];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_u32(&writer, number);
	return row_put(txn, table, key, &writer, err);
}

/* ---- items ---- */

enum err_code item_find_own(const struct view *view, struct span sku,
			    struct item_no *ret_item, struct err *err)
{
	return number_find(view, TABLE_SKU, sku, &ret_item->value, err);
}

enum err_code item_find(const struct view *view, struct span sku,
			struct item_no *ret_item, struct err *err)
{
	enum err_code code = item_find_own(view, sku, ret_item, err);

	return code == ERR_NOT_FOUND
		       ? catalogue_number(view, sku, ret_item, err)
		       : code;
}

enum err_code item_renumber(const struct view *view, struct item_no *item,
			    struct err *err)
{
	struct sku sku;
	enum err_code code;

	if (!catalogue_has_given(*item))
		return ERR_OK;
	code = item_name_of(view, *item, &sku, err);
	return code == ERR_OK ? item_find(view, sku_span(&sku), item, err)
			      : code;
}

enum err_code item_intern(struct txn *txn, struct span sku,
			  struct item_no *ret_item, struct err *err)
{
	enum err_code code = item_find_own(txn_view(txn), sku, ret_item, err);
	uint8_t buffer[SKU_SIZE_MAX + ROW_CHECKSUM_SIZE];
	struct writer writer;
	struct key key;
	uint64_t count;

	if (code != ERR_NOT_FOUND)
		return code;
	code = view_count(txn_view(txn), TABLE_SKU, &count, err);
	if (code != ERR_OK)
		return code;
	ret_item->value = (uint32_t)count + 1;
	code = number_put(txn, TABLE_SKU, sku, ret_item->value, err);
	if (code != ERR_OK)
		return code;
	key = key_of_number(ret_item->value);
	writer_init(&writer, buffer, sizeof(buffer));
	write_raw(&writer, sku.data, sku.size);
	return row_put(txn, TABLE_ITEM_NAME, key_span(&key), &writer, err);
}

enum err_code item_name_read(const struct view *view, struct item_no item,
			     struct sku *ret_sku, struct err *err)
{
	struct key key = key_of_number(item.value);
	struct reader reader;
	enum err_code code;

	if (catalogue_has_given(item))
		return catalogue_name(view, item, ret_sku, err);
	code = row_get(view, TABLE_ITEM_NAME, key_span(&key), &reader, err);
	if (code == ERR_OK &&
	    !sku_set(ret_sku, read_raw(&reader, reader_left(&reader))))
		return row_garbled(TABLE_ITEM_NAME, err);
	return code;
}

enum err_code item_name_of(const struct view *view, struct item_no item,
			   struct sku *ret_sku, struct err *err)
{
	enum err_code code = item_name_read(view, item, ret_sku, err);

	return code == ERR_NOT_FOUND ? row_garbled(TABLE_ITEM_NAME, err) : code;
}

/* ---- places ---- */

static struct key place_key(const struct place *place)
{
	struct key key = {.size = 0};

	key_add_u8(&key, (uint8_t)place->kind);
	key_add_text(&key, place_name_span(&place->name));
	return key;
}

enum place_kind place_no_kind(struct place_no place)
{
	return (enum place_kind)(place.value >> PLACE_NO_KIND_SHIFT);
}

enum err_code place_find(const struct view *view, const struct place *place,
			 struct place_no *ret_place, struct err *err)
{
	struct key key = place_key(place);

	return number_find(view, TABLE_PLACE_NAME, key_span(&key),
			   &ret_place->value, err);
}

/* The place's name under its number. Numbers count within a kind, so the next
 * one follows the last row of that kind. */
static enum err_code place_number_next(struct txn *txn,
				       const struct place *place,
				       uint32_t *ret_number, struct err *err)
{
	uint8_t kind = (uint8_t)place->kind;
	struct span prefix = {(const char *)&kind, 1};
	struct span last_key;
	struct span value;
	struct reader reader;
	uint32_t last;
	enum err_code code;

	code = view_last(txn_view(txn), TABLE_PLACE, prefix, &last_key, &value,
			 err);
	if (code == ERR_NOT_FOUND) {
		*ret_number = (uint32_t)place->kind << PLACE_NO_KIND_SHIFT | 1;
		return ERR_OK;
	}
	if (code != ERR_OK)
		return code;
	reader_init(&reader, last_key.data, last_key.size);
	last = read_u32(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_PLACE, err);
	if ((last & PLACE_NO_COUNT_MAX) == PLACE_NO_COUNT_MAX)
		return err_set(err, ERR_FULL, "more than %u places of a kind",
			       PLACE_NO_COUNT_MAX);
	*ret_number = last + 1;
	return ERR_OK;
}

enum err_code place_intern(struct txn *txn, const struct place *place,
			   struct place_no *ret_place, struct err *err)
{
	enum err_code code = place_find(txn_view(txn), place, ret_place, err);
	struct key name = place_key(place);
	uint8_t buffer[PLACE_NAME_SIZE_MAX + 8 + ROW_CHECKSUM_SIZE];
	struct writer writer;
	struct key number;

	if (code != ERR_NOT_FOUND)
		return code;
	code = place_number_next(txn, place, &ret_place->value, err);
	if (code != ERR_OK)
		return code;
	number = key_of_number(ret_place->value);
	writer_init(&writer, buffer, sizeof(buffer));
	write_span(&writer, place_name_span(&place->name));
	code = row_put(txn, TABLE_PLACE, key_span(&number), &writer, err);
	if (code != ERR_OK)
		return code;
	return number_put(txn, TABLE_PLACE_NAME, key_span(&name),
			  ret_place->value, err);
}

enum err_code place_get(const struct view *view, struct place_no place_no,
			struct place *ret_place, struct err *err)
{
	struct key key = key_of_number(place_no.value);
	struct place place = {.kind = place_no_kind(place_no)};
	struct reader reader;
	enum err_code code;

	code = row_get(view, TABLE_PLACE, key_span(&key), &reader, err);
	if (code == ERR_NOT_FOUND)
		return row_garbled(TABLE_PLACE, err);
	if (code != ERR_OK)
		return code;
	if (!place_name_set(&place.name,
			    read_span(&reader, PLACE_NAME_SIZE_MAX)) ||
	    !reader_done(&reader) || !place_is_valid(&place))
		return row_garbled(TABLE_PLACE, err);
	*ret_place = place;
	return ERR_OK;
}

/* ---- walks ---- */

struct sku_walking {
	struct span after;
	sku_visit_fn *visit;
	void *context;
};

static enum err_code sku_row(void *context, struct span key, struct span value,
			     struct err *err)
{
	struct sku_walking *walk = context;
	struct reader reader;
	struct item_no item;
	enum err_code code;

	if (walk->after.size > 0 && span_equal(key, walk->after))
		return ERR_OK;
	code = row_open(TABLE_SKU, key, value, &reader, err);
	if (code != ERR_OK)
		return code;
	item.value = read_u32(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_SKU, err);
	return walk->visit(walk->context, key, item, err);
}

enum err_code sku_walk(const struct view *view, struct span after,
		       sku_visit_fn *visit, void *context, struct err *err)
{
	struct sku_walking walk = {after, visit, context};
	struct span all = {"", 0};

	return view_walk(view, TABLE_SKU, after, all, sku_row, &walk, err);
}

struct bin_walking {
	struct span after;
	bin_visit_fn *visit;
	void *context;
};

static enum err_code bin_row(void *context, struct span key, struct span value,
			     struct err *err)
{
	struct bin_walking *walk = context;
	struct span name = {key.data + 1, key.size - 1}; /* the kind is first */
	struct reader reader;
	struct place_no place;
	enum err_code code;

	if (walk->after.size > 0 && span_equal(name, walk->after))
		return ERR_OK;
	code = row_open(TABLE_PLACE_NAME, key, value, &reader, err);
	if (code != ERR_OK)
		return code;
	place.value = read_u32(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_PLACE_NAME, err);
	return walk->visit(walk->context, name, place, err);
}

enum err_code bin_walk(const struct view *view, struct span after,
		       bin_visit_fn *visit, void *context, struct err *err)
{
	struct bin_walking walk = {after, visit, context};
	struct key prefix = {.size = 0};
	struct key from;

	if (after.size > PLACE_NAME_SIZE_MAX)
		after.size = PLACE_NAME_SIZE_MAX;
	key_add_u8(&prefix, PLACE_BIN);
	from = prefix;
	key_add_text(&from, after);
	return view_walk(view, TABLE_PLACE_NAME, key_span(&from),
			 key_span(&prefix), bin_row, &walk, err);
}
