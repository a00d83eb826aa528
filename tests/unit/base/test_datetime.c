/*
 * Dates and moments agree with a calendar that is walked day by day, their
 * text reads back, and text that means nothing is refused.
 */
#include "tests/support/check.h"

#include "rules/base/datetime.h"

#define DAYS_OF_9999_YEARS 3652059

static const uint8_t month_days[] = {31, 28, 31, 30, 31, 30,
				     31, 31, 30, 31, 30, 31};

/* The oracle: the next day by the rule that children learn. */
static struct date day_after(struct date date)
{
	bool is_leap = date.year % 4 == 0 &&
		       (date.year % 100 != 0 || date.year % 400 == 0);
	unsigned days = month_days[date.month - 1];

	if (date.month == 2 && is_leap)
		days++;
	if (date.day < days)
		return (struct date){date.year, date.month,
				     (uint8_t)(date.day + 1)};
	if (date.month < 12)
		return (struct date){date.year, (uint8_t)(date.month + 1), 1};
	return (struct date){(uint16_t)(date.year + 1), 1, 1};
}

static void assert_same_date(struct date a, struct date b)
{
	assert_int_equal(a.year, b.year);
	assert_int_equal(a.month, b.month);
	assert_int_equal(a.day, b.day);
}

/* Method: all 3,652,059 days, in order, against day_after(). */
static void every_day_of_9999_years_has_its_own_number(void **state)
{
	struct date date = {1, 1, 1};
	int32_t days = -719162;
	size_t count = 0;

	(void)state;
	while (date.year <= 9999) {
		struct date back = {0};

		assert_true(date_is_valid(date));
		assert_int_equal(date_to_days(date), days);
		assert_true(date_from_days(days, &back));
		assert_same_date(back, date);
		assert_true(date_from_number(date_to_number(date), &back));
		assert_same_date(back, date);
		date = day_after(date);
		days++;
		count++;
	}
	assert_int_equal(count, DAYS_OF_9999_YEARS);
}

/* Method: every number from 0 to 99,999,999 is a date or is refused, and as
 * many are dates as there are days. */
static void a_number_is_a_date_only_if_the_day_exists(void **state)
{
	struct date date;
	size_t count = 0;

	(void)state;
	for (uint32_t number = 0; number <= 99999999; number++)
		count += date_from_number(number, &date);
	assert_int_equal(count, DAYS_OF_9999_YEARS);
	assert_false(date_from_number(100000101, &date));
	assert_false(date_from_number(UINT32_MAX, &date));
	assert_false(date_is_valid((struct date){0}));
	assert_false(date_from_days(-719163, &date));
	assert_false(date_from_days(2932897, &date));
	assert_false(date_from_days(INT32_MIN, &date));
	assert_false(date_from_days(INT32_MAX, &date));
}

static void february_is_as_long_as_gregory_made_it(void **state)
{
	(void)state;
	assert_int_equal(date_month_days(1900, 2), 28);
	assert_int_equal(date_month_days(2000, 2), 29);
	assert_int_equal(date_month_days(2026, 2), 28);
	assert_int_equal(date_month_days(2028, 2), 29);
	assert_int_equal(date_month_days(2026, 12), 31);
}

static void a_date_is_read_in_one_form_only(void **state)
{
	static const char *const wrong[] = {"",
					    "2026",
					    "2026-11",
					    "2026-11-2",
					    "2026-11-31",
					    "2026-02-29",
					    "2026-00-10",
					    "2026-13-10",
					    "2026-11-00",
					    "0000-01-01",
					    "20261122",
					    "2026/11/22",
					    " 2026-11-22",
					    "2026-11-22 ",
					    "2026-11-22T",
					    "26-11-22",
					    "-026-11-22",
					    "2026-1a-22"};
	struct date date = {1, 2, 3};
	char text[DATE_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (date_parse(span_of(wrong[i]), &date))
			fail_msg("taken for a date: \"%s\"", wrong[i]);
	assert_same_date(date, (struct date){1, 2, 3});
	assert_true(date_parse(span_of("2028-02-29"), &date));
	assert_same_date(date, (struct date){2028, 2, 29});
	date_print((struct date){45, 1, 2}, text);
	assert_string_equal(text, "0045-01-02");
}

/* Expected milliseconds come from `date -u -d TEXT +%s%3N` (GNU date). */
static const struct {
	const char *text;
	int64_t ms;
} moments[] = {
	{"1970-01-01T00:00:00Z", 0},
	{"2026-11-22T10:00:00Z", 1795341600000},
	{"2026-11-22t10:00:00z", 1795341600000},
	{"2026-11-22T18:00:00+08:00", 1795341600000},
	{"2026-11-22T18:00:00+0800", 1795341600000},
	{"2026-11-22T04:30:00-05:30", 1795341600000},
	{"2026-11-22T10:00:00-00:00", 1795341600000},
	{"2026-11-22T10:00:00.1Z", 1795341600100},
	{"2026-11-22T10:00:00.12Z", 1795341600120},
	{"2026-11-22T10:00:00.123Z", 1795341600123},
	{"2026-11-22T10:00:00.123999999+00:00", 1795341600123},
	{"2000-02-29T23:59:59Z", 951868799000},
	{"2038-01-19T03:14:08Z", 2147483648000},
	{"9999-12-31T23:59:59.999Z", MOMENT_TEXT_MS_MAX},
	/* Leap seconds, real ones in UTC and in Shanghai's time. */
	{"2016-12-31T23:59:60Z", 1483228800000},
	{"2017-01-01T07:59:60.5+08:00", 1483228800500},
};

static void a_moment_is_read_in_every_form_of_rfc_3339(void **state)
{
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
		struct moment moment = {-1};

		if (!moment_parse(span_of(moments[i].text), &moment))
			fail_msg("refused: %s", moments[i].text);
		assert_int_equal(moment.ms, moments[i].ms);
		count++;
	}
	assert_int_equal(count, 16);
}

