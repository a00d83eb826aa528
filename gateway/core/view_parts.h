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

/* As view_alert_print and view_task_print, of another site's, with "via". */
void view_alert_via_print(const struct entry *entry, struct pos pos,
			  struct json_out *out);
void view_task_via_print(const struct entry *entry, struct pos pos,
			 const struct check_sheet *sheet, struct json_out *out);

#endif
