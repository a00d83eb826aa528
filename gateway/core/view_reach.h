/*
 * view_reach - how this site stands with the others: its links, and what HQ has
 * of it.
 *
 * Layer     gateway/core
 * Threads   plain data; printing is pure
 */
#ifndef DEPOT_GATEWAY_CORE_VIEW_REACH_H
#define DEPOT_GATEWAY_CORE_VIEW_REACH_H

#include "gateway/core/view.h"

/* All zero: a network of one, of which nothing is shown. */
struct view_reach {
	uint32_t site; /* its number; 0: it belongs to no network */
	bool is_hq;
	bool is_provisional; /* HQ has not certified this life yet */
	uint32_t links;      /* configured and enabled */
	uint32_t links_up;
	uint32_t links_spent;     /* whose bytes of today are used up */
	struct moment down_since; /* of the last link that went down */
	bool has_down_since;      /* no link is up, and the clock is trusted */
	int64_t down_s;           /* the same as a length; 0: a link is up */
	uint32_t peers;           /* that were heard */
	uint32_t stuck;           /* feeds that do not come in */
	/* Feeds that are here and have no room in the peer engine: they are
	 * neither told nor fetched; and how often somebody spoke of another. */
	uint32_t left_out;
	uint64_t no_room;

	/* Of this site, and not durably at HQ. Nothing of it at HQ. */
	uint64_t backlog_deltas;
	uint64_t backlog_entries; /* those in no delta yet among them */
	uint64_t backlog_bytes;   /* of the deltas' rows */
	struct moment oldest_unsent;
	bool has_oldest_unsent;
	bool has_hq; /* it has signed that it has something */
	uint64_t hq_seq;
	struct moment hq_as_of;
	bool has_hq_as_of;
};

/* The members of the object "network"; nothing in a network of one. */
void view_reach_out(const struct view_reach *reach, struct json_out *out);

#endif
