#include "gateway/ingest/scan_text.h"

#include <string.h>

#include "gateway/ingest/gs1_build.h"
#include "gateway/ingest/gs1_chars.h"
#include "gateway/ingest/gs1_link.h"
#include "rules/base/qty.h"

#define LABEL_MARK "DEPOT."

static const struct span nothing = {NULL, 0};

static struct span skip(struct span text, size_t size)
{
	return (struct span){text.data + size, text.size - size};
}

static struct gs1_options gs1_options_of(const struct scan_options *options)
{
	return (struct gs1_options){
		.year = options->year,
		.separator = options->separator,
	};
}

/* ---- what elements say ---- */

static void keep(char *buffer, size_t size, struct span text)
{
	ASSERT(text.size < size);
	text_print(text, buffer, size);
}

static struct span find(const struct scan_text *scan, const char *ai)
{
	const struct gs1_element *element = gs1_find(&scan->message, ai);

	return element == NULL ? nothing
			       : gs1_value_of(&scan->message, element);
}

/* The digits of an element are at most 15 here, so they fit. */
static int64_t number_of(struct span digits)
{
	int64_t number = 0;

	for (size_t i = 0; i < digits.size; i++)
		number = number * 10 + (digits.data[i] - '0');
	return number;
}

static void take_keys(struct scan_text *scan)
{
	struct span gtin = find(scan, "01");
	struct span content = find(scan, "02");
	struct span sscc = find(scan, "00");

	scan->is_content = gtin.size == 0 && content.size > 0;
	keep(scan->gtin, sizeof(scan->gtin), scan->is_content ? content : gtin);
	keep(scan->sscc, sizeof(scan->sscc), sscc);
}

/* The first of the dates that there is: a use-by date says more about the
 * goods than a best-before date. */
static void take_expiry(struct scan_text *scan, uint16_t year)
{
	static const char *const ais[] = {"17", "7003", "15"};

	for (size_t i = 0; i < ARRAY_LEN(ais); i++) {
		struct span value = find(scan, ais[i]);

		if (value.size < 6)
			continue;
		value.size = 6;
		if (gs1_date_read(value, year, &scan->expiry) == SCAN_OK) {
			keep(scan->expiry_ai, sizeof(scan->expiry_ai),
			     span_of(ais[i]));
			return;
		}
	}
}

static bool take_quantity(struct scan_text *scan)
{
	static const char *const ais[] = {"37", "30"};

	for (size_t i = 0; i < ARRAY_LEN(ais); i++) {
		struct span value = find(scan, ais[i]);

		if (value.size == 0)
			continue;
		scan->has_quantity = true;
		scan->quantity = number_of(value);
		keep(scan->quantity_ai, sizeof(scan->quantity_ai),
		     span_of(ais[i]));
		if (!qty_is_movable((struct qty){scan->quantity}))
			return gs1_build_fail(&scan->message, SCAN_BAD_QUANTITY,
					      span_of(ais[i]), value);
		return true;
	}
	return true;
}

/* 31nn, 32nn, 35nn, 36nn hold net and logistic measures; which is which the
 * row's associations say. */
static void take_measure(struct scan_text *scan)
{
	const struct gs1_message *message = &scan->message;

	for (size_t i = 0; i < message->element_count; i++) {
		const struct gs1_element *element = &message->elements[i];
		struct span ai = gs1_ai_of(message, element);
		bool is_net = element->ai->needs != NULL &&
			      span_is(span_of(element->ai->needs), "01,02");

		if (!(element->ai->flags & GS1_AI_HAS_DECIMALS) || !is_net ||
		    ai.data[0] != '3')
			continue;
		keep(scan->measure.ai, sizeof(scan->measure.ai), ai);
		scan->measure.decimals =
			(uint8_t)gs1_decimals_of(message, element);
		scan->measure.mantissa =
			number_of(gs1_value_of(message, element));
		return;
	}
}

/* The row bounds the values: 20 bytes both, which lots and serials hold. */
static bool take_names(struct scan_text *scan)
{
	bool fits = lot_set(&scan->lot, find(scan, "10")) &&
		    serial_set(&scan->serial, find(scan, "21"));

	ASSERT(fits);
	return fits;
}

