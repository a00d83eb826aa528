/*
 * hq_succeed - HQ's word about a site that began a new epoch by itself.
 *
 * Layer     gateway/core
 * Threads   the keeper
 *
 * An epoch that succeeds another (store/heir.h) is provisional until HQ has
 * certified it, which is a person's act: nothing here happens by itself. Where
 * boxes were copied, people also say which branch of a feed stays.
 */
#ifndef DEPOT_GATEWAY_CORE_HQ_SUCCEED_H
#define DEPOT_GATEWAY_CORE_HQ_SUCCEED_H

#include "gateway/core/hq.h"
#include "store/heir.h"

struct hq_succeeding {
	uint32_t site;
	uint32_t epoch; /* 0: the only one that waits */
	/* Of an epoch nobody vouched for, which HQ has heard nothing of: its
	 * key, as people carried it. */
	bool has_key;
	uint8_t public_key[KEY_PUBLIC_SIZE];
	struct reason reason;
};

/*
 * Certifies it with what the parent's certificate gave, and ends the parent at
 * the last delta that is held here: what was signed up to there was the box's
 * own doing. A parent that is fenced already, or forked, is left as it is.
 *
 * ERR_NOT_FOUND  no epoch waits, or that one is not known; with a key: it is
 *                before the site's last certified one
 * ERR_CONFLICT   more than one waits: people have to name it; or it is
 *                certified
 * ERR_DENIED     nobody vouches for it, and no key is given
 * ERR_INVALID    a key is given that is not the one that was vouched for
 */
struct hq_succeeded {
	struct certificate certificate;
	bool is_fenced;
	struct fence fence; /* of the parent */
};
MUST_CHECK enum err_code hq_succeed(const struct hq *hq, struct batch *batch,
				    const struct hq_succeeding *succeeding,
				    struct hq_succeeded *ret_succeeded,
				    struct err *err);

/*
 * Fills @fence with the end of an epoch that another follows, at the last delta
 * that is held here, if it can be ended so; *@ret_is tells. It cannot if it is
 * fenced or forked, or nothing of it is here.
 */
MUST_CHECK enum err_code hq_parent_end(const struct view *view, uint32_t site,
				       uint32_t epoch, struct fence *fence,
				       bool *ret_is, struct err *err);

/*
 * Ends the epochs whose place another box took, once that one has said how far
 * it has their book (core/regaining.h), and this box holds as much: each at the
 * last delta that is held here. What others still have of it comes until then.
 * *@ret_count: how many.
 *
 * ERR_AGAIN  HQ was set back: nothing was said
 */
MUST_CHECK enum err_code hq_parents_end(const struct hq *hq,
					struct batch *batch,
					uint32_t *ret_count, struct err *err);

/*
 * Says that of a forked epoch this branch stays: the epoch ends at its head, or
 * at @seq, and the other branches where they leave it. Or, with @is_dropped,
 * that nothing of this branch counts.
 * ERR_NOT_FOUND  there is no such branch here
 * ERR_INVALID    @seq is not within it
 */
struct hq_choice {
	struct feed_id branch;
	bool has_seq;
	uint64_t seq;
	bool is_dropped;
	struct reason reason;
};
MUST_CHECK enum err_code hq_choose(const struct hq *hq, struct batch *batch,
				   const struct hq_choice *choice,
				   struct fence *ret_fence, struct err *err);

#endif
