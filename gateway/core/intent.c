#include "gateway/core/intent.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/core/asking.h"
#include "gateway/core/command_hq_run.h"
#include "gateway/core/hq_verb.h"
#include "store/feed.h"
#include "store/fold.h"
#include "store/regain.h"
#include "store/roster.h"
#include "store/site.h"

/* More than one sentence fits into; the rest of a reply is not kept. */
#define REPLY_SIZE 4096

/* ---- which one is next ---- */

struct waiting {
	const struct view *view;
	uint32_t site;
	bool is_held; /* without a trusted clock: those that were received are
		       * looked at and left */
	struct moment heard; /* HQ's last word was said then */
	struct moment now;   /* 0: not to be trusted */
	bool is_found;
	struct intent intent;
	enum intent_state answered; /* 0: not yet */
};

static bool has_run_out(const struct waiting *waiting,
			const struct intent *intent)
{
	int64_t expires = intent->expires_ms > INT64_MAX
				  ? INT64_MAX
				  : (int64_t)intent->expires_ms;

	return expires != 0 &&
	       (waiting->now.ms > expires || waiting->heard.ms > expires);
}

/* Nobody knows whether it has run out. */
static bool is_undecided(const struct waiting *waiting,
			 const struct intent *intent)
{
	return intent->expires_ms != 0 && waiting->now.ms == 0 &&
	       !has_run_out(waiting, intent);
}

/* What an earlier life of this site said counts, too: it is in its feed. */
static enum err_code answer_find(const struct waiting *waiting, struct span id,
				 enum intent_state *ret_state, struct err *err)
{
	struct intent_result own = {.state = 0};
	struct intent_result sealed = {.state = 0};
	struct intent intent;
	enum err_code code = intent_answer(waiting->view, id, &own, err);

	if (code == ERR_OK || code == ERR_NOT_FOUND)
		code = roster_intent(waiting->view, id, &intent, &sealed, err);
	if (code == ERR_OK)
		*ret_state =
			sealed.state > own.state ? sealed.state : own.state;
	return code;
}

static enum err_code intent_look(void *context, struct pos pos,
				 const struct entry *entry, struct err *err)
{
	const struct intent *intent = &entry->body.intent;
	struct waiting *waiting = context;
	enum intent_state state;
	enum err_code code;

	(void)pos;
	if (intent->target != waiting->site)
		return ERR_OK;
	code = answer_find(waiting, ref_span(&intent->id), &state, err);
	if (code != ERR_OK || state > INTENT_RECEIVED)
		return code;
	waiting->is_held |= is_undecided(waiting, intent);
	if (state == INTENT_RECEIVED && is_undecided(waiting, intent))
		return ERR_OK;
	waiting->intent = *intent;
	waiting->answered = state;
	waiting->is_found = true;
	return ERR_STOPPED;
}

/* When HQ's last word here was said, by a clock that HQ trusted. */
static enum err_code heard_find(const struct view *view, struct pos control,
				struct moment *ret_heard, struct err *err)
{
	struct feed_id id = {SITE_CONTROL, pos_epoch(control), 0};
	struct feed_record feed;
	enum err_code code = feed_get(view, id, &feed, err);

	if (code == ERR_OK && (feed.clock_flags & DELTA_CLOCK_TRUSTED) != 0)
		*ret_heard = stamp_moment(feed.stamp);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* ---- answering ---- */

struct answering {
	struct engine *engine;
	struct act act;
	const struct intent *intent;
};

/* Both languages in one text if they fit: HQ's people read either. */
static enum err_code answer_post(struct answering *answering,
				 enum intent_state state, const char *en,
				 const char *zh, struct err *err)
{
	char both[2 * REFUSAL_TEXT_SIZE];
	struct entry entry;
	struct intent_result *result = &entry.body.intent_result;

	act_entry(&answering->act, &entry, ENTRY_INTENT_RESULT);
	result->id = answering->intent->id;
	result->state = state;
	if (!text_format(both, sizeof(both), "%s / %s", en, zh) ||
	    !intent_text_set(&result->text, span_of(both))) {
		text_print(span_of(en), both, INTENT_TEXT_SIZE_MAX + 1);
		if (!intent_text_set(&result->text, span_of(both)))
			result->text.size = 0;
	}
	answering->engine->step_wrote = true;
	return act_post(&answering->act, &entry, NULL, err);
}

static void sentence(const char *text, struct span detail, char *buffer)
{
	struct refusal says = {"", text, text};

	refusal_text(&says, false, detail, buffer, REFUSAL_TEXT_SIZE);
}

static enum err_code refuse(struct answering *answering, const char *en,
			    const char *zh, struct span detail, struct err *err)
{
	char text_en[REFUSAL_TEXT_SIZE];
	char text_zh[REFUSAL_TEXT_SIZE];

	sentence(en, detail, text_en);
	sentence(zh, detail, text_zh);
	return answer_post(answering, INTENT_REFUSED, text_en, text_zh, err);
}

/* What the command's reply says: its refusal's sentences, or the thing that it
 * made. The engine's parser is free again. */
static enum err_code reply_answer(struct answering *answering,
				  const struct intent_verb *verb,
				  struct span reply, struct err *err)
{
	struct json *json = &answering->engine->json;
	const struct json_value *refused;
	struct span en = {"", 0};
	struct span zh = {"", 0};
	char text_en[REFUSAL_TEXT_SIZE];
	char text_zh[REFUSAL_TEXT_SIZE];
	struct fault fault;

