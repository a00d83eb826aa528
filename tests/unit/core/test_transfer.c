/*
 * A transfer between two boxes, from its creation to the answered claim: what
 * people scan and are told at either end, and what both ledgers hold. What one
 * box wrote reaches the other one when the test lets it.
 */
#include "tests/unit/core/bench_pair.h"

#include "gateway/core/transfer.h"

/* Method: everything arrives; one scan of the pallet's label books its lot,
 * expiry and quantity from the sender's list. */
static void
a_pallet_is_received_with_one_scan_from_the_packing_list(void **state)
{
	struct pair *pair = *state;
	struct warehouse *to = pair->to;

	load(pair);
	to_hears(pair);
	assert_look(to, "stock.list", "{\"item\":\"MILK\"}",
		    "\"in_transit_in\":24");
	scan(to, "DEPOT.OP.TRANSFER_IN");
	assert_ack(to, "transfer in: scan the transfer's number");
	/* The label says of which transfer it is. */
	scan(to, PALLET_LABEL);
	assert_ack(to, "transfer in 24 x MILK [L1] -> DOCK");
	scan(to, MUGS_12);
	assert_ack(to, "transfer in 12 x MUG -> DOCK");
	assert_look(to, "stock.list", "{\"item\":\"MILK\"}",
		    "\"in_transit_in\":0");
	scan(to, PALLET_LABEL);
	assert_ack(to, "already_here");
	scan(to, "DEPOT.DONE");
	assert_ack(to, "transfer 3-7-1 is received: claims 0");
	assert_int_equal(units(to, "MILK", "DOCK", GOOD), 24);
	assert_look(to, "trace.show", "{\"item\":\"MILK\"}",
		    "\"expiry\":\"2027-12-31\"");
	from_hears(pair);
	assert_look(pair->from, "transfer.show", ID,
		    "\"in_transit\":0,\"verdict\":\"balanced\"");
	ask_ok(pair->from, "transfer.close", ID);
	assert_look(pair->from, "transfer.list", "{}", "\"transfers\":[]");
	assert_look(pair->from, "transfer.list", "{\"all\":true}",
		    "\"state\":\"closed\"");
	assert_clean(pair->from);
	assert_clean(to);
}

/* Method: the pallet comes before its list; it is booked by itself when the
 * list does, with the time of its scan. */
static void a_pallet_waits_for_its_packing_list(void **state)
{
	struct pair *pair = *state;
	struct warehouse *to = pair->to;

	load(pair);
	tick(to);
	scan(to, "DEPOT.OP.TRANSFER_IN");
	scan(to, PALLET_LABEL);
	assert_ack(to, "\"result\":\"parked\"");
	assert_ack(to, "no_packing_list");
	/* What is scanned item by item is booked at once. */
	scan(to, "3-7-1");
	scan(to, MUG);
	assert_ack(to, "transfer in 1 x MUG -> DOCK");
	scan(to, "DEPOT.DONE");
	assert_ack(to, "it stays open, for its packing list is not here yet");
	assert_look(to, "transfer.show", ID, "received_before_shipped");
	assert_look(to, "parked.list", "{}", "no_packing_list");
	tick(to);
	assert_int_equal(units(to, "MILK", "DOCK", GOOD), 0);
	to_hears(pair);
	tick(to);
	assert_int_equal(units(to, "MILK", "DOCK", GOOD), 24);
	assert_look(to, "parked.list", "{}", "\"parked\":[]");
	assert_look(to, "transfer.show", ID, "\"verdict\":\"under_way\"");
	assert_clean(to);
}

