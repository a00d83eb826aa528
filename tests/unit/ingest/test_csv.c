/*
 * Tables come in as people export them: each row with its line, each field as
 * it was written, and each mistake by line and column without losing the rows
 * behind it. Every file lies in a buffer of exactly its size.
 */
#include "tests/support/check.h"

#include <sys/resource.h>

#include "gateway/ingest/csv.h"

enum { SKU, NAME, UNIT, QTY, COLUMNS };

static const char *const sku_names[] = {"item", "货号", NULL};
static const char *const name_names[] = {"名称", NULL};
static const char *const unit_names[] = {"uom", "单位", NULL};
static const struct csv_column columns[COLUMNS] = {
	[SKU] = {"sku", sku_names, true},
	[NAME] = {"name", name_names, false},
	[UNIT] = {"unit", unit_names, false},
	[QTY] = {"qty", NULL, false},
};

/* Opens a copy of @file that is gone when rows are read. */
static enum err_code open_copy(struct span file, struct csv **ret_csv,
			       struct fault *fault)
{
	char *copy = malloc(file.size == 0 ? 1 : file.size);
	enum err_code code;

	assert_non_null(copy);
	if (file.size > 0)
		memcpy(copy, file.data, file.size);
	memset(fault, 0, sizeof(*fault));
	code = csv_open((struct span){copy, file.size}, columns, COLUMNS,
			ret_csv, fault);
	free(copy);
	return code;
}

static struct csv *opened(struct span file)
{
	struct csv *csv = NULL;
	struct fault fault;
	char text[FAULT_TEXT_SIZE];

	if (open_copy(file, &csv, &fault) != ERR_OK) {
		fault_text_en(&fault, text, sizeof(text));
		fail_msg("%s: %s", text, file.data);
	}
	return csv;
}

/* Asserts that the next row is at @line and has @sku and @name. */
static void assert_row(struct csv *csv, uint32_t line, const char *sku,
		       const char *name)
{
	struct fault fault;

	assert_code(csv_next(csv, &fault), ERR_OK);
	assert_int_equal(csv_line(csv), line);
	assert_span(csv_field(csv, SKU), sku);
	assert_span(csv_field(csv, NAME), name);
}

static void assert_end(struct csv *csv)
{
	struct fault fault;

	assert_code(csv_next(csv, &fault), ERR_NOT_FOUND);
	assert_code(csv_next(csv, &fault), ERR_NOT_FOUND);
	csv_close(csv);
}

#define BYTES(literal)                         \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

/* ---- forms ---- */

/* The same two rows in every form in which people export them. */
static void every_form_of_a_table_gives_the_same_rows(void **state)
{
	static const struct {
		struct span file;
		enum csv_encoding encoding;
		char separator;
	} rows[] = {
		{BYTES("sku,name\nA-1,螺丝\nA-2,x\n"), CSV_UTF8, ','},
		{BYTES("sku,name\nA-1,螺丝\nA-2,x"), CSV_UTF8, ','},
		{BYTES("sku,name\r\nA-1,螺丝\r\nA-2,x\r\n"), CSV_UTF8, ','},
		{BYTES("sku,name\rA-1,螺丝\rA-2,x\r"), CSV_UTF8, ','},
		{BYTES("\xef\xbb\xbfsku,name\nA-1,螺丝\nA-2,x\n"), CSV_UTF8,
		 ','},
		{BYTES("sku;name\nA-1;螺丝\nA-2;x\n"), CSV_UTF8, ';'},
		{BYTES("sku\tname\nA-1\t螺丝\nA-2\tx\n"), CSV_UTF8, '\t'},
		{BYTES("\"sku\",\"name\"\n\"A-1\",\"螺丝\"\n\"A-2\",\"x\""),
		 CSV_UTF8, ','},
		{BYTES("货号,名称\nA-1,螺丝\nA-2,x\n"), CSV_UTF8, ','},
		{BYTES("\xbb\xf5\xba\xc5,\xc3\xfb\xb3\xc6\n"
		       "A-1,\xc2\xdd\xcb\xbf\nA-2,x\n"),
		 CSV_GB18030, ','},
		{BYTES("\x84\x31\x95\x33sku;name\r\n"
		       "A-1;\xc2\xdd\xcb\xbf\r\nA-2;x\r\n"),
		 CSV_GB18030, ';'},
		{BYTES(" SKU , Name\nA-1,螺丝\nA-2,x\n"), CSV_UTF8, ','},
		{BYTES("name,more,ITEM\n螺丝,1,A-1\nx,,A-2\n"), CSV_UTF8, ','},
		{BYTES("sku,name,\"a;b;c;d\"\nA-1,螺丝,\nA-2,x,\n"), CSV_UTF8,
		 ','},
	};
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct csv *csv = opened(rows[i].file);

		assert_int_equal(csv_encoding(csv), rows[i].encoding);
		assert_int_equal(csv_separator(csv), rows[i].separator);
		assert_row(csv, 2, "A-1", "螺丝");
		assert_row(csv, 3, "A-2", "x");
		assert_true(csv_has(csv, NAME));
		assert_false(csv_has(csv, QTY));
		assert_int_equal(csv_place(csv, QTY), 0);
		assert_span(csv_field(csv, QTY), "");
		assert_end(csv);
		count++;
	}
	assert_int_equal(count, ARRAY_LEN(rows));
}

