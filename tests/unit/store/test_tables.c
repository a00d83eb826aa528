/*
 * The bytes of the derived tables' rows are those of the golden files, and
 * the format document names the same tables by the same numbers.
 */
#include "tests/support/check.h"

#include "store/fold.h"
#include "store/row.h"
#include "tests/support/day.h"
#include "tests/support/golden_tables.h"

#define FORMAT_DOCUMENT DEPOT_GOLDEN "/../../docs/format/tables.md"

/*
 * Method: every row of every derived table after a day with every kind of
 * entry. If this fails, either the change was a mistake, or ENV_FORMAT_VERSION
 * has to go up with it.
 */
static void the_rows_of_a_day_are_those_of_the_golden_files(void **state)
{
	struct warehouse *w = *state;
	struct view *view;
	size_t count;
	const enum table *tables = fold_tables(&count);

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	for (size_t i = 0; i < count; i++)
		assert_table_is_golden(view, tables[i]);
	view_end(view);
	assert_int_equal(count, 18);
}

/* The checksum of one row, worked out by another program from the document:
 * table 20 (session), key 01 02 03, value "depot". */
static void a_row_ends_in_the_checksum_that_the_document_defines(void **state)
{
	static const uint8_t key[] = {1, 2, 3};
	static const uint8_t pinned[] = {'d',  'e',  'p',  'o', 't',
					 0xa0, 0x74, 0x7a, 0xf7};
	struct warehouse *w = *state;
	struct span name = {(const char *)key, sizeof(key)};
	uint8_t buffer[16];
	struct writer writer;
	struct span row;
	struct txn *txn;

	assert_done(txn_begin(ledger_env(w->ledger), &txn, &w->err), &w->err);
	writer_init(&writer, buffer, sizeof(buffer));
	write_raw(&writer, "depot", 5);
	assert_done(row_put(txn, TABLE_SESSION, name, &writer, &w->err),
		    &w->err);
	assert_done(view_get(txn_view(txn), TABLE_SESSION, name, &row, &w->err),
		    &w->err);
	assert_int_equal(row.size, sizeof(pinned));
	assert_memory_equal(row.data, pinned, sizeof(pinned));
	txn_abandon(txn);
}

/* Method: the document's rows "| number | `table` |", and nothing missing. */
static void the_document_numbers_the_tables_as_the_code_does(void **state)
{
	FILE *file = fopen(FORMAT_DOCUMENT, "r");
	bool is_there[TABLE_COUNT] = {false};
	char line[1024];

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		char expected[64];
		struct span digits = {line + 2, 0};
		uint64_t number = TABLE_COUNT;

		if (line[0] != '|' || line[2] < '0' || line[2] > '9')
			continue;
		digits.size = strcspn(digits.data, " ");
		if (!span_to_u64(digits, TABLE_COUNT - 1, &number))
			fail_msg("no table has the number of: %s", line);
		assert_true(text_format(expected, sizeof(expected),
					"| %d | `%s` |", (int)number,
					table_name((enum table)number)));
		if (strncmp(line, expected, strlen(expected)) != 0)
			fail_msg("%sthe code says %s", line, expected);
		is_there[number] = true;
	}
	(void)fclose(file);
	for (size_t i = 0; i < TABLE_COUNT; i++)
		if (!is_there[i])
			fail_msg("table %s is not in the document",
				 table_name((enum table)i));
}

/* A pos in a row: epoch and number, each in its shortest form. */
static void a_pos_takes_1_to_10_bytes_and_reads_back(void **state)
{
	static const struct {
		uint32_t epoch;
		uint64_t number;
		size_t size;
	} cases[] = {
		{0, 0, 2},
		{1, 127, 2},
		{1, 128, 3},
		{200, 1000000, 5},
		{EPOCH_MAX, POS_NUMBER_MAX, 10},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t buffer[16];
		struct writer writer;
		struct reader reader;
		struct pos pos = pos_make(cases[i].epoch, cases[i].number);

		writer_init(&writer, buffer, sizeof(buffer));
		write_pos(&writer, pos);
		assert_int_equal(writer.size, cases[i].size);
		reader_init(&reader, buffer, writer.size);
		assert_int_equal(read_pos(&reader).value, pos.value);
		assert_true(reader_done(&reader));
	}
}

static void a_pos_beyond_its_bounds_is_a_failed_read(void **state)
{
	static const uint64_t beyond[][2] = {
		{(uint64_t)EPOCH_MAX + 1, 1},
		{1, POS_NUMBER_MAX + 1},
		{UINT64_MAX, UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(beyond); i++) {
		uint8_t buffer[24];
		struct writer writer;
		struct reader reader;

		writer_init(&writer, buffer, sizeof(buffer));
		write_varint(&writer, beyond[i][0]);
		write_varint(&writer, beyond[i][1]);
		reader_init(&reader, buffer, writer.size);
		assert_int_equal(read_pos(&reader).value, 0);
		assert_false(reader_ok(&reader));
	}
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, day_setup, warehouse_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_rows_of_a_day_are_those_of_the_golden_files),
		TEST(a_row_ends_in_the_checksum_that_the_document_defines),
		cmocka_unit_test(
			the_document_numbers_the_tables_as_the_code_does),
		cmocka_unit_test(a_pos_takes_1_to_10_bytes_and_reads_back),
		cmocka_unit_test(a_pos_beyond_its_bounds_is_a_failed_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
