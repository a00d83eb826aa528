/*
 * tool - what end-to-end tests do with a store beside the programs that they
 * test: found one from a plain list, audit it, and write it out as JSON lines.
 *
 * It stands on the store's layer alone: no engine, no CLI. So a mistake of
 * theirs cannot hide in here as well.
 */
#ifndef DEPOT_TESTS_E2E_TOOL_H
#define DEPOT_TESTS_E2E_TOOL_H

#include "store/ledger.h"

/* Founds a store at @path from the list in the file @list (tool_seed.c). */
MUST_CHECK enum err_code tool_seed(const char *path, const char *list,
				   uint64_t map_size, struct err *err);

/* Adds one unit to the balance of @item in @bin, and to nothing else. */
MUST_CHECK enum err_code tool_lie(const char *path, struct span item,
				  struct span bin, struct err *err);

/* One line for each cell of each balance, by item and place. */
MUST_CHECK enum err_code tool_balances(const struct view *view,
				       struct err *err);

/* One line for each entry from @from on, with every field that is set. */
MUST_CHECK enum err_code tool_journal(const struct view *view, struct pos from,
				      struct err *err);

/* One line for each parked input. */
MUST_CHECK enum err_code tool_parked(const struct view *view, struct err *err);

#endif
