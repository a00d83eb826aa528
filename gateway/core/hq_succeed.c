#include "gateway/core/hq_succeed.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/core/hq_ends.h"
#include "gateway/core/hq_fence.h"
#include "gateway/core/hq_parents.h"

/* ---- which one ---- */

struct waiting {
	const struct view *view;
	const struct hq_succeeding *wanted;
	size_t count;
	struct heir heir;
};

/* HQ has chosen another one, or has ended it. */
static enum err_code is_over(const struct view *view, const struct heir *heir,
			     bool *ret_is, struct err *err)
{
	struct feed_id id = {heir->site, heir->epoch, 0};
	bool stands = true;
	struct fence fence;
	enum err_code code = roster_fence(view, id, &fence, err);

	*ret_is = code == ERR_OK;
	if (code != ERR_NOT_FOUND)
		return code;
	code = heir_stands(view, heir, &stands, err);
	*ret_is = !stands;
	return code;
}

static enum err_code waiting_note(void *context, const struct heir *heir,
				  struct err *err)
{
	struct waiting *waiting = context;
	struct certificate certificate;
	bool is_one_over = false;
	enum err_code code;

	if (heir->site != waiting->wanted->site ||
	    (waiting->wanted->epoch != 0 &&
	     heir->epoch != waiting->wanted->epoch))
		return ERR_OK;
	code = roster_certificate(waiting->view, heir->site, heir->epoch,
				  &certificate, err);
	if (code == ERR_OK && waiting->wanted->epoch == 0)
		return ERR_OK;
	if (code == ERR_OK)
		return err_set(err, ERR_CONFLICT,
			       "epoch %" PRIu32 " is certified", heir->epoch);
	if (code != ERR_NOT_FOUND)
		return code;
	code = is_over(waiting->view, heir, &is_one_over, err);
	if (code != ERR_OK || (is_one_over && waiting->wanted->epoch == 0))
		return code;
	waiting->heir = *heir;
	waiting->count++;
	return ERR_OK;
}

enum err_code hq_waits(const struct view *view, uint32_t site,
		       uint32_t *ret_epoch, struct err *err)
{
	struct hq_succeeding wanted = {.site = site};
	struct waiting waiting = {.view = view, .wanted = &wanted};
	enum err_code code = heir_walk(view, waiting_note, &waiting, err);

	if (code == ERR_OK)
		*ret_epoch = waiting.count > 0 ? waiting.heir.epoch : 0;
	return code;
}

/* Of an epoch that HQ has heard nothing of but what people say: it is beyond
 * all lives that have HQ's word. */
static enum err_code stranger_check(const struct view *view,
				    const struct hq_succeeding *wanted,
				    struct err *err)
{
	struct certificate last;
	enum err_code code = roster_site(view, wanted->site, &last, err);

	if (code == ERR_OK && wanted->epoch == last.epoch)
		return err_set(err, ERR_CONFLICT,
			       "epoch %" PRIu32 " is certified", last.epoch);
	if (code == ERR_OK && wanted->epoch < last.epoch)
		code = ERR_NOT_FOUND;
	if (code == ERR_NOT_FOUND)
		return err_set(
			err, code,
			"no life of that site ends before epoch %" PRIu32,
			wanted->epoch);
	return code;
}

static enum err_code key_check(const struct hq_succeeding *wanted,
			       const struct heir *heir, struct err *err)
{
	if (!wanted->has_key && !heir->is_vouched)
		return err_set(err, ERR_DENIED,
			       "the key of epoch %" PRIu32
			       " was not vouched for",
			       heir->epoch);
	if (wanted->has_key &&
	    memcmp(heir->public_key, wanted->public_key, KEY_PUBLIC_SIZE) != 0)
		return err_set(err, ERR_INVALID,
			       "epoch %" PRIu32 " has another key",
			       heir->epoch);
	return ERR_OK;
}

static enum err_code heir_find(const struct view *view,
			       const struct hq_succeeding *wanted,
			       struct heir *ret_heir, struct err *err)
{
	struct waiting waiting = {.view = view, .wanted = wanted};
	struct heir *heir = &waiting.heir;
	enum err_code code = heir_walk(view, waiting_note, &waiting, err);

