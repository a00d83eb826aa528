/*
 * HQ ends the life whose place another box took: when that box has said how far
 * it has its book, and HQ holds as much; not before, and once.
 *
 * Method: HQ's own box on a real store, which holds a site's feeds as peers
 * brought them. A power cut is a batch that is dropped.
 */
#include "gateway/core/hq_parents.h"
#include "store/site.h"
#include "tests/support/moves.h"
#include "tests/unit/edge/hq_lives.h"

static void certify_site(struct scene *scene, uint32_t site, uint32_t epoch,
			 uint32_t parent)
{
	struct entry entry;
	struct certificate *certificate = &entry.body.certificate;
	char name[16];

	entry_init(&entry, ENTRY_CERTIFICATE);
	*certificate = (struct certificate){.site = site,
					    .epoch = epoch,
					    .parent_epoch = parent,
					    .role = SITE_ROLE_SITE};
	assert_true(text_format(name, sizeof(name), "s-%u", site) &&
		    name_set(&certificate->name, span_of(name)));
	memcpy(certificate->public_key, signer_public(scene->keys[epoch]),
	       KEY_PUBLIC_SIZE);
	hq_says(scene, &entry);
}

/* ---- what peers bring ---- */

static void site_says(struct scene *scene, struct feed_id id,
		      struct entry *entry)
{
	commit(scene, site_write(scene, id, entry, 1));
}

/* @count deltas of an epoch; the first one tells whose place it took. */
static void lives(struct scene *scene, uint32_t site, uint32_t epoch,
		  unsigned count)
{
	struct feed_id id = {site, epoch, 0};
	struct entry entries[SAID_MAX];

	entries[0] = founding_of(scene, epoch);
	entry_init(&entries[1], ENTRY_SUCCESSION);
	entries[1].body.succession.parent_epoch = epoch - 1;
	entries[1].body.succession.reason = SUCCESSION_REPLACED;
	commit(scene, site_write(scene, id, entries, epoch > 1 ? 2 : 1));
	for (unsigned i = 1; i < count; i++) {
		entries[0] = move_of(MOVEMENT_RECEIVE, "TEA", i, "supplier:x",
				     "DOCK");
		site_says(scene, id, entries);
	}
}

static struct feed_record feed_of(struct scene *scene, uint32_t site,
				  uint32_t epoch)
{
	struct feed_record feed;
	struct view *view;
	struct err err;

	assert_done(view_begin(ledger_env(scene->bench->w->ledger), &view,
			       &err),
		    &err);
	assert_done(feed_get(view, (struct feed_id){site, epoch, 0}, &feed,
			     &err),
		    &err);
	view_end(view);
	return feed;
}

struct utterance {
	uint32_t epoch; /* that says it */
	uint32_t parent;
	uint64_t seq;
	enum succession_reason reason;
	bool is_other_hash;
};

/* How far the box has the book before it. */
static void box_says(struct scene *scene, uint32_t site, struct utterance word)
{
	struct entry entry;
	struct succession *said = &entry.body.succession;
	struct view *view;
	struct err err;
	enum err_code code;

	entry_init(&entry, ENTRY_SUCCESSION);
	said->parent_epoch = word.parent;
	said->parent_seq = word.seq;
	said->reason = word.reason;
	assert_done(view_begin(ledger_env(scene->bench->w->ledger), &view,
			       &err),
		    &err);
	code = feed_hash_at(view, (struct feed_id){site, word.parent, 0},
			    word.seq, said->parent_hash, &err);
	view_end(view);
	if (code != ERR_NOT_FOUND)
		assert_done(code, &err);
	said->parent_hash[3] ^= word.is_other_hash;
	site_says(scene, (struct feed_id){site, word.epoch, 0}, &entry);
}

/* Two lives: the first with three deltas, the second in its place. */
static void replaced(struct scene *scene, uint32_t site)
{
	certify_site(scene, site, 1, 0);
	lives(scene, site, 1, 3);
	certify_site(scene, site, 2, 1);
	lives(scene, site, 2, 1);
}

/* ---- HQ's turn ---- */

