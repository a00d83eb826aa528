#include "gateway/cli/errands.h"

#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"

static const struct control_refusal needs_yes = {
	"usage", "this cannot be undone: say --yes",
	"此操作不可撤销：请加 --yes"};

/* ---- tasks ---- */

static const struct member_map task_maps[] = {
	{"--all", "all", MEMBER_FLAG},
	{"--item", "item", MEMBER_TEXT},
};

static enum exit_code tasks_run(struct cli *cli)
{
	static const struct column columns[] = {
		{"id", "TASK", "任务", false},
		{"state", "STATE", "状态", false},
		{"account", "BY", "领取人", false},
		{"@changed_at|clock_time", "SINCE", "时间", false},
		{"text_$", "WHAT", "内容", false},
	};
	static const struct listing listing = {columns, ARRAY_LEN(columns),
					       "nothing to do", "没有任务",
					       false};
	struct request_draft draft;

	request_begin(&draft, cli);
	request_options(&draft, task_maps, ARRAY_LEN(task_maps));
	return request_list(&draft, "task.list", &listing);
}

static const struct option_spec tasks_options[] = {
	{"--all", NULL, "those that are done, too", "包括已完成的任务"},
};

static enum exit_code task_show(const struct cli *cli,
				const struct json_value *root)
{
	char id[VALUE_TEXT_SIZE];
	char state[VALUE_TEXT_SIZE];

	if (!cli->is_json)
		(void)printf("%s: %s\n", member_text(cli, root, "task", id),
			     member_text(cli, root, "state", state));
	return EXIT_DONE;
}

static enum exit_code task_do(struct cli *cli, const char *member,
			      const char *command)
{
	struct request_draft draft;

	request_begin(&draft, cli);
	request_text(&draft, member, cli->words[0]);
	request_options(&draft, task_maps, ARRAY_LEN(task_maps));
	return request_show(&draft, command, task_show);
}

static enum exit_code task_add_run(struct cli *cli)
{
	return task_do(cli, "bin", "task.add");
}

static enum exit_code task_claim_run(struct cli *cli)
{
	return task_do(cli, "task", "task.claim");
}

static enum exit_code task_done_run(struct cli *cli)
{
	return task_do(cli, "task", "task.done");
}

static enum exit_code task_cancel_run(struct cli *cli)
{
	return task_do(cli, "task", "task.cancel");
}

static const struct option_spec task_add_options[] = {
	{"--item", "ITEM", "only this item", "仅此商品"},
};

/* ---- alerts ---- */

static void alert_print(void *context, const struct json_value *root,
			const struct json_value *row)
{
	const struct cli *cli = context;
	char texts[5][VALUE_TEXT_SIZE];

	if (row == NULL && list_first(reply_list(root)) == NULL)
		(void)puts(cli_say(cli, "no alerts", "没有告警"));
	if (row == NULL)
		return;
	(void)printf("%s  %s  %s %s\n  %s\n  %s %s\n",
		     member_text(cli, row, "severity", texts[0]),
		     member_text(cli, row, "id", texts[1]),
		     cli_say(cli, "since", "始于"),
		     member_text(cli, row, "@since|clock_time", texts[2]),
		     member_text(cli, row, "text_$", texts[3]),
		     cli_say(cli, "next:", "处理："),
		     member_text(cli, row, "next_$", texts[4]));
}

static enum exit_code alerts_run(struct cli *cli)
{
	struct request request = {.name = "alert.list"};

	return ask_pages(cli, &request, alert_print, cli);
}

static enum exit_code alert_close_run(struct cli *cli)
{
	struct request_draft draft;

	request_begin(&draft, cli);
	request_text(&draft, "alert", cli->words[0]);
	return request_show(&draft, "alert.close", show_done);
}

/* ---- parked ---- */

static enum exit_code parked_list_run(struct cli *cli)
{
	static const struct column columns[] = {
		{"number", "NUMBER", "编号", true},
		{"@arrived|clock_time", "ARRIVED", "到达时间", false},
		{"device|topic", "DEVICE", "设备", false},
		{"wants", "WANTS", "待命名", false},
		{"text_$", "WHY", "原因", false},
	};
	static const struct listing listing = {columns, ARRAY_LEN(columns),
					       "nothing is parked",
					       "没有待处理的读数", false};
	struct request_draft draft;

