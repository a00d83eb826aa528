/*
 * Compressed links: the path ends in base 64 of a string of bits. In it each
 * element is its AI as decimal digits of four bits, or one byte that stands
 * for a usual pair of AIs, and then its value, part by part: digits as one
 * binary number, other text in the narrowest of five encodings.
 */
#include <string.h>

#include "gateway/ingest/gs1_build.h"
#include "gateway/ingest/gs1_chars.h"
#include "gateway/ingest/gs1_link.h"
#include "gateway/ingest/gs1_link_parts.h"

struct bits {
	struct span text; /* base 64, six bits each */
	size_t at;        /* in bits */
	bool has_failed;
};

static unsigned base64_place(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (gs1_is_digit(c))
		return (unsigned)(c - '0') + 52;
	return c == '-' ? 62 : 63;
}

static size_t bits_left(const struct bits *bits)
{
	return bits->has_failed ? 0 : bits->text.size * 6 - bits->at;
}

/* The next @count bits, up to 16, as a number. */
static unsigned take_bits(struct bits *bits, size_t count)
{
	unsigned value = 0;

	if (bits_left(bits) < count) {
		bits->has_failed = true;
		return 0;
	}
	for (size_t i = 0; i < count; i++, bits->at++) {
		unsigned six = base64_place(bits->text.data[bits->at / 6]);

		value = value << 1 | (six >> (5 - bits->at % 6) & 1);
	}
	return value;
}

/* Bits for a number of up to @max. */
static size_t length_bits(size_t max)
{
	size_t count = 0;

	for (; max > 0; max /= 2)
		count++;
	return count;
}

/* Bits for @digits digits: digits times log2(10), and at least one. */
static size_t value_bits(size_t digits)
{
	return (digits * 3321928 + 10000 + 999999) / 1000000;
}

struct value {
	char text[GS1_VALUE_SIZE_MAX];
	size_t size;
};

/* Appends @digits digits, which are one binary number. */
static void take_number(struct bits *bits, size_t digits, struct value *value)
{
	char *out = value->text + value->size;

	memset(out, '0', digits);
	for (size_t bit = value_bits(digits); bit > 0; bit--) {
		unsigned carry = take_bits(bits, 1);

		for (size_t i = digits; i > 0; i--) {
			carry += (unsigned)(out[i - 1] - '0') * 2;
			out[i - 1] = (char)('0' + carry % 10);
			carry /= 10;
		}
		if (carry > 0)
			bits->has_failed = true;
	}
	value->size += digits;
}

/* Bits of a character by encoding; number 0 is digits. */
static const size_t character_bits[] = {0, 4, 4, 6, 7};

static void take_text(struct bits *bits, unsigned encoding, size_t size,
		      struct value *value)
{
	static const char lower[] = "0123456789abcdef";
	static const char upper[] = "0123456789ABCDEF";
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
				     "opqrstuvwxyz0123456789-_";

	if (encoding == 0) {
		take_number(bits, size, value);
		return;
	}
	if (encoding >= ARRAY_LEN(character_bits)) {
		bits->has_failed = true;
		return;
	}
	for (size_t i = 0; i < size; i++) {
		unsigned c = take_bits(bits, character_bits[encoding]);

		value->text[value->size++] = encoding == 1   ? lower[c]
					     : encoding == 2 ? upper[c]
					     : encoding == 3 ? base64[c]
							     : (char)c;
	}
}

static bool is_fixed(const struct gs1_component *component)
{
	return !component->is_optional &&
	       component->size_min == component->size_max;
}

/*
 * The standard's own table of formats merges neighbours: fixed digits with
 * fixed digits, optional digits with each other, text with text. Adds the
 * components from @at on that are one there, and returns how many.
 */
static size_t merge_components(const struct gs1_ai *row, size_t at,
			       bool *ret_is_fixed, size_t *ret_size)
{
	const struct gs1_component *first = &row->components[at];
	bool is_digits = first->set == GS1_DIGITS;
	bool all_fixed = is_fixed(first);
	size_t size = first->size_max;
	size_t count = 1;

	while (at + count < GS1_COMPONENTS_MAX) {
		const struct gs1_component *next = first + count;

		if (next->size_max == 0 ||
		    (next->set == GS1_DIGITS) != is_digits ||
		    (is_digits && is_fixed(next) != all_fixed))
			break;
		all_fixed = all_fixed && is_fixed(next);
		size += next->size_max;
		count++;
	}
	*ret_is_fixed = all_fixed;
	*ret_size = size;
	return count;
}

static void take_value(struct bits *bits, const struct gs1_ai *row,
		       struct value *value)
{
	size_t at = 0;

