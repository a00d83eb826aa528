/*
 * A box that was set back asks its peers for what it lost, and knows when it
 * has waited long enough.
 *
 * Method: box 1 is an old image of a site of which HQ, box 0, holds 11 deltas
 * more; real peer engines, a broker that the test plays, and its clock. What
 * the writer does then is test_incarnation_run.c's.
 */
#include "gateway/core/incarnation.h"
#include "store/site.h"
#include "tests/support/peers.h"

#define SECOND_MS 1000
#define MINUTE_MS 60000
#define HOUR_MS 3600000
#define LOST 11
#define HELD (1 + LOST) /* by HQ, of the site */

static const struct sync_config small = {
	.feeds_max = 64, .peers_max = 16, .waiting_max = 64};

struct scene {
	struct bed *bed;
	struct box *hq;
	struct box *old;
	struct exchange *exchange;
	struct incarnation incarnation;
	struct incarnation_config config;
};

static struct feed_id own_feed(const struct scene *scene)
{
	return (struct feed_id){scene->old->site, 1, 0};
}

static void delta_give(struct bed *bed, struct node *to,
		       const struct sent *sent)
{
	struct feed_id id = {sent->delta.header.site, sent->delta.header.epoch,
			     0};
	enum admission verdict;

	assert_code(feed_admit(to->desk, to->t.txn, id, &sent->delta, &verdict,
			       &bed->err),
		    ERR_OK);
	assert_string_equal(admission_name(verdict), "applied");
	feed_desk_committed(to->desk);
}

/* The life that HQ heard of, and the box does not remember. */
static void lost_life_tell(struct scene *scene)
{
	struct feeds keys = {.now_ms = 0};
	static struct sent sent;
	struct node life;

	memcpy(keys.net_id, scene->bed->net_id, NET_ID_SIZE);
	node_open(&life, &keys);
	node_send(&scene->old->node, own_feed(scene), 1, &sent);
	delta_give(scene->bed, &life, &sent);
	for (int i = 0; i < LOST; i++)
		bed_receive(scene->bed, &life, scene->old->site, 2);
	for (uint64_t seq = 1; seq <= HELD; seq++) {
		node_send(&life, own_feed(scene), seq, &sent);
		delta_give(scene->bed, &scene->hq->node, &sent);
	}
	node_close(&life);
	box_restart(scene->hq, &small);
}

static void scene_begin(struct scene *scene)
{
	struct exchange_config config = {.site = scene->old->site,
					 .boot = 7,
					 .desk = scene->old->node.desk};
	struct bed *bed = scene->bed;

	exchange_close(scene->exchange);
	assert_done(incarnation_begin(&scene->incarnation, &scene->config,
				      node_view(&scene->old->node), &bed->err),
		    &bed->err);
	memcpy(config.net_id, bed->net_id, NET_ID_SIZE);
	config.verdict = incarnation_verdict(&scene->incarnation);
	assert_done(exchange_open(&config, &scene->exchange, &bed->err),
		    &bed->err);
}

static struct scene *scene_of(enum guard_verdict verdict, uint32_t old)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	scene->bed = bed_open(2, 3, test_seed(77), &small);
	scene->hq = &scene->bed->boxes[0];
	scene->old = &scene->bed->boxes[old];
	scene->config.site = scene->old->site;
	scene->config.memory.verdict = verdict;
	scene_begin(scene);
	return scene;
}

static struct scene *scene_open(enum guard_verdict verdict)
{
	return scene_of(verdict, 1);
}

static void scene_close(struct scene *scene)
{
	exchange_close(scene->exchange);
	bed_close(scene->bed);
	free(scene);
}

/* One turn, with the links as the box has them. */
static enum incarnation_phase turn(struct scene *scene)
{
	struct incarnation_now now = {
		.ms = scene->bed->ms,
		.links = scene->old->is_up ? EXCHANGE_UP : EXCHANGE_ALONE,
		.self = {.epoch = 1,
			 .signer = scene->bed->sites[scene->old->site -
						     SITE_FIRST]}};

	return incarnation_look(&scene->incarnation, scene->exchange,
				scene->old->sync, &now);
}

/* Turns, a second apart, until the writer is due or @most has passed. Returns
 * how long that was. */
static uint64_t live(struct scene *scene, uint64_t most)
{
	uint64_t begin = scene->bed->ms;

	while (turn(scene) != INCARNATION_DUE && scene->bed->ms - begin < most)
		bed_run(scene->bed, SECOND_MS);
	return scene->bed->ms - begin;
}

/* The clock goes on, and nobody says anything. */
static void idle(struct scene *scene, uint64_t ms)
{
	scene->bed->ms += ms;
}

