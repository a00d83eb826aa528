#include "store/balance.h"

#include <string.h>

#include "store/master.h"
#include "store/row.h"

/* A cell needs at most 1 + 1 + LOT_SIZE_MAX + 10 bytes. */
#define BALANCE_ROW_SIZE_MAX (16 + BALANCE_CELLS_MAX * 32)

/* By condition, then by lot: <0, 0, >0. */
static int cell_compare(const struct cell *cell, enum condition condition,
			struct span lot)
{
	if (cell->condition != condition)
		return cell->condition < condition ? -1 : 1;
	return span_compare(lot_span(&cell->lot), lot);
}

static enum err_code balance_read(struct reader *reader,
				  struct balance *ret_balance, struct err *err)
{
	ret_balance->pos = read_pos(reader);
	ret_balance->count = 0;
	while (reader_left(reader) > 0) {
		struct cell *cell;

		if (ret_balance->count == BALANCE_CELLS_MAX)
			return row_garbled(TABLE_BALANCE, err);
		cell = &ret_balance->cells[ret_balance->count];
		cell->condition = (enum condition)read_u8(reader);
		if (cell->condition > CONDITION_MAX ||
		    !lot_set(&cell->lot, read_span(reader, LOT_SIZE_MAX)))
			return row_garbled(TABLE_BALANCE, err);
		cell->quantity.units = read_signed(reader);
		/* In order, none zero: a row has one form. */
		if (cell->quantity.units == 0 ||
		    (ret_balance->count > 0 &&
		     cell_compare(cell - 1, cell->condition,
				  lot_span(&cell->lot)) >= 0))
			return row_garbled(TABLE_BALANCE, err);
		ret_balance->count++;
	}
	return reader_done(reader) ? ERR_OK : row_garbled(TABLE_BALANCE, err);
}

enum err_code balance_get(const struct view *view, struct item_no item,
			  struct place_no place, struct balance *ret_balance,
			  struct err *err)
{
	enum err_code code = item_renumber(view, &item, err);
	struct reader reader;
	struct key key;

	if (code != ERR_OK)
		return code;
	key = key_of_pair(item.value, place.value);
	code = row_get(view, TABLE_BALANCE, key_span(&key), &reader, err);
	if (code != ERR_OK)
		return code;
	return balance_read(&reader, ret_balance, err);
}

enum err_code balance_stands(const struct view *view, struct item_no item,
			     struct place_no place, bool *ret_stands,
			     struct err *err)
{
	UNINITIALIZED struct balance balance;
	enum err_code code = balance_get(view, item, place, &balance, err);
	bool stands = false;

	if (code == ERR_NOT_FOUND)
		balance.count = 0;
	else if (code != ERR_OK)
		return code;
	for (size_t i = 0; i < balance.count; i++)
		stands |= balance.cells[i].quantity.units > 0;
	*ret_stands = stands;
	return ERR_OK;
}

struct qty balance_cell(const struct balance *balance, enum condition condition,
			struct span lot)
{
	for (size_t i = 0; i < balance->count; i++) {
		const struct cell *cell = &balance->cells[i];

		if (cell->condition == condition &&
		    span_equal(lot_span(&cell->lot), lot))
			return cell->quantity;
	}
	return (struct qty){0};
}

struct qty balance_condition(const struct balance *balance,
			     enum condition condition)
{
	struct qty sum = {0};

	for (size_t i = 0; i < balance->count; i++)
		if (balance->cells[i].condition == condition)
			sum.units += balance->cells[i].quantity.units;
	return sum;
}

/* The cell's index, or where it belongs. */
static size_t cell_index(const struct balance *balance,
			 enum condition condition, struct span lot,
			 bool *ret_found)
{
	size_t i;

	for (i = 0; i < balance->count; i++) {
		int order = cell_compare(&balance->cells[i], condition, lot);

		if (order >= 0) {
			*ret_found = order == 0;
			return i;
		}
	}
	*ret_found = false;
	return i;
}

/* So that whoever adds cells up, balance_condition, need not ask. */
static bool sum_fits(const struct balance *balance)
{
	struct qty sum = {0};

	for (size_t i = 0; i < balance->count; i++)
		if (!qty_add(sum, balance->cells[i].quantity, &sum))
			return false;
	return true;
}