	request_begin(&draft, cli);
	return request_list(&draft, "parked.list", &listing);
}

static enum exit_code parked_facts_show(const struct cli *cli,
					const struct json_value *root)
{
	static const struct column facts[] = {
		{"number", "number", "编号", false},
		{"@arrived|clock_time", "arrived", "到达时间", false},
		{"topic", "topic", "主题", false},
		{"code", "code", "代码", false},
		{"text_$", "why", "原因", false},
		{"wants", "code to be named", "待命名的条码", false},
		{"seq", "reading", "读数序号", false},
		{"payload|payload_hex", "payload", "内容", false},
	};

	if (!cli->is_json)
		record_show(cli, root, facts, ARRAY_LEN(facts));
	return EXIT_DONE;
}

/* Begins a request about the number that is the first word. */
static void parked_begin(struct request_draft *draft, struct cli *cli)
{
	request_begin(draft, cli);
	request_number(draft, "number", cli->words[0]);
}

static enum exit_code parked_show_run(struct cli *cli)
{
	struct request_draft draft;

	parked_begin(&draft, cli);
	return request_show(&draft, "parked.show", parked_facts_show);
}

static enum exit_code parked_name_show(const struct cli *cli,
				       const struct json_value *root)
{
	char code[VALUE_TEXT_SIZE];
	char item[VALUE_TEXT_SIZE];

	if (!cli->is_json)
		(void)printf("%s = %s; %s %lld\n",
			     member_text(cli, root, "code", code),
			     member_text(cli, root, "item", item),
			     cli_say(cli, "readings booked:", "已补记读数："),
			     (long long)member_number(root, "booked", 0));
	return EXIT_DONE;
}

static enum exit_code parked_name_run(struct cli *cli)
{
	static const struct member_map maps[] = {
		{"--pack", "pack", MEMBER_NUMBER},
	};
	struct request_draft draft;

	parked_begin(&draft, cli);
	request_text(&draft, "item", cli->words[1]);
	request_options(&draft, maps, ARRAY_LEN(maps));
	return request_show(&draft, "parked.name", parked_name_show);
}

static const struct option_spec parked_name_options[] = {
	{"--pack", "UNITS", "units in one of it; 1 if not given",
	 "一个条码代表的数量，默认 1"},
};

static enum exit_code parked_retry_run(struct cli *cli)
{
	struct request_draft draft;

	parked_begin(&draft, cli);
	return request_show(&draft, "parked.retry", show_done);
}

static enum exit_code parked_drop_run(struct cli *cli)
{
	static const struct member_map maps[] = {
		{"--reason", "reason", MEMBER_TEXT},
	};
	struct request_draft draft;

	if (!cli_confirm(cli, cli_say(cli, "Drop this reading for good?",
				      "确定丢弃此读数？")))
		return cli_refuse(cli, EXIT_USAGE, &needs_yes, "");
	parked_begin(&draft, cli);
	request_options(&draft, maps, ARRAY_LEN(maps));
	return request_show(&draft, "parked.drop", show_done);
}

static const struct option_spec parked_drop_options[] = {
	{"--reason", "TEXT", "why; it stays in the journal",
	 "原因，将留在日志中"},
};

/* ---- sessions ---- */

static enum exit_code sessions_run(struct cli *cli)
{
	static const struct column columns[] = {
		{"device", "DEVICE", "设备", false},
		{"op", "OPERATION", "操作", false},
		{"bin", "BIN", "库位", false},
		{"to", "TO", "目标", false},
		{"lines", "LINES", "行数", true},
		{"started", "STARTED", "开始", false},
		{"last", "LAST SCAN", "最后扫描", false},
	};
	static const struct listing listing = {columns, ARRAY_LEN(columns),
					       "nobody scans", "没有扫描会话",
					       false};
	struct request_draft draft;

	request_begin(&draft, cli);
	return request_list(&draft, "session.list", &listing);
}

/* ---- the verbs ---- */

