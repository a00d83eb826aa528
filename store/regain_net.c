#include "store/regain_net.h"

#include <inttypes.h>
#include <stdlib.h>

#include "rules/base/text.h"
#include "store/balance.h"
#include "store/fold.h"
#include "store/found.h"
#include "store/master.h"
#include "store/promise.h"
#include "store/recount.h"

#define RULE_NAME "succession"
#define POS_TEXT_SIZE 32 /* "16777215.1099511627775" */
#define CELLS_MAX 512    /* what does not fit is adjusted at once */

/* What came back, and a count had seen already. */
struct cell_net {
	struct sku item;
	struct side side;
	struct lot lot;
	struct lot counted_lot; /* as the count named it */
	struct pos count;
	int64_t units;
};

struct netting {
	struct batch *batch;
	size_t count;
	struct cell_net cells[CELLS_MAX];
};

enum err_code netting_open(struct batch *batch, struct netting **ret_netting,
			   struct err *err)
{
	struct netting *netting = malloc(sizeof(*netting));

	if (netting == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	netting->batch = batch;
	netting->count = 0;
	*ret_netting = netting;
	return ERR_OK;
}

void netting_close(struct netting *netting)
{
	free(netting);
}

struct batch *netting_batch(struct netting *netting)
{
	return netting->batch;
}

/* ---- what people saw ---- */

/* When something was said, and in which life. */
struct saying {
	struct pos place;
	struct moment effective;
	bool is_trusted;
};

static bool is_later(const struct saying *saying, struct pos pos,
		     const struct entry *entry)
{
	bool is_trusted = saying->is_trusted &&
			  (entry->clock_flags & ENTRY_EFFECTIVE_TRUSTED) != 0;

	if (pos_epoch(saying->place) > pos_epoch(pos) && !is_trusted)
		return true;
	return saying->effective.ms > entry->effective.ms;
}

static bool is_for_orders(const struct side *side)
{
	return side->condition == CONDITION_GOOD &&
	       (place_is_bin(&side->place, BIN_PICKED) ||
		place_is_bin(&side->place, BIN_PACKED));
}

enum sight {
	SIGHT_NONE,
	SIGHT_COUNTED,
	SIGHT_DOUBTFUL, /* a count saw it, or did not */
};

struct seen {
	const struct view *view;
	struct pos pos;
	const struct entry *entry;
	const struct side *side;
	struct count_record count;
	bool is_found;
};

/* The last count that names @lot, if it is later and of that condition. */
static enum err_code count_look(struct seen *seen, struct span lot,
				struct err *err)
{
	const struct movement *movement = &seen->entry->body.movement;
	struct count_record record;
	struct saying saying;
	enum err_code code =
		count_get(seen->view, place_name_span(&seen->side->place.name),
			  sku_span(&movement->item), lot, &record, err);

	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	saying = (struct saying){record.place, record.effective,
				 record.is_trusted};
	if (record.count.verdict != COUNT_ACCEPTED ||
	    record.count.condition != seen->side->condition ||
	    !is_later(&saying, seen->pos, seen->entry))
		return ERR_OK;
	seen->count = record;
	seen->is_found = true;
	return ERR_OK;
}

static enum err_code side_look(struct seen *seen, enum sight *ret_sight,
			       struct err *err)
{
	const struct movement *movement = &seen->entry->body.movement;
	const struct span all = {"", 0};
	struct moment accepted;
	enum err_code code = ERR_OK;

