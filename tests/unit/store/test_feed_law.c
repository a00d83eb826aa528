/*
 * Who may say what: the law that each reader applies to each row, and the
 * document from which another reader of feeds would be written.
 */
#include <stdlib.h>

#include "rules/ledger/transfer.h"
#include "store/audit_network.h"
#include "store/feed_parts.h"
#include "tests/support/document.h"
#include "tests/support/feeds.h"

#define FORMAT_DOCUMENT DEPOT_GOLDEN "/../../docs/format/delta.md"

#define FROM SITE_FIRST
#define TO (SITE_FIRST + 1)
#define TRANSFER_NAME "3-4-1"

static const uint8_t net_id[NET_ID_SIZE] = "law";

/* ---- verdicts ---- */

/* Of an entry that is not the first, nor behind a closing. */
static enum void_reason judge_at(uint32_t site, uint64_t number,
				 const struct entry *entry)
{
	struct feed_law law = {.net_id = net_id, .site = site, .epoch = 1};

	return feed_law_judge(&law, number, entry);
}

static const char *may(uint32_t site, const struct entry *entry)
{
	return judge_at(site, 2, entry) == 0 ? "yes" : "no";
}

static struct entry move(enum movement_kind kind, const char *from,
			 const char *to)
{
	return move_of(kind, "TEA", 5, from, to);
}

/* A sound one of the kind, of this network and epoch. */
static struct entry entry_for(enum entry_kind kind)
{
	struct entry entry = sample_entry(kind);

	if (kind == ENTRY_FOUNDING)
		memcpy(entry.body.founding.net_id, net_id, NET_ID_SIZE);
	if (kind == ENTRY_ROOT)
		entry.body.root.epoch = 1;
	if (kind == ENTRY_MOVEMENT)
		entry = move(MOVEMENT_PUTAWAY, "DOCK", "A-01");
	if (kind == ENTRY_TRANSFER) {
		entry.body.transfer.state = TRANSFER_SHIPPED;
		TEXT_SET(entry.body.transfer.id, TRANSFER_NAME);
	}
	if (kind == ENTRY_CLAIM)
		TEXT_SET(entry.body.claim.transfer, TRANSFER_NAME);
	assert_true(entry_is_sound(&entry));
	return entry;
}

/* What the table says of the kind in that feed. */
static const char *verdict_of(uint32_t site, enum entry_kind kind)
{
	struct entry entry = entry_for(kind);
	enum void_reason first = judge_at(site, 1, &entry);
	enum void_reason later = judge_at(site, 2, &entry);

	if (first == 0 && later == VOID_FOUNDING)
		return "first";
	if (site == SITE_FIRST && kind == ENTRY_MOVEMENT && later == 0)
		return "own";
	if (site == SITE_FIRST &&
	    (kind == ENTRY_TRANSFER || kind == ENTRY_CLAIM) && later == 0)
		return "side";
	if (later == 0)
		return "yes";
	assert_true(later == VOID_AUTHORITY || later == VOID_FOUNDING);
	if (kind == ENTRY_MOVEMENT) {
		entry = move(MOVEMENT_TRANSFER_ADJUST, "transit:3-4-1", "loss");
		later = judge_at(site, 2, &entry);
	} else if (kind == ENTRY_TRANSFER) {
		entry.body.transfer.state = TRANSFER_LOST;
		later = judge_at(site, 2, &entry);
	}
	return later == 0 ? "lost" : "no";
}

/* Method: each known kind, sound, as the second entry of HQ's control, of the
 * master feed and of a site's; as the first where it may be nothing else. */
static void the_document_says_who_may_say_each_kind(void **state)
{
	struct document document;

	(void)state;
	document_open(&document, FORMAT_DOCUMENT, "### Who may say what",
		      "| kind | control (1) | master (2) |");
	while (document_next(&document)) {
		enum entry_kind kind = kind_at(document.rows - 1);
		char name[64];

		assert_true(text_format(name, sizeof(name), "%d `%s`",
					(int)kind, entry_kind_name(kind)));
		assert_string_equal(document.cells[0], name);
		for (uint32_t site = SITE_CONTROL; site <= SITE_FIRST; site++)
			if (strcmp(document.cells[site],
				   verdict_of(site, kind)) != 0)
				fail_msg("%s in feed %u: the document says "
					 "%s, the code %s",
					 name, site, document.cells[site],
					 verdict_of(site, kind));
	}
	assert_int_equal(document.rows, ENTRY_KIND_COUNT);
}

