/*
 * A network of one joins another: the next epoch is that network's, tells again
 * all that was booked before, and moves nothing by it.
 *
 * Method: a real ledger, closed and opened again after each joining, as the
 * box that joins does.
 */
#include "store/joining.h"
#include "store/audit.h"
#include "store/balance.h"
#include "store/delta.h"
#include "store/keys.h"
#include "store/row.h"
#include "store/site.h"
#include "tests/support/moves.h"
#include "tests/support/rebuilt.h"

#define NUMBER (SITE_FIRST + 6)
#define ENTRIES 2000

static void keys_folder(struct warehouse *w, char folder[FILE_PATH_SIZE])
{
	assert_done(ledger_keys_folder(w->store, folder, &w->err), &w->err);
}

/* The founding of the other network, as HQ's answer has it. */
static struct founding other_network(void)
{
	struct founding founding = {.net_id = "another network"};

	assert_true(name_set(&founding.org, SPAN_LITERAL("bolt")));
	assert_true(name_set(&founding.site, SPAN_LITERAL("sz-09")));
	assert_true(ref_set(&founding.timezone, SPAN_LITERAL("Asia/Shanghai")));
	return founding;
}

static enum err_code join(struct warehouse *w, uint32_t epoch,
			  uint64_t *carried)
{
	struct founding founding = other_network();
	struct joining_plan plan = {.epoch = {.epoch = epoch,
					      .now = w->now,
					      .clock_trusted = true,
					      .joins = &founding},
				    .site = NUMBER,
				    .succession = {.parent_epoch = epoch - 1,
						   .reason =
							   SUCCESSION_JOINED}};
	char folder[FILE_PATH_SIZE];
	char name[KEY_NAME_SIZE];

	keys_folder(w, folder);
	keys_epoch_name(epoch, name);
	assert_done(keys_make(folder, name, plan.epoch.public_key, &w->err),
		    &w->err);
	return joining_open(w->ledger, &plan, carried, &w->err);
}

static void restart(struct warehouse *w)
{
	ledger_close(w->ledger);
	assert_done(ledger_open(w->store, ENV_WRITE, &w->ledger, &w->err),
		    &w->err);
}

static struct view *look(struct warehouse *w)
{
	struct view *view;

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	return view;
}

static struct entry entry_at(struct warehouse *w, uint32_t epoch,
			     uint64_t number)
{
	struct view *view = look(w);
	struct entry entry;

	assert_done(journal_read(view, pos_make(epoch, number), &entry,
				 &w->err),
		    &w->err);
	view_end(view);
	return entry;
}

static struct pos head(struct warehouse *w)
{
	struct journal_head at;
	struct view *view = look(w);

	assert_done(ledger_head(view, &at, &w->err), &w->err);
	view_end(view);
	return at.pos;
}

static uint32_t number_of(struct warehouse *w)
{
	struct view *view = look(w);
	uint32_t site = 99;

	assert_done(site_number_get(view, &site, &w->err), &w->err);
	view_end(view);
	return site;
}

struct sum {
	int64_t units;
};

static enum err_code sum_add(void *context, struct item_no item,
			     struct place_no place,
			     const struct balance *balance, struct err *err)
{
	struct sum *sum = context;

	(void)item;
	(void)err;
	for (size_t i = 0; i < balance->count; i++)
		if (place_no_kind(place) == PLACE_BIN)
			sum->units += balance->cells[i].quantity.units;
	return ERR_OK;
}

static int64_t units(struct warehouse *w)
{
	struct view *view = look(w);
	struct sum sum = {0};

	assert_done(balance_walk_all(view, sum_add, &sum, &w->err), &w->err);
	view_end(view);
	return sum.units;
}

/* The book is the fold of the journal, row by row, and the audit is clean. */
static void assert_sound(struct warehouse *w)
{
	static struct audit_result result;
	const struct audit_plan whole = {.progress = NULL};
	struct view *view = look(w);

	assert_rebuilt(w, view);
	assert_done(audit_run(view, &whole, &result, &w->err), &w->err);
	assert_true(audit_is_clean(&result));
	view_end(view);
}

