/*
 * What is told of a feed that does not come in: which deltas, why, and who
 * offered them; and of what HQ has not, to the byte.
 *
 * Method: real engines and stores, and a broker that the test plays.
 */
#include "tests/support/peers.h"

#include "gateway/edge/envoy_look.h"

#define MINUTE_MS 60000
#define STRANGER (SITE_FIRST + 7)

static const struct sync_config small = {
	.feeds_max = 64, .peers_max = 16, .waiting_max = 64};

static size_t stuck_at(const struct box *box,
		       struct envoy_stuck stuck[ENVOY_STUCK_MAX])
{
	return envoy_look_stuck(box->sync, node_view(&box->node), stuck);
}

static void a_feed_that_nobody_certified_is_named_until_it_comes(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(12), &small);
	struct envoy_stuck stuck[ENVOY_STUCK_MAX];

	(void)state;
	bed->sites[7] = feeds_signer(77);
	bed_found(bed, &bed->boxes[1].node, STRANGER);
	assert_int_equal(stuck_at(&bed->boxes[0], stuck), 0);
	bed_links(bed, true);
	bed_run(bed, MINUTE_MS);
	assert_int_equal(stuck_at(&bed->boxes[0], stuck), 1);
	assert_int_equal(stuck[0].feed.site, STRANGER);
	assert_int_equal(stuck[0].feed.epoch, 1);
	assert_int_equal(stuck[0].first, 1);
	assert_int_equal(stuck[0].last, 1);
	assert_string_equal(stuck[0].why, "stranger");
	assert_span(name_span(&stuck[0].from), bed->boxes[1].name);
	assert_int_equal(stuck[0].site.size, 0); /* nobody knows its name */
	assert_in_range(stuck[0].since_ms, 1000, bed->ms);
	bed_certify(bed, &bed->boxes[0].node, STRANGER, STRANGER);
	box_receive(&bed->boxes[0], 1);
	bed_run(bed, 3 * MINUTE_MS);
	assert_int_equal(stuck_at(&bed->boxes[0], stuck), 0);
	bed_close(bed);
}

/* Method: the last delta of a feed is damaged in HQ's store, and the next one
 * cannot be taken for it; then it is mended. */
static void a_feed_that_cannot_be_read_here_is_named_as_damaged(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(15), &small);
	struct box *box = &bed->boxes[0];
	struct envoy_stuck stuck[ENVOY_STUCK_MAX];
	uint64_t index;

	(void)state;
	bed_links(bed, true);
	(void)bed_settle(bed, MINUTE_MS);
	index = box_seq(box, SITE_CONTROL) + box_seq(box, SITE_FIRST);
	tables_flip(&box->node.t, TABLE_DELTA, index);
	box_receive(&bed->boxes[1], 1);
	bed_run(bed, 1000);
	assert_int_equal(stuck_at(box, stuck), 1);
	assert_string_equal(stuck[0].why, "damaged");
	assert_int_equal(stuck[0].feed.site, SITE_FIRST + 1);
	assert_int_equal(stuck[0].first, 1);
	assert_int_equal(stuck[0].last, 1);
	assert_int_equal(stuck[0].from.size, 0);
	assert_in_range(stuck[0].since_ms, 1, bed->ms);
	tables_flip(&box->node.t, TABLE_DELTA, index);
	(void)bed_settle(bed, 10 * MINUTE_MS);
	assert_int_equal(stuck_at(box, stuck), 0);
	bed_close(bed);
}

static uint32_t hello_session;
static void hello_note(struct bed *bed, const struct sync_out *out,
		       uint32_t from)
{
	struct frame frame;

	(void)bed;
	if (from == 0 && frame_read(out->payload, &frame) == ERR_OK &&
	    frame.type == FRAME_HELLO)
		hello_session = frame.session;
}

/* HQ hears it from somebody. */
static void forge(struct bed *bed, enum sync_plane plane,
		  const struct frame *frame)
{
	struct box *box = &bed->boxes[0];
	struct sync_step step = box_step(box);
	struct sync_in in = {.from = SPAN_LITERAL("evil"),
			     .plane = plane,
			     .session = frame->session};
	uint8_t bytes[256];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	frame_write(&writer, frame);
	assert_true(writer_ok(&writer));
	in.payload = (struct span){(const char *)bytes, writer.size};
	assert_done(sync_frame(box->sync, &step, &in, &bed->err), &bed->err);
}

