/*
 * When a box takes back what others have of its past, and when it says how far
 * it has it.
 *
 * Method: a box that took another one's place (tests/support/replaced.h) with a
 * real peer engine, whose frames go to a second one and back; deltas come as by
 * a stick. The clock is the test's.
 */
#include "gateway/core/regaining.h"
#include "tests/support/mute_port.h"
#include "tests/support/replaced.h"

#define LETTERS_MAX 64
#define START_MS 1000

struct letter {
	char topic[SYNC_TOPIC_SIZE];
	uint8_t payload[SYNC_FRAME_SIZE_MAX];
	size_t size;
	int to;
};

struct scene {
	struct bed *bed;
	struct regaining regaining;
	struct sync *syncs[2]; /* this box's, and a peer's that has all */
	struct post_box {
		struct scene *scene;
		int number;
	} boxes[2];
	struct letter letters[LETTERS_MAX];
	size_t first;
	size_t last;
	uint64_t ms;
};

/* ---- the peer engines ---- */

static bool letter_post(void *context, const struct sync_out *out)
{
	struct post_box *box = context;
	struct scene *scene = box->scene;
	struct letter *letter = &scene->letters[scene->last++ % LETTERS_MAX];

	assert_true(scene->last - scene->first <= LETTERS_MAX);
	sync_topic_write(out, letter->topic);
	letter->size = out->payload.size;
	memcpy(letter->payload, out->payload.data, letter->size);
	letter->to = 1 - box->number;
	return true;
}

/* Nothing comes over the wire here but words. */
static void engine_begin(struct scene *scene, int number, uint32_t site,
			 const struct view *view)
{
	struct sync_config config = {.site = site,
				     .boot = 5 + (uint64_t)number,
				     .seed = 5,
				     .links_max = 1,
				     .feeds_max = 16,
				     .peers_max = 4,
				     .waiting_max = 16};
	struct sync_port port;

	scene->boxes[number] = (struct post_box){scene, number};
	port = (struct sync_port){&scene->boxes[number], letter_post,
				  never_admit, never_keep, never_found};
	memcpy(config.net_id, scene->bed->feeds.net_id, NET_ID_SIZE);
	assert_true(name_set(&config.name,
			     span_of(number == 0 ? "hz-04" : "hz-03")));
	assert_done(sync_open(&config, &port, view, &scene->syncs[number],
			      &scene->bed->w.err),
		    &scene->bed->w.err);
	sync_self_set(scene->syncs[number],
		      &(struct sync_self){
			      .epoch = number == 0 ? NEW_EPOCH : 1,
			      .signer = feeds_signer_of(&scene->bed->feeds,
							SITE_FIRST)});
}

static struct sync_step step_of(struct scene *scene, const struct view *view)
{
	return (struct sync_step){.now = {scene->ms, scene->bed->w.now, true},
				  .view = view};
}

/* What @number sees. */
static const struct view *view_of(struct scene *scene, int number,
				  struct view **ret_own)
{
	*ret_own = NULL;
	if (number == 1)
		return node_view(&scene->bed->feeds.author);
	*ret_own = bed_look(scene->bed);
	return *ret_own;
}

static void letter_deliver(struct scene *scene, const struct letter *letter)
{
	struct view *own;
	struct sync_step step =
		step_of(scene, view_of(scene, letter->to, &own));
	struct sync_in in = {.link = 0};

	assert_true(sync_topic_read(span_of(letter->topic), &in));
	in.payload = (struct span){(const char *)letter->payload, letter->size};
	assert_done(sync_frame(scene->syncs[letter->to], &step, &in,
			       &scene->bed->w.err),
		    &scene->bed->w.err);
	view_end(own);
}

static void links_set(struct scene *scene, bool is_up)
{
	struct sync_link change = {.link = 0, .is_up = is_up};

	for (int i = 0; i < 2; i++) {
		struct view *own;
		struct sync_step step = step_of(scene, view_of(scene, i, &own));

		assert_done(sync_link(scene->syncs[i], &step, &change,
				      &scene->bed->w.err),
			    &scene->bed->w.err);
		view_end(own);
	}
	if (!is_up)
		scene->first = scene->last;
}

