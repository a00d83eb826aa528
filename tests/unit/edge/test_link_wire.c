/*
 * What depotd and a depot-link say to each other is read as it was written, or
 * refused as a whole.
 */
#include "tests/support/check.h"

#include "gateway/edge/link_wire.h"

static uint8_t buffer[LINK_PACKET_SIZE_MAX];
static char payload[LINK_PAYLOAD_SIZE_MAX + 1];

#define NAME_32 "abcdefghijklmnopqrstuvwxyz-01234"

static struct link_packet message_of(enum link_kind kind, const char *topic,
				     size_t size)
{
	return (struct link_packet){
		.kind = kind,
		.message = {.topic = span_of(topic),
			    .payload = {payload, size},
			    .qos = 1,
			    .is_retained = true},
	};
}

static void every_kind_is_read_as_it_was_written(void **state)
{
	struct link_packet hello = {
		.kind = LINK_HELLO,
		.hello = {.version = LINK_VERSION,
			  .is_metered = true,
			  .budget = UINT64_MAX},
	};
	struct link_packet up = {.kind = LINK_UP};
	struct link_packet down = {.kind = LINK_DOWN,
				   .reason = SPAN_LITERAL("it broke")};
	struct link_packet room = {.kind = LINK_ROOM, .room = 1u << 20};
	struct link_packet used = {.kind = LINK_USED, .used = {7, 9}};
	struct link_packet got;
	size_t size;

	(void)state;
	assert_true(name_set(&hello.hello.name, span_of(NAME_32)));
	size = link_encode(&hello, buffer);
	assert_true(link_decode(buffer, size, &got));
	assert_int_equal(got.kind, LINK_HELLO);
	assert_int_equal(got.hello.version, LINK_VERSION);
	assert_span(name_span(&got.hello.name), NAME_32);
	assert_true(got.hello.is_metered);
	assert_true(got.hello.budget == UINT64_MAX);

	assert_true(link_decode(buffer, link_encode(&up, buffer), &got));
	assert_int_equal(got.kind, LINK_UP);
	assert_true(link_decode(buffer, link_encode(&down, buffer), &got));
	assert_int_equal(got.kind, LINK_DOWN);
	assert_span(got.reason, "it broke");
	assert_true(link_decode(buffer, link_encode(&room, buffer), &got));
	assert_int_equal(got.kind, LINK_ROOM);
	assert_int_equal(got.room, 1u << 20);
	assert_true(link_decode(buffer, link_encode(&used, buffer), &got));
	assert_int_equal(got.kind, LINK_USED);
	assert_int_equal(got.used.in, 7);
	assert_int_equal(got.used.out, 9);
}

static void
the_longest_message_of_each_plane_fits_and_no_longer_one(void **state)
{
	static const struct {
		const char *topic;
		size_t size;
	} planes[] = {
		[SYNC_PLANE_HEAD] = {"head/" NAME_32, 256},
		[SYNC_PLANE_LIVE] = {"live/" NAME_32, LINK_PAYLOAD_SIZE_MAX},
		[SYNC_PLANE_REQUEST] = {"req/" NAME_32 "/" NAME_32, 4096},
		[SYNC_PLANE_REPLY] = {"rep/" NAME_32 "/" NAME_32 "/0123abcd",
				      LINK_PAYLOAD_SIZE_MAX},
		[SYNC_PLANE_ALARM] = {"alarm/" NAME_32, 1024},
	};

	(void)state;
	for (size_t i = SYNC_PLANE_HEAD; i <= SYNC_PLANE_MAX; i++) {
		struct link_packet packet = message_of(
			LINK_PUBLISH, planes[i].topic, planes[i].size);
		struct link_packet got;
		size_t size = link_encode(&packet, buffer);

		assert_true(link_decode(buffer, size, &got));
		assert_int_equal(got.kind, LINK_PUBLISH);
		assert_span(got.message.topic, planes[i].topic);
		assert_int_equal(got.message.payload.size, planes[i].size);
		assert_int_equal(got.message.qos, 1);
		assert_true(got.message.is_retained);
		assert_true(link_topic_takes(span_of(planes[i].topic),
					     planes[i].size));
		assert_false(link_topic_takes(span_of(planes[i].topic),
					      planes[i].size + 1));
		assert_int_equal(link_payload_max((enum sync_plane)i),
				 planes[i].size);
	}
}

/* A process that an upgrade left running speaks to one that it started: other
 * bytes are another LINK_VERSION. */
