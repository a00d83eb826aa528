/*
 * What is folded again when a feed turns out to end before what is here of it:
 * by a fence, or where it forks.
 */
#include <string.h>

#include "store/catalogue.h"
#include "store/feed_parts.h"
#include "store/heir.h"
#include "store/roster.h"
#include "store/site.h"
#include "store/transfer.h"

void feed_settle(struct feed_record *feed, uint64_t limit)
{
	if (feed->state == FEED_FORKED || feed->state == FEED_SEALED)
		return;
	if (feed->seq >= limit)
		feed->state = FEED_FENCED;
	else
		feed->state = feed->seq > feed->base ? FEED_CONTIGUOUS
						     : FEED_ADMITTED;
}

/* The seq at which the segment of delta @seq began. */
static enum err_code segment_find(const struct view *view, struct feed_id id,
				  uint64_t seq, uint64_t *ret_segment,
				  struct err *err)
{
	for (uint64_t at = seq; at > 0; at--) {
		struct delta delta;
		enum err_code code = feed_delta(view, id, at, &delta, err);

		if (code != ERR_OK)
			return code;
		if ((delta.header.flags & DELTA_SEGMENT_START) != 0 ||
		    at == 1) {
			*ret_segment = at;
			return ERR_OK;
		}
	}
	*ret_segment = 0;
	return ERR_OK;
}

enum err_code feed_record_at(const struct view *view, struct feed_id id,
			     uint64_t seq, struct feed_record *ret_feed,
			     struct err *err)
{
	struct feed_record feed = feed_fresh(id);
	uint8_t hash[HASH_SIZE];
	struct delta delta;
	enum err_code code;

	if (seq == 0) {
		*ret_feed = feed;
		return ERR_OK;
	}
	code = feed_delta(view, id, seq, &delta, err);
	if (code == ERR_OK)
		code = feed_hash_at(view, id, seq, hash, err);
	if (code == ERR_OK)
		feed_advance(&feed, &delta.header, hash);
	if (code == ERR_OK)
		code = segment_find(view, id, seq, &feed.segment, err);
	if (code == ERR_OK)
		*ret_feed = feed;
	return code;
}

/* Lets the deltas behind @at, the record as it was at one of them, take effect
 * again, up to @last. */
static enum err_code deltas_replay(struct applying *applying,
				   const struct feed_record *from,
				   uint64_t last, struct err *err)
{
	const struct view *view = txn_view(applying->txn);
	struct feed_record at = *from;
	enum err_code code = ERR_OK;

	applying->feed = &at;
	for (uint64_t seq = at.seq + 1; seq <= last && code == ERR_OK; seq++) {
		uint8_t hash[HASH_SIZE];
		struct delta delta;

		code = feed_delta(view, at.id, seq, &delta, err);
		if (code != ERR_OK)
			break;
		delta_hash(applying->desk->net_id, &delta.header, hash);
		code = delta_enter(applying, &delta, hash, err);
	}
	if (code == ERR_NOT_FOUND)
		code = err_set(err, ERR_CORRUPT, "a delta is missing");
	applying->feed = NULL;
	if (code == ERR_OK)
		*applying->replayed = at;
	return code;
}

/* Those of @feed behind its base. */
static enum err_code feed_replay(struct applying *applying,
				 const struct feed_record *feed, uint64_t last,
				 struct err *err)
{
	struct feed_record at;
	enum err_code code = feed_record_at(txn_view(applying->txn), feed->id,
					    feed->base, &at, err);

	if (code != ERR_OK)
		return code;
	at.is_own = feed->is_own;
	return deltas_replay(applying, &at, last, err);
}

/* ---- balances ---- */

struct void_first {
	struct pos pos;
};

static enum err_code void_first_note(void *context, struct pos pos,
				     enum void_reason reason, struct err *err)
{
	struct void_first *first = context;

	(void)reason;
	(void)err;
	first->pos = pos;
	return ERR_STOPPED;
}

static enum err_code voids_clear(struct txn *txn, struct feed_id id,
				 struct err *err)
{
	for (;;) {
		struct void_first first = {{0}};
		struct key key = {.size = 0};
		enum err_code code = feed_void_walk(
			txn_view(txn), id, void_first_note, &first, err);

		if (code != ERR_STOPPED)
			return code;
		key_add_u8(&key, FEED_VOID);
		key_add_feed(&key, id);
		key_add_u64(&key, pos_number(first.pos));
		code = txn_delete(txn, TABLE_FEED, key_span(&key), err);
		if (code != ERR_OK)
			return code;
	}
}

/* A closing that no longer counts has sealed nothing. */
static enum err_code seal_settle(const struct view *view,
				 const struct feed_record *replayed,
				 struct feed_record *feed, struct err *err)
{
	uint64_t limit;
	enum err_code code;

	if (replayed->state == FEED_SEALED)
		feed->state = FEED_SEALED;
	if (feed->state != FEED_SEALED || replayed->state == FEED_SEALED)
		return ERR_OK;
	code = feed_limit(view, feed, &limit, err);
	if (code != ERR_OK)
		return code;
	feed->state = FEED_CONTIGUOUS;
	feed_settle(feed, limit);
	return ERR_OK;
}