static uint64_t haves(struct scene *scene)
{
	struct sync_counts counts;

	sync_counts(scene->syncs[0], &counts);
	return counts.haves_got;
}

/* Both talk until this box has heard what the other one has. */
static void answer_get(struct scene *scene)
{
	uint64_t before = haves(scene);

	for (int turn = 0; turn < 100 && haves(scene) == before; turn++) {
		scene->ms += 1000;
		for (int i = 0; i < 2; i++) {
			struct view *own;
			struct sync_step step =
				step_of(scene, view_of(scene, i, &own));

			assert_done(sync_tick(scene->syncs[i], &step,
					      &scene->bed->w.err),
				    &scene->bed->w.err);
			view_end(own);
		}
		while (scene->first < scene->last)
			letter_deliver(
				scene,
				&scene->letters[scene->first++ % LETTERS_MAX]);
	}
	assert_true(haves(scene) > before);
}

/* A stick was taken. */
static void carried(struct scene *scene)
{
	struct view *view = bed_look(scene->bed);
	struct sync_step step = step_of(scene, view);

	assert_done(sync_carried(scene->syncs[0], &step, &scene->bed->w.err),
		    &scene->bed->w.err);
	view_end(view);
}

static void receives(struct scene *scene, int64_t units)
{
	before_moves(scene->bed, MOVEMENT_RECEIVE, units, "supplier:x", "A-01");
	carried(scene);
}

/* ---- the box ---- */

static void start(struct scene *scene)
{
	struct view *view = bed_look(scene->bed);

	assert_done(regaining_begin(&scene->regaining, BEFORE, view,
				    &scene->bed->w.err),
		    &scene->bed->w.err);
	view_end(view);
}

/* The peer's own journal has nothing but its beginning. */
static void peer_journal(struct scene *scene)
{
	struct feeds *feeds = &scene->bed->feeds;
	struct journal_head head = {.pos = pos_make(1, 0)};
	struct txn *txn = feeds->author.t.txn;
	static struct entry_bytes bytes;
	struct entry entry = feeds_founding(feeds, SITE_FIRST);

	entry.stamp.value = ++feeds->stamp;
	assert_done(journal_append(txn, &head, &entry, &bytes, &feeds->err),
		    &feeds->err);
	assert_done(journal_head_put(txn, &head, &feeds->err), &feeds->err);
}

static int scene_setup_as(void **state, enum succession_reason reason)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct view *view;
	void *bed;

	assert_non_null(scene);
	assert_int_equal(bed_setup_as(&bed, reason, 1), 0);
	scene->bed = bed;
	scene->ms = START_MS;
	view = bed_look(scene->bed);
	engine_begin(scene, 0, BEFORE, view);
	view_end(view);
	peer_journal(scene);
	engine_begin(scene, 1, SITE_FIRST,
		     node_view(&scene->bed->feeds.author));
	start(scene);
	*state = scene;
	return 0;
}

static int scene_setup(void **state)
{
	return scene_setup_as(state, SUCCESSION_REPLACED);
}

static int joined_setup(void **state)
{
	return scene_setup_as(state, SUCCESSION_JOINED);
}

static int scene_teardown(void **state)
{
	struct scene *scene = *state;
	void *bed = scene->bed;

	sync_close(scene->syncs[0]);
	sync_close(scene->syncs[1]);
	free(scene);
	return bed_teardown(&bed);
}

static enum regaining_job look_with(struct scene *scene,
				    enum exchange_links links)
{
	struct regaining_now now = {scene->ms, links};
	struct view *view = bed_look(scene->bed);
	enum regaining_job job = 99;

	assert_done(regaining_look(&scene->regaining, scene->syncs[0], view,
				   &now, &job, &scene->bed->w.err),
		    &scene->bed->w.err);
	view_end(view);
	return job;
}

static enum regaining_job look(struct scene *scene)
{
	return look_with(scene, EXCHANGE_ALONE);
}

/* The job, in a transaction; the power may go before the commit. */
static struct regaining_done run(struct scene *scene, bool is_committed)
{
	struct bed *bed = scene->bed;
	struct regaining_done done;

