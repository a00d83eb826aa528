/*
 * exchange - between the peer engine and the store: packs that wait to be
 * admitted, what has to be kept of peers, and when the journal is sealed.
 *
 * Layer     gateway/core
 * Threads   exchange_run: the writer's, within its transaction. All else: the
 *           peer engine's (depotd's envoy thread). The two take turns: from
 *           exchange_prepare's true to exchange_finish the exchange is the
 *           writer's alone, and only the queues (exchange_admit, _keep, _found)
 *           go on
 *
 * The simulator drives the same code in one thread.
 *
 *   sync_frame ... --> port.admit, keep, found --> the queues here
 *   exchange_prepare   unpacks and judges what waits, outside any transaction
 *   exchange_run       admits, keeps and seals, in one transaction
 *   commit, then the guard's file (store/guard.h)
 *   exchange_finish    tells the peer engine what became of it
 */
#ifndef DEPOT_GATEWAY_CORE_EXCHANGE_H
#define DEPOT_GATEWAY_CORE_EXCHANGE_H

#include "gateway/sync/admit.h"
#include "gateway/sync/sync.h"
#include "store/feed.h"
#include "store/guard.h"
#include "store/ledger.h"

struct exchange;

/* Packs in one transaction, and what waits besides. */
#define EXCHANGE_PACKS_MAX 4
/* Rows sealed in one, about: readings wait for it, some 10 ms. */
#define EXCHANGE_ROWS_MAX 4096
#define EXCHANGE_TICKETS_MAX 16
#define EXCHANGE_KEPT_MAX 256
#define EXCHANGE_PROOFS_MAX 8

/*
 * What was refused is kept in the store, a row for each site, epoch and reason
 * (struct feed_refusal): the first at once, and what comes after it gathered
 * here and written once in EXCHANGE_REFUSALS_MS. So a flood of bad packs costs
 * no more of the disk than one does; a crash forgets the count of a minute.
 */
#define EXCHANGE_REFUSALS_MAX 32
#define EXCHANGE_REFUSALS_MS 60000

/*
 * How long an entry waits to be sealed, and how many may wait. A busy box
 * gathers: six deltas at once take fewer of the device's bytes than single ones
 * (docs/performance.md), and still go out as news. And it folds them later,
 * into its own feed's balances, which nobody waits for: after FEED_LATE_MAX, or
 * when it comes to rest.
 */
#define EXCHANGE_GATHER_ROWS (6 * DELTA_ROWS_LIVE_MAX)
#define EXCHANGE_GATHER_ROWS_ALONE EXCHANGE_ROWS_MAX
#define EXCHANGE_FLUSH_MS 5000          /* a link is up */
#define EXCHANGE_FLUSH_METERED_MS 60000 /* only metered ones are */
#define EXCHANGE_FLUSH_ALONE_MS 600000  /* none is: fuller deltas */

/*
 * What is sealed cannot be taken back: a second delta with a seq that was used
 * looks like a fraud to everybody. So a box that starts listens first. If a
 * link is up for EXCHANGE_LISTEN_MS and no peer shows more of our own feed than
 * we hold, it goes on; where there is no link, after the flush timer. A box
 * whose guard is missing or another machine's listens EXCHANGE_WITNESS_MS, and
 * needs a link for it. One that was set back seals nothing any more in that
 * epoch: core/incarnation.h opens the next. What people do is journalled all
 * the while.
 */
#define EXCHANGE_LISTEN_MS 5000
#define EXCHANGE_WITNESS_MS 60000
#define EXCHANGE_ASK_MS 15000 /* instead, while nobody has answered */

struct exchange_config {
	uint8_t net_id[NET_ID_SIZE];
	uint32_t site;
	uint64_t boot;
	struct feed_desk *desk;     /* the writer's; borrowed */
	enum guard_verdict verdict; /* of the start guard */
	/* No link is configured, so there is nobody to listen to: who carries
	 * the sticks is the witness (command network.hear). */
	bool has_no_links;
	uint32_t gather_rows; /* 0: EXCHANGE_GATHER_ROWS */
};
/* ERR_FULL: no memory */
MUST_CHECK enum err_code exchange_open(const struct exchange_config *config,
				       struct exchange **ret_exchange,
				       struct err *err);
