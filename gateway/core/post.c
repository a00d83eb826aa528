#include "gateway/core/post.h"

#include <string.h>

#include "store/balance.h"
#include "store/fold.h"
#include "store/promise.h"
#include "store/trace.h"

#define REASON_SHORT "beyond_book"

/* A part of a fact: one lot, one order. */
struct part {
	struct lot lot;
	struct entry_ref ref;
	struct qty quantity;
};

struct movement fact_movement(const struct fact *fact)
{
	struct movement movement = {.kind = fact->kind,
				    .item = fact->item,
				    .lot = fact->lot,
				    .serial = fact->serial,
				    .quantity = fact->quantity,
				    .from = fact->from,
				    .to = fact->to,
				    .expiry = fact->expiry,
				    .reason = fact->reason};

	memcpy(movement.sscc, fact->sscc, sizeof(movement.sscc));
	return movement;
}

static bool is_outbound(const struct side *side)
{
	return side->condition == CONDITION_GOOD &&
	       (place_is_bin(&side->place, BIN_PICKED) ||
		place_is_bin(&side->place, BIN_PACKED));
}

static enum err_code movement_post(struct act *act,
				   const struct movement *movement,
				   const struct entry_ref *ref,
				   struct posted *posted, struct err *err)
{
	struct entry entry;
	struct pos pos;
	enum err_code code;

	act_entry(act, &entry, ENTRY_MOVEMENT);
	entry.body.movement = *movement;
	entry.ref = *ref;
	code = act_post(act, &entry, &pos, err);
	if (code != ERR_OK)
		return code;
	if (posted->first.value == 0)
		posted->first = pos;
	posted->last = pos;
	return ERR_OK;
}

/* Units that the bin lacks in the book, from `found`. */
static enum err_code found_post(struct act *act, const struct fact *fact,
				const struct part *part, struct qty missing,
				struct posted *posted, struct err *err)
{
	struct movement movement = fact_movement(fact);
	bool fits = reason_set(&movement.reason, SPAN_LITERAL(REASON_SHORT));

	ASSERT(fits);
	movement.kind = MOVEMENT_FOUND;
	movement.from = (struct side){place_of(PLACE_FOUND), CONDITION_NONE};
	movement.to = fact->from;
	movement.lot = part->lot;
	movement.quantity = missing;
	movement.expiry = 0;
	memset(movement.sscc, 0, sizeof(movement.sscc));
	if (!qty_add(posted->found, missing, &posted->found))
		return ERR_OVERFLOW;
	return movement_post(act, &movement, &part->ref, posted, err);
}

static struct entry_ref implicit_order(const struct act *act)
{
	struct entry_ref ref = {.kind = REF_ORDER};
	char name[POS_PRINT_SIZE + 1] = "~";
	bool fits;

	/* '~' sorts behind, and no client-made id may begin with it. */
	pos_print(batch_next(act->batch), name + 1, sizeof(name) - 1);
	fits = ref_set(&ref.text, span_of(name));
	ASSERT(fits);
	return ref;
}

/* What leaves for another site says when its lot expires: that is where the
 * other one has it from. */
static enum err_code expiry_fill(struct act *act, const struct fact *fact,
				 struct movement *movement, struct err *err)
{
	struct lot_record lot;
	enum err_code code;

	if (fact->kind != MOVEMENT_TRANSFER_OUT || movement->lot.size == 0 ||
	    movement->expiry != 0)
		return ERR_OK;
	code = lot_get(batch_view(act->batch), fact->item_no,
		       lot_span(&movement->lot), &lot, err);
	if (code == ERR_OK)
		movement->expiry = lot.expiry;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code part_post(struct act *act, const struct fact *fact,
			       const struct part *part, struct posted *posted,
			       struct err *err)
{
	struct movement movement = fact_movement(fact);
	struct entry_ref ref = part->ref;
	enum err_code code;

	if (is_outbound(&fact->to) && ref.kind == REF_NONE)
		ref = implicit_order(act);
	movement.lot = part->lot;
	movement.quantity = part->quantity;
	code = expiry_fill(act, fact, &movement, err);
	if (code != ERR_OK)
		return code;
	return movement_post(act, &movement, &ref, posted, err);
}

/* Good units in PICKED or PACKED that stand there for @order. */
static enum err_code promised(struct act *act, const struct fact *fact,
			      struct span order, struct qty *ret_units,
			      struct err *err)
{
	struct promise promise;
	enum err_code code;

