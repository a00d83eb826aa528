/*
 * The client against a broker that is not one: it sends what it should not,
 * refuses, forgets to answer, or babbles. Whatever it does, nothing unasked
 * reaches the ring, and what the ring does not have is not acknowledged.
 *
 * The broker runs in the test's own loop, packet by packet.
 */
#include "tests/support/broker.h"
#include "tests/unit/edge/mqtt_bed.h"

#include <semaphore.h>
#include <sys/epoll.h>
#include <time.h>

struct fake {
	struct loop_source *listening;
	struct loop_source *talking;
	int listener;
	struct raw_stream stream;
	uint16_t port;

	/* How it behaves. */
	bool is_mute;           /* answers no CONNECT */
	bool acks_nothing;      /* sends no PUBACK */
	uint8_t connect_reason; /* in CONNACK */
	uint8_t publish_reason; /* in PUBACK */
	uint8_t input_reason;   /* in SUBACK, for the first filter */
	uint8_t watched_reason; /* in SUBACK, for the last filter */
	uint16_t receive_max;   /* in CONNACK; 0: none told */

	/* What it saw. */
	unsigned connects;
	unsigned subscribes;
	unsigned publishes;
	unsigned pubacks;
	bool is_acked[256]; /* by packet id */
};

static struct mqtt_bed bed;
static struct fake fake; /* large */

static void fake_connack(void)
{
	uint8_t bytes[16];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	write_u8(&writer, 0);
	write_u8(&writer, fake.connect_reason);
	write_u8(&writer, fake.receive_max > 0 ? 3 : 0);
	if (fake.receive_max > 0) {
		write_u8(&writer, 0x21);
		write_u16(&writer, fake.receive_max);
	}
	raw_send(fake.stream.fd, RAW_CONNACK, 0, &writer);
}

/* One reason for each filter of a SUBSCRIBE or UNSUBSCRIBE. */
static void fake_suback(bool has_options)
{
	const struct raw_packet *packet = &fake.stream.packet;
	uint8_t reasons[64];
	size_t count = 0;
	uint8_t bytes[80];
	struct reader reader;
	struct writer writer;

	reader_init(&reader, packet->body, packet->size);
	writer_init(&writer, bytes, sizeof(bytes));
	write_u16(&writer, read_u16(&reader));
	(void)read_raw(&reader, (size_t)read_varint(&reader));
	while (reader_left(&reader) > 0) {
		(void)read_raw(&reader, read_u16(&reader));
		reasons[count++] = has_options ? read_u8(&reader) & 3 : 0;
	}
	assert_true(reader_ok(&reader));
	if (has_options && fake.input_reason > 0)
		reasons[0] = fake.input_reason;
	if (has_options && fake.watched_reason > 0)
		reasons[count - 1] = fake.watched_reason;
	write_u8(&writer, 0);
	write_raw(&writer, reasons, count);
	raw_send(fake.stream.fd, has_options ? RAW_SUBACK : RAW_UNSUBACK, 0,
		 &writer);
}

static void fake_puback(void)
{
	struct raw_publish publish;
	uint8_t bytes[8];
	struct writer writer;

	raw_publish_read(&fake.stream.packet, &publish);
	fake.publishes++;
	if (publish.qos == 0 || fake.acks_nothing)
		return;
	writer_init(&writer, bytes, sizeof(bytes));
	write_u16(&writer, publish.packet_id);
	write_u8(&writer, fake.publish_reason);
	raw_send(fake.stream.fd, RAW_PUBACK, 0, &writer);
}

