/*
 * listing - the items and codes that can be used here: those of HQ's master
 * data and those of this site's own journal, in one list.
 *
 * Layer     store
 * Threads   any, through a view
 *
 * Where both speak of one name it comes once, as HQ has it.
 */
#ifndef DEPOT_STORE_LISTING_H
#define DEPOT_STORE_LISTING_H

#include "store/master.h"

/* Who said what a listed thing is. */
enum listed {
	LISTED_OWN = 1,    /* this site alone: in a network, a proposal */
	LISTED_MASTER = 2, /* HQ */
	LISTED_BOTH = 3,   /* both; HQ's word counts */
};

/* Visits every SKU behind @after (empty: all), in byte order, one that was
 * moved but never described too. What @visit returns, if not ERR_OK, ends the
 * walk and is the result. */
typedef enum err_code listed_item_fn(void *context, struct span sku,
				     enum listed listed, struct err *err);
MUST_CHECK enum err_code listing_items(const struct view *view,
				       struct span after, listed_item_fn *visit,
				       void *context, struct err *err);

/* How many that are. Its cost grows with the shorter of the two lists alone,
 * by which the longer is asked. */
MUST_CHECK enum err_code listing_items_count(const struct view *view,
					     uint64_t *ret_count,
					     struct err *err);

/* Codes likewise; those that stand for nothing any more, too. @code is
 * borrowed. */
typedef enum err_code listed_code_fn(void *context, const struct code *code,
				     enum listed listed, struct err *err);
MUST_CHECK enum err_code listing_codes(const struct view *view,
				       struct span after, listed_code_fn *visit,
				       void *context, struct err *err);

/* How many that are. Beside what listing_items_count costs, HQ's rows are
 * walked once. */
MUST_CHECK enum err_code listing_codes_count(const struct view *view,
					     uint64_t *ret_count,
					     struct err *err);

#endif
