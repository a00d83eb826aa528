/* What is no reading: commands, work on feeds, time, intents, the scrub. */
#include "gateway/edge/keeper_parts.h"

#include <inttypes.h>

#define INTENTS_PER_TICK 8
#define TICK_TOLD_MS 60000

static enum err_code event_once(struct keeper *keeper,
				const struct event *event, struct err *err)
{
	struct batch *batch;
	enum err_code code;

	answers_reset(keeper->answers);
	code = batch_begin(keeper->config.ledger, &batch, err);
	if (code != ERR_OK)
		return code;
	code = engine_step(keeper->config.engine, batch, event, keeper->answers,
			   err);
	if (code != ERR_OK || !engine_wrote(keeper->config.engine)) {
		keeper_drop(keeper, batch);
		return code;
	}
	return keeper_finish(keeper, batch, err);
}

static enum err_code set_aside(struct keeper *keeper, uint64_t number,
			       struct err *err)
{
	struct clock_reading now = clock_now(keeper->config.clock);
	struct batch *batch;
	enum err_code code;

	log_event(keeper->config.log, LEVEL_ERROR, "reading_failed",
		  "parked reading %" PRIu64 " could not be booked: %s", number,
		  err->text);
	answers_reset(keeper->answers);
	code = batch_begin(keeper->config.ledger, &batch, err);
	if (code != ERR_OK)
		return code;
	batch_time(batch, now.moment, now.is_trusted);
	code = engine_set_aside(keeper->config.engine, batch, number, err);
	if (code != ERR_OK) {
		keeper_drop(keeper, batch);
		return code;
	}
	return keeper_finish(keeper, batch, err);
}

/* A parked reading that cannot be booked is no fault of the event that tried
 * it again. Of a command that fails nothing is in its reply. */
static enum err_code event_run(struct keeper *keeper, const struct event *event,
			       struct err *err)
{
	struct json_out *reply =
		event->kind == EVENT_COMMAND ? event->body.command.reply : NULL;
	struct json_mark before = {0};
	uint64_t last = 0;

	if (reply != NULL)
		before = out_mark(reply);
	for (;;) {
		enum err_code code = event_once(keeper, event, err);
		uint64_t number = engine_failed_on(keeper->config.engine);

		if (code != ERR_OK && reply != NULL)
			out_rollback(reply, before);
		if (code == ERR_OK || keeper_is_of_store(code) || number == 0 ||
		    number == last)
			return code;
		last = number;
		code = set_aside(keeper, number, err);
		if (code != ERR_OK)
			return code;
	}
}

void keeper_request_take(struct keeper *keeper)
{
	struct clock_reading now = clock_now(keeper->config.clock);
	struct keeper_request *request;
	struct event event = {.kind = EVENT_COMMAND,
			      .at = now.moment,
			      .clock_trusted = now.is_trusted};
	struct err err;

	if (!queue_pop(keeper->request_queue, &request))
		return;
	event.body.command = request->command;
	request->code = event_run(keeper, &event, &err);
	if (request->code == ERR_CORRUPT || request->code == ERR_IO)
		keeper_fail(keeper, &err);
	else if (request->code != ERR_OK)
		log_event(keeper->config.log, LEVEL_ERROR, "command_failed",
			  "%s", err.text);
	request->done(request);
}

/* What it committed is in the store; the end of the journal is read there. */
static enum err_code whole_run(struct keeper *keeper, struct keeper_job *job,
			       struct err *err)
{
	struct journal_head head;
	struct view *view;
	enum err_code code = job->run(job->context, NULL, err);

	if (keeper->config.desk != NULL)
		feed_desk_abandon(keeper->config.desk);
	if (code != ERR_OK)
		return code;
	code = view_begin(ledger_env(keeper->config.ledger), &view, err);
	if (code != ERR_OK)
		return code;
	code = ledger_head(view, &head, err);
	view_end(view);
	if (code == ERR_OK)
		keeper_publish(keeper, head.pos,
			       clock_now(keeper->config.clock).moment);
	return code;
}

static enum err_code job_run(struct keeper *keeper, struct keeper_job *job,
			     struct err *err)
{
	struct clock_reading now = clock_now(keeper->config.clock);
	struct batch *batch;
	enum err_code code = batch_begin(keeper->config.ledger, &batch, err);