void exchange_close(struct exchange *exchange); /* takes NULL */

/* Whose key seals: that of the journal's epoch. NULL: nothing is sealed. */
void exchange_signer_set(struct exchange *exchange,
			 const struct signer *signer);

/* ---- what struct sync_port's functions hand on ---- */

MUST_CHECK bool exchange_admit(struct exchange *exchange,
			       const struct sync_admit *admit);
MUST_CHECK bool exchange_keep(struct exchange *exchange,
			      const struct peer_row *row);
/* Forks are kept with the next transaction; after SYNC_FOUND_SELF nothing is
 * sealed (exchange_was_set_back), not even by a transaction that is under way:
 * what it has sealed by then, and not more, is a branch like any other. */
void exchange_found(struct exchange *exchange,
		    const struct sync_finding *finding);
bool exchange_was_set_back(const struct exchange *exchange);
/* The next epoch is open, and nobody else has it: @signer seals from now on. */
void exchange_succeeded(struct exchange *exchange, const struct signer *signer);
/* False while it listens, and from when it was set back to its succession
 * (core/incarnation.h). */
bool exchange_may_seal(const struct exchange *exchange);

/* ---- one turn ---- */

/* How the links are, for the flush timer. */
enum exchange_links {
	EXCHANGE_ALONE,
	EXCHANGE_METERED,
	EXCHANGE_UP,
};

struct exchange_now {
	uint64_t ms;       /* a clock that never goes back */
	struct moment utc; /* the wall clock */
	bool is_trusted;
	enum exchange_links links;
	uint64_t unsealed; /* entries of the journal in no delta */
	/* No peer has said since the start what it has (sync_self.ask). */
	bool is_unanswered;
	bool is_asked; /* somebody wants all of it sealed now: for a stick */
	/* The store has little room left: it is for this site's own readings
	 * and for HQ's words, and what other sites say waits. */
	bool is_tight;
};

/*
 * Unpacks and judges what waits, and looks whether anything is to be sealed.
 * *@ret_is_due: there is work for exchange_run.
 */
MUST_CHECK enum err_code exchange_prepare(struct exchange *exchange,
					  const struct view *view,
					  const struct exchange_now *now,
					  bool *ret_is_due, struct err *err);

/*
 * Does it, in @batch's transaction. After an error the caller abandons it, and
 * calls feed_desk_abandon as after any.
 * ERR_STOPPED  what is here of a pack's feed is damaged: exchange_finish has
 *              that feed wait, and the next turn is for the others
 */
MUST_CHECK enum err_code exchange_run(struct exchange *exchange,
				      struct batch *batch, struct err *err);

/* The turn under way seals: what waits, or the site's SEAL. Where the feed has
 * ended, or its epoch wants another key, nothing comes of it (that is no
 * error), and the next try waits for the flush timer. */
bool exchange_is_sealing(const struct exchange *exchange);
/* Deltas of this box may be late (struct feed_record): the next turn in which
 * nothing presses folds them. */
bool exchange_is_late(const struct exchange *exchange);
/* It is, or was, to end with the SEAL. */
bool exchange_is_closing(const struct exchange *exchange);
/* Deltas that the last exchange_run sealed: the guard is to be saved first. */
uint32_t exchange_sealed(const struct exchange *exchange);
/* That there was more to seal than one transaction takes: the next turn goes
 * on. */
bool exchange_has_more(const struct exchange *exchange);
/* And those that it admitted. */
uint32_t exchange_admitted(const struct exchange *exchange);

/*
 * The end of the turn, after the commit (or not). Tells @sync the results; what
 * was not committed is tried again.
 */
MUST_CHECK enum err_code exchange_finish(struct exchange *exchange,
					 bool is_committed, struct sync *sync,
					 const struct sync_step *step,
					 struct err *err);

#endif
