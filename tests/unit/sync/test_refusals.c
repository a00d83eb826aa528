/*
 * What bad deltas get on the wire: refused with code, site, epoch and seq,
 * counted, a bounded list of them kept, and nobody else's feed held up.
 *
 * Method: box 1 hears of a third site from a peer that spoils what it passes on
 * (the test, in HQ's name), as news; each case with boxes of its own. What else
 * may be wrong with a delta is store/test_feed.c's, with a pack test_pack.c's.
 */
#include "store/pack.h"
#include "tests/support/peers.h"

#define MINUTE_MS 60000
#define THIRD (SITE_FIRST + 2)    /* certified, and no box of the bed */
#define STRANGER (SITE_FIRST + 7) /* not certified */
#define FLOOD 100

static const struct sync_config small = {
	.feeds_max = 32, .peers_max = 8, .waiting_max = 64};

struct scene {
	struct bed *bed;
	struct box *hq;
	struct box *box;    /* that is told */
	struct node author; /* of THIRD's and STRANGER's feeds */
	struct sent sent;   /* the next delta of the feed in question */
	struct feed_record before;
};

static struct scene *scene_open(uint64_t seed)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct feeds net = {.now_ms = 0};

	assert_non_null(scene);
	scene->bed = bed_open(2, 3, test_seed(seed), &small);
	scene->hq = &scene->bed->boxes[0];
	scene->box = &scene->bed->boxes[1];
	scene->bed->sites[STRANGER - SITE_FIRST] = feeds_signer(77);
	memcpy(net.net_id, scene->bed->net_id, NET_ID_SIZE);
	node_open(&scene->author, &net);
	bed_links(scene->bed, true);
	(void)bed_settle(scene->bed, 2 * MINUTE_MS);
	bed_run(scene->bed, MINUTE_MS);
	bed_found(scene->bed, &scene->author, THIRD);
	bed_receive(scene->bed, &scene->author, THIRD, 2);
	bed_found(scene->bed, &scene->author, STRANGER);
	return scene;
}

static void scene_close(struct scene *scene)
{
	node_close(&scene->author);
	bed_close(scene->bed);
	free(scene);
}

/* The delta as a pack of news; returns its size. */
static size_t packed(const struct delta *delta, enum pack_codec codec,
		     uint8_t bytes[SYNC_FRAME_SIZE_MAX], size_t *ret_start)
{
	struct feed_id id = {delta->header.site, delta->header.epoch, 0};
	struct frame head = {.type = FRAME_LIVE};
	struct packer *packer;
	struct writer writer;
	uint32_t count;
	struct err err;

	assert_done(packer_open(&packer, &err), &err);
	writer_init(&writer, bytes, SYNC_FRAME_SIZE_MAX);
	frame_write(&writer, &head);
	*ret_start = writer.size;
	packer_begin(packer, id, codec, PACK_SIZE_MIN);
	assert_code(packer_add(packer, delta), ERR_OK);
	assert_code(packer_end(packer, &writer, &count), ERR_OK);
	packer_close(packer);
	return writer.size;
}

static void say(struct scene *scene, const uint8_t *bytes, size_t size)
{
	struct letter like = {.from = 0, .to = 1, .plane = SYNC_PLANE_LIVE};

	bed_post(scene->bed, &like, (struct span){(const char *)bytes, size});
	bed_run(scene->bed, 200);
}

static void say_delta(struct scene *scene, const struct delta *delta)
{
	static uint8_t bytes[SYNC_FRAME_SIZE_MAX];
	size_t start;
	size_t size = packed(delta, PACK_PLAIN, bytes, &start);

	say(scene, bytes, size);
}

/* Delta @seq of @site in the author's store, for the test to spoil. */
static void pick(struct scene *scene, uint32_t site, uint64_t seq)
{
	node_send(&scene->author, (struct feed_id){site, 1, 0}, seq,
		  &scene->sent);
}

/* The third site's founding is here, and its second delta comes next. */
static void hear_of_third(struct scene *scene)
{
	pick(scene, THIRD, 1);
	say_delta(scene, &scene->sent.delta);
	assert_int_equal(box_seq(scene->box, THIRD), 1);
	scene->before =
		node_feed(&scene->box->node, (struct feed_id){THIRD, 1, 0});
	pick(scene, THIRD, 2);
}

