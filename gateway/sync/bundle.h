/*
 * bundle - deltas in a file: for a USB stick where there is no link.
 *
 * Layer     sync; reads and writes through the caller's functions
 * Threads   a struct bundle belongs to one thread
 * On disk   docs/protocol/sync.md, "Bundles", version BUNDLE_VERSION
 *
 * A bundle is a chain of checked blocks: what its writer had, and signed that
 * it has, then packs. Cut in half, it is good up to the last whole block. Its
 * packs go through the same checks as a peer's, so a bundle may be taken twice,
 * and several in any order (what is beyond a gap is taken the next time round).
 */
#ifndef DEPOT_SYNC_BUNDLE_H
#define DEPOT_SYNC_BUNDLE_H

#include "gateway/sync/ack.h"
#include "gateway/sync/frame.h"
#include "rules/base/ids.h"
#include "store/pack.h"

#define BUNDLE_VERSION 1
#define BUNDLE_MAGIC "DEPOTBDL" /* its first eight bytes */
#define BUNDLE_BLOCK_SIZE_MAX 65536
/* Rows in one pack, unless a single delta has more: whoever takes it does so in
 * one transaction, while readings wait. */
#define BUNDLE_PACK_ROWS 2048

/* ---- the file ---- */

struct bundle_io {
	void *context;
	/* Writes all of @bytes. Errors are the caller's own (ERR_FULL, ERR_IO).
	 */
	enum err_code (*write)(void *context, struct span bytes,
			       struct err *err);
	/* Reads up to @size bytes; fewer only at the end. */
	enum err_code (*read)(void *context, void *bytes, size_t size,
			      size_t *ret_size, struct err *err);
};

/* The working memory of a bundle that is written or read; no more is taken. */
struct bundle {
	struct bundle_io io;
	uint64_t chain;  /* checksum of the block before */
	uint64_t frames; /* packs so far */
	uint64_t deltas;
	uint8_t block[BUNDLE_BLOCK_SIZE_MAX];
};

/* ---- writing ---- */

struct bundle_plan {
	uint8_t net_id[NET_ID_SIZE];
	struct span from; /* own name */
	/* Up to which seq its receiver has @feed; 0: nothing of it. */
	uint64_t (*since)(void *context, struct feed_id feed);
	void *context;
	const struct ack_word *word; /* NULL: nothing is acknowledged */
};
#define BUNDLE_SINCE_ALL (UINT64_MAX - 1) /* a feed that is left out */

/*
 * Writes all that @view has beyond what @plan says its receiver has: control
 * first, then master data, then the rest. @bundle tells how much in the end.
 *
 * ERR_FULL, ERR_IO  the file; what is there so far is of use
 */
MUST_CHECK enum err_code bundle_write(struct bundle *bundle,
				      const struct bundle_io *io,
				      const struct view *view,
				      const struct bundle_plan *plan,
				      struct err *err);

/* ---- reading ---- */

struct bundle_header {
	uint8_t net_id[NET_ID_SIZE];
	struct name from;
	uint32_t ack_count; /* frames that its writer signed: ack_keep */
	struct span acks;   /* each a span; borrowed likewise */
	uint32_t count;
	struct span entries; /* its writer's vector: frame_entry_read; borrowed
			      * until the next block is read */
	struct span block;   /* all of the first block; borrowed likewise */
};

/*
 * ERR_CORRUPT  it is no bundle, or is cut in its header
 * ERR_VERSION  of a newer depot
 */
MUST_CHECK enum err_code bundle_open(struct bundle *bundle,
				     const struct bundle_io *io,
				     struct bundle_header *ret_header,
				     struct err *err);
/*
 * The first block alone, as bundle_open has it in @bundle->block: to be handed
 * on. What @ret_header borrows is @block's. ERR_CORRUPT: it is none.
 */
MUST_CHECK enum err_code bundle_header_read(struct span block,
					    struct bundle_header *ret_header,
					    struct err *err);
/*
 * The next pack, borrowed until the next call.
 * ERR_STOPPED  the bundle is over, and whole (@err untouched)
 * ERR_CORRUPT  it is cut or damaged here: what came before is good
 */
MUST_CHECK enum err_code bundle_next(struct bundle *bundle,
				     struct pack *ret_pack,
				     struct span *ret_bytes, struct err *err);

#endif
