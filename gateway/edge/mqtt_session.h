/*
 * mqtt_session - when to connect, subscribe, hold, read the tree and give up.
 *
 * Layer     gateway/edge; internal to mqtt.c, and free of Paho
 * Threads   the loop's
 *
 * The client's life as a state machine. Events, time and the ring's fill come
 * in; what it does to the world goes out through struct session_port, whose
 * functions only ask and never wait:
 *
 * A high ring is first met by holding messages back in the kernel (valve.h),
 * for a moment; only if that does not help by a disconnect.
 *
 *	DOWN -> CONNECTING -> SUBSCRIBING -> UP -> HOLDING -> HELD
 *	  ^---------+--------------+---------'         |        |
 *	            ^------------------------- ring is low -----'
 *	any -> (FLUSHING -> CLOSING ->) STOPPED
 */
#ifndef DEPOT_GATEWAY_EDGE_MQTT_SESSION_H
#define DEPOT_GATEWAY_EDGE_MQTT_SESSION_H

#include "gateway/edge/backoff.h"
#include "gateway/edge/mqtt.h"
#include "gateway/edge/mqtt_flight.h"
#include "gateway/edge/mqtt_inbox.h"

#define SESSION_REASON_SIZE 128

/* What has happened since the last look; a set of bits. */
enum session_event {
	EVENT_CONNECTED = 1 << 0,
	EVENT_SUBSCRIBED = 1 << 1,
	EVENT_REFUSED = 1 << 2, /* a subscription was */
	EVENT_TREE = 1 << 3,    /* the tree's subscription stands */
	EVENT_TREE_REFUSED = 1 << 4,
	EVENT_MARKER = 1 << 5,
	EVENT_ROOM = 1 << 6,
	EVENT_HIGH = 1 << 7,    /* the ring is, and the valve is closed */
	EVENT_RISING = 1 << 8,  /* and that does not help */
	EVENT_FULL = 1 << 9,    /* it was: the connection is being cut */
	EVENT_FAILED = 1 << 10, /* to connect */
	EVENT_LOST = 1 << 11,
	EVENT_CLOSED = 1 << 12, /* as we asked */
};

/* What the session asks of the world; @context is the session's owner. */
struct session_port {
	/* Leads to CONNECTED or FAILED; false: not even asked. */
	bool (*connect)(void *context);
	/* Leads to SUBSCRIBED or REFUSED, if the connection holds. */
	void (*subscribe)(void *context);
	/* Leads to CLOSED, if the connection is not stuck. */
	void (*disconnect)(void *context);
	/* Leads to LOST, whatever the connection does. */
	void (*cut)(void *context);
	/* Holds messages back in the kernel; false: it cannot. */
	bool (*throttle)(void *context);
	void (*unthrottle)(void *context);
	/* Leads to TREE or TREE_REFUSED. */
	void (*tree_subscribe)(void *context);
	/* Publishes the marker with @number: leads to MARKER. */
	void (*tree_mark)(void *context, uint64_t number);
	void (*tree_unsubscribe)(void *context);
	/* Writes why the last connection failed or broke. */
	void (*reason)(void *context, char *buffer, size_t size);
	/* One timer: session_timer is due once in @ms, or every @ms. */
	void (*timer_once)(void *context, uint32_t ms);
	void (*timer_every)(void *context, uint32_t ms);
	void (*timer_off)(void *context);
};

enum session_phase {
	PHASE_IDLE, /* before session_start */
	PHASE_DOWN,
	PHASE_CONNECTING,
	PHASE_SUBSCRIBING,
	PHASE_UP,
	PHASE_HOLDING, /* disconnecting: the ring is high */
	PHASE_HELD,
	PHASE_FLUSHING, /* stopping: publishes are in flight */
	PHASE_CLOSING,  /* stopping: disconnecting */
	PHASE_STOPPED,
};

struct session {
	const struct session_port *port;
	void *owner;
	const struct mqtt_handlers *handlers;
	struct inbox *inbox; /* and through it ring and clock */
	struct flights *flights;
	enum session_phase phase;
	struct backoff backoff;
	bool has_session; /* told with CONNECTED */
	bool is_throttled;
	int64_t throttled_since_ms;
	int64_t up_since_ms;
	int64_t progress_ms; /* when publishes were last seen to end */
	uint64_t ended_seen;
	uint64_t markers; /* readings of the tree so far */
	int64_t tree_since_ms;
	uint64_t tree_dropped; /* heard messages dropped before the reading */
};

/* The caller has set port, owner, handlers, inbox and flights. */
void session_init(struct session *session, uint64_t seed);

void session_start(struct session *session);
/* @events: bits of enum session_event. */
void session_events(struct session *session, uint32_t events);
void session_timer(struct session *session);
/* As mqtt_stop, after the last publication. */
void session_stop(struct session *session, uint32_t timeout_ms);
/* As mqtt_tree_read. */
MUST_CHECK enum err_code session_tree_read(struct session *session);

enum mqtt_state session_state(const struct session *session);

#endif
