/*
 * check - what unit tests share on top of cmocka.
 */
#ifndef DEPOT_TESTS_SUPPORT_CHECK_H
#define DEPOT_TESTS_SUPPORT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rules/base/err.h"
#include "rules/base/text.h"

/* Asserts ERR_OK, and prints @err's sentence when it is not. */
#define assert_done(call, error)                                            \
	do {                                                                \
		enum err_code code_ = (call);                               \
		if (code_ != ERR_OK)                                        \
			fail_msg("%s: %s: %s", #call, err_code_name(code_), \
				 (error)->text);                            \
	} while (0)

#define assert_code(call, expected) \
	assert_string_equal(err_code_name(call), err_code_name(expected))

#define assert_span(actual, expected)                                  \
	do {                                                           \
		struct span span_ = (actual);                          \
		assert_int_equal(span_.size, strlen(expected));        \
		assert_memory_equal(span_.data, expected, span_.size); \
	} while (0)

/* Skips the test, and says why where tests/run looks for it: each skip is
 * listed by name (docs/testing.md, "Skips"). */
#define skip_because(...)                     \
	do {                                  \
		printf("SKIP: " __VA_ARGS__); \
		printf("\n");                 \
		skip();                       \
	} while (0)

/*
 * The seed of a property test: DEPOT_SEED, or @fallback. Printed, so that a
 * failure can be replayed.
 */
static inline uint64_t test_seed(uint64_t fallback)
{
	const char *text = getenv("DEPOT_SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : fallback;

	printf("seed %llu\n", (unsigned long long)seed);
	return seed;
}

/* splitmix64 (Steele, Lea, Flood 2014): small, good enough, ours to replay. */
static inline uint64_t test_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* The folder of shared vectors: DEPOT_DATA, or the one beside the project. */
static inline const char *test_data_folder(void)
{
	const char *folder = getenv("DEPOT_DATA");

	return folder != NULL ? folder : DEPOT_DATA_DEFAULT;
}

#endif
