/*
 * The compiled-in table of Application Identifiers is the published one, AI by
 * AI and column by column.
 */
#include "tests/unit/ingest/tsv.h"

#include "gateway/ingest/gs1_ai.h"

enum column {
	AI,
	FORMAT,
	MIN,
	MAX,
	FNC1,
	TITLE,
	LINTERS,
	DECIMALS,
	ATTRIBUTE,
	KEY,
	NEEDS,
	EXCLUDES,
};

static const char *or_empty(const char *text)
{
	return text == NULL ? "" : text;
}

/* "N13 [X..17]" from the row's components. */
static void format_print(const struct gs1_ai *row, char *buffer, size_t size)
{
	static const char sets[] = {'N', 'X', 'Y', 'Z'};

	buffer[0] = '\0';
	for (size_t i = 0; i < GS1_COMPONENTS_MAX; i++) {
		const struct gs1_component *part = &row->components[i];
		size_t used = strlen(buffer);

		if (part->size_max == 0)
			break;
		assert_true(text_format(
			buffer + used, size - used, "%s%s%c%s%u%s",
			i > 0 ? " " : "", part->is_optional ? "[" : "",
			sets[part->set],
			part->size_min < part->size_max ? ".." : "",
			part->size_max, part->is_optional ? "]" : ""));
		assert_true(part->size_min == part->size_max ||
			    part->size_min == 1);
	}
}

/* "csum+gcppos1 -" from the row's components. */
static void linters_print(const struct gs1_ai *row, char *buffer, size_t size)
{
	buffer[0] = '\0';
	for (size_t i = 0; i < GS1_COMPONENTS_MAX; i++) {
		const struct gs1_component *part = &row->components[i];

		if (part->size_max == 0)
			break;
		for (size_t k = 0; k < GS1_LINTS_MAX; k++) {
			size_t used = strlen(buffer);

			if (k > 0 && part->lints[k] == LINT_NONE)
				break;
			assert_true(text_format(buffer + used, size - used,
						"%s%s",
						k > 0   ? "+"
						: i > 0 ? " "
							: "",
						gs1_lint_name(part->lints[k])));
		}
	}
}

static void row_compare(const struct gs1_ai *row, const char *const *columns)
{
	char text[256];
	const char *key = row->qualifiers == NULL      ? ""
			  : row->qualifiers[0] == '\0' ? "none"
						       : row->qualifiers;

	format_print(row, text, sizeof(text));
	assert_string_equal(text, columns[FORMAT]);
	linters_print(row, text, sizeof(text));
	assert_string_equal(text, columns[LINTERS]);
	(void)text_format(text, sizeof(text), "%zu", gs1_ai_size_min(row));
	assert_string_equal(text, columns[MIN]);
	(void)text_format(text, sizeof(text), "%zu", gs1_ai_size_max(row));
	assert_string_equal(text, columns[MAX]);
	assert_string_equal(row->flags & GS1_AI_NEEDS_FNC1 ? "1" : "0",
			    columns[FNC1]);
	assert_string_equal(row->title, columns[TITLE]);
	(void)text_format(text, sizeof(text), "%c",
			  row->flags & GS1_AI_HAS_DECIMALS
				  ? columns[AI][strlen(columns[AI]) - 1]
				  : '\0');
	assert_string_equal(text, columns[DECIMALS]);
	assert_string_equal(row->flags & GS1_AI_IN_LINK ? "1" : "0",
			    columns[ATTRIBUTE]);
	assert_string_equal(key, columns[KEY]);
	assert_string_equal(or_empty(row->needs), columns[NEEDS]);
	assert_string_equal(or_empty(row->excludes), columns[EXCLUDES]);
}

