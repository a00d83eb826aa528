/*
 * What boxes know of each other: heads, acknowledgements, alarms; and what of
 * it is not believed.
 */
#include "tests/support/peers.h"

#define MINUTE_MS 60000
#define FRAME_ROOM 4096

static const struct sync_config small = {
	.feeds_max = 16, .peers_max = 8, .waiting_max = 32};

static struct bed *settled(uint32_t boxes, uint64_t seed)
{
	struct bed *bed = bed_open(boxes, boxes, test_seed(seed), &small);

	bed_links(bed, true);
	(void)bed_settle(bed, 2 * MINUTE_MS);
	bed_run(bed, MINUTE_MS);
	return bed;
}

/* Hands box 0 a frame as if @from had sent it. */
static void give(struct bed *bed, uint32_t from, enum sync_plane plane,
		 const struct frame *frame)
{
	struct letter like = {.from = from,
			      .to = 0,
			      .plane = plane,
			      .session = frame->session};
	uint8_t bytes[FRAME_ROOM];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	frame_write(&writer, frame);
	assert_true(writer_ok(&writer));
	bed_post(bed, &like, (struct span){(const char *)bytes, writer.size});
	bed_run(bed, 200);
}

static struct sync_peer_status peer_named(const struct box *box,
					  const char *name)
{
	struct sync_peer_status status = {0};
	size_t i = 0;

	while (sync_peer_at(box->sync, node_view(&box->node), i++, &status))
		if (span_is(name_span(&status.name), name))
			return status;
	fail_msg("no peer %s", name);
	return status;
}

static struct frame head_of(const struct bed *bed, uint32_t box, uint64_t seq)
{
	struct frame frame = {.type = FRAME_HEAD};
	struct frame_head *head = &frame.body.head;

	head->site = bed->boxes[box].site;
	head->epoch = 1;
	head->seq = seq;
	head->stamp.value = (uint64_t)(FEEDS_START_MS + (int64_t)bed->ms)
			    << STAMP_COUNTER_BITS;
	head->next_s = 60;
	frame_head_sign(&frame, bed->sites[box], bed->net_id);
	return frame;
}

/* ---- heads ---- */

static void
a_head_by_another_key_or_of_another_name_is_not_believed(void **state)
{
	struct bed *bed = settled(3, 1);
	struct frame frame = head_of(bed, 1, 99);

	(void)state;
	/* Site 2's word in site 1's name, and one whose seq was changed. */
	give(bed, 2, SYNC_PLANE_HEAD, &frame);
	assert_int_equal(box_counts(&bed->boxes[0]).heads_forged, 1);
	frame.body.head.seq = 100;
	give(bed, 1, SYNC_PLANE_HEAD, &frame);
	assert_int_equal(box_counts(&bed->boxes[0]).heads_forged, 2);
	assert_int_equal(peer_named(&bed->boxes[0], "hz-04").seq, 1);
	/* As it was signed it is. */
	frame = head_of(bed, 1, 99);
	give(bed, 1, SYNC_PLANE_HEAD, &frame);
	assert_int_equal(peer_named(&bed->boxes[0], "hz-04").seq, 99);
	/* An older one does not take its place. */
	frame = head_of(bed, 1, 50);
	frame.body.head.stamp.value -= UINT64_C(1) << 30;
	frame_head_sign(&frame, bed->sites[1], bed->net_id);
	give(bed, 1, SYNC_PLANE_HEAD, &frame);
	assert_int_equal(peer_named(&bed->boxes[0], "hz-04").seq, 99);
	assert_int_equal(box_counts(&bed->boxes[0]).heads_forged, 2);
	bed_close(bed);
}

