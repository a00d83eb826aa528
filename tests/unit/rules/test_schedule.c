/*
 * When checks are due: at changes of the clocks, at the ends of months, at the
 * ends of time. The oracle is Python's zoneinfo, whose answers, and the zone
 * files that it read, lie in tests/golden/zone (generate.py wrote them).
 */
#include "tests/support/check.h"

#include <inttypes.h>

#include "rules/check/schedule.h"

#define VECTORS DEPOT_GOLDEN "/zone/vectors.tsv"

static void zone_load(const char *name, struct zone *zone)
{
	static char bytes[ZONE_FILE_SIZE_MAX];
	char path[256];
	FILE *file;
	size_t size;

	assert_true(text_format(path, sizeof(path),
				DEPOT_GOLDEN "/zone/%s.tzif", name));
	file = fopen(path, "rb");
	assert_non_null(file);
	size = fread(bytes, 1, sizeof(bytes), file);
	(void)fclose(file);
	assert_code(zone_parse((struct span){bytes, size}, zone), ERR_OK);
}

static struct schedule schedule_make(const char *times, uint32_t weekdays,
				     uint32_t every_h)
{
	struct check check = {.kind = CHECK_OTHER,
			      .weekdays = (uint8_t)weekdays,
			      .every_h = (uint8_t)every_h};
	struct schedule schedule;

	assert_true(ref_set(&check.times, span_of(times)));
	assert_true(schedule_of(&check, &schedule));
	return schedule;
}

/* ---- against the oracle ---- */

struct vector {
	char kind[16];
	char zone[32];
	int64_t at;
	char times[80];
	uint32_t minute;
	uint32_t weekdays;
	uint32_t every_h;
	int64_t expected;
};

static int64_t field_number(const char *text)
{
	int64_t number;

	assert_int_equal(sscanf(text, "%" SCNd64, &number), 1);
	return number;
}

static bool vector_read(FILE *file, struct vector *vector)
{
	char line[256];
	char *fields[8] = {line};
	size_t count = 1;

	if (fgets(line, sizeof(line), file) == NULL)
		return false;
	line[strcspn(line, "\n")] = '\0';
	for (char *at = line; *at != '\0'; at++) {
		if (*at != '\t')
			continue;
		*at = '\0';
		assert_in_range(count, 1, ARRAY_LEN(fields) - 1);
		fields[count++] = at + 1;
	}
	*vector = (struct vector){.at = field_number(fields[2]),
				  .expected = field_number(fields[count - 1])};
	assert_true(text_format(vector->kind, sizeof(vector->kind), "%s",
				fields[0]));
	assert_true(text_format(vector->zone, sizeof(vector->zone), "%s",
				fields[1]));
	if (strcmp(vector->kind, "wall") == 0)
		vector->minute = (uint32_t)field_number(fields[3]);
	if (strcmp(vector->kind, "due") == 0) {
		assert_int_equal(count, 7);
		assert_true(text_format(
			vector->times, sizeof(vector->times), "%s",
			strcmp(fields[3], "-") == 0 ? "" : fields[3]));
		vector->weekdays = (uint32_t)field_number(fields[4]);
		vector->every_h = (uint32_t)field_number(fields[5]);
	}
	return true;
}

static int64_t vector_answer(const struct vector *vector,
			     const struct zone *zone)
{
	struct moment at = {vector->at * 1000};
	struct schedule schedule;
	struct moment due;

	if (strcmp(vector->kind, "offset") == 0)
		return zone_offset(zone, at);
	if (strcmp(vector->kind, "wall") == 0)
		return zone_moment(zone, (int32_t)vector->at, vector->minute)
			       .ms /
		       1000;
	schedule =
		schedule_make(vector->times, vector->weekdays, vector->every_h);
	assert_true(schedule_next(&schedule, zone, at, &due));
	return due.ms / 1000;
}

static void offsets_times_and_due_times_are_those_of_the_oracle(void **state)
{
	static struct zone zone;
	FILE *file = fopen(VECTORS, "r");
	char loaded[32] = "";
	struct vector vector;
	size_t zones = 0;
	size_t count = 0;

	(void)state;
	assert_non_null(file);
	while (vector_read(file, &vector)) {
		int64_t answer;

		if (strcmp(vector.zone, loaded) != 0) {
			zone_load(vector.zone, &zone);
			assert_true(text_format(loaded, sizeof(loaded), "%s",
						vector.zone));
			zones++;
		}
		answer = vector_answer(&vector, &zone);
		if (answer != vector.expected)
			fail_msg("line %zu, %s in %s at %" PRId64 ": %" PRId64
				 ", the oracle says %" PRId64,
				 count + 1, vector.kind, vector.zone, vector.at,
				 answer, vector.expected);
		count++;
	}
	(void)fclose(file);
	printf("%zu answers, %zu zones\n", count, zones);
	assert_int_equal(zones, 11);
	assert_true(count > 2000);
}

