/*
 * Any bytes as a bundle: as they are, and as the contents of blocks whose
 * lengths and checksums are right, so that what a checksum would keep out is
 * tried, too. It ends, and what its first block counts is there.
 */
#include <string.h>

#include "gateway/sync/bundle.h"
#include "store/seal.h"
#include "tests/fuzz/fuzz.h"

#define FILE_SIZE_MAX 131072
#define LENGTH_SIZE 2 /* of a content in the input */

struct stick {
	uint8_t bytes[FILE_SIZE_MAX];
	size_t size;
	size_t at;
};

static struct stick stick;
static struct bundle bundle;

static enum err_code stick_read(void *context, void *bytes, size_t size,
				size_t *ret_size, struct err *err)
{
	size_t left = stick.size - stick.at;

	(void)context;
	(void)err;
	*ret_size = size < left ? size : left;
	memcpy(bytes, stick.bytes + stick.at, *ret_size);
	stick.at += *ret_size;
	return ERR_OK;
}

static void header_check(const struct bundle_header *header)
{
	ASSERT(header->ack_count <= header->acks.size);
	ASSERT(header->count <= header->entries.size);
	ASSERT(header->acks.size + header->entries.size < header->block.size);
}

static void stick_take(void)
{
	const struct bundle_io io = {.read = stick_read};
	struct bundle_header header;
	struct pack pack;
	struct span bytes;
	enum err_code code;

	stick.at = 0;
	if (bundle_open(&bundle, &io, &header, NULL) != ERR_OK)
		return;
	header_check(&header);
	do {
		code = bundle_next(&bundle, &pack, &bytes, NULL);
		ASSERT(code != ERR_OK ||
		       (pack.count >= 1 && bytes.size <= PACK_SIZE_MAX));
	} while (code == ERR_OK);
	ASSERT(code == ERR_STOPPED || code == ERR_CORRUPT);
	ASSERT(bundle.frames <= stick.size);
}

/* Each content as a block, with the empty one behind them. */
static void blocks_write(const uint8_t *data, size_t size)
{
	struct reader reader;
	struct writer writer;
	uint64_t chain = 0;
	struct span content;

	reader_init(&reader, data, size);
	writer_init(&writer, stick.bytes, sizeof(stick.bytes));
	write_raw(&writer, BUNDLE_MAGIC, strlen(BUNDLE_MAGIC));
	write_u8(&writer, BUNDLE_VERSION);
	do {
		size_t start = writer.size;
		size_t length = 0;

		if (reader_left(&reader) > LENGTH_SIZE)
			length = (size_t)read_u8(&reader) << 8 |
				 read_u8(&reader);
		if (length > reader_left(&reader))
			length = reader_left(&reader);
		content = read_raw(&reader, length);
		write_u32(&writer, (uint32_t)content.size);
		write_raw(&writer, content.data, content.size);
		if (!writer_ok(&writer))
			return;
		chain = seal_checksum(
			chain, (struct span){(char *)writer.data + start, 4});
		chain = seal_checksum(chain, content);
		write_u64(&writer, chain);
	} while (content.size > 0);
	if (writer_ok(&writer))
		stick.size = writer.size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > sizeof(stick.bytes))
		return 0;
	memcpy(stick.bytes, data, size);
	stick.size = size;
	stick_take();
	stick.size = 0;
	blocks_write(data, size);
	stick_take();
	return 0;
}
