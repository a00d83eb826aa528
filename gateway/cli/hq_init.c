/*
 * depot hq init: this box becomes HQ of the network that its store founded.
 */
#include "gateway/cli/hq.h"

#include <string.h>

#include "gateway/cli/ask.h"
#include "gateway/cli/paper.h"
#include "gateway/cli/sheet.h"
#include "gateway/edge/hq_keys.h"
#include "gateway/ingest/armour.h"
#include "store/keys.h"

#define ROOT_KEY "root.key"
#define ROOT_FILE "depot-root-key.txt"

static const struct control_refusal is_running = {
	"again", "depotd is running: stop it first (systemctl stop depotd)",
	"depotd 正在运行：请先停止（systemctl stop depotd）"};
static const struct control_refusal is_hq = {
	"conflict",
	"this box is HQ, or a site, of a network already: depot hq sites shows "
	"it",
	"本机已是某个网络的总部或站点：可用 depot hq sites 查看"};

static const char root_note[] =
	"The root key of a depot network. Whoever has it can name another HQ;\n"
	"without it a lost HQ cannot be replaced. Print it, put it into a "
	"safe,\n"
	"and delete this file.\n"
	"depot 网络的根密钥：可指定新的总部；若丢失，总部损坏后将无法替换。\n"
	"请打印后放入保险柜，并删除本文件。";

struct root_file {
	struct paper paper;
	struct signer *signer;
	char folder[FILE_PATH_SIZE]; /* of keys */
};

static enum err_code root_write(struct root_file *file, struct err *err)
{
	uint8_t seed[KEY_SEED_SIZE];
	char text[ARMOUR_TEXT_SIZE_MAX];
	struct writer writer;
	enum err_code code = keys_seed(file->folder, ROOT_KEY, seed, err);

	if (code != ERR_OK)
		return code;
	writer_init(&writer, text, sizeof(text));
	armour_write(&writer, "root-key", root_note,
		     (struct span){(const char *)seed, sizeof(seed)});
	ASSERT(writer_ok(&writer));
	if (fwrite(text, 1, writer.size, file->paper.out) != writer.size)
		code = err_set(err, ERR_IO, "the root key cannot be written");
	seal_wipe(seed, sizeof(seed));
	seal_wipe(text, sizeof(text));
	return code;
}

static enum err_code network_found(struct cli *cli, struct direct *direct,
				   const struct root_file *file,
				   struct err *err)
{
	struct hq_founding founding = {.path = cli->config->store.path,
				       .root = file->signer};

	founding.now = cli_now(&founding.clock_trusted);
	return hq_keys_found(direct_ledger(direct), &founding, err);
}

/* The network is this root key's own: it was founded, and its key not yet taken
 * away. */
static bool is_cut_short(struct direct *direct, const struct root_file *file)
{
	uint8_t net_id[NET_ID_SIZE];

	if (file->signer == NULL || file->paper.out == NULL)
		return false;
	keys_net_id(signer_public(file->signer), net_id);
	return memcmp(net_id, ledger_identity(direct_ledger(direct))->net_id,
		      NET_ID_SIZE) == 0;
}

/* The key is on paper before the network is there, and leaves the box after
 * that: whatever is cut short, it is in one place at least, and the same again
 * goes on with it. */
static enum exit_code network_make(struct cli *cli, struct direct *direct,
				   struct root_file *file)
{
	bool is_kept = file->paper.out == NULL;
	enum exit_code exit = EXIT_DONE;
	struct err err;
	enum err_code code =
		ledger_keys_folder(cli->config->store.path, file->folder, &err);

	if (code == ERR_OK)
		code = signer_open(file->folder, ROOT_KEY, &file->signer, &err);
	if (code == ERR_NOT_FOUND)
		code = ERR_CONFLICT; /* it has left this box before */
	if (code == ERR_OK && !is_kept)
		code = root_write(file, &err);
	if (code == ERR_OK)
		code = network_found(cli, direct, file, &err);
	if (code == ERR_CONFLICT && is_cut_short(direct, file))
		code = hq_keys_found_again(direct_ledger(direct),
					   cli->config->store.path, &err);
	if (code == ERR_CONFLICT)
		return cli_refuse(cli, EXIT_CONFLICT, &is_hq, "");
	if (code == ERR_OK)
		exit = paper_close(cli, &file->paper);
	if (code == ERR_OK && exit == EXIT_DONE && !is_kept)
		code = keys_destroy(file->folder, ROOT_KEY, &err);
	return code == ERR_OK ? exit : cli_failed(cli, code, &err);
}

static void next_tell(const struct cli *cli, const char *path)
{
	if (path != NULL)
		(void)printf(
			"%s: %s\n%s\n", cli_say(cli, "root key", "根密钥"),
			path,
			cli_say(cli,
				"print it, put it into a safe, delete the "
				"file: this box has it no more",
				"请打印后放入保险柜并删除该文件；本机已不再"
				"保存"));
	(void)puts(cli_say(cli,
			   "next\n"
			   "  systemctl start depotd\n"
			   "  depot hq invite --site hz-07 --out hz-07.txt",
			   "下一步\n"
			   "  systemctl start depotd\n"
			   "  depot hq invite --site hz-07 --out hz-07.txt"));
}

static void result_show(const struct cli *cli, struct direct *direct,
			const char *path)
{
	const struct founding *identity =
		ledger_identity(direct_ledger(direct));
	char net[2 * NET_ID_SIZE + 1];
	char text[1024];
	struct json_out out;

	for (size_t i = 0; i < NET_ID_SIZE; i++)
		(void)text_format(net + 2 * i, 3, "%02x", identity->net_id[i]);
	out_init(&out, text, sizeof(text));
	out_object(&out);
	out_string_at(&out, "net", net);
	out_int_at(&out, "site", SITE_FIRST);
	out_text_at(&out, "name", name_span(&identity->site));
	if (path != NULL)
		out_string_at(&out, "root_key", path);
	out_object_end(&out);
	if (cli->is_json) {
		cli_document(out_span(&out));
		return;
	}
	(void)printf("%s %s\n",
		     cli_say(cli, "this box is HQ of network",
			     "本机已成为网络的总部："),
		     net);
	next_tell(cli, path);
}

enum exit_code hq_init_run(struct cli *cli)
{
	const char *given = cli_option(cli, "--root-key");
	struct root_file file = {.signer = NULL};
	struct direct *direct = NULL;
	const char *path = NULL;
	bool is_there;
	enum exit_code exit = ask_daemon(cli, &is_there);

	if (exit == EXIT_DONE && is_there)
		exit = cli_refuse(cli, EXIT_AGAIN, &is_running, "");
	if (cli_option(cli, "--keep-root-here") == NULL)
		path = given != NULL ? given : ROOT_FILE;
	/* Before root becomes the store's owner, who may not write here. */
	if (exit == EXIT_DONE)
		exit = paper_open(cli, path, &file.paper);
	if (exit == EXIT_DONE)
		exit = ask_direct(cli, ENV_WRITE, &direct);
	if (exit == EXIT_DONE)
		exit = network_make(cli, direct, &file);
	if (exit == EXIT_DONE)
		result_show(cli, direct, path);
	signer_close(file.signer);
	paper_drop(&file.paper);
	return exit;
}
