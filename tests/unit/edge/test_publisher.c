/*
 * What is published when: at once when idle, never too often, never lost, all
 * of it again after a connect, and `ready` only when it is true.
 */
#include "tests/unit/edge/publisher_bed.h"

#include "store/site.h"
#include "store/transfer.h"
#include "tests/support/moves.h"

static void task_enter(struct bed *bed, const char *id, enum task_state state)
{
	struct entry entry = warehouse_task(id, state);

	(void)warehouse_enter(&bed->w, &entry);
}

static void alert_enter(struct bed *bed, const char *code, bool is_closed)
{
	struct entry entry = warehouse_alert(code, "x", is_closed);

	(void)warehouse_enter(&bed->w, &entry);
}

static void sample_fill(struct bed *bed)
{
	(void)warehouse_describe(&bed->w, "TEA", "Green tea", false);
	(void)warehouse_receive(&bed->w, "TEA", 10);
	(void)warehouse_receive(&bed->w, "CUP/1", 5);
	(void)warehouse_pick(&bed->w, "CUP/1", 2);
	task_enter(bed, "t1-9", TASK_OPEN);
	task_enter(bed, "t1-8", TASK_DONE);
	alert_enter(bed, "ring_full", false);
}

static void connect_and_settle(struct bed *bed)
{
	publisher_connected(bed->publisher);
	(void)bed_settle(bed);
}

/* ---- what other sites send here ---- */

/* Site 3 says that it sent or took back @units to us, who are 7. */
static void feed_says(struct bed *bed, enum movement_kind kind,
		      const char *from, const char *to, int64_t units)
{
	struct entry entry = move_of(kind, "TEA", units, from, to);
	struct warehouse *w = &bed->w;

	warehouse_begin(w);
	assert_done(transfer_fold(batch_txn(w->batch), 3, pos_make(1, 9),
				  &entry, &w->err),
		    &w->err);
	warehouse_commit(w);
}

/* Method: nothing moves in our own journal; the topic changes all the same,
 * also when there have been more changes than are remembered. */
static void what_is_sent_here_shows_on_the_stock_topic(void **state)
{
	struct bed *bed = *state;

	sample_fill(bed);
	warehouse_begin(&bed->w);
	assert_done(site_number_put(batch_txn(bed->w.batch), 7, &bed->w.err),
		    &bed->w.err);
	warehouse_commit(&bed->w);
	connect_and_settle(bed);
	assert_int_equal(bed_figure(bed, "stock/TEA", "in_transit_in"), 0);
	feed_says(bed, MOVEMENT_TRANSFER_OUT, "A-01", "transit:3-7-1", 40);
	bed_live(bed, 20000);
	assert_int_equal(bed_figure(bed, "stock/TEA", "in_transit_in"), 40);
	feed_says(bed, MOVEMENT_REVERSE, "transit:3-7-1", "A-01", 40);
	bed_live(bed, 20000);
	assert_int_equal(bed_figure(bed, "stock/TEA", "in_transit_in"), 0);
	for (size_t i = 0; i < TRANSFER_CHANGES_MAX + 1; i++)
		feed_says(bed, MOVEMENT_TRANSFER_OUT, "A-01", "transit:3-7-1",
			  1);
	bed_live(bed, 20000);
	assert_int_equal(bed_figure(bed, "stock/TEA", "in_transit_in"),
			 TRANSFER_CHANGES_MAX + 1);
	assert_int_equal(bed_figure(bed, "stock/TEA", "on_hand"), 10);
}

/* ---- connecting ---- */

static void nothing_is_published_before_the_connect(void **state)
{
	struct bed *bed = *state;

	sample_fill(bed);
	bed_run(bed);
	assert_int_equal(bed->published, 0);
	assert_true(bed->due_ms == INT64_MAX);
}

static void after_a_connect_all_that_the_ledger_holds_is_published(void **state)
{
	struct bed *bed = *state;

	sample_fill(bed);
	connect_and_settle(bed);
	assert_int_equal(bed_figure(bed, "stock/TEA", "on_hand"), 10);
	assert_int_equal(bed_figure(bed, "stock/CUP%2F1", "allocated"), 2);
	assert_int_equal(bed_figure(bed, "snapshot/0", "chunks"), 1);
	assert_int_equal(
		payload_count(payload_at(bed_read(bed, "snapshot/0"), "rows")),
		2);
	assert_true(bed_holds(bed, "task/t1-9"));
	assert_false(bed_holds(bed, "task/t1-8"));
	assert_true(bed_holds(bed, "alert/ring_full-x"));
	assert_span(payload_text(bed_read(bed, "status"), "state"), "ready");
	/* init, 2 items, 1 chunk, 1 task, 1 alert, ready: each once. */
	assert_int_equal(bed->published, 7);
	assert_int_equal(bed_topic(bed, "status")->order, 7);
	/* What is news to nobody is no change. */
	assert_int_equal(bed_count(bed, "changes"), 0);
}

