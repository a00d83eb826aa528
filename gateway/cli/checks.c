#include "gateway/cli/checks.h"

#include "gateway/cli/goods.h"
#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"

static const struct control_refusal needs_yes = {
	"usage", "its open task ends with it: say --yes",
	"未完成的任务将一并取消：请加 --yes"};

/* ---- what there are, what is due ---- */

static const struct column list_columns[] = {
	{"check", "CHECK", "检查项", false},
	{"name_$|name_%", "NAME", "名称", false},
	{"kind", "KIND", "类别", false},
	{"times|every_h", "TIMES OR HOURS", "时刻或间隔", false},
	{"weekdays", "DAYS", "星期", false},
	{"next_due", "NEXT", "下次", false},
	{"task", "TASK", "任务", false},
	{"overdue", "OVERDUE", "逾期", false},
};

static enum exit_code list_run(struct cli *cli, const char *name,
			       const struct listing *listing)
{
	static const struct member_map maps[] = {
		{"--all", "all", MEMBER_FLAG},
	};
	struct request_draft draft;

	request_begin(&draft, cli);
	request_options(&draft, maps, ARRAY_LEN(maps));
	return request_list(&draft, name, listing);
}

/* Of all sites, as their feeds tell. */
static enum exit_code network_run(struct cli *cli, bool is_due)
{
	static const struct column columns[] = {
		{"name", "SITE", "站点", false},
		{"check", "CHECK", "检查项", false},
		{"name_$|name_%", "NAME", "名称", false},
		{"due", "DUE", "应检时间", false},
		{"overdue", "OVERDUE", "逾期", false},
		{"failed", "FAILED", "异常", false},
		{"last.at", "LAST DONE", "上次检查", false},
		{"last.by", "BY", "检查人", false},
		{"last.in_order", "IN ORDER", "正常", false},
	};
	static const struct listing listing = {columns, ARRAY_LEN(columns),
					       "no checks", "没有检查项", true};
	struct request_draft draft;

	request_begin(&draft, cli);
	if (is_due)
		out_bool_at(&draft.out, "due", true);
	return request_list(&draft, "check.network", &listing);
}

static enum exit_code check_list_run(struct cli *cli)
{
	static const struct listing listing = {list_columns,
					       ARRAY_LEN(list_columns),
					       "no checks", "没有检查项",
					       false};

	if (cli_option(cli, "--network") != NULL)
		return network_run(cli, false);
	return list_run(cli, "check.list", &listing);
}

static const struct option_spec list_options[] = {
	{"--all", NULL, "those that are retired, too", "包括已停用的"},
	{"--network", NULL, "those of all sites, as far as is known here",
	 "全部站点的检查项（以本机所知为准）"},
};

static const struct option_spec due_options[] = {
	{"--network", NULL,
	 "at all sites: due, overdue, or not as it should be",
	 "全部站点：到期、逾期或异常的"},
};

static enum exit_code check_due_run(struct cli *cli)
{
	static const struct column columns[] = {
		{"check", "CHECK", "检查项", false},
		{"name_$|name_%", "NAME", "名称", false},
		{"place", "PLACE", "地点", false},
		{"task", "TASK", "任务", false},
		{"due", "DUE", "应检时间", false},
		{"missed", "MISSED", "错过", true},
		{"overdue", "OVERDUE", "逾期", false},
	};
	static const struct listing listing = {columns, ARRAY_LEN(columns),
					       "nothing is due",
					       "没有到期的检查", false};

	if (cli_option(cli, "--network") != NULL)
		return network_run(cli, true);
	return list_run(cli, "check.due", &listing);
}

/* ---- one of them ---- */

static void questions_show(const struct cli *cli, const struct json_value *root)
{
	static const struct column columns[] = {
		{"question", "QUESTION", "问题", true},
		{"text_$|text_%", "WHAT", "内容", false},
		{"answer", "SHOULD BE", "应为", false},
		{"low", "FROM", "下限", true},
		{"high", "TO", "上限", true},
		{"measure", "IN", "单位", false},
	};
	struct sheet *sheet = sheet_open(cli, columns, ARRAY_LEN(columns));

	sheet_add_list(sheet, json_member(root, "questions"));
	sheet_show(sheet, cli_say(cli, "it asks nothing but that it is done",
				  "只需确认完成"));
}

