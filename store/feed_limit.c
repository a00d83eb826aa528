/*
 * Where a feed ends, by what the roster says of it.
 */
#include <string.h>

#include "store/feed_parts.h"
#include "store/heir.h"
#include "store/roster.h"

/* A branch that is shorter than the delta a fence names. */
struct shorter {
	const struct view *view;
	const struct feed_record *feed;
	const struct fence *fence;
	uint64_t limit;
};

/* How much of it @other has, too. */
static enum err_code shared_find(struct shorter *shorter,
				 const struct feed_record *other,
				 struct err *err)
{
	const struct feed_record *feed = shorter->feed;
	struct feed_record at = *other;
	enum err_code code = ERR_OK;

	while (at.parent != 0 && at.parent != feed->id.branch &&
	       code == ERR_OK) {
		struct feed_id parent = at.id;

		parent.branch = at.parent;
		code = feed_get(shorter->view, parent, &at, err);
	}
	if (code == ERR_OK)
		shorter->limit =
			at.parent == feed->id.branch ? at.base : feed->base;
	return code;
}

static enum err_code named_look(void *context, const struct feed_record *other,
				struct err *err)
{
	struct shorter *shorter = context;
	const struct fence *fence = shorter->fence;
	uint8_t hash[HASH_SIZE];
	enum err_code code;

	if (other->id.branch == 0 ||
	    other->id.branch == shorter->feed->id.branch ||
	    other->base >= fence->seq)
		return ERR_OK;
	code = feed_hash_at(shorter->view, other->id, fence->seq, hash, err);
	if (code == ERR_OK && memcmp(hash, fence->hash, HASH_SIZE) == 0)
		code = shared_find(shorter, other, err);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* As much as it shares with the branch that has that delta, if that is here. */
static enum err_code shared_limit(const struct view *view,
				  const struct feed_record *feed,
				  const struct fence *fence, uint64_t *limit,
				  struct err *err)
{
	struct shorter shorter = {view, feed, fence, *limit};
	enum err_code code = feed_walk_epoch(
		view, feed->id.site, feed->id.epoch, named_look, &shorter, err);

	if (code == ERR_OK)
		*limit = shorter.limit;
	return code;
}

/* What a fence leaves of a branch that is shorter is never more for it. */
static enum err_code shorter_limit(const struct view *view,
				   const struct feed_record *feed,
				   const struct fence *fence, uint64_t *limit,
				   struct err *err)
{
	uint64_t shared = *limit;
	enum err_code code = shared_limit(view, feed, fence, &shared, err);

	if (code == ERR_OK && shared < *limit)
		*limit = shared;
	return code;
}

static enum err_code fence_limit(const struct view *view,
				 const struct feed_record *feed,
				 uint64_t branch, uint64_t *limit,
				 struct err *err)
{
	struct feed_id id = {feed->id.site, feed->id.epoch, branch};
	uint8_t hash[HASH_SIZE];
	struct fence fence;
	enum err_code code = roster_fence(view, id, &fence, err);

	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	if (fence.seq < *limit)
		*limit = fence.seq;
	if (feed->id.branch == 0 || fence.seq <= feed->base)
		return ERR_OK;
	/* A fence that names another branch's delta ends this one where they
	 * part. */
	code = feed_hash_at(view, feed->id, fence.seq, hash, err);
	if (code == ERR_OK && memcmp(hash, fence.hash, HASH_SIZE) != 0)
		*limit = feed->base;
	if (code == ERR_NOT_FOUND)
		code = shorter_limit(view, feed, &fence, limit, err);
	return code;
}

/* Of the branches of control the one counts, as far as it goes, that has the
 * delta which the root names. */
static enum err_code branch_limit(const struct view *view,
				  const struct feed_record *feed,
				  const struct root *root, uint64_t *limit,
				  struct err *err)
{
	struct fence end = {.seq = root->after_seq};
	uint8_t hash[HASH_SIZE];
	enum err_code code;

	if (end.seq <= feed->base) {
		*limit = end.seq;
		return ERR_OK;
	}
	memcpy(end.hash, root->after_hash, HASH_SIZE);
	*limit = feed->base;
	code = feed_hash_at(view, feed->id, end.seq, hash, err);
	if (code == ERR_OK && memcmp(hash, end.hash, HASH_SIZE) == 0)
		*limit = end.seq;
	if (code != ERR_NOT_FOUND)
		return code;
	return shared_limit(view, feed, &end, limit, err);
}

/* An epoch of control ends where the root's next statement says. Of two things
 * that HQ said at once none counts, until the root speaks. */
static enum err_code control_limit(const struct view *view,
				   const struct feed_record *feed,
				   uint64_t *limit, struct err *err)
{
	struct root root;
	enum err_code code = roster_root(view, &root, err);

	if (feed->id.branch != 0)
		*limit = feed->base;
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK || root.epoch <= feed->id.epoch)
		return code;
	code = roster_root_after(view, feed->id.epoch, &root, err);
	if (code == ERR_OK && feed->id.branch != 0)
		return branch_limit(view, feed, &root, limit, err);
	if (code == ERR_OK && root.after_seq < *limit)
		*limit = root.after_seq;
	return code;
}

/* Nothing of an epoch counts whose parent had no say any more. */
static enum err_code heir_limit(const struct view *view,
				const struct feed_record *feed, uint64_t *limit,
				struct err *err)
{
	struct heir heir;
	bool stands = true;
	enum err_code code =
		heir_get(view, feed->id.site, feed->id.epoch, &heir, err);

	if (code == ERR_OK)
		code = heir_stands(view, &heir, &stands, err);
	if (code == ERR_OK && !stands)
		*limit = 0;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code feed_limit(const struct view *view,
			 const struct feed_record *feed, uint64_t *ret_limit,
			 struct err *err)
{
	uint64_t limit = UINT64_MAX;
	enum err_code code;

	if (feed->id.site == SITE_CONTROL) {
		code = control_limit(view, feed, &limit, err);
	} else {
		code = heir_limit(view, feed, &limit, err);
		if (code == ERR_OK)
			code = fence_limit(view, feed, 0, &limit, err);
		if (code == ERR_OK && feed->id.branch != 0)
			code = fence_limit(view, feed, feed->id.branch, &limit,
					   err);
	}
	if (code == ERR_OK)
		*ret_limit = limit;
	return code;
}

enum err_code feed_takes(const struct view *view,
			 const struct feed_record *feed, uint64_t *ret_limit,
			 struct err *err)
{
	struct root root;
	enum err_code code;

	if (feed->id.site != SITE_CONTROL || feed->id.branch == 0)
		return feed_limit(view, feed, ret_limit, err);
	code = roster_root(view, &root, err);
	if (code == ERR_OK && root.epoch > feed->id.epoch)
		return feed_limit(view, feed, ret_limit, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	*ret_limit = UINT64_MAX;
	return ERR_OK;
}
