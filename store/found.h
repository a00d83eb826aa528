/*
 * found - units that were taken beyond the book, and were found for it.
 *
 * Layer     store
 * Threads   found_get: any, through a view; the rest: the writer
 * On disk   docs/format/tables.md: `f` of TABLE_DOCUMENT; derived
 *
 * People take what stands there, whatever the book says: what it lacks comes
 * from `found` (LEDGER). Where the book lacked it because entries of this
 * site's past were not here yet, those bring the same units once more when they
 * come (store/regain.h). So the sum is kept for each item, bin and condition;
 * in PICKED and PACKED for each order, for there units stand for one. Lots are
 * not told apart: who takes beyond the book cannot know the lot either. It
 * falls when units go back to `found`, and ends when the bin is counted: from
 * there on the count says what stands there.
 */
#ifndef DEPOT_STORE_FOUND_H
#define DEPOT_STORE_FOUND_H

#include "rules/ledger/entry.h"
#include "store/env.h"

struct found_record {
	int64_t units;
	struct pos pos;   /* of the last movement that found some */
	struct pos place; /* the same, or where it was told first */
	struct moment effective;
	bool is_trusted; /* ->effective is */
};

/*
 * What was found of @item on @side, which is a bin's; @order counts in PICKED
 * and PACKED only. ERR_NOT_FOUND  nothing (@err untouched)
 */
MUST_CHECK enum err_code found_get(const struct view *view, struct span item,
				   const struct side *side, struct span order,
				   struct found_record *ret_found,
				   struct err *err);

/* Folds a movement, or a count, that lies at @pos; others say nothing of it.
 * ERR_FULL  no room in the map */
MUST_CHECK enum err_code found_fold(struct txn *txn, struct pos pos,
				    const struct entry *entry, struct err *err);

#endif
