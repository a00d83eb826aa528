/*
 * audit_network_work - what the parts of the network audit share. Nobody else
 * includes it.
 *
 * Layer     store
 * Threads   the audit's
 */
#ifndef DEPOT_STORE_AUDIT_NETWORK_WORK_H
#define DEPOT_STORE_AUDIT_NETWORK_WORK_H

#include "rules/ledger/transfer.h"
#include "store/audit_network.h"
#include "store/feed_parts.h"
#include "store/intern.h"

/* Units by the text of a key: of a feed's cells, of a site's, of items. */
struct sum {
	int64_t units;
	int64_t closed; /* of those, in lives of the site that HQ closed */
	struct pos pos;
	bool is_seen;
};
struct sums {
	struct intern keys;
	struct sum *at;
	size_t capacity;
};
/* The sum of @key, a new one if need be; valid until the next. */
MUST_CHECK enum err_code sums_at(struct sums *sums, struct span key,
				 struct sum **ret_sum);
void sums_release(struct sums *sums);

/* What others said of an item of a transfer: id, NUL, SKU. */
struct said {
	struct intern keys;
	struct transfer_sums *at;
	bool *is_seen;
	size_t at_capacity;
	size_t seen_capacity;
};

struct network_audit {
	const struct view *view;
	const struct network_plan *plan;
	struct network_result result;
	struct rows *rows;
	struct entry_bytes entry;
	struct arena arena; /* the entries of the delta under way */
	struct told *told;
	uint64_t deltas_total;

	/* the feed under way */
	const struct feed_record *feed;
	bool is_ours; /* its words on transfers are the journal's */
	struct sums cells;
	bool is_compared; /* with its table; what follows is late */
	/* its site */
	uint32_t site;
	uint32_t closed_epoch; /* HQ closed it up to that life; 0: never */
	struct sums site_cells;
	/* the network */
	struct sums items;
	struct said said;
};

void network_report(struct network_audit *audit,
		    const struct network_finding *finding);
void network_unexplained(struct network_audit *audit, int64_t stored,
			 int64_t computed);
MUST_CHECK enum err_code no_memory(struct err *err);

/* A cell's key behind its feed: SKU NUL kind name NUL condition lot. */
#define CELL_KEY_SIZE_MAX 144
/* False if it is none. */
bool cell_key_read(struct span key, struct network_finding *finding);

/* One feed: its chain, its rows, the fold of them into @audit->cells. */
MUST_CHECK enum err_code network_feed_read(struct network_audit *audit,
					   struct err *err);
/* The feed's table against the fold so far. */
MUST_CHECK enum err_code network_feed_compare(struct network_audit *audit,
					      struct err *err);
/* A cell of the feed as it counts in the sums over feeds. Only ERR_FULL. */
MUST_CHECK enum err_code network_cell_add(struct network_audit *audit,
					  struct span key, int64_t units,
					  struct pos pos);
/* Its first feed comes. */
void network_site_begin(struct network_audit *audit, uint32_t site);
/* All that can be said once a site's last feed has passed. */
void network_site_end(struct network_audit *audit);
/* All feeds have passed. */
MUST_CHECK enum err_code network_witnesses(struct network_audit *audit,
					   struct err *err);
MUST_CHECK enum err_code network_transfers(struct network_audit *audit,
					   struct err *err);

#endif
