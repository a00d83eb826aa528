/*
 * Judging and admitting deltas, in the order of the checks that
 * docs/protocol/sync.md gives.
 */
#include <string.h>

#include "store/feed_parts.h"
#include "store/heir.h"
#include "store/roster.h"
#include "store/site.h"

/* ---- whose key ---- */

/* The statement in a control epoch's first row, if it is the root's. */
static bool root_of_rows(const uint8_t net_id[NET_ID_SIZE],
			 const struct delta *delta, struct root *ret_root)
{
	const struct delta_header *header = &delta->header;
	UNINITIALIZED struct entry_bytes bytes;
	struct rows *rows = NULL;
	struct reader reader;
	struct entry entry;
	bool is_root = false;

	if (delta->rows.size == 0 || rows_open(&rows, NULL) != ERR_OK)
		return false;
	reader_init(&reader, delta->rows.data, delta->rows.size);
	if (rows_read(rows, pos_make(header->epoch, 1), &reader, &bytes) ==
		    ERR_OK &&
	    entry_decode((struct span){(char *)bytes.data, bytes.size},
			 &entry) == ERR_OK &&
	    entry.kind == ENTRY_ROOT &&
	    entry.body.root.epoch == header->epoch &&
	    root_verify(net_id, &entry.body.root)) {
		*ret_root = entry.body.root;
		is_root = true;
	}
	rows_close(rows);
	return is_root;
}

static enum err_code control_key(const struct view *view,
				 const uint8_t net_id[NET_ID_SIZE],
				 const struct delta *delta,
				 uint8_t ret_key[KEY_PUBLIC_SIZE],
				 struct err *err)
{
	struct root root;
	enum err_code code =
		roster_root_of(view, delta->header.epoch, &root, err);

	if (code == ERR_NOT_FOUND && delta->header.seq == 1 &&
	    root_of_rows(net_id, delta, &root))
		code = ERR_OK;
	if (code == ERR_OK)
		memcpy(ret_key, root.public_key, KEY_PUBLIC_SIZE);
	return code;
}

/* ERR_NOT_FOUND: no certificate. */
static enum err_code key_find(const struct view *view,
			      const uint8_t net_id[NET_ID_SIZE],
			      const struct delta *delta,
			      uint8_t ret_key[KEY_PUBLIC_SIZE], struct err *err)
{
	struct heir heir;
	enum err_code code;

	if (delta->header.site == SITE_CONTROL)
		return control_key(view, net_id, delta, ret_key, err);
	code = site_key_known(view, delta->header.site, delta->header.epoch,
			      ret_key, err);
	if (code != ERR_NOT_FOUND || delta->rows.size == 0)
		return code;
	code = heir_read(view, net_id, delta, &heir, err);
	if (code != ERR_OK)
		return code;
	if (!heir.is_vouched)
		return ERR_NOT_FOUND;
	memcpy(ret_key, heir.public_key, KEY_PUBLIC_SIZE);
	return ERR_OK;
}

/* ---- where it stands ---- */

struct judging {
	const struct view *view;
	const uint8_t *net_id;
	const struct delta *delta;
	const struct feed_record *feed;
	uint8_t hash[HASH_SIZE];
	enum admission admission;
};

/* A delta at or below the head. */
static enum err_code known_judge(struct judging *judging, struct err *err)
{
	uint8_t hash[HASH_SIZE];
	enum err_code code =
		feed_hash_at(judging->view, judging->feed->id,
			     judging->delta->header.seq, hash, err);

	/* What was pruned was here once; it had one hash then. */
	if (code == ERR_NOT_FOUND)
		judging->admission = ADMISSION_DUPLICATE;
	else if (code == ERR_OK)
		judging->admission = memcmp(hash, judging->hash, HASH_SIZE) == 0
					     ? ADMISSION_DUPLICATE
					     : ADMISSION_FORK;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* Does some branch have the delta already? */
static enum err_code branch_judge(void *context, const struct feed_record *feed,
				  struct err *err)
{
	struct judging *judging = context;
	uint8_t hash[HASH_SIZE];
	enum err_code code;

