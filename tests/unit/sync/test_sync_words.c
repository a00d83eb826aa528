/*
 * HQ's own words: what of them was lost comes back from peers, and what the
 * guard does not have yet does not leave.
 */
#include "tests/support/peers.h"

#define MINUTE_MS 60000
#define LOST 3

static const struct sync_config small = {
	.feeds_max = 16, .peers_max = 8, .waiting_max = 32};

static const struct feed_id control = {SITE_CONTROL, 1, 0};

static void control_give(struct bed *bed, struct node *from, struct node *to,
			 uint64_t seq)
{
	static struct sent sent;
	enum admission verdict;

	node_send(from, control, seq, &sent);
	assert_code(feed_admit(to->desk, to->t.txn, control, &sent.delta,
			       &verdict, &bed->err),
		    ERR_OK);
	assert_string_equal(admission_name(verdict), "applied");
	feed_desk_committed(to->desk);
}

/* What HQ said before its disk went back: box 1 heard it. Returns its last
 * seq. */
static uint64_t lost_words_tell(struct bed *bed)
{
	struct node *hq = &bed->boxes[0].node;
	struct feeds keys = {.now_ms = 0};
	uint64_t had = box_seq(&bed->boxes[0], SITE_CONTROL);
	struct node life;

	memcpy(keys.net_id, bed->net_id, NET_ID_SIZE);
	node_open(&life, &keys);
	for (uint64_t seq = 1; seq <= had; seq++) {
		control_give(bed, hq, &life, seq);
		if (box_seq(&bed->boxes[1], SITE_CONTROL) < seq)
			control_give(bed, &life, &bed->boxes[1].node, seq);
	}
	for (uint64_t seq = had + 1; seq <= had + LOST; seq++) {
		bed_certify(bed, &life, SITE_FIRST + 2, SITE_FIRST + 2);
		control_give(bed, &life, &bed->boxes[1].node, seq);
	}
	node_close(&life);
	box_restart(&bed->boxes[1], &small);
	return had + LOST;
}

static size_t selves_of(const struct box *box, uint32_t site)
{
	size_t count = 0;

	for (size_t i = 0; i < box->found_count; i++)
		count += box->found[i].kind == SYNC_FOUND_SELF &&
			 box->found[i].feed.site == site;
	return count;
}

static void an_hq_that_is_behind_has_its_words_again_from_any_peer(void **state)
{
	struct bed *bed = bed_open(2, 3, test_seed(31), &small);
	struct box *hq = &bed->boxes[0];
	uint64_t had = box_seq(hq, SITE_CONTROL);
	uint64_t last = lost_words_tell(bed);

	(void)state;
	assert_int_equal(last, had + LOST);
	bed_links(bed, true);
	bed_run(bed, 2 * MINUTE_MS);
	/* They are its own: it is told, and takes nothing. */
	assert_true(selves_of(hq, SITE_CONTROL) > 0);
	assert_int_equal(box_seq(hq, SITE_CONTROL), had);

	sync_self_set(hq->sync, &(struct sync_self){.epoch = 1,
						    .signer = bed->sites[0],
						    .is_behind = true});
	hq->found_count = 0;
	bed_run(bed, 12 * MINUTE_MS);
	assert_int_equal(box_seq(hq, SITE_CONTROL), last);
	assert_int_equal(selves_of(hq, SITE_CONTROL), 0);

	/* It speaks on behind them. */
	sync_self_set(hq->sync,
		      &(struct sync_self){.epoch = 1, .signer = bed->sites[0]});
	bed_certify(bed, &hq->node, SITE_FIRST + 2, SITE_FIRST + 2);
	{
		struct sync_step step = box_step(hq);

		assert_done(sync_grew(hq->sync, &step, &bed->err), &bed->err);
	}
	bed_run(bed, 2 * MINUTE_MS);
	assert_int_equal(box_seq(&bed->boxes[1], SITE_CONTROL), last + 1);
	assert_int_equal(selves_of(hq, SITE_CONTROL), 0);
	bed_close(bed);
}

static void grow(struct bed *bed, struct box *box)
{
	struct sync_step step = box_step(box);

	assert_done(sync_grew(box->sync, &step, &bed->err), &bed->err);
	bed_run(bed, 3 * MINUTE_MS);
}

/* Method: HQ's guard cannot be written for a while. What HQ books all the same,
 * as any site does, is not held up. */
static void words_that_are_held_back_do_not_leave(void **state)
{
	struct bed *bed = bed_open(2, 3, test_seed(32), &small);
	struct box *hq = &bed->boxes[0];
	struct box *site = &bed->boxes[1];
	uint64_t had;

	(void)state;
	bed_links(bed, true);
	(void)bed_settle(bed, 2 * MINUTE_MS);
	had = box_seq(site, SITE_CONTROL);
	assert_int_equal(had, box_seq(hq, SITE_CONTROL));
	sync_words_hold(hq->sync, true);
	bed_certify(bed, &hq->node, SITE_FIRST + 2, SITE_FIRST + 2);
	bed_receive(bed, &hq->node, SITE_FIRST, 2);
	grow(bed, hq);
	/* Asked anew, it tells of no more. */
	box_restart(site, &small);
	bed_run(bed, 3 * MINUTE_MS);
	assert_int_equal(box_seq(hq, SITE_CONTROL), had + 1);
	assert_int_equal(box_seq(site, SITE_CONTROL), had);
	assert_int_equal(box_seq(site, SITE_FIRST), box_seq(hq, SITE_FIRST));
	sync_words_hold(hq->sync, false);
	bed_run(bed, 3 * MINUTE_MS);
	assert_int_equal(box_seq(site, SITE_CONTROL), had + 1);
	bed_close(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_hq_that_is_behind_has_its_words_again_from_any_peer),
		cmocka_unit_test(words_that_are_held_back_do_not_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
