/*
 * The names of readings: nothing is taken twice, nothing is swallowed, and
 * what an acknowledgement says is complete is complete.
 */
#include "tests/support/check.h"

#include <time.h>

#include "tests/support/readings.h"

/* ---- examples ---- */

/* Method: one name, asked for before, after, and with other content. */
static void a_name_taken_is_answered_as_before_or_called_reused(void **state)
{
	struct reading_name name = name_of(7, "b1", 5);
	struct answer answer = {.code = 9999};

	(void)state;
	assert_int_equal(find(&name, 100, &answer), SEEN_NEW);
	assert_progress(mark(&name, 100, 0xabcdef0123), 5, 5, 5);
	assert_int_equal(find(&name, 101, &answer), SEEN_REUSED);
	assert_int_equal(answer.code, 9999); /* untouched so far */
	tables_reopen(&tables);
	assert_int_equal(find(&name, 100, &answer), SEEN_DUPLICATE);
	assert_answer(&answer, 0xabcdef0123);
	name.device.value = 8;
	assert_int_equal(find(&name, 100, &answer), SEEN_NEW);
	name = name_of(7, "b2", 5);
	assert_int_equal(find(&name, 100, &answer), SEEN_NEW);
}

/*
 * Method: 50 is heard first, then what was sent before it, in disorder.
 */
static void numbers_below_the_first_heard_are_taken_when_they_come(void **state)
{
	(void)state;
	assert_progress(take(1, "", 50), 50, 50, 50);
	assert_progress(take(1, "", 47), 51, 50, 50);
	assert_progress(take(1, "", 48), 51, 50, 50);
	assert_int_equal(state_of(1, "", 47), SEEN_DUPLICATE);
	assert_int_equal(state_of(1, "", 49), SEEN_NEW);
	assert_progress(take(1, "", 49), 47, 50, 50);
	assert_progress(take(1, "", 51), 51, 51, 51);
	assert_progress(take(1, "", 1), 52, 51, 51);
	assert_progress(take(1, "", 1074), 52, 51, 1074);
	/* The window reaches down to 51. */
	assert_int_equal(state_of(1, "", 50), SEEN_TOO_OLD);
	assert_int_equal(state_of(1, "", 2), SEEN_TOO_OLD);
}

/* Method: 3 stays away; the window is pushed over it one by one. */
static void a_hole_is_given_up_once_when_the_window_passes_it(void **state)
{
	(void)state;
	(void)take(1, "b", 1);
	(void)take(1, "b", 2);
	for (uint64_t seq = 4; seq < 3 + SEEN_WINDOW; seq++) {
		struct seen_progress progress = take(1, "b", seq);

		assert_progress(progress, 3, 2, seq);
		assert_missing(progress, 0, 0, 0);
	}
	assert_int_equal(state_of(1, "b", 3), SEEN_NEW); /* the last chance */
	assert_missing(take(1, "b", 3 + SEEN_WINDOW), 3, 3, 1);
	assert_int_equal(state_of(1, "b", 3), SEEN_TOO_OLD);
	assert_progress(take(1, "b", 4 + SEEN_WINDOW), 4 + SEEN_WINDOW,
			4 + SEEN_WINDOW, 4 + SEEN_WINDOW);
	assert_missing(take(1, "b", 5 + SEEN_WINDOW), 0, 0, 0);
}

/* Method: as many holes as names, given up by one jump; the numbers between
 * that were taken are not counted as missing. */
static void a_jump_gives_up_all_holes_below_the_window_at_once(void **state)
{
	struct seen_progress progress;

	(void)state;
	for (uint64_t seq = 1; seq <= 19; seq += 2)
		(void)take(1, "b", seq);
	progress = take(1, "b", 18 + SEEN_WINDOW);
	/* 2, 4 ... 18 are gone; 19 is taken, so upto goes on to it. */
	assert_missing(progress, 2, 18, 9);
	assert_progress(progress, 2, 19, 18 + SEEN_WINDOW);
}

