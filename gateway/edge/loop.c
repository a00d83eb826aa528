#include "gateway/edge/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "gateway/edge/clock.h"

#define US_PER_MS UINT64_C(1000)

struct loop {
	sd_event *event;
	struct clock clock; /* sd-event's own "now" is that of the last wait */
	bool is_stopped;
};

struct loop_source {
	sd_event_source *source;
	const struct loop *loop;
	struct loop_call call;
	struct wake *wake;  /* of a wake */
	uint64_t period_us; /* of a repeating timer; 0: once */
};

/* sd-event's negative errno as ours. */
static enum err_code result_check(int result, const char *what, struct err *err)
{
	return result < 0 ? err_sys(err, -result, "event loop: %s", what)
			  : ERR_OK;
}

enum err_code loop_open(struct loop **ret_loop, struct err *err)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	enum err_code code;

	if (loop == NULL)
		return err_set(err, ERR_FULL, "no memory for the event loop");
	clock_init(&loop->clock, NULL, NULL);
	code = result_check(sd_event_new(&loop->event), "open", err);
	if (code != ERR_OK) {
		free(loop);
		return code;
	}
	*ret_loop = loop;
	return ERR_OK;
}

void loop_close(struct loop *loop)
{
	if (loop == NULL)
		return;
	(void)sd_event_unref(loop->event); /* always NULL */
	free(loop);
}

enum err_code loop_step(struct loop *loop, int timeout_ms, struct err *err)
{
	uint64_t timeout_us =
		timeout_ms < 0 ? UINT64_MAX : (uint64_t)timeout_ms * US_PER_MS;

	return result_check(sd_event_run(loop->event, timeout_us), "wait", err);
}

enum err_code loop_run(struct loop *loop, struct err *err)
{
	enum err_code code = ERR_OK;

	while (!loop->is_stopped && code == ERR_OK)
		code = loop_step(loop, -1, err);
	return code;
}

void loop_stop(struct loop *loop)
{
	loop->is_stopped = true;
}

static enum err_code source_new(const struct loop *loop, struct loop_call call,
				struct loop_source **ret_source,
				struct err *err)
{
	struct loop_source *source = calloc(1, sizeof(*source));

	ASSERT(call.fn != NULL);
	if (source == NULL)
		return err_set(err, ERR_FULL, "no memory for a source");
	source->loop = loop;
	source->call = call;
	*ret_source = source;
	return ERR_OK;
}

/* Hands over @source, or frees it if sd-event did not take it. */
static enum err_code source_done(struct loop_source *source, int result,
				 const char *what,
				 struct loop_source **ret_source,
				 struct err *err)
{
	enum err_code code = result_check(result, what, err);

	if (code != ERR_OK)
		loop_remove(source);
	else
		*ret_source = source;
	return code;
}

void loop_remove(struct loop_source *source)
{
	if (source == NULL)
		return;
	(void)sd_event_source_disable_unref(source->source); /* always NULL */
	free(source);
}

/* ---- file descriptors ---- */

static int on_fd(sd_event_source *from, int fd, uint32_t events, void *context)
{
	const struct loop_source *source = context;

	(void)from;
	(void)fd;
	/* The call may free the source: nothing is touched after it. */
	source->call.fn(source->call.context, events);
	return 0;
}

enum err_code loop_add_fd(struct loop *loop, int fd, uint32_t events,
			  struct loop_call call,
			  struct loop_source **ret_source, struct err *err)
{
	struct loop_source *source;
	enum err_code code = source_new(loop, call, &source, err);
	int result;

	if (code != ERR_OK)
		return code;
	result = sd_event_add_io(loop->event, &source->source, fd, events,
				 on_fd, source);
	return source_done(source, result, "watch a descriptor", ret_source,
			   err);
}

void loop_fd_events(struct loop_source *source, uint32_t events)
{
	int result = sd_event_source_set_io_events(source->source, events);

	ASSERT(result >= 0);
	result = sd_event_source_set_enabled(
		source->source, events != 0 ? SD_EVENT_ON : SD_EVENT_OFF);
	ASSERT(result >= 0);
}

