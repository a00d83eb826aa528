/*
 * What feeds of a site's past say comes into the journal: all of it, once,
 * whenever it comes and whatever happens on the way.
 *
 * Method: a box that took another one's place (tests/support/replaced.h); the
 * feeds of the box before come delta by delta. A power cut is a batch that is
 * dropped, and a new start.
 */
#include "tests/support/entries.h"
#include "tests/support/replaced.h"

static bool is_regained(const struct entry *entry)
{
	return entry->regained.value != 0;
}

/* ---- all of it, once ---- */

static void nothing_is_due_before_something_is_here(void **state)
{
	struct bed *bed = *state;
	uint64_t size = journal_size(bed);

	assert_false(is_due(bed));
	assert_int_equal(regain_all(bed), 0);
	assert_int_equal(journal_size(bed), size);
}

static void what_the_box_before_booked_is_in_the_book(void **state)
{
	struct bed *bed = *state;

	before_moves(bed, MOVEMENT_RECEIVE, 10, "supplier:x", "A-01");
	before_moves(bed, MOVEMENT_MOVE, 4, "A-01", "B-02");
	assert_true(is_due(bed));
	assert_int_equal(regain_all(bed), 2);
	assert_int_equal(book_units(bed, "A-01"), 6);
	assert_int_equal(book_units(bed, "B-02"), 4);
	assert_int_equal(journal_count(bed, is_regained), 2);
	assert_sound(bed);
}

static void taking_it_again_takes_nothing(void **state)
{
	struct bed *bed = *state;
	uint64_t size;

	before_moves(bed, MOVEMENT_RECEIVE, 10, "supplier:x", "A-01");
	assert_int_equal(regain_all(bed), 1);
	size = journal_size(bed);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(regain_all(bed), 0);
		bed_restart(bed);
		assert_false(is_due(bed));
	}
	assert_int_equal(journal_size(bed), size);
	assert_int_equal(book_units(bed, "A-01"), 10);
}

static void what_comes_later_is_taken_then(void **state)
{
	struct bed *bed = *state;

	for (int i = 1; i <= 5; i++) {
		before_moves(bed, MOVEMENT_RECEIVE, i, "supplier:x", "A-01");
		assert_true(is_due(bed));
		assert_int_equal(regain_all(bed), 1);
	}
	assert_int_equal(book_units(bed, "A-01"), 15);
	assert_int_equal(journal_count(bed, is_regained), 5);
	assert_sound(bed);
}

/* ---- a power cut ---- */

#define MANY_DELTAS 90
#define ROWS_EACH 12

/* More than a step takes. */
static void many_come(struct bed *bed)
{
	for (int i = 0; i < MANY_DELTAS; i++) {
		struct writing *writing = writing_new(0);

		for (int row = 0; row < ROWS_EACH; row++) {
			struct entry entry = move_of(MOVEMENT_RECEIVE, "TEA", 1,
						     "supplier:x", "A-01");

			writing_add(&bed->feeds, writing, &entry);
		}
		(void)node_write(&bed->feeds, &bed->feeds.author,
				 (struct feed_id){BEFORE, 1, 0}, writing);
	}
	bed_hear_all(bed, BEFORE, 1);
}

static void a_step_that_was_not_committed_has_done_nothing(void **state)
{
	struct bed *bed = *state;
	struct warehouse *w = &bed->w;
	struct regain_step step;
	uint64_t size;

	before_moves(bed, MOVEMENT_RECEIVE, 10, "supplier:x", "A-01");
	size = journal_size(bed);
	warehouse_begin(w);
	assert_done(regain_step(w->batch, bed->feeds.net_id, BEFORE, &step,
				&w->err),
		    &w->err);
	assert_int_equal(step.regained, 1);
	bed_restart(bed);
	assert_int_equal(journal_size(bed), size);
	assert_true(is_due(bed));
	assert_int_equal(regain_all(bed), 1);
	assert_int_equal(book_units(bed, "A-01"), 10);
}

