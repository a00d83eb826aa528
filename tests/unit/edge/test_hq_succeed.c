/*
 * HQ's word about a site that began a new epoch by itself, and about branches.
 *
 * Method: HQ's own box on a real store, which holds a site's feeds as peers
 * brought them; the commands as HQ's people type them, and the functions below.
 */
#include "tests/unit/edge/bench_lives.h"

/* ---- HQ's people ---- */

static struct hq_succeeding wanted(uint32_t epoch)
{
	return (struct hq_succeeding){.site = SITE, .epoch = epoch};
}

static void with_key(struct scene *scene, struct hq_succeeding *succeeding,
		     uint32_t epoch)
{
	succeeding->has_key = true;
	memcpy(succeeding->public_key, signer_public(scene->keys[epoch]),
	       KEY_PUBLIC_SIZE);
}

static struct hq_succeeded succeeded(struct scene *scene,
				     const struct hq_succeeding *succeeding)
{
	struct batch *batch = begin(scene);
	struct hq_succeeded done;
	struct err err;

	assert_done(hq_succeed(&scene->bench->keys.hq, batch, succeeding, &done,
			       &err),
		    &err);
	commit(scene, batch);
	return done;
}

/* Nothing was said, and the result is untouched. */
static void assert_not_said(struct scene *scene,
			    const struct hq_succeeding *succeeding,
			    enum err_code expected)
{
	uint64_t before = control_seq(scene);
	struct batch *batch = begin(scene);
	struct hq_succeeded done = {.is_fenced = true};
	struct err err;

	assert_code(hq_succeed(&scene->bench->keys.hq, batch, succeeding, &done,
			       &err),
		    expected);
	assert_true(done.is_fenced);
	commit(scene, batch);
	assert_int_equal(control_seq(scene), before);
}

/* ---- certifying ---- */

static void the_one_that_waits_gets_what_the_parent_had(void **state)
{
	struct scene *scene = *state;
	struct hq_succeeding succeeding = wanted(0);
	struct hq_succeeded done;

	life_begin(scene);
	assert_not_said(scene, &succeeding, ERR_NOT_FOUND);
	heir_begin(scene, 2, 1, true);
	assert_true(reason_set(&succeeding.reason, SPAN_LITERAL("snapshot")));
	done = succeeded(scene, &succeeding);
	assert_int_equal(done.certificate.epoch, 2);
	assert_int_equal(done.certificate.parent_epoch, 1);
	assert_int_equal(done.certificate.rights, RIGHT_PROMISE);
	assert_int_equal(done.certificate.quota_cap, 500);
	assert_int_equal(done.certificate.valid_until_ms, 9000000000000);
	assert_false(done.certificate.is_provisional);
	assert_memory_equal(done.certificate.public_key,
			    signer_public(scene->keys[2]), KEY_PUBLIC_SIZE);
	/* The old life ends where it is held here. */
	assert_true(done.is_fenced);
	assert_int_equal(done.fence.epoch, 1);
	assert_int_equal(done.fence.seq, 2);
	assert_int_equal(done.fence.verdict, FENCE_ENDED);
	assert_span(reason_span(&done.fence.reason), "snapshot");
	assert_memory_equal(done.fence.hash, feed_at(scene, 1).hash, HASH_SIZE);
	assert_int_equal(feed_at(scene, 1).state, FEED_FENCED);
	assert_int_equal(feed_at(scene, 2).state, FEED_CONTIGUOUS);
	/* Nothing waits any more, and nothing is said twice. */
	assert_not_said(scene, &succeeding, ERR_NOT_FOUND);
	succeeding.epoch = 2;
	assert_not_said(scene, &succeeding, ERR_CONFLICT);
	with_key(scene, &succeeding, 2);
	assert_not_said(scene, &succeeding, ERR_CONFLICT);
}

