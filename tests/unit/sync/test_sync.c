/*
 * Boxes that reconcile: what they end with, whatever the broker does to what
 * they say.
 */
#include "tests/support/peers.h"

#define MINUTE_MS 60000

static const struct sync_config small = {
	.feeds_max = 64, .peers_max = 16, .waiting_max = 64};

/* ---- reconciling ---- */

static void boxes_that_meet_end_with_the_same_feeds(void **state)
{
	struct bed *bed = bed_open(3, 3, test_seed(1), &small);

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		backlog_write(bed, i, 5 + i);
	bed_links(bed, true);
	printf("settled after %llu ms\n",
	       (unsigned long long)bed_settle(bed, MINUTE_MS));
	assert_int_equal(box_seq(&bed->boxes[0], SITE_FIRST + 2), 8);
	assert_int_equal(box_seq(&bed->boxes[2], SITE_FIRST), 6);
	bed_close(bed);
}

static void news_arrives_by_itself_without_a_session(void **state)
{
	struct bed *bed = bed_open(3, 3, test_seed(2), &small);
	uint64_t requests;

	(void)state;
	bed_links(bed, true);
	(void)bed_settle(bed, MINUTE_MS);
	bed_run(bed, MINUTE_MS);
	requests = bed->frames[SYNC_PLANE_REQUEST];
	for (uint32_t i = 0; i < 20; i++) {
		box_receive(&bed->boxes[i % 3], 1);
		bed_run(bed, 200);
		assert_true(bed_is_equal(bed));
	}
	assert_int_equal(bed->frames[SYNC_PLANE_REQUEST], requests);
	assert_int_equal(bed->frames[SYNC_PLANE_LIVE], 20);
	bed_close(bed);
}

/* Method: one frame of news is lost to all; the next shows the gap. */
static void news_beyond_a_gap_waits_for_what_is_fetched(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(3), &small);

	(void)state;
	bed_links(bed, true);
	(void)bed_settle(bed, MINUTE_MS);
	bed_run(bed, MINUTE_MS);
	bed->loss = 100;
	box_receive(&bed->boxes[1], 1);
	bed->loss = 0;
	bed_run(bed, 200);
	assert_false(bed_is_equal(bed));
	box_receive(&bed->boxes[1], 1);
	bed_run(bed, 1000);
	assert_true(bed_is_equal(bed));
	bed_close(bed);
}

/* Method: HQ was never there when the two others met. */
static void a_third_box_carries_what_two_that_never_meet_have(void **state)
{
	struct bed *bed = bed_open(3, 3, test_seed(4), &small);

	(void)state;
	backlog_write(bed, 1, 6);
	box_link(&bed->boxes[0], true);
	box_link(&bed->boxes[1], true);
	box_link(&bed->boxes[2], true);
	(void)bed_settle(bed, MINUTE_MS);
	/* 1 and 2 without HQ, then 2 and HQ without 1. */
	box_link(&bed->boxes[0], false);
	backlog_write(bed, 1, 7);
	bed_run(bed, 2 * MINUTE_MS);
	assert_int_equal(box_seq(&bed->boxes[2], SITE_FIRST + 1), 14);
	box_link(&bed->boxes[1], false);
	box_link(&bed->boxes[0], true);
	bed_run(bed, 2 * MINUTE_MS);
	assert_int_equal(box_seq(&bed->boxes[0], SITE_FIRST + 1), 14);
	bed_close(bed);
}

/*
 * Method: 40 seeds; a broker that loses up to 30 of 100, repeats up to 20 and
 * delays up to 3 s; people go on working, links come and go. Then the broker
 * is well again, and after two heads a hop all is equal.
 */
