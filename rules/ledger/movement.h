/*
 * movement - a quantity of one item that went from one place to another.
 *
 * Layer     rules/ledger
 * Threads   any
 *
 * A movement never carries a running balance and is never changed: a mistake
 * is reversed by a movement that names it. What is legal here is the law for
 * every node alike: a row of a peer's delta that fails movement_check() or
 * movement_has_authority() is void everywhere.
 */
#ifndef DEPOT_RULES_LEDGER_MOVEMENT_H
#define DEPOT_RULES_LEDGER_MOVEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/ids.h"
#include "rules/base/qty.h"
#include "rules/ledger/place.h"

/* On disk and in deltas: the numbers never change. */
enum movement_kind {
	MOVEMENT_RECEIVE = 1,       /* supplier -> bin */
	MOVEMENT_PUTAWAY = 2,       /* bin -> bin */
	MOVEMENT_MOVE = 3,          /* bin -> bin */
	MOVEMENT_PICK = 4,          /* bin -> PICKED */
	MOVEMENT_PACK = 5,          /* PICKED -> PACKED */
	MOVEMENT_SHIP = 6,          /* bin -> customer */
	MOVEMENT_RETURN = 7,        /* customer -> bin, always on quarantine */
	MOVEMENT_TRANSFER_OUT = 8,  /* bin -> transit */
	MOVEMENT_TRANSFER_IN = 9,   /* transit -> bin */
	MOVEMENT_COUNT_ADJUST = 10, /* found -> bin, or bin -> loss */
	MOVEMENT_FOUND = 11,     /* found -> bin: an outflow beyond the book */
	MOVEMENT_SCRAP = 12,     /* bin -> scrap */
	MOVEMENT_HOLD = 13,      /* bin: to a worse condition */
	MOVEMENT_RELEASE = 14,   /* bin: back to good */
	MOVEMENT_TRANSFORM = 15, /* bin -> made, made -> bin */
	MOVEMENT_REVERSE = 16,   /* the named movement's way back */
	MOVEMENT_TRANSFER_ADJUST = 17, /* found -> transit: a surplus; transit
					* -> loss: missing, or lost */
};
#define MOVEMENT_KIND_MAX MOVEMENT_TRANSFER_ADJUST

struct side {
	struct place place;
	enum condition condition; /* CONDITION_NONE unless a bin */
};

struct movement {
	enum movement_kind kind;
	struct sku item;
	struct lot lot;       /* empty: none */
	struct serial serial; /* empty: none; then quantity is 1 */
	struct qty quantity;  /* base units, 1 to QTY_MOVE_MAX */
	struct side from;
	struct side to;
	uint32_t expiry;      /* of the lot, yyyymmdd; 0: not said */
	char sscc[SSCC_SIZE]; /* the pallet it came or left on; NULs: none */
	struct reason reason; /* where one is due; else empty */
	struct pos reverses;  /* the movement that this takes back; 0: none */
};

/* What is wrong with a movement, for the sentence to the sender. */
enum movement_fault {
	MOVEMENT_SOUND = 0,
	MOVEMENT_BAD_ITEM,      /* no SKU, or not clean text */
	MOVEMENT_BAD_QUANTITY,  /* zero, negative or beyond QTY_MOVE_MAX */
	MOVEMENT_BAD_PLACE,     /* a place out of its bounds */
	MOVEMENT_BAD_WAY,       /* the kind does not go from there to there */
	MOVEMENT_SAME_PLACE,    /* from and to are one */
	MOVEMENT_BAD_CONDITION, /* condition missing, or changed where it may
				 * not */
	MOVEMENT_BAD_SERIAL,    /* a serial with more than one unit */
	MOVEMENT_NO_REASON,     /* a kind that owes a reason has none */
	MOVEMENT_BAD_REVERSE,   /* a reversal names none, or another kind one */
	MOVEMENT_BAD_TEXT,      /* lot, serial or reason is not clean text, or
				 * the pallet's number not 18 digits */
	MOVEMENT_BAD_DATE,      /* the expiry is no day of the calendar */
};

/* Checks @movement by itself, without knowing any stock. */
enum movement_fault movement_check(const struct movement *movement);

/*
 * True if a site's own journal may post @movement: one side at least is one of
 * its bins, or it corrects what is in a transfer's transit place. (All bins in
 * a journal are the site's own. Whose a transit place is to touch is in its
 * name: transfer_has_authority.)
 */
bool movement_has_authority(const struct movement *movement);

/* "receive", "transfer_out" ... Never NULL. */
const char *movement_kind_name(enum movement_kind kind);
MUST_CHECK bool movement_kind_parse(struct span text,
				    enum movement_kind *ret_kind);
const char *movement_fault_name(enum movement_fault fault);

#endif
