/*
 * Numbers beyond reason.
 *
 * A packing list that says more of an item than one movement carries: a scale
 * that went mad, or a site that means harm. What comes of it can be received,
 * claimed and written off all the same, and the daemon lives.
 *
 * Method: site 7 hears of a pallet of site 3 with ten of one item and, in two
 * sound rows, twice QTY_MOVE_MAX of another.
 */
#include "tests/unit/core/bench_pair.h"

#include "gateway/core/transfer.h"
#include "tests/support/moves.h"

#define SHIPPED "\"shipped\":2000000000000000"

static void to_hears_of_too_much(struct pair *pair)
{
	struct entry out = move_of(MOVEMENT_TRANSFER_OUT, "MUG", QTY_MOVE_MAX,
				   "A-02", "transit:3-7-1");
	struct entry few = move_of(MOVEMENT_TRANSFER_OUT, "MILK", 10, "A-02",
				   "transit:3-7-1");
	struct entry said;
	struct txn *txn;
	struct err err;

	memcpy(out.body.movement.sscc, PALLET, SSCC_SIZE);
	memcpy(few.body.movement.sscc, PALLET, SSCC_SIZE);
	entry_init(&said, ENTRY_TRANSFER);
	assert_true(
		place_name_set(&said.body.transfer.id, SPAN_LITERAL("3-7-1")));
	said.body.transfer.state = TRANSFER_SHIPPED;
	said.body.transfer.from_site = 3;
	said.body.transfer.to_site = 7;
	assert_true(entry_is_sound(&out));
	assert_done(txn_begin(ledger_env(pair->to->ledger), &txn, &err), &err);
	for (uint64_t i = 1; i <= 2; i++)
		assert_done(transfer_fold(txn, 3, pos_make(1, i), &out, &err),
			    &err);
	assert_done(transfer_fold(txn, 3, pos_make(1, 3), &few, &err), &err);
	assert_done(transfer_fold(txn, 3, pos_make(1, 4), &said, &err), &err);
	assert_done(txn_commit(txn, &err), &err);
	assert_look(pair->to, "transfer.show", ID, SHIPPED);
}

static void a_pallet_of_too_much_is_one_scan(void **state)
{
	struct pair *pair = *state;

	to_hears_of_too_much(pair);
	scan(pair->to, "DEPOT.OP.TRANSFER_IN");
	scan(pair->to, PALLET_LABEL);
	scan(pair->to, "DEPOT.DONE");
	assert_look(pair->to, "transfer.show", ID, "\"in_transit\":0");
	assert_int_equal(units(pair->to, "MUG", "DOCK", GOOD),
			 2 * QTY_MOVE_MAX);
	assert_clean(pair->to);
}

/* The list comes after the scan: the daemon itself books what waits. */
static void what_waited_for_a_list_of_too_much_is_booked(void **state)
{
	struct pair *pair = *state;

	scan(pair->to, "DEPOT.OP.TRANSFER_IN");
	scan(pair->to, "3-7-1");
	scan(pair->to, PALLET_LABEL);
	assert_ack(pair->to, "no_packing_list");
	to_hears_of_too_much(pair);
	tick(pair->to);
	assert_look(pair->to, "parked.list", "{}", "\"parked\":[]");
	assert_int_equal(units(pair->to, "MUG", "DOCK", GOOD),
			 2 * QTY_MOVE_MAX);
	assert_clean(pair->to);
}

static void what_never_came_of_too_much_is_claimed(void **state)
{
	struct pair *pair = *state;

	to_hears_of_too_much(pair);
	ask_ok(pair->to, "transfer.close", ID);
	assert_look(pair->to, "transfer.show", ID,
		    "\"claimed\":2000000000000000,\"lost\":0,\"in_transit\":0");
	assert_look(pair->to, "claim.list", ID, "3-7-1-c3");
	assert_look(pair->to, "transfer.list", "{}", "\"transfers\":[]");
	assert_clean(pair->to);
}

struct written_off {
	struct txn *txn;
	struct pos pos;
	size_t movements;
	size_t words; /* TRANSFER_LOST */
};

static enum err_code off_hear(void *context, const struct entry *entry,
			      struct err *err)
{
	struct written_off *off = context;

	off->pos.value++;
	off->movements += entry->kind == ENTRY_MOVEMENT;
	off->words += entry->kind == ENTRY_TRANSFER;
	assert_true(entry_is_sound(entry));
	return transfer_fold(off->txn, TRANSFER_SITE_CONTROL, off->pos, entry,
			     err);
}

static void too_much_is_written_off_in_parts(void **state)
{
	struct pair *pair = *state;
	struct written_off off = {.pos = pos_make(1, 0)};
	enum err_code code = ERR_STOPPED;
	int parts = 0;
	struct err err;

	to_hears_of_too_much(pair);
	while (code == ERR_STOPPED && parts < 10) {
		assert_int_equal(off.words, 0); /* more is left */
		parts++;
		assert_done(txn_begin(ledger_env(pair->to->ledger), &off.txn,
				      &err),
			    &err);
		code = transfer_write_off(txn_view(off.txn),
					  SPAN_LITERAL("3-7-1"),
					  SPAN_LITERAL("a lie"), off_hear, &off,
					  &err);
		assert_done(txn_commit(off.txn, &err), &err);
	}
	assert_done(code, &err);
	assert_int_equal(off.movements, 3);
	assert_int_equal(off.words, 1);
	assert_look(pair->to, "transfer.show", ID,
		    "\"lost\":2000000000000000,\"in_transit\":0");
	assert_clean(pair->to);
}

/* Somebody writes a number far ahead on a pallet: it is not given again, and
 * uses up none. Method: as many transfers as it takes to get there. */
static void a_number_that_was_typed_is_passed_over(void **state)
{
	struct pair *pair = *state;
	struct warehouse *w = pair->from;

	stock_up(w);
	scan(w, "DEPOT.OP.TRANSFER_OUT");
	scan(w, "3-7-1002");
	scan(w, "DEPOT.BIN.A-02");
	scan(w, MUG);
	for (int i = 1; i <= 1001; i++)
		ask_ok(w, "transfer.create", "{\"to\":7}");
	assert_reply(w, "\"transfer\":\"3-7-1001\"");
	ask_ok(w, "transfer.create", "{\"to\":7}");
	assert_reply(w, "\"transfer\":\"3-7-1003\"");
	assert_look(w, "transfer.show", "{\"transfer\":\"3-7-1002\"}",
		    "\"shipped\":1");
	assert_clean(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR(a_pallet_of_too_much_is_one_scan),
		PAIR(what_waited_for_a_list_of_too_much_is_booked),
		PAIR(what_never_came_of_too_much_is_claimed),
		PAIR(a_number_that_was_typed_is_passed_over),
		PAIR(too_much_is_written_off_in_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
