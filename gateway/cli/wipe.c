/*
 * depot wipe: what is on a box that was closed leaves it.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/cli/ask.h"
#include "gateway/cli/close.h"
#include "gateway/cli/result.h"
#include "gateway/cli/sheet.h"
#include "gateway/sync/ack.h"
#include "store/closing.h"
#include "store/journal.h"
#include "store/lock.h"
#include "store/site.h"
#include "store/wipe.h"

static const struct control_refusal is_running = {
	"again", "depotd is running: stop it first (systemctl stop depotd)",
	"depotd 正在运行：请先停止（systemctl stop depotd）"};
static const struct control_refusal not_covered = {
	"not_covered",
	"%s entries would be lost, which HQ has not signed for: depot close "
	"first, and its link or a stick; to lose them all the same, name "
	"their number with --lose",
	"将丢失 %s 条总部尚未签名确认的记录：请先 depot close，并等待链路或用 "
	"U "
	"盘传递；如确要放弃，请用 --lose 写明条数"};
static const struct control_refusal bad_number = {
	"usage", "%s is no whole number", "%s 不是整数"};
static const struct control_refusal not_meant = {"usage", "nothing was wiped",
						 "未清除任何内容"};
static const struct control_refusal failed = {
	"io", "it is not all gone: %s; run it again",
	"未能全部清除：%s；请重试"};

/* There while a wipe is under way, so that one that was cut short goes on. If
 * there are keys, too, it had not begun, or they are another box's that has the
 * name since. */
#define MARK_END "-wiping"
#define KEYS_END "-keys"

/* Behind the store's name, where other commands put things. */
static const char *const beside[] = {
	KEYS_END,        "-guard",    "-guard.partial", "-join",
	"-join.partial", "-links",    "-growth",        ".partial",
	".resized",      ".restored", ".rebuilt",
};

struct wiping {
	struct cli *cli;
	const struct config *config;
	struct wipe wipe;
	char mark[FILE_PATH_SIZE];
	uint64_t entries; /* of the journal */
	uint64_t covered; /* of them, that HQ durably has */
	bool is_open;     /* nobody closed its warehouse */
	bool is_again;
};

/* ---- what would be lost ---- */

/* Up to which number HQ durably has what this box said in an epoch. Of epochs
 * beyond so many, nothing counts as covered. */
#define EPOCHS_MAX 64

struct covering {
	const struct view *view;
	uint32_t site;
	size_t count;
	struct {
		uint32_t epoch;
		uint64_t upto;
	} epochs[EPOCHS_MAX];
	uint64_t entries;
	uint64_t covered;
};

static uint64_t *upto_of(struct covering *covering, uint32_t epoch)
{
	size_t i = 0;

	while (i < covering->count && covering->epochs[i].epoch != epoch)
		i++;
	return i < covering->count ? &covering->epochs[i].upto : NULL;
}

static enum err_code feed_cover(void *context, const struct feed_record *feed,
				struct err *err)
{
	struct covering *covering = context;
	struct delta delta;
	uint64_t acked = 0;
	uint64_t last;
	uint64_t *upto;
	enum err_code code;

	if (!feed->is_own || feed->id.site != covering->site)
		return ERR_OK;
	code = ack_known(covering->view, SITE_FIRST, feed->id, &acked, err);
	if (code != ERR_OK || acked <= feed->base)
		return code;
	code = feed_delta(covering->view, feed->id,
			  acked < feed->seq ? acked : feed->seq, &delta, err);
	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	last = delta.header.first + delta.header.row_count - 1;
	upto = upto_of(covering, feed->id.epoch);
	if (upto == NULL && covering->count < EPOCHS_MAX) {
		covering->epochs[covering->count].epoch = feed->id.epoch;
		upto = &covering->epochs[covering->count++].upto;
		*upto = 0;
	}
	if (upto != NULL && last > *upto)
		*upto = last;
	return ERR_OK;
}

static enum err_code row_cover(void *context, const struct journal_row *row,
			       struct err *err)
{
	struct covering *covering = context;
	const uint64_t *upto = upto_of(covering, pos_epoch(row->pos));

	(void)err;
	covering->entries++;
	covering->covered += upto != NULL && pos_number(row->pos) <= *upto;
	return ERR_OK;
}

static enum err_code is_open_find(const struct view *view, bool *ret_is_open,
				  struct err *err)
{
	struct closing closing;
	enum err_code code = closing_get(view, &closing, err);

