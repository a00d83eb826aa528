/*
 * scrub - reads the whole store again, a little at a time.
 *
 * Layer     store
 * Threads   scrub_step: any, on a view; scrub_save: the writer
 * On disk   a row of TABLE_META, "scrub"
 *
 * Disks forget without a word, and a row that nobody reads is missed by
 * nobody. So the chain of the journal and the checksum of every other row are
 * verified round after round, in steps that fit between other work. How far
 * it came is kept in the store: a start need verify only what was journalled
 * since (scrub's `verified`), and goes on with the round where it was.
 */
#ifndef DEPOT_STORE_SCRUB_H
#define DEPOT_STORE_SCRUB_H

#include "store/env.h"
#include "store/journal.h"
#include "store/row.h"

struct scrub {
	/* All zero: nothing was verified yet. */
	struct journal_head verified; /* the journal's end, last time the walk
				       * got there; its stamp says nothing */
	struct pos pos;   /* the round under way: last entry verified */
	uint64_t chain;   /* its checksum */
	uint32_t table;   /* the table that comes next; 0: the journal */
	struct key after; /* the last of its keys that was verified */
	uint64_t rounds;  /* that were finished */
};

/* All zero if there is no row yet. ERR_CORRUPT: the row is damaged. */
MUST_CHECK enum err_code scrub_load(const struct view *view,
				    struct scrub *ret_scrub, struct err *err);
MUST_CHECK enum err_code scrub_save(struct txn *txn, const struct scrub *scrub,
				    struct err *err);

/*
 * Verifies up to @rows more rows of what @view sees and moves @scrub on; at
 * the end of a round it begins the next one. A snapshot a step, please: see
 * view_begin.
 *
 * ERR_CORRUPT  a row is damaged, and the text says where; @scrub stands
 *              before it
 */
MUST_CHECK enum err_code scrub_step(const struct view *view,
				    struct scrub *scrub, uint64_t rows,
				    struct err *err);

#endif
