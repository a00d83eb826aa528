/*
 * A large site: bounded work in each call, chunks that hold every item once
 * and are split before they grow too long, and more items than were planned.
 */
#include "tests/unit/edge/publisher_bed.h"

#define MANY 10000

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	bed_make(bed);
	*state = bed;
	return 0;
}

/* Receives @units of the items @first to @last, in one commit. */
static void many_receive(struct bed *bed, unsigned first, unsigned last,
			 int64_t units)
{
	warehouse_begin(&bed->w);
	for (unsigned i = first; i <= last; i++) {
		struct entry entry;
		char sku[16];

		(void)text_format(sku, sizeof(sku), "SKU-%05u", i);
		entry = warehouse_receipt(sku, units, CONDITION_GOOD);
		(void)warehouse_post(&bed->w, &entry);
	}
	warehouse_commit(&bed->w);
}

/* Settles, and returns the most publications that one call made. */
static size_t most_in_a_run(struct bed *bed)
{
	size_t most = 0;

	do {
		size_t before = bed->published;

		bed_run(bed);
		if (bed->published - before > most)
			most = bed->published - before;
	} while (bed->due_ms <= bed->now.monotonic_ms);
	return most;
}

static unsigned sku_number(struct span sku)
{
	uint64_t number = 0;
	size_t at = 4;

	while (at < sku.size - 1 && sku.data[at] == '0')
		at++;
	assert_true(span_to_u64((struct span){sku.data + at, sku.size - at},
				MANY * 4, &number));
	return (unsigned)number;
}

/* Checks that each item 1 to @items stands in exactly one chunk, with @units,
 * and that every chunk tells their number. Returns the number of chunks. */
static size_t chunks_check(struct bed *bed, unsigned items, int64_t units)
{
	unsigned char *seen = calloc(items + 1, 1);
	size_t rows = 0;
	size_t chunks = 0;
	char name[32];

	assert_non_null(seen);
	for (;; chunks++) {
		const struct json_value *row;

		(void)text_format(name, sizeof(name), "snapshot/%zu", chunks);
		if (!bed_holds(bed, name))
			break;
		bed_read(bed, name);
		assert_int_equal(payload_int(&bed->payload, "chunk"), chunks);
		row = json_first(payload_at(&bed->payload, "rows"));
		for (; row != NULL; row = json_next(row)) {
			unsigned number = sku_number(
				payload_value_text(payload_entry(row, 0)));

			assert_in_range(number, 1, items);
			assert_int_equal(seen[number]++, 0);
			assert_int_equal(
				payload_value_int(payload_entry(row, 1)),
				units);
			rows++;
		}
	}
	assert_int_equal(rows, items);
	assert_int_equal(bed_figure(bed, "status", "chunks"), chunks);
	free(seen);
	return chunks;
}

static void ten_thousand_items_go_out_in_small_steps(void **state)
{
	struct bed *bed = *state;
	struct publisher_plan plan = bed_plan();
	size_t chunks;
	size_t most;

	plan.items_max = MANY;
	many_receive(bed, 1, MANY, 5);
	bed_open(bed, &plan);
	publisher_connected(bed->publisher);
	most = most_in_a_run(bed);
	assert_in_range(most, 10, 66);
	assert_span(payload_text(bed_read(bed, "status"), "state"), "ready");
	for (unsigned i = 1; i <= MANY; i++) {
		char name[32];

		(void)text_format(name, sizeof(name), "stock/SKU-%05u", i);
		assert_int_equal(bed_count(bed, name), 1);
	}
	chunks = chunks_check(bed, MANY, 5);
	print_message("%d items in %zu chunks, at most %zu messages a call\n",
		      MANY, chunks, most);
	assert_in_range(chunks, MANY / 100, MANY / 60);
	assert_int_equal(bed_figure(bed, "snapshot/0", "chunks"), chunks);

	/* One item changes: one stock topic, one change, one chunk. */
	bed_live(bed, 5000);
	bed->published = 0;
	many_receive(bed, 777, 777, 1);
	bed_live(bed, 5000);
	assert_int_equal(bed->published, 3);
}

