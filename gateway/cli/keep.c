/*
 * depot audit, verify, rebuild, resize, backup, restore.
 */
#include "gateway/cli/keep.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/cli/audit_network.h"
#include "gateway/cli/request.h"
#include "gateway/cli/result.h"
#include "gateway/cli/sheet.h"
#include "gateway/edge/clerk_report.h"
#include "gateway/edge/join_state.h"
#include "store/backup.h"
#include "store/feed.h"
#include "store/rebuild.h"
#include "store/resize.h"

#define SCRATCH_DEFAULT "/tmp"

static const struct control_refusal bad_size = {
	"usage", "%s is no size: 64 MiB to 1 TiB, as in 2GiB",
	"%s 不是有效大小：64 MiB 至 1 TiB，例如 2GiB"};
static const struct control_refusal is_running = {
	"again", "depotd is running: stop it first (systemctl stop depotd)",
	"depotd 正在运行：请先停止（systemctl stop depotd）"};
static const struct control_refusal bad_path = {
	"usage", "%s is no folder that can be named",
	"%s 不是可用的文件夹路径"};

static enum err_code table_progress(void *context, enum table table,
				    uint64_t done, uint64_t total)
{
	(void)table;
	cli_progress(context, done, total);
	return ERR_OK;
}

/* What needs the store to itself: a daemon that runs would be in the way. */
static enum exit_code alone_check(struct cli *cli)
{
	struct err err;
	enum err_code code;
	enum exit_code exit;
	bool is_there;

	exit = ask_daemon(cli, &is_there);
	if (exit != EXIT_DONE)
		return exit;
	if (is_there)
		return cli_refuse(cli, EXIT_AGAIN, &is_running, "");
	code = direct_become_owner(cli->config->store.path, &err);
	return code == ERR_OK ? EXIT_DONE : cli_failed(cli, code, &err);
}

/* ---- audit ---- */

static const struct column audit_facts[] = {
	{"entries", "entries", "记录数", false},
	{"movements", "movements", "移动数", false},
	{"items", "items", "商品数", false},
	{"rows", "rows verified", "已校验的行", false},
	{"found", "found", "盘盈", false},
	{"lost", "lost", "盘亏", false},
	{"unexplained", "unexplained", "无法解释", false},
	{"findings", "findings", "问题数", false},
};

static void findings_show(const struct cli *cli, const struct json_value *root)
{
	char text[VALUE_TEXT_SIZE];

	record_show(cli, root, audit_facts, ARRAY_LEN(audit_facts));
	for (const struct json_value *row =
		     list_first(json_member(root, "list"));
	     row != NULL; row = json_next(row))
		(void)printf("- %s\n", member_text(cli, row, "text_$", text));
}

static void unexplained_print(const struct cli *cli,
			      const struct json_value *root, const char *en,
			      const char *zh)
{
	(void)printf("%s: unexplained=%lld\n", cli_say(cli, en, zh),
		     (long long)member_number(root, "unexplained", -1));
}

static enum exit_code audit_show(const struct cli *cli,
				 const struct json_value *root)
{
	char verdict[VALUE_TEXT_SIZE];
	bool is_clean = strcmp(member_text(cli, root, "verdict", verdict),
			       "clean") == 0;

	if (!cli->is_json) {
		unexplained_print(cli, root, is_clean ? "clean" : "not clean",
				  is_clean ? "账目无误" : "账目有误");
		findings_show(cli, root);
		if (!is_clean)
			(void)puts(cli_say(
				cli,
				member_number(root, "journal_findings", 0) > 0
					? "next: depot backup, then depot "
					  "restore from a clean one"
					: "next: depot rebuild makes the "
					  "tables again from the journal",
				member_number(root, "journal_findings", 0) > 0
					? "下一步：先 depot backup，再从完好的"
					  "备份 depot restore"
					: "下一步：depot rebuild 由日志重建"
					  "各表"));
	}
	return is_clean ? EXIT_DONE : EXIT_LOOK;
}

static enum exit_code audit_here(struct cli *cli, struct direct *direct)
{
	struct audit_plan plan = {table_progress, cli};
	struct audit_result *found = malloc(sizeof(*found));
	struct result *result = result_begin(cli);
	struct view *view = NULL;
	struct err err;
	enum err_code code = ERR_FULL;

	(void)err_set(&err, code, "out of memory");
	if (found != NULL && result != NULL)
		code = view_begin(ledger_env(direct_ledger(direct)), &view,
				  &err);
	if (code == ERR_OK)
		code = audit_run(view, &plan, found, &err);
	view_end(view);
	cli_progress_end(cli);
	if (code == ERR_OK)
		clerk_audit_report(found, &result->out);
	free(found);
	if (code == ERR_OK)
		return result_end(cli, result, audit_show);
	free(result);
	return cli_failed(cli, code, &err);
}

