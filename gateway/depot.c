/*
 * depot - looks at and works on a warehouse's ledger.
 *
 *	depot COMMAND [WORD...] [OPTION...]
 *
 * Talks to the running depotd, or goes straight to the store, under its lock,
 * where none runs. gateway/cli/verbs.h has the table of commands.
 */
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/cli/arguments.h"
#include "gateway/cli/ask.h"
#include "gateway/cli/help.h"

/* Texts are UTF-8 whatever the environment says. */
static void locale_set(void)
{
	(void)setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		(void)setlocale(LC_CTYPE, "C.UTF-8");
}

/* What the environment asks for; false if it has no wish. */
static bool environment_lang(bool *ret_is_chinese)
{
	static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);

		if (value == NULL || *value == '\0')
			continue;
		if (strcmp(value, "C") == 0 || strcmp(value, "POSIX") == 0 ||
		    strncmp(value, "C.", 2) == 0)
			return false;
		*ret_is_chinese = strncmp(value, "zh", 2) == 0;
		return true;
	}
	return false;
}

/* Where nobody says, the site's language; a configuration that cannot be read
 * is told by the verb that needs it. */
static void lang_choose(struct cli *cli)
{
	struct config *config;
	struct config_report *report;
	bool is_said = environment_lang(&cli->is_chinese);

	if (is_said)
		return;
	config = calloc(1, sizeof(*config));
	report = calloc(1, sizeof(*report));
	if (config != NULL && report != NULL &&
	    config_load(cli->config_path, config, report) == ERR_OK)
		cli->is_chinese = config->site.lang == CONFIG_LANG_ZH;
	free(config);
	free(report);
}

static enum exit_code verb_run(struct cli *cli)
{
	if (cli->wants_version) {
		(void)puts("depot " DEPOT_VERSION);
		return EXIT_DONE;
	}
	if (cli->verb != NULL && cli->wants_help) {
		help_verb(cli, cli->verb, stdout);
		return EXIT_DONE;
	}
	if (cli->verb != NULL)
		return cli->verb->run(cli);
	if (cli->word_count > 0)
		help_group(cli, span_of(cli->words[0]),
			   cli->wants_help ? stdout : stderr);
	else
		help_all(cli, cli->wants_help ? stdout : stderr);
	return cli->wants_help ? EXIT_DONE : EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct cli cli = {.config_path = CONFIG_PATH_DEFAULT};
	enum exit_code exit;

	locale_set();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)environment_lang(&cli.is_chinese); /* for mistakes in the line */
	exit = arguments_read(&cli, argc, argv);
	if (exit == EXIT_DONE && !cli.has_lang)
		lang_choose(&cli);
	if (exit == EXIT_DONE)
		exit = verb_run(&cli);
	ask_end(&cli);
	/* A result that did not get out is no result. */
	if ((fflush(stdout) != 0 || ferror(stdout) != 0) && exit == EXIT_DONE)
		exit = EXIT_FAILED;
	return (int)exit;
}
