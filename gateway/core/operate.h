/*
 * operate - an operation on one item, from what was scanned to what is booked.
 *
 * Layer     gateway/core, inside the engine only
 * Threads   the keeper
 *
 * The same for a complete reading and for a scan in a session: both end in a
 * struct operation and the items that were found.
 */
#ifndef DEPOT_GATEWAY_CORE_OPERATE_H
#define DEPOT_GATEWAY_CORE_OPERATE_H

#include "gateway/core/act.h"
#include "gateway/core/count.h"
#include "gateway/core/post.h"
#include "gateway/core/resolve.h"

struct operation {
	enum reading_op op;
	struct place_name bin; /* empty: not said, as all below */
	struct place_name to;
	struct place_name place; /* of the device: where no bin is said */
	bool is_bin_implied;     /* set by operate_bins */
	struct ref ref;
	struct lot lot;
	struct serial serial;
	struct reason reason;
	uint32_t expiry;
	enum condition condition;
	bool has_qty;
	int64_t qty;
	struct pos position;
	struct pos begun; /* of the reading's first entry */
};

/*
 * Looks the operation's bins up and fills in the ones that the op implies. If
 * it cannot go on, @verdict says why (refused or parked: verdict_is_open).
 */
MUST_CHECK enum err_code operate_bins(struct act *act,
				      struct operation *operation,
				      struct verdict *verdict, struct err *err);

/*
 * Judges the operation on @found without writing: quantity, serial, pallet,
 * missing parts. *@ret_fact is what to book (for a count: its item, lot,
 * quantity). If it cannot be booked, @verdict says why.
 */
MUST_CHECK enum err_code
operate_judge(struct act *act, const struct operation *operation,
	      const struct found *found, struct fact *ret_fact,
	      struct verdict *verdict, struct err *err);

/* Books what operate_judge passed. The verdict has the pos, and for a count
 * that asks for a recount its word. */
MUST_CHECK enum err_code operate_book(struct act *act,
				      const struct operation *operation,
				      const struct fact *fact,
				      struct posted *ret_posted,
				      struct verdict *verdict, struct err *err);

#endif
