/*
 * Who has a say in which epoch of a site comes next: the disk of a box that was
 * replaced, stolen or copied still has its key.
 */
#include "store/heir.h"
#include "tests/support/feeds.h"

#define A SITE_FIRST
#define HEIR 700
#define CHILD 900
#define NEXT 2

static struct sent sent;

/* Control and what honest boxes write lie in the authors' store; the thief has
 * one of his own, which has not heard of HQ. */
struct bed {
	struct feeds feeds;
	struct node thief;
	struct node node;
	struct signer *key;   /* of HEIR */
	struct signer *child; /* of CHILD */
	struct signer *next;  /* of NEXT, which HQ certifies */
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	feeds_open(&bed->feeds);
	node_open(&bed->thief, &bed->feeds);
	node_open(&bed->node, &bed->feeds);
	bed->key = feeds_signer(40);
	bed->child = feeds_signer(41);
	bed->next = feeds_signer(42);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	signer_close(bed->next);
	signer_close(bed->child);
	signer_close(bed->key);
	node_close(&bed->node);
	node_close(&bed->thief);
	feeds_close(&bed->feeds);
	free(bed);
	return 0;
}

/* ---- what the thief writes ---- */

struct line {
	uint32_t epoch;
	const struct signer *key;
	uint32_t parent;
	const struct signer *parent_key;
};

static void epoch_write(struct bed *bed, const struct line *line,
			const struct writing *writing)
{
	struct feed_write write = {.id = {A, line->epoch, 0},
				   .plan = {.signer = line->key,
					    .now = {bed->feeds.now_ms++},
					    .clock_trusted = true,
					    .boot = 9,
					    .rows_max = DELTA_ROWS_MAX},
				   .entries = writing->spans,
				   .count = writing->count};
	uint64_t seq;

	assert_done(feed_write(bed->thief.desk, bed->thief.t.txn, &write, &seq,
			       &bed->feeds.err),
		    &bed->feeds.err);
}

/* An epoch of two deltas: its beginning, and 7 units received. */
static void heir_write(struct bed *bed, const struct line *line)
{
	struct writing *writing = writing_new(0);
	struct entry founding = founding_by(bed->feeds.net_id, line->key);
	struct entry moved =
		move_of(MOVEMENT_RECEIVE, "TEA", 7, "supplier:acme", "DOCK");
	struct heir heir = {.site = A,
			    .epoch = line->epoch,
			    .succession = {.parent_epoch = line->parent,
					   .parent_seq = 1,
					   .reason = SUCCESSION_ROLLBACK}};
	struct entry succession;

	memset(heir.succession.parent_hash, 5, HASH_SIZE);
	memcpy(heir.public_key, signer_public(line->key), KEY_PUBLIC_SIZE);
	heir_sign(line->parent_key, bed->feeds.net_id, &heir);
	entry_init(&succession, ENTRY_SUCCESSION);
	succession.body.succession = heir.succession;
	writing_add(&bed->feeds, writing, &founding);
	writing_add(&bed->feeds, writing, &succession);
	epoch_write(bed, line, writing);
	writing = writing_new(0);
	writing_add(&bed->feeds, writing, &moved);
	epoch_write(bed, line, writing);
}

static struct line heir_line(const struct bed *bed)
{
	return (struct line){HEIR, bed->key, 1, bed->feeds.sites[0]};
}

static struct line child_line(const struct bed *bed)
{
	return (struct line){CHILD, bed->child, HEIR, bed->key};
}

static enum admission take(struct bed *bed, struct node *node, uint32_t epoch,
			   uint64_t seq)
{
	node_send(&bed->thief, (struct feed_id){A, epoch, 0}, seq, &sent);
	return node_take(node, &bed->feeds, &sent, 0);
}

static void take_both(struct bed *bed, struct node *node, uint32_t epoch)
{
	assert_admission(take(bed, node, epoch, 1), "applied");
	assert_admission(take(bed, node, epoch, 2), "applied");
}

/* ---- what HQ says ---- */

static void hq_says(struct bed *bed, const struct entry *entry)
{
	(void)feeds_say(&bed->feeds, SITE_CONTROL, entry);
}

