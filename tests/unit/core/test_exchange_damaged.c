/*
 * A feed whose deltas are damaged here is not admitted, and every other one is.
 *
 * Method: a real store in the place of another box, its peer engine and its
 * exchange; news come as a broker would bring them. The clock is the test's.
 */
#include "gateway/core/exchange.h"
#include "gateway/sync/frame.h"
#include "tests/support/replaced.h"

#define PEER "hz-03"

struct scene {
	struct bed *bed;
	struct sync *sync;
	struct exchange *exchange;
	uint64_t ms;
};

static bool never_send(void *context, const struct sync_out *out)
{
	(void)context;
	(void)out;
	return true;
}

static bool admit(void *context, const struct sync_admit *ticket)
{
	struct scene *scene = context;

	return exchange_admit(scene->exchange, ticket);
}

static bool never_keep(void *context, const struct peer_row *row)
{
	(void)context;
	(void)row;
	return true;
}

static void never_found(void *context, const struct sync_finding *finding)
{
	(void)context;
	(void)finding;
	fail_msg("nothing was to be found");
}

static void engine_begin(struct scene *scene, const struct view *view)
{
	struct bed *bed = scene->bed;
	struct exchange_config exchange = {
		.site = BEFORE, .desk = bed->desk, .verdict = GUARD_SAME};
	struct sync_config config = {.site = BEFORE, .boot = 5, .seed = 5};
	struct sync_port port = {scene, never_send, admit, never_keep,
				 never_found};
	struct sync_self self = {.epoch = NEW_EPOCH};

	memcpy(exchange.net_id, bed->feeds.net_id, NET_ID_SIZE);
	memcpy(config.net_id, bed->feeds.net_id, NET_ID_SIZE);
	assert_true(name_set(&config.name, SPAN_LITERAL("hz-04")));
	assert_done(exchange_open(&exchange, &scene->exchange, &bed->w.err),
		    &bed->w.err);
	assert_done(sync_open(&config, &port, view, &scene->sync, &bed->w.err),
		    &bed->w.err);
	sync_self_set(scene->sync, &self);
}

static struct sync_step step_of(struct scene *scene, const struct view *view)
{
	scene->ms += 1000;
	/* The authors' clock is another one. */
	return (struct sync_step){.now = {scene->ms, scene->bed->w.now, false},
				  .view = view};
}

static void link_up(struct scene *scene)
{
	struct sync_link change = {.is_up = true};
	struct view *view = bed_look(scene->bed);
	struct sync_step step = step_of(scene, view);

	assert_done(sync_link(scene->sync, &step, &change, &scene->bed->w.err),
		    &scene->bed->w.err);
	view_end(view);
}

/* The author's delta @seq of @site comes as news. */
static void news_come(struct scene *scene, uint32_t site, uint64_t seq)
{
	struct bed *bed = scene->bed;
	struct feed_id id = {site, 1, 0};
	static struct sent sent;
	static uint8_t bytes[SYNC_FRAME_SIZE_MAX];
	struct frame frame = {.type = FRAME_LIVE};
	struct sync_in in = {.plane = SYNC_PLANE_LIVE,
			     .from = SPAN_LITERAL(PEER)};
	struct view *view = bed_look(bed);
	struct sync_step step = step_of(scene, view);
	struct packer *packer;
	struct writer writer;
	uint32_t count;

	node_send(&bed->feeds.author, id, seq, &sent);
	writer_init(&writer, bytes, sizeof(bytes));
	frame_write(&writer, &frame);
	assert_done(packer_open(&packer, &bed->w.err), &bed->w.err);
	packer_begin(packer, id, PACK_PLAIN, PACK_SIZE_MIN);
	assert_code(packer_add(packer, &sent.delta), ERR_OK);
	assert_code(packer_end(packer, &writer, &count), ERR_OK);
	packer_close(packer);
	in.payload = (struct span){(const char *)bytes, writer.size};
	assert_done(sync_frame(scene->sync, &step, &in, &bed->w.err),
		    &bed->w.err);
	view_end(view);
}