	*ret_units = (struct qty){0};
	code = promise_get(batch_view(act->batch), fact->item_no, order,
			   &promise, err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code == ERR_OK)
		*ret_units = place_is_bin(&fact->from.place, BIN_PACKED)
				     ? promise.packed
				     : promise.picked;
	return code;
}

/* No order is named: the oldest ones give, one after the other. */
static enum err_code oldest_parts_post(struct act *act, const struct fact *fact,
				       struct part part, struct posted *posted,
				       struct err *err)
{
	bool is_packed = place_is_bin(&fact->from.place, BIN_PACKED);
	int64_t left = part.quantity.units;

	while (left > 0) {
		struct promise promise;
		int64_t stands;
		enum err_code code;

		code = promise_oldest(batch_view(act->batch), fact->item_no,
				      is_packed, &promise, err);
		if (code == ERR_NOT_FOUND)
			return err_set(err, ERR_CORRUPT,
				       "units for no order in PICKED or "
				       "PACKED");
		if (code != ERR_OK)
			return code;
		part.ref.kind = REF_ORDER;
		part.ref.text = promise.order;
		stands =
			is_packed ? promise.packed.units : promise.picked.units;
		part.quantity.units = left < stands ? left : stands;
		code = part_post(act, fact, &part, posted, err);
		if (code != ERR_OK)
			return code;
		left -= part.quantity.units;
	}
	return ERR_OK;
}

/* What is lost is lost to the latest promises (LEDGER, invariant 4): the fold
 * sees to that when no order is named. */
static bool is_loss(enum movement_kind kind)
{
	return kind == MOVEMENT_SCRAP || kind == MOVEMENT_HOLD ||
	       kind == MOVEMENT_COUNT_ADJUST;
}

/* An order named with a loss bears it if it has the units; if not, it is only
 * what the person thought of, and the latest promises bear it. */
static enum err_code loss_part_post(struct act *act, const struct fact *fact,
				    struct part part, struct posted *posted,
				    struct err *err)
{
	struct qty stands = part.quantity;
	enum err_code code = ERR_OK;

	if (part.ref.kind == REF_ORDER)
		code = promised(act, fact, ref_span(&part.ref.text), &stands,
				err);
	if (code != ERR_OK)
		return code;
	if (stands.units < part.quantity.units)
		part.ref = (struct entry_ref){.kind = REF_NONE};
	return part_post(act, fact, &part, posted, err);
}

static enum err_code lot_part_post(struct act *act, const struct fact *fact,
				   const struct part *part,
				   struct posted *posted, struct err *err)
{
	if (!is_outbound(&fact->from))
		return part_post(act, fact, part, posted, err);
	if (is_loss(fact->kind))
		return loss_part_post(act, fact, *part, posted, err);
	if (part->ref.kind == REF_ORDER)
		return part_post(act, fact, part, posted, err);
	return oldest_parts_post(act, fact, *part, posted, err);
}

/* ---- which lots ---- */

/* Lower is taken first: known expiry before unknown, then the older lot. */
static enum err_code lot_rank(struct act *act, const struct fact *fact,
			      const struct cell *cell, uint64_t *ret_rank,
			      struct err *err)
{
	struct lot_record lot = {0, {0}};
	enum err_code code = ERR_NOT_FOUND;

	if (cell->lot.size > 0)
		code = lot_get(batch_view(act->batch), fact->item_no,
			       lot_span(&cell->lot), &lot, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	*ret_rank = (uint64_t)(lot.expiry != 0 ? lot.expiry : UINT32_MAX)
			    << 32 |
		    (uint32_t)pos_number(lot.first);
	return ERR_OK;
}

/* The cell to take from next: of the fact's condition, and of its lot if it
 * names one, and not empty. */
static enum err_code cell_choose(struct act *act, const struct fact *fact,
				 const struct balance *balance,
				 const struct cell **ret_cell, struct err *err)
{
	const struct cell *best = NULL;
	uint64_t best_rank = 0;

	for (size_t i = 0; i < balance->count; i++) {
		const struct cell *cell = &balance->cells[i];
		uint64_t rank;
		enum err_code code;

		if (cell->condition != fact->from.condition ||
		    cell->quantity.units <= 0)
			continue;
		if ((fact->lot.size > 0 || fact->is_pallet) &&
		    !span_equal(lot_span(&fact->lot), lot_span(&cell->lot)))
			continue;
		code = lot_rank(act, fact, cell, &rank, err);
		if (code != ERR_OK)
			return code;
		if (best == NULL || rank < best_rank) {
			best = cell;
			best_rank = rank;
		}
	}
	*ret_cell = best;
	return ERR_OK;
}

static enum err_code balance_load(struct act *act, const struct fact *fact,
				  struct balance *balance, struct err *err)
{
	struct place_no place;
	enum err_code code;