static void steps_with_power_cuts_between_them_come_to_the_same(void **state)
{
	struct bed *bed = *state;
	uint64_t regained = 0;
	int steps = 0;

	many_come(bed);
	while (!regain_once(bed, &regained)) {
		struct regain_step lost;

		steps++;
		warehouse_begin(&bed->w);
		assert_done(regain_step(bed->w.batch, bed->feeds.net_id, BEFORE,
					&lost, &bed->w.err),
			    &bed->w.err);
		bed_restart(bed);
	}
	assert_true(steps >= 2);
	assert_int_equal(regained, MANY_DELTAS * ROWS_EACH);
	assert_int_equal(book_units(bed, "A-01"), MANY_DELTAS * ROWS_EACH);
	assert_int_equal(journal_count(bed, is_regained),
			 MANY_DELTAS * ROWS_EACH);
}

static void a_step_is_bounded(void **state)
{
	struct bed *bed = *state;
	uint64_t regained = 0;

	many_come(bed);
	assert_false(regain_once(bed, &regained));
	assert_true(regained >= REGAIN_ROWS_MAX);
	assert_true(regained < REGAIN_ROWS_MAX + DELTA_ROWS_MAX);
}

/* ---- what does not come back ---- */

static void what_is_about_the_box_as_it_was_stays_behind(void **state)
{
	static const enum entry_kind kinds[] = {ENTRY_TASK, ENTRY_ALERT,
						ENTRY_STATUS, ENTRY_ACCOUNT};
	struct bed *bed = *state;
	uint64_t size = journal_size(bed);

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct entry entry = sample_entry(kinds[i]);

		entry.carried.value = entry.regained.value = 0;
		before_says(bed, &entry);
	}
	assert_true(is_due(bed));
	assert_int_equal(regain_all(bed), 0);
	assert_int_equal(journal_size(bed), size);
}

/* ---- what HQ asked for ---- */

static struct entry task_said(const char *id, enum task_state state,
			      const char *rule)
{
	struct entry entry;
	struct task *task = &entry.body.task;

	entry_init(&entry, ENTRY_TASK);
	task->kind = TASK_COUNT;
	task->state = state;
	TEXT_SET(task->bin, "A-01");
	assert_true(name_set(&task->id, span_of(id)) &&
		    name_set(&entry.actor.name, span_of(rule)));
	entry.actor.kind = ACTOR_RULE;
	return entry;
}

static enum task_state task_state(struct bed *bed, const char *id)
{
	struct view *view = bed_look(bed);
	struct task task = {.state = 0};
	enum err_code code = task_get(view, span_of(id), &task, &bed->w.err);

	view_end(view);
	if (code != ERR_NOT_FOUND)
		assert_done(code, &bed->w.err);
	return task.state;
}

/* HQ has the answer, and shows it as done: here it is to be done, too, once. */
static void a_task_that_hq_asked_for_comes_back(void **state)
{
	struct bed *bed = *state;
	struct entry entry = task_said("t1-7", TASK_OPEN, REGAIN_HQ);

	before_says(bed, &entry);
	entry = task_said("t1-8", TASK_OPEN, "tick");
	before_says(bed, &entry);
	assert_int_equal(regain_all(bed), 1);
	assert_int_equal(task_state(bed, "t1-7"), TASK_OPEN);
	assert_int_equal(task_state(bed, "t1-8"), 0);
	/* What became of it there, heard later. */
	entry = task_said("t1-8", TASK_DONE, "tick");
	before_says(bed, &entry);
	assert_int_equal(regain_all(bed), 0);
	entry = task_said("t1-7", TASK_DONE, "anybody");
	before_says(bed, &entry);
	assert_int_equal(regain_all(bed), 1);
	assert_int_equal(task_state(bed, "t1-7"), TASK_DONE);
	assert_sound(bed);
}

static void what_was_said_here_of_hqs_task_since_stands(void **state)
{
	struct bed *bed = *state;
	struct entry entry = task_said("t1-7", TASK_OPEN, REGAIN_HQ);

	before_says(bed, &entry);
	assert_int_equal(regain_all(bed), 1);
	entry = task_said("t1-7", TASK_DONE, "people");
	(void)warehouse_enter(&bed->w, &entry);
	entry = task_said("t1-7", TASK_CLAIMED, "anybody");
	before_says(bed, &entry);
	assert_int_equal(regain_all(bed), 0);
	assert_int_equal(task_state(bed, "t1-7"), TASK_DONE);
}

