/*
 * Names and numbers, and the last word on each thing.
 */
#include "tests/support/check.h"

#include "store/fold.h"
#include "store/master.h"
#include "store/promise.h"
#include "store/row.h"
#include "store/trace.h"
#include "tests/support/day.h"

static struct view *look(struct warehouse *w)
{
	struct view *view = NULL;

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	return view;
}

static struct pos enter_kind(struct warehouse *w, enum entry_kind kind)
{
	struct entry entry = sample_entry(kind);

	if (kind == ENTRY_ALERT)
		entry.body.alert.is_closed = false;
	return warehouse_enter(w, &entry);
}

/* ---- names and numbers ---- */

static void system_bins_have_the_numbers_that_code_relies_on(void **state)
{
	static const struct {
		const char *name;
		uint32_t number;
	} system_bins[] = {
		{BIN_DOCK, PLACE_NO_DOCK},
		{BIN_PICKED, PLACE_NO_PICKED},
		{BIN_PACKED, PLACE_NO_PACKED},
	};
	struct view *view = look(*state);

	for (size_t i = 0; i < ARRAY_LEN(system_bins); i++) {
		struct place place = place_bin(span_of(system_bins[i].name));
		struct place_no number;

		assert_code(place_find(view, &place, &number, NULL), ERR_OK);
		assert_int_equal(number.value, system_bins[i].number);
		assert_int_equal(place_no_kind(number), PLACE_BIN);
	}
	view_end(view);
}

/* Method: 300 SKUs, 300 bins and 300 suppliers, each named twice. */
static void each_name_has_one_number_for_ever(void **state)
{
	struct warehouse *w = *state;
	struct view *view;
	uint32_t last_item = 0;
	uint32_t last_bin = PLACE_NO_PACKED;

	warehouse_begin(w);
	for (size_t i = 0; i < 600; i++) {
		char sku[16];
		char from[32];
		char to[16];
		struct entry entry;

		assert_true(text_format(sku, sizeof(sku), "S%zu", i % 300));
		assert_true(text_format(from, sizeof(from), "supplier:s%zu",
					i % 300));
		assert_true(text_format(to, sizeof(to), "B%zu", i % 300));
		entry = move_of(MOVEMENT_RECEIVE, sku, 1, from, to);
		(void)warehouse_post(w, &entry);
	}
	warehouse_commit(w);
	view = look(w);
	for (size_t i = 0; i < 300; i++) {
		struct item_no item;
		struct place_no place_no;
		struct place place;
		struct sku sku;
		char name[16];

		assert_true(text_format(name, sizeof(name), "S%zu", i));
		assert_code(item_find(view, span_of(name), &item, NULL),
			    ERR_OK);
		assert_int_equal(item.value, ++last_item);
		assert_code(item_name_of(view, item, &sku, NULL), ERR_OK);
		assert_span(sku_span(&sku), name);
		name[0] = 'B';
		place = place_bin(span_of(name));
		assert_code(place_find(view, &place, &place_no, NULL), ERR_OK);
		assert_int_equal(place_no.value, ++last_bin);
		assert_code(place_get(view, place_no, &place, NULL), ERR_OK);
		assert_true(place_is_bin(&place, name));
	}
	view_end(view);
}

static void names_are_told_apart_byte_by_byte(void **state)
{
	static const char *const names[] = {"a",  "A",        "aa",       "a ",
					    " a", "\xc3\xa9", "e\xcc\x81"};
	struct warehouse *w = *state;
	struct view *view;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)warehouse_receive(w, names[i], 1);
	view = look(w);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct item_no item;

		assert_code(item_find(view, span_of(names[i]), &item, NULL),
			    ERR_OK);
		assert_int_equal(item.value, i + 1);
	}
	view_end(view);
}

static void a_number_that_was_never_given_is_damage(void **state)
{
	struct view *view = look(*state);
	struct sku sku;
	struct place place;
	struct err err;

	assert_code(item_name_of(view, (struct item_no){77}, &sku, &err),
		    ERR_CORRUPT);
	assert_code(place_get(view, (struct place_no){77}, &place, &err),
		    ERR_CORRUPT);
	view_end(view);
}

/* ---- records ---- */