/*
 * Method: 1,024 names, then 10^18, then the last numbers that there are. Counts
 * rows: they are no more than before.
 */
static void a_jump_costs_no_more_than_the_window(void **state)
{
	struct seen_progress progress;

	(void)state;
	for (uint64_t seq = 1; seq <= SEEN_WINDOW; seq++)
		(void)take(1, "b", seq);
	assert_int_equal(tables_rows(&tables, TABLE_SEEN), SEEN_WINDOW + 1);

	progress = take(1, "b", FAR);
	assert_progress(progress, SEEN_WINDOW + 1, FAR - SEEN_WINDOW, FAR);
	assert_missing(progress, SEEN_WINDOW + 1, FAR - SEEN_WINDOW,
		       FAR - 2 * SEEN_WINDOW);
	assert_int_equal(state_of(1, "b", SEEN_WINDOW), SEEN_TOO_OLD);

	progress = take(1, "b", UINT64_MAX);
	assert_progress(progress, FAR - SEEN_WINDOW + 1,
			UINT64_MAX - SEEN_WINDOW, UINT64_MAX);
	assert_missing(progress, FAR - SEEN_WINDOW + 1,
		       UINT64_MAX - SEEN_WINDOW, UINT64_MAX - FAR - 1);
	assert_progress(take(1, "b", UINT64_MAX - 1),
			UINT64_MAX - SEEN_WINDOW + 1, UINT64_MAX - SEEN_WINDOW,
			UINT64_MAX);
	assert_int_equal(state_of(1, "b", UINT64_MAX), SEEN_DUPLICATE);
	assert_int_equal(state_of(1, "b", UINT64_MAX - 1), SEEN_DUPLICATE);
	assert_int_equal(state_of(1, "b", UINT64_MAX - 2), SEEN_NEW);

	/* A full window up there, filled from above. */
	for (uint64_t seq = UINT64_MAX - 2; seq > UINT64_MAX - SEEN_WINDOW;
	     seq--)
		progress = take(1, "b", seq);
	assert_progress(progress, UINT64_MAX - SEEN_WINDOW + 1, UINT64_MAX,
			UINT64_MAX);
	assert_int_equal(tables_rows(&tables, TABLE_SEEN), SEEN_WINDOW + 1);
}

/* Method: nine boots, of which the first is used again before the ninth: the
 * second goes, with all its names. */
static void the_boot_used_longest_ago_is_forgotten_whole(void **state)
{
	struct seen_progress progress;
	struct reading_name name = name_of(1, "B", 1);
	struct answer answer = answer_of(1);

	(void)state;
	for (char boot[] = "A"; boot[0] < 'A' + SEEN_BOOTS_MAX; boot[0]++)
		for (uint64_t seq = 1; seq <= 10; seq++)
			(void)take(1, boot, seq);
	(void)take(1, "A", 11);
	(void)take(2, "B", 1);
	(void)take(1, "new", 1);
	assert_code(seen_progress(txn_view(tables.txn), &name, &progress, NULL),
		    ERR_NOT_FOUND);
	assert_code(seen_amend(tables.txn, &name, &answer, NULL),
		    ERR_NOT_FOUND);
	for (uint64_t seq = 1; seq <= 10; seq++)
		assert_int_equal(state_of(1, "B", seq), SEEN_NEW);
	assert_int_equal(state_of(1, "C", 10), SEEN_DUPLICATE);
	assert_int_equal(state_of(2, "B", 1), SEEN_DUPLICATE);
	name = name_of(1, "A", 1);
	assert_done(seen_progress(txn_view(tables.txn), &name, &progress,
				  &tables.err),
		    &tables.err);
	assert_progress(progress, 12, 11, 11);
	assert_missing(progress, 0, 0, 0);
}

/*
 * Method: a boot is forgotten, and then gets back the very rows in which its
 * names still lie.
 */
