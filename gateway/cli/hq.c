/*
 * depot hq ...
 */
#include "gateway/cli/hq.h"

#include <unistd.h>

#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"

static const struct member_map maps[] = {
	{"--reason", "reason", MEMBER_TEXT},
	{"--epoch", "epoch", MEMBER_NUMBER},
	{"--seq", "seq", MEMBER_NUMBER},
	{"--anyway", "anyway", MEMBER_FLAG},
};

/* ---- looking ---- */

static enum exit_code sites_run(struct cli *cli)
{
	static const struct column columns[] = {
		{"site", "SITE", "站点", true},
		{"name", "NAME", "名称", false},
		{"state", "STATE", "状态", false},
		{"epoch", "EPOCH", "纪元", true},
		{"seq", "HELD", "已有", true},
		{"as_of", "AS OF", "截至", false},
		{"stale", "STALE", "过时", false},
		{"invitation", "INVITATION", "邀请", true},
		{"expires", "EXPIRES", "邀请有效期", false},
		{"until", "UNTIL", "关闭", false},
	};
	static const struct listing listing = {
		columns, ARRAY_LEN(columns),
		"nothing was heard of a network yet: depot hq init makes one, "
		"depot "
		"join joins one",
		"尚无任何网络的信息：depot hq init 创建网络，depot join "
		"加入网络",
		true};
	struct request_draft draft;

	request_begin(&draft, cli);
	return request_list(&draft, "hq.sites", &listing);
}

/* ---- doing ---- */

static enum exit_code withdrawn_show(const struct cli *cli,
				     const struct json_value *root)
{
	if (!cli->is_json)
		(void)printf("%s %lld\n",
			     cli_say(cli, "withdrawn: invitation",
				     "已撤回邀请"),
			     (long long)member_number(root, "invitation", 0));
	return EXIT_DONE;
}

static enum exit_code withdraw_run(struct cli *cli)
{
	struct request_draft draft;

	request_begin(&draft, cli);
	request_number(&draft, "invitation", cli->words[0]);
	return request_show(&draft, "hq.withdraw", withdrawn_show);
}

static enum exit_code site_show(const struct cli *cli,
				const struct json_value *root)
{
	static const struct column facts[] = {
		{"site", "site", "站点", false},
		{"name", "name", "名称", false},
		{"epoch", "epoch", "纪元", false},
		{"verdict", "verdict", "结论", false},
		{"seq", "up to delta", "截至增量", false},
		{"seal", "its own last word", "该站点关闭时的签名", false},
		{"written_off", "units written off", "核销数量", false},
		{"transfers", "transfers still open", "未结束的调拨单", false},
		{"invitation", "invitation", "邀请", false},
	};

	if (!cli->is_json)
		record_show(cli, root, facts, ARRAY_LEN(facts));
	return EXIT_DONE;
}

static enum exit_code admit_run(struct cli *cli)
{
	struct request request = {.name = "hq.admit"};
	enum exit_code exit = ask_file(cli, cli->words[0], &request.fd);

	if (exit != EXIT_DONE)
		return exit;
	cli->file = cli->words[0];
	exit = ask_show(cli, &request, site_show);
	(void)close(request.fd); /* a file in memory */
	return exit;
}

static enum exit_code end_run(struct cli *cli, const char *command)
{
	struct request_draft draft;

	request_begin(&draft, cli);
	request_text(&draft, "site", cli->words[0]);
	request_options(&draft, maps, ARRAY_LEN(maps));
	return request_show(&draft, command, site_show);
}

static enum exit_code revoke_run(struct cli *cli)
{
	static const struct control_refusal not_meant = {
		"usage", "nothing was revoked", "未吊销任何内容"};

	if (!cli_confirm(
		    cli,
		    cli_say(cli,
			    "What that site did and HQ has not heard of "
			    "will never count. Revoke its key?",
			    "该站点尚未送达总部的记录将永远不被计入。确定吊"
			    "销其密钥？")))
		return cli_refuse(cli, EXIT_USAGE, &not_meant, "");
	return end_run(cli, "hq.revoke");
}

static enum exit_code close_run(struct cli *cli)
{
	static const struct control_refusal not_meant = {
		"usage", "nothing was closed", "未关闭任何内容"};

	if (!cli_confirm(
		    cli,
		    cli_say(cli,
			    "That site ends where HQ has heard of it, for "
			    "good, and what its bins hold is written off. "
			    "Close it?",
			    "该站点将在总部已有的记录处永久结束，其库存将被"
			    "核销。确定关闭？")))
		return cli_refuse(cli, EXIT_USAGE, &not_meant, "");
	return end_run(cli, "hq.close");
}

