/*
 * HQ's control feed: the roster that comes of it, and that it never goes back.
 */
#include "tests/support/feeds.h"

#define A SITE_FIRST
#define B (SITE_FIRST + 1)

struct bed {
	struct feeds feeds;
	struct node node;
};

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

static enum admission take(struct bed *bed)
{
	return node_take(&bed->node, &bed->feeds, &sent, 0);
}

/* ---- the roster ---- */

static void the_roster_answers_from_the_control_feed(void **state)
{
	struct bed *bed = *state;
	const struct view *view = node_view(&bed->node);
	struct entry asked;
	struct entry said;
	struct certificate certificate;
	struct intent intent;
	struct intent_result result;
	struct root root;
	struct pos control;

	assert_code(roster_root(view, &root, NULL), ERR_NOT_FOUND);
	entry_init(&asked, ENTRY_INTENT);
	TEXT_SET(asked.body.intent.id, "i-1");
	TEXT_SET(asked.body.intent.verb, "task.cancel");
	asked.body.intent.target = A;
	(void)feeds_say(&bed->feeds, SITE_CONTROL, &asked);
	entry_init(&said, ENTRY_INTENT_RESULT);
	TEXT_SET(said.body.intent_result.id, "i-1");
	said.body.intent_result.state = INTENT_DONE;
	(void)feeds_say(&bed->feeds, B, &said); /* nobody asked that one */
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, B);
	assert_code(roster_root(view, &root, NULL), ERR_OK);
	assert_true(root_verify(bed->feeds.net_id, &root));
	assert_code(feed_control(view, &control, NULL), ERR_OK);
	assert_int_equal(control.value, pos_make(1, 2).value);
	assert_code(roster_site_named(view, SPAN_LITERAL("hz-04"), &certificate,
				      NULL),
		    ERR_OK);
	assert_int_equal(certificate.site, 4);
	assert_code(roster_site(view, 99, &certificate, NULL), ERR_NOT_FOUND);
	assert_code(roster_intent(view, SPAN_LITERAL("i-1"), &intent, &result,
				  NULL),
		    ERR_OK);
	assert_int_equal(result.state, 0);
	(void)feeds_say(&bed->feeds, A, &said);
	node_hear_all(&bed->node, &bed->feeds, A);
	assert_code(roster_intent(view, SPAN_LITERAL("i-1"), &intent, &result,
				  NULL),
		    ERR_OK);
	assert_int_equal(result.state, INTENT_DONE);
}

/* ---- control ---- */

/* A second epoch of control, which follows on @after deltas of the first. */
static void control_renew(struct bed *bed, uint64_t after)
{
	struct writing *writing = writing_new(0);
	struct feed_id first = {SITE_CONTROL, 1, 0};
	struct entry entry;

	entry_init(&entry, ENTRY_ROOT);
	entry.body.root.epoch = 2;
	entry.body.root.after_seq = after;
	assert_code(feed_hash_at(node_view(&bed->feeds.author), first, after,
				 entry.body.root.after_hash, NULL),
		    ERR_OK);
	signer_close(bed->feeds.control);
	bed->feeds.control = feeds_signer(3);
	memcpy(entry.body.root.public_key, signer_public(bed->feeds.control),
	       KEY_PUBLIC_SIZE);
	root_sign(bed->feeds.root, &entry.body.root);
	writing_add(&bed->feeds, writing, &entry);
	(void)node_write(&bed->feeds, &bed->feeds.author,
			 (struct feed_id){SITE_CONTROL, 2, 0}, writing);
}

static enum admission hear_control(struct bed *bed, struct node *node,
				   uint32_t epoch, uint64_t seq)
{
	node_send(&bed->feeds.author, (struct feed_id){SITE_CONTROL, epoch, 0},
		  seq, &sent);
	return node_take(node, &bed->feeds, &sent, 0);
}

