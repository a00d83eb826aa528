/*
 * master_names - what master.c's records need of the names and numbers behind
 * master.h. Nobody else includes it.
 *
 * Layer     store
 * Threads   any, through a view
 */
#ifndef DEPOT_STORE_MASTER_NAMES_H
#define DEPOT_STORE_MASTER_NAMES_H

#include "rules/ledger/entry.h"
#include "store/env.h"

/* The journal's own number. ERR_NOT_FOUND  it has not named that item */
MUST_CHECK enum err_code item_find_own(const struct view *view, struct span sku,
				       struct item_no *ret_item,
				       struct err *err);
/* As item_name_of, but ERR_NOT_FOUND: the number was never given. */
MUST_CHECK enum err_code item_name_read(const struct view *view,
					struct item_no item,
					struct sku *ret_sku, struct err *err);

#endif
