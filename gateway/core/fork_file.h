/*
 * fork_file - a fork's proof, on paper: two signed deltas with one number.
 *
 * Layer     gateway/core; pure
 * Threads   any
 * On disk   docs/format/armour.md
 *
 * It has all that it takes to check it: the network's id, the key, and both
 * headers with their signatures. That this key was that site's says HQ's
 * certificate; whoever checks the proof compares the key with it.
 */
#ifndef DEPOT_GATEWAY_CORE_FORK_FILE_H
#define DEPOT_GATEWAY_CORE_FORK_FILE_H

#include "gateway/ingest/armour.h"
#include "store/feed.h"
#include "store/keys.h"

struct fork_file {
	uint8_t net_id[NET_ID_SIZE];
	uint8_t public_key[KEY_PUBLIC_SIZE];
	struct fork_proof proof;
};

/* Bytes before the armour. */
#define FORK_FILE_SIZE_MAX (FORK_PROOF_SIZE_MAX + 48)

/* *@ret_size (may be NULL): its bytes, without the armour. */
void fork_file_write(struct writer *writer, const struct fork_file *file,
		     size_t *ret_size);
/* Reads it; what is sound is not proven yet: fork_file_is_proof. */
enum armour_fault fork_file_read(struct span text, struct fork_file *ret_file,
				 unsigned *ret_line);
/* True if both deltas are of one place and signed by the key. */
MUST_CHECK bool fork_file_is_proof(const struct fork_file *file);

#endif
