/*
 * The sets behind the publisher, against the simplest model of them.
 */
#include "tests/support/check.h"

#include "gateway/edge/publisher_chunks.h"
#include "gateway/edge/publisher_marks.h"

#define NUMBERS 300

/* What marks_next should give, number by number. */
static bool model_next(const bool *in, const bool *out, uint32_t from,
		       uint32_t *ret_number)
{
	for (uint32_t i = 0; i < 2 * NUMBERS; i++) {
		uint32_t number = from + i;

		if (number >= NUMBERS)
			number -= NUMBERS;
		if (number < NUMBERS && in[number] && !out[number]) {
			*ret_number = number;
			return true;
		}
	}
	return false;
}

/* Method: random adds and removes, sparse and dense by turns; each search is
 * compared with one that looks at number after number. */
static void the_next_mark_is_found_wherever_it_is(void **state)
{
	uint64_t seed = test_seed(1);
	struct marks marks = {0};
	struct marks except = {0};
	bool in[NUMBERS] = {false};
	bool out[NUMBERS] = {false};
	size_t found = 0;
	struct err err;

	(void)state;
	assert_done(marks_grow(&marks, NUMBERS, &err), &err);
	assert_done(marks_grow(&except, NUMBERS, &err), &err);
	for (size_t i = 0; i < 100000; i++) {
		uint32_t at = (uint32_t)(test_random(&seed) % NUMBERS);
		bool is_dense = i / 1000 % 2 == 0;
		bool adds = test_random(&seed) % 8 < (is_dense ? 7 : 1);
		bool is_out = test_random(&seed) % 2 == 0;
		uint32_t from = (uint32_t)(test_random(&seed) % NUMBERS);
		uint32_t expected = 0;
		uint32_t number = 0;

		(adds ? marks_add : marks_remove)(is_out ? &except : &marks,
						  at);
		(is_out ? out : in)[at] = adds;
		if (model_next(in, out, from, &expected)) {
			assert_true(marks_next(&marks, &except, from, &number));
			assert_int_equal(number, expected);
			found++;
		} else {
			assert_false(
				marks_next(&marks, &except, from, &number));
		}
	}
	assert_in_range(found, 10000, 100000);
	marks_release(&marks);
	marks_release(&except);
}

static void a_set_that_grows_keeps_what_is_in_it(void **state)
{
	struct marks marks = {0};
	struct marks copy = {0};
	struct err err;

	(void)state;
	assert_done(marks_grow(&marks, 10, &err), &err);
	marks_add_range(&marks, 3, 9);
	marks_add_range(&marks, 9, 3);
	marks_remove(&marks, 5);
	marks_remove(&marks, 5);
	assert_done(marks_grow(&marks, 1000, &err), &err);
	marks_add(&marks, 999);
	marks_add(&marks, 999);
	assert_int_equal(marks.count, 7);
	assert_true(marks_has(&marks, 9));
	assert_false(marks_has(&marks, 5));
	assert_done(marks_grow(&copy, 1000, &err), &err);
	marks_copy(&copy, &marks);
	marks_clear(&marks);
	assert_int_equal(marks.count, 0);
	assert_false(marks_has(&marks, 999));
	assert_int_equal(copy.count, 7);
	assert_true(marks_has(&copy, 999));
	marks_release(&marks);
	marks_release(&copy);
}

/* Three uses across the moment at which 32 bits of milliseconds wrap, and a
 * growth in between. */
static void what_was_used_is_forgotten_when_its_time_is_up(void **state)
{
	struct recent recent = {.uses = NULL};
	int64_t t = INT64_C(0x1fffffff0);
	struct err err;

	(void)state;
	assert_done(recent_grow(&recent, 64, &err), &err);
	recent_add(&recent, 7, t);
	recent_add(&recent, 8, t + 10);
	assert_done(recent_grow(&recent, 500, &err), &err);
	recent_add(&recent, 400, t + 50);
	recent_expire(&recent, t + 99, 100);
	assert_int_equal(recent.count, 3);
	assert_int_equal(recent_left_ms(&recent, t + 99, 100), 1);
	recent_expire(&recent, t + 100, 100);
	assert_false(marks_has(&recent.marks, 7));
	assert_true(marks_has(&recent.marks, 8));
	assert_int_equal(recent_left_ms(&recent, t + 100, 100), 10);
	recent_expire(&recent, t + 149, 100);
	assert_int_equal(recent.count, 1);
	assert_true(marks_has(&recent.marks, 400));
	recent_release(&recent);
}

