/*
 * The engine under 20,000 events made up from a seed: what a warehouse may send
 * on a bad day (model_feed.h), in batches of any size, with restarts between.
 *
 * What must hold however it comes: the engine takes every event; every reading
 * is answered, in JSON that fits a message; what is not booked moves nothing;
 * a simple operation does what it says, cell by cell; an undo takes all of its
 * reading back; the audit stays clean; and the same events give the same
 * tables, whatever the batches, the restarts and the repetitions.
 */
#include "tests/unit/core/bench_warehouse.h"
#include "tests/unit/core/model_feed.h"

#include "tests/support/dump.h"
#include "tests/support/payload.h"

#define STEPS 20000
#define AUDIT_EVERY 200
#define RESTART_EVERY 1500
#define BATCH_MAX 32

/* A named reading that the batch has to answer. */
struct pending {
	size_t device;
	unsigned boot;
	uint64_t seq;
	bool is_answered;
};

struct world {
	struct warehouse warehouse;
	struct feed feed;
	struct batch *batch; /* NULL: none is open */
	size_t batch_size;   /* events in it */
	struct fed *log;
	size_t log_count;
	size_t log_room;
	struct pending pending[BATCH_MAX + 1];
	size_t pending_count;
	bool is_heard[FEED_DEVICES]; /* an answer is due in this batch */
	struct payload *payload;
	size_t acks;
	size_t booked;
	size_t simple;
	size_t undone;
};

/* ---- the store, opened and read ---- */

static void world_open(struct world *world)
{
	struct warehouse *w = &world->warehouse;
	struct engine_plan plan = {
		.parked = {100000, 100000000},
		.session_timeout_ms = 15 * 60 * 1000,
		.observation_keep_ms = 86400000,
		.rfid_hold_ms = 5000,
		.recount_units = 5,
		.recount_percent = 20,
	};
	struct err err;

	assert_done(ledger_open(w->path, ENV_WRITE, &w->ledger, &err), &err);
	assert_done(engine_open(&plan, ledger_identity(w->ledger), &w->engine,
				&err),
		    &err);
	assert_done(answers_open(BATCH_MAX * 8, &w->answers, &err), &err);
}

static void world_goods(struct warehouse *w)
{
	static const char *const devices[] = {
		"{\"device\":\"dock-1\",\"kind\":\"scanner\"}",
		"{\"device\":\"gun-2\",\"kind\":\"scanner\"}",
		"{\"device\":\"fix-3\",\"kind\":\"scanner\","
		"\"place\":\"A-03\"}",
		"{\"device\":\"gun-4\",\"kind\":\"scanner\","
		"\"place\":\"A-02\"}"};
	static const char *const items[] = {
		"{\"item\":\"MUG\",\"weight_mg\":300000}",
		"{\"item\":\"SOAP\"}", "{\"item\":\"RICE\",\"unit\":\"gram\"}",
		"{\"item\":\"PHONE\",\"tracking\":\"serial\"}",
		"{\"item\":\"MILK\",\"tracking\":\"lot\"}"};
	static const char *const codes[] = {
		"{\"code\":\"4006381333931\",\"item\":\"MUG\"}",
		"{\"code\":\"14006381333938\",\"item\":\"MUG\",\"pack\":12}",
		"{\"code\":\"04006381333948\",\"item\":\"PHONE\"}",
		"{\"code\":\"09521234567899\",\"item\":\"MILK\"}"};
	char text[64];

	manager_add(w);
	for (size_t i = 0; i < ARRAY_LEN(devices); i++)
		ask_ok(w, "device.set", devices[i]);
	for (int i = 1; i <= 3; i++) {
		snprintf(text, sizeof(text), "{\"bin\":\"A-0%d\"}", i);
		ask_ok(w, "bin.set", text);
	}
	for (size_t i = 0; i < ARRAY_LEN(items); i++)
		ask_ok(w, "item.set", items[i]);
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		ask_ok(w, "code.set", codes[i]);
}