	if (feed->id.branch == 0 || judging->delta->header.seq <= feed->base)
		return ERR_OK;
	code = feed_hash_at(judging->view, feed->id, judging->delta->header.seq,
			    hash, err);
	if (code == ERR_OK && memcmp(hash, judging->hash, HASH_SIZE) == 0)
		judging->admission = ADMISSION_DUPLICATE;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* A delta that says branch 0 and lies beyond a fork: its sender has not heard
 * of the fork. */
static enum err_code forked_judge(struct judging *judging, struct err *err)
{
	const struct feed_record *feed = judging->feed;

	judging->admission = judging->delta->header.seq == feed->seq + 1
				     ? ADMISSION_FORK
				     : ADMISSION_GAP;
	return feed_walk_epoch(judging->view, feed->id.site, feed->id.epoch,
			       branch_judge, judging, err);
}

/* True if the fence of @branch names another hash for this very seq. */
static enum err_code fence_differs(const struct judging *judging,
				   uint64_t branch, bool *is_fenced,
				   struct err *err)
{
	struct feed_id id = judging->feed->id;
	struct fence fence;
	enum err_code code;

	id.branch = branch;
	code = roster_fence(judging->view, id, &fence, err);
	if (code == ERR_OK && fence.seq == judging->delta->header.seq &&
	    memcmp(fence.hash, judging->hash, HASH_SIZE) != 0)
		*is_fenced = true;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code fence_judge(struct judging *judging, struct err *err)
{
	const struct feed_record *feed = judging->feed;
	bool is_fenced = feed->state == FEED_SEALED;
	uint64_t limit;
	enum err_code code = feed_takes(judging->view, feed, &limit, err);

	if (code == ERR_OK && judging->delta->header.seq > limit)
		is_fenced = true;
	if (code == ERR_OK)
		code = fence_differs(judging, 0, &is_fenced, err);
	if (code == ERR_OK && feed->id.branch != 0)
		code = fence_differs(judging, feed->id.branch, &is_fenced, err);
	if (code == ERR_OK && is_fenced)
		judging->admission = ADMISSION_FENCED;
	return code;
}

struct ending {
	const struct view *view;
	const struct root *root;
	bool is_here;
};

static enum err_code ending_look(void *context, const struct feed_record *feed,
				 struct err *err)
{
	struct ending *ending = context;
	uint8_t hash[HASH_SIZE];
	enum err_code code = feed_hash_at(ending->view, feed->id,
					  ending->root->after_seq, hash, err);

	if (code == ERR_OK &&
	    memcmp(hash, ending->root->after_hash, HASH_SIZE) == 0)
		ending->is_here = true;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* Epochs of control are folded one after the other: the delta with which the
 * root ends the one before has to be here, in whatever branch. */
static enum err_code control_judge(struct judging *judging, struct err *err)
{
	const struct delta_header *header = &judging->delta->header;
	struct root root;
	struct ending ending = {.view = judging->view, .root = &root};
	enum err_code code;

	if (header->epoch == 1 || header->seq != 1 ||
	    !root_of_rows(judging->net_id, judging->delta, &root) ||
	    root.after_seq == 0)
		return ERR_OK;
	code = feed_walk_epoch(judging->view, SITE_CONTROL, header->epoch - 1,
			       ending_look, &ending, err);
	if (code == ERR_OK && !ending.is_here)
		judging->admission = ADMISSION_GAP;
	return code;
}

static enum err_code next_judge(struct judging *judging, struct err *err)
{
	const struct delta_header *header = &judging->delta->header;
	const struct feed_record *feed = judging->feed;

