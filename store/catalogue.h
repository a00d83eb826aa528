/*
 * catalogue - HQ's master data: the last word of the master feed about each
 * item and each code.
 *
 * Layer     store
 * Threads   reading: any, through a view; catalogue_fold: the writer
 * On disk   docs/format/tables.md: rows of TABLE_ROSTER; derived from the
 *           master feed (SITE_MASTER)
 *
 * It lies apart from what the site's own journal says (store/master.h), which
 * asks here first: of an item or code that HQ speaks of, HQ's word is taken,
 * whole; what a site says of it is a proposal. So neither the order in which
 * the two arrive nor a rebuild of either can change what comes of them.
 *
 * An item that no entry of this journal has named has a number of its own here,
 * beyond all that the journal gives. Nothing can lie under such a number in the
 * tables of stock; item_renumber (store/master.h) says which one it has since.
 */
#ifndef DEPOT_STORE_CATALOGUE_H
#define DEPOT_STORE_CATALOGUE_H

#include "rules/ledger/entry.h"
#include "store/env.h"

/* Numbers of items from here on are the catalogue's. */
#define CATALOGUE_FIRST UINT32_C(0x80000000)
bool catalogue_has_given(struct item_no item);

/* Each: ERR_NOT_FOUND when HQ says nothing of it (@err untouched). */
MUST_CHECK enum err_code catalogue_item(const struct view *view,
					struct span sku, struct item *ret_item,
					struct err *err);
MUST_CHECK enum err_code catalogue_number(const struct view *view,
					  struct span sku,
					  struct item_no *ret_item,
					  struct err *err);
/* A code that HQ took from every item has an empty one. */
MUST_CHECK enum err_code catalogue_code(const struct view *view,
					struct span text, struct code *ret_code,
					struct err *err);
/* The name behind a number that catalogue_number gave. */
MUST_CHECK enum err_code catalogue_name(const struct view *view,
					struct item_no item,
					struct sku *ret_sku, struct err *err);

/* Items that HQ has ever spoken of. */
MUST_CHECK enum err_code catalogue_count(const struct view *view,
					 uint32_t *ret_count, struct err *err);

/* Codes that HQ has ever spoken of. Its cost grows with them: it walks the rows
 * and reads none. */
MUST_CHECK enum err_code catalogue_codes_count(const struct view *view,
					       uint64_t *ret_count,
					       struct err *err);

/* The entry of @kind (ENTRY_ITEM, ENTRY_CODE) with the next name behind @after
 * (empty: the first), in byte order. ERR_NOT_FOUND: none is left */
MUST_CHECK enum err_code catalogue_next(const struct view *view,
					enum entry_kind kind, struct span after,
					struct entry *ret_entry,
					struct err *err);

/* Folds an entry of the master feed, which lies at @pos in it. Other kinds than
 * the two fold to nothing. Later places win, in whatever order they come. */
MUST_CHECK enum err_code catalogue_fold(struct txn *txn, struct pos pos,
					const struct entry *entry,
					struct err *err);
MUST_CHECK enum err_code catalogue_clear(struct txn *txn, struct err *err);

#endif
