/*
 * publish - what the daemon says on MQTT: the publisher's topics when they are
 * due, and the keeper's answers to devices and accounts.
 *
 * Layer     programs
 * Threads   the loop
 *
 * Everything said here is committed before: the publisher reads a snapshot, the
 * keeper hands an answer out after its commit. What finds no room at the client
 * waits and is offered again by whoever hears of room.
 */
#ifndef DEPOT_GATEWAY_DEPOTD_PUBLISH_H
#define DEPOT_GATEWAY_DEPOTD_PUBLISH_H

#include "gateway/depotd_box.h"

/* Opens the publisher, with the configured rates and a session of its own, and
 * the timer that wakes it. After the ledger and the ring, before start_mqtt,
 * which takes the will from it. Errors as publisher_open, loop_add_timer. */
MUST_CHECK enum err_code start_publisher(struct box *box, struct err *err);
/* After mqtt_close. Takes a box without. */
void stop_publisher(struct box *box);

/* Hands the configured rates to the publisher again, and publishes what is due
 * by them. */
void publish_rates(struct box *box);

/* Publishes what is due and sets the timer for what comes next. A fault of the
 * store ends the box (box_fail). */
void publish_due(struct box *box);

/*
 * Sends the answers that wait at the keeper, oldest first, until one finds no
 * room: it stays in box->answer and goes first the next time. While the client
 * connects, or is away on purpose, they wait, as many as the keeper has places
 * for; with no connection an answer is counted in
 * box->answers_unsent and dropped, and its sender asks again. Who types scans
 * at the control socket hears theirs there.
 */
void publish_answers(struct box *box);

/* The site's last word before an orderly end; if nobody listens, the will says
 * it, and the log that it was so. */
void publish_farewell(struct box *box);

#endif
