/*
 * envoy_guard - the start guard's file, as the envoy reads and writes it.
 *
 * Layer     gateway/edge, inside the envoy only
 * Threads   envoy_guard_look: start; envoy_guard_keep: the envoy's
 */
#ifndef DEPOT_GATEWAY_EDGE_ENVOY_GUARD_H
#define DEPOT_GATEWAY_EDGE_ENVOY_GUARD_H

#include "gateway/core/incarnation.h"
#include "gateway/edge/envoy.h"

/*
 * Compares the store with what is remembered beside it, and begins
 * @incarnation with that. A first start has nothing to remember.
 * Errors as view_begin and incarnation_begin.
 */
MUST_CHECK enum err_code envoy_guard_look(const struct envoy_config *config,
					  struct incarnation *incarnation,
					  struct guard_memory *ret_memory,
					  struct err *err);

struct guard_place envoy_guard_place(const struct envoy_config *config);

/* Before a delta leaves, it is remembered outside of the store. One that could
 * not be does not hold up the rest: the next start asks peers instead. */
void envoy_guard_keep(const struct envoy_config *config,
		      const struct view *view);

#endif
