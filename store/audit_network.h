/*
 * audit_network - proves that what this box holds of the network adds up.
 *
 * Layer     store
 * Threads   any, on a view of its own
 *
 * What is proved, of all feeds that are here, as of one moment:
 *   - each feed: seqs without gaps, hashes that chain, rows that have the hash
 *     that was signed, signatures by the key that the roster certifies, and a
 *     record that says so;
 *   - each feed's balances are the fold of its rows, worked out apart, both
 *     ways, cell by cell; per item they sum to 0 over all places;
 *   - no bin of a site is below zero over all its epochs;
 *   - each feed is the one that peers have signed to hold durably: at the
 *     position that one acknowledged, our hash is theirs. A hash names all that
 *     came before it, rows included, and what those fold to has been compared:
 *     so equal hashes are equal digests of balances, without a word more;
 *   - a site that closed itself signed the balances that its feed comes to here
 *     (where that is its only one: store/closing.h);
 *   - per transfer what others said is the fold of their rows, the law holds
 *     (rules/ledger/transfer.h), and nothing is in transit of a closed one.
 *
 * unexplained = |balance - fold| + residue of closed transfers, in units over
 * all items. (Found and loss without a reason are void rows.)
 *
 * What the site's own journal says and its tables hold is the other audit's
 * (store/audit.h); here its own feed counts as far as it is sealed.
 *
 * Memory: about 100 bytes for each item, place and lot of the largest site. It
 * allocates: for a program that comes and goes, not for the keeper.
 */
#ifndef DEPOT_STORE_AUDIT_NETWORK_H
#define DEPOT_STORE_AUDIT_NETWORK_H

#include "store/feed.h"

enum network_finding_kind {
	NETWORK_MISSING = 1, /* a delta is not here */
	NETWORK_CHAIN,       /* a delta does not follow the one before it */
	NETWORK_ROWS,        /* a delta's rows are not those that were signed */
	NETWORK_SIGNATURE,   /* it is not signed by the certified key */
	NETWORK_STRANGER,    /* nothing certifies the feed */
	NETWORK_HEAD,        /* the record is not the end of the deltas */
	NETWORK_BALANCE,     /* a balance is not the fold of the feed */
	NETWORK_SUM,         /* an item does not sum to 0 over all places */
	NETWORK_NEGATIVE,    /* a site's bin is below zero */
	NETWORK_TRANSFER, /* what is kept of a transfer is not what was said */
	NETWORK_RESIDUE,  /* it is closed, and some is still in transit */
	NETWORK_UNSOUND,  /* what was said of it cannot be */
	NETWORK_DAMAGED,  /* a row of a table is damaged */
	NETWORK_WITNESS,  /* a peer acknowledged another delta than is here */
	NETWORK_SEAL,     /* a closed site's last word says other balances */
};
#define NETWORK_FINDING_MAX NETWORK_SEAL

/* Which of the fields say something depends on the kind. */
struct network_finding {
	enum network_finding_kind kind;
	struct feed_id feed;
	uint64_t seq;
	uint32_t peer;  /* a site: whose word it is */
	struct pos pos; /* the last entry that touched it; 0: not said */
	struct sku item;
	struct place place; /* of a transfer: its transit place */
	enum condition condition;
	struct lot lot;
	int64_t stored;
	int64_t computed;
};

#define NETWORK_FINDINGS_MAX 100

struct network_result {
	uint64_t feeds;
	uint64_t sites;
	uint64_t deltas;
	uint64_t rows;
	uint64_t movements;
	uint64_t void_rows;   /* evidence, not a finding */
	uint64_t excluded;    /* deltas beyond a fence: kept, not counted */
	uint64_t written_off; /* units in bins of lives that HQ closed */
	uint64_t transfers;
	uint64_t under_way; /* items in transit of transfers that are open */
	uint64_t ahead;     /* received before the sender's feed said shipped */
	uint64_t witnessed; /* acknowledgements that agree */
	uint64_t beyond;    /* acknowledgements of what is not here (yet) */
	uint64_t unexplained;
	uint64_t findings; /* all; the first NETWORK_FINDINGS_MAX are listed */
	struct network_finding list[NETWORK_FINDINGS_MAX];
};

/* The site @peer has signed that it durably has @seq of @feed. */
struct network_witness {
	uint32_t peer;
	struct feed_id feed;
	uint64_t seq;        /* at least 1 */
	uint64_t hash_start; /* first 8 bytes of its hash there, big-endian */
};

struct network_plan {
	uint8_t net_id[NET_ID_SIZE];
	const struct network_witness *witnesses; /* what peers acknowledged */
	size_t witness_count;
	/* After every few deltas; not ERR_OK ends the audit. May be NULL. */
	enum err_code (*progress)(void *context, uint64_t done, uint64_t total);
	void *context;
};

/*
 * Audits what @view sees. Success is also an audit with findings; damage does
 * not end it.
 * ERR_FULL  no memory; ERR_IO; any code of @plan's progress
 */
MUST_CHECK enum err_code audit_network_run(const struct view *view,
					   const struct network_plan *plan,
					   struct network_result *ret_result,
					   struct err *err);

bool network_is_clean(const struct network_result *result);
/* "balance", "residue" ... Never NULL. */
const char *network_finding_name(enum network_finding_kind kind);
/* The sentence, in one of two languages, cut to fit. */
void network_finding_print(const struct network_finding *finding,
			   bool is_chinese, char *buffer, size_t size);
#define NETWORK_FINDING_PRINT_SIZE 320

#endif