static void of_two_that_wait_people_name_one(void **state)
{
	struct scene *scene = *state;
	struct hq_succeeding succeeding = wanted(0);
	struct hq_succeeded done;

	life_begin(scene);
	heir_begin(scene, 2, 1, true);
	heir_begin(scene, 4, 1, true);
	assert_not_said(scene, &succeeding, ERR_CONFLICT);
	succeeding.epoch = 3;
	assert_not_said(scene, &succeeding, ERR_NOT_FOUND);
	succeeding.epoch = 4;
	done = succeeded(scene, &succeeding);
	assert_int_equal(done.certificate.epoch, 4);
	assert_true(done.is_fenced);
	/* The other one is a case of its own; its parent has its end. */
	succeeding.epoch = 2;
	done = succeeded(scene, &succeeding);
	assert_int_equal(done.certificate.parent_epoch, 1);
	assert_false(done.is_fenced);
}

/* A life in between that nobody certified: what the site had last holds. */
static void a_grandchild_inherits_from_whom_hq_knew_last(void **state)
{
	struct scene *scene = *state;
	struct hq_succeeding succeeding = wanted(3);
	struct hq_succeeded done;

	life_begin(scene);
	heir_begin(scene, 2, 1, true);
	heir_begin(scene, 3, 2, true);
	done = succeeded(scene, &succeeding);
	assert_int_equal(done.certificate.epoch, 3);
	assert_int_equal(done.certificate.parent_epoch, 2);
	assert_int_equal(done.certificate.quota_cap, 500);
	assert_true(done.is_fenced);
	assert_int_equal(done.fence.epoch, 2);
	assert_int_equal(done.fence.seq, 1);
}

/* ---- keys that people carry ---- */

/* Method: HQ has heard nothing of the new life, whose key nobody vouched for.
 * Each way to name it wrongly is refused: what HQ says it cannot take back. */
static void
a_key_that_was_carried_is_taken_once_and_for_a_new_life(void **state)
{
	struct scene *scene = *state;
	struct hq_succeeding succeeding = wanted(3);
	struct hq_succeeded done;

	life_begin(scene);
	assert_not_said(scene, &succeeding, ERR_NOT_FOUND); /* no key */
	with_key(scene, &succeeding, 3);
	succeeding.epoch = 0;
	assert_not_said(scene, &succeeding, ERR_NOT_FOUND); /* no epoch */
	succeeding.epoch = 1;
	assert_not_said(scene, &succeeding, ERR_CONFLICT); /* certified */
	succeeding.epoch = 3;
	succeeding.site = SITE + 5;
	assert_not_said(scene, &succeeding, ERR_NOT_FOUND); /* no such site */
	succeeding.site = SITE;
	done = succeeded(scene, &succeeding);
	assert_int_equal(done.certificate.epoch, 3);
	assert_int_equal(done.certificate.parent_epoch, 1);
	/* What it knew of its parent nobody has said yet. */
	assert_false(done.is_fenced);
	assert_int_equal(parents_ended(scene), 0);
	/* Again, as people do who are not sure: it must not end itself. */
	assert_not_said(scene, &succeeding, ERR_CONFLICT);
	heir_begin(scene, 3, 1, false);
	assert_int_equal(parents_ended(scene), 1);
	assert_int_equal(feed_at(scene, 1).state, FEED_FENCED);
	assert_not_said(scene, &succeeding, ERR_CONFLICT);
	assert_int_equal(feed_at(scene, 3).state, FEED_CONTIGUOUS);
	succeeding.epoch = 2; /* a life before the last one */
	with_key(scene, &succeeding, 2);
	assert_not_said(scene, &succeeding, ERR_NOT_FOUND);
}

static void an_heir_has_the_key_that_was_vouched_for_and_no_other(void **state)
{
	struct scene *scene = *state;
	struct hq_succeeding succeeding = wanted(2);

	life_begin(scene);
	heir_begin(scene, 2, 1, true);
	with_key(scene, &succeeding, 3); /* mistyped */
	assert_not_said(scene, &succeeding, ERR_INVALID);
	with_key(scene, &succeeding, 2);
	assert_int_equal(succeeded(scene, &succeeding).certificate.epoch, 2);
}

