#include "gateway/cli/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/cli/ask.h"
#include "gateway/core/command.h"
#include "gateway/edge/control_request.h"
#include "gateway/engine_plan.h"
#include "store/backup.h"
#include "store/master.h"

#define MAP_SIZE (UINT64_C(1) << 30)
#define ANSWERS_MAX 512
#define OWNER SPAN_LITERAL("replay")

static const struct control_refusal there_already = {
	"conflict",
	"%s is there already: a replay makes its own store, and plays with no "
	"other",
	"%s 已存在：重放只在自己新建的账本上进行"};
static const struct control_refusal cannot_make = {
	"io", "no folder can be made: %s", "无法创建文件夹：%s"};

enum exit_code scratch_begin(struct scratch *scratch, struct cli *cli)
{
	const char *named = cli_option(cli, "--scratch");

	(void)text_format(scratch->folder, sizeof(scratch->folder), "%s",
			  named != NULL ? named : "/tmp/depot-replay-XXXXXX");
	if (named == NULL) {
		if (mkdtemp(scratch->folder) == NULL)
			return cli_refuse(cli, EXIT_FAILED, &cannot_make,
					  scratch->folder);
	} else if (mkdir(named, 0700) < 0) {
		return errno == EEXIST ? cli_refuse(cli, EXIT_CONFLICT,
						    &there_already, named)
				       : cli_refuse(cli, EXIT_FAILED,
						    &cannot_make, named);
	}
	scratch->is_made = true;
	scratch->is_kept = named != NULL;
	if (file_path(scratch->folder, "store", scratch->store, NULL) != ERR_OK)
		return cli_refuse(cli, EXIT_FAILED, &cannot_make,
				  scratch->folder);
	return EXIT_DONE;
}

/* ---- founding ---- */

/* "depot/v1/ORG/SITE/scan/DEVICE", cut into its levels. */
static size_t levels_cut(struct span topic, struct span levels[6])
{
	size_t count = 0;

	while (count < 6) {
		const char *slash =
			topic.size == 0 ? NULL
					: memchr(topic.data, '/', topic.size);
		size_t size = slash == NULL ? topic.size
					    : (size_t)(slash - topic.data);

		levels[count++] = (struct span){topic.data, size};
		if (slash == NULL)
			break;
		topic.data += size + 1;
		topic.size -= size + 1;
	}
	return count;
}

static enum err_code founded(const struct scratch *scratch, struct span topic,
			     struct moment at, struct err *err)
{
	struct ledger_plan plan = {
		.map_size = MAP_SIZE, .now = at, .clock_trusted = true};
	struct span levels[6];

	if (levels_cut(topic, levels) != 6 || !span_is(levels[0], "depot") ||
	    !name_set(&plan.founding.org, levels[2]) ||
	    !name_set(&plan.founding.site, levels[3]) ||
	    !text_is_name(levels[2]) || !text_is_name(levels[3]) ||
	    !ref_set(&plan.founding.timezone, SPAN_LITERAL("UTC")))
		return err_set(err, ERR_INVALID,
			       "topic %.*s is no device's of any site",
			       (int)topic.size, topic.data);
	return ledger_create(scratch->store, &plan, err);
}

static enum err_code restored(const struct scratch *scratch, const char *from,
			      struct moment at, struct err *err)
{
	struct restore_plan plan = {.from = from,
				    .to = scratch->store,
				    .scratch = scratch->folder,
				    .now = at,
				    .clock_trusted = true};
	uint32_t epoch;

	return backup_restore(&plan, &epoch, err);
}

static enum err_code opened(struct scratch *scratch, struct err *err)
{
	static struct config config; /* its defaults are all that is needed */
	struct config_report *report = malloc(sizeof(*report));
	struct engine_plan plan;
	enum err_code code;

	if (report == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	code = config_parse("replay",
			    SPAN_LITERAL("[site]\norg = a\nsite = a\n"),
			    &config, report);
	free(report);
	ASSERT(code == ERR_OK);
	plan = engine_plan_of(&config);
	code = ledger_open(scratch->store, ENV_WRITE, &scratch->ledger, err);
	if (code == ERR_OK)
		code = engine_open(&plan, ledger_identity(scratch->ledger),
				   &scratch->engine, err);
	if (code == ERR_OK)
		code = answers_open(ANSWERS_MAX, &scratch->answers, err);
	return code;
}

/* One entry by a batch of its own. */
static enum err_code entry_post(struct scratch *scratch, struct entry *entry,
				struct moment at, struct err *err)
{
	struct batch *batch;
	struct pos pos;
	enum err_code code = batch_begin(scratch->ledger, &batch, err);

	if (code != ERR_OK)
		return code;
	batch_time(batch, at, true);
	code = batch_post(batch, entry, &pos, err);
	if (code == ERR_OK)
		return batch_commit(batch, err);
	batch_abandon(batch);
	return code;
}

static enum err_code owner_add(struct scratch *scratch, struct moment at,
			       struct err *err)
{
	struct entry entry;

	entry_init(&entry, ENTRY_ACCOUNT);
	entry.body.account.roles = (uint32_t)ROLE_MANAGER;
	if (!name_set(&entry.body.account.name, OWNER))
		return ERR_INVALID;
	return entry_post(scratch, &entry, at, err);
}

/* ---- tables ---- */

static enum err_code table_run(struct scratch *scratch, struct command *command,
			       struct moment at, struct err *err)
{
	struct event event = {.kind = EVENT_COMMAND,
			      .at = at,
			      .clock_trusted = true,
			      .body.command = *command};
	struct batch *batch;
	enum err_code code = batch_begin(scratch->ledger, &batch, err);

