/*
 * hq_join - invitations, and the boxes that come with them.
 *
 * Layer     gateway/core
 * Threads   the keeper
 * On disk   docs/format/tables.md: TABLE_PRIVATE has the secrets of open
 *           invitations, the control feed all else
 *
 * An invitation is for one box and one site. Its code is shown once. The box
 * that comes first with it gets the site; the same box that asks again gets the
 * same answer; any other is told that it was used.
 */
#ifndef DEPOT_GATEWAY_CORE_HQ_JOIN_H
#define DEPOT_GATEWAY_CORE_HQ_JOIN_H

#include "gateway/core/hq.h"
#include "gateway/ingest/join_code.h"
#include "gateway/sync/join.h"

/* Who is invited. */
struct invite {
	struct name site;
	struct name like;        /* the mother site; empty: none */
	uint32_t share_permille; /* of its demand; 0: not said */
	uint64_t until_ms;       /* the site's end; 0: it stays */
	uint64_t expires_ms;     /* the code's end */
};

/*
 * Says it in the control feed, and draws the code; ->host is left to the
 * caller. A name that a site has already is an invitation for a box that takes
 * its place.
 *
 * ERR_INVALID    no site's name, or it expires in the past
 * ERR_NOT_FOUND  there is no site called @invite->like
 * ERR_CONFLICT   an open invitation is out for that site; or the name is HQ's
 * ERR_FULL       all numbers are given, or no room in the map
 */
MUST_CHECK enum err_code hq_invite(const struct hq *hq, struct batch *batch,
				   const struct invite *invite,
				   struct join_code *ret_code, struct err *err);

/* ERR_NOT_FOUND: no such invitation; ERR_CONFLICT: it was used already */
MUST_CHECK enum err_code hq_withdraw(const struct hq *hq, struct batch *batch,
				     uint32_t number, struct err *err);

/*
 * The answer to @code's invitation, given before it is asked for, to a box that
 * has no link: an ANSWER whose nonce is zeros, *@ret_size bytes of @answer
 * (JOIN_FRAME_SIZE_MAX). In the batch that invited or a later one.
 * ERR_NOT_FOUND  no such invitation
 */
MUST_CHECK enum err_code hq_answer_ahead(const struct hq *hq,
					 struct batch *batch,
					 const struct join_code *code,
					 uint8_t *answer, size_t *ret_size,
					 struct err *err);

/*
 * Whether an ASK comes with the secret of an invitation of this HQ's; then
 * *@ret_number is whose. Nothing is written, and nobody told: what a stranger
 * says on the plane of joining costs no transaction.
 * ERR_NOT_FOUND  there is no such invitation, or it is no ask (@err untouched)
 * ERR_DENIED     it does not; *@ret_number is set (@err untouched)
 */
MUST_CHECK enum err_code hq_join_check(const struct view *view,
				       struct span frame, uint32_t *ret_number,
				       struct err *err);

/* The answer JOIN_BUSY to such an ask. Errors likewise. */
MUST_CHECK enum err_code hq_join_busy(const struct view *view,
				      struct span frame, uint8_t *answer,
				      size_t *ret_size, struct err *err);

/*
 * What a box said on the plane of joining. Where it came with the right secret
 * there is an answer, *@ret_size bytes of @answer (JOIN_FRAME_SIZE_MAX), and
 * the site is certified; else *@ret_size is 0 and nobody is told anything.
 */
MUST_CHECK enum err_code hq_join(const struct hq *hq, struct batch *batch,
				 struct span frame, uint8_t *answer,
				 size_t *ret_size, struct err *err);

/*
 * The same for an ASK that people carried: who it is, or why not. Where it is
 * refused nothing was written.
 * ERR_DENIED  it is of no invitation of this HQ's (@err untouched)
 */
struct hq_admission {
	enum join_refusal refusal;
	uint32_t number; /* the invitation's */
	uint32_t site;
	uint32_t epoch;
	struct name name;
};
MUST_CHECK enum err_code hq_admit(const struct hq *hq, struct batch *batch,
				  struct span frame,
				  struct hq_admission *ret_admission,
				  struct err *err);

#endif
