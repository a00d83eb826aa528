/*
 * More feeds than there is room for: what sessions offer is not forgotten for
 * feeds that somebody only speaks of, and what is left out is counted.
 */
#include "tests/support/peers.h"

#define MINUTE_MS 60000
#define FEEDS_MAX 16

static const struct sync_config small = {
	.feeds_max = FEEDS_MAX, .peers_max = 8, .waiting_max = 32};

/* News of a feed's first delta, which nobody has signed. */
static void news_forge(struct bed *bed, struct feed_id feed)
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
	assert_code(feed_delta(node_view(&bed->boxes[0].node), honest, 1,
			       &delta, NULL),
		    ERR_OK);
	assert_code(packer_add(packer, &delta), ERR_OK);
	writer_init(&writer, bytes, sizeof(bytes));
	assert_code(packer_end(packer, &writer, &count), ERR_OK);
	packer_close(packer);
	frame.body.pack = (struct span){(const char *)bytes, writer.size};
	writer_init(&writer, framed, sizeof(framed));
	frame_write(&writer, &frame);
	frame_give(bed, 1, "evil", SYNC_PLANE_LIVE,
		   (struct span){(const char *)framed, writer.size});
}

/* Method: box 1 is offered eight feeds, and asks for control alone, which it
 * does not admit yet; meanwhile it hears news of a hundred invented feeds. */
static void what_a_session_offers_is_not_forgotten_for_news(void **state)
{
	struct bed *bed = bed_open(2, 10, test_seed(1), &small);
	struct box *box = &bed->boxes[1];

	(void)state;
	for (uint32_t site = SITE_FIRST + 2; site < SITE_FIRST + 10; site++)
		bed_found(bed, &bed->boxes[0].node, site);
	box_restart(&bed->boxes[0], &small);
	box->is_stuck = true;
	bed_links(bed, true);
	bed_run(bed, 5000);
	assert_int_equal(box_counts(box).pulls, 1);
	for (uint32_t i = 0; i < 100; i++)
		news_forge(bed, (struct feed_id){SITE_FIRST, 2 + i, 0});
	box->is_stuck = false;
	(void)bed_settle(bed, MINUTE_MS);
	assert_int_equal(box_counts(box).feeds_left_out, 0);
	bed_close(bed);
}

/* ---- a session that offers more than there is room for ---- */

static uint32_t hello_session;
static void hello_note(struct bed *bed, const struct sync_out *out,
		       uint32_t from)
{
	struct frame frame;

	(void)bed;
	if (from == 1 && span_is(out->to, "evil") &&
	    frame_read(out->payload, &frame) == ERR_OK &&
	    frame.type == FRAME_HELLO)
		hello_session = frame.session;
}

/* A HELLO makes box 1 ask back; then it is offered @count feeds. */
static void offers_make(struct bed *bed, uint32_t count)
{
	struct frame frame = {.type = FRAME_HELLO, .session = 7};
	struct frame_list list = {.has_lowest = true};
	struct box *box = &bed->boxes[1];
	struct sync_in in = {.from = SPAN_LITERAL("evil"),
			     .plane = SYNC_PLANE_REPLY};
	static uint8_t entries[4096];
	static uint8_t bytes[4096];
	struct sync_step step;
	struct writer writer;

	frame.body.hello.version_min = FRAME_VERSION;
	frame.body.hello.version_max = FRAME_VERSION;
	frame.body.hello.net = frame_net(bed->net_id);
	frame.body.hello.digest[0] = 1; /* nothing that it knows of */
	frame.body.hello.credit = 1 << 20;
	writer_init(&writer, bytes, sizeof(bytes));
	frame_write(&writer, &frame);
	frame_give(bed, 1, "evil", SYNC_PLANE_REQUEST,
		   (struct span){(const char *)bytes, writer.size});
	bed_run(bed, 3000);
	assert_true(hello_session != 0);

	frame = (struct frame){.type = FRAME_HAVE, .session = hello_session};
	writer_init(&writer, entries, sizeof(entries));
	for (uint32_t i = 0; i < count; i++)
		frame_entry_write(&writer, &list,
				  &(struct frame_entry){
					  .feed = {SITE_FIRST + 20, 1 + i, 0},
					  .seq = 5,
					  .lowest = 1});
	frame.body.have.count = list.count;
	frame.body.have.entries =
		(struct span){(const char *)entries, writer.size};
	writer_init(&writer, bytes, sizeof(bytes));
	frame_write(&writer, &frame);
	assert_true(writer_ok(&writer));
	in.session = hello_session;
	in.payload = (struct span){(const char *)bytes, writer.size};
	step = box_step(box);
	assert_done(sync_frame(box->sync, &step, &in, &bed->err), &bed->err);
}

static bool is_listed(const struct box *box, uint32_t site)
{
	struct sync_feed_status status;

	for (size_t i = 0; sync_feed_at(box->sync, i, &status); i++)
		if (status.record.id.site == site)
			return true;
	return false;
}

/* Method: somebody offers a hundred feeds and gives none; then box 1's store
 * has another one, and then more than there is room for at all. */
static void what_is_here_goes_before_what_is_offered(void **state)
{
	struct bed *bed = bed_open(2, 30, test_seed(2), &small);
	struct box *box = &bed->boxes[1];
	struct sync_step step;

	(void)state;
	bed_links(bed, true);
	(void)bed_settle(bed, 2 * MINUTE_MS);
	bed->tap = hello_note;
	hello_session = 0;
	offers_make(bed, 100);
	assert_true(box_counts(box).feeds_no_room >= 100 - FEEDS_MAX);
	assert_int_equal(box_counts(box).feeds_left_out, 0);
	bed_found(bed, &box->node, SITE_FIRST + 4);
	step = box_step(box);
	assert_done(sync_grew(box->sync, &step, &bed->err), &bed->err);
	assert_true(is_listed(box, SITE_FIRST + 4));
	assert_int_equal(box_counts(box).feeds_left_out, 0);

	bed_run(bed, MINUTE_MS);
	for (uint32_t site = SITE_FIRST + 5; site < SITE_FIRST + 20; site++)
		bed_found(bed, &box->node, site);
	step = box_step(box);
	assert_done(sync_grew(box->sync, &step, &bed->err), &bed->err);
	/* Control, its own, box 0's and these. */
	assert_int_equal(box_counts(box).feeds_left_out, 19 - FEEDS_MAX);
	bed_close(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_a_session_offers_is_not_forgotten_for_news),
		cmocka_unit_test(what_is_here_goes_before_what_is_offered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
