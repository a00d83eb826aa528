/*
 * keeper - the thread that owns the write transaction and the engine.
 *
 * Layer     gateway/edge
 * Threads   its own; the functions here: the loop, unless said otherwise
 *
 * Takes what waits in the intake ring, then commands, then time, into one
 * transaction: at once when idle, in batches under load (what came while the
 * last commit was under way is the next batch). After the commit, and not
 * before, the ring's slots are freed and the answers handed to the loop.
 *
 * It never calls Paho, never waits for the loop, and logs only into the
 * bounded queue.
 *
 * A batch in which an event fails is abandoned and its events run singly; the
 * one that fails again is parked unread. When the store is full, readings are
 * refused with an answer that says so, until there is room again.
 *
 * The keeper's order: ring, commands, work on feeds, time.
 */
#ifndef DEPOT_GATEWAY_EDGE_KEEPER_H
#define DEPOT_GATEWAY_EDGE_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/core/command.h"
#include "gateway/core/engine.h"
#include "gateway/edge/clock.h"
#include "gateway/edge/log.h"
#include "gateway/edge/ring.h"
#include "gateway/edge/wake.h"
#include "store/feed.h"
#include "store/ledger.h"

struct keeper;

/* Room of the map that intake leaves, if reserve_size says nothing: one part in
 * so many. */
#define KEEPER_RESERVE_SHARE 32

struct keeper_config {
	struct ledger *ledger; /* borrowed, as all below */
	struct engine *engine; /* the keeper's alone until keeper_stop */
	struct ring *ring;
	struct wake *ring_wake; /* the one that the ring was opened with */
	struct clock *clock;
	struct log *log;
	struct wake *loop_wake; /* signalled after each commit and answer */
	uint32_t batch_max;     /* events a transaction */
	uint32_t batch_ms;      /* how long a batch may gather under load */
	uint32_t scrub_hours;   /* between two readings of the whole store; 0:
				 * never */
	struct feed_desk *desk; /* NULL: a network of one */
	uint64_t reserve_size;  /* room kept for what must be written when
				 * intake has stopped; 0: a share of the map
				 * that the store really has */
};

/* Starts the thread. ERR_FULL: out of memory; ERR_IO: no thread. */
MUST_CHECK enum err_code keeper_start(const struct keeper_config *config,
				      struct keeper **ret_keeper,
				      struct err *err);
/* Takes what still waits in the ring, then stops and releases. The producer
 * must have stopped. Takes NULL. */
void keeper_stop(struct keeper *keeper);

/* ---- what the loop takes from it ---- */

struct keeper_answer {
	uint16_t suffix_size; /* of its topic, as answers.h says */
	uint16_t size;
	uint16_t correlation_size; /* 0: none */
	char suffix[ANSWERS_SUFFIX_SIZE_MAX];
	char correlation[CORRELATION_SIZE_MAX];
	char payload[PAYLOAD_OUT_SIZE_MAX];
};
/* The oldest answer that waits; false if none does. An answer that found the
 * queue full was dropped: the sender asks again. */
MUST_CHECK bool keeper_answer(struct keeper *keeper,
			      struct keeper_answer *ret_answer);

/* ---- commands ---- */

#define KEEPER_COMMANDS_MAX 8

/*
 * A command on its way. The caller's until keeper_ask, the keeper's until its
 * done call, which runs in the keeper's thread after the commit: it may only
 * hand on.
 */
struct keeper_request {
	struct command command; /* all it borrows stays until done */
	enum err_code code;     /* ERR_OK: the reply holds; else the store's */
	void (*done)(struct keeper_request *request);
	void *context;
};
/* ERR_AGAIN: too many are under way. */
MUST_CHECK enum err_code keeper_ask(struct keeper *keeper,
				    struct keeper_request *request);

/* ---- work on feeds ---- */

#define KEEPER_JOBS_MAX 4

/*
 * A transaction that is not an event's: peers' deltas admitted, the journal
 * sealed. Runs behind readings and commands, one at a time, in the keeper's
 * thread, at the present time. The caller's until keeper_give, the keeper's
 * until its done call, which may only hand on.
 */
struct keeper_job {
	/* What is not ERR_OK abandons the transaction. */
	enum err_code (*run)(void *context, struct batch *batch,
			     struct err *err);
	/* It begins and commits its transactions by itself, and run gets no
	 * batch: what ends an epoch is none of a batch's. */
	bool is_whole;
	/* After the commit, or without one; @code says which. */
	void (*done)(void *context, enum err_code code);
	void *context;
};
/* ERR_AGAIN: too many wait. */
MUST_CHECK enum err_code keeper_give(struct keeper *keeper,
				     struct keeper_job *job);

/*
 * Whether what HQ asks may be carried out: not by a box that has not heard yet
 * whether it did so already in a life that was taken from it
 * (exchange_may_seal). False at the start. Any thread.
 */
void keeper_may_act(struct keeper *keeper, bool may_act);

/* ---- how it is ---- */

struct keeper_state {
	struct pos head;         /* the journal's end after the last commit */
	struct moment committed; /* when that was */
	uint64_t commits;
	uint64_t progress; /* grows while the keeper is alive: the
			    * watchdog is fed by it */
	uint64_t answers_dropped;
	bool is_damaged; /* a row is not what was written */
	bool is_full;    /* the store has no room: intake is refused */
	bool is_failed;  /* the store is damaged or the disk fails:
			  * the daemon must stop */
	struct engine_counters counters;
};
/* A moment's truth. Any thread. */
void keeper_state(struct keeper *keeper, struct keeper_state *ret_state);
/* Why is_failed; valid until keeper_stop. */
const char *keeper_failure(const struct keeper *keeper);

#endif
