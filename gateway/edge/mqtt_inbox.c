#include "gateway/edge/mqtt_inbox.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/edge/mqtt_topic.h"

/* A heard message on its way to the loop. */
struct heard {
	uint32_t payload_size; /* as it was sent */
	uint32_t held_size;    /* of `payload` */
	uint16_t topic_size;
	bool is_retained;
	char topic[MQTT_TOPIC_SIZE_MAX];
	char payload[]; /* heard_size_max */
};

static bool filters_match(const struct filters *filters, struct span topic)
{
	for (size_t i = 0; i < filters->count; i++) {
		if (topic_matches(span_of(filters->texts[i]), topic))
			return true;
	}
	return false;
}

/* What the broker sends again: if it is known here, for nothing; if not, the
 * ledger need not look either. */
static bool again_is_known(const struct inbox *inbox,
			   struct ring_message *message)
{
	enum packet_verdict verdict = packets_look(inbox->packets, message);

	message->is_dup = verdict == PACKET_UNSURE;
	return verdict == PACKET_KNOWN;
}

static enum inbox_result message_push(struct inbox *inbox,
				      struct ring_message *message)
{
	bool is_noted = inbox->packets != NULL && message->qos > 0;
	bool is_pushed;

	if (is_noted && message->is_dup && again_is_known(inbox, message)) {
		inbox_count(inbox, MQTT_COUNT_AGAIN);
		return INBOX_DONE;
	}
	if (is_noted)
		packets_begin(inbox->packets, message);
	is_pushed = ring_push(inbox->ring, message) == ERR_OK;
	if (is_noted)
		packets_end(inbox->packets, message, is_pushed);
	if (!is_pushed)
		return INBOX_FULL;
	inbox_count(inbox, MQTT_COUNT_PUSHED);
	return INBOX_PUSHED;
}

/* What is longer than the ring holds is as if it had not been said. */
static struct span bounded(struct span text, size_t size_max)
{
	return text.size <= size_max ? text : (struct span){"", 0};
}

static enum inbox_result input_take(struct inbox *inbox,
				    const struct arrival *arrival)
{
	struct ring_message message = {
		.topic = arrival->topic,
		.payload = arrival->payload,
		.response = bounded(arrival->response, RESPONSE_SIZE_MAX),
		.correlation =
			bounded(arrival->correlation, CORRELATION_SIZE_MAX),
		.arrived = clock_now(inbox->clock),
		.packet_id = arrival->packet_id,
		.qos = arrival->qos,
		.is_dup = arrival->is_dup,
	};

	if (arrival->is_retained) {
		inbox_count(inbox, MQTT_COUNT_OLD_NEWS);
		return INBOX_DONE;
	}
	return message_push(inbox, &message);
}

static void heard_push(struct inbox *inbox, const struct arrival *arrival)
{
	struct heard *heard = inbox->coming;
	size_t held = arrival->payload.size;

	if (held > inbox->heard_size_max)
		held = inbox->heard_size_max;
	if (arrival->topic.size > sizeof(heard->topic)) {
		inbox_count(inbox, MQTT_COUNT_HEARD_DROPPED);
		return;
	}
	heard->payload_size = (uint32_t)arrival->payload.size;
	heard->topic_size = (uint16_t)arrival->topic.size;
	heard->held_size = (uint32_t)held;
	heard->is_retained = arrival->is_retained;
	memcpy(heard->topic, arrival->topic.data, arrival->topic.size);
	if (held > 0)
		memcpy(heard->payload, arrival->payload.data, held);
	inbox_count(inbox, queue_push(inbox->heard, heard) == ERR_OK
				   ? MQTT_COUNT_HEARD
				   : MQTT_COUNT_HEARD_DROPPED);
}

static void watched_take(struct inbox *inbox, const struct arrival *arrival)
{
	const struct mqtt_handlers *handlers = inbox->handlers;

	if (handlers->accepts == NULL ||
	    handlers->accepts(handlers->context, arrival->topic,
			      arrival->payload.size))
		heard_push(inbox, arrival);
	else
		inbox_count(inbox, MQTT_COUNT_UNASKED);
}

/* Our own publishes come back while the tree is read: only what is retained
 * was there before. */
static void tree_take(struct inbox *inbox, const struct arrival *arrival)
{
	if (arrival->is_retained && atomic_load(&inbox->reading) != 0)
		heard_push(inbox, arrival);
}

/* An earlier life's marker may have waited in the session's queue. */
static bool marker_is_ours(const struct inbox *inbox,
			   const struct arrival *arrival)
{
	uint64_t number;

	return span_to_u64(arrival->payload, UINT64_MAX, &number) &&
	       number != 0 && number == atomic_load(&inbox->reading);
}

enum inbox_result inbox_take(struct inbox *inbox, const struct arrival *arrival)
{
	if (!topic_is_name(arrival->topic)) {
		inbox_count(inbox, MQTT_COUNT_BAD_TOPIC);
		return INBOX_DONE;
	}
	if (filters_match(&inbox->inputs, arrival->topic))
		return input_take(inbox, arrival);
	if (filters_match(&inbox->watched, arrival->topic)) {
		watched_take(inbox, arrival);
		return INBOX_DONE;
	}
	if (inbox->tree_marker != NULL &&
	    span_is(arrival->topic, inbox->tree_marker))
		return marker_is_ours(inbox, arrival) ? INBOX_MARKER
						      : INBOX_DONE;
	if (filters_match(&inbox->tree, arrival->topic)) {
		tree_take(inbox, arrival);
		return INBOX_DONE;
	}
	inbox_count(inbox, MQTT_COUNT_UNASKED);
	return INBOX_DONE;
}

bool inbox_hear(struct inbox *inbox)
{
	const struct mqtt_handlers *handlers = inbox->handlers;
	const struct heard *heard = inbox->going;
	size_t left = queue_capacity(inbox->heard);

	while (!inbox->is_deaf && left-- > 0 &&
	       queue_pop(inbox->heard, inbox->going)) {
		struct mqtt_heard told = {
			.topic = {heard->topic, heard->topic_size},
			.payload = {heard->payload, heard->held_size},
			.payload_size = heard->payload_size,
			.is_retained = heard->is_retained,
		};

		if (handlers->heard != NULL)
			handlers->heard(handlers->context, &told);
	}
	return inbox->is_deaf || queue_is_empty(inbox->heard);
}

enum err_code inbox_open(struct inbox *inbox, const struct mqtt_config *config,
			 struct wake *wake, struct err *err)
{
	size_t size = sizeof(struct heard) + config->heard_size_max;

	inbox->handlers = &config->handlers;
	inbox->heard_size_max = config->heard_size_max;
	inbox->coming = calloc(1, size);
	inbox->going = calloc(1, size);
	if (inbox->coming == NULL || inbox->going == NULL)
		return err_set(err, ERR_FULL, "no memory");
	return queue_open(size, config->heard_max, wake, &inbox->heard, err);
}

void inbox_close(struct inbox *inbox)
{
	queue_close(inbox->heard);
	inbox->heard = NULL;
	free(inbox->coming);
	free(inbox->going);
	inbox->coming = NULL;
	inbox->going = NULL;
}
