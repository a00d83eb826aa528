#include "gateway/core/hq_fence.h"

#include <inttypes.h>
#include <string.h>

static enum err_code certificate_find(const struct view *view,
				      const struct hq_ending *ending,
				      struct certificate *certificate,
				      struct err *err)
{
	enum err_code code =
		ending->epoch == 0
			? roster_site(view, ending->site, certificate, err)
			: roster_certificate(view, ending->site, ending->epoch,
					     certificate, err);

	if (code == ERR_NOT_FOUND)
		return err_set(err, code,
			       "site %" PRIu32 " has no such certificate",
			       ending->site);
	return code;
}

/* ---- what was said of it before ---- */

/* How much a verdict takes away; the numbers on disk do not follow that. */
static unsigned strength(enum fence_verdict verdict)
{
	static const unsigned char strengths[] = {
		[FENCE_STAYS] = 1,   [FENCE_ENDED] = 2,  [FENCE_DROPPED] = 3,
		[FENCE_REVOKED] = 4, [FENCE_CLOSED] = 5,
	};

	ASSERT((size_t)verdict < ARRAY_LEN(strengths));
	return strengths[verdict];
}

enum err_code hq_fence_before(const struct view *view, struct fence *fence,
			      struct fence *ret_before, bool *ret_is_there,
			      struct err *err)
{
	struct feed_id id = {fence->site, fence->epoch, fence->branch};
	enum err_code code = roster_fence(view, id, ret_before, err);

	*ret_is_there = code == ERR_OK;
	if (*ret_is_there &&
	    strength(ret_before->verdict) > strength(fence->verdict))
		fence->verdict = ret_before->verdict;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static void place_keep(const struct fence *before, struct fence *fence)
{
	fence->seq = before->seq;
	memcpy(fence->hash, before->hash, HASH_SIZE);
}

/* ---- where it ends ---- */

struct chosen {
	const struct view *view;
	const struct fence *before;
	bool is_found;
	struct feed_record feed;
};

static enum err_code branch_look(void *context, const struct feed_record *feed,
				 struct err *err)
{
	struct chosen *chosen = context;
	const struct fence *before = chosen->before;
	uint8_t hash[HASH_SIZE];
	enum err_code code;

	if (feed->id.site != before->site || feed->id.epoch != before->epoch)
		return ERR_STOPPED;
	if (before->seq <= feed->base)
		return ERR_OK;
	code = feed_hash_at(chosen->view, feed->id, before->seq, hash, err);
	if (code == ERR_OK && memcmp(hash, before->hash, HASH_SIZE) == 0) {
		chosen->feed = *feed;
		chosen->is_found = true;
	}
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* The feed that has the delta @fence is to name. Beyond a fork that is the
 * branch on which the fence before ends, if it ends on one. */
static enum err_code feed_find(const struct view *view,
			       const struct hq_ending *ending,
			       const struct fence *before,
			       struct feed_record *feed, struct err *err)
{
	struct chosen chosen = {.view = view, .before = before};
	struct feed_id whole = feed->id;
	enum err_code code = feed_get(view, whole, feed, err);

	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK || feed->state != FEED_FORKED ||
	    (ending->has_seq && ending->seq <= feed->seq))
		return code;
	/* Behind branch 0 come the others. */
	if (before != NULL)
		code = feed_walk(view, &whole, branch_look, &chosen, err);
	if (code != ERR_OK && code != ERR_STOPPED)
		return code;
	if (!chosen.is_found)
		return err_set(err, ERR_CONFLICT,
			       "epoch %" PRIu32 " forked at delta %" PRIu64
			       ", and no branch was chosen",
			       whole.epoch, feed->seq);
	*feed = chosen.feed;
	return ERR_OK;
}

/* A delta that this box holds, and can name by its hash. */
static enum err_code place_find(const struct view *view,
				const struct hq_ending *ending,
				struct fence *fence, struct err *err)
{
	struct feed_record feed = {.id = {fence->site, fence->epoch, 0}};
	struct fence before;
	bool is_there;
	enum err_code code =
		hq_fence_before(view, fence, &before, &is_there, err);

	if (code == ERR_OK && is_there && !ending->has_seq) {
		place_keep(&before, fence);
		return ERR_OK;
	}
	if (code == ERR_OK)
		code = feed_find(view, ending, is_there ? &before : NULL, &feed,
				 err);
	if (code != ERR_OK)
		return code;
	fence->seq = ending->has_seq ? ending->seq : feed.seq;
	if (fence->seq > feed.seq)
		return err_set(err, ERR_INVALID,
			       "delta %" PRIu64 " is not here: %" PRIu64
			       " is the last",
			       fence->seq, feed.seq);
	if (fence->seq == 0)
		return ERR_OK;
	return feed_hash_at(view, feed.id, fence->seq, fence->hash, err);
}

enum err_code hq_end(const struct hq *hq, struct batch *batch,
		     const struct hq_ending *ending, struct fence *ret_fence,
		     struct err *err)
{
	struct entry entries[2];
	bool ends_rights = ending->is_revoked || ending->is_closed;
	struct hq_word word = {entries, ends_rights ? 2 : 1, false};
	struct certificate *certificate = &entries[1].body.certificate;
	struct fence *fence = &entries[0].body.fence;
	enum err_code code;

	if (ending->site <= SITE_FIRST)
		return err_set(err, ERR_INVALID, "that is HQ's own feed");
	entry_init(&entries[0], ENTRY_FENCE);
	entry_init(&entries[1], ENTRY_CERTIFICATE);
	code = certificate_find(batch_view(batch), ending, certificate, err);
	if (code != ERR_OK)
		return code;
	fence->site = certificate->site;
	fence->epoch = certificate->epoch;
	fence->verdict = ending->is_closed    ? FENCE_CLOSED
			 : ending->is_revoked ? FENCE_REVOKED
					      : FENCE_ENDED;
	fence->reason = ending->reason;
	certificate->rights = 0;
	certificate->valid_until_ms = (uint64_t)batch_now(batch).ms;
	code = place_find(batch_view(batch), ending, fence, err);
	if (code == ERR_OK)
		code = hq_say(hq, batch, &word, NULL, err);
	if (code == ERR_OK)
		*ret_fence = *fence;
	return code;
}
