/*
 * depot join: a bare box becomes a site, by an invitation's file, or by its
 * code (join_over.h).
 */
#include "gateway/cli/join.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "gateway/cli/ask.h"
#include "gateway/cli/carry.h"
#include "gateway/cli/carry_take.h"
#include "gateway/cli/commission.h"
#include "gateway/cli/join_over.h"
#include "gateway/cli/join_place.h"
#include "gateway/cli/join_start.h"
#include "gateway/cli/paper.h"
#include "gateway/cli/port_taken.h"
#include "gateway/cli/result.h"
#include "gateway/cli/sheet.h"
#include "gateway/core/join_file.h"

#define FILE_SIZE 128

static const struct control_refusal bad_code = {"bad_code", "%s", "%s"};
static const struct control_refusal no_file = {
	"not_found", "there is no file %s", "没有文件 %s"};
static const struct control_refusal bad_invitation = {
	"bad_file", "the invitation cannot be read: %s", "无法读取邀请：%s"};

struct joining {
	struct cli *cli;
	FILE *file; /* of the invitation */
	struct invitation_file invitation;
	bool has_bundle;             /* behind it */
	struct importing *importing; /* NULL: nothing comes with it */
	struct commission commission;
	struct paper ask;
	char ask_path[FILE_SIZE];
};

/* ---- the invitation ---- */

/* No code has a dot before its host, or begins with what paths begin with. */
static bool is_path(struct span text)
{
	const char *host = memchr(text.data, '/', text.size);
	size_t size = host == NULL ? text.size : (size_t)(host - text.data);

	return size == 0 || memchr(text.data, '.', size) != NULL;
}

static enum exit_code code_take(struct cli *cli, struct span text)
{
	struct join_code code;
	enum exit_code exit;
	enum join_code_fault fault = join_code_parse(text, &code);

	if (fault != JOIN_CODE_SOUND && is_path(text))
		return cli_refuse(cli, EXIT_NOT_FOUND, &no_file, cli->words[0]);
	if (fault != JOIN_CODE_SOUND)
		return cli_refuse(cli, EXIT_USAGE, &bad_code,
				  join_code_fault_text(fault, cli->is_chinese));
	exit = join_over(cli, &code);
	seal_wipe(&code, sizeof(code));
	return exit;
}

static enum exit_code file_take(struct joining *joining)
{
	struct cli *cli = joining->cli;
	char text[INVITATION_FILE_SIZE_MAX];
	struct span whole = {text, fread(text, 1, sizeof(text), joining->file)};
	struct span span = {text,
			    invitation_file_size(whole, &joining->has_bundle)};
	unsigned line = 0;
	enum armour_fault fault =
		invitation_file_read(span, &joining->invitation, &line);
	const struct control_refusal why = {"bad_file",
					    armour_fault_text(fault, false),
					    armour_fault_text(fault, true)};
	char number[16];

	seal_wipe(text, sizeof(text));
	if (fault == ARMOUR_SOUND)
		return EXIT_DONE;
	(void)text_format(number, sizeof(number), "%u", line);
	cli->file = cli->words[0];
	return cli_refuse(cli, EXIT_USAGE, &why, number);
}

static enum exit_code invitation_take(struct joining *joining)
{
	struct cli *cli = joining->cli;
	struct err err;

	joining->file = fopen(cli->words[0], "re");
	if (joining->file != NULL)
		return file_take(joining);
	(void)err_sys(&err, errno, "%s", cli->words[0]);
	return cli_refuse(cli, EXIT_FAILED, &bad_invitation, err.text);
}

/* Out of the file that is open: the store's owner, who this process has become,
 * may not open it. */
static enum exit_code bundle_take(struct joining *joining)
{
	struct cli *cli = joining->cli;

	if (!joining->has_bundle)
		return EXIT_DONE;
	joining->importing = carry_take_open(cli);
	if (joining->importing == NULL)
		return EXIT_FAILED;
	return carry_take_from(joining->importing, cli->words[0],
			       fileno(joining->file));
}

/* ---- what goes back to HQ ---- */

static enum exit_code ask_open(struct joining *joining)
{
	const struct name *name = &joining->invitation.answer.name;
	const char *path = cli_option(joining->cli, "--ask");

	if (path == NULL) {
		(void)text_format(joining->ask_path, FILE_SIZE, "%.*s-ask.txt",
				  (int)name->size, name->data);
		path = joining->ask_path;
	}
	return paper_open(joining->cli, path, &joining->ask);
}

static enum err_code ask_make(const struct joining *joining,
			      struct join_ask *ask, struct err *err)
{
	struct journal_head head;
	struct ledger *ledger;
	struct view *view;
	bool is_trusted;
	enum err_code code = ledger_open(joining->commission.wanted->store.path,
					 ENV_READ, &ledger, err);

