/*
 * view_network - the stock of all sites, as HQ publishes it: from sealed and
 * verified deltas only, HQ's own among them.
 *
 * Layer     gateway/core
 * Threads   any: pure, on a struct view and buffers that belong to the caller
 *
 * The contract with subscribers is docs/topics.md, "The network". What feeds do
 * not tell is not shown: promises stay in the sites, so `good` is what stands
 * in bins in good condition, neither picked nor packed, promised or not.
 *
 * A sum that leaves 64 bits, which only a site that lies can bring about, is
 * shown as null.
 */
#ifndef DEPOT_GATEWAY_CORE_VIEW_NETWORK_H
#define DEPOT_GATEWAY_CORE_VIEW_NETWORK_H

#include "gateway/core/view.h"
#include "rules/ledger/network.h"
#include "store/feed.h"

/* ---- who there is ---- */

struct network_site {
	uint32_t number;
	struct name name;
	uint32_t epoch;        /* of its feed below */
	enum feed_state state; /* of its last feed; forked if any branch is */
	uint64_t seq;          /* of that; 0: not covered */
	bool is_covered;       /* some delta of it is here */
	bool has_as_of;        /* false: its clock was not trusted */
	struct moment as_of;   /* complete up to then */
	bool is_stale;
	uint32_t closed_epoch; /* HQ closed it, up to that life; 0: never */
};

/* Feeds of sites that have a delta, by site, epoch, branch. */
struct network_feed {
	struct feed_record record;
	uint32_t site;       /* index below */
	bool is_written_off; /* of a closed life: its bins count no more */
};

/* All zero is an empty one; network_sites_release. */
struct network_sites {
	struct network_site *at; /* by number */
	size_t capacity;
	uint32_t count;
	struct network_feed *feeds;
	size_t feeds_capacity;
	uint32_t feed_count;
};

/*
 * Reads who is certified and what is here of them into @sites, which is emptied
 * first. as_of is that of the last delta; is_stale says only what the feed's
 * state says: forked, fenced, or with a gap. What heads and clocks tell is the
 * caller's to add.
 * ERR_FULL  out of memory
 */
MUST_CHECK enum err_code network_sites_read(const struct view *view,
					    struct network_sites *sites,
					    struct err *err);
void network_sites_release(struct network_sites *sites);

/* ---- one item ---- */

struct network_figures {
	struct tally tally; /* of bins; available is what is `good` */
	bool has_overflown;
};
struct network_row {
	uint32_t site; /* index in network_sites */
	struct network_figures figures;
	int64_t in_transit_in; /* sent there, and not booked in */
	struct pos pos;        /* of the last movement that is here */
	struct moment changed_at;
	bool has_changed_at; /* when it was sealed, by a trusted clock */
};

/* All zero is an empty one; network_item_release. */
struct network_item {
	struct sku sku;
	struct network_figures total;
	int64_t in_transit; /* sent and not booked in, of all transfers */
	struct moment changed_at;
	bool has_changed_at;
	struct network_row *rows; /* of the sites that have it, or had */
	size_t capacity;
	uint32_t count;
};

/* ERR_FULL: out of memory; ERR_CORRUPT */
MUST_CHECK enum err_code network_item_read(const struct view *view,
					   const struct network_sites *sites,
					   const struct sku *sku,
					   struct network_item *item,
					   struct err *err);
void network_item_release(struct network_item *item);

/* ---- the payloads ---- */

#define NETWORK_PAGE_ROWS 8
/* Pages of an item, numbered from 0. */
uint32_t network_pages(const struct network_item *item);

/* network/stock/{item} */
void view_network_stock_print(const struct network_sites *sites,
			      const struct network_item *item,
			      struct json_out *out);
/* network/stock/{item}/{n}; @page is below network_pages. */
void view_network_page_print(const struct network_sites *sites,
			     const struct network_item *item, uint32_t page,
			     struct json_out *out);

/* network/status. Closed sites are counted, and neither stale nor forked. */
struct network_status {
	uint32_t sites;
	uint32_t covered;
	uint32_t closed;
	uint32_t stale;
	uint32_t forked;
	struct moment oldest; /* as_of of the sites that are not closed */
	bool has_oldest;
};
struct network_status network_status_of(const struct network_sites *sites);
void view_network_status_print(const struct network_status *status,
			       uint32_t fresh_for_s, struct json_out *out);

#endif
