/*
 * envoy_look - what the envoy tells of itself: what is stuck, and what HQ has
 * not yet.
 *
 * Layer     gateway/edge, inside the envoy
 * Threads   the envoy's
 */
#ifndef DEPOT_GATEWAY_EDGE_ENVOY_LOOK_H
#define DEPOT_GATEWAY_EDGE_ENVOY_LOOK_H

#include "gateway/sync/sync.h"

/* ---- a range of a feed that does not come in ---- */

#define ENVOY_STUCK_MAX 16
struct envoy_stuck {
	struct feed_id feed;
	struct name site;  /* empty: the roster does not know it */
	uint64_t first;    /* seqs that are not here */
	uint64_t last;     /* as far as anybody is known to have them */
	const char *why;   /* static: a state's name or an admission's */
	struct name from;  /* who offered it last, or has it; empty: unknown */
	uint64_t since_ms; /* the caller's clock; 0: not known */
};

/*
 * The feeds that do not go on although a link is up: forked, desynchronized,
 * behind a gap, stopped by a delta that is refused, or known to go further by
 * the signature of somebody who is not heard any more. A fence is no fault, nor
 * is what became of an epoch that has a successor. Returns how many there are,
 * of which the first ENVOY_STUCK_MAX are written.
 */
MUST_CHECK size_t envoy_look_stuck(const struct sync *sync,
				   const struct view *view,
				   struct envoy_stuck stuck[ENVOY_STUCK_MAX]);

/* ---- whether HQ has ended us ---- */

struct envoy_end {
	bool is_ended; /* nobody believes what this box says from now on */
	uint32_t epoch;
	uint64_t seq; /* of the last delta that counts */
	enum fence_verdict verdict;
};

/*
 * Whether HQ's word ends the epoch that this box writes in, although nobody
 * here has closed the site: it was revoked, say, or another box has its place.
 * ERR_CORRUPT: the store is damaged.
 */
MUST_CHECK enum err_code envoy_look_end(const struct sync *sync,
					const struct view *view,
					struct envoy_end *ret_end,
					struct err *err);

/* ---- what HQ has of us ---- */

struct envoy_hq {
	bool is_known; /* false: it has signed nothing yet */
	uint64_t seq;  /* of our own feed, durably */
	struct moment as_of;
	bool has_as_of;       /* false: our clock was not trusted then */
	uint64_t deltas;      /* that it has not */
	uint64_t entries;     /* in those */
	uint64_t bytes;       /* of their rows, as they lie here */
	struct moment oldest; /* when the first of those was sealed */
	bool has_oldest;
};

/* Remembers the sum of bytes, so that a backlog of a month is read once. */
struct envoy_backlog {
	uint32_t site; /* our own; set by its owner */
	struct feed_id feed;
	uint64_t from; /* bytes of the deltas behind this one */
	uint64_t to;   /* up to this one */
	uint64_t bytes;
};
/* Deltas that one look reads; the next goes on, and until then bytes are
 * fewer. */
#define ENVOY_BACKLOG_LOOK 256

/* At a site; HQ has all that it has. ERR_CORRUPT: the store is damaged. */
MUST_CHECK enum err_code envoy_look_hq(struct envoy_backlog *backlog,
				       const struct sync *sync,
				       const struct view *view,
				       struct envoy_hq *ret_hq,
				       struct err *err);

#endif
