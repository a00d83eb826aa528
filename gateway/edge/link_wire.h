/*
 * link_wire - what depotd and a depot-link say to each other.
 *
 * Layer     gateway/edge; pure
 * Threads   any
 *
 * A SEQPACKET Unix socket keeps the borders of what is sent: one packet is one
 * message. Its first byte is the kind, the rest is bytes.h; a packet that is
 * not exactly one message is refused as a whole, and ends the connection.
 *
 *	link -> depotd   HELLO, then any number of the next five
 *	                 UP, DOWN       the far broker was reached, was lost
 *	                 MESSAGE        it sent this
 *	                 ROOM           so much may be on its way to it
 *	                 USED           so much went over the wire
 *	depotd -> link   PUBLISH        send this
 *
 * Topics travel as their end, behind "depot/v1/{org}/sync/": the link knows
 * its organisation, and depotd cannot be made to publish anywhere else. Both
 * sides check each topic and its length against the planes (sync/sync.h).
 * Only what is said of joining travels elsewhere (sync/join.h).
 */
#ifndef DEPOT_GATEWAY_EDGE_LINK_WIRE_H
#define DEPOT_GATEWAY_EDGE_LINK_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/sync/sync.h"
#include "rules/base/bytes.h"
#include "rules/base/ids.h"
#include "rules/base/text.h"

#define LINK_VERSION 1

/* A frame of 32 KiB, and what stands before it. */
#define LINK_PAYLOAD_SIZE_MAX (33 * 1024)
#define LINK_TOPIC_SIZE_MAX (SYNC_TOPIC_SIZE - 1)
#define LINK_REASON_SIZE_MAX 128
#define LINK_PACKET_SIZE_MAX (LINK_PAYLOAD_SIZE_MAX + LINK_TOPIC_SIZE_MAX + 16)

/* What a publication takes of the room beside its bytes: many small ones are
 * work, too. */
#define LINK_COST_FIXED 512

enum link_kind {
	LINK_HELLO = 1,
	LINK_UP = 2,
	LINK_DOWN = 3,
	LINK_MESSAGE = 4,
	LINK_ROOM = 5,
	LINK_USED = 6,
	LINK_PUBLISH = 7,
};

struct link_hello {
	uint16_t version;
	struct name name; /* of [link NAME] */
	bool is_metered;
	uint64_t budget; /* bytes a day; 0: no bound */
};

/* MESSAGE and PUBLISH. The spans are borrowed from the packet. */
struct link_message {
	struct span topic;
	struct span payload;
	uint8_t qos; /* 0 or 1; of a PUBLISH */
	bool is_retained;
};

/* Since HELLO. */
struct link_used {
	uint64_t in;
	uint64_t out;
};

struct link_packet {
	enum link_kind kind;
	union {
		struct link_hello hello;
		struct span reason; /* DOWN; clean text, borrowed */
		struct link_message message;
		/* ROOM: the sum of link_cost() that may have been sent since
		 * HELLO. A sum, because an amount would be of unknown age. */
		uint64_t room;
		struct link_used used;
	};
};

/* The plane of @topic; false if it has none, as what is said of joining
 * (sync/join.h) has none. */
MUST_CHECK bool link_topic_read(struct span topic, enum sync_plane *ret_plane);

/* The longest payload on @plane, in bytes. */
size_t link_payload_max(enum sync_plane plane);

/* Whether a payload of @size bytes may travel on @topic. */
MUST_CHECK bool link_topic_takes(struct span topic, size_t size);

/* What @message takes of the room. */
uint64_t link_cost(const struct link_message *message);

/*
 * Writes @packet into @buffer of LINK_PACKET_SIZE_MAX bytes and returns its
 * size. What it holds must be what link_decode takes.
 */
size_t link_encode(const struct link_packet *packet, uint8_t *buffer);

/*
 * Reads a packet. False if it is not exactly one, or one of its parts is too
 * long, no topic, or no text. What is borrowed points into @data.
 */
MUST_CHECK bool link_decode(const uint8_t *data, size_t size,
			    struct link_packet *ret_packet);

#endif