static void fake_answer(void)
{
	const struct raw_packet *packet = &fake.stream.packet;
	struct writer empty = {.data = NULL};

	switch ((int)packet->type) {
	case RAW_CONNECT:
		fake.connects++;
		if (!fake.is_mute)
			fake_connack();
		break;
	case RAW_SUBSCRIBE:
		fake.subscribes++;
		fake_suback(true);
		break;
	case RAW_UNSUBSCRIBE:
		fake_suback(false);
		break;
	case RAW_PUBLISH:
		fake_puback();
		break;
	case RAW_PUBACK:
		assert_true(packet->size >= 2 && packet->body[0] == 0);
		fake.is_acked[packet->body[1]] = true;
		fake.pubacks++;
		break;
	case RAW_PINGREQ:
		raw_send(fake.stream.fd, RAW_PINGRESP, 0, &empty);
		break;
	default:
		break;
	}
}

static void fake_hang_up(void)
{
	if (fake.talking == NULL)
		return;
	loop_remove(fake.talking);
	fake.talking = NULL;
	raw_close(&fake.stream);
}

static void on_talk(void *context, uint32_t what)
{
	(void)context;
	(void)what;
	if (!raw_fill(&fake.stream)) {
		fake_hang_up();
		return;
	}
	while (raw_take(&fake.stream))
		fake_answer();
}

static void on_connection(void *context, uint32_t what)
{
	int fd = accept4(fake.listener, NULL, NULL, SOCK_CLOEXEC);
	int one = 1;

	(void)context;
	(void)what;
	assert_true(fd >= 0);
	/* What was said has arrived. */
	assert_int_equal(
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
	fake_hang_up();
	fake.stream.fd = fd;
	fake.stream.used = 0;
	assert_done(loop_add_fd(bed.loop, fd, EPOLLIN,
				(struct loop_call){on_talk, NULL},
				&fake.talking, &bed.err),
		    &bed.err);
}

static void fake_listen(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);

	memset(&fake, 0, sizeof(fake));
	fake.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fake.listener >= 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fake.listener, (struct sockaddr *)&address, size),
			 0);
	assert_int_equal(listen(fake.listener, 8), 0);
	assert_int_equal(getsockname(fake.listener, (struct sockaddr *)&address,
				     &size),
			 0);
	fake.port = ntohs(address.sin_port);
}

static int setup(void **state)
{
	(void)state;
	fake_listen();
	bed_make(&bed, fake.port, 16);
	assert_done(loop_add_fd(bed.loop, fake.listener, EPOLLIN,
				(struct loop_call){on_connection, NULL},
				&fake.listening, &bed.err),
		    &bed.err);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mqtt_close(bed.mqtt);
	bed.mqtt = NULL;
	fake_hang_up();
	loop_remove(fake.listening);
	(void)close(fake.listener);
	bed_end(&bed);
	return 0;
}

/* Sends a message to the client: of QoS 1, or of QoS 0 without a number. */
static void fake_say(struct span topic, struct span payload, uint16_t packet_id)
{
	struct raw_publish publish = {.topic = topic,
				      .payload = payload,
				      .packet_id = packet_id,
				      .qos = packet_id > 0};

	raw_publish_send(fake.stream.fd, &publish);
}

/*
 * Method: eight topics that nobody may send us, then an honest one: only that
 * is in the ring, all are acknowledged (else they would come for ever), and
 * the connection stands.
 */
