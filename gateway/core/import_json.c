#include "gateway/core/import_json.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/core/decimal.h"
#include "rules/check/answer.h"
#include "store/intern.h"

/* A reading on its way. */
struct turning {
	struct import_json *table;
	const struct import_shape *shape;
	struct fault *fault;
	struct json json;
	/* The line of every object, in the order of the text. */
	uint32_t *lines;
	size_t lines_capacity;
	uint32_t objects; /* that have lines */
	uint32_t at;      /* that were looked at */
	/* Members that nobody knows, each once. */
	struct intern unknown;
};

/* Some editors put it in front, and it says nothing. */
static const char byte_order_mark[] = "\xef\xbb\xbf";

bool import_is_json(struct span file)
{
	if (span_starts(file, byte_order_mark))
		file = (struct span){file.data + 3, file.size - 3};
	while (file.size > 0 && strchr(" \t\r\n", file.data[0]) != NULL)
		file = (struct span){file.data + 1, file.size - 1};
	return file.size > 0 && (file.data[0] == '[' || file.data[0] == '{');
}

/* ---- lines ---- */

/* The text has been parsed: strings end, and brackets stand in pairs. */
static enum err_code lines_find(struct turning *turning, struct span text)
{
	bool is_string = false;
	uint32_t line = 1;

	for (size_t i = 0; i < text.size; i++) {
		char c = text.data[i];

		if (is_string && c == '\\') {
			i++;
		} else if (c == '"') {
			is_string = !is_string;
		} else if (c == '\n') {
			line++;
		} else if (c == '{' && !is_string) {
			if (array_reserve((void **)&turning->lines,
					  &turning->lines_capacity,
					  turning->objects + 1,
					  sizeof(*turning->lines)) != ERR_OK)
				return ERR_FULL;
			turning->lines[turning->objects++] = line;
		}
	}
	return ERR_OK;
}

/* ---- writing the table ---- */

static enum err_code byte_add(struct import_json *table, char c)
{
	enum err_code code =
		array_reserve((void **)&table->text, &table->capacity,
			      table->size + 1, sizeof(*table->text));

	if (code != ERR_OK)
		return code;
	table->text[table->size++] = c;
	table->line += c == '\n';
	return ERR_OK;
}

/* Within the quotes of a field. */
static enum err_code text_add(struct import_json *table, struct span text)
{
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < text.size && code == ERR_OK; i++) {
		if (text.data[i] == '"')
			code = byte_add(table, '"');
		if (code == ERR_OK)
			code = byte_add(table, text.data[i]);
	}
	return code;
}

static enum err_code field_add(struct import_json *table, struct span text)
{
	enum err_code code = byte_add(table, '"');

	if (code == ERR_OK)
		code = text_add(table, text);
	if (code == ERR_OK)
		code = byte_add(table, '"');
	return code == ERR_OK ? byte_add(table, ',') : code;
}

/* One value within a field; an object or a list in a list is no such thing. */
static enum err_code scalar_add(struct turning *turning,
				const struct json_value *value)
{
	char number[ANSWER_TEXT_SIZE];
	struct span text = {"", 0};
	int64_t scaled;
	bool is_true;

	switch (json_kind(value)) {
	case JSON_NULL:
		break;
	case JSON_BOOL:
		if (json_to_bool(value, &is_true, turning->fault) != ERR_OK)
			return ERR_INVALID;
		text = is_true ? SPAN_LITERAL("yes") : SPAN_LITERAL("no");
		break;
	case JSON_NUMBER:
		if (decimal_of_json(value, &scaled, turning->fault) != ERR_OK)
			return ERR_INVALID;
		answer_print(scaled, number);
		text = span_of(number);
		break;
	case JSON_STRING:
		if (json_to_text(value, &text, turning->fault) != ERR_OK)
			return ERR_INVALID;
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		return json_fault(value, FAULT_NOT_TEXT, turning->fault);
	}
	return text_add(turning->table, text);
}

