#include "gateway/core/view_parts.h"
#include "gateway/core/view_reach.h"

#define VERSION_SIZE_MAX 48
#define SESSION_SIZE_MAX 64

const char *site_state_name(enum site_state state)
{
	switch (state) {
	case SITE_INIT:
		return "init";
	case SITE_READY:
		return "ready";
	case SITE_DISCONNECTED:
		return "disconnected";
	case SITE_SLEEPING:
		return "sleeping";
	case SITE_LOST:
		return "lost";
	}
	ASSERT(state == SITE_INIT);
	return "";
}

/* Texts of the daemon's own making, still held to a bound. */
static void cut_out(const char *key, struct span text, size_t size_max,
		    struct json_out *out)
{
	char cut[SESSION_SIZE_MAX + 1];

	text_print(text, cut, size_max + 1);
	if (key != NULL)
		out_key(out, key);
	out_string(out, cut);
}

static void health_out(const struct view_status *status, struct json_out *out)
{
	size_t count = status->health_count < VIEW_HEALTH_MAX
			       ? status->health_count
			       : VIEW_HEALTH_MAX;

	out_array_at(out, "health");
	for (size_t i = 0; i < count; i++)
		cut_out(NULL, span_of(status->health[i]), VIEW_HEALTH_SIZE_MAX,
			out);
	out_array_end(out);
}

void view_status_print(const struct view_status *status, struct json_out *out)
{
	out_object(out);
	out_int_at(out, "v", VIEW_VERSION);
	out_string_at(out, "state", site_state_name(status->state));
	cut_out("session", status->session, SESSION_SIZE_MAX, out);
	view_moment_out("since", status->since,
			status->age.clock_trusted && status->since.ms != 0,
			out);
	view_age_out(&status->age, out);
	out_int_at(out, "epoch", pos_epoch(status->head));
	out_int_at(out, "head", (int64_t)pos_number(status->head));
	out_int_at(out, "backlog", (int64_t)status->backlog);
	out_int_at(out, "chunks", status->chunks);
	cut_out("version", status->version, VERSION_SIZE_MAX, out);
	health_out(status, out);
	if (status->has_autonomy)
		out_int_at(out, "autonomy_hours",
			   (int64_t)status->autonomy_hours);
	if (status->reach != NULL)
		view_reach_out(status->reach, out);
	out_object_end(out);
}
