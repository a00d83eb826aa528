#include "gateway/cli/configure.h"

#include <stdlib.h>

#include "gateway/config_table.h"

#define REPLY_SIZE 131072

static enum config_lang lang_of(const struct cli *cli)
{
	return cli->is_chinese ? CONFIG_LANG_ZH : CONFIG_LANG_EN;
}

/* ---- check ---- */

static void mistakes_out(const struct config *config,
			 const struct config_report *report,
			 struct json_out *out)
{
	out_array_at(out, "mistakes");
	for (size_t i = 0; i < report->count; i++) {
		struct config_sentence sentence;

		out_object(out);
		out_int_at(out, "line", report->mistakes[i].origin.line);
		config_mistake_text(config, report, i, CONFIG_LANG_EN,
				    &sentence);
		out_string_at(out, "text_en", sentence.text);
		config_mistake_text(config, report, i, CONFIG_LANG_ZH,
				    &sentence);
		out_string_at(out, "text_zh", sentence.text);
		out_object_end(out);
	}
	out_array_end(out);
	out_int_at(out, "dropped", (int64_t)report->dropped);
}

static void check_document(const struct cli *cli, const struct config *config,
			   const struct config_report *report)
{
	static char text[REPLY_SIZE];
	struct json_out out;

	out_init(&out, text, sizeof(text));
	out_object(&out);
	out_string_at(&out, "path", cli->config_path);
	out_bool_at(&out, "valid", report->count == 0);
	mistakes_out(config, report, &out);
	out_object_end(&out);
	cli_document(out_span(&out));
}

static enum exit_code check_run(struct cli *cli)
{
	struct config *config = calloc(1, sizeof(*config));
	struct config_report *report = calloc(1, sizeof(*report));
	enum exit_code exit = EXIT_DONE;

	if (config == NULL || report == NULL)
		exit = cli_failed(cli, ERR_FULL, NULL);
	else if (config_load(cli->config_path, config, report) != ERR_OK)
		exit = EXIT_CONFIG;
	if (config != NULL && report != NULL && cli->is_json)
		check_document(cli, config, report);
	else if (exit == EXIT_CONFIG)
		config_report_print(config, report, lang_of(cli), stderr);
	else if (exit == EXIT_DONE)
		(void)printf("%s: %s\n", cli->config_path,
			     cli_say(cli, "no mistakes", "没有错误"));
	free(report);
	free(config);
	return exit;
}

/* ---- print ---- */

/* A directive of [link NAME] says whose it is. */
static void value_out(struct json_out *out, const struct config *config,
		      const struct directive *directive, size_t link)
{
	char value[CONFIG_VALUE_SIZE];

	directive_format(directive, link, config, value);
	out_object(out);
	out_string_at(out, "section", directive->section);
	if (directive->is_of_link)
		out_string_at(out, "link", config->links[link].name);
	out_string_at(out, "name", directive->name);
	out_string_at(out, "value", value);
	out_bool_at(out, "is_set",
		    directive_origin(directive, link, config).file != 0);
	out_object_end(out);
}

static void values_document(const struct config *config)
{
	static char text[REPLY_SIZE];
	struct json_out out;

	out_init(&out, text, sizeof(text));
	out_object(&out);
	out_string_at(&out, "path", config->path);
	out_array_at(&out, "directives");
	for (size_t i = 0; i < config_table_count; i++) {
		const struct directive *directive = &config_table[i];
		size_t count = directive_fields(directive, config);

		for (size_t link = 0; link < count; link++)
			value_out(&out, config, directive, link);
	}
	out_array_end(&out);
	out_object_end(&out);
	cli_document(out_span(&out));
}

static enum exit_code print_run(struct cli *cli)
{
	enum exit_code exit = EXIT_DONE;
	const struct config *config = cli_config(cli, &exit);

	if (config == NULL)
		return exit;
	if (cli->is_json)
		values_document(config);
	else
		config_print(config, stdout);
	return EXIT_DONE;
}

/* ---- example ---- */

static enum exit_code example_run(struct cli *cli)
{
	static char text[REPLY_SIZE];
	struct json_out out;
	char *example = NULL;
	size_t size = 0;
	FILE *file;

	if (!cli->is_json) {
		config_example(stdout);
		return EXIT_DONE;
	}
	file = open_memstream(&example, &size);
	if (file == NULL)
		return cli_failed(cli, ERR_FULL, NULL);
	config_example(file);
	(void)fclose(file); /* to memory */
	out_init(&out, text, sizeof(text));
	out_object(&out);
	out_text_at(&out, "example", (struct span){example, size});
	out_object_end(&out);
	cli_document(out_span(&out));
	free(example);
	return EXIT_DONE;
}

const struct verb configure_verbs[] = {
	{
		.name = "config check",
		.usage = "",
		.en = "every mistake of the configuration, by line",
		.zh = "检查配置，逐行列出错误",
		.examples = "depot config check\tof the box\t本机配置\n"
			    "depot config check --config new.conf\t"
			    "of a file\t指定文件\n",
		.run = check_run,
	},
	{
		.name = "config print",
		.usage = "",
		.en = "every directive with its value in force",
		.zh = "显示全部配置项及其当前值",
		.examples = "depot config print\tand where it was set\t"
			    "以及设置位置\n",
		.run = print_run,
	},
	{
		.name = "config example",
		.usage = "",
		.en = "an example with every directive explained",
		.zh = "输出带说明的示例配置",
		.examples = "depot config example > depot.conf\t"
			    "a file to begin with\t作为起点的文件\n",
		.run = example_run,
	},
	{.name = NULL},
};