static void a_metered_link_gets_a_head_each_quarter_of_an_hour(void **state)
{
	struct bed *bed = settled(2, 2);
	struct box *box = &bed->boxes[1];
	struct sync_step step = box_step(box);
	struct sync_link link = {.is_up = true, .is_metered = true};
	uint64_t before;

	(void)state;
	assert_done(sync_link(box->sync, &step, &link, &bed->err), &bed->err);
	box_link(&bed->boxes[0], false);
	before = bed->frames[SYNC_PLANE_HEAD];
	for (int i = 0; i < 60; i++) {
		bed_run(bed, MINUTE_MS);
		box_receive(box, 1);
	}
	assert_in_range(bed->frames[SYNC_PLANE_HEAD] - before, 4, 5);
	bed_close(bed);
}

static void a_busy_site_says_no_more_than_a_head_each_ten_seconds(void **state)
{
	struct bed *bed = settled(2, 3);
	uint64_t before;

	(void)state;
	box_link(&bed->boxes[0], false);
	before = bed->frames[SYNC_PLANE_HEAD];
	for (int i = 0; i < 600; i++) {
		box_receive(&bed->boxes[1], 1);
		bed_run(bed, 500);
	}
	assert_in_range(bed->frames[SYNC_PLANE_HEAD] - before, 20, 31);
	bed_close(bed);
}

/* Our own head, by our own key, from the broker that kept it: of a life that
 * this box does not remember. */
static void our_own_name_shows_what_we_do_not_remember(void **state)
{
	struct bed *bed = settled(2, 4);
	struct box *box = &bed->boxes[0];
	struct frame frame = head_of(bed, 0, 30);

	(void)state;
	assert_int_equal(box->found_count, 0);
	give(bed, 0, SYNC_PLANE_HEAD, &frame);
	assert_int_equal(box->found_count, 1);
	assert_int_equal(box->found[0].kind, SYNC_FOUND_SELF);
	assert_int_equal(box->found[0].seq, 30);
	assert_true(box->found[0].is_signed);
	/* By another key it says nothing. */
	frame_head_sign(&frame, bed->sites[1], bed->net_id);
	give(bed, 0, SYNC_PLANE_HEAD, &frame);
	assert_int_equal(box->found_count, 1);
	bed_close(bed);
}

/* What was written into a box's store is news to its engine. */
static void box_grew(struct box *box)
{
	struct sync_step step = box_step(box);

	assert_done(sync_grew(box->sync, &step, &box->bed->err),
		    &box->bed->err);
	box_work(box);
}

static void certify_epoch(struct bed *bed, uint32_t box, uint32_t epoch)
{
	struct writing *writing = writing_new(0);
	struct entry entry =
		certificate_for(bed->boxes[box].site, bed->sites[box]);

	entry.body.certificate.epoch = epoch;
	bed_encode(bed, writing, &entry);
	bed_write(bed, &bed->boxes[0].node, SITE_CONTROL, writing);
	box_grew(&bed->boxes[0]);
	(void)bed_settle(bed, 2 * MINUTE_MS);
}

/* The last head that box 1 left at the broker, as of another epoch. */
static struct frame head_in_epoch(const struct bed *bed, uint32_t epoch)
{
	const struct letter *kept = &bed->boxes[1].retained[SYNC_PLANE_HEAD];
	struct span bytes = {(const char *)kept->payload, kept->size};
	struct frame frame;

	assert_code(frame_read(bytes, &frame), ERR_OK);
	frame.body.head.epoch = epoch;
	frame_head_sign(&frame, bed->sites[1], bed->net_id);
	return frame;
}

/* Method: a later epoch of its name was heard; the box with the earlier one
 * gets a third site's feed, of which no news is heard. Its own head tells
 * nothing new. */
static void a_twin_is_asked_for_what_its_head_does_not_name(void **state)
{
	struct bed *bed = bed_open(2, 3, test_seed(10), &small);
	struct frame frame;

	(void)state;
	bed_links(bed, true);
	(void)bed_settle(bed, 2 * MINUTE_MS);
	certify_epoch(bed, 1, 2);
	bed_run(bed, 5 * MINUTE_MS);
	frame = head_in_epoch(bed, 2);
	give(bed, 1, SYNC_PLANE_HEAD, &frame);
	bed_run(bed, 5 * MINUTE_MS);
	bed_found(bed, &bed->boxes[1].node, SITE_FIRST + 2);
	bed->boxes[1].is_mute = true;
	box_grew(&bed->boxes[1]);
	bed_run(bed, 1000);
	bed->boxes[1].is_mute = false;
	assert_false(bed_is_equal(bed));
	bed_run(bed, 5 * MINUTE_MS);
	assert_true(bed_is_equal(bed));
	assert_int_equal(box_seq(&bed->boxes[0], SITE_FIRST + 2), 1);
	bed_close(bed);
}