static void all_that_was_booked_is_told_again_and_moves_nothing(void **state)
{
	struct warehouse *w = *state;
	struct entry entry = warehouse_receipt("TEA", 10, CONDITION_GOOD);
	uint64_t carried = 99;
	struct entry told;

	entry.actor.kind = ACTOR_DEVICE;
	assert_true(name_set(&entry.actor.name, SPAN_LITERAL("gun-1")));
	assert_true(boot_set(&entry.actor.boot, SPAN_LITERAL("b1")));
	entry.actor.seq = 7;
	(void)warehouse_enter(w, &entry);
	(void)warehouse_describe(w, "TEA", "Tea", false);
	(void)warehouse_pick(w, "TEA", 3);
	assert_done(join(w, 2, &carried), &w->err);
	assert_int_equal(carried, 3);
	assert_int_equal(number_of(w), NUMBER);
	restart(w);
	assert_int_equal(number_of(w), NUMBER);
	assert_span(name_span(&ledger_identity(w->ledger)->org), "bolt");
	assert_span(name_span(&ledger_identity(w->ledger)->site), "sz-09");
	assert_int_equal(head(w).value, pos_make(2, 2 + 3).value);
	told = entry_at(w, 2, 1);
	assert_int_equal(told.kind, ENTRY_FOUNDING);
	assert_memory_equal(told.body.founding.net_id, "another network", 16);
	told = entry_at(w, 2, 2);
	assert_int_equal(told.kind, ENTRY_SUCCESSION);
	assert_int_equal(told.body.succession.reason, SUCCESSION_JOINED);
	told = entry_at(w, 2, 3);
	assert_int_equal(told.carried.value, pos_make(1, 2).value);
	assert_int_equal(told.body.movement.quantity.units, 10);
	assert_span(name_span(&told.actor.name), "gun-1");
	assert_int_equal(told.actor.boot.size, 0);
	assert_int_equal(told.actor.seq, 0);
	told = entry_at(w, 2, 5);
	assert_int_equal(told.carried.value, pos_make(1, 4).value);
	assert_int_equal(units(w), 10);
	(void)warehouse_pick(w, "TEA", 7);
	assert_int_equal(units(w), 10);
	assert_sound(w);
}

/* Method: three lives before it joins, with gaps between their numbers. What a
 * life told again of the one before is told once, from where it was first. */
static void every_life_before_is_told_and_nothing_twice(void **state)
{
	struct warehouse *w = *state;
	struct epoch_plan plan = {
		.epoch = 4, .now = w->now, .clock_trusted = true};
	char folder[FILE_PATH_SIZE];
	struct entry again = warehouse_receipt("TEA", 1, CONDITION_GOOD);
	uint64_t carried = 0;
	uint64_t seen = 0;

	keys_folder(w, folder);
	(void)warehouse_receive(w, "TEA", 1);
	assert_done(keys_make(folder, "epoch-4.key", plan.public_key, &w->err),
		    &w->err);
	assert_done(ledger_epoch_open(w->ledger, &plan, &w->err), &w->err);
	again.carried = pos_make(1, 2);
	(void)warehouse_enter(w, &again);
	(void)warehouse_receive(w, "TEA", 2);
	plan.epoch = 9;
	assert_done(keys_make(folder, "epoch-9.key", plan.public_key, &w->err),
		    &w->err);
	assert_done(ledger_epoch_open(w->ledger, &plan, &w->err), &w->err);
	(void)warehouse_receive(w, "TEA", 4);
	assert_done(join(w, 10, &carried), &w->err);
	assert_int_equal(carried, 3);
	for (uint64_t number = 3; number <= pos_number(head(w)); number++) {
		struct entry told = entry_at(w, 10, number);

		assert_int_equal(told.body.movement.quantity.units,
				 1 << (number - 3));
		seen++;
	}
	assert_int_equal(seen, 3);
	assert_int_equal(units(w), 7);
	assert_sound(w);
}

/* A clock that nobody trusted stays so: what is told again bears when it was
 * told, and of when it was done what the first entry says. */
