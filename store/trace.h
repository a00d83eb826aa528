/*
 * trace - lots, serials and pallets: what is known of them, and where they are.
 *
 * Layer     store
 * Threads   reading: any, through a view; trace_fold: the writer
 * On disk   docs/format/tables.md
 */
#ifndef DEPOT_STORE_TRACE_H
#define DEPOT_STORE_TRACE_H

#include "rules/ledger/entry.h"
#include "store/env.h"

struct lot_record {
	uint32_t expiry;  /* yyyymmdd; 0: not known */
	struct pos first; /* of the first movement that named it */
};

/* ERR_NOT_FOUND  no movement named that lot (@err untouched) */
MUST_CHECK enum err_code lot_get(const struct view *view, struct item_no item,
				 struct span lot, struct lot_record *ret_lot,
				 struct err *err);

/* Where a unit with a serial, or a pallet with an SSCC, was last put. */
struct whereabouts {
	struct place_no place; /* a bin: it is in stock */
	enum condition condition;
	struct pos pos;      /* of the movement that put it there */
	struct item_no item; /* pallet: what is on it */
	struct lot lot;
	struct qty quantity;
};

/* ERR_NOT_FOUND  never seen (@err untouched) */
MUST_CHECK enum err_code serial_get(const struct view *view,
				    struct item_no item, struct span serial,
				    struct whereabouts *ret_where,
				    struct err *err);
MUST_CHECK enum err_code sscc_get(const struct view *view, struct span sscc,
				  struct whereabouts *ret_where,
				  struct err *err);

/* How many of @item's serials are in bins of the site that hold any of it: what
 * a count wrote off is not there, though it named no serial. Walks all. */
MUST_CHECK enum err_code serial_count(const struct view *view,
				      struct item_no item, uint64_t *ret_count,
				      struct err *err);

/* Folds what a movement, which lies at @pos, says of lot, serial and pallet. */
MUST_CHECK enum err_code trace_fold(struct txn *txn, struct pos pos,
				    const struct movement *movement,
				    struct item_no item, struct place_no to,
				    struct err *err);

#endif
