/*
 * Two sites and a third that only listens exchange what they wrote, in any
 * order that keeps each site's own: the law of transfers holds at every step,
 * and in the end all three say the same.
 */
#include "tests/support/check.h"

#include "store/audit.h"
#include "store/rebuild.h"
#include "store/row.h"
#include "store/transfer.h"
#include "tests/support/dump.h"
#include "tests/support/moves.h"
#include "tests/support/warehouse.h"

#define ENTRIES_MAX 400
#define SENDER 3u
#define ADDRESSEE 7u

static const char *const skus[] = {"TEA", "CUP", "RADIO"};

/* A site's journal, and how much of it each other store has heard. */
struct feed {
	uint32_t site;
	struct entry entries[ENTRIES_MAX];
	struct pos pos[ENTRIES_MAX];
	size_t count;
};

struct node {
	struct warehouse w;
	struct feed *own; /* NULL: it only listens */
	size_t heard[2];  /* of each feed; of its own: all */
};

struct net {
	struct feed feeds[2]; /* sender's, addressee's */
	struct node nodes[3];
	uint64_t random;
};

static int setup(void **state)
{
	struct net *net = calloc(1, sizeof(*net));

	assert_non_null(net);
	net->feeds[0].site = SENDER;
	net->feeds[1].site = ADDRESSEE;
	for (size_t i = 0; i < ARRAY_LEN(net->nodes); i++) {
		warehouse_open(&net->nodes[i].w);
		net->nodes[i].own = i < 2 ? &net->feeds[i] : NULL;
	}
	*state = net;
	return 0;
}

static int teardown(void **state)
{
	struct net *net = *state;

	for (size_t i = 0; i < ARRAY_LEN(net->nodes); i++)
		warehouse_close(&net->nodes[i].w);
	free(net);
	return 0;
}

static uint64_t random_below(struct net *net, uint64_t bound)
{
	net->random = net->random * UINT64_C(6364136223846793005) +
		      UINT64_C(1442695040888963407);
	return (net->random >> 33) % bound;
}

/* ---- what the sites do ---- */

static void write_at(struct net *net, size_t at, struct entry *entry)
{
	struct feed *feed = &net->feeds[at];

	assert_true(feed->count < ENTRIES_MAX);
	if (entry->kind == ENTRY_MOVEMENT)
		assert_true(transfer_has_authority(feed->site,
						   &entry->body.movement));
	else
		assert_true(transfer_entry_has_authority(feed->site, entry));
	feed->pos[feed->count] = warehouse_enter(&net->nodes[at].w, entry);
	feed->entries[feed->count++] = *entry;
	net->nodes[at].heard[at] = feed->count;
}

static void stock_up(struct net *net, size_t at)
{
	static const char *const lots[] = {"", "L1", "L2"};

	for (size_t i = 0; i < ARRAY_LEN(skus) * ARRAY_LEN(lots); i++) {
		struct entry entry = move_of(MOVEMENT_RECEIVE, skus[i / 3],
					     100000, "supplier:acme", "A-01");

		move_lot(&entry, lots[i % 3]);
		write_at(net, at, &entry);
	}
}

static struct entry word(enum transfer_state state, const char *id)
{
	struct entry entry;

	entry_init(&entry, ENTRY_TRANSFER);
	entry.body.transfer.state = state;
	entry.body.transfer.from_site = SENDER;
	entry.body.transfer.to_site = ADDRESSEE;
	assert_true(place_name_set(&entry.body.transfer.id, span_of(id)));
	return entry;
}

static struct entry claim(enum claim_state state, const char *id)
{
	struct entry entry;
	char text[48];

