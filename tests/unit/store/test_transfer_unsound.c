/*
 * Two sites say together what no 64 bits hold. Each of their rows is sound, so
 * each counts; what is between the sites is then no number, and says so. Nobody
 * is kept from hearing more, of HQ above all.
 *
 * Method: A ships almost as much as 64 bits hold; B takes that in, and 10^15 in
 * surplus that arrived damaged. That comes to 0. What B says alone is less than
 * any number.
 */
#include "store/audit_network.h"
#include "store/transfer.h"
#include "tests/support/feeds.h"

#define A SITE_FIRST
#define B (SITE_FIRST + 1)
#define ITEM "TEA"
#define TRANSFER "3-4-1"
#define MOST (INT64_MAX / QTY_MOVE_MAX)

static const struct feed_id sender = {A, 1, 0};

struct bed {
	struct feeds feeds;
	struct node node;
};

/* @count rows of QTY_MOVE_MAX each, in as many deltas as they take. */
static void say(struct bed *bed, uint32_t site, int64_t count,
		const struct entry *entry)
{
	while (count > 0) {
		struct writing *writing = writing_new(0);
		size_t rows =
			count < DELTA_ROWS_MAX ? (size_t)count : DELTA_ROWS_MAX;

		writing_add(&bed->feeds, writing, entry);
		for (size_t i = 1; i < rows; i++)
			writing->spans[i] = writing->spans[0];
		writing->count = rows;
		(void)node_write(&bed->feeds, &bed->feeds.author,
				 (struct feed_id){site, 1, 0}, writing);
		count -= (int64_t)rows;
	}
}

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct entry entry = move_of(MOVEMENT_TRANSFER_OUT, ITEM, QTY_MOVE_MAX,
				     "DOCK", "transit:" TRANSFER);

	assert_non_null(bed);
	feeds_open(&bed->feeds);
	node_open(&bed->node, &bed->feeds);
	say(bed, A, MOST, &entry);
	entry = move_of(MOVEMENT_TRANSFER_IN, ITEM, QTY_MOVE_MAX,
			"transit:" TRANSFER, "DOCK");
	say(bed, B, 2, &entry);
	entry = move_of(MOVEMENT_TRANSFER_ADJUST, ITEM, QTY_MOVE_MAX, "found",
			"transit:" TRANSFER);
	TEXT_SET(entry.body.movement.reason, "surplus");
	say(bed, B, 1, &entry);
	entry = move_of(MOVEMENT_TRANSFER_IN, ITEM, QTY_MOVE_MAX,
			"transit:" TRANSFER, "DOCK/damaged");
	say(bed, B, 1, &entry);
	entry = move_of(MOVEMENT_TRANSFER_IN, ITEM, QTY_MOVE_MAX,
			"transit:" TRANSFER, "DOCK");
	say(bed, B, MOST - 2, &entry);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
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

static uint64_t unsettled(const struct node *node)
{
	struct transfer_record record;

	assert_code(transfer_get(node_view(node), SPAN_LITERAL(TRANSFER),
				 &record, NULL),
		    ERR_OK);
	return record.unsettled;
}

static enum transfer_verdict verdict(const struct node *node, int64_t *units)
{
	struct transfer_sums sums;

	assert_code(transfer_sums(node_view(node), SPAN_LITERAL(TRANSFER),
				  SPAN_LITERAL(ITEM), &sums, NULL),
		    ERR_OK);
	return transfer_judge(&sums, false, units);
}

static enum err_code way_count(void *context, struct span id, int64_t units,
			       struct err *err)
{
	size_t *count = context;

	(void)id, (void)units, (void)err;
	++*count;
	return ERR_OK;
}

static size_t ways(const struct node *node)
{
	size_t count = 0;

	assert_code(transfer_ways(node_view(node), SPAN_LITERAL(ITEM),
				  way_count, &count, NULL),
		    ERR_OK);
	return count;
}

static void assert_unsound(const struct node *node)
{
	int64_t units;

	assert_int_equal(verdict(node, &units), TRANSFER_UNSOUND);
	assert_int_equal(unsettled(node), 1);
	assert_int_equal(ways(node), 0);
}

static void assert_balanced(const struct node *node)
{
	int64_t units;

	assert_int_equal(verdict(node, &units), TRANSFER_BALANCED);
	assert_int_equal(unsettled(node), 0);
	assert_int_equal(ways(node), 0);
}

/* HQ ends A before it shipped anything. */
static void hq_ends(struct bed *bed)
{
	struct entry entry;

	entry_init(&entry, ENTRY_FENCE);
	entry.body.fence = (struct fence){
		.site = A, .epoch = 1, .seq = 1, .verdict = FENCE_REVOKED};
	assert_code(feed_hash_at(node_view(&bed->feeds.author), sender, 1,
				 entry.body.fence.hash, NULL),
		    ERR_OK);
	(void)feeds_say(&bed->feeds, SITE_CONTROL, &entry);
}

static void hqs_word_is_taken_whatever_is_left(void **state)
{
	static struct network_result result;
	struct bed *bed = *state;
	struct node *node = &bed->node;
	struct network_plan plan = {.progress = NULL};
	size_t unsound = 0;

	node_hear_all(node, &bed->feeds, A);
	node_hear_all(node, &bed->feeds, B);
	assert_int_equal(node_feed(node, sender).void_rows, 0);
	assert_int_equal(node_feed(node, (struct feed_id){B, 1, 0}).void_rows,
			 0);
	assert_balanced(node);
	hq_ends(bed);
	node_hear_all(node, &bed->feeds, SITE_CONTROL);
	assert_int_equal(node_feed(node, sender).counted, 1);
	assert_unsound(node);
	memcpy(plan.net_id, bed->feeds.net_id, NET_ID_SIZE);
	assert_done(audit_network_run(node_view(node), &plan, &result,
				      &node->t.err),
		    &node->t.err);
	for (uint64_t i = 0; i < result.findings; i++)
		unsound += result.list[i].kind == NETWORK_UNSOUND;
	assert_int_equal(unsound, 1);
	assert_int_equal(result.findings, 1);
	/* A store that is folded anew comes to the same. */
	assert_done(feed_rebuild(node->desk, node->t.txn, &node->t.err),
		    &node->t.err);
	assert_unsound(node);
}

/* Method: who hears A first, and who hears B first; then the same of HQ's
 * word, before all and behind all. */
static void it_does_not_matter_who_was_heard_first(void **state)
{
	struct bed *bed = *state;
	struct node other;

	node_open(&other, &bed->feeds);
	node_hear_all(&other, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, A);
	node_hear_all(&bed->node, &bed->feeds, B);
	node_hear_all(&other, &bed->feeds, B);
	assert_unsound(&other);
	node_hear_all(&other, &bed->feeds, A);
	assert_balanced(&bed->node);
	assert_balanced(&other);
	node_close(&other);

	hq_ends(bed);
	node_open(&other, &bed->feeds);
	node_hear_all(&other, &bed->feeds, SITE_CONTROL);
	node_hear_all(&other, &bed->feeds, B);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_unsound(&bed->node);
	assert_unsound(&other);
	node_close(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hqs_word_is_taken_whatever_is_left),
		TEST(it_does_not_matter_who_was_heard_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
