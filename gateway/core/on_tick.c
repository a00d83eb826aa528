/*
 * Time has passed: sessions that were left lying end, silent devices raise an
 * alert, old observations go, transfers become late (on_transfers.c), checks
 * are asked for (on_check.c). Bounded work a tick; the rest is the next one's.
 */
#include "gateway/core/check.h"
#include "gateway/core/hq_parents.h"
#include "gateway/core/retry.h"
#include "store/feed.h"
#include "store/observation.h"
#include "store/session.h"

#define ENDED_MAX 16
#define TRIM_MOST 1000
#define TRIM_EVERY_MS (10 * 60 * 1000)
#define PARENTS_EVERY_MS 5000

struct ticking {
	struct engine *engine;
	struct act act;
	struct moment now;
	struct answers *answers;
	struct device_no ended[ENDED_MAX];
	size_t ended_count;
};

/* ---- sessions ---- */

static enum err_code session_look(void *context, struct device_no device,
				  const struct session *session,
				  struct err *err)
{
	struct ticking *ticking = context;
	int64_t timeout = ticking->engine->plan.session_timeout_ms;

	(void)err;
	if (ticking->now.ms - session->last.ms <= timeout)
		return ERR_OK;
	if (ticking->ended_count == ENDED_MAX)
		return ERR_STOPPED;
	ticking->ended[ticking->ended_count++] = device;
	return ERR_OK;
}

static void session_say(struct ticking *ticking, struct span device)
{
	char text_en[200];
	char text_zh[200];
	struct span none = {"", 0};
	struct said said = {.device = device,
			    .result = RESULT_BOOKED,
			    .is_session = true,
			    .next = SPAN_LITERAL("operation")};

	word_text(WORD_SESSION_TIMED_OUT, none, false, text_en,
		  sizeof(text_en));
	word_text(WORD_SESSION_TIMED_OUT, none, true, text_zh, sizeof(text_zh));
	said.text_en = span_of(text_en);
	said.text_zh = span_of(text_zh);
	answers_add(ticking->answers, &said);
}

/* Walked by name, since a number does not tell it: time-outs are rare. */
static enum err_code ended_say(void *context, struct span key, struct pos pos,
			       const struct entry *entry, struct err *err)
{
	struct ticking *ticking = context;
	struct device device;
	struct device_no number;
	enum err_code code = device_get(batch_view(ticking->act.batch), key,
					&device, &number, err);

	(void)pos;
	(void)entry;
	for (size_t i = 0; code == ERR_OK && i < ticking->ended_count; i++)
		if (ticking->ended[i].value == number.value)
			session_say(ticking, key);
	return code;
}

static enum err_code sessions_end(struct ticking *ticking, struct err *err)
{
	struct batch *batch = ticking->act.batch;
	struct span all = {"", 0};
	enum err_code code;

	code = session_walk(batch_view(batch), session_look, ticking, err);
	if (code != ERR_OK && code != ERR_STOPPED)
		return code;
	if (ticking->ended_count == 0)
		return ERR_OK;
	ticking->engine->step_wrote = true;
	for (size_t i = 0; i < ticking->ended_count; i++) {
		code = session_end(batch_txn(batch), ticking->ended[i], err);
		if (code != ERR_OK)
			return code;
	}
	return record_walk(batch_view(batch), TABLE_DEVICE, all, ended_say,
			   ticking, err);
}

/* ---- silent devices ---- */

static bool is_silent(const struct ticking *ticking,
		      const struct device *device, struct device_no number)
{
	struct moment since = ticking->engine->started;

	if (device->interval_s == 0 || device->is_revoked)
		return false;
	if (number.value < ENGINE_DEVICES_MAX &&
	    ticking->engine->heard[number.value].ms > since.ms)
		since = ticking->engine->heard[number.value];
	return ticking->now.ms - since.ms > (int64_t)device->interval_s * 1000;
}

static enum err_code silence_look(void *context, struct span key,
				  struct pos pos, const struct entry *entry,
				  struct err *err)
{
	struct ticking *ticking = context;
	struct batch *batch = ticking->act.batch;
	struct pos before = batch_next(batch);
	struct device device;
	struct device_no number;
	struct alarm alarm = {"silent_device", SEVERITY_WARNING, key, 0};
	enum err_code code;

