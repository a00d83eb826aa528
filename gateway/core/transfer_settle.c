/*
 * The end of a transfer at its addressee: claims.
 */
#include <inttypes.h>
#include <string.h>

#include "gateway/core/transfer.h"
#include "gateway/core/transfer_turn.h"
#include "store/balance.h"

/* ---- what is left ---- */

/* What peers say may come to more than int64 holds: then it is the most. */
static void most_add(int64_t *sum, int64_t more)
{
	if (__builtin_add_overflow(*sum, more, sum))
		*sum = INT64_MAX;
}

static enum err_code rest_add(void *context, const struct sku *item,
			      const struct transfer_sums *sums, struct err *err)
{
	struct transfer_rest *rest = context;
	int64_t units;

	(void)err;
	if (!transfer_in_transit(sums, &units) || units == 0)
		return ERR_OK;
	if (rest->items++ == 0) {
		rest->first = *item;
		rest->units = units;
	}
	if (units > 0)
		most_add(&rest->missing, units);
	else
		most_add(&rest->surplus,
			 units == INT64_MIN ? INT64_MAX : -units);
	return ERR_OK;
}

enum err_code transfer_rest_of(const struct view *view, struct span id,
			       struct transfer_rest *ret_rest, struct err *err)
{
	struct transfer_rest rest = {.items = 0};
	enum err_code code = transfer_items(view, id, rest_add, &rest, err);

	if (code == ERR_OK)
		*ret_rest = rest;
	return code;
}

/* ---- claims ---- */

static enum err_code claim_count(void *context,
				 const struct transfer_claim *claim,
				 enum transfer_side side, struct err *err)
{
	uint64_t *count = context;

	(void)claim, (void)err;
	*count += side == TRANSFER_ADDRESSEE;
	return ERR_OK;
}

enum err_code transfer_claim_open(struct act *act, struct transfer_claim *claim,
				  struct err *err)
{
	struct span id = place_name_span(&claim->transfer);
	struct entry entry;
	char text[REF_SIZE_MAX + 1];
	uint64_t count = 0;
	enum err_code code = transfer_claims(batch_view(act->batch), id,
					     claim_count, &count, err);
	bool fits;

	if (code != ERR_OK)
		return code;
	fits = text_format(text, sizeof(text), "%.*s-c%" PRIu64, (int)id.size,
			   id.data, count + 1) &&
	       ref_set(&claim->id, span_of(text));
	ASSERT(fits);
	claim->state = CLAIM_OPEN;
	act_entry(act, &entry, ENTRY_CLAIM);
	entry.body.claim = *claim;
	return act_post(act, &entry, NULL, err);
}

/* ---- settling ---- */

struct settling {
	struct act *act;
	struct span id;
	enum claim_party party;
	/* The next item of which something is in transit. */
	struct sku item;
	struct transfer_sums sums;
	bool is_found;
	/* The lot of it that differs most that way. */
	struct transfer_line lot;
	int64_t lot_units;
};

static enum err_code open_look(void *context, const struct sku *item,
			       const struct transfer_sums *sums,
			       struct err *err)
{
	struct settling *settling = context;
	int64_t units;

	(void)err;
	if (!transfer_in_transit(sums, &units) || units == 0)
		return ERR_OK;
	settling->item = *item;
	settling->sums = *sums;
	settling->is_found = true;
	return ERR_STOPPED;
}

/* The largest line of the item, for the lot that a claim names. */
static enum err_code lot_look(void *context, const struct transfer_line *line,
			      struct err *err)
{
	struct settling *settling = context;
	struct transfer_line other = *line;
	int64_t units = INT64_MAX;
	enum err_code code;

	other.side = line->side == TRANSFER_SENDER ? TRANSFER_ADDRESSEE
						   : TRANSFER_SENDER;
	code = transfer_line_find(batch_view(settling->act->batch),
				  settling->id, &other, err);
	if (code != ERR_OK)
		return code;
	if (transfer_sums_add(&other.sums, &line->sums) &&
	    !transfer_in_transit(&other.sums, &units))
		units = INT64_MAX;
	if (units < 0)
		units = units == INT64_MIN ? INT64_MAX : -units;
	if (units > settling->lot_units) {
		settling->lot_units = units;
		settling->lot = *line;
	}
	return ERR_OK;
}

static enum err_code movement_post(struct settling *settling,
				   const struct movement *movement,
				   const struct transfer_claim *claim,
				   struct err *err)
{
	struct entry entry;

