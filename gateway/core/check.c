#include "gateway/core/check.h"

#include <inttypes.h>

#include "gateway/core/decimal.h"
#include "gateway/core/rights.h"
#include "rules/check/answer.h"
#include "rules/check/schedule.h"

static const struct refusal unknown_check = {
	"unknown_check", "there is no check %s", "没有检查项 %s"};
static const struct refusal check_retired = {
	"check_retired", "check %s is no longer asked for", "检查项 %s 已停用"};
static const struct refusal not_yours = {
	"check_denied", "this check is not for the roles of %s",
	"账户 %s 的角色不能做此检查"};
static const struct refusal answer_count = {
	"answer_count", "the check asks for %s answers, one for each question",
	"此检查需要 %s 项回答，每个问题一项"};
static const struct refusal answer_kind = {
	"answer_kind",
	"the answer to question %s is of the wrong kind: yes or no, or a "
	"number",
	"问题 %s 的回答类型不对：应为是/否或数值"};

/* ---- reading ---- */

static enum err_code word_read(struct span text, struct check_answer *answer)
{
	bool is_yes;

	answer->is_word = false;
	if (answer_parse(text, &answer->value))
		return ERR_OK;
	if (!term_parse_bool(text, &is_yes))
		return ERR_INVALID;
	answer->is_word = true;
	answer->value = is_yes ? ANSWER_IS_YES : 0;
	return ERR_OK;
}

static enum err_code answer_read(const struct json_value *value,
				 struct check_answer *answer,
				 struct fault *fault)
{
	struct span text;
	bool is_yes;

	if (json_kind(value) == JSON_BOOL &&
	    json_to_bool(value, &is_yes, fault) == ERR_OK) {
		*answer =
			(struct check_answer){is_yes ? ANSWER_IS_YES : 0, true};
		return ERR_OK;
	}
	if (json_kind(value) != JSON_STRING) {
		answer->is_word = false;
		return decimal_of_json(value, &answer->value, fault);
	}
	if (json_to_text(value, &text, fault) != ERR_OK)
		return ERR_INVALID;
	if (word_read(text, answer) != ERR_OK)
		return json_fault(value, FAULT_NOT_NUMBER, fault);
	return ERR_OK;
}

static enum err_code too_many(const struct json_value *list,
			      struct fault *fault)
{
	enum err_code code = json_fault(list, FAULT_TOO_MANY, fault);

	fault->high = CHECK_QUESTIONS_MAX;
	return code;
}

enum err_code check_report_read(const struct json_value *object,
				struct check_report *report,
				struct fault *fault)
{
	const struct json_value *list = json_member(object, "answers");
	const struct json_value *note = json_member(object, "note");

	report->count = 0;
	report->note = (struct span){"", 0};
	if (note != NULL && json_to_text(note, &report->note, fault) != ERR_OK)
		return ERR_INVALID;
	if (report->note.size > REASON_SIZE_MAX || !text_is_clean(report->note))
		return json_fault(note, FAULT_BAD_TEXT, fault);
	if (list == NULL)
		return ERR_OK;
	if (json_to_array(list, fault) != ERR_OK)
		return ERR_INVALID;
	for (const struct json_value *at = json_first(list); at != NULL;
	     at = json_next(at)) {
		if (report->count == CHECK_QUESTIONS_MAX)
			return too_many(list, fault);
		if (answer_read(at, &report->answers[report->count], fault) !=
		    ERR_OK)
			return ERR_INVALID;
		report->count++;
	}
	return ERR_OK;
}

/* ---- judging ---- */

/* A report on its way. */
struct taking {
	struct act *act;
	const struct check_report *report;
	struct check_sheet sheet;
	struct check_state state;
	struct task task; /* the open one, if there is one */
	struct check_done *done;
};

static enum err_code refuse(struct check_done *done, const struct refusal *why,
			    struct span detail)
{
	done->why = why;
	text_print(detail, done->detail, sizeof(done->detail));
	return ERR_OK;
}

static enum err_code refuse_number(struct check_done *done,
				   const struct refusal *why, int number)
{
	char text[16];

	(void)text_format(text, sizeof(text), "%d", number);
	return refuse(done, why, span_of(text));
}

/* Finds the check by its own name or its task's. */
static enum err_code sheet_find(struct taking *taking, struct err *err)
{
	const struct view *view = batch_view(taking->act->batch);
	struct span id = taking->report->id;
	struct task task;
	enum err_code code = check_sheet(view, id, &taking->sheet, err);

