#include "gateway/cli/join_start.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/cli/port_taken.h"

#define SELF "/proc/self/exe"
#define NOT_THERE 127
#define WORDS_MAX 12
#define LINK_HQ "hq"

static const struct control_refusal no_systemctl = {
	"not_found",
	"there is no systemctl here: start depotd in another way%s",
	"本机没有 systemctl：请以其他方式启动 depotd%s"};
static const struct control_refusal not_started = {
	"failed",
	"the box has joined, and systemctl %s failed: journalctl -u depotd "
	"says why",
	"已加入，但 systemctl %s 失败：原因见 journalctl -u depotd"};
static const struct control_refusal port_kept = {
	"conflict",
	"the box has joined, and was not started: its broker's port is "
	"taken%s",
	"已加入但未启动：代理端口被占用%s"};

/* ---- other programs ---- */

/* How the child ended. NOT_THERE: it could not be run, or was killed. */
static int child_wait(pid_t child)
{
	int status = -1;

	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : NOT_THERE;
}

/* @words end with NULL. What the program says goes to stderr, unless it is
 * depot itself. */
static int program_run(const char *program, const char *const *words)
{
	char *copies[WORDS_MAX] = {NULL};
	bool is_self = strcmp(program, SELF) == 0;
	pid_t child;

	for (size_t i = 0; words[i] != NULL; i++) {
		ASSERT(i + 1 < ARRAY_LEN(copies));
		copies[i] = strdup(words[i]);
		if (copies[i] == NULL)
			return NOT_THERE; /* and so ends the program */
	}
	(void)fflush(NULL); /* nothing twice */
	child = fork();
	if (child == 0) {
		if (!is_self)
			(void)dup2(STDERR_FILENO, STDOUT_FILENO);
		(void)execvp(program, copies);
		_exit(NOT_THERE);
	}
	for (size_t i = 0; i < ARRAY_LEN(copies); i++)
		free(copies[i]);
	return child_wait(child);
}

static enum exit_code systemctl(const struct cli *cli, const char *verb,
				const char *unit)
{
	const char *const words[] = {"systemctl", verb, "--now", unit, NULL};
	int ended = program_run("systemctl", words);

	if (ended == NOT_THERE)
		return cli_refuse(cli, EXIT_FAILED, &no_systemctl, "");
	return ended == 0 ? EXIT_DONE
			  : cli_refuse(cli, EXIT_FAILED, &not_started, verb);
}

/* ---- starting ---- */

/* depotd that runs has the port itself, and is started already. */
static enum exit_code port_clear(const struct cli *cli,
				 const struct config *config)
{
	const char *const words[] = {"systemctl", "is-active", "--quiet",
				     "depotd", NULL};

	if (!port_is_taken(config) || program_run("systemctl", words) == 0)
		return EXIT_DONE;
	if (!cli_confirm(
		    cli,
		    cli_say(cli,
			    "The broker's port is taken, mostly by "
			    "Debian's own mosquitto. Stop that one for "
			    "good?",
			    "代理端口被占用，多为 Debian 自带的 mosquitto。"
			    "永久停用它吗？")))
		return cli_refuse(cli, EXIT_CONFLICT, &port_kept, "");
	return systemctl(cli, "disable", "mosquitto");
}

static enum exit_code units_start(struct cli *cli)
{
	enum exit_code exit = EXIT_DONE;
	/* As the join has written it. */
	const struct config *config = cli_config(cli, &exit);

	if (config == NULL)
		return exit;
	exit = port_clear(cli, config);
	if (exit == EXIT_DONE)
		exit = systemctl(cli, "enable", "depotd");
	if (exit == EXIT_DONE && config_link_find(config, LINK_HQ) != NULL)
		exit = systemctl(cli, "enable", "depot-link@" LINK_HQ);
	if (exit == EXIT_DONE && !cli->is_json)
		(void)puts(cli_say(cli, "started, now and at each boot",
				   "已启动，并随系统启动"));
	return exit;
}

/* ---- a scanner ---- */

static enum exit_code scanner_add(const struct cli *cli, const char *name)
{
	const char *words[WORDS_MAX] = {"depot", "--config", cli->config_path,
					"--lang",
					cli->is_chinese ? "zh" : "en"};
	size_t count = 5;

	if (cli->is_json)
		words[count++] = "--json";
	words[count++] = "device";
	words[count++] = "add";
	words[count++] = name;
	if (!cli->is_json)
		(void)puts("");
	return (enum exit_code)program_run(SELF, words);
}

/* ---- behind the join ---- */

static enum exit_code join_apart(struct cli *cli,
				 enum exit_code (*join)(struct cli *))
{
	pid_t child;
	int ended;

	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		enum exit_code exit = join(cli);

		if (fflush(stdout) != 0 && exit == EXIT_DONE)
			exit = EXIT_FAILED;
		_exit((int)exit);
	}
	ended = child_wait(child);
	return ended == NOT_THERE ? EXIT_FAILED : (enum exit_code)ended;
}

enum exit_code join_start(struct cli *cli, enum exit_code (*join)(struct cli *))
{
	bool is_start = cli_option(cli, "--start") != NULL;
	const char *device = cli_option(cli, "--device");
	enum exit_code joined;
	enum exit_code exit = EXIT_DONE;

	if (!is_start && device == NULL)
		return join(cli);
	joined = join_apart(cli, join);
	/* Without HQ's answer it books already. */
	if (joined != EXIT_DONE && joined != EXIT_LOOK)
		return joined;
	if (is_start)
		exit = units_start(cli);
	if (exit == EXIT_DONE && device != NULL)
		exit = scanner_add(cli, device);
	return exit == EXIT_DONE ? joined : exit;
}
