/*
 * link_bed - what the tests of the links share: depotd's side, with a loop of
 * its own and a diary of what it was told.
 */
#ifndef DEPOT_TESTS_UNIT_EDGE_LINK_BED_H
#define DEPOT_TESTS_UNIT_EDGE_LINK_BED_H

#include <time.h>

#include "gateway/edge/link_server.h"
#include "tests/support/scratch.h"

#define LINK_BED_PATIENCE_MS 120000

struct link_bed {
	struct scratch scratch;
	char path[SCRATCH_PATH_SIZE];
	char days[SCRATCH_PATH_SIZE];
	struct loop *loop;
	struct clock clock;
	int64_t later_ms; /* what both clocks are ahead */
	int64_t wrong_ms; /* what the wall clock is ahead besides */
	struct link_server *server;
	struct err err;

	/* The diary. */
	struct link *link; /* told of last */
	unsigned ups;
	unsigned downs;
	unsigned messages;
	unsigned rooms;
	char reason[LINK_REASON_SIZE_MAX + 1];
	char topic[LINK_TOPIC_SIZE_MAX + 1];
	char payload[LINK_PAYLOAD_SIZE_MAX];
	size_t payload_size;
	bool is_retained;
	uint64_t bytes;
	void (*on_message)(struct link_bed *bed, struct link *link,
			   const struct link_message *message);
};

static inline int64_t bed_wall(void *context)
{
	struct link_bed *bed = context;
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + bed->later_ms + bed->wrong_ms;
}

static inline int64_t bed_monotonic(void *context)
{
	struct link_bed *bed = context;
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec +
	       bed->later_ms * 1000000;
}

static inline bool bed_is_synchronised(void *context)
{
	(void)context;
	return true;
}

static const struct clock_port link_bed_clock = {
	.wall_ms = bed_wall,
	.monotonic_ns = bed_monotonic,
	.boot_ns = bed_monotonic,
	.is_synchronised = bed_is_synchronised,
};

static inline void link_bed_up(void *context, struct link *link)
{
	struct link_bed *bed = context;

	assert_true(link_is_reached(link));
	bed->link = link;
	bed->ups++;
}

static inline void link_bed_down(void *context, struct link *link,
				 struct span reason)
{
	struct link_bed *bed = context;

	assert_false(link_is_reached(link));
	text_print(reason, bed->reason, sizeof(bed->reason));
	bed->downs++;
}

static inline void link_bed_message(void *context, struct link *link,
				    const struct link_message *message)
{
	struct link_bed *bed = context;

	text_print(message->topic, bed->topic, sizeof(bed->topic));
	bed->payload_size = message->payload.size;
	memcpy(bed->payload, message->payload.data, message->payload.size);
	bed->is_retained = message->is_retained;
	bed->bytes += message->payload.size;
	bed->messages++;
	if (bed->on_message != NULL)
		bed->on_message(bed, link, message);
}

static inline void link_bed_room(void *context, struct link *link)
{
	struct link_bed *bed = context;

	(void)link;
	bed->rooms++;
}

static inline void link_bed_open(struct link_bed *bed)
{
	struct link_server_config config = {
		.path = bed->path,
		.days = bed->days,
		.loop = bed->loop,
		.clock = &bed->clock,
		.handlers = {.up = link_bed_up,
			     .down = link_bed_down,
			     .message = link_bed_message,
			     .room = link_bed_room,
			     .context = bed},
	};

	assert_done(link_server_open(&config, &bed->server, &bed->err),
		    &bed->err);
}

static inline void link_bed_make(struct link_bed *bed)
{
	memset(bed, 0, sizeof(*bed));
	scratch_make(&bed->scratch);
	(void)scratch_path(&bed->scratch, LINK_SOCKET_NAME, bed->path);
	(void)scratch_path(&bed->scratch, "links", bed->days);
	clock_init(&bed->clock, &link_bed_clock, bed);
	assert_done(loop_open(&bed->loop, &bed->err), &bed->err);
	link_bed_open(bed);
}

static inline void link_bed_end(struct link_bed *bed)
{
	if (bed->loop == NULL)
		return;
	link_server_close(bed->server);
	loop_close(bed->loop);
	scratch_remove(&bed->scratch);
	bed->loop = NULL;
}

static inline int64_t link_bed_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Runs @step until @condition holds; gives up after a patience that no healthy
 * run comes near. */
#define LINK_UNTIL(step, condition)                                   \
	do {                                                          \
		int64_t end_ = link_bed_now() + LINK_BED_PATIENCE_MS; \
		while (!(condition)) {                                \
			if (link_bed_now() > end_)                    \
				fail_msg("never: %s", #condition);    \
			step;                                         \
		}                                                     \
	} while (0)

static inline void link_bed_step(struct link_bed *bed)
{
	assert_done(loop_step(bed->loop, 20, &bed->err), &bed->err);
}

static inline enum err_code link_bed_publish(struct link *link,
					     const char *topic,
					     struct span payload,
					     bool is_retained)
{
	struct link_message message = {.topic = span_of(topic),
				       .payload = payload,
				       .qos = 1,
				       .is_retained = is_retained};

	return link_server_publish(link, &message);
}

#endif
