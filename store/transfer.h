/*
 * transfer - what the sites of the network say of what is between them.
 *
 * Layer     store
 * Threads   reading: any, through a view; folding: the writer
 * On disk   docs/format/tables.md, TABLE_TRANSFER; all of it is derived: what
 *           this site said from its journal, what others said from their feeds
 *
 * What each site says is kept apart, in sums that only that site's entries
 * change, so that it does not matter in which order the feeds come in. What
 * rules/ledger/transfer.h judges is the sum over all.
 *
 * Names here are texts, never this store's numbers: half of them come from
 * other sites, and an item that is not known here yet is on its way all the
 * same.
 */
#ifndef DEPOT_STORE_TRANSFER_H
#define DEPOT_STORE_TRANSFER_H

#include "rules/ledger/entry.h"
#include "rules/ledger/transfer.h"
#include "store/env.h"

/* ---- folding ---- */

/*
 * Folds what @entry, at @pos of site @site's feed, says of a transfer: a
 * movement that touches a transit place, ENTRY_TRANSFER, ENTRY_CLAIM. Any other
 * entry, one that its writer has no authority for (a void row), and a transit
 * place that is no transfer of the network fold to nothing. For other sites'
 * feeds, and HQ's control (TRANSFER_SITE_CONTROL); never for this site's own.
 *
 * ERR_OVERFLOW  a sum would leave int64; nothing was folded
 * ERR_FULL      no room in the map
 */
MUST_CHECK enum err_code transfer_fold(struct txn *txn, uint32_t site,
				       struct pos pos,
				       const struct entry *entry,
				       struct err *err);

/* The same for an entry of this site's journal, which was judged when it was
 * posted; called by fold_entry only. */
MUST_CHECK enum err_code transfer_fold_own(struct txn *txn, struct pos pos,
					   const struct entry *entry,
					   struct err *err);

/* Takes away what the journal said: rebuild's first step. */
MUST_CHECK enum err_code transfer_clear_own(struct txn *txn, struct err *err);

/* Takes away what site @site's feeds said, as when a branch of one no longer
 * counts; the caller folds the feed anew. */
MUST_CHECK enum err_code transfer_forget(struct txn *txn, uint32_t site,
					 struct err *err);

/* The rows that the journal alone makes; a rebuild must give them back. */
#define TRANSFER_OWN_PREFIX "\x01"

/* ---- reading ---- */

/* What one side last said of a transfer as a whole. */
struct transfer_word {
	bool is_said;
	struct pos pos; /* in its writer's feed */
	struct transfer transfer;
	struct moment effective;
};

struct transfer_record {
	struct place_name id;
	struct transfer_word sender;
	struct transfer_word addressee;
	struct transfer_word hq;
	struct transfer_states states; /* of those three */
	uint64_t unsettled;            /* items of which any is in transit */
};

/* ERR_NOT_FOUND  nobody ever said anything of it (@err untouched) */
MUST_CHECK enum err_code transfer_get(const struct view *view, struct span id,
				      struct transfer_record *ret_record,
				      struct err *err);

/* Visits all transfers behind @after (empty: all), by id. */
typedef enum err_code transfer_visit_fn(void *context,
					const struct transfer_record *record,
					struct err *err);
MUST_CHECK enum err_code transfer_walk(const struct view *view,
				       struct span after,
				       transfer_visit_fn *visit, void *context,
				       struct err *err);

/* What all sides together say of one item; zeros if nothing. */
MUST_CHECK enum err_code transfer_sums(const struct view *view, struct span id,
				       struct span item,
				       struct transfer_sums *ret_sums,
				       struct err *err);

/* Only what this site's journal says. */
MUST_CHECK enum err_code transfer_sums_own(const struct view *view,
					   struct span id, struct span item,
					   struct transfer_sums *ret_sums,
					   struct err *err);

