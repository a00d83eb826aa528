/*
 * tsv - reading tables of test vectors, row by row.
 *
 * A table is a file of tab-separated lines; lines that start with '#' are
 * comments, and the first other line names the columns. Where a file is not
 * there, a test says so and is skipped, unless CI=true, which makes it fail.
 */
#ifndef DEPOT_TESTS_UNIT_INGEST_TSV_H
#define DEPOT_TESTS_UNIT_INGEST_TSV_H

#include "tests/support/check.h"

#define TSV_COLUMNS_MAX 16

struct tsv {
	FILE *file;
	char line[16384];
	size_t column_count;
	const char *columns[TSV_COLUMNS_MAX];
};

/* Splits the line in place; returns how many columns it has. */
static inline size_t tsv_split(struct tsv *tsv)
{
	size_t count = 0;
	char *at = tsv->line;

	at[strcspn(at, "\n")] = '\0';
	while (at != NULL && count < TSV_COLUMNS_MAX) {
		char *tab = strchr(at, '\t');

		tsv->columns[count++] = at;
		if (tab != NULL)
			*tab++ = '\0';
		at = tab;
	}
	for (size_t i = count; i < TSV_COLUMNS_MAX; i++)
		tsv->columns[i] = "";
	return count;
}

/* Reads the next row; false at the end. */
static inline bool tsv_next(struct tsv *tsv)
{
	while (fgets(tsv->line, sizeof(tsv->line), tsv->file) != NULL) {
		assert_non_null(strchr(tsv->line, '\n'));
		if (tsv->line[0] == '#')
			continue;
		tsv->column_count = tsv_split(tsv);
		return true;
	}
	return false;
}

/* Opens @name in the data folder and passes over the line of names, of which
 * the first must be @first. Skips or fails the test if there is none. */
static inline void tsv_open(struct tsv *tsv, const char *name,
			    const char *first)
{
	const char *ci = getenv("CI");
	char path[4096];

	assert_true(text_format(path, sizeof(path), "%s/%s", test_data_folder(),
				name));
	tsv->file = fopen(path, "re");
	if (tsv->file == NULL) {
		if (ci != NULL && strcmp(ci, "true") == 0)
			fail_msg("%s is missing", path);
		skip_because("%s is missing", path);
	}
	assert_true(tsv_next(tsv));
	assert_string_equal(tsv->columns[0], first);
}

#endif
