/*
 * What a feed that is here says of one item, and what one of its deltas says.
 *
 * Method: authors' deltas in a real store, more of them than a segment has.
 */
#include "tests/support/feeds.h"

#define A SITE_FIRST
#define DELTAS 300

static const struct feed_id whole = {A, 1, 0};

struct bed {
	struct feeds feeds;
	struct feed_desk *desk; /* for reading */
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	feeds_open(&bed->feeds);
	assert_code(feed_desk_open(bed->feeds.net_id, &bed->desk, NULL),
		    ERR_OK);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	feed_desk_close(bed->desk);
	feeds_close(&bed->feeds);
	free(bed);
	return 0;
}

static const struct view *view_of(const struct bed *bed)
{
	return node_view(&bed->feeds.author);
}

struct heard {
	size_t count;
	struct pos pos;
	int64_t units;
};

static enum err_code entry_hear(void *context, struct pos pos,
				const struct entry *entry, struct err *err)
{
	struct heard *heard = context;

	(void)err;
	heard->count++;
	heard->pos = pos;
	if (entry->kind == ENTRY_MOVEMENT)
		heard->units = entry->body.movement.quantity.units;
	return ERR_OK;
}

static struct heard hear(struct bed *bed, uint64_t seq)
{
	struct delta_place place = {whole, seq};
	struct heard heard = {.count = 0};

	assert_code(feed_entries(bed->desk, view_of(bed), &place, entry_hear,
				 &heard, NULL),
		    ERR_OK);
	return heard;
}

/* Delta n + 1 moves n units; delta 1 is the founding. Forwards, as whoever
 * follows a feed reads it, and then here and there. */
static void a_delta_tells_its_entries_wherever_its_segment_is(void **state)
{
	static const uint64_t any[] = {257, 3, 256, 301, 258, 2};
	struct bed *bed = *state;
	struct heard heard;

	for (int64_t i = 1; i <= DELTAS; i++)
		(void)feeds_move(&bed->feeds, A, MOVEMENT_RECEIVE, "TEA", i,
				 "supplier:acme", "DOCK");
	for (uint64_t seq = 2; seq <= DELTAS + 1; seq++) {
		heard = hear(bed, seq);
		assert_int_equal(heard.count, 1);
		assert_int_equal(heard.units, seq - 1);
		assert_int_equal(pos_number(heard.pos), seq);
	}
	for (size_t i = 0; i < ARRAY_LEN(any); i++)
		assert_int_equal(hear(bed, any[i]).units, any[i] - 1);
}

static void a_delta_that_is_not_here_is_not_found(void **state)
{
	struct bed *bed = *state;
	struct delta_place place = {whole, 2};
	struct heard heard = {.count = 0};
	struct delta_header header;
	struct feed_record feed = node_feed(&bed->feeds.author, whole);

	assert_code(feed_entries(bed->desk, view_of(bed), &place, entry_hear,
				 &heard, NULL),
		    ERR_NOT_FOUND);
	assert_int_equal(heard.count, 0);
	assert_code(feed_sealed_at(view_of(bed), &feed, 2, &header, NULL),
		    ERR_NOT_FOUND);
}

static void the_delta_of_each_entry_is_found(void **state)
{
	struct bed *bed = *state;
	struct feed_record feed;
	struct delta_header header;
	uint64_t found = 0;

	for (int i = 0; i < 5; i++) {
		struct entry entry = move_of(MOVEMENT_RECEIVE, "TEA", 1,
					     "supplier:acme", "DOCK");
		struct writing *writing = writing_new(0);

		for (int row = 0; row <= i; row++)
			writing_add(&bed->feeds, writing, &entry);
		(void)node_write(&bed->feeds, &bed->feeds.author, whole,
				 writing);
	}
	feed = node_feed(&bed->feeds.author, whole);
	for (uint64_t number = 1; number <= feed.number; number++) {
		assert_code(feed_sealed_at(view_of(bed), &feed, number, &header,
					   NULL),
			    ERR_OK);
		assert_in_range(number, header.first,
				header.first + header.row_count - 1);
		found++;
	}
	assert_int_equal(found, 1 + 1 + 2 + 3 + 4 + 5);
}

/* "A" is the beginning of "AB", and both have rows in several places. */
static void items_are_met_once_each_and_in_order(void **state)
{
	static const char *const skus[] = {"A", "AB", "TEA", "TEA-2"};
	struct bed *bed = *state;
	struct sku item = {.size = 0};
	struct units units = {"A", "DOCK", 0};
	size_t count = 0;

	for (size_t i = 0; i < 2 * ARRAY_LEN(skus); i++)
		(void)feeds_move(&bed->feeds, A, MOVEMENT_RECEIVE,
				 skus[(i * 3) % ARRAY_LEN(skus)], 7,
				 i % 2 == 0 ? "supplier:acme" : "supplier:zed",
				 "DOCK");
	(void)feeds_move(&bed->feeds, A + 1, MOVEMENT_RECEIVE, "OTHER", 1,
			 "supplier:acme", "DOCK");
	while (site_balance_next(view_of(bed), whole, sku_span(&item), &item,
				 NULL) == ERR_OK) {
		assert_true(count < ARRAY_LEN(skus));
		assert_span(sku_span(&item), skus[count]);
		count++;
	}
	assert_int_equal(count, ARRAY_LEN(skus));
	/* Those of A alone, not of AB. */
	assert_code(site_balance_item(view_of(bed), whole, SPAN_LITERAL("A"),
				      units_add, &units, NULL),
		    ERR_OK);
	assert_int_equal(units.units, 14);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_delta_tells_its_entries_wherever_its_segment_is),
		TEST(a_delta_that_is_not_here_is_not_found),
		TEST(the_delta_of_each_entry_is_found),
		TEST(items_are_met_once_each_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