	(void)pos;
	if (entry->body.device.interval_s == 0)
		return ERR_OK;
	code = device_get(batch_view(batch), key, &device, &number, err);
	if (code != ERR_OK)
		return code;
	alarm.value = device.interval_s;
	code = act_alert(&ticking->act, &alarm,
			 !is_silent(ticking, &device, number), err);
	if (batch_next(batch).value != before.value)
		ticking->engine->step_wrote = true;
	return code;
}

/* ---- observations ---- */

static enum err_code observations_trim(struct ticking *ticking, struct err *err)
{
	struct engine *engine = ticking->engine;
	struct moment before = {ticking->now.ms -
				engine->plan.observation_keep_ms};
	uint32_t removed;
	enum err_code code;

	if (ticking->now.ms - engine->trimmed.ms < TRIM_EVERY_MS ||
	    before.ms < 0)
		return ERR_OK;
	code = observation_trim(batch_txn(ticking->act.batch), before,
				TRIM_MOST, &removed, err);
	if (code != ERR_OK)
		return code;
	if (removed > 0)
		engine->step_wrote = true;
	if (removed < TRIM_MOST)
		engine->trimmed = ticking->now;
	return ERR_OK;
}

/* ---- what came before the word that explains it ---- */

/* Other sites' feeds grow without the engine: a pallet that waits for its
 * packing list is tried when there is more in the table of transfers, and a
 * code that nobody knew when HQ has said more of its master data. */
static enum err_code parked_retry(struct ticking *ticking, struct err *err)
{
	struct engine *engine = ticking->engine;
	const struct view *view = batch_view(ticking->act.batch);
	struct parked_totals parked;
	struct pos master = {0};
	uint32_t booked;
	uint64_t rows;
	enum err_code code = view_count(view, TABLE_TRANSFER, &rows, err);

	if (code == ERR_OK)
		code = feed_newest(view, SITE_MASTER, &master, err);
	if (code != ERR_OK || (rows == engine->transfer_rows &&
			       master.value == engine->master_tried.value))
		return code;
	code = parked_totals(view, &parked, err);
	if (code == ERR_OK && parked.count > 0)
		code = retry_known(engine, ticking->act.batch, &booked, err);
	if (code != ERR_OK)
		return code;
	engine->transfer_rows = rows;
	engine->master_tried = master;
	if (parked.count > 0)
		engine->step_wrote = true;
	return ERR_OK;
}

/* ---- boxes that were replaced ---- */

static enum err_code parents_end(struct ticking *ticking, struct err *err)
{
	struct engine *engine = ticking->engine;
	int64_t since = ticking->now.ms - engine->parents_looked.ms;
	uint32_t count = 0;
	enum err_code code;

	if (engine->plan.hq == NULL || (since >= 0 && since < PARENTS_EVERY_MS))
		return ERR_OK;
	engine->parents_looked = ticking->now;
	code = hq_parents_end(engine->plan.hq, ticking->act.batch, &count, err);
	if (count > 0)
		engine->step_wrote = true;
	/* HQ that was set back says nothing before the root has spoken; a site
	 * that only has the role founded nothing. */
	return code == ERR_AGAIN || code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code on_tick(struct engine *engine, struct batch *batch,
		      const struct event *event, struct answers *answers,
		      struct err *err)
{
	struct ticking ticking = {
		.engine = engine,
		.act = {.plan = &engine->plan,
			.counters = &engine->counters,
			.batch = batch,
			.actor = actor_rule("tick")},
		.now = event->at,
		.answers = answers,
	};
	struct span all = {"", 0};
	enum err_code code;

	engine->step_wrote = false;
	if (engine->started.ms == 0)
		engine->started = event->at;
	code = sessions_end(&ticking, err);
	if (code == ERR_OK)
		code = record_walk(batch_view(batch), TABLE_DEVICE, all,
				   silence_look, &ticking, err);
	if (code == ERR_OK)
		code = observations_trim(&ticking, err);
	if (code == ERR_OK)
		code = parked_retry(&ticking, err);
	if (code == ERR_OK)
		code = on_transfers(engine, &ticking.act, err);
	if (code == ERR_OK)
		code = on_checks(engine, &ticking.act, event->uptime_ms, err);
	if (code == ERR_OK)
		code = parents_end(&ticking, err);
	return code;
}
