/*
 * What reconciling costs on the wire: the table of docs/protocol/sync.md,
 * "Budget", counted as bytes of payload in both directions.
 */
#include "tests/support/peers.h"

#define FEEDS 50
#define ROUND_MS 60000

static const struct sync_config sizes = {
	.feeds_max = 128, .peers_max = 8, .waiting_max = 128};

/* Two boxes that both have 50 sites' feeds (and control's), and have told each
 * other so. All feeds are written at box 0. */
static struct bed *settled_bed(void)
{
	struct bed *bed = bed_open(2, FEEDS, 1, &sizes);

	for (uint32_t i = 2; i < FEEDS; i++)
		bed_found(bed, &bed->boxes[0].node, SITE_FIRST + i);
	box_restart(&bed->boxes[0], &sizes);
	bed_links(bed, true);
	(void)bed_settle(bed, ROUND_MS);
	bed_run(bed, 5 * ROUND_MS);
	return bed;
}

static void count_anew(struct bed *bed)
{
	memset(bed->bytes, 0, sizeof(bed->bytes));
	memset(bed->frames, 0, sizeof(bed->frames));
}

/* What is written meanwhile is news to nobody: the link is down. */
static void grow_unheard(struct bed *bed, uint32_t first, uint32_t count,
			 uint32_t entries)
{
	struct box *box = &bed->boxes[0];
	struct sync_step step;

	bed_links(bed, false);
	for (uint32_t i = first; i < first + count; i++)
		bed_receive(bed, &box->node, SITE_FIRST + i, entries);
	step = box_step(box);
	assert_done(sync_grew(box->sync, &step, &bed->err), &bed->err);
}

static void heal(struct bed *bed)
{
	count_anew(bed);
	bed_links(bed, true);
	(void)bed_settle(bed, ROUND_MS);
	bed_run(bed, 5000);
}

static uint64_t hellos;
static uint64_t hellos_of_0;
static void hellos_count(struct bed *bed, const struct sync_out *out,
			 uint32_t from)
{
	struct frame frame;

	(void)bed;
	if (frame_read(out->payload, &frame) != ERR_OK ||
	    frame.type != FRAME_HELLO)
		return;
	hellos++;
	hellos_of_0 += from == 0 ? 1 : 0;
}

/* Method: a HELLO with the digest of what both have, and what comes back. */
static void
in_sync_with_50_feeds_takes_120_bytes_and_one_round_trip(void **state)
{
	struct bed *bed = settled_bed();
	struct frame frame = {.type = FRAME_HELLO, .session = 77};
	uint8_t buffer[256];
	struct writer writer;
	struct letter like = {.from = 1, .to = 0, .plane = SYNC_PLANE_REQUEST};
	uint64_t said;

	(void)state;
	frame.body.hello.version_min = FRAME_VERSION;
	frame.body.hello.version_max = FRAME_VERSION;
	frame.body.hello.net = frame_net(bed->net_id);
	frame.body.hello.boot = UINT64_MAX;
	frame.body.hello.base = UINT64_MAX;
	frame.body.hello.credit = 1 << 20;
	assert_code(feed_vector_digest(node_view(&bed->boxes[1].node),
				       bed->net_id, frame.body.hello.digest,
				       NULL),
		    ERR_OK);
	writer_init(&writer, buffer, sizeof(buffer));
	frame_write(&writer, &frame);
	count_anew(bed);
	bed_post(bed, &like, (struct span){(const char *)buffer, writer.size});
	bed_run(bed, 200);
	said = writer.size + bed_said(bed);
	printf("in sync, %u feeds: %llu bytes, %llu replies\n", FEEDS,
	       (unsigned long long)said,
	       (unsigned long long)bed->frames[SYNC_PLANE_REPLY]);
	assert_int_equal(bed->frames[SYNC_PLANE_REPLY], 1);
	assert_int_equal(bed->frames[SYNC_PLANE_REQUEST], 0);
	assert_true(said <= 120);
	bed_close(bed);
}

static void boxes_in_sync_hardly_talk(void **state)
{
	struct bed *bed = settled_bed();

	(void)state;
	count_anew(bed);
	bed_run(bed, 3600 * 1000);
	printf("an hour in sync: %llu bytes of sessions, %llu heads\n",
	       (unsigned long long)bed_said(bed),
	       (unsigned long long)bed->frames[SYNC_PLANE_HEAD]);
	assert_int_equal(bed_said(bed), 0);
	assert_in_range(bed->frames[SYNC_PLANE_HEAD], 2 * 59, 2 * 62);
	assert_true(bed->bytes[SYNC_PLANE_HEAD] <=
		    256 * bed->frames[SYNC_PLANE_HEAD]);
	bed_close(bed);
}

static void ten_new_on_one_feed_of_50_take_600_bytes(void **state)
{
	struct bed *bed = settled_bed();

	(void)state;
	grow_unheard(bed, 7, 1, 10);
	hellos = 0;
	bed->tap = hellos_count;
	heal(bed);
	printf("10 new on one feed: %llu bytes, %llu sessions\n",
	       (unsigned long long)bed_said(bed), (unsigned long long)hellos);
	assert_true(bed_said(bed) <= 600);
	assert_int_equal(box_seq(&bed->boxes[1], SITE_FIRST + 7), 2);
	bed_close(bed);
}

