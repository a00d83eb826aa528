/*
 * fold - the one way in which an entry changes the derived tables.
 *
 * Layer     store
 * Threads   the writer
 *
 * Posting an entry and rebuilding from the journal both end here, so the
 * tables cannot come out differently. A fold depends on nothing but the entry,
 * its pos, and the tables as the entries before left them.
 */
#ifndef DEPOT_STORE_FOLD_H
#define DEPOT_STORE_FOLD_H

#include "rules/ledger/entry.h"
#include "store/env.h"

/* The last statement about one item and lot of a bin, in the condition that
 * it names. */
struct count_record {
	struct count count;
	struct pos pos;
	struct pos place; /* the same, or where it was told first */
	struct moment effective;
	bool is_trusted; /* ->effective is */
};

/* ERR_NOT_FOUND  it was never counted (@err untouched) */
MUST_CHECK enum err_code count_get(const struct view *view, struct span bin,
				   struct span item, struct span lot,
				   struct count_record *ret_count,
				   struct err *err);

/*
 * When the bin was last seen with @item's units as a count stated and the
 * book accepted, any lot: a movement from before that has been counted
 * already. ERR_NOT_FOUND  it never was (@err untouched)
 */
MUST_CHECK enum err_code count_accepted(const struct view *view,
					struct span bin, struct span item,
					struct moment *ret_accepted,
					struct err *err);

/* What this site has answered to the intent @id, sealed or not.
 * ERR_NOT_FOUND  nothing yet (@err untouched) */
MUST_CHECK enum err_code intent_answer(const struct view *view, struct span id,
				       struct intent_result *ret_result,
				       struct err *err);

/*
 * Folds @entry, which lies at @pos with the bytes @bytes, into the tables.
 *
 * ERR_CONFLICT  it would take more from a bin, or for an order, than there is
 * ERR_OVERFLOW  a sum would not fit
 * ERR_FULL      no room in the map
 * ERR_INVALID   it is unsound (entry_is_sound); nothing was touched
 */
MUST_CHECK enum err_code fold_entry(struct txn *txn, struct pos pos,
				    const struct entry *entry,
				    struct span bytes, struct err *err);

/* The tables that fold_entry fills. */
const enum table *fold_tables(size_t *ret_count);

/* What the rows of such a table begin with: empty, but for TABLE_TRANSFER, in
 * which others' feeds have rows, too. */
struct span fold_prefix(enum table table);

/* Empties all of them, of those rows. */
MUST_CHECK enum err_code fold_clear(struct txn *txn, struct err *err);

#endif
