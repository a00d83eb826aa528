/*
 * A disk goes back in time. The guard outside the store tells, the peers give
 * back what was lost, and the box goes on as the next epoch.
 */
#include <sys/stat.h>

#include "store/audit.h"
#include "store/guard.h"
#include "store/keys.h"
#include "store/rebuild.h"
#include "store/roster.h"
#include "store/succession.h"
#include "tests/support/entries.h"
#include "tests/support/warehouse.h"

#define SITE SITE_FIRST
#define MAP_SIZE WAREHOUSE_MAP_SIZE

static const struct feed_id own = {SITE, 1, 0};

/* A box, and the image of its store that was taken at some time. */
struct bed {
	struct warehouse w;
	char image[128];
	char keys[128];
	char guard[128];
	struct signer *root;
	struct signer *control;
	struct signer *signer;
	struct feed_desk *desk;
};

static struct signer *signer_load(struct bed *bed, const char *name)
{
	struct signer *signer;

	assert_done(signer_open(bed->keys, name, &signer, &bed->w.err),
		    &bed->w.err);
	return signer;
}

static void say(struct bed *bed, struct txn *txn, struct entry *entry)
{
	struct bytes bytes;
	struct span span;
	struct feed_write write = {.id = {SITE_CONTROL, 1, 0},
				   .plan = {.signer = bed->control,
					    .now = bed->w.now,
					    .rows_max = 1},
				   .entries = &span,
				   .count = 1};
	uint64_t seq;

	entry->stamp.value = (uint64_t)bed->w.now.ms << STAMP_COUNTER_BITS;
	entry->effective = bed->w.now;
	bytes = encode(entry);
	span = (struct span){(const char *)bytes.data, bytes.size};
	assert_done(feed_write(bed->desk, txn, &write, &seq, &bed->w.err),
		    &bed->w.err);
}

/* The site certifies itself, as its own HQ. */
static void certify(struct bed *bed)
{
	struct entry entry;
	struct txn *txn;

	assert_done(txn_begin(ledger_env(bed->w.ledger), &txn, &bed->w.err),
		    &bed->w.err);
	entry_init(&entry, ENTRY_ROOT);
	entry.body.root.epoch = 1;
	memcpy(entry.body.root.public_key, signer_public(bed->control),
	       KEY_PUBLIC_SIZE);
	root_sign(bed->root, &entry.body.root);
	say(bed, txn, &entry);
	entry_init(&entry, ENTRY_CERTIFICATE);
	entry.body.certificate = (struct certificate){
		.site = SITE, .epoch = 1, .role = SITE_ROLE_SITE};
	TEXT_SET(entry.body.certificate.name, "hz-01");
	memcpy(entry.body.certificate.public_key, signer_public(bed->signer),
	       KEY_PUBLIC_SIZE);
	say(bed, txn, &entry);
	assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
}

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct warehouse *w = &bed->w;

	warehouse_open(w);
	(void)text_format(bed->keys, sizeof(bed->keys), "%s-keys", w->store);
	(void)text_format(bed->image, sizeof(bed->image), "%s/image",
			  w->folder);
	(void)text_format(bed->guard, sizeof(bed->guard), "%s/guard",
			  w->folder);
	bed->root = signer_load(bed, "root.key");
	bed->control = signer_load(bed, "root.key");
	bed->signer = signer_load(bed, "epoch-1.key");
	assert_done(feed_desk_open(ledger_identity(w->ledger)->net_id,
				   &bed->desk, &w->err),
		    &w->err);
	certify(bed);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	feed_desk_close(bed->desk);
	signer_close(bed->root);
	signer_close(bed->control);
	signer_close(bed->signer);
	warehouse_close(&bed->w);
	free(bed);
	return 0;
}

