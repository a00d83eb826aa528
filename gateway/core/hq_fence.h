/*
 * hq_fence - HQ ends a feed: in good order, or because its key is not trusted.
 *
 * Layer     gateway/core
 * Threads   the keeper
 */
#ifndef DEPOT_GATEWAY_CORE_HQ_FENCE_H
#define DEPOT_GATEWAY_CORE_HQ_FENCE_H

#include "gateway/core/hq.h"

struct hq_ending {
	uint32_t site;
	uint32_t epoch;  /* 0: the site's last */
	bool has_seq;    /* else at the head that is held here */
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
 * ERR_NOT_FOUND  no such site or epoch is certified
 * ERR_INVALID    it is HQ's own, or the delta is not here to be named
 */
MUST_CHECK enum err_code hq_end(const struct hq *hq, struct batch *batch,
				const struct hq_ending *ending,
				struct fence *ret_fence, struct err *err);

#endif