	if (code != ERR_NOT_FOUND)
		return code;
	code = task_get(view, id, &task, err);
	if (code != ERR_OK)
		return code;
	if (task.kind != TASK_CHECK || task.check.size == 0)
		return ERR_NOT_FOUND;
	if (task.state == TASK_DONE || task.state == TASK_CANCELLED)
		return ERR_CONFLICT;
	return check_sheet(view, name_span(&task.check), &taking->sheet, err);
}

static enum err_code state_find(struct taking *taking, struct err *err)
{
	const struct view *view = batch_view(taking->act->batch);
	enum err_code code =
		check_state(view, name_span(&taking->sheet.parts[0].id),
			    &taking->state, err);

	if (code == ERR_OK && taking->state.task.size > 0)
		code = task_get(view, name_span(&taking->state.task),
				&taking->task, err);
	return code;
}

/* Answers go to the questions that are asked, in their order. */
static void answers_fill(struct taking *taking, struct check_result *result)
{
	const struct check_report *report = taking->report;
	size_t next = 0;

	for (uint32_t n = 1; n <= CHECK_QUESTIONS_MAX; n++) {
		const struct check *question = &taking->sheet.parts[n];
		const struct check_answer *answer = &report->answers[next];
		uint32_t bit = 1u << (n - 1);

		if ((taking->sheet.asked & bit) == 0)
			continue;
		next++;
		if (answer->is_word == (question->answer == ANSWER_NUMBER)) {
			(void)refuse_number(taking->done, &answer_kind, (int)n);
			return;
		}
		result->values[n - 1] = answer->value;
		result->answered |= bit;
		if (!answer_is_in_order(question, answer->value))
			result->out_of_limits |= bit;
	}
}

/* Due times that passed while the task waited. */
static uint32_t missed_count(const struct taking *taking)
{
	const struct batch *batch = taking->act->batch;
	struct moment due = {(int64_t)taking->task.due_ms};
	struct schedule schedule;

	if (!batch_clock_trusted(batch) || taking->task.due_ms == 0 ||
	    taking->task.due_ms > MOMENT_MS_MAX || taking->task.is_by_uptime ||
	    !schedule_of(&taking->sheet.parts[0], &schedule))
		return 0;
	return schedule_passed(&schedule, taking->act->plan->zone, due,
			       batch_now(batch))
		.count;
}

static enum err_code judge(struct taking *taking, const struct account *account,
			   struct check_result *result)
{
	const struct check *check = &taking->sheet.parts[0];
	int asked = __builtin_popcount(taking->sheet.asked);
	uint32_t roles = check->roles | RIGHTS_SITE;

	if (check->is_retired)
		return refuse(taking->done, &check_retired,
			      name_span(&check->id));
	if (check->roles != 0 && (account->roles & roles) == 0)
		return refuse(taking->done, &not_yours,
			      name_span(&account->name));
	if (taking->report->count != (size_t)asked)
		return refuse_number(taking->done, &answer_count, asked);
	result->check = check->id;
	answers_fill(taking, result);
	return ERR_OK;
}

/* ---- writing ---- */

enum err_code check_task_open(struct act *act, const struct check *check,
			      struct task *task, struct err *err)
{
	struct pos next = batch_next(act->batch);
	char id[POS_PRINT_SIZE];
	struct entry entry;
	bool fits;

	fits = text_format(id, sizeof(id), "t%" PRIu32 "-%" PRIu64,
			   pos_epoch(next), pos_number(next)) &&
	       name_set(&task->id, span_of(id));
	ASSERT(fits);
	task->kind = TASK_CHECK;
	task->state = TASK_OPEN;
	task->check = check->id;
	/* A zone is named by the check alone. */
	if (!place_name_is_valid(place_name_span(&check->place)) ||
	    !place_name_set(&task->bin, place_name_span(&check->place)))
		task->bin.size = 0;
	act_entry(act, &entry, ENTRY_TASK);
	entry.body.task = *task;
	return act_post(act, &entry, NULL, err);
}

static enum severity severity_of(const struct check *check)
{
	switch (check->kind) {
	case CHECK_FIRE:
	case CHECK_SAFETY:
	case CHECK_COLD_CHAIN:
		return SEVERITY_CRITICAL;
	case CHECK_DOORS:
	case CHECK_CLEANING:
	case CHECK_OTHER:
		break;
	}
	return SEVERITY_WARNING;
}

static enum err_code alerts_set(struct act *act, const struct check *check,
				uint32_t bad, struct err *err)
{
	struct alarm overdue = {CHECK_OVERDUE, SEVERITY_WARNING,
				name_span(&check->id), 0};
	struct alarm failed = {CHECK_FAILED, severity_of(check),
			       name_span(&check->id), __builtin_popcount(bad)};
	enum err_code code = act_alert(act, &overdue, true, err);

	if (code == ERR_OK)
		code = act_alert(act, &failed, bad == 0, err);
	return code;
}

