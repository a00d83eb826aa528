/*
 * HQ's publisher: what is retained at the broker is what the feeds say, and
 * says how old that is.
 *
 * Method: a real store that hears authors' deltas, a broker that the test
 * plays, and a clock that the test moves.
 */
#include "tests/support/feeds.h"

#include "gateway/edge/publisher_network.h"
#include "tests/support/payload.h"

#define A SITE_FIRST
#define B (SITE_FIRST + 1)
#define HQ 99 /* it has no journal here, and is none of the four */
#define PREFIX "depot/v1/acme/network/"
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

static struct kept *kept_at(struct bed *bed, const char *name)
{
	for (size_t i = 0; i < bed->topic_count; i++)
		if (strcmp(bed->topics[i].name, name) == 0)
			return &bed->topics[i];
	assert_true(bed->topic_count < TOPICS_MAX);
	assert_true(text_format(bed->topics[bed->topic_count].name, 64, "%s",
				name));
	return &bed->topics[bed->topic_count++];
}

static enum err_code on_publish(void *context, const struct publication *p)
{
	struct bed *bed = context;
	struct kept *kept;

	assert_true(span_starts(span_of(p->topic), PREFIX));
	assert_in_range(p->payload.size, 0, PAYLOAD_OUT_SIZE_MAX);
	assert_true(p->is_retained);
	assert_int_equal(p->qos, 1);
	if (bed->room == 0)
		return ERR_AGAIN;
	bed->room--;
	bed->published++;
	kept = kept_at(bed, p->topic + strlen(PREFIX));
	memcpy(kept->payload, p->payload.data, p->payload.size);
	kept->size = p->payload.size;
	kept->count++;
	return ERR_OK;
}

static size_t heads_of(void *context,
		       struct network_head heads[NETWORK_HEADS_MAX])
{
	struct bed *bed = context;

	memcpy(heads, bed->heads, sizeof(bed->heads));
	return bed->head_count;
}

