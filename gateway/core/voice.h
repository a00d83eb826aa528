/*
 * voice - whether HQ may speak: all that it ever said is in its store.
 *
 * Layer     gateway/core; no I/O, no clock
 * Threads   the peer engine's (depotd's envoy; the simulator's one thread);
 *           what it comes to is read from any (struct hq's voice)
 *
 * Two words of HQ with one number stop everybody until the root key speaks. So
 * HQ says nothing while its disk may have gone back in time. What it had said
 * is known from the guard (store/guard.h), which is on the disk before a word
 * leaves, and from peers:
 *
 *   the guard has the store's words, or fewer   it speaks at once
 *   the guard has more                          behind: peers are asked for the
 *                                               rest; with the guard's last
 *                                               word it speaks on behind it
 *   there is no guard, or another machine's, or listens: until peers were heard
 *   one that nobody vouched for                 for a minute, or a person
 *                                               confirms it
 *   a peer has more than the guard              doubts: what peers have is
 *                                               taken, but nobody can tell
 *                                               whether that is all. The root
 *                                               key has to speak (hq_renew)
 *
 * Once set back, this box's own ledger goes on in an epoch that has to be
 * certified (core/incarnation.h). An HQ whose words are sure says so itself.
 */
#ifndef DEPOT_GATEWAY_CORE_VOICE_H
#define DEPOT_GATEWAY_CORE_VOICE_H

#include "gateway/core/exchange.h"
#include "gateway/core/hq.h"
#include "gateway/sync/sync.h"
#include "store/guard.h"

/* Somebody has to have been heard for so long, where the guard cannot tell. */
#define VOICE_HEAR_MS EXCHANGE_WITNESS_MS

/* The caller's storage; all of it is this module's. */
struct voice {
	bool is_hq;
	bool is_sure;  /* nothing was said beyond @known */
	bool was_sure; /* as the caller was told */
	enum hq_voice voice;
	struct guard_word own;    /* of this box's ledger, as remembered */
	struct guard_words known; /* the last that was said, as remembered */
	uint64_t heard_ms;        /* since then somebody is heard, plus 1 */
	atomic_int *told;         /* struct hq's voice; NULL: nobody's */
};

/*
 * At a start. @is_hq: the site is SITE_FIRST, and has a network. @told is set
 * with each voice_look, and borrowed until the end; may be NULL.
 */
void voice_begin(struct voice *voice, const struct guard_memory *memory,
		 bool is_hq, atomic_int *told);

/* Where exchange_found is called with SYNC_FOUND_SELF. @was_known: this box was
 * set back already. */
void voice_found(struct voice *voice, const struct sync_finding *finding,
		 bool was_known);

/*
 * Looks again. *@ret_turned: whether it is sure has changed, and the guard is
 * to be told (guard_vouch, voice_is_sure) and the peer engine
 * (voice_wants_words).
 * ERR_CORRUPT, ERR_IO  the store's
 */
struct voice_now {
	const struct view *view;
	uint64_t ms;
	bool was_set_back; /* exchange_was_set_back */
	bool is_answered;  /* some peer said what it has */
	enum exchange_links links;
};
MUST_CHECK enum err_code voice_look(struct voice *voice,
				    const struct voice_now *now,
				    bool *ret_turned, struct err *err);

bool voice_is_sure(const struct voice *voice);
/* For sync_self.is_behind. */
bool voice_wants_words(const struct voice *voice);

#endif
