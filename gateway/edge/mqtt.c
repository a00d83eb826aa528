#include "gateway/edge/mqtt_client.h"

#include <string.h>

#include <MQTTAsync.h>

#include "gateway/edge/mqtt_write.h"
#include "gateway/edge/valve.h"

#define CONNECT_TIMEOUT_S 10 /* Paho looks every 3 s */

/* ---- callbacks, in Paho's threads ---- */

static bool is_refusal(enum MQTTReasonCodes reason)
{
	return (int)reason >= MQTTREASONCODE_UNSPECIFIED_ERROR;
}

/* Also true where it was cut before: what had arrived by then Paho reads to the
 * end, and meanwhile the broker may have hung up. */
static bool connection_is_cut(struct mqtt *mqtt)
{
	if (valve_cut(mqtt->settings.port) > 0)
		atomic_store(&mqtt->is_cut, true);
	return atomic_load(&mqtt->is_cut);
}

/* The ring has no room. PUBACK must not go out; see valve.h. */
static void arrival_refuse(struct mqtt *mqtt, uint8_t qos)
{
	bool is_kept = qos > 0 && connection_is_cut(mqtt);

	inbox_count(&mqtt->inbox,
		    is_kept ? MQTT_COUNT_BRAKED : MQTT_COUNT_LOST);
}

/* The loop may open the valve meanwhile: then it must not stay locked, since
 * nobody would look at it again. */
static void valve_lock_if_closed(struct mqtt *mqtt)
{
	int closed = VALVE_CLOSED;

	if (!atomic_compare_exchange_strong(&mqtt->valve, &closed,
					    VALVE_LOCKED))
		return;
	(void)valve_lock(mqtt->settings.port); /* else: full, cut */
	if (atomic_load(&mqtt->valve) == VALVE_OPEN)
		(void)valve_unlock(mqtt->settings.port);
}

/* Here and now, because the loop may be late: at full speed the last quarter
 * of the ring is a few milliseconds. Its last eighth is for when the closed
 * valve does not hold. */
static void arrival_throttle(struct mqtt *mqtt)
{
	uint32_t size = ring_size(mqtt->config.ring);
	int valve = atomic_load(&mqtt->valve);

	if (valve == VALVE_OPEN) {
		atomic_store(&mqtt->valve, VALVE_CLOSED);
		(void)valve_close(mqtt->settings.port); /* the loop looks */
		mqtt_raise(mqtt, EVENT_HIGH);
	} else if (valve == VALVE_CLOSED &&
		   ring_fill(mqtt->config.ring) >= size - size / 8) {
		valve_lock_if_closed(mqtt);
	}
}

static void arrival_take(struct mqtt *mqtt, const struct arrival *arrival)
{
	switch (inbox_take(&mqtt->inbox, arrival)) {
	case INBOX_FULL:
		arrival_refuse(mqtt, arrival->qos);
		mqtt_raise(mqtt, EVENT_FULL);
		break;
	case INBOX_PUSHED:
		if (ring_is_high(mqtt->config.ring))
			arrival_throttle(mqtt);
		break;
	case INBOX_MARKER:
		mqtt_raise(mqtt, EVENT_MARKER);
		break;
	case INBOX_DONE:
		break;
	}
}

/* Empty if there is none: MQTT 3.1.1 has no properties. */
static struct span property_of(MQTTAsync_message *message,
			       enum MQTTPropertyCodes code)
{
	const MQTTProperty *property =
		MQTTProperties_getProperty(&message->properties, code);

	if (property == NULL || property->value.data.len <= 0)
		return (struct span){"", 0};
	return (struct span){property->value.data.data,
			     (size_t)property->value.data.len};
}

static int on_message(void *context, char *topic, int topic_size,
		      MQTTAsync_message *message)
{
	struct arrival arrival = {
		.topic = {topic,
			  topic_size > 0 ? (size_t)topic_size : strlen(topic)},
		.payload = {message->payload, (size_t)message->payloadlen},
		.response =
			property_of(message, MQTTPROPERTY_CODE_RESPONSE_TOPIC),
		.correlation = property_of(message,
					   MQTTPROPERTY_CODE_CORRELATION_DATA),
		.packet_id = (uint16_t)message->msgid,
		.qos = (uint8_t)message->qos,
		.is_dup = message->dup != 0,
		.is_retained = message->retained != 0,
	};

	arrival_take(context, &arrival);
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	return 1; /* 0 would not stop the PUBACK, only queue it in memory */
}

