/*
 * Two sites, each with depotd's side of the socket and a link of its own, and
 * one real mosquitto between them: what one publishes the other hears, whole,
 * in order, and no more than there is room for.
 */
#include "gateway/edge/link_client.h"
#include "tests/support/broker.h"
#include "tests/support/mqtt_raw.h"
#include "tests/unit/edge/link_bed.h"

struct site {
	struct link_bed bed;
	struct link_client *client;
};

static struct broker broker;
static struct site a;
static struct site b;
static struct raw_stream peer; /* large: not for the stack */
static char uri[64];
static char frame[LINK_PAYLOAD_SIZE_MAX];

static void client_open(struct site *site, const char *name)
{
	struct link_client_config config = {
		.socket = site->bed.path,
		.org = "org",
		.site = name,
		.name = "hq",
		.uri = uri,
		.keepalive_s = 30,
		.seed = 1,
		.loop = site->bed.loop,
		.clock = &site->bed.clock,
	};

	assert_done(link_client_open(&config, &site->client, &site->bed.err),
		    &site->bed.err);
	link_client_start(site->client);
}

static void step(void)
{
	assert_done(loop_step(a.bed.loop, 5, &a.bed.err), &a.bed.err);
	assert_done(loop_step(b.bed.loop, 5, &b.bed.err), &b.bed.err);
}

#define UNTIL(condition) LINK_UNTIL(step(), condition)

static bool setup(const char *more)
{
	if (!broker_start(&broker, more))
		return false;
	assert_true(text_format(uri, sizeof(uri), "tcp://127.0.0.1:%u",
				broker.port));
	link_bed_make(&a.bed);
	link_bed_make(&b.bed);
	client_open(&a, "a");
	client_open(&b, "b");
	UNTIL(a.bed.ups == 1 && b.bed.ups == 1);
	return true;
}

#define SETUP(more)                                         \
	do {                                                \
		(void)state;                                \
		if (!setup(more))                           \
			skip_because("no " BROKER_PROGRAM); \
	} while (0)