static void resign(struct scene *scene, uint32_t as)
{
	struct delta *delta = &scene->sent.delta;

	delta_sign(scene->bed->sites[as - SITE_FIRST], scene->bed->net_id,
		   &delta->header, delta->signature);
}

static uint64_t refused(const struct scene *scene, enum admission reason)
{
	return box_counts(scene->box).refused[reason];
}

/* The last refusal is named, and counted once. */
static void assert_named(const struct scene *scene, enum admission reason,
			 uint32_t site, uint64_t seq)
{
	struct sync_refusal refusal;

	assert_true(sync_refusal_at(scene->box->sync, 0, &refusal));
	assert_string_equal(admission_name(refusal.reason),
			    admission_name(reason));
	assert_int_equal(refusal.feed.site, site);
	assert_int_equal(refusal.feed.epoch, 1);
	assert_int_equal(refusal.seq, seq);
	assert_span(name_span(&refusal.peer), scene->hq->name);
	assert_int_equal(refused(scene, reason), 1);
}

/* Nothing of it is here, and everybody else goes on. */
static void assert_others_go_on(struct scene *scene)
{
	uint64_t seq = box_seq(scene->box, scene->hq->site);
	struct feed_record third =
		node_feed(&scene->box->node, (struct feed_id){THIRD, 1, 0});

	assert_int_equal(third.seq, scene->before.seq);
	assert_memory_equal(third.hash, scene->before.hash, HASH_SIZE);
	assert_int_equal(third.rows, scene->before.rows);
	box_receive(scene->hq, 3);
	bed_run(scene->bed, 1000);
	assert_int_equal(box_seq(scene->box, scene->hq->site), seq + 1);
}

/* Nor is the feed itself held up, once its own word comes. */
static void assert_feed_goes_on(struct scene *scene)
{
	pick(scene, THIRD, 2);
	say_delta(scene, &scene->sent.delta);
	assert_int_equal(box_seq(scene->box, THIRD), 2);
}

/* ---- spoiled on the way ---- */

/* Method: one bit of the rows, of the signature, of the header. */
static void a_flipped_byte_is_forged_by_name(void **state)
{
	static uint8_t bytes[SYNC_FRAME_SIZE_MAX];

	(void)state;
	for (int which = 0; which < 2; which++) {
		struct scene *scene = scene_open(31);
		size_t start;
		size_t size;

		hear_of_third(scene);
		size = packed(&scene->sent.delta, PACK_PLAIN, bytes, &start);
		if (which == 0)
			bytes[size - 1] ^= 1; /* the rows' end */
		else
			bytes[size - scene->sent.delta.rows.size - 1] ^= 1;
		say(scene, bytes, size);
		assert_named(scene, ADMISSION_FORGED, THIRD, 2);
		assert_others_go_on(scene);
		assert_feed_goes_on(scene);
		scene_close(scene);
	}
}

static void a_signature_of_another_site_is_forged_by_name(void **state)
{
	struct scene *scene = scene_open(32);

	(void)state;
	hear_of_third(scene);
	resign(scene, SITE_FIRST);
	say_delta(scene, &scene->sent.delta);
	assert_named(scene, ADMISSION_FORGED, THIRD, 2);
	assert_others_go_on(scene);
	assert_feed_goes_on(scene);
	scene_close(scene);
}

/* Rows that are compressed are opened last of all, and only if they are what
 * the signed header says. */
static void a_frame_of_zstd_that_was_changed_is_garbled_by_name(void **state)
{
	static uint8_t bytes[SYNC_FRAME_SIZE_MAX];
	struct scene *scene = scene_open(33);
	struct pack pack;
	size_t start;
	size_t size;

	(void)state;
	hear_of_third(scene);
	say_delta(scene, &scene->sent.delta);
	bed_receive(scene->bed, &scene->author, THIRD, 16);
	pick(scene, THIRD, 3);
	scene->before =
		node_feed(&scene->box->node, (struct feed_id){THIRD, 1, 0});
	size = packed(&scene->sent.delta, PACK_ZSTD, bytes, &start);
	assert_code(pack_peek((struct span){(const char *)bytes + start,
					    size - start},
			      &pack),
		    ERR_OK);
	assert_int_equal(pack.codec, PACK_ZSTD); /* it was worth it */
	bytes[size - 1] ^= 0x40;
	say(scene, bytes, size);
	assert_named(scene, ADMISSION_GARBLED, THIRD, 3);
	assert_others_go_on(scene);
	say_delta(scene, &scene->sent.delta);
	assert_int_equal(box_seq(scene->box, THIRD), 3);
	scene_close(scene);
}