/* ---- by hand ---- */

/* 2026-03-29 has 23 hours in Berlin, 2026-10-25 has 25. */
static void a_day_of_every_hour_has_as_many_checks_as_hours(void **state)
{
	static const struct {
		uint16_t year;
		uint8_t month, day;
		uint32_t every_h;
		uint32_t count;
	} days[] = {
		{2026, 3, 28, 1, 24},
		{2026, 3, 29, 1, 23},
		{2026, 10, 25, 1, 25},
		{2026, 3, 29, 12, 2},
		/* The 24th hour comes an hour before the next midnight. */
		{2026, 10, 25, 12, 2},
		{2026, 10, 25, 8, 3},
		{2026, 10, 25, 2, 13},
		{2026, 3, 29, 4, 6},
	};
	static struct zone zone;

	(void)state;
	zone_load("berlin", &zone);
	for (size_t i = 0; i < ARRAY_LEN(days); i++) {
		struct schedule schedule =
			schedule_make("", 0, days[i].every_h);
		struct date date = {days[i].year, days[i].month, days[i].day};
		int32_t number = date_to_days(date);
		struct moment from = zone_moment(&zone, number, 0);
		struct moment upto = zone_moment(&zone, number + 1, 0);
		struct schedule_passed passed;

		from.ms--;
		upto.ms--;
		passed = schedule_passed(&schedule, &zone, from, upto);
		if (passed.count != days[i].count)
			fail_msg("day %zu: %u due times", i, passed.count);
	}
}

/* 02:00 and 03:00 are one moment when the clocks skip that hour. */
static void a_skipped_time_comes_once_and_a_repeated_one_too(void **state)
{
	static struct zone zone;
	struct schedule schedule = schedule_make("02:00 02:30 03:00", 0, 0);
	struct date spring = {2026, 3, 29};
	struct date autumn = {2026, 10, 25};
	struct moment after;
	struct moment due;

	(void)state;
	zone_load("berlin", &zone);
	after = zone_moment(&zone, date_to_days(spring), 0);
	assert_int_equal(schedule_passed(&schedule, &zone, after,
					 (struct moment){after.ms + DAY_MS / 2})
				 .count,
			 2);
	assert_true(schedule_next(&schedule, &zone, after, &due));
	assert_int_equal(due.ms, after.ms + 2 * 3600 * 1000);
	after = zone_moment(&zone, date_to_days(autumn), 0);
	assert_int_equal(schedule_passed(&schedule, &zone, after,
					 (struct moment){after.ms + DAY_MS / 2})
				 .count,
			 3);
}

/* Method: due times counted one by one and at once agree, from random moments
 * on, for random schedules, in every zone. */
static void what_passed_is_what_came_one_after_the_other(void **state)
{
	static const char *const zones[] = {"berlin", "apia", "lord-howe",
					    "casablanca", "sao-paulo"};
	static struct zone zone;
	uint64_t seed = test_seed(20261122);
	size_t tried = 0;

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		struct schedule schedule =
			i % 2 == 0 ? schedule_make("00:00 02:30 23:59",
						   1 + (uint32_t)(i % 127), 0)
				   : schedule_make("", 1 + (uint32_t)(i % 127),
						   i % 3 == 0 ? 1 : 6);
		int64_t from =
			(int64_t)(test_random(&seed) % UINT64_C(9000000000000));
		struct moment upto = {from + 40 * DAY_MS};
		struct moment at = {from};
		struct schedule_passed passed;
		uint32_t count = 0;
		struct moment due;

		if (i % 40 == 0)
			zone_load(zones[i / 40], &zone);
		passed = schedule_passed(&schedule, &zone, at, upto);
		while (schedule_next(&schedule, &zone, at, &due) &&
		       due.ms <= upto.ms) {
			assert_true(due.ms > at.ms);
			at = due;
			count++;
		}
		assert_int_equal(passed.count, count);
		assert_int_equal(passed.last.ms, count == 0 ? 0 : at.ms);
		tried += count;
	}
	printf("%zu due times\n", tried);
	assert_true(tried > 5000);
}

static void after_a_stop_of_decades_no_more_than_a_year_is_counted(void **state)
{
	static struct zone zone;
	struct schedule schedule = schedule_make("", 0, 1);
	struct moment after = {0};
	struct moment upto = {INT64_C(2000000000000)};
	struct schedule_passed passed;

	(void)state;
	zone_utc(&zone);
	passed = schedule_passed(&schedule, &zone, after, upto);
	assert_int_equal(passed.count, SCHEDULE_LOOK_DAYS * 24);
	assert_true(passed.last.ms <= upto.ms &&
		    passed.last.ms > upto.ms - 3600 * 1000);
}

