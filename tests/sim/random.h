/*
 * random - what a simulation draws: the same seed, the same draws.
 */
#ifndef DEPOT_TESTS_SIM_RANDOM_H
#define DEPOT_TESTS_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

/* SplitMix64 (Steele, Lea, Flood, 2014). */
static inline uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 to @bound - 1. */
static inline uint64_t random_below(struct random *random, uint64_t bound)
{
	return random_next(random) % bound;
}

static inline int64_t random_from(struct random *random, int64_t low,
				  int64_t high)
{
	return low + (int64_t)random_below(random, (uint64_t)(high - low) + 1);
}

/* True in @permille of a thousand. */
static inline bool random_hits(struct random *random, uint32_t permille)
{
	return random_below(random, 1000) < permille;
}

/* A stream of its own for @purpose: what one draws changes nothing for
 * another, so that a schedule can be cut without moving all that follows. */
static inline struct random random_stream(uint64_t seed, uint64_t purpose)
{
	struct random random = {seed ^ purpose * UINT64_C(0xd1342543de82ef95)};

	(void)random_next(&random);
	return random;
}

#endif
