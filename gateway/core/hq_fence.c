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

/* Where it ends: a delta that this box holds, and can name by its hash. */
static enum err_code place_find(const struct view *view,
				const struct hq_ending *ending,
				struct fence *fence, struct err *err)
{
	struct feed_id id = {fence->site, fence->epoch, 0};
	struct feed_record feed = {.seq = 0};
	enum err_code code = feed_get(view, id, &feed, err);

	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	fence->seq = ending->has_seq ? ending->seq : feed.seq;
	if (fence->seq > feed.seq)
		return err_set(err, ERR_INVALID,
			       "delta %" PRIu64 " is not here: %" PRIu64
			       " is the last",
			       fence->seq, feed.seq);
	if (fence->seq == 0)
		return ERR_OK;
	return feed_hash_at(view, id, fence->seq, fence->hash, err);
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
