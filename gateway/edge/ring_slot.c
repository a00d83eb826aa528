#include "gateway/edge/ring_slot.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/edge/fnv.h"
#include "rules/base/bytes.h"

#define MAGIC "DEPOTRNG"
#define CHECKSUM_SIZE 8

#define FLAG_DUP 1u
#define FLAG_RETAINED 2u
#define FLAG_CUT 4u
#define FLAG_CLOCK_TRUSTED 8u
#define FLAG_RESPONSE 16u
#define FLAGS_ALL 31u

#define BODY_SIZE (RING_SLOT_SIZE - 16 - CHECKSUM_SIZE)

/* What stands before the topic, without the checksum. */
#define BODY_HEAD_SIZE 28

_Static_assert(BODY_HEAD_SIZE + TOPIC_IN_SIZE_MAX + PAYLOAD_IN_SIZE_MAX <=
		       BODY_SIZE,
	       "the longest message fits a slot");

void head_write(uint8_t *encoded, uint32_t slot_count)
{
	struct writer writer;

	writer_init(&writer, encoded, RING_HEAD_ENCODED_SIZE);
	write_raw(&writer, MAGIC, sizeof(MAGIC) - 1);
	write_u32(&writer, RING_VERSION);
	write_u32(&writer, RING_SLOT_SIZE);
	write_u32(&writer, slot_count);
	write_u64(&writer, fnv1a(FNV_START, encoded, writer.size));
	ASSERT(writer_ok(&writer));
}

uint32_t head_read(const uint8_t *encoded)
{
	uint8_t expected[RING_HEAD_ENCODED_SIZE];
	struct reader reader;
	uint32_t slot_count;

	reader_init(&reader, encoded + 16, 4);
	slot_count = read_u32(&reader);
	head_write(expected, slot_count);
	return memcmp(encoded, expected, sizeof(expected)) == 0 ? slot_count
								: 0;
}

/* Both or neither: @used bytes come before them. */
static bool response_fits(const struct ring_message *message, size_t used)
{
	size_t size = message->response.size + message->correlation.size;

	ASSERT(message->response.size <= RESPONSE_SIZE_MAX &&
	       message->correlation.size <= CORRELATION_SIZE_MAX);
	return size > 0 && used + 4 + size <= BODY_SIZE;
}

static void response_write(struct writer *writer,
			   const struct ring_message *message)
{
	write_u16(writer, (uint16_t)message->response.size);
	write_u16(writer, (uint16_t)message->correlation.size);
	write_raw(writer, message->response.data, message->response.size);
	write_raw(writer, message->correlation.data, message->correlation.size);
}

static uint8_t flags_of(const struct ring_message *message, bool is_cut)
{
	return (uint8_t)((message->is_dup ? FLAG_DUP : 0u) |
			 (message->is_retained ? FLAG_RETAINED : 0u) |
			 (is_cut ? FLAG_CUT : 0u) |
			 (message->arrived.is_trusted ? FLAG_CLOCK_TRUSTED
						      : 0u));
}

static size_t body_write(uint8_t *body, uint64_t number,
			 const struct ring_message *message)
{
	size_t topic_size = message->topic.size;
	size_t payload_size = message->payload.size;
	size_t sent_size =
		payload_size < UINT32_MAX ? payload_size : UINT32_MAX;
	struct writer writer;
	bool has_response;
	uint8_t flags;

	if (topic_size > TOPIC_IN_SIZE_MAX)
		topic_size = TOPIC_IN_SIZE_MAX;
	if (payload_size > PAYLOAD_IN_SIZE_MAX)
		payload_size = PAYLOAD_IN_SIZE_MAX;

	has_response = response_fits(message, BODY_HEAD_SIZE + topic_size +
						      payload_size);
	flags = flags_of(message, topic_size < message->topic.size ||
					  payload_size < sent_size);
	if (has_response)
		flags |= FLAG_RESPONSE;

	writer_init(&writer, body, BODY_SIZE);
	write_u64(&writer, number);
	write_u64(&writer, (uint64_t)message->arrived.moment.ms);
	write_u8(&writer, flags);
	write_u8(&writer, message->qos);
	write_u16(&writer, message->packet_id);
	write_u16(&writer, (uint16_t)topic_size);
	write_u16(&writer, (uint16_t)payload_size);
	write_u32(&writer, (uint32_t)sent_size);
	write_raw(&writer, message->topic.data, topic_size);
	write_raw(&writer, message->payload.data, payload_size);
	if (has_response)
		response_write(&writer, message);
	ASSERT(writer_ok(&writer));
	return writer.size;
}