static void gb18030_has_four_byte_characters_too(void **state)
{
	struct csv *csv = opened(
		(struct span)BYTES("sku,name\nA,\x95\x32\x82\x36\xa2\xe3\n"));

	(void)state;
	assert_row(csv, 2, "A", "\xf0\xa0\x80\x80\xe2\x82\xac");
	assert_end(csv);
}

static void quotes_hold_separators_line_ends_and_quotes(void **state)
{
	struct csv *csv =
		opened((struct span)BYTES("sku,name\n"
					  "\"A,1\",\"24\"\" screen\"\n"
					  "A-2,\"two\r\nlines\rand\nmore\"\n"
					  "A-3,\"\"\n"
					  "\"\"\"\",\"\"\"a\"\"\"\n"
					  "A-5, kept \n"));

	(void)state;
	assert_row(csv, 2, "A,1", "24\" screen");
	assert_row(csv, 3, "A-2", "two\r\nlines\rand\nmore");
	assert_row(csv, 7, "A-3", "");
	assert_row(csv, 8, "\"", "\"a\"");
	assert_row(csv, 9, "A-5", " kept ");
	assert_end(csv);
}

static void empty_rows_are_passed_over_but_counted_as_lines(void **state)
{
	struct csv *csv = opened((struct span)BYTES(
		"\n\r\nsku,name\n\nA-1,x\n,\n,,,,\n\"\",\n\nA-2,y\n\n\n"));

	(void)state;
	assert_row(csv, 5, "A-1", "x");
	assert_row(csv, 10, "A-2", "y");
	assert_end(csv);
}

static void a_table_may_have_one_column_or_no_rows(void **state)
{
	struct csv *csv = opened((struct span)BYTES("sku\nA-1\nA-2"));
	struct fault fault;

	(void)state;
	assert_int_equal(csv_separator(csv), ',');
	assert_code(csv_next(csv, &fault), ERR_OK);
	assert_span(csv_field(csv, SKU), "A-1");
	assert_code(csv_next(csv, &fault), ERR_OK);
	assert_end(csv);
	assert_end(opened((struct span)BYTES("sku")));
	csv_close(NULL);
}

static void columns_that_nobody_knows_are_named(void **state)
{
	struct csv *csv =
		opened((struct span)BYTES("colour,sku,, price \nred,A,,1\n"));
	struct span name;

	(void)state;
	assert_true(csv_ignored(csv, 0, &name));
	assert_span(name, "colour");
	assert_true(csv_ignored(csv, 1, &name));
	assert_span(name, "");
	assert_true(csv_ignored(csv, 2, &name));
	assert_span(name, "price");
	assert_false(csv_ignored(csv, 3, &name));
	assert_int_equal(csv_place(csv, SKU), 2);
	csv_close(csv);
}

