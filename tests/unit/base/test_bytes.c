/*
 * What is written reads back; what is damaged or longer than it should be is
 * a failed read, never a wrong number.
 */
#include "tests/support/check.h"

#include "rules/base/bytes.h"
#include "rules/base/stamp.h"

static const uint64_t edges[] = {0,          1,         0x7f,
				 0x80,       0x3fff,    0x4000,
				 UINT32_MAX, INT64_MAX, UINT64_MAX - 1,
				 UINT64_MAX};

/* Method: every edge, and 100,000 random numbers of every bit length. */
static void varints_read_back_what_was_written(void **state)
{
	uint64_t seed = test_seed(1);
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < 100000; i++) {
		uint64_t value = i < ARRAY_LEN(edges)
					 ? edges[i]
					 : test_random(&seed) >> (i % 64);
		uint8_t buffer[32];
		struct writer writer;
		struct reader reader;

		writer_init(&writer, buffer, sizeof(buffer));
		write_varint(&writer, value);
		write_signed(&writer, (int64_t)value);
		assert_true(writer_ok(&writer));
		reader_init(&reader, buffer, writer.size);
		assert_true(read_varint(&reader) == value);
		assert_true(read_signed(&reader) == (int64_t)value);
		assert_true(reader_done(&reader));
		count++;
	}
	assert_int_equal(count, 100000);
}

static void a_varint_in_a_longer_form_is_refused(void **state)
{
	static const struct {
		uint8_t bytes[11];
		size_t size;
	} forms[] = {
		{{0x80, 0x00}, 2},
		{{0xff, 0x80, 0x00}, 3},
		{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02},
		 10},
		{{0x80}, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct reader reader;

		reader_init(&reader, forms[i].bytes, forms[i].size);
		assert_int_equal(read_varint(&reader), 0);
		assert_false(reader_ok(&reader));
	}
}

static void fixed_numbers_sort_as_bytes_do(void **state)
{
	uint8_t low[8];
	uint8_t high[8];
	struct writer writer;

	(void)state;
	writer_init(&writer, low, sizeof(low));
	write_u64(&writer, 255);
	writer_init(&writer, high, sizeof(high));
	write_u64(&writer, 256);
	assert_true(memcmp(low, high, sizeof(low)) < 0);
}

static void a_full_writer_stays_failed_and_keeps_what_it_has(void **state)
{
	uint8_t buffer[4] = {0};
	struct writer writer;

	(void)state;
	writer_init(&writer, buffer, sizeof(buffer));
	write_u16(&writer, 0x0102);
	write_u32(&writer, 7); /* does not fit */
	write_u8(&writer, 9);  /* would fit, but the writer has failed */
	assert_false(writer_ok(&writer));
	assert_int_equal(writer.size, 2);
}

/* A clock that was ten years ahead once leaves stamps that go on there. */
static void a_stamp_ahead_of_the_clock_tells_no_time(void **state)
{
	struct moment now = {INT64_C(1795000000000)};
	struct stamp ahead = stamp_next(
		(struct stamp){0}, (struct moment){now.ms + STAMP_NEAR_MS});

	(void)state;
	assert_true(stamp_is_near(stamp_next((struct stamp){0}, now), now));
	assert_true(stamp_is_near(stamp_next(ahead, now), now));
	assert_true(stamp_is_near(ahead, (struct moment){MOMENT_MS_MAX}));
	now.ms--;
	assert_false(stamp_is_near(stamp_next(ahead, now), now));
}

static void a_stamp_never_goes_back_when_the_clock_does(void **state)
{
	struct stamp stamp =
		stamp_next((struct stamp){0}, (struct moment){5000});
	struct stamp later = stamp_next(stamp, (struct moment){0});

	(void)state;
	assert_true(later.value == stamp.value + 1);
	assert_int_equal(stamp_moment(later).ms, 5000);
	assert_int_equal(
		stamp_moment(stamp_next(later, (struct moment){6000})).ms,
		6000);
}

static void only_plain_decimal_numbers_are_numbers(void **state)
{
	static const char *const wrong[] = {"",   "00",  "01",
					    "+1", "-1",  " 1",
					    "1 ", "1.0", "18446744073709551616",
					    "1e3"};
	uint64_t value = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(
			span_to_u64(span_of(wrong[i]), UINT64_MAX, &value));
	assert_true(value == 42);
	assert_true(span_to_u64(span_of("18446744073709551615"), UINT64_MAX,
				&value));
	assert_true(value == UINT64_MAX);
	assert_false(span_to_u64(span_of("101"), 100, &value));
}

static void utf8_is_judged_as_the_standard_does(void **state)
{
	static const char *const right[] = {"", "a", "\xc3\xa9",
					    "\xe4\xb8\xad\xe6\x96\x87",
					    "\xf0\x9f\x93\xa6"};
	static const char *const wrong[] = {
		"\x80",         "\xc0\xaf",         "\xe0\x80\xaf",
		"\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3",
		"\xff"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(right); i++)
		assert_true(utf8_is_valid(span_of(right[i])));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(utf8_is_valid(span_of(wrong[i])));
	assert_false(text_is_clean(SPAN_LITERAL("a\nb")));
	assert_false(text_is_clean(SPAN_LITERAL("a\xc2\x85")));
	assert_true(text_is_clean(SPAN_LITERAL("\xe4\xb8\xad")));
}

static void an_error_grows_outward(void **state)
{
	struct err err;
	enum err_code code;

	(void)state;
	code = err_set(&err, ERR_UNSAFE, "mode is %04o, must be 0600", 0644);
	code = err_wrap(&err, code, "load key file %s", "site.key");
	assert_code(code, ERR_UNSAFE);
	assert_string_equal(
		err.text, "load key file site.key: mode is 0644, must be 0600");
	assert_code(err_sys(&err, 28, "write journal"), ERR_FULL);
	assert_string_equal(err.text, "write journal: No space left on device");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(varints_read_back_what_was_written),
		cmocka_unit_test(a_varint_in_a_longer_form_is_refused),
		cmocka_unit_test(fixed_numbers_sort_as_bytes_do),
		cmocka_unit_test(
			a_full_writer_stays_failed_and_keeps_what_it_has),
		cmocka_unit_test(a_stamp_ahead_of_the_clock_tells_no_time),
		cmocka_unit_test(a_stamp_never_goes_back_when_the_clock_does),
		cmocka_unit_test(only_plain_decimal_numbers_are_numbers),
		cmocka_unit_test(utf8_is_judged_as_the_standard_does),
		cmocka_unit_test(an_error_grows_outward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
