/*
 * A clock that was wrong for a while: who said a head then is heard after it
 * was set right, by whoever had heard that head.
 */
#include "tests/support/peers.h"

#define MINUTE_MS 60000
#define TEN_YEARS_MS (INT64_C(10) * 365 * 24 * 60 * MINUTE_MS)
#define FRAME_ROOM 4096

static const struct sync_config small = {
	.feeds_max = 16, .peers_max = 8, .waiting_max = 32};

static struct bed *settled(uint32_t boxes, uint64_t seed)
{
	struct bed *bed = bed_open(boxes, 3, test_seed(seed), &small);

	bed_links(bed, true);
	(void)bed_settle(bed, 2 * MINUTE_MS);
	bed_run(bed, MINUTE_MS);
	return bed;
}

/* What box 0 knows of box 1. */
static struct sync_peer_status known(const struct bed *bed)
{
	const struct box *box = &bed->boxes[0];
	struct sync_peer_status status = {0};

	for (size_t i = 0;
	     sync_peer_at(box->sync, node_view(&box->node), i, &status); i++)
		if (span_is(name_span(&status.name), bed->boxes[1].name))
			return status;
	fail_msg("nobody of that name is known");
	return status;
}

/* Box 1 is ahead until box 0 has heard a head of it that is. */
static struct stamp jump(struct bed *bed)
{
	struct stamp before = known(bed).stamp;
	struct stamp after;

	bed->boxes[1].ahead_ms = TEN_YEARS_MS;
	bed_run(bed, 6 * MINUTE_MS);
	after = known(bed).stamp;
	assert_true(stamp_moment(after).ms - stamp_moment(before).ms >=
		    TEN_YEARS_MS);
	bed->boxes[1].ahead_ms = 0;
	return after;
}

/* Box 1 has what nobody has, and only its heads tell of it. */
static void grow_unheard(struct bed *bed)
{
	struct box *box = &bed->boxes[1];
	struct sync_step step;

	bed_found(bed, &box->node, SITE_FIRST + 2);
	box->is_mute = true;
	step = box_step(box);
	assert_done(sync_grew(box->sync, &step, &bed->err), &bed->err);
	bed_run(bed, 1000);
	box->is_mute = false;
	assert_false(bed_is_equal(bed));
}

/* Method: nothing is booked while the clock is ahead, nor after; then a third
 * site's feed comes to box 1, of which no news is heard. */
static void who_was_ahead_is_heard_with_nothing_booked(void **state)
{
	struct bed *bed = settled(2, 1);
	struct stamp ahead = jump(bed);

	(void)state;
	bed_run(bed, 20 * MINUTE_MS);
	assert_false(known(bed).is_stale);
	assert_true(known(bed).stamp.value > ahead.value);
	grow_unheard(bed);
	bed_run(bed, 6 * MINUTE_MS);
	assert_true(bed_is_equal(bed));
	bed_close(bed);
}

/* Method: after the clock was set right a delta is sealed, the stamp of which
 * is of then; its news is lost. So the heads' stamps are right again, too. */
static void who_was_ahead_is_heard_with_the_next_delta(void **state)
{
	struct bed *bed = settled(2, 2);
	struct stamp ahead = jump(bed);
	uint64_t seq = box_seq(&bed->boxes[1], SITE_FIRST + 1);

	(void)state;
	bed->boxes[1].is_mute = true;
	box_receive(&bed->boxes[1], 1);
	bed->boxes[1].is_mute = false;
	bed_run(bed, 20 * MINUTE_MS);
	assert_int_equal(known(bed).seq, seq + 1);
	assert_false(known(bed).is_stale);
	assert_true(known(bed).stamp.value < ahead.value);
	assert_int_equal(box_seq(&bed->boxes[0], SITE_FIRST + 1), seq + 1);
	bed_close(bed);
}

/* Hands box @to a frame as if box 1 had sent it; the broker had kept it. */
static void give(struct bed *bed, uint32_t to, const struct frame *frame)
{
	struct letter like = {.from = 1,
			      .to = to,
			      .plane = SYNC_PLANE_HEAD,
			      .is_retained = true};
	uint8_t bytes[FRAME_ROOM];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	frame_write(&writer, frame);
	assert_true(writer_ok(&writer));
	bed_post(bed, &like, (struct span){(const char *)bytes, writer.size});
	bed_run(bed, 200);
}

