/*
 * What was parsed reads as what the text says: numbers to the last digit, and
 * absent, null, of the wrong type and out of range as four things.
 */
#include "tests/unit/ingest/json_bed.h"

#include <pthread.h>

static void the_tree_is_what_the_text_says(void **state)
{
	struct json json;
	const struct json_value *root =
		parsed(&json,
		       "{\"b\":[1,\"x\\u00e9\\n\",{}],\"a\":{\"t\":true},"
		       "\"\\u0041\":null}");
	const struct json_value *value;
	struct fault fault;
	struct span text = {"", 0};
	bool flag = false;

	(void)state;
	assert_int_equal(json_kind(root), JSON_OBJECT);
	assert_span(json_key(root), "");
	value = json_first(root);
	assert_span(json_key(value), "b");
	assert_int_equal(json_kind(value), JSON_ARRAY);
	assert_null(json_member(value, "b")); /* a list has no members */
	value = json_first(value);
	assert_int_equal(json_kind(value), JSON_NUMBER);
	assert_span(json_key(value), "");
	value = json_next(value);
	assert_int_equal(json_kind(value), JSON_STRING);
	assert_int_equal(json_to_text(value, &text, &fault), ERR_OK);
	assert_span(text, "x\xc3\xa9\n");
	value = json_next(value);
	assert_int_equal(json_kind(value), JSON_OBJECT);
	assert_null(json_first(value));
	assert_null(json_next(value));
	assert_code(json_object(root, "a", &value, &fault), ERR_OK);
	assert_code(json_bool(value, "t", &flag, &fault), ERR_OK);
	assert_true(flag);
	assert_int_equal(json_kind(json_member(root, "A")), JSON_NULL);
	assert_null(json_member(root, "B"));
}

/* ---- numbers ---- */

#define ANY ((struct json_range){INT64_MIN, INT64_MAX})

static void a_whole_number_is_read_to_the_last_digit(void **state)
{
	static const struct {
		const char *text;
		int64_t number;
	} rows[] = {
		{"0", 0},
		{"-0", 0},
		{"7", 7},
		{"-12", -12},
		{"12.0", 12},
		{"-12.000", -12},
		{"9007199254740993", INT64_C(9007199254740993)},
		{"-9007199254740993", INT64_C(-9007199254740993)},
		{"9223372036854775807", INT64_MAX},
		{"9223372036854775807.0", INT64_MAX},
		{"-9223372036854775808", INT64_MIN},
	};
	struct json json;
	struct fault fault;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t number = 99;

		assert_code(json_to_int(parsed(&json, rows[i].text), ANY,
					&number, &fault),
			    ERR_OK);
		assert_true(number == rows[i].number);
		count++;
	}
	assert_int_equal(count, ARRAY_LEN(rows));
}

/* Method: 100,000 random numbers of every length, and both ends. */
static void every_64_bit_number_survives_its_text(void **state)
{
	uint64_t seed = test_seed(64);
	struct json json;
	struct fault fault;
	char text[32];
	size_t count = 0;

	(void)state;
	json_init(&json, memory, sizeof(memory));
	for (size_t i = 0; i < 100000; i++) {
		uint64_t id = test_random(&seed) >> (i % 64);
		int64_t number = (int64_t)test_random(&seed) >> (i % 64);
		int64_t read = ~number;
		uint64_t read_id = ~id;

		(void)text_format(text, sizeof(text), "%lld",
				  (long long)number);
		assert_code(json_parse(&json, span_of(text), &fault), ERR_OK);
		assert_code(json_to_int(json_root(&json), ANY, &read, &fault),
			    ERR_OK);
		assert_true(read == number);
		(void)text_format(text, sizeof(text),
				  i % 2 == 0 ? "%llu" : "\"%llu\"",
				  (unsigned long long)id);
		assert_code(json_parse(&json, span_of(text), &fault), ERR_OK);
		assert_code(json_to_id(json_root(&json), 0, &read_id, &fault),
			    ERR_OK);
		assert_true(read_id == id);
		count++;
	}
	assert_int_equal(count, 100000);
}

