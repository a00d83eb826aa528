/*
 * HQ's master data beside what a site says itself: whose word counts, whatever
 * comes first, and that a fence and a rebuild leave nothing that is not said.
 */
#include "store/catalogue.h"
#include "store/fold.h"
#include "store/listing.h"
#include "tests/support/feeds.h"

#define A SITE_FIRST

struct bed {
	struct feeds feeds;
	struct node node;
	uint64_t journalled; /* entries of the node's own, folded */
};

static const struct feed_id feed_master = {SITE_MASTER, 1, 0};
static struct sent sent;

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	feeds_open(&bed->feeds);
	feeds_master_open(&bed->feeds);
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

static struct entry item_entry(const char *sku, const char *name,
			       enum base_unit unit)
{
	struct entry entry;

	entry_init(&entry, ENTRY_ITEM);
	assert_true(sku_set(&entry.body.item.sku, span_of(sku)));
	assert_true(item_name_set(&entry.body.item.name_en, span_of(name)));
	entry.body.item.unit = unit;
	entry.body.item.tracking = TRACK_NONE;
	return entry;
}

static struct entry code_entry(const char *code, const char *sku, int64_t pack)
{
	struct entry entry;

	entry_init(&entry, ENTRY_CODE);
	assert_true(code_text_set(&entry.body.code.code, span_of(code)));
	assert_true(sku_set(&entry.body.code.item, span_of(sku)));
	entry.body.code.pack = pack;
	return entry;
}

static void master_says(struct bed *bed, struct entry entry)
{
	(void)feeds_say(&bed->feeds, SITE_MASTER, &entry);
}

/* The node's own journal says it. */
static void own_says(struct bed *bed, struct entry entry)
{
	struct bytes bytes;

	entry.stamp.value = ++bed->feeds.stamp;
	entry.effective = stamp_moment(entry.stamp);
	bytes = encode(&entry);
	assert_done(fold_entry(bed->node.t.txn, pos_make(1, ++bed->journalled),
			       &entry,
			       (struct span){(char *)bytes.data, bytes.size},
			       &bed->node.t.err),
		    &bed->node.t.err);
}

static void assert_named(struct bed *bed, const char *sku, const char *name)
{
	const struct view *view = node_view(&bed->node);
	struct item_no number;
	struct item item;

	assert_code(item_find(view, span_of(sku), &number, NULL), ERR_OK);
	assert_code(item_get(view, number, &item, NULL), ERR_OK);
	assert_span(item_name_span(&item.name_en), name);
}

static void assert_scans(struct bed *bed, const char *code, const char *sku,
			 int64_t pack)
{
	const struct view *view = node_view(&bed->node);
	struct item_no number;
	struct sku found;
	int64_t units;

	assert_code(code_find(view, span_of(code), &number, &units, NULL),
		    ERR_OK);
	assert_code(item_name_of(view, number, &found, NULL), ERR_OK);
	assert_span(sku_span(&found), sku);
	assert_int_equal(units, pack);
}

/* ---- whose word ---- */

static void an_item_of_hq_is_known_without_a_word_of_the_site(void **state)
{
	struct bed *bed = *state;
	struct item_no number;
	struct item_no before;

	master_says(bed, item_entry("TEA", "Tea", UNIT_EACH));
	master_says(bed, code_entry("04006381333931", "TEA", 12));
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, SITE_MASTER);
	assert_named(bed, "TEA", "Tea");
	assert_scans(bed, "04006381333931", "TEA", 12);
	/* The journal has given no number, and nothing is written there. */
	assert_int_equal(tables_rows(&bed->node.t, TABLE_SKU), 0);
	assert_int_equal(tables_rows(&bed->node.t, TABLE_CODE), 0);
	assert_code(item_find(node_view(&bed->node), SPAN_LITERAL("TEA"),
			      &number, NULL),
		    ERR_OK);
	assert_true(catalogue_has_given(number));
	before = number;
	own_says(bed,
		 move_of(MOVEMENT_RECEIVE, "TEA", 5, "supplier:acme", "DOCK"));
	assert_code(item_renumber(node_view(&bed->node), &number, NULL),
		    ERR_OK);
	assert_false(catalogue_has_given(number));
	/* Stock is found under either number. */
	for (int i = 0; i < 2; i++) {
		struct tally tally;
		struct pos pos;

		assert_code(balance_tally(node_view(&bed->node),
					  i == 0 ? before : number, &tally,
					  &pos, NULL),
			    ERR_OK);
		assert_int_equal(tally.on_hand.units, 5);
	}
	assert_named(bed, "TEA", "Tea");
}

