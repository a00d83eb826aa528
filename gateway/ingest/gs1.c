#include "gateway/ingest/gs1.h"

#include <string.h>

#include "gateway/ingest/gs1_build.h"

static struct span text_part(const struct gs1_message *message, size_t from,
			     size_t to)
{
	return (struct span){message->text + from, to - from};
}

/* ---- building ---- */

void gs1_build_begin(struct gs1_message *message)
{
	message->size = 0;
	message->element_count = 0;
	message->is_composite = false;
	message->is_link = false;
	message->composite_at = 0;
	message->warning_count = 0;
	message->problem.fault = SCAN_OK;
}

/* Where @value is in the message's text, or the text's end if it is not. */
static size_t offset_of(const struct gs1_message *message, struct span value)
{
	uintptr_t offset = (uintptr_t)value.data - (uintptr_t)message->text;

	return offset < message->size ? offset : message->size;
}

static void problem_set(struct gs1_message *message,
			struct scan_problem *problem, enum scan_fault fault,
			struct span ai, struct span value)
{
	const struct gs1_ai *row = gs1_ai_exact(ai);
	size_t offset = offset_of(message, value);

	scan_problem_set(problem, fault, ai, value);
	problem->title = row == NULL ? NULL : row->title;
	problem->at = (uint16_t)(offset > 0 ? offset - 1 : 0);
}

bool gs1_build_fail(struct gs1_message *message, enum scan_fault fault,
		    struct span ai, struct span value)
{
	problem_set(message, &message->problem, fault, ai, value);
	return false;
}

struct scan_problem *gs1_warn(struct gs1_message *message,
			      enum scan_fault fault, struct span ai,
			      struct span value)
{
	struct scan_problem *warning;

	if (message->warning_count == GS1_WARNINGS_MAX)
		return NULL;
	warning = &message->warnings[message->warning_count++];
	problem_set(message, warning, fault, ai, value);
	return warning;
}

bool gs1_build_text(struct gs1_message *message, struct span text)
{
	if (text.size > GS1_TEXT_SIZE_MAX - (size_t)message->size)
		return gs1_build_fail(message, SCAN_TOO_LONG,
				      (struct span){NULL, 0}, text);
	if (text.size > 0)
		memcpy(message->text + message->size, text.data, text.size);
	message->size = (uint16_t)(message->size + text.size);
	return true;
}

static bool build_char(struct gs1_message *message, char c)
{
	return gs1_build_text(message, (struct span){&c, 1});
}

bool gs1_build_composite(struct gs1_message *message)
{
	message->is_composite = true;
	message->composite_at = message->element_count;
	return build_char(message, '|');
}

/* Notes the element whose value stands at @at, after all checks of it. */
static bool element_add(struct gs1_message *message, const struct gs1_ai *row,
			size_t at, size_t size,
			const struct gs1_options *options)
{
	struct span ai = text_part(message, at - row->digits, at);
	struct span value = text_part(message, at, at + size);
	enum scan_fault fault = gs1_ai_check(row, value, options->year);

	if (fault != SCAN_OK)
		return gs1_build_fail(message, fault, ai, value);
	if (message->element_count == GS1_ELEMENTS_MAX)
		return gs1_build_fail(message, SCAN_TOO_MANY_AIS, ai, value);
	message->elements[message->element_count++] = (struct gs1_element){
		.ai = row,
		.at = (uint16_t)at,
		.size = (uint16_t)size,
	};
	return true;
}

/* True where FNC1 has to precede the next element. */
static bool is_fnc1_due(const struct gs1_message *message)
{
	unsigned count = message->element_count;

	if (count == (message->is_composite ? message->composite_at : 0u))
		return true;
	return message->elements[count - 1].ai->flags & GS1_AI_NEEDS_FNC1;
}

bool gs1_build_element(struct gs1_message *message, const struct gs1_ai *row,
		       struct span ai, struct span value,
		       const struct gs1_options *options)
{
	if (is_fnc1_due(message) && !build_char(message, GS1_FNC1))
		return false;
	if (!gs1_build_text(message, ai) || !gs1_build_text(message, value))
		return false;
	return element_add(message, row, message->size - value.size, value.size,
			   options);
}

/* ---- element strings ---- */

/* Copies @text with every separator as FNC1. */
static bool copy_normalised(struct gs1_message *message, struct span text,
			    char fnc1, struct span separator)
{
	struct span none = {NULL, 0};
	char *out = message->text + message->size;
	size_t i = 0;

	if (text.size > GS1_TEXT_SIZE_MAX - (size_t)message->size)
		return gs1_build_fail(message, SCAN_TOO_LONG, none, text);
	while (i < text.size) {
		struct span rest = {text.data + i, separator.size};
		bool is_separator = separator.size > 0 &&
				    text.size - i >= separator.size &&
				    span_equal(rest, separator);

		if (!is_separator && text.data[i] == GS1_FNC1 &&
		    fnc1 != GS1_FNC1)
			return gs1_build_fail(message, SCAN_BAD_CHARACTER, none,
					      text);
		*out++ = is_separator || text.data[i] == fnc1 ? GS1_FNC1
							      : text.data[i];
		i += is_separator ? separator.size : 1;
	}
	message->size = (uint16_t)(out - message->text);
	return true;
}