static void hq_certifies(struct bed *bed)
{
	struct entry entry = certificate_for(A, bed->next);

	entry.body.certificate.epoch = NEXT;
	entry.body.certificate.parent_epoch = 1;
	hq_says(bed, &entry);
}

static void hq_fences(struct bed *bed, uint32_t epoch, uint64_t seq,
		      enum fence_verdict verdict)
{
	const struct node *from = epoch == 1 ? &bed->feeds.author : &bed->thief;
	struct feed_id id = {A, epoch, 0};
	struct entry entry;
	struct fence *fence = &entry.body.fence;

	entry_init(&entry, ENTRY_FENCE);
	*fence = (struct fence){
		.site = A, .epoch = epoch, .seq = seq, .verdict = verdict};
	if (seq > 0)
		assert_code(feed_hash_at(node_view(from), id, seq, fence->hash,
					 NULL),
			    ERR_OK);
	hq_says(bed, &entry);
}

static int64_t units(const struct node *node)
{
	return node_units(node, NULL, "TEA", "DOCK");
}

static void assert_heir(const struct node *node, uint32_t epoch,
			const char *state, bool is_vouched)
{
	struct feed_id id = {A, epoch, 0};
	struct heir heir;

	assert_string_equal(feed_state_name(node_feed(node, id).state), state);
	assert_code(heir_get(node_view(node), A, epoch, &heir, NULL), ERR_OK);
	assert_int_equal(heir.is_vouched, is_vouched);
}

/* ---- the tests ---- */

/* Method: the same two deltas of a stolen disk, before and after HQ has
 * certified who goes on, and HQ's word before and after them. */
static void a_key_has_no_say_once_hq_certified_a_later_epoch(void **state)
{
	struct bed *bed = *state;
	struct line line = heir_line(bed);
	struct node late;
	uint8_t key[KEY_PUBLIC_SIZE];

	heir_write(bed, &line);
	take_both(bed, &bed->node, HEIR);
	assert_heir(&bed->node, HEIR, "contiguous", true);
	assert_int_equal(units(&bed->node), 7);

	hq_certifies(bed);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_heir(&bed->node, HEIR, "fenced", false);
	assert_int_equal(units(&bed->node), 0);
	assert_code(site_key(node_view(&bed->node), A, HEIR, key, NULL, NULL),
		    ERR_NOT_FOUND);

	node_open(&late, &bed->feeds);
	node_hear_all(&late, &bed->feeds, SITE_CONTROL);
	assert_admission(take(bed, &late, HEIR, 1), "stranger");
	assert_int_equal(units(&late), 0);
	node_close(&late);
}

/* A delta that was judged before HQ's word and taken behind it. */
static void hqs_word_counts_that_comes_between_judging_and_taking(void **state)
{
	struct bed *bed = *state;
	struct line line = heir_line(bed);
	struct feed_id id = {A, HEIR, 0};
	enum admission admission;

	heir_write(bed, &line);
	node_send(&bed->thief, id, 1, &sent);
	assert_code(feed_judge(node_view(&bed->node), bed->feeds.net_id,
			       &sent.delta, 0, &admission, NULL),
		    ERR_OK);
	assert_admission(admission, "applied");
	hq_certifies(bed);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_send(&bed->thief, id, 1, &sent);
	assert_code(feed_admit(bed->node.desk, bed->node.t.txn, id, &sent.delta,
			       &admission, NULL),
		    ERR_OK);
	assert_heir(&bed->node, HEIR, "fenced", false);
	assert_int_equal(node_feed(&bed->node, id).counted, 0);
}

/* A proof waits for the delta behind that one: that a fork is reached does not
 * give back what HQ's word took. Method: as above. */
static void a_fork_that_is_reached_changes_nothing_of_hqs_word(void **state)
{
	struct bed *bed = *state;
	struct line line = heir_line(bed);
	struct feed_id id = {A, HEIR, 0};
	struct fork_proof proof = {0};
	enum admission admission;

	heir_write(bed, &line);
	node_send(&bed->thief, id, 2, &sent);
	proof.first = sent.delta.header;
	proof.second = sent.delta.header;
	proof.second.boot++;
	assert_done(fork_note(bed->node.desk, bed->node.t.txn, &proof,
			      &bed->node.t.err),
		    &bed->node.t.err);
	hq_certifies(bed);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_send(&bed->thief, id, 1, &sent);
	assert_code(feed_admit(bed->node.desk, bed->node.t.txn, id, &sent.delta,
			       &admission, NULL),
		    ERR_OK);
	assert_int_equal(node_feed(&bed->node, id).seq, 1);
	assert_int_equal(node_feed(&bed->node, id).counted, 0);
}

