/*
 * schedule - when a recurring check is due.
 *
 * Layer     rules/check
 * Threads   any
 *
 * Pure: schedule and zone and a moment in, due times out. A schedule is either
 * times of the day, in site time, or every so many hours from midnight, and on
 * some days of the week or on all. Hours are hours that pass, so a day on
 * which clocks go back has one more: a freezer does not know of summer time.
 * A due time so near to the next midnight that it would come twice within half
 * of its hours is left out.
 */
#ifndef DEPOT_RULES_CHECK_SCHEDULE_H
#define DEPOT_RULES_CHECK_SCHEDULE_H

#include "rules/check/zone.h"
#include "rules/ledger/entry.h"

#define SCHEDULE_TIMES_MAX 10
#define SCHEDULE_EVERY_DAY 0x7fu

/* How far back due times are looked for and counted: after a longer stop there
 * are as many as in this time. */
#define SCHEDULE_LOOK_DAYS 366

struct schedule {
	uint16_t minutes[SCHEDULE_TIMES_MAX]; /* of the day, rising */
	size_t count;
	uint32_t every_h; /* then there are no minutes */
	uint32_t weekdays;
};

/* Reads "08:00 20:00": 1 to SCHEDULE_TIMES_MAX times, rising, with one blank
 * between. False for anything else. */
MUST_CHECK bool schedule_times(struct span text, struct schedule *schedule);

/* True for hours that go into a day without rest: 1, 2, 3, 4, 6, 8, 12. */
bool schedule_hours_are_valid(uint32_t hours);

/* That of a check's number 0. False if it has none, or one that is not sound:
 * then the check is never due. */
MUST_CHECK bool schedule_of(const struct check *check,
			    struct schedule *ret_schedule);

/* The first due time after @after (not at it). False beyond the year 9998. */
MUST_CHECK bool schedule_next(const struct schedule *schedule,
			      const struct zone *zone, struct moment after,
			      struct moment *ret_due);

/* Due times after @after, up to and with @upto. */
struct schedule_passed {
	uint32_t count;
	struct moment last; /* 0: none */
};
struct schedule_passed schedule_passed(const struct schedule *schedule,
				       const struct zone *zone,
				       struct moment after, struct moment upto);

/* The time between two due times on an even day, for boxes that do not know
 * what time it is. */
int64_t schedule_period_ms(const struct schedule *schedule);

#endif