static void
whatever_a_broker_loses_repeats_and_delays_all_ends_equal(void **state)
{
	uint64_t seed = test_seed(5);
	uint64_t slowest = 0;

	(void)state;
	for (uint64_t run = 0; run < 40; run++) {
		struct bed *bed = bed_open(3, 3, seed + run, &small);
		uint64_t took;

		bed->loss = (uint32_t)(run * 7 % 31);
		bed->twice = (uint32_t)(run * 3 % 21);
		bed->late_ms = (uint32_t)(run * 211 % 3000);
		bed_links(bed, true);
		for (int i = 0; i < 60; i++) {
			uint32_t which =
				(uint32_t)(test_random(&bed->random) % 3);

			box_receive(&bed->boxes[which], 1 + (uint32_t)i % 5);
			if (i % 9 == 8)
				box_link(&bed->boxes[which],
					 !bed->boxes[which].is_up);
			bed_run(bed, 1000);
		}
		bed->loss = 0;
		bed->late_ms = 0;
		for (uint32_t i = 0; i < 3; i++)
			if (!bed->boxes[i].is_up)
				box_link(&bed->boxes[i], true);
		took = bed_settle(bed, 3 * MINUTE_MS);
		slowest = took > slowest ? took : slowest;
		bed_close(bed);
	}
	printf("slowest healing: %llu ms\n", (unsigned long long)slowest);
}

/* Method: every frame comes twice or more. No session is begun again for it,
 * and no pack is admitted twice. */
static void what_a_broker_says_twice_costs_nothing(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(13), &small);
	struct sync_counts counts;

	(void)state;
	backlog_write(bed, 1, 600);
	bed->twice = 100;
	bed->late_ms = 50;
	bed_links(bed, true);
	(void)bed_settle(bed, MINUTE_MS);
	bed_run(bed, MINUTE_MS);
	counts = box_counts(&bed->boxes[0]);
	assert_int_equal(counts.stalls, 0);
	assert_int_equal(counts.refusals_got, 0);
	assert_in_range(counts.sessions_begun, 1, 2);
	assert_int_equal(counts.refused[ADMISSION_DUPLICATE], 0);
	bed_close(bed);
}

/* Method: the engine is dropped and opened again every two seconds in the
 * middle of catching up. */
static void an_engine_that_is_dropped_goes_on_from_the_store(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(6), &small);

	(void)state;
	backlog_write(bed, 1, 200);
	bed->late_ms = 1500;
	bed_links(bed, true);
	for (int i = 0; i < 30; i++) {
		bed_run(bed, 2000);
		box_restart(&bed->boxes[i % 2], &small);
	}
	(void)bed_settle(bed, MINUTE_MS);
	assert_int_equal(box_seq(&bed->boxes[0], SITE_FIRST + 1), 201);
	bed_close(bed);
}

static void the_same_seed_says_the_same_byte_for_byte(void **state)
{
	uint64_t bytes[2][SYNC_PLANE_MAX + 1];
	uint64_t seed = test_seed(7);

	(void)state;
	for (int run = 0; run < 2; run++) {
		struct bed *bed = bed_open(3, 3, seed, &small);

		bed->loss = 20;
		bed->late_ms = 2000;
		bed_links(bed, true);
		for (uint32_t i = 0; i < 40; i++) {
			box_receive(&bed->boxes[i % 3], 2);
			bed_run(bed, 1500);
		}
		memcpy(bytes[run], bed->bytes, sizeof(bytes[run]));
		bed_close(bed);
	}
	assert_memory_equal(bytes[0], bytes[1], sizeof(bytes[0]));
	assert_true(bytes[0][SYNC_PLANE_REPLY] > 1000);
}

/* ---- what a peer durably has ---- */

