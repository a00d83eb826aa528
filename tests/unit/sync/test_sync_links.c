/*
 * A box on several links: what it says to one peer goes where that peer is.
 */
#include "tests/support/peers.h"

#define MINUTE_MS 60000

static const struct sync_config small = {
	.feeds_max = 16, .peers_max = 8, .waiting_max = 32};

static uint32_t acks[SYNC_LINKS_MAX];
static void acks_count(struct bed *bed, const struct sync_out *out,
		       uint32_t from)
{
	struct frame frame;

	(void)bed;
	if (from == 0 && frame_read(out->payload, &frame) == ERR_OK &&
	    frame.type == FRAME_ACK)
		acks[out->link]++;
}

static void link_set(struct box *box, uint32_t link, bool is_metered)
{
	struct sync_step step = box_step(box);
	struct sync_link change = {
		.link = link, .is_up = true, .is_metered = is_metered};

	assert_done(sync_link(box->sync, &step, &change, &box->bed->err),
		    &box->bed->err);
	box_work(box);
}

/* Box 0, which is HQ, had its sessions with box 1 on link 1, and is on link 0
 * as well, where nobody is. */
static struct bed *on_two_links(uint64_t seed, bool is_metered)
{
	struct bed *bed = bed_open(2, 2, test_seed(seed), &small);

	bed->boxes[0].link = 1;
	bed_links(bed, true);
	link_set(&bed->boxes[0], 0, is_metered);
	(void)bed_settle(bed, 2 * MINUTE_MS);
	bed_run(bed, MINUTE_MS);
	memset(acks, 0, sizeof(acks));
	bed->tap = acks_count;
	return bed;
}

/* Method: box 1 is on link 0 from then on, and link 1 stays up; what it writes
 * comes as news, so that no session is begun. */
static void an_ack_goes_where_the_peer_was_heard_last(void **state)
{
	struct bed *bed = on_two_links(1, false);
	uint64_t begun = box_counts(&bed->boxes[0]).sessions_begun;

	(void)state;
	bed->boxes[0].link = 0;
	box_receive(&bed->boxes[1], 1);
	bed_run(bed, MINUTE_MS / 4);
	assert_int_equal(box_counts(&bed->boxes[0]).sessions_begun, begun);
	assert_int_equal(acks[1], 0);
	assert_in_range(acks[0], 1, 2);
	bed_close(bed);
}

/* Method: the same, where link 0 is metered; and 20 minutes later again. */
static void a_metered_link_is_taken_when_the_other_is_silent(void **state)
{
	struct bed *bed = on_two_links(2, true);

	(void)state;
	bed->boxes[0].link = 0;
	box_receive(&bed->boxes[1], 1);
	bed_run(bed, MINUTE_MS / 4);
	assert_int_equal(acks[0], 0);
	assert_in_range(acks[1], 1, 2);
	bed_run(bed, 20 * MINUTE_MS);
	memset(acks, 0, sizeof(acks));
	box_receive(&bed->boxes[1], 1);
	bed_run(bed, MINUTE_MS / 4);
	assert_int_equal(acks[1], 0);
	assert_in_range(acks[0], 1, 2);
	bed_close(bed);
}

/* ---- two of one name ---- */

static uint32_t batches[SYNC_LINKS_MAX];
static uint32_t refused[SYNC_LINKS_MAX];
static void replies_count(struct bed *bed, const struct sync_out *out,
			  uint32_t from)
{
	struct frame frame;

	(void)bed;
	if (from != 0 || frame_read(out->payload, &frame) != ERR_OK)
		return;
	batches[out->link] += frame.type == FRAME_BATCHES;
	refused[out->link] += frame.type == FRAME_REFUSE;
}

/* Box 0 hears it on @link, from somebody who has box 1's name. */
static void frame_say(struct bed *bed, uint32_t link, struct frame *frame)
{
	struct box *box = &bed->boxes[0];
	struct sync_step step = box_step(box);
	struct sync_in in = {.link = link,
			     .plane = SYNC_PLANE_REQUEST,
			     .from = span_of(bed->boxes[1].name)};
	uint8_t bytes[256];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	frame_write(&writer, frame);
	assert_true(writer_ok(&writer));
	in.payload = (struct span){(const char *)bytes, writer.size};
	assert_done(sync_frame(box->sync, &step, &in, &bed->err), &bed->err);
}

