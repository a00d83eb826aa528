/*
 * command_booked - what the commands that book share.
 *
 * Layer     gateway/core, inside the commands only
 * Threads   the keeper
 */
#ifndef DEPOT_GATEWAY_CORE_COMMAND_BOOKED_H
#define DEPOT_GATEWAY_CORE_COMMAND_BOOKED_H

#include "gateway/core/asking.h"

/*
 * Writes what the command booked, the entries from @first to the journal's
 * end, into the reply: the last one's name, how many there are, the first few
 * with their sentences, a count's verdict, and a transfer that it opened or
 * ended (transfer_turn.h).
 */
MUST_CHECK enum err_code booked_out(struct asking *asking, struct pos first,
				    struct err *err);

/* transform: command_transform.c */
command_fn transform_run;

#endif
