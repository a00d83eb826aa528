#include "tests/sim/entropy.h"

#include <sodium.h>
#include <string.h>

#include "rules/base/check.h"
#include "tests/sim/random.h"

static struct random stream;

static const char *source_name(void)
{
	return "the schedule's seed";
}

static uint32_t source_number(void)
{
	return (uint32_t)random_next(&stream);
}

static void source_fill(void *bytes, size_t size)
{
	uint8_t *at = bytes;

	while (size > 0) {
		uint64_t number = random_next(&stream);
		size_t part = size < sizeof(number) ? size : sizeof(number);

		memcpy(at, &number, part);
		at += part;
		size -= part;
	}
}

void entropy_take_over(void)
{
	static randombytes_implementation source = {
		.implementation_name = source_name,
		.random = source_number,
		.buf = source_fill,
	};
	int result = randombytes_set_implementation(&source);

	ASSERT(result == 0);
	/* What it draws once in a process no schedule may miss. */
	result = sodium_init();
	ASSERT(result == 0);
}

void entropy_seed(uint64_t seed)
{
	stream = random_stream(seed, 4);
}