/* The last head of box 1 that the broker kept. */
static struct frame head_kept(const struct bed *bed)
{
	const struct letter *kept = &bed->boxes[1].retained[SYNC_PLANE_HEAD];
	struct span bytes = {(const char *)kept->payload, kept->size};
	struct frame frame;
	struct frame copy = {.type = FRAME_HEAD};

	assert_code(frame_read(bytes, &frame), ERR_OK);
	copy.body.head = frame.body.head;
	return copy;
}

/* Method: box 1 begins anew after its clock was set right, and finds the head
 * that it had said; once forged, which says nothing, and once as it was. */
static void who_began_anew_goes_on_from_the_head_that_was_kept(void **state)
{
	struct bed *bed = settled(2, 3);
	struct stamp ahead = jump(bed);
	struct frame kept = head_kept(bed);
	struct frame forged = kept;

	(void)state;
	assert_true(kept.body.head.stamp.value == ahead.value);
	forged.body.head.stamp.value += UINT64_C(1) << 40;
	box_restart(&bed->boxes[1], &small);
	give(bed, 1, &forged);
	bed_run(bed, MINUTE_MS);
	assert_int_equal(box_counts(&bed->boxes[1]).heads_forged, 1);
	assert_true(known(bed).stamp.value == ahead.value);
	give(bed, 1, &kept);
	bed_run(bed, MINUTE_MS);
	assert_true(known(bed).stamp.value > ahead.value);
	assert_true(stamp_moment(known(bed).stamp).ms ==
		    stamp_moment(ahead).ms);
	bed_close(bed);
}

/* Method: after two more deltas each head that box 1 ever said, again and
 * again. Box 0 asks now and then at most, and remembers the last. */
static void an_old_head_of_the_same_life_takes_no_ones_place(void **state)
{
	struct bed *bed = settled(2, 4);
	struct frame heads[3];
	uint64_t begun;
	uint64_t seq;

	(void)state;
	(void)jump(bed);
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		heads[i] = head_kept(bed);
		box_receive(&bed->boxes[1], 1);
		bed_run(bed, 6 * MINUTE_MS);
	}
	seq = known(bed).seq;
	begun = box_counts(&bed->boxes[0]).sessions_begun;
	for (uint32_t i = 0; i < 300; i++) {
		give(bed, 0, &heads[i % ARRAY_LEN(heads)]);
		bed_run(bed, 800);
		assert_int_equal(known(bed).seq, seq);
	}
	assert_in_range(box_counts(&bed->boxes[0]).sessions_begun - begun, 0,
			4);
	assert_true(bed_is_equal(bed));
	bed_close(bed);
}

/* Method: box 1 acknowledged while its clock was ahead, and began anew after it
 * was set right: its ACKs are of an earlier stamp. Box 0 admits nothing of a
 * third feed that box 1 has, so that no head says what box 1 has. */
static void what_is_acknowledged_after_a_jump_counts_at_once(void **state)
{
	struct bed *bed = settled(2, 5);
	struct box *box = &bed->boxes[0];
	struct feed_id feed = {SITE_FIRST, 1, 0};

	(void)state;
	bed->boxes[1].ahead_ms = TEN_YEARS_MS;
	box_receive(box, 1);
	bed_run(bed, MINUTE_MS);
	assert_int_equal(sync_acked(box->sync, SITE_FIRST + 1, feed), 2);
	bed->boxes[1].ahead_ms = 0;
	box->is_stuck = true;
	grow_unheard(bed);
	box_restart(&bed->boxes[1], &small);
	for (uint64_t seq = 3; seq < 6; seq++) {
		bed_run(bed, 5 * MINUTE_MS);
		box_receive(box, 1);
		bed_run(bed, MINUTE_MS / 4);
		assert_int_equal(sync_acked(box->sync, SITE_FIRST + 1, feed),
				 seq);
	}
	assert_false(bed_is_equal(bed));
	assert_int_equal(box_counts(box).acks_forged, 0);
	bed_close(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_is_acknowledged_after_a_jump_counts_at_once),
		cmocka_unit_test(who_was_ahead_is_heard_with_nothing_booked),
		cmocka_unit_test(who_was_ahead_is_heard_with_the_next_delta),
		cmocka_unit_test(
			who_began_anew_goes_on_from_the_head_that_was_kept),
		cmocka_unit_test(
			an_old_head_of_the_same_life_takes_no_ones_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
