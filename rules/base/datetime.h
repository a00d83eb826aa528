/*
 * datetime - moments and dates: their arithmetic and their text.
 *
 * Layer     rules/base
 * Threads   any
 *
 * Pure: no clock, no time zone, no libc time function. Text is RFC 3339, in
 * UTC on the way out. The calendar is the proleptic Gregorian one, years 1 to
 * 9999.
 *
 * Source    Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
 *           2013: days_from_civil, civil_from_days. Years begin on 1 March
 *           there, so that the leap day is the last of its year.
 *
 * Leap seconds: a struct moment has none (each day has 86,400,000 ms), so
 * 23:59:60 UTC is read as the same moment as 00:00:00 of the next day. A 60
 * at any other time of the day is refused. None is ever written.
 */
#ifndef DEPOT_RULES_BASE_DATETIME_H
#define DEPOT_RULES_BASE_DATETIME_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/check.h"
#include "rules/base/stamp.h"
#include "rules/base/text.h"

/* A day of the calendar. All zero is no date, and not valid. */
struct date {
	uint16_t year; /* 1 to 9999 */
	uint8_t month; /* 1 to 12 */
	uint8_t day;   /* 1 to 31 */
};

/* Terminated texts: "2026-11-22", "2026-11-22T10:00:00.123Z". */
#define DATE_TEXT_SIZE 11
#define MOMENT_TEXT_SIZE 25

/* 9999-12-31T23:59:59.999Z, the last moment that RFC 3339 can write. It is
 * before MOMENT_MS_MAX: what a peer claims may be later. */
#define MOMENT_TEXT_MS_MAX INT64_C(253402300799999)

#define DAY_MS INT64_C(86400000)

/* ---- dates ---- */

bool date_is_valid(struct date date);

/* Days in @month (1 to 12) of @year: 28 to 31. */
uint8_t date_month_days(uint16_t year, uint8_t month);

/* Days from 1970-01-01 to @date, which must be valid; negative before. */
int32_t date_to_days(struct date date);

/* The date @days after 1970-01-01. False beyond the years 1 to 9999. */
MUST_CHECK bool date_from_days(int32_t days, struct date *ret_date);

/* 20261122 for 2026-11-22, which must be valid; sorts as dates do. */
uint32_t date_to_number(struct date date);

/* False if @number is not yyyymmdd of a day that exists. */
MUST_CHECK bool date_from_number(uint32_t number, struct date *ret_date);

/* Reads exactly "YYYY-MM-DD". False for anything else, and for a day that
 * does not exist. */
MUST_CHECK bool date_parse(struct span text, struct date *ret_date);

/* Writes "YYYY-MM-DD" and a NUL; @date must be valid. */
void date_print(struct date date, char text[DATE_TEXT_SIZE]);

/* ---- moments ---- */

/* The day in UTC of @moment, which must not be after MOMENT_TEXT_MS_MAX. */
struct date moment_date(struct moment moment);

/* The first moment, in UTC, of @date, which must not be before 1970. */
struct moment moment_of_date(struct date date);

/*
 * Reads an RFC 3339 date-time: "2026-11-22T10:00:00Z",
 * "2026-11-22t18:00:00.123456+08:00". A fraction has 1 to 9 digits, and those
 * after the third are dropped. The offset is Z, z or +hh:mm; +hhmm is taken
 * too, because common readers write it and it cannot mean anything else. An
 * offset of -00:00 is UTC. A time without an offset is refused: nobody knows
 * when it was.
 *
 * False for anything else, for a date or time that does not exist, and for a
 * moment before 1970 or after 9999, in UTC.
 */
MUST_CHECK bool moment_parse(struct span text, struct moment *ret_moment);

/*
 * Writes @moment in UTC with Z, and a NUL; milliseconds only where there are
 * some. False, with an empty @text, if it lies outside what RFC 3339 can
 * write: before 1970 here, or after MOMENT_TEXT_MS_MAX.
 */
MUST_CHECK bool moment_print(struct moment moment, char text[MOMENT_TEXT_SIZE]);

#endif
