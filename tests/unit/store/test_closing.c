/*
 * A site's last word: asked for once, said once, and true.
 *
 * Method: a real ledger that is its own HQ (tests/support/set_back.h); the
 * store is closed and opened again wherever a crash could fall.
 */
#include "store/closing.h"
#include "store/row.h"
#include "tests/support/moves.h"
#include "tests/support/set_back.h"

static const struct closing wish = {.account = {.size = 4, .data = "boss"},
				    .asked = {WAREHOUSE_START_MS + 5}};

static void wish_put(struct bed *bed)
{
	struct txn *txn;

	assert_done(txn_begin(ledger_env(bed->w.ledger), &txn, &bed->w.err),
		    &bed->w.err);
	assert_done(closing_put(txn, &wish, &bed->w.err), &bed->w.err);
	assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
}

static bool is_due(struct bed *bed)
{
	struct view *view = look(bed);
	bool is = false;

	assert_done(closing_is_due(view, SITE, &is, &bed->w.err), &bed->w.err);
	view_end(view);
	return is;
}

static struct site_closing totals(struct bed *bed)
{
	struct site_closing closing;
	struct view *view = look(bed);

	assert_done(closing_totals(view, SITE, &closing, &bed->w.err),
		    &bed->w.err);
	view_end(view);
	return closing;
}

static struct pos head(struct bed *bed)
{
	struct journal_head at;
	struct view *view = look(bed);

	assert_done(ledger_head(view, &at, &bed->w.err), &bed->w.err);
	view_end(view);
	return at.pos;
}

/* A crash: what was not committed is gone. */
static void restart(struct bed *bed)
{
	ledger_close(bed->w.ledger);
	feed_desk_abandon(bed->desk);
	assert_done(ledger_open(bed->w.store, ENV_WRITE, &bed->w.ledger,
				&bed->w.err),
		    &bed->w.err);
}

/* All that waits is sealed and the SEAL posted, as core/exchange does it; or,
 * without @is_committed, all but the commit. */
static enum err_code close_site(struct bed *bed, bool is_committed)
{
	struct seal_plan plan = {.site = SITE,
				 .signer = bed->signer,
				 .now = bed->w.now,
				 .boot = 1,
				 .rows_max = DELTA_ROWS_MAX};
	enum err_code code;
	uint64_t seq;

	warehouse_begin(&bed->w);
	do {
		assert_done(feed_seal(bed->desk, batch_txn(bed->w.batch), &plan,
				      &seq, &bed->w.err),
			    &bed->w.err);
	} while (seq != 0);
	code = closing_post(bed->w.batch, bed->desk, SITE, &bed->w.err);
	if (code == ERR_OK && is_committed) {
		warehouse_commit(&bed->w);
		feed_desk_committed(bed->desk);
		return code;
	}
	batch_abandon(bed->w.batch);
	feed_desk_abandon(bed->desk);
	return code;
}

static struct feed_record own_feed(struct bed *bed)
{
	struct feed_record feed;
	struct view *view = look(bed);

	assert_done(closing_feed(view, SITE, &feed, &bed->w.err), &bed->w.err);
	view_end(view);
	return feed;
}

/* ---- the wish ---- */

static void a_wish_is_kept_over_a_restart(void **state)
{
	struct bed *bed = *state;
	struct closing kept;
	struct view *view = look(bed);

	assert_code(closing_get(view, &kept, &bed->w.err), ERR_NOT_FOUND);
	view_end(view);
	assert_false(is_due(bed));
	wish_put(bed);
	restart(bed);
	view = look(bed);
	assert_done(closing_get(view, &kept, &bed->w.err), &bed->w.err);
	view_end(view);
	assert_span(name_span(&kept.account), "boss");
	assert_int_equal(kept.asked.ms, wish.asked.ms);
	assert_true(is_due(bed)); /* though nothing was ever sealed */
}

/* Method: a row cut short, one with a byte too many, and a name longer than
 * names are, each under a sum that fits. */
static void
a_wish_that_cannot_be_read_is_damage_and_closes_nothing(void **state)
{
	static const char *const spoilt[] = {"\x02",
					     "\x02\x04"
					     "bossy",
					     "\x02\x7f"
					     "boss"};
	struct bed *bed = *state;
	struct closing kept = wish;
	bool is = true;

	for (size_t i = 0; i < ARRAY_LEN(spoilt); i++) {
		struct span bytes = span_of(spoilt[i]);
		uint8_t buffer[64];
		struct writer writer;
		struct txn *txn;

		assert_done(txn_begin(ledger_env(bed->w.ledger), &txn,
				      &bed->w.err),
			    &bed->w.err);
		writer_init(&writer, buffer, sizeof(buffer));
		write_raw(&writer, bytes.data, bytes.size);
		assert_done(row_put(txn, TABLE_META, SPAN_LITERAL("closing"),
				    &writer, &bed->w.err),
			    &bed->w.err);
		kept.asked.ms = -1;
		assert_code(closing_get(txn_view(txn), &kept, &bed->w.err),
			    ERR_CORRUPT);
		assert_int_equal(kept.asked.ms, -1);
		assert_code(closing_is_due(txn_view(txn), SITE, &is,
					   &bed->w.err),
			    ERR_CORRUPT);
		assert_false(is);
		txn_abandon(txn);
	}
}

