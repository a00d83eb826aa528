#include "gateway/core/operate.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/core/transfer.h"
#include "gateway/core/whereabouts.h"
#include "store/balance.h"
#include "store/promise.h"
#include "store/trace.h"

/* ---- the fact ---- */

struct judging {
	struct act *act;
	const struct operation *operation;
	const struct found *found;
	struct fact *fact;
	struct verdict *verdict;
	struct whereabouts where; /* of its serial or pallet */
	bool is_known;            /* where is set */
};

static enum movement_kind kind_of(enum reading_op op)
{
	switch (op) {
	case OP_RECEIVE:
		return MOVEMENT_RECEIVE;
	case OP_PUTAWAY:
		return MOVEMENT_PUTAWAY;
	case OP_MOVE:
		return MOVEMENT_MOVE;
	case OP_PICK:
		return MOVEMENT_PICK;
	case OP_PACK:
		return MOVEMENT_PACK;
	case OP_SHIP:
		return MOVEMENT_SHIP;
	case OP_RETURN:
		return MOVEMENT_RETURN;
	case OP_SCRAP:
		return MOVEMENT_SCRAP;
	case OP_HOLD:
		return MOVEMENT_HOLD;
	case OP_RELEASE:
		return MOVEMENT_RELEASE;
	case OP_TRANSFER_OUT:
		return MOVEMENT_TRANSFER_OUT;
	case OP_TRANSFER_IN:
		return MOVEMENT_TRANSFER_IN;
	case OP_COUNT:
		return MOVEMENT_COUNT_ADJUST;
	case OP_NONE:
	case OP_UNDO:
	case OP_DONE:
		break;
	}
	ASSERT(op == OP_COUNT);
	return MOVEMENT_COUNT_ADJUST;
}

static bool is_inbound(enum reading_op op)
{
	return op == OP_RECEIVE || op == OP_RETURN || op == OP_TRANSFER_IN;
}

/* What it is: item, lot, serial, pallet. */
static void judge_thing(struct judging *judging)
{
	const struct operation *operation = judging->operation;
	const struct found *found = judging->found;
	struct fact *fact = judging->fact;

	fact->item_no = found->item_no;
	fact->item = found->item.sku;
	fact->lot = operation->lot.size > 0 ? operation->lot : found->lot;
	fact->serial =
		operation->serial.size > 0 ? operation->serial : found->serial;
	fact->expiry =
		operation->expiry != 0 ? operation->expiry : found->expiry;
	fact->reason = operation->reason;
	memcpy(fact->sscc, found->sscc, sizeof(fact->sscc));
}

/* Base units: what was said times what is in one of the code. */
static bool judge_quantity(struct judging *judging)
{
	const struct operation *operation = judging->operation;
	const struct found *found = judging->found;
	struct qty units = {operation->has_qty ? operation->qty : 1};
	int64_t count = found->count > 0 ? found->count : 1;
	int64_t pack = found->measure > 0 ? found->measure : found->pack;
	char number[32];

	if (judging->is_known && found->kind == FOUND_PALLET)
		units = judging->where.quantity;
	else if (!qty_packs(units.units, count, &units) ||
		 !qty_packs(units.units, pack, &units))
		units.units = INT64_MAX;
	judging->fact->quantity = units;
	if (qty_is_movable(units) ||
	    (operation->op == OP_COUNT && units.units == 0)) {
		if (judging->fact->serial.size == 0 || units.units <= 1)
			return true;
		verdict_refuse(judging->verdict, WORD_SERIAL_QUANTITY,
			       serial_span(&judging->fact->serial));
		return false;
	}
	(void)text_format(number, sizeof(number), "%" PRId64, units.units);
	verdict_refuse(judging->verdict, WORD_QUANTITY_RANGE, span_of(number));
	return false;
}

static enum err_code where_find(struct judging *judging, struct err *err)
{
	enum err_code code =
		whereabouts_get(batch_view(judging->act->batch), judging->fact,
				&judging->where, err);