/* ---- mistakes ---- */

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define THOUSAND                                                        \
	HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED \
		HUNDRED HUNDRED
#define COMMAS_31 ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"

static void a_file_that_cannot_be_read_is_refused_as_a_whole(void **state)
{
	static const struct {
		struct span file;
		const char *code;
		const char *sentence;
	} rows[] = {
		{BYTES(""), "empty_file", "the file is empty"},
		{BYTES("\n\r\n"), "empty_file", "the file is empty"},
		{BYTES("\xef\xbb\xbf"), "empty_file", "the file is empty"},
		{BYTES(",,\n"), "empty_file", "the file is empty"},
		{BYTES("sku,name\nA,\xff\xfe\n"), "bad_encoding",
		 "line 2: neither UTF-8 nor GB18030; save the file as UTF-8 "
		 "(in Excel: CSV UTF-8)"},
		/* One bad byte in Chinese UTF-8 is damage, not GB18030. */
		{BYTES("sku,name\r\nA,螺丝\xc2\xdd\r\n"), "bad_encoding",
		 "line 2: neither UTF-8 nor GB18030; save the file as UTF-8 "
		 "(in Excel: CSV UTF-8)"},
		{BYTES("sku,name\rA,x\rB,螺\x90\r"), "bad_encoding",
		 "line 3: neither UTF-8 nor GB18030; save the file as UTF-8 "
		 "(in Excel: CSV UTF-8)"},
		{BYTES("\xef\xbb\xbfsku,name\nA,\xc2\xdd\xcb\xbf\n"),
		 "bad_encoding",
		 "line 2: neither UTF-8 nor GB18030; save the file as UTF-8 "
		 "(in Excel: CSV UTF-8)"},
		/* GB18030 that ends within a character */
		{BYTES("sku,name\nA,\xc2\xdd\xcb"), "bad_encoding",
		 "line 2: neither UTF-8 nor GB18030; save the file as UTF-8 "
		 "(in Excel: CSV UTF-8)"},
		{BYTES("s\0k\0u\0\n\0"), "bad_encoding",
		 "line 1: a NUL byte, as in UTF-16; save the file as UTF-8 (in "
		 "Excel: CSV UTF-8)"},
		{BYTES("sku\nA\nB\0\n"), "bad_encoding",
		 "line 3: a NUL byte, as in UTF-16; save the file as UTF-8 (in "
		 "Excel: CSV UTF-8)"},
		{BYTES("name,unit\nx,y\n"), "missing_column",
		 "line 1: the header has no column sku; it has: name, unit"},
		{BYTES("sku|name\nx|y\n"), "missing_column",
		 "line 1: the header has no column sku; it has: sku|name"},
		{BYTES("PK\x03\x04\x14\0"), "bad_encoding",
		 "this is a spreadsheet or an archive, not its text; save it "
		 "as CSV (in Excel: CSV UTF-8)"},
		{BYTES("\xd0\xcf\x11\xe0\xa1\xb1\0"), "bad_encoding",
		 "this is a spreadsheet or an archive, not its text; save it "
		 "as CSV (in Excel: CSV UTF-8)"},
		{BYTES("\nsku,name,货号\n"), "duplicate_column",
		 "line 2, column 3: the header has sku twice, here as 货号"},
		{BYTES("sku,\"name\n"), "bad_quote",
		 "line 1, column 2: the quote is never closed"},
		{BYTES("sku" COMMAS_31 ",\n"), "too_many_columns",
		 "line 1: more than 32 columns"},
	};
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct csv *csv = NULL;
		struct fault fault;
		char text[FAULT_TEXT_SIZE];

		if (open_copy(rows[i].file, &csv, &fault) != ERR_INVALID)
			fail_msg("taken: row %zu", i);
		assert_null(csv);
		fault_text_en(&fault, text, sizeof(text));
		assert_string_equal(text, rows[i].sentence);
		assert_string_equal(fault_code(fault.kind), rows[i].code);
		count++;
	}
	assert_int_equal(count, ARRAY_LEN(rows));
}

