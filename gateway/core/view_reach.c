#include "gateway/core/view_reach.h"

#include "gateway/core/view_parts.h"

static void hq_out(const struct view_reach *reach, struct json_out *out)
{
	out_int_at(out, "backlog_deltas", (int64_t)reach->backlog_deltas);
	out_int_at(out, "backlog_entries", (int64_t)reach->backlog_entries);
	out_int_at(out, "backlog_bytes", (int64_t)reach->backlog_bytes);
	if (reach->backlog_deltas > 0)
		view_moment_out("oldest_unsent", reach->oldest_unsent,
				reach->has_oldest_unsent, out);
	if (!reach->has_hq)
		return;
	out_int_at(out, "hq_seq", (int64_t)reach->hq_seq);
	view_moment_out("hq_as_of", reach->hq_as_of, reach->has_hq_as_of, out);
}

void view_reach_out(const struct view_reach *reach, struct json_out *out)
{
	if (reach->site == 0)
		return;
	out_object_at(out, "network");
	out_int_at(out, "site", reach->site);
	out_bool_at(out, "hq", reach->is_hq);
	if (reach->is_provisional)
		out_bool_at(out, "provisional", true);
	out_int_at(out, "links", reach->links);
	out_int_at(out, "links_up", reach->links_up);
	out_int_at(out, "links_spent", reach->links_spent);
	if (reach->links_up == 0 && reach->links > 0) {
		out_int_at(out, "down_s", reach->down_s);
		view_moment_out("down_since", reach->down_since,
				reach->has_down_since, out);
	}
	out_int_at(out, "peers", reach->peers);
	out_int_at(out, "stuck", reach->stuck);
	if (reach->left_out > 0)
		out_int_at(out, "left_out", reach->left_out);
	if (!reach->is_hq)
		hq_out(reach, out);
	out_object_end(out);
}