	*ret_is_open = code == ERR_NOT_FOUND;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code loss_count(struct wiping *wiping, struct err *err)
{
	struct ledger *ledger;
	struct covering covering = {.count = 0};
	struct view *view = NULL;
	enum err_code code =
		ledger_open(wiping->config->store.path, ENV_READ, &ledger, err);

	if (code != ERR_OK)
		return code;
	code = view_begin(ledger_env(ledger), &view, err);
	covering.view = view;
	if (code == ERR_OK)
		code = site_number_get(view, &covering.site, err);
	if (code == ERR_OK)
		code = is_open_find(view, &wiping->is_open, err);
	if (code == ERR_OK && covering.site > SITE_FIRST)
		code = feed_walk(view, NULL, feed_cover, &covering, err);
	if (code == ERR_OK)
		code = journal_walk(view, pos_make(1, 1), row_cover, &covering,
				    err);
	wiping->entries = covering.entries;
	wiping->covered = covering.covered;
	view_end(view);
	ledger_close(ledger);
	return code;
}

static enum exit_code loss_check(struct wiping *wiping)
{
	struct cli *cli = wiping->cli;
	const char *lose = cli_option(cli, "--lose");
	uint64_t lost = wiping->entries - wiping->covered;
	int64_t named = 0;
	char text[24];

	(void)text_format(text, sizeof(text), "%" PRIu64, lost);
	if (lose != NULL && !cli_number(lose, 0, INT64_MAX, &named))
		return cli_refuse(cli, EXIT_USAGE, &bad_number, lose);
	if (lost > 0 && (uint64_t)named != lost)
		return cli_refuse(cli, EXIT_CONFLICT, &not_covered, text);
	if (wiping->is_open)
		(void)fprintf(
			stderr, "%s\n",
			cli_say(cli,
				"this warehouse is not closed (depot "
				"close): what is on its book stays there",
				"本仓库尚未关闭（depot close）：其账面库存"
				"将继续保留"));
	if (!cli_confirm(cli, cli_say(cli,
				      "Keys and data leave this box for good. "
				      "Wipe it?",
				      "本机的密钥和数据将被永久清除。确定？")))
		return cli_refuse(cli, EXIT_USAGE, &not_meant, "");
	return EXIT_DONE;
}

/* ---- wiping ---- */

static void progress(void *context, uint64_t bytes)
{
	const struct wiping *wiping = context;

	cli_progress(wiping->cli, bytes, wiping->config->store.map_size);
}

static enum err_code mark_make(const struct wiping *wiping, struct err *err)
{
	int fd = open(wiping->mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set(err, ERR_IO, "%s cannot be made", wiping->mark);
	(void)fsync(fd); /* without it the next run only asks again */
	(void)close(fd);
	return ERR_OK;
}

/* A secret that the configuration names: only a file of ours. */
static enum err_code secret_wipe(struct wiping *wiping, const char *path,
				 struct err *err)
{
	return path[0] == '\0' ? ERR_OK : wipe_file(&wiping->wipe, path, err);
}

static enum err_code secrets_wipe(struct wiping *wiping, struct err *err)
{
	const struct config *config = wiping->config;
	enum err_code code =
		secret_wipe(wiping, config->broker.password_file, err);

	if (code == ERR_OK)
		code = secret_wipe(wiping, config->broker.key_file, err);
	if (code == ERR_OK)
		code = secret_wipe(wiping, config->broker.tls_key_file, err);
	for (size_t i = 0; i < config->link_count && code == ERR_OK; i++) {
		code = secret_wipe(wiping, config->links[i].password_file, err);
		if (code == ERR_OK)
			code = secret_wipe(wiping, config->links[i].key_file,
					   err);
	}
	return code;
}

static enum err_code end_wipe(struct wiping *wiping, const char *end,
			      struct err *err)
{
	char path[FILE_PATH_SIZE];
	struct stat info;
	enum err_code code =
		file_beside(wiping->config->store.path, end, path, err);

	if (code != ERR_OK || lstat(path, &info) < 0)
		return code;
	return S_ISDIR(info.st_mode)
		       ? wipe_folder(&wiping->wipe, path, false, err)
		       : wipe_file(&wiping->wipe, path, err);
}

/* Keys go first: from then on nobody speaks for this site. */
static enum err_code all_wipe(struct wiping *wiping, struct err *err)
{
	const struct config *config = wiping->config;
	char path[FILE_PATH_SIZE];
	const char *folder;
	enum err_code code = mark_make(wiping, err);

