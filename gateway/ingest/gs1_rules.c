/*
 * What elements of one message say about each other: pairs that exclude each
 * other, repeats, associations, and separators that got lost.
 */
#include <string.h>

#include "gateway/ingest/gs1_build.h"

/* The patterns that elements are looked for by may have n for any digit. */
static bool pattern_fits(struct span pattern, struct span ai)
{
	if (pattern.size != ai.size)
		return false;
	for (size_t i = 0; i < ai.size; i++)
		if (pattern.data[i] != 'n' && pattern.data[i] != ai.data[i])
			return false;
	return true;
}

/* An element that fits @pattern and has another AI than @element, or NULL. */
static const struct gs1_element *
other_fitting(const struct gs1_message *message,
	      const struct gs1_element *element, struct span pattern)
{
	struct span own = gs1_ai_of(message, element);

	for (size_t i = 0; i < message->element_count; i++) {
		const struct gs1_element *other = &message->elements[i];
		struct span ai = gs1_ai_of(message, other);

		if (pattern_fits(pattern, ai) && !span_equal(ai, own))
			return other;
	}
	return NULL;
}

/* Takes what stands before the next @delimiter off @list; false at its end. */
static bool take_item(struct span *list, char delimiter, struct span *ret_item)
{
	const char *end;

	if (list->size == 0)
		return false;
	end = memchr(list->data, delimiter, list->size);
	*ret_item = *list;
	if (end != NULL)
		ret_item->size = (size_t)(end - list->data);
	list->data += ret_item->size + (end != NULL);
	list->size -= ret_item->size + (end != NULL);
	return true;
}

static bool exclusion_check(struct gs1_message *message,
			    const struct gs1_element *element)
{
	struct span list;
	struct span pattern;

	if (element->ai->excludes == NULL)
		return true;
	list = span_of(element->ai->excludes);
	while (take_item(&list, ',', &pattern)) {
		const struct gs1_element *other =
			other_fitting(message, element, pattern);

		if (other == NULL)
			continue;
		(void)gs1_build_fail(message, SCAN_EXCLUSIVE_PAIR,
				     gs1_ai_of(message, element),
				     gs1_value_of(message, element));
		text_print(gs1_ai_of(message, other), message->problem.other_ai,
			   sizeof(message->problem.other_ai));
		return false;
	}
	return true;
}

static bool repeat_check(struct gs1_message *message, size_t at)
{
	const struct gs1_element *element = &message->elements[at];
	struct span ai = gs1_ai_of(message, element);
	struct span value = gs1_value_of(message, element);

	for (size_t i = 0; i < at; i++) {
		const struct gs1_element *other = &message->elements[i];

		if (other->ai == element->ai &&
		    span_equal(gs1_ai_of(message, other), ai) &&
		    !span_equal(gs1_value_of(message, other), value))
			return gs1_build_fail(message, SCAN_REPEATED_AI, ai,
					      value);
	}
	return true;
}

/* A digital signature is about one thing, so its key must have a serial. */
static bool signature_check(struct gs1_message *message)
{
	static const char *const keys[] = {"253", "255", "8003"};

	if (gs1_find(message, "8030") == NULL)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct gs1_element *key = gs1_find(message, keys[i]);

		if (key != NULL && key->size == gs1_ai_size_min(key->ai))
			return gs1_build_fail(message, SCAN_MISSING_SERIAL,
					      gs1_ai_of(message, key),
					      gs1_value_of(message, key));
	}
	return true;
}

/* "01+21": all of them are there. */
static bool group_is_there(const struct gs1_message *message,
			   const struct gs1_element *element, struct span group)
{
	struct span pattern;

	while (take_item(&group, '+', &pattern))
		if (other_fitting(message, element, pattern) == NULL)
			return false;
	return true;
}

/* "01+21,00": one of the groups is there. */
static bool list_is_there(const struct gs1_message *message,
			  const struct gs1_element *element, struct span list)
{
	struct span group;

	while (take_item(&list, ',', &group))
		if (group_is_there(message, element, group))
			return true;
	return false;
}