	act_entry(settling->act, &entry, ENTRY_MOVEMENT);
	entry.body.movement = *movement;
	entry.ref.kind = REF_CLAIM;
	entry.ref.text = claim->id;
	return act_post(settling->act, &entry, NULL, err);
}

/* Nobody sells what somebody may want back. As far as it still lies where it
 * came in; beyond that the claim has to do. */
static enum err_code surplus_hold(struct settling *settling,
				  const struct transfer_claim *claim,
				  struct err *err)
{
	const struct view *view = batch_view(settling->act->batch);
	struct movement movement = {.kind = MOVEMENT_HOLD,
				    .item = claim->item,
				    .lot = claim->lot,
				    .quantity = {claim->quantity},
				    .reason = claim->reason};
	UNINITIALIZED struct balance balance;
	struct place_no place;
	struct item_no item;
	struct qty here;
	enum err_code code;

	movement.from.place = place_bin(SPAN_LITERAL(BIN_DOCK));
	movement.from.condition = CONDITION_GOOD;
	movement.to = movement.from;
	movement.to.condition = CONDITION_ON_HOLD;
	code = place_find(view, &movement.from.place, &place, err);
	if (code == ERR_OK)
		code = item_find(view, sku_span(&claim->item), &item, err);
	if (code == ERR_OK)
		code = balance_get(view, item, place, &balance, err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	here = balance_cell(&balance, CONDITION_GOOD, lot_span(&claim->lot));
	if (here.units < claim->quantity)
		movement.quantity = here;
	if (movement.quantity.units <= 0)
		return ERR_OK;
	return movement_post(settling, &movement, claim, err);
}

/* Claims what is in transit of the item that was found, and takes it out of
 * transit, or puts in what was not sent: as much as one movement carries, and
 * the rest is found again. */
static enum err_code item_settle(struct settling *settling, struct err *err)
{
	struct transfer_claim claim = {.party = settling->party,
				       .item = settling->item};
	struct movement movement;
	enum err_code code = ERR_OK;
	bool fits;

	settling->lot_units = 0;
	settling->lot.lot.size = 0;
	for (int side = TRANSFER_SENDER;
	     side <= TRANSFER_ADDRESSEE && code == ERR_OK; side++)
		code = transfer_lines(batch_view(settling->act->batch),
				      settling->id, (enum transfer_side)side,
				      sku_span(&settling->item), lot_look,
				      settling, err);
	if (code != ERR_OK ||
	    !transfer_close_lost(settling->id, &settling->sums, &movement))
		return code;
	if (movement.quantity.units > QTY_MOVE_MAX)
		movement.quantity.units = QTY_MOVE_MAX;
	claim.kind = movement.to.place.kind == PLACE_LOSS ? CLAIM_MISSING
							  : CLAIM_SURPLUS;
	claim.lot = settling->lot.lot;
	claim.quantity = movement.quantity.units;
	fits = place_name_set(&claim.transfer, settling->id) &&
	       reason_set(&claim.reason, claim.kind == CLAIM_MISSING
						 ? SPAN_LITERAL("missing")
						 : SPAN_LITERAL("surplus"));
	ASSERT(fits);
	movement.item = claim.item;
	movement.reason = claim.reason;
	code = transfer_claim_open(settling->act, &claim, err);
	if (code == ERR_OK)
		code = movement_post(settling, &movement, &claim, err);
	if (code == ERR_OK && claim.kind == CLAIM_SURPLUS)
		code = surplus_hold(settling, &claim, err);
	return code;
}

/* ---- what came damaged ---- */

struct damages {
	struct transfer_claim rows[8];
	size_t count;
	struct span after; /* item, to go on behind */
	struct sku last;
	struct span id;
};

static enum err_code damage_look(void *context, const struct sku *item,
				 const struct transfer_sums *sums,
				 struct err *err)
{
	struct damages *damages = context;

	(void)err;
	if (sums->damaged <= 0 ||
	    span_compare(sku_span(item), sku_span(&damages->last)) <= 0)
		return ERR_OK;
	if (damages->count == ARRAY_LEN(damages->rows))
		return ERR_OK;
	damages->rows[damages->count++] =
		(struct transfer_claim){.item = *item,
					.quantity = sums->damaged,
					.kind = CLAIM_DAMAGED};
	return ERR_OK;
}

static enum err_code damaged_sum(void *context,
				 const struct transfer_claim *claim,
				 enum transfer_side side, struct err *err)
{
	struct transfer_claim *about = context;

