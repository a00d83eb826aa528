/*
 * hq_fence - HQ ends a feed: in good order, or because its key is not trusted.
 *
 * Layer     gateway/core
 * Threads   the keeper
 *
 * Of two fences of one epoch every node takes the later one, so HQ looks at the
 * one that is there before it says another. Only a person who names a delta
 * (--seq) moves the end; else it stays where it was. And a verdict never takes
 * back what one before it took away: a key that was revoked stays revoked, and
 * a site that was closed stays closed. From the weakest: stays, ended, dropped,
 * revoked, closed, each of which takes all that the ones before it take.
 */
#ifndef DEPOT_GATEWAY_CORE_HQ_FENCE_H
#define DEPOT_GATEWAY_CORE_HQ_FENCE_H

#include "gateway/core/hq.h"

struct hq_ending {
	uint32_t site;
	uint32_t epoch;  /* 0: the site's last */
	bool has_seq;    /* else where it is, or at the head held here */
	uint64_t seq;    /* 0: not one delta counts */
	bool is_revoked; /* the key is not trusted beyond; its rights end */
	bool is_closed;  /* the site is over; what its bins hold is written
			  * off, and its rights end */
	struct reason reason;
};

/*
 * Says a fence of the whole epoch in the control feed, and where the key is
 * revoked a certificate without rights that ends now: the key cannot be taken
 * out of what was said, but nothing that it signs beyond the fence counts.
 *
 * Beyond a fork a delta has a name only on the branch that was chosen.
 *
 * ERR_NOT_FOUND  no such site or epoch is certified
 * ERR_CONFLICT   the epoch forked before it would end: hq_choose first
 * ERR_INVALID    it is HQ's own, or the delta is not here to be named
 */
MUST_CHECK enum err_code hq_end(const struct hq *hq, struct batch *batch,
				const struct hq_ending *ending,
				struct fence *ret_fence, struct err *err);

/*
 * The fence that is there of what @fence is about, in *@ret_before, if any is;
 * where it is the stronger one, @fence gets its verdict. Errors as
 * roster_fence, but ERR_NOT_FOUND.
 */
MUST_CHECK enum err_code hq_fence_before(const struct view *view,
					 struct fence *fence,
					 struct fence *ret_before,
					 bool *ret_is_there, struct err *err);

#endif