static bool take_elements(struct scan_text *scan, enum scan_kind kind,
			  const struct scan_options *options)
{
	scan->kind = kind;
	take_keys(scan);
	take_expiry(scan, options->year);
	take_measure(scan);
	return take_names(scan) && take_quantity(scan);
}

/* ---- labels ---- */

static const char *const ops[] = {
	"receive", "putaway",      "move",        "pick",  "pack",
	"ship",    "return",       "count",       "scrap", "hold",
	"release", "transfer_out", "transfer_in",
};

/* As on labels: upper case, with '-' for '_', which Code 39 lacks. */
static char label_char(char c)
{
	if (c >= 'a' && c <= 'z')
		return (char)(c - 'a' + 'A');
	return c == '_' ? '-' : c;
}

const char *scan_label_op(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		size_t at = 0;

		while (at < name.size && ops[i][at] != '\0' &&
		       (name.data[at] == label_char(ops[i][at]) ||
			(name.data[at] == '_' && ops[i][at] == '_')))
			at++;
		if (at == name.size && ops[i][at] == '\0')
			return ops[i];
	}
	return NULL;
}

static bool refuse(struct scan_text *scan, enum scan_fault fault,
		   struct span value)
{
	return gs1_build_fail(&scan->message, fault, nothing, value);
}

static bool read_op(struct scan_text *scan, struct span name)
{
	scan->op = scan_label_op(name);
	return scan->op != NULL ||
	       refuse(scan, SCAN_UNKNOWN_LABEL, gs1_text_of(&scan->message));
}

static bool read_qty(struct scan_text *scan, struct span digits)
{
	uint64_t units;

	if (!span_to_u64(digits, QTY_MOVE_MAX, &units) || units == 0)
		return refuse(scan, SCAN_BAD_QUANTITY, digits);
	scan->has_quantity = true;
	scan->quantity = (int64_t)units;
	return true;
}

static bool read_name(struct scan_text *scan, struct span name, size_t size_max)
{
	if (name.size == 0)
		return refuse(scan, SCAN_UNKNOWN_LABEL,
			      gs1_text_of(&scan->message));
	return name.size <= size_max || refuse(scan, SCAN_TOO_LONG, name);
}

static const struct {
	const char *mark;
	enum scan_kind kind;
} label_kinds[] = {
	{"OP.", SCAN_KIND_OP},     {"BIN.", SCAN_KIND_BIN},
	{"ITEM.", SCAN_KIND_ITEM}, {"QTY.", SCAN_KIND_QTY},
	{"UNDO", SCAN_KIND_UNDO},  {"DONE", SCAN_KIND_DONE},
};

/* Reads the label in the message's text. */
static bool read_label(struct scan_text *scan)
{
	struct span text = gs1_text_of(&scan->message);
	struct span rest = skip(text, strlen(LABEL_MARK));

	for (size_t i = 0; i < ARRAY_LEN(label_kinds); i++) {
		struct span value;

		if (!span_starts(rest, label_kinds[i].mark))
			continue;
		scan->kind = label_kinds[i].kind;
		value = skip(rest, strlen(label_kinds[i].mark));
		if (scan->kind == SCAN_KIND_OP)
			return read_op(scan, value);
		if (scan->kind == SCAN_KIND_BIN)
			return read_name(scan, value, PLACE_NAME_SIZE_MAX);
		if (scan->kind == SCAN_KIND_ITEM)
			return read_name(scan, value, SKU_SIZE_MAX);
		if (scan->kind == SCAN_KIND_QTY)
			return read_qty(scan, value);
		if (value.size == 0)
			return true;
	}
	return refuse(scan, SCAN_UNKNOWN_LABEL, text);
}

/* ---- bare texts ---- */

static bool read_key(struct scan_text *scan, enum scan_kind kind,
		     const char *ai, struct span value)
{
	scan->kind = kind;
	gs1_from_key(span_of(ai), value, &scan->message);
	take_keys(scan);
	return true;
}

/* True if @text starts like a GS1 message whose first FNC1 was left out, and
 * all of it reads as one: a key with a check digit is too much for chance. */
