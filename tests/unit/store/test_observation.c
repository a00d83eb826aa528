/*
 * What sensors and readers saw: in order of time, debounced, bounded, and the
 * latest of a bin at hand.
 */
#include "tests/support/check.h"

#include "tests/support/observations.h"

/* ---- rows ---- */

/* Method: an observation with each field at its largest, one with each at its
 * smallest, read after a restart. */
static void an_observation_comes_back_as_it_went_in(void **state)
{
	struct observation large = {
		.at = {MOMENT_MS_MAX},
		.until = {0},
		.device = {UINT32_MAX},
		.what = OBSERVED_EPC,
		.value = INT64_MIN,
		.count = UINT32_MAX,
		.antenna = UINT8_MAX,
		.is_stable = true,
	};
	struct observation small = shelf("A", 0, 0);
	struct list list;

	(void)state;
	large.bin.size = PLACE_NAME_SIZE_MAX;
	large.epc.size = REF_SIZE_MAX;
	add(&large);
	add(&small);
	tables_reopen(&tables);
	list = *list_from(0);
	assert_int_equal(list.count, 2);
	assert_observation(&list.at[0], &small);
	assert_observation(&list.at[1], &large);
}

/* Method: added in disorder, three of them in one millisecond. */
static void a_walk_is_in_order_of_time_then_of_arrival(void **state)
{
	static const int64_t at[] = {500, 100, 300, 300, 300, 200};
	static const int64_t expected[] = {1, 5, 2, 3, 4, 0};
	struct list list;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		struct observation seen = shelf("A", at[i], (int64_t)i);

		add(&seen);
	}
	list = *list_from(-5);
	assert_int_equal(list.count, ARRAY_LEN(expected));
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		assert_true(list.at[i].value == expected[i]);
	assert_int_equal(list_from(300)->count, 4);
	assert_int_equal(list_from(301)->count, 1);
	assert_int_equal(list_from(501)->count, 0);
}

/* Method: more than the visitor takes. */
static void a_walk_ends_when_its_visitor_says_so(void **state)
{
	struct list list = {.count = 0};

	(void)state;
	for (int i = 0; i < LIST_MAX + 5; i++) {
		struct observation seen = shelf("A", i, i);

		add(&seen);
	}
	assert_code(observation_walk(txn_view(tables.txn), (struct moment){0},
				     list_visit, &list, NULL),
		    ERR_STOPPED);
	assert_int_equal(list.count, LIST_MAX);
}

/* ---- the latest of a bin ---- */

/* Method: two bins and two kinds; a late one comes after; one is a prefix of
 * the other's name. */
static void the_latest_of_a_bin_is_the_one_that_began_last(void **state)
{
	struct observation first = shelf("A-1", 100, 1);
	struct observation second = shelf("A-1", 200, 2);
	struct observation late = shelf("A-1", 150, 3);
	struct observation same = shelf("A-1", 200, 4);
	struct observation other = shelf("A-10", 300, 5);
	struct observation kind = shelf("A-1", 400, 6);
	char endless[PLACE_NAME_SIZE_MAX + 2];

	(void)state;
	assert_code(latest_code("A-1", OBSERVED_WEIGHT_G), ERR_NOT_FOUND);
	add(&first);
	add(&second);
	add(&late);
	assert_true(latest("A-1", OBSERVED_WEIGHT_G).value == 2);
	add(&same);
	add(&other);
	kind.what = OBSERVED_QUANTITY;
	add(&kind);
	tables_reopen(&tables);
	assert_true(latest("A-1", OBSERVED_WEIGHT_G).value == 4);
	assert_true(latest("A-10", OBSERVED_WEIGHT_G).value == 5);
	assert_true(latest("A-1", OBSERVED_QUANTITY).value == 6);
	assert_code(latest_code("A-1", OBSERVED_DISTANCE_MM), ERR_NOT_FOUND);
	assert_code(latest_code("A", OBSERVED_WEIGHT_G), ERR_NOT_FOUND);
	memset(endless, 'x', sizeof(endless));
	endless[sizeof(endless) - 1] = '\0';
	assert_code(latest_code(endless, OBSERVED_WEIGHT_G), ERR_NOT_FOUND);
}

/* ---- tags ---- */

