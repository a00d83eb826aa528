/*
 * marked - rows of which a test can tell whether all of them are there.
 */
#ifndef DEPOT_TESTS_SUPPORT_MARKED_H
#define DEPOT_TESTS_SUPPORT_MARKED_H

#include "store/env.h"
#include "tests/support/check.h"

#define MARKED_ROWS 30

/* Rows that rows_are_whole knows again. */
static inline enum err_code rows_lay(void *context, struct txn *txn,
				     struct err *err)
{
	static char value[3000];

	(void)context;
	memset(value, 'v', sizeof(value));
	for (char key[] = "000"; key[1] < '0' + MARKED_ROWS / 10; key[1]++)
		for (key[2] = '0'; key[2] <= '9'; key[2]++) {
			enum err_code code =
				txn_put(txn, TABLE_ITEM, span_of(key),
					(struct span){value, sizeof(value)},
					err);

			if (code != ERR_OK)
				return code;
		}
	return ERR_OK;
}

static inline enum err_code row_is_whole(void *context, struct span key,
					 struct span value, struct err *err)
{
	size_t *rows = context;

	(void)key;
	for (size_t i = 0; i < value.size; i++)
		if (value.data[i] != 'v')
			return err_set(err, ERR_CORRUPT, "byte %zu", i);
	(*rows)++;
	return value.size == 3000 ? ERR_OK : ERR_CORRUPT;
}

static inline bool rows_are_whole(struct env *env)
{
	size_t rows = 0;
	struct view *view;
	enum err_code code;

	if (view_begin(env, &view, NULL) != ERR_OK)
		return false;
	code = view_walk(view, TABLE_ITEM, (struct span){0}, (struct span){0},
			 row_is_whole, &rows, NULL);
	view_end(view);
	return code == ERR_OK && rows == MARKED_ROWS;
}

#endif
