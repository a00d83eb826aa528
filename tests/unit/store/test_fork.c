/*
 * A box was cloned: two boxes sign with one key. Both branches are kept, the
 * proof is small, and every node comes to the same feeds.
 */
#include "tests/support/feeds.h"

#define A SITE_FIRST
#define B (SITE_FIRST + 1)

static const struct feed_id whole = {A, 1, 0};
static struct sent sent;

/*
 * The author went on to seq 5 (TEA); its clone left it after seq 3 and went to
 * 6 (CUP). `first` hears the author first, `second` the clone.
 */
struct bed {
	struct feeds feeds;
	struct node clone;
	struct node first;
	struct node second;
	uint64_t tea; /* the branches' names */
	uint64_t cup;
};

static void move_in(struct bed *bed, struct node *node, const char *sku)
{
	struct entry entry =
		move_of(MOVEMENT_RECEIVE, sku, 10, "supplier:acme", "DOCK");
	struct writing *writing = writing_new(0);

	writing_add(&bed->feeds, writing, &entry);
	(void)node_write(&bed->feeds, node, whole, writing);
}

static uint64_t branch_name(const struct node *node)
{
	uint8_t hash[HASH_SIZE];

	assert_code(feed_hash_at(node_view(node), whole, 4, hash, NULL),
		    ERR_OK);
	return feed_branch_of(hash);
}

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	feeds_open(&bed->feeds);
	node_open(&bed->clone, &bed->feeds);
	node_open(&bed->first, &bed->feeds);
	node_open(&bed->second, &bed->feeds);
	move_in(bed, &bed->feeds.author, "TEA");
	move_in(bed, &bed->feeds.author, "TEA");
	node_hear_all(&bed->clone, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->clone, &bed->feeds, A);
	for (int i = 0; i < 2; i++)
		move_in(bed, &bed->feeds.author, "TEA");
	for (int i = 0; i < 3; i++)
		move_in(bed, &bed->clone, "CUP");
	bed->tea = branch_name(&bed->feeds.author);
	bed->cup = branch_name(&bed->clone);
	node_hear_all(&bed->first, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->second, &bed->feeds, SITE_CONTROL);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	node_close(&bed->clone);
	node_close(&bed->first);
	node_close(&bed->second);
	feeds_close(&bed->feeds);
	free(bed);
	return 0;
}

static enum admission hear(struct bed *bed, struct node *node,
			   const struct node *from, uint64_t seq,
			   uint64_t branch)
{
	node_send(from, whole, seq, &sent);
	return node_take(node, &bed->feeds, &sent, branch);
}

/* The proof of seq 4 from the two boxes' own deltas. */
static struct fork_proof proof_make(const struct bed *bed)
{
	struct fork_proof proof;
	static struct sent other;
	uint8_t first[HASH_SIZE];
	uint8_t second[HASH_SIZE];
	bool is_swapped;

	node_send(&bed->feeds.author, whole, 4, &sent);
	node_send(&bed->clone, whole, 4, &other);
	delta_hash(bed->feeds.net_id, &sent.delta.header, first);
	delta_hash(bed->feeds.net_id, &other.delta.header, second);
	is_swapped = memcmp(first, second, HASH_SIZE) > 0;
	proof.first = is_swapped ? other.delta.header : sent.delta.header;
	proof.second = is_swapped ? sent.delta.header : other.delta.header;
	memcpy(proof.first_signature,
	       is_swapped ? other.delta.signature : sent.delta.signature,
	       SIGNATURE_SIZE);
	memcpy(proof.second_signature,
	       is_swapped ? sent.delta.signature : other.delta.signature,
	       SIGNATURE_SIZE);
	return proof;
}

static void note(struct bed *bed, struct node *node)
{
	struct fork_proof proof = proof_make(bed);

	assert_done(fork_note(node->desk, node->t.txn, &proof, &node->t.err),
		    &node->t.err);
}