static void hear(struct bed *bed)
{
	node_hear_all(&bed->hq, &bed->feeds, SITE_CONTROL);
	for (uint32_t i = 0; i < FEEDS_SITES; i++)
		node_hear_all(&bed->hq, &bed->feeds, SITE_FIRST + i);
	tables_commit(&bed->hq.t);
}

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct publisher_network_plan plan = {
		.org = SPAN_LITERAL("acme"),
		.site = HQ,
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

static int teardown(void **state)
{
	struct bed *bed = *state;

	publisher_network_close(bed->network);
	node_close(&bed->hq);
	feeds_close(&bed->feeds);
	free(bed->topics);
	free(bed);
	return 0;
}

static void run(struct bed *bed)
{
	assert_code(publisher_network_run(bed->network, &bed->now, &bed->due_ms,
					  NULL),
		    ERR_OK);
}

/* Time goes by, and each call comes when it is due. */
static void live(struct bed *bed, int64_t ms)
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

static const struct payload *kept_read(struct bed *bed, const char *name)
{
	const struct kept *kept = kept_at(bed, name);

	assert_true(kept->size > 0);
	payload_parse(&bed->payload, (struct span){kept->payload, kept->size});
	return &bed->payload;
}

static void receive(struct bed *bed, uint32_t site, const char *sku,
		    int64_t units)
{
	(void)feeds_move(&bed->feeds, site, MOVEMENT_RECEIVE, sku, units,
			 "supplier:acme", "DOCK");
}

static void
what_the_sites_did_is_retained_and_only_what_changed_again(void **state)
{
	struct bed *bed = *state;
	size_t tea;

	run(bed);
	assert_int_equal(bed->published, 0); /* nobody listens */
	receive(bed, A, "TEA", 5);
	receive(bed, B, "TEA", 7);
	receive(bed, B, "MUG", 1);
	hear(bed);
	publisher_network_connected(bed->network);
	live(bed, 2000);
	assert_int_equal(payload_int(kept_read(bed, "stock/TEA"), "on_hand"),
			 12);
	assert_int_equal(payload_int(&bed->payload, "sites"), 2);
	assert_int_equal(payload_count(payload_at(kept_read(bed, "stock/TEA/0"),
						  "rows")),
			 2);
	tea = kept_at(bed, "stock/TEA")->count;
	receive(bed, A, "MUG", 2);
	hear(bed);
	live(bed, 2000);
	assert_int_equal(payload_int(kept_read(bed, "stock/MUG"), "on_hand"),
			 3);
	assert_int_equal(kept_at(bed, "stock/TEA")->count, tea);
}

/* Undone: no balance is left that would tell; the delta's row does. */
static void what_was_undone_is_cleared(void **state)
{
	struct bed *bed = *state;

	receive(bed, A, "TEA", 5);
	hear(bed);
	publisher_network_connected(bed->network);
	live(bed, 2000);
	assert_true(kept_at(bed, "stock/TEA/0")->size > 0);
	(void)feeds_move(&bed->feeds, A, MOVEMENT_REVERSE, "TEA", 5, "DOCK",
			 "supplier:acme");
	hear(bed);
	live(bed, 2000);
	assert_int_equal(kept_at(bed, "stock/TEA")->size, 0);
	assert_int_equal(kept_at(bed, "stock/TEA")->count, 2);
	assert_int_equal(kept_at(bed, "stock/TEA/0")->size, 0);
}

static void beat(struct bed *bed, uint32_t index, uint32_t site)
{
	struct feed_record feed =
		node_feed(&bed->hq, (struct feed_id){site, 1, 0});

	bed->heads[index] = (struct network_head){
		.site = site,
		.epoch = 1,
		.seq = feed.seq,
		.stamp = {(uint64_t)bed->now.moment.ms << STAMP_COUNTER_BITS},
		.clock_trusted = true};
	bed->head_count = 2;
}

/* A's link is cut; B's heads go on, each minute. */
static void a_site_that_is_silent_is_stale_until_it_speaks(void **state)
{
	struct bed *bed = *state;
	size_t mug;

	receive(bed, A, "TEA", 5);
	receive(bed, B, "TEA", 7);
	receive(bed, B, "MUG", 1);
	hear(bed);
	publisher_network_connected(bed->network);
	beat(bed, 0, A);
	live(bed, 2000);
	assert_int_equal(payload_int(kept_read(bed, "stock/TEA"), "stale"), 0);
	assert_int_equal(payload_int(kept_read(bed, "status"), "stale"), 0);
	assert_int_equal(payload_int(&bed->payload, "covered"), FEEDS_SITES);
	mug = kept_at(bed, "stock/MUG")->count;
	for (int i = 0; i < 4; i++) {
		beat(bed, 1, B);
		live(bed, 60000);
	}
	assert_int_equal(payload_int(kept_read(bed, "stock/TEA"), "stale"), 1);
	assert_int_equal(payload_int(&bed->payload, "on_hand"), 12);
	/* And the two that never spoke again since their founding. */
	assert_int_equal(payload_int(kept_read(bed, "status"), "stale"), 3);
	/* Nothing that A has to do with. */
	assert_int_equal(kept_at(bed, "stock/MUG")->count, mug);
	beat(bed, 0, A);
	live(bed, 2000);
	assert_int_equal(payload_int(kept_read(bed, "stock/TEA"), "stale"), 0);
	assert_int_equal(payload_int(kept_read(bed, "status"), "stale"), 2);
}

/* A head that was retained at a broker for an hour is no news. */
static void an_old_head_makes_nobody_fresh(void **state)
{
	struct bed *bed = *state;

	receive(bed, A, "TEA", 5);
	hear(bed);
	beat(bed, 0, A);
	bed->now.moment.ms += 3600000;
	publisher_network_connected(bed->network);
	live(bed, 2000);
	assert_int_equal(payload_int(kept_read(bed, "stock/TEA"), "stale"), 1);
}

/* 300 items wait, the broker takes 10 a round: none is lost, and the status
 * does not say that all is out before it is. */
static void a_full_broker_delays_and_loses_nothing(void **state)
{
	struct bed *bed = *state;
	char name[32];
	size_t early = 0;
	size_t whole = 0;

	for (int i = 0; i < 300; i++) {
		assert_true(text_format(name, sizeof(name), "I%03d", i));
		receive(bed, A, name, i + 1);
	}
	hear(bed);
	publisher_network_connected(bed->network);
	for (int i = 0; i < 100; i++) {
		bed->room = 10;
		live(bed, NETWORK_ROUND_MS);
		if (kept_at(bed, "status")->size == 0 ||
		    payload_is_null(kept_read(bed, "status"), "oldest_as_of"))
			early++;
		else if (whole++ == 0)
			/* A page and a total each, and at least a status. */
			assert_true(bed->topic_count > 600);
	}
	assert_in_range(early, 600 / 10, 90);
	assert_true(whole > 0);
	for (int i = 0; i < 300; i++) {
		assert_true(text_format(name, sizeof(name), "stock/I%03d", i));
		assert_int_equal(payload_int(kept_read(bed, name), "on_hand"),
				 i + 1);
	}
}

/* The broker came back with nothing: all is said again. */
static void after_a_connect_everything_is_published_again(void **state)
{
	struct bed *bed = *state;

	receive(bed, A, "TEA", 5);
	hear(bed);
	publisher_network_connected(bed->network);
	live(bed, 2000);
	publisher_network_disconnected(bed->network);
	live(bed, 0);
	bed->topic_count = 0;
	memset(bed->topics, 0, TOPICS_MAX * sizeof(*bed->topics));
	publisher_network_connected(bed->network);
	live(bed, 2000);
	assert_int_equal(payload_int(kept_read(bed, "stock/TEA"), "on_hand"),
			 5);
	assert_true(kept_at(bed, "stock/TEA/0")->size > 0);
	assert_true(kept_at(bed, "status")->size > 0);
}

/* More news than a look reads, and far more: every item comes out right. */
static void news_by_the_hundred_are_all_looked_at(void **state)
{
	struct bed *bed = *state;

	receive(bed, A, "TEA", 1);
	hear(bed);
	publisher_network_connected(bed->network);
	live(bed, 2000);
	for (int i = 0; i < 100; i++)
		receive(bed, A, i % 2 == 0 ? "TEA" : "MUG", 1);
	receive(bed, A, "CUP", 1);
	hear(bed);
	live(bed, 2000);
	/* Only the last of them says so. */
	assert_int_equal(payload_int(kept_read(bed, "stock/CUP"), "on_hand"),
			 1);
	assert_int_equal(payload_int(kept_read(bed, "stock/TEA"), "on_hand"),
			 51);
	assert_int_equal(payload_int(kept_read(bed, "stock/MUG"), "on_hand"),
			 50);
	for (int i = 0; i < NETWORK_BEHIND_MAX + 10; i++)
		receive(bed, A, "TEA", 1);
	receive(bed, A, "CUP", 1);
	hear(bed);
	live(bed, 3000);
	assert_int_equal(payload_int(kept_read(bed, "stock/TEA"), "on_hand"),
			 61 + NETWORK_BEHIND_MAX);
	assert_int_equal(payload_int(kept_read(bed, "stock/CUP"), "on_hand"),
			 2);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_the_sites_did_is_retained_and_only_what_changed_again),
		T(what_was_undone_is_cleared),
		T(a_site_that_is_silent_is_stale_until_it_speaks),
		T(an_old_head_makes_nobody_fresh),
		T(a_full_broker_delays_and_loses_nothing),
		T(after_a_connect_everything_is_published_again),
		T(news_by_the_hundred_are_all_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
