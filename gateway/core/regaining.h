/*
 * regaining - when this box takes back what others have of its past.
 *
 * Layer     gateway/core; no I/O, no clock, no threads
 * Threads   regaining_run: the writer's, within its transaction. All else: the
 *           peer engine's (depotd's envoy; the simulator's one thread). The two
 *           take turns: from a job of regaining_look until regaining_finish the
 *           struct is the writer's
 *
 * Feeds of the past (store/past.h) come as any other feed does, by a link or by
 * a stick, at the start or months later. Whenever they have more than was
 * looked at, it is taken into the journal (store/regain.h), a few hundred
 * entries a transaction, while readings go on.
 *
 * A box that took another one's place waits besides: when somebody has answered
 * and nothing more of that one's book came, or is offered, for
 * REGAINING_QUIET_MS, it says how far it has it. That word is a succession
 * (struct succession, reason REPLACED) behind the one of the epoch's beginning,
 * with the last delta that it holds of the epoch before; by it HQ ends that one
 * (hq_parents_end). Until then, or for REGAINING_WAIT_MS at the most, the box
 * does nothing that HQ asks for: the one before may have done it. Scans and
 * people are served all the while.
 */
#ifndef DEPOT_GATEWAY_CORE_REGAINING_H
#define DEPOT_GATEWAY_CORE_REGAINING_H

#include "gateway/core/exchange.h"
#include "gateway/sync/sync.h"
#include "store/ledger.h"
#include "store/regain.h"

#define REGAINING_QUIET_MS 20000
#define REGAINING_WAIT_MS 600000
/* The writer could not: again after so long. */
#define REGAINING_RETRY_MS 10000

enum regaining_job {
	REGAINING_NOTHING = 0,
	REGAINING_TAKE, /* entries of the past */
	REGAINING_TELL, /* how far it has them */
};

/* What was done, for the log and for people. */
struct regaining_done {
	uint64_t regained; /* entries since nothing was left to take before */
	bool is_caught_up; /* nothing is left */
	bool is_told;      /* and what follows was said */
	uint32_t parent_epoch;
	uint64_t parent_seq;
	struct stamp parent_stamp; /* complete up to then, and not beyond */
};

/* The caller's storage; all of it is this module's. */
struct regaining {
	uint32_t site;
	bool is_open;         /* it has yet to say how far it has the past */
	bool is_due;          /* the past has more than was looked at */
	uint64_t held;        /* deltas of it that are here, and that count */
	bool is_linked;       /* a link is up */
	uint64_t haves;       /* sync_counts when it came up */
	uint64_t start_ms;    /* plus 1, as all here; 0: not yet */
	uint64_t answered_ms; /* somebody has answered since the link is up */
	uint64_t quiet_ms;    /* nothing came since */
	uint64_t retry_ms;    /* not before */
	enum regaining_job job;
	uint64_t regained;
	struct regaining_done done;
};

/* ERR_CORRUPT, ERR_IO  the store's */
MUST_CHECK enum err_code regaining_begin(struct regaining *regaining,
					 uint32_t site, const struct view *view,
					 struct err *err);

/* What the writer is to do now. Not to be called while the box is set back. */
struct regaining_now {
	uint64_t ms;
	enum exchange_links links;
};
MUST_CHECK enum err_code
regaining_look(struct regaining *regaining, const struct sync *sync,
	       const struct view *view, const struct regaining_now *now,
	       enum regaining_job *ret_job, struct err *err);

/* Does it. Errors as regain_step: abandon. */
MUST_CHECK enum err_code regaining_run(struct regaining *regaining,
				       const uint8_t net_id[NET_ID_SIZE],
				       struct batch *batch, struct err *err);

/* After the commit, or without one. */
void regaining_finish(struct regaining *regaining, bool is_committed,
		      uint64_t ms, struct regaining_done *ret_done);

/* False while what HQ asks may have been done by the box before. */
bool regaining_may_act(const struct regaining *regaining, uint64_t ms);

#endif
