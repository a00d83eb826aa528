#include "gateway/edge/broker_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rules/base/text.h"

#define COMMAND_LINE_SIZE 4096
#define STATUS_SIZE 4096

/* Of at most @size - 1 bytes, terminated; -1 if it cannot be read. */
static ssize_t file_read(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t count;

	if (fd < 0)
		return -1;
	count = read(fd, buffer, size - 1);
	(void)close(fd); /* opened for reading: nothing to lose */
	if (count >= 0)
		buffer[count] = '\0';
	return count;
}

static pid_t pid_read(const char *path)
{
	char text[32];
	uint64_t number;
	ssize_t size = file_read(path, text, sizeof(text));

	if (size <= 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	if (!span_to_u64(span_of(text), INT32_MAX, &number) || number <= 1)
		return 0;
	return (pid_t)number;
}

/* True if one of the arguments is "-c" and the next one @conf_path. */
static bool arguments_name(const char *line, size_t size, const char *conf_path)
{
	bool was_option = false;

	for (size_t at = 0; at < size; at += strlen(line + at) + 1) {
		if (was_option && strcmp(line + at, conf_path) == 0)
			return true;
		was_option = strcmp(line + at, "-c") == 0;
	}
	return false;
}

static bool is_ours(pid_t pid, const char *conf_path)
{
	char path[64];
	char line[COMMAND_LINE_SIZE];
	ssize_t size;

	(void)text_format(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	size = file_read(path, line, sizeof(line));
	if (size < 0)
		return kill(pid, 0) == 0;
	return arguments_name(line, (size_t)size, conf_path);
}

enum err_code process_find(const char *pid_path, const char *conf_path,
			   struct broker_process *ret_process, struct err *err)
{
	struct broker_process process = {.pid = pid_read(pid_path)};

	if (process.pid == 0)
		return ERR_NOT_FOUND;
	/* First the descriptor, then the look at whose it is: it cannot
	 * become another's in between. */
	process.fd = pidfd_open(process.pid, 0);
	if (process.fd < 0 && (errno == ESRCH || errno == EINVAL))
		return ERR_NOT_FOUND;
	if (process.fd < 0)
		return err_sys(err, errno, "look for the broker");
	if (!is_ours(process.pid, conf_path) || process_wait(&process, 0)) {
		(void)close(process.fd);
		return ERR_NOT_FOUND;
	}
	*ret_process = process;
	return ERR_OK;
}

/* ---- starting ---- */

/* What the loop has blocked for itself is no signal that mosquitto could do
 * without, and neither is one that we ignore. */
static int attributes_set(posix_spawnattr_t *attributes)
{
	short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
		      POSIX_SPAWN_SETSIGDEF;
	sigset_t none;
	sigset_t all;
	int number = posix_spawnattr_setflags(attributes, flags);

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	if (number == 0)
		number = posix_spawnattr_setpgroup(attributes, 0);
	if (number == 0)
		number = posix_spawnattr_setsigmask(attributes, &none);
	if (number == 0)
		number = posix_spawnattr_setsigdefault(attributes, &all);
	return number;
}

/* Paho's sockets are not close-on-exec. */
static int actions_set(posix_spawn_file_actions_t *actions)
{
	int number = posix_spawn_file_actions_addopen(actions, STDIN_FILENO,
						      "/dev/null", O_RDONLY, 0);

	if (number == 0)
		number = posix_spawn_file_actions_addclosefrom_np(
			actions, STDERR_FILENO + 1);
	return number;
}

static int spawn(char *const *arguments, pid_t *ret_pid)
{
	char *environment[] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int number = posix_spawn_file_actions_init(&actions);

	if (number != 0)
		return number;
	number = posix_spawnattr_init(&attributes);
	if (number == 0) {
		number = attributes_set(&attributes);
		if (number == 0)
			number = actions_set(&actions);
		if (number == 0)
			number = posix_spawn(ret_pid, arguments[0], &actions,
					     &attributes, arguments,
					     environment);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	return number;
}

enum err_code process_start(const char *program, const char *conf_path,
			    struct broker_process *ret_process, struct err *err)
{
	char program_text[256];
	char option[] = "-c";
	char conf_text[256];
	char *arguments[] = {program_text, option, conf_text, NULL};

	if (!text_format(program_text, sizeof(program_text), "%s", program) ||
	    !text_format(conf_text, sizeof(conf_text), "%s", conf_path))
		return err_set(err, ERR_INVALID, "path too long: %s", program);
	return process_run(arguments, ret_process, err);
}

enum err_code process_run(char *const *arguments,
			  struct broker_process *ret_process, struct err *err)
{
	struct broker_process process = {.is_child = true};
	int number = spawn(arguments, &process.pid);

	if (number != 0)
		return err_sys(err, number, "start %s", arguments[0]);
	process.fd = pidfd_open(process.pid, 0);
	if (process.fd < 0) {
		number = errno;
		(void)kill(process.pid, SIGKILL);
		(void)waitpid(process.pid, NULL, 0);
		return err_sys(err, number, "watch %s", arguments[0]);
	}
	*ret_process = process;
	return ERR_OK;
}

/* ---- afterwards ---- */

/* The mask of handled signals, in hexadecimal, as proc(5) has it. */
static bool mask_read(const char *status, uint64_t *ret_mask)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = strstr(status, "\nSigCgt:\t");
	const char *digit;
	uint64_t mask = 0;

	if (at == NULL)
		return false;
	for (at = strchr(at, '\t') + 1; *at != '\n'; at++) {
		digit = *at == '\0' ? NULL : strchr(digits, *at);
		if (digit == NULL)
			return false;
		mask = mask << 4 | (uint64_t)(digit - digits);
	}
	*ret_mask = mask;
	return true;
}

bool process_handles(const struct broker_process *process, int number)
{
	char path[64];
	char status[STATUS_SIZE];
	uint64_t mask;

	(void)text_format(path, sizeof(path), "/proc/%d/status",
			  (int)process->pid);
	if (file_read(path, status, sizeof(status)) < 0 ||
	    !mask_read(status, &mask))
		return true;
	return (mask >> (number - 1) & 1) != 0;
}

void process_signal(const struct broker_process *process, int number)
{
	if (process->pid != 0)
		(void)pidfd_send_signal(process->fd, number, NULL, 0);
}

bool process_wait(const struct broker_process *process, int timeout_ms)
{
	struct pollfd waited = {.fd = process->fd, .events = POLLIN};

	return poll(&waited, 1, timeout_ms) == 1;
}

void process_reap(struct broker_process *process,
		  char words[PROCESS_WORDS_SIZE])
{
	int status = 0;

	(void)text_format(words, PROCESS_WORDS_SIZE, "ended");
	if (process->is_child && waitpid(process->pid, &status, 0) > 0) {
		if (WIFSIGNALED(status))
			(void)text_format(words, PROCESS_WORDS_SIZE,
					  "signal %d", WTERMSIG(status));
		else
			(void)text_format(words, PROCESS_WORDS_SIZE, "exit %d",
					  WEXITSTATUS(status));
	}
	process_leave(process);
}

void process_end(struct broker_process *process, int timeout_ms)
{
	char words[PROCESS_WORDS_SIZE];

	if (process->pid == 0)
		return;
	process_signal(process, SIGTERM);
	if (!process_wait(process, timeout_ms)) {
		process_signal(process, SIGKILL);
		(void)process_wait(process, timeout_ms);
	}
	process_reap(process, words);
}

void process_leave(struct broker_process *process)
{
	if (process->pid != 0)
		(void)close(process->fd);
	*process = (struct broker_process){.pid = 0};
}