	balance->count = 0;
	code = place_find(batch_view(act->batch), &fact->from.place, &place,
			  err);
	if (code == ERR_OK)
		code = balance_get(batch_view(act->batch), fact->item_no, place,
				   balance, err);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* An order that is named gives only what stands there for it. */
static enum err_code order_bound(struct act *act, const struct fact *fact,
				 struct qty *units, struct err *err)
{
	struct qty stands;
	enum err_code code;

	if (!is_outbound(&fact->from) || is_loss(fact->kind) ||
	    fact->ref.kind != REF_ORDER)
		return ERR_OK;
	code = promised(act, fact, ref_span(&fact->ref.text), &stands, err);
	if (code == ERR_OK && stands.units < units->units)
		*units = stands;
	return code;
}

/* What the bin can give next: a lot, and how many of it; none if 0. */
static enum err_code part_choose(struct act *act, const struct fact *fact,
				 struct part *part, struct err *err)
{
	UNINITIALIZED struct balance balance;
	struct qty units = {0};
	const struct cell *cell = NULL;
	enum err_code code = balance_load(act, fact, &balance, err);

	if (code == ERR_OK)
		code = cell_choose(act, fact, &balance, &cell, err);
	if (code == ERR_OK && cell != NULL) {
		units = cell->quantity;
		code = order_bound(act, fact, &units, err);
	}
	if (code != ERR_OK)
		return code;
	if (units.units > 0)
		part->lot = cell->lot;
	if (units.units < part->quantity.units)
		part->quantity = units;
	return ERR_OK;
}

/* The rest, of which the book has nothing: found, and gone on with at once. */
static enum err_code beyond_post(struct act *act, const struct fact *fact,
				 struct part part, struct posted *posted,
				 struct err *err)
{
	enum err_code code;

	if (is_outbound(&fact->from) && part.ref.kind != REF_ORDER)
		part.ref = implicit_order(act);
	code = found_post(act, fact, &part, part.quantity, posted, err);
	if (code == ERR_OK)
		code = part_post(act, fact, &part, posted, err);
	return code;
}

/* One pick without an order is one implicit order, however many lots it takes;
 * what leaves PICKED or PACKED has its orders already. */
static struct entry_ref order_of(const struct act *act, const struct fact *fact)
{
	if (fact->ref.kind == REF_NONE && is_outbound(&fact->to) &&
	    !is_outbound(&fact->from))
		return implicit_order(act);
	return fact->ref;
}

/* A pallet is moved in one piece, for its row has what moved last: so what the
 * bin lacks of its units is found first. */
static enum err_code pallet_post(struct act *act, const struct fact *fact,
				 struct posted *posted, struct err *err)
{
	const struct part whole = {fact->lot, order_of(act, fact),
				   fact->quantity};
	UNINITIALIZED struct balance balance;
	struct qty missing = fact->quantity;
	enum err_code code = balance_load(act, fact, &balance, err);

	if (code != ERR_OK)
		return code;
	missing.units -= balance_cell(&balance, fact->from.condition,
				      lot_span(&fact->lot))
				 .units;
	if (missing.units > 0)
		code = found_post(act, fact, &whole, missing, posted, err);
	if (code != ERR_OK)
		return code;
	return part_post(act, fact, &whole, posted, err);
}

/* Takes the fact's units out of a bin, lot by lot, then from `found`. */
static enum err_code bin_parts_post(struct act *act, const struct fact *fact,
				    struct posted *posted, struct err *err)
{
	const struct entry_ref order = order_of(act, fact);
	int64_t left = fact->quantity.units;

	while (left > 0) {
		struct part rest = {fact->lot, order, {left}};
		struct part part = rest;
		enum err_code code = part_choose(act, fact, &part, err);

		if (code == ERR_OK && part.quantity.units == 0)
			return beyond_post(act, fact, rest, posted, err);
		if (code == ERR_OK)
			code = lot_part_post(act, fact, &part, posted, err);
		if (code != ERR_OK)
			return code;
		left -= part.quantity.units;
	}
	return ERR_OK;
}

/* ---- what a fact raises ---- */

static enum err_code late_check(struct act *act, const struct fact *fact,
				const struct side *side, struct err *err)
{
	struct span bin = place_name_span(&side->place.name);
	struct span item = sku_span(&fact->item);
	struct moment accepted;
	enum err_code code;

	if (side->place.kind != PLACE_BIN || act->effective.ms == 0)
		return ERR_OK;
	code = count_accepted(batch_view(act->batch), bin, item, &accepted,
			      err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK || accepted.ms <= act->effective.ms)
		return code;
	return act_count_task(act, bin, item, "late_movement", err);
}

enum err_code post_fact(struct act *act, const struct fact *fact,
			struct posted *ret_posted, struct err *err)
{
	struct posted posted = {.found = {0}};
	struct part whole = {fact->lot, fact->ref, fact->quantity};
	enum err_code code;