static void a_delta_that_follows_another_one_is_broken_by_name(void **state)
{
	struct scene *scene = scene_open(34);

	(void)state;
	hear_of_third(scene);
	scene->sent.delta.header.previous[0] ^= 1;
	resign(scene, THIRD);
	say_delta(scene, &scene->sent.delta);
	assert_named(scene, ADMISSION_BROKEN, THIRD, 2);
	assert_others_go_on(scene);
	assert_feed_goes_on(scene);
	scene_close(scene);
}

/* Method: the pack cut at every byte: it is no pack, or one that does not hold
 * what it says; never half a delta. */
static void a_pack_that_was_cut_brings_nothing(void **state)
{
	static uint8_t bytes[SYNC_FRAME_SIZE_MAX];
	struct scene *scene = scene_open(35);
	struct sync_counts before;
	struct sync_counts after;
	uint64_t told = 0;
	size_t start;
	size_t size;

	(void)state;
	hear_of_third(scene);
	size = packed(&scene->sent.delta, PACK_PLAIN, bytes, &start);
	before = box_counts(scene->box);
	for (size_t cut = start; cut < size; cut++) {
		say(scene, bytes, cut);
		told++;
	}
	after = box_counts(scene->box);
	assert_int_equal(after.frames_garbled - before.frames_garbled +
				 after.refused[ADMISSION_GARBLED] -
				 before.refused[ADMISSION_GARBLED],
			 told);
	assert_true(told > 50);
	assert_others_go_on(scene);
	assert_feed_goes_on(scene);
	scene_close(scene);
}

/* ---- who may not say it ---- */

static void a_site_that_nobody_certified_is_a_stranger_by_name(void **state)
{
	struct scene *scene = scene_open(36);

	(void)state;
	hear_of_third(scene);
	pick(scene, STRANGER, 1);
	say_delta(scene, &scene->sent.delta);
	assert_named(scene, ADMISSION_STRANGER, STRANGER, 1);
	assert_int_equal(box_seq(scene->box, STRANGER), 0);
	assert_others_go_on(scene);
	assert_feed_goes_on(scene);
	scene_close(scene);
}

/* HQ does not trust the key beyond the first delta. */
static void a_site_that_was_revoked_is_fenced_by_name(void **state)
{
	struct scene *scene = scene_open(37);
	struct bed *bed = scene->bed;
	struct writing *writing = writing_new(0);
	struct sync_step step;
	struct entry entry;

	(void)state;
	hear_of_third(scene);
	entry_init(&entry, ENTRY_FENCE);
	entry.body.fence = (struct fence){
		.site = THIRD, .epoch = 1, .seq = 1, .verdict = FENCE_REVOKED};
	memcpy(entry.body.fence.hash, scene->before.hash, HASH_SIZE);
	bed_encode(bed, writing, &entry);
	bed_write(bed, &scene->hq->node, SITE_CONTROL, writing);
	step = box_step(scene->hq);
	assert_done(sync_grew(scene->hq->sync, &step, &bed->err), &bed->err);
	bed_run(bed, 5000);
	say_delta(scene, &scene->sent.delta);
	assert_named(scene, ADMISSION_FENCED, THIRD, 2);
	assert_others_go_on(scene);
	scene_close(scene);
}

/* Another network's site of the same number: our certificate does not fit. */
static void a_delta_of_a_foreign_net_is_forged_by_name(void **state)
{
	struct scene *scene = scene_open(38);
	uint8_t foreign[NET_ID_SIZE];
	struct delta *delta = &scene->sent.delta;

	(void)state;
	hear_of_third(scene);
	memcpy(foreign, scene->bed->net_id, NET_ID_SIZE);
	foreign[0] ^= 1;
	delta_sign(scene->bed->sites[THIRD - SITE_FIRST], foreign,
		   &delta->header, delta->signature);
	say_delta(scene, delta);
	assert_named(scene, ADMISSION_FORGED, THIRD, 2);
	assert_others_go_on(scene);
	assert_feed_goes_on(scene);
	scene_close(scene);
}

