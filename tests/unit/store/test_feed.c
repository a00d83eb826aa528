/*
 * Deltas of peers: what is admitted, what is refused and by which name, and
 * that what comes of it does not depend on the order in which it came.
 */
#include "tests/support/feeds.h"

#define A SITE_FIRST
#define B (SITE_FIRST + 1)
#define C (SITE_FIRST + 2)

struct bed {
	struct feeds feeds;
	struct node node;
};

static const struct feed_id feed_a = {A, 1, 0};
static const struct feed_id feed_b = {B, 1, 0};
static struct sent sent;

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	feeds_open(&bed->feeds);
	node_open(&bed->node, &bed->feeds);
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

static void receive(struct bed *bed, uint32_t site, const char *sku,
		    int64_t units)
{
	(void)feeds_move(&bed->feeds, site, MOVEMENT_RECEIVE, sku, units,
			 "supplier:acme", "DOCK");
}

static void send(struct bed *bed, uint32_t site, uint64_t seq)
{
	node_send(&bed->feeds.author, (struct feed_id){site, 1, 0}, seq, &sent);
}

static enum admission take(struct bed *bed)
{
	return node_take(&bed->node, &bed->feeds, &sent, 0);
}

/* ---- what is admitted ---- */

static void a_feed_in_order_is_applied_with_its_effects(void **state)
{
	struct bed *bed = *state;
	struct feed_record feed;

	receive(bed, A, "TEA", 100);
	(void)feeds_move(&bed->feeds, A, MOVEMENT_PICK, "TEA", 30, "DOCK",
			 "PICKED");
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, A);
	feed = node_feed(&bed->node, feed_a);
	assert_int_equal(feed.seq, 3);
	assert_int_equal(feed.number, 3);
	assert_int_equal(feed.rows, 3);
	assert_int_equal(feed.void_rows, 0);
	assert_string_equal(feed_state_name(feed.state), "contiguous");
	assert_int_equal(node_units(&bed->node, &feed_a, "TEA", "DOCK"), 70);
	assert_int_equal(node_units(&bed->node, &feed_a, "TEA", "PICKED"), 30);
	assert_int_equal(
		node_units(&bed->node, &feed_a, "TEA", "supplier:acme"), -100);
	assert_same_feed(&bed->feeds, &bed->feeds.author, &bed->node, feed_a);
}

static void
a_delta_that_is_here_is_a_duplicate_and_changes_nothing(void **state)
{
	struct bed *bed = *state;
	uint8_t before[VECTOR_DIGEST_SIZE];
	uint8_t after[VECTOR_DIGEST_SIZE];

	receive(bed, A, "TEA", 100);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, A);
	assert_code(feed_vector_digest(node_view(&bed->node), bed->feeds.net_id,
				       before, NULL),
		    ERR_OK);
	for (uint64_t seq = 1; seq <= 2; seq++)
		assert_admission(node_hear(&bed->node, &bed->feeds, A, seq),
				 "duplicate");
	assert_code(feed_vector_digest(node_view(&bed->node), bed->feeds.net_id,
				       after, NULL),
		    ERR_OK);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(node_units(&bed->node, &feed_a, "TEA", "DOCK"), 100);
}

static void a_delta_beyond_the_next_is_a_gap(void **state)
{
	struct bed *bed = *state;

	receive(bed, A, "TEA", 100);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_admission(node_hear(&bed->node, &bed->feeds, A, 2), "gap");
	assert_admission(node_hear(&bed->node, &bed->feeds, A, 1), "applied");
	assert_admission(node_hear(&bed->node, &bed->feeds, A, 2), "applied");
}

static void a_feed_without_certificate_is_a_stranger(void **state)
{
	struct bed *bed = *state;

	assert_admission(node_hear(&bed->node, &bed->feeds, A, 1), "stranger");
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_admission(node_hear(&bed->node, &bed->feeds, A, 1), "applied");
}