/* Method: of 36, 24 milk come, 2 of them damaged, and 9 of 12 mugs. */
static void what_is_missing_is_told_and_then_claimed(void **state)
{
	struct pair *pair = *state;
	struct warehouse *to = pair->to;

	load(pair);
	to_hears(pair);
	send(to, "scan/dock-1",
	     "{\"v\":1,\"op\":\"transfer_in\",\"ref\":\"3-7-1\",\"qty\":2,"
	     "\"code\":\"MILK\",\"condition\":\"damaged\"}");
	send(to, "scan/dock-1",
	     "{\"v\":1,\"op\":\"transfer_in\",\"ref\":\"3-7-1\",\"qty\":22,"
	     "\"code\":\"MILK\"}");
	assert_look(to, "stock.list", "{\"item\":\"MILK\"}", "\"lot\":\"L1\"");
	scan(to, "DEPOT.OP.TRANSFER_IN");
	scan(to, "3-7-1");
	scan(to, "DEPOT.QTY.9");
	scan(to, MUG);
	scan(to, "DEPOT.DONE");
	assert_ack(to, "missing 3, too much 0 (as 3 x MUG)");
	/* Somebody finds one more, and only then is sure. */
	scan(to, MUG);
	scan(to, "DEPOT.DONE");
	assert_ack(to, "missing 2, too much 0 (as 2 x MUG)");
	scan(to, "DEPOT.DONE");
	assert_ack(to, "transfer 3-7-1 is received: claims 2");
	assert_look(to, "transfer.show", ID,
		    "\"damaged\":2,\"claimed\":0,\"lost\":0,\"in_transit\":0");
	assert_reply(to, "\"received\":10,\"damaged\":0,\"claimed\":2");
	assert_look(to, "claim.list", ID, "\"kind\":\"damaged\"");
	assert_reply(to, "\"kind\":\"missing\"");
	assert_clean(to);
	/* The sender hears of it and answers. */
	from_hears(pair);
	assert_look(pair->from, "claim.list", ID, "\"qty\":2");
	ask_ok(pair->from, "claim.answer",
	       "{\"claim\":\"3-7-1-c2\",\"state\":\"accepted\"}");
	ask_refused(pair->from, "claim.answer",
		    "{\"claim\":\"3-7-1-c2\",\"state\":\"withdrawn\"}",
		    "not_addressee");
	to_hears(pair);
	assert_look(to, "claim.list", ID,
		    "\"by\":\"sender\",\"kind\":\"missing\",\"state\":"
		    "\"accepted\"");
	assert_clean(pair->from);
	assert_clean(to);
}

/* Method: two mugs are claimed, and one of them comes the day after; nothing is
 * unexplained at any moment. */
static void what_comes_late_opens_the_transfer_again(void **state)
{
	struct pair *pair = *state;
	struct warehouse *to = pair->to;

	load(pair);
	to_hears(pair);
	scan(to, "DEPOT.OP.TRANSFER_IN");
	scan(to, PALLET_LABEL);
	scan(to, "DEPOT.QTY.10");
	scan(to, MUG);
	scan(to, "DEPOT.DONE");
	scan(to, "DEPOT.DONE");
	assert_ack(to, "claims 1");
	assert_clean(to);
	scan(to, "DEPOT.OP.TRANSFER_IN");
	scan(to, "3-7-1");
	assert_ack(to, "is closed: what is scanned now opens it again");
	scan(to, MUG);
	assert_ack(to, "was closed, and is open again; transfer in 1 x MUG");
	assert_clean(to);
	assert_look(to, "transfer.show", ID, "\"state\":\"receiving\"");
	/* A slip: it was another pallet's. Taken back, it is as before. */
	scan(to, "DEPOT.UNDO");
	assert_clean(to);
	scan(to, MUG);
	scan(to, "DEPOT.DONE");
	assert_ack(to, "missing 0, too much 1");
	scan(to, "DEPOT.DONE");
	assert_ack(to, "claims 1");
	assert_look(to, "transfer.show", ID,
		    "\"surplus\":1,\"received\":11,\"damaged\":0,"
		    "\"claimed\":2");
	assert_clean(to);
	/* And the sender, who finds one more to send after he had closed. */
	from_hears(pair);
	ask_ok(pair->from, "transfer.close", ID);
	send(pair->from, "scan/dock-1",
	     "{\"v\":1,\"op\":\"transfer_out\",\"ref\":\"3-7-1\","
	     "\"bin\":\"A-02\",\"code\":\"MUG\"}");
	assert_ack(pair->from, "transfer 3-7-1 was closed, and is open again; "
			       "booked as it is");
	assert_look(pair->from, "transfer.show", ID,
		    "\"in_transit\":1,\"verdict\":\"under_way\"");
	assert_clean(pair->from);
}