static uint64_t seal(struct bed *bed)
{
	struct seal_plan plan = {.site = SITE,
				 .signer = bed->signer,
				 .now = bed->w.now,
				 .boot = 1,
				 .rows_max = DELTA_ROWS_MAX};
	struct txn *txn;
	uint64_t seq;

	assert_done(txn_begin(ledger_env(bed->w.ledger), &txn, &bed->w.err),
		    &bed->w.err);
	assert_done(feed_seal(bed->desk, txn, &plan, &seq, &bed->w.err),
		    &bed->w.err);
	assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
	return seq;
}

static struct view *look(struct bed *bed)
{
	struct view *view;

	assert_done(view_begin(ledger_env(bed->w.ledger), &view, &bed->w.err),
		    &bed->w.err);
	return view;
}

static struct guard guard_now(struct bed *bed)
{
	struct view *view = look(bed);
	struct guard guard;

	assert_done(guard_of(view, ledger_identity(bed->w.ledger)->net_id, SITE,
			     &guard, &bed->w.err),
		    &bed->w.err);
	view_end(view);
	return guard;
}

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

/* 3 entries sealed, 2 more, then the image; then more of both kinds. */
static void live(struct bed *bed)
{
	struct warehouse *w = &bed->w;

	(void)warehouse_receive(w, "TEA", 10);
	(void)warehouse_receive(w, "TEA", 20);
	assert_int_not_equal(seal(bed), 0);
	(void)warehouse_receive(w, "CUP", 1);
	(void)warehouse_receive(w, "CUP", 2);
	assert_done(env_copy(ledger_env(w->ledger), bed->image, 0, &w->err),
		    &w->err);
	(void)warehouse_receive(w, "CUP", 4);
	(void)warehouse_pick(w, "CUP", 5);
	assert_int_not_equal(seal(bed), 0);
	(void)warehouse_receive(w, "TEA", 40);
	assert_int_not_equal(seal(bed), 0);
}

/* Opens the image in the store's place. *@ret_env is what the store was, where
 * peers have the box's deltas from. */
static struct env *roll_back(struct bed *bed)
{
	struct warehouse *w = &bed->w;
	struct env *peers;
	char kept[160];

	ledger_close(w->ledger);
	feed_desk_abandon(bed->desk);
	(void)text_format(kept, sizeof(kept), "%s-kept", w->store);
	assert_int_equal(rename(w->store, kept), 0);
	assert_int_equal(rename(bed->image, w->store), 0);
	assert_done(ledger_open(w->store, ENV_WRITE, &w->ledger, &w->err),
		    &w->err);
	assert_done(env_open(kept, ENV_READ, &peers, &w->err), &w->err);
	return peers;
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

/* The peers' deltas, through the checks that all get. */
static void fetch(struct bed *bed, struct env *peers, uint64_t last)
{
	struct view *theirs;
	struct txn *txn;

	assert_done(view_begin(peers, &theirs, &bed->w.err), &bed->w.err);
	assert_done(txn_begin(ledger_env(bed->w.ledger), &txn, &bed->w.err),
		    &bed->w.err);
	for (uint64_t seq = 2; seq <= last; seq++) {
		const uint8_t *net_id = ledger_identity(bed->w.ledger)->net_id;
		enum admission admission;
		struct delta delta;

		assert_done(feed_delta(theirs, own, seq, &delta, &bed->w.err),
			    &bed->w.err);
		assert_done(feed_judge(txn_view(txn), net_id, &delta, 0,
				       &admission, &bed->w.err),
			    &bed->w.err);
		assert_string_equal(admission_name(admission), "applied");
		assert_done(feed_admit(bed->desk, txn, own, &delta, &admission,
				       &bed->w.err),
			    &bed->w.err);
		assert_string_equal(admission_name(admission), "applied");
	}
	assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
	view_end(theirs);
}

static struct succession succeed(struct bed *bed, const struct guard *guard)
{
	struct succession_plan plan = {
		.site = SITE, .epoch = {.epoch = 2, .now = bed->w.now}};
	struct succession_case what = {.reason = SUCCESSION_ROLLBACK,
				       .guard = guard};
	struct succession_told told;
	struct view *view = look(bed);