/* Two boxes of one image began new lives, whose numbers are drawn: the one with
 * the lower number is heard of last. Whose key it is only its first delta says,
 * so it is asked for that; anybody may say such a thing, so it is not asked
 * each time. */
static void a_twin_of_a_life_that_nobody_heard_of_is_asked(void **state)
{
	struct bed *bed = bed_open(2, 3, test_seed(10), &small);
	struct frame frame;
	uint64_t begun;

	(void)state;
	bed_links(bed, true);
	(void)bed_settle(bed, 2 * MINUTE_MS);
	certify_epoch(bed, 1, 3);
	bed_run(bed, 5 * MINUTE_MS);
	frame = head_in_epoch(bed, 3);
	give(bed, 1, SYNC_PLANE_HEAD, &frame);
	bed_run(bed, 10 * MINUTE_MS);
	frame = head_in_epoch(bed, 2);
	frame.body.head.digest[0] ^= 1;
	begun = box_counts(&bed->boxes[0]).sessions_begun;
	give(bed, 1, SYNC_PLANE_HEAD, &frame);
	bed_run(bed, 1000);
	assert_int_equal(box_counts(&bed->boxes[0]).sessions_begun, begun + 1);
	for (unsigned i = 0; i < 10; i++) {
		give(bed, 1, SYNC_PLANE_HEAD, &frame);
		bed_run(bed, 1000);
	}
	assert_int_equal(box_counts(&bed->boxes[0]).sessions_begun, begun + 1);
	assert_int_equal(peer_named(&bed->boxes[0], "hz-04").seq,
			 head_in_epoch(bed, 3).body.head.seq);
	bed_close(bed);
}

/* ---- acknowledgements ---- */

static struct frame ack_of(const struct bed *bed, uint32_t box, uint64_t base,
			   struct span entries)
{
	struct frame frame = {.type = FRAME_ACK};

	frame.body.ack.site = bed->boxes[box].site;
	frame.body.ack.epoch = 1;
	frame.body.ack.stamp.value = UINT64_MAX >> 4;
	frame.body.ack.base = base;
	frame.body.ack.count = 1;
	frame.body.ack.entries = entries;
	frame_ack_sign(&frame, bed->sites[box], bed->net_id);
	return frame;
}

static void only_a_sites_own_signature_says_what_it_has(void **state)
{
	struct bed *bed = settled(2, 5);
	struct box *hq = &bed->boxes[0];
	struct frame_entry entry = {{SITE_FIRST, 1, 0}, 40, 7, 1};
	struct feed_id feed = entry.feed;
	struct frame_list list = {0};
	struct frame frame;
	uint8_t bytes[64];
	struct writer writer;
	struct span entries;
	uint64_t before = sync_acked(hq->sync, SITE_FIRST + 1, feed);

	(void)state;
	writer_init(&writer, bytes, sizeof(bytes));
	frame_entry_write(&writer, &list, &entry);
	entries = (struct span){(const char *)bytes, writer.size};
	frame = ack_of(bed, 1, 0, entries);
	frame.body.ack.signature[3] ^= 1;
	give(bed, 1, SYNC_PLANE_REQUEST, &frame);
	assert_int_equal(box_counts(hq).acks_forged, 1);
	assert_int_equal(sync_acked(hq->sync, SITE_FIRST + 1, feed), before);

	/* On a base that is not here it is not taken either: all is asked. */
	frame = ack_of(bed, 1, 12345, entries);
	give(bed, 1, SYNC_PLANE_REQUEST, &frame);
	assert_int_equal(sync_acked(hq->sync, SITE_FIRST + 1, feed), before);

	frame = ack_of(bed, 1, 0, entries);
	give(bed, 1, SYNC_PLANE_REQUEST, &frame);
	assert_int_equal(sync_acked(hq->sync, SITE_FIRST + 1, feed), 40);
	bed_close(bed);
}

