/*
 * One reading in, what it means in the ledger out: the engine on a real store,
 * with real codes, one story a test.
 */
#include "tests/unit/core/bench_warehouse.h"

#define GOOD CONDITION_GOOD

static void a_receive_books_what_was_scanned(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"code\":\"4006381333931\","
	     "\"qty\":3}");
	assert_ack(w, "\"upto\":\"1\"");
	assert_ack(w, "\"except\":[]");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 3);
	/* A case of 12, by its own GTIN-14. */
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":2,\"op\":\"receive\",\"qty\":2,"
	     "\"code\":\"14006381333938\",\"bin\":\"A-01\"}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 24);
}

static void the_same_reading_twice_moves_stock_once(void **state)
{
	static const char payload[] = "{\"v\":1,\"seq\":7,\"op\":\"receive\","
				      "\"code\":\"4006381333931\"}";
	struct warehouse *w = *state;

	send(w, "scan/dock-1", payload);
	send(w, "scan/dock-1", payload);
	assert_ack(w, "\"result\":\"duplicate\"");
	assert_ack(w, "\"upto\":\"7\"");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 1);
	/* The same number with other content is kept, told, and not booked. */
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":7,\"op\":\"receive\",\"qty\":2,"
	     "\"code\":\"4006381333931\"}");
	assert_ack(w, "\"result\":\"seq_reused\"");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 1);
}

static void twelve_bare_scans_are_twelve_units(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/gun-2", "DEPOT.OP.RECEIVE");
	for (int i = 0; i < 12; i++)
		send(w, "scan/gun-2", "4006381333931");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 12);
	assert_ack(w, "receive 1 x MUG -> DOCK");
}

static void a_pick_beyond_the_book_is_booked_and_counted_after(void **state)
{
	struct warehouse *w = *state;
	struct view *view;
	struct name task;
	struct err err;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"code\":\"4006381333931\","
	     "\"qty\":2,\"bin\":\"A-01\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":2,\"op\":\"pick\",\"code\":\"4006381333931\","
	     "\"qty\":3,\"bin\":\"A-01\",\"ref\":\"O-1\"}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 0);
	assert_int_equal(units(w, "MUG", BIN_PICKED, GOOD), 3);
	assert_done(view_begin(ledger_env(w->ledger), &view, &err), &err);
	assert_done(task_open_count(view, SPAN_LITERAL("A-01"),
				    SPAN_LITERAL("MUG"), &task, &err),
		    &err);
	view_end(view);
	/* Counted: the task ends. */
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":3,\"op\":\"count\",\"code\":\"MUG\",\"qty\":1,"
	     "\"bin\":\"A-01\"}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 1);
	assert_done(view_begin(ledger_env(w->ledger), &view, &err), &err);
	assert_code(task_open_count(view, SPAN_LITERAL("A-01"),
				    SPAN_LITERAL("MUG"), &task, &err),
		    ERR_NOT_FOUND);
	view_end(view);
}

static void lots_leave_first_expired_first_out(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"bin\":\"A-01\",\"qty\":5,"
	     "\"code\":\"(01)09521234567899(17)280101(10)LATE\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":2,\"op\":\"receive\",\"bin\":\"A-01\",\"qty\":5,"
	     "\"code\":\"]C1010952123456789917270101"
	     "10SOON\"}");
	assert_ack(w, "\"except\":[]");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":3,\"op\":\"pick\",\"bin\":\"A-01\",\"qty\":7,"
	     "\"code\":\"09521234567899\"}");
	assert_int_equal(units(w, "MILK", "A-01", GOOD), 3);
	/* What is left is of the later lot: asking for the other is short. */
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":4,\"op\":\"move\",\"bin\":\"A-01\","
	     "\"to\":\"A-02\",\"qty\":3,\"lot\":\"LATE\",\"code\":\"MILK\"}");
	assert_int_equal(units(w, "MILK", "A-01", GOOD), 0);
	assert_int_equal(units(w, "MILK", "A-02", GOOD), 3);
}