	assert_done(succession_of(view, SITE, &what, &plan.succession,
				  &bed->w.err),
		    &bed->w.err);
	view_end(view);
	assert_done(keys_make(bed->keys, "epoch-2.key", plan.epoch.public_key,
			      &bed->w.err),
		    &bed->w.err);
	assert_done(succession_open(bed->w.ledger, &plan, &told, &bed->w.err),
		    &bed->w.err);
	signer_close(bed->signer);
	bed->signer = signer_load(bed, "epoch-2.key");
	return plan.succession;
}

static void assert_audit(struct bed *bed)
{
	static struct audit_result result;
	const struct audit_plan whole = {.progress = NULL};
	struct view *view = look(bed);

	assert_done(audit_run(view, &whole, &result, &bed->w.err), &bed->w.err);
	view_end(view);
	assert_true(audit_is_clean(&result));
}

static void what_peers_have_comes_back_and_a_new_epoch_goes_on(void **state)
{
	struct bed *bed = *state;
	struct succession succession;
	struct guard guard;
	struct env *peers;
	uint64_t count;

	live(bed);
	guard = guard_now(bed);
	peers = roll_back(bed);
	fetch(bed, peers, 2); /* the last delta had not left */
	assert_done(journal_recover(bed->w.ledger, SITE, &count, &bed->w.err),
		    &bed->w.err);
	assert_int_equal(count, 2);
	assert_done(journal_recover(bed->w.ledger, SITE, &count, &bed->w.err),
		    &bed->w.err);
	assert_int_equal(count, 0);
	succession = succeed(bed, &guard);
	assert_int_equal(succession.parent_epoch, 1);
	assert_int_equal(succession.parent_seq, 2);
	assert_int_equal(succession.lost_first, 8);
	assert_int_equal(succession.lost_last, 8);
	(void)warehouse_receive(&bed->w, "TEA", 7);
	assert_int_equal(seal(bed), 1);
	assert_int_equal(guard_now(bed).epoch, 2);
	assert_audit(bed);
	env_close(peers);
}

struct units {
	int64_t cup;
	int64_t tea;
};

static enum err_code units_add(void *context,
			       const struct site_balance_key *key,
			       const struct balance *balance, struct err *err)
{
	struct units *units = context;

	(void)err;
	if (!place_is_bin(&key->place, "A-01"))
		return ERR_OK;
	if (span_is(sku_span(&key->item), "CUP"))
		units->cup += balance->cells[0].quantity.units;
	else
		units->tea += balance->cells[0].quantity.units;
	return ERR_OK;
}

/* Two entries of the image were never sealed, and of the lost ones nobody has
 * any: the new epoch tells the two again, once for the network and not a second
 * time for the box. */
static void what_was_never_sealed_is_told_again_in_the_new_epoch(void **state)
{
	struct bed *bed = *state;
	struct units units = {0};
	struct rebuild_difference difference;
	struct succession succession;
	struct env *peers;
	struct view *view;
	char scratch[160];

	live(bed);
	peers = roll_back(bed);
	succession = succeed(bed, NULL);
	assert_int_equal(succession.parent_seq, 1);
	assert_int_equal(seal(bed), 1);
	assert_int_equal(seal(bed), 0);
	view = look(bed);
	assert_done(site_balance_walk(view, NULL, units_add, &units,
				      &bed->w.err),
		    &bed->w.err);
	assert_int_equal(units.tea, 30);
	assert_int_equal(units.cup, 3);
	(void)text_format(scratch, sizeof(scratch), "%s/scratch",
			  bed->w.folder);
	assert_done(rebuild_compare(view, scratch, MAP_SIZE, &difference,
				    &bed->w.err),
		    &bed->w.err);
	assert_int_equal(difference.rows, 0);
	view_end(view);
	assert_audit(bed);
	env_close(peers);
}

static struct units units_of(struct bed *bed, const struct view *view)
{
	struct units units = {0};