/* Visits the items of a transfer with their sums, once each. */
typedef enum err_code transfer_item_fn(void *context, const struct sku *item,
				       const struct transfer_sums *sums,
				       struct err *err);
MUST_CHECK enum err_code transfer_items(const struct view *view, struct span id,
					transfer_item_fn *visit, void *context,
					struct err *err);

/* The sender's lines are the packing list; the addressee's, what it booked. */
struct transfer_line {
	enum transfer_side side;
	struct sku item;
	struct lot lot;
	char sscc[SSCC_SIZE]; /* NULs: none */
	struct serial serial;
	uint32_t expiry; /* yyyymmdd; 0: not said */
	struct transfer_sums sums;
};
typedef enum err_code transfer_line_fn(void *context,
				       const struct transfer_line *line,
				       struct err *err);
/* Visits the lines of @side by item; of @item only, unless that is empty. */
MUST_CHECK enum err_code transfer_lines(const struct view *view, struct span id,
					enum transfer_side side,
					struct span item,
					transfer_line_fn *visit, void *context,
					struct err *err);

/* Finds the line of @line's side, item, lot, pallet and serial, and sets its
 * sums and expiry; zeros if there is none. */
MUST_CHECK enum err_code transfer_line_find(const struct view *view,
					    struct span id,
					    struct transfer_line *line,
					    struct err *err);

/* Visits the transfers whose packing list has the pallet @sscc. */
typedef enum err_code transfer_pallet_fn(void *context, struct span id,
					 struct err *err);
MUST_CHECK enum err_code transfer_pallets(const struct view *view,
					  struct span sscc,
					  transfer_pallet_fn *visit,
					  void *context, struct err *err);

/* The highest number of the transfers that this site, @from, has named, but for
 * those that somebody typed who was far ahead (TRANSFER_NUMBERS_TYPED). */
MUST_CHECK enum err_code transfer_last_number(const struct view *view,
					      uint32_t from,
					      uint64_t *ret_number,
					      struct err *err);

/*
 * The number of the next one, which no life of this site, @from, has given
 * (TRANSFER_LIFE_NUMBERS); the caller passes over one that somebody typed.
 * ERR_OVERFLOW  none is left
 */
MUST_CHECK enum err_code transfer_next_number(const struct view *view,
					      uint32_t from,
					      uint64_t *ret_number,
					      struct err *err);

/* Claims, once a side that spoke of one; by claim. */
typedef enum err_code transfer_claim_fn(void *context,
					const struct transfer_claim *claim,
					enum transfer_side side,
					struct err *err);
MUST_CHECK enum err_code transfer_claims(const struct view *view,
					 struct span id,
					 transfer_claim_fn *visit,
					 void *context, struct err *err);

/* Visits the transfers between which and their addressee some of @item is:
 * units, below zero where more came than is known to have been sent. One where
 * what the sides say together leaves 64 bits is left out; it is unsettled all
 * the same, and the network's audit calls it unsound. */
typedef enum err_code transfer_way_fn(void *context, struct span id,
				      int64_t units, struct err *err);
MUST_CHECK enum err_code transfer_ways(const struct view *view,
				       struct span item, transfer_way_fn *visit,
				       void *context, struct err *err);

/* ---- what changed by other feeds ---- */

/*
 * Movements of other feeds are in no journal here, so whoever shows what is in
 * transit learns of them here: they are numbered, and the items of the last
 * TRANSFER_CHANGES_MAX are remembered. A number lower than one seen before, or
 * one too far behind: all items may have changed.
 */
#define TRANSFER_CHANGES_MAX 256
/* 0: none yet. */
MUST_CHECK enum err_code transfer_change_last(const struct view *view,
					      uint64_t *ret_number,
					      struct err *err);
/* ERR_NOT_FOUND  it is not remembered (@err untouched) */
MUST_CHECK enum err_code transfer_change_item(const struct view *view,
					      uint64_t number,
					      struct sku *ret_item,
					      struct err *err);

#endif
