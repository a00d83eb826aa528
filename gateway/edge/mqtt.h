/*
 * mqtt - the client of a broker: in depotd of the site's own, readings in,
 * everything out; in depot-link of a far one, frames both ways.
 *
 * Layer     gateway/edge; mqtt.c is the only caller of Paho
 * Threads   the loop's, for everything here. Paho's threads only run callbacks
 *           inside mqtt.c, which copy into the intake ring, a bounded queue or
 *           an atomic word, and return: they wait for nothing, allocate
 *           nothing of ours, and call nothing of Paho's that takes a lock
 *
 * What always holds:
 *   - a message of QoS 1 on an input topic is PUBACKed only after ring_push
 *     returned ERR_OK. When the ring is full the connection is cut before
 *     Paho can acknowledge, and the broker sends the message again;
 *   - when the ring is three quarters full, arriving messages are held back in
 *     the kernel; if it is not half empty again within a second, the client
 *     disconnects (the session is kept, the broker queues) and connects again
 *     when it is;
 *   - no call here waits for the network. A connect is asked for and reported
 *     later; a publish is refused with ERR_AGAIN beyond a bound. (Paho's calls
 *     share one lock with its callbacks and with its connect, which looks up
 *     the host's name: give a numeric address where that may take long);
 *   - a connection that breaks under a write does Paho no harm: mqtt_write.h
 *     (and docs/decisions/0012);
 *   - it reconnects for ever, with growing pauses (0.5 s to 30 s) and jitter,
 *     and subscribes again after every connect, session or not;
 *   - the session is persistent (clean start false), unless the configuration
 *     says otherwise: what the broker queued while we were away comes then.
 *
 * After MQTT_UP the caller publishes everything that is marked, and counts
 * everything as marked: what was in flight when a connection broke may be
 * there, not there, or still come once more.
 *
 * Retained messages on input topics are old news: counted, never pushed.
 */
#ifndef DEPOT_GATEWAY_EDGE_MQTT_H
#define DEPOT_GATEWAY_EDGE_MQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/edge/clock.h"
#include "gateway/edge/loop.h"
#include "gateway/edge/ring.h"
#include "rules/base/err.h"
#include "rules/base/text.h"

/* The longest topic that is published, and heard on a watched filter. */
#define MQTT_TOPIC_SIZE_MAX 320
#define MQTT_FILTERS_MAX 24

struct mqtt;
struct packets; /* edge/packets.h */

enum mqtt_state {
	MQTT_DOWN,       /* not connected; the next try is due in retry_ms */
	MQTT_CONNECTING, /* a try is under way, up to the last subscription */
	MQTT_UP,         /* connected and subscribed */
	MQTT_HELD,       /* away on purpose: the ring is high */
	MQTT_STOPPING,   /* mqtt_stop was called */
	MQTT_STOPPED,    /* and has ended */
};

struct mqtt_change {
	enum mqtt_state state;
	uint32_t retry_ms;  /* MQTT_DOWN */
	const char *reason; /* MQTT_DOWN: why; borrowed until return */
	bool has_session;   /* MQTT_UP: the broker remembered us */
};

/* A message on a watched filter, or one of the retained tree. */
struct mqtt_heard {
	struct span topic;     /* borrowed until return */
	struct span payload;   /* cut at heard_size_max; borrowed */
	uint32_t payload_size; /* as it was sent */
	bool is_retained;
};

/* Called in the loop's thread, but for `accepts`. Only `changed` must be
 * given. */
struct mqtt_handlers {
	void (*changed)(void *context, const struct mqtt_change *change);
	/* After an ERR_AGAIN in MQTT_UP: there is room to publish again. */
	void (*room)(void *context);
	void (*heard)(void *context, const struct mqtt_heard *heard);
	/* In Paho's thread: whether a message on a watched filter is wanted,
	 * before any of it is copied. Waits for nothing. NULL: all are. */
	bool (*accepts)(void *context, struct span topic, size_t payload_size);
	/* The end of mqtt_tree_read. @is_whole: nothing was left out for want
	 * of room or time, as far as the broker tells. */
	void (*tree_read)(void *context, bool is_whole);
	void *context;
};

