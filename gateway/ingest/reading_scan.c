#include <string.h>

#include "gateway/ingest/reading_fields.h"
#include "rules/base/qty.h"

static const char *const op_names[] = {
	[OP_NONE] = "none",
	[OP_RECEIVE] = "receive",
	[OP_PUTAWAY] = "putaway",
	[OP_MOVE] = "move",
	[OP_PICK] = "pick",
	[OP_PACK] = "pack",
	[OP_SHIP] = "ship",
	[OP_RETURN] = "return",
	[OP_COUNT] = "count",
	[OP_SCRAP] = "scrap",
	[OP_HOLD] = "hold",
	[OP_RELEASE] = "release",
	[OP_TRANSFER_OUT] = "transfer_out",
	[OP_TRANSFER_IN] = "transfer_in",
	[OP_UNDO] = "undo",
	[OP_DONE] = "done",
};

const char *reading_op_name(enum reading_op op)
{
	ASSERT((size_t)op < ARRAY_LEN(op_names));
	return op_names[op];
}

bool reading_op_parse(struct span text, enum reading_op *ret_op)
{
	for (int op = OP_NONE + 1; op <= OP_MAX; op++) {
		if (span_is(text, op_names[op])) {
			*ret_op = (enum reading_op)op;
			return true;
		}
	}
	return false;
}

struct span reading_code(const struct scan_reading *scan, size_t index)
{
	ASSERT(index < scan->code_count);
	return (struct span){scan->code_texts + scan->codes[index].at,
			     scan->codes[index].size};
}

/* @field names it in a fault; the suffix of a scanner is dropped. */
static enum err_code add_code(struct scan_reading *scan, struct span text,
			      const char *field, struct fault *fault)
{
	size_t at = 0;

	while (text.size > 0 && (text.data[text.size - 1] == '\r' ||
				 text.data[text.size - 1] == '\n'))
		text.size--;
	if (text.size == 0)
		return fault_of(fault, FAULT_EMPTY, field, text);
	if (text.size > READING_CODE_SIZE_MAX)
		return reading_size_fault(FAULT_TEXT_TOO_LONG, field, text.size,
					  READING_CODE_SIZE_MAX, fault);
	if (scan->code_count > 0)
		at = (size_t)scan->codes[scan->code_count - 1].at +
		     scan->codes[scan->code_count - 1].size;
	/* All codes are parts of one payload, and no escape grows. */
	ASSERT(at + text.size <= sizeof(scan->code_texts));
	memcpy(scan->code_texts + at, text.data, text.size);
	scan->codes[scan->code_count].at = (uint16_t)at;
	scan->codes[scan->code_count].size = (uint16_t)text.size;
	scan->code_count++;
	return ERR_OK;
}

static enum err_code take_one_code(struct reading *reading,
				   const struct json_value *value,
				   struct fault *fault)
{
	struct scan_reading *scan = &reading->body.scan;
	struct span text;
	enum err_code code;

	if (scan->code_count > 0)
		return fault_of(fault, FAULT_TWO_GIVEN, "code",
				span_of("codes"));
	code = json_to_text(value, &text, fault);
	if (code != ERR_OK)
		return code;
	return add_code(scan, text, "code", fault);
}

static enum err_code take_codes(struct reading *reading,
				const struct json_value *value,
				struct fault *fault)
{
	struct scan_reading *scan = &reading->body.scan;
	enum err_code code = json_to_array(value, fault);

	if (code != ERR_OK)
		return code;
	if (scan->code_count > 0)
		return fault_of(fault, FAULT_TWO_GIVEN, "codes",
				span_of("code"));
	value = json_first(value);
	if (value == NULL)
		return fault_of(fault, FAULT_EMPTY, "codes", span_of(""));
	for (; value != NULL; value = json_next(value)) {
		struct span text;

		if (scan->code_count == READING_CODES_MAX)
			return reading_size_fault(FAULT_TOO_MANY, "codes",
						  READING_CODES_MAX + 1,
						  READING_CODES_MAX, fault);
		code = json_to_text(value, &text, fault);
		if (code == ERR_OK)
			code = add_code(scan, text, "", fault);
		if (code != ERR_OK) {
			fault_within(fault, "codes", scan->code_count);
			return code;
		}
	}
	return ERR_OK;
}

static enum err_code take_op(struct reading *reading,
			     const struct json_value *value,
			     struct fault *fault)
{
	struct span text;
	enum err_code code = json_to_text(value, &text, fault);

	if (code == ERR_OK && !reading_op_parse(text, &reading->body.scan.op))
		code = json_fault(value, FAULT_UNKNOWN_OP, fault);
	return code;
}

/* Only a count may say that there is nothing. */
static enum err_code take_qty(struct reading *reading,
			      const struct json_value *value,
			      struct fault *fault)
{
	struct scan_reading *scan = &reading->body.scan;
	const struct json_range range = {scan->op == OP_COUNT ? 0 : 1,
					 QTY_MOVE_MAX};
	enum err_code code = json_to_int(value, range, &scan->qty, fault);

