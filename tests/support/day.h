/*
 * day - a short day in a warehouse: one movement of every kind at least, and
 * an entry of every other kind.
 */
#ifndef DEPOT_TESTS_SUPPORT_DAY_H
#define DEPOT_TESTS_SUPPORT_DAY_H

#include "tests/support/entries.h"
#include "tests/support/moves.h"
#include "tests/support/warehouse.h"

static const struct {
	enum movement_kind kind;
	const char *sku;
	int64_t units;
	const char *from;
	const char *to;
	const char *order;
	const char *lot;
} day[] = {
	{MOVEMENT_RECEIVE, "TEA", 100, "supplier:acme", "DOCK", "", "L1"},
	{MOVEMENT_RECEIVE, "TEA", 50, "supplier:acme", "DOCK", "", "L2"},
	{MOVEMENT_RECEIVE, "CUP", 80, "supplier:acme", "DOCK", "", ""},
	{MOVEMENT_PUTAWAY, "TEA", 100, "DOCK", "A-01", "", "L1"},
	{MOVEMENT_PUTAWAY, "TEA", 40, "DOCK", "A-01", "", "L2"},
	{MOVEMENT_MOVE, "CUP", 30, "DOCK", "B-02", "", ""},
	{MOVEMENT_PICK, "TEA", 12, "A-01", "PICKED", "SO-1", "L1"},
	{MOVEMENT_PICK, "TEA", 5, "A-01", "PICKED", "SO-2", "L2"},
	{MOVEMENT_PICK, "CUP", 7, "B-02", "PICKED", "SO-2", ""},
	{MOVEMENT_PACK, "TEA", 12, "PICKED", "PACKED", "SO-1", "L1"},
	{MOVEMENT_SHIP, "TEA", 10, "PACKED", "customer", "SO-1", "L1"},
	{MOVEMENT_RETURN, "TEA", 1, "customer", "DOCK/quarantine", "SO-1",
	 "L1"},
	{MOVEMENT_HOLD, "CUP", 3, "B-02", "B-02/damaged", "", ""},
	{MOVEMENT_RELEASE, "TEA", 1, "DOCK/quarantine", "DOCK", "", "L1"},
	{MOVEMENT_SCRAP, "CUP", 1, "B-02/damaged", "scrap", "", ""},
	{MOVEMENT_FOUND, "CUP", 2, "found", "B-02", "", ""},
	{MOVEMENT_COUNT_ADJUST, "CUP", 4, "B-02", "loss", "", ""},
	{MOVEMENT_TRANSFER_OUT, "TEA", 6, "A-01", "transit:T-1", "", "L1"},
	{MOVEMENT_TRANSFER_IN, "TEA", 2, "transit:T-2", "DOCK", "", "L3"},
	{MOVEMENT_TRANSFORM, "CUP", 5, "DOCK", "made", "", ""},
	{MOVEMENT_TRANSFORM, "SET", 5, "made", "DOCK", "", ""},
	{MOVEMENT_REVERSE, "SET", 1, "DOCK", "made", "", ""},
};

#define DAY_MOVEMENTS (ARRAY_LEN(day) + 1)
#define DAY_ENTRIES (DAY_MOVEMENTS + ENTRY_KIND_COUNT - 2 + 1)

static inline struct entry day_movement(size_t i)
{
	struct entry entry = move_of(day[i].kind, day[i].sku, day[i].units,
				     day[i].from, day[i].to);

	move_lot(&entry, day[i].lot);
	if (day[i].order[0] != '\0')
		move_ref(&entry, REF_ORDER, day[i].order);
	return entry;
}

/* One unit with a serial, on a pallet. */
static inline struct entry day_serial(void)
{
	struct entry entry =
		move_of(MOVEMENT_RECEIVE, "RADIO", 1, "supplier:acme", "A-01");

	TEXT_SET(entry.body.movement.serial, "SN1");
	memcpy(entry.body.movement.sscc, "106141412345678908", SSCC_SIZE);
	return entry;
}

/* A site check that is asked for. */
static inline struct entry day_check_task(void)
{
	struct entry entry = sample_entry(ENTRY_TASK);

	entry.body.task.kind = TASK_CHECK;
	entry.body.task.is_by_uptime = false;
	TEXT_SET(entry.body.task.id, "t1-902");
	return entry;
}

/* Posts the day's DAY_ENTRIES entries in one batch. */
static inline void day_post(struct warehouse *w)
{
	struct entry serial = day_serial();
	struct entry task = day_check_task();

	warehouse_begin(w);
	for (size_t i = 0; i < ARRAY_LEN(day); i++) {
		struct entry entry = day_movement(i);

		(void)warehouse_post(w, &entry);
	}
	(void)warehouse_post(w, &serial);
	for (size_t i = 2; i < ENTRY_KIND_COUNT; i++) {
		enum entry_kind kind = kind_at(i);
		struct entry entry = sample_entry(kind);

		/* A closed one would leave no row. */
		if (kind == ENTRY_ALERT)
			entry.body.alert.is_closed = false;
		(void)warehouse_post(w, &entry);
	}
	(void)warehouse_post(w, &task);
	warehouse_commit(w);
}

/* A warehouse after such a day; warehouse_teardown ends it. */
static inline int day_setup(void **state)
{
	struct warehouse *w = calloc(1, sizeof(*w));

	warehouse_open(w);
	day_post(w);
	*state = w;
	return 0;
}

#endif