/* Its first delta came (HQ's own store may have it), and nobody vouched. */
static void whom_nobody_vouches_for_needs_the_key(void **state)
{
	struct scene *scene = *state;
	struct hq_succeeding succeeding = wanted(0);

	life_begin(scene);
	heir_begin(scene, 2, 1, false);
	assert_not_said(scene, &succeeding, ERR_DENIED);
	with_key(scene, &succeeding, 2);
	assert_int_equal(succeeded(scene, &succeeding).certificate.epoch, 2);
}

/* ---- the parent's end ---- */

static bool can_be_ended(struct scene *scene, uint32_t epoch, uint32_t heir,
			 struct fence *fence)
{
	struct hq_life life = {SITE, heir, epoch};
	struct batch *batch = begin(scene);
	bool is = true;
	struct err err;

	assert_done(hq_parent_end(batch_view(batch), &life, fence, &is, &err),
		    &err);
	drop(scene, batch);
	return is;
}

static void a_parent_is_ended_only_where_that_says_something_new(void **state)
{
	struct scene *scene = *state;
	struct fence fence = {.seq = 77};
	struct entry entry;

	assert_false(can_be_ended(scene, 1, 2, &fence)); /* it is not here */
	life_begin(scene);
	assert_false(can_be_ended(scene, 1, 2, &fence)); /* nor its heir */
	heir_begin(scene, 2, 1, true);
	assert_false(can_be_ended(scene, 1, 3, &fence)); /* another's */
	assert_true(can_be_ended(scene, 1, 2, &fence));
	assert_int_equal(fence.seq, 2);
	entry_init(&entry, ENTRY_FENCE);
	entry.body.fence = fence;
	entry.body.fence.verdict = FENCE_REVOKED;
	hq_says(scene, &entry);
	/* A revoked key stays revoked. */
	assert_false(can_be_ended(scene, 1, 2, &fence));
}

/* The box was set back, had sealed more than HQ had heard of, and goes on: what
 * HQ has not heard of is not cut off with its parent's life. */
static void what_a_life_says_of_its_parent_is_waited_for(void **state)
{
	struct scene *scene = *state;
	struct hq_succeeding succeeding = wanted(0);
	struct entry entry =
		move_of(MOVEMENT_RECEIVE, "TEA", 4, "supplier:x", "DOCK");
	struct feed_record known;
	struct hq_succeeded done;
	struct heir heir;

	life_begin(scene);
	known = feed_at(scene, 1);
	known.seq++;
	memset(known.hash, 7, sizeof(known.hash));
	heir = heir_of(scene, 2, &known);
	heir_say(scene, heir, true);
	done = succeeded(scene, &succeeding);
	assert_int_equal(done.certificate.epoch, 2);
	assert_false(done.is_fenced);
	assert_int_equal(parents_ended(scene), 0);
	assert_int_equal(feed_at(scene, 1).state, FEED_CONTIGUOUS);
	/* Another delta than the one that is named: still not. */
	site_says(scene, 1, &entry, 1);
	assert_int_equal(feed_at(scene, 1).seq, 3);
	assert_int_equal(parents_ended(scene), 0);
}

/* Method: HQ certifies the last of lives 1, 2 and 3. Of the first two it holds
 * a delta less than the one behind knew; they come, each is ended then. */
static void of_a_line_each_life_ends_when_all_of_it_is_here(void **state)
{
	struct scene *scene = *state;
	struct hq_succeeding succeeding = wanted(3);
	struct entry entry =
		move_of(MOVEMENT_RECEIVE, "TEA", 4, "supplier:x", "DOCK");
	struct ahead ahead[2];

	life_begin(scene);
	for (uint32_t i = 0; i < 2; i++) {
		ahead_write(scene, i + 1, &entry, &ahead[i]);
		heir_say(scene, heir_of(scene, i + 2, &ahead[i].feed), true);
	}
	assert_false(succeeded(scene, &succeeding).is_fenced);
	assert_int_equal(parents_ended(scene), 0);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(feed_at(scene, i + 1).state, FEED_CONTIGUOUS);
		ahead_comes(scene, &ahead[i]);
		assert_int_equal(parents_ended(scene), 1);
		assert_int_equal(feed_at(scene, i + 1).state, FEED_FENCED);
	}
	assert_int_equal(feed_at(scene, 1).counted, 3);
	assert_int_equal(feed_at(scene, 2).counted, 2);
	assert_int_equal(feed_at(scene, 3).state, FEED_CONTIGUOUS);
	assert_int_equal(parents_ended(scene), 0);
}

