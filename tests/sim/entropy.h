/*
 * entropy - where the boxes' keys and secrets come from: the schedule's seed.
 *
 * Keys drawn anew would give feeds other hashes in each run, and with them
 * branches other names: a failure would not come again.
 */
#ifndef DEPOT_TESTS_SIM_ENTROPY_H
#define DEPOT_TESTS_SIM_ENTROPY_H

#include <stdint.h>

/* Before anything else of libsodium. */
void entropy_take_over(void);
void entropy_seed(uint64_t seed);

#endif
