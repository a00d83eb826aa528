/*
 * Whatever the strict front takes is sound: its keys and texts are UTF-8, it
 * can be written again by our own writer, and what was written is taken and
 * written again as the same bytes.
 */
#include <stdalign.h>

#include "gateway/ingest/json.h"
#include "gateway/ingest/json_out.h"
#include "tests/fuzz/fuzz.h"

#define SIZE_MAX_IN PAYLOAD_IN_SIZE_MAX
/* An escape of one byte ("\n") is one of two; U+001D as a byte is refused on
 * the way in, and is six bytes on both sides. */
#define SIZE_MAX_OUT (8 * SIZE_MAX_IN)

static alignas(16) unsigned char memory[JSON_MEMORY_SIZE(SIZE_MAX_OUT)];
static char first[SIZE_MAX_OUT];
static char second[SIZE_MAX_OUT];

static void write_value(struct json_out *out, const struct json_value *value);

static void write_children(struct json_out *out, const struct json_value *value)
{
	bool is_object = json_kind(value) == JSON_OBJECT;
	char key[SIZE_MAX_IN + 1];

	for (value = json_first(value); value != NULL;
	     value = json_next(value)) {
		ASSERT(utf8_is_valid(json_key(value)));
		if (is_object) {
			text_print(json_key(value), key, sizeof(key));
			out_key(out, key);
		}
		write_value(out, value);
	}
}

/* Numbers are written as text: their exact form is json_to_int's business. */
static void write_number(struct json_out *out, const struct json_value *value)
{
	const struct json_range any = {INT64_MIN, INT64_MAX};
	struct fault fault;
	int64_t number;

	if (json_to_int(value, any, &number, &fault) == ERR_OK) {
		out_int(out, number);
		return;
	}
	ASSERT(fault.kind == FAULT_NOT_WHOLE ||
	       fault.kind == FAULT_OUT_OF_RANGE);
	out_string(out, fault.value);
}

static void write_value(struct json_out *out, const struct json_value *value)
{
	struct fault fault;
	struct span text;
	bool is_true;

	switch (json_kind(value)) {
	case JSON_NULL:
		out_null(out);
		break;
	case JSON_BOOL:
		ASSERT(json_to_bool(value, &is_true, &fault) == ERR_OK);
		out_bool(out, is_true);
		break;
	case JSON_NUMBER:
		write_number(out, value);
		break;
	case JSON_STRING:
		ASSERT(json_to_text(value, &text, &fault) == ERR_OK);
		ASSERT(utf8_is_valid(text));
		out_text(out, text);
		break;
	case JSON_ARRAY:
		out_array(out);
		write_children(out, value);
		out_array_end(out);
		break;
	case JSON_OBJECT:
		out_object(out);
		write_children(out, value);
		out_object_end(out);
		break;
	}
}

static struct span written(const struct json *json, char *buffer)
{
	struct json_out out;

	out_init(&out, buffer, SIZE_MAX_OUT);
	write_value(&out, json_root(json));
	ASSERT(out_ok(&out));
	return out_span(&out);
}

static void check_refusal(const struct fault *fault, size_t size)
{
	char text[FAULT_TEXT_SIZE];

	ASSERT(fault->kind >= FAULT_JSON_EMPTY &&
	       fault->kind <= FAULT_BAD_NUMBER);
	/* The memory suffices for every text of this size. */
	ASSERT(fault->kind != FAULT_TOO_MUCH);
	ASSERT(fault->at <= size + 1);
	fault_text_en(fault, text, sizeof(text));
	ASSERT(text_is_clean(span_of(text)));
	fault_text_zh(fault, text, sizeof(text));
	ASSERT(text_is_clean(span_of(text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json json;
	struct fault fault;
	struct span once;

	if (size > SIZE_MAX_IN)
		return 0;
	json_init(&json, memory, sizeof(memory));
	if (json_parse(&json, (struct span){(const char *)data, size},
		       &fault) != ERR_OK) {
		check_refusal(&fault, size);
		return 0;
	}
	once = written(&json, first);
	ASSERT(json_parse(&json, once, &fault) == ERR_OK);
	ASSERT(span_equal(written(&json, second), once));
	return 0;
}
