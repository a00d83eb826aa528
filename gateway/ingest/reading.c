#include "gateway/ingest/reading.h"

#include "gateway/ingest/reading_fields.h"

/* A boot id: a text, or a number taken as its digits. */
static enum err_code take_boot(struct reading *reading,
			       const struct json_value *value,
			       struct fault *fault)
{
	char digits[24];
	struct span text;
	uint64_t number;
	enum err_code code;

	if (json_kind(value) == JSON_NUMBER) {
		code = json_to_id(value, 0, &number, fault);
		if (code != ERR_OK)
			return code;
		(void)text_format(digits, sizeof(digits), "%llu",
				  (unsigned long long)number);
		text = span_of(digits);
	} else {
		code = reading_text(value, &text, fault);
		if (code != ERR_OK)
			return code;
	}
	if (!boot_set(&reading->boot, text))
		return reading_too_long(value, text.size, BOOT_SIZE_MAX, fault);
	return ERR_OK;
}

/* Before all else: a refusal is answered to this name. */
static enum err_code take_name(struct reading *reading,
			       const struct json_value *root,
			       struct fault *fault)
{
	const struct json_value *boot = json_member(root, "boot");
	const struct json_value *seq = json_member(root, "seq");
	enum err_code code = ERR_OK;

	if (boot != NULL)
		code = take_boot(reading, boot, fault);
	if (code == ERR_OK && seq != NULL) {
		code = json_to_id(seq, 1, &reading->seq, fault);
		reading->has_seq = code == ERR_OK;
	}
	return code;
}

/* Before the rest: in another version it may mean something else. */
static enum err_code version_check(const struct json_value *root,
				   struct fault *fault)
{
	const struct json_range any = {INT64_MIN, INT64_MAX};
	const struct json_value *value = json_member(root, "v");
	int64_t version;
	enum err_code code;

	if (value == NULL)
		return reading_missing("v", fault);
	code = json_to_int(value, any, &version, fault);
	if (code == ERR_OK && version != READING_VERSION) {
		code = json_fault(value, FAULT_UNKNOWN_VERSION, fault);
		fault->high = READING_VERSION;
	}
	return code;
}

static enum err_code document_parse(struct reading *reading,
				    const struct json_value *root,
				    struct fault *fault)
{
	enum err_code code;

	if (json_kind(root) != JSON_OBJECT)
		return fault_set(fault, FAULT_NO_OBJECT);
	code = take_name(reading, root, fault);
	if (code == ERR_OK)
		code = version_check(root, fault);
	if (code != ERR_OK)
		return code;
	switch (reading->kind) {
	case READING_SCAN:
		code = reading_scan(reading, root, fault);
		break;
	case READING_SHELF:
		code = reading_shelf(reading, root, fault);
		break;
	case READING_RFID:
		code = reading_rfid(reading, root, fault);
		break;
	}
	return code;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_bare_code(struct span text)
{
	while (text.size > 0 && is_blank(text.data[0])) {
		text.data++;
		text.size--;
	}
	return text.size == 0 || text.data[0] != '{';
}

static void reading_begin(struct reading *reading, enum reading_kind kind)
{
	reading->kind = kind;
	reading->has_seq = false;
	reading->seq = 0;
	reading->boot = (struct boot){0};
	reading->has_at = false;
}

enum err_code reading_parse_scan(const struct json_value *root,
				 struct reading *reading, struct fault *fault)
{
	reading_begin(reading, READING_SCAN);
	return reading_scan(reading, root, fault);
}

enum err_code reading_parse(enum reading_kind kind, struct span payload,
			    struct json *json, struct reading *reading,
			    struct fault *fault)
{
	enum err_code code;

	reading_begin(reading, kind);
	if (payload.size > PAYLOAD_IN_SIZE_MAX)
		return reading_size_fault(FAULT_MESSAGE_TOO_LONG, "",
					  payload.size, PAYLOAD_IN_SIZE_MAX,
					  fault);
	if (span_starts(payload, "\xef\xbb\xbf")) {
		payload.data += 3;
		payload.size -= 3;
	}
	if (kind == READING_SCAN && is_bare_code(payload))
		return reading_bare(reading, payload, fault);
	code = json_parse(json, payload, fault);
	if (code != ERR_OK)
		return code;
	return document_parse(reading, json_root(json), fault);
}