static bool alert_is_open(struct bed *bed)
{
	struct view *view = bed_look(bed);
	struct alert alert;
	enum err_code code = alert_get(view, SPAN_LITERAL("overdue-door"),
				       &alert, &bed->w.err);

	view_end(view);
	return code == ERR_OK;
}

/* Method: the alert stands in this box's book; the closings come one by one. */
static void an_alert_that_hq_closed_is_closed_again(void **state)
{
	struct bed *bed = *state;
	struct entry entry;
	struct alert *alert = &entry.body.alert;

	entry_init(&entry, ENTRY_ALERT);
	entry.actor.kind = ACTOR_RULE;
	TEXT_SET(alert->id, "overdue-door");
	TEXT_SET(alert->code, "overdue");
	alert->severity = SEVERITY_WARNING;
	TEXT_SET(entry.actor.name, "tick");
	(void)warehouse_enter(&bed->w, &entry);
	/* The box before went on for longer. */
	bed->feeds.now_ms += 7200000;
	bed->feeds.stamp += UINT64_C(7200000) << STAMP_COUNTER_BITS;
	alert->is_closed = true;
	before_says(bed, &entry);
	assert_int_equal(regain_all(bed), 0);
	assert_true(alert_is_open(bed));
	TEXT_SET(entry.actor.name, REGAIN_HQ);
	before_says(bed, &entry);
	assert_int_equal(regain_all(bed), 1);
	assert_false(alert_is_open(bed));
	before_says(bed, &entry); /* there is none any more */
	assert_int_equal(regain_all(bed), 0);
}

static struct entry item_named(const char *name)
{
	struct entry entry;

	entry_init(&entry, ENTRY_ITEM);
	entry.body.item.unit = UNIT_EACH;
	TEXT_SET(entry.body.item.sku, "TEA");
	assert_true(item_name_set(&entry.body.item.name_en, span_of(name)));
	return entry;
}

static void assert_item(struct bed *bed, const char *name)
{
	struct view *view = bed_look(bed);
	struct item item;
	struct item_no number;

	assert_done(item_find(view, SPAN_LITERAL("TEA"), &number, &bed->w.err),
		    &bed->w.err);
	assert_done(item_get(view, number, &item, &bed->w.err), &bed->w.err);
	view_end(view);
	assert_true(span_is(item_name_span(&item.name_en), name));
}

static void of_master_data_the_last_word_stands(void **state)
{
	struct bed *bed = *state;
	struct entry entry = item_named("old tea");

	before_says(bed, &entry);
	assert_int_equal(regain_all(bed), 1);
	assert_item(bed, "old tea");
	entry = item_named("older box's newer tea");
	before_says(bed, &entry);
	assert_int_equal(regain_all(bed), 1);
	assert_item(bed, "older box's newer tea");
	(void)warehouse_describe(&bed->w, "TEA", "my tea", false);
	entry = item_named("late tea");
	before_says(bed, &entry);
	assert_int_equal(regain_all(bed), 0);
	assert_item(bed, "my tea");
	assert_sound(bed);
}

static void fence(struct bed *bed, enum fence_verdict verdict, uint64_t seq)
{
	struct feed_id id = {BEFORE, 1, 0};
	struct entry entry;
	struct fence *said = &entry.body.fence;

	entry_init(&entry, ENTRY_FENCE);
	*said = (struct fence){
		.site = BEFORE, .epoch = 1, .seq = seq, .verdict = verdict};
	assert_done(feed_hash_at(node_view(&bed->feeds.author), id, seq,
				 said->hash, &bed->w.err),
		    &bed->w.err);
	(void)feeds_say(&bed->feeds, SITE_CONTROL, &entry);
	bed_hear_all(bed, SITE_CONTROL, 1);
}