static void what_a_peer_has_is_known_when_it_has_signed_it(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(8), &small);
	struct box *site = &bed->boxes[1];
	struct feed_id own = {SITE_FIRST + 1, 1, 0};
	struct sync_peer_status status;

	(void)state;
	backlog_write(bed, 1, 9);
	assert_int_equal(sync_acked(site->sync, SITE_FIRST, own), 0);
	bed_links(bed, true);
	(void)bed_settle(bed, MINUTE_MS);
	bed_run(bed, 5000);
	assert_int_equal(sync_acked(site->sync, SITE_FIRST, own), 10);
	assert_true(site->kept > 0);

	/* HQ hears nothing any more: what it is known to have stays. */
	box_link(&bed->boxes[0], false);
	backlog_write(bed, 1, 3);
	bed_run(bed, 10 * MINUTE_MS);
	assert_int_equal(sync_acked(site->sync, SITE_FIRST, own), 10);
	assert_true(
		sync_peer_at(site->sync, node_view(&site->node), 0, &status));
	assert_string_equal(bed->boxes[0].name, "hz-03");
	assert_span(name_span(&status.name), "hz-03");
	assert_true(status.is_stale);
	assert_int_equal(status.acked_seq, 10);
	assert_int_equal(status.backlog_deltas, 3);
	assert_int_equal(status.backlog_entries, 30);

	/* And after a start it is known from the store. */
	box_restart(site, &small);
	assert_int_equal(sync_acked(site->sync, SITE_FIRST, own), 10);
	bed_close(bed);
}

/* Method: news only, no session: HQ's word comes with its interval. */
static void hq_says_what_it_has_of_news_too(void **state)
{
	struct bed *bed = bed_open(3, 3, test_seed(9), &small);
	struct feed_id own = {SITE_FIRST + 1, 1, 0};

	(void)state;
	bed_links(bed, true);
	(void)bed_settle(bed, MINUTE_MS);
	/* The other site is always busy, so digests hardly ever agree. */
	for (int i = 0; i < 30; i++) {
		box_receive(&bed->boxes[1], 1);
		box_receive(&bed->boxes[2], 1);
		bed_run(bed, 5000);
	}
	assert_in_range(sync_acked(bed->boxes[1].sync, SITE_FIRST, own), 17,
			31);
	bed_close(bed);
}

/* ---- sources and credit ---- */

/* Method: box 1 and 2 both have the backlog of box 0, which is gone. Whoever
 * is asked first falls silent in the middle. */
static void a_source_that_falls_silent_is_left_for_another(void **state)
{
	struct bed *bed = bed_open(4, 4, test_seed(10), &small);
	struct sync_feed_status feed;
	uint32_t source;

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		box_link(&bed->boxes[i], true);
	backlog_write(bed, 0, 2000);
	bed_run(bed, MINUTE_MS);
	assert_int_equal(box_seq(&bed->boxes[2], SITE_FIRST), 2001);
	box_link(&bed->boxes[0], false);
	bed->late_ms = 200;
	box_link(&bed->boxes[3], true);
	for (int i = 0; i < 100 && box_seq(&bed->boxes[3], SITE_FIRST) < 2; i++)
		bed_run(bed, 100);
	assert_in_range(box_seq(&bed->boxes[3], SITE_FIRST), 2, 2000);
	for (size_t i = 0; sync_feed_at(bed->boxes[3].sync, i, &feed); i++)
		if (feed.record.id.site == SITE_FIRST)
			break;
	source = bed_box_named(bed, name_span(&feed.source));
	assert_in_range(source, 1, 2);
	bed->boxes[source].is_mute = true;
	bed_run(bed, SYNC_STALL_MS + 10000);
	assert_in_range(box_counts(&bed->boxes[3]).stalls, 1, 2);
	assert_int_equal(box_seq(&bed->boxes[3], SITE_FIRST), 2001);
	bed_close(bed);
}

struct ledger_of_credit {
	uint32_t session;
	uint64_t granted;
	uint64_t sent;
	uint64_t packs;
	uint64_t over;
};

static void packs_count(struct ledger_of_credit *ledger, struct span packs)
{
	struct reader reader;
	struct span pack;

	reader_init(&reader, packs.data, packs.size);
	while (frame_pack_read(&reader, &pack)) {
		ledger->packs++;
		ledger->sent += pack.size < 4096 ? 4096 : pack.size;
		ledger->over += ledger->sent > ledger->granted;
	}
}

