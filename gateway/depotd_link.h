/*
 * link - the daemon's links: where no systemd runs them, depotd starts a
 * depot-link for each, and starts it again when it ends.
 *
 * Layer     programs
 * Threads   the loop
 *
 * What the links say goes past this, to the server of link.sock
 * (edge/link_server.h): open that first, or they come too early and are
 * started again a second later.
 */
#ifndef DEPOT_GATEWAY_DEPOTD_LINK_H
#define DEPOT_GATEWAY_DEPOTD_LINK_H

#include "gateway/depotd_box.h"

/* Starts the links that are enabled, with [broker] start = child; else does
 * nothing: they are units, depot-link@NAME.service. A program that cannot be
 * started is told in the log, and tried again. ERR_FULL, ERR_IO. */
MUST_CHECK enum err_code start_links(struct box *box, struct err *err);

/* Ends them. Takes a box whose start did not get here. */
void stop_links(struct box *box);

#endif
