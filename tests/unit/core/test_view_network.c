/*
 * What HQ says of all sites: the sums of what their deltas moved, each site's
 * own row beside them, and how old and how sure that is.
 *
 * Method: a real store that hears authors' deltas one by one.
 */
#include "tests/support/feeds.h"

#include "gateway/core/view_network.h"
#include "tests/support/payload.h"

#define A SITE_FIRST
#define B (SITE_FIRST + 1)

struct bed {
	struct feeds feeds;
	struct node hq;
	struct network_sites sites;
	struct network_item item;
	struct payload payload;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	feeds_open(&bed->feeds);
	node_open(&bed->hq, &bed->feeds);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	network_sites_release(&bed->sites);
	network_item_release(&bed->item);
	node_close(&bed->hq);
	feeds_close(&bed->feeds);
	free(bed);
	return 0;
}

static void hear(struct bed *bed)
{
	node_hear_all(&bed->hq, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->hq, &bed->feeds, A);
	node_hear_all(&bed->hq, &bed->feeds, B);
}

static void look(struct bed *bed, const char *name)
{
	struct sku sku = {.size = 0};

	assert_true(sku_set(&sku, span_of(name)));
	assert_code(network_sites_read(node_view(&bed->hq), &bed->sites, NULL),
		    ERR_OK);
	assert_code(network_item_read(node_view(&bed->hq), &bed->sites, &sku,
				      &bed->item, NULL),
		    ERR_OK);
}

static void look_at_total(struct bed *bed, const char *name)
{
	look(bed, name);
	view_network_stock_print(&bed->sites, &bed->item,
				 payload_begin(&bed->payload));
	payload_end(&bed->payload);
}

static void look_at_page(struct bed *bed, const char *name, uint32_t page)
{
	look(bed, name);
	view_network_page_print(&bed->sites, &bed->item, page,
				payload_begin(&bed->payload));
	payload_end(&bed->payload);
}

/* One movement into each state, each with a quantity of its own. */
static void scene(struct bed *bed)
{
	struct feeds *feeds = &bed->feeds;

	(void)feeds_move(feeds, A, MOVEMENT_RECEIVE, "TEA", 100,
			 "supplier:acme", "DOCK");
	(void)feeds_move(feeds, A, MOVEMENT_PICK, "TEA", 20, "DOCK", "PICKED");
	(void)feeds_move(feeds, B, MOVEMENT_RECEIVE, "TEA", 7, "supplier:acme",
			 "DOCK/damaged");
	(void)feeds_move(feeds, B, MOVEMENT_RECEIVE, "TEA", 5, "supplier:acme",
			 "DOCK");
	(void)feeds_move(feeds, B, MOVEMENT_RECEIVE, "MUG", 1, "supplier:acme",
			 "DOCK");
}

static void the_totals_are_the_sums_of_what_the_sites_moved(void **state)
{
	struct bed *bed = *state;

	scene(bed);
	hear(bed);
	look_at_total(bed, "TEA");
	assert_int_equal(payload_int(&bed->payload, "v"), 1);
	assert_span(payload_text(&bed->payload, "item"), "TEA");
	assert_int_equal(payload_int(&bed->payload, "on_hand"), 112);
	assert_int_equal(payload_int(&bed->payload, "good"), 85);
	assert_int_equal(payload_int(&bed->payload, "allocated"), 20);
	assert_int_equal(payload_int(&bed->payload, "damaged"), 7);
	assert_int_equal(payload_int(&bed->payload, "on_hold"), 0);
	assert_int_equal(payload_int(&bed->payload, "quarantine"), 0);
	assert_int_equal(payload_int(&bed->payload, "in_transit"), 0);
	assert_int_equal(payload_int(&bed->payload, "sites"), 2);
	assert_int_equal(payload_int(&bed->payload, "stale"), 0);
	assert_int_equal(payload_int(&bed->payload, "pages"), 1);
	assert_false(payload_is_null(&bed->payload, "changed_at"));
	look_at_total(bed, "MUG");
	assert_int_equal(payload_int(&bed->payload, "sites"), 1);
	assert_int_equal(payload_int(&bed->payload, "on_hand"), 1);
}

static void a_page_has_the_row_of_each_site(void **state)
{
	struct bed *bed = *state;
	const struct json_value *row;
	const struct json_value *rows;
	struct fault fault;
	int64_t units;

	scene(bed);
	hear(bed);
	look_at_page(bed, "TEA", 0);
	rows = payload_at(&bed->payload, "rows");
	assert_int_equal(payload_count(rows), 2);
	row = payload_entry(rows, 1);
	assert_int_equal(payload_value_int(json_member(row, "site")), B);
	assert_span(payload_value_text(json_member(row, "name")), "hz-04");
	assert_span(payload_value_text(json_member(row, "feed")), "contiguous");
	assert_code(json_int(row, "on_hand",
			     (struct json_range){INT64_MIN, INT64_MAX}, &units,
			     &fault),
		    ERR_OK);
	assert_int_equal(units, 12);
}

