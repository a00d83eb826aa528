/*
 * mqtt_bed - what the tests of the MQTT client share: a client with loop, ring
 * and clock, and a diary of what it was told.
 */
#ifndef DEPOT_TESTS_UNIT_EDGE_MQTT_BED_H
#define DEPOT_TESTS_UNIT_EDGE_MQTT_BED_H

#include "gateway/edge/mqtt.h"
#include "tests/support/mqtt_raw.h"
#include "tests/support/scratch.h"

#define BED_SCAN "depot/v1/org/s1/scan/d1"
#define BED_STATUS "depot/v1/org/s1/status"
#define BED_PATIENCE_MS 180000

struct mqtt_bed {
	struct scratch scratch;
	struct loop *loop;
	struct clock clock;
	struct wake ring_wake;
	struct loop_source *ring_source;
	struct ring *ring;
	struct mqtt *mqtt;
	struct mqtt_config config;
	char uri[64];
	struct err err;

	/* The diary. */
	unsigned states[MQTT_STOPPED + 1]; /* how often each was told */
	bool has_session;                  /* as told last with MQTT_UP */
	char reason[128];                  /* as told last with MQTT_DOWN */
	unsigned rooms;
	unsigned heard;
	unsigned trees;
	bool is_whole;
	void (*on_heard)(struct mqtt_bed *bed, const struct mqtt_heard *heard);
	uint64_t notes[64]; /* for on_heard */
};

static inline void bed_changed(void *context, const struct mqtt_change *change)
{
	struct mqtt_bed *bed = context;

	bed->states[change->state]++;
	if (change->state == MQTT_UP)
		bed->has_session = change->has_session;
	if (change->state == MQTT_DOWN) {
		assert_in_range(change->retry_ms, 500, 30000);
		assert_true(text_format(bed->reason, sizeof(bed->reason), "%s",
					change->reason));
	}
}

static inline void bed_room(void *context)
{
	struct mqtt_bed *bed = context;

	bed->rooms++;
}

static inline void bed_heard(void *context, const struct mqtt_heard *heard)
{
	struct mqtt_bed *bed = context;

	bed->heard++;
	if (bed->on_heard != NULL)
		bed->on_heard(bed, heard);
}

static inline void bed_tree_read(void *context, bool is_whole)
{
	struct mqtt_bed *bed = context;

	bed->trees++;
	bed->is_whole = is_whole;
}

/* The ring's wake only ends the loop's wait. */
static inline void bed_ring_woken(void *context, uint32_t what)
{
	(void)context;
	(void)what;
}

static const char *const bed_inputs[] = {"depot/v1/org/s1/scan/+",
					 "depot/v1/org/s1/shelf/+"};
static const char *const bed_watched[] = {"watched/+"};
static const char *const bed_tree[] = {"depot/v1/org/s1/stock/+",
				       "depot/v1/org/s1/alert/+"};

/* All but the client: a test may change bed->config before bed_client. */
static inline void bed_make(struct mqtt_bed *bed, uint16_t port,
			    uint32_t slot_count)
{
	struct ring_report report;
	struct ring_config ring = {.slot_count = slot_count,
				   .wake = &bed->ring_wake};
	char path[SCRATCH_PATH_SIZE];

	*bed = (struct mqtt_bed){.loop = NULL};
	scratch_make(&bed->scratch);
	ring.path = scratch_path(&bed->scratch, "ring", path);
	clock_init(&bed->clock, NULL, NULL);
	assert_done(loop_open(&bed->loop, &bed->err), &bed->err);
	assert_done(wake_init(&bed->ring_wake, &bed->err), &bed->err);
	assert_done(loop_add_wake(bed->loop, &bed->ring_wake,
				  (struct loop_call){bed_ring_woken, bed},
				  &bed->ring_source, &bed->err),
		    &bed->err);
	assert_done(ring_open(&ring, &bed->ring, &report, &bed->err),
		    &bed->err);
	assert_true(text_format(bed->uri, sizeof(bed->uri),
				"tcp://127.0.0.1:%u", port));
	bed->config = (struct mqtt_config){
		MQTT_CONFIG_DEFAULTS,
		.uri = bed->uri,
		.client_id = "depotd-s1",
		.inputs = bed_inputs,
		.input_count = ARRAY_LEN(bed_inputs),
		.watched = bed_watched,
		.watched_count = ARRAY_LEN(bed_watched),
		.tree = bed_tree,
		.tree_count = ARRAY_LEN(bed_tree),
		.tree_marker = "depot/v1/org/s1/own/marker",
		.will = {.topic = BED_STATUS, .payload = SPAN_LITERAL("lost")},
		.seed = 1,
		.loop = bed->loop,
		.ring = bed->ring,
		.clock = &bed->clock,
		.handlers = {.changed = bed_changed,
			     .room = bed_room,
			     .heard = bed_heard,
			     .tree_read = bed_tree_read,
			     .context = bed},
	};
}

static inline void bed_client(struct mqtt_bed *bed)
{
	assert_done(mqtt_open(&bed->config, &bed->mqtt, &bed->err), &bed->err);
	mqtt_start(bed->mqtt);
}

static inline void bed_end(struct mqtt_bed *bed)
{
	if (bed->loop == NULL)
		return;
	mqtt_close(bed->mqtt);
	ring_close(bed->ring);
	loop_remove(bed->ring_source);
	wake_release(&bed->ring_wake);
	loop_close(bed->loop);
	scratch_remove(&bed->scratch);
	bed->loop = NULL;
}

static inline void bed_step(struct mqtt_bed *bed, int timeout_ms)
{
	assert_done(loop_step(bed->loop, timeout_ms, &bed->err), &bed->err);
}

/* Runs the loop until @condition holds; gives up after BED_PATIENCE_MS, which
 * no healthy run comes near. */
#define BED_UNTIL(bed, condition)                                            \
	do {                                                                 \
		int64_t end_ =                                               \
			clock_monotonic_ms(&(bed)->clock) + BED_PATIENCE_MS; \
		while (!(condition)) {                                       \
			if (clock_monotonic_ms(&(bed)->clock) > end_)        \
				fail_msg("never: %s (state %d, reason %s)",  \
					 #condition,                         \
					 (int)mqtt_state((bed)->mqtt),       \
					 (bed)->reason);                     \
			bed_step((bed), 20);                                 \
		}                                                            \
	} while (0)

static inline void bed_until_up(struct mqtt_bed *bed)
{
	BED_UNTIL(bed, mqtt_state(bed->mqtt) == MQTT_UP);
}

/* Takes the oldest slot: true if its payload is @expected. */
static inline bool bed_take(struct mqtt_bed *bed, const char *expected)
{
	struct ring_slot slot;
	bool is_equal;

	assert_true(ring_peek(bed->ring, 0, &slot));
	is_equal = span_is(slot.message.payload, expected);
	ring_release_upto(bed->ring, slot.number);
	return is_equal;
}

static inline uint64_t bed_count(const struct mqtt_bed *bed,
				 enum mqtt_count which)
{
	return mqtt_count(bed->mqtt, which);
}

#endif
