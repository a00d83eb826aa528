#include "gateway/core/hq_succeed.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/core/hq_ends.h"

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

enum err_code hq_parent_end(const struct view *view, uint32_t site,
			    uint32_t epoch, struct fence *fence, bool *ret_is,
			    struct err *err)
{
	struct feed_id id = {site, epoch, 0};
	struct feed_record feed;
	struct fence there;
	enum err_code code = roster_fence(view, id, &there, err);

	*ret_is = false;
	if (code != ERR_NOT_FOUND)
		return code;
	code = feed_get(view, id, &feed, err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	*ret_is = feed.state == FEED_CONTIGUOUS;
	*fence = (struct fence){.site = site,
				.epoch = epoch,
				.seq = feed.seq,
				.verdict = FENCE_ENDED};
	memcpy(fence->hash, feed.hash, HASH_SIZE);
	return ERR_OK;
}

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

enum err_code hq_succeed(const struct hq *hq, struct batch *batch,
			 const struct hq_succeeding *succeeding,
			 struct hq_succeeded *ret_succeeded, struct err *err)
{
	struct certificate *certificate;
	UNINITIALIZED struct entry entries[HQ_LIFE_ENTRIES_MAX];
	struct hq_word word = {entries, 1, false};
	struct fence *fence = &entries[1].body.fence;
	struct hq_succeeded succeeded;
	struct hq_life life;
	struct certificate parent;
	struct heir heir = {.site = 0};
	enum err_code code =
		heir_find(batch_view(batch), succeeding, &heir, err);

	if (code == ERR_OK)
		code = parent_find(batch_view(batch), &heir, &parent, err);
	if (code != ERR_OK)
		return code;
	entry_init(&entries[0], ENTRY_CERTIFICATE);
	entry_init(&entries[1], ENTRY_FENCE);
	certificate = &entries[0].body.certificate;
	*certificate = parent;
	certificate->epoch = heir.epoch;
	certificate->parent_epoch = heir.succession.parent_epoch != 0
					    ? heir.succession.parent_epoch
					    : parent.epoch;
	certificate->is_provisional = false;
	certificate->valid_from_ms = (uint64_t)batch_now(batch).ms;
	memcpy(certificate->public_key, heir.public_key, KEY_PUBLIC_SIZE);
	code = hq_parent_end(batch_view(batch), heir.site,
			     certificate->parent_epoch, fence,
			     &succeeded.is_fenced, err);
	if (code != ERR_OK)
		return code;
	fence->reason = succeeding->reason;
	word.count += succeeded.is_fenced;
	succeeded.certificate = *certificate;
	succeeded.fence = *fence;
	life = (struct hq_life){heir.site, heir.epoch,
				certificate->parent_epoch};
	code = hq_say_life(hq, batch, &word, &life, err);
	if (code == ERR_OK)
		*ret_succeeded = succeeded;
	return code;
}

/* ---- whose place another box took ---- */

#define PARENTS_MAX 16 /* in one delta; the rest is the next one's */

struct parents {
	const struct view *view;
	struct entry fences[PARENTS_MAX];
	uint32_t count;
	struct succession word;
	struct pos at; /* of the word */
};

static enum err_code word_note(void *context, struct pos pos,
			       const struct entry *entry, struct err *err)
{
	struct parents *parents = context;

	(void)err;
	parents->at = pos;
	parents->word = entry->body.succession;
	return ERR_OK;
}

/* The word names a delta of the epoch before that is held here. */
static enum err_code word_holds(const struct parents *parents, uint32_t site,
				bool *ret_holds, struct err *err)
{
	const struct succession *word = &parents->word;
	struct feed_id id = {site, word->parent_epoch, 0};
	uint8_t hash[HASH_SIZE];
	enum err_code code;

	*ret_holds = false;
	if (word->reason != SUCCESSION_REPLACED || word->parent_seq == 0)
		return ERR_OK;
	code = feed_hash_at(parents->view, id, word->parent_seq, hash, err);
	*ret_holds = code == ERR_OK &&
		     memcmp(hash, word->parent_hash, HASH_SIZE) == 0;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code heir_look(void *context, struct pos pos,
			       const struct entry *entry, struct err *err)
{
	const struct certificate *certificate = &entry->body.certificate;
	struct parents *parents = context;
	bool holds = false;
	bool is_ended = false;
	enum err_code code;

	(void)pos;
	if (certificate->parent_epoch == 0 ||
	    parents->count == ARRAY_LEN(parents->fences))
		return ERR_OK;
	parents->at = (struct pos){0};
	code = feed_latest_walk(parents->view, certificate->site,
				ENTRY_SUCCESSION, word_note, parents, err);
	if (code != ERR_OK || pos_epoch(parents->at) != certificate->epoch ||
	    parents->word.parent_epoch != certificate->parent_epoch)
		return code;
	code = word_holds(parents, certificate->site, &holds, err);
	if (code != ERR_OK || !holds)
		return code;
	entry_init(&parents->fences[parents->count], ENTRY_FENCE);
	code = hq_parent_end(parents->view, certificate->site,
			     certificate->parent_epoch,
			     &parents->fences[parents->count].body.fence,
			     &is_ended, err);
	parents->count += is_ended;
	return code;
}

enum err_code hq_parents_end(const struct hq *hq, struct batch *batch,
			     uint32_t *ret_count, struct err *err)
{
	UNINITIALIZED struct parents parents;
	enum err_code code;

	parents.view = batch_view(batch);
	parents.count = 0;
	code = roster_walk(parents.view, ENTRY_CERTIFICATE, heir_look, &parents,
			   err);
	if (code == ERR_OK && parents.count > 0)
		code = hq_say(hq, batch,
			      &(struct hq_word){parents.fences, parents.count,
						false},
			      NULL, err);
	if (code == ERR_OK)
		*ret_count = parents.count;
	return code;
}

/* ---- branches ---- */

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

	if (choice->branch.site <= SITE_FIRST)
		return err_set(err, ERR_INVALID, "that is HQ's own feed");
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
		.seq = choice->is_dropped ? feed.base : feed.seq,
		.verdict = choice->is_dropped ? FENCE_DROPPED : FENCE_STAYS,
		.reason = choice->reason};
	if (choice->has_seq && !choice->is_dropped)
		fence->seq = choice->seq;
	if (fence->seq < feed.base || fence->seq > feed.seq)
		return err_set(err, ERR_INVALID,
			       "delta %" PRIu64 " is not within that branch",
			       fence->seq);
	if (fence->seq > 0)
		code = feed_hash_at(view, feed.id, fence->seq, fence->hash,
				    err);
	if (code == ERR_OK)
		code = hq_say(hq, batch, &word, NULL, err);
	if (code == ERR_OK)
		*ret_fence = *fence;
	return code;
}
