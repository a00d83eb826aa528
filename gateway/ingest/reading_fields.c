#include "gateway/ingest/reading_fields.h"

enum err_code reading_take_fields(struct reading *reading,
				  const struct json_value *root,
				  const struct reading_field *fields,
				  size_t count, struct fault *fault)
{
	enum err_code code = ERR_OK;

	for (const struct json_value *value = json_first(root);
	     value != NULL && code == ERR_OK; value = json_next(value)) {
		struct span key = json_key(value);

		for (size_t i = 0; i < count; i++) {
			if (span_equal(key, fields[i].name)) {
				code = fields[i].take(reading, value, fault);
				break;
			}
		}
	}
	return code;
}

enum err_code reading_size_fault(enum fault_kind kind, const char *field,
				 size_t size, size_t max, struct fault *fault)
{
	enum err_code code = fault_of(fault, kind, field, span_of(""));

	(void)text_format(fault->value, sizeof(fault->value), "%zu", size);
	fault->high = max;
	return code;
}

enum err_code reading_too_long(const struct json_value *value, size_t size,
			       size_t max, struct fault *fault)
{
	enum err_code code = json_fault(value, FAULT_TEXT_TOO_LONG, fault);

	(void)text_format(fault->value, sizeof(fault->value), "%zu", size);
	fault->high = max;
	return code;
}

enum err_code reading_missing(const char *field, struct fault *fault)
{
	return fault_of(fault, FAULT_MISSING, field, span_of(""));
}

enum err_code reading_text(const struct json_value *value,
			   struct span *ret_text, struct fault *fault)
{
	struct span text;
	enum err_code code = json_to_text(value, &text, fault);

	if (code != ERR_OK)
		return code;
	if (text.size == 0)
		return json_fault(value, FAULT_EMPTY, fault);
	if (!text_is_clean(text))
		return json_fault(value, FAULT_BAD_TEXT, fault);
	*ret_text = text;
	return ERR_OK;
}

enum err_code reading_place(const struct json_value *value,
			    struct place_name *ret_name, struct fault *fault)
{
	struct span text;
	enum err_code code = reading_text(value, &text, fault);

	if (code != ERR_OK)
		return code;
	if (!place_name_set(ret_name, text))
		return reading_too_long(value, text.size, PLACE_NAME_SIZE_MAX,
					fault);
	if (!place_name_is_valid(text))
		return json_fault(value, FAULT_BAD_TEXT, fault);
	return ERR_OK;
}

enum err_code reading_take_at(struct reading *reading,
			      const struct json_value *value,
			      struct fault *fault)
{
	enum err_code code = json_to_moment(value, &reading->at, fault);

	reading->has_at = code == ERR_OK;
	return code;
}
