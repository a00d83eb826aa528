/*
 * joining - the journal of a network of one goes on in another network.
 *
 * Layer     store
 * Threads   the writer, at start
 *
 * What a network of one booked lies in epochs that no other box will ever hear
 * of. When it joins, the next epoch is one of the network: its founding names
 * that, its second entry is a succession, and those behind it tell again
 * everything that was booked before (struct entry, carried). Nothing moves by
 * that: what is carried was folded where it lies.
 *
 * A box that takes another one's place begins with none of that one's book: it
 * is marked (site_regaining_get), gets a task to count all, and takes back what
 * others have of it as it comes (store/regain.h).
 */
#ifndef DEPOT_STORE_JOINING_H
#define DEPOT_STORE_JOINING_H

#include "store/ledger.h"

struct joining_plan {
	struct epoch_plan epoch; /* ->joins: the network; ->also is not used */
	uint32_t site;           /* its number there */
	/* JOINED, or REPLACED where another box was that site before. */
	struct succession succession;
};

/*
 * Opens @plan's epoch, beyond the journal's, and gives the site its number; all
 * in one commit. *@ret_carried: how many entries were told again.
 *
 * ERR_CONFLICT  it has a number already. Else as ledger_epoch_open
 */
MUST_CHECK enum err_code joining_open(struct ledger *ledger,
				      const struct joining_plan *plan,
				      uint64_t *ret_carried, struct err *err);

#endif
