/*
 * Corners of the engine that a random day found (test_engine_model.c), each as
 * a story of its own.
 */
#include "tests/unit/core/bench_warehouse.h"

#include "store/parked.h"
#include "store/promise.h"

#define GOOD CONDITION_GOOD

static void scan(struct warehouse *w, const char *code)
{
	send(w, "scan/gun-2", code);
}

static void read_in(struct warehouse *w, const char *payload)
{
	send(w, "scan/dock-1", payload);
}

/* Units of MUG that stand in PICKED for @order. */
static int64_t picked_for(struct warehouse *w, const char *order)
{
	struct promise promise = {.picked = {0}};
	struct item_no item;
	struct view *view;
	struct err err;
	enum err_code code;

	assert_done(view_begin(ledger_env(w->ledger), &view, &err), &err);
	assert_done(item_find(view, SPAN_LITERAL("MUG"), &item, &err), &err);
	code = promise_get(view, item, span_of(order), &promise, &err);
	view_end(view);
	if (code != ERR_NOT_FOUND)
		assert_code(code, ERR_OK);
	return promise.picked.units;
}

/* Why parked input @number is parked; WORD_NONE: it is not. */
static enum word parked_word(struct warehouse *w, uint64_t number)
{
	struct parked parked = {.code = WORD_NONE};
	struct view *view;
	struct err err;
	enum err_code code;

	assert_done(view_begin(ledger_env(w->ledger), &view, &err), &err);
	code = parked_get(view, number, &parked, &err);
	view_end(view);
	if (code != ERR_NOT_FOUND)
		assert_code(code, ERR_OK);
	return (enum word)parked.code;
}

/* Ten mugs lie in A-01. */
static void stock_ten(struct warehouse *w)
{
	read_in(w, "{\"v\":1,\"op\":\"receive\",\"code\":\"MUG\",\"qty\":10,"
		   "\"bin\":\"A-01\"}");
}

static void done_may_be_an_operation_without_a_label(void **state)
{
	struct warehouse *w = *state;

	read_in(w, "{\"v\":1,\"seq\":1,\"op\":\"done\"}");
	assert_ack(w, "\"next\":\"operation\"");
	scan(w, "DEPOT.OP.RECEIVE");
	send(w, "scan/gun-2", "{\"v\":1,\"seq\":1,\"op\":\"done\"}");
	scan(w, "MUG");
	assert_ack(w, "no_session");
}

/* Method: in a session that would take the first code and lose the rest. */
static void
a_reading_that_says_more_than_a_code_says_its_operation(void **state)
{
	struct warehouse *w = *state;

	scan(w, "DEPOT.OP.RECEIVE");
	send(w, "scan/gun-2", "{\"v\":1,\"codes\":[\"MUG\",\"MUG\"]}");
	assert_ack(w, "no_operation");
	send(w, "scan/gun-2", "{\"v\":1,\"code\":\"MUG\",\"qty\":5}");
	assert_ack(w, "no_operation");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 0);
	send(w, "scan/gun-2", "{\"v\":1,\"seq\":1,\"code\":\"MUG\"}");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 1);
}

static void a_bins_label_without_a_name_is_no_bin(void **state)
{
	struct warehouse *w = *state;

	read_in(w, "{\"v\":1,\"op\":\"count\",\"code\":\"MUG\",\"qty\":3,"
		   "\"bin\":\"DEPOT.BIN.\"}");
	assert_ack(w, "\"result\":\"refused\"");
	assert_ack(w, "no_bin");
}

static void what_picked_loses_is_nobodys_before_an_orders(void **state)
{
	struct warehouse *w = *state;

	stock_ten(w);
	/* Three are in PICKED that no one picked for anything. */
	read_in(w, "{\"v\":1,\"op\":\"count\",\"code\":\"MUG\",\"qty\":3,"
		   "\"bin\":\"PICKED\"}");
	read_in(w, "{\"v\":1,\"op\":\"pick\",\"code\":\"MUG\",\"qty\":2,"
		   "\"bin\":\"A-01\",\"ref\":\"O-1\"}");
	read_in(w, "{\"v\":1,\"op\":\"scrap\",\"code\":\"MUG\",\"qty\":3,"
		   "\"bin\":\"PICKED\",\"reason\":\"broken\"}");
	assert_int_equal(picked_for(w, "O-1"), 2);
	assert_int_equal(units(w, "MUG", "PICKED", GOOD), 2);
	assert_clean(w);
}

