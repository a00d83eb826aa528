#include "gateway/cli/help.h"

#include <string.h>

#include "gateway/cli/verbs.h"

static const struct control_refusal unknown_verb = {
	"not_found", "there is no command %s: depot help lists them",
	"没有命令 %s：depot help 列出全部命令"};

/* One line of a verb's examples. */
struct example {
	struct span command;
	struct span en;
	struct span zh;
};

/* Up to the next @end, which is passed over. */
static struct span part_take(const char **at, const char *end)
{
	size_t size = strcspn(*at, end);
	struct span part = {*at, size};

	*at += size + ((*at)[size] != '\0');
	return part;
}

static bool example_next(const char **at, struct example *ret_example)
{
	if (**at == '\0')
		return false;
	ret_example->command = part_take(at, "\t");
	ret_example->en = part_take(at, "\t");
	ret_example->zh = part_take(at, "\n");
	return true;
}

static void examples_print(const struct cli *cli, const char *examples,
			   FILE *out)
{
	struct example example;

	while (example_next(&examples, &example)) {
		struct span words = cli->is_chinese ? example.zh : example.en;

		(void)fprintf(out, "  %.*s\n        %.*s\n",
			      (int)example.command.size, example.command.data,
			      (int)words.size, words.data);
	}
}

static void options_print(const struct cli *cli,
			  const struct option_spec *options, size_t count,
			  FILE *out)
{
	for (size_t i = 0; i < count; i++) {
		char name[64];

		(void)text_format(name, sizeof(name), "%s%s%s", options[i].name,
				  options[i].value != NULL ? " " : "",
				  options[i].value != NULL ? options[i].value
							   : "");
		(void)fprintf(out, "  %-22s %s\n", name,
			      cli_say(cli, options[i].en, options[i].zh));
	}
}

static void verb_line(const struct cli *cli, const struct verb *verb, FILE *out)
{
	(void)fprintf(out, "  %-18s %s\n", verb->name,
		      cli_say(cli, verb->en, verb->zh));
}

static const char first_examples[] =
	"depot status\tis the box well?\t箱子正常吗？\n"
	"depot stock\twhat is there?\t有哪些库存？\n"
	"depot help item import\thow does a command go?\t某个命令怎么用？\n";

void help_all(const struct cli *cli, FILE *out)
{
	const struct verb_group *last = NULL;
	const struct verb_group *group;
	const struct verb *verb;

	(void)fputs(cli_say(cli, "examples:\n", "示例：\n"), out);
	examples_print(cli, first_examples, out);
	(void)fputs(cli_say(cli,
			    "\nusage: depot COMMAND [WORD...] [OPTION...]\n",
			    "\n用法：depot 命令 [参数...] [选项...]\n"),
		    out);
	for (size_t i = 0; (verb = verb_at(i, &group)) != NULL; i++) {
		if (group != last)
			(void)fprintf(out, "\n%s\n",
				      cli_say(cli, group->en, group->zh));
		last = group;
		verb_line(cli, verb, out);
	}
	(void)fputs(cli_say(cli, "\nwith every command\n", "\n通用选项\n"),
		    out);
	options_print(cli, global_options, global_option_count, out);
	(void)fputs(
		cli_say(cli,
			"\nexit status: 0 done, 1 failed, 2 called wrongly, "
			"3 worked but look,\n4 no store yet, 5 not found, "
			"6 conflict, 75 try again, 78 configuration\n",
			"\n退出码：0 完成，1 失败，2 用法错误，3 "
			"已完成但需查看，"
			"4 尚无账本，\n5 找不到，6 冲突，75 请重试，78 "
			"配置有误\n"),
		out);
}

void help_verb(const struct cli *cli, const struct verb *verb, FILE *out)
{
	(void)fprintf(out, "depot %s: %s\n\n", verb->name,
		      cli_say(cli, verb->en, verb->zh));
	(void)fputs(cli_say(cli, "examples:\n", "示例：\n"), out);
	examples_print(cli, verb->examples, out);
	(void)fprintf(out, "\n%s: depot %s%s%s\n",
		      cli_say(cli, "usage", "用法"), verb->name,
		      verb->usage[0] == '\0' ? "" : " ", verb->usage);
	if (verb->option_count > 0)
		(void)fputs(cli_say(cli, "\noptions\n", "\n选项\n"), out);
	options_print(cli, verb->options, verb->option_count, out);
	(void)fputs(cli_say(cli, "\nwith every command\n", "\n通用选项\n"),
		    out);
	options_print(cli, global_options, global_option_count, out);
}

void help_group(const struct cli *cli, struct span word, FILE *out)
{
	const struct verb_group *group;
	const struct verb *verb;
	char prefix[40];

	(void)text_format(prefix, sizeof(prefix), "%.*s ", (int)word.size,
			  word.data);
	for (size_t i = 0; (verb = verb_at(i, &group)) != NULL; i++)
		if (span_starts(span_of(verb->name), prefix))
			verb_line(cli, verb, out);
}

/* ---- the man page ---- */

/* The character that @text begins with, as groff names it. */
static size_t man_character(struct span text, FILE *out)
{
	size_t size = utf8_first_size(text);
	uint32_t value = size > 0 ? (unsigned char)text.data[0] : '?';

	if (size > 1) {
		value &= 0x7fu >> size;
		for (size_t i = 1; i < size; i++)
			value = value << 6 |
				((unsigned char)text.data[i] & 0x3fu);
		(void)fprintf(out, "\\[u%04X]", value);
		return size;
	}
	/* Hyphens and quotes are typed. */
	if (value == '-')
		(void)fputs("\\-", out);
	else if (value == '\'')
		(void)fputs("\\(aq", out);
	else if (value == '\\')
		(void)fputs("\\e", out);
	else
		(void)fputc((int)value, out);
	return 1;
}

