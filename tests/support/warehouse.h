/*
 * warehouse - a real store in a folder of its own, and movements in it.
 *
 * Every call is one batch, committed, so that a test reads what anyone would.
 * The clock is the test's: it moves by itself only one millisecond a batch.
 */
#ifndef DEPOT_TESTS_SUPPORT_WAREHOUSE_H
#define DEPOT_TESTS_SUPPORT_WAREHOUSE_H

#include <ftw.h>

#include "rules/ledger/movement.h"
#include "store/ledger.h"
#include "store/master.h"
#include "tests/support/check.h"

#define WAREHOUSE_MAP_SIZE (UINT64_C(64) << 20)

/* 2026-11-22T10:00:00Z */
#define WAREHOUSE_START_MS INT64_C(1795341600000)

struct warehouse {
	char folder[64];
	char store[96];
	struct ledger *ledger;
	struct batch *batch; /* under way between _begin and _commit */
	struct moment now;
	bool clock_trusted;
	struct err err;
};

static inline void warehouse_open(struct warehouse *w)
{
	struct ledger_plan plan = {.map_size = WAREHOUSE_MAP_SIZE,
				   .now = {WAREHOUSE_START_MS},
				   .clock_trusted = true};

	*w = (struct warehouse){.now = {WAREHOUSE_START_MS},
				.clock_trusted = true};
	assert_true(text_format(w->folder, sizeof(w->folder),
				"/tmp/depot-test-XXXXXX"));
	assert_non_null(mkdtemp(w->folder));
	assert_true(
		text_format(w->store, sizeof(w->store), "%s/store", w->folder));
	assert_true(name_set(&plan.founding.org, SPAN_LITERAL("acme")));
	assert_true(name_set(&plan.founding.site, SPAN_LITERAL("hz-01")));
	assert_true(ref_set(&plan.founding.timezone, SPAN_LITERAL("UTC")));
	assert_done(ledger_create(w->store, &plan, &w->err), &w->err);
	assert_done(ledger_open(w->store, ENV_WRITE, &w->ledger, &w->err),
		    &w->err);
}

static inline int warehouse_remove_one(const char *path,
				       const struct stat *info, int kind,
				       struct FTW *walk)
{
	(void)info;
	(void)kind;
	(void)walk;
	return remove(path);
}

static inline void warehouse_close(struct warehouse *w)
{
	ledger_close(w->ledger);
	assert_int_equal(nftw(w->folder, warehouse_remove_one, 8,
			      FTW_DEPTH | FTW_PHYS),
			 0);
}

static inline void warehouse_begin(struct warehouse *w)
{
	assert_done(batch_begin(w->ledger, &w->batch, &w->err), &w->err);
	w->now.ms++;
	batch_time(w->batch, w->now, w->clock_trusted);
}

static inline struct pos warehouse_post(struct warehouse *w,
					struct entry *entry)
{
	struct pos pos = {0};

	assert_done(batch_post(w->batch, entry, &pos, &w->err), &w->err);
	return pos;
}

static inline void warehouse_commit(struct warehouse *w)
{
	assert_done(batch_commit(w->batch, &w->err), &w->err);
	w->batch = NULL;
}

/* Posts @entry in a batch of its own. */
static inline struct pos warehouse_enter(struct warehouse *w,
					 struct entry *entry)
{
	struct pos pos;

	warehouse_begin(w);
	pos = warehouse_post(w, entry);
	warehouse_commit(w);
	return pos;
}

static inline struct entry warehouse_movement(enum movement_kind kind,
					      const char *sku, int64_t units)
{
	struct entry entry;
	struct movement *movement = &entry.body.movement;

	entry_init(&entry, ENTRY_MOVEMENT);
	movement->kind = kind;
	movement->quantity.units = units;
	assert_true(sku_set(&movement->item, span_of(sku)));
	return entry;
}

/* supplier -> bin, on @condition */
static inline struct entry warehouse_receipt(const char *sku, int64_t units,
					     enum condition condition)
{
	struct entry entry = warehouse_movement(MOVEMENT_RECEIVE, sku, units);
	struct movement *movement = &entry.body.movement;

