#include "gateway/depotd_box.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gateway/depotd_broker.h"
#include "gateway/depotd_join.h"
#include "gateway/depotd_network.h"
#include "gateway/depotd_publish.h"
#include "gateway/depotd_vitals.h"
#include "gateway/depotd_watch.h"
#include "gateway/edge/notify.h"
#include "gateway/edge/zone_file.h"
#include "gateway/engine_plan.h"
#include "gateway/log_level.h"
#include "store/seal.h"

#define LOG_LINES 512
#define RING_NAME "intake.ring"
#define PACKETS_NAME "intake.packets"
#define BEAT_MS 1000
#define STOP_TIMEOUT_MS 3000

/* ---- the keeper ---- */

static void on_keeper(void *context, uint32_t what)
{
	struct box *box = context;
	struct keeper_state state;
	struct err err;

	(void)what;
	publish_answers(box);
	publish_due(box);
	network_notice(box);
	keeper_state(box->keeper, &state);
	if (state.is_failed) {
		(void)err_set(&err, ERR_CORRUPT, "%s",
			      keeper_failure(box->keeper));
		box_fail(box, ERR_CORRUPT, &err);
	}
}

/* ---- the broker ---- */

static void tree_read(struct box *box)
{
	if (box->is_tree_read)
		return;
	if (mqtt_tree_read(box->mqtt) == ERR_OK)
		box->is_tree_read = true;
}

static void on_mqtt(void *context, const struct mqtt_change *change)
{
	struct box *box = context;

	switch (change->state) {
	case MQTT_UP:
		log_event(box->log, LEVEL_NOTICE, "broker_up",
			  "connected to the broker");
		box->is_tree_read = false;
		tree_read(box);
		publisher_connected(box->publisher);
		publisher_network_connected(box->network_topics);
		publish_due(box);
		publish_answers(box);
		break;
	case MQTT_DOWN:
		log_event(box->log, LEVEL_WARNING, "broker_down",
			  "not connected to the broker: %s",
			  change->reason != NULL ? change->reason : "");
		publisher_disconnected(box->publisher);
		publisher_network_disconnected(box->network_topics);
		break;
	case MQTT_HELD:
		log_event(box->log, LEVEL_WARNING, "intake_held",
			  "the ring is three quarters full: the broker keeps "
			  "what comes");
		publisher_disconnected(box->publisher);
		publisher_network_disconnected(box->network_topics);
		break;
	case MQTT_STOPPED:
		loop_stop(box->loop);
		break;
	case MQTT_CONNECTING:
	case MQTT_STOPPING:
		break;
	}
}

static void on_room(void *context)
{
	publish_answers(context);
	publish_due(context);
}

static void on_heard(void *context, const struct mqtt_heard *heard)
{
	struct box *box = context;
	struct err err;
	enum err_code code;

	if (figures_heard(box, heard) || !heard->is_retained ||
	    heard->payload_size == 0)
		return;
	code = publisher_retained(box->publisher, heard->topic, &err);
	if (code == ERR_OK)
		code = publisher_network_retained(box->network_topics,
						  heard->topic, &err);
	if (code != ERR_OK)
		box_fail(box, code, &err);
}

static void on_tree(void *context, bool is_whole)
{
	struct box *box = context;

	bool is_wanted = publisher_wants_retained(box->publisher);

	is_wanted |= publisher_network_wants_retained(box->network_topics);
	if (!is_whole || is_wanted)
		box->is_tree_read = false;
	publish_due(box);
}

/* ---- time and signals ---- */

static void on_beat(void *context, uint32_t what)
{
	struct box *box = context;
	struct keeper_state state;
	int64_t now_ms = clock_monotonic_ms(&box->clock);
	uint32_t cleared;
	struct err err;

	(void)what;
	(void)clock_refresh(&box->clock); /* the next reading tells */
	keeper_state(box->keeper, &state);
	if (state.progress != box->progress)
		notify_alive();
	box->progress = state.progress;
	if (now_ms >= box->readers_at) {
		box->readers_at = now_ms + 60000;
		if (env_reader_check(ledger_env(box->ledger), &cleared, &err) ==
			    ERR_OK &&
		    cleared > 0)
			log_event(box->log, LEVEL_NOTICE, "readers_cleared",
				  "%" PRIu32 " readers of dead processes",
				  cleared);
	}
	if (mqtt_state(box->mqtt) == MQTT_UP)
		tree_read(box);
	box_watch(box, &state);
	publish_due(box);
}

