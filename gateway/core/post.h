/*
 * post - books a physical fact as the movements that it takes.
 *
 * Layer     gateway/core, inside the engine only
 * Threads   the keeper
 *
 * A fact is never refused because the book says otherwise:
 *   - units that no lot was named for are taken first expired, first out,
 *     but those of a pallet are the pallet's own;
 *   - units beyond the book are posted from `found` first, and a count task is
 *     raised;
 *   - good units that leave PICKED or PACKED are taken from the order named,
 *     or from the oldest ones;
 *   - good units that enter PICKED without an order get an implicit one;
 *   - a fact older than the bin's last count is booked, and a recount raised.
 */
#ifndef DEPOT_GATEWAY_CORE_POST_H
#define DEPOT_GATEWAY_CORE_POST_H

#include "gateway/core/act.h"

struct fact {
	enum movement_kind kind;
	struct item_no item_no;
	struct sku item;
	struct lot lot;       /* empty: not said; of a pallet: it has none */
	struct serial serial; /* empty: not said */
	char sscc[SSCC_SIZE]; /* NULs: none */
	bool is_pallet;       /* all that is on it, by its own label alone */
	uint32_t expiry;      /* of the lot; 0: not said */
	struct qty quantity;  /* movable */
	struct side from;
	struct side to;
	struct entry_ref ref;
	struct reason reason;
};

struct posted {
	struct pos first; /* of the entries made; 0: none */
	struct pos last;
	struct qty found; /* units that the book did not have */
};

/*
 * Books @fact, which must be sound (movement_check) but for stock.
 * Errors as batch_post.
 */
MUST_CHECK enum err_code post_fact(struct act *act, const struct fact *fact,
				   struct posted *ret_posted, struct err *err);

/* The movement that @fact stands for, to check before posting. */
struct movement fact_movement(const struct fact *fact);

/*
 * Takes back the movements among the entries @first to @last, latest first.
 * ERR_NOT_FOUND: there is none left to take back (@err untouched).
 */
MUST_CHECK enum err_code post_reversal(struct act *act, struct pos first,
				       struct pos last,
				       struct posted *ret_posted,
				       struct err *err);

#endif