/*
 * Method: HQ says two things of one item and one code, the site one: its own
 * word comes before, between and after, and each time both orders of its item
 * and its code.
 */
static void hqs_word_counts_whatever_comes_first(void **state)
{
	struct bed *bed = *state;
	unsigned orders = 0;

	master_says(bed, item_entry("TEA", "Tea", UNIT_EACH));
	master_says(bed, code_entry("04006381333931", "TEA", 12));
	master_says(bed, item_entry("TEA", "Green tea", UNIT_EACH));
	master_says(bed, code_entry("04006381333931", "TEA", 24));
	for (uint64_t at = 0; at <= 4; at++) {
		node_close(&bed->node);
		node_open(&bed->node, &bed->feeds);
		bed->journalled = 0;
		node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
		for (uint64_t seq = 1; seq <= 5; seq++) {
			if (seq == at + 1) {
				own_says(bed, item_entry("TEA", "Our tea",
							 UNIT_EACH));
				own_says(bed, code_entry("04006381333931",
							 "TEA", 6));
			}
			if (seq == 5)
				break;
			assert_admission(node_hear(&bed->node, &bed->feeds,
						   SITE_MASTER, seq),
					 "applied");
			if (seq == 1 && at >= 1)
				assert_named(bed, "TEA", "Tea");
		}
		assert_named(bed, "TEA", "Green tea");
		assert_scans(bed, "04006381333931", "TEA", 24);
		orders++;
	}
	assert_int_equal(orders, 5);
}

static void a_sites_word_works_until_hq_speaks(void **state)
{
	struct bed *bed = *state;
	struct item_no number;
	int64_t pack;

	own_says(bed, item_entry("MUG", "Our mug", UNIT_EACH));
	own_says(bed, code_entry("HOUSE-1", "MUG", 1));
	assert_named(bed, "MUG", "Our mug");
	assert_scans(bed, "HOUSE-1", "MUG", 1);
	master_says(bed, item_entry("MUG", "Mug", UNIT_EACH));
	master_says(bed, code_entry("HOUSE-1", "", 1));
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, SITE_MASTER);
	assert_named(bed, "MUG", "Mug");
	/* HQ says that it stands for nothing. */
	assert_code(code_find(node_view(&bed->node), SPAN_LITERAL("HOUSE-1"),
			      &number, &pack, NULL),
		    ERR_NOT_FOUND);
}

/* ---- who may ---- */

static void nobody_but_hq_writes_master_data(void **state)
{
	struct bed *bed = *state;
	struct entry entry = item_entry("TEA", "Poison", UNIT_EACH);
	struct item item;
	struct latest latest = {.entry = {.kind = ENTRY_ITEM}};

	master_says(bed, item_entry("TEA", "Tea", UNIT_EACH));
	(void)feeds_say(&bed->feeds, A, &entry);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	/* Signed by a site's key, and said to be HQ's. */
	node_send(&bed->feeds.author, feed_master, 1, &sent);
	delta_sign(bed->feeds.sites[0], bed->feeds.net_id, &sent.delta.header,
		   sent.delta.signature);
	assert_admission(node_take(&bed->node, &bed->feeds, &sent, 0),
			 "forged");
	/* In its own feed it is a proposal, and nothing else. */
	node_hear_all(&bed->node, &bed->feeds, A);
	assert_code(catalogue_item(node_view(&bed->node), SPAN_LITERAL("TEA"),
				   &item, NULL),
		    ERR_NOT_FOUND);
	assert_code(feed_latest_next(node_view(&bed->node), A, SPAN_LITERAL(""),
				     &latest, NULL),
		    ERR_OK);
	assert_span(item_name_span(&latest.entry.body.item.name_en), "Poison");
	assert_code(feed_latest_next(node_view(&bed->node), A,
				     SPAN_LITERAL("TEA"), &latest, NULL),
		    ERR_NOT_FOUND);
	node_hear_all(&bed->node, &bed->feeds, SITE_MASTER);
	assert_code(catalogue_item(node_view(&bed->node), SPAN_LITERAL("TEA"),
				   &item, NULL),
		    ERR_OK);
	assert_span(item_name_span(&item.name_en), "Tea");
}