static void states_watch(struct bed *bed, const struct bed_topic *topic)
{
	if (strcmp(topic->name, "status") != 0)
		return;
	if (topic->count == 1) {
		assert_int_equal(topic->order, 1);
		assert_span(payload_text(bed_read(bed, "status"), "state"),
			    "init");
		assert_true(payload_is_null(&bed->payload, "as_of"));
	} else {
		assert_span(payload_text(bed_read(bed, "status"), "state"),
			    "ready");
		assert_false(payload_is_null(&bed->payload, "as_of"));
	}
}

static void
a_connection_begins_with_init_and_turns_ready_when_all_is_out(void **state)
{
	struct bed *bed = *state;

	sample_fill(bed);
	bed->watch = states_watch;
	connect_and_settle(bed);
	assert_int_equal(bed_count(bed, "status"), 2);
}

static void a_reconnect_publishes_everything_again(void **state)
{
	struct bed *bed = *state;

	sample_fill(bed);
	connect_and_settle(bed);
	publisher_disconnected(bed->publisher);
	(void)warehouse_receive(&bed->w, "TEA", 1);
	task_enter(bed, "t1-9", TASK_DONE);
	bed_run(bed);
	assert_int_equal(bed->published, 7);

	bed_pass(bed, 5000);
	connect_and_settle(bed);
	assert_int_equal(bed_count(bed, "stock/TEA"), 2);
	assert_int_equal(bed_count(bed, "stock/CUP%2F1"), 2);
	assert_int_equal(bed_count(bed, "snapshot/0"), 2);
	assert_int_equal(bed_count(bed, "alert/ring_full-x"), 2);
	assert_int_equal(bed_count(bed, "status"), 4);
	assert_int_equal(bed_figure(bed, "stock/TEA", "on_hand"), 11);
	/* What changed meanwhile begins a new chain; what was closed is gone.
	 */
	assert_int_equal(bed_count(bed, "changes"), 1);
	assert_true(payload_is_null(bed_read(bed, "changes"), "prev"));
	assert_false(bed_holds(bed, "task/t1-9"));

	/* Also when nothing has happened at all. */
	bed_pass(bed, 5000);
	connect_and_settle(bed);
	assert_int_equal(bed_count(bed, "stock/TEA"), 3);
	assert_int_equal(bed_count(bed, "snapshot/0"), 3);
	assert_int_equal(bed_count(bed, "changes"), 1);
}

/* ---- changes ---- */

static void a_change_goes_out_in_the_run_after_its_commit(void **state)
{
	struct bed *bed = *state;
	struct pos pos;

	sample_fill(bed);
	connect_and_settle(bed);
	bed_live(bed, 10000);
	pos = warehouse_receive(&bed->w, "TEA", 7);
	bed_run(bed);
	assert_int_equal(bed_figure(bed, "stock/TEA", "on_hand"), 17);
	assert_int_equal(bed_figure(bed, "stock/TEA", "pos"), pos_number(pos));
	assert_int_equal(bed_count(bed, "stock/CUP%2F1"), 1);
	assert_int_equal(bed_count(bed, "changes"), 1);
	assert_true(payload_is_null(bed_read(bed, "changes"), "prev"));
	assert_int_equal(bed_count(bed, "snapshot/0"), 2);
	assert_int_equal(bed_topic(bed, "stock/TEA")->last_ms,
			 bed->now.monotonic_ms);
}

static void a_new_item_is_published_when_it_is_named(void **state)
{
	struct bed *bed = *state;

	connect_and_settle(bed);
	bed_live(bed, 5000);
	(void)warehouse_describe(&bed->w, "NEW", "Brand new", false);
	bed_run(bed);
	assert_int_equal(bed_figure(bed, "stock/NEW", "on_hand"), 0);
	(void)warehouse_describe(&bed->w, "NEW", "Renamed", false);
	bed_live(bed, 5000);
	assert_span(payload_text(bed_read(bed, "stock/NEW"), "name_en"),
		    "Renamed");
	assert_int_equal(
		payload_count(payload_at(bed_read(bed, "snapshot/0"), "rows")),
		1);
}

static char chain_last[64];