/* Method: one tag read again and again, then a silence. */
static void a_tag_that_stays_is_one_row(void **state)
{
	struct list list;

	(void)state;
	for (int i = 0; i < 10; i++) {
		struct observation seen =
			tag("e1", 1000 + i * HOLD_MS, i == 4 ? -40 : -60 - i);

		seen.count = 2;
		seen.until.ms += i == 3 ? 500 : 0;
		add(&seen);
	}
	list = *list_from(0);
	assert_int_equal(list.count, 1);
	assert_true(list.at[0].at.ms == 1000);
	assert_true(list.at[0].until.ms == 1000 + 9 * HOLD_MS);
	assert_true(list.at[0].count == 20);
	assert_true(list.at[0].value == -40);

	/* One millisecond more than the hold: it came anew. */
	struct observation again = tag("e1", 1001 + 10 * HOLD_MS, -60);

	add(&again);
	assert_int_equal(list_from(0)->count, 2);
	assert_true(latest("PORTAL", OBSERVED_EPC).at.ms ==
		    1001 + 10 * HOLD_MS);
}

/* Method: the same moment, but another reader, antenna, tag or place; a read
 * that comes late; a count that would not fit; a shelf, which is never held. */
static void what_is_not_the_same_read_gets_its_own_row(void **state)
{
	struct observation seen = tag("e1", 1000, -60);
	struct observation weight = shelf("A", 1000, 5);

	(void)state;
	add(&seen);
	seen.device.value = 2;
	add(&seen);
	assert_int_equal(list_from(0)->count, 2);
	seen.antenna = 2;
	add(&seen);
	assert_int_equal(list_from(0)->count, 3);
	assert_true(ref_set(&seen.epc, SPAN_LITERAL("e2")));
	add(&seen);
	assert_int_equal(list_from(0)->count, 4);
	assert_true(place_name_set(&seen.bin, SPAN_LITERAL("GATE")));
	add(&seen);
	assert_int_equal(list_from(0)->count, 5);
	seen.at.ms = 900;
	add(&seen);
	assert_int_equal(list_from(0)->count, 6);
	seen.at.ms = 1100;
	seen.count = UINT32_MAX;
	add(&seen);
	assert_int_equal(list_from(0)->count, 7);
	assert_true(list_from(1100)->at[0].count == UINT32_MAX);
	add(&weight);
	add(&weight);
	assert_int_equal(list_from(0)->count, 9);
}

/* ---- bounds ---- */

/* Method: trimmed in parts; with the last of a bin or tag its index goes. */
static void trimming_takes_the_oldest_and_what_points_at_them(void **state)
{
	struct observation seen;

	(void)state;
	for (int i = 0; i < 10; i++) {
		seen = shelf("A", 100 + i, i);
		add(&seen);
	}
	seen = tag("e1", 105, -60);
	add(&seen);
	seen = shelf("B", 200, 1);
	add(&seen);
	assert_int_equal(trim(100, 1000), 0);
	assert_int_equal(trim(105, 3), 3);
	assert_int_equal(trim(105, 0), 0);
	assert_int_equal(trim(105, 1000), 2);
	assert_int_equal(trim(105, 1000), 0);
	assert_true(latest("A", OBSERVED_WEIGHT_G).value == 9);
	assert_int_equal(trim(200, 1000), 6);
	assert_code(latest_code("A", OBSERVED_WEIGHT_G), ERR_NOT_FOUND);
	assert_code(latest_code("PORTAL", OBSERVED_EPC), ERR_NOT_FOUND);
	assert_int_equal(tables_rows(&tables, TABLE_OBSERVATION), 2);
	/* The tag is not held by the row that is gone. */
	seen = tag("e1", 106, -60);
	add(&seen);
	assert_int_equal(trim(MOMENT_MS_MAX, 1000), 2);
	assert_int_equal(tables_rows(&tables, TABLE_OBSERVATION), 0);
	assert_int_equal(trim(MOMENT_MS_MAX, 1000), 0);
}

/* Method: the bound is filled with tags, three rows each, and passed by as
 * many again; the oldest are gone, the newest there, and the table full. */