/* What was booked and undone leaves no row, and the item no trace. */
static void what_was_undone_is_nowhere(void **state)
{
	struct bed *bed = *state;

	(void)feeds_move(&bed->feeds, A, MOVEMENT_RECEIVE, "TEA", 9,
			 "supplier:acme", "DOCK");
	(void)feeds_move(&bed->feeds, A, MOVEMENT_REVERSE, "TEA", 9, "DOCK",
			 "supplier:acme");
	hear(bed);
	look(bed, "TEA");
	assert_int_equal(bed->item.count, 0);
	assert_int_equal(network_pages(&bed->item), 0);
}

static void units_on_their_way_are_in_transit_and_at_no_site(void **state)
{
	struct bed *bed = *state;

	(void)feeds_move(&bed->feeds, A, MOVEMENT_RECEIVE, "TEA", 100,
			 "supplier:acme", "DOCK");
	(void)feeds_move(&bed->feeds, A, MOVEMENT_TRANSFER_OUT, "TEA", 40,
			 "DOCK", "transit:3-4-1");
	(void)feeds_move(&bed->feeds, B, MOVEMENT_TRANSFER_IN, "TEA", 15,
			 "transit:3-4-1", "DOCK");
	hear(bed);
	look_at_total(bed, "TEA");
	assert_int_equal(payload_int(&bed->payload, "on_hand"), 75);
	assert_int_equal(payload_int(&bed->payload, "in_transit"), 25);
}

/* A is closed with what it has, and another box begins anew in its place. */
static void what_hq_wrote_off_does_not_come_back_with_a_new_box(void **state)
{
	struct bed *bed = *state;
	const struct feed_id lives[] = {{A, 1, 0}, {A, 2, 0}};

	(void)feeds_move(&bed->feeds, A, MOVEMENT_RECEIVE, "TEA", 100,
			 "supplier:acme", "DOCK");
	hear(bed);
	look_at_total(bed, "TEA");
	assert_int_equal(payload_int(&bed->payload, "on_hand"), 100);
	feeds_end(&bed->feeds, lives[0], FENCE_CLOSED);
	hear(bed);
	look_at_total(bed, "TEA");
	assert_int_equal(payload_int(&bed->payload, "on_hand"), 0);
	feeds_live_again(&bed->feeds, A, 2, "TEA", 7);
	hear(bed);
	look_at_total(bed, "TEA");
	assert_int_equal(payload_int(&bed->payload, "on_hand"), 0);
	node_hear_feed(&bed->hq, &bed->feeds, lives[1]);
	look_at_total(bed, "TEA");
	assert_int_equal(payload_int(&bed->payload, "on_hand"), 7);
	feeds_end(&bed->feeds, lives[1], FENCE_CLOSED);
	hear(bed);
	look_at_total(bed, "TEA");
	assert_int_equal(payload_int(&bed->payload, "on_hand"), 0);
}

/* Four sites are certified; of two nothing is here. */
static void the_status_counts_who_is_here(void **state)
{
	struct bed *bed = *state;
	struct network_status status;

	scene(bed);
	hear(bed);
	look(bed, "TEA");
	status = network_status_of(&bed->sites);
	assert_int_equal(status.sites, FEEDS_SITES);
	assert_int_equal(status.covered, 2);
	assert_int_equal(status.stale, 2);
	assert_int_equal(status.forked, 0);
	assert_false(status.has_oldest);
	view_network_status_print(&status, 180, payload_begin(&bed->payload));
	payload_end(&bed->payload);
	assert_int_equal(payload_int(&bed->payload, "covered"), 2);
	assert_true(payload_is_null(&bed->payload, "oldest_as_of"));
}

/* Another delta with a seq that HQ has: from then on nothing of it is sure. */
static void a_site_that_forked_is_stale_and_counted(void **state)
{
	struct bed *bed = *state;
	struct node clone;
	static struct sent sent;
	struct fork_proof proof;
	struct feed_record feed;
	struct entry entry =
		move_of(MOVEMENT_RECEIVE, "TEA", 1, "supplier:acme", "DOCK");
	struct writing *writing;
	struct delta first;

	node_open(&clone, &bed->feeds);
	node_hear_all(&clone, &bed->feeds, SITE_CONTROL);
	node_hear_all(&clone, &bed->feeds, A);
	scene(bed);
	hear(bed);
	feed = node_feed(&clone, (struct feed_id){A, 1, 0});
	writing = writing_new(0);
	writing_add(&bed->feeds, writing, &entry);
	(void)node_write(&bed->feeds, &clone, feed.id, writing);
	node_send(&clone, feed.id, feed.seq + 1, &sent);
	assert_code(feed_delta(node_view(&bed->hq), feed.id, feed.seq + 1,
			       &first, NULL),
		    ERR_OK);
	proof.first = first.header;
	memcpy(proof.first_signature, first.signature, SIGNATURE_SIZE);
	proof.second = sent.delta.header;
	memcpy(proof.second_signature, sent.delta.signature, SIGNATURE_SIZE);
	assert_done(fork_note(bed->hq.desk, bed->hq.t.txn, &proof,
			      &bed->hq.t.err),
		    &bed->hq.t.err);
	look_at_total(bed, "TEA");
	assert_int_equal(payload_int(&bed->payload, "stale"), 1);
	/* Facts of all branches count: only their rights do not. */
	assert_int_equal(payload_int(&bed->payload, "on_hand"), 112);
	assert_int_equal(network_status_of(&bed->sites).forked, 1);
	node_close(&clone);
}

