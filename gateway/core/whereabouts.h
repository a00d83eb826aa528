/*
 * whereabouts - where a serial or pallet is.
 *
 * Layer     gateway/core, inside the engine only
 * Threads   the keeper
 */
#ifndef DEPOT_GATEWAY_CORE_WHEREABOUTS_H
#define DEPOT_GATEWAY_CORE_WHEREABOUTS_H

#include "gateway/core/post.h"
#include "store/trace.h"

/* Of the fact's serial, or else its pallet. ERR_NOT_FOUND: it has neither,
 * nobody knows of it, or what is known of the pallet is of another item than
 * the fact names (@err untouched). */
MUST_CHECK enum err_code whereabouts_get(const struct view *view,
					 const struct fact *fact,
					 struct whereabouts *ret_where,
					 struct err *err);

#endif
