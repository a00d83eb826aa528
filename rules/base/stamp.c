#include "rules/base/stamp.h"

#include "rules/base/check.h"

struct stamp stamp_next(struct stamp last, struct moment now)
{
	uint64_t physical;

	ASSERT(now.ms >= 0 && now.ms <= MOMENT_MS_MAX);
	physical = (uint64_t)now.ms << STAMP_COUNTER_BITS;
	if (physical > last.value)
		return (struct stamp){physical};
	ASSERT(last.value < UINT64_MAX);
	return (struct stamp){last.value + 1};
}

struct moment stamp_moment(struct stamp stamp)
{
	return (struct moment){(int64_t)(stamp.value >> STAMP_COUNTER_BITS)};
}

bool stamp_is_near(struct stamp stamp, struct moment now)
{
	return stamp_moment(stamp).ms - now.ms <= STAMP_NEAR_MS;
}
