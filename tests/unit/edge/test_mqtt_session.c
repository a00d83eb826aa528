/*
 * The client's life without a network: when it connects, holds, gives up and
 * ends, on a clock that the test moves and a broker that is a list of asks.
 */
#include "tests/support/scratch.h"

#include "gateway/edge/mqtt_session.h"

struct bed {
	struct scratch scratch;
	struct session session;
	struct inbox inbox;
	struct flights flights;
	struct mqtt_handlers handlers;
	struct ring *ring;
	struct wake wake;
	struct clock clock;
	int64_t now_ms;

	/* What the session asked for. */
	unsigned connects;
	unsigned subscribes;
	unsigned disconnects;
	unsigned cuts;
	unsigned throttles;
	unsigned tree_subscribes;
	unsigned tree_unsubscribes;
	uint64_t mark;
	uint32_t timer_ms; /* 0: off */
	int64_t timer_due_ms;
	bool is_repeating;
	bool is_valve_closed;
	bool has_valve;
	bool can_connect;

	/* What it told. */
	enum mqtt_state state;
	unsigned changes;
	uint32_t retry_ms;
	unsigned rooms;
	unsigned trees;
	bool is_whole;
};

static bool ask_connect(void *context)
{
	struct bed *bed = context;

	bed->connects++;
	return bed->can_connect;
}

static void ask_subscribe(void *context)
{
	((struct bed *)context)->subscribes++;
}

static void ask_disconnect(void *context)
{
	((struct bed *)context)->disconnects++;
}

static void ask_cut(void *context)
{
	((struct bed *)context)->cuts++;
}

static bool ask_throttle(void *context)
{
	struct bed *bed = context;

	bed->throttles++;
	bed->is_valve_closed = bed->has_valve;
	return bed->has_valve;
}

static void ask_unthrottle(void *context)
{
	((struct bed *)context)->is_valve_closed = false;
}

static void ask_tree_subscribe(void *context)
{
	((struct bed *)context)->tree_subscribes++;
}

static void ask_tree_unsubscribe(void *context)
{
	((struct bed *)context)->tree_unsubscribes++;
}

static void ask_tree_mark(void *context, uint64_t number)
{
	((struct bed *)context)->mark = number;
}

static void tell_reason(void *context, char *buffer, size_t size)
{
	(void)context;
	assert_true(text_format(buffer, size, "because"));
}

static void timer_set(void *context, uint32_t ms)
{
	struct bed *bed = context;

	assert_true(ms > 0);
	bed->timer_ms = ms;
	bed->timer_due_ms = bed->now_ms + ms;
	bed->is_repeating = false;
}

static void timer_repeat(void *context, uint32_t ms)
{
	timer_set(context, ms);
	((struct bed *)context)->is_repeating = true;
}

static void timer_off(void *context)
{
	((struct bed *)context)->timer_ms = 0;
}

static const struct session_port port = {
	.connect = ask_connect,
	.subscribe = ask_subscribe,
	.disconnect = ask_disconnect,
	.cut = ask_cut,
	.throttle = ask_throttle,
	.unthrottle = ask_unthrottle,
	.tree_subscribe = ask_tree_subscribe,
	.tree_mark = ask_tree_mark,
	.tree_unsubscribe = ask_tree_unsubscribe,
	.reason = tell_reason,
	.timer_once = timer_set,
	.timer_every = timer_repeat,
	.timer_off = timer_off,
};

static void on_changed(void *context, const struct mqtt_change *change)
{
	struct bed *bed = context;

	bed->state = change->state;
	bed->retry_ms = change->retry_ms;
	bed->changes++;
}

static void on_room(void *context)
{
	((struct bed *)context)->rooms++;
}

static void on_tree_read(void *context, bool is_whole)
{
	struct bed *bed = context;

	bed->trees++;
	bed->is_whole = is_whole;
}

static int64_t fake_ms(void *context)
{
	return ((const struct bed *)context)->now_ms;
}

static int64_t fake_ns(void *context)
{
	return fake_ms(context) * 1000000;
}

static bool fake_synchronised(void *context)
{
	(void)context;
	return true;
}

static const struct clock_port fake_clock = {
	.wall_ms = fake_ms,
	.monotonic_ns = fake_ns,
	.boot_ns = fake_ns,
	.is_synchronised = fake_synchronised,
};

