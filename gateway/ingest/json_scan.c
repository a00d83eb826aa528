#include "gateway/ingest/json_scan.h"

#include <string.h>

#include "gateway/ingest/json.h"

struct scan {
	const char *text;
	size_t size;
	size_t at;
	uint32_t *places; /* byte, from 1, of each value */
	size_t places_max;
	size_t places_count;
	struct fault *fault;
};

#define NOTHING (-1)

static enum err_code scan_value(struct scan *scan, int depth);

/* The next byte, or NOTHING at the end. */
static int peek(const struct scan *scan)
{
	return scan->at < scan->size ? (unsigned char)scan->text[scan->at]
				     : NOTHING;
}

static enum err_code scan_fault(struct scan *scan, enum fault_kind kind)
{
	enum err_code code = fault_set(scan->fault, kind);

	scan->fault->at = (uint32_t)(scan->at + 1);
	return code;
}

/* For what is missing: at the end of the text that is always its rest. */
static enum err_code scan_lacks(struct scan *scan, enum fault_kind kind)
{
	enum err_code code;

	if (scan->at < scan->size)
		return scan_fault(scan, kind);
	code = fault_set(scan->fault, FAULT_JSON_CUT);
	scan->fault->at = (uint32_t)scan->size;
	return code;
}

static enum err_code scan_byte_fault(struct scan *scan, enum fault_kind kind)
{
	enum err_code code = scan_fault(scan, kind);

	(void)text_format(scan->fault->value, sizeof(scan->fault->value),
			  "0x%02x", (unsigned)peek(scan));
	return code;
}

static void skip_blanks(struct scan *scan)
{
	int c = peek(scan);

	while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
		scan->at++;
		c = peek(scan);
	}
}

