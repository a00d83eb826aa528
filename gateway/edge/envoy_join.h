/*
 * envoy_join - bare boxes that ask HQ over a link whether they may join.
 *
 * Layer     gateway/edge
 * Threads   the envoy's; the job it gives runs in the keeper's
 *
 * Anybody who reaches the broker in between may ask, so an ask costs little
 * until it has shown an invitation's secret: it is looked at in a snapshot, so
 * many a second, and then thrown away. One that has the secret becomes a job
 * for the keeper, one at a time, and its answer is said where the ask came
 * from. Whoever lost the answer asks again and gets the same one. A secret has
 * 80 bits: tries are bounded for what they cost, not for what they might find,
 * and nobody can lock another's invitation by mistyping it.
 *
 * Tries are counted, in all and by invitation.
 */
#ifndef DEPOT_GATEWAY_EDGE_ENVOY_JOIN_H
#define DEPOT_GATEWAY_EDGE_ENVOY_JOIN_H

#include "gateway/core/hq_join.h"
#include "gateway/edge/keeper.h"
#include "gateway/edge/wake.h"

/* Asks looked at in a second, and at once after a quiet time. */
#define JOIN_LOOKS_PER_S 500
#define JOIN_LOOKS_MAX 1000
/* Asks with the right secret, of one invitation: more are told to wait. */
#define JOIN_TRIES_PER_MIN 30
/* What waits for the keeper; more ask again. */
#define JOIN_WAITING_MAX 8
/* Invitations whose tries are counted apart: those tried last. */
#define JOIN_COUNTED_MAX 16

struct envoy_join;

struct envoy_join_config {
	struct ledger *ledger; /* borrowed, as all pointers here */
	struct keeper *keeper;
	const struct hq *hq;
	struct wake *wake; /* signalled when the keeper is done */
};

/* An answer to say on @link. Borrowed until it returns. */
typedef void envoy_join_say_fn(void *context, uint32_t link, uint32_t number,
			       struct span payload);

/* ERR_FULL: no memory. */
MUST_CHECK enum err_code envoy_join_open(const struct envoy_join_config *config,
					 struct envoy_join **ret_join,
					 struct err *err);
/* Takes NULL. No job of its may be out. */
void envoy_join_close(struct envoy_join *join);

/* Somebody asked. @now_ms is monotonic. */
struct envoy_join_ask {
	uint32_t link;
	uint32_t number; /* of the topic */
	struct span frame;
	uint64_t now_ms;
};
void envoy_join_heard(struct envoy_join *join, const struct envoy_join_ask *ask,
		      envoy_join_say_fn *say, void *context);

/* After a wake: says what is answered, and hands on what waits; takes NULL. */
void envoy_join_turn(struct envoy_join *join, envoy_join_say_fn *say,
		     void *context);
/* A job is with the keeper. Takes NULL. */
bool envoy_join_is_out(const struct envoy_join *join);
/* What waits is forgotten: nothing more is handed on. Takes NULL. */
void envoy_join_stop(struct envoy_join *join);

/* ---- what was counted since the start ---- */

struct envoy_join_counts {
	uint64_t asked;     /* in all */
	uint64_t dropped;   /* too many at once: not looked at, or no place */
	uint64_t strangers; /* of no invitation of this HQ's, or no ask */
	uint64_t denied;    /* without the invitation's secret */
	uint64_t busy;      /* too often with one invitation */
	uint64_t welcomed;
	uint64_t refused; /* used, expired, withdrawn */
	size_t tried_count;
	struct envoy_join_tried {
		uint32_t number;
		uint64_t tries;
		uint64_t denied;
	} tried[JOIN_COUNTED_MAX];
};
/* All zeros where @join is NULL. */
void envoy_join_counts(const struct envoy_join *join,
		       struct envoy_join_counts *ret_counts);

#endif
