/*
 * What `ready` promises: everything is out as it was at as_of. And what status
 * says beside it.
 */
#include "tests/unit/edge/publisher_bed.h"

static const char *status_state(struct bed *bed)
{
	static char text[16];

	text_print(payload_text(bed_read(bed, "status"), "state"), text,
		   sizeof(text));
	return text;
}

/* ---- the heartbeat ---- */

static void the_heartbeat_moves_as_of_while_nothing_happens(void **state)
{
	struct bed *bed = *state;

	(void)warehouse_receive(&bed->w, "TEA", 1);
	publisher_connected(bed->publisher);
	(void)bed_settle(bed);
	assert_span(payload_text(bed_read(bed, "status"), "as_of"),
		    "2026-11-22T11:00:00Z");
	bed_live(bed, 59999);
	assert_int_equal(bed_count(bed, "status"), 2);
	bed_live(bed, 1);
	assert_int_equal(bed_count(bed, "status"), 3);
	assert_span(payload_text(bed_read(bed, "status"), "as_of"),
		    "2026-11-22T11:01:00Z");
	/* It is the state's age, not the message's. */
	assert_span(payload_text(&bed->payload, "since"),
		    "2026-11-22T11:00:00Z");
	assert_int_equal(bed_count(bed, "stock/TEA"), 1);
	bed_live(bed, 600000);
	assert_int_equal(bed_count(bed, "status"), 13);
}

static void with_a_backlog_as_of_is_the_last_commit(void **state)
{
	struct bed *bed = *state;

	(void)warehouse_receive(&bed->w, "TEA", 1);
	bed->now.backlog = 12;
	publisher_connected(bed->publisher);
	(void)bed_settle(bed);
	assert_span(payload_text(bed_read(bed, "status"), "as_of"),
		    "2026-11-22T10:00:00.001Z");
	assert_int_equal(payload_int(&bed->payload, "backlog"), 12);
	assert_span(payload_text(bed_read(bed, "stock/TEA"), "as_of"),
		    "2026-11-22T10:00:00.001Z");

	/* And that was written by a clock nobody trusts: nobody can tell. */
	bed->w.clock_trusted = false;
	(void)warehouse_receive(&bed->w, "TEA", 1);
	bed_live(bed, 1000);
	assert_true(payload_is_null(bed_read(bed, "stock/TEA"), "as_of"));
}

static void with_an_untrusted_clock_nothing_has_a_time(void **state)
{
	static const char *const topics[] = {"status", "stock/TEA",
					     "snapshot/0", "changes"};
	struct bed *bed = *state;

	bed->now.clock_trusted = false;
	publisher_connected(bed->publisher);
	(void)bed_settle(bed);
	(void)warehouse_receive(&bed->w, "TEA", 1);
	bed_live(bed, 5000);
	for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
		assert_true(payload_is_null(bed_read(bed, topics[i]), "as_of"));
		assert_span(payload_text(&bed->payload, "clock"), "untrusted");
	}
	assert_string_equal(status_state(bed), "ready");
	bed->now.clock_trusted = true;
	bed_live(bed, 60000);
	assert_false(payload_is_null(bed_read(bed, "status"), "as_of"));
}

/* ---- what else status says ---- */

static void a_change_of_health_is_told_at_once_and_once(void **state)
{
	static const char *const sick[] = {"disk_low", "clock_untrusted"};
	struct bed *bed = *state;
	struct publisher_facts facts = {.health = sick,
					.health_count = 2,
					.autonomy_hours = 72,
					.has_autonomy = true};
	const struct json_value *health;

	publisher_connected(bed->publisher);
	(void)bed_settle(bed);
	publisher_facts(bed->publisher, &facts);
	bed_run(bed);
	assert_int_equal(bed_count(bed, "status"), 3);
	health = payload_at(bed_read(bed, "status"), "health");
	assert_int_equal(payload_count(health), 2);
	assert_span(payload_value_text(payload_entry(health, 0)), "disk_low");
	assert_int_equal(payload_int(&bed->payload, "autonomy_hours"), 72);
	facts.autonomy_hours = 71;
	publisher_facts(bed->publisher, &facts);
	bed_run(bed);
	assert_int_equal(bed_count(bed, "status"), 3);
	facts.health_count = 0;
	publisher_facts(bed->publisher, &facts);
	bed_run(bed);
	assert_int_equal(bed_count(bed, "status"), 4);
}