	(void)text_format(path, sizeof(path), "%s", wiping->mark);
	folder = dirname(path);
	wipe_fill_remove(folder);
	for (size_t i = 0; i < ARRAY_LEN(beside) && code == ERR_OK; i++)
		code = end_wipe(wiping, beside[i], err);
	if (code == ERR_OK)
		code = secrets_wipe(wiping, err);
	if (code == ERR_OK)
		code = wipe_folder(&wiping->wipe, config->store.path, false,
				   err);
	if (code == ERR_OK)
		code = wipe_folder(&wiping->wipe, config->runtime.dir, true,
				   err);
	if (code == ERR_OK && cli_option(wiping->cli, "--free-room") != NULL)
		code = wipe_free_room(&wiping->wipe, folder, err);
	if (code == ERR_OK)
		code = wipe_file(&wiping->wipe, wiping->mark, err);
	cli_progress_end(wiping->cli);
	return code;
}

/* ---- the verb ---- */

static enum exit_code wiped_show(const struct cli *cli,
				 const struct json_value *root)
{
	if (cli->is_json)
		return EXIT_DONE;
	(void)printf("%s: %lld %s, %lld %s\n", cli_say(cli, "gone", "已清除"),
		     (long long)member_number(root, "files", 0),
		     cli_say(cli, "files", "个文件"),
		     (long long)member_number(root, "bytes", 0),
		     cli_say(cli, "bytes written over", "字节已覆盖"));
	(void)puts(cli_say(
		cli,
		"not reached from here: backups and sticks that were made, the "
		"system's own log (journalctl --rotate, --vacuum-time=1s), "
		"swap, and what flash has set aside: erase the medium by its "
		"own command if that matters",
		"以下无法从此处清除：已有的备份和 U 盘、系统日志（journalctl "
		"--rotate、--vacuum-time=1s）、交换分区，以及闪存保留的区块；如"
		"有需要请使用介质自带的擦除命令"));
	return EXIT_DONE;
}

static enum exit_code wiped_tell(struct wiping *wiping)
{
	struct result *result = result_begin(wiping->cli);

	if (result == NULL)
		return EXIT_FAILED;
	out_int_at(&result->out, "files", (int64_t)wiping->wipe.files);
	out_int_at(&result->out, "bytes", (int64_t)wiping->wipe.bytes);
	out_int_at(&result->out, "entries", (int64_t)wiping->entries);
	out_int_at(&result->out, "covered", (int64_t)wiping->covered);
	return result_end(wiping->cli, result, wiped_show);
}

static enum exit_code alone_check(struct wiping *wiping)
{
	struct cli *cli = wiping->cli;
	char keys[FILE_PATH_SIZE];
	bool is_there;
	struct err err;
	enum exit_code exit = ask_daemon(cli, &is_there);

	if (exit != EXIT_DONE)
		return exit;
	if (is_there)
		return cli_refuse(cli, EXIT_AGAIN, &is_running, "");
	wiping->config = cli->config;
	if (direct_become_owner(cli->config->store.path, &err) != ERR_OK ||
	    file_beside(cli->config->store.path, MARK_END, wiping->mark,
			&err) != ERR_OK ||
	    file_beside(cli->config->store.path, KEYS_END, keys, &err) !=
		    ERR_OK)
		return cli_failed(cli, ERR_IO, &err);
	wiping->is_again =
		access(wiping->mark, F_OK) == 0 && access(keys, F_OK) != 0;
	return EXIT_DONE;
}

enum exit_code wipe_run(struct cli *cli)
{
	struct wiping wiping = {.cli = cli, .wipe = {.progress = progress}};
	struct lock lock = LOCK_NONE;
	enum exit_code exit = alone_check(&wiping);
	struct err err;
	enum err_code code = ERR_OK;

	wiping.wipe.context = &wiping;
	if (exit != EXIT_DONE)
		return exit;
	if (!wiping.is_again)
		code = loss_count(&wiping, &err);
	if (code == ERR_OK && access(cli->config->store.path, F_OK) == 0)
		code = lock_open(cli->config->store.path, &lock, &err);
	if (code != ERR_OK)
		return cli_failed(cli, code, &err);
	if (!wiping.is_again)
		exit = loss_check(&wiping);
	if (exit == EXIT_DONE)
		code = all_wipe(&wiping, &err);
	lock_close(&lock);
	if (exit != EXIT_DONE)
		return exit;
	return code == ERR_OK ? wiped_tell(&wiping)
			      : cli_refuse(cli, EXIT_FAILED, &failed, err.text);
}
