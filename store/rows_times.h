/*
 * rows_times - stamps and effective times as differences.
 *
 * Layer     store; part of rows; pure
 * Threads   any
 *
 * All times are modulo 2^64: that they are numbers of our time nobody promised.
 */
#ifndef DEPOT_STORE_ROWS_TIMES_H
#define DEPOT_STORE_ROWS_TIMES_H

#include "rules/base/stamp.h"
#include "store/rows_shape.h"

/* What the next row's times count from. */
struct row_times {
	struct stamp stamp;
	uint64_t effective_ms;
};

static inline uint64_t row_zigzag(uint64_t value)
{
	return value << 1 ^ (value >> 63 != 0 ? UINT64_MAX : 0);
}

static inline uint64_t row_unzigzag(uint64_t bits)
{
	return bits >> 1 ^ ((bits & 1) != 0 ? UINT64_MAX : 0);
}

/* The stamp that follows @before and is @ms later: as stamp_next. */
struct stamp row_stamp_after(struct stamp before, uint64_t ms);
/* Milliseconds from @before to @stamp. */
uint64_t row_stamp_distance(struct stamp before, struct stamp stamp);
/* Whether that distance says all. */
bool row_stamp_follows(struct stamp before, struct stamp stamp);

/* One of the four classes of effective times. */
enum row_class row_effective_class(uint64_t stamp_ms, uint64_t effective_ms);
/* What stands in the row for an effective time of that class. */
uint64_t row_effective_code(const struct row_times *times, enum row_class class,
			    uint64_t stamp_ms, uint64_t effective_ms);
/* And back; of what nobody wrote, some time with another code. */
uint64_t row_effective_of(const struct row_times *times, enum row_class class,
			  uint64_t stamp_ms, uint64_t code);

/* After a row with these fields; NULL, or number 0: it has none. */
void row_times_move(struct row_times *times, const struct row_field *stamp,
		    const struct row_field *effective);

#endif
