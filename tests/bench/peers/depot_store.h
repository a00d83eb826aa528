/*
 * depot_store - the stores of the bench's network: HQ, who reads, and a site
 * that writes feed 0 in its own journal and holds the feeds of others.
 *
 *	STORE/store          the box's ledger, its keys and guard beside it
 *	STORE/reader/store   at the writer: what HQ begins with
 *
 * In life each box joins with its own code; here the writer founds them all.
 */
#ifndef DEPOT_TESTS_BENCH_PEERS_DEPOT_STORE_H
#define DEPOT_TESTS_BENCH_PEERS_DEPOT_STORE_H

#include "store/feed.h"
#include "store/file.h"
#include "store/ledger.h"

#define DEPOT_FEEDS_MAX 200
#define DEPOT_ORG "bench"
#define DEPOT_HQ "hq"
#define DEPOT_SITE_WRITER (SITE_FIRST + 1) /* of feed 0; feed n: n more */

struct depot_store {
	char path[FILE_PATH_SIZE];
	char guard[FILE_PATH_SIZE];
	char keys[FILE_PATH_SIZE];
	struct ledger *ledger;
	struct feed_desk *desk;
	struct signer *signer; /* of the journal's epoch */
	uint32_t site;
	bool is_new; /* it was founded by this run */
	struct stamp stamps[DEPOT_FEEDS_MAX];
};

/* The writer's store in the folder @path, made if there is none. */
void depot_store_write(struct depot_store *store, const char *path,
		       uint32_t feeds);
/* The reader's, copied from @invitation if there is none. */
void depot_store_read(struct depot_store *store, const char *path,
		      const char *invitation);
void depot_store_close(struct depot_store *store);

/* Books one movement in the journal; what the book does not have is found
 * first. */
MUST_CHECK enum err_code
depot_journal_add(struct batch *batch, struct entry *entry, struct err *err);

#define DEPOT_DELTA_ROWS 128
/* The next delta of another site's feed. */
MUST_CHECK enum err_code depot_feed_add(struct depot_store *store,
					struct batch *batch, uint32_t feed,
					struct entry *entries, size_t count,
					struct err *err);

/* Whether @own has every delta of @other. */
bool depot_store_holds(const struct view *own, const struct view *other);

#endif
