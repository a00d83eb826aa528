/*
 * transfer - whose a transit place is, and what must hold on the way.
 *
 * Layer     rules/ledger; pure
 * Threads   any
 *
 * A transfer between two sites of a network is named by its sender, FROM-TO-N:
 * both sites' numbers and the sender's own count, decimal. So any node can tell
 * from a movement alone whether its writer may touch that transit place:
 *
 *   only the sender      moves units in, and takes those back
 *   only the addressee   moves units out, and takes those back; finds more than
 *                        was sent (found -> transit); claims what is missing
 *                        (transit -> loss)
 *   only HQ's control    writes off what was lost (transit -> loss) when it
 *                        closes a transfer
 *
 * Any other name is a transit place of its writer's own journal alone, as in a
 * network of one.
 *
 * The law, for each item of each transfer, at all times:
 *
 *   shipped + surplus = received good + damaged + claimed + lost + in transit
 *
 * Three parties write the terms, each in its own feed, so what is in transit
 * falls below zero while the sender's feed is behind the addressee's. It is
 * zero once both have said that they are done.
 *
 * The addressee ends a transfer by answering a certain word of the sender's. A
 * sender that has not heard of it may go on loading: then it has spoken since,
 * and what is in transit is a late load, on a transfer that is open again until
 * the addressee receives or claims it, or HQ writes it off. HQ's word ends what
 * HQ knew of. So it does not matter in which order the feeds come in.
 */
#ifndef DEPOT_RULES_LEDGER_TRANSFER_H
#define DEPOT_RULES_LEDGER_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/text.h"
#include "rules/ledger/entry.h"
#include "rules/ledger/movement.h"

/* ---- names ---- */

/* Numbers in the network: HQ's control feed, and the first that is a site. */
#define TRANSFER_SITE_CONTROL 1u
#define TRANSFER_SITE_FIRST 3u

struct transfer_id {
	uint32_t from; /* sites */
	uint32_t to;
	uint64_t number; /* the sender's count, from 1 to TRANSFER_NUMBER_MAX */
};

/*
 * A box that goes on in its site's place may not know yet, or ever, which
 * numbers the site has given: pallets with them stand on trucks. So each later
 * life of a site counts in a range of its own, from its epoch's number times
 * this, and the first life from 0.
 */
#define TRANSFER_LIFE_NUMBERS UINT64_C(1000000)
/* A number that is further than this beyond the last is no count. */
#define TRANSFER_NUMBERS_TYPED UINT64_C(1000)
#define TRANSFER_NUMBER_MAX UINT64_C(99999999999999)

/* False if @text is not FROM-TO-N of two different sites, in its one form. */
MUST_CHECK bool transfer_id_parse(struct span text, struct transfer_id *ret_id);
#define TRANSFER_ID_PRINT_SIZE 38
void transfer_id_print(const struct transfer_id *id,
		       char buffer[TRANSFER_ID_PRINT_SIZE]);

/* The transit place that @movement touches, or NULL. */
const struct place *transfer_place(const struct movement *movement);

/* ---- what a movement says of a transfer ---- */

enum transfer_side {
	TRANSFER_SENDER = 1,
	TRANSFER_ADDRESSEE = 2,
	TRANSFER_HQ = 3,
};

struct transfer_sums {
	int64_t shipped;
	int64_t surplus;
	int64_t good; /* received, in whatever condition but damaged */
	int64_t damaged;
	int64_t claimed; /* missing, by the addressee's account */
	int64_t lost;    /* written off by HQ */
};

/*
 * Which side says what @movement says, posted by site @site (0: a network of
 * one), and what it adds to the sums (less than 0 for what it takes back).
 * False if it touches no transit place, or two.
 */
MUST_CHECK bool transfer_effect(uint32_t site, const struct movement *movement,
				enum transfer_side *ret_side,
				struct transfer_sums *ret_sums);

/*
 * True if site @site may post @movement as far as transit places are concerned;
 * true for a movement that touches none. A row of another site's feed for which
 * it is false is void. @site 0, a network of one, may touch all.
 */
bool transfer_has_authority(uint32_t site, const struct movement *movement);

/* Likewise for what @entry (ENTRY_TRANSFER, ENTRY_CLAIM) says; true for any
 * other kind. HQ's control may say of any transfer that it is lost. */
bool transfer_entry_has_authority(uint32_t site, const struct entry *entry);

/* Which side @site is of @id: 0 if none. In a network of one, or for an id of
 * no network, the sender. */
enum transfer_side transfer_side_of(uint32_t site, struct span id);

/* ---- the law ---- */

/* False if a sum would leave int64: nothing was added. */
MUST_CHECK bool transfer_sums_add(struct transfer_sums *sums,
				  const struct transfer_sums *more);
bool transfer_sums_are_zero(const struct transfer_sums *sums);

/* shipped + surplus - good - damaged - claimed - lost. False: beyond int64. */
MUST_CHECK bool transfer_in_transit(const struct transfer_sums *sums,
				    int64_t *ret_units);

/* What has been said of a transfer as a whole; 0: nothing yet. */
struct transfer_states {
	enum transfer_state sender;
	enum transfer_state addressee;
	enum transfer_state hq;
	bool is_reopened; /* transfer_reopens */
};

/* True once nothing more may be in transit: both sides are done (the sender has
 * shipped all, the addressee received or claimed all), or the sender cancelled
 * it (and the addressee does not receive what came nevertheless), or HQ wrote
 * the rest off; and it was not opened again since. */
bool transfer_is_closed(const struct transfer_states *states);

/*
 * Whether a transfer of which something is in transit, and of which @states
 * were said, is open again: its addressee is done with another packing list
 * than the sender's last word, at @said, for it answers @answered (zeros:
 * none); or HQ has written off what it knew of, and this is more. Never after
 * the sender itself has closed it, nor by HQ's word after it cancelled it.
 */
bool transfer_reopens(const struct transfer_states *states, struct pos said,
		      struct pos answered);

/* The sender has said that all is out. */
bool transfer_is_shipped(const struct transfer_states *states);
/* The packing list is whole: all is out, or the sender cancelled it. */
bool transfer_list_is_whole(const struct transfer_states *states);

enum transfer_verdict {
	TRANSFER_BALANCED = 0, /* nothing is in transit */
	TRANSFER_UNDER_WAY,
	TRANSFER_RECEIVED_BEFORE_SHIPPED, /* the sender's feed is behind */
	TRANSFER_RESIDUE, /* it is closed, and something is in transit */
	TRANSFER_UNSOUND, /* a sum is less than zero, or beyond int64 */
};

/* How an item of a transfer stands. *@ret_units is what is in transit, or, if
 * unsound, 0. */
enum transfer_verdict transfer_judge(const struct transfer_sums *sums,
				     bool is_closed, int64_t *ret_units);
/* "received_before_shipped" ... Never NULL. */
const char *transfer_verdict_name(enum transfer_verdict verdict);

/* ---- closing ---- */

/*
 * What has to be posted so that nothing of an item is in transit any more:
 * transit -> loss for what is missing, found -> transit for what is too much.
 * Posted by the addressee it is a claim or a surplus; by HQ's control, what was
 * lost. *@ret_movement lacks only its item, lot and reason. False if nothing
 * is in transit.
 */
MUST_CHECK bool transfer_close_lost(struct span id,
				    const struct transfer_sums *sums,
				    struct movement *ret_movement);

#endif
