/*
 * delta - a sealed batch of a feed's entries: header, signature, rows.
 *
 * Layer     store; pure: no I/O, no clock. seal.c holds the cryptography
 * Threads   any
 * On disk   docs/format/delta.md, version DELTA_VERSION; signed, and sent
 *
 * The signature covers the header, and the header the hash of the canonical,
 * uncompressed rows: so a delta can be packed again with any codec, and its
 * rows pruned, without touching the signature.
 *
 *   rows_hash  = BLAKE2b-256("depot rows v1", net, rows)
 *   hash       = BLAKE2b-256("depot delta v1", net, header)
 *   signature  = Ed25519 over "depot delta v1 signature", net, header
 *
 * where header is its hashed form (delta_header_write). Tags have a fixed
 * length (padded with zeros to DELTA_TAG_SIZE), so that no two inputs meet.
 */
#ifndef DEPOT_STORE_DELTA_H
#define DEPOT_STORE_DELTA_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/bytes.h"
#include "rules/base/ids.h"
#include "rules/base/stamp.h"
#include "store/keys.h"
#include "store/seal.h"

#define DELTA_VERSION 1
#define DELTA_TAG_SIZE 32

/* Rows in a delta, and bytes of them. A delta that is sealed while the link
 * is down may be longer than one that is news; one always fits a pack. */
#define DELTA_ROWS_LIVE_MAX 128
#define DELTA_ROWS_MAX 1024
#define DELTA_ROWS_SIZE_MAX 28672
#define DELTA_NEEDS_MAX 8
#define DELTA_HEADER_SIZE_MAX 512

/* Numbers of sites that stand for something in every network. */
#define SITE_NONE 0u
#define SITE_CONTROL 1u /* HQ's control feed */
#define SITE_MASTER 2u  /* HQ's master data */
#define SITE_FIRST 3u   /* the first site's own; HQ's ledger as a rule */

/* A feed: one life of one site's log. Past a fork each branch is a feed of its
 * own, named by the first 8 bytes of the first hash that differs, big-endian.
 * 0: the branch that was here first, or no fork is known. */
struct feed_id {
	uint32_t site;
	uint32_t epoch;
	uint64_t branch;
};

/* The rights of an entry hang on these being here (facts hang on nothing). */
struct delta_need {
	uint32_t site;
	uint32_t epoch;
	uint64_t seq;
};

#define DELTA_CLOCK_TRUSTED 1u /* the stamp's clock was trusted */
#define DELTA_SEGMENT_START 2u /* its rows begin a new segment */
#define DELTA_FLAGS_KNOWN 3u

struct delta_header {
	uint32_t site;
	uint32_t epoch;
	uint64_t seq;                /* from 1, without gaps */
	uint8_t previous[HASH_SIZE]; /* hash of the delta before; 0: the first
				      */
	struct stamp stamp;          /* when it was sealed */
	uint32_t flags;
	uint64_t boot;      /* drawn when the box started */
	struct pos control; /* (epoch, seq) of control known then */
	uint8_t need_count;
	struct delta_need needs[DELTA_NEEDS_MAX]; /* rising, each feed once */
	uint64_t first;     /* number within the epoch of the first entry */
	uint32_t rules;     /* version of the rules by which it was written */
	uint32_t row_count; /* 1 to DELTA_ROWS_MAX */
	uint32_t rows_size; /* 1 to DELTA_ROWS_SIZE_MAX */
	uint8_t rows_hash[HASH_SIZE];
};

/* A delta with its rows as they are, borrowed. */
struct delta {
	struct delta_header header;
	uint8_t signature[SIGNATURE_SIZE];
	struct span rows;
};

/* The hashed form: every field, in the order above, fixed or as varints. */
void delta_header_write(struct writer *writer,
			const struct delta_header *header);
/* ERR_CORRUPT  not a header in its one form; ERR_VERSION: of a newer depot */
MUST_CHECK enum err_code delta_header_read(struct reader *reader,
					   struct delta_header *ret_header);

/* The sizes, counts and orders that hold for every header by itself. */
MUST_CHECK bool delta_header_is_sound(const struct delta_header *header);

void delta_hash(const uint8_t net_id[NET_ID_SIZE],
		const struct delta_header *header, uint8_t ret_hash[HASH_SIZE]);
void delta_rows_hash(const uint8_t net_id[NET_ID_SIZE], struct span rows,
		     uint8_t ret_hash[HASH_SIZE]);

/* Signs with the epoch's key (store/keys.h). */
void delta_sign(const struct signer *signer, const uint8_t net_id[NET_ID_SIZE],
		const struct delta_header *header,
		uint8_t ret_signature[SIGNATURE_SIZE]);
MUST_CHECK bool delta_verify(const uint8_t public_key[KEY_PUBLIC_SIZE],
			     const uint8_t net_id[NET_ID_SIZE],
			     const struct delta_header *header,
			     const uint8_t signature[SIGNATURE_SIZE]);

/* store/pack.h: deltas as they travel, many of one feed in a row. */

#endif
