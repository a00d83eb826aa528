/*
 * mqtt_raw - MQTT packets byte by byte, for peers in tests that are not Paho.
 *
 * Enough of MQTT 5.0 (section 2 and 3) for an honest client, and for a broker
 * that may be as dishonest as the test wants.
 */
#ifndef DEPOT_TESTS_SUPPORT_MQTT_RAW_H
#define DEPOT_TESTS_SUPPORT_MQTT_RAW_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "rules/base/bytes.h"
#include "tests/support/check.h"

enum raw_type {
	RAW_CONNECT = 1,
	RAW_CONNACK = 2,
	RAW_PUBLISH = 3,
	RAW_PUBACK = 4,
	RAW_SUBSCRIBE = 8,
	RAW_SUBACK = 9,
	RAW_UNSUBSCRIBE = 10,
	RAW_UNSUBACK = 11,
	RAW_PINGREQ = 12,
	RAW_PINGRESP = 13,
	RAW_DISCONNECT = 14,
};

#define RAW_BODY_MAX 70000

struct raw_packet {
	enum raw_type type;
	uint8_t flags;
	size_t size;
	uint8_t body[RAW_BODY_MAX];
};

/* A stream of packets: the last one taken, and what was read of the next.
 * Large: keep it off the stack. */
struct raw_stream {
	int fd;
	struct raw_packet packet;
	size_t used;
	uint8_t bytes[2 * RAW_BODY_MAX];
};