/* Method: what each lookup gives, against the entry that was posted. */
static void each_record_is_what_its_entry_said(void **state)
{
	struct warehouse *w = *state;
	struct item item;
	struct bin bin;
	struct device device;
	struct device_no number;
	struct account account;
	struct task task;
	struct alert alert;
	struct item_no item_no;
	int64_t pack;
	struct view *view;
	struct item item_want = sample_item();
	struct bin bin_want = sample_bin();
	struct device device_want = sample_device();
	struct account account_want = sample_account();
	struct task task_want = sample_task();

	for (int kind = ENTRY_ITEM; kind <= ENTRY_ALERT; kind++)
		(void)enter_kind(w, (enum entry_kind)kind);
	view = look(w);
	assert_code(item_find(view, sku_span(&item_want.sku), &item_no, NULL),
		    ERR_OK);
	assert_code(item_get(view, item_no, &item, NULL), ERR_OK);
	assert_memory_equal(&item, &item_want, sizeof(item));
	assert_code(bin_get(view, SPAN_LITERAL("A-01-3"), &bin, NULL), ERR_OK);
	assert_memory_equal(&bin, &bin_want, sizeof(bin));
	assert_code(device_get(view, SPAN_LITERAL("shelf-7"), &device, &number,
			       NULL),
		    ERR_OK);
	assert_memory_equal(&device, &device_want, sizeof(device));
	assert_int_equal(number.value, 1);
	assert_code(account_get(view, SPAN_LITERAL("li-wei"), &account, NULL),
		    ERR_OK);
	assert_memory_equal(&account, &account_want, sizeof(account));
	assert_code(task_get(view, SPAN_LITERAL("t1-901"), &task, NULL),
		    ERR_OK);
	assert_memory_equal(&task, &task_want, sizeof(task));
	assert_code(alert_get(view, SPAN_LITERAL("device_silent:shelf-7"),
			      &alert, NULL),
		    ERR_OK);
	assert_int_equal(alert.value, -7);
	assert_code(code_find(view, SPAN_LITERAL("06901234567892"), &item_no,
			      &pack, NULL),
		    ERR_OK);
	assert_int_equal(pack, 12);
	assert_int_equal(item_no.value, 1);
	view_end(view);
}

static void what_nobody_named_is_not_found_and_no_accident(void **state)
{
	struct view *view = look(*state);
	struct err err = {.text = "untouched"};
	struct item item;
	struct bin bin;
	struct account account;
	struct task task;
	struct item_no item_no;
	int64_t pack;
	char long_name[200];

	memset(long_name, 'x', sizeof(long_name));
	assert_code(item_get(view, (struct item_no){5}, &item, &err),
		    ERR_NOT_FOUND);
	assert_code(bin_get(view, SPAN_LITERAL("A-01-3"), &bin, &err),
		    ERR_NOT_FOUND);
	assert_code(account_get(view, SPAN_LITERAL(""), &account, &err),
		    ERR_NOT_FOUND);
	assert_code(task_get(view, (struct span){long_name, sizeof(long_name)},
			     &task, &err),
		    ERR_NOT_FOUND);
	assert_code(code_find(view, (struct span){long_name, sizeof(long_name)},
			      &item_no, &pack, &err),
		    ERR_NOT_FOUND);
	assert_string_equal(err.text, "untouched");
	view_end(view);
}

static void the_last_entry_of_a_thing_is_what_counts(void **state)
{
	struct warehouse *w = *state;
	struct device device;
	struct device_no number;
	struct entry entry = sample_entry(ENTRY_DEVICE);
	struct view *view;

	(void)warehouse_enter(w, &entry);
	TEXT_SET(entry.body.device.name, "another");
	(void)warehouse_enter(w, &entry);
	entry = sample_entry(ENTRY_DEVICE);
	entry.body.device.is_revoked = false;
	entry.body.device.interval_s = 5;
	(void)warehouse_enter(w, &entry);
	view = look(w);
	assert_code(device_get(view, SPAN_LITERAL("shelf-7"), &device, &number,
			       NULL),
		    ERR_OK);
	assert_int_equal(number.value, 1); /* kept: `seen` goes by it */
	assert_int_equal(device.interval_s, 5);
	assert_false(device.is_revoked);
	assert_code(device_get(view, SPAN_LITERAL("another"), &device, &number,
			       NULL),
		    ERR_OK);
	assert_int_equal(number.value, 2);
	view_end(view);
}

