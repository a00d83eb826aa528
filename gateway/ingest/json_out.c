#include "gateway/ingest/json_out.h"

#include <string.h>

void out_init(struct json_out *out, char *buffer, size_t capacity)
{
	*out = (struct json_out){.data = buffer, .capacity = capacity};
}

bool out_ok(const struct json_out *out)
{
	return !out->has_failed;
}

struct span out_span(const struct json_out *out)
{
	return (struct span){out->data, out->size};
}

void out_reserve(struct json_out *out, size_t size)
{
	out->reserve = size;
}

struct json_mark out_mark(const struct json_out *out)
{
	ASSERT(!out->has_key);
	return (struct json_mark){*out};
}

void out_rollback(struct json_out *out, struct json_mark mark)
{
	ASSERT(out->data == mark.out.data && out->size >= mark.out.size);
	*out = mark.out;
}

/* ---- bytes ---- */

/* Writes unless that would take the room kept for what must follow. */
static void put(struct json_out *out, const char *data, size_t size)
{
	size_t kept = out->reserve + out->depth;

	if (out->has_failed || kept > out->capacity - out->size ||
	    size > out->capacity - out->size - kept) {
		out->has_failed = true;
		return;
	}
	if (size > 0)
		memcpy(out->data + out->size, data, size);
	out->size += size;
}

static bool in_object(const struct json_out *out)
{
	return out->depth > 0 && (out->objects >> (out->depth - 1) & 1) != 0;
}

/* Before each value: a comma where one is due. */
static void begin_value(struct json_out *out)
{
	ASSERT(in_object(out) == out->has_key);
	ASSERT(out->depth > 0 || !out->has_value);
	if (out->has_value && !out->has_key)
		put(out, ",", 1);
	out->has_key = false;
	out->has_value = true;
}

static void put_value(struct json_out *out, const char *text, size_t size)
{
	begin_value(out);
	put(out, text, size);
}

/* ---- brackets ---- */

static void open_bracket(struct json_out *out, const char *bracket,
			 bool is_object)
{
	begin_value(out);
	ASSERT(out->depth < JSON_OUT_DEPTH_MAX);
	/* With its end: from here on the depth keeps that byte. */
	out->reserve++;
	put(out, bracket, 1);
	out->reserve--;
	if (is_object)
		out->objects |= UINT32_C(1) << out->depth;
	else
		out->objects &= ~(UINT32_C(1) << out->depth);
	out->depth++;
	out->has_value = false;
}

static void close_bracket(struct json_out *out, const char *bracket,
			  bool is_object)
{
	size_t reserve = out->reserve;

	ASSERT(out->depth > 0 && in_object(out) == is_object && !out->has_key);
	out->depth--;
	/* Its byte was kept; the reserve is for what comes behind it. */
	out->reserve = 0;
	put(out, bracket, 1);
	out->reserve = reserve;
	out->has_value = true;
}

void out_object(struct json_out *out)
{
	open_bracket(out, "{", true);
}

void out_object_end(struct json_out *out)
{
	close_bracket(out, "}", true);
}

void out_array(struct json_out *out)
{
	open_bracket(out, "[", false);
}

void out_array_end(struct json_out *out)
{
	close_bracket(out, "]", false);
}

/* ---- texts ---- */

/* Bytes at the front of @text that stand for themselves. */
static size_t plain_size(struct span text)
{
	size_t at = 0;

	while (at < text.size) {
		unsigned char c = (unsigned char)text.data[at];
		size_t step = 1;

		if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
			break;
		if (c >= 0x80)
			step = utf8_first_size(
				(struct span){text.data + at, text.size - at});
		if (step == 0)
			break;
		at += step;
	}
	return at;
}

/* One byte that does not: escaped, or replaced. */
static void put_special(struct json_out *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char unit[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 0xf]};
	char pair[] = {'\\', (char)c};
	static const char *const letters[0x20] = {['\b'] = "\\b",
						  ['\f'] = "\\f",
						  ['\n'] = "\\n",
						  ['\r'] = "\\r",
						  ['\t'] = "\\t"};

	if (c >= 0x80)
		put(out, "\xef\xbf\xbd", 3);
	else if (c == '"' || c == '\\')
		put(out, pair, sizeof(pair));
	else if (c < 0x20 && letters[c] != NULL)
		put(out, letters[c], 2);
	else
		put(out, unit, sizeof(unit));
}

