#include "gateway/core/inlet.h"

#include <string.h>

/* "depot", "v1", organisation, site. */
#define PREFIX_LEVELS 4

static const struct {
	const char *level;
	enum inlet inlet;
} levels[] = {
	{"scan/", INLET_SCAN}, {"shelf/", INLET_SHELF}, {"rfid/", INLET_RFID},
	{"task/", INLET_TASK}, {"cmd/", INLET_COMMAND},
};

enum inlet inlet_find(struct span below, struct span *ret_rest)
{
	*ret_rest = below;
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		size_t size = span_of(levels[i].level).size;

		if (!span_starts(below, levels[i].level))
			continue;
		*ret_rest = (struct span){below.data + size, below.size - size};
		return levels[i].inlet;
	}
	return INLET_NONE;
}

bool inlet_kind(enum inlet inlet, enum reading_kind *ret_kind)
{
	switch (inlet) {
	case INLET_SCAN:
		*ret_kind = READING_SCAN;
		return true;
	case INLET_SHELF:
		*ret_kind = READING_SHELF;
		return true;
	case INLET_RFID:
		*ret_kind = READING_RFID;
		return true;
	case INLET_TASK:
	case INLET_COMMAND:
	case INLET_NONE:
		break;
	}
	return false;
}

struct span inlet_below(struct span topic)
{
	for (unsigned level = 0; level < PREFIX_LEVELS; level++) {
		const char *slash =
			topic.size == 0 ? NULL
					: memchr(topic.data, '/', topic.size);
		size_t size;

		if (slash == NULL)
			return (struct span){"", 0};
		size = (size_t)(slash - topic.data) + 1;
		topic.data += size;
		topic.size -= size;
	}
	return topic;
}
