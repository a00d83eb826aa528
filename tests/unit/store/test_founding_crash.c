/*
 * A founding that is killed at any step leaves no obstacle.
 *
 * Method: the calls that make, name, sync and remove files are these of the
 * test's own, and the nth of them is the child's last; for each n the parent
 * founds again at the same place. Then the store is lost: its keys are not.
 */
#include "tests/support/check.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "store/founding_mark.h"
#include "store/keys.h"
#include "store/ledger.h"
#include "tests/support/file_steps.h"
#include "tests/support/scratch.h"
#include "tests/support/store.h"

#define MAP_SIZE (UINT64_C(1) << 20)
#define STEPS_MIN 15
#define STEPS_MAX 200

struct founding_try {
	const char *path;
	unsigned last; /* step that is not done; 0: none */
};

static unsigned steps_left;

static void file_step(void)
{
	if (steps_left > 0 && --steps_left == 0)
		(void)raise(SIGKILL);
}

static enum err_code found(const char *path, struct err *err)
{
	struct ledger_plan plan = {.map_size = MAP_SIZE,
				   .now = {INT64_C(1763800000000)}};

	assert_true(name_set(&plan.founding.org, SPAN_LITERAL("acme")));
	assert_true(name_set(&plan.founding.site, SPAN_LITERAL("hz-01")));
	return ledger_create(path, &plan, err);
}

static void keys_remove(const char *keys)
{
	static const char *const names[] = {"root.key", "epoch-1.key"};
	char path[SCRATCH_PATH_SIZE + 64];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)text_format(path, sizeof(path), "%s/%s", keys, names[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(keys), 0);
}

static int found_and_die(void *context)
{
	const struct founding_try *try = context;

	steps_left = try->last;
	return (int)found(try->path, NULL);
}

/* The store at @path has the keys beside it, and has begun. */
static void assert_founded(const char *path, const char *keys)
{
	struct ledger *ledger;
	struct signer *signer;
	struct err err;

	assert_done(ledger_open(path, ENV_WRITE, &ledger, &err), &err);
	assert_done(signer_open(keys, "epoch-1.key", &signer, &err), &err);
	assert_memory_equal(signer_public(signer),
			    ledger_identity(ledger)->public_key,
			    KEY_PUBLIC_SIZE);
	signer_close(signer);
	assert_done(signer_open(keys, "root.key", &signer, &err), &err);
	signer_close(signer);
	ledger_close(ledger);
	assert_false(founding_mark_is_there(keys));
}

static void a_founding_is_killed_at_every_step_and_begun_again(void **state)
{
	struct scratch scratch;
	char path[SCRATCH_PATH_SIZE + 16];
	char keys[SCRATCH_PATH_SIZE + 32];
	struct founding_try try = {.path = path};
	unsigned with_store = 0;
	int end = -SIGKILL;
	struct err err;

	(void)state;
	scratch_make(&scratch);
	for (unsigned n = 1; n < STEPS_MAX && end == -SIGKILL; n++) {
		bool is_there;

		(void)text_format(path, sizeof(path), "%s/store-%u",
				  scratch.folder, n);
		(void)text_format(keys, sizeof(keys), "%s-keys", path);
		try.last = n;
		end = child_run(found_and_die, &try);
		is_there = path_is_there(path);
		with_store += end != 0 && is_there ? 1 : 0;
		assert_code(found(path, &err),
			    is_there ? ERR_CONFLICT : ERR_OK);
		assert_founded(path, keys);
		store_remove(path);
		assert_code(found(path, &err), ERR_CONFLICT);
		assert_non_null(strstr(err.text, "the keys of an earlier"));
		keys_remove(keys);
	}
	assert_int_equal(end, ERR_OK);
	assert_true(try.last > STEPS_MIN);
	assert_true(with_store > 0);
	(void)printf("killed at %u steps\n", try.last - 1);
	scratch_remove(&scratch);
}

static int found_beside(void *context)
{
	return (int)found(context, NULL);
}

static void two_do_not_found_at_once(void **state)
{
	struct founding_mark mark = FOUNDING_MARK_NONE;
	struct scratch scratch;
	char path[SCRATCH_PATH_SIZE + 16];
	char keys[SCRATCH_PATH_SIZE + 32];
	struct err err;

	(void)state;
	scratch_make(&scratch);
	(void)text_format(path, sizeof(path), "%s/store", scratch.folder);
	(void)text_format(keys, sizeof(keys), "%s-keys", path);
	assert_done(founding_mark_lay(keys, &mark, &err), &err);
	assert_int_equal(child_run(found_beside, path), ERR_AGAIN);
	founding_mark_close(&mark);
	assert_int_equal(child_run(found_beside, path), ERR_OK);
	assert_founded(path, keys);
	store_remove(path);
	keys_remove(keys);
	scratch_remove(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_founding_is_killed_at_every_step_and_begun_again),
		cmocka_unit_test(two_do_not_found_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
