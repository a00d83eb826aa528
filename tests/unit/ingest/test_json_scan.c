/*
 * The strict front takes JSON and nothing but JSON, tells the rest apart by
 * code and place, and keeps its bounds. Every text lies in a buffer of exactly
 * its size, so that a sanitizer sees the first byte read beyond it.
 */
#include "tests/unit/ingest/json_bed.h"

#define ANY ((struct json_range){INT64_MIN, INT64_MAX})

struct refusal {
	enum fault_kind kind;
	uint32_t at;
	struct span text;
};

#define REFUSED(kind, at, text)                  \
	{                                        \
		kind, at,                        \
		{                                \
			(text), sizeof(text) - 1 \
		}                                \
	}

static const struct refusal refusals[] = {
	REFUSED(FAULT_JSON_EMPTY, 0, ""),
	REFUSED(FAULT_JSON_EMPTY, 0, " \t\r\n"),
	/* ends too early */
	REFUSED(FAULT_JSON_CUT, 1, "{"),
	REFUSED(FAULT_JSON_CUT, 4, "{\"a\""),
	REFUSED(FAULT_JSON_CUT, 5, "{\"a\":"),
	REFUSED(FAULT_JSON_CUT, 6, "{\"a\":1"),
	REFUSED(FAULT_JSON_CUT, 7, "{\"a\":1,"),
	REFUSED(FAULT_JSON_CUT, 2, "[1"),
	REFUSED(FAULT_JSON_CUT, 3, "[1,"),
	REFUSED(FAULT_JSON_CUT, 2, "\"a"),
	REFUSED(FAULT_JSON_CUT, 2, "\"\\"),
	REFUSED(FAULT_JSON_CUT, 3, "\"a\\"),
	/* a value is missing or is none */
	REFUSED(FAULT_JSON_VALUE, 1, "x"),
	REFUSED(FAULT_JSON_VALUE, 1, "'a'"),
	REFUSED(FAULT_JSON_VALUE, 1, "NaN"),
	REFUSED(FAULT_JSON_VALUE, 1, "Infinity"),
	REFUSED(FAULT_JSON_VALUE, 1, "nul"),
	REFUSED(FAULT_JSON_VALUE, 1, "True"),
	REFUSED(FAULT_JSON_VALUE, 1, "fals"),
	REFUSED(FAULT_JSON_VALUE, 2, "[,1]"),
	REFUSED(FAULT_JSON_VALUE, 4, "[1,]"),
	REFUSED(FAULT_JSON_VALUE, 6, "{\"a\":}"),
	REFUSED(FAULT_JSON_VALUE, 2, "[undefined]"),
	REFUSED(FAULT_JSON_VALUE, 1, "\xef\xbb\xbf{}"),
	REFUSED(FAULT_JSON_VALUE, 1, "\0"),
	REFUSED(FAULT_JSON_VALUE, 1, "/**/1"),
	REFUSED(FAULT_JSON_VALUE, 1, "}"),
	REFUSED(FAULT_JSON_VALUE, 1, "\v1"),
	REFUSED(FAULT_JSON_VALUE, 1,
		"\xc2\xa0"
		"1"),
	/* keys, colons, commas */
	REFUSED(FAULT_JSON_KEY, 2, "{a:1}"),
	REFUSED(FAULT_JSON_KEY, 2, "{1:1}"),
	REFUSED(FAULT_JSON_KEY, 8, "{\"a\":1,}"),
	REFUSED(FAULT_JSON_KEY, 2, "{,}"),
	REFUSED(FAULT_JSON_COLON, 6, "{\"a\" 1}"),
	REFUSED(FAULT_JSON_COLON, 5, "{\"a\"}"),
	REFUSED(FAULT_JSON_COLON, 5, "{\"a\",1}"),
	REFUSED(FAULT_JSON_COMMA, 8, "{\"a\":1 \"b\":2}"),
	REFUSED(FAULT_JSON_COMMA, 3, "[1}"),
	REFUSED(FAULT_JSON_COMMA, 7, "{\"a\":1]"),
	REFUSED(FAULT_JSON_COMMA, 4, "[1 2]"),
	REFUSED(FAULT_JSON_COMMA, 3, "[1x]"),
	REFUSED(FAULT_JSON_COMMA, 6, "[truex]"),
	/* texts */
	REFUSED(FAULT_JSON_CONTROL, 2, "\"\n\""),
	REFUSED(FAULT_JSON_CONTROL, 3,
		"\"a\x1d"
		"b\""),
	REFUSED(FAULT_JSON_CONTROL, 3, "\"a\0b\""),
	REFUSED(FAULT_JSON_CONTROL, 3, "{\"\t\":1}"),
	REFUSED(FAULT_JSON_ESCAPE, 2, "\"\\x41\""),
	REFUSED(FAULT_JSON_ESCAPE, 2, "\"\\a\""),
	REFUSED(FAULT_JSON_ESCAPE, 2, "\"\\\0\""),
	REFUSED(FAULT_JSON_ESCAPE, 2, "\"\\u12\""),
	REFUSED(FAULT_JSON_ESCAPE, 2, "\"\\u12g4\""),
	REFUSED(FAULT_JSON_ESCAPE, 2, "\"\\U0041\""),
	REFUSED(FAULT_JSON_ESCAPE, 2, "\"\\u12"),
	REFUSED(FAULT_JSON_NUL, 2, "\"\\u0000\""),
	REFUSED(FAULT_JSON_NUL, 3, "{\"\\u0000\":1}"),
	REFUSED(FAULT_JSON_TRAILING, 3, "{}x"),
	REFUSED(FAULT_JSON_TRAILING, 4, "{} {}"),
	REFUSED(FAULT_JSON_TRAILING, 3, "[]\0"),
	REFUSED(FAULT_JSON_TRAILING, 3, "1 2"),
	REFUSED(FAULT_JSON_TRAILING, 3, "{}\xff"),
	/* UTF-8 */
	REFUSED(FAULT_UTF8, 2, "\"\xff\""),
	REFUSED(FAULT_UTF8, 3, "\"a\x80\""),
	REFUSED(FAULT_UTF8, 2, "\"\xc0\xaf\""),
	REFUSED(FAULT_UTF8, 2, "\"\xed\xa0\x80\""),
	REFUSED(FAULT_UTF8, 2, "\"\xf4\x90\x80\x80\""),
	REFUSED(FAULT_UTF8, 2, "\"\xe4\xb8\""),
	REFUSED(FAULT_UTF8, 2, "\"\xe4\xb8"),
	REFUSED(FAULT_UTF8, 3, "{\"\xb4\":1}"),
	REFUSED(FAULT_SURROGATE, 2, "\"\\ud800\""),
	REFUSED(FAULT_SURROGATE, 2, "\"\\udc00\""),
	REFUSED(FAULT_SURROGATE, 2, "\"\\ud83d\\u0041\""),
	REFUSED(FAULT_SURROGATE, 2, "\"\\ud83dx\""),
	REFUSED(FAULT_SURROGATE, 2, "\"\\ude00\\ud83d\""),
	REFUSED(FAULT_SURROGATE, 2, "\"\\ud83d\\ud83d\""),
	REFUSED(FAULT_SURROGATE, 2, "\"\\ud83d\\ude0"),
	/* keys given twice, at any depth and in any spelling */
	REFUSED(FAULT_DUPLICATE_KEY, 12, "{\"a\":1,\"a\":1}"),
	REFUSED(FAULT_DUPLICATE_KEY, 18, "{\"a\":1,\"\\u0061\": 2}"),
	REFUSED(FAULT_DUPLICATE_KEY, 28,
		"[{\"a\":[],\"b\":{},\"ab\":1,\"a\":0}]"),
	REFUSED(FAULT_DUPLICATE_KEY, 10, "{\"\":1,\"\":2}"),
	REFUSED(FAULT_DUPLICATE_KEY, 21, "{\"x\":{\"/\":true,\"\\/\":1}}"),
	/* depth */
	REFUSED(FAULT_TOO_DEEP, 9, "[[[[[[[[[]]]]]]]]]"),
	REFUSED(FAULT_TOO_DEEP, 13, "{\"a\":[[[[[[[[1]]]]]]]]}"),
	/* numbers */
	REFUSED(FAULT_BAD_NUMBER, 1, "0123"),
	REFUSED(FAULT_BAD_NUMBER, 1, "-"),
	REFUSED(FAULT_BAD_NUMBER, 1, "-01"),
	REFUSED(FAULT_BAD_NUMBER, 1, "+1"),
	REFUSED(FAULT_BAD_NUMBER, 1, ".5"),
	REFUSED(FAULT_BAD_NUMBER, 1, "5."),
	REFUSED(FAULT_BAD_NUMBER, 1, "1.e3"),
	REFUSED(FAULT_BAD_NUMBER, 1, "1e"),
	REFUSED(FAULT_BAD_NUMBER, 1, "1e+"),
	REFUSED(FAULT_BAD_NUMBER, 1, "1.5.2"),
	REFUSED(FAULT_BAD_NUMBER, 1, "1-2"),
	REFUSED(FAULT_BAD_NUMBER, 1, "--1"),
	REFUSED(FAULT_BAD_NUMBER, 1, "-e1"),
	REFUSED(FAULT_BAD_NUMBER, 6, "{\"a\":00}"),
	REFUSED(FAULT_BAD_NUMBER, 1,
		"11111111111111111111111111111111111111111"),
};

