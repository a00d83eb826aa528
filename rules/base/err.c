#include "rules/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[] = {
	[ERR_OK] = "ok",
	[ERR_INVALID] = "invalid",
	[ERR_NOT_FOUND] = "not_found",
	[ERR_CONFLICT] = "conflict",
	[ERR_OVERFLOW] = "overflow",
	[ERR_AGAIN] = "again",
	[ERR_FULL] = "full",
	[ERR_IO] = "io",
	[ERR_CORRUPT] = "corrupt",
	[ERR_VERSION] = "version",
	[ERR_UNSAFE] = "unsafe",
	[ERR_DENIED] = "denied",
	[ERR_NOT_COMMISSIONED] = "not_commissioned",
	[ERR_STOPPED] = "stopped",
};

const char *err_code_name(enum err_code code)
{
	ASSERT((size_t)code < ARRAY_LEN(code_names));
	return code_names[code];
}

/* Appends ": " and @tail to @text, cutting at the end of the buffer. */
static void text_append(char *text, const char *tail)
{
	static const char colon[] = ": ";
	size_t used = strlen(text);
	size_t room = ERR_TEXT_SIZE - 1 - used;
	size_t size = strlen(tail);

	if (room < sizeof(colon) - 1)
		return;
	memcpy(text + used, colon, sizeof(colon) - 1);
	used += sizeof(colon) - 1;
	room -= sizeof(colon) - 1;
	if (size > room)
		size = room;
	memcpy(text + used, tail, size);
	text[used + size] = '\0';
}

enum err_code err_set(struct err *err, enum err_code code, const char *format,
		      ...)
{
	va_list arguments;

	ASSERT(code != ERR_OK);
	if (err == NULL)
		return code;
	va_start(arguments, format);
	(void)vsnprintf(err->text, sizeof(err->text), format, arguments);
	va_end(arguments);
	err->code = code;
	return code;
}

enum err_code err_sys(struct err *err, int number, const char *format, ...)
{
	enum err_code code =
		number == ENOSPC || number == EDQUOT ? ERR_FULL : ERR_IO;
	va_list arguments;

	if (err == NULL)
		return code;
	va_start(arguments, format);
	(void)vsnprintf(err->text, sizeof(err->text), format, arguments);
	va_end(arguments);
	text_append(err->text, strerror(number));
	err->code = code;
	return code;
}

enum err_code err_wrap(struct err *err, enum err_code code, const char *format,
		       ...)
{
	char inner[ERR_TEXT_SIZE];
	va_list arguments;

	ASSERT(code != ERR_OK);
	if (err == NULL)
		return code;
	memcpy(inner, err->text, sizeof(inner));
	va_start(arguments, format);
	(void)vsnprintf(err->text, sizeof(err->text), format, arguments);
	va_end(arguments);
	text_append(err->text, inner);
	err->code = code;
	return code;
}
