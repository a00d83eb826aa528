/*
 * Any text is a table or is refused with a reason; a table reads as CSV with
 * as many rows as it says, and each has its line in the text.
 */
#include "gateway/core/import_json.h"
#include "tests/fuzz/fuzz.h"

static const char *const names[] = {"id", NULL};
static const struct csv_column columns[] = {
	{"check", names, true},
	{"question", NULL, false},
	{"name", NULL, false},
};
static const struct import_shape shape = {columns, ARRAY_LEN(columns),
					  "questions"};

static void table_check(const struct import_json *table, size_t size)
{
	struct fault fault;
	struct csv *csv;
	uint32_t rows = 0;
	enum err_code code;

	/* A name or value may be longer than CSV takes. */
	if (csv_open((struct span){table->text, table->size}, columns,
		     ARRAY_LEN(columns), &csv, &fault) != ERR_OK)
		return;
	while ((code = csv_next(csv, &fault)) != ERR_NOT_FOUND) {
		uint32_t line = code == ERR_OK ? csv_line(csv) : fault.line;

		ASSERT(import_json_line(table, line) >= 1);
		ASSERT(import_json_line(table, line) <= size + 1 ||
		       code != ERR_OK);
		rows++;
	}
	/* Rows with nothing in them are passed over. */
	ASSERT(rows <= table->rows);
	csv_close(csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct import_json table = {.text = NULL};
	struct fault fault;

	(void)import_is_json(text);
	if (import_json_read(&table, text, &shape, &fault) == ERR_OK)
		table_check(&table, size);
	import_json_release(&table);
	return 0;
}
