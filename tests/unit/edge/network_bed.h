/*
 * network_bed - HQ's publisher, with a real store that hears authors' deltas, a
 * broker that the test plays, and a clock that the test moves.
 */
#ifndef DEPOT_TESTS_NETWORK_BED_H
#define DEPOT_TESTS_NETWORK_BED_H

#include "tests/support/feeds.h"

#include "gateway/edge/publisher_network.h"
#include "tests/support/payload.h"

#define A SITE_FIRST
#define B (SITE_FIRST + 1)
#define HQ 99 /* it has no journal here, and is none of the four */
#define PREFIX "depot/v1/acme/"
#define NETWORK_LEVEL "network/" /* left out of the names that are kept */
#define TOPICS_MAX 2048

struct kept {
	char name[64];
	char payload[PAYLOAD_OUT_SIZE_MAX];
	size_t size;
	size_t count;
};

struct bed {
	struct feeds feeds;
	struct node hq;
	struct publisher_network *network;
	struct publisher_now now;
	int64_t due_ms;
	size_t room;
	size_t published;
	size_t topic_count;
	struct kept *topics;
	struct network_head heads[2];
	size_t head_count;
	struct payload payload;
};

static inline struct kept *kept_at(struct bed *bed, const char *name)
{
	for (size_t i = 0; i < bed->topic_count; i++)
		if (strcmp(bed->topics[i].name, name) == 0)
			return &bed->topics[i];
	assert_true(bed->topic_count < TOPICS_MAX);
	assert_true(text_format(bed->topics[bed->topic_count].name, 64, "%s",
				name));
	return &bed->topics[bed->topic_count++];
}

static inline enum err_code on_publish(void *context,
				       const struct publication *p)
{
	struct bed *bed = context;
	struct kept *kept;
	const char *name;

	assert_true(span_starts(span_of(p->topic), PREFIX));
	assert_in_range(p->payload.size, 0, PAYLOAD_OUT_SIZE_MAX);
	assert_true(p->is_retained);
	assert_int_equal(p->qos, 1);
	if (bed->room == 0)
		return ERR_AGAIN;
	bed->room--;
	bed->published++;
	name = p->topic + strlen(PREFIX);
	if (span_starts(span_of(name), NETWORK_LEVEL))
		name += strlen(NETWORK_LEVEL);
	kept = kept_at(bed, name);
	memcpy(kept->payload, p->payload.data, p->payload.size);
	kept->size = p->payload.size;
	kept->count++;
	return ERR_OK;
}

static inline size_t heads_of(void *context,
			      struct network_head heads[NETWORK_HEADS_MAX])
{
	struct bed *bed = context;

	memcpy(heads, bed->heads, sizeof(bed->heads));
	return bed->head_count;
}

static inline void hear(struct bed *bed)
{
	node_hear_all(&bed->hq, &bed->feeds, SITE_CONTROL);
	for (uint32_t i = 0; i < FEEDS_SITES; i++)
		node_hear_all(&bed->hq, &bed->feeds, SITE_FIRST + i);
	tables_commit(&bed->hq.t);
}

static inline int setup_shown(void **state, enum network_sites_shown shown)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct publisher_network_plan plan = {
		.org = SPAN_LITERAL("acme"),
		.site = HQ,
		.shown = shown,
		.rates = {.fresh_for_s = 180, .status_interval_ms = 60000}};
	struct publisher_sink sink = {on_publish, bed};

	assert_non_null(bed);
	bed->topics = calloc(TOPICS_MAX, sizeof(*bed->topics));
	assert_non_null(bed->topics);
	feeds_open(&bed->feeds);
	node_open(&bed->hq, &bed->feeds);
	tables_commit(&bed->hq.t);
	plan.net_id = bed->feeds.net_id;
	assert_code(publisher_network_open(&plan, bed->hq.t.env, &sink,
					   &bed->network, NULL),
		    ERR_OK);
	publisher_network_heads(bed->network, heads_of, bed);
	bed->room = SIZE_MAX;
	bed->now = (struct publisher_now){.monotonic_ms = 1000000,
					  .moment = {FEEDS_START_MS + 1000},
					  .clock_trusted = true};
	*state = bed;
	return 0;
}

/* Nothing but the network's own topics. */
static inline int setup(void **state)
{
	return setup_shown(state, NETWORK_SITES_NONE);
}

static inline int teardown(void **state)
{
	struct bed *bed = *state;

	publisher_network_close(bed->network);
	node_close(&bed->hq);
	feeds_close(&bed->feeds);
	free(bed->topics);
	free(bed);
	return 0;
}

static inline void run(struct bed *bed)
{
	assert_code(publisher_network_run(bed->network, &bed->now, &bed->due_ms,
					  NULL),
		    ERR_OK);
}

/* Time goes by, and each call comes when it is due. */
static inline void live(struct bed *bed, int64_t ms)
{
	int64_t end = bed->now.monotonic_ms + ms;

	for (;;) {
		int64_t step;

		run(bed);
		assert_true(bed->due_ms > bed->now.monotonic_ms);
		step = (bed->due_ms < end ? bed->due_ms : end) -
		       bed->now.monotonic_ms;
		bed->now.monotonic_ms += step;
		bed->now.moment.ms += step;
		if (bed->now.monotonic_ms >= end)
			break;
	}
	run(bed);
}

static inline const struct payload *kept_read(struct bed *bed, const char *name)
{
	const struct kept *kept = kept_at(bed, name);

	assert_true(kept->size > 0);
	payload_parse(&bed->payload, (struct span){kept->payload, kept->size});
	return &bed->payload;
}

static inline void receive(struct bed *bed, uint32_t site, const char *sku,
			   int64_t units)
{
	(void)feeds_move(&bed->feeds, site, MOVEMENT_RECEIVE, sku, units,
			 "supplier:acme", "DOCK");
}

#endif