static void on_lost(void *context, char *cause)
{
	(void)cause; /* Paho always gives NULL */
	mqtt_raise(context, EVENT_LOST);
}

/* The broker's own DISCONNECT; Paho does not call on_lost after it. */
static void on_sent_away(void *context, MQTTProperties *properties,
			 enum MQTTReasonCodes reason)
{
	struct mqtt *mqtt = context;

	(void)properties;
	atomic_store(&mqtt->failure, (int)reason);
	mqtt_raise(mqtt, EVENT_LOST);
}

/* At the broker's Receive Maximum Paho stops sending, and looks again only
 * after a second: stay below. */
static uint32_t flight_bound(uint32_t wanted, int64_t most)
{
	return most > 1 && most - 1 < wanted ? (uint32_t)most - 1 : wanted;
}

static void on_connected(void *context, MQTTAsync_successData5 *data)
{
	struct mqtt *mqtt = context;
	int64_t most = MQTTProperties_getNumericValue(
		&data->properties, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM);

	atomic_store(&mqtt->flights.bounds[FLIGHT_PLAIN],
		     flight_bound(mqtt->config.in_flight_max, most));
	atomic_store(&mqtt->flights.bounds[FLIGHT_ANSWER],
		     flight_bound(mqtt->config.answers_max, most));
	atomic_store(&mqtt->has_session, data->alt.connect.sessionPresent != 0);
	if (mqtt->inbox.packets != NULL &&
	    data->alt.connect.sessionPresent == 0)
		packets_forget(mqtt->inbox.packets);
	mqtt_raise(mqtt, EVENT_CONNECTED);
}

static void on_connect_failed(void *context, MQTTAsync_failureData5 *data)
{
	struct mqtt *mqtt = context;

	atomic_store(&mqtt->failure, data->code);
	mqtt_raise(mqtt, EVENT_FAILED);
}

/* The broker's answer to the filter at @index: its list may be of any length,
 * and Paho gives one code in another place than several. */
static enum MQTTReasonCodes granted_at(const MQTTAsync_successData5 *data,
				       size_t index)
{
	int count = data->alt.sub.reasonCodeCount;

	if (count <= 1 && index == 0)
		return data->reasonCode;
	if (count > 1 && index < (size_t)count)
		return data->alt.sub.reasonCodes[index];
	return MQTTREASONCODE_UNSPECIFIED_ERROR;
}

/* Whether the first @count filters stand. */
static bool is_granted(struct mqtt *mqtt, const MQTTAsync_successData5 *data,
		       size_t count)
{
	for (size_t i = 0; i < count; i++) {
		enum MQTTReasonCodes reason = granted_at(data, i);

		if (!is_refusal(reason))
			continue;
		atomic_store(&mqtt->failure, (int)reason);
		return false;
	}
	return true;
}

/* The watched filters come after the inputs, and may be refused. */
static void on_subscribed(void *context, MQTTAsync_successData5 *data)
{
	struct mqtt *mqtt = context;
	bool is_whole = is_granted(mqtt, data, mqtt->inbox.inputs.count);

	mqtt_raise(mqtt, is_whole ? EVENT_SUBSCRIBED : EVENT_REFUSED);
}

/* Only if there was one filter. Also called, without a reason, for what a
 * broken connection left open: that is told elsewhere. */
static void on_subscribe_failed(void *context, MQTTAsync_failureData5 *data)
{
	struct mqtt *mqtt = context;
	bool is_input = mqtt->inbox.inputs.count > 0;

	if (!is_refusal(data->reasonCode))
		return;
	if (is_input)
		atomic_store(&mqtt->failure, (int)data->reasonCode);
	mqtt_raise(mqtt, is_input ? EVENT_REFUSED : EVENT_SUBSCRIBED);
}

static void on_tree_subscribed(void *context, MQTTAsync_successData5 *data)
{
	struct mqtt *mqtt = context;
	size_t needed = 1 + mqtt->inbox.tree.count - mqtt->config.tree_optional;
	bool is_whole = is_granted(mqtt, data, needed);

	mqtt_raise(mqtt, is_whole ? EVENT_TREE : EVENT_TREE_REFUSED);
}

