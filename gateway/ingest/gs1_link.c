#include "gateway/ingest/gs1_link.h"

#include <string.h>

#include "gateway/ingest/gs1_build.h"
#include "gateway/ingest/gs1_chars.h"
#include "gateway/ingest/gs1_link_parts.h"

#define CANONICAL_STEM "https://id.gs1.org"

static const struct span nothing = {NULL, 0};

/* ---- the parts of a link ---- */

static const char *const schemes[] = {"https://", "HTTPS://", "http://",
				      "HTTP://"};

static size_t scheme_size(struct span text)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (span_starts(text, schemes[i]))
			return strlen(schemes[i]);
	return 0;
}

bool gs1_is_link(struct span text)
{
	return scheme_size(text) > 0;
}

static bool all_in(struct span text, const char *others)
{
	for (size_t i = 0; i < text.size; i++)
		if (!gs1_is_unreserved(text.data[i]) &&
		    (text.data[i] == '\0' ||
		     strchr(others, text.data[i]) == NULL))
			return false;
	return true;
}

/* Cuts @text at the first @mark and returns what follows it. */
static struct span cut(struct span *text, char mark)
{
	const char *at =
		text->size == 0 ? NULL : memchr(text->data, mark, text->size);
	struct span rest;

	if (at == NULL)
		return nothing;
	rest = (struct span){at + 1,
			     text->size - (size_t)(at - text->data) - 1};
	text->size = (size_t)(at - text->data);
	return rest;
}

bool gs1_link_split(struct span link, struct span *ret_path,
		    struct span *ret_query)
{
	size_t scheme = scheme_size(link);
	struct span domain = {link.data + scheme, link.size - scheme};
	struct span path = domain;
	struct span query;

	if (scheme == 0 || !all_in(link, ":/?#[]@!$&'()*+,;=%"))
		return false;
	(void)cut(&domain, '/');
	if (domain.size == 0 || domain.size == path.size)
		return false;
	for (size_t i = 0; i < domain.size; i++)
		if (strchr("_~?#@!$&'()*+,;=%", domain.data[i]) != NULL)
			return false;
	path.data += domain.size;
	path.size -= domain.size;
	(void)cut(&path, '#');
	query = cut(&path, '?');
	*ret_path = path;
	*ret_query = query;
	return true;
}

/* Takes "/segment" off the end of @path; false at its begin. */
static bool take_segment(struct span *path, struct span *ret_segment)
{
	size_t size = 0;

	while (size < path->size && path->data[path->size - size - 1] != '/')
		size++;
	if (size == path->size)
		return false;
	*ret_segment = (struct span){path->data + path->size - size, size};
	path->size -= size + 1;
	return true;
}

static const struct gs1_ai *row_of(struct span ai,
				   const struct gs1_options *options)
{
	const struct gs1_ai *row = gs1_ai_exact(ai);

	if (row == NULL && options->are_unknown_ais_allowed)
		row = gs1_ai_unknown(ai, false);
	return row;
}

/* Shortens @path at its front to "/KEY/VALUE/..." of the last key in it. */
static bool find_key(struct span *path, const struct gs1_options *options)
{
	struct span rest = *path;
	struct span segment;

	while (take_segment(&rest, &segment) && take_segment(&rest, &segment)) {
		const struct gs1_ai *row = row_of(segment, options);

		if (row == NULL)
			return false;
		if (row->qualifiers != NULL) {
			path->size -= rest.size;
			path->data += rest.size;
			return true;
		}
	}
	return false;
}

/* ---- values ---- */

/* Undoes percent encoding; what is none stays as it is. At most one byte more
 * than any value may have. */
static struct span decode(struct span text, bool is_query,
			  char buffer[GS1_VALUE_SIZE_MAX + 1])
{
	struct span value = {buffer, 0};

	for (size_t i = 0; i < text.size && value.size <= GS1_VALUE_SIZE_MAX;
	     i++) {
		char c = text.data[i];

		if (c == '%' && text.size - i > 2 &&
		    gs1_hex(text.data[i + 1]) >= 0 &&
		    gs1_hex(text.data[i + 2]) >= 0) {
			c = (char)(gs1_hex(text.data[i + 1]) << 4 |
				   gs1_hex(text.data[i + 2]));
			i += 2;
		} else if (c == '+' && is_query) {
			c = ' ';
		}
		buffer[value.size++] = c;
	}
	return value;
}

/* A GTIN-8, -12 or -13 with the zeros that older links leave out. */
static void pad_gtin(struct span *value, char buffer[GS1_VALUE_SIZE_MAX + 1])
{
	size_t missing;

	if (value->size != 8 && value->size != 12 && value->size != 13)
		return;
	missing = 14 - value->size;
	memmove(buffer + missing, buffer, value->size);
	memset(buffer, '0', missing);
	value->size = 14;
}

