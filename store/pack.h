/*
 * pack - a run of one feed's deltas, as it travels.
 *
 * Layer     store; pack_*.c are the only files that include zstd.h
 * Threads   a packer or unpacker belongs to one thread; its memory is taken
 *           once, when it is opened
 * On disk   docs/format/delta.md, version PACK_VERSION; in frames, and in
 *           bundles. Nothing of a pack is signed but what it carries
 *
 * What follows from the delta before (seq, previous, first), and what is as in
 * the one before, is left out; so is the rows' hash where the rows come as they
 * are.
 *
 * The order of work is the order of the checks (docs/protocol/sync.md): sizes,
 * headers and signatures can be judged before a byte is decompressed; what is
 * decompressed is bounded by what the pack declared, and that by its size.
 */
#ifndef DEPOT_STORE_PACK_H
#define DEPOT_STORE_PACK_H

#include "store/delta.h"

#define PACK_VERSION 1

/* On the wire: the numbers never change. */
enum pack_codec {
	PACK_PLAIN = 1, /* rows as they are: news */
	PACK_ZSTD = 2,  /* the rows of all its deltas in one zstd frame */
};
#define PACK_CODEC_MAX PACK_ZSTD

/* On the wire; and the least that a pack may be given, so that any one delta
 * fits. */
#define PACK_SIZE_MAX 32768
#define PACK_SIZE_MIN (DELTA_ROWS_SIZE_MAX + 1024)
/* All rows, raw: also at most PACK_RATIO_MAX times the pack's size, and
 * PACK_RATIO_FREE more. */
#define PACK_ROWS_SIZE_MAX 262144
#define PACK_RATIO_MAX 8
#define PACK_RATIO_FREE 65536
#define PACK_DELTAS_MAX 256

/* What a pack says before anything is decompressed. */
struct pack {
	struct feed_id feed;
	uint64_t first_seq;
	uint32_t count; /* deltas */
	enum pack_codec codec;
	uint32_t rows_size; /* of all rows, raw */
};

/* ---- packing ---- */

struct packer;
MUST_CHECK enum err_code packer_open(struct packer **ret_packer,
				     struct err *err);
void packer_close(struct packer *packer); /* takes NULL */

/* Begins a pack of @feed's deltas, of @size_max bytes at most (PACK_SIZE_MIN
 * to PACK_SIZE_MAX). */
void packer_begin(struct packer *packer, struct feed_id feed,
		  enum pack_codec codec, size_t size_max);
/*
 * Adds the next delta (seqs without gaps); everything is copied.
 * ERR_FULL  no more should be added, as far as can be told without
 *           compressing: end the pack, and begin the next with this delta
 */
MUST_CHECK enum err_code packer_add(struct packer *packer,
				    const struct delta *delta);
/*
 * Writes a pack of the first *@ret_count deltas that were added: all of them as
 * a rule, fewer if they came out longer than was expected, never none. Those
 * that are left go into the next pack. Where zstd gains nothing the codec is
 * PACK_PLAIN. At least one must have been added.
 * ERR_FULL  @writer has no room of size_max
 */
MUST_CHECK enum err_code packer_end(struct packer *packer,
				    struct writer *writer, uint32_t *ret_count);

/* ---- unpacking ---- */

struct unpacker;
MUST_CHECK enum err_code unpacker_open(struct unpacker **ret_unpacker,
				       struct err *err);
void unpacker_close(struct unpacker *unpacker); /* takes NULL */

/* What the pack's first delta follows. */
struct pack_start {
	uint8_t net_id[NET_ID_SIZE];
	uint8_t previous[HASH_SIZE]; /* hash of it; zeros before seq 1 */
	uint64_t first;              /* number of the entry that comes next */
};

/*
 * Reads only what a pack says of itself.
 * ERR_CORRUPT  cut short, out of its bounds, not in its one form
 * ERR_VERSION  a pack or codec of a newer depot
 */
MUST_CHECK enum err_code pack_peek(struct span bytes, struct pack *ret_pack);

/*
 * Reads that and all headers. @bytes are borrowed until the next call.
 *
 * ERR_CORRUPT   as pack_peek
 * ERR_VERSION   a pack, codec or header of a newer depot
 * ERR_CONFLICT  its first delta follows another one than @start says: fetch
 *               what lies between, or it is another branch
 */
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
 *              header's: *@ret_bad is the index of the first such delta; those
 *              before it have their rows
 */
MUST_CHECK enum err_code unpacker_expand(struct unpacker *unpacker,
					 uint32_t *ret_bad);

#endif
