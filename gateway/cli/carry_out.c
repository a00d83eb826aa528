/*
 * depot export: what another site lacks, as a file for a USB stick.
 */
#include "gateway/cli/carry.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/cli/carry_seal.h"
#include "gateway/cli/result.h"
#include "gateway/cli/sheet.h"
#include "gateway/sync/bundle.h"
#include "store/roster.h"
#include "store/site.h"

static const struct control_refusal no_network = {
	"no_network",
	"this box belongs to no network: depot hq init makes one, depot join "
	"joins one",
	"本机不属于任何网络：depot hq init 创建网络，depot join 加入网络"};
static const struct control_refusal unknown_site = {
	"unknown_site", "the network has no site %s, as far as is known here",
	"据本机所知，网络中没有站点 %s"};
static const struct control_refusal cannot_write = {
	"io", "the bundle cannot be written: %s", "无法写入数据包：%s"};

#define COPY_SIZE 65536

struct exporting {
	struct cli *cli;
	struct ledger *ledger;
	bool is_ledger_ours;
	struct view *view;
	struct signer *signer;
	struct bundle *bundle;
	struct bundle_plan plan;
	struct ack_word word;
	uint32_t site;
	uint32_t peer;     /* 0: everybody */
	const char *feeds; /* names between commas; NULL: all */
	int memory;        /* the bundle, as it is made */
	uint64_t size;
	uint64_t written;
	bool is_full; /* the stick */
	struct carry_sealed sealed;
	char path[FILE_PATH_SIZE];
};

/* ---- which feeds ---- */

static bool list_has(const char *list, struct span name)
{
	while (*list != '\0') {
		size_t size = strcspn(list, ",");

		if (span_equal((struct span){list, size}, name))
			return true;
		list += size + (list[size] == ',');
	}
	return false;
}

/* As people call it: "control", "hz-07"; a number where no name is known. */
static void feed_name(const struct view *view, struct feed_id id,
		      struct name *ret_name)
{
	struct certificate certificate;
	char number[16];
	bool fits = false;

	if (id.site == SITE_CONTROL)
		fits = name_set(ret_name, SPAN_LITERAL("control"));
	else if (roster_certificate(view, id.site, id.epoch, &certificate,
				    NULL) == ERR_OK)
		fits = name_set(ret_name, name_span(&certificate.name));
	if (fits)
		return;
	(void)text_format(number, sizeof(number), "%u", (unsigned)id.site);
	fits = name_set(ret_name, span_of(number));
	ASSERT(fits);
}

/* What cannot be told is carried: it is known there already, at worst. */
static uint64_t since(void *context, struct feed_id feed)
{
	const struct exporting *exporting = context;
	uint64_t seq = 0;
	struct name name;

	feed_name(exporting->view, feed, &name);
	if (exporting->feeds != NULL &&
	    !list_has(exporting->feeds, name_span(&name)))
		return BUNDLE_SINCE_ALL;
	if (exporting->peer == 0 || ack_known(exporting->view, exporting->peer,
					      feed, &seq, NULL) != ERR_OK)
		return 0;
	return seq;
}

/* ---- making it ---- */

static enum err_code memory_write(void *context, struct span bytes,
				  struct err *err)
{
	struct exporting *exporting = context;

	while (bytes.size > 0) {
		ssize_t put = write(exporting->memory, bytes.data, bytes.size);

		if (put < 0)
			return err_sys(err, errno, "write into memory");
		bytes.data += put;
		bytes.size -= (size_t)put;
		exporting->size += (uint64_t)put;
	}
	return ERR_OK;
}

static enum err_code peer_find(struct exporting *exporting, struct err *err)
{
	const char *name = cli_option(exporting->cli, "--since");
	struct certificate peer;
	enum err_code code;

	if (name == NULL)
		return ERR_OK;
	code = roster_site_named(exporting->view, span_of(name), &peer, err);
	if (code == ERR_OK)
		exporting->peer = peer.site;
	return code;
}

static enum err_code word_make(struct exporting *exporting, struct err *err)
{
	const struct founding *identity = ledger_identity(exporting->ledger);
	struct journal_head head;
	bool is_trusted;
	enum err_code code = ledger_head(exporting->view, &head, err);

	if (code == ERR_OK)
		code = carry_signer(exporting->cli, pos_epoch(head.pos),
				    &exporting->signer, err);
	if (code != ERR_OK)
		return code;
	exporting->word = (struct ack_word){.net_id = identity->net_id,
					    .site = exporting->site,
					    .epoch = pos_epoch(head.pos),
					    .now = cli_now(&is_trusted),
					    .signer = exporting->signer};
	memcpy(exporting->plan.net_id, identity->net_id, NET_ID_SIZE);
	exporting->plan.from = name_span(&identity->site);
	exporting->plan.since = since;
	exporting->plan.context = exporting;
	if (exporting->signer != NULL)
		exporting->plan.word = &exporting->word;
	return ERR_OK;
}