static enum exit_code audit_run_verb(struct cli *cli)
{
	struct request request = {.name = "audit"};
	struct direct *direct;
	enum exit_code exit;

	if (cli_option(cli, "--network") != NULL)
		return audit_network(cli);
	exit = ask_direct(cli, ENV_READ, &direct);
	if (exit != EXIT_DONE)
		return exit;
	return direct == NULL ? ask_show(cli, &request, audit_show)
			      : audit_here(cli, direct);
}

/* ---- verify ---- */

static enum exit_code verify_show(const struct cli *cli,
				  const struct json_value *root)
{
	char verdict[VALUE_TEXT_SIZE];
	char text[VALUE_TEXT_SIZE];

	(void)member_text(cli, root, "verdict", verdict);
	if (strcmp(verdict, "clean") == 0 || strcmp(verdict, "findings") == 0)
		return audit_show(cli, root);
	if (!cli->is_json)
		(void)printf("%s: %s\n%s\n", cli_say(cli, "damaged", "已损坏"),
			     member_text(cli, root, "text", text),
			     cli_say(cli,
				     "next: depot restore from the last backup",
				     "下一步：从最近的备份 depot restore"));
	return EXIT_FAILED;
}

/* A backup's store lies in a folder of it. */
static void store_in(const char *path, char store[FILE_PATH_SIZE])
{
	char manifest[FILE_PATH_SIZE];

	if (file_path(path, BACKUP_MANIFEST_NAME, manifest, NULL) == ERR_OK &&
	    access(manifest, F_OK) == 0 &&
	    file_path(path, BACKUP_STORE_NAME, store, NULL) == ERR_OK)
		return;
	(void)text_format(store, FILE_PATH_SIZE, "%s", path);
}

static enum exit_code verify_run_verb(struct cli *cli)
{
	const char *scratch = cli_option(cli, "--scratch");
	struct verify_plan plan = {.scratch = scratch != NULL ? scratch
							      : SCRATCH_DEFAULT,
				   .progress = table_progress,
				   .context = cli};
	struct verify_report *report;
	struct result *result;
	char store[FILE_PATH_SIZE];
	enum exit_code exit = EXIT_DONE;
	struct err err;
	enum err_code code = ERR_FULL;

	if (cli->word_count > 0)
		store_in(cli->words[0], store);
	else if (cli_config(cli, &exit) == NULL)
		return exit;
	else
		(void)text_format(store, sizeof(store), "%s",
				  cli->config->store.path);
	(void)err_set(&err, code, "out of memory");
	report = malloc(sizeof(*report));
	result = result_begin(cli);
	if (report != NULL && result != NULL)
		code = verify_run(store, &plan, report, &err);
	cli_progress_end(cli);
	if (code == ERR_OK) {
		out_string_at(&result->out, "path", store);
		clerk_verify_report(report, &result->out);
		exit = result_end(cli, result, verify_show);
	} else {
		free(result);
		exit = cli_failed(cli, code, &err);
	}
	free(report);
	return exit;
}

/* ---- rebuild, resize ---- */

static enum err_code entries_progress(void *context, uint64_t done,
				      uint64_t total)
{
	cli_progress(context, done, total);
	return ERR_OK;
}

/* The tables that come of the feeds; in a network of one there are none. */
static enum err_code network_rebuild(struct ledger *ledger, struct err *err)
{
	struct feed_desk *desk = NULL;
	struct txn *txn = NULL;
	enum err_code code =
		feed_desk_open(ledger_identity(ledger)->net_id, &desk, err);

	if (code == ERR_OK)
		code = txn_begin(ledger_env(ledger), &txn, err);
	if (code == ERR_OK)
		code = feed_rebuild(desk, txn, err);
	if (code == ERR_OK) {
		code = txn_commit(txn, err);
		txn = NULL;
	}
	txn_abandon(txn);
	feed_desk_close(desk);
	return code;
}

static enum exit_code rebuild_run_verb(struct cli *cli)
{
	struct rebuild_plan plan = {entries_progress, cli};
	struct result *result;
	struct direct *direct = NULL;
	struct err err;
	enum exit_code exit = alone_check(cli);
	enum err_code code;

	if (exit == EXIT_DONE)
		exit = ask_direct(cli, ENV_WRITE, &direct);
	if (exit != EXIT_DONE)
		return exit;
	code = rebuild_run(ledger_env(direct_ledger(direct)), &plan, &err);
	cli_progress_end(cli);
	if (code == ERR_OK)
		code = network_rebuild(direct_ledger(direct), &err);
	if (code != ERR_OK)
		return cli_failed(cli, code, &err);
	result = result_begin(cli);
	if (result == NULL)
		return EXIT_FAILED;
	out_bool_at(&result->out, "rebuilt", true);
	return result_end(cli, result, show_done);
}

