#include "gateway/cli/people.h"

#include <pwd.h>

#include "gateway/cli/broker_access.h"
#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"

static const struct control_refusal unknown_user = {
	"not_found", "this machine has no user %s", "本机没有用户 %s"};
static const struct control_refusal needs_yes = {
	"usage", "this cannot be undone: say --yes",
	"此操作不可撤销：请加 --yes"};

/* ---- accounts ---- */

static void user_add(struct request_draft *draft, const char *user)
{
	const struct passwd *entry;

	if (user == NULL || draft->exit != EXIT_DONE)
		return;
	entry = getpwnam(user);
	if (entry == NULL)
		draft->exit = cli_refuse(draft->cli, EXIT_NOT_FOUND,
					 &unknown_user, user);
	else
		out_int_at(&draft->out, "uid", (int64_t)entry->pw_uid);
}

static enum exit_code account_add_run(struct cli *cli)
{
	static const struct member_map maps[] = {
		{"--role", "roles", MEMBER_LIST},
		{"--uid", "uid", MEMBER_NUMBER},
	};
	struct request_draft draft;

	request_begin(&draft, cli);
	request_text(&draft, "account", cli->words[0]);
	request_options(&draft, maps, ARRAY_LEN(maps));
	user_add(&draft, cli_option(cli, "--user"));
	return request_show(&draft, "account.set", show_done);
}

static const struct option_spec account_add_options[] = {
	{"--role", "ROLES",
	 "operator, manager, purchasing, sales, logistics, finance, with "
	 "commas "
	 "between",
	 "角色，用逗号分隔：operator、manager、purchasing、sales、logistics、"
	 "finance"},
	{"--user", "USER", "the system's user that it belongs to",
	 "对应的系统用户"},
	{"--uid", "NUMBER", "the same as a number; -1 for none",
	 "对应的系统用户编号，-1 表示无"},
};

static enum exit_code account_list_run(struct cli *cli)
{
	static const struct column columns[] = {
		{"account", "ACCOUNT", "账户", false},
		{"roles", "ROLES", "角色", false},
		{"uid", "UID", "用户编号", true},
		{"revoked", "REVOKED", "已停用", false},
	};
	static const struct listing listing = {
		columns, ARRAY_LEN(columns), "no accounts", "没有账户", false};
	struct request_draft draft;

	request_begin(&draft, cli);
	return request_list(&draft, "account.list", &listing);
}

static enum exit_code account_revoke_run(struct cli *cli)
{
	struct request_draft draft;

	if (!cli_confirm(cli, cli_say(cli, "Revoke this account?",
				      "确定停用此账户？")))
		return cli_refuse(cli, EXIT_USAGE, &needs_yes, "");
	request_begin(&draft, cli);
	request_text(&draft, "account", cli->words[0]);
	return request_show(&draft, "account.revoke", show_done);
}

/* ---- devices ---- */

static const struct column device_facts[] = {
	{"device", "device", "设备", false},
	{"entry", "entry", "记录", false},
	{"broker", "broker", "消息代理", false},
	{"user", "user", "账号", false},
	{"password", "password, shown once", "密码（仅显示一次）", false},
	{"note_$", "password", "密码", false},
	{"publishes", "publishes on", "发布主题", false},
	{"hears", "hears on", "应答主题", false},
};

static void topic_out(const struct cli *cli, struct json_out *out,
		      const char *member, const char *level)
{
	char topic[160];

	(void)text_format(topic, sizeof(topic), "depot/v1/%s/%s/%s/%s",
			  cli->config->site.org, cli->config->site.site, level,
			  cli->words[0]);
	out_string_at(out, member, topic);
}

/* What whoever sets the device up has to type into it. */
static void device_document(const struct cli *cli, const char *entry,
			    const char *password, struct json_out *out)
{
	const char *kind = cli_option(cli, "--kind");

	out_object(out);
	out_string_at(out, "device", cli->words[0]);
	out_string_at(out, "entry", entry);
	out_string_at(out, "broker", cli->config->broker.uri);
	if (cli->config->broker.mode == CONFIG_BROKER_MANAGED) {
		out_string_at(out, "user", cli->words[0]);
		if (password[0] != '\0') {
			out_string_at(out, "password", password);
		} else {
			out_null_at(out, "password");
			out_string_at(
				out, "note_en",
				"as it was; --new-password draws another");
			out_string_at(out, "note_zh",
				      "保持不变；用 --new-password 重新生成");
		}
	}
	topic_out(cli, out, "publishes",
		  kind == NULL || span_is(span_of(kind), "scanner") ? "scan"
								    : kind);
	topic_out(cli, out, "hears", "ack");
	out_object_end(out);
}

static enum exit_code device_set(struct cli *cli, char entry[VALUE_TEXT_SIZE])
{
	static const struct member_map maps[] = {
		{"--kind", "kind", MEMBER_TEXT},
		{"--place", "place", MEMBER_TEXT},
		{"--gs", "gs", MEMBER_TEXT},
		{"--profile", "profile", MEMBER_TEXT},
		{"--interval", "interval_s", MEMBER_NUMBER},
	};
	struct request_draft draft;
	struct request request;
	struct reply reply;
	enum exit_code exit;

	request_begin(&draft, cli);
	request_text(&draft, "device", cli->words[0]);
	request_options(&draft, maps, ARRAY_LEN(maps));
	exit = request_end(&draft, "device.set", &request);
	if (exit == EXIT_DONE)
		exit = ask(cli, &request, &reply);
	if (exit != EXIT_DONE)
		return exit;
	(void)member_text(cli, reply.root, "entry", entry);
	reply_release(&reply);
	return EXIT_DONE;
}