/* Method: each bad row stands between good ones, which are both read. */
static void a_bad_row_is_told_by_line_and_does_not_cost_the_next(void **state)
{
	static const struct {
		const char *row;
		const char *code;
		const char *sentence;
		uint32_t lines; /* that the row takes */
	} rows[] = {
		{"A", "wrong_column_count",
		 "line 3: the row has 1 columns; the header has 2", 1},
		{"A,b,c", "wrong_column_count",
		 "line 3: the row has 3 columns; the header has 2", 1},
		{"A,b,", "wrong_column_count",
		 "line 3: the row has 3 columns; the header has 2", 1},
		{"\"A\nB\"", "wrong_column_count",
		 "line 3: the row has 1 columns; the header has 2", 2},
		{"A,24\" screen", "bad_quote",
		 "line 3, column 2: a quote in the middle of a field; put the "
		 "whole field in quotes and double the quotes in it",
		 1},
		{"A,\"x\"y", "bad_quote",
		 "line 3, column 2: a quote in the middle of a field; put the "
		 "whole field in quotes and double the quotes in it",
		 1},
		{"\"A\" ,x", "bad_quote",
		 "line 3, column 1: a quote in the middle of a field; put the "
		 "whole field in quotes and double the quotes in it",
		 1},
		{"A, \"x\"", "bad_quote",
		 "line 3, column 2: a quote in the middle of a field; put the "
		 "whole field in quotes and double the quotes in it",
		 1},
		{"\"A\n\",b\"", "bad_quote",
		 "line 4, column 2: a quote in the middle of a field; put the "
		 "whole field in quotes and double the quotes in it",
		 2},
		{"A," THOUSAND TEN TEN "12345", "too_long",
		 "line 3, column 2: longer than 1024 bytes", 1},
		{"\"" THOUSAND TEN TEN "12345\",x", "too_long",
		 "line 3, column 1: longer than 1024 bytes", 1},
		{"A" COMMAS_31 ",x", "too_many_columns",
		 "line 3: more than 32 columns", 1},
	};
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char file[2048];
		char text[FAULT_TEXT_SIZE];
		struct fault fault;
		struct csv *csv;

		(void)text_format(file, sizeof(file),
				  "sku,name\nG-1,one\n%s\nG-2,two\n",
				  rows[i].row);
		csv = opened(span_of(file));
		assert_row(csv, 2, "G-1", "one");
		assert_code(csv_next(csv, &fault), ERR_INVALID);
		fault_text_en(&fault, text, sizeof(text));
		assert_string_equal(text, rows[i].sentence);
		assert_string_equal(fault_code(fault.kind), rows[i].code);
		assert_row(csv, 3 + rows[i].lines, "G-2", "two");
		assert_end(csv);
		count++;
	}
	assert_int_equal(count, ARRAY_LEN(rows));
}

static void an_open_quote_is_told_where_it_opens(void **state)
{
	struct csv *csv = opened((struct span)BYTES(
		"sku,name\nG-1,one\nA,\"never\nG-2,two\nG-3,three\n"));
	struct fault fault;

	(void)state;
	assert_row(csv, 2, "G-1", "one");
	assert_code(csv_next(csv, &fault), ERR_INVALID);
	assert_string_equal(fault_code(fault.kind), "bad_quote");
	assert_int_equal(fault.kind, FAULT_OPEN_QUOTE);
	assert_int_equal(fault.line, 3);
	assert_int_equal(fault.column, 2);
	assert_end(csv);
}

static void fields_and_columns_up_to_the_bound_are_taken(void **state)
{
	struct csv *csv = opened((struct span)BYTES(
		"sku" COMMAS_31 "\n" THOUSAND TEN TEN "1234" COMMAS_31 "\n"));
	struct fault fault;

	(void)state;
	assert_code(csv_next(csv, &fault), ERR_OK);
	assert_int_equal(csv_field(csv, SKU).size, CSV_FIELD_SIZE_MAX);
	assert_end(csv);
}

