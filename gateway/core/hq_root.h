/*
 * hq_root - the words of HQ that need the root key: at the founding, and when
 * HQ's own key is no good any more.
 *
 * Layer     gateway/core
 * Threads   the keeper, or a command that has the store for itself
 */
#ifndef DEPOT_GATEWAY_CORE_HQ_ROOT_H
#define DEPOT_GATEWAY_CORE_HQ_ROOT_H

#include "gateway/core/hq.h"

/*
 * Founds the network: the root's statement, which @root signs, and certificates
 * of the master feed and of this box's own ledger (its identity's key, epoch
 * and name, as SITE_FIRST).
 *
 * ERR_CONFLICT  there is a control feed already
 * ERR_INVALID   @root is not the key that this store's network was founded by
 */
MUST_CHECK enum err_code hq_found(const struct hq *hq, struct batch *batch,
				  const struct signer *root, struct err *err);

/*
 * Begins the control epoch of @hq, whose keys and epochs are those to come: the
 * root's statement, which @root signs, of how much of the epoch before counts:
 * all that is held here, up to where it forked. Then a certificate of the
 * master epoch that begins, the end of the one before, a certificate of the
 * epoch in which this box's own ledger goes on, and the ends of those before.
 *
 * ERR_NOT_FOUND  there is no network here yet
 * ERR_AGAIN      the store came back from a backup, and its own ledger has not
 *                begun its next epoch: peers are to be asked first
 * ERR_INVALID    @root is not the key that founded this network
 */
struct hq_renewed {
	uint32_t before;   /* the control epoch that ended, */
	uint64_t seq;      /* with this delta */
	bool is_certified; /* this box's own epoch was certified with it */
};
MUST_CHECK enum err_code hq_renew(const struct hq *hq, struct batch *batch,
				  const struct signer *root,
				  struct hq_renewed *ret_renewed,
				  struct err *err);

#endif