static const struct gs1_ai *row_of(struct span text,
				   const struct gs1_options *options)
{
	const struct gs1_ai *row = gs1_ai_find(text);

	if (row == NULL && options->are_unknown_ais_allowed)
		row = gs1_ai_unknown(text, true);
	return row;
}

/*
 * Reads the element at *@at and moves it behind the element and one FNC1. A
 * value of predefined size ends there even without FNC1.
 */
static bool element_walk(struct gs1_message *message, size_t *at,
			 const struct gs1_options *options)
{
	struct span rest = text_part(message, *at, message->size);
	const struct gs1_ai *row = row_of(rest, options);
	const char *end;
	size_t size;

	if (row == NULL)
		return gs1_build_fail(message, SCAN_UNKNOWN_AI,
				      (struct span){NULL, 0}, rest);
	*at += row->digits;
	rest = text_part(message, *at, message->size);
	end = rest.size == 0 ? NULL : memchr(rest.data, GS1_FNC1, rest.size);
	size = end == NULL ? rest.size : (size_t)(end - rest.data);
	if (!(row->flags & GS1_AI_NEEDS_FNC1) && size > gs1_ai_size_max(row))
		size = gs1_ai_size_max(row);
	if (!element_add(message, row, *at, size, options))
		return false;
	*at += size;
	if (*at < message->size && message->text[*at] == GS1_FNC1)
		(*at)++;
	return true;
}

bool gs1_build_elements(struct gs1_message *message, struct span text,
			char fnc1, const struct gs1_options *options)
{
	size_t at;

	if (!build_char(message, GS1_FNC1))
		return false;
	at = message->size;
	if (!copy_normalised(message, text, fnc1, options->separator))
		return false;
	if (at == message->size)
		return gs1_build_fail(message, SCAN_EMPTY,
				      (struct span){NULL, 0}, text);
	while (at < message->size)
		if (!element_walk(message, &at, options))
			return false;
	return true;
}

/* Splits @text at its first '|'; false if there is none. */
static bool split_composite(struct span text, struct span *ret_first,
			    struct span *ret_second)
{
	const char *bar =
		text.size == 0 ? NULL : memchr(text.data, '|', text.size);

	*ret_first = text;
	if (bar == NULL)
		return false;
	ret_first->size = (size_t)(bar - text.data);
	*ret_second = (struct span){bar + 1, text.size - ret_first->size - 1};
	return true;
}

static bool read_component(struct gs1_message *message, struct span text,
			   char fnc1, const struct gs1_options *options)
{
	if (text.size == 0 || text.data[0] != fnc1)
		return gs1_build_fail(message, SCAN_BAD_SYNTAX,
				      (struct span){NULL, 0}, text);
	text.data++;
	text.size--;
	return gs1_build_elements(message, text, fnc1, options);
}

bool gs1_read_elements(struct span text, char fnc1,
		       const struct gs1_options *options,
		       struct gs1_message *ret_message)
{
	struct span first;
	struct span second;
	bool is_composite = split_composite(text, &first, &second);
	bool is_bare =
		is_composite && (first.size == 0 || first.data[0] != fnc1);

	gs1_build_begin(ret_message);
	if (is_bare ? !gs1_build_text(ret_message, first)
		    : !read_component(ret_message, first, fnc1, options))
		return false;
	if (is_composite &&
	    (!gs1_build_composite(ret_message) ||
	     !read_component(ret_message, second, fnc1, options)))
		return false;
	return gs1_build_end(ret_message, options);
}

/* ---- brackets ---- */

/* Takes the AI in brackets off @text. */
static bool take_ai(struct gs1_message *message, struct span *text,
		    const struct gs1_options *options, struct span *ret_ai,
		    const struct gs1_ai **ret_row)
{
	const char *end = memchr(text->data, ')', text->size);

	if (text->data[0] != '(' || end == NULL)
		return gs1_build_fail(message, SCAN_BAD_SYNTAX,
				      (struct span){NULL, 0}, *text);
	*ret_ai = (struct span){text->data + 1, (size_t)(end - text->data) - 1};
	*ret_row = gs1_ai_exact(*ret_ai);
	if (*ret_row == NULL && options->are_unknown_ais_allowed)
		*ret_row = gs1_ai_unknown(*ret_ai, false);
	if (*ret_row == NULL)
		return gs1_build_fail(message, SCAN_UNKNOWN_AI,
				      (struct span){NULL, 0}, *ret_ai);
	text->size -= ret_ai->size + 2;
	text->data += ret_ai->size + 2;
	return true;
}