	if (code != ERR_OK)
		return code;
	batch_time(batch, now.moment, now.is_trusted);
	answers_reset(keeper->answers);
	code = job->run(job->context, batch, err);
	if (code != ERR_OK) {
		keeper_drop(keeper, batch);
		return code;
	}
	return keeper_finish(keeper, batch, err);
}

void keeper_job_take(struct keeper *keeper)
{
	struct keeper_job *job;
	struct err err;
	enum err_code code;

	if (!queue_pop(keeper->job_queue, &job))
		return;
	/* What a feed adds waits until there is room: peers keep it. */
	if (keeper->state.is_full)
		code = err_set(&err, ERR_FULL, "the store has no room");
	else if (job->is_whole)
		code = whole_run(keeper, job, &err);
	else
		code = job_run(keeper, job, &err);
	if (code == ERR_CORRUPT || code == ERR_IO)
		keeper_fail(keeper, &err);
	else if (code == ERR_FULL && !keeper->state.is_full)
		keeper_full(keeper, true);
	else if (code != ERR_OK && code != ERR_FULL)
		log_event(keeper->config.log, LEVEL_ERROR, "feed_work_failed",
			  "%s", err.text);
	job->done(job->context, code);
}

/* What nobody reads is read again, a little each second. Damage stops nothing
 * by itself: whoever needs the row is told, and so are the people. */
static void scrub_take(struct keeper *keeper)
{
	struct err err;
	enum err_code code;

	if (keeper->state.is_full || ring_waiting(keeper->config.ring) > 0)
		return;
	code = keeper_scrub_step(&keeper->scrub, keeper->config.ledger,
				 clock_monotonic_ms(keeper->config.clock),
				 &err);
	if (code == ERR_OK)
		return;
	if (code == ERR_CORRUPT) {
		(void)pthread_mutex_lock(&keeper->mutex);
		keeper->state.is_damaged = true;
		(void)pthread_mutex_unlock(&keeper->mutex);
	}
	log_event(keeper->config.log, LEVEL_ERROR, "scrub_failed", "%s",
		  err.text);
}

/* What HQ asks for, one to a commit. An intent that fails is answered so the
 * next time; it is the store's failures that end the daemon. */
static enum err_code intents_take(struct keeper *keeper, struct event event,
				  struct err *err)
{
	enum err_code code = ERR_OK;

	event.kind = EVENT_INTENT;
	for (int i = 0; i < INTENTS_PER_TICK && code == ERR_OK; i++) {
		if (!atomic_load(&keeper->may_act))
			return ERR_OK;
		code = event_run(keeper, &event, err);
		if (code == ERR_OK && !engine_wrote(keeper->config.engine))
			return ERR_OK;
	}
	if (code == ERR_OK || keeper_is_of_store(code))
		return code;
	log_event(keeper->config.log, LEVEL_ERROR, "intent_failed", "%s",
		  err->text);
	return ERR_OK;
}

/* A mistake of ours, or a row that nobody foresaw: what else the box does goes
 * on. Said once in a while, for it may come again each second. */
static void tick_failed(struct keeper *keeper, int64_t now_ms,
			const struct err *err)
{
	if (now_ms < keeper->told_at)
		return;
	keeper->told_at = now_ms + TICK_TOLD_MS;
	log_event(keeper->config.log, LEVEL_ERROR, "tick_failed", "%s",
		  err->text);
}

void keeper_tick_take(struct keeper *keeper)
{
	int64_t now_ms = clock_monotonic_ms(keeper->config.clock);
	struct clock_reading now = clock_now(keeper->config.clock);
	struct event event = {.kind = EVENT_TICK,
			      .at = now.moment,
			      .clock_trusted = now.is_trusted,
			      .uptime_ms = clock_boot_ms(keeper->config.clock)};
	struct err err;
	enum err_code code;

	if (now_ms < keeper->tick_at || keeper->state.is_full)
		return;
	keeper->tick_at = now_ms + KEEPER_TICK_MS;
	code = event_run(keeper, &event, &err);
	if (code == ERR_OK)
		code = intents_take(keeper, event, &err);
	if (code == ERR_FULL)
		keeper_full(keeper, true);
	else if (keeper_is_of_store(code))
		keeper_fail(keeper, &err);
	else if (code != ERR_OK)
		tick_failed(keeper, now_ms, &err);
	else
		scrub_take(keeper);
}
