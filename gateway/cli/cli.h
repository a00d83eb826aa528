/*
 * cli - what every verb of `depot` is given, and how it ends.
 *
 * Layer     programs
 * Threads   one
 *
 * stdout is the result, stderr the talk. With --json stdout holds one document
 * a line, also for errors, and the text is rendered from the same document.
 */
#ifndef DEPOT_GATEWAY_CLI_CLI_H
#define DEPOT_GATEWAY_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "gateway/config.h"
#include "gateway/edge/control_reply.h"
#include "gateway/ingest/json.h"
#include "rules/base/err.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_LOOK = 3, /* it worked, but there is something to look at */
	EXIT_NO_STORE = 4,
	EXIT_NOT_FOUND = 5,
	EXIT_CONFLICT = 6,
	EXIT_AGAIN = 75,
	EXIT_CONFIG = CONFIG_EXIT,
};

struct cli;

struct option_spec {
	const char *name;  /* "--bin" */
	const char *value; /* "BIN"; NULL: it takes none */
	const char *en;
	const char *zh;
};

/* One row of the table of verbs (verbs.h). */
struct verb {
	const char *name;  /* "item set"; NULL ends a module's rows */
	const char *usage; /* what follows it */
	const char *en;    /* one line */
	const char *zh;
	/* Lines "command\tin English\tin Chinese\n". */
	const char *examples;
	const struct option_spec *options;
	size_t option_count;
	size_t words_min;
	size_t words_max;
	enum exit_code (*run)(struct cli *cli);
};

#define CLI_OPTIONS_MAX 16
#define CLI_ANY SIZE_MAX /* for words_max */

/* Rows of a verb's options. */
#define CLI_OPTIONS(table) .options = (table), .option_count = ARRAY_LEN(table)

struct cli {
	bool is_json;
	bool is_chinese;
	bool has_lang; /* it was asked for by option */
	bool is_yes;
	bool wants_help;
	bool wants_version;
	const char *as;          /* NULL: whose account it is */
	const char *config_path; /* the default if not given */

	const struct verb *verb;
	char **words; /* behind the verb */
	size_t word_count;
	const char *values[CLI_OPTIONS_MAX]; /* of the verb's options */
	const char *file; /* that is handed over: named with what is wrong
			   * in it; NULL: none */

	/* Loaded by the first cli_config. */
	struct config *config;
	struct session *session; /* ask.h */
};

/* The sentence in the language asked for. */
const char *cli_say(const struct cli *cli, const char *en, const char *zh);

/* The value of the verb's option @name ("" for a flag that is given), or
 * NULL. */
const char *cli_option(const struct cli *cli, const char *name);

/*
 * The configuration, read once. NULL: its mistakes were told, and
 * *@ret_exit is EXIT_CONFIG.
 */
const struct config *cli_config(struct cli *cli, enum exit_code *ret_exit);

/* ---- ends ---- */

/* Tells what went wrong, @detail in place of %s, and returns @exit. */
enum exit_code cli_refuse(const struct cli *cli, enum exit_code exit,
			  const struct control_refusal *why,
			  const char *detail);
/* The same of the store or system. @code is not ERR_OK. */
enum exit_code cli_failed(const struct cli *cli, enum err_code code,
			  const struct err *err);
/* The same for a reply with an "error", as it came. */
enum exit_code cli_error_reply(const struct cli *cli, struct span reply,
			       const struct json_value *root);

/* Prints a document, and returns what prints badly as EXIT_FAILED. */
void cli_document(struct span document);

/* Asks on the terminal, unless --yes was given. Without a terminal the answer
 * is no. */
bool cli_confirm(const struct cli *cli, const char *question);

/* A finite piece of work goes on: a line on stderr that follows it, or JSON.
 * Says nothing in the first second. */
void cli_progress(struct cli *cli, uint64_t done, uint64_t total);
/* The line is gone. */
void cli_progress_end(struct cli *cli);

/* ---- small things ---- */

/* Reads a whole number; false (and nothing told) if it is none. */
MUST_CHECK bool cli_number(const char *text, int64_t low, int64_t high,
			   int64_t *ret_number);
/* Reads "64 MiB", "2GiB" or a number of bytes. */
MUST_CHECK bool cli_size(const char *text, uint64_t *ret_size);

/* Now, on this machine's clock. */
struct moment cli_now(bool *ret_is_trusted);

#endif
