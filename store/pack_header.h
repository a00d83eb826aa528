/*
 * pack_header - what a pack says of itself and of its deltas, small.
 *
 * Layer     store; part of pack; pure
 * Threads   any
 * On disk   docs/format/delta.md, "Packs"
 */
#ifndef DEPOT_STORE_PACK_HEADER_H
#define DEPOT_STORE_PACK_HEADER_H

#include "store/pack.h"

/* Of the hash that the first delta follows: enough to tell that a pack follows
 * something else. What it does follow the signature proves. */
#define PACK_FOLLOWS_SIZE 4

/* A pack's start and a delta's header with its signature, at their longest. */
#define PACK_START_SIZE_MAX 64
#define PACK_HEADER_SIZE_MAX (DELTA_HEADER_SIZE_MAX + SIGNATURE_SIZE)

void pack_start_write(struct writer *writer, const struct pack *pack,
		      const uint8_t previous[HASH_SIZE]);
/* What is left of @reader is the rest of the pack. Codes as pack_peek. */
MUST_CHECK enum err_code pack_start_read(struct reader *reader,
					 struct pack *ret_pack,
					 struct span *ret_follows);

/*
 * A header after @before, the one of the delta before it in the pack (NULL:
 * the first). Reading sets all but site, epoch, seq, previous and first, and
 * rows_hash only if @has_hash.
 */
void pack_header_write(struct writer *writer, const struct delta_header *before,
		       const struct delta_header *header, bool has_hash);
void pack_header_read(struct reader *reader, const struct delta_header *before,
		      struct delta_header *ret_header, bool has_hash);

#endif