static enum exit_code confirmed_show(const struct cli *cli,
				     const struct json_value *root)
{
	if (cli->is_json)
		return EXIT_DONE;
	(void)printf("%s\n", member_true(root, "confirmed")
				     ? cli_say(cli, "confirmed: HQ speaks",
					       "已确认：总部可以发布指令")
				     : cli_say(cli, "HQ speaks already",
					       "总部已可发布指令"));
	return EXIT_DONE;
}

static enum exit_code confirm_run(struct cli *cli)
{
	static const struct control_refusal not_meant = {
		"usage", "nothing was confirmed", "未作确认"};
	struct request_draft draft;

	if (!cli_confirm(
		    cli,
		    cli_say(cli,
			    "If this disk was set back, what HQ says now "
			    "stops all sites until the root key speaks. Was "
			    "it not?",
			    "若本磁盘曾被还原，此后发布的指令会使所有站点停止"
			    "接收，直到根密钥介入。确认没有被还原？")))
		return cli_refuse(cli, EXIT_USAGE, &not_meant, "");
	request_begin(&draft, cli);
	return request_show(&draft, "hq.confirm", confirmed_show);
}

static enum exit_code fence_run(struct cli *cli)
{
	return end_run(cli, "hq.fence");
}

static enum exit_code written_off_show(const struct cli *cli,
				       const struct json_value *root)
{
	char name[VALUE_TEXT_SIZE];

	if (!cli->is_json)
		(void)printf("%s: %s %lld\n",
			     member_text(cli, root, "transfer", name),
			     cli_say(cli, "closed; units written off:",
				     "已关闭；核销件数："),
			     (long long)member_number(root, "units", 0));
	return EXIT_DONE;
}

static enum exit_code write_off_run(struct cli *cli)
{
	static const struct control_refusal not_meant = {
		"usage", "nothing was written off", "未核销任何货物"};
	struct request_draft draft;

	if (!cli_confirm(cli, cli_say(cli,
				      "What is still in transit of it counts "
				      "as lost, for good. Write it off?",
				      "其在途货物将永久计为损失。确定核销？")))
		return cli_refuse(cli, EXIT_USAGE, &not_meant, "");
	request_begin(&draft, cli);
	request_text(&draft, "transfer", cli->words[0]);
	request_options(&draft, maps, ARRAY_LEN(maps));
	return request_show(&draft, "hq.write_off", written_off_show);
}

/* ---- the verbs ---- */

#define OPTION_REASON                               \
	{                                           \
		"--reason", "TEXT", "why", "原因" \
	}

static const struct option_spec init_options[] = {
	{"--root-key", "FILE",
	 "where the root key goes; depot-root-key.txt if not given",
	 "根密钥文件，默认 depot-root-key.txt"},
	{"--keep-root-here", NULL,
	 "leaves the root key on this box: for a try, not for a network",
	 "根密钥留在本机：仅供试用"},
};

static const struct option_spec renew_options[] = {
	{"--root", "FILE",
	 "the root key, as depot hq init wrote it; if not given, the one that "
	 "was left on this box",
	 "depot hq init 写出的根密钥文件；默认为留在本机的根密钥"},
};

static const struct option_spec invite_options[] = {
	{"--site", "NAME", "the new warehouse (a-z, 0-9, -)",
	 "新仓库名（a-z、0-9、-）"},
	{"--until", "DATE", "the day on which it closes, as 2026-12-20",
	 "关闭日期，如 2026-12-20"},
	{"--like", "SITE", "the site that it is to be like", "参照的站点"},
	{"--share", "SHARE", "of that site's demand, as .15",
	 "占该站点需求的份额，如 .15"},
	{"--replace", NULL, "for a box that takes the place of that site's",
	 "用于更换该站点的盒子"},
	{"--hours", "N", "how long the code is good; 168 if not given",
	 "加入码有效小时数，默认 168"},
	{"--host", "HOST:PORT", "HQ's broker, to stand in the code",
	 "总部代理地址，写入加入码"},
	{"--bundle", "FILE",
	 "for a box without a link: the invitation and HQ's goods in one file",
	 "供无网络的盒子使用：邀请和总部的商品数据在同一文件"},
	{"--out", "FILE", "the invitation alone, as a small text",
	 "仅将邀请写入文本文件"},
	{"--sheet", "FILE", "a page to print, HTML", "可打印的加入单（HTML）"},
};

static const struct option_spec revoke_options[] = {OPTION_REASON};

static const struct option_spec close_options[] = {
	OPTION_REASON,
	{"--anyway", NULL,
	 "although what the site said last differs from what is here",
	 "即使该站点关闭时的签名与总部数据不符"},
};

static const struct option_spec write_off_options[] = {OPTION_REASON};

static const struct option_spec fence_options[] = {
	{"--epoch", "N", "which life of the site; the last if not given",
	 "站点的纪元，默认最近一个"},
	{"--seq", "N", "the last delta that counts; what HQ holds if not given",
	 "最后有效的增量，默认为总部已有的"},
	OPTION_REASON,
};

