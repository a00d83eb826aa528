/*
 * traffic - scanners that send as fast as a broker and a window let them.
 *
 * Bare sockets and packets made beforehand, so that the senders are not what
 * limits the rate. Each gun is a client with a topic of its own and hears its
 * acknowledgements there is a box for. One thread.
 */
#ifndef DEPOT_TESTS_BENCH_TRAFFIC_H
#define DEPOT_TESTS_BENCH_TRAFFIC_H

#include <stdatomic.h>
#include <stdint.h>

#define TRAFFIC_GUNS_MAX 16
#define TRAFFIC_IN_FLIGHT_MAX 1000 /* the broker's Receive Maximum */

struct traffic_plan {
	uint16_t port;
	const char *prefix; /* of the topics, up to the site */
	const char *boot;   /* names the readings; another one each time */
	uint32_t guns;
	uint32_t readings; /* of each gun */
	uint32_t items;
	uint32_t bins;
	uint32_t in_flight; /* readings of a gun that the broker has not
			     * PUBACKed; at most TRAFFIC_IN_FLIGHT_MAX */
	uint32_t window;    /* readings of a gun on the way to whoever takes
			     * them */
	/* What somebody else has taken of all guns' readings so far; NULL: the
	 * box's acknowledgements tell. */
	const atomic_uint_least64_t *taken;
};

/* Connects, sends everything and waits until it is taken. Returns the seconds
 * from the first byte sent to the last reading taken. Ends the program when
 * a reading is answered with anything but "booked", or nothing happens for
 * ten seconds. */
double traffic_run(const struct traffic_plan *plan);

/* Sends one reading of one gun each @pause_ms and waits for its answer:
 * @ret_ns has room for @plan->readings. */
void traffic_idle(const struct traffic_plan *plan, int pause_ms,
		  uint64_t *ret_ns);

#endif