	judging->is_known = code == ERR_OK;
	if (judging->is_known && judging->fact->lot.size == 0)
		judging->fact->lot = judging->where.lot;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* What comes on a pallet from another site stands in that site's packing list:
 * its first line here, and all of them when it is booked. */
static enum err_code judge_listed(struct judging *judging, struct span sscc,
				  bool *ret_is_listed, struct err *err)
{
	const struct view *view = batch_view(judging->act->batch);
	struct fact *fact = judging->fact;
	struct transfer_line line;
	enum err_code code = transfer_pallet_line(
		view, ref_span(&fact->ref.text), sscc, &line, err);

	*ret_is_listed = code == ERR_OK;
	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	fact->item = line.item;
	fact->lot = line.lot;
	fact->is_pallet = true;
	if (judging->is_known &&
	    place_no_kind(judging->where.place) == PLACE_BIN)
		return ERR_OK;
	judging->is_known = true;
	judging->where = (struct whereabouts){.quantity = {line.sums.shipped}};
	return ERR_OK;
}

/* A pallet's own label says what is on it only if the book knows it. */
static enum err_code judge_pallet(struct judging *judging, struct err *err)
{
	struct span sscc = {judging->found->sscc, SSCC_SIZE};
	bool is_inbound_transfer = judging->operation->op == OP_TRANSFER_IN;
	struct fact *fact = judging->fact;
	bool is_listed = false;
	enum err_code code = ERR_OK;

	if (judging->found->kind != FOUND_PALLET)
		return ERR_OK;
	if (is_inbound_transfer)
		code = judge_listed(judging, sscc, &is_listed, err);
	if (code != ERR_OK || is_listed)
		return code;
	if (!judging->is_known) {
		verdict_park(judging->verdict,
			     is_inbound_transfer ? WORD_NO_PACKING_LIST
						 : WORD_UNKNOWN_PALLET,
			     sscc);
		if (is_inbound_transfer &&
		    !code_text_set(&judging->verdict->wants, sscc))
			judging->verdict->wants.size = 0;
		return ERR_OK;
	}
	fact->item_no = judging->where.item;
	fact->lot = judging->where.lot;
	fact->is_pallet = true;
	return item_name_of(batch_view(judging->act->batch), fact->item_no,
			    &fact->item, err);
}

static enum err_code judge_here(struct judging *judging, struct err *err)
{
	const struct fact *fact = judging->fact;
	bool is_here;
	enum err_code code;

	if (!judging->is_known || !is_inbound(judging->operation->op) ||
	    place_no_kind(judging->where.place) != PLACE_BIN)
		return ERR_OK;
	code = balance_stands(batch_view(judging->act->batch), fact->item_no,
			      judging->where.place, &is_here, err);
	if (code != ERR_OK || !is_here)
		return code;
	verdict_refuse(judging->verdict, WORD_ALREADY_HERE,
		       fact->serial.size > 0
			       ? serial_span(&fact->serial)
			       : (struct span){fact->sscc, SSCC_SIZE});
	return ERR_OK;
}

static struct side bin_side(struct span name, enum condition condition)
{
	return (struct side){place_bin(name), condition};
}

static struct side outside(enum place_kind kind, struct span name)
{
	struct side side = {{.kind = kind}, CONDITION_NONE};
	bool fits = place_name_set(&side.place.name, name);

	ASSERT(fits);
	return side;
}

/* Goods leave from PACKED if that holds them, else from PICKED, unless a bin
 * is said. */
static enum err_code ship_from(struct judging *judging, struct span *ret_bin,
			       struct err *err)
{
	const struct view *view = batch_view(judging->act->batch);
	const struct fact *fact = judging->fact;
	struct span order = ref_span(&judging->operation->ref);
	struct promise promise;
	enum err_code code;

	*ret_bin = SPAN_LITERAL(BIN_PACKED);
	code = order.size > 0
		       ? promise_get(view, fact->item_no, order, &promise, err)
		       : promise_oldest(view, fact->item_no, true, &promise,
					err);
	if (code == ERR_NOT_FOUND && order.size == 0)
		code = promise_oldest(view, fact->item_no, false, &promise,
				      err);
	if (code == ERR_OK && promise.packed.units < fact->quantity.units &&
	    promise.picked.units >= fact->quantity.units)
		*ret_bin = SPAN_LITERAL(BIN_PICKED);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* Units of @condition that the fact may take from the bin. */
static int64_t units_on(const struct judging *judging,
			const struct balance *balance, enum condition condition)
{
	if (judging->fact->is_pallet)
		return balance_cell(balance, condition,
				    lot_span(&judging->fact->lot))
			.units;
	return balance_condition(balance, condition).units;
}

/* What is looked for first, where no condition was said. */
static enum condition condition_first(const struct judging *judging)
{
	if (judging->operation->op == OP_RELEASE)
		return CONDITION_ON_HOLD;
	if (judging->fact->is_pallet &&
	    judging->where.condition != CONDITION_NONE)
		return judging->where.condition;
	return CONDITION_GOOD;
}

/* The condition of what lies in the bin, where none was said: good, or the
 * pallet's, unless only another one has enough. */
static enum err_code condition_guess(struct judging *judging, struct span bin,
				     enum condition *ret_condition,
				     struct err *err)
{
	const struct view *view = batch_view(judging->act->batch);
	const enum condition first = condition_first(judging);
	const int64_t wanted = judging->fact->quantity.units;
	struct place place = place_bin(bin);
	UNINITIALIZED struct balance balance;
	struct place_no number;
	enum err_code code;

