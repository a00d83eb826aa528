/*
 * import_json - a list of objects as the table that it is.
 *
 * Layer     gateway/core, inside the commands only
 * Threads   the command's
 *
 * An import reads one kind of table. Programs write JSON: a list of objects
 * (or an object with such a list) whose members are named as the columns are.
 * It is turned into the table's text here, so that every rule about a row
 * stands once. Members that nobody knows become columns that nobody knows.
 */
#ifndef DEPOT_GATEWAY_CORE_IMPORT_JSON_H
#define DEPOT_GATEWAY_CORE_IMPORT_JSON_H

#include "gateway/ingest/csv.h"

/* A tree needs 42 times its text. */
#define IMPORT_JSON_SIZE_MAX (256u << 10)

struct import_line {
	uint32_t table; /* where a row begins in the table's text */
	uint32_t json;  /* and its object in the JSON, from 1 */
};

/* All zero is an empty one. */
struct import_json {
	char *text;
	size_t size;
	size_t capacity;
	struct import_line *lines; /* a row each */
	size_t lines_capacity;
	uint32_t rows;
	uint32_t line; /* at the end of the text */
};

/* What the table is to be. */
struct import_shape {
	const struct csv_column *columns; /* the first names a row */
	size_t count;
	/* The member whose objects become rows behind their object's, with its
	 * first column, and their numbers from 1 in the second. NULL: none. */
	const char *parts;
};

/* True if @file is meant as JSON: it begins like a list or an object. */
bool import_is_json(struct span file);

/*
 * Reads @file into @table.
 *
 * ERR_INVALID  it is no JSON, or no such list: *@fault tells
 * ERR_FULL     out of memory; @fault is untouched
 */
MUST_CHECK enum err_code import_json_read(struct import_json *table,
					  struct span file,
					  const struct import_shape *shape,
					  struct fault *fault);

/* The line of the object whose row begins at @line of the table. */
uint32_t import_json_line(const struct import_json *table, uint32_t line);

/* Takes an empty one. */
void import_json_release(struct import_json *table);

#endif