	entry_init(&entry, ENTRY_CLAIM);
	entry.body.claim = (struct transfer_claim){.quantity = 1,
						   .kind = CLAIM_MISSING,
						   .party = CLAIM_SENDER,
						   .state = state};
	assert_true(text_format(text, sizeof(text), "%s-c1", id));
	assert_true(ref_set(&entry.body.claim.id, span_of(text)));
	assert_true(place_name_set(&entry.body.claim.transfer, span_of(id)));
	assert_true(sku_set(&entry.body.claim.item, SPAN_LITERAL("TEA")));
	return entry;
}

/* Something that the site may write, drawn at random. */
static struct entry anything(struct net *net, size_t at)
{
	static const struct {
		size_t at;
		enum movement_kind kind;
		const char *from;
		const char *to;
	} ways[] = {
		{0, MOVEMENT_TRANSFER_OUT, "A-01", "transit:%s"},
		{0, MOVEMENT_TRANSFER_OUT, "A-01", "transit:%s"},
		{0, MOVEMENT_REVERSE, "transit:%s", "A-01"},
		{1, MOVEMENT_TRANSFER_IN, "transit:%s", "DOCK"},
		{1, MOVEMENT_TRANSFER_IN, "transit:%s", "DOCK/damaged"},
		{1, MOVEMENT_REVERSE, "A-01", "transit:%s"},
		{1, MOVEMENT_TRANSFER_ADJUST, "found", "transit:%s"},
		{1, MOVEMENT_TRANSFER_ADJUST, "transit:%s", "loss"},
	};
	static const char *const ids[] = {"3-7-1", "3-7-2", "3-7-12"};
	const char *id = ids[random_below(net, ARRAY_LEN(ids))];
	uint64_t drawn = random_below(net, 10);
	size_t way = random_below(net, ARRAY_LEN(ways));
	struct entry entry;
	char from[40];
	char to[40];

	if (drawn == 0)
		return word(at == 0 ? TRANSFER_CREATED : TRANSFER_RECEIVING,
			    id);
	if (drawn == 1)
		return claim(at == 0 ? CLAIM_ACCEPTED : CLAIM_OPEN, id);
	while (ways[way].at != at)
		way = random_below(net, ARRAY_LEN(ways));
	(void)snprintf(from, sizeof(from), "%s", ways[way].from);
	(void)snprintf(to, sizeof(to), "%s", ways[way].to);
	if (strchr(from, '%') != NULL)
		(void)snprintf(from, sizeof(from), "transit:%s", id);
	if (strchr(to, '%') != NULL)
		(void)snprintf(to, sizeof(to), "transit:%s", id);
	entry = move_of(ways[way].kind,
			skus[random_below(net, ARRAY_LEN(skus))],
			1 + (int64_t)random_below(net, 9), from, to);
	if (random_below(net, 2) == 0)
		move_lot(&entry, random_below(net, 2) == 0 ? "L1" : "L2");
	if (random_below(net, 4) == 0)
		memcpy(entry.body.movement.sscc, "106141412345678908",
		       SSCC_SIZE);
	return entry;
}

/* ---- what others hear of it ---- */

static void hear(struct net *net, struct node *node, size_t from)
{
	const struct feed *feed = &net->feeds[from];
	size_t i = node->heard[from]++;
	struct txn *txn;

	assert_done(txn_begin(ledger_env(node->w.ledger), &txn, &node->w.err),
		    &node->w.err);
	assert_done(transfer_fold(txn, feed->site, feed->pos[i],
				  &feed->entries[i], &node->w.err),
		    &node->w.err);
	assert_done(txn_commit(txn, &node->w.err), &node->w.err);
}

/* ---- what they should make of it ---- */

/* The sums of what @node has heard so far, worked out from the entries. */
static struct transfer_sums model(const struct net *net,
				  const struct node *node, struct span id,
				  struct span item)
{
	struct transfer_sums sums = {.shipped = 0};

