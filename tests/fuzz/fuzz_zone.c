/*
 * Any bytes are a zone or are refused; what is taken answers every question of
 * the present, and due times go up.
 */
#include "rules/check/schedule.h"
#include "tests/fuzz/fuzz.h"

/* 2026-11-22T10:00:00Z */
#define PRESENT_MS INT64_C(1795341600000)
#define STEP_MS (INT64_C(97) * DAY_MS)

static void zone_use(const struct zone *zone)
{
	struct schedule schedule = {.minutes = {0, 150, 1439},
				    .count = 3,
				    .weekdays = SCHEDULE_EVERY_DAY};
	struct moment at = {PRESENT_MS};
	struct moment due;

	for (int i = 0; i < 40; i++, at.ms += STEP_MS) {
		int32_t offset = zone_offset(zone, at);

		ASSERT(offset > -2 * 86400 - 3600 * 24 * 8 &&
		       offset < 2 * 86400 + 3600 * 24 * 8);
		if (schedule_next(&schedule, zone, at, &due))
			ASSERT(due.ms > at.ms);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct zone zone;

	if (zone_parse((struct span){(const char *)data, size}, &zone) ==
	    ERR_OK)
		zone_use(&zone);
	return 0;
}
