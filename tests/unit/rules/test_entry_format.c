/*
 * The journal's format in three places that have to agree: the field tables,
 * the golden files, and the document.
 */
#include "tests/support/check.h"

#include "rules/ledger/entry.h"
#include "tests/support/entries.h"

#define FORMAT_DOCUMENT DEPOT_GOLDEN "/../../docs/format/journal.md"
#define LINE_SIZE 512

/* Method: every byte of each body that no field covers must be padding: runs
 * of them are shorter than 8 bytes. A member left out of the table would be
 * lost without a sound. */
static void the_field_tables_cover_every_member(void **state)
{
	static const size_t body_sizes[] = {
		[ENTRY_FOUNDING] = sizeof(struct founding),
		[ENTRY_MOVEMENT] = sizeof(struct movement),
		[ENTRY_ITEM] = sizeof(struct item),
		[ENTRY_CODE] = sizeof(struct code),
		[ENTRY_BIN] = sizeof(struct bin),
		[ENTRY_DEVICE] = sizeof(struct device),
		[ENTRY_ACCOUNT] = sizeof(struct account),
		[ENTRY_COUNT] = sizeof(struct count),
		[ENTRY_TASK] = sizeof(struct task),
		[ENTRY_ALERT] = sizeof(struct alert),
		[ENTRY_ORDER] = sizeof(struct order),
		[ENTRY_STATUS] = sizeof(struct site_status),
		[ENTRY_LOSS] = sizeof(struct loss),
		[ENTRY_TRANSFER] = sizeof(struct transfer),
		[ENTRY_CLAIM] = sizeof(struct transfer_claim),
		[ENTRY_CHECK] = sizeof(struct check),
		[ENTRY_CHECK_RESULT] = sizeof(struct check_result),
		[ENTRY_CERTIFICATE] = sizeof(struct certificate),
		[ENTRY_FENCE] = sizeof(struct fence),
		[ENTRY_INTENT] = sizeof(struct intent),
		[ENTRY_INTENT_RESULT] = sizeof(struct intent_result),
		[ENTRY_INVITATION] = sizeof(struct invitation),
		[ENTRY_SUCCESSION] = sizeof(struct succession),
		[ENTRY_CLOSING] = sizeof(struct site_closing),
		[ENTRY_ROOT] = sizeof(struct root),
	};

	(void)state;
	assert_int_equal(ARRAY_LEN(body_sizes), ENTRY_KIND_MAX + 1);
	for (size_t i = 0; i < ENTRY_KIND_COUNT; i++) {
		struct field_table table = entry_body_fields(kind_at(i));
		bool covered[sizeof(struct entry)] = {false};
		size_t start = offsetof(struct entry, body);
		size_t end = start + body_sizes[kind_at(i)];
		size_t run = 0;

		assert_true(end > start);

		for (size_t j = 0; j < table.count; j++) {
			const struct field *field = &table.fields[j];
			size_t size = field->type == FIELD_TEXT ||
						      field->type == FIELD_RAW
					      ? field->max
				      : field->type == FIELD_U8 ||
						      field->type == FIELD_BOOL
					      ? 1
				      : field->type == FIELD_U32 ||
						      field->type == FIELD_ENUM
					      ? 4
					      : 8;

			size += field->type == FIELD_TEXT;
			memset(covered + field->offset, true, size);
		}
		for (size_t at = start; at < end; at++) {
			run = covered[at] ? 0 : run + 1;
			assert_in_range(run, 0, 7);
		}
	}
}

static void tags_rise_and_names_are_told_once_within_a_kind(void **state)
{
	struct field_table head = entry_head_fields();

	(void)state;
	for (size_t i = 0; i < ENTRY_KIND_COUNT; i++) {
		struct field_table body = entry_body_fields(kind_at(i));

		for (size_t j = 0; j < body.count; j++) {
			const struct field *field = &body.fields[j];

			assert_in_range(field->tag,
					j == 0 ? 16
					       : body.fields[j - 1].tag + 1,
					UINT8_MAX);
			for (size_t k = 0; k < j; k++)
				assert_string_not_equal(field->name,
							body.fields[k].name);
			for (size_t k = 0; k < head.count; k++)
				assert_string_not_equal(field->name,
							head.fields[k].name);
		}
	}
	for (size_t j = 0; j < head.count; j++)
		assert_in_range(head.fields[j].tag,
				j == 0 ? 1 : head.fields[j - 1].tag + 1, 15);
}

static struct bytes hex_read(const char *path)
{
	struct bytes bytes = {.size = 0};
	FILE *file = fopen(path, "r");
	unsigned value;