static void a_loss_may_name_an_order_that_has_nothing_there(void **state)
{
	struct warehouse *w = *state;

	stock_ten(w);
	read_in(w, "{\"v\":1,\"op\":\"pick\",\"code\":\"MUG\",\"qty\":4,"
		   "\"bin\":\"A-01\",\"ref\":\"O-1\"}");
	read_in(w, "{\"v\":1,\"op\":\"hold\",\"code\":\"MUG\",\"qty\":3,"
		   "\"bin\":\"PICKED\",\"ref\":\"O-9\",\"reason\":\"wet\"}");
	assert_ack(w, "\"except\":[]");
	assert_int_equal(units(w, "MUG", "PICKED", CONDITION_ON_HOLD), 3);
	assert_int_equal(picked_for(w, "O-1"), 1);
	assert_clean(w);
}

/* Method: the movements are counted: a part for each unit of another's would
 * fill the store. */
static void an_order_that_has_nothing_takes_nothing_of_anothers(void **state)
{
	struct warehouse *w = *state;
	uint64_t before;

	stock_ten(w);
	read_in(w, "{\"v\":1,\"op\":\"pick\",\"code\":\"MUG\",\"qty\":1,"
		   "\"bin\":\"A-01\",\"ref\":\"O-1\"}");
	before = engine_counters(w->engine)->movements;
	read_in(w, "{\"v\":1,\"op\":\"pack\",\"code\":\"MUG\",\"qty\":100,"
		   "\"ref\":\"O-2\"}");
	assert_int_equal(engine_counters(w->engine)->movements - before, 2);
	assert_int_equal(picked_for(w, "O-1"), 1);
	assert_int_equal(units(w, "MUG", "PACKED", GOOD), 100);
	assert_clean(w);
}

