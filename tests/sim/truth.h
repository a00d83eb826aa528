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
#include "rules/ledger/entry.h"

struct fact {
	uint32_t site;
	struct pos pos;   /* epoch and number */
	uint64_t hash;    /* of its words */
	struct pos again; /* told there before; 0: it is what happened */
	uint32_t box;     /* that wrote it */
	bool may_be_lost; /* its medium was, before anybody else had it */
	bool is_found;    /* by the check */
	bool is_waiting;  /* in the book of a box whose life HQ ended */
};

/* What is between two sites, by the movements that really happened. */
struct way {
	struct place_name transfer;
	struct sku item;
	int64_t units;
};

/* What HQ asked for: an item of this name and number at @site. */
#define TRUTH_ASKED "ASK-"
#define TRUTH_ASKED_MAX 64
struct truth_intent {
	uint32_t site;
	uint32_t done; /* so many times */
};

struct truth {
	uint32_t asked;
	struct truth_intent intents[TRUTH_ASKED_MAX];
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
/* The disk of @box goes back to where @told was its journal's end. */
void truth_set_back(struct truth *truth, uint32_t box, struct pos told);
/* Before the facts are looked for. */
void truth_seek(struct truth *truth);
/* @movement happened. */
void truth_move(struct truth *truth, const struct movement *movement);
/* @site was told of @item. */
void truth_item(struct truth *truth, uint32_t site, const struct item *item);
/* In transit. */
int64_t truth_way(const struct truth *truth, struct span transfer,
		  struct span item);
/* What happened, however often it was told since. NULL: it never did. */
struct fact *truth_find(struct truth *truth, uint32_t site, struct pos pos,
			uint64_t hash);

/*
 * The fact that an entry at @pos tells: its place and words. An entry that is
 * told again names the place where it was told first; stamp, boot and sequence
 * are no words. False: it is no entry.
 */
MUST_CHECK bool truth_read(struct span bytes, struct pos pos,
			   struct fact *ret_fact, struct entry *ret_entry);

#endif