static void what_is_not_json_is_refused_with_code_and_place(void **state)
{
	struct json json;
	struct fault fault;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		char shown[64];

		text_print(refusals[i].text, shown, sizeof(shown));
		if (parse(&json, refusals[i].text, &fault) != ERR_INVALID)
			fail_msg("taken: %s", shown);
		if (fault.kind != refusals[i].kind ||
		    fault.at != refusals[i].at)
			fail_msg("%zu: kind %d at %u, not %d at %u: %s", i,
				 fault.kind, fault.at, refusals[i].kind,
				 refusals[i].at, shown);
		assert_null(json_root(&json));
		count++;
	}
	assert_int_equal(count, ARRAY_LEN(refusals));
}

static void every_fault_of_the_scan_is_in_the_table(void **state)
{
	bool is_seen[FAULT_KIND_COUNT] = {false};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
		is_seen[refusals[i].kind] = true;
	for (int kind = FAULT_JSON_EMPTY; kind <= FAULT_BAD_NUMBER; kind++) {
		/* These need a length, and have a test of their own. */
		if (kind >= FAULT_MESSAGE_TOO_LONG && kind <= FAULT_TOO_MUCH)
			continue;
		if (!is_seen[kind])
			fail_msg("no text is refused with kind %d", kind);
	}
}

