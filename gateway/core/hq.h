/*
 * hq - what HQ says: its control feed and its master data.
 *
 * Layer     gateway/core
 * Threads   the keeper
 *
 * HQ's own ledger is a site's like any other. What it says to all of them lies
 * in two feeds that have no journal: an entry is written straight into the next
 * delta, signed, and folded here as it will be everywhere else.
 */
#ifndef DEPOT_GATEWAY_CORE_HQ_H
#define DEPOT_GATEWAY_CORE_HQ_H

#include <stdatomic.h>

#include "store/feed.h"
#include "store/ledger.h"
#include "store/roster.h"

/* Whose word it is. All borrowed until the call returns. */
struct hq {
	const struct founding *identity; /* of this box's own ledger */
	struct feed_desk *desk;
	const struct signer *control; /* the key that the root named */
	const struct signer *master;
	uint32_t control_epoch;
	uint32_t master_epoch;
	uint64_t boot; /* drawn when the box started */
	/* An enum hq_voice: whoever looks at the guard and at peers says it
	 * here (core/voice.h), from any thread. NULL: nobody looks, and the
	 * store alone tells. */
	atomic_int *voice;
};

/* Whether all that this HQ ever said is in this store. */
enum hq_voice {
	HQ_LISTENS = 0, /* the guard cannot tell: peers are heard first */
	HQ_SPEAKS,      /* it is */
	HQ_CONFIRMED,   /* a person says that it is, and it was not known */
	HQ_BEHIND,      /* it is not; how far it went is known, and the rest is
			 * asked for */
	HQ_DOUBTS,      /* it was not, and nobody knows how far it went. A
			 * stick can show that, too (network.take) */
};

/* Why HQ says nothing in control or master. */
enum hq_silence {
	HQ_SILENCE_NONE = 0,
	HQ_SILENCE_LISTENS, /* until peers were heard, or hq.confirm */
	HQ_SILENCE_BEHIND,  /* until it has its words again */
	HQ_SILENCE_ROOT,    /* until hq_renew */
};

/* Entries said at once, at most: they are one delta. */
#define HQ_SAID_MAX 32

/*
 * Says @entries, 1 to HQ_SAID_MAX, in the control feed, or, with @is_master, in
 * the master feed. Stamps them with the batch's time. *@ret_seq (may be NULL)
 * is the delta's seq.
 *
 * ERR_NOT_FOUND  there is no such feed yet: hq_found
 * ERR_AGAIN      this store may have been set back: hq_silence_of
 * ERR_DENIED     it is not HQ's to say, or not sound
 * ERR_FULL       no room in the map, or the entries are too long together
 */
struct hq_word {
	struct entry *entries;
	size_t count;
	bool is_master;
};
MUST_CHECK enum err_code hq_say(const struct hq *hq, struct batch *batch,
				const struct hq_word *word, uint64_t *ret_seq,
				struct err *err);

/*
 * Sites may hold words of HQ that are not here, and what is said now could take
 * their numbers. That is so where the guard cannot tell or says so, or peers
 * do (struct hq's voice); where the store came back from a backup, and has not
 * begun its next epoch; where this box's own ledger goes on in an epoch without
 * a certificate, unless the voice is sure all the same; and where two words of
 * one number are known.
 */
MUST_CHECK enum err_code hq_silence_of(const struct hq *hq,
				       const struct view *view,
				       enum hq_silence *ret_silence,
				       struct err *err);

/* *@ret_is: it says nothing. */
MUST_CHECK enum err_code hq_is_behind(const struct hq *hq,
				      const struct view *view, bool *ret_is,
				      struct err *err);

/* The epoch in which this box's own ledger goes on has HQ's word. */
MUST_CHECK enum err_code hq_own_certified(const struct view *view, bool *ret_is,
					  struct err *err);

/* For whoever writes these feeds: hq_say without asking whether HQ may speak
 * (the root's word is said where it may not); which feed, how it is sealed, and
 * the next stamp behind *@last, with the batch's time, for @entry. */
MUST_CHECK enum err_code hq_write(const struct hq *hq, struct batch *batch,
				  const struct hq_word *word, uint64_t *ret_seq,
				  struct err *err);
struct feed_id hq_feed(const struct hq *hq, bool is_master);
struct seal_plan hq_plan(const struct hq *hq, const struct batch *batch,
			 bool is_master);
void hq_stamp(const struct batch *batch, struct stamp *last,
	      struct entry *entry);

/* A certificate with the rights that a site's role has by default, valid from
 * the batch's time on. */
struct certificate hq_certificate(const struct batch *batch, uint32_t site,
				  enum site_role role);

#endif
