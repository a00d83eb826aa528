/*
 * The clock gives moments that a stamp can hold, and trusts them only when it
 * was set.
 */
#include "tests/support/check.h"

#include "gateway/edge/clock.h"

struct fake {
	int64_t wall_ms;
	int64_t monotonic_ns;
	int64_t boot_ns;
	bool is_synchronised;
};

static int64_t fake_wall(void *context)
{
	return ((const struct fake *)context)->wall_ms;
}

static int64_t fake_monotonic(void *context)
{
	return ((const struct fake *)context)->monotonic_ns;
}

static int64_t fake_boot(void *context)
{
	return ((const struct fake *)context)->boot_ns;
}

static bool fake_synchronised(void *context)
{
	return ((const struct fake *)context)->is_synchronised;
}

static const struct clock_port fake_port = {
	.wall_ms = fake_wall,
	.monotonic_ns = fake_monotonic,
	.boot_ns = fake_boot,
	.is_synchronised = fake_synchronised,
};

static void trust_comes_with_synchronisation_and_stays(void **state)
{
	struct fake fake = {.wall_ms = CLOCK_TRUSTED_FROM_MS + 5};
	struct clock clock;

	(void)state;
	clock_init(&clock, &fake_port, &fake);
	assert_false(clock_now(&clock).is_trusted);
	assert_true(clock_now(&clock).moment.ms == CLOCK_TRUSTED_FROM_MS + 5);

	fake.is_synchronised = true;
	assert_false(clock_now(&clock).is_trusted); /* nobody asked yet */
	assert_true(clock_refresh(&clock));
	assert_true(clock_now(&clock).is_trusted);

	fake.is_synchronised = false; /* the time server went away */
	assert_false(clock_refresh(&clock));
	assert_true(clock_now(&clock).is_trusted);
}

static void a_year_before_2024_or_beyond_the_stamp_is_not_trusted(void **state)
{
	static const struct {
		int64_t wall;
		int64_t moment;
		bool is_trusted;
	} cases[] = {
		{CLOCK_TRUSTED_FROM_MS, CLOCK_TRUSTED_FROM_MS, true},
		{CLOCK_TRUSTED_FROM_MS - 1, CLOCK_TRUSTED_FROM_MS - 1, false},
		{0, 0, false},
		{-1, 0, false},
		{INT64_MIN, 0, false},
		{MOMENT_MS_MAX, MOMENT_MS_MAX, true},
		{MOMENT_MS_MAX + 1, MOMENT_MS_MAX, false},
		{INT64_MAX, MOMENT_MS_MAX, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fake fake = {.wall_ms = cases[i].wall,
				    .is_synchronised = true};
		struct clock clock;
		struct clock_reading reading;

		clock_init(&clock, &fake_port, &fake);
		reading = clock_now(&clock);
		assert_true(reading.moment.ms == cases[i].moment);
		assert_int_equal(reading.is_trusted, cases[i].is_trusted);
	}
}

/* Method: 1,000 readings of the real clocks; whether this machine's clock is
 * synchronised is its own affair. */
static void the_machines_clocks_do_not_go_back(void **state)
{
	struct clock clock;
	int64_t last_ns = 0;
	int64_t last_boot = 0;

	(void)state;
	clock_init(&clock, NULL, NULL);
	for (int i = 0; i < 1000; i++) {
		int64_t ns = clock_monotonic_ns(&clock);
		int64_t boot = clock_boot_ms(&clock);

		assert_true(ns >= last_ns);
		assert_true(boot >= last_boot);
		last_ns = ns;
		last_boot = boot;
	}
	assert_true(last_ns > 0);
	assert_true(clock_monotonic_ms(&clock) >= last_ns / 1000000);
	assert_true(clock_now(&clock).moment.ms > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trust_comes_with_synchronisation_and_stays),
		cmocka_unit_test(
			a_year_before_2024_or_beyond_the_stamp_is_not_trusted),
		cmocka_unit_test(the_machines_clocks_do_not_go_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
