/*
 * taker - the null subscriber: Paho as depotd uses it, with a callback that
 * only counts. In a process of its own, as depotd is.
 */
#ifndef DEPOT_TESTS_BENCH_TAKER_H
#define DEPOT_TESTS_BENCH_TAKER_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

/* What both processes see. */
struct taker_count {
	atomic_uint_least64_t taken;
	atomic_bool is_up; /* connected and subscribed */
};

/* Starts it; it ends with us. */
pid_t taker_start(uint16_t port, const char *prefix, struct taker_count *count);
void taker_stop(pid_t taker);

#endif