/* ---- the totals ---- */

/* Method: bins in every condition count, all places outside do not; of the
 * transfers those that are open and touch this site. */
static void totals_are_of_bins_and_of_the_sites_own_open_transfers(void **state)
{
	struct bed *bed = *state;
	struct warehouse *w = &bed->w;
	struct entry entry;
	struct site_closing closing;

	assert_int_equal(totals(bed).rows, 0);
	(void)warehouse_receive(w, "TEA", 10);
	entry = warehouse_receipt("CUP", 4, CONDITION_DAMAGED);
	(void)warehouse_enter(w, &entry);
	(void)warehouse_scrap(w, "TEA", 1);
	entry = move_of(MOVEMENT_TRANSFER_OUT, "TEA", 2, "A-01",
			"transit:3-4-1");
	(void)warehouse_enter(w, &entry);
	entry = move_of(MOVEMENT_TRANSFER_IN, "MUG", 5, "transit:5-3-9",
			"DOCK");
	(void)warehouse_enter(w, &entry);
	closing = totals(bed);
	assert_int_equal(closing.units, 10 + 4 - 1 - 2 + 5);
	assert_int_equal(closing.open_transfers, 2);
	assert_int_equal(closing.rows, 0); /* nothing is sealed */
	assert_int_not_equal(seal(bed), 0);
	assert_int_equal(totals(bed).rows, 6); /* and the founding */
}

/* ---- HQ's word ---- */

static void hq_says(struct bed *bed, struct entry *entry)
{
	struct txn *txn;

	bed->w.now.ms++;
	assert_done(txn_begin(ledger_env(bed->w.ledger), &txn, &bed->w.err),
		    &bed->w.err);
	say(bed, txn, entry);
	assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
	feed_desk_committed(bed->desk);
}

static void hq_fences(struct bed *bed, uint32_t epoch,
		      enum fence_verdict verdict)
{
	struct feed_record feed = {.seq = 0};
	struct view *view = look(bed);
	struct entry entry;
	enum err_code code;

	code = feed_get(view, (struct feed_id){SITE, epoch, 0}, &feed, NULL);
	view_end(view);
	assert_true(code == ERR_OK || code == ERR_NOT_FOUND);
	entry_init(&entry, ENTRY_FENCE);
	entry.body.fence = (struct fence){.site = SITE,
					  .epoch = epoch,
					  .seq = feed.seq,
					  .verdict = verdict};
	memcpy(entry.body.fence.hash, feed.hash, HASH_SIZE);
	hq_says(bed, &entry);
}

static uint32_t closed_by_hq(struct bed *bed, uint32_t site)
{
	struct view *view = look(bed);
	uint32_t epoch = 77;

	assert_done(closing_by_hq(view, site, &epoch, &bed->w.err),
		    &bed->w.err);
	view_end(view);
	return epoch;
}

static void hq_closes_a_site_up_to_a_life_and_for_good(void **state)
{
	struct bed *bed = *state;
	struct entry entry;

	assert_int_equal(closed_by_hq(bed, SITE + 9), 0); /* nobody knows it */
	assert_int_equal(closed_by_hq(bed, SITE), 0);     /* no fence */
	(void)warehouse_receive(&bed->w, "TEA", 1);
	(void)seal(bed);
	hq_fences(bed, 1, FENCE_ENDED);
	assert_int_equal(closed_by_hq(bed, SITE), 0);
	hq_fences(bed, 1, FENCE_CLOSED);
	assert_int_equal(closed_by_hq(bed, SITE), 1);
	assert_int_equal(closed_by_hq(bed, SITE + 1), 0);
	/* Another box takes the name up again: that life is not closed. */
	entry_init(&entry, ENTRY_CERTIFICATE);
	entry.body.certificate = (struct certificate){.site = SITE,
						      .epoch = 2,
						      .parent_epoch = 1,
						      .role = SITE_ROLE_SITE};
	TEXT_SET(entry.body.certificate.name, "hz-01");
	hq_says(bed, &entry);
	assert_int_equal(closed_by_hq(bed, SITE), 1);
	hq_fences(bed, 2, FENCE_ENDED);
	assert_int_equal(closed_by_hq(bed, SITE), 1);
	hq_fences(bed, 2, FENCE_CLOSED);
	assert_int_equal(closed_by_hq(bed, SITE), 2);
}

