#include "gateway/edge/mqtt_session.h"

#define BACKOFF_LEAST_MS 500
#define BACKOFF_MOST_MS 30000
#define STEADY_MS                                                  \
	10000 /* up this long: the next pause is a short one again \
	       */
/* Paho gives up after 10 s and looks every 3 s, but its sender sleeps by the
 * wall clock: set back meanwhile by years, it would not look for years. */
#define CONNECT_TIMEOUT_MS 20000
#define SUBSCRIBE_TIMEOUT_MS 10000
#define HOLD_TIMEOUT_MS 1000
#define LOOK_MS 5 /* how often to see whether the ring is low */
/* Coming back after a disconnect takes Paho more than a second: so short a
 * stall is not worth one. */
#define THROTTLE_MS 1000
#define SUPERVISE_MS 1000
#define STALL_MS 30000 /* publishes in flight, no PUBACK: a dead broker */
#define TREE_TIMEOUT_MS 30000

static int64_t now_ms(const struct session *session)
{
	return clock_monotonic_ms(session->inbox->clock);
}

void session_init(struct session *session, uint64_t seed)
{
	session->phase = PHASE_IDLE;
	backoff_init(&session->backoff, BACKOFF_LEAST_MS, BACKOFF_MOST_MS,
		     seed);
}

enum mqtt_state session_state(const struct session *session)
{
	switch (session->phase) {
	case PHASE_IDLE:
	case PHASE_DOWN:
		return MQTT_DOWN;
	case PHASE_CONNECTING:
	case PHASE_SUBSCRIBING:
		return MQTT_CONNECTING;
	case PHASE_UP:
		return MQTT_UP;
	case PHASE_HOLDING:
	case PHASE_HELD:
		return MQTT_HELD;
	case PHASE_FLUSHING:
	case PHASE_CLOSING:
		return MQTT_STOPPING;
	case PHASE_STOPPED:
		break;
	}
	return MQTT_STOPPED;
}

/* Among the last things that a transition does: the handler may call back. */
static void state_tell(const struct session *session)
{
	struct mqtt_change change = {.state = session_state(session),
				     .has_session = session->has_session};

	session->handlers->changed(session->handlers->context, &change);
}

/* ---- the own tree ---- */

static bool is_reading(const struct session *session)
{
	return atomic_load(&session->inbox->reading) != 0;
}

static uint64_t heard_dropped(const struct session *session)
{
	return atomic_load(&session->inbox->counts[MQTT_COUNT_HEARD_DROPPED]);
}

/* The number tells this reading's marker from those of other lives. */
enum err_code session_tree_read(struct session *session)
{
	uint64_t ms = (uint64_t)clock_now(session->inbox->clock).moment.ms;

	if (session->phase != PHASE_UP || is_reading(session))
		return ERR_AGAIN;
	session->tree_since_ms = now_ms(session);
	session->tree_dropped = heard_dropped(session);
	session->markers++;
	atomic_store(&session->inbox->reading,
		     (ms << 16) + (session->markers & 0xffff) + 1);
	session->port->tree_subscribe(session->owner);
	return ERR_OK;
}

static void tree_end(struct session *session, bool has_marker)
{
	bool is_whole =
		has_marker && heard_dropped(session) == session->tree_dropped;

	if (!is_reading(session))
		return;
	atomic_store(&session->inbox->reading, 0);
	if (session->phase == PHASE_UP)
		session->port->tree_unsubscribe(session->owner);
	if (session->handlers->tree_read != NULL)
		session->handlers->tree_read(session->handlers->context,
					     is_whole);
}

/* ---- down and up ---- */

/* Waits for the next try. */
static void down_enter(struct session *session)
{
	char reason[SESSION_REASON_SIZE] = "";
	struct mqtt_change change = {.state = MQTT_DOWN, .reason = reason};

	session->phase = PHASE_DOWN;
	change.retry_ms = backoff_next_ms(&session->backoff);
	session->port->reason(session->owner, reason, sizeof(reason));
	session->port->timer_once(session->owner, change.retry_ms);
	session->handlers->changed(session->handlers->context, &change);
	tree_end(session, false);
}

static void connect_try(struct session *session)
{
	session->phase = PHASE_CONNECTING;
	session->port->timer_every(session->owner, CONNECT_TIMEOUT_MS);
	if (session->port->connect(session->owner)) {
		state_tell(session);
		return;
	}
	inbox_count(session->inbox, MQTT_COUNT_FAILED);
	down_enter(session);
}