static void chain_watch(struct bed *bed, const struct bed_topic *topic)
{
	char prev[64];

	if (strcmp(topic->name, "changes") != 0)
		return;
	bed_read(bed, "changes");
	if (payload_is_null(&bed->payload, "prev"))
		prev[0] = '\0';
	else
		text_print(payload_text(&bed->payload, "prev"), prev,
			   sizeof(prev));
	assert_string_equal(prev, chain_last);
	text_print(payload_text(&bed->payload, "id"), chain_last,
		   sizeof(chain_last));
	assert_string_not_equal(prev, chain_last);
}

/* Method: 300 items change in one commit, so that one round of changes takes
 * many messages with one pos; a client that compares prev sees any loss. */
static void every_message_of_changes_names_the_one_before(void **state)
{
	struct bed *bed = *state;
	char sku[16];

	connect_and_settle(bed);
	chain_last[0] = '\0';
	bed->watch = chain_watch;
	for (int round = 0; round < 3; round++) {
		warehouse_begin(&bed->w);
		for (unsigned i = 0; i < 300; i++) {
			struct entry entry;

			(void)text_format(sku, sizeof(sku), "SKU-%03u", i);
			entry = warehouse_receipt(sku, 1, CONDITION_GOOD);
			(void)warehouse_post(&bed->w, &entry);
		}
		warehouse_commit(&bed->w);
		bed_live(bed, 1000);
	}
	assert_true(bed_count(bed, "changes") > 9);
	bed->watch = NULL;
	publisher_connected(bed->publisher);
	bed_live(bed, 1000);
	(void)warehouse_receive(&bed->w, "SKU-000", 1);
	bed_live(bed, 1000);
	assert_true(payload_is_null(bed_read(bed, "changes"), "prev"));
}

/* Method: a task's whole life in one commit; nobody is told of what was no
 * longer true when it could be told. */
static void a_note_is_published_as_it_is_and_not_as_it_was(void **state)
{
	static const enum task_state life[] = {TASK_OPEN, TASK_CLAIMED,
					       TASK_DONE};
	struct bed *bed = *state;

	connect_and_settle(bed);
	bed_live(bed, 1000);
	warehouse_begin(&bed->w);
	for (size_t i = 0; i < ARRAY_LEN(life); i++) {
		struct entry entry = warehouse_task("t1-5", life[i]);

		(void)warehouse_post(&bed->w, &entry);
	}
	warehouse_commit(&bed->w);
	bed_live(bed, 1000);
	assert_int_equal(bed_count(bed, "task/t1-5"), 1);
	assert_false(bed_holds(bed, "task/t1-5"));
}

/* ---- how often ---- */

/* Method: one item changes every millisecond for three seconds, and after each
 * commit the publisher runs. Ten in a second means 100 ms between two. */
static void an_item_is_published_no_more_often_than_its_rate(void **state)
{
	struct bed *bed = *state;
	const struct bed_topic *topic = bed_topic(bed, "stock/TEA");
	size_t before;

	(void)warehouse_receive(&bed->w, "TEA", 1);
	connect_and_settle(bed);
	bed_live(bed, 1000);
	before = topic->count;
	for (int i = 0; i < 3000; i++) {
		(void)warehouse_receive(&bed->w, "TEA", 1);
		bed_run(bed);
		bed_pass(bed, 1);
	}
	assert_in_range(topic->count - before, 29, 31);
	assert_in_range(topic->least_gap_ms, 100, 200);
	/* The last value wins. */
	bed_live(bed, 100);
	assert_int_equal(bed_figure(bed, "stock/TEA", "on_hand"), 3001);
}

static void a_rate_that_is_changed_holds_from_then_on(void **state)
{
	struct bed *bed = *state;
	struct publisher_rates rates = bed_plan().rates;
	struct bed_topic *topic = bed_topic(bed, "stock/TEA");

	(void)warehouse_receive(&bed->w, "TEA", 1);
	connect_and_settle(bed);
	rates.rate_per_item_per_s = 3;
	publisher_rates(bed->publisher, &rates);
	bed_live(bed, 1000);
	topic->least_gap_ms = INT64_MAX;
	for (int i = 0; i < 2000; i++) {
		(void)warehouse_receive(&bed->w, "TEA", 1);
		bed_run(bed);
		bed_pass(bed, 1);
	}
	assert_in_range(topic->least_gap_ms, 334, 400);
}

/* Nothing moves: a reload that changes fresh_for_s reaches every topic that
 * says it, and the status after them; one that changes nothing publishes
 * nothing. */
