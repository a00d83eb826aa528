/*
 * Words that stand in more than one place count in one of them, whatever came
 * first: two boxes of one image sealed alike what the image had not sealed.
 *
 * Method: boxes write the feeds of site A, each in a store of its own; a node
 * takes their deltas as a peer does. A box that is to be there under a name in
 * a certain order is written again until its hashes are.
 */
#include "store/transfer.h"
#include "tests/support/feeds.h"

#define A SITE_FIRST
#define AGAIN 2    /* the epoch that tells again */
#define CARRIED 20 /* the number in epoch 1 that it names */

static struct sent sent;

struct bed {
	struct feeds feeds;
	struct node boxes[2];
	struct node node;
};

static void hear(struct bed *bed, struct node *node, const struct node *from,
		 struct feed_id id, uint64_t seq)
{
	uint64_t branch = id.branch;

	id.branch = 0; /* in the box that wrote it */
	node_send(from, id, seq, &sent);
	assert_admission(node_take(node, &bed->feeds, &sent, branch),
			 "applied");
}

static uint64_t name_of(const struct node *node, struct feed_id id,
			uint64_t seq)
{
	uint8_t hash[HASH_SIZE];

	assert_code(feed_hash_at(node_view(node), id, seq, hash, NULL), ERR_OK);
	return feed_branch_of(hash);
}

/* @from and @other went different ways with delta @seq. */
static void note(struct bed *bed, struct node *node, const struct node *from,
		 const struct node *other, struct feed_id id, uint64_t seq)
{
	static struct sent second;
	bool is_first = name_of(from, id, seq) < name_of(other, id, seq);
	struct fork_proof proof;

	node_send(is_first ? from : other, id, seq, &sent);
	node_send(is_first ? other : from, id, seq, &second);
	proof.first = sent.delta.header;
	proof.second = second.delta.header;
	memcpy(proof.first_signature, sent.delta.signature, SIGNATURE_SIZE);
	memcpy(proof.second_signature, second.delta.signature, SIGNATURE_SIZE);
	assert_true(fork_proof_verify(signer_public(bed->feeds.sites[0]),
				      bed->feeds.net_id, &proof));
	assert_done(fork_note(node->desk, node->t.txn, &proof, &node->t.err),
		    &node->t.err);
}

static int64_t units(const struct node *node, const struct feed_id *id,
		     const char *sku)
{
	return node_units(node, id, sku, "DOCK");
}

/* The words that are told in more than one place. */
static struct entry words(void)
{
	return move_of(MOVEMENT_RECEIVE, "POT", 5, "supplier:acme", "DOCK");
}

static struct entry filler(const char *sku)
{
	return move_of(MOVEMENT_RECEIVE, sku, 1, "supplier:acme", "DOCK");
}

/* One delta with @first and, unless it is NULL, @second. */
static void say(struct bed *bed, struct node *box, struct feed_id id,
		const struct entry *first, const struct entry *second)
{
	struct writing *writing = writing_new(0);

	writing_add(&bed->feeds, writing, first);
	if (second != NULL)
		writing_add(&bed->feeds, writing, second);
	(void)node_write(&bed->feeds, box, id, writing);
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
	for (size_t i = 0; i < ARRAY_LEN(bed->boxes); i++) {
		node_open(&bed->boxes[i], &bed->feeds);
		node_hear_all(&bed->boxes[i], &bed->feeds, SITE_CONTROL);
		node_hear_all(&bed->boxes[i], &bed->feeds, A);
	}
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
	for (size_t i = 0; i < ARRAY_LEN(bed->boxes); i++)
		node_close(&bed->boxes[i]);
	feeds_close(&bed->feeds);
	free(bed);
	return 0;
}

/* ---- told again, on two branches ---- */

struct twins {
	struct feed_id lower;
	struct feed_id higher;
	const struct node *lower_box;
	const struct node *higher_box;
};

/* Both boxes began epoch 2 with the same delta, and tell the same words again
 * in the next one, which is each one's own. */
static struct twins twins_write(struct bed *bed)
{
	struct feed_id id = {A, AGAIN, 0};
	struct entry founding = feeds_founding(&bed->feeds, A);
	struct entry carried = words();
	struct entry own[] = {filler("TEA"), filler("CUP")};
	struct twins twins = {id, id, &bed->boxes[0], &bed->boxes[1]};