	value->size = 0;
	while (at < GS1_COMPONENTS_MAX && row->components[at].size_max > 0) {
		bool is_digits = row->components[at].set == GS1_DIGITS;
		unsigned encoding = 0;
		size_t size;
		size_t max;
		bool has_fixed_size;

		at += merge_components(row, at, &has_fixed_size, &max);
		if (!is_digits)
			encoding = take_bits(bits, 3);
		size = has_fixed_size ? max : take_bits(bits, length_bits(max));
		if (size > max || bits->has_failed) {
			bits->has_failed = true;
			return;
		}
		take_text(bits, encoding, size, value);
	}
}

static bool has_ai(const struct gs1_message *message, struct span ai)
{
	for (size_t i = 0; i < message->element_count; i++)
		if (span_equal(gs1_ai_of(message, &message->elements[i]), ai))
			return true;
	return false;
}

static bool add_element(struct gs1_message *message, struct bits *bits,
			struct span ai, const struct gs1_options *options)
{
	const struct gs1_ai *row = gs1_ai_exact(ai);
	struct value value;

	if (row == NULL)
		return gs1_build_fail(message, SCAN_UNKNOWN_AI,
				      (struct span){NULL, 0}, ai);
	if (has_ai(message, ai)) /* as in any link */
		return gs1_build_fail(message, SCAN_BAD_LINK_ATTRIBUTE, ai,
				      (struct span){NULL, 0});
	take_value(bits, row, &value);
	if (bits->has_failed)
		return gs1_build_fail(message, SCAN_BAD_LENGTH, ai,
				      (struct span){NULL, 0});
	return gs1_build_element(message, row, ai,
				 (struct span){value.text, value.size},
				 options);
}

/* The pairs that one byte stands for. A row is a run of codes whose second AI
 * counts up by one, or a single code. */
static const struct {
	uint8_t first;
	uint8_t last;
	char ai[5];
	char second[5];
} pairs[] = {
	{0x0a, 0x0a, "01", "22"},     {0x0b, 0x0b, "01", "10"},
	{0x0c, 0x0c, "01", "21"},     {0x0d, 0x0d, "01", "17"},
	{0x0e, 0x0e, "01", "7003"},   {0x0f, 0x0f, "01", "30"},
	{0x1b, 0x1b, "01", "15"},     {0x1c, 0x1c, "01", "11"},
	{0x1d, 0x1d, "01", "16"},     {0x1e, 0x1e, "01", "91"},
	{0x2a, 0x2f, "01", "3100"},   {0x3a, 0x3f, "01", "3200"},
	{0x9a, 0x9a, "8010", "8011"}, {0x9b, 0x9b, "8017", "8019"},
	{0x9c, 0x9c, "8018", "8019"}, {0x9d, 0x9d, "414", "254"},
	{0xa0, 0xa9, "01", "3920"},   {0xc0, 0xc9, "255", "3900"},
	{0xca, 0xcd, "255", "3940"},
};

/* Writes what @code stands for, up to four AIs; 0 if it stands for nothing. */
static size_t code_ais(unsigned code, char ais[4][GS1_AI_SIZE_MAX + 1])
{
	static const char gtin_lot[][5] = {"01", "10", "21", "17"};
	static const char gtin_lot_best[][5] = {"01", "10", "15"};

	if (code == 0x1a) {
		memcpy(ais, gtin_lot, sizeof(gtin_lot));
		return ARRAY_LEN(gtin_lot);
	}
	if (code == 0x1f) {
		memcpy(ais, gtin_lot_best, sizeof(gtin_lot_best));
		return ARRAY_LEN(gtin_lot_best);
	}
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		if (code < pairs[i].first || code > pairs[i].last)
			continue;
		memcpy(ais[0], pairs[i].ai, sizeof(pairs[i].ai));
		memcpy(ais[1], pairs[i].second, sizeof(pairs[i].second));
		/* Runs start at a 0 and are ten at most. */
		ais[1][strlen(ais[1]) - 1] =
			(char)(ais[1][strlen(ais[1]) - 1] +
			       (int)(code - pairs[i].first));
		return 2;
	}
	return 0;
}

static bool add_coded(struct gs1_message *message, struct bits *bits,
		      unsigned code, const struct gs1_options *options)
{
	char ais[4][GS1_AI_SIZE_MAX + 1];
	size_t count = code_ais(code, ais);

	for (size_t i = 0; i < count; i++)
		if (!add_element(message, bits, span_of(ais[i]), options))
			return false;
	return count > 0 || gs1_build_fail(message, SCAN_LINK_WITHOUT_KEY,
					   (struct span){NULL, 0}, bits->text);
}