static void
topics_that_are_none_or_unasked_are_dropped_and_counted(void **state)
{
	const struct {
		struct span topic;
		enum mqtt_count count;
	} cases[] = {
		{SPAN_LITERAL("depot/v1/org/s1/scan/a\0b"),
		 MQTT_COUNT_BAD_TOPIC},
		{SPAN_LITERAL("depot/v1/org/s1/scan/+"), MQTT_COUNT_BAD_TOPIC},
		{SPAN_LITERAL("#"), MQTT_COUNT_BAD_TOPIC},
		{SPAN_LITERAL("depot/v1/org/s1/cmd/root/stop"),
		 MQTT_COUNT_UNASKED},
		{SPAN_LITERAL("depot/v1/org/s1/scan"), MQTT_COUNT_UNASKED},
		{SPAN_LITERAL("depot/v1/org/s1/scan/a/b"), MQTT_COUNT_UNASKED},
		{SPAN_LITERAL("depot/v1/org/s2/scan/d1"), MQTT_COUNT_UNASKED},
	};
	uint64_t expected[MQTT_COUNTS] = {0};

	(void)state;
	bed_client(&bed);
	bed_until_up(&bed);
	for (uint16_t i = 0; i < ARRAY_LEN(cases); i++) {
		fake_say(cases[i].topic, SPAN_LITERAL("x"), (uint16_t)(i + 1));
		expected[cases[i].count]++;
	}
	fake_say(SPAN_LITERAL(BED_SCAN), SPAN_LITERAL("honest"), 100);
	BED_UNTIL(&bed, fake.is_acked[100]);
	assert_int_equal(bed_count(&bed, MQTT_COUNT_BAD_TOPIC),
			 expected[MQTT_COUNT_BAD_TOPIC]);
	assert_int_equal(bed_count(&bed, MQTT_COUNT_UNASKED),
			 expected[MQTT_COUNT_UNASKED]);
	assert_int_equal(fake.pubacks, ARRAY_LEN(cases) + 1);
	assert_int_equal(ring_waiting(bed.ring), 1);
	assert_true(bed_take(&bed, "honest"));
	assert_int_equal(fake.connects, 1);
}

static void what_is_too_long_comes_cut_and_says_so(void **state)
{
	static char text[60000];
	char topic[400] = "depot/v1/org/s1/scan/";
	struct ring_slot slot;

	(void)state;
	memset(text, 'x', sizeof(text));
	memset(topic + strlen(topic), 'd', 350);
	bed_client(&bed);
	bed_until_up(&bed);
	fake_say(span_of(topic), (struct span){text, sizeof(text)}, 1);
	BED_UNTIL(&bed, ring_waiting(bed.ring) == 1);
	assert_true(ring_peek(bed.ring, 0, &slot));
	assert_true(slot.is_cut);
	assert_int_equal(slot.payload_size, sizeof(text));
	assert_int_equal(slot.message.payload.size, PAYLOAD_IN_SIZE_MAX);
	assert_int_equal(slot.message.topic.size, TOPIC_IN_SIZE_MAX);
	assert_memory_equal(slot.message.topic.data, topic, TOPIC_IN_SIZE_MAX);
}

static void retained_on_an_input_is_dropped_even_if_sent(void **state)
{
	struct raw_publish publish = {.topic = SPAN_LITERAL(BED_SCAN),
				      .payload = SPAN_LITERAL("old"),
				      .packet_id = 1,
				      .qos = 1,
				      .is_retained = true};

	(void)state;
	bed_client(&bed);
	bed_until_up(&bed);
	raw_publish_send(fake.stream.fd, &publish);
	BED_UNTIL(&bed, fake.is_acked[1]);
	assert_int_equal(bed_count(&bed, MQTT_COUNT_OLD_NEWS), 1);
	assert_int_equal(ring_waiting(bed.ring), 0);
}

/* Holds Paho's thread at each watched message. */
static struct gate {
	sem_t reached;
	sem_t opened;
} gate;

static bool accepts_at_the_gate(void *context, struct span topic,
				size_t payload_size)
{
	(void)context;
	(void)topic;
	(void)payload_size;
	return sem_post(&gate.reached) == 0 && sem_wait(&gate.opened) == 0;
}

static void gate_client(void)
{
	assert_int_equal(sem_init(&gate.reached, 0, 0), 0);
	assert_int_equal(sem_init(&gate.opened, 0, 0), 0);
	bed.config.handlers.accepts = accepts_at_the_gate;
	bed_client(&bed);
	bed_until_up(&bed);
}

static void gate_say(void)
{
	fake_say(SPAN_LITERAL("watched/gate"), SPAN_LITERAL("stop"), 0);
}

/* Until Paho's thread stands there. The loop must not take a step meanwhile:
 * it would wait for that thread, or end the connection before all is read. */