static void nothing_is_due_where_hq_ended_the_feed(void **state)
{
	struct bed *bed = *state;
	struct pos last;

	(void)warehouse_receive(&bed->w, "TEA", 1);
	(void)seal(bed);
	wish_put(bed);
	assert_true(is_due(bed));
	hq_fences(bed, 1, FENCE_ENDED);
	assert_false(is_due(bed));
	/* And if that shows only when it is sealed: no word is said. */
	last = head(bed);
	warehouse_begin(&bed->w);
	assert_done(closing_post(bed->w.batch, bed->desk, SITE, &bed->w.err),
		    &bed->w.err);
	warehouse_commit(&bed->w);
	assert_int_equal(head(bed).value, last.value);
}

/* ---- the SEAL ---- */

static void assert_seal_entry(struct bed *bed, struct pos at,
			      const struct site_closing *expected)
{
	struct view *view = look(bed);
	struct entry entry;

	assert_done(journal_read(view, at, &entry, &bed->w.err), &bed->w.err);
	view_end(view);
	assert_int_equal(entry.kind, ENTRY_CLOSING);
	assert_int_equal(entry.actor.kind, ACTOR_ACCOUNT);
	assert_span(name_span(&entry.actor.name), "boss");
	assert_int_equal(entry.body.closing.rows, expected->rows);
	assert_int_equal(entry.body.closing.units, expected->units);
	assert_int_equal(entry.body.closing.open_transfers,
			 expected->open_transfers);
	assert_memory_equal(entry.body.closing.digest, expected->digest,
			    HASH_SIZE);
}

/* Method: a crash before the commit of the SEAL, one behind it and before it is
 * sealed, one behind that. Each time whoever is on duty does what is due. */
static void the_seal_is_said_once_whatever_crashes(void **state)
{
	struct bed *bed = *state;
	const uint8_t *net_id = feed_desk_net(bed->desk);
	struct site_closing expected;
	struct feed_record feed;
	struct view *view;
	struct pos last;
	uint64_t seq;
	struct seal_plan plan = {.site = SITE,
				 .signer = bed->signer,
				 .now = bed->w.now,
				 .boot = 1,
				 .rows_max = DELTA_ROWS_MAX};

	(void)warehouse_receive(&bed->w, "TEA", 10);
	wish_put(bed);
	last = head(bed);
	assert_code(close_site(bed, false), ERR_OK);
	restart(bed);
	assert_int_equal(head(bed).value, last.value);
	assert_true(is_due(bed));
	assert_code(close_site(bed, true), ERR_OK);
	restart(bed);
	assert_int_equal(head(bed).value, last.value + 1);
	assert_true(is_due(bed)); /* posted, and not sealed */
	expected = (struct site_closing){.rows = 2, .units = 10};
	view = look(bed);
	assert_done(feed_digest(view, net_id, own, expected.digest,
				&bed->w.err),
		    &bed->w.err);
	view_end(view);
	assert_seal_entry(bed, head(bed), &expected);
	/* Again, on the journal's end alone: nothing is posted twice. */
	assert_code(close_site(bed, true), ERR_OK);
	restart(bed);
	assert_int_equal(head(bed).value, last.value + 1);
	feed = own_feed(bed);
	assert_int_equal(feed.state, FEED_SEALED);
	assert_int_equal(feed.number, pos_number(head(bed)));
	assert_false(is_due(bed));
	/* What is booked all the same does not follow. */
	(void)warehouse_receive(&bed->w, "TEA", 1);
	warehouse_begin(&bed->w);
	assert_code(feed_seal(bed->desk, batch_txn(bed->w.batch), &plan, &seq,
			      &bed->w.err),
		    ERR_CONFLICT);
	batch_abandon(bed->w.batch);
	feed_desk_abandon(bed->desk);
	assert_int_equal(own_feed(bed).seq, feed.seq);
}

static void nobody_closes_a_site_without_a_wish_or_a_feed(void **state)
{
	struct bed *bed = *state;
	struct pos last = head(bed);

	warehouse_begin(&bed->w);
	assert_done(closing_put(batch_txn(bed->w.batch), &wish, &bed->w.err),
		    &bed->w.err);
	/* Nothing is sealed, so there is nothing to say the totals of. */
	assert_code(closing_post(bed->w.batch, bed->desk, SITE, &bed->w.err),
		    ERR_NOT_FOUND);
	batch_abandon(bed->w.batch);
	assert_code(close_site(bed, true), ERR_NOT_FOUND); /* no wish */
	restart(bed);
	assert_int_equal(head(bed).value, last.value);
	assert_false(is_due(bed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_wish_is_kept_over_a_restart),
		TEST(a_wish_that_cannot_be_read_is_damage_and_closes_nothing),
		TEST(totals_are_of_bins_and_of_the_sites_own_open_transfers),
		TEST(hq_closes_a_site_up_to_a_life_and_for_good),
		TEST(nothing_is_due_where_hq_ended_the_feed),
		TEST(the_seal_is_said_once_whatever_crashes),
		TEST(nobody_closes_a_site_without_a_wish_or_a_feed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
