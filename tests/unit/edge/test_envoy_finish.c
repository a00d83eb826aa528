/*
 * The end of a turn of the exchange while the store cannot be read: it is put
 * off until it can be, and the next turn begins after that.
 */
#include "tests/support/check.h"

#include <fcntl.h>
#include <unistd.h>

#include "gateway/edge/envoy_parts.h"
#include "tests/support/warehouse.h"

struct bed {
	struct warehouse w;
	struct clock clock;
	struct feed_desk *desk;
	struct view *views[ENV_VIEWS_MAX];
	size_t view_count;
	struct envoy envoy;
};

static bool nothing_is_sent(void *context, const struct sync_out *out)
{
	(void)context;
	(void)out;
	return false;
}

static bool nothing_is_admitted(void *context, const struct sync_admit *admit)
{
	(void)context;
	(void)admit;
	return false;
}

static bool nothing_is_kept(void *context, const struct peer_row *row)
{
	(void)context;
	(void)row;
	return false;
}

static void nothing_is_found(void *context, const struct sync_finding *finding)
{
	(void)context;
	(void)finding;
}

static struct view *view_of(struct bed *bed)
{
	struct view *view;

	assert_done(view_begin(ledger_env(bed->w.ledger), &view, &bed->w.err),
		    &bed->w.err);
	return view;
}

static void sync_begin(struct bed *bed, const struct founding *identity)
{
	struct sync_config config = {.site = SITE_FIRST,
				     .name = identity->site,
				     .boot = 1,
				     .seed = 1};
	struct sync_port port = {bed, nothing_is_sent, nothing_is_admitted,
				 nothing_is_kept, nothing_is_found};
	struct view *view = view_of(bed);

	memcpy(config.net_id, identity->net_id, NET_ID_SIZE);
	assert_done(sync_open(&config, &port, view, &bed->envoy.sync,
			      &bed->w.err),
		    &bed->w.err);
	view_end(view);
}

/* As much of an envoy as a turn needs; the test is its keeper. */
static struct bed *bed_open(void)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct exchange_config exchange = {
		.site = SITE_FIRST, .boot = 1, .verdict = GUARD_SAME};
	struct log_config log = {.identifier = "test",
				 .level_max = LEVEL_ERROR,
				 .queue_lines = 64,
				 .fd = open("/dev/null", O_WRONLY)};
	const struct founding *identity;

	assert_non_null(bed);
	assert_true(log.fd >= 0);
	warehouse_open(&bed->w);
	identity = ledger_identity(bed->w.ledger);
	clock_init(&bed->clock, NULL, NULL);
	log.clock = &bed->clock;
	bed->envoy.config.ledger = bed->w.ledger;
	bed->envoy.config.clock = &bed->clock;
	bed->envoy.config.site = SITE_FIRST;
	assert_done(log_open(&log, &bed->envoy.config.log, &bed->w.err),
		    &bed->w.err);
	assert_done(feed_desk_open(identity->net_id, &bed->desk, &bed->w.err),
		    &bed->w.err);
	exchange.desk = bed->desk;
	memcpy(exchange.net_id, identity->net_id, NET_ID_SIZE);
	assert_done(exchange_open(&exchange, &bed->envoy.exchange, &bed->w.err),
		    &bed->w.err);
	sync_begin(bed, identity);
	assert_int_equal(pthread_mutex_init(&bed->envoy.mutex, NULL), 0);
	return bed;
}

static void bed_close(struct bed *bed)
{
	sync_close(bed->envoy.sync);
	exchange_close(bed->envoy.exchange);
	feed_desk_close(bed->desk);
	log_close(bed->envoy.config.log);
	(void)pthread_mutex_destroy(&bed->envoy.mutex);
	warehouse_close(&bed->w);
	free(bed);
}

static void views_take(struct bed *bed)
{
	struct env *env = ledger_env(bed->w.ledger);

	while (bed->view_count < ENV_VIEWS_MAX &&
	       view_begin(env, &bed->views[bed->view_count], NULL) == ERR_OK)
		bed->view_count++;
	assert_in_range(bed->view_count, 1, ENV_VIEWS_MAX);
}

static void views_give(struct bed *bed)
{
	while (bed->view_count > 0)
		view_end(bed->views[--bed->view_count]);
}

/* A turn with a pack that is none: it is judged, and waits for its finish. */
static void turn_prepare(struct bed *bed)
{
	static const char garbage[] = "no pack";
	struct sync_admit admit = {.ticket = 7,
				   .pack = {.feed = {SITE_FIRST + 1, 1, 0},
					    .first_seq = 1,
					    .count = 1},
				   .bytes = SPAN_LITERAL(garbage)};
	struct exchange_now now = {.ms = 1};
	struct view *view = view_of(bed);
	bool is_due = false;

	assert_true(exchange_admit(bed->envoy.exchange, &admit));
	assert_done(exchange_prepare(bed->envoy.exchange, view, &now, &is_due,
				     &bed->w.err),
		    &bed->w.err);
	view_end(view);
	assert_true(is_due);
}

/* Method: all views are taken when the job is back, committed or not, and
 * given back later; then another turn begins, which asserts that the one
 * before is over. */
static void a_turn_that_could_not_end_ends_before_the_next(void **state)
{
	struct bed *bed = bed_open();
	uint32_t put_off = 0;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		turn_prepare(bed);
		views_take(bed);
		envoy_ended(&bed->envoy, i % 2 == 0);
		put_off += bed->envoy.is_unfinished;
		assert_false(envoy_finish(&bed->envoy));
		views_give(bed);
		assert_true(envoy_finish(&bed->envoy));
		assert_false(bed->envoy.is_unfinished);
		assert_true(envoy_finish(&bed->envoy));
	}
	assert_int_equal(put_off, 4);
	turn_prepare(bed);
	envoy_ended(&bed->envoy, false);
	assert_false(bed->envoy.is_unfinished);
	bed_close(bed);
}

/* Method: the three states that a job goes through, whatever happens in them
 * (a stick is read, say): out, back but its turn not over, over. */
static void an_event_is_early_until_the_guard_was_kept(void **state)
{
	struct bed *bed = bed_open();
	struct view *view = view_of(bed);

	(void)state;
	assert_false(envoy_step(&bed->envoy, view).is_early);
	view_end(view);
	turn_prepare(bed);
	bed->envoy.is_job_out = true;
	view = view_of(bed);
	assert_true(envoy_step(&bed->envoy, view).is_early);
	assert_ptr_equal(envoy_step(&bed->envoy, view).view, view);
	view_end(view);
	bed->envoy.is_job_out = false;
	views_take(bed);
	envoy_ended(&bed->envoy, true);
	assert_true(envoy_step(&bed->envoy, bed->views[0]).is_early);
	views_give(bed);
	assert_true(envoy_finish(&bed->envoy));
	view = view_of(bed);
	assert_false(envoy_step(&bed->envoy, view).is_early);
	view_end(view);
	bed_close(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_turn_that_could_not_end_ends_before_the_next),
		cmocka_unit_test(an_event_is_early_until_the_guard_was_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
