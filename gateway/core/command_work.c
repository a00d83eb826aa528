/*
 * Commands for tasks and alerts: who took a task, what came of it; and that
 * somebody has seen an alert.
 */
#include "gateway/core/asking.h"

#include "gateway/core/rights.h"
#include "gateway/core/task.h"
#include "gateway/core/view.h"

static const struct refusal unknown_task = {
	"unknown_task", "there is no task %s", "没有任务 %s"};
static const struct refusal task_over = {"task_over",
					 "task %s is done or cancelled already",
					 "任务 %s 已完成或已取消"};
static const struct refusal task_claimed = {
	"task_claimed", "task %s has been claimed by somebody else",
	"任务 %s 已由他人领取"};
static const struct refusal task_is_check = {
	"task_is_check", "this is a site check: depot check do %s",
	"这是现场检查：请用 depot check do %s"};
static const struct refusal unknown_alert = {
	"unknown_alert", "there is no open alert %s", "没有未关闭的告警 %s"};

/* The thing that a command is about: @name, or else "id". */
static bool thing_read(struct asking *asking, const char *name, size_t max,
		       struct span *ret_text)
{
	if (json_member(asking->arguments, name) == NULL)
		name = "id";
	return asking_text(asking, name, max, ret_text);
}

static enum err_code task_out(struct asking *asking, struct span id,
			      struct err *err)
{
	struct task task;
	enum err_code code = task_get(asking->view, id, &task, err);

	if (code != ERR_OK)
		return code;
	out_text_at(asking->out, "task", name_span(&task.id));
	out_string_at(asking->out, "state",
		      term_name(TERM_TASK_STATE, task.state));
	if (task.account.size > 0)
		out_text_at(asking->out, "account", name_span(&task.account));
	return ERR_OK;
}

/* What was so already is said, and not done twice. */
static enum err_code task_change(struct asking *asking, enum task_state state,
				 struct err *err)
{
	struct span account = name_span(&asking->command->account);
	struct task task;
	struct span id;
	enum err_code code;

	if (!thing_read(asking, "task", NAME_SIZE_MAX, &id))
		return ERR_OK;
	code = task_get(asking->view, id, &task, err);
	if (code == ERR_NOT_FOUND)
		return asking_refuse(asking, &unknown_task, id);
	if (code != ERR_OK)
		return code;
	if (state == TASK_CLAIMED && task.state == TASK_CLAIMED &&
	    !span_equal(name_span(&task.account), account))
		return asking_refuse(asking, &task_claimed, id);
	if (task.state == state) {
		asking->is_idle = true;
		return task_out(asking, id, err);
	}
	code = task_move(asking->act, id, state, account, err);
	if (code == ERR_CONFLICT)
		return asking_refuse(asking, &task_over, id);
	return code == ERR_OK ? task_out(asking, id, err) : code;
}

static enum err_code task_claim(struct asking *asking, struct err *err)
{
	return task_change(asking, TASK_CLAIMED, err);
}

/* A check is done by answering it. */
static enum err_code task_done(struct asking *asking, struct err *err)
{
	struct task task;
	struct span id;
	enum err_code code;

	if (!thing_read(asking, "task", NAME_SIZE_MAX, &id))
		return ERR_OK;
	code = task_get(asking->view, id, &task, err);
	if (code == ERR_OK && task.kind == TASK_CHECK && task.check.size > 0 &&
	    view_task_is_open(&task))
		return asking_refuse(asking, &task_is_check,
				     name_span(&task.check));
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	return task_change(asking, TASK_DONE, err);
}

static enum err_code task_cancel(struct asking *asking, struct err *err)
{
	return task_change(asking, TASK_CANCELLED, err);
}

/* A count that somebody asks for; the one that is open if there is one. */
static enum err_code task_add(struct asking *asking, struct err *err)
{
	struct sku sku = {.size = 0};
	struct item_no item;
	struct span bin;
	struct place place;
	struct place_no number;
	struct name id;
	enum err_code code;

	if (!asking_text(asking, "bin", PLACE_NAME_SIZE_MAX, &bin))
		return ERR_OK;
	if (!place_name_is_valid(bin))
		return asking_refuse(asking, &refusal_unknown_bin, bin);
	place = place_bin(bin);
	code = place_find(asking->view, &place, &number, err);
	if (code == ERR_NOT_FOUND)
		return asking_refuse(asking, &refusal_unknown_bin, bin);
	if (code != ERR_OK)
		return code;
	if (json_member(asking->arguments, "item") != NULL) {
		if (!asking_item(asking, "item", &item, &code, err))
			return code;
		code = item_name_of(asking->view, item, &sku, err);
	}
	if (code == ERR_OK)
		code = act_count_task(asking->act, bin, sku_span(&sku), "asked",
				      err);
	if (code == ERR_OK)
		code = task_open_count(asking->view, bin, sku_span(&sku), &id,
				       err);
	return code == ERR_OK ? task_out(asking, name_span(&id), err) : code;
}

static enum err_code alert_close(struct asking *asking, struct err *err)
{
	struct entry entry;
	struct span id;
	enum err_code code;

	if (!thing_read(asking, "alert", REF_SIZE_MAX, &id))
		return ERR_OK;
	act_entry(asking->act, &entry, ENTRY_ALERT);
	code = alert_get(asking->view, id, &entry.body.alert, err);
	if (code == ERR_NOT_FOUND)
		return asking_refuse(asking, &unknown_alert, id);
	if (code != ERR_OK)
		return code;
	entry.body.alert.is_closed = true;
	return asking_post(asking, &entry, err);
}

static const struct command_row rows[] = {
	{{"task.add", COMMAND_WRITE, RIGHTS_SITE}, task_add, NULL},
	{{"task.claim", COMMAND_WRITE, RIGHTS_FLOOR}, task_claim, "task"},
	{{"task.done", COMMAND_WRITE, RIGHTS_FLOOR}, task_done, "task"},
	{{"task.cancel", COMMAND_WRITE, RIGHTS_SITE}, task_cancel, "task"},
	{{"alert.close", COMMAND_WRITE, RIGHTS_SITE}, alert_close, "alert"},
};
const struct command_table work_commands = {rows, ARRAY_LEN(rows)};
