/*
 * A bare scanner session: label by label, what the person is told and what the
 * ledger holds afterwards.
 */
#include "tests/unit/core/bench_warehouse.h"

#include "store/journal.h"

#define GOOD CONDITION_GOOD
#define MUG "4006381333931"

static void scan(struct warehouse *w, const char *code)
{
	send(w, "scan/gun-2", code);
}

static void stock_ten(struct warehouse *w)
{
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"receive\",\"code\":\"MUG\",\"qty\":10,"
	     "\"bin\":\"A-01\"}");
}

/* Method: a receive is booked before the count, so that an undo which took the
 * device's last movement would show; the count's own scans are undone one
 * deep. */
static void undo_in_a_count_takes_back_the_last_counted_item(void **state)
{
	struct warehouse *w = *state;

	scan(w, "DEPOT.OP.RECEIVE");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, "DEPOT.QTY.3");
	scan(w, MUG);
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 3);
	scan(w, "DEPOT.OP.COUNT");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, MUG);
	scan(w, "DEPOT.QTY.3");
	scan(w, MUG);
	assert_ack(w, "counted: 3 x MUG");
	scan(w, "DEPOT.UNDO");
	assert_ack(w, "undone: 3 x MUG");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 3);
	/* One deep: what was counted before it stays counted. */
	scan(w, "DEPOT.UNDO");
	assert_ack(w, "nothing_to_undo");
	scan(w, MUG);
	scan(w, "DEPOT.DONE");
	assert_ack(w, "count of bin A-01 is closed: items 1, of them "
		      "corrected 1; scan an operation");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 2);
	assert_clean(w);
}

static void undo_of_the_only_counted_item_counts_none(void **state)
{
	struct warehouse *w = *state;

	scan(w, "DEPOT.OP.COUNT");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, "DEPOT.UNDO");
	assert_ack(w, "nothing_to_undo");
	scan(w, "(01)09521234567899(10)L1");
	scan(w, "DEPOT.UNDO");
	assert_ack(w, "undone: 1 x MILK");
	scan(w, "DEPOT.DONE");
	assert_ack(w, "bin A-01 is closed: items 0, of them corrected 0");
	assert_int_equal(units(w, "MILK", "A-01", GOOD), 0);
}

static void what_was_counted_in_another_bin_is_not_undone(void **state)
{
	struct warehouse *w = *state;

	scan(w, "DEPOT.OP.COUNT");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, MUG);
	scan(w, "DEPOT.BIN.A-02");
	assert_ack(w, "count of bin A-01 is closed");
	scan(w, "DEPOT.UNDO");
	assert_ack(w, "nothing_to_undo");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 1);
}

static void undo_after_a_quantity_forgets_the_quantity(void **state)
{
	struct warehouse *w = *state;

	scan(w, "DEPOT.OP.RECEIVE");
	scan(w, MUG);
	scan(w, "DEPOT.QTY.50");
	scan(w, "DEPOT.UNDO");
	assert_ack(w, "undone: QTY 50");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 1);
	scan(w, MUG);
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 2);
	scan(w, "DEPOT.UNDO");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 1);
}

static void a_quantity_goes_with_an_unknown_item_and_no_further(void **state)
{
	struct warehouse *w = *state;

	scan(w, "DEPOT.OP.RECEIVE");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, "DEPOT.QTY.24");
	scan(w, "NEW-77");
	assert_ack(w, "\"result\":\"parked\"");
	assert_ack(w, "\"next\":\"item\"");
	scan(w, MUG);
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 1);
	/* Named, it is booked as it was scanned: 24, into that bin. */
	ask_ok(w, "code.set", "{\"code\":\"NEW-77\",\"item\":\"MILK\"}");
	assert_int_equal(units(w, "MILK", "A-01", GOOD), 24);
	assert_clean(w);
}

static void an_unknown_item_in_a_count_is_refused_and_not_parked(void **state)
{
	struct warehouse *w = *state;

	scan(w, "DEPOT.OP.COUNT");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, "DEPOT.QTY.2");
	scan(w, "NEW-77");
	assert_ack(w, "\"result\":\"refused\"");
	assert_ack(w, "\"code\":\"unknown_item\"");
	assert_ack(w, "count this bin again");
	scan(w, MUG); /* nothing was taken: the quantity still stands */
	assert_ack(w, "counted: 2 x MUG");
}