/* Reads on until the digits after @code are an AI. */
static bool add_plain(struct gs1_message *message, struct bits *bits,
		      unsigned code, const struct gs1_options *options)
{
	char digits[GS1_AI_SIZE_MAX] = {(char)('0' + (code >> 4)),
					(char)('0' + (code & 15))};
	struct span ai = {digits, 2};

	while (gs1_ai_exact(ai) == NULL && ai.size < GS1_AI_SIZE_MAX)
		digits[ai.size++] = (char)('0' + take_bits(bits, 4));
	return add_element(message, bits, ai, options);
}

/* Passes over "name=value" that is not GS1's: the name's size in seven bits,
 * four of them in @code, the name, encoding, size, value. */
static void skip_other(struct bits *bits, unsigned code)
{
	size_t name_size = (code & 15) << 3 | take_bits(bits, 3);
	struct value value = {.size = 0};
	unsigned encoding;
	size_t size;

	for (size_t i = 0; i < name_size; i++)
		(void)take_bits(bits, 6);
	encoding = take_bits(bits, 3);
	size = take_bits(bits, 7);
	if (size > sizeof(value.text))
		bits->has_failed = true;
	else
		take_text(bits, encoding, size, &value);
}

static bool add_all(struct gs1_message *message, struct bits *bits,
		    const struct gs1_options *options)
{
	/* Up to eight bits fill up the last characters. */
	while (bits_left(bits) > 8) {
		unsigned code = take_bits(bits, 8);

		if (code >> 4 == 15)
			skip_other(bits, code);
		else if (code >> 4 > 9 || (code & 15) > 9
				 ? !add_coded(message, bits, code, options)
				 : !add_plain(message, bits, code, options))
			return false;
	}
	return true;
}

static bool copy_element(struct gs1_message *message,
			 const struct gs1_message *from,
			 const struct gs1_element *element, size_t path,
			 const struct gs1_options *options)
{
	if (!gs1_build_element(message, element->ai, gs1_ai_of(from, element),
			       gs1_value_of(from, element), options))
		return false;
	message->elements[message->element_count - 1].path = (uint8_t)path;
	return true;
}

/* The element with the lowest AI that is not @done yet, or NULL. */
static const struct gs1_element *lowest(const struct gs1_message *from,
					const bool *done)
{
	const struct gs1_element *found = NULL;

	for (size_t i = 0; i < from->element_count; i++) {
		const struct gs1_element *element = &from->elements[i];

		if (!done[i] &&
		    (found == NULL || span_compare(gs1_ai_of(from, element),
						   gs1_ai_of(from, found)) < 0))
			found = element;
	}
	return found;
}

/*
 * Copies the elements as they stand in the link that was compressed: the key,
 * its qualifiers, the attributes. The bits have them in any order.
 */
static bool copy_in_order(struct gs1_message *message,
			  const struct gs1_message *from,
			  const struct gs1_options *options)
{
	const struct gs1_element *path[GS1_LINK_PATH_MAX];
	size_t path_count = gs1_link_path(from, path);
	bool done[GS1_ELEMENTS_MAX] = {false};
	const struct gs1_element *element;

	if (path_count == 0)
		return gs1_build_fail(message, SCAN_LINK_WITHOUT_KEY,
				      (struct span){NULL, 0},
				      gs1_text_of(from));
	for (size_t i = 0; i < path_count; i++) {
		if (!copy_element(message, from, path[i], i + 1, options))
			return false;
		done[path[i] - from->elements] = true;
	}
	while ((element = lowest(from, done)) != NULL) {
		if (!copy_element(message, from, element, 0, options))
			return false;
		done[element - from->elements] = true;
	}
	return gs1_build_end(message, options);
}

bool gs1_link_read_compressed(struct span link,
			      const struct gs1_options *options,
			      struct gs1_message *ret_message)
{
	struct span nothing = {NULL, 0};
	struct gs1_message found;
	struct bits bits = {.at = 0};
	struct span path;
	struct span query;
	size_t size = 0;

	gs1_build_begin(&found);
	gs1_build_begin(ret_message);
	ret_message->is_link = true;
	if (!gs1_link_split(link, &path, &query))
		return gs1_build_fail(ret_message, SCAN_BAD_LINK, nothing,
				      link);
	while (gs1_is_cset64(path.data[path.size - size - 1]))
		size++;
	if (path.data[path.size - size - 1] != '/')
		size = 0;
	bits.text = (struct span){path.data + path.size - size, size};
	if (!add_all(&found, &bits, options)) {
		ret_message->problem = found.problem;
		return false;
	}
	if (bits.has_failed)
		return gs1_build_fail(ret_message, SCAN_LINK_WITHOUT_KEY,
				      nothing, link);
	return copy_in_order(ret_message, &found, options);
}