static void another_fresh_for_reaches_what_does_not_change(void **state)
{
	static const char *const topics[] = {"stock/TEA", "stock/MUG",
					     "snapshot/0", "status"};
	struct bed *bed = *state;
	struct publisher_rates rates = bed_plan().rates;
	size_t published;

	(void)warehouse_receive(&bed->w, "TEA", 1);
	(void)warehouse_receive(&bed->w, "MUG", 2);
	connect_and_settle(bed);
	bed_live(bed, 10000);
	published = bed->published;
	publisher_rates(bed->publisher, &rates);
	bed_live(bed, 10000);
	assert_int_equal(bed->published, published);

	rates.fresh_for_s = 60;
	publisher_rates(bed->publisher, &rates);
	bed_live(bed, 5000);
	for (size_t i = 0; i < ARRAY_LEN(topics); i++)
		assert_int_equal(bed_figure(bed, topics[i], "fresh_for_s"), 60);
	for (size_t i = 0; i + 1 < ARRAY_LEN(topics); i++)
		assert_true(bed_topic(bed, topics[i])->order <
			    bed_topic(bed, "status")->order);
	assert_int_equal(bed_count(bed, "changes"), 0);
	published = bed->published;
	bed_live(bed, 10000);
	assert_int_equal(bed->published, published);
}

static void a_chunk_is_published_no_more_often_than_its_interval(void **state)
{
	struct bed *bed = *state;
	const struct bed_topic *topic = bed_topic(bed, "snapshot/0");

	(void)warehouse_receive(&bed->w, "TEA", 1);
	connect_and_settle(bed);
	for (int i = 0; i < 100; i++) {
		(void)warehouse_receive(&bed->w, "TEA", 1);
		bed_live(bed, 100);
	}
	assert_in_range(topic->count, 4, 5);
	assert_in_range(topic->least_gap_ms, 3000, 3200);
	bed_live(bed, 3000);
	assert_int_equal(
		payload_value_int(payload_entry(
			payload_entry(payload_at(bed_read(bed, "snapshot/0"),
						 "rows"),
				      0),
			1)),
		101);
}

/* ---- a sink that is full ---- */

/* Method: the broker takes one message a run; every mark must survive until
 * its message was taken, and each topic be sent just once. */
static void what_the_sink_refuses_is_offered_until_it_is_taken(void **state)
{
	struct bed *bed = *state;
	size_t runs = 0;

	sample_fill(bed);
	publisher_connected(bed->publisher);
	do {
		bed->room = 1;
		bed_run(bed);
		bed_pass(bed, 10);
		assert_true(++runs < 100);
	} while (bed_count(bed, "status") < 2);
	assert_true(bed->refused > 0);
	assert_int_equal(bed->published, 7);

	bed->room = 0;
	(void)warehouse_receive(&bed->w, "TEA", 5);
	alert_enter(bed, "ring_full", true);
	bed_live(bed, 200);
	assert_int_equal(bed->published, 7);
	bed->room = SIZE_MAX;
	bed_live(bed, 4000);
	assert_int_equal(bed_figure(bed, "stock/TEA", "on_hand"), 15);
	assert_false(bed_holds(bed, "alert/ring_full-x"));
	assert_int_equal(bed_count(bed, "stock/TEA"), 2);
	assert_int_equal(bed_count(bed, "changes"), 1);
}

/* ---- what leaves ---- */

static void what_has_left_the_ledger_is_cleared(void **state)
{
	struct bed *bed = *state;
	const struct json_value *rows;

	sample_fill(bed);
	connect_and_settle(bed);
	bed_live(bed, 5000);
	(void)warehouse_scrap(&bed->w, "TEA", 10);
	task_enter(bed, "t1-9", TASK_CANCELLED);
	alert_enter(bed, "ring_full", true);
	bed_live(bed, 5000);
	assert_true(bed_holds(bed, "stock/TEA"));
	assert_int_equal(bed_figure(bed, "stock/TEA", "on_hand"), 0);
	assert_false(bed_holds(bed, "task/t1-9"));
	assert_false(bed_holds(bed, "alert/ring_full-x"));

	(void)warehouse_describe(&bed->w, "TEA", "Green tea", true);
	bed_live(bed, 5000);
	assert_false(bed_holds(bed, "stock/TEA"));
	rows = payload_at(bed_read(bed, "changes"), "rows");
	assert_int_equal(payload_count(payload_entry(rows, 0)), 1);
	rows = payload_at(bed_read(bed, "snapshot/0"), "rows");
	assert_int_equal(payload_count(rows), 1);

	(void)warehouse_describe(&bed->w, "TEA", "Green tea", false);
	bed_live(bed, 5000);
	assert_true(bed_holds(bed, "stock/TEA"));
}