static void a_proof_is_small_and_anybody_can_check_it(void **state)
{
	struct bed *bed = *state;
	struct fork_proof proof = proof_make(bed);
	struct fork_proof again;
	uint8_t bytes[FORK_PROOF_SIZE_MAX];
	struct writer writer;
	struct reader reader;
	const uint8_t *key = signer_public(bed->feeds.sites[0]);

	assert_true(fork_proof_verify(key, bed->feeds.net_id, &proof));
	writer_init(&writer, bytes, sizeof(bytes));
	fork_proof_write(&writer, &proof);
	assert_true(writer_ok(&writer));
	printf("a proof of %zu bytes\n", writer.size);
	assert_in_range(writer.size, 1, FORK_PROOF_SIZE);
	reader_init(&reader, bytes, writer.size);
	assert_code(fork_proof_read(&reader, &again), ERR_OK);
	assert_true(reader_done(&reader));
	assert_true(fork_proof_verify(key, bed->feeds.net_id, &again));
	for (size_t size = 0; size < writer.size; size++) {
		reader_init(&reader, bytes, size);
		assert_code(fork_proof_read(&reader, &again), ERR_CORRUPT);
	}
	for (size_t i = 0; i < writer.size; i++) {
		bytes[i] ^= 1;
		reader_init(&reader, bytes, writer.size);
		if (fork_proof_read(&reader, &again) == ERR_OK)
			assert_false(fork_proof_verify(key, bed->feeds.net_id,
						       &again));
		bytes[i] ^= 1;
	}
	again = proof;
	again.second = again.first;
	assert_false(fork_proof_verify(key, bed->feeds.net_id, &again));
	assert_false(fork_proof_verify(signer_public(bed->feeds.sites[1]),
				       bed->feeds.net_id, &proof));
}

static void take_branches(struct bed *bed, struct node *node)
{
	for (uint64_t seq = 4; seq <= 5; seq++)
		(void)hear(bed, node, &bed->feeds.author, seq, bed->tea);
	for (uint64_t seq = 4; seq <= 6; seq++)
		(void)hear(bed, node, &bed->clone, seq, bed->cup);
}

static void assert_forked(const struct bed *bed, const struct node *node)
{
	struct feed_id tea = {A, 1, bed->tea};
	struct feed_id cup = {A, 1, bed->cup};
	struct feed_record feed = node_feed(node, whole);

	assert_string_equal(feed_state_name(feed.state), "forked");
	assert_int_equal(feed.seq, 3);
	assert_int_equal(node_feed(node, tea).seq, 5);
	assert_int_equal(node_feed(node, cup).seq, 6);
	assert_int_equal(node_units(node, &whole, "TEA", "DOCK"), 20);
	assert_int_equal(node_units(node, &tea, "TEA", "DOCK"), 20);
	assert_int_equal(node_units(node, &cup, "CUP", "DOCK"), 30);
}

static void assert_same(const struct bed *bed, const struct node *a,
			const struct node *b)
{
	struct feed_id tea = {A, 1, bed->tea};
	struct feed_id cup = {A, 1, bed->cup};
	uint8_t one[VECTOR_DIGEST_SIZE];
	uint8_t other[VECTOR_DIGEST_SIZE];

	assert_same_feed(&bed->feeds, a, b, whole);
	assert_same_feed(&bed->feeds, a, b, tea);
	assert_same_feed(&bed->feeds, a, b, cup);
	assert_code(feed_vector_digest(node_view(a), bed->feeds.net_id, one,
				       NULL),
		    ERR_OK);
	assert_code(feed_vector_digest(node_view(b), bed->feeds.net_id, other,
				       NULL),
		    ERR_OK);
	assert_memory_equal(one, other, sizeof(one));
}

/* The fork is found after 5 deltas of one branch, after 6 of the other, and
 * before any of either: the three nodes end with the same bytes. */
