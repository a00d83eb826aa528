/*
 * What people found and counted while the book lacked entries is netted out
 * when these come: no unit stands twice, and none is missing.
 *
 * Method: a box that took another one's place (tests/support/replaced.h) takes
 * and counts what stands there; then the book of the box before comes.
 */
#include "store/fold.h"
#include "store/found.h"
#include "store/promise.h"
#include "store/recount.h"
#include "tests/support/replaced.h"

static struct entry here(enum movement_kind kind, int64_t units,
			 const char *from, const char *to)
{
	return move_of(kind, "TEA", units, from, to);
}

static void moves(struct bed *bed, enum movement_kind kind, int64_t units,
		  const char *from, const char *to)
{
	struct entry entry = here(kind, units, from, to);

	(void)warehouse_enter(&bed->w, &entry);
}

/* As the engine posts what is taken beyond the book. */
static void takes(struct bed *bed, enum movement_kind kind, int64_t units,
		  const char *from, const char *to)
{
	moves(bed, MOVEMENT_FOUND, units, "found", from);
	moves(bed, kind, units, from, to);
}

/* As the engine posts an accepted count. */
static void counts_lot(struct bed *bed, int64_t units, const char *bin,
		       const char *lot)
{
	int64_t book = book_units(bed, bin);
	int64_t change = units - book;
	struct entry entry;
	struct count *count = &entry.body.count;

	entry_init(&entry, ENTRY_COUNT);
	entry.effective = bed->w.now;
	entry.clock_flags = ENTRY_EFFECTIVE_TRUSTED;
	assert_true(place_name_set(&count->bin, span_of(bin)) &&
		    lot_set(&count->lot, span_of(lot)));
	TEXT_SET(count->item, "TEA");
	count->condition = CONDITION_GOOD;
	count->counted = units;
	count->book = book;
	count->at = pos_make(NEW_EPOCH, 1);
	count->verdict = COUNT_ACCEPTED;
	(void)warehouse_enter(&bed->w, &entry);
	if (change == 0)
		return;
	entry = change > 0 ? here(MOVEMENT_COUNT_ADJUST, change, "found", bin)
			   : here(MOVEMENT_COUNT_ADJUST, -change, bin, "loss");
	move_lot(&entry, lot);
	(void)warehouse_enter(&bed->w, &entry);
}

static void counts(struct bed *bed, int64_t units, const char *bin)
{
	counts_lot(bed, units, bin, "");
}

static bool is_late_task(const struct entry *entry)
{
	return entry->kind == ENTRY_TASK &&
	       span_is(reason_span(&entry->body.task.reason),
		       RECOUNT_LATE_REASON);
}

/* The box before had received 100, and 3 of them are gone: that is all. */
static void the_old_hundred_comes(struct bed *bed)
{
	before_moves(bed, MOVEMENT_RECEIVE, 100, "supplier:x", "A-01");
	assert_int_equal(regain_all(bed), 1);
	assert_int_equal(book_units(bed, "A-01"), 97);
	assert_int_equal(journal_count(bed, is_late_task), 0);
	assert_sound(bed);
}

/* ---- no room ---- */

/* People have put as many lots of tea into the bin as a bin can hold. What came
 * before and behind it comes back all the same. */
