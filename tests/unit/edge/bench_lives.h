/*
 * HQ's box for tests, which holds the lives of one site as peers brought them.
 */
#ifndef DEPOT_TESTS_UNIT_EDGE_BENCH_LIVES_H
#define DEPOT_TESTS_UNIT_EDGE_BENCH_LIVES_H

#include "gateway/core/hq_parents.h"
#include "gateway/core/hq_succeed.h"
#include "tests/support/moves.h"
#include "tests/unit/edge/hq_lives.h"

static inline void certify(struct scene *scene, uint32_t epoch, uint32_t parent)
{
	struct entry entry;
	struct certificate *certificate = &entry.body.certificate;

	entry_init(&entry, ENTRY_CERTIFICATE);
	*certificate = (struct certificate){.site = SITE,
					    .epoch = epoch,
					    .parent_epoch = parent,
					    .role = SITE_ROLE_SITE,
					    .rights = RIGHT_PROMISE,
					    .quota_cap = 500,
					    .valid_until_ms = 9000000000000};
	TEXT_SET(certificate->name, "sh-02");
	memcpy(certificate->public_key, signer_public(scene->keys[epoch]),
	       KEY_PUBLIC_SIZE);
	hq_says(scene, &entry);
}

static inline int scene_setup(void **state)
{
	int result = scene_open(state);

	certify(*state, 1, 0);
	return result;
}

/* ---- what peers bring ---- */

static inline void site_says(struct scene *scene, uint32_t epoch,
			     struct entry *entries, size_t count)
{
	commit(scene, site_write(scene, (struct feed_id){SITE, epoch, 0},
				 entries, count));
}

/* A delta that was sealed and has not come yet. */
struct ahead {
	struct feed_record feed; /* with it */
	struct delta delta;
	char rows[512];
};

static inline void ahead_write(struct scene *scene, uint32_t epoch,
			       struct entry *entry, struct ahead *ahead)
{
	struct feed_id id = {SITE, epoch, 0};
	struct batch *batch = site_write(scene, id, entry, 1);
	struct err err;

	assert_done(feed_get(batch_view(batch), id, &ahead->feed, &err), &err);
	assert_done(feed_delta(batch_view(batch), id, ahead->feed.seq,
			       &ahead->delta, &err),
		    &err);
	assert_in_range(ahead->delta.rows.size, 1, sizeof(ahead->rows));
	memcpy(ahead->rows, ahead->delta.rows.data, ahead->delta.rows.size);
	ahead->delta.rows.data = ahead->rows;
	drop(scene, batch);
}

static inline void ahead_comes(struct scene *scene, const struct ahead *ahead)
{
	struct batch *batch = begin(scene);
	enum admission admission;
	struct err err;

	assert_done(feed_admit(scene->bench->desk, batch_txn(batch),
			       ahead->feed.id, &ahead->delta, &admission, &err),
		    &err);
	assert_string_equal(admission_name(admission), "applied");
	commit(scene, batch);
}

static inline void life_begin(struct scene *scene)
{
	struct entry entry = founding_of(scene, 1);

	site_says(scene, 1, &entry, 1);
	entry = move_of(MOVEMENT_RECEIVE, "TEA", 4, "supplier:x", "DOCK");
	site_says(scene, 1, &entry, 1);
}

static inline struct feed_record feed_at(struct scene *scene, uint32_t epoch)
{
	struct batch *batch = begin(scene);
	struct feed_record feed;
	struct err err;

	assert_done(feed_get(batch_view(batch),
			     (struct feed_id){SITE, epoch, 0}, &feed, &err),
		    &err);
	drop(scene, batch);
	return feed;
}

/* A life that goes on from one that is known to have come to @known. */
static inline struct heir heir_of(struct scene *scene, uint32_t epoch,
				  const struct feed_record *known)
{
	struct heir heir = {.site = SITE,
			    .epoch = epoch,
			    .succession = {.parent_epoch = known->id.epoch,
					   .parent_seq = known->seq,
					   .reason = SUCCESSION_ROLLBACK}};

	memcpy(heir.succession.parent_hash, known->hash, HASH_SIZE);
	memcpy(heir.public_key, signer_public(scene->keys[epoch]),
	       KEY_PUBLIC_SIZE);
	return heir;
}

/* The site goes on by itself; with the parent's word for it, or without. */
static inline void heir_say(struct scene *scene, struct heir heir,
			    bool is_vouched)
{
	uint32_t parent = heir.succession.parent_epoch;
	struct entry entries[2] = {founding_of(scene, heir.epoch)};

	if (is_vouched)
		heir_sign(scene->keys[parent],
			  ledger_identity(scene->bench->w->ledger)->net_id,
			  &heir);
	entry_init(&entries[1], ENTRY_SUCCESSION);
	entries[1].body.succession = heir.succession;
	site_says(scene, heir.epoch, entries, 2);
}

/* What it knew last of its parent is here. */
static inline void heir_begin(struct scene *scene, uint32_t epoch,
			      uint32_t parent, bool is_vouched)
{
	struct feed_record known = feed_at(scene, parent);

	heir_say(scene, heir_of(scene, epoch, &known), is_vouched);
}

/* ---- HQ ---- */

static inline uint64_t control_seq(struct scene *scene)
{
	struct batch *batch = begin(scene);
	struct feed_record feed;
	struct err err;

	assert_done(feed_get(batch_view(batch),
			     (struct feed_id){SITE_CONTROL, 1, 0}, &feed, &err),
		    &err);
	drop(scene, batch);
	return feed.seq;
}

static inline uint32_t parents_ended(struct scene *scene)
{
	struct batch *batch = begin(scene);
	uint32_t count = 77;
	struct err err;

	assert_done(hq_parents_end(&scene->bench->keys.hq, batch, &count, &err),
		    &err);
	commit(scene, batch);
	return count;
}

#endif
