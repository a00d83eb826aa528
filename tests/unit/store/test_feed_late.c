/*
 * A busy box folds its own feed's balances later: what they say, and all that
 * is judged by them, is the same as if each delta had been folded at once.
 */
#include "store/audit_network.h"
#include "store/feed.h"
#include "store/keys.h"
#include "store/row.h"
#include "tests/support/entries.h"
#include "tests/support/warehouse.h"

#define SITE SITE_FIRST
#define SEED_DEFAULT 3

static const struct feed_id own = {SITE, 1, 0};

struct bed {
	struct warehouse w;
	struct signer *signer;
	struct feed_desk *desk;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	char keys[128];
	char name[KEY_NAME_SIZE];

	warehouse_open(&bed->w);
	assert_true(text_format(keys, sizeof(keys), "%s-keys", bed->w.store));
	keys_epoch_name(1, name);
	assert_done(signer_open(keys, name, &bed->signer, &bed->w.err),
		    &bed->w.err);
	assert_done(feed_desk_open(ledger_identity(bed->w.ledger)->net_id,
				   &bed->desk, &bed->w.err),
		    &bed->w.err);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	feed_desk_close(bed->desk);
	signer_close(bed->signer);
	warehouse_close(&bed->w);
	free(bed);
	return 0;
}

static struct txn *begin(struct bed *bed)
{
	struct txn *txn;

	assert_done(txn_begin(ledger_env(bed->w.ledger), &txn, &bed->w.err),
		    &bed->w.err);
	return txn;
}

static void abandon(struct bed *bed, struct txn *txn)
{
	txn_abandon(txn);
	feed_desk_abandon(bed->desk);
}

/* All that waits, in deltas of 4; the transaction is the caller's. */
static void seal_in(struct bed *bed, struct txn *txn, bool is_busy)
{
	struct seal_plan plan = {.site = SITE,
				 .signer = bed->signer,
				 .now = bed->w.now,
				 .clock_trusted = true,
				 .boot = 1,
				 .rows_max = 4,
				 .is_busy = is_busy};
	uint64_t seq = 1;

	while (seq != 0)
		assert_done(feed_seal(bed->desk, txn, &plan, &seq, &bed->w.err),
			    &bed->w.err);
}

static void seal(struct bed *bed, bool is_busy)
{
	struct txn *txn = begin(bed);

	seal_in(bed, txn, is_busy);
	assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
	feed_desk_committed(bed->desk);
}

static struct feed_record feed_in(struct bed *bed, const struct view *view)
{
	struct feed_record feed;

	assert_done(feed_get(view, own, &feed, &bed->w.err), &bed->w.err);
	return feed;
}

static struct feed_record feed_now(struct bed *bed)
{
	struct txn *txn = begin(bed);
	struct feed_record feed = feed_in(bed, txn_view(txn));

	abandon(bed, txn);
	return feed;
}

static void goods_move(struct bed *bed, int count)
{
	for (int i = 0; i < count; i++)
		(void)warehouse_receive(&bed->w, i % 2 == 0 ? "TEA" : "MUG",
					1 + i);
}

static const struct network_result *audit(struct bed *bed,
					  const struct view *view)
{
	struct network_plan plan = {.progress = NULL};
	static struct network_result result;

	memcpy(plan.net_id, ledger_identity(bed->w.ledger)->net_id,
	       NET_ID_SIZE);
	assert_done(audit_network_run(view, &plan, &result, &bed->w.err),
		    &bed->w.err);
	return &result;
}

static void assert_clean(struct bed *bed, const struct view *view)
{
	const struct network_result *result = audit(bed, view);

	if (!network_is_clean(result))
		fail_msg("the audit found %s",
			 network_finding_name(result->list[0].kind));
}

/* The digest, rows and void rows, as they are and as a rebuild makes them. */
static void assert_as_rebuilt(struct bed *bed, struct txn *txn)
{
	const uint8_t *net_id = ledger_identity(bed->w.ledger)->net_id;
	const struct view *view = txn_view(txn);
	struct feed_record before = feed_in(bed, view);
	struct feed_record after;
	uint8_t digests[2][HASH_SIZE];

	assert_int_equal(before.late, 0);
	assert_done(feed_digest(view, net_id, own, digests[0], &bed->w.err),
		    &bed->w.err);
	assert_done(feed_rebuild(bed->desk, txn, &bed->w.err), &bed->w.err);
	assert_done(feed_digest(view, net_id, own, digests[1], &bed->w.err),
		    &bed->w.err);
	after = feed_in(bed, view);
	assert_memory_equal(digests[0], digests[1], HASH_SIZE);
	assert_int_equal(before.rows, after.rows);
	assert_int_equal(before.void_rows, after.void_rows);
	assert_int_equal(before.seq, after.counted);
}

static void a_busy_box_folds_later_and_at_the_bound(void **state)
{
	struct bed *bed = *state;
	uint64_t late_max = 0;
	uint64_t folds = 0;
	uint64_t before = 0;

	for (int i = 0; i < 3 * FEED_LATE_MAX; i++) {
		uint64_t late;

		goods_move(bed, 4);
		seal(bed, true);
		late = feed_now(bed).late;
		folds += late < before;
		late_max = late > late_max ? late : late_max;
		before = late;
	}
	/* The call that finds nothing more to seal folds the last. */
	assert_int_equal(late_max, FEED_LATE_MAX - 1);
	assert_in_range(folds, 2, 3);
	/* At rest, with nothing to seal. */
	assert_int_not_equal(feed_now(bed).late, 0);
	seal(bed, false);
	assert_int_equal(feed_now(bed).late, 0);
}

