/*
 * join_ask - asks HQ over a link whether this box may join.
 *
 * Layer     programs
 * Threads   one
 *
 * This process never speaks to the far broker: it runs a depot-link for that,
 * with a configuration and a socket of its own in a folder that is gone
 * afterwards. Say it in a child (store/child.h) where depotd's user is another.
 */
#ifndef DEPOT_GATEWAY_CLI_JOIN_ASK_H
#define DEPOT_GATEWAY_CLI_JOIN_ASK_H

#include "gateway/edge/join_state.h"

struct join_asking {
	const char *program;      /* path of depot-link */
	const char *link_options; /* further lines for [link hq]; may be "" */
	uint64_t wait_ms;         /* for an answer */
};

/*
 * Asks with @state, again every few seconds, until HQ has answered or the time
 * is over; what it said is in @state (join_state_hear).
 *
 * ERR_AGAIN  nobody answered: @err says whether the broker was reached
 * ERR_IO     depot-link cannot be started, or the system refused
 */
MUST_CHECK enum err_code join_ask_run(const struct join_asking *asking,
				      struct join_state *state,
				      struct err *err);

#endif
