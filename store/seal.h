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

#include <stdint.h>

#include "rules/base/text.h"

/* The checksum of @bytes, chained to @before (0 for the first). */
uint64_t seal_checksum(uint64_t before, struct span bytes);

/* Fills @bytes with @size random bytes, for keys and ids. */
void seal_random(void *bytes, size_t size);

#endif