/* ---- how long it waits ---- */

static void what_was_never_set_back_only_watches(void **state)
{
	struct scene *scene = scene_open(GUARD_SAME);

	(void)state;
	bed_links(scene->bed, true);
	(void)live(scene, 20 * MINUTE_MS);
	assert_int_equal(turn(scene), INCARNATION_WATCHING);
	assert_int_equal(box_seq(scene->old, scene->old->site), 1);
	scene_close(scene);
}

static void when_peers_gave_all_and_are_quiet_it_is_due(void **state)
{
	struct scene *scene = scene_open(GUARD_ROLLBACK);
	uint64_t grew = 0;
	uint64_t seq = 1;
	uint64_t begin;

	(void)state;
	lost_life_tell(scene);
	bed_links(scene->bed, true);
	begin = scene->bed->ms;
	while (turn(scene) != INCARNATION_DUE &&
	       scene->bed->ms - begin < HOUR_MS) {
		assert_int_equal(turn(scene), INCARNATION_FETCHING);
		bed_run(scene->bed, SECOND_MS);
		if (box_seq(scene->old, scene->old->site) != seq)
			grew = scene->bed->ms;
		seq = box_seq(scene->old, scene->old->site);
	}
	assert_int_equal(turn(scene), INCARNATION_DUE);
	assert_int_equal(seq, HELD);
	assert_in_range(scene->bed->ms - grew, INCARNATION_QUIET_MS,
			INCARNATION_QUIET_MS + 2 * SECOND_MS);
	assert_in_range(scene->bed->ms - begin, INCARNATION_QUIET_MS,
			INCARNATION_FETCH_MS_MAX - 1);
	scene_close(scene);
}

/* Method: box 0 hears, and what it says is lost. */
static void with_peers_that_are_silent_it_waits_ten_minutes(void **state)
{
	struct scene *scene = scene_open(GUARD_ROLLBACK);

	(void)state;
	scene->hq->is_mute = true;
	bed_links(scene->bed, true);
	assert_in_range(live(scene, HOUR_MS), INCARNATION_FETCH_MS_MAX,
			INCARNATION_FETCH_MS_MAX + 2 * SECOND_MS);
	assert_int_equal(turn(scene), INCARNATION_DUE);
	scene_close(scene);
}

/* Somebody offers what never comes. Method: the box admits nothing. */
static void
what_is_offered_and_does_not_come_holds_it_up_no_longer(void **state)
{
	struct scene *scene = scene_open(GUARD_ROLLBACK);

	(void)state;
	lost_life_tell(scene);
	scene->old->is_stuck = true;
	bed_links(scene->bed, true);
	assert_in_range(live(scene, HOUR_MS), INCARNATION_FETCH_MS_MAX,
			INCARNATION_FETCH_MS_MAX + 2 * SECOND_MS);
	assert_int_equal(box_seq(scene->old, scene->old->site), 1);
	scene_close(scene);
}

static void
without_a_link_it_waits_a_day_and_without_links_ten_minutes(void **state)
{
	struct scene *scene = scene_open(GUARD_ROLLBACK);

	(void)state;
	assert_int_equal(turn(scene), INCARNATION_FETCHING);
	idle(scene, INCARNATION_ALONE_MS - 1);
	assert_int_equal(turn(scene), INCARNATION_FETCHING);
	idle(scene, 1);
	assert_int_equal(turn(scene), INCARNATION_DUE);
	scene->config.has_no_links = true;
	scene_begin(scene);
	assert_int_equal(turn(scene), INCARNATION_FETCHING);
	idle(scene, INCARNATION_FETCH_MS_MAX - 1);
	assert_int_equal(turn(scene), INCARNATION_FETCHING);
	idle(scene, 1);
	assert_int_equal(turn(scene), INCARNATION_DUE);
	scene_close(scene);
}

/* A link that is up for five minutes of each ten, to a broker where nobody
 * answers: neither ten minutes with a link nor a day without one ever pass. */
static void
a_link_that_comes_and_goes_holds_it_up_for_a_day_at_most(void **state)
{
	struct scene *scene = scene_open(GUARD_ROLLBACK);
	uint64_t begin = scene->bed->ms;
	size_t flaps = 0;

	(void)state;
	scene->hq->is_mute = true;
	while (turn(scene) != INCARNATION_DUE &&
	       scene->bed->ms - begin < 2 * (uint64_t)INCARNATION_ALONE_MS) {
		box_link(scene->old, flaps++ % 2 == 0);
		(void)turn(scene);
		idle(scene, 5 * MINUTE_MS);
	}
	assert_in_range(scene->bed->ms - begin, INCARNATION_ALONE_MS,
			INCARNATION_ALONE_MS + 10 * MINUTE_MS);
	assert_true(flaps > 200);
	scene_close(scene);
}

