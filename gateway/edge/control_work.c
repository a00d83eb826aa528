/*
 * Long jobs: what the clerk does for a client, in the clerk's thread.
 */
#include "gateway/edge/control_parts.h"

#include "gateway/edge/clerk_report.h"
#include "store/backup.h"

#define PROGRESS_MS 200

static enum err_code audit_progress(void *context, enum table table,
				    uint64_t done, uint64_t total)
{
	struct client *client = context;
	struct control *control = client->control;
	struct control_notice notice = {client, done, total};
	int64_t now_ms = clock_monotonic_ms(control->config.clock);

	(void)table;
	if (clerk_is_stopping(control->config.clerk))
		return ERR_STOPPED;
	if (now_ms - client->told_ms < PROGRESS_MS)
		return ERR_OK;
	if (queue_push(control->progress, &notice) == ERR_OK)
		client->told_ms = now_ms; /* else the next one tells */
	return ERR_OK;
}

/* In a child process, whose memory goes with it: the loop's has a bound. */
static enum err_code audit_work(struct client *client, struct err *err)
{
	struct control *control = client->control;
	struct verify_report *report = &control->audit;
	enum err_code code = auditor_run(control->config.auditor,
					 audit_progress, client, report, err);

	if (code != ERR_OK)
		return code;
	if (report->verdict != VERDICT_CLEAN &&
	    report->verdict != VERDICT_FINDINGS)
		return err_set(err, ERR_CORRUPT, "%s", report->text);
	out_object(&client->out);
	clerk_audit_report(&report->audit, &client->out);
	out_object_end(&client->out);
	return ERR_OK;
}

static enum err_code backup_work(struct client *client, struct clerk *clerk,
				 struct err *err)
{
	struct moment now = clock_now(client->control->config.clock).moment;
	struct backup_info info;
	enum err_code code =
		backup_make(clerk_ledger(clerk), client->path, now, &info, err);

	if (code == ERR_OK) {
		out_object(&client->out);
		out_string_at(&client->out, "path", client->path);
		clerk_backup_report(&info, &client->out);
		out_object_end(&client->out);
	}
	return code;
}

static void work_run(struct clerk_job *job, struct clerk *clerk)
{
	struct client *client = job->context;
	struct err err;
	enum err_code code = ERR_OK;

	client->told_ms = clock_monotonic_ms(client->control->config.clock);
	switch (client->work) {
	case WORK_AUDIT:
		code = audit_work(client, &err);
		break;
	case WORK_BACKUP:
		code = backup_work(client, clerk, &err);
		break;
	}
	if (code != ERR_OK)
		control_failed(&client->out, code, &err);
}

static void work_done(struct clerk_job *job)
{
	struct client *client = job->context;
	struct control_notice notice = {.client = client};
	enum err_code code = queue_push(client->control->finished, &notice);

	ASSERT(code == ERR_OK); /* it has a place for each client */
}

enum err_code control_work(struct client *client, enum clerk_work work)
{
	client->work = work;
	client->result = ERR_OK;
	client->job = (struct clerk_job){work_run, work_done, client};
	client->state = CLIENT_WORKING;
	client->deadline_ms = INT64_MAX;
	return clerk_ask(client->control->config.clerk, &client->job);
}
