#include "gateway/edge/mqtt_topic.h"

#include <string.h>

bool topic_is_name(struct span topic)
{
	if (topic.size == 0 || topic.size > UINT16_MAX)
		return false;
	for (size_t i = 0; i < topic.size; i++) {
		char c = topic.data[i];

		if (c == '\0' || c == '+' || c == '#')
			return false;
	}
	return utf8_is_valid(topic);
}

/* Cuts the first level off *@rest; returns whether there was one. */
static bool level_next(struct span *rest, struct span *ret_level)
{
	const char *slash;
	size_t size;

	if (rest->data == NULL)
		return false;
	slash = rest->size > 0 ? memchr(rest->data, '/', rest->size) : NULL;
	size = slash != NULL ? (size_t)(slash - rest->data) : rest->size;
	*ret_level = (struct span){rest->data, size};
	if (slash != NULL)
		*rest = (struct span){slash + 1, rest->size - size - 1};
	else
		*rest = (struct span){NULL, 0};
	return true;
}

bool topic_is_filter(struct span filter)
{
	struct span rest = filter;
	struct span level;

	if (filter.size == 0 || filter.size > UINT16_MAX ||
	    memchr(filter.data, '\0', filter.size) != NULL ||
	    !utf8_is_valid(filter))
		return false;
	while (level_next(&rest, &level)) {
		bool has_plus = level.size > 0 &&
				memchr(level.data, '+', level.size) != NULL;
		bool has_hash = level.size > 0 &&
				memchr(level.data, '#', level.size) != NULL;

		if ((has_plus || has_hash) && level.size != 1)
			return false;
		if (has_hash && rest.data != NULL)
			return false;
	}
	return true;
}

bool topic_matches(struct span filter, struct span name)
{
	struct span level;
	struct span other;

	if (name.size > 0 && name.data[0] == '$' && filter.size > 0 &&
	    (filter.data[0] == '+' || filter.data[0] == '#'))
		return false;
	while (level_next(&filter, &level)) {
		/* "a/#" asks for "a" as well. */
		if (span_is(level, "#"))
			return true;
		if (!level_next(&name, &other))
			return false;
		if (!span_is(level, "+") && !span_equal(level, other))
			return false;
	}
	return name.data == NULL;
}