static void what_is_not_master_data_is_void_in_its_feed(void **state)
{
	struct bed *bed = *state;
	struct entry entries[2];
	struct writing *writing = writing_new(0);
	struct feed_write write = {.id = feed_master};
	uint64_t seq;

	entries[0] =
		move_of(MOVEMENT_RECEIVE, "TEA", 5, "supplier:acme", "DOCK");
	entries[1] = item_entry("TEA", "Tea", UNIT_EACH);
	writing_add(&bed->feeds, writing, &entries[0]);
	writing_add(&bed->feeds, writing, &entries[1]);
	write.plan = (struct seal_plan){.signer = bed->feeds.master,
					.now = {bed->feeds.now_ms},
					.clock_trusted = true,
					.boot = 7,
					.rows_max = 16};
	write.entries = writing->spans;
	write.count = writing->count;
	/* The writer is told; what it wrote all the same others void. */
	assert_code(feed_write(bed->feeds.author.desk, bed->feeds.author.t.txn,
			       &write, &seq, NULL),
		    ERR_INVALID);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_admission(node_hear(&bed->node, &bed->feeds, SITE_MASTER, 1),
			 "applied");
	assert_int_equal(node_feed(&bed->node, feed_master).void_rows, 1);
	assert_int_equal(node_units(&bed->node, NULL, "TEA", "DOCK"), 0);
	assert_named(bed, "TEA", "Tea");
}

/* ---- fences, rebuilds ---- */

static void fence_says(struct bed *bed, struct feed_id id, uint64_t seq)
{
	struct entry entry;

	entry_init(&entry, ENTRY_FENCE);
	entry.body.fence.site = id.site;
	entry.body.fence.epoch = id.epoch;
	entry.body.fence.seq = seq;
	entry.body.fence.verdict = FENCE_REVOKED;
	assert_code(feed_hash_at(node_view(&bed->feeds.author), id, seq,
				 entry.body.fence.hash, NULL),
		    ERR_OK);
	(void)feeds_say(&bed->feeds, SITE_CONTROL, &entry);
}

/* A stolen key of HQ's, say: what it said behind the fence was taken already.
 */
static void a_fence_takes_back_what_lies_behind_it(void **state)
{
	struct bed *bed = *state;
	struct feed_id feed_a = {A, 1, 0};
	struct entry entry = item_entry("OURS", "Ours", UNIT_EACH);
	struct latest latest = {.entry = {.kind = ENTRY_ITEM}};
	struct intent intent;
	struct intent_result result;
	struct item item;

	master_says(bed, item_entry("TEA", "Tea", UNIT_EACH));
	master_says(bed, item_entry("TEA", "Poison", UNIT_EACH));
	master_says(bed, item_entry("JUNK", "Junk", UNIT_EACH));
	(void)feeds_say(&bed->feeds, A, &entry);
	entry_init(&entry, ENTRY_INTENT);
	TEXT_SET(entry.body.intent.id, "i-1");
	TEXT_SET(entry.body.intent.verb, "task.add");
	entry.body.intent.target = A;
	(void)feeds_say(&bed->feeds, SITE_CONTROL, &entry);
	entry_init(&entry, ENTRY_INTENT_RESULT);
	TEXT_SET(entry.body.intent_result.id, "i-1");
	entry.body.intent_result.state = INTENT_DONE;
	(void)feeds_say(&bed->feeds, A, &entry);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, SITE_MASTER);
	node_hear_all(&bed->node, &bed->feeds, A);
	assert_named(bed, "TEA", "Poison");
	assert_code(roster_intent(node_view(&bed->node), SPAN_LITERAL("i-1"),
				  &intent, &result, NULL),
		    ERR_OK);
	assert_int_equal(result.state, INTENT_DONE);

	fence_says(bed, feed_master, 1);
	fence_says(bed, feed_a, 1);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_named(bed, "TEA", "Tea");
	assert_code(catalogue_item(node_view(&bed->node), SPAN_LITERAL("JUNK"),
				   &item, NULL),
		    ERR_NOT_FOUND);
	assert_code(feed_latest_next(node_view(&bed->node), A, SPAN_LITERAL(""),
				     &latest, NULL),
		    ERR_NOT_FOUND);
	assert_code(roster_intent(node_view(&bed->node), SPAN_LITERAL("i-1"),
				  &intent, &result, NULL),
		    ERR_OK);
	assert_int_equal(result.state, 0);
}

