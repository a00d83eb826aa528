#include "gateway/core/view.h"

static const char hex_digits[] = "0123456789ABCDEF";

static bool is_plain(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

void view_level_print(struct span name, char level[VIEW_LEVEL_SIZE])
{
	size_t at = 0;

	ASSERT(name.size <= VIEW_LEVEL_NAME_SIZE_MAX);
	for (size_t i = 0; i < name.size; i++) {
		unsigned char c = (unsigned char)name.data[i];

		if (is_plain(name.data[i])) {
			level[at++] = name.data[i];
			continue;
		}
		level[at++] = '%';
		level[at++] = hex_digits[c >> 4];
		level[at++] = hex_digits[c & 15];
	}
	level[at] = '\0';
}

/* 0 to 15, or -1. */
static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Reads the byte that stands at the front of @level; 0: not as we write it. */
static size_t byte_parse(struct span level, char *ret_byte)
{
	int high;
	int low;

	if (is_plain(level.data[0])) {
		*ret_byte = level.data[0];
		return 1;
	}
	if (level.data[0] != '%' || level.size < 3)
		return 0;
	high = hex_value(level.data[1]);
	low = hex_value(level.data[2]);
	if (high < 0 || low < 0 || is_plain((char)(high << 4 | low)))
		return 0;
	*ret_byte = (char)(high << 4 | low);
	return 3;
}

bool view_level_parse(struct span level, char name[VIEW_LEVEL_NAME_SIZE_MAX],
		      size_t *ret_size)
{
	size_t size = 0;

	while (level.size > 0) {
		size_t step;

		if (size == VIEW_LEVEL_NAME_SIZE_MAX)
			return false;
		step = byte_parse(level, &name[size]);
		if (step == 0)
			return false;
		size++;
		level.data += step;
		level.size -= step;
	}
	if (size == 0)
		return false;
	*ret_size = size;
	return true;
}