/* A signature that was touched, and a header that says more than was signed. */
static void a_signature_of_another_hand_is_forged(void **state)
{
	struct bed *bed = *state;

	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	send(bed, A, 1);
	sent.delta.signature[17] ^= 1;
	assert_admission(take(bed), "forged");
	send(bed, A, 1);
	sent.delta.header.boot++;
	assert_admission(take(bed), "forged");
	delta_sign(bed->feeds.sites[1], bed->feeds.net_id, &sent.delta.header,
		   sent.delta.signature);
	assert_admission(take(bed), "forged");
	send(bed, A, 1);
	assert_admission(take(bed), "applied");
}

/* Each life of a site's log has a key of its own, and none of them signs for
 * another one: neither the old one for the new life nor the other way round. */
static void a_key_signs_for_its_own_epoch_only(void **state)
{
	struct bed *bed = *state;
	struct entry next = feeds_certificate(&bed->feeds, A);

	next.body.certificate.epoch = 2;
	next.body.certificate.parent_epoch = 1;
	memcpy(next.body.certificate.public_key,
	       signer_public(bed->feeds.sites[2]), KEY_PUBLIC_SIZE);
	(void)feeds_say(&bed->feeds, SITE_CONTROL, &next);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	send(bed, A, 1);
	sent.delta.header.epoch = 2;
	delta_sign(bed->feeds.sites[0], bed->feeds.net_id, &sent.delta.header,
		   sent.delta.signature);
	assert_admission(take(bed), "forged");
	send(bed, A, 1);
	delta_sign(bed->feeds.sites[2], bed->feeds.net_id, &sent.delta.header,
		   sent.delta.signature);
	assert_admission(take(bed), "forged");
	send(bed, A, 1);
	assert_admission(take(bed), "applied");
}

static void resign(struct bed *bed, uint32_t site)
{
	delta_rows_hash(bed->feeds.net_id, sent.delta.rows,
			sent.delta.header.rows_hash);
	delta_sign(feeds_signer_of(&bed->feeds, site), bed->feeds.net_id,
		   &sent.delta.header, sent.delta.signature);
}

static void a_delta_that_follows_another_hash_is_broken(void **state)
{
	struct bed *bed = *state;

	receive(bed, A, "TEA", 100);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_admission(node_hear(&bed->node, &bed->feeds, A, 1), "applied");
	send(bed, A, 2);
	sent.delta.header.previous[0] ^= 1;
	resign(bed, A);
	assert_admission(take(bed), "broken");
	send(bed, A, 2);
	sent.delta.header.first++;
	resign(bed, A);
	assert_admission(take(bed), "broken");
	assert_int_equal(node_feed(&bed->node, feed_a).seq, 1);
}

static void rows_that_are_not_the_headers_are_garbled(void **state)
{
	struct bed *bed = *state;

	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	send(bed, A, 1);
	sent.rows[3] ^= 1;
	assert_admission(take(bed), "garbled");
	send(bed, A, 1);
	sent.delta.rows.size--;
	assert_admission(take(bed), "garbled");
	send(bed, A, 1);
	sent.delta.header.row_count = 0;
	assert_admission(take(bed), "garbled");
	assert_admission(node_hear(&bed->node, &bed->feeds, A, 1), "applied");
}

static void another_delta_with_a_seq_that_is_here_is_a_fork(void **state)
{
	struct bed *bed = *state;

	receive(bed, A, "TEA", 100);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, A);
	send(bed, A, 2);
	sent.delta.header.boot++;
	assert_admission(take(bed), "forged"); /* nobody is accused of that */
	resign(bed, A);
	assert_admission(take(bed), "fork");
}

static void a_foreign_networks_control_is_a_stranger(void **state)
{
	struct bed *bed = *state;
	struct feeds other = bed->feeds;

	node_send(&bed->feeds.author, (struct feed_id){SITE_CONTROL, 1, 0}, 1,
		  &sent);
	other.net_id[0] ^= 1;
	assert_admission(node_take(&bed->node, &other, &sent, 0), "stranger");
	assert_admission(take(bed), "applied");
}

/* ---- fences ---- */

static void fence(struct bed *bed, uint32_t site, uint64_t seq,
		  enum fence_verdict verdict)
{
	struct feed_id id = {site, 1, 0};
	struct entry entry;

