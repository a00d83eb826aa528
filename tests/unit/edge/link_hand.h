/*
 * link_hand - links that are none, for the tests of depotd's side: they speak
 * the wire by hand.
 */
#ifndef DEPOT_TESTS_UNIT_EDGE_LINK_HAND_H
#define DEPOT_TESTS_UNIT_EDGE_LINK_HAND_H

#include <sys/socket.h>

#include "gateway/edge/local.h"
#include "tests/unit/edge/link_bed.h"

#define HEAD "head/hz-01"
#define REP "rep/hz-01/hq/00000001"

static struct link_bed bed;
static uint8_t buffer[LINK_PACKET_SIZE_MAX];
static char frame[LINK_PAYLOAD_SIZE_MAX];

static inline int setup(void **state)
{
	(void)state;
	link_bed_make(&bed);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	link_bed_end(&bed);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static inline int peer_open(void)
{
	struct err err;
	int fd = -1;

	assert_done(local_connect(bed.path, SOCK_SEQPACKET, &fd, &err), &err);
	return fd;
}

static inline bool peer_say(int fd, const struct link_packet *packet)
{
	size_t size = link_encode(packet, buffer);

	return send(fd, buffer, size, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	       (ssize_t)size;
}

static inline void peer_hello(int fd, const char *name, uint64_t budget)
{
	struct link_packet hello = {.kind = LINK_HELLO,
				    .hello = {.version = LINK_VERSION,
					      .budget = budget}};

	assert_true(name_set(&hello.hello.name, span_of(name)));
	assert_true(peer_say(fd, &hello));
}

static inline void peer_room(int fd, uint64_t room)
{
	struct link_packet packet = {.kind = LINK_ROOM, .room = room};

	assert_true(peer_say(fd, &packet));
}

/* A link that is up, with room for ever. */
static inline int peer_up(const char *name)
{
	struct link_packet up = {.kind = LINK_UP};
	unsigned before = bed.ups;
	int fd = peer_open();

	peer_hello(fd, name, 0);
	peer_room(fd, UINT64_MAX);
	assert_true(peer_say(fd, &up));
	LINK_UNTIL(link_bed_step(&bed), bed.ups > before);
	return fd;
}

static inline bool peer_message(int fd, const char *topic, size_t size)
{
	struct link_packet packet = {.kind = LINK_MESSAGE,
				     .message = {.topic = span_of(topic),
						 .payload = {frame, size}}};

	return peer_say(fd, &packet);
}

/* What depotd sent; false if there is nothing. */
static inline bool peer_hear(int fd, struct link_packet *ret_packet)
{
	static uint8_t heard[LINK_PACKET_SIZE_MAX];
	ssize_t got = recv(fd, heard, sizeof(heard), MSG_DONTWAIT);

	return got > 0 && link_decode(heard, (size_t)got, ret_packet);
}

static inline bool peer_is_hung_up(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

#endif
