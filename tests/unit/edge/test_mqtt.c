/*
 * The client against a real mosquitto: readings arrive once and whole, nothing
 * is lost or blocked when the broker dies, stalls or sends too much, and what
 * it says of us when we die is true.
 */
#include "tests/unit/edge/mqtt_real.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>

/* Starts this program again in another role: a fork alone would take along
 * Paho's state without its threads. */
static pid_t role_start(const char *role)
{
	char program[] = "/proc/self/exe";
	char name[16];
	char port[8];
	char *arguments[] = {program, name, port, NULL};
	pid_t pid;

	assert_true(text_format(name, sizeof(name), "%s", role));
	assert_true(text_format(port, sizeof(port), "%u", broker.port));
	(void)fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close_range(STDERR_FILENO + 1, ~0u, 0);
		(void)execv(program, arguments);
		_exit(127);
	}
	return pid;
}

static void a_message_on_an_input_topic_comes_into_the_ring(void **state)
{
	struct ring_slot slot;

	SETUP(64, "");
	bed_client(&bed);
	bed_until_up(&bed);
	assert_false(bed.has_session);
	raw_client(&peer, broker.port, "scanner");
	say(BED_SCAN, "{\"v\":1}", false);
	BED_UNTIL(&bed, ring_waiting(bed.ring) == 1);

	assert_true(ring_peek(bed.ring, 0, &slot));
	assert_span(slot.message.topic, BED_SCAN);
	assert_span(slot.message.payload, "{\"v\":1}");
	assert_int_equal(slot.message.qos, 1);
	assert_int_not_equal(slot.message.packet_id, 0);
	assert_false(slot.message.is_dup);
	assert_false(slot.is_cut);
	assert_true(slot.message.arrived.moment.ms > 0);
	BED_UNTIL(&bed, bed_count(&bed, MQTT_COUNT_PUSHED) == 1);
	raw_close(&peer);
}

/* Method: one retained before we connect, one retained while we listen (new,
 * and not retained to us), then a reconnect without a session. */
static void retained_messages_on_inputs_are_not_readings(void **state)
{

	SETUP(64, "");
	raw_client(&peer, broker.port, "scanner");
	say(BED_SCAN, "old", true);
	bed_client(&bed);
	bed_until_up(&bed);
	say(BED_SCAN, "new", true);
	BED_UNTIL(&bed, ring_waiting(bed.ring) == 1);
	assert_true(bed_take(&bed, "new"));
	say(BED_SCAN, "plain", false);
	BED_UNTIL(&bed, ring_waiting(bed.ring) == 1);
	assert_true(bed_take(&bed, "plain"));
	raw_close(&peer);
}

static void after_a_killed_broker_it_connects_and_subscribes_again(void **state)
{
	unsigned rounds = 0;

	SETUP(64, "");
	bed_client(&bed);
	for (; rounds < 2; rounds++) {
		bed_until_up(&bed);
		assert_false(bed.has_session); /* it died with the broker */
		raw_client(&peer, broker.port, "scanner");
		say(BED_SCAN, "scan", false);
		BED_UNTIL(&bed, ring_waiting(bed.ring) == 1);
		assert_true(bed_take(&bed, "scan"));
		raw_close(&peer);
		broker_kill(&broker);
		BED_UNTIL(&bed, mqtt_state(bed.mqtt) != MQTT_UP);
		broker_run(&broker);
	}
	assert_int_equal(rounds, 2);
	bed_until_up(&bed);
	assert_int_equal(bed_count(&bed, MQTT_COUNT_BROKEN), 2);
	assert_int_equal(bed_count(&bed, MQTT_COUNT_CONNECTED), 3);
}

static void the_broker_keeps_what_comes_while_the_client_is_away(void **state)
{

	SETUP(64, "");
	bed_client(&bed);
	bed_until_up(&bed);
	mqtt_close(bed.mqtt);
	bed.mqtt = NULL;
	raw_client(&peer, broker.port, "scanner");
	say(BED_SCAN, "while away", false);
	bed_client(&bed);
	bed_until_up(&bed);
	assert_true(bed.has_session);
	BED_UNTIL(&bed, ring_waiting(bed.ring) == 1);
	assert_true(bed_take(&bed, "while away"));
	raw_close(&peer);
}