	if (fact->from.place.kind != PLACE_BIN)
		code = part_post(act, fact, &whole, &posted, err);
	else if (fact->is_pallet && !is_outbound(&fact->from))
		code = pallet_post(act, fact, &posted, err);
	else
		code = bin_parts_post(act, fact, &posted, err);
	if (code == ERR_OK && posted.found.units > 0)
		code = act_count_task(act,
				      place_name_span(&fact->from.place.name),
				      sku_span(&fact->item), "found", err);
	if (code == ERR_OK)
		code = late_check(act, fact, &fact->from, err);
	if (code == ERR_OK)
		code = late_check(act, fact, &fact->to, err);
	if (code == ERR_OK)
		*ret_posted = posted;
	return code;
}

/* ---- taking back ---- */

/* Units that have gone on from where @fact would take them back. */
static enum err_code gone_on(struct act *act, const struct fact *fact,
			     struct qty *ret_missing, struct err *err)
{
	UNINITIALIZED struct balance balance;
	struct qty stands = fact->quantity;
	int64_t has;
	enum err_code code = balance_load(act, fact, &balance, err);

	if (code == ERR_OK && is_outbound(&fact->from) &&
	    fact->ref.kind == REF_ORDER)
		code = promised(act, fact, ref_span(&fact->ref.text), &stands,
				err);
	if (code != ERR_OK)
		return code;
	has = balance_cell(&balance, fact->from.condition, lot_span(&fact->lot))
		      .units;
	if (stands.units < has)
		has = stands.units;
	ret_missing->units =
		has < fact->quantity.units ? fact->quantity.units - has : 0;
	return ERR_OK;
}

static enum err_code reverse_one(struct act *act, struct pos pos,
				 const struct entry *entry,
				 struct posted *posted, struct err *err)
{
	const struct movement *done = &entry->body.movement;
	struct fact fact = {.kind = MOVEMENT_REVERSE,
			    .item = done->item,
			    .lot = done->lot,
			    .serial = done->serial,
			    .quantity = done->quantity,
			    .from = done->to,
			    .to = done->from,
			    .ref = entry->ref};
	struct part part = {done->lot, entry->ref, done->quantity};
	struct qty missing = {0};
	struct movement movement;
	enum err_code code;
	bool fits;

	/* So a pallet's row goes back with it. */
	memcpy(fact.sscc, done->sscc, sizeof(fact.sscc));
	code = item_find(batch_view(act->batch), sku_span(&done->item),
			 &fact.item_no, err);
	if (code == ERR_OK && fact.from.place.kind == PLACE_BIN)
		code = gone_on(act, &fact, &missing, err);
	if (code == ERR_OK && missing.units > 0)
		code = found_post(act, &fact, &part, missing, posted, err);
	if (code == ERR_OK && missing.units > 0)
		code = act_count_task(act,
				      place_name_span(&fact.from.place.name),
				      sku_span(&fact.item), "found", err);
	if (code != ERR_OK)
		return code;
	if (is_outbound(&fact.to) && part.ref.kind == REF_NONE)
		part.ref = implicit_order(act);
	movement = fact_movement(&fact);
	movement.reverses = pos;
	fits = reason_set(&movement.reason, SPAN_LITERAL("undo"));
	ASSERT(fits);
	return movement_post(act, &movement, &part.ref, posted, err);
}

enum err_code post_reversal(struct act *act, struct pos first, struct pos last,
			    struct posted *ret_posted, struct err *err)
{
	struct posted posted = {.found = {0}};
	enum err_code code;

	ASSERT(first.value != 0 && first.value <= last.value);
	for (uint64_t at = last.value; at >= first.value; at--) {
		struct pos pos = {at};
		struct entry entry;

		code = journal_read(batch_view(act->batch), pos, &entry, err);
		if (code != ERR_OK)
			return code;
		if (entry.kind != ENTRY_MOVEMENT ||
		    entry.body.movement.kind == MOVEMENT_REVERSE)
			continue;
		code = reverse_one(act, pos, &entry, &posted, err);
		if (code != ERR_OK)
			return code;
	}
	if (posted.first.value == 0)
		return ERR_NOT_FOUND;
	*ret_posted = posted;
	return ERR_OK;
}