static void put_quoted(struct json_out *out, struct span text)
{
	put(out, "\"", 1);
	while (text.size > 0 && !out->has_failed) {
		size_t size = plain_size(text);

		put(out, text.data, size);
		if (size < text.size) {
			put_special(out, (unsigned char)text.data[size]);
			size++;
		}
		text.data += size;
		text.size -= size;
	}
	put(out, "\"", 1);
}

void out_key(struct json_out *out, const char *key)
{
	ASSERT(in_object(out) && !out->has_key);
	if (out->has_value)
		put(out, ",", 1);
	put_quoted(out, span_of(key));
	put(out, ":", 1);
	out->has_key = true;
}

void out_text(struct json_out *out, struct span text)
{
	begin_value(out);
	put_quoted(out, text);
}

void out_string(struct json_out *out, const char *terminated)
{
	out_text(out, span_of(terminated));
}

/* ---- other values ---- */

/* Writes the digits of @number so that they end at @end; returns the first. */
static char *digits_before(char *end, uint64_t number)
{
	do {
		*--end = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return end;
}

void out_int(struct json_out *out, int64_t number)
{
	char text[24];
	char *end = text + sizeof(text);
	uint64_t magnitude =
		number < 0 ? UINT64_C(0) - (uint64_t)number : (uint64_t)number;
	char *at = digits_before(end, magnitude);

	if (number < 0)
		*--at = '-';
	put_value(out, at, (size_t)(end - at));
}

void out_id(struct json_out *out, uint64_t id)
{
	char text[24];
	char *end = text + sizeof(text);
	char *at;

	*--end = '"';
	at = digits_before(end, id);
	*--at = '"';
	put_value(out, at, (size_t)(end + 1 - at));
}

void out_bool(struct json_out *out, bool is_true)
{
	if (is_true)
		put_value(out, "true", 4);
	else
		put_value(out, "false", 5);
}

void out_null(struct json_out *out)
{
	put_value(out, "null", 4);
}

void out_moment(struct json_out *out, struct moment moment)
{
	char text[MOMENT_TEXT_SIZE];

	if (moment_print(moment, text))
		out_string(out, text);
	else
		out_null(out);
}

void out_date(struct json_out *out, struct date date)
{
	char text[DATE_TEXT_SIZE];

	if (!date_is_valid(date)) {
		out_null(out);
		return;
	}
	date_print(date, text);
	out_string(out, text);
}

void out_raw(struct json_out *out, struct span json)
{
	ASSERT(json.size > 0);
	put_value(out, json.data, json.size);
}

/* ---- members ---- */

void out_int_at(struct json_out *out, const char *key, int64_t number)
{
	out_key(out, key);
	out_int(out, number);
}

void out_id_at(struct json_out *out, const char *key, uint64_t id)
{
	out_key(out, key);
	out_id(out, id);
}

void out_bool_at(struct json_out *out, const char *key, bool is_true)
{
	out_key(out, key);
	out_bool(out, is_true);
}

void out_null_at(struct json_out *out, const char *key)
{
	out_key(out, key);
	out_null(out);
}

void out_text_at(struct json_out *out, const char *key, struct span text)
{
	out_key(out, key);
	out_text(out, text);
}

void out_string_at(struct json_out *out, const char *key,
		   const char *terminated)
{
	out_key(out, key);
	out_string(out, terminated);
}

void out_moment_at(struct json_out *out, const char *key, struct moment moment)
{
	out_key(out, key);
	out_moment(out, moment);
}

void out_object_at(struct json_out *out, const char *key)
{
	out_key(out, key);
	out_object(out);
}

void out_array_at(struct json_out *out, const char *key)
{
	out_key(out, key);
	out_array(out);
}
