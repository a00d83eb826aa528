/*
 * A movement for which a feed's balances have no room left is void, and says
 * nothing of a transfer either: not at once, and not when what its site says of
 * transfers is folded again, for whatever reason.
 *
 * Method: site A receives almost as much as 64 bits hold, and then takes in a
 * transfer from B for which there is no room (it says so as a busy box, whose
 * own store does not look at once). A node hears it as a peer does.
 */
#include "store/transfer.h"
#include "tests/support/feeds.h"

#define A SITE_FIRST
#define AGAIN 2 /* A's next epoch */
#define ITEM "TEA"
#define TRANSFER "4-3-1"
#define MOST (INT64_MAX / QTY_MOVE_MAX) /* movements that there is room for */

struct bed {
	struct feeds feeds;
	struct node node;
};

static void bed_write(struct bed *bed, struct node *box, uint32_t epoch,
		      const struct writing *writing)
{
	struct feed_write write = {.id = {A, epoch, 0},
				   .plan = {.signer = bed->feeds.sites[0],
					    .now = {bed->feeds.now_ms++},
					    .clock_trusted = true,
					    .boot = 7,
					    .rows_max = DELTA_ROWS_MAX,
					    .is_busy = true},
				   .entries = writing->spans,
				   .count = writing->count};
	uint64_t seq;

	assert_done(feed_write(box->desk, box->t.txn, &write, &seq,
			       &bed->feeds.err),
		    &bed->feeds.err);
}

static void say(struct bed *bed, struct node *box, uint32_t epoch,
		const struct entry *entry)
{
	struct writing *writing = writing_new(0);

	writing_add(&bed->feeds, writing, entry);
	bed_write(bed, box, epoch, writing);
}

static struct entry taken_in(void)
{
	return move_of(MOVEMENT_TRANSFER_IN, ITEM, QTY_MOVE_MAX,
		       "transit:" TRANSFER, "DOCK");
}

/* So much of it that one movement more has no room. */
static void dock_fill(struct bed *bed, struct node *box)
{
	struct entry entry = move_of(MOVEMENT_RECEIVE, ITEM, QTY_MOVE_MAX,
				     "supplier:acme", "DOCK");

	for (int64_t left = MOST; left > 0;) {
		struct writing *writing = writing_new(0);
		size_t count =
			left < DELTA_ROWS_MAX ? (size_t)left : DELTA_ROWS_MAX;

		writing_add(&bed->feeds, writing, &entry);
		for (size_t i = 1; i < count; i++)
			writing->spans[i] = writing->spans[0];
		writing->count = count;
		bed_write(bed, box, 1, writing);
		left -= (int64_t)count;
	}
}

static enum admission hear(struct bed *bed, struct node *node,
			   const struct node *from, struct feed_id id,
			   uint64_t seq)
{
	static struct sent sent;
	uint64_t branch = id.branch;

	id.branch = 0; /* in the box that wrote it */
	node_send(from, id, seq, &sent);
	return node_take(node, &bed->feeds, &sent, branch);
}

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct entry entry;

	assert_non_null(bed);
	feeds_open(&bed->feeds);
	entry = feeds_certificate(&bed->feeds, A);
	entry.body.certificate.epoch = AGAIN;
	entry.body.certificate.parent_epoch = 1;
	(void)feeds_say(&bed->feeds, SITE_CONTROL, &entry);
	dock_fill(bed, &bed->feeds.author);
	node_open(&bed->node, &bed->feeds);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, A);
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

static int64_t received(const struct node *node)
{
	struct transfer_sums sums;

	assert_code(transfer_sums(node_view(node), SPAN_LITERAL(TRANSFER),
				  SPAN_LITERAL(ITEM), &sums, NULL),
		    ERR_OK);
	return sums.good;
}

static uint64_t voids(const struct node *node, struct feed_id id)
{
	return node_feed(node, id).void_rows;
}

/* ---- */

static void assert_void(const struct bed *bed)
{
	struct feed_id id = {A, 1, 0};

	assert_int_equal(voids(&bed->node, id), 1);
	assert_int_equal(received(&bed->node), 0);
	assert_true(node_units(&bed->node, NULL, ITEM, "DOCK") ==
		    MOST * QTY_MOVE_MAX);
}

/* Method: HQ ends a later epoch of the site before what was here of it; then
 * the store is folded anew. */