struct wrong_bin {
	const char *label;
	const char *code;
};

/* Method: each wrong label where a bin belongs; refused with its code, nothing
 * parked, and the session goes on where it was. */
static void a_wrong_bin_label_is_mended_at_once(void **state)
{
	static const struct wrong_bin wrong[] = {
		{"DEPOT.BIN.Z-99", "unknown_bin"},
		{"DEPOT.BIN.MUG", "item_where_bin"},
		{"DEPOT.BIN.B-OLD", "inactive_bin"},
	};
	struct warehouse *w = *state;
	size_t told = 0;

	ask_ok(w, "bin.set", "{\"bin\":\"B-OLD\",\"inactive\":true}");
	scan(w, "DEPOT.OP.PUTAWAY");
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		char part[64];

		scan(w, wrong[i].label);
		snprintf(part, sizeof(part), "\"code\":\"%s\"", wrong[i].code);
		assert_ack(w, part);
		assert_ack(w, "\"result\":\"refused\"");
		assert_ack(w, "\"next\":\"bin\"");
		told++;
	}
	assert_int_equal(told, 3);
	assert_int_equal(engine_counters(w->engine)->parked, 0);
	scan(w, "DEPOT.BIN.A-01");
	scan(w, MUG);
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 1);
	/* A bin without an operation, and an item where the bin is due. */
	scan(w, "DEPOT.DONE");
	scan(w, "DEPOT.BIN.A-01");
	assert_ack(w, "no_session");
	scan(w, "DEPOT.OP.PICK");
	scan(w, MUG);
	assert_ack(w, "\"code\":\"item_where_bin\"");
}

static struct entry last_movement(struct warehouse *w)
{
	struct journal_head head;
	struct entry entry = {.kind = ENTRY_FOUNDING};
	struct view *view;
	struct err err;

	assert_done(view_begin(ledger_env(w->ledger), &view, &err), &err);
	assert_done(ledger_head(view, &head, &err), &err);
	for (; entry.kind != ENTRY_MOVEMENT; head.pos.value--)
		assert_done(journal_read(view, head.pos, &entry, &err), &err);
	view_end(view);
	return entry;
}

/* Units that were picked for @order. */
static int64_t picks_of(struct warehouse *w, const struct ref *order)
{
	struct journal_head head;
	struct view *view;
	struct err err;
	int64_t units = 0;

	assert_done(view_begin(ledger_env(w->ledger), &view, &err), &err);
	assert_done(ledger_head(view, &head, &err), &err);
	for (; pos_number(head.pos) > 0; head.pos.value--) {
		struct entry entry;

		assert_done(journal_read(view, head.pos, &entry, &err), &err);
		if (entry.kind == ENTRY_MOVEMENT &&
		    entry.body.movement.kind == MOVEMENT_PICK &&
		    span_equal(ref_span(&entry.ref.text), ref_span(order)))
			units += entry.body.movement.quantity.units;
	}
	view_end(view);
	return units;
}

static void picks_of_one_bin_share_one_implicit_order(void **state)
{
	struct warehouse *w = *state;
	struct entry first;
	struct entry second;
	struct entry third;

	stock_ten(w);
	scan(w, "DEPOT.OP.PICK");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, MUG);
	first = last_movement(w);
	scan(w, "DEPOT.QTY.2");
	scan(w, MUG);
	second = last_movement(w);
	scan(w, "DEPOT.BIN.A-01"); /* a bin begins anew */
	scan(w, MUG);
	third = last_movement(w);
	assert_int_equal(first.body.movement.kind, MOVEMENT_PICK);
	assert_int_equal(first.ref.kind, REF_ORDER);
	assert_true(first.ref.text.size > 0 && first.ref.text.data[0] == '~');
	assert_true(span_equal(ref_span(&first.ref.text),
			       ref_span(&second.ref.text)));
	assert_false(span_equal(ref_span(&first.ref.text),
				ref_span(&third.ref.text)));
	assert_int_equal(units(w, "MUG", BIN_PICKED, GOOD), 4);
	assert_clean(w);
}