static enum exit_code device_add_run(struct cli *cli)
{
	char entry[VALUE_TEXT_SIZE];
	char password[BROKER_PASSWORD_SIZE] = "";
	char text[2048];
	struct json_out out;
	struct reply reply;
	enum exit_code exit = device_set(cli, entry);

	if (exit == EXIT_DONE &&
	    cli->config->broker.mode == CONFIG_BROKER_MANAGED)
		exit = broker_access_give(
			cli, cli->words[0], "device",
			cli_option(cli, "--new-password") != NULL, password);
	if (exit != EXIT_DONE)
		return exit;
	out_init(&out, text, sizeof(text));
	device_document(cli, entry, password, &out);
	seal_wipe(password, sizeof(password));
	if (cli->is_json) {
		cli_document(out_span(&out));
	} else {
		exit = reply_take(cli, out_span(&out), &reply);
		if (exit == EXIT_DONE) {
			record_show(cli, reply.root, device_facts,
				    ARRAY_LEN(device_facts));
			reply_release(&reply);
		}
	}
	seal_wipe(text, sizeof(text));
	return exit;
}

static const struct option_spec device_add_options[] = {
	{"--kind", "KIND", "scanner, shelf, rfid",
	 "类型：scanner、shelf、rfid"},
	{"--place", "BIN", "the bin where it stands", "所在库位"},
	{"--gs", "TEXT", "what it sends in place of GS", "用来代替 GS 的文本"},
	{"--profile", "NAME", "how its messages are read", "消息格式"},
	{"--interval", "SECONDS", "silence beyond this is an alert",
	 "静默超过此秒数即告警"},
	{"--new-password", NULL, "draws another password for one that has one",
	 "为已有密码的设备重新生成密码"},
};

static enum exit_code device_list_run(struct cli *cli)
{
	static const struct column columns[] = {
		{"device", "DEVICE", "设备", false},
		{"kind", "KIND", "类型", false},
		{"place", "PLACE", "库位", false},
		{"upto", "UPTO", "已收至", true},
		{"interval_s", "INTERVAL", "间隔", true},
		{"revoked", "REVOKED", "已停用", false},
	};
	static const struct listing listing = {columns, ARRAY_LEN(columns),
					       "no devices", "没有设备", false};
	struct request_draft draft;

	request_begin(&draft, cli);
	return request_list(&draft, "device.list", &listing);
}

static enum exit_code device_revoke_run(struct cli *cli)
{
	struct request_draft draft;
	enum exit_code exit;

	if (!cli_confirm(cli, cli_say(cli, "Revoke this device?",
				      "确定停用此设备？")))
		return cli_refuse(cli, EXIT_USAGE, &needs_yes, "");
	request_begin(&draft, cli);
	request_text(&draft, "device", cli->words[0]);
	exit = request_show(&draft, "device.revoke", show_done);
	/* The ledger refuses it from now on; the broker too. */
	if (exit == EXIT_DONE &&
	    cli->config->broker.mode == CONFIG_BROKER_MANAGED)
		exit = broker_access_take(cli, cli->words[0]);
	return exit;
}

/* ---- the verbs ---- */

const struct verb people_verbs[] = {
	{
		.name = "account add",
		.usage = "NAME [OPTION...]",
		.en = "adds an account, or changes one",
		.zh = "新增或更改账户",
		.examples = "depot account add li --role operator --user li\t"
			    "the system's user li works on the floor\t"
			    "系统用户 li 为操作员\n"
			    "depot account add wang --role manager,purchasing\t"
			    "two roles\t两个角色\n",
		CLI_OPTIONS(account_add_options),
		.words_min = 1,
		.words_max = 1,
		.run = account_add_run,
	},
	{
		.name = "account list",
		.usage = "",
		.en = "all accounts",
		.zh = "列出账户",
		.examples = "depot account list\tall of them\t全部账户\n",
		.run = account_list_run,
	},
	{
		.name = "account revoke",
		.usage = "NAME",
		.en = "lets an account do nothing more",
		.zh = "停用账户",
		.examples = "depot account revoke li\tli has left\tli 已离职\n",
		.words_min = 1,
		.words_max = 1,
		.run = account_revoke_run,
	},
	{
		.name = "device add",
		.usage = "NAME [OPTION...]",
		.en = "adds a scanner, shelf or reader, with its password",
		.zh = "新增设备并生成密码",
		.examples =
			"depot device add dock-1 --kind scanner --place DOCK\t"
			"a scanner at the dock\t月台上的扫描枪\n"
			"depot device add dock-1 --new-password\t"
			"it was lost\t密码丢失，重新生成\n",
		CLI_OPTIONS(device_add_options),
		.words_min = 1,
		.words_max = 1,
		.run = device_add_run,
	},
	{
		.name = "device list",
		.usage = "",
		.en = "all devices",
		.zh = "列出设备",
		.examples = "depot device list\tall of them\t全部设备\n",
		.run = device_list_run,
	},
	{
		.name = "device revoke",
		.usage = "NAME",
		.en = "takes nothing more from a device",
		.zh = "停用设备",
		.examples = "depot device revoke dock-1\tit was stolen\t"
			    "设备被盗\n",
		.words_min = 1,
		.words_max = 1,
		.run = device_revoke_run,
	},
	{.name = NULL},
};
