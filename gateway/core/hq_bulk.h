/*
 * hq_bulk - many words of HQ in one command, in deltas of a good size.
 *
 * Layer     gateway/core
 * Threads   the keeper
 *
 * hq_say says a few things at once and takes its room from the stack; this one
 * is for a catalogue of 100,000 items: its memory is its own, and does not
 * grow.
 */
#ifndef DEPOT_GATEWAY_CORE_HQ_BULK_H
#define DEPOT_GATEWAY_CORE_HQ_BULK_H

#include "gateway/core/hq.h"

#define HQ_BULK_ROWS DELTA_ROWS_LIVE_MAX
#define HQ_BULK_SIZE 20000 /* their rows fit into DELTA_ROWS_SIZE_MAX */

struct hq_bulk {
	const struct hq *hq;
	struct batch *batch;
	bool is_master;
	struct stamp last;
	uint64_t seq; /* of the last delta; 0: none yet */
	size_t count;
	size_t size;
	struct span spans[HQ_BULK_ROWS];
	uint8_t bytes[HQ_BULK_SIZE];
};

/* Borrows @hq and @batch until hq_bulk_end. */
void hq_bulk_init(struct hq_bulk *bulk, const struct hq *hq,
		  struct batch *batch, bool is_master);

/* Takes @entry, stamped with the batch's time. Errors as hq_say: abandon. */
MUST_CHECK enum err_code hq_bulk_add(struct hq_bulk *bulk, struct entry *entry,
				     struct err *err);

/* Says what is left. */
MUST_CHECK enum err_code hq_bulk_end(struct hq_bulk *bulk, struct err *err);

#endif