static bool add_pair(struct gs1_message *message, struct span ai,
		     struct span text, bool is_query,
		     const struct gs1_options *options)
{
	const struct gs1_ai *row = row_of(ai, options);
	char buffer[GS1_VALUE_SIZE_MAX + 1];
	struct span value;

	if (row == NULL)
		return gs1_build_fail(message, SCAN_UNKNOWN_AI, nothing, ai);
	value = decode(text, is_query, buffer);
	if (options->are_short_gtins_allowed && span_is(ai, "01"))
		pad_gtin(&value, buffer);
	return gs1_build_element(message, row, ai, value, options);
}

/* ---- keys and their qualifiers ---- */

/* Takes the next of "22,10,21" off @list. */
static bool take_qualifier(struct span *list, struct span *ret_qualifier)
{
	if (list->size == 0)
		return false;
	*ret_qualifier = *list;
	*list = cut(ret_qualifier, ',');
	return true;
}

/* True if the path of @message, behind its key, is some of @list in order. */
static bool path_fits(const struct gs1_message *message, struct span list)
{
	struct span qualifier;
	size_t at = 1;

	while (take_qualifier(&list, &qualifier))
		if (at < message->element_count &&
		    message->elements[at].path > 0 &&
		    span_equal(gs1_ai_of(message, &message->elements[at]),
			       qualifier))
			at++;
	return at == message->element_count || message->elements[at].path == 0;
}

static bool list_has(struct span list, struct span ai)
{
	struct span qualifier;

	while (take_qualifier(&list, &qualifier))
		if (span_equal(qualifier, ai))
			return true;
	return false;
}

/* True if one of the key's lists of qualifiers fits the path, and has @ai too
 * unless that is empty. */
static bool key_allows(const struct gs1_message *message, struct span ai)
{
	struct span lists = span_of(message->elements[0].ai->qualifiers);

	do {
		struct span list = lists;

		lists = cut(&list, '|');
		if (path_fits(message, list) &&
		    (ai.size == 0 || list_has(list, ai)))
			return true;
	} while (lists.size > 0);
	return false;
}

/* ---- reading ---- */

static bool read_path(struct gs1_message *message, struct span path,
		      const struct gs1_options *options)
{
	path.data++;
	path.size--;
	while (path.size > 0) {
		struct span ai = path;
		struct span value = cut(&ai, '/');

		path = cut(&value, '/');
		if (!add_pair(message, ai, value, false, options))
			return false;
		message->elements[message->element_count - 1].path =
			message->element_count;
	}
	if (!key_allows(message, nothing))
		return gs1_build_fail(message, SCAN_BAD_LINK_PATH,
				      gs1_ai_of(message, &message->elements[1]),
				      gs1_value_of(message,
						   &message->elements[1]));
	return true;
}

/* True for an attribute that must be an AI, also one without any name. */
static bool is_numeric(struct span name)
{
	for (size_t i = 0; i < name.size; i++)
		if (!gs1_is_digit(name.data[i]))
			return false;
	return true;
}

static bool read_query(struct gs1_message *message, struct span query,
		       const struct gs1_options *options)
{
	while (query.size > 0) {
		struct span ai = query;
		struct span value;

		query = cut(&ai, '&');
		value = cut(&ai, '=');
		/* A name alone has no value, not even an empty one. */
		if (value.data == NULL || !is_numeric(ai))
			continue;
		if (!add_pair(message, ai, value, true, options))
			return false;
	}
	return true;
}

static bool may_be_attribute(const struct gs1_ai *row,
			     const struct gs1_options *options)
{
	return row->flags & GS1_AI_UNKNOWN
		       ? options->are_unknown_attributes_allowed
		       : row->flags & GS1_AI_IN_LINK;
}

/* An attribute may not come twice, nor belong into the path. */
static bool attributes_check(struct gs1_message *message,
			     const struct gs1_options *options)
{
	for (size_t i = 0; i < message->element_count; i++) {
		const struct gs1_element *element = &message->elements[i];
		struct span ai = gs1_ai_of(message, element);
		bool is_twice = false;

		for (size_t k = 0; k < i; k++)
			is_twice |= span_equal(
				ai, gs1_ai_of(message, &message->elements[k]));
		if (is_twice || (element->path == 0 &&
				 (!may_be_attribute(element->ai, options) ||
				  key_allows(message, ai))))
			return gs1_build_fail(message, SCAN_BAD_LINK_ATTRIBUTE,
					      ai,
					      gs1_value_of(message, element));
	}
	return true;
}

bool gs1_link_read(struct span link, const struct gs1_options *options,
		   struct gs1_message *ret_message)
{
	struct span path;
	struct span query;

	gs1_build_begin(ret_message);
	ret_message->is_link = true;
	if (!gs1_link_split(link, &path, &query))
		return gs1_build_fail(ret_message, SCAN_BAD_LINK, nothing,
				      link);
	if (!find_key(&path, options))
		return gs1_build_fail(ret_message, SCAN_LINK_WITHOUT_KEY,
				      nothing, link);
	return read_path(ret_message, path, options) &&
	       read_query(ret_message, query, options) &&
	       attributes_check(ret_message, options) &&
	       gs1_build_end(ret_message, options);
}

/* ---- writing ---- */