	*ret_condition = first;
	code = place_find(view, &place, &number, err);
	if (code == ERR_OK)
		code = balance_get(view, judging->fact->item_no, number,
				   &balance, err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK || units_on(judging, &balance, first) >= wanted)
		return code;
	for (int i = CONDITION_GOOD; i <= CONDITION_MAX; i++) {
		enum condition other = (enum condition)i;

		if (judging->operation->op == OP_RELEASE &&
		    other == CONDITION_GOOD)
			continue;
		if (units_on(judging, &balance, other) >= wanted) {
			*ret_condition = other;
			return ERR_OK;
		}
	}
	return ERR_OK;
}

/* A serial or pallet that the book knows tells where it comes from, unless
 * somebody said. */
static enum err_code from_bin(struct judging *judging, struct place *ret_place,
			      struct err *err)
{
	const struct operation *operation = judging->operation;

	if (judging->is_known && operation->is_bin_implied &&
	    place_no_kind(judging->where.place) == PLACE_BIN)
		return place_get(batch_view(judging->act->batch),
				 judging->where.place, ret_place, err);
	*ret_place = place_bin(place_name_span(&operation->bin));
	return ERR_OK;
}

static enum err_code judge_from(struct judging *judging, struct err *err)
{
	const struct operation *operation = judging->operation;
	enum condition condition = operation->condition;
	struct side *from = &judging->fact->from;
	struct span bin = place_name_span(&operation->bin);
	enum err_code code;

	switch (operation->op) {
	case OP_RECEIVE:
		*from = outside(PLACE_SUPPLIER, SPAN_LITERAL("unknown"));
		return ERR_OK;
	case OP_RETURN:
		*from = outside(PLACE_CUSTOMER, (struct span){"", 0});
		return ERR_OK;
	case OP_TRANSFER_IN:
		*from = outside(PLACE_TRANSIT, ref_span(&operation->ref));
		return ERR_OK;
	case OP_PACK:
		*from = bin_side(SPAN_LITERAL(BIN_PICKED), CONDITION_GOOD);
		return ERR_OK;
	case OP_SHIP:
		if (bin.size == 0) {
			code = ship_from(judging, &bin, err);
			if (code != ERR_OK)
				return code;
		}
		*from = bin_side(bin, CONDITION_GOOD);
		return ERR_OK;
	case OP_COUNT:
		/* No guess by how many there are: the count says that. */
		if (condition == CONDITION_NONE)
			condition = CONDITION_GOOD;
		break;
	case OP_PICK:
	case OP_HOLD:
		from->condition = CONDITION_GOOD;
		return from_bin(judging, &from->place, err);
	case OP_RELEASE:
	case OP_PUTAWAY:
	case OP_MOVE:
	case OP_SCRAP:
	case OP_TRANSFER_OUT:
	case OP_NONE:
	case OP_UNDO:
	case OP_DONE:
		break;
	}
	code = from_bin(judging, &from->place, err);
	if (code == ERR_OK && condition == CONDITION_NONE)
		code = condition_guess(judging,
				       place_name_span(&from->place.name),
				       &condition, err);
	from->condition = condition;
	return code;
}

static void judge_to(struct judging *judging)
{
	const struct operation *operation = judging->operation;
	struct fact *fact = judging->fact;
	enum condition said = operation->condition;
	struct span bin = place_name_span(&operation->bin);
	struct span to = place_name_span(&operation->to);

	switch (operation->op) {
	case OP_RECEIVE:
	case OP_TRANSFER_IN:
		fact->to = bin_side(
			bin, said != CONDITION_NONE ? said : CONDITION_GOOD);
		return;
	case OP_RETURN:
		fact->to = bin_side(bin, CONDITION_QUARANTINE);
		return;
	case OP_PUTAWAY:
	case OP_MOVE:
		fact->to = bin_side(to, fact->from.condition);
		return;
	case OP_PICK:
		fact->to = bin_side(SPAN_LITERAL(BIN_PICKED), CONDITION_GOOD);
		return;
	case OP_PACK:
		fact->to = bin_side(SPAN_LITERAL(BIN_PACKED), CONDITION_GOOD);
		return;
	case OP_SHIP:
		fact->to = outside(PLACE_CUSTOMER, (struct span){"", 0});
		return;
	case OP_SCRAP:
		fact->to = outside(PLACE_SCRAP, (struct span){"", 0});
		return;
	case OP_HOLD:
		fact->to = fact->from;
		fact->to.condition =
			said != CONDITION_NONE ? said : CONDITION_ON_HOLD;
		return;
	case OP_RELEASE:
		fact->to = fact->from;
		fact->to.condition = CONDITION_GOOD;
		return;
	case OP_TRANSFER_OUT:
		fact->to = outside(PLACE_TRANSIT, ref_span(&operation->ref));
		return;
	case OP_COUNT:
		fact->to = outside(PLACE_LOSS, (struct span){"", 0});
		return;
	case OP_NONE:
	case OP_UNDO:
	case OP_DONE:
		break;
	}
	ASSERT(operation->op == OP_COUNT);
}

/* A pallet of a transfer needs no paper: its list says which transfer. */
static enum err_code ref_find(struct judging *judging,
			      struct operation *operation, struct err *err)
{
	struct span sscc = {judging->found->sscc, SSCC_SIZE};
	struct place_name id;
	enum err_code code;