static void what_has_no_room_is_void_whatever_is_folded_again(void **state)
{
	struct bed *bed = *state;
	struct feed_id later = {A, AGAIN, 0};
	struct node *author = &bed->feeds.author;
	struct entry entry = taken_in();
	struct feed_record feed;

	say(bed, author, 1, &entry);
	node_hear_all(&bed->node, &bed->feeds, A);
	assert_void(bed);

	entry = feeds_founding(&bed->feeds, A);
	say(bed, author, AGAIN, &entry);
	entry = move_of(MOVEMENT_TRANSFER_IN, ITEM, 7, "transit:" TRANSFER,
			"DOCK");
	say(bed, author, AGAIN, &entry);
	for (uint64_t seq = 1; seq <= 2; seq++)
		assert_admission(hear(bed, &bed->node, author, later, seq),
				 "applied");
	assert_int_equal(received(&bed->node), 7);
	entry_init(&entry, ENTRY_FENCE);
	entry.body.fence = (struct fence){
		.site = A, .epoch = AGAIN, .seq = 1, .verdict = FENCE_ENDED};
	assert_code(feed_hash_at(node_view(author), later, 1,
				 entry.body.fence.hash, NULL),
		    ERR_OK);
	(void)feeds_say(&bed->feeds, SITE_CONTROL, &entry);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	feed = node_feed(&bed->node, later);
	assert_int_equal(feed.counted, 1);
	assert_void(bed);

	assert_done(feed_rebuild(bed->node.desk, bed->node.t.txn,
				 &bed->node.t.err),
		    &bed->node.t.err);
	assert_void(bed);
}

/* @from and @other went different ways with delta @seq of A's first epoch;
 * *@ret_branch: @from's. */
static void note(struct bed *bed, struct node *node, const struct node *from,
		 const struct node *other, uint64_t seq, uint64_t *ret_branch)
{
	static struct sent sent[2];
	struct feed_id id = {A, 1, 0};
	uint8_t hashes[2][HASH_SIZE];
	struct fork_proof proof;
	size_t first;

	node_send(from, id, seq, &sent[0]);
	node_send(other, id, seq, &sent[1]);
	for (size_t i = 0; i < 2; i++)
		delta_hash(bed->feeds.net_id, &sent[i].delta.header, hashes[i]);
	first = memcmp(hashes[0], hashes[1], HASH_SIZE) < 0 ? 0 : 1;
	proof.first = sent[first].delta.header;
	proof.second = sent[1 - first].delta.header;
	memcpy(proof.first_signature, sent[first].delta.signature,
	       SIGNATURE_SIZE);
	memcpy(proof.second_signature, sent[1 - first].delta.signature,
	       SIGNATURE_SIZE);
	assert_true(fork_proof_verify(signer_public(bed->feeds.sites[0]),
				      bed->feeds.net_id, &proof));
	assert_done(fork_note(node->desk, node->t.txn, &proof, &node->t.err),
		    &node->t.err);
	*ret_branch = feed_branch_of(hashes[0]);
}

/* A branch has balances of its own, in which there is room: whether the node
 * hears of the fork before that delta or after it. */
static void what_moves_to_a_branch_with_room_counts_there(void **state)
{
	struct bed *bed = *state;
	struct node *author = &bed->feeds.author;
	struct feed_id branch = {A, 1, 0};
	uint64_t seq = node_feed(author, branch).seq + 1;
	struct entry entry = taken_in();
	struct entry lid =
		move_of(MOVEMENT_RECEIVE, "LID", 1, "supplier:acme", "DOCK");
	struct node twin;
	struct node other;

	node_open(&twin, &bed->feeds);
	node_open(&other, &bed->feeds);
	node_hear_all(&twin, &bed->feeds, SITE_CONTROL);
	node_hear_all(&other, &bed->feeds, SITE_CONTROL);
	node_hear_all(&twin, &bed->feeds, A);
	node_hear_all(&other, &bed->feeds, A);
	say(bed, author, 1, &entry);
	say(bed, &twin, 1, &lid);

	node_hear_all(&bed->node, &bed->feeds, A);
	assert_void(bed);
	note(bed, &bed->node, author, &twin, seq, &branch.branch);

	note(bed, &other, author, &twin, seq, &branch.branch);
	assert_admission(hear(bed, &other, author, branch, seq), "applied");
	assert_int_equal(voids(&bed->node, branch), 0);
	assert_int_equal(voids(&other, branch), 0);
	assert_same_feed(&bed->feeds, &bed->node, &other, branch);
	assert_true(received(&other) == QTY_MOVE_MAX);
	assert_true(received(&bed->node) == QTY_MOVE_MAX);
	node_close(&twin);
	node_close(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_has_no_room_is_void_whatever_is_folded_again),
		TEST(what_moves_to_a_branch_with_room_counts_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
