/*
 * recount - the task to count the whole site again.
 *
 * Layer     store
 * Threads   the writer
 *
 * It is raised where what a medium held may be lost: a new epoch of a box that
 * was set back, and a box that took another one's place. Of the whole site:
 * what is lost is what nobody else had, so nobody can tell which bins it was
 * about.
 */
#ifndef DEPOT_STORE_RECOUNT_H
#define DEPOT_STORE_RECOUNT_H

#include "store/ledger.h"

/* The reason of that task. */
#define RECOUNT_REASON "medium_lost"

/* Errors as batch_post. */
MUST_CHECK enum err_code recount_post(struct batch *batch, struct err *err);

#endif