static void man_text(struct span text, FILE *out)
{
	/* What begins like a request is none. */
	if (text.size > 0 && text.data[0] == '.')
		(void)fputs("\\&", out);
	while (text.size > 0) {
		size_t size = man_character(text, out);

		text.data += size;
		text.size -= size;
	}
}

static void man_options(const struct option_spec *options, size_t count,
			FILE *out)
{
	for (size_t i = 0; i < count; i++) {
		(void)fputs(".TP\n.B ", out);
		man_text(span_of(options[i].name), out);
		if (options[i].value != NULL)
			(void)fprintf(out, " \\fI%s\\fP", options[i].value);
		(void)fputc('\n', out);
		man_text(span_of(options[i].en), out);
		(void)fputc('\n', out);
	}
}

static void man_verb(const struct verb *verb, FILE *out)
{
	const char *examples = verb->examples;
	struct example example;

	(void)fputs(".SS depot ", out);
	man_text(span_of(verb->name), out);
	(void)fputs("\n.RS 4\n.nf\n", out);
	while (example_next(&examples, &example)) {
		man_text(example.command, out);
		(void)fputs("\n# ", out);
		man_text(example.en, out);
		(void)fputc('\n', out);
	}
	(void)fputs(".fi\n.RE\n.PP\n.B depot ", out);
	man_text(span_of(verb->name), out);
	(void)fputs("\n", out);
	man_text(span_of(verb->usage), out);
	(void)fputs(verb->usage[0] == '\0' ? ".br\n" : "\n.br\n", out);
	man_text(span_of(verb->en), out);
	(void)fputs("\n", out);
	man_options(verb->options, verb->option_count, out);
}

static void man_print(FILE *out)
{
	const struct verb_group *group;
	const struct verb *verb;

	(void)fputs(".SH COMMANDS\n", out);
	for (size_t i = 0; (verb = verb_at(i, &group)) != NULL; i++)
		man_verb(verb, out);
	(void)fputs(".SH OPTIONS\n", out);
	man_options(global_options, global_option_count, out);
}

/* ---- completion ---- */

/* Each once: verbs of one word stand together. */
static void first_words_print(FILE *out)
{
	const struct verb_group *group;
	const struct verb *verb;
	struct span before = {"", 0};

	for (size_t i = 0; (verb = verb_at(i, &group)) != NULL; i++) {
		struct span word = {verb->name, strcspn(verb->name, " ")};

		if (!span_equal(word, before))
			(void)fprintf(out, "%.*s ", (int)word.size, word.data);
		before = word;
	}
}

static void options_list(const struct option_spec *options, size_t count,
			 FILE *out)
{
	for (size_t i = 0; i < count; i++)
		(void)fprintf(out, "%s%s", i > 0 ? " " : "", options[i].name);
}

/* A line for each verb: its name, "|", its options. The shell's side of it is
 * gateway/cli/depot.bash-completion. */
static void completion_print(FILE *out)
{
	const struct verb_group *group;
	const struct verb *verb;

	(void)fputs("_depot_first='", out);
	first_words_print(out);
	(void)fputs("'\n_depot_global='", out);
	options_list(global_options, global_option_count, out);
	(void)fputs("'\n_depot_verbs='", out);
	for (size_t i = 0; (verb = verb_at(i, &group)) != NULL; i++) {
		(void)fprintf(out, "\n%s|", verb->name);
		options_list(verb->options, verb->option_count, out);
	}
	(void)fputs("\n'\n", out);
}

/* ---- the verb ---- */

static enum exit_code help_run(struct cli *cli)
{
	const struct verb *verb;
	char name[64] = "";

	if (cli_option(cli, "--man") != NULL) {
		man_print(stdout);
		return EXIT_DONE;
	}
	if (cli_option(cli, "--completion") != NULL) {
		completion_print(stdout);
		return EXIT_DONE;
	}
	if (cli->word_count == 0) {
		help_all(cli, stdout);
		return EXIT_DONE;
	}
	(void)text_format(name, sizeof(name), "%s%s%s", cli->words[0],
			  cli->word_count > 1 ? " " : "",
			  cli->word_count > 1 ? cli->words[1] : "");
	verb = verb_find(span_of(name));
	if (verb != NULL)
		help_verb(cli, verb, stdout);
	else if (verb_is_group(span_of(name)))
		help_group(cli, span_of(name), stdout);
	else
		return cli_refuse(cli, EXIT_NOT_FOUND, &unknown_verb, name);
	return EXIT_DONE;
}

static const struct option_spec help_options[] = {
	{"--man", NULL, "the commands as part of the man page",
	 "以手册页格式输出命令"},
	{"--completion", NULL, "the commands for the shell's completion",
	 "输出供 shell 补全的命令表"},
};

const struct verb help_verbs[] = {
	{
		.name = "help",
		.usage = "[COMMAND]",
		.en = "how a command goes, with examples first",
		.zh = "显示命令用法，先列示例",
		.examples = "depot help\tall commands\t全部命令\n"
			    "depot help device add\tone of them\t其中一个\n",
		CLI_OPTIONS(help_options),
		.words_max = 2,
		.run = help_run,
	},
	{.name = NULL},
};
