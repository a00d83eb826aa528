/*
 * The guard outside the store tells of a disk that goes back in time, and
 * another box of the same disk is found out.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/set_back.h"

static void assert_verdict(struct bed *bed, const struct guard *guard,
			   const char *expected)
{
	struct guard now = guard_now(bed);
	struct view *view = look(bed);
	enum guard_verdict verdict;

	assert_done(guard_judge(view, guard, &now, &verdict, &bed->w.err),
		    &bed->w.err);
	view_end(view);
	assert_string_equal(guard_verdict_name(verdict), expected);
}

static void a_guard_is_replaced_whole_and_damage_is_noticed(void **state)
{
	struct bed *bed = *state;
	struct guard guard;
	struct guard again;
	char byte;
	FILE *file;

	live(bed);
	assert_code(guard_read(bed->guard, &again, &bed->w.err), ERR_NOT_FOUND);
	guard = guard_now(bed);
	assert_int_equal(guard.seq, 3);
	assert_int_equal(guard.number, 8);
	for (int i = 0; i < 3; i++)
		assert_done(guard_write(bed->guard, &guard, &bed->w.err),
			    &bed->w.err);
	assert_done(guard_read(bed->guard, &again, &bed->w.err), &bed->w.err);
	assert_memory_equal(&again.hash, &guard.hash, HASH_SIZE);
	assert_int_equal(again.number, 8);
	assert_verdict(bed, &again, "same");
	for (long at = 0; at < 120; at += 7) {
		file = fopen(bed->guard, "r+");
		assert_non_null(file);
		assert_int_equal(fseek(file, at, SEEK_SET), 0);
		assert_int_equal(fread(&byte, 1, 1, file), 1);
		assert_int_equal(fseek(file, at, SEEK_SET), 0);
		byte ^= 1;
		assert_int_equal(fwrite(&byte, 1, 1, file), 1);
		assert_int_equal(fclose(file), 0);
		assert_int_not_equal(
			guard_read(bed->guard, &again, &bed->w.err), ERR_OK);
		assert_done(guard_write(bed->guard, &guard, &bed->w.err),
			    &bed->w.err);
	}
}

static void assert_recalled_at(struct bed *bed, uint32_t site,
			       const char *expected)
{
	struct guard_place place = {
		bed->guard, ledger_identity(bed->w.ledger)->net_id, site};
	struct guard_memory memory;
	struct view *view = look(bed);

	assert_done(guard_recall(&place, view, &memory, &bed->w.err),
		    &bed->w.err);
	view_end(view);
	assert_string_equal(guard_verdict_name(memory.verdict), expected);
}

static void assert_recalled(struct bed *bed, const char *expected)
{
	assert_recalled_at(bed, SITE, expected);
}

static void save_at(struct bed *bed, uint32_t site)
{
	struct guard_place place = {
		bed->guard, ledger_identity(bed->w.ledger)->net_id, site};
	struct view *view = look(bed);

	assert_done(guard_save(&place, view, &bed->w.err), &bed->w.err);
	view_end(view);
}

static void save(struct bed *bed)
{
	save_at(bed, SITE);
}

/* Each pair of what is sealed and what is remembered, in the order in which a
 * box comes through them. */
static void what_a_start_finds_is_judged_with_and_without_a_file(void **state)
{
	struct bed *bed = *state;
	FILE *file;

	assert_recalled_at(bed, SITE + 1, "same"); /* a first start */
	save_at(bed, SITE + 1);                    /* of nothing: no file */
	assert_recalled_at(bed, SITE + 1, "same");
	/* HQ has spoken before its first start, and that was remembered. */
	assert_recalled(bed, "missing");
	save(bed);
	assert_recalled(bed, "same");
	file = fopen(bed->guard, "w");
	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
	assert_recalled(bed, "missing"); /* damaged: no first start */
	live(bed);
	assert_recalled(bed, "missing");
	save(bed);
	assert_recalled(bed, "same");
	env_close(roll_back(bed));
	assert_recalled(bed, "rollback");
	assert_int_equal(unlink(bed->guard), 0);
	assert_recalled(bed, "missing");
}

static void each_verdict_is_told_by_its_name(void **state)
{
	struct bed *bed = *state;
	struct guard guard;
	struct guard old;
	struct env *peers;

	(void)warehouse_receive(&bed->w, "TEA", 1);
	(void)seal(bed);
	old = guard_now(bed);
	live(bed);
	guard = guard_now(bed);
	/* A crash between the commit and the guard. */
	assert_verdict(bed, &old, "same");
	guard.machine[0] ^= 1;
	guard.machine[1] |= 1;
	assert_verdict(bed, &guard, "moved");
	guard.site++;
	assert_verdict(bed, &guard, "foreign");
	guard = guard_now(bed);
	guard.net_id[0] ^= 1;
	assert_verdict(bed, &guard, "foreign");
	guard = guard_now(bed);
	guard.hash[0] ^= 1;
	assert_verdict(bed, &guard, "rollback");
	guard = guard_now(bed);
	peers = roll_back(bed);
	assert_verdict(bed, &guard, "rollback");
	assert_verdict(bed, &old, "same");
	env_close(peers);
}