static enum exit_code resize_run_verb(struct cli *cli)
{
	struct result *result;
	uint64_t size;
	struct err err;
	enum exit_code exit;
	enum err_code code;

	if (!cli_size(cli->words[0], &size))
		return cli_refuse(cli, EXIT_USAGE, &bad_size, cli->words[0]);
	exit = alone_check(cli);
	if (exit != EXIT_DONE)
		return exit;
	code = store_resize(cli->config->store.path, size, &err);
	if (code != ERR_OK)
		return cli_failed(cli, code, &err);
	result = result_begin(cli);
	if (result == NULL)
		return EXIT_FAILED;
	out_int_at(&result->out, "map_size", (int64_t)size);
	return result_end(cli, result, show_done);
}

/* ---- backup, restore ---- */

static enum exit_code backup_show(const struct cli *cli,
				  const struct json_value *root)
{
	static const struct column facts[] = {
		{"path", "backup", "备份", false},
		{"site", "site", "站点", false},
		{"entries", "entries", "记录数", false},
		{"items", "items", "商品数", false},
		{"made", "made", "时间", false},
	};

	if (cli->is_json)
		return EXIT_DONE;
	record_show(cli, root, facts, ARRAY_LEN(facts));
	(void)puts(
		cli_say(cli,
			"The keys are not in it: a restored box begins a new "
			"epoch. Check it with depot verify.",
			"备份不含密钥：恢复后将开始新的纪元。可用 depot "
			"verify 检查。"));
	return EXIT_DONE;
}

/* The daemon sees other folders, and has another one as its own. */
static bool path_whole(const char *path, char whole[FILE_PATH_SIZE])
{
	char here[PATH_MAX];

	if (path[0] == '/')
		return text_format(whole, FILE_PATH_SIZE, "%s", path);
	return getcwd(here, sizeof(here)) != NULL &&
	       text_format(whole, FILE_PATH_SIZE, "%s/%s", here, path);
}

static enum exit_code backup_here(struct cli *cli, struct ledger *ledger,
				  const char *path)
{
	struct backup_info info;
	struct result *result;
	bool is_trusted;
	struct err err;
	enum err_code code =
		backup_make(ledger, path, cli_now(&is_trusted), &info, &err);

	if (code != ERR_OK)
		return cli_failed(cli, code, &err);
	result = result_begin(cli);
	if (result == NULL)
		return EXIT_FAILED;
	out_string_at(&result->out, "path", path);
	clerk_backup_report(&info, &result->out);
	return result_end(cli, result, backup_show);
}

/*
 * Whoever may read the store copies it himself, beside the daemon: the daemon
 * is shut in, and could not write to a stick. Others ask the daemon.
 */
static enum exit_code backup_run_verb(struct cli *cli)
{
	struct request_draft draft;
	struct ledger *ledger;
	char path[FILE_PATH_SIZE];
	enum exit_code exit = EXIT_DONE;
	struct err err;
	enum err_code code;

	if (!path_whole(cli->words[0], path))
		return cli_refuse(cli, EXIT_USAGE, &bad_path, cli->words[0]);
	if (cli_config(cli, &exit) == NULL)
		return exit;
	if (access(cli->config->store.path, R_OK | W_OK | X_OK) != 0 &&
	    errno == EACCES) {
		request_begin(&draft, cli);
		request_text(&draft, "path", path);
		return request_show(&draft, "backup", backup_show);
	}
	code = ledger_open(cli->config->store.path, ENV_READ, &ledger, &err);
	if (code != ERR_OK)
		return cli_failed(cli, code, &err);
	exit = backup_here(cli, ledger, path);
	ledger_close(ledger);
	return exit;
}

static enum exit_code restore_show(const struct cli *cli,
				   const struct json_value *root)
{
	static const struct column facts[] = {
		{"path", "ledger", "账本", false},
		{"epoch", "epoch", "纪元", false},
	};

	if (cli->is_json)
		return EXIT_DONE;
	record_show(cli, root, facts, ARRAY_LEN(facts));
	if (member_true(root, "joining_ended"))
		(void)puts(cli_say(
			cli,
			"this box was joining a network: HQ's answer would be "
			"for the ledger before; ask HQ for a new code",
			"本机正在加入网络：总部的答复只适用于恢复之前的账本；"
			"请向总部索取新的加入码"));
	(void)puts(cli_say(cli,
			   "next: depot device add gives each device a new "
			   "password; then start depotd",
			   "下一步：用 depot device add 为设备重设密码，然后"
			   "启动 depotd"));
	return EXIT_DONE;
}

/* A join that is under way is one of the life that has just ended. */
static enum err_code joining_end(const char *path, bool *ret_was,
				 struct err *err)
{
	struct join_state state;
	enum err_code code = join_state_read(path, &state, NULL);

