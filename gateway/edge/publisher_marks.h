/*
 * publisher_marks - sets of numbers, and which numbers were used just now.
 *
 * Layer     gateway/edge, inside publisher only
 * Threads   the loop
 *
 * A set is one bit a number; a million items are 122 KiB.
 */
#ifndef DEPOT_GATEWAY_EDGE_PUBLISHER_MARKS_H
#define DEPOT_GATEWAY_EDGE_PUBLISHER_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/err.h"

struct marks {
	uint64_t *words;
	uint32_t capacity; /* numbers 0 to capacity - 1 */
	uint32_t count;    /* of the numbers in the set */
};

/* Makes room for at least @capacity numbers; an all-zero set is empty. What is
 * in it stays. ERR_FULL: out of memory, nothing was done. */
MUST_CHECK enum err_code marks_grow(struct marks *marks, uint32_t capacity,
				    struct err *err);
void marks_release(struct marks *marks);

bool marks_has(const struct marks *marks, uint32_t number);
void marks_add(struct marks *marks, uint32_t number);
void marks_remove(struct marks *marks, uint32_t number);
void marks_clear(struct marks *marks);
/* Adds @first to @last, none if @first > @last. */
void marks_add_range(struct marks *marks, uint32_t first, uint32_t last);
/* Makes @to equal to @from; both have the same capacity. */
void marks_copy(struct marks *to, const struct marks *from);

/* The first number at or after @from, and then from 0 again, that is in
 * @marks and not in @except (of the same capacity). False if there is none. */
bool marks_next(const struct marks *marks, const struct marks *except,
		uint32_t from, uint32_t *ret_number);

/*
 * The numbers that were used less than a span of time ago. Each is in it at
 * most once; times never go back.
 */
struct recent {
	struct marks marks;
	struct recent_use *uses; /* a ring, oldest first */
	uint32_t oldest;
	uint32_t count;
};
struct recent_use {
	uint32_t number;
	uint32_t ms; /* of the monotonic clock, wrapping */
};

/* As marks_grow. */
MUST_CHECK enum err_code recent_grow(struct recent *recent, uint32_t capacity,
				     struct err *err);
void recent_release(struct recent *recent);
/* Adds @number, which must not be in it. */
void recent_add(struct recent *recent, uint32_t number, int64_t now_ms);
/* Forgets what was used @span_ms ago or longer. */
void recent_expire(struct recent *recent, int64_t now_ms, uint32_t span_ms);
/* In how many ms the oldest is to be forgotten; there must be one, and what is
 * due must have been forgotten. */
uint32_t recent_left_ms(const struct recent *recent, int64_t now_ms,
			uint32_t span_ms);

#endif