	if (file == NULL)
		return bytes;
	while (bytes.size < sizeof(bytes.data) &&
	       fscanf(file, "%2x", &value) == 1)
		bytes.data[bytes.size++] = (uint8_t)value;
	(void)fclose(file);
	return bytes;
}

static void hex_print(const struct bytes *bytes)
{
	for (size_t i = 0; i < bytes->size; i++)
		printf("%02x%s", bytes->data[i], i % 32 == 31 ? "\n" : "");
	printf("\n");
}

/*
 * The bytes on disk and in deltas. If this fails, either the change was a
 * mistake, or ENTRY_FORMAT has to go up with it.
 */
static void the_bytes_of_each_kind_are_those_of_its_golden_file(void **state)
{
	size_t compared = 0;

	(void)state;
	for (size_t i = 0; i < ENTRY_KIND_COUNT; i++) {
		struct entry entry = sample_entry(kind_at(i));
		struct bytes now = encode(&entry);
		struct bytes golden;
		struct entry again;
		char path[256];

		assert_true(text_format(path, sizeof(path),
					DEPOT_GOLDEN "/journal/%s.hex",
					entry_kind_name(entry.kind)));
		golden = hex_read(path);
		if (golden.size != now.size ||
		    memcmp(golden.data, now.data, now.size) != 0) {
			hex_print(&now);
			fail_msg("%s holds other bytes", path);
		}
		assert_code(decode(&golden, &again), ERR_OK);
		assert_memory_equal(&again, &entry, sizeof(entry));
		compared++;
	}
	assert_int_equal(compared, ENTRY_KIND_COUNT);
}

static const char *wire_name(enum field_type type)
{
	return type == FIELD_TEXT || type == FIELD_RAW ? "bytes" : "number";
}

static const char *type_name(enum field_type type)
{
	switch (type) {
	case FIELD_NUMBER:
		return "u64";
	case FIELD_SIGNED:
		return "i64";
	case FIELD_U32:
		return "u32";
	case FIELD_U8:
		return "u8";
	case FIELD_BOOL:
		return "bool";
	case FIELD_ENUM:
		return "enum";
	case FIELD_TEXT:
		return "text";
	case FIELD_RAW:
		return "raw";
	case FIELD_CLOCK:
		return "clock";
	case FIELD_POS:
		return "pos";
	}
	return "";
}

/* Reads the next row "| tag |" of the document's table, or its end. */
static bool document_row(FILE *file, char *line)
{
	while (fgets(line, LINE_SIZE, file) != NULL) {
		if (line[0] == '#')
			return false;
		if (line[0] == '|' && line[2] >= '0' && line[2] <= '9')
			return true;
	}
	return false;
}

static void document_table_check(const char *heading, struct field_table table)
{
	FILE *file = fopen(FORMAT_DOCUMENT, "r");
	char line[LINE_SIZE];
	char expected[LINE_SIZE];
	size_t rows = 0;

	assert_non_null(file);
	do {
		if (fgets(line, sizeof(line), file) == NULL)
			fail_msg("the document has no section %s", heading);
	} while (strncmp(line, heading, strlen(heading)) != 0 ||
		 line[strlen(heading)] != '\n');
	while (document_row(file, line)) {
		const struct field *field = &table.fields[rows];

		if (rows == table.count)
			fail_msg("%s: no such field: %s", heading, line);
		if (field->max > 0)
			assert_true(text_format(
				expected, sizeof(expected),
				"| %u | %s | `%s` | %s %u | ", field->tag,
				wire_name(field->type), field->name,
				type_name(field->type), field->max));
		else
			assert_true(text_format(
				expected, sizeof(expected),
				"| %u | %s | `%s` | %s | ", field->tag,
				wire_name(field->type), field->name,
				type_name(field->type)));
		if (strncmp(line, expected, strlen(expected)) != 0)
			fail_msg("%s: the document says\n%sthe code\n%s",
				 heading, line, expected);
		rows++;
	}
	(void)fclose(file);
	assert_int_equal(rows, table.count);
}

static void the_format_document_has_the_same_tables(void **state)
{
	(void)state;
	document_table_check("## Head", entry_head_fields());
	for (size_t i = 0; i < ENTRY_KIND_COUNT; i++) {
		char heading[64];

		assert_true(text_format(heading, sizeof(heading), "### %d %s",
					(int)kind_at(i),
					entry_kind_name(kind_at(i))));
		document_table_check(heading, entry_body_fields(kind_at(i)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_field_tables_cover_every_member),
		cmocka_unit_test(
			tags_rise_and_names_are_told_once_within_a_kind),
		cmocka_unit_test(
			the_bytes_of_each_kind_are_those_of_its_golden_file),
		cmocka_unit_test(the_format_document_has_the_same_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