static void a_forgotten_boot_that_comes_back_begins_anew(void **state)
{
	uint64_t rows;

	(void)state;
	for (uint64_t seq = 1; seq <= 10; seq++)
		(void)take(1, "back", seq);
	for (char boot[] = "A"; boot[0] < 'A' + SEEN_BOOTS_MAX - 1; boot[0]++)
		(void)take(1, boot, 1);
	(void)take(1, "other", 500); /* "back" goes */
	for (char boot[] = "A"; boot[0] < 'A' + SEEN_BOOTS_MAX - 1; boot[0]++)
		(void)take(1, boot, 2);
	rows = tables_rows(&tables, TABLE_SEEN);
	assert_progress(take(1, "back", 10), 10, 10, 10); /* "other" goes */
	assert_int_equal(tables_rows(&tables, TABLE_SEEN), rows);
	assert_int_equal(state_of(1, "other", 500), SEEN_NEW);
	for (uint64_t seq = 1; seq <= 9; seq++)
		assert_int_equal(state_of(1, "back", seq), SEEN_NEW);
	assert_progress(take(1, "back", 9), 9, 10, 10);
	assert_progress(take(1, "back", 7), 11, 10, 10);
}

/* Method: twelve boots of four windows each; the rows are counted. */
static void the_rows_of_a_device_are_bounded(void **state)
{
	(void)state;
	for (char boot[] = "A"; boot[0] < 'A' + 12; boot[0]++)
		for (uint64_t seq = 1; seq <= UINT64_C(4) * SEEN_WINDOW; seq++)
			(void)take(1, boot, seq);
	assert_int_equal(tables_rows(&tables, TABLE_SEEN),
			 1 + SEEN_BOOTS_MAX * SEEN_WINDOW);
}

/* Method: an answer is changed while its name is in the window, and after. */
static void an_answer_can_be_changed_as_long_as_the_name_is_known(void **state)
{
	struct reading_name name = name_of(3, "b", 1);
	struct answer answer = answer_of(77);

	(void)state;
	(void)mark(&name, 500, 33);
	assert_done(seen_amend(tables.txn, &name, &answer, &tables.err),
		    &tables.err);
	assert_int_equal(find(&name, 500, &answer), SEEN_DUPLICATE);
	assert_answer(&answer, 77);
	assert_int_equal(find(&name, 501, &answer), SEEN_REUSED);
	(void)take(3, "b", 2 + SEEN_WINDOW); /* its row is still there */
	assert_code(seen_amend(tables.txn, &name, &answer, NULL),
		    ERR_NOT_FOUND);
	(void)take(3, "b", 1 + SEEN_WINDOW); /* now it is not */
	assert_code(seen_amend(tables.txn, &name, &answer, NULL),
		    ERR_NOT_FOUND);
	(void)take(3, "b", 4);
	(void)take(3, "b", 1029);
	name.seq = 1028; /* never taken; 4 lies in its slot */
	assert_code(seen_amend(tables.txn, &name, &answer, NULL),
		    ERR_NOT_FOUND);
}

/* ---- unnamed readings ---- */

static bool packet_is_known(uint16_t id, uint64_t content)
{
	bool is_known;

	assert_done(seen_packet_find(txn_view(tables.txn), id, content,
				     &is_known, &tables.err),
		    &tables.err);
	return is_known;
}

static void packet_note(uint16_t id, uint64_t content)
{
	assert_done(seen_packet_note(tables.txn, id, content, &tables.err),
		    &tables.err);
}

/* Method: 70,000 packets, so that all ids are used again; after each the edge
 * of what is remembered is looked at. */
