/*
 * Any bytes as a packet between depotd and a depot-link: refused, or read as
 * something that is written as the same bytes, on a topic that is one and
 * within its plane's length, or joining's.
 */
#include <string.h>

#include "gateway/edge/link_wire.h"
#include "gateway/sync/join.h"
#include "tests/fuzz/fuzz.h"

static void check_message(const struct link_message *message)
{
	enum sync_plane plane;
	struct join_topic join;

	if (join_topic_read(message->topic, &join)) {
		ASSERT(message->payload.size <= JOIN_FRAME_SIZE_MAX);
	} else {
		ASSERT(link_topic_read(message->topic, &plane));
		ASSERT(message->payload.size <= link_payload_max(plane));
	}
	ASSERT(message->qos <= 1);
	ASSERT(link_cost(message) > message->payload.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[LINK_PACKET_SIZE_MAX];
	struct link_packet packet;

	if (!link_decode(data, size, &packet))
		return 0;
	if (packet.kind == LINK_MESSAGE || packet.kind == LINK_PUBLISH)
		check_message(&packet.message);
	ASSERT(link_encode(&packet, again) == size);
	ASSERT(memcmp(again, data, size) == 0);
	return 0;
}
