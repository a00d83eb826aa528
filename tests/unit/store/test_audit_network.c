/*
 * The audit of the network is clean after honest days, and each fault that is
 * planted behind the store's back is found and named.
 */
#include "rules/ledger/transfer.h"
#include "store/audit_network.h"
#include "store/closing.h"
#include "store/feed_parts.h"
#include "store/transfer.h"
#include "tests/support/feeds.h"

#define A SITE_FIRST
#define B (SITE_FIRST + 1)
/* The entry of A with which it says so. */
#define A_SHIPPED 4

struct bed {
	struct feeds feeds;
	struct node node;
	struct network_result result;
};

static void move(struct bed *bed, uint32_t site, enum movement_kind kind,
		 int64_t units, const char *from, const char *to)
{
	(void)feeds_move(&bed->feeds, site, kind, "TEA", units, from, to);
}

/* @answers: number of the sender's word that the addressee's answers. */
static void state_say(struct bed *bed, uint32_t site, enum transfer_state state,
		      uint64_t answers)
{
	struct entry entry;

	entry_init(&entry, ENTRY_TRANSFER);
	TEXT_SET(entry.body.transfer.id, "3-4-1");
	entry.body.transfer.state = state;
	entry.body.transfer.from_site = A;
	entry.body.transfer.to_site = B;
	if (answers != 0)
		entry.body.transfer.answers = pos_make(1, answers);
	(void)feeds_say(&bed->feeds, site, &entry);
}

/* A receives 100 and sends 40 to B; all of it arrives, 3 of it damaged. */
static void day_write(struct bed *bed)
{
	move(bed, A, MOVEMENT_RECEIVE, 100, "supplier:acme", "DOCK");
	move(bed, A, MOVEMENT_TRANSFER_OUT, 40, "DOCK", "transit:3-4-1");
	state_say(bed, A, TRANSFER_SHIPPED, 0);
	move(bed, B, MOVEMENT_TRANSFER_IN, 37, "transit:3-4-1", "DOCK");
	move(bed, B, MOVEMENT_TRANSFER_IN, 3, "transit:3-4-1", "DOCK/damaged");
	state_say(bed, B, TRANSFER_RECEIVED, A_SHIPPED);
}

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	feeds_open(&bed->feeds);
	node_open(&bed->node, &bed->feeds);
	day_write(bed);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, A);
	node_hear_all(&bed->node, &bed->feeds, B);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	node_close(&bed->node);
	feeds_close(&bed->feeds);
	free(bed);
	return 0;
}

static void audit(struct bed *bed)
{
	struct network_plan plan = {.progress = NULL};

	memcpy(plan.net_id, bed->feeds.net_id, NET_ID_SIZE);
	assert_done(audit_network_run(node_view(&bed->node), &plan,
				      &bed->result, &bed->node.t.err),
		    &bed->node.t.err);
}

/* The same with what peers acknowledged. */
static void audit_with(struct bed *bed, const struct network_witness *witnesses,
		       size_t count)
{
	struct network_plan plan = {.witnesses = witnesses,
				    .witness_count = count};

	memcpy(plan.net_id, bed->feeds.net_id, NET_ID_SIZE);
	assert_done(audit_network_run(node_view(&bed->node), &plan,
				      &bed->result, &bed->node.t.err),
		    &bed->node.t.err);
}

/* Site @peer holds @seq of A's feed as @bed has it. */
static struct network_witness witness_of(struct bed *bed, uint32_t peer,
					 uint64_t seq)
{
	struct network_witness witness = {peer, {A, 1, 0}, seq, 0};
	uint8_t hash[HASH_SIZE];

	assert_done(feed_hash_at(node_view(&bed->node), witness.feed, seq, hash,
				 &bed->node.t.err),
		    &bed->node.t.err);
	for (size_t i = 0; i < 8; i++)
		witness.hash_start = witness.hash_start << 8 | hash[i];
	return witness;
}

static bool is_found(const struct bed *bed, enum network_finding_kind kind)
{
	for (size_t i = 0; i < bed->result.findings && i < NETWORK_FINDINGS_MAX;
	     i++)
		if (bed->result.list[i].kind == kind)
			return true;
	return false;
}

static void assert_found(struct bed *bed, enum network_finding_kind kind)
{
	audit(bed);
	assert_false(network_is_clean(&bed->result));
	if (!is_found(bed, kind))
		fail_msg("%s was not found, but %s", network_finding_name(kind),
			 network_finding_name(bed->result.list[0].kind));
}

