#include "gateway/cli/carry_take_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"
#include "gateway/core/join_file.h"

static const struct control_refusal cannot_read = {
	"bad_file", "the bundle cannot be read: %s", "无法读取数据包：%s"};
static const struct control_refusal is_foreign = {
	"foreign_net",
	"the bundle is of another network, nothing of it was taken: %s",
	"数据包属于另一个网络，未导入任何内容：%s"};

/* Once over the files fills the gaps of the one before, if they came in the
 * wrong order. */
#define ROUNDS_MAX 16

/* ---- which files ---- */

bool carry_take_add(struct importing *importing, const char *folder,
		    const char *name)
{
	struct carried_file *file = &importing->files[importing->file_count];
	struct stat info;

	if (importing->file_count == FILES_MAX ||
	    !text_format(file->path, FILE_PATH_SIZE, "%s%s%s", folder,
			 folder[0] == '\0' ? "" : "/", name) ||
	    lstat(file->path, &info) < 0)
		return false;
	file->is_found = folder[0] != '\0';
	file->size = S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
	importing->total += file->size;
	importing->file_count++;
	return true;
}

/* ---- handing on ---- */

/* @bytes as a sealed file in memory, as the daemon wants it. */
static enum err_code memory_make(struct span bytes, int *ret_fd,
				 struct err *err)
{
	int fd = memfd_create("depot-pack", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	enum err_code code = ERR_OK;

	if (fd < 0)
		return err_sys(err, errno, "make a file in memory");
	if (write(fd, bytes.data, bytes.size) != (ssize_t)bytes.size)
		code = err_sys(err, errno, "write into memory");
	else if (fcntl(fd, F_ADD_SEALS,
		       F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		code = err_sys(err, errno, "seal the file in memory");
	if (code == ERR_OK)
		*ret_fd = fd;
	else
		(void)close(fd);
	return code;
}

/* *@ret_is_refused: the reply says why, and nobody was told. */
static enum exit_code hand_on(struct importing *importing, const char *command,
			      struct span bytes, struct reply *ret_reply,
			      bool *ret_is_refused)
{
	struct request request = {.name = command};
	struct err err;
	enum exit_code exit;

	if (memory_make(bytes, &request.fd, &err) != ERR_OK)
		return cli_failed(importing->cli, ERR_IO, &err);
	exit = ask_anyway(importing->cli, &request, ret_reply, ret_is_refused);
	(void)close(request.fd);
	return exit;
}

/* ---- one file ---- */

static enum err_code file_read(void *context, void *bytes, size_t size,
			       size_t *ret_size, struct err *err)
{
	struct importing *importing = context;
	char *to = bytes;
	size_t got = 0;

	while (got < size) {
		ssize_t part = read(importing->fd, to + got, size - got);

		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			return err_sys(err, errno, "read");
		if (part == 0)
			break;
		got += (size_t)part;
	}
	importing->done += got;
	cli_progress(importing->cli, importing->done, importing->total);
	*ret_size = got;
	return ERR_OK;
}

static struct carried_feed *feed_of(struct importing *importing,
				    const struct json_value *root)
{
	int64_t site = member_number(root, "site", 0);
	int64_t epoch = member_number(root, "epoch", 0);
	struct carried_feed *feed;

	for (size_t i = 0; i < importing->feed_count; i++) {
		feed = &importing->feeds[i];
		if (feed->site == site && feed->epoch == epoch)
			return feed;
	}
	if (importing->feed_count == FEEDS_MAX)
		return NULL;
	feed = &importing->feeds[importing->feed_count++];
	*feed = (struct carried_feed){
		.site = site,
		.epoch = epoch,
		.before = member_number(root, "before", 0),
	};
	return feed;
}

static void refusal_note(struct importing *importing,
			 const struct carried_file *file,
			 const struct json_value *root)
{
	struct carried_refusal *refusal;
	char text[VALUE_TEXT_SIZE];

	if (json_member(root, "refused") == NULL)
		return;
	if (importing->refusal_count++ >= REFUSALS_MAX)
		return;
	refusal = &importing->refusals[importing->refusal_count - 1];
	refusal->path = file->path;
	refusal->site = member_number(root, "site", 0);
	refusal->epoch = member_number(root, "epoch", 0);
	refusal->seq = member_number(root, "refused_seq", 0);
	(void)text_format(refusal->reason, sizeof(refusal->reason), "%s",
			  member_text(importing->cli, root, "refused", text));
}

static void taken_note(struct importing *importing,
		       const struct carried_file *file,
		       const struct json_value *root)
{
	struct carried_feed *feed = feed_of(importing, root);
	int64_t last = member_number(root, "first", 0) +
		       member_number(root, "count", 0) - 1;
	char text[VALUE_TEXT_SIZE];

	refusal_note(importing, file, root);
	importing->is_set_back =
		importing->is_set_back || member_true(root, "set_back");
	importing->has_gap = importing->has_gap || member_true(root, "gap");
	importing->has_moved =
		importing->has_moved || member_number(root, "applied", 0) > 0;
	if (feed == NULL)
		return;
	feed->seq = member_number(root, "seq", 0);
	if (last > feed->offered)
		feed->offered = last;
	feed->rows += member_number(root, "rows", 0);
	feed->void_rows += member_number(root, "void_rows", 0);
	(void)text_format(feed->state, sizeof(feed->state), "%s",
			  member_text(importing->cli, root, "state", text));
}

/* What the box refuses of this file alone is no reason to leave the others. */
static enum exit_code refusal_take(struct importing *importing,
				   struct carried_file *file,
				   const struct reply *reply)
{
	char text[VALUE_TEXT_SIZE];
	const char *code =
		member_text(importing->cli, reply->root, "error.code", text);

	if (strcmp(code, is_foreign.code) != 0)
		return cli_error_reply(importing->cli, reply->text,
				       reply->root);
	file->none = &is_foreign;
	(void)text_format(file->fault, sizeof(file->fault),
			  "it is of another network");
	(void)text_format(file->fault_zh, sizeof(file->fault_zh),
			  "属于另一个网络");
	return EXIT_DONE;
}

/* Once before the packs and once behind them: a box that has not heard of a
 * site cannot check its word. */
static enum exit_code header_hand(struct importing *importing,
				  struct carried_file *file, struct span block)
{
	bool is_refused = false;
	struct reply reply;
	char text[VALUE_TEXT_SIZE];
	enum exit_code exit =
		hand_on(importing, "network.hear", block, &reply, &is_refused);

	if (exit != EXIT_DONE)
		return exit;
	if (is_refused) {
		exit = refusal_take(importing, file, &reply);
	} else {
		file->acks = member_number(reply.root, "acks", 0);
		if (!name_set(&file->from,
			      span_of(member_text(importing->cli, reply.root,
						  "from", text))))
			file->from.size = 0; /* it is only shown */
	}
	reply_release(&reply);
	return exit;
}

/* Where it ends, for people; @err has the words of whoever read it. */
static void end_note(struct carried_file *file, enum err_code code,
		     const struct err *err)
{
	(void)text_format(file->fault, sizeof(file->fault), "%s", err->text);
	(void)text_format(file->fault_zh, sizeof(file->fault_zh),
			  code == ERR_CORRUPT ? "第 %llu 个分包之后被截断或损坏"
					      : "第 %llu 个分包之后无法读取",
			  (unsigned long long)file->packs);
}

static enum exit_code packs_hand(struct importing *importing,
				 struct carried_file *file)
{
	enum exit_code exit = EXIT_DONE;
	enum err_code code = ERR_OK;
	struct err err;

	file->packs = 0;
	while (exit == EXIT_DONE) {
		bool is_refused = false;
		struct reply reply;
		struct span bytes;
		struct pack pack;

		code = bundle_next(importing->bundle, &pack, &bytes, &err);
		if (code != ERR_OK)
			break;
		exit = hand_on(importing, "network.take", bytes, &reply,
			       &is_refused);
		if (exit != EXIT_DONE)
			break;
		if (is_refused)
			exit = cli_error_reply(importing->cli, reply.text,
					       reply.root);
		else
			taken_note(importing, file, reply.root);
		file->packs += !is_refused;
		reply_release(&reply);
	}
	file->is_whole = code == ERR_STOPPED;
	if (code != ERR_OK && code != ERR_STOPPED)
		end_note(file, code, &err);
	return exit;
}

static enum exit_code blocks_hand(struct importing *importing,
				  struct carried_file *file,
				  const struct bundle_header *header)
{
	struct span kept = header->block;
	uint32_t acks = header->ack_count;
	char *block = malloc(kept.size);
	enum exit_code exit;

	if (block == NULL)
		return cli_failed(importing->cli, ERR_FULL, NULL);
	memcpy(block, kept.data, kept.size);
	kept.data = block;
	exit = header_hand(importing, file, kept);
	if (exit == EXIT_DONE && file->none == NULL)
		exit = packs_hand(importing, file);
	if (exit == EXIT_DONE && file->none == NULL &&
	    acks > (uint32_t)file->acks)
		exit = header_hand(importing, file, kept);
	free(block);
	return exit;
}

/* Behind the invitation, if the file begins with one. What cannot be sought in
 * begins with none. */
static enum err_code invitation_skip(int fd, struct err *err)
{
	char text[INVITATION_FILE_SIZE_MAX];
	ssize_t got = pread(fd, text, sizeof(text), 0);
	struct span span = {text, got > 0 ? (size_t)got : 0};
	size_t size = 0;
	bool has_bundle;

	if (got < 0 && errno == ESPIPE)
		return ERR_OK;
	if (got < 0)
		return err_sys(err, errno, "read");
	if (invitation_file_is(span))
		size = invitation_file_size(span, &has_bundle);
	seal_wipe(text, sizeof(text));
	if (lseek(fd, (off_t)size, SEEK_SET) < 0)
		return err_sys(err, errno, "seek");
	return ERR_OK;
}

static void none_note(struct carried_file *file, const char *en, const char *zh)
{
	file->none = &cannot_read;
	(void)text_format(file->fault, sizeof(file->fault), "%s", en);
	(void)text_format(file->fault_zh, sizeof(file->fault_zh), "%s", zh);
}

/* A file that is no bundle is no failure here: ->none. */
static enum exit_code bundle_hand(struct importing *importing,
				  struct carried_file *file)
{
	const struct bundle_io io = {.context = importing, .read = file_read};
	struct bundle_header header;
	struct err err;
	enum err_code code = invitation_skip(importing->fd, &err);

	file->none = NULL;
	if (code == ERR_OK)
		code = bundle_open(importing->bundle, &io, &header, &err);
	if (code == ERR_OK)
		return blocks_hand(importing, file, &header);
	none_note(file, err.text,
		  code == ERR_IO        ? "无法读取"
		  : code == ERR_VERSION ? "由更新版本的 depot 写入"
					: "不是数据包，或在开头即被截断");
	return EXIT_DONE;
}

/*
 * Whoever hands over a stick decides what is on it. What stands in a folder is
 * opened only if it is a file, and no link to one; nothing is waited for before
 * it can be read. -1: ->none says why not.
 */
static int file_open(struct carried_file *file)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
		    (file->is_found ? O_NOFOLLOW : 0);
	struct stat info;
	struct err err;
	int fd;

	if (file->is_found &&
	    (lstat(file->path, &info) < 0 || !S_ISREG(info.st_mode))) {
		none_note(file, "it is not a file", "不是普通文件");
		return -1;
	}
	fd = open(file->path, flags);
	if (fd >= 0 && fstat(fd, &info) == 0 &&
	    (!file->is_found || S_ISREG(info.st_mode)) &&
	    fcntl(fd, F_SETFL, 0) == 0)
		return fd;
	(void)err_sys(&err, errno, "open it");
	none_note(file, err.text, "无法打开");
	if (fd >= 0)
		(void)close(fd); /* nothing was read */
	return -1;
}

static enum exit_code file_hand(struct importing *importing,
				struct carried_file *file)
{
	enum exit_code exit;

	importing->fd = file_open(file);
	if (importing->fd < 0)
		return EXIT_DONE;
	exit = bundle_hand(importing, file);
	(void)close(importing->fd); /* it was read */
	return exit;
}

/* As often as a round brings something and something was beyond a gap. */
static enum exit_code files_hand(struct importing *importing)
{
	enum exit_code exit = EXIT_DONE;
	int round = 0;

	do {
		importing->has_gap = false;
		importing->has_moved = false;
		importing->refusal_count = 0;
		importing->done = 0;
		for (size_t i = 0;
		     i < importing->file_count && exit == EXIT_DONE; i++)
			exit = file_hand(importing, &importing->files[i]);
		round++;
	} while (exit == EXIT_DONE && importing->has_gap &&
		 importing->has_moved && importing->file_count > 1 &&
		 round < ROUNDS_MAX);
	cli_progress_end(importing->cli);
	return exit;
}

/* ---- the whole of it ---- */

/* depotd's envoy looks again: what came past it counts for its peers too. */
static enum exit_code envoy_tell(struct importing *importing)
{
	struct request_draft draft;
	struct request request;
	struct reply reply;
	enum exit_code exit;
	bool is_there;

	exit = ask_daemon(importing->cli, &is_there);
	if (exit != EXIT_DONE || !is_there)
		return exit;
	request_begin(&draft, importing->cli);
	out_bool_at(&draft.out, "set_back", importing->is_set_back);
	exit = request_end(&draft, "network.carried", &request);
	if (exit == EXIT_DONE)
		exit = ask(importing->cli, &request, &reply);
	if (exit == EXIT_DONE)
		reply_release(&reply);
	return exit;
}

/* Where not one of them is a bundle of this network there is no report. */
static enum exit_code none_tell(const struct importing *importing)
{
	const struct carried_file *file = NULL;
	const struct cli *cli = importing->cli;
	struct err err;

	for (size_t i = 0; i < importing->file_count; i++) {
		file = &importing->files[i];
		if (file->none == NULL)
			return EXIT_DONE;
	}
	if (file == NULL)
		return EXIT_DONE;
	(void)err_set(&err, ERR_CORRUPT, "%s: %s", file->path,
		      cli->is_chinese ? file->fault_zh : file->fault);
	return cli_refuse(cli, EXIT_FAILED, file->none, err.text);
}

enum exit_code carry_take_files(struct importing *importing)
{
	enum exit_code exit = files_hand(importing);
	enum exit_code told = envoy_tell(importing);

	if (exit == EXIT_DONE)
		exit = none_tell(importing);
	return exit == EXIT_DONE ? told : exit;
}

enum exit_code carry_take_from(struct importing *importing, const char *path,
			       int fd)
{
	struct carried_file *file = &importing->files[0];
	struct stat info;
	enum exit_code exit;

	ASSERT(importing->file_count == 0);
	text_print(span_of(path), file->path, FILE_PATH_SIZE);
	if (fstat(fd, &info) == 0)
		importing->total = (uint64_t)info.st_size;
	importing->file_count = 1;
	importing->fd = fd;
	exit = bundle_hand(importing, file);
	cli_progress_end(importing->cli);
	return exit;
}

struct importing *carry_take_open(struct cli *cli)
{
	struct importing *importing = calloc(1, sizeof(*importing));

	if (importing != NULL) {
		importing->cli = cli;
		importing->bundle = malloc(sizeof(*importing->bundle));
		importing->files = calloc(FILES_MAX, sizeof(*importing->files));
	}
	if (importing != NULL && importing->bundle != NULL &&
	    importing->files != NULL)
		return importing;
	carry_take_close(importing);
	(void)cli_failed(cli, ERR_FULL, NULL);
	return NULL;
}

void carry_take_close(struct importing *importing)
{
	if (importing == NULL)
		return;
	free(importing->bundle);
	free(importing->files);
	free(importing);
}
