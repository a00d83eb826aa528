/*
 * What a link brings and is refused is evidence: it is kept in the store, and a
 * flood of it is no flood of writes.
 *
 * Method: an exchange that is given packs which nobody could read, turn by
 * turn, and a store whose kept refusals are summed up after each.
 */
#include "gateway/core/exchange.h"

#include "tests/support/set_back.h"

#define SECOND_MS 1000
#define MINUTE_MS (60 * SECOND_MS)
#define OTHER (SITE_FIRST + 7)
#define PACKS 4            /* a turn */
#define STRANGE_TICKET 999 /* beyond waiting_max */

static bool no_send(void *context, const struct sync_out *out)
{
	(void)context;
	(void)out;
	return false;
}

static bool no_admit(void *context, const struct sync_admit *admit)
{
	(void)context;
	(void)admit;
	return false;
}

static bool no_keep(void *context, const struct peer_row *row)
{
	(void)context;
	(void)row;
	return false;
}

static void no_finding(void *context, const struct sync_finding *finding)
{
	(void)context;
	(void)finding;
}

struct scene {
	struct bed *bed;
	struct exchange *exchange;
	struct sync *sync;
	uint64_t given;
	uint64_t writes; /* turns that changed what is kept */
	bool is_tight;
};

static void scene_open(struct bed *bed, struct scene *scene)
{
	struct exchange_config config = {.site = SITE,
					 .boot = 1,
					 .desk = bed->desk,
					 .verdict = GUARD_SAME,
					 .has_no_links = true};
	struct sync_config sync = {
		.site = SITE, .boot = 1, .seed = 1, .waiting_max = 16};
	struct sync_port port = {NULL, no_send, no_admit, no_keep, no_finding};
	struct view *view = look(bed);

	*scene = (struct scene){.bed = bed};
	memcpy(config.net_id, ledger_identity(bed->w.ledger)->net_id,
	       NET_ID_SIZE);
	memcpy(sync.net_id, config.net_id, NET_ID_SIZE);
	assert_true(name_set(&sync.name, SPAN_LITERAL("hz-01")));
	assert_done(exchange_open(&config, &scene->exchange, &bed->w.err),
		    &bed->w.err);
	assert_done(sync_open(&sync, &port, view, &scene->sync, &bed->w.err),
		    &bed->w.err);
	view_end(view);
}

static void scene_close(struct scene *scene)
{
	sync_close(scene->sync);
	exchange_close(scene->exchange);
}

static void give(struct scene *scene, uint32_t site, uint64_t seq)
{
	struct sync_admit admit = {
		.ticket = STRANGE_TICKET,
		.pack = {.feed = {site, 1, 0}, .first_seq = seq, .count = 1},
		.bytes = SPAN_LITERAL("this is no pack"),
	};

	assert_true(exchange_admit(scene->exchange, &admit));
	scene->given++;
}

struct kept {
	uint64_t rows;
	uint64_t count;
	uint64_t other; /* of OTHER, garbled */
	uint64_t last_seq;
};

static enum err_code kept_sum(void *context, const struct feed_refusal *refusal,
			      struct err *err)
{
	struct kept *kept = context;

	(void)err;
	assert_int_equal(refusal->admission, ADMISSION_GARBLED);
	kept->rows++;
	kept->count += refusal->count;
	if (refusal->site == OTHER) {
		kept->other = refusal->count;
		kept->last_seq = refusal->last_seq;
	}
	return ERR_OK;
}

static struct kept kept_now(struct scene *scene)
{
	struct view *view = look(scene->bed);
	struct kept kept = {.rows = 0};

	assert_done(feed_refusal_walk(view, kept_sum, &kept,
				      &scene->bed->w.err),
		    &scene->bed->w.err);
	view_end(view);
	return kept;
}

static void turn(struct scene *scene, uint64_t ms)
{
	struct exchange_now now = {
		.ms = ms, .links = EXCHANGE_UP, .is_tight = scene->is_tight};
	struct sync_step step = {.now = {.ms = ms}};
	struct warehouse *w = &scene->bed->w;
	uint64_t before = kept_now(scene).count;
	struct view *view = look(scene->bed);
	bool is_due;

	assert_done(exchange_prepare(scene->exchange, view, &now, &is_due,
				     &w->err),
		    &w->err);
	view_end(view);
	if (!is_due)
		return;
	warehouse_begin(w);
	assert_done(exchange_run(scene->exchange, w->batch, &w->err), &w->err);
	warehouse_commit(w);
	step.view = view = look(scene->bed);
	assert_done(exchange_finish(scene->exchange, true, scene->sync, &step,
				    &w->err),
		    &w->err);
	view_end(view);
	scene->writes += kept_now(scene).count != before;
}

