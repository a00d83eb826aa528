#include "gateway/cli/broker_access.h"

#include <string.h>

#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"
#include "gateway/edge/control_broker.h"
#include "store/file.h"

static const struct control_refusal not_managed = {
	"not_managed",
	"the broker is not ours: its accounts are given there ([broker] mode = "
	"external)",
	"消息代理不由 depot 管理，请在该代理上设置账号（[broker] mode = "
	"external）"};

/* The daemon's command, run here: there is no daemon. */
static enum exit_code local_run(struct cli *cli, const struct request *request,
				struct json_out *out)
{
	static _Alignas(max_align_t) unsigned char
		memory[JSON_MEMORY_SIZE(ARGUMENTS_SIZE_MAX)];
	struct control_extra extras[CONTROL_BROKER_EXTRAS];
	char keys[FILE_PATH_SIZE];
	struct control_broker broker = {.keys = keys};
	struct json json;
	struct fault fault;
	struct err err;
	enum err_code code =
		ledger_keys_folder(cli->config->store.path, keys, &err);

	if (code == ERR_OK)
		code = direct_become_owner(cli->config->store.path, &err);
	if (code != ERR_OK)
		return cli_failed(cli, code, &err);
	json_init(&json, memory, sizeof(memory));
	code = json_parse(&json, request->arguments, &fault);
	ASSERT(code == ERR_OK); /* we made them */
	control_broker_extras(&broker, extras);
	out_object(out);
	for (size_t i = 0; i < CONTROL_BROKER_EXTRAS; i++)
		if (strcmp(request->name, extras[i].name) == 0 &&
		    extras[i].run(&broker, json_root(&json), out))
			out_object_end(out);
	return out_ok(out) ? EXIT_DONE : cli_failed(cli, ERR_OVERFLOW, NULL);
}

static enum exit_code broker_ask(struct request_draft *draft, const char *name,
				 struct reply *ret_reply)
{
	static char reply[REPLY_SIZE_MAX];
	struct cli *cli = draft->cli;
	struct request request;
	struct direct *direct;
	struct json_out out;
	enum exit_code exit = request_end(draft, name, &request);

	if (exit == EXIT_DONE)
		exit = ask_direct(cli, ENV_READ, &direct);
	if (exit != EXIT_DONE)
		return exit;
	if (cli->config->broker.mode == CONFIG_BROKER_EXTERNAL)
		return cli_refuse(cli, EXIT_CONFLICT, &not_managed, "");
	if (direct == NULL)
		return ask(cli, &request, ret_reply);
	out_init(&out, reply, sizeof(reply));
	exit = local_run(cli, &request, &out);
	return exit == EXIT_DONE ? reply_take(cli, out_span(&out), ret_reply)
				 : exit;
}

enum exit_code broker_access_give(struct cli *cli, const char *name,
				  const char *role, bool again,
				  char ret_password[BROKER_PASSWORD_SIZE])
{
	struct request_draft draft;
	struct reply reply;
	char text[VALUE_TEXT_SIZE];
	enum exit_code exit;

	request_begin(&draft, cli);
	request_text(&draft, "name", name);
	request_text(&draft, "role", role);
	if (again)
		out_bool_at(&draft.out, "again", true);
	exit = broker_ask(&draft, "broker.give", &reply);
	if (exit != EXIT_DONE)
		return exit;
	(void)member_text(cli, reply.root, "password", text);
	text_print(span_of(text), ret_password, BROKER_PASSWORD_SIZE);
	reply_release(&reply);
	return EXIT_DONE;
}

enum exit_code broker_access_take(struct cli *cli, const char *name)
{
	struct request_draft draft;
	struct reply reply;
	enum exit_code exit;

	request_begin(&draft, cli);
	request_text(&draft, "name", name);
	exit = broker_ask(&draft, "broker.take", &reply);
	if (exit == EXIT_DONE)
		reply_release(&reply);
	return exit;
}

/* ---- the verbs ---- */

static const struct control_refusal has_password = {
	"conflict", "%s has a password already: --new-password draws another",
	"%s 已有密码：用 --new-password 重新生成"};
