/*
 * autonomy - for how long the ledger still has room, at the rate at which it
 * grew lately.
 *
 * Layer     gateway/edge
 * Threads   the loop; pure, the time is given
 *
 * The rate is an average over the time that the daemon ran, in which what is a
 * day old weighs 1/e of what is new. Its two sums are a line of text, so that
 * it survives a restart: a box that starts anew each morning knows its day.
 * Integers throughout: bytes and seconds.
 */
#ifndef DEPOT_GATEWAY_EDGE_AUTONOMY_H
#define DEPOT_GATEWAY_EDGE_AUTONOMY_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/check.h"
#include "rules/base/err.h"
#include "rules/base/text.h"

/* Between two looks at least; sooner ones are passed over. */
#define AUTONOMY_LOOK_S 10
/* The weight of what was seen falls to 1/e in this time. */
#define AUTONOMY_MEMORY_S 86400
/* Of less than this nothing is concluded. */
#define AUTONOMY_LEAST_S 600
/* Ten years: more is not told. */
#define AUTONOMY_HOURS_MAX 87600u

struct autonomy {
	int64_t weight_s; /* time that was seen */
	int64_t grown;    /* bytes that the room shrank by in it; may be < 0 */
	int64_t last_ms;  /* monotonic, of the last look */
	uint64_t room;    /* then */
	bool has_look;    /* since the start */
};

/* The room that commits can still take, as of @now_ms (monotonic). */
void autonomy_look(struct autonomy *autonomy, int64_t now_ms, uint64_t room);

/* The map was made larger or smaller, or nobody looked for a while: the next
 * look begins anew, and what is known of the rate stays. */
void autonomy_skip(struct autonomy *autonomy);

/*
 * Whole hours until only @reserve of the room is left, at most
 * AUTONOMY_HOURS_MAX. False: too little was seen to tell.
 */
MUST_CHECK bool autonomy_hours(const struct autonomy *autonomy,
			       uint64_t reserve, uint64_t *ret_hours);
/* The same in seconds, for tests and metrics. */
MUST_CHECK bool autonomy_seconds(const struct autonomy *autonomy,
				 uint64_t reserve, uint64_t *ret_seconds);

/* "growth 1 SECONDS BYTES\n"; terminated. */
#define AUTONOMY_TEXT_SIZE 64
void autonomy_print(const struct autonomy *autonomy,
		    char text[AUTONOMY_TEXT_SIZE]);
/* ERR_INVALID: it is not what autonomy_print writes; @autonomy is untouched. */
MUST_CHECK enum err_code autonomy_parse(struct span text,
					struct autonomy *autonomy);

#endif
