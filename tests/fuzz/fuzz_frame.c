/*
 * Any bytes are a frame in its one form, or none: what reads is written again
 * with the same bytes, and its lists read to their ends. And as a bundle they
 * end, in whatever way.
 *
 * The first byte chooses which of the two.
 */
#include <string.h>

#include "gateway/sync/bundle.h"
#include "tests/fuzz/fuzz.h"

static struct bundle bundle;

struct input {
	const uint8_t *data;
	size_t size;
	size_t at;
};

static void frame_check(struct span bytes)
{
	static uint8_t again[65536];
	struct writer writer;
	struct frame frame;

	if (bytes.size > sizeof(again) || frame_read(bytes, &frame) != ERR_OK)
		return;
	writer_init(&writer, again, sizeof(again));
	frame_write(&writer, &frame);
	ASSERT(writer_ok(&writer) && writer.size == bytes.size &&
	       memcmp(again, bytes.data, bytes.size) == 0);
}

static enum err_code input_read(void *context, void *bytes, size_t size,
				size_t *ret_size, struct err *err)
{
	struct input *input = context;
	size_t left = input->size - input->at;

	(void)err;
	*ret_size = size < left ? size : left;
	if (*ret_size > 0)
		memcpy(bytes, input->data + input->at, *ret_size);
	input->at += *ret_size;
	return ERR_OK;
}

static void bundle_check(const uint8_t *data, size_t size)
{
	struct input input = {data, size, 0};
	struct bundle_io io = {&input, NULL, input_read};
	struct bundle_header header;
	struct span bytes;
	struct pack pack;
	enum err_code code = bundle_open(&bundle, &io, &header, NULL);

	while (code == ERR_OK)
		code = bundle_next(&bundle, &pack, &bytes, NULL);
	ASSERT(code == ERR_STOPPED || code == ERR_CORRUPT ||
	       code == ERR_VERSION);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if ((data[0] & 1) == 0)
		frame_check((struct span){(const char *)data + 1, size - 1});
	else
		bundle_check(data + 1, size - 1);
	return 0;
}
