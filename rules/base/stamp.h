/*
 * stamp - hybrid logical clock: physical milliseconds and a counter.
 *
 * Layer     rules/base
 * Threads   any
 *
 * Source    Kulkarni, Demirbas et al., "Logical Physical Clocks", 2014: the
 *           stamp never goes back, stays near physical time, and orders what
 *           one site wrote even when its clock jumps.
 *
 * 48 bits of milliseconds since 1970 and 16 bits of counter in one number, so
 * that stamps compare as integers.
 */
#ifndef DEPOT_RULES_BASE_STAMP_H
#define DEPOT_RULES_BASE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

struct stamp {
	uint64_t value;
};

/* Physical time, milliseconds since 1970-01-01T00:00:00Z. Negative never. */
struct moment {
	int64_t ms;
};

#define STAMP_COUNTER_BITS 16
#define MOMENT_MS_MAX ((INT64_C(1) << 48) - 1)

/*
 * The next stamp after @last when the clock says @now: its milliseconds if
 * they are ahead, else @last with the counter one up (which carries into the
 * milliseconds when it overflows).
 */
struct stamp stamp_next(struct stamp last, struct moment now);

/* The stamp's physical part. */
struct moment stamp_moment(struct stamp stamp);

/*
 * True if the stamp tells the time @now, and not of a clock that was ahead once
 * and has been put right: more than STAMP_NEAR_MS beyond it, stamps still go
 * up, and say nothing of when.
 */
#define STAMP_NEAR_MS (INT64_C(5) * 60 * 1000)
bool stamp_is_near(struct stamp stamp, struct moment now);

#endif