static void the_table_stays_within_its_bound(void **state)
{
	const int64_t tags = OBSERVATION_ROWS_MAX / 2;
	uint64_t most = 0;
	struct list list;

	(void)state;
	for (int64_t i = 0; i < tags; i++) {
		struct observation seen;
		char text[16];

		(void)text_format(text, sizeof(text), "%08llx",
				  (unsigned long long)i);
		seen = tag(text, 1000 + i, -60);
		assert_true(place_name_set(&seen.bin, span_of(text)));
		add(&seen);
		assert_true(tables_rows(&tables, TABLE_OBSERVATION) <=
			    OBSERVATION_ROWS_MAX);
		if (i % 20000 == 0)
			tables_commit(&tables);
	}
	list = (struct list){.count = 0};
	assert_code(observation_walk(txn_view(tables.txn), (struct moment){0},
				     list_visit, &list, NULL),
		    ERR_STOPPED);
	assert_true(list.at[0].at.ms == 1000 + tags - OBSERVATION_ROWS_MAX / 3);
	assert_int_equal(list_from(1000 + tags - 1)->count, 1);
	assert_int_equal(tables_rows(&tables, TABLE_OBSERVATION),
			 OBSERVATION_ROWS_MAX / 3 * 3);

	/* One row at a time, it is reached and not passed. */
	for (int64_t i = 0; i < 10; i++) {
		struct observation seen = shelf("A", 1000 + tags + i, i);

		add(&seen);
		most = tables_rows(&tables, TABLE_OBSERVATION) > most
			       ? tables_rows(&tables, TABLE_OBSERVATION)
			       : most;
	}
	assert_int_equal(most, OBSERVATION_ROWS_MAX);
}

/* ---- disk ---- */

/* Method: each kind of row, compared with its bytes as of format 1. */
static void the_rows_on_disk_are_those_of_the_format(void **state)
{
	struct observation seen = tag("e280", 1000, -60);

	(void)state;
	seen.until.ms = 1300;
	seen.device.value = 258;
	seen.count = 300;
	seen.is_stable = true;
	add(&seen);
	assert_row(&tables, TABLE_OBSERVATION, "0100000000000003e800000000",
		   "d80482020406504f5254414c77ac0201010465323830");
	assert_row(&tables, TABLE_OBSERVATION, "0204504f5254414c",
		   "00000000000003e800000000");
	assert_row(&tables, TABLE_OBSERVATION, "03000001020165323830",
		   "00000000000003e800000000");
}

/* Method: a bit is flipped in each kind of row. */
static void a_damaged_row_is_told_and_not_believed(void **state)
{
	struct observation seen = tag("e1", 1000, -60);
	struct list list = {.count = 0};
	uint32_t removed;

	(void)state;
	add(&seen);
	tables_flip(&tables, TABLE_OBSERVATION, 2); /* the tag */
	assert_code(observation_add(tables.txn, &seen, HOLD_MS, &tables.err),
		    ERR_CORRUPT);
	tables_flip(&tables, TABLE_OBSERVATION, 2);
	tables_flip(&tables, TABLE_OBSERVATION, 1); /* the latest */
	assert_code(latest_code("PORTAL", OBSERVED_EPC), ERR_CORRUPT);
	tables_flip(&tables, TABLE_OBSERVATION, 1);
	tables_flip(&tables, TABLE_OBSERVATION, 0); /* the row */
	assert_code(latest_code("PORTAL", OBSERVED_EPC), ERR_CORRUPT);
	assert_code(observation_add(tables.txn, &seen, HOLD_MS, NULL),
		    ERR_CORRUPT);
	assert_code(observation_walk(txn_view(tables.txn), (struct moment){0},
				     list_visit, &list, NULL),
		    ERR_CORRUPT);
	assert_code(observation_trim(tables.txn, (struct moment){2000}, 1,
				     &removed, NULL),
		    ERR_CORRUPT);
}

/* Method: the smallest map is filled until there is no more room. */
static void a_full_map_is_told_and_what_was_kept_stays(void **state)
{
	struct observation seen = shelf("A", 1, 1);
	enum err_code code = ERR_OK;

	(void)state;
	tables_close(&tables);
	tables_open(&tables, ENV_MAP_SIZE_MIN);
	add(&seen);
	tables_commit(&tables);
	while (code == ERR_OK && seen.at.ms < 100000) {
		seen.at.ms++;
		code = observation_add(tables.txn, &seen, 0, &tables.err);
	}
	assert_code(code, ERR_FULL);
	assert_true(seen.at.ms > 1000);
	tables_abandon(&tables);
	assert_int_equal(list_from(0)->count, 1);
}

#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_observation_comes_back_as_it_went_in),
		TEST(a_walk_is_in_order_of_time_then_of_arrival),
		TEST(a_walk_ends_when_its_visitor_says_so),
		TEST(the_latest_of_a_bin_is_the_one_that_began_last),
		TEST(a_tag_that_stays_is_one_row),
		TEST(what_is_not_the_same_read_gets_its_own_row),
		TEST(trimming_takes_the_oldest_and_what_points_at_them),
		TEST(the_table_stays_within_its_bound),
		TEST(the_rows_on_disk_are_those_of_the_format),
		TEST(a_damaged_row_is_told_and_not_believed),
		TEST(a_full_map_is_told_and_what_was_kept_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