	warehouse_begin(&bed->w);
	assert_done(regaining_run(&scene->regaining, bed->feeds.net_id,
				  bed->w.batch, &bed->w.err),
		    &bed->w.err);
	if (is_committed) {
		warehouse_commit(&bed->w);
	} else {
		batch_abandon(bed->w.batch);
		bed->w.batch = NULL;
	}
	regaining_finish(&scene->regaining, is_committed, scene->ms, &done);
	return done;
}

static void take_all(struct scene *scene)
{
	while (look(scene) == REGAINING_TAKE)
		(void)run(scene, true);
}

static bool is_word(const struct entry *entry)
{
	return entry->kind == ENTRY_SUCCESSION &&
	       entry->body.succession.parent_seq != 0;
}

/* ---- tests ---- */

static void a_box_that_took_nobodys_place_has_nothing_to_do(void **state)
{
	struct scene *scene = *state;

	for (int i = 0; i < 3; i++, scene->ms += REGAINING_WAIT_MS)
		assert_int_equal(look(scene), REGAINING_NOTHING);
	assert_true(regaining_may_act(&scene->regaining, scene->ms));
	assert_true(regaining_may_act(&scene->regaining, 0));
}

static void what_comes_is_taken_at_once_and_whenever_it_comes(void **state)
{
	struct scene *scene = *state;
	struct regaining_done done;

	for (int i = 0; i < 3; i++, scene->ms += 86400000) {
		receives(scene, 10);
		assert_int_equal(look(scene), REGAINING_TAKE);
		done = run(scene, true);
		assert_int_equal(done.regained, 1);
		assert_true(done.is_caught_up);
		assert_false(done.is_told);
		assert_int_not_equal(look(scene), REGAINING_TAKE);
	}
	assert_int_equal(book_units(scene->bed, "A-01"), 30);
}

/* By a stick: there may be another one. */
static void without_a_link_it_waits_long_before_it_says_how_far(void **state)
{
	struct scene *scene = *state;
	struct regaining_done done;
	struct feed_record parent;

	assert_int_equal(look(scene), REGAINING_NOTHING);
	receives(scene, 10);
	take_all(scene);
	scene->ms = START_MS + REGAINING_WAIT_MS - 1;
	assert_int_equal(look(scene), REGAINING_NOTHING);
	assert_false(regaining_may_act(&scene->regaining, scene->ms));
	scene->ms++;
	assert_int_equal(look(scene), REGAINING_TELL);
	done = run(scene, true);
	assert_true(done.is_told);
	parent = node_feed(&scene->bed->feeds.author,
			   (struct feed_id){BEFORE, 1, 0});
	assert_int_equal(done.parent_epoch, 1);
	assert_int_equal(done.parent_seq, parent.seq);
	assert_int_equal(done.parent_stamp.value, parent.stamp.value);
	assert_int_equal(journal_count(scene->bed, is_word), 1);
	/* Once is enough, after a start too. */
	for (int i = 0; i < 3; i++, scene->ms += REGAINING_WAIT_MS) {
		assert_int_equal(look(scene), REGAINING_NOTHING);
		start(scene);
		assert_true(regaining_may_act(&scene->regaining, scene->ms));
	}
	assert_int_equal(journal_count(scene->bed, is_word), 1);
}

static void with_nothing_of_the_old_book_it_says_nothing(void **state)
{
	struct scene *scene = *state;

	/* Only what the bed's network begins with is missing here. */
	for (int i = 0; i < 5; i++, scene->ms += REGAINING_WAIT_MS)
		assert_int_equal(look(scene), REGAINING_NOTHING);
	assert_true(scene->regaining.is_open);
	/* It may act all the same: nobody waits for ever. */
	assert_true(regaining_may_act(&scene->regaining, scene->ms));
	receives(scene, 10);
	take_all(scene);
	assert_int_equal(look(scene), REGAINING_NOTHING);
	scene->ms += REGAINING_QUIET_MS;
	assert_int_equal(look(scene), REGAINING_TELL);
}

