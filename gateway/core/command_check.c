/*
 * Commands and queries for recurring checks: done and retired; what there are,
 * what is due, what came of them.
 */
#include "gateway/core/check.h"
#include "gateway/core/check_out.h"
#include "gateway/core/page.h"
#include "gateway/core/rights.h"
#include "gateway/core/view.h"
#include "rules/check/schedule.h"

static const struct refusal unknown_check = {
	"unknown_check", "there is no check %s", "没有检查项 %s"};
static const struct refusal task_over = {"task_over",
					 "task %s is done or cancelled already",
					 "任务 %s 已完成或已取消"};

/* ---- done, retired ---- */

static bool check_named(struct asking *asking, struct span *ret_id)
{
	const char *name = "check";

	if (json_member(asking->arguments, name) == NULL)
		name = "id";
	return asking_text(asking, name, NAME_SIZE_MAX, ret_id);
}

static void done_out(struct asking *asking, const struct check_done *done)
{
	struct json_out *out = asking->out;

	out_text_at(out, "check", name_span(&done->check));
	if (done->task.size > 0)
		out_text_at(out, "task", name_span(&done->task));
	out_int_at(out, "answered", __builtin_popcount(done->answered));
	out_int_at(out, "out_of_limits",
		   __builtin_popcount(done->out_of_limits));
	out_bool_at(out, "in_order", done->out_of_limits == 0);
	if (done->followup.size > 0)
		out_text_at(out, "followup", name_span(&done->followup));
	asking_posted(asking, done->pos);
}

static enum err_code check_do(struct asking *asking, struct err *err)
{
	struct check_report report;
	struct check_done done;
	struct account account;
	struct fault fault;
	struct span id;
	enum err_code code;

	if (!check_named(asking, &id))
		return ERR_OK;
	if (check_report_read(asking->arguments, &report, &fault) != ERR_OK)
		return asking_fault(asking, &fault);
	report.id = id;
	code = account_get(asking->view, name_span(&asking->command->account),
			   &account, err);
	if (code != ERR_OK)
		return code;
	code = check_take(asking->act, &account, &report, &done, err);
	if (code == ERR_CONFLICT)
		return asking_refuse(asking, &task_over, id);
	if (code != ERR_OK)
		return code;
	if (done.why != NULL)
		return asking_refuse(asking, done.why, span_of(done.detail));
	done_out(asking, &done);
	return ERR_OK;
}

static enum err_code check_retire_run(struct asking *asking, struct err *err)
{
	struct span id;
	enum err_code code;

	if (!check_named(asking, &id))
		return ERR_OK;
	code = check_retire(asking->act, id, err);
	if (code == ERR_NOT_FOUND)
		return asking_refuse(asking, &unknown_check, id);
	if (code == ERR_OK)
		out_text_at(asking->out, "check", id);
	return code;
}

/* ---- what there are ---- */

/* The open task, and what is due next. */
static enum err_code due_out(struct asking *asking, const struct check *check,
			     struct err *err)
{
	struct json_out *out = asking->out;
	struct check_state state;
	struct schedule schedule;
	struct moment next;
	struct task task;
	enum err_code code =
		check_state(asking->view, name_span(&check->id), &state, err);

	if (code == ERR_OK && state.task.size > 0)
		code = task_get(asking->view, name_span(&state.task), &task,
				err);
	if (code != ERR_OK)
		return code;
	if (state.task.size > 0) {
		int64_t grace_ms = (int64_t)check->grace_min * 60000;

		out_text_at(out, "task", name_span(&task.id));
		if (task.due_ms != 0)
			out_moment_at(out, "due",
				      (struct moment){(int64_t)task.due_ms});
		if (task.missed > 0)
			out_int_at(out, "missed", task.missed);
		out_bool_at(out, "overdue",
			    task.due_ms != 0 && asking->now.ms != 0 &&
				    asking->now.ms - (int64_t)task.due_ms >
					    grace_ms);
	}
	if (!check->is_retired && asking->zone != NULL && asking->now.ms != 0 &&
	    schedule_of(check, &schedule) &&
	    schedule_next(&schedule, asking->zone, asking->now, &next))
		out_moment_at(out, "next_due", next);
	return ERR_OK;
}

static enum err_code last_out(struct asking *asking, struct span id,
			      struct err *err)
{
	struct json_out *out = asking->out;
	struct entry entry;
	struct pos pos;
	enum err_code code = check_last(asking->view, id, &pos, &entry, err);

	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	out_object_at(out, "last");
	pos_out(out, "entry", pos);
	view_when_out("at", entry.effective,
		      (entry.clock_flags & ENTRY_EFFECTIVE_TRUSTED) != 0, out);
	out_text_at(out, "by", name_span(&entry.actor.name));
	out_bool_at(out, "in_order",
		    entry.body.check_result.out_of_limits == 0);
	out_object_end(out);
	return ERR_OK;
}

struct listing {
	struct page page;
	bool is_all;
	bool is_due; /* those with an open task alone */
};

static enum err_code check_visit(void *context, struct pos pos,
				 const struct check *check, struct err *err)
{
	struct listing *listing = context;
	struct page *page = &listing->page;
	struct asking *asking = page->asking;
	struct span id = name_span(&check->id);
	struct check_state state;
	enum err_code code;

	(void)pos;
	code = check_state(asking->view, id, &state, err);
	if (code != ERR_OK || (check->is_retired && !listing->is_all) ||
	    (listing->is_due && state.task.size == 0))
		return code;
	code = page_row(page);
	if (code != ERR_OK)
		return code;
	out_object(asking->out);
	check_out(check, asking->out);
	code = due_out(asking, check, err);
	if (code == ERR_OK)
		code = last_out(asking, id, err);
	if (code != ERR_OK)
		return code;
	out_object_end(asking->out);
	return page_row_end(page, id);
}