static struct world *world_make(uint64_t seed)
{
	struct world *world = calloc(1, sizeof(*world));
	struct ledger_plan plan = {.map_size = 96 << 20};
	struct warehouse *w = &world->warehouse;
	struct err err;

	assert_non_null(world);
	world->payload = calloc(1, sizeof(*world->payload));
	assert_non_null(world->payload);
	w->now_ms = INT64_C(1795000000000);
	plan.now.ms = w->now_ms;
	assert_true(name_set(&plan.founding.org, SPAN_LITERAL("acme")));
	assert_true(name_set(&plan.founding.site, SPAN_LITERAL("hz-01")));
	snprintf(w->folder, sizeof(w->folder), "/tmp/depot-model-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	snprintf(w->path, sizeof(w->path), "%s/store", w->folder);
	assert_done(ledger_create(w->path, &plan, &err), &err);
	world_open(world);
	world_goods(w);
	world->feed.random = seed;
	world->feed.now_ms = w->now_ms;
	return world;
}

/* A weighted sum over all cells of all places outside PICKED's and PACKED's
 * orders: two equal ones mean equal stock. */
static enum err_code print_row(void *context, struct item_no item,
			       struct place_no place,
			       const struct balance *balance, struct err *err)
{
	uint64_t *print = context;

	(void)err;
	for (size_t i = 0; i < balance->count; i++) {
		const struct cell *cell = &balance->cells[i];
		uint64_t key = item.value * UINT64_C(1000003) + place.value;

		key = key * 31 + (uint64_t)cell->condition;
		for (size_t n = 0; n < cell->lot.size; n++)
			key = key * 257 + (uint8_t)cell->lot.data[n];
		*print += test_random(&key) * (uint64_t)cell->quantity.units;
	}
	return ERR_OK;
}

static uint64_t stock_print(const struct view *view)
{
	uint64_t print = 0;
	struct err err;

	assert_done(balance_walk_all(view, print_row, &print, &err), &err);
	return print;
}

static const struct view *now(struct world *world)
{
	struct err err;

	if (world->batch == NULL)
		assert_done(batch_begin(world->warehouse.ledger, &world->batch,
					&err),
			    &err);
	return batch_view(world->batch);
}

/* ---- answers ---- */

static size_t device_of(struct span name)
{
	for (size_t i = 0; i < FEED_DEVICES; i++)
		if (span_is(name, feed_devices[i]))
			return i;
	fail_msg("an answer to %.*s", (int)name.size, name.data);
	return 0;
}

static uint64_t id_at(const struct json_value *object, const char *name,
		      uint64_t otherwise)
{
	const struct json_value *value = json_member(object, name);
	struct fault fault;
	uint64_t id;

	if (value == NULL || json_kind(value) == JSON_NULL)
		return otherwise;
	assert_code(json_to_id(value, 0, &id, &fault), ERR_OK);
	return id;
}

static bool is_excepted(const struct json_value *ack, uint64_t seq)
{
	const struct json_value *line = json_first(json_member(ack, "except"));

	for (; line != NULL; line = json_next(line))
		if (id_at(line, "seq", 0) == seq)
			return true;
	return false;
}

static void ack_check(void *context, const struct answers_message *message)
{
	struct world *world = context;
	struct span suffix = message->suffix;
	const struct json_value *ack;
	struct span boot = {"", 0};
	struct fault fault;
	uint64_t upto;
	size_t device;

	assert_true(span_starts(suffix, "ack/"));
	device = device_of((struct span){suffix.data + 4, suffix.size - 4});
	assert_true(message->payload.size <= PAYLOAD_OUT_SIZE_MAX);
	payload_parse(world->payload, message->payload);
	ack = json_root(&world->payload->json);
	if (json_kind(json_member(ack, "boot")) == JSON_STRING)
		assert_code(json_to_text(json_member(ack, "boot"), &boot,
					 &fault),
			    ERR_OK);
	upto = id_at(ack, "upto", 0);
	world->acks++;
	world->is_heard[device] = false;
	for (size_t i = 0; i < world->pending_count; i++) {
		struct pending *pending = &world->pending[i];
		char name[16] = "";

		if (pending->boot > 0)
			snprintf(name, sizeof(name), "b%u", pending->boot);
		if (pending->device == device && span_is(boot, name) &&
		    (pending->seq <= id_at(ack, "high", upto) ||
		     is_excepted(ack, pending->seq)))
			pending->is_answered = true;
	}
}

/* ---- running ---- */

static void world_commit(struct world *world)
{
	struct warehouse *w = &world->warehouse;
	struct pos head;
	struct err err;

	if (world->batch == NULL)
		return;
	head.value = batch_next(world->batch).value - 1;
	assert_done(batch_commit(world->batch, &err), &err);
	world->batch = NULL;
	world->batch_size = 0;
	answers_render(w->answers, head, ack_check, world);
	answers_reset(w->answers);
	for (size_t i = 0; i < world->pending_count; i++)
		if (!world->pending[i].is_answered)
			fail_msg("no answer to %s number %llu",
				 feed_devices[world->pending[i].device],
				 (unsigned long long)world->pending[i].seq);
	for (size_t i = 0; i < FEED_DEVICES; i++)
		assert_false(world->is_heard[i]);
	world->pending_count = 0;
}

static void message_note(struct world *world, const struct fed *fed)
{
	const char *seq = strstr(fed->text, "\"seq\":");
	const char *boot = strstr(fed->text, "\"boot\":\"b");
	const char *slash = strchr(fed->topic, '/');
	struct pending *pending = &world->pending[world->pending_count];
	size_t device = device_of(span_of(slash + 1));

	world->is_heard[device] = true;
	/* An unknown device's number is not read. */
	if (!fed->is_named || device >= FEED_KNOWN_DEVICES)
		return;
	*pending = (struct pending){
		.device = device,
		.boot = boot == NULL ? 0
				     : (unsigned)strtoull(boot + 9, NULL, 10),
		.seq = strtoull(seq + 6, NULL, 10)};
	world->pending_count++;
}

static struct event event_of(const struct fed *fed, char *topic, size_t size)
{
	struct event event = {
		.kind = EVENT_TICK, .at = {fed->at_ms}, .clock_trusted = true};

