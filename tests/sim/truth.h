/*
 * truth - what really happened, kept outside of every box.
 *
 * Each entry that a box committed, by its name and a hash of what it says (less
 * the device's boot and sequence, which stay in the box). Whatever becomes of
 * boxes, disks and wires, at the end each of them is in everybody's feeds once,
 * or somebody has been told that it may be lost.
 */
#ifndef DEPOT_TESTS_SIM_TRUTH_H
#define DEPOT_TESTS_SIM_TRUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/ids.h"
#include "rules/base/text.h"
#include "rules/ledger/movement.h"

struct fact {
	uint32_t site;
	struct pos pos; /* epoch and number */
	uint64_t hash;
	bool is_movement;
};

/* What is between two sites, by the movements that really happened. */
struct way {
	struct place_name transfer;
	struct sku item;
	int64_t units;
};

struct truth {
	struct way *ways;
	size_t way_count;
	size_t way_room;
	struct fact *facts;
	size_t count;
	size_t room;
	bool is_sorted; /* by site, pos, hash */
};

void truth_release(struct truth *truth);
void truth_add(struct truth *truth, const struct fact *fact);
/* @movement happened. */
void truth_move(struct truth *truth, const struct movement *movement);
/* In transit. */
int64_t truth_way(const struct truth *truth, struct span transfer,
		  struct span item);
/* NULL: never happened. */
const struct fact *truth_find(struct truth *truth, uint32_t site,
			      struct pos pos, uint64_t hash);

/* Of an entry's bytes, without boot and sequence. 0: they are no entry. */
uint64_t truth_hash(struct span entry);

#endif