static inline void raw_send_bytes(int fd, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	while (size > 0) {
		ssize_t put = send(fd, at, size, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return; /* the other side is gone: its affair */
		at += put;
		size -= (size_t)put;
	}
}

static inline void raw_send(int fd, enum raw_type type, uint8_t flags,
			    const struct writer *body)
{
	uint8_t head[16];
	struct writer writer;

	assert_true(writer_ok(body));
	writer_init(&writer, head, sizeof(head));
	write_u8(&writer, (uint8_t)((unsigned)type << 4 | flags));
	/* MQTT's variable byte integer is LEB128. */
	write_varint(&writer, body->size);
	raw_send_bytes(fd, head, writer.size);
	raw_send_bytes(fd, body->data, body->size);
}

static inline void raw_text(struct writer *writer, struct span text)
{
	write_u16(writer, (uint16_t)text.size);
	write_raw(writer, text.data, text.size);
}

/* Takes the first whole packet out of what was read; false if none is. */
static inline bool raw_take(struct raw_stream *stream)
{
	struct raw_packet *packet = &stream->packet;
	struct reader reader;
	uint64_t size;
	size_t whole;

	reader_init(&reader, stream->bytes, stream->used);
	packet->flags = read_u8(&reader);
	size = read_varint(&reader);
	if (!reader_ok(&reader) || reader_left(&reader) < size)
		return false;
	assert_true(size <= RAW_BODY_MAX);
	packet->type = (enum raw_type)(packet->flags >> 4);
	packet->flags &= 15;
	packet->size = (size_t)size;
	memcpy(packet->body, stream->bytes + reader.at, (size_t)size);
	whole = reader.at + (size_t)size;
	stream->used -= whole;
	memmove(stream->bytes, stream->bytes + whole, stream->used);
	return true;
}

/* Reads once what is there; false when the stream has ended (or timed out). */
static inline bool raw_fill(struct raw_stream *stream)
{
	ssize_t got = recv(stream->fd, stream->bytes + stream->used,
			   sizeof(stream->bytes) - stream->used, 0);

	if (got <= 0)
		return false;
	stream->used += (size_t)got;
	return true;
}

/* The next packet, waiting for it up to the time-out of raw_client. */
static inline bool raw_next(struct raw_stream *stream)
{
	while (!raw_take(stream)) {
		if (!raw_fill(stream))
			return false;
	}
	return true;
}

/* What a PUBLISH of MQTT 5 says. Spans point into the packet. */
struct raw_publish {
	struct span topic;
	struct span payload;
	uint16_t packet_id;
	uint8_t qos;
	bool is_retained;
	bool is_dup;
};

static inline void raw_publish_read(const struct raw_packet *packet,
				    struct raw_publish *ret_publish)
{
	struct reader reader;

	assert_int_equal(packet->type, RAW_PUBLISH);
	reader_init(&reader, packet->body, packet->size);
	ret_publish->qos = packet->flags >> 1 & 3;
	ret_publish->is_retained = (packet->flags & 1) != 0;
	ret_publish->is_dup = (packet->flags & 8) != 0;
	ret_publish->topic = read_raw(&reader, read_u16(&reader));
	ret_publish->packet_id = ret_publish->qos > 0 ? read_u16(&reader) : 0;
	(void)read_raw(&reader, (size_t)read_varint(&reader));
	ret_publish->payload = read_raw(&reader, reader_left(&reader));
	assert_true(reader_ok(&reader));
}

static inline void raw_publish_send(int fd, const struct raw_publish *publish)
{
	static uint8_t bytes[RAW_BODY_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	raw_text(&writer, publish->topic);
	if (publish->qos > 0)
		write_u16(&writer, publish->packet_id);
	write_u8(&writer, 0); /* no properties */
	write_raw(&writer, publish->payload.data, publish->payload.size);
	raw_send(fd, RAW_PUBLISH,
		 (uint8_t)((publish->is_dup ? 8 : 0) | publish->qos << 1 |
			   (publish->is_retained ? 1 : 0)),
		 &writer);
}

/* An acknowledgement, or any packet that is a packet id and a reason. */
static inline void raw_ack_send(int fd, enum raw_type type, uint16_t packet_id)
{
	uint8_t bytes[8];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	write_u16(&writer, packet_id);
	raw_send(fd, type, 0, &writer);
}

/* ---- a client ---- */

/* Connects to the broker at @port with a clean session and a keepalive that
 * never runs out; each later read waits at most two minutes. */
static inline void raw_client(struct raw_stream *stream, uint16_t port,
			      const char *client_id)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port)};
	struct timeval patience = {.tv_sec = 120};
	int one = 1;
	uint8_t bytes[256];
	struct writer writer;

	stream->used = 0;
	stream->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(stream->fd >= 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(stream->fd, (struct sockaddr *)&address,
				 sizeof(address)),
			 0);
	/* A packet leaves in two writes: Nagle would hold back the second. */
	assert_int_equal(setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &one,
				    sizeof(one)),
			 0);
	assert_int_equal(setsockopt(stream->fd, SOL_SOCKET, SO_RCVTIMEO,
				    &patience, sizeof(patience)),
			 0);
	writer_init(&writer, bytes, sizeof(bytes));
	raw_text(&writer, SPAN_LITERAL("MQTT"));
	write_u8(&writer, 5);
	write_u8(&writer, 2);  /* clean start */
	write_u16(&writer, 0); /* no keepalive */
	write_u8(&writer, 0);  /* no properties */
	raw_text(&writer, span_of(client_id));
	raw_send(stream->fd, RAW_CONNECT, 0, &writer);
	assert_true(raw_next(stream));
	assert_int_equal(stream->packet.type, RAW_CONNACK);
	assert_int_equal(stream->packet.body[1], 0);
}

static inline void raw_client_subscribe(struct raw_stream *stream,
					const char *filter)
{
	uint8_t bytes[256];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	write_u16(&writer, 1);
	write_u8(&writer, 0);
	raw_text(&writer, span_of(filter));
	write_u8(&writer, 1); /* QoS 1 */
	raw_send(stream->fd, RAW_SUBSCRIBE, 2, &writer);
	assert_true(raw_next(stream));
	assert_int_equal(stream->packet.type, RAW_SUBACK);
}

/* The next message, acknowledged; other packets are passed over. */
static inline bool raw_client_hear(struct raw_stream *stream,
				   struct raw_publish *ret_publish)
{
	while (raw_next(stream)) {
		if (stream->packet.type != RAW_PUBLISH)
			continue;
		raw_publish_read(&stream->packet, ret_publish);
		if (ret_publish->qos > 0)
			raw_ack_send(stream->fd, RAW_PUBACK,
				     ret_publish->packet_id);
		return true;
	}
	return false;
}

/* Waits for @count PUBACKs. */
static inline void raw_client_acks(struct raw_stream *stream, size_t count)
{
	while (count > 0) {
		assert_true(raw_next(stream));
		count -= stream->packet.type == RAW_PUBACK;
	}
}

static inline void raw_close(struct raw_stream *stream)
{
	(void)close(stream->fd);
	stream->fd = -1;
}

#endif
