/*
 * publisher_network_parts - what the parts of publisher_network share.
 *
 * Layer     gateway/edge, inside publisher_network only
 * Threads   the loop
 */
#ifndef DEPOT_GATEWAY_EDGE_PUBLISHER_NETWORK_PARTS_H
#define DEPOT_GATEWAY_EDGE_PUBLISHER_NETWORK_PARTS_H

#include "gateway/edge/publisher_marks.h"
#include "gateway/edge/publisher_network.h"
#include "store/intern.h"

/* Up to where a feed's items have been marked. */
struct feed_cursor {
	struct feed_id id;
	uint64_t seq;
	uint64_t counted;
	bool is_scanning; /* all its items are being marked */
	struct sku after; /* up to here, if so */
};

/* What was last heard of a site. */
struct site_news {
	uint32_t number;
	struct moment as_of;
	uint64_t seq;
	bool has_news;
	int64_t news_ms; /* monotonic */
	bool was_stale;
	enum feed_state state;
	bool is_known;
};

struct publisher_network {
	uint32_t site; /* HQ's */
	struct network_rates rates;
	struct env *env;
	struct publisher_sink sink;
	char prefix[80]; /* "depot/v1/acme/network/" */
	struct feed_desk *desk;
	network_heads_fn *heads;
	void *heads_context;

	bool is_connected;
	bool is_fresh;  /* connected, and no look since */
	bool is_behind; /* deltas are left that the last look did not read */
	int64_t look_ms;
	int64_t round_ms;

	struct network_sites sites;
	struct network_item item;
	struct feed_cursor *cursors;
	size_t cursors_capacity;
	uint32_t cursor_count;
	struct site_news *news; /* one each site, as in sites */
	size_t news_capacity;
	uint32_t news_count;

	struct intern names; /* of items */
	struct marks due;
	struct marks none;
	uint32_t *pages; /* that were published, by item */
	size_t pages_capacity;
	uint32_t turn;

	struct network_status told; /* as last published */
	struct network_status seen; /* as of the last look */
	struct moment complete;     /* the oldest as_of that items are out of */
	bool is_complete;
	bool has_told;
	int64_t beat_ms;
};

struct look {
	struct publisher_network *network;
	const struct publisher_now *now;
	struct view *view;
};

/* ---- publisher_network_look.c ---- */

/* Looks at what is new: marks items, and sets the sites' ages. */
MUST_CHECK enum err_code network_look(struct look *look, struct err *err);
/* Goes on with feeds all of whose items are to be marked. */
MUST_CHECK enum err_code network_scan(struct look *look, struct err *err);
/* Items may have changed that are not marked yet. */
bool network_is_pending(const struct publisher_network *network);

#endif
