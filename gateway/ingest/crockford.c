#include "gateway/ingest/crockford.h"

#include <string.h>

#include "rules/base/check.h"

#define MODULUS 37

static const char symbols[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*+$%U";

/* What people write for a symbol that looks like another. */
static char as_meant(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	switch (c) {
	case 'I':
	case 'L':
		return '1';
	case 'O':
		return '0';
	case '~':
		return '+';
	case '=':
		return '%';
	default:
		return c;
	}
}

char crockford_symbol(uint8_t value)
{
	ASSERT(value < MODULUS);
	return symbols[value];
}

uint8_t crockford_value(char c)
{
	const char *at = c == '\0' ? NULL : strchr(symbols, as_meant(c));

	return at == NULL ? CROCKFORD_NONE : (uint8_t)(at - symbols);
}

bool crockford_is_filler(char c)
{
	return c == ' ' || c == '-' || c == '\t' || c == '\r' || c == '\n';
}

uint8_t crockford_check(const uint8_t *values, size_t count)
{
	unsigned rest = 0;

	for (size_t i = 0; i < count; i++)
		rest = (rest << CROCKFORD_BITS | values[i]) % MODULUS;
	return (uint8_t)rest;
}