	if (fed->kind != FED_MESSAGE)
		return event;
	snprintf(topic, size, "depot/v1/acme/hz-01/%s", fed->topic);
	event.kind = EVENT_MESSAGE;
	event.body.message.topic = span_of(topic);
	event.body.message.payload = span_of(fed->text);
	event.body.message.packet_id = fed->packet_id;
	return event;
}

static uint64_t unbooked(const struct engine_counters *counters)
{
	return counters->refused + counters->parked + counters->duplicates +
	       counters->seq_reused;
}

/* Gives the event to the engine, within the open batch. */
static void event_take(struct world *world, const struct fed *fed,
		       struct event *event)
{
	struct warehouse *w = &world->warehouse;
	struct engine_counters before = *engine_counters(w->engine);
	const struct engine_counters *after = engine_counters(w->engine);
	struct err err = {.text = ""};
	enum err_code code;

	(void)now(world);
	code = engine_step(w->engine, world->batch, event, w->answers, &err);
	if (code != ERR_OK)
		fail_msg("event %zu, %s %s: %s: %s", world->log_count,
			 fed->topic, fed->text, err_code_name(code), err.text);
	if (fed->kind == FED_MESSAGE && unbooked(after) > unbooked(&before) &&
	    after->movements != before.movements)
		fail_msg("event %zu, %s %s: not booked, and moved",
			 world->log_count, fed->topic, fed->text);
	world->booked += after->booked - before.booked;
	world->batch_size++;
}

/* A command or a tick runs in a batch of its own. */
static void alone_take(struct world *world, const struct fed *fed)
{
	struct warehouse *w = &world->warehouse;
	char topic[80];
	struct event event = event_of(fed, topic, sizeof(topic));
	struct json_out out;

	world_commit(world);
	if (fed->kind == FED_COMMAND) {
		out_init(&out, w->reply, sizeof(w->reply) - 1);
		event.kind = EVENT_COMMAND;
		event.body.command =
			(struct command){.name = span_of(fed->topic),
					 .arguments = span_of(fed->text),
					 .reply = &out};
		assert_true(name_set(&event.body.command.account,
				     SPAN_LITERAL("boss")));
	}
	event_take(world, fed, &event);
	if (engine_wrote(w->engine)) {
		/* A tick may speak to devices, and owes nothing. */
		world_commit(world);
	} else {
		batch_abandon(world->batch);
		world->batch = NULL;
		world->batch_size = 0;
		answers_reset(w->answers);
	}
}

static void fed_take(struct world *world, const struct fed *fed)
{
	char topic[80];
	struct event event = event_of(fed, topic, sizeof(topic));

	if (fed->kind != FED_MESSAGE) {
		alone_take(world, fed);
		return;
	}
	message_note(world, fed);
	event_take(world, fed, &event);
	if (world->batch_size >= BATCH_MAX)
		world_commit(world);
}

static void fed_log(struct world *world, const struct fed *fed)
{
	if (world->log_count == world->log_room) {
		world->log_room = world->log_room * 2 + 1024;
		world->log = realloc(world->log,
				     world->log_room * sizeof(*world->log));
		assert_non_null(world->log);
	}
	world->log[world->log_count++] = *fed;
}

/* ---- a simple operation, cell by cell ---- */

struct simple {
	const char *op;
	const char *from; /* bin, or NULL: from outside */
	const char *to;
	enum condition from_condition;
	enum condition to_condition;
	int64_t units;
};

static int64_t soap_units(struct world *world, const char *bin,
			  enum condition condition)
{
	const struct view *view = now(world);
	struct place place = place_bin(span_of(bin));
	struct place_no number;
	struct item_no item;
	struct balance balance;
	struct err err;
	enum err_code code;