/* One word cuts a feed off, which is folded anew for it, delta by delta, and
 * says three things besides: none is missing. */
static void a_word_that_cuts_a_feed_off_is_whole(void **state)
{
	struct scene *scene = *state;
	struct entry entries[4];
	struct hq_word word = {entries, ARRAY_LEN(entries), false};
	struct batch *batch;
	struct err err;

	life_begin(scene);
	batch = begin(scene);
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		entry_init(&entries[i], ENTRY_FENCE);
		entries[i].body.fence = (struct fence){
			.site = SITE,
			.epoch = (uint32_t)i + 1,
			.seq = 1,
			.verdict = FENCE_ENDED,
		};
	}
	assert_done(feed_hash_at(batch_view(batch),
				 (struct feed_id){SITE, 1, 0}, 1,
				 entries[0].body.fence.hash, &err),
		    &err);
	assert_done(hq_say(&scene->bench->keys.hq, batch, &word, NULL, &err),
		    &err);
	commit(scene, batch);
	assert_int_equal(feed_at(scene, 1).counted, 1);
}

/* ---- branches ---- */

static enum err_code chosen(struct scene *scene, const struct hq_choice *choice,
			    struct fence *fence)
{
	uint64_t before = control_seq(scene);
	struct batch *batch = begin(scene);
	struct err err;
	enum err_code code =
		hq_choose(&scene->bench->keys.hq, batch, choice, fence, &err);

	commit(scene, batch);
	assert_int_equal(control_seq(scene) - before, code == ERR_OK);
	return code;
}

static void a_branch_is_chosen_within_what_is_held(void **state)
{
	struct scene *scene = *state;
	struct hq_choice choice = {.branch = {SITE, 1, 0}};
	struct fence fence = {.seq = 99};

	life_begin(scene);
	choice.branch.branch = 12345;
	assert_code(chosen(scene, &choice, &fence), ERR_NOT_FOUND);
	choice.branch = (struct feed_id){SITE, 9, 0};
	assert_code(chosen(scene, &choice, &fence), ERR_NOT_FOUND);
	choice.branch = (struct feed_id){SITE_FIRST, 1, 0};
	assert_code(chosen(scene, &choice, &fence), ERR_DENIED); /* HQ's */
	choice.branch = (struct feed_id){SITE_FIRST, 2, 0};
	assert_code(chosen(scene, &choice, &fence), ERR_NOT_FOUND);
	choice.branch = (struct feed_id){SITE_MASTER, 1, 0};
	assert_code(chosen(scene, &choice, &fence), ERR_INVALID);
	choice.branch = (struct feed_id){SITE_CONTROL, 1, 0};
	assert_code(chosen(scene, &choice, &fence), ERR_INVALID);
	choice.branch = (struct feed_id){SITE, 1, 0};
	choice.has_seq = true;
	choice.seq = 3;
	assert_code(chosen(scene, &choice, &fence), ERR_INVALID);
	assert_int_equal(fence.seq, 99);
	choice.seq = 1;
	assert_code(chosen(scene, &choice, &fence), ERR_OK);
	assert_int_equal(fence.seq, 1);
	assert_int_equal(fence.verdict, FENCE_STAYS);
	assert_int_equal(feed_at(scene, 1).counted, 1);
	/* What people cut off comes back when they name a delta. */
	choice.has_seq = false;
	assert_code(chosen(scene, &choice, &fence), ERR_OK);
	assert_int_equal(fence.seq, 1);
	assert_int_equal(feed_at(scene, 1).counted, 1);
	choice.has_seq = true;
	choice.seq = 2;
	assert_code(chosen(scene, &choice, &fence), ERR_OK);
	assert_int_equal(fence.seq, 2);
	assert_memory_equal(fence.hash, feed_at(scene, 1).hash, HASH_SIZE);
	assert_int_equal(feed_at(scene, 1).counted, 2);
	/* Not one delta of it. */
	choice.is_dropped = true;
	choice.has_seq = true; /* is not used then */
	choice.seq = 2;
	assert_code(chosen(scene, &choice, &fence), ERR_OK);
	assert_int_equal(fence.seq, 0);
	assert_int_equal(fence.verdict, FENCE_DROPPED);
	assert_int_equal(feed_at(scene, 1).counted, 0);
}

