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
 * A store of a network that came back from a backup, or that is known to be
 * behind what it has signed: nothing is sealed in its epoch any more. The
 * daemon asks peers for what it lost, and begins the next epoch
 * (core/incarnation.h), which takes the mark away.
 */
enum site_mark {
	SITE_MARK_NONE = 0,
	SITE_MARK_RESTORED = 1, /* a person restored a backup */
	SITE_MARK_SET_BACK = 2, /* its own deltas came from elsewhere */
};
MUST_CHECK enum err_code site_mark_get(const struct view *view,
				       enum site_mark *ret_mark,
				       struct err *err);
/* SET_BACK leaves a mark that is there. */
MUST_CHECK enum err_code site_mark_put(struct txn *txn, enum site_mark mark,
				       struct err *err);
/* Any mark. */
MUST_CHECK enum err_code site_restored_get(const struct view *view,
					   bool *ret_is, struct err *err);
/* RESTORED, or none. */
MUST_CHECK enum err_code site_restored_put(struct txn *txn, bool is_restored,
					   struct err *err);

/*
 * This box took another one's place, and has not said yet how far it has that
 * one's book (core/regaining.h).
 */
MUST_CHECK enum err_code site_regaining_get(const struct view *view,
					    bool *ret_is, struct err *err);
MUST_CHECK enum err_code site_regaining_put(struct txn *txn, bool is_regaining,
					    struct err *err);

#endif