const struct verb hq_verbs[] = {
	{
		.name = "hq init",
		.usage = "[--root-key FILE]",
		.en = "makes this box HQ of a network of sites",
		.zh = "将本机设为总部",
		.examples =
			"sudo depot hq init --root-key /media/safe/root.txt\t"
			"with depotd stopped\t须先停止 depotd\n",
		CLI_OPTIONS(init_options),
		.run = hq_init_run,
	},
	{
		.name = "hq confirm",
		.usage = "",
		.en = "says that HQ's disk was not set back, where no guard "
		      "tells",
		.zh = "在启动校验无法判断时确认总部的磁盘没有回退",
		.examples = "depot hq confirm\t"
			    "or a site is heard for a minute\t"
			    "或等待听到站点一分钟\n",
		.run = confirm_run,
	},
	{
		.name = "hq renew",
		.usage = "[--root FILE]",
		.en = "lets an HQ that was restored speak again",
		.zh = "让恢复后的总部重新发布指令",
		.examples = "sudo depot hq renew --root /media/safe/root.txt\t"
			    "with depotd stopped\t须先停止 depotd\n",
		CLI_OPTIONS(renew_options),
		.run = hq_renew_run,
	},
	{
		.name = "hq invite",
		.usage = "--site NAME [OPTION...]",
		.en = "a code with which one box joins",
		.zh = "生成一次性加入码",
		.examples =
			"depot hq invite --site hz-07 --until 2026-12-20 "
			"--sheet hz-07.html\ta sheet to print\t可打印的加入单\n"
			"sudo depot hq invite --site hz-07 --bundle "
			"hz-07.join\t"
			"for a box without a link\t供无网络的盒子使用\n",
		CLI_OPTIONS(invite_options),
		.run = hq_invite_run,
	},
	{
		.name = "hq admit",
		.usage = "FILE",
		.en = "takes in a box by the file that depot join wrote",
		.zh = "用 depot join 写出的文件接纳盒子",
		.examples = "depot hq admit /media/stick/hz-07-ask.txt\t"
			    "the box is certified\t为该盒子签发证书\n",
		.words_min = 1,
		.words_max = 1,
		.run = admit_run,
	},
	{
		.name = "hq sites",
		.usage = "",
		.en = "who belongs to the network, and who is invited",
		.zh = "查看网络中的站点和邀请",
		.examples = "depot hq sites\talso at a site\t各站点也可查看\n",
		.run = sites_run,
	},
	{
		.name = "hq withdraw",
		.usage = "NUMBER",
		.en = "takes an invitation back",
		.zh = "撤回邀请",
		.examples = "depot hq withdraw 17\tits code is worth nothing\t"
			    "该加入码作废\n",
		.words_min = 1,
		.words_max = 1,
		.run = withdraw_run,
	},
	{
		.name = "hq revoke",
		.usage = "SITE [--reason TEXT]",
		.en = "trusts a site's key no further",
		.zh = "吊销站点的密钥",
		.examples = "depot hq revoke hz-07 --reason 'box stolen'\t"
			    "up to what HQ holds\t截至总部已有的记录\n",
		CLI_OPTIONS(revoke_options),
		.words_min = 1,
		.words_max = 1,
		.run = revoke_run,
	},
	{
		.name = "hq close",
		.usage = "SITE [--reason TEXT]",
		.en = "ends a dead site for good, and writes off its stock",
		.zh = "永久关闭已失联的站点并核销其库存",
		.examples = "depot hq close hz-07 --reason 'box burnt'\t"
			    "a box that lives: depot close there\t"
			    "盒子可用时请在该站点执行 depot close\n",
		CLI_OPTIONS(close_options),
		.words_min = 1,
		.words_max = 1,
		.run = close_run,
	},
	{
		.name = "hq fence",
		.usage = "SITE [--seq N] [--epoch N]",
		.en = "ends a site's feed in good order",
		.zh = "正常结束站点的数据流",
		.examples = "depot hq fence hz-07 --reason 'box is dead'\t"
			    "at the last delta that HQ holds\t"
			    "截至总部已有的最后增量\n",
		CLI_OPTIONS(fence_options),
		.words_min = 1,
		.words_max = 1,
		.run = fence_run,
	},
	{
		.name = "hq write-off",
		.usage = "TRANSFER [--reason TEXT]",
		.en = "closes a transfer that will never arrive",
		.zh = "关闭不会再到货的调拨",
		.examples =
			"depot hq write-off 3-7-125 --reason 'truck burnt'\t"
			"what is in transit is lost\t在途货物计为损失\n",
		CLI_OPTIONS(write_off_options),
		.words_min = 1,
		.words_max = 1,
		.run = write_off_run,
	},
	{.name = NULL},
};
