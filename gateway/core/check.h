/*
 * check - recurring site checks: asked when they are due, answered by people.
 *
 * Layer     gateway/core, inside the engine only
 * Threads   the keeper
 *
 * A check has at most one open task. Due times that pass while it is open, or
 * while the box is off, are counted, never asked one by one. An answer that is
 * not as it should be opens an alert and at once a task to check again; the
 * answer that is closes both.
 */
#ifndef DEPOT_GATEWAY_CORE_CHECK_H
#define DEPOT_GATEWAY_CORE_CHECK_H

#include "gateway/core/asking.h"
#include "gateway/core/state.h"
#include "store/check.h"

/* Codes of the two alerts; their subject is the check. */
#define CHECK_OVERDUE "check_overdue"
#define CHECK_FAILED "check_failed"

/* One answer as it was given, before it is known what was asked. */
struct check_answer {
	int64_t value; /* in thousandths; of a word 1000 is yes */
	bool is_word;  /* yes or no, and not a number */
};

/* What somebody says of a check. */
struct check_report {
	struct span id; /* the check's, or its task's */
	size_t count;
	/* In the order of the questions that are asked. */
	struct check_answer answers[CHECK_QUESTIONS_MAX];
	struct span note;
};

/* What came of it. */
struct check_done {
	const struct refusal *why;      /* NULL: it was taken */
	char detail[NAME_SIZE_MAX + 1]; /* of the refusal */
	struct name check;
	struct name task;     /* that it answered; empty: none */
	struct name followup; /* to check again; empty: none */
	uint32_t answered;    /* bits by question */
	uint32_t out_of_limits;
	struct pos pos;
};

/*
 * Reads "answers", a list of true, false, "yes", "no" or numbers, and "note"
 * of @object; NULL is neither. ERR_INVALID: *@fault tells.
 */
MUST_CHECK enum err_code check_report_read(const struct json_value *object,
					   struct check_report *report,
					   struct fault *fault);

/*
 * Takes @report of @account. What is wrong with it is in *@ret_done; then
 * nothing was written. A report by the name of a task that is over is
 * ERR_CONFLICT. Other errors are the store's.
 */
MUST_CHECK enum err_code check_take(struct act *act,
				    const struct account *account,
				    const struct check_report *report,
				    struct check_done *ret_done,
				    struct err *err);

/* Opens a task for @check. @task has its due time, what was missed, and why;
 * the rest is filled in. */
MUST_CHECK enum err_code check_task_open(struct act *act,
					 const struct check *check,
					 struct task *task, struct err *err);

/* Retires every part of the check @id: its task is cancelled, its alerts are
 * closed. ERR_NOT_FOUND  there is no such check, or it is retired. */
MUST_CHECK enum err_code check_retire(struct act *act, struct span id,
				      struct err *err);

/* The tick's part: asks for what is due, and says what is overdue. @uptime_ms
 * is since the box started, for when its clock cannot be trusted. */
MUST_CHECK enum err_code on_checks(struct engine *engine, struct act *act,
				   int64_t uptime_ms, struct err *err);

#endif