static void invite(struct bed *bed, uint32_t number)
{
	struct entry entry = sample_entry(ENTRY_INVITATION);
	struct invitation invitation = entry.body.invitation;

	entry_init(&entry, ENTRY_INVITATION);
	invitation.number = number;
	entry.body.invitation = invitation;
	(void)feeds_say(&bed->feeds, SITE_CONTROL, &entry);
}

static void assert_invited(const struct node *node, uint32_t number,
			   bool is_there)
{
	struct invitation invitation;

	assert_code(roster_invitation(node_view(node), number, &invitation,
				      NULL),
		    is_there ? ERR_OK : ERR_NOT_FOUND);
}

/* HQ was restored: the root says how much of the old control counts. A node
 * that heard more takes it back, and one that heard less first gets the rest;
 * none goes back to the old epoch beyond that. */
static void the_root_ends_an_epoch_of_control(void **state)
{
	struct bed *bed = *state;
	struct node late;
	struct pos control;

	invite(bed, 1);
	invite(bed, 2);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_invited(&bed->node, 2, true);
	node_open(&late, &bed->feeds);
	assert_admission(hear_control(bed, &late, 1, 1), "applied");
	control_renew(bed, 2);
	assert_admission(hear_control(bed, &bed->node, 2, 1), "applied");
	assert_invited(&bed->node, 1, true);
	assert_invited(&bed->node, 2, false);
	assert_code(feed_control(node_view(&bed->node), &control, NULL),
		    ERR_OK);
	assert_int_equal(control.value, pos_make(2, 1).value);

	assert_admission(hear_control(bed, &late, 2, 1), "gap");
	assert_admission(hear_control(bed, &late, 1, 2), "applied");
	assert_admission(hear_control(bed, &late, 2, 1), "applied");
	assert_admission(hear_control(bed, &late, 1, 3), "fenced");
	assert_invited(&late, 1, true);
	assert_invited(&late, 2, false);
	node_close(&late);
}

static void a_root_that_another_key_signed_says_nothing(void **state)
{
	struct bed *bed = *state;
	struct signer *thief = feeds_signer(66);
	struct signer *root = bed->feeds.root;

	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	bed->feeds.root = thief;
	/* The author's own store would not take it either. */
	node_send(&bed->feeds.author, (struct feed_id){SITE_CONTROL, 1, 0}, 1,
		  &sent);
	bed->feeds.root = root;
	sent.delta.header.epoch = 2;
	delta_sign(thief, bed->feeds.net_id, &sent.delta.header,
		   sent.delta.signature);
	assert_admission(take(bed), "stranger");
	signer_close(thief);
}

/* Control's delta 3 as HQ said it, and as it said it again; what it was shown
 * by is @ret_proof. */
static void say_twice(struct bed *bed, struct sent *ret_first,
		      struct sent *ret_second, struct fork_proof *ret_proof)
{
	struct delta *second = &ret_second->delta;
	uint8_t hashes[2][HASH_SIZE];

	node_send(&bed->feeds.author, (struct feed_id){SITE_CONTROL, 1, 0}, 3,
		  ret_first);
	*ret_second = *ret_first;
	second->rows.data = (const char *)ret_second->rows;
	do {
		second->header.boot++;
		delta_hash(bed->feeds.net_id, &ret_first->delta.header,
			   hashes[0]);
		delta_hash(bed->feeds.net_id, &second->header, hashes[1]);
	} while (memcmp(hashes[0], hashes[1], HASH_SIZE) > 0);
	delta_sign(bed->feeds.control, bed->feeds.net_id, &second->header,
		   second->signature);
	ret_proof->first = ret_first->delta.header;
	ret_proof->second = second->header;
	memcpy(ret_proof->first_signature, ret_first->delta.signature,
	       SIGNATURE_SIZE);
	memcpy(ret_proof->second_signature, second->signature, SIGNATURE_SIZE);
}