/* Method: one scan takes two lots and one unit that the book does not have;
 * the order that all of it stands for is one, so that nothing is left of it
 * when all of it is shipped. */
static void a_pick_of_several_lots_is_one_implicit_order(void **state)
{
	struct warehouse *w = *state;
	struct entry last;
	struct ref order;

	scan(w, "DEPOT.OP.RECEIVE");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, "(01)09521234567899(10)L1");
	scan(w, "(01)09521234567899(10)L2");
	scan(w, "DEPOT.OP.PICK");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, "DEPOT.QTY.3");
	scan(w, "09521234567899");
	assert_ack(w, "pick 3 x MILK [L1 1, L2 1] A-01 -> PICKED");
	last = last_movement(w);
	order = last.ref.text;
	assert_int_equal(last.body.movement.kind, MOVEMENT_PICK);
	assert_int_equal(last.body.movement.quantity.units, 1);
	assert_int_equal(picks_of(w, &order), 3);
	assert_clean(w);
}

/* Method: three units show their lot, two only what they are; the book has
 * five, then six of the lot. The same as one reading of five codes. */
static void units_counted_with_and_without_their_lot_add_up(void **state)
{
	struct warehouse *w = *state;

	scan(w, "DEPOT.OP.RECEIVE");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, "DEPOT.QTY.5");
	scan(w, "(01)09521234567899(10)L1");
	for (int i = 0; i < 2; i++) {
		scan(w, "DEPOT.OP.COUNT");
		scan(w, "DEPOT.BIN.A-01");
		scan(w, "DEPOT.QTY.3");
		scan(w, "(01)09521234567899(10)L1");
		scan(w, "DEPOT.QTY.2");
		scan(w, "09521234567899");
		scan(w, "DEPOT.DONE");
		assert_ack(w, i == 0 ? "items 1, of them corrected 0"
				     : "items 1, of them corrected 1");
		assert_int_equal(units(w, "MILK", "A-01", GOOD), 5);
		send(w, "scan/dock-1",
		     "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-01\","
		     "\"code\":\"(01)09521234567899(10)L1\"}");
		assert_int_equal(units(w, "MILK", "A-01", GOOD), 6);
	}
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"count\",\"bin\":\"A-01\",\"codes\":["
	     "\"(01)09521234567899(10)L1\",\"09521234567899\","
	     "\"(01)09521234567899(10)L1\",\"09521234567899\","
	     "\"(01)09521234567899(10)L2\"]}");
	assert_int_equal(units(w, "MILK", "A-01", GOOD), 5);
	assert_clean(w);
}

static void the_next_operation_closes_a_count(void **state)
{
	struct warehouse *w = *state;

	stock_ten(w);
	scan(w, "DEPOT.OP.COUNT");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, "DEPOT.QTY.9");
	scan(w, MUG);
	scan(w, "DEPOT.OP.RECEIVE");
	assert_ack(w, "count of bin A-01 is closed: items 1, of them "
		      "corrected 1; scan the next item");
	assert_ack(w, "\"next\":\"item\"");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 9);
	scan(w, MUG);
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 1);
	assert_clean(w);
}

/* Method: a full bin's label is scanned by mistake and left by each of the two
 * ways that are not DONE; DONE then says that it is empty. */
static void a_bin_left_without_a_scan_is_not_counted_as_empty(void **state)
{
	struct warehouse *w = *state;

	stock_ten(w);
	scan(w, "DEPOT.OP.COUNT");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, "DEPOT.BIN.A-02");
	assert_ack(w, "nothing was scanned in bin A-01, so it was not counted");
	assert_ack(w, "\"next\":\"item\"");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, "DEPOT.OP.COUNT");
	assert_ack(w, "bin A-01, so it was not counted");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 10);
	scan(w, "DEPOT.BIN.A-01");
	scan(w, "DEPOT.DONE");
	assert_ack(w, "please count again, to be sure of 1 of 1 items; scan an "
		      "operation");
	scan(w, "DEPOT.OP.COUNT");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, "DEPOT.DONE");
	assert_ack(w, "count of bin A-01 is closed: items 1");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 0);
	assert_clean(w);
}

