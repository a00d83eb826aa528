#include "gateway/cli/sheet.h"

#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

struct sheet {
	const struct cli *cli;
	const struct column *columns;
	size_t column_count;
	size_t row_count;
	struct libscols_table *cols;
};

/* ---- values ---- */

const struct json_value *list_first(const struct json_value *list)
{
	return list == NULL ? NULL : json_first(list);
}

/* One name of a path, with $ and % made into languages. */
static void name_make(const struct cli *cli, struct span part, char *name,
		      size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < part.size && used + 3 < size; i++) {
		bool is_zh = (part.data[i] == '$') == cli->is_chinese;

		if (part.data[i] == '$' || part.data[i] == '%') {
			name[used++] = is_zh ? 'z' : 'e';
			name[used++] = is_zh ? 'h' : 'n';
		} else {
			name[used++] = part.data[i];
		}
	}
	name[used] = '\0';
}

static const struct json_value *member_find(const struct cli *cli,
					    const struct json_value *row,
					    struct span path)
{
	while (row != NULL && path.size > 0) {
		const char *dot = memchr(path.data, '.', path.size);
		size_t size =
			dot == NULL ? path.size : (size_t)(dot - path.data);
		char name[64];

		name_make(cli, (struct span){path.data, size}, name,
			  sizeof(name));
		row = json_member(row, name);
		path.data += size + (dot != NULL);
		path.size -= size + (dot != NULL);
	}
	return row;
}

static const struct json_value *member_of(const struct cli *cli,
					  const struct json_value *row,
					  const char *member)
{
	const struct json_value *found = NULL;

	while (found == NULL && *member != '\0') {
		size_t size = strcspn(member, "|");

		found = member_find(cli, row, (struct span){member, size});
		if (found != NULL && json_kind(found) == JSON_NULL)
			found = NULL;
		member += size + (member[size] == '|');
	}
	return found;
}