	if (header->seq > feed->seq + 1) {
		judging->admission = ADMISSION_GAP;
		return ERR_OK;
	}
	if (memcmp(header->previous, feed->hash, HASH_SIZE) != 0 ||
	    header->first != feed->number + 1) {
		judging->admission = ADMISSION_BROKEN;
		return ERR_OK;
	}
	judging->admission = ADMISSION_APPLIED;
	if (header->site == SITE_CONTROL)
		return control_judge(judging, err);
	return ERR_OK;
}

static enum err_code place_judge(struct judging *judging, struct err *err)
{
	const struct feed_record *feed = judging->feed;
	uint64_t fork = UINT64_MAX;
	enum err_code code = ERR_OK;

	if (judging->delta->header.seq <= feed->seq)
		return known_judge(judging, err);
	if (feed->state == FEED_FORKED)
		code = fork_first(judging->view, feed->id, &fork, err);
	if (code != ERR_OK)
		return code;
	if (judging->delta->header.seq >= fork)
		return forked_judge(judging, err);
	judging->admission = ADMISSION_APPLIED;
	code = fence_judge(judging, err);
	if (code != ERR_OK || judging->admission != ADMISSION_APPLIED)
		return code;
	return next_judge(judging, err);
}

/* ---- judging ---- */

/* The record that a delta belongs to; a branch that nobody has heard of is a
 * stranger's. */
static enum err_code feed_of(const struct view *view, struct feed_id id,
			     struct feed_record *ret_feed,
			     enum admission *ret_admission, struct err *err)
{
	enum err_code code;

	*ret_admission = ADMISSION_APPLIED;
	if (id.branch == 0)
		return feed_get_or_fresh(view, id, ret_feed, err);
	code = feed_get(view, id, ret_feed, err);
	if (code != ERR_NOT_FOUND)
		return code;
	*ret_admission = ADMISSION_STRANGER;
	return ERR_OK;
}

static enum err_code signature_judge(struct judging *judging, struct err *err)
{
	const struct delta *delta = judging->delta;
	uint8_t key[KEY_PUBLIC_SIZE];
	enum err_code code =
		key_find(judging->view, judging->net_id, delta, key, err);

	if (code == ERR_NOT_FOUND) {
		judging->admission = ADMISSION_STRANGER;
		return ERR_OK;
	}
	if (code != ERR_OK)
		return code;
	if (delta_verify(key, judging->net_id, &delta->header,
			 delta->signature))
		return place_judge(judging, err);
	judging->admission = ADMISSION_FORGED;
	return ERR_OK;
}

enum err_code feed_judge(const struct view *view,
			 const uint8_t net_id[NET_ID_SIZE],
			 const struct delta *delta, uint64_t branch,
			 enum admission *ret_admission, struct err *err)
{
	struct feed_id id = {delta->header.site, delta->header.epoch, branch};
	struct feed_record feed;
	struct judging judging = {
		.view = view, .net_id = net_id, .delta = delta, .feed = &feed};
	enum err_code code;

	if (!delta_header_is_sound(&delta->header)) {
		*ret_admission = ADMISSION_GARBLED;
		return ERR_OK;
	}
	code = feed_of(view, id, &feed, ret_admission, err);
	if (code != ERR_OK || *ret_admission != ADMISSION_APPLIED)
		return code;
	delta_hash(net_id, &delta->header, judging.hash);
	/* What is here already was verified when it came. */
	if (delta->header.seq <= feed.seq)
		code = known_judge(&judging, err);
	if (code == ERR_OK && judging.admission != ADMISSION_DUPLICATE)
		code = signature_judge(&judging, err);
	if (code == ERR_OK)
		*ret_admission = judging.admission;
	return code;
}

/* ---- admitting ---- */

static bool rows_are_whole(const struct feed_desk *desk,
			   const struct delta *delta)
{
	uint8_t hash[HASH_SIZE];

	if (delta->rows.size != delta->header.rows_size)
		return false;
	delta_rows_hash(desk->net_id, delta->rows, hash);
	return memcmp(hash, delta->header.rows_hash, HASH_SIZE) == 0;
}

/* The delta of a branch that a fence names: the other branches of that epoch
 * end where they part from it. */
static enum err_code fence_reached(struct feed_desk *desk, struct txn *txn,
				   const struct feed_record *feed,
				   struct err *err)
{
	struct feed_id id = {feed->id.site, feed->id.epoch, 0};
	struct fence fence;
	enum err_code code;

