#include "gateway/core/hq_parents.h"

#include <string.h>

#include "store/heir.h"

/* ---- what a life says of the one before ---- */

enum err_code hq_parent_of(const struct view *view, uint32_t site,
			   uint32_t epoch, uint32_t *ret_parent,
			   struct err *err)
{
	struct certificate certificate = {.parent_epoch = 0};
	struct heir heir = {.succession = {.parent_epoch = 0}};
	enum err_code code = heir_get(view, site, epoch, &heir, err);

	if (code == ERR_NOT_FOUND || heir.succession.parent_epoch == 0)
		code = roster_certificate(view, site, epoch, &certificate, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	*ret_parent = heir.succession.parent_epoch != 0
			      ? heir.succession.parent_epoch
			      : certificate.parent_epoch;
	return ERR_OK;
}

struct word {
	struct pos at;
	struct succession said;
};

static enum err_code word_note(void *context, struct pos pos,
			       const struct entry *entry, struct err *err)
{
	struct word *word = context;

	(void)err;
	word->at = pos;
	word->said = entry->body.succession;
	return ERR_OK;
}

/* Of a box that took another one's place: behind its beginning. */
static enum err_code word_later(const struct view *view, uint32_t site,
				uint32_t child, struct succession *ret_said,
				struct err *err)
{
	struct word word = {.at = {0}};
	enum err_code code = feed_latest_walk(view, site, ENTRY_SUCCESSION,
					      word_note, &word, err);

	*ret_said = (struct succession){.parent_seq = 0};
	if (code == ERR_OK && pos_epoch(word.at) == child &&
	    word.said.parent_seq > 0)
		*ret_said = word.said;
	return code;
}

enum err_code hq_parent_is_held(const struct view *view, uint32_t site,
				uint32_t child, uint32_t parent, bool *ret_is,
				struct err *err)
{
	struct feed_id id = {site, parent, 0};
	uint8_t hash[HASH_SIZE];
	struct heir heir;
	struct succession *said = &heir.succession;
	bool has_all = false;
	enum err_code code = heir_get(view, site, child, &heir, err);

	*ret_is = false;
	if (code == ERR_OK && said->reason == SUCCESSION_REPLACED)
		code = word_later(view, site, child, said, err);
	else if (code == ERR_OK)
		has_all = said->parent_seq == 0; /* it had sealed nothing */
	if (code == ERR_OK && said->parent_epoch == parent && !has_all)
		code = feed_hash_at(view, id, said->parent_seq, hash, err);
	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	*ret_is = said->parent_epoch == parent &&
		  (has_all || memcmp(hash, said->parent_hash, HASH_SIZE) == 0);
	return ERR_OK;
}

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
		code = hq_parent_is_held(view, id.site, life->epoch, id.epoch,
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
	code = hq_parent_of(parents->view, life.site, life.epoch, &life.spoken,
			    err);
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
