/*
 * peer - TABLE_PEER: what each peer durably has, as it signed.
 *
 * Layer     sync
 * Threads   peer_row_put: the writer; reading: any, through a view
 * On disk   docs/format/tables.md, table 30
 *
 * Not derived from the journal, and no harm if it is lost: peers say it again.
 * Pruning may use nothing else.
 */
#ifndef DEPOT_SYNC_PEER_H
#define DEPOT_SYNC_PEER_H

#include "rules/base/stamp.h"
#include "store/delta.h"
#include "store/env.h"

/* The site @peer had @seq of @feed, and signed that at @stamp, in its @epoch:
 * of another life of it that says nothing. */
struct peer_row {
	uint32_t peer;
	uint32_t epoch;
	struct feed_id feed;
	uint64_t seq;        /* at least 1 */
	uint64_t hash_start; /* first 8 bytes of its hash at seq, big-endian */
	struct stamp stamp;
};

/* Puts it, whatever stood there. ERR_FULL: no room in the map: abandon. */
MUST_CHECK enum err_code
peer_row_put(struct txn *txn, const struct peer_row *row, struct err *err);

/* The row of @ret_row's peer and feed. ERR_NOT_FOUND: there is none (@err
 * untouched). */
MUST_CHECK enum err_code peer_row_get(const struct view *view,
				      struct peer_row *ret_row,
				      struct err *err);

typedef enum err_code
peer_row_visit_fn(void *context, const struct peer_row *row, struct err *err);
/* Visits all rows by peer, then feed. ERR_CORRUPT: one is damaged. */
MUST_CHECK enum err_code peer_row_walk(const struct view *view,
				       peer_row_visit_fn *visit, void *context,
				       struct err *err);

#endif