static bool scan_hex(const struct scan *scan, size_t at, unsigned *ret_unit)
{
	unsigned unit = 0;

	if (scan->size - at < 4)
		return false;
	for (size_t i = 0; i < 4; i++) {
		char c = scan->text[at + i];

		if (c >= '0' && c <= '9')
			unit = unit << 4 | (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			unit = unit << 4 | (unsigned)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			unit = unit << 4 | (unsigned)(c - 'A' + 10);
		else
			return false;
	}
	*ret_unit = unit;
	return true;
}

static bool is_high_surrogate(unsigned unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_surrogate(unsigned unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* At the backslash of \uXXXX; ends behind it, or behind the pair. */
static enum err_code scan_unicode(struct scan *scan)
{
	unsigned unit;
	unsigned second;
	size_t next = scan->at + 6;

	if (!scan_hex(scan, scan->at + 2, &unit))
		return scan_fault(scan, FAULT_JSON_ESCAPE);
	if (unit == 0)
		return scan_fault(scan, FAULT_JSON_NUL);
	if (is_low_surrogate(unit))
		return scan_fault(scan, FAULT_SURROGATE);
	if (is_high_surrogate(unit)) {
		if (scan->size - next < 2 || scan->text[next] != '\\' ||
		    scan->text[next + 1] != 'u' ||
		    !scan_hex(scan, next + 2, &second) ||
		    !is_low_surrogate(second))
			return scan_fault(scan, FAULT_SURROGATE);
		next += 6;
	}
	scan->at = next;
	return ERR_OK;
}

static enum err_code scan_escape(struct scan *scan)
{
	char c;

	if (scan->size - scan->at < 2) {
		scan->at = scan->size;
		return scan_lacks(scan, FAULT_JSON_ESCAPE);
	}
	c = scan->text[scan->at + 1];
	if (c == 'u')
		return scan_unicode(scan);
	if (c == '\0' || strchr("\"\\/bfnrt", c) == NULL)
		return scan_fault(scan, FAULT_JSON_ESCAPE);
	scan->at += 2;
	return ERR_OK;
}

/* One character outside ASCII, or one that may not stand in a text. */
static enum err_code scan_character(struct scan *scan)
{
	struct span rest = {scan->text + scan->at, scan->size - scan->at};
	size_t size;

	if (peek(scan) < 0x20)
		return scan_byte_fault(scan, FAULT_JSON_CONTROL);
	size = utf8_first_size(rest);
	if (size == 0)
		return scan_byte_fault(scan, FAULT_UTF8);
	scan->at += size;
	return ERR_OK;
}

/* At the opening quote; ends behind the closing one. */
static enum err_code scan_string(struct scan *scan)
{
	enum err_code code = ERR_OK;
	int c;

	scan->at++;
	while (code == ERR_OK) {
		c = peek(scan);
		if (c == '"') {
			scan->at++;
			return ERR_OK;
		}
		if (c == NOTHING)
			return scan_lacks(scan, FAULT_JSON_CUT);
		if (c == '\\')
			code = scan_escape(scan);
		else if (c >= 0x20 && c < 0x80)
			scan->at++;
		else
			code = scan_character(scan);
	}
	return code;
}

static size_t digits_at(struct span text, size_t at)
{
	size_t start = at;

	while (at < text.size && json_is_digit(text.data[at]))
		at++;
	return at - start;
}

/* RFC 8259, section 6. */
static bool number_is_valid(struct span text)
{
	size_t at = text.size > 0 && text.data[0] == '-' ? 1 : 0;
	size_t digits = digits_at(text, at);

	if (digits == 0 || (digits > 1 && text.data[at] == '0'))
		return false;
	at += digits;
	if (at < text.size && text.data[at] == '.') {
		digits = digits_at(text, at + 1);
		if (digits == 0)
			return false;
		at += 1 + digits;
	}
	if (at < text.size && (text.data[at] == 'e' || text.data[at] == 'E')) {
		at++;
		if (at < text.size &&
		    (text.data[at] == '+' || text.data[at] == '-'))
			at++;
		digits = digits_at(text, at);
		if (digits == 0)
			return false;
		at += digits;
	}
	return at == text.size;
}

struct span json_number_run(struct span text)
{
	size_t size = 0;

	while (size < text.size && (json_is_digit(text.data[size]) ||
				    (text.data[size] != '\0' &&
				     strchr("+-.eE", text.data[size]) != NULL)))
		size++;
	return (struct span){text.data, size};
}

static enum err_code scan_number(struct scan *scan)
{
	struct span number = json_number_run(
		(struct span){scan->text + scan->at, scan->size - scan->at});

	if (number.size > JSON_NUMBER_SIZE_MAX || !number_is_valid(number)) {
		enum err_code code = scan_fault(scan, FAULT_BAD_NUMBER);

		fault_value(scan->fault, number);
		return code;
	}
	scan->at += number.size;
	return ERR_OK;
}

static enum err_code scan_word(struct scan *scan, const char *word)
{
	struct span rest = {scan->text + scan->at, scan->size - scan->at};

	if (!span_starts(rest, word))
		return scan_fault(scan, FAULT_JSON_VALUE);
	scan->at += strlen(word);
	return ERR_OK;
}

/*
 * Behind a member or an entry: the closing bracket @close (taken), or a comma
 * (taken, with the blanks behind it).
 */
static enum err_code scan_comma(struct scan *scan, char close, bool *ret_ended)
{
	skip_blanks(scan);
	if (peek(scan) != close && peek(scan) != ',')
		return scan_lacks(scan, FAULT_JSON_COMMA);
	*ret_ended = peek(scan) == close;
	scan->at++;
	if (!*ret_ended)
		skip_blanks(scan);
	return ERR_OK;
}

/* Behind an opening bracket: true, and taken, if it closes at once. */
static bool scan_closes(struct scan *scan, char close)
{
	skip_blanks(scan);
	if (peek(scan) != close)
		return false;
	scan->at++;
	return true;
}

static enum err_code scan_member(struct scan *scan, int depth)
{
	enum err_code code;

	if (peek(scan) != '"')
		return scan_lacks(scan, FAULT_JSON_KEY);
	code = scan_string(scan);
	if (code != ERR_OK)
		return code;
	skip_blanks(scan);
	if (peek(scan) != ':')
		return scan_lacks(scan, FAULT_JSON_COLON);
	scan->at++;
	skip_blanks(scan);
	return scan_value(scan, depth);
}

static enum err_code scan_object(struct scan *scan, int depth)
{
	bool has_ended;
	size_t count = 0;
	enum err_code code = ERR_OK;

	scan->at++;
	has_ended = scan_closes(scan, '}');
	while (!has_ended && code == ERR_OK) {
		if (count++ == JSON_MEMBERS_MAX) {
			code = scan_fault(scan, FAULT_TOO_MANY_KEYS);
			scan->fault->high = JSON_MEMBERS_MAX;
			return code;
		}
		code = scan_member(scan, depth);
		if (code == ERR_OK)
			code = scan_comma(scan, '}', &has_ended);
	}
	return code;
}

static enum err_code scan_list(struct scan *scan, int depth)
{
	bool has_ended;
	enum err_code code = ERR_OK;

	scan->at++;
	has_ended = scan_closes(scan, ']');
	while (!has_ended && code == ERR_OK) {
		code = scan_value(scan, depth);
		if (code == ERR_OK)
			code = scan_comma(scan, ']', &has_ended);
	}
	return code;
}

static enum err_code scan_nested(struct scan *scan, int depth)
{
	enum err_code code;

	if (depth == JSON_DEPTH_MAX) {
		code = scan_fault(scan, FAULT_TOO_DEEP);
		scan->fault->high = JSON_DEPTH_MAX;
		return code;
	}
	return peek(scan) == '{' ? scan_object(scan, depth + 1)
				 : scan_list(scan, depth + 1);
}

/* One value, inside @depth brackets. The recursion ends at JSON_DEPTH_MAX. */
static enum err_code scan_value(struct scan *scan, int depth)
{
	int c = peek(scan);

	if (scan->places_count == scan->places_max)
		return scan_fault(scan, FAULT_TOO_MUCH);
	scan->places[scan->places_count++] = (uint32_t)(scan->at + 1);
	if (c == '{' || c == '[')
		return scan_nested(scan, depth);
	if (c == '"')
		return scan_string(scan);
	if ((c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.')
		return scan_number(scan);
	if (c == 't')
		return scan_word(scan, "true");
	if (c == 'f')
		return scan_word(scan, "false");
	if (c == 'n')
		return scan_word(scan, "null");
	return scan_lacks(scan, FAULT_JSON_VALUE);
}

enum err_code json_scan(struct span text, uint32_t *places, size_t places_max,
			size_t *ret_count, struct fault *fault)
{
	struct scan scan = {
		.text = text.data,
		.size = text.size,
		.places = places,
		.places_max = places_max,
		.fault = fault,
	};
	enum err_code code;

	skip_blanks(&scan);
	if (scan.at == scan.size)
		return fault_set(fault, FAULT_JSON_EMPTY);
	code = scan_value(&scan, 0);
	if (code != ERR_OK)
		return code;
	skip_blanks(&scan);
	if (scan.at < scan.size)
		return scan_fault(&scan, FAULT_JSON_TRAILING);
	*ret_count = scan.places_count;
	return ERR_OK;
}