/* Control characters would draw on the terminal. */
static void text_plain(struct span text, char buffer[VALUE_TEXT_SIZE])
{
	text_print(text, buffer, VALUE_TEXT_SIZE);
	for (char *at = buffer; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
}

static void list_text(const struct cli *cli, const struct json_value *list,
		      char buffer[VALUE_TEXT_SIZE])
{
	char part[VALUE_TEXT_SIZE];
	size_t used = 0;

	buffer[0] = '\0';
	for (const struct json_value *at = json_first(list);
	     at != NULL && used < VALUE_TEXT_SIZE; at = json_next(at)) {
		(void)text_format(buffer + used, VALUE_TEXT_SIZE - used, "%s%s",
				  used > 0 ? ", " : "",
				  value_text(cli, at, part));
		used = strlen(buffer);
	}
}

const char *value_text(const struct cli *cli, const struct json_value *value,
		       char buffer[VALUE_TEXT_SIZE])
{
	struct json_range any = {INT64_MIN, INT64_MAX};
	struct span text = {"", 0};
	struct fault fault;
	int64_t number = 0;
	bool is_true = false;

	buffer[0] = '\0';
	if (value == NULL)
		return buffer;
	switch (json_kind(value)) {
	case JSON_STRING:
		if (json_to_text(value, &text, &fault) == ERR_OK)
			text_plain(text, buffer);
		break;
	case JSON_NUMBER:
		if (json_to_int(value, any, &number, &fault) == ERR_OK)
			(void)text_format(buffer, VALUE_TEXT_SIZE, "%" PRId64,
					  number);
		else
			text_plain(span_of(fault.value), buffer);
		break;
	case JSON_BOOL:
		if (json_to_bool(value, &is_true, &fault) == ERR_OK)
			(void)text_format(buffer, VALUE_TEXT_SIZE, "%s",
					  is_true ? cli_say(cli, "yes", "是")
						  : cli_say(cli, "no", "否"));
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		list_text(cli, value, buffer);
		break;
	case JSON_NULL:
		break;
	}
	return buffer;
}

/* What "of.stamp" says was told by the clock of "of.clock". */
static bool is_clock_untrusted(const struct cli *cli,
			       const struct json_value *row, const char *member)
{
	const char *name = strrchr(member, '.');
	char clock[VALUE_TEXT_SIZE];

	if (name != NULL)
		row = member_find(cli, row,
				  (struct span){member,
						(size_t)(name - member)});
	(void)value_text(cli, row == NULL ? NULL : json_member(row, "clock"),
			 clock);
	return strcmp(clock, "untrusted") == 0;
}

static void time_mark(const struct cli *cli, char buffer[VALUE_TEXT_SIZE])
{
	size_t used = strlen(buffer);

	if (used > 0)
		(void)text_format(buffer + used, VALUE_TEXT_SIZE - used, "%s",
				  cli_say(cli, " (clock untrusted)",
					  "（时钟不可信）"));
}

const char *member_text(const struct cli *cli, const struct json_value *row,
			const char *member, char buffer[VALUE_TEXT_SIZE])
{
	bool is_time = member[0] == '@';

	member += is_time;
	(void)value_text(cli, member_of(cli, row, member), buffer);
	if (is_time && is_clock_untrusted(cli, row, member))
		time_mark(cli, buffer);
	return buffer;
}

int64_t member_number(const struct json_value *row, const char *member,
		      int64_t otherwise)
{
	const struct json_value *value = json_member(row, member);
	struct json_range any = {INT64_MIN, INT64_MAX};
	struct fault fault;

	if (value == NULL || json_kind(value) != JSON_NUMBER ||
	    json_to_int(value, any, &otherwise, &fault) != ERR_OK)
		return otherwise;
	return otherwise;
}

bool member_true(const struct json_value *row, const char *member)
{
	const struct json_value *value = json_member(row, member);
	struct fault fault;
	bool is_true = false;

	return value != NULL && json_kind(value) == JSON_BOOL &&
	       json_to_bool(value, &is_true, &fault) == ERR_OK && is_true;
}

/* ---- tables ---- */

static _Noreturn void memory_out(void)
{
	(void)fputs("depot: out of memory\n", stderr);
	exit(EXIT_FAILED);
}

struct sheet *sheet_open(const struct cli *cli, const struct column *columns,
			 size_t count)
{
	struct sheet *sheet = calloc(1, sizeof(*sheet));

	if (sheet == NULL)
		memory_out();
	*sheet = (struct sheet){.cli = cli,
				.columns = columns,
				.column_count = count,
				.cols = scols_new_table()};
	if (sheet->cols == NULL)
		memory_out();
	for (size_t i = 0; i < count; i++) {
		const char *title = cli_say(cli, columns[i].en, columns[i].zh);
		int flags = columns[i].is_number ? SCOLS_FL_RIGHT : 0;

		if (scols_table_new_column(sheet->cols, title, 0, flags) ==
		    NULL)
			memory_out();
	}
	return sheet;
}

static struct libscols_line *line_new(struct sheet *sheet)
{
	struct libscols_line *line = scols_table_new_line(sheet->cols, NULL);

	if (line == NULL)
		memory_out();
	sheet->row_count++;
	return line;
}

void sheet_add(struct sheet *sheet, const struct json_value *row)
{
	struct libscols_line *line = line_new(sheet);
	char buffer[VALUE_TEXT_SIZE];

	for (size_t i = 0; i < sheet->column_count; i++) {
		(void)member_text(sheet->cli, row, sheet->columns[i].member,
				  buffer);
		if (scols_line_set_data(line, i, buffer) != 0)
			memory_out();
	}
}

void sheet_add_list(struct sheet *sheet, const struct json_value *list)
{
	for (const struct json_value *row = list_first(list); row != NULL;
	     row = json_next(row))
		sheet_add(sheet, row);
}

void sheet_add_texts(struct sheet *sheet, const char *const *texts)
{
	struct libscols_line *line = line_new(sheet);

	for (size_t i = 0; i < sheet->column_count; i++)
		if (scols_line_set_data(line, i, texts[i]) != 0)
			memory_out();
}

size_t sheet_rows(const struct sheet *sheet)
{
	return sheet->row_count;
}

void sheet_drop(struct sheet *sheet)
{
	if (sheet == NULL)
		return;
	scols_unref_table(sheet->cols);
	free(sheet);
}

void sheet_show(struct sheet *sheet, const char *nothing)
{
	if (sheet->row_count > 0)
		(void)scols_print_table(sheet->cols); /* ferror tells */
	else if (nothing != NULL)
		(void)puts(nothing);
	sheet_drop(sheet);
}

char *sheet_text(struct sheet *sheet, size_t width)
{
	char *text = NULL;

	(void)scols_table_set_termforce(sheet->cols, SCOLS_TERMFORCE_ALWAYS);
	(void)scols_table_set_termwidth(sheet->cols, width);
	if (scols_print_table_to_string(sheet->cols, &text) != 0)
		memory_out();
	return text;
}

void record_show(const struct cli *cli, const struct json_value *record,
		 const struct column *columns, size_t count)
{
	struct libscols_table *cols = scols_new_table();

	if (cols == NULL || scols_table_new_column(cols, "", 0, 0) == NULL ||
	    scols_table_new_column(cols, "", 0, 0) == NULL)
		memory_out();
	(void)scols_table_enable_noheadings(cols, 1);
	for (size_t i = 0; i < count; i++) {
		char buffer[VALUE_TEXT_SIZE];
		struct libscols_line *line;

		(void)member_text(cli, record, columns[i].member, buffer);
		if (buffer[0] == '\0')
			continue;
		line = scols_table_new_line(cols, NULL);
		if (line == NULL ||
		    scols_line_set_data(line, 0,
					cli_say(cli, columns[i].en,
						columns[i].zh)) != 0 ||
		    scols_line_set_data(line, 1, buffer) != 0)
			memory_out();
	}
	(void)scols_print_table(cols); /* ferror tells */
	scols_unref_table(cols);
}
