/*
 * fill - packs as many deltas of a feed as a pack holds.
 *
 * Layer     sync
 * Threads   as the packer's
 */
#ifndef DEPOT_SYNC_FILL_H
#define DEPOT_SYNC_FILL_H

#include "store/feed.h"
#include "store/pack.h"

/* Deltas of @feed from @first to @last, as far as they are here, in packs of
 * at most @size_max bytes (PACK_SIZE_MIN to PACK_SIZE_MAX). */
struct fill {
	struct feed_id feed;
	uint64_t first;
	uint64_t last;
	size_t size_max;
};

/*
 * Writes the next pack into @writer, which has room for it, and moves
 * @fill->first behind what is in it: fewer deltas than were tried where they
 * came out longer than those before let expect.
 *
 * ERR_NOT_FOUND  the first delta is not here, or longer than any pack
 * ERR_CORRUPT, ERR_IO  as feed_delta
 */
MUST_CHECK enum err_code fill_pack(struct packer *packer,
				   const struct view *view, struct fill *fill,
				   struct writer *writer, struct err *err);

#endif
