#include "gateway/depotd_page.h"

#include <string.h>

#include "gateway/depotd_control.h"
#include "gateway/depotd_join.h"
#include "gateway/edge/panel.h"
#include "store/feed.h"

#define RETRY_MS 60000
#define JOIN "join"

/* ---- joining a network ---- */

/* The socket's command, by another way. */
static bool join_run(void *context, const struct json_value *arguments,
		     struct json_out *out)
{
	const struct control_extra *join = box_extra(context, JOIN);

	ASSERT(join != NULL); /* else nobody was asked to join */
	return join->run(join->context, arguments, out);
}

/* As long as no control feed has come. What cannot be read is no reason to
 * ask a person for a code. */
static bool can_join(const struct box *box)
{
	struct pos control;
	struct view *view;
	struct err err;
	enum err_code code;

	if (box_extra(box, JOIN) == NULL ||
	    view_begin(ledger_env(box->ledger), &view, &err) != ERR_OK)
		return false;
	code = feed_control(view, &control, &err);
	view_end(view);
	return code == ERR_OK && control.value == 0;
}

/* ---- the page ---- */

static enum err_code page_start(struct box *box, struct err *err)
{
	const struct config *config = box->config;
	struct panel_config page = {
		.address = config->page.address,
		.port = config->page.port,
		.keys = box->keys,
		.title = config->site.name,
		.lang = config->site.lang == CONFIG_LANG_ZH ? "zh" : "en",
		.ledger = box->ledger,
		.keeper = box->keeper,
		.loop = box->loop,
		.clock = &box->clock,
		.log = box->log,
		.ports = {.scan = box_scan_publish,
			  .join = join_run,
			  .context = box},
	};
	enum err_code code =
		ledger_keys_folder(config->store.path, box->keys, err);

	return code == ERR_OK ? panel_open(&page, &box->page, err) : code;
}

static void page_try(struct box *box, int64_t now_ms)
{
	struct err err;

	if (!box->config->page.is_on || now_ms < box->page_retry_ms)
		return;
	box->page_retry_ms = now_ms + RETRY_MS;
	if (page_start(box, &err) != ERR_OK)
		log_event(box->log, LEVEL_ERROR, "page_not_served", "%s",
			  err.text);
	else
		log_event(box->log, LEVEL_NOTICE, "page_ready",
			  "the operator page is on port %u of %s",
			  panel_port(box->page), box->config->page.address);
}

void box_page_beat(struct box *box)
{
	struct panel_facts facts = {
		.health = box->health,
		.health_count = box->health_count,
		.is_connected = mqtt_state(box->mqtt) == MQTT_UP,
	};

	if (box->page == NULL)
		page_try(box, clock_monotonic_ms(&box->clock));
	if (box->page != NULL)
		facts.can_join = can_join(box);
	if (facts.can_join)
		box_join_sentence(box, facts.joining_en, facts.joining_zh,
				  sizeof(facts.joining_en));
	panel_update(box->page, &facts);
}

void stop_page(struct box *box)
{
	panel_stop(box->page);
}

void end_page(struct box *box)
{
	panel_close(box->page);
	box->page = NULL;
}
