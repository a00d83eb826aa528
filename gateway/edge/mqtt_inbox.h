/*
 * mqtt_inbox - where an arriving message goes: ring, loop, or nowhere.
 *
 * Layer     gateway/edge; internal to mqtt.c, and free of Paho
 * Threads   inbox_take: Paho's receive thread; inbox_hear: the loop's; the
 *           counters and `reading`: any
 *
 * What the broker sends is not believed: topics may hold NUL or wildcards, may
 * be empty, or may be none that we asked for.
 */
#ifndef DEPOT_GATEWAY_EDGE_MQTT_INBOX_H
#define DEPOT_GATEWAY_EDGE_MQTT_INBOX_H

#include <stdatomic.h>

#include "gateway/edge/mqtt.h"
#include "gateway/edge/packets.h"
#include "gateway/edge/queue.h"

/* Filters, copied at the start and never changed. */
struct filters {
	char *texts[MQTT_FILTERS_MAX];
	size_t count;
};

struct heard; /* mqtt_inbox.c */

struct inbox {
	struct ring *ring;
	struct packets *packets; /* NULL: none */
	const struct clock *clock;
	struct filters inputs;
	struct filters watched;
	struct filters tree;
	const char *tree_marker;
	const struct mqtt_handlers *handlers;
	struct queue *heard;
	uint32_t heard_size_max;
	struct heard *coming;     /* Paho's thread puts one together here */
	struct heard *going;      /* the loop's takes it apart here */
	bool is_deaf;             /* the loop's */
	_Atomic uint64_t reading; /* the marker's number while the own tree is
				   * read; 0: it is not */
	_Atomic uint64_t counts[MQTT_COUNTS];
};

/* One message that arrived; the spans are borrowed. */
struct arrival {
	struct span topic;
	struct span payload;
	struct span response;    /* MQTT 5's Response Topic; empty: none */
	struct span correlation; /* and Correlation Data, any bytes */
	uint16_t packet_id;
	uint8_t qos;
	bool is_dup;
	bool is_retained;
};

enum inbox_result {
	INBOX_DONE,   /* nothing more to do */
	INBOX_PUSHED, /* in the ring */
	INBOX_FULL,   /* the ring has no room: it must not be acknowledged */
	INBOX_MARKER, /* the own tree's end */
};

/* Copies the message where it belongs. Never blocks, allocates nothing. */
enum inbox_result inbox_take(struct inbox *inbox,
			     const struct arrival *arrival);

/* Calls `heard` for what waits, at most one queue full, unless it is deaf.
 * Returns false if more has come meanwhile. The loop. */
bool inbox_hear(struct inbox *inbox);

/* Of @config, which is borrowed until inbox_close. ERR_FULL: no memory. */
MUST_CHECK enum err_code inbox_open(struct inbox *inbox,
				    const struct mqtt_config *config,
				    struct wake *wake, struct err *err);
/* Takes an all-zero inbox. */
void inbox_close(struct inbox *inbox);

static inline void inbox_count(struct inbox *inbox, enum mqtt_count which)
{
	atomic_fetch_add_explicit(&inbox->counts[which], 1,
				  memory_order_relaxed);
}

#endif
