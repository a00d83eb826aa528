#include "rules/base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SENTENCE_SIZE 256

static check_hook_fn *check_hook;

/* Static, so that a core dump holds it even when the stack is damaged. */
static char check_sentence[SENTENCE_SIZE];

void check_hook_set(check_hook_fn *hook)
{
	check_hook = hook;
}

/* snprintf proper is fortified into a libc entry point that rules/ may not
 * name; vsnprintf is on its allowlist. */
static PRINTF_LIKE(1, 2) void sentence_set(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(check_sentence, sizeof(check_sentence), format,
			arguments);
	va_end(arguments);
}

_Noreturn void check_failed(const char *file, int line, const char *condition)
{
	sentence_set("%s:%d: check failed: %s", file, line, condition);
	if (check_hook != NULL)
		check_hook(check_sentence);
	abort();
}
