/*
 * GS1 messages: what is written reads back as itself, what scanners send in
 * place of separators is understood, what is doubtful is said, and no bytes
 * whatever do harm.
 */
#include "tests/unit/ingest/gs1_random.h"

#include "gateway/ingest/gs1_link.h"
#include "gateway/ingest/gs1_scan.h"

static const struct gs1_options plain_options = {.year = RANDOM_YEAR};

static struct gs1_message message;
static struct gs1_message again;

static void assert_same_elements(const struct gs1_message *a,
				 const struct gs1_message *b)
{
	assert_int_equal(a->element_count, b->element_count);
	for (size_t i = 0; i < a->element_count; i++) {
		assert_true(span_equal(gs1_ai_of(a, &a->elements[i]),
				       gs1_ai_of(b, &b->elements[i])));
		assert_true(span_equal(gs1_value_of(a, &a->elements[i]),
				       gs1_value_of(b, &b->elements[i])));
	}
}

/* ---- properties ---- */

/* Appends "(AI)value" with a random value of @row. */
static size_t bracket(uint64_t *seed, const struct gs1_ai *row, char *buffer)
{
	unsigned ai = row->first + (unsigned)(test_random(seed) %
					      (row->last - row->first + 1u));
	char value[GS1_VALUE_SIZE_MAX];
	size_t value_size = random_value(seed, row, value);
	int written = snprintf(buffer, 16, "(%0*u)", (int)row->digits, ai);
	size_t size = (size_t)written;

	for (size_t i = 0; i < value_size; i++) {
		if (value[i] == '(')
			buffer[size++] = '\\';
		buffer[size++] = value[i];
	}
	return size;
}

static void check_round_trip(void)
{
	char buffer[GS1_TEXT_SIZE_MAX];
	size_t size;

	assert_true(
		gs1_write_brackets(&message, buffer, sizeof(buffer), &size));
	assert_true(gs1_read_brackets((struct span){buffer, size},
				      &plain_options, &again));
	assert_same_elements(&message, &again);
	assert_true(span_equal(gs1_text_of(&message), gs1_text_of(&again)));

	assert_true(gs1_read_elements(gs1_text_of(&message), GS1_FNC1,
				      &plain_options, &again));
	assert_same_elements(&message, &again);
	assert_true(span_equal(gs1_text_of(&message), gs1_text_of(&again)));
}

/* A link may order elements otherwise and never repeats one, but has the same.
 */
static bool check_link(void)
{
	char buffer[GS1_TEXT_SIZE_MAX];
	char second[GS1_TEXT_SIZE_MAX];
	size_t size;
	size_t second_size;

	if (!gs1_link_write(&message, &plain_options, buffer, sizeof(buffer),
			    &size))
		return false;
	assert_true(gs1_link_read((struct span){buffer, size}, &plain_options,
				  &again));
	assert_true(again.element_count <= message.element_count);
	for (size_t i = 0; i < message.element_count; i++) {
		const struct gs1_element *element = &message.elements[i];
		struct span ai = gs1_ai_of(&message, element);
		char name[GS1_AI_SIZE_MAX + 1];

		text_print(ai, name, sizeof(name));
		assert_non_null(gs1_find(&again, name));
		assert_true(
			span_equal(gs1_value_of(&again, gs1_find(&again, name)),
				   gs1_value_of(&message, element)));
	}
	assert_true(gs1_link_write(&again, &plain_options, second,
				   sizeof(second), &second_size));
	assert_int_equal(second_size, size);
	assert_memory_equal(second, buffer, size);
	return true;
}

/*
 * Method: 60,000 random messages of one to four elements with random values,
 * every row of the table among them. Those that are legal are written as
 * brackets, element string and link, and read again.
 */
static void what_is_written_reads_back_as_itself(void **state)
{
	uint64_t seed = test_seed(1);
	size_t legal = 0;
	size_t links = 0;

	(void)state;
	for (size_t i = 0; i < 60000; i++) {
		char buffer[2048];
		size_t count = 1 + test_random(&seed) % 4;
		size_t size = 0;

		for (size_t k = 0; k < count; k++) {
			size_t at = k == 0 ? i : test_random(&seed);

			/* A key in front makes links likely. */
			if (k == 0 && i % 2)
				at = 1;
			size += bracket(&seed,
					&gs1_ai_table[at % gs1_ai_table_count],
					buffer + size);
		}
		if (!gs1_read_brackets((struct span){buffer, size},
				       &plain_options, &message)) {
			enum scan_fault fault = message.problem.fault;

			/* The values are right; only pairs may be wrong. */
			assert_true(fault == SCAN_EXCLUSIVE_PAIR ||
				    fault == SCAN_REPEATED_AI ||
				    fault == SCAN_MISSING_SERIAL);
			continue;
		}
		legal++;
		check_round_trip();
		links += check_link();
	}
	print_message("%zu legal, %zu with a link\n", legal, links);
	assert_true(legal > 40000);
	assert_true(links > 10000);
}