/* ---- transfers ---- */

struct passage {
	enum movement_kind kind;
	const char *from;
	const char *to;
	bool is_hq; /* of two rows with one way: the one that control adds to */
};

static const struct passage passages[] = {
	{MOVEMENT_TRANSFER_OUT, "DOCK", "transit:3-4-1", false},
	{MOVEMENT_TRANSFER_IN, "transit:3-4-1", "DOCK", false},
	{MOVEMENT_TRANSFER_ADJUST, "found", "transit:3-4-1", false},
	{MOVEMENT_TRANSFER_ADJUST, "transit:3-4-1", "loss", false},
	{MOVEMENT_TRANSFER_ADJUST, "transit:3-4-1", "loss", true},
};

static const uint32_t sides[] = {FROM, TO, SITE_CONTROL};

/* Method: both directions of each passage, by each of the three; and by a
 * fourth, who may say none of it. */
static void the_document_says_which_side_moves_what(void **state)
{
	struct document document;

	(void)state;
	document_open(&document, FORMAT_DOCUMENT, "### Who may say what",
		      "| movement | its reversal | adds to |");
	while (document_next(&document)) {
		const struct passage *way = &passages[document.rows - 1];
		struct entry there = move(way->kind, way->from, way->to);
		struct entry back = move(MOVEMENT_REVERSE, way->to, way->from);

		assert_true(document.rows <= ARRAY_LEN(passages));
		assert_string_equal(may(TO + 1, &there), "no");
		assert_string_equal(may(SITE_MASTER, &there), "no");
		for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
			bool is_row = way->kind != MOVEMENT_TRANSFER_ADJUST ||
				      way->to[0] == 't' ||
				      way->is_hq == (sides[i] == SITE_CONTROL);
			const char *cell = document.cells[3 + i];

			assert_string_equal(may(sides[i], &there),
					    may(sides[i], &back));
			assert_string_equal(cell, is_row ? may(sides[i], &there)
							 : "no");
		}
	}
	assert_int_equal(document.rows, ARRAY_LEN(passages));
}

static void the_document_says_who_may_say_each_state_of_a_transfer(void **state)
{
	struct document document;

	(void)state;
	document_open(&document, FORMAT_DOCUMENT, "### Who may say what",
		      "| transfer state | sender |");
	while (document_next(&document)) {
		struct entry entry = entry_for(ENTRY_TRANSFER);

		entry.body.transfer.state = (enum transfer_state)document.rows;
		assert_int_equal(document.cells[0][0], '0' + document.rows);
		for (size_t i = 0; i < ARRAY_LEN(sides); i++)
			assert_string_equal(document.cells[1 + i],
					    may(sides[i], &entry));
		assert_string_equal(may(TO + 1, &entry), "no");
	}
	assert_int_equal(document.rows, TRANSFER_LOST);
}

/* ---- ways ---- */

static const char *const ends[] = {"DOCK",        "PICKED",        "PACKED",
				   "transit:t-1", "supplier:acme", "customer",
				   "loss",        "found",         "scrap",
				   "made"};

/* What the document calls it. */
static void end_name(const char *end, char name[16])
{
	if (strcmp(end, "DOCK") == 0)
		(void)text_format(name, 16, "bin");
	else if (strcmp(end, "PICKED") == 0 || strcmp(end, "PACKED") == 0)
		(void)text_format(name, 16, "`%s`", end);
	else
		(void)text_format(name, 16, "%.*s", (int)strcspn(end, ":"),
				  end);
}

/* "bin" is any bin, "any" any place. */
static bool end_fits(struct span said, const char *end)
{
	char name[16];

	end_name(end, name);
	return span_is(said, name) || span_is(said, "any") ||
	       (span_is(said, "bin") && name[0] == '`');
}

static bool ways_have(const char *ways, const char *from, const char *to)
{
	while (*ways != '\0') {
		size_t size = strcspn(ways, ",");
		const char *arrow = strstr(ways, " -> ");

		assert_non_null(arrow);
		assert_true(arrow < ways + size);
		if (end_fits((struct span){ways, (size_t)(arrow - ways)},
			     from) &&
		    end_fits((struct span){arrow + 4,
					   (size_t)(ways + size - arrow - 4)},
			     to))
			return true;
		ways += size + (ways[size] == ',' ? 2 : 0);
	}
	return false;
}

