/*
 * payload - a published payload, written by the code under test and read back
 * by the strict front that reads what devices send.
 */
#ifndef DEPOT_TESTS_SUPPORT_PAYLOAD_H
#define DEPOT_TESTS_SUPPORT_PAYLOAD_H

#include <stdalign.h>

#include "gateway/ingest/json.h"
#include "gateway/ingest/json_out.h"
#include "tests/support/check.h"

struct payload {
	char buffer[PAYLOAD_OUT_SIZE_MAX];
	struct json_out out;
	struct json json;
	alignas(max_align_t) char memory[JSON_MEMORY_SIZE(
		PAYLOAD_OUT_SIZE_MAX)];
};

/* What is published has no room but this. */
static inline struct json_out *payload_begin(struct payload *payload)
{
	out_init(&payload->out, payload->buffer, sizeof(payload->buffer));
	return &payload->out;
}

static inline void payload_parse(struct payload *payload, struct span text)
{
	struct fault fault;

	json_init(&payload->json, payload->memory, sizeof(payload->memory));
	if (json_parse(&payload->json, text, &fault) != ERR_OK)
		fail_msg("not JSON: %.*s", (int)text.size, text.data);
}

/* Reads back what was written: it fits, and it is JSON. */
static inline void payload_end(struct payload *payload)
{
	assert_true(out_ok(&payload->out));
	payload_parse(payload, out_span(&payload->out));
}

static inline const struct json_value *payload_at(const struct payload *payload,
						  const char *name)
{
	const struct json_value *value =
		json_member(json_root(&payload->json), name);

	if (value == NULL)
		fail_msg("no member %s in %.*s", name, (int)payload->out.size,
			 payload->buffer);
	return value;
}

static inline bool payload_has(const struct payload *payload, const char *name)
{
	return json_member(json_root(&payload->json), name) != NULL;
}

static inline bool payload_is_null(const struct payload *payload,
				   const char *name)
{
	return json_kind(payload_at(payload, name)) == JSON_NULL;
}

static inline int64_t payload_value_int(const struct json_value *value)
{
	struct json_range all = {INT64_MIN, INT64_MAX};
	struct fault fault;
	int64_t number = 0;

	assert_code(json_to_int(value, all, &number, &fault), ERR_OK);
	return number;
}

static inline int64_t payload_int(const struct payload *payload,
				  const char *name)
{
	return payload_value_int(payload_at(payload, name));
}

static inline struct span payload_value_text(const struct json_value *value)
{
	struct fault fault;
	struct span text = {"", 0};

	assert_code(json_to_text(value, &text, &fault), ERR_OK);
	return text;
}

static inline struct span payload_text(const struct payload *payload,
				       const char *name)
{
	return payload_value_text(payload_at(payload, name));
}

/* Entries of a list. */
static inline size_t payload_count(const struct json_value *list)
{
	size_t count = 0;

	for (const struct json_value *at = json_first(list); at != NULL;
	     at = json_next(at))
		count++;
	return count;
}

/* Entry @index of a list, which has one. */
static inline const struct json_value *
payload_entry(const struct json_value *list, size_t index)
{
	const struct json_value *at = json_first(list);

	while (at != NULL && index-- > 0)
		at = json_next(at);
	assert_non_null(at);
	return at;
}

#endif