/* An old word of HQ's is here already; other words in its place are proof. */
static void an_old_control_record_changes_nothing(void **state)
{
	struct scene *scene = scene_open(39);
	uint64_t seq = box_seq(scene->box, SITE_CONTROL);
	struct feed_id control = {SITE_CONTROL, 1, 0};
	struct feed_record before = node_feed(&scene->box->node, control);
	struct feed_record after;
	uint64_t said = 0;

	(void)state;
	hear_of_third(scene);
	for (; said < seq; said++) {
		node_send(&scene->hq->node, control, said + 1, &scene->sent);
		say_delta(scene, &scene->sent.delta);
	}
	assert_in_range(said, 2, 100);
	after = node_feed(&scene->box->node, control);
	assert_int_equal(after.seq, before.seq);
	assert_memory_equal(after.hash, before.hash, HASH_SIZE);
	assert_int_equal(after.state, before.state);
	assert_int_equal(scene->box->found_count, 0);
	assert_others_go_on(scene);
	assert_feed_goes_on(scene);
	scene_close(scene);
}

/* ---- bounds ---- */

/* What lies beyond a gap is no fault: it waits, so much of it and no more. */
static void a_gap_is_no_refusal_and_what_waits_is_bounded(void **state)
{
	struct scene *scene = scene_open(40);

	(void)state;
	hear_of_third(scene);
	for (int i = 0; i < FLOOD; i++)
		bed_receive(scene->bed, &scene->author, THIRD, 1);
	for (uint64_t seq = 3; seq < 3 + FLOOD; seq++) {
		pick(scene, THIRD, seq);
		say_delta(scene, &scene->sent.delta);
	}
	assert_in_range(box_counts(scene->box).waiting_peak, 1,
			small.waiting_max);
	for (int reason = 0; reason <= ADMISSION_GARBLED; reason++)
		if (reason != ADMISSION_GAP)
			assert_int_equal(refused(scene, (enum admission)reason),
					 0);
	assert_others_go_on(scene);
	/* What is missing brings what waited along. */
	pick(scene, THIRD, 2);
	say_delta(scene, &scene->sent.delta);
	assert_in_range(box_seq(scene->box, THIRD), 3, 2 + small.waiting_max);
	scene_close(scene);
}

static void of_a_flood_all_are_counted_and_the_last_are_kept(void **state)
{
	struct scene *scene = scene_open(41);
	struct sync_refusal refusal;
	size_t kept = 0;

	(void)state;
	hear_of_third(scene);
	for (int i = 0; i < FLOOD; i++) {
		scene->sent.delta.signature[0] ^= (uint8_t)(1 + i % 255);
		say_delta(scene, &scene->sent.delta);
		scene->sent.delta.signature[0] ^= (uint8_t)(1 + i % 255);
	}
	assert_int_equal(refused(scene, ADMISSION_FORGED), FLOOD);
	while (sync_refusal_at(scene->box->sync, kept, &refusal)) {
		assert_int_equal(refusal.feed.site, THIRD);
		kept++;
	}
	assert_int_equal(kept, SYNC_REFUSALS_MAX);
	assert_others_go_on(scene);
	assert_feed_goes_on(scene);
	scene_close(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flipped_byte_is_forged_by_name),
		cmocka_unit_test(a_signature_of_another_site_is_forged_by_name),
		cmocka_unit_test(
			a_frame_of_zstd_that_was_changed_is_garbled_by_name),
		cmocka_unit_test(
			a_delta_that_follows_another_one_is_broken_by_name),
		cmocka_unit_test(a_pack_that_was_cut_brings_nothing),
		cmocka_unit_test(
			a_site_that_nobody_certified_is_a_stranger_by_name),
		cmocka_unit_test(a_site_that_was_revoked_is_fenced_by_name),
		cmocka_unit_test(a_delta_of_a_foreign_net_is_forged_by_name),
		cmocka_unit_test(an_old_control_record_changes_nothing),
		cmocka_unit_test(a_gap_is_no_refusal_and_what_waits_is_bounded),
		cmocka_unit_test(
			of_a_flood_all_are_counted_and_the_last_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