/* All of the list comes, and is received; then five more mugs are loaded. */
static void load_on(struct pair *pair, bool is_end_known)
{
	struct warehouse *from = pair->from;

	load(pair);
	to_hears(pair);
	ask_ok(pair->to, "transfer.receive", ID);
	ask_ok(pair->to, "transfer.close", ID);
	assert_look(pair->to, "transfer.list", "{}", "\"transfers\":[]");
	if (is_end_known)
		from_hears(pair);
	scan(from, "DEPOT.OP.TRANSFER_OUT");
	scan(from, "3-7-1");
	assert_ack(from, is_end_known ? "transfer 3-7-1 is closed: what is "
					"scanned now opens it again; scan a bin"
				      : "transfer 3-7-1; scan a bin");
	scan(from, "DEPOT.BIN.A-02");
	scan(from, "DEPOT.QTY.5");
	scan(from, MUG);
	assert_ack(from,
		   is_end_known ? "transfer 3-7-1 was closed, and is open "
				  "again; transfer out 5 x MUG A-02 ->"
				: "\"text_en\":\"transfer out 5 x MUG A-02 ->");
	assert_clean(from);
	scan(from, "DEPOT.DONE");
	assert_clean(from);
}

static void assert_reopened(struct warehouse *w)
{
	assert_look(w, "transfer.show", ID, "\"closed\":false");
	assert_reply(w, "\"reopened\":true");
	assert_reply(w, "\"in_transit\":5,\"verdict\":\"under_way\"");
	assert_look(w, "transfer.list", "{}", "\"state\":\"shipped\"");
	assert_clean(w);
}

/* Method: the sender loads on before it hears of the end, and after; the two
 * hear each other in both orders. The rest comes and is received. */
static void what_is_loaded_after_the_end_opens_it_again(void **state)
{
	struct pair *pair = *state;

	for (int order = 0; order < 4; order++) {
		load_on(pair, order < 2);
		if (order % 2 == 0)
			to_hears(pair);
		from_hears(pair);
		assert_reopened(pair->from);
		if (order % 2 == 1)
			to_hears(pair);
		assert_reopened(pair->to);
		ask_ok(pair->to, "transfer.receive", ID);
		assert_look(pair->to, "transfer.show", ID,
			    "\"in_transit\":0,\"verdict\":\"balanced\"");
		ask_ok(pair->to, "transfer.close", ID);
		from_hears(pair);
		assert_look(pair->from, "transfer.list", "{}",
			    "\"transfers\":[]");
		assert_look(pair->from, "transfer.show", ID, "\"closed\":true");
		assert_clean(pair->from);
		assert_clean(pair->to);
		(void)pair_teardown(state);
		(void)pair_setup(state);
		pair = *state;
	}
}

/* Method: it never comes. The alert for the day on which all was expected is
 * back, and the addressee claims it. */
static void what_was_loaded_late_and_is_lost_is_claimed(void **state)
{
	struct pair *pair = *state;
	struct warehouse *to = pair->to;

	load_on(pair, false);
	/* 2026-11-25T00:00:20Z, the day after the one that was named */
	to->now_ms = INT64_C(1795564820000);
	tick(to);
	assert_look(to, "alert.list", "{}", "\"alerts\":[]");
	to_hears(pair);
	tick(to);
	assert_look(to, "alert.list", "{}", "\"id\":\"transfer_late-3-7-1\"");
	ask_ok(to, "transfer.close", ID);
	assert_look(to, "claim.list", ID, "\"kind\":\"missing\"");
	assert_reply(to, "\"qty\":5");
	assert_look(to, "transfer.show", ID,
		    "\"claimed\":5,\"lost\":0,\"in_transit\":0");
	tick(to);
	assert_look(to, "alert.list", "{}", "\"alerts\":[]");
	from_hears(pair);
	assert_look(pair->from, "transfer.show", ID, "\"closed\":true");
	assert_clean(pair->from);
	assert_clean(to);
}