	carried.carried = pos_make(1, CARRIED);
	say(bed, &bed->boxes[0], id, &founding, NULL);
	hear(bed, &bed->boxes[1], &bed->boxes[0], id, 1);
	for (size_t i = 0; i < 2; i++)
		say(bed, &bed->boxes[i], id, &carried, &own[i]);
	twins.lower.branch = name_of(twins.lower_box, id, 2);
	twins.higher.branch = name_of(twins.higher_box, id, 2);
	if (twins.lower.branch > twins.higher.branch)
		twins = (struct twins){twins.higher, twins.lower,
				       twins.higher_box, twins.lower_box};
	return twins;
}

static void twins_part(struct bed *bed, struct node *node)
{
	struct feed_id id = {A, AGAIN, 0};

	hear(bed, node, &bed->boxes[0], id, 1);
	note(bed, node, &bed->boxes[0], &bed->boxes[1], id, 2);
}

static void assert_twins(const struct twins *twins, const struct node *node)
{
	assert_int_equal(units(node, NULL, "POT"), 5);
	assert_int_equal(units(node, &twins->lower, "POT"), 5);
	assert_int_equal(units(node, &twins->higher, "POT"), 0);
	assert_int_equal(units(node, NULL, "TEA"), 1);
	assert_int_equal(units(node, NULL, "CUP"), 1);
}

static void
what_both_copies_of_a_box_tell_again_counts_in_the_lower_branch(void **state)
{
	struct bed *bed = *state;
	struct twins twins = twins_write(bed);
	struct node other;

	twins_part(bed, &bed->node);
	hear(bed, &bed->node, twins.lower_box, twins.lower, 2);
	hear(bed, &bed->node, twins.higher_box, twins.higher, 2);
	assert_twins(&twins, &bed->node);

	node_open(&other, &bed->feeds);
	node_hear_all(&other, &bed->feeds, SITE_CONTROL);
	twins_part(bed, &other);
	hear(bed, &other, twins.higher_box, twins.higher, 2);
	assert_int_equal(units(&other, &twins.higher, "POT"), 5);
	hear(bed, &other, twins.lower_box, twins.lower, 2);
	assert_twins(&twins, &other);
	assert_same_feed(&bed->feeds, &bed->node, &other, twins.lower);
	assert_same_feed(&bed->feeds, &bed->node, &other, twins.higher);
	node_close(&other);
}

/* HQ drops the branch in which they counted. */
static void what_is_told_again_counts_in_the_branch_that_stays(void **state)
{
	struct bed *bed = *state;
	struct twins twins = twins_write(bed);
	struct entry entry;

	twins_part(bed, &bed->node);
	hear(bed, &bed->node, twins.lower_box, twins.lower, 2);
	hear(bed, &bed->node, twins.higher_box, twins.higher, 2);
	entry_init(&entry, ENTRY_FENCE);
	entry.body.fence = (struct fence){.site = A,
					  .epoch = AGAIN,
					  .branch = twins.lower.branch,
					  .seq = 1,
					  .verdict = FENCE_DROPPED};
	(void)feeds_say(&bed->feeds, SITE_CONTROL, &entry);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_int_equal(units(&bed->node, &twins.lower, "POT"), 0);
	assert_int_equal(units(&bed->node, &twins.higher, "POT"), 5);
}

/* Somebody comes who has them in the epoch before. */
static void what_the_place_has_that_both_name_counts_there_alone(void **state)
{
	struct bed *bed = *state;
	struct twins twins = twins_write(bed);
	struct feed_id id = {A, 1, 0};
	struct entry entry = words();

	twins_part(bed, &bed->node);
	hear(bed, &bed->node, twins.higher_box, twins.higher, 2);
	hear(bed, &bed->node, twins.lower_box, twins.lower, 2);
	while (node_feed(&bed->feeds.author, id).number + 1 < CARRIED) {
		struct entry other = filler("LID");

		(void)feeds_say(&bed->feeds, A, &other);
	}
	(void)feeds_say(&bed->feeds, A, &entry);
	node_hear_all(&bed->node, &bed->feeds, A);
	assert_int_equal(units(&bed->node, &id, "POT"), 5);
	assert_int_equal(units(&bed->node, NULL, "POT"), 5);
}

/* ---- a branch that splits ---- */

/* Box 0 says what box 1 says under the same numbers, and parts from it with its
 * delta 2; `third` leaves box 0 behind that one. */
struct split {
	struct node third;
	struct feed_id before;  /* box 0's deltas, as long as they are one */
	struct feed_id between; /* box 1's */
	struct feed_id behind;  /* box 0's, from the words on */
};

