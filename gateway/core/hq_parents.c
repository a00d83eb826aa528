#include "gateway/core/hq_parents.h"

#include <string.h>

#include "gateway/core/hq_line.h"

/* ---- its end ---- */

enum err_code hq_parent_end(const struct view *view, const struct hq_life *life,
			    struct fence *fence, bool *ret_is, struct err *err)
{
	struct feed_id id = {life->site, life->spoken, 0};
	struct feed_record feed;
	struct fence there;
	bool is_held = false;
	enum err_code code = roster_fence(view, id, &there, err);

	*ret_is = false;
	if (code != ERR_NOT_FOUND)
		return code;
	code = feed_get(view, id, &feed, err);
	if (code == ERR_OK)
		code = hq_line_is_held(view, id.site, life->epoch, id.epoch,
				       &is_held, err);
	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	*ret_is = is_held && feed.state == FEED_CONTIGUOUS;
	*fence = (struct fence){.site = id.site,
				.epoch = id.epoch,
				.seq = feed.seq,
				.verdict = FENCE_ENDED};
	memcpy(fence->hash, feed.hash, HASH_SIZE);
	return ERR_OK;
}

/* ---- all of them ---- */

#define PARENTS_MAX 16 /* in one delta; the rest is the next one's */

struct parents {
	const struct view *view;
	struct entry fences[PARENTS_MAX];
	uint32_t count;
};

static enum err_code life_look(void *context, struct pos pos,
			       const struct entry *entry, struct err *err)
{
	struct parents *parents = context;
	struct entry *fence = &parents->fences[parents->count];
	struct hq_life life = {.site = entry->body.certificate.site,
			       .epoch = entry->body.certificate.epoch};
	bool is_ended = false;
	enum err_code code;

	(void)pos;
	if (parents->count == ARRAY_LEN(parents->fences))
		return ERR_OK;
	code = hq_line_parent(parents->view, life.site, life.epoch,
			      &life.spoken, err);
	if (code != ERR_OK || life.spoken == 0)
		return code;
	entry_init(fence, ENTRY_FENCE);
	code = hq_parent_end(parents->view, &life, &fence->body.fence,
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
	code = roster_walk(parents.view, ENTRY_CERTIFICATE, life_look, &parents,
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
