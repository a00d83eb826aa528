#include "gateway/depotd_publish.h"

#include <inttypes.h>

#include "gateway/depotd_network.h"
#include "gateway/edge/panel.h"
#include "store/seal.h"

static struct publisher_now now_of(struct box *box)
{
	uint64_t backlog = ring_fill(box->ring);
	struct clock_reading now = clock_now(&box->clock);

	return (struct publisher_now){
		.monotonic_ms = clock_monotonic_ms(&box->clock),
		.moment = now.moment,
		.clock_trusted = now.is_trusted,
		.backlog = backlog,
	};
}

void publish_due(struct box *box)
{
	struct publisher_now now = now_of(box);
	int64_t due_ms;
	int64_t network_ms = INT64_MAX;
	struct err err;
	enum err_code code = publisher_run(box->publisher, &now, &due_ms, &err);

	/* What the site itself says goes first, and HQ's view of all after. */
	if (code == ERR_OK)
		code = publisher_network_run(box->network_topics, &now,
					     &network_ms, &err);
	if (code != ERR_OK) {
		box_fail(box, code, &err);
		return;
	}
	if (network_ms < due_ms)
		due_ms = network_ms;
	if (due_ms == INT64_MAX)
		loop_timer_off(box->due_timer);
	else
		loop_timer_once(box->due_timer,
				due_ms > now.monotonic_ms
					? (uint64_t)(due_ms - now.monotonic_ms)
					: 0);
}

static void on_due(void *context, uint32_t what)
{
	(void)what;
	publish_due(context);
}

void publish_farewell(struct box *box)
{
	struct publisher_now now = now_of(box);

	if (publisher_farewell(box->publisher, SITE_DISCONNECTED, &now) !=
	    ERR_OK)
		log_event(box->log, LEVEL_INFO, "farewell_unsaid",
			  "nobody listens: the will speaks for us");
}

/* ---- answers ---- */

/* False if it has to wait for room. */
static bool answer_publish(struct box *box, const struct keeper_answer *answer)
{
	const struct founding *identity = ledger_identity(box->ledger);
	char topic[MQTT_TOPIC_SIZE_MAX];
	struct mqtt_publication out = {
		.topic = topic,
		.payload = {answer->payload, answer->size},
		.correlation = {answer->correlation, answer->correlation_size},
		.qos = 1,
		.is_answer = true};

	enum mqtt_state state = mqtt_state(box->mqtt);

	/* What the session brought before the subscriptions stand again is
	 * answered when they do; likewise what the ring held when we went away
	 * to make room in it. */
	if (state == MQTT_CONNECTING || state == MQTT_HELD)
		return false;
	if (state != MQTT_UP) {
		/* The sender hears nothing and asks again. */
		box->answers_unsent++;
		return true;
	}
	(void)text_format(topic, sizeof(topic), "depot/v1/%.*s/%.*s/%.*s",
			  (int)identity->org.size, identity->org.data,
			  (int)identity->site.size, identity->site.data,
			  (int)answer->suffix_size, answer->suffix);
	return mqtt_publish(box->mqtt, &out) != ERR_AGAIN;
}

#define ACK_LEVEL "ack/"

/* Who types scans at the control socket hears what the scanner would. */
static void answer_hand(struct box *box, const struct keeper_answer *answer)
{
	struct span device = {answer->suffix, answer->suffix_size};

	if (!span_starts(device, ACK_LEVEL))
		return;
	device.data += sizeof(ACK_LEVEL) - 1;
	device.size -= sizeof(ACK_LEVEL) - 1;
	control_acknowledged(box->control, device,
			     (struct span){answer->payload, answer->size});
	panel_acknowledged(box->page, device,
			   (struct span){answer->payload, answer->size});
}

