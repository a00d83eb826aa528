/*
 * mqtt_topic - which topics are well formed, and which filter asks for them.
 *
 * Layer     gateway/edge
 * Threads   any
 * Source    MQTT 5.0 (OASIS, 2019), sections 1.5.4 and 4.7
 */
#ifndef DEPOT_GATEWAY_EDGE_MQTT_TOPIC_H
#define DEPOT_GATEWAY_EDGE_MQTT_TOPIC_H

#include <stdbool.h>

#include "rules/base/text.h"

/* True for the name of a topic: not empty, UTF-8, no NUL, no '+', no '#'. */
bool topic_is_name(struct span topic);

/* True for what may be subscribed to: '+' stands alone in its level, '#' alone
 * in the last. */
bool topic_is_filter(struct span filter);

/*
 * Whether the topic @name is one that @filter (topic_is_filter) asks for. A
 * filter that begins with a wildcard does not ask for names that begin
 * with '$'.
 */
bool topic_matches(struct span filter, struct span name);

#endif