static void the_calendar_ends_without_a_due_time(void **state)
{
	static struct zone zone;
	struct schedule schedule = schedule_make("08:00", 0, 0);
	struct moment end = {MOMENT_TEXT_MS_MAX};
	struct moment due;

	(void)state;
	zone_load("berlin", &zone);
	assert_false(schedule_next(&schedule, &zone, end, &due));
	assert_false(schedule_next(&schedule, &zone,
				   (struct moment){MOMENT_MS_MAX}, &due));
	end.ms = INT64_C(253300000000000); /* in 9996 */
	assert_true(schedule_next(&schedule, &zone, end, &due));
}

/* ---- what is no schedule, and what is no zone ---- */

static void times_have_one_form(void **state)
{
	static const char *const bad[] = {
		"",
		"8:00",
		"08:00 ",
		" 08:00",
		"24:00",
		"08:60",
		"08-00",
		"08:00,20:00",
		"0800",
		"08:00 07:00",
		"08:00 08:00",
		"08:00  20:00",
		"ab:cd",
		"08:0\xef",
		"08:00 20:00 2",
		("00:00 01:00 02:00 03:00 04:00 05:00 06:00 07:00 08:00 09:00 "
		 "10:00"),
	};
	struct schedule schedule;
	size_t refused = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refused += !schedule_times(span_of(bad[i]), &schedule);
	assert_int_equal(refused, ARRAY_LEN(bad));
	assert_true(schedule_times(span_of("00:00 08:15 23:59"), &schedule));
	assert_int_equal(schedule.count, 3);
	assert_int_equal(schedule.minutes[1], 495);
	refused = 0;
	for (uint32_t hours = 0; hours < 30; hours++)
		refused += !schedule_hours_are_valid(hours);
	assert_int_equal(refused, 30 - 7);
}

static void a_check_with_no_or_two_schedules_is_never_due(void **state)
{
	struct check check = {.kind = CHECK_FIRE};
	struct schedule schedule;

	(void)state;
	assert_false(schedule_of(&check, &schedule));
	check.every_h = 4;
	assert_true(schedule_of(&check, &schedule));
	assert_int_equal(schedule_period_ms(&schedule), 4 * 3600 * 1000);
	assert_true(ref_set(&check.times, span_of("08:00 20:00")));
	assert_false(schedule_of(&check, &schedule));
	check.every_h = 0;
	assert_true(schedule_of(&check, &schedule));
	assert_int_equal(schedule_period_ms(&schedule), DAY_MS / 2);
	check.weekdays = 0x80;
	assert_false(schedule_of(&check, &schedule));
}

/* Method: every truncation, and each byte changed in 16 ways: whatever is
 * taken can be asked, and a truncated one is refused. */
static void a_damaged_zone_file_is_refused_or_harmless(void **state)
{
	static char bytes[ZONE_FILE_SIZE_MAX];
	static struct zone zone;
	FILE *file = fopen(DEPOT_GOLDEN "/zone/casablanca.tzif", "rb");
	struct moment moment = {INT64_C(1795341600000)};
	size_t refused = 0;
	size_t taken = 0;
	size_t size;

	(void)state;
	assert_non_null(file);
	size = fread(bytes, 1, sizeof(bytes), file);
	(void)fclose(file);
	assert_true(size > 1000);
	for (size_t i = 0; i < size; i++)
		assert_code(zone_parse((struct span){bytes, i}, &zone),
			    ERR_CORRUPT);
	for (size_t i = 0; i < size * 16; i++) {
		char *at = &bytes[i / 16];
		char before = *at;

		*at = (char)(before ^
			     (char)(1 << i % 8 | (i % 16 < 8 ? 0 : 1)));
		if (zone_parse((struct span){bytes, size}, &zone) == ERR_OK) {
			(void)zone_offset(&zone, moment);
			(void)zone_moment(&zone, zone_days(&zone, moment), 480);
			taken++;
		} else {
			refused++;
		}
		*at = before;
	}
	printf("%zu taken, %zu refused\n", taken, refused);
	assert_true(taken > 0 && refused > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			offsets_times_and_due_times_are_those_of_the_oracle),
		cmocka_unit_test(
			a_day_of_every_hour_has_as_many_checks_as_hours),
		cmocka_unit_test(
			a_skipped_time_comes_once_and_a_repeated_one_too),
		cmocka_unit_test(what_passed_is_what_came_one_after_the_other),
		cmocka_unit_test(
			after_a_stop_of_decades_no_more_than_a_year_is_counted),
		cmocka_unit_test(the_calendar_ends_without_a_due_time),
		cmocka_unit_test(times_have_one_form),
		cmocka_unit_test(a_check_with_no_or_two_schedules_is_never_due),
		cmocka_unit_test(a_damaged_zone_file_is_refused_or_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