static void bed_reset(struct bed *bed)
{
	static char filter[] = "in/+";

	ring_release_upto(bed->ring, UINT64_MAX);
	bed->session = (struct session){.port = &port,
					.owner = bed,
					.handlers = &bed->handlers,
					.inbox = &bed->inbox,
					.flights = &bed->flights};
	bed->inbox = (struct inbox){.ring = bed->ring, .clock = &bed->clock};
	bed->inbox.inputs.texts[bed->inbox.inputs.count++] = filter;
	bed->inbox.tree.texts[bed->inbox.tree.count++] = filter;
	bed->flights = (struct flights){.bounds = {10, 10}};
	bed->timer_ms = 0;
	bed->has_valve = true;
	bed->can_connect = true;
	session_init(&bed->session, 1);
}

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct ring_config config = {.slot_count = 16};
	struct ring_report report;
	char path[SCRATCH_PATH_SIZE];
	struct err err;

	assert_non_null(bed);
	scratch_make(&bed->scratch);
	config.path = scratch_path(&bed->scratch, "ring", path);
	config.wake = &bed->wake;
	assert_done(wake_init(&bed->wake, &err), &err);
	assert_done(ring_open(&config, &bed->ring, &report, &err), &err);
	bed->now_ms = 1700000000000;
	clock_init(&bed->clock, &fake_clock, bed);
	bed->handlers = (struct mqtt_handlers){.changed = on_changed,
					       .room = on_room,
					       .tree_read = on_tree_read,
					       .context = bed};
	bed_reset(bed);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	ring_close(bed->ring);
	wake_release(&bed->wake);
	scratch_remove(&bed->scratch);
	free(bed);
	return 0;
}

static void event(struct bed *bed, enum session_event event)
{
	session_events(&bed->session, (uint32_t)event);
}

static void timer_beat(struct bed *bed)
{
	bed->now_ms = bed->timer_due_ms;
	if (bed->is_repeating)
		bed->timer_due_ms += bed->timer_ms;
	else
		bed->timer_ms = 0;
	session_timer(&bed->session);
}

/* Lets @ms pass, with the timer's beats in it. */
static void pass(struct bed *bed, int64_t ms)
{
	int64_t end = bed->now_ms + ms;

	while (bed->timer_ms > 0 && bed->timer_due_ms <= end)
		timer_beat(bed);
	bed->now_ms = end;
}

static void up(struct bed *bed)
{
	if (bed->session.phase == PHASE_IDLE)
		session_start(&bed->session);
	while (bed->session.phase == PHASE_DOWN)
		pass(bed, bed->timer_ms);
	event(bed, EVENT_CONNECTED);
	event(bed, EVENT_SUBSCRIBED);
	assert_int_equal(bed->state, MQTT_UP);
}

static void ring_fill_to(struct bed *bed, uint32_t fill)
{
	struct ring_message message = {.qos = 1};

	while (ring_fill(bed->ring) < fill)
		assert_code(ring_push(bed->ring, &message), ERR_OK);
}

static void pauses_grow_until_a_connection_has_been_steady(void **state)
{
	struct bed *bed = *state;
	uint32_t last = 0;

	session_start(&bed->session);
	for (int i = 0; i < 8; i++) {
		event(bed, EVENT_FAILED);
		assert_int_equal(bed->state, MQTT_DOWN);
		assert_int_equal(bed->timer_ms, bed->retry_ms);
		last = bed->retry_ms;
		pass(bed, bed->retry_ms);
		assert_int_equal(bed->state, MQTT_CONNECTING);
	}
	assert_true(last >= 15000);
	assert_int_equal(bed->connects, 9);

	/* Two clients of one name throw each other out: no fresh start. */
	up(bed);
	pass(bed, 5000);
	event(bed, EVENT_LOST);
	assert_true(bed->retry_ms >= 15000);
	up(bed);
	pass(bed, 11000);
	event(bed, EVENT_LOST);
	assert_in_range(bed->retry_ms, 500, 1000);
}

static void a_connect_that_cannot_be_asked_for_is_a_failure(void **state)
{
	struct bed *bed = *state;

	bed->can_connect = false;
	session_start(&bed->session);
	assert_int_equal(bed->state, MQTT_DOWN);
	bed->can_connect = true;
	up(bed);
}

static void a_connect_without_an_answer_is_cut(void **state)
{
	struct bed *bed = *state;

	session_start(&bed->session);
	pass(bed, 19999);
	assert_int_equal(bed->cuts, 0);
	pass(bed, 1);
	assert_int_equal(bed->cuts, 1);
	event(bed, EVENT_FAILED);
	assert_int_equal(bed->state, MQTT_DOWN);
}

static void a_subscription_without_an_answer_is_cut(void **state)
{
	struct bed *bed = *state;

	session_start(&bed->session);
	event(bed, EVENT_CONNECTED);
	assert_int_equal(bed->subscribes, 1);
	assert_int_equal(bed->tree_unsubscribes, 1);
	pass(bed, 9999);
	assert_int_equal(bed->cuts, 0);
	pass(bed, 1);
	assert_int_equal(bed->cuts, 1);
	event(bed, EVENT_LOST);
	assert_int_equal(bed->state, MQTT_DOWN);
}