/* True: the names come in this order. */
static bool split_write(struct bed *bed, struct split *split)
{
	struct feed_id id = {A, 1, 0};
	struct entry own[] = {filler("TEA"), filler("CUP"), filler("LID")};
	struct entry same = words();

	for (size_t i = 0; i < 2; i++)
		say(bed, &bed->boxes[i], id, &own[i], NULL);
	node_open(&split->third, &bed->feeds);
	node_hear_all(&split->third, &bed->feeds, SITE_CONTROL);
	hear(bed, &split->third, &bed->feeds.author, id, 1);
	hear(bed, &split->third, &bed->boxes[0], id, 2);
	for (size_t i = 0; i < 2; i++)
		say(bed, &bed->boxes[i], id, &same, NULL);
	say(bed, &split->third, id, &own[2], NULL);
	split->before = split->between = split->behind = id;
	split->before.branch = name_of(&bed->boxes[0], id, 2);
	split->between.branch = name_of(&bed->boxes[1], id, 2);
	split->behind.branch = name_of(&bed->boxes[0], id, 3);
	return split->before.branch < split->between.branch &&
	       split->between.branch < split->behind.branch;
}

#define TRIES 200 /* one in six does */

static void split_find(struct bed *bed, struct split *split)
{
	for (int i = 0; !split_write(bed, split); i++) {
		assert_true(i < TRIES);
		node_close(&split->third);
		for (size_t box = 0; box < ARRAY_LEN(bed->boxes); box++) {
			node_close(&bed->boxes[box]);
			node_open(&bed->boxes[box], &bed->feeds);
			node_hear_all(&bed->boxes[box], &bed->feeds,
				      SITE_CONTROL);
			node_hear_all(&bed->boxes[box], &bed->feeds, A);
		}
	}
}

/* The words counted under the lowest name; then the fork behind it is heard of,
 * and they go on under the highest one. */
static void
what_a_split_takes_behind_another_branch_counts_in_that_one(void **state)
{
	struct bed *bed = *state;
	struct node *node = &bed->node;
	const struct node *boxes = bed->boxes;
	struct feed_id id = {A, 1, 0};
	struct split split;
	struct node other;

	split_find(bed, &split);
	note(bed, node, &boxes[0], &boxes[1], id, 2);
	for (uint64_t seq = 2; seq <= 3; seq++) {
		hear(bed, node, &boxes[0], split.before, seq);
		hear(bed, node, &boxes[1], split.between, seq);
	}
	assert_int_equal(units(node, &split.before, "POT"), 5);
	assert_int_equal(units(node, &split.between, "POT"), 0);
	note(bed, node, &boxes[0], &split.third, id, 3);
	assert_int_equal(node_feed(node, split.behind).base, 2);
	assert_int_equal(units(node, &split.before, "POT"), 0);
	assert_int_equal(units(node, &split.between, "POT"), 5);
	assert_int_equal(units(node, &split.behind, "POT"), 0);

	/* Who hears of both forks first has the same. */
	node_open(&other, &bed->feeds);
	node_hear_all(&other, &bed->feeds, SITE_CONTROL);
	hear(bed, &other, &bed->feeds.author, id, 1);
	note(bed, &other, &boxes[0], &boxes[1], id, 2);
	note(bed, &other, &boxes[0], &split.third, id, 3);
	hear(bed, &other, &boxes[0], split.before, 2);
	hear(bed, &other, &boxes[0], split.behind, 3);
	for (uint64_t seq = 2; seq <= 3; seq++)
		hear(bed, &other, &boxes[1], split.between, seq);
	assert_same_feed(&bed->feeds, node, &other, split.before);
	assert_same_feed(&bed->feeds, node, &other, split.between);
	assert_same_feed(&bed->feeds, node, &other, split.behind);
	node_close(&other);
	node_close(&split.third);
}

/* ---- other words under one number ---- */

static struct entry shipped(enum transfer_state state)
{
	struct entry entry;

	entry_init(&entry, ENTRY_TRANSFER);
	entry.body.transfer = sample_transfer();
	entry.body.transfer.state = state;
	return entry;
}

static struct entry answer(enum intent_state state)
{
	struct entry entry;

	entry_init(&entry, ENTRY_INTENT_RESULT);
	entry.body.intent_result = sample_intent_result();
	entry.body.intent_result.state = state;
	return entry;
}

static void say_both(struct bed *bed, struct node *box,
		     enum transfer_state transfer, enum intent_state intent)
{
	struct entry word = shipped(transfer);
	struct entry said = answer(intent);

	say(bed, box, (struct feed_id){A, 1, 0}, &word, &said);
}

static void say_answer(struct bed *bed, enum intent_state state)
{
	struct entry entry = answer(state);

	(void)feeds_say(&bed->feeds, A, &entry);
}

/* The first delta of the epoch that tells again, with the answer that stood
 * under @number. */
static void say_answer_again(struct bed *bed, struct node *box,
			     enum intent_state state, uint64_t number)
{
	struct entry founding = feeds_founding(&bed->feeds, A);
	struct entry entry = answer(state);

