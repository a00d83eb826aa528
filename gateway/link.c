/*
 * depot-link - carries what sites tell each other between depotd and one far
 * broker.
 *
 *	depot-link NAME [--config FILE] [--join NUMBER] [--check]
 *	                [--version] [--help]
 *
 * With --join it is the link of a bare box that asks to join by that
 * invitation (depot join runs it so), and carries nothing else.
 *
 * It holds no keys and no ledger, and little memory: what a hostile broker can
 * do it does to this process, which is then started again.
 *
 * Exit codes: 0 ended by a signal, or the link is not enabled; 1 failed,
 * 2 usage, 5 there is no such link, 75 depotd is not there (any more), or the
 * far broker is not to be had: start it again; 78 the configuration has
 * mistakes.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/config.h"
#include "gateway/edge/confine.h"
#include "gateway/edge/link_client.h"
#include "gateway/edge/link_server.h"
#include "gateway/edge/log.h"
#include "gateway/edge/password.h"
#include "gateway/log_level.h"
#include "store/seal.h"

#define EXIT_USAGE 2
#define EXIT_NOT_FOUND 5
#define EXIT_AGAIN 75

/* With the code of the program and its libraries less than 64 MiB. */
#define MEMORY_MAX ((size_t)48 << 20)
#define PASSWORD_SIZE 256
#define SOCKET_PATH_SIZE (CONFIG_PATH_SIZE + sizeof(LINK_SOCKET_NAME))
#define SIGNALS 2

static const char usage[] =
	"examples:\n"
	"  depot-link hq --check              is the configuration right?\n"
	"  depot-link hq --config /etc/depot/depot.conf\n"
	"\n"
	"usage: depot-link NAME [--config FILE] [--check]\n"
	"                  [--version] [--help]\n";

struct program {
	const struct config *config;
	const struct config_link *link;
	struct clock clock;
	struct loop *loop;
	struct log *log;
	struct loop_source *signals[SIGNALS];
	struct link_client *client;
	uint32_t join_number; /* 0: this box is a site */
	bool is_signalled;
};

static void on_signal(void *context, uint32_t number)
{
	struct program *program = context;

	(void)number;
	program->is_signalled = true;
	loop_stop(program->loop);
}

static enum err_code start_world(struct program *program, struct err *err)
{
	static const int numbers[SIGNALS] = {SIGTERM, SIGINT};
	struct log_config log = {
		.identifier = "depot-link",
		.level_max = log_level_of(program->config->log.level),
		.queue_lines = 16,
		.clock = &program->clock,
		.fd = 2,
	};
	enum err_code code;

	clock_init(&program->clock, NULL, NULL);
	code = loop_open(&program->loop, err);
	for (size_t i = 0; i < SIGNALS && code == ERR_OK; i++)
		code = loop_add_signal(program->loop, numbers[i],
				       (struct loop_call){on_signal, program},
				       &program->signals[i], err);
	if (code == ERR_OK)
		code = log_open(&log, &program->log, err);
	return code;
}

static const char *set_or_null(const char *text)
{
	return text[0] == '\0' ? NULL : text;
}

static enum err_code start_client(struct program *program, struct err *err)
{
	const struct config *config = program->config;
	const struct config_link *link = program->link;
	char password[PASSWORD_SIZE];
	char socket[SOCKET_PATH_SIZE];
	struct link_client_config client = {
		.socket = socket,
		.org = config->site.org,
		.site = config->site.site,
		.name = link->name,
		.is_metered = link->is_metered,
		.budget = link->budget,
		.hears_joining = link->hears_joining,
		.join_number = program->join_number,
		.uri = link->uri,
		.user = set_or_null(link->user),
		.password = password,
		.ca_file = set_or_null(link->ca_file),
		.cert_file = set_or_null(link->cert_file),
		.key_file = set_or_null(link->key_file),
		.keepalive_s = link->keepalive_s,
		.loop = program->loop,
		.clock = &program->clock,
		.log = program->log,
	};
	enum err_code code = password_read(link->password_file, password,
					   sizeof(password), err);

	if (password[0] == '\0')
		client.password = NULL;
	(void)text_format(socket, sizeof(socket), "%s/" LINK_SOCKET_NAME,
			  config->runtime.dir);
	seal_random(&client.seed, sizeof(client.seed));
	if (code == ERR_OK)
		code = link_client_open(&client, &program->client, err);
	explicit_bzero(password, sizeof(password));
	return code;
}