static void what_is_told_again_says_when_it_was_done(void **state)
{
	struct warehouse *w = *state;
	struct moment done;
	uint64_t carried;
	struct entry told;

	w->clock_trusted = false;
	(void)warehouse_receive(w, "TEA", 1);
	done = entry_at(w, 1, 2).effective;
	w->now.ms += 86400000;
	w->clock_trusted = true;
	assert_done(join(w, 2, &carried), &w->err);
	told = entry_at(w, 2, 3);
	assert_int_equal(told.effective.ms, done.ms);
	assert_int_equal(told.clock_flags & ENTRY_EFFECTIVE_TRUSTED, 0);
	assert_in_range((uint64_t)stamp_moment(told.stamp).ms,
			(uint64_t)done.ms + 86400000, UINT64_MAX);
}

/* ---- what is refused ---- */

static void assert_untouched(struct warehouse *w, struct pos before)
{
	assert_int_equal(head(w).value, before.value);
	assert_span(name_span(&ledger_identity(w->ledger)->org), "acme");
	restart(w);
	assert_int_equal(head(w).value, before.value);
	assert_span(name_span(&ledger_identity(w->ledger)->org), "acme");
}

static void who_has_a_number_joins_nobody_else(void **state)
{
	struct warehouse *w = *state;
	uint64_t carried = 99;
	struct txn *txn;

	(void)warehouse_receive(w, "TEA", 1);
	assert_done(txn_begin(ledger_env(w->ledger), &txn, &w->err), &w->err);
	assert_done(site_number_put(txn, NUMBER + 1, &w->err), &w->err);
	assert_done(txn_commit(txn, &w->err), &w->err);
	assert_code(join(w, 2, &carried), ERR_CONFLICT);
	assert_int_equal(carried, 99);
	assert_untouched(w, pos_make(1, 2));
	assert_int_equal(number_of(w), NUMBER + 1);
}

/* Method: one row of the journal is damaged, so the telling ends in its middle:
 * nothing of it is there, not the number either, and the box works on. */
static void a_telling_that_fails_leaves_the_network_of_one(void **state)
{
	struct warehouse *w = *state;
	struct key key = {.size = 0};
	uint64_t carried = 99;
	char copy[ENTRY_SIZE_MAX + 64];
	struct span value;
	struct txn *txn;

	/* A start looks at the last entries: it is before those. */
	warehouse_begin(w);
	for (int i = 0; i < ENTRIES; i++) {
		struct entry entry =
			warehouse_receipt("TEA", 1, CONDITION_GOOD);

		(void)warehouse_post(w, &entry);
	}
	warehouse_commit(w);
	key_add_u64(&key, pos_make(1, 4).value);
	assert_done(txn_begin(ledger_env(w->ledger), &txn, &w->err), &w->err);
	assert_done(view_get(txn_view(txn), TABLE_JOURNAL, key_span(&key),
			     &value, &w->err),
		    &w->err);
	assert_true(value.size <= sizeof(copy));
	memcpy(copy, value.data, value.size);
	copy[2] ^= 1; /* the kind's or the first field's tag */
	assert_done(txn_put(txn, TABLE_JOURNAL, key_span(&key),
			    (struct span){copy, value.size}, &w->err),
		    &w->err);
	assert_done(txn_commit(txn, &w->err), &w->err);
	assert_code(join(w, 2, &carried), ERR_CORRUPT);
	assert_int_equal(carried, 99);
	assert_untouched(w, pos_make(1, 1 + ENTRIES));
	assert_int_equal(number_of(w), 0);
	(void)warehouse_receive(w, "TEA", 1);
	assert_int_equal(units(w), ENTRIES + 1);
}

#define TEST(name)                                             \
	cmocka_unit_test_setup_teardown(name, warehouse_setup, \
					warehouse_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_that_was_booked_is_told_again_and_moves_nothing),
		TEST(every_life_before_is_told_and_nothing_twice),
		TEST(what_is_told_again_says_when_it_was_done),
		TEST(who_has_a_number_joins_nobody_else),
		TEST(a_telling_that_fails_leaves_the_network_of_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
