/*
 * Answers to checks: decimal numbers without a float, and what is in order.
 */
#include "tests/support/check.h"

#include "rules/check/answer.h"

static void a_number_is_counted_in_thousandths(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
		const char *printed;
	} numbers[] = {
		{"0", 0, "0"},
		{"4", 4000, "4"},
		{"-18.5", -18500, "-18.5"},
		{"+0.125", 125, "0.125"},
		{"-0.001", -1, "-0.001"},
		{"20.00", 20000, "20"},
		{"100", 100000, "100"},
		{"999999999.999", INT64_C(999999999999), "999999999.999"},
		{"-999999999.999", INT64_C(-999999999999), "-999999999.999"},
	};
	char text[ANSWER_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		int64_t value = 1;

		assert_true(answer_parse(span_of(numbers[i].text), &value));
		assert_int_equal(value, numbers[i].value);
		answer_print(value, text);
		assert_string_equal(text, numbers[i].printed);
	}
	answer_print(INT64_MIN, text); /* a garbled entry is shown too */
	assert_string_equal(text, "-9223372036854775.808");
}

static void what_is_no_such_number_is_refused(void **state)
{
	static const char *const bad[] = {
		"",   "-",          "+",   ".",     "1.",
		".5", "1.2345",     "1,5", "1e3",   "--1",
		"1 ", "1000000000", "0x1", "1.2.3", "-1-",
	};
	size_t refused = 0;
	int64_t value;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refused += !answer_parse(span_of(bad[i]), &value);
	assert_int_equal(refused, ARRAY_LEN(bad));
}

static void an_answer_is_judged_by_its_question(void **state)
{
	static const struct {
		struct check question;
		int64_t value;
		bool is_in_order;
	} cases[] = {
		{{.answer = ANSWER_YES}, 1000, true},
		{{.answer = ANSWER_YES}, 0, false},
		{{.answer = ANSWER_NO}, 0, true},
		{{.answer = ANSWER_NO}, 1000, false},
		{{.answer = ANSWER_NUMBER}, -5, true},
		{{.answer = ANSWER_NUMBER, .has_low = true, .low = -22000},
		 -22000,
		 true},
		{{.answer = ANSWER_NUMBER, .has_low = true, .low = -22000},
		 -22001,
		 false},
		{{.answer = ANSWER_NUMBER, .has_high = true, .high = -18000},
		 -18000,
		 true},
		{{.answer = ANSWER_NUMBER, .has_high = true, .high = -18000},
		 -17999,
		 false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(answer_is_in_order(&cases[i].question,
						    cases[i].value),
				 cases[i].is_in_order);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_counted_in_thousandths),
		cmocka_unit_test(what_is_no_such_number_is_refused),
		cmocka_unit_test(an_answer_is_judged_by_its_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