static void both_branches_are_kept_alike_whichever_came_first(void **state)
{
	struct bed *bed = *state;
	struct node early;

	node_open(&early, &bed->feeds);
	node_hear_all(&early, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->first, &bed->feeds, A);
	assert_admission(hear(bed, &bed->first, &bed->clone, 4, 0), "fork");
	note(bed, &bed->first);
	take_branches(bed, &bed->first);
	assert_forked(bed, &bed->first);

	for (uint64_t seq = 1; seq <= 6; seq++)
		assert_admission(hear(bed, &bed->second, &bed->clone, seq, 0),
				 "applied");
	note(bed, &bed->second);
	take_branches(bed, &bed->second);
	assert_forked(bed, &bed->second);

	assert_admission(hear(bed, &early, &bed->clone, 1, 0), "applied");
	note(bed, &early);
	assert_admission(hear(bed, &early, &bed->clone, 2, 0), "applied");
	assert_admission(hear(bed, &early, &bed->clone, 3, 0), "applied");
	take_branches(bed, &early);
	assert_forked(bed, &early);

	assert_same(bed, &bed->first, &bed->second);
	assert_same(bed, &bed->first, &early);
	node_close(&early);
}

/* A peer that has not heard of the fork still says branch 0. */
static void beyond_a_fork_branch_0_takes_nothing(void **state)
{
	struct bed *bed = *state;

	node_hear_all(&bed->first, &bed->feeds, A);
	note(bed, &bed->first);
	assert_admission(hear(bed, &bed->first, &bed->feeds.author, 4, 0),
			 "duplicate");
	assert_admission(hear(bed, &bed->first, &bed->feeds.author, 3, 0),
			 "duplicate");
	assert_admission(hear(bed, &bed->first, &bed->clone, 4, 0), "fork");
	assert_admission(hear(bed, &bed->first, &bed->clone, 5, 0), "gap");
	assert_admission(hear(bed, &bed->first, &bed->clone, 5, bed->cup),
			 "gap");
	assert_admission(hear(bed, &bed->first, &bed->clone, 4, 99),
			 "stranger");
	/* The same proof again changes nothing. */
	note(bed, &bed->first);
	assert_admission(hear(bed, &bed->first, &bed->clone, 4, bed->cup),
			 "applied");
}

static void a_fork_blocks_nobody_else(void **state)
{
	struct bed *bed = *state;

	node_hear_all(&bed->first, &bed->feeds, A);
	note(bed, &bed->first);
	(void)feeds_move(&bed->feeds, B, MOVEMENT_RECEIVE, "TEA", 4,
			 "supplier:acme", "DOCK");
	node_hear_all(&bed->first, &bed->feeds, B);
	assert_int_equal(node_units(&bed->first, &(struct feed_id){B, 1, 0},
				    "TEA", "DOCK"),
			 4);
}

/* HQ's word: the author's branch stays, the clone's is dropped. */
static void a_branch_that_is_dropped_no_longer_counts(void **state)
{
	struct bed *bed = *state;
	struct feed_id tea = {A, 1, bed->tea};
	struct feed_id cup = {A, 1, bed->cup};
	struct entry entry;

	node_hear_all(&bed->first, &bed->feeds, A);
	note(bed, &bed->first);
	take_branches(bed, &bed->first);
	entry_init(&entry, ENTRY_FENCE);
	entry.body.fence = (struct fence){.site = A,
					  .epoch = 1,
					  .branch = bed->cup,
					  .seq = 3,
					  .verdict = FENCE_DROPPED};
	(void)feeds_say(&bed->feeds, SITE_CONTROL, &entry);
	node_hear_all(&bed->first, &bed->feeds, SITE_CONTROL);
	assert_int_equal(node_units(&bed->first, &cup, "CUP", "DOCK"), 0);
	assert_int_equal(node_units(&bed->first, &tea, "TEA", "DOCK"), 20);
	assert_int_equal(node_feed(&bed->first, cup).counted, 3);
	assert_int_equal(node_feed(&bed->first, cup).seq, 6);
	assert_admission(hear(bed, &bed->first, &bed->clone, 6, bed->cup),
			 "duplicate");

	/* Another node hears it in the other order. */
	node_hear_all(&bed->second, &bed->feeds, SITE_CONTROL);
	for (uint64_t seq = 1; seq <= 6; seq++)
		(void)hear(bed, &bed->second, &bed->clone, seq, 0);
	note(bed, &bed->second);
	take_branches(bed, &bed->second);
	assert_int_equal(node_units(&bed->second, &tea, "TEA", "DOCK"), 20);
	assert_same_feed(&bed->feeds, &bed->first, &bed->second, tea);
}