static void a_lot_that_a_bin_has_no_room_for_holds_up_nothing(void **state)
{
	struct bed *bed = *state;
	struct entry entry = here(MOVEMENT_RECEIVE, 9, "supplier:x", "A-01");

	for (unsigned i = 0; i < BALANCE_CELLS_MAX; i++) {
		struct entry lots =
			here(MOVEMENT_RECEIVE, 1, "supplier:x", "A-01");
		char lot[16];

		(void)text_format(lot, sizeof(lot), "N%u", i);
		move_lot(&lots, lot);
		(void)warehouse_enter(&bed->w, &lots);
	}
	before_moves(bed, MOVEMENT_RECEIVE, 5, "supplier:x", "B-02");
	move_lot(&entry, "L1");
	before_says(bed, &entry);
	move_lot(&entry, "N7");
	before_says(bed, &entry);
	entry = here(MOVEMENT_MOVE, 2, "A-01", "B-02");
	move_lot(&entry, "L1");
	before_says(bed, &entry);
	before_moves(bed, MOVEMENT_RECEIVE, 5, "supplier:x", "B-02");
	assert_int_equal(regain_all(bed), 3);
	assert_int_equal(book_units(bed, "A-01"), BALANCE_CELLS_MAX + 9);
	assert_int_equal(book_units(bed, "B-02"), 10);
	assert_int_equal(journal_count(bed, is_late_task), 1);
	assert_false(is_due(bed));
	assert_sound(bed);
}

/* ---- found ---- */

/* The box before received 100; people pick 3 before anybody has told. */
static void what_was_found_for_a_pick_goes_back(void **state)
{
	struct bed *bed = *state;

	takes(bed, MOVEMENT_SCRAP, 3, "A-01", "scrap");
	assert_int_equal(book_units(bed, "found"), -3);
	the_old_hundred_comes(bed);
	assert_int_equal(book_units(bed, "found"), 0);
}

/* Of what was found only that goes back which comes. */
static void what_was_found_beyond_the_old_book_stays_found(void **state)
{
	struct bed *bed = *state;

	takes(bed, MOVEMENT_SCRAP, 8, "A-01", "scrap");
	before_moves(bed, MOVEMENT_RECEIVE, 5, "supplier:x", "A-01");
	assert_int_equal(regain_all(bed), 1);
	assert_int_equal(book_units(bed, "A-01"), 0);
	assert_int_equal(book_units(bed, "found"), -3);
	before_moves(bed, MOVEMENT_RECEIVE, 2, "supplier:x", "A-01");
	before_moves(bed, MOVEMENT_RECEIVE, 2, "supplier:x", "A-01");
	assert_int_equal(regain_all(bed), 2);
	assert_int_equal(book_units(bed, "A-01"), 1);
	assert_int_equal(book_units(bed, "found"), 0);
	assert_sound(bed);
}

/* 10 came in and 4 were taken before; then 8 were taken: 2 more than stood
 * there. */
static void what_the_old_book_took_itself_is_found_again(void **state)
{
	struct bed *bed = *state;

	takes(bed, MOVEMENT_SCRAP, 8, "A-01", "scrap");
	before_moves(bed, MOVEMENT_RECEIVE, 10, "supplier:x", "A-01");
	before_moves(bed, MOVEMENT_SCRAP, 4, "A-01", "scrap");
	assert_int_equal(regain_all(bed), 2);
	assert_int_equal(book_units(bed, "A-01"), 0);
	assert_int_equal(book_units(bed, "found"), -2);
	assert_sound(bed);
}

/* Put away from the dock where the old box had received it. */
static void goods_that_were_on_the_dock_are_not_there_twice(void **state)
{
	struct bed *bed = *state;
	struct entry entry = here(MOVEMENT_RECEIVE, 9, "supplier:x", "DOCK");

	takes(bed, MOVEMENT_PUTAWAY, 9, "DOCK", "A-01");
	move_lot(&entry, "L1"); /* which the people did not say */
	before_says(bed, &entry);
	assert_int_equal(regain_all(bed), 1);
	assert_int_equal(book_units(bed, "DOCK"), 0);
	assert_int_equal(book_units(bed, "A-01"), 9);
	assert_sound(bed);
}

static int64_t picked_for(struct bed *bed, const char *order)
{
	struct promise promise = {.picked = {0}};
	struct item_no item = warehouse_item(&bed->w, "TEA");
	struct view *view = bed_look(bed);
	enum err_code code =
		promise_get(view, item, span_of(order), &promise, &bed->w.err);

	view_end(view);
	if (code != ERR_NOT_FOUND)
		assert_done(code, &bed->w.err);
	return promise.picked.units;
}

