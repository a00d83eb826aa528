/*
 * Peers that lie, and carriers that garble: bounded memory, no crash, nothing
 * believed, and others go on. And what is found out about two of one box.
 */
#include "tests/support/small_peers.h"

/* ---- garbage ---- */

/* Method: 20,000 frames of random bytes, half of them with a good first byte,
 * from 40 names, among honest traffic. */
static void random_bytes_from_anybody_hold_up_nobody(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(1), &small);
	uint8_t bytes[512];
	char name[16];

	(void)state;
	settle(bed);
	for (int i = 0; i < 20000; i++) {
		size_t size = test_random(&bed->random) % sizeof(bytes);
		enum sync_plane plane = (enum sync_plane)(
			1 + test_random(&bed->random) % SYNC_PLANE_MAX);

		for (size_t j = 0; j < size; j++)
			bytes[j] = (uint8_t)test_random(&bed->random);
		if (i % 2 == 0)
			bytes[0] = (uint8_t)(1 << 6 | (1 + i / 2 % 13));
		assert_true(text_format(name, sizeof(name), "evil-%d", i % 40));
		frame_give(bed, 0, name, plane,
			   (struct span){(const char *)bytes, size});
		if (i % 1000 == 0)
			box_receive(&bed->boxes[1], 1);
		if (i % 100 == 0)
			bed_run(bed, 200);
	}
	(void)bed_settle(bed, MINUTE_MS);
	assert_true(box_counts(&bed->boxes[0]).frames_garbled > 5000);
	assert_int_equal(box_seq(&bed->boxes[0], SITE_FIRST + 1), 21);
	bed_close(bed);
}

/* ---- asking for more than was told ---- */

static uint64_t batches_of_0;

static void batches_count(struct bed *bed, const struct sync_out *out,
			  uint32_t from)
{
	struct frame frame;

	(void)bed;
	if (from == 0 && frame_read(out->payload, &frame) == ERR_OK &&
	    frame.type == FRAME_BATCHES)
		batches_of_0++;
}

static void frame_ask(struct bed *bed, struct frame *frame)
{
	uint8_t bytes[256];
	struct writer writer;

	frame->session = 77;
	writer_init(&writer, bytes, sizeof(bytes));
	frame_write(&writer, frame);
	assert_true(writer_ok(&writer));
	frame_give(bed, 0, bed->boxes[1].name, SYNC_PLANE_REQUEST,
		   (struct span){(const char *)bytes, writer.size});
}

static void hello_ask(struct bed *bed)
{
	struct frame frame = {.type = FRAME_HELLO};

	frame.body.hello.version_min = FRAME_VERSION;
	frame.body.hello.version_max = FRAME_VERSION;
	frame.body.hello.net = frame_net(bed->net_id);
	frame.body.hello.credit = 1 << 20;
	frame_ask(bed, &frame);
}

static void want_ask(struct bed *bed, uint64_t number, uint64_t seq)
{
	struct frame frame = {.type = FRAME_WANT};
	struct frame_range range = {{SITE_FIRST, 1, 0}, seq, seq};
	uint8_t bytes[64];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	frame_range_write(&writer, &range);
	frame.body.want.number = number;
	frame.body.want.granted = 1 << 20;
	frame.body.want.count = 1;
	frame.body.want.ranges =
		(struct span){(const char *)bytes, writer.size};
	frame_ask(bed, &frame);
}

/* A delta that is in the store leaves when its owner says so, who saves the
 * guard before. Method: a peer that guesses the next number asks for it. */
static void what_was_not_told_yet_does_not_leave(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(8), &small);
	struct sync_step step;
	uint64_t seq;

	(void)state;
	settle(bed);
	bed->tap = batches_count;
	batches_of_0 = 0;
	bed_receive(bed, &bed->boxes[0].node, SITE_FIRST, 1);
	seq = box_seq(&bed->boxes[0], SITE_FIRST);
	hello_ask(bed);
	want_ask(bed, 1, seq);
	assert_int_equal(batches_of_0, 0);
	step = box_step(&bed->boxes[0]);
	assert_done(sync_grew(bed->boxes[0].sync, &step, &bed->err), &bed->err);
	want_ask(bed, 2, seq);
	assert_int_equal(batches_of_0, 1);
	bed_close(bed);
}