#define FLOOD 6000

static unsigned char seen[FLOOD]; /* messages that came out of the ring */

/* One message of the flood: its number, padded to @size. */
static void flood_send(unsigned number, size_t size)
{
	static char payload[3000];
	struct raw_publish publish = {.topic = SPAN_LITERAL(BED_SCAN),
				      .packet_id = (uint16_t)(number + 1),
				      .payload = {payload, size},
				      .qos = 1};

	memset(payload, '\0', sizeof(payload));
	(void)snprintf(payload, sizeof(payload), "%u", number);
	raw_publish_send(peer.fd, &publish);
}

/*
 * The other process of the next tests (the valve acts on all of a process's
 * connections to the broker). Publishes messages 0 to FLOOD - 1 with a window
 * of 100. This mosquitto throws a publisher out ("out of memory") when the
 * connection that it hands the message on to breaks under its hands; then, as
 * a device would, it connects again and goes on from the first that was not
 * acknowledged.
 */
static int flood_main(uint16_t port, size_t size)
{
	unsigned acked = 0;
	unsigned sent = 0;
	unsigned thrown_out = 0;

	raw_client(&peer, port, "scanner");
	while (acked < FLOOD) {
		while (sent < FLOOD && sent < acked + 100)
			flood_send(sent++, size);
		if (raw_next(&peer)) {
			acked += peer.packet.type == RAW_PUBACK;
			continue;
		}
		raw_close(&peer);
		raw_client(&peer, port, "scanner");
		sent = acked;
		thrown_out++;
	}
	printf("publisher thrown out %u times\n", thrown_out);
	return 0;
}

/* Takes what waits, in a batch; marks each message as seen. */
static void flood_take(void)
{
	struct ring_slot slot;
	uint64_t last = 0;

	for (uint32_t i = 0; ring_peek(bed.ring, i, &slot); i++) {
		uint64_t number;
		struct span text = slot.message.payload;

		text.size = strnlen(text.data, text.size);
		assert_true(span_to_u64(text, FLOOD - 1, &number));
		seen[number] = 1;
		last = slot.number;
	}
	if (last > 0)
		ring_release_upto(bed.ring, last);
}

/* Takes until every message has been seen. What was acknowledged and is not in
 * the ring would be missing for ever. */
static void flood_see_all(void)
{
	unsigned missing = 1;

	while (missing > 0) {
		BED_UNTIL(&bed, ring_waiting(bed.ring) > 0);
		flood_take();
		missing = 0;
		for (unsigned i = 0; i < FLOOD; i++)
			missing += seen[i] == 0;
	}
	printf("throttled %llu times, held %llu times, braked %llu, pushed "
	       "%llu of %d\n",
	       (unsigned long long)bed_count(&bed, MQTT_COUNT_THROTTLED),
	       (unsigned long long)bed_count(&bed, MQTT_COUNT_HELD),
	       (unsigned long long)bed_count(&bed, MQTT_COUNT_BRAKED),
	       (unsigned long long)bed_count(&bed, MQTT_COUNT_PUSHED), FLOOD);
	assert_int_equal(bed_count(&bed, MQTT_COUNT_LOST), 0);
}

