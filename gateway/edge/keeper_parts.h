/*
 * keeper_parts - the keeper's state, and what its files need of each other.
 *
 * Layer     gateway/edge; included by keeper*.c only
 * Threads   the keeper's
 *
 * keeper.c has the thread, its transactions and what others see of it;
 * keeper_slots.c the readings in the ring; keeper_work.c all else that waits.
 */
#ifndef DEPOT_GATEWAY_EDGE_KEEPER_PARTS_H
#define DEPOT_GATEWAY_EDGE_KEEPER_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "gateway/edge/keeper.h"
#include "gateway/edge/keeper_scrub.h"
#include "gateway/edge/queue.h"

/* Between two events of time. */
#define KEEPER_TICK_MS 1000

struct keeper {
	struct keeper_config config;
	struct answers *answers;
	struct queue *answer_queue;
	struct queue *request_queue; /* of struct keeper_request * */
	struct queue *job_queue;     /* of struct keeper_job * */
	struct ring_slot *slots;     /* the batch in work */
	uint32_t slot_count;
	int64_t taken_at; /* monotonic ms; of the last batch */
	int64_t tick_at;
	int64_t told_at; /* no tick that failed is told before */
	int64_t room_at;
	struct keeper_scrub scrub;
	atomic_bool is_stopping;
	atomic_bool may_act;
	bool is_started;
	pthread_t thread;

	/* What others see; the rest is the thread's. */
	pthread_mutex_t mutex;
	struct keeper_state state;
	struct err failure;
};

/* ---- keeper.c ---- */

/* Ends a transaction that leaves no trace. */
void keeper_drop(struct keeper *keeper, struct batch *batch);
/* Commits, and only then speaks. Errors as batch_commit. */
MUST_CHECK enum err_code keeper_finish(struct keeper *keeper,
				       struct batch *batch, struct err *err);
/* The journal ends at @head since @now: others see it. */
void keeper_publish(struct keeper *keeper, struct pos head, struct moment now);
/* Hands the answers that were gathered to the loop. */
void keeper_answers_say(struct keeper *keeper, struct pos head);
void keeper_full(struct keeper *keeper, bool is_full);
/* The store fails: nothing more is taken, and the loop ends the daemon. The
 * thread stays until then, so that who gave it a job gets it back. */
void keeper_fail(struct keeper *keeper, const struct err *err);
/* Whether the store itself failed, and not what was to be written. */
bool keeper_is_of_store(enum err_code code);

/* ---- keeper_slots.c ---- */

/* One batch of readings, if any wait. */
void keeper_slots_take(struct keeper *keeper);

/* ---- keeper_work.c ---- */

/* Each: at most one, if one waits or is due. */
void keeper_request_take(struct keeper *keeper);
void keeper_job_take(struct keeper *keeper);
void keeper_tick_take(struct keeper *keeper);

#endif