	movement->from.place.kind = PLACE_SUPPLIER;
	assert_true(place_name_set(&movement->from.place.name,
				   SPAN_LITERAL("sup")));
	movement->to.place = place_bin(SPAN_LITERAL("A-01"));
	movement->to.condition = condition;
	return entry;
}

static inline struct pos warehouse_receive(struct warehouse *w, const char *sku,
					   int64_t units)
{
	struct entry entry = warehouse_receipt(sku, units, CONDITION_GOOD);

	return warehouse_enter(w, &entry);
}

/* PICKED */
static inline struct pos warehouse_pick_for(struct warehouse *w,
					    const char *order, const char *sku,
					    int64_t units)
{
	struct entry entry = warehouse_movement(MOVEMENT_PICK, sku, units);
	struct movement *movement = &entry.body.movement;

	movement->from.place = place_bin(SPAN_LITERAL("A-01"));
	movement->from.condition = CONDITION_GOOD;
	movement->to.place = place_bin(SPAN_LITERAL(BIN_PICKED));
	movement->to.condition = CONDITION_GOOD;
	entry.ref.kind = REF_ORDER;
	assert_true(ref_set(&entry.ref.text, span_of(order)));
	return warehouse_enter(w, &entry);
}

static inline struct pos warehouse_pick(struct warehouse *w, const char *sku,
					int64_t units)
{
	return warehouse_pick_for(w, "SO-1", sku, units);
}

/* scrap */
static inline struct pos warehouse_scrap(struct warehouse *w, const char *sku,
					 int64_t units)
{
	struct entry entry = warehouse_movement(MOVEMENT_SCRAP, sku, units);
	struct movement *movement = &entry.body.movement;

	movement->from.place = place_bin(SPAN_LITERAL("A-01"));
	movement->from.condition = CONDITION_GOOD;
	movement->to.place = place_of(PLACE_SCRAP);
	assert_true(reason_set(&movement->reason, SPAN_LITERAL("broken")));
	return warehouse_enter(w, &entry);
}

static inline struct pos warehouse_describe(struct warehouse *w,
					    const char *sku, const char *name,
					    bool is_inactive)
{
	struct entry entry;
	struct item *item = &entry.body.item;

	entry_init(&entry, ENTRY_ITEM);
	item->unit = UNIT_EACH;
	item->is_inactive = is_inactive;
	assert_true(sku_set(&item->sku, span_of(sku)));
	assert_true(item_name_set(&item->name_en, span_of(name)));
	return warehouse_enter(w, &entry);
}

static inline struct entry warehouse_task(const char *id, enum task_state state)
{
	struct entry entry;
	struct task *task = &entry.body.task;

	entry_init(&entry, ENTRY_TASK);
	task->kind = TASK_COUNT;
	task->state = state;
	assert_true(name_set(&task->id, span_of(id)));
	assert_true(place_name_set(&task->bin, SPAN_LITERAL("A-01")));
	assert_true(reason_set(&task->reason, SPAN_LITERAL("found")));
	return entry;
}

static inline struct entry warehouse_alert(const char *code,
					   const char *subject, bool is_closed)
{
	struct entry entry;
	struct alert *alert = &entry.body.alert;
	char id[REF_SIZE_MAX + 1];

	entry_init(&entry, ENTRY_ALERT);
	(void)text_format(id, sizeof(id), "%s-%s", code, subject);
	assert_true(ref_set(&alert->id, span_of(id)));
	assert_true(reason_set(&alert->code, span_of(code)));
	assert_true(code_text_set(&alert->subject, span_of(subject)));
	alert->severity = SEVERITY_WARNING;
	alert->value = 3;
	alert->is_closed = is_closed;
	return entry;
}

static inline struct item_no warehouse_item(struct warehouse *w,
					    const char *sku)
{
	struct item_no item;
	struct view *view;

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	assert_done(item_find(view, span_of(sku), &item, &w->err), &w->err);
	view_end(view);
	return item;
}

/* An empty warehouse for each test, and its end: cmocka's. */
static inline int warehouse_setup(void **state)
{
	struct warehouse *w = calloc(1, sizeof(*w));

	warehouse_open(w);
	*state = w;
	return 0;
}

static inline int warehouse_teardown(void **state)
{
	warehouse_close(*state);
	free(*state);
	return 0;
}

#endif
