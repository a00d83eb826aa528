/*
 * Any bytes as a delta's header: refused, or one with just those bytes.
 */
#include <string.h>

#include "store/delta.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct delta_header header;
	uint8_t bytes[DELTA_HEADER_SIZE_MAX];
	struct reader reader;
	struct writer writer;

	reader_init(&reader, data, size);
	if (delta_header_read(&reader, &header) != ERR_OK)
		return 0;
	ASSERT(delta_header_is_sound(&header));
	writer_init(&writer, bytes, sizeof(bytes));
	delta_header_write(&writer, &header);
	ASSERT(writer_ok(&writer) && writer.size == reader.at);
	ASSERT(memcmp(bytes, data, writer.size) == 0);
	return 0;
}