static void the_last_2000_unnamed_readings_are_known_by_packet(void **state)
{
	uint64_t checked = 0;

	(void)state;
	assert_false(packet_is_known(1, 1));
	for (uint64_t n = 1; n <= 70000; n++) {
		packet_note((uint16_t)n, n);
		if (n <= SEEN_PACKETS_MAX || n % 100 != 0)
			continue;
		assert_true(packet_is_known((uint16_t)n, n));
		assert_false(packet_is_known((uint16_t)n, n + 1));
		assert_true(
			packet_is_known((uint16_t)(n - SEEN_PACKETS_MAX + 1),
					n - SEEN_PACKETS_MAX + 1));
		assert_false(packet_is_known((uint16_t)(n - SEEN_PACKETS_MAX),
					     n - SEEN_PACKETS_MAX));
		checked++;
		if (n % 10000 == 0)
			tables_reopen(&tables);
	}
	assert_int_equal(checked, 680);
	/* A row for each id and the running number, whatever came. */
	assert_int_equal(tables_rows(&tables, TABLE_SEEN), 65536 + 1);
	/* An id that is given again stands for the later packet. */
	packet_note(5, 1);
	packet_note(5, 2);
	assert_false(packet_is_known(5, 1));
	assert_true(packet_is_known(5, 2));
}

/* ---- disk ---- */

/* Method: one row of each kind, compared with its bytes as of format 1. */
static void the_rows_on_disk_are_those_of_the_format(void **state)
{
	struct reading_name name = name_of(258, "boot-1", 1);
	struct answer answer = {.result = RESULT_PARKED,
				.code = 300,
				.pos = pos_make(2, 1000),
				.detail_size = 3,
				.detail = "abc"};
	struct seen_progress progress;
	char device[512];

	(void)state;
	assert_done(seen_mark(tables.txn, &name, UINT64_C(0x1122334455667788),
			      &answer, &progress, &tables.err),
		    &tables.err);
	(void)take(258, "boot-1", 3);
	packet_note(515, UINT64_C(0x99aabbccddeeff00));
	/* Number 3 is beyond a hole, so the bits of the window are there: the
	 * fourth of them is set. */
	assert_true(text_format(device, sizeof(device),
				"9c926d602e34c089000001010308%0254d", 0));
	assert_row(&tables, TABLE_SEEN, "0100000102", device);
	assert_row(&tables, TABLE_SEEN, "020000010200000001",
		   "0001112233445566778805ac0202e80703616263");
	assert_row(&tables, TABLE_SEEN, "03", "0000000000000001");
	assert_row(&tables, TABLE_SEEN, "0300000203",
		   "99aabbccddeeff000000000000000001");
}

/* Method: a bit is flipped in each kind of row, and a row is taken away. */
static void a_damaged_row_is_told_and_not_believed(void **state)
{
	struct reading_name name = name_of(1, "b", 1);
	const struct span name_1 = SPAN_LITERAL("\2\0\0\0\1\0\0\0\1");
	struct answer answer = answer_of(1);
	struct seen_progress progress;
	enum seen_state found;
	bool is_known;

	(void)state;
	(void)take(1, "b", 1);
	(void)take(1, "b", 2);
	packet_note(1, 1);
	tables_flip(&tables, TABLE_SEEN, 4); /* the packet */
	assert_code(seen_packet_find(txn_view(tables.txn), 1, 1, &is_known,
				     &tables.err),
		    ERR_CORRUPT);
	tables_flip(&tables, TABLE_SEEN, 3); /* how many packets */
	assert_code(seen_packet_find(txn_view(tables.txn), 2, 1, &is_known,
				     NULL),
		    ERR_CORRUPT);
	assert_code(seen_packet_note(tables.txn, 1, 1, NULL), ERR_CORRUPT);
	tables_flip(&tables, TABLE_SEEN, 1); /* the name 1 */
	assert_code(seen_find(txn_view(tables.txn), &name, 1, &found, &answer,
			      &tables.err),
		    ERR_CORRUPT);
	assert_code(seen_amend(tables.txn, &name, &answer, NULL), ERR_CORRUPT);
	assert_done(txn_delete(tables.txn, TABLE_SEEN, name_1, &tables.err),
		    &tables.err);
	assert_code(seen_find(txn_view(tables.txn), &name, 1, &found, &answer,
			      &tables.err),
		    ERR_CORRUPT);
	tables_flip(&tables, TABLE_SEEN, 0); /* the device */
	name.seq = 3;
	assert_code(seen_find(txn_view(tables.txn), &name, 1, &found, &answer,
			      &tables.err),
		    ERR_CORRUPT);
	assert_code(seen_mark(tables.txn, &name, 1, &answer, &progress, NULL),
		    ERR_CORRUPT);
	assert_code(seen_amend(tables.txn, &name, &answer, NULL), ERR_CORRUPT);
	assert_code(seen_progress(txn_view(tables.txn), &name, &progress, NULL),
		    ERR_CORRUPT);
}

