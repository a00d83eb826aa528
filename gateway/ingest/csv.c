#include "gateway/ingest/csv.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/ingest/csv_text.h"

struct csv {
	const struct csv_column *columns;
	size_t column_count;
	uint8_t places[CSV_COLUMNS_MAX]; /* in the file, from 1; 0: not there */
	struct csv_text text; /* quoted fields are unquoted in it, in place */
	char separator;
	uint32_t line; /* of text.at */

	struct span header[CSV_COLUMNS_MAX];
	size_t header_count;

	/* The present row. */
	uint32_t row_line;
	struct span fields[CSV_COLUMNS_MAX];
	size_t field_count; /* may be more than there is room for */
	struct fault fault; /* the first in it */
};

/* ---- characters ---- */

#define NOTHING (-1)

static int peek(const struct csv *csv)
{
	return csv->text.at < csv->text.size
		       ? (unsigned char)csv->text.data[csv->text.at]
		       : NOTHING;
}

static bool at_line_end(const struct csv *csv)
{
	int c = peek(csv);

	return c == '\n' || c == '\r' || c == NOTHING;
}

/* Steps over one character, or over CR and LF together. */
static void step(struct csv *csv)
{
	int c = peek(csv);

	csv->text.at++;
	if (c == '\r' && peek(csv) == '\n')
		csv->text.at++;
	if (c == '\r' || c == '\n')
		csv->line++;
}

/* ---- rows ---- */

/* Notes the first fault of a row; reading goes on, to find the row's end. */
static void note_fault(struct csv *csv, enum fault_kind kind, uint32_t line,
		       uint64_t high)
{
	if (csv->fault.kind != FAULT_NONE)
		return;
	(void)fault_set(&csv->fault, kind);
	csv->fault.line = line;
	/* The two about their number are about the whole row. */
	if (kind != FAULT_TOO_MANY_COLUMNS && kind != FAULT_COLUMN_COUNT)
		csv->fault.column = (uint32_t)csv->field_count + 1;
	csv->fault.high = high;
}

/* At the opening quote; ends behind the closing one. What is unquoted moves
 * down over its quotes, so that a field is one run of bytes. */
static struct span read_quoted(struct csv *csv)
{
	uint32_t line = csv->line;
	size_t start;
	size_t end;

	csv->text.at++;
	start = csv->text.at;
	end = start;
	for (int c = peek(csv); c != NOTHING; c = peek(csv)) {
		size_t from = csv->text.at;

		if (c == '"') {
			csv->text.at++;
			if (peek(csv) != '"')
				return (struct span){csv->text.data + start,
						     end - start};
			from = csv->text.at;
		}
		step(csv);
		while (from < csv->text.at)
			csv->text.data[end++] = csv->text.data[from++];
	}
	note_fault(csv, FAULT_OPEN_QUOTE, line, 0);
	return (struct span){csv->text.data + start, end - start};
}

/* Up to the separator or the end of the line. */
static struct span read_plain(struct csv *csv)
{
	size_t start = csv->text.at;

	while (!at_line_end(csv) && peek(csv) != csv->separator) {
		if (peek(csv) == '"')
			note_fault(csv, FAULT_STRAY_QUOTE, csv->line, 0);
		csv->text.at++;
	}
	return (struct span){csv->text.data + start, csv->text.at - start};
}

static void read_field(struct csv *csv)
{
	uint32_t line = csv->line;
	struct span field;

	if (peek(csv) == '"') {
		field = read_quoted(csv);
		if (read_plain(csv).size > 0)
			note_fault(csv, FAULT_STRAY_QUOTE, line, 0);
	} else {
		field = read_plain(csv);
	}
	if (field.size > CSV_FIELD_SIZE_MAX)
		note_fault(csv, FAULT_FIELD_TOO_LONG, line, CSV_FIELD_SIZE_MAX);
	if (csv->field_count < CSV_COLUMNS_MAX)
		csv->fields[csv->field_count] = field;
	csv->field_count++;
}