static void on_tree_failed(void *context, MQTTAsync_failureData5 *data)
{
	(void)data;
	mqtt_raise(context, EVENT_TREE_REFUSED);
}

static void publish_end(struct mqtt *mqtt)
{
	if (flight_end(&mqtt->flights) || mqtt->config.is_room_told)
		mqtt_raise(mqtt, EVENT_ROOM);
}

static void on_published(void *context, MQTTAsync_successData5 *data)
{
	(void)data;
	publish_end(context);
}

/* Paho tells of a publish that it could not write by a code without a token,
 * and keeps what it has freed: mqtt_write.h. That never comes to pass there,
 * and if it does (without memory), this process must not go on. */
static void publish_check(const MQTTAsync_failureData5 *data)
{
	ASSERT(data->token != 0 || data->code != MQTTASYNC_FAILURE);
}

static void on_publish_failed(void *context, MQTTAsync_failureData5 *data)
{
	struct mqtt *mqtt = context;

	publish_check(data);
	if (is_refusal(data->reasonCode))
		inbox_count(&mqtt->inbox, MQTT_COUNT_PUBLISH_REFUSED);
	publish_end(mqtt);
}

static void on_closed(void *context, MQTTAsync_successData5 *data)
{
	(void)data;
	mqtt_raise(context, EVENT_CLOSED);
}

/* ---- calls, in the loop's thread ---- */

enum err_code paho_open(struct mqtt *mqtt, struct err *err)
{
	MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer5;
	int result;

	mqtt_write_begin();
	options.sendWhileDisconnected = 0;
	options.maxBufferedMessages = (int)mqtt->config.answers_max * 2;
	result = MQTTAsync_createWithOptions(&mqtt->handle, mqtt->settings.uri,
					     mqtt->settings.client_id,
					     MQTTCLIENT_PERSISTENCE_NONE, NULL,
					     &options);
	if (result == MQTTASYNC_SUCCESS)
		result = MQTTAsync_setCallbacks(mqtt->handle, mqtt, on_lost,
						on_message, NULL);
	if (result == MQTTASYNC_SUCCESS)
		result = MQTTAsync_setDisconnected(mqtt->handle, mqtt,
						   on_sent_away);
	if (result != MQTTASYNC_SUCCESS)
		return err_set(err, ERR_INVALID, "Paho says %d", result);
	return ERR_OK;
}

void paho_close(struct mqtt *mqtt)
{
	if (mqtt->handle != NULL)
		MQTTAsync_destroy(&mqtt->handle);
}

static void property_add(MQTTProperties *properties,
			 enum MQTTPropertyCodes code, uint32_t value)
{
	MQTTProperty property = {.identifier = code};
	int result;

	if (code == MQTTPROPERTY_CODE_RECEIVE_MAXIMUM)
		property.value.integer2 = (unsigned short)value;
	else
		property.value.integer4 = value;
	result = MQTTProperties_add(properties, &property);
	ASSERT(result == 0); /* Paho has no memory, or we no property */
}

static void tls_fill(const struct mqtt *mqtt, MQTTAsync_SSLOptions *tls)
{
	tls->verify = 1; /* the host's name: not by itself */
	tls->enableServerCertAuth = 1;
	tls->sslVersion = MQTT_SSL_VERSION_TLS_1_2;
	tls->trustStore = mqtt->settings.ca_file;
	tls->disableDefaultTrustStore = mqtt->settings.ca_file != NULL;
	tls->keyStore = mqtt->settings.cert_file;
	tls->privateKey = mqtt->settings.key_file;
}

static void will_fill(const struct mqtt *mqtt, MQTTAsync_willOptions *will)
{
	will->topicName = mqtt->settings.will_topic;
	will->qos = 1;
	will->retained = 1;
	will->payload.data = mqtt->settings.will_payload;
	will->payload.len = (int)mqtt->settings.will_size;
}

