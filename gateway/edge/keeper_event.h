/*
 * keeper_event - what waits in the intake ring, as the engine takes it, and
 * what the engine says, as the loop does.
 *
 * Layer     gateway/edge, inside the keeper only
 * Threads   the keeper
 */
#ifndef DEPOT_GATEWAY_EDGE_KEEPER_EVENT_H
#define DEPOT_GATEWAY_EDGE_KEEPER_EVENT_H

#include "gateway/core/answers.h"
#include "gateway/core/event.h"
#include "gateway/edge/keeper.h"
#include "gateway/edge/ring.h"

/* Borrows from @slot. */
struct event event_of(const struct ring_slot *slot);

/* A message as the queue of answers has it. False: longer than any may be. */
MUST_CHECK bool answer_pack(const struct answers_message *message,
			    struct keeper_answer *answer);

#endif
