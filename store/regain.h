/*
 * regain - what feeds of this site's past say, and its journal has not, comes
 * into the journal.
 *
 * Layer     store
 * Threads   regain_is_due, regain_words: any, through a view; the rest: the
 *           writer
 * On disk   docs/format/tables.md: `r` of TABLE_FEED; not derived
 *
 * The past is what store/past.h says. A box that took another one's place has
 * nothing of it at first; one that was set back may get more of it long after
 * it went on. Whatever way it comes, each entry that counts in its feed, and
 * that the journal does not have, is told again in the present epoch and names
 * its place (struct entry, regained): so it counts once for everybody
 * (docs/protocol/sync.md, "What is told twice"), and once for this box.
 *
 * What does not come back: tasks, alerts and states of the site, which are
 * about the box as it was, but for what HQ asked for (its answer comes back, so
 * HQ takes it for done) and what became of that; master data that this box has
 * said since; accounts of a box that this one replaced, for they name users of
 * another system; the book of a site that was closed; a movement for whose lot
 * a bin has no room any more (BALANCE_CELLS_MAX), of which people are asked to
 * count that bin.
 */
#ifndef DEPOT_STORE_REGAIN_H
#define DEPOT_STORE_REGAIN_H

#include "store/feed.h"
#include "store/ledger.h"
#include "store/regain_net.h"

/* A feed of the past has more than was looked at. */
MUST_CHECK enum err_code regain_is_due(const struct view *view, uint32_t site,
				       bool *ret_is_due, struct err *err);

/*
 * Looks at the next deltas, of REGAIN_ROWS_MAX rows about, and tells again what
 * the journal lacks. Call again until *@ret_step is done: readings wait for a
 * step, some 20 ms.
 *
 * Errors as batch_post: abandon.
 */
#define REGAIN_ROWS_MAX 512
struct regain_step {
	uint64_t regained; /* entries */
	bool is_done;
};
MUST_CHECK enum err_code
regain_step(struct batch *batch, const uint8_t net_id[NET_ID_SIZE],
	    uint32_t site, struct regain_step *ret_step, struct err *err);

/* The rule that writes what HQ asked for (gateway/core/intent.h). */
#define REGAIN_HQ "hq"

/* ---- for store/succession.h ---- */

/* An entry of the journal and one of a feed are one and the same: all fields as
 * a row has them, the stamp too; without a device's own numbers. */
MUST_CHECK bool regain_is_same(const struct entry *ours,
			       const struct entry *theirs);

/* All of @feed was looked at. */
MUST_CHECK enum err_code
regain_note(struct txn *txn, const struct feed_record *feed, struct err *err);

/*
 * Tells @sealed again, which lies at @pos of a feed of the past, and is not in
 * the journal; unless it is none that comes back. What people found and counted
 * for want of it is netted out (store/regain_net.h): netting_finish is due
 * before the batch is committed.
 */
MUST_CHECK enum err_code regain_entry(struct netting *netting, struct pos pos,
				      const struct entry *sealed,
				      bool *ret_is_told, struct err *err);

#endif