/* All that isn't a pointer to something on the caller's stack. */
static void options_fill(struct mqtt *mqtt, MQTTAsync_connectOptions *options)
{
	options->cleanstart = mqtt->config.is_session_new;
	options->keepAliveInterval = mqtt->config.keepalive_s;
	options->connectTimeout = CONNECT_TIMEOUT_S;
	/* A smaller one lets bursts leave at that many a second. */
	options->maxInflight = 65535;
	/* Paho's own hides whether a session was there. */
	options->automaticReconnect = 0;
	options->username = mqtt->settings.user;
	options->password = mqtt->settings.password;
	options->onSuccess5 = on_connected;
	options->onFailure5 = on_connect_failed;
	options->context = mqtt;
}

bool paho_connect(void *context)
{
	struct mqtt *mqtt = context;
	MQTTAsync_connectOptions options =
		MQTTAsync_connectOptions_initializer5;
	MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
	MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
	MQTTProperties connect = MQTTProperties_initializer;
	MQTTProperties delay = MQTTProperties_initializer;
	int result;

	atomic_store(&mqtt->failure, FAILURE_NONE);
	atomic_store(&mqtt->valve, VALVE_OPEN);
	atomic_store(&mqtt->is_cut, false);
	property_add(&connect, MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL,
		     mqtt->config.session_s);
	property_add(&connect, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM,
		     mqtt->config.receive_max);
	property_add(&connect, MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE,
		     mqtt->config.packet_size_max);
	property_add(&delay, MQTTPROPERTY_CODE_WILL_DELAY_INTERVAL,
		     mqtt->config.will.delay_s);
	options_fill(mqtt, &options);
	options.connectProperties = &connect;
	if (mqtt->settings.will_topic != NULL) {
		will_fill(mqtt, &will);
		options.will = &will;
		options.willProperties = &delay;
	}
	if (mqtt->settings.has_tls) {
		tls_fill(mqtt, &tls);
		options.ssl = &tls;
	}
	result = MQTTAsync_connect(mqtt->handle, &options);
	if (result != MQTTASYNC_SUCCESS)
		atomic_store(&mqtt->failure, result);
	MQTTProperties_free(&connect);
	MQTTProperties_free(&delay);
	return result == MQTTASYNC_SUCCESS;
}

/* The filters of one packet. */
struct wishes {
	char *topics[2 * MQTT_FILTERS_MAX];
	int qos[2 * MQTT_FILTERS_MAX];
	MQTTSubscribe_options options[2 * MQTT_FILTERS_MAX];
	int count;
};

static void wishes_add(struct wishes *wishes, char *const *topics, size_t count,
		       bool wants_retained)
{
	static const MQTTSubscribe_options plain =
		MQTTSubscribe_options_initializer;

	for (size_t i = 0; i < count; i++) {
		int at = wishes->count++;

		wishes->topics[at] = topics[i];
		wishes->qos[at] = 1;
		wishes->options[at] = plain;
		wishes->options[at].retainHandling = wants_retained ? 0 : 2;
	}
}

/* If Paho refuses to ask, the connection is gone, and that is told. */
static void wishes_ask(struct mqtt *mqtt, struct wishes *wishes,
		       MQTTAsync_onSuccess5 *done, MQTTAsync_onFailure5 *failed)
{
	MQTTAsync_responseOptions response =
		MQTTAsync_responseOptions_initializer;

	response.onSuccess5 = done;
	response.onFailure5 = failed;
	response.context = mqtt;
	response.subscribeOptions = wishes->options[0];
	if (wishes->count > 1) {
		response.subscribeOptionsCount = wishes->count;
		response.subscribeOptionsList = wishes->options;
	}
	(void)MQTTAsync_subscribeMany(mqtt->handle, wishes->count,
				      wishes->topics, wishes->qos, &response);
}

/* What was retained is old news on an input: not even sent. */
void paho_subscribe(void *context)
{
	struct mqtt *mqtt = context;
	const struct inbox *inbox = &mqtt->inbox;
	struct wishes wishes = {.count = 0};

	wishes_add(&wishes, inbox->inputs.texts, inbox->inputs.count, false);
	wishes_add(&wishes, inbox->watched.texts, inbox->watched.count, true);
	for (size_t i = 0; i < mqtt->config.others_count; i++)
		wishes.options[wishes.count - 1 - (int)i].noLocal = 1;
	wishes_ask(mqtt, &wishes, on_subscribed, on_subscribe_failed);
}