#define WORDS 5 /* of HQ, of which it remembers the first two */

/* What HQ said in control, and only box 1 has heard. */
static void lost_words_tell(struct scene *scene)
{
	struct feed_id control = {SITE_CONTROL, 1, 0};
	struct bed *bed = scene->bed;
	struct feeds keys = {.now_ms = 0};
	static struct sent sent;
	struct node life;

	memcpy(keys.net_id, bed->net_id, NET_ID_SIZE);
	node_open(&life, &keys);
	for (uint64_t seq = 1; seq <= 2; seq++) {
		node_send(&scene->old->node, control, seq, &sent);
		delta_give(bed, &life, &sent);
	}
	for (uint64_t seq = 3; seq <= WORDS; seq++)
		bed_certify(bed, &life, SITE_FIRST, SITE_FIRST);
	for (uint64_t seq = 1; seq <= WORDS; seq++) {
		node_send(&life, control, seq, &sent);
		delta_give(bed, &bed->boxes[1].node, &sent);
	}
	node_close(&life);
	box_restart(&bed->boxes[1], &small);
}

/* Else each peer that shows more of them later would set it back again. */
static void an_hq_waits_for_what_it_said_as_well(void **state)
{
	struct scene *scene = scene_of(GUARD_ROLLBACK, 0);

	(void)state;
	lost_words_tell(scene);
	scene->old->is_stuck = true;
	bed_links(scene->bed, true);
	assert_in_range(live(scene, 3 * MINUTE_MS), 3 * MINUTE_MS,
			4 * MINUTE_MS);
	assert_int_equal(box_seq(scene->old, SITE_CONTROL), 2);
	scene->old->is_stuck = false;
	assert_in_range(live(scene, HOUR_MS), INCARNATION_QUIET_MS,
			INCARNATION_FETCH_MS_MAX);
	assert_int_equal(box_seq(scene->old, SITE_CONTROL), WORDS);
	scene_close(scene);
}

/* ---- a try that failed ---- */

static void after_a_try_that_failed_the_writer_is_left_in_peace(void **state)
{
	struct scene *scene = scene_open(GUARD_ROLLBACK);
	struct incarnation_result result = {.epoch = 99};

	(void)state;
	assert_int_equal(turn(scene), INCARNATION_FETCHING);
	idle(scene, INCARNATION_ALONE_MS);
	assert_int_equal(turn(scene), INCARNATION_DUE);
	/* incarnation_run came to nothing. */
	assert_false(incarnation_finish(&scene->incarnation, scene->exchange,
					scene->old->sync, scene->bed->ms,
					&result));
	assert_int_equal(result.epoch, 99);
	assert_true(exchange_was_set_back(scene->exchange));
	assert_int_equal(turn(scene), INCARNATION_FETCHING);
	idle(scene, INCARNATION_RETRY_MS - 1);
	assert_int_equal(turn(scene), INCARNATION_FETCHING);
	idle(scene, 1);
	assert_int_equal(turn(scene), INCARNATION_DUE);
	scene_close(scene);
}

/* ---- what peers show ---- */

static struct sync_finding finding_of(uint32_t site, uint32_t epoch)
{
	return (struct sync_finding){
		.kind = SYNC_FOUND_SELF, .feed = {site, epoch, 0}, .seq = 5};
}

/* Method: each finding at a box whose guard fits, and at one whose does not. */
static void only_a_later_life_of_a_sound_box_is_a_twin(void **state)
{
	struct scene *scene = scene_open(GUARD_SAME);
	struct incarnation *incarnation = &scene->incarnation;
	uint32_t site = scene->old->site;
	struct sync_finding finding = finding_of(site, 3);
	const enum guard_verdict others[] = {GUARD_ROLLBACK, GUARD_MISSING,
					     GUARD_MOVED, GUARD_FOREIGN};

	(void)state;
	finding.feed.epoch = 4; /* our own epoch: we were set back */
	assert_true(incarnation_found(incarnation, 4, &finding));
	finding.feed.epoch = 3; /* an earlier one: likewise */
	assert_true(incarnation_found(incarnation, 4, &finding));
	finding = finding_of(SITE_CONTROL, 9); /* HQ's word, not a life */
	assert_true(incarnation_found(incarnation, 4, &finding));
	finding = finding_of(site, 5);
	finding.kind = SYNC_FOUND_FORK;
	assert_true(incarnation_found(incarnation, 4, &finding));
	assert_false(incarnation_has_twin(incarnation));
	finding.kind = SYNC_FOUND_SELF;
	assert_false(incarnation_found(incarnation, 4, &finding));
	assert_true(incarnation_has_twin(incarnation));
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		scene->config.memory.verdict = others[i];
		scene_begin(scene);
		assert_true(incarnation_found(incarnation, 4, &finding));
		assert_false(incarnation_has_twin(incarnation));
	}
	scene_close(scene);
}

