#include "rules/check/schedule.h"

#include <string.h>

#define HOUR_MS (INT64_C(3600) * 1000)
#define TIME_SIZE 5 /* "08:00" */
/* Slots of one day: every hour, and clocks that go back by as much as 2. */
#define SLOTS_MAX 27
/* 9998-12-31: a week further there are still dates. */
#define DAYS_MAX 2932530

bool schedule_hours_are_valid(uint32_t hours)
{
	return hours > 0 && hours < 24 && 24 % hours == 0;
}

static bool time_read(const char *text, uint16_t *ret_minute)
{
	uint16_t digits[4];
	static const uint8_t at[] = {0, 1, 3, 4};

	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		char c = text[at[i]];

		if (c < '0' || c > '9')
			return false;
		digits[i] = (uint16_t)(c - '0');
	}
	if (text[2] != ':' || digits[2] > 5 || digits[0] * 10 + digits[1] > 23)
		return false;
	*ret_minute = (uint16_t)((digits[0] * 10 + digits[1]) * 60 +
				 digits[2] * 10 + digits[3]);
	return true;
}

bool schedule_times(struct span text, struct schedule *schedule)
{
	size_t count = (text.size + 1) / (TIME_SIZE + 1);

	if (text.size == 0 || (text.size + 1) % (TIME_SIZE + 1) != 0 ||
	    count > SCHEDULE_TIMES_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *at = text.data + i * (TIME_SIZE + 1);

		if (!time_read(at, &schedule->minutes[i]) ||
		    (i > 0 &&
		     (at[-1] != ' ' ||
		      schedule->minutes[i] <= schedule->minutes[i - 1])))
			return false;
	}
	schedule->count = count;
	return true;
}

bool schedule_of(const struct check *check, struct schedule *ret_schedule)
{
	struct schedule schedule = {.every_h = check->every_h,
				    .weekdays = check->weekdays == 0
							? SCHEDULE_EVERY_DAY
							: check->weekdays};
	struct span times = ref_span(&check->times);

	if (check->number != 0 || schedule.weekdays > SCHEDULE_EVERY_DAY)
		return false;
	if (times.size > 0
		    ? check->every_h != 0 || !schedule_times(times, &schedule)
		    : !schedule_hours_are_valid(check->every_h))
		return false;
	*ret_schedule = schedule;
	return true;
}

/* Monday is bit 0; 1970-01-01 was a Thursday. */
static bool is_day(const struct schedule *schedule, int32_t days)
{
	return days >= 0 &&
	       (schedule->weekdays >> (uint32_t)(days + 3) % 7 & 1) != 0;
}

/* The due times of a day; they rise, and some may be the same as the one
 * before where clocks skip an hour. */
static size_t day_slots(const struct schedule *schedule,
			const struct zone *zone, int32_t days,
			struct moment slots[SLOTS_MAX])
{
	int64_t step = (int64_t)schedule->every_h * HOUR_MS;
	int64_t begin;
	int64_t end;
	size_t count = 0;

	if (!is_day(schedule, days))
		return 0;
	for (; count < schedule->count; count++)
		slots[count] =
			zone_moment(zone, days, schedule->minutes[count]);
	if (step == 0)
		return count;
	begin = zone_moment(zone, days, 0).ms;
	end = zone_moment(zone, days + 1, 0).ms;
	for (int64_t at = begin; at < end && count < SLOTS_MAX; at += step)
		if (at == begin || 2 * (end - at) >= step)
			slots[count++].ms = at;
	return count;
}

bool schedule_next(const struct schedule *schedule, const struct zone *zone,
		   struct moment after, struct moment *ret_due)
{
	struct moment slots[SLOTS_MAX];
	int32_t first = zone_days(zone, after);

	/* From the day before, whose skipped times may lie in this one; a day
	 * of the week may be one that a zone left out, so two weeks. */
	for (int32_t days = first - 1; days < first + 15 && first <= DAYS_MAX;
	     days++) {
		size_t count = day_slots(schedule, zone, days, slots);

		for (size_t i = 0; i < count; i++) {
			if (slots[i].ms > after.ms) {
				*ret_due = slots[i];
				return true;
			}
		}
	}
	return false;
}

struct schedule_passed schedule_passed(const struct schedule *schedule,
				       const struct zone *zone,
				       struct moment after, struct moment upto)
{
	struct schedule_passed passed = {0, {0}};
	int64_t look_ms = SCHEDULE_LOOK_DAYS * DAY_MS;
	struct moment due;

	if (upto.ms - after.ms > look_ms)
		after.ms = upto.ms - look_ms;
	while (schedule_next(schedule, zone, after, &due) &&
	       due.ms <= upto.ms) {
		passed.count++;
		passed.last = due;
		after = due;
	}
	return passed;
}

int64_t schedule_period_ms(const struct schedule *schedule)
{
	if (schedule->every_h > 0)
		return (int64_t)schedule->every_h * HOUR_MS;
	ASSERT(schedule->count > 0);
	return DAY_MS / (int64_t)schedule->count;
}
