/*
 * hq_transfer - HQ closes a transfer that will never arrive.
 *
 * Layer     gateway/core
 * Threads   the keeper
 */
#ifndef DEPOT_GATEWAY_CORE_HQ_TRANSFER_H
#define DEPOT_GATEWAY_CORE_HQ_TRANSFER_H

#include "gateway/core/hq.h"

struct hq_write_off {
	struct span transfer; /* its id, as in the store */
	struct span reason;   /* at most REASON_SIZE_MAX bytes, clean */
};

/*
 * Says in the control feed what transfer_write_off (core/transfer.h) tells: all
 * that is in transit goes to loss, and the transfer is lost. An item of which
 * more came than was sent is left for its addressee to settle. *@ret_units is
 * what was written off, over all items.
 * ERR_NOT_FOUND  there is no such transfer between sites
 */
MUST_CHECK enum err_code hq_write_off(const struct hq *hq, struct batch *batch,
				      const struct hq_write_off *off,
				      int64_t *ret_units, struct err *err);

#endif
