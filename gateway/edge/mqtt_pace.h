/*
 * mqtt_pace - when the small packets of a connection leave.
 *
 * Layer     gateway/edge; internal to the MQTT client
 * Threads   the loop's; `pushed` is written by any
 *
 * Paho writes each packet by itself and leaves its socket as the kernel makes
 * it: a small packet waits until what went before it has been acknowledged
 * (RFC 896), and a peer without an answer puts that off for 40 ms (RFC 1122,
 * 4.2.3.2). An answer right behind a PUBACK waits that long: measured, 44 ms
 * from a scan to its answer on an idle box, and 530 readings a second from a
 * device that lets 25 wait for an answer. With TCP_NODELAY it was 1.3 ms; but
 * then under load each PUBACK is a segment that wakes the broker, which took a
 * quarter of the rate. So: with little to do, all leaves at once; under load
 * packets gather, and what has gathered is pushed a millisecond after a
 * publication, when Paho has written it.
 */
#ifndef DEPOT_GATEWAY_EDGE_MQTT_PACE_H
#define DEPOT_GATEWAY_EDGE_MQTT_PACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/edge/loop.h"

struct pace {
	uint16_t port;                  /* of the broker */
	const _Atomic uint64_t *pushed; /* messages that have arrived */
	struct loop_source *timer;
	uint64_t pushed_then; /* when the timer was last due */
	bool is_due;          /* the timer is set */
	bool is_prompt;       /* TCP_NODELAY is */
};

/*
 * Adds a timer to @loop, which pace_close removes. Set @pace's port and
 * pushed before.
 *
 * ERR_FULL, ERR_IO  as of loop_add_timer
 */
MUST_CHECK enum err_code pace_open(struct pace *pace, struct loop *loop,
				   struct err *err);
void pace_close(struct pace *pace);

/* There is a new connection. */
void pace_connected(struct pace *pace);
/* Something was handed to Paho. */
void pace_push(struct pace *pace);

#endif
