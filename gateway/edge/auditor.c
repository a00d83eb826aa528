#include "gateway/edge/auditor.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define TIME_LIMIT_MS (5 * 60 * 1000)

struct auditor {
	struct auditor_config config;
	struct clerk_job job;
	struct verify_report report; /* the clerk's, while the job runs */
	atomic_bool is_running;
	int64_t due_ms;
	bool has_begun; /* due_ms is set */
	pthread_mutex_t mutex;
	struct auditor_word word; /* under the mutex */
};

static void word_set(struct auditor *auditor, bool is_clean, uint64_t findings)
{
	(void)pthread_mutex_lock(&auditor->mutex); /* cannot fail: ours */
	auditor->word = (struct auditor_word){
		.is_known = true, .is_clean = is_clean, .findings = findings};
	(void)pthread_mutex_unlock(&auditor->mutex);
}

void auditor_take(struct auditor *auditor, const struct audit_result *result)
{
	bool is_clean = audit_is_clean(result);
	char sentence[FINDING_PRINT_SIZE] = "";

	word_set(auditor, is_clean, result->findings);
	if (is_clean) {
		log_event(auditor->config.log, LEVEL_NOTICE, "audit_clean",
			  "the audit of %" PRIu64 " entries found nothing",
			  result->entries);
		return;
	}
	if (result->findings > 0)
		finding_print(&result->list[0], false, sentence,
			      sizeof(sentence));
	log_event(auditor->config.log, LEVEL_ERROR, "audit_failed",
		  "the audit has %" PRIu64 " findings, %" PRIu64
		  " units are unexplained: %s",
		  result->findings, result->unexplained, sentence);
}

static enum err_code stop_look(void *context, enum table table, uint64_t done,
			       uint64_t total)
{
	const struct auditor *auditor = context;

	(void)table;
	(void)done;
	(void)total;
	return clerk_is_stopping(auditor->config.clerk) ? ERR_STOPPED : ERR_OK;
}

static void report_take(struct auditor *auditor,
			const struct verify_report *report)
{
	switch (report->verdict) {
	case VERDICT_CLEAN:
	case VERDICT_FINDINGS:
		auditor_take(auditor, &report->audit);
		return;
	case VERDICT_DAMAGED:
	case VERDICT_CRASHED:
	case VERDICT_ENDLESS:
		break;
	}
	word_set(auditor, false, 1);
	log_event(auditor->config.log, LEVEL_ERROR, "audit_failed", "%s",
		  report->text);
}

enum err_code auditor_run(struct auditor *auditor, audit_progress_fn *progress,
			  void *context, struct verify_report *ret_report,
			  struct err *err)
{
	const struct verify_plan plan = {.scratch = "/tmp",
					 .time_limit_ms = TIME_LIMIT_MS,
					 .progress = progress,
					 .context = context};
	enum err_code code =
		verify_run(auditor->config.store, &plan, ret_report, err);

	if (code == ERR_OK)
		report_take(auditor, ret_report);
	return code;
}

static void job_run(struct clerk_job *job, struct clerk *clerk)
{
	struct auditor *auditor = job->context;
	struct err err;
	enum err_code code = auditor_run(auditor, stop_look, auditor,
					 &auditor->report, &err);

	(void)clerk; /* only its thread is needed */
	if (code != ERR_OK && code != ERR_STOPPED)
		log_event(auditor->config.log, LEVEL_WARNING, "audit_not_made",
			  "%s", err.text);
}

static void job_done(struct clerk_job *job)
{
	struct auditor *auditor = job->context;

	atomic_store(&auditor->is_running, false);
}

void auditor_beat(struct auditor *auditor, int64_t now_ms, bool is_idle)
{
	if (!auditor->has_begun)
		auditor->due_ms = now_ms + AUDITOR_FIRST_MS;
	auditor->has_begun = true;
	if (auditor->config.hours == 0 || now_ms < auditor->due_ms ||
	    !is_idle || atomic_load(&auditor->is_running))
		return;
	atomic_store(&auditor->is_running, true);
	if (clerk_ask(auditor->config.clerk, &auditor->job) != ERR_OK) {
		atomic_store(&auditor->is_running, false);
		return;
	}
	auditor->due_ms = now_ms + (int64_t)auditor->config.hours * 3600 * 1000;
}

struct auditor_word auditor_word(struct auditor *auditor)
{
	struct auditor_word word;

	(void)pthread_mutex_lock(&auditor->mutex);
	word = auditor->word;
	(void)pthread_mutex_unlock(&auditor->mutex);
	return word;
}

enum err_code auditor_open(const struct auditor_config *config,
			   struct auditor **ret_auditor, struct err *err)
{
	struct auditor *auditor = calloc(1, sizeof(*auditor));

	if (auditor == NULL)
		return err_set(err, ERR_FULL, "no memory for the auditor");
	auditor->config = *config;
	auditor->job = (struct clerk_job){job_run, job_done, auditor};
	(void)pthread_mutex_init(&auditor->mutex, NULL); /* cannot fail */
	*ret_auditor = auditor;
	return ERR_OK;
}

void auditor_close(struct auditor *auditor)
{
	if (auditor == NULL)
		return;
	(void)pthread_mutex_destroy(&auditor->mutex);
	free(auditor);
}