static enum err_code cell_change(struct balance *balance,
				 const struct balance_change *change,
				 struct err *err)
{
	bool is_bin = change->side->place.kind == PLACE_BIN;
	struct span lot = is_bin ? change->lot : (struct span){"", 0};
	bool found;
	size_t at = cell_index(balance, change->side->condition, lot, &found);
	struct cell *cell = &balance->cells[at];

	if (!found) {
		if (balance->count == BALANCE_CELLS_MAX)
			return err_set(err, ERR_OVERFLOW,
				       "more than %d lots of an item in a bin",
				       BALANCE_CELLS_MAX);
		memmove(cell + 1, cell, (balance->count - at) * sizeof(*cell));
		balance->count++;
		*cell = (struct cell){.condition = change->side->condition};
		if (!lot_set(&cell->lot, lot))
			return ERR_INVALID;
	}
	if (!qty_add(cell->quantity, change->change, &cell->quantity) ||
	    !sum_fits(balance))
		return err_set(err, ERR_OVERFLOW,
			       "a balance would leave 64 bits");
	if (is_bin && cell->quantity.units < 0)
		return err_set(err, ERR_CONFLICT,
			       "a bin's balance would be negative");
	if (cell->quantity.units == 0) {
		balance->count--;
		memmove(cell, cell + 1, (balance->count - at) * sizeof(*cell));
	}
	return ERR_OK;
}