	entry.carried = pos_make(1, number);
	say(bed, box, (struct feed_id){A, AGAIN, 0}, &founding, &entry);
}

static void assert_same_answer(const struct node *a, const struct node *b)
{
	struct intent_result said = sample_intent_result();
	static struct bytes bytes[2];
	struct entry entry;

	assert_code(roster_answer(node_view(a), A, ref_span(&said.id), &entry,
				  NULL),
		    ERR_OK);
	bytes[0] = encode(&entry);
	assert_code(roster_answer(node_view(b), A, ref_span(&said.id), &entry,
				  NULL),
		    ERR_OK);
	bytes[1] = encode(&entry);
	assert_int_equal(bytes[0].size, bytes[1].size);
	assert_memory_equal(bytes[0].data, bytes[1].data, bytes[0].size);
}

/* Two boxes say different things of one transfer, and of one intent, with one
 * number. */
static void
what_two_branches_say_of_a_thing_shows_alike_everywhere(void **state)
{
	struct bed *bed = *state;
	struct feed_id id = {A, 1, 0};
	struct transfer transfer = sample_transfer();
	struct span name = place_name_span(&transfer.id);
	struct transfer_record shown[2];
	struct node other;
	struct node *nodes[] = {&bed->node, &other};

	node_open(&other, &bed->feeds);
	node_hear_all(&other, &bed->feeds, SITE_CONTROL);
	node_hear_all(&other, &bed->feeds, A);
	say_both(bed, &bed->boxes[0], TRANSFER_SHIPPED, INTENT_DONE);
	say_both(bed, &bed->boxes[1], TRANSFER_CANCELLED, INTENT_REFUSED);
	for (size_t i = 0; i < 2; i++) {
		note(bed, nodes[i], &bed->boxes[0], &bed->boxes[1], id, 2);
		for (size_t box = 0; box < 2; box++) {
			const struct node *from = &bed->boxes[i ^ box];
			struct feed_id branch = {A, 1, name_of(from, id, 2)};

			hear(bed, nodes[i], from, branch, 2);
		}
		assert_code(transfer_get(node_view(nodes[i]), name, &shown[i],
					 NULL),
			    ERR_OK);
		assert_true(shown[i].sender.is_said);
	}
	assert_int_equal(shown[0].sender.transfer.state,
			 shown[1].sender.transfer.state);
	assert_same_answer(&bed->node, &other);
	node_close(&other);
}

/* An intent was asked, answered `received` and `done`; the box went back behind
 * both and tells the first again. It does not pass the second, and in whatever
 * order epochs come, the row is the same. */
static void an_answer_told_again_stands_where_it_was_told(void **state)
{
	struct bed *bed = *state;
	struct feed_id old = {A, 1, 0};
	struct feed_id again = {A, AGAIN, 0};
	struct intent_result said = sample_intent_result();
	struct entry shown;
	struct node other;

	say_answer(bed, INTENT_RECEIVED);
	say_answer(bed, INTENT_DONE);
	say_answer_again(bed, &bed->boxes[0], INTENT_RECEIVED, 2);

	node_hear_all(&bed->node, &bed->feeds, A);
	hear(bed, &bed->node, &bed->boxes[0], again, 1);
	node_open(&other, &bed->feeds);
	node_hear_all(&other, &bed->feeds, SITE_CONTROL);
	hear(bed, &other, &bed->boxes[0], again, 1);
	hear(bed, &bed->boxes[1], &bed->feeds.author, old, 2);
	for (uint64_t seq = 1; seq <= 2; seq++)
		hear(bed, &other, &bed->feeds.author, old, seq);
	hear(bed, &bed->boxes[1], &bed->boxes[0], again, 1);
	assert_same_answer(&bed->boxes[1], &other); /* as far as `received` */
	hear(bed, &other, &bed->feeds.author, old, 3);
	assert_same_answer(&bed->node, &other);
	assert_code(roster_answer(node_view(&other), A, ref_span(&said.id),
				  &shown, NULL),
		    ERR_OK);
	assert_int_equal(shown.body.intent_result.state, INTENT_DONE);
	node_close(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_both_copies_of_a_box_tell_again_counts_in_the_lower_branch),
		TEST(what_is_told_again_counts_in_the_branch_that_stays),
		TEST(what_the_place_has_that_both_name_counts_there_alone),
		TEST(what_a_split_takes_behind_another_branch_counts_in_that_one),
		TEST(what_two_branches_say_of_a_thing_shows_alike_everywhere),
		TEST(an_answer_told_again_stands_where_it_was_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
