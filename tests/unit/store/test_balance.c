/*
 * What is where: rows of cells that add up, in one form, and never below zero
 * in a bin.
 */
#include "tests/support/check.h"

#include "store/balance.h"
#include "store/row.h"
#include "tests/support/day.h"

static struct balance balance; /* too large for comfort on a stack */

static struct pos post(struct warehouse *w, enum movement_kind kind,
		       const char *sku, int64_t units, const char *from,
		       const char *to, const char *lot)
{
	struct entry entry = move_of(kind, sku, units, from, to);

	move_lot(&entry, lot);
	return warehouse_enter(w, &entry);
}

static enum err_code read(struct warehouse *w, const char *sku,
			  const char *where)
{
	struct side side = side_of(where);
	struct item_no item;
	struct place_no place;
	struct view *view;
	enum err_code code;

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	code = item_find(view, span_of(sku), &item, &w->err);
	if (code == ERR_OK)
		code = place_find(view, &side.place, &place, &w->err);
	if (code == ERR_OK)
		code = balance_get(view, item, place, &balance, &w->err);
	view_end(view);
	return code;
}

static void both_ends_of_a_movement_change_by_its_quantity(void **state)
{
	struct warehouse *w = *state;
	struct pos pos = post(w, MOVEMENT_RECEIVE, "TEA", 12, "supplier:acme",
			      "DOCK", "L1");

	assert_code(read(w, "TEA", "DOCK"), ERR_OK);
	assert_int_equal(balance.count, 1);
	assert_int_equal(balance.pos.value, pos.value);
	assert_int_equal(balance.cells[0].quantity.units, 12);
	assert_span(lot_span(&balance.cells[0].lot), "L1");
	/* Outside there are no lots. */
	assert_code(read(w, "TEA", "supplier:acme"), ERR_OK);
	assert_int_equal(balance.count, 1);
	assert_int_equal(balance.cells[0].quantity.units, -12);
	assert_int_equal(balance.cells[0].condition, CONDITION_NONE);
	assert_span(lot_span(&balance.cells[0].lot), "");
	assert_code(read(w, "TEA", "A-01"), ERR_NOT_FOUND);
	assert_code(read(w, "CUP", "DOCK"), ERR_NOT_FOUND);
}

static void an_empty_bin_still_knows_its_last_movement(void **state)
{
	struct warehouse *w = *state;
	struct pos pos;

	(void)post(w, MOVEMENT_RECEIVE, "TEA", 12, "supplier:acme", "DOCK", "");
	pos = post(w, MOVEMENT_PUTAWAY, "TEA", 12, "DOCK", "A-01", "");
	assert_code(read(w, "TEA", "DOCK"), ERR_OK);
	assert_int_equal(balance.count, 0);
	assert_int_equal(balance.pos.value, pos.value);
}

/* Method: cells come in any order of lot and condition, and lie in one. */
static void cells_lie_by_condition_and_lot(void **state)
{
	static const struct {
		const char *to;
		const char *lot;
	} ends[] = {
		{"DOCK/damaged", ""},     {"DOCK", "L2"},       {"DOCK", ""},
		{"DOCK/on_hold", "A"},    {"DOCK", "L1"},       {"DOCK", "L11"},
		{"DOCK/quarantine", "Z"}, {"DOCK/on_hold", ""},
	};
	struct warehouse *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		(void)post(w, MOVEMENT_RECEIVE, "TEA", 1 + (int64_t)i,
			   "supplier:acme", ends[i].to, ends[i].lot);
	assert_code(read(w, "TEA", "DOCK"), ERR_OK);
	assert_int_equal(balance.count, ARRAY_LEN(ends));
	for (size_t i = 1; i < balance.count; i++) {
		const struct cell *a = &balance.cells[i - 1];
		const struct cell *b = &balance.cells[i];

		assert_true(a->condition < b->condition ||
			    (a->condition == b->condition &&
			     span_compare(lot_span(&a->lot),
					  lot_span(&b->lot)) < 0));
	}
	assert_int_equal(
		balance_cell(&balance, CONDITION_GOOD, span_of("L1")).units, 5);
	assert_int_equal(
		balance_cell(&balance, CONDITION_GOOD, span_of("L3")).units, 0);
	assert_int_equal(balance_condition(&balance, CONDITION_GOOD).units,
			 2 + 3 + 5 + 6);
	assert_int_equal(balance_condition(&balance, CONDITION_DAMAGED).units,
			 1);
}

