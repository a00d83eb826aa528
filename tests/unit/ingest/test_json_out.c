/*
 * What is written is JSON by our own strict reading, reads back as it was
 * meant, never leaves its buffer, and can be cut anywhere and still be closed.
 * Every buffer has exactly its capacity, so that a sanitizer sees the rest.
 */
#include "tests/support/check.h"

#include <stdalign.h>

#include "gateway/ingest/json.h"
#include "gateway/ingest/json_out.h"

#define TEXT_MAX 8192

static alignas(16) unsigned char memory[JSON_MEMORY_SIZE(TEXT_MAX)];

static const struct json_value *read_back(struct json *json,
					  const struct json_out *out)
{
	struct fault fault;

	json_init(json, memory, sizeof(memory));
	if (json_parse(json, out_span(out), &fault) != ERR_OK)
		fail_msg("%s at %u: %.*s", fault_code(fault.kind), fault.at,
			 (int)out->size, out->data);
	return json_root(json);
}

static void one_of_each(struct json_out *out)
{
	out_object(out);
	out_int_at(out, "v", 1);
	out_int_at(out, "low", INT64_MIN);
	out_int_at(out, "high", INT64_MAX);
	out_int_at(out, "zero", 0);
	out_id_at(out, "seq", UINT64_MAX);
	out_bool_at(out, "yes", true);
	out_bool_at(out, "no", false);
	out_null_at(out, "as_of");
	out_string_at(out, "say \"x\"", "a/b\\c\n");
	out_moment_at(out, "at", (struct moment){1795341600123});
	out_moment_at(out, "never", (struct moment){-1});
	out_key(out, "day");
	out_date(out, (struct date){2026, 11, 22});
	out_key(out, "no_day");
	out_date(out, (struct date){0});
	out_array_at(out, "empty");
	out_array_end(out);
	out_object_at(out, "nothing");
	out_object_end(out);
	out_array_at(out, "rows");
	out_array(out);
	out_int(out, 1);
	out_array_end(out);
	out_object(out);
	out_text_at(out, "t", (struct span){"", 0});
	out_object_end(out);
	out_raw(out, SPAN_LITERAL("{\"raw\":true}"));
	out_id(out, 0);
	out_array_end(out);
	out_object_end(out);
}

static const char one_of_each_text[] =
	"{\"v\":1,\"low\":-9223372036854775808,\"high\":9223372036854775807,"
	"\"zero\":0,\"seq\":\"18446744073709551615\",\"yes\":true,"
	"\"no\":false,\"as_of\":null,\"say \\\"x\\\"\":\"a/b\\\\c\\n\","
	"\"at\":\"2026-11-22T10:00:00.123Z\",\"never\":null,"
	"\"day\":\"2026-11-22\",\"no_day\":null,\"empty\":[],\"nothing\":{},"
	"\"rows\":[[1],{\"t\":\"\"},{\"raw\":true},\"0\"]}";

static void a_document_is_written_as_it_was_meant(void **state)
{
	char buffer[1024];
	struct json_out out;
	struct json json;

	(void)state;
	out_init(&out, buffer, sizeof(buffer));
	one_of_each(&out);
	assert_true(out_ok(&out));
	assert_span(out_span(&out), one_of_each_text);
	assert_non_null(read_back(&json, &out));
}

/* Method: every capacity below the whole; the writer fails, keeps failing,
 * and stays inside. At the exact size it succeeds. */
static void a_document_that_does_not_fit_fails_at_every_size(void **state)
{
	size_t whole = sizeof(one_of_each_text) - 1;
	size_t failed = 0;

	(void)state;
	for (size_t capacity = 0; capacity <= whole; capacity++) {
		char *buffer = malloc(capacity == 0 ? 1 : capacity);
		struct json_out out;

		assert_non_null(buffer);
		out_init(&out, buffer, capacity);
		one_of_each(&out);
		assert_true(out.size <= capacity);
		assert_int_equal(out_ok(&out), capacity == whole);
		failed += !out_ok(&out);
		free(buffer);
	}
	assert_int_equal(failed, whole);
}

#define BYTES(literal)                         \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