/* A link is up, and somebody has said what it has: nothing more. */
static void with_a_link_it_waits_until_it_is_quiet(void **state)
{
	struct scene *scene = *state;

	receives(scene, 10);
	take_all(scene);
	links_set(scene, true);
	assert_int_equal(look_with(scene, EXCHANGE_UP), REGAINING_NOTHING);
	/* Nobody has answered, however long it takes. */
	scene->ms += 4 * REGAINING_WAIT_MS;
	assert_int_equal(look_with(scene, EXCHANGE_UP), REGAINING_NOTHING);
	answer_get(scene);
	/* Who answers first may not be the one that has the book. */
	assert_int_equal(look_with(scene, EXCHANGE_UP), REGAINING_NOTHING);
	scene->ms += REGAINING_QUIET_MS - 1;
	assert_int_equal(look_with(scene, EXCHANGE_UP), REGAINING_NOTHING);
	scene->ms++;
	assert_int_equal(look_with(scene, EXCHANGE_UP), REGAINING_TELL);
}

static void what_is_offered_is_waited_for(void **state)
{
	struct scene *scene = *state;

	receives(scene, 10);
	take_all(scene);
	/* The peer has one more than this box. */
	(void)feeds_move(&scene->bed->feeds, BEFORE, MOVEMENT_RECEIVE, "TEA", 5,
			 "supplier:x", "A-01");
	sync_close(scene->syncs[1]);
	engine_begin(scene, 1, SITE_FIRST,
		     node_view(&scene->bed->feeds.author));
	links_set(scene, true);
	assert_int_equal(look_with(scene, EXCHANGE_UP), REGAINING_NOTHING);
	answer_get(scene);
	for (int i = 0; i < 5; i++, scene->ms += REGAINING_QUIET_MS)
		assert_int_equal(look_with(scene, EXCHANGE_UP),
				 REGAINING_NOTHING);
	bed_hear_all(scene->bed, BEFORE, 1);
	carried(scene);
	assert_int_equal(look_with(scene, EXCHANGE_UP), REGAINING_TAKE);
	(void)run(scene, true);
	/* And what came just now begins the wait anew. */
	assert_int_equal(look_with(scene, EXCHANGE_UP), REGAINING_NOTHING);
	scene->ms += REGAINING_QUIET_MS;
	assert_int_equal(look_with(scene, EXCHANGE_UP), REGAINING_TELL);
}

static void a_link_that_came_anew_has_to_answer_anew(void **state)
{
	struct scene *scene = *state;

	receives(scene, 10);
	take_all(scene);
	links_set(scene, true);
	assert_int_equal(look_with(scene, EXCHANGE_UP), REGAINING_NOTHING);
	answer_get(scene);
	assert_int_equal(look_with(scene, EXCHANGE_UP), REGAINING_NOTHING);
	links_set(scene, false);
	assert_int_equal(look(scene), REGAINING_NOTHING);
	scene->ms += REGAINING_QUIET_MS;
	links_set(scene, true);
	assert_int_equal(look_with(scene, EXCHANGE_UP), REGAINING_NOTHING);
	scene->ms += REGAINING_QUIET_MS;
	assert_int_equal(look_with(scene, EXCHANGE_UP), REGAINING_NOTHING);
}

/* ---- what goes wrong ---- */

static void what_was_not_committed_is_tried_again_after_a_while(void **state)
{
	struct scene *scene = *state;
	struct regaining_done done;

	receives(scene, 10);
	assert_int_equal(look(scene), REGAINING_TAKE);
	done = run(scene, false);
	assert_int_equal(done.regained, 0);
	assert_false(done.is_caught_up);
	assert_int_equal(look(scene), REGAINING_NOTHING);
	scene->ms += REGAINING_RETRY_MS - 1;
	assert_int_equal(look(scene), REGAINING_NOTHING);
	scene->ms++;
	assert_int_equal(look(scene), REGAINING_TAKE);
	assert_int_equal(run(scene, true).regained, 1);
	assert_int_equal(book_units(scene->bed, "A-01"), 10);
}

