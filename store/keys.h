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

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/err.h"
#include "rules/base/text.h"
#include "store/seal.h"

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

/* "epoch-7.key" into @name of KEY_NAME_SIZE bytes. */
#define KEY_NAME_SIZE 24
void keys_epoch_name(uint32_t epoch, char *name);

/*
 * The highest epoch that has a key in @folder, which this box has lived
 * through even if no store here knows of it; 0 if there is none.
 * ERR_IO  the folder cannot be read
 */
MUST_CHECK enum err_code keys_epoch_last(const char *folder,
					 uint32_t *ret_epoch, struct err *err);

/*
 * The seed (RFC 8032) of the secret half @name of @folder, for paper; to be
 * wiped. signer_of_seed makes the key of it again. Errors as signer_open.
 */
#define KEY_SEED_SIZE 32
MUST_CHECK enum err_code keys_seed(const char *folder, const char *name,
				   uint8_t ret_seed[KEY_SEED_SIZE],
				   struct err *err);
/* Writes over the key and removes its file, as far as the medium lets go of it.
 * ERR_NOT_FOUND  no such key; ERR_IO: the system refused */
MUST_CHECK enum err_code keys_destroy(const char *folder, const char *name,
				      struct err *err);

/* ---- signing ---- */

/* A secret key in memory that is locked, read-only and wiped at the end. */
struct signer;

/*
 * Loads the secret half @name of @folder, which keys_make made.
 * ERR_NOT_FOUND  no such key (the sentence names it)
 * ERR_UNSAFE     others than its owner may read or write it, or it is no
 *                regular file
 * ERR_CORRUPT    it is no key
 */
MUST_CHECK enum err_code signer_open(const char *folder, const char *name,
				     struct signer **ret_signer,
				     struct err *err);
/*
 * The same, from the folder of credentials that systemd gave where that has
 * the key, else from @folder. @credentials may be NULL: none were given. A
 * credential's group bits are the mask of the one user whom systemd lets read
 * it, so reading by the group is no reason to refuse it.
 */
MUST_CHECK enum err_code signer_find(const char *credentials,
				     const char *folder, const char *name,
				     struct signer **ret_signer,
				     struct err *err);
/* From a seed, for tests, vectors and simulations. ERR_FULL: no memory. */
MUST_CHECK enum err_code signer_of_seed(const uint8_t seed[32],
					struct signer **ret_signer,
					struct err *err);
/* Wipes it. Takes NULL. */
void signer_close(struct signer *signer);
const uint8_t *signer_public(const struct signer *signer);

/*
 * Ed25519 (RFC 8032) over a domain tag (padded to SEAL_TAG_SIZE, store/seal.h),
 * the network's id and @bytes, of which there are at most SIGNED_SIZE_MAX: what
 * may be longer is hashed first (seal_hash). Longer ones have no good
 * signature.
 */
#define SIGNED_SIZE_MAX 8192
void signer_sign(const struct signer *signer, const char *tag,
		 const uint8_t net_id[NET_ID_SIZE], struct span bytes,
		 uint8_t ret_signature[SIGNATURE_SIZE]);
MUST_CHECK bool signature_is_good(const uint8_t public_key[KEY_PUBLIC_SIZE],
				  const char *tag,
				  const uint8_t net_id[NET_ID_SIZE],
				  struct span bytes,
				  const uint8_t signature[SIGNATURE_SIZE]);

/* The network that a root key founds: a hash of its public half. */
void keys_net_id(const uint8_t root_public[KEY_PUBLIC_SIZE],
		 uint8_t ret_net_id[NET_ID_SIZE]);

#endif