static void texts_are_escaped_and_bad_bytes_replaced(void **state)
{
	static const struct {
		struct span text;
		const char *json;
	} rows[] = {
		{BYTES("A-03-07"), "\"A-03-07\""},
		{BYTES("\x1d"
		       "10"),
		 "\"\\u001d10\""},
		{BYTES("\b\f\n\r\t\v"), "\"\\b\\f\\n\\r\\t\\u000b\""},
		{BYTES("\0"), "\"\\u0000\""},
		{BYTES("\x7f"), "\"\\u007f\""},
		{BYTES("\"\\/"), "\"\\\"\\\\/\""},
		{BYTES("\xe8\xb4\xa7"), "\"\xe8\xb4\xa7\""},
		{BYTES("\xf0\x9f\x93\xa6"), "\"\xf0\x9f\x93\xa6\""},
		{BYTES("a\xff"
		       "b"),
		 "\"a\xef\xbf\xbd"
		 "b\""},
		{BYTES("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},
		{BYTES("\xe8\xb4"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},
		{BYTES("\xed\xa0\x80"),
		 "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
	};
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char buffer[64];
		struct json_out out;

		out_init(&out, buffer, sizeof(buffer));
		out_text(&out, rows[i].text);
		assert_true(out_ok(&out));
		assert_span(out_span(&out), rows[i].json);
		count++;
	}
	assert_int_equal(count, ARRAY_LEN(rows));
}

/*
 * Method: 100,000 random texts, half of them valid UTF-8. Each is JSON, and
 * a valid one without NUL reads back byte for byte.
 */
static void every_text_is_written_as_json_and_reads_back(void **state)
{
	static const char *const pieces[] = {"a",
					     "\"",
					     "\\",
					     "\x1d",
					     "\xe4\xb8\xad",
					     "\n",
					     "\x7f",
					     "\xf0\x9f\x93\xa6"};
	uint64_t seed = test_seed(3629);
	size_t same = 0;

	(void)state;
	for (size_t i = 0; i < 100000; i++) {
		char text[64];
		char buffer[512];
		size_t size = 0;
		struct json_out out;
		struct json json;
		struct fault fault;
		struct span back;

		while (size < sizeof(text) - 4 &&
		       test_random(&seed) % 16 != 0) {
			const char *piece =
				pieces[test_random(&seed) % ARRAY_LEN(pieces)];

			if (i % 2 == 0) {
				memcpy(text + size, piece, strlen(piece));
				size += strlen(piece);
			} else {
				text[size++] =
					(char)(test_random(&seed) % 255 + 1);
			}
		}
		out_init(&out, buffer, sizeof(buffer));
		out_text(&out, (struct span){text, size});
		assert_true(out_ok(&out));
		assert_code(json_to_text(read_back(&json, &out), &back, &fault),
			    ERR_OK);
		if (!utf8_is_valid((struct span){text, size}))
			continue;
		assert_true(span_equal(back, (struct span){text, size}));
		same++;
	}
	assert_true(same >= 50000);
}

/* Rows of a list in a message of @capacity bytes, from row @first on; returns
 * the first that did not fit. */
static int64_t write_page(struct json_out *out, int64_t first, int64_t rows)
{
	int64_t row = first;

	out_object(out);
	out_array_at(out, "rows");
	out_reserve(out, sizeof(",\"next\":-9223372036854775808") - 1);
	for (; row < rows; row++) {
		struct json_mark mark = out_mark(out);

		out_object(out);
		out_int_at(out, "row", row);
		out_array_at(out, "deep");
		out_string(out, "text");
		out_array_end(out);
		out_object_end(out);
		if (!out_ok(out)) {
			out_rollback(out, mark);
			break;
		}
	}
	out_array_end(out);
	out_reserve(out, 0);
	out_int_at(out, "next", row);
	out_object_end(out);
	return row;
}

/*
 * Method: a list of 200 rows, in messages of every size from 80 to 3,500
 * bytes: each message is whole JSON, none is too long, and together they hold
 * every row once, in order.
 */
static void a_list_is_cut_anywhere_and_goes_on_in_the_next_message(void **state)
{
	size_t messages = 0;

	(void)state;
	for (size_t capacity = 80; capacity <= 3500; capacity += 19) {
		char *buffer = malloc(capacity);
		int64_t row = 0;

		assert_non_null(buffer);
		while (row < 200) {
			const struct json_value *value;
			struct json_out out;
			struct json json;
			struct fault fault;
			int64_t next;

			out_init(&out, buffer, capacity);
			next = write_page(&out, row, 200);
			assert_true(out_ok(&out));
			assert_true(next > row);
			value = json_member(read_back(&json, &out), "rows");
			for (value = json_first(value); value != NULL;
			     value = json_next(value)) {
				int64_t number = -1;

				assert_code(
					json_int(value, "row",
						 (struct json_range){0, 200},
						 &number, &fault),
					ERR_OK);
				assert_int_equal(number, row);
				row++;
			}
			assert_int_equal(row, next);
			messages++;
		}
		free(buffer);
	}
	assert_true(messages > 1000);
}

static void a_rollback_takes_back_a_failure_and_no_more(void **state)
{
	char buffer[16];
	struct json_out out;
	struct json_mark mark;

	(void)state;
	out_init(&out, buffer, sizeof(buffer));
	out_array(&out);
	out_int(&out, 1);
	mark = out_mark(&out);
	out_object(&out);
	out_string_at(&out, "key", "far too long for this");
	assert_false(out_ok(&out));
	out_object_end(&out);
	out_rollback(&out, mark);
	assert_true(out_ok(&out));
	out_int(&out, 2);
	out_array_end(&out);
	assert_span(out_span(&out), "[1,2]");
}

/* Method: as deep as may be, in a buffer that holds the brackets only. */
static void whatever_was_opened_can_be_closed(void **state)
{
	char buffer[2 * JSON_OUT_DEPTH_MAX];
	struct json_out out;

	(void)state;
	out_init(&out, buffer, sizeof(buffer));
	for (int i = 0; i < JSON_OUT_DEPTH_MAX; i++)
		out_array(&out);
	assert_true(out_ok(&out));
	for (int i = 0; i < JSON_OUT_DEPTH_MAX; i++)
		out_array_end(&out);
	assert_true(out_ok(&out));
	assert_int_equal(out.size, sizeof(buffer));
}

static void more_reserve_than_room_fails_and_writes_nothing(void **state)
{
	char buffer[8];
	struct json_out out;

	(void)state;
	out_init(&out, buffer, sizeof(buffer));
	out_reserve(&out, 9);
	out_int(&out, 1);
	assert_false(out_ok(&out));
	assert_int_equal(out.size, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_is_written_as_it_was_meant),
		cmocka_unit_test(
			a_document_that_does_not_fit_fails_at_every_size),
		cmocka_unit_test(texts_are_escaped_and_bad_bytes_replaced),
		cmocka_unit_test(every_text_is_written_as_json_and_reads_back),
		cmocka_unit_test(
			a_list_is_cut_anywhere_and_goes_on_in_the_next_message),
		cmocka_unit_test(a_rollback_takes_back_a_failure_and_no_more),
		cmocka_unit_test(whatever_was_opened_can_be_closed),
		cmocka_unit_test(
			more_reserve_than_room_fails_and_writes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
