/*
 * A session while something else brings what it fetches: the credit that this
 * costs the server is given back, and the session goes on.
 */
#include "tests/support/peers.h"

#define MINUTE_MS 60000

static const struct sync_config small = {
	.feeds_max = 16, .peers_max = 8, .waiting_max = 32};

static const struct feed_id fed = {SITE_FIRST + 1, 1, 0};

/* A stick with the feed of box 1 up to @last is read at box 0. */
static void stick_read(struct bed *bed, uint64_t last)
{
	static struct sent sent;
	struct box *to = &bed->boxes[0];
	struct sync_step step;

	for (uint64_t seq = box_seq(to, fed.site) + 1; seq <= last; seq++) {
		enum admission verdict;

		node_send(&bed->boxes[1].node, fed, seq, &sent);
		assert_code(feed_admit(to->node.desk, to->node.t.txn, fed,
				       &sent.delta, &verdict, &bed->err),
			    ERR_OK);
		assert_string_equal(admission_name(verdict), "applied");
		feed_desk_committed(to->node.desk);
	}
	step = box_step(to);
	assert_done(sync_carried(to->sync, &step, &bed->err), &bed->err);
	box_work(to);
}

/* A session of box 0 is fetching a long feed of box 1. */
static struct bed *fetching(uint64_t seed, uint32_t twice)
{
	struct bed *bed = bed_open(2, 2, test_seed(seed), &small);
	struct box *from = &bed->boxes[1];
	struct sync_step step;

	bed_links(bed, true);
	(void)bed_settle(bed, 2 * MINUTE_MS);
	bed_run(bed, MINUTE_MS);
	bed_links(bed, false);
	bed_receive_uneven(bed, &from->node, fed.site);
	step = box_step(from);
	assert_done(sync_grew(from->sync, &step, &bed->err), &bed->err);
	bed->late_ms = 300;
	bed->twice = twice;
	bed_links(bed, true);
	for (int i = 0; i < 600 && box_seq(&bed->boxes[0], fed.site) < 50; i++)
		bed_run(bed, BED_STEP_MS);
	assert_in_range(box_seq(&bed->boxes[0], fed.site), 50,
			BED_UNEVEN_DELTAS / 2);
	return bed;
}

/* Method: 640 deltas, a few of which are fetched when a stick brings all but
 * the last 40; with a broker that repeats nothing, and with one that repeats
 * every second frame. */
static void a_stick_does_not_stall_the_session_that_fetches(void **state)
{
	(void)state;
	for (uint32_t twice = 0; twice <= 50; twice += 50) {
		struct bed *bed = fetching(1 + twice, twice);
		uint64_t packs;

		packs = box_counts(&bed->boxes[1]).packs_served;
		stick_read(bed, BED_UNEVEN_DELTAS - 40);
		(void)bed_settle(bed, 2 * MINUTE_MS);
		packs = box_counts(&bed->boxes[1]).packs_served - packs;
		printf("%llu packs more\n", (unsigned long long)packs);
		assert_true(packs > 1);
		assert_int_equal(box_counts(&bed->boxes[0]).stalls, 0);
		bed_close(bed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_stick_does_not_stall_the_session_that_fetches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