	if (operation->op != OP_TRANSFER_IN || operation->ref.size > 0 ||
	    judging->found->kind != FOUND_PALLET)
		return ERR_OK;
	code = transfer_of_pallet(batch_view(judging->act->batch), sscc, &id,
				  err);
	if (code == ERR_OK && !ref_set(&operation->ref, place_name_span(&id)))
		return err_set(err, ERR_CORRUPT, "a transfer's id is too long");
	if (code != ERR_NOT_FOUND)
		return code;
	verdict_park(judging->verdict, WORD_NO_PACKING_LIST, sscc);
	if (!code_text_set(&judging->verdict->wants, sscc))
		judging->verdict->wants.size = 0;
	return ERR_OK;
}

static bool judge_ref(struct judging *judging)
{
	const struct operation *operation = judging->operation;
	struct entry_ref *ref = &judging->fact->ref;
	bool is_transfer = operation->op == OP_TRANSFER_OUT ||
			   operation->op == OP_TRANSFER_IN;

	if (is_transfer && !place_name_is_valid(ref_span(&operation->ref))) {
		verdict_refuse(judging->verdict, WORD_NO_REF,
			       span_of(reading_op_name(operation->op)));
		return false;
	}
	ref->text = operation->ref;
	if (operation->ref.size == 0)
		ref->kind = REF_NONE;
	else if (is_transfer)
		ref->kind = REF_TRANSFER;
	else if (operation->op == OP_RECEIVE)
		ref->kind = REF_PURCHASE_ORDER;
	else
		ref->kind = REF_ORDER;
	return true;
}

/* The law's own check, last: what it says is told in its own words. */
static void judge_law(struct judging *judging)
{
	struct movement movement = fact_movement(judging->fact);
	struct span op = span_of(reading_op_name(judging->operation->op));
	enum movement_fault fault;

	if (judging->operation->op == OP_COUNT)
		return;
	fault = movement_check(&movement);
	if (fault == MOVEMENT_SOUND)
		return;
	if (fault == MOVEMENT_NO_REASON)
		verdict_refuse(judging->verdict, WORD_NO_REASON, op);
	else if (fault == MOVEMENT_BAD_CONDITION)
		verdict_refuse(judging->verdict, WORD_BAD_CONDITION, op);
	else if (fault == MOVEMENT_SAME_PLACE)
		verdict_refuse(judging->verdict, WORD_SAME_BIN,
			       place_name_span(&movement.from.place.name));
	else
		verdict_refuse(judging->verdict, WORD_INVALID,
			       span_of(movement_fault_name(fault)));
}

static enum err_code judge_transfer(struct judging *judging, struct err *err)
{
	struct movement movement = fact_movement(judging->fact);

	if (!verdict_is_open(judging->verdict) ||
	    judging->operation->op == OP_COUNT)
		return ERR_OK;
	return transfer_judge_way(judging->act, &movement, judging->verdict,
				  err);
}

enum err_code operate_judge(struct act *act, const struct operation *operation,
			    const struct found *found, struct fact *ret_fact,
			    struct verdict *verdict, struct err *err)
{
	struct operation whole = *operation;
	struct judging judging = {.act = act,
				  .operation = &whole,
				  .found = found,
				  .fact = ret_fact,
				  .verdict = verdict};
	enum err_code code;

