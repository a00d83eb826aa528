/*
 * hq_parents - the lives of a site that another one goes on from.
 *
 * Layer     gateway/core
 * Threads   the keeper
 *
 * A life that goes on from another says which delta of that one it knew last.
 * HQ ends the parent at the last delta that it holds itself, and not before it
 * holds the one that is named: what the box had sealed, and HQ had not heard of
 * yet, would be cut off, and nobody tells it again. A box that took another
 * one's place names a delta when it has taken over that one's book
 * (core/regaining.h). Until then what others still have of it comes, and
 * counts.
 */
#ifndef DEPOT_GATEWAY_CORE_HQ_PARENTS_H
#define DEPOT_GATEWAY_CORE_HQ_PARENTS_H

#include "gateway/core/hq_ends.h"

/*
 * Fills @fence with the end of @life's parent, the epoch @life->spoken, at the
 * last delta that is held here, if it can be ended now; *@ret_is tells. It
 * cannot if it is fenced or forked, nothing of it is here, or less than @life
 * says.
 */
MUST_CHECK enum err_code hq_parent_end(const struct view *view,
				       const struct hq_life *life,
				       struct fence *fence, bool *ret_is,
				       struct err *err);

/*
 * Ends the parents of all that is certified that can be ended by now.
 * *@ret_count: how many.
 *
 * ERR_AGAIN  HQ was set back: nothing was said
 */
MUST_CHECK enum err_code hq_parents_end(const struct hq *hq,
					struct batch *batch,
					uint32_t *ret_count, struct err *err);

#endif