static void stop_begin(struct box *box)
{
	if (box->is_stopping)
		return;
	box->is_stopping = true;
	log_event(box->log, LEVEL_NOTICE, "stopping", "stopping on a signal");
	notify_stopping();
	publish_farewell(box);
	mqtt_stop(box->mqtt, NULL, STOP_TIMEOUT_MS);
}

static void restart_named(void *context, const char *section, const char *name)
{
	struct box *box = context;

	log_event(box->log, LEVEL_WARNING, "restart_needed",
		  "[%s] %s has changed and needs a restart", section, name);
}

static void reload(struct box *box)
{
	struct config *fresh = malloc(sizeof(*fresh));
	struct config_report *report = malloc(sizeof(*report));

	if (fresh == NULL || report == NULL) {
		log_event(box->log, LEVEL_ERROR, "reload_failed",
			  "out of memory");
	} else if (config_load(box->config->path, fresh, report) != ERR_OK) {
		struct config_sentence sentence;

		config_mistake_text(fresh, report, 0, CONFIG_LANG_EN,
				    &sentence);
		log_event(box->log, LEVEL_ERROR, "reload_refused",
			  "mistakes: %zu, the first: %s", report->count,
			  sentence.text);
	} else {
		config_reload(box->config, fresh, restart_named, box);
		log_level_set(box->log, log_level_of(box->config->log.level));
		publish_rates(box);
		log_event(box->log, LEVEL_NOTICE, "reloaded",
			  "the configuration was read again");
	}
	free(fresh);
	free(report);
}

static void on_signal(void *context, uint32_t number)
{
	struct box *box = context;

	if (number == SIGHUP) {
		reload(box);
		box_broker_changed(box);
	} else {
		stop_begin(box);
	}
}

/* ---- the checklist ---- */

static enum err_code start_log(struct box *box, struct err *err)
{
	struct log_config config = {
		.identifier = "depotd",
		.level_max = log_level_of(box->config->log.level),
		.queue_lines = LOG_LINES,
		.loop = box->loop,
		.clock = &box->clock,
		.fd = 2,
	};

	return log_open(&config, &box->log, err);
}

