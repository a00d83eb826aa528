/*
 * News that nobody has signed for: what is forged takes no room, hides nothing
 * and makes nothing up.
 */
#include "tests/support/small_peers.h"

/* A pack of some delta of box 0, as if it were of @feed, at @seq. */
static void news_forge(struct bed *bed, const char *from, struct feed_id feed,
		       uint64_t seq)
{
	struct feed_id honest = {SITE_FIRST, 1, 0};
	static uint8_t bytes[PACK_SIZE_MAX];
	static uint8_t framed[PACK_SIZE_MAX + 8];
	struct frame frame = {.type = FRAME_LIVE};
	struct packer *packer;
	struct writer writer;
	struct delta delta;
	uint32_t count;

	assert_done(packer_open(&packer, &bed->err), &bed->err);
	packer_begin(packer, feed, PACK_PLAIN, PACK_SIZE_MAX);
	assert_code(feed_delta(node_view(&bed->boxes[0].node), honest, 2,
			       &delta, NULL),
		    ERR_OK);
	delta.header.seq = seq;
	assert_code(packer_add(packer, &delta), ERR_OK);
	writer_init(&writer, bytes, sizeof(bytes));
	assert_code(packer_end(packer, &writer, &count), ERR_OK);
	packer_close(packer);
	frame.body.pack = (struct span){(const char *)bytes, writer.size};
	writer_init(&writer, framed, sizeof(framed));
	frame_write(&writer, &frame);
	frame_give(bed, 1, from, SYNC_PLANE_LIVE,
		   (struct span){(const char *)framed, writer.size});
}

/* What waits beyond a gap takes no room that a session was granted. Method:
 * news of feeds that nobody has, more than there is room for; then a backlog
 * is fetched. */
static void news_of_unknown_feeds_leaves_room_for_sessions(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(9), &small);

	(void)state;
	settle(bed);
	box_receive(&bed->boxes[0], 1);
	(void)bed_settle(bed, MINUTE_MS);
	bed_links(bed, false);
	backlog_write(bed, 0, 100);
	bed_links(bed, true);
	for (uint32_t i = 0; i < 200; i++)
		news_forge(bed, "evil", (struct feed_id){50 + i / 4, 1, 0}, 2);
	(void)bed_settle(bed, MINUTE_MS / 4);
	assert_int_equal(box_counts(&bed->boxes[1]).stalls, 0);
	bed_close(bed);
}

static uint64_t refusals_of(const struct box *box)
{
	struct sync_counts counts = box_counts(box);
	uint64_t all = 0;

	for (size_t i = 0; i < ARRAY_LEN(counts.refused); i++)
		all += counts.refused[i];
	return all;
}

static uint64_t offered_at(const struct box *box, uint32_t site)
{
	struct sync_feed_status status;

	for (size_t i = 0; sync_feed_at(box->sync, i, &status); i++)
		if (status.record.id.site == site)
			return status.offered;
	return 0;
}

/* Method: invented feeds, and far positions of a feed that is here, told by as
 * many names as there is room for; then honest news, for less time than it
 * takes to ask for it. */
static void forged_news_beyond_a_gap_keeps_no_honest_news_out(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(10), &small);
	const struct box *box = &bed->boxes[1];
	struct feed_id feed = {SITE_FIRST, 1, 0};
	uint64_t seq;
	char name[16];

	(void)state;
	settle(bed);
	box_receive(&bed->boxes[0], 2);
	settle(bed);
	seq = box_seq(&bed->boxes[0], SITE_FIRST);
	for (uint32_t i = 0; i < 16; i++)
		news_forge(bed, "evil", (struct feed_id){50 + i / 4, 1, 0},
			   1000 + i);
	assert_int_equal(box_counts(box).waiting, 0);
	for (uint32_t i = 0; i < 16; i++) {
		assert_true(text_format(name, sizeof(name), "evil-%d", i / 4));
		news_forge(bed, name, feed, 1000 + i);
		assert_true(box_counts(box).waiting <= 1 + i / 4);
	}
	assert_int_equal(box_counts(box).waiting, small.waiting_max / 8);
	assert_int_equal(offered_at(box, SITE_FIRST), seq);
	box_receive(&bed->boxes[0], 1);
	bed_run(bed, 1000);
	assert_int_equal(box_seq(box, SITE_FIRST), seq + 1);
	assert_int_equal(box_counts(box).waiting_full, 0);
	bed_close(bed);
}

