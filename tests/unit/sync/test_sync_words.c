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

/* Method: HQ's guard cannot be written for a while, in which the site asks and
 * hears all that it is told. The news of the word that leaves then is lost. */
static void who_was_told_of_all_but_a_word_asks_for_it_later(void **state)
{
	struct bed *bed = bed_open(2, 3, test_seed(33), &small);
	struct box *hq = &bed->boxes[0];
	struct box *site = &bed->boxes[1];
	struct sync_step step;
	uint64_t had;

	(void)state;
	bed_links(bed, true);
	(void)bed_settle(bed, 2 * MINUTE_MS);
	had = box_seq(hq, SITE_CONTROL);
	sync_words_hold(hq->sync, true);
	bed_certify(bed, &hq->node, SITE_FIRST + 2, SITE_FIRST + 2);
	grow(bed, hq);
	box_restart(site, &small);
	bed_run(bed, 3 * MINUTE_MS);
	assert_int_equal(box_seq(site, SITE_CONTROL), had);
	sync_words_hold(hq->sync, false);
	bed->loss = 100;
	step = box_step(hq);
	assert_done(sync_tick(hq->sync, &step, &bed->err), &bed->err);
	bed->loss = 0;
	bed_run(bed, 3 * MINUTE_MS);
	assert_int_equal(box_seq(site, SITE_CONTROL), had + 1);
	bed_close(bed);
}

/* ---- what the guard of a site does not have yet ---- */

struct early {
	uint64_t seq; /* that HQ has told of */
	uint64_t frames;
	uint64_t stamp; /* of the last head */
};

/* No frame says more of HQ's own feed than it has told of. */
static void early_tap(struct bed *bed, const struct sync_out *out,
		      uint32_t from)
{
	struct early *early = bed->tapped;
	struct frame frame;

	if (from != 0)
		return;
	early->frames++;
	assert_int_not_equal(out->plane, SYNC_PLANE_LIVE);
	if (out->plane != SYNC_PLANE_HEAD)
		return;
	assert_code(frame_read(out->payload, &frame), ERR_OK);
	assert_int_equal(frame.body.head.seq, early->seq);
	early->stamp = frame.body.head.stamp.value;
}

/* Each event there is, in turn; a head falls due among them. */
static void early_events(struct bed *bed, struct box *box)
{
	for (uint32_t i = 0; i < 4 * 60; i++) {
		struct sync_step step = box_step(box);
		struct sync_link link = {.link = box->link, .is_up = true};
		struct sync_in garbage = {.link = box->link,
					  .plane = SYNC_PLANE_REQUEST,
					  .from = SPAN_LITERAL("s1"),
					  .payload = SPAN_LITERAL("x")};

		step.is_early = true;
		if (i % 4 == 0)
			assert_done(sync_carried(box->sync, &step, &bed->err),
				    &bed->err);
		else if (i % 4 == 1)
			assert_done(sync_grew(box->sync, &step, &bed->err),
				    &bed->err);
		else if (i % 4 == 2)
			assert_done(sync_link(box->sync, &step, &link,
					      &bed->err),
				    &bed->err);
		else
			assert_done(sync_frame(box->sync, &step, &garbage,
					       &bed->err),
				    &bed->err);
		bed->ms += 250;
	}
}

/* Method: a delta was sealed and committed, its guard is not on the disk, and a
 * stick is read, among other things, for a minute. */
static void what_is_sealed_early_leaves_with_the_first_event_after(void **state)
{
	struct bed *bed = bed_open(2, 3, test_seed(34), &small);
	struct box *hq = &bed->boxes[0];
	struct box *site = &bed->boxes[1];
	struct early early = {.frames = 0};
	struct sync_step step;
	uint64_t had;
	uint64_t began;

	(void)state;
	bed_links(bed, true);
	(void)bed_settle(bed, 2 * MINUTE_MS);
	had = box_seq(site, SITE_FIRST);
	assert_int_equal(had, box_seq(hq, SITE_FIRST));
	early.seq = had;
	bed->tap = early_tap;
	bed->tapped = &early;
	began = (uint64_t)box_step(hq).now.utc.ms;
	bed_receive(bed, &hq->node, SITE_FIRST, 2);
	early_events(bed, hq);
	assert_true(early.frames > 0);
	/* Nor does a head say that the feed is complete without it. */
	assert_true(early.stamp != 0);
	assert_true(early.stamp >> STAMP_COUNTER_BITS <= began);
	bed->tap = NULL;
	step = box_step(hq);
	assert_done(sync_tick(hq->sync, &step, &bed->err), &bed->err);
	bed_run(bed, MINUTE_MS);
	assert_int_equal(box_seq(site, SITE_FIRST), had + 1);
	bed_close(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_hq_that_is_behind_has_its_words_again_from_any_peer),
		cmocka_unit_test(words_that_are_held_back_do_not_leave),
		cmocka_unit_test(
			who_was_told_of_all_but_a_word_asks_for_it_later),
		cmocka_unit_test(
			what_is_sealed_early_leaves_with_the_first_event_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
