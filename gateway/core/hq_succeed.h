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

/* The last epoch of @site that waits for HQ's word and is not over; 0: none.
 * Errors as heir_walk. */
MUST_CHECK enum err_code hq_waits(const struct view *view, uint32_t site,
				  uint32_t *ret_epoch, struct err *err);

/*
 * Certifies it with what the parent's certificate gave, and ends the parent,
 * now if that can be (hq_parent_end), or when as much of it is here as the new
 * life says (hq_parents_end). A parent that is fenced already, or forked, is
 * left as it is. Lives between the two that were vouched for, and waited as
 * well, are certified first.
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
	bool is_fenced; /* the parent has its end now: */
	struct fence fence;
};
MUST_CHECK enum err_code hq_succeed(const struct hq *hq, struct batch *batch,
				    const struct hq_succeeding *succeeding,
				    struct hq_succeeded *ret_succeeded,
				    struct err *err);

/*
 * Another box goes on from @place's epoch: certifies that one as hq_succeed
 * does, if it waits for that and was vouched for. Else it would count only as
 * far as it is held here. *@ret_is: it is certified now.
 * Errors as hq_say.
 */
MUST_CHECK enum err_code hq_succeed_place(const struct hq *hq,
					  struct batch *batch,
					  const struct hq_succeeding *place,
					  bool *ret_is, struct err *err);

/*
 * Says that of a forked epoch this branch stays: the epoch ends at its head, or
 * at @seq, and the other branches where they leave it. Or, with @is_dropped,
 * that nothing of this branch counts.
 *
 * HQ's own ledger is a feed like any other, once it goes on in another epoch.
 * Whoever signs for that may have HQ's other keys, too: where branches of it
 * are known, this HQ says nothing before the root key has given it new ones
 * (core/voice.h, hq_renew). Of what HQ said itself the root chooses.
 *
 * ERR_NOT_FOUND  there is no such branch here
 * ERR_INVALID    @seq is not within it, or it is control or master
 * ERR_DENIED     HQ's own ledger goes on in that epoch
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
