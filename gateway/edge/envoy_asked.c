/*
 * The envoy's part in joining: between the links and envoy_join.h.
 */
#include <inttypes.h>

#include "gateway/edge/envoy_parts.h"

void envoy_join_say(void *context, uint32_t at, uint32_t number,
		    struct span payload)
{
	const struct join_topic answer = {number, true};
	struct envoy *envoy = context;
	struct link *link = link_server_link(envoy->links, at);
	char topic[JOIN_TOPIC_SIZE];
	struct link_message message = {.payload = payload, .qos = 1};

	join_topic_write(&answer, topic);
	message.topic = span_of(topic);
	/* Then it is asked for again. */
	if (link == NULL || link_server_publish(link, &message) != ERR_OK)
		log_event(envoy->config.log, LEVEL_NOTICE, "join_unsaid",
			  "the answer to invitation %" PRIu32
			  " could not be sent",
			  number);
}

void envoy_join_ask_take(struct envoy *envoy, uint32_t link,
			 const struct join_topic *topic, struct span payload)
{
	struct envoy_join_ask ask = {
		.link = link,
		.number = topic->number,
		.frame = payload,
		.now_ms = (uint64_t)clock_monotonic_ms(envoy->config.clock),
	};

	if (envoy->join != NULL && !topic->is_answer)
		envoy_join_heard(envoy->join, &ask, envoy_join_say, envoy);
}

enum err_code envoy_join_begin(struct envoy *envoy, struct err *err)
{
	struct envoy_join_config join = {envoy->config.ledger,
					 envoy->config.keeper, envoy->config.hq,
					 &envoy->wake};

	if (join.hq == NULL)
		return ERR_OK;
	return envoy_join_open(&join, &envoy->join, err);
}
