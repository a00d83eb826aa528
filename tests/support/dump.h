/*
 * dump - all rows of the derived tables as one run of bytes, to compare.
 */
#ifndef DEPOT_TESTS_SUPPORT_DUMP_H
#define DEPOT_TESTS_SUPPORT_DUMP_H

#include "store/env.h"
#include "store/fold.h"
#include "tests/support/check.h"

struct dump {
	char *bytes;
	size_t size;
	size_t capacity;
	size_t rows;
};

static inline void dump_add(struct dump *dump, const void *bytes, size_t size)
{
	if (size > dump->capacity - dump->size) {
		dump->capacity = dump->capacity * 2 + size;
		dump->bytes = realloc(dump->bytes, dump->capacity);
		assert_non_null(dump->bytes);
	}
	memcpy(dump->bytes + dump->size, bytes, size);
	dump->size += size;
}

static inline enum err_code dump_row(void *context, struct span key,
				     struct span value, struct err *err)
{
	struct dump *dump = context;

	(void)err;
	dump_add(dump, &key.size, sizeof(key.size));
	dump_add(dump, key.data, key.size);
	dump_add(dump, &value.size, sizeof(value.size));
	dump_add(dump, value.data, value.size);
	dump->rows++;
	return ERR_OK;
}

/* The caller frees its bytes. */
static inline struct dump dump_of(const struct view *view)
{
	struct dump dump = {.bytes = NULL};
	const struct span all = {"", 0};
	size_t count;
	const enum table *tables = fold_tables(&count);

	for (size_t i = 0; i < count; i++) {
		dump_add(&dump, &tables[i], sizeof(tables[i]));
		assert_code(view_walk(view, tables[i], all, all, dump_row,
				      &dump, NULL),
			    ERR_OK);
	}
	return dump;
}

static inline struct dump dump_env(struct env *env)
{
	struct err err = {.text = ""};
	struct view *view;
	struct dump dump;

	assert_done(view_begin(env, &view, &err), &err);
	dump = dump_of(view);
	view_end(view);
	return dump;
}

/* Frees @now. */
static inline void assert_dump(const struct dump *before, struct dump now)
{
	assert_int_equal(now.rows, before->rows);
	assert_int_equal(now.size, before->size);
	assert_memory_equal(now.bytes, before->bytes, now.size);
	free(now.bytes);
}

#endif