/* Method: the claimed mugs come after all; the claim's movement is reversed
 * before they are scanned in. */
static void a_claim_is_taken_back_when_the_goods_come(void **state)
{
	struct pair *pair = *state;
	struct warehouse *to = pair->to;
	const char *at;
	char arguments[64];

	load(pair);
	to_hears(pair);
	scan(to, "DEPOT.OP.TRANSFER_IN");
	scan(to, PALLET_LABEL);
	ask_ok(to, "transfer.close", ID);
	at = strstr(to->reply, "transfer_adjust 12 x MUG");
	assert_non_null(at);
	while (strncmp(at, "\"entry\":\"", 9) != 0)
		at--;
	(void)snprintf(arguments, sizeof(arguments), "{%.*s\"}",
		       (int)(strcspn(at + 9, "\"") + 9), at);
	ask_ok(to, "reverse", arguments);
	assert_look(to, "transfer.show", ID,
		    "\"in_transit\":12,\"verdict\":\"under_way\"");
	ask_ok(to, "claim.answer",
	       "{\"claim\":\"3-7-1-c1\",\"state\":\"withdrawn\"}");
	scan(to, "DEPOT.OP.TRANSFER_IN");
	scan(to, "3-7-1");
	scan(to, MUGS_12);
	scan(to, "DEPOT.DONE");
	assert_ack(to, "transfer 3-7-1 is received: claims 0");
	assert_look(to, "claim.list", ID, "\"state\":\"withdrawn\"");
	assert_int_equal(units(to, "MUG", "DOCK", GOOD), 12);
	assert_clean(to);
}

/* Method: 100 lots on one pallet; one scan, every lot with its units. */
static void a_pallet_of_many_lots_is_one_scan_too(void **state)
{
	struct pair *pair = *state;
	struct warehouse *from = pair->from;

	for (int lot = 0; lot < 100; lot++) {
		char reading[240];

		(void)snprintf(reading, sizeof(reading),
			       "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-01\","
			       "\"qty\":%d,\"code\":\"MILK\",\"lot\":\"K%d\"}",
			       lot + 1, lot);
		send(from, "scan/dock-1", reading);
		(void)snprintf(reading, sizeof(reading),
			       "{\"v\":1,\"op\":\"transfer_out\",\"ref\":"
			       "\"3-7-1\",\"bin\":\"A-01\",\"qty\":%d,"
			       "\"lot\":\"K%d\",\"codes\":[\"" PALLET_LABEL
			       "\",\"MILK\"]}",
			       lot + 1, lot);
		send(from, "scan/dock-1", reading);
	}
	ask_ok(from, "transfer.ship", ID);
	to_hears(pair);
	scan(pair->to, "DEPOT.OP.TRANSFER_IN");
	scan(pair->to, PALLET_LABEL);
	assert_ack(pair->to, "transfer in 5050 x MILK");
	assert_int_equal(units(pair->to, "MILK", "DOCK", GOOD), 5050);
	scan(pair->to, "DEPOT.DONE");
	assert_ack(pair->to, "claims 0");
	assert_clean(pair->to);
}