	if (code != ERR_OK)
		return code;
	memset(ask, 0, sizeof(*ask));
	ask->site = ledger_identity(ledger)->site;
	memcpy(ask->public_key, ledger_identity(ledger)->public_key,
	       sizeof(ask->public_key));
	seal_random(ask->nonce, sizeof(ask->nonce));
	seal_random(&ask->boot, sizeof(ask->boot));
	ask->stamp = stamp_next((struct stamp){0}, cli_now(&is_trusted));
	code = view_begin(ledger_env(ledger), &view, err);
	if (code == ERR_OK) {
		code = ledger_head(view, &head, err);
		view_end(view);
	}
	if (code == ERR_OK)
		ask->epoch = pos_epoch(head.pos);
	ask->has_begun = true;
	ledger_close(ledger);
	return code;
}

static enum exit_code ask_write(struct joining *joining)
{
	char text[ARMOUR_TEXT_SIZE_MAX];
	struct writer writer;
	struct join_ask ask;
	struct err err;
	enum err_code code = ask_make(joining, &ask, &err);

	if (code != ERR_OK)
		return cli_failed(joining->cli, code, &err);
	writer_init(&writer, text, sizeof(text));
	ask_file_write(&writer, &joining->invitation.code, &ask);
	ASSERT(writer_ok(&writer));
	(void)fwrite(text, 1, writer.size, joining->ask.out);
	return paper_close(joining->cli, &joining->ask);
}

/* ---- another box's place ---- */

static enum exit_code place_take(struct joining *joining)
{
	const struct join_answer *answer = &joining->invitation.answer;
	struct err err;
	enum err_code code;

	if (answer->parent_epoch == 0)
		return EXIT_DONE;
	code = join_place_take(joining->commission.wanted->store.path, answer,
			       &err);
	return code == ERR_OK ? EXIT_DONE
			      : cli_failed(joining->cli, code, &err);
}

/* ---- the verb ---- */

static void next_tell(const struct joining *joining)
{
	const struct cli *cli = joining->cli;

	bool is_started = cli_option(cli, "--start") != NULL;

	(void)puts(cli_say(cli, "\nnext", "\n下一步"));
	if (!is_started)
		port_taken_tell(cli, joining->commission.config);
	if (!is_started)
		(void)puts(cli_say(
			cli,
			"  sudo systemctl enable --now depotd   the box works",
			"  sudo systemctl enable --now depotd   "
			"启动，即可作业"));
	(void)printf("  %s: depot hq admit %s\n",
		     cli_say(cli, "at HQ, when the stick is there",
			     "将文件带到总部后，在总部执行"),
		     joining->ask.path);
	(void)puts(cli_say(
		cli, "  sudo depot label op --out labels     sheets to scan",
		"  sudo depot label op --out labels     打印操作标签"));
}

/* What came with it: the rest can be brought by the same file, once it is
 * whole. */
static enum exit_code carried_show(const struct cli *cli,
				   const struct json_value *root)
{
	const struct json_value *carried = json_member(root, "carried");
	enum exit_code exit;

	if (carried == NULL)
		return EXIT_DONE;
	if (!cli->is_json)
		(void)puts(cli_say(cli, "\nwhat HQ says of sites and goods",
				   "\n总部的站点和商品数据"));
	exit = import_show(cli, carried);
	if (exit != EXIT_DONE && !cli->is_json)
		(void)printf("%s: depot import %s\n",
			     cli_say(cli, "the rest, from a file that is whole",
				     "其余部分，使用完整的文件"),
			     cli->words[0]);
	return exit;
}

static enum exit_code joined_show(const struct cli *cli,
				  const struct json_value *root)
{
	static const struct column facts[] = {
		{"org", "organisation", "组织", false},
		{"name", "site", "站点", false},
		{"site", "its number", "编号", false},
		{"path", "ledger", "账本", false},
		{"account", "your account (manager)", "您的账户（经理）",
		 false},
		{"config", "configuration written", "已写入配置", false},
		{"ask", "to carry back to HQ", "请带回总部", false},
	};

	if (!cli->is_json)
		record_show(cli, root, facts, ARRAY_LEN(facts));
	return carried_show(cli, root);
}

static enum exit_code result_show(const struct joining *joining)
{
	const struct commission *commission = &joining->commission;
	const struct join_answer *answer = &joining->invitation.answer;
	struct result *result = result_begin(joining->cli);
	enum exit_code exit;
	struct json_out *out;

