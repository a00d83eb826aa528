/*
 * What the house says of itself: alert.raise, alert.clear and status.note,
 * which no account can ask for. The loop sees what the engine cannot (the
 * broker, the clock, the ring), and an alert is an entry of the journal like
 * all others.
 *
 * Arguments: {"code", "severity", "subject"?, "value"?, "key"?, "since"?}. Both
 * are idle when the alert is so already. Of status.note: {"state", "version"}:
 * so HQ's box knows of each site what it is.
 */
#include "gateway/core/state.h"

#include "gateway/core/view.h"
#include "store/feed.h"
#include "store/site.h"

static enum err_code arguments_bad(const struct fault *fault, struct err *err)
{
	char text[FAULT_TEXT_SIZE];

	fault_text_en(fault, text, sizeof(text));
	return err_set(err, ERR_INVALID, "alert: %s", text);
}

static bool severity_read(struct span text, enum severity *ret_severity)
{
	for (int i = SEVERITY_INFO; i <= SEVERITY_CRITICAL; i++) {
		if (span_is(text, severity_name((enum severity)i))) {
			*ret_severity = (enum severity)i;
			return true;
		}
	}
	return false;
}

/* One in work. */
struct saying {
	struct alarm alarm;
	struct span key;
	struct moment since; /* 0: now */
};

/* What it says of the thing. */
static enum err_code about_read(const struct json_value *root,
				struct saying *saying, struct fault *fault)
{
	struct alarm *alarm = &saying->alarm;
	struct json_range range = {0, INT64_MAX};
	struct json_range moments = {0, MOMENT_MS_MAX};
	enum err_code code = json_optional(
		json_text(root, "subject", &alarm->subject, fault));

	if (code == ERR_OK)
		code = json_optional(
			json_int(root, "value", range, &alarm->value, fault));
	if (code == ERR_OK)
		code = json_optional(
			json_text(root, "key", &saying->key, fault));
	if (code == ERR_OK)
		code = json_optional(json_int(root, "since", moments,
					      &saying->since.ms, fault));
	return code;
}

static enum err_code alarm_read(const struct json_value *root,
				struct saying *saying, struct err *err)
{
	struct alarm *alarm = &saying->alarm;
	struct fault fault = {.kind = FAULT_NONE};
	const struct alert_text *known;
	struct span code_text;
	struct span severity;
	enum err_code code = json_text(root, "code", &code_text, &fault);

	if (code == ERR_OK)
		code = json_text(root, "severity", &severity, &fault);
	if (code == ERR_OK)
		code = about_read(root, saying, &fault);
	if (code != ERR_OK)
		return arguments_bad(&fault, err);
	known = alert_text_find(code_text);
	if (known == NULL || !severity_read(severity, &alarm->severity))
		return err_set(err, ERR_INVALID,
			       "there is no alert %.*s of severity %.*s",
			       (int)code_text.size, code_text.data,
			       (int)severity.size, severity.data);
	alarm->code = known->code;
	return ERR_OK;
}

static enum err_code status_take(void *context, struct pos pos,
				 const struct entry *entry, struct err *err)
{
	struct site_status *status = context;

	(void)pos;
	(void)err;
	*status = entry->body.status;
	return ERR_OK;
}

/* What the site's own feed said last. */
static enum err_code status_last(const struct view *view,
				 struct site_status *status, struct err *err)
{
	uint32_t site;
	enum err_code code = site_number_get(view, &site, err);

	*status = (struct site_status){.backlog = 0};
	if (code != ERR_OK || site == 0)
		return code;
	return feed_latest_walk(view, site, ENTRY_STATUS, status_take, status,
				err);
}

/* Only news: a box that starts again has nothing to seal for it, and one whose
 * disk went back in time has longer to be told. */
static enum err_code status_note(struct engine *engine, struct act *act,
				 struct err *err)
{
	struct site_status last;
	const struct json_value *root = json_root(&engine->json);
	struct fault fault = {.kind = FAULT_NONE};
	struct entry entry;
	struct span state;
	struct span version;
	enum err_code code = json_text(root, "state", &state, &fault);

	if (code == ERR_OK)
		code = json_text(root, "version", &version, &fault);
	if (code != ERR_OK)
		return arguments_bad(&fault, err);
	code = status_last(batch_view(act->batch), &last, err);
	if (code != ERR_OK || (span_equal(reason_span(&last.state), state) &&
			       span_equal(reason_span(&last.version), version)))
		return code;
	act_entry(act, &entry, ENTRY_STATUS);
	if (!reason_set(&entry.body.status.state, state) ||
	    !reason_set(&entry.body.status.version, version))
		return err_set(err, ERR_INVALID, "a status is too long");
	return act_post(act, &entry, NULL, err);
}

static enum err_code alert_say(struct engine *engine, struct act *act,
			       bool is_clear, struct err *err)
{
	struct saying saying = {.alarm = {.subject = {"", 0}}};
	enum err_code code = alarm_read(json_root(&engine->json), &saying, err);

	if (code != ERR_OK)
		return code;
	if (saying.since.ms != 0) {
		act->effective = saying.since;
		act->is_effective_trusted = true;
	}
	return act_alert_keyed(act, &saying.alarm, saying.key, is_clear, err);
}

enum err_code rule_run(struct engine *engine, struct batch *batch,
		       const struct command *command, struct err *err)
{
	struct act act = {.plan = &engine->plan,
			  .counters = &engine->counters,
			  .batch = batch,
			  .actor = {.kind = ACTOR_RULE,
				    .name = command->account}};
	bool is_status = span_is(command->name, "status.note");
	bool is_clear = span_is(command->name, "alert.clear");
	struct pos before = batch_next(batch);
	struct fault fault;
	enum err_code code;

	engine->step_wrote = false;
	if (!is_status && !is_clear && !span_is(command->name, "alert.raise"))
		return err_set(err, ERR_INVALID, "no rule has a command %.*s",
			       (int)command->name.size, command->name.data);
	if (json_parse(&engine->json, command->arguments, &fault) != ERR_OK)
		return arguments_bad(&fault, err);
	code = is_status ? status_note(engine, &act, err)
			 : alert_say(engine, &act, is_clear, err);
	engine->step_wrote = batch_next(batch).value != before.value;
	return code;
}