static unsigned below(uint64_t *random, unsigned limit)
{
	return (unsigned)(test_random(random) % limit);
}

/* Method: movements, sealed at random times, busy or not, some of it in
 * transactions that are abandoned; after each the audit of the network is clean
 * and counts all movements, and what is folded is what a rebuild folds. */
static void what_is_folded_later_is_what_is_folded_at_once(void **state)
{
	struct bed *bed = *state;
	uint64_t seed = test_seed(SEED_DEFAULT);
	int64_t stock = 0;
	unsigned late = 0;

	for (int i = 0; i < 150; i++) {
		struct txn *txn;

		if (stock > 20 && below(&seed, 2) == 0) {
			(void)warehouse_pick(&bed->w, "TEA", 20);
			stock -= 20;
		}
		(void)warehouse_receive(&bed->w, "TEA", 9);
		stock += 9;
		goods_move(bed, (int)below(&seed, 6));
		txn = begin(bed);
		seal_in(bed, txn, below(&seed, 4) != 0);
		assert_clean(bed, txn_view(txn));
		if (below(&seed, 5) == 0) {
			abandon(bed, txn);
			continue;
		}
		late += feed_in(bed, txn_view(txn)).late > 0;
		assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
		feed_desk_committed(bed->desk);
		if (below(&seed, 8) != 0)
			continue;
		txn = begin(bed);
		assert_done(feed_fold_late(bed->desk, txn, SITE, &bed->w.err),
			    &bed->w.err);
		assert_as_rebuilt(bed, txn);
		abandon(bed, txn);
	}
	assert_true(late > 20);
}

static enum err_code row_note(void *context, struct span key, struct span value,
			      struct err *err)
{
	struct key *first = context;

	(void)value;
	(void)err;
	*first = key_of_text(key);
	return ERR_STOPPED;
}

/* A balance that somebody changed is found, though the deltas behind it are
 * not in it yet. */
static void a_wrong_balance_is_found_while_others_are_late(void **state)
{
	struct bed *bed = *state;
	const struct span all = {"", 0};
	const struct network_result *result;
	uint8_t buffer[32];
	struct writer writer;
	struct key key;
	struct txn *txn;

	goods_move(bed, 12);
	seal(bed, false);
	goods_move(bed, 12);
	seal(bed, true);
	assert_int_equal(feed_now(bed).late, 3);
	txn = begin(bed);
	assert_code(view_walk(txn_view(txn), TABLE_SITE_BALANCE, all, all,
			      row_note, &key, &bed->w.err),
		    ERR_STOPPED);
	writer_init(&writer, buffer, sizeof(buffer));
	write_signed(&writer, 1000);
	write_pos(&writer, pos_make(1, 1));
	assert_done(row_put(txn, TABLE_SITE_BALANCE, key_span(&key), &writer,
			    &bed->w.err),
		    &bed->w.err);
	result = audit(bed, txn_view(txn));
	assert_int_equal(result->list[0].kind, NETWORK_BALANCE);
	assert_int_equal(result->list[0].stored, 1000);
	abandon(bed, txn);
}

/* Method: a twin of this box signed another delta under the number of one that
 * is late here. */
static void a_fork_in_what_is_late_splits_the_feed_soundly(void **state)
{
	struct bed *bed = *state;
	const uint8_t *net_id = ledger_identity(bed->w.ledger)->net_id;
	uint8_t hashes[2][HASH_SIZE];
	struct fork_proof proof;
	struct feed_record feed;
	struct delta delta;
	struct txn *txn;

	goods_move(bed, 8);
	seal(bed, false);
	goods_move(bed, 16);
	seal(bed, true);
	feed = feed_now(bed);
	assert_int_equal(feed.late, 4);
	txn = begin(bed);
	assert_done(feed_delta(txn_view(txn), own, feed.seq - 1, &delta,
			       &bed->w.err),
		    &bed->w.err);
	proof.first = delta.header;
	memcpy(proof.first_signature, delta.signature, SIGNATURE_SIZE);
	proof.second = proof.first;
	do {
		proof.second.boot++;
		delta_hash(net_id, &proof.first, hashes[0]);
		delta_hash(net_id, &proof.second, hashes[1]);
	} while (memcmp(hashes[0], hashes[1], HASH_SIZE) > 0);
	delta_sign(bed->signer, net_id, &proof.second, proof.second_signature);
	assert_done(fork_note(bed->desk, txn, &proof, &bed->w.err),
		    &bed->w.err);
	assert_int_equal(feed_in(bed, txn_view(txn)).late, 0);
	assert_int_equal(feed_in(bed, txn_view(txn)).seq, feed.seq - 2);
	assert_clean(bed, txn_view(txn));
	/* This box goes on in its branch. */
	assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
	feed_desk_committed(bed->desk);
	goods_move(bed, 8);
	txn = begin(bed);
	seal_in(bed, txn, true);
	assert_clean(bed, txn_view(txn));
	abandon(bed, txn);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_busy_box_folds_later_and_at_the_bound),
		T(what_is_folded_later_is_what_is_folded_at_once),
		T(a_wrong_balance_is_found_while_others_are_late),
		T(a_fork_in_what_is_late_splits_the_feed_soundly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
