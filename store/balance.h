/*
 * balance - what the journal says is where: one row per item and place.
 *
 * Layer     store
 * Threads   reading: any, through a view; balance_add: the writer
 * On disk   docs/format/tables.md: pos of the last movement, then cells
 *           {condition, lot, quantity} in order, none of them zero
 *
 * Only bins keep lots and conditions apart; a place outside is one cell. A bin
 * never goes below zero: balance_add refuses. Rows are never removed, so that
 * the pos of the last movement is known of an empty bin too, and a rebuild
 * gives the same bytes.
 */
#ifndef DEPOT_STORE_BALANCE_H
#define DEPOT_STORE_BALANCE_H

#include "rules/ledger/entry.h"
#include "rules/ledger/tally.h"
#include "store/env.h"

struct cell {
	enum condition condition;
	struct lot lot;
	struct qty quantity;
};

#define BALANCE_CELLS_MAX 192

struct balance {
	struct pos pos; /* of the last movement that touched it; 0: none */
	size_t count;
	struct cell cells[BALANCE_CELLS_MAX];
};

/* ERR_NOT_FOUND  the item was never there (@err untouched) */
MUST_CHECK enum err_code balance_get(const struct view *view,
				     struct item_no item, struct place_no place,
				     struct balance *ret_balance,
				     struct err *err);

/*
 * *@ret_stands: the book has units of @item in @place. A count that found none
 * says nothing of single serials or pallets; they have left all the same.
 */
MUST_CHECK enum err_code balance_stands(const struct view *view,
					struct item_no item,
					struct place_no place, bool *ret_stands,
					struct err *err);

/*
 * What a row says that view_walk gave, for a walk of one's own.
 * ERR_CORRUPT  it is damaged, or not in its one form
 */
struct balance_key {
	struct item_no item;
	struct place_no place;
};
MUST_CHECK enum err_code balance_open(struct span key, struct span value,
				      struct balance_key *ret_key,
				      struct balance *ret_balance,
				      struct err *err);

/* Units in one cell of @balance; 0 if there is none. */
struct qty balance_cell(const struct balance *balance, enum condition condition,
			struct span lot);
/* Units of one condition over all lots. */
struct qty balance_condition(const struct balance *balance,
			     enum condition condition);

/*
 * Adds @change (which may be negative) to one cell and sets the pos.
 *
 * ERR_CONFLICT  a bin's cell would go below zero
 * ERR_OVERFLOW  the cell, the row's sum, or one lot more does not fit
 * ERR_FULL      no room in the map
 */
struct balance_change {
	struct item_no item;
	struct place_no place;
	const struct side *side; /* the place itself, and the condition */
	struct span lot;
	struct qty change;
	struct pos pos;
};
MUST_CHECK enum err_code balance_add(struct txn *txn,
				     const struct balance_change *change,
				     struct err *err);

/* Visits the item's rows, place by place. @balance is borrowed. */
typedef enum err_code balance_visit_fn(void *context, struct item_no item,
				       struct place_no place,
				       const struct balance *balance,
				       struct err *err);
MUST_CHECK enum err_code balance_walk_item(const struct view *view,
					   struct item_no item,
					   balance_visit_fn *visit,
					   void *context, struct err *err);
/* Visits what was ever held in a bin, item by item. */
MUST_CHECK enum err_code balance_walk_bin(const struct view *view,
					  struct place_no place,
					  balance_visit_fn *visit,
					  void *context, struct err *err);
/* The same for the items after that of @after, in its bin. */
MUST_CHECK enum err_code balance_walk_bin_after(const struct view *view,
						struct balance_key after,
						balance_visit_fn *visit,
						void *context, struct err *err);
/* Visits every row, by item and place. */
MUST_CHECK enum err_code balance_walk_all(const struct view *view,
					  balance_visit_fn *visit,
					  void *context, struct err *err);

/*
 * The site's units of @item by state, and in *@ret_pos the pos of the last
 * movement that touched one of its bins (0: none ever did).
 */
MUST_CHECK enum err_code balance_tally(const struct view *view,
				       struct item_no item,
				       struct tally *ret_tally,
				       struct pos *ret_pos, struct err *err);

#endif
