/*
 * depotd - the daemon of one warehouse.
 *
 *	depotd [--config FILE] [--check | --print-config] [--version] [--help]
 *
 * Exit codes: 0 ended in order, 1 failed, 2 usage, 4 there is no store yet,
 * 6 the store is another site's or in use, 75 try again, 78 the configuration
 * has mistakes (nothing was started).
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/config.h"
#include "gateway/depotd_box.h"
#include "gateway/edge/log.h"

#define EXIT_USAGE 2
#define EXIT_NOT_COMMISSIONED 4
#define EXIT_CONFLICT 6
#define EXIT_AGAIN 75

enum action {
	ACTION_RUN,
	ACTION_CHECK,
	ACTION_PRINT,
};

static const char usage[] =
	"examples:\n"
	"  depotd --check                     is the configuration right?\n"
	"  depotd --config /etc/depot/depot.conf\n"
	"\n"
	"usage: depotd [--config FILE] [--check | --print-config]\n"
	"              [--version] [--help]\n";

static int exit_of(enum err_code code)
{
	switch (code) {
	case ERR_OK:
		return EXIT_SUCCESS;
	case ERR_NOT_COMMISSIONED:
		return EXIT_NOT_COMMISSIONED;
	case ERR_CONFLICT:
		return EXIT_CONFLICT;
	case ERR_AGAIN:
		return EXIT_AGAIN;
	case ERR_INVALID:
	case ERR_NOT_FOUND:
	case ERR_OVERFLOW:
	case ERR_FULL:
	case ERR_IO:
	case ERR_CORRUPT:
	case ERR_VERSION:
	case ERR_UNSAFE:
	case ERR_DENIED:
	case ERR_STOPPED:
		break;
	}
	return EXIT_FAILURE;
}

/*
 * The same program from its beginning, with the same process number: whoever
 * started it sees no end. Under systemd the unit is started again instead,
 * since its manager has been told of the end.
 */
static void begin_again(char **argv)
{
	if (getenv("NOTIFY_SOCKET") == NULL)
		(void)execv("/proc/self/exe", argv);
}

static int run(struct config *config, char **argv)
{
	bool is_again = false;
	struct box *box = calloc(1, sizeof(*box));
	struct err err = {.text = "out of memory"};
	enum err_code code = ERR_FULL;
	char words[ERR_TEXT_SIZE + 16];

	if (box != NULL) {
		code = box_start(box, config, &err);
		if (code == ERR_OK)
			code = box_run(box, &err);
		box_stop(box);
		is_again = box->is_again && code == ERR_OK;
		free(box);
	}
	if (is_again)
		begin_again(argv);
	if (code != ERR_OK) {
		(void)text_format(words, sizeof(words), "depotd: %s", err.text);
		log_last_words(words);
	}
	return is_again ? EXIT_AGAIN : exit_of(code);
}

static int act(enum action action, const char *path, char **argv)
{
	struct config *config = calloc(1, sizeof(*config));
	struct config_report *report = calloc(1, sizeof(*report));
	int status = EXIT_FAILURE;

	if (config == NULL || report == NULL) {
		log_last_words("depotd: out of memory");
	} else if (config_load(path, config, report) != ERR_OK) {
		config_report_print(config, report, config->site.lang, stderr);
		status = CONFIG_EXIT;
	} else if (action == ACTION_CHECK) {
		status = EXIT_SUCCESS;
	} else if (action == ACTION_PRINT) {
		config_print(config, stdout);
		status = EXIT_SUCCESS;
	} else {
		status = run(config, argv);
	}
	free(report);
	free(config);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'k'},
		{"print-config", no_argument, NULL, 'p'},
		{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *path = CONFIG_PATH_DEFAULT;
	enum action action = ACTION_RUN;
	int option;

	check_hook_set(log_last_words);
	while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 'k':
			action = ACTION_CHECK;
			break;
		case 'p':
			action = ACTION_PRINT;
			break;
		case 'v':
			puts("depotd " DEPOT_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind != argc) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	return act(action, path, argv);
}
