/*
 * A connection that breaks under a write: Paho frees what it could not write
 * and keeps it all the same, so it is not told (gateway/edge/mqtt_write.h).
 *
 * Method, plain and by TLS: a real broker that remembers the client. While
 * Paho writes a burst of publications, the connection is shut under its hands;
 * round after round, until that has met a write often enough. What was not
 * acknowledged is sent again in the next connection. A peer that speaks to the
 * broker without Paho and by another door hears all of it, and knows each
 * payload by its topic. Under a sanitizer nothing freed may be touched.
 */
#include "gateway/edge/mqtt_write.h"
#include "gateway/edge/valve.h"
#include "tests/unit/edge/mqtt_real.h"

#include <errno.h>
#include <sys/uio.h>

#define TLS DEPOT_GOLDEN "/tls/"
#define STOCK "depot/v1/org/s1/stock/"
#define BREAKS 3 /* that met a write */
#define ROUNDS_MAX 500
#define BURST 200

static unsigned published;

/* One publication whose payload repeats the end of its topic. */
static enum err_code stock_publish(unsigned number)
{
	char topic[64];
	char payload[600];
	struct mqtt_publication stock = {.topic = topic, .qos = 1};

	assert_true(text_format(topic, sizeof(topic), STOCK "%u", number));
	memset(payload, '.', sizeof(payload));
	(void)snprintf(payload, sizeof(payload), "%u", number);
	stock.payload = (struct span){payload, sizeof(payload)};
	return mqtt_publish(bed.mqtt, &stock);
}

/* Whether the break met a write. */
static bool burst_and_cut(void)
{
	uint64_t before = mqtt_write_failures();
	unsigned downs = bed.states[MQTT_DOWN];

	bed_until_up(&bed);
	for (unsigned i = 0; i < BURST; i++) {
		if (stock_publish(published) != ERR_OK)
			break;
		published++;
	}
	(void)valve_cut(broker.port);
	BED_UNTIL(&bed, bed.states[MQTT_DOWN] > downs);
	return mqtt_write_failures() > before;
}

/* Hears all up to the last one. Returns how many there were. */
static unsigned all_hear(void)
{
	struct raw_publish heard;
	unsigned count = 0;

	for (;; count++) {
		uint64_t number = 0;

		assert_true(raw_client_hear(&peer, &heard));
		assert_true(span_starts(heard.topic, STOCK));
		if (span_is(heard.topic, STOCK "last"))
			return count;
		heard.topic.data += strlen(STOCK);
		heard.topic.size -= strlen(STOCK);
		assert_true(span_to_u64(heard.topic, published, &number));
		assert_int_equal(heard.payload.size, 600);
		assert_int_equal(strtoull(heard.payload.data, NULL, 10),
				 number);
	}
}

static void breaks_under_writes_do_no_harm(uint16_t peer_port)
{
	struct mqtt_publication last = {.topic = STOCK "last", .qos = 1};
	unsigned rounds = 0;
	unsigned breaks = 0;
	unsigned heard;

	published = 0;
	raw_client(&peer, peer_port, "dashboard");
	raw_client_subscribe(&peer, STOCK "+");
	bed.config.in_flight_max = BURST;
	bed_client(&bed);
	for (; breaks < BREAKS && rounds < ROUNDS_MAX; rounds++)
		breaks += burst_and_cut();
	bed_until_up(&bed);
	assert_true(bed.has_session);
	BED_UNTIL(&bed, mqtt_in_flight(bed.mqtt) == 0);
	assert_code(mqtt_publish(bed.mqtt, &last), ERR_OK);
	heard = all_hear();
	print_message("%u rounds, %u breaks met a write, %u published, "
		      "%u heard\n",
		      rounds, breaks, published, heard);
	assert_int_equal(breaks, BREAKS);
	assert_true(heard >= published);
	raw_close(&peer);
}

static void a_connection_that_breaks_under_a_write_does_no_harm(void **state)
{
	uint16_t door = port_free();
	char more[64];

	assert_true(text_format(more, sizeof(more), "listener %u 127.0.0.1\n",
				door));
	SETUP(64, more);
	breaks_under_writes_do_no_harm(door);
}

static void nor_does_one_by_tls(void **state)
{
	uint16_t door = port_free();
	char more[1024];

	assert_true(text_format(more, sizeof(more),
				"certfile " TLS "server.crt\nkeyfile " TLS
				"server.key\nlistener %u 127.0.0.1\n",
				door));
	SETUP(64, more);
	assert_true(text_format(bed.uri, sizeof(bed.uri), "ssl://localhost:%u",
				broker.port));
	bed.config.ca_file = TLS "ca.crt";
	breaks_under_writes_do_no_harm(door);
}

/* What this process writes itself is told as ever. */
static void other_threads_are_told_of_their_failures(void **state)
{
	uint64_t before = mqtt_write_failures();
	char text[] = "text";
	struct iovec part = {text, sizeof(text)};
	int ends[2];

	(void)state;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(writev(ends[0], &part, 1), sizeof(text));
	assert_int_equal(shutdown(ends[0], SHUT_WR), 0);
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(writev(ends[0], &part, 1), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(mqtt_write_failures(), before);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_connection_that_breaks_under_a_write_does_no_harm),
		TEST(nor_does_one_by_tls),
		cmocka_unit_test(other_threads_are_told_of_their_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