static void an_honest_network_is_clean(void **state)
{
	struct bed *bed = *state;

	audit(bed);
	for (size_t i = 0; i < bed->result.findings; i++) {
		char text[NETWORK_FINDING_PRINT_SIZE];

		network_finding_print(&bed->result.list[i], false, text,
				      sizeof(text));
		printf("%s\n", text);
	}
	assert_true(network_is_clean(&bed->result));
	assert_int_equal(bed->result.unexplained, 0);
	assert_int_equal(bed->result.feeds, 3);
	assert_int_equal(bed->result.sites, 3);
	assert_int_equal(bed->result.deltas, 9);
	assert_int_equal(bed->result.movements, 4);
	assert_int_equal(bed->result.transfers, 1);
	assert_int_equal(bed->result.under_way, 0);
}

/*
 * Method: two stores of the same keys; in one of them A's second delta was
 * written anew with five units less, and all that follows with it, signatures
 * included, as only A's own key can. By itself each of the two is clean.
 */
static void
a_history_that_was_written_anew_is_found_by_what_peers_hold(void **state)
{
	struct bed *honest = *state;
	struct bed *changed = calloc(1, sizeof(*changed));
	struct network_witness witnesses[4];
	char text[NETWORK_FINDING_PRINT_SIZE];

	assert_non_null(changed);
	feeds_open(&changed->feeds);
	node_open(&changed->node, &changed->feeds);
	move(changed, A, MOVEMENT_RECEIVE, 95, "supplier:acme", "DOCK");
	node_hear_all(&changed->node, &changed->feeds, SITE_CONTROL);
	node_hear_all(&changed->node, &changed->feeds, A);
	witnesses[0] = witness_of(honest, B, 1); /* the founding */
	witnesses[1] = witness_of(honest, B, 2);
	witnesses[2] = witness_of(honest, 9, 4); /* beyond what is there */
	witnesses[3] = (struct network_witness){9, {77, 1, 0}, 3, 0};

	audit_with(honest, witnesses, 3);
	assert_true(network_is_clean(&honest->result));
	assert_int_equal(honest->result.witnessed, 3);
	audit(changed);
	assert_true(network_is_clean(&changed->result));
	audit_with(changed, witnesses, ARRAY_LEN(witnesses));
	assert_int_equal(changed->result.findings, 1);
	assert_int_equal(changed->result.list[0].kind, NETWORK_WITNESS);
	assert_int_equal(changed->result.list[0].feed.site, A);
	assert_int_equal(changed->result.list[0].seq, 2);
	assert_int_equal(changed->result.list[0].peer, B);
	assert_int_equal(changed->result.witnessed, 1);
	assert_int_equal(changed->result.beyond, 2);
	network_finding_print(&changed->result.list[0], false, text,
			      sizeof(text));
	assert_string_equal(text, "feed 3.1: site 4 has signed to hold another "
				  "delta 2 than is here: one of the two stores "
				  "was changed");
	node_close(&changed->node);
	feeds_close(&changed->feeds);
	free(changed);
}

/* ---- planted faults ---- */

static struct key delta_key_of(struct feed_id id, uint64_t seq)
{
	struct key key = {.size = 0};

	key_add_feed(&key, id);
	key_add_u64(&key, seq);
	return key;
}

/* Stores a delta of A's that was changed, with a good checksum. */
static void delta_replant(struct bed *bed, struct sent *sent)
{
	struct feed_id id = {A, 1, 0};

	assert_done(feed_delta_put(bed->node.desk, bed->node.t.txn, id,
				   &sent->delta, &bed->node.t.err),
		    &bed->node.t.err);
}

static struct sent spoiled;

static void take_out(struct bed *bed, uint64_t seq)
{
	node_send(&bed->node, (struct feed_id){A, 1, 0}, seq, &spoiled);
}

static void a_delta_that_is_gone_is_found(void **state)
{
	struct bed *bed = *state;
	struct key key = delta_key_of((struct feed_id){A, 1, 0}, 3);

	assert_done(txn_delete(bed->node.t.txn, TABLE_DELTA, key_span(&key),
			       &bed->node.t.err),
		    &bed->node.t.err);
	assert_found(bed, NETWORK_MISSING);
	assert_int_equal(bed->result.list[0].seq, 3);
}

static void a_flipped_bit_of_a_delta_is_found(void **state)
{
	struct bed *bed = *state;

	tables_flip(&bed->node.t, TABLE_DELTA, 2);
	assert_found(bed, NETWORK_DAMAGED);
}