struct checksum {
	uint64_t value;
	uint64_t rows;
};

static enum err_code row_sum(void *context, struct span key, struct span value,
			     struct err *err)
{
	struct checksum *sum = context;

	(void)err;
	sum->value = seal_checksum(seal_checksum(sum->value, key), value);
	sum->rows++;
	return ERR_OK;
}

static struct checksum table_sum(struct bed *bed, enum table table)
{
	struct checksum sum = {0, 0};
	struct span all = {"", 0};

	assert_code(view_walk(node_view(&bed->node), table, all, all, row_sum,
			      &sum, NULL),
		    ERR_OK);
	return sum;
}

static void a_rebuild_gives_back_every_byte(void **state)
{
	struct bed *bed = *state;
	struct checksum roster;
	struct checksum feed;
	char sku[16];

	for (unsigned i = 0; i < 40; i++) {
		(void)text_format(sku, sizeof(sku), "SKU-%u", i % 25);
		master_says(bed,
			    item_entry(sku, i < 25 ? "One" : "Two", UNIT_EACH));
		master_says(bed, code_entry(sku, sku, i + 1));
	}
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, SITE_MASTER);
	node_hear_all(&bed->node, &bed->feeds, A);
	roster = table_sum(bed, TABLE_ROSTER);
	feed = table_sum(bed, TABLE_FEED);
	assert_true(roster.rows > 25 * 3);
	/* A row that nothing says goes, and one that is said comes back. */
	assert_code(txn_delete(bed->node.t.txn, TABLE_ROSTER,
			       SPAN_LITERAL("ISKU-3"), NULL),
		    ERR_OK);
	assert_done(feed_rebuild(bed->node.desk, bed->node.t.txn,
				 &bed->node.t.err),
		    &bed->node.t.err);
	assert_int_equal(table_sum(bed, TABLE_ROSTER).rows, roster.rows);
	assert_int_equal(table_sum(bed, TABLE_ROSTER).value, roster.value);
	assert_int_equal(table_sum(bed, TABLE_FEED).value, feed.value);
}

/* ---- lists ---- */

struct listed_names {
	char text[256];
	unsigned count;
};

static enum err_code item_list(void *context, struct span sku,
			       enum listed listed, struct err *err)
{
	struct listed_names *names = context;
	size_t at = strlen(names->text);

	(void)err;
	names->count++;
	assert_true(text_format(names->text + at, sizeof(names->text) - at,
				"%.*s=%d ", (int)sku.size, sku.data,
				(int)listed));
	return ERR_OK;
}

static enum err_code code_list(void *context, const struct code *code,
			       enum listed listed, struct err *err)
{
	return item_list(context, code_text_span(&code->code), listed, err);
}