	assert_done(item_find(view, SPAN_LITERAL("SOAP"), &item, &err), &err);
	code = place_find(view, &place, &number, &err);
	if (code == ERR_OK)
		code = balance_get(view, item, number, &balance, &err);
	if (code == ERR_NOT_FOUND)
		return 0;
	assert_done(code, &err);
	return balance_condition(&balance, condition).units;
}

static int64_t soap_on_hand(struct world *world)
{
	const struct view *view = now(world);
	struct item_no item;
	struct tally tally;
	struct pos pos;
	struct err err;

	assert_done(item_find(view, SPAN_LITERAL("SOAP"), &item, &err), &err);
	assert_done(balance_tally(view, item, &tally, &pos, &err), &err);
	return tally.on_hand.units;
}

/* What the operation needs beside its code; two different bins. */
static void simple_make(struct feed *feed, struct simple *simple,
			struct fed *fed)
{
	static const char *const bins[] = {"DOCK", "A-01", "A-02", "A-03"};
	static const char *const ops[] = {
		"receive",      "putaway",     "move", "pick",
		"return",       "scrap",       "hold", "release",
		"transfer_out", "transfer_in", "count"};
	enum condition said =
		(enum condition)(CONDITION_GOOD + (int)feed_below(feed, 4));
	size_t bin = feed_below(feed, ARRAY_LEN(bins));
	size_t other = (bin + 1 + feed_below(feed, 3)) % ARRAY_LEN(bins);
	const char *op = FEED_PICK(feed, ops);

