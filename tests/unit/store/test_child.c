/*
 * Whatever becomes of the child, its parent learns it and goes on.
 */
#include "tests/support/check.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/child.h"
#include "store/lock.h"

static const struct child_watch no_watch;

static enum err_code work_done(void *context, struct err *err)
{
	int *shared = context;

	(void)err;
	*shared = 4711;
	return ERR_OK;
}

static enum err_code work_failed(void *context, struct err *err)
{
	(void)context;
	return err_set(err, ERR_CONFLICT, "told so");
}

static enum err_code work_killed(void *context, struct err *err)
{
	(void)err;
	(void)raise(*(int *)context);
	return ERR_OK;
}

static enum err_code work_exits(void *context, struct err *err)
{
	(void)context;
	(void)err;
	_exit(3);
}

static enum err_code work_endless(void *context, struct err *err)
{
	(void)context;
	(void)err;
	while (pause() < 0)
		continue;
	return ERR_OK;
}

static enum err_code work_asserts(void *context, struct err *err)
{
	(void)err;
	ASSERT(context != NULL);
	return ERR_OK;
}

static void a_child_that_returns_gives_its_code_and_sentence(void **state)
{
	int *shared = child_share(sizeof(*shared));
	struct child_end end;
	struct err err = {.text = "untouched"};

	(void)state;
	assert_non_null(shared);
	assert_int_equal(*shared, 0);
	assert_done(child_run(work_done, shared, &no_watch, &end, &err), &err);
	assert_int_equal(end.how, CHILD_RETURNED);
	assert_int_equal(end.code, ERR_OK);
	assert_int_equal(*shared, 4711);
	assert_done(child_run(work_failed, NULL, &no_watch, &end, &err), &err);
	assert_int_equal(end.how, CHILD_RETURNED);
	assert_int_equal(end.code, ERR_CONFLICT);
	assert_string_equal(end.err.text, "told so");
	assert_string_equal(err.text, "untouched");
	child_unshare(shared, sizeof(*shared));
	child_unshare(NULL, sizeof(*shared));
}

/* The hook of the program, which may log and flush, is not the child's. */
static void hook(const char *sentence)
{
	(void)sentence;
	_exit(77);
}

static void a_child_that_crashes_is_told_by_its_signal(void **state)
{
	static int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGKILL};
	struct child_end end;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		assert_done(child_run(work_killed, &signals[i], &no_watch, &end,
				      &err),
			    &err);
		assert_int_equal(end.how, CHILD_CRASHED);
		assert_int_equal(end.signal, signals[i]);
	}
	assert_done(child_run(work_exits, NULL, &no_watch, &end, &err), &err);
	assert_int_equal(end.how, CHILD_CRASHED);
	assert_int_equal(end.signal, 0);
	check_hook_set(hook);
	assert_done(child_run(work_asserts, NULL, &no_watch, &end, &err), &err);
	check_hook_set(NULL);
	assert_int_equal(end.how, CHILD_CRASHED);
	assert_int_equal(end.signal, SIGABRT);
}

static void a_child_that_does_not_end_is_ended(void **state)
{
	const struct child_watch watch = {.time_limit_ms = 1};
	struct child_end end;
	struct err err;

	(void)state;
	assert_done(child_run(work_endless, NULL, &watch, &end, &err), &err);
	assert_int_equal(end.how, CHILD_LATE);
	/* Nobody is left. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static enum err_code look(void *context, struct err *err)
{
	int *left = context;

	if (--*left > 0)
		return ERR_OK;
	return err_set(err, ERR_STOPPED, "enough");
}

static void whoever_looks_on_can_end_it(void **state)
{
	int left = 3;
	const struct child_watch watch = {0, look, &left};
	struct child_end end;
	struct err err;

	(void)state;
	assert_code(child_run(work_endless, NULL, &watch, &end, &err),
		    ERR_STOPPED);
	assert_int_equal(left, 0);
	assert_string_equal(err.text, "enough");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* ---- beside threads ---- */

#define FORKS 200

struct claiming {
	atomic_bool is_over;
	atomic_ulong count;
};

static void *claims_make(void *context)
{
	struct claiming *claiming = context;
	struct claim claim;

	while (!atomic_load(&claiming->is_over)) {
		if (claim_begin(&claim, "/", NULL) == ERR_OK)
			claim_end(&claim);
		atomic_fetch_add(&claiming->count, 1);
	}
	return NULL;
}

static enum err_code work_claims(void *context, struct err *err)
{
	struct claim claim;
	enum err_code code = claim_begin(&claim, context, err);

	if (code == ERR_OK)
		claim_end(&claim);
	return code;
}

/* Method: a thread claims a file over and over while children are forked that
 * claim one, too. Without care one of some tens inherits the list locked. */
static void a_child_can_claim_a_store_whatever_a_thread_was_at(void **state)
{
	const struct child_watch watch = {.time_limit_ms = 60000};
	struct claiming claiming = {.is_over = false};
	struct child_end end;
	pthread_t thread;
	struct err err;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, claims_make, &claiming),
			 0);
	while (atomic_load(&claiming.count) == 0)
		(void)sched_yield();
	for (int i = 0; i < FORKS; i++) {
		char folder[] = "/tmp";

		assert_done(child_run(work_claims, folder, &watch, &end, &err),
			    &err);
		assert_int_equal(end.how, CHILD_RETURNED);
		assert_code(end.code, ERR_OK);
	}
	atomic_store(&claiming.is_over, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(atomic_load(&claiming.count) > 1);
}

#define BLOCKS 64

static void blocks_take(void)
{
	void *blocks[BLOCKS];

	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc((size_t)16 << (i % 12));
		assert_non_null(blocks[i]);
	}
	for (size_t i = 0; i < BLOCKS; i++)
		free(blocks[i]);
}

static void *memory_take(void *context)
{
	struct claiming *taking = context;

	while (!atomic_load(&taking->is_over)) {
		blocks_take();
		atomic_fetch_add(&taking->count, 1);
	}
	return NULL;
}

static enum err_code work_takes(void *context, struct err *err)
{
	(void)context;
	(void)err;
	blocks_take();
	return ERR_OK;
}

/* Method: likewise, with memory. The allocator's own locks are its affair, but
 * where a sanitizer's is in its place. */
static void a_child_can_take_memory_whatever_a_thread_was_at(void **state)
{
	const struct child_watch watch = {.time_limit_ms = 60000};
	struct claiming taking = {.is_over = false};
	struct child_end end;
	pthread_t thread;
	struct err err;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, memory_take, &taking),
			 0);
	while (atomic_load(&taking.count) == 0)
		(void)sched_yield();
	for (int i = 0; i < FORKS; i++) {
		assert_done(child_run(work_takes, NULL, &watch, &end, &err),
			    &err);
		assert_int_equal(end.how, CHILD_RETURNED);
	}
	atomic_store(&taking.is_over, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(atomic_load(&taking.count) > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_child_that_returns_gives_its_code_and_sentence),
		cmocka_unit_test(a_child_that_crashes_is_told_by_its_signal),
		cmocka_unit_test(a_child_that_does_not_end_is_ended),
		cmocka_unit_test(whoever_looks_on_can_end_it),
		cmocka_unit_test(
			a_child_can_claim_a_store_whatever_a_thread_was_at),
		cmocka_unit_test(
			a_child_can_take_memory_whatever_a_thread_was_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
