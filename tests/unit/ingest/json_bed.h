/*
 * A text that is parsed from a buffer of exactly its size, so that a sanitizer
 * sees the first byte read beyond it, or after it is gone.
 */
#ifndef DEPOT_TESTS_UNIT_INGEST_JSON_BED_H
#define DEPOT_TESTS_UNIT_INGEST_JSON_BED_H

#include "tests/support/check.h"

#include <stdalign.h>

#include "gateway/ingest/json.h"

#define TEXT_MAX 4096

static alignas(16) unsigned char memory[JSON_MEMORY_SIZE(TEXT_MAX)];

/* Parses a copy of @text that ends where its allocation ends. */
static inline enum err_code parse(struct json *json, struct span text,
				  struct fault *fault)
{
	char *copy = malloc(text.size);
	enum err_code code;

	assert_true(copy != NULL || text.size == 0);
	if (text.size > 0)
		memcpy(copy, text.data, text.size);
	json_init(json, memory, sizeof(memory));
	memset(fault, 0, sizeof(*fault));
	code = json_parse(json, (struct span){copy, text.size}, fault);
	free(copy); /* the tree must not need it */
	return code;
}

/* The root of @text, which must be sound; borrowed until the next parse. */
static inline const struct json_value *parsed(struct json *json,
					      const char *text)
{
	struct fault fault;

	if (parse(json, span_of(text), &fault) != ERR_OK)
		fail_msg("refused as %s: %s", fault_code(fault.kind), text);
	return json_root(json);
}

#endif
