/*
 * broker - a real mosquitto of its own for a test, on a free loopback port.
 *
 * Started, signalled and ended by its pid. Where there is none the test is
 * skipped, but never under CI=true.
 */
#ifndef DEPOT_TESTS_SUPPORT_BROKER_H
#define DEPOT_TESTS_SUPPORT_BROKER_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/scratch.h"

#define BROKER_PROGRAM "/usr/sbin/mosquitto"

struct broker {
	struct scratch scratch;
	char config[SCRATCH_PATH_SIZE];
	uint16_t port;
	pid_t pid; /* 0: not running */
};

static inline bool port_is_free(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_free;

	assert_true(fd >= 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	is_free = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	(void)close(fd);
	return is_free;
}

/*
 * A port that was free a moment ago: mosquitto takes no port 0. Below those
 * that the kernel gives to clients, one of which could have it before the
 * broker has, or while the broker is dead; and apart from what other tests
 * that run at the same time look at.
 */
static inline uint16_t port_free(void)
{
	static unsigned tries;

	for (unsigned end = tries + 1000; tries < end;) {
		unsigned step = (unsigned)getpid() * 61 + tries++;
		uint16_t port = (uint16_t)(10000 + step % 22000);

		if (port_is_free(port))
			return port;
	}
	fail_msg("no free port");
	return 0;
}

static inline void broker_config_write(const struct broker *broker,
				       const char *more)
{
	FILE *file = fopen(broker->config, "we");

	assert_non_null(file);
	assert_true(fprintf(file,
			    "listener %u 127.0.0.1\n"
			    "allow_anonymous true\n"
			    "persistence false\n"
			    "user root\n"
			    "max_inflight_messages 1000\n"
			    "max_queued_messages 100000\n"
			    "set_tcp_nodelay true\n"
			    "log_dest stderr\n"
			    "%s",
			    broker->port, more) > 0);
	assert_int_equal(fclose(file), 0);
}

/* Reads the broker's log until it says that it listens; the end of the log
 * means that it could not start. */
static inline bool broker_log_wait(int fd)
{
	char text[4096];
	size_t used = 0;

	while (used < sizeof(text) - 1) {
		ssize_t got = read(fd, text + used, sizeof(text) - 1 - used);

		if (got <= 0)
			return false;
		used += (size_t)got;
		text[used] = '\0';
		if (strstr(text, " running\n") != NULL)
			return true;
	}
	return false;
}

/* Starts the broker (again) on its port. The log's pipe is closed once it
 * listens; mosquitto minds neither. */
static inline void broker_run(struct broker *broker)
{
	char program[] = BROKER_PROGRAM;
	char option[] = "-c";
	char *arguments[] = {program, option, broker->config, NULL};
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	broker->pid = fork();
	assert_true(broker->pid >= 0);
	if (broker->pid == 0) {
		/* It ends with the test, however that ends. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)signal(SIGPIPE, SIG_IGN);
		(void)dup2(ends[1], STDERR_FILENO);
		/* Paho's sockets are not close-on-exec. */
		(void)close_range(STDERR_FILENO + 1, ~0u, 0);
		(void)execv(program, arguments);
		_exit(127);
	}
	(void)close(ends[1]);
	assert_true(broker_log_wait(ends[0]));
	(void)close(ends[0]);
}

static inline void broker_signal(const struct broker *broker, int number)
{
	assert_true(broker->pid > 0);
	assert_int_equal(kill(broker->pid, number), 0);
}

/* Stops it: when this returns it runs no more, until SIGCONT. */
static inline void broker_freeze(const struct broker *broker)
{
	int status;

	broker_signal(broker, SIGSTOP);
	assert_int_equal(waitpid(broker->pid, &status, WUNTRACED), broker->pid);
	assert_true(WIFSTOPPED(status));
}

static inline void broker_kill(struct broker *broker)
{
	int status;

	if (broker->pid <= 0)
		return;
	broker_signal(broker, SIGKILL);
	assert_int_equal(waitpid(broker->pid, &status, 0), broker->pid);
	broker->pid = 0;
}

/* Returns false if the test is to be skipped. @more: lines of mosquitto.conf */
static inline bool broker_start(struct broker *broker, const char *more)
{
	const char *ci = getenv("CI");

	if (access(BROKER_PROGRAM, X_OK) != 0) {
		if (ci != NULL && strcmp(ci, "true") == 0)
			fail_msg("no %s, and CI=true", BROKER_PROGRAM);
		return false;
	}
	scratch_make(&broker->scratch);
	(void)scratch_path(&broker->scratch, "mosquitto.conf", broker->config);
	broker->port = port_free();
	broker_config_write(broker, more);
	broker_run(broker);
	return true;
}

static inline void broker_stop(struct broker *broker)
{
	if (broker->port == 0)
		return;
	broker_kill(broker);
	scratch_remove(&broker->scratch);
	broker->port = 0;
}

#endif
