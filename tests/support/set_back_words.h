/*
 * set_back_words - what HQ says, in the bed of set_back.h, whose box is HQ.
 */
#ifndef DEPOT_TESTS_SUPPORT_SET_BACK_WORDS_H
#define DEPOT_TESTS_SUPPORT_SET_BACK_WORDS_H

#include "tests/support/set_back.h"

static const struct feed_id words = {SITE_CONTROL, 1, 0};

static inline struct guard_place guard_at(const struct bed *bed)
{
	return (struct guard_place){
		bed->guard, ledger_identity(bed->w.ledger)->net_id, SITE};
}

/* HQ certifies a site, whichever. */
static inline void word_say(struct bed *bed)
{
	static uint32_t site = SITE + 1;
	struct entry entry;
	struct txn *txn;

	assert_done(txn_begin(ledger_env(bed->w.ledger), &txn, &bed->w.err),
		    &bed->w.err);
	entry_init(&entry, ENTRY_CERTIFICATE);
	entry.body.certificate = (struct certificate){
		.site = site++, .epoch = 1, .role = SITE_ROLE_SITE};
	TEXT_SET(entry.body.certificate.name, "sh-02");
	memcpy(entry.body.certificate.public_key, signer_public(bed->root),
	       KEY_PUBLIC_SIZE);
	say(bed, txn, &entry);
	assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
	feed_desk_committed(bed->desk);
}

static inline uint64_t words_count(struct bed *bed)
{
	struct view *view = look(bed);
	struct feed_record feed;

	assert_done(feed_get(view, words, &feed, &bed->w.err), &bed->w.err);
	view_end(view);
	return feed.seq;
}

/* The peers' words, through the checks that all get. */
static inline void words_fetch(struct bed *bed, struct env *peers,
			       uint64_t last)
{
	const uint8_t *net_id = ledger_identity(bed->w.ledger)->net_id;
	struct view *theirs;
	struct txn *txn;

	assert_done(view_begin(peers, &theirs, &bed->w.err), &bed->w.err);
	for (uint64_t seq = words_count(bed) + 1; seq <= last; seq++) {
		enum admission admission;
		struct delta delta;

		assert_done(txn_begin(ledger_env(bed->w.ledger), &txn,
				      &bed->w.err),
			    &bed->w.err);
		assert_done(feed_delta(theirs, words, seq, &delta, &bed->w.err),
			    &bed->w.err);
		assert_done(feed_judge(txn_view(txn), net_id, &delta, 0,
				       &admission, &bed->w.err),
			    &bed->w.err);
		assert_string_equal(admission_name(admission), "applied");
		assert_done(feed_admit(bed->desk, txn, words, &delta,
				       &admission, &bed->w.err),
			    &bed->w.err);
		assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
		feed_desk_committed(bed->desk);
	}
	view_end(theirs);
}

static inline void save(struct bed *bed)
{
	struct guard_place place = guard_at(bed);
	struct view *view = look(bed);

	assert_done(guard_save(&place, view, &bed->w.err), &bed->w.err);
	view_end(view);
}

static inline void vouch(struct bed *bed, bool is_sure)
{
	struct guard_place place = guard_at(bed);
	struct view *view = look(bed);

	assert_done(guard_vouch(&place, view, is_sure, &bed->w.err),
		    &bed->w.err);
	view_end(view);
}

static inline struct guard_memory recall(struct bed *bed)
{
	struct guard_place place = guard_at(bed);
	struct guard_memory memory;
	struct view *view = look(bed);

	assert_done(guard_recall(&place, view, &memory, &bed->w.err),
		    &bed->w.err);
	view_end(view);
	return memory;
}

#endif
