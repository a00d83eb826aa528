#include "store/verify.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "store/child.h"
#include "store/shadow.h"

/*
 * Shared by parent and child. The child fills it in as it goes, so that the
 * parent knows how far it came even if it does not come back.
 */
struct slate {
	const char *store;  /* as the caller names it */
	const char *folder; /* of its shadow */
	_Atomic uint64_t done;
	_Atomic uint64_t total;
	_Atomic uint32_t table;
	struct audit_result audit;
};

/* ---- the child ---- */

static enum err_code progress_note(void *context, enum table table,
				   uint64_t done, uint64_t total)
{
	struct slate *slate = context;

	slate->table = (uint32_t)table;
	slate->done = done;
	slate->total = total;
	return ERR_OK;
}

static enum err_code store_audit(void *context, struct err *err)
{
	struct slate *slate = context;
	const struct audit_plan plan = {progress_note, slate};
	struct env *env;
	struct view *view;
	enum err_code code = env_open(slate->folder, ENV_READ, &env, err);

	if (code != ERR_OK)
		return code;
	code = view_begin(env, &view, err);
	if (code == ERR_OK)
		code = audit_run(view, &plan, &slate->audit, err);
	/* Neither is closed: the process ends, and on a damaged store the less
	 * is done the better. */
	return code;
}

/* ---- the parent ---- */

struct look {
	const struct verify_plan *plan;
	const struct slate *slate;
};

static enum err_code word_say(void *context, struct err *err)
{
	const struct look *look = context;
	const struct slate *slate = look->slate;
	enum err_code code = ERR_OK;

	if (look->plan->progress != NULL && slate->total > 0)
		code = look->plan->progress(look->plan->context,
					    (enum table)slate->table,
					    slate->done, slate->total);
	if (code != ERR_OK)
		return err_set(err, code, "the verification was ended");
	return ERR_OK;
}

/* The child's sentence as it is true of the store: it has read a shadow, and
 * to verify is what we do. What does not fit is cut. */
static void damage_tell(struct verify_report *report, const struct slate *slate,
			const char *text)
{
	size_t folder_size = strlen(slate->folder);
	const char *advice = strstr(text, ": " ENV_ADVICE);
	const char *end = advice == NULL ? text + strlen(text) : advice;
	size_t used = 0;
	bool fits = true;

	report->text[0] = '\0';
	while (fits && text < end) {
		const char *folder = strstr(text, slate->folder);
		bool is_there = folder != NULL && folder < end;
		const char *stop = is_there ? folder : end;

		fits = text_format(report->text + used,
				   sizeof(report->text) - used, "%.*s%s",
				   (int)(stop - text), text,
				   is_there ? slate->store : "");
		used += strlen(report->text + used);
		text = is_there ? folder + folder_size : end;
	}
}

/* A child that came back. */
static enum err_code returned_judge(struct verify_report *report,
				    const struct slate *slate,
				    const struct child_end *end,
				    struct err *err)
{
	if (end->code == ERR_OK) {
		report->audit = slate->audit;
		report->verdict = audit_is_clean(&slate->audit)
					  ? VERDICT_CLEAN
					  : VERDICT_FINDINGS;
		return ERR_OK;
	}
	if (end->code != ERR_CORRUPT)
		return err_set(err, end->code, "%s", end->err.text);
	report->verdict = VERDICT_DAMAGED;
	damage_tell(report, slate, end->err.text);
	return ERR_OK;
}

static enum err_code end_judge(struct verify_report *report,
			       const struct slate *slate,
			       const struct child_end *end, struct err *err)
{
	uint32_t table = slate->table;
	unsigned long long rows = slate->done;

	report->text[0] = '\0';
	report->table = table < TABLE_COUNT ? (enum table)table : TABLE_META;
	switch (end->how) {
	case CHILD_RETURNED:
		return returned_judge(report, slate, end, err);
	case CHILD_CRASHED:
		report->verdict = VERDICT_CRASHED;
		(void)text_format(report->text, sizeof(report->text),
				  "damaged: table %s, after %llu rows of all, "
				  "crashed the reader (signal %d)",
				  table_name(report->table), rows, end->signal);
		break;
	case CHILD_LATE:
		report->verdict = VERDICT_ENDLESS;
		(void)text_format(report->text, sizeof(report->text),
				  "table %s, after %llu rows of all, was not "
				  "read in time",
				  table_name(report->table), rows);
		break;
	}
	return ERR_OK;
}

static enum err_code slate_run(struct slate *slate,
			       const struct verify_plan *plan,
			       struct verify_report *report, struct err *err)
{
	struct look look = {plan, slate};
	const struct child_watch watch = {plan->time_limit_ms, word_say, &look};
	struct child_end end;
	enum err_code code = child_run(store_audit, slate, &watch, &end, err);

	if (code != ERR_OK)
		return code;
	return end_judge(report, slate, &end, err);
}

enum err_code verify_run(const char *folder, const struct verify_plan *plan,
			 struct verify_report *ret_report, struct err *err)
{
	struct slate *slate;
	struct shadow shadow;
	enum err_code code = shadow_open(folder, plan->scratch, &shadow, err);

	if (code != ERR_OK)
		return err_wrap(err, code, "verify %s", folder);
	slate = child_share(sizeof(*slate));
	if (slate == NULL) {
		code = err_sys(err, errno, "share memory");
	} else {
		slate->store = folder;
		slate->folder = shadow.path;
		code = slate_run(slate, plan, ret_report, err);
		child_unshare(slate, sizeof(*slate));
	}
	shadow_close(&shadow);
	if (code != ERR_OK)
		return err_wrap(err, code, "verify %s", folder);
	return ERR_OK;
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_CLEAN] = "clean",     [VERDICT_FINDINGS] = "findings",
		[VERDICT_DAMAGED] = "damaged", [VERDICT_CRASHED] = "crashed",
		[VERDICT_ENDLESS] = "endless",
	};

	ASSERT(verdict >= VERDICT_CLEAN && verdict <= VERDICT_ENDLESS);
	return names[verdict];
}