static void a_file_beyond_all_bounds_is_not_even_read(void **state)
{
	struct csv *csv = NULL;
	struct fault fault;

	(void)state;
	assert_code(csv_open((struct span){NULL, (size_t)CSV_FILE_SIZE_MAX + 1},
			     columns, COLUMNS, &csv, &fault),
		    ERR_INVALID);
	assert_int_equal(fault.kind, FAULT_FILE_TOO_LONG);
}

/*
 * Method: while the process may have no more memory (RLIMIT_AS), a file of
 * 32 MiB is opened, once as UTF-8 and once as GB18030. Sanitizers stop a
 * program in which malloc fails, so that there this counts as skipped.
 */
static void without_memory_nothing_is_opened_and_all_is_given_back(void **state)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
	defined(__clang__)
	(void)state;
	skip_because("a sanitizer stops a program without memory");
#else
	const size_t size = (size_t)32 << 20;
	char *file = malloc(size);
	struct rlimit before;
	struct rlimit none;
	struct fault fault;

	(void)state;
	assert_non_null(file);
	memset(file, 'x', size);
	memcpy(file, "sku\n", 4);
	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	none = before;
	none.rlim_cur = 0;
	for (int round = 0; round < 2; round++) {
		struct csv *csv = NULL;
		enum err_code code;

		assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
		code = csv_open((struct span){file, size}, columns, COLUMNS,
				&csv, &fault);
		assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
		assert_code(code, ERR_FULL);
		assert_null(csv);
		file[size - 1] = '\xf5'; /* now it is GB18030, if anything */
		file[size - 2] = '\xbb';
	}
	free(file);
#endif
}

/* ---- properties ---- */

struct file {
	char data[8192];
	size_t size;
};

static void append(struct file *file, const char *text)
{
	size_t size = strlen(text);

	assert_true(file->size + size <= sizeof(file->data));
	memcpy(file->data + file->size, text, size);
	file->size += size;
}

/* Writes @text as a field: in quotes if it must be, or at will. */
static void append_field(struct file *file, const char *text, bool in_quotes)
{
	if (!in_quotes && strpbrk(text, ",;\t\"\r\n") == NULL) {
		append(file, text);
		return;
	}
	append(file, "\"");
	for (; *text != '\0'; text++) {
		char c[] = {*text, *text == '"' ? '"' : '\0', '\0'};

		append(file, c);
	}
	append(file, "\"");
}

static const char *const pieces[] = {"a",  "\"", ",", ";",  "\t",
				     "\n", "\r", " ", "螺", "\r\n"};

static void random_text(uint64_t *seed, char *text)
{
	size_t used = 0;

	for (uint64_t n = test_random(seed) % 6; n > 0; n--) {
		const char *piece =
			pieces[test_random(seed) % ARRAY_LEN(pieces)];

		memcpy(text + used, piece, strlen(piece));
		used += strlen(piece);
	}
	text[used] = '\0';
}

static uint32_t line_ends(const char *text)
{
	uint32_t count = 0;

	for (; *text != '\0'; text++)
		count += *text == '\n' || (*text == '\r' && text[1] != '\n');
	return count;
}

/*
 * Method: 5,000 random tables of 20 rows, over text that is full of quotes,
 * separators and line ends, written in a random one of nine forms (separator
 * and line end), read back: the same fields, and the same lines.
 */