static void retain(struct bed *bed, const char *name)
{
	char topic[PUBLISHER_TOPIC_SIZE];

	(void)text_format(topic, sizeof(topic), "%s%s", BED_PREFIX, name);
	bed_topic(bed, name)->size = 1;
	free(bed_topic(bed, name)->payload);
	bed_topic(bed, name)->payload = strdup("x");
	assert_done(publisher_retained(bed->publisher, span_of(topic),
				       &bed->w.err),
		    &bed->w.err);
}

static void
what_the_broker_kept_and_the_ledger_does_not_hold_is_cleared(void **state)
{
	static const char *const stale[] = {
		"stock/GONE",   "stock/CUP/1", "stock/%63up", "task/t1-8",
		"task/t1-7",    "alert/old",   "snapshot/1",  "snapshot/4",
		"snapshot/007", "snapshot/x",  "stock/LEFT",
	};
	static const char *const kept[] = {
		"stock/TEA",  "stock/CUP%2F1",
		"task/t1-9",  "alert/ring_full-x",
		"snapshot/0", "plan/purchase/1",
		"status",
	};
	struct bed *bed = *state;

	sample_fill(bed);
	(void)warehouse_describe(&bed->w, "LEFT", "Left", true);
	publisher_connected(bed->publisher);
	for (size_t i = 0; i < ARRAY_LEN(stale); i++)
		retain(bed, stale[i]);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		retain(bed, kept[i]);
	bed_live(bed, 1000);
	for (size_t i = 0; i < ARRAY_LEN(stale); i++)
		if (bed_holds(bed, stale[i]))
			fail_msg("%s is still there", stale[i]);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (!bed_holds(bed, kept[i]))
			fail_msg("%s was cleared", kept[i]);
	assert_false(publisher_wants_retained(bed->publisher));
	/* Nor what is nobody's business here. */
	assert_done(publisher_retained(bed->publisher,
				       SPAN_LITERAL("depot/v1/acme/hz-02/"
						    "stock/GONE"),
				       &bed->w.err),
		    &bed->w.err);
	bed_live(bed, 1000);
	assert_int_equal(bed_count(bed, "stock/GONE"), 1);
}

static void what_comes_back_before_it_is_cleared_stays(void **state)
{
	struct bed *bed = *state;

	connect_and_settle(bed);
	retain(bed, "stock/TEA");
	(void)warehouse_receive(&bed->w, "TEA", 1);
	bed_live(bed, 1000);
	assert_true(bed_holds(bed, "stock/TEA"));
	assert_int_equal(bed_count(bed, "stock/TEA"), 1);
}

/* More strangers than can be noted: the rest goes in another reading. */
static void strangers_beyond_the_bound_are_asked_for_again(void **state)
{
	struct bed *bed = *state;
	char name[32];
	size_t readings = 0;
	size_t left;

	connect_and_settle(bed);
	do {
		left = 0;
		for (unsigned i = 0; i < 200; i++) {
			(void)text_format(name, sizeof(name), "stock/no-%u", i);
			if (readings > 0 && !bed_holds(bed, name))
				continue;
			retain(bed, name);
			left++;
		}
		assert_false(left > 0 &&
			     publisher_wants_retained(bed->publisher));
		bed_live(bed, 1000);
		readings++;
	} while (publisher_wants_retained(bed->publisher));
	assert_int_equal(readings, 4);
	for (unsigned i = 0; i < 200; i++) {
		(void)text_format(name, sizeof(name), "stock/no-%u", i);
		assert_false(bed_holds(bed, name));
	}
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_sent_here_shows_on_the_stock_topic),
		TEST(nothing_is_published_before_the_connect),
		TEST(after_a_connect_all_that_the_ledger_holds_is_published),
		TEST(a_connection_begins_with_init_and_turns_ready_when_all_is_out),
		TEST(a_reconnect_publishes_everything_again),
		TEST(a_change_goes_out_in_the_run_after_its_commit),
		TEST(a_new_item_is_published_when_it_is_named),
		TEST(every_message_of_changes_names_the_one_before),
		TEST(a_note_is_published_as_it_is_and_not_as_it_was),
		TEST(an_item_is_published_no_more_often_than_its_rate),
		TEST(a_rate_that_is_changed_holds_from_then_on),
		TEST(another_fresh_for_reaches_what_does_not_change),
		TEST(a_chunk_is_published_no_more_often_than_its_interval),
		TEST(what_the_sink_refuses_is_offered_until_it_is_taken),
		TEST(what_has_left_the_ledger_is_cleared),
		TEST(what_the_broker_kept_and_the_ledger_does_not_hold_is_cleared),
		TEST(what_comes_back_before_it_is_cleared_stays),
		TEST(strangers_beyond_the_bound_are_asked_for_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
