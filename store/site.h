/*
 * site - this site's number in its network.
 *
 * Layer     store
 * Threads   reading: any, through a view; writing: the writer
 * On disk   docs/format/tables.md: "site" of TABLE_META; not derived
 *
 * HQ gives the number when the site joins, and never gives it again. A network
 * of one, as depot init founds it, has none.
 */
#ifndef DEPOT_STORE_SITE_H
#define DEPOT_STORE_SITE_H

#include "store/env.h"

/* *@ret_site is 0 in a network of one. ERR_CORRUPT: the row is damaged. */
MUST_CHECK enum err_code site_number_get(const struct view *view,
					 uint32_t *ret_site, struct err *err);
/* Once, when the site joins. ERR_CONFLICT: it has another number already. */
MUST_CHECK enum err_code site_number_put(struct txn *txn, uint32_t site,
					 struct err *err);

/*
 * A store of a network that came back from a backup: nothing is sealed in its
 * epoch any more. The daemon asks peers for what it lost, and begins the next
 * epoch (core/incarnation.h), which takes the mark away.
 */
MUST_CHECK enum err_code site_restored_get(const struct view *view,
					   bool *ret_is, struct err *err);
MUST_CHECK enum err_code site_restored_put(struct txn *txn, bool is_restored,
					   struct err *err);

#endif
