/*
 * transfer_turn - whether what an account did opened a transfer, opened one
 * again that was over, or ended one.
 *
 * Layer     gateway/core, inside the engine only
 * Threads   the keeper
 *
 * A scanner is told by its acknowledgement (verdict_besides). A command asks
 * with an act that has a place for it: what writes of a transfer notes there
 * how it stood before.
 */
#ifndef DEPOT_GATEWAY_CORE_TRANSFER_TURN_H
#define DEPOT_GATEWAY_CORE_TRANSFER_TURN_H

#include "gateway/core/act.h"
#include "gateway/ingest/json_out.h"

/* The transfer that an act touched first, as it was before. */
struct transfer_turn {
	struct place_name id; /* empty: none yet */
	bool was_there;
	bool was_closed;
};

/* Notes how @id stands, before anything is written of it. Nothing where nobody
 * asks, or another was noted. */
MUST_CHECK enum err_code transfer_turn_begin(struct act *act, struct span id,
					     struct err *err);

/*
 * Writes, of the transfer that was noted, where it turned:
 *
 *   "turned": {"transfer": "3-7-1", "to": "reopened", "text_en", "text_zh"}
 *
 * or nothing. @view sees what the act has written.
 */
MUST_CHECK enum err_code transfer_turn_out(const struct transfer_turn *turn,
					   const struct view *view,
					   struct json_out *out,
					   struct err *err);

#endif
