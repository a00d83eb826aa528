/*
 * succession - a store that is behind itself goes on as the next epoch.
 *
 * Layer     store
 * Threads   the writer, at start
 *
 * First the own feed's suffix comes back from peers, who are its backup: they
 * send it as they send any feed, and feed_admit takes it. Then journal_recover
 * gives the journal the entries that it lost. Then succession_open begins the
 * next epoch, with a fresh key, and tells there what was never sealed. HQ
 * certifies it; until then facts are recorded and nothing is promised.
 */
#ifndef DEPOT_STORE_SUCCESSION_H
#define DEPOT_STORE_SUCCESSION_H

#include "store/feed.h"
#include "store/guard.h"
#include "store/ledger.h"

/*
 * Appends to the journal what the own feed of its present epoch has beyond its
 * end, with the stamps that it had. The entries that both have are compared.
 * *@ret_count: how many came back.
 *
 * ERR_CONFLICT  the journal has other entries than were sealed: two boxes wrote
 *               this epoch. Nothing was changed; succeed all the same, as a
 *               clone
 * ERR_FULL, ERR_IO  as batch_commit; what was committed stays, call again
 */
MUST_CHECK enum err_code journal_recover(struct ledger *ledger, uint32_t site,
					 uint64_t *ret_count, struct err *err);

/*
 * What the next epoch has to say of the present one: the last head that is
 * known, and the numbers of entries that @guard (NULL: there is none) remembers
 * and nobody has.
 */
MUST_CHECK enum err_code succession_of(const struct view *view, uint32_t site,
				       const struct guard *guard,
				       enum succession_reason reason,
				       struct succession *ret_succession,
				       struct err *err);

/*
 * Opens @plan's epoch; its second entry is the succession. Those behind it tell
 * again what the journal has and the present epoch never sealed (struct entry,
 * carried): nobody else would ever hear of it, for the old epoch ends with what
 * the succession names. All in one commit. Errors as ledger_epoch_open.
 */
MUST_CHECK enum err_code succession_open(struct ledger *ledger, uint32_t site,
					 const struct epoch_plan *plan,
					 const struct succession *succession,
					 struct err *err);

#endif
