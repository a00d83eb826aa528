/*
 * A delta that this box holds and cannot read: its feed waits and is named, and
 * every other feed goes on.
 */
#include "tests/support/peers.h"

#define MINUTE_MS 60000

static const struct sync_config small = {
	.feeds_max = 16, .peers_max = 8, .waiting_max = 32};

/* Three boxes; box 0's feed has five deltas at box 1. */
static struct bed *settled(uint64_t seed)
{
	struct bed *bed = bed_open(3, 3, test_seed(seed), &small);

	bed_links(bed, true);
	(void)bed_settle(bed, 2 * MINUTE_MS);
	for (int i = 0; i < 4; i++)
		box_receive(&bed->boxes[0], 1);
	(void)bed_settle(bed, 2 * MINUTE_MS);
	return bed;
}

/* Flips a bit of delta @seq of box 0's feed in box 1's store; again: flips it
 * back. */
static void damage_flip(struct bed *bed, uint64_t seq)
{
	struct box *box = &bed->boxes[1];

	tables_flip(&box->node.t, TABLE_DELTA,
		    box_seq(box, SITE_CONTROL) + seq - 1);
}

static struct sync_feed_status status_of(const struct box *box, uint32_t site)
{
	struct sync_feed_status status = {0};

	for (size_t i = 0; sync_feed_at(box->sync, i, &status); i++)
		if (status.record.id.site == site)
			return status;
	fail_msg("no such feed");
	return status;
}

/* Method: the delta that the next one follows is damaged at box 1; both others
 * book, as news and then as a backlog; then it is mended. */
static void a_feed_that_cannot_be_read_holds_up_no_other_one(void **state)
{
	struct bed *bed = settled(1);
	struct box *box = &bed->boxes[1];
	struct sync_feed_status status;
	uint64_t seq = box_seq(box, SITE_FIRST);

	(void)state;
	damage_flip(bed, seq);
	box_receive(&bed->boxes[0], 1);
	box_receive(&bed->boxes[2], 1);
	bed_run(bed, 2000);
	assert_int_equal(box_seq(box, SITE_FIRST), seq);
	assert_int_equal(box_seq(box, SITE_FIRST + 2), 2);
	status = status_of(box, SITE_FIRST);
	assert_int_equal(status.damaged_seq, seq);
	assert_true(status.damaged_ms != 0);
	assert_true(box_counts(box).reads_failed > 0);
	assert_int_equal(status_of(box, SITE_FIRST + 2).damaged_seq, 0);

	box_link(box, false);
	for (int i = 0; i < 12; i++) {
		bed_receive(bed, &bed->boxes[0].node, SITE_FIRST, 1);
		box_receive(&bed->boxes[2], 1);
	}
	box_link(box, true);
	bed_run(bed, 3 * MINUTE_MS);
	assert_int_equal(box_seq(box, SITE_FIRST), seq);
	assert_int_equal(box_seq(box, SITE_FIRST + 2), 14);
	assert_in_range(box_counts(box).reads_failed, 2, 60);
	assert_int_equal(box_counts(box).waiting, 0);

	damage_flip(bed, seq);
	(void)bed_settle(bed, 20 * MINUTE_MS);
	assert_int_equal(status_of(box, SITE_FIRST).damaged_seq, 0);
	bed_close(bed);
}

/* Method: box 1 is asked by box 2, which was away, for a feed of which a delta
 * in the middle is damaged, and for its own; box 0 is away. */
static void what_cannot_be_read_is_not_served_and_all_else_is(void **state)
{
	struct bed *bed = settled(2);
	struct box *box = &bed->boxes[2];
	uint64_t seq = box_seq(box, SITE_FIRST);

	(void)state;
	box_link(box, false);
	for (int i = 0; i < 20; i++) {
		box_receive(&bed->boxes[0], 1);
		bed_run(bed, 2000);
		box_receive(&bed->boxes[1], 1);
	}
	assert_int_equal(box_seq(&bed->boxes[1], SITE_FIRST), seq + 20);
	box_link(&bed->boxes[0], false);
	damage_flip(bed, seq + 10);
	box_link(box, true);
	bed_run(bed, 3 * MINUTE_MS);
	assert_int_equal(box_seq(box, SITE_FIRST), seq + 9);
	assert_int_equal(box_seq(box, SITE_FIRST + 1), 21);
	assert_int_equal(status_of(&bed->boxes[1], SITE_FIRST).damaged_seq,
			 seq + 10);
	box_link(&bed->boxes[0], true);
	(void)bed_settle(bed, 20 * MINUTE_MS);
	bed_close(bed);
}

/* Method: a peer was away, and says that it has a feed up to where the delta
 * behind that is damaged here; what it has besides is fetched. */
static void what_a_peer_has_is_heard_beside_a_damaged_feed(void **state)
{
	struct bed *bed = settled(3);
	struct box *box = &bed->boxes[1];
	uint64_t seq = box_seq(box, SITE_FIRST);

	(void)state;
	box_link(&bed->boxes[2], false);
	box_receive(&bed->boxes[0], 1);
	(void)bed_run(bed, MINUTE_MS);
	assert_int_equal(box_seq(box, SITE_FIRST), seq + 1);
	box_link(&bed->boxes[0], false);
	damage_flip(bed, seq + 1);
	bed->boxes[2].is_up = false;
	for (int i = 0; i < 12; i++)
		box_receive(&bed->boxes[2], 1);
	box_link(&bed->boxes[2], true);
	bed_run(bed, 2 * MINUTE_MS);
	assert_int_equal(box_seq(box, SITE_FIRST + 2), 13);
	assert_int_equal(box->found_count, 0);
	assert_int_equal(status_of(box, SITE_FIRST).damaged_seq, seq + 1);
	bed_close(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_feed_that_cannot_be_read_holds_up_no_other_one),
		cmocka_unit_test(
			what_cannot_be_read_is_not_served_and_all_else_is),
		cmocka_unit_test(
			what_a_peer_has_is_heard_beside_a_damaged_feed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
