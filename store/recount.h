/*
 * recount - the tasks to count again what nobody can know otherwise.
 *
 * Layer     store
 * Threads   the writer
 *
 * The whole site is counted where what a medium held may be lost: in a new
 * epoch of a box that was set back, and by a box that took another one's place.
 * What is lost is what nobody else had, so nobody can tell which bins it was
 * about.
 */
#ifndef DEPOT_STORE_RECOUNT_H
#define DEPOT_STORE_RECOUNT_H

#include "store/ledger.h"

/* The reason of that task. */
#define RECOUNT_REASON "medium_lost"

/* Errors as batch_post. */
MUST_CHECK enum err_code recount_post(struct batch *batch, struct err *err);

/* The reason of the task to count one item in one bin again: what came back
 * was there before somebody counted it, and what that count saw of it nobody
 * can tell. */
#define RECOUNT_LATE_REASON "late_movement"

/* That task, unless one is open for them. Errors as batch_post. */
MUST_CHECK enum err_code recount_post_bin(struct batch *batch, struct span bin,
					  struct span item, struct err *err);

#endif
