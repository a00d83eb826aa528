/*
 * Bookings by an account: the ledger afterwards, the reply, and every refusal,
 * after which nothing has changed.
 */
#include "tests/unit/core/bench_warehouse.h"

#include "store/journal.h"

#define GOOD CONDITION_GOOD

static void receive(struct warehouse *w, const char *item, unsigned qty)
{
	char arguments[160];

	snprintf(arguments, sizeof(arguments),
		 "{\"op\":\"receive\",\"code\":\"%s\",\"qty\":%u,"
		 "\"bin\":\"A-01\"}",
		 item, qty);
	ask_ok(w, "book", arguments);
}

/* ---- book ---- */

static void book_does_what_a_scan_does(void **state)
{
	struct warehouse *w = *state;

	ask_ok(w, "book",
	       "{\"op\":\"receive\",\"codes\":[\"14006381333938\"],"
	       "\"qty\":2,\"bin\":\"A-01\",\"ref\":\"PO-1\"}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 24);
	assert_reply(w, "\"entries\":1");
	assert_reply(w, "receive 24 x MUG: supplier:unknown -> A-01, "
			"purchase_order PO-1 (account boss)");
	ask_ok(w, "book",
	       "{\"op\":\"scrap\",\"code\":\"MUG\",\"bin\":\"A-01\","
	       "\"qty\":3,\"reason\":\"broken\"}");
	ask_ok(w, "book",
	       "{\"op\":\"hold\",\"code\":\"MUG\",\"bin\":\"A-01\",\"qty\":4,"
	       "\"reason\":\"wet\"}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 17);
	assert_int_equal(units(w, "MUG", "A-01", CONDITION_ON_HOLD), 4);
	/* Late: it happened when it is said to have happened. */
	ask_ok(w, "book",
	       "{\"op\":\"pick\",\"code\":\"MUG\",\"bin\":\"A-01\","
	       "\"at\":\"2026-11-01T08:00:00Z\",\"ref\":\"O-1\"}");
	look_ok(w, "journal.list", "{\"backwards\":true,\"limit\":1}");
	assert_reply(w, "\"effective\":\"2026-11-01T08:00:00Z\"");
	assert_reply(w, "\"actor_kind\":\"account\",\"actor\":\"boss\"");
	assert_clean(w);
}

/* Method: a device books between two bookings of the account. */
static void undo_takes_back_the_accounts_own_booking(void **state)
{
	struct warehouse *w = *state;

	receive(w, "MUG", 5);
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"receive\",\"code\":\"MUG\",\"qty\":7,"
	     "\"bin\":\"A-01\"}");
	ask_ok(w, "book", "{\"op\":\"undo\"}");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 7);
	ask_refused(w, "book", "{\"op\":\"undo\"}", "nothing_to_undo");
	assert_clean(w);
}

struct wrong {
	const char *name;
	const char *arguments;
	const char *code;
};