static void the_bytes_are_those_of_version_1(void **state)
{
	struct link_packet packets[] = {
		{.kind = LINK_HELLO,
		 .hello = {.version = 1, .is_metered = true, .budget = 258}},
		{.kind = LINK_UP},
		{.kind = LINK_DOWN, .reason = SPAN_LITERAL("gone")},
		{.kind = LINK_MESSAGE,
		 .message = {.topic = SPAN_LITERAL("head/hq"),
			     .payload = SPAN_LITERAL("abc"),
			     .is_retained = true}},
		{.kind = LINK_ROOM, .room = 262144},
		{.kind = LINK_USED, .used = {1, 2}},
		{.kind = LINK_PUBLISH,
		 .message = {.topic = SPAN_LITERAL("rep/hq/a/00000007"),
			     .payload = SPAN_LITERAL(""),
			     .qos = 1}},
	};
	const struct span bytes[] = {
		SPAN_LITERAL("\1\0\1\2hq\1\0\0\0\0\0\0\1\2"),
		SPAN_LITERAL("\2"),
		SPAN_LITERAL("\3\4gone"),
		SPAN_LITERAL("\4\2\7head/hq\3abc"),
		SPAN_LITERAL("\5\0\0\0\0\0\4\0\0"),
		SPAN_LITERAL("\6\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2"),
		SPAN_LITERAL("\7\1\21rep/hq/a/00000007\0"),
	};

	(void)state;
	assert_true(name_set(&packets[0].hello.name, span_of("hq")));
	assert_int_equal(ARRAY_LEN(packets), ARRAY_LEN(bytes));
	for (size_t i = 0; i < ARRAY_LEN(packets); i++) {
		assert_int_equal(link_encode(&packets[i], buffer),
				 bytes[i].size);
		assert_memory_equal(buffer, bytes[i].data, bytes[i].size);
	}
}

/* Method: topics that a broker could send and nobody may pass on. */
static void what_is_no_topic_of_ours_is_none(void **state)
{
	const struct span topics[] = {
		SPAN_LITERAL(""),
		SPAN_LITERAL("head"),
		SPAN_LITERAL("head/"),
		SPAN_LITERAL("head//a"),
		SPAN_LITERAL("head/a/"),
		SPAN_LITERAL("head/a/b"),
		SPAN_LITERAL("head/A"),
		SPAN_LITERAL("head/+"),
		SPAN_LITERAL("head/#"),
		SPAN_LITERAL("head/a\0b"),
		SPAN_LITERAL("head/a\0"),
		SPAN_LITERAL("head/" NAME_32 "x"),
		SPAN_LITERAL("heads/a"),
		SPAN_LITERAL("/head/a"),
		SPAN_LITERAL("req/a"),
		SPAN_LITERAL("req/a/"),
		SPAN_LITERAL("req//a"),
		SPAN_LITERAL("req/a/b/c"),
		SPAN_LITERAL("rep/a/b"),
		SPAN_LITERAL("rep/a/b/0000000a/d"),
		SPAN_LITERAL("rep/a/b/0000000\xff"),
		SPAN_LITERAL("rep/a/b/0000000A"),
		SPAN_LITERAL("rep/a/b/7"),
		SPAN_LITERAL("other/a"),
	};
	enum sync_plane plane;
	size_t refused = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
		if (link_topic_read(topics[i], &plane))
			fail_msg("taken: %s", topics[i].data);
		refused++;
	}
	assert_int_equal(refused, 24);
}

/*
 * Method: every packet of every kind cut at every length, and with each of its
 * first bytes at each value: it is refused, or read as something that is
 * written as the same bytes.
 */
static void
a_packet_that_is_cut_or_damaged_is_refused_or_means_what_it_says(void **state)
{
	static uint8_t damaged[LINK_PACKET_SIZE_MAX];
	static uint8_t again[LINK_PACKET_SIZE_MAX];
	struct link_packet packets[] = {
		{.kind = LINK_HELLO, .hello = {.version = 1, .budget = 5}},
		{.kind = LINK_UP},
		{.kind = LINK_DOWN, .reason = SPAN_LITERAL("gone")},
		{.kind = LINK_ROOM, .room = 77},
		{.kind = LINK_USED, .used = {1, 2}},
		message_of(LINK_MESSAGE, "rep/hz-01/hq/0000000a", 20),
		message_of(LINK_PUBLISH, "alarm/hz-01", 20),
	};
	size_t read = 0;
	size_t refused = 0;

	(void)state;
	assert_true(name_set(&packets[0].hello.name, span_of("hq")));
	for (size_t i = 0; i < ARRAY_LEN(packets); i++) {
		size_t size = link_encode(&packets[i], buffer);
		struct link_packet got;

		for (size_t cut = 0; cut < size; cut++)
			assert_false(link_decode(buffer, cut, &got));
		memcpy(damaged, buffer, size);
		damaged[size] = 0;
		assert_false(link_decode(damaged, size + 1, &got));
		for (size_t at = 0; at < size; at++) {
			for (unsigned value = 0; value < 256; value++) {
				memcpy(damaged, buffer, size);
				damaged[at] = (uint8_t)value;
				if (!link_decode(damaged, size, &got)) {
					refused++;
					continue;
				}
				read++;
				assert_int_equal(link_encode(&got, again),
						 size);
				assert_memory_equal(again, damaged, size);
			}
		}
	}
	printf("%zu read, %zu refused\n", read, refused);
	assert_true(read > 1000 && refused > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_read_as_it_was_written),
		cmocka_unit_test(
			the_longest_message_of_each_plane_fits_and_no_longer_one),
		cmocka_unit_test(the_bytes_are_those_of_version_1),
		cmocka_unit_test(what_is_no_topic_of_ours_is_none),
		cmocka_unit_test(
			a_packet_that_is_cut_or_damaged_is_refused_or_means_what_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