static void a_text_that_is_no_moment_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"2026-11-22",
		"2026-11-22T10:00:00", /* no offset: nobody knows when */
		"2026-11-22 10:00:00Z",
		"2026-11-22T10:00Z",
		"2026-11-22T10:00:00.Z",
		"2026-11-22T10:00:00.1234567890Z",
		"2026-11-22T10:00:00,5Z",
		"2026-11-22T24:00:00Z",
		"2026-11-22T10:60:00Z",
		"2026-11-22T10:00:61Z",
		"2026-11-22T10:00:60Z", /* not the end of a day */
		"2016-12-31T23:59:60+01:00",
		"2026-02-30T10:00:00Z",
		"2026-11-22T10:00:00+24:00",
		"2026-11-22T10:00:00+08:60",
		"2026-11-22T10:00:00+08",
		"2026-11-22T10:00:00+8:00",
		"2026-11-22T10:00:00Z ",
		" 2026-11-22T10:00:00Z",
		"2026-11-22T10:00:00ZZ",
		"2026-11-22T10:00:00 Z",
		"2026-11-22T1:00:00Z",
		"1969-12-31T23:59:59Z",
		"1970-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59-00:01",
		"1795341600",
	};
	struct moment moment = {-7};
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		if (moment_parse(span_of(wrong[i]), &moment))
			fail_msg("taken for a moment: \"%s\"", wrong[i]);
		count++;
	}
	assert_int_equal(count, 27);
	assert_int_equal(moment.ms, -7);
}

/* Method: 200,000 random moments, and both ends. */
static void what_is_printed_reads_back(void **state)
{
	uint64_t seed = test_seed(20261122);
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < 200000; i++) {
		struct moment moment = {
			(int64_t)(test_random(&seed) %
				  ((uint64_t)MOMENT_TEXT_MS_MAX + 1))};
		struct moment back = {-1};
		char text[MOMENT_TEXT_SIZE];

		if (i % 4 == 0)
			moment.ms -= moment.ms % 1000;
		assert_true(moment_print(moment, text));
		assert_int_equal(strlen(text), moment.ms % 1000 ? 24 : 20);
		assert_true(moment_parse(span_of(text), &back));
		assert_int_equal(back.ms, moment.ms);
		assert_int_equal(moment_of_date(moment_date(moment)).ms,
				 moment.ms - moment.ms % DAY_MS);
		count++;
	}
	assert_int_equal(count, 200000);
}

static void a_moment_that_has_no_text_prints_none(void **state)
{
	char text[MOMENT_TEXT_SIZE] = "x";

	(void)state;
	assert_false(moment_print((struct moment){-1}, text));
	assert_string_equal(text, "");
	assert_false(
		moment_print((struct moment){MOMENT_TEXT_MS_MAX + 1}, text));
	assert_false(moment_print((struct moment){MOMENT_MS_MAX}, text));
	assert_false(moment_print((struct moment){INT64_MAX}, text));
	assert_true(moment_print((struct moment){MOMENT_TEXT_MS_MAX}, text));
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	assert_true(moment_print((struct moment){0}, text));
	assert_string_equal(text, "1970-01-01T00:00:00Z");
}

/*
 * Method: 200,000 random changes of one to three bytes in a valid text, in a
 * buffer of exactly its size, so that a sanitizer sees a step beyond it. What
 * is still taken must print and read back as the same moment.
 */
static void a_changed_text_is_refused_or_means_one_moment(void **state)
{
	uint64_t seed = test_seed(7);
	size_t taken = 0;
	size_t refused = 0;

	(void)state;
	for (size_t i = 0; i < 200000; i++) {
		struct span from = span_of(
			moments[test_random(&seed) % ARRAY_LEN(moments)].text);
		size_t size = from.size - test_random(&seed) % 3;
		char *text = malloc(size);
		char printed[MOMENT_TEXT_SIZE];
		struct moment moment;
		struct moment back;

		assert_non_null(text);
		memcpy(text, from.data, size);
		for (uint64_t n = test_random(&seed) % 3; n > 0; n--)
			text[test_random(&seed) % size] =
				"0123456789TZ:+-. "[test_random(&seed) % 17];
		if (moment_parse((struct span){text, size}, &moment)) {
			assert_true(moment_print(moment, printed));
			assert_true(moment_parse(span_of(printed), &back));
			assert_int_equal(back.ms, moment.ms);
			taken++;
		} else {
			refused++;
		}
		free(text);
	}
	assert_true(taken > 1000);
	assert_true(refused > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_day_of_9999_years_has_its_own_number),
		cmocka_unit_test(a_number_is_a_date_only_if_the_day_exists),
		cmocka_unit_test(february_is_as_long_as_gregory_made_it),
		cmocka_unit_test(a_date_is_read_in_one_form_only),
		cmocka_unit_test(a_moment_is_read_in_every_form_of_rfc_3339),
		cmocka_unit_test(a_text_that_is_no_moment_is_refused),
		cmocka_unit_test(what_is_printed_reads_back),
		cmocka_unit_test(a_moment_that_has_no_text_prints_none),
		cmocka_unit_test(a_changed_text_is_refused_or_means_one_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