static void child_end(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/*
 * Method: 6,000 messages are published into a ring of 64 slots while nobody
 * takes anything: the client must leave, and come back when there is room.
 */
static void
a_full_ring_loses_nothing_and_the_client_comes_and_goes(void **state)
{
	pid_t child;

	SETUP(64, "");
	memset(seen, 0, sizeof(seen));
	bed_client(&bed);
	bed_until_up(&bed);
	child = role_start("flood");
	BED_UNTIL(&bed, mqtt_state(bed.mqtt) == MQTT_HELD);
	assert_true(ring_is_high(bed.ring));
	flood_see_all();
	assert_true(bed_count(&bed, MQTT_COUNT_HELD) >= 1);
	child_end(child);
	bed_until_up(&bed);
}

/*
 * Method: 18 MB wait in the broker's queue, more than any socket's buffers
 * take; then the client connects, and 128 slots are emptied as they fill.
 */
static void a_backlog_larger_than_all_buffers_comes_whole(void **state)
{
	SETUP(128, "");
	memset(seen, 0, sizeof(seen));
	bed_client(&bed);
	bed_until_up(&bed);
	mqtt_close(bed.mqtt);
	bed.mqtt = NULL;
	child_end(role_start("torrent"));
	bed_client(&bed);
	flood_see_all();
}

static void beyond_the_bound_a_publish_is_put_off_and_room_is_told(void **state)
{
	struct mqtt_publication stock = {.topic = "depot/v1/org/s1/stock/a",
					 .qos = 1,
					 .is_retained = true,
					 .payload = SPAN_LITERAL("{\"v\":1}")};
	struct mqtt_publication answer = {.topic = "depot/v1/org/s1/ack/d1",
					  .qos = 1,
					  .payload = SPAN_LITERAL("{\"v\":1}"),
					  .is_answer = true};
	unsigned answers = 0;
	unsigned done = 0;

	SETUP(64, "");
	bed.config.in_flight_max = 10;
	bed.config.answers_max = 30;
	bed_client(&bed);
	assert_code(mqtt_publish(bed.mqtt, &stock), ERR_AGAIN);
	bed_until_up(&bed);
	broker_freeze(&broker);
	while (mqtt_publish(bed.mqtt, &stock) == ERR_OK)
		done++;
	assert_int_equal(done, 10);
	assert_int_equal(mqtt_in_flight(bed.mqtt), 10);
	assert_code(mqtt_publish(bed.mqtt, &stock), ERR_AGAIN);
	/* Who waits for an answer does not wait for that. */
	while (mqtt_publish(bed.mqtt, &answer) == ERR_OK)
		answers++;
	assert_int_equal(answers, 20);
	assert_int_equal(bed.rooms, 0);
	broker_signal(&broker, SIGCONT);
	BED_UNTIL(&bed, bed.rooms > 0 && mqtt_in_flight(bed.mqtt) <= 5);
	assert_code(mqtt_publish(bed.mqtt, &stock), ERR_OK);
	BED_UNTIL(&bed, mqtt_in_flight(bed.mqtt) == 0);
	assert_int_equal(bed_count(&bed, MQTT_COUNT_PUBLISHED), 31);
}

/* TCP_NODELAY of the client's connection, which is found by its peer's port. */
static bool is_prompt(void)
{
	for (int fd = 3; fd < 256; fd++) {
		struct sockaddr_in address = {.sin_family = AF_UNSPEC};
		socklen_t size = sizeof(address);
		socklen_t value_size = sizeof(int);
		int value;

		if (fd == peer.fd ||
		    getpeername(fd, (struct sockaddr *)&address, &size) < 0 ||
		    address.sin_family != AF_INET ||
		    ntohs(address.sin_port) != broker.port)
			continue;
		assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY,
					    &value, &value_size),
				 0);
		return value != 0;
	}
	fail_msg("there is no connection");
	return false;
}

/* Method: what the connection's socket is set to, for no time is asserted. */
static void packets_leave_at_once_when_idle_and_gather_under_load(void **state)
{
	unsigned count = 0;

	SETUP(64, "");
	bed_client(&bed);
	bed_until_up(&bed);
	assert_true(is_prompt());
	mqtt_push(bed.mqtt);
	raw_client(&peer, broker.port, "scanner");
	for (; count < 20; count++)
		say(BED_SCAN, "scan", false);
	BED_UNTIL(&bed, ring_waiting(bed.ring) == count);
	mqtt_push(bed.mqtt);
	BED_UNTIL(&bed, !is_prompt());
	/* Nothing has come since: what gathered leaves, and all that follows.
	 */
	mqtt_push(bed.mqtt);
	BED_UNTIL(&bed, is_prompt());
	raw_close(&peer);
}

static void a_topic_that_is_no_name_is_not_published(void **state)
{
	char longest[MQTT_TOPIC_SIZE_MAX + 2];
	const char *const topics[] = {"", "a/+", "a/#", "\xff", longest};
	size_t refused = 0;

	SETUP(64, "");
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	bed_client(&bed);
	bed_until_up(&bed);
	for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
		struct mqtt_publication publication = {.topic = topics[i]};

		assert_code(mqtt_publish(bed.mqtt, &publication), ERR_INVALID);
		refused++;
	}
	assert_int_equal(refused, 5);
	longest[sizeof(longest) - 2] = '\0';
	assert_code(mqtt_publish(bed.mqtt,
				 &(struct mqtt_publication){.topic = longest,
							    .qos = 1}),
		    ERR_OK);
	/* Paho leaks what it has not sent when it is closed. */
	BED_UNTIL(&bed, mqtt_in_flight(bed.mqtt) == 0);
	assert_int_equal(bed_count(&bed, MQTT_COUNT_PUBLISH_REFUSED), 0);
}