/* Method: the forged pack comes first, and neither is judged before both are
 * here. */
static void a_forged_pack_does_not_take_the_honest_ones_place(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(11), &small);
	struct box *box = &bed->boxes[1];
	struct feed_id feed = {SITE_FIRST, 1, 0};
	uint64_t refused;
	uint64_t seq;

	(void)state;
	settle(bed);
	box_receive(&bed->boxes[0], 2);
	settle(bed);
	seq = box_seq(&bed->boxes[0], SITE_FIRST);
	refused = refusals_of(box);
	box->is_stuck = true;
	news_forge(bed, "evil", feed, seq + 1);
	box_receive(&bed->boxes[0], 1);
	bed_run(bed, 500);
	assert_int_equal(box_counts(box).waiting, 2);
	assert_int_equal(box_seq(box, SITE_FIRST), seq);
	box->is_stuck = false;
	bed_run(bed, 500);
	assert_true(refusals_of(box) > refused);
	assert_int_equal(box_seq(box, SITE_FIRST), seq + 1);
	assert_int_equal(box_counts(box).waiting, 0);
	bed_close(bed);
}

/* Box 1 has missed a backlog of box 0's, and its link has just come up. */
#define MISSED 20

static struct bed *missing_open(uint64_t *ret_seq)
{
	struct bed *bed = bed_open(2, 2, test_seed(12), &small);

	settle(bed);
	box_receive(&bed->boxes[0], 2);
	settle(bed);
	*ret_seq = box_seq(&bed->boxes[1], SITE_FIRST);
	bed_links(bed, false);
	backlog_write(bed, 0, MISSED);
	bed->late_ms = 4 * BED_STEP_MS; /* a frame a step, about */
	bed_links(bed, true);
	return bed;
}

static uint64_t fetching_ms(void)
{
	uint64_t seq;
	struct bed *bed = missing_open(&seq);
	uint64_t start = bed->ms;
	uint64_t took;

	while (box_seq(&bed->boxes[1], SITE_FIRST) < seq + MISSED) {
		bed_run(bed, BED_STEP_MS);
		assert_true(bed->ms - start < MINUTE_MS);
	}
	took = bed->ms - start;
	bed_close(bed);
	return took;
}

/* Method: all the while there is forged news of where the feed goes on that is
 * not judged yet. What is asked for and what is taken is as without it. */
static void forged_news_takes_nothing_from_a_session(void **state)
{
	uint64_t most = fetching_ms() + 1000;
	uint64_t seq;
	struct bed *bed = missing_open(&seq);
	struct box *box = &bed->boxes[1];
	struct feed_id feed = {SITE_FIRST, 1, 0};

	(void)state;
	for (uint64_t ms = 0; ms < most; ms += BED_STEP_MS) {
		box->is_stuck = false; /* what waited is judged */
		news_forge(bed, "evil", feed, box_seq(box, SITE_FIRST) + 1);
		box->is_stuck = true;
		news_forge(bed, "evil", feed, box_seq(box, SITE_FIRST) + 1);
		bed_run(bed, BED_STEP_MS);
	}
	assert_int_equal(box_seq(box, SITE_FIRST), seq + MISSED);
	assert_int_equal(box_counts(box).stalls, 0);
	assert_true(refusals_of(box) > 20); /* it had been kept */
	bed_close(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			news_of_unknown_feeds_leaves_room_for_sessions),
		cmocka_unit_test(
			forged_news_beyond_a_gap_keeps_no_honest_news_out),
		cmocka_unit_test(
			a_forged_pack_does_not_take_the_honest_ones_place),
		cmocka_unit_test(forged_news_takes_nothing_from_a_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