struct plan {
	const struct gs1_message *message;
	const struct gs1_element *path[GS1_LINK_PATH_MAX];
	size_t path_count;
};

static const struct gs1_element *find_by_span(const struct gs1_message *message,
					      struct span ai)
{
	for (size_t i = 0; i < message->element_count; i++)
		if (span_equal(gs1_ai_of(message, &message->elements[i]), ai))
			return &message->elements[i];
	return NULL;
}

/* Takes the elements of @list that there are into the path. */
static void plan_qualifiers(struct plan *plan, struct span list)
{
	struct span qualifier;

	while (take_qualifier(&list, &qualifier)) {
		const struct gs1_element *element =
			find_by_span(plan->message, qualifier);

		if (element != NULL)
			plan->path[plan->path_count++] = element;
	}
}

/* The first key, with the alternative that has most qualifiers here. */
static void plan_key(struct plan *plan)
{
	const struct gs1_message *message = plan->message;
	const struct gs1_element *key = message->elements;
	const struct gs1_element *end = key + message->element_count;
	struct span lists;

	while (key < end && key->ai->qualifiers == NULL)
		key++;
	if (key == end)
		return;
	lists = span_of(key->ai->qualifiers);
	do {
		struct plan other = {message, {key}, 1};
		struct span list = lists;

		lists = cut(&list, '|');
		plan_qualifiers(&other, list);
		if (other.path_count > plan->path_count)
			*plan = other;
	} while (lists.size > 0);
}

/* What was read from a link keeps its path. */
static bool plan_path(struct plan *plan)
{
	const struct gs1_message *message = plan->message;

	for (size_t i = 0; i < message->element_count; i++)
		if (message->elements[i].path > 0)
			plan->path[plan->path_count++] = &message->elements[i];
	if (plan->path_count == 0)
		plan_key(plan);
	return plan->path_count > 0;
}

size_t gs1_link_path(const struct gs1_message *message,
		     const struct gs1_element *ret_path[GS1_LINK_PATH_MAX])
{
	struct plan plan = {.message = message};

	(void)plan_path(&plan);
	memcpy(ret_path, plan.path, sizeof(plan.path));
	return plan.path_count;
}

static bool is_written_before(const struct plan *plan,
			      const struct gs1_element *element)
{
	struct span ai = gs1_ai_of(plan->message, element);

	for (size_t i = 0; i < plan->path_count; i++)
		if (span_equal(gs1_ai_of(plan->message, plan->path[i]), ai))
			return true;
	return find_by_span(plan->message, ai) != element;
}

struct output {
	char *data;
	size_t size;
	size_t capacity;
	bool has_failed;
};

static void put(struct output *output, struct span text)
{
	if (output->has_failed || text.size > output->capacity - output->size) {
		output->has_failed = true;
		return;
	}
	if (text.size > 0)
		memcpy(output->data + output->size, text.data, text.size);
	output->size += text.size;
}

static void put_encoded(struct output *output, struct span value)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < value.size; i++) {
		unsigned char c = (unsigned char)value.data[i];
		char encoded[] = {'%', hex[c >> 4], hex[c & 15]};

		if (gs1_is_unreserved(value.data[i]))
			put(output, (struct span){value.data + i, 1});
		else
			put(output, (struct span){encoded, sizeof(encoded)});
	}
}

static void put_pair(struct output *output, const struct plan *plan,
		     const struct gs1_element *element, const char *marks)
{
	put(output, (struct span){marks, 1});
	put(output, gs1_ai_of(plan->message, element));
	put(output, (struct span){marks + 1, 1});
	put_encoded(output, gs1_value_of(plan->message, element));
}

/* Writes the attributes of predefined size, or those of any size. */
static bool put_attributes(struct output *output, const struct plan *plan,
			   bool is_predefined, bool *has_query,
			   const struct gs1_options *options)
{
	const struct gs1_message *message = plan->message;

	for (size_t i = 0; i < message->element_count; i++) {
		const struct gs1_element *element = &message->elements[i];

		if (is_predefined !=
			    !(element->ai->flags & GS1_AI_NEEDS_FNC1) ||
		    is_written_before(plan, element))
			continue;
		if (!may_be_attribute(element->ai, options))
			return false;
		put_pair(output, plan, element, *has_query ? "&=" : "?=");
		*has_query = true;
	}
	return true;
}

bool gs1_link_write(const struct gs1_message *message,
		    const struct gs1_options *options, char *buffer,
		    size_t size, size_t *ret_size)
{
	struct output output = {.data = buffer, .capacity = size};
	struct plan plan = {.message = message};
	bool has_query = false;

	if (!plan_path(&plan))
		return false;
	put(&output, span_of(CANONICAL_STEM));
	for (size_t i = 0; i < plan.path_count; i++)
		put_pair(&output, &plan, plan.path[i], "//");
	if (!put_attributes(&output, &plan, true, &has_query, options) ||
	    !put_attributes(&output, &plan, false, &has_query, options) ||
	    output.has_failed)
		return false;
	*ret_size = output.size;
	return true;
}
