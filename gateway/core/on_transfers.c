/*
 * Transfers that were expected by a day that is over: an alert at both ends and
 * at HQ, which can write one off.
 */
#include "gateway/core/state.h"
#include "gateway/core/transfer.h"
#include "store/site.h"

struct watching {
	struct engine *engine;
	struct act *act;
	uint32_t site;
	uint32_t left;
	struct place_name ids[TRANSFERS_A_TICK]; /* of those to be told of */
	struct moment due[TRANSFERS_A_TICK];     /* 0: not late */
	uint32_t count;
};

/* The end of the day, here. */
static struct moment day_end(const struct engine *engine, uint32_t number)
{
	struct date date;

	if (number == 0 || !date_from_number(number, &date))
		return (struct moment){0};
	return zone_moment(engine->plan.zone, date_to_days(date) + 1, 0);
}

static bool is_ours(const struct watching *watching,
		    const struct transfer_record *record)
{
	struct transfer_id parts;

	return transfer_id_parse(place_name_span(&record->id), &parts) &&
	       (watching->engine->plan.hq != NULL ||
		watching->site == parts.from || watching->site == parts.to);
}

static bool is_late(const struct watching *watching,
		    const struct transfer_record *record, struct moment end)
{
	const struct batch *batch = watching->act->batch;

	return end.ms != 0 && !transfer_is_closed(&record->states) &&
	       (record->states.addressee != TRANSFER_RECEIVED ||
		record->states.is_reopened) &&
	       batch_now(batch).ms >= end.ms;
}

static enum err_code record_look(void *context,
				 const struct transfer_record *record,
				 struct err *err)
{
	struct watching *watching = context;
	struct moment end =
		day_end(watching->engine, record->sender.transfer.expected);

	(void)err;
	if (watching->left == 0)
		return ERR_STOPPED;
	watching->left--;
	watching->engine->transfer_after = record->id;
	if (!is_ours(watching, record))
		return ERR_OK;
	if (!is_late(watching, record, end))
		end.ms = 0;
	watching->ids[watching->count] = record->id;
	watching->due[watching->count++] = end;
	return ERR_OK;
}

static enum err_code tell(const struct watching *watching, uint32_t i,
			  struct err *err)
{
	struct act act = *watching->act;
	struct alarm alarm = {"transfer_late", SEVERITY_WARNING,
			      place_name_span(&watching->ids[i]), 0};

	act.effective = watching->due[i];
	act.is_effective_trusted = true;
	return act_alert(&act, &alarm, watching->due[i].ms == 0, err);
}

enum err_code on_transfers(struct engine *engine, struct act *act,
			   struct err *err)
{
	UNINITIALIZED struct watching watching;
	struct pos before = batch_next(act->batch);
	enum err_code code;

	/* Without a trusted clock nobody can tell. */
	if (!batch_clock_trusted(act->batch))
		return ERR_OK;
	watching.engine = engine;
	watching.act = act;
	watching.left = TRANSFERS_A_TICK;
	watching.count = 0;
	code = site_number_get(batch_view(act->batch), &watching.site, err);
	if (code != ERR_OK || watching.site == 0)
		return code;
	code = transfer_walk(batch_view(act->batch),
			     place_name_span(&engine->transfer_after),
			     record_look, &watching, err);
	if (code == ERR_OK)
		engine->transfer_after.size = 0; /* from the first again */
	else if (code == ERR_STOPPED)
		code = ERR_OK;
	for (uint32_t i = 0; i < watching.count && code == ERR_OK; i++)
		code = tell(&watching, i, err);
	if (batch_next(act->batch).value != before.value)
		engine->step_wrote = true;
	return code;
}