static void tree_wishes(struct mqtt *mqtt, struct wishes *wishes)
{
	const struct filters *tree = &mqtt->inbox.tree;

	wishes_add(wishes, &mqtt->settings.tree_marker, 1, false);
	wishes_add(wishes, tree->texts, tree->count, true);
}

void paho_tree_subscribe(void *context)
{
	struct mqtt *mqtt = context;
	struct wishes wishes = {.count = 0};

	tree_wishes(mqtt, &wishes);
	wishes_ask(mqtt, &wishes, on_tree_subscribed, on_tree_failed);
}

/* Nobody waits for the answer; unsubscribing from nothing is no error. */
void paho_tree_unsubscribe(void *context)
{
	struct mqtt *mqtt = context;
	MQTTAsync_responseOptions response =
		MQTTAsync_responseOptions_initializer;
	struct wishes wishes = {.count = 0};

	tree_wishes(mqtt, &wishes);
	(void)MQTTAsync_unsubscribeMany(mqtt->handle, wishes.count,
					wishes.topics, &response);
}

void paho_disconnect(void *context)
{
	struct mqtt *mqtt = context;
	MQTTAsync_disconnectOptions options =
		MQTTAsync_disconnectOptions_initializer5;

	/* Else the DISCONNECT would stay behind, and the will be sent. */
	(void)valve_unlock(mqtt->settings.port);
	options.timeout = 0;
	options.onSuccess5 = on_closed;
	options.context = mqtt;
	/* If it is not connected any more, that is told as a loss. */
	(void)MQTTAsync_disconnect(mqtt->handle, &options);
}

static enum err_code result_code(int result)
{
	if (result == MQTTASYNC_SUCCESS)
		return ERR_OK;
	if (result == MQTTASYNC_DISCONNECTED ||
	    result == MQTTASYNC_MAX_BUFFERED_MESSAGES ||
	    result == MQTTASYNC_NO_MORE_MSGIDS)
		return ERR_AGAIN;
	return ERR_IO;
}

/* Paho copies it, here and when it takes the message. */
static void correlation_add(MQTTProperties *properties, struct span correlation)
{
	MQTTProperty property = {
		.identifier = MQTTPROPERTY_CODE_CORRELATION_DATA,
		.value.data = {.data = (char *)(uintptr_t)correlation.data,
			       .len = (int)correlation.size},
	};

	/* Without memory the answer goes without: its id says the same. */
	if (correlation.size > 0)
		(void)MQTTProperties_add(properties, &property);
}

enum err_code paho_send(struct mqtt *mqtt,
			const struct mqtt_publication *publication)
{
	MQTTAsync_responseOptions response =
		MQTTAsync_responseOptions_initializer;
	const void *payload = publication->payload.data;
	int result;

	/* The ends of QoS 0 are not told reliably when a connection breaks:
	 * Paho's own bound on what it buffers serves there. */
	if (publication->qos > 0) {
		response.onSuccess5 = on_published;
		response.onFailure5 = on_publish_failed;
		response.context = mqtt;
	}
	correlation_add(&response.properties, publication->correlation);
	result =
		MQTTAsync_send(mqtt->handle, publication->topic,
			       (int)publication->payload.size,
			       payload != NULL ? payload : "", publication->qos,
			       publication->is_retained, &response);
	MQTTProperties_free(&response.properties);
	if (result == MQTTASYNC_SUCCESS)
		inbox_count(&mqtt->inbox, MQTT_COUNT_PUBLISHED);
	else if (publication->qos > 0)
		flight_cancel(&mqtt->flights);
	return result_code(result);
}

void paho_reason(void *context, char *buffer, size_t size)
{
	const struct mqtt *mqtt = context;
	int failure = atomic_load(&mqtt->failure);
	const char *text = NULL;

	if (failure >= MQTTREASONCODE_UNSPECIFIED_ERROR)
		text = MQTTReasonCode_toString((enum MQTTReasonCodes)failure);
	if (text != NULL)
		(void)text_format(buffer, size, "the broker says: %s", text);
	else if (failure == FAILURE_NONE)
		(void)text_format(buffer, size, "the connection broke");
	else if (failure == FAILURE_NO_ANSWER)
		(void)text_format(buffer, size, "the broker does not answer");
	else
		(void)text_format(buffer, size, "cannot connect (code %d)",
				  failure);
}