	for (size_t f = 0; f < 2; f++) {
		for (size_t i = 0; i < node->heard[f]; i++) {
			const struct entry *entry = &net->feeds[f].entries[i];
			const struct movement *movement = &entry->body.movement;
			struct transfer_sums more;
			enum transfer_side side;

			if (entry->kind != ENTRY_MOVEMENT ||
			    transfer_place(movement) == NULL ||
			    !span_equal(
				    place_name_span(
					    &transfer_place(movement)->name),
				    id) ||
			    !span_equal(sku_span(&movement->item), item))
				continue;
			assert_true(transfer_effect(net->feeds[f].site,
						    movement, &side, &more));
			assert_true(transfer_sums_add(&sums, &more));
		}
	}
	return sums;
}

struct seen_by {
	const struct net *net;
	const struct node *node;
	struct span id;
	const struct view *view;
	size_t items;
};

static enum err_code way_check(void *context, struct span id, int64_t units,
			       struct err *err)
{
	struct seen_by *check = context;
	struct transfer_sums sums;
	int64_t expected;

	(void)err;
	sums = model(check->net, check->node, id, check->id);
	assert_true(transfer_in_transit(&sums, &expected));
	assert_int_equal(units, expected);
	assert_true(units != 0);
	return ERR_OK;
}

static enum err_code item_check(void *context, const struct sku *item,
				const struct transfer_sums *sums,
				struct err *err)
{
	struct seen_by *check = context;
	struct seen_by ways = *check;
	struct transfer_sums expected =
		model(check->net, check->node, check->id, sku_span(item));
	int64_t units;

	assert_memory_equal(sums, &expected, sizeof(expected));
	assert_true(transfer_in_transit(sums, &units));
	assert_int_equal(sums->shipped + sums->surplus,
			 sums->good + sums->damaged + sums->claimed +
				 sums->lost + units);
	check->items++;
	ways.id = sku_span(item);
	return transfer_ways(check->view, sku_span(item), way_check, &ways,
			     err);
}

static enum err_code record_check(void *context,
				  const struct transfer_record *record,
				  struct err *err)
{
	struct seen_by *check = context;

	check->id = place_name_span(&record->id);
	return transfer_items(check->view, check->id, item_check, check, err);
}

static size_t node_check(const struct net *net, struct node *node)
{
	struct seen_by check = {.net = net, .node = node};
	const struct span all = {"", 0};
	struct view *view;

	assert_done(view_begin(ledger_env(node->w.ledger), &view, &node->w.err),
		    &node->w.err);
	check.view = view;
	assert_done(transfer_walk(view, all, record_check, &check,
				  &node->w.err),
		    &node->w.err);
	view_end(view);
	return check.items;
}

/* ---- what a store says, as bytes, whatever it knows it from ---- */

static enum err_code base_add(void *context, struct span key, struct span value,
			      struct err *err)
{
	struct reader reader;
	enum err_code code = row_open(TABLE_TRANSFER, key, value, &reader, err);

	if (code != ERR_OK)
		return code;
	/* The next number, and in which order others were heard, are a store's
	 * own affair. */
	if (strchr("nxy", key.data[1]) != NULL)
		return ERR_OK;
	key.data++; /* the origin, which is in the checksum, too */
	key.size--;
	value.size -= ROW_CHECKSUM_SIZE;
	return dump_row(context, key, value, err);
}

static struct dump say(struct node *node, const char *origins)
{
	struct dump dump = {.bytes = NULL};
	struct view *view;

	assert_done(view_begin(ledger_env(node->w.ledger), &view, &node->w.err),
		    &node->w.err);
	for (; *origins != '\0'; origins++)
		assert_done(view_walk(view, TABLE_TRANSFER,
				      (struct span){origins, 1},
				      (struct span){origins, 1}, base_add,
				      &dump, &node->w.err),
			    &node->w.err);
	view_end(view);
	return dump;
}

/* What both sites' rows, wherever they came from, make of it: that of all
 * three stores is one. */