/* Its balances, and @also. */
static enum err_code refold_with(struct feed_desk *desk, struct txn *txn,
				 struct feed_record *feed, unsigned also,
				 struct err *err)
{
	struct feed_record replayed;
	struct applying applying = {.desk = desk,
				    .txn = txn,
				    .what = APPLY_BALANCES | also,
				    .replayed = &replayed};
	enum err_code code = accounts_clear(txn, feed->id, err);

	if (code == ERR_OK)
		code = voids_clear(txn, feed->id, err);
	if (code == ERR_OK)
		code = feed_replay(&applying, feed, feed->counted, err);
	if (code != ERR_OK)
		return code;
	feed->rows = replayed.rows;
	feed->void_rows = replayed.void_rows;
	feed->late = 0;
	code = seal_settle(txn_view(txn), &replayed, feed, err);
	return code == ERR_OK ? feed_put(txn, feed, err) : code;
}

enum err_code feed_refold(struct feed_desk *desk, struct txn *txn,
			  struct feed_record *feed, struct err *err)
{
	return refold_with(desk, txn, feed, 0, err);
}

enum err_code late_fold(struct feed_desk *desk, struct txn *txn,
			struct feed_record *feed, struct err *err)
{
	struct feed_record at;
	struct applying applying = {.desk = desk,
				    .txn = txn,
				    .what = APPLY_BALANCES,
				    .replayed = &at};
	enum err_code code;

	if (feed->late == 0)
		return ERR_OK;
	code = feed_record_at(txn_view(txn), feed->id, feed_folded(feed), &at,
			      err);
	if (code != ERR_OK)
		return code;
	at.is_own = feed->is_own;
	at.rows = feed->rows;
	at.void_rows = feed->void_rows;
	code = deltas_replay(&applying, &at, feed->counted, err);
	if (code != ERR_OK)
		return code;
	feed->rows = at.rows;
	feed->void_rows = at.void_rows;
	feed->late = 0;
	return feed_put(txn, feed, err);
}

/* ---- all feeds of a site, or of control ---- */

/* The feed behind @after that is to be looked at; ERR_STOPPED: found. */
struct next {
	uint32_t site; /* 0: any */
	bool is_found;
	struct feed_record feed;
};

static enum err_code next_note(void *context, const struct feed_record *feed,
			       struct err *err)
{
	struct next *next = context;

	(void)err;
	if (next->site != 0 && feed->id.site != next->site)
		return ERR_OK;
	next->feed = *feed;
	next->is_found = true;
	return ERR_STOPPED;
}

static enum err_code feed_next(const struct view *view,
			       const struct feed_id *after, uint32_t site,
			       struct next *ret_next, struct err *err)
{
	enum err_code code;

	*ret_next = (struct next){.site = site};
	code = feed_walk(view, after, next_note, ret_next, err);
	return code == ERR_STOPPED ? ERR_OK : code;
}

/* Of what this box signs the journal alone tells. */
static bool is_journalled(const struct feed_record *feed)
{
	return feed->is_own && feed->id.site >= SITE_FIRST;
}

/* A row may be void for want of room in its feed's balances, so it is those
 * that tell which movements say something of a transfer. */
static bool needs_balances(const struct feed_record *feed, unsigned what)
{
	return (what & APPLY_TRANSFERS) != 0 && feed->void_rows > 0 &&
	       !is_journalled(feed);
}

/* Folds what @site's feeds say, as far as it counts, into what @what names. */
static enum err_code site_replay(struct feed_desk *desk, struct txn *txn,
				 uint32_t site, unsigned what, struct err *err)
{
	struct feed_record replayed;
	struct applying applying = {
		.desk = desk, .txn = txn, .what = what, .replayed = &replayed};
	struct next next;
	enum err_code code = feed_next(txn_view(txn), NULL, site, &next, err);

	while (code == ERR_OK && next.is_found) {
		struct feed_record feed = next.feed;

		code = needs_balances(&feed, what)
			       ? refold_with(desk, txn, &feed, what, err)
			       : feed_replay(&applying, &feed, feed.counted,
					     err);
		if (code == ERR_OK)
			code = feed_next(txn_view(txn), &feed.id, site, &next,
					 err);
	}
	return code;
}

/* Forgets what @site's feeds said beside movements: to be folded anew. */
static enum err_code rest_clear(struct txn *txn, uint32_t site, struct err *err)
{
	enum err_code code = latest_clear(txn, site, err);

	if (code == ERR_OK)
		code = roster_clear_answers(txn, site, err);
	if (code == ERR_OK)
		code = heir_close_clear(txn, site, err);
	if (code == ERR_OK && site == SITE_CONTROL)
		code = roster_clear(txn, err);
	if (code == ERR_OK && site == SITE_MASTER)
		code = catalogue_clear(txn, err);
	return code;
}