static void
publishes_without_an_answer_are_cut_after_half_a_minute(void **state)
{
	struct bed *bed = *state;

	up(bed);
	pass(bed, 100000); /* nothing in flight: nothing to wait for */
	assert_int_equal(bed->cuts, 0);
	assert_true(flight_begin(&bed->flights, FLIGHT_PLAIN));
	assert_true(flight_begin(&bed->flights, FLIGHT_PLAIN));
	pass(bed, 25000);
	(void)flight_end(&bed->flights);
	pass(bed, 29000);
	assert_int_equal(bed->cuts, 0);
	pass(bed, 3000);
	assert_true(bed->cuts > 0);
}

static void
a_high_ring_is_throttled_first_and_held_when_that_is_long(void **state)
{
	struct bed *bed = *state;

	up(bed);
	ring_fill_to(bed, 12);
	event(bed, EVENT_HIGH);
	assert_true(bed->is_valve_closed);
	pass(bed, 900);
	assert_int_equal(bed->state, MQTT_UP);
	ring_release_upto(bed->ring, UINT64_MAX);
	pass(bed, 5);
	assert_false(bed->is_valve_closed);
	assert_int_equal(bed->timer_ms, 1000); /* back to supervising */

	ring_fill_to(bed, 12);
	event(bed, EVENT_HIGH);
	pass(bed, 1000);
	assert_int_equal(bed->state, MQTT_HELD);
	assert_int_equal(bed->disconnects, 1);
	event(bed, EVENT_CLOSED);
	pass(bed, 100000);
	assert_int_equal(bed->connects, 1); /* still high */
	ring_release_upto(bed->ring, UINT64_MAX);
	pass(bed, 5);
	assert_int_equal(bed->connects, 2);
	assert_int_equal(bed->state, MQTT_CONNECTING);
}

static void a_ring_that_was_full_is_held_at_once(void **state)
{
	struct bed *bed = *state;

	up(bed);
	event(bed, EVENT_HIGH);
	event(bed, EVENT_FULL);
	assert_int_equal(bed->state, MQTT_HELD);
	event(bed, EVENT_LOST);
	assert_int_equal(bed->state, MQTT_HELD);
	pass(bed, 5);
	assert_int_equal(bed->state, MQTT_CONNECTING);
	/* And where there is no valve. */
	bed_reset(bed);
	bed->has_valve = false;
	up(bed);
	ring_fill_to(bed, 12);
	event(bed, EVENT_HIGH);
	assert_int_equal(bed->state, MQTT_HELD);
}

static void a_disconnect_that_gets_stuck_is_cut(void **state)
{
	struct bed *bed = *state;

	up(bed);
	event(bed, EVENT_FULL);
	assert_int_equal(bed->disconnects, 1);
	pass(bed, 1000);
	assert_int_equal(bed->cuts, 1);
}

static void the_tree_is_read_once_at_a_time_and_always_ends(void **state)
{
	struct bed *bed = *state;

	assert_code(session_tree_read(&bed->session), ERR_AGAIN);
	up(bed);
	assert_code(session_tree_read(&bed->session), ERR_OK);
	assert_code(session_tree_read(&bed->session), ERR_AGAIN);
	event(bed, EVENT_TREE);
	assert_true(bed->mark != 0);
	assert_true(bed->mark == atomic_load(&bed->inbox.reading));
	event(bed, EVENT_MARKER);
	assert_int_equal(bed->trees, 1);
	assert_true(bed->is_whole);
	assert_int_equal(bed->tree_unsubscribes, 2);

	assert_code(session_tree_read(&bed->session), ERR_OK);
	inbox_count(&bed->inbox, MQTT_COUNT_HEARD_DROPPED);
	event(bed, EVENT_MARKER);
	assert_int_equal(bed->trees, 2);
	assert_false(bed->is_whole);

	assert_code(session_tree_read(&bed->session), ERR_OK);
	pass(bed, 31000);
	assert_int_equal(bed->trees, 3);
	assert_false(bed->is_whole);

	assert_code(session_tree_read(&bed->session), ERR_OK);
	event(bed, EVENT_TREE_REFUSED);
	assert_int_equal(bed->trees, 4);

	assert_code(session_tree_read(&bed->session), ERR_OK);
	event(bed, EVENT_LOST);
	assert_int_equal(bed->trees, 5);
	assert_false(bed->is_whole);
}