static void json_in_all_its_forms_is_taken(void **state)
{
	static const char *const right[] = {
		"{}",
		"[]",
		" { } ",
		"\t[\r\n]\n",
		"0",
		"-0",
		"-0.0e-0",
		"1E+400",
		"1e400",
		"12345678901234567890.5e-10",
		"true",
		"false",
		"null",
		"\"\"",
		"\"\x7f\"",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\ude00\\uFFFF\"",
		"\"\xf0\x9f\x93\xa6\xe4\xb8\xad\xef\xbf\xbf\"",
		"[[[[[[[[]]]]]]]]",
		"{\"a\":{\"a\":{\"a\":[{\"a\":1},{\"a\":1}]}},\"A\":{}}",
		"{\"\":{\"\":0},\" \":1}",
		"[1,2,[3],\"4\",{\"5\":null},true]",
		"1111111111111111111111111111111111111111",
	};
	struct json json;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(right); i++) {
		assert_non_null(parsed(&json, right[i]));
		count++;
	}
	assert_int_equal(count, ARRAY_LEN(right));
}

/* ---- bounds ---- */

/* Fills @text with @open, then @count times @unit with commas, then @close. */
static struct span repeated(char *text, const char *brackets, const char *unit,
			    size_t count)
{
	size_t size = 0;

	text[size++] = brackets[0];
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			text[size++] = ',';
		memcpy(text + size, unit, strlen(unit));
		size += strlen(unit);
	}
	text[size++] = brackets[1];
	assert_true(size <= TEXT_MAX);
	return (struct span){text, size};
}

/*
 * Method: for each shape that costs much memory a byte, texts of every length
 * up to the longest reading, in memory of exactly JSON_MEMORY_SIZE of them.
 */
static void the_memory_that_is_asked_for_always_suffices(void **state)
{
	static const char *const units[] = {"1",  "\"\"", "[]",       "{}",
					    "-1", "0.1",  "{\"\":1}", "\"a\""};
	static char text[TEXT_MAX];
	struct json json;
	struct fault fault;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		size_t step = strlen(units[i]) + 1;

		for (size_t n = 1; n * step + 2 < PAYLOAD_IN_SIZE_MAX; n += 7) {
			struct span whole = repeated(text, "[]", units[i], n);
			size_t size = JSON_MEMORY_SIZE(whole.size);
			void *exact = malloc(size);

			assert_non_null(exact);
			json_init(&json, exact, size);
			if (json_parse(&json, whole, &fault) != ERR_OK)
				fail_msg("%zu times %s", n, units[i]);
			free(exact);
			count++;
		}
	}
	assert_true(count > 1000);
}

/*
 * Method: one document in every smaller amount of memory, each in an
 * allocation of its own: it is refused as too long, until it fits.
 */
