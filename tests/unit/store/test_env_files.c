/*
 * A store's files: made whole or not at all, opened by one writer,
 * and refused with a sentence when they are no store.
 */
#include "tests/unit/store/env_bed.h"

#include <signal.h>

#include "rules/base/bytes.h"

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

/* As docs/format/store.md has it. */
static void the_format_row_is_pinned(void **state)
{
	static const char expected[] = {0, 0, 0, 2};
	struct fixture *f = *state;
	struct span row;
	struct view *view;
	struct env *env;

	store_make(f);
	assert_done(env_open(f->store, ENV_READ, &env, &f->err), &f->err);
	assert_done(view_begin(env, &view, &f->err), &f->err);
	assert_done(view_get(view, TABLE_META, span_of("format"), &row,
			     &f->err),
		    &f->err);
	assert_int_equal(row.size, sizeof(expected));
	assert_memory_equal(row.data, expected, sizeof(expected));
	view_end(view);
	env_close(env);
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
		TEST(the_format_row_is_pinned),
		TEST(nothing_there_is_said_and_nothing_made),
		TEST(a_second_writer_is_told_who_the_first_one_is),
		TEST(a_store_of_a_newer_format_is_refused),
		TEST(a_store_without_a_sound_format_row_is_refused),
		TEST(who_may_not_read_it_is_told_who_may),
		TEST(a_file_as_short_as_its_rows_opens_and_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