static void
an_order_goes_through_picked_and_packed_to_the_customer(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"code\":\"MUG\",\"qty\":9,"
	     "\"bin\":\"A-01\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":2,\"op\":\"pick\",\"code\":\"MUG\",\"qty\":4,"
	     "\"bin\":\"A-01\",\"ref\":\"O-1\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":3,\"op\":\"pick\",\"code\":\"MUG\",\"qty\":2,"
	     "\"bin\":\"A-01\"}"); /* an implicit order */
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":4,\"op\":\"pack\",\"code\":\"MUG\",\"qty\":4,"
	     "\"ref\":\"O-1\"}");
	assert_int_equal(units(w, "MUG", BIN_PICKED, GOOD), 2);
	assert_int_equal(units(w, "MUG", BIN_PACKED, GOOD), 4);
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":5,\"op\":\"ship\",\"code\":\"MUG\",\"qty\":4,"
	     "\"ref\":\"O-1\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":6,\"op\":\"ship\",\"code\":\"MUG\",\"qty\":2}");
	assert_ack(w, "\"except\":[]");
	assert_int_equal(units(w, "MUG", BIN_PICKED, GOOD), 0);
	assert_int_equal(units(w, "MUG", BIN_PACKED, GOOD), 0);
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 3);
}

static void an_unknown_code_is_booked_once_it_is_named(void **state)
{
	struct warehouse *w = *state;
	static const char payload[] =
		"{\"v\":1,\"seq\":1,\"op\":\"receive\",\"qty\":5,"
		"\"code\":\"NEW-77\"}";

	send(w, "scan/dock-1", payload);
	assert_ack(w, "\"result\":\"parked\"");
	assert_ack(w, "\"code\":\"unknown_item\"");
	assert_ack(w, "NEW-77");
	send(w, "scan/dock-1", payload);
	assert_ack(w, "\"result\":\"parked\""); /* the same answer */
	ask_ok(w, "code.set", "{\"code\":\"NEW-77\",\"item\":\"MUG\"}");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 5);
	send(w, "scan/dock-1", payload);
	assert_ack(w, "\"result\":\"duplicate\"");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 5);
}

static void an_unknown_device_waits_for_its_registration(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/gun-9",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"code\":\"MUG\"}");
	assert_ack(w, "unknown_device");
	ask_ok(w, "device.set", "{\"device\":\"gun-9\"}");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 1);
}

static void a_session_moves_counts_and_undoes(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/gun-2", "4006381333931");
	assert_ack(w, "no_session");
	send(w, "scan/gun-2", "DEPOT.OP.RECEIVE");
	assert_ack(w, "\"next\":\"item\",\"what\":\"operation\"");
	send(w, "scan/gun-2", "DEPOT.BIN.A-01");
	assert_ack(w, "\"what\":\"bin\"");
	send(w, "scan/gun-2", "DEPOT.QTY.10");
	assert_ack(w, "\"what\":\"quantity\"");
	send(w, "scan/gun-2", "4006381333931");
	assert_ack(w, "\"next\":\"item\"}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 10);
	send(w, "scan/gun-2", "DEPOT.UNDO");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 0);
	send(w, "scan/gun-2", "14006381333938");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 12);
	send(w, "scan/gun-2", "DEPOT.OP.MOVE");
	assert_ack(w, "\"next\":\"bin\"");
	send(w, "scan/gun-2", "DEPOT.BIN.A-01");
	assert_ack(w, "\"next\":\"bin\"");
	send(w, "scan/gun-2", "DEPOT.BIN.A-02");
	send(w, "scan/gun-2", "MUG");
	assert_int_equal(units(w, "MUG", "A-02", GOOD), 1);
	send(w, "scan/gun-2", "DEPOT.OP.COUNT");
	send(w, "scan/gun-2", "DEPOT.BIN.A-02");
	send(w, "scan/gun-2", "MUG");
	send(w, "scan/gun-2", "MUG");
	send(w, "scan/gun-2", "DEPOT.DONE");
	assert_int_equal(units(w, "MUG", "A-02", GOOD), 2);
	assert_ack(w, "\"next\":\"operation\"");
}

static void a_session_survives_a_restart(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/gun-2", "DEPOT.OP.RECEIVE");
	send(w, "scan/gun-2", "DEPOT.BIN.A-01");
	warehouse_close(w);
	warehouse_open(w);
	send(w, "scan/gun-2", "MUG");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 1);
}

static void a_count_far_from_the_book_has_to_be_confirmed(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"code\":\"MUG\","
	     "\"qty\":100,\"bin\":\"A-01\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":2,\"op\":\"count\",\"code\":\"MUG\","
	     "\"qty\":50,\"bin\":\"A-01\"}");
	assert_ack(w, "count again");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 100);
	send(w, "scan/gun-2",
	     "{\"v\":1,\"seq\":1,\"op\":\"count\",\"code\":\"MUG\","
	     "\"qty\":50,\"bin\":\"A-01\"}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 50);
}