/*
 * The most that names may be: a SKU of 64 bytes in characters of 1 to 4 bytes,
 * bins of 40 bytes, lots of 20, and 190 of them in one bin, which are then
 * moved to another one by one.
 */
static void a_bin_holds_190_lots_of_an_item_with_the_longest_names(void **state)
{
	static const char sku[] =
		"\xf0\x9f\x8d\xb5\xf0\x9f\x8d\xb5\xf0\x9f\x8d\xb5"
		"\xe7\xbb\xbf\xe8\x8c\xb6\xe7\xbb\xbf\xe8\x8c\xb6"
		"\xc3\xa9\xc3\xa9 /\\\"'%-_#~|<>[]{}()=+*&^$@!?.,;`"
		"0123";
	static const char from[] = "\xe8\xb4\xa7\xe4\xbd\x8d"
				   "1234567890"
				   "123456789012345678901234";
	static const char to[] = "B-90123456789012345678901234567890123456";
	struct warehouse *w = *state;
	char lot[LOT_SIZE_MAX + 1];
	struct tally tally;
	struct view *view;
	struct pos pos;

	assert_int_equal(strlen(sku), SKU_SIZE_MAX);
	assert_int_equal(strlen(from), PLACE_NAME_SIZE_MAX);
	assert_int_equal(strlen(to), PLACE_NAME_SIZE_MAX);
	for (size_t i = 0; i < 190; i++) {
		assert_true(text_format(lot, sizeof(lot), "LOT-%zu-45678901234",
					190 - i));
		lot[LOT_SIZE_MAX] = '\0';
		(void)post(w, MOVEMENT_RECEIVE, sku, 1 + (int64_t)i,
			   "supplier:acme", from, lot);
	}
	assert_code(read(w, sku, from), ERR_OK);
	assert_int_equal(balance.count, 190);
	for (size_t i = 0; i < 190; i++) {
		assert_true(text_format(lot, sizeof(lot), "LOT-%zu-45678901234",
					190 - i));
		(void)post(w, MOVEMENT_MOVE, sku, 1 + (int64_t)i, from, to,
			   lot);
	}
	assert_code(read(w, sku, from), ERR_OK);
	assert_int_equal(balance.count, 0);
	assert_code(read(w, sku, to), ERR_OK);
	assert_int_equal(balance.count, 190);
	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	assert_code(balance_tally(view, (struct item_no){1}, &tally, &pos,
				  NULL),
		    ERR_OK);
	view_end(view);
	assert_int_equal(tally.available.units, 190 * 191 / 2);
}

/* One lot too many is refused, and stops nothing else. */
static void a_lot_beyond_what_a_row_holds_is_refused(void **state)
{
	struct warehouse *w = *state;
	struct entry entry;
	char lot[LOT_SIZE_MAX + 1];

	warehouse_begin(w);
	for (size_t i = 0; i < BALANCE_CELLS_MAX; i++) {
		assert_true(text_format(lot, sizeof(lot), "L%zu", i));
		entry = move_of(MOVEMENT_RECEIVE, "TEA", 1, "supplier:acme",
				"DOCK");
		move_lot(&entry, lot);
		(void)warehouse_post(w, &entry);
	}
	warehouse_commit(w);
	entry = move_of(MOVEMENT_RECEIVE, "TEA", 1, "supplier:acme", "DOCK");
	move_lot(&entry, "one more");
	warehouse_begin(w);
	assert_code(batch_post(w->batch, &entry, NULL, &w->err), ERR_OVERFLOW);
	batch_abandon(w->batch);
	(void)post(w, MOVEMENT_RECEIVE, "TEA", 5, "supplier:acme", "DOCK",
		   "L7");
	assert_code(read(w, "TEA", "DOCK"), ERR_OK);
	assert_int_equal(balance.count, BALANCE_CELLS_MAX);
}