/* A list is its values with a blank between. */
static enum err_code value_add(struct turning *turning,
			       const struct json_value *value)
{
	enum err_code code = ERR_OK;

	if (value == NULL)
		return ERR_OK;
	if (json_kind(value) != JSON_ARRAY)
		return scalar_add(turning, value);
	for (const struct json_value *at = json_first(value);
	     at != NULL && code == ERR_OK; at = json_next(at)) {
		if (at != json_first(value))
			code = byte_add(turning->table, ' ');
		if (code == ERR_OK)
			code = scalar_add(turning, at);
	}
	return code;
}

/* ---- rows ---- */

static bool is_column(const struct csv_column *column, struct span name)
{
	if (span_is(name, column->name))
		return true;
	for (size_t i = 0;
	     column->aliases != NULL && column->aliases[i] != NULL; i++)
		if (span_is(name, column->aliases[i]))
			return true;
	return false;
}

static const struct json_value *member_of(const struct json_value *object,
					  const struct csv_column *column)
{
	for (const struct json_value *at = json_first(object); at != NULL;
	     at = json_next(at))
		if (is_column(column, json_key(at)))
			return at;
	return NULL;
}

static enum err_code unknown_note(struct turning *turning,
				  const struct json_value *object)
{
	for (const struct json_value *at = json_first(object); at != NULL;
	     at = json_next(at)) {
		bool is_known = json_key(at).size == 0 ||
				(turning->shape->parts != NULL &&
				 span_is(json_key(at), turning->shape->parts));
		uint32_t number;

		for (size_t i = 0; i < turning->shape->count && !is_known; i++)
			is_known = is_column(&turning->shape->columns[i],
					     json_key(at));
		if (!is_known && intern_add(&turning->unknown, json_key(at),
					    &number) != ERR_OK)
			return ERR_FULL;
	}
	return ERR_OK;
}

/* The columns that nobody knows, behind the others: their names, or nothing;
 * and the line's end. */
static enum err_code unknown_add(struct turning *turning, bool has_names)
{
	enum err_code code = ERR_OK;

	for (uint32_t i = 0; i < turning->unknown.count && code == ERR_OK; i++)
		code = field_add(turning->table,
				 has_names ? intern_key(&turning->unknown, i)
					   : (struct span){"", 0});
	turning->table->size--; /* the last comma */
	return code == ERR_OK ? byte_add(turning->table, '\n') : code;
}

/* The row of @object; of a part @owner is what it belongs to, else NULL. */
static enum err_code row_add(struct turning *turning,
			     const struct json_value *object,
			     const struct json_value *owner, uint32_t number)
{
	struct import_json *table = turning->table;
	char text[16];
	enum err_code code = ERR_OK;

	if (array_reserve((void **)&table->lines, &table->lines_capacity,
			  table->rows + 1, sizeof(*table->lines)) != ERR_OK)
		return ERR_FULL;
	ASSERT(turning->at < turning->objects);
	table->lines[table->rows++] = (struct import_line){
		table->line, turning->lines[turning->at++]};
	(void)text_format(text, sizeof(text), "%u", number);
	for (size_t i = 0; i < turning->shape->count && code == ERR_OK; i++) {
		const struct csv_column *column = &turning->shape->columns[i];

		code = byte_add(table, '"');
		if (code == ERR_OK && owner != NULL && i == 1)
			code = text_add(table, span_of(text));
		else if (code == ERR_OK)
			code = value_add(turning,
					 member_of(owner != NULL && i == 0
							   ? owner
							   : object,
						   column));
		if (code == ERR_OK)
			code = byte_add(table, '"');
		if (code == ERR_OK)
			code = byte_add(table, ',');
	}
	return code == ERR_OK ? unknown_add(turning, false) : code;
}