/* In the session that HQ begins next: @feed goes up to @seq. */
static void claim(struct bed *bed, struct feed_id feed, uint64_t seq)
{
	struct frame frame = {.type = FRAME_HELLO, .session = 7};
	struct frame_list list = {.has_lowest = true};
	struct writer writer;
	uint8_t entry[64];

	frame.body.hello.version_min = FRAME_VERSION;
	frame.body.hello.version_max = FRAME_VERSION;
	frame.body.hello.net = frame_net(bed->net_id);
	frame.body.hello.digest[0] = 1; /* nothing that it knows of */
	forge(bed, SYNC_PLANE_REQUEST, &frame);
	bed_run(bed, 3000);
	assert_true(hello_session != 0);
	frame = (struct frame){.type = FRAME_HAVE, .session = hello_session};
	writer_init(&writer, entry, sizeof(entry));
	frame_entry_write(
		&writer, &list,
		&(struct frame_entry){.feed = feed, .seq = seq, .lowest = 1});
	frame.body.have.count = 1;
	frame.body.have.entries =
		(struct span){(const char *)entry, writer.size};
	forge(bed, SYNC_PLANE_REPLY, &frame);
}

/* Method: a session offers a feed far beyond where it goes, which anybody can
 * say. */
static void what_nobody_signed_for_is_not_missing(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(16), &small);
	struct envoy_stuck stuck[ENVOY_STUCK_MAX];
	struct feed_id feed = {SITE_FIRST + 1, 1, 0};
	struct sync_feed_status status;
	uint64_t offered = 0;

	(void)state;
	bed_links(bed, true);
	(void)bed_settle(bed, MINUTE_MS);
	bed_run(bed, MINUTE_MS);
	box_link(&bed->boxes[1], false);
	bed->tap = hello_note;
	hello_session = 0;
	claim(bed, feed, 4711);
	for (size_t i = 0; sync_feed_at(bed->boxes[0].sync, i, &status); i++)
		if (status.record.id.site == feed.site)
			offered = status.offered;
	assert_int_equal(offered, 4711);
	assert_int_equal(stuck_at(&bed->boxes[0], stuck), 0);
	bed_run(bed, 20 * MINUTE_MS);
	assert_int_equal(stuck_at(&bed->boxes[0], stuck), 0);
	bed_close(bed);
}

/* What @box said last is on the broker no more. */
static void head_forget(struct box *box)
{
	struct letter *kept = &box->retained[SYNC_PLANE_HEAD];

	free(kept->payload);
	*kept = (struct letter){.payload = NULL};
}

static void assert_unreachable(const struct bed *bed, uint64_t last)
{
	struct envoy_stuck stuck[ENVOY_STUCK_MAX];

	assert_int_equal(stuck_at(&bed->boxes[0], stuck), 1);
	assert_string_equal(stuck[0].why, "unreachable");
	assert_int_equal(stuck[0].feed.site, bed->boxes[1].site);
	assert_int_equal(stuck[0].first, last - 2);
	assert_int_equal(stuck[0].last, last);
	assert_span(name_span(&stuck[0].from), bed->boxes[1].name);
	assert_in_range(stuck[0].since_ms, 1, bed->ms - SYNC_LOST_MS);
}

/* Method: HQ admits nothing while box 1 writes three deltas that box 2 takes.
 * Then all stop, and HQ comes back alone: all that it knows of them is box 1's
 * head on the broker, and when that is gone, too, its ACK in the store. */
static void what_only_a_lost_site_has_is_named_until_it_comes(void **state)
{
	struct bed *bed = bed_open(3, 3, test_seed(14), &small);
	struct envoy_stuck stuck[ENVOY_STUCK_MAX];
	uint64_t last;

	(void)state;
	bed_links(bed, true);
	(void)bed_settle(bed, MINUTE_MS);
	bed->boxes[0].is_stuck = true;
	for (int i = 0; i < 3; i++)
		box_receive(&bed->boxes[1], 1);
	bed_run(bed, 5 * MINUTE_MS);
	last = box_seq(&bed->boxes[1], bed->boxes[1].site);
	assert_int_equal(box_seq(&bed->boxes[2], bed->boxes[1].site), last);
	bed_links(bed, false);
	box_restart(&bed->boxes[0], &small);
	bed->boxes[0].is_stuck = false;
	box_link(&bed->boxes[0], true);
	bed_run(bed, 10 * MINUTE_MS);
	assert_int_equal(stuck_at(&bed->boxes[0], stuck), 0);
	bed_run(bed, 10 * MINUTE_MS);
	assert_unreachable(bed, last);

	head_forget(&bed->boxes[1]);
	box_restart(&bed->boxes[0], &small);
	bed_run(bed, 20 * MINUTE_MS);
	assert_unreachable(bed, last);

	box_link(&bed->boxes[2], true);
	bed_run(bed, 2 * MINUTE_MS);
	assert_int_equal(box_seq(&bed->boxes[0], bed->boxes[1].site), last);
	assert_int_equal(stuck_at(&bed->boxes[0], stuck), 0);
	bed_close(bed);
}