	if (result == NULL)
		return EXIT_FAILED;
	out = &result->out;
	out_text_at(out, "org", name_span(&answer->org));
	out_text_at(out, "name", name_span(&answer->name));
	out_int_at(out, "site", answer->site);
	out_string_at(out, "path", commission->wanted->store.path);
	if (commission->account.size > 0)
		out_text_at(out, "account", name_span(&commission->account));
	if (commission->config_path[0] != '\0')
		out_string_at(out, "config", commission->config_path);
	out_string_at(out, "ask", joining->ask.path);
	if (joining->importing != NULL) {
		out_object_at(out, "carried");
		carry_take_out(joining->importing, out);
		out_object_end(out);
	}
	exit = result_end(joining->cli, result, joined_show);
	if (!joining->cli->is_json)
		next_tell(joining);
	return exit;
}

static enum exit_code file_run(struct cli *cli)
{
	struct joining joining = {.cli = cli, .commission = {.cli = cli}};
	enum exit_code exit = invitation_take(&joining);

	joining.commission.join = &joining.invitation.answer;
	/* It has HQ's word for the epoch behind the old box's. */
	joining.commission.takes_place =
		joining.invitation.answer.parent_epoch != 0;
	joining.commission.is_alone = joining.commission.takes_place;
	if (exit == EXIT_DONE)
		exit = ask_open(&joining);
	if (exit == EXIT_DONE)
		exit = commission_run(&joining.commission);
	if (exit == EXIT_DONE)
		exit = place_take(&joining);
	if (exit == EXIT_DONE)
		exit = ask_write(&joining);
	if (exit == EXIT_DONE)
		exit = bundle_take(&joining);
	if (exit == EXIT_DONE)
		exit = result_show(&joining);
	paper_drop(&joining.ask);
	carry_take_close(joining.importing);
	if (joining.file != NULL)
		(void)fclose(joining.file); /* it was read */
	commission_release(&joining.commission);
	seal_wipe(&joining.invitation, sizeof(joining.invitation));
	return exit;
}

static enum exit_code way_run(struct cli *cli)
{
	if (cli->word_count == 0 && cli_option(cli, "--follow") != NULL)
		return join_follow(cli);
	if (cli->word_count == 0)
		return join_over(cli, NULL);
	if (access(cli->words[0], F_OK) != 0 && errno == ENOENT)
		return code_take(cli, span_of(cli->words[0]));
	return file_run(cli);
}

static enum exit_code join_run(struct cli *cli)
{
	return join_start(cli, way_run);
}

static const struct option_spec join_options[] = {
	{"--link", "HOST:PORT",
	 "HQ's broker, where the code does not say it; or ssl://HOST:PORT",
	 "总部代理的地址（加入码未包含时）；或 ssl://主机:端口"},
	{"--ca-file", "FILE", "certificates that it is checked against",
	 "校验该代理的证书"},
	{"--user", "NAME", "the account there", "该代理上的账号"},
	{"--password-file", "FILE", "its password, mode 0600",
	 "该账号的密码文件，权限 0600"},
	{"--wait", "SECONDS", "for HQ's answer; 20 if not given",
	 "等待总部答复的秒数，默认 20"},
	{"--start", NULL, "starts the box behind it, now and at each boot",
	 "随后启动本机，并随系统启动"},
	{"--device", "NAME", "and adds that scanner, with its password",
	 "并新增该扫描枪，显示其密码"},
	{"--follow", NULL, "goes on asking, until the box is a site",
	 "持续申请，直到成为站点"},
	{"--org", "NAME", "until HQ has answered: the organisation",
	 "总部答复前的组织名"},
	{"--site", "NAME", "likewise: the site, as on the sheet",
	 "总部答复前的站点名，见加入单"},
	{"--ask", "FILE", "what goes back to HQ; NAME-ask.txt if not given",
	 "带回总部的文件，默认 站点名-ask.txt"},
	{"--timezone", "ZONE", "Asia/Shanghai; HQ's if not given",
	 "时区，如 Asia/Shanghai；默认与总部相同"},
	{"--path", "FOLDER", "the ledger's folder", "账本文件夹"},
	{"--map-size", "SIZE", "its room, 1 GiB if not given",
	 "账本空间，默认 1 GiB"},
	{"--account", "NAME", "your account's name; the user's if not given",
	 "您的账户名，默认与用户名相同"},
};

const struct verb join_verbs[] = {
	{
		.name = "join",
		.usage = "[CODE | FILE] [OPTION...]",
		.en = "makes this box a site of a network",
		.zh = "加入网络，成为站点",
		.examples = "sudo depot join DEPOT:000H-... --start --device "
			    "dock-1\tby the code of the join sheet\t"
			    "使用加入单上的加入码\n"
			    "sudo depot join\tgoes on with what was begun\t"
			    "继续未完成的加入\n"
			    "sudo depot join /media/stick/hz-07.join --ask "
			    "/media/stick/hz-07-ask.txt\t"
			    "by an invitation from HQ\t使用总部的邀请文件\n",
		CLI_OPTIONS(join_options),
		.words_max = 1,
		.run = join_run,
	},
	{.name = NULL},
};
