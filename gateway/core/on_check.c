/*
 * Time has passed: checks that are due are asked for, and those that nobody
 * did in time are told. Bounded work a tick; the rest is the next one's.
 *
 * While the clock cannot be trusted nobody knows what time it is, but a freezer
 * still warms up: every check is asked for once when the box starts, and then
 * by the time that has passed since. Such a task says so.
 */
#include "gateway/core/check.h"

#include "rules/check/schedule.h"

#define DOINGS_MAX 8
#define MINUTE_MS INT64_C(60000)

/* What a tick found to do about one check; the table that says so is being
 * walked, and must not change under the walk. */
struct doing {
	struct check check;
	struct task task;    /* to open, if it has a kind */
	struct moment since; /* overdue since; 0: not known */
	bool is_alert;       /* to open or close the alert */
	bool is_closed;
};

struct checking {
	struct engine *engine;
	struct act *act;
	const struct view *view;
	struct moment now;
	bool is_trusted;
	int64_t uptime_ms;
	struct doing doings[DOINGS_MAX];
	size_t count;
};

/* What this run remembers of a check. NULL: there are too many. */
static struct check_watch *watch_of(struct checking *checking,
				    const struct name *id)
{
	struct engine *engine = checking->engine;

	for (size_t i = 0; i < engine->watch_count; i++)
		if (span_equal(name_span(&engine->watches[i].check),
			       name_span(id)))
			return &engine->watches[i];
	if (engine->watch_count == ENGINE_CHECKS_MAX)
		return NULL;
	engine->watches[engine->watch_count] =
		(struct check_watch){.check = *id};
	return &engine->watches[engine->watch_count++];
}

/* ---- due ---- */

/* Due times after what is settled. While nobody knows since when, none is
 * missed: it counts from when the clock could be trusted in this run. */
static bool is_due(struct checking *checking, const struct schedule *schedule,
		   struct moment settled, struct task *task)
{
	struct schedule_passed passed;

	if (settled.ms == 0 || settled.ms - checking->now.ms > CHECK_AHEAD_MS)
		settled = checking->engine->trusted_since;
	passed = schedule_passed(schedule, checking->act->plan->zone, settled,
				 checking->now);
	if (passed.count == 0)
		return false;
	task->due_ms = (uint64_t)passed.last.ms;
	task->missed = passed.count - 1;
	return true;
}

static bool is_due_by_uptime(const struct checking *checking,
			     const struct schedule *schedule,
			     struct check_watch *watch, struct task *task)
{
	if (watch == NULL ||
	    (watch->was_asked && checking->uptime_ms - watch->asked_ms <
					 schedule_period_ms(schedule)))
		return false;
	task->is_by_uptime = true;
	return true;
}

static bool wants_task(struct checking *checking, const struct check *check,
		       const struct check_state *state, struct task *task)
{
	struct schedule schedule;

	if (check->is_retired || state->task.size > 0 ||
	    !schedule_of(check, &schedule))
		return false;
	if (checking->is_trusted)
		return is_due(checking, &schedule, state->settled, task);
	return is_due_by_uptime(checking, &schedule,
				watch_of(checking, &check->id), task);
}

/* ---- overdue ---- */

/* By the clock where both ends are known, else by how long this run has seen
 * the task lie. */
static bool is_late(struct checking *checking, const struct check *check,
		    const struct task *task, struct moment *ret_since)
{
	int64_t grace_ms = (int64_t)check->grace_min * MINUTE_MS;
	struct check_watch *watch;

	ret_since->ms = task->is_by_uptime || task->due_ms > MOMENT_MS_MAX
				? 0
				: (int64_t)task->due_ms;
	if (checking->is_trusted && ret_since->ms != 0)
		return checking->now.ms - ret_since->ms > grace_ms;
	watch = watch_of(checking, &check->id);
	if (watch == NULL)
		return false;
	if (!span_equal(name_span(&watch->task), name_span(&task->id))) {
		watch->task = task->id;
		watch->seen_ms = checking->uptime_ms;
	}
	return checking->uptime_ms - watch->seen_ms > grace_ms;
}