static struct envoy_hq hq_look(struct envoy_backlog *backlog,
			       const struct box *box)
{
	struct envoy_hq hq;
	struct err err;

	backlog->site = box->site;
	assert_done(envoy_look_hq(backlog, box->sync, node_view(&box->node),
				  &hq, &err),
		    &err);
	return hq;
}

/* The same sum, read anew as a whole. */
static void assert_bytes(const struct envoy_hq *hq, const struct box *box)
{
	struct envoy_backlog fresh = {.site = 0};
	struct envoy_hq whole;

	/* A look reads so many deltas and no more. */
	for (uint64_t i = 0; i <= hq->deltas / ENVOY_BACKLOG_LOOK; i++)
		whole = hq_look(&fresh, box);
	assert_int_equal(hq->bytes, whole.bytes);
	assert_int_equal(hq->bytes > 0, hq->deltas > 0);
}

/* Method: box 0 is HQ; box 1 works on without a link, is heard, works on. */
static void what_hq_lacks_is_counted_to_the_byte(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(13), &small);
	struct envoy_backlog backlog = {.site = 0};
	struct box *site = &bed->boxes[1];
	struct envoy_hq hq = hq_look(&backlog, site);
	uint64_t seq;

	(void)state;
	for (int i = 0; i < 5; i++)
		box_receive(site, 10);
	hq = hq_look(&backlog, site);
	assert_false(hq.is_known);
	assert_int_equal(hq.deltas, box_seq(site, site->site));
	assert_true(hq.entries >= 50);
	assert_bytes(&hq, site);
	bed_links(bed, true);
	bed_run(bed, 3 * MINUTE_MS);
	hq = hq_look(&backlog, site);
	seq = box_seq(site, site->site);
	assert_true(hq.is_known);
	assert_int_equal(hq.seq, seq);
	assert_int_equal(hq.deltas, 0);
	assert_int_equal(hq.bytes, 0);
	bed_links(bed, false);
	for (int i = 0; i < ENVOY_BACKLOG_LOOK + 20; i++)
		box_receive(site, 1);
	hq = hq_look(&backlog, site);
	assert_int_equal(hq.seq, seq);
	assert_int_equal(hq.deltas, ENVOY_BACKLOG_LOOK + 20);
	hq = hq_look(&backlog, site); /* the rest of it */
	assert_bytes(&hq, site);
	assert_true(hq.has_oldest);
	bed_close(bed);
}

static struct envoy_end end_look(const struct box *box)
{
	struct envoy_end end;
	struct err err;

	assert_done(envoy_look_end(box->sync, node_view(&box->node), &end,
				   &err),
		    &err);
	return end;
}

/* Method: box 0 is HQ, and fences box 1's feed; box 2's it leaves alone. */
static void a_box_knows_that_hq_has_ended_it(void **state)
{
	struct bed *bed = bed_open(3, 3, test_seed(14), &small);
	struct box *site = &bed->boxes[1];
	struct writing *writing;
	struct feed_record own;
	struct envoy_end end;
	struct entry entry;

	(void)state;
	box_receive(site, 3);
	box_receive(&bed->boxes[2], 3);
	bed_links(bed, true);
	bed_run(bed, MINUTE_MS);
	assert_false(end_look(site).is_ended);
	own = node_feed(&bed->boxes[0].node,
			(struct feed_id){site->site, 1, 0});
	entry_init(&entry, ENTRY_FENCE);
	entry.body.fence = (struct fence){.site = site->site,
					  .epoch = 1,
					  .seq = own.seq,
					  .verdict = FENCE_REVOKED};
	memcpy(entry.body.fence.hash, own.hash, HASH_SIZE);
	writing = writing_new(0);
	bed_encode(bed, writing, &entry);
	bed_write(bed, &bed->boxes[0].node, SITE_CONTROL, writing);
	box_receive(&bed->boxes[0], 1);
	bed_run(bed, 3 * MINUTE_MS);
	end = end_look(site);
	assert_true(end.is_ended);
	assert_int_equal(end.epoch, 1);
	assert_int_equal(end.seq, own.seq);
	assert_int_equal(end.verdict, FENCE_REVOKED);
	assert_false(end_look(&bed->boxes[2]).is_ended);
	bed_close(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_feed_that_nobody_certified_is_named_until_it_comes),
		cmocka_unit_test(
			a_feed_that_cannot_be_read_here_is_named_as_damaged),
		cmocka_unit_test(what_nobody_signed_for_is_not_missing),
		cmocka_unit_test(
			what_only_a_lost_site_has_is_named_until_it_comes),
		cmocka_unit_test(what_hq_lacks_is_counted_to_the_byte),
		cmocka_unit_test(a_box_knows_that_hq_has_ended_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
