/*
 * broker_own - depotd's own password at the managed broker.
 *
 * Layer     gateway/edge
 * Threads   the loop's
 *
 * It lives as long as the broker may: in the runtime folder, which outlives
 * depotd and no reboot. A new one at each start would do, but for mosquitto
 * 2.0.11: a session whose password changes while its client is away is put a
 * second time on the list of those that are to end, taken off it once, and the
 * broker dies of the rest some time after, with all that it has queued.
 */
#ifndef DEPOT_GATEWAY_EDGE_BROKER_OWN_H
#define DEPOT_GATEWAY_EDGE_BROKER_OWN_H

#include "gateway/edge/broker_account.h"

/* The file in the runtime folder: the password and nothing else, mode 0600. */
#define BROKER_OWN_NAME "broker.own"

/*
 * The password in @folder (a descriptor); one is drawn and kept there if there
 * is none, or none that is sound. The caller wipes it.
 * ERR_IO, ERR_FULL  it could not be kept
 */
MUST_CHECK enum err_code
broker_own_password(int folder, char ret_password[BROKER_PASSWORD_SIZE],
		    struct err *err);

#endif
