/*
 * Any bytes are a frame of joining in its one form, or none: what reads is
 * written again with the same bytes. Behind them the right MAC is put, so that
 * what a MAC would keep out is tried, too. And any text is a topic or a code
 * that is written again as it was meant, or none.
 */
#include <string.h>

#include "gateway/ingest/join_code.h"
#include "gateway/sync/join.h"
#include "store/seal.h"
#include "tests/fuzz/fuzz.h"

#define MAC_TAG "depot join frame v1"

static const uint8_t key[JOIN_KEY_SIZE] = {7};

static void frame_check(struct span bytes)
{
	uint8_t again[JOIN_FRAME_SIZE_MAX];
	struct join_frame frame;
	struct writer writer;

	if (join_read(bytes, key, &frame) != ERR_OK)
		return;
	writer_init(&writer, again, sizeof(again));
	join_write(&writer, &frame, key);
	ASSERT(writer_ok(&writer) && writer.size == bytes.size &&
	       memcmp(again, bytes.data, bytes.size) == 0);
}

static void signed_check(struct span bytes)
{
	uint8_t whole[JOIN_FRAME_SIZE_MAX];
	struct span secret = {(const char *)key, sizeof(key)};

	if (bytes.size > sizeof(whole) - HASH_SIZE)
		return;
	memcpy(whole, bytes.data, bytes.size);
	seal_mac(secret, MAC_TAG, bytes, whole + bytes.size);
	frame_check((struct span){(const char *)whole, bytes.size + HASH_SIZE});
}

static void text_check(struct span text)
{
	char written[JOIN_CODE_SIZE_MAX + 1];
	char topic_text[JOIN_TOPIC_SIZE];
	struct join_topic topic;
	struct join_code again;
	struct join_code code;

	if (join_topic_read(text, &topic)) {
		join_topic_write(&topic, topic_text);
		ASSERT(span_equal(text, span_of(topic_text)));
	}
	if (join_code_parse(text, &code) != JOIN_CODE_SOUND)
		return;
	join_code_write(&code, written);
	ASSERT(join_code_parse(span_of(written), &again) == JOIN_CODE_SOUND &&
	       join_code_is_same(&code, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = {(const char *)data, size};

	if (size == 0)
		return 0;
	frame_check(bytes);
	signed_check(bytes);
	text_check(bytes);
	return 0;
}