static void the_book_of_a_closed_site_stays_closed(void **state)
{
	struct bed *bed = *state;

	before_moves(bed, MOVEMENT_RECEIVE, 10, "supplier:x", "A-01");
	fence(bed, FENCE_CLOSED, 2);
	assert_false(is_due(bed));
	assert_int_equal(regain_all(bed), 0);
	assert_int_equal(book_units(bed, "A-01"), 0);
}

/* The box before cleared its bins and closed its life, and burnt. The end of it
 * is heard of after the beginning was told again. */
static void
what_a_closed_life_cleared_is_cleared_however_late_it_comes(void **state)
{
	struct bed *bed = *state;
	struct entry closing;

	before_moves(bed, MOVEMENT_RECEIVE, 10, "supplier:x", "A-01");
	assert_int_equal(regain_all(bed), 1);
	before_moves(bed, MOVEMENT_SCRAP, 10, "A-01", "scrap");
	entry_init(&closing, ENTRY_CLOSING);
	closing.body.closing = sample_closing();
	before_says(bed, &closing);
	assert_string_equal(
		feed_state_name(node_feed(&bed->feeds.author,
					  (struct feed_id){BEFORE, 1, 0})
					.state),
		"sealed");
	assert_true(is_due(bed));
	assert_int_equal(regain_all(bed), 1);
	assert_int_equal(book_units(bed, "A-01"), 0);
	assert_sound(bed);
}

static int third_setup(void **state)
{
	return bed_setup_at(state, 3, SUCCESSION_REPLACED, 2);
}

/* The second life was closed: what the first one left lay in its bins. */
static void of_the_lives_before_a_closed_one_nothing_comes_back(void **state)
{
	struct bed *bed = *state;

	before_moves(bed, MOVEMENT_RECEIVE, 10, "supplier:x", "A-01");
	feeds_end(&bed->feeds, (struct feed_id){BEFORE, 1, 0}, FENCE_ENDED);
	feeds_live_again(&bed->feeds, BEFORE, 2, "TEA", 5);
	bed_hear_all(bed, SITE_CONTROL, 1);
	bed_hear_all(bed, BEFORE, 2);
	assert_true(is_due(bed));
	feeds_end(&bed->feeds, (struct feed_id){BEFORE, 2, 0}, FENCE_CLOSED);
	bed_hear_all(bed, SITE_CONTROL, 1);
	assert_false(is_due(bed));
	assert_int_equal(regain_all(bed), 0);
	assert_int_equal(book_units(bed, "A-01"), 0);
}

static void what_lies_beyond_a_fence_does_not_come_back(void **state)
{
	struct bed *bed = *state;

	before_moves(bed, MOVEMENT_RECEIVE, 10, "supplier:x", "A-01");
	before_moves(bed, MOVEMENT_RECEIVE, 20, "supplier:x", "A-01");
	fence(bed, FENCE_ENDED, 2);
	assert_int_equal(regain_all(bed), 1);
	assert_int_equal(book_units(bed, "A-01"), 10);
}

/* ---- bad rows ---- */

/* How far a feed was looked at: the key's first byte. */
static void place_spoil(struct bed *bed, struct span value)
{
	struct key key = {.size = 0};
	struct warehouse *w = &bed->w;

	key_add_u8(&key, 'r');
	key_add_u32(&key, BEFORE);
	key_add_u32(&key, 1);
	key_add_u64(&key, 0);
	warehouse_begin(w);
	if (value.size == 0) {
		assert_done(txn_put(batch_txn(w->batch), TABLE_FEED,
				    key_span(&key), SPAN_LITERAL("spoilt"),
				    &w->err),
			    &w->err);
	} else {
		uint8_t buffer[64];
		struct writer writer;

		writer_init(&writer, buffer, sizeof(buffer));
		write_raw(&writer, value.data, value.size);
		assert_done(row_put(batch_txn(w->batch), TABLE_FEED,
				    key_span(&key), &writer, &w->err),
			    &w->err);
	}
	warehouse_commit(w);
}

