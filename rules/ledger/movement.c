#include "rules/ledger/movement.h"

#include "rules/base/datetime.h"

#define KIND(kind) (1u << (kind))
#define ANY_PLACE                                                       \
	(KIND(PLACE_BIN) | KIND(PLACE_TRANSIT) | KIND(PLACE_SUPPLIER) | \
	 KIND(PLACE_CUSTOMER) | KIND(PLACE_LOSS) | KIND(PLACE_FOUND) |  \
	 KIND(PLACE_SCRAP) | KIND(PLACE_MADE))

/* What happens to the condition on a way between two bins. */
enum change {
	CHANGE_NEVER,  /* the same on both sides */
	CHANGE_ALWAYS, /* this is what the movement is for, in one bin */
	CHANGE_FREE,   /* one side is no bin, or a reversal of any of these */
};

struct way {
	const char *name;
	unsigned from; /* place kinds, as bits */
	unsigned to;
	const char *from_bin; /* only this bin, if set */
	const char *to_bin;
	enum change change;
	bool owes_reason;
};

static const struct way ways[] = {
	[MOVEMENT_RECEIVE] = {"receive", KIND(PLACE_SUPPLIER), KIND(PLACE_BIN),
			      NULL, NULL, CHANGE_FREE, false},
	[MOVEMENT_PUTAWAY] = {"putaway", KIND(PLACE_BIN), KIND(PLACE_BIN), NULL,
			      NULL, CHANGE_NEVER, false},
	[MOVEMENT_MOVE] = {"move", KIND(PLACE_BIN), KIND(PLACE_BIN), NULL, NULL,
			   CHANGE_NEVER, false},
	[MOVEMENT_PICK] = {"pick", KIND(PLACE_BIN), KIND(PLACE_BIN), NULL,
			   BIN_PICKED, CHANGE_NEVER, false},
	[MOVEMENT_PACK] = {"pack", KIND(PLACE_BIN), KIND(PLACE_BIN), BIN_PICKED,
			   BIN_PACKED, CHANGE_NEVER, false},
	[MOVEMENT_SHIP] = {"ship", KIND(PLACE_BIN), KIND(PLACE_CUSTOMER), NULL,
			   NULL, CHANGE_FREE, false},
	[MOVEMENT_RETURN] = {"return", KIND(PLACE_CUSTOMER), KIND(PLACE_BIN),
			     NULL, NULL, CHANGE_FREE, false},
	[MOVEMENT_TRANSFER_OUT] = {"transfer_out", KIND(PLACE_BIN),
				   KIND(PLACE_TRANSIT), NULL, NULL, CHANGE_FREE,
				   false},
	[MOVEMENT_TRANSFER_IN] = {"transfer_in", KIND(PLACE_TRANSIT),
				  KIND(PLACE_BIN), NULL, NULL, CHANGE_FREE,
				  false},
	[MOVEMENT_COUNT_ADJUST] = {"count_adjust",
				   KIND(PLACE_BIN) | KIND(PLACE_FOUND),
				   KIND(PLACE_BIN) | KIND(PLACE_LOSS), NULL,
				   NULL, CHANGE_FREE, true},
	[MOVEMENT_FOUND] = {"found", KIND(PLACE_FOUND), KIND(PLACE_BIN), NULL,
			    NULL, CHANGE_FREE, true},
	[MOVEMENT_SCRAP] = {"scrap", KIND(PLACE_BIN), KIND(PLACE_SCRAP), NULL,
			    NULL, CHANGE_FREE, true},
	[MOVEMENT_HOLD] = {"hold", KIND(PLACE_BIN), KIND(PLACE_BIN), NULL, NULL,
			   CHANGE_ALWAYS, true},
	[MOVEMENT_RELEASE] = {"release", KIND(PLACE_BIN), KIND(PLACE_BIN), NULL,
			      NULL, CHANGE_ALWAYS, false},
	[MOVEMENT_TRANSFORM] = {"transform", KIND(PLACE_BIN) | KIND(PLACE_MADE),
				KIND(PLACE_BIN) | KIND(PLACE_MADE), NULL, NULL,
				CHANGE_FREE, false},
	[MOVEMENT_REVERSE] = {"reverse", ANY_PLACE, ANY_PLACE, NULL, NULL,
			      CHANGE_FREE, true},
	[MOVEMENT_TRANSFER_ADJUST] = {"transfer_adjust",
				      KIND(PLACE_FOUND) | KIND(PLACE_TRANSIT),
				      KIND(PLACE_TRANSIT) | KIND(PLACE_LOSS),
				      NULL, NULL, CHANGE_FREE, true},
};

