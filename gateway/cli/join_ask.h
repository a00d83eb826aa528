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

/* Why nobody answered. */
enum join_silence {
	JOIN_NOT_SILENT = 0,
	JOIN_NOT_REACHED,  /* the broker */
	JOIN_NO_HQ,        /* the broker was, and nobody answered there */
	JOIN_OTHER_SECRET, /* what answered does not know the code */
};

/* The sentence of it in Chinese, of the broker @uri; the English one is what
 * join_ask_run gives. */
void join_silence_zh(enum join_silence silence, const char *uri, char *text,
		     size_t size);

struct join_asking {
	const char *program;      /* path of depot-link */
	const char *link_options; /* further lines for [link hq]; may be "" */
	uint64_t wait_ms;         /* for an answer */
	enum join_silence *ret_silence; /* set with ERR_AGAIN */
};

/*
 * Asks with @state, again every few seconds, until HQ has answered or the time
 * is over; what it said is in @state (join_state_hear).
 *
 * ERR_AGAIN  nobody answered: @err says whether the broker was reached, and
 *            ret_silence, for a sentence in another language
 * ERR_IO     depot-link cannot be started, or the system refused
 */
MUST_CHECK enum err_code join_ask_run(const struct join_asking *asking,
				      struct join_state *state,
				      struct err *err);

#endif
