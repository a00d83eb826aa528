/*
 * on_hand = available + reserved + allocated + on_hold + quarantine + damaged
 */
#include "tests/support/check.h"

#include "rules/ledger/tally.h"

static struct qty units(int64_t number)
{
	return (struct qty){number};
}

static void each_cell_counts_where_its_condition_and_bin_say(void **state)
{
	struct tally tally = {.on_hand = {0}};

	(void)state;
	assert_true(tally_add(&tally, false, CONDITION_GOOD, units(100)));
	assert_true(tally_add(&tally, true, CONDITION_GOOD, units(20)));
	assert_true(tally_add(&tally, false, CONDITION_ON_HOLD, units(3)));
	assert_true(tally_add(&tally, true, CONDITION_ON_HOLD, units(4)));
	assert_true(tally_add(&tally, false, CONDITION_QUARANTINE, units(5)));
	assert_true(tally_add(&tally, true, CONDITION_DAMAGED, units(6)));
	assert_int_equal(tally.on_hand.units, 138);
	assert_int_equal(tally.available.units, 100);
	assert_int_equal(tally.allocated.units, 20);
	assert_int_equal(tally.on_hold.units, 7);
	assert_int_equal(tally.quarantine.units, 5);
	assert_int_equal(tally.damaged.units, 6);
	assert_int_equal(tally.reserved.units, 0);
	assert_true(tally_is_sound(&tally));
}

static void
what_is_reserved_comes_out_of_available_and_never_beyond(void **state)
{
	struct tally tally = {.on_hand = {0}};

	(void)state;
	assert_true(tally_add(&tally, false, CONDITION_GOOD, units(10)));
	assert_int_equal(tally_reserve(&tally, units(4)).units, 4);
	assert_int_equal(tally.available.units, 6);
	assert_int_equal(tally_reserve(&tally, units(9)).units, 6);
	assert_int_equal(tally.available.units, 0);
	assert_int_equal(tally.reserved.units, 10);
	assert_int_equal(tally_reserve(&tally, units(1)).units, 0);
	assert_true(tally_is_sound(&tally));
}

/* Method: 20,000 random cells and reservations; the sum is kept beside. */
static void the_identity_holds_whatever_is_added_and_reserved(void **state)
{
	uint64_t seed = test_seed(1);
	struct tally tally = {.on_hand = {0}};
	int64_t sum = 0;
	size_t steps = 0;

	(void)state;
	for (; steps < 20000; steps++) {
		enum condition condition = (enum condition)(
			CONDITION_GOOD + test_random(&seed) % CONDITION_MAX);
		int64_t number = (int64_t)(test_random(&seed) % 1000);

		if (test_random(&seed) % 4 == 0) {
			(void)tally_reserve(&tally, units(number));
		} else {
			assert_true(tally_add(&tally,
					      test_random(&seed) % 2 == 0,
					      condition, units(number)));
			sum += number;
		}
		assert_true(tally_is_sound(&tally));
		assert_int_equal(tally.on_hand.units, sum);
	}
	assert_int_equal(steps, 20000);
}

static void a_sum_beyond_64_bits_is_refused(void **state)
{
	struct tally tally = {.on_hand = {0}};

	(void)state;
	assert_true(tally_add(&tally, false, CONDITION_GOOD, units(INT64_MAX)));
	assert_false(tally_add(&tally, false, CONDITION_GOOD, units(1)));
	assert_false(tally_add(&tally, false, CONDITION_DAMAGED, units(1)));
}

static void
a_tally_with_a_unit_too_many_or_a_negative_is_not_sound(void **state)
{
	struct tally tally = {.on_hand = {3}, .available = {2}, .damaged = {1}};
	struct tally negative = {
		.on_hand = {0}, .available = {-1}, .on_hold = {1}};
	struct tally wide = {.on_hand = {-2},
			     .available = {INT64_MAX},
			     .damaged = {INT64_MAX}};

	(void)state;
	assert_true(tally_is_sound(&tally));
	tally.on_hold.units++;
	assert_false(tally_is_sound(&tally));
	assert_false(tally_is_sound(&negative));
	assert_false(tally_is_sound(&wide));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			each_cell_counts_where_its_condition_and_bin_say),
		cmocka_unit_test(
			what_is_reserved_comes_out_of_available_and_never_beyond),
		cmocka_unit_test(
			the_identity_holds_whatever_is_added_and_reserved),
		cmocka_unit_test(a_sum_beyond_64_bits_is_refused),
		cmocka_unit_test(
			a_tally_with_a_unit_too_many_or_a_negative_is_not_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
