#include <string.h>

#include "gateway/sync/sync_parts.h"

#define SESSION_DIGITS 8

static const char *const plane_names[] = {
	[SYNC_PLANE_HEAD] = "head",   [SYNC_PLANE_LIVE] = "live",
	[SYNC_PLANE_REQUEST] = "req", [SYNC_PLANE_REPLY] = "rep",
	[SYNC_PLANE_ALARM] = "alarm",
};
_Static_assert(ARRAY_LEN(plane_names) == SYNC_PLANE_MAX + 1, "each has one");

void sync_topic_write(const struct sync_out *out,
		      char ret_topic[SYNC_TOPIC_SIZE])
{
	const char *plane = plane_names[out->plane];
	int from_size = (int)out->from.size;
	int to_size = (int)out->to.size;
	bool fits = false;

	switch (out->plane) {
	case SYNC_PLANE_HEAD:
	case SYNC_PLANE_LIVE:
	case SYNC_PLANE_ALARM:
		fits = text_format(ret_topic, SYNC_TOPIC_SIZE, "%s/%.*s", plane,
				   from_size, out->from.data);
		break;
	case SYNC_PLANE_REQUEST:
		fits = text_format(ret_topic, SYNC_TOPIC_SIZE, "%s/%.*s/%.*s",
				   plane, to_size, out->to.data, from_size,
				   out->from.data);
		break;
	case SYNC_PLANE_REPLY:
		fits = text_format(ret_topic, SYNC_TOPIC_SIZE,
				   "%s/%.*s/%.*s/%08x", plane, to_size,
				   out->to.data, from_size, out->from.data,
				   out->session);
		break;
	}
	ASSERT(fits);
}

/* ---- reading ---- */

/* Cuts the part before the next slash off @rest. */
static struct span part_cut(struct span *rest)
{
	struct span part = *rest;
	const char *slash = NULL;

	if (rest->size > 0)
		slash = memchr(rest->data, '/', rest->size);
	if (slash == NULL) {
		*rest = (struct span){0};
		return part;
	}
	part.size = (size_t)(slash - rest->data);
	rest->data += part.size + 1;
	rest->size -= part.size + 1;
	return part;
}

static bool digit_read(char digit, uint32_t *session)
{
	uint32_t value;

	if (digit >= '0' && digit <= '9')
		value = (uint32_t)(digit - '0');
	else if (digit >= 'a' && digit <= 'f')
		value = (uint32_t)(digit - 'a') + 10;
	else
		return false;
	*session = *session << 4 | value;
	return true;
}

static bool session_read(struct span text, uint32_t *ret_session)
{
	uint32_t session = 0;

	if (text.size != SESSION_DIGITS)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (!digit_read(text.data[i], &session))
			return false;
	}
	*ret_session = session;
	return true;
}

static bool plane_read(struct span text, enum sync_plane *ret_plane)
{
	for (uint32_t i = SYNC_PLANE_HEAD; i <= SYNC_PLANE_MAX; i++) {
		if (span_is(text, plane_names[i])) {
			*ret_plane = (enum sync_plane)i;
			return true;
		}
	}
	return false;
}

bool sync_topic_read(struct span topic, struct sync_in *ret_in)
{
	struct span rest = topic;
	struct span session = {0};
	struct sync_in in = *ret_in;

	if (topic.size >= SYNC_TOPIC_SIZE || topic.size == 0 ||
	    topic.data[topic.size - 1] == '/' ||
	    !plane_read(part_cut(&rest), &in.plane))
		return false;
	in.to = (struct span){0};
	in.session = 0;
	if (in.plane == SYNC_PLANE_REQUEST || in.plane == SYNC_PLANE_REPLY) {
		in.to = part_cut(&rest);
		if (!text_is_name(in.to))
			return false;
	}
	in.from = part_cut(&rest);
	if (in.plane == SYNC_PLANE_REPLY)
		session = part_cut(&rest);
	if (rest.size != 0 || !text_is_name(in.from) ||
	    (in.plane == SYNC_PLANE_REPLY &&
	     !session_read(session, &in.session)))
		return false;
	*ret_in = in;
	return true;
}

bool sync_topic_wanted(struct span own_name, size_t index,
		       char ret_topic[SYNC_TOPIC_SIZE])
{
	static const char *const all[] = {"head/+", "live/+", "alarm/+"};
	bool fits;

	if (index < ARRAY_LEN(all))
		fits = text_format(ret_topic, SYNC_TOPIC_SIZE, "%s",
				   all[index]);
	else if (index == ARRAY_LEN(all))
		fits = text_format(ret_topic, SYNC_TOPIC_SIZE, "req/%.*s/+",
				   (int)own_name.size, own_name.data);
	else if (index == ARRAY_LEN(all) + 1)
		fits = text_format(ret_topic, SYNC_TOPIC_SIZE, "rep/%.*s/+/+",
				   (int)own_name.size, own_name.data);
	else
		return false;
	ASSERT(fits);
	return true;
}