static void on_tick(void *context, uint32_t what)
{
	unsigned *ticks = context;

	(void)what;
	(*ticks)++;
}

/*
 * Method: a broker that is stopped (its sockets live, nothing answers) while
 * we publish to the bound, connect anew and stop: the loop's 5 ms timer goes
 * on ticking through all of it. Only that it ticks is asserted, not how well.
 */
static void a_broker_that_stalls_blocks_nothing(void **state)
{
	static char text[PAYLOAD_OUT_SIZE_MAX];
	struct mqtt_publication large = {.topic = "depot/v1/org/s1/stock/a",
					 .qos = 1,
					 .payload = {text, sizeof(text)}};
	struct loop_source *timer;
	struct raw_publish heard;
	unsigned ticks = 0;
	unsigned sent = 0;

	SETUP(64, "");
	memset(text, 'x', sizeof(text));
	/* More than a socket's buffers hold. */
	bed.config.in_flight_max = 500;
	bed_client(&bed);
	bed_until_up(&bed);
	raw_client(&peer, broker.port, "dashboard");
	raw_client_subscribe(&peer, large.topic);
	assert_done(loop_add_timer(bed.loop,
				   (struct loop_call){on_tick, &ticks}, &timer,
				   &bed.err),
		    &bed.err);
	loop_timer_every(timer, 5);
	broker_freeze(&broker);
	for (unsigned last = 0; last < 100; last = ticks) {
		while (mqtt_publish(bed.mqtt, &large) == ERR_OK)
			sent++;
		BED_UNTIL(&bed, ticks > last);
	}
	assert_int_equal(sent, 500);
	broker_signal(&broker, SIGCONT);
	BED_UNTIL(&bed, mqtt_in_flight(bed.mqtt) == 0);
	for (unsigned i = 0; i < sent; i++) {
		assert_true(raw_client_hear(&peer, &heard));
		assert_int_equal(heard.payload.size, sizeof(text));
	}

	/* And when it stalls for good, stopping is bounded. */
	broker_freeze(&broker);
	assert_code(mqtt_publish(bed.mqtt, &large), ERR_OK);
	/* Long enough for Paho to have sent it, or it would leak. */
	mqtt_stop(bed.mqtt, NULL, 2000);
	assert_int_equal(mqtt_state(bed.mqtt), MQTT_STOPPING);
	BED_UNTIL(&bed, mqtt_state(bed.mqtt) == MQTT_STOPPED);
	assert_int_equal(bed.states[MQTT_STOPPED], 1);
	loop_remove(timer);
	raw_close(&peer);
	broker_signal(&broker, SIGCONT);
}

static void stopping_publishes_the_last_word_and_no_will(void **state)
{
	struct mqtt_publication last = {.topic = BED_STATUS,
					.payload = SPAN_LITERAL("sleeping"),
					.qos = 1,
					.is_retained = true};
	struct raw_publish heard;

	SETUP(64, "");
	raw_client(&peer, broker.port, "dashboard");
	raw_client_subscribe(&peer, "#");
	bed_client(&bed);
	bed_until_up(&bed);
	mqtt_stop(bed.mqtt, &last, BED_PATIENCE_MS);
	BED_UNTIL(&bed, mqtt_state(bed.mqtt) == MQTT_STOPPED);
	assert_int_equal(bed_count(&bed, MQTT_COUNT_BROKEN), 0);
	assert_code(mqtt_publish(bed.mqtt, &last), ERR_AGAIN);
	mqtt_close(bed.mqtt);
	bed.mqtt = NULL;
	assert_true(raw_client_hear(&peer, &heard));
	assert_span(heard.payload, "sleeping");
	/* A will would have come before this. */
	raw_publish_send(peer.fd,
			 &(struct raw_publish){.topic = SPAN_LITERAL("mark")});
	assert_true(raw_client_hear(&peer, &heard));
	assert_span(heard.topic, "mark");
	raw_close(&peer);
}