static enum err_code alert_look(struct checking *checking,
				const struct check *check,
				const struct check_state *state,
				struct doing *doing, struct err *err)
{
	char id[sizeof(CHECK_OVERDUE) + 1 + NAME_SIZE_MAX];
	bool is_wanted = false;
	struct alert alert;
	struct task task;
	enum err_code code;

	if (state->task.size > 0 && !check->is_retired) {
		code = task_get(checking->view, name_span(&state->task), &task,
				err);
		if (code != ERR_OK)
			return code;
		is_wanted = is_late(checking, check, &task, &doing->since);
	}
	(void)text_format(id, sizeof(id), CHECK_OVERDUE "-%.*s",
			  (int)check->id.size, check->id.data);
	code = alert_get(checking->view, span_of(id), &alert, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	doing->is_alert = is_wanted == (code == ERR_NOT_FOUND);
	doing->is_closed = !is_wanted;
	return ERR_OK;
}

/* ---- one tick ---- */

static enum err_code check_look(void *context, struct pos pos,
				const struct check *check, struct err *err)
{
	struct checking *checking = context;
	struct doing *doing = &checking->doings[checking->count];
	struct check_state state;
	enum err_code code;

	(void)pos;
	if (checking->count == DOINGS_MAX)
		return ERR_STOPPED;
	code = check_state(checking->view, name_span(&check->id), &state, err);
	if (code != ERR_OK)
		return code;
	*doing = (struct doing){.check = *check};
	code = alert_look(checking, check, &state, doing, err);
	if (code != ERR_OK)
		return code;
	if (wants_task(checking, check, &state, &doing->task))
		doing->task.kind = TASK_CHECK;
	checking->count += doing->is_alert || doing->task.kind != 0;
	return ERR_OK;
}

static enum err_code alert_do(struct checking *checking,
			      const struct doing *doing, struct err *err)
{
	struct alarm alarm = {CHECK_OVERDUE, SEVERITY_WARNING,
			      name_span(&doing->check.id),
			      doing->check.grace_min};
	struct act act = *checking->act;

	/* Since when it is due, not since when that was noticed. */
	if (!doing->is_closed && doing->since.ms != 0) {
		act.effective = doing->since;
		act.is_effective_trusted = true;
	}
	return act_alert(&act, &alarm, doing->is_closed, err);
}

static enum err_code task_do(struct checking *checking, struct doing *doing,
			     struct err *err)
{
	struct check_watch *watch = watch_of(checking, &doing->check.id);
	bool fits = reason_set(&doing->task.reason,
			       doing->task.is_by_uptime
				       ? SPAN_LITERAL("check_by_uptime")
				       : SPAN_LITERAL("check_due"));
	enum err_code code;

	ASSERT(fits);
	code = check_task_open(checking->act, &doing->check, &doing->task, err);
	if (code == ERR_OK && watch != NULL)
		*watch = (struct check_watch){.check = doing->check.id,
					      .task = doing->task.id,
					      .seen_ms = checking->uptime_ms,
					      .asked_ms = checking->uptime_ms,
					      .was_asked = true};
	return code;
}

enum err_code on_checks(struct engine *engine, struct act *act,
			int64_t uptime_ms, struct err *err)
{
	struct checking checking = {
		.engine = engine,
		.act = act,
		.view = batch_view(act->batch),
		.now = batch_now(act->batch),
		.is_trusted = batch_clock_trusted(act->batch),
		.uptime_ms = uptime_ms,
	};
	struct span all = {"", 0};
	enum err_code code;

	/* A clock that goes back was wrong before. */
	if (checking.is_trusted && (engine->trusted_since.ms == 0 ||
				    engine->trusted_since.ms > checking.now.ms))
		engine->trusted_since = checking.now;
	code = check_walk(checking.view, all, false, check_look, &checking,
			  err);
	if (code == ERR_STOPPED)
		code = ERR_OK;
	for (size_t i = 0; i < checking.count && code == ERR_OK; i++) {
		struct doing *doing = &checking.doings[i];

		if (doing->is_alert)
			code = alert_do(&checking, doing, err);
		if (code == ERR_OK && doing->task.kind != 0)
			code = task_do(&checking, doing, err);
		engine->step_wrote = true;
	}
	return code;
}
