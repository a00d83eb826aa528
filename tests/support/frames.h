/*
 * frames - one sample of each frame, with fixed values: golden files hold
 * their bytes.
 */
#ifndef DEPOT_TESTS_SUPPORT_FRAMES_H
#define DEPOT_TESTS_SUPPORT_FRAMES_H

#include <string.h>

#include "gateway/sync/frame.h"
#include "tests/support/check.h"

#define SAMPLE_COUNT 12

struct sample {
	const char *name;
	struct frame frame;
	uint8_t list[256]; /* what the frame borrows */
};

static inline void sample_fill(uint8_t *bytes, size_t size, uint8_t first)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(first + i);
}

static inline struct span sample_entries(struct sample *sample, bool has_lowest)
{
	static const struct frame_entry entries[] = {
		{{1, 1, 0}, 12, 0x0102030405060708, 1},
		{{3, 1, 0}, 300, 0x1112131415161718, 40},
		{{3, 1, 0xa0a1a2a3a4a5a6a7}, 299, 0x2122232425262728, 290},
		{{40, 7, 0}, 1, 0x3132333435363738, 1},
	};
	struct frame_list list = {.has_lowest = has_lowest};
	struct writer writer;

	writer_init(&writer, sample->list, sizeof(sample->list));
	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		frame_entry_write(&writer, &list, &entries[i]);
	assert_true(writer_ok(&writer));
	return (struct span){(const char *)sample->list, writer.size};
}

static inline struct span sample_packs(struct sample *sample)
{
	struct span pack = {"pqrstuvw", 8};
	struct writer writer;

	writer_init(&writer, sample->list, sizeof(sample->list));
	frame_pack_write(&writer, pack);
	pack.size = 3;
	frame_pack_write(&writer, pack);
	assert_true(writer_ok(&writer));
	return (struct span){(const char *)sample->list, writer.size};
}

static inline struct span sample_ranges(struct sample *sample)
{
	static const struct frame_range ranges[] = {
		{{1, 1, 0}, 13, 20},
		{{40, 7, 0}, 2, 2},
		{{3, 1, 0xa0a1a2a3a4a5a6a7}, 300, 100000},
	};
	struct writer writer;

	writer_init(&writer, sample->list, sizeof(sample->list));
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		frame_range_write(&writer, &ranges[i]);
	assert_true(writer_ok(&writer));
	return (struct span){(const char *)sample->list, writer.size};
}

static inline void sample_hello(struct sample *sample)
{
	struct frame_hello *hello = &sample->frame.body.hello;

	sample->frame.type = FRAME_HELLO;
	hello->version_min = 1;
	hello->version_max = 2;
	hello->net = 0x0102030405060708;
	hello->boot = 0x1112131415161718;
	sample_fill(hello->digest, sizeof(hello->digest), 0x20);
	hello->base = 0x3132333435363738;
	hello->credit = 131072;
}

static inline void sample_have(struct sample *sample, uint32_t flags)
{
	struct frame_have *have = &sample->frame.body.have;

	sample->frame.type = FRAME_HAVE;
	have->flags = flags;
	sample_fill(have->digest, sizeof(have->digest), 0x40);
	if (flags == HAVE_EQUAL)
		return;
	have->count = 4;
	have->entries = sample_entries(sample, true);
}

static inline void sample_ack(struct sample *sample)
{
	struct frame_ack *ack = &sample->frame.body.ack;

	sample->frame.type = FRAME_ACK;
	sample->frame.session = 0;
	ack->site = 3;
	ack->epoch = 2;
	ack->stamp.value = 0x0190abcdef010203;
	ack->base = 0x5152535455565758;
	ack->count = 4;
	ack->entries = sample_entries(sample, false);
	sample_fill(ack->signature, sizeof(ack->signature), 0x60);
}

static inline void sample_of_head(struct sample *sample)
{
	struct frame_head *head = &sample->frame.body.head;

	sample->frame.type = FRAME_HEAD;
	sample->frame.session = 0;
	head->site = 7;
	head->epoch = 3;
	head->seq = 12345;
	sample_fill(head->hash, sizeof(head->hash), 1);
	sample_fill(head->digest, sizeof(head->digest), 0x80);
	head->stamp.value = 0x0190abcdef010203;
	head->flags = HEAD_CLOCK_TRUSTED;
	head->boot = 0x0908070605040302;
	head->control = pos_make(1, 99);
	head->next_s = 60;
	sample_fill(head->signature, sizeof(head->signature), 0xa0);
}

/* The @index-th of SAMPLE_COUNT; it points into itself. */
static inline void sample_make(struct sample *sample, size_t index)
{
	static const char *const names[SAMPLE_COUNT] = {
		"hello", "have",   "have_equal", "have_partial",
		"want",  "credit", "batches",    "ack",
		"head",  "proof",  "refuse",     "live",
	};
	struct frame *frame = &sample->frame;

	memset(sample, 0, sizeof(*sample));
	sample->name = names[index];
	frame->session = 0xc0ffee01;
	sample_fill(sample->list, 8, 0x70);
	switch (index) {
	case 0:
		sample_hello(sample);
		break;
	case 1:
		sample_have(sample, 0);
		break;
	case 2:
		sample_have(sample, HAVE_EQUAL);
		break;
	case 3:
		sample_have(sample, HAVE_PARTIAL);
		break;
	case 4:
		frame->type = FRAME_WANT;
		frame->body.want.number = 3;
		frame->body.want.granted = 40000;
		frame->body.want.count = 3;
		frame->body.want.ranges = sample_ranges(sample);
		break;
	case 5:
		frame->type = FRAME_CREDIT;
		frame->body.credit.granted = UINT64_C(1) << 40;
		break;
	case 6:
		frame->type = FRAME_BATCHES;
		frame->body.packs = sample_packs(sample);
		break;
	case 7:
		sample_ack(sample);
		break;
	case 8:
		sample_of_head(sample);
		break;
	case 9:
		frame->type = FRAME_PROOF;
		frame->body.proof =
			(struct span){(const char *)sample->list, 8};
		break;
	case 10:
		frame->type = FRAME_REFUSE;
		frame->body.refuse = (struct frame_refuse){REFUSE_BUSY, 5};
		break;
	default:
		frame->type = FRAME_LIVE;
		frame->session = 0;
		frame->body.pack = (struct span){(const char *)sample->list, 8};
		break;
	}
}

#endif
