#include "gateway/cli/record.h"

#include <string.h>

#define TST_SIZE_MAX 40
#define PAYLOAD_KEY "\"payload\":"

/* mosquitto_sub writes 2026-03-01T08:00:00.123456Z+0100, with a Z that means
 * nothing and an offset without colon. */
static bool tst_parse(struct span tst, struct moment *ret_at)
{
	char text[TST_SIZE_MAX + 1];
	size_t size = tst.size;

	if (size < 6 || size >= TST_SIZE_MAX || tst.data[size - 6] != 'Z' ||
	    (tst.data[size - 5] != '+' && tst.data[size - 5] != '-'))
		return moment_parse(tst, ret_at);
	return text_format(text, sizeof(text), "%.*s%.3s:%.2s", (int)size - 6,
			   tst.data, tst.data + size - 5,
			   tst.data + size - 2) &&
	       moment_parse(span_of(text), ret_at);
}

static enum err_code at_read(const struct json_value *root,
			     struct moment *ret_at, struct fault *fault)
{
	struct span tst;
	enum err_code code;

	if (json_member(root, "tst") == NULL)
		return json_moment(root, "at", ret_at, fault);
	code = json_text(root, "tst", &tst, fault);
	if (code != ERR_OK || tst_parse(tst, ret_at))
		return code;
	return fault_of(fault, FAULT_BAD_TIME, "tst", tst);
}

/* An object as it stands in @line, behind the first key of that name and last
 * in the record: so mosquitto_sub writes it. */
static bool object_cut(const struct json_value *payload, struct span line,
		       struct span *ret_payload)
{
	size_t key = sizeof(PAYLOAD_KEY) - 1;
	size_t end = line.size;

	while (end > 0 && line.data[end - 1] != '}')
		end--;
	if (json_kind(payload) != JSON_OBJECT || json_next(payload) != NULL ||
	    end == 0)
		return false;
	for (size_t i = 0; i + key < end; i++) {
		if (memcmp(line.data + i, PAYLOAD_KEY, key) != 0)
			continue;
		*ret_payload =
			(struct span){line.data + i + key, end - 1 - i - key};
		return true;
	}
	return false;
}

enum err_code record_read(struct json *json, struct span line,
			  struct record *ret_record, struct fault *fault)
{
	const struct json_value *root;
	const struct json_value *payload;
	struct record record;
	enum err_code code = json_parse(json, line, fault);

	if (code != ERR_OK)
		return code;
	root = json_root(json);
	code = json_to_object(root, fault);
	if (code == ERR_OK)
		code = at_read(root, &record.at, fault);
	if (code == ERR_OK)
		code = json_text(root, "topic", &record.topic, fault);
	if (code != ERR_OK)
		return code;
	payload = json_member(root, "payload");
	if (payload == NULL || !object_cut(payload, line, &record.payload))
		code = json_text(root, "payload", &record.payload, fault);
	if (code == ERR_OK)
		*ret_record = record;
	return code;
}