/* Calls every reader with @text, which ends where its memory does. */
static size_t read_all_ways(struct span text)
{
	enum gs1_carrier carrier;
	size_t taken = 0;

	taken += gs1_read_elements(text, GS1_FNC1, &plain_options, &message);
	taken += gs1_read_elements(text, GS1_GS, &plain_options, &message);
	taken += gs1_read_brackets(text, &plain_options, &message);
	taken += gs1_scan_read(text, &plain_options, &message, &carrier);
	taken += gs1_link_read(text, &plain_options, &message);
	taken += gs1_link_read_compressed(text, &plain_options, &message);
	return taken;
}

/*
 * Method: 200,000 texts of random bytes, half of them from the characters
 * that mean something, in memory of exactly their size so that the sanitizer
 * sees a byte read too much.
 */
static void random_bytes_do_no_harm(void **state)
{
	static const char telling[] = "^|()]\\/?&=%+#0123456789ACEQJdeID\x1d";
	uint64_t seed = test_seed(2);
	size_t taken = 0;

	(void)state;
	for (size_t i = 0; i < 200000; i++) {
		static const char *const starts[] = {
			"", "]C1", "^01", "(10)", "https://a/01/", "]E0"};
		const char *start =
			starts[test_random(&seed) % ARRAY_LEN(starts)];
		size_t size = strlen(start) + test_random(&seed) % 48;
		char *text = malloc(size > 0 ? size : 1);

		assert_non_null(text);
		for (size_t k = 0; k < size; k++) {
			uint64_t random = test_random(&seed);

			text[k] =
				i % 2 ? (char)random
				      : telling[random % (sizeof(telling) - 1)];
		}
		memcpy(text, start, strlen(start));
		taken += read_all_ways((struct span){text, size});
		free(text);
	}
	print_message("%zu readings succeeded\n", taken);
}

/* Method: texts of every size around the bound. */
static void a_text_that_is_too_long_is_refused_not_cut(void **state)
{
	static char text[GS1_TEXT_SIZE_MAX + 64];
	size_t refused = 0;

	(void)state;
	memset(text, 'A', sizeof(text));
	memcpy(text, "^99", 3);
	for (size_t size = GS1_TEXT_SIZE_MAX - 8; size < sizeof(text); size++) {
		assert_false(gs1_read_elements((struct span){text, size},
					       GS1_FNC1, &plain_options,
					       &message));
		assert_int_equal(message.problem.fault,
				 size > GS1_TEXT_SIZE_MAX ? SCAN_TOO_LONG
							  : SCAN_BAD_LENGTH);
		refused += message.problem.fault == SCAN_TOO_LONG;
	}
	assert_int_equal(refused, 63);
}

static void too_many_elements_are_refused(void **state)
{
	char text[GS1_ELEMENTS_MAX * 4 + 8];
	size_t size = 1;

	(void)state;
	text[0] = '^';
	for (size_t i = 0; i <= GS1_ELEMENTS_MAX; i++) {
		memcpy(text + size, "2007", 4);
		size += 4;
		assert_int_equal(gs1_read_elements((struct span){text, size},
						   GS1_FNC1, &plain_options,
						   &message),
				 i < GS1_ELEMENTS_MAX);
	}
	assert_int_equal(message.problem.fault, SCAN_TOO_MANY_AIS);
}

/* ---- separators ---- */