static enum err_code object_add(struct turning *turning,
				const struct json_value *object)
{
	const struct json_value *list =
		turning->shape->parts == NULL
			? NULL
			: json_member(object, turning->shape->parts);
	uint32_t number = 0;
	enum err_code code;

	if (json_to_object(object, turning->fault) != ERR_OK)
		return ERR_INVALID;
	code = row_add(turning, object, NULL, 0);
	if (code != ERR_OK || list == NULL)
		return code;
	if (json_to_array(list, turning->fault) != ERR_OK)
		return ERR_INVALID;
	for (const struct json_value *at = json_first(list);
	     at != NULL && code == ERR_OK; at = json_next(at)) {
		if (json_to_object(at, turning->fault) != ERR_OK)
			return ERR_INVALID;
		code = row_add(turning, at, object, ++number);
	}
	return code;
}

/* ---- the whole ---- */

static enum err_code header_add(struct turning *turning)
{
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < turning->shape->count && code == ERR_OK; i++)
		code = field_add(turning->table,
				 span_of(turning->shape->columns[i].name));
	return code == ERR_OK ? unknown_add(turning, true) : code;
}

/* Notes the members of every object that no column has. */
static enum err_code unknown_find(struct turning *turning,
				  const struct json_value *list)
{
	enum err_code code = ERR_OK;

	for (const struct json_value *at = json_first(list);
	     at != NULL && code == ERR_OK; at = json_next(at)) {
		const struct json_value *parts =
			turning->shape->parts == NULL
				? NULL
				: json_member(at, turning->shape->parts);

		code = unknown_note(turning, at);
		for (const struct json_value *part =
			     parts == NULL ? NULL : json_first(parts);
		     part != NULL && code == ERR_OK; part = json_next(part))
			code = unknown_note(turning, part);
	}
	return code;
}

/* The list, itself or as the only member of an object. */
static enum err_code list_find(struct turning *turning,
			       const struct json_value **ret_list)
{
	const struct json_value *root = json_root(&turning->json);

	if (json_kind(root) == JSON_OBJECT) {
		turning->at++;
		root = json_first(root);
	}
	if (root == NULL)
		return json_fault(json_root(&turning->json), FAULT_NOT_LIST,
				  turning->fault);
	*ret_list = root;
	return json_to_array(root, turning->fault);
}

static enum err_code turn(struct turning *turning, struct span text)
{
	const struct json_value *list = NULL;
	enum err_code code = json_parse(&turning->json, text, turning->fault);

	if (code == ERR_OK)
		code = lines_find(turning, text);
	if (code == ERR_OK)
		code = list_find(turning, &list);
	if (code == ERR_OK)
		code = unknown_find(turning, list);
	if (code == ERR_OK)
		code = header_add(turning);
	if (code != ERR_OK)
		return code;
	for (const struct json_value *at = json_first(list);
	     at != NULL && code == ERR_OK; at = json_next(at))
		code = object_add(turning, at);
	return code;
}

enum err_code import_json_read(struct import_json *table, struct span file,
			       const struct import_shape *shape,
			       struct fault *fault)
{
	struct turning turning = {
		.table = table, .shape = shape, .fault = fault};
	size_t memory_size = JSON_MEMORY_SIZE(file.size);
	void *memory;
	enum err_code code;

	if (file.size > IMPORT_JSON_SIZE_MAX) {
		code = fault_set(fault, FAULT_FILE_TOO_LONG);
		fault->high = IMPORT_JSON_SIZE_MAX;
		return code;
	}
	memory = malloc(memory_size);
	if (memory == NULL)
		return ERR_FULL;
	json_init(&turning.json, memory, memory_size);
	if (span_starts(file, byte_order_mark))
		file = (struct span){file.data + 3, file.size - 3};
	table->line = 1;
	code = turn(&turning, file);
	intern_release(&turning.unknown);
	free(turning.lines);
	free(memory);
	return code;
}

uint32_t import_json_line(const struct import_json *table, uint32_t line)
{
	for (uint32_t i = 0; i < table->rows; i++)
		if (table->lines[i].table == line)
			return table->lines[i].json;
	return line;
}

void import_json_release(struct import_json *table)
{
	free(table->text);
	free(table->lines);
	memset(table, 0, sizeof(*table));
}
