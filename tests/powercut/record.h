/*
 * record - the wrapped calls, and what they noted.
 *
 * Layer     tests; between record.c and those who read it
 */
#ifndef DEPOT_TESTS_POWERCUT_RECORD_H
#define DEPOT_TESTS_POWERCUT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
	EVENT_WRITE,
	EVENT_SYNC,
	EVENT_ACK,
};

struct event {
	enum event_kind kind;
	bool is_dsync;   /* write: on the disk when it returned */
	uint64_t offset; /* write */
	size_t size;     /* write */
	uint8_t *bytes;  /* write */
	uint64_t acked;  /* ack */
};

struct record {
	uint8_t *base; /* the file when the recording began */
	size_t size;   /* of the file, which does not change */
	struct event *events;
	size_t count;
	size_t room;
};

/* What powercut_begin to powercut_end noted. */
const struct record *record_taken(void);

/* Tells record_is_touched about writes to the file at @path from now on. */
void record_watch(const char *path);
/* True if the watched file was written since record_watch. */
bool record_is_touched(void);

#endif