/* ---- recorded frames ---- */

#define RECORDED_MAX 600

struct recorder {
	size_t count;
	struct letter letters[RECORDED_MAX];
};

static void record(struct bed *bed, const struct sync_out *out, uint32_t from)
{
	struct recorder *recorder = bed->tapped;
	struct letter *letter = &recorder->letters[recorder->count];

	if (recorder->count == RECORDED_MAX)
		return;
	*letter = (struct letter){.plane = out->plane,
				  .from = from,
				  .session = out->session,
				  .to = out->to.size != 0
						? bed_box_named(bed, out->to)
						: UINT32_MAX,
				  .size = out->payload.size,
				  .payload = malloc(out->payload.size)};
	assert_non_null(letter->payload);
	memcpy(letter->payload, out->payload.data, out->payload.size);
	recorder->count++;
}

static void recorder_free(struct recorder *recorder)
{
	for (size_t i = 0; i < recorder->count; i++)
		free(recorder->letters[i].payload);
	free(recorder);
}

static void replay(struct bed *bed, const struct letter *letter,
		   struct span payload)
{
	for (uint32_t to = 0; to < bed->box_count; to++) {
		struct letter like = *letter;

		if (to == letter->from ||
		    (letter->to != UINT32_MAX && letter->to != to))
			continue;
		like.to = to;
		bed_post(bed, &like, payload);
	}
}

static struct recorder *recorded_day(struct bed *bed)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));

	assert_non_null(recorder);
	bed->tap = record;
	bed->tapped = recorder;
	for (uint32_t i = 0; i < 3; i++)
		backlog_write(bed, i, 4);
	bed->loss = 10;
	bed_links(bed, true);
	for (uint32_t i = 0; i < 60; i++) {
		box_receive(&bed->boxes[i % 3], 1 + i % 3);
		bed_run(bed, 2000);
	}
	bed->loss = 0;
	(void)bed_settle(bed, 3 * MINUTE_MS);
	bed_run(bed, 3 * MINUTE_MS);
	bed->tap = NULL;
	return recorder;
}

/* Method: every frame of a day, five times over, in any order. */
static void every_recorded_frame_again_changes_nothing(void **state)
{
	struct bed *bed = bed_open(3, 3, test_seed(2), &small);
	struct recorder *recorder = recorded_day(bed);
	uint8_t before[VECTOR_DIGEST_SIZE];
	uint8_t after[VECTOR_DIGEST_SIZE];
	const struct view *view = node_view(&bed->boxes[0].node);
	uint64_t admitted;

	(void)state;
	assert_code(feed_vector_digest(view, bed->net_id, before, NULL),
		    ERR_OK);
	admitted = box_counts(&bed->boxes[0]).packs_admitted;
	assert_true(recorder->count > 200);
	for (size_t i = 0; i < 5 * recorder->count; i++) {
		const struct letter *letter =
			&recorder->letters[test_random(&bed->random) %
					   recorder->count];

		replay(bed, letter,
		       (struct span){(const char *)letter->payload,
				     letter->size});
		if (i % 10 == 0)
			bed_run(bed, 300);
	}
	bed_run(bed, 2 * MINUTE_MS);
	assert_code(feed_vector_digest(view, bed->net_id, after, NULL), ERR_OK);
	assert_memory_equal(before, after, sizeof(before));
	assert_true(bed_is_equal(bed));
	assert_int_equal(box_counts(&bed->boxes[0]).packs_admitted, admitted);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(bed->boxes[i].found_count, 0);
	recorder_free(recorder);
	bed_close(bed);
}

/*
 * Method: frames of a day with one to four bytes changed, cut or grown, while
 * the day goes on. Nothing false is admitted: in the end all are equal, no feed
 * has forked, and no more waits than there is room for.
 */