static void a_bin_never_goes_below_zero_lot_by_lot(void **state)
{
	struct warehouse *w = *state;
	struct entry entry =
		move_of(MOVEMENT_SHIP, "TEA", 6, "DOCK", "customer");

	(void)post(w, MOVEMENT_RECEIVE, "TEA", 5, "supplier:acme", "DOCK",
		   "L1");
	(void)post(w, MOVEMENT_RECEIVE, "TEA", 5, "supplier:acme", "DOCK",
		   "L2");
	move_lot(&entry, "L1");
	warehouse_begin(w);
	assert_code(batch_post(w->batch, &entry, NULL, &w->err), ERR_CONFLICT);
	batch_abandon(w->batch);
	assert_code(read(w, "TEA", "DOCK"), ERR_OK);
	assert_int_equal(balance_condition(&balance, CONDITION_GOOD).units, 10);
}

/* Method: 9,223 movements of 10^15 fit one place, the next one does not. */
static void a_sum_beyond_64_bits_is_refused(void **state)
{
	struct warehouse *w = *state;
	size_t posted = 0;
	enum err_code code = ERR_OK;

	warehouse_begin(w);
	while (code == ERR_OK) {
		struct entry entry = move_of(MOVEMENT_RECEIVE, "SAND",
					     QTY_MOVE_MAX, "supplier:acme",
					     posted % 2 == 0 ? "DOCK" : "A-01");

		code = batch_post(w->batch, &entry, NULL, &w->err);
		posted += code == ERR_OK;
	}
	batch_abandon(w->batch);
	assert_code(code, ERR_OVERFLOW);
	assert_int_equal(posted, INT64_MAX / QTY_MOVE_MAX);
}

static void two_lots_whose_sum_leaves_64_bits_are_refused(void **state)
{
	struct warehouse *w = *state;
	enum err_code code = ERR_OK;
	size_t posted = 0;

	warehouse_begin(w);
	while (code == ERR_OK && posted < 20000) {
		struct entry entry = move_of(
			MOVEMENT_RECEIVE, "SAND", QTY_MOVE_MAX,
			posted % 2 == 0 ? "supplier:acme" : "supplier:zeta",
			"DOCK");

		move_lot(&entry, posted % 2 == 0 ? "L1" : "L2");
		code = batch_post(w->batch, &entry, NULL, &w->err);
		posted += code == ERR_OK;
	}
	batch_abandon(w->batch);
	assert_code(code, ERR_OVERFLOW);
	assert_int_equal(posted, INT64_MAX / QTY_MOVE_MAX);
}

struct seen {
	size_t rows;
	uint64_t last; /* item and place as one number */
};

static enum err_code see(void *context, struct item_no item,
			 struct place_no place, const struct balance *row,
			 struct err *err)
{
	struct seen *seen = context;
	uint64_t at = (uint64_t)item.value << 32 | place.value;

	(void)err;
	assert_true(at > seen->last);
	assert_true(row->pos.value > 0);
	seen->last = at;
	seen->rows++;
	return ERR_OK;
}

static enum err_code see_bin(void *context, struct item_no item,
			     struct place_no place, const struct balance *row,
			     struct err *err)
{
	size_t *rows = context;

	(void)item;
	(void)row;
	(void)err;
	assert_int_equal(place.value, PLACE_NO_DOCK);
	(*rows)++;
	return ERR_OK;
}

static void walks_visit_by_item_and_place_and_by_bin(void **state)
{
	struct warehouse *w = *state;
	struct seen all = {.rows = 0};
	struct seen tea = {.rows = 0};
	size_t dock = 0;
	struct item_no item;
	struct view *view;

	day_post(w);
	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	assert_code(item_find(view, span_of("TEA"), &item, NULL), ERR_OK);
	assert_code(balance_walk_all(view, see, &all, NULL), ERR_OK);
	assert_code(balance_walk_item(view, item, see, &tea, NULL), ERR_OK);
	assert_code(balance_walk_bin(view, (struct place_no){PLACE_NO_DOCK},
				     see_bin, &dock, NULL),
		    ERR_OK);
	view_end(view);
	assert_int_equal(tea.rows, 8); /* 4 bins, 4 places outside */
	assert_int_equal(dock, 3);     /* TEA, CUP, SET */
	assert_int_equal(all.rows, 20);
}

