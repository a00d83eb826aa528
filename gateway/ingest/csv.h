/*
 * csv - tables that people export from other programs: items, codes, bins.
 *
 * Layer     gateway/ingest; no files: the caller has read the bytes
 * Threads   any; a struct csv belongs to one thread
 *
 * Source    RFC 4180, and what spreadsheets make of it:
 *   - UTF-8 with or without a byte order mark, or GB18030 (which GBK and
 *     GB2312 are parts of). A text that is mostly UTF-8 with a few bad bytes
 *     is refused rather than read as GB18030, which would make other Chinese
 *     of it without a sign;
 *   - comma, semicolon or tab, whichever the header has most of;
 *   - lines end in LF, CRLF or CR;
 *   - fields may stand in double quotes, and then hold separators, line ends
 *     and doubled quotes. A quote anywhere else is an error, because guessing
 *     would move every field behind it;
 *   - each row has as many fields as the header. Rows with nothing in any
 *     field are passed over.
 *
 * Fields are given as they are written: blanks at their ends stay.
 *
 * A bad row does not end the reading: an import reports all of them at once,
 * each with the line of the original file.
 */
#ifndef DEPOT_GATEWAY_INGEST_CSV_H
#define DEPOT_GATEWAY_INGEST_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/ingest/fault.h"
#include "rules/base/err.h"
#include "rules/base/text.h"

#define CSV_COLUMNS_MAX 32
#define CSV_FIELD_SIZE_MAX 1024
#define CSV_FILE_SIZE_MAX (256u << 20)

struct csv;

enum csv_encoding {
	CSV_UTF8,
	CSV_GB18030,
};

/* A column that the caller knows. Names are compared without regard to the
 * case of ASCII letters, and to blanks at the ends. */
struct csv_column {
	const char *name;           /* "sku": what faults call it */
	const char *const *aliases; /* "货号" ..., then NULL; or NULL */
	bool is_required;
};

/*
 * Decodes @file, which may go afterwards, and reads its header. @columns, at
 * most CSV_COLUMNS_MAX, are borrowed until csv_close. Columns of the file that
 * nobody knows are passed over (csv_ignored names them).
 *
 * ERR_INVALID  *@fault tells: empty_file, bad_encoding (a spreadsheet's own
 *              format too), too_long,
 *              too_many_columns, bad_quote, missing_column, duplicate_column
 * ERR_FULL     out of memory; @fault is untouched
 */
MUST_CHECK enum err_code csv_open(struct span file,
				  const struct csv_column *columns,
				  size_t count, struct csv **ret_csv,
				  struct fault *fault);
/* Takes NULL. */
void csv_close(struct csv *csv);

enum csv_encoding csv_encoding(const struct csv *csv);
char csv_separator(const struct csv *csv);
/* Whether the header has the known column @index. */
bool csv_has(const struct csv *csv, size_t index);
/* The name, in the file, of the @n-th column (from 0) that is passed over.
 * False beyond the last. Borrowed until csv_close. */
MUST_CHECK bool csv_ignored(const struct csv *csv, size_t n,
			    struct span *ret_name);

/* What the header calls the column at @place, from 1; empty beyond its end.
 * Borrowed until csv_close. */
struct span csv_heading(const struct csv *csv, uint32_t place);

/*
 * Goes to the next row.
 *
 * ERR_NOT_FOUND  there is none
 * ERR_INVALID    this row is bad: *@fault has its line and column (too_long,
 *                bad_quote, too_many_columns, wrong_column_count). The next
 *                call goes on behind it
 */
MUST_CHECK enum err_code csv_next(struct csv *csv, struct fault *fault);

/* Of the row that csv_next found: the line where it begins, from 1. */
uint32_t csv_line(const struct csv *csv);

/* The known column @index; empty if the file has no such column. Valid UTF-8
 * without NUL. Borrowed until csv_close. */
struct span csv_field(const struct csv *csv, size_t index);

/* Its place in the file, from 1, for a sentence; 0 if it has none. */
uint32_t csv_place(const struct csv *csv, size_t index);

#endif