/* Reads one line of the table, with its end. */
static void read_row(struct csv *csv)
{
	csv->row_line = csv->line;
	csv->field_count = 0;
	csv->fault.kind = FAULT_NONE;
	read_field(csv);
	while (peek(csv) == csv->separator) {
		csv->text.at++;
		read_field(csv);
	}
	if (peek(csv) != NOTHING)
		step(csv);
	if (csv->field_count > CSV_COLUMNS_MAX)
		note_fault(csv, FAULT_TOO_MANY_COLUMNS, csv->row_line,
			   CSV_COLUMNS_MAX);
}

static bool row_is_empty(const struct csv *csv)
{
	for (size_t i = 0; i < csv->field_count && i < CSV_COLUMNS_MAX; i++)
		if (csv->fields[i].size > 0)
			return false;
	return csv->fault.kind == FAULT_NONE;
}

/* False at the end of the text. */
static bool read_row_with_something(struct csv *csv)
{
	while (peek(csv) != NOTHING) {
		read_row(csv);
		if (!row_is_empty(csv))
			return true;
	}
	return false;
}

/* ---- the header ---- */

/* The most frequent separator in the first line that has something in it;
 * comma if none is. Those in quotes do not count. */
static char separator_find(const struct csv *csv)
{
	static const char separators[] = {',', ';', '\t'};
	size_t counts[ARRAY_LEN(separators)] = {0};
	size_t best = 0;
	bool is_quoted = false;
	size_t at = csv->text.at;

	while (at < csv->text.size &&
	       (csv->text.data[at] == '\n' || csv->text.data[at] == '\r'))
		at++;
	for (; at < csv->text.size; at++) {
		char c = csv->text.data[at];

		if (!is_quoted && (c == '\n' || c == '\r'))
			break;
		if (c == '"')
			is_quoted = !is_quoted;
		for (size_t i = 0; i < ARRAY_LEN(separators); i++)
			counts[i] += !is_quoted && c == separators[i];
	}
	for (size_t i = 1; i < ARRAY_LEN(separators); i++)
		if (counts[i] > counts[best])
			best = i;
	return separators[best];
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span trimmed(struct span text)
{
	while (text.size > 0 && is_blank(text.data[0])) {
		text.data++;
		text.size--;
	}
	while (text.size > 0 && is_blank(text.data[text.size - 1]))
		text.size--;
	return text;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool name_is(struct span name, const char *wanted)
{
	for (size_t i = 0; i < name.size; i++)
		if (wanted[i] == '\0' ||
		    lower(name.data[i]) != lower(wanted[i]))
			return false;
	return wanted[name.size] == '\0';
}

static bool column_has_name(const struct csv_column *column, struct span name)
{
	if (name_is(name, column->name))
		return true;
	if (column->aliases == NULL)
		return false;
	for (const char *const *alias = column->aliases; *alias != NULL;
	     alias++)
		if (name_is(name, *alias))
			return true;
	return false;
}

/* Maps the header's column @place (from 0) to the known one it is, if any. */
static enum err_code column_map(struct csv *csv, size_t place,
				struct fault *fault)
{
	struct span name = csv->header[place];
	enum err_code code;

	for (size_t i = 0; i < csv->column_count; i++) {
		if (!column_has_name(&csv->columns[i], name))
			continue;
		if (csv->places[i] == 0) {
			csv->places[i] = (uint8_t)(place + 1);
			return ERR_OK;
		}
		code = fault_of(fault, FAULT_COLUMN_TWICE, csv->columns[i].name,
				name);
		fault->line = csv->row_line;
		fault->column = (uint32_t)place + 1;
		return code;
	}
	return ERR_OK;
}

/* What the header has, for somebody who looks for a column in it. */
static struct span header_say(const struct csv *csv, char *buffer, size_t size)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < csv->header_count && used + 1 < size; i++) {
		(void)text_format(buffer + used, size - used, "%s%.*s",
				  i > 0 ? ", " : "", (int)csv->header[i].size,
				  csv->header[i].data);
		used += strlen(buffer + used);
	}
	return (struct span){buffer, used};
}

