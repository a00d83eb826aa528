/*
 * The map's size changes, the store does not, and at every moment there is a
 * whole store under its name.
 */
#include "tests/support/check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/resize.h"
#include "tests/support/day.h"
#include "tests/support/dump.h"
#include "tests/support/store.h"

static void close_ledger(struct warehouse *w)
{
	ledger_close(w->ledger);
	w->ledger = NULL;
}

static void open_ledger(struct warehouse *w)
{
	assert_done(ledger_open(w->store, ENV_WRITE, &w->ledger, &w->err),
		    &w->err);
}

/* Method: larger, then smaller, then a movement more. */
static void a_store_of_another_size_is_the_same_store(void **state)
{
	static const uint64_t sizes[] = {UINT64_C(96) << 20, UINT64_C(2) << 20};
	struct warehouse *w = *state;
	struct dump before = dump_env(ledger_env(w->ledger));
	char leftover[128];

	assert_true(text_format(leftover, sizeof(leftover), "%s.resized",
				w->store));
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct env_usage usage;
		struct stat info;
		char path[128];

		close_ledger(w);
		assert_done(store_resize(w->store, sizes[i], &w->err), &w->err);
		assert_false(path_is_there(leftover));
		assert_true(text_format(path, sizeof(path), "%s/data.mdb",
					w->store));
		assert_int_equal(stat(path, &info), 0);
		assert_int_equal(info.st_size, sizes[i]);
		open_ledger(w);
		assert_done(env_usage(ledger_env(w->ledger), &usage, &w->err),
			    &w->err);
		assert_int_equal(usage.map_size, sizes[i]);
		assert_dump(&before, dump_env(ledger_env(w->ledger)));
	}
	(void)warehouse_receive(w, "LATER", 1);
	free(before.bytes);
}

static void a_store_in_use_is_not_resized(void **state)
{
	struct warehouse *w = *state;
	struct dump before = dump_env(ledger_env(w->ledger));

	assert_code(store_resize(w->store, UINT64_C(32) << 20, &w->err),
		    ERR_AGAIN);
	assert_dump(&before, dump_env(ledger_env(w->ledger)));
	free(before.bytes);
}

static void a_map_too_small_for_its_rows_changes_nothing(void **state)
{
	struct warehouse *w = *state;
	struct dump before;
	char leftover[128];

	warehouse_begin(w);
	for (size_t i = 0; i < 20000; i++) {
		struct entry entry = move_of(MOVEMENT_RECEIVE, "CUP", 1,
					     "supplier:acme", "DOCK");

		(void)warehouse_post(w, &entry);
	}
	warehouse_commit(w);
	before = dump_env(ledger_env(w->ledger));
	close_ledger(w);
	assert_code(store_resize(w->store, ENV_MAP_SIZE_MIN, &w->err),
		    ERR_INVALID);
	assert_code(store_resize(w->store, 12345, &w->err), ERR_INVALID);
	assert_true(text_format(leftover, sizeof(leftover), "%s.resized",
				w->store));
	assert_false(path_is_there(leftover));
	open_ledger(w);
	assert_dump(&before, dump_env(ledger_env(w->ledger)));
	free(before.bytes);
}

/* A crash after the exchange leaves the old store there, one before it a
 * copy. */
static void what_a_crash_left_is_removed(void **state)
{
	struct warehouse *w = *state;
	char leftover[128];
	char file[160];

	assert_true(text_format(leftover, sizeof(leftover), "%s.resized",
				w->store));
	assert_true(text_format(file, sizeof(file), "%s/data.mdb", leftover));
	assert_int_equal(mkdir(leftover, 0700), 0);
	(void)close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	close_ledger(w);
	assert_done(store_resize(w->store, UINT64_C(32) << 20, &w->err),
		    &w->err);
	assert_false(path_is_there(leftover));
	open_ledger(w);
}

static void no_store_is_no_store(void **state)
{
	struct warehouse *w = *state;

	assert_code(store_resize(w->folder, UINT64_C(32) << 20, &w->err),
		    ERR_CORRUPT);
	assert_code(store_resize("/nonexistent/store", UINT64_C(32) << 20,
				 &w->err),
		    ERR_NOT_COMMISSIONED);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, day_setup, warehouse_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_store_of_another_size_is_the_same_store),
		TEST(a_store_in_use_is_not_resized),
		TEST(a_map_too_small_for_its_rows_changes_nothing),
		TEST(what_a_crash_left_is_removed),
		TEST(no_store_is_no_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