/* A client that loads the chunks at any moment finds every item. */
static void cover_watch(struct bed *bed, const struct bed_topic *topic)
{
	static unsigned char seen[901];
	size_t items = 0;

	if (!span_starts(span_of(topic->name), "snapshot/"))
		return;
	memset(seen, 0, sizeof(seen));
	for (unsigned i = 0;; i++) {
		const struct json_value *row;
		char name[32];

		(void)text_format(name, sizeof(name), "snapshot/%u", i);
		if (!bed_holds(bed, name))
			break;
		row = json_first(payload_at(bed_read(bed, name), "rows"));
		for (; row != NULL; row = json_next(row)) {
			unsigned number = sku_number(
				payload_value_text(payload_entry(row, 0)));

			items += seen[number] == 0;
			seen[number] = 1;
		}
	}
	assert_int_equal(items, 900);
}

/* Method: every quantity gains ten digits, so that no chunk fits any more. */
static void a_chunk_that_grows_too_long_is_split(void **state)
{
	struct bed *bed = *state;
	struct publisher_plan plan = bed_plan();
	size_t before;
	size_t after;

	many_receive(bed, 1, 900, 1);
	bed_open(bed, &plan);
	publisher_connected(bed->publisher);
	bed_live(bed, 1000);
	before = chunks_check(bed, 900, 1);
	bed->watch = cover_watch;
	many_receive(bed, 1, 900, 99999999999);
	bed_live(bed, 70000);
	after = chunks_check(bed, 900, 100000000000);
	print_message("%zu chunks became %zu\n", before, after);
	assert_true(after > before);
	/* Halves have room: one digit more splits nothing. */
	many_receive(bed, 1, 900, 900000000000);
	bed_live(bed, 70000);
	assert_int_equal(chunks_check(bed, 900, 1000000000000), after);
	assert_true(bed_figure(bed, "snapshot/0", "chunks") > (int64_t)before);
}

static void new_items_fall_into_the_last_chunk_beyond_all_plans(void **state)
{
	struct bed *bed = *state;
	struct publisher_plan plan = bed_plan();
	struct publisher_counters counters;

	plan.items_max = 10;
	bed_open(bed, &plan);
	publisher_connected(bed->publisher);
	bed_live(bed, 1000);
	for (unsigned i = 0; i < 20; i++) {
		many_receive(bed, i * 100 + 1, i * 100 + 100, 7);
		bed_live(bed, 4000);
	}
	bed_live(bed, 70000);
	(void)chunks_check(bed, 2000, 7);
	publisher_counters(bed->publisher, &counters);
	assert_int_equal(counters.items, 2000);
	assert_int_equal(counters.items_due, 0);
	assert_true(counters.stock >= 2000);
}

static void burst_watch(struct bed *bed, const struct bed_topic *topic)
{
	struct journal_head head;
	struct view *view;

	if (strcmp(topic->name, "status") != 0)
		return;
	assert_done(view_begin(ledger_env(bed->w.ledger), &view, &bed->w.err),
		    &bed->w.err);
	assert_done(ledger_head(view, &head, &bed->w.err), &bed->w.err);
	view_end(view);
	if (bed_figure(bed, "status", "head") < (int64_t)pos_number(head.pos))
		return;
	(void)chunks_check(bed, 5000, 4);
	assert_int_equal(bed_figure(bed, "stock/SKU-05000", "on_hand"), 4);
	bed->watch = NULL;
}

/* A burst is walked in steps too, and everything of it arrives; the heartbeat
 * that falls into it speaks for no more than has been walked. */