static void credit_watch(struct bed *bed, const struct sync_out *out,
			 uint32_t from)
{
	struct ledger_of_credit *ledger = bed->tapped;
	struct frame frame;

	(void)from;
	assert_code(frame_read(out->payload, &frame), ERR_OK);
	if (frame.type == FRAME_HELLO && from == 0) {
		*ledger = (struct ledger_of_credit){
			.session = frame.session,
			.granted = frame.body.hello.credit,
			.packs = ledger->packs,
			.over = ledger->over};
	}
	if (frame.session != ledger->session)
		return;
	if (frame.type == FRAME_WANT &&
	    frame.body.want.granted > ledger->granted)
		ledger->granted = frame.body.want.granted;
	if (frame.type == FRAME_CREDIT &&
	    frame.body.credit.granted > ledger->granted)
		ledger->granted = frame.body.credit.granted;
	if (frame.type == FRAME_BATCHES)
		packs_count(ledger, frame.body.packs);
}

/* Method: a bulk catch-up with a slow broker, and a box that for a while admits
 * nothing: what is under way stays within what was granted, and what waits
 * within what there is room for. */
static void what_is_granted_bounds_what_is_sent_and_what_waits(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(11), &small);
	struct ledger_of_credit ledger = {0};
	uint64_t waiting;

	(void)state;
	bed->tap = credit_watch;
	bed->tapped = &ledger;
	for (int i = 0; i < 3000; i++)
		bed_receive(bed, &bed->boxes[1].node, bed->boxes[1].site, 16);
	bed->late_ms = 300;
	bed->boxes[0].is_stuck = true;
	box_restart(&bed->boxes[1], &small);
	bed_links(bed, true);
	bed_run(bed, 5 * MINUTE_MS);
	waiting = box_counts(&bed->boxes[0]).waiting;
	assert_in_range(waiting, 1, 56);
	assert_int_equal(box_counts(&bed->boxes[0]).waiting_full, 0);
	bed->boxes[0].is_stuck = false;
	(void)bed_settle(bed, 10 * MINUTE_MS);
	printf("%llu packs, %u waited at most\n",
	       (unsigned long long)ledger.packs,
	       box_counts(&bed->boxes[0]).waiting_peak);
	assert_int_equal(ledger.over, 0);
	assert_true(ledger.packs > 20);
	assert_int_equal(box_seq(&bed->boxes[0], SITE_FIRST + 1), 3001);
	bed_close(bed);
}

/* ---- status ---- */

static void a_feed_that_the_roster_does_not_know_holds_up_no_other(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(12), &small);
	struct sync_feed_status feed;
	bool is_named = false;

	(void)state;
	/* A site that HQ never certified wrote at box 1. */
	bed->sites[7] = feeds_signer(77);
	bed_found(bed, &bed->boxes[1].node, SITE_FIRST + 7);
	backlog_write(bed, 1, 5);
	bed_links(bed, true);
	bed_run(bed, MINUTE_MS);
	assert_int_equal(box_seq(&bed->boxes[0], SITE_FIRST + 1), 6);
	assert_int_equal(box_seq(&bed->boxes[0], SITE_FIRST + 7), 0);
	for (size_t i = 0; sync_feed_at(bed->boxes[0].sync, i, &feed); i++) {
		if (feed.record.id.site != SITE_FIRST + 7)
			continue;
		is_named = true;
		assert_int_equal(feed.stuck_seq, 1);
		assert_string_equal(admission_name(feed.stuck), "stranger");
	}
	assert_true(is_named);
	/* Certified now: it comes by itself. */
	bed_certify(bed, &bed->boxes[0].node, SITE_FIRST + 7, SITE_FIRST + 7);
	box_receive(&bed->boxes[0], 1);
	bed_run(bed, 3 * MINUTE_MS);
	assert_int_equal(box_seq(&bed->boxes[0], SITE_FIRST + 7), 1);
	bed_close(bed);
}