static enum err_code balance_put(struct txn *txn, struct span key,
				 const struct balance *balance, struct err *err)
{
	UNINITIALIZED uint8_t buffer[BALANCE_ROW_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_pos(&writer, balance->pos);
	for (size_t i = 0; i < balance->count; i++) {
		const struct cell *cell = &balance->cells[i];

		write_u8(&writer, (uint8_t)cell->condition);
		write_span(&writer, lot_span(&cell->lot));
		write_signed(&writer, cell->quantity.units);
	}
	return row_put(txn, TABLE_BALANCE, key, &writer, err);
}

/* What is in a bin is found by place too; written once per pair, ever. */
static enum err_code
held_put(struct txn *txn, const struct balance_change *change, struct err *err)
{
	struct key key = key_of_pair(change->place.value, change->item.value);
	uint8_t buffer[ROW_CHECKSUM_SIZE];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	return row_put(txn, TABLE_HELD, key_span(&key), &writer, err);
}

enum err_code balance_add(struct txn *txn, const struct balance_change *change,
			  struct err *err)
{
	struct key key = key_of_pair(change->item.value, change->place.value);
	/* Room for one more cell than a row may hold is not needed: cell_change
	 * checks first. Not initialised: only the cells counted are read. */
	UNINITIALIZED struct balance balance;
	enum err_code code;

	code = balance_get(txn_view(txn), change->item, change->place, &balance,
			   err);
	if (code == ERR_NOT_FOUND) {
		balance.count = 0;
		code = change->side->place.kind == PLACE_BIN
			       ? held_put(txn, change, err)
			       : ERR_OK;
	}
	if (code != ERR_OK)
		return code;
	code = cell_change(&balance, change, err);
	if (code != ERR_OK)
		return code;
	balance.pos = change->pos;
	return balance_put(txn, key_span(&key), &balance, err);
}

struct walk {
	const struct view *view;
	balance_visit_fn *visit;
	void *context;
	struct balance balance;
};

/* Field by field: the balance is 10 KiB that no one reads before it is set. */
static void walk_init(struct walk *walk, const struct view *view,
		      balance_visit_fn *visit, void *context)
{
	walk->view = view;
	walk->visit = visit;
	walk->context = context;
}

enum err_code balance_open(struct span key, struct span value,
			   struct balance_key *ret_key,
			   struct balance *ret_balance, struct err *err)
{
	struct balance_key names;
	struct reader reader;
	enum err_code code;

	reader_init(&reader, key.data, key.size);
	names.item.value = read_u32(&reader);
	names.place.value = read_u32(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_BALANCE, err);
	code = row_open(TABLE_BALANCE, key, value, &reader, err);
	if (code == ERR_OK)
		code = balance_read(&reader, ret_balance, err);
	if (code == ERR_OK)
		*ret_key = names;
	return code;
}

static enum err_code walk_row(void *context, struct span key, struct span value,
			      struct err *err)
{
	struct walk *walk = context;
	struct balance_key names;
	enum err_code code;

	code = balance_open(key, value, &names, &walk->balance, err);
	if (code != ERR_OK)
		return code;
	return walk->visit(walk->context, names.item, names.place,
			   &walk->balance, err);
}

enum err_code balance_walk_item(const struct view *view, struct item_no item,
				balance_visit_fn *visit, void *context,
				struct err *err)
{
	enum err_code code = item_renumber(view, &item, err);
	UNINITIALIZED struct walk walk;
	struct key prefix;

	if (code != ERR_OK)
		return code;
	prefix = key_of_number(item.value);
	walk_init(&walk, view, visit, context);
	return view_walk(view, TABLE_BALANCE, key_span(&prefix),
			 key_span(&prefix), walk_row, &walk, err);
}

enum err_code balance_walk_all(const struct view *view, balance_visit_fn *visit,
			       void *context, struct err *err)
{
	UNINITIALIZED struct walk walk;
	struct span all = {"", 0};

	walk_init(&walk, view, visit, context);
	return view_walk(view, TABLE_BALANCE, all, all, walk_row, &walk, err);
}

static enum err_code held_row(void *context, struct span key, struct span value,
			      struct err *err)
{
	struct walk *walk = context;
	struct item_no item;
	struct place_no place;
	struct reader reader;
	enum err_code code;

	reader_init(&reader, key.data, key.size);
	place.value = read_u32(&reader);
	item.value = read_u32(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_HELD, err);
	code = row_open(TABLE_HELD, key, value, &reader, err);
	if (code == ERR_OK)
		code = balance_get(walk->view, item, place, &walk->balance,
				   err);
	if (code == ERR_NOT_FOUND)
		return row_garbled(TABLE_HELD, err);
	if (code != ERR_OK)
		return code;
	return walk->visit(walk->context, item, place, &walk->balance, err);
}

enum err_code balance_walk_bin(const struct view *view, struct place_no place,
			       balance_visit_fn *visit, void *context,
			       struct err *err)
{
	struct balance_key all = {.place = place};

	return balance_walk_bin_after(view, all, visit, context, err);
}

enum err_code balance_walk_bin_after(const struct view *view,
				     struct balance_key after,
				     balance_visit_fn *visit, void *context,
				     struct err *err)
{
	UNINITIALIZED struct walk walk;
	struct key prefix = key_of_number(after.place.value);
	struct key from = key_of_pair(after.place.value, after.item.value + 1);

	walk_init(&walk, view, visit, context);
	return view_walk(view, TABLE_HELD, key_span(&from), key_span(&prefix),
			 held_row, &walk, err);
}

struct tally_walk {
	struct tally tally;
	struct pos pos;
};

static enum err_code tally_row(void *context, struct item_no item,
			       struct place_no place,
			       const struct balance *balance, struct err *err)
{
	struct tally_walk *walk = context;
	bool is_outbound = place.value == PLACE_NO_PICKED ||
			   place.value == PLACE_NO_PACKED;

	(void)item;
	if (place_no_kind(place) != PLACE_BIN)
		return ERR_STOPPED; /* bins sort before all that is outside */
	if (balance->pos.value > walk->pos.value)
		walk->pos = balance->pos;
	for (size_t i = 0; i < balance->count; i++) {
		const struct cell *cell = &balance->cells[i];

		if (!tally_add(&walk->tally, is_outbound, cell->condition,
			       cell->quantity))
			return err_set(err, ERR_OVERFLOW,
				       "an item's total would leave 64 bits");
	}
	return ERR_OK;
}

enum err_code balance_tally(const struct view *view, struct item_no item,
			    struct tally *ret_tally, struct pos *ret_pos,
			    struct err *err)
{
	struct tally_walk walk = {.pos = {0}};
	enum err_code code;

	code = balance_walk_item(view, item, tally_row, &walk, err);
	if (code != ERR_OK && code != ERR_STOPPED)
		return code;
	*ret_tally = walk.tally;
	*ret_pos = walk.pos;
	return ERR_OK;
}