static void a_move_into_the_same_bin_is_refused_at_its_label(void **state)
{
	struct warehouse *w = *state;

	stock_ten(w);
	scan(w, "DEPOT.OP.MOVE");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, "DEPOT.BIN.A-01");
	assert_ack(w, "\"code\":\"same_bin\"");
	assert_ack(w, "\"next\":\"bin\"");
	scan(w, "DEPOT.BIN.A-02");
	scan(w, MUG);
	assert_int_equal(units(w, "MUG", "A-02", GOOD), 1);
}

static void a_transfer_asks_for_its_number_once(void **state)
{
	struct warehouse *w = *state;
	struct entry moved;

	stock_ten(w);
	scan(w, "DEPOT.OP.TRANSFER-OUT");
	assert_ack(w, "transfer out: scan the transfer's number");
	assert_ack(w, "调出：请扫描调拨单号");
	assert_ack(w, "\"next\":\"ref\"");
	scan(w, MUG);
	assert_ack(w, "\"code\":\"no_ref\"");
	assert_ack(w, "操作 调出（transfer_out）需要调拨单号");
	scan(w, "TR-2026-7");
	assert_ack(w, "transfer TR-2026-7; scan a bin");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, MUG);
	scan(w, "DEPOT.QTY.2");
	scan(w, MUG);
	assert_ack(w, "transfer out 2 x MUG A-01 ->");
	moved = last_movement(w);
	assert_int_equal(moved.ref.kind, REF_TRANSFER);
	assert_true(span_equal(ref_span(&moved.ref.text),
			       SPAN_LITERAL("TR-2026-7")));
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 7);
	scan(w, "DEPOT.OP.TRANSFER-IN");
	scan(w, "TR-2026-7");
	assert_ack(w, "transfer TR-2026-7; scan the next item");
	scan(w, MUG);
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 1);
	assert_int_equal(engine_counters(w->engine)->parked, 0);
	assert_clean(w);
}

static void a_device_with_a_place_counts_that_bin(void **state)
{
	struct warehouse *w = *state;

	ask_ok(w, "device.set", "{\"device\":\"gun-2\",\"place\":\"A-02\"}");
	scan(w, "DEPOT.OP.COUNT");
	assert_ack(w, "\"next\":\"item\"");
	scan(w, MUG);
	scan(w, "DEPOT.DONE");
	assert_ack(w, "count of bin A-02 is closed: items 1");
	assert_int_equal(units(w, "MUG", "A-02", GOOD), 1);
}

/* Method: once the tick ends it and says so, once the next scan finds that it
 * is too old; a count left lying changes nothing. */
static void a_session_left_lying_is_over(void **state)
{
	struct warehouse *w = *state;
	struct event tick = {.kind = EVENT_TICK};

	stock_ten(w);
	scan(w, "DEPOT.OP.COUNT");
	scan(w, "DEPOT.BIN.A-01");
	scan(w, MUG);
	w->now_ms += 14 * 60 * 1000;
	warehouse_step(w, &tick);
	assert_string_equal(w->ack, "");
	w->now_ms += 2 * 60 * 1000;
	warehouse_step(w, &tick);
	assert_ack(w, "the session was closed; a count");
	assert_ack(w, "操作已超时关闭");
	assert_ack(w, "\"next\":\"operation\"");
	scan(w, MUG);
	assert_ack(w, "no_session");
	scan(w, "DEPOT.OP.RECEIVE");
	w->now_ms += 16 * 60 * 1000;
	scan(w, MUG);
	assert_ack(w, "no_session");
	assert_int_equal(units(w, "MUG", "A-01", GOOD), 10);
	assert_clean(w);
}

struct spoken {
	const char *label;
	const char *zh;
};