/* The old box picked for two orders; one was packed at the new one. */
static void what_stands_for_an_order_is_netted_for_that_order(void **state)
{
	struct bed *bed = *state;
	struct entry entry = here(MOVEMENT_FOUND, 3, "found", BIN_PICKED);

	move_ref(&entry, REF_ORDER, "SO-2");
	(void)warehouse_enter(&bed->w, &entry);
	entry = here(MOVEMENT_PACK, 3, BIN_PICKED, BIN_PACKED);
	move_ref(&entry, REF_ORDER, "SO-2");
	(void)warehouse_enter(&bed->w, &entry);
	before_moves(bed, MOVEMENT_RECEIVE, 20, "supplier:x", "A-01");
	entry = here(MOVEMENT_PICK, 5, "A-01", BIN_PICKED);
	move_ref(&entry, REF_ORDER, "SO-1");
	before_says(bed, &entry);
	entry = here(MOVEMENT_PICK, 3, "A-01", BIN_PICKED);
	move_ref(&entry, REF_ORDER, "SO-2");
	before_says(bed, &entry);
	assert_int_equal(regain_all(bed), 3);
	assert_int_equal(picked_for(bed, "SO-1"), 5);
	assert_int_equal(picked_for(bed, "SO-2"), 0);
	assert_int_equal(book_units(bed, BIN_PICKED), 5);
	assert_int_equal(book_units(bed, BIN_PACKED), 3);
	assert_int_equal(book_units(bed, "found"), 0);
	assert_sound(bed);
}

/* What the box before found itself was found; it is no want of this book. */
static void what_was_found_before_stays_found(void **state)
{
	struct bed *bed = *state;

	before_moves(bed, MOVEMENT_FOUND, 4, "found", "A-01");
	before_moves(bed, MOVEMENT_RECEIVE, 10, "supplier:x", "A-01");
	assert_int_equal(regain_all(bed), 2);
	assert_int_equal(book_units(bed, "A-01"), 14);
	assert_int_equal(book_units(bed, "found"), -4);
}

/* ---- counted ---- */

static void what_was_counted_does_not_stand_there_twice(void **state)
{
	struct bed *bed = *state;

	counts(bed, 100, "A-01");
	moves(bed, MOVEMENT_SCRAP, 3, "A-01", "scrap");
	the_old_hundred_comes(bed);
	assert_int_equal(book_units(bed, "found") + book_units(bed, "loss"), 0);
}

/* Whatever came and went before the count: it says what stood there. */
static void a_count_stands_whatever_comes_back_from_before_it(void **state)
{
	struct bed *bed = *state;

	counts(bed, 7, "A-01");
	before_moves(bed, MOVEMENT_RECEIVE, 20, "supplier:x", "A-01");
	before_moves(bed, MOVEMENT_SCRAP, 15, "A-01", "scrap");
	before_moves(bed, MOVEMENT_MOVE, 5, "A-01", "B-02");
	before_moves(bed, MOVEMENT_RECEIVE, 2, "supplier:x", "B-02");
	assert_int_equal(regain_all(bed), 4);
	assert_int_equal(book_units(bed, "A-01"), 7);
	assert_int_equal(book_units(bed, "B-02"), 7);
	assert_sound(bed);
}

static bool is_adjustment(const struct entry *entry)
{
	return entry->kind == ENTRY_MOVEMENT && entry->regained.value == 0 &&
	       entry->ref.kind == REF_COUNT;
}

