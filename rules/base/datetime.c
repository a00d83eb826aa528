#include "rules/base/datetime.h"

#include <string.h>

#define YEAR_MAX 9999
#define DAYS_FIRST (-719162) /* 0001-01-01 */
#define DAYS_LAST 2932896    /* 9999-12-31 */
#define SECOND_MS 1000
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)

/* Days in an era of 400 years, and from 0000-03-01 to 1970-01-01. */
#define ERA_DAYS 146097
#define EPOCH_DAYS 719468

static bool is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

uint8_t date_month_days(uint16_t year, uint8_t month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30,
				       31, 31, 30, 31, 30, 31};

	ASSERT(month >= 1 && month <= 12);
	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

bool date_is_valid(struct date date)
{
	return date.year >= 1 && date.year <= YEAR_MAX && date.month >= 1 &&
	       date.month <= 12 && date.day >= 1 &&
	       date.day <= date_month_days(date.year, date.month);
}

/* Years are at least 1, so Hinnant's eras are never negative here. */
int32_t date_to_days(struct date date)
{
	int32_t year;
	int32_t era;
	int32_t year_of_era;
	int32_t month;
	int32_t day_of_year;

	ASSERT(date_is_valid(date));
	year = date.month <= 2 ? date.year - 1 : date.year;
	month = date.month <= 2 ? date.month + 9 : date.month - 3;
	era = year / 400;
	year_of_era = year % 400;
	day_of_year = (153 * month + 2) / 5 + date.day - 1;
	return era * ERA_DAYS + year_of_era * 365 + year_of_era / 4 -
	       year_of_era / 100 + day_of_year - EPOCH_DAYS;
}

