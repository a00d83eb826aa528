/*
 * clerk - the thread for work that takes longer than the loop can wait: an
 * audit, a backup.
 *
 * Layer     gateway/edge
 * Threads   its own; the functions here: the loop, unless said otherwise
 *
 * One job at a time, and no queue behind it: who finds it busy asks again. It
 * reads, through one snapshot at a time, and never writes the ledger.
 */
#ifndef DEPOT_GATEWAY_EDGE_CLERK_H
#define DEPOT_GATEWAY_EDGE_CLERK_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/err.h"
#include "store/ledger.h"

struct clerk;

/* The caller's until clerk_ask, the clerk's until done. */
struct clerk_job {
	/* The work, in the clerk's thread. What it says goes into its own
	 * storage. Ends soon after clerk_is_stopping. */
	void (*run)(struct clerk_job *job, struct clerk *clerk);
	/* In the clerk's thread, when the clerk is free again: it may only
	 * hand on. */
	void (*done)(struct clerk_job *job);
	void *context;
};

/* @ledger is borrowed until clerk_stop. ERR_FULL: out of memory; ERR_IO: no
 * thread. */
MUST_CHECK enum err_code clerk_start(struct ledger *ledger,
				     struct clerk **ret_clerk, struct err *err);
/* Lets the job at hand come to its end, then stops and releases. Takes NULL. */
void clerk_stop(struct clerk *clerk);

/* ERR_AGAIN: there is a job under way. */
MUST_CHECK enum err_code clerk_ask(struct clerk *clerk, struct clerk_job *job);

/* For the job. */
struct ledger *clerk_ledger(struct clerk *clerk);
bool clerk_is_stopping(struct clerk *clerk);

#endif