	join_state_wipe(&state);
	*ret_was = code != ERR_NOT_FOUND;
	return *ret_was ? join_state_remove(path, err) : ERR_OK;
}

static enum exit_code restore_run_verb(struct cli *cli)
{
	const char *scratch = cli_option(cli, "--scratch");
	const char *size = cli_option(cli, "--map-size");
	struct restore_plan plan = {
		.from = cli->words[0],
		.scratch = scratch != NULL ? scratch : SCRATCH_DEFAULT};
	struct result *result;
	bool was_joining = false;
	uint32_t epoch;
	struct err err;
	enum exit_code exit;
	enum err_code code;

	if (size != NULL && !cli_size(size, &plan.map_size))
		return cli_refuse(cli, EXIT_USAGE, &bad_size, size);
	exit = alone_check(cli);
	if (exit != EXIT_DONE)
		return exit;
	plan.to = cli->config->store.path;
	plan.now = cli_now(&plan.clock_trusted);
	code = backup_restore(&plan, &epoch, &err);
	if (code == ERR_OK)
		code = joining_end(plan.to, &was_joining, &err);
	if (code != ERR_OK)
		return cli_failed(cli, code, &err);
	result = result_begin(cli);
	if (result == NULL)
		return EXIT_FAILED;
	out_string_at(&result->out, "path", plan.to);
	out_int_at(&result->out, "epoch", epoch);
	if (was_joining)
		out_bool_at(&result->out, "joining_ended", true);
	return result_end(cli, result, restore_show);
}

/* ---- the verbs ---- */

static const struct option_spec verify_options[] = {
	{"--scratch", "FOLDER", "for temporary files; /tmp if not given",
	 "临时文件夹，默认 /tmp"},
};
static const struct option_spec restore_options[] = {
	{"--map-size", "SIZE", "room for the ledger, if not as it was",
	 "账本空间，默认与原来相同"},
	{"--scratch", "FOLDER", "for temporary files; /tmp if not given",
	 "临时文件夹，默认 /tmp"},
};

static const struct option_spec audit_options[] = {
	{"--network", NULL,
	 "of all sites' feeds that are here, instead of this site's books",
	 "审计此处持有的各站点记录，而非本站账目"},
};

const struct verb keep_verbs[] = {
	{
		.name = "audit",
		.usage = "[--network]",
		.en = "proves that every unit is somewhere",
		.zh = "审计：证明每个单位都有去处",
		.examples =
			"depot audit\texit status 3 if something is found\t"
			"发现问题时退出码为 3\n"
			"depot audit --network\twhat all sites say adds up\t"
			"各站点的记录彼此相符\n",
		CLI_OPTIONS(audit_options),
		.run = audit_run_verb,
	},
	{
		.name = "verify",
		.usage = "[FOLDER]",
		.en = "judges a store or backup that may be damaged",
		.zh = "检查可能损坏的账本或备份",
		.examples = "depot verify\tof this box\t本机账本\n"
			    "depot verify /mnt/stick/hz-01\ta backup\t备份\n",
		CLI_OPTIONS(verify_options),
		.words_max = 1,
		.run = verify_run_verb,
	},
	{
		.name = "rebuild",
		.usage = "",
		.en = "makes the derived tables again from journal and feeds",
		.zh = "由日志和各站点数据流重建派生表",
		.examples = "sudo depot rebuild\twhile depotd is stopped\t"
			    "需先停止 depotd\n",
		.run = rebuild_run_verb,
	},
	{
		.name = "resize",
		.usage = "SIZE",
		.en = "gives the ledger more room, or less",
		.zh = "调整账本空间",
		.examples = "sudo depot resize 4GiB\twhile depotd is stopped\t"
			    "需先停止 depotd\n",
		.words_min = 1,
		.words_max = 1,
		.run = resize_run_verb,
	},
	{
		.name = "backup",
		.usage = "FOLDER",
		.en = "copies the ledger, while depotd runs",
		.zh = "备份账本（无需停机）",
		.examples = "sudo depot backup /mnt/stick/hz-01\t"
			    "a new folder\t新建文件夹\n",
		.words_min = 1,
		.words_max = 1,
		.run = backup_run_verb,
	},
	{
		.name = "restore",
		.usage = "FOLDER [OPTION...]",
		.en = "makes the ledger from a backup, in a new epoch",
		.zh = "从备份恢复账本，并开始新纪元",
		.examples = "sudo depot restore /mnt/stick/hz-01\t"
			    "where there is no ledger\t仅在没有账本时\n",
		CLI_OPTIONS(restore_options),
		.words_min = 1,
		.words_max = 1,
		.run = restore_run_verb,
	},
	{.name = NULL},
};
