/*
 * golden_tables - the rows of a table against those of its golden file.
 */
#ifndef DEPOT_TESTS_SUPPORT_GOLDEN_TABLES_H
#define DEPOT_TESTS_SUPPORT_GOLDEN_TABLES_H

#include "store/env.h"
#include "tests/support/check.h"

#define TABLE_TEXT_SIZE (64 * 1024)

struct table_text {
	char data[TABLE_TEXT_SIZE];
	size_t size;
};

static inline void hex_add(struct table_text *text, struct span bytes, char end)
{
	for (size_t i = 0; i < bytes.size; i++) {
		assert_true(text->size + 4 < TABLE_TEXT_SIZE);
		assert_true(text_format(text->data + text->size, 3, "%02x",
					(unsigned)(uint8_t)bytes.data[i]));
		text->size += 2;
	}
	text->data[text->size++] = end;
	text->data[text->size] = '\0';
}

/* A line "key value" a row, in hex. */
static inline enum err_code row_add(void *context, struct span key,
				    struct span value, struct err *err)
{
	(void)err;
	hex_add(context, key, ' ');
	hex_add(context, value, '\n');
	return ERR_OK;
}

/* Empty where there is no such file. */
static inline void golden_read(enum table table, struct table_text *text)
{
	char path[256];
	FILE *file;

	text->size = 0;
	assert_true(text_format(path, sizeof(path), DEPOT_GOLDEN "/tables/%s",
				table_name(table)));
	file = fopen(path, "r");
	if (file == NULL)
		return;
	text->size = fread(text->data, 1, TABLE_TEXT_SIZE - 1, file);
	(void)fclose(file);
}

/* Prints the rows that there are now if they differ: for the golden file, if
 * that was meant. */
static inline void assert_table_is_golden(const struct view *view,
					  enum table table)
{
	static struct table_text now;
	static struct table_text golden;
	const struct span all = {"", 0};
	struct err err;

	now.size = 0;
	assert_done(view_walk(view, table, all, all, row_add, &now, &err),
		    &err);
	assert_true(now.size > 0);
	golden_read(table, &golden);
	if (golden.size == now.size &&
	    memcmp(golden.data, now.data, now.size) == 0)
		return;
	(void)printf("%s", now.data); /* too long for a message */
	fail_msg("tables/%s holds other rows", table_name(table));
}

#endif