static void gate_await(void)
{
	struct timespec end;

	assert_int_equal(clock_gettime(CLOCK_REALTIME, &end), 0);
	end.tv_sec += BED_PATIENCE_MS / 1000;
	assert_int_equal(sem_timedwait(&gate.reached, &end), 0);
}

static void gate_open(void)
{
	assert_int_equal(sem_post(&gate.opened), 0);
}

/* Behind the client's back. */
static void ring_stuff(void)
{
	struct ring_message filler = {.topic = SPAN_LITERAL("filler")};

	while (ring_push(bed.ring, &filler) == ERR_OK)
		;
}

/*
 * Method: the ring is filled to the last slot behind the client's back, so
 * that neither valve nor disconnect can help; three messages arrive before the
 * client sees the first. No PUBACK may leave for any of them. When there is
 * room the client comes back, and gets them again.
 */
static void what_the_ring_does_not_have_is_never_acknowledged(void **state)
{
	(void)state;
	gate_client();
	ring_stuff();
	gate_say();
	for (uint16_t id = 1; id <= 3; id++)
		fake_say(SPAN_LITERAL(BED_SCAN), SPAN_LITERAL("kept"), id);
	gate_say();
	gate_await();
	gate_open();
	gate_await();
	assert_int_equal(bed_count(&bed, MQTT_COUNT_BRAKED), 3);
	gate_open();
	BED_UNTIL(&bed,
		  mqtt_state(bed.mqtt) == MQTT_HELD && fake.talking == NULL);
	assert_int_equal(fake.pubacks, 0);
	assert_int_equal(bed_count(&bed, MQTT_COUNT_LOST), 0);
	assert_int_equal(bed.states[MQTT_DOWN], 0); /* it's no failure */

	ring_release_upto(bed.ring, UINT64_MAX);
	bed_until_up(&bed);
	for (uint16_t id = 1; id <= 3; id++)
		fake_say(SPAN_LITERAL(BED_SCAN), SPAN_LITERAL("kept"), id);
	BED_UNTIL(&bed, fake.pubacks == 3);
	assert_int_equal(ring_waiting(bed.ring), 3);
	assert_int_equal(bed_count(&bed, MQTT_COUNT_PUSHED), 3);
}

/*
 * What had arrived before the cut comes to the client after it, when the
 * broker has hung up and there is no connection any more: that is not lost
 * either. Method: the client is held between the cut and the last message until
 * the broker is gone.
 */
static void what_arrived_before_a_cut_counts_as_cut_off(void **state)
{
	(void)state;
	gate_client();
	ring_stuff();
	gate_say();
	fake_say(SPAN_LITERAL(BED_SCAN), SPAN_LITERAL("kept"), 1);
	gate_say();
	fake_say(SPAN_LITERAL(BED_SCAN), SPAN_LITERAL("kept"), 2);
	gate_say();
	gate_await();
	gate_open();
	gate_await();
	assert_false(raw_fill(&fake.stream));
	fake_hang_up();
	gate_open();
	gate_await();
	assert_int_equal(bed_count(&bed, MQTT_COUNT_LOST), 0);
	assert_int_equal(bed_count(&bed, MQTT_COUNT_BRAKED), 2);
	gate_open();
}

/*
 * Method: 14 messages into 16 slots that nobody empties. At twelve the valve
 * closes: what comes after stays in the kernel. It opens when the slots are
 * taken soon, and the connection is the same one. Five times: it must not
 * stay closed or locked, nor miss that the ring is high again.
 */