	entry_init(&entry, ENTRY_FENCE);
	entry.body.fence.site = site;
	entry.body.fence.epoch = 1;
	entry.body.fence.seq = seq;
	entry.body.fence.verdict = verdict;
	assert_code(feed_hash_at(node_view(&bed->feeds.author), id, seq,
				 entry.body.fence.hash, NULL),
		    ERR_OK);
	(void)feeds_say(&bed->feeds, SITE_CONTROL, &entry);
}

static void a_delta_beyond_its_fence_is_refused(void **state)
{
	struct bed *bed = *state;

	receive(bed, A, "TEA", 100);
	receive(bed, A, "TEA", 10);
	fence(bed, A, 2, FENCE_REVOKED);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_admission(node_hear(&bed->node, &bed->feeds, A, 1), "applied");
	assert_admission(node_hear(&bed->node, &bed->feeds, A, 3), "fenced");
	assert_admission(node_hear(&bed->node, &bed->feeds, A, 2), "applied");
	assert_string_equal(
		feed_state_name(node_feed(&bed->node, feed_a).state), "fenced");
	assert_admission(node_hear(&bed->node, &bed->feeds, A, 3), "fenced");
	assert_int_equal(node_units(&bed->node, &feed_a, "TEA", "DOCK"), 100);
}

/* The fence comes after what it excludes: the balances are those of a node that
 * heard it before. Another site's are not touched. */
static void a_fence_takes_back_what_is_beyond_it(void **state)
{
	struct bed *bed = *state;
	struct node other;

	receive(bed, A, "TEA", 100);
	receive(bed, A, "TEA", 10);
	receive(bed, A, "CUP", 5);
	receive(bed, B, "TEA", 3);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, A);
	node_hear_all(&bed->node, &bed->feeds, B);
	assert_int_equal(node_units(&bed->node, &feed_a, "TEA", "DOCK"), 110);
	fence(bed, A, 2, FENCE_REVOKED);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_int_equal(node_units(&bed->node, &feed_a, "TEA", "DOCK"), 100);
	assert_int_equal(node_units(&bed->node, &feed_a, "CUP", "DOCK"), 0);
	assert_int_equal(node_units(&bed->node, &feed_b, "TEA", "DOCK"), 3);
	assert_int_equal(node_feed(&bed->node, feed_a).counted, 2);
	assert_int_equal(node_feed(&bed->node, feed_a).seq, 4);

	node_open(&other, &bed->feeds);
	node_hear_all(&other, &bed->feeds, SITE_CONTROL);
	assert_admission(node_hear(&other, &bed->feeds, A, 1), "applied");
	assert_admission(node_hear(&other, &bed->feeds, A, 2), "applied");
	assert_admission(node_hear(&other, &bed->feeds, A, 3), "fenced");
	assert_int_equal(node_units(&other, &feed_a, "TEA", "DOCK"), 100);
	node_close(&other);
}

static void a_feed_that_its_owner_sealed_takes_no_more(void **state)
{
	struct bed *bed = *state;
	struct entry entry;

	entry_init(&entry, ENTRY_CLOSING);
	entry.body.closing.rows = 1;
	(void)feeds_say(&bed->feeds, A, &entry);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, A);
	assert_string_equal(
		feed_state_name(node_feed(&bed->node, feed_a).state), "sealed");
	send(bed, A, 2);
	sent.delta.header.seq = 3;
	sent.delta.header.first = 3;
	memcpy(sent.delta.header.previous, node_feed(&bed->node, feed_a).hash,
	       HASH_SIZE);
	resign(bed, A);
	assert_admission(take(bed), "fenced");
}

/* ---- void rows ---- */

static enum err_code void_count(void *context, struct pos pos,
				enum void_reason reason, struct err *err)
{
	char *text = context;

	(void)err;
	(void)text_format(text + strlen(text), 64, "%d:%s ",
			  (int)pos_number(pos), void_reason_name(reason));
	return ERR_OK;
}

/* An author that breaks the rules has to write past our own feed_write, which
 * refuses: it writes, looks away, and goes on. */