static void mutated_frames_are_never_believed(void **state)
{
	struct bed *bed = bed_open(3, 3, test_seed(3), &small);
	struct recorder *recorder = recorded_day(bed);
	static uint8_t bytes[SYNC_FRAME_SIZE_MAX];

	(void)state;
	for (int i = 0; i < 6000; i++) {
		const struct letter *letter =
			&recorder->letters[test_random(&bed->random) %
					   recorder->count];
		size_t size = letter->size;
		uint64_t changes = 1 + test_random(&bed->random) % 4;

		memcpy(bytes, letter->payload, size);
		while (changes-- > 0)
			bytes[test_random(&bed->random) % size] =
				(uint8_t)test_random(&bed->random);
		if (i % 7 == 0)
			size = test_random(&bed->random) % (size + 1);
		replay(bed, letter, (struct span){(const char *)bytes, size});
		if (i % 200 == 0)
			box_receive(&bed->boxes[i / 200 % 3], 1);
		if (i % 5 == 0)
			bed_run(bed, 100);
	}
	bed_run(bed, 2 * MINUTE_MS);
	(void)bed_settle(bed, 10 * MINUTE_MS);
	for (uint32_t i = 0; i < 3; i++) {
		struct sync_counts counts = box_counts(&bed->boxes[i]);

		assert_true(counts.waiting_peak <= 32);
		assert_true(counts.frames_garbled > 10);
		assert_int_equal(bed->boxes[i].found_count, 0);
	}
	recorder_free(recorder);
	bed_close(bed);
}

/* ---- who asks too much ---- */

static uint64_t replies;
static void replies_count(struct bed *bed, const struct sync_out *out,
			  uint32_t from)
{
	(void)bed;
	if (from == 0 && out->plane == SYNC_PLANE_REPLY)
		replies += out->payload.size;
}

static size_t hello_make(const struct bed *bed, uint8_t *buffer,
			 uint32_t session)
{
	struct frame frame = {.type = FRAME_HELLO, .session = session};
	struct writer writer;

	frame.body.hello.version_min = FRAME_VERSION;
	frame.body.hello.version_max = FRAME_VERSION;
	frame.body.hello.net = frame_net(bed->net_id);
	frame.body.hello.credit = UINT64_MAX;
	writer_init(&writer, buffer, 256);
	frame_write(&writer, &frame);
	return writer.size;
}

/* Method: 10,000 HELLOs in ten seconds from one name. */
static void a_flood_of_hellos_gets_an_answer_a_second(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(4), &small);
	uint8_t buffer[256];

	(void)state;
	settle(bed);
	replies = 0;
	bed->tap = replies_count;
	for (uint32_t i = 0; i < 10000; i++) {
		size_t size = hello_make(bed, buffer, 1 + i);

		frame_give(bed, 0, "evil", SYNC_PLANE_REQUEST,
			   (struct span){(const char *)buffer, size});
		if (i % 100 == 0)
			bed_run(bed, 100);
	}
	printf("%llu bytes of answers\n", (unsigned long long)replies);
	assert_in_range(replies, 1, 10 * (16 * 16 + 64 + 16));
	bed_close(bed);
}

static uint64_t acks_said;
static uint64_t ack_bytes;
static void acks_count(struct bed *bed, const struct sync_out *out,
		       uint32_t from)
{
	struct frame frame;

	(void)bed;
	if (from != 0 || frame_read(out->payload, &frame) != ERR_OK ||
	    frame.type != FRAME_ACK)
		return;
	acks_said++;
	ack_bytes += out->payload.size;
}

/* Method: for a minute, ten times a second, somebody says in a site's
 * name that HQ's ACK is on a base which he does not have. */
static void who_forgets_again_and_again_is_told_now_and_then(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(14), &small);
	struct frame refuse = {.type = FRAME_REFUSE,
			       .body.refuse = {.code = REFUSE_BASE}};
	uint8_t buffer[64];
	struct writer writer;

	(void)state;
	settle(bed);
	/* Where both have the same a head says so, and no ACK. */
	bed->boxes[1].is_stuck = true;
	box_receive(&bed->boxes[0], 1);
	writer_init(&writer, buffer, sizeof(buffer));
	frame_write(&writer, &refuse);
	bed->tap = acks_count;
	for (int i = 0; i < 600; i++) {
		frame_give(bed, 0, bed->boxes[1].name, SYNC_PLANE_REPLY,
			   (struct span){(const char *)buffer, writer.size});
		bed_run(bed, 100);
	}
	printf("%llu ACKs, %llu bytes\n", (unsigned long long)acks_said,
	       (unsigned long long)ack_bytes);
	assert_in_range(acks_said, 5, 14);
	bed->boxes[1].is_stuck = false;
	(void)bed_settle(bed, MINUTE_MS);
	assert_true(bed_is_equal(bed));
	bed_close(bed);
}

