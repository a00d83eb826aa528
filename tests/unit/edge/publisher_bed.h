/*
 * publisher_bed - a publisher between a real store and a broker that the test
 * plays: it keeps what is retained, counts, and refuses when told to.
 */
#ifndef DEPOT_TESTS_UNIT_EDGE_PUBLISHER_BED_H
#define DEPOT_TESTS_UNIT_EDGE_PUBLISHER_BED_H

#include "tests/support/warehouse.h"

#include "gateway/edge/publisher.h"
#include "tests/support/payload.h"

#define BED_TOPICS_MAX 32768
#define BED_PREFIX "depot/v1/acme/hz-01/"

/* What the broker knows of one topic. */
struct bed_topic {
	char *name; /* without the prefix; NULL: free */
	char *payload;
	size_t size;  /* 0: nothing is retained */
	size_t count; /* publications ever */
	size_t order; /* of the last one among all */
	int64_t last_ms;
	int64_t least_gap_ms; /* between two publications */
};

struct bed {
	struct warehouse w;
	struct publisher *publisher;
	struct publisher_now now;
	int64_t due_ms;
	struct bed_topic *topics; /* by hash of the name */
	size_t topic_count;
	size_t published; /* in all */
	size_t refused;
	size_t room; /* publications that the broker will still take */
	/* Called for each publication that was taken; may be NULL. */
	void (*watch)(struct bed *bed, const struct bed_topic *topic);
	struct payload payload;
};

static inline struct bed_topic *bed_topic(struct bed *bed, const char *name)
{
	uint64_t at = UINT64_C(14695981039346656037);
	struct bed_topic *topic;

	for (const char *c = name; *c != '\0'; c++)
		at = (at ^ (unsigned char)*c) * UINT64_C(1099511628211);
	topic = &bed->topics[at % BED_TOPICS_MAX];
	while (topic->name != NULL && strcmp(topic->name, name) != 0)
		topic = &bed->topics[++at % BED_TOPICS_MAX];
	if (topic->name == NULL) {
		assert_true(++bed->topic_count < BED_TOPICS_MAX / 2);
		topic->name = strdup(name);
		topic->least_gap_ms = INT64_MAX;
	}
	return topic;
}

static inline bool bed_is_retained_kind(const char *name)
{
	return strcmp(name, "changes") != 0;
}

static inline enum err_code bed_publish(void *context,
					const struct publication *p)
{
	struct bed *bed = context;
	struct bed_topic *topic;
	int64_t gap;

	assert_true(span_starts(span_of(p->topic), BED_PREFIX));
	assert_in_range(p->payload.size, 0, PAYLOAD_OUT_SIZE_MAX);
	topic = bed_topic(bed, p->topic + strlen(BED_PREFIX));
	assert_int_equal(p->is_retained, bed_is_retained_kind(topic->name));
	assert_int_equal(p->qos, p->is_retained ? 1 : 0);
	if (bed->room == 0) {
		bed->refused++;
		return ERR_AGAIN;
	}
	bed->room--;
	gap = bed->now.monotonic_ms - topic->last_ms;
	if (topic->count > 0 && gap < topic->least_gap_ms)
		topic->least_gap_ms = gap;
	free(topic->payload);
	topic->payload = NULL;
	topic->size = p->payload.size;
	if (topic->size > 0) {
		topic->payload = malloc(topic->size);
		assert_non_null(topic->payload);
		memcpy(topic->payload, p->payload.data, topic->size);
	}
	topic->count++;
	topic->order = ++bed->published;
	topic->last_ms = bed->now.monotonic_ms;
	if (bed->watch != NULL)
		bed->watch(bed, topic);
	return ERR_OK;
}

static inline struct publisher_plan bed_plan(void)
{
	return (struct publisher_plan){
		.rates = {.rate_per_item_per_s = 10,
			  .fresh_for_s = 180,
			  .status_interval_ms = 60000,
			  .chunk_interval_ms = 3000},
		.chunk_rows = 100,
		.items_max = 1000,
		.session = SPAN_LITERAL("run-1"),
		.version = SPAN_LITERAL("0.1.0"),
	};
}