static void what_is_written_by_the_book_reads_back(void **state)
{
	static const char *const separators[] = {",", ";", "\t"};
	static const char *const ends[] = {"\n", "\r\n", "\r"};
	static char texts[20][COLUMNS][32];
	static struct file file;
	uint64_t seed = test_seed(4180);
	size_t rows = 0;

	(void)state;
	for (size_t round = 0; round < 5000; round++) {
		const char *separator = separators[test_random(&seed) % 3];
		const char *end = ends[test_random(&seed) % 3];
		struct fault fault;
		struct csv *csv;
		uint32_t line = 2;

		file.size = 0;
		append(&file, "sku");
		append(&file, separator);
		append(&file, "name");
		append(&file, separator);
		append(&file, "unit");
		append(&file, separator);
		append(&file, "qty");
		append(&file, end);
		for (size_t r = 0; r < 20; r++) {
			for (size_t c = 0; c < COLUMNS; c++) {
				random_text(&seed, texts[r][c]);
				append(&file, c > 0 ? separator : "");
				append_field(&file, texts[r][c],
					     test_random(&seed) % 2 == 0);
			}
			append(&file, end);
		}
		csv = opened((struct span){file.data, file.size});
		for (size_t r = 0; r < 20; r++) {
			size_t size = 0;

			for (size_t c = 0; c < COLUMNS; c++)
				size += strlen(texts[r][c]);
			if (size > 0) {
				assert_code(csv_next(csv, &fault), ERR_OK);
				assert_int_equal(csv_line(csv), line);
				rows++;
			}
			for (size_t c = 0; c < COLUMNS; c++) {
				if (size > 0)
					assert_span(csv_field(csv, c),
						    texts[r][c]);
				line += line_ends(texts[r][c]);
			}
			line++;
		}
		assert_end(csv);
	}
	assert_true(rows > 90000);
}

/*
 * Method: 100,000 files made of random pieces, a third with random bytes:
 * nothing crashes, every row of a taken file is read in finitely many steps,
 * lines never go back, and every field is valid UTF-8 without NUL.
 */
static void random_files_are_read_or_refused(void **state)
{
	uint64_t seed = test_seed(18030);
	size_t taken = 0;
	size_t refused = 0;
	size_t rows = 0;
	size_t bad_rows = 0;

	(void)state;
	for (size_t round = 0; round < 100000; round++) {
		struct file file = {.size = 0};
		struct csv *csv = NULL;
		struct fault fault;
		enum err_code code;
		uint32_t line = 0;

		append(&file, "sku,name\n");
		for (uint64_t n = test_random(&seed) % 40; n > 0; n--) {
			append(&file,
			       pieces[test_random(&seed) % ARRAY_LEN(pieces)]);
			if (round % 3 == 0 && n % 8 == 0)
				file.data[file.size++] =
					(char)test_random(&seed);
		}
		if (open_copy((struct span){file.data, file.size}, &csv,
			      &fault) != ERR_OK) {
			refused++;
			continue;
		}
		taken++;
		do {
			code = csv_next(csv, &fault);
			if (code == ERR_OK) {
				struct span name = csv_field(csv, NAME);

				assert_true(csv_line(csv) > line);
				line = csv_line(csv);
				assert_true(utf8_is_valid(name));
				rows++;
			}
			if (code == ERR_INVALID) {
				assert_true(fault.line > line);
				line = csv_line(csv);
				bad_rows++;
			}
			assert_true(line <= file.size);
		} while (code != ERR_NOT_FOUND);
		csv_close(csv);
	}
	printf("taken %zu, refused %zu, rows %zu, bad rows %zu\n", taken,
	       refused, rows, bad_rows);
	assert_true(taken > 10000);
	assert_true(refused > 10000);
	assert_true(rows > 10000);
	assert_true(bad_rows > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_a_table_gives_the_same_rows),
		cmocka_unit_test(gb18030_has_four_byte_characters_too),
		cmocka_unit_test(quotes_hold_separators_line_ends_and_quotes),
		cmocka_unit_test(
			empty_rows_are_passed_over_but_counted_as_lines),
		cmocka_unit_test(a_table_may_have_one_column_or_no_rows),
		cmocka_unit_test(columns_that_nobody_knows_are_named),
		cmocka_unit_test(
			a_file_that_cannot_be_read_is_refused_as_a_whole),
		cmocka_unit_test(
			a_bad_row_is_told_by_line_and_does_not_cost_the_next),
		cmocka_unit_test(an_open_quote_is_told_where_it_opens),
		cmocka_unit_test(fields_and_columns_up_to_the_bound_are_taken),
		cmocka_unit_test(a_file_beyond_all_bounds_is_not_even_read),
		cmocka_unit_test(
			without_memory_nothing_is_opened_and_all_is_given_back),
		cmocka_unit_test(what_is_written_by_the_book_reads_back),
		cmocka_unit_test(random_files_are_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