/* Method: ten minutes of bad packs of one site, four a second. */
static void a_flood_of_one_site_is_one_row_and_a_write_a_minute(void **state)
{
	struct scene scene;
	struct kept kept;
	uint64_t ms = SECOND_MS;

	scene_open(*state, &scene);
	for (; ms <= 10 * MINUTE_MS; ms += SECOND_MS) {
		for (uint64_t i = 0; i < PACKS; i++)
			give(&scene, OTHER, ms + i);
		turn(&scene, ms);
	}
	assert_in_range(scene.writes, 10, 11);
	turn(&scene, ms + EXCHANGE_REFUSALS_MS);
	kept = kept_now(&scene);
	assert_int_equal(scene.given, 10 * 60 * PACKS);
	assert_int_equal(kept.rows, 1);
	assert_int_equal(kept.other, scene.given);
	assert_int_equal(kept.last_seq, 10 * MINUTE_MS + PACKS - 1);
	/* With nothing more refused, nothing more is written. */
	scene.writes = 0;
	turn(&scene, ms + 3 * EXCHANGE_REFUSALS_MS);
	assert_int_equal(scene.writes, 0);
	scene_close(&scene);
}

/* Method: each pack is of another site that nobody knows; the first is not. */
static void a_liar_who_makes_up_sites_is_counted_and_bounded(void **state)
{
	struct scene scene;
	struct kept kept;
	uint32_t site = OTHER + 1;
	uint64_t ms = SECOND_MS;

	scene_open(*state, &scene);
	give(&scene, OTHER, 1);
	for (; ms <= 20 * MINUTE_MS; ms += SECOND_MS) {
		give(&scene, site++, 1);
		turn(&scene, ms);
	}
	/* What there was no room for in that minute is of others. */
	turn(&scene, ms + EXCHANGE_REFUSALS_MS);
	give(&scene, OTHER, 2);
	turn(&scene, ms + 2 * EXCHANGE_REFUSALS_MS);
	turn(&scene, ms + 3 * EXCHANGE_REFUSALS_MS);
	kept = kept_now(&scene);
	assert_in_range(scene.writes, 20, 23);
	assert_int_equal(kept.count, scene.given);
	assert_int_equal(kept.other, 2);
	assert_int_equal(kept.last_seq, 2);
	assert_in_range(kept.rows, 100, FEED_REFUSALS_MAX + 1);
	scene_close(&scene);
}

/* Turns until all that was judged is kept. */
static struct kept judged(struct scene *scene, bool is_tight, uint64_t *ms)
{
	scene->is_tight = is_tight;
	*ms += EXCHANGE_REFUSALS_MS;
	turn(scene, *ms);
	*ms += EXCHANGE_REFUSALS_MS;
	turn(scene, *ms);
	return kept_now(scene);
}

/* A store with little room is for its own site's readings and HQ's words.
 * Method: what is judged is counted as refused. */
static void what_others_say_waits_for_room_and_hqs_words_do_not(void **state)
{
	struct scene scene;
	struct kept kept;
	uint64_t ms = SECOND_MS;

	scene_open(*state, &scene);
	give(&scene, OTHER, 1);
	give(&scene, SITE_CONTROL, 1);
	give(&scene, OTHER, 2);
	give(&scene, SITE_MASTER, 1);
	kept = judged(&scene, true, &ms);
	assert_int_equal(kept.other, 0);
	assert_int_equal(kept.count, 2);
	kept = judged(&scene, false, &ms);
	assert_int_equal(kept.other, 2);
	assert_int_equal(kept.last_seq, 2);
	assert_int_equal(kept.count, 4);
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_flood_of_one_site_is_one_row_and_a_write_a_minute),
		TEST(what_others_say_waits_for_room_and_hqs_words_do_not),
		TEST(a_liar_who_makes_up_sites_is_counted_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