static const char *const fault_names[] = {
	[MOVEMENT_SOUND] = "sound",
	[MOVEMENT_BAD_ITEM] = "bad_item",
	[MOVEMENT_BAD_QUANTITY] = "bad_quantity",
	[MOVEMENT_BAD_PLACE] = "bad_place",
	[MOVEMENT_BAD_WAY] = "bad_way",
	[MOVEMENT_SAME_PLACE] = "same_place",
	[MOVEMENT_BAD_CONDITION] = "bad_condition",
	[MOVEMENT_BAD_SERIAL] = "bad_serial",
	[MOVEMENT_NO_REASON] = "no_reason",
	[MOVEMENT_BAD_REVERSE] = "bad_reverse",
	[MOVEMENT_BAD_TEXT] = "bad_text",
	[MOVEMENT_BAD_DATE] = "bad_date",
};

static bool is_bin(const struct side *side)
{
	return side->place.kind == PLACE_BIN;
}

static bool is_way(const struct movement *movement, enum place_kind from,
		   enum place_kind to)
{
	return movement->from.place.kind == from &&
	       movement->to.place.kind == to;
}

/* The ways without a bin: what a transfer's two sites or HQ find to be too much
 * or too little on the way between them, and back. */
static bool is_adjustment(const struct movement *movement)
{
	if (movement->kind == MOVEMENT_REVERSE)
		return is_way(movement, PLACE_TRANSIT, PLACE_FOUND) ||
		       is_way(movement, PLACE_LOSS, PLACE_TRANSIT);
	return movement->kind == MOVEMENT_TRANSFER_ADJUST &&
	       (is_way(movement, PLACE_FOUND, PLACE_TRANSIT) ||
		is_way(movement, PLACE_TRANSIT, PLACE_LOSS));
}

static enum movement_fault way_check(const struct movement *movement,
				     const struct way *way)
{
	const struct place *from = &movement->from.place;
	const struct place *to = &movement->to.place;

	if (!place_is_valid(from) || !place_is_valid(to))
		return MOVEMENT_BAD_PLACE;
	if ((way->from & KIND(from->kind)) == 0 ||
	    (way->to & KIND(to->kind)) == 0)
		return MOVEMENT_BAD_WAY;
	if (way->from_bin != NULL && !place_is_bin(from, way->from_bin))
		return MOVEMENT_BAD_WAY;
	if (way->to_bin != NULL && !place_is_bin(to, way->to_bin))
		return MOVEMENT_BAD_WAY;
	/* Some kinds name two ways each; only one end may be outside. */
	if (!is_bin(&movement->from) && !is_bin(&movement->to) &&
	    !is_adjustment(movement))
		return MOVEMENT_BAD_WAY;
	if ((movement->kind == MOVEMENT_COUNT_ADJUST ||
	     movement->kind == MOVEMENT_TRANSFORM) &&
	    is_bin(&movement->from) && is_bin(&movement->to))
		return MOVEMENT_BAD_WAY;
	return MOVEMENT_SOUND;
}

/* Both sides have a condition exactly where they are bins, and it changes
 * only in the ways made for that. */