static void say_void(struct bed *bed, uint32_t site, const struct entry *entry)
{
	struct writing *writing = writing_new(0);
	struct feed_write write;
	uint64_t seq;

	writing_add(&bed->feeds, writing, entry);
	write = (struct feed_write){
		.id = {site, 1, 0},
		.plan = {.signer = feeds_signer_of(&bed->feeds, site),
			 .now = {bed->feeds.now_ms++},
			 .boot = 7,
			 .rows_max = 1},
		.entries = writing->spans,
		.count = 1};
	assert_code(feed_write(bed->feeds.author.desk, bed->feeds.author.t.txn,
			       &write, &seq, NULL),
		    ERR_INVALID);
}

static void
what_is_not_its_writers_to_say_is_void_and_stalls_nothing(void **state)
{
	struct bed *bed = *state;
	struct entry of_others = move_of(MOVEMENT_TRANSFER_IN, "TEA", 5,
					 "transit:4-5-1", "DOCK");
	struct entry certificate = feeds_certificate(&bed->feeds, A);
	struct entry founding = feeds_founding(&bed->feeds, A);
	struct entry unsound =
		move_of(MOVEMENT_RECEIVE, "TEA", 0, "supplier:acme", "DOCK");
	char voids[256] = "";

	say_void(bed, A, &of_others);
	say_void(bed, A, &certificate);
	say_void(bed, A, &founding);
	say_void(bed, A, &unsound);
	receive(bed, A, "TEA", 7);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, A);
	assert_int_equal(node_feed(&bed->node, feed_a).void_rows, 4);
	assert_int_equal(node_feed(&bed->node, feed_a).rows, 6);
	assert_code(feed_void_walk(node_view(&bed->node), feed_a, void_count,
				   voids, NULL),
		    ERR_OK);
	assert_string_equal(voids,
			    "2:authority 3:authority 4:founding 5:unsound ");
	assert_int_equal(node_units(&bed->node, &feed_a, "TEA", "DOCK"), 7);
	assert_same_feed(&bed->feeds, &bed->feeds.author, &bed->node, feed_a);
}

static void a_sum_beyond_64_bits_is_void(void **state)
{
	struct bed *bed = *state;
	struct writing *writing = writing_new(0);
	struct entry entry = move_of(MOVEMENT_RECEIVE, "TEA", QTY_MOVE_MAX,
				     "supplier:acme", "DOCK");

	for (size_t i = 0; i < ARRAY_LEN(writing->bytes); i++)
		writing_add(&bed->feeds, writing, &entry);
	for (size_t i = ARRAY_LEN(writing->bytes); i < DELTA_ROWS_MAX; i++)
		writing->spans[i] =
			writing->spans[i % ARRAY_LEN(writing->bytes)];
	writing->count = DELTA_ROWS_MAX;
	/* 9,223 of the largest movements fit, and not one more. */
	for (size_t i = 0; i < 9; i++)
		(void)node_write(&bed->feeds, &bed->feeds.author, feed_a,
				 writing);
	writing->count = 9223 - 9 * DELTA_ROWS_MAX;
	(void)node_write(&bed->feeds, &bed->feeds.author, feed_a, writing);
	say_void(bed, A, &entry);
	receive(bed, A, "CUP", 2);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, A);
	assert_int_equal(node_feed(&bed->node, feed_a).void_rows, 1);
	assert_int_equal(node_units(&bed->node, &feed_a, "CUP", "DOCK"), 2);
}

/* Garbage that its owner signed: all rows of that delta are void, and the next
 * one goes on from the state before it. */
static void rows_in_no_form_are_void_and_the_chain_goes_on(void **state)
{
	struct bed *bed = *state;
	struct feed_record feed;

	receive(bed, A, "TEA", 7);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_admission(node_hear(&bed->node, &bed->feeds, A, 1), "applied");
	send(bed, A, 2);
	memset(sent.rows, 0xff, sent.delta.rows.size);
	resign(bed, A);
	assert_admission(take(bed), "applied");
	feed = node_feed(&bed->node, feed_a);
	assert_int_equal(feed.seq, 2);
	assert_int_equal(feed.void_rows, 1);
	/* The next one, whose rows are what the author would write. */
	send(bed, A, 2);
	sent.delta.header.seq = 3;
	sent.delta.header.first = 3;
	memcpy(sent.delta.header.previous, feed.hash, HASH_SIZE);
	resign(bed, A);
	assert_admission(take(bed), "applied");
	assert_int_equal(node_units(&bed->node, &feed_a, "TEA", "DOCK"), 7);
}