static void assert_agreed(struct net *net)
{
	struct dump first = say(&net->nodes[0], "\x03");

	for (size_t i = 1; i < ARRAY_LEN(net->nodes); i++)
		assert_dump(&first, say(&net->nodes[i], "\x03"));
	free(first.bytes);
	/* And row by row: what the sites know of themselves is what the third
	 * was told of them. */
	for (size_t i = 0; i < 2; i++) {
		struct dump own = say(&net->nodes[i], "\x01");
		struct dump told = say(&net->nodes[1 - i], "\x02");

		assert_dump(&own, told);
		free(own.bytes);
	}
}

static void assert_audits(struct node *node)
{
	static struct audit_result result;
	const struct audit_plan plan = {.progress = NULL};
	char text[FINDING_PRINT_SIZE];
	struct view *view;

	assert_done(view_begin(ledger_env(node->w.ledger), &view, &node->w.err),
		    &node->w.err);
	assert_done(audit_run(view, &plan, &result, &node->w.err),
		    &node->w.err);
	view_end(view);
	if (audit_is_clean(&result))
		return;
	finding_print(&result.list[0], false, text, sizeof(text));
	fail_msg("%s", text);
}

/*
 * Method: 300 entries at two sites and their hearing at all three stores, drawn
 * at random; after each step each store is compared with a model that sums up
 * what it has heard so far.
 */
static void the_law_holds_in_any_order_of_hearing(void **state)
{
	struct net *net = *state;
	size_t checked = 0;
	size_t heard = 0;

	net->random = test_seed(20261122);
	stock_up(net, 0);
	stock_up(net, 1);
	while (net->feeds[0].count + net->feeds[1].count < 300 ||
	       heard < 2 * (net->feeds[0].count + net->feeds[1].count)) {
		struct node *node = &net->nodes[random_below(net, 3)];
		size_t from = random_below(net, 2);

		if (net->feeds[0].count + net->feeds[1].count < 300 &&
		    random_below(net, 3) == 0) {
			struct entry entry = anything(net, from);

			write_at(net, from, &entry);
			node = &net->nodes[from];
		} else if (node->heard[from] < net->feeds[from].count) {
			hear(net, node, from);
			heard++;
		}
		checked += node_check(net, node);
	}
	assert_agreed(net);
	for (size_t i = 0; i < ARRAY_LEN(net->nodes); i++)
		assert_audits(&net->nodes[i]);
	assert_int_equal(heard, 600);
	assert_true(checked > 2000);
}

/* ---- every order ---- */

/* A transfer from the first word to the last: 10 go out, 6 come good, 2
 * damaged, 3 are missing, and 1 too much is put right. */
static void story_write(struct net *net)
{
	struct entry sender[] = {
		move_of(MOVEMENT_RECEIVE, "TEA", 100, "supplier:acme", "A-01"),
		word(TRANSFER_CREATED, "3-7-1"),
		move_of(MOVEMENT_TRANSFER_OUT, "TEA", 10, "A-01",
			"transit:3-7-1"),
		word(TRANSFER_SHIPPED, "3-7-1"),
		claim(CLAIM_ACCEPTED, "3-7-1"),
		word(TRANSFER_CLOSED, "3-7-1"),
	};
	struct entry addressee[] = {
		move_of(MOVEMENT_TRANSFER_IN, "TEA", 6, "transit:3-7-1",
			"DOCK"),
		move_of(MOVEMENT_TRANSFER_IN, "TEA", 2, "transit:3-7-1",
			"DOCK/damaged"),
		move_of(MOVEMENT_TRANSFER_ADJUST, "TEA", 3, "transit:3-7-1",
			"loss"),
		move_of(MOVEMENT_TRANSFER_ADJUST, "TEA", 1, "found",
			"transit:3-7-1"),
		claim(CLAIM_OPEN, "3-7-1"),
		word(TRANSFER_RECEIVED, "3-7-1"),
	};

	for (size_t i = 0; i < ARRAY_LEN(sender); i++)
		write_at(net, 0, &sender[i]);
	for (size_t i = 0; i < ARRAY_LEN(addressee); i++)
		write_at(net, 1, &addressee[i]);
}