static void a_code_can_stand_for_nothing_and_for_what_comes_later(void **state)
{
	struct warehouse *w = *state;
	struct entry entry = sample_entry(ENTRY_CODE);
	struct span text = SPAN_LITERAL("06901234567892");
	struct item_no item;
	struct view *view;
	int64_t pack;

	(void)warehouse_enter(w, &entry);
	view = look(w);
	assert_code(code_find(view, text, &item, &pack, NULL), ERR_NOT_FOUND);
	view_end(view);
	(void)enter_kind(w, ENTRY_ITEM);
	view = look(w);
	assert_code(code_find(view, text, &item, &pack, NULL), ERR_OK);
	view_end(view);
	entry.body.code.item.size = 0;
	(void)warehouse_enter(w, &entry);
	view = look(w);
	assert_code(code_find(view, text, &item, &pack, NULL), ERR_NOT_FOUND);
	view_end(view);
}

struct seen {
	size_t rows;
	struct key last;
};

static enum err_code see(void *context, struct span key, struct pos pos,
			 const struct entry *entry, struct err *err)
{
	struct seen *seen = context;

	(void)err;
	assert_int_equal(entry->kind, ENTRY_ACCOUNT);
	assert_true(pos.value > 0);
	assert_true(span_compare(key, key_span(&seen->last)) > 0);
	seen->last = key_of_text(key);
	return ++seen->rows % 7 == 0 ? ERR_STOPPED : ERR_OK;
}

/* Method: 30 accounts in pages of 7, each page after the last key. */
static void records_come_in_pages_by_name(void **state)
{
	struct warehouse *w = *state;
	struct seen seen = {.rows = 0};
	struct view *view;
	size_t pages = 0;

	for (size_t i = 0; i < 30; i++) {
		struct entry entry = sample_entry(ENTRY_ACCOUNT);
		char name[16];

		assert_true(text_format(name, sizeof(name), "user-%zu",
					i * 7 % 30));
		assert_true(name_set(&entry.body.account.name, span_of(name)));
		(void)warehouse_enter(w, &entry);
	}
	view = look(w);
	for (enum err_code code = ERR_STOPPED; code == ERR_STOPPED; pages++) {
		struct key after = seen.last;

		code = record_walk(view, TABLE_ACCOUNT, key_span(&after), see,
				   &seen, NULL);
		assert_true(code == ERR_OK || code == ERR_STOPPED);
	}
	view_end(view);
	assert_int_equal(seen.rows, 30);
	assert_int_equal(pages, 5);
}

static void a_closed_alert_leaves_the_list(void **state)
{
	struct warehouse *w = *state;
	struct entry entry = sample_entry(ENTRY_ALERT);
	struct span id = SPAN_LITERAL("device_silent:shelf-7");
	struct alert alert;
	struct view *view;

	(void)warehouse_enter(w, &entry); /* closed, and never was open */
	(void)enter_kind(w, ENTRY_ALERT);
	view = look(w);
	assert_code(alert_get(view, id, &alert, NULL), ERR_OK);
	view_end(view);
	(void)warehouse_enter(w, &entry);
	view = look(w);
	assert_code(alert_get(view, id, &alert, NULL), ERR_NOT_FOUND);
	view_end(view);
}

/* ---- tasks and counts ---- */

static void the_open_count_task_of_a_bin_is_found_while_it_is_open(void **state)
{
	struct warehouse *w = *state;
	struct span bin = SPAN_LITERAL("A-01");
	struct span whole = SPAN_LITERAL("");
	struct entry first = warehouse_task("t1", TASK_OPEN);
	struct entry second = warehouse_task("t2", TASK_OPEN);
	struct name id;
	struct view *view;

	(void)warehouse_enter(w, &first);
	(void)warehouse_enter(w, &second);
	view = look(w);
	assert_code(task_open_count(view, bin, whole, &id, NULL), ERR_OK);
	assert_span(name_span(&id), "t2");
	assert_code(task_open_count(view, bin, SPAN_LITERAL("TEA"), &id, NULL),
		    ERR_NOT_FOUND);
	view_end(view);
	/* The end of the one leaves the other. */
	first.body.task.state = TASK_DONE;
	(void)warehouse_enter(w, &first);
	view = look(w);
	assert_code(task_open_count(view, bin, whole, &id, NULL), ERR_OK);
	view_end(view);
	second.body.task.state = TASK_CANCELLED;
	(void)warehouse_enter(w, &second);
	view = look(w);
	assert_code(task_open_count(view, bin, whole, &id, NULL),
		    ERR_NOT_FOUND);
	view_end(view);
}

