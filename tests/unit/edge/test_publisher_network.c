/*
 * HQ's publisher: what is retained at the broker is what the feeds say, and
 * says how old that is.
 *
 * Method: a real store that hears authors' deltas, a broker that the test
 * plays, and a clock that the test moves.
 */
#include "tests/unit/edge/network_bed.h"

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
