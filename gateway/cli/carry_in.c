/*
 * depot import: what another site exported, taken pack by pack.
 */
#include "gateway/cli/carry.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gateway/cli/carry_take.h"
#include "gateway/cli/result.h"
#include "gateway/cli/sheet.h"

static const struct control_refusal no_bundle = {
	"not_found", "there is no bundle in %s", "%s 中没有数据包"};
static const struct control_refusal too_many = {
	"bad_file",
	"%s has more bundles than are taken at once: import some of them",
	"%s 中的数据包超过一次可导入的数量：请分批导入"};

/* ---- which files ---- */

static int is_bundle(const struct dirent *entry)
{
	struct span name = span_of(entry->d_name);

	return name.size > strlen(CARRY_SUFFIX) &&
	       strcmp(entry->d_name + name.size - strlen(CARRY_SUFFIX),
		      CARRY_SUFFIX) == 0;
}

static enum exit_code word_take(struct cli *cli, struct importing *importing,
				const char *word)
{
	struct dirent **list = NULL;
	struct stat info;
	bool is_there = false;
	int count = 0;

	if (stat(word, &info) == 0 && !S_ISDIR(info.st_mode))
		is_there = carry_take_add(importing, "", word);
	else if ((count = scandir(word, &list, is_bundle, alphasort)) > 0) {
		is_there = true;
		for (int i = 0; i < count; i++) {
			is_there = is_there && carry_take_add(importing, word,
							      list[i]->d_name);
			free(list[i]);
		}
	}
	free(list);
	if (!is_there && count > 0)
		return cli_refuse(cli, EXIT_FAILED, &too_many, word);
	return is_there ? EXIT_DONE
			: cli_refuse(cli, EXIT_NOT_FOUND, &no_bundle, word);
}

/* ---- what is said of it ---- */

static const char *whole_say(const struct cli *cli,
			     const struct json_value *row)
{
	if (json_member(row, "refused") != NULL)
		return cli_say(cli, "nothing of it was taken",
			       "未导入任何内容");
	return cli_say(cli, "not whole, what came before was taken",
		       "不完整，此前的部分已导入");
}

static bool files_tell(const struct cli *cli, const struct json_value *root)
{
	const struct json_value *row = list_first(json_member(root, "files"));
	char path[VALUE_TEXT_SIZE];
	char text[VALUE_TEXT_SIZE];
	bool is_well = true;

	for (; row != NULL; row = json_next(row)) {
		if (member_true(row, "whole"))
			continue;
		is_well = false;
		if (!cli->is_json)
			(void)printf(
				"%s: %s: %s\n",
				member_text(cli, row, "path", path),
				whole_say(cli, row),
				member_text(cli, row,
					    cli_say(cli, "fault", "fault_zh"),
					    text));
	}
	return is_well;
}

static bool refused_tell(const struct cli *cli, const struct json_value *root)
{
	const struct json_value *row = list_first(json_member(root, "refused"));
	char text[VALUE_TEXT_SIZE];

	for (; row != NULL && !cli->is_json; row = json_next(row))
		(void)printf("%s: %s %lld, %s %lld, %s %lld: %s\n",
			     cli_say(cli, "refused", "已拒绝"),
			     cli_say(cli, "site", "站点"),
			     (long long)member_number(row, "site", 0),
			     cli_say(cli, "epoch", "纪元"),
			     (long long)member_number(row, "epoch", 0),
			     cli_say(cli, "delta", "增量"),
			     (long long)member_number(row, "seq", 0),
			     member_text(cli, row, "reason", text));
	return member_number(root, "refusals", 0) == 0;
}

static bool missing_tell(const struct cli *cli, const struct json_value *root)
{
	const struct json_value *row = list_first(json_member(root, "feeds"));
	bool is_well = true;

	for (; row != NULL; row = json_next(row)) {
		if (json_member(row, "missing_from") == NULL)
			continue;
		is_well = false;
		if (!cli->is_json)
			(void)printf(
				"%s %lld: %s %lld\n",
				cli_say(cli, "missing, of site", "缺少，站点"),
				(long long)member_number(row, "site", 0),
				cli_say(cli,
					"a bundle that begins at or before "
					"delta",
					"需要从以下增量或更早开始的数据包："),
				(long long)member_number(row, "missing_from",
							 0));
	}
	return is_well;
}

enum exit_code import_show(const struct cli *cli, const struct json_value *root)
{
	static const struct column columns[] = {
		{"site", "SITE", "站点", true},
		{"epoch", "EPOCH", "纪元", true},
		{"before", "HELD", "原有", true},
		{"seq", "NOW", "现有", true},
		{"rows", "ROWS", "行数", true},
		{"state", "STATE", "状态", false},
	};
	struct sheet *sheet;
	bool is_well;

	if (!cli->is_json) {
		(void)printf("%s: %lld %s\n", cli_say(cli, "taken", "已导入"),
			     (long long)member_number(root, "taken", 0),
			     cli_say(cli, "deltas", "个增量"));
		sheet = sheet_open(cli, columns, ARRAY_LEN(columns));
		sheet_add_list(sheet, json_member(root, "feeds"));
		sheet_show(sheet,
			   cli_say(cli, "nothing that was not here already",
				   "均已具备，没有新数据"));
	}
	is_well = files_tell(cli, root);
	is_well = refused_tell(cli, root) && is_well;
	is_well = missing_tell(cli, root) && is_well;
	if (member_true(root, "set_back") && !cli->is_json)
		(void)puts(cli_say(
			cli,
			"this box was set back: others hold more of what it "
			"said than it does itself; it books on and sends "
			"nothing until it begins a new epoch",
			"本机数据曾被回退：其他站点持有更多本机记录；本机可继续"
			"记账，但在开始新纪元之前不会发送"));
	if (member_true(root, "set_back"))
		is_well = false;
	return is_well ? EXIT_DONE : EXIT_LOOK;
}

/* ---- the verb ---- */

static enum exit_code imported_tell(struct cli *cli,
				    const struct importing *importing)
{
	struct result *result = result_begin(cli);

	if (result == NULL)
		return EXIT_FAILED;
	carry_take_out(importing, &result->out);
	return result_end(cli, result, import_show);
}

enum exit_code import_run(struct cli *cli)
{
	struct importing *importing = carry_take_open(cli);
	enum exit_code exit = importing == NULL ? EXIT_FAILED : EXIT_DONE;

	for (size_t i = 0; i < cli->word_count && exit == EXIT_DONE; i++)
		exit = word_take(cli, importing, cli->words[i]);
	if (exit == EXIT_DONE)
		exit = carry_take_files(importing);
	if (exit == EXIT_DONE)
		exit = imported_tell(cli, importing);
	carry_take_close(importing);
	return exit;
}