	if (code != ERR_OK)
		return code;
	if (waiting.count > 1)
		return err_set(err, ERR_CONFLICT,
			       "%zu epochs of that site wait", waiting.count);
	if (waiting.count == 0 && (wanted->epoch == 0 || !wanted->has_key))
		return err_set(err, ERR_NOT_FOUND,
			       "no epoch of that site waits");
	if (waiting.count == 0) {
		code = stranger_check(view, wanted, err);
		*heir = (struct heir){.site = wanted->site,
				      .epoch = wanted->epoch};
		memcpy(heir->public_key, wanted->public_key, KEY_PUBLIC_SIZE);
	}
	if (code == ERR_OK)
		code = key_check(wanted, heir, err);
	if (code == ERR_OK)
		*ret_heir = *heir;
	return code;
}

/* ---- what is said ---- */

static enum err_code parent_find(const struct view *view,
				 const struct heir *heir,
				 struct certificate *ret_parent,
				 struct err *err)
{
	enum err_code code = roster_certificate(view, heir->site,
						heir->succession.parent_epoch,
						ret_parent, err);

	/* A life in between may never have been certified. */
	if (code == ERR_NOT_FOUND)
		code = roster_site(view, heir->site, ret_parent, err);
	return code;
}

/* Certifies one that goes on from a certified one, or from one that nobody
 * knows. */
static enum err_code heir_certify(const struct hq *hq, struct batch *batch,
				  const struct heir *heir,
				  const struct reason *reason,
				  struct hq_succeeded *ret_succeeded,
				  struct err *err)
{
	UNINITIALIZED struct entry entries[HQ_LIFE_ENTRIES_MAX];
	struct certificate *certificate = &entries[0].body.certificate;
	struct fence *fence = &entries[1].body.fence;
	struct hq_word word = {entries, 1, false};
	struct hq_succeeded succeeded;
	struct hq_life life;
	struct certificate parent;
	enum err_code code = parent_find(batch_view(batch), heir, &parent, err);

	if (code != ERR_OK)
		return code;
	entry_init(&entries[0], ENTRY_CERTIFICATE);
	entry_init(&entries[1], ENTRY_FENCE);
	*certificate = parent;
	certificate->epoch = heir->epoch;
	certificate->parent_epoch = heir->succession.parent_epoch != 0
					    ? heir->succession.parent_epoch
					    : parent.epoch;
	certificate->is_provisional = false;
	certificate->valid_from_ms = (uint64_t)batch_now(batch).ms;
	memcpy(certificate->public_key, heir->public_key, KEY_PUBLIC_SIZE);
	life = (struct hq_life){heir->site, heir->epoch,
				certificate->parent_epoch};
	code = hq_parent_end(batch_view(batch), &life, fence,
			     &succeeded.is_fenced, err);
	if (code != ERR_OK)
		return code;
	fence->reason = *reason;
	word.count += succeeded.is_fenced;
	succeeded.certificate = *certificate;
	succeeded.fence = *fence;
	code = hq_say_life(hq, batch, &word, &life, err);
	if (code == ERR_OK)
		*ret_succeeded = succeeded;
	return code;
}

/* The lives before @heir that were vouched for and never certified, the last
 * one first. */
struct line {
	struct heir heirs[HEIR_GENERATIONS_MAX];
	size_t count;
};

static enum err_code line_find(const struct view *view, const struct heir *heir,
			       struct line *line, struct err *err)
{
	struct certificate certificate;
	uint32_t epoch = heir->succession.parent_epoch;
	enum err_code code = ERR_OK;

	line->count = 0;
	while (line->count < ARRAY_LEN(line->heirs)) {
		struct heir *one = &line->heirs[line->count];

		code = roster_certificate(view, heir->site, epoch, &certificate,
					  err);
		if (code != ERR_NOT_FOUND)
			return code;
		code = heir_get(view, heir->site, epoch, one, err);
		if (code != ERR_OK || !one->is_vouched)
			break;
		epoch = one->succession.parent_epoch;
		line->count++;
	}
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code hq_succeed(const struct hq *hq, struct batch *batch,
			 const struct hq_succeeding *succeeding,
			 struct hq_succeeded *ret_succeeded, struct err *err)
{
	UNINITIALIZED struct line line;
	struct hq_succeeded before;
	struct heir heir = {.site = 0};
	enum err_code code =
		heir_find(batch_view(batch), succeeding, &heir, err);