/* ---- what people type ---- */

#define KEY_DIGITS ((size_t)2 * KEY_PUBLIC_SIZE)

/* The key of bytes AA as the box shows it, for @epoch. */
static void key_type(const struct scene *scene, uint32_t epoch, char text[80])
{
	struct heir heir = {.site = SITE, .epoch = epoch};
	uint8_t check[HEIR_CHECK_SIZE];

	memset(heir.public_key, 0xaa, sizeof(heir.public_key));
	heir_key_check(ledger_identity(scene->bench->w->ledger)->net_id, &heir,
		       check);
	memset(text, 'a', KEY_DIGITS);
	snprintf(text + KEY_DIGITS, 80 - KEY_DIGITS, "-%02x%02x%02x%02x",
		 check[0], check[1], check[2], check[3]);
}

/* HQ says nothing of a key that was mistyped: with one digit wrong, without
 * what checks it, with the check of another epoch. */
static void a_key_that_was_mistyped_is_noticed(void **state)
{
	struct scene *scene = *state;
	struct warehouse *w = scene->bench->w;
	uint64_t before;
	char arguments[200];
	char key[80];
	size_t tried = 0;

	life_begin(scene);
	before = control_seq(scene);
	for (size_t at = 0; at < KEY_DIGITS + 9; at++, tried++) {
		key_type(scene, 3, key);
		key[at] = key[at] == '1' ? '2' : '1';
		snprintf(arguments, sizeof(arguments),
			 "{\"site\":\"sh-02\",\"epoch\":3,\"key\":\"%s\"}",
			 key);
		ask_refused(w, "hq.succeed", arguments, "bad_key");
	}
	assert_int_equal(tried, 73);
	key_type(scene, 2, key);
	snprintf(arguments, sizeof(arguments),
		 "{\"site\":\"sh-02\",\"epoch\":3,\"key\":\"%s\"}", key);
	ask_refused(w, "hq.succeed", arguments, "bad_key");
	key[KEY_DIGITS] = '\0';
	snprintf(arguments, sizeof(arguments),
		 "{\"site\":\"sh-02\",\"epoch\":2,\"key\":\"%s\"}", key);
	ask_refused(w, "hq.succeed", arguments, "bad_key");
	assert_int_equal(control_seq(scene), before);
	key_type(scene, 3, key);
	snprintf(arguments, sizeof(arguments),
		 "{\"site\":\"sh-02\",\"epoch\":3,\"key\":\"%s\"}", key);
	ask_ok(w, "hq.succeed", arguments);
	assert_int_equal(control_seq(scene), before + 1);
}

