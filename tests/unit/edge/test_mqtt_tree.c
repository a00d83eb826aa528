/*
 * The site's own retained tree is read once and whole, and what is watched is
 * heard; neither is a reading.
 */
#include "tests/unit/edge/mqtt_real.h"

static void tree_note(struct mqtt_bed *told, const struct mqtt_heard *heard)
{
	uint64_t number;

	assert_true(heard->is_retained);
	assert_int_equal(heard->payload_size, heard->payload.size);
	assert_true(span_to_u64(heard->payload, 1999, &number));
	told->notes[number / 64] |= UINT64_C(1) << (number % 64);
}

/*
 * Method: 2,000 retained topics of ours and some of others; two readings while
 * we publish on the same tree: each topic is heard with its payload, the
 * present publishes and the others' topics are not.
 */
static void the_own_retained_tree_is_read_once_and_whole(void **state)
{
	struct mqtt_publication live = {.topic = "depot/v1/org/s1/stock/live",
					.qos = 1,
					.payload =
						SPAN_LITERAL("not a number")};

	SETUP(64, "");
	raw_client(&peer, broker.port, "writer");
	for (unsigned i = 0; i < 2000; i++) {
		char topic[64];
		char payload[8];

		assert_true(text_format(topic, sizeof(topic),
					"depot/v1/org/s1/%s/%u",
					i % 2 == 0 ? "stock" : "alert", i));
		assert_true(text_format(payload, sizeof(payload), "%u", i));
		say(topic, payload, true);
	}
	say("depot/v1/org/s2/stock/1", "not ours", true);
	bed.config.heard_max = 2048;
	bed.on_heard = tree_note;
	bed_client(&bed);
	assert_code(mqtt_tree_read(bed.mqtt), ERR_AGAIN);
	bed_until_up(&bed);
	for (unsigned reading = 1; reading <= 2; reading++) {
		memset(bed.notes, 0, sizeof(bed.notes));
		assert_code(mqtt_tree_read(bed.mqtt), ERR_OK);
		assert_code(mqtt_tree_read(bed.mqtt), ERR_AGAIN);
		assert_code(mqtt_publish(bed.mqtt, &live), ERR_OK);
		BED_UNTIL(&bed, bed.trees == reading);
		assert_true(bed.is_whole);
		for (unsigned i = 0; i < 2000; i++)
			assert_true((bed.notes[i / 64] >> (i % 64) & 1) != 0);
		assert_int_equal(bed.heard, 2000 * reading);
	}
	assert_int_equal(ring_waiting(bed.ring), 0);
	raw_close(&peer);
}

/* Method: room for 8 messages, 400 retained, and a loop that looks late. */
static void a_tree_that_does_not_fit_is_read_and_called_incomplete(void **state)
{
	SETUP(64, "");
	raw_client(&peer, broker.port, "writer");
	for (unsigned i = 0; i < 400; i++) {
		char topic[64];

		assert_true(text_format(topic, sizeof(topic),
					"depot/v1/org/s1/stock/%u", i));
		say(topic, "0", true);
	}
	bed.config.heard_max = 8;
	bed_client(&bed);
	bed_until_up(&bed);
	assert_code(mqtt_tree_read(bed.mqtt), ERR_OK);
	/* The loop stands still until Paho's thread has been through. */
	bed_step(&bed, 20);
	raw_client_subscribe(&peer, "depot/v1/org/s1/own/marker");
	BED_UNTIL(&bed, bed.trees == 1);
	assert_int_equal(bed.is_whole,
			 bed_count(&bed, MQTT_COUNT_HEARD_DROPPED) == 0);
	assert_int_equal(bed.heard + bed_count(&bed, MQTT_COUNT_HEARD_DROPPED),
			 400);
	raw_close(&peer);
}

static void what_is_watched_is_heard_in_the_loop_and_not_pushed(void **state)
{
	SETUP(64, "");
	bed_client(&bed);
	bed_until_up(&bed);
	raw_client(&peer, broker.port, "other");
	say("watched/dropped", "17", false);
	BED_UNTIL(&bed, bed.heard == 1);
	assert_int_equal(ring_waiting(bed.ring), 0);
	raw_close(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_own_retained_tree_is_read_once_and_whole),
		TEST(a_tree_that_does_not_fit_is_read_and_called_incomplete),
		TEST(what_is_watched_is_heard_in_the_loop_and_not_pushed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