/* HQ says that site 0 is certified, once more. */
static void control_grow(struct bed *bed)
{
	struct writing *writing = writing_new(0);
	struct box *hq = &bed->boxes[0];
	struct entry entry = certificate_for(hq->site, bed->sites[0]);
	struct sync_step step;

	bed_encode(bed, writing, &entry);
	bed_write(bed, &hq->node, SITE_CONTROL, writing);
	step = box_step(hq);
	assert_done(sync_grew(hq->sync, &step, &bed->err), &bed->err);
	box_work(hq);
}

/* HQ says that site @box goes on in epoch 2, by @key. */
static void certify_next(struct bed *bed, uint32_t box,
			 const struct signer *key)
{
	struct writing *writing = writing_new(0);
	struct box *hq = &bed->boxes[0];
	struct entry entry = certificate_for(bed->boxes[box].site, key);
	struct sync_step step;

	entry.body.certificate.epoch = 2;
	bed_encode(bed, writing, &entry);
	bed_write(bed, &hq->node, SITE_CONTROL, writing);
	step = box_step(hq);
	assert_done(sync_grew(hq->sync, &step, &bed->err), &bed->err);
	box_work(hq);
}

/*
 * An old disk has an old key. Method: a site acknowledges; HQ certifies another
 * epoch of it; the old key says the same again, in an ACK and with a head that
 * has HQ's own digest, and once more after HQ's engine began anew from its
 * table. Then the new key says it.
 */
static void a_life_that_is_over_acknowledges_nothing(void **state)
{
	struct bed *bed = settled(2, 9);
	struct box *hq = &bed->boxes[0];
	struct signer *next = feeds_signer(99);
	struct frame_entry entry = {{SITE_FIRST, 1, 0}, 40, 7, 1};
	struct feed_id feed = entry.feed;
	struct frame_list list = {0};
	struct frame head;
	struct frame ack;
	uint8_t bytes[64];
	struct writer writer;

	(void)state;
	box_link(&bed->boxes[1], false);
	writer_init(&writer, bytes, sizeof(bytes));
	frame_entry_write(&writer, &list, &entry);
	ack = ack_of(bed, 1, 0,
		     (struct span){(const char *)bytes, writer.size});
	give(bed, 1, SYNC_PLANE_REQUEST, &ack);
	bed_run(bed, 2000);
	assert_int_equal(sync_acked(hq->sync, SITE_FIRST + 1, feed), 40);

	certify_next(bed, 1, next);
	assert_int_equal(sync_acked(hq->sync, SITE_FIRST + 1, feed), 0);
	give(bed, 1, SYNC_PLANE_REQUEST, &ack);
	assert_int_equal(sync_acked(hq->sync, SITE_FIRST + 1, feed), 0);
	head = head_of(bed, 1, 1);
	assert_code(feed_vector_digest(node_view(&hq->node), bed->net_id,
				       head.body.head.digest, NULL),
		    ERR_OK);
	frame_head_sign(&head, bed->sites[1], bed->net_id);
	give(bed, 1, SYNC_PLANE_HEAD, &head);
	assert_int_equal(sync_acked(hq->sync, SITE_FIRST + 1, feed), 0);
	box_restart(hq, &small);
	box_link(hq, true);
	bed_run(bed, 2000);
	assert_int_equal(sync_acked(hq->sync, SITE_FIRST + 1, feed), 0);

	ack.body.ack.epoch = 2;
	frame_ack_sign(&ack, next, bed->net_id);
	give(bed, 1, SYNC_PLANE_REQUEST, &ack);
	assert_int_equal(sync_acked(hq->sync, SITE_FIRST + 1, feed), 40);
	assert_int_equal(box_counts(hq).acks_forged, 0);
	signer_close(next);
	bed_close(bed);
}