static void kinds_of_a_newer_depot_are_kept_and_skipped(void **state)
{
	struct bed *bed = *state;
	struct writing *writing = writing_new(1);
	uint8_t newer[] = {1, 99, 2, 5, 0x20, 7};

	writing->spans[0] = (struct span){(const char *)newer, sizeof(newer)};
	(void)node_write(&bed->feeds, &bed->feeds.author, feed_a, writing);
	receive(bed, A, "TEA", 7);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, A);
	assert_int_equal(node_feed(&bed->node, feed_a).rows, 3);
	assert_int_equal(node_feed(&bed->node, feed_a).void_rows, 0);
	assert_int_equal(node_units(&bed->node, &feed_a, "TEA", "DOCK"), 7);
}

/* ---- order of arrival ---- */

#define ORDERS 40
#define DELTAS_EACH 12

static void author_day(struct bed *bed, uint64_t *seed)
{
	for (uint32_t i = 0; i < 3 * DELTAS_EACH; i++) {
		uint32_t site = A + i % 3;
		const char *sku = test_random(seed) % 2 ? "TEA" : "CUP";
		int64_t units = 1 + (int64_t)(test_random(seed) % 50);

		if (test_random(seed) % 3 != 0)
			receive(bed, site, sku, units);
		else
			(void)feeds_move(&bed->feeds, site, MOVEMENT_PICK, sku,
					 units, "DOCK", "PICKED");
	}
}

/* Takes any site's next delta at random, with repeats and gaps among them. */
static void hear_at_random(struct bed *bed, struct node *node, uint64_t *seed)
{
	uint64_t heads[3] = {0};
	uint64_t last = DELTAS_EACH + 1;

	node_hear_all(node, &bed->feeds, SITE_CONTROL);
	while (heads[0] + heads[1] + heads[2] < 3 * last) {
		uint32_t i = (uint32_t)(test_random(seed) % 3);
		uint64_t seq = 1 + test_random(seed) % last;
		enum admission admission =
			node_hear(node, &bed->feeds, A + i, seq);

		assert_admission(admission, seq <= heads[i]       ? "duplicate"
					    : seq == heads[i] + 1 ? "applied"
								  : "gap");
		heads[i] += admission == ADMISSION_APPLIED;
		if (test_random(seed) % 16 == 0)
			tables_commit(&node->t);
	}
}

/* Method: three feeds of 12 deltas in 40 random orders, each with duplicates
 * and gaps; every node ends with the same digests. */
static void any_order_of_arrival_ends_with_the_same_bytes(void **state)
{
	struct bed *bed = *state;
	uint64_t seed = test_seed(3);
	uint8_t vector[2][VECTOR_DIGEST_SIZE];

	author_day(bed, &seed);
	assert_code(feed_vector_digest(node_view(&bed->feeds.author),
				       bed->feeds.net_id, vector[0], NULL),
		    ERR_OK);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, A + 3);
	for (size_t i = 0; i < ORDERS; i++) {
		struct node node;

		node_open(&node, &bed->feeds);
		hear_at_random(bed, &node, &seed);
		node_hear_all(&node, &bed->feeds, A + 3);
		for (uint32_t site = A; site < A + 3; site++)
			assert_same_feed(&bed->feeds, &bed->feeds.author, &node,
					 (struct feed_id){site, 1, 0});
		assert_code(feed_vector_digest(node_view(&node),
					       bed->feeds.net_id, vector[1],
					       NULL),
			    ERR_OK);
		assert_memory_equal(vector[0], vector[1], sizeof(vector[0]));
		node_close(&node);
	}
}