static void a_number_that_is_not_whole_or_too_large_is_told_apart(void **state)
{
	static const struct {
		const char *text;
		enum fault_kind kind;
	} rows[] = {
		{"1.5", FAULT_NOT_WHOLE},
		{"0.0000000001", FAULT_NOT_WHOLE},
		{"1e3", FAULT_NOT_WHOLE},
		{"\"12\"", FAULT_NOT_WHOLE},
		{"true", FAULT_NOT_WHOLE},
		{"[]", FAULT_NOT_WHOLE},
		{"{}", FAULT_NOT_WHOLE},
		{"null", FAULT_IS_NULL},
		{"9223372036854775808", FAULT_OUT_OF_RANGE},
		{"-9223372036854775809", FAULT_OUT_OF_RANGE},
		{"99999999999999999999999999999", FAULT_OUT_OF_RANGE},
		{"101", FAULT_OUT_OF_RANGE},
		{"-6", FAULT_OUT_OF_RANGE},
	};
	struct json json;
	struct fault fault;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct json_range range = {-5, 100};
		int64_t number = 42;

		assert_code(json_to_int(parsed(&json, rows[i].text), range,
					&number, &fault),
			    ERR_INVALID);
		if (fault.kind != rows[i].kind)
			fail_msg("kind %d: %s", fault.kind, rows[i].text);
		assert_int_equal(number, 42);
		assert_int_equal(fault.at, 1);
		count++;
	}
	assert_int_equal(count, ARRAY_LEN(rows));
	assert_int_equal(fault.low, -5);
	assert_int_equal(fault.high, 100);
	assert_string_equal(fault.value, "-6");
}

static void a_scaled_number_drops_what_lies_beyond_its_decimals(void **state)
{
	static const struct {
		const char *text;
		int64_t number;
	} rows[] = {{"-54", -5400},    {"-54.1", -5410}, {"-54.126", -5412},
		    {"-0.009", 0},     {"0.99", 99},     {"100", 10000},
		    {"100.00", 10000}, {"-200", -20000}};
	static const char *const wrong[] = {"100.01",
					    "-200.01",
					    "1e1",
					    "\"5\"",
					    "null",
					    "101",
					    "922337203685477580.7",
					    "922337203685477580.8"};
	const struct json_range range = {-200, 100};
	struct json json;
	struct fault fault;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t number = 42;

		assert_code(json_to_scaled(parsed(&json, rows[i].text), 2,
					   range, &number, &fault),
			    ERR_OK);
		assert_int_equal(number, rows[i].number);
		count++;
	}
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		int64_t number = 42;

		assert_code(json_to_scaled(parsed(&json, wrong[i]), 2, range,
					   &number, &fault),
			    ERR_INVALID);
		assert_int_equal(number, 42);
		count++;
	}
	assert_int_equal(count, ARRAY_LEN(rows) + ARRAY_LEN(wrong));
}

static void an_id_is_a_number_or_its_digits(void **state)
{
	static const struct {
		const char *text;
		enum fault_kind kind;
	} rows[] = {
		{"0", FAULT_OUT_OF_RANGE},
		{"\"0\"", FAULT_OUT_OF_RANGE},
		{"-1", FAULT_OUT_OF_RANGE},
		{"18446744073709551616", FAULT_OUT_OF_RANGE},
		{"\"18446744073709551616\"", FAULT_OUT_OF_RANGE},
		{"1.0", FAULT_NOT_ID},
		{"1e3", FAULT_NOT_ID},
		{"\"\"", FAULT_NOT_ID},
		{"\"-\"", FAULT_NOT_ID},
		{"\"01\"", FAULT_NOT_ID},
		{"\" 1\"", FAULT_NOT_ID},
		{"\"1a\"", FAULT_NOT_ID},
		{"true", FAULT_NOT_ID},
		{"[1]", FAULT_NOT_ID},
		{"null", FAULT_IS_NULL},
	};
	struct json json;
	struct fault fault;
	uint64_t id = 42;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_code(json_to_id(parsed(&json, rows[i].text), 1, &id,
				       &fault),
			    ERR_INVALID);
		if (fault.kind != rows[i].kind)
			fail_msg("kind %d: %s", fault.kind, rows[i].text);
		count++;
	}
	assert_int_equal(count, ARRAY_LEN(rows));
	assert_true(id == 42);
	assert_code(json_id(parsed(&json, "{\"n\":\"18446744073709551615\"}"),
			    "n", 1, &id, &fault),
		    ERR_OK);
	assert_true(id == UINT64_MAX);
}

