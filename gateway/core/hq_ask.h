/*
 * hq_ask - HQ asks a site to act as the owner that it is.
 *
 * Layer     gateway/core
 * Threads   the keeper
 */
#ifndef DEPOT_GATEWAY_CORE_HQ_ASK_H
#define DEPOT_GATEWAY_CORE_HQ_ASK_H

#include "gateway/core/asking.h"
#include "gateway/core/hq.h"

/* How long an intent is good if nobody says: a week, but without an end where
 * HQ's clock cannot be trusted, for nobody could tell when that is. */
int64_t intent_hours(const struct asking *asking);

/* NULL: refused, this box is not HQ of a network, or was set back
 * (hq_silence_of). */
const struct hq *asking_hq(struct asking *asking);

/* hq.confirm: a person knows that the store was not set back, where the guard
 * cannot tell. Changes the voice, and nothing in the store. */
MUST_CHECK enum err_code hq_confirm(struct asking *asking, struct err *err);

struct intent_plan {
	uint32_t site;
	struct span verb;      /* intent_verb_find knows it */
	struct span arguments; /* a JSON object, INTENT_ARGUMENTS_SIZE_MAX */
	int64_t hours;         /* 0: for ever */
};
/* Says it in the control feed, as the act's actor. Its id, "i1-000017", has
 * control's epoch and the entry's number there. Errors as hq_say. */
MUST_CHECK enum err_code hq_ask(struct asking *asking, const struct hq *hq,
				const struct intent_plan *plan,
				struct ref *ret_id, struct err *err);

/* Its id, site and end, as members of the reply. */
void hq_asked_out(struct asking *asking, const struct intent_plan *plan,
		  const struct ref *id);

#endif