static void a_burst_of_entries_is_looked_at_in_steps(void **state)
{
	struct bed *bed = *state;
	struct publisher_plan plan = bed_plan();
	size_t most;

	plan.items_max = 5000;
	many_receive(bed, 1, 5000, 1);
	bed_open(bed, &plan);
	publisher_connected(bed->publisher);
	bed_live(bed, 5000);
	for (int i = 0; i < 3; i++)
		many_receive(bed, 1, 5000, 1);
	bed_pass(bed, 60000);
	bed->watch = burst_watch;
	most = most_in_a_run(bed);
	assert_in_range(most, 10, 66);
	bed_live(bed, 140000);
	assert_null(bed->watch);
}

/* Most of them done, and more than one call looks at. */
#define TASKS 800
#define TASKS_DONE 700

static void tasks_watch(struct bed *bed, const struct bed_topic *topic)
{
	char name[32];

	if (strcmp(topic->name, "status") != 0 || topic->count < 2)
		return;
	for (unsigned i = 0; i < TASKS; i++) {
		(void)text_format(name, sizeof(name), "task/t1-%03u", i);
		assert_int_equal(bed_holds(bed, name), i >= TASKS_DONE);
	}
	bed->watch = NULL;
}

static void ready_waits_for_tasks_and_alerts_too(void **state)
{
	struct bed *bed = *state;
	struct publisher_plan plan = bed_plan();
	char id[32];

	warehouse_begin(&bed->w);
	for (unsigned i = 0; i < TASKS; i++) {
		struct entry entry;

		(void)text_format(id, sizeof(id), "t1-%03u", i);
		entry = warehouse_task(id,
				       i < TASKS_DONE ? TASK_DONE : TASK_OPEN);
		(void)warehouse_post(&bed->w, &entry);
	}
	warehouse_commit(&bed->w);
	bed_open(bed, &plan);
	bed->watch = tasks_watch;
	publisher_connected(bed->publisher);
	(void)bed_settle(bed);
	assert_null(bed->watch);
}

/* The snapshot is as small as the configuration asks, within reason. */
static void chunks_have_no_more_rows_than_configured(void **state)
{
	struct bed *bed = *state;
	struct publisher_plan plan = bed_plan();

	plan.chunk_rows = 1;
	many_receive(bed, 1, 95, 1);
	bed_open(bed, &plan);
	publisher_connected(bed->publisher);
	bed_live(bed, 1000);
	assert_int_equal(chunks_check(bed, 95, 1), 10);
}

/*
 * Method: 400 items, all of them moved every 50 ms, which is 8,000 movements a
 * second, for two seconds; each may be published 10 times a second. Then quiet.
 */
static void under_load_stock_topics_take_turns_and_end_right(void **state)
{
	struct bed *bed = *state;
	struct publisher_plan plan = bed_plan();
	size_t during;

	many_receive(bed, 1, 400, 1);
	bed_open(bed, &plan);
	publisher_connected(bed->publisher);
	bed_live(bed, 1000);
	for (unsigned i = 0; i < 4; i++) {
		many_receive(bed, 1, 400, 1);
		bed_live(bed, 50);
	}
	bed->published = 0;
	for (unsigned i = 0; i < 40; i++) {
		many_receive(bed, 1, 400, 1);
		bed_live(bed, 50);
	}
	during = bed->published;
	print_message("%zu messages in 2 s of load\n", during);
	assert_in_range(during, 1000, 1500); /* stock 1,000; chunks, changes */
	bed_live(bed, 1000);
	for (unsigned i = 1; i <= 400; i++) {
		char name[32];

		(void)text_format(name, sizeof(name), "stock/SKU-%05u", i);
		assert_int_equal(bed_figure(bed, name, "on_hand"), 45);
		/* In turns, so none is left behind. */
		assert_in_range(bed_count(bed, name), 4, 8);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ten_thousand_items_go_out_in_small_steps),
		TEST(a_chunk_that_grows_too_long_is_split),
		TEST(new_items_fall_into_the_last_chunk_beyond_all_plans),
		TEST(a_burst_of_entries_is_looked_at_in_steps),
		TEST(ready_waits_for_tasks_and_alerts_too),
		TEST(chunks_have_no_more_rows_than_configured),
		TEST(under_load_stock_topics_take_turns_and_end_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