/* What went in and out again in one go is adjusted by nothing. */
static void what_came_and_went_before_the_count_leaves_no_noise(void **state)
{
	struct bed *bed = *state;

	counts(bed, 0, "A-01");
	before_moves(bed, MOVEMENT_RECEIVE, 20, "supplier:x", "A-01");
	before_moves(bed, MOVEMENT_SCRAP, 20, "A-01", "scrap");
	assert_int_equal(regain_all(bed), 2);
	assert_int_equal(book_units(bed, "A-01"), 0);
	assert_int_equal(journal_count(bed, is_adjustment), 0);
	assert_sound(bed);
}

/* Counted to nothing, and the old book begins with what it took. */
static void an_outflow_before_the_count_is_put_back(void **state)
{
	struct bed *bed = *state;

	before_moves(bed, MOVEMENT_RECEIVE, 10, "supplier:x", "A-01");
	assert_int_equal(regain_all(bed), 1);
	counts(bed, 6, "A-01");
	before_moves(bed, MOVEMENT_SCRAP, 4, "A-01", "scrap");
	assert_int_equal(regain_all(bed), 1);
	assert_int_equal(book_units(bed, "A-01"), 6);
	before_moves(bed, MOVEMENT_SCRAP, 9, "A-01", "scrap");
	assert_int_equal(regain_all(bed), 1);
	assert_int_equal(book_units(bed, "A-01"), 6);
	assert_sound(bed);
}

/* Counted without a lot; the old book knows it. */
static void a_count_of_all_lots_takes_back_what_it_found(void **state)
{
	static struct balance balance;
	struct bed *bed = *state;
	struct entry entry = here(MOVEMENT_RECEIVE, 30, "supplier:x", "A-01");
	struct side side = side_of("A-01");
	struct item_no item;
	struct place_no place;
	struct view *view;

	counts(bed, 30, "A-01");
	move_lot(&entry, "L1");
	before_says(bed, &entry);
	assert_int_equal(regain_all(bed), 1);
	assert_int_equal(book_units(bed, "A-01"), 30);
	item = warehouse_item(&bed->w, "TEA");
	view = bed_look(bed);
	assert_done(place_find(view, &side.place, &place, &bed->w.err),
		    &bed->w.err);
	assert_done(balance_get(view, item, place, &balance, &bed->w.err),
		    &bed->w.err);
	view_end(view);
	assert_int_equal(balance_cell(&balance, CONDITION_GOOD,
				      SPAN_LITERAL("L1"))
				 .units,
			 30);
	assert_sound(bed);
}

static void what_happened_after_the_count_is_booked(void **state)
{
	struct bed *bed = *state;
	struct entry entry = here(MOVEMENT_RECEIVE, 5, "supplier:x", "A-01");

	counts(bed, 10, "A-01");
	/* Both clocks were trusted: the old box lived on beside this one. */
	bed->feeds.stamp = ((uint64_t)bed->w.now.ms + 60000)
			   << STAMP_COUNTER_BITS;
	entry.clock_flags = ENTRY_EFFECTIVE_TRUSTED;
	before_says(bed, &entry);
	assert_int_equal(regain_all(bed), 1);
	assert_int_equal(book_units(bed, "A-01"), 15);
}

/* ---- nobody can know ---- */

static void a_count_of_another_lot_asks_for_another_count(void **state)
{
	struct bed *bed = *state;

	counts_lot(bed, 10, "A-01", "L7");
	before_moves(bed, MOVEMENT_RECEIVE, 5, "supplier:x", "A-01");
	before_moves(bed, MOVEMENT_RECEIVE, 6, "supplier:x", "A-01");
	before_moves(bed, MOVEMENT_RECEIVE, 6, "supplier:x", "B-02");
	assert_int_equal(regain_all(bed), 3);
	assert_int_equal(book_units(bed, "A-01"), 21);
	assert_int_equal(journal_count(bed, is_late_task), 1);
	assert_sound(bed);
}