static void undo_of_a_complete_reading_takes_back_the_last(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"code\":\"MUG\","
	     "\"qty\":4}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":2,\"op\":\"receive\",\"code\":\"MUG\","
	     "\"qty\":3}");
	send(w, "scan/dock-1", "{\"v\":1,\"seq\":3,\"op\":\"undo\"}");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 4);
	send(w, "scan/dock-1", "{\"v\":1,\"seq\":4,\"op\":\"undo\"}");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 0);
	send(w, "scan/dock-1", "{\"v\":1,\"seq\":5,\"op\":\"undo\"}");
	assert_ack(w, "nothing_to_undo");
}

static void a_serial_in_stock_is_already_here(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\","
	     "\"code\":\"(01)09521234567899(21)S1\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":2,\"op\":\"receive\","
	     "\"code\":\"(01)09521234567899(21)S1\"}");
	assert_ack(w, "already_here");
	assert_int_equal(units(w, "MILK", "DOCK", GOOD), 1);
	/* The serial says where it is: no bin is needed. */
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":3,\"op\":\"putaway\",\"bin\":\"A-02\","
	     "\"code\":\"(01)09521234567899(21)S1\"}");
	assert_int_equal(units(w, "MILK", "A-02", GOOD), 1);
}

static void a_pallet_moves_with_one_scan(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\","
	     "\"code\":\"(00)395212340000000014(02)09521234567899(37)24\"}");
	assert_int_equal(units(w, "MILK", "DOCK", GOOD), 24);
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":2,\"op\":\"putaway\",\"bin\":\"A-02\","
	     "\"code\":\"(00)395212340000000014\"}");
	assert_int_equal(units(w, "MILK", "A-02", GOOD), 24);
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":3,\"op\":\"receive\","
	     "\"code\":\"(00)395212340000000014\"}");
	assert_ack(w, "already_here");
}

struct bad {
	const char *payload;
	const char *result;
	const char *code;
};

static const struct bad bads[] = {
	{"{\"v\":1,\"seq\":1", "parked", "bad_json"},
	{"{\"v\":1,\"seq\":1,\"seq\":2}", "parked", "duplicate_key"},
	{"{\"v\":1,\"seq\":1,\"op\":\"fly\",\"code\":\"MUG\"}", "refused",
	 "unknown_op"},
	{"{\"v\":1,\"seq\":2,\"op\":\"receive\",\"code\":\"MUG\",\"qty\":0}",
	 "refused", "out_of_range"},
	{"{\"v\":1,\"seq\":3,\"op\":\"receive\",\"code\":\"MUG\","
	 "\"qty\":\"many\"}",
	 "refused", "wrong_type"},
	{"{\"v\":1,\"seq\":4,\"op\":\"receive\","
	 "\"code\":\"]E04006381333932\"}",
	 "refused", "bad_check_digit"},
	{"{\"v\":1,\"seq\":5,\"op\":\"receive\","
	 "\"code\":\"(01)09521234567899(17)271340\"}",
	 "refused", "bad_date"},
	{"{\"v\":1,\"seq\":6,\"op\":\"pick\",\"code\":\"MUG\"}", "refused",
	 "no_bin"},
	{"{\"v\":1,\"seq\":7,\"op\":\"pick\",\"code\":\"MUG\","
	 "\"bin\":\"Z-99\"}",
	 "parked", "unknown_bin"},
	{"{\"v\":1,\"seq\":8,\"op\":\"pick\",\"code\":\"MUG\","
	 "\"bin\":\"MUG\"}",
	 "refused", "item_where_bin"},
	{"{\"v\":1,\"seq\":9,\"op\":\"scrap\",\"code\":\"MUG\","
	 "\"bin\":\"A-01\"}",
	 "refused", "no_reason"},
	{"{\"v\":1,\"seq\":10,\"op\":\"transfer_out\",\"code\":\"MUG\","
	 "\"bin\":\"A-01\"}",
	 "refused", "no_ref"},
	{"{\"v\":1,\"seq\":11,\"op\":\"move\",\"code\":\"MUG\","
	 "\"bin\":\"A-01\",\"to\":\"A-01\"}",
	 "refused", "same_bin"},
};

/* Method: each bad reading once; the answer has result and code, the journal
 * has grown by nothing. */
static void bad_input_is_answered_and_changes_nothing(void **state)
{
	struct warehouse *w = *state;
	size_t told = 0;

	for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
		char part[64];

		send(w, "scan/dock-1", bads[i].payload);
		snprintf(part, sizeof(part), "\"result\":\"%s\"",
			 bads[i].result);
		assert_ack(w, part);
		snprintf(part, sizeof(part), "\"code\":\"%s\"", bads[i].code);
		assert_ack(w, part);
		told++;
	}
	assert_int_equal(told, ARRAY_LEN(bads));
	assert_int_equal(engine_counters(w->engine)->movements, 0);
}