static inline void bed_open(struct bed *bed, const struct publisher_plan *plan)
{
	struct publisher_sink sink = {bed_publish, bed};

	assert_done(publisher_open(plan, bed->w.ledger, &sink, &bed->publisher,
				   &bed->w.err),
		    &bed->w.err);
}

/* A second monotonic clock reading that is not near zero nor its low 32 bits'
 * end by chance: it is 3 s before they wrap, so that wrapping is always tried.
 */
#define BED_START_MS (INT64_C(0x100000000) - 3000)

static inline void bed_make(struct bed *bed)
{
	*bed = (struct bed){.room = SIZE_MAX};
	warehouse_open(&bed->w);
	bed->topics = calloc(BED_TOPICS_MAX, sizeof(*bed->topics));
	assert_non_null(bed->topics);
	bed->now =
		(struct publisher_now){.monotonic_ms = BED_START_MS,
				       .moment = {WAREHOUSE_START_MS + 3600000},
				       .clock_trusted = true};
}

static inline void bed_remove(struct bed *bed)
{
	publisher_close(bed->publisher);
	warehouse_close(&bed->w);
	for (size_t i = 0; i < BED_TOPICS_MAX; i++) {
		free(bed->topics[i].name);
		free(bed->topics[i].payload);
	}
	free(bed->topics);
}

static inline void bed_pass(struct bed *bed, int64_t ms)
{
	bed->now.monotonic_ms += ms;
	bed->now.moment.ms += ms;
}

/* One call of publisher_run. */
static inline void bed_run(struct bed *bed)
{
	assert_done(publisher_run(bed->publisher, &bed->now, &bed->due_ms,
				  &bed->w.err),
		    &bed->w.err);
	assert_true(bed->due_ms >= bed->now.monotonic_ms);
}

/* Runs until nothing is due at this moment. Returns the number of runs. */
static inline size_t bed_settle(struct bed *bed)
{
	size_t runs = 0;

	do {
		bed_run(bed);
		assert_true(++runs < 100000);
	} while (bed->due_ms <= bed->now.monotonic_ms);
	return runs;
}

/* Lets @ms pass, running whenever something is due. */
static inline void bed_live(struct bed *bed, int64_t ms)
{
	int64_t end = bed->now.monotonic_ms + ms;

	(void)bed_settle(bed);
	while (bed->due_ms <= end) {
		bed_pass(bed, bed->due_ms - bed->now.monotonic_ms);
		(void)bed_settle(bed);
	}
	bed_pass(bed, end - bed->now.monotonic_ms);
}

/* Reads what is retained (or was last sent) on @name, which there must be. */
static inline struct payload *bed_read(struct bed *bed, const char *name)
{
	struct bed_topic *topic = bed_topic(bed, name);

	if (topic->size == 0)
		fail_msg("nothing on %s", name);
	memcpy(bed->payload.buffer, topic->payload, topic->size);
	bed->payload.out.size = topic->size;
	payload_parse(&bed->payload,
		      (struct span){bed->payload.buffer, topic->size});
	return &bed->payload;
}

static inline bool bed_holds(struct bed *bed, const char *name)
{
	return bed_topic(bed, name)->size > 0;
}

static inline size_t bed_count(struct bed *bed, const char *name)
{
	return bed_topic(bed, name)->count;
}

static inline int64_t bed_figure(struct bed *bed, const char *topic,
				 const char *figure)
{
	return payload_int(bed_read(bed, topic), figure);
}

/* A bed with a publisher of the usual plan, and its end: cmocka's. */
static inline int bed_setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct publisher_plan plan = bed_plan();

	assert_non_null(bed);
	bed_make(bed);
	bed_open(bed, &plan);
	*state = bed;
	return 0;
}

static inline int bed_teardown(void **state)
{
	struct bed *bed = *state;

	bed_remove(bed);
	free(bed);
	return 0;
}

#endif