	(void)err;
	if (side == TRANSFER_ADDRESSEE && claim->kind == CLAIM_DAMAGED &&
	    claim->state != CLAIM_WITHDRAWN &&
	    span_equal(sku_span(&claim->item), sku_span(&about->item)))
		about->quantity -= claim->quantity;
	return ERR_OK;
}

/* Of what came damaged, what was not claimed yet. */
static enum err_code damage_claim(struct settling *settling,
				  struct transfer_claim *claim, struct err *err)
{
	enum err_code code =
		transfer_claims(batch_view(settling->act->batch), settling->id,
				damaged_sum, claim, err);
	bool fits = place_name_set(&claim->transfer, settling->id) &&
		    reason_set(&claim->reason, SPAN_LITERAL("damaged"));

	ASSERT(fits);
	claim->party = settling->party;
	if (code != ERR_OK || claim->quantity <= 0)
		return code;
	return transfer_claim_open(settling->act, claim, err);
}

static enum err_code damages_settle(struct settling *settling, struct err *err)
{
	struct damages damages = {.id = settling->id};
	enum err_code code = ERR_OK;

	do {
		damages.count = 0;
		code = transfer_items(batch_view(settling->act->batch),
				      settling->id, damage_look, &damages, err);
		for (size_t i = 0; i < damages.count && code == ERR_OK; i++) {
			damages.last = damages.rows[i].item;
			code = damage_claim(settling, &damages.rows[i], err);
		}
	} while (code == ERR_OK && damages.count == ARRAY_LEN(damages.rows));
	return code;
}

enum err_code transfer_settle(struct act *act, struct span id,
			      enum claim_party party, struct err *err)
{
	struct settling settling = {.act = act, .id = id, .party = party};
	const struct transfer_saying done = {.state = TRANSFER_RECEIVED};
	enum err_code code = transfer_turn_begin(act, id, err);

	if (code == ERR_OK)
		code = damages_settle(&settling, err);
	/* One after another: each changes the table that it was found in. */
	while (code == ERR_OK) {
		settling.is_found = false;
		code = transfer_items(batch_view(act->batch), id, open_look,
				      &settling, err);
		if (code == ERR_STOPPED && settling.is_found)
			code = item_settle(&settling, err);
		if (!settling.is_found)
			break;
	}
	if (code == ERR_OK)
		code = transfer_say(act, id, &done, err);
	return code;
}

/* ---- written off by HQ ---- */

struct writing_off {
	struct span id;
	struct span reason;
	transfer_entry_fn *visit;
	void *context;
};

static enum err_code item_write_off(void *context, const struct sku *item,
				    const struct transfer_sums *sums,
				    struct err *err)
{
	struct writing_off *off = context;
	struct entry entry;
	struct movement *movement = &entry.body.movement;
	bool is_all;
	bool fits;
	enum err_code code;

	entry_init(&entry, ENTRY_MOVEMENT);
	/* More than was sent is no loss: that is its addressee's to say. */
	if (!transfer_close_lost(off->id, sums, movement) ||
	    movement->to.place.kind != PLACE_LOSS)
		return ERR_OK;
	is_all = movement->quantity.units <= QTY_MOVE_MAX;
	if (!is_all)
		movement->quantity.units = QTY_MOVE_MAX;
	movement->item = *item;
	entry.ref.kind = REF_TRANSFER;
	fits = reason_set(&movement->reason, off->reason) &&
	       ref_set(&entry.ref.text, off->id);
	ASSERT(fits);
	code = off->visit(off->context, &entry, err);
	return code == ERR_OK && !is_all ? ERR_STOPPED : code;
}

enum err_code transfer_write_off(const struct view *view, struct span id,
				 struct span reason, transfer_entry_fn *visit,
				 void *context, struct err *err)
{
	struct writing_off off = {id, reason, visit, context};
	struct transfer_record record;
	struct transfer_id parts;
	struct entry entry;
	enum err_code code = transfer_get(view, id, &record, err);

	if (code == ERR_OK && !transfer_id_parse(id, &parts))
		return ERR_NOT_FOUND; /* a site's own affair */
	if (code == ERR_OK)
		code = transfer_items(view, id, item_write_off, &off, err);
	if (code != ERR_OK)
		return code;
	entry_init(&entry, ENTRY_TRANSFER);
	entry.body.transfer.id = record.id;
	entry.body.transfer.state = TRANSFER_LOST;
	entry.body.transfer.from_site = parts.from;
	entry.body.transfer.to_site = parts.to;
	if (!reason_set(&entry.body.transfer.reason, reason))
		return ERR_INVALID; /* the caller has measured it */
	return visit(context, &entry, err);
}