static void every_answer_is_said_in_chinese_too(void **state)
{
	static const struct spoken talk[] = {
		{"DEPOT.OP.RECEIVE", "收货：请扫描商品，或先扫描库位"},
		{"DEPOT.BIN.A-01", "库位 A-01：请扫描商品"},
		{"DEPOT.QTY.4", "下一件商品数量 4：请扫描商品"},
		{MUG, "收货 4 x MUG -> A-01；请继续扫描"},
		{"DEPOT.UNDO", "已撤销：收货 4 x MUG -> A-01；请继续扫描商品"},
		{"DEPOT.OP.MOVE", "移库：请扫描库位，然后扫描商品"},
		{"DEPOT.BIN.A-01", "从库位 A-01：请扫描目标库位"},
		{"DEPOT.BIN.A-02", "移至库位 A-02：请扫描商品"},
		{MUG, "移库 1 x MUG A-01 -> A-02；请继续扫描"},
		{"DEPOT.DONE", "完成（移库）：请扫描操作标签"},
		{"DEPOT.UNDO", "已撤销：移库 1 x MUG A-01 -> A-02；请扫描操作"},
		{"DEPOT.OP.COUNT", "盘点：请扫描库位"},
		{"DEPOT.BIN.A-01", "库位 A-01：请扫描商品"},
		{MUG, "已盘：1 x MUG；请继续扫描商品"},
		{"NEW-77", "请先命名，然后重新盘点此库位"},
		{"DEPOT.DONE",
		 "库位 A-01 盘点结束：共 1 项，更正 1 项；请扫描操作标签"},
		{"DEPOT.DONE", "没有进行中的操作：请扫描操作标签"},
		{MUG, "请先扫描操作标签"},
	};
	struct warehouse *w = *state;
	size_t said = 0;

	for (size_t i = 0; i < ARRAY_LEN(talk); i++) {
		scan(w, talk[i].label);
		assert_ack(w, talk[i].zh);
		said++;
	}
	assert_int_equal(said, ARRAY_LEN(talk));
}

/* Method: the lot's separator is missing before (17); once scanned, once as a
 * complete reading. It is a physical fact: booked, and said. */
static void a_lost_separator_is_told_to_whoever_scanned_it(void **state)
{
	struct warehouse *w = *state;

	scan(w, "DEPOT.OP.RECEIVE");
	scan(w, "]C1010952123456789910LOT4217271231");
	assert_ack(w, "LOT4217271231 seems to contain (17): a separator got "
		      "lost");
	assert_ack(w, "; receive 1 x MILK [LOT4217271231] -> DOCK; scan");
	assert_ack(w, "；收货 1 x MILK");
	scan(w, MUG);
	assert_ack(w, "\"text_en\":\"receive 1 x MUG -> DOCK");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"receive\","
	     "\"code\":\"]C1010952123456789910LOT4217271231\"}");
	assert_ack(w, "a separator got lost");
	assert_ack(w, "; booked as it is\"");
	assert_int_equal(units(w, "MILK", "DOCK", GOOD), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(undo_in_a_count_takes_back_the_last_counted_item),
		STORY(undo_of_the_only_counted_item_counts_none),
		STORY(what_was_counted_in_another_bin_is_not_undone),
		STORY(undo_after_a_quantity_forgets_the_quantity),
		STORY(a_quantity_goes_with_an_unknown_item_and_no_further),
		STORY(an_unknown_item_in_a_count_is_refused_and_not_parked),
		STORY(a_wrong_bin_label_is_mended_at_once),
		STORY(picks_of_one_bin_share_one_implicit_order),
		STORY(a_pick_of_several_lots_is_one_implicit_order),
		STORY(units_counted_with_and_without_their_lot_add_up),
		STORY(the_next_operation_closes_a_count),
		STORY(a_bin_left_without_a_scan_is_not_counted_as_empty),
		STORY(a_move_into_the_same_bin_is_refused_at_its_label),
		STORY(a_transfer_asks_for_its_number_once),
		STORY(a_device_with_a_place_counts_that_bin),
		STORY(a_session_left_lying_is_over),
		STORY(every_answer_is_said_in_chinese_too),
		STORY(a_lost_separator_is_told_to_whoever_scanned_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
