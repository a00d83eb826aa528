/*
 * hq_ends - the lives of a site that end when HQ says which one goes on.
 *
 * Layer     gateway/core
 * Threads   the keeper
 *
 * The disk of a box that was replaced still has its key. So with the
 * certificate of an epoch HQ ends the site's others, in the same transaction,
 * at the last delta that it holds: those before, and those that began beside
 * it. What came up to there counts, and nobody adds to it. Only where more of a
 * life before was sealed than is held here, its end has to wait
 * (core/hq_parents.h).
 */
#ifndef DEPOT_GATEWAY_CORE_HQ_ENDS_H
#define DEPOT_GATEWAY_CORE_HQ_ENDS_H

#include "gateway/core/hq.h"

/* One life of a site goes on. */
struct hq_life {
	uint32_t site;
	uint32_t epoch;  /* it, and who came after it in its line */
	uint32_t spoken; /* its parent, of which the caller speaks himself;
			  * 0: of none */
};

struct hq_ends {
	const struct hq_life *lives;
	size_t life_count;
	struct reason reason;
	struct feed_id after; /* looked at so far; zeros: nothing */
	bool has_more;
};

/*
 * Adds a fence for each epoch of @ends' sites that does not go on, is held
 * here as far as the life behind it says, has no fence and did not fork (there
 * HQ's people choose a branch), to @entries from *@count on, as many as @max
 * leaves room for. Call again, for the next word, while @ends->has_more is set.
 * Errors as feed_walk.
 */
MUST_CHECK enum err_code hq_ends_add(struct hq_ends *ends,
				     const struct view *view,
				     struct entry *entries, size_t *count,
				     size_t max, struct err *err);

/*
 * Says @word and, behind it, the ends that @life leaves: in its delta as far as
 * they fit into the HQ_LIFE_ENTRIES_MAX entries that @word has room for, in
 * further ones if need be.
 * Errors as hq_say and hq_ends_add.
 */
#define HQ_LIFE_ENTRIES_MAX 8
MUST_CHECK enum err_code hq_say_life(const struct hq *hq, struct batch *batch,
				     struct hq_word *word,
				     const struct hq_life *life,
				     struct err *err);

#endif
