/*
 * keys - the site's and the organisation's signing keys, as files.
 *
 * Layer     store; keys.c and seal.c are the only files that include sodium.h
 * Threads   any; start and commissioning only
 * On disk   a folder of mode 0700 beside the store, a file of mode 0600 a key;
 *           never in a backup
 */
#ifndef DEPOT_STORE_KEYS_H
#define DEPOT_STORE_KEYS_H

#include <stdint.h>

#include "rules/base/err.h"

#define KEY_PUBLIC_SIZE 32
#define NET_ID_SIZE 16

/*
 * Makes a key pair (Ed25519) and keeps its secret half in the file @name of
 * the folder @folder, which is created if need be. A file of that name is
 * replaced: the caller has made sure that no store lives by it.
 * ERR_IO, ERR_FULL  the system refused
 */
MUST_CHECK enum err_code keys_make(const char *folder, const char *name,
				   uint8_t ret_public[KEY_PUBLIC_SIZE],
				   struct err *err);

/* The network that a root key founds: a hash of its public half. */
void keys_net_id(const uint8_t root_public[KEY_PUBLIC_SIZE],
		 uint8_t ret_net_id[NET_ID_SIZE]);

#endif