static void what_a_device_sends_for_gs_separates(void **state)
{
	static const struct {
		const char *separator;
		const char *text;
	} sent[] = {
		{"", "\x1d"
		     "010952123456789910LOT42\x1d"
		     "21S1"},
		{"{GS}", "\x1d"
			 "010952123456789910LOT42{GS}21S1"},
		{"\xe2\x90\x9d", "\x1d"
				 "010952123456789910LOT42\xe2\x90\x9d"
				 "21S1"},
		{"~", "\x1d"
		      "010952123456789910LOT42~21S1"},
		{"^", "\x1d"
		      "010952123456789910LOT42^21S1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sent); i++) {
		struct gs1_options options = plain_options;

		options.separator = span_of(sent[i].separator);
		assert_true(gs1_read_elements(span_of(sent[i].text), GS1_GS,
					      &options, &message));
		assert_span(gs1_text_of(&message),
			    "^010952123456789910LOT42^21S1");
	}
	/* Not told, it is just a character that no value may have. */
	assert_false(gs1_read_elements(span_of("\x1d"
					       "010952123456789910LOT42~21S1"),
				       GS1_GS, &plain_options, &message));
	assert_int_equal(message.problem.fault, SCAN_BAD_CHARACTER);
	assert_string_equal(message.problem.ai, "10");
}

/* Method: values that swallowed a neighbour, and values that only look so. */
static void a_lost_separator_is_noticed(void **state)
{
	static const struct {
		const char *text;
		const char *swallowed; /* NULL: nothing to say */
	} texts[] = {
		{"(01)09521234567899(10)LOT4217271231", "17"},
		{"(10)A17271231(01)09521234567899", "17"},
		{"(01)09521234567899(21)S115270228", "15"},
		{"(01)09521234567899(10)L1727123121S9", "17"},
		{"(01)09521234567899(10)L1727123137", NULL}, /* (37) alone */
		{"(21)X0109521234567899", "01"},
		{"(10)L00395212340000000014", NULL}, /* above 20 with the L */
		{"(240)L00395212340000000014", "00"},
		{"(01)09521234567899(10)LOT42", NULL},
		{"(01)09521234567899(10)17271231", NULL},  /* a lot of digits */
		{"(01)09521234567899(10)A17271331", NULL}, /* month 13 */
		{"(01)09521234567899(10)A172712", NULL},
		{"(01)09521234567899(10)ABC21DEF", NULL},
		/* There is a (17) already. */
		{"(01)09521234567899(17)271231(10)A17271231", NULL},
		{"(01)09521234567899(400)17X31030012501", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct scan_problem *found = NULL;
		bool is_read = gs1_read_brackets(span_of(texts[i].text),
						 &plain_options, &message);

		if (!is_read) {
			assert_int_equal(message.problem.fault,
					 SCAN_BAD_LENGTH);
			assert_null(texts[i].swallowed);
			continue;
		}
		for (size_t k = 0; k < message.warning_count; k++)
			if (message.warnings[k].fault == SCAN_LOST_SEPARATOR)
				found = &message.warnings[k];
		if (texts[i].swallowed == NULL) {
			assert_null(found);
			continue;
		}
		if (found == NULL)
			fail_msg("%s: nothing noticed", texts[i].text);
		assert_string_equal(found->other_ai, texts[i].swallowed);
	}
}

/* ---- what elements say about each other ---- */

static void a_lacking_association_is_a_warning_unless_required(void **state)
{
	struct gs1_options strict = plain_options;

	(void)state;
	strict.are_associations_required = true;
	assert_true(gs1_read_brackets(span_of("(02)09521234567899(37)24"),
				      &plain_options, &message));
	assert_int_equal(message.warning_count, 1);
	assert_int_equal(message.warnings[0].fault, SCAN_MISSING_ASSOCIATION);
	assert_string_equal(message.warnings[0].ai, "37");
	assert_string_equal(message.warnings[0].needs, "00+02,00+8026");

	assert_false(gs1_read_brackets(span_of("(02)09521234567899(37)24"),
				       &strict, &message));
	assert_int_equal(message.problem.fault, SCAN_MISSING_ASSOCIATION);
	assert_true(gs1_read_brackets(
		span_of("(02)09521234567899(37)24(00)395212340000000014"),
		&strict, &message));
	assert_int_equal(message.warning_count, 0);
}

static void a_wrong_pair_names_both_and_the_value(void **state)
{
	(void)state;
	assert_false(gs1_read_brackets(span_of("(01)09521234567899(37)24"),
				       &plain_options, &message));
	assert_int_equal(message.problem.fault, SCAN_EXCLUSIVE_PAIR);
	assert_string_equal(message.problem.ai, "01");
	assert_string_equal(message.problem.other_ai, "37");
	assert_false(gs1_read_brackets(span_of("(10)L1(17)271231(10)L2"),
				       &plain_options, &message));
	assert_int_equal(message.problem.fault, SCAN_REPEATED_AI);
	assert_memory_equal(message.problem.value, "L2", 2);
	/* Behind the leading FNC1: 10 L1 ^ 17 271231 10, then the value. */
	assert_int_equal(message.problem.at, 15);
}

static void an_implied_decimal_point_is_never_a_float(void **state)
{
	(void)state;
	assert_true(gs1_read_brackets(
		span_of("(01)99521234567892(3103)001250(3922)1299"),
		&plain_options, &message));
	assert_int_equal(gs1_decimals_of(&message, &message.elements[0]), 0);
	assert_int_equal(gs1_decimals_of(&message, &message.elements[1]), 3);
	assert_int_equal(gs1_decimals_of(&message, &message.elements[2]), 2);
}

static void a_message_may_be_copied(void **state)
{
	static struct gs1_message copy;

	(void)state;
	assert_true(gs1_read_brackets(span_of("(01)09521234567899(10)A"),
				      &plain_options, &message));
	copy = message;
	memset(&message, 0, sizeof(message));
	assert_span(gs1_value_of(&copy, gs1_find(&copy, "10")), "A");
	assert_null(gs1_find(&copy, "1"));
	assert_null(gs1_find(&copy, "17"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_reads_back_as_itself),
		cmocka_unit_test(random_bytes_do_no_harm),
		cmocka_unit_test(a_text_that_is_too_long_is_refused_not_cut),
		cmocka_unit_test(too_many_elements_are_refused),
		cmocka_unit_test(what_a_device_sends_for_gs_separates),
		cmocka_unit_test(a_lost_separator_is_noticed),
		cmocka_unit_test(
			a_lacking_association_is_a_warning_unless_required),
		cmocka_unit_test(a_wrong_pair_names_both_and_the_value),
		cmocka_unit_test(an_implied_decimal_point_is_never_a_float),
		cmocka_unit_test(a_message_may_be_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