static void a_tally_counts_bins_only_and_names_the_last_movement(void **state)
{
	struct warehouse *w = *state;
	struct tally tally;
	struct pos last;
	struct pos pos;
	struct view *view;

	(void)post(w, MOVEMENT_RECEIVE, "TEA", 100, "supplier:acme", "DOCK",
		   "");
	(void)post(w, MOVEMENT_HOLD, "TEA", 7, "DOCK", "DOCK/damaged", "");
	last = post(w, MOVEMENT_PICK, "TEA", 20, "DOCK", "PICKED", "");
	(void)post(w, MOVEMENT_RECEIVE, "CUP", 1, "supplier:acme", "DOCK", "");
	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	assert_code(balance_tally(view, (struct item_no){1}, &tally, &pos,
				  NULL),
		    ERR_OK);
	assert_int_equal(pos.value, last.value);
	assert_int_equal(tally.on_hand.units, 100);
	assert_int_equal(tally.available.units, 73);
	assert_int_equal(tally.allocated.units, 20);
	assert_int_equal(tally.damaged.units, 7);
	assert_code(balance_tally(view, (struct item_no){99}, &tally, &pos,
				  NULL),
		    ERR_OK);
	assert_int_equal(pos.value, 0);
	assert_int_equal(tally.on_hand.units, 0);
	view_end(view);
}

/* Rows that no balance_add writes, sealed: damage, or another program's. */
static void a_row_in_another_form_is_damage(void **state)
{
	static const struct {
		const char *what;
		uint8_t cells[16];
		size_t size;
	} forms[] = {
		{"a cell of zero units", {1, 0, 0}, 3},
		{"a condition too high", {5, 0, 2}, 3},
		{"cells in falling order", {2, 0, 2, 1, 0, 2}, 6},
		{"a cell twice", {1, 0, 2, 1, 0, 2}, 6},
		{"half a cell", {1, 0}, 2},
		{"a lot cut short", {1, 5, 'L'}, 3},
	};
	struct warehouse *w = *state;
	struct key key;
	struct txn *txn;

	(void)post(w, MOVEMENT_RECEIVE, "TEA", 1, "supplier:acme", "DOCK", "");
	key = key_of_pair(1, PLACE_NO_DOCK);
	assert_done(txn_begin(ledger_env(w->ledger), &txn, &w->err), &w->err);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		uint8_t buffer[64];
		struct writer writer;

		writer_init(&writer, buffer, sizeof(buffer));
		write_pos(&writer, pos_make(1, 2));
		write_raw(&writer, forms[i].cells, forms[i].size);
		assert_code(row_put(txn, TABLE_BALANCE, key_span(&key), &writer,
				    NULL),
			    ERR_OK);
		if (balance_get(txn_view(txn), (struct item_no){1},
				(struct place_no){PLACE_NO_DOCK}, &balance,
				&w->err) != ERR_CORRUPT)
			fail_msg("%s is taken", forms[i].what);
	}
	txn_abandon(txn);
}

#define TEST(name)                                             \
	cmocka_unit_test_setup_teardown(name, warehouse_setup, \
					warehouse_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_ends_of_a_movement_change_by_its_quantity),
		TEST(an_empty_bin_still_knows_its_last_movement),
		TEST(cells_lie_by_condition_and_lot),
		TEST(a_bin_holds_190_lots_of_an_item_with_the_longest_names),
		TEST(a_lot_beyond_what_a_row_holds_is_refused),
		TEST(a_bin_never_goes_below_zero_lot_by_lot),
		TEST(a_sum_beyond_64_bits_is_refused),
		TEST(two_lots_whose_sum_leaves_64_bits_are_refused),
		TEST(walks_visit_by_item_and_place_and_by_bin),
		TEST(a_tally_counts_bins_only_and_names_the_last_movement),
		TEST(a_row_in_another_form_is_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