static void a_topic_reads_as_what_was_written_and_no_other_reads(void **state)
{
	static const char *const good[] = {"head/hz-07", "live/hz-07",
					   "alarm/hz-07", "req/hq/hz-07",
					   "rep/hq/hz-07/1a2b3c4d"};
	static const char *const bad[] = {
		"",
		"/",
		"head",
		"head/",
		"head/HZ",
		"head/hz-07/",
		"head/hz-07/x",
		"heads/hz-07",
		"head/+",
		"req/hq",
		"req//hz-07",
		"req/hq/hz-07/x",
		"rep/hq/hz-07",
		"rep/hq/hz-07/1A2B3C4D",
		"rep/hq/hz-07/1a2b3c4",
		"rep/hq/hz-07/1a2b3c4d5",
		"rep/hq/hz-07/1a2b3c4d/",
		"head/0123456789012345678901234567890123"};
	struct name own;
	char topic[SYNC_TOPIC_SIZE];
	size_t wanted = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct sync_in in = {0};
		struct sync_out out = {0};

		assert_true(sync_topic_read(span_of(good[i]), &in));
		out.plane = in.plane;
		out.from = in.from;
		out.to = in.to;
		out.session = in.session;
		sync_topic_write(&out, topic);
		assert_string_equal(topic, good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct sync_in in = {0};

		if (sync_topic_read(span_of(bad[i]), &in))
			fail_msg("'%s' was read", bad[i]);
	}
	assert_true(name_set(&own, SPAN_LITERAL("hz-07")));
	while (sync_topic_wanted(name_span(&own), wanted, topic))
		wanted++;
	assert_int_equal(wanted, 5);
	assert_string_equal(topic, "rep/hz-07/+/+");
}

static void a_config_beyond_the_limits_is_refused(void **state)
{
	struct bed *bed = bed_open(1, 1, 1, &small);
	struct sync_config config = small;
	struct sync_port port = {0};
	struct sync *sync = NULL;

	(void)state;
	config.feeds_max = SYNC_FEEDS_MAX + 1;
	assert_code(sync_open(&config, &port, node_view(&bed->boxes[0].node),
			      &sync, NULL),
		    ERR_INVALID);
	config = small;
	config.waiting_max = 1;
	assert_code(sync_open(&config, &port, node_view(&bed->boxes[0].node),
			      &sync, NULL),
		    ERR_INVALID);
	assert_null(sync);
	assert_in_range(sync_size(&small), 64 * SYNC_FRAME_SIZE_MAX,
			65 * SYNC_FRAME_SIZE_MAX + (1 << 20));
	bed_close(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boxes_that_meet_end_with_the_same_feeds),
		cmocka_unit_test(news_arrives_by_itself_without_a_session),
		cmocka_unit_test(news_beyond_a_gap_waits_for_what_is_fetched),
		cmocka_unit_test(
			a_third_box_carries_what_two_that_never_meet_have),
		cmocka_unit_test(
			whatever_a_broker_loses_repeats_and_delays_all_ends_equal),
		cmocka_unit_test(
			an_engine_that_is_dropped_goes_on_from_the_store),
		cmocka_unit_test(what_a_broker_says_twice_costs_nothing),
		cmocka_unit_test(the_same_seed_says_the_same_byte_for_byte),
		cmocka_unit_test(
			what_a_peer_has_is_known_when_it_has_signed_it),
		cmocka_unit_test(hq_says_what_it_has_of_news_too),
		cmocka_unit_test(
			a_source_that_falls_silent_is_left_for_another),
		cmocka_unit_test(
			what_is_granted_bounds_what_is_sent_and_what_waits),
		cmocka_unit_test(
			a_feed_that_the_roster_does_not_know_holds_up_no_other),
		cmocka_unit_test(
			a_topic_reads_as_what_was_written_and_no_other_reads),
		cmocka_unit_test(a_config_beyond_the_limits_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
