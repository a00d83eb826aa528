#include "gateway/edge/link_wire.h"

#include "gateway/sync/join.h"

/* ---- topics ---- */

bool link_topic_read(struct span topic, enum sync_plane *ret_plane)
{
	struct sync_in in = {.link = 0};

	if (!sync_topic_read(topic, &in))
		return false;
	*ret_plane = in.plane;
	return true;
}

size_t link_payload_max(enum sync_plane plane)
{
	switch (plane) {
	case SYNC_PLANE_HEAD:
		return SYNC_HEAD_SIZE_MAX;
	case SYNC_PLANE_REQUEST:
		return SYNC_REQUEST_SIZE_MAX;
	case SYNC_PLANE_ALARM:
		return SYNC_PROOF_SIZE_MAX;
	case SYNC_PLANE_LIVE:
	case SYNC_PLANE_REPLY:
		break;
	}
	return LINK_PAYLOAD_SIZE_MAX;
}

bool link_topic_takes(struct span topic, size_t size)
{
	struct join_topic join;
	enum sync_plane plane;

	if (join_topic_read(topic, &join))
		return size <= JOIN_FRAME_SIZE_MAX;
	return link_topic_read(topic, &plane) &&
	       size <= link_payload_max(plane);
}

uint64_t link_cost(const struct link_message *message)
{
	return LINK_COST_FIXED + message->topic.size + message->payload.size;
}

/* ---- packets ---- */

static void hello_write(struct writer *writer, const struct link_hello *hello)
{
	write_u16(writer, hello->version);
	write_span(writer, name_span(&hello->name));
	write_u8(writer, hello->is_metered);
	write_u64(writer, hello->budget);
}

static void message_write(struct writer *writer,
			  const struct link_message *message)
{
	ASSERT(link_topic_takes(message->topic, message->payload.size));
	ASSERT(message->qos <= 1);
	write_u8(writer, (uint8_t)(message->qos | message->is_retained << 1));
	write_span(writer, message->topic);
	write_span(writer, message->payload);
}

size_t link_encode(const struct link_packet *packet, uint8_t *buffer)
{
	struct writer writer;

	writer_init(&writer, buffer, LINK_PACKET_SIZE_MAX);
	write_u8(&writer, (uint8_t)packet->kind);
	switch (packet->kind) {
	case LINK_HELLO:
		hello_write(&writer, &packet->hello);
		break;
	case LINK_UP:
		break;
	case LINK_DOWN:
		ASSERT(packet->reason.size <= LINK_REASON_SIZE_MAX);
		write_span(&writer, packet->reason);
		break;
	case LINK_MESSAGE:
	case LINK_PUBLISH:
		message_write(&writer, &packet->message);
		break;
	case LINK_ROOM:
		write_u64(&writer, packet->room);
		break;
	case LINK_USED:
		write_u64(&writer, packet->used.in);
		write_u64(&writer, packet->used.out);
		break;
	}
	ASSERT(writer_ok(&writer));
	return writer.size;
}

static bool flag_read(struct reader *reader, bool *ret_flag)
{
	uint8_t value = read_u8(reader);

	*ret_flag = value == 1;
	return value <= 1;
}

static bool hello_read(struct reader *reader, struct link_hello *hello)
{
	struct span name;

	hello->version = read_u16(reader);
	name = read_span(reader, NAME_SIZE_MAX);
	return text_is_name(name) && name_set(&hello->name, name) &&
	       flag_read(reader, &hello->is_metered);
}

static bool message_read(struct reader *reader, struct link_message *message)
{
	uint8_t flags = read_u8(reader);

	message->qos = flags & 1;
	message->is_retained = (flags & 2) != 0;
	message->topic = read_span(reader, LINK_TOPIC_SIZE_MAX);
	message->payload = read_span(reader, LINK_PAYLOAD_SIZE_MAX);
	return flags <= 3 && reader_ok(reader) &&
	       link_topic_takes(message->topic, message->payload.size);
}

/* What follows the kind. */
static bool body_read(struct reader *reader, struct link_packet *packet)
{
	switch (packet->kind) {
	case LINK_HELLO:
		if (!hello_read(reader, &packet->hello))
			return false;
		packet->hello.budget = read_u64(reader);
		return true;
	case LINK_UP:
		return true;
	case LINK_DOWN:
		packet->reason = read_span(reader, LINK_REASON_SIZE_MAX);
		return text_is_clean(packet->reason);
	case LINK_MESSAGE:
	case LINK_PUBLISH:
		return message_read(reader, &packet->message);
	case LINK_ROOM:
		packet->room = read_u64(reader);
		return true;
	case LINK_USED:
		packet->used.in = read_u64(reader);
		packet->used.out = read_u64(reader);
		return true;
	}
	return false;
}

bool link_decode(const uint8_t *data, size_t size,
		 struct link_packet *ret_packet)
{
	struct link_packet packet = {.kind = LINK_HELLO};
	struct reader reader;
	uint8_t kind;

	reader_init(&reader, data, size);
	kind = read_u8(&reader);
	if (kind < LINK_HELLO || kind > LINK_PUBLISH)
		return false;
	packet.kind = (enum link_kind)kind;
	if (!body_read(&reader, &packet) || !reader_done(&reader))
		return false;
	*ret_packet = packet;
	return true;
}
