/*
 * follow - what the first delta of a pack follows.
 *
 * Layer     sync
 * Threads   any, through a view
 *
 * A pack does not carry it: its receiver has it, or cannot use the pack yet.
 */
#ifndef DEPOT_SYNC_FOLLOW_H
#define DEPOT_SYNC_FOLLOW_H

#include "store/env.h"
#include "store/feed.h"
#include "store/pack.h"

/*
 * The start (unpacker_read) of a pack whose first delta is @seq (from 1) of
 * @feed.
 * ERR_NOT_FOUND  the delta before is not here, or its body is pruned (@err
 *                untouched)
 */
MUST_CHECK enum err_code follow_start(const struct view *view,
				      const uint8_t net_id[NET_ID_SIZE],
				      struct feed_id feed, uint64_t seq,
				      struct pack_start *ret_start,
				      struct err *err);

#endif