static enum err_code check_list_run(struct asking *asking, bool is_due,
				    struct err *err)
{
	struct listing listing = {.is_due = is_due};
	struct page *page = &listing.page;

	if (!asking_bool_or(asking, "all", false, &listing.is_all) ||
	    !page_begin(page, asking, "checks"))
		return ERR_OK;
	return page_end(page, check_walk(asking->view, page->after, false,
					 check_visit, &listing, err));
}

static enum err_code check_list(struct asking *asking, struct err *err)
{
	return check_list_run(asking, false, err);
}

static enum err_code check_due(struct asking *asking, struct err *err)
{
	return check_list_run(asking, true, err);
}

static enum err_code check_show(struct asking *asking, struct err *err)
{
	struct check_sheet sheet;
	struct span id;
	enum err_code code;

	if (!check_named(asking, &id))
		return ERR_OK;
	code = check_sheet(asking->view, id, &sheet, err);
	if (code == ERR_NOT_FOUND)
		return asking_refuse(asking, &unknown_check, id);
	if (code != ERR_OK)
		return code;
	pos_out(asking->out, "entry", sheet.said[0]);
	check_out(&sheet.parts[0], asking->out);
	check_questions_out(&sheet, asking->out);
	code = due_out(asking, &sheet.parts[0], err);
	return code == ERR_OK ? last_out(asking, id, err) : code;
}

/* ---- what came of them ---- */

struct history {
	struct page page;
	struct check_sheet sheet;
};

static enum err_code result_visit(void *context, struct pos pos,
				  const struct entry *entry, struct err *err)
{
	struct history *history = context;
	struct page *page = &history->page;
	struct json_out *out = page->asking->out;
	const struct check_result *result = &entry->body.check_result;
	char token[POS_PRINT_SIZE];
	enum err_code code = page_row(page);

	(void)err;
	if (code != ERR_OK)
		return code;
	pos_print(pos, token, sizeof(token));
	out_object(out);
	out_string_at(out, "entry", token);
	view_when_out("at", entry->effective,
		      (entry->clock_flags & ENTRY_EFFECTIVE_TRUSTED) != 0, out);
	out_text_at(out, "by", name_span(&entry->actor.name));
	if (result->task.size > 0)
		out_text_at(out, "task", name_span(&result->task));
	if (result->due_ms != 0)
		out_moment_at(out, "due",
			      (struct moment){(int64_t)result->due_ms});
	if (result->missed != 0)
		out_int_at(out, "missed", result->missed);
	out_bool_at(out, "in_order", result->out_of_limits == 0);
	if (result->note.size > 0)
		out_text_at(out, "note", reason_span(&result->note));
	check_answers_out(result, pos, &history->sheet, out);
	out_object_end(out);
	return page_row_end(page, span_of(token));
}

static enum err_code check_history(struct asking *asking, struct err *err)
{
	struct history history = {.page = {.count = 0}};
	struct page *page = &history.page;
	struct pos before = {0};
	struct span id;
	enum err_code code;

	if (!check_named(asking, &id))
		return ERR_OK;
	code = check_sheet(asking->view, id, &history.sheet, err);
	if (code == ERR_NOT_FOUND)
		return asking_refuse(asking, &unknown_check, id);
	if (code != ERR_OK)
		return code;
	out_text_at(asking->out, "check", id);
	if (!asking_pos_or(asking, "after", &before) ||
	    !page_begin(page, asking, "results"))
		return ERR_OK;
	return page_end(page, check_results(asking->view, id, before,
					    result_visit, &history, err));
}

/* ---- asked for out of turn ---- */

/* The task that is open if there is one. */
static enum err_code check_ask(struct asking *asking, struct err *err)
{
	struct task task = {.state = TASK_OPEN};
	struct check_state state;
	struct check check;
	struct pos said;
	struct span id;
	bool fits;
	enum err_code code;

	if (!check_named(asking, &id))
		return ERR_OK;
	code = check_part(asking->view, id, 0, &said, &check, err);
	if (code == ERR_NOT_FOUND || (code == ERR_OK && check.is_retired))
		return asking_refuse(asking, &unknown_check, id);
	if (code == ERR_OK)
		code = check_state(asking->view, id, &state, err);
	fits = reason_set(&task.reason, SPAN_LITERAL("asked"));
	ASSERT(fits);
	if (code == ERR_OK && state.task.size > 0)
		task.id = state.task;
	else if (code == ERR_OK)
		code = check_task_open(asking->act, &check, &task, err);
	if (code == ERR_OK) {
		out_text_at(asking->out, "check", id);
		out_text_at(asking->out, "task", name_span(&task.id));
	}
	return code;
}

static const struct command_row rows[] = {
	{{"check.ask", COMMAND_WRITE, RIGHTS_SITE}, check_ask, "check"},
	{{"check.do", COMMAND_WRITE, RIGHTS_FLOOR}, check_do, "check"},
	{{"check.retire", COMMAND_WRITE, RIGHTS_SITE},
	 check_retire_run,
	 "check"},
	{{"check.list", COMMAND_QUERY, RIGHTS_READ}, check_list, NULL},
	{{"check.due", COMMAND_QUERY, RIGHTS_READ}, check_due, NULL},
	{{"check.show", COMMAND_QUERY, RIGHTS_READ}, check_show, NULL},
	{{"check.history", COMMAND_QUERY, RIGHTS_READ}, check_history, NULL},
};
const struct command_table check_commands = {rows, ARRAY_LEN(rows)};