/* Into memory first: a stick is slow, and a view must not stay open so long. */
static enum err_code bundle_make(struct exporting *exporting, struct err *err)
{
	const struct bundle_io io = {.context = exporting,
				     .write = memory_write};
	enum err_code code = word_make(exporting, err);

	if (code != ERR_OK)
		return code;
	exporting->memory = memfd_create("depot-bundle", MFD_CLOEXEC);
	if (exporting->memory < 0)
		return err_sys(err, errno, "make a file in memory");
	exporting->bundle = malloc(sizeof(*exporting->bundle));
	if (exporting->bundle == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	return bundle_write(exporting->bundle, &io, exporting->view,
			    &exporting->plan, err);
}

/* ---- the stick ---- */

static bool path_make(struct exporting *exporting)
{
	const struct name *own = &ledger_identity(exporting->ledger)->site;
	const char *to = cli_option(exporting->cli, "--since");
	const char *path = exporting->cli->words[0];
	struct stat info;

	if (stat(path, &info) < 0 || !S_ISDIR(info.st_mode))
		return text_format(exporting->path, FILE_PATH_SIZE, "%s", path);
	return text_format(exporting->path, FILE_PATH_SIZE,
			   "%s/%.*s%s%s" CARRY_SUFFIX, path, (int)own->size,
			   own->data, to == NULL ? "" : "-for-",
			   to == NULL ? "" : to);
}

/* A stick that is full keeps what it has: it is good up to its last block. */
static enum err_code chunk_put(struct exporting *exporting, int to,
			       const char *bytes, size_t size, struct err *err)
{
	while (size > 0) {
		ssize_t put = write(to, bytes, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && (errno == ENOSPC || errno == EDQUOT)) {
			exporting->is_full = true;
			return ERR_STOPPED;
		}
		if (put < 0)
			return err_sys(err, errno, "%s", exporting->path);
		bytes += put;
		size -= (size_t)put;
		exporting->written += (uint64_t)put;
	}
	return ERR_OK;
}

static enum err_code memory_copy(struct exporting *exporting, int to,
				 struct err *err)
{
	char *buffer = malloc(COPY_SIZE);
	enum err_code code = ERR_OK;
	ssize_t got = 1;

	if (buffer == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	while (code == ERR_OK && got > 0) {
		got = pread(exporting->memory, buffer, COPY_SIZE,
			    (off_t)exporting->written);
		if (got < 0)
			code = err_sys(err, errno, "read from memory");
		else if (got > 0)
			code = chunk_put(exporting, to, buffer, (size_t)got,
					 err);
		cli_progress(exporting->cli, exporting->written,
			     exporting->size);
	}
	cli_progress_end(exporting->cli);
	free(buffer);
	return code == ERR_STOPPED ? ERR_OK : code;
}

/* Whoever is told that it is written pulls the stick out. Some file systems
 * sync folders by themselves, and refuse to be told. */
static enum err_code name_sync(const char *path, struct err *err)
{
	char copy[FILE_PATH_SIZE];
	enum err_code code = ERR_OK;
	int fd;

	(void)text_format(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		code = err_sys(err, errno, "%s", path);
	if (fd >= 0)
		(void)close(fd);
	return code;
}

static enum err_code stick_write(struct exporting *exporting, struct err *err)
{
	char part[FILE_PATH_SIZE];
	enum err_code code;
	int to;

	if (!text_format(part, sizeof(part), "%s.part", exporting->path))
		return err_set(err, ERR_INVALID, "the path is too long");
	to = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		  0600);
	if (to < 0)
		return err_sys(err, errno, "%s", part);
	code = memory_copy(exporting, to, err);
	if (code == ERR_OK && fsync(to) < 0)
		code = err_sys(err, errno, "%s", part);
	if (close(to) < 0 && code == ERR_OK)
		code = err_sys(err, errno, "%s", part);
	if (code == ERR_OK && rename(part, exporting->path) < 0)
		code = err_sys(err, errno, "%s", exporting->path);
	if (code == ERR_OK)
		code = name_sync(exporting->path, err);
	if (code != ERR_OK)
		(void)unlink(part); /* it says nothing worth keeping */
	return code;
}

/* ---- what is said of it ---- */

static enum err_code feed_out(void *context, const struct feed_record *feed,
			      struct err *err)
{
	struct exporting *exporting = ((void **)context)[0];
	struct json_out *out = ((void **)context)[1];
	uint64_t from = since(exporting, feed->id);
	struct name name;