static void rows_that_were_not_signed_are_found(void **state)
{
	struct bed *bed = *state;

	take_out(bed, 2);
	spoiled.rows[spoiled.delta.rows.size - 1] ^= 1;
	delta_replant(bed, &spoiled);
	assert_found(bed, NETWORK_ROWS);
}

static void a_header_that_was_not_signed_is_found(void **state)
{
	struct bed *bed = *state;

	take_out(bed, 2);
	spoiled.delta.header.boot++;
	delta_replant(bed, &spoiled);
	assert_found(bed, NETWORK_SIGNATURE);
	assert_true(is_found(bed, NETWORK_CHAIN)); /* the one after it */
}

static void a_record_that_is_not_the_end_is_found(void **state)
{
	struct bed *bed = *state;
	struct feed_record feed =
		node_feed(&bed->node, (struct feed_id){A, 1, 0});

	feed.void_rows++;
	assert_done(feed_put(bed->node.t.txn, &feed, &bed->node.t.err),
		    &bed->node.t.err);
	assert_found(bed, NETWORK_HEAD);
}

static void a_feed_that_nothing_certifies_is_found(void **state)
{
	struct bed *bed = *state;

	assert_done(roster_clear(bed->node.t.txn, &bed->node.t.err),
		    &bed->node.t.err);
	assert_found(bed, NETWORK_STRANGER);
}

struct cell_pick {
	const char *place;
	struct key key;
};

static enum err_code cell_note(void *context, struct span key,
			       struct span value, struct err *err)
{
	struct cell_pick *pick = context;
	struct network_finding cell = {.seq = 0};
	struct reader reader;

	(void)value;
	(void)err;
	reader_init(&reader, key.data, key.size);
	if (read_feed(&reader).site != A)
		return ERR_OK;
	for (size_t i = 16; i + strlen(pick->place) <= key.size; i++)
		if (memcmp(key.data + i, pick->place, strlen(pick->place)) ==
		    0) {
			pick->key = key_of_text(key);
			return ERR_STOPPED;
		}
	(void)cell;
	return ERR_OK;
}

/* Writes a balance of A's, with a good checksum. */
static void cell_plant(struct bed *bed, const char *place, int64_t units)
{
	struct cell_pick pick = {.place = place};
	const struct span all = {"", 0};
	uint8_t buffer[64];
	struct writer writer;

	assert_code(view_walk(node_view(&bed->node), TABLE_SITE_BALANCE, all,
			      all, cell_note, &pick, NULL),
		    ERR_STOPPED);
	writer_init(&writer, buffer, sizeof(buffer));
	write_signed(&writer, units);
	write_pos(&writer, pos_make(1, 3));
	assert_done(row_put(bed->node.t.txn, TABLE_SITE_BALANCE,
			    key_span(&pick.key), &writer, &bed->node.t.err),
		    &bed->node.t.err);
}

static void
a_balance_that_is_not_the_fold_is_found_and_unexplained(void **state)
{
	struct bed *bed = *state;
	char text[NETWORK_FINDING_PRINT_SIZE];

	cell_plant(bed, "DOCK", 65);
	assert_found(bed, NETWORK_BALANCE);
	assert_true(is_found(bed, NETWORK_SUM));
	assert_int_equal(bed->result.unexplained, 5);
	network_finding_print(&bed->result.list[0], false, text, sizeof(text));
	assert_string_equal(text, "feed 3.1, TEA in DOCK: the table says 65, "
				  "the entries say 60; last touched by 1.3");
	network_finding_print(&bed->result.list[0], true, text, sizeof(text));
	assert_true(utf8_is_valid(span_of(text)));
}

static void a_balance_that_is_gone_is_found(void **state)
{
	struct bed *bed = *state;

	tables_flip(&bed->node.t, TABLE_SITE_BALANCE, 0);
	assert_found(bed, NETWORK_DAMAGED);
	assert_true(is_found(bed, NETWORK_BALANCE));
}

static void a_bin_below_zero_over_all_epochs_is_found(void **state)
{
	struct bed *bed = *state;

	move(bed, A, MOVEMENT_PICK, 61, "DOCK", "PICKED");
	node_hear_all(&bed->node, &bed->feeds, A);
	assert_found(bed, NETWORK_NEGATIVE);
	assert_int_equal(bed->result.list[0].stored, -1);
	assert_int_equal(bed->result.findings, 1);
}

static void a_closed_transfer_with_a_residue_is_found(void **state)
{
	struct bed *bed = *state;

	move(bed, A, MOVEMENT_TRANSFER_OUT, 2, "DOCK", "transit:3-4-1");
	node_hear_all(&bed->node, &bed->feeds, A);
	assert_found(bed, NETWORK_RESIDUE);
	assert_int_equal(bed->result.unexplained, 2);
}