	*ret_sight = SIGHT_NONE;
	if (seen->side->place.kind != PLACE_BIN)
		return ERR_OK;
	code = count_look(seen, lot_span(&movement->lot), err);
	if (code == ERR_OK && !seen->is_found && movement->lot.size > 0)
		code = count_look(seen, all, err);
	if (code != ERR_OK)
		return code;
	if (seen->is_found) {
		*ret_sight = is_for_orders(seen->side) ? SIGHT_DOUBTFUL
						       : SIGHT_COUNTED;
		return ERR_OK;
	}
	code = count_accepted(seen->view,
			      place_name_span(&seen->side->place.name),
			      sku_span(&movement->item), &accepted, err);
	if (code == ERR_OK && accepted.ms > seen->entry->effective.ms)
		*ret_sight = SIGHT_DOUBTFUL;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* ---- units ---- */

/* That stand on @side, of one lot. */
static enum err_code held_of(const struct view *view, const struct sku *sku,
			     const struct side *side, struct span lot,
			     int64_t *ret_units, struct err *err)
{
	UNINITIALIZED struct balance balance;
	struct item_no item;
	struct place_no place;
	enum err_code code = item_find(view, sku_span(sku), &item, err);

	*ret_units = 0;
	if (code == ERR_OK)
		code = place_find(view, &side->place, &place, err);
	if (code == ERR_OK)
		code = balance_get(view, item, place, &balance, err);
	if (code == ERR_OK)
		*ret_units = balance_cell(&balance, side->condition, lot).units;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* The units among them that @entry may take: those of its order, if it names
 * one and they stand there for one. */
static enum err_code promised_of(const struct view *view,
				 const struct entry *entry, int64_t *units,
				 struct err *err)
{
	const struct movement *movement = &entry->body.movement;
	struct promise_change change = promise_change_of(movement);
	struct promise promise = {.picked = {0}};
	struct item_no item;
	int64_t promised;
	enum err_code code;

	if (entry->ref.kind != REF_ORDER ||
	    (change.picked.units >= 0 && change.packed.units >= 0))
		return ERR_OK;
	code = item_find(view, sku_span(&movement->item), &item, err);
	if (code == ERR_OK)
		code = promise_get(view, item, ref_span(&entry->ref.text),
				   &promise, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	promised = change.picked.units < 0 ? promise.picked.units
					   : promise.packed.units;
	if (promised < *units)
		*units = promised;
	return ERR_OK;
}

/* ---- movements of ours ---- */

static struct entry movement_make(enum movement_kind kind,
				  const struct sku *item, const struct lot *lot,
				  int64_t units)
{
	struct entry entry;
	struct movement *movement = &entry.body.movement;
	bool fits;

	entry_init(&entry, ENTRY_MOVEMENT);
	*movement = (struct movement){
		.kind = kind, .item = *item, .lot = *lot, .quantity = {units}};
	entry.actor.kind = ACTOR_RULE;
	fits = name_set(&entry.actor.name, SPAN_LITERAL(RULE_NAME)) &&
	       reason_set(&movement->reason, SPAN_LITERAL(RULE_NAME));
	ASSERT(fits);
	return entry;
}

/* In the name of a count: @units come to the bin, or leave it (below 0). */
static enum err_code adjust(struct netting *netting,
			    const struct cell_net *cell, const struct lot *lot,
			    int64_t units, struct err *err)
{
	struct side found = {place_of(PLACE_FOUND), CONDITION_NONE};
	struct side loss = {place_of(PLACE_LOSS), CONDITION_NONE};
	char name[POS_TEXT_SIZE];
	enum err_code code = ERR_OK;
	bool is_more = units > 0;
	bool fits;

	fits = text_format(name, sizeof(name), "%" PRIu32 ".%" PRIu64,
			   pos_epoch(cell->count), pos_number(cell->count));
	ASSERT(fits);
	while (units != 0 && code == ERR_OK) {
		int64_t part = is_more ? units : -units;
		struct entry entry;

		if (part > QTY_MOVE_MAX)
			part = QTY_MOVE_MAX;
		entry = movement_make(MOVEMENT_COUNT_ADJUST, &cell->item, lot,
				      part);
		entry.body.movement.from = is_more ? found : cell->side;
		entry.body.movement.to = is_more ? cell->side : loss;
		entry.ref.kind = REF_COUNT;
		fits = ref_set(&entry.ref.text, span_of(name));
		ASSERT(fits);
		code = batch_post(netting->batch, &entry, NULL, err);
		units += is_more ? -part : part;
	}
	return code;
}

/* ---- counted ---- */

/* As much of @units as stand there of @lot; what is left of them. */
static enum err_code take_back(struct netting *netting,
			       const struct cell_net *cell,
			       const struct lot *lot, int64_t *units,
			       struct err *err)
{
	int64_t held;
	enum err_code code = held_of(batch_view(netting->batch), &cell->item,
				     &cell->side, lot_span(lot), &held, err);

	if (held > *units)
		held = *units;
	*units -= held;
	return code == ERR_OK ? adjust(netting, cell, lot, -held, err) : code;
}

/* Of a count without a lot, the units that it found stand without one. */
static enum err_code cell_settle(struct netting *netting,
				 const struct cell_net *cell, struct err *err)
{
	int64_t units = cell->units;
	enum err_code code;

	if (units <= 0)
		return adjust(netting, cell, &cell->counted_lot, -units, err);
	code = take_back(netting, cell, &cell->counted_lot, &units, err);
	if (code == ERR_OK && units > 0)
		code = take_back(netting, cell, &cell->lot, &units, err);
	if (code == ERR_OK && units > 0)
		code = recount_post_bin(netting->batch,
					place_name_span(&cell->side.place.name),
					sku_span(&cell->item), err);
	return code;
}

enum err_code netting_finish(struct netting *netting, struct err *err)
{
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < netting->count && code == ERR_OK; i++)
		code = cell_settle(netting, &netting->cells[i], err);
	netting->count = 0;
	return code;
}

static struct cell_net *cell_find(struct netting *netting,
				  const struct seen *seen)
{
	const struct movement *movement = &seen->entry->body.movement;

	for (size_t i = 0; i < netting->count; i++) {
		struct cell_net *cell = &netting->cells[i];

		if (cell->count.value == seen->count.pos.value &&
		    cell->side.condition == seen->side->condition &&
		    place_equal(&cell->side.place, &seen->side->place) &&
		    span_equal(lot_span(&cell->lot),
			       lot_span(&movement->lot)) &&
		    span_equal(sku_span(&cell->item),
			       sku_span(&movement->item)))
			return cell;
	}
	return NULL;
}

/* @units came to where the count of @seen saw them already, or left. */
static enum err_code cell_add(struct netting *netting, const struct seen *seen,
			      int64_t units, struct err *err)
{
	const struct movement *movement = &seen->entry->body.movement;
	struct cell_net *cell = cell_find(netting, seen);
	enum err_code code = ERR_OK;

	if (cell == NULL && netting->count == CELLS_MAX)
		code = netting_finish(netting, err);
	if (code != ERR_OK)
		return code;
	if (cell == NULL) {
		cell = &netting->cells[netting->count++];
		*cell = (struct cell_net){.item = movement->item,
					  .side = *seen->side,
					  .lot = movement->lot,
					  .counted_lot = seen->count.count.lot,
					  .count = seen->count.pos};
	}
	if (__builtin_add_overflow(cell->units, units, &cell->units))
		return err_set(err, ERR_OVERFLOW, "more than 2^63 units");
	return ERR_OK;
}

static enum err_code doubt(struct netting *netting, const struct seen *seen,
			   struct err *err)
{
	return recount_post_bin(netting->batch,
				place_name_span(&seen->side->place.name),
				sku_span(&seen->entry->body.movement.item),
				err);
}

/* ---- before ---- */

/*
 * People have taken since what a movement took that comes back now. It is a
 * fact all the same, no bin is below zero, and no order has less than nothing:
 * what is missing was found, for the order if it was taken for one.
 */
static enum err_code found_post(struct netting *netting,
				const struct entry *entry, int64_t missing,
				struct err *err)
{
	const struct movement *movement = &entry->body.movement;
	struct entry more = movement_make(MOVEMENT_FOUND, &movement->item,
					  &movement->lot, missing);

	more.body.movement.from =
		(struct side){place_of(PLACE_FOUND), CONDITION_NONE};
	more.body.movement.to = movement->from;
	if (entry->ref.kind == REF_ORDER)
		more.ref = entry->ref;
	return batch_post(netting->batch, &more, NULL, err);
}

static enum err_code missing_fill(struct netting *netting,
				  const struct seen *seen, enum sight sight,
				  struct err *err)
{
	const struct movement *movement = &seen->entry->body.movement;
	struct cell_net cell = {.item = movement->item,
				.side = movement->from,
				.count = seen->count.pos};
	int64_t units = movement->quantity.units;
	int64_t held;
	enum err_code code =
		held_of(seen->view, &movement->item, &movement->from,
			lot_span(&movement->lot), &held, err);

	if (code == ERR_OK)
		code = promised_of(seen->view, seen->entry, &held, err);
	if (code == ERR_OK && sight == SIGHT_COUNTED)
		code = cell_add(netting, seen, held < units ? -held : -units,
				err);
	if (code != ERR_OK || held >= units)
		return code;
	if (sight == SIGHT_COUNTED)
		return adjust(netting, &cell, &movement->lot, units - held,
			      err);
	return found_post(netting, seen->entry, units - held, err);
}

enum err_code netting_before(struct netting *netting, struct pos pos,
			     const struct entry *entry, struct err *err)
{
	struct seen seen = {.view = batch_view(netting->batch),
			    .pos = pos,
			    .entry = entry,
			    .side = &entry->body.movement.from};
	enum sight sight;
	enum err_code code = side_look(&seen, &sight, err);

	if (code != ERR_OK || seen.side->place.kind != PLACE_BIN)
		return code;
	code = missing_fill(netting, &seen, sight, err);
	if (code == ERR_OK && sight == SIGHT_DOUBTFUL)
		code = doubt(netting, &seen, err);
	return code;
}

/* ---- after ---- */

/* The book has now what was found for want of it. */
static enum err_code found_return(struct netting *netting,
				  const struct seen *seen, struct err *err)
{
	const struct movement *movement = &seen->entry->body.movement;
	const struct entry_ref *ref = &seen->entry->ref;
	struct span order = ref->kind == REF_ORDER ? ref_span(&ref->text)
						   : (struct span){"", 0};
	int64_t units = movement->quantity.units;
	struct found_record found;
	struct saying saying;
	struct entry back;
	enum err_code code = found_get(seen->view, sku_span(&movement->item),
				       seen->side, order, &found, err);

	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	saying =
		(struct saying){found.place, found.effective, found.is_trusted};
	if (!is_later(&saying, seen->pos, seen->entry))
		return ERR_OK;
	back = movement_make(MOVEMENT_REVERSE, &movement->item, &movement->lot,
			     found.units < units ? found.units : units);
	back.body.movement.from = *seen->side;
	back.body.movement.to =
		(struct side){place_of(PLACE_FOUND), CONDITION_NONE};
	back.body.movement.reverses = found.pos;
	if (ref->kind == REF_ORDER)
		back.ref = *ref;
	return batch_post(netting->batch, &back, NULL, err);
}

enum err_code netting_after(struct netting *netting, struct pos pos,
			    const struct entry *entry, struct err *err)
{
	struct seen seen = {.view = batch_view(netting->batch),
			    .pos = pos,
			    .entry = entry,
			    .side = &entry->body.movement.to};
	enum sight sight;
	enum err_code code = side_look(&seen, &sight, err);

	if (code != ERR_OK || seen.side->place.kind != PLACE_BIN)
		return code;
	if (sight == SIGHT_COUNTED)
		return cell_add(netting, &seen,
				entry->body.movement.quantity.units, err);
	code = found_return(netting, &seen, err);
	if (code == ERR_OK && sight == SIGHT_DOUBTFUL)
		code = doubt(netting, &seen, err);
	return code;
}