static void
the_ring_of_uses_takes_every_number_once_and_goes_round(void **state)
{
	struct recent recent = {.uses = NULL};
	struct err err;
	int64_t t = 0;

	(void)state;
	assert_done(recent_grow(&recent, 64, &err), &err);
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < recent.marks.capacity; i++)
			recent_add(&recent, i, t++);
		assert_int_equal(recent.count, recent.marks.capacity);
		t += 1000;
		recent_expire(&recent, t, 1000);
		assert_int_equal(recent.count, 0);
		recent_add(&recent, 5, t);
		t += 1000;
		recent_expire(&recent, t, 1000);
	}
	assert_int_equal(recent.marks.count, 0);
	recent_release(&recent);
}

/* Items find their chunk after splits at the front, in the middle and at the
 * end; numbers stay with the items in front. */
static void a_split_leaves_each_item_in_one_chunk(void **state)
{
	struct chunks chunks;
	struct err err;
	uint32_t index;
	uint32_t wait;

	(void)state;
	assert_done(chunks_open(&chunks, 1, &err), &err);
	assert_done(chunks_split(&chunks, 0, 100, &err), &err); /* 1 | 100 */
	assert_done(chunks_split(&chunks, 1, 200, &err), &err);
	assert_done(chunks_split(&chunks, 0, 50, &err), &err);
	assert_int_equal(chunks.count, 4);
	assert_int_equal(chunks.at[0].number, 0);
	assert_int_equal(chunks.at[1].number, 3); /* 50 */
	assert_int_equal(chunks.at[2].number, 1); /* 100 */
	assert_int_equal(chunks.at[3].number, 2); /* 200 */
	while (chunks_next(&chunks, 5, 1000, &index, &wait))
		chunks_published(&chunks, index, 5);
	assert_int_equal(chunks.dirty, 0);
	assert_true(wait == UINT32_MAX);
	chunks_mark(&chunks, 99);
	assert_true(chunks.at[1].is_dirty);
	chunks_mark(&chunks, 100);
	assert_true(chunks.at[2].is_dirty);
	chunks_mark(&chunks, 1);
	assert_true(chunks.at[0].is_dirty);
	assert_int_equal(chunks.dirty, 3);
	assert_false(chunks_next(&chunks, 1004, 1000, &index, &wait));
	assert_int_equal(wait, 1);
	assert_true(chunks_next(&chunks, 1005, 1000, &index, &wait));
	chunks_release(&chunks);
}

static void what_was_dirty_at_the_sweep_is_pending_even_when_split(void **state)
{
	struct chunks chunks;
	struct err err;

	(void)state;
	assert_done(chunks_open(&chunks, 8, &err), &err);
	chunks_sweep(&chunks);
	assert_int_equal(chunks.pending, 1);
	assert_done(chunks_split(&chunks, 0, 10, &err), &err);
	assert_int_equal(chunks.pending, 2);
	chunks_published(&chunks, 0, 0);
	chunks_mark(&chunks, 1);
	assert_int_equal(chunks.pending, 1);
	chunks_published(&chunks, 1, 0);
	assert_int_equal(chunks.pending, 0);
	assert_int_equal(chunks.dirty, 1);
	chunks_release(&chunks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_mark_is_found_wherever_it_is),
		cmocka_unit_test(a_set_that_grows_keeps_what_is_in_it),
		cmocka_unit_test(
			what_was_used_is_forgotten_when_its_time_is_up),
		cmocka_unit_test(
			the_ring_of_uses_takes_every_number_once_and_goes_round),
		cmocka_unit_test(a_split_leaves_each_item_in_one_chunk),
		cmocka_unit_test(
			what_was_dirty_at_the_sweep_is_pending_even_when_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
