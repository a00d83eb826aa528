/*
 * admit - admits a pack: the two halves around the writer's transaction.
 *
 * Layer     sync
 * Threads   admit_judge: whoever drives the engine; admit_apply: the writer.
 *           The unpacker is used by both, one after the other
 *
 * The order of checks is SYNC's: what the pack says of itself, signatures,
 * certificates and fences, and only then what has to be decompressed.
 */
#ifndef DEPOT_SYNC_ADMIT_H
#define DEPOT_SYNC_ADMIT_H

#include "gateway/sync/sync.h"

/* A pack under way to the store, with what there is to say in the end. */
struct admission_work {
	struct feed_id feed;
	/* Deltas, from the first, that nothing speaks against. Fewer than the
	 * pack has with nothing refused: judge the rest again after the commit
	 * (the engine offers the pack once more). */
	uint32_t good;
	struct sync_result result;
	struct delta refused; /* what result.delta points to */
};

/*
 * Unpacks and judges @admit->bytes. What is wrong with the pack is told in
 * @ret_work, whose result is to be given to sync_admitted after admit_apply,
 * or at once where good is 0.
 *
 * Errors are the store's. ret_work points into itself and into @unpacker.
 */
MUST_CHECK enum err_code admit_judge(struct unpacker *unpacker,
				     const struct view *view,
				     const struct sync_admit *admit,
				     struct admission_work *ret_work,
				     struct err *err);

/*
 * Admits the good deltas in @txn. The result stands when @txn is committed;
 * if it is abandoned, set result.is_committed to false.
 * ERR_FULL  no room in the map: abandon
 */
MUST_CHECK enum err_code admit_apply(struct feed_desk *desk, struct txn *txn,
				     const struct unpacker *unpacker,
				     struct admission_work *work,
				     struct err *err);

#endif