static void a_short_stall_is_met_by_the_valve_alone(void **state)
{
	(void)state;
	bed_client(&bed);
	bed_until_up(&bed);
	for (unsigned round = 1; round <= 5; round++) {
		for (uint16_t id = 1; id <= 14; id++)
			fake_say(SPAN_LITERAL(BED_SCAN), SPAN_LITERAL("scan"),
				 id);
		BED_UNTIL(&bed, bed_count(&bed, MQTT_COUNT_THROTTLED) == round);
		assert_int_equal(mqtt_state(bed.mqtt), MQTT_UP);
		ring_release_upto(bed.ring, UINT64_MAX);
		BED_UNTIL(&bed, fake.pubacks == 14 * round);
		ring_release_upto(bed.ring, UINT64_MAX);
		assert_int_equal(bed_count(&bed, MQTT_COUNT_PUSHED),
				 14 * round);
	}
	assert_int_equal(fake.connects, 1);
	assert_int_equal(bed_count(&bed, MQTT_COUNT_HELD), 0);
}

static void a_long_stall_ends_in_an_orderly_disconnect(void **state)
{
	(void)state;
	bed_client(&bed);
	bed_until_up(&bed);
	for (uint16_t id = 1; id <= 14; id++)
		fake_say(SPAN_LITERAL(BED_SCAN), SPAN_LITERAL("scan"), id);
	BED_UNTIL(&bed,
		  mqtt_state(bed.mqtt) == MQTT_HELD && fake.talking == NULL);
	assert_int_equal(fake.stream.packet.type, RAW_DISCONNECT);
	assert_int_equal(bed_count(&bed, MQTT_COUNT_BRAKED), 0);
	assert_true(fake.pubacks <= bed_count(&bed, MQTT_COUNT_PUSHED));
	assert_int_equal(ring_waiting(bed.ring),
			 bed_count(&bed, MQTT_COUNT_PUSHED));
	ring_release_upto(bed.ring, UINT64_MAX);
	bed_until_up(&bed);
	assert_int_equal(bed.states[MQTT_DOWN], 0);
}

static void a_refusal_to_connect_is_told_in_words_and_tried_again(void **state)
{
	(void)state;
	fake.connect_reason = 0x86; /* bad user name or password */
	bed_client(&bed);
	BED_UNTIL(&bed, bed.states[MQTT_DOWN] == 2);
	assert_non_null(strcasestr(bed.reason, "user name or password"));
	fake.connect_reason = 0;
	bed_until_up(&bed);
	assert_int_equal(fake.connects, 3);
	assert_int_equal(bed_count(&bed, MQTT_COUNT_FAILED), 2);
}

static void without_its_inputs_the_client_does_not_come_up(void **state)
{
	(void)state;
	fake.input_reason = 0x87; /* not authorized */
	bed_client(&bed);
	BED_UNTIL(&bed, bed.states[MQTT_DOWN] == 1);
	assert_int_equal(bed.states[MQTT_UP], 0);
	assert_non_null(strstr(bed.reason, "authorized"));
	fake.input_reason = 0;
	fake.watched_reason = 0x87; /* that it can do without */
	bed_until_up(&bed);
}

static void the_brokers_receive_maximum_bounds_what_is_in_flight(void **state)
{
	struct mqtt_publication stock = {.topic = "depot/v1/org/s1/stock/a",
					 .qos = 1};
	unsigned sent = 0;

	(void)state;
	fake.receive_max = 6;
	fake.acks_nothing = true;
	bed_client(&bed);
	bed_until_up(&bed);
	while (mqtt_publish(bed.mqtt, &stock) == ERR_OK)
		sent++;
	assert_int_equal(sent, 5);
	/* Paho leaks what it has not sent when it is closed. */
	BED_UNTIL(&bed, fake.publishes == sent);
}

static void a_refused_publish_is_counted_and_makes_room(void **state)
{
	struct mqtt_publication stock = {.topic = "depot/v1/org/s1/stock/a",
					 .qos = 1};

	(void)state;
	fake.publish_reason = 0x87;
	bed_client(&bed);
	bed_until_up(&bed);
	assert_code(mqtt_publish(bed.mqtt, &stock), ERR_OK);
	BED_UNTIL(&bed, mqtt_in_flight(bed.mqtt) == 0);
	assert_int_equal(bed_count(&bed, MQTT_COUNT_PUBLISH_REFUSED), 1);
}

