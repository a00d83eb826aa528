/*
 * Round after round every row is read again, in steps of any size.
 */
#include "tests/support/check.h"

#include "store/scrub.h"
#include "tests/support/day.h"

static void step(struct warehouse *w, struct scrub *scrub, uint64_t rows)
{
	struct view *view;

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	assert_done(scrub_step(view, scrub, rows, &w->err), &w->err);
	view_end(view);
}

/* Steps until a round ends; returns how many it took. */
static size_t round_run(struct warehouse *w, struct scrub *scrub, uint64_t rows)
{
	uint64_t round = scrub->rounds;
	size_t steps = 0;

	for (; scrub->rounds == round; steps++) {
		assert_true(steps < 10000);
		step(w, scrub, rows);
	}
	return steps;
}

/* Method: steps of 1, 7 and 1,000,000 rows, saved and loaded in between. */
static void a_round_ends_whatever_the_size_of_its_steps(void **state)
{
	static const uint64_t sizes[] = {1, 7, 1000000};
	struct warehouse *w = *state;
	struct scrub scrub = {.rounds = 0};
	size_t steps[ARRAY_LEN(sizes)];

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		steps[i] = round_run(w, &scrub, sizes[i]);
		assert_int_equal(scrub.rounds, i + 1);
		assert_int_equal(scrub.verified.pos.value,
				 pos_make(1, 1 + DAY_ENTRIES).value);
	}
	assert_true(steps[0] > 90); /* a row each */
	assert_true(steps[1] > steps[0] / 9 && steps[1] < steps[0] / 5);
	assert_int_equal(steps[2], 1);
}

static void a_scrub_goes_on_where_it_was_saved(void **state)
{
	struct warehouse *w = *state;
	struct scrub scrub = {.rounds = 0};
	size_t whole = round_run(w, &scrub, 5);
	size_t steps = 0;

	while (scrub.rounds < 2) {
		struct txn *txn;
		struct scrub loaded;
		struct view *view;

		assert_true(steps < whole + 2);
		step(w, &scrub, 5);
		steps++;
		assert_done(txn_begin(ledger_env(w->ledger), &txn, &w->err),
			    &w->err);
		assert_done(scrub_save(txn, &scrub, &w->err), &w->err);
		assert_done(txn_commit(txn, &w->err), &w->err);
		assert_done(view_begin(ledger_env(w->ledger), &view, &w->err),
			    &w->err);
		assert_done(scrub_load(view, &loaded, &w->err), &w->err);
		view_end(view);
		assert_int_equal(loaded.pos.value, scrub.pos.value);
		assert_int_equal(loaded.verified.pos.value,
				 scrub.verified.pos.value);
		assert_true(span_equal(key_span(&loaded.after),
				       key_span(&scrub.after)));
		scrub = loaded;
	}
	assert_int_equal(steps, whole);
}

static void a_store_that_was_never_scrubbed_loads_zeros(void **state)
{
	struct warehouse *w = *state;
	struct scrub scrub = {.rounds = 9, .table = 3};
	struct view *view;

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	assert_done(scrub_load(view, &scrub, &w->err), &w->err);
	view_end(view);
	assert_int_equal(scrub.rounds, 0);
	assert_int_equal(scrub.table, 0);
	assert_int_equal(scrub.pos.value, 0);
}

static void entries_that_come_meanwhile_are_verified_too(void **state)
{
	struct warehouse *w = *state;
	struct scrub scrub = {.rounds = 0};
	struct pos last;

	step(w, &scrub, 10);
	last = warehouse_receive(w, "CUP", 1);
	(void)round_run(w, &scrub, 10);
	assert_int_equal(scrub.verified.pos.value, last.value);
}

static void an_epoch_whose_chain_begins_anew_is_verified_too(void **state)
{
	struct warehouse *w = *state;
	const struct epoch_plan plan = {.epoch = 2, .now = w->now};
	struct scrub scrub = {.rounds = 0};
	struct pos last;

	assert_done(ledger_epoch_open(w->ledger, &plan, &w->err), &w->err);
	last = warehouse_receive(w, "CUP", 1);
	(void)round_run(w, &scrub, 3);
	assert_int_equal(scrub.verified.pos.value, last.value);
	assert_int_equal(pos_epoch(last), 2);
}

struct first {
	struct key key;
	char value[ENTRY_SIZE_MAX];
	size_t size;
};

static enum err_code first_row(void *context, struct span key,
			       struct span value, struct err *err)
{
	struct first *first = context;

	(void)err;
	first->key = key_of_text(key);
	memcpy(first->value, value.data, value.size);
	first->size = value.size;
	return ERR_STOPPED;
}

/* Method: in each table that has rows, a byte of the first row; a round in
 * steps of 4 rows has to stop there, and says where. */
static void a_damaged_row_of_any_table_stops_the_round(void **state)
{
	struct warehouse *w = *state;
	const struct span all = {"", 0};
	size_t tables = 0;

	for (size_t table = TABLE_JOURNAL; table < TABLE_COUNT; table++) {
		struct scrub scrub = {.rounds = 0};
		struct first first;
		struct txn *txn;
		enum err_code code = ERR_OK;

		assert_done(txn_begin(ledger_env(w->ledger), &txn, &w->err),
			    &w->err);
		if (view_walk(txn_view(txn), (enum table)table, all, all,
			      first_row, &first, NULL) != ERR_STOPPED) {
			txn_abandon(txn);
			continue;
		}
		first.value[first.size / 2] ^= 1;
		assert_done(txn_put(txn, (enum table)table,
				    key_span(&first.key),
				    (struct span){first.value, first.size},
				    &w->err),
			    &w->err);
		for (size_t i = 0; i < 1000 && code == ERR_OK; i++)
			code = scrub_step(txn_view(txn), &scrub, 4, &w->err);
		assert_code(code, ERR_CORRUPT);
		assert_int_equal(scrub.rounds, 0);
		assert_true(strlen(w->err.text) > 10);
		txn_abandon(txn);
		tables++;
	}
	assert_int_equal(tables, 19);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, day_setup, warehouse_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_round_ends_whatever_the_size_of_its_steps),
		TEST(a_scrub_goes_on_where_it_was_saved),
		TEST(a_store_that_was_never_scrubbed_loads_zeros),
		TEST(entries_that_come_meanwhile_are_verified_too),
		TEST(an_epoch_whose_chain_begins_anew_is_verified_too),
		TEST(a_damaged_row_of_any_table_stops_the_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