	*simple = (struct simple){.op = op,
				  .from = bins[bin],
				  .from_condition = said,
				  .to_condition = said,
				  .units = (int64_t)feed_below(feed, 9) + 1};
	if (strcmp(op, "receive") == 0 || strcmp(op, "return") == 0 ||
	    strcmp(op, "transfer_in") == 0) {
		simple->from = NULL;
		simple->to = bins[bin];
	} else if (strcmp(op, "putaway") == 0 || strcmp(op, "move") == 0) {
		simple->to = bins[other];
	} else if (strcmp(op, "pick") == 0) {
		simple->to = BIN_PICKED;
		simple->from_condition = CONDITION_GOOD;
		simple->to_condition = CONDITION_GOOD;
	} else if (strcmp(op, "hold") == 0 || strcmp(op, "release") == 0) {
		simple->to = bins[bin];
	}
	if (strcmp(op, "return") == 0)
		simple->to_condition = CONDITION_QUARANTINE;
	if (strcmp(op, "hold") == 0) {
		if (said == CONDITION_GOOD)
			simple->to_condition = CONDITION_ON_HOLD;
		simple->from_condition = CONDITION_GOOD;
	}
	if (strcmp(op, "release") == 0) {
		if (said == CONDITION_GOOD)
			simple->from_condition = CONDITION_ON_HOLD;
		simple->to_condition = CONDITION_GOOD;
	}
	feed_clock(feed);
	*fed = (struct fed){.at_ms = feed->now_ms,
			    .packet_id = ++feed->packet_id};
	snprintf(fed->topic, sizeof(fed->topic), "scan/%s", feed_devices[0]);
	snprintf(fed->text, sizeof(fed->text), "{\"v\":1");
	feed_name_new(feed, 0, fed);
	feed_add(fed->text, sizeof(fed->text),
		 ",\"op\":\"%s\",\"code\":\"SOAP\",\"qty\":%lld,"
		 "\"bin\":\"%s\",\"condition\":\"%s\",\"ref\":\"%s\","
		 "\"reason\":\"r\"",
		 op, (long long)simple->units, bins[bin],
		 condition_name(strcmp(op, "hold") == 0
					? simple->to_condition
					: simple->from_condition),
		 feed_one_in(feed, 2) ? "O-1" : "T-1");
	if (simple->to == bins[other])
		feed_add(fed->text, sizeof(fed->text), ",\"to\":\"%s\"",
			 simple->to);
	feed_add(fed->text, sizeof(fed->text), "}");
}

static int64_t more(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Method: the two cells and the site's sum before and after, against what the
 * operation says of itself; beyond the book means from `found`. */
static void simple_step(struct world *world)
{
	struct simple simple;
	struct fed fed;
	int64_t from = 0;
	int64_t to = 0;
	int64_t all = soap_on_hand(world);
	int64_t taken;
	int64_t left;

	simple_make(&world->feed, &simple, &fed);
	if (simple.from != NULL)
		from = soap_units(world, simple.from, simple.from_condition);
	if (simple.to != NULL)
		to = soap_units(world, simple.to, simple.to_condition);
	fed_log(world, &fed);
	fed_take(world, &fed);
	world->simple++;
	left = simple.from == NULL
		       ? 0
		       : soap_units(world, simple.from, simple.from_condition);
	if (strcmp(simple.op, "count") == 0) {
		if (left != from) /* accepted; else a recount was asked for */
			assert_int_equal(left, simple.units);
		assert_int_equal(soap_on_hand(world), all + left - from);
		return;
	}
	if (simple.from != NULL && left != more(0, from - simple.units))
		fail_msg("%s: from %lld to %lld", fed.text, (long long)from,
			 (long long)left);
	taken = from - left;
	if (simple.to != NULL &&
	    soap_units(world, simple.to, simple.to_condition) !=
		    to + simple.units)
		fail_msg("%s: to was %lld", fed.text, (long long)to);
	if (simple.to != NULL)
		taken -= simple.units;
	assert_int_equal(soap_on_hand(world), all - taken);
}

/* ---- undo ---- */

/* Takes back what the first device has just booked; the stock is as before. */
static void undo_step(struct world *world, uint64_t print,
		      const struct fed *undoes)
{
	uint64_t booked = world->booked;
	struct feed *feed = &world->feed;
	struct fed fed = {.at_ms = ++feed->now_ms,
			  .packet_id = ++feed->packet_id};

	snprintf(fed.topic, sizeof(fed.topic), "scan/%s", feed_devices[0]);
	snprintf(fed.text, sizeof(fed.text), "{\"v\":1");
	if (feed_one_in(feed, 2))
		feed_name_new(feed, 0, &fed);
	feed_add(fed.text, sizeof(fed.text), ",\"op\":\"undo\"}");
	fed_log(world, &fed);
	fed_take(world, &fed);
	if (world->booked != booked + 1 || stock_print(now(world)) != print)
		fail_msg("event %zu: undo of %s %s", world->log_count,
			 undoes->topic, undoes->text);
	world->undone++;
}

static void free_step(struct world *world)
{
	struct engine *engine = world->warehouse.engine;
	struct fed fed = feed_next(&world->feed);
	uint64_t print = stock_print(now(world));
	uint64_t movements = engine_counters(engine)->movements;

	fed_log(world, &fed);
	fed_take(world, &fed);
	if (strcmp(fed.topic, "scan/dock-1") == 0 &&
	    strstr(fed.text, "undo") == NULL &&
	    strstr(fed.text, "UNDO") == NULL &&
	    engine_counters(engine)->movements > movements &&
	    feed_one_in(&world->feed, 4))
		undo_step(world, print, &fed);
}

/* ---- the tests ---- */

static void world_run(struct world *world)
{
	for (size_t i = 1; i <= STEPS; i++) {
		if (feed_one_in(&world->feed, 8))
			simple_step(world);
		else
			free_step(world);
		if (feed_one_in(&world->feed, 30))
			world_commit(world);
		if (i % AUDIT_EVERY == 0) {
			world_commit(world);
			assert_clean(&world->warehouse);
		}
		if (i % RESTART_EVERY == 0) {
			world_commit(world);
			warehouse_close(&world->warehouse);
			world_open(world);
		}
	}
	world_commit(world);
}

/* Every named reading once more: nothing moves. */
static void names_again(struct world *world)
{
	uint64_t print = stock_print(now(world));
	size_t again = 0;

	for (size_t i = 0; i < world->log_count; i++) {
		if (!world->log[i].is_named)
			continue;
		fed_take(world, &world->log[i]);
		again++;
	}
	if (stock_print(now(world)) != print)
		fail_msg("%zu readings again, and stock moved", again);
	world_commit(world);
	assert_clean(&world->warehouse);
	assert_true(again > STEPS / 4);
}

/* A fresh store, other batches, no restarts, every named reading twice. */
static void events_again(const struct world *world, struct world *fresh)
{
	struct dump first;
	struct dump second;

	for (size_t i = 0; i < world->log_count; i++) {
		fed_take(fresh, &world->log[i]);
		if (world->log[i].is_named)
			fed_take(fresh, &world->log[i]);
	}
	world_commit(fresh);
	assert_clean(&fresh->warehouse);
	first = dump_env(ledger_env(world->warehouse.ledger));
	second = dump_env(ledger_env(fresh->warehouse.ledger));
	assert_int_equal(first.rows, second.rows);
	assert_int_equal(first.size, second.size);
	assert_memory_equal(first.bytes, second.bytes, first.size);
	free(first.bytes);
	free(second.bytes);
}

static void world_drop(struct world *world)
{
	struct warehouse *w = malloc(sizeof(*w));
	void *state = w;

	assert_non_null(w);
	*w = world->warehouse;
	free(world->log);
	free(world->payload);
	free(world);
	(void)warehouse_teardown(&state);
}

static void a_bad_day_is_booked_answered_and_repeatable(void **state)
{
	uint64_t seed = test_seed(20261122);
	struct world *world = world_make(seed);
	struct world *fresh = world_make(seed);

	(void)state;
	world_run(world);
	events_again(world, fresh);
	world_drop(fresh);
	names_again(world);
	print_message(
		"%zu events, %zu booked, %zu acks, %zu simple, "
		"%zu undone, %llu movements\n",
		world->log_count, world->booked, world->acks, world->simple,
		world->undone,
		(unsigned long long)engine_counters(world->warehouse.engine)
			->movements);
	assert_true(world->booked > STEPS / 4);
	assert_true(world->acks > STEPS / BATCH_MAX);
	assert_true(world->simple > STEPS / 16);
	assert_true(world->undone > STEPS / 200);
	world_drop(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_day_is_booked_answered_and_repeatable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
