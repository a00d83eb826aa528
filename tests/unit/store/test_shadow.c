/*
 * A store is read in a folder of our own, and nobody writes it meanwhile.
 */
#include "tests/support/check.h"

#include "store/env.h"
#include "store/shadow.h"
#include "tests/support/store.h"

#define MAP_SIZE (UINT64_C(1) << 20)

struct fixture {
	struct scratch scratch;
	char store[SCRATCH_PATH_SIZE];
	struct err err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	scratch_make(&f->scratch);
	scratch_path(&f->scratch, "store", f->store);
	assert_done(env_create(f->store, MAP_SIZE, NULL, NULL, &f->err),
		    &f->err);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	store_remove(f->store);
	scratch_remove(&f->scratch);
	free(f);
	return 0;
}

static void a_shadow_reads_the_store_and_keeps_writers_away(void **state)
{
	struct fixture *f = *state;
	struct shadow shadow;
	struct env *env;
	struct env *writer;
	uint64_t rows = 0;
	struct view *view;

	assert_done(shadow_open(f->store, f->scratch.folder, &shadow, &f->err),
		    &f->err);
	assert_true(shadow.is_own);
	assert_string_not_equal(shadow.path, f->store);
	assert_code(env_open(f->store, ENV_WRITE, &writer, &f->err), ERR_AGAIN);
	assert_done(env_open(shadow.path, ENV_READ, &env, &f->err), &f->err);
	assert_done(view_begin(env, &view, &f->err), &f->err);
	assert_done(view_count(view, TABLE_META, &rows, &f->err), &f->err);
	assert_int_equal(rows, 1);
	view_end(view);
	env_close(env);
	shadow_close(&shadow);
	assert_false(path_is_there(shadow.path));
	assert_done(env_open(f->store, ENV_WRITE, &writer, &f->err), &f->err);
	env_close(writer);
}

/* Readers have to be told to who writes already: they are, in his folder. */
static void the_store_of_a_writer_is_read_where_it_is(void **state)
{
	struct fixture *f = *state;
	struct lock lock;
	struct shadow shadow;

	assert_done(lock_open(f->store, &lock, &f->err), &f->err);
	assert_done(shadow_open(f->store, f->scratch.folder, &shadow, &f->err),
		    &f->err);
	assert_false(shadow.is_own);
	assert_string_equal(shadow.path, f->store);
	shadow_close(&shadow);
	assert_true(path_is_there(f->store));
	lock_close(&lock);
}

/* A copy that nobody ever opened for writing has no lock file. */
static void a_folder_without_a_lock_stays_without_one(void **state)
{
	struct fixture *f = *state;
	char path[SCRATCH_PATH_SIZE + 16];
	struct shadow shadow;

	assert_true(text_format(path, sizeof(path), "%s/%s", f->store,
				LOCK_FILE_NAME));
	(void)unlink(path);
	assert_done(shadow_open(f->store, f->scratch.folder, &shadow, &f->err),
		    &f->err);
	assert_true(shadow.is_own);
	shadow_close(&shadow);
	assert_false(path_is_there(path));
}

static void a_folder_without_a_store_has_no_shadow(void **state)
{
	struct fixture *f = *state;
	struct shadow shadow;

	assert_code(shadow_open(f->scratch.folder, f->scratch.folder, &shadow,
				&f->err),
		    ERR_NOT_COMMISSIONED);
	assert_code(shadow_open("/nonexistent", f->scratch.folder, &shadow,
				&f->err),
		    ERR_NOT_COMMISSIONED);
	assert_code(shadow_open(f->store, "/nonexistent", &shadow, &f->err),
		    ERR_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_shadow_reads_the_store_and_keeps_writers_away),
		TEST(the_store_of_a_writer_is_read_where_it_is),
		TEST(a_folder_without_a_lock_stays_without_one),
		TEST(a_folder_without_a_store_has_no_shadow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
