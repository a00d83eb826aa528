/*
 * depot hq renew: the root key lets an HQ that was set back speak again.
 */
#include "gateway/cli/hq.h"

#include <errno.h>
#include <inttypes.h>

#include "gateway/cli/ask.h"
#include "gateway/cli/sheet.h"
#include "gateway/edge/hq_keys.h"
#include "gateway/ingest/armour.h"
#include "store/keys.h"

#define ROOT_KEY "root.key"

static const struct control_refusal is_running = {
	"again", "depotd is running: stop it first (systemctl stop depotd)",
	"depotd 正在运行：请先停止（systemctl stop depotd）"};
static const struct control_refusal no_root = {
	"root_key", "the root key cannot be read: %s", "无法读取根密钥：%s"};
static const struct control_refusal not_root = {
	"root_key", "that is not the root key of this network",
	"这不是本网络的根密钥"};
static const struct control_refusal not_hq = {
	"not_hq", "this store is not HQ's", "本机账本不属于总部"};
static const struct control_refusal not_asked = {
	"hq_behind",
	"this store came back from a backup, and the sites have not been asked "
	"for what it lost: start depotd with a link up until its log says "
	"succession, stop it, and try again",
	"账本由备份恢复，尚未向各站点取回缺失的记录：请启动 depotd "
	"并保持链路畅通，待日志出现 succession 后停止，再重试"};
static const struct control_refusal not_meant = {"usage", "nothing was renewed",
						 "未作任何更改"};

/* ---- the root key ---- */

static enum exit_code text_take(struct cli *cli, struct span text,
				struct signer **ret_root)
{
	uint8_t bytes[ARMOUR_SIZE_MAX];
	size_t size = 0;
	unsigned line = 0;
	enum armour_fault fault =
		armour_read(text, "root-key", bytes, &size, &line);
	const struct control_refusal why = {"root_key",
					    armour_fault_text(fault, false),
					    armour_fault_text(fault, true)};
	enum err_code code = ERR_OK;
	char number[16];
	struct err err;

	if (fault == ARMOUR_SOUND && size == KEY_SEED_SIZE)
		code = signer_of_seed(bytes, ret_root, &err);
	seal_wipe(bytes, sizeof(bytes));
	if (code != ERR_OK)
		return cli_failed(cli, code, &err);
	if (fault == ARMOUR_SOUND)
		return size == KEY_SEED_SIZE
			       ? EXIT_DONE
			       : cli_refuse(cli, EXIT_USAGE, &not_root, "");
	(void)text_format(number, sizeof(number), "%u", line);
	return cli_refuse(cli, EXIT_USAGE, &why, number);
}

static enum exit_code file_take(struct cli *cli, const char *path,
				struct signer **ret_root)
{
	char text[2 * ARMOUR_TEXT_SIZE_MAX];
	FILE *in = fopen(path, "re");
	enum exit_code exit;
	struct err err;
	size_t size;

	if (in == NULL) {
		(void)err_sys(&err, errno, "%s", path);
		return cli_refuse(cli, EXIT_NOT_FOUND, &no_root, err.text);
	}
	size = fread(text, 1, sizeof(text), in);
	(void)fclose(in); /* it was read */
	exit = text_take(cli, (struct span){text, size}, ret_root);
	seal_wipe(text, sizeof(text));
	return exit;
}

/* depot hq init --keep-root-here left it. */
static enum exit_code folder_take(struct cli *cli, struct signer **ret_root)
{
	char folder[FILE_PATH_SIZE];
	struct err err;
	enum err_code code =
		ledger_keys_folder(cli->config->store.path, folder, &err);

	if (code == ERR_OK)
		code = signer_open(folder, ROOT_KEY, ret_root, &err);
	if (code == ERR_NOT_FOUND)
		return cli_refuse(cli, EXIT_USAGE, &no_root, "--root FILE?");
	return code == ERR_OK ? EXIT_DONE : cli_failed(cli, code, &err);
}

/* ---- what it does ---- */

static enum exit_code renew(struct cli *cli, struct direct *direct,
			    const struct signer *root,
			    struct hq_renewed *ret_renewed)
{
	struct hq_founding renewal = {.path = cli->config->store.path,
				      .root = root};
	struct err err;
	enum err_code code;

	renewal.now = cli_now(&renewal.clock_trusted);
	code = hq_keys_renew(direct_ledger(direct), &renewal, ret_renewed,
			     &err);
	if (code == ERR_INVALID)
		return cli_refuse(cli, EXIT_USAGE, &not_root, "");
	if (code == ERR_DENIED)
		return cli_refuse(cli, EXIT_CONFLICT, &not_hq, "");
	if (code == ERR_AGAIN)
		return cli_refuse(cli, EXIT_AGAIN, &not_asked, "");
	return code == ERR_OK ? EXIT_DONE : cli_failed(cli, code, &err);
}

static void renewed_show(const struct cli *cli,
			 const struct hq_renewed *renewed)
{
	char text[256];
	struct json_out out;

	out_init(&out, text, sizeof(text));
	out_object(&out);
	out_int_at(&out, "epoch", (int64_t)renewed->before + 1);
	out_int_at(&out, "parent_epoch", renewed->before);
	out_int_at(&out, "seq", (int64_t)renewed->seq);
	out_bool_at(&out, "certified", renewed->is_certified);
	out_object_end(&out);
	if (cli->is_json) {
		cli_document(out_span(&out));
		return;
	}
	(void)printf("%s %" PRIu32 "\n%s %" PRIu64 "\n%s\n",
		     cli_say(cli, "HQ speaks in control epoch",
			     "总部在新的控制纪元中发布指令："),
		     renewed->before + 1,
		     cli_say(cli, "the one before counts up to delta",
			     "前一纪元有效至增量"),
		     renewed->seq,
		     cli_say(cli, "next: systemctl start depotd",
			     "下一步：systemctl start depotd"));
}

enum exit_code hq_renew_run(struct cli *cli)
{
	const char *path = cli_option(cli, "--root");
	struct hq_renewed renewed = {.seq = 0};
	struct direct *direct = NULL;
	struct signer *root = NULL;
	bool is_there;
	enum exit_code exit = ask_daemon(cli, &is_there);

	if (exit == EXIT_DONE && is_there)
		exit = cli_refuse(cli, EXIT_AGAIN, &is_running, "");
	/* Before root becomes the store's owner, who may not read it. */
	if (exit == EXIT_DONE && path != NULL)
		exit = file_take(cli, path, &root);
	if (exit == EXIT_DONE &&
	    !cli_confirm(cli,
			 cli_say(cli,
				 "What HQ said and this store does not have "
				 "will never count. Renew?",
				 "总部曾发布而本机没有的指令将永不计入。确定继"
				 "续？")))
		exit = cli_refuse(cli, EXIT_USAGE, &not_meant, "");
	if (exit == EXIT_DONE)
		exit = ask_direct(cli, ENV_WRITE, &direct);
	if (exit == EXIT_DONE && path == NULL)
		exit = folder_take(cli, &root);
	if (exit == EXIT_DONE)
		exit = renew(cli, direct, root, &renewed);
	if (exit == EXIT_DONE)
		renewed_show(cli, &renewed);
	signer_close(root);
	return exit;
}
