/*
 * pack - a run of one feed's deltas, as it travels.
 *
 * Layer     store; pack.c is the only file that includes zstd.h
 * Threads   a packer or unpacker belongs to one thread; its memory is taken
 *           once, when it is opened
 * On disk   docs/format/delta.md; in frames, and in bundles
 *
 * The order of work is the order of the checks (docs/protocol/sync.md): sizes,
 * headers and signatures can be judged before a byte is decompressed; what is
 * decompressed is bounded by what the pack declared.
 */
#ifndef DEPOT_STORE_PACK_H
#define DEPOT_STORE_PACK_H

#include "store/delta.h"

struct packer;
MUST_CHECK enum err_code packer_open(struct packer **ret_packer,
				     struct err *err);
void packer_close(struct packer *packer); /* takes NULL */

/* Begins a pack of @feed's deltas; @first_previous: the hash that the first
 * of them follows is not sent, the receiver has it. */
void packer_begin(struct packer *packer, struct feed_id feed,
		  enum pack_codec codec, size_t size_max);
/*
 * Adds the next delta (seqs without gaps); the rows are copied.
 * ERR_FULL  it does not fit @size_max any more, as far as can be told without
 *           compressing, or the pack has PACK_DELTAS_MAX: end it, begin anew
 */
MUST_CHECK enum err_code packer_add(struct packer *packer,
				    const struct delta *delta);
/*
 * Writes the pack. ERR_FULL: it came out longer than @size_max: *@ret_fitting
 * is how many deltas to try instead (at least 1; with 1 it always fits, for a
 * delta's rows are bounded, and PACK_PLAIN is written where zstd gains
 * nothing).
 */
MUST_CHECK enum err_code
packer_end(struct packer *packer, struct writer *writer, uint32_t *ret_fitting);

struct unpacker;
MUST_CHECK enum err_code unpacker_open(struct unpacker **ret_unpacker,
				       struct err *err);
void unpacker_close(struct unpacker *unpacker); /* takes NULL */

/*
 * Reads what a pack says of itself and all its headers, the first of which
 * follows @previous (a delta's hash; zeros before seq 1) with the entry number
 * @first. @bytes are borrowed until the next call.
 *
 * ERR_CORRUPT  cut short, out of its bounds, not in its one form
 * ERR_VERSION  a codec or header of a newer depot
 */
struct pack_start {
	uint8_t net_id[NET_ID_SIZE];
	uint8_t previous[HASH_SIZE];
	uint64_t first;
};
MUST_CHECK enum err_code pack_peek(struct span bytes, struct pack *ret_pack);
MUST_CHECK enum err_code unpacker_read(struct unpacker *unpacker,
				       struct span bytes,
				       const struct pack_start *start,
				       struct pack *ret_pack);
/* The @index-th header and signature; its rows are not there yet. Where the
 * rows came plain their hash has been computed. */
const struct delta *unpacker_delta(const struct unpacker *unpacker,
				   uint32_t index);
/*
 * Decompresses, and gives each delta its rows (borrowed until the next read).
 * ERR_CORRUPT  not what was declared, or the hash of some rows is not the
 *              header's: *@ret_bad is the index
 */
MUST_CHECK enum err_code unpacker_expand(struct unpacker *unpacker,
					 uint32_t *ret_bad);

#endif