/* As depotd's envoy does it. ERR_NOT_FOUND: there was nothing to do. */
static enum err_code turn(struct scene *scene)
{
	struct bed *bed = scene->bed;
	struct view *view = bed_look(bed);
	struct exchange_now now = {.ms = scene->ms, .links = EXCHANGE_UP};
	struct sync_step step;
	enum err_code code;
	bool is_due;

	assert_done(exchange_prepare(scene->exchange, view, &now, &is_due,
				     &bed->w.err),
		    &bed->w.err);
	view_end(view);
	if (!is_due)
		return ERR_NOT_FOUND;
	warehouse_begin(&bed->w);
	code = exchange_run(scene->exchange, bed->w.batch, &bed->w.err);
	if (code == ERR_OK) {
		warehouse_commit(&bed->w);
		feed_desk_committed(bed->desk);
	} else {
		batch_abandon(bed->w.batch);
		bed->w.batch = NULL;
		feed_desk_abandon(bed->desk);
	}
	view = bed_look(bed);
	step = step_of(scene, view);
	assert_done(exchange_finish(scene->exchange, code == ERR_OK,
				    scene->sync, &step, &bed->w.err),
		    &bed->w.err);
	view_end(view);
	return code;
}

/* Delta @seq of site @site's feed, which is no more than 255. */
static void delta_damage(struct bed *bed, uint32_t site, uint8_t seq)
{
	uint8_t key[24] = {
		[3] = (uint8_t)site, [7] = 1 /* epoch */, [23] = seq};
	struct txn *txn;

	assert_done(txn_begin(ledger_env(bed->w.ledger), &txn, &bed->w.err),
		    &bed->w.err);
	assert_code(txn_put(txn, TABLE_DELTA,
			    (struct span){(const char *)key, sizeof(key)},
			    SPAN_LITERAL("no row"), NULL),
		    ERR_OK);
	assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
	feed_desk_abandon(bed->desk);
}

static uint64_t seq_here(struct bed *bed, uint32_t site)
{
	struct view *view = bed_look(bed);
	struct feed_record feed = {.seq = 0};

	assert_code(feed_get(view, (struct feed_id){site, 1, 0}, &feed, NULL),
		    ERR_OK);
	view_end(view);
	return feed.seq;
}

/* Method: the first delta of a feed is damaged, without which no later one of
 * its segment can be read; its news comes first, and another site's with it. */
static void a_feed_that_cannot_be_admitted_holds_up_no_other_one(void **state)
{
	struct bed *bed = *state;
	struct scene scene = {.bed = bed, .ms = 1000};
	struct entry entry =
		move_of(MOVEMENT_RECEIVE, "TEA", 1, "supplier:acme", "DOCK");
	struct sync_counts counts;
	struct view *view;
	uint64_t seq;

	bed_hear_all(bed, SITE_FIRST, 1);
	before_moves(bed, MOVEMENT_RECEIVE, 5, "supplier:acme", "DOCK");
	bed_hear_all(bed, BEFORE, 1);
	seq = seq_here(bed, BEFORE);
	assert_true(seq > 1);
	(void)feeds_say(&bed->feeds, BEFORE, &entry);
	(void)feeds_say(&bed->feeds, SITE_FIRST, &entry);
	delta_damage(bed, BEFORE, 1);
	view = bed_look(bed);
	engine_begin(&scene, view);
	view_end(view);
	link_up(&scene);
	news_come(&scene, BEFORE, seq + 1);
	news_come(&scene, SITE_FIRST, 2);

	assert_code(turn(&scene), ERR_STOPPED);
	sync_counts(scene.sync, &counts);
	assert_int_equal(counts.reads_failed, 1);
	assert_int_equal(counts.waiting, 1);
	assert_code(turn(&scene), ERR_OK);
	assert_int_equal(seq_here(bed, SITE_FIRST), 2);
	assert_int_equal(seq_here(bed, BEFORE), seq);
	assert_code(turn(&scene), ERR_NOT_FOUND);
	sync_close(scene.sync);
	exchange_close(scene.exchange);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_feed_that_cannot_be_admitted_holds_up_no_other_one,
			bed_setup, bed_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