static const struct wrong wrong_bookings[] = {
	{"book", "", "missing_field"},
	{"book", "{\"op\":\"receive\"}", "missing_field"},
	{"book", "{\"code\":\"MUG\"}", "no_operation"},
	{"book", "{\"op\":\"fly\",\"code\":\"MUG\"}", "unknown_op"},
	{"book", "{\"op\":\"done\"}", "no_item"},
	{"book", "{\"op\":\"receive\",\"code\":\"NEW-7\"}", "unknown_item"},
	{"book", "{\"op\":\"pick\",\"code\":\"MUG\",\"bin\":\"Z\"}",
	 "unknown_bin"},
	{"book", "{\"op\":\"receive\",\"code\":\"(00)395212340000000014\"}",
	 "unknown_pallet"},
	{"book", "{\"op\":\"pick\",\"code\":\"MUG\"}", "no_bin"},
	{"book", "{\"op\":\"receive\",\"code\":\"]E04006381333932\"}",
	 "bad_check_digit"},
	{"book", "{\"op\":\"receive\",\"code\":\"MUG\",\"qty\":0}",
	 "out_of_range"},
	{"book", "{\"op\":\"receive\",\"code\":\"MUG\",\"at\":\"today\"}",
	 "bad_time"},
	{"move", "{}", "missing_field"},
	{"move", "{\"item\":\"MUG\",\"qty\":1,\"from\":\"A-01\"}",
	 "missing_field"},
	{"move", "{\"item\":\"MUG\",\"from\":\"A-01\",\"to\":\"A-02\"}",
	 "missing_field"},
	{"move",
	 "{\"item\":\"MUG\",\"qty\":0,\"from\":\"A-01\",\"to\":\"A-02\"}",
	 "out_of_range"},
	{"move",
	 "{\"item\":\"MUG\",\"qty\":1,\"from\":\"A-01\",\"to\":\"A-01\"}",
	 "same_bin"},
	{"move",
	 "{\"item\":\"MUG\",\"qty\":1,\"from\":\"A-01\",\"to\":\"PICKED\"}",
	 "bin_not_allowed"},
	{"move", "{\"item\":\"MUG\",\"qty\":1,\"from\":\"A-01\",\"to\":\"Z\"}",
	 "unknown_bin"},
	{"move",
	 "{\"item\":\"MUG\",\"qty\":1,\"from\":\"A:1\",\"to\":\"A-02\"}",
	 "unknown_bin"},
	{"move",
	 "{\"item\":\"MUG\",\"qty\":1,\"from\":\"MUG\",\"to\":\"A-02\"}",
	 "item_where_bin"},
	{"move",
	 "{\"item\":\"NONE\",\"qty\":1,\"from\":\"A-01\",\"to\":\"A-02\"}",
	 "unknown_item"},
	{"move",
	 "{\"item\":\"MUG\",\"qty\":1,\"from\":\"A-01\",\"to\":\"A-02\","
	 "\"condition\":\"wet\"}",
	 "unknown_word"},
	{"move",
	 "{\"item\":\"MUG\",\"qty\":2,\"from\":\"A-01\",\"to\":\"A-02\","
	 "\"serial\":\"S1\"}",
	 "serial_quantity"},
	{"move",
	 "{\"item\":\"MUG\",\"qty\":1,\"from\":\"A-01\",\"to\":\"A-02\","
	 "\"lot\":\"012345678901234567890\"}",
	 "too_long"},
	{"count", "{\"item\":\"MUG\",\"bin\":\"A-01\"}", "missing_field"},
	{"count", "{\"item\":\"MUG\",\"qty\":1}", "missing_field"},
	{"count", "{\"item\":\"MUG\",\"qty\":-1,\"bin\":\"A-01\"}",
	 "out_of_range"},
	{"count", "{\"item\":\"MUG\",\"qty\":1,\"bin\":\"Z\"}", "unknown_bin"},
	{"count",
	 "{\"item\":\"MUG\",\"qty\":1,\"bin\":\"A-01\",\"position\":\"x\"}",
	 "wrong_type"},
	{"count",
	 "{\"item\":\"MUG\",\"qty\":1,\"bin\":\"A-01\",\"position\":9999}",
	 "out_of_range"},
	{"count",
	 "{\"item\":\"MUG\",\"qty\":1,\"bin\":\"A-01\","
	 "\"position\":\"9.1\"}",
	 "out_of_range"},
	{"transform", "{}", "missing_field"},
	{"transform", "{\"bundle\":\"SET\",\"qty\":1,\"bin\":\"A-01\"}",
	 "unknown_item"},
	{"transform", "{\"bundle\":\"MUG\",\"qty\":1,\"bin\":\"A-01\"}",
	 "missing_field"},
	{"transform",
	 "{\"bundle\":\"MUG\",\"qty\":1,\"bin\":\"A-01\",\"components\":[]}",
	 "missing_field"},
	{"transform",
	 "{\"bundle\":\"MUG\",\"qty\":1,\"bin\":\"A-01\",\"components\":7}",
	 "wrong_type"},
	{"transform",
	 "{\"bundle\":\"MUG\",\"qty\":1,\"bin\":\"A-01\","
	 "\"components\":[{\"item\":\"MUG\",\"qty\":1}]}",
	 "made_of_itself"},
	{"transform",
	 "{\"bundle\":\"MUG\",\"qty\":1,\"bin\":\"A-01\","
	 "\"components\":[{\"item\":\"MILK\",\"qty\":1},"
	 "{\"item\":\"MILK\",\"qty\":1}]}",
	 "duplicate_component"},
	{"transform",
	 "{\"bundle\":\"MUG\",\"qty\":1000000000000,\"bin\":\"A-01\","
	 "\"components\":[{\"item\":\"MILK\",\"qty\":1000000000000}]}",
	 "out_of_range"},
	{"transform",
	 "{\"bundle\":\"MUG\",\"qty\":1,\"bin\":\"A-01\","
	 "\"components\":[{\"item\":\"NONE\",\"qty\":1}]}",
	 "unknown_item"},
	{"transform",
	 "{\"bundle\":\"MUG\",\"qty\":1,\"bin\":\"Z-9\","
	 "\"components\":[{\"item\":\"MILK\",\"qty\":1}]}",
	 "unknown_bin"},
	{"transform",
	 "{\"bundle\":\"MUG\",\"qty\":1,\"bin\":\"PACKED\","
	 "\"components\":[{\"item\":\"MILK\",\"qty\":1}]}",
	 "bin_not_allowed"},
	{"transform",
	 "{\"bundle\":\"MUG\",\"qty\":1,\"bin\":\"A-01\","
	 "\"expiry\":\"2026-02-30\","
	 "\"components\":[{\"item\":\"MILK\",\"qty\":1}]}",
	 "bad_date"},
	{"reverse", "{}", "missing_field"},
	{"reverse", "{\"entry\":\"x\"}", "bad_entry"},
	{"reverse", "{\"entry\":\"1.9999\"}", "unknown_entry"},
	{"reverse", "{\"entry\":\"1.1\"}", "not_reversible"},
};

