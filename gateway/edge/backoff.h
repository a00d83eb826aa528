/*
 * backoff - how long to wait before the next try.
 *
 * Layer     gateway/edge
 * Threads   a struct backoff belongs to one
 * Source    M. Brooker, "Exponential Backoff and Jitter", AWS Architecture
 *           Blog, 2015, "equal jitter": half of the pause is sure, half is
 *           drawn, so that boxes that lost one broker do not return as one.
 *
 * Pure: the seed is given, and the same seed gives the same pauses.
 */
#ifndef DEPOT_GATEWAY_EDGE_BACKOFF_H
#define DEPOT_GATEWAY_EDGE_BACKOFF_H

#include <stdint.h>

struct backoff {
	uint32_t least_ms;
	uint32_t most_ms;
	uint32_t tries; /* since the last reset */
	uint64_t seed;
};

/* All pauses will be from @least_ms to @most_ms, which is at least twice as
 * much. */
void backoff_init(struct backoff *backoff, uint32_t least_ms, uint32_t most_ms,
		  uint64_t seed);

/* The pause before the next try. After n tries without a reset it is drawn
 * from half to all of the smaller of 2 * least * 2^n and most. */
uint32_t backoff_next_ms(struct backoff *backoff);

/* It worked: the next pause is a short one again. */
void backoff_reset(struct backoff *backoff);

#endif
