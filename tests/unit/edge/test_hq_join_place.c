/*
 * A box joins in the place of one whose last life HQ had not certified.
 *
 * Method: HQ's own box on a real store; the old box's lives as peers brought
 * them, a delta of each still on its way; the new box is a frame.
 */
#include "gateway/core/hq_fence.h"
#include "gateway/core/hq_join.h"
#include "tests/unit/edge/bench_lives.h"

/* HQ's people invite a box for the site, and it asks: its answer. */
static struct join_frame joined(struct scene *scene)
{
	const struct hq *hq = &scene->bench->keys.hq;
	struct invite invite = {.expires_ms =
					(uint64_t)scene->bench->w->now_ms * 2};
	struct join_frame frame = {.type = JOIN_ASK};
	uint8_t bytes[JOIN_FRAME_SIZE_MAX];
	uint8_t key[JOIN_KEY_SIZE];
	struct batch *batch = begin(scene);
	struct join_code code;
	struct writer writer;
	size_t size;
	struct err err;

	TEXT_SET(invite.site, "sh-02");
	assert_done(hq_invite(hq, batch, &invite, &code, &err), &err);
	join_key(code.number,
		 (struct span){(const char *)code.secret, sizeof(code.secret)},
		 key);
	frame.number = code.number;
	frame.body.ask.epoch = 1;
	memset(frame.body.ask.public_key, 9, KEY_PUBLIC_SIZE);
	writer_init(&writer, bytes, sizeof(bytes));
	join_write(&writer, &frame, key);
	assert_done(hq_join(hq, batch,
			    (struct span){(const char *)bytes, writer.size},
			    bytes, &size, &err),
		    &err);
	commit(scene, batch);
	assert_code(join_read((struct span){(const char *)bytes, size}, key,
			      &frame),
		    ERR_OK);
	return frame;
}

static bool is_certified(struct scene *scene, uint32_t epoch)
{
	struct certificate certificate;
	struct batch *batch = begin(scene);
	struct err err;
	enum err_code code = roster_certificate(batch_view(batch), SITE, epoch,
						&certificate, &err);

	drop(scene, batch);
	return code == ERR_OK;
}

/* Lives 1 and 2, and 3 if @vouched; of each HQ lacks a delta: of the last one a
 * movement, of those before what the next one knew. */
static void lives_begin(struct scene *scene, struct ahead ahead[3],
			bool is_vouched)
{
	struct entry entry =
		move_of(MOVEMENT_RECEIVE, "TEA", 4, "supplier:x", "DOCK");

	life_begin(scene);
	for (uint32_t i = 0; i < 3; i++) {
		ahead_write(scene, i + 1, &entry, &ahead[i]);
		if (i < 2)
			heir_say(scene, heir_of(scene, i + 2, &ahead[i].feed),
				 is_vouched);
	}
}

static void what_an_uncertified_life_sealed_is_not_cut_off(void **state)
{
	struct scene *scene = *state;
	struct join_frame answer;
	struct ahead ahead[3];

	lives_begin(scene, ahead, true);
	answer = joined(scene);
	assert_int_equal(answer.type, JOIN_ANSWER);
	assert_int_equal(answer.body.answer.epoch, 4);
	assert_int_equal(answer.body.answer.parent_epoch, 3);
	for (uint32_t epoch = 2; epoch <= 4; epoch++)
		assert_true(is_certified(scene, epoch));
	assert_int_equal(parents_ended(scene), 0);
	/* What each had sealed comes late, and counts. */
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(feed_at(scene, i + 1).state, FEED_CONTIGUOUS);
		ahead_comes(scene, &ahead[i]);
		assert_int_equal(parents_ended(scene), i < 2);
	}
	assert_int_equal(feed_at(scene, 1).counted, 3);
	assert_int_equal(feed_at(scene, 2).counted, 2);
	assert_int_equal(feed_at(scene, 3).counted, 2);
	/* Of the last one the new box has yet to say how far it has it. */
	assert_int_equal(feed_at(scene, 3).state, FEED_CONTIGUOUS);
}

/* A stolen disk has its key: after HQ's word whom it vouches for is nobody. */
static void who_was_revoked_has_no_heir_in_that_place(void **state)
{
	struct scene *scene = *state;
	struct entry entry;
	struct ahead ahead[3];

	lives_begin(scene, ahead, true);
	entry_init(&entry, ENTRY_FENCE);
	entry.body.fence = (struct fence){
		.site = SITE, .epoch = 1, .seq = 2, .verdict = FENCE_REVOKED};
	memcpy(entry.body.fence.hash, feed_at(scene, 1).hash, HASH_SIZE);
	hq_says(scene, &entry);
	assert_int_equal(joined(scene).body.answer.epoch, 4);
	assert_false(is_certified(scene, 2));
	assert_false(is_certified(scene, 3));
	assert_true(is_certified(scene, 4));
}

static void whom_nobody_vouched_for_is_certified_by_nobody(void **state)
{
	struct scene *scene = *state;
	struct ahead ahead[3];

	lives_begin(scene, ahead, false);
	assert_int_equal(joined(scene).body.answer.epoch, 4);
	assert_false(is_certified(scene, 3));
	assert_true(is_certified(scene, 4));
}

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_an_uncertified_life_sealed_is_not_cut_off),
		CASE(who_was_revoked_has_no_heir_in_that_place),
		CASE(whom_nobody_vouched_for_is_certified_by_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
