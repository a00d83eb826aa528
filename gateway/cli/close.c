/*
 * depot close
 */
#include "gateway/cli/close.h"

#include <stdlib.h>

#include "gateway/cli/carry_seal.h"
#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"

static const struct control_refusal not_meant = {"usage", "nothing was closed",
						 "未关闭任何内容"};
static const struct control_refusal not_empty = {
	"not_empty",
	"the warehouse is not empty (depot close --dry-run): ship it, hand it "
	"over by a transfer, or write it off (--write-off REASON)",
	"仓库尚未清空（depot close --dry-run 可查看）：请出库、调拨给其他站点，"
	"或核销（--write-off 原因）"};

/* What stands in the way was written off, a few at a time. */
#define CLEAR_ROUNDS_MAX 1000000

static const struct column obstacles[] = {
	{"kind", "IN THE WAY", "未了结", false},
	{"item|transfer|task|number", "WHAT", "对象", false},
	{"bin|direction", "WHERE", "位置", false},
	{"condition", "CONDITION", "状态", false},
	{"lot", "LOT", "批号", false},
	{"units", "UNITS", "数量", true},
};

static void state_tell(const struct cli *cli, const struct json_value *root)
{
	if (member_true(root, "sealed"))
		(void)puts(cli_say(cli,
				   "closed: its feed is sealed, and nothing "
				   "follows",
				   "已关闭：数据流已封存，不再有新记录"));
	else if (member_true(root, "closing"))
		(void)puts(cli_say(
			cli,
			"closing: nothing is booked any more; the seal waits "
			"until this box has heard its links (depot close "
			"again)",
			"正在关闭：不再记账；盒子收听链路后完成封存（可再次执行"
			" "
			"depot close）"));
	else
		(void)puts(cli_say(cli, "open", "营业中"));
	if (member_number(root, "under_way", 0) > 0)
		(void)printf("%lld %s\n",
			     (long long)member_number(root, "under_way", 0),
			     cli_say(cli,
				     "transfers are on their way: they are "
				     "their addressees' to receive",
				     "张调拨单在途：由收货站点收货"));
	if (member_true(root, "covered"))
		(void)puts(cli_say(
			cli,
			"HQ has all of it, and signed so: depot wipe may "
			"follow",
			"总部已签名确认收到全部数据：可以执行 depot wipe"));
	else if (member_true(root, "closing"))
		(void)puts(cli_say(
			cli,
			"HQ has not signed for all of it yet: leave the box on "
			"its link, or carry a stick (depot export --since hq) "
			"and bring HQ's back",
			"总部尚未确认收到全部数据：请保持链路，或用 U 盘传递"
			"（depot export --since hq）并带回总部的数据"));
}

static enum exit_code closing_print(const struct cli *cli,
				    const struct json_value *root)
{
	bool is_over = member_true(root, "sealed");
	struct sheet *sheet;

	if (cli->is_json)
		return is_over ? EXIT_DONE : EXIT_LOOK;
	if (!member_true(root, "closing")) {
		sheet = sheet_open(cli, obstacles, ARRAY_LEN(obstacles));
		sheet_add_list(sheet, json_member(root, "obstacles"));
		sheet_show(sheet, cli_say(cli, "nothing is in the way",
					  "没有未了结事项"));
	}
	state_tell(cli, root);
	return is_over ? EXIT_DONE : EXIT_LOOK;
}

static enum exit_code closing_ask(struct cli *cli, bool *ret_is_free,
				  bool *ret_is_closing)
{
	struct request request = {.name = "site.closing"};
	struct reply reply;
	enum exit_code exit = ask(cli, &request, &reply);

	if (exit != EXIT_DONE)
		return exit;
	*ret_is_closing = member_true(reply.root, "closing");
	*ret_is_free = member_number(reply.root, "stock", 1) == 0 &&
		       member_number(reply.root, "transfers", 1) == 0 &&
		       member_number(reply.root, "tasks", 1) == 0 &&
		       member_number(reply.root, "parked", 1) == 0;
	reply_release(&reply);
	return EXIT_DONE;
}

static enum exit_code closing_show(struct cli *cli)
{
	struct request request = {.name = "site.closing"};