/* A transaction that is abandoned leaves the desk able to go on: its states
 * that ran ahead are not those of the store any more. */
static void an_abandoned_transaction_leaves_desk_and_store_in_step(void **state)
{
	struct bed *bed = *state;
	uint64_t seed = test_seed(4);

	author_day(bed, &seed);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	tables_commit(&bed->node.t);
	for (uint64_t seq = 1; seq <= DELTAS_EACH + 1; seq++) {
		assert_admission(node_hear(&bed->node, &bed->feeds, A, seq),
				 "applied");
		if (seq <= DELTAS_EACH)
			assert_admission(node_hear(&bed->node, &bed->feeds, A,
						   seq + 1),
					 "applied");
		tables_abandon(&bed->node.t);
		if (seq % 2 == 0)
			feed_desk_abandon(bed->node.desk);
		assert_admission(node_hear(&bed->node, &bed->feeds, A, seq),
				 "applied");
		tables_commit(&bed->node.t);
		feed_desk_committed(bed->node.desk);
	}
	assert_same_feed(&bed->feeds, &bed->feeds.author, &bed->node, feed_a);
}

/* ---- counting ---- */

static enum err_code
refusal_note(void *context, const struct feed_refusal *refusal, struct err *err)
{
	struct feed_refusal *sum = context;

	(void)err;
	if (refusal->site == A)
		*sum = *refusal;
	else
		sum->epoch++;
	return ERR_OK;
}

/* A liar makes up a thousand sites: what is counted of them is bounded, and
 * those that were there keep their own count. */
static void refusals_are_counted_and_bounded(void **state)
{
	struct bed *bed = *state;
	struct feed_refusal sum = {.site = 0};

	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	send(bed, A, 1);
	for (uint32_t i = 0; i < 1000; i++) {
		struct delta_header header = sent.delta.header;

		header.site = A + i;
		assert_done(feed_refused(bed->node.t.txn, &header,
					 ADMISSION_STRANGER,
					 (struct moment){FEEDS_START_MS + i},
					 &bed->node.t.err),
			    &bed->node.t.err);
	}
	assert_done(feed_refused(bed->node.t.txn, &sent.delta.header,
				 ADMISSION_STRANGER,
				 (struct moment){FEEDS_START_MS},
				 &bed->node.t.err),
		    &bed->node.t.err);
	assert_code(feed_refusal_walk(node_view(&bed->node), refusal_note, &sum,
				      NULL),
		    ERR_OK);
	assert_int_equal(sum.count, 2);
	assert_int_equal(sum.last_seq, 1);
	assert_int_equal(sum.last.ms, FEEDS_START_MS);
	assert_int_equal(sum.epoch, 1 + FEED_REFUSALS_MAX - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_feed_in_order_is_applied_with_its_effects),
		TEST(a_delta_that_is_here_is_a_duplicate_and_changes_nothing),
		TEST(a_delta_beyond_the_next_is_a_gap),
		TEST(a_feed_without_certificate_is_a_stranger),
		TEST(a_signature_of_another_hand_is_forged),
		TEST(a_key_signs_for_its_own_epoch_only),
		TEST(a_delta_that_follows_another_hash_is_broken),
		TEST(rows_that_are_not_the_headers_are_garbled),
		TEST(another_delta_with_a_seq_that_is_here_is_a_fork),
		TEST(a_foreign_networks_control_is_a_stranger),
		TEST(a_delta_beyond_its_fence_is_refused),
		TEST(a_fence_takes_back_what_is_beyond_it),
		TEST(a_feed_that_its_owner_sealed_takes_no_more),
		TEST(what_is_not_its_writers_to_say_is_void_and_stalls_nothing),
		TEST(a_sum_beyond_64_bits_is_void),
		TEST(rows_in_no_form_are_void_and_the_chain_goes_on),
		TEST(kinds_of_a_newer_depot_are_kept_and_skipped),
		TEST(any_order_of_arrival_ends_with_the_same_bytes),
		TEST(an_abandoned_transaction_leaves_desk_and_store_in_step),
		TEST(refusals_are_counted_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
