#include "gateway/cli/arguments.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/cli/verbs.h"

static const struct control_refusal unknown_option = {
	"usage", "there is no option %s here", "此处没有选项 %s"};
static const struct control_refusal needs_value = {
	"usage", "option %s needs a value", "选项 %s 需要一个值"};
static const struct control_refusal takes_none = {
	"usage", "option %s takes no value", "选项 %s 不带值"};
static const struct control_refusal unknown_verb = {
	"usage", "there is no command %s: depot help lists them",
	"没有命令 %s：depot help 列出全部命令"};
static const struct control_refusal too_few = {
	"usage", "too few words: depot help %s shows how",
	"参数不足：用法见 depot help %s"};
static const struct control_refusal too_many = {
	"usage", "too many words: depot help %s shows how",
	"参数过多：用法见 depot help %s"};
static const struct control_refusal bad_lang = {
	"usage", "--lang is en or zh, not %s",
	"--lang 只能是 en 或 zh，不是 %s"};

struct line {
	struct cli *cli;
	char **at; /* the next word */
	char **end;
	bool is_over; /* after "--" */
};

static bool is_option(const struct line *line, const char *word)
{
	if (line->is_over || word[0] != '-' || word[1] == '\0')
		return false;
	return word[1] < '0' || word[1] > '9';
}

static const struct option_spec *spec_find(const struct option_spec *specs,
					   size_t count, struct span name)
{
	for (size_t i = 0; i < count; i++)
		if (span_is(name, specs[i].name))
			return &specs[i];
	return NULL;
}

static enum exit_code
global_set(struct cli *cli, const struct option_spec *spec, const char *value)
{
	if (strcmp(spec->name, "--config") == 0)
		cli->config_path = value;
	else if (strcmp(spec->name, "--as") == 0)
		cli->as = value;
	else if (strcmp(spec->name, "--json") == 0)
		cli->is_json = true;
	else if (strcmp(spec->name, "--yes") == 0)
		cli->is_yes = true;
	else if (strcmp(spec->name, "--help") == 0)
		cli->wants_help = true;
	else if (strcmp(spec->name, "--version") == 0)
		cli->wants_version = true;
	else if (strcmp(value, "zh") == 0)
		cli->is_chinese = true;
	else if (strcmp(value, "en") == 0)
		cli->is_chinese = false;
	else
		return cli_refuse(cli, EXIT_USAGE, &bad_lang, value);
	if (strcmp(spec->name, "--lang") == 0)
		cli->has_lang = true;
	return EXIT_DONE;
}

/* @value: what follows "=", or NULL. */
static enum exit_code value_take(struct line *line,
				 const struct option_spec *spec,
				 const char **value)
{
	if (spec->value == NULL) {
		if (*value != NULL)
			return cli_refuse(line->cli, EXIT_USAGE, &takes_none,
					  spec->name);
		*value = "";
	} else if (*value == NULL) {
		/* What looks like an option is one: "--bin=--odd" says more. */
		if (line->at == line->end || strncmp(*line->at, "--", 2) == 0)
			return cli_refuse(line->cli, EXIT_USAGE, &needs_value,
					  spec->name);
		*value = *line->at++;
	}
	return EXIT_DONE;
}

static enum exit_code option_take(struct line *line, const char *word)
{
	struct cli *cli = line->cli;
	const struct verb *verb = cli->verb;
	const char *value = strchr(word, '=');
	struct span name = {word, value == NULL ? strlen(word)
						: (size_t)(value - word)};
	const struct option_spec *global;
	const struct option_spec *own = NULL;
	enum exit_code exit;

	if (value != NULL)
		value++;
	if (span_is(name, "-h"))
		name = SPAN_LITERAL("--help");
	global = spec_find(global_options, global_option_count, name);
	if (verb != NULL)
		own = spec_find(verb->options, verb->option_count, name);
	if (own == NULL && global == NULL)
		return cli_refuse(cli, EXIT_USAGE, &unknown_option, word);
	exit = value_take(line, own != NULL ? own : global, &value);
	if (exit != EXIT_DONE)
		return exit;
	if (own == NULL)
		return global_set(cli, global, value);
	cli->values[own - verb->options] = value;
	return EXIT_DONE;
}

/* Words join to the verb's name until there is one. */
static enum exit_code word_take(struct line *line, char *word)
{
	struct cli *cli = line->cli;
	char name[64];

	if (cli->verb == NULL && cli->word_count == 1) {
		if (text_format(name, sizeof(name), "%s %s", cli->words[0],
				word))
			cli->verb = verb_find(span_of(name));
		if (cli->verb == NULL)
			return cli_refuse(cli, EXIT_USAGE, &unknown_verb, name);
		cli->word_count = 0;
		return EXIT_DONE;
	}
	if (cli->verb == NULL) {
		cli->verb = verb_find(span_of(word));
		if (cli->verb != NULL)
			return EXIT_DONE;
		if (!verb_is_group(span_of(word)))
			return cli_refuse(cli, EXIT_USAGE, &unknown_verb, word);
	}
	cli->words[cli->word_count++] = word;
	return EXIT_DONE;
}

static enum exit_code count_check(const struct cli *cli)
{
	const struct verb *verb = cli->verb;

	if (verb == NULL || cli->wants_help || cli->wants_version)
		return EXIT_DONE;
	ASSERT(verb->option_count <= CLI_OPTIONS_MAX);
	if (cli->word_count < verb->words_min)
		return cli_refuse(cli, EXIT_USAGE, &too_few, verb->name);
	if (cli->word_count > verb->words_max)
		return cli_refuse(cli, EXIT_USAGE, &too_many, verb->name);
	return EXIT_DONE;
}

/* How mistakes are told has to be known before the first is found. */
static void form_look(struct cli *cli, char **at, char **end)
{
	for (; at < end && strcmp(*at, "--") != 0; at++) {
		if (strcmp(*at, "--json") == 0)
			cli->is_json = true;
		else if (strcmp(*at, "--lang") == 0 && at + 1 < end)
			cli->is_chinese = strcmp(at[1], "zh") == 0;
	}
}

enum exit_code arguments_read(struct cli *cli, int argc, char **argv)
{
	struct line line = {.cli = cli, .at = argv + 1, .end = argv + argc};
	enum exit_code exit = EXIT_DONE;

	/* Words are gathered at the front, behind where they are read. */
	cli->words = argv;
	form_look(cli, line.at, line.end);
	while (line.at < line.end && exit == EXIT_DONE) {
		char *word = *line.at++;

		if (!line.is_over && strcmp(word, "--") == 0)
			line.is_over = true;
		else if (is_option(&line, word))
			exit = option_take(&line, word);
		else
			exit = word_take(&line, word);
	}
	if (exit == EXIT_DONE)
		exit = count_check(cli);
	return exit;
}
