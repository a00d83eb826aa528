#include "gateway/edge/metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "gateway/ingest/json_out.h"

/* Longer than any commit, audit or start takes. */
#define STUCK_MS 10000

struct page {
	char *text;
	size_t size;
};

PRINTF_LIKE(2, 3)
static void page_add(struct page *page, const char *format, ...)
{
	size_t room = METRICS_TEXT_SIZE - page->size;
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(page->text + page->size, room, format, arguments);
	va_end(arguments);
	/* Names are ours and numbers have at most 20 digits. */
	ASSERT(size >= 0 && (size_t)size < room);
	page->size += (size_t)size;
}

static void head(struct page *page, const char *name, const char *type,
		 const char *help)
{
	page_add(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void counter(struct page *page, const char *name, uint64_t value,
		    const char *help)
{
	head(page, name, "counter", help);
	page_add(page, "%s %" PRIu64 "\n", name, value);
}

static void gauge(struct page *page, const char *name, uint64_t value,
		  const char *help)
{
	head(page, name, "gauge", help);
	page_add(page, "%s %" PRIu64 "\n", name, value);
}

/* Seconds with three digits behind the point, without floating point. */
static void gauge_seconds(struct page *page, const char *name, int64_t ms,
			  const char *help)
{
	uint64_t value = ms < 0 ? 0 : (uint64_t)ms;

	head(page, name, "gauge", help);
	page_add(page, "%s %" PRIu64 ".%03" PRIu64 "\n", name, value / 1000,
		 value % 1000);
}

static void labelled(struct page *page, const char *name, const char *label,
		     const char *word, uint64_t value)
{
	page_add(page, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label, word, value);
}

static void process_print(struct page *page, const struct metrics *metrics)
{
	head(page, "depot_build_info", "gauge",
	     "The version that runs; always 1.");
	labelled(page, "depot_build_info", "version", metrics->version, 1);
	gauge_seconds(page, "process_start_time_seconds", metrics->started_ms,
		      "When the process started, in seconds since 1970.");
	gauge(page, "process_resident_memory_bytes", metrics->resident,
	      "Memory of the process, the ledger's mapped pages among it.");
	gauge(page, "depot_clock_trusted", metrics->clock_trusted,
	      "1 if the clock has been synchronised since the machine's boot.");
	counter(page, "depot_log_lines_dropped_total", metrics->log_dropped,
		"Log lines that found the queue full.");
}

static void intake_print(struct page *page, const struct metrics *metrics)
{
	static const char name[] = "depot_readings_total";
	const struct engine_counters *counters = &metrics->counters;

	head(page, name, "counter", "Readings taken, by what became of them.");
	labelled(page, name, "result", "booked", counters->booked);
	labelled(page, name, "result", "duplicate", counters->duplicates);
	labelled(page, name, "result", "seq_reused", counters->seq_reused);
	labelled(page, name, "result", "refused", counters->refused);
	labelled(page, name, "result", "parked", counters->parked);
	counter(page, "depot_movements_total", counters->movements,
		"Movements of stock posted.");
	counter(page, "depot_observations_total", counters->observations,
		"Shelf and tag observations kept.");
	counter(page, "depot_commands_total", counters->commands,
		"Commands of people and programs.");
	counter(page, "depot_commits_total", metrics->commits,
		"Transactions committed to the ledger.");
	counter(page, "depot_answers_dropped_total", metrics->answers_dropped,
		"Acknowledgements that found the queue full; the devices ask "
		"again.");
	gauge_seconds(page, "depot_keeper_progress_age_seconds",
		      metrics->progress_age_ms,
		      "Since the thread that writes the ledger last moved.");
	gauge(page, "depot_ring_slots", metrics->ring_size,
	      "Slots of the intake ring.");
	gauge(page, "depot_backlog_readings", metrics->ring_fill,
	      "Readings taken from the broker and not yet committed.");
	gauge(page, "depot_sessions", metrics->sessions,
	      "Scanner sessions that are open.");
	gauge(page, "depot_parked_readings", metrics->parked.count,
	      "Readings that wait for somebody to name what they mean.");
	gauge(page, "depot_parked_bytes", metrics->parked.bytes,
	      "Bytes of parked readings.");
}

static void mqtt_print(struct page *page, const struct metrics *metrics)
{
	static const char name[] = "depot_mqtt_events_total";

	gauge(page, "depot_mqtt_connected", metrics->is_connected,
	      "1 while connected to the site's broker and subscribed.");
	gauge(page, "depot_mqtt_in_flight", metrics->in_flight,
	      "Publishes that the broker has not acknowledged yet.");
	head(page, name, "counter", "What happened at the broker, by kind.");
	for (int i = 0; i < MQTT_COUNTS; i++)
		labelled(page, name, "event",
			 mqtt_count_name((enum mqtt_count)i), metrics->mqtt[i]);
	counter(page, "depot_broker_dropped_total", metrics->broker_dropped,
		"Messages that the broker dropped, as it counts since its own "
		"start.");
	if (!metrics->is_managed)
		return;
	gauge(page, "depot_broker_running", metrics->broker.is_running,
	      "1 while the managed broker runs.");
	counter(page, "depot_broker_exits_total", metrics->broker.ends,
		"Times that the managed broker ended by itself.");
}

static void published_print(struct page *page, const struct metrics *metrics)
{
	static const char name[] = "depot_published_total";
	const struct publisher_counters *counters = &metrics->published;

	head(page, name, "counter", "Messages published, by topic.");
	labelled(page, name, "topic", "stock", counters->stock);
	labelled(page, name, "topic", "snapshot", counters->chunks);
	labelled(page, name, "topic", "changes", counters->changes);
	labelled(page, name, "topic", "note", counters->notes);
	labelled(page, name, "topic", "status", counters->statuses);
	labelled(page, name, "topic", "cleared", counters->cleared);
	counter(page, "depot_publish_deferred_total", counters->refused,
		"Publishes put off because too many were in flight.");
	gauge(page, "depot_items", counters->items, "Items of the ledger.");
	gauge(page, "depot_items_due", counters->items_due,
	      "Items whose stock topic waits to be published.");
}

static void store_print(struct page *page, const struct metrics *metrics)
{
	const struct env_usage *usage = &metrics->usage;

	gauge(page, "depot_store_map_bytes", usage->map_size,
	      "Room of the ledger.");
	gauge(page, "depot_store_used_bytes", usage->used - usage->free_size,
	      "Room in use.");
	gauge(page, "depot_store_free_bytes",
	      usage->map_size - usage->used + usage->free_size, "Room left.");
	gauge(page, "depot_store_snapshots", usage->readers,
	      "Snapshots of the ledger that are open.");
	gauge(page, "depot_store_oldest_snapshot_commits", usage->oldest_lag,
	      "Commits since the oldest open snapshot began.");
	gauge(page, "depot_store_allocated", usage->is_allocated,
	      "1 if a full disk cannot stop a commit.");
	gauge(page, "depot_journal_epoch", pos_epoch(metrics->head),
	      "Epoch of the journal.");
	gauge(page, "depot_journal_entries", pos_number(metrics->head),
	      "Entries of the journal's epoch.");
}

static void health_print(struct page *page, const struct metrics *metrics)
{
	static const char name[] = "depot_health";

	head(page, name, "gauge",
	     "1 while what the code names is wrong with the box.");
	for (enum vital i = 0; i < VITALS; i++)
		labelled(page, name, "code", vital_kind(i)->code,
			 metrics->is_bad[i]);
}

static void links_print(struct page *page,
			const struct metrics_network *network)
{
	static const char used[] = "depot_link_used_bytes";
	static const char budget[] = "depot_link_budget_bytes";
	char name[NAME_SIZE_MAX + 1];

	head(page, used, "gauge", "Bytes over the wire today (UTC), by link.");
	for (size_t i = 0; i < network->link_count; i++) {
		text_print(name_span(&network->links[i].name), name,
			   sizeof(name));
		labelled(page, used, "link", name, network->links[i].used);
	}
	head(page, budget, "gauge",
	     "Bytes that a link may use in a day; 0: as many as it likes.");
	for (size_t i = 0; i < network->link_count; i++) {
		text_print(name_span(&network->links[i].name), name,
			   sizeof(name));
		labelled(page, budget, "link", name, network->links[i].budget);
	}
}

static void refused_print(struct page *page, const struct sync_counts *counts)
{
	static const char packs[] = "depot_packs_refused_total";
	static const char bad[] = "depot_frames_refused_total";
	struct envoy_frames frames[ENVOY_FRAMES];

	head(page, packs, "counter",
	     "Packs of deltas from peers that were refused, by the reason.");
	for (enum admission i = ADMISSION_GAP; i <= ADMISSION_GARBLED; i++)
		labelled(page, packs, "reason", admission_name(i),
			 counts->refused[i]);
	head(page, bad, "counter",
	     "Frames from peers that were refused, by the reason.");
	envoy_frames_refused(counts, frames);
	for (size_t i = 0; i < ENVOY_FRAMES; i++)
		labelled(page, bad, "reason", frames[i].reason,
			 frames[i].count);
}

static void reach_print(struct page *page, const struct metrics *metrics)
{
	const struct view_reach *reach = &metrics->reach;

	if (metrics->has_autonomy)
		gauge(page, "depot_autonomy_seconds",
		      metrics->autonomy_hours * 3600,
		      "Until the ledger is full at the rate of the last day, "
		      "in whole hours.");
	if (reach->site == 0)
		return;
	gauge(page, "depot_links", reach->links, "Links that are configured.");
	gauge(page, "depot_links_up", reach->links_up,
	      "Links that reach their broker.");
	gauge(page, "depot_peers", reach->peers, "Other sites heard of.");
	gauge(page, "depot_feeds_stuck", reach->stuck,
	      "Feeds of other sites that do not come in.");
	links_print(page, &metrics->network);
	refused_print(page, &metrics->network.counts);
	gauge(page, "depot_feeds_left_out", reach->left_out,
	      "Feeds that are neither told nor fetched: there are too many.");
	counter(page, "depot_feeds_no_room_total", reach->no_room,
		"Times that somebody spoke of a feed that there was no room "
		"for.");
	if (reach->is_hq)
		return;
	gauge(page, "depot_hq_backlog_deltas", reach->backlog_deltas,
	      "Sealed deltas that HQ does not durably have.");
	gauge(page, "depot_hq_backlog_entries", reach->backlog_entries,
	      "Entries of the journal that HQ does not durably have.");
	gauge(page, "depot_hq_backlog_bytes", reach->backlog_bytes,
	      "Bytes of the rows of those deltas, before packing.");
	gauge(page, "depot_hq_acknowledged_delta", reach->hq_seq,
	      "The last delta that HQ has signed to have durably.");
	if (reach->has_hq_as_of)
		gauge_seconds(page, "depot_hq_as_of_seconds",
			      reach->hq_as_of.ms,
			      "What HQ durably has is complete up to then, in "
			      "seconds since 1970.");
}

size_t metrics_print(const struct metrics *metrics,
		     char text[METRICS_TEXT_SIZE])
{
	struct page page = {.text = text};

	process_print(&page, metrics);
	intake_print(&page, metrics);
	mqtt_print(&page, metrics);
	published_print(&page, metrics);
	store_print(&page, metrics);
	health_print(&page, metrics);
	reach_print(&page, metrics);
	return page.size;
}

/* Codes that no vital stands for: who would note them stands still. */
static bool is_loop_stuck(const struct metrics *metrics, int64_t now_ms)
{
	return now_ms - metrics->at_ms > STUCK_MS;
}

static bool is_keeper_stuck(const struct metrics *metrics)
{
	return metrics->progress_age_ms > STUCK_MS;
}

bool metrics_health(const struct metrics *metrics, int64_t now_ms,
		    char text[HEALTH_TEXT_SIZE])
{
	bool loop_stuck = is_loop_stuck(metrics, now_ms);
	bool keeper_stuck = is_keeper_stuck(metrics);
	bool is_failing = loop_stuck || keeper_stuck;
	bool is_degraded = false;
	struct json_out out;

	for (enum vital i = 0; i < VITALS; i++) {
		is_failing |= metrics->is_bad[i] && vital_kind(i)->is_fatal;
		is_degraded |= metrics->is_bad[i];
	}
	out_init(&out, text, HEALTH_TEXT_SIZE - 1);
	out_object(&out);
	out_string_at(&out, "status",
		      is_failing    ? "failing"
		      : is_degraded ? "degraded"
				    : "ok");
	out_array_at(&out, "reasons");
	if (loop_stuck)
		out_string(&out, "loop_stuck");
	if (keeper_stuck)
		out_string(&out, "keeper_stuck");
	for (enum vital i = 0; i < VITALS; i++)
		if (metrics->is_bad[i])
			out_string(&out, vital_kind(i)->code);
	out_array_end(&out);
	out_object_end(&out);
	ASSERT(out_ok(&out));
	text[out_span(&out).size] = '\0';
	return !is_failing;
}
