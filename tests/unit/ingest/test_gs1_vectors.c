/*
 * Every row of gs1-vectors.tsv: what the official GS1 engine, the Digital Link
 * prototype and the published rules answer, depot answers too. The rows are
 * read generically, so another folder with more rows of the same kinds does
 * as well (DEPOT_DATA).
 */
#include "tests/unit/ingest/tsv.h"

#include "gateway/ingest/gs1_chars.h"
#include "gateway/ingest/gs1_key.h"
#include "gateway/ingest/gs1_link.h"
#include "gateway/ingest/gs1_scan.h"

/* The year in which the vectors were made: two-digit years are near it. */
#define VECTORS_YEAR 2026

enum column {
	ID,
	GROUP,
	KIND,
	OPTS,
	INPUT,
	EXPECT,
	ERROR,
	PAIRS,
	ELEMENTS,
	LINK,
	SYMBOLOGY,
};

/* What a row expects, its escapes undone, or what depot answered. */
struct bytes {
	size_t size;
	char data[8192];
};

struct row {
	const char *id;
	const char *group;
	const char *kind;
	const char *opts;
	const char *expect;
	const char *symbology;
	struct bytes input;
	struct bytes pairs;
	struct bytes elements;
	struct bytes link;
};

struct answer {
	const char *verdict;
	enum scan_fault fault;
	bool has_symbology;
	enum gs1_carrier carrier;
	bool has_elements; /* elements and link are to be compared */
	struct bytes pairs;
	struct bytes elements;
	struct bytes link;
};

static struct span span_of_bytes(const struct bytes *bytes)
{
	return (struct span){bytes->data, bytes->size};
}

static void append(struct bytes *bytes, struct span text)
{
	assert_true(text.size <= sizeof(bytes->data) - bytes->size);
	if (text.size > 0)
		memcpy(bytes->data + bytes->size, text.data, text.size);
	bytes->size += text.size;
}

/* Undoes \\, \t and \xHH. */
static void unescape(struct bytes *bytes, const char *text)
{
	bytes->size = 0;
	for (; *text != '\0'; text++) {
		char c = *text;

		if (c == '\\') {
			text++;
			c = *text == 't' ? '\t' : *text;
			if (*text == 'x') {
				assert_true(gs1_hex(text[1]) >= 0 &&
					    gs1_hex(text[2]) >= 0);
				c = (char)(gs1_hex(text[1]) << 4 |
					   gs1_hex(text[2]));
				text += 2;
			}
		}
		append(bytes, (struct span){&c, 1});
	}
}

/* The value of "name=..." in the row's options, or empty. */
static struct span option(const struct row *row, const char *name)
{
	struct span rest = span_of(row->opts);

	while (rest.size > 0) {
		struct span one = {rest.data, strcspn(rest.data, ",")};
		size_t size = strlen(name);

		rest.data += one.size;
		rest.size -= one.size;
		if (rest.size > 0) {
			rest.data++;
			rest.size--;
		}
		if (span_starts(one, name) && one.data[size] == '=')
			return (struct span){one.data + size + 1,
					     one.size - size - 1};
	}
	return (struct span){"", 0};
}

static struct gs1_options options_of(const struct row *row)
{
	return (struct gs1_options){
		.year = VECTORS_YEAR,
		.are_associations_required = span_is(option(row, "req"), "1"),
		.are_unknown_ais_allowed = span_is(option(row, "unknown"), "1"),
		.are_unknown_attributes_allowed =
			span_is(option(row, "unkdl"), "1"),
		.are_short_gtins_allowed = span_is(option(row, "zs"), "1"),
	};
}

/* ---- messages ---- */

static void say_pairs(const struct gs1_message *message, struct bytes *pairs)
{
	for (size_t i = 0; i < message->element_count; i++) {
		const struct gs1_element *element = &message->elements[i];

		if (pairs->size > 0)
			append(pairs, span_of("\x1f"));
		/* A bare number in front has no pair to be told from. */
		if (message->is_composite && i == message->composite_at &&
		    i > 0)
			append(pairs, span_of("|\x1f"));
		append(pairs, gs1_ai_of(message, element));
		append(pairs, span_of("="));
		append(pairs, gs1_value_of(message, element));
	}
}

