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

#define NETWORK_STALE_MAX 64

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

	/* Its own topics: publisher_network_sites.c */
	bool is_notes_due;
	bool is_status_due;
	uint64_t notes_told; /* pos up to which alerts and checks are out; 0:
			      * none since the connect */
	uint32_t notes_done; /* rows of the walk under way */
	int64_t beat_ms;     /* of the status */
	struct moment complete;
	bool is_complete;
	uint64_t *rows_told; /* by item: a mark of what is out; 0: nothing */
	size_t rows_capacity;
};

struct publisher_network {
	uint32_t site; /* HQ's */
	struct network_rates rates;
	struct env *env;
	struct publisher_sink sink;
	enum network_sites_shown shown;
	char org[80]; /* "depot/v1/acme/" */
	int left;     /* messages that this round may still send */
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

	/* Retained topics that are to be cleared, behind org; more wait for
	 * the next reading. */
	char stale[NETWORK_STALE_MAX][PUBLISHER_TOPIC_SIZE];
	size_t stale_count;
	bool has_missed_stale;
};

struct look {
	struct publisher_network *network;
	const struct publisher_now *now;
	struct view *view;
	uint32_t site; /* whose delta is read */
};

/* Publishes on network/@level, or with @is_network false on @level behind the
 * organisation; @out NULL clears. ERR_AGAIN */
MUST_CHECK enum err_code network_publish(struct publisher_network *network,
					 bool is_network, const char *level,
					 const struct json_out *out);

/* ---- publisher_network_sites.c ---- */

/* An entry of the site came, or with NULL all of it may be another. */
void network_site_touch(struct publisher_network *network, uint32_t number,
			const struct entry *entry);
/* After a connect nothing is out. */
void network_sites_anew(struct publisher_network *network);
void site_news_release(struct site_news *news);
/* The rows of the item in work, of each site where they changed. */
MUST_CHECK enum err_code network_rows_publish(struct publisher_network *network,
					      uint32_t number,
					      const char *level,
					      struct err *err);
/* Alerts and checks that are due. ERR_AGAIN: there is more. */
MUST_CHECK enum err_code network_notes_publish(struct look *look,
					       struct err *err);
bool network_notes_are_due(const struct publisher_network *network);
/* All topics are out as the last look saw the sites. */
void network_sites_complete(struct publisher_network *network);
MUST_CHECK enum err_code network_statuses_publish(struct look *look,
						  struct err *err);

/* ---- publisher_network_stale.c ---- */

MUST_CHECK enum err_code network_stale_clear(struct look *look,
					     struct err *err);

/* ---- publisher_network_look.c ---- */

/* Looks at what is new: marks items, and sets the sites' ages. */
MUST_CHECK enum err_code network_look(struct look *look, struct err *err);
/* Goes on with feeds all of whose items are to be marked. */
MUST_CHECK enum err_code network_scan(struct look *look, struct err *err);
/* Items may have changed that are not marked yet. */
bool network_is_pending(const struct publisher_network *network);

#endif
