#include "store/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/shadow.h"

#define TIME_LIMIT_MS_DEFAULT (UINT64_C(3600) * 1000)
#define LOOK_MS 100 /* between two words of progress */

/*
 * Shared by parent and child. The child fills it in as it goes, so that the
 * parent knows how far it came even if it does not come back.
 */
struct slate {
	_Atomic uint64_t done;
	_Atomic uint64_t total;
	_Atomic uint32_t table;
	enum err_code code; /* of what the child did */
	struct err err;
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

static enum err_code audit_in(const char *folder, struct slate *slate)
{
	const struct audit_plan plan = {progress_note, slate};
	struct env *env;
	struct view *view;
	enum err_code code = env_open(folder, ENV_READ, &env, &slate->err);

	if (code != ERR_OK)
		return code;
	code = view_begin(env, &view, &slate->err);
	if (code == ERR_OK)
		code = audit_run(view, &plan, &slate->audit, &slate->err);
	/* Neither is closed: the process ends, and on a damaged store the less
	 * is done the better. */
	return code;
}

/* A crash is to end the child at once: no handler of the program's, no core
 * of its memory. And nobody is left if the parent dies. */
_Noreturn static void child_main(const char *folder, struct slate *slate)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
	const struct rlimit none = {0, 0};

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		(void)signal(signals[i], SIG_DFL);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	check_hook_set(NULL);
	slate->code = audit_in(folder, slate);
	_exit(0);
}

/* ---- the parent ---- */

struct watch {
	pid_t child;
	int alive; /* readable, that is closed, when the child has ended */
	const struct verify_plan *plan;
	struct slate *slate;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static enum err_code word_say(const struct watch *watch, struct err *err)
{
	const struct slate *slate = watch->slate;
	enum err_code code;

	if (watch->plan->progress == NULL || slate->total == 0)
		return ERR_OK;
	code = watch->plan->progress(watch->plan->context,
				     (enum table)slate->table, slate->done,
				     slate->total);
	if (code != ERR_OK)
		return err_set(err, code, "the verification was ended");
	return ERR_OK;
}

/* Waits for the child's end, or until its time is up. */
static enum err_code child_wait(const struct watch *watch, bool *ret_is_late,
				struct err *err)
{
	uint64_t limit = watch->plan->time_limit_ms != 0
				 ? watch->plan->time_limit_ms
				 : TIME_LIMIT_MS_DEFAULT;
	uint64_t start = now_ms();

	*ret_is_late = false;
	for (;;) {
		struct pollfd end = {.fd = watch->alive, .events = POLLIN};
		enum err_code code;
		int ready = poll(&end, 1, LOOK_MS);

		if (ready > 0)
			return ERR_OK;
		if (ready < 0 && errno != EINTR)
			return err_sys(err, errno, "wait for the reader");
		*ret_is_late = now_ms() - start >= limit;
		if (*ret_is_late)
			return ERR_OK;
		code = word_say(watch, err);
		if (code != ERR_OK)
			return code;
	}
}

static void crash_tell(struct verify_report *report, const struct slate *slate,
		       int status)
{
	report->verdict = VERDICT_CRASHED;
	(void)text_format(
		report->text, sizeof(report->text),
		"damaged: table %s, after %llu rows, crashed the "
		"reader (%s %d)",
		table_name(report->table), (unsigned long long)slate->done,
		WIFSIGNALED(status) ? "signal" : "status",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void endless_tell(struct verify_report *report,
			 const struct slate *slate)
{
	report->verdict = VERDICT_ENDLESS;
	(void)text_format(report->text, sizeof(report->text),
			  "table %s, after %llu rows, was not read in time",
			  table_name(report->table),
			  (unsigned long long)slate->done);
}

/* Reads the slate of a child that came back. */
static enum err_code slate_read(struct verify_report *report,
				const struct slate *slate, struct err *err)
{
	if (slate->code == ERR_OK) {
		report->audit = slate->audit;
		report->verdict = audit_is_clean(&slate->audit)
					  ? VERDICT_CLEAN
					  : VERDICT_FINDINGS;
		return ERR_OK;
	}
	if (slate->code == ERR_CORRUPT || slate->code == ERR_INVALID) {
		report->verdict = VERDICT_DAMAGED;
		(void)text_format(report->text, sizeof(report->text), "%s",
				  slate->err.text);
		return ERR_OK;
	}
	return err_set(err, slate->code, "%s", slate->err.text);
}

static enum err_code child_judge(const struct watch *watch,
				 struct verify_report *report, struct err *err)
{
	const struct slate *slate = watch->slate;
	uint32_t table;
	bool is_late;
	int status;
	enum err_code code = child_wait(watch, &is_late, err);

	if (code != ERR_OK || is_late)
		(void)kill(watch->child, SIGKILL);
	while (waitpid(watch->child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (code != ERR_OK)
		return code;
	table = slate->table;
	report->text[0] = '\0';
	report->table = table < TABLE_COUNT ? (enum table)table : TABLE_META;
	if (is_late) {
		endless_tell(report, slate);
	} else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		crash_tell(report, slate, status);
	} else {
		return slate_read(report, slate, err);
	}
	return ERR_OK;
}

static enum err_code child_run(const char *folder,
			       const struct verify_plan *plan,
			       struct slate *slate,
			       struct verify_report *report, struct err *err)
{
	struct watch watch = {.plan = plan, .slate = slate};
	int ends[2];
	enum err_code code;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	watch.alive = ends[0];
	watch.child = fork();
	if (watch.child == 0)
		child_main(folder, slate);
	(void)close(ends[1]);
	code = watch.child < 0 ? err_sys(err, errno, "fork")
			       : child_judge(&watch, report, err);
	(void)close(ends[0]);
	return code;
}

enum err_code verify_run(const char *folder, const struct verify_plan *plan,
			 struct verify_report *ret_report, struct err *err)
{
	struct slate *slate;
	struct shadow shadow;
	enum err_code code = shadow_open(folder, plan->scratch, &shadow, err);

	if (code != ERR_OK)
		return err_wrap(err, code, "verify %s", folder);
	slate = mmap(NULL, sizeof(*slate), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (slate == MAP_FAILED) {
		code = err_sys(err, errno, "share memory");
	} else {
		code = child_run(shadow.path, plan, slate, ret_report, err);
		(void)munmap(slate, sizeof(*slate));
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