void slot_write(struct slot *slot, uint64_t number,
		const struct ring_message *message)
{
	uint8_t *body = slot->body + CHECKSUM_SIZE;
	struct writer writer;
	size_t size;

	atomic_store_explicit(&slot->commit, 0, memory_order_relaxed);
	/* The compiler may not move the writes below before this. */
	atomic_signal_fence(memory_order_seq_cst);
	size = body_write(body, number, message);
	writer_init(&writer, slot->body, CHECKSUM_SIZE);
	write_u64(&writer, fnv1a(FNV_START, body, size));
	atomic_store_explicit(&slot->deaths, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->commit, number, memory_order_release);
}

static void response_read(struct reader *reader, struct ring_message *message)
{
	uint16_t response_size = read_u16(reader);
	uint16_t correlation_size = read_u16(reader);

	message->response = read_raw(reader, response_size);
	message->correlation = read_raw(reader, correlation_size);
}

size_t slot_read(const struct slot *slot, struct ring_slot *ret_slot)
{
	struct ring_message *message = &ret_slot->message;
	struct reader reader;
	uint16_t topic_size;
	uint16_t payload_size;
	uint8_t flags;

	reader_init(&reader, slot->body + CHECKSUM_SIZE,
		    sizeof(slot->body) - CHECKSUM_SIZE);
	ret_slot->number = read_u64(&reader);
	message->arrived.moment.ms = (int64_t)read_u64(&reader);
	flags = read_u8(&reader);
	message->qos = read_u8(&reader);
	message->packet_id = read_u16(&reader);
	topic_size = read_u16(&reader);
	payload_size = read_u16(&reader);
	ret_slot->payload_size = read_u32(&reader);
	message->topic = read_raw(&reader, topic_size);
	message->payload = read_raw(&reader, payload_size);
	message->response = message->correlation = (struct span){"", 0};
	if ((flags & FLAG_RESPONSE) != 0)
		response_read(&reader, message);
	if (!reader_ok(&reader) || flags > FLAGS_ALL)
		return 0;

	message->arrived.is_trusted = (flags & FLAG_CLOCK_TRUSTED) != 0;
	message->is_dup = (flags & FLAG_DUP) != 0;
	message->is_retained = (flags & FLAG_RETAINED) != 0;
	ret_slot->is_cut = (flags & FLAG_CUT) != 0;
	ret_slot->deaths =
		(uint32_t)(atomic_load_explicit(&slot->deaths,
						memory_order_relaxed) &
			   RING_DEATHS_MASK);
	return reader.at;
}

enum slot_state slot_check(const struct slot *slot, uint64_t *ret_number)
{
	uint64_t commit =
		atomic_load_explicit(&slot->commit, memory_order_acquire);
	struct ring_slot view;
	struct reader reader;
	size_t size;

	if (commit == 0)
		return SLOT_EMPTY;
	size = slot_read(slot, &view);
	reader_init(&reader, slot->body, CHECKSUM_SIZE);
	if (size == 0 || view.number != commit ||
	    view.message.arrived.moment.ms < 0 ||
	    view.message.arrived.moment.ms > MOMENT_MS_MAX ||
	    view.message.topic.size > TOPIC_IN_SIZE_MAX ||
	    view.message.payload.size > PAYLOAD_IN_SIZE_MAX ||
	    view.message.response.size > RESPONSE_SIZE_MAX ||
	    view.message.correlation.size > CORRELATION_SIZE_MAX ||
	    read_u64(&reader) !=
		    fnv1a(FNV_START, slot->body + CHECKSUM_SIZE, size))
		return SLOT_DAMAGED;
	*ret_number = commit;
	return SLOT_WHOLE;
}

static void scan_last(const struct slot *slots, uint32_t count,
		      struct scan *scan)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t number = 0;

		if (slot_check(&slots[i], &number) == SLOT_WHOLE &&
		    number > scan->last_number) {
			scan->last_number = number;
			scan->next_index = (i + 1) % count;
		}
	}
}

/*
 * Slots are written round and round, so from the one after the newest on they
 * are in order of age. One that is not (it can't be ours) counts as damaged.
 */
enum err_code scan_slots(const struct slot *slots, uint32_t count,
			 uint64_t last_taken, struct scan *ret_scan,
			 struct err *err)
{
	struct scan scan = {.found = calloc(count + 1u, sizeof(uint32_t))};
	uint64_t before = last_taken;

	if (scan.found == NULL)
		return err_set(err, ERR_FULL, "no memory for %u slots", count);
	scan_last(slots, count, &scan);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t index = (scan.next_index + i) % count;
		uint64_t number = 0;
		enum slot_state state = slot_check(&slots[index], &number);

		if (state == SLOT_EMPTY ||
		    (state == SLOT_WHOLE && number <= last_taken))
			continue;
		if (state == SLOT_DAMAGED || number <= before) {
			scan.damaged++;
			continue;
		}
		scan.found[scan.count++] = index;
		before = number;
	}
	*ret_scan = scan;
	return ERR_OK;
}
