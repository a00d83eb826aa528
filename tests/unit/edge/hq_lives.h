/*
 * HQ's own box on a real store, which holds the feeds of a site's lives as
 * peers brought them.
 */
#ifndef DEPOT_TESTS_UNIT_EDGE_HQ_LIVES_H
#define DEPOT_TESTS_UNIT_EDGE_HQ_LIVES_H

#include "tests/support/entries.h"
#include "tests/unit/edge/bench_hq.h"

#define SITE (SITE_FIRST + 1)
#define LIVES 6
#define SAID_MAX 2

struct scene {
	struct bench *bench;
	struct signer *keys[LIVES]; /* of a site's epochs, from 1 */
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

/* A power cut before the commit. */
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

static inline int scene_open(void **state)
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

/* One delta of a life, with @entries; not committed. */
static inline struct batch *site_write(struct scene *scene, struct feed_id id,
				       struct entry *entries, size_t count)
{
	struct warehouse *w = scene->bench->w;
	static struct bytes bytes[SAID_MAX];
	struct span spans[SAID_MAX];
	struct feed_write write = {.id = id,
				   .plan = {.signer = scene->keys[id.epoch],
					    .now = {w->now_ms},
					    .rows_max = DELTA_ROWS_MAX},
				   .entries = spans,
				   .count = count};
	struct batch *batch = begin(scene);
	uint64_t seq;
	struct err err;

	assert_true(count <= SAID_MAX);
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

static inline struct entry founding_of(struct scene *scene, uint32_t epoch)
{
	struct entry entry;

	entry_init(&entry, ENTRY_FOUNDING);
	entry.body.founding = *ledger_identity(scene->bench->w->ledger);
	memcpy(entry.body.founding.public_key,
	       signer_public(scene->keys[epoch]), KEY_PUBLIC_SIZE);
	return entry;
}

#endif
