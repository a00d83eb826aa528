/*
 * mqtt_flight - counts publishes that wait for their PUBACK.
 *
 * Answers may fly when the rest has to wait: while the broker works off a
 * backlog, a PUBACK comes behind some thousand readings, and what only repeats
 * the present state would take all the room that the senders' answers need.
 *
 * Layer     gateway/edge; internal to mqtt.c and mqtt_session.c
 * Threads   flight_end: Paho's; the rest: the loop's
 */
#ifndef DEPOT_GATEWAY_EDGE_MQTT_FLIGHT_H
#define DEPOT_GATEWAY_EDGE_MQTT_FLIGHT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum flight_class { FLIGHT_PLAIN, FLIGHT_ANSWER, FLIGHT_CLASSES };

struct flights {
	_Atomic uint32_t count;                  /* of both */
	_Atomic uint32_t bounds[FLIGHT_CLASSES]; /* of the count */
	_Atomic uint64_t ended;
	atomic_bool is_room_wanted[FLIGHT_CLASSES];
};

/* One more in flight. False, and room is wanted, if there are so many that
 * this one has to wait. */
bool flight_begin(struct flights *flights, enum flight_class class);
/* One more, bound or not: for what ends a session. */
void flight_begin_anyway(struct flights *flights);
/* The one begun last was not sent after all. */
void flight_cancel(struct flights *flights);

/* One has ended. True if room is wanted and now half of it is there: the loop
 * is to be told. */
bool flight_end(struct flights *flights);

/* From now on one flight_end is to tell. Look at flights_left after it. */
void flights_want_room(struct flights *flights, enum flight_class class);
/* True, once, if room is wanted and there is some. */
bool flights_take_room(struct flights *flights);

uint32_t flights_left(const struct flights *flights);
/* How many have ended so far: stands still when the broker is silent. */
uint64_t flights_ended(const struct flights *flights);

#endif
