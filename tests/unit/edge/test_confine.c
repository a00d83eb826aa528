/*
 * What a confined process has given up it has given up. Method: a child for
 * each promise, which tries what it may no more, and what it still may.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/edge/confine.h"
#include "tests/support/check.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_CONFINED false
#else
#define IS_CONFINED true
#endif

#define SETUP()                                                    \
	do {                                                       \
		(void)state;                                       \
		if (!IS_CONFINED)                                  \
			skip_because("a sanitizer's build is not " \
				     "confined");                  \
	} while (0)

/* Runs @check in a child; it returns 0 or the line that it failed at. */
static void child(int (*check)(void))
{
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(check());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("status %d: exit %d", status, WEXITSTATUS(status));
}

static bool memory_is_there(size_t size)
{
	char *memory = malloc(size);
	bool is_there = memory != NULL;

	if (is_there)
		memset(memory, 1, size);
	free(memory);
	return is_there;
}

static void *stack_size(void *context)
{
	pthread_attr_t attributes;

	if (pthread_getattr_np(pthread_self(), &attributes) != 0)
		return NULL;
	(void)pthread_attr_getstacksize(&attributes, context);
	(void)pthread_attr_destroy(&attributes);
	return context;
}

static int memory_check(void)
{
	pthread_t thread;
	size_t size = 0;

	if (!memory_is_there(64 << 20))
		return 1;
	if (confine_memory(32 << 20, NULL) != ERR_OK)
		return 2;
	if (memory_is_there(64 << 20) || !memory_is_there(16 << 20))
		return 3;
	if (pthread_create(&thread, NULL, stack_size, &size) != 0 ||
	    pthread_join(thread, NULL) != 0)
		return 4;
	return size <= CONFINE_STACK_SIZE + 65536 && size > 0 ? 0 : 5;
}

static void more_memory_than_was_agreed_is_refused(void **state)
{
	SETUP();
	child(memory_check);
}

static bool is_refused(int result)
{
	return result < 0 && errno == EPERM;
}

static int calls_check(void)
{
	char program[] = "/bin/true";
	char *arguments[] = {program, NULL};
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
		return 1;
	if (confine_calls(NULL) != ERR_OK)
		return 2;
	if (!is_refused(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) ||
	    !is_refused(socket(AF_UNIX, SOCK_SEQPACKET, 0)))
		return 3;
	if (!is_refused(execv(program, arguments)))
		return 4;
	if (!is_refused(kill(getppid(), 0)))
		return 5;
	/* The journal, the network, files, and what was open before. */
	if (socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0 ||
	    socket(AF_INET, SOCK_STREAM, 0) < 0 ||
	    socket(AF_INET6, SOCK_DGRAM, 0) < 0)
		return 6;
	if (open("/dev/null", O_RDONLY) < 0)
		return 7;
	return send(ends[0], "x", 1, 0) == 1 ? 0 : 8;
}

static void other_programs_and_local_sockets_are_out_of_reach(void **state)
{
	SETUP();
	child(calls_check);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_memory_than_was_agreed_is_refused),
		cmocka_unit_test(
			other_programs_and_local_sockets_are_out_of_reach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