static uint64_t ack_bytes;
static void acks_count(struct bed *bed, const struct sync_out *out,
		       uint32_t from)
{
	struct frame frame;

	hellos_count(bed, out, from);
	if (frame_read(out->payload, &frame) == ERR_OK &&
	    frame.type == FRAME_ACK)
		ack_bytes += out->payload.size;
}

/* What a box knew of its peers' ACKs is gone with a start; the digest is not.
 * Method: a start, with nothing and with little new. */
static void a_start_lists_only_what_changed_meanwhile(void **state)
{
	struct bed *bed = settled_bed();

	(void)state;
	for (uint32_t new = 0; new <= 1; new ++) {
		bed_links(bed, false);
		if (new == 1)
			grow_unheard(bed, 7, 1, 10);
		box_restart(&bed->boxes[1], &sizes);
		hellos = 0;
		ack_bytes = 0;
		bed->tap = acks_count;
		heal(bed);
		bed_run(bed, 2 * ROUND_MS);
		printf("a start, %u deltas new: %llu bytes, %llu of ACKs, %llu "
		       "sessions\n",
		       new, (unsigned long long)bed_said(bed),
		       (unsigned long long)ack_bytes,
		       (unsigned long long)hellos);
		assert_in_range(hellos, new, 2);
		assert_true(bed_said(bed) <= (new == 0 ? 160 : 600));
		assert_int_equal(ack_bytes, 0);
		assert_true(bed_is_equal(bed));
	}
	bed_close(bed);
}

static void ten_new_on_each_of_50_feeds_take_15_kilobytes(void **state)
{
	struct bed *bed = settled_bed();

	(void)state;
	grow_unheard(bed, 0, 1, 10);
	grow_unheard(bed, 2, FEEDS - 2, 10);
	heal(bed);
	printf("50 feeds x 10 new: %llu bytes\n",
	       (unsigned long long)bed_said(bed));
	assert_true(bed_said(bed) <= 15000);
	/* HAVE, and packs that share frames. */
	assert_in_range(bed->frames[SYNC_PLANE_REPLY], 2, 8);
	assert_int_equal(box_seq(&bed->boxes[1], SITE_FIRST + FEEDS - 1), 2);
	bed_close(bed);
}

/* One movement that promises depend on, alone in its delta, 100 times: the
 * names are those that the segment knows already. */
static void one_urgent_movement_takes_130_bytes(void **state)
{
	struct bed *bed = settled_bed();
	uint64_t news;

	(void)state;
	for (int i = 0; i < 10; i++) {
		box_receive(&bed->boxes[0], 1);
		bed_run(bed, 200);
	}
	count_anew(bed);
	for (int i = 0; i < 100; i++) {
		box_receive(&bed->boxes[0], 1);
		bed_run(bed, 200);
	}
	news = bed->frames[SYNC_PLANE_LIVE];
	printf("one movement: %llu bytes\n",
	       (unsigned long long)(bed->bytes[SYNC_PLANE_LIVE] / news));
	assert_int_equal(news, 100);
	assert_true(bed->bytes[SYNC_PLANE_LIVE] / news <= 130);
	assert_true(bed_is_equal(bed));
	bed_close(bed);
}

/*
 * Who shows a vector that we had is behind us and has nothing for us. Method:
 * news on end for ten minutes, and heads that take a second: most of them tell
 * of a vector that is past.
 */
static void who_is_only_behind_is_not_asked(void **state)
{
	struct bed *bed = settled_bed();

	(void)state;
	hellos_of_0 = 0;
	bed->tap = hellos_count;
	count_anew(bed);
	for (int i = 0; i < 1200; i++) {
		bed->late_ms = 1000;
		box_receive(&bed->boxes[0], 1);
		bed_run(bed, 500);
	}
	printf("%llu heads, %llu sessions\n",
	       (unsigned long long)bed->frames[SYNC_PLANE_HEAD],
	       (unsigned long long)hellos_of_0);
	assert_true(bed->frames[SYNC_PLANE_HEAD] > 60);
	assert_int_equal(hellos_of_0, 0);
	bed_close(bed);
}

/* ---- bulk ---- */

#define BULK_DELTAS 160
#define BULK_ROWS 128

/* A warehouse's week in short: 400 items, few of which move often, 60 bins,
 * three in four movements a pick for one of the orders under way. */
static struct entry week_movement(struct bed *bed, uint32_t *order)
{
	uint64_t draw = test_random(&bed->random);
	uint64_t item = (draw & 0xffff) * (draw >> 16 & 0xffff) * 400 >> 32;
	bool is_pick = (draw >> 32 & 3) != 0;
	struct entry entry;
	char sku[16];
	char bin[16];
	char ref[24];