static void counts_are_kept_by_lot_and_acceptance_by_bin(void **state)
{
	struct warehouse *w = *state;
	struct entry entry = sample_entry(ENTRY_COUNT);
	struct count want = sample_count();
	struct span bin = place_name_span(&want.bin);
	struct span item = sku_span(&want.item);
	struct count_record record;
	struct moment accepted = {7};
	struct view *view;
	struct pos pos;

	(void)warehouse_enter(w, &entry); /* of L2611, told to recount */
	entry.body.count.verdict = COUNT_ACCEPTED;
	entry.effective.ms += 1000;
	entry.body.count.lot.size = 0;
	(void)warehouse_enter(w, &entry); /* of no lot, accepted */
	entry.effective.ms -= 5000;
	pos = warehouse_enter(w, &entry); /* one that came late */
	view = look(w);
	assert_code(count_get(view, bin, item, lot_span(&want.lot), &record,
			      NULL),
		    ERR_OK);
	assert_int_equal(record.count.verdict, COUNT_RECOUNT_BLIND);
	assert_int_equal(record.count.counted, 40);
	assert_code(count_get(view, bin, item, SPAN_LITERAL(""), &record, NULL),
		    ERR_OK);
	assert_int_equal(record.pos.value, pos.value);
	assert_int_equal(record.effective.ms, entry.effective.ms);
	assert_code(count_accepted(view, bin, item, &accepted, NULL), ERR_OK);
	assert_int_equal(accepted.ms, entry.effective.ms + 5000);
	assert_code(count_accepted(view, bin, SPAN_LITERAL("CUP"), &accepted,
				   NULL),
		    ERR_NOT_FOUND);
	view_end(view);
}

/* ---- lots, serials, pallets ---- */

static void
a_lot_keeps_its_first_movement_and_its_last_word_on_expiry(void **state)
{
	struct warehouse *w = *state;
	static const uint32_t said[] = {0, 20270131, 0, 20270228};
	static const uint32_t kept[] = {0, 20270131, 20270131, 20270228};
	struct pos first = {0};

	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		struct entry entry = move_of(MOVEMENT_RECEIVE, "TEA", 1,
					     "supplier:acme", "DOCK");
		struct lot_record lot;
		struct view *view;
		struct pos pos;

		move_lot(&entry, "L1");
		entry.body.movement.expiry = said[i];
		pos = warehouse_enter(w, &entry);
		if (i == 0)
			first = pos;
		view = look(w);
		assert_code(lot_get(view, (struct item_no){1},
				    SPAN_LITERAL("L1"), &lot, NULL),
			    ERR_OK);
		view_end(view);
		assert_int_equal(lot.expiry, kept[i]);
		assert_int_equal(lot.first.value, first.value);
	}
}

static void a_serial_and_its_pallet_are_where_they_went_last(void **state)
{
	struct warehouse *w = *state;
	struct entry entry = day_serial();
	struct whereabouts where;
	struct place place;
	struct view *view;
	struct pos pos;

	(void)warehouse_enter(w, &entry);
	entry.body.movement.kind = MOVEMENT_MOVE;
	entry.body.movement.from = side_of("A-01");
	entry.body.movement.to = side_of("B-02");
	memset(entry.body.movement.sscc, 0, SSCC_SIZE); /* off the pallet */
	pos = warehouse_enter(w, &entry);
	view = look(w);
	assert_code(serial_get(view, (struct item_no){1}, SPAN_LITERAL("SN1"),
			       &where, NULL),
		    ERR_OK);
	assert_int_equal(where.pos.value, pos.value);
	assert_code(place_get(view, where.place, &place, NULL), ERR_OK);
	assert_true(place_is_bin(&place, "B-02"));
	assert_code(sscc_get(view, SPAN_LITERAL("106141412345678908"), &where,
			     NULL),
		    ERR_OK);
	assert_code(place_get(view, where.place, &place, NULL), ERR_OK);
	assert_true(place_is_bin(&place, "A-01"));
	assert_int_equal(where.item.value, 1);
	assert_int_equal(where.quantity.units, 1);
	assert_code(serial_get(view, (struct item_no){2}, SPAN_LITERAL("SN1"),
			       &where, NULL),
		    ERR_NOT_FOUND);
	view_end(view);
}

