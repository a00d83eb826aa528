/*
 * A store's files: made whole or not at all, opened by one writer, copied
 * while written, and refused with a sentence when they are no store.
 */
#include "tests/support/store.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "rules/base/bytes.h"
#include "store/env.h"

#define MAP_SIZE (UINT64_C(1) << 20)
#define MARKED_ROWS 30

struct fixture {
	struct scratch scratch;
	char store[SCRATCH_PATH_SIZE];
	char copy[SCRATCH_PATH_SIZE];
	char partial[SCRATCH_PATH_SIZE];
	struct err err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	scratch_make(&f->scratch);
	scratch_path(&f->scratch, "store", f->store);
	scratch_path(&f->scratch, "copy", f->copy);
	scratch_path(&f->scratch, "store.partial", f->partial);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	store_remove(f->store);
	store_remove(f->copy);
	store_remove(f->partial);
	scratch_remove(&f->scratch);
	free(f);
	return 0;
}

/* Rows that rows_are_whole knows again. */
static enum err_code rows_lay(void *context, struct txn *txn, struct err *err)
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

static enum err_code row_is_whole(void *context, struct span key,
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

static bool rows_are_whole(struct env *env)
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

static void store_make(struct fixture *f)
{
	assert_done(env_create(f->store, MAP_SIZE, rows_lay, NULL, &f->err),
		    &f->err);
}

static void assert_whole_at(struct fixture *f, const char *path)
{
	struct env *env;

	assert_done(env_open(path, ENV_READ, &env, &f->err), &f->err);
	assert_true(rows_are_whole(env));
	env_close(env);
}

/* ---- creating ---- */

static void a_new_store_is_whole_allocated_and_its_owners_alone(void **state)
{
	struct fixture *f = *state;
	char path[SCRATCH_PATH_SIZE + 16];
	struct stat info;
	int fd;

	store_make(f);
	assert_false(path_is_there(f->partial));
	assert_int_equal(stat(f->store, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0700);
	fd = store_data_open(f->store);
	assert_int_equal(fstat(fd, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	assert_int_equal(info.st_size, MAP_SIZE);
	assert_true(info.st_blocks * 512 >= (off_t)MAP_SIZE);
	(void)close(fd);
	/* LMDB writes this one through a map. */
	(void)text_format(path, sizeof(path), "%s/lock.mdb", f->store);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_size, 8192);
	assert_true(info.st_blocks * 512 >= info.st_size);
	assert_whole_at(f, f->store);
}

static void nothing_is_created_over_what_is_there(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(f->store, 0700), 0); /* even if it is empty */
	assert_code(env_create(f->store, MAP_SIZE, NULL, NULL, &f->err),
		    ERR_CONFLICT);
	assert_int_equal(rmdir(f->store), 0);
	assert_int_equal(symlink("nowhere", f->store), 0);
	assert_code(env_create(f->store, MAP_SIZE, NULL, NULL, &f->err),
		    ERR_CONFLICT);
	assert_int_equal(unlink(f->store), 0);
	store_make(f);
	assert_code(env_create(f->store, MAP_SIZE, NULL, NULL, &f->err),
		    ERR_CONFLICT);
	assert_whole_at(f, f->store);
}

static void a_map_that_cannot_be_is_refused(void **state)
{
	static const uint64_t sizes[] = {0, 4096, MAP_SIZE + 1, UINT64_MAX,
					 UINT64_MAX - 4095};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		assert_code(env_create(f->store, sizes[i], NULL, NULL, &f->err),
			    ERR_INVALID);
	assert_code(env_create(f->store, UINT64_C(1) << 45, NULL, NULL,
			       &f->err),
		    ERR_FULL);
	assert_non_null(strstr(f->err.text, "MiB free"));
	assert_false(path_is_there(f->store));
	assert_false(path_is_there(f->partial));
}

static enum err_code refuse(void *context, struct txn *txn, struct err *err)
{
	(void)context;
	(void)txn;
	return err_set(err, ERR_INVALID, "line 7: no such code");
}

static void a_filling_that_fails_leaves_nothing(void **state)
{
	struct fixture *f = *state;

	assert_code(env_create(f->store, MAP_SIZE, refuse, NULL, &f->err),
		    ERR_INVALID);
	assert_non_null(strstr(f->err.text, "line 7: no such code"));
	assert_false(path_is_there(f->store));
	assert_false(path_is_there(f->partial));
}

static enum err_code die(void *context, struct txn *txn, struct err *err)
{
	(void)context;
	(void)rows_lay(NULL, txn, err);
	(void)raise(SIGKILL);
	return ERR_OK;
}

static int create_and_die(void *context)
{
	return (int)env_create(context, MAP_SIZE, die, NULL, NULL);
}

static void a_crash_in_creation_leaves_no_store_and_no_obstacle(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(child_run(create_and_die, f->store), -SIGKILL);
	assert_false(path_is_there(f->store));
	assert_true(path_is_there(f->partial));
	store_make(f);
	assert_false(path_is_there(f->partial));
	assert_whole_at(f, f->store);
}

static int create_plainly(void *context)
{
	return (int)env_create(context, MAP_SIZE, NULL, NULL, NULL);
}

/* In the middle of a creation, another process tries the same. */
static enum err_code be_overtaken(void *context, struct txn *txn,
				  struct err *err)
{
	(void)txn;
	(void)err;
	if (child_run(create_plainly, context) != ERR_AGAIN)
		return ERR_CORRUPT;
	return ERR_OK;
}

static void two_do_not_create_the_same_store_at_once(void **state)
{
	struct fixture *f = *state;

	assert_done(env_create(f->store, MAP_SIZE, be_overtaken, f->store,
			       &f->err),
		    &f->err);
	assert_code(env_create(f->store, MAP_SIZE, NULL, NULL, &f->err),
		    ERR_CONFLICT);
}

/* ---- opening ---- */

static void nothing_there_is_said_and_nothing_made(void **state)
{
	struct fixture *f = *state;
	struct env *env;

	assert_code(env_open(f->store, ENV_WRITE, &env, &f->err),
		    ERR_NOT_COMMISSIONED);
	assert_non_null(strstr(f->err.text, "depot init"));
	assert_code(env_open(f->store, ENV_READ, &env, &f->err),
		    ERR_NOT_COMMISSIONED);
	assert_false(path_is_there(f->store));
	/* A folder without its file is no new box: a disk is not mounted. */
	assert_int_equal(mkdir(f->store, 0700), 0);
	assert_code(env_open(f->store, ENV_WRITE, &env, &f->err), ERR_CORRUPT);
	assert_non_null(strstr(f->err.text, "mount"));
	assert_int_equal(rmdir(f->store), 0); /* still empty */
}

static int open_for_writing(void *context)
{
	struct env *env;
	struct err err;
	enum err_code code = env_open(context, ENV_WRITE, &env, &err);
	char holder[32];

	if (code == ERR_OK)
		env_close(env);
	(void)text_format(holder, sizeof(holder), "process %ld writes",
			  (long)getppid());
	if (code == ERR_AGAIN && strstr(err.text, holder) == NULL)
		return 255;
	return (int)code;
}

static int open_for_reading(void *context)
{
	struct env *env;
	enum err_code code = env_open(context, ENV_READ, &env, NULL);
	bool is_whole;

	if (code != ERR_OK)
		return (int)code;
	is_whole = rows_are_whole(env);
	env_close(env);
	return is_whole ? 0 : 255;
}

static void a_second_writer_is_told_who_the_first_one_is(void **state)
{
	struct fixture *f = *state;
	struct env *env;
	struct env *again;

	store_make(f);
	assert_done(env_open(f->store, ENV_WRITE, &env, &f->err), &f->err);
	assert_int_equal(child_run(open_for_writing, f->store), ERR_AGAIN);
	assert_int_equal(child_run(open_for_reading, f->store), ERR_OK);
	/* Nor twice in one process, in whatever mode: LMDB would break. */
	assert_code(env_open(f->store, ENV_WRITE, &again, &f->err), ERR_AGAIN);
	assert_code(env_open(f->store, ENV_READ, &again, &f->err), ERR_AGAIN);
	assert_true(rows_are_whole(env));
	env_close(env);
	assert_int_equal(child_run(open_for_writing, f->store), ERR_OK);
}

static void format_set(struct fixture *f, uint32_t version, size_t size)
{
	uint8_t row[8];
	struct writer writer;
	struct env *env;
	struct txn *txn;

	writer_init(&writer, row, sizeof(row));
	write_u32(&writer, version);
	write_u32(&writer, 0);
	assert_done(env_open(f->store, ENV_WRITE, &env, &f->err), &f->err);
	assert_done(txn_begin(env, &txn, &f->err), &f->err);
	assert_done(txn_put(txn, TABLE_META, span_of(ENV_FORMAT_KEY),
			    (struct span){(char *)row, size}, &f->err),
		    &f->err);
	assert_done(txn_commit(txn, &f->err), &f->err);
	env_close(env);
}

static void a_store_of_a_newer_format_is_refused(void **state)
{
	struct fixture *f = *state;
	struct env *env;

	store_make(f);
	format_set(f, ENV_FORMAT_VERSION + 1, 4);
	assert_code(env_open(f->store, ENV_WRITE, &env, &f->err), ERR_VERSION);
	assert_non_null(strstr(f->err.text, "install"));
	assert_code(env_open(f->store, ENV_READ, &env, &f->err), ERR_VERSION);
}

static void a_store_without_a_sound_format_row_is_refused(void **state)
{
	struct fixture *f = *state;
	struct env *env;

	store_make(f);
	format_set(f, ENV_FORMAT_VERSION, 5);
	assert_code(env_open(f->store, ENV_READ, &env, &f->err), ERR_CORRUPT);
}

#define NOBODY 65534

static int open_as_nobody(void *context)
{
	struct env *env;
	struct err err;
	enum err_code code;

	if (geteuid() == 0 && setuid(NOBODY) < 0)
		return 254;
	code = env_open(context, ENV_READ, &env, &err);
	if (code == ERR_IO && strstr(err.text, "as the user that owns") == NULL)
		return 255;
	return (int)code;
}

static void who_may_not_read_it_is_told_who_may(void **state)
{
	struct fixture *f = *state;

	store_make(f);
	if (geteuid() != 0)
		assert_int_equal(chmod(f->store, 0), 0);
	assert_int_equal(child_run(open_as_nobody, f->store), ERR_IO);
	assert_int_equal(chmod(f->store, 0700), 0);
}

/* A copy made by other tools, or a file system that cannot allocate. */
static void a_file_as_short_as_its_rows_opens_and_grows(void **state)
{
	struct fixture *f = *state;
	struct env_usage usage;
	struct env *env;
	struct stat info;
	int fd;

	store_make(f);
	assert_done(env_open(f->store, ENV_READ, &env, &f->err), &f->err);
	assert_done(env_usage(env, &usage, &f->err), &f->err);
	env_close(env);
	fd = store_data_open(f->store);
	assert_true(usage.used < MAP_SIZE);
	assert_int_equal(ftruncate(fd, (off_t)usage.used), 0);
	assert_whole_at(f, f->store);
	assert_done(env_open(f->store, ENV_WRITE, &env, &f->err), &f->err);
	assert_true(rows_are_whole(env));
	assert_done(env_usage(env, &usage, &f->err), &f->err);
	assert_true(usage.is_allocated);
	assert_int_equal(usage.map_size, MAP_SIZE);
	env_close(env);
	assert_int_equal(fstat(fd, &info), 0);
	assert_int_equal(info.st_size, MAP_SIZE);
	(void)close(fd);
}

/* ---- copying ---- */

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
		TEST(a_new_store_is_whole_allocated_and_its_owners_alone),
		TEST(nothing_is_created_over_what_is_there),
		TEST(a_map_that_cannot_be_is_refused),
		TEST(a_filling_that_fails_leaves_nothing),
		TEST(a_crash_in_creation_leaves_no_store_and_no_obstacle),
		TEST(two_do_not_create_the_same_store_at_once),
		TEST(nothing_there_is_said_and_nothing_made),
		TEST(a_second_writer_is_told_who_the_first_one_is),
		TEST(a_store_of_a_newer_format_is_refused),
		TEST(a_store_without_a_sound_format_row_is_refused),
		TEST(who_may_not_read_it_is_told_who_may),
		TEST(a_file_as_short_as_its_rows_opens_and_grows),
		TEST(a_copy_taken_while_written_is_of_one_moment),
		TEST(a_copy_may_have_a_larger_or_a_smaller_map),
		TEST(a_copy_into_too_small_a_map_is_refused),
		TEST(a_store_that_leaked_pages_can_still_be_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
