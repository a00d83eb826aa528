#include "gateway/core/hq_ends.h"

#include <string.h>

#include "gateway/core/hq_line.h"

struct adding {
	const struct view *view;
	struct hq_ends *ends;
	struct entry *entries;
	size_t *count;
	size_t max;
};

/* It has HQ's word, and the one behind it in the line of the life that goes on
 * knows more of it than is held here. Without HQ's word it counts only up to
 * its end. */
static enum err_code is_awaited(const struct view *view,
				const struct hq_life *life, uint32_t epoch,
				bool *ret_is, struct err *err)
{
	struct certificate certificate;
	uint32_t child = life->epoch;
	uint32_t parent = life->spoken;
	enum err_code code =
		roster_certificate(view, life->site, epoch, &certificate, err);

	*ret_is = false;
	while (code == ERR_OK && parent > epoch) {
		child = parent;
		code = hq_line_parent(view, life->site, child, &parent, err);
	}
	if (code != ERR_OK || parent != epoch)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	code = hq_line_is_held(view, life->site, child, epoch, ret_is, err);
	*ret_is = !*ret_is;
	return code;
}

static const struct hq_life *life_of(const struct hq_ends *ends,
				     struct feed_id id)
{
	for (size_t i = 0; i < ends->life_count; i++) {
		const struct hq_life *life = &ends->lives[i];

		if (life->site == id.site)
			return id.epoch == life->spoken ? NULL : life;
	}
	return NULL;
}

/* A fence may name a delta that is not here (again) yet: what was said stays.
 */
static enum err_code has_fence(const struct view *view, struct feed_id id,
			       bool *ret_has, struct err *err)
{
	struct fence fence;
	enum err_code code = roster_fence(view, id, &fence, err);

	*ret_has = code == ERR_OK;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code end_add(void *context, const struct feed_record *feed,
			     struct err *err)
{
	const struct adding *adding = context;
	struct hq_ends *ends = adding->ends;
	const struct hq_life *life = life_of(ends, feed->id);
	struct fence *fence;
	bool goes_on = true;
	enum err_code code = ERR_OK;

	if (life != NULL && feed->id.branch == 0 &&
	    feed->state == FEED_CONTIGUOUS)
		code = hq_line_descends(adding->view, life->site,
					feed->id.epoch, life->epoch, &goes_on,
					err);
	if (code == ERR_OK && !goes_on)
		code = has_fence(adding->view, feed->id, &goes_on, err);
	if (code == ERR_OK && !goes_on)
		code = is_awaited(adding->view, life, feed->id.epoch, &goes_on,
				  err);
	if (code != ERR_OK)
		return code;
	ends->has_more = !goes_on && *adding->count == adding->max;
	if (ends->has_more)
		return ERR_STOPPED;
	ends->after = feed->id;
	if (goes_on)
		return ERR_OK;
	entry_init(&adding->entries[*adding->count], ENTRY_FENCE);
	fence = &adding->entries[(*adding->count)++].body.fence;
	*fence = (struct fence){.site = feed->id.site,
				.epoch = feed->id.epoch,
				.seq = feed->seq,
				.verdict = FENCE_ENDED,
				.reason = ends->reason};
	memcpy(fence->hash, feed->hash, HASH_SIZE);
	return ERR_OK;
}

enum err_code hq_ends_add(struct hq_ends *ends, const struct view *view,
			  struct entry *entries, size_t *count, size_t max,
			  struct err *err)
{
	struct adding adding = {view, ends, entries, count, max};
	struct feed_id after = ends->after;
	enum err_code code = feed_walk(view, after.site == 0 ? NULL : &after,
				       end_add, &adding, err);

	return code == ERR_STOPPED ? ERR_OK : code;
}

enum err_code hq_say_life(const struct hq *hq, struct batch *batch,
			  struct hq_word *word, const struct hq_life *life,
			  struct err *err)
{
	struct hq_ends ends = {.lives = life, .life_count = 1};
	enum err_code code;

	do {
		code = hq_ends_add(&ends, batch_view(batch), word->entries,
				   &word->count, HQ_LIFE_ENTRIES_MAX, err);
		if (code == ERR_OK && word->count > 0)
			code = hq_say(hq, batch, word, NULL, err);
		word->count = 0;
	} while (code == ERR_OK && ends.has_more);
	return code;
}