	assert_true(text_format(sku, sizeof(sku), "%05u%c",
				20000 + (unsigned)(item * 7919 % 70000),
				'A' + (int)(item % 26)));
	assert_true(text_format(bin, sizeof(bin), "A-%02u",
				(unsigned)(item * 31 % 60)));
	if (is_pick && (draw >> 40 & 7) == 0)
		(*order)++;
	assert_true(text_format(ref, sizeof(ref), "SO-%06u", *order));
	entry = is_pick ? move_of(MOVEMENT_PICK, sku,
				  1 + (int64_t)(draw >> 48 & 3), bin, "PICKED")
			: move_of(MOVEMENT_PUTAWAY, sku,
				  12 + (int64_t)(draw >> 48 & 31), "DOCK", bin);
	entry.actor.kind = ACTOR_DEVICE;
	assert_true(
		name_set(&entry.actor.name,
			 span_of((draw >> 52 & 1) != 0 ? "gun-1" : "gun-2")));
	if (is_pick) {
		entry.ref.kind = REF_ORDER;
		assert_true(ref_set(&entry.ref.text, span_of(ref)));
	}
	return entry;
}

static void week_write(struct bed *bed, struct node *node, uint32_t site)
{
	static struct bytes bytes[BULK_ROWS];
	static struct span spans[BULK_ROWS];
	uint32_t order = 1;

	for (uint32_t i = 0; i < BULK_DELTAS; i++) {
		struct feed_write write = {
			.id = {site, 1, 0},
			.plan = {.signer = bed->sites[site - SITE_FIRST],
				 .now = stamp_moment(
					 (struct stamp){bed->stamp}),
				 .clock_trusted = true,
				 .boot = 7,
				 .rows_max = DELTA_ROWS_MAX},
			.entries = spans,
			.count = BULK_ROWS};
		uint64_t seq;

		for (uint32_t j = 0; j < BULK_ROWS; j++) {
			struct entry entry = week_movement(bed, &order);
			uint64_t wait = test_random(&bed->random) % 20000;

			bed->stamp += wait << STAMP_COUNTER_BITS;
			entry.stamp.value = bed->stamp;
			entry.effective = stamp_moment(entry.stamp);
			bytes[j] = encode(&entry);
			spans[j] = (struct span){(const char *)bytes[j].data,
						 bytes[j].size};
		}
		assert_done(feed_write(node->desk, node->t.txn, &write, &seq,
				       &bed->err),
			    &bed->err);
		feed_desk_committed(node->desk);
	}
}

static void bulk_catch_up_takes_10_and_a_half_bytes_a_movement(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(4), &sizes);
	uint64_t movements = BULK_DELTAS * BULK_ROWS;
	uint64_t tenths;

	(void)state;
	bed_links(bed, true);
	(void)bed_settle(bed, ROUND_MS);
	bed_run(bed, ROUND_MS);
	bed_links(bed, false);
	week_write(bed, &bed->boxes[0].node, SITE_FIRST);
	box_restart(&bed->boxes[0], &sizes);
	heal(bed);
	tenths = bed_said(bed) * 10 / movements;
	printf("%llu movements: %llu.%llu bytes each\n",
	       (unsigned long long)movements, (unsigned long long)(tenths / 10),
	       (unsigned long long)(tenths % 10));
	assert_true(tenths <= 105);
	assert_int_equal(box_counts(&bed->boxes[1]).stalls, 0);
	assert_int_equal(box_seq(&bed->boxes[1], SITE_FIRST), BULK_DELTAS + 1);
	bed_close(bed);
}

/*
 * What does not go into a pack goes into the next: nothing is left out, so no
 * session waits in vain. Method: rows that compress well before rows that do
 * not, so that packs have to be cut shorter than they were begun.
 */
static void packs_that_come_out_long_leave_no_gap(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(5), &sizes);

	(void)state;
	bed_links(bed, true);
	(void)bed_settle(bed, ROUND_MS);
	bed_run(bed, ROUND_MS);
	bed_links(bed, false);
	bed_receive_uneven(bed, &bed->boxes[0].node, SITE_FIRST);
	box_restart(&bed->boxes[0], &sizes);
	heal(bed);
	assert_int_equal(box_counts(&bed->boxes[1]).stalls, 0);
	assert_int_equal(box_seq(&bed->boxes[1], SITE_FIRST),
			 BED_UNEVEN_DELTAS + 1);
	bed_close(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			in_sync_with_50_feeds_takes_120_bytes_and_one_round_trip),
		cmocka_unit_test(boxes_in_sync_hardly_talk),
		cmocka_unit_test(ten_new_on_one_feed_of_50_take_600_bytes),
		cmocka_unit_test(a_start_lists_only_what_changed_meanwhile),
		cmocka_unit_test(ten_new_on_each_of_50_feeds_take_15_kilobytes),
		cmocka_unit_test(one_urgent_movement_takes_130_bytes),
		cmocka_unit_test(who_is_only_behind_is_not_asked),
		cmocka_unit_test(
			bulk_catch_up_takes_10_and_a_half_bytes_a_movement),
		cmocka_unit_test(packs_that_come_out_long_leave_no_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
