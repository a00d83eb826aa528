/*
 * Any file gives rows whose fields are text, on lines that go up, or faults
 * that can be told; and it ends.
 */
#include <string.h>

#include "gateway/ingest/csv.h"
#include "tests/fuzz/fuzz.h"

static const char *const sku_names[] = {"货号", NULL};
static const struct csv_column columns[] = {
	{"sku", sku_names, true},
	{"name", NULL, false},
	{"qty", NULL, false},
};

static void check_fault(const struct fault *fault)
{
	char text[FAULT_TEXT_SIZE];

	ASSERT(fault->kind >= FAULT_FILE_EMPTY &&
	       fault->kind < FAULT_KIND_COUNT);
	fault_text_en(fault, text, sizeof(text));
	ASSERT(text[0] != '\0' && text_is_clean(span_of(text)));
	fault_text_zh(fault, text, sizeof(text));
	ASSERT(text[0] != '\0' && text_is_clean(span_of(text)));
}

static void check_row(const struct csv *csv)
{
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		struct span field = csv_field(csv, i);

		ASSERT(field.size <= CSV_FIELD_SIZE_MAX);
		ASSERT(utf8_is_valid(field));
		ASSERT(memchr(field.data, '\0', field.size) == NULL);
		ASSERT(csv_has(csv, i) || field.size == 0);
	}
}

static void read_rows(struct csv *csv, size_t size)
{
	struct fault fault;
	uint32_t line = 0;
	enum err_code code = csv_next(csv, &fault);

	for (; code != ERR_NOT_FOUND; code = csv_next(csv, &fault)) {
		ASSERT(csv_line(csv) > line && csv_line(csv) <= size);
		line = csv_line(csv);
		if (code == ERR_OK)
			check_row(csv);
		else
			check_fault(&fault);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csv *csv;
	struct fault fault;
	struct span name;
	size_t ignored = 0;

	if (csv_open((struct span){(const char *)data, size}, columns,
		     ARRAY_LEN(columns), &csv, &fault) != ERR_OK) {
		check_fault(&fault);
		return 0;
	}
	while (csv_ignored(csv, ignored, &name))
		ignored++;
	ASSERT(ignored <= CSV_COLUMNS_MAX);
	read_rows(csv, size);
	csv_close(csv);
	return 0;
}