/* ---- timers ---- */

static void timer_set(const struct loop_source *timer, uint64_t at_us)
{
	int result = sd_event_source_set_time(timer->source, at_us);

	ASSERT(result >= 0);
	result = sd_event_source_set_enabled(timer->source, SD_EVENT_ONESHOT);
	ASSERT(result >= 0);
}

static uint64_t now_us(const struct loop_source *timer)
{
	return (uint64_t)clock_monotonic_ns(&timer->loop->clock) / 1000;
}

static int on_timer(sd_event_source *from, uint64_t at_us, void *context)
{
	const struct loop_source *timer = context;

	(void)from;
	if (timer->period_us > 0) {
		uint64_t now = now_us(timer);
		uint64_t next = at_us + timer->period_us;

		timer_set(timer, next > now ? next : now + timer->period_us);
	}
	timer->call.fn(timer->call.context, 0);
	return 0;
}

enum err_code loop_add_timer(struct loop *loop, struct loop_call call,
			     struct loop_source **ret_timer, struct err *err)
{
	struct loop_source *timer;
	enum err_code code = source_new(loop, call, &timer, err);
	int result;

	if (code != ERR_OK)
		return code;
	result = sd_event_add_time(loop->event, &timer->source, CLOCK_MONOTONIC,
				   UINT64_MAX, US_PER_MS, on_timer, timer);
	if (result >= 0)
		result = sd_event_source_set_enabled(timer->source,
						     SD_EVENT_OFF);
	return source_done(timer, result, "make a timer", ret_timer, err);
}

void loop_timer_once(struct loop_source *timer, uint64_t delay_ms)
{
	timer->period_us = 0;
	timer_set(timer, now_us(timer) + delay_ms * US_PER_MS);
}

void loop_timer_every(struct loop_source *timer, uint64_t period_ms)
{
	ASSERT(period_ms > 0);
	timer->period_us = period_ms * US_PER_MS;
	timer_set(timer, now_us(timer) + timer->period_us);
}

void loop_timer_off(struct loop_source *timer)
{
	int result = sd_event_source_set_enabled(timer->source, SD_EVENT_OFF);

	ASSERT(result >= 0);
}

/* ---- signals ---- */

static int on_signal(sd_event_source *from, const struct signalfd_siginfo *info,
		     void *context)
{
	const struct loop_source *source = context;

	(void)from;
	source->call.fn(source->call.context, info->ssi_signo);
	return 0;
}

enum err_code loop_add_signal(struct loop *loop, int number,
			      struct loop_call call,
			      struct loop_source **ret_source, struct err *err)
{
	struct loop_source *source;
	enum err_code code = source_new(loop, call, &source, err);
	sigset_t set;
	int result;

	if (code != ERR_OK)
		return code;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, number);
	result = -pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (result == 0)
		result = sd_event_add_signal(loop->event, &source->source,
					     number, on_signal, source);
	return source_done(source, result, "watch a signal", ret_source, err);
}

/* ---- wakes ---- */

/* Armed again before the call looks: what is published after its look writes
 * the eventfd once more. */
static int on_wake(sd_event_source *from, int fd, uint32_t events,
		   void *context)
{
	const struct loop_source *source = context;

	(void)from;
	(void)fd;
	(void)events;
	wake_disarm(source->wake);
	wake_arm(source->wake);
	source->call.fn(source->call.context, 0);
	return 0;
}

enum err_code loop_add_wake(struct loop *loop, struct wake *wake,
			    struct loop_call call,
			    struct loop_source **ret_source, struct err *err)
{
	struct loop_source *source;
	enum err_code code = source_new(loop, call, &source, err);
	int result;

	if (code != ERR_OK)
		return code;
	source->wake = wake;
	result = sd_event_add_io(loop->event, &source->source, wake->fd,
				 EPOLLIN, on_wake, source);
	code = source_done(source, result, "watch a wake", ret_source, err);
	/* What was published before may not have been seen: look once. */
	if (code == ERR_OK) {
		wake_arm(wake);
		wake_signal(wake);
	}
	return code;
}
