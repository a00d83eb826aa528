/*
 * ring_bed - what the tests of the ring share: a ring in a scratch folder and
 * messages whose content follows from their number.
 */
#ifndef DEPOT_TESTS_UNIT_EDGE_RING_BED_H
#define DEPOT_TESTS_UNIT_EDGE_RING_BED_H

#include <fcntl.h>
#include <sys/stat.h>

#include "gateway/edge/ring.h"
#include "tests/support/scratch.h"

struct bed {
	struct scratch scratch;
	char path[SCRATCH_PATH_SIZE];
	struct wake wake;
	struct ring *ring;
	struct ring_report report;
	struct err err;
	uint64_t pushed; /* numbers given so far */
};

/* A message that is made, and checked, from its number alone. */
struct made {
	struct ring_message message;
	char topic[TOPIC_IN_SIZE_MAX];
	char payload[PAYLOAD_IN_SIZE_MAX];
};

static inline void made_fill(struct made *made, uint64_t number)
{
	uint64_t random = number;
	size_t size = 8 + test_random(&random) % (number % 16 == 0 ? 3000 : 90);
	int topic_size;

	topic_size = snprintf(made->topic, sizeof(made->topic),
			      "depot/v1/org/site/scan/d%u",
			      (unsigned)(number % 977));
	for (size_t i = 0; i < size; i += 8) {
		uint64_t word = test_random(&random);

		memcpy(made->payload + i, &word, 8);
	}
	made->message = (struct ring_message){
		.topic = {made->topic, (size_t)topic_size},
		.payload = {made->payload, size},
		.response = {made->topic, number % 4 == 0 ? 7 : 0},
		.correlation = {made->payload, number % 6 == 0 ? 8 : 0},
		.arrived = {{1700000000000 + (int64_t)number}, number % 3 == 0},
		.packet_id = (uint16_t)number,
		.qos = (uint8_t)(number % 3),
		.is_dup = number % 5 == 0,
		.is_retained = number % 7 == 0,
	};
}

static inline bool slot_is_made(const struct ring_slot *slot)
{
	struct made made;
	const struct ring_message *a = &slot->message;
	const struct ring_message *b = &made.message;

	made_fill(&made, slot->number);
	return span_equal(a->topic, b->topic) &&
	       span_equal(a->payload, b->payload) &&
	       span_equal(a->response, b->response) &&
	       span_equal(a->correlation, b->correlation) &&
	       slot->payload_size == b->payload.size && !slot->is_cut &&
	       a->arrived.moment.ms == b->arrived.moment.ms &&
	       a->arrived.is_trusted == b->arrived.is_trusted &&
	       a->packet_id == b->packet_id && a->qos == b->qos &&
	       a->is_dup == b->is_dup && a->is_retained == b->is_retained;
}

static inline enum err_code bed_try_open(struct bed *bed, uint32_t slot_count,
					 uint64_t last_taken)
{
	struct ring_config config = {.path = bed->path,
				     .slot_count = slot_count,
				     .last_taken = last_taken,
				     .wake = &bed->wake};

	return ring_open(&config, &bed->ring, &bed->report, &bed->err);
}

static inline void bed_open(struct bed *bed, uint32_t slot_count,
			    uint64_t last_taken)
{
	assert_done(bed_try_open(bed, slot_count, last_taken), &bed->err);
}

static inline void bed_close(struct bed *bed)
{
	ring_close(bed->ring);
	bed->ring = NULL;
}

static inline enum err_code bed_push(struct bed *bed)
{
	struct made made;
	enum err_code code;

	made_fill(&made, bed->pushed + 1);
	code = ring_push(bed->ring, &made.message);
	if (code == ERR_OK)
		bed->pushed++;
	return code;
}

static inline void bed_push_many(struct bed *bed, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_code(bed_push(bed), ERR_OK);
}

/* The number of the waiting slot at @index, whose content is right. */
static inline uint64_t bed_number(const struct bed *bed, uint32_t index)
{
	struct ring_slot slot;

	assert_true(ring_peek(bed->ring, index, &slot));
	assert_true(slot_is_made(&slot));
	return slot.number;
}

static inline int bed_setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	scratch_make(&bed->scratch);
	(void)scratch_path(&bed->scratch, "intake.ring", bed->path);
	assert_done(wake_init(&bed->wake, &bed->err), &bed->err);
	*state = bed;
	return 0;
}

static inline int bed_teardown(void **state)
{
	struct bed *bed = *state;

	ring_close(bed->ring);
	wake_release(&bed->wake);
	scratch_remove(&bed->scratch);
	free(bed);
	return 0;
}

/* Changes one byte of the file to another value. */
static inline void file_flip(const char *path, off_t at, uint8_t bits)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= bits;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	(void)close(fd);
}

#endif