/* Method: HQ keeps one delta of the heir that it does not choose; one node has
 * both deltas when it hears that, one hears that first. */
static void what_hq_keeps_of_the_other_one_counts_up_to_there(void **state)
{
	struct bed *bed = *state;
	struct line line = heir_line(bed);
	struct feed_id id = {A, HEIR, 0};
	struct node late;

	heir_write(bed, &line);
	take_both(bed, &bed->node, HEIR);
	hq_certifies(bed);
	hq_fences(bed, HEIR, 1, FENCE_ENDED);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_int_equal(node_feed(&bed->node, id).counted, 1);
	assert_heir(&bed->node, HEIR, "fenced", true);
	assert_int_equal(units(&bed->node), 0);

	node_open(&late, &bed->feeds);
	node_hear_all(&late, &bed->feeds, SITE_CONTROL);
	assert_admission(take(bed, &late, HEIR, 1), "applied");
	assert_admission(take(bed, &late, HEIR, 2), "fenced");
	assert_int_equal(node_feed(&late, id).counted, 1);
	node_close(&late);
}

/* Method: the heir's heir, on its own and then behind each word of HQ that
 * takes away what its parent stands on. */
static void a_line_stands_as_long_as_all_of_it_does(void **state)
{
	struct bed *bed = *state;
	struct line first = heir_line(bed);
	struct line second = child_line(bed);

	heir_write(bed, &first);
	heir_write(bed, &second);
	assert_admission(take(bed, &bed->node, CHILD, 1), "stranger");
	take_both(bed, &bed->node, HEIR);
	take_both(bed, &bed->node, CHILD);
	assert_int_equal(units(&bed->node), 14);

	/* HQ ends the one in between, which it never certified: that one's
	 * disk opens nothing more. */
	hq_fences(bed, HEIR, 2, FENCE_ENDED);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_heir(&bed->node, HEIR, "fenced", true);
	assert_heir(&bed->node, CHILD, "fenced", false);
	assert_int_equal(units(&bed->node), 7);

	hq_certifies(bed);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_int_equal(units(&bed->node), 7);
}

/* Method: each verdict about the parent, on a network of its own. */
static void the_verdict_on_the_parent_decides_whom_it_vouches_for(void **state)
{
	static const struct {
		enum fence_verdict verdict;
		bool stands;
	} rows[] = {
		{FENCE_ENDED, true},    {FENCE_STAYS, true},
		{FENCE_REVOKED, false}, {FENCE_DROPPED, false},
		{FENCE_CLOSED, false},
	};
	size_t count = 0;

	(void)state;
	for (; count < ARRAY_LEN(rows); count++) {
		void *own = NULL;
		struct line line;
		struct bed *bed;

		assert_int_equal(setup(&own), 0);
		bed = own;
		line = heir_line(bed);
		heir_write(bed, &line);
		take_both(bed, &bed->node, HEIR);
		hq_fences(bed, 1, 1, rows[count].verdict);
		node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
		assert_int_equal(units(&bed->node), rows[count].stands ? 7 : 0);
		assert_heir(&bed->node, HEIR,
			    rows[count].stands ? "contiguous" : "fenced",
			    rows[count].stands);
		assert_int_equal(teardown(&own), 0);
	}
	assert_int_equal(count, FENCE_VERDICT_MAX);
}

static void a_closes(struct bed *bed)
{
	struct entry closing;

	entry_init(&closing, ENTRY_CLOSING);
	closing.body.closing = sample_closing();
	(void)feeds_say(&bed->feeds, A, &closing);
}