static enum err_code columns_check(const struct csv *csv, struct fault *fault)
{
	for (size_t i = 0; i < csv->column_count; i++) {
		char has[FAULT_VALUE_SIZE];
		enum err_code code;

		if (csv->places[i] != 0 || !csv->columns[i].is_required)
			continue;
		code = fault_of(fault, FAULT_NO_COLUMN, csv->columns[i].name,
				header_say(csv, has, sizeof(has)));
		fault->line = csv->row_line;
		return code;
	}
	return ERR_OK;
}

static enum err_code header_read(struct csv *csv, struct fault *fault)
{
	enum err_code code = ERR_OK;

	csv->separator = separator_find(csv);
	if (!read_row_with_something(csv))
		return fault_set(fault, FAULT_FILE_EMPTY);
	if (csv->fault.kind != FAULT_NONE) {
		*fault = csv->fault;
		return ERR_INVALID;
	}
	csv->header_count = csv->field_count;
	for (size_t i = 0; i < csv->header_count && code == ERR_OK; i++) {
		csv->header[i] = trimmed(csv->fields[i]);
		code = column_map(csv, i, fault);
	}
	if (code == ERR_OK)
		code = columns_check(csv, fault);
	return code;
}

/* ---- the contract ---- */

enum err_code csv_open(struct span file, const struct csv_column *columns,
		       size_t count, struct csv **ret_csv, struct fault *fault)
{
	struct csv *csv;
	enum err_code code;

	ASSERT(count <= CSV_COLUMNS_MAX);
	if (file.size > CSV_FILE_SIZE_MAX) {
		code = fault_set(fault, FAULT_FILE_TOO_LONG);
		fault->high = CSV_FILE_SIZE_MAX;
		return code;
	}
	csv = calloc(1, sizeof(*csv));
	if (csv == NULL)
		return ERR_FULL;
	csv->columns = columns;
	csv->column_count = count;
	csv->line = 1;
	code = csv_decode(file, &csv->text, fault);
	if (code == ERR_OK)
		code = header_read(csv, fault);
	if (code != ERR_OK) {
		csv_close(csv);
		return code;
	}
	*ret_csv = csv;
	return ERR_OK;
}

void csv_close(struct csv *csv)
{
	if (csv == NULL)
		return;
	free(csv->text.data);
	free(csv);
}

enum csv_encoding csv_encoding(const struct csv *csv)
{
	return csv->text.encoding;
}

char csv_separator(const struct csv *csv)
{
	return csv->separator;
}

bool csv_has(const struct csv *csv, size_t index)
{
	return csv_place(csv, index) != 0;
}

bool csv_ignored(const struct csv *csv, size_t n, struct span *ret_name)
{
	for (size_t place = 0; place < csv->header_count; place++) {
		bool is_known = false;

		for (size_t i = 0; i < csv->column_count; i++)
			is_known = is_known || csv->places[i] == place + 1;
		if (!is_known && n-- == 0) {
			*ret_name = csv->header[place];
			return true;
		}
	}
	return false;
}

struct span csv_heading(const struct csv *csv, uint32_t place)
{
	if (place == 0 || place > csv->header_count)
		return (struct span){"", 0};
	return csv->header[place - 1];
}

enum err_code csv_next(struct csv *csv, struct fault *fault)
{
	if (!read_row_with_something(csv))
		return ERR_NOT_FOUND;
	if (csv->field_count != csv->header_count) {
		note_fault(csv, FAULT_COLUMN_COUNT, csv->row_line,
			   csv->header_count);
		if (csv->fault.kind == FAULT_COLUMN_COUNT)
			(void)text_format(csv->fault.value,
					  sizeof(csv->fault.value), "%zu",
					  csv->field_count);
	}
	if (csv->fault.kind == FAULT_NONE)
		return ERR_OK;
	*fault = csv->fault;
	return ERR_INVALID;
}

uint32_t csv_line(const struct csv *csv)
{
	return csv->row_line;
}

struct span csv_field(const struct csv *csv, size_t index)
{
	uint32_t place = csv_place(csv, index);

	return place == 0 ? (struct span){"", 0} : csv->fields[place - 1];
}

uint32_t csv_place(const struct csv *csv, size_t index)
{
	ASSERT(index < csv->column_count);
	return csv->places[index];
}
