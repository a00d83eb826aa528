/*
 * metrics - what the daemon counts, as Prometheus text and as a verdict.
 *
 * Layer     gateway/edge
 * Threads   any: pure, on a struct that belongs to the caller
 *
 * The loop fills a struct metrics once a second; whoever asks gets it as of
 * then. A name never changes its meaning, which its HELP line says.
 */
#ifndef DEPOT_GATEWAY_EDGE_METRICS_H
#define DEPOT_GATEWAY_EDGE_METRICS_H

#include "gateway/core/plan.h"
#include "gateway/edge/broker.h"
#include "gateway/edge/envoy.h"
#include "gateway/edge/mqtt.h"
#include "gateway/edge/publisher.h"
#include "gateway/edge/vitals.h"
#include "rules/base/ids.h"
#include "rules/base/text.h"
#include "store/env.h"
#include "store/parked.h"

/* The longest text that metrics_print writes. */
#define METRICS_TEXT_SIZE 16000

/* Of the envoy. All zero: there is none. */
struct metrics_network {
	struct sync_counts counts;
	size_t link_count;
	struct metrics_link {
		struct name name;
		uint64_t used;
		uint64_t budget;
	} links[ENVOY_LINKS_MAX];
};

struct metrics {
	const char *version; /* static */
	int64_t at_ms;       /* monotonic: when this was filled */
	int64_t started_ms;  /* wall: when the process was */
	uint64_t resident;   /* bytes */

	struct engine_counters counters;
	uint64_t commits;
	uint64_t answers_dropped;
	int64_t progress_age_ms; /* since the keeper was seen to move */
	struct pos head;

	uint32_t ring_size; /* slots */
	uint32_t ring_fill;
	uint32_t in_flight;
	bool is_connected;
	uint64_t mqtt[MQTT_COUNTS];
	struct publisher_counters published;

	struct env_usage usage;
	struct parked_totals parked;
	uint64_t sessions; /* scanner sessions that are open */

	bool is_managed;
	struct broker_state broker; /* of a managed one */
	uint64_t broker_dropped;
	bool clock_trusted;
	uint64_t log_dropped;
	bool is_bad[VITALS]; /* health codes */

	uint64_t autonomy_hours;
	bool has_autonomy;
	struct view_reach reach; /* zeros: a network of one, not told */
	struct metrics_network network;
};

/* Fills @text, terminated; returns its size. */
size_t metrics_print(const struct metrics *metrics,
		     char text[METRICS_TEXT_SIZE]);

/*
 * {"status": "ok" | "degraded" | "failing", "reasons": [...]}: what is fatal
 * (vitals.h), and what is only to be looked at, by its code. @now_ms is
 * monotonic: when @metrics is old the loop stands still, and that is a reason
 * too. False if failing. Terminated.
 */
#define HEALTH_TEXT_SIZE 512
bool metrics_health(const struct metrics *metrics, int64_t now_ms,
		    char text[HEALTH_TEXT_SIZE]);

#endif