	if (code == ERR_OK)
		code = line_find(batch_view(batch), &heir, &line, err);
	/* Else what they said would count only as far as it is held here. */
	while (code == ERR_OK && line.count > 0)
		code = heir_certify(hq, batch, &line.heirs[--line.count],
				    &succeeding->reason, &before, err);
	if (code != ERR_OK)
		return code;
	return heir_certify(hq, batch, &heir, &succeeding->reason,
			    ret_succeeded, err);
}

/* Whether HQ may certify it without being asked to. */
static enum err_code may_stand(const struct view *view, uint32_t site,
			       uint32_t epoch, bool *ret_may, struct err *err)
{
	struct heir heir;
	bool is_one_over = true;
	enum err_code code = heir_get(view, site, epoch, &heir, err);

	if (code == ERR_OK && heir.is_vouched)
		code = is_over(view, &heir, &is_one_over, err);
	*ret_may = !is_one_over;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code hq_succeed_place(const struct hq *hq, struct batch *batch,
			       const struct hq_succeeding *place, bool *ret_is,
			       struct err *err)
{
	const struct view *view = batch_view(batch);
	struct certificate certificate;
	struct hq_succeeded done;
	enum err_code code = roster_certificate(view, place->site, place->epoch,
						&certificate, err);

	*ret_is = code == ERR_OK;
	if (code != ERR_NOT_FOUND)
		return code;
	code = may_stand(view, place->site, place->epoch, ret_is, err);
	if (code == ERR_OK && *ret_is)
		code = hq_succeed(hq, batch, place, &done, err);
	return code;
}

/* ---- branches ---- */

/* A cut of that very branch, or of what all branches share, stays where it is;
 * one of another branch says nothing of this one. */
static enum err_code choice_cut(const struct view *view,
				const struct feed_record *feed,
				struct fence *fence, struct err *err)
{
	struct fence before;
	uint8_t hash[HASH_SIZE];
	bool is_there;
	enum err_code code =
		hq_fence_before(view, fence, &before, &is_there, err);

	if (code != ERR_OK || !is_there)
		return code;
	code = feed_hash_at(view, feed->id, before.seq, hash, err);
	if (code == ERR_OK && memcmp(hash, before.hash, HASH_SIZE) == 0) {
		fence->seq = before.seq;
		memcpy(fence->hash, before.hash, HASH_SIZE);
	}
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* Where @fence ends @feed, and its verdict. */
static enum err_code choice_place(const struct view *view,
				  const struct hq_choice *choice,
				  const struct feed_record *feed,
				  struct fence *fence, struct err *err)
{
	bool is_named = choice->has_seq || choice->is_dropped;
	struct fence before;
	bool is_there;
	enum err_code code;

	fence->seq = choice->is_dropped ? feed->base
		     : choice->has_seq  ? choice->seq
					: feed->seq;
	if (fence->seq < feed->base || fence->seq > feed->seq)
		return err_set(err, ERR_INVALID,
			       "delta %" PRIu64 " is not within that branch",
			       fence->seq);
	code = fence->seq > 0 ? feed_hash_at(view, feed->id, fence->seq,
					     fence->hash, err)
			      : ERR_OK;
	if (code == ERR_OK && is_named)
		return hq_fence_before(view, fence, &before, &is_there, err);
	return code == ERR_OK ? choice_cut(view, feed, fence, err) : code;
}

enum err_code hq_choose(const struct hq *hq, struct batch *batch,
			const struct hq_choice *choice, struct fence *ret_fence,
			struct err *err)
{
	const struct view *view = batch_view(batch);
	struct entry entry;
	struct hq_word word = {&entry, 1, false};
	struct fence *fence = &entry.body.fence;
	struct feed_record feed;
	enum err_code code;

	/* Of its word only the root can choose. */
	if (choice->branch.site < SITE_FIRST)
		return err_set(err, ERR_INVALID, "that is HQ's word");
	if (choice->branch.site == SITE_FIRST &&
	    choice->branch.epoch == pos_epoch(batch_next(batch)))
		return err_set(err, ERR_DENIED,
			       "HQ's own ledger goes on in epoch %" PRIu32,
			       choice->branch.epoch);
	code = feed_get(view, choice->branch, &feed, err);
	if (code == ERR_NOT_FOUND)
		return err_set(err, code, "there is no such branch here");
	if (code != ERR_OK)
		return code;
	entry_init(&entry, ENTRY_FENCE);
	*fence = (struct fence){
		.site = feed.id.site,
		.epoch = feed.id.epoch,
		.branch = choice->is_dropped ? feed.id.branch : 0,
		.verdict = choice->is_dropped ? FENCE_DROPPED : FENCE_STAYS,
		.reason = choice->reason};
	code = choice_place(view, choice, &feed, fence, err);
	if (code == ERR_OK)
		code = hq_say(hq, batch, &word, NULL, err);
	if (code == ERR_OK)
		*ret_fence = *fence;
	return code;
}