static uint32_t session_heard;
static void session_hear(struct bed *bed, const struct sync_out *out,
			 uint32_t from)
{
	struct frame frame;

	(void)bed;
	if (from == 0 && frame_read(out->payload, &frame) == ERR_OK &&
	    frame.type == FRAME_HELLO)
		session_heard = frame.session;
}

/* Method: box 1 is silent itself; what stands in its name answers HELLO with
 * frames that nobody asked for, far beyond the credit. */
static void a_server_that_sends_more_than_it_may_is_left(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(5), &small);
	static uint8_t bytes[SYNC_FRAME_SIZE_MAX];
	static uint8_t garbage[SYNC_FRAME_SIZE_MAX - FRAME_PACK_BEFORE];
	struct letter like = {.from = 1, .plane = SYNC_PLANE_REPLY};
	struct frame frame = {.type = FRAME_BATCHES};
	struct writer writer;
	struct sync_counts counts;

	(void)state;
	bed_links(bed, true);
	bed_run(bed, 500);
	bed->boxes[1].is_mute = true;
	bed->tap = session_hear;
	backlog_write(bed, 1, 1);
	/* News of a later delta makes box 0 ask for the one before. */
	bed->boxes[1].is_mute = false;
	box_receive(&bed->boxes[1], 1);
	bed->boxes[1].is_mute = true;
	bed_run(bed, 200);
	assert_true(session_heard != 0);
	like.session = session_heard;
	frame.session = session_heard;
	writer_init(&writer, bytes, sizeof(bytes));
	frame_write(&writer, &frame);
	frame_pack_write(&writer,
			 (struct span){(const char *)garbage, sizeof(garbage)});
	assert_true(writer_ok(&writer));
	for (int i = 0; i < 100; i++)
		bed_post(bed, &like,
			 (struct span){(const char *)bytes, writer.size});
	bed_run(bed, 200);
	counts = box_counts(&bed->boxes[0]);
	assert_true(counts.frames_unasked >= 100);
	assert_int_equal(counts.pulls, 0);
	assert_in_range(counts.waiting_peak, 0, 3);
	bed_close(bed);
}

/* ---- two of one box ---- */

/* Site SITE_FIRST + 2 lived twice from its third delta on: box 0 heard one life
 * of it, box 1 the other. */
static void two_lives_make(struct bed *bed, uint32_t common, uint32_t first,
			   uint32_t second)
{
	static struct sent sent;
	struct node lives[2];
	struct feed_id id = {SITE_FIRST + 2, 1, 0};
	uint32_t lengths[2] = {first, second};

	for (uint32_t life = 0; life < 2; life++) {
		struct box *box = &bed->boxes[life];
		struct feeds keys = {.now_ms = 0};
		uint64_t stamp = bed->stamp;

		memcpy(keys.net_id, bed->net_id, NET_ID_SIZE);
		node_open(&lives[life], &keys);
		/* The beginning is the same, byte for byte. */
		bed->stamp = (uint64_t)FEEDS_START_MS << STAMP_COUNTER_BITS;
		bed_found(bed, &lives[life], id.site);
		for (uint32_t i = 1; i < common; i++)
			bed_receive(bed, &lives[life], id.site, 3);
		for (uint32_t i = 0; i < lengths[life]; i++)
			bed_receive(bed, &lives[life], id.site, 4 + life);
		bed->stamp = stamp + 100000;
		for (uint64_t seq = 1; seq <= common + lengths[life]; seq++) {
			enum admission verdict;

			node_send(&lives[life], id, seq, &sent);
			assert_code(feed_admit(box->node.desk, box->node.t.txn,
					       id, &sent.delta, &verdict,
					       &bed->err),
				    ERR_OK);
			assert_string_equal(admission_name(verdict), "applied");
			feed_desk_committed(box->node.desk);
		}
		node_close(&lives[life]);
	}
}