static bool association_check(struct gs1_message *message,
			      const struct gs1_element *element,
			      const struct gs1_options *options)
{
	const char *needs = element->ai->needs;
	struct span ai = gs1_ai_of(message, element);
	struct span value = gs1_value_of(message, element);
	struct scan_problem *warning;
	struct span lists;
	struct span list;

	if (needs == NULL)
		return true;
	lists = span_of(needs);
	while (take_item(&lists, ' ', &list)) {
		if (list_is_there(message, element, list))
			continue;
		if (options->are_associations_required) {
			(void)gs1_build_fail(message, SCAN_MISSING_ASSOCIATION,
					     ai, value);
			message->problem.needs = needs;
			return false;
		}
		warning =
			gs1_warn(message, SCAN_MISSING_ASSOCIATION, ai, value);
		if (warning != NULL)
			warning->needs = needs;
		return true;
	}
	return true;
}

/* ---- lost separators ---- */

/*
 * What can be told from chance: an AI of predefined size whose value has a
 * date or a check digit. A lot that ends in "10ABC" is just a lot.
 */
static bool row_is_telling(const struct gs1_ai *row)
{
	uint8_t lint = row->components[0].lints[0];

	return !(row->flags & GS1_AI_NEEDS_FNC1) &&
	       (lint == LINT_YYMMD0 || lint == LINT_CSUM);
}

/* True if all of @tail reads as elements, of which the first is telling. */
static bool tail_reads(const struct gs1_message *message, struct span tail,
		       uint16_t year)
{
	bool is_first = true;

	while (tail.size > 0) {
		const struct gs1_ai *row = gs1_ai_find(tail);
		struct span ai = tail;
		struct span value;

		if (row == NULL || (is_first && !row_is_telling(row)))
			return false;
		ai.size = row->digits;
		for (size_t i = 0; i < message->element_count; i++)
			if (span_equal(gs1_ai_of(message,
						 &message->elements[i]),
				       ai))
				return false;
		value = (struct span){tail.data + ai.size, tail.size - ai.size};
		if (!(row->flags & GS1_AI_NEEDS_FNC1) &&
		    value.size > gs1_ai_size_max(row))
			value.size = gs1_ai_size_max(row);
		if (gs1_ai_check(row, value, year) != SCAN_OK)
			return false;
		tail.data += ai.size + value.size;
		tail.size -= ai.size + value.size;
		is_first = false;
	}
	return true;
}

/* Eight bytes are the least that tell: a two-digit AI and a date. */
#define TAIL_SIZE_MIN 8

static void separator_check(struct gs1_message *message,
			    const struct gs1_element *element, uint16_t year)
{
	struct span value = gs1_value_of(message, element);
	struct scan_problem *warning;

	if (!(element->ai->flags & GS1_AI_NEEDS_FNC1))
		return;
	for (size_t i = 1; i + TAIL_SIZE_MIN <= value.size; i++) {
		struct span tail = {value.data + i, value.size - i};

		if (!tail_reads(message, tail, year))
			continue;
		tail.size = gs1_ai_find(tail)->digits;
		warning = gs1_warn(message, SCAN_LOST_SEPARATOR,
				   gs1_ai_of(message, element), value);
		if (warning != NULL)
			text_print(tail, warning->other_ai,
				   sizeof(warning->other_ai));
		return;
	}
}

bool gs1_build_end(struct gs1_message *message,
		   const struct gs1_options *options)
{
	for (size_t i = 0; i < message->element_count; i++)
		if (!exclusion_check(message, &message->elements[i]) ||
		    !repeat_check(message, i))
			return false;
	if (!signature_check(message))
		return false;
	for (size_t i = 0; i < message->element_count; i++)
		if (!association_check(message, &message->elements[i], options))
			return false;
	for (size_t i = 0; i < message->element_count; i++)
		separator_check(message, &message->elements[i], options->year);
	return true;
}
