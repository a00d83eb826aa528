/*
 * observations - what sensors saw, made, added and listed, for the tests of
 * observation.
 */
#ifndef DEPOT_TESTS_SUPPORT_OBSERVATIONS_H
#define DEPOT_TESTS_SUPPORT_OBSERVATIONS_H

#include "store/observation.h"
#include "tests/support/tables.h"

#define HOLD_MS 1000

static struct tables tables;

static inline int setup(void **state)
{
	(void)state;
	tables_open(&tables, UINT64_C(64) << 20);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	tables_close(&tables);
	return 0;
}

static inline struct observation shelf(const char *bin, int64_t at,
				       int64_t value)
{
	struct observation seen = {.at = {at},
				   .until = {at},
				   .device = {1},
				   .what = OBSERVED_WEIGHT_G,
				   .value = value,
				   .count = 1};

	assert_true(place_name_set(&seen.bin, span_of(bin)));
	return seen;
}

static inline struct observation tag(const char *epc, int64_t at,
				     int64_t signal)
{
	struct observation seen = shelf("PORTAL", at, signal);

	seen.what = OBSERVED_EPC;
	seen.antenna = 1;
	assert_true(ref_set(&seen.epc, span_of(epc)));
	return seen;
}

static inline void add(const struct observation *seen)
{
	assert_done(observation_add(tables.txn, seen, HOLD_MS, &tables.err),
		    &tables.err);
}

static inline struct observation latest(const char *bin, enum observed what)
{
	struct observation seen;

	assert_done(observation_latest(txn_view(tables.txn), span_of(bin), what,
				       &seen, &tables.err),
		    &tables.err);
	return seen;
}

static inline enum err_code latest_code(const char *bin, enum observed what)
{
	struct observation seen;

	return observation_latest(txn_view(tables.txn), span_of(bin), what,
				  &seen, &tables.err);
}

static inline uint32_t trim(int64_t before, uint32_t most)
{
	uint32_t removed;

	assert_done(observation_trim(tables.txn, (struct moment){before}, most,
				     &removed, &tables.err),
		    &tables.err);
	return removed;
}

#define LIST_MAX 16

struct list {
	size_t count;
	struct observation at[LIST_MAX];
};

static inline enum err_code
list_visit(void *context, const struct observation *seen, struct err *err)
{
	struct list *list = context;

	(void)err;
	if (list->count == LIST_MAX)
		return ERR_STOPPED;
	list->at[list->count++] = *seen;
	return ERR_OK;
}

/* Valid until the next call. */
static inline const struct list *list_from(int64_t from)
{
	static struct list list;

	list.count = 0;
	assert_done(observation_walk(txn_view(tables.txn),
				     (struct moment){from}, list_visit, &list,
				     &tables.err),
		    &tables.err);
	return &list;
}

static inline void assert_observation(const struct observation *a,
				      const struct observation *b)
{
	assert_true(a->at.ms == b->at.ms);
	assert_true(a->until.ms == b->until.ms);
	assert_int_equal(a->device.value, b->device.value);
	assert_int_equal(a->what, b->what);
	assert_true(
		span_equal(place_name_span(&a->bin), place_name_span(&b->bin)));
	assert_true(a->value == b->value);
	assert_true(a->count == b->count);
	assert_int_equal(a->antenna, b->antenna);
	assert_true(a->is_stable == b->is_stable);
	assert_true(span_equal(ref_span(&a->epc), ref_span(&b->epc)));
}

#endif