/* HQ's word: the clone's branch stays, up to its delta 6, and of the author's
 * nodes have all, nothing yet, or less than the fence's seq. What counts is the
 * same, whether the fence comes before the branch it names or behind it. */
static void
a_branch_that_does_not_stay_ends_where_it_parts_however_short(void **state)
{
	struct bed *bed = *state;
	struct feed_id tea = {A, 1, bed->tea};
	struct feed_id cup = {A, 1, bed->cup};
	struct entry entry;

	node_hear_all(&bed->first, &bed->feeds, A);
	note(bed, &bed->first);
	take_branches(bed, &bed->first);
	entry_init(&entry, ENTRY_FENCE);
	entry.body.fence = (struct fence){
		.site = A, .epoch = 1, .seq = 6, .verdict = FENCE_STAYS};
	assert_code(feed_hash_at(node_view(&bed->first), cup, 6,
				 entry.body.fence.hash, NULL),
		    ERR_OK);
	(void)feeds_say(&bed->feeds, SITE_CONTROL, &entry);
	node_hear_all(&bed->first, &bed->feeds, SITE_CONTROL);
	assert_int_equal(node_feed(&bed->first, cup).counted, 6);
	assert_int_equal(node_feed(&bed->first, tea).counted, 3);
	assert_int_equal(node_units(&bed->first, &tea, "TEA", "DOCK"), 0);

	node_hear_all(&bed->second, &bed->feeds, SITE_CONTROL);
	for (uint64_t seq = 1; seq <= 4; seq++)
		(void)node_hear(&bed->second, &bed->feeds, A, seq);
	note(bed, &bed->second);
	assert_int_equal(node_feed(&bed->second, tea).counted, 4);
	for (uint64_t seq = 4; seq <= 6; seq++)
		assert_admission(hear(bed, &bed->second, &bed->clone, seq,
				      bed->cup),
				 "applied");
	assert_int_equal(node_feed(&bed->second, tea).counted, 3);
	assert_admission(hear(bed, &bed->second, &bed->feeds.author, 5,
			      bed->tea),
			 "fenced");
	assert_same_feed(&bed->feeds, &bed->first, &bed->second, cup);
	assert_int_equal(node_units(&bed->second, &tea, "TEA", "DOCK"), 0);
}

/* Method: a node that holds nothing of the feed hears of the fork first, as it
 * does by the retained alarm, and of the deltas then. */
static void a_fork_at_the_first_delta_begins_both_branches(void **state)
{
	struct bed *bed = *state;
	struct fork_proof proof = {0};
	struct feed_id branch = whole;
	uint8_t hash[HASH_SIZE];

	node_send(&bed->feeds.author, whole, 1, &sent);
	proof.first = sent.delta.header;
	proof.second = sent.delta.header;
	proof.second.boot++;
	assert_done(fork_note(bed->second.desk, bed->second.t.txn, &proof,
			      &bed->second.t.err),
		    &bed->second.t.err);
	delta_hash(bed->feeds.net_id, &proof.second, hash);
	branch.branch = feed_branch_of(hash);
	assert_int_equal(node_feed(&bed->second, branch).state, FEED_ADMITTED);
	delta_hash(bed->feeds.net_id, &proof.first, hash);
	branch.branch = feed_branch_of(hash);
	assert_admission(node_take(&bed->second, &bed->feeds, &sent,
				   branch.branch),
			 "applied");
	assert_int_equal(node_feed(&bed->second, branch).seq, 1);
	assert_int_equal(node_feed(&bed->second, whole).seq, 0);
}