	if (feed->id.branch == 0)
		return ERR_OK;
	code = roster_fence(txn_view(txn), id, &fence, err);
	if (code == ERR_OK && fence.seq == feed->seq)
		return feed_fences_apply(desk, txn, err);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* The first delta of an epoch says whom it goes on from. */
static enum err_code first_note(struct applying *applying,
				const struct delta *delta, struct err *err)
{
	uint32_t own = 0;
	enum err_code code =
		heir_note(applying->txn, applying->desk->net_id, delta, err);

	if (code == ERR_OK)
		code = site_number_get(txn_view(applying->txn), &own, err);
	if (code == ERR_OK && own == delta->header.site)
		applying->has_parent = true;
	return code;
}

static enum err_code delta_take(struct feed_desk *desk, struct txn *txn,
				struct feed_record *feed,
				const struct delta *delta,
				const uint8_t hash[HASH_SIZE], struct err *err)
{
	struct applying applying = {
		.desk = desk, .txn = txn, .feed = feed, .what = APPLY_ALL};
	uint64_t limit;
	enum err_code code = late_fold(desk, txn, feed, err);

	if (code == ERR_OK)
		code = feed_delta_put(desk, txn, feed->id, delta, err);
	if (code == ERR_OK)
		code = delta_enter(&applying, delta, hash, err);
	if (code == ERR_OK && delta->header.seq == 1)
		code = first_note(&applying, delta, err);
	if (code == ERR_OK)
		code = feed_limit(txn_view(txn), feed, &limit, err);
	if (code != ERR_OK)
		return code;
	feed->counted = feed->seq;
	/* It was judged before HQ chose another epoch. */
	if (feed->seq > limit)
		applying.has_fence = true;
	feed_settle(feed, limit);
	code = feed_put(txn, feed, err);
	if (code == ERR_OK)
		code = told_settle(
			desk, txn, feed,
			&(struct told_range){.first = delta->header.first,
					     .last = feed->number},
			err);
	if (code == ERR_OK && applying.has_fence)
		code = feed_fences_apply(desk, txn, err);
	if (code == ERR_OK && applying.has_parent)
		code = feed_line_again(desk, txn, err);
	if (code == ERR_OK)
		code = fence_reached(desk, txn, feed, err);
	/* It may end before this delta, as of now. */
	if (code == ERR_OK)
		code = feed_get(txn_view(txn), feed->id, feed, err);
	if (code == ERR_OK &&
	    (feed->state == FEED_FORKED || feed->id.branch != 0))
		code = fork_reached(desk, txn, feed, err);
	return code;
}

enum err_code feed_admit(struct feed_desk *desk, struct txn *txn,
			 struct feed_id id, const struct delta *delta,
			 enum admission *ret_admission, struct err *err)
{
	struct feed_record feed;
	struct judging judging = {.view = txn_view(txn),
				  .net_id = desk->net_id,
				  .delta = delta,
				  .feed = &feed};
	enum err_code code =
		feed_of(judging.view, id, &feed, ret_admission, err);

	ASSERT(delta_header_is_sound(&delta->header));
	if (code != ERR_OK || *ret_admission != ADMISSION_APPLIED)
		return code;
	delta_hash(desk->net_id, &delta->header, judging.hash);
	code = place_judge(&judging, err);
	if (code == ERR_OK && judging.admission == ADMISSION_APPLIED &&
	    !rows_are_whole(desk, delta))
		judging.admission = ADMISSION_GARBLED;
	if (code == ERR_OK && judging.admission == ADMISSION_APPLIED)
		code = delta_take(desk, txn, &feed, delta, judging.hash, err);
	if (code == ERR_OK)
		*ret_admission = judging.admission;
	return code;
}
