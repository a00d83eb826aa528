#include "tests/powercut/powercut.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rules/base/text.h"
#include "tests/powercut/record.h"
#include "tests/powercut/replay.h"
#include "tests/support/check.h"

#define IMAGES_NORMAL 10000
#define CRASHES_MAX 100

/* ---- folders ---- */

static bool is_writable(const char *folder)
{
	return folder != NULL && access(folder, W_OK | X_OK) == 0;
}

static void work_folder_make(char *path, size_t size)
{
	const char *const candidates[] = {getenv("DEPOT_POWERCUT_DIR"),
					  "/dev/shm", getenv("TMPDIR"), "/tmp"};
	size_t i = 0;

	while (i < ARRAY_LEN(candidates) - 1 && !is_writable(candidates[i]))
		i++;
	(void)text_format(path, size, "%s/powercut-XXXXXX", candidates[i]);
	if (mkdtemp(path) == NULL) {
		perror(path);
		exit(1);
	}
}

static void remove_in(const char *folder, const char *name)
{
	char path[512];

	(void)text_format(path, sizeof(path), "%s/%s", folder, name);
	(void)unlink(path);
}

static void store_remove(const char *work, const char *name)
{
	char folder[256];

	(void)text_format(folder, sizeof(folder), "%s/%s", work, name);
	remove_in(folder, "data.mdb");
	remove_in(folder, "lock.mdb");
	remove_in(folder, "writer.lock");
	(void)rmdir(folder);
}

/* ---- one replay ---- */

/* Zeroed, and shared with children. */
static struct replay_report *report_open(void)
{
	void *memory =
		mmap(NULL, sizeof(struct replay_report), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT(memory != MAP_FAILED);
	return memory;
}

static void report_close(struct replay_report *report)
{
	(void)munmap(report, sizeof(*report));
}

/* Replays in a child. A signal that ends it is the image's fault. */
static void replay_once(const struct replay_plan *plan,
			struct replay_report *report)
{
	pid_t child;
	int status;

	(void)fflush(NULL);
	child = fork();
	ASSERT(child >= 0);
	if (child == 0) {
		replay(plan, report);
		(void)fflush(NULL);
		_exit(0);
	}
	ASSERT(waitpid(child, &status, 0) == child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	if (report->lost + report->damaged + report->crashed == 0)
		(void)err_set(&report->first, ERR_CORRUPT, "%s: crash: %s",
			      report->at,
			      WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
						  : "exit");
	report->crashed++;
}

static void replay_whole(const struct replay_plan *plan,
			 struct replay_report *report)
{
	uint64_t crashes_max = plan->lie == LIE_NONE ? 1 : CRASHES_MAX;

	while (!report->is_done && report->crashed < crashes_max)
		replay_once(plan, report);
}

/* The share that makes about IMAGES_NORMAL images. */
static uint64_t share_choose(struct replay_plan plan)
{
	struct replay_report *report = report_open();
	uint64_t share = UINT64_MAX;

	plan.is_dry = true;
	replay_whole(&plan, report);
	if (report->pairs > IMAGES_NORMAL)
		share = UINT64_MAX / report->pairs * IMAGES_NORMAL;
	report_close(report);
	return powercut_is_full() ? UINT64_MAX : share;
}

static void report_print(const struct replay_report *report, const char *what)
{
	printf("  %-22s %7llu images, %7llu distinct, %7llu opened: "
	       "%llu lost, %llu damaged, %llu crashed\n",
	       what, (unsigned long long)report->images,
	       (unsigned long long)report->distinct,
	       (unsigned long long)report->opened,
	       (unsigned long long)report->lost,
	       (unsigned long long)report->damaged,
	       (unsigned long long)report->crashed);
	if (report->first.text[0] != '\0')
		printf("    %s\n", report->first.text);
}

static void kinds_print(const struct replay_report *report)
{
	printf("    distinct ones: %llu prefixes, %llu with a write missing, "
	       "%llu torn\n",
	       (unsigned long long)report->distinct_of[IMAGE_PREFIX],
	       (unsigned long long)report->distinct_of[IMAGE_MISSING],
	       (unsigned long long)report->distinct_of[IMAGE_TORN]);
}

static bool honest_is_fine(const struct replay_plan *plan)
{
	struct replay_report *report = report_open();
	bool is_fine;

	replay_whole(plan, report);
	report_print(report, "honest disk");
	kinds_print(report);
	is_fine = report->is_done && report->opened > 0 &&
		  report->lost + report->damaged + report->crashed == 0;
	if (!is_fine)
		printf("FAILED: see %s\n", plan->folder);
	report_close(report);
	return is_fine;
}

/* What is asked for is a lost acknowledgement: damage alone could as well be
 * the harness's own fault. */
static bool lie_is_found(struct replay_plan plan, enum lie lie,
			 const char *what)
{
	struct replay_report *report = report_open();
	bool is_found;

	plan.lie = lie;
	replay_whole(&plan, report);
	report_print(report, what);
	is_found = report->lost > 0;
	if (!is_found)
		printf("FAILED: the check does not see it\n");
	report_close(report);
	return is_found;
}

/* ---- the whole ---- */

/* False if the recorder cannot have seen the workload's commits. */
static bool record_print(const struct powercut_workload *workload)
{
	const struct record *record = record_taken();
	size_t counts[EVENT_ACK + 1] = {0};
	size_t dsync = 0;

	for (size_t i = 0; i < record->count; i++) {
		counts[record->events[i].kind]++;
		dsync += record->events[i].is_dsync;
	}
	printf("%s: %zu writes, %zu of them synced, %zu syncs, %zu "
	       "acknowledgements, file of %zu bytes\n",
	       workload->name, counts[EVENT_WRITE], dsync, counts[EVENT_SYNC],
	       counts[EVENT_ACK], record->size);
	return counts[EVENT_ACK] > 0 &&
	       counts[EVENT_WRITE] >= counts[EVENT_ACK];
}

static bool replays_are_fine(const struct replay_plan *plan)
{
	bool is_fine = honest_is_fine(plan);

	is_fine &= lie_is_found(*plan, LIE_SYNC, "fdatasync does nothing");
	is_fine &= lie_is_found(*plan, LIE_DSYNC, "O_DSYNC does nothing");
	is_fine &= lie_is_found(*plan, LIE_ACK, "acknowledged too early");
	return is_fine;
}

int powercut_main(const struct powercut_workload *workload)
{
	char work[128];
	char live[160];
	char image[160];
	struct replay_plan plan = {
		.seed = test_seed(1), .folder = image, .workload = workload};
	bool is_fine;

	work_folder_make(work, sizeof(work));
	(void)text_format(live, sizeof(live), "%s/live", work);
	(void)text_format(image, sizeof(image), "%s/image", work);
	workload->run(workload->context, live);
	store_remove(work, "live");
	if (!record_print(workload)) {
		printf("FAILED: commits were not recorded\n");
		return 1;
	}
	ASSERT(mkdir(image, 0700) == 0);
	plan.share = share_choose(plan);
	is_fine = replays_are_fine(&plan);
	if (!is_fine)
		return 1;
	store_remove(work, "image");
	ASSERT(rmdir(work) == 0);
	printf("1 passed, 0 failed\n");
	return 0;
}
