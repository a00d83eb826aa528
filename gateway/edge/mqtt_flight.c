#include "gateway/edge/mqtt_flight.h"

/*
 * All atomics here are sequentially consistent on purpose: "want room, then
 * look" must not pass "end one, then see whether room is wanted".
 */

static bool has_room(const struct flights *flights, enum flight_class class)
{
	return atomic_load(&flights->count) <
	       atomic_load(&flights->bounds[class]);
}

static bool room_take(struct flights *flights, enum flight_class class)
{
	return has_room(flights, class) &&
	       atomic_exchange(&flights->is_room_wanted[class], false);
}

bool flight_begin(struct flights *flights, enum flight_class class)
{
	if (!has_room(flights, class)) {
		flights_want_room(flights, class);
		/* The last one may have ended before room was wanted. */
		if (!room_take(flights, class))
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
	bool is_told = false;

	atomic_fetch_add(&flights->ended, 1);
	for (size_t i = 0; i < FLIGHT_CLASSES; i++)
		if (left <= atomic_load(&flights->bounds[i]) / 2)
			is_told |= atomic_exchange(&flights->is_room_wanted[i],
						   false);
	return is_told;
}

void flights_want_room(struct flights *flights, enum flight_class class)
{
	atomic_store(&flights->is_room_wanted[class], true);
}

bool flights_take_room(struct flights *flights)
{
	bool is_there = false;

	for (size_t i = 0; i < FLIGHT_CLASSES; i++)
		is_there |= room_take(flights, (enum flight_class)i);
	return is_there;
}

uint32_t flights_left(const struct flights *flights)
{
	return atomic_load(&flights->count);
}

uint64_t flights_ended(const struct flights *flights)
{
	return atomic_load(&flights->ended);
}