/* A physical fact is not refused because of what a count has written off. */
static void a_serial_that_was_counted_away_may_come_again(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-01\","
	     "\"code\":\"(01)04006381333931(21)S1\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"count\",\"bin\":\"A-01\",\"code\":\"MUG\","
	     "\"qty\":0}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"count\",\"bin\":\"A-01\",\"code\":\"MUG\","
	     "\"qty\":0}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 0);
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-02\","
	     "\"code\":\"(01)04006381333931(21)S1\"}");
	assert_int_equal(units(w, "MUG", "A-02", GOOD), 1);
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-02\","
	     "\"code\":\"(01)04006381333931(21)S1\"}");
	assert_ack(w, "already_here");
	assert_clean(w);
}

static void
a_shelf_that_disagrees_raises_a_count_and_moves_nothing(void **state)
{
	struct warehouse *w = *state;
	struct view *view;
	struct name task;
	struct err err;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"code\":\"MUG\","
	     "\"qty\":10,\"bin\":\"A-01\"}");
	send(w, "shelf/shelf-1",
	     "{\"v\":1,\"bin\":\"A-01\",\"weight_g\":3000,\"stable\":true}");
	assert_done(view_begin(ledger_env(w->ledger), &view, &err), &err);
	assert_code(task_open_count(view, SPAN_LITERAL("A-01"),
				    SPAN_LITERAL("MUG"), &task, &err),
		    ERR_NOT_FOUND);
	view_end(view);
	send(w, "shelf/shelf-1",
	     "{\"v\":1,\"bin\":\"A-01\",\"weight_g\":2400,\"stable\":true}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 10);
	assert_done(view_begin(ledger_env(w->ledger), &view, &err), &err);
	assert_done(task_open_count(view, SPAN_LITERAL("A-01"),
				    SPAN_LITERAL("MUG"), &task, &err),
		    &err);
	view_end(view);
}

static void a_shelf_measures_the_place_it_is_registered_at(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"receive\",\"code\":\"MUG\","
	     "\"qty\":10,\"bin\":\"A-01\"}");
	send(w, "shelf/shelf-1", "{\"v\":1,\"quantity\":9,\"stable\":true}");
	assert_ack(w, "\"code\":\"missing_field\"");
	assert_ack(w, "bin is missing");
	ask_ok(w, "device.set", "{\"device\":\"shelf-1\",\"place\":\"A-01\"}");
	send(w, "shelf/shelf-1", "{\"v\":1,\"quantity\":10,\"stable\":true}");
	look_ok(w, "task.list", "");
	assert_reply(w, "\"tasks\":[]");
	send(w, "shelf/shelf-1", "{\"v\":1,\"quantity\":9,\"stable\":true}");
	look_ok(w, "task.list", "");
	assert_reply(w, "Count MUG in bin A-01");
	/* The label's text names the same bin. */
	send(w, "shelf/shelf-1",
	     "{\"v\":1,\"bin\":\"DEPOT.BIN.A-01\",\"quantity\":9,"
	     "\"stable\":true}");
	look_ok(w, "task.list", "");
	assert_reply(w, "Count MUG in bin A-01");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_receive_books_what_was_scanned),
		STORY(the_same_reading_twice_moves_stock_once),
		STORY(twelve_bare_scans_are_twelve_units),
		STORY(a_pick_beyond_the_book_is_booked_and_counted_after),
		STORY(lots_leave_first_expired_first_out),
		STORY(an_order_goes_through_picked_and_packed_to_the_customer),
		STORY(an_unknown_code_is_booked_once_it_is_named),
		STORY(an_unknown_device_waits_for_its_registration),
		STORY(a_session_moves_counts_and_undoes),
		STORY(a_session_survives_a_restart),
		STORY(a_count_far_from_the_book_has_to_be_confirmed),
		STORY(undo_of_a_complete_reading_takes_back_the_last),
		STORY(a_serial_in_stock_is_already_here),
		STORY(a_pallet_moves_with_one_scan),
		STORY(bad_input_is_answered_and_changes_nothing),
		STORY(a_serial_that_was_counted_away_may_come_again),
		STORY(a_shelf_that_disagrees_raises_a_count_and_moves_nothing),
		STORY(a_shelf_measures_the_place_it_is_registered_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