	return ask_show(cli, &request, closing_print);
}

static enum exit_code all_clear(struct cli *cli, const char *reason)
{
	enum exit_code exit = EXIT_DONE;
	int64_t done = 1;

	for (int i = 0; i < CLEAR_ROUNDS_MAX && exit == EXIT_DONE && done > 0;
	     i++) {
		struct request_draft draft;
		struct request request;
		struct reply reply;

		request_begin(&draft, cli);
		request_text(&draft, "reason", reason);
		exit = request_end(&draft, "site.clear", &request);
		if (exit == EXIT_DONE)
			exit = ask(cli, &request, &reply);
		if (exit != EXIT_DONE)
			break;
		done = member_number(reply.root, "done", 0);
		reply_release(&reply);
	}
	return exit;
}

static enum exit_code wish(struct cli *cli)
{
	struct request request = {.name = "site.close"};
	struct reply reply;
	enum exit_code exit = ask(cli, &request, &reply);

	if (exit == EXIT_DONE)
		reply_release(&reply);
	return exit;
}

static enum exit_code end_it(struct cli *cli, bool is_free)
{
	const char *reason = cli_option(cli, "--write-off");
	bool is_closing;
	enum exit_code exit = EXIT_DONE;

	if (!is_free && reason == NULL)
		return cli_refuse(cli, EXIT_CONFLICT, &not_empty, "");
	if (!cli_confirm(cli, cli_say(cli,
				      "Nothing will be booked here after this. "
				      "Close this warehouse?",
				      "此后本机不再记账。确定关闭本仓库？")))
		return cli_refuse(cli, EXIT_USAGE, &not_meant, "");
	if (!is_free)
		exit = all_clear(cli, reason);
	if (exit == EXIT_DONE)
		exit = closing_ask(cli, &is_free, &is_closing);
	if (exit == EXIT_DONE && !is_free)
		return cli_refuse(cli, EXIT_CONFLICT, &not_empty,
				  ""); /* transfers that others have to end */
	return exit == EXIT_DONE ? wish(cli) : exit;
}

static enum exit_code close_run(struct cli *cli)
{
	bool is_free = false;
	bool is_closing = false;
	struct carry_sealed sealed;
	enum exit_code exit;

	if (cli_option(cli, "--dry-run") != NULL)
		return closing_show(cli);
	exit = closing_ask(cli, &is_free, &is_closing);
	if (exit == EXIT_DONE && !is_closing)
		exit = end_it(cli, is_free);
	if (exit == EXIT_DONE)
		exit = carry_seal(cli, &sealed);
	return exit == EXIT_DONE ? closing_show(cli) : exit;
}

/* ---- the verbs ---- */

static const struct option_spec close_options[] = {
	{"--write-off", "REASON",
	 "ends what is left: stock is scrapped, tasks and parked readings are "
	 "dropped",
	 "核销剩余：库存报废，任务和待处理读数作废"},
	{"--dry-run", NULL, "only shows what stands in the way",
	 "仅显示未了结事项"},
};

static const struct option_spec wipe_options[] = {
	{"--lose", "N", "so many entries that HQ has not are lost with it",
	 "总部没有的这么多条记录将随之丢失"},
	{"--free-room", NULL, "writes over the free room of the disk, too",
	 "同时覆盖磁盘的空闲空间"},
};

const struct verb close_verbs[] = {
	{
		.name = "close",
		.usage = "[--write-off REASON]",
		.en = "ends this warehouse: nothing is booked after it",
		.zh = "关闭本仓库，此后不再记账",
		.examples = "depot close --dry-run\twhat is in the way\t"
			    "查看未了结事项\n"
			    "depot close --write-off 'end of season'\t"
			    "and the rest is written off\t核销剩余\n",
		CLI_OPTIONS(close_options),
		.run = close_run,
	},
	{
		.name = "wipe",
		.usage = "[--lose N]",
		.en = "removes keys and data from a box that was closed",
		.zh = "清除已关闭盒子上的密钥和数据",
		.examples = "sudo depot wipe\twhile depotd is stopped\t"
			    "需先停止 depotd\n",
		CLI_OPTIONS(wipe_options),
		.run = wipe_run,
	},
	{.name = NULL},
};