static const struct control_refusal no_account = {
	"not_found", "the broker has no account %s", "消息代理没有账号 %s"};

static enum exit_code add_run(struct cli *cli)
{
	const char *role = cli_option(cli, "--role");
	struct request_draft draft;
	struct reply reply;
	char password[VALUE_TEXT_SIZE];
	enum exit_code exit;

	request_begin(&draft, cli);
	request_text(&draft, "name", cli->words[0]);
	request_text(&draft, "role", role != NULL ? role : "dashboard");
	if (cli_option(cli, "--new-password") != NULL)
		out_bool_at(&draft.out, "again", true);
	exit = broker_ask(&draft, "broker.give", &reply);
	if (exit != EXIT_DONE)
		return exit;
	(void)member_text(cli, reply.root, "password", password);
	if (password[0] == '\0')
		exit = cli_refuse(cli, EXIT_CONFLICT, &has_password,
				  cli->words[0]);
	else if (cli->is_json)
		cli_document(reply.text);
	else
		(void)printf("%s %s\n%s %s\n", cli_say(cli, "user", "账号"),
			     cli->words[0],
			     cli_say(cli, "password, shown once:",
				     "密码（仅显示一次）："),
			     password);
	reply_release(&reply);
	return exit;
}

static enum exit_code list_run(struct cli *cli)
{
	static const struct column columns[] = {
		{"name", "NAME", "账号", false},
		{"role", "ROLE", "角色", false},
		{"supplier", "SUPPLIER", "供应商", false},
	};
	struct request_draft draft;
	struct reply reply;
	struct sheet *sheet;
	enum exit_code exit;

	request_begin(&draft, cli);
	exit = broker_ask(&draft, "broker.list", &reply);
	if (exit != EXIT_DONE)
		return exit;
	if (cli->is_json) {
		cli_document(reply.text);
	} else {
		sheet = sheet_open(cli, columns, ARRAY_LEN(columns));
		sheet_add_list(sheet, reply_list(reply.root));
		sheet_show(sheet, cli_say(cli, "no accounts", "没有账号"));
	}
	reply_release(&reply);
	return EXIT_DONE;
}

static enum exit_code remove_run(struct cli *cli)
{
	struct request_draft draft;
	struct reply reply;
	enum exit_code exit;

	request_begin(&draft, cli);
	request_text(&draft, "name", cli->words[0]);
	exit = broker_ask(&draft, "broker.take", &reply);
	return exit == EXIT_DONE ? show_removed(cli, &reply, &no_account)
				 : exit;
}

static const struct option_spec add_options[] = {
	{"--role", "ROLE", "dashboard, person, erp, shop, device, supplier:ID",
	 "角色：dashboard、person、erp、shop、device、supplier:编号"},
	{"--new-password", NULL, "draws another password", "重新生成密码"},
};

const struct verb broker_access_verbs[] = {
	{
		.name = "broker add",
		.usage = "NAME [--role ROLE] [--new-password]",
		.en = "a name and password at the managed broker",
		.zh = "在自管消息代理上添加账号和密码",
		.examples =
			"depot broker add wall\tfor a dashboard\t供看板使用\n"
			"depot broker add sap --role erp\t"
			"for an ERP\t供 ERP 使用\n",
		CLI_OPTIONS(add_options),
		.words_min = 1,
		.words_max = 1,
		.run = add_run,
	},
	{
		.name = "broker list",
		.usage = "",
		.en = "who may speak at the managed broker",
		.zh = "列出自管消息代理的账号",
		.examples = "depot broker list\tall of them\t全部账号\n",
		.run = list_run,
	},
	{
		.name = "broker remove",
		.usage = "NAME",
		.en = "takes a name from the managed broker",
		.zh = "删除自管消息代理的账号",
		.examples = "depot broker remove wall\t"
			    "it may not connect any more\t不再允许连接\n",
		.words_min = 1,
		.words_max = 1,
		.run = remove_run,
	},
	{.name = NULL},
};