/* Method: each wrong booking once; it is refused with its code, in both
 * languages, and the journal has not grown. */
static void a_wrong_booking_is_refused_and_changes_nothing(void **state)
{
	struct warehouse *w = *state;
	struct pos before = head_pos(w);
	size_t refused = 0;

	for (size_t i = 0; i < ARRAY_LEN(wrong_bookings); i++) {
		const struct wrong *wrong = &wrong_bookings[i];
		const struct json_value *error;

		ask_refused(w, wrong->name, wrong->arguments, wrong->code);
		error = json_member(reply_root(w), "error");
		assert_true(member_text(error, "text_en").size > 0);
		assert_true(member_text(error, "text_zh").size > 0);
		/* What is asked for is not kept: nothing says so. */
		assert_no_reply(w, "is kept");
		refused++;
	}
	assert_int_equal(refused, ARRAY_LEN(wrong_bookings));
	assert_true(head_pos(w).value == before.value);
	assert_clean(w);
}

/* ---- move and count ---- */

static void move_goes_from_bin_to_bin(void **state)
{
	struct warehouse *w = *state;

	receive(w, "MUG", 30);
	ask_ok(w, "move",
	       "{\"item\":\"MUG\",\"qty\":4,\"from\":\"A-01\",\"to\":\"A-02\","
	       "\"reason\":\"tidy\"}");
	assert_int_equal(units(w, "MUG", "A-02", GOOD), 4);
	assert_reply(w, "because: tidy");
	/* By the case's barcode: two cases of 12. */
	ask_ok(w, "move",
	       "{\"item\":\"14006381333938\",\"qty\":2,\"from\":\"A-01\","
	       "\"to\":\"A-02\"}");
	assert_int_equal(units(w, "MUG", "A-02", GOOD), 28);
	/* Beyond the book: what is there is believed, and counted later. */
	ask_ok(w, "move",
	       "{\"item\":\"MUG\",\"qty\":5,\"from\":\"A-01\","
	       "\"to\":\"A-02\"}");
	assert_reply(w, "\"entries\":4"); /* 2 moved, 3 found, 3 moved, task */
	assert_int_equal(units(w, "MUG", "A-02", GOOD), 33);
	look_ok(w, "task.list", "");
	assert_reply(w, "\"reason\":\"found\"");
}