static uint32_t turn_to(struct scene *scene, bool is_committed)
{
	struct batch *batch = begin(scene);
	uint32_t count = 99;
	struct err err;

	assert_done(hq_parents_end(&scene->bench->keys.hq, batch, &count, &err),
		    &err);
	if (is_committed)
		commit(scene, batch);
	else
		drop(scene, batch);
	return count;
}

static uint32_t turn(struct scene *scene)
{
	return turn_to(scene, true);
}

static bool fence_of(struct scene *scene, uint32_t site, uint32_t epoch,
		     struct fence *ret_fence)
{
	struct view *view;
	struct err err;
	enum err_code code;

	assert_done(view_begin(ledger_env(scene->bench->w->ledger), &view,
			       &err),
		    &err);
	code = roster_fence(view, (struct feed_id){site, epoch, 0}, ret_fence,
			    &err);
	view_end(view);
	if (code != ERR_NOT_FOUND)
		assert_done(code, &err);
	return code == ERR_OK;
}

static void assert_open(struct scene *scene)
{
	struct fence fence;

	assert_int_equal(turn(scene), 0);
	assert_false(fence_of(scene, SITE, 1, &fence));
}

/* ---- tests ---- */

static void nothing_is_ended_where_nobody_was_replaced(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(turn(scene), 0);
	certify_site(scene, SITE, 1, 0);
	lives(scene, SITE, 1, 3);
	assert_open(scene);
}

static void the_life_before_ends_where_hq_has_it(void **state)
{
	struct scene *scene = *state;
	struct feed_record feed;
	struct fence fence;

	replaced(scene, SITE);
	assert_open(scene); /* its box has not said a word */
	box_says(scene, SITE,
		 (struct utterance){2, 1, 2, SUCCESSION_REPLACED, false});
	feed = feed_of(scene, SITE, 1);
	assert_int_equal(turn(scene), 1);
	assert_true(fence_of(scene, SITE, 1, &fence));
	/* HQ has more than the box said that it has. */
	assert_int_equal(feed.seq, 3);
	assert_int_equal(fence.seq, 3);
	assert_memory_equal(fence.hash, feed.hash, HASH_SIZE);
	assert_int_equal(fence.verdict, FENCE_ENDED);
	assert_int_equal(feed_of(scene, SITE, 1).state, FEED_FENCED);
	assert_int_equal(feed_of(scene, SITE, 2).state, FEED_CONTIGUOUS);
}

static void it_ends_once(void **state)
{
	struct scene *scene = *state;
	uint64_t before;

	replaced(scene, SITE);
	box_says(scene, SITE,
		 (struct utterance){2, 1, 3, SUCCESSION_REPLACED, false});
	assert_int_equal(turn(scene), 1);
	before = feed_of(scene, SITE_CONTROL, 1).seq;
	for (int i = 0; i < 3; i++)
		assert_int_equal(turn(scene), 0);
	assert_int_equal(feed_of(scene, SITE_CONTROL, 1).seq, before);
}

/* The power goes before the commit. */
static void an_end_that_was_not_committed_is_said_again(void **state)
{
	struct scene *scene = *state;
	struct fence fence;

	replaced(scene, SITE);
	box_says(scene, SITE,
		 (struct utterance){2, 1, 3, SUCCESSION_REPLACED, false});
	assert_int_equal(turn_to(scene, false), 1);
	assert_false(fence_of(scene, SITE, 1, &fence));
	assert_int_equal(turn(scene), 1);
	assert_true(fence_of(scene, SITE, 1, &fence));
}

static void hq_waits_until_it_has_as_much_itself(void **state)
{
	struct scene *scene = *state;
	struct entry entry =
		move_of(MOVEMENT_RECEIVE, "TEA", 9, "supplier:x", "DOCK");
	struct utterance word = {2, 1, 4, SUCCESSION_REPLACED, false};

	replaced(scene, SITE);
	box_says(scene, SITE, word);
	assert_open(scene);
	site_says(scene, (struct feed_id){SITE, 1, 0}, &entry);
	assert_open(scene); /* that word could name no hash of it */
	box_says(scene, SITE, word);
	assert_int_equal(turn(scene), 1);
}

static void a_word_of_another_hash_ends_nothing(void **state)
{
	struct scene *scene = *state;

	replaced(scene, SITE);
	box_says(scene, SITE,
		 (struct utterance){2, 1, 3, SUCCESSION_REPLACED, true});
	assert_open(scene);
}

