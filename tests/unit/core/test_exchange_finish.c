/*
 * The end of a turn of the exchange when the store cannot be read: every pack
 * of the turn gives its place back, and is offered again.
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

/* Method: several packs are judged; then a record of a feed is damaged, so that
 * telling the engine what became of them fails; then it is mended. */
static void a_store_that_fails_at_the_end_of_a_turn_costs_no_place(void **s)
{
	struct bed *bed = bed_open(2, 2 + PACKS, test_seed(1), &small);
	struct box *box = &bed->boxes[1];
	struct exchange *exchange = exchange_of(box);
	struct exchange_now now = {.ms = 1, .links = EXCHANGE_UP};
	struct sync_step step;
	size_t offered;
	bool is_due = false;

	(void)s;
	for (uint32_t site = 0; site < PACKS; site++)
		bed_found(bed, &bed->boxes[0].node, SITE_FIRST + 2 + site);
	bed_links(bed, true);
	(void)bed_settle(bed, 2 * MINUTE_MS);
	packs_gather(bed);
	offered = box->admit_count;
	for (; box->admit_count > 0; box->admit_count--)
		assert_true(exchange_admit(exchange,
					   &box->admits[box->admit_count - 1]));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_store_that_fails_at_the_end_of_a_turn_costs_no_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