	if (code != ERR_OK)
		return code;
	code = engine_step(scratch->engine, batch, &event, scratch->answers,
			   err);
	if (code != ERR_OK || !engine_wrote(scratch->engine)) {
		batch_abandon(batch);
		return code == ERR_OK
			       ? err_set(err, ERR_INVALID,
					 "%.*s takes nothing of the table: "
					 "depot %.*s FILE tells why",
					 (int)command->name.size,
					 command->name.data,
					 (int)command->name.size,
					 command->name.data)
			       : code;
	}
	return batch_commit(batch, err);
}

static enum err_code table_import(struct scratch *scratch, struct cli *cli,
				  const char *option, const char *name,
				  struct moment at, struct err *err)
{
	const char *path = cli_option(cli, option);
	struct command command = {.name = span_of(name), .file = {"", 0}};
	char *reply = malloc(REPLY_SIZE_MAX);
	struct json_out out;
	enum err_code code = ERR_OK;
	int fd;

	if (path == NULL || reply == NULL) {
		free(reply);
		return path == NULL ? ERR_OK
				    : err_set(err, ERR_FULL, "out of memory");
	}
	out_init(&out, reply, REPLY_SIZE_MAX);
	command.reply = &out;
	if (!name_set(&command.account, OWNER) ||
	    ask_file(cli, path, &fd) != EXIT_DONE) {
		free(reply);
		return err_set(err, ERR_INVALID, "%s cannot be read", path);
	}
	code = control_file_map(fd, &command.file, err);
	if (code == ERR_OK)
		code = table_run(scratch, &command, at, err);
	control_file_unmap(command.file);
	(void)close(fd); /* a memory that nobody needs any more */
	free(reply);
	return code;
}

enum err_code scratch_found(struct scratch *scratch, struct cli *cli,
			    struct span topic, struct moment at,
			    struct err *err)
{
	const char *from = cli_option(cli, "--from");
	enum err_code code = from != NULL ? restored(scratch, from, at, err)
					  : founded(scratch, topic, at, err);

	if (code == ERR_OK)
		code = opened(scratch, err);
	if (code == ERR_OK)
		code = owner_add(scratch, at, err);
	if (code == ERR_OK)
		code = table_import(scratch, cli, "--items", "item.import", at,
				    err);
	if (code == ERR_OK)
		code = table_import(scratch, cli, "--codes", "code.import", at,
				    err);
	if (code == ERR_OK)
		code = table_import(scratch, cli, "--bins", "bin.import", at,
				    err);
	return code;
}

/* ---- devices ---- */

static bool is_known(const struct scratch *scratch, struct span device)
{
	for (size_t i = 0; i < scratch->device_count; i++)
		if (span_equal(name_span(&scratch->devices[i]), device))
			return true;
	return false;
}

static enum device_kind kind_of(struct span level)
{
	if (span_is(level, "shelf"))
		return DEVICE_SHELF;
	return span_is(level, "rfid") ? DEVICE_RFID : DEVICE_SCANNER;
}

bool scratch_is_new(const struct scratch *scratch, struct span topic)
{
	struct span levels[6];

	return levels_cut(topic, levels) == 6 && text_is_name(levels[5]) &&
	       !is_known(scratch, levels[5]) &&
	       scratch->device_count < SCRATCH_DEVICES_MAX;
}

enum err_code scratch_device_add(struct scratch *scratch, struct span topic,
				 struct moment at, struct err *err)
{
	struct span levels[6];
	struct entry entry;
	struct device before;
	struct device_no number;
	struct view *view;
	enum err_code code;

	ASSERT(scratch_is_new(scratch, topic));
	(void)levels_cut(topic, levels);
	entry_init(&entry, ENTRY_DEVICE);
	if (!name_set(&entry.body.device.name, levels[5]))
		return ERR_INVALID; /* a name fits */
	entry.body.device.kind = kind_of(levels[4]);
	scratch->devices[scratch->device_count++] = entry.body.device.name;
	code = view_begin(ledger_env(scratch->ledger), &view, err);
	if (code != ERR_OK)
		return code;
	code = device_get(view, levels[5], &before, &number, err);
	view_end(view);
	return code == ERR_NOT_FOUND ? entry_post(scratch, &entry, at, err)
				     : code;
}

/* ---- the end ---- */

/* What cannot be removed stays in /tmp. */
static void folder_remove(const char *folder)
{
	DIR *entries = opendir(folder);
	const struct dirent *entry;
	char path[FILE_PATH_SIZE];

	while (entries != NULL && (entry = readdir(entries)) != NULL) {
		struct stat info;

		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0 ||
		    file_path(folder, entry->d_name, path, NULL) != ERR_OK ||
		    lstat(path, &info) < 0)
			continue;
		if (S_ISDIR(info.st_mode))
			folder_remove(path);
		else
			(void)unlink(path);
	}
	if (entries != NULL)
		(void)closedir(entries);
	(void)rmdir(folder);
}

void scratch_end(struct scratch *scratch)
{
	answers_close(scratch->answers);
	engine_close(scratch->engine);
	ledger_close(scratch->ledger);
	if (scratch->is_made && !scratch->is_kept)
		folder_remove(scratch->folder);
}
