/*
 * A store's folder, not made yet, and what may come to stand beside it.
 */
#ifndef DEPOT_TESTS_UNIT_STORE_ENV_BED_H
#define DEPOT_TESTS_UNIT_STORE_ENV_BED_H

#include "tests/support/marked.h"
#include "tests/support/store.h"

#include "store/env.h"

#define MAP_SIZE (UINT64_C(1) << 20)

struct fixture {
	struct scratch scratch;
	char store[SCRATCH_PATH_SIZE];
	char copy[SCRATCH_PATH_SIZE];
	char partial[SCRATCH_PATH_SIZE]; /* the store, being made */
	struct err err;
};

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	scratch_make(&f->scratch);
	scratch_path(&f->scratch, "store", f->store);
	scratch_path(&f->scratch, "copy", f->copy);
	scratch_path(&f->scratch, "store.partial", f->partial);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	store_remove(f->store);
	store_remove(f->copy);
	store_remove(f->partial);
	scratch_remove(&f->scratch);
	free(f);
	return 0;
}

static inline void store_make(struct fixture *f)
{
	assert_done(env_create(f->store, MAP_SIZE, rows_lay, NULL, &f->err),
		    &f->err);
}

static inline void assert_whole_at(struct fixture *f, const char *path)
{
	struct env *env;

	assert_done(env_open(path, ENV_READ, &env, &f->err), &f->err);
	assert_true(rows_are_whole(env));
	env_close(env);
}

#endif