static bool looks_like_elements(struct scan_text *scan, struct span text,
				const struct gs1_options *options)
{
	if (text.size < 16 ||
	    !(span_starts(text, "00") || span_starts(text, "01") ||
	      span_starts(text, "02")))
		return false;
	gs1_build_begin(&scan->message);
	return gs1_build_elements(&scan->message, text, GS1_GS, options) &&
	       gs1_build_end(&scan->message, options);
}

static bool is_odd_number(struct span text)
{
	bool has_key_size = text.size == 8 || text.size == 18 ||
			    (text.size >= 12 && text.size <= 14);

	return has_key_size && gs1_is_digits(text) &&
	       !gs1_check_digit_fits(text);
}

static bool read_plain(struct scan_text *scan, struct span text,
		       const struct gs1_options *options)
{
	bool is_gs1_like = looks_like_elements(scan, text, options);

	scan->kind = SCAN_KIND_PLAIN;
	gs1_build_begin(&scan->message);
	if (text.size > CODE_SIZE_MAX)
		return refuse(scan, SCAN_TOO_LONG, text);
	if (!text_is_clean(text))
		return refuse(scan, SCAN_BAD_CHARACTER, text);
	if (!gs1_build_text(&scan->message, text))
		return false;
	if (is_gs1_like)
		(void)gs1_warn(&scan->message, SCAN_LOOKS_LIKE_GS1, nothing,
			       text);
	else if (is_odd_number(text))
		(void)gs1_warn(&scan->message, SCAN_ODD_CHECK_DIGIT, nothing,
			       text);
	if (span_starts(text, LABEL_MARK))
		return read_label(scan);
	return true;
}

/* The path of many a link reads as base 64, so compressed links are looked for
 * at one place only. */
static bool is_from_gs1(struct span link)
{
	return span_starts(link, "https://id.gs1.org/") ||
	       span_starts(link, "HTTPS://id.gs1.org/");
}

static bool read_link(struct scan_text *scan, struct span text,
		      const struct scan_options *options)
{
	struct gs1_options gs1 = gs1_options_of(options);
	struct scan_problem problem;

	scan->kind = SCAN_KIND_LINK;
	if (gs1_link_read(text, &gs1, &scan->message))
		return take_elements(scan, SCAN_KIND_LINK, options);
	problem = scan->message.problem;
	if (problem.fault == SCAN_LINK_WITHOUT_KEY && is_from_gs1(text) &&
	    gs1_link_read_compressed(text, &gs1, &scan->message))
		return take_elements(scan, SCAN_KIND_LINK, options);
	if (problem.fault == SCAN_LINK_WITHOUT_KEY ||
	    problem.fault == SCAN_BAD_LINK)
		return read_plain(scan, text, &gs1);
	scan->message.problem = problem;
	return false;
}

static bool read_elements(struct scan_text *scan, struct span text,
			  const struct scan_options *options)
{
	struct gs1_options gs1 = gs1_options_of(options);

	scan->kind = SCAN_KIND_ELEMENTS;
	gs1_build_begin(&scan->message);
	return gs1_build_elements(&scan->message, text, GS1_GS, &gs1) &&
	       gs1_build_end(&scan->message, &gs1) &&
	       take_elements(scan, SCAN_KIND_ELEMENTS, options);
}

/* The size of what stands for FNC1 at the begin of @text; 0 if nothing does. */
static size_t leading_fnc1(struct span text, const struct scan_options *options)
{
	struct span separator = options->separator;
	struct span start = {text.data, separator.size};

	if (separator.size > 0 && text.size > separator.size &&
	    span_equal(start, separator))
		return separator.size;
	return text.size > 1 && text.data[0] == GS1_GS;
}

/* True if @text has the device's separator in it. */
static bool has_separator(struct span text, const struct scan_options *options)
{
	struct span separator = options->separator;

	return separator.size > 0 &&
	       memmem(text.data, text.size, separator.data, separator.size) !=
		       NULL;
}

static bool has_bracketed_ai(struct span text)
{
	struct span ai;
	const char *end;

	if (text.size < 4 || text.data[0] != '(')
		return false;
	end = memchr(text.data, ')', text.size);
	if (end == NULL)
		return false;
	ai = (struct span){text.data + 1, (size_t)(end - text.data) - 1};
	return gs1_ai_exact(ai) != NULL;
}

