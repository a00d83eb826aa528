/*
 * loop - the main thread's event loop.
 *
 * Layer     gateway/edge; loop.c is the only file that includes sd-event.h
 * Threads   the one that called loop_open, for everything here; others reach
 *           it through a struct wake
 *
 * A thin cover over sd-event. What it adds: one kind of callback, errors as
 * err_code, sources that are always floating free of reference counts, timers
 * that can be set and set again without allocating, and struct wake as a
 * source. What it leaves out (priorities, children, exit handlers, inotify)
 * nobody here needs.
 *
 * Sources are made at the start. Setting timers, changing events and waking
 * allocate nothing. A callback may remove any source, also its own.
 */
#ifndef DEPOT_GATEWAY_EDGE_LOOP_H
#define DEPOT_GATEWAY_EDGE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/edge/wake.h"
#include "rules/base/err.h"

struct loop;
struct loop_source;

/*
 * What happens when a source is ready, in the loop's thread. @what is the set
 * of EPOLL* bits of a file descriptor, the number of a signal, 0 otherwise.
 */
typedef void loop_fn(void *context, uint32_t what);

struct loop_call {
	loop_fn *fn;
	void *context; /* borrowed as long as the source lives */
};

/* ERR_IO: the system refused. */
MUST_CHECK enum err_code loop_open(struct loop **ret_loop, struct err *err);
/* Takes NULL. All sources must have been removed. */
void loop_close(struct loop *loop);

/*
 * Runs until loop_stop. ERR_OK after loop_stop, which may have come before;
 * ERR_IO when waiting failed.
 */
MUST_CHECK enum err_code loop_run(struct loop *loop, struct err *err);
/* Handles what is ready, after waiting for it at most @timeout_ms (-1: for
 * ever). For tests, and for a program that has its own loop. */
MUST_CHECK enum err_code loop_step(struct loop *loop, int timeout_ms,
				   struct err *err);
/* Lets loop_run return once the present callback has. */
void loop_stop(struct loop *loop);

/*
 * Watches @fd, which stays the caller's, for @events (EPOLLIN, EPOLLOUT;
 * EPOLLHUP and EPOLLERR come without asking). Remove the source before the
 * descriptor is closed.
 */
MUST_CHECK enum err_code loop_add_fd(struct loop *loop, int fd, uint32_t events,
				     struct loop_call call,
				     struct loop_source **ret_source,
				     struct err *err);
/* Watches for other events from now on; 0 pauses the source. */
void loop_fd_events(struct loop_source *source, uint32_t events);

/* Makes a timer that is not running. Monotonic time, within 1 ms. */
MUST_CHECK enum err_code loop_add_timer(struct loop *loop,
					struct loop_call call,
					struct loop_source **ret_timer,
					struct err *err);
/* Calls once, in @delay_ms; replaces what the timer was set to. */
void loop_timer_once(struct loop_source *timer, uint64_t delay_ms);
/* Calls every @period_ms (at least 1), first in one period. Beats that were
 * missed while the loop was busy are not made up for. */
void loop_timer_every(struct loop_source *timer, uint64_t period_ms);
void loop_timer_off(struct loop_source *timer);

/*
 * Calls when the process gets signal @number, instead of what the signal does
 * otherwise. Blocks it for the calling thread and those started later: add
 * signals before any thread is started.
 */
MUST_CHECK enum err_code loop_add_signal(struct loop *loop, int number,
					 struct loop_call call,
					 struct loop_source **ret_source,
					 struct err *err);

/*
 * Makes the loop the sleeper of @wake (borrowed): calls after each
 * wake_signal, or once for several. The call looks at everything that the
 * wake stands for; it need not arm anything.
 */
MUST_CHECK enum err_code loop_add_wake(struct loop *loop, struct wake *wake,
				       struct loop_call call,
				       struct loop_source **ret_source,
				       struct err *err);

/* Ends a source of any kind. Takes NULL. */
void loop_remove(struct loop_source *source);

#endif