static void only_the_word_of_the_new_box_counts(void **state)
{
	static const struct utterance words[] = {
		{1, 1, 3, SUCCESSION_REPLACED, false}, /* the old box's own */
		{2, 2, 1, SUCCESSION_REPLACED, false}, /* of itself */
	};
	struct scene *scene = *state;

	replaced(scene, SITE);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		box_says(scene, SITE, words[i]);
		assert_open(scene);
	}
}

/* HQ's people were faster. */
static void a_life_that_has_ended_is_left_as_it_is(void **state)
{
	struct scene *scene = *state;
	struct entry entry;
	struct fence fence;

	replaced(scene, SITE);
	entry_init(&entry, ENTRY_FENCE);
	entry.body.fence = (struct fence){
		.site = SITE, .epoch = 1, .seq = 2, .verdict = FENCE_REVOKED};
	{
		struct view *view;
		struct err err;

		assert_done(view_begin(ledger_env(scene->bench->w->ledger),
				       &view, &err),
			    &err);
		assert_done(feed_hash_at(view, (struct feed_id){SITE, 1, 0}, 2,
					 entry.body.fence.hash, &err),
			    &err);
		view_end(view);
	}
	hq_says(scene, &entry);
	box_says(scene, SITE,
		 (struct utterance){2, 1, 2, SUCCESSION_REPLACED, false});
	assert_int_equal(turn(scene), 0);
	assert_true(fence_of(scene, SITE, 1, &fence));
	assert_int_equal(fence.verdict, FENCE_REVOKED);
	assert_int_equal(fence.seq, 2);
}

/* More than go into one delta of control: the next turn has the rest. */
static void many_are_ended_turn_by_turn(void **state)
{
	enum { SITES = 20 };
	struct scene *scene = *state;
	uint32_t ended = 0;
	uint32_t turns = 0;
	uint32_t now;

	for (uint32_t i = 0; i < SITES; i++) {
		replaced(scene, SITE + i);
		box_says(scene, SITE + i,
			 (struct utterance){2, 1, 3, SUCCESSION_REPLACED,
					    false});
	}
	while ((now = turn(scene)) > 0) {
		ended += now;
		turns++;
	}
	assert_int_equal(ended, SITES);
	assert_true(turns > 1);
	for (uint32_t i = 0; i < SITES; i++) {
		struct fence fence;

		assert_true(fence_of(scene, SITE + i, 1, &fence));
	}
}

/* HQ's disk went back: it says nothing before the root has spoken. */
static void an_hq_that_was_set_back_ends_nothing(void **state)
{
	struct scene *scene = *state;
	struct bench *bench = scene->bench;
	struct batch *batch;
	uint32_t count = 77;
	struct fence fence;
	struct err err;

	replaced(scene, SITE);
	box_says(scene, SITE,
		 (struct utterance){2, 1, 3, SUCCESSION_REPLACED, false});
	batch = begin(scene);
	assert_done(site_mark_put(batch_txn(batch), SITE_MARK_RESTORED, &err),
		    &err);
	commit(scene, batch);
	batch = begin(scene);
	assert_code(hq_parents_end(&bench->keys.hq, batch, &count, &err),
		    ERR_AGAIN);
	batch_abandon(batch);
	feed_desk_abandon(bench->desk);
	assert_int_equal(count, 77);
	assert_false(fence_of(scene, SITE, 1, &fence));
}

#define SCENE(name) \
	cmocka_unit_test_setup_teardown(name, scene_open, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(nothing_is_ended_where_nobody_was_replaced),
		SCENE(the_life_before_ends_where_hq_has_it),
		SCENE(it_ends_once),
		SCENE(an_end_that_was_not_committed_is_said_again),
		SCENE(hq_waits_until_it_has_as_much_itself),
		SCENE(a_word_of_another_hash_ends_nothing),
		SCENE(only_the_word_of_the_new_box_counts),
		SCENE(a_life_that_has_ended_is_left_as_it_is),
		SCENE(many_are_ended_turn_by_turn),
		SCENE(an_hq_that_was_set_back_ends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
