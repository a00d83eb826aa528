/*
 * transfer - what the two sites of a transfer do about it.
 *
 * Layer     gateway/core, inside the engine only
 * Threads   the keeper; what takes a view only, any
 *
 * The sender creates a transfer, books goods into its transit place, and says
 * that all is out: what it booked is the packing list. The addressee books what
 * comes, one scan a pallet, and settles: what is missing is claimed and leaves
 * the transit place, what is too much enters it and is held. After that nothing
 * is in transit any more (rules/ledger/transfer.h).
 */
#ifndef DEPOT_GATEWAY_CORE_TRANSFER_H
#define DEPOT_GATEWAY_CORE_TRANSFER_H

#include "gateway/core/post.h"
#include "gateway/core/verdict.h"
#include "store/transfer.h"

/* ---- what a site may do ---- */

/*
 * Judges a movement that touches a transit place: whose that is by its name,
 * and, in a network, that it is a transfer of the network. If it may not be
 * booked, @verdict says why.
 */
MUST_CHECK enum err_code transfer_judge_way(struct act *act,
					    const struct movement *movement,
					    struct verdict *verdict,
					    struct err *err);

/* Which side this site is of the transfer @id; 0: neither. */
MUST_CHECK enum err_code transfer_side_here(const struct view *view,
					    struct span id,
					    enum transfer_side *ret_side,
					    struct err *err);

/* ---- words ---- */

/* What is said anew of a transfer; what is empty stays as it was said last. */
struct transfer_saying {
	enum transfer_state state;
	uint32_t expected;
	struct span carrier;
	struct span reason;
};

/* Posts ENTRY_TRANSFER with the totals of what this site has booked. */
MUST_CHECK enum err_code transfer_say(struct act *act, struct span id,
				      const struct transfer_saying *saying,
				      struct err *err);

/* Before goods are booked: what is booked when all was said to be sent, or
 * received, opens that side of the transfer again. It is said first: between
 * the two a delta may end, and nobody shall see a closed transfer grow.
 * *@ret_before is what had been said till then; zeros: nothing. */
MUST_CHECK enum err_code transfer_opening(struct act *act, struct span id,
					  struct transfer_states *ret_before,
					  struct err *err);
/* After it: the first of all begins that side. */
MUST_CHECK enum err_code transfer_booked(struct act *act, struct span id,
					 struct err *err);
/* post_reversal, and the same for the transfers that it touches. Errors as
 * there. */
MUST_CHECK enum err_code transfer_take_back(struct act *act, struct pos first,
					    struct pos last,
					    struct posted *ret_posted,
					    struct err *err);

/* ---- the packing list ---- */

/*
 * What the packing list says of a unit whose lot nobody said: the lot with the
 * nearest expiry of which something is still to come, and its expiry. With a
 * serial: that of the serial. Leaves @fact as it is if the list says nothing.
 */
MUST_CHECK enum err_code transfer_guess_lot(const struct view *view,
					    struct fact *fact, struct err *err);

/* The transfer, addressed to this site, that has the pallet @sscc on its list
 * with anything still to come. ERR_NOT_FOUND: none here (@err untouched). */
MUST_CHECK enum err_code transfer_of_pallet(const struct view *view,
					    struct span sscc,
					    struct place_name *ret_id,
					    struct err *err);

/* The first line of pallet @sscc of which something is still to come; its
 * shipped sum is how much. ERR_NOT_FOUND: none (@err untouched). */
MUST_CHECK enum err_code transfer_pallet_line(const struct view *view,
					      struct span id, struct span sscc,
					      struct transfer_line *ret_line,
					      struct err *err);

/* Books all that is still to come of @fact's pallet, as @fact says of where to
 * and in what condition. *@ret_posted spans all entries. */
MUST_CHECK enum err_code transfer_pallet_book(struct act *act,
					      const struct fact *fact,
					      struct posted *ret_posted,
					      struct err *err);

/* Books all that is still to come of the whole list into @to. */
MUST_CHECK enum err_code transfer_receive_rest(struct act *act, struct span id,
					       const struct side *to,
					       struct err *err);

/* ---- settling ---- */

struct transfer_rest {
	uint64_t items; /* of which anything is in transit */
	int64_t missing;
	int64_t surplus;
	struct sku first; /* one of them, */
	int64_t units;    /* and how much is in transit of it */
};

/* What would be claimed if the transfer were settled now. */
MUST_CHECK enum err_code transfer_rest_of(const struct view *view,
					  struct span id,
					  struct transfer_rest *ret_rest,
					  struct err *err);

/*
 * Settles a transfer that this site is the addressee of and whose packing list
 * is whole (transfer_list_is_whole): posts claims for what is missing, damaged
 * or too much, against
 * @party, the movements that take it out of or into transit, and says
 * TRANSFER_RECEIVED. Surplus that lies in DOCK is put on hold.
 */
MUST_CHECK enum err_code transfer_settle(struct act *act, struct span id,
					 enum claim_party party,
					 struct err *err);

/*
 * What HQ's control feed has to say to close a transfer that will never arrive:
 * a movement for each item of which any is in transit, all of it to loss, and
 * TRANSFER_LOST. @visit gets the entries one by one, without stamp and actor;
 * they are borrowed. Nothing is written here. A view of HQ's, any thread.
 * ERR_STOPPED    of an item, more is in transit than one movement carries, or
 *                @visit said so: when these are said, there is more to say
 * ERR_NOT_FOUND  there is no such transfer (@err untouched)
 */
typedef enum err_code
transfer_entry_fn(void *context, const struct entry *entry, struct err *err);
MUST_CHECK enum err_code transfer_write_off(const struct view *view,
					    struct span id, struct span reason,
					    transfer_entry_fn *visit,
					    void *context, struct err *err);

/* Opens a claim; its id is in @claim, set here. */
MUST_CHECK enum err_code transfer_claim_open(struct act *act,
					     struct transfer_claim *claim,
					     struct err *err);

#endif