static bool condition_fits(const char *said, const struct movement *movement)
{
	enum condition from = movement->from.condition;
	enum condition to = movement->to.condition;
	bool is_same = place_equal(&movement->from.place, &movement->to.place);

	if (strcmp(said, "the same, in another bin") == 0)
		return from == to && !is_same;
	if (strcmp(said, "quarantine") == 0)
		return to == CONDITION_QUARANTINE;
	if (strncmp(said, "another than before", 19) == 0)
		return is_same && from != to && to != CONDITION_GOOD;
	if (strncmp(said, "good, and was not", 17) == 0)
		return is_same && from != to && to == CONDITION_GOOD;
	assert_true(strncmp(said, "any", 3) == 0);
	return !is_same || from != to;
}

/* All conditions that the two ends may have, bins or not. */
static size_t ways_check(const struct document *document,
			 const struct entry *entry, bool has_way)
{
	size_t count = 0;

	for (unsigned from = 0; from <= CONDITION_MAX; from++) {
		for (unsigned to = 0; to <= CONDITION_MAX; to++) {
			struct entry other = *entry;
			struct movement *movement = &other.body.movement;
			bool is_fit;

			movement->from.condition = (enum condition)from;
			movement->to.condition = (enum condition)to;
			is_fit = (movement->from.place.kind == PLACE_BIN) ==
					 (from != CONDITION_NONE) &&
				 (movement->to.place.kind == PLACE_BIN) ==
					 (to != CONDITION_NONE);
			is_fit = is_fit && has_way &&
				 condition_fits(document->cells[2], movement);
			if (is_fit != entry_is_sound(&other))
				fail_msg("%s: conditions %u and %u, %s",
					 document->line, from, to,
					 is_fit ? "unsound" : "sound");
			count += is_fit;
		}
	}
	return count;
}

/* A reason is due where the document says so, and nowhere else. */
static void reason_check(const struct document *document,
			 const struct entry *entry)
{
	struct entry other = *entry;
	bool is_due = strcmp(document->cells[3], "due") == 0;

	other.body.movement.reason.size = 0;
	if (entry_is_sound(entry))
		assert_int_equal(entry_is_sound(&other), !is_due);
}

/* Method: each movement from each end to each end, with each pair of
 * conditions. */
static void the_document_has_the_ways_of_each_movement(void **state)
{
	struct document document;
	size_t sound = 0;

	(void)state;
	document_open(&document, FORMAT_DOCUMENT, "### Sound",
		      "| movement | ways | condition |");
	while (document_next(&document)) {
		enum movement_kind kind = (enum movement_kind)document.rows;
		char name[32];

		assert_true(text_format(name, sizeof(name), "%d `%s`",
					(int)kind, movement_kind_name(kind)));
		assert_string_equal(document.cells[0], name);
		for (size_t i = 0; i < ARRAY_LEN(ends) * ARRAY_LEN(ends); i++) {
			const char *from = ends[i / ARRAY_LEN(ends)];
			const char *to = ends[i % ARRAY_LEN(ends)];
			struct entry entry = move(kind, from, to);

			sound += ways_check(&document, &entry,
					    ways_have(document.cells[1], from,
						      to));
			reason_check(&document, &entry);
		}
	}
	assert_int_equal(document.rows, MOVEMENT_KIND_MAX);
	assert_true(sound > 500);
	printf("%zu sound ways\n", sound);
}

/* ---- reasons ---- */

static void the_document_names_each_reason_with_its_number(void **state)
{
	struct document document;
	char name[32];

	(void)state;
	document_open(&document, FORMAT_DOCUMENT, "## What counts",
		      "| void | name | when |");
	while (document_next(&document)) {
		enum void_reason reason = (enum void_reason)document.rows;

		assert_int_equal(document.cells[0][0], '0' + document.rows);
		assert_true(text_format(name, sizeof(name), "`%s`",
					void_reason_name(reason)));
		assert_string_equal(document.cells[1], name);
	}
	assert_int_equal(document.rows, VOID_REASON_MAX);
}

/* ---- rules of a newer depot ---- */

struct bed {
	struct feeds feeds;
	struct node node;
};

static const struct feed_id feed_from = {FROM, 1, 0};

static void audit_is_clean(struct bed *bed)
{
	struct network_plan plan = {.progress = NULL};
	static struct network_result result;

	memcpy(plan.net_id, bed->feeds.net_id, NET_ID_SIZE);
	assert_done(audit_network_run(node_view(&bed->node), &plan, &result,
				      &bed->node.t.err),
		    &bed->node.t.err);
	assert_int_equal(result.unexplained, 0);
	assert_true(result.deltas >= 4);
}