	assert_done(site_balance_walk(view, NULL, units_add, &units,
				      &bed->w.err),
		    &bed->w.err);
	return units;
}

/* The new epoch told two entries again, and then somebody comes who had them in
 * the old one: they count there, and here no more. Folding all anew comes to
 * the same. */
static void what_the_old_feed_turns_out_to_have_counts_once(void **state)
{
	struct bed *bed = *state;
	struct units before;
	struct units after;
	struct units peers_have;
	struct env *peers;
	struct view *view;
	struct txn *txn;

	live(bed);
	peers = roll_back(bed);
	(void)succeed(bed, NULL);
	assert_int_equal(seal(bed), 1);
	view = look(bed);
	before = units_of(bed, view);
	view_end(view);
	assert_int_equal(before.tea, 30);
	assert_done(view_begin(peers, &view, &bed->w.err), &bed->w.err);
	peers_have = units_of(bed, view);
	view_end(view);
	fetch(bed, peers, 3);
	view = look(bed);
	after = units_of(bed, view);
	view_end(view);
	assert_true(peers_have.tea > before.tea || peers_have.cup > before.cup);
	assert_int_equal(after.tea, peers_have.tea);
	assert_int_equal(after.cup, peers_have.cup);
	assert_done(txn_begin(ledger_env(bed->w.ledger), &txn, &bed->w.err),
		    &bed->w.err);
	assert_done(feed_rebuild(bed->desk, txn, &bed->w.err), &bed->w.err);
	after = units_of(bed, txn_view(txn));
	txn_abandon(txn);
	feed_desk_abandon(bed->desk);
	assert_int_equal(after.tea, peers_have.tea);
	assert_int_equal(after.cup, peers_have.cup);
	env_close(peers);
}

/* The old image went on before anybody noticed: the journal has other entries
 * under the same numbers. Nothing is changed, and a new epoch opens. */
static void a_journal_that_went_another_way_is_told_and_not_mixed(void **state)
{
	struct bed *bed = *state;
	struct rebuild_difference difference;
	struct succession succession;
	struct units ours;
	struct units theirs;
	struct env *peers;
	struct view *view;
	char scratch[160];
	uint64_t count = 99;

	live(bed);
	peers = roll_back(bed);
	(void)warehouse_receive(&bed->w, "RADIO", 1);
	fetch(bed, peers, 3);
	assert_code(journal_recover(bed->w.ledger, SITE, &count, &bed->w.err),
		    ERR_CONFLICT);
	assert_int_equal(count, 99);
	succession = succeed(bed, NULL);
	assert_int_equal(succession.parent_seq, 3);
	assert_int_equal(succession.lost_last, 0);
	assert_int_equal(seal(bed), 1);
	/* What only the feed had is in the book again, and counts once. */
	assert_done(view_begin(peers, &view, &bed->w.err), &bed->w.err);
	theirs = units_of(bed, view);
	view_end(view);
	view = look(bed);
	ours = units_of(bed, view);
	assert_int_equal(ours.cup, theirs.cup);
	assert_int_equal(ours.tea - 1, theirs.tea); /* and the radio */
	(void)text_format(scratch, sizeof(scratch), "%s/scratch",
			  bed->w.folder);
	assert_done(rebuild_compare(view, scratch, MAP_SIZE, &difference,
				    &bed->w.err),
		    &bed->w.err);
	assert_int_equal(difference.rows, 0);
	view_end(view);
	assert_audit(bed);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_guard_is_replaced_whole_and_damage_is_noticed),
		TEST(each_verdict_is_told_by_its_name),
		TEST(a_witness_that_is_behind_is_no_rollback),
		TEST(what_peers_have_comes_back_and_a_new_epoch_goes_on),
		TEST(what_was_never_sealed_is_told_again_in_the_new_epoch),
		TEST(what_the_old_feed_turns_out_to_have_counts_once),
		TEST(a_journal_that_went_another_way_is_told_and_not_mixed),
		TEST(a_clone_splits_the_own_feed_and_sealing_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
