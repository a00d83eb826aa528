/*
 * document - a table of a document, row by row, beside the code.
 */
#ifndef DEPOT_TESTS_SUPPORT_DOCUMENT_H
#define DEPOT_TESTS_SUPPORT_DOCUMENT_H

#include <inttypes.h>

#include "rules/base/text.h"
#include "tests/support/check.h"

#define DOCUMENT_CELLS_MAX 6
#define DOCUMENT_CELL_SIZE 512

struct document {
	FILE *file;
	char line[2048];
	/* Of the row: the texts between its bars. */
	char cells[DOCUMENT_CELLS_MAX][DOCUMENT_CELL_SIZE];
	size_t rows; /* seen so far, this one included */
};

/* To the rows of the first table behind @heading whose header begins so. */
static inline void document_open(struct document *document, const char *path,
				 const char *heading, const char *header)
{
	bool is_section = false;

	document->rows = 0;
	document->file = fopen(path, "re");
	assert_non_null(document->file);
	do {
		if (fgets(document->line, sizeof(document->line),
			  document->file) == NULL)
			fail_msg("%s, %s: no table %s", path, heading, header);
		is_section = is_section || strncmp(document->line, heading,
						   strlen(heading)) == 0;
	} while (!is_section ||
		 strncmp(document->line, header, strlen(header)) != 0);
	assert_non_null(
		fgets(document->line, sizeof(document->line), document->file));
}

/* False behind the last row; the file is closed then. */
static inline bool document_next(struct document *document)
{
	const char *at = document->line + 1;
	size_t cell = 0;

	if (fgets(document->line, sizeof(document->line), document->file) ==
		    NULL ||
	    document->line[0] != '|') {
		(void)fclose(document->file);
		return false;
	}
	memset(document->cells, 0, sizeof(document->cells));
	while (cell < DOCUMENT_CELLS_MAX && strchr(at, '|') != NULL) {
		const char *end = strchr(at, '|');

		/* An empty one is one blank. */
		if (end - at > 2)
			assert_true(text_format(document->cells[cell],
						DOCUMENT_CELL_SIZE, "%.*s",
						(int)(end - at - 2), at + 1));
		cell++;
		at = end + 1;
	}
	document->rows++;
	return true;
}

static inline void document_cell(const struct document *document, size_t cell,
				 const char *expected)
{
	if (strcmp(document->cells[cell], expected) != 0)
		fail_msg("the code says '%s' of %s", expected, document->line);
}

/* As people read it: 32,768. */
static inline void document_number(const struct document *document, size_t cell,
				   uint64_t number)
{
	char text[32];

	assert_true(number < 1000000);
	if (number >= 1000)
		(void)text_format(text, sizeof(text), "%" PRIu64 ",%03" PRIu64,
				  number / 1000, number % 1000);
	else
		(void)text_format(text, sizeof(text), "%" PRIu64, number);
	document_cell(document, cell, text);
}

/* A name as code. */
static inline void document_name(const struct document *document, size_t cell,
				 const char *name)
{
	char text[64];

	assert_true(text_format(text, sizeof(text), "`%s`", name));
	document_cell(document, cell, text);
}

#endif