/* Lets the third store hear the stories in one order: bit i of @order says
 * whose entry is the i-th that it hears. In a transaction that is given up. */
static struct dump hear_in_order(struct net *net, uint32_t order)
{
	struct node *node = &net->nodes[2];
	size_t at[2] = {0};
	struct dump dump = {.bytes = NULL};
	const struct span all = {"", 0};
	size_t total = net->feeds[0].count + net->feeds[1].count;
	struct txn *txn;

	assert_done(txn_begin(ledger_env(node->w.ledger), &txn, &node->w.err),
		    &node->w.err);
	for (size_t i = 0; i < total; i++, order >>= 1) {
		const struct feed *feed = &net->feeds[order & 1];
		size_t next = at[order & 1]++;

		assert_done(transfer_fold(txn, feed->site, feed->pos[next],
					  &feed->entries[next], &node->w.err),
			    &node->w.err);
	}
	assert_done(view_walk(txn_view(txn), TABLE_TRANSFER, all, all, base_add,
			      &dump, &node->w.err),
		    &node->w.err);
	txn_abandon(txn);
	return dump;
}

/* Method: all 924 orders in which a listener can hear 6 entries of each of
 * the two sites. */
static void every_order_of_hearing_gives_the_same_bytes(void **state)
{
	struct net *net = *state;
	struct dump first = {.bytes = NULL};
	size_t orders = 0;

	story_write(net);
	assert_int_equal(net->feeds[0].count, 6);
	assert_int_equal(net->feeds[1].count, 6);
	for (uint32_t order = 0; order < 1u << 12; order++) {
		struct dump dump;

		if (__builtin_popcount(order) != 6)
			continue;
		dump = hear_in_order(net, order);
		if (orders++ == 0)
			first = dump;
		else
			assert_dump(&first, dump);
	}
	assert_true(first.rows > 0);
	free(first.bytes);
	assert_int_equal(orders, 924);
}

static void get(struct node *node, const char *id,
		struct transfer_record *record)
{
	struct view *view;

	assert_done(view_begin(ledger_env(node->w.ledger), &view, &node->w.err),
		    &node->w.err);
	assert_done(transfer_get(view, span_of(id), record, &node->w.err),
		    &node->w.err);
	view_end(view);
}

static void assert_change(struct node *node, uint64_t number, const char *item)
{
	struct view *view;
	struct sku sku;
	uint64_t last;

	assert_done(view_begin(ledger_env(node->w.ledger), &view, &node->w.err),
		    &node->w.err);
	assert_done(transfer_change_last(view, &last, &node->w.err),
		    &node->w.err);
	assert_true(number <= last);
	if (item == NULL)
		assert_code(transfer_change_item(view, number, &sku,
						 &node->w.err),
			    ERR_NOT_FOUND);
	else
		assert_done(transfer_change_item(view, number, &sku,
						 &node->w.err),
			    &node->w.err);
	if (item != NULL)
		assert_true(span_is(sku_span(&sku), item));
	view_end(view);
}

/* Method: more movements are heard than are remembered. */
static void the_items_of_the_last_changes_are_remembered(void **state)
{
	struct net *net = *state;
	struct node *node = &net->nodes[2];
	struct entry tea = move_of(MOVEMENT_TRANSFER_IN, "TEA", 1,
				   "transit:3-7-1", "DOCK");
	struct entry cup = move_of(MOVEMENT_TRANSFER_IN, "CUP", 1,
				   "transit:3-7-1", "DOCK");

	write_at(net, 1, &tea);
	for (size_t i = 0; i < TRANSFER_CHANGES_MAX; i++)
		write_at(net, 1, &cup);
	hear(net, node, 1);
	assert_change(node, 1, "TEA");
	assert_change(node, 0, NULL);
	while (node->heard[1] < net->feeds[1].count)
		hear(net, node, 1);
	assert_change(node, TRANSFER_CHANGES_MAX + 1, "CUP");
	assert_change(node, 2, "CUP");
	assert_change(node, 1, NULL);
	assert_audits(node);
}

