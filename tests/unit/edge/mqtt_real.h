/*
 * A client on the bed and a real mosquitto of its own, which each test starts
 * by SETUP and TEST's teardown ends, and a peer that speaks to it without Paho.
 */
#ifndef DEPOT_TESTS_UNIT_EDGE_MQTT_REAL_H
#define DEPOT_TESTS_UNIT_EDGE_MQTT_REAL_H

#include "tests/support/broker.h"
#include "tests/unit/edge/mqtt_bed.h"

static struct broker broker;
static struct mqtt_bed bed;
static struct raw_stream peer; /* large: not for the stack */

static inline bool setup_with(uint32_t slot_count, const char *more)
{
	if (!broker_start(&broker, more))
		return false;
	bed_make(&bed, broker.port, slot_count);
	return true;
}

/* For a test that skips, cmocka wants it said inside of the test. */
#define SETUP(slot_count, more)                             \
	do {                                                \
		(void)state;                                \
		if (!setup_with((slot_count), (more)))      \
			skip_because("no " BROKER_PROGRAM); \
	} while (0)

static inline int teardown(void **state)
{
	(void)state;
	bed_end(&bed);
	broker_stop(&broker);
	return 0;
}

/* The peer publishes with QoS 1 and waits until the broker has taken it. */
static inline void say(const char *topic, const char *payload, bool is_retained)
{
	struct raw_publish publish = {.topic = span_of(topic),
				      .payload = span_of(payload),
				      .packet_id = 1,
				      .qos = 1,
				      .is_retained = is_retained};

	raw_publish_send(peer.fd, &publish);
	raw_client_acks(&peer, 1);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

#endif