static bool is_provisional(struct scene *scene)
{
	bool is = false;

	assert_done(incarnation_is_provisional(&scene->incarnation,
					       scene->exchange,
					       node_view(&scene->old->node),
					       &is, &scene->bed->err),
		    &scene->bed->err);
	return is;
}

/* Method: one thing at a time speaks against a box that is certified. */
static void nothing_is_promised_while_it_is_not_sure_who_goes_on(void **state)
{
	struct scene *scene = scene_open(GUARD_SAME);
	struct sync_finding finding = finding_of(scene->old->site, 9);

	(void)state;
	assert_true(is_provisional(scene)); /* no certificate is here yet */
	bed_links(scene->bed, true);
	(void)bed_settle(scene->bed, 5 * MINUTE_MS);
	assert_false(is_provisional(scene));
	assert_false(incarnation_found(&scene->incarnation, 1, &finding));
	assert_true(is_provisional(scene)); /* a twin */
	scene->config.memory.verdict = GUARD_MISSING;
	scene_begin(scene);
	assert_true(is_provisional(scene)); /* it has not listened */
	scene->config.memory.verdict = GUARD_SAME;
	scene_begin(scene);
	assert_false(is_provisional(scene));
	finding.feed.epoch = 1;
	assert_true(incarnation_found(&scene->incarnation, 1, &finding));
	exchange_found(scene->exchange, &finding);
	assert_true(is_provisional(scene)); /* set back */
	scene_close(scene);
}

static void
a_store_from_a_backup_is_set_back_whatever_its_guard_says(void **state)
{
	struct scene *scene = scene_open(GUARD_SAME);

	(void)state;
	assert_done(site_restored_put(scene->old->node.t.txn, true,
				      &scene->bed->err),
		    &scene->bed->err);
	scene_begin(scene);
	assert_int_equal(incarnation_verdict(&scene->incarnation),
			 GUARD_ROLLBACK);
	assert_int_equal(turn(scene), INCARNATION_FETCHING);
	scene_close(scene);
}

/* ---- epochs ---- */

static void an_epoch_is_drawn_beyond_and_never_past_the_last(void **state)
{
	size_t drawn = 0;

	(void)state;
	assert_int_equal(incarnation_epoch(1, 0), 2);
	assert_int_equal(incarnation_epoch(1, INCARNATION_EPOCHS - 1),
			 1 + INCARNATION_EPOCHS);
	assert_int_equal(incarnation_epoch(1, INCARNATION_EPOCHS), 2);
	assert_int_equal(incarnation_epoch(EPOCH_MAX, UINT64_MAX), EPOCH_MAX);
	assert_int_equal(incarnation_epoch(EPOCH_MAX - 1, 0), EPOCH_MAX);
	for (uint64_t random = 0; random < 3 * INCARNATION_EPOCHS; random++) {
		assert_in_range(incarnation_epoch(40, random), 41,
				40 + INCARNATION_EPOCHS);
		drawn++;
	}
	assert_int_equal(drawn, 3 * INCARNATION_EPOCHS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_never_set_back_only_watches),
		cmocka_unit_test(when_peers_gave_all_and_are_quiet_it_is_due),
		cmocka_unit_test(
			with_peers_that_are_silent_it_waits_ten_minutes),
		cmocka_unit_test(
			what_is_offered_and_does_not_come_holds_it_up_no_longer),
		cmocka_unit_test(
			without_a_link_it_waits_a_day_and_without_links_ten_minutes),
		cmocka_unit_test(
			a_link_that_comes_and_goes_holds_it_up_for_a_day_at_most),
		cmocka_unit_test(an_hq_waits_for_what_it_said_as_well),
		cmocka_unit_test(
			after_a_try_that_failed_the_writer_is_left_in_peace),
		cmocka_unit_test(only_a_later_life_of_a_sound_box_is_a_twin),
		cmocka_unit_test(
			nothing_is_promised_while_it_is_not_sure_who_goes_on),
		cmocka_unit_test(
			a_store_from_a_backup_is_set_back_whatever_its_guard_says),
		cmocka_unit_test(
			an_epoch_is_drawn_beyond_and_never_past_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
