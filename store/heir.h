/*
 * heir - the next life of a site's feed, before HQ has certified it.
 *
 * Layer     store
 * Threads   reading: any, through a view; heir_note: the writer
 * On disk   docs/format/tables.md: TABLE_FEED; derived from first deltas
 *
 * A box that succeeds itself (store/succession.h) signs with a key that nobody
 * knows. The first delta of the new epoch has it in its founding, and in its
 * succession a statement about it by the key of the epoch before, which
 * everybody knows. So whoever carries the feed carries its credentials: the key
 * is provisional, its facts count, its rights are 0 (a certificate alone gives
 * those). Where the old key was not at hand the statement is missing, and the
 * feed waits for HQ.
 *
 * Old disks have old keys. So a key has no say in who comes next once HQ has
 * certified a later epoch of its site, has revoked or closed it, once its owner
 * has closed it, or, where HQ never certified it, has ended it. Whom it had
 * vouched for counts only as far as HQ has spoken of him: certified, or up to a
 * fence. All of this follows from control and from closings, in whatever order
 * they came.
 */
#ifndef DEPOT_STORE_HEIR_H
#define DEPOT_STORE_HEIR_H

#include "rules/ledger/entry.h"
#include "store/delta.h"
#include "store/env.h"
#include "store/keys.h"

struct heir {
	uint32_t site;
	uint32_t epoch;
	uint8_t public_key[KEY_PUBLIC_SIZE];
	bool is_vouched; /* the parent's key has signed for it, and had a say */
	struct succession succession;
};

/*
 * The statement: Ed25519 by the key of @heir's parent epoch over the tag "depot
 * heir v1", the network's id, and site, epoch (varints), public_key,
 * parent_epoch, parent_seq (varints), parent_hash. heir_sign sets the
 * succession's signature.
 */
void heir_sign(const struct signer *parent_key,
	       const uint8_t net_id[NET_ID_SIZE], struct heir *heir);
MUST_CHECK bool heir_verify(const uint8_t parent_public[KEY_PUBLIC_SIZE],
			    const uint8_t net_id[NET_ID_SIZE],
			    const struct heir *heir);

/*
 * A few bytes that people carry with an epoch's key to HQ, so that a slip of
 * the finger in the key, the epoch or the site certifies nothing: the beginning
 * of BLAKE2b over the tag "depot heir check v1", the network's id, and site,
 * epoch (varints), public_key.
 */
#define HEIR_CHECK_SIZE 4
void heir_key_check(const uint8_t net_id[NET_ID_SIZE], const struct heir *heir,
		    uint8_t ret_check[HEIR_CHECK_SIZE]);

/*
 * Lives that follow on each other without HQ: the next one waits for its
 * certificate. So does one that is further from its parent than HEIR_STEP_MAX:
 * a box draws the number of its next life a few thousand beyond all that it
 * knows of (INCARNATION_EPOCHS), and whoever has a site's key could otherwise
 * name the last one that there is, behind which the site has none. With both
 * bounds a stolen key takes a sixteenth of them at most.
 */
#define HEIR_GENERATIONS_MAX 16
#define HEIR_STEP_MAX 65536

/*
 * What @delta, the first of a site's epoch beyond 1, says in its first two
 * rows, and whether the parent's key vouches for it.
 * ERR_NOT_FOUND  it does not begin with a founding and a succession
 */
MUST_CHECK enum err_code heir_read(const struct view *view,
				   const uint8_t net_id[NET_ID_SIZE],
				   const struct delta *delta,
				   struct heir *ret_heir, struct err *err);

/* Notes that @site closed itself in @epoch: that one vouches for nobody. */
MUST_CHECK enum err_code heir_close(struct txn *txn, uint32_t site,
				    uint32_t epoch, struct err *err);

/* Forgets that of all of @site's epochs; the caller folds its feeds anew. */
MUST_CHECK enum err_code heir_close_clear(struct txn *txn, uint32_t site,
					  struct err *err);

/* Keeps what heir_read finds in it; nothing if it finds nothing. */
MUST_CHECK enum err_code heir_note(struct txn *txn,
				   const uint8_t net_id[NET_ID_SIZE],
				   const struct delta *delta, struct err *err);

/* A box that began a new life before it had heard of its own certificate could
 * not tell that its old key vouches for it. To be called when the roster has
 * changed; nothing if there is no such heir. */
MUST_CHECK enum err_code heir_again(struct txn *txn,
				    const uint8_t net_id[NET_ID_SIZE],
				    uint32_t site, uint32_t epoch,
				    struct err *err);

/* ERR_NOT_FOUND  no first delta of it came */
MUST_CHECK enum err_code heir_get(const struct view *view, uint32_t site,
				  uint32_t epoch, struct heir *ret_heir,
				  struct err *err);
/* Visits all, by site and epoch, certified ones too. */
typedef enum err_code heir_visit_fn(void *context, const struct heir *heir,
				    struct err *err);
MUST_CHECK enum err_code heir_walk(const struct view *view,
				   heir_visit_fn *visit, void *context,
				   struct err *err);

/* False: nothing of @heir's epoch counts, for whoever vouched for it, or for
 * him, had no say any more, and HQ has not spoken of it. */
MUST_CHECK enum err_code heir_stands(const struct view *view,
				     const struct heir *heir, bool *ret_stands,
				     struct err *err);

/*
 * Whose key speaks for a site's epoch: that of its certificate, else that of an
 * heir that was vouched for and stands. *@ret_is_provisional (may be NULL): no
 * certificate that is not provisional itself. ERR_NOT_FOUND  nobody's, yet
 */
MUST_CHECK enum err_code site_key(const struct view *view, uint32_t site,
				  uint32_t epoch,
				  uint8_t ret_key[KEY_PUBLIC_SIZE],
				  bool *ret_is_provisional, struct err *err);

/* Whose signature it is, whether or not his word counts any more: feed_limit
 * says how much of the epoch does. Errors as site_key. */
MUST_CHECK enum err_code site_key_known(const struct view *view, uint32_t site,
					uint32_t epoch,
					uint8_t ret_key[KEY_PUBLIC_SIZE],
					struct err *err);

#endif
