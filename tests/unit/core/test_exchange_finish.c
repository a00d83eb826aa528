/*
 * A turn of the exchange when the store cannot be read: every pack of the turn
 * gives its place back, and is offered again; where only one feed is damaged,
 * its pack alone has to wait.
 */
#include "gateway/core/exchange.h"

#include "tests/support/peers.h"

#define MINUTE_MS 60000
#define PACKS 3

static const struct sync_config small = {
	.feeds_max = 16, .peers_max = 8, .waiting_max = 32};

static struct exchange *exchange_of(const struct box *box)
{
	struct exchange_config config = {.site = box->site,
					 .boot = 1,
					 .desk = box->node.desk,
					 .verdict = GUARD_SAME};
	struct exchange *exchange;

	memcpy(config.net_id, box->bed->net_id, NET_ID_SIZE);
	assert_code(exchange_open(&config, &exchange, NULL), ERR_OK);
	return exchange;
}

/* A turn of the box's engine, in which nothing is admitted. */
static void tick(struct box *box)
{
	struct bed *bed = box->bed;
	struct sync_step step;

	bed->ms += 1000;
	step = box_step(box);
	assert_done(sync_tick(box->sync, &step, &bed->err), &bed->err);
}

/* News of three sites lie with the box, and are offered for admission. */
static void packs_gather(struct bed *bed)
{
	struct box *box = &bed->boxes[1];

	box->is_stuck = true;
	for (uint32_t site = 0; site < PACKS; site++)
		bed_receive(bed, &bed->boxes[0].node, SITE_FIRST + 2 + site, 1);
	box_receive(&bed->boxes[0], 1);
	for (int i = 0; i < 600 && box_counts(box).waiting < PACKS; i++)
		bed_run(bed, 1000);
	box->is_stuck = false;
	tick(box);
	assert_in_range(box->admit_count, PACKS, EXCHANGE_PACKS_MAX);
}

/* A record of a feed that nobody can read. */
static void damage_set(struct box *box, bool is_there)
{
	static const uint8_t key[] = {'f', 0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 1,
				      0,   0,    0,    0,    0,    0, 0, 0};
	struct span at = {(const char *)key, sizeof(key)};
	struct txn *txn = box->node.t.txn;

	if (is_there)
		assert_code(txn_put(txn, TABLE_FEED, at, SPAN_LITERAL("no row"),
				    NULL),
			    ERR_OK);
	else
		assert_code(txn_delete(txn, TABLE_FEED, at, NULL), ERR_OK);
}

/* What the exchange is given is what the engine offered. */
static size_t packs_give(struct box *box, struct exchange *exchange)
{
	size_t offered = box->admit_count;

	for (; box->admit_count > 0; box->admit_count--)
		assert_true(exchange_admit(exchange,
					   &box->admits[box->admit_count - 1]));
	return offered;
}

static struct bed *gathered(uint64_t seed)
{
	struct bed *bed = bed_open(2, 2 + PACKS, test_seed(seed), &small);

	for (uint32_t site = 0; site < PACKS; site++)
		bed_found(bed, &bed->boxes[0].node, SITE_FIRST + 2 + site);
	bed_links(bed, true);
	(void)bed_settle(bed, 2 * MINUTE_MS);
	packs_gather(bed);
	return bed;
}

/* Method: several packs are judged; then a record of a feed is damaged, so that
 * telling the engine what became of them fails; then it is mended. */
static void a_store_that_fails_at_the_end_of_a_turn_costs_no_place(void **s)
{
	struct bed *bed = gathered(1);
	struct box *box = &bed->boxes[1];
	struct exchange *exchange = exchange_of(box);
	struct exchange_now now = {.ms = 1, .links = EXCHANGE_UP};
	struct sync_step step;
	size_t offered;
	bool is_due = false;

	(void)s;
	offered = packs_give(box, exchange);
	assert_code(exchange_prepare(exchange, node_view(&box->node), &now,
				     &is_due, NULL),
		    ERR_OK);
	assert_true(is_due);

	damage_set(box, true);
	step = box_step(box);
	assert_code(exchange_finish(exchange, true, box->sync, &step, NULL),
		    ERR_CORRUPT);
	damage_set(box, false);
	tick(box);
	assert_int_equal(box->admit_count, offered);

	box_work(box);
	(void)bed_settle(bed, 2 * MINUTE_MS);
	assert_true(bed_is_equal(bed));
	assert_int_equal(box_counts(box).waiting, 0);
	exchange_close(exchange);
	bed_close(bed);
}

/* A delta comes past the engine, as from a stick. */
static void delta_carry(struct bed *bed, struct feed_id id, uint64_t seq)
{
	struct node *to = &bed->boxes[1].node;
	enum admission admission;
	struct delta delta;

	assert_done(feed_delta(node_view(&bed->boxes[0].node), id, seq, &delta,
			       &bed->err),
		    &bed->err);
	assert_done(feed_admit(to->desk, to->t.txn, id, &delta, &admission,
			       &bed->err),
		    &bed->err);
	assert_int_equal(admission, ADMISSION_APPLIED);
}

static void delta_damage(struct box *box, struct feed_id id, uint64_t seq)
{
	const uint8_t key[] = {0, 0, 0, (uint8_t)id.site,
			       0, 0, 0, (uint8_t)id.epoch,
			       0, 0, 0, 0,
			       0, 0, 0, 0,
			       0, 0, 0, 0,
			       0, 0, 0, (uint8_t)seq};

	assert_code(txn_put(box->node.t.txn, TABLE_DELTA,
			    (struct span){(const char *)key, sizeof(key)},
			    SPAN_LITERAL("no row"), NULL),
		    ERR_OK);
}

/* Method: a stick has brought the delta of one pack, and the one behind it,
 * which is damaged then: nobody can tell whether the pack has the same. */
static void a_feed_that_cannot_be_judged_holds_up_no_other_pack(void **s)
{
	struct bed *bed = gathered(2);
	struct box *box = &bed->boxes[1];
	struct feed_id damaged = {SITE_FIRST + 2, 1, 0};
	struct exchange *exchange = exchange_of(box);
	struct exchange_now now = {.ms = 1, .links = EXCHANGE_UP};
	struct sync_step step;
	size_t offered = packs_give(box, exchange);
	bool is_due = false;

	(void)s;
	bed_receive(bed, &bed->boxes[0].node, damaged.site, 1);
	delta_carry(bed, damaged, 2);
	delta_carry(bed, damaged, 3);
	delta_damage(box, damaged, 3);
	assert_done(exchange_prepare(exchange, node_view(&box->node), &now,
				     &is_due, &bed->err),
		    &bed->err);
	assert_true(is_due);
	step = box_step(box);
	assert_done(exchange_finish(exchange, false, box->sync, &step,
				    &bed->err),
		    &bed->err);
	assert_int_equal(box_counts(box).reads_failed, 1);
	assert_int_equal(box->admit_count, offered - 1);
	for (size_t i = 0; i < box->admit_count; i++)
		assert_true(box->admits[i].pack.feed.site != damaged.site);
	exchange_close(exchange);
	bed_close(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_feed_that_cannot_be_judged_holds_up_no_other_pack),
		cmocka_unit_test(
			a_store_that_fails_at_the_end_of_a_turn_costs_no_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
