#include "gateway/core/task.h"

#include <string.h>

#include "gateway/core/check.h"

enum err_code task_move(struct act *act, struct span id, enum task_state state,
			struct span account, struct err *err)
{
	struct entry entry;
	struct task *task = &entry.body.task;
	enum err_code code;

	act_entry(act, &entry, ENTRY_TASK);
	code = task_get(batch_view(act->batch), id, task, err);
	if (code != ERR_OK)
		return code;
	if (task->state == TASK_DONE || task->state == TASK_CANCELLED)
		return ERR_CONFLICT;
	if (!name_set(&task->account, account))
		return ERR_INVALID;
	if (task->state == state)
		return ERR_OK;
	task->state = state;
	return act_post(act, &entry, NULL, err);
}

/* Splits "a/b/c"; false unless there are exactly three parts. */
static bool levels_split(struct span rest, struct span parts[3])
{
	for (size_t i = 0; i < 3; i++) {
		const char *slash = memchr(rest.data, '/', rest.size);
		size_t size =
			slash == NULL ? rest.size : (size_t)(slash - rest.data);

		if ((slash == NULL) != (i == 2) || size == 0)
			return false;
		parts[i] = (struct span){rest.data, size};
		if (slash != NULL) {
			rest.data += size + 1;
			rest.size -= size + 1;
		}
	}
	return true;
}

static enum err_code park(struct intake *intake, enum word word,
			  struct span detail, struct err *err)
{
	struct span none = {"", 0};
	struct verdict verdict;

	intake->engine->reading.has_seq = false;
	intake->engine->reading.boot.size = 0;
	intake->engine->counters.parked++;
	verdict_init(&verdict);
	verdict_park(&verdict, word, detail);
	return intake_park(intake, &verdict, none, err);
}

/* A check is done by its answers, which are the payload. */
static enum err_code check_answered(struct intake *intake, struct span id,
				    const struct account *account,
				    struct err *err)
{
	struct span payload = intake->message.payload;
	struct json *json = &intake->engine->json;
	struct check_report report = {.id = id, .note = {"", 0}};
	struct check_done done;
	struct fault fault;
	enum err_code code;

	if (payload.size > 0 &&
	    (json_parse(json, payload, &fault) != ERR_OK ||
	     check_report_read(json_root(json), &report, &fault) != ERR_OK))
		return park(intake, WORD_BAD_ANSWERS,
			    span_of(fault_code(fault.kind)), err);
	code = check_take(&intake->act, account, &report, &done, err);
	if (code == ERR_OK && done.why != NULL)
		return park(intake, WORD_BAD_ANSWERS, span_of(done.why->code),
			    err);
	return code == ERR_CONFLICT ? ERR_OK : code;
}

/* True if the task @id is done by answers. */
static bool is_answered(struct intake *intake, struct span id)
{
	struct err *none = NULL;
	struct task task;

	return task_get(batch_view(intake->act.batch), id, &task, none) ==
		       ERR_OK &&
	       task.kind == TASK_CHECK && task.check.size > 0;
}

enum err_code on_task(struct intake *intake, struct span rest, struct err *err)
{
	struct span parts[3];
	struct account account;
	enum task_state state;
	enum err_code code;

	if (!levels_split(rest, parts))
		return park(intake, WORD_UNKNOWN_TOPIC, rest, err);
	if (span_is(parts[1], "claim"))
		state = TASK_CLAIMED;
	else if (span_is(parts[1], "done"))
		state = TASK_DONE;
	else
		return park(intake, WORD_UNKNOWN_TOPIC, rest, err);
	code = account_get(batch_view(intake->act.batch), parts[2], &account,
			   err);
	if (code == ERR_NOT_FOUND || (code == ERR_OK && account.is_revoked))
		return park(intake, WORD_UNKNOWN_ACCOUNT, parts[2], err);
	if (code != ERR_OK)
		return code;
	intake->act.actor.kind = ACTOR_ACCOUNT;
	intake->act.actor.name = account.name;
	if (state == TASK_DONE && is_answered(intake, parts[0]))
		return check_answered(intake, parts[0], &account, err);
	code = task_move(&intake->act, parts[0], state, parts[2], err);
	if (code == ERR_NOT_FOUND)
		return park(intake, WORD_UNKNOWN_TASK, parts[0], err);
	/* Done twice is done: the message may come again. */
	return code == ERR_CONFLICT ? ERR_OK : code;
}
