/*
 * promise - units that stand in PICKED or PACKED for an order.
 *
 * Layer     store
 * Threads   reading: any, through a view; promise_fold: the writer
 * On disk   docs/format/tables.md
 *
 * Every good unit in PICKED or PACKED is there for an order, named or
 * implicit: per item, the rows of this table sum to those two balances. (The
 * reserved part of a promise, made before any bin is known, joins this table
 * when orders come.)
 */
#ifndef DEPOT_STORE_PROMISE_H
#define DEPOT_STORE_PROMISE_H

#include "rules/ledger/entry.h"
#include "store/env.h"

struct promise {
	struct ref order;
	struct qty picked;
	struct qty packed;
	struct pos since; /* of the movement that opened it */
};

/* ERR_NOT_FOUND  nothing stands there for that order (@err untouched) */
MUST_CHECK enum err_code promise_get(const struct view *view,
				     struct item_no item, struct span order,
				     struct promise *ret_promise,
				     struct err *err);

/*
 * The oldest promise of @item that has good units in PACKED (@is_packed) or
 * else in PICKED; the one without a name comes after all others.
 * ERR_NOT_FOUND  there is none (@err untouched)
 */
MUST_CHECK enum err_code promise_oldest(const struct view *view,
					struct item_no item, bool is_packed,
					struct promise *ret_promise,
					struct err *err);

typedef enum err_code promise_visit_fn(void *context, struct item_no item,
				       const struct promise *promise,
				       struct err *err);
/* Visits the promises of @item, or of all items if it is 0. */
MUST_CHECK enum err_code promise_walk(const struct view *view,
				      struct item_no item,
				      promise_visit_fn *visit, void *context,
				      struct err *err);

/* How a movement changes what stands in PICKED and PACKED: good units only. */
struct promise_change {
	struct qty picked;
	struct qty packed;
};
struct promise_change promise_change_of(const struct movement *movement);

/*
 * Folds a movement for @order, which lies at @pos. Without an order (empty),
 * units that come in stand for the order without a name, and units that go out
 * are that one's first, then the latest promise's (LEDGER: what is lost was
 * promised last).
 *
 * ERR_CONFLICT  more would leave than stands there for that order, or at all
 */
MUST_CHECK enum err_code promise_fold(struct txn *txn, struct pos pos,
				      const struct movement *movement,
				      struct item_no item, struct span order,
				      struct err *err);

#endif
