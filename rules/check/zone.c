#include "rules/check/zone.h"

#include <string.h>

#include "rules/base/bytes.h"

#define DAY_S 86400
#define HOUR_S 3600
#define HEADER_SIZE 44
#define TYPES_MAX 256
#define HOURS_MAX 167 /* RFC 8536 3.3.1 */

void zone_utc(struct zone *zone)
{
	memset(zone, 0, sizeof(*zone));
}

/* ---- the file ---- */

struct header {
	uint8_t version;
	uint32_t is_ut_count;
	uint32_t is_standard_count;
	uint32_t leap_count;
	uint32_t time_count;
	uint32_t type_count;
	uint32_t char_count;
};

static bool header_read(struct reader *reader, struct header *ret_header)
{
	struct span magic = read_raw(reader, 4);
	struct header header = {.version = read_u8(reader)};

	(void)read_raw(reader, 15);
	header.is_ut_count = read_u32(reader);
	header.is_standard_count = read_u32(reader);
	header.leap_count = read_u32(reader);
	header.time_count = read_u32(reader);
	header.type_count = read_u32(reader);
	header.char_count = read_u32(reader);
	if (!reader_ok(reader) || !span_is(magic, "TZif"))
		return false;
	*ret_header = header;
	return header.version >= '2' && header.type_count >= 1 &&
	       header.type_count <= TYPES_MAX;
}

/* Skips the block of 32-bit times, which is there for readers of old. */
static bool old_block_skip(struct reader *reader, const struct header *header)
{
	uint64_t size = (uint64_t)header->time_count * 5 +
			(uint64_t)header->type_count * 6 + header->char_count +
			(uint64_t)header->leap_count * 8 +
			header->is_standard_count + header->is_ut_count;

	if (size > reader_left(reader))
		return false;
	(void)read_raw(reader, size);
	return reader_ok(reader);
}

/* Times, then the number of each one's type, then the types themselves. */
static bool transitions_read(struct reader *reader, const struct header *header,
			     struct zone *zone)
{
	uint8_t type_of[ZONE_TRANSITIONS_MAX];
	int32_t offsets[TYPES_MAX];

	if (header->time_count > ZONE_TRANSITIONS_MAX)
		return false;
	zone->count = header->time_count;
	for (size_t i = 0; i < zone->count; i++) {
		zone->at_s[i] = (int64_t)read_u64(reader);
		if (i > 0 && zone->at_s[i] <= zone->at_s[i - 1])
			return false;
	}
	for (size_t i = 0; i < zone->count; i++) {
		type_of[i] = read_u8(reader);
		if (type_of[i] >= header->type_count)
			return false;
	}
	for (size_t i = 0; i < header->type_count; i++) {
		offsets[i] = (int32_t)read_u32(reader);
		(void)read_raw(reader, 2);
		if (offsets[i] <= -2 * DAY_S || offsets[i] >= 2 * DAY_S)
			return false;
	}
	zone->first_s = offsets[0];
	for (size_t i = 0; i < zone->count; i++)
		zone->offset_s[i] = offsets[type_of[i]];
	return reader_ok(reader);
}

/* ---- the rule behind it ---- */

static bool take(struct span *text, char c)
{
	if (text->size == 0 || text->data[0] != c)
		return false;
	text->data++;
	text->size--;
	return true;
}

static bool is_digit(struct span text)
{
	return text.size > 0 && text.data[0] >= '0' && text.data[0] <= '9';
}

static bool number_take(struct span *text, uint32_t max, uint32_t *ret_number)
{
	uint32_t number = 0;

	if (!is_digit(*text))
		return false;
	while (is_digit(*text)) {
		number = number * 10 + (uint32_t)(text->data[0] - '0');
		if (number > max)
			return false;
		text->data++;
		text->size--;
	}
	*ret_number = number;
	return true;
}

/* "CST" or "<+0330>". */
static bool name_take(struct span *text)
{
	bool is_quoted = take(text, '<');
	size_t size = 0;

	while (text->size > 0) {
		char c = text->data[0];
		bool is_letter =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (is_quoted ? c == '>' : !is_letter)
			break;
		text->data++;
		text->size--;
		size++;
	}
	return size >= 3 && (!is_quoted || take(text, '>'));
}

/* "[+-]h[h[h]][:mm[:ss]]" */
static bool time_take(struct span *text, int32_t *ret_s)
{
	bool is_negative = take(text, '-');
	uint32_t parts[3] = {0, 0, 0};
	int32_t seconds;

	if (!is_negative)
		(void)take(text, '+');
	if (!number_take(text, HOURS_MAX, &parts[0]))
		return false;
	for (size_t i = 1; i < 3 && take(text, ':'); i++)
		if (!number_take(text, 59, &parts[i]))
			return false;
	seconds = (int32_t)(parts[0] * HOUR_S + parts[1] * 60 + parts[2]);
	*ret_s = is_negative ? -seconds : seconds;
	return true;
}

/* "M3.2.0", "J60" or "59", and "/time". */
static bool day_take(struct span *text, struct zone_day *ret_day)
{
	struct zone_day day = {.form = 'N', .time_s = 2 * HOUR_S};
	uint32_t month = 1;
	uint32_t week = 1;
	uint32_t number;

	if (take(text, 'M')) {
		day.form = 'M';
		if (!number_take(text, 12, &month) || !take(text, '.') ||
		    !number_take(text, 5, &week) || !take(text, '.') ||
		    !number_take(text, 6, &number) || month == 0 || week == 0)
			return false;
	} else {
		if (take(text, 'J'))
			day.form = 'J';
		if (!number_take(text, 365, &number) ||
		    (day.form == 'J' && number == 0))
			return false;
	}
	day.month = (uint8_t)month;
	day.week = (uint8_t)week;
	day.day = (uint16_t)number;
	if (take(text, '/') && !time_take(text, &day.time_s))
		return false;
	*ret_day = day;
	return true;
}

