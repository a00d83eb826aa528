/*
 * week - a made-up week of a warehouse, as entries: what has to be synced when
 * people scan, with the times and orders that a real one has.
 */
#ifndef DEPOT_TESTS_BENCH_WEEK_H
#define DEPOT_TESTS_BENCH_WEEK_H

#include <stddef.h>
#include <stdint.h>

/* Entries one behind the other; entry i ends at ends[i]. */
struct entries {
	uint8_t *bytes;
	size_t size;
	size_t capacity;
	size_t *ends;
	size_t count;
	size_t movements;
};

/* Ends the program if there is no memory. */
void entries_add(struct entries *entries, const void *bytes, size_t size);
void entries_free(struct entries *entries);

/*
 * About 70,000 movements: 3,000 items, by a power law; 1,280 bins, an item has
 * one to three of them; 1,100 orders and 12 deliveries a day; eight scanners,
 * five of which say when they scanned, in seconds. The same @seed gives the
 * same week.
 */
void week_make(uint64_t seed, struct entries *ret_entries);

#endif
