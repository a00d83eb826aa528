#include "gateway/edge/autonomy.h"

#include <inttypes.h>
#include <string.h>

/* Bytes and seconds stay below what their product with a day's seconds may be.
 */
#define GROWN_MAX (INT64_C(1) << 45)

/* What is left of @value after @s. */
static int64_t faded(int64_t value, int64_t s)
{
	if (s >= AUTONOMY_MEMORY_S)
		return 0;
	return value - value * s / AUTONOMY_MEMORY_S;
}

static int64_t bounded(int64_t value)
{
	if (value > GROWN_MAX)
		return GROWN_MAX;
	return value < -GROWN_MAX ? -GROWN_MAX : value;
}

void autonomy_look(struct autonomy *autonomy, int64_t now_ms, uint64_t room)
{
	int64_t s = (now_ms - autonomy->last_ms) / 1000;
	int64_t grown = (int64_t)(autonomy->room - room);

	if (autonomy->has_look && s < AUTONOMY_LOOK_S)
		return;
	if (autonomy->has_look) {
		if (s > AUTONOMY_MEMORY_S)
			s = AUTONOMY_MEMORY_S;
		autonomy->weight_s = faded(autonomy->weight_s, s) + s;
		autonomy->grown =
			bounded(faded(autonomy->grown, s) + bounded(grown));
		autonomy->last_ms += s * 1000;
	} else {
		autonomy->last_ms = now_ms;
	}
	autonomy->room = room;
	autonomy->has_look = true;
}

void autonomy_skip(struct autonomy *autonomy)
{
	autonomy->has_look = false;
}

bool autonomy_seconds(const struct autonomy *autonomy, uint64_t reserve,
		      uint64_t *ret_seconds)
{
	const uint64_t most = UINT64_C(3600) * AUTONOMY_HOURS_MAX;
	uint64_t left = autonomy->room > reserve ? autonomy->room - reserve : 0;
	uint64_t grown;
	uint64_t weight;

	if (!autonomy->has_look || autonomy->weight_s < AUTONOMY_LEAST_S)
		return false;
	grown = autonomy->grown > 0 ? (uint64_t)autonomy->grown : 0;
	weight = (uint64_t)autonomy->weight_s;
	*ret_seconds = left > 0 ? most : 0;
	/* left * weight / grown, below 2^64 as long as the room is. */
	if (left > 0 && grown > 0 && left / grown < most / weight + 1) {
		uint64_t whole = left / grown * weight;
		uint64_t rest = left % grown * weight / grown;

		if (whole + rest < most)
			*ret_seconds = whole + rest;
	}
	return true;
}

bool autonomy_hours(const struct autonomy *autonomy, uint64_t reserve,
		    uint64_t *ret_hours)
{
	uint64_t seconds;

	if (!autonomy_seconds(autonomy, reserve, &seconds))
		return false;
	*ret_hours = seconds / 3600;
	return true;
}

/* ---- as a text ---- */

#define TEXT_START "growth 1 "

void autonomy_print(const struct autonomy *autonomy,
		    char text[AUTONOMY_TEXT_SIZE])
{
	bool fits = text_format(text, AUTONOMY_TEXT_SIZE,
				TEXT_START "%" PRId64 " %" PRId64 "\n",
				autonomy->weight_s,
				autonomy->grown > 0 ? autonomy->grown : 0);

	ASSERT(fits);
}

enum err_code autonomy_parse(struct span text, struct autonomy *autonomy)
{
	const char *blank;
	struct span first;
	struct span second;
	uint64_t weight_s;
	uint64_t grown;

	if (!span_starts(text, TEXT_START) || text.data[text.size - 1] != '\n')
		return ERR_INVALID;
	first = (struct span){text.data + sizeof(TEXT_START) - 1,
			      text.size - sizeof(TEXT_START)};
	blank = memchr(first.data, ' ', first.size);
	if (blank == NULL)
		return ERR_INVALID;
	second = (struct span){blank + 1,
			       (size_t)(first.data + first.size - blank - 1)};
	first.size = (size_t)(blank - first.data);
	if (!span_to_u64(first, AUTONOMY_MEMORY_S, &weight_s) ||
	    !span_to_u64(second, GROWN_MAX, &grown))
		return ERR_INVALID;
	autonomy->weight_s = (int64_t)weight_s;
	autonomy->grown = (int64_t)grown;
	return ERR_OK;
}
