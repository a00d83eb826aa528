/*
 * A site whose feed HQ has ended works on, and its exchange does not spin.
 */
#include "gateway/core/exchange.h"

#include "tests/support/set_back.h"

#define MANY 8

static void fence(struct bed *bed)
{
	struct guard guard = guard_now(bed);
	struct entry entry;
	struct txn *txn;

	entry_init(&entry, ENTRY_FENCE);
	entry.body.fence = (struct fence){.site = SITE,
					  .epoch = 1,
					  .seq = guard.seq,
					  .verdict = FENCE_ENDED};
	memcpy(entry.body.fence.hash, guard.hash, HASH_SIZE);
	assert_done(txn_begin(ledger_env(bed->w.ledger), &txn, &bed->w.err),
		    &bed->w.err);
	say(bed, txn, &entry);
	assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
}

static struct exchange *exchange_of(struct bed *bed)
{
	struct exchange_config config = {.site = SITE,
					 .boot = 1,
					 .desk = bed->desk,
					 .verdict = GUARD_SAME,
					 .has_no_links = true,
					 .gather_rows = MANY};
	struct exchange *exchange;

	memcpy(config.net_id, ledger_identity(bed->w.ledger)->net_id,
	       NET_ID_SIZE);
	assert_done(exchange_open(&config, &exchange, &bed->w.err),
		    &bed->w.err);
	exchange_signer_set(exchange, bed->signer);
	return exchange;
}

/* A turn at @ms; true if there was work for the writer. */
static bool turn(struct bed *bed, struct exchange *exchange, uint64_t ms)
{
	struct exchange_now now = {.ms = ms, .links = EXCHANGE_UP};
	struct view *view = look(bed);
	bool is_due;

	assert_done(feed_unsealed(view, SITE, &now.unsealed, &bed->w.err),
		    &bed->w.err);
	assert_in_range(now.unsealed, MANY, 2 * MANY);
	assert_done(exchange_prepare(exchange, view, &now, &is_due,
				     &bed->w.err),
		    &bed->w.err);
	view_end(view);
	if (!is_due)
		return false;
	warehouse_begin(&bed->w);
	assert_done(exchange_run(exchange, bed->w.batch, &bed->w.err),
		    &bed->w.err);
	warehouse_commit(&bed->w);
	assert_int_equal(exchange_sealed(exchange), 0);
	assert_done(exchange_finish(exchange, true, NULL, NULL, &bed->w.err),
		    &bed->w.err);
	return true;
}

/* Method: many entries wait, which is sealed at once elsewhere; turns each 10
 * ms for a minute. */
static void what_cannot_be_sealed_is_tried_once_a_flush(void **state)
{
	struct bed *bed = *state;
	struct exchange *exchange = exchange_of(bed);
	uint64_t tries = 0;

	(void)warehouse_receive(&bed->w, "TEA", 1);
	assert_int_equal(seal(bed), 1);
	fence(bed);
	for (int i = 0; i < MANY; i++)
		(void)warehouse_receive(&bed->w, "TEA", 1);
	for (uint64_t ms = 0; ms < 60000; ms += 10)
		tries += turn(bed, exchange, 1000 + ms);
	assert_in_range(tries, 8, 60000 / EXCHANGE_FLUSH_MS);
	assert_false(exchange_is_late(exchange));
	exchange_close(exchange);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_cannot_be_sealed_is_tried_once_a_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
