/*
 * publisher - decides what is published when: stock, snapshot, changes, tasks,
 * alerts and status of this site.
 *
 * Layer     gateway/edge
 * Threads   the loop, for everything here
 *
 * There is no queue of what changed. The ledger is the outbox: a cursor in
 * memory walks the journal's new entries and marks the items that they touch,
 * and what is published is the state that a snapshot of the ledger has at that
 * moment. So the last value wins, a crash loses nothing, and after a connect
 * everything counts as marked.
 *
 * What always holds:
 *   - an item is published at most rate_per_item_per_s times in any second;
 *   - a status that says `ready` and as_of T goes out only after every stock
 *     topic, chunk, task and alert has gone out as it was at T, on this
 *     connection. Subscribers' rule of freshness (docs/topics.md, "Age") stands
 *     on it. (What left the ledger while no daemon ran is cleared when the
 *     retained tree has been read, some seconds later.)
 *   - one call does bounded work (some milliseconds) and holds its snapshot
 *     no longer; memory is taken for items_max items at the start, and grows,
 *     by doubling, only beyond that.
 */
#ifndef DEPOT_GATEWAY_EDGE_PUBLISHER_H
#define DEPOT_GATEWAY_EDGE_PUBLISHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/core/view_reach.h"
#include "rules/base/err.h"
#include "store/ledger.h"

struct publisher;

/* The longest topic that is published, with its NUL: two names, "snapshot"
 * and one level. */
#define PUBLISHER_TOPIC_SIZE 288

/* Where publications go: the MQTT client, or a test. */
struct publication {
	const char *topic;   /* terminated */
	struct span payload; /* empty: clears what is retained */
	int qos;
	bool is_retained;
};
struct publisher_sink {
	/*
	 * Takes over a copy. Messages are delivered in the order of the calls.
	 * ERR_AGAIN: too much is in flight, or the connection is gone; the
	 * publisher keeps its marks and tries again. No other error.
	 */
	enum err_code (*publish)(void *context,
				 const struct publication *publication);
	void *context;
};

/* From the configuration. */
struct publisher_rates {
	uint32_t rate_per_item_per_s; /* 1 to 1000 */
	uint32_t fresh_for_s;
	uint32_t status_interval_ms; /* the heartbeat */
	uint32_t chunk_interval_ms;  /* least time between two publications of
				      * one chunk */
};
struct publisher_plan {
	struct publisher_rates rates;
	uint32_t chunk_rows; /* most rows in a chunk; at least 10 are taken */
	uint32_t items_max;  /* memory is taken for so many */
	struct span session; /* names this run of the daemon; copied */
	struct span version; /* copied */
};

/* The time, and how far behind the ledger is. Read the backlog first and then
 * the clock, both just before the call. */
struct publisher_now {
	int64_t monotonic_ms;
	struct moment moment;
	bool clock_trusted;
	uint64_t backlog; /* readings taken and not yet committed */
};

/*
 * @ledger (borrowed until publisher_close) names org and site. Nothing is
 * published before publisher_connected.
 * ERR_FULL  out of memory; else as view_begin
 */
MUST_CHECK enum err_code publisher_open(const struct publisher_plan *plan,
					struct ledger *ledger,
					const struct publisher_sink *sink,
					struct publisher **ret_publisher,
					struct err *err);
/* Takes NULL. */
void publisher_close(struct publisher *publisher);

/* The configuration was read again. With another fresh_for_s everything that
 * says it is published again; call publisher_run next. */
void publisher_rates(struct publisher *publisher,
		     const struct publisher_rates *rates);

/* The will to connect with: retained, QoS 1. Both texts are terminated. */
void publisher_will(const struct publisher *publisher,
		    char topic[PUBLISHER_TOPIC_SIZE],
		    char payload[PAYLOAD_OUT_SIZE_MAX + 1]);

/* The connection stands. Whatever the broker may have kept, everything is
 * published again. Call publisher_run next. */
void publisher_connected(struct publisher *publisher);
void publisher_disconnected(struct publisher *publisher);

/*
 * Publishes what is due and can go out. Call it after each commit, when the
 * time in *@ret_due_ms (monotonic; INT64_MAX: never) has come, and, if the
 * sink can tell, when it has room again.
 *
 * ERR_CORRUPT  the store is damaged
 * ERR_FULL     out of memory for more items than ever
 * On an error *@ret_due_ms is set too, and what was not published is still
 * marked.
 */
MUST_CHECK enum err_code publisher_run(struct publisher *publisher,
				       const struct publisher_now *now,
				       int64_t *ret_due_ms, struct err *err);

/*
 * A retained message of the site's own tree, as the broker kept it. The caller
 * reads the tree once after each connect (mqtt_tree_read): the filters are
 * PREFIX/{stock,snapshot,task,alert}/+, where PREFIX is
 * depot/v1/{org}/{site}; what has no retain flag or no payload is not passed
 * on. What the ledger does not hold is cleared by the next calls of
 * publisher_run.
 *
 * Likewise of the tree that the box had before it joined a network under
 * another name (publisher_former): all of that is cleared, its status too.
 * Errors as view_begin, ERR_CORRUPT.
 */
MUST_CHECK enum err_code publisher_retained(struct publisher *publisher,
					    struct span topic, struct err *err);

/* The prefix of that tree, "depot/v1/box/new/"; NULL: it was never another.
 * Valid until publisher_close. */
const char *publisher_former(const struct publisher *publisher);

/* True if there was more to clear than could be noted, and what was noted has
 * been cleared: read the tree again, and it goes on. Asking takes the wish
 * away; ask after each publisher_run. */
bool publisher_wants_retained(struct publisher *publisher);

/* What status says beside the ledger's own figures. Copied; a change of health
 * or of links that are up is published at once, the rest with the next
 * heartbeat. */
struct publisher_facts {
	const char *const *health; /* stable codes of what is wrong */
	size_t health_count;
	uint64_t autonomy_hours;
	bool has_autonomy;
	struct view_reach reach;
};
void publisher_facts(struct publisher *publisher,
		     const struct publisher_facts *facts);

/*
 * The last word before a disconnect on purpose: SITE_DISCONNECTED or
 * SITE_SLEEPING. ERR_AGAIN: as the sink says.
 */
MUST_CHECK enum err_code publisher_farewell(struct publisher *publisher,
					    enum site_state state,
					    const struct publisher_now *now);

/* Counts since publisher_open, for metrics. */
struct publisher_counters {
	uint64_t stock; /* publications on stock topics */
	uint64_t chunks;
	uint64_t changes;
	uint64_t notes; /* tasks and alerts */
	uint64_t statuses;
	uint64_t cleared;   /* retained topics */
	uint64_t refused;   /* ERR_AGAIN of the sink */
	uint32_t items;     /* of the ledger, as last seen */
	uint32_t items_due; /* marked, not yet published */
};
void publisher_counters(const struct publisher *publisher,
			struct publisher_counters *ret_counters);

#endif