static void say_message(const struct row *row,
			const struct gs1_message *message, struct span as_read,
			struct answer *answer)
{
	struct gs1_options options = options_of(row);
	bool has_elements = message->element_count > 0;

	answer->verdict = has_elements ? "valid" : "valid-nonai";
	answer->has_elements = true;
	say_pairs(message, &answer->pairs);
	if (has_elements)
		append(&answer->elements,
		       message->is_link ? as_read : gs1_text_of(message));
	if (!gs1_link_write(message, &options, answer->link.data,
			    sizeof(answer->link.data), &answer->link.size))
		answer->link.size = 0;
}

/*
 * @is_read says whether @message could be read. The official engine never
 * reads a text of a raw row that has no FNC1: it is plain.
 */
static void say(const struct row *row, bool is_read,
		const struct gs1_message *message, struct answer *answer)
{
	if (is_read) {
		say_message(row, message, span_of_bytes(&row->input), answer);
		return;
	}
	answer->verdict = "invalid";
	answer->fault = message->problem.fault;
}

static struct gs1_message message;

static void run_bracketed(const struct row *row, struct answer *answer)
{
	struct gs1_options options = options_of(row);

	say(row,
	    gs1_read_brackets(span_of_bytes(&row->input), &options, &message),
	    &message, answer);
}

static void run_link(const struct row *row, struct answer *answer)
{
	struct gs1_options options = options_of(row);

	say(row, gs1_link_read(span_of_bytes(&row->input), &options, &message),
	    &message, answer);
}

static void run_compressed(const struct row *row, struct answer *answer)
{
	struct gs1_options options = options_of(row);

	say(row,
	    gs1_link_read_compressed(span_of_bytes(&row->input), &options,
				     &message),
	    &message, answer);
	answer->elements.size = 0; /* the rows do not have it */
}

static void run_raw(const struct row *row, struct answer *answer)
{
	struct gs1_options options = options_of(row);
	struct span input = span_of_bytes(&row->input);

	if (gs1_is_link(input)) {
		run_link(row, answer);
	} else if (input.size > 0 && input.data[0] != GS1_FNC1 &&
		   memchr(input.data, '|', input.size) == NULL) {
		answer->verdict = "valid-nonai";
	} else {
		say(row, gs1_read_elements(input, GS1_FNC1, &options, &message),
		    &message, answer);
	}
}

static void run_scan(const struct row *row, struct answer *answer)
{
	struct gs1_options options = options_of(row);
	struct span input = span_of_bytes(&row->input);

	if (!gs1_scan_read(input, &options, &message, &answer->carrier)) {
		say(row, false, &message, answer);
		return;
	}
	answer->has_symbology = true;
	say_message(row, &message,
		    (struct span){input.data + 3, input.size - 3}, answer);
}

/* ---- keys and dates ---- */

static void say_fault(enum scan_fault fault, struct answer *answer)
{
	answer->fault = fault;
	answer->verdict = fault == SCAN_OK ? "valid" : "invalid";
}

/* The rows of keys state element string and link only sometimes. */
static void say_key(const struct row *row, enum scan_fault fault,
		    const char *ai, struct span value, struct answer *answer)
{
	say_fault(fault, answer);
	if (fault != SCAN_OK)
		return;
	gs1_from_key(span_of(ai), value, &message);
	say_message(row, &message, (struct span){NULL, 0}, answer);
	if (row->elements.size == 0)
		answer->elements.size = 0;
	if (row->link.size == 0)
		answer->link.size = 0;
}

static void run_gtin(const struct row *row, struct answer *answer)
{
	char gtin[GS1_GTIN_SIZE];
	enum scan_fault fault = gs1_gtin_read(span_of_bytes(&row->input), gtin);

	say_key(row, fault, "01", (struct span){gtin, sizeof(gtin)}, answer);
}

static void run_upce(const struct row *row, struct answer *answer)
{
	char gtin[GS1_GTIN_SIZE];
	enum scan_fault fault =
		gs1_upce_expand(span_of_bytes(&row->input), gtin);

	say_key(row, fault, "01", (struct span){gtin, sizeof(gtin)}, answer);
}