static void what_comes_first_is_received_before_shipped(void **state)
{
	struct net *net = *state;
	struct node *node = &net->nodes[2];
	struct transfer_record record;
	struct transfer_sums sums;
	struct view *view;
	int64_t units;

	story_write(net);
	hear(net, node, 1);
	assert_done(view_begin(ledger_env(node->w.ledger), &view, &node->w.err),
		    &node->w.err);
	assert_done(transfer_sums(view, SPAN_LITERAL("3-7-1"),
				  SPAN_LITERAL("TEA"), &sums, &node->w.err),
		    &node->w.err);
	view_end(view);
	get(node, "3-7-1", &record);
	assert_int_equal(record.unsettled, 1);
	assert_int_equal(transfer_judge(&sums,
					transfer_is_closed(&record.states),
					&units),
			 TRANSFER_RECEIVED_BEFORE_SHIPPED);
	assert_int_equal(units, -6);
	for (size_t from = 0; from < 2; from++)
		while (node->heard[from] < net->feeds[from].count)
			hear(net, node, from);
	get(node, "3-7-1", &record);
	assert_int_equal(record.unsettled, 0);
	assert_int_equal(record.states.sender, TRANSFER_CLOSED);
	assert_int_equal(record.states.addressee, TRANSFER_RECEIVED);
	assert_true(transfer_is_closed(&record.states));
	assert_audits(node);
}

/* ---- void rows, and lies ---- */

/* Method: everything that the two sites wrote, said by a third. */
static void what_a_stranger_says_folds_to_nothing(void **state)
{
	struct net *net = *state;
	struct node *node = &net->nodes[2];
	struct dump nothing = say(node, "\x01\x02\x03");
	size_t tried = 0;

	story_write(net);
	net->feeds[0].site = 9;
	net->feeds[1].site = 9;
	for (size_t from = 0; from < 2; from++)
		for (; node->heard[from] < net->feeds[from].count; tried++)
			hear(net, node, from);
	assert_dump(&nothing, say(node, "\x01\x02\x03"));
	assert_int_equal(nothing.rows, 0);
	free(nothing.bytes);
	assert_int_equal(tried, 12);
}

/* A closed transfer of which something is left is a finding, in units. */
static void a_residue_is_found_and_counted(void **state)
{
	static struct audit_result result;
	const struct audit_plan plan = {.progress = NULL};
	struct net *net = *state;
	struct node *node = &net->nodes[0];
	struct entry late = move_of(MOVEMENT_TRANSFER_OUT, "TEA", 4, "A-01",
				    "transit:3-7-1");
	char text[FINDING_PRINT_SIZE];
	struct view *view;

	story_write(net);
	while (node->heard[1] < net->feeds[1].count)
		hear(net, node, 1);
	assert_audits(node);
	write_at(net, 0, &late);
	assert_done(view_begin(ledger_env(node->w.ledger), &view, &node->w.err),
		    &node->w.err);
	assert_done(audit_run(view, &plan, &result, &node->w.err),
		    &node->w.err);
	view_end(view);
	assert_int_equal(result.findings, 1);
	assert_int_equal(result.list[0].kind, FINDING_RESIDUE);
	assert_int_equal(result.unexplained, 4);
	finding_print(&result.list[0], false, text, sizeof(text));
	assert_string_equal(text, "transit:3-7-1 is closed, and 4 of TEA are "
				  "still in transit");
}

/* ---- the sender loads on ---- */

/* 6 go out and are received; the sender, who has not heard of that, sends 4
 * more. */