static void count_is_a_statement_about_a_position(void **state)
{
	struct warehouse *w = *state;
	char arguments[160];
	struct pos at;

	receive(w, "MUG", 10);
	at = head_pos(w);
	ask_ok(w, "count", "{\"item\":\"MUG\",\"bin\":\"A-01\",\"qty\":9}");
	assert_reply(w, "\"verdict\":\"accepted\",\"counted\":9,\"book\":10,"
			"\"change\":-1");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 9);
	/* It moved after the position: nothing is adjusted. */
	snprintf(arguments, sizeof(arguments),
		 "{\"item\":\"MUG\",\"bin\":\"A-01\",\"qty\":7,"
		 "\"position\":\"%llu\"}",
		 (unsigned long long)pos_number(at));
	ask_ok(w, "count", arguments);
	assert_reply(w, "\"verdict\":\"recount_moved\"");
	snprintf(arguments, sizeof(arguments),
		 "{\"item\":\"MUG\",\"bin\":\"A-01\",\"qty\":7,"
		 "\"position\":\"1.%llu\"}",
		 (unsigned long long)pos_number(head_pos(w)));
	ask_ok(w, "count", arguments);
	assert_reply(w, "\"verdict\":\"accepted\"");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 7);
	ask_ok(w, "count", "{\"item\":\"MUG\",\"bin\":\"A-01\",\"qty\":0}");
	assert_reply(w, "\"verdict\":\"recount_blind\"");
	ask_ok(w, "count", "{\"item\":\"MUG\",\"bin\":\"A-01\",\"qty\":0}");
	assert_reply(w, "\"verdict\":\"accepted\"");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 0);
	assert_clean(w);
}

/* ---- bundling ---- */

static void a_bundle_is_made_of_its_components(void **state)
{
	struct warehouse *w = *state;

	ask_ok(w, "item.set", "{\"item\":\"SET\"}");
	receive(w, "MUG", 8);
	receive(w, "(01)09521234567899(17)270101(10)L1", 3);
	ask_ok(w, "transform",
	       "{\"bundle\":\"SET\",\"qty\":3,\"bin\":\"A-01\","
	       "\"lot\":\"B-1\",\"expiry\":\"2027-06-30\","
	       "\"components\":[{\"item\":\"MUG\",\"qty\":2},"
	       "{\"item\":\"09521234567899\",\"qty\":1}]}");
	assert_reply(w, "\"entries\":3");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 2);
	assert_int_equal(units(w, "MILK", "A-01", GOOD), 0);
	assert_int_equal(units(w, "SET", "A-01", GOOD), 3);
	look_ok(w, "stock.list", "{\"item\":\"SET\"}");
	assert_reply(w, "\"lot\":\"B-1\",\"expiry\":\"2027-06-30\","
			"\"units\":3");
	assert_reply(w, "\"kind\":\"made\",\"units\":-3");
	look_ok(w, "stock.list", "{\"item\":\"MUG\"}");
	assert_reply(w, "\"kind\":\"made\",\"units\":6");
	assert_clean(w);
}

/* Method: the ref of each movement names the first of them; reversing any one
 * takes all of them back, once. */
