/*
 * Any bytes as a fork's proof: refused, or one with just those bytes.
 */
#include <string.h>

#include "store/feed.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nobody[KEY_PUBLIC_SIZE] = {0};
	static const uint8_t no_net[NET_ID_SIZE] = {0};
	struct fork_proof proof;
	uint8_t bytes[2 * DELTA_HEADER_SIZE_MAX];
	struct reader reader;
	struct writer writer;

	reader_init(&reader, data, size);
	if (fork_proof_read(&reader, &proof) != ERR_OK)
		return 0;
	writer_init(&writer, bytes, sizeof(bytes));
	fork_proof_write(&writer, &proof);
	ASSERT(writer_ok(&writer) && writer.size == reader.at);
	ASSERT(memcmp(bytes, data, writer.size) == 0);
	ASSERT(!fork_proof_verify(nobody, no_net, &proof));
	return 0;
}