static void being_sent_away_is_a_loss_with_a_reason(void **state)
{
	uint8_t bytes[2] = {0x8e, 0}; /* session taken over */
	struct writer writer;

	(void)state;
	bed_client(&bed);
	bed_until_up(&bed);
	writer_init(&writer, bytes, sizeof(bytes));
	writer.size = sizeof(bytes);
	raw_send(fake.stream.fd, RAW_DISCONNECT, 0, &writer);
	BED_UNTIL(&bed, bed.states[MQTT_DOWN] == 1);
	assert_non_null(strstr(bed.reason, "taken over"));
	bed_until_up(&bed);
	assert_int_equal(fake.connects, 2);
}

/* Method: twice, once up, 2,000 random bytes and a hang-up. Whatever Paho makes
 * of them, the client is up again after, and the ring is clean. */
static void babble_costs_the_connection_at_most(void **state)
{
	uint64_t seed = test_seed(4);
	unsigned rounds = 0;

	(void)state;
	bed_client(&bed);
	for (; rounds < 2; rounds++) {
		uint64_t noise[250];

		bed_until_up(&bed);
		for (size_t i = 0; i < ARRAY_LEN(noise); i++)
			noise[i] = test_random(&seed);
		raw_send_bytes(fake.stream.fd, noise, sizeof(noise));
		fake_hang_up();
		BED_UNTIL(&bed, mqtt_state(bed.mqtt) != MQTT_UP);
	}
	bed_until_up(&bed);
	assert_int_equal(rounds, 2);
	assert_int_equal(ring_waiting(bed.ring), 0);
}

static void on_tick(void *context, uint32_t what)
{
	unsigned *ticks = context;

	(void)what;
	(*ticks)++;
}

static void a_broker_that_does_not_answer_holds_up_nothing(void **state)
{
	struct mqtt_publication stock = {.topic = "depot/v1/org/s1/stock/a"};
	struct loop_source *timer;
	unsigned ticks = 0;

	(void)state;
	fake.is_mute = true;
	bed_client(&bed);
	BED_UNTIL(&bed, fake.connects == 1);
	assert_done(loop_add_timer(bed.loop,
				   (struct loop_call){on_tick, &ticks}, &timer,
				   &bed.err),
		    &bed.err);
	loop_timer_every(timer, 5);
	BED_UNTIL(&bed, ticks >= 40);
	assert_int_equal(mqtt_state(bed.mqtt), MQTT_CONNECTING);
	assert_code(mqtt_publish(bed.mqtt, &stock), ERR_AGAIN);
	assert_code(mqtt_tree_read(bed.mqtt), ERR_AGAIN);
	mqtt_stop(bed.mqtt, &stock, 1000);
	assert_int_equal(mqtt_state(bed.mqtt), MQTT_STOPPED);
	loop_remove(timer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(topics_that_are_none_or_unasked_are_dropped_and_counted),
		TEST(what_is_too_long_comes_cut_and_says_so),
		TEST(retained_on_an_input_is_dropped_even_if_sent),
		TEST(what_the_ring_does_not_have_is_never_acknowledged),
		TEST(what_arrived_before_a_cut_counts_as_cut_off),
		TEST(a_short_stall_is_met_by_the_valve_alone),
		TEST(a_long_stall_ends_in_an_orderly_disconnect),
		TEST(a_refusal_to_connect_is_told_in_words_and_tried_again),
		TEST(without_its_inputs_the_client_does_not_come_up),
		TEST(the_brokers_receive_maximum_bounds_what_is_in_flight),
		TEST(a_refused_publish_is_counted_and_makes_room),
		TEST(being_sent_away_is_a_loss_with_a_reason),
		TEST(babble_costs_the_connection_at_most),
		TEST(a_broker_that_does_not_answer_holds_up_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