/* Method: the smallest map is filled until there is no more room. */
static void a_full_map_is_told_and_the_names_before_stay(void **state)
{
	struct answer answer = answer_of(120 << 5);
	struct seen_progress progress;
	uint64_t taken = 0;
	enum err_code code = ERR_OK;

	(void)state;
	tables_close(&tables);
	tables_open(&tables, ENV_MAP_SIZE_MIN);
	(void)take(1, "b", 1);
	tables_commit(&tables);
	while (code == ERR_OK && taken < 100000) {
		struct reading_name name = name_of((uint32_t)(2 + taken / 1000),
						   "b", 1 + taken % 1000);

		code = seen_mark(tables.txn, &name, 1, &answer, &progress,
				 &tables.err);
		taken += code == ERR_OK;
	}
	assert_code(code, ERR_FULL);
	assert_true(taken > 1000);
	tables_abandon(&tables);
	assert_int_equal(state_of(1, "b", 1), SEEN_DUPLICATE);
	assert_int_equal(state_of(2, "b", 1), SEEN_NEW);
}

/* Prints what a reading costs here, apart from its commit; asserts nothing
 * about it. Method: in turn, 8 devices, 1,000 readings a transaction. */
static void a_reading_in_its_turn_is_found_and_marked(void **state)
{
	const uint64_t readings = 200000;
	struct timespec from;
	struct timespec to;
	double spent = 0;

	(void)state;
	for (uint64_t n = 0; n < readings; n += 1000) {
		(void)clock_gettime(CLOCK_MONOTONIC, &from);
		for (uint64_t i = n; i < n + 1000; i++)
			(void)take((uint32_t)(1 + i % 8), "boot-of-device",
				   1 + i / 8);
		(void)clock_gettime(CLOCK_MONOTONIC, &to);
		spent += (double)(to.tv_sec - from.tv_sec) +
			 (double)(to.tv_nsec - from.tv_nsec) / 1e9;
		tables_commit(&tables);
	}
	printf("%.2f us a reading (find and mark)\n",
	       spent / (double)readings * 1e6);
	assert_int_equal(tables_rows(&tables, TABLE_SEEN), 8 * SEEN_WINDOW + 8);
}

#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_name_taken_is_answered_as_before_or_called_reused),
		TEST(numbers_below_the_first_heard_are_taken_when_they_come),
		TEST(a_hole_is_given_up_once_when_the_window_passes_it),
		TEST(a_jump_gives_up_all_holes_below_the_window_at_once),
		TEST(a_jump_costs_no_more_than_the_window),
		TEST(the_boot_used_longest_ago_is_forgotten_whole),
		TEST(a_forgotten_boot_that_comes_back_begins_anew),
		TEST(the_rows_of_a_device_are_bounded),
		TEST(an_answer_can_be_changed_as_long_as_the_name_is_known),
		TEST(the_last_2000_unnamed_readings_are_known_by_packet),
		TEST(the_rows_on_disk_are_those_of_the_format),
		TEST(a_damaged_row_is_told_and_not_believed),
		TEST(a_full_map_is_told_and_the_names_before_stay),
		TEST(a_reading_in_its_turn_is_found_and_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
