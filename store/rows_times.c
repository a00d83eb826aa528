#include "store/rows_times.h"

/* An effective time that is nearer to its stamp counts from there. */
#define LATE_MS_MAX 60000

struct stamp row_stamp_after(struct stamp before, uint64_t ms)
{
	uint64_t physical = (before.value >> STAMP_COUNTER_BITS) + ms;

	if (ms == 0)
		return (struct stamp){before.value + 1};
	return (struct stamp){physical << STAMP_COUNTER_BITS};
}

uint64_t row_stamp_distance(struct stamp before, struct stamp stamp)
{
	return (stamp.value >> STAMP_COUNTER_BITS) -
	       (before.value >> STAMP_COUNTER_BITS);
}

bool row_stamp_follows(struct stamp before, struct stamp stamp)
{
	uint64_t ms = row_stamp_distance(before, stamp);

	return stamp.value > before.value &&
	       row_stamp_after(before, ms).value == stamp.value;
}

enum row_class row_effective_class(uint64_t stamp_ms, uint64_t effective_ms)
{
	int64_t late = (int64_t)(stamp_ms - effective_ms);
	bool is_near = late < LATE_MS_MAX && late > -LATE_MS_MAX;

	if ((int64_t)effective_ms % 1000 == 0)
		return is_near ? ROW_LATE_S : ROW_EFFECTIVE_S;
	return is_near ? ROW_LATE : ROW_EFFECTIVE;
}

static uint64_t seconds(uint64_t ms)
{
	return (uint64_t)((int64_t)ms / 1000);
}

uint64_t row_effective_code(const struct row_times *times, enum row_class class,
			    uint64_t stamp_ms, uint64_t effective_ms)
{
	uint64_t before_ms = times->effective_ms;

	if (class == ROW_LATE)
		return row_zigzag(stamp_ms - effective_ms);
	if (class == ROW_LATE_S)
		return row_zigzag(seconds(stamp_ms) - seconds(effective_ms));
	if (class == ROW_EFFECTIVE)
		return row_zigzag(effective_ms - before_ms);
	return row_zigzag(seconds(effective_ms) - seconds(before_ms));
}

uint64_t row_effective_of(const struct row_times *times, enum row_class class,
			  uint64_t stamp_ms, uint64_t code)
{
	uint64_t before_ms = times->effective_ms;
	uint64_t number = row_unzigzag(code);

	if (class == ROW_LATE)
		return stamp_ms - number;
	if (class == ROW_LATE_S)
		return (seconds(stamp_ms) - number) * 1000;
	if (class == ROW_EFFECTIVE)
		return before_ms + number;
	return (seconds(before_ms) + number) * 1000;
}

void row_times_move(struct row_times *times, const struct row_field *stamp,
		    const struct row_field *effective)
{
	uint64_t stamp_ms = 0;

	if (stamp != NULL && stamp->number != 0) {
		times->stamp.value = stamp->number;
		stamp_ms = stamp->number >> STAMP_COUNTER_BITS;
		times->effective_ms = stamp_ms;
	}
	if (effective != NULL && effective->number != 0)
		times->effective_ms =
			stamp_ms + row_unzigzag(effective->number);
}
