/*
 * How long the ledger still has room is told from how it grew, and what is told
 * comes true.
 */
#include "tests/support/check.h"

#include "gateway/edge/autonomy.h"
#include "store/resize.h"
#include "tests/support/warehouse.h"

#define MAP_SIZE (UINT64_C(6) << 20)
#define RESERVE (MAP_SIZE / 32)
#define STEP_MS 20000 /* of the accelerated clock, a batch */
#define BATCH_ENTRIES 16
#define STEPS_MAX 20000
#define HOUR INT64_C(3600000)

/* ---- a box that fills ---- */

struct filling {
	struct warehouse w;
	struct autonomy autonomy;
	int64_t now_ms;
	uint64_t told_s[STEPS_MAX]; /* by step; 0: nothing */
	size_t steps;
	size_t restarts;
};

static void store_open(struct filling *f)
{
	assert_done(ledger_open(f->w.store, ENV_WRITE, &f->w.ledger, &f->w.err),
		    &f->w.err);
}

static uint64_t room(struct filling *f)
{
	struct env_usage usage;

	assert_done(env_usage(ledger_env(f->w.ledger), &usage, &f->w.err),
		    &f->w.err);
	assert_int_equal(usage.map_size, MAP_SIZE);
	return usage.room;
}

/* Only what autonomy_print wrote is left of what was known. The clock of the
 * next run begins anywhere. */
static void restart(struct filling *f)
{
	char text[AUTONOMY_TEXT_SIZE];

	autonomy_print(&f->autonomy, text);
	ledger_close(f->w.ledger);
	store_open(f);
	f->autonomy = (struct autonomy){.weight_s = 0};
	assert_code(autonomy_parse(span_of(text), &f->autonomy), ERR_OK);
	f->now_ms += 123456789;
	f->restarts++;
}

static void step(struct filling *f)
{
	char sku[32];

	warehouse_begin(&f->w);
	for (size_t i = 0; i < BATCH_ENTRIES; i++) {
		struct entry entry;

		snprintf(sku, sizeof(sku), "THING-%zu",
			 (f->steps * 7 + i * 13) % 200);
		entry = warehouse_receipt(sku, 1, CONDITION_GOOD);
		(void)warehouse_post(&f->w, &entry);
	}
	warehouse_commit(&f->w);
	f->now_ms += STEP_MS;
	autonomy_look(&f->autonomy, f->now_ms, room(f));
	if (!autonomy_seconds(&f->autonomy, RESERVE, &f->told_s[f->steps]))
		f->told_s[f->steps] = 0;
	f->steps++;
}

/*
 * Method: a small map is filled at a steady rate on an accelerated clock, with
 * a restart in the middle, and what was told on the way is held to when it was
 * really full.
 */
static void
what_is_told_of_a_steady_fill_comes_true_within_a_tenth(void **state)
{
	static struct filling f = {.now_ms = 1000};
	uint64_t most = 0;

	(void)state;
	warehouse_open(&f.w);
	ledger_close(f.w.ledger);
	assert_done(store_resize(f.w.store, MAP_SIZE, &f.w.err), &f.w.err);
	store_open(&f);
	while (room(&f) >= RESERVE) {
		assert_true(f.steps < STEPS_MAX);
		step(&f);
		if (f.restarts == 0 && room(&f) < MAP_SIZE / 2)
			restart(&f);
	}
	assert_int_equal(f.restarts, 1);
	for (size_t i = f.steps / 10; i < f.steps * 9 / 10; i++) {
		uint64_t true_s = (f.steps - 1 - i) * STEP_MS / 1000;
		uint64_t told_s = f.told_s[i];
		uint64_t off =
			told_s > true_s ? told_s - true_s : true_s - told_s;

		assert_true(told_s > 0);
		if (off * 100 / true_s > most)
			most = off * 100 / true_s;
	}
	print_message("%zu batches, off by %d %% at most\n", f.steps,
		      (int)most);
	assert_in_range(most, 0, 10);
	warehouse_close(&f.w);
}

/* ---- the figure ---- */

static void little_that_was_seen_tells_nothing(void **state)
{
	struct autonomy autonomy = {.weight_s = 0};
	uint64_t hours = 7;

	(void)state;
	assert_false(autonomy_hours(&autonomy, 0, &hours));
	autonomy_look(&autonomy, 0, 1000000);
	autonomy_look(&autonomy, 599000, 900000);
	assert_false(autonomy_hours(&autonomy, 0, &hours));
	assert_int_equal(hours, 7);
	autonomy_look(&autonomy, 609000, 900000);
	assert_true(autonomy_hours(&autonomy, 0, &hours));
}

static void what_does_not_grow_lasts_ten_years_and_no_more(void **state)
{
	struct autonomy autonomy = {.weight_s = 0};
	uint64_t hours;

	(void)state;
	autonomy_look(&autonomy, 0, UINT64_C(1) << 40);
	autonomy_look(&autonomy, HOUR, UINT64_C(1) << 40);
	assert_true(autonomy_hours(&autonomy, 0, &hours));
	assert_int_equal(hours, AUTONOMY_HOURS_MAX);
	/* Room that came back is no growth either. */
	autonomy_look(&autonomy, 2 * HOUR, UINT64_C(1) << 41);
	assert_true(autonomy_hours(&autonomy, 0, &hours));
	assert_int_equal(hours, AUTONOMY_HOURS_MAX);
	/* Less than the reserve is left: none. */
	assert_true(autonomy_hours(&autonomy, UINT64_C(1) << 50, &hours));
	assert_int_equal(hours, 0);
}

/* Method: a quiet week, then ten times as much; after a day most of what is
 * told is the new rate, after three all of it. */
static void the_last_day_counts_most(void **state)
{
	struct autonomy autonomy = {.weight_s = 0};
	uint64_t left = UINT64_C(1) << 40;
	int64_t now_ms = 0;
	uint64_t hours = 0;

	(void)state;
	for (int minute = 0; minute < 10 * 24 * 60; minute++) {
		left -= minute < 7 * 24 * 60 ? 1000 : 10000;
		now_ms += 60000;
		autonomy_look(&autonomy, now_ms, left);
		assert_int_equal(autonomy_hours(&autonomy, left - 6000000,
						&hours),
				 minute > 9);
		if (minute == 7 * 24 * 60 - 1)
			assert_in_range(hours, 98, 101);
		if (minute == 8 * 24 * 60 - 1)
			assert_in_range(hours, 12, 17);
	}
	assert_in_range(hours, 9, 11);
}

static void a_text_that_is_none_is_refused(void **state)
{
	static const char *const texts[] = {"",
					    "growth 1 ",
					    "growth 1 7\n",
					    "growth 1 7 9",
					    "growth 2 7 9\n",
					    "growth 1 86401 9\n",
					    "growth 1 -7 9\n",
					    "growth 1 7 99999999999999999\n",
					    "growth 1 7 9\nx"};
	struct autonomy autonomy = {.weight_s = 5, .grown = 6};
	char text[AUTONOMY_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_code(autonomy_parse(span_of(texts[i]), &autonomy),
			    ERR_INVALID);
	assert_int_equal(autonomy.weight_s, 5);
	assert_int_equal(autonomy.grown, 6);
	autonomy_print(&autonomy, text);
	assert_string_equal(text, "growth 1 5 6\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_is_told_of_a_steady_fill_comes_true_within_a_tenth),
		cmocka_unit_test(little_that_was_seen_tells_nothing),
		cmocka_unit_test(
			what_does_not_grow_lasts_ten_years_and_no_more),
		cmocka_unit_test(the_last_day_counts_most),
		cmocka_unit_test(a_text_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
