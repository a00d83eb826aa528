/*
 * HQ's box for tests, which holds the lives of one site as peers brought them.
 */
#ifndef DEPOT_TESTS_UNIT_EDGE_BENCH_LIVES_H
#define DEPOT_TESTS_UNIT_EDGE_BENCH_LIVES_H

#include "gateway/core/hq_parents.h"
#include "gateway/core/hq_succeed.h"
#include "tests/support/entries.h"
#include "tests/support/moves.h"
#include "tests/unit/edge/bench_hq.h"

#define SITE (SITE_FIRST + 1)
#define LIVES 6

struct scene {
	struct bench *bench;
	struct signer *keys[LIVES]; /* of the site's epochs, from 1 */
};

static inline struct batch *begin(struct scene *scene)
{
	struct warehouse *w = scene->bench->w;
	struct batch *batch;
	struct err err;

	w->now_ms++;
	assert_done(batch_begin(w->ledger, &batch, &err), &err);
	batch_time(batch, (struct moment){w->now_ms}, true);
	return batch;
}

static inline void commit(struct scene *scene, struct batch *batch)
{
	struct err err;

	assert_done(batch_commit(batch, &err), &err);
	feed_desk_committed(scene->bench->desk);
}

static inline void drop(struct scene *scene, struct batch *batch)
{
	batch_abandon(batch);
	feed_desk_abandon(scene->bench->desk);
}

/* HQ says it: one entry of the control feed. */
static inline void hq_says(struct scene *scene, struct entry *entry)
{
	struct hq_word word = {entry, 1, false};
	struct batch *batch = begin(scene);
	struct err err;

	assert_done(hq_say(&scene->bench->keys.hq, batch, &word, NULL, &err),
		    &err);
	commit(scene, batch);
}

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
	struct scene *scene = calloc(1, sizeof(*scene));
	void *bench;

	assert_non_null(scene);
	assert_int_equal(bench_setup(&bench), 0);
	scene->bench = bench;
	for (uint8_t i = 1; i < LIVES; i++) {
		uint8_t seed[32];

		memset(seed, 30 + i, sizeof(seed));
		assert_code(signer_of_seed(seed, &scene->keys[i], NULL),
			    ERR_OK);
	}
	certify(scene, 1, 0);
	*state = scene;
	return 0;
}

static inline int scene_teardown(void **state)
{
	struct scene *scene = *state;
	void *bench = scene->bench;

	for (size_t i = 1; i < LIVES; i++)
		signer_close(scene->keys[i]);
	free(scene);
	return bench_teardown(&bench);
}

/* ---- what peers bring ---- */

#define SAID_MAX 2

/* One delta of the site's epoch, with @entries; not committed. */
static inline struct batch *site_write(struct scene *scene, uint32_t epoch,
				       struct entry *entries, size_t count)
{
	struct warehouse *w = scene->bench->w;
	static struct bytes bytes[SAID_MAX];
	struct span spans[SAID_MAX];
	struct feed_write write = {.id = {SITE, epoch, 0},
				   .plan = {.signer = scene->keys[epoch],
					    .now = {w->now_ms},
					    .rows_max = DELTA_ROWS_MAX},
				   .entries = spans,
				   .count = count};
	struct batch *batch = begin(scene);
	uint64_t seq;
	struct err err;

	for (size_t i = 0; i < count; i++) {
		entries[i].stamp.value =
			((uint64_t)w->now_ms << STAMP_COUNTER_BITS) + i;
		entries[i].effective.ms = w->now_ms;
		bytes[i] = encode(&entries[i]);
		spans[i] = (struct span){(const char *)bytes[i].data,
					 bytes[i].size};
	}
	assert_done(feed_write(scene->bench->desk, batch_txn(batch), &write,
			       &seq, &err),
		    &err);
	return batch;
}

static inline void site_says(struct scene *scene, uint32_t epoch,
			     struct entry *entries, size_t count)
{
	commit(scene, site_write(scene, epoch, entries, count));
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
	struct batch *batch = site_write(scene, epoch, entry, 1);
	struct feed_id id = {SITE, epoch, 0};
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

static inline struct entry founding_of(struct scene *scene, uint32_t epoch)
{
	struct entry entry;

	entry_init(&entry, ENTRY_FOUNDING);
	entry.body.founding = *ledger_identity(scene->bench->w->ledger);
	memcpy(entry.body.founding.public_key,
	       signer_public(scene->keys[epoch]), KEY_PUBLIC_SIZE);
	return entry;
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