static void what_is_too_much_is_held_and_claimed(void **state)
{
	struct pair *pair = *state;
	struct warehouse *to = pair->to;

	load(pair);
	to_hears(pair);
	ask_ok(to, "transfer.receive", ID);
	assert_int_equal(units(to, "MILK", "DOCK", GOOD), 24);
	assert_int_equal(units(to, "MUG", "DOCK", GOOD), 12);
	scan(to, "DEPOT.OP.TRANSFER_IN");
	scan(to, "3-7-1");
	scan(to, "DEPOT.QTY.5");
	scan(to, MUG);
	scan(to, "DEPOT.DONE");
	assert_ack(to, "missing 0, too much 5 (as +5 x MUG)");
	scan(to, "DEPOT.DONE");
	assert_ack(to, "claims 1");
	assert_int_equal(units(to, "MUG", "DOCK", GOOD), 12);
	assert_int_equal(units(to, "MUG", "DOCK", CONDITION_ON_HOLD), 5);
	assert_look(to, "transfer.show", ID, "\"surplus\":5,\"received\":17");
	assert_look(to, "claim.list", ID, "\"kind\":\"surplus\"");
	assert_clean(to);
}

/* Method: each thing that a site may not do, and that nothing came of it. */
static void what_is_not_ours_is_refused(void **state)
{
	struct pair *pair = *state;
	struct warehouse *from = pair->from;
	struct warehouse *to = pair->to;

	load(pair);
	to_hears(pair);
	scan(to, "DEPOT.OP.TRANSFER_OUT");
	scan(to, "3-7-1");
	assert_ack(to, "not_our_transfer");
	scan(to, "van 7");
	assert_ack(to, "no_transfer");
	scan(from, "DEPOT.OP.TRANSFER_IN");
	scan(from, "3-7-1");
	assert_ack(from, "not_our_transfer");
	send(from, "scan/dock-1",
	     "{\"v\":1,\"op\":\"transfer_in\",\"ref\":\"3-7-1\","
	     "\"code\":\"MUG\"}");
	assert_ack(from, "not_our_transfer");
	ask_refused(to, "transfer.ship", ID, "not_sender");
	ask_refused(from, "transfer.receive", ID, "not_addressee");
	ask_refused(from, "transfer.close", ID, "under_way");
	ask_refused(from, "transfer.cancel", ID, "under_way");
	ask_refused(from, "transfer.create", "{\"to\":3}", "bad_site");
	ask_refused(from, "transfer.show", ID, "unknown_command");
	ask_refused(from, "transfer.ship", "{\"transfer\":\"3-7-9\"}",
		    "unknown_transfer");
	ask_refused(to, "claim.open",
		    "{\"transfer\":\"3-7-1\",\"item\":\"MUG\",\"qty\":1}",
		    "not_received");
	ask_refused(to, "claim.answer",
		    "{\"claim\":\"3-7-1-c9\",\"state\":\"accepted\"}",
		    "unknown_claim");
	assert_clean(from);
	assert_clean(to);
}

/* Method: the day on which it is expected ends at midnight, by the box's clock;
 * both ends tell, until it has come. */
static void a_transfer_that_is_late_is_told_at_both_ends(void **state)
{
	struct pair *pair = *state;
	struct warehouse *boxes[] = {pair->from, pair->to};

	stock_up(pair->from);
	ask_ok(pair->from, "transfer.create",
	       "{\"to\":7,\"expected\":\"2026-11-20\"}");
	scan(pair->from, "DEPOT.OP.TRANSFER_OUT");
	scan(pair->from, "3-7-1");
	scan(pair->from, "DEPOT.BIN.A-02");
	scan(pair->from, MUG);
	scan(pair->from, "DEPOT.DONE");
	to_hears(pair);
	for (size_t i = 0; i < ARRAY_LEN(boxes); i++) {
		struct warehouse *w = boxes[i];

		/* 2026-11-20T23:59:50Z */
		w->now_ms = INT64_C(1795219190000);
		tick(w);
		assert_look(w, "alert.list", "{}", "\"alerts\":[]");
		w->is_clock_untrusted = true;
		w->now_ms += 60000;
		tick(w);
		assert_look(w, "alert.list", "{}", "\"alerts\":[]");
		w->is_clock_untrusted = false;
		tick(w);
		assert_look(w, "alert.list", "{}",
			    "\"id\":\"transfer_late-3-7-1\"");
		assert_reply(w, "\"since\":\"2026-11-21T00:00:00Z\"");
	}
	ask_ok(pair->to, "transfer.receive", ID);
	ask_ok(pair->to, "transfer.close", ID);
	from_hears(pair);
	for (size_t i = 0; i < ARRAY_LEN(boxes); i++) {
		tick(boxes[i]);
		tick(boxes[i]);
		assert_look(boxes[i], "alert.list", "{}", "\"alerts\":[]");
	}
}

