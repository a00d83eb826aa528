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
 * known, and the numbers of entries that the guard remembers and nobody has.
 */
struct succession_case {
	enum succession_reason reason;
	const struct guard *guard; /* NULL: there is none */
	/* The journal's last number when the medium came back: what is behind
	 * it was booked since. */
	uint64_t kept;
};
MUST_CHECK enum err_code succession_of(const struct view *view, uint32_t site,
				       const struct succession_case *what,
				       struct succession *ret_succession,
				       struct err *err);

/*
 * Opens @plan's epoch; its second entry is the succession. Those behind it tell
 * again, all in one commit with it and with what @plan adds:
 *   - what the own feed of the present epoch has from where the journal went
 *     another way (struct entry, regained), so that the journal has it, too.
 *     What does not come back is in store/regain.h;
 *   - what the journal has and that feed has not (carried): nobody else would
 *     ever hear of it, for the old epoch ends with what the succession names.
 * Errors as ledger_epoch_open.
 */
struct succession_told {
	uint64_t regained;
	uint64_t carried;
};
struct succession_plan {
	uint32_t site;
	struct epoch_plan epoch;
	struct succession succession;
};
MUST_CHECK enum err_code succession_open(struct ledger *ledger,
					 const struct succession_plan *plan,
					 struct succession_told *ret_told,
					 struct err *err);

#endif