void session_start(struct session *session)
{
	ASSERT(session->phase == PHASE_IDLE);
	connect_try(session);
}

static void up_enter(struct session *session)
{
	session->phase = PHASE_UP;
	session->up_since_ms = now_ms(session);
	session->progress_ms = session->up_since_ms;
	session->port->timer_every(session->owner, SUPERVISE_MS);
	inbox_count(session->inbox, MQTT_COUNT_CONNECTED);
	state_tell(session);
}

static void on_connected(struct session *session)
{
	if (session->phase == PHASE_STOPPED)
		session->port->disconnect(session->owner);
	if (session->phase != PHASE_CONNECTING)
		return;
	session->phase = PHASE_SUBSCRIBING;
	/* A crash in the middle of a reading may have left its subscription. */
	if (session->inbox->tree.count > 0)
		session->port->tree_unsubscribe(session->owner);
	if (session->inbox->inputs.count + session->inbox->watched.count == 0) {
		up_enter(session);
		return;
	}
	session->port->timer_every(session->owner, SUBSCRIBE_TIMEOUT_MS);
	session->port->subscribe(session->owner);
}

static void on_subscribed(struct session *session)
{
	if (session->phase == PHASE_SUBSCRIBING)
		up_enter(session);
}

/* Without its inputs the box is deaf, and should not look alive. */
static void on_refused(struct session *session)
{
	if (session->phase == PHASE_SUBSCRIBING)
		session->port->disconnect(session->owner);
}

static void on_failed(struct session *session)
{
	if (session->phase != PHASE_CONNECTING)
		return;
	inbox_count(session->inbox, MQTT_COUNT_FAILED);
	down_enter(session);
}

/* ---- held: the ring is high ---- */

static void held_enter(struct session *session)
{
	session->phase = PHASE_HELD;
	session->port->timer_every(session->owner, LOOK_MS);
}

static void holding_enter(struct session *session)
{
	session->phase = PHASE_HOLDING;
	session->is_throttled = false;
	inbox_count(session->inbox, MQTT_COUNT_HELD);
	session->port->timer_every(session->owner, HOLD_TIMEOUT_MS);
	session->port->disconnect(session->owner);
	state_tell(session);
	tree_end(session, false);
}

static bool has_connection(const struct session *session)
{
	return session->phase == PHASE_SUBSCRIBING ||
	       session->phase == PHASE_UP;
}

/* The timer that the phase had before the ring was high. */
static void throttle_end(struct session *session)
{
	session->is_throttled = false;
	session->port->unthrottle(session->owner);
	session->port->timer_every(session->owner,
				   session->phase == PHASE_UP
					   ? SUPERVISE_MS
					   : SUBSCRIBE_TIMEOUT_MS);
}

/* The valve is closed already; again, because opening it for an earlier mark
 * may have come between. */
static void on_high(struct session *session)
{
	if (!has_connection(session) || session->is_throttled)
		return;
	if (!session->port->throttle(session->owner)) {
		holding_enter(session);
		return;
	}
	inbox_count(session->inbox, MQTT_COUNT_THROTTLED);
	session->is_throttled = true;
	session->throttled_since_ms = now_ms(session);
	session->port->timer_every(session->owner, LOOK_MS);
}

static void throttle_look(struct session *session)
{
	if (ring_is_low(session->inbox->ring))
		throttle_end(session);
	else if (now_ms(session) - session->throttled_since_ms >= THROTTLE_MS)
		holding_enter(session);
}

/* There may be room again, but the connection is gone: it comes back when the
 * ring is low, without the pause for what broke. */
static void on_full(struct session *session)
{
	if (has_connection(session))
		holding_enter(session);
}

/* ---- stopping ---- */

static void stopped_enter(struct session *session)
{
	session->phase = PHASE_STOPPED;
	session->port->timer_off(session->owner);
	state_tell(session);
	tree_end(session, false);
}

static void flush_look(struct session *session)
{
	flights_want_room(session->flights, FLIGHT_PLAIN);
	if (flights_left(session->flights) > 0)
		return;
	session->phase = PHASE_CLOSING;
	session->port->disconnect(session->owner);
}

/* What is in flight cannot end while nothing is read. */
static void unthrottle(struct session *session)
{
	if (session->is_throttled)
		session->port->unthrottle(session->owner);
	session->is_throttled = false;
}