static void stopping_waits_for_what_is_in_flight_but_not_for_ever(void **state)
{
	struct bed *bed = *state;

	up(bed);
	flight_begin_anyway(&bed->flights);
	session_stop(&bed->session, 500);
	assert_int_equal(session_state(&bed->session), MQTT_STOPPING);
	assert_int_equal(bed->disconnects, 0);
	assert_true(flight_end(&bed->flights));
	event(bed, EVENT_ROOM);
	assert_int_equal(bed->disconnects, 1);
	event(bed, EVENT_CLOSED);
	assert_int_equal(bed->state, MQTT_STOPPED);
	assert_int_equal(bed->cuts, 0);

	bed_reset(bed);
	up(bed);
	flight_begin_anyway(&bed->flights);
	session_stop(&bed->session, 500);
	pass(bed, 500);
	assert_int_equal(bed->state, MQTT_STOPPED);
	assert_int_equal(bed->cuts, 1);
	pass(bed, 100000);
	assert_int_equal(bed->timer_ms, 0);
}

/* One random thing that can happen. */
static void anything(struct bed *bed, uint64_t *seed)
{
	uint64_t choice = test_random(seed) % 32;

	if (choice < 12)
		event(bed, (enum session_event)(1u << choice));
	else if (choice < 20)
		pass(bed, (int64_t)(test_random(seed) % 2000));
	else if (choice < 22)
		ring_fill_to(bed, (uint32_t)(test_random(seed) % 17));
	else if (choice < 24)
		ring_release_upto(bed->ring, UINT64_MAX);
	else if (choice < 26)
		(void)flight_begin(&bed->flights, FLIGHT_PLAIN);
	else if (choice < 28 && flights_left(&bed->flights) > 0)
		(void)flight_end(&bed->flights);
	else if (choice < 29)
		(void)!session_tree_read(&bed->session);
	else if (bed->session.phase == PHASE_CONNECTING)
		event(bed, EVENT_CONNECTED);
	else if (bed->session.phase == PHASE_SUBSCRIBING)
		event(bed, EVENT_SUBSCRIBED);
}

/* Where a life must not stand still: time alone moves it on, or an answer
 * that is still due. */
static void life_goes_on(const struct bed *bed)
{
	switch (bed->session.phase) {
	case PHASE_IDLE:
	case PHASE_STOPPED:
		assert_int_equal(bed->timer_ms, 0);
		break;
	case PHASE_DOWN:
	case PHASE_CONNECTING:
	case PHASE_SUBSCRIBING:
	case PHASE_UP:
	case PHASE_HOLDING:
	case PHASE_HELD:
	case PHASE_FLUSHING:
	case PHASE_CLOSING:
		assert_true(bed->timer_ms > 0);
		break;
	}
	if (bed->session.is_throttled)
		assert_true(bed->is_valve_closed);
}

/*
 * Method: 300 lives of 300 random steps, in any order, sensible or not; after
 * each the machine has a timer or an answer to wait for, what was told is what
 * is, and at the end of each life stopping stops it, after which nothing is
 * asked for any more.
 */
static void
in_any_order_of_events_it_never_stands_still_and_always_stops(void **state)
{
	struct bed *bed = *state;
	uint64_t seed = test_seed(5);
	unsigned ups = 0;

	for (unsigned life = 0; life < 300; life++) {
		unsigned asked;

		bed_reset(bed);
		session_start(&bed->session);
		for (unsigned i = 0; i < 300; i++) {
			anything(bed, &seed);
			life_goes_on(bed);
			assert_int_equal(bed->state,
					 session_state(&bed->session));
			ups += bed->state == MQTT_UP;
		}
		session_stop(&bed->session, 100);
		pass(bed, 100);
		assert_int_equal(bed->state, MQTT_STOPPED);
		asked = bed->connects + bed->subscribes + bed->cuts;
		for (unsigned i = 0; i < 50; i++)
			anything(bed, &seed);
		assert_int_equal(bed->state, MQTT_STOPPED);
		assert_int_equal(bed->connects + bed->subscribes + bed->cuts,
				 asked);
	}
	printf("steps that were up: %u\n", ups);
	assert_true(ups > 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pauses_grow_until_a_connection_has_been_steady),
		TEST(a_connect_that_cannot_be_asked_for_is_a_failure),
		TEST(a_connect_without_an_answer_is_cut),
		TEST(a_subscription_without_an_answer_is_cut),
		TEST(publishes_without_an_answer_are_cut_after_half_a_minute),
		TEST(a_high_ring_is_throttled_first_and_held_when_that_is_long),
		TEST(a_ring_that_was_full_is_held_at_once),
		TEST(a_disconnect_that_gets_stuck_is_cut),
		TEST(the_tree_is_read_once_at_a_time_and_always_ends),
		TEST(stopping_waits_for_what_is_in_flight_but_not_for_ever),
		TEST(in_any_order_of_events_it_never_stands_still_and_always_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
