/*
 * A copy of a store is of one moment, whole, and as large as it was asked to
 * be: what backup and resize stand on.
 */
#include "tests/unit/store/env_bed.h"

#include <pthread.h>
#include <stdatomic.h>

struct writing {
	struct env *env;
	bool has_failed;
	atomic_bool is_to_stop;
	unsigned commits;
};

/* Each commit sets both rows to its number. */
static void *pairs_write(void *argument)
{
	struct writing *writing = argument;

	while (!writing->is_to_stop && !writing->has_failed) {
		struct txn *txn;
		char text[16];

		(void)text_format(text, sizeof(text), "%u", ++writing->commits);
		if (txn_begin(writing->env, &txn, NULL) != ERR_OK ||
		    txn_put(txn, TABLE_SKU, span_of("1"), span_of(text),
			    NULL) != ERR_OK ||
		    txn_put(txn, TABLE_TASK, span_of("2"), span_of(text),
			    NULL) != ERR_OK ||
		    txn_commit(txn, NULL) != ERR_OK)
			writing->has_failed = true;
	}
	return NULL;
}

static void assert_pair(struct fixture *f, const char *path)
{
	struct env *env;
	struct view *view;
	struct span one = {0};
	struct span two = {0};

	assert_done(env_open(path, ENV_WRITE, &env, &f->err), &f->err);
	assert_true(rows_are_whole(env));
	assert_done(view_begin(env, &view, &f->err), &f->err);
	assert_code(view_get(view, TABLE_SKU, span_of("1"), &one, NULL),
		    view_get(view, TABLE_TASK, span_of("2"), &two, NULL));
	assert_true(span_equal(one, two));
	view_end(view);
	env_close(env);
}

static void a_copy_taken_while_written_is_of_one_moment(void **state)
{
	struct fixture *f = *state;
	struct writing writing = {0};
	pthread_t thread;

	assert_done(env_create(f->store, 16 * MAP_SIZE, rows_lay, NULL,
			       &f->err),
		    &f->err);
	assert_done(env_open(f->store, ENV_WRITE, &writing.env, &f->err),
		    &f->err);
	assert_int_equal(pthread_create(&thread, NULL, pairs_write, &writing),
			 0);
	for (size_t i = 0; i < 20; i++) {
		enum err_code code = env_copy(writing.env, f->copy, 0, &f->err);

		if (code != ERR_OK)
			writing.is_to_stop = true;
		assert_done(code, &f->err);
		assert_pair(f, f->copy);
		store_remove(f->copy);
	}
	writing.is_to_stop = true;
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_false(writing.has_failed);
	assert_true(writing.commits > 20);
	env_close(writing.env);
}

static void assert_map(struct fixture *f, const char *path, uint64_t size)
{
	struct env_usage usage;
	struct env *env;

	assert_done(env_open(path, ENV_WRITE, &env, &f->err), &f->err);
	assert_done(env_usage(env, &usage, &f->err), &f->err);
	assert_true(rows_are_whole(env));
	assert_int_equal(usage.map_size, size);
	assert_true(usage.is_allocated);
	env_close(env);
}

static void a_copy_may_have_a_larger_or_a_smaller_map(void **state)
{
	static const uint64_t sizes[] = {8 * MAP_SIZE, MAP_SIZE, 4 * MAP_SIZE};
	struct fixture *f = *state;
	struct env *env;

	assert_done(env_create(f->store, 4 * MAP_SIZE, rows_lay, NULL, &f->err),
		    &f->err);
	assert_done(env_open(f->store, ENV_WRITE, &env, &f->err), &f->err);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		assert_done(env_copy(env, f->copy, sizes[i], &f->err), &f->err);
		assert_map(f, f->copy, sizes[i]);
		assert_code(env_copy(env, f->copy, 0, &f->err), ERR_CONFLICT);
		store_remove(f->copy);
	}
	env_close(env);
}

static enum err_code rows_lay_many(void *context, struct txn *txn,
				   struct err *err)
{
	static const char row[1 << 16];
	enum err_code code = rows_lay(context, txn, err);

	for (char key[] = "a"; key[0] <= 'z' && code == ERR_OK; key[0]++)
		code = txn_put(txn, TABLE_PARKED, span_of(key),
			       (struct span){row, sizeof(row)}, err);
	return code;
}

static void a_copy_into_too_small_a_map_is_refused(void **state)
{
	struct fixture *f = *state;
	char partial[SCRATCH_PATH_SIZE];
	struct env *env;

	assert_done(env_create(f->store, 4 * MAP_SIZE, rows_lay_many, NULL,
			       &f->err),
		    &f->err);
	assert_done(env_open(f->store, ENV_READ, &env, &f->err), &f->err);
	assert_code(env_copy(env, f->copy, MAP_SIZE, &f->err), ERR_INVALID);
	assert_false(path_is_there(f->copy));
	assert_false(path_is_there(
		scratch_path(&f->scratch, "copy.partial", partial)));
	env_close(env);
}

/* Method: both meta pages are made to count one page more than there is in
 * the trees and the free list, which is what a leak looks like to LMDB. */
static void a_store_that_leaked_pages_can_still_be_copied(void **state)
{
	const off_t last_page_at = 16 + 24 + 2 * 48;
	struct fixture *f = *state;
	struct env *env;
	int fd;

	store_make(f);
	fd = store_data_open(f->store);
	for (off_t page = 0; page < 2; page++) {
		uint64_t last;
		off_t at = page * 4096 + last_page_at;

		assert_int_equal(pread(fd, &last, sizeof(last), at), 8);
		last++;
		assert_int_equal(pwrite(fd, &last, sizeof(last), at), 8);
	}
	(void)close(fd);
	assert_done(env_open(f->store, ENV_READ, &env, &f->err), &f->err);
	assert_done(env_copy(env, f->copy, 0, &f->err), &f->err);
	env_close(env);
	assert_whole_at(f, f->copy);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_copy_taken_while_written_is_of_one_moment),
		TEST(a_copy_may_have_a_larger_or_a_smaller_map),
		TEST(a_copy_into_too_small_a_map_is_refused),
		TEST(a_store_that_leaked_pages_can_still_be_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
