#include "rules/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rules/base/limits.h"

struct span span_of(const char *terminated)
{
	return (struct span){terminated, strlen(terminated)};
}

bool span_equal(struct span a, struct span b)
{
	return a.size == b.size &&
	       (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool span_is(struct span a, const char *terminated)
{
	return span_equal(a, span_of(terminated));
}

bool span_starts(struct span a, const char *prefix)
{
	size_t size = strlen(prefix);

	return a.size >= size && memcmp(a.data, prefix, size) == 0;
}

int span_compare(struct span a, struct span b)
{
	size_t common = a.size < b.size ? a.size : b.size;
	int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

	if (order != 0)
		return order;
	return (a.size > b.size) - (a.size < b.size);
}

bool span_to_u64(struct span text, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (text.size == 0 || (text.size > 1 && text.data[0] == '0'))
		return false;
	for (size_t i = 0; i < text.size; i++) {
		uint64_t digit = (uint64_t)(unsigned char)text.data[i] - '0';

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (value > max)
		return false;
	*ret_value = value;
	return true;
}

/*
 * The length of the valid character at @text, or 0. The table of RFC 3629,
 * section 4, as ranges of the first and second byte.
 */
static size_t utf8_char_size(const unsigned char *text, size_t room,
			     uint32_t *ret_point)
{
	unsigned char first = text[0];
	size_t size = first < 0x80   ? 1
		      : first < 0xe0 ? 2
		      : first < 0xf0 ? 3
				     : 4;
	uint32_t point = size == 1 ? first : first & (0xffu >> (size + 1));
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

	if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || size > room)
		return 0;
	for (size_t i = 1; i < size; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (text[i] & 0x3fu);
	}
	if (point < least[size] || point > 0x10ffff ||
	    (point >= 0xd800 && point <= 0xdfff))
		return 0;
	*ret_point = point;
	return size;
}

static bool utf8_walk(struct span text, bool controls_allowed)
{
	const unsigned char *bytes = (const unsigned char *)text.data;
	size_t at = 0;

	while (at < text.size) {
		uint32_t point = 0;
		size_t size =
			utf8_char_size(bytes + at, text.size - at, &point);

		if (size == 0)
			return false;
		if (!controls_allowed &&
		    (point < 0x20 || (point >= 0x7f && point < 0xa0)))
			return false;
		at += size;
	}
	return true;
}

bool utf8_is_valid(struct span text)
{
	return utf8_walk(text, true);
}

size_t utf8_first_size(struct span text)
{
	uint32_t point;

	if (text.size == 0)
		return 0;
	return utf8_char_size((const unsigned char *)text.data, text.size,
			      &point);
}

bool text_is_clean(struct span text)
{
	return utf8_walk(text, false);
}

bool text_is_name(struct span text)
{
	if (text.size == 0 || text.size > NAME_SIZE_MAX)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		char c = text.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '-'))
			return false;
	}
	return true;
}

void text_print(struct span text, char *buffer, size_t size)
{
	size_t used = text.size;

	ASSERT(size > 0);
	if (used > size - 1) {
		used = size - 1;
		while (used > 0 &&
		       ((unsigned char)text.data[used] & 0xc0) == 0x80)
			used--;
	}
	if (used > 0)
		memcpy(buffer, text.data, used);
	buffer[used] = '\0';
}

bool text_format(char *buffer, size_t size, const char *format, ...)
{
	va_list arguments;
	int written;

	ASSERT(size > 0);
	va_start(arguments, format);
	written = vsnprintf(buffer, size, format, arguments);
	va_end(arguments);
	return written >= 0 && (size_t)written < size;
}

bool text_store(char *data, size_t max, uint8_t *size, struct span from)
{
	ASSERT(max <= UINT8_MAX);
	if (from.size > max)
		return false;
	if (from.size > 0)
		memcpy(data, from.data, from.size);
	/* The rest is zeroed, so that equal texts are equal bytes. */
	memset(data + from.size, 0, max - from.size);
	*size = (uint8_t)from.size;
	return true;
}