static void run_sscc(const struct row *row, struct answer *answer)
{
	struct span input = span_of_bytes(&row->input);

	say_key(row, gs1_sscc_check(input), "00", input, answer);
}

static void run_gln(const struct row *row, struct answer *answer)
{
	struct span input = span_of_bytes(&row->input);

	say_key(row, gs1_gln_check(input), "414", input, answer);
}

static void say_digit(char digit, struct answer *answer)
{
	answer->verdict = "valid";
	append(&answer->pairs, span_of("digit="));
	append(&answer->pairs, (struct span){&digit, 1});
}

static void run_checkdigit(const struct row *row, struct answer *answer)
{
	struct span input = span_of_bytes(&row->input);

	if (!gs1_is_digits(input))
		say_fault(SCAN_BAD_CHARACTER, answer);
	else
		say_digit(gs1_check_digit(input), answer);
}

static void run_pricecheck(const struct row *row, struct answer *answer)
{
	struct span input = span_of_bytes(&row->input);

	if (!gs1_is_digits(input))
		say_fault(SCAN_BAD_CHARACTER, answer);
	else if (input.size != 4 && input.size != 5)
		say_fault(SCAN_BAD_LENGTH, answer);
	else
		say_digit(gs1_price_check_digit(input), answer);
}

/* A value stands in the rows with or without leading zeros. */
static void run_rcn13(const struct row *row, struct answer *answer)
{
	static const char name[] = "value=";
	struct gs1_rcn rcn;
	char text[32];
	int width = 1;

	say_fault(gs1_rcn_read(option(row, "format"),
			       span_of_bytes(&row->input), &rcn),
		  answer);
	if (answer->fault != SCAN_OK)
		return;
	for (size_t i = 0; i + sizeof(name) - 1 < row->pairs.size; i++)
		if (memcmp(row->pairs.data + i, name, sizeof(name) - 1) == 0)
			width = (int)(row->pairs.size - i - sizeof(name) + 1);
	append(&answer->pairs, span_of("item="));
	append(&answer->pairs, (struct span){rcn.item, rcn.item_size});
	assert_true(text_format(text, sizeof(text), "\x1f%s%0*lld", name, width,
				(long long)rcn.value));
	append(&answer->pairs, span_of(text));
}

static void run_yymmdd(const struct row *row, struct answer *answer)
{
	struct date date;
	uint64_t now;
	char text[DATE_TEXT_SIZE];

	assert_true(span_to_u64(option(row, "today"), 9999, &now));
	say_fault(gs1_date_read(span_of_bytes(&row->input), (uint16_t)now,
				&date),
		  answer);
	if (answer->fault != SCAN_OK)
		return;
	date_print(date, text);
	append(&answer->pairs, span_of("date="));
	append(&answer->pairs, span_of(text));
}

static const struct {
	const char *kind;
	void (*run)(const struct row *row, struct answer *answer);
} kinds[] = {
	{"bracketed", run_bracketed},
	{"raw", run_raw},
	{"scan", run_scan},
	{"dl", run_link},
	{"dl-c", run_compressed},
	{"gtin", run_gtin},
	{"upce", run_upce},
	{"sscc", run_sscc},
	{"gln", run_gln},
	{"checkdigit", run_checkdigit},
	{"pricecheck", run_pricecheck},
	{"rcn13", run_rcn13},
	{"yymmdd", run_yymmdd},
};

/* ---- comparing ---- */

static const struct {
	const char *name;
	enum gs1_carrier carrier;
} symbologies[] = {
	{"QR", GS1_CARRIER_QR},
	{"DM", GS1_CARRIER_DATA_MATRIX},
	{"DotCode", GS1_CARRIER_DOTCODE},
	{"EAN13", GS1_CARRIER_EAN13},
	{"EAN8", GS1_CARRIER_EAN8},
	{"GS1_128_CCA", GS1_CARRIER_GS1_128},
	{"DataBarExpanded", GS1_CARRIER_DATABAR},
};

