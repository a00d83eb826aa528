/*
 * rebuild - the derived tables, made again from the journal.
 *
 * Layer     store
 * Threads   rebuild_run: the writer; rebuild_pending: any
 * On disk   a row of TABLE_META, "rebuild", while one is under way: the pos
 *           of the next entry to fold
 *
 * The tables are emptied and folded again in steps of a bounded size, each one
 * transaction, so that neither memory nor the map has to hold them twice. From
 * the first step to the last the row above is there: ledger_head refuses to
 * serve what is half made, and whoever opens the store for writing next goes
 * on where a crash left off. What comes out is, byte for byte, what posting
 * had made.
 *
 * Nothing but the journal is needed; if that is damaged, nothing is begun.
 */
#ifndef DEPOT_STORE_REBUILD_H
#define DEPOT_STORE_REBUILD_H

#include "rules/base/ids.h"
#include "store/env.h"

/* Called after each step: entries folded so far, of how many. Anything but
 * ERR_OK stops there, as a crash would: the next call goes on. */
typedef enum err_code rebuild_progress_fn(void *context, uint64_t done,
					  uint64_t total);

struct rebuild_plan {
	rebuild_progress_fn *progress; /* may be NULL */
	void *context;
};

/*
 * Rebuilds all derived tables, or goes on with a rebuild that was cut short.
 *
 * ERR_CORRUPT  the journal is damaged: nothing was touched; or, if it folded
 *              once and does not now, the text names the entry
 * ERR_FULL     no room in the map
 * any code of @plan's progress
 */
MUST_CHECK enum err_code
rebuild_run(struct env *env, const struct rebuild_plan *plan, struct err *err);

/* True if a rebuild was begun and has not ended. */
MUST_CHECK enum err_code rebuild_pending(const struct view *view,
					 bool *ret_is_pending, struct err *err);

/* Goes on with one if it was cut short; else does nothing. */
MUST_CHECK enum err_code rebuild_resume(struct env *env, struct err *err);

/*
 * Fills what a newer format of the store adds to the derived tables: for
 * env_upgrade, which has no @context for it. A rebuild that was cut short
 * begins anew.
 * ERR_CORRUPT  the journal does not read
 */
MUST_CHECK enum err_code rebuild_upgrade(void *context, struct txn *txn,
					 struct err *err);

/* What rebuild_compare found. */
struct rebuild_difference {
	uint64_t rows;    /* that differ, on either side; 0: none does */
	enum table table; /* of the first of them */
};

/*
 * Folds @view's journal into a store of its own at @scratch, with a map of
 * @map_size bytes, and compares the derived tables byte by byte. The store is
 * removed in the end.
 *
 * ERR_CONFLICT  there is something at @scratch already
 * ERR_CORRUPT   the journal does not fold
 * ERR_FULL, ERR_IO
 */
MUST_CHECK enum err_code
rebuild_compare(const struct view *view, const char *scratch, uint64_t map_size,
		struct rebuild_difference *ret_difference, struct err *err);

#endif
