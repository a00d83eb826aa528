/*
 * hq_line - which life of a site goes on from which, and how much of one the
 * next one knew.
 *
 * Layer     gateway/core
 * Threads   any, through a view
 */
#ifndef DEPOT_GATEWAY_CORE_HQ_LINE_H
#define DEPOT_GATEWAY_CORE_HQ_LINE_H

#include "rules/base/err.h"
#include "store/env.h"

/* The epoch that @site's @epoch goes on from, as it says itself, or else as its
 * certificate does; 0: from none, or nobody knows. Errors as heir_get. */
MUST_CHECK enum err_code hq_line_parent(const struct view *view, uint32_t site,
					uint32_t epoch, uint32_t *ret_parent,
					struct err *err);

/* *@ret_does: @epoch is @from, or came after it in its line. Errors as
 * heir_get. */
MUST_CHECK enum err_code hq_line_descends(const struct view *view,
					  uint32_t site, uint32_t epoch,
					  uint32_t from, bool *ret_does,
					  struct err *err);

/* *@ret_is: @child has named a delta of @parent, and it is held here. Errors as
 * heir_get, feed_latest_walk. */
MUST_CHECK enum err_code hq_line_is_held(const struct view *view, uint32_t site,
					 uint32_t child, uint32_t parent,
					 bool *ret_is, struct err *err);

#endif