/* ---- promises ---- */

static void pick(struct warehouse *w, const char *order, int64_t units)
{
	struct entry entry =
		move_of(MOVEMENT_PICK, "TEA", units, "DOCK", "PICKED");

	if (order[0] != '\0')
		move_ref(&entry, REF_ORDER, order);
	(void)warehouse_enter(w, &entry);
}

static int64_t picked_for(struct warehouse *w, const char *order)
{
	struct promise promise = {.picked = {0}};
	struct view *view = look(w);
	enum err_code code = promise_get(view, (struct item_no){1},
					 span_of(order), &promise, NULL);

	view_end(view);
	assert_true(code == ERR_OK || code == ERR_NOT_FOUND);
	return promise.picked.units;
}

/* What is lost without a word for whom is the latest promise's. */
static void
the_latest_promise_loses_first_and_the_oldest_is_served(void **state)
{
	struct warehouse *w = *state;
	struct entry loss =
		move_of(MOVEMENT_COUNT_ADJUST, "TEA", 6, "PICKED", "loss");
	struct promise oldest;
	struct view *view;
	struct entry receipt =
		move_of(MOVEMENT_RECEIVE, "TEA", 50, "supplier:acme", "DOCK");

	(void)warehouse_enter(w, &receipt);
	pick(w, "SO-9", 5);
	pick(w, "SO-1", 4);
	pick(w, "", 3);
	move_ref(&loss, REF_COUNT, "1.2");
	(void)warehouse_enter(w, &loss);
	assert_int_equal(picked_for(w, ""), 0);
	assert_int_equal(picked_for(w, "SO-1"), 1);
	assert_int_equal(picked_for(w, "SO-9"), 5);
	view = look(w);
	assert_code(promise_oldest(view, (struct item_no){1}, false, &oldest,
				   NULL),
		    ERR_OK);
	assert_span(ref_span(&oldest.order), "SO-9");
	assert_code(promise_oldest(view, (struct item_no){1}, true, &oldest,
				   NULL),
		    ERR_NOT_FOUND);
	view_end(view);
}

static void more_than_was_picked_for_an_order_cannot_leave_for_it(void **state)
{
	struct warehouse *w = *state;
	struct entry ship =
		move_of(MOVEMENT_SHIP, "TEA", 6, "PICKED", "customer");
	struct entry receipt =
		move_of(MOVEMENT_RECEIVE, "TEA", 50, "supplier:acme", "DOCK");

	(void)warehouse_enter(w, &receipt);
	pick(w, "SO-1", 5);
	pick(w, "SO-2", 5);
	move_ref(&ship, REF_ORDER, "SO-1");
	warehouse_begin(w);
	assert_code(batch_post(w->batch, &ship, NULL, &w->err), ERR_CONFLICT);
	batch_abandon(w->batch);
	ship.body.movement.quantity.units = 5;
	(void)warehouse_enter(w, &ship);
	assert_int_equal(picked_for(w, "SO-1"), 0);
	assert_int_equal(picked_for(w, "SO-2"), 5);
}

#define TEST(name)                                             \
	cmocka_unit_test_setup_teardown(name, warehouse_setup, \
					warehouse_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(system_bins_have_the_numbers_that_code_relies_on),
		TEST(each_name_has_one_number_for_ever),
		TEST(names_are_told_apart_byte_by_byte),
		TEST(a_number_that_was_never_given_is_damage),
		TEST(each_record_is_what_its_entry_said),
		TEST(what_nobody_named_is_not_found_and_no_accident),
		TEST(the_last_entry_of_a_thing_is_what_counts),
		TEST(a_code_can_stand_for_nothing_and_for_what_comes_later),
		TEST(records_come_in_pages_by_name),
		TEST(a_closed_alert_leaves_the_list),
		TEST(the_open_count_task_of_a_bin_is_found_while_it_is_open),
		TEST(counts_are_kept_by_lot_and_acceptance_by_bin),
		TEST(a_lot_keeps_its_first_movement_and_its_last_word_on_expiry),
		TEST(a_serial_and_its_pallet_are_where_they_went_last),
		TEST(the_latest_promise_loses_first_and_the_oldest_is_served),
		TEST(more_than_was_picked_for_an_order_cannot_leave_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
