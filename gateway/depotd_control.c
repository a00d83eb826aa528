#include "gateway/depotd_control.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/depotd_join.h"
#include "gateway/depotd_network.h"
#include "gateway/depotd_reach.h"
#include "gateway/depotd_vitals.h"
#include "gateway/depotd_watch.h"
#include "gateway/edge/auditor.h"
#include "gateway/edge/control_broker.h"
#include "gateway/edge/envoy_control.h"
#include "gateway/edge/panel_control.h"

#define EXTRAS_MAX                                                             \
	(PANEL_CONTROL_EXTRAS + CONTROL_BROKER_EXTRAS + ENVOY_CONTROL_EXTRAS + \
	 JOIN_EXTRAS)

/* What the socket borrows as long as it is open. */
struct control_ends {
	char keys[FILE_PATH_SIZE];
	struct control_broker broker;
	struct panel_control page;
	struct envoy_control envoy;
	struct control_extra extras[EXTRAS_MAX];
	size_t extra_count;
};

static const char *state_name(enum mqtt_state state)
{
	switch (state) {
	case MQTT_DOWN:
		return "down";
	case MQTT_CONNECTING:
		return "connecting";
	case MQTT_UP:
		return "up";
	case MQTT_HELD:
		return "held";
	case MQTT_STOPPING:
		return "stopping";
	case MQTT_STOPPED:
		return "stopped";
	}
	ASSERT(state == MQTT_DOWN);
	return "";
}

static void counters_out(const struct engine_counters *counters,
			 struct json_out *out)
{
	out_int_at(out, "readings", (int64_t)counters->readings);
	out_int_at(out, "booked", (int64_t)counters->booked);
	out_int_at(out, "duplicates", (int64_t)counters->duplicates);
	out_int_at(out, "seq_reused", (int64_t)counters->seq_reused);
	out_int_at(out, "refused", (int64_t)counters->refused);
	out_int_at(out, "parked", (int64_t)counters->parked);
	out_int_at(out, "movements", (int64_t)counters->movements);
	out_int_at(out, "observations", (int64_t)counters->observations);
	out_int_at(out, "commands", (int64_t)counters->commands);
}

static void usage_out(struct box *box, struct json_out *out)
{
	struct env_usage usage;
	struct err err;

	out_object_at(out, "map");
	if (env_usage(ledger_env(box->ledger), &usage, &err) == ERR_OK) {
		out_int_at(out, "size", (int64_t)usage.map_size);
		out_int_at(out, "used",
			   (int64_t)(usage.used - usage.free_size));
		out_int_at(out, "readers", usage.readers);
		out_int_at(out, "oldest_lag", (int64_t)usage.oldest_lag);
		out_bool_at(out, "is_allocated", usage.is_allocated);
	}
	out_object_end(out);
}

static void keeper_out(struct box *box, struct json_out *out)
{
	struct keeper_state state;

	keeper_state(box->keeper, &state);
	out_object_at(out, "keeper");
	out_string_at(out, "state",
		      state.is_failed ? "failed"
		      : state.is_full ? "full"
				      : "working");
	out_int_at(out, "commits", (int64_t)state.commits);
	if (state.commits > 0)
		out_moment_at(out, "committed", state.committed);
	out_int_at(out, "answers_dropped", (int64_t)state.answers_dropped);
	counters_out(&state.counters, out);
	out_object_end(out);
}

static void status_out(void *context, struct json_out *out)
{
	struct box *box = context;
	int64_t now_ms = clock_monotonic_ms(&box->clock);
	uint64_t hours;

	out_string_at(out, "version", DEPOT_VERSION);
	out_int_at(out, "uptime_s", (now_ms - box->started_ms) / 1000);
	out_bool_at(out, "clock_trusted", clock_now(&box->clock).is_trusted);
	out_string_at(out, "broker", state_name(mqtt_state(box->mqtt)));
	out_object_at(out, "ring");
	out_int_at(out, "fill", ring_fill(box->ring));
	out_int_at(out, "size", ring_size(box->ring));
	out_object_end(out);
	keeper_out(box, out);
	usage_out(box, out);
	out_int_at(out, "clients", (int64_t)control_clients(box->control));
	view_reach_out(box_reach(box), out);
	if (figures_autonomy(box, &hours))
		out_int_at(out, "autonomy_hours", (int64_t)hours);
	out_array_at(out, "health");
	for (size_t i = 0; i < box->health_count; i++)
		out_string(out, box->health[i]);
	out_array_end(out);
}