static void show(struct node *node, const struct fork_proof *proof)
{
	assert_done(fork_note(node->desk, node->t.txn, proof, &node->t.err),
		    &node->t.err);
}

static uint64_t branch_of(const struct bed *bed,
			  const struct delta_header *header)
{
	uint8_t hash[HASH_SIZE];

	delta_hash(bed->feeds.net_id, header, hash);
	return feed_branch_of(hash);
}

/* Two deltas of control with one seq: neither counts, on every node, though
 * both are kept, until the root speaks. */
static void what_hq_says_twice_counts_for_nothing(void **state)
{
	struct bed *bed = *state;
	static struct sent first;
	struct fork_proof proof;

	invite(bed, 1);
	invite(bed, 2);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	say_twice(bed, &first, &sent, &proof);
	assert_admission(take(bed), "fork");
	show(&bed->node, &proof);
	assert_invited(&bed->node, 1, true);
	assert_invited(&bed->node, 2, false);
	assert_admission(node_take(&bed->node, &bed->feeds, &sent,
				   branch_of(bed, &proof.second)),
			 "applied");
	assert_invited(&bed->node, 1, true);
	assert_invited(&bed->node, 2, false);
	control_renew(bed, 2);
	assert_admission(hear_control(bed, &bed->node, 2, 1), "applied");
	assert_invited(&bed->node, 1, true);
	assert_invited(&bed->node, 2, false);
	assert_admission(node_take(&bed->node, &bed->feeds, &first,
				   branch_of(bed, &proof.first)),
			 "duplicate");
	assert_admission(hear_control(bed, &bed->node, 1, 3), "duplicate");
}

/* HQ was set back and did not know what it had said twice: its root ends the
 * epoch at its own last word. That word and those before it count then, also
 * where both were heard first; what came of the other does not. */
static void the_root_may_name_one_of_two_words(void **state)
{
	struct bed *bed = *state;
	static struct sent first;
	static struct sent second;
	struct fork_proof proof;
	struct node late;
	uint64_t named;

	invite(bed, 1);
	invite(bed, 2);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	say_twice(bed, &first, &second, &proof);
	named = branch_of(bed, &proof.first);
	show(&bed->node, &proof);
	invite(bed, 3);
	node_open(&late, &bed->feeds);
	node_hear_all(&late, &bed->feeds, SITE_CONTROL);
	control_renew(bed, 4);
	assert_admission(hear_control(bed, &bed->node, 2, 1), "gap");
	node_send(&bed->feeds.author, (struct feed_id){SITE_CONTROL, 1, 0}, 4,
		  &first);
	assert_admission(node_take(&bed->node, &bed->feeds, &first, named),
			 "applied");
	assert_invited(&bed->node, 2, false);
	assert_invited(&bed->node, 3, false);
	assert_admission(hear_control(bed, &bed->node, 2, 1), "applied");
	assert_invited(&bed->node, 2, true);
	assert_invited(&bed->node, 3, true);
	/* Who heard the root first, and then of the two, ends alike. */
	assert_admission(hear_control(bed, &late, 2, 1), "applied");
	show(&late, &proof);
	assert_invited(&late, 2, true);
	assert_invited(&late, 3, true);
	assert_admission(node_take(&late, &bed->feeds, &second,
				   branch_of(bed, &proof.second)),
			 "fenced");
	assert_same_feed(&bed->feeds, &bed->node, &late,
			 (struct feed_id){SITE_CONTROL, 1, named});
	assert_same_feed(&bed->feeds, &bed->node, &late,
			 (struct feed_id){SITE_CONTROL, 1, 0});
	node_close(&late);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_roster_answers_from_the_control_feed),
		TEST(the_root_ends_an_epoch_of_control),
		TEST(a_root_that_another_key_signed_says_nothing),
		TEST(what_hq_says_twice_counts_for_nothing),
		TEST(the_root_may_name_one_of_two_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
