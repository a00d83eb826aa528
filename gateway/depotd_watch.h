/*
 * watch - what the daemon says about itself, and what it is told.
 *
 * Layer     programs
 * Threads   the loop
 *
 * Health codes, the status line of systemd, and the parts that stand around
 * the box: managed broker, control socket, HTTP.
 */
#ifndef DEPOT_GATEWAY_DEPOTD_WATCH_H
#define DEPOT_GATEWAY_DEPOTD_WATCH_H

#include "gateway/depotd_box.h"

/* Starts the parts around the box, as configured. */
MUST_CHECK enum err_code start_watch(struct box *box, struct err *err);
/* Stops them, before the keeper stops, and ends them, after it has. Both take a
 * box whose start did not get here. */
void stop_watch(struct box *box);
void end_watch(struct box *box);

/* The managed broker's accounts have changed: it has to be told. */
void box_broker_changed(struct box *box);

/* Once a second: health and status. */
void box_watch(struct box *box, const struct keeper_state *state);

#endif