	(void)err;
	if (from >= feed->seq)
		return ERR_OK;
	feed_name(exporting->view, feed->id, &name);
	out_object(out);
	out_text_at(out, "feed", name_span(&name));
	out_int_at(out, "site", feed->id.site);
	out_int_at(out, "epoch", feed->id.epoch);
	out_int_at(out, "first", (int64_t)(from + 1));
	out_int_at(out, "last", (int64_t)feed->seq);
	out_string_at(out, "state", feed_state_name(feed->state));
	out_object_end(out);
	return ERR_OK;
}

static enum err_code report_out(struct exporting *exporting,
				struct json_out *out, struct err *err)
{
	const char *to = cli_option(exporting->cli, "--since");
	void *both[] = {exporting, out};
	enum err_code code;

	out_string_at(out, "path", exporting->path);
	if (to != NULL)
		out_string_at(out, "since", to);
	out_int_at(out, "packs", (int64_t)exporting->bundle->frames);
	out_int_at(out, "deltas", (int64_t)exporting->bundle->deltas);
	out_int_at(out, "bytes", (int64_t)exporting->size);
	out_int_at(out, "written", (int64_t)exporting->written);
	out_bool_at(out, "stick_full", exporting->is_full);
	out_bool_at(out, "acks", exporting->signer != NULL);
	out_int_at(out, "unsealed", (int64_t)exporting->sealed.unsealed);
	out_bool_at(out, "set_back", exporting->sealed.is_set_back);
	out_array_at(out, "feeds");
	code = feed_walk(exporting->view, NULL, feed_out, both, err);
	out_array_end(out);
	return code;
}

static void left_tell(const struct cli *cli, const struct json_value *root)
{
	long long unsealed = (long long)member_number(root, "unsealed", 0);

	if (member_true(root, "stick_full"))
		(void)puts(cli_say(
			cli,
			"the stick is full: what is on it can be taken; what "
			"is missing goes with the next one",
			"U 盘已满：已写入的部分可以导入，其余请用下一个 U 盘"));
	if (member_true(root, "set_back"))
		(void)puts(cli_say(
			cli,
			"this box was set back: what it booked since is not in "
			"it before its feed goes on in a new epoch",
			"本机数据曾被回退：在新纪元开始之前，此后的记录不会导"
			"出"));
	else if (unsealed > 0)
		(void)printf("%lld %s\n", unsealed,
			     cli_say(cli,
				     "entries are not in it yet: this box "
				     "listens to its links before it seals; "
				     "export again in some minutes",
				     "条记录尚未包含：本机封存前须先收听链路，"
				     "请几分钟后再次导出"));
	if (!member_true(root, "acks"))
		(void)puts(cli_say(
			cli,
			"it does not say what this box has: its key is not to "
			"be had here (sudo)",
			"未注明本机已有的数据：无法读取密钥（请使用 sudo）"));
}

static enum exit_code exported_show(const struct cli *cli,
				    const struct json_value *root)
{
	static const struct column columns[] = {
		{"feed", "OF", "来源", false},
		{"epoch", "EPOCH", "纪元", true},
		{"first", "FROM", "自", true},
		{"last", "TO", "至", true},
		{"state", "STATE", "状态", false},
	};
	bool is_whole = !member_true(root, "stick_full") &&
			!member_true(root, "set_back") &&
			member_number(root, "unsealed", 0) == 0;
	char path[VALUE_TEXT_SIZE];
	struct sheet *sheet;

	if (cli->is_json)
		return is_whole ? EXIT_DONE : EXIT_LOOK;
	(void)printf("%s: %lld %s, %lld %s\n",
		     member_text(cli, root, "path", path),
		     (long long)member_number(root, "deltas", 0),
		     cli_say(cli, "deltas", "个增量"),
		     (long long)member_number(root, "written", 0),
		     cli_say(cli, "bytes", "字节"));
	sheet = sheet_open(cli, columns, ARRAY_LEN(columns));
	sheet_add_list(sheet, json_member(root, "feeds"));
	sheet_show(sheet, cli_say(cli,
				  "nothing that is not known there; the file "
				  "says what this box has",
				  "对方均已具备；文件中注明本机已有的数据"));
	left_tell(cli, root);
	if (!member_true(root, "stick_full"))
		(void)puts(cli_say(cli,
				   "next: there, depot import FILE; and an "
				   "export back tells this box that it came",
				   "下一步：在对方执行 depot import 文件；对方"
				   "导出的文件会告知本机已送达"));
	return is_whole ? EXIT_DONE : EXIT_LOOK;
}

/* ---- the verb ---- */

static enum exit_code ledger_find(struct exporting *exporting)
{
	struct direct *direct;
	struct err err;
	enum exit_code exit = ask_direct(exporting->cli, ENV_READ, &direct);
	enum err_code code = ERR_OK;