void session_stop(struct session *session, uint32_t timeout_ms)
{
	switch (session->phase) {
	case PHASE_UP:
		unthrottle(session);
		session->phase = PHASE_FLUSHING;
		session->port->timer_once(session->owner, timeout_ms);
		flush_look(session);
		break;
	case PHASE_SUBSCRIBING:
	case PHASE_HOLDING:
		unthrottle(session);
		session->phase = PHASE_CLOSING;
		session->port->timer_once(session->owner, timeout_ms);
		session->port->disconnect(session->owner);
		break;
	case PHASE_IDLE:
	case PHASE_DOWN:
	case PHASE_CONNECTING:
	case PHASE_HELD:
		stopped_enter(session);
		break;
	case PHASE_FLUSHING:
	case PHASE_CLOSING:
	case PHASE_STOPPED:
		break;
	}
}

/* ---- the end of a connection ---- */

static void on_gone(struct session *session)
{
	session->is_throttled = false;
	switch (session->phase) {
	case PHASE_SUBSCRIBING:
		inbox_count(session->inbox, MQTT_COUNT_FAILED);
		down_enter(session);
		break;
	case PHASE_UP:
		inbox_count(session->inbox, MQTT_COUNT_BROKEN);
		down_enter(session);
		break;
	case PHASE_HOLDING:
		held_enter(session);
		break;
	case PHASE_FLUSHING:
	case PHASE_CLOSING:
		stopped_enter(session);
		break;
	case PHASE_IDLE:
	case PHASE_DOWN:
	case PHASE_CONNECTING:
	case PHASE_HELD:
	case PHASE_STOPPED:
		break;
	}
}

/* ---- events and time ---- */

static void on_room(struct session *session)
{
	if (session->phase == PHASE_FLUSHING)
		flush_look(session);
	else if (session->phase == PHASE_UP && session->handlers->room != NULL)
		session->handlers->room(session->handlers->context);
}

static void on_tree(struct session *session)
{
	uint64_t number = atomic_load(&session->inbox->reading);

	if (session->phase == PHASE_UP && number != 0)
		session->port->tree_mark(session->owner, number);
}

static void on_tree_refused(struct session *session)
{
	tree_end(session, false);
}

static void on_marker(struct session *session)
{
	tree_end(session, true);
}

void session_events(struct session *session, uint32_t events)
{
	/* In this order: what ends a connection comes after what it brought. */
	static const struct {
		enum session_event event;
		void (*handle)(struct session *session);
	} table[] = {
		{EVENT_CONNECTED, on_connected},
		{EVENT_SUBSCRIBED, on_subscribed},
		{EVENT_REFUSED, on_refused},
		{EVENT_TREE, on_tree},
		{EVENT_TREE_REFUSED, on_tree_refused},
		{EVENT_MARKER, on_marker},
		{EVENT_ROOM, on_room},
		{EVENT_HIGH, on_high},
		{EVENT_FULL, on_full},
		{EVENT_FAILED, on_failed},
		{EVENT_LOST, on_gone},
		{EVENT_CLOSED, on_gone},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if ((events & (uint32_t)table[i].event) != 0)
			table[i].handle(session);
	}
}

/* A broker that answers pings but no publishes is as good as gone. */
static void stall_look(struct session *session, int64_t now)
{
	uint64_t ended = flights_ended(session->flights);

	if (ended != session->ended_seen ||
	    flights_left(session->flights) == 0) {
		session->ended_seen = ended;
		session->progress_ms = now;
	}
	if (now - session->progress_ms >= STALL_MS)
		session->port->cut(session->owner);
}

static void supervise(struct session *session)
{
	int64_t now = now_ms(session);

	if (now - session->up_since_ms >= STEADY_MS)
		backoff_reset(&session->backoff);
	stall_look(session, now);
	if (is_reading(session) &&
	    now - session->tree_since_ms >= TREE_TIMEOUT_MS)
		tree_end(session, false);
	if (flights_take_room(session->flights))
		on_room(session);
}

void session_timer(struct session *session)
{
	if (session->is_throttled) {
		throttle_look(session);
		return;
	}
	switch (session->phase) {
	case PHASE_DOWN:
		connect_try(session);
		break;
	case PHASE_CONNECTING:
	case PHASE_SUBSCRIBING:
	case PHASE_HOLDING:
		session->port->cut(session->owner);
		break;
	case PHASE_UP:
		supervise(session);
		break;
	case PHASE_HELD:
		if (ring_is_low(session->inbox->ring))
			connect_try(session);
		break;
	case PHASE_FLUSHING:
	case PHASE_CLOSING:
		session->port->cut(session->owner);
		stopped_enter(session);
		break;
	case PHASE_IDLE:
	case PHASE_STOPPED:
		break;
	}
}
