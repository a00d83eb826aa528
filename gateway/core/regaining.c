#include "gateway/core/regaining.h"

#include <string.h>

#include "store/journal.h"
#include "store/past.h"
#include "store/site.h"

enum err_code regaining_begin(struct regaining *regaining, uint32_t site,
			      const struct view *view, struct err *err)
{
	*regaining = (struct regaining){.site = site, .is_due = true};
	return site_regaining_get(view, &regaining->is_open, err);
}

/* ---- what is here, and what is to come ---- */

/* The site's deltas of other epochs than @epoch. */
static uint64_t held_of(const struct regaining *regaining,
			const struct sync *sync, uint32_t epoch,
			bool *ret_is_open)
{
	struct sync_feed_status feed;
	uint64_t held = 0;

	*ret_is_open = false;
	for (size_t i = 0; sync_feed_at(sync, i, &feed); i++) {
		if (feed.record.id.site != regaining->site ||
		    feed.record.id.epoch >= epoch)
			continue;
		held += feed.record.seq + feed.record.counted;
		if (feed.stuck_seq == 0 && feed.offered > feed.record.seq &&
		    feed.record.state != FEED_FORKED &&
		    feed.record.state != FEED_FENCED)
			*ret_is_open = true;
	}
	return held;
}

/* Since when nothing came, and somebody has answered on a link. */
static void signs_note(struct regaining *regaining, const struct sync *sync,
		       const struct regaining_now *now, bool is_coming)
{
	uint64_t ms = now->ms + 1;
	struct sync_counts counts;

	sync_counts(sync, &counts);
	if (regaining->start_ms == 0)
		regaining->start_ms = ms;
	if (is_coming || regaining->is_due || regaining->quiet_ms == 0)
		regaining->quiet_ms = ms;
	if (now->links == EXCHANGE_ALONE) {
		regaining->is_linked = false;
		regaining->answered_ms = 0;
	} else if (!regaining->is_linked) {
		regaining->is_linked = true;
		regaining->haves = counts.haves_got;
	}
	if (regaining->is_linked && regaining->answered_ms == 0 &&
	    counts.haves_got > regaining->haves)
		regaining->answered_ms = ms;
}

/* Whoever answers first need not be the one that has the book. */
static bool is_quiet(const struct regaining *regaining,
		     const struct regaining_now *now)
{
	uint64_t ms = now->ms + 1;

	if (ms - regaining->quiet_ms < REGAINING_QUIET_MS)
		return false;
	if (regaining->is_linked)
		return regaining->answered_ms != 0 &&
		       ms - regaining->answered_ms >= REGAINING_QUIET_MS;
	/* A stick brought it, and there may be another one. */
	return ms - regaining->start_ms >= REGAINING_WAIT_MS;
}

/* Whose place it took; 0: nobody's that a feed is here of. */
static enum err_code parent_find(const struct view *view, uint32_t site,
				 struct feed_record *ret_feed, struct err *err)
{
	struct past past = {.count = 0};
	struct feed_id id = {.site = site};
	enum err_code code = past_read(view, site, &past, err);

	if (code != ERR_OK)
		return code;
	ret_feed->seq = 0;
	if (past.count == 0)
		return ERR_OK;
	id.epoch = past.epochs[0];
	code = feed_get(view, id, ret_feed, err);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code due_look(struct regaining *regaining,
			      const struct view *view, uint64_t held,
			      struct err *err)
{
	enum err_code code;

	if (held == regaining->held && !regaining->is_due)
		return ERR_OK;
	code = regain_is_due(view, regaining->site, &regaining->is_due, err);
	if (code == ERR_OK)
		regaining->held = held;
	return code;
}

/* It can say how far it has the book of somebody. */
static enum err_code tell_look(struct regaining *regaining,
			       const struct view *view, struct err *err)
{
	struct feed_record parent = {.seq = 0};
	enum err_code code = parent_find(view, regaining->site, &parent, err);

	if (code == ERR_OK && parent.seq != 0)
		regaining->job = REGAINING_TELL;
	return code;
}

enum err_code regaining_look(struct regaining *regaining,
			     const struct sync *sync, const struct view *view,
			     const struct regaining_now *now,
			     enum regaining_job *ret_job, struct err *err)
{
	struct journal_head head;
	bool is_coming = false;
	enum err_code code = journal_head_get(view, &head, err);

	*ret_job = REGAINING_NOTHING;
	if (code == ERR_OK)
		code = due_look(regaining, view,
				held_of(regaining, sync, pos_epoch(head.pos),
					&is_coming),
				err);
	if (code != ERR_OK)
		return code;
	signs_note(regaining, sync, now, is_coming);
	if (now->ms < regaining->retry_ms)
		return ERR_OK;
	regaining->job = REGAINING_NOTHING;
	if (regaining->is_due)
		regaining->job = REGAINING_TAKE;
	else if (regaining->is_open && is_quiet(regaining, now))
		code = tell_look(regaining, view, err);
	*ret_job = regaining->job;
	return code;
}

/* ---- in the writer ---- */

static enum err_code tell(struct regaining *regaining, struct batch *batch,
			  struct err *err)
{
	struct feed_record parent = {.seq = 0};
	struct succession *succession;
	struct entry entry;
	enum err_code code =
		parent_find(batch_view(batch), regaining->site, &parent, err);

	if (code != ERR_OK || parent.seq == 0)
		return code;
	entry_init(&entry, ENTRY_SUCCESSION);
	succession = &entry.body.succession;
	succession->parent_epoch = parent.id.epoch;
	succession->parent_seq = parent.seq;
	memcpy(succession->parent_hash, parent.hash, HASH_SIZE);
	succession->reason = SUCCESSION_REPLACED;
	code = batch_post(batch, &entry, NULL, err);
	if (code == ERR_OK)
		code = site_regaining_put(batch_txn(batch), false, err);
	if (code != ERR_OK)
		return code;
	regaining->done.is_told = true;
	regaining->done.parent_epoch = parent.id.epoch;
	regaining->done.parent_seq = parent.seq;
	regaining->done.parent_stamp = parent.stamp;
	return ERR_OK;
}

enum err_code regaining_run(struct regaining *regaining,
			    const uint8_t net_id[NET_ID_SIZE],
			    struct batch *batch, struct err *err)
{
	struct regain_step step = {.regained = 0};
	enum err_code code;

	regaining->done = (struct regaining_done){.regained = 0};
	if (regaining->job == REGAINING_TELL)
		return tell(regaining, batch, err);
	code = regain_step(batch, net_id, regaining->site, &step, err);
	regaining->done.regained = step.regained;
	regaining->done.is_caught_up = step.is_done;
	return code;
}

/* ---- after it ---- */

void regaining_finish(struct regaining *regaining, bool is_committed,
		      uint64_t ms, struct regaining_done *ret_done)
{
	struct regaining_done done = regaining->done;

	regaining->job = REGAINING_NOTHING;
	*ret_done = (struct regaining_done){.regained = 0};
	if (!is_committed) {
		regaining->retry_ms = ms + REGAINING_RETRY_MS;
		return;
	}
	regaining->regained += done.regained;
	done.regained = regaining->regained;
	if (done.is_caught_up)
		regaining->regained = 0;
	if (done.is_told)
		regaining->is_open = false;
	*ret_done = done;
}

bool regaining_may_act(const struct regaining *regaining, uint64_t ms)
{
	return !regaining->is_open ||
	       (regaining->start_ms != 0 &&
		ms + 1 - regaining->start_ms >= REGAINING_WAIT_MS);
}
