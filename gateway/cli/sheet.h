/*
 * sheet - rows of a reply as text.
 *
 * Layer     programs; sheet.c is the only file that includes libsmartcols
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_SHEET_H
#define DEPOT_GATEWAY_CLI_SHEET_H

#include "gateway/cli/cli.h"

struct column {
	/* Of the row; "a.b" looks into an object, "a|b" is the first of them
	 * that is there. $ is the language asked for, and % the other:
	 * "name_$|name_%". A time, "@stamp", is marked where the `clock` beside
	 * it was not trusted. */
	const char *member;
	const char *en;
	const char *zh;
	bool is_number; /* aligned to the right */
};

struct sheet;

/* Never NULL: the program ends where there is no memory. @columns are borrowed
 * until sheet_show. */
struct sheet *sheet_open(const struct cli *cli, const struct column *columns,
			 size_t count);
void sheet_add(struct sheet *sheet, const struct json_value *row);
/* A row for each member of @list. */
void sheet_add_list(struct sheet *sheet, const struct json_value *list);
/* A row that is no object: a text for each column. */
void sheet_add_texts(struct sheet *sheet, const char *const *texts);
size_t sheet_rows(const struct sheet *sheet);
/* Prints it, or @nothing if it has no rows, to stdout, and releases it. NULL:
 * nothing at all. */
void sheet_show(struct sheet *sheet, const char *nothing);
/* Releases it unseen. */
void sheet_drop(struct sheet *sheet);
/* Formats it for a terminal of @width columns. To be freed. */
char *sheet_text(struct sheet *sheet, size_t width);

/* ---- single values ---- */

/* The first row of a list; NULL also where there is no list. */
const struct json_value *list_first(const struct json_value *list);

#define VALUE_TEXT_SIZE 512

/* @value as people read it: texts as they are, numbers, yes and no, lists
 * joined by commas; "" for null and for NULL. */
const char *value_text(const struct cli *cli, const struct json_value *value,
		       char buffer[VALUE_TEXT_SIZE]);
/* The same of a member, named as a column's. */
const char *member_text(const struct cli *cli, const struct json_value *row,
			const char *member, char buffer[VALUE_TEXT_SIZE]);
/* A member by its plain name: a whole number; @otherwise if it is absent or
 * none. */
int64_t member_number(const struct json_value *row, const char *member,
		      int64_t otherwise);
bool member_true(const struct json_value *row, const char *member);

/* The members named by @columns, one a line, those that say something. */
void record_show(const struct cli *cli, const struct json_value *record,
		 const struct column *columns, size_t count);

#endif
