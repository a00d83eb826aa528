/*
 * load - a warehouse's readings, as many as one likes: goods come in, are
 * picked for an order, and leave with it.
 *
 * Every third reading is a receipt; its pick comes LOAD_LAG groups later, its
 * shipment as many again, so that stock and promises stand meanwhile. In
 * order, no reading finds a bin empty. A load is a function of its seed:
 * readings have no state, and any of them can be made again.
 */
#ifndef DEPOT_TESTS_BENCH_LOAD_H
#define DEPOT_TESTS_BENCH_LOAD_H

#include "rules/ledger/entry.h"

#define LOAD_LAG 300
#define LOAD_NAME_SIZE 32
#define LOAD_PAYLOAD_SIZE 256

struct load {
	uint64_t seed;   /* streams of different seeds share items and bins */
	uint32_t items;  /* at most 1,000,000 */
	uint32_t bins;   /* every item has one of them as its home */
	uint32_t stream; /* keeps the orders of two streams apart */
};

/* Names, terminated, into LOAD_NAME_SIZE bytes. */
void load_sku(uint32_t item, char *name);
void load_code(uint32_t item, char *name); /* EAN-13 */
void load_bin(uint32_t bin, char *name);

struct load_reading {
	enum movement_kind kind; /* receive, pick or ship */
	uint32_t item;
	uint32_t bin;
	uint64_t order;
	int64_t units;
};

struct load_reading load_reading(const struct load *load, uint64_t index);

/* As the payload of a scanner that names it (@boot, @index + 1). Returns its
 * length; @payload has LOAD_PAYLOAD_SIZE bytes. */
size_t load_payload(const struct load *load, const char *boot, uint64_t index,
		    char *payload);

/* As the movement that the engine makes of it. */
void load_entry(const struct load *load, uint64_t index,
		struct entry *ret_entry);

#endif