/* ---- members ---- */

static void absent_null_wrong_and_out_of_range_are_four_things(void **state)
{
	struct json json;
	const struct json_value *root = parsed(
		&json, "{\"z\": null, \"w\": \"12\", \"r\": 200, \"ok\": 3}");
	const struct json_range range = {0, 100};
	struct fault fault;
	int64_t number = 42;
	char text[FAULT_TEXT_SIZE];

	(void)state;
	assert_code(json_int(root, "no", range, &number, &fault),
		    ERR_NOT_FOUND);
	fault_text_en(&fault, text, sizeof(text));
	assert_string_equal(text, "no is missing");
	assert_code(json_optional(json_int(root, "no", range, &number, &fault)),
		    ERR_OK);
	assert_code(json_int(root, "z", range, &number, &fault), ERR_INVALID);
	fault_text_en(&fault, text, sizeof(text));
	assert_string_equal(text, "z is null; leave it out, or give a value");
	assert_int_equal(fault.at, 7);
	assert_code(json_int(root, "w", range, &number, &fault), ERR_INVALID);
	fault_text_en(&fault, text, sizeof(text));
	assert_string_equal(text, "w is \"12\"; it must be a whole number");
	assert_code(json_optional(json_int(root, "r", range, &number, &fault)),
		    ERR_INVALID);
	fault_text_en(&fault, text, sizeof(text));
	assert_string_equal(text, "r is 200; it must be from 0 to 100");
	assert_int_equal(number, 42);
	assert_code(json_int(root, "ok", range, &number, &fault), ERR_OK);
	assert_int_equal(number, 3);
}

