#include "rules/ledger/transfer.h"

#include <inttypes.h>

/* ---- names ---- */

/* Digits without a leading zero, up to @after or the end; takes both. */
static bool number_take(struct span *text, char after, uint64_t max,
			uint64_t *ret_number)
{
	struct span digits = {text->data, 0};

	while (digits.size < text->size && text->data[digits.size] != after)
		digits.size++;
	if (digits.size == 0 || digits.data[0] == '0' ||
	    !span_to_u64(digits, max, ret_number))
		return false;
	text->data += digits.size;
	text->size -= digits.size;
	if (after != '\0') {
		if (text->size == 0)
			return false;
		text->data++;
		text->size--;
	}
	return true;
}

bool transfer_id_parse(struct span text, struct transfer_id *ret_id)
{
	struct transfer_id id;
	uint64_t from;
	uint64_t to;

	if (!number_take(&text, '-', UINT32_MAX, &from) ||
	    !number_take(&text, '-', UINT32_MAX, &to) ||
	    !number_take(&text, '\0', TRANSFER_NUMBER_MAX, &id.number) ||
	    text.size > 0)
		return false;
	id.from = (uint32_t)from;
	id.to = (uint32_t)to;
	if (id.from < TRANSFER_SITE_FIRST || id.to < TRANSFER_SITE_FIRST ||
	    id.from == id.to)
		return false;
	*ret_id = id;
	return true;
}

void transfer_id_print(const struct transfer_id *id,
		       char buffer[TRANSFER_ID_PRINT_SIZE])
{
	bool fits = text_format(buffer, TRANSFER_ID_PRINT_SIZE,
				"%" PRIu32 "-%" PRIu32 "-%" PRIu64, id->from,
				id->to, id->number);

	ASSERT(fits);
}

const struct place *transfer_place(const struct movement *movement)
{
	if (movement->from.place.kind == PLACE_TRANSIT)
		return &movement->from.place;
	if (movement->to.place.kind == PLACE_TRANSIT)
		return &movement->to.place;
	return NULL;
}

/* ---- what a movement says of a transfer ---- */

/* By the other side of the way, seen from the transit place. */
static int64_t *sum_of(uint32_t site, const struct side *other,
		       struct transfer_sums *sums, enum transfer_side *ret_side)
{
	*ret_side = TRANSFER_ADDRESSEE;
	if (other->place.kind == PLACE_FOUND)
		return &sums->surplus;
	if (other->place.kind == PLACE_LOSS) {
		if (site != TRANSFER_SITE_CONTROL)
			return &sums->claimed;
		*ret_side = TRANSFER_HQ;
		return &sums->lost;
	}
	return other->condition == CONDITION_DAMAGED ? &sums->damaged
						     : &sums->good;
}

bool transfer_effect(uint32_t site, const struct movement *movement,
		     enum transfer_side *ret_side,
		     struct transfer_sums *ret_sums)
{
	bool is_out = movement->from.place.kind == PLACE_TRANSIT;
	bool is_reverse = movement->kind == MOVEMENT_REVERSE;
	const struct side *other = is_out ? &movement->to : &movement->from;
	struct transfer_sums sums = {.shipped = 0};
	int64_t units = movement->quantity.units;

	if (is_out == (movement->to.place.kind == PLACE_TRANSIT))
		return false;
	if (is_reverse)
		units = -units;
	/* Into transit from a bin, and back: the one thing the sender says. */
	if (other->place.kind == PLACE_BIN && is_out == is_reverse) {
		*ret_side = TRANSFER_SENDER;
		sums.shipped = units;
	} else {
		*sum_of(site, other, &sums, ret_side) = units;
	}
	*ret_sums = sums;
	return true;
}

static bool side_is(uint32_t site, const struct transfer_id *id,
		    enum transfer_side side)
{
	switch (side) {
	case TRANSFER_SENDER:
		return site == id->from;
	case TRANSFER_ADDRESSEE:
		return site == id->to;
	case TRANSFER_HQ:
		return site == TRANSFER_SITE_CONTROL;
	}
	return false;
}

/* HQ's feeds hold no goods: a transit place of theirs is none. */
static bool is_site(uint32_t site)
{
	return site == 0 || site >= TRANSFER_SITE_FIRST;
}

bool transfer_has_authority(uint32_t site, const struct movement *movement)
{
	const struct place *place = transfer_place(movement);
	struct transfer_sums sums;
	enum transfer_side side;
	struct transfer_id id;

	if (place == NULL)
		return true;
	if (!transfer_effect(site, movement, &side, &sums))
		return false;
	if (!transfer_id_parse(place_name_span(&place->name), &id))
		return is_site(site);
	return site == 0 || side_is(site, &id, side);
}

enum transfer_side transfer_side_of(uint32_t site, struct span text)
{
	struct transfer_id id;

	if (site == TRANSFER_SITE_CONTROL)
		return TRANSFER_HQ;
	if (site == 0 || !transfer_id_parse(text, &id) || site == id.from)
		return TRANSFER_SENDER;
	return site == id.to ? TRANSFER_ADDRESSEE : (enum transfer_side)0;
}

static bool state_is_said_by(enum transfer_state state, enum transfer_side side)
{
	switch (state) {
	case TRANSFER_CREATED:
	case TRANSFER_SHIPPED:
	case TRANSFER_CANCELLED:
		return side == TRANSFER_SENDER;
	case TRANSFER_RECEIVING:
	case TRANSFER_RECEIVED:
		return side == TRANSFER_ADDRESSEE;
	case TRANSFER_CLOSED:
		return side == TRANSFER_SENDER || side == TRANSFER_ADDRESSEE;
	case TRANSFER_LOST:
		return side == TRANSFER_HQ;
	}
	return false;
}