static void a_bundling_is_taken_back_as_a_whole(void **state)
{
	struct warehouse *w = *state;
	struct pos first;
	char arguments[64];

	ask_ok(w, "item.set", "{\"item\":\"SET\"}");
	receive(w, "MUG", 8);
	receive(w, "MILK", 8);
	first.value = head_pos(w).value + 1;
	ask_ok(w, "transform",
	       "{\"bundle\":\"SET\",\"qty\":2,\"bin\":\"A-01\","
	       "\"components\":[{\"item\":\"MUG\",\"qty\":3},"
	       "{\"item\":\"MILK\",\"qty\":1}]}");
	snprintf(arguments, sizeof(arguments), "{\"entry\":\"1.%llu\"}",
		 (unsigned long long)pos_number(first) + 1);
	look_ok(w, "trace.show", arguments);
	snprintf(arguments, sizeof(arguments), "\"ref\":\"1.%llu\"",
		 (unsigned long long)pos_number(first));
	assert_reply(w, arguments);
	snprintf(arguments, sizeof(arguments), "{\"entry\":\"1.%llu\"}",
		 (unsigned long long)pos_number(first) + 1);
	ask_ok(w, "reverse", arguments);
	assert_reply(w, "\"entries\":3");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 8);
	assert_int_equal(units(w, "MILK", "A-01", GOOD), 8);
	assert_int_equal(units(w, "SET", "A-01", GOOD), 0);
	ask_refused(w, "reverse", arguments, "reversed_already");
	assert_clean(w);
}

/* ---- taking back ---- */

static void a_movement_is_reversed_once_by_one_that_names_it(void **state)
{
	struct warehouse *w = *state;
	char arguments[64];
	struct pos pos;

	receive(w, "MUG", 5);
	pos = head_pos(w);
	receive(w, "MUG", 2);
	snprintf(arguments, sizeof(arguments), "{\"entry\":\"1.%llu\"}",
		 (unsigned long long)pos_number(pos));
	ask_ok(w, "reverse", arguments);
	assert_reply(w, "reverse 5 x MUG: A-01 -> supplier:unknown, takes "
			"back 1.");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 2);
	ask_refused(w, "reverse", arguments, "reversed_already");
	/* A reversal is not reversed: the movement is booked again. */
	snprintf(arguments, sizeof(arguments), "{\"entry\":\"1.%llu\"}",
		 (unsigned long long)pos_number(head_pos(w)));
	ask_refused(w, "reverse", arguments, "not_reversible");
	assert_clean(w);
}

/* Method: goods that have moved on are taken back from where they were. */
static void what_has_moved_on_is_taken_back_all_the_same(void **state)
{
	struct warehouse *w = *state;
	char arguments[64];

	receive(w, "MUG", 5);
	snprintf(arguments, sizeof(arguments), "{\"entry\":\"1.%llu\"}",
		 (unsigned long long)pos_number(head_pos(w)));
	ask_ok(w, "move",
	       "{\"item\":\"MUG\",\"qty\":5,\"from\":\"A-01\","
	       "\"to\":\"A-02\"}");
	ask_ok(w, "reverse", arguments);
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 0);
	assert_int_equal(units(w, "MUG", "A-02", GOOD), 5);
	look_ok(w, "task.list", "");
	assert_reply(w, "\"bin\":\"A-01\",\"item\":\"MUG\",\"reason\":"
			"\"found\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(book_does_what_a_scan_does),
		STORY(undo_takes_back_the_accounts_own_booking),
		STORY(a_wrong_booking_is_refused_and_changes_nothing),
		STORY(move_goes_from_bin_to_bin),
		STORY(count_is_a_statement_about_a_position),
		STORY(a_bundle_is_made_of_its_components),
		STORY(a_bundling_is_taken_back_as_a_whole),
		STORY(a_movement_is_reversed_once_by_one_that_names_it),
		STORY(what_has_moved_on_is_taken_back_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