static void the_last_will_and_the_last_word_name_the_session(void **state)
{
	struct bed *bed = *state;
	char topic[PUBLISHER_TOPIC_SIZE];
	char payload[PAYLOAD_OUT_SIZE_MAX + 1];

	publisher_will(bed->publisher, topic, payload);
	assert_string_equal(topic, BED_PREFIX "status");
	payload_parse(&bed->payload, span_of(payload));
	assert_span(payload_text(&bed->payload, "state"), "lost");
	assert_span(payload_text(&bed->payload, "session"), "run-1");
	assert_true(payload_is_null(&bed->payload, "as_of"));
	assert_true(payload_is_null(&bed->payload, "since"));

	publisher_connected(bed->publisher);
	(void)bed_settle(bed);
	assert_code(publisher_farewell(bed->publisher, SITE_DISCONNECTED,
				       &bed->now),
		    ERR_OK);
	assert_string_equal(status_state(bed), "disconnected");
	assert_span(payload_text(&bed->payload, "session"), "run-1");
	assert_span(payload_text(&bed->payload, "version"), "0.1.0");
	bed->room = 0;
	assert_code(publisher_farewell(bed->publisher, SITE_SLEEPING,
				       &bed->now),
		    ERR_AGAIN);
}

/* ---- what ready promises, under everything at once ---- */

#define ITEMS 40
#define TASKS 6
#define HISTORY_MAX 20000

/* What the test itself has posted. */
struct posted {
	struct pos pos;
	bool is_task;
	unsigned number;
	int64_t on_hand; /* of the item, after it */
	bool is_open;    /* of the task */
};

static struct {
	struct posted posted[HISTORY_MAX];
	size_t count;
	int64_t on_hand[ITEMS];
	bool is_open[TASKS];
	size_t readies; /* statuses that were held to their word */
	size_t inits;
} world;

static void item_name(unsigned number, char *name)
{
	(void)text_format(name, 32, "stock/SKU-%02u", number);
}

static void task_name(unsigned number, char *name)
{
	(void)text_format(name, 32, "task/t1-%u", number);
}

/* The last thing that was posted on @number, at or before @head. */
static const struct posted *last_posted(bool is_task, unsigned number,
					uint64_t head)
{
	for (size_t i = world.count; i-- > 0;) {
		const struct posted *posted = &world.posted[i];

		if (posted->is_task == is_task && posted->number == number &&
		    pos_number(posted->pos) <= head)
			return posted;
	}
	return NULL;
}

/* What is retained of an item must be a state that it once had, no older than
 * its last movement up to @head. */
static void item_hold_to(struct bed *bed, unsigned number, uint64_t head)
{
	const struct posted *last = last_posted(false, number, head);
	const struct posted *shown;
	char name[32];
	int64_t pos;

	if (last == NULL)
		return;
	item_name(number, name);
	pos = bed_figure(bed, name, "pos");
	assert_true((uint64_t)pos >= pos_number(last->pos));
	shown = last_posted(false, number, (uint64_t)pos);
	assert_int_equal(pos_number(shown->pos), pos);
	assert_int_equal(payload_int(&bed->payload, "on_hand"), shown->on_hand);
}

static void task_hold_to(struct bed *bed, unsigned number, uint64_t head)
{
	const struct posted *last = last_posted(true, number, head);
	const struct posted *latest = last_posted(true, number, UINT64_MAX);
	char name[32];

	if (last == NULL)
		return;
	task_name(number, name);
	if (bed_holds(bed, name))
		assert_true((uint64_t)bed_figure(bed, name, "pos") >=
			    pos_number(last->pos));
	else
		assert_true(!last->is_open || latest != last);
	if (latest == last)
		assert_int_equal(bed_holds(bed, name), last->is_open);
}

/* Every item that had moved up to @head stands in a chunk, and no older. */
static void chunks_hold_to(struct bed *bed, uint64_t head, size_t chunks)
{
	bool has_row[ITEMS] = {false};
	char name[32];

	for (size_t i = 0; i < chunks; i++) {
		const struct json_value *row;

		(void)text_format(name, sizeof(name), "snapshot/%zu", i);
		row = json_first(payload_at(bed_read(bed, name), "rows"));
		for (; row != NULL; row = json_next(row)) {
			struct span sku =
				payload_value_text(payload_entry(row, 0));
			uint64_t number;
			const struct posted *last;

			/* SKU-nn */
			number = (uint64_t)(sku.data[4] - '0') * 10 +
				 (uint64_t)(sku.data[5] - '0');
			assert_true(number < ITEMS);
			last = last_posted(false, (unsigned)number, head);
			has_row[number] = true;
			if (last != NULL)
				assert_true(payload_value_int(
						    payload_entry(row, 8)) >=
					    (int64_t)pos_number(last->pos));
		}
	}
	for (unsigned i = 0; i < ITEMS; i++)
		assert_true(has_row[i] || last_posted(false, i, head) == NULL);
}