static void two_lives_of_one_site_are_found_with_proof(void **state)
{
	static const uint32_t lengths[][3] = {
		{1, 1, 1}, {3, 1, 9}, {3, 9, 1}, {40, 30, 30}, {200, 3, 50}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct bed *bed = bed_open(2, 3, test_seed(6), &small);
		bool is_proved = false;

		/* Both know the site's certificate, and nothing of it yet. */
		settle(bed);
		bed_links(bed, false);
		two_lives_make(bed, lengths[i][0], lengths[i][1],
			       lengths[i][2]);
		box_restart(&bed->boxes[0], &small);
		box_restart(&bed->boxes[1], &small);
		bed_links(bed, true);
		box_receive(&bed->boxes[0], 1);
		bed_run(bed, 5 * MINUTE_MS);
		for (uint32_t j = 0; j < 2; j++)
			for (size_t k = 0; k < bed->boxes[j].found_count; k++) {
				struct found *found = &bed->boxes[j].found[k];

				is_proved = true;
				assert_int_equal(found->kind, SYNC_FOUND_FORK);
				assert_int_equal(found->seq, lengths[i][0] + 1);
				assert_int_equal(found->feed.site,
						 SITE_FIRST + 2);
			}
		assert_true(is_proved);
		/* Others were not held up. */
		assert_int_equal(box_seq(&bed->boxes[1], SITE_FIRST),
				 box_seq(&bed->boxes[0], SITE_FIRST));
		/* And both branches end up at both. */
		(void)bed_settle(bed, 10 * MINUTE_MS);
		bed_close(bed);
	}
}

/* Method: HQ heard 12 deltas of a site whose disk then went back to 5. */
static void a_box_that_was_set_back_learns_it_from_any_peer(void **state)
{
	struct bed *bed = bed_open(3, 3, test_seed(7), &small);
	struct box *hq = &bed->boxes[0];
	struct box *old = &bed->boxes[2];
	bool is_told = false;
	static struct sent sent;
	struct node life;
	struct feeds keys = {.now_ms = 0};
	struct feed_id id = {SITE_FIRST + 2, 1, 0};

	(void)state;
	box_link(&bed->boxes[0], true);
	box_link(&bed->boxes[1], true);
	(void)bed_run(bed, MINUTE_MS);
	/* The life that HQ heard: the founding that box 2 has, and more. */
	memcpy(keys.net_id, bed->net_id, NET_ID_SIZE);
	node_open(&life, &keys);
	node_send(&old->node, id, 1, &sent);
	{
		enum admission verdict;

		assert_code(feed_admit(life.desk, life.t.txn, id, &sent.delta,
				       &verdict, &bed->err),
			    ERR_OK);
		feed_desk_committed(life.desk);
		for (int i = 0; i < 11; i++)
			bed_receive(bed, &life, id.site, 2);
		for (uint64_t seq = 1; seq <= 12; seq++) {
			node_send(&life, id, seq, &sent);
			assert_code(feed_admit(hq->node.desk, hq->node.t.txn,
					       id, &sent.delta, &verdict,
					       &bed->err),
				    ERR_OK);
			feed_desk_committed(hq->node.desk);
		}
	}
	node_close(&life);
	box_restart(hq, &small);
	box_link(old, true);
	bed_run(bed, 2 * MINUTE_MS);
	for (size_t i = 0; i < old->found_count; i++)
		if (old->found[i].kind == SYNC_FOUND_SELF) {
			is_told = true;
			assert_int_equal(old->found[i].seq, 12);
		}
	assert_true(is_told);
	assert_int_equal(box_seq(old, SITE_FIRST + 2), 1);

	/* The caller decided to have its own back. */
	sync_self_set(old->sync,
		      &(struct sync_self){.epoch = 1, .recover = true});
	bed_run(bed, 12 * MINUTE_MS);
	assert_int_equal(box_seq(old, SITE_FIRST + 2), 12);
	bed_close(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_bytes_from_anybody_hold_up_nobody),
		cmocka_unit_test(what_was_not_told_yet_does_not_leave),
		cmocka_unit_test(every_recorded_frame_again_changes_nothing),
		cmocka_unit_test(mutated_frames_are_never_believed),
		cmocka_unit_test(a_flood_of_hellos_gets_an_answer_a_second),
		cmocka_unit_test(
			who_forgets_again_and_again_is_told_now_and_then),
		cmocka_unit_test(a_server_that_sends_more_than_it_may_is_left),
		cmocka_unit_test(two_lives_of_one_site_are_found_with_proof),
		cmocka_unit_test(
			a_box_that_was_set_back_learns_it_from_any_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