static void assert_witness(struct bed *bed, uint64_t seq, const uint8_t *hash,
			   const char *expected)
{
	struct view *view = look(bed);
	enum guard_verdict verdict;

	assert_done(guard_witness(view, own, seq, hash, &verdict, &bed->w.err),
		    &bed->w.err);
	view_end(view);
	assert_string_equal(guard_verdict_name(verdict), expected);
}

static void a_witness_that_is_behind_is_no_rollback(void **state)
{
	struct bed *bed = *state;
	uint8_t hash[HASH_SIZE];
	struct guard guard;
	struct view *view;

	live(bed);
	guard = guard_now(bed);
	view = look(bed);
	assert_done(feed_hash_at(view, own, 1, hash, &bed->w.err), &bed->w.err);
	view_end(view);
	assert_witness(bed, 0, hash, "same");
	assert_witness(bed, 1, hash, "same");
	assert_witness(bed, 2, hash, "rollback");
	assert_witness(bed, 3, guard.hash, "same");
	assert_witness(bed, 4, guard.hash, "rollback");
}

/* Method: a box that was set back gets its deltas from a peer, and is killed
 * before its journal has them; then again after people worked on. */
static void a_feed_that_is_ahead_of_its_journal_is_a_rollback(void **state)
{
	struct bed *bed = *state;
	struct guard guard;
	struct env *peers;

	live(bed);
	guard = guard_now(bed);
	assert_verdict(bed, &guard, "same");
	peers = roll_back(bed);
	fetch(bed, peers, guard.seq);
	assert_int_equal(guard_now(bed).seq, guard.seq);
	assert_verdict(bed, &guard, "rollback");
	for (int i = 0; i < 100; i++)
		(void)warehouse_receive(&bed->w, "TEA", 1);
	assert_true(guard.number < 100);
	assert_verdict(bed, &guard, "rollback");
	env_close(peers);
}

/* ---- a clone ---- */

/* The proof that this box and another one signed delta 2. */
static void clash_note(struct bed *bed, struct env *other)
{
	const uint8_t *net_id = ledger_identity(bed->w.ledger)->net_id;
	struct fork_proof proof;
	struct delta deltas[2];
	uint8_t hashes[2][HASH_SIZE];
	struct view *theirs;
	struct txn *txn;
	size_t first;

	assert_done(view_begin(other, &theirs, &bed->w.err), &bed->w.err);
	assert_done(txn_begin(ledger_env(bed->w.ledger), &txn, &bed->w.err),
		    &bed->w.err);
	assert_done(feed_delta(theirs, own, 2, &deltas[0], &bed->w.err),
		    &bed->w.err);
	assert_done(feed_delta(txn_view(txn), own, 2, &deltas[1], &bed->w.err),
		    &bed->w.err);
	for (size_t i = 0; i < 2; i++)
		delta_hash(net_id, &deltas[i].header, hashes[i]);
	first = memcmp(hashes[0], hashes[1], HASH_SIZE) < 0 ? 0 : 1;
	proof.first = deltas[first].header;
	proof.second = deltas[1 - first].header;
	memcpy(proof.first_signature, deltas[first].signature, SIGNATURE_SIZE);
	memcpy(proof.second_signature, deltas[1 - first].signature,
	       SIGNATURE_SIZE);
	assert_true(
		fork_proof_verify(signer_public(bed->signer), net_id, &proof));
	assert_done(fork_note(bed->desk, txn, &proof, &bed->w.err),
		    &bed->w.err);
	assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
	view_end(theirs);
}

/* Both boxes run. This one learns of the other: its own feed splits, its part
 * goes on under the branch, and nothing that it sealed or seals is lost. */
static void a_clone_splits_the_own_feed_and_sealing_goes_on(void **state)
{
	struct bed *bed = *state;
	struct units units = {0};
	struct guard guard;
	struct env *other;
	struct view *view;

	live(bed);
	other = roll_back(bed);
	assert_int_equal(seal(bed), 2);
	clash_note(bed, other);
	(void)warehouse_receive(&bed->w, "CUP", 8);
	assert_int_equal(seal(bed), 3);
	assert_int_equal(seal(bed), 0);
	guard = guard_now(bed);
	assert_int_equal(guard.seq, 3);
	assert_int_equal(guard.number, 6);
	assert_verdict(bed, &guard, "same");
	view = look(bed);
	assert_done(site_balance_walk(view, NULL, units_add, &units,
				      &bed->w.err),
		    &bed->w.err);
	view_end(view);
	assert_int_equal(units.tea, 30);
	assert_int_equal(units.cup, 11);
	assert_audit(bed);
	env_close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_guard_is_replaced_whole_and_damage_is_noticed),
		TEST(what_a_start_finds_is_judged_with_and_without_a_file),
		TEST(each_verdict_is_told_by_its_name),
		TEST(a_witness_that_is_behind_is_no_rollback),
		TEST(a_feed_that_is_ahead_of_its_journal_is_a_rollback),
		TEST(a_clone_splits_the_own_feed_and_sealing_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