static void late_story_write(struct net *net)
{
	struct entry sender[] = {
		word(TRANSFER_CREATED, "3-7-1"),
		move_of(MOVEMENT_TRANSFER_OUT, "TEA", 6, "A-01",
			"transit:3-7-1"),
		word(TRANSFER_SHIPPED, "3-7-1"),
		word(TRANSFER_CREATED, "3-7-1"),
		move_of(MOVEMENT_TRANSFER_OUT, "TEA", 4, "A-01",
			"transit:3-7-1"),
		word(TRANSFER_SHIPPED, "3-7-1"),
	};
	struct entry addressee[] = {
		word(TRANSFER_RECEIVING, "3-7-1"),
		move_of(MOVEMENT_TRANSFER_IN, "TEA", 6, "transit:3-7-1",
			"DOCK"),
		word(TRANSFER_RECEIVED, "3-7-1"),
	};

	for (size_t i = 0; i < ARRAY_LEN(sender); i++)
		write_at(net, 0, &sender[i]);
	addressee[2].body.transfer.answers = net->feeds[0].pos[2];
	for (size_t i = 0; i < ARRAY_LEN(addressee); i++)
		write_at(net, 1, &addressee[i]);
}

struct residue_look {
	const struct view *view;
	struct transfer_record record;
	size_t seen[5]; /* by verdict */
};

static enum err_code residue_item(void *context, const struct sku *item,
				  const struct transfer_sums *sums,
				  struct err *err)
{
	struct residue_look *look = context;
	int64_t units;

	(void)item, (void)err;
	look->seen[transfer_judge(
		sums, transfer_is_closed(&look->record.states), &units)]++;
	return ERR_OK;
}

/* One order, as in hear_in_order; looked at after each entry. */
static void late_hear(struct net *net, uint32_t order,
		      struct residue_look *look)
{
	const struct span id = SPAN_LITERAL("3-7-1");
	struct node *node = &net->nodes[2];
	size_t at[2] = {0};
	struct txn *txn;

	assert_done(txn_begin(ledger_env(node->w.ledger), &txn, &node->w.err),
		    &node->w.err);
	for (size_t i = 0; i < 9; i++, order >>= 1) {
		const struct feed *feed = &net->feeds[order & 1];
		size_t next = at[order & 1]++;

		assert_done(transfer_fold(txn, feed->site, feed->pos[next],
					  &feed->entries[next], &node->w.err),
			    &node->w.err);
		assert_done(transfer_get(txn_view(txn), id, &look->record,
					 &node->w.err),
			    &node->w.err);
		assert_done(transfer_items(txn_view(txn), id, residue_item,
					   look, &node->w.err),
			    &node->w.err);
	}
	assert_true(look->record.states.is_reopened);
	assert_false(transfer_is_closed(&look->record.states));
	txn_abandon(txn);
}

/* Method: all 84 orders in which a listener can hear 6 entries of the sender
 * and 3 of the addressee. */
static void a_late_load_is_no_residue_in_any_order(void **state)
{
	struct net *net = *state;
	struct residue_look look = {.seen = {0}};
	size_t orders = 0;

	stock_up(net, 0);
	net->feeds[0].count = 0; /* a listener need not hear of that */
	late_story_write(net);
	for (uint32_t order = 0; order < 1u << 9; order++) {
		if (__builtin_popcount(order) != 3)
			continue;
		late_hear(net, order, &look);
		orders++;
	}
	assert_int_equal(orders, 84);
	assert_int_equal(look.seen[TRANSFER_RESIDUE], 0);
	assert_int_equal(look.seen[TRANSFER_UNSOUND], 0);
	assert_true(look.seen[TRANSFER_BALANCED] > 0);
	assert_true(look.seen[TRANSFER_UNDER_WAY] > 84);
	assert_true(look.seen[TRANSFER_RECEIVED_BEFORE_SHIPPED] > 0);
}