/*
 * Who has a vector that was HQ's has all of it that has not changed since; of
 * the rest nobody knows. Method: HQ's control grows, then a site's feed, and a
 * site's head, and later an ACK without a list, names the vector between.
 */
static void a_vector_that_was_ours_tells_what_its_owner_has(void **state)
{
	struct bed *bed = settled(2, 9);
	struct box *hq = &bed->boxes[0];
	struct feed_id control = {SITE_CONTROL, 1, 0};
	struct feed_id own = {SITE_FIRST, 1, 0};
	uint64_t before[2];
	struct frame head = head_of(bed, 1, 1);
	struct frame ack;

	(void)state;
	box_link(&bed->boxes[1], false);
	before[0] = sync_acked(hq->sync, SITE_FIRST + 1, control);
	before[1] = sync_acked(hq->sync, SITE_FIRST + 1, own);
	control_grow(bed);
	assert_code(feed_vector_digest(node_view(&hq->node), bed->net_id,
				       head.body.head.digest, NULL),
		    ERR_OK);
	box_receive(hq, 1);
	frame_head_sign(&head, bed->sites[1], bed->net_id);
	give(bed, 1, SYNC_PLANE_HEAD, &head);
	assert_int_equal(sync_acked(hq->sync, SITE_FIRST + 1, control),
			 before[0] + 1);
	assert_int_equal(sync_acked(hq->sync, SITE_FIRST + 1, own), before[1]);

	control_grow(bed);
	assert_code(feed_vector_digest(node_view(&hq->node), bed->net_id,
				       head.body.head.digest, NULL),
		    ERR_OK);
	box_receive(hq, 1);
	ack = ack_of(bed, 1, frame_digest_start(head.body.head.digest),
		     (struct span){0});
	ack.body.ack.count = 0;
	frame_ack_sign(&ack, bed->sites[1], bed->net_id);
	give(bed, 1, SYNC_PLANE_REQUEST, &ack);
	assert_int_equal(sync_acked(hq->sync, SITE_FIRST + 1, control),
			 before[0] + 2);
	assert_int_equal(sync_acked(hq->sync, SITE_FIRST + 1, own), before[1]);
	assert_int_equal(box_counts(hq).acks_forged, 0);
	bed_close(bed);
}

/* Method: a box whose peer forgot what it acknowledged (a new engine there)
 * says all of it again, and then goes on with what differs. */
static void a_peer_that_forgot_is_told_everything_again(void **state)
{
	struct bed *bed = settled(2, 6);
	struct box *hq = &bed->boxes[0];
	struct feed_id feed = {SITE_FIRST + 1, 1, 0};

	(void)state;
	box_restart(&bed->boxes[1], &small);
	for (int i = 0; i < 10; i++) {
		box_receive(&bed->boxes[1], 1);
		bed_run(bed, MINUTE_MS);
	}
	assert_true(bed_is_equal(bed));
	assert_in_range(sync_acked(bed->boxes[1].sync, SITE_FIRST, feed), 9,
			11);
	assert_true(box_counts(hq).refusals_got <= 1);
	bed_close(bed);
}

/* ---- strangers and old news ---- */

static void a_hello_of_another_network_is_refused(void **state)
{
	struct bed *bed = settled(2, 7);
	struct frame frame = {.type = FRAME_HELLO, .session = 9};
	uint64_t replies = bed->frames[SYNC_PLANE_REPLY];

	(void)state;
	frame.body.hello.version_min = 1;
	frame.body.hello.version_max = 1;
	frame.body.hello.net = 666;
	bed_run(bed, 5000);
	give(bed, 1, SYNC_PLANE_REQUEST, &frame);
	assert_int_equal(box_counts(&bed->boxes[0]).frames_foreign, 1);
	assert_int_equal(bed->frames[SYNC_PLANE_REPLY], replies + 1);
	assert_int_equal(box_counts(&bed->boxes[0]).serves, 0);
	bed_close(bed);
}