static enum err_code task_close(struct act *act, const struct task *task,
				enum task_state state, struct span account,
				struct err *err)
{
	struct entry entry;

	act_entry(act, &entry, ENTRY_TASK);
	entry.body.task = *task;
	entry.body.task.state = state;
	if (account.size > 0 && !name_set(&entry.body.task.account, account))
		return ERR_INVALID;
	return act_post(act, &entry, NULL, err);
}

/* Again at once, until it is as it should be. */
static enum err_code followup_open(struct taking *taking, struct err *err)
{
	const struct batch *batch = taking->act->batch;
	bool is_trusted = batch_clock_trusted(batch);
	struct task task = {.due_ms = is_trusted ? (uint64_t)batch_now(batch).ms
						 : 0,
			    .is_by_uptime = !is_trusted};
	bool fits = reason_set(&task.reason, SPAN_LITERAL("check_failed"));
	enum err_code code;

	ASSERT(fits);
	code = check_task_open(taking->act, &taking->sheet.parts[0], &task,
			       err);
	if (code == ERR_OK)
		taking->done->followup = task.id;
	return code;
}

static enum err_code result_write(struct taking *taking,
				  const struct check_result *result,
				  struct span account, struct err *err)
{
	const struct check *check = &taking->sheet.parts[0];
	struct act *act = taking->act;
	struct entry entry;
	enum err_code code;

	act_entry(act, &entry, ENTRY_CHECK_RESULT);
	entry.body.check_result = *result;
	code = act_post(act, &entry, &taking->done->pos, err);
	if (code == ERR_OK && taking->task.id.size > 0)
		code = task_close(act, &taking->task, TASK_DONE, account, err);
	if (code == ERR_OK)
		code = alerts_set(act, check, result->out_of_limits, err);
	if (code == ERR_OK && result->out_of_limits != 0)
		code = followup_open(taking, err);
	return code;
}

enum err_code check_take(struct act *act, const struct account *account,
			 const struct check_report *report,
			 struct check_done *ret_done, struct err *err)
{
	struct taking taking = {.act = act, .report = report, .done = ret_done};
	struct check_result result = {.due_ms = 0};
	enum err_code code;

	*ret_done = (struct check_done){.why = NULL};
	code = sheet_find(&taking, err);
	if (code == ERR_NOT_FOUND)
		return refuse(ret_done, &unknown_check, report->id);
	if (code == ERR_OK)
		code = state_find(&taking, err);
	if (code == ERR_OK)
		code = judge(&taking, account, &result);
	if (code != ERR_OK || ret_done->why != NULL)
		return code;
	if (!reason_set(&result.note, report->note))
		return ERR_INVALID;
	result.task = taking.task.id;
	result.due_ms = taking.task.due_ms;
	result.missed = missed_count(&taking);
	ret_done->check = result.check;
	ret_done->task = result.task;
	ret_done->answered = result.answered;
	ret_done->out_of_limits = result.out_of_limits;
	return result_write(&taking, &result, name_span(&account->name), err);
}

/* ---- retiring ---- */

static enum err_code
parts_retire(struct act *act, const struct check_sheet *sheet, struct err *err)
{
	enum err_code code = ERR_OK;

	for (size_t n = 0; n <= CHECK_QUESTIONS_MAX && code == ERR_OK; n++) {
		struct entry entry;

		if (sheet->parts[n].id.size == 0)
			continue;
		act_entry(act, &entry, ENTRY_CHECK);
		entry.body.check = sheet->parts[n];
		entry.body.check.is_retired = true;
		code = act_post(act, &entry, NULL, err);
	}
	return code;
}

enum err_code check_retire(struct act *act, struct span id, struct err *err)
{
	struct check_report report = {.id = id};
	struct check_done done;
	struct taking taking = {.act = act, .report = &report, .done = &done};
	const struct check *check = &taking.sheet.parts[0];
	struct span nobody = {"", 0};
	enum err_code code =
		check_sheet(batch_view(act->batch), id, &taking.sheet, err);

	if (code == ERR_OK && check->is_retired)
		return ERR_NOT_FOUND;
	if (code == ERR_OK)
		code = state_find(&taking, err);
	if (code == ERR_OK)
		code = parts_retire(act, &taking.sheet, err);
	if (code == ERR_OK && taking.task.id.size > 0)
		code = task_close(act, &taking.task, TASK_CANCELLED, nobody,
				  err);
	return code == ERR_OK ? alerts_set(act, check, 0, err) : code;
}