static enum exit_code check_facts_show(const struct cli *cli,
				       const struct json_value *root)
{
	static const struct column facts[] = {
		{"check", "check", "检查项", false},
		{"name_$|name_%", "name", "名称", false},
		{"kind", "kind", "类别", false},
		{"times", "times", "时刻", false},
		{"every_h", "every so many hours", "间隔小时", false},
		{"weekdays", "days", "星期", false},
		{"grace_min", "minutes of grace", "宽限分钟", false},
		{"place", "place", "地点", false},
		{"roles", "for", "角色", false},
		{"retired", "retired", "已停用", false},
		{"task", "open task", "未完成任务", false},
		{"due", "due", "应检时间", false},
		{"missed", "missed before", "此前错过", false},
		{"overdue", "overdue", "逾期", false},
		{"next_due", "due next", "下次应检", false},
		{"last.by", "last done by", "上次完成人", false},
		{"last.in_order", "in order", "是否正常", false},
	};

	if (cli->is_json)
		return EXIT_DONE;
	record_show(cli, root, facts, ARRAY_LEN(facts));
	questions_show(cli, root);
	return EXIT_DONE;
}

static enum exit_code check_show_run(struct cli *cli)
{
	struct request_draft draft;

	request_begin(&draft, cli);
	request_text(&draft, "check", cli->words[0]);
	return request_show(&draft, "check.show", check_facts_show);
}

/* ---- done ---- */

static enum exit_code done_show(const struct cli *cli,
				const struct json_value *root)
{
	int64_t bad = member_number(root, "out_of_limits", 0);
	char texts[3][VALUE_TEXT_SIZE];

	if (!cli->is_json && bad == 0)
		(void)printf("%s%s%s\n",
			     member_text(cli, root, "check", texts[0]),
			     cli_say(cli, ": done, entry ", "：已完成，记录 "),
			     member_text(cli, root, "entry", texts[1]));
	if (!cli->is_json && bad > 0)
		(void)printf("%s: %lld %s %s\n",
			     member_text(cli, root, "check", texts[0]),
			     (long long)bad,
			     cli_say(cli,
				     "answers are not as they should be; put "
				     "it right and check again, task",
				     "项异常；请处理后复查，任务"),
			     member_text(cli, root, "followup", texts[2]));
	return bad == 0 ? EXIT_DONE : EXIT_LOOK;
}

static enum exit_code check_do_run(struct cli *cli)
{
	static const struct member_map maps[] = {
		{"--note", "note", MEMBER_TEXT},
	};
	struct request_draft draft;

	request_begin(&draft, cli);
	request_text(&draft, "check", cli->words[0]);
	out_array_at(&draft.out, "answers");
	for (size_t i = 1; i < cli->word_count; i++)
		out_string(&draft.out, cli->words[i]);
	out_array_end(&draft.out);
	request_options(&draft, maps, ARRAY_LEN(maps));
	return request_show(&draft, "check.do", done_show);
}

static const struct option_spec do_options[] = {
	{"--note", "TEXT", "what should be known of it", "备注"},
};

/* ---- what came of them ---- */

static void result_print(void *context, const struct json_value *root,
			 const struct json_value *row)
{
	const struct cli *cli = context;
	const struct json_value *answers;
	char texts[4][VALUE_TEXT_SIZE];

	if (row == NULL && list_first(reply_list(root)) == NULL)
		(void)puts(cli_say(cli, "no results", "没有结果"));
	if (row == NULL)
		return;
	answers = json_member(row, "answers");
	(void)printf("%s  %s  %s  %s\n",
		     member_text(cli, row, "@at|clock_time", texts[0]),
		     member_text(cli, row, "by", texts[1]),
		     member_text(cli, row, "entry", texts[2]),
		     member_text(cli, row, "note", texts[3]));
	for (const struct json_value *at = json_first(answers); at != NULL;
	     at = json_next(at)) {
		struct fault fault;
		bool is_good;

		if (json_bool(at, "in_order", &is_good, &fault) != ERR_OK)
			is_good = true; /* a newer depot may say it otherwise */
		(void)printf("  %s %s %s %s\n", is_good ? " " : "!",
			     member_text(cli, at, "text_$|text_%|question",
					 texts[0]),
			     member_text(cli, at, "value", texts[1]),
			     member_text(cli, at, "measure", texts[2]));
	}
}

