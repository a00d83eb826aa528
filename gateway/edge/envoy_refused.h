/*
 * envoy_refused - what peers sent that was refused, for people: the last of it
 * with site, epoch, number, reason and sender, and lines of the log.
 *
 * Layer     gateway/edge, inside the envoy
 * Threads   the envoy's
 *
 * All of it is since the start; what is kept for good is in the store
 * (store/feed.h, struct feed_refusal).
 */
#ifndef DEPOT_GATEWAY_EDGE_ENVOY_REFUSED_H
#define DEPOT_GATEWAY_EDGE_ENVOY_REFUSED_H

#include "gateway/edge/log.h"
#include "gateway/sync/sync.h"

/* ---- packs of deltas ---- */

#define ENVOY_REFUSALS_MAX SYNC_REFUSALS_MAX
struct envoy_refusal {
	struct sync_refusal what;
	struct name site; /* of its feed; empty: the roster does not know it */
};
/* The last ones, newest first; returns how many. */
MUST_CHECK size_t
envoy_look_refused(const struct sync *sync, const struct view *view,
		   struct envoy_refusal refused[ENVOY_REFUSALS_MAX]);

/* ---- frames ---- */

/* "garbled", "head_forged" ... and how many. */
#define ENVOY_FRAMES 7
struct envoy_frames {
	const char *reason; /* static */
	uint64_t count;
};
void envoy_frames_refused(const struct sync_counts *counts,
			  struct envoy_frames ret_frames[ENVOY_FRAMES]);

/* ---- the log ---- */

/*
 * What was said: one line for a site and reason (of frames: for a reason), then
 * none of them for ENVOY_SAID_MS. Anybody can make up sites: no more than
 * ENVOY_SAID_MAX in that time. All zero: nothing yet.
 */
#define ENVOY_SAID_MAX 64
#define ENVOY_SAID_MS 3600000
struct envoy_said_row {
	bool is_used;
	uint32_t site;
	enum admission reason;
	uint64_t ms;
};
struct envoy_said {
	uint64_t packs; /* that were refused, at the last look */
	struct envoy_said_row rows[ENVOY_SAID_MAX];
	uint64_t frames[ENVOY_FRAMES];
	struct envoy_said_row frame_rows[ENVOY_FRAMES];
};
/* Whether the log may say it at @ms, as then it does. */
MUST_CHECK bool envoy_said_take(struct envoy_said *said, uint32_t site,
				enum admission reason, uint64_t ms);
/* Of what came since the last call, at @ms of the engine's clock. @log may be
 * NULL. */
void envoy_say_refused(struct envoy_said *said, const struct sync *sync,
		       uint64_t ms, struct log *log);

#endif