static enum movement_fault condition_check(const struct movement *movement,
					   const struct way *way)
{
	const struct side *from = &movement->from;
	const struct side *to = &movement->to;
	bool same = place_equal(&from->place, &to->place);

	if (from->condition > CONDITION_MAX || to->condition > CONDITION_MAX ||
	    is_bin(from) == (from->condition == CONDITION_NONE) ||
	    is_bin(to) == (to->condition == CONDITION_NONE))
		return MOVEMENT_BAD_CONDITION;
	if (way->change == CHANGE_ALWAYS) {
		if (!same)
			return MOVEMENT_BAD_WAY;
		if (from->condition == to->condition ||
		    (movement->kind == MOVEMENT_RELEASE) !=
			    (to->condition == CONDITION_GOOD))
			return MOVEMENT_BAD_CONDITION;
		return MOVEMENT_SOUND;
	}
	if (same && from->condition == to->condition)
		return MOVEMENT_SAME_PLACE;
	/* Nobody knows what a customer did to it: inspection comes first. */
	if (movement->kind == MOVEMENT_RETURN &&
	    to->condition != CONDITION_QUARANTINE)
		return MOVEMENT_BAD_CONDITION;
	if (way->change == CHANGE_NEVER) {
		if (same)
			return MOVEMENT_SAME_PLACE;
		if (from->condition != to->condition)
			return MOVEMENT_BAD_CONDITION;
	}
	return MOVEMENT_SOUND;
}

static bool sscc_is_sound(const char sscc[SSCC_SIZE])
{
	size_t digits = 0;
	size_t zeros = 0;

	for (size_t i = 0; i < SSCC_SIZE; i++) {
		digits += sscc[i] >= '0' && sscc[i] <= '9';
		zeros += sscc[i] == '\0';
	}
	return digits == SSCC_SIZE || zeros == SSCC_SIZE;
}

/* What the movement says beside what moved from where to where. */
static enum movement_fault detail_check(const struct movement *movement,
					const struct way *way)
{
	struct date expiry;

	if (movement->serial.size > 0 && movement->quantity.units != 1)
		return MOVEMENT_BAD_SERIAL;
	if (way->owes_reason && movement->reason.size == 0)
		return MOVEMENT_NO_REASON;
	if ((movement->kind == MOVEMENT_REVERSE) !=
	    (movement->reverses.value != 0))
		return MOVEMENT_BAD_REVERSE;
	if (!text_is_clean(lot_span(&movement->lot)) ||
	    !text_is_clean(serial_span(&movement->serial)) ||
	    !text_is_clean(reason_span(&movement->reason)) ||
	    !sscc_is_sound(movement->sscc))
		return MOVEMENT_BAD_TEXT;
	if (movement->expiry != 0 &&
	    !date_from_number(movement->expiry, &expiry))
		return MOVEMENT_BAD_DATE;
	return MOVEMENT_SOUND;
}

enum movement_fault movement_check(const struct movement *movement)
{
	const struct way *way;
	enum movement_fault fault;

	if (movement->kind < MOVEMENT_RECEIVE ||
	    movement->kind > MOVEMENT_KIND_MAX)
		return MOVEMENT_BAD_WAY;
	way = &ways[movement->kind];
	if (movement->item.size == 0 ||
	    !text_is_clean(sku_span(&movement->item)))
		return MOVEMENT_BAD_ITEM;
	if (!qty_is_movable(movement->quantity))
		return MOVEMENT_BAD_QUANTITY;
	fault = way_check(movement, way);
	if (fault == MOVEMENT_SOUND)
		fault = condition_check(movement, way);
	if (fault != MOVEMENT_SOUND)
		return fault;
	return detail_check(movement, way);
}

bool movement_has_authority(const struct movement *movement)
{
	return is_bin(&movement->from) || is_bin(&movement->to) ||
	       is_adjustment(movement);
}

const char *movement_kind_name(enum movement_kind kind)
{
	ASSERT(kind >= MOVEMENT_RECEIVE && kind <= MOVEMENT_KIND_MAX);
	return ways[kind].name;
}

bool movement_kind_parse(struct span text, enum movement_kind *ret_kind)
{
	for (size_t i = MOVEMENT_RECEIVE; i <= MOVEMENT_KIND_MAX; i++) {
		if (span_is(text, ways[i].name)) {
			*ret_kind = (enum movement_kind)i;
			return true;
		}
	}
	return false;
}

const char *movement_fault_name(enum movement_fault fault)
{
	ASSERT((size_t)fault < ARRAY_LEN(fault_names));
	return fault_names[fault];
}