static void a_network_of_one_keeps_its_free_names(void **state)
{
	struct warehouse *w = *state;

	stock_up(w);
	ask_refused(w, "transfer.create", "{\"to\":7}", "no_network");
	scan(w, "DEPOT.OP.TRANSFER_OUT");
	/* In a network that would be somebody else's transfer. */
	scan(w, "4-5-1");
	assert_ack(w, "not_our_transfer");
	scan(w, "van 7");
	scan(w, "DEPOT.BIN.A-02");
	scan(w, MUG);
	scan(w, "DEPOT.DONE");
	assert_look(w, "transfer.list", "{}", "\"transfer\":\"van 7\"");
	assert_reply(w, "\"direction\":\"own\"");
	scan(w, "DEPOT.OP.TRANSFER_IN");
	scan(w, "van 7");
	scan(w, MUG);
	assert_look(w, "transfer.show", "{\"transfer\":\"van 7\"}",
		    "\"in_transit\":0");
	assert_clean(w);
}

struct written_off {
	struct txn *txn;
	struct pos pos;
	size_t movements;
};

static enum err_code off_hear(void *context, const struct entry *entry,
			      struct err *err)
{
	struct written_off *off = context;

	off->pos.value++;
	off->movements += entry->kind == ENTRY_MOVEMENT;
	assert_true(entry_is_sound(entry));
	return transfer_fold(off->txn, TRANSFER_SITE_CONTROL, off->pos, entry,
			     err);
}

/* What HQ says of 3-7-1 now, as the box hears it. */
static void hq_writes_off(struct warehouse *w, struct written_off *off)
{
	struct err err;

	off->movements = 0;
	assert_done(txn_begin(ledger_env(w->ledger), &off->txn, &err), &err);
	assert_done(transfer_write_off(
			    txn_view(off->txn), SPAN_LITERAL("3-7-1"),
			    SPAN_LITERAL("truck burnt"), off_hear, off, &err),
		    &err);
	assert_done(txn_commit(off->txn, &err), &err);
	assert_int_equal(off->movements, 1);
}

/* Method: the truck burns with twelve mugs; both boxes hear HQ's entries. */
static void hq_writes_off_what_will_never_arrive(void **state)
{
	struct pair *pair = *state;
	struct warehouse *boxes[] = {pair->from, pair->to};

	load(pair);
	to_hears(pair);
	scan(pair->to, "DEPOT.OP.TRANSFER_IN");
	scan(pair->to, PALLET_LABEL);
	from_hears(pair);
	for (size_t i = 0; i < ARRAY_LEN(boxes); i++) {
		struct written_off off = {.pos = pos_make(1, 0)};

		hq_writes_off(boxes[i], &off);
		assert_look(boxes[i], "transfer.show", ID,
			    "\"lost\":12,\"in_transit\":0");
		assert_look(boxes[i], "transfer.list", "{}",
			    "\"transfers\":[]");
		assert_look(boxes[i], "transfer.list", "{\"all\":true}",
			    "\"state\":\"lost\"");
		assert_clean(boxes[i]);
	}
}

/* Method: HQ writes off the twelve mugs; the sender, who has not heard of it,
 * sends five more, and HQ writes those off, too. Or they come after all. */