#define ONE_WORD .words_min = 1, .words_max = 1

const struct verb errand_verbs[] = {
	{
		.name = "tasks",
		.usage = "[--all]",
		.en = "what has to be done",
		.zh = "待办任务",
		.examples = "depot tasks\topen ones\t未完成的任务\n",
		CLI_OPTIONS(tasks_options),
		.run = tasks_run,
	},
	{
		.name = "task add",
		.usage = "BIN [--item ITEM]",
		.en = "asks for a count",
		.zh = "要求盘点",
		.examples = "depot task add A-01\tof a bin\t盘点某库位\n",
		CLI_OPTIONS(task_add_options),
		ONE_WORD,
		.run = task_add_run,
	},
	{
		.name = "task claim",
		.usage = "TASK",
		.en = "takes a task",
		.zh = "领取任务",
		.examples = "depot task claim t1-17\tit is mine\t由我处理\n",
		ONE_WORD,
		.run = task_claim_run,
	},
	{
		.name = "task done",
		.usage = "TASK",
		.en = "says that a task is done",
		.zh = "完成任务",
		.examples = "depot task done t1-17\tit is done\t已完成\n",
		ONE_WORD,
		.run = task_done_run,
	},
	{
		.name = "task cancel",
		.usage = "TASK",
		.en = "takes a task back",
		.zh = "取消任务",
		.examples = "depot task cancel t1-17\tit is not needed\t"
			    "不再需要\n",
		ONE_WORD,
		.run = task_cancel_run,
	},
	{
		.name = "alerts",
		.usage = "",
		.en = "what somebody should look at, and what to do",
		.zh = "告警及处理办法",
		.examples = "depot alerts\topen ones\t未关闭的告警\n",
		.run = alerts_run,
	},
	{
		.name = "alert close",
		.usage = "ALERT",
		.en = "says that an alert has been seen to",
		.zh = "关闭告警",
		.examples = "depot alert close seq_reused-dock-1\t"
			    "it is settled\t已处理\n",
		ONE_WORD,
		.run = alert_close_run,
	},
	{
		.name = "parked list",
		.usage = "",
		.en = "readings that could not be booked yet",
		.zh = "尚未能记账的读数",
		.examples = "depot parked list\tand why\t及其原因\n",
		.run = parked_list_run,
	},
	{
		.name = "parked show",
		.usage = "NUMBER",
		.en = "one of them, as it came",
		.zh = "查看一条待处理读数",
		.examples = "depot parked show 12\twith its payload\t"
			    "含原始内容\n",
		ONE_WORD,
		.run = parked_show_run,
	},
	{
		.name = "parked name",
		.usage = "NUMBER ITEM [--pack UNITS]",
		.en = "says what its unknown code stands for, and books it",
		.zh = "为未知条码命名并补记",
		.examples = "depot parked name 12 MUG\tone mug\t一个杯子\n"
			    "depot parked name 12 MUG --pack 12\t"
			    "a case of twelve\t一箱十二个\n",
		CLI_OPTIONS(parked_name_options),
		.words_min = 2,
		.words_max = 2,
		.run = parked_name_run,
	},
	{
		.name = "parked retry",
		.usage = "NUMBER",
		.en = "tries to book it again",
		.zh = "重新尝试记账",
		.examples = "depot parked retry 12\tafter what it lacked is "
			    "there\t补齐资料后重试\n",
		ONE_WORD,
		.run = parked_retry_run,
	},
	{
		.name = "parked drop",
		.usage = "NUMBER --reason TEXT",
		.en = "throws it away, with a loss record",
		.zh = "丢弃，并留下丢失记录",
		.examples = "depot parked drop 12 --reason 'a test' --yes\t"
			    "it was no reading\t并非真实读数\n",
		CLI_OPTIONS(parked_drop_options),
		ONE_WORD,
		.run = parked_drop_run,
	},
	{
		.name = "sessions",
		.usage = "",
		.en = "who scans, and what",
		.zh = "正在进行的扫描会话",
		.examples = "depot sessions\tright now\t当前会话\n",
		.run = sessions_run,
	},
	{.name = NULL},
};