static void a_count_may_differ_by_more_than_one_movement_carries(void **state)
{
	struct warehouse *w = *state;

	for (int i = 0; i < 3; i++)
		read_in(w, "{\"v\":1,\"op\":\"receive\",\"code\":\"MUG\","
			   "\"qty\":1000000000000000,\"bin\":\"A-01\"}");
	/* The second, blind count says the same. */
	for (int i = 0; i < 2; i++)
		read_in(w, "{\"v\":1,\"op\":\"count\",\"code\":\"MUG\","
			   "\"qty\":0,\"bin\":\"A-01\"}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 0);
	assert_clean(w);
}

/* ---- counts ---- */

static void a_count_is_of_good_units_unless_it_says_otherwise(void **state)
{
	struct warehouse *w = *state;

	stock_ten(w);
	read_in(w, "{\"v\":1,\"op\":\"hold\",\"code\":\"MUG\",\"qty\":7,"
		   "\"bin\":\"A-01\",\"reason\":\"wet\"}");
	read_in(w, "{\"v\":1,\"op\":\"count\",\"code\":\"MUG\",\"qty\":5,"
		   "\"bin\":\"A-01\"}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 5);
	assert_int_equal(units(w, "MUG", "A-01", CONDITION_ON_HOLD), 7);
}

static void codes_of_one_item_are_one_count(void **state)
{
	struct warehouse *w = *state;

	read_in(w, "{\"v\":1,\"op\":\"count\",\"bin\":\"A-01\","
		   "\"codes\":[\"MUG\",\"4006381333931\",\"MUG\"]}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 3);
	read_in(w, "{\"v\":1,\"op\":\"count\",\"bin\":\"A-01\",\"codes\":["
		   "\"(01)09521234567899(21)S1\","
		   "\"(01)09521234567899(21)S2\","
		   "\"(01)09521234567899(21)S1\"]}");
	assert_int_equal(units(w, "MILK", "A-01", GOOD), 2);
}

/* Method: what the count of the first lot moves is no reason to count the
 * second again; and a lot that nobody scanned was counted as none. */
static void a_session_counts_each_lot_of_an_item(void **state)
{
	struct warehouse *w = *state;

	scan(w, "DEPOT.OP.RECEIVE");
	scan(w, "DEPOT.BIN.A-01");
	for (int i = 0; i < 3; i++) {
		scan(w, "(01)09521234567899(10)L1");
		scan(w, "(01)09521234567899(10)L2");
		scan(w, "(01)09521234567899(10)L3");
	}
	scan(w, "DEPOT.OP.COUNT");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, "(01)09521234567899(10)L1");
	scan(w, "(01)09521234567899(10)L2");
	scan(w, "DEPOT.DONE");
	assert_ack(w, "bin A-01 is closed: items 3, of them corrected 3");
	assert_int_equal(units(w, "MILK", "A-01", GOOD), 2);
	assert_clean(w);
}

static void
a_device_whose_clock_is_ahead_does_not_count_the_future(void **state)
{
	struct warehouse *w = *state;
	struct view *view;
	struct name task;
	struct err err;
	enum err_code code;

	read_in(w, "{\"v\":1,\"op\":\"count\",\"code\":\"MUG\",\"qty\":2,"
		   "\"bin\":\"A-01\",\"at\":\"2045-01-01T00:00:00Z\"}");
	w->now_ms += 2 * 3600 * 1000;
	read_in(w, "{\"v\":1,\"op\":\"receive\",\"code\":\"MUG\","
		   "\"bin\":\"A-01\",\"at\":\"2026-11-18T12:06:40Z\"}");
	assert_done(view_begin(ledger_env(w->ledger), &view, &err), &err);
	code = task_open_count(view, SPAN_LITERAL("A-01"), SPAN_LITERAL("MUG"),
			       &task, &err);
	view_end(view);
	assert_code(code, ERR_NOT_FOUND);
}

/* ---- codes ---- */

static void a_bad_code_sent_again_gets_the_same_sentence(void **state)
{
	static const char payload[] = "{\"v\":1,\"seq\":1,\"op\":\"receive\","
				      "\"code\":\"]E04006381333932\"}";
	struct warehouse *w = *state;
	char first[sizeof(w->ack)];

	read_in(w, payload);
	assert_ack(w, "bad_check_digit");
	memcpy(first, w->ack, sizeof(first));
	read_in(w, payload);
	assert_string_equal(strstr(w->ack, "\"epoch\""),
			    strstr(first, "\"epoch\""));
}

/*
 * An acknowledgement that was lost may have said that 2 was refused. The next
 * one must not speak of 2, or the device would take it for booked.
 */
static void an_ack_says_nothing_of_what_an_earlier_one_answered(void **state)
{
	static const char refused[] = "{\"v\":1,\"seq\":2,\"op\":\"receive\","
				      "\"code\":\"]E04006381333932\"}";
	struct warehouse *w = *state;

	read_in(w, "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"code\":\"MUG\"}");
	assert_ack(w, "\"from\":\"1\",\"upto\":\"1\"");
	read_in(w, refused);
	assert_ack(w, "\"from\":\"2\",\"upto\":\"2\"");
	read_in(w, "{\"v\":1,\"seq\":3,\"op\":\"receive\",\"code\":\"MUG\"}");
	assert_ack(w, "\"from\":\"3\",\"upto\":\"3\"");
	assert_ack(w, "\"except\":[]");
	/* Sent again it is answered, and nothing else is. */
	read_in(w, refused);
	assert_ack(w, "\"from\":\"4\",\"upto\":\"3\"");
	assert_ack(w, "\"seq\":\"2\",\"result\":\"refused\"");
}

/* A hole that falls below the window of numbers is given up, and an ack says
 * so to the person, too; then one number of its own. */
static void a_number_that_never_came_is_told_in_words(void **state)
{
	static const char *const payloads[] = {
		"{\"v\":1,\"seq\":1,\"op\":\"receive\",\"code\":\"MUG\"}",
		"{\"v\":1,\"seq\":5,\"op\":\"receive\",\"code\":\"MUG\"}",
		"{\"v\":1,\"seq\":7,\"op\":\"receive\",\"code\":\"MUG\"}",
	};
	struct warehouse *w = *state;
	char payload[80];

	for (size_t i = 0; i < ARRAY_LEN(payloads); i++)
		read_in(w, payloads[i]);
	for (int give_up = 5; give_up <= 7; give_up += 2) {
		snprintf(payload, sizeof(payload),
			 "{\"v\":1,\"seq\":%d,\"op\":\"receive\","
			 "\"code\":\"MUG\"}",
			 give_up + SEEN_WINDOW - 1);
		read_in(w, payload);
		if (give_up == 5)
			assert_ack(w,
				   "\"count\":\"3\",\"result\":\"missing\","
				   "\"code\":\"missing\",\"text_en\":"
				   "\"readings that never arrived: 3 (numbers "
				   "2-4); they");
	}
	assert_ack(w, "\"text_en\":\"readings that never arrived: 1 (numbers "
		      "6); they");
	assert_ack(w, "\"text_zh\":\"未到达的读数：1 条（编号 6）；");
}

/* The book knows which lot a serial is of: not the one that expires first. */
static void a_serial_leaves_from_its_own_lot(void **state)
{
	struct warehouse *w = *state;

	read_in(w, "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-01\",\"code\":"
		   "\"(01)09521234567899(17)280101(10)LATE(21)S1\"}");
	read_in(w, "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-01\",\"code\":"
		   "\"(01)09521234567899(17)270101(10)SOON(21)S2\"}");
	read_in(w, "{\"v\":1,\"op\":\"move\",\"bin\":\"A-01\",\"to\":\"A-02\","
		   "\"code\":\"(01)09521234567899(21)S1\"}");
	/* So SOON is all there still: nothing has to be found. */
	read_in(w, "{\"v\":1,\"op\":\"move\",\"bin\":\"A-01\",\"to\":\"A-02\","
		   "\"code\":\"(01)09521234567899(10)SOON\"}");
	assert_int_equal(units(w, "MILK", "A-01", GOOD), 0);
	assert_int_equal(units(w, "MILK", "A-02", GOOD), 2);
}

/* Units of MILK's @lot in @bin. */
static int64_t lot_units(struct warehouse *w, const char *bin,
			 enum condition condition, const char *lot)
{
	struct place place = place_bin(span_of(bin));
	struct balance balance;
	struct place_no number;
	struct item_no item;
	struct view *view;
	struct err err;

	assert_done(view_begin(ledger_env(w->ledger), &view, &err), &err);
	assert_done(item_find(view, SPAN_LITERAL("MILK"), &item, &err), &err);
	assert_done(place_find(view, &place, &number, &err), &err);
	assert_done(balance_get(view, item, number, &balance, &err), &err);
	view_end(view);
	return balance_cell(&balance, condition, span_of(lot)).units;
}

#define PALLET "\"code\":\"(00)395212340000000014\"}"

/*
 * A pallet without a lot among lots that expire first, and on hold among good
 * units: its label takes what is on it, not what would be picked. Then some of
 * it is gone: the whole pallet moves all the same, in one movement.
 */
static void a_pallet_without_a_lot_takes_its_own_units(void **state)
{
	struct warehouse *w = *state;

	read_in(w, "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-01\","
		   "\"code\":\"(00)395212340000000014(02)09521234567899"
		   "(37)24\"}");
	read_in(w, "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-01\",\"qty\":30,"
		   "\"code\":\"(01)09521234567899(10)L1(17)261231\"}");
	read_in(w, "{\"v\":1,\"op\":\"move\",\"bin\":\"A-01\","
		   "\"to\":\"A-02\"," PALLET);
	assert_int_equal(lot_units(w, "A-02", CONDITION_GOOD, ""), 24);
	assert_int_equal(lot_units(w, "A-01", CONDITION_GOOD, "L1"), 30);
	assert_int_equal(units(w, "MILK", "A-01", GOOD), 30);

	read_in(w, "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-02\",\"qty\":30,"
		   "\"code\":\"(01)09521234567899(10)L1\"}");
	read_in(w, "{\"v\":1,\"op\":\"hold\",\"bin\":\"A-02\",\"reason\":"
		   "\"leaks\"," PALLET);
	read_in(w, "{\"v\":1,\"op\":\"move\",\"bin\":\"A-02\",\"to\":\"A-"
		   "01\"," PALLET);
	assert_int_equal(lot_units(w, "A-01", CONDITION_ON_HOLD, ""), 24);
	assert_int_equal(lot_units(w, "A-02", CONDITION_GOOD, "L1"), 30);

	read_in(w, "{\"v\":1,\"op\":\"scrap\",\"bin\":\"A-01\",\"qty\":4,"
		   "\"condition\":\"on_hold\",\"reason\":\"leaks\","
		   "\"code\":\"MILK\"}");
	read_in(w, "{\"v\":1,\"op\":\"move\",\"bin\":\"A-01\",\"to\":\"A-"
		   "02\"," PALLET);
	assert_int_equal(lot_units(w, "A-02", CONDITION_ON_HOLD, ""), 24);
	read_in(w, "{\"v\":1,\"op\":\"move\",\"bin\":\"A-02\",\"to\":\"A-"
		   "01\"," PALLET);
	assert_int_equal(lot_units(w, "A-01", CONDITION_ON_HOLD, ""), 24);
	assert_int_equal(lot_units(w, "A-02", CONDITION_ON_HOLD, ""), 0);
	assert_int_equal(lot_units(w, "A-02", CONDITION_GOOD, "L1"), 30);
	assert_int_equal(lot_units(w, "A-01", CONDITION_GOOD, "L1"), 30);
	assert_clean(w);
}

/* Milk of a lot lies on it; mugs that are put there and taken off again have no
 * lot, and are not refused for the milk. */
static void what_is_put_on_a_pallet_is_none_of_what_lies_there(void **state)
{
	struct warehouse *w = *state;

	read_in(w, "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-01\",\"qty\":5,"
		   "\"code\":\"MUG\"}");
	read_in(w, "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-01\","
		   "\"lot\":\"L1\",\"code\":\"(00)395212340000000014"
		   "(02)09521234567899(37)24\"}");
	read_in(w, "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-01\",\"qty\":3,"
		   "\"codes\":[\"(00)395212340000000014\",\"MUG\"]}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 8);
	read_in(w, "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-01\","
		   "\"lot\":\"L1\",\"code\":\"(00)395212340000000021"
		   "(02)09521234567899(37)24\"}");
	read_in(w, "{\"v\":1,\"op\":\"move\",\"bin\":\"A-01\",\"to\":"
		   "\"A-02\",\"qty\":8,\"codes\":["
		   "\"(00)395212340000000021\",\"MUG\"]}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 0);
	assert_int_equal(units(w, "MUG", "A-02", GOOD), 8);
	assert_int_equal(lot_units(w, "A-01", CONDITION_GOOD, "L1"), 48);
	assert_clean(w);
}

/* Its row goes back with it: to where it lay, and then out of the house, so
 * that it may come again. */
static void a_pallet_that_was_taken_back_is_where_it_was(void **state)
{
	struct warehouse *w = *state;
	static const char receive[] =
		"{\"v\":1,\"op\":\"receive\",\"bin\":\"A-01\",\"code\":"
		"\"(00)395212340000000014(02)09521234567899(37)24\"}";

	read_in(w, "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-01\",\"qty\":9,"
		   "\"code\":\"MILK\"}");
	read_in(w, receive);
	read_in(w, "{\"v\":1,\"op\":\"move\",\"bin\":\"A-01\","
		   "\"to\":\"A-02\"," PALLET);
	read_in(w, "{\"v\":1,\"op\":\"undo\"}");
	read_in(w, "{\"v\":1,\"op\":\"putaway\",\"bin\":\"A-02\"," PALLET);
	assert_int_equal(lot_units(w, "A-01", CONDITION_GOOD, ""), 9);
	assert_int_equal(lot_units(w, "A-02", CONDITION_GOOD, ""), 24);
	read_in(w, "{\"v\":1,\"op\":\"undo\"}");
	read_in(w, "{\"v\":1,\"op\":\"undo\"}");
	assert_int_equal(lot_units(w, "A-01", CONDITION_GOOD, ""), 9);
	read_in(w, receive);
	assert_int_equal(lot_units(w, "A-01", CONDITION_GOOD, ""), 33);
	assert_clean(w);
}

/* ---- parked ---- */

static void a_reading_with_two_unknown_codes_waits_for_both(void **state)
{
	struct warehouse *w = *state;

	read_in(w, "{\"v\":1,\"seq\":1,\"op\":\"receive\","
		   "\"codes\":[\"NEW-1\",\"NEW-2\"],\"bin\":\"B-77\"}");
	assert_ack(w, "NEW-1");
	ask_ok(w, "code.set", "{\"code\":\"NEW-1\",\"item\":\"MUG\"}");
	ask_ok(w, "code.set", "{\"code\":\"NEW-2\",\"item\":\"MUG\"}");
	assert_int_equal(parked_word(w, 1), WORD_UNKNOWN_BIN);
	ask_ok(w, "bin.set", "{\"bin\":\"B-77\"}");
	assert_int_equal(units(w, "MUG", "B-77", GOOD), 2);
	assert_int_equal(parked_word(w, 1), WORD_NONE);
}

/* Method: a scanner that was not known yet, and began at 1 again. */
static void
a_number_used_twice_before_its_device_was_known_is_kept(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/gun-9",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"code\":\"MUG\"}");
	send(w, "scan/gun-9",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"code\":\"MILK\"}");
	ask_ok(w, "device.set", "{\"device\":\"gun-9\"}");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 1);
	assert_int_equal(units(w, "MILK", "DOCK", GOOD), 0);
	assert_int_equal(parked_word(w, 2), WORD_SEQ_REUSED);
	ask_ok(w, "device.set", "{\"device\":\"gun-9\"}");
	assert_int_equal(units(w, "MILK", "DOCK", GOOD), 0);
	ask_ok(w, "parked.retry", "{\"number\":\"2\"}");
	assert_int_equal(units(w, "MILK", "DOCK", GOOD), 1);
}

/* ---- undo ---- */

static void
undo_takes_one_reading_also_when_the_clock_was_set_back(void **state)
{
	struct warehouse *w = *state;

	stock_ten(w);
	w->now_ms -= 3600 * 1000;
	stock_ten(w);
	stock_ten(w);
	read_in(w, "{\"v\":1,\"op\":\"undo\"}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 20);
}

static void undo_tells_boots_apart(void **state)
{
	struct warehouse *w = *state;

	read_in(w, "{\"v\":1,\"seq\":1,\"boot\":\"a\",\"op\":\"receive\","
		   "\"code\":\"MUG\",\"bin\":\"A-01\"}");
	read_in(w, "{\"v\":1,\"seq\":1,\"boot\":\"b\",\"op\":\"receive\","
		   "\"code\":\"MUG\",\"bin\":\"A-01\"}");
	read_in(w, "{\"v\":1,\"seq\":2,\"boot\":\"b\",\"op\":\"undo\"}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 1);
}

/* What an undo had to find is part of the undo, not a booking to undo. */
static void undo_after_an_undo_that_found_takes_the_reading_before(void **state)
{
	struct warehouse *w = *state;

	stock_ten(w);
	read_in(w, "{\"v\":1,\"op\":\"receive\",\"code\":\"MUG\",\"qty\":5,"
		   "\"bin\":\"A-02\"}");
	send(w, "scan/gun-2",
	     "{\"v\":1,\"op\":\"pick\",\"code\":\"MUG\",\"qty\":5,"
	     "\"bin\":\"A-02\"}");
	read_in(w, "{\"v\":1,\"op\":\"undo\"}");
	assert_int_equal(units(w, "MUG", "A-02", GOOD), 0);
	read_in(w, "{\"v\":1,\"op\":\"undo\"}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 0);
	read_in(w, "{\"v\":1,\"op\":\"undo\"}");
	assert_ack(w, "nothing_to_undo");
	assert_clean(w);
}

static void undo_of_a_count_in_picked_finds_what_it_takes_back(void **state)
{
	struct warehouse *w = *state;
	uint64_t before;

	read_in(w, "{\"v\":1,\"op\":\"count\",\"code\":\"MUG\",\"qty\":3,"
		   "\"bin\":\"PICKED\"}");
	before = engine_counters(w->engine)->movements;
	read_in(w, "{\"v\":1,\"op\":\"undo\"}");
	assert_int_equal(engine_counters(w->engine)->movements - before, 1);
	assert_int_equal(units(w, "MUG", "PICKED", GOOD), 0);
	assert_clean(w);
}

static void what_was_taken_back_is_not_taken_back_in_a_session(void **state)
{
	struct warehouse *w = *state;

	stock_ten(w);
	scan(w, "DEPOT.OP.RECEIVE");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, "MUG");
	send(w, "scan/gun-2", "{\"v\":1,\"op\":\"undo\"}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 10);
	scan(w, "DEPOT.UNDO");
	assert_ack(w, "nothing_to_undo");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 10);
}

static void what_a_manager_took_back_is_not_taken_back_again(void **state)
{
	struct warehouse *w = *state;
	char entry[64];
	struct pos head;
	struct batch *batch;
	struct err err;

	stock_ten(w);
	read_in(w, "{\"v\":1,\"op\":\"receive\",\"code\":\"MUG\",\"qty\":4,"
		   "\"bin\":\"A-02\"}");
	assert_done(batch_begin(w->ledger, &batch, &err), &err);
	head.value = batch_next(batch).value - 1;
	batch_abandon(batch);
	snprintf(entry, sizeof(entry),
		 "{\"entry\":\"1.%llu\",\"reason\":\"wrong\"}",
		 (unsigned long long)pos_number(head));
	ask_ok(w, "reverse", entry);
	assert_int_equal(units(w, "MUG", "A-02", GOOD), 0);
	read_in(w, "{\"v\":1,\"op\":\"undo\"}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 0);
	assert_clean(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(done_may_be_an_operation_without_a_label),
		STORY(a_reading_that_says_more_than_a_code_says_its_operation),
		STORY(a_bins_label_without_a_name_is_no_bin),
		STORY(what_picked_loses_is_nobodys_before_an_orders),
		STORY(a_loss_may_name_an_order_that_has_nothing_there),
		STORY(an_order_that_has_nothing_takes_nothing_of_anothers),
		STORY(a_count_may_differ_by_more_than_one_movement_carries),
		STORY(a_count_is_of_good_units_unless_it_says_otherwise),
		STORY(codes_of_one_item_are_one_count),
		STORY(a_session_counts_each_lot_of_an_item),
		STORY(a_device_whose_clock_is_ahead_does_not_count_the_future),
		STORY(a_bad_code_sent_again_gets_the_same_sentence),
		STORY(an_ack_says_nothing_of_what_an_earlier_one_answered),
		STORY(a_number_that_never_came_is_told_in_words),
		STORY(a_serial_leaves_from_its_own_lot),
		STORY(a_pallet_without_a_lot_takes_its_own_units),
		STORY(what_is_put_on_a_pallet_is_none_of_what_lies_there),
		STORY(a_pallet_that_was_taken_back_is_where_it_was),
		STORY(a_reading_with_two_unknown_codes_waits_for_both),
		STORY(a_number_used_twice_before_its_device_was_known_is_kept),
		STORY(undo_takes_one_reading_also_when_the_clock_was_set_back),
		STORY(undo_tells_boots_apart),
		STORY(undo_after_an_undo_that_found_takes_the_reading_before),
		STORY(undo_of_a_count_in_picked_finds_what_it_takes_back),
		STORY(what_was_taken_back_is_not_taken_back_in_a_session),
		STORY(what_a_manager_took_back_is_not_taken_back_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
