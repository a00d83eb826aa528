/*
 * publisher_network - at HQ: decides what is published when of all sites'
 * stock, of the network as a whole, and of each site on its own topics.
 *
 * Layer     gateway/edge
 * Threads   the loop, for everything here
 *
 * Published from what is sealed and verified (core/view_network.h), on HQ's
 * local broker, below depot/v1/{org}/network/ and depot/v1/{org}/{site}/. There
 * is no queue: of each feed it is remembered up to which delta its items were
 * marked, and what is published of a marked item is the state that a snapshot
 * has at that moment. Everything is marked at the start and after each connect.
 *
 * What always holds:
 *   - once a second at most it looks at what is new, so an item is published at
 *     most once in a second, and at most NETWORK_ITEMS_MAX of them, and some
 *     NETWORK_SENDS_MAX messages in all, go out in a round of NETWORK_ROUND_MS;
 *   - what the status says of age, oldest_as_of, goes out only after every item
 *     has gone out as it was then; likewise of each site's own status;
 *   - a site is stale when its feed is forked, fenced or has a gap, and when
 *     nothing was heard of it for fresh_for_s (three missed heads).
 *
 * Memory grows with the number of different SKUs in all feeds, by doubling, and
 * where the sites' own stock is published with 8 bytes for each item of a site:
 * 4 MiB for 50 sites of 10,000.
 */
#ifndef DEPOT_GATEWAY_EDGE_PUBLISHER_NETWORK_H
#define DEPOT_GATEWAY_EDGE_PUBLISHER_NETWORK_H

#include "gateway/core/site_age.h"
#include "gateway/core/view_network.h"
#include "gateway/edge/publisher.h"

#define NETWORK_LOOK_MS 1000
#define NETWORK_ROUND_MS 100
#define NETWORK_ITEMS_MAX 50
/* An item that was begun is sent to its end. */
#define NETWORK_SENDS_MAX 400
/* Deltas of a feed that a look reads to see what they touched; the next look
 * goes on, and of a feed that is further ahead all items are marked. */
#define NETWORK_DELTAS_MAX 16
#define NETWORK_BEHIND_MAX 256
/* SKUs that a round looks up when all of a feed's are to be marked. */
#define NETWORK_SCAN_MAX 2000

struct publisher_network;

struct network_rates {
	uint32_t fresh_for_s;
	uint32_t status_interval_ms;
};
/* What is published of each site on topics of its own. */
enum network_sites_shown {
	NETWORK_SITES_NONE,
	NETWORK_SITES_STATUS, /* status, alerts, checks */
	NETWORK_SITES_STOCK,  /* and stock */
};
struct publisher_network_plan {
	struct span org;       /* copied */
	const uint8_t *net_id; /* NET_ID_SIZE, copied */
	uint32_t site;         /* HQ's own number */
	struct network_rates rates;
	enum network_sites_shown shown;
};

/* @env is borrowed. ERR_FULL: out of memory. */
MUST_CHECK enum err_code
publisher_network_open(const struct publisher_network_plan *plan,
		       struct env *env, const struct publisher_sink *sink,
		       struct publisher_network **ret_network, struct err *err);
/* These take NULL, which a box that is not HQ has. */
void publisher_network_close(struct publisher_network *network);
void publisher_network_rates(struct publisher_network *network,
			     const struct network_rates *rates);
void publisher_network_connected(struct publisher_network *network);
void publisher_network_disconnected(struct publisher_network *network);

/* The last head of a site whose signature was good: complete up to @stamp, if
 * our feed is as long. */
struct network_head {
	uint32_t site;
	uint32_t epoch;
	uint64_t seq;
	struct stamp stamp;
	bool clock_trusted;
};
/* Whoever knows of heads; asked once a look. Returns how many it wrote. */
#define NETWORK_HEADS_MAX 64
typedef size_t network_heads_fn(void *context,
				struct network_head heads[NETWORK_HEADS_MAX]);
void publisher_network_heads(struct publisher_network *network,
			     network_heads_fn *heads, void *context);

/*
 * As publisher_retained, of what lies below depot/v1/{org}: network/stock/+ and
 * /+/+, and of each site alert/+, task/+ and stock/+. Both take NULL.
 */
MUST_CHECK enum err_code
publisher_network_retained(struct publisher_network *network, struct span topic,
			   struct err *err);
bool publisher_network_wants_retained(struct publisher_network *network);

/* A site, as it was last looked at. False: nothing is known of it, or this is
 * not HQ (NULL). */
MUST_CHECK bool publisher_network_age(const struct publisher_network *network,
				      uint32_t site, struct site_age *ret_age);

/*
 * As publisher_run. With NULL nothing is ever due.
 */
MUST_CHECK enum err_code
publisher_network_run(struct publisher_network *network,
		      const struct publisher_now *now, int64_t *ret_due_ms,
		      struct err *err);

#endif