/* HQ closes it: what is in transit goes to loss, by the control feed. */
static void a_lost_transfer_is_written_off_by_hq(void **state)
{
	struct net *net = *state;
	struct node *node = &net->nodes[2];
	struct entry off;
	struct entry said = word(TRANSFER_LOST, "3-7-1");
	struct transfer_sums sums = {.shipped = 10};
	struct transfer_record record;
	struct txn *txn;

	story_write(net);
	while (node->heard[0] < net->feeds[0].count)
		hear(net, node, 0);
	entry_init(&off, ENTRY_MOVEMENT);
	assert_true(transfer_close_lost(SPAN_LITERAL("3-7-1"), &sums,
					&off.body.movement));
	assert_true(sku_set(&off.body.movement.item, SPAN_LITERAL("TEA")));
	assert_true(reason_set(&off.body.movement.reason,
			       SPAN_LITERAL("the truck burnt")));
	assert_done(txn_begin(ledger_env(node->w.ledger), &txn, &node->w.err),
		    &node->w.err);
	assert_done(transfer_fold(txn, TRANSFER_SITE_CONTROL, pos_make(1, 1),
				  &off, &node->w.err),
		    &node->w.err);
	assert_done(transfer_fold(txn, TRANSFER_SITE_CONTROL, pos_make(1, 2),
				  &said, &node->w.err),
		    &node->w.err);
	assert_done(txn_commit(txn, &node->w.err), &node->w.err);
	get(node, "3-7-1", &record);
	assert_int_equal(record.states.hq, TRANSFER_LOST);
	assert_int_equal(record.unsettled, 0);
	assert_audits(node);
}

/* Method: the stores after a random exchange; a rebuild from the journal, and
 * the forgetting and hearing again of a feed, give the same bytes. */
static void rebuilding_and_hearing_again_change_nothing(void **state)
{
	const struct rebuild_plan plan = {.progress = NULL};
	struct net *net = *state;

	net->random = test_seed(7);
	stock_up(net, 0);
	stock_up(net, 1);
	for (size_t i = 0; i < 80; i++) {
		struct entry entry = anything(net, i % 2);

		write_at(net, i % 2, &entry);
	}
	for (size_t i = 0; i < ARRAY_LEN(net->nodes); i++) {
		struct node *node = &net->nodes[i];
		struct env *env = ledger_env(node->w.ledger);
		struct dump before;
		size_t other = i == 0 ? 1 : 0;
		struct txn *txn;

		for (size_t from = 0; from < 2; from++)
			while (node->heard[from] < net->feeds[from].count)
				hear(net, node, from);
		before = say(node, "\x01\x02\x03");
		assert_done(rebuild_run(env, &plan, &node->w.err),
			    &node->w.err);
		assert_dump(&before, say(node, "\x01\x02\x03"));
		assert_done(txn_begin(env, &txn, &node->w.err), &node->w.err);
		assert_done(transfer_forget(txn, net->feeds[other].site,
					    &node->w.err),
			    &node->w.err);
		assert_done(txn_commit(txn, &node->w.err), &node->w.err);
		assert_audits(node);
		node->heard[other] = 0;
		while (node->heard[other] < net->feeds[other].count)
			hear(net, node, other);
		assert_true(before.rows > 10);
		assert_dump(&before, say(node, "\x01\x02\x03"));
		free(before.bytes);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_law_holds_in_any_order_of_hearing),
		TEST(every_order_of_hearing_gives_the_same_bytes),
		TEST(the_items_of_the_last_changes_are_remembered),
		TEST(what_comes_first_is_received_before_shipped),
		TEST(what_a_stranger_says_folds_to_nothing),
		TEST(a_residue_is_found_and_counted),
		TEST(a_late_load_is_no_residue_in_any_order),
		TEST(a_lost_transfer_is_written_off_by_hq),
		TEST(rebuilding_and_hearing_again_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
