/*
 * reach - how the daemon stands with other sites, as status, metrics and alerts
 * tell it.
 *
 * Layer     programs
 * Threads   the loop
 */
#ifndef DEPOT_GATEWAY_DEPOTD_REACH_H
#define DEPOT_GATEWAY_DEPOTD_REACH_H

#include "gateway/core/view_reach.h"
#include "gateway/depotd_box.h"
#include "gateway/edge/metrics.h"

struct reach;

/* Reads which alerts are open from before. Errors as view_begin. */
MUST_CHECK enum err_code start_reach(struct box *box, struct err *err);
/* After the keeper has stopped. Takes a box without. */
void end_reach(struct box *box);

/* Once a second: looks, and has alerts opened and closed. */
void box_reach_beat(struct box *box, int64_t now_ms);

/* As of the last beat; zeros in a network of one. */
const struct view_reach *box_reach(const struct box *box);
void box_reach_figures(const struct box *box,
		       struct metrics_network *ret_network);

#endif