/* The other process of the next test: says "ready", and lives on. */
_Noreturn static void victim_main(uint16_t port)
{
	struct mqtt_publication ready = {.topic = BED_STATUS,
					 .payload = SPAN_LITERAL("ready"),
					 .qos = 1,
					 .is_retained = true};

	bed_make(&bed, port, 64);
	bed.config.will.delay_s = 1;
	bed_client(&bed);
	bed_until_up(&bed);
	assert_code(mqtt_publish(bed.mqtt, &ready), ERR_OK);
	for (;;)
		bed_step(&bed, -1);
}

static void when_the_process_is_killed_the_broker_says_so(void **state)
{
	struct raw_publish heard;
	pid_t victim;
	int status;

	SETUP(64, "");
	raw_client(&peer, broker.port, "dashboard");
	raw_client_subscribe(&peer, BED_STATUS);
	victim = role_start("victim");
	assert_true(raw_client_hear(&peer, &heard));
	assert_span(heard.payload, "ready");
	assert_int_equal(kill(victim, SIGKILL), 0);
	assert_int_equal(waitpid(victim, &status, 0), victim);
	assert_true(WIFSIGNALED(status));
	assert_true(raw_client_hear(&peer, &heard));
	assert_span(heard.topic, BED_STATUS);
	assert_span(heard.payload, "lost");
	raw_close(&peer);
}

#define TLS DEPOT_GOLDEN "/tls/"

/*
 * Method: a broker whose certificate is for "localhost" and signed by one of
 * two roots. With the right root and name the client comes up; with the other
 * root, or by an address that the certificate does not name, never.
 */
static void tls_checks_the_root_and_the_name(void **state)
{
	static const struct {
		const char *host;
		const char *ca_file;
		bool is_good;
	} cases[] = {
		{"127.0.0.1", TLS "ca.crt", false},
		{"localhost", TLS "other-ca.crt", false},
		{"localhost", NULL, false}, /* none of the system's roots */
		{"localhost", TLS "ca.crt", true},
	};

	SETUP(64, "certfile " TLS "server.crt\nkeyfile " TLS "server.key\n");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(text_format(bed.uri, sizeof(bed.uri), "ssl://%s:%u",
					cases[i].host, broker.port));
		bed.config.ca_file = cases[i].ca_file;
		memset(bed.states, 0, sizeof(bed.states));
		bed_client(&bed);
		BED_UNTIL(&bed,
			  bed.states[MQTT_UP] + bed.states[MQTT_DOWN] == 1);
		assert_int_equal(bed.states[MQTT_UP], cases[i].is_good);
		mqtt_close(bed.mqtt);
		bed.mqtt = NULL;
	}
}

static int role_main(const char *role, const char *port_text)
{
	uint64_t port = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	assert_true(span_to_u64(span_of(port_text), UINT16_MAX, &port));
	if (strcmp(role, "flood") == 0)
		return flood_main((uint16_t)port, 200);
	if (strcmp(role, "torrent") == 0)
		return flood_main((uint16_t)port, 3000);
	victim_main((uint16_t)port);
}

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
		TEST(a_message_on_an_input_topic_comes_into_the_ring),
		TEST(retained_messages_on_inputs_are_not_readings),
		TEST(after_a_killed_broker_it_connects_and_subscribes_again),
		TEST(the_broker_keeps_what_comes_while_the_client_is_away),
		TEST(a_full_ring_loses_nothing_and_the_client_comes_and_goes),
		TEST(a_backlog_larger_than_all_buffers_comes_whole),
		TEST(beyond_the_bound_a_publish_is_put_off_and_room_is_told),
		TEST(packets_leave_at_once_when_idle_and_gather_under_load),
		TEST(a_topic_that_is_no_name_is_not_published),
		TEST(a_broker_that_stalls_blocks_nothing),
		TEST(stopping_publishes_the_last_word_and_no_will),
		TEST(when_the_process_is_killed_the_broker_says_so),
		TEST(tls_checks_the_root_and_the_name),
	};

	if (count == 3)
		return role_main(arguments[1], arguments[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
