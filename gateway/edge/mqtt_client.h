/*
 * mqtt_client - the inside of struct mqtt, between its two halves.
 *
 * Layer     gateway/edge; internal to mqtt.c and mqtt_client.c
 * Threads   the loop's, but for what is marked as shared
 *
 * mqtt_client.c has what mqtt.h promises; mqtt.c has Paho: its calls, each
 * made in the loop's thread, and its callbacks, each run in one of Paho's.
 */
#ifndef DEPOT_GATEWAY_EDGE_MQTT_CLIENT_H
#define DEPOT_GATEWAY_EDGE_MQTT_CLIENT_H

#include "gateway/edge/mqtt.h"
#include "gateway/edge/mqtt_flight.h"
#include "gateway/edge/mqtt_inbox.h"
#include "gateway/edge/mqtt_pace.h"
#include "gateway/edge/mqtt_session.h"
#include "gateway/edge/mqtt_settings.h"

/* Values of `failure` beside MQTT's reasons, which are positive, and Paho's
 * codes, which are small and negative. */
#define FAILURE_NONE 0
#define FAILURE_NO_ANSWER (-1000)

enum valve_state { VALVE_OPEN, VALVE_CLOSED, VALVE_LOCKED };

struct mqtt {
	void *handle;              /* Paho's */
	struct mqtt_config config; /* its strings are in `settings` */
	struct settings settings;
	struct inbox inbox;
	struct session session;
	struct pace pace;
	struct loop_source *wake_source;
	struct loop_source *timer;

	/* Shared with Paho's threads. */
	struct wake wake;
	struct flights flights;
	_Atomic uint32_t events; /* bits of enum session_event */
	atomic_bool has_session;
	atomic_bool is_cut;  /* for want of room; of this connection */
	_Atomic int valve;   /* enum valve_state, as it is or is about to be */
	_Atomic int failure; /* why the last connection failed or broke */
};

/* Tells the loop. Any thread. */
void mqtt_raise(struct mqtt *mqtt, enum session_event event);

/* Makes the handle. ERR_INVALID: Paho refuses what we configured. */
MUST_CHECK enum err_code paho_open(struct mqtt *mqtt, struct err *err);
/* Destroys it, if it is there; after this no callback runs any more. */
void paho_close(struct mqtt *mqtt);

/* As mqtt_publish; of QoS 1 the caller has begun the flight, which is
 * cancelled on failure. */
MUST_CHECK enum err_code paho_send(struct mqtt *mqtt,
				   const struct mqtt_publication *publication);

/* What struct session_port asks for; the context is a struct mqtt. */
bool paho_connect(void *context);
void paho_subscribe(void *context);
void paho_disconnect(void *context);
void paho_tree_subscribe(void *context);
void paho_tree_unsubscribe(void *context);
void paho_reason(void *context, char *buffer, size_t size);

#endif
