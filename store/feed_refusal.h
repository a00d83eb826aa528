/*
 * feed_refusal - deltas that were refused, counted many at a time.
 *
 * Layer     store
 * Threads   the writer's
 * On disk   docs/format/tables.md: rows 'q' of TABLE_FEED
 *
 * For whoever gathers refusals in memory, so that a flood of bad deltas is no
 * flood of writes. One by one: feed_refused (store/feed.h).
 */
#ifndef DEPOT_STORE_FEED_REFUSAL_H
#define DEPOT_STORE_FEED_REFUSAL_H

#include "store/feed.h"

/*
 * Adds @refusal->count to what is counted of its site, epoch and reason, and
 * notes its last seq and moment. Bounded as feed_refused is.
 * ERR_FULL  no room in the map: abandon
 */
MUST_CHECK enum err_code feed_refusal_add(struct txn *txn,
					  const struct feed_refusal *refusal,
					  struct err *err);

#endif