/* A has not heard that B is done, and loads 2 more; and once more after HQ has
 * written those off. Nothing of that is unexplained. */
static void what_is_loaded_after_the_end_is_under_way(void **state)
{
	struct bed *bed = *state;

	for (int i = 0; i < 2; i++) {
		state_say(bed, A, TRANSFER_CREATED, 0);
		node_hear_all(&bed->node, &bed->feeds, A);
		audit(bed);
		assert_true(network_is_clean(&bed->result));
		assert_int_equal(bed->result.under_way, 0);
		move(bed, A, MOVEMENT_TRANSFER_OUT, 2, "DOCK", "transit:3-4-1");
		node_hear_all(&bed->node, &bed->feeds, A);
		audit(bed);
		assert_true(network_is_clean(&bed->result));
		state_say(bed, A, TRANSFER_SHIPPED, 0);
		node_hear_all(&bed->node, &bed->feeds, A);
		audit(bed);
		assert_true(network_is_clean(&bed->result));
		assert_int_equal(bed->result.under_way, 1);
		move(bed, SITE_CONTROL, MOVEMENT_TRANSFER_ADJUST, 2,
		     "transit:3-4-1", "loss");
		state_say(bed, SITE_CONTROL, TRANSFER_LOST, 0);
		node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
		audit(bed);
		assert_true(network_is_clean(&bed->result));
		assert_int_equal(bed->result.under_way, 0);
	}
}

/* B was closed with what it had in its bins, in two lives; a third one begins
 * with 7. */
static void what_hq_wrote_off_stays_so_when_a_new_life_begins(void **state)
{
	struct bed *bed = *state;
	struct feeds *feeds = &bed->feeds;
	const struct feed_id lives[] = {{B, 1, 0}, {B, 2, 0}, {B, 3, 0}};
	uint64_t held;

	feeds_end(feeds, lives[0], FENCE_CLOSED);
	node_hear_all(&bed->node, feeds, SITE_CONTROL);
	audit(bed);
	held = bed->result.written_off;
	assert_true(held > 0);
	for (uint32_t i = 1; i < 3; i++) {
		feeds_live_again(feeds, B, i + 1, "TEA", i == 1 ? 5 : 7);
		node_hear_all(&bed->node, feeds, SITE_CONTROL);
		node_hear_feed(&bed->node, feeds, lives[i]);
		audit(bed);
		assert_true(network_is_clean(&bed->result));
		assert_int_equal(bed->result.written_off, held);
		if (i > 1)
			continue;
		feeds_end(feeds, lives[i], FENCE_CLOSED);
		node_hear_all(&bed->node, feeds, SITE_CONTROL);
		audit(bed);
		held += 5;
		assert_int_equal(bed->result.written_off, held);
	}
}

static enum closing_verdict seal_verdict(struct bed *bed)
{
	const struct feed_id feed = {B, 1, 0};
	enum closing_verdict verdict;

	assert_done(closing_compare(node_view(&bed->node), bed->feeds.net_id,
				    feed, &verdict, &bed->node.t.err),
		    &bed->node.t.err);
	return verdict;
}

/* B's last word; its digest is that of the balances that it has, but for
 * @lie. */
static void seal_say(struct bed *bed, uint8_t lie)
{
	const struct feed_id feed = {B, 1, 0};
	struct entry entry;

	entry_init(&entry, ENTRY_CLOSING);
	entry.actor.kind = ACTOR_ACCOUNT;
	TEXT_SET(entry.actor.name, "boss");
	entry.body.closing.rows = 5;
	entry.body.closing.units = 40;
	assert_done(feed_digest(node_view(&bed->node), bed->feeds.net_id, feed,
				entry.body.closing.digest, &bed->node.t.err),
		    &bed->node.t.err);
	entry.body.closing.digest[7] ^= lie;
	(void)feeds_say(&bed->feeds, B, &entry);
	node_hear_all(&bed->node, &bed->feeds, B);
}

static void a_last_word_of_the_same_balances_is_clean(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(seal_verdict(bed), CLOSING_OPEN);
	seal_say(bed, 0);
	assert_int_equal(seal_verdict(bed), CLOSING_AGREES);
	audit(bed);
	assert_true(network_is_clean(&bed->result));
}