static struct bed *bed_open(void)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	feeds_open(&bed->feeds);
	node_open(&bed->node, &bed->feeds);
	return bed;
}

static void bed_close(struct bed *bed)
{
	node_close(&bed->node);
	feeds_close(&bed->feeds);
	free(bed);
}

/* The author's delta, as a depot with rules of that version had signed it; the
 * one behind it follows that one's hash. */
static enum admission hear_by_rules(struct bed *bed, uint64_t seq,
				    uint32_t rules)
{
	static struct sent sent;
	struct feed_record feed = node_feed(&bed->node, feed_from);

	node_send(&bed->feeds.author, feed_from, seq, &sent);
	sent.delta.header.rules = rules;
	memcpy(sent.delta.header.previous, feed.hash, HASH_SIZE);
	delta_sign(feeds_signer_of(&bed->feeds, FROM), bed->feeds.net_id,
		   &sent.delta.header, sent.delta.signature);
	return node_take(&bed->node, &bed->feeds, &sent, 0);
}

/* Method: of three receipts, the middle one is by newer rules. It names an item
 * that the third refers to by its slot: its rows are read. */
static void
a_delta_by_newer_rules_is_kept_and_passed_on_and_does_not_count(void **state)
{
	struct bed *bed = bed_open();
	struct feed_record feed;
	struct delta delta;

	(void)state;
	for (int64_t units = 1; units <= 100; units *= 10)
		(void)feeds_move(&bed->feeds, FROM, MOVEMENT_RECEIVE,
				 units == 1 ? "TEA" : "CUP", units,
				 "supplier:acme", "DOCK");
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	assert_admission(node_hear(&bed->node, &bed->feeds, FROM, 1),
			 "applied");
	assert_admission(hear_by_rules(bed, 2, 1), "applied");
	assert_admission(hear_by_rules(bed, 3, FEED_RULES + 1), "applied");
	assert_admission(hear_by_rules(bed, 4, 1), "applied");
	feed = node_feed(&bed->node, feed_from);
	assert_int_equal(feed.seq, 4);
	assert_int_equal(feed.rows, 4);
	assert_int_equal(feed.void_rows, 0);
	assert_string_equal(feed_state_name(feed.state), "contiguous");
	assert_int_equal(node_units(&bed->node, &feed_from, "TEA", "DOCK"), 1);
	assert_int_equal(node_units(&bed->node, &feed_from, "CUP", "DOCK"),
			 100);
	assert_code(feed_delta(node_view(&bed->node), feed_from, 3, &delta,
			       NULL),
		    ERR_OK);
	assert_int_equal(delta.header.rules, FEED_RULES + 1);
	/* Folded again it is the same. */
	assert_code(feed_refold(bed->node.desk, bed->node.t.txn, &feed, NULL),
		    ERR_OK);
	assert_int_equal(node_units(&bed->node, &feed_from, "CUP", "DOCK"),
			 100);
	assert_int_equal(node_feed(&bed->node, feed_from).rows, 4);
	audit_is_clean(bed);
	bed_close(bed);
}

/* HQ's first word may be a newer depot's: its key has to be known, or all of
 * control would be a stranger's. */
static void the_roots_statement_counts_by_any_rules(void **state)
{
	struct entry root = sample_entry(ENTRY_ROOT);
	struct delta_header header = {.site = SITE_CONTROL,
				      .rules = FEED_RULES + 1};
	struct entry_bytes bytes = {.size = 0};
	struct writer writer;
	struct span span = {(const char *)bytes.data, 0};
	struct entry read;

	(void)state;
	writer_init(&writer, bytes.data, sizeof(bytes.data));
	entry_encode(&writer, &root);
	bytes.size = writer.size;
	span.size = writer.size;
	feed_rules_apply(&header, 1, &bytes);
	assert_code(entry_decode(span, &read), ERR_OK);
	feed_rules_apply(&header, 2, &bytes);
	assert_code(entry_decode(span, &read), ERR_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_says_who_may_say_each_kind),
		cmocka_unit_test(the_document_says_which_side_moves_what),
		cmocka_unit_test(
			the_document_says_who_may_say_each_state_of_a_transfer),
		cmocka_unit_test(the_document_has_the_ways_of_each_movement),
		cmocka_unit_test(
			the_document_names_each_reason_with_its_number),
		cmocka_unit_test(
			a_delta_by_newer_rules_is_kept_and_passed_on_and_does_not_count),
		cmocka_unit_test(the_roots_statement_counts_by_any_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
