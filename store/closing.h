/*
 * closing - a site's last word: nothing of it follows.
 *
 * Layer     store
 * Threads   the writer; closing_get, closing_compare: any, through a view
 * On disk   docs/format/tables.md: "closing" of TABLE_META; not derived
 *
 * Closing takes two steps. A person's wish is noted: from then on whoever
 * writes the journal writes nothing more (gateway/core/engine.h). Then, when
 * the feed may be sealed at all, all that waits is sealed, and in the same
 * transaction the SEAL (ENTRY_CLOSING) is posted behind it, so that the totals
 * in it are those of the feed it ends. The delta that has it is the last.
 */
#ifndef DEPOT_STORE_CLOSING_H
#define DEPOT_STORE_CLOSING_H

#include "store/feed.h"
#include "store/ledger.h"

struct closing {
	struct name account; /* whose wish it was */
	struct moment asked;
};

/* ERR_NOT_FOUND  nobody closes this site (@err untouched) */
MUST_CHECK enum err_code closing_get(const struct view *view,
				     struct closing *ret_closing,
				     struct err *err);
MUST_CHECK enum err_code
closing_put(struct txn *txn, const struct closing *closing, struct err *err);

/* This box's own feed of the journal's epoch. ERR_NOT_FOUND: nothing of it is
 * sealed yet. */
MUST_CHECK enum err_code closing_feed(const struct view *view, uint32_t site,
				      struct feed_record *ret_feed,
				      struct err *err);

/* *@ret_is_due: it was asked for, and the feed has no SEAL yet. */
MUST_CHECK enum err_code closing_is_due(const struct view *view, uint32_t site,
					bool *ret_is_due, struct err *err);

/* What a SEAL would say now, but for the digest. */
MUST_CHECK enum err_code closing_totals(const struct view *view, uint32_t site,
					struct site_closing *ret_totals,
					struct err *err);

/*
 * *@ret_epoch: the last of @site's epochs that HQ closed (FENCE_CLOSED); 0:
 * none. What the feeds of all its epochs up to that one have in bins is written
 * off, also where another box has taken the site up again since: that one's
 * book begins behind it.
 */
MUST_CHECK enum err_code closing_by_hq(const struct view *view, uint32_t site,
				       uint32_t *ret_epoch, struct err *err);

enum closing_verdict {
	CLOSING_OPEN = 1, /* the feed has no SEAL here */
	CLOSING_AGREES,  /* it says the balances that its deltas come to here */
	CLOSING_DIFFERS, /* it does not */
};

/*
 * Compares the digest of balances in the SEAL of @feed with what is here. A
 * site that had an earlier life may differ in good faith: what it told twice
 * counts here by both feeds, and it may not have had the old one when it closed
 * (docs/protocol/sync.md, "What is told twice").
 */
MUST_CHECK enum err_code closing_compare(const struct view *view,
					 const uint8_t net_id[NET_ID_SIZE],
					 struct feed_id feed,
					 enum closing_verdict *ret_verdict,
					 struct err *err);

/*
 * Posts the SEAL, once, behind a feed that feed_seal has left nothing of in
 * this very transaction. The next one seals it. Nothing to do if what was
 * sealed there showed that the feed is over. Errors as batch_post;
 * ERR_NOT_FOUND  nobody asked for it, or nothing is sealed
 */
MUST_CHECK enum err_code closing_post(struct batch *batch,
				      struct feed_desk *desk, uint32_t site,
				      struct err *err);

#endif