/* Offsets in the text are what to add to get UTC: the other way round. */
static bool rule_parse(struct span text, struct zone_rule *ret_rule)
{
	struct zone_rule rule = {.has_summer = false};
	int32_t behind;

	if (!name_take(&text) || !time_take(&text, &behind))
		return false;
	rule.standard_s = -behind;
	if (text.size > 0) {
		rule.has_summer = true;
		rule.summer_s = rule.standard_s + HOUR_S;
		if (!name_take(&text))
			return false;
		if (text.size > 0 && text.data[0] != ',') {
			if (!time_take(&text, &behind))
				return false;
			rule.summer_s = -behind;
		}
		if (!take(&text, ',') || !day_take(&text, &rule.begin) ||
		    !take(&text, ',') || !day_take(&text, &rule.end))
			return false;
	}
	*ret_rule = rule;
	return text.size == 0;
}

/* "\nTEXT\n"; an empty one says that nobody knows: then nothing changes. */
static bool footer_read(struct reader *reader, struct zone *zone)
{
	struct span text = read_raw(reader, reader_left(reader));
	int32_t last = zone->count > 0 ? zone->offset_s[zone->count - 1]
				       : zone->first_s;

	if (!take(&text, '\n') || text.size == 0 ||
	    text.data[text.size - 1] != '\n')
		return false;
	text.size--;
	zone->rule = (struct zone_rule){.standard_s = last};
	return text.size == 0 || rule_parse(text, &zone->rule);
}

enum err_code zone_parse(struct span file, struct zone *ret_zone)
{
	struct reader reader;
	struct header header;

	reader_init(&reader, file.data, file.size);
	if (file.size > ZONE_FILE_SIZE_MAX || !header_read(&reader, &header) ||
	    !old_block_skip(&reader, &header) ||
	    !header_read(&reader, &header) ||
	    !transitions_read(&reader, &header, ret_zone))
		return ERR_CORRUPT;
	(void)read_raw(&reader, (size_t)header.char_count +
					(size_t)header.leap_count * 12 +
					header.is_standard_count +
					header.is_ut_count);
	if (!reader_ok(&reader) || !footer_read(&reader, ret_zone))
		return ERR_CORRUPT;
	return ERR_OK;
}

/* ---- offsets ---- */

/* Sunday is 0; 1970-01-01 was a Thursday. Days before that do not come here. */
static uint32_t weekday_of(int32_t days)
{
	return (uint32_t)(days + 4) % 7;
}

/* The day that @day means in @year, in days after 1970-01-01. */
static int32_t rule_day(const struct zone_day *day, uint16_t year)
{
	struct date first = {year, day->month, 1};
	struct date leap = {year, 3, 1};
	int32_t days;
	int32_t length;

	if (day->form != 'M') {
		first.month = 1;
		days = date_to_days(first) + day->day;
		if (day->form == 'N')
			return days;
		/* 29 February has no number there. */
		days--;
		if (date_month_days(year, 2) == 29 &&
		    days >= date_to_days(leap) - 1)
			days++;
		return days;
	}
	days = date_to_days(first);
	length = date_month_days(year, day->month);
	days += (int32_t)((day->day + 7u - weekday_of(days)) % 7);
	days += 7 * (day->week - 1);
	if (days >= date_to_days(first) + length)
		days -= 7;
	return days;
}

static int32_t rule_offset(const struct zone_rule *rule, int64_t seconds)
{
	struct date date;
	int64_t begin;
	int64_t end;
	bool is_between;

	if (!rule->has_summer ||
	    !date_from_days((int32_t)((seconds + rule->standard_s) / DAY_S),
			    &date))
		return rule->standard_s;
	begin = (int64_t)rule_day(&rule->begin, date.year) * DAY_S +
		rule->begin.time_s - rule->standard_s;
	end = (int64_t)rule_day(&rule->end, date.year) * DAY_S +
	      rule->end.time_s - rule->summer_s;
	/* South of the equator the summer goes over the new year. */
	is_between = begin < end ? seconds >= begin && seconds < end
				 : !(seconds >= end && seconds < begin);
	return is_between ? rule->summer_s : rule->standard_s;
}

static int32_t offset_at(const struct zone *zone, int64_t seconds)
{
	size_t low = 0;
	size_t high = zone->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (zone->at_s[middle] <= seconds)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == zone->count)
		return rule_offset(&zone->rule, seconds);
	return low == 0 ? zone->first_s : zone->offset_s[low - 1];
}

int32_t zone_offset(const struct zone *zone, struct moment moment)
{
	return offset_at(zone, moment.ms / 1000);
}

struct moment zone_moment(const struct zone *zone, int32_t days,
			  uint32_t minute)
{
	int64_t local = (int64_t)days * DAY_S + (int64_t)minute * 60;
	int32_t before = offset_at(zone, local - DAY_S);
	int32_t after = offset_at(zone, local + DAY_S);
	int64_t seconds = local - before;

	ASSERT(minute < 24 * 60);
	if (offset_at(zone, seconds) != before &&
	    offset_at(zone, local - after) == after)
		seconds = local - after;
	return (struct moment){seconds < 0 ? 0 : seconds * 1000};
}

int32_t zone_days(const struct zone *zone, struct moment moment)
{
	int64_t local = moment.ms / 1000 + zone_offset(zone, moment);

	return (int32_t)(local < 0 ? -1 : local / DAY_S);
}
