/*
 * keeper_scrub - the keeper's idle work: the store is read again, a little a
 * second, so that damage is found before somebody needs the row.
 *
 * Layer     gateway/edge, inside the keeper only
 * Threads   the keeper
 */
#ifndef DEPOT_GATEWAY_EDGE_KEEPER_SCRUB_H
#define DEPOT_GATEWAY_EDGE_KEEPER_SCRUB_H

#include <stdbool.h>
#include <stdint.h>

#include "store/ledger.h"
#include "store/scrub.h"

struct keeper_scrub {
	struct scrub scrub;
	int64_t interval_ms; /* between the starts of two rounds; 0: never */
	int64_t round_at;    /* monotonic ms: when the next round may begin */
	int64_t save_at;
	bool is_loaded;
	bool is_damaged; /* told once; it goes on behind the damage no more */
};

/* @hours between two rounds; 0: no scrubbing. */
void keeper_scrub_init(struct keeper_scrub *scrub, uint32_t hours);

/*
 * One step, when nothing else waits. @now_ms is monotonic.
 * ERR_CORRUPT  a row is damaged: the text names it. Told once
 */
MUST_CHECK enum err_code keeper_scrub_step(struct keeper_scrub *scrub,
					   struct ledger *ledger,
					   int64_t now_ms, struct err *err);

#endif
