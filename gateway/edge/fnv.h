/*
 * fnv - a checksum against accidents, for what never leaves the machine.
 *
 * Layer     gateway/edge
 * Threads   any; pure
 *
 * FNV-1a, 64 bits: Fowler, Noll, Vo; draft-eastlake-fnv-17, section 2.
 */
#ifndef DEPOT_GATEWAY_EDGE_FNV_H
#define DEPOT_GATEWAY_EDGE_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV_START UINT64_C(0xcbf29ce484222325)

/* @hash is FNV_START, or what this returned for the bytes before. */
static inline uint64_t fnv1a(uint64_t hash, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

#endif