	memset(ret_fact, 0, sizeof(*ret_fact));
	ret_fact->kind = kind_of(operation->op);
	judge_thing(&judging);
	code = ref_find(&judging, &whole, err);
	if (code != ERR_OK || !verdict_is_open(verdict) || !judge_ref(&judging))
		return code;
	code = where_find(&judging, err);
	if (code == ERR_OK && operation->op == OP_TRANSFER_IN &&
	    found->kind == FOUND_ITEM)
		code = transfer_guess_lot(batch_view(act->batch), ret_fact,
					  err);
	if (code == ERR_OK)
		code = judge_pallet(&judging, err);
	if (code == ERR_OK && verdict_is_open(verdict))
		code = judge_here(&judging, err);
	if (code != ERR_OK || !verdict_is_open(verdict))
		return code;
	if (!judge_quantity(&judging))
		return ERR_OK;
	code = judge_from(&judging, err);
	if (code != ERR_OK)
		return code;
	judge_to(&judging);
	judge_law(&judging);
	return judge_transfer(&judging, err);
}

/* ---- booking ---- */

static enum err_code count_book(struct act *act,
				const struct operation *operation,
				const struct fact *fact,
				struct posted *ret_posted,
				struct verdict *verdict, struct err *err)
{
	struct statement statement = {.item_no = fact->item_no,
				      .item = fact->item,
				      .bin = operation->bin,
				      .lot = fact->lot,
				      .condition = fact->from.condition,
				      .counted = fact->quantity.units,
				      .at = operation->position,
				      .begun = operation->begun};
	struct counted counted;
	enum err_code code = count_state(act, &statement, &counted, err);

	if (code != ERR_OK)
		return code;
	*ret_posted =
		(struct posted){.first = counted.first, .last = counted.last};
	if (counted.verdict == COUNT_RECOUNT_MOVED)
		verdict_say(verdict, WORD_RECOUNT_MOVED, "%.*s",
			    (int)fact->item.size, fact->item.data);
	else if (counted.verdict == COUNT_RECOUNT_BLIND)
		verdict_say(verdict, WORD_RECOUNT_BLIND, "%.*s",
			    (int)fact->item.size, fact->item.data);
	return ERR_OK;
}

/* Whoever loads or unloads what was over till then hears of it: it may be the
 * wrong paper, and the other end does not wait for it. */
static void end_tell(const struct fact *fact,
		     const struct transfer_states *before,
		     struct verdict *verdict)
{
	bool is_cancelled = before->sender == TRANSFER_CANCELLED &&
			    fact->kind == MOVEMENT_TRANSFER_IN;

	if (transfer_is_closed(before))
		verdict_besides(verdict,
				is_cancelled ? WORD_TRANSFER_CANCELLED
					     : WORD_TRANSFER_REOPENED,
				ref_span(&fact->ref.text));
}

/* A pallet from another site is all that its packing list says. */
static enum err_code fact_book(struct act *act, const struct fact *fact,
			       struct posted *ret_posted,
			       struct verdict *verdict, struct err *err)
{
	struct transfer_states before = {.is_reopened = false};
	enum err_code code = ERR_OK;

	ret_posted->first.value = 0;
	if (fact->ref.kind == REF_TRANSFER)
		code = transfer_opening(act, ref_span(&fact->ref.text), &before,
					err);
	if (code == ERR_OK && fact->kind == MOVEMENT_TRANSFER_IN &&
	    fact->is_pallet)
		code = transfer_pallet_book(act, fact, ret_posted, err);
	if (code == ERR_OK && ret_posted->first.value == 0)
		code = post_fact(act, fact, ret_posted, err);
	if (code != ERR_OK || fact->ref.kind != REF_TRANSFER)
		return code;
	end_tell(fact, &before, verdict);
	return transfer_booked(act, ref_span(&fact->ref.text), err);
}

enum err_code operate_book(struct act *act, const struct operation *operation,
			   const struct fact *fact, struct posted *ret_posted,
			   struct verdict *verdict, struct err *err)
{
	enum err_code code;

	if (operation->op == OP_COUNT)
		code = count_book(act, operation, fact, ret_posted, verdict,
				  err);
	else
		code = fact_book(act, fact, ret_posted, verdict, err);
	if (code == ERR_OK)
		verdict->pos = ret_posted->last;
	return code;
}
