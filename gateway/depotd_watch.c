#include "gateway/depotd_watch.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/depotd_broker.h"
#include "gateway/depotd_control.h"
#include "gateway/depotd_join.h"
#include "gateway/depotd_link.h"
#include "gateway/depotd_page.h"
#include "gateway/depotd_reach.h"
#include "gateway/depotd_vitals.h"
#include "gateway/edge/auditor.h"
#include "gateway/edge/notify.h"

enum err_code start_watch(struct box *box, struct err *err)
{
	enum err_code code = start_figures(box, err);

	if (code == ERR_OK)
		code = start_reach(box, err);
	if (code == ERR_OK)
		code = start_control(box, err);
	return code == ERR_OK ? start_links(box, err) : code;
}

void stop_watch(struct box *box)
{
	stop_page(box);
	stop_links(box);
	stop_control(box);
}

void end_watch(struct box *box)
{
	end_page(box);
	end_control(box);
	end_reach(box);
	end_figures(box);
}

void box_broker_changed(struct box *box)
{
	broker_accounts_changed(box);
}

/* Who reads the status over the broker need not be told that it is away. */
static void facts_publish(struct box *box)
{
	const char *codes[BOX_HEALTH_MAX];
	struct publisher_facts facts = {.health = codes,
					.reach = *box_reach(box)};

	for (size_t i = 0; i < box->health_count; i++)
		if (strcmp(box->health[i], "broker_down") != 0)
			codes[facts.health_count++] = box->health[i];
	facts.has_autonomy = figures_autonomy(box, &facts.autonomy_hours);
	publisher_facts(box->publisher, &facts);
}

void box_watch(struct box *box, const struct keeper_state *state)
{
	char line[160];

	auditor_beat(box->auditor, clock_monotonic_ms(&box->clock),
		     ring_fill(box->ring) == 0);
	box_reach_beat(box, clock_monotonic_ms(&box->clock));
	box_figures(box, state);
	broker_look(box, state->head);
	facts_publish(box);
	box_page_beat(box);
	box_join_beat(box);
	(void)text_format(
		line, sizeof(line),
		"%s; %" PRIu64 " readings, journal at %" PRIu32 ".%" PRIu64,
		mqtt_state(box->mqtt) == MQTT_UP ? "connected" : "no broker",
		state->counters.readings, pos_epoch(state->head),
		pos_number(state->head));
	notify_status(line);
}
