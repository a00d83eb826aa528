/*
 * HQ's box for tests: a warehouse that founded a network, with its keys.
 */
#ifndef DEPOT_TESTS_UNIT_EDGE_BENCH_HQ_H
#define DEPOT_TESTS_UNIT_EDGE_BENCH_HQ_H

#include "gateway/edge/hq_keys.h"
#include "store/keys.h"
#include "tests/unit/core/bench_warehouse.h"

struct bench {
	struct warehouse *w;
	struct hq_keys keys;
	struct feed_desk *desk;
};

static inline enum err_code found(struct warehouse *w, struct err *err)
{
	struct hq_founding founding = {
		.path = w->path, .now = {w->now_ms}, .clock_trusted = true};
	char folder[FILE_PATH_SIZE];
	struct signer *root;
	enum err_code code;

	assert_done(ledger_keys_folder(w->path, folder, err), err);
	assert_done(signer_open(folder, "root.key", &root, err), err);
	founding.root = root;
	code = hq_keys_found(w->ledger, &founding, err);
	signer_close(root);
	return code;
}

static inline void bench_open(struct bench *bench)
{
	struct warehouse *w = bench->w;
	struct err err;

	assert_done(feed_desk_open(ledger_identity(w->ledger)->net_id,
				   &bench->desk, &err),
		    &err);
	assert_done(hq_keys_open(&bench->keys, w->ledger, w->path, NULL,
				 bench->desk, &err),
		    &err);
}

static inline int bench_setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct err err;
	void *w;

	assert_non_null(bench);
	assert_int_equal(warehouse_setup(&w), 0);
	bench->w = w;
	assert_done(found(bench->w, &err), &err);
	/* The engine is told of HQ when it opens. */
	warehouse_close(bench->w);
	bench->w->hq = &bench->keys.hq;
	warehouse_open(bench->w);
	bench_open(bench);
	assert_non_null(bench->keys.control);
	*state = bench;
	return 0;
}

static inline void key_unlink(struct warehouse *w, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/store-keys/%s", w->folder, name);
	(void)unlink(path);
}

static inline int bench_teardown(void **state)
{
	struct bench *bench = *state;
	void *w = bench->w;

	(void)unlink(bench->keys.guard);
	hq_keys_close(&bench->keys);
	feed_desk_close(bench->desk);
	key_unlink(w, "control-1.key");
	key_unlink(w, "master-1.key");
	key_unlink(w, "control-2.key");
	key_unlink(w, "master-2.key");
	free(bench);
	return warehouse_teardown(&w);
}

#define HQ_STORY(story) \
	cmocka_unit_test_setup_teardown(story, bench_setup, bench_teardown)

#endif
