/*
 * tally - a site's units of one item, by what may be done with them.
 *
 * Layer     rules/ledger
 * Threads   any
 *
 * The identity that holds after every commit:
 *
 *   on_hand = available + reserved + allocated + on_hold + quarantine + damaged
 *
 * each at least 0. Good units in PICKED and PACKED are allocated; good units
 * elsewhere are available, less what is reserved.
 */
#ifndef DEPOT_RULES_LEDGER_TALLY_H
#define DEPOT_RULES_LEDGER_TALLY_H

#include <stdbool.h>

#include "rules/base/qty.h"
#include "rules/ledger/place.h"

struct tally {
	struct qty on_hand;
	struct qty available;
	struct qty reserved;
	struct qty allocated;
	struct qty on_hold;
	struct qty quarantine;
	struct qty damaged;
};

/* Adds @quantity of one bin's cell to @tally; the bins PICKED and PACKED are
 * outbound. False on overflow. */
MUST_CHECK bool tally_add(struct tally *tally, bool is_outbound,
			  enum condition condition, struct qty quantity);

/*
 * Takes @reserved out of available. What is promised beyond available stays
 * out of the tally: the promise is uncovered, and its own row says so.
 * Returns the units that are covered.
 */
struct qty tally_reserve(struct tally *tally, struct qty reserved);

/* True if the identity holds and nothing is negative. */
bool tally_is_sound(const struct tally *tally);

#endif