static void a_last_word_of_other_balances_is_found(void **state)
{
	struct bed *bed = *state;

	seal_say(bed, 1);
	assert_int_equal(seal_verdict(bed), CLOSING_DIFFERS);
	assert_found(bed, NETWORK_SEAL);
	assert_int_equal(bed->result.findings, 1);
	assert_int_equal(bed->result.list[0].feed.site, B);
}

/* More was taken back than was ever sent. */
static void a_transfer_that_cannot_be_is_found(void **state)
{
	struct bed *bed = *state;

	move(bed, A, MOVEMENT_REVERSE, 50, "transit:3-4-1", "DOCK");
	node_hear_all(&bed->node, &bed->feeds, A);
	assert_found(bed, NETWORK_UNSOUND);
}

static void a_sum_of_a_transfer_that_nobody_said_is_found(void **state)
{
	struct bed *bed = *state;

	assert_done(transfer_forget(bed->node.t.txn, B, &bed->node.t.err),
		    &bed->node.t.err);
	assert_found(bed, NETWORK_TRANSFER);
}

/* What is derived from the feeds comes back from them. */
static void a_rebuild_makes_a_damaged_network_clean(void **state)
{
	struct bed *bed = *state;

	cell_plant(bed, "DOCK", 65);
	tables_flip(&bed->node.t, TABLE_SITE_BALANCE, 3);
	assert_done(transfer_forget(bed->node.t.txn, B, &bed->node.t.err),
		    &bed->node.t.err);
	audit(bed);
	assert_true(bed->result.findings >= 3);
	assert_done(feed_rebuild(bed->node.desk, bed->node.t.txn,
				 &bed->node.t.err),
		    &bed->node.t.err);
	audit(bed);
	assert_true(network_is_clean(&bed->result));
	assert_same_feed(&bed->feeds, &bed->feeds.author, &bed->node,
			 (struct feed_id){A, 1, 0});
}

static void every_kind_has_a_name_and_both_sentences(void **state)
{
	(void)state;
	for (int kind = NETWORK_MISSING; kind <= NETWORK_FINDING_MAX; kind++) {
		struct network_finding finding = {
			.kind = (enum network_finding_kind)kind};

		for (size_t size = 1; size <= NETWORK_FINDING_PRINT_SIZE;
		     size++) {
			char en[NETWORK_FINDING_PRINT_SIZE];
			char zh[NETWORK_FINDING_PRINT_SIZE];

			network_finding_print(&finding, false, en, size);
			network_finding_print(&finding, true, zh, size);
			assert_true(strlen(en) < size && strlen(zh) < size);
			assert_true(utf8_is_valid(span_of(zh)));
		}
		assert_true(network_finding_name(
			(enum network_finding_kind)kind)[0]);
	}
}

static enum err_code stop(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	(void)done;
	(void)total;
	return ERR_STOPPED;
}

static void an_audit_can_be_ended(void **state)
{
	struct bed *bed = *state;
	struct network_plan plan = {.progress = stop};

	for (int i = 0; i < 70; i++)
		move(bed, A, MOVEMENT_RECEIVE, 1, "supplier:acme", "DOCK");
	node_hear_all(&bed->node, &bed->feeds, A);
	assert_code(audit_network_run(node_view(&bed->node), &plan,
				      &bed->result, &bed->node.t.err),
		    ERR_STOPPED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_honest_network_is_clean),
		TEST(a_history_that_was_written_anew_is_found_by_what_peers_hold),
		TEST(a_delta_that_is_gone_is_found),
		TEST(a_flipped_bit_of_a_delta_is_found),
		TEST(rows_that_were_not_signed_are_found),
		TEST(a_header_that_was_not_signed_is_found),
		TEST(a_record_that_is_not_the_end_is_found),
		TEST(a_feed_that_nothing_certifies_is_found),
		TEST(a_balance_that_is_not_the_fold_is_found_and_unexplained),
		TEST(a_balance_that_is_gone_is_found),
		TEST(a_bin_below_zero_over_all_epochs_is_found),
		TEST(a_closed_transfer_with_a_residue_is_found),
		TEST(what_hq_wrote_off_stays_so_when_a_new_life_begins),
		TEST(what_is_loaded_after_the_end_is_under_way),
		TEST(a_last_word_of_the_same_balances_is_clean),
		TEST(a_last_word_of_other_balances_is_found),
		TEST(a_transfer_that_cannot_be_is_found),
		TEST(a_sum_of_a_transfer_that_nobody_said_is_found),
		TEST(a_rebuild_makes_a_damaged_network_clean),
		cmocka_unit_test(every_kind_has_a_name_and_both_sentences),
		TEST(an_audit_can_be_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