static enum err_code proof_count(void *context, const struct fork_proof *proof,
				 struct err *err)
{
	size_t *count = context;

	(void)proof;
	(void)err;
	(*count)++;
	return ERR_OK;
}

struct proofs {
	struct fork_proof at[FORK_PROOFS_MAX];
	size_t count;
};

static enum err_code proofs_add(void *context, const struct fork_proof *proof,
				struct err *err)
{
	struct proofs *proofs = context;

	(void)err;
	assert_true(proofs->count < FORK_PROOFS_MAX);
	proofs->at[proofs->count++] = *proof;
	return ERR_OK;
}

/* A second copy of the box left it after seq 3 as well, and hears of the other
 * two from their proof: its own part is a third branch, and with its proofs
 * whoever had the two learns of the third. */
static void
a_feed_that_goes_three_ways_is_three_branches_everywhere(void **state)
{
	struct bed *bed = *state;
	struct node third;
	struct proofs proofs = {.count = 0};
	uint64_t pot;

	node_open(&third, &bed->feeds);
	node_hear_all(&third, &bed->feeds, SITE_CONTROL);
	for (uint64_t seq = 1; seq <= 3; seq++)
		assert_admission(hear(bed, &third, &bed->clone, seq, 0),
				 "applied");
	move_in(bed, &third, "POT");
	move_in(bed, &third, "POT");
	pot = branch_name(&third);
	note(bed, &third);
	take_branches(bed, &third);
	assert_forked(bed, &third);

	node_hear_all(&bed->first, &bed->feeds, A);
	note(bed, &bed->first);
	take_branches(bed, &bed->first);
	assert_code(fork_walk(node_view(&third), proofs_add, &proofs, NULL),
		    ERR_OK);
	assert_int_equal(proofs.count, 2);
	for (size_t i = 0; i < proofs.count; i++) {
		assert_true(
			fork_proof_verify(signer_public(bed->feeds.sites[0]),
					  bed->feeds.net_id, &proofs.at[i]));
		assert_done(fork_note(bed->first.desk, bed->first.t.txn,
				      &proofs.at[i], &bed->first.t.err),
			    &bed->first.t.err);
	}
	for (uint64_t seq = 4; seq <= 5; seq++) {
		node_send(&third, (struct feed_id){A, 1, pot}, seq, &sent);
		assert_admission(node_take(&bed->first, &bed->feeds, &sent,
					   pot),
				 "applied");
	}
	assert_forked(bed, &bed->first);
	assert_same(bed, &bed->first, &third);
	assert_same_feed(&bed->feeds, &bed->first, &third,
			 (struct feed_id){A, 1, pot});
	node_close(&third);
}

/* One key signs a hundred things with one seq: what is kept of it is bounded.
 */
static void the_evidence_is_bounded(void **state)
{
	struct bed *bed = *state;
	size_t count = 0;

	node_hear_all(&bed->first, &bed->feeds, A);
	for (uint64_t i = 0; i < 100; i++) {
		struct fork_proof proof = proof_make(bed);

		proof.second = proof.first;
		proof.second.boot = 1000 + i;
		assert_done(fork_note(bed->first.desk, bed->first.t.txn, &proof,
				      &bed->first.t.err),
			    &bed->first.t.err);
	}
	assert_code(fork_walk(node_view(&bed->first), proof_count, &count,
			      NULL),
		    ERR_OK);
	assert_int_equal(count, FORK_PROOFS_MAX);
	assert_int_equal(node_feed(&bed->first, whole).seq, 3);
}

/* What somebody with B's key signs behind its last delta, @ahead further. */
static void forge(struct bed *bed, uint64_t ahead, uint64_t boot,
		  struct sent *forged)
{
	struct feed_id id = {B, 1, 0};
	struct feed_record feed = node_feed(&bed->feeds.author, id);
	struct delta_header *header = &forged->delta.header;