static void units_for_orders_that_were_counted_are_counted_again(void **state)
{
	struct bed *bed = *state;
	struct entry entry = here(MOVEMENT_PICK, 5, "A-01", BIN_PICKED);

	counts(bed, 0, BIN_PICKED);
	before_moves(bed, MOVEMENT_RECEIVE, 20, "supplier:x", "A-01");
	move_ref(&entry, REF_ORDER, "SO-1");
	before_says(bed, &entry);
	assert_int_equal(regain_all(bed), 2);
	assert_int_equal(picked_for(bed, "SO-1"), 5);
	assert_int_equal(journal_count(bed, is_late_task), 1);
	assert_sound(bed);
}

/* ---- the sum that is kept ---- */

static int64_t found_units(struct bed *bed, const char *where)
{
	struct side side = side_of(where);
	const struct span none = {"", 0};
	struct found_record found = {.units = 0};
	struct view *view = bed_look(bed);
	enum err_code code = found_get(view, SPAN_LITERAL("TEA"), &side, none,
				       &found, &bed->w.err);

	view_end(view);
	if (code != ERR_NOT_FOUND)
		assert_done(code, &bed->w.err);
	return found.units;
}

static void what_is_found_is_summed_until_it_is_counted(void **state)
{
	struct bed *bed = *state;

	takes(bed, MOVEMENT_SCRAP, 3, "A-01", "scrap");
	takes(bed, MOVEMENT_SCRAP, 4, "A-01", "scrap");
	takes(bed, MOVEMENT_SCRAP, 1, "B-02", "scrap");
	assert_int_equal(found_units(bed, "A-01"), 7);
	moves(bed, MOVEMENT_FOUND, 2, "found", "A-01");
	moves(bed, MOVEMENT_REVERSE, 2, "A-01", "found");
	assert_int_equal(found_units(bed, "A-01"), 7);
	assert_int_equal(found_units(bed, "A-01/damaged"), 0);
	counts(bed, 0, "A-01");
	assert_int_equal(found_units(bed, "A-01"), 0);
	assert_int_equal(found_units(bed, "B-02"), 1);
	assert_sound(bed);
}

static void a_damaged_sum_is_an_error(void **state)
{
	struct bed *bed = *state;
	struct warehouse *w = &bed->w;
	static const char key[] = "fA-01\0TEA\0\1";
	struct found_record found;
	struct side side = side_of("A-01");
	struct view *view;

	takes(bed, MOVEMENT_SCRAP, 3, "A-01", "scrap");
	warehouse_begin(w);
	assert_done(txn_put(batch_txn(w->batch), TABLE_DOCUMENT,
			    (struct span){key, sizeof(key) - 1},
			    SPAN_LITERAL("spoilt"), &w->err),
		    &w->err);
	warehouse_commit(w);
	view = bed_look(bed);
	assert_code(found_get(view, SPAN_LITERAL("TEA"), &side,
			      (struct span){"", 0}, &found, &w->err),
		    ERR_CORRUPT);
	view_end(view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_lot_that_a_bin_has_no_room_for_holds_up_nothing),
		TEST(what_was_found_for_a_pick_goes_back),
		TEST(what_was_found_beyond_the_old_book_stays_found),
		TEST(what_the_old_book_took_itself_is_found_again),
		TEST(goods_that_were_on_the_dock_are_not_there_twice),
		TEST(what_stands_for_an_order_is_netted_for_that_order),
		TEST(what_was_found_before_stays_found),
		TEST(what_was_counted_does_not_stand_there_twice),
		TEST(a_count_stands_whatever_comes_back_from_before_it),
		TEST(what_came_and_went_before_the_count_leaves_no_noise),
		TEST(an_outflow_before_the_count_is_put_back),
		TEST(a_count_of_all_lots_takes_back_what_it_found),
		TEST(what_happened_after_the_count_is_booked),
		TEST(a_count_of_another_lot_asks_for_another_count),
		TEST(units_for_orders_that_were_counted_are_counted_again),
		TEST(what_is_found_is_summed_until_it_is_counted),
		TEST(a_damaged_sum_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
