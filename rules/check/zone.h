/*
 * zone - a time zone: which offset from UTC holds when.
 *
 * Layer     rules/check
 * Threads   any: plain data, read only once it is parsed
 *
 * Pure: whoever has the file's bytes gives them. What is stored and published
 * is UTC; a zone decides only what "eight in the morning" means at a site.
 *
 * Source    RFC 8536 (TZif, versions 2 to 4, its 64-bit block alone), and
 *           POSIX.1-2017 ch. 8.3 (TZ) for the rule that follows the last
 *           transition, with the extension of RFC 8536 3.3.1: hours -167 to
 *           167. Meaning of local times: PEP 495, fold = 0.
 */
#ifndef DEPOT_RULES_CHECK_ZONE_H
#define DEPOT_RULES_CHECK_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/check.h"
#include "rules/base/datetime.h"
#include "rules/base/err.h"
#include "rules/base/stamp.h"

/* The busiest zone of tzdata 2024 has 666 transitions. */
#define ZONE_TRANSITIONS_MAX 1024
/* More bytes than that are no file of a zone. */
#define ZONE_FILE_SIZE_MAX 65536

/* A day of the year on which summer time begins or ends. */
struct zone_day {
	char form;    /* 'M', 'J' or 'N': month-week-weekday, day without
		       * 29 February from 1, day from 0 */
	uint16_t day; /* of J and N; of M the weekday, 0 is Sunday */
	uint8_t month;
	uint8_t week;   /* 5: the last one */
	int32_t time_s; /* of that day's clock */
};

/* What holds after the last transition. */
struct zone_rule {
	int32_t standard_s;
	int32_t summer_s;
	bool has_summer;
	struct zone_day begin;
	struct zone_day end;
};

struct zone {
	size_t count;
	int64_t at_s[ZONE_TRANSITIONS_MAX]; /* rising, UTC */
	int32_t offset_s[ZONE_TRANSITIONS_MAX];
	int32_t first_s; /* the offset before all of them */
	struct zone_rule rule;
};

/* UTC for ever. */
void zone_utc(struct zone *zone);

/*
 * Reads a TZif file.
 * ERR_CORRUPT  it is none, or one without a 64-bit block or with a rule that
 *              no zone has
 */
MUST_CHECK enum err_code zone_parse(struct span file, struct zone *ret_zone);

/* Seconds to add to UTC at @moment to get what a clock on the wall shows. */
int32_t zone_offset(const struct zone *zone, struct moment moment);

/*
 * The moment at which clocks show @minute (0 to 1439) of the day that is @days
 * after 1970-01-01. Of a time that comes twice it is the first. A time that
 * the clocks skip is as far behind the skip as it would have been behind its
 * begin: 02:30 becomes 03:30. Never before 1970.
 */
struct moment zone_moment(const struct zone *zone, int32_t days,
			  uint32_t minute);

/* The day that clocks show at @moment, in days after 1970-01-01. */
int32_t zone_days(const struct zone *zone, struct moment moment);

#endif