/* The longest that a page can be: eight sites, each figure of 20 digits, an
 * SKU of which each byte is escaped. */
static void the_longest_page_fits(void **state)
{
	struct bed *bed = *state;
	struct network_site sites[NETWORK_PAGE_ROWS];
	struct network_row rows[NETWORK_PAGE_ROWS];
	struct network_sites all = {.at = sites, .count = NETWORK_PAGE_ROWS};
	struct network_item item = {.rows = rows, .count = NETWORK_PAGE_ROWS};
	const struct qty least = {-INT64_MAX};
	char name[NAME_SIZE_MAX + 1];
	char sku[SKU_SIZE_MAX + 1];

	memset(name, 'z', NAME_SIZE_MAX);
	name[NAME_SIZE_MAX] = '\0';
	memset(sku, '"', SKU_SIZE_MAX);
	sku[SKU_SIZE_MAX] = '\0';
	assert_true(sku_set(&item.sku, span_of(sku)));
	for (uint32_t i = 0; i < NETWORK_PAGE_ROWS; i++) {
		sites[i] = (struct network_site){.number = UINT32_MAX,
						 .state = FEED_DESYNCHRONIZED,
						 .has_as_of = true,
						 .as_of = {FEEDS_START_MS + 1}};
		assert_true(name_set(&sites[i].name, span_of(name)));
		rows[i] = (struct network_row){
			.site = i,
			.figures.tally = {least, least, least, least, least,
					  least, least}};
	}
	view_network_page_print(&all, &item, 0, payload_begin(&bed->payload));
	payload_end(&bed->payload);
	assert_int_equal(payload_count(payload_at(&bed->payload, "rows")),
			 NETWORK_PAGE_ROWS);
	assert_in_range(bed->payload.out.size, 2500, PAYLOAD_OUT_SIZE_MAX);
}

/* Golden: the whole text, so that no member comes or goes unseen. */
static void the_payloads_are_these_bytes(void **state)
{
	struct bed *bed = *state;
	struct network_site site = {.number = 4,
				    .state = FEED_CONTIGUOUS,
				    .has_as_of = true,
				    .as_of = {FEEDS_START_MS}};
	struct network_row row = {.figures.tally = {.on_hand = {5},
						    .available = {3},
						    .allocated = {2}}};
	struct network_sites sites = {.at = &site, .count = 1};
	struct network_item item = {.rows = &row, .count = 1};
	struct network_status status;

	TEXT_SET(site.name, "hz-01");
	TEXT_SET(item.sku, "TEA");
	item.total = row.figures;
	item.in_transit = 7;
	view_network_stock_print(&sites, &item, payload_begin(&bed->payload));
	assert_span(out_span(&bed->payload.out),
		    "{\"v\":1,\"item\":\"TEA\",\"on_hand\":5,\"good\":3,"
		    "\"allocated\":2,\"on_hold\":0,\"quarantine\":0,"
		    "\"damaged\":0,\"in_transit\":7,\"sites\":1,\"stale\":0,"
		    "\"pages\":1,\"oldest_as_of\":\"2026-11-22T10:00:00Z\","
		    "\"changed_at\":null}");
	view_network_page_print(&sites, &item, 0, payload_begin(&bed->payload));
	assert_span(out_span(&bed->payload.out),
		    "{\"v\":1,\"item\":\"TEA\",\"page\":0,\"pages\":1,"
		    "\"rows\":[{\"site\":4,\"name\":\"hz-01\",\"on_hand\":5,"
		    "\"good\":3,\"allocated\":2,\"on_hold\":0,\"quarantine\":0,"
		    "\"damaged\":0,\"as_of\":\"2026-11-22T10:00:00Z\","
		    "\"stale\":false,\"feed\":\"contiguous\"}]}");
	status = network_status_of(&sites);
	view_network_status_print(&status, 180, payload_begin(&bed->payload));
	assert_span(out_span(&bed->payload.out),
		    "{\"v\":1,\"sites\":1,\"covered\":0,\"closed\":0,"
		    "\"stale\":0,\"forked\":0,"
		    "\"oldest_as_of\":\"2026-11-22T10:00:00Z\","
		    "\"fresh_for_s\":180}");
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_totals_are_the_sums_of_what_the_sites_moved),
		T(a_page_has_the_row_of_each_site),
		T(what_was_undone_is_nowhere),
		T(units_on_their_way_are_in_transit_and_at_no_site),
		T(what_hq_wrote_off_does_not_come_back_with_a_new_box),
		T(the_status_counts_who_is_here),
		T(a_site_that_forked_is_stale_and_counted),
		T(the_longest_page_fits),
		T(the_payloads_are_these_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