/* Method: the broker holds news back for 11 minutes. */
static void news_that_was_held_back_is_dropped_and_fetched(void **state)
{
	struct bed *bed = settled(2, 8);

	(void)state;
	box_receive(&bed->boxes[1], 1);
	assert_int_equal(bed->letters[0].plane, SYNC_PLANE_LIVE);
	bed->ms += 11 * MINUTE_MS;
	bed_run(bed, 200);
	assert_int_equal(box_counts(&bed->boxes[0]).live_old, 1);
	assert_false(bed_is_equal(bed));
	(void)bed_settle(bed, 2 * MINUTE_MS);
	bed_close(bed);
}

/* ---- alarms ---- */

/* Method: two signed headers of one position, shown to who has neither. */
static void an_alarm_is_believed_if_both_signatures_are_good(void **state)
{
	struct bed *bed = settled(2, 9);
	struct box *hq = &bed->boxes[0];
	struct frame frame = {.type = FRAME_PROOF};
	struct fork_proof proof = {0};
	uint8_t bytes[FRAME_ROOM];
	uint8_t first[HASH_SIZE];
	uint8_t second[HASH_SIZE];
	struct writer writer;
	struct delta delta;

	(void)state;
	bed->notes_forks = false;
	assert_code(feed_delta(node_view(&hq->node),
			       (struct feed_id){SITE_FIRST + 1, 1, 0}, 1,
			       &delta, NULL),
		    ERR_OK);
	proof.first = delta.header;
	proof.second = delta.header;
	proof.second.boot++;
	delta_hash(bed->net_id, &proof.first, first);
	delta_hash(bed->net_id, &proof.second, second);
	if (memcmp(first, second, HASH_SIZE) > 0) {
		proof.first = proof.second;
		proof.second = delta.header;
	}
	delta_sign(bed->sites[1], bed->net_id, &proof.first,
		   proof.first_signature);
	delta_sign(bed->sites[0], bed->net_id, &proof.second,
		   proof.second_signature);
	for (int is_good = 0; is_good < 2; is_good++) {
		if (is_good)
			delta_sign(bed->sites[1], bed->net_id, &proof.second,
				   proof.second_signature);
		writer_init(&writer, bytes, sizeof(bytes));
		fork_proof_write(&writer, &proof);
		assert_true(writer_ok(&writer) &&
			    writer.size <= FORK_PROOF_SIZE_MAX);
		frame.body.proof =
			(struct span){(const char *)bytes, writer.size};
		give(bed, 1, SYNC_PLANE_ALARM, &frame);
		assert_int_equal(hq->found_count, is_good);
	}
	assert_int_equal(box_counts(hq).proofs_forged, 1);
	assert_int_equal(hq->found[0].kind, SYNC_FOUND_FORK);
	assert_int_equal(hq->found[0].seq, 1);
	bed_close(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_head_by_another_key_or_of_another_name_is_not_believed),
		cmocka_unit_test(
			a_metered_link_gets_a_head_each_quarter_of_an_hour),
		cmocka_unit_test(
			a_busy_site_says_no_more_than_a_head_each_ten_seconds),
		cmocka_unit_test(our_own_name_shows_what_we_do_not_remember),
		cmocka_unit_test(
			a_twin_is_asked_for_what_its_head_does_not_name),
		cmocka_unit_test(
			a_twin_of_a_life_that_nobody_heard_of_is_asked),
		cmocka_unit_test(only_a_sites_own_signature_says_what_it_has),
		cmocka_unit_test(a_life_that_is_over_acknowledges_nothing),
		cmocka_unit_test(
			a_vector_that_was_ours_tells_what_its_owner_has),
		cmocka_unit_test(a_peer_that_forgot_is_told_everything_again),
		cmocka_unit_test(a_hello_of_another_network_is_refused),
		cmocka_unit_test(
			news_that_was_held_back_is_dropped_and_fetched),
		cmocka_unit_test(
			an_alarm_is_believed_if_both_signatures_are_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