enum err_code box_scan_publish(void *context, struct span device,
			       struct span payload)
{
	struct box *box = context;
	const struct founding *identity = ledger_identity(box->ledger);
	char topic[MQTT_TOPIC_SIZE_MAX];
	struct mqtt_publication out = {
		.topic = topic, .payload = payload, .qos = 1};

	(void)text_format(topic, sizeof(topic), "depot/v1/%.*s/%.*s/scan/%.*s",
			  (int)identity->org.size, identity->org.data,
			  (int)identity->site.size, identity->site.data,
			  (int)device.size, device.data);
	return mqtt_publish(box->mqtt, &out);
}

/* At HQ, as its topics say. */
static bool box_site_age(void *context, uint32_t site, struct site_age *ret_age)
{
	const struct box *box = context;

	return publisher_network_age(box->network_topics, site, ret_age);
}

static void broker_changed(void *context)
{
	box_broker_changed(context);
}

static enum err_code ends_make(struct box *box, struct err *err)
{
	struct control_ends *ends = calloc(1, sizeof(*ends));
	enum err_code code;

	if (ends == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	box->control_ends = ends;
	code = ledger_keys_folder(box->config->store.path, ends->keys, err);
	if (code != ERR_OK)
		return code;
	ends->page = (struct panel_control){
		&box->page, box->config->page.address, box->ledger};
	panel_control_extras(&ends->page, ends->extras);
	ends->extra_count = PANEL_CONTROL_EXTRAS;
	network_control(box, &ends->envoy);
	envoy_control_extras(&ends->envoy, ends->extras + ends->extra_count);
	ends->extra_count += ENVOY_CONTROL_EXTRAS;
	join_extras(box, ends->extras + ends->extra_count);
	ends->extra_count += JOIN_EXTRAS;
	/* An external broker's accounts are not ours to give. */
	if (box->config->broker.mode == CONFIG_BROKER_MANAGED) {
		ends->broker = (struct control_broker){ends->keys,
						       broker_changed, box};
		control_broker_extras(&ends->broker,
				      ends->extras + ends->extra_count);
		ends->extra_count += CONTROL_BROKER_EXTRAS;
	}
	return ERR_OK;
}

static enum err_code clerk_begin(struct box *box, struct err *err)
{
	struct auditor_config config = {
		.log = box->log,
		.store = box->config->store.path,
		.hours = box->config->store.audit_hours,
	};
	enum err_code code = clerk_start(box->ledger, &box->clerk, err);

	config.clerk = box->clerk;
	return code == ERR_OK ? auditor_open(&config, &box->auditor, err)
			      : code;
}

enum err_code start_control(struct box *box, struct err *err)
{
	struct control_config config = {
		.path = box->config->control.socket,
		.ledger = box->ledger,
		.keeper = box->keeper,
		.loop = box->loop,
		.clock = &box->clock,
		.zone = &box->zone,
		.log = box->log,
		.ports = {.status = status_out,
			  .scan = box_scan_publish,
			  .age = box_site_age,
			  .context = box},
	};
	enum err_code code = ends_make(box, err);

	if (code == ERR_OK)
		code = clerk_begin(box, err);
	if (code != ERR_OK)
		return code;
	config.clerk = box->clerk;
	config.auditor = box->auditor;
	config.ports.extras = box->control_ends->extras;
	config.ports.extra_count = box->control_ends->extra_count;
	box->started_ms = clock_monotonic_ms(&box->clock);
	return control_open(&config, &box->control, err);
}

const struct control_extra *box_extra(const struct box *box, const char *name)
{
	const struct control_ends *ends = box->control_ends;

	for (size_t i = 0; ends != NULL && i < ends->extra_count; i++)
		if (strcmp(ends->extras[i].name, name) == 0)
			return &ends->extras[i];
	return NULL;
}

void stop_control(struct box *box)
{
	control_stop(box->control);
}

void end_control(struct box *box)
{
	clerk_stop(box->clerk);
	auditor_close(box->auditor);
	control_close(box->control);
	free(box->control_ends);
}