/* Takes the value up to the next '(' that has no '\' in front of it, which it
 * copies to @buffer without those '\'; at most one byte more than any value
 * may have. */
static struct span take_value(struct span *text,
			      char buffer[GS1_VALUE_SIZE_MAX + 1])
{
	struct span value = {buffer, 0};
	size_t i = 0;

	for (; i < text->size; i++) {
		char c = text->data[i];

		if (c == '(')
			break;
		if (c == '\\' && i + 1 < text->size && text->data[i + 1] == '(')
			c = text->data[++i];
		if (value.size <= GS1_VALUE_SIZE_MAX)
			buffer[value.size++] = c;
	}
	text->data += i;
	text->size -= i;
	return value;
}

static bool read_bracketed(struct gs1_message *message, struct span text,
			   const struct gs1_options *options)
{
	if (text.size == 0)
		return gs1_build_fail(message, SCAN_EMPTY,
				      (struct span){NULL, 0}, text);
	while (text.size > 0) {
		char buffer[GS1_VALUE_SIZE_MAX + 1];
		const struct gs1_ai *row;
		struct span ai;

		if (!take_ai(message, &text, options, &ai, &row) ||
		    !gs1_build_element(message, row, ai,
				       take_value(&text, buffer), options))
			return false;
	}
	return true;
}

bool gs1_read_brackets(struct span text, const struct gs1_options *options,
		       struct gs1_message *ret_message)
{
	struct span first;
	struct span second;
	bool is_composite = split_composite(text, &first, &second);

	gs1_build_begin(ret_message);
	if (!read_bracketed(ret_message, first, options))
		return false;
	if (is_composite && (!gs1_build_composite(ret_message) ||
			     !read_bracketed(ret_message, second, options)))
		return false;
	return gs1_build_end(ret_message, options);
}

void gs1_from_key(struct span ai, struct span value,
		  struct gs1_message *ret_message)
{
	static const struct gs1_options options = {0};

	bool is_built;

	gs1_build_begin(ret_message);
	is_built = gs1_build_element(ret_message, gs1_ai_exact(ai), ai, value,
				     &options);
	ASSERT(is_built);
}

/* ---- what a message says ---- */

struct span gs1_ai_of(const struct gs1_message *message,
		      const struct gs1_element *element)
{
	return text_part(message, (size_t)element->at - element->ai->digits,
			 element->at);
}

struct span gs1_value_of(const struct gs1_message *message,
			 const struct gs1_element *element)
{
	return text_part(message, element->at,
			 (size_t)element->at + element->size);
}

unsigned gs1_decimals_of(const struct gs1_message *message,
			 const struct gs1_element *element)
{
	if (!(element->ai->flags & GS1_AI_HAS_DECIMALS))
		return 0;
	return (unsigned)(message->text[element->at - 1] - '0');
}

const struct gs1_element *gs1_find(const struct gs1_message *message,
				   const char *ai)
{
	struct span wanted = span_of(ai);

	for (size_t i = 0; i < message->element_count; i++) {
		const struct gs1_element *element = &message->elements[i];
		struct span found = gs1_ai_of(message, element);

		/* Most differ in the first two digits already. */
		if (found.size == wanted.size &&
		    found.data[0] == wanted.data[0] &&
		    found.data[1] == wanted.data[1] &&
		    span_equal(found, wanted))
			return element;
	}
	return NULL;
}

struct span gs1_text_of(const struct gs1_message *message)
{
	return text_part(message, 0, message->size);
}

/* ---- writing ---- */

struct output {
	char *data;
	size_t size;
	size_t capacity;
	bool has_failed;
};

static void put(struct output *output, char c)
{
	if (output->size < output->capacity)
		output->data[output->size++] = c;
	else
		output->has_failed = true;
}

static void put_value(struct output *output, struct span value)
{
	for (size_t i = 0; i < value.size; i++) {
		if (value.data[i] == '(')
			put(output, '\\');
		put(output, value.data[i]);
	}
}

bool gs1_write_brackets(const struct gs1_message *message, char *buffer,
			size_t size, size_t *ret_size)
{
	struct output output = {.data = buffer, .capacity = size};

	for (size_t i = 0; i < message->element_count; i++) {
		const struct gs1_element *element = &message->elements[i];
		struct span ai = gs1_ai_of(message, element);

		if (message->is_composite && i == message->composite_at)
			put(&output, '|');
		put(&output, '(');
		put_value(&output, ai);
		put(&output, ')');
		put_value(&output, gs1_value_of(message, element));
	}
	if (output.has_failed)
		return false;
	*ret_size = output.size;
	return true;
}