static bool differs(const struct row *row, const char *what,
		    const struct bytes *got, const struct bytes *wanted)
{
	if (span_equal(span_of_bytes(got), span_of_bytes(wanted)))
		return false;
	print_error("%s: %s is %.*s, not %.*s\n", row->id, what, (int)got->size,
		    got->data, (int)wanted->size, wanted->data);
	return true;
}

static bool symbology_differs(const struct row *row,
			      const struct answer *answer)
{
	if (row->symbology[0] == '\0' || !answer->has_symbology)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(symbologies); i++)
		if (strcmp(symbologies[i].name, row->symbology) == 0)
			return symbologies[i].carrier != answer->carrier;
	return true;
}

/* True if depot's answer is the row's; says what is not. */
static bool row_holds(const struct row *row)
{
	static struct answer answer;
	bool is_wrong = false;
	size_t at = 0;

	memset(&answer, 0, sizeof(answer));
	while (at < ARRAY_LEN(kinds) && strcmp(kinds[at].kind, row->kind) != 0)
		at++;
	if (at == ARRAY_LEN(kinds)) {
		print_error("%s: unknown kind %s\n", row->id, row->kind);
		return false;
	}
	kinds[at].run(row, &answer);
	if (strcmp(answer.verdict, row->expect) != 0) {
		print_error("%s: verdict is %s (%s), not %s: %.*s\n", row->id,
			    answer.verdict, scan_fault_name(answer.fault),
			    row->expect, (int)row->input.size, row->input.data);
		return false;
	}
	is_wrong |= differs(row, "pairs", &answer.pairs, &row->pairs);
	if (answer.has_elements) {
		is_wrong |= differs(row, "element string", &answer.elements,
				    &row->elements);
		is_wrong |= differs(row, "link", &answer.link, &row->link);
	}
	if (symbology_differs(row, &answer)) {
		print_error("%s: symbology is not %s\n", row->id,
			    row->symbology);
		is_wrong = true;
	}
	return !is_wrong;
}

/* How many rows there are of each group in the folder beside the project. */
static struct group {
	const char *name;
	size_t expected;
	size_t count;
} groups[] = {
	{"element-string", 53, 0},
	{"scan", 35, 0},
	{"api", 19, 0},
	{"association", 45, 0},
	{"linter", 41, 0},
	{"linter-unit", 151, 0},
	{"digital-link", 55, 0},
	{"digital-link-generate", 12, 0},
	{"dl-compressed", 27, 0},
	{"warehouse", 91, 0},
	{"key", 28, 0},
	{"date", 62, 0},
};

static void group_count(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if (strcmp(groups[i].name, name) == 0)
			groups[i].count++;
}

static void row_take(const struct tsv *tsv, struct row *row)
{
	row->id = tsv->columns[ID];
	row->group = tsv->columns[GROUP];
	row->kind = tsv->columns[KIND];
	row->opts = tsv->columns[OPTS];
	row->expect = tsv->columns[EXPECT];
	row->symbology = tsv->columns[SYMBOLOGY];
	unescape(&row->input, tsv->columns[INPUT]);
	unescape(&row->pairs, tsv->columns[PAIRS]);
	unescape(&row->elements, tsv->columns[ELEMENTS]);
	unescape(&row->link, tsv->columns[LINK]);
}

/* Method: every row of the file: verdict, AI pairs, element string, link,
 * symbology. All that differ are printed before the test fails. */
static void every_vector_is_answered_as_published(void **state)
{
	static struct tsv tsv;
	static struct row row;
	size_t count = 0;
	size_t wrong = 0;

	(void)state;
	tsv_open(&tsv, "gs1-vectors.tsv", "id");
	while (tsv_next(&tsv)) {
		row_take(&tsv, &row);
		wrong += !row_holds(&row);
		group_count(row.group);
		count++;
	}
	(void)fclose(tsv.file);
	print_message("%zu rows, %zu wrong\n", count, wrong);
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		print_message("  %-22s %zu\n", groups[i].name, groups[i].count);
	assert_int_equal(wrong, 0);
	assert_true(count > 0);
	if (getenv("DEPOT_DATA") != NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		assert_int_equal(groups[i].count, groups[i].expected);
	assert_int_equal(count, 619);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_is_answered_as_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