static bool read_brackets(struct scan_text *scan, struct span text,
			  const struct scan_options *options)
{
	struct gs1_options gs1 = gs1_options_of(options);

	scan->kind = SCAN_KIND_ELEMENTS;
	return gs1_read_brackets(text, &gs1, &scan->message) &&
	       take_elements(scan, SCAN_KIND_ELEMENTS, options);
}

static bool read_bare(struct scan_text *scan, struct span text,
		      const struct scan_options *options)
{
	struct gs1_options gs1 = gs1_options_of(options);
	char gtin[GS1_GTIN_SIZE];
	size_t fnc1 = leading_fnc1(text, options);

	if (fnc1 > 0)
		return read_elements(scan, skip(text, fnc1), options);
	if (text.data[0] == GS1_FNC1 && gs1_ai_find(skip(text, 1)) != NULL &&
	    gs1_read_elements(text, GS1_FNC1, &gs1, &scan->message))
		return take_elements(scan, SCAN_KIND_ELEMENTS, options);
	if (has_bracketed_ai(text))
		return read_brackets(scan, text, options);
	if (gs1_is_link(text))
		return read_link(scan, text, options);
	if (memchr(text.data, GS1_GS, text.size) != NULL ||
	    (has_separator(text, options) &&
	     looks_like_elements(scan, text, &gs1)))
		return read_elements(scan, text, options);
	if (gs1_gtin_read(text, gtin) == SCAN_OK)
		return read_key(scan, SCAN_KIND_GTIN, "01",
				(struct span){gtin, sizeof(gtin)});
	if (gs1_sscc_check(text) == SCAN_OK)
		return read_key(scan, SCAN_KIND_SSCC, "00", text);
	return read_plain(scan, text, &gs1);
}

/* ---- texts behind bars that are known ---- */

/* A number behind EAN, UPC or ITF bars. ITF carries other numbers as well; only
 * 14 digits are a GTIN there. */
static bool read_number(struct scan_text *scan, struct span text,
			const struct scan_options *options)
{
	bool is_upce =
		scan->carrier == GS1_CARRIER_UPCE && text.size == GS1_UPCE_SIZE;
	char gtin[GS1_GTIN_SIZE];
	enum scan_fault fault;

	if (scan->carrier == GS1_CARRIER_ITF && text.size != GS1_GTIN_SIZE)
		return read_bare(scan, text, options);
	scan->kind = SCAN_KIND_GTIN;
	gs1_build_begin(&scan->message);
	fault = is_upce ? gs1_upce_expand(text, gtin)
			: gs1_gtin_read(text, gtin);
	if (fault != SCAN_OK)
		return refuse(scan, fault, text);
	return read_key(scan, SCAN_KIND_GTIN, "01",
			(struct span){gtin, sizeof(gtin)});
}

/* The number in front is what the elements behind it seem to lack. */
static void drop_associations(struct gs1_message *message)
{
	uint8_t kept = 0;

	for (uint8_t i = 0; i < message->warning_count; i++)
		if (message->warnings[i].fault != SCAN_MISSING_ASSOCIATION)
			message->warnings[kept++] = message->warnings[i];
	message->warning_count = kept;
}

/* EAN bars with an identifier: exactly as many digits as they always have, and
 * perhaps a composite component, which says more about the same item. */
static bool read_ean(struct scan_text *scan, struct span text,
		     const struct scan_options *options)
{
	struct gs1_options gs1 = gs1_options_of(options);
	enum gs1_carrier carrier;
	char gtin[GS1_GTIN_SIZE];
	struct span number;

	scan->kind = SCAN_KIND_GTIN;
	if (!gs1_scan_read(text, &gs1, &scan->message, &carrier))
		return false;
	number = gs1_text_of(&scan->message);
	if (!scan->message.is_composite)
		return read_number(scan, skip(text, 3), options);
	number.size = carrier == GS1_CARRIER_EAN8 ? 8 : 13;
	if (gs1_gtin_read(number, gtin) != SCAN_OK ||
	    !take_elements(scan, SCAN_KIND_ELEMENTS, options))
		return false;
	drop_associations(&scan->message);
	keep(scan->gtin, sizeof(scan->gtin), (struct span){gtin, sizeof(gtin)});
	scan->is_content = false;
	return true;
}

