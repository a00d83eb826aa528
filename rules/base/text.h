/*
 * text - bounded strings that are stored by value.
 *
 * Layer     rules/base
 * Threads   any
 *
 * A struct text_N holds up to N bytes of UTF-8 and their number; it is not
 * terminated and may hold no NUL. What it may contain is checked where it
 * enters: text_is_name(), text_is_clean().
 */
#ifndef DEPOT_RULES_BASE_TEXT_H
#define DEPOT_RULES_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/check.h"

/* A borrowed run of bytes. Valid as long as what it points into. */
struct span {
	const char *data;
	size_t size;
};

#define SPAN_LITERAL(literal) ((struct span){(literal), sizeof(literal) - 1})

struct span span_of(const char *terminated);
bool span_equal(struct span a, struct span b);
bool span_is(struct span a, const char *terminated);
bool span_starts(struct span a, const char *prefix);
/* Byte order, shorter first on a common prefix: <0, 0, >0. */
int span_compare(struct span a, struct span b);

/*
 * Reads @text as a decimal number without sign, blanks or leading zeros
 * ("0" itself is fine).
 *
 * ERR is told as false: not such a number, or above @max.
 */
MUST_CHECK bool span_to_u64(struct span text, uint64_t max,
			    uint64_t *ret_value);

/* True if the bytes are valid UTF-8 (RFC 3629: shortest form, no surrogates,
 * at most U+10FFFF). */
bool utf8_is_valid(struct span text);

/* Bytes (1 to 4) of the character that @text begins with; 0 if it is empty or
 * what it begins with is not valid UTF-8. */
size_t utf8_first_size(struct span text);

/* True if valid UTF-8 without control characters (C0, DEL, C1). */
bool text_is_clean(struct span text);

/* True if 1 to NAME_SIZE_MAX characters of [a-z0-9-]. */
bool text_is_name(struct span text);

/*
 * Copies @text into @buffer of @size bytes and terminates it, cutting at a
 * character boundary if it does not fit. For printing only.
 */
void text_print(struct span text, char *buffer, size_t size);

/* Formats into @buffer of @size bytes, always terminated. Returns false if it
 * had to cut. */
PRINTF_LIKE(3, 4)
bool text_format(char *buffer, size_t size, const char *format, ...);

/*
 * Declares struct text_N, and text_N_set (which returns false, leaving the
 * text as it was, when the span is longer than N) and text_N_span.
 */
#define TEXT_DECLARE(name, max)                                          \
	struct name {                                                    \
		uint8_t size;                                            \
		char data[max];                                          \
	};                                                               \
	MUST_CHECK static inline bool name##_set(struct name *text,      \
						 struct span from)       \
	{                                                                \
		return text_store(text->data, (max), &text->size, from); \
	}                                                                \
	static inline struct span name##_span(const struct name *text)   \
	{                                                                \
		return (struct span){text->data, text->size};            \
	}

/* What TEXT_DECLARE's set functions share; @max is at most 255. */
bool text_store(char *data, size_t max, uint8_t *size, struct span from);

#endif
