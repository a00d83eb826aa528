/*
 * depot init: a store where there was none.
 */
#include "gateway/cli/setup.h"

#include "gateway/cli/ask.h"
#include "gateway/cli/commission.h"
#include "gateway/cli/port_taken.h"
#include "gateway/cli/sheet.h"

static void next_tell(const struct commission *commission)
{
	const struct cli *cli = commission->cli;

	(void)puts(
		cli_say(cli,
			"\nnext\n"
			"  depot item import items.csv        what is traded\n"
			"  depot code import codes.csv        its barcodes\n"
			"  depot bin import bins.csv          where it lies\n"
			"  depot device add dock-1            a scanner\n"
			"  depot label op --out labels        sheets to scan",
			"\n下一步\n"
			"  depot item import items.csv        导入商品\n"
			"  depot code import codes.csv        导入条码\n"
			"  depot bin import bins.csv          导入库位\n"
			"  depot device add dock-1            添加扫描枪\n"
			"  depot label op --out labels        打印操作标签"));
	port_taken_tell(cli, commission->wanted);
	(void)puts(cli_say(
		cli, "  systemctl enable --now depotd      the box starts",
		"  systemctl enable --now depotd      启动服务"));
}

static enum exit_code result_show(const struct commission *commission)
{
	static const struct column facts[] = {
		{"org", "organisation", "组织", false},
		{"site", "site", "站点", false},
		{"path", "ledger", "账本", false},
		{"map_size", "bytes of room", "空间（字节）", false},
		{"account", "your account (manager)", "您的账户（经理）",
		 false},
		{"config", "configuration written", "已写入配置", false},
	};
	const struct config *wanted = commission->wanted;
	struct cli *cli = commission->cli;
	char text[2048];
	struct json_out out;
	struct reply reply;
	enum exit_code exit;

	out_init(&out, text, sizeof(text));
	out_object(&out);
	out_string_at(&out, "org", wanted->site.org);
	out_string_at(&out, "site", wanted->site.site);
	out_string_at(&out, "timezone", wanted->site.timezone);
	out_string_at(&out, "path", wanted->store.path);
	out_int_at(&out, "map_size", (int64_t)wanted->store.map_size);
	out_text_at(&out, "account", name_span(&commission->account));
	if (commission->config_path[0] != '\0')
		out_string_at(&out, "config", commission->config_path);
	out_object_end(&out);
	if (cli->is_json) {
		cli_document(out_span(&out));
		return EXIT_DONE;
	}
	exit = reply_take(cli, out_span(&out), &reply);
	if (exit != EXIT_DONE)
		return exit;
	record_show(cli, reply.root, facts, ARRAY_LEN(facts));
	reply_release(&reply);
	next_tell(commission);
	return EXIT_DONE;
}

static enum exit_code init_run(struct cli *cli)
{
	struct commission commission = {.cli = cli};
	enum exit_code exit = commission_run(&commission);

	if (exit == EXIT_DONE)
		exit = result_show(&commission);
	commission_release(&commission);
	return exit;
}

static const struct option_spec init_options[] = {
	{"--org", "NAME", "the organisation, first level of every topic",
	 "组织名，主题的第一级"},
	{"--site", "NAME", "this warehouse, the second level",
	 "本仓库名，主题的第二级"},
	{"--timezone", "ZONE", "Asia/Shanghai; the machine's if not given",
	 "时区，如 Asia/Shanghai；默认为本机时区"},
	{"--path", "FOLDER", "the ledger's folder", "账本文件夹"},
	{"--map-size", "SIZE", "its room, 1 GiB if not given",
	 "账本空间，默认 1 GiB"},
	{"--account", "NAME", "your account's name; the user's if not given",
	 "您的账户名，默认与用户名相同"},
	{"--write-config", NULL, "writes these answers into the configuration",
	 "将以上内容写入配置"},
};

const struct verb setup_verbs[] = {
	{
		.name = "init",
		.usage = "[OPTION...]",
		.en = "commissions this box: makes its ledger",
		.zh = "启用本机：创建账本",
		.examples = "sudo depot init --write-config\t"
			    "asks, makes the ledger, writes the configuration\t"
			    "逐项询问，创建账本并写入配置\n"
			    "depot init --yes --org acme --site hz-01 --path "
			    "/tmp/store\twithout questions\t不作询问\n",
		CLI_OPTIONS(init_options),
		.run = init_run,
	},
	{.name = NULL},
};
