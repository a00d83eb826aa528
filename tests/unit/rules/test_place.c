/*
 * Where a unit can be: the names of places, and which of them are none.
 */
#include "tests/support/check.h"

#include "rules/ledger/place.h"

static void every_kind_and_condition_has_a_word_of_its_own(void **state)
{
	static const char *const kinds[] = {
		NULL,   "bin",   "transit", "supplier", "customer",
		"loss", "found", "scrap",   "made",
	};
	static const char *const conditions[] = {
		"none", "good", "on_hold", "quarantine", "damaged",
	};
	enum condition condition = CONDITION_NONE;

	(void)state;
	assert_int_equal(ARRAY_LEN(kinds), PLACE_KIND_MAX + 1);
	for (size_t i = PLACE_BIN; i <= PLACE_KIND_MAX; i++)
		assert_string_equal(place_kind_name((enum place_kind)i),
				    kinds[i]);
	assert_int_equal(ARRAY_LEN(conditions), CONDITION_MAX + 1);
	for (size_t i = 0; i <= CONDITION_MAX; i++) {
		struct span word = span_of(conditions[i]);

		assert_string_equal(condition_name((enum condition)i),
				    conditions[i]);
		/* "none" is no condition of a bin. */
		assert_int_equal(condition_parse(word, &condition), i > 0);
		assert_int_equal(condition, i);
	}
	assert_false(condition_parse(SPAN_LITERAL("Good"), &condition));
	assert_false(condition_parse(SPAN_LITERAL(""), &condition));
}

static void a_place_name_is_clean_text_of_1_to_40_bytes(void **state)
{
	static const struct {
		const char *name;
		bool is_valid;
	} cases[] = {
		{"A-01", true},
		{"A 01", true},
		{"\xe8\xb4\xa7\xe4\xbd\x8d-7", true},
		{"1234567890123456789012345678901234567890", true},
		{"12345678901234567890123456789012345678901", false},
		{"", false},
		{" A", false},
		{"A ", false},
		{"bin:A", false},
		{"A\tB", false},
		{"A\x7f", false},
		{"A\xc2\x85", false}, /* a C1 control */
		{"A\xff", false},     /* not UTF-8 */
		{"A\xc0\xaf", false}, /* not its shortest form */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(place_name_is_valid(span_of(cases[i].name)),
				 cases[i].is_valid);
	assert_false(place_name_is_valid((struct span){"A\0B", 3}));
}

/* Method: every kind, with and without a name. */
static void only_bins_transits_and_suppliers_have_names(void **state)
{
	size_t named = 0;

	(void)state;
	for (unsigned kind = 0; kind <= PLACE_KIND_MAX + 1; kind++) {
		struct place bare = {.kind = (enum place_kind)kind};
		struct place with = bare;
		bool is_named = kind == PLACE_BIN || kind == PLACE_TRANSIT ||
				kind == PLACE_SUPPLIER;
		bool is_kind = kind >= 1 && kind <= PLACE_KIND_MAX;

		assert_true(place_name_set(&with.name, SPAN_LITERAL("x")));
		assert_int_equal(place_is_valid(&bare), is_kind && !is_named);
		assert_int_equal(place_is_valid(&with), is_kind && is_named);
		assert_int_equal(place_kind_is_named((enum place_kind)kind),
				 is_named);
		named += is_named;
	}
	assert_int_equal(named, 3);
}

static void places_are_equal_by_kind_and_name(void **state)
{
	struct place dock = place_bin(SPAN_LITERAL(BIN_DOCK));
	struct place other = place_bin(SPAN_LITERAL("DOC"));
	struct place loss = place_of(PLACE_LOSS);
	struct place transit = dock;

	(void)state;
	transit.kind = PLACE_TRANSIT;
	assert_true(place_equal(&dock, &dock));
	assert_false(place_equal(&dock, &other));
	assert_false(place_equal(&dock, &transit));
	assert_false(place_equal(&dock, &loss));
	assert_true(place_is_bin(&dock, BIN_DOCK));
	assert_false(place_is_bin(&transit, BIN_DOCK));
	assert_false(place_is_bin(&other, BIN_DOCK));
}

static void a_place_prints_as_people_write_it(void **state)
{
	struct place transit = {.kind = PLACE_TRANSIT};
	struct place bin = place_bin(SPAN_LITERAL("A-01"));
	struct place customer = place_of(PLACE_CUSTOMER);
	char text[PLACE_PRINT_SIZE];

	(void)state;
	assert_true(place_name_set(&transit.name, SPAN_LITERAL("T-17")));
	place_print(&bin, text, sizeof(text));
	assert_string_equal(text, "A-01");
	place_print(&transit, text, sizeof(text));
	assert_string_equal(text, "transit:T-17");
	place_print(&customer, text, sizeof(text));
	assert_string_equal(text, "customer");
	place_print(&transit, text, 4);
	assert_string_equal(text, "tra");
}

/* The longest name of the longest kind fits the buffer that is offered. */
static void the_longest_place_prints_whole(void **state)
{
	struct place place = {.kind = PLACE_SUPPLIER};
	char name[PLACE_NAME_SIZE_MAX];
	char text[PLACE_PRINT_SIZE];

	(void)state;
	memset(name, 'x', sizeof(name));
	assert_true(
		place_name_set(&place.name, (struct span){name, sizeof(name)}));
	place_print(&place, text, sizeof(text));
	assert_int_equal(strlen(text), strlen("supplier:") + sizeof(name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_kind_and_condition_has_a_word_of_its_own),
		cmocka_unit_test(a_place_name_is_clean_text_of_1_to_40_bytes),
		cmocka_unit_test(only_bins_transits_and_suppliers_have_names),
		cmocka_unit_test(places_are_equal_by_kind_and_name),
		cmocka_unit_test(a_place_prints_as_people_write_it),
		cmocka_unit_test(the_longest_place_prints_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