static void hello_say(struct bed *bed, uint32_t link, uint32_t session)
{
	struct frame frame = {.type = FRAME_HELLO, .session = session};

	frame.body.hello.version_min = FRAME_VERSION;
	frame.body.hello.version_max = FRAME_VERSION;
	frame.body.hello.net = frame_net(bed->net_id);
	frame.body.hello.credit = 1 << 20;
	frame_say(bed, link, &frame);
}

static void want_say(struct bed *bed, uint32_t link, uint32_t session)
{
	struct frame frame = {.type = FRAME_WANT, .session = session};
	struct frame_range range = {{SITE_FIRST, 1, 0}, 1, 1};
	uint8_t bytes[64];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	frame_range_write(&writer, &range);
	frame.body.want.number = 1;
	frame.body.want.granted = 1 << 20;
	frame.body.want.count = 1;
	frame.body.want.ranges =
		(struct span){(const char *)bytes, writer.size};
	frame_say(bed, link, &frame);
}

/* Method: two boxes of one name, each on its link, begin a session in the same
 * second, and then ask; and one of them floods its link meanwhile. */
static void sessions_of_one_name_on_two_links_disturb_nobody(void **state)
{
	struct bed *bed = on_two_links(3, false);

	(void)state;
	bed_links(bed, false);
	box_link(&bed->boxes[0], true);
	bed_run(bed, MINUTE_MS);
	bed->tap = replies_count;
	hello_say(bed, 0, 77);
	hello_say(bed, 1, 88);
	want_say(bed, 0, 77);
	want_say(bed, 1, 88);
	assert_int_equal(batches[0], 1);
	assert_int_equal(batches[1], 1);
	assert_int_equal(refused[0] + refused[1], 0);
	assert_int_equal(box_counts(&bed->boxes[0]).serves, 2);

	bed_run(bed, 2000);
	for (uint32_t i = 0; i < 2000; i++)
		hello_say(bed, 0, 100 + i);
	hello_say(bed, 1, 99);
	want_say(bed, 1, 99);
	assert_int_equal(batches[1], 2);
	assert_int_equal(refused[0], 1);
	assert_int_equal(refused[1], 0);
	bed_close(bed);
}

/* ---- a link that takes nothing ---- */

static uint32_t tries[FRAME_LIVE + 1];
static void tries_count(struct bed *bed, const struct sync_out *out,
			uint32_t from)
{
	struct frame frame;

	(void)bed;
	if (from == 0 && frame_read(out->payload, &frame) == ERR_OK)
		tries[frame.type]++;
}

/* Method: box 0 owes its peer an ACK and a backlog when its link has no room
 * left; it hears something ten times a second. Then there is room again. */
static void a_link_without_room_is_tried_with_each_tick_only(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(4), &small);
	struct box *box = &bed->boxes[0];
	struct sync_step step;

	(void)state;
	bed_links(bed, true);
	(void)bed_settle(bed, 2 * MINUTE_MS);
	bed_run(bed, MINUTE_MS);
	box_link(&bed->boxes[1], false);
	for (int i = 0; i < 300; i++)
		bed_receive(bed, &box->node, box->site, 10);
	step = box_step(box);
	assert_done(sync_grew(box->sync, &step, &bed->err), &bed->err);
	bed->late_ms = 300;
	box_link(&bed->boxes[1], true);
	for (int i = 0; i < 600 && tries[FRAME_BATCHES] == 0; i++) {
		bed->tap = tries_count;
		bed_run(bed, BED_STEP_MS);
	}
	box->is_spent = true;
	box_receive(&bed->boxes[1], 1);
	memset(tries, 0, sizeof(tries));
	for (int i = 0; i < 200; i++) {
		frame_give(bed, 0, "somebody", SYNC_PLANE_LIVE,
			   SPAN_LITERAL("no frame"));
		bed_run(bed, BED_STEP_MS);
	}
	assert_in_range(tries[FRAME_ACK], 5, 25);
	assert_in_range(tries[FRAME_BATCHES], 5, 25);
	box->is_spent = false;
	(void)bed_settle(bed, 2 * MINUTE_MS);
	bed_close(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_link_without_room_is_tried_with_each_tick_only),
		cmocka_unit_test(
			sessions_of_one_name_on_two_links_disturb_nobody),
		cmocka_unit_test(an_ack_goes_where_the_peer_was_heard_last),
		cmocka_unit_test(
			a_metered_link_is_taken_when_the_other_is_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