void publish_answers(struct box *box)
{
	for (;;) {
		if (!box->has_answer)
			box->has_answer =
				keeper_answer(box->keeper, &box->answer);
		if (!box->has_answer || !answer_publish(box, &box->answer))
			return;
		mqtt_push(box->mqtt);
		answer_hand(box, &box->answer);
		box->has_answer = false;
	}
}

/* ---- start and end ---- */

static enum err_code sink_publish(void *context,
				  const struct publication *publication)
{
	struct box *box = context;
	struct mqtt_publication out = {.topic = publication->topic,
				       .payload = publication->payload,
				       .qos = (uint8_t)publication->qos,
				       .is_retained = publication->is_retained};

	return mqtt_publish(box->mqtt, &out) == ERR_OK ? ERR_OK : ERR_AGAIN;
}

static struct publisher_rates rates_of(const struct config *config)
{
	return (struct publisher_rates){
		.rate_per_item_per_s = config->publish.rate_per_item_per_s,
		.fresh_for_s = config->publish.fresh_for_s,
		.status_interval_ms =
			(uint32_t)config->publish.status_interval_ms,
		.chunk_interval_ms =
			(uint32_t)config->publish.chunk_interval_ms,
	};
}

static struct network_rates network_rates_of(const struct config *config)
{
	return (struct network_rates){
		config->publish.fresh_for_s,
		(uint32_t)config->publish.status_interval_ms};
}

void publish_rates(struct box *box)
{
	struct publisher_rates rates = rates_of(box->config);
	struct network_rates network = network_rates_of(box->config);

	publisher_rates(box->publisher, &rates);
	publisher_network_rates(box->network_topics, &network);
	publish_due(box);
}

static enum network_sites_shown shown_of(enum config_sites_shown word)
{
	switch (word) {
	case CONFIG_SITES_NONE:
		return NETWORK_SITES_NONE;
	case CONFIG_SITES_STATUS:
		return NETWORK_SITES_STATUS;
	case CONFIG_SITES_STOCK:
		return NETWORK_SITES_STOCK;
	}
	ASSERT(word == CONFIG_SITES_NONE);
	return NETWORK_SITES_NONE;
}

/* A site that is not HQ publishes nothing of others. */
static enum err_code start_network_topics(struct box *box,
					  const struct publisher_sink *sink,
					  struct err *err)
{
	const struct founding *identity = ledger_identity(box->ledger);
	struct publisher_network_plan plan = {
		.org = name_span(&identity->org),
		.net_id = identity->net_id,
		.site = network_hq_site(box),
		.rates = network_rates_of(box->config),
		.shown = shown_of(box->config->publish.sites),
	};
	enum err_code code;

	if (plan.site == 0)
		return ERR_OK;
	code = publisher_network_open(&plan, ledger_env(box->ledger), sink,
				      &box->network_topics, err);
	if (code == ERR_OK)
		publisher_network_heads(box->network_topics, network_heads,
					box);
	return code;
}

enum err_code start_publisher(struct box *box, struct err *err)
{
	const struct config *config = box->config;
	struct publisher_sink sink = {sink_publish, box};
	struct publisher_plan plan = {
		.rates = rates_of(config),
		.chunk_rows = config->publish.chunk_rows,
		.items_max = config->limits.items_max,
		.version = SPAN_LITERAL(DEPOT_VERSION),
	};
	struct loop_call due = {on_due, box};
	char session[32];
	uint64_t number;
	enum err_code code;

	seal_random(&number, sizeof(number));
	(void)text_format(session, sizeof(session), "%016" PRIx64, number);
	plan.session = span_of(session);
	code = publisher_open(&plan, box->ledger, &sink, &box->publisher, err);
	if (code == ERR_OK)
		code = start_network_topics(box, &sink, err);
	if (code == ERR_OK)
		code = loop_add_timer(box->loop, due, &box->due_timer, err);
	return code;
}

void stop_publisher(struct box *box)
{
	loop_remove(box->due_timer);
	publisher_network_close(box->network_topics);
	publisher_close(box->publisher);
}