bool transfer_entry_has_authority(uint32_t site, const struct entry *entry)
{
	const struct transfer *transfer = &entry->body.transfer;
	struct span id;

	if (entry->kind != ENTRY_TRANSFER && entry->kind != ENTRY_CLAIM)
		return true;
	if (site == 0)
		return true;
	if (entry->kind == ENTRY_CLAIM) {
		id = place_name_span(&entry->body.claim.transfer);
		return site >= TRANSFER_SITE_FIRST &&
		       transfer_side_of(site, id) != 0;
	}
	id = place_name_span(&transfer->id);
	return state_is_said_by(transfer->state, transfer_side_of(site, id));
}

/* ---- the law ---- */

bool transfer_sums_add(struct transfer_sums *sums,
		       const struct transfer_sums *more)
{
	struct transfer_sums sum;

	if (__builtin_add_overflow(sums->shipped, more->shipped,
				   &sum.shipped) ||
	    __builtin_add_overflow(sums->surplus, more->surplus,
				   &sum.surplus) ||
	    __builtin_add_overflow(sums->good, more->good, &sum.good) ||
	    __builtin_add_overflow(sums->damaged, more->damaged,
				   &sum.damaged) ||
	    __builtin_add_overflow(sums->claimed, more->claimed,
				   &sum.claimed) ||
	    __builtin_add_overflow(sums->lost, more->lost, &sum.lost))
		return false;
	*sums = sum;
	return true;
}

bool transfer_sums_are_zero(const struct transfer_sums *sums)
{
	return sums->shipped == 0 && sums->surplus == 0 && sums->good == 0 &&
	       sums->damaged == 0 && sums->claimed == 0 && sums->lost == 0;
}

bool transfer_in_transit(const struct transfer_sums *sums, int64_t *ret_units)
{
	int64_t units;

	/* Taken in turns, so that sound sums do not overflow on the way. */
	if (__builtin_sub_overflow(sums->shipped, sums->good, &units) ||
	    __builtin_sub_overflow(units, sums->damaged, &units) ||
	    __builtin_add_overflow(units, sums->surplus, &units) ||
	    __builtin_sub_overflow(units, sums->claimed, &units) ||
	    __builtin_sub_overflow(units, sums->lost, &units))
		return false;
	*ret_units = units;
	return true;
}

bool transfer_is_shipped(const struct transfer_states *states)
{
	return states->sender == TRANSFER_SHIPPED ||
	       states->sender == TRANSFER_CLOSED;
}

bool transfer_list_is_whole(const struct transfer_states *states)
{
	return transfer_is_shipped(states) ||
	       states->sender == TRANSFER_CANCELLED;
}

static bool is_received(const struct transfer_states *states)
{
	return states->addressee == TRANSFER_RECEIVED ||
	       states->addressee == TRANSFER_CLOSED;
}

bool transfer_reopens(const struct transfer_states *states, struct pos said,
		      struct pos answered)
{
	if (states->sender == TRANSFER_CLOSED)
		return false;
	return (states->hq == TRANSFER_LOST &&
		states->sender != TRANSFER_CANCELLED) ||
	       (is_received(states) && answered.value != said.value);
}

bool transfer_is_closed(const struct transfer_states *states)
{
	if (states->is_reopened)
		return false;
	return (states->sender == TRANSFER_CANCELLED &&
		states->addressee != TRANSFER_RECEIVING) ||
	       states->hq == TRANSFER_LOST ||
	       (transfer_is_shipped(states) && is_received(states));
}

static bool sums_are_sound(const struct transfer_sums *sums)
{
	return sums->shipped >= 0 && sums->surplus >= 0 && sums->good >= 0 &&
	       sums->damaged >= 0 && sums->claimed >= 0 && sums->lost >= 0;
}

enum transfer_verdict transfer_judge(const struct transfer_sums *sums,
				     bool is_closed, int64_t *ret_units)
{
	*ret_units = 0;
	if (!sums_are_sound(sums) || !transfer_in_transit(sums, ret_units))
		return TRANSFER_UNSOUND;
	if (*ret_units == 0)
		return TRANSFER_BALANCED;
	if (is_closed)
		return TRANSFER_RESIDUE;
	return *ret_units < 0 ? TRANSFER_RECEIVED_BEFORE_SHIPPED
			      : TRANSFER_UNDER_WAY;
}

const char *transfer_verdict_name(enum transfer_verdict verdict)
{
	static const char *const names[] = {
		[TRANSFER_BALANCED] = "balanced",
		[TRANSFER_UNDER_WAY] = "under_way",
		[TRANSFER_RECEIVED_BEFORE_SHIPPED] = "received_before_shipped",
		[TRANSFER_RESIDUE] = "residue",
		[TRANSFER_UNSOUND] = "unsound",
	};

	ASSERT((size_t)verdict < ARRAY_LEN(names));
	return names[verdict];
}

/* ---- closing ---- */

bool transfer_close_lost(struct span id, const struct transfer_sums *sums,
			 struct movement *ret_movement)
{
	struct movement movement = {.kind = MOVEMENT_TRANSFER_ADJUST};
	struct place transit = {.kind = PLACE_TRANSIT};
	int64_t units;
	bool fits = place_name_set(&transit.name, id);

	ASSERT(fits);
	if (!transfer_in_transit(sums, &units) || units == 0)
		return false;
	if (units > 0) {
		movement.from.place = transit;
		movement.to.place = place_of(PLACE_LOSS);
	} else {
		movement.from.place = place_of(PLACE_FOUND);
		movement.to.place = transit;
	}
	movement.quantity.units = units < 0 ? -units : units;
	*ret_movement = movement;
	return true;
}