static void what_is_loaded_after_hqs_word_is_written_off_too(void **state)
{
	struct pair *pair = *state;
	struct written_off off = {.pos = pos_make(1, 0)};

	load(pair);
	to_hears(pair);
	scan(pair->to, "DEPOT.OP.TRANSFER_IN");
	scan(pair->to, PALLET_LABEL);
	hq_writes_off(pair->to, &off);
	scan(pair->from, "DEPOT.OP.TRANSFER_OUT");
	scan(pair->from, "3-7-1");
	scan(pair->from, "DEPOT.BIN.A-02");
	scan(pair->from, "DEPOT.QTY.5");
	scan(pair->from, MUG);
	scan(pair->from, "DEPOT.DONE");
	to_hears(pair);
	assert_reopened(pair->to);
	hq_writes_off(pair->to, &off);
	assert_look(pair->to, "transfer.show", ID,
		    "\"lost\":17,\"in_transit\":0");
	assert_look(pair->to, "transfer.list", "{}", "\"transfers\":[]");
	assert_clean(pair->to);
	/* Two were behind the seat: the addressee has the last word. */
	scan(pair->to, "3-7-1");
	scan(pair->to, "DEPOT.QTY.2");
	scan(pair->to, MUG);
	assert_look(pair->to, "transfer.show", ID,
		    "\"verdict\":\"received_before_shipped\"");
	assert_clean(pair->to);
	ask_ok(pair->to, "transfer.close", ID);
	assert_look(pair->to, "transfer.show", ID, "\"surplus\":2");
	assert_look(pair->to, "transfer.list", "{}", "\"transfers\":[]");
	assert_clean(pair->to);
}

/* Method: two to load: the number has to be scanned, and another one may be at
 * any time. */
static void of_two_transfers_the_number_says_which(void **state)
{
	struct pair *pair = *state;
	struct warehouse *w = pair->from;

	stock_up(w);
	ask_ok(w, "transfer.create", "{\"to\":7}");
	ask_ok(w, "transfer.create", "{\"to\":9}");
	assert_reply(w, "\"transfer\":\"3-9-2\"");
	scan(w, "DEPOT.OP.TRANSFER_OUT");
	assert_ack(w, "transfer out: scan the transfer's number");
	scan(w, "3-9-2");
	scan(w, "DEPOT.BIN.A-02");
	scan(w, MUG);
	scan(w, "3-7-1");
	assert_ack(w, "transfer 3-7-1; scan the next item");
	scan(w, MUG);
	scan(w, MUG);
	assert_look(w, "transfer.show", ID, "\"shipped\":2");
	assert_look(w, "transfer.show", "{\"transfer\":\"3-9-2\"}",
		    "\"shipped\":1");
	scan(w, "7-3-1");
	assert_ack(w, "not_our_transfer");
	assert_clean(w);
}

/* Cancelled once all is back; numbers are not used again. */
static void a_transfer_is_cancelled_once_all_is_taken_back(void **state)
{
	struct pair *pair = *state;
	struct warehouse *w = pair->from;

	load(pair);
	look_ok(w, "transfer.lines", ID);
	assert_reply(w, "\"sscc\":\"" PALLET "\"");
	scan(w, "DEPOT.OP.TRANSFER_OUT");
	scan(w, "DEPOT.UNDO");
	scan(w, "DEPOT.UNDO");
	assert_int_equal(units(w, "MILK", "A-01", GOOD), 24);
	ask_ok(w, "transfer.cancel",
	       "{\"transfer\":\"3-7-1\",\"reason\":\"no truck\"}");
	ask_ok(w, "transfer.create", "{\"to\":7}");
	assert_reply(w, "\"transfer\":\"3-7-2\"");
	ask_refused(w, "transfer.ship", "{\"transfer\":\"3-7-2\"}",
		    "nothing_booked");
	assert_clean(w);
}

