#include "store/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TIME_LIMIT_MS_DEFAULT (UINT64_C(3600) * 1000)
#define LOOK_MS 100

/* What the child tells of itself at its end. */
struct report {
	enum err_code code;
	struct err err;
};

void *child_share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void child_unshare(void *memory, size_t size)
{
	if (memory != NULL)
		(void)munmap(memory, size);
}

/* A crash is to end the child at once: no handler of the program's, no core
 * of its memory. And nobody is left if the parent dies. */
_Noreturn static void child_main(child_work_fn *work, void *context,
				 struct report *report)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
	const struct rlimit none = {0, 0};

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		(void)signal(signals[i], SIG_DFL);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	check_hook_set(NULL);
	report->code = work(context, &report->err);
	_exit(0);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A child under way since @start, in ms of the monotonic clock. */
struct child {
	pid_t id;
	int alive;
	uint64_t start;
	const struct report *report;
};

/* Waits until the other end of the pipe is closed, which the child's end does,
 * or until its time is up. Who ends after that is late too, whenever this
 * process came to see it: the verdict does not depend on who was scheduled. */
static enum err_code end_wait(const struct child *child,
			      const struct child_watch *watch,
			      bool *ret_is_late, struct err *err)
{
	uint64_t limit = watch->time_limit_ms != 0 ? watch->time_limit_ms
						   : TIME_LIMIT_MS_DEFAULT;

	for (;;) {
		struct pollfd end = {.fd = child->alive, .events = POLLIN};
		uint64_t spent = now_ms() - child->start;
		uint64_t left = spent < limit ? limit - spent : 0;
		enum err_code code = ERR_OK;
		int ready = poll(&end, 1, left < LOOK_MS ? (int)left : LOOK_MS);

		if (ready < 0 && errno != EINTR)
			return err_sys(err, errno, "wait for a child");
		*ret_is_late = now_ms() - child->start >= limit;
		if (ready > 0 || *ret_is_late)
			return ERR_OK;
		if (watch->look != NULL)
			code = watch->look(watch->context, err);
		if (code != ERR_OK)
			return code;
	}
}

static enum err_code end_judge(const struct child *child,
			       const struct child_watch *watch,
			       struct child_end *ret_end, struct err *err)
{
	bool is_late;
	int status;
	enum err_code code = end_wait(child, watch, &is_late, err);

	if (code != ERR_OK || is_late)
		(void)kill(child->id, SIGKILL);
	while (waitpid(child->id, &status, 0) < 0 && errno == EINTR)
		continue;
	if (code != ERR_OK)
		return code;
	*ret_end = (struct child_end){.how = CHILD_RETURNED};
	if (is_late) {
		ret_end->how = CHILD_LATE;
	} else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		ret_end->how = CHILD_CRASHED;
		ret_end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	} else {
		ret_end->code = child->report->code;
		ret_end->err = child->report->err;
	}
	return ERR_OK;
}

#if defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
/* gcc 12's address sanitizer forks with its own locks as they are: if another
 * thread allocates just then, the child waits for ever at its first malloc.
 * Later ones take these locks by themselves. */
void asan_threads_lock(void) __asm__("_ZN6__lsan18LockThreadRegistryEv");
void asan_threads_unlock(void) __asm__("_ZN6__lsan20UnlockThreadRegistryEv");
void asan_memory_lock(void) __asm__("_ZN6__lsan13LockAllocatorEv");
void asan_memory_unlock(void) __asm__("_ZN6__lsan15UnlockAllocatorEv");
void asan_stacks_lock(void) __asm__("_ZN11__sanitizer17StackDepotLockAllEv");
void asan_stacks_unlock(void) __asm__(
	"_ZN11__sanitizer19StackDepotUnlockAllEv");

static pid_t fork_whole(void)
{
	pid_t id;

	asan_threads_lock();
	asan_memory_lock();
	asan_stacks_lock();
	id = fork();
	asan_stacks_unlock();
	asan_memory_unlock();
	asan_threads_unlock();
	return id;
}
#else
static pid_t fork_whole(void)
{
	return fork();
}
#endif

enum err_code child_run(child_work_fn *work, void *context,
			const struct child_watch *watch,
			struct child_end *ret_end, struct err *err)
{
	struct report *report = child_share(sizeof(*report));
	struct child child = {.start = now_ms(), .report = report};
	enum err_code code;
	int ends[2];

	if (report == NULL)
		return err_sys(err, errno, "share memory");
	if (pipe2(ends, O_CLOEXEC) < 0) {
		code = err_sys(err, errno, "pipe");
		child_unshare(report, sizeof(*report));
		return code;
	}
	child.id = fork_whole();
	if (child.id == 0)
		child_main(work, context, report);
	(void)close(ends[1]);
	child.alive = ends[0];
	code = child.id < 0 ? err_sys(err, errno, "fork")
			    : end_judge(&child, watch, ret_end, err);
	(void)close(ends[0]);
	child_unshare(report, sizeof(*report));
	return code;
}