static enum err_code start_signals(struct box *box, struct err *err)
{
	static const int numbers[BOX_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
	struct loop_call call = {on_signal, box};

	for (size_t i = 0; i < BOX_SIGNALS; i++) {
		enum err_code code = loop_add_signal(
			box->loop, numbers[i], call, &box->signals[i], err);

		if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}

/* The store's own word on whose it is: a configuration that says otherwise
 * was meant for another box. */
static enum err_code start_ledger(struct box *box, struct err *err)
{
	const struct config *config = box->config;
	const struct founding *identity;
	enum err_code code =
		ledger_open(config->store.path, ENV_WRITE, &box->ledger, err);

	if (code != ERR_OK)
		return code;
	code = start_joined(box, err);
	if (code != ERR_OK)
		return code;
	identity = ledger_identity(box->ledger);
	if (!span_is(name_span(&identity->org), config->site.org) ||
	    !span_is(name_span(&identity->site), config->site.site))
		return err_set(err, ERR_CONFLICT,
			       "store %s is of %.*s/%.*s, the configuration "
			       "says %s/%s",
			       config->store.path, (int)identity->org.size,
			       identity->org.data, (int)identity->site.size,
			       identity->site.data, config->site.org,
			       config->site.site);
	return ERR_OK;
}

static void ring_tell(struct box *box, const struct ring_report *report)
{
	if (report->waiting > 0)
		log_event(box->log, LEVEL_NOTICE, "ring_waiting",
			  "%" PRIu32 " readings wait from before",
			  report->waiting);
	if (report->damaged > 0)
		log_event(box->log, LEVEL_ERROR, "ring_damaged",
			  "%" PRIu32 " readings in the ring are damaged",
			  report->damaged);
	if (report->aside[0] != '\0')
		log_event(box->log, LEVEL_WARNING, "ring_aside",
			  "the old ring was set aside as %s, %" PRIu32
			  " readings were carried over, %" PRIu32 " were not",
			  report->aside, report->carried, report->left);
}

static enum err_code start_ring(struct box *box, struct err *err)
{
	const char *dir = box->config->runtime.dir;
	char path[RING_PATH_SIZE];
	struct ring_config config = {.path = path,
				     .slot_count =
					     box->config->intake.ring_slots,
				     .wake = &box->ring_wake};
	struct ring_report report;
	struct view *view;
	enum err_code code;

	/* systemd makes it; elsewhere it is ours to make. */
	if (mkdir(dir, 0750) < 0 && errno != EEXIST)
		return err_sys(err, errno, "create runtime folder %s", dir);
	if (!text_format(path, sizeof(path), "%s/" RING_NAME, dir))
		return err_set(err, ERR_INVALID,
			       "[runtime] dir is too long: %s", dir);
	code = view_begin(ledger_env(box->ledger), &view, err);
	if (code != ERR_OK)
		return code;
	code = ledger_ring(view, &config.last_taken, err);
	view_end(view);
	if (code == ERR_OK)
		code = ring_open(&config, &box->ring, &report, err);
	if (code == ERR_OK)
		ring_tell(box, &report);
	return code;
}

static enum err_code start_packets(struct box *box, struct err *err)
{
	const char *dir = box->config->runtime.dir;
	char path[RING_PATH_SIZE];

	if (!text_format(path, sizeof(path), "%s/" PACKETS_NAME, dir))
		return err_set(err, ERR_INVALID,
			       "[runtime] dir is too long: %s", dir);
	return packets_open(path, &box->packets, err);
}

static enum err_code start_engine(struct box *box, struct err *err)
{
	struct engine_plan plan = engine_plan_of(box->config);
	struct err why;

	/* Checks at the wrong hour are better than no scans. */
	if (zone_load(box->config->site.timezone, &box->zone, &why) != ERR_OK) {
		log_event(box->log, LEVEL_ERROR, "zone_failed", "%s", why.text);
		zone_utc(&box->zone);
	}
	plan.zone = &box->zone;
	plan.hq = network_hq(box);
	plan.carry = network_carry(box);
	if (network_site(box) == 0) {
		plan.join = box_join_scanned;
		plan.join_context = box;
	}
	return engine_open(&plan, ledger_identity(box->ledger), &box->engine,
			   err);
}

#define BOX_INPUTS 5
#define BOX_TREES 4
#define BOX_NETWORK_TREES 5
#define BOX_FORMER_TREES 5

/* Filters and texts of the MQTT client; copied by mqtt_open. */
struct wires {
	char prefix[64 + 2 * NAME_SIZE_MAX];
	char inputs[BOX_INPUTS][128];
	const char *input_list[BOX_INPUTS];
	char tree[BOX_TREES + BOX_NETWORK_TREES + BOX_FORMER_TREES][128];
	const char *tree_list[BOX_TREES + BOX_NETWORK_TREES + BOX_FORMER_TREES];
	size_t tree_count;
	size_t tree_optional;
	char marker[128];
	char client_id[80];
	char user[LOGIN_USER_SIZE];
	char password[LOGIN_PASSWORD_SIZE];
	char will_topic[PUBLISHER_TOPIC_SIZE];
	char will_payload[PAYLOAD_OUT_SIZE_MAX + 1];
};

/* @prefix ends with a slash. */
static void tree_add(struct wires *wires, const char *prefix,
		     const char *filter)
{
	size_t at = wires->tree_count++;

	(void)text_format(wires->tree[at], sizeof(wires->tree[at]), "%s%s",
			  prefix, filter);
	wires->tree_list[at] = wires->tree[at];
}

/* HQ's box has published of others, too. */
static void network_trees_lay(const struct box *box, struct wires *wires)
{
	static const char *const filters[BOX_NETWORK_TREES] = {
		"network/stock/+", "network/stock/+/+", "+/alert/+", "+/task/+",
		"+/stock/+"};
	char org[64 + NAME_SIZE_MAX];

	(void)text_format(org, sizeof(org), "depot/v1/%s/",
			  box->config->site.org);
	for (size_t i = 0; i < BOX_NETWORK_TREES; i++)
		tree_add(wires, org, filters[i]);
}

/* What the box published before it joined under another name; another broker's
 * owner may not let it look there. */
static void former_trees_lay(const struct box *box, struct wires *wires)
{
	static const char *const filters[BOX_FORMER_TREES] = {
		"status", "stock/+", "snapshot/+", "task/+", "alert/+"};
	const char *former = publisher_former(box->publisher);

	if (former == NULL)
		return;
	for (size_t i = 0; i < BOX_FORMER_TREES; i++)
		tree_add(wires, former, filters[i]);
	wires->tree_optional = BOX_FORMER_TREES;
}

static void wires_lay(struct box *box, struct wires *wires)
{
	static const char *const inputs[BOX_INPUTS] = {
		"scan/+", "shelf/+", "rfid/+", "task/+/+/+", "cmd/+/+"};
	static const char *const tree[BOX_TREES] = {"stock/+", "snapshot/+",
						    "task/+", "alert/+"};
	const struct config *config = box->config;
	char own[sizeof(wires->prefix) + 1];

	(void)text_format(wires->prefix, sizeof(wires->prefix),
			  "depot/v1/%s/%s", config->site.org,
			  config->site.site);
	for (size_t i = 0; i < BOX_INPUTS; i++) {
		(void)text_format(wires->inputs[i], sizeof(wires->inputs[i]),
				  "%s/%s", wires->prefix, inputs[i]);
		wires->input_list[i] = wires->inputs[i];
	}
	(void)text_format(own, sizeof(own), "%s/", wires->prefix);
	for (size_t i = 0; i < BOX_TREES; i++)
		tree_add(wires, own, tree[i]);
	if (box->network_topics != NULL)
		network_trees_lay(box, wires);
	former_trees_lay(box, wires);
	(void)text_format(wires->marker, sizeof(wires->marker), "%s/marker",
			  wires->prefix);
	(void)text_format(wires->client_id, sizeof(wires->client_id),
			  "depotd-%s-%s", config->site.org, config->site.site);
	publisher_will(box->publisher, wires->will_topic, wires->will_payload);
}

static const char *set_or_null(const char *text)
{
	return text[0] == '\0' ? NULL : text;
}

static enum err_code start_mqtt(struct box *box, struct err *err)
{
	static const char *const watched[] = {BROKER_DROPPED_TOPIC};
	const struct config *config = box->config;
	struct wires *wires = calloc(1, sizeof(*wires));
	enum err_code code;

	if (wires == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	wires_lay(box, wires);
	code = broker_login(box, wires->user, wires->password, err);
	if (code == ERR_OK) {
		struct mqtt_config mqtt = {
			MQTT_CONFIG_DEFAULTS,
			.uri = config->broker.uri,
			.client_id = wires->client_id,
			.user = set_or_null(wires->user),
			.password = set_or_null(wires->password),
			.ca_file = set_or_null(config->broker.ca_file),
			.cert_file = set_or_null(config->broker.cert_file),
			.key_file = set_or_null(config->broker.key_file),
			.inputs = wires->input_list,
			.input_count = BOX_INPUTS,
			.watched = watched,
			.watched_count = ARRAY_LEN(watched),
			.tree = wires->tree_list,
			.tree_count = wires->tree_count,
			.tree_optional = wires->tree_optional,
			.tree_marker = wires->marker,
			.will = {wires->will_topic,
				 span_of(wires->will_payload), 5},
			.loop = box->loop,
			.ring = box->ring,
			.packets = box->packets,
			.clock = &box->clock,
			.handlers = {.changed = on_mqtt,
				     .room = on_room,
				     .heard = on_heard,
				     .tree_read = on_tree,
				     .context = box},
		};

		mqtt.session_s =
			(uint32_t)(config->intake.session_expiry_ms / 1000);
		mqtt.receive_max = (uint16_t)config->intake.receive_maximum;
		seal_random(&mqtt.seed, sizeof(mqtt.seed));
		code = mqtt_open(&mqtt, &box->mqtt, err);
	}
	memset(wires->password, 0, sizeof(wires->password));
	free(wires);
	return code;
}

static enum err_code start_keeper(struct box *box, struct err *err)
{
	struct keeper_config config = {
		.ledger = box->ledger,
		.engine = box->engine,
		.ring = box->ring,
		.ring_wake = &box->ring_wake,
		.clock = &box->clock,
		.log = box->log,
		.loop_wake = &box->loop_wake,
		.desk = network_desk(box),
		.batch_max = box->config->store.batch_max,
		.batch_ms = box->config->store.batch_ms,
		.scrub_hours = box->config->store.audit_hours,
	};

	return keeper_start(&config, &box->keeper, err);
}

static enum err_code start_timers(struct box *box, struct err *err)
{
	struct loop_call beat = {on_beat, box};
	struct loop_call keeper = {on_keeper, box};
	enum err_code code;

	code = loop_add_timer(box->loop, beat, &box->beat_timer, err);
	if (code == ERR_OK)
		code = loop_add_wake(box->loop, &box->loop_wake, keeper,
				     &box->keeper_source, err);
	if (code == ERR_OK)
		loop_timer_every(box->beat_timer, BEAT_MS);
	return code;
}

enum err_code box_start(struct box *box, struct config *config, struct err *err)
{
	enum err_code (*const steps[])(struct box *, struct err *) = {
		start_signals, start_log,     start_ledger, start_ring,
		start_packets, start_network, start_engine, start_publisher,
		start_broker,  start_mqtt,    start_timers, start_keeper,
		start_envoy,   start_watch,
	};
	enum err_code code;

	memset(box, 0, sizeof(*box));
	box->config = config;
	(void)pthread_mutex_init(&box->scanned_mutex, NULL); /* cannot fail */
	clock_init(&box->clock, NULL, NULL);
	code = loop_open(&box->loop, err);
	if (code == ERR_OK)
		code = wake_init(&box->ring_wake, err);
	if (code == ERR_OK)
		code = wake_init(&box->loop_wake, err);
	for (size_t i = 0; i < ARRAY_LEN(steps) && code == ERR_OK; i++)
		code = steps[i](box, err);
	if (code != ERR_OK)
		return code;
	mqtt_start(box->mqtt);
	notify_ready();
	log_event(box->log, LEVEL_NOTICE, "ready", "site %s/%s is ready",
		  config->site.org, config->site.site);
	return ERR_OK;
}

void box_fail(struct box *box, enum err_code code, const struct err *err)
{
	box->result = code;
	box->failure = *err;
	loop_stop(box->loop);
}

enum err_code box_run(struct box *box, struct err *err)
{
	enum err_code code = loop_run(box->loop, err);

	if (code == ERR_OK && box->result != ERR_OK) {
		*err = box->failure;
		code = box->result;
	}
	return code;
}

void box_stop(struct box *box)
{
	stop_watch(box);
	stop_join(box);
	stop_envoy(box);
	keeper_stop(box->keeper);
	stop_network(box);
	end_watch(box);
	mqtt_close(box->mqtt);
	stop_broker(box);
	stop_publisher(box);
	engine_close(box->engine);
	ring_close(box->ring);
	packets_close(box->packets);
	ledger_close(box->ledger);
	loop_remove(box->keeper_source);
	loop_remove(box->beat_timer);
	for (size_t i = 0; i < BOX_SIGNALS; i++)
		loop_remove(box->signals[i]);
	seal_wipe(box->scanned, sizeof(box->scanned));
	(void)pthread_mutex_destroy(&box->scanned_mutex); /* nobody holds it */
	log_close(box->log);
	wake_release(&box->ring_wake);
	wake_release(&box->loop_wake);
	loop_close(box->loop);
}