static void a_word_that_was_not_committed_is_said_again(void **state)
{
	struct scene *scene = *state;

	receives(scene, 10);
	take_all(scene);
	scene->ms += REGAINING_WAIT_MS;
	assert_int_equal(look(scene), REGAINING_TELL);
	assert_false(run(scene, false).is_told);
	assert_int_equal(journal_count(scene->bed, is_word), 0);
	assert_true(scene->regaining.is_open);
	/* The power goes, too. */
	bed_restart(scene->bed);
	start(scene);
	assert_int_equal(look(scene), REGAINING_NOTHING);
	scene->ms += REGAINING_WAIT_MS;
	assert_int_equal(look(scene), REGAINING_TELL);
	assert_true(run(scene, true).is_told);
	assert_int_equal(journal_count(scene->bed, is_word), 1);
}

/* It was committed, and the power went before anybody was told. */
static void a_word_that_was_committed_is_not_said_again(void **state)
{
	struct scene *scene = *state;
	struct bed *bed = scene->bed;

	receives(scene, 10);
	take_all(scene);
	scene->ms += REGAINING_WAIT_MS;
	assert_int_equal(look(scene), REGAINING_TELL);
	warehouse_begin(&bed->w);
	assert_done(regaining_run(&scene->regaining, bed->feeds.net_id,
				  bed->w.batch, &bed->w.err),
		    &bed->w.err);
	warehouse_commit(&bed->w);
	bed_restart(bed);
	start(scene);
	scene->ms += REGAINING_WAIT_MS;
	assert_int_equal(look(scene), REGAINING_NOTHING);
	scene->ms += REGAINING_WAIT_MS;
	assert_int_equal(look(scene), REGAINING_NOTHING);
	assert_int_equal(journal_count(bed, is_word), 1);
}

/* Several steps; what is told in the end is the sum. */
static void what_takes_many_steps_is_told_as_one(void **state)
{
	struct scene *scene = *state;
	struct feed_id id = {BEFORE, 1, 0};
	uint64_t rows = 0;
	unsigned steps = 0;
	struct regaining_done done;

	while (rows <= 2 * REGAIN_ROWS_MAX) {
		struct writing *writing = writing_new(0);

		for (int i = 0; i < 16; i++, rows++) {
			struct entry entry = move_of(MOVEMENT_RECEIVE, "TEA", 1,
						     "supplier:x", "A-01");

			writing_add(&scene->bed->feeds, writing, &entry);
		}
		(void)node_write(&scene->bed->feeds, &scene->bed->feeds.author,
				 id, writing);
	}
	bed_hear_all(scene->bed, BEFORE, 1);
	carried(scene);
	do {
		assert_int_equal(look(scene), REGAINING_TAKE);
		done = run(scene, true);
		steps++;
	} while (!done.is_caught_up);
	assert_true(steps > 2);
	assert_int_equal(done.regained, rows);
	assert_int_equal(look(scene), REGAINING_NOTHING);
}

static void a_damaged_mark_is_an_error(void **state)
{
	struct scene *scene = *state;
	struct bed *bed = scene->bed;
	struct view *view;

	warehouse_begin(&bed->w);
	assert_done(txn_put(batch_txn(bed->w.batch), TABLE_META,
			    SPAN_LITERAL("regaining"), SPAN_LITERAL("spoilt"),
			    &bed->w.err),
		    &bed->w.err);
	warehouse_commit(&bed->w);
	view = bed_look(bed);
	assert_code(regaining_begin(&scene->regaining, BEFORE, view,
				    &bed->w.err),
		    ERR_CORRUPT);
	view_end(view);
}

#define STORY(name) \
	cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_box_that_took_nobodys_place_has_nothing_to_do,
			joined_setup, scene_teardown),
		STORY(what_comes_is_taken_at_once_and_whenever_it_comes),
		STORY(without_a_link_it_waits_long_before_it_says_how_far),
		STORY(with_nothing_of_the_old_book_it_says_nothing),
		STORY(with_a_link_it_waits_until_it_is_quiet),
		STORY(what_is_offered_is_waited_for),
		STORY(a_link_that_came_anew_has_to_answer_anew),
		STORY(what_was_not_committed_is_tried_again_after_a_while),
		STORY(a_word_that_was_not_committed_is_said_again),
		STORY(a_word_that_was_committed_is_not_said_again),
		STORY(what_takes_many_steps_is_told_as_one),
		STORY(a_damaged_mark_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