static void a_document_beyond_the_memory_is_refused(void **state)
{
	static const char text[] =
		"{\"a\":[1,2,3,{\"b\":\"\\u00e9\"}],\"c\":null}";
	struct json json;
	struct fault fault;
	size_t refused = 0;
	size_t taken = 0;

	(void)state;
	for (size_t size = 0; size < 1200; size++) {
		void *exact = malloc(size == 0 ? 1 : size);

		assert_non_null(exact);
		json_init(&json, exact, size);
		if (json_parse(&json, span_of(text), &fault) == ERR_OK) {
			taken++;
		} else {
			assert_int_equal(fault.kind, FAULT_TOO_MUCH);
			assert_int_equal(taken, 0);
			refused++;
		}
		free(exact);
	}
	assert_true(refused > 500);
	assert_true(taken > 100);
}

static void an_object_has_at_most_so_many_keys(void **state)
{
	static char text[TEXT_MAX];
	struct json json;
	struct fault fault;
	size_t size = 0;

	(void)state;
	text[size++] = '{';
	for (int i = 0; i < JSON_MEMBERS_MAX; i++) {
		(void)text_format(text + size, sizeof(text) - size,
				  "\"k%d\":%d,", i, i);
		size += strlen(text + size);
	}
	text[size - 1] = '}';
	assert_code(parse(&json, (struct span){text, size}, &fault), ERR_OK);
	(void)text_format(text + size - 1, sizeof(text) - size, ",\"k\":0}");
	assert_code(parse(&json, (struct span){text, size + 6}, &fault),
		    ERR_INVALID);
	assert_int_equal(fault.kind, FAULT_TOO_MANY_KEYS);
	assert_int_equal(fault.at, size + 1);
	assert_int_equal(fault.high, JSON_MEMBERS_MAX);
}

/* Method: 60 keys, each a twin of each other one in turn. */
static void a_key_given_twice_is_found_wherever_it_stands(void **state)
{
	static char text[TEXT_MAX];
	struct json json;
	struct fault fault;
	size_t count = 0;

	(void)state;
	for (int twin = 1; twin < 60; twin++) {
		for (int of = 0; of < twin; of++) {
			size_t size = 0;

			text[size++] = '{';
			for (int i = 0; i < 60; i++) {
				(void)text_format(text + size,
						  sizeof(text) - size,
						  "\"key%d\":1,",
						  i == twin ? of : i);
				size += strlen(text + size);
			}
			text[size - 1] = '}';
			assert_code(parse(&json, (struct span){text, size},
					  &fault),
				    ERR_INVALID);
			assert_int_equal(fault.kind, FAULT_DUPLICATE_KEY);
			count++;
		}
	}
	assert_int_equal(count, 60 * 59 / 2);
}

/* Method: the bound itself; no byte of the text may be touched. */
static void a_text_beyond_all_bounds_is_not_even_read(void **state)
{
	struct json json;
	struct fault fault;

	(void)state;
	json_init(&json, memory, sizeof(memory));
	assert_code(
		json_parse(&json,
			   (struct span){NULL, (size_t)JSON_TEXT_SIZE_MAX + 1},
			   &fault),
		ERR_INVALID);
	assert_int_equal(fault.kind, FAULT_TOO_MUCH);
}

/* ---- properties ---- */

static const char *const documents[] = {
	"{\"v\":1,\"seq\":17,\"boot\":\"a1\",\"at\":\"2026-11-22T10:00:00Z\","
	"\"op\":\"receive\",\"codes\":[\"]C10109521234567899\\u001d10LOT42\"],"
	"\"qty\":12,\"bin\":\"A-03-07\"}",
	"{\"v\":1,\"reads\":[{\"epc\":\"3074257bf7194e4000001a85\","
	"\"rssi\":-54.5,\"count\":3},{\"epc\":\"00\"}]}",
	"[0,-1.5e-3,true,false,null,\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\ud83d\\ude00"
	"\xe4\xb8\xad\",{\"\":{}},[[[[[[]]]]]]]",
	"{\"\xe8\xb4\xa7\xe5\x8f\xb7\":\"\xe4\xb8\xad\xe6\x96\x87\",\"n\":"
	"null}",
};

/* Walks all that was parsed: every key and text valid UTF-8 without NUL, and
 * every number of a form that cJSON and we agree on. */
static size_t walk(const struct json_value *value)
{
	size_t count = 1;
	struct fault fault;
	struct span text;
	int64_t number;

	assert_true(utf8_is_valid(json_key(value)));
	if (json_kind(value) == JSON_STRING) {
		assert_code(json_to_text(value, &text, &fault), ERR_OK);
		assert_true(utf8_is_valid(text));
	}
	if (json_kind(value) == JSON_NUMBER &&
	    json_to_int(value, ANY, &number, &fault) != ERR_OK)
		assert_true(fault.kind == FAULT_NOT_WHOLE ||
			    fault.kind == FAULT_OUT_OF_RANGE);
	for (value = json_first(value); value != NULL; value = json_next(value))
		count += walk(value);
	return count;
}

