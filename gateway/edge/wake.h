/*
 * wake - how a thread that hands something over wakes the one that takes it.
 *
 * Layer     gateway/edge
 * Threads   one sleeper; any number of threads may signal
 *
 * An eventfd that is written only while the sleeper sleeps: under load a
 * signal costs one atomic instruction and no system call. One wake serves all
 * sources of its sleeper (ring, queues, a stop flag), which then waits on one
 * file descriptor.
 *
 * The sleeper:                          Each producer:
 *	wake_arm(wake);                        publish what is handed over;
 *	if (no source has anything)            wake_signal(wake);
 *		wake_wait(wake, timeout);
 *	wake_disarm(wake);
 *	take from all sources;
 *
 * Why no wake-up is lost: both sides swap the same word with acquire and
 * release order. If the signal's swap comes first, wake_arm's swap reads from
 * it and the sleeper then sees what was published. If it comes second, it
 * finds the word armed and writes the eventfd.
 */
#ifndef DEPOT_GATEWAY_EDGE_WAKE_H
#define DEPOT_GATEWAY_EDGE_WAKE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "rules/base/err.h"

struct wake {
	int fd; /* eventfd; readable after a signal to an armed sleeper */
	atomic_bool is_armed;
};

/* ERR_IO: no file descriptor is left. @wake must not move afterwards. */
MUST_CHECK enum err_code wake_init(struct wake *wake, struct err *err);
/* Nobody may signal any more. Takes an all-zero wake. */
void wake_release(struct wake *wake);

/*
 * Wakes the sleeper if it sleeps or is about to. What was published before is
 * visible to it when it has woken up. Never blocks, allocates nothing, keeps
 * errno. Any thread; also a Paho callback.
 */
void wake_signal(struct wake *wake);

/* Sleeper: from now on signals write the eventfd. Look at every source after
 * this and before waiting. */
void wake_arm(struct wake *wake);
/* Sleeper: no signals needed; empties the eventfd. */
void wake_disarm(struct wake *wake);
/* Sleeper: waits for a signal, at most @timeout_ms (-1: for ever). */
void wake_wait(const struct wake *wake, int timeout_ms);

#endif