static enum exit_code check_history_run(struct cli *cli)
{
	struct request_draft draft;
	struct request request;
	enum exit_code exit;

	request_begin(&draft, cli);
	request_text(&draft, "check", cli->words[0]);
	exit = request_end(&draft, "check.history", &request);
	return exit == EXIT_DONE ? ask_pages(cli, &request, result_print, cli)
				 : exit;
}

/* ---- described, retired ---- */

static enum exit_code check_import_run(struct cli *cli)
{
	return goods_import(cli, "check.import");
}

static const struct option_spec import_options[] = {
	{"--dry-run", NULL, "checks every row and changes nothing",
	 "只检查每一行，不作更改"},
	{"--retire", NULL, "what the file does not have is no longer asked",
	 "文件中没有的检查项停用"},
};

static enum exit_code check_retire_run(struct cli *cli)
{
	struct request_draft draft;

	if (!cli_confirm(cli, cli_say(cli, "Retire this check?",
				      "确定停用此检查项？")))
		return cli_refuse(cli, EXIT_USAGE, &needs_yes, "");
	request_begin(&draft, cli);
	request_text(&draft, "check", cli->words[0]);
	return request_show(&draft, "check.retire", show_done);
}

/* ---- the verbs ---- */

#define ONE_WORD .words_min = 1, .words_max = 1

const struct verb check_verbs[] = {
	{
		.name = "check due",
		.usage = "[--network]",
		.en = "site checks that wait to be done",
		.zh = "到期待做的现场检查",
		.examples = "depot check due\tnow\t当前\n"
			    "depot check due --network\tat HQ: of all sites\t"
			    "总部：全部站点\n",
		CLI_OPTIONS(due_options),
		.run = check_due_run,
	},
	{
		.name = "check do",
		.usage = "CHECK [ANSWER...] [--note TEXT]",
		.en = "does a site check: yes, no or a number to each question",
		.zh = "完成现场检查：逐题回答 yes、no 或数值",
		.examples = "depot check do cold-1 -19.5 yes\t"
			    "in the order that check show says\t"
			    "按 check show 的顺序\n"
			    "depot check do fire no --note 'exit 3 was "
			    "blocked'\twith a note\t附备注\n",
		CLI_OPTIONS(do_options),
		.words_min = 1,
		.words_max = 1 + CHECK_QUESTIONS_MAX,
		.run = check_do_run,
	},
	{
		.name = "check list",
		.usage = "[--all] [--network]",
		.en = "site checks, and when they are due",
		.zh = "现场检查项及应检时间",
		.examples = "depot check list\tall that are asked for\t"
			    "在用的检查项\n",
		CLI_OPTIONS(list_options),
		.run = check_list_run,
	},
	{
		.name = "check show",
		.usage = "CHECK",
		.en = "one site check, and what it asks",
		.zh = "查看检查项及其问题",
		.examples = "depot check show cold-1\twith its limits\t"
			    "含上下限\n",
		ONE_WORD,
		.run = check_show_run,
	},
	{
		.name = "check history",
		.usage = "CHECK",
		.en = "what was answered, by whom, the newest first",
		.zh = "检查结果及完成人，最新在前",
		.examples = "depot check history cold-1\tall results\t"
			    "全部结果\n",
		ONE_WORD,
		.run = check_history_run,
	},
	{
		.name = "check import",
		.usage = "FILE [--dry-run] [--retire]",
		.en = "site checks from a table (CSV or JSON)",
		.zh = "从表格（CSV 或 JSON）导入现场检查",
		.examples = "depot check import checks.csv\t"
			    "the same file again changes nothing\t"
			    "重复导入不产生变化\n",
		CLI_OPTIONS(import_options),
		ONE_WORD,
		.run = check_import_run,
	},
	{
		.name = "check retire",
		.usage = "CHECK",
		.en = "a site check is no longer asked for",
		.zh = "停用现场检查项",
		.examples = "depot check retire cold-1 --yes\t"
			    "the freezer is gone\t冷库已撤\n",
		ONE_WORD,
		.run = check_retire_run,
	},
	{.name = NULL},
};
