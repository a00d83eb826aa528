/*
 * epoch_keys - the keys of this site's epochs, as incarnations need them.
 *
 * Layer     gateway/edge
 * Threads   epoch_keys_init and _release: start and end; the port's functions:
 *           the keeper's, one at a time
 * On disk   epoch-N.key in the store's folder of keys
 */
#ifndef DEPOT_GATEWAY_EDGE_EPOCH_KEYS_H
#define DEPOT_GATEWAY_EDGE_EPOCH_KEYS_H

#include "gateway/core/incarnation.h"

/* That are open at once: a daemon does not live through more. */
#define EPOCH_KEYS_MAX 8

/* The caller's storage. */
struct epoch_keys {
	const char *folder;      /* borrowed */
	const char *credentials; /* borrowed; systemd's folder, or NULL */
	size_t count;
	uint32_t epochs[EPOCH_KEYS_MAX];
	struct signer *signers[EPOCH_KEYS_MAX];
};

void epoch_keys_init(struct epoch_keys *keys, const char *folder,
		     const char *credentials);
/* Wipes what is open. */
void epoch_keys_release(struct epoch_keys *keys);

/*
 * The port: a new epoch is drawn, beyond the last that has a key here as well,
 * which this box has lived through even if no store knows of it. @keys is
 * borrowed.
 */
struct incarnation_port epoch_keys_port(struct epoch_keys *keys);

#endif
