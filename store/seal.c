#include "store/seal.h"

#include <sodium.h>
#include <string.h>

#include "rules/base/bytes.h"

/* The domain is half of the key, what came before is the other: chaining
 * costs no second pass and no copy of the bytes. */
static const uint8_t domain[8] = {'d', 'e', 'p', 'o', 't', ' ', 'v', '1'};

uint64_t seal_checksum(uint64_t before, struct span bytes)
{
	uint8_t key[crypto_shorthash_KEYBYTES];
	uint8_t sum[crypto_shorthash_BYTES];
	struct writer writer;
	struct reader reader;

	writer_init(&writer, key, sizeof(key));
	write_raw(&writer, domain, sizeof(domain));
	write_u64(&writer, before);
	ASSERT(writer_ok(&writer) && writer.size == sizeof(key));
	(void)crypto_shorthash(sum, (const uint8_t *)bytes.data, bytes.size,
			       key); /* documented to return 0 always */
	reader_init(&reader, sum, sizeof(sum));
	return read_u64(&reader);
}

void seal_random(void *bytes, size_t size)
{
	randombytes_buf(bytes, size);
}