static void a_damaged_place_is_an_error_and_takes_nothing(void **state)
{
	static const struct span values[] = {{"", 0}, {"short", 5}};
	struct bed *bed = *state;
	struct warehouse *w = &bed->w;

	before_moves(bed, MOVEMENT_RECEIVE, 10, "supplier:x", "A-01");
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct regain_step step = {77, true};
		struct view *view;
		bool is = true;

		place_spoil(bed, values[i]);
		view = bed_look(bed);
		assert_code(regain_is_due(view, BEFORE, &is, &w->err),
			    ERR_CORRUPT);
		view_end(view);
		warehouse_begin(w);
		assert_code(regain_step(w->batch, bed->feeds.net_id, BEFORE,
					&step, &w->err),
			    ERR_CORRUPT);
		assert_int_equal(step.regained, 77);
		bed_restart(bed);
	}
	assert_int_equal(book_units(bed, "A-01"), 0);
}

/* Another hash stands at that place: it was a branch that is no more, and the
 * feed is looked at from its beginning; what is here already stays single. */
static void a_place_of_another_branch_is_none_of_this_one(void **state)
{
	struct bed *bed = *state;
	uint8_t value[8 + HASH_SIZE] = {[7] = 2, [8] = 1};

	before_moves(bed, MOVEMENT_RECEIVE, 10, "supplier:x", "A-01");
	place_spoil(bed, (struct span){(const char *)value, sizeof(value)});
	assert_true(is_due(bed));
	assert_int_equal(regain_all(bed), 1);
	assert_int_equal(book_units(bed, "A-01"), 10);
}

static void a_feed_of_nothing_leaves_no_place(void **state)
{
	struct bed *bed = *state;
	struct feed_record feed = {.id = {BEFORE, 1, 0}};
	uint64_t before;
	uint64_t after;

	warehouse_begin(&bed->w);
	assert_done(view_count(batch_view(bed->w.batch), TABLE_FEED, &before,
			       &bed->w.err),
		    &bed->w.err);
	assert_done(regain_note(batch_txn(bed->w.batch), &feed, &bed->w.err),
		    &bed->w.err);
	assert_done(view_count(batch_view(bed->w.batch), TABLE_FEED, &after,
			       &bed->w.err),
		    &bed->w.err);
	warehouse_commit(&bed->w);
	assert_int_equal(before, after);
}

/* ---- the same words ---- */

static void an_entry_is_the_same_but_for_the_devices_own_numbers(void **state)
{
	struct entry ours = sample_entry(ENTRY_MOVEMENT);
	struct entry theirs = ours;

	(void)state;
	theirs.actor.boot.size = 0;
	theirs.actor.seq = 0;
	assert_true(regain_is_same(&ours, &theirs));
	theirs.stamp.value++;
	assert_false(regain_is_same(&ours, &theirs));
	theirs = ours;
	theirs.body.movement.quantity.units++;
	assert_false(regain_is_same(&ours, &theirs));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_due_before_something_is_here),
		TEST(what_the_box_before_booked_is_in_the_book),
		TEST(taking_it_again_takes_nothing),
		TEST(what_comes_later_is_taken_then),
		TEST(a_step_that_was_not_committed_has_done_nothing),
		TEST(steps_with_power_cuts_between_them_come_to_the_same),
		TEST(a_step_is_bounded),
		TEST(what_is_about_the_box_as_it_was_stays_behind),
		TEST(a_task_that_hq_asked_for_comes_back),
		TEST(what_was_said_here_of_hqs_task_since_stands),
		TEST(an_alert_that_hq_closed_is_closed_again),
		TEST(of_master_data_the_last_word_stands),
		TEST(the_book_of_a_closed_site_stays_closed),
		cmocka_unit_test_setup_teardown(
			of_the_lives_before_a_closed_one_nothing_comes_back,
			third_setup, bed_teardown),
		TEST(what_a_closed_life_cleared_is_cleared_however_late_it_comes),
		TEST(what_lies_beyond_a_fence_does_not_come_back),
		TEST(a_damaged_place_is_an_error_and_takes_nothing),
		TEST(a_place_of_another_branch_is_none_of_this_one),
		TEST(a_feed_of_nothing_leaves_no_place),
		cmocka_unit_test(
			an_entry_is_the_same_but_for_the_devices_own_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
