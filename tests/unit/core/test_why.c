/*
 * Why a delta is not here, was refused or a row is void is said in words that
 * people know, in both languages.
 *
 * Method: every code that the store has a name for.
 */
#include "gateway/core/why.h"

#include "store/feed.h"
#include "tests/support/check.h"

static size_t words;

static void assert_why(const struct why *why, const char *code)
{
	if (why == NULL)
		fail_msg("no words for %s", code);
	assert_string_equal(why->code, code);
	assert_in_range(strlen(why->en), 8, 60);
	assert_in_range(strlen(why->zh), 8, 60);
	assert_true(utf8_is_valid(span_of(why->zh)));
	assert_true((uint8_t)why->zh[0] >= 0x80);
	words++;
}

static void every_refusal_has_words_and_nothing_else_has(void **state)
{
	static const enum feed_state states[] = {
		FEED_WAITING_GAP, FEED_DESYNCHRONIZED, FEED_FORKED};
	static const char *const own[] = {"damaged", "missing", "unreachable"};
	size_t count;

	(void)state;
	words = 0;
	for (enum admission i = ADMISSION_GAP; i <= ADMISSION_GARBLED; i++)
		assert_why(why_delta_find(span_of(admission_name(i))),
			   admission_name(i));
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		assert_why(why_delta_find(span_of(feed_state_name(states[i]))),
			   feed_state_name(states[i]));
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		assert_why(why_delta_find(span_of(own[i])), own[i]);
	(void)why_delta_table(&count);
	assert_int_equal(words, count);
	assert_null(why_delta_find(SPAN_LITERAL("applied")));
	assert_null(why_delta_find(SPAN_LITERAL("")));
}

static void every_void_row_has_words_and_nothing_else_has(void **state)
{
	size_t count;

	(void)state;
	words = 0;
	for (enum void_reason i = VOID_ROWS; i <= VOID_REASON_MAX; i++)
		assert_why(why_void_find(span_of(void_reason_name(i))),
			   void_reason_name(i));
	(void)why_void_table(&count);
	assert_int_equal(words, count);
	assert_null(why_void_find(SPAN_LITERAL("forged")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_refusal_has_words_and_nothing_else_has),
		cmocka_unit_test(every_void_row_has_words_and_nothing_else_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
