/*
 * What people are told about a scan: in two languages, naming the AI and the
 * value, and never more than fits.
 */
#include "tests/support/check.h"

#include "gateway/ingest/scan_problem.h"

static struct scan_problem problem_of(enum scan_fault fault, const char *ai,
				      struct span value)
{
	struct scan_problem problem;

	scan_problem_set(&problem, fault, span_of(ai), value);
	return problem;
}

static void a_sentence_names_the_ai_and_the_value(void **state)
{
	struct scan_problem problem =
		problem_of(SCAN_BAD_DATE, "17", span_of("271301"));
	char text[SCAN_TEXT_SIZE];

	(void)state;
	problem.title = "USE BY or EXPIRY";
	scan_problem_text_en(&problem, text, sizeof(text));
	assert_string_equal(
		text, "(17) USE BY or EXPIRY: 271301 is no date that exists");
	scan_problem_text_zh(&problem, text, sizeof(text));
	assert_string_equal(text, "(17) USE BY or EXPIRY: 271301 不是有效日期");
	problem =
		problem_of(SCAN_BAD_CHECK_DIGIT, "", span_of("5901234123458"));
	scan_problem_text_en(&problem, text, sizeof(text));
	assert_string_equal(text, "the check digit of 5901234123458 is wrong");
}

static void a_pair_is_named_by_both(void **state)
{
	struct scan_problem problem = problem_of(SCAN_EXCLUSIVE_PAIR, "01",
						 span_of("09521234567899"));
	char text[SCAN_TEXT_SIZE];

	(void)state;
	memcpy(problem.other_ai, "37", 3);
	scan_problem_text_en(&problem, text, sizeof(text));
	assert_string_equal(text,
			    "(01) 09521234567899 may not stand beside (37)");
	problem = problem_of(SCAN_MISSING_ASSOCIATION, "37", span_of("24"));
	problem.needs = "00+02";
	scan_problem_text_en(&problem, text, sizeof(text));
	assert_non_null(strstr(text, "00+02"));
}

static void what_cannot_be_printed_is_shown_as_numbers(void **state)
{
	struct scan_problem problem =
		problem_of(SCAN_BAD_CHARACTER, "10",
			   SPAN_LITERAL("A\x1d\xff\xe8\x8c\xb6"));
	char text[SCAN_TEXT_SIZE];

	(void)state;
	scan_problem_text_en(&problem, text, sizeof(text));
	assert_non_null(strstr(text, "A\\x1d\\xff\xe8\x8c\xb6 has"));
}

/* Method: every fault in both languages; the longest value, all of it to be
 * escaped, fits the size that is promised. */
static void every_fault_has_a_name_and_two_sentences(void **state)
{
	char value[SCAN_VALUE_SHOWN + 10];
	size_t longest = 0;

	(void)state;
	memset(value, 0x01, sizeof(value));
	for (int i = 0; i < SCAN_FAULT_COUNT; i++) {
		enum scan_fault fault = (enum scan_fault)i;
		struct scan_problem problem = problem_of(
			fault, "3103", (struct span){value, sizeof(value)});
		char en[SCAN_TEXT_SIZE];
		char zh[SCAN_TEXT_SIZE];

		problem.title = "COUNTRY - INITIAL PROCESS";
		problem.needs = "00,01+21,03+21,253,255,8003,8004,8006+21,"
				"8010+8011,8017,8018";
		for (int k = 0; k < i; k++)
			assert_string_not_equal(
				scan_fault_name(fault),
				scan_fault_name((enum scan_fault)k));
		scan_problem_text_en(&problem, en, sizeof(en));
		scan_problem_text_zh(&problem, zh, sizeof(zh));
		assert_string_not_equal(en, zh);
		assert_null(strchr(en, '{'));
		assert_null(strchr(zh, '{'));
		assert_true(utf8_is_valid(span_of(zh)));
		longest = strlen(en) > longest ? strlen(en) : longest;
		longest = strlen(zh) > longest ? strlen(zh) : longest;
	}
	print_message("the longest sentence has %zu bytes\n", longest);
	assert_true(longest < SCAN_TEXT_SIZE - 1);
}

/* Method: every size of buffer; what is there is the begin of the whole, cut
 * between characters. */
static void a_sentence_is_cut_at_a_character(void **state)
{
	struct scan_problem problem =
		problem_of(SCAN_LOST_SEPARATOR, "10", span_of("LOT4217271231"));
	char whole[SCAN_TEXT_SIZE];
	char part[SCAN_TEXT_SIZE];

	(void)state;
	memcpy(problem.other_ai, "17", 3);
	scan_problem_text_zh(&problem, whole, sizeof(whole));
	for (size_t size = 1; size <= strlen(whole) + 1; size++) {
		memset(part, 'x', sizeof(part));
		scan_problem_text_zh(&problem, part, size);
		assert_true(strlen(part) < size);
		assert_memory_equal(part, whole, strlen(part));
		assert_true(utf8_is_valid(span_of(part)));
		assert_int_equal(part[size], 'x');
	}
	assert_string_equal(part, whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sentence_names_the_ai_and_the_value),
		cmocka_unit_test(a_pair_is_named_by_both),
		cmocka_unit_test(what_cannot_be_printed_is_shown_as_numbers),
		cmocka_unit_test(every_fault_has_a_name_and_two_sentences),
		cmocka_unit_test(a_sentence_is_cut_at_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