static void a_list_has_what_hq_says_and_what_the_site_says_once(void **state)
{
	struct bed *bed = *state;
	struct listed_names names = {.count = 0};

	master_says(bed, item_entry("B", "b", UNIT_EACH));
	master_says(bed, item_entry("C", "c", UNIT_EACH));
	master_says(bed, code_entry("2", "B", 1));
	own_says(bed, item_entry("C", "ours", UNIT_EACH));
	own_says(bed, item_entry("A", "a", UNIT_EACH));
	own_says(bed, item_entry("D", "d", UNIT_EACH));
	own_says(bed, code_entry("1", "A", 1));
	own_says(bed, code_entry("2", "A", 1));
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, SITE_MASTER);
	assert_code(listing_items(node_view(&bed->node), SPAN_LITERAL(""),
				  item_list, &names, NULL),
		    ERR_OK);
	assert_string_equal(names.text, "A=1 B=2 C=3 D=1 ");
	names = (struct listed_names){.count = 0};
	assert_code(listing_items(node_view(&bed->node), SPAN_LITERAL("B"),
				  item_list, &names, NULL),
		    ERR_OK);
	assert_string_equal(names.text, "C=3 D=1 ");
	names = (struct listed_names){.count = 0};
	assert_code(listing_codes(node_view(&bed->node), SPAN_LITERAL(""),
				  code_list, &names, NULL),
		    ERR_OK);
	assert_string_equal(names.text, "1=1 2=3 ");
	assert_int_equal(names.count, 2);
}

static uint64_t items_counted(struct bed *bed)
{
	uint64_t count = UINT64_MAX;

	assert_code(listing_items_count(node_view(&bed->node), &count, NULL),
		    ERR_OK);
	return count;
}

/* Method: first HQ alone speaks, then the site of fewer items than HQ, then of
 * more; of one of them both do. */
static void items_are_counted_as_the_list_has_them(void **state)
{
	struct bed *bed = *state;
	char sku[] = "A";

	assert_int_equal(items_counted(bed), 0);
	master_says(bed, item_entry("B", "b", UNIT_EACH));
	master_says(bed, item_entry("C", "c", UNIT_EACH));
	master_says(bed, item_entry("E", "e", UNIT_EACH));
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, SITE_MASTER);
	assert_int_equal(items_counted(bed), 3);
	own_says(bed, item_entry("C", "ours", UNIT_EACH));
	own_says(bed, item_entry("A", "a", UNIT_EACH));
	assert_int_equal(items_counted(bed), 4);
	for (sku[0] = 'V'; sku[0] <= 'Z'; sku[0]++)
		own_says(bed, item_entry(sku, "more", UNIT_EACH));
	assert_int_equal(items_counted(bed), 9);
}

static uint64_t codes_counted(struct bed *bed)
{
	uint64_t count = UINT64_MAX;

	assert_code(listing_codes_count(node_view(&bed->node), &count, NULL),
		    ERR_OK);
	return count;
}

/* Method: as above. A code that stands for nothing any more is one that the
 * list has. */
static void codes_are_counted_as_the_list_has_them(void **state)
{
	struct bed *bed = *state;
	struct listed_names names = {.count = 0};
	char code[] = "4";

	assert_int_equal(codes_counted(bed), 0);
	master_says(bed, item_entry("B", "b", UNIT_EACH));
	master_says(bed, code_entry("1", "B", 1));
	master_says(bed, code_entry("2", "B", 1));
	master_says(bed, code_entry("3", "", 1));
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, SITE_MASTER);
	assert_int_equal(codes_counted(bed), 3);
	own_says(bed, code_entry("2", "B", 12));
	own_says(bed, code_entry("0", "B", 1));
	assert_int_equal(codes_counted(bed), 4);
	for (; code[0] <= '8'; code[0]++)
		own_says(bed, code_entry(code, "B", 1));
	assert_int_equal(codes_counted(bed), 9);
	assert_code(listing_codes(node_view(&bed->node), SPAN_LITERAL(""),
				  code_list, &names, NULL),
		    ERR_OK);
	assert_int_equal(names.count, 9);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_item_of_hq_is_known_without_a_word_of_the_site),
		TEST(hqs_word_counts_whatever_comes_first),
		TEST(a_sites_word_works_until_hq_speaks),
		TEST(nobody_but_hq_writes_master_data),
		TEST(what_is_not_master_data_is_void_in_its_feed),
		TEST(a_fence_takes_back_what_lies_behind_it),
		TEST(a_rebuild_gives_back_every_byte),
		TEST(a_list_has_what_hq_says_and_what_the_site_says_once),
		TEST(items_are_counted_as_the_list_has_them),
		TEST(codes_are_counted_as_the_list_has_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