/* Method: every row of gs1-ai.tsv. */
static void every_ai_is_as_published(void **state)
{
	static struct tsv tsv;
	size_t count = 0;

	(void)state;
	tsv_open(&tsv, "gs1-ai.tsv", "ai");
	while (tsv_next(&tsv)) {
		const struct gs1_ai *row =
			gs1_ai_exact(span_of(tsv.columns[AI]));

		if (row == NULL)
			fail_msg("(%s) is not in the table", tsv.columns[AI]);
		row_compare(row, tsv.columns);
		count++;
	}
	(void)fclose(tsv.file);
	print_message("%zu AIs compared\n", count);
	assert_int_equal(count, 541);
}

/*
 * Method: every text of two to four digits. Each AI of the table is found as
 * itself and as the begin of a longer text, and nothing else is: 541 in all.
 */
static void the_table_has_no_other_ai(void **state)
{
	size_t found = 0;
	size_t rows = 0;

	(void)state;
	for (int digits = 2; digits <= 4; digits++) {
		unsigned end = digits == 2 ? 100 : digits == 3 ? 1000 : 10000;

		for (unsigned number = 0; number < end; number++) {
			char text[16];
			const struct gs1_ai *row;

			(void)text_format(text, sizeof(text), "%0*u", digits,
					  number);
			row = gs1_ai_exact(span_of(text));
			if (row == NULL)
				continue;
			found++;
			assert_int_equal(row->digits, digits);
			assert_true(row->first <= number &&
				    number <= row->last);
			(void)text_format(text, sizeof(text), "%0*uAB", digits,
					  number);
			assert_ptr_equal(gs1_ai_find(span_of(text)), row);
			rows += row->first == number;
		}
	}
	assert_int_equal(found, 541);
	assert_int_equal(rows, gs1_ai_table_count);
}

/* Method: every row's components fit their bounds, optional ones come last,
 * only the last varies, and the values fit the buffers that readers have. */
static void every_row_is_well_formed(void **state)
{
	(void)state;
	for (size_t i = 0; i < gs1_ai_table_count; i++) {
		const struct gs1_ai *row = &gs1_ai_table[i];
		bool was_optional = false;
		bool has_varied = false;

		assert_true(gs1_ai_size_min(row) >= 1);
		assert_true(gs1_ai_size_max(row) <= GS1_VALUE_SIZE_MAX);
		if (!(row->flags & GS1_AI_NEEDS_FNC1))
			assert_int_equal(gs1_ai_size_min(row),
					 gs1_ai_size_max(row));
		for (size_t k = 0; k < GS1_COMPONENTS_MAX; k++) {
			const struct gs1_component *part = &row->components[k];

			if (part->size_max == 0)
				break;
			assert_false(has_varied);
			assert_true(part->is_optional || !was_optional);
			was_optional = part->is_optional;
			has_varied = part->size_min < part->size_max;
		}
	}
}

/* Method: names on both sides of every edge of the rule. */
static void an_unknown_ai_is_one_that_could_be(void **state)
{
	static const struct {
		const char *ai;
		size_t max; /* 0: cannot be */
	} names[] = {
		{"89", 90},   {"890", 90}, {"8901", 90}, {"8", 0},
		{"89012", 0}, {"8A", 0},   {"", 0},      {"01", 0},
		{"012", 0},   {"236", 90}, {"23", 0},    {"2361", 0},
		{"418", 13},  {"41", 0},   {"3106", 6},  {"310", 0},
		{"3959", 90},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct gs1_ai *row =
			gs1_ai_unknown(span_of(names[i].ai), false);

		if (names[i].max == 0) {
			assert_null(row);
			continue;
		}
		assert_non_null(row);
		assert_int_equal(row->digits, strlen(names[i].ai));
		assert_int_equal(gs1_ai_size_max(row), names[i].max);
	}
	/* In running text 89 may be two, three or four digits. */
	assert_null(gs1_ai_unknown(span_of("8912"), true));
	assert_non_null(gs1_ai_unknown(span_of("31061234"), true));
	assert_null(gs1_ai_unknown(span_of("310"), true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_ai_is_as_published),
		cmocka_unit_test(the_table_has_no_other_ai),
		cmocka_unit_test(every_row_is_well_formed),
		cmocka_unit_test(an_unknown_ai_is_one_that_could_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
