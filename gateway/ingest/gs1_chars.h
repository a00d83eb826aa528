/*
 * gs1_chars - the character sets of GS1 and of links.
 *
 * Layer     gateway/ingest
 * Threads   any; pure
 *
 * Source    GS1 General Specifications, section 7.11 (CSET 82, 39, 64);
 *           RFC 3986, section 2 (links).
 */
#ifndef DEPOT_GATEWAY_INGEST_GS1_CHARS_H
#define DEPOT_GATEWAY_INGEST_GS1_CHARS_H

#include <stdbool.h>

/* Place in CSET 82, 0 for '!' to 81 for 'z'; -1 if it is not in it. */
static inline int gs1_cset82_place(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 56;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 29;
	if (c >= '%' && c <= '?')
		return c - '%' + 2;
	return c == '_' ? 55 : c == '!' ? 0 : c == '"' ? 1 : -1;
}

static inline bool gs1_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool gs1_is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static inline bool gs1_is_cset39(char c)
{
	return gs1_is_digit(c) || (c >= 'A' && c <= 'Z') || c == '#' ||
	       c == '-' || c == '/';
}

/* Without the padding '='. */
static inline bool gs1_is_cset64(char c)
{
	return gs1_is_digit(c) || gs1_is_letter(c) || c == '-' || c == '_';
}

/* RFC 3986: stands for itself anywhere in a link. */
static inline bool gs1_is_unreserved(char c)
{
	return gs1_is_cset64(c) || c == '.' || c == '~';
}

/* 0 to 15; -1 if it is no hexadecimal digit. */
static inline int gs1_hex(char c)
{
	if (gs1_is_digit(c))
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
