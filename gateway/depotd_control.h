/*
 * control - the daemon's side of the control socket: what it says about
 * itself there, and what it does for it.
 *
 * Layer     programs
 * Threads   the loop
 */
#ifndef DEPOT_GATEWAY_DEPOTD_CONTROL_H
#define DEPOT_GATEWAY_DEPOTD_CONTROL_H

#include "gateway/depotd_box.h"

/* Publishes @payload as a reading of @device: the way of every reading,
 * through the broker, and back. @context is the box. ERR_AGAIN: there is no
 * connection, or no room. */
enum err_code box_scan_publish(void *context, struct span device,
			       struct span payload);

/* The command of that name which the socket has beside core's, to be run by
 * another inlet too; NULL: there is none. Valid until end_control. */
const struct control_extra *box_extra(const struct box *box, const char *name);

/* Starts the clerk and opens the socket. */
MUST_CHECK enum err_code start_control(struct box *box, struct err *err);
/* Stops listening; before the keeper stops. Takes a box without. */
void stop_control(struct box *box);
/* Ends the rest; after the keeper has stopped. Takes a box without. */
void end_control(struct box *box);

#endif