static void promise_watch(struct bed *bed, const struct bed_topic *topic)
{
	uint64_t head;
	size_t chunks;

	if (strcmp(topic->name, "status") != 0)
		return;
	if (strcmp(status_state(bed), "ready") != 0) {
		world.inits++;
		return;
	}
	head = (uint64_t)payload_int(&bed->payload, "head");
	chunks = (size_t)payload_int(&bed->payload, "chunks");
	for (unsigned i = 0; i < ITEMS; i++)
		item_hold_to(bed, i, head);
	for (unsigned i = 0; i < TASKS; i++)
		task_hold_to(bed, i, head);
	chunks_hold_to(bed, head, chunks);
	world.readies++;
}

static void note(struct pos pos, bool is_task, unsigned number)
{
	struct posted *posted = &world.posted[world.count++];

	assert_true(world.count < HISTORY_MAX);
	*posted = (struct posted){
		.pos = pos, .is_task = is_task, .number = number};
	if (is_task)
		posted->is_open = world.is_open[number];
	else
		posted->on_hand = world.on_hand[number];
}

static void item_move(struct bed *bed, uint64_t *seed)
{
	unsigned number = (unsigned)(test_random(seed) % ITEMS);
	char name[32];

	(void)text_format(name, sizeof(name), "SKU-%02u", number);
	world.on_hand[number] += 3;
	note(warehouse_receive(&bed->w, name, 3), false, number);
}

static void task_turn(struct bed *bed, uint64_t *seed)
{
	unsigned number = (unsigned)(test_random(seed) % TASKS);
	bool is_open = !world.is_open[number];
	char name[32];
	struct entry entry;

	(void)text_format(name, sizeof(name), "t1-%u", number);
	entry = warehouse_task(name, is_open ? TASK_OPEN : TASK_DONE);
	world.is_open[number] = is_open;
	note(warehouse_enter(&bed->w, &entry), true, number);
}

static void promise_step(struct bed *bed, uint64_t *seed)
{
	uint64_t draw = test_random(seed) % 100;

	if (draw < 45)
		item_move(bed, seed);
	else if (draw < 55)
		task_turn(bed, seed);
	else if (draw < 65)
		bed_pass(bed, (int64_t)(test_random(seed) % 2000));
	else if (draw < 67)
		bed_pass(bed, 60000);
	else if (draw < 68)
		publisher_connected(bed->publisher);
	bed->now.backlog = test_random(seed) % 3;
	bed->room = test_random(seed) % 4 == 0 ? test_random(seed) % 3
					       : 1 + test_random(seed) % 30;
	bed_run(bed);
}

/* Rates at which items, chunks or heartbeats are what a sweep waits for. */
static const struct publisher_rates promise_rates[] = {
	{10, 180, 60000, 3000},
	{1, 180, 1000, 1},
	{100, 180, 500, 2000},
};

/*
 * Method: random movements, tasks, passing time, reconnects and a sink that
 * refuses at random, in small and large bursts. Each time that the broker is
 * given a `ready`, all that it retains is held against the test's own history
 * of what was posted up to that status' head.
 */
static void ready_is_never_said_before_it_is_true(void **state)
{
	struct bed *bed = *state;
	uint64_t seed = test_seed(1);

	memset(&world, 0, sizeof(world));
	bed->watch = promise_watch;
	publisher_connected(bed->publisher);
	for (size_t i = 0; i < 6000; i++) {
		if (i % 500 == 0)
			publisher_rates(bed->publisher,
					&promise_rates[i / 500 % 3]);
		promise_step(bed, &seed);
	}
	print_message("%zu entries, %zu ready, %zu init, %zu refused\n",
		      world.count, world.readies, world.inits, bed->refused);
	assert_true(world.readies > 40);
	assert_true(world.inits > 20);
	assert_true(bed->refused > 100);

	/* And in the end the broker shows what there is. */
	bed->room = SIZE_MAX;
	bed->now.backlog = 0;
	bed_live(bed, 70000);
	for (unsigned i = 0; i < ITEMS; i++)
		item_hold_to(bed, i, UINT64_MAX);
	for (unsigned i = 0; i < TASKS; i++)
		task_hold_to(bed, i, UINT64_MAX);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_heartbeat_moves_as_of_while_nothing_happens),
		TEST(with_a_backlog_as_of_is_the_last_commit),
		TEST(with_an_untrusted_clock_nothing_has_a_time),
		TEST(a_change_of_health_is_told_at_once_and_once),
		TEST(the_last_will_and_the_last_word_name_the_session),
		TEST(ready_is_never_said_before_it_is_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