	if (exit != EXIT_DONE)
		return exit;
	exporting->is_ledger_ours = direct == NULL;
	if (direct != NULL)
		exporting->ledger = direct_ledger(direct);
	else
		code = ledger_open(exporting->cli->config->store.path, ENV_READ,
				   &exporting->ledger, &err);
	if (code == ERR_OK)
		code = view_begin(ledger_env(exporting->ledger),
				  &exporting->view, &err);
	if (code == ERR_OK)
		code = site_number_get(exporting->view, &exporting->site, &err);
	if (code != ERR_OK)
		return cli_failed(exporting->cli, code, &err);
	return EXIT_DONE;
}

static enum exit_code made_tell(struct exporting *exporting)
{
	struct result *result = result_begin(exporting->cli);
	struct err err;
	enum err_code code;

	if (result == NULL)
		return EXIT_FAILED;
	code = report_out(exporting, &result->out, &err);
	if (code == ERR_OK)
		return result_end(exporting->cli, result, exported_show);
	free(result);
	return cli_failed(exporting->cli, code, &err);
}

static enum exit_code bundle_export(struct exporting *exporting)
{
	struct cli *cli = exporting->cli;
	enum exit_code exit = ledger_find(exporting);
	struct err err;
	enum err_code code;

	if (exit != EXIT_DONE)
		return exit;
	if (exporting->site == 0)
		return cli_refuse(cli, EXIT_NOT_FOUND, &no_network, "");
	if (exporting->is_ledger_ours)
		exit = carry_settle(cli);
	if (exit != EXIT_DONE)
		return exit;
	code = peer_find(exporting, &err);
	if (code == ERR_NOT_FOUND)
		return cli_refuse(cli, EXIT_NOT_FOUND, &unknown_site,
				  cli_option(cli, "--since"));
	if (code == ERR_OK)
		code = bundle_make(exporting, &err);
	if (code != ERR_OK)
		return cli_failed(cli, code, &err);
	if (!path_make(exporting))
		code = err_set(&err, ERR_INVALID, "the path is too long");
	else
		code = stick_write(exporting, &err);
	if (code != ERR_OK)
		return cli_refuse(cli, EXIT_FAILED, &cannot_write, err.text);
	return made_tell(exporting);
}

enum exit_code export_run(struct cli *cli)
{
	struct exporting exporting = {.cli = cli, .memory = -1};
	enum exit_code exit;

	exporting.feeds = cli_option(cli, "--feeds");
	exit = carry_seal(cli, &exporting.sealed);
	if (exit == EXIT_DONE)
		exit = bundle_export(&exporting);
	view_end(exporting.view);
	if (exporting.is_ledger_ours)
		ledger_close(exporting.ledger);
	signer_close(exporting.signer);
	free(exporting.bundle);
	if (exporting.memory >= 0)
		(void)close(exporting.memory); /* a file in memory */
	return exit;
}

/* ---- the verbs ---- */

static const struct option_spec export_options[] = {
	{"--since", "SITE", "only what that site has not acknowledged",
	 "仅导出该站点尚未确认的数据"},
	{"--feeds", "LIST", "only these: control,master,hz-01",
	 "仅导出所列来源，如 control,master,hz-01"},
};

const struct verb carry_verbs[] = {
	{
		.name = "export",
		.usage = "FILE|FOLDER [--since SITE] [--feeds LIST]",
		.en = "writes what other sites lack into a file to carry",
		.zh = "将其他站点缺少的数据写入文件，供 U 盘携带",
		.examples = "sudo depot export /media/stick --since hq\t"
			    "for HQ, where there is no link\t"
			    "无网络时带往总部\n",
		CLI_OPTIONS(export_options),
		.words_min = 1,
		.words_max = 1,
		.run = export_run,
	},
	{
		.name = "import",
		.usage = "FILE|FOLDER...",
		.en = "takes what another site exported",
		.zh = "导入其他站点导出的数据",
		.examples = "depot import /media/stick\t"
			    "all bundles in it, in any order\t"
			    "其中全部数据包，顺序不限\n",
		.words_min = 1,
		.words_max = CLI_ANY,
		.run = import_run,
	},
	{.name = NULL},
};