/* depotd's socket is opened by the client: after confine_calls it could not
 * be. */
static enum err_code start(struct program *program, struct err *err)
{
	enum err_code code = confine_memory(MEMORY_MAX, err);

	if (code == ERR_OK)
		code = start_world(program, err);
	if (code == ERR_OK)
		code = start_client(program, err);
	if (code != ERR_OK)
		return code;
	log_event(program->log, LEVEL_INFO, "link_started",
		  "link %s carries to and from %s", program->link->name,
		  program->link->uri);
	code = confine_calls(err);
	if (code == ERR_OK)
		link_client_start(program->client);
	return code;
}

/* While a name is looked up, which may take minutes, Paho's threads cannot be
 * ended in order: there is nothing of ours that this could harm. */
static void stop(struct program *program, int status)
{
	if (program->client != NULL &&
	    link_client_is_connecting(program->client))
		_exit(status);
	link_client_close(program->client);
	log_close(program->log);
	for (size_t i = 0; i < SIGNALS; i++)
		loop_remove(program->signals[i]);
	loop_close(program->loop);
}

static int exit_of(const struct program *program, enum err_code code)
{
	if (code == ERR_NOT_FOUND || code == ERR_AGAIN)
		return EXIT_AGAIN;
	if (code != ERR_OK)
		return EXIT_FAILURE;
	return program->is_signalled ? EXIT_SUCCESS : EXIT_AGAIN;
}

static int run(const struct config *config, const struct config_link *link,
	       uint32_t join_number)
{
	struct program program = {
		.config = config, .link = link, .join_number = join_number};
	struct err err;
	enum err_code code = start(&program, &err);
	char words[ERR_TEXT_SIZE + 64];
	int status;

	if (code == ERR_OK)
		code = loop_run(program.loop, &err);
	status = exit_of(&program, code);
	if (code != ERR_OK) {
		(void)text_format(words, sizeof(words), "depot-link %s: %s",
				  link->name, err.text);
		log_last_words(words);
	} else if (!program.is_signalled) {
		log_event(program.log, LEVEL_NOTICE, "link_ended",
			  "link %s: %s", link->name,
			  link_client_result(program.client) == ERR_AGAIN
				  ? "the far broker is not to be had"
				  : "depotd hung up");
	}
	stop(&program, status);
	return status;
}

/* What was asked for. */
struct wish {
	const char *path;
	const char *name;
	uint32_t join_number;
	bool is_check;
};

static int link_choose(const struct config *config, const struct wish *wish)
{
	const char *name = wish->name;
	const struct config_link *link = config_link_find(config, name);

	if (link == NULL) {
		(void)fprintf(stderr,
			      "depot-link: there is no [link %s] in "
			      "%s\n",
			      name, config->path);
		return EXIT_NOT_FOUND;
	}
	if (wish->is_check)
		return EXIT_SUCCESS;
	if (!link->is_enabled) {
		(void)fprintf(stderr, "depot-link: [link %s] is not enabled\n",
			      name);
		return EXIT_SUCCESS;
	}
	return run(config, link, wish->join_number);
}

static int act(const struct wish *wish)
{
	struct config *config = calloc(1, sizeof(*config));
	struct config_report *report = calloc(1, sizeof(*report));
	int status = EXIT_FAILURE;

	if (config == NULL || report == NULL) {
		log_last_words("depot-link: out of memory");
	} else if (config_load(wish->path, config, report) != ERR_OK) {
		config_report_print(config, report, config->site.lang, stderr);
		status = CONFIG_EXIT;
	} else {
		status = link_choose(config, wish);
	}
	free(report);
	free(config);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"join", required_argument, NULL, 'j'},
		{"check", no_argument, NULL, 'k'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct wish wish = {.path = CONFIG_PATH_DEFAULT};
	uint64_t number;
	int option;

	check_hook_set(log_last_words);
	while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			wish.path = optarg;
			break;
		case 'j':
			if (!span_to_u64(span_of(optarg), UINT32_MAX,
					 &number)) {
				fputs(usage, stderr);
				return EXIT_USAGE;
			}
			wish.join_number = (uint32_t)number;
			break;
		case 'k':
			wish.is_check = true;
			break;
		case 'v':
			puts("depot-link " DEPOT_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind + 1 != argc) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	wish.name = argv[optind];
	return act(&wish);
}
