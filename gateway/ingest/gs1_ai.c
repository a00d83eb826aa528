#include "gateway/ingest/gs1_ai.h"

#include "gateway/ingest/gs1_chars.h"

/* Numbers are compared as if written with four digits: 01 is 0100 to 0199. */
static const uint16_t scale[] = {10000, 1000, 100, 10, 1};

static unsigned row_low(const struct gs1_ai *row)
{
	return (unsigned)row->first * scale[row->digits];
}

static unsigned row_high(const struct gs1_ai *row)
{
	return ((unsigned)row->last + 1) * scale[row->digits] - 1;
}

/* How many digits @text starts with, up to four, and their number as above. */
static size_t leading_digits(struct span text, unsigned *ret_number)
{
	unsigned number = 0;
	size_t count = 0;

	while (count < GS1_AI_SIZE_MAX && count < text.size &&
	       gs1_is_digit(text.data[count])) {
		number = number * 10 + (unsigned)(text.data[count] - '0');
		count++;
	}
	*ret_number = number * scale[count];
	return count;
}

/* The first row that ends at or after @number, or one past the last row. */
static const struct gs1_ai *row_at(unsigned number)
{
	size_t low = 0;
	size_t high = gs1_ai_table_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (row_high(&gs1_ai_table[middle]) < number)
			low = middle + 1;
		else
			high = middle;
	}
	return &gs1_ai_table[low];
}

static bool is_row(const struct gs1_ai *row)
{
	return row < gs1_ai_table + gs1_ai_table_count;
}

const struct gs1_ai *gs1_ai_find(struct span text)
{
	unsigned number;
	size_t digits = leading_digits(text, &number);
	const struct gs1_ai *row;

	if (digits < GS1_AI_SIZE_MIN)
		return NULL;
	row = row_at(number);
	if (!is_row(row) || row_low(row) > number || row->digits > digits)
		return NULL;
	return row;
}

const struct gs1_ai *gs1_ai_exact(struct span ai)
{
	const struct gs1_ai *row = gs1_ai_find(ai);

	return row != NULL && row->digits == ai.size ? row : NULL;
}

/* The digits of the AIs that start with the same two as @number, or 0. */
static size_t digits_by_prefix(unsigned number)
{
	unsigned prefix = number / 100;
	const struct gs1_ai *row = row_at(prefix * 100);

	return is_row(row) && row_low(row) / 100 == prefix ? row->digits : 0;
}

#define UNKNOWN(digits, flags, min)                                \
	{                                                          \
		(digits), GS1_AI_UNKNOWN | (flags), 0, 0,          \
			{{GS1_CSET82,                              \
			  (min),                                   \
			  (min) == 1 ? GS1_VALUE_SIZE_MAX : (min), \
			  false,                                   \
			  {LINT_NONE}}},                           \
			"", NULL, NULL, NULL                       \
	}

const struct gs1_ai *gs1_ai_unknown(struct span ai, bool is_prefix)
{
	static const struct gs1_ai variable[] = {
		UNKNOWN(2, GS1_AI_NEEDS_FNC1, 1),
		UNKNOWN(3, GS1_AI_NEEDS_FNC1, 1),
		UNKNOWN(4, GS1_AI_NEEDS_FNC1, 1),
	};
	/* General Specifications, figure 7.8.5-2: 31 to 36, and 41. */
	static const struct gs1_ai measure = UNKNOWN(4, 0, 6);
	static const struct gs1_ai location = UNKNOWN(3, 0, 13);
	unsigned number;
	size_t digits = leading_digits(ai, &number);
	size_t expected;

	if (digits < GS1_AI_SIZE_MIN || (!is_prefix && digits != ai.size) ||
	    gs1_ai_find(ai) != NULL)
		return NULL;
	expected = digits_by_prefix(number);
	if (expected == 0)
		return is_prefix ? NULL : &variable[digits - 2];
	if (is_prefix ? digits < expected : digits != expected)
		return NULL;
	if (expected == 3 && number / 100 == 41)
		return &location;
	if (expected == 4 && number / 100 >= 31 && number / 100 <= 36)
		return &measure;
	return &variable[expected - 2];
}

size_t gs1_ai_size_min(const struct gs1_ai *ai)
{
	size_t size = 0;

	for (size_t i = 0; i < GS1_COMPONENTS_MAX; i++)
		if (!ai->components[i].is_optional)
			size += ai->components[i].size_min;
	return size;
}

size_t gs1_ai_size_max(const struct gs1_ai *ai)
{
	size_t size = 0;

	for (size_t i = 0; i < GS1_COMPONENTS_MAX; i++)
		size += ai->components[i].size_max;
	return size;
}

/* Base 64 may end in one or two '=', then its size is a multiple of three. */
static bool is_cset64(struct span value)
{
	size_t size = value.size;

	while (size > 0 && value.data[size - 1] == '=')
		size--;
	if (size + 2 < value.size || (size < value.size && value.size % 3 != 0))
		return false;
	for (size_t i = 0; i < size; i++)
		if (!gs1_is_cset64(value.data[i]))
			return false;
	return true;
}

static bool is_in_set(struct span value, enum gs1_set set)
{
	if (set == GS1_CSET64)
		return is_cset64(value);
	for (size_t i = 0; i < value.size; i++) {
		char c = value.data[i];

		if (set == GS1_DIGITS   ? !gs1_is_digit(c)
		    : set == GS1_CSET82 ? gs1_cset82_place(c) < 0
					: !gs1_is_cset39(c))
			return false;
	}
	return true;
}

static enum scan_fault component_check(const struct gs1_component *component,
				       struct span value, uint16_t year)
{
	if (value.size < component->size_min)
		return SCAN_BAD_LENGTH;
	if (!is_in_set(value, component->set))
		return SCAN_BAD_CHARACTER;
	for (size_t i = 0; i < GS1_LINTS_MAX; i++) {
		enum scan_fault fault;

		if (component->lints[i] == LINT_NONE)
			break;
		fault = gs1_lint_run(component->lints[i], value, year);
		if (fault != SCAN_OK)
			return fault;
	}
	return SCAN_OK;
}

enum scan_fault gs1_ai_check(const struct gs1_ai *ai, struct span value,
			     uint16_t year)
{
	struct span rest = value;

	if (value.size < gs1_ai_size_min(ai) ||
	    value.size > gs1_ai_size_max(ai))
		return SCAN_BAD_LENGTH;
	for (size_t i = 0; i < GS1_COMPONENTS_MAX && rest.size > 0; i++) {
		const struct gs1_component *component = &ai->components[i];
		struct span part = rest;
		enum scan_fault fault;

		if (part.size > component->size_max)
			part.size = component->size_max;
		fault = component_check(component, part, year);
		if (fault != SCAN_OK)
			return fault;
		rest.data += part.size;
		rest.size -= part.size;
	}
	return SCAN_OK;
}
