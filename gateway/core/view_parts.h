/*
 * view_parts - what the payloads of view.h share.
 *
 * Layer     gateway/core, inside view only
 * Threads   any: pure
 */
#ifndef DEPOT_GATEWAY_CORE_VIEW_PARTS_H
#define DEPOT_GATEWAY_CORE_VIEW_PARTS_H

#include "gateway/core/view.h"

/* as_of, clock and fresh_for_s. */
void view_age_out(const struct view_age *age, struct json_out *out);

/* epoch and pos, as numbers; 0 and 0 for none. */
void view_pos_out(struct pos pos, struct json_out *out);

/* @moment, or null when its clock was not trusted. */
void view_moment_out(const char *key, struct moment moment, bool is_trusted,
		     struct json_out *out);

#endif
