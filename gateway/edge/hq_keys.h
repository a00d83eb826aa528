/*
 * hq_keys - the keys with which a box speaks as HQ.
 *
 * Layer     gateway/edge
 * Threads   start and commissioning only
 * On disk   control-N.key and master-N.key in the store's folder of keys; the
 *           start guard beside the store (store/guard.h)
 */
#ifndef DEPOT_GATEWAY_EDGE_HQ_KEYS_H
#define DEPOT_GATEWAY_EDGE_HQ_KEYS_H

#include "gateway/core/hq.h"
#include "gateway/core/hq_root.h"
#include "store/file.h"

/* All zero is a box that is not HQ. */
struct hq_keys {
	struct hq hq; /* for struct engine_plan; its desk is the caller's */
	struct signer *control;
	struct signer *master;
	atomic_int voice; /* hq's */
	char guard[FILE_PATH_SIZE];
};

/*
 * Opens them where the store at @path is HQ's, and has them; else @keys is all
 * zero and the result ERR_OK. The voice is what the guard beside the store
 * makes of it (core/voice.h), before any peer is heard. @credentials (may be
 * NULL) is systemd's folder.
 * @desk is borrowed; end with hq_keys_close either way.
 * ERR_UNSAFE, ERR_CORRUPT, ERR_IO  a key is there and cannot be taken
 */
MUST_CHECK enum err_code hq_keys_open(struct hq_keys *keys,
				      struct ledger *ledger, const char *path,
				      const char *credentials,
				      struct feed_desk *desk, struct err *err);
/* Wipes them. */
void hq_keys_close(struct hq_keys *keys);

/*
 * Where no daemon runs: remembers what was said by a commit that is over, that
 * a person confirmed the words, or that a stick showed more of them.
 * Errors as guard_save
 */
MUST_CHECK enum err_code
hq_keys_remember(struct hq_keys *keys, struct ledger *ledger, struct err *err);

/*
 * Makes the network that the store at @path was founded for: two keys, the
 * control feed's first delta, and the number SITE_FIRST; the guard vouches for
 * that. @root is the key that the store was founded with.
 *
 * ERR_CONFLICT   it is HQ already, or a site of another's network
 * ERR_INVALID    @root did not found this store
 * else as batch_commit
 */
struct hq_founding {
	const char *path;
	const struct signer *root;
	struct moment now;
	bool clock_trusted;
};
MUST_CHECK enum err_code hq_keys_found(struct ledger *ledger,
				       const struct hq_founding *founding,
				       struct err *err);

/*
 * Of a founding that was cut short behind its commit: the guard vouches for it,
 * unless something was said since, or remembered.
 * Errors as guard_vouch
 */
MUST_CHECK enum err_code hq_keys_found_again(struct ledger *ledger,
					     const char *path, struct err *err);

/*
 * Begins the next epochs of control and master, with keys of their own, by the
 * word of @renewal's root (core/hq_root.h, hq_renew): HQ was set back, or its
 * keys are gone. Those of the epochs before stay where they are, and are worth
 * nothing any more. The guard vouches for the words from here on.
 *
 * ERR_DENIED  this store is not HQ's
 * else as hq_renew and batch_commit
 */
MUST_CHECK enum err_code hq_keys_renew(struct ledger *ledger,
				       const struct hq_founding *renewal,
				       struct hq_renewed *ret_renewed,
				       struct err *err);

#endif