static void each_type_refuses_the_others(void **state)
{
	struct json json;
	const struct json_value *root =
		parsed(&json, "{\"n\":1,\"s\":\"x\",\"b\":false,\"l\":[],"
			      "\"o\":{},\"t\":\"2026-11-22T10:00:00Z\","
			      "\"d\":\"2026-02-29\"}");
	const struct json_value *value = NULL;
	struct fault fault;
	struct span text;
	struct moment moment = {0};
	struct date date;
	uint64_t id;
	bool flag = true;

	(void)state;
	assert_code(json_text(root, "n", &text, &fault), ERR_INVALID);
	assert_int_equal(fault.kind, FAULT_NOT_TEXT);
	assert_code(json_bool(root, "n", &flag, &fault), ERR_INVALID);
	assert_int_equal(fault.kind, FAULT_NOT_BOOL);
	assert_code(json_array(root, "o", &value, &fault), ERR_INVALID);
	assert_int_equal(fault.kind, FAULT_NOT_LIST);
	assert_string_equal(fault.value, "{...}");
	assert_code(json_object(root, "l", &value, &fault), ERR_INVALID);
	assert_int_equal(fault.kind, FAULT_NOT_OBJECT);
	assert_string_equal(fault.value, "[...]");
	assert_code(json_moment(root, "s", &moment, &fault), ERR_INVALID);
	assert_int_equal(fault.kind, FAULT_BAD_TIME);
	assert_code(json_moment(root, "n", &moment, &fault), ERR_INVALID);
	assert_int_equal(fault.kind, FAULT_BAD_TIME);
	assert_code(json_to_date(json_member(root, "d"), &date, &fault),
		    ERR_INVALID);
	assert_int_equal(fault.kind, FAULT_BAD_DATE);
	assert_code(json_to_date(json_member(root, "b"), &date, &fault),
		    ERR_INVALID);
	assert_string_equal(fault.value, "false");
	assert_null(value);
	/* and every one tells absent */
	assert_code(json_text(root, "x", &text, &fault), ERR_NOT_FOUND);
	assert_code(json_id(root, "x", 0, &id, &fault), ERR_NOT_FOUND);
	assert_code(json_bool(root, "x", &flag, &fault), ERR_NOT_FOUND);
	assert_code(json_array(root, "x", &value, &fault), ERR_NOT_FOUND);
	assert_code(json_object(root, "x", &value, &fault), ERR_NOT_FOUND);
	assert_code(json_moment(root, "x", &moment, &fault), ERR_NOT_FOUND);
	assert_int_equal(fault.kind, FAULT_MISSING);
	/* and takes its own */
	assert_code(json_text(root, "s", &text, &fault), ERR_OK);
	assert_span(text, "x");
	assert_code(json_bool(root, "b", &flag, &fault), ERR_OK);
	assert_false(flag);
	assert_code(json_array(root, "l", &value, &fault), ERR_OK);
	assert_int_equal(json_kind(value), JSON_ARRAY);
	assert_code(json_object(root, "o", &value, &fault), ERR_OK);
	assert_code(json_moment(root, "t", &moment, &fault), ERR_OK);
	assert_int_equal(moment.ms, 1795341600000);
	assert_code(json_to_date(json_first(parsed(&json, "[\"2028-02-29\"]")),
				 &date, &fault),
		    ERR_OK);
	assert_int_equal(date.day, 29);
}

/* ---- threads ---- */

struct parser {
	unsigned char *memory;
	int64_t number; /* whose digits this thread reads, again and again */
	size_t count;
};

static void *parse_on(void *context)
{
	struct parser *parser = context;
	struct json json;
	struct fault fault;
	char text[64];

	json_init(&json, parser->memory, JSON_MEMORY_SIZE(sizeof(text)));
	(void)text_format(text, sizeof(text), "{\"a\":[1,{\"n\":%lld}]}",
			  (long long)parser->number);
	for (size_t i = 0; i < 20000; i++) {
		const struct json_value *value;
		int64_t number = 0;

		if (json_parse(&json, span_of(text), &fault) != ERR_OK ||
		    json_array(json_root(&json), "a", &value, &fault) != ERR_OK)
			break;
		value = json_next(json_first(value));
		if (json_int(value, "n", ANY, &number, &fault) != ERR_OK ||
		    number != parser->number)
			break;
		parser->count++;
	}
	return NULL;
}

/* The keeper and the loop both parse. Method: four threads, 20,000 documents
 * each, in memories that lie side by side. */
static void threads_parse_without_meeting(void **state)
{
	static alignas(16) unsigned char memories[4][JSON_MEMORY_SIZE(64)];
	struct parser parsers[4];
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		parsers[i] =
			(struct parser){memories[i], INT64_MAX - (int64_t)i, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, parse_on,
						&parsers[i]),
				 0);
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(parsers[i].count, 20000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tree_is_what_the_text_says),
		cmocka_unit_test(a_whole_number_is_read_to_the_last_digit),
		cmocka_unit_test(every_64_bit_number_survives_its_text),
		cmocka_unit_test(
			a_number_that_is_not_whole_or_too_large_is_told_apart),
		cmocka_unit_test(
			a_scaled_number_drops_what_lies_beyond_its_decimals),
		cmocka_unit_test(an_id_is_a_number_or_its_digits),
		cmocka_unit_test(
			absent_null_wrong_and_out_of_range_are_four_things),
		cmocka_unit_test(each_type_refuses_the_others),
		cmocka_unit_test(threads_parse_without_meeting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
