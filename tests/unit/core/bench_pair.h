/*
 * Two warehouses of one network, site 3 and site 7, with a transfer between
 * them: what one box wrote reaches the other one when the test lets it.
 */
#ifndef DEPOT_TESTS_UNIT_CORE_BENCH_PAIR_H
#define DEPOT_TESTS_UNIT_CORE_BENCH_PAIR_H

#include "tests/unit/core/bench_warehouse.h"

#include "store/journal.h"
#include "store/site.h"
#include "store/transfer.h"

#define GOOD CONDITION_GOOD
#define MUG "4006381333931"
#define MUGS_12 "14006381333938"
#define PALLET "106141412345678908"
#define PALLET_LABEL "(00)" PALLET

struct pair {
	struct warehouse *from; /* site 3 */
	struct warehouse *to;   /* site 7 */
	struct pos heard[2];    /* of the other's journal */
};

static inline void site_set(struct warehouse *w, uint32_t site)
{
	struct txn *txn;
	struct err err;

	assert_done(txn_begin(ledger_env(w->ledger), &txn, &err), &err);
	assert_done(site_number_put(txn, site, &err), &err);
	assert_done(txn_commit(txn, &err), &err);
}

static inline int pair_setup(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	void *one;

	assert_non_null(pair);
	(void)warehouse_setup(&one);
	pair->from = one;
	(void)warehouse_setup(&one);
	pair->to = one;
	site_set(pair->from, 3);
	site_set(pair->to, 7);
	for (size_t i = 0; i < 2; i++)
		pair->heard[i] = pos_make(1, 0);
	*state = pair;
	return 0;
}

static inline int pair_teardown(void **state)
{
	struct pair *pair = *state;
	void *one = pair->from;

	(void)warehouse_teardown(&one);
	one = pair->to;
	(void)warehouse_teardown(&one);
	free(pair);
	return 0;
}

static inline void tick(struct warehouse *w)
{
	struct event event = {.kind = EVENT_TICK};

	warehouse_step(w, &event);
}

struct hearing {
	struct txn *txn;
	uint32_t site;
	struct pos heard;
};

static inline enum err_code
entry_hear(void *context, const struct journal_row *row, struct err *err)
{
	struct hearing *hearing = context;
	struct entry entry;

	assert_code(entry_decode(row->bytes, &entry), ERR_OK);
	hearing->heard = row->pos;
	return transfer_fold(hearing->txn, hearing->site, row->pos, &entry,
			     err);
}

/* Lets @to hear all that @from has written since. */
static inline void hear(struct warehouse *to, struct warehouse *from,
			uint32_t site, struct pos *heard)
{
	struct hearing hearing = {.site = site, .heard = *heard};
	struct pos next = {heard->value + 1};
	struct view *view;
	struct err err;

	assert_done(view_begin(ledger_env(from->ledger), &view, &err), &err);
	assert_done(txn_begin(ledger_env(to->ledger), &hearing.txn, &err),
		    &err);
	assert_done(journal_walk(view, next, entry_hear, &hearing, &err), &err);
	assert_done(txn_commit(hearing.txn, &err), &err);
	view_end(view);
	*heard = hearing.heard;
}

static inline void to_hears(struct pair *pair)
{
	hear(pair->to, pair->from, 3, &pair->heard[1]);
}

static inline void from_hears(struct pair *pair)
{
	hear(pair->from, pair->to, 7, &pair->heard[0]);
}

static inline void scan(struct warehouse *w, const char *code)
{
	send(w, "scan/gun-2", code);
}

/* 24 of a lot of milk on a pallet, and 30 mugs. */
static inline void stock_up(struct warehouse *w)
{
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-01\",\"qty\":24,"
	     "\"codes\":[\"" PALLET_LABEL "\","
	     "\"(01)09521234567899(17)271231(10)L1\"]}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-02\",\"qty\":30,"
	     "\"code\":\"MUG\"}");
	assert_int_equal(units(w, "MILK", "A-01", GOOD), 24);
	assert_int_equal(units(w, "MUG", "A-02", GOOD), 30);
}

/* Creates 3-7-1 and sends the pallet and twelve mugs. */
static inline void load(struct pair *pair)
{
	struct warehouse *w = pair->from;

	stock_up(w);
	ask_ok(w, "transfer.create",
	       "{\"to\":7,\"expected\":\"2026-11-24\",\"carrier\":\"SF 1\"}");
	assert_reply(w, "\"transfer\":\"3-7-1\"");
	/* There is one to load, so that is it. */
	scan(w, "DEPOT.OP.TRANSFER_OUT");
	assert_ack(w, "transfer out, transfer 3-7-1 (another number, if it is "
		      "not that one); scan a bin");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, PALLET_LABEL);
	assert_ack(w, "transfer out 24 x MILK [L1]");
	scan(w, "DEPOT.BIN.A-02");
	scan(w, MUGS_12);
	assert_ack(w, "transfer out 12 x MUG");
	scan(w, "DEPOT.DONE");
	assert_ack(w, "transfer 3-7-1 is on its way: lines 2, units 36");
	assert_int_equal(units(w, "MILK", "A-01", GOOD), 0);
	assert_clean(w);
}

static inline void assert_look(struct warehouse *w, const char *name,
			       const char *arguments, const char *part)
{
	look_ok(w, name, arguments);
	assert_reply(w, part);
}

#define ID "{\"transfer\":\"3-7-1\"}"

#define PAIR(function) \
	cmocka_unit_test_setup_teardown(function, pair_setup, pair_teardown)

#endif
