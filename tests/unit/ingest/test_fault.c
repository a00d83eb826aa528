/*
 * Every fault has a stable code and a whole sentence in both languages, which
 * names what it should; and nothing that a sender writes can spoil it.
 */
#include "tests/support/check.h"

#include "gateway/ingest/fault.h"

/* The worst of its kind: every member as long as it can be. */
static struct fault longest(enum fault_kind kind)
{
	struct fault fault;

	(void)fault_set(&fault, kind);
	memset(fault.field, 'f', sizeof(fault.field) - 1);
	memset(fault.value, 'v', sizeof(fault.value) - 1);
	fault.at = UINT32_MAX;
	fault.line = UINT32_MAX;
	fault.column = UINT32_MAX;
	fault.low = INT64_MIN;
	fault.high = UINT64_MAX;
	return fault;
}

/*
 * Method: every kind, with the longest members, in both languages: the
 * sentence ends before the buffer does, is clean text, has no brace left, and
 * is in the language it should be in.
 */
static void every_kind_has_a_code_and_two_whole_sentences(void **state)
{
	size_t count = 0;

	(void)state;
	for (int kind = FAULT_NONE + 1; kind < FAULT_KIND_COUNT; kind++) {
		struct fault fault = longest((enum fault_kind)kind);
		char en[FAULT_TEXT_SIZE];
		char zh[FAULT_TEXT_SIZE];

		assert_non_null(fault_code(fault.kind));
		assert_true(text_is_clean(span_of(fault_code(fault.kind))));
		fault_text_en(&fault, en, sizeof(en));
		fault_text_zh(&fault, zh, sizeof(zh));
		assert_in_range(strlen(en), 10, sizeof(en) - 2);
		assert_in_range(strlen(zh), 10, sizeof(zh) - 2);
		assert_true(text_is_clean(span_of(en)));
		assert_true(text_is_clean(span_of(zh)));
		assert_null(strpbrk(en, "{}"));
		assert_null(strpbrk(zh, "{}"));
		for (const char *c = en; *c != '\0'; c++)
			assert_true((unsigned char)*c < 0x80);
		assert_non_null(strpbrk(zh, "\xe4\xe5\xe6\xe7\xe8\xe9"));
		count++;
	}
	assert_int_equal(count, FAULT_KIND_COUNT - 1);
	assert_true(count > 40);
}

/* What is published is pinned here: a change of a code breaks senders. */
static void the_codes_are_the_published_ones(void **state)
{
	static const char *const published[] = {
		"bad_json",           "bad_utf8",        "duplicate_key",
		"too_deep",           "too_long",        "bad_number",
		"wrong_type",         "missing_field",   "out_of_range",
		"conflicting_fields", "unknown_version", "unknown_op",
		"unknown_condition",  "bad_time",        "bad_date",
		"bad_text",           "bad_epc",         "empty_file",
		"bad_encoding",       "bad_quote",       "too_many_columns",
		"wrong_column_count", "missing_column",  "duplicate_column"};
	bool is_used[ARRAY_LEN(published)] = {false};

	(void)state;
	for (int kind = FAULT_NONE + 1; kind < FAULT_KIND_COUNT; kind++) {
		const char *code = fault_code((enum fault_kind)kind);
		size_t i = 0;

		while (i < ARRAY_LEN(published) &&
		       strcmp(published[i], code) != 0)
			i++;
		if (i == ARRAY_LEN(published))
			fail_msg("not a published code: %s", code);
		is_used[i] = true;
	}
	for (size_t i = 0; i < ARRAY_LEN(published); i++)
		if (!is_used[i])
			fail_msg("no kind has the code %s", published[i]);
	assert_string_equal(fault_code(FAULT_NONE), "none");
}

static void a_sentence_names_field_value_and_bounds(void **state)
{
	struct fault fault;
	char text[FAULT_TEXT_SIZE];

	(void)state;
	assert_code(fault_of(&fault, FAULT_OUT_OF_RANGE, "qty", span_of("-3")),
		    ERR_INVALID);
	fault.low = 1;
	fault.high = 99;
	fault_text_en(&fault, text, sizeof(text));
	assert_string_equal(text, "qty is -3; it must be from 1 to 99");
	fault_text_zh(&fault, text, sizeof(text));
	assert_string_equal(text, "qty 为 -3，应在 1 至 99 之间");
	(void)fault_of(&fault, FAULT_EMPTY, "epc", span_of(""));
	fault_within(&fault, "reads", 3);
	assert_string_equal(fault.field, "reads[3].epc");
	(void)fault_of(&fault, FAULT_NOT_TEXT, "", span_of("12"));
	fault_within(&fault, "codes", 0);
	assert_string_equal(fault.field, "codes[0]");
}

static void what_a_sender_wrote_is_made_clean_and_cut(void **state)
{
	static const char bad[] = "a\x1d"
				  "b\xff"
				  "c\n"
				  "\xe4\xb8";
	static const char chinese[] = "箱箱箱箱箱箱箱箱箱箱箱箱箱箱箱箱箱箱"
				      "箱箱箱箱箱箱";
	struct fault fault;

	(void)state;
	(void)fault_of(&fault, FAULT_NOT_TEXT,
		       "field-name-that-is-much-longer-"
		       "than-any-field-of-ours-can-be",
		       (struct span){bad, sizeof(bad) - 1});
	assert_string_equal(fault.value, "a?b?c???");
	assert_int_equal(strlen(fault.field), FAULT_FIELD_SIZE - 1);
	/* 24 characters of 3 bytes: 21 fit into 63 bytes, none is cut. */
	fault_value(&fault, span_of(chinese));
	assert_int_equal(strlen(fault.value), 63);
	assert_true(utf8_is_valid(span_of(fault.value)));
}

/* Method: every size from 1 to that of the whole sentence. */
static void a_short_buffer_cuts_at_a_character(void **state)
{
	struct fault fault = longest(FAULT_UNKNOWN_CONDITION);
	char whole[FAULT_TEXT_SIZE];
	size_t count = 0;

	(void)state;
	fault_text_zh(&fault, whole, sizeof(whole));
	for (size_t size = 1; size <= strlen(whole) + 1; size++) {
		char *text = malloc(size);

		assert_non_null(text);
		fault_text_zh(&fault, text, size);
		assert_true(strlen(text) < size);
		assert_true(strlen(text) + 4 > size || size < 4);
		assert_true(utf8_is_valid(span_of(text)));
		assert_memory_equal(text, whole, strlen(text));
		free(text);
		count++;
	}
	assert_true(count > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_a_code_and_two_whole_sentences),
		cmocka_unit_test(the_codes_are_the_published_ones),
		cmocka_unit_test(a_sentence_names_field_value_and_bounds),
		cmocka_unit_test(what_a_sender_wrote_is_made_clean_and_cut),
		cmocka_unit_test(a_short_buffer_cuts_at_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
