/*
 * whereabouts - where a serial or pallet is, and whether it still stands there.
 *
 * Layer     gateway/core, inside the engine only
 * Threads   the keeper
 */
#ifndef DEPOT_GATEWAY_CORE_WHEREABOUTS_H
#define DEPOT_GATEWAY_CORE_WHEREABOUTS_H

#include "gateway/core/post.h"
#include "store/trace.h"

/* Of the fact's serial, or else its pallet. ERR_NOT_FOUND: it has neither, or
 * nobody knows of it (@err untouched). */
MUST_CHECK enum err_code whereabouts_get(const struct view *view,
					 const struct fact *fact,
					 struct whereabouts *ret_where,
					 struct err *err);

/*
 * *@ret_stands: the book has units of @item in @place. A count that found none
 * says nothing of single serials or pallets; they have left all the same.
 */
MUST_CHECK enum err_code whereabouts_stand(const struct view *view,
					   struct item_no item,
					   struct place_no place,
					   bool *ret_stands, struct err *err);

#endif