static int teardown(void **state)
{
	(void)state;
	link_client_close(a.client);
	link_client_close(b.client);
	a.client = b.client = NULL;
	link_bed_end(&a.bed);
	link_bed_end(&b.bed);
	broker_stop(&broker);
	return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

/* Publishes when there is room. */
static void publish(struct site *from, const char *topic, struct span payload)
{
	UNTIL(link_bed_publish(from->bed.link, topic, payload, false) ==
	      ERR_OK);
}

static void the_longest_frame_arrives_whole_at_the_site_it_is_for(void **state)
{
	uint64_t seed = test_seed(1);

	SETUP("");
	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = (char)test_random(&seed);
	publish(&a, "rep/b/a/00000001", (struct span){frame, sizeof(frame)});
	publish(&a, "req/b/a", span_of("want"));
	UNTIL(b.bed.messages == 2);
	assert_string_equal(b.bed.topic, "req/b/a");
	publish(&b, "rep/a/b/00000002", (struct span){frame, sizeof(frame)});
	UNTIL(a.bed.messages == 1);
	assert_string_equal(a.bed.topic, "rep/a/b/00000002");
	assert_int_equal(a.bed.payload_size, sizeof(frame));
	assert_memory_equal(a.bed.payload, frame, sizeof(frame));
	assert_false(a.bed.is_retained);
	/* Both are counted when it is next told. */
	a.bed.later_ms += 10000;
	UNTIL(link_used_today(a.bed.link).out > sizeof(frame) &&
	      link_used_today(a.bed.link).in > sizeof(frame));
	assert_true(link_used_today(a.bed.link).out < 2 * sizeof(frame));
}

static void
a_site_does_not_hear_its_own_news_but_finds_its_own_head(void **state)
{
	SETUP("");
	publish(&a, "live/a", span_of("news"));
	UNTIL(link_bed_publish(a.bed.link, "head/a", span_of("at 7"), true) ==
	      ERR_OK);
	/* A's head comes back to it behind where its news would be. */
	UNTIL(a.bed.messages == 1 && b.bed.messages == 2);
	assert_string_equal(a.bed.topic, "head/a");
	/* A box that lost its memory finds it there. */
	link_client_close(a.client);
	UNTIL(a.bed.downs == 1);
	client_open(&a, "a");
	UNTIL(a.bed.messages == 2);
	assert_string_equal(a.bed.topic, "head/a");
	assert_true(a.bed.is_retained);
	assert_memory_equal(a.bed.payload, "at 7", 4);
}

static void number_look(struct link_bed *bed, struct link *link,
			const struct link_message *message)
{
	uint32_t number;

	(void)link;
	assert_int_equal(message->payload.size, 32768);
	memcpy(&number, message->payload.data, sizeof(number));
	assert_int_equal(number, bed->messages);
}

/* Method: 200 frames of 32 KiB, numbered, as fast as there is room. */
static void a_backlog_arrives_in_order_and_within_the_window(void **state)
{
	uint32_t sent = 0;

	SETUP("");
	b.bed.on_message = number_look;
	while (b.bed.messages < 200) {
		uint32_t next = sent + 1;

		memcpy(frame, &next, sizeof(next));
		if (sent < 200 &&
		    link_bed_publish(a.bed.link, "rep/b/a/00000001",
				     (struct span){frame, 32768},
				     false) == ERR_OK)
			sent = next;
		else
			step();
		assert_true(link_room(a.bed.link) <= LINK_WINDOW);
	}
	assert_true(a.bed.rooms > 0);
	UNTIL(link_room(a.bed.link) == LINK_WINDOW);
}

/* Method: the broker stands still, and so no PUBACK comes. */
static void
a_broker_that_stands_still_takes_one_window_and_no_more(void **state)
{
	uint64_t taken = 0;
	unsigned count = 0;

	SETUP("");
	broker_freeze(&broker);
	for (int i = 0; i < 400; i++) {
		struct link_message message = {
			.topic = SPAN_LITERAL("rep/b/a/00000001"),
			.payload = {frame, 32768},
			.qos = 1};

		if (link_server_publish(a.bed.link, &message) == ERR_OK) {
			taken += link_cost(&message);
			count++;
		}
		step();
	}
	assert_true(taken > LINK_WINDOW / 2 && taken <= LINK_WINDOW);
	broker_signal(&broker, SIGCONT);
	UNTIL(b.bed.messages == count && link_room(a.bed.link) == LINK_WINDOW);
}

/* Method: depotd's loop stands still while more comes than the socket and the
 * queue hold; then what had come is heard, and news are heard again. */
static void
a_depotd_that_stands_still_loses_at_most_what_it_asks_for_again(void **state)
{
	unsigned heard;

	SETUP("");
	for (unsigned sent = 0; sent < 400;) {
		if (link_bed_publish(a.bed.link, "rep/b/a/00000001",
				     (struct span){frame, 16384},
				     false) == ERR_OK)
			sent++;
		assert_done(loop_step(a.bed.loop, 5, &a.bed.err), &a.bed.err);
	}
	publish(&a, "req/b/a", span_of("still there?"));
	UNTIL(b.bed.messages >= LINK_HEARD_MAX);
	for (heard = 0; heard != b.bed.messages;) {
		heard = b.bed.messages;
		for (int i = 0; i < 20; i++)
			step();
	}
	printf("%u of 401 heard\n", heard);
	assert_true(heard < 401);
	publish(&a, "req/b/a", span_of("now"));
	UNTIL(b.bed.payload_size == 3);
}

/* The peer publishes with QoS 1 and waits until the broker has taken it. */
static void say(const char *topic, size_t size)
{
	struct raw_publish publish = {.topic = span_of(topic),
				      .payload = {frame, size},
				      .packet_id = 1,
				      .qos = 1};

	raw_publish_send(peer.fd, &publish);
	raw_client_acks(&peer, 1);
}

static void what_others_say_on_our_topics_passes_only_if_it_may(void **state)
{
	SETUP("");
	raw_client(&peer, broker.port, "stranger");
	say("depot/v1/org/sync/head/Bad!", 5);
	say("depot/v1/org/sync/head/hz-01", 257);
	say("depot/v1/org/sync/req/a/hz-01", 4097);
	say("depot/v1/org/sync/rep/a/hz-01/0000000g", 5);
	say("depot/v1/org/sync/req/other/hz-01", 5);
	say("depot/v1/other/sync/head/hz-01", 5);
	say("depot/v1/org/sync/head/hz-01", 5);
	UNTIL(a.bed.messages == 1 && b.bed.messages == 1);
	assert_string_equal(a.bed.topic, "head/hz-01");
	raw_close(&peer);
}

static void a_broker_that_goes_and_comes_is_told_of(void **state)
{
	SETUP("");
	broker_kill(&broker);
	UNTIL(a.bed.downs == 1 && b.bed.downs == 1);
	assert_true(a.bed.reason[0] != '\0');
	assert_code(link_bed_publish(a.bed.link, "head/a", span_of("x"), true),
		    ERR_AGAIN);
	broker_run(&broker);
	UNTIL(a.bed.ups == 2 && b.bed.ups == 2);
	publish(&a, "req/b/a", span_of("again"));
	UNTIL(b.bed.messages == 1);
}

/* Method: the clock stands before the beat that would tell it. */
static void
what_was_used_is_told_when_the_broker_goes_and_at_the_end(void **state)
{
	SETUP("");
	a.bed.later_ms = b.bed.later_ms = -2 * link_bed_now();
	publish(&a, "rep/b/a/00000001", (struct span){frame, sizeof(frame)});
	UNTIL(b.bed.messages == 1);
	assert_int_equal(b.bed.payload_size, sizeof(frame));
	assert_true(link_used_today(b.bed.link).in < sizeof(frame));
	link_client_close(b.client);
	b.client = NULL;
	UNTIL(b.bed.downs == 1);
	assert_true(link_used_today(b.bed.link).in >= sizeof(frame));
	assert_true(link_used_today(a.bed.link).out < sizeof(frame));
	broker_kill(&broker);
	UNTIL(a.bed.downs == 1 &&
	      link_used_today(a.bed.link).out >= sizeof(frame));
	assert_code(link_client_result(a.client), ERR_AGAIN);
}

static void
a_link_ends_when_depotd_hangs_up_and_does_not_start_without(void **state)
{
	struct link_client_config config = {
		.org = "org", .site = "c", .name = "hq", .uri = uri};
	struct link_client *none;
	struct loop *loop;
	struct err err;

	SETUP("");
	link_server_close(a.bed.server);
	a.bed.server = NULL;
	assert_done(loop_run(a.bed.loop, &a.bed.err), &a.bed.err);
	assert_code(link_client_result(a.client), ERR_STOPPED);
	assert_done(loop_open(&loop, &err), &err);
	config.loop = loop;
	config.clock = &a.bed.clock;
	config.socket = a.bed.path;
	assert_code(link_client_open(&config, &none, &err), ERR_NOT_FOUND);
	loop_close(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_longest_frame_arrives_whole_at_the_site_it_is_for),
		TEST(a_site_does_not_hear_its_own_news_but_finds_its_own_head),
		TEST(a_backlog_arrives_in_order_and_within_the_window),
		TEST(a_broker_that_stands_still_takes_one_window_and_no_more),
		TEST(a_depotd_that_stands_still_loses_at_most_what_it_asks_for_again),
		TEST(what_others_say_on_our_topics_passes_only_if_it_may),
		TEST(a_broker_that_goes_and_comes_is_told_of),
		TEST(what_was_used_is_told_when_the_broker_goes_and_at_the_end),
		TEST(a_link_ends_when_depotd_hangs_up_and_does_not_start_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
