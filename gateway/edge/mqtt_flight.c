#include "gateway/edge/mqtt_flight.h"

/*
 * All atomics here are sequentially consistent on purpose: "want room, then
 * look" must not pass "end one, then see whether room is wanted".
 */

static bool has_room(const struct flights *flights)
{
	return atomic_load(&flights->count) < atomic_load(&flights->bound);
}

bool flight_begin(struct flights *flights)
{
	if (!has_room(flights)) {
		flights_want_room(flights);
		/* The last one may have ended before room was wanted. */
		if (!flights_take_room(flights))
			return false;
	}
	flight_begin_anyway(flights);
	return true;
}

void flight_begin_anyway(struct flights *flights)
{
	atomic_fetch_add(&flights->count, 1);
}

void flight_cancel(struct flights *flights)
{
	atomic_fetch_sub(&flights->count, 1);
}

bool flight_end(struct flights *flights)
{
	uint32_t left = atomic_fetch_sub(&flights->count, 1) - 1;

	atomic_fetch_add(&flights->ended, 1);
	return left <= atomic_load(&flights->bound) / 2 &&
	       atomic_exchange(&flights->is_room_wanted, false);
}

void flights_want_room(struct flights *flights)
{
	atomic_store(&flights->is_room_wanted, true);
}

bool flights_take_room(struct flights *flights)
{
	return has_room(flights) &&
	       atomic_exchange(&flights->is_room_wanted, false);
}

uint32_t flights_left(const struct flights *flights)
{
	return atomic_load(&flights->count);
}

uint64_t flights_ended(const struct flights *flights)
{
	return atomic_load(&flights->ended);
}
