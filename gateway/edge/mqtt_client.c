#include "gateway/edge/mqtt_client.h"

#include <stdlib.h>

#include "gateway/edge/mqtt_topic.h"
#include "gateway/edge/valve.h"

void mqtt_raise(struct mqtt *mqtt, enum session_event event)
{
	atomic_fetch_or(&mqtt->events, (uint32_t)event);
	wake_signal(&mqtt->wake);
}

/* ---- publishing ---- */

static enum err_code publication_check(const struct mqtt *mqtt,
				       const struct mqtt_publication *what)
{
	struct span topic = span_of(what->topic);

	ASSERT(what->qos <= 1);
	if (topic.size > MQTT_TOPIC_SIZE_MAX || !topic_is_name(topic) ||
	    what->payload.size > mqtt->config.packet_size_max)
		return ERR_INVALID;
	return ERR_OK;
}

enum err_code mqtt_publish(struct mqtt *mqtt,
			   const struct mqtt_publication *publication)
{
	enum flight_class class =
		publication->is_answer ? FLIGHT_ANSWER : FLIGHT_PLAIN;
	enum err_code code = publication_check(mqtt, publication);

	if (code != ERR_OK)
		return code;
	code = ERR_AGAIN;
	if (mqtt_state(mqtt) == MQTT_UP &&
	    (publication->qos == 0 || flight_begin(&mqtt->flights, class)))
		code = paho_send(mqtt, publication);
	if (code == ERR_AGAIN) {
		flights_want_room(&mqtt->flights, class);
		inbox_count(&mqtt->inbox, MQTT_COUNT_PUBLISH_AGAIN);
	}
	return code;
}

/* A mark or a last word: not to be kept back by what is in flight. False: the
 * connection is gone, which is told elsewhere. */
static bool publish_anyway(struct mqtt *mqtt,
			   const struct mqtt_publication *publication)
{
	if (publication->qos > 0)
		flight_begin_anyway(&mqtt->flights);
	return paho_send(mqtt, publication) == ERR_OK;
}

static void ask_tree_mark(void *context, uint64_t number)
{
	struct mqtt *mqtt = context;
	struct mqtt_publication mark = {.topic = mqtt->settings.tree_marker,
					.qos = 1};
	char text[24];

	(void)text_format(text, sizeof(text), "%llu",
			  (unsigned long long)number);
	mark.payload = span_of(text);
	if (!publish_anyway(mqtt, &mark))
		mqtt_raise(mqtt, EVENT_TREE_REFUSED);
}

/* ---- what the session asks for, and Paho does not give ---- */

static void ask_cut(void *context)
{
	struct mqtt *mqtt = context;

	atomic_store(&mqtt->failure, FAILURE_NO_ANSWER);
	if (valve_cut(mqtt->settings.port) == 0)
		mqtt_raise(mqtt, EVENT_LOST);
}

static bool ask_throttle(void *context)
{
	struct mqtt *mqtt = context;

	atomic_store(&mqtt->valve, VALVE_CLOSED);
	return valve_close(mqtt->settings.port) > 0;
}

/* First the word, then the deed: a callback that finds the ring high in
 * between closes the valve and tells, and then the loop closes it again. */
static void ask_unthrottle(void *context)
{
	struct mqtt *mqtt = context;

	atomic_store(&mqtt->valve, VALVE_OPEN);
	(void)valve_open(mqtt->settings.port);
}

static void timer_once(void *context, uint32_t ms)
{
	loop_timer_once(((struct mqtt *)context)->timer, ms);
}

static void timer_every(void *context, uint32_t ms)
{
	loop_timer_every(((struct mqtt *)context)->timer, ms);
}

static void timer_off(void *context)
{
	loop_timer_off(((struct mqtt *)context)->timer);
}

static const struct session_port session_port = {
	.connect = paho_connect,
	.subscribe = paho_subscribe,
	.disconnect = paho_disconnect,
	.cut = ask_cut,
	.throttle = ask_throttle,
	.unthrottle = ask_unthrottle,
	.tree_subscribe = paho_tree_subscribe,
	.tree_mark = ask_tree_mark,
	.tree_unsubscribe = paho_tree_unsubscribe,
	.reason = paho_reason,
	.timer_once = timer_once,
	.timer_every = timer_every,
	.timer_off = timer_off,
};

/* Events before what was heard: a marker's event is taken only with all that
 * was heard before it. */
static void on_wake(void *context, uint32_t what)
{
	struct mqtt *mqtt = context;
	uint32_t events = atomic_exchange(&mqtt->events, 0);

	(void)what;
	if (!inbox_hear(&mqtt->inbox))
		wake_signal(&mqtt->wake);
	mqtt->session.has_session = atomic_load(&mqtt->has_session);
	if ((events & EVENT_CONNECTED) != 0)
		pace_connected(&mqtt->pace);
	session_events(&mqtt->session, events);
}

static void on_timer(void *context, uint32_t what)
{
	struct mqtt *mqtt = context;

	(void)what;
	session_timer(&mqtt->session);
}

/* ---- opening and closing ---- */

static enum err_code parts_open(struct mqtt *mqtt, struct err *err)
{
	const struct mqtt_config *config = &mqtt->config;
	enum err_code code =
		settings_copy(&mqtt->settings, &mqtt->inbox, config, err);