static void each_refusal_has_its_code_and_writes_nothing(void **state)
{
	struct scene *scene = *state;
	struct warehouse *w = scene->bench->w;
	char key[80];
	char arguments[200];

	life_begin(scene);
	key_type(scene, 2, key);
	ask_refused(w, "hq.succeed", "{\"site\":\"nowhere\"}", "unknown_site");
	ask_refused(w, "hq.succeed", "{\"site\":\"master\"}", "unknown_site");
	ask_refused(w, "hq.succeed", "{\"site\":\"sh-02\"}", "no_successor");
	ask_refused(w, "hq.succeed",
		    "{\"site\":\"sh-02\",\"epoch\":2,\"key\":\"abcd\"}",
		    "bad_key");
	key[5] = 'g';
	snprintf(arguments, sizeof(arguments),
		 "{\"site\":\"sh-02\",\"epoch\":2,\"key\":\"%s\"}", key);
	ask_refused(w, "hq.succeed", arguments, "bad_key");
	heir_begin(scene, 2, 1, true);
	key[5] = 'a';
	snprintf(arguments, sizeof(arguments),
		 "{\"site\":\"sh-02\",\"epoch\":2,\"key\":\"%s\"}", key);
	ask_refused(w, "hq.succeed", arguments, "other_key");
	heir_begin(scene, 3, 1, false);
	ask_refused(w, "hq.succeed", "{\"site\":\"sh-02\"}",
		    "several_successors");
	ask_refused(w, "hq.succeed", "{\"site\":\"sh-02\",\"epoch\":3}",
		    "not_vouched");
	/* A site that is closed now would lose all that it said since. */
	ask_refused(w, "hq.close", "{\"site\":\"sh-02\"}", "epoch_waits");
	look_ok(w, "hq.successors", "{}");
	assert_reply(w, "\"epoch\":2,\"seq\":1,\"standing\":\"provisional\","
			"\"reason\":\"rollback\",\"parent_epoch\":1,"
			"\"parent_seq\":2,\"key\":\"");
	look_ok(w, "hq.successors", "{\"after\":\"1\",\"limit\":1}");
	assert_reply(w, "\"epoch\":3,");
	assert_no_reply(w, "\"epoch\":2,");
	look_ok(w, "hq.successors", "{\"after\":\"nonsense\"}");
	assert_reply(w, "\"successors\":[]");
	ask_ok(w, "hq.succeed", "{\"site\":\"sh-02\",\"epoch\":2}");
	assert_reply(w, "\"epoch\":2,\"parent_epoch\":1,\"seq\":2");
	ask_refused(w, "hq.choose", "{\"site\":\"sh-02\",\"branch\":\"0000\"}",
		    "unknown_branch");
	ask_refused(w, "hq.choose",
		    "{\"site\":\"sh-02\",\"branch\":\"00000000000000ff\"}",
		    "unknown_branch");
	ask_refused(w, "hq.choose",
		    "{\"site\":\"hz-01\",\"branch\":\"0000000000000000\"}",
		    "own_epoch");
	ask_refused(w, "hq.choose",
		    "{\"site\":\"sh-02\",\"epoch\":1,\"seq\":5,"
		    "\"branch\":\"0000000000000000\"}",
		    "unknown_branch");
	look_refused(w, "fork.show", "{\"fork\":1}", "unknown_fork");
	look_ok(w, "fork.list", "{}");
	assert_reply(w, "\"forks\":[]");
	/* The other one is over since HQ chose, and nothing waits. */
	ask_ok(w, "hq.close", "{\"site\":\"sh-02\"}");
	assert_reply(w, "\"epoch\":2,");
}

#define STORY_OF(name) \
	cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_OF(the_one_that_waits_gets_what_the_parent_had),
		STORY_OF(of_two_that_wait_people_name_one),
		STORY_OF(a_grandchild_inherits_from_whom_hq_knew_last),
		STORY_OF(
			a_key_that_was_carried_is_taken_once_and_for_a_new_life),
		STORY_OF(an_heir_has_the_key_that_was_vouched_for_and_no_other),
		STORY_OF(whom_nobody_vouches_for_needs_the_key),
		STORY_OF(a_parent_is_ended_only_where_that_says_something_new),
		STORY_OF(what_a_life_says_of_its_parent_is_waited_for),
		STORY_OF(a_word_that_cuts_a_feed_off_is_whole),
		STORY_OF(of_a_line_each_life_ends_when_all_of_it_is_here),
		STORY_OF(a_branch_is_chosen_within_what_is_held),
		STORY_OF(a_key_that_was_mistyped_is_noticed),
		STORY_OF(each_refusal_has_its_code_and_writes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