struct mqtt_will {
	const char *topic; /* NULL: no will */
	struct span payload;
	uint32_t delay_s;
};

/* All strings and arrays are copied. */
struct mqtt_config {
	const char *uri; /* tcp://HOST:PORT or ssl://HOST:PORT */
	const char *client_id;
	const char *user;      /* NULL: none */
	const char *password;  /* NULL: none */
	const char *ca_file;   /* ssl: trusted roots; NULL: the system's */
	const char *cert_file; /* ssl: our certificate and key; NULL: none */
	const char *key_file;

	const char *const *inputs; /* filters of the ring's topics, QoS 1 */
	size_t input_count;
	const char *const *watched; /* filters that the loop hears, QoS 1; the
				     * broker may refuse them */
	size_t watched_count;
	size_t others_count;     /* of the last so many of these what we publish
				  * ourselves is not wanted (MQTT's No Local) */
	const char *const *tree; /* filters of our own retained topics */
	size_t tree_count;
	size_t tree_optional;    /* the last of them: may be refused */
	const char *tree_marker; /* a topic of our own that nothing else uses */

	struct mqtt_will will;    /* QoS 1, retained */
	bool is_session_new;      /* clean start */
	uint32_t session_s;       /* session expiry interval */
	uint32_t packet_size_max; /* bytes; the broker drops longer ones */
	uint32_t in_flight_max;   /* publishes of QoS 1 without a PUBACK */
	uint32_t answers_max;     /* the same, for an answer: more */
	bool is_room_told;        /* `room` after every PUBACK: may be many */
	uint32_t heard_max;       /* heard messages that may wait */
	uint32_t heard_size_max;  /* bytes of a heard payload that are kept */
	uint16_t receive_max;     /* Receive Maximum. Mosquitto 2.0.11 keeps
				   * to it only while it has no queue */
	uint16_t keepalive_s;
	uint64_t seed; /* of the jitter */

	struct loop *loop;       /* borrowed until mqtt_close, as the next */
	struct ring *ring;       /* NULL: there are no inputs */
	struct packets *packets; /* NULL: what comes again is pushed again */
	const struct clock *clock;
	struct mqtt_handlers handlers;
};

/* What HOUSE and FACTS ask for; the caller fills in the rest. */
#define MQTT_CONFIG_DEFAULTS                                        \
	.session_s = 7 * 86400, .packet_size_max = 65536,           \
	.in_flight_max = 100, .answers_max = 500, .heard_max = 512, \
	.heard_size_max = PAYLOAD_OUT_SIZE_MAX, .receive_max = 100, \
	.keepalive_s = 30

/*
 * Makes a client that does nothing until mqtt_start.
 *
 * ERR_INVALID  the configuration: the sentence names what
 * ERR_FULL     no memory
 * ERR_IO       the system refused
 */
MUST_CHECK enum err_code mqtt_open(const struct mqtt_config *config,
				   struct mqtt **ret_mqtt, struct err *err);
/*
 * Ends it in any state; takes NULL. A connection that is up is closed in
 * order, without the will. May take a second: it waits for Paho's threads.
 */
void mqtt_close(struct mqtt *mqtt);

/* Begins to connect; `changed` tells the rest. Once. */
void mqtt_start(struct mqtt *mqtt);

enum mqtt_state mqtt_state(const struct mqtt *mqtt);

/* The will's payload from the next connect on; copied.
 * ERR_INVALID: longer than PAYLOAD_OUT_SIZE_MAX, or there is no will. */
MUST_CHECK enum err_code mqtt_will_set(struct mqtt *mqtt, struct span payload);

