/*
 * Topics and filters as MQTT 5.0 defines them, and the pauses between tries.
 */
#include "tests/support/check.h"

#include "gateway/edge/backoff.h"
#include "gateway/edge/mqtt_topic.h"

static void a_filter_asks_for_what_the_standard_says(void **state)
{
	/* The examples of MQTT 5.0, section 4.7, and the edges between. */
	static const struct {
		const char *filter;
		const char *name;
		bool matches;
	} cases[] = {
		{"sport/tennis/player1/#", "sport/tennis/player1", true},
		{"sport/tennis/player1/#", "sport/tennis/player1/ranking",
		 true},
		{"sport/tennis/player1/#",
		 "sport/tennis/player1/score/wimbledon", true},
		{"sport/tennis/player1/#", "sport/tennis/player2", false},
		{"sport/#", "sport", true},
		{"#", "a/b", true},
		{"sport/tennis/+", "sport/tennis/player1", true},
		{"sport/tennis/+", "sport/tennis/player1/ranking", false},
		{"sport/+", "sport", false},
		{"sport/+", "sport/", true},
		{"+/+", "/finance", true},
		{"/+", "/finance", true},
		{"+", "/finance", false},
		{"#", "$SYS/broker", false},
		{"+/monitor/Clients", "$SYS/monitor/Clients", false},
		{"$SYS/#", "$SYS/broker", true},
		{"$SYS/monitor/+", "$SYS/monitor/Clients", true},
		{"a/b", "a/b", true},
		{"a/b", "a/b/", false},
		{"a/b/", "a/b", false},
		{"a/b", "a/bc", false},
		{"a/bc", "a/b", false},
		{"a/+/c", "a//c", true},
		{"a/+/c", "a/b/d", false},
		{"A", "a", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct span filter = span_of(cases[i].filter);
		struct span name = span_of(cases[i].name);

		assert_true(topic_is_filter(filter));
		assert_true(topic_is_name(name));
		if (topic_matches(filter, name) != cases[i].matches)
			fail_msg("%s, %s: not %d", cases[i].filter,
				 cases[i].name, cases[i].matches);
	}
}

static void what_is_no_name_or_no_filter_is_told(void **state)
{
	static const char *const no_filters[] = {"",     "a/#/b", "a#", "#a",
						 "a+/b", "a/+b",  "##", "\xff"};
	const struct span no_names[] = {
		{"", 0},
		SPAN_LITERAL("a\0b"),
		SPAN_LITERAL("a/+"),
		SPAN_LITERAL("#"),
		SPAN_LITERAL("\0"),
		SPAN_LITERAL("\xc0"),
		SPAN_LITERAL("a#b"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(no_filters); i++)
		assert_false(topic_is_filter(span_of(no_filters[i])));
	for (size_t i = 0; i < ARRAY_LEN(no_names); i++)
		assert_false(topic_is_name(no_names[i]));
	assert_true(topic_is_name(SPAN_LITERAL("/")));
	assert_true(topic_is_filter(SPAN_LITERAL("+")));
}

/* A second way to match, character by character, for the property below. */
static bool plain_match(const char *filter, const char *name)
{
	if (*filter == '#')
		return true;
	if (*filter == '+') {
		while (*name != '\0' && *name != '/')
			name++;
		return plain_match(filter + 1, name);
	}
	if (*filter == '/' && filter[1] == '#' && *name == '\0')
		return true;
	if (*filter != *name)
		return false;
	return *filter == '\0' || plain_match(filter + 1, name + 1);
}

/* The text number @number of those of @size characters of @letters. */
static void text_make(char *text, size_t size, unsigned number,
		      const char *letters)
{
	unsigned base = (unsigned)strlen(letters);

	for (size_t i = 0; i < size; i++, number /= base)
		text[i] = letters[number % base];
	text[size] = '\0';
}

static unsigned power(unsigned base, size_t exponent)
{
	unsigned result = 1;

	while (exponent-- > 0)
		result *= base;
	return result;
}

/* Compares both ways on all names of up to 4 characters of {a, b, /}. */
static void names_compare(const char *filter, unsigned *pairs,
			  unsigned *matches)
{
	for (size_t size = 1; size <= 4; size++) {
		for (unsigned n = 0; n < power(3, size); n++) {
			char name[5];
			bool is_match;

			text_make(name, size, n, "ab/");
			is_match =
				topic_matches(span_of(filter), span_of(name));
			if (is_match != plain_match(filter, name))
				fail_msg("%s, %s", filter, name);
			(*pairs)++;
			*matches += is_match;
		}
	}
}

/* Method: all filters of up to 5 characters of {a, b, /, +, #}, against all
 * names of up to 4. */
static void matching_agrees_with_a_plainer_way_on_all_short_texts(void **state)
{
	unsigned pairs = 0;
	unsigned matches = 0;

	(void)state;
	for (size_t size = 1; size <= 5; size++) {
		for (unsigned f = 0; f < power(5, size); f++) {
			char filter[6];

			text_make(filter, size, f, "ab/+#");
			if (topic_is_filter(span_of(filter)))
				names_compare(filter, &pairs, &matches);
		}
	}
	printf("pairs %u, of these matching %u\n", pairs, matches);
	assert_true(pairs > 50000);
	assert_true(matches > 500);
}

/* Method: 1,000 sequences of 12 pauses; each is within its bounds, the pauses
 * of two seeds part, those of one seed do not. */
static void pauses_grow_within_bounds_and_follow_from_the_seed(void **state)
{
	unsigned different = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 1000; seed++) {
		struct backoff a;
		struct backoff again;
		struct backoff other;

		backoff_init(&a, 500, 30000, seed);
		backoff_init(&again, 500, 30000, seed);
		backoff_init(&other, 500, 30000, seed + 1000);
		for (unsigned i = 0; i < 12; i++) {
			uint32_t limit = i < 5 ? 1000u << i : 30000;
			uint32_t pause = backoff_next_ms(&a);

			assert_in_range(pause, limit / 2, limit);
			assert_int_equal(backoff_next_ms(&again), pause);
			different += backoff_next_ms(&other) != pause;
		}
		backoff_reset(&a);
		assert_in_range(backoff_next_ms(&a), 500, 1000);
	}
	assert_true(different > 11000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_filter_asks_for_what_the_standard_says),
		cmocka_unit_test(what_is_no_name_or_no_filter_is_told),
		cmocka_unit_test(
			matching_agrees_with_a_plainer_way_on_all_short_texts),
		cmocka_unit_test(
			pauses_grow_within_bounds_and_follow_from_the_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