	scan->has_qty = code == ERR_OK;
	return code;
}

static enum err_code take_condition(struct reading *reading,
				    const struct json_value *value,
				    struct fault *fault)
{
	struct span text;
	enum err_code code = json_to_text(value, &text, fault);

	if (code == ERR_OK &&
	    !condition_parse(text, &reading->body.scan.condition))
		code = json_fault(value, FAULT_UNKNOWN_CONDITION, fault);
	return code;
}

static enum err_code take_position(struct reading *reading,
				   const struct json_value *value,
				   struct fault *fault)
{
	struct scan_reading *scan = &reading->body.scan;
	enum err_code code = json_to_id(value, 0, &scan->position.value, fault);

	scan->has_position = code == ERR_OK;
	return code;
}

static enum err_code take_expiry(struct reading *reading,
				 const struct json_value *value,
				 struct fault *fault)
{
	return json_to_date(value, &reading->body.scan.expiry, fault);
}

static enum err_code take_bin(struct reading *reading,
			      const struct json_value *value,
			      struct fault *fault)
{
	return reading_place(value, &reading->body.scan.bin, fault);
}

static enum err_code take_to(struct reading *reading,
			     const struct json_value *value,
			     struct fault *fault)
{
	return reading_place(value, &reading->body.scan.to, fault);
}

/* Defines take_@name for a text that goes into the scan's member @name. */
#define TAKE_TEXT(name, max)                                             \
	static enum err_code take_##name(struct reading *reading,        \
					 const struct json_value *value, \
					 struct fault *fault)            \
	{                                                                \
		struct span text;                                        \
		enum err_code code = reading_text(value, &text, fault);  \
                                                                         \
		if (code == ERR_OK &&                                    \
		    !name##_set(&reading->body.scan.name, text))         \
			code = reading_too_long(value, text.size, (max), \
						fault);                  \
		return code;                                             \
	}

TAKE_TEXT(symbology, SYMBOLOGY_SIZE_MAX)
TAKE_TEXT(ref, REF_SIZE_MAX)
TAKE_TEXT(lot, LOT_SIZE_MAX)
TAKE_TEXT(serial, SERIAL_SIZE_MAX)
TAKE_TEXT(reason, REASON_SIZE_MAX)

static const struct reading_field scan_fields[] = {
	READING_FIELD("at", reading_take_at),
	READING_FIELD("codes", take_codes),
	READING_FIELD("code", take_one_code),
	READING_FIELD("symbology", take_symbology),
	READING_FIELD("qty", take_qty),
	READING_FIELD("bin", take_bin),
	READING_FIELD("to", take_to),
	READING_FIELD("ref", take_ref),
	READING_FIELD("lot", take_lot),
	READING_FIELD("condition", take_condition),
	READING_FIELD("position", take_position),
	READING_FIELD("expiry", take_expiry),
	READING_FIELD("serial", take_serial),
	READING_FIELD("reason", take_reason),
};

enum err_code reading_scan(struct reading *reading,
			   const struct json_value *root, struct fault *fault)
{
	struct scan_reading *scan = &reading->body.scan;
	const struct json_value *op = json_member(root, "op");
	enum err_code code = ERR_OK;

	memset(scan, 0, offsetof(struct scan_reading, code_texts));
	/* First: it decides what a quantity may be. */
	if (op != NULL)
		code = take_op(reading, op, fault);
	if (code == ERR_OK)
		code = reading_take_fields(reading, root, scan_fields,
					   ARRAY_LEN(scan_fields), fault);
	if (code != ERR_OK)
		return code;
	if (scan->code_count == 0 && scan->op != OP_UNDO && scan->op != OP_DONE)
		return reading_missing("codes", fault);
	return ERR_OK;
}

/* ---- bare codes ---- */

/* Where @text stops being UTF-8. */
static enum err_code utf8_fault(struct span text, struct fault *fault)
{
	struct span rest = text;
	size_t size = utf8_first_size(rest);
	enum err_code code = fault_set(fault, FAULT_UTF8);

	while (size > 0) {
		rest.data += size;
		rest.size -= size;
		size = utf8_first_size(rest);
	}
	fault->at = (uint32_t)(rest.data - text.data) + 1;
	(void)text_format(fault->value, sizeof(fault->value), "0x%02x",
			  (unsigned)(unsigned char)rest.data[0]);
	return code;
}

enum err_code reading_bare(struct reading *reading, struct span text,
			   struct fault *fault)
{
	struct scan_reading *scan = &reading->body.scan;

	memset(scan, 0, offsetof(struct scan_reading, code_texts));
	scan->is_bare = true;
	if (!utf8_is_valid(text))
		return utf8_fault(text, fault);
	if (text.size > 0 && memchr(text.data, '\0', text.size) != NULL)
		return fault_of(fault, FAULT_BAD_TEXT, "code", text);
	return add_code(scan, text, "code", fault);
}