/* All is taken back, and the transfer cancelled; one mug went along. */
static void cancel(struct pair *pair)
{
	struct warehouse *w = pair->from;

	scan(w, "DEPOT.OP.TRANSFER_OUT");
	scan(w, "DEPOT.UNDO");
	scan(w, "DEPOT.UNDO");
	ask_ok(w, "transfer.cancel", ID);
}

/* Method: its addressee knows that it was cancelled, is told so, and ends what
 * came as a surplus; nothing is unexplained at any moment. */
static void what_comes_of_a_cancelled_transfer_is_closed(void **state)
{
	struct pair *pair = *state;
	struct warehouse *to = pair->to;

	load(pair);
	cancel(pair);
	to_hears(pair);
	scan(to, "DEPOT.OP.TRANSFER_IN");
	scan(to, "3-7-1");
	assert_ack(to, "transfer 3-7-1 was cancelled by its sender: what came "
		       "is booked all the same; scan the next item");
	scan(to, MUG);
	assert_ack(to, "was cancelled by its sender: what came is booked all "
		       "the same; transfer in 1 x MUG -> DOCK");
	assert_clean(to);
	assert_look(to, "transfer.list", "{}", "\"state\":\"receiving\"");
	from_hears(pair);
	assert_clean(pair->from);
	scan(to, "DEPOT.DONE");
	assert_ack(to, "missing 0, too much 1 (as +1 x MUG)");
	scan(to, "DEPOT.DONE");
	assert_ack(to, "transfer 3-7-1 is received: claims 1");
	assert_look(to, "transfer.show", ID, "\"closed\":true");
	assert_reply(to, "\"in_transit\":0,\"verdict\":\"balanced\"");
	assert_clean(to);
	from_hears(pair);
	assert_look(pair->from, "transfer.list", "{}", "\"transfers\":[]");
	assert_clean(pair->from);
}

/* Method: its sender cancels it before it hears that it was received. */
static void what_was_received_before_it_was_cancelled_is_closed(void **state)
{
	struct pair *pair = *state;
	struct warehouse *to = pair->to;

	load(pair);
	to_hears(pair);
	ask_ok(to, "transfer.receive", ID);
	ask_ok(to, "transfer.close", ID);
	cancel(pair);
	to_hears(pair);
	from_hears(pair);
	assert_look(to, "transfer.show", ID, "\"closed\":false");
	assert_reply(to, "received_before_shipped");
	assert_clean(to);
	assert_clean(pair->from);
	ask_ok(to, "transfer.close", ID);
	from_hears(pair);
	assert_look(to, "transfer.show", ID, "\"closed\":true");
	assert_reply(to, "\"in_transit\":0,\"verdict\":\"balanced\"");
	assert_look(pair->from, "transfer.show", ID, "\"closed\":true");
	assert_clean(to);
	assert_clean(pair->from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR(a_pallet_is_received_with_one_scan_from_the_packing_list),
		PAIR(a_pallet_waits_for_its_packing_list),
		PAIR(what_is_missing_is_told_and_then_claimed),
		PAIR(what_comes_late_opens_the_transfer_again),
		PAIR(a_claim_is_taken_back_when_the_goods_come),
		PAIR(a_pallet_of_many_lots_is_one_scan_too),
		PAIR(what_is_too_much_is_held_and_claimed),
		PAIR(what_is_not_ours_is_refused),
		PAIR(a_transfer_that_is_late_is_told_at_both_ends),
		STORY(a_network_of_one_keeps_its_free_names),
		PAIR(of_two_transfers_the_number_says_which),
		PAIR(hq_writes_off_what_will_never_arrive),
		PAIR(what_is_loaded_after_hqs_word_is_written_off_too),
		PAIR(what_is_loaded_after_the_end_opens_it_again),
		PAIR(what_was_loaded_late_and_is_lost_is_claimed),
		PAIR(a_transfer_is_cancelled_once_all_is_taken_back),
		PAIR(what_comes_of_a_cancelled_transfer_is_closed),
		PAIR(what_was_received_before_it_was_cancelled_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