/* The last image of a warehouse that was handed back. */
static void a_site_that_closed_itself_vouches_for_nobody(void **state)
{
	struct bed *bed = *state;
	struct line line = heir_line(bed);

	heir_write(bed, &line);
	node_hear_all(&bed->node, &bed->feeds, A);
	take_both(bed, &bed->node, HEIR);
	a_closes(bed);
	node_hear_all(&bed->node, &bed->feeds, A);
	assert_string_equal(
		feed_state_name(
			node_feed(&bed->node, (struct feed_id){A, 1, 0}).state),
		"sealed");
	assert_heir(&bed->node, HEIR, "fenced", false);
	assert_int_equal(units(&bed->node), 0);
}

/* HQ ends the epoch before the delta that closed it, for it was said by another
 * disk: the closing has not been said, and the heir counts. Method: one node
 * hears the closing first, one HQ's word. */
static void a_closing_that_no_longer_counts_closes_nothing(void **state)
{
	struct bed *bed = *state;
	struct line line = heir_line(bed);
	struct feed_id closed = {A, 1, 0};
	struct node late;

	heir_write(bed, &line);
	a_closes(bed);
	node_hear_all(&bed->node, &bed->feeds, A);
	assert_int_equal(node_feed(&bed->node, closed).state, FEED_SEALED);
	assert_admission(take(bed, &bed->node, HEIR, 1), "stranger");
	hq_fences(bed, 1, 1, FENCE_ENDED);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_int_equal(node_feed(&bed->node, closed).counted, 1);
	assert_int_equal(node_feed(&bed->node, closed).state, FEED_FENCED);
	take_both(bed, &bed->node, HEIR);
	assert_heir(&bed->node, HEIR, "contiguous", true);
	assert_int_equal(units(&bed->node), 7);

	node_open(&late, &bed->feeds);
	node_hear_all(&late, &bed->feeds, SITE_CONTROL);
	assert_admission(node_hear(&late, &bed->feeds, A, 1), "applied");
	assert_admission(node_hear(&late, &bed->feeds, A, 2), "fenced");
	take_both(bed, &late, HEIR);
	assert_heir(&late, HEIR, "contiguous", true);
	assert_int_equal(units(&late), 7);
	node_close(&late);
}

/* Nor does it cut off an heir that was here before. */
static void whom_such_a_closing_had_cut_off_counts_again(void **state)
{
	struct bed *bed = *state;
	struct line line = heir_line(bed);

	heir_write(bed, &line);
	node_hear_all(&bed->node, &bed->feeds, A);
	take_both(bed, &bed->node, HEIR);
	a_closes(bed);
	node_hear_all(&bed->node, &bed->feeds, A);
	assert_heir(&bed->node, HEIR, "fenced", false);
	hq_fences(bed, 1, 1, FENCE_ENDED);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_heir(&bed->node, HEIR, "contiguous", true);
	assert_int_equal(units(&bed->node), 7);
}

/* Method: HQ certifies the heir itself, and later takes its parent's key back:
 * nothing of it depends on that key any more. */
static void whom_hq_certified_needs_nobody_else(void **state)
{
	struct bed *bed = *state;
	struct line line = heir_line(bed);
	struct entry entry = certificate_for(A, bed->key);

	entry.body.certificate.epoch = HEIR;
	heir_write(bed, &line);
	take_both(bed, &bed->node, HEIR);
	hq_says(bed, &entry);
	hq_fences(bed, 1, 1, FENCE_REVOKED);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_int_equal(units(&bed->node), 7);
	assert_string_equal(
		feed_state_name(
			node_feed(&bed->node, (struct feed_id){A, HEIR, 0})
				.state),
		"contiguous");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_key_has_no_say_once_hq_certified_a_later_epoch),
		TEST(hqs_word_counts_that_comes_between_judging_and_taking),
		TEST(a_fork_that_is_reached_changes_nothing_of_hqs_word),
		TEST(what_hq_keeps_of_the_other_one_counts_up_to_there),
		TEST(a_line_stands_as_long_as_all_of_it_does),
		cmocka_unit_test(
			the_verdict_on_the_parent_decides_whom_it_vouches_for),
		TEST(a_site_that_closed_itself_vouches_for_nobody),
		TEST(a_closing_that_no_longer_counts_closes_nothing),
		TEST(whom_such_a_closing_had_cut_off_counts_again),
		TEST(whom_hq_certified_needs_nobody_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
