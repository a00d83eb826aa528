/*
 * vitals - the daemon's figures: what is wrong, in status, journal, /healthz
 * and /metrics.
 *
 * Layer     programs
 * Threads   the loop
 */
#ifndef DEPOT_GATEWAY_DEPOTD_VITALS_H
#define DEPOT_GATEWAY_DEPOTD_VITALS_H

#include "gateway/depotd_box.h"

/* What the broker says of itself, and depotd listens to. */
#define BROKER_DROPPED_TOPIC "$SYS/broker/publish/messages/dropped"

struct figures;

/* Reads which alerts are open from before, and listens for HTTP if that is
 * configured; if its port is taken, the box goes on and tries again. Errors as
 * view_begin. */
MUST_CHECK enum err_code start_figures(struct box *box, struct err *err);
/* After the keeper has stopped. Takes a box without. */
void end_figures(struct box *box);

/* Once a second: box->health, the alerts, and what HTTP tells. */
void box_figures(struct box *box, const struct keeper_state *state);

/* For how long the ledger has room, at the rate of the last day. False: too
 * little was seen to tell. */
MUST_CHECK bool figures_autonomy(const struct box *box, uint64_t *ret_hours);

/* True if @heard was the broker's word on itself, and is taken. */
bool figures_heard(struct box *box, const struct mqtt_heard *heard);

#endif