static struct date date_of_days(int32_t days)
{
	int32_t from_era = days + EPOCH_DAYS;
	int32_t day_of_era = from_era % ERA_DAYS;
	int32_t year_of_era = (day_of_era - day_of_era / 1460 +
			       day_of_era / 36524 - day_of_era / 146096) /
			      365;
	int32_t day_of_year =
		day_of_era -
		(365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int32_t month = (5 * day_of_year + 2) / 153;
	int32_t year = year_of_era + from_era / ERA_DAYS * 400;

	return (struct date){
		.year = (uint16_t)(month < 10 ? year : year + 1),
		.month = (uint8_t)(month < 10 ? month + 3 : month - 9),
		.day = (uint8_t)(day_of_year - (153 * month + 2) / 5 + 1),
	};
}

bool date_from_days(int32_t days, struct date *ret_date)
{
	if (days < DAYS_FIRST || days > DAYS_LAST)
		return false;
	*ret_date = date_of_days(days);
	return true;
}

uint32_t date_to_number(struct date date)
{
	ASSERT(date_is_valid(date));
	return date.year * 10000u + date.month * 100u + date.day;
}

bool date_from_number(uint32_t number, struct date *ret_date)
{
	struct date date;

	if (number / 10000 > YEAR_MAX)
		return false;
	date.year = (uint16_t)(number / 10000);
	date.month = (uint8_t)(number / 100 % 100);
	date.day = (uint8_t)(number % 100);
	if (!date_is_valid(date))
		return false;
	*ret_date = date;
	return true;
}

/* ---- text ---- */

/* Reads @count digits at the front of @text and steps over them. */
static bool take_digits(struct span *text, size_t count, unsigned *ret_number)
{
	unsigned number = 0;

	if (text->size < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		unsigned digit = (unsigned)(unsigned char)text->data[i] - '0';

		if (digit > 9)
			return false;
		number = number * 10 + digit;
	}
	text->data += count;
	text->size -= count;
	*ret_number = number;
	return true;
}

/* Steps over the character @wanted, if it comes next. */
static bool take_char(struct span *text, char wanted)
{
	if (text->size == 0 || text->data[0] != wanted)
		return false;
	text->data++;
	text->size--;
	return true;
}

static bool take_date(struct span *text, struct date *ret_date)
{
	unsigned year;
	unsigned month;
	unsigned day;

	if (!take_digits(text, 4, &year) || !take_char(text, '-') ||
	    !take_digits(text, 2, &month) || !take_char(text, '-') ||
	    !take_digits(text, 2, &day))
		return false;
	return date_from_number(year * 10000 + month * 100 + day, ret_date);
}

/* A time of day in milliseconds; one of 23:59:60 is a whole day or more. */
static bool take_time(struct span *text, int64_t *ret_ms,
		      bool *ret_is_leap_second)
{
	unsigned hour;
	unsigned minute;
	unsigned second;

	if (!take_digits(text, 2, &hour) || !take_char(text, ':') ||
	    !take_digits(text, 2, &minute) || !take_char(text, ':') ||
	    !take_digits(text, 2, &second))
		return false;
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	*ret_is_leap_second = second == 60;
	*ret_ms = (int64_t)hour * HOUR_MS + (int64_t)minute * MINUTE_MS +
		  (int64_t)second * SECOND_MS;
	return true;
}

static bool take_fraction(struct span *text, int64_t *ret_ms)
{
	static const unsigned weights[] = {100, 10, 1};
	unsigned digit;
	size_t count = 0;
	int64_t ms = 0;

	*ret_ms = 0;
	if (!take_char(text, '.'))
		return true;
	while (take_digits(text, 1, &digit)) {
		if (count < ARRAY_LEN(weights))
			ms += digit * weights[count];
		count++;
	}
	*ret_ms = ms;
	return count >= 1 && count <= 9;
}

static bool take_offset(struct span *text, int64_t *ret_ms)
{
	unsigned hour;
	unsigned minute;
	bool is_west;

	*ret_ms = 0;
	if (take_char(text, 'Z') || take_char(text, 'z'))
		return true;
	is_west = take_char(text, '-');
	if (!is_west && !take_char(text, '+'))
		return false;
	if (!take_digits(text, 2, &hour))
		return false;
	(void)take_char(text, ':'); /* it may be left out */
	if (!take_digits(text, 2, &minute) || hour > 23 || minute > 59)
		return false;
	*ret_ms = (int64_t)hour * HOUR_MS + (int64_t)minute * MINUTE_MS;
	if (is_west)
		*ret_ms = -*ret_ms;
	return true;
}

bool date_parse(struct span text, struct date *ret_date)
{
	struct date date;

	if (!take_date(&text, &date) || text.size != 0)
		return false;
	*ret_date = date;
	return true;
}

bool moment_parse(struct span text, struct moment *ret_moment)
{
	struct date date;
	int64_t time_ms;
	int64_t fraction_ms;
	int64_t offset_ms;
	bool is_leap_second;
	int64_t ms;

	if (!take_date(&text, &date))
		return false;
	if (!take_char(&text, 'T') && !take_char(&text, 't'))
		return false;
	if (!take_time(&text, &time_ms, &is_leap_second) ||
	    !take_fraction(&text, &fraction_ms) ||
	    !take_offset(&text, &offset_ms) || text.size != 0)
		return false;
	ms = date_to_days(date) * DAY_MS + time_ms - offset_ms;
	if (is_leap_second && ms % DAY_MS != 0)
		return false;
	ms += fraction_ms;
	if (ms < 0 || ms > MOMENT_TEXT_MS_MAX)
		return false;
	ret_moment->ms = ms;
	return true;
}

static char *put_digits(char *at, unsigned number, size_t count)
{
	for (size_t i = count; i > 0; i--) {
		at[i - 1] = (char)('0' + number % 10);
		number /= 10;
	}
	return at + count;
}

static char *put_date(char *at, struct date date)
{
	at = put_digits(at, date.year, 4);
	*at++ = '-';
	at = put_digits(at, date.month, 2);
	*at++ = '-';
	return put_digits(at, date.day, 2);
}

void date_print(struct date date, char text[DATE_TEXT_SIZE])
{
	ASSERT(date_is_valid(date));
	*put_date(text, date) = '\0';
}

bool moment_print(struct moment moment, char text[MOMENT_TEXT_SIZE])
{
	char *at = text;
	unsigned ms;

	text[0] = '\0';
	if (moment.ms < 0 || moment.ms > MOMENT_TEXT_MS_MAX)
		return false;
	ms = (unsigned)(moment.ms % DAY_MS);
	at = put_date(at, moment_date(moment));
	*at++ = 'T';
	at = put_digits(at, ms / HOUR_MS, 2);
	*at++ = ':';
	at = put_digits(at, ms / MINUTE_MS % 60, 2);
	*at++ = ':';
	at = put_digits(at, ms / SECOND_MS % 60, 2);
	if (ms % SECOND_MS != 0) {
		*at++ = '.';
		at = put_digits(at, ms % SECOND_MS, 3);
	}
	*at++ = 'Z';
	*at = '\0';
	return true;
}

struct date moment_date(struct moment moment)
{
	ASSERT(moment.ms >= 0 && moment.ms <= MOMENT_TEXT_MS_MAX);
	return date_of_days((int32_t)(moment.ms / DAY_MS));
}

struct moment moment_of_date(struct date date)
{
	int32_t days = date_to_days(date);

	ASSERT(days >= 0);
	return (struct moment){days * DAY_MS};
}