/* Every prefix of a valid object or list is incomplete, never anything else,
 * unless the cut goes through a character, an escape or a word. */
static void a_truncated_document_is_refused_at_every_length(void **state)
{
	struct json json;
	struct fault fault;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
		struct span text = span_of(documents[i]);

		for (text.size -= 1; text.size > 0; text.size--) {
			assert_code(parse(&json, text, &fault), ERR_INVALID);
			assert_true(fault.at <= text.size + 1);
			assert_true(fault.kind != FAULT_TOO_MUCH);
			count++;
		}
	}
	assert_true(count > 300);
}

/*
 * Method: 300,000 random mutations (bytes changed, removed, doubled, runs
 * copied) of valid documents. Nothing crashes; what the scan lets through,
 * cJSON takes too (a disagreement would show as too much for a memory that
 * suffices), and its whole tree is sound.
 */
static void no_mutation_gets_past_the_scan_that_cjson_refuses(void **state)
{
	uint64_t seed = test_seed(8259);
	struct json json;
	struct fault fault;
	size_t taken = 0;
	size_t refused = 0;
	size_t nodes = 0;

	(void)state;
	for (size_t i = 0; i < 300000; i++) {
		static const char bytes[] =
			"{}[]\",:\\0123456789.eE+-tfn/u \x00\x1d\x80\xff\xe4";
		char text[1024];
		struct span from = span_of(
			documents[test_random(&seed) % ARRAY_LEN(documents)]);
		size_t size = from.size;

		memcpy(text, from.data, size);
		for (uint64_t n = test_random(&seed) % 4; n > 0; n--) {
			size_t at = test_random(&seed) % size;
			size_t to = test_random(&seed) % size;

			switch (test_random(&seed) % 4) {
			case 0:
				text[at] = bytes[test_random(&seed) %
						 (sizeof(bytes) - 1)];
				break;
			case 1:
				text[at] = (char)test_random(&seed);
				break;
			case 2:
				memmove(text + at, text + at + 1,
					size - at - 1);
				size--;
				break;
			case 3:
				memmove(text + at, text + to,
					size - (at > to ? at : to));
				break;
			}
		}
		if (parse(&json, (struct span){text, size}, &fault) == ERR_OK) {
			nodes += walk(json_root(&json));
			taken++;
		} else {
			assert_true(fault.kind != FAULT_TOO_MUCH);
			assert_true(fault.at <= size + 1);
			refused++;
		}
	}
	printf("taken %zu (%zu nodes), refused %zu\n", taken, nodes, refused);
	assert_true(taken > 10000);
	assert_true(refused > 10000);
}

/* Method: 300,000 random texts over JSON's own characters, up to 12 long:
 * short enough that many are JSON. */
static void random_texts_are_json_to_both_or_to_neither(void **state)
{
	uint64_t seed = test_seed(627);
	struct json json;
	struct fault fault;
	size_t taken = 0;

	(void)state;
	for (size_t i = 0; i < 300000; i++) {
		static const char bytes[] = "{}[]\"\",,::01-.e \\u";
		char text[12];
		size_t size = test_random(&seed) % sizeof(text) + 1;

		for (size_t at = 0; at < size; at++)
			text[at] =
				bytes[test_random(&seed) % (sizeof(bytes) - 1)];
		if (parse(&json, (struct span){text, size}, &fault) == ERR_OK) {
			(void)walk(json_root(&json));
			taken++;
		} else {
			assert_true(fault.kind != FAULT_TOO_MUCH);
		}
	}
	printf("taken %zu of 300000\n", taken);
	assert_true(taken > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_is_not_json_is_refused_with_code_and_place),
		cmocka_unit_test(every_fault_of_the_scan_is_in_the_table),
		cmocka_unit_test(json_in_all_its_forms_is_taken),
		cmocka_unit_test(the_memory_that_is_asked_for_always_suffices),
		cmocka_unit_test(a_document_beyond_the_memory_is_refused),
		cmocka_unit_test(an_object_has_at_most_so_many_keys),
		cmocka_unit_test(a_text_beyond_all_bounds_is_not_even_read),
		cmocka_unit_test(a_key_given_twice_is_found_wherever_it_stands),
		cmocka_unit_test(
			a_truncated_document_is_refused_at_every_length),
		cmocka_unit_test(
			no_mutation_gets_past_the_scan_that_cjson_refuses),
		cmocka_unit_test(random_texts_are_json_to_both_or_to_neither),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