static enum err_code transfers_replay(struct feed_desk *desk, struct txn *txn,
				      uint32_t site, struct err *err)
{
	enum err_code code = transfer_forget(txn, site, err);

	if (code == ERR_OK)
		code = site_replay(desk, txn, site, APPLY_TRANSFERS, err);
	return code;
}

static enum err_code transfers_again(struct feed_desk *desk, struct txn *txn,
				     const struct feed_record *feed,
				     struct err *err)
{
	if (is_journalled(feed))
		return ERR_OK;
	return transfers_replay(desk, txn, feed->id.site, err);
}

enum err_code feed_line_again(struct feed_desk *desk, struct txn *txn,
			      struct err *err)
{
	uint32_t own = 0;
	enum err_code code = site_number_get(txn_view(txn), &own, err);

	if (code != ERR_OK || own == 0)
		return code;
	return transfers_replay(desk, txn, own, err);
}

enum err_code feed_fold_again(struct feed_desk *desk, struct txn *txn,
			      struct feed_record *feed, struct err *err)
{
	enum err_code code = feed_refold(desk, txn, feed, err);

	return code == ERR_OK ? transfers_again(desk, txn, feed, err) : code;
}

/* @feed ends at @limit, and more than that, or less, was counted. */
static enum err_code feed_cut(struct feed_desk *desk, struct txn *txn,
			      struct feed_record *feed, uint64_t limit,
			      struct err *err)
{
	uint32_t site = feed->id.site;
	enum err_code code;

	feed->counted = limit < feed->seq ? limit : feed->seq;
	if (feed->counted < feed->base)
		feed->counted = feed->base;
	code = feed_refold(desk, txn, feed, err);
	if (code == ERR_OK)
		code = rest_clear(txn, site, err);
	if (code == ERR_OK)
		code = site_replay(desk, txn, site, APPLY_REST, err);
	if (code == ERR_OK)
		code = transfers_again(desk, txn, feed, err);
	if (code == ERR_OK)
		code = told_settle(desk, txn, feed,
				   &(struct told_range){.first = 1,
							.last = feed->number},
				   err);
	return code;
}

static bool is_counted(const struct feed_record *feed, uint64_t limit)
{
	uint64_t counted = limit < feed->seq ? limit : feed->seq;

	if (counted < feed->base)
		counted = feed->base;
	return feed->counted == counted;
}

enum err_code feed_fences_apply(struct feed_desk *desk, struct txn *txn,
				struct err *err)
{
	struct next next;
	enum err_code code = feed_next(txn_view(txn), NULL, 0, &next, err);

	while (code == ERR_OK && next.is_found) {
		struct feed_record feed = next.feed;
		uint64_t limit;

		code = heir_again(txn, desk->net_id, feed.id.site,
				  feed.id.epoch, err);
		if (code == ERR_OK)
			code = feed_limit(txn_view(txn), &feed, &limit, err);
		if (code != ERR_OK)
			break;
		feed_settle(&feed, limit);
		if (!is_counted(&feed, limit))
			code = feed_cut(desk, txn, &feed, limit, err);
		else if (feed.state != next.feed.state)
			code = feed_put(txn, &feed, err);
		if (code == ERR_OK)
			code = feed_next(txn_view(txn), &feed.id, 0, &next,
					 err);
	}
	return code;
}

/* ---- everything ---- */

enum err_code feed_fold_late(struct feed_desk *desk, struct txn *txn,
			     uint32_t site, struct err *err)
{
	struct next next;
	enum err_code code = feed_next(txn_view(txn), NULL, site, &next, err);

	while (code == ERR_OK && next.is_found) {
		struct feed_record feed = next.feed;

		code = late_fold(desk, txn, &feed, err);
		if (code == ERR_OK)
			code = feed_next(txn_view(txn), &feed.id, site, &next,
					 err);
	}
	return code;
}

static enum err_code site_rebuild(struct feed_desk *desk, struct txn *txn,
				  uint32_t site, struct err *err)
{
	struct next next;
	enum err_code code = feed_next(txn_view(txn), NULL, site, &next, err);

	while (code == ERR_OK && next.is_found) {
		struct feed_record feed = next.feed;

		code = feed_refold(desk, txn, &feed, err);
		if (code == ERR_OK)
			code = feed_next(txn_view(txn), &feed.id, site, &next,
					 err);
	}
	if (code == ERR_OK)
		code = rest_clear(txn, site, err);
	if (code == ERR_OK)
		code = transfer_forget(txn, site, err);
	if (code == ERR_OK)
		code = site_replay(desk, txn, site,
				   APPLY_TRANSFERS | APPLY_REST, err);
	return code;
}

enum err_code feed_rebuild(struct feed_desk *desk, struct txn *txn,
			   struct err *err)
{
	struct next next;
	enum err_code code = feed_next(txn_view(txn), NULL, 0, &next, err);

	while (code == ERR_OK && next.is_found) {
		struct feed_id last = {next.feed.id.site, UINT32_MAX,
				       UINT64_MAX};

		code = site_rebuild(desk, txn, last.site, err);
		if (code == ERR_OK)
			code = feed_next(txn_view(txn), &last, 0, &next, err);
	}
	return code;
}