static bool read_identified(struct scan_text *scan, struct span text,
			    enum gs1_content content,
			    const struct scan_options *options)
{
	struct span rest = skip(text, 3);

	if (rest.size == 0)
		return refuse(scan, SCAN_EMPTY, text);
	switch (content) {
	case GS1_CONTENT_NONE:
		text.size = 3;
		return refuse(scan, SCAN_UNSUPPORTED_SYMBOLOGY, text);
	case GS1_CONTENT_NUMBER:
		if (scan->carrier == GS1_CARRIER_ITF)
			return read_number(scan, rest, options);
		return read_ean(scan, text, options);
	case GS1_CONTENT_ELEMENTS:
		/* Some scanners send the leading FNC1 too. */
		return read_elements(
			scan, skip(rest, leading_fnc1(rest, options)), options);
	case GS1_CONTENT_PLAIN:
		break;
	}
	return read_bare(scan, rest, options);
}

static bool read_told(struct scan_text *scan, struct span text,
		      const struct scan_options *options)
{
	bool is_number = scan->carrier == GS1_CARRIER_EAN13 ||
			 scan->carrier == GS1_CARRIER_EAN8 ||
			 scan->carrier == GS1_CARRIER_UPCE ||
			 scan->carrier == GS1_CARRIER_ITF;

	if (is_number)
		return read_number(scan, text, options);
	if (options->has_fnc1 && !has_bracketed_ai(text))
		return read_elements(
			scan, skip(text, leading_fnc1(text, options)), options);
	return read_bare(scan, text, options);
}

static void scan_begin(struct scan_text *scan)
{
	scan->kind = SCAN_KIND_PLAIN;
	scan->carrier = GS1_CARRIER_UNKNOWN;
	scan->gtin[0] = '\0';
	scan->is_content = false;
	scan->sscc[0] = '\0';
	scan->lot = (struct lot){0};
	scan->serial = (struct serial){0};
	scan->expiry = (struct date){0};
	scan->expiry_ai[0] = '\0';
	scan->has_quantity = false;
	scan->quantity = 0;
	scan->quantity_ai[0] = '\0';
	scan->measure = (struct scan_measure){0};
	scan->op = NULL;
	gs1_build_begin(&scan->message);
}

bool scan_text_read(struct span text, const struct scan_options *options,
		    struct scan_text *ret_scan)
{
	enum gs1_content content;

	scan_begin(ret_scan);
	while (text.size > 0 &&
	       memchr("\r\n\t", text.data[text.size - 1], 3) != NULL)
		text.size--;
	if (text.size == 0)
		return refuse(ret_scan, SCAN_EMPTY, text);
	if (gs1_identifier_read(text, &ret_scan->carrier, &content))
		return read_identified(ret_scan, text, content, options);
	ret_scan->carrier = options->carrier;
	return read_told(ret_scan, text, options);
}

/* ---- what it names ---- */

struct span scan_text_code(const struct scan_text *scan)
{
	if (scan->gtin[0] != '\0')
		return (struct span){scan->gtin, GS1_GTIN_SIZE};
	if (scan->kind == SCAN_KIND_PLAIN)
		return gs1_text_of(&scan->message);
	return nothing;
}

struct span scan_text_label(const struct scan_text *scan)
{
	struct span text = gs1_text_of(&scan->message);

	if (scan->kind == SCAN_KIND_BIN)
		return skip(text, strlen(LABEL_MARK "BIN."));
	if (scan->kind == SCAN_KIND_ITEM)
		return skip(text, strlen(LABEL_MARK "ITEM."));
	return nothing;
}

const char *scan_kind_name(enum scan_kind kind)
{
	static const char *const names[SCAN_KIND_COUNT] = {
		[SCAN_KIND_PLAIN] = "plain", [SCAN_KIND_ELEMENTS] = "elements",
		[SCAN_KIND_LINK] = "link",   [SCAN_KIND_GTIN] = "gtin",
		[SCAN_KIND_SSCC] = "sscc",   [SCAN_KIND_OP] = "op",
		[SCAN_KIND_BIN] = "bin",     [SCAN_KIND_ITEM] = "item",
		[SCAN_KIND_QTY] = "qty",     [SCAN_KIND_UNDO] = "undo",
		[SCAN_KIND_DONE] = "done",
	};

	return names[kind];
}
