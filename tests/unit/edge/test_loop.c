/*
 * The loop calls what is ready, in its own thread, and nothing else.
 */
#include "tests/support/check.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "gateway/edge/clock.h"
#include "gateway/edge/loop.h"

struct seen {
	struct loop *loop;
	struct loop_source *source;
	unsigned calls;
	unsigned stop_at; /* calls after which the loop is stopped; 0: never */
	uint32_t what;
	bool removes_itself;
};

static void on_call(void *context, uint32_t what)
{
	struct seen *seen = context;

	seen->calls++;
	seen->what = what;
	if (seen->removes_itself) {
		loop_remove(seen->source);
		seen->source = NULL;
	}
	if (seen->calls == seen->stop_at)
		loop_stop(seen->loop);
}

static struct loop_call call_of(struct seen *seen)
{
	return (struct loop_call){on_call, seen};
}

static int setup(void **state)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	struct err err;

	assert_non_null(seen);
	assert_done(loop_open(&seen->loop, &err), &err);
	*state = seen;
	return 0;
}

static int teardown(void **state)
{
	struct seen *seen = *state;

	loop_remove(seen->source);
	loop_close(seen->loop);
	free(seen);
	return 0;
}

static void step(struct seen *seen, int timeout_ms)
{
	struct err err;

	assert_done(loop_step(seen->loop, timeout_ms, &err), &err);
}

static void a_descriptor_calls_while_it_is_ready_and_watched(void **state)
{
	struct seen *seen = *state;
	struct err err;
	int ends[2];
	char byte = 'x';

	assert_int_equal(pipe(ends), 0);
	assert_done(loop_add_fd(seen->loop, ends[0], EPOLLIN, call_of(seen),
				&seen->source, &err),
		    &err);
	step(seen, 0);
	assert_int_equal(seen->calls, 0);
	assert_int_equal(write(ends[1], &byte, 1), 1);
	step(seen, 1000);
	step(seen, 1000);
	assert_int_equal(seen->calls, 2); /* nobody has read yet */
	assert_true((seen->what & EPOLLIN) != 0);

	loop_fd_events(seen->source, 0);
	step(seen, 0);
	assert_int_equal(seen->calls, 2);
	loop_fd_events(seen->source, EPOLLIN);
	seen->removes_itself = true;
	step(seen, 1000);
	assert_int_equal(seen->calls, 3);
	step(seen, 0);
	assert_int_equal(seen->calls, 3);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* Method: order only (10 ms comes before 30 ms), no durations. */
static void a_timer_calls_once_or_until_it_is_off(void **state)
{
	struct seen *seen = *state;
	struct seen later = {.loop = seen->loop, .stop_at = 1};
	struct err err;

	assert_done(loop_add_timer(seen->loop, call_of(seen), &seen->source,
				   &err),
		    &err);
	assert_done(loop_add_timer(seen->loop, call_of(&later), &later.source,
				   &err),
		    &err);
	loop_timer_once(seen->source, 10);
	loop_timer_once(later.source, 30);
	assert_done(loop_run(seen->loop, &err), &err);
	assert_int_equal(later.calls, 1);
	assert_int_equal(seen->calls, 1);
	loop_remove(later.source);

	loop_timer_every(seen->source, 2);
	while (seen->calls < 6)
		step(seen, 1000);
	loop_timer_off(seen->source);
	step(seen, 10);
	assert_int_equal(seen->calls, 6);
}

static void a_timer_never_calls_before_its_time(void **state)
{
	struct seen *seen = *state;
	struct clock clock;
	struct err err;
	unsigned rounds = 0;

	clock_init(&clock, NULL, NULL);
	assert_done(loop_add_timer(seen->loop, call_of(seen), &seen->source,
				   &err),
		    &err);
	for (uint64_t delay = 1; delay < 20; delay += 3) {
		int64_t start = clock_monotonic_ns(&clock);
		unsigned before = seen->calls;

		loop_timer_once(seen->source, delay);
		while (seen->calls == before)
			step(seen, 1000);
		assert_true(clock_monotonic_ns(&clock) - start >=
			    (int64_t)delay * 1000000 - 1000);
		rounds++;
	}
	assert_int_equal(rounds, 7);
}

static void a_signal_calls_with_its_number(void **state)
{
	struct seen *seen = *state;
	struct err err;

	assert_done(loop_add_signal(seen->loop, SIGHUP, call_of(seen),
				    &seen->source, &err),
		    &err);
	seen->stop_at = 1;
	assert_int_equal(kill(getpid(), SIGHUP), 0);
	assert_done(loop_run(seen->loop, &err), &err);
	assert_int_equal(seen->calls, 1);
	assert_int_equal(seen->what, SIGHUP);
}

struct poster {
	struct wake wake;
	_Atomic uint64_t posted;
	uint64_t taken;
	struct loop *loop;
};

#define POSTS 100000

static void *post(void *context)
{
	struct poster *poster = context;

	for (int i = 0; i < POSTS; i++) {
		atomic_fetch_add(&poster->posted, 1);
		wake_signal(&poster->wake);
	}
	return NULL;
}

static void on_posted(void *context, uint32_t what)
{
	struct poster *poster = context;

	(void)what;
	poster->taken = atomic_load(&poster->posted);
	if (poster->taken == POSTS)
		loop_stop(poster->loop);
}

/* Method: 100,000 posts of another thread; the loop ends only when it has
 * seen the last (a lost wake-up would hang here until the test's time-out). */
static void no_post_of_another_thread_is_overslept(void **state)
{
	struct seen *seen = *state;
	struct poster poster = {.loop = seen->loop};
	struct err err;
	pthread_t thread;

	assert_done(wake_init(&poster.wake, &err), &err);
	assert_done(loop_add_wake(seen->loop, &poster.wake,
				  (struct loop_call){on_posted, &poster},
				  &seen->source, &err),
		    &err);
	assert_int_equal(pthread_create(&thread, NULL, post, &poster), 0);
	assert_done(loop_run(seen->loop, &err), &err);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(poster.taken, POSTS);
	loop_remove(seen->source);
	seen->source = NULL;
	wake_release(&poster.wake);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_descriptor_calls_while_it_is_ready_and_watched),
		TEST(a_timer_calls_once_or_until_it_is_off),
		TEST(a_timer_never_calls_before_its_time),
		TEST(a_signal_calls_with_its_number),
		TEST(no_post_of_another_thread_is_overslept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
