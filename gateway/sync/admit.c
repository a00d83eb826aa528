#include "gateway/sync/admit.h"

static void refuse(struct admission_work *work, enum admission reason,
		   const struct delta *delta)
{
	work->result.refused = reason;
	work->result.refused_seq = delta->header.seq;
	work->refused = *delta;
	work->refused.rows = (struct span){0};
	work->result.delta = &work->refused;
}

/* The first word of control has the root's statement in its rows, that of a
 * successor its parent's. */
static bool begins_with_key(const struct pack *pack)
{
	return pack->first_seq == 1 &&
	       (pack->feed.site == SITE_CONTROL ||
		(pack->feed.site >= SITE_FIRST && pack->feed.epoch > 1));
}

/* Judges headers until one is refused. */
static enum err_code judge_all(const struct unpacker *unpacker,
			       const struct view *view,
			       const struct sync_admit *admit,
			       struct admission_work *work, struct err *err)
{
	for (uint32_t i = 0; i < admit->pack.count; i++) {
		const struct delta *delta = unpacker_delta(unpacker, i);
		enum admission verdict;
		enum err_code code =
			feed_judge(view, admit->start.net_id, delta,
				   admit->pack.feed.branch, &verdict, err);

		if (code != ERR_OK)
			return code;
		/* Within one pack each follows the one before. */
		if (verdict == ADMISSION_GAP && i > 0)
			verdict = ADMISSION_APPLIED;
		/* Its key is in the first delta, which is not folded yet: the
		 * rest is for the next pack. */
		if (verdict == ADMISSION_STRANGER && i > 0 &&
		    begins_with_key(&admit->pack))
			return ERR_OK;
		if (verdict != ADMISSION_APPLIED &&
		    verdict != ADMISSION_DUPLICATE) {
			refuse(work, verdict, delta);
			return ERR_OK;
		}
		work->good = i + 1;
	}
	return ERR_OK;
}

enum err_code admit_judge(struct unpacker *unpacker, const struct view *view,
			  const struct sync_admit *admit,
			  struct admission_work *ret_work, struct err *err)
{
	struct admission_work *work = ret_work;
	struct pack pack;
	bool is_expanded;
	uint32_t bad = 0;
	enum err_code code;

	*work = (struct admission_work){
		.feed = admit->pack.feed,
		.result = {.ticket = admit->ticket,
			   .is_committed = true,
			   .refused = ADMISSION_APPLIED},
	};
	code = unpacker_read(unpacker, admit->bytes, &admit->start, &pack);
	if (code != ERR_OK) {
		work->result.refused = code == ERR_CONFLICT ? ADMISSION_BROKEN
							    : ADMISSION_GARBLED;
		work->result.refused_seq = admit->pack.first_seq;
		return ERR_OK;
	}
	/* Those alone are judged with their rows there. */
	is_expanded = begins_with_key(&pack) &&
		      unpacker_expand(unpacker, &bad) == ERR_OK;
	code = judge_all(unpacker, view, admit, work, err);
	if (code != ERR_OK || work->good == 0 || is_expanded)
		return code;
	if (unpacker_expand(unpacker, &bad) == ERR_OK || bad >= work->good)
		return ERR_OK;
	refuse(work, ADMISSION_GARBLED, unpacker_delta(unpacker, bad));
	work->good = bad;
	return ERR_OK;
}

enum err_code admit_apply(struct feed_desk *desk, struct txn *txn,
			  const struct unpacker *unpacker,
			  struct admission_work *work, struct err *err)
{
	for (uint32_t i = 0; i < work->good; i++) {
		const struct delta *delta = unpacker_delta(unpacker, i);
		enum admission verdict;
		enum err_code code =
			feed_admit(desk, txn, work->feed, delta, &verdict, err);

		if (code != ERR_OK)
			return code;
		if (verdict != ADMISSION_APPLIED &&
		    verdict != ADMISSION_DUPLICATE) {
			refuse(work, verdict, delta);
			return ERR_OK;
		}
	}
	return ERR_OK;
}