	if (code == ERR_OK)
		code = wake_init(&mqtt->wake, err);
	if (code == ERR_OK)
		code = inbox_open(&mqtt->inbox, config, &mqtt->wake, err);
	if (code == ERR_OK)
		code = loop_add_timer(config->loop,
				      (struct loop_call){on_timer, mqtt},
				      &mqtt->timer, err);
	mqtt->pace.port = mqtt->settings.port;
	mqtt->pace.pushed = &mqtt->inbox.counts[MQTT_COUNT_PUSHED];
	if (code == ERR_OK)
		code = pace_open(&mqtt->pace, config->loop, err);
	if (code == ERR_OK)
		code = loop_add_wake(config->loop, &mqtt->wake,
				     (struct loop_call){on_wake, mqtt},
				     &mqtt->wake_source, err);
	if (code == ERR_OK)
		code = paho_open(mqtt, err);
	return code;
}

enum err_code mqtt_open(const struct mqtt_config *config,
			struct mqtt **ret_mqtt, struct err *err)
{
	struct mqtt *mqtt = calloc(1, sizeof(*mqtt));
	enum err_code code;

	ASSERT(config->handlers.changed != NULL);
	ASSERT(config->in_flight_max > 0 && config->receive_max > 0);
	ASSERT(config->answers_max >= config->in_flight_max);
	ASSERT(config->ring != NULL || config->input_count == 0);
	ASSERT(config->others_count <= config->watched_count);
	if (mqtt == NULL)
		return err_set(err, ERR_FULL, "no memory");
	mqtt->config = *config;
	mqtt->inbox.ring = config->ring;
	mqtt->inbox.packets = config->packets;
	mqtt->inbox.clock = config->clock;
	mqtt->session.port = &session_port;
	mqtt->session.owner = mqtt;
	mqtt->session.handlers = &mqtt->config.handlers;
	mqtt->session.inbox = &mqtt->inbox;
	mqtt->session.flights = &mqtt->flights;
	session_init(&mqtt->session, config->seed);
	code = parts_open(mqtt, err);
	if (code != ERR_OK) {
		mqtt_close(mqtt);
		return err_wrap(err, code, "mqtt client");
	}
	*ret_mqtt = mqtt;
	return ERR_OK;
}

void mqtt_close(struct mqtt *mqtt)
{
	if (mqtt == NULL)
		return;
	paho_close(mqtt);
	loop_remove(mqtt->wake_source);
	loop_remove(mqtt->timer);
	pace_close(&mqtt->pace);
	inbox_close(&mqtt->inbox);
	wake_release(&mqtt->wake);
	settings_release(&mqtt->settings, &mqtt->inbox);
	free(mqtt);
}

void mqtt_start(struct mqtt *mqtt)
{
	session_start(&mqtt->session);
}

enum mqtt_state mqtt_state(const struct mqtt *mqtt)
{
	return session_state(&mqtt->session);
}

enum err_code mqtt_will_set(struct mqtt *mqtt, struct span payload)
{
	return settings_will_set(&mqtt->settings, payload);
}

void mqtt_push(struct mqtt *mqtt)
{
	pace_push(&mqtt->pace);
}

void mqtt_hear(struct mqtt *mqtt, bool is_wanted)
{
	mqtt->inbox.is_deaf = !is_wanted;
	if (is_wanted)
		wake_signal(&mqtt->wake);
}

uint32_t mqtt_in_flight(const struct mqtt *mqtt)
{
	return flights_left(&mqtt->flights);
}

enum err_code mqtt_tree_read(struct mqtt *mqtt)
{
	ASSERT(mqtt->inbox.tree.count > 0);
	return session_tree_read(&mqtt->session);
}

void mqtt_stop(struct mqtt *mqtt, const struct mqtt_publication *last,
	       uint32_t timeout_ms)
{
	if (last != NULL && mqtt_state(mqtt) == MQTT_UP)
		(void)publish_anyway(mqtt, last); /* then without last words */
	session_stop(&mqtt->session, timeout_ms);
}

uint64_t mqtt_count(const struct mqtt *mqtt, enum mqtt_count which)
{
	return atomic_load_explicit(&mqtt->inbox.counts[which],
				    memory_order_relaxed);
}

const char *mqtt_count_name(enum mqtt_count which)
{
	static const char *const names[] = {
		[MQTT_COUNT_PUSHED] = "pushed",
		[MQTT_COUNT_AGAIN] = "again",
		[MQTT_COUNT_OLD_NEWS] = "old_news",
		[MQTT_COUNT_BAD_TOPIC] = "bad_topic",
		[MQTT_COUNT_UNASKED] = "unasked",
		[MQTT_COUNT_HEARD] = "heard",
		[MQTT_COUNT_HEARD_DROPPED] = "heard_dropped",
		[MQTT_COUNT_BRAKED] = "braked",
		[MQTT_COUNT_LOST] = "lost",
		[MQTT_COUNT_CONNECTED] = "connected",
		[MQTT_COUNT_FAILED] = "failed",
		[MQTT_COUNT_BROKEN] = "broken",
		[MQTT_COUNT_THROTTLED] = "throttled",
		[MQTT_COUNT_HELD] = "held",
		[MQTT_COUNT_PUBLISHED] = "published",
		[MQTT_COUNT_PUBLISH_AGAIN] = "publish_again",
		[MQTT_COUNT_PUBLISH_REFUSED] = "publish_refused",
	};

	ASSERT((size_t)which < ARRAY_LEN(names));
	return names[which];
}
