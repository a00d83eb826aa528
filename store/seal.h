/*
 * seal - hashes and checksums of what the store keeps.
 *
 * Layer     store; seal.c and keys.c are the only files that include sodium.h
 * Threads   any
 *
 * A checksum tells damage from what was written; it keeps nobody from forging
 * (signed deltas do that). It is SipHash-2-4 (Aumasson, Bernstein, 2012) with
 * a fixed key, ten times as fast on a short row as a cryptographic hash.
 */
#ifndef DEPOT_STORE_SEAL_H
#define DEPOT_STORE_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/text.h"

/* The checksum of @bytes, chained to @before (0 for the first). */
uint64_t seal_checksum(uint64_t before, struct span bytes);

/* Fills @bytes with @size random bytes, for keys and ids. */
void seal_random(void *bytes, size_t size);

/* ---- hashes and signatures that travel ---- */

#define HASH_SIZE 32
#define SIGNATURE_SIZE 64

/*
 * BLAKE2b-256 (RFC 7693) over a domain tag (padded with zeros to
 * SEAL_TAG_SIZE), the network's id (16 bytes) and @bytes: no two kinds of
 * input ever meet.
 */
#define SEAL_TAG_SIZE 32
/* The tag and the id that hashed and signed input begins with. */
#define SEAL_PREFIX_SIZE (SEAL_TAG_SIZE + 16)
void seal_prefix(const char *tag, const uint8_t net_id[16],
		 uint8_t ret_prefix[SEAL_PREFIX_SIZE]);
void seal_hash(const char *tag, const uint8_t net_id[16], struct span bytes,
	       uint8_t ret_hash[HASH_SIZE]);

/*
 * BLAKE2b-256 over the tag (padded likewise) and @bytes, keyed with @key of 1
 * to 64 bytes: whoever knows the key, and nobody else, can make it or tell
 * whether it is right (with seal_equal).
 */
void seal_mac(struct span key, const char *tag, struct span bytes,
	      uint8_t ret_mac[HASH_SIZE]);
/* In a time that does not depend on where they differ. */
bool seal_equal(const uint8_t a[HASH_SIZE], const uint8_t b[HASH_SIZE]);

/* ---- passwords ---- */

#define SEAL_STRETCH_SIZE 64

/*
 * PBKDF2 (RFC 8018) with HMAC-SHA512 and one block: what mosquitto's password
 * files are made of. @rounds is at least 1, @salt at most 64 bytes.
 */
void seal_stretch(struct span password, struct span salt, uint32_t rounds,
		  uint8_t ret_hash[SEAL_STRETCH_SIZE]);

/* "$7$ROUNDS$SALT$HASH", terminated. */
#define SEAL_PASSWORD_SIZE 128

/*
 * The hash of @password as mosquitto reads it, with a salt of its own. The
 * rounds are mosquitto's default, 101: passwords are drawn at random, so there
 * is nothing to guess at, and a broker that stretched long would stand still
 * while a hundred devices come back.
 */
void seal_password(struct span password, char ret_hash[SEAL_PASSWORD_SIZE]);

/* Overwrites a secret so that no compiler leaves it out. */
void seal_wipe(void *bytes, size_t size);

#endif