struct mqtt_publication {
	const char *topic;
	struct span payload;     /* empty and retained: clears the topic */
	struct span correlation; /* MQTT 5's Correlation Data; empty: none */
	uint8_t qos;             /* 0 or 1 */
	bool is_retained;
	bool is_answer; /* somebody waits for it: goes when others wait */
};

/*
 * Hands @publication to Paho, which copies it. ERR_OK promises nothing but
 * that: marks, not publishes, are what survives.
 *
 * ERR_AGAIN    not MQTT_UP, or too many are in flight: keep the mark; `room`
 *              or MQTT_UP comes when it is worth another try
 * ERR_INVALID  no name of a topic, or longer than MQTT_TOPIC_SIZE_MAX or the
 *              configured packet size
 * ERR_IO       Paho refused it otherwise
 */
MUST_CHECK enum err_code
mqtt_publish(struct mqtt *mqtt, const struct mqtt_publication *publication);

/* What was published so far is to leave within some milliseconds, also under
 * load, when packets gather; see mqtt_pace.h. */
void mqtt_push(struct mqtt *mqtt);

/* Whether `heard` is called from now on, or what is heard waits (heard_max of
 * it; what comes beyond is dropped and counted). */
void mqtt_hear(struct mqtt *mqtt, bool is_wanted);

/* Publishes without a PUBACK so far. */
uint32_t mqtt_in_flight(const struct mqtt *mqtt);

/*
 * Reads our own retained topics once: subscribes to the tree's filters,
 * hands each retained message to `heard`, and unsubscribes when the marker,
 * published after the subscription, has come back behind them all (or after
 * 30 s). Then `tree_read`, also when the connection breaks meanwhile.
 *
 * ERR_AGAIN  not MQTT_UP, or a reading is under way
 */
MUST_CHECK enum err_code mqtt_tree_read(struct mqtt *mqtt);

/*
 * Stops for good: no more connects; publishes @last (may be NULL), waits for
 * what is in flight, disconnects, and reports MQTT_STOPPED, at the latest
 * after @timeout_ms (then the connection is cut and the broker sends the
 * will). Once. MQTT_STOPPED may come before this returns.
 */
void mqtt_stop(struct mqtt *mqtt, const struct mqtt_publication *last,
	       uint32_t timeout_ms);

/* Counters since mqtt_open, for metrics. */
enum mqtt_count {
	MQTT_COUNT_PUSHED,          /* messages into the ring */
	MQTT_COUNT_AGAIN,           /* sent again, and in the ring before */
	MQTT_COUNT_OLD_NEWS,        /* retained on an input: dropped */
	MQTT_COUNT_BAD_TOPIC,       /* no name of a topic: dropped */
	MQTT_COUNT_UNASKED,         /* on no filter of ours: dropped */
	MQTT_COUNT_HEARD,           /* handed to `heard` */
	MQTT_COUNT_HEARD_DROPPED,   /* `heard` was too slow, or too long */
	MQTT_COUNT_BRAKED,          /* ring full: cut before the PUBACK */
	MQTT_COUNT_LOST,            /* ring full: QoS 0, or could not cut */
	MQTT_COUNT_CONNECTED,       /* times MQTT_UP was reached */
	MQTT_COUNT_FAILED,          /* tries that did not reach it */
	MQTT_COUNT_BROKEN,          /* connections lost */
	MQTT_COUNT_THROTTLED,       /* times the ring was high for a moment */
	MQTT_COUNT_HELD,            /* times MQTT_HELD was reached */
	MQTT_COUNT_PUBLISHED,       /* handed to Paho */
	MQTT_COUNT_PUBLISH_AGAIN,   /* ERR_AGAIN answers */
	MQTT_COUNT_PUBLISH_REFUSED, /* the broker's reason code said no */
	MQTT_COUNTS
};
uint64_t mqtt_count(const struct mqtt *mqtt, enum mqtt_count which);
/* A stable lower-case name, "old_news". Never NULL. */
const char *mqtt_count_name(enum mqtt_count which);

#endif