	if (json_parse(json, reply, &fault) != ERR_OK)
		return answer_post(answering, INTENT_DONE, "done", "已完成",
				   err);
	refused = json_member(json_root(json), "error");
	if (refused == NULL) {
		if (json_text(json_root(json), verb->member, &en, &fault) !=
		    ERR_OK)
			en = SPAN_LITERAL("");
		sentence(verb->done_en, en, text_en);
		sentence(verb->done_zh, en, text_zh);
		return answer_post(answering, INTENT_DONE, text_en, text_zh,
				   err);
	}
	if (json_text(refused, "text_en", &en, &fault) != ERR_OK ||
	    json_text(refused, "text_zh", &zh, &fault) != ERR_OK)
		en = zh = SPAN_LITERAL("refused");
	text_print(en, text_en, sizeof(text_en));
	text_print(zh, text_zh, sizeof(text_zh));
	return answer_post(answering, INTENT_REFUSED, text_en, text_zh, err);
}

static enum err_code verb_run(struct answering *answering,
			      const struct intent_verb *verb, struct err *err)
{
	struct engine *engine = answering->engine;
	UNINITIALIZED char reply[REPLY_SIZE];
	struct json_out out;
	struct command command = {
		.account = answering->act.actor.name,
		.name = span_of(verb->name),
		.arguments =
			intent_arguments_span(&answering->intent->arguments),
		.reply = &out,
	};
	enum err_code code;

	out_init(&out, reply, sizeof(reply));
	code = command_run_for_hq(engine, &answering->act, &command, err);
	return code == ERR_OK ? reply_answer(answering, verb,
					     out_ok(&out) ? out_span(&out)
							  : SPAN_LITERAL("{}"),
					     err)
			      : code;
}

/* It was tried, and neither the store nor the command had an answer. */
static bool was_tried(struct engine *engine, const struct intent *intent)
{
	bool was = span_equal(ref_span(&engine->intent_tried),
			      ref_span(&intent->id));

	engine->intent_tried = intent->id;
	return was;
}

static enum err_code carry_out(struct answering *answering, struct err *err)
{
	const struct intent *intent = answering->intent;
	struct engine *engine = answering->engine;
	const struct intent_verb *verb =
		intent_verb_find(reason_span(&intent->verb));
	enum err_code code;

	if (verb == NULL)
		return refuse(answering, "this depot cannot be asked for %s",
			      "本机不接受请求 %s", reason_span(&intent->verb),
			      err);
	if (was_tried(engine, intent))
		return refuse(answering, "%s failed", "%s 失败",
			      reason_span(&intent->verb), err);
	code = verb_run(answering, verb, err);
	if (code == ERR_OK || code == ERR_FULL)
		engine->intent_tried.size = 0;
	return code;
}

static enum err_code take(struct engine *engine, struct batch *batch,
			  const struct waiting *waiting, struct err *err)
{
	struct answering answering = {
		.engine = engine,
		.act = {.plan = &engine->plan,
			.counters = &engine->counters,
			.batch = batch,
			.actor = actor_rule(REGAIN_HQ)},
		.intent = &waiting->intent,
	};

	if (has_run_out(waiting, &waiting->intent))
		return answer_post(&answering, INTENT_EXPIRED,
				   "it had run out when it came to be done",
				   "执行时已过期", err);
	if (is_undecided(waiting, &waiting->intent))
		return answer_post(&answering, INTENT_RECEIVED,
				   "waits for a clock that can be trusted",
				   "等待可信的时钟", err);
	return carry_out(&answering, err);
}

enum err_code intent_step(struct engine *engine, struct batch *batch,
			  struct err *err)
{
	const struct view *view = batch_view(batch);
	struct waiting waiting = {.view = view};
	struct pos control;
	enum err_code code = site_number_get(view, &waiting.site, err);

	engine->step_wrote = false;
	if (code == ERR_OK && waiting.site != 0)
		code = feed_newest(view, SITE_CONTROL, &control, err);
	if (code != ERR_OK || waiting.site == 0 ||
	    control.value == engine->intents_seen.value)
		return code;
	if (batch_clock_trusted(batch))
		waiting.now = batch_now(batch);
	code = heard_find(view, control, &waiting.heard, err);
	if (code == ERR_OK)
		code = roster_walk(view, ENTRY_INTENT, intent_look, &waiting,
				   err);
	if (code != ERR_OK && code != ERR_STOPPED)
		return code;
	if (waiting.is_found)
		return take(engine, batch, &waiting, err);
	if (!waiting.is_held)
		engine->intents_seen = control;
	return ERR_OK;
}