	node_send(&bed->feeds.author, id, feed.seq, forged);
	header->seq = feed.seq + ahead;
	header->first = feed.number + ahead;
	header->boot = boot;
	memcpy(header->previous, feed.hash, HASH_SIZE);
	delta_sign(bed->feeds.sites[1], bed->feeds.net_id, header,
		   forged->delta.signature);
}

static void forgery_note(struct bed *bed, struct node *node, uint64_t ahead)
{
	static struct sent forged[2];
	uint8_t hashes[2][HASH_SIZE];
	struct fork_proof proof;
	size_t first;

	for (size_t i = 0; i < 2; i++) {
		forge(bed, ahead, 70 + i, &forged[i]);
		delta_hash(bed->feeds.net_id, &forged[i].delta.header,
			   hashes[i]);
	}
	first = memcmp(hashes[0], hashes[1], HASH_SIZE) < 0 ? 0 : 1;
	proof.first = forged[first].delta.header;
	proof.second = forged[1 - first].delta.header;
	memcpy(proof.first_signature, forged[first].delta.signature,
	       SIGNATURE_SIZE);
	memcpy(proof.second_signature, forged[1 - first].delta.signature,
	       SIGNATURE_SIZE);
	assert_true(fork_proof_verify(signer_public(bed->feeds.sites[1]),
				      bed->feeds.net_id, &proof));
	assert_done(fork_note(node->desk, node->t.txn, &proof, &node->t.err),
		    &node->t.err);
}

static void assert_closed(struct bed *bed, struct node *node)
{
	struct feed_record feed = node_feed(node, (struct feed_id){B, 1, 0});
	uint8_t hash[HASH_SIZE];

	assert_string_equal(feed_state_name(feed.state), "sealed");
	for (uint64_t boot = 70; boot < 72; boot++) {
		forge(bed, 1, boot, &sent);
		delta_hash(bed->feeds.net_id, &sent.delta.header, hash);
		assert_admission(node_take(node, &bed->feeds, &sent, 0),
				 "fenced");
		assert_admission(node_take(node, &bed->feeds, &sent,
					   feed_branch_of(hash)),
				 "stranger");
	}
}

/* B has closed itself. Whoever has its old disk signs two things behind that,
 * and the proof of it: they are nobody's. Method: right behind the closing, and
 * further on; the proofs come before the closing, and after it. */
static void a_fork_behind_a_closing_opens_nothing(void **state)
{
	struct bed *bed = *state;
	struct entry entry;

	entry_init(&entry, ENTRY_CLOSING);
	entry.body.closing.rows = 1;
	(void)feeds_say(&bed->feeds, B, &entry);
	for (uint64_t ahead = 1; ahead <= 6; ahead += 5)
		forgery_note(bed, &bed->second, ahead);
	node_hear_all(&bed->second, &bed->feeds, B);
	assert_closed(bed, &bed->second);
	node_hear_all(&bed->first, &bed->feeds, B);
	assert_closed(bed, &bed->first);
	for (uint64_t ahead = 6; ahead > 0; ahead -= ahead > 1 ? 5 : 1) {
		forgery_note(bed, &bed->first, ahead);
		assert_closed(bed, &bed->first);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_proof_is_small_and_anybody_can_check_it),
		TEST(both_branches_are_kept_alike_whichever_came_first),
		TEST(beyond_a_fork_branch_0_takes_nothing),
		TEST(a_fork_blocks_nobody_else),
		TEST(a_branch_that_is_dropped_no_longer_counts),
		TEST(a_branch_that_does_not_stay_ends_where_it_parts_however_short),
		TEST(a_fork_at_the_first_delta_begins_both_branches),
		TEST(a_feed_that_goes_three_ways_is_three_branches_everywhere),
		TEST(the_evidence_is_bounded),
		TEST(a_fork_behind_a_closing_opens_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
