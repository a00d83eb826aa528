#include "store/backup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/child.h"
#include "store/draft.h"
#include "store/keys.h"
#include "store/mdbfile.h"
#include "store/rebuild.h"
#include "store/shadow.h"
#include "store/verify.h"
#include "store/site.h"

/* ---- making ---- */

static enum err_code counts_get(const struct view *view,
				struct backup_info *info, struct err *err)
{
	struct journal_head head;
	enum err_code code = ledger_head(view, &head, err);

	if (code == ERR_OK)
		code = view_count(view, TABLE_JOURNAL, &info->entries, err);
	if (code == ERR_OK)
		code = view_count(view, TABLE_SKU, &info->items, err);
	if (code != ERR_OK)
		return code;
	info->pos = head.pos;
	info->chain = head.chain;
	return ERR_OK;
}

/* Read from the copy, as the store itself goes on. */
static enum err_code copy_describe(const char *copy, struct backup_info *info,
				   struct err *err)
{
	struct env *env;
	struct view *view;
	char readers[FILE_PATH_SIZE];
	enum err_code code = env_open(copy, ENV_READ, &env, err);

	if (code != ERR_OK)
		return code;
	code = view_begin(env, &view, err);
	if (code == ERR_OK) {
		code = counts_get(view, info, err);
		view_end(view);
	}
	env_close(env);
	if (code == ERR_OK)
		code = file_path(copy, MDBFILE_READERS_NAME, readers, err);
	if (code == ERR_OK)
		(void)unlink(readers); /* the next reader makes its own */
	return code;
}

/* As small as the rows and what may come while they are copied: a stick is
 * not to be filled with the store's empty room. */
static enum err_code copy_map_size(struct env *env, uint64_t *ret_size,
				   struct err *err)
{
	const uint64_t step = ENV_MAP_SIZE_MIN;
	struct env_usage usage;
	enum err_code code = env_usage(env, &usage, err);
	uint64_t size;

	if (code != ERR_OK)
		return code;
	size = (usage.used + usage.used / 8) / step * step + 2 * step;
	*ret_size = size < usage.map_size ? size : usage.map_size;
	return ERR_OK;
}

static enum err_code copy_make(struct env *env, const char *folder,
			       struct backup_info *info, struct err *err)
{
	char copy[FILE_PATH_SIZE];
	char manifest[FILE_PATH_SIZE];
	uint64_t map_size;
	enum err_code code = file_path(folder, BACKUP_STORE_NAME, copy, err);

	if (code == ERR_OK)
		code = file_path(folder, BACKUP_MANIFEST_NAME, manifest, err);
	if (code == ERR_OK)
		code = copy_map_size(env, &map_size, err);
	if (code == ERR_OK)
		code = env_copy(env, copy, map_size, err);
	if (code == ERR_OK)
		code = copy_describe(copy, info, err);
	if (code == ERR_OK)
		code = manifest_write(manifest, info, err);
	return code;
}

enum err_code backup_make(struct ledger *ledger, const char *to,
			  struct moment now, struct backup_info *ret_info,
			  struct err *err)
{
	const struct founding *identity = ledger_identity(ledger);
	struct backup_info info = {
		.org = identity->org, .site = identity->site, .made = now};
	struct env_usage usage;
	struct draft draft;
	enum err_code code = env_usage(ledger_env(ledger), &usage, err);

	memcpy(info.net_id, identity->net_id, sizeof(info.net_id));
	info.map_size = usage.map_size;
	if (code == ERR_OK)
		code = draft_begin(&draft, to, err);
	if (code != ERR_OK)
		return err_wrap(err, code, "back up to %s", to);
	code = copy_make(ledger_env(ledger), draft.path, &info, err);
	if (code == ERR_OK)
		code = draft_commit(&draft, err);
	else
		draft_abandon(&draft);
	if (code != ERR_OK)
		return err_wrap(err, code, "back up to %s", to);
	*ret_info = info;
	return ERR_OK;
}

enum err_code backup_read(const char *from, struct backup_info *ret_info,
			  struct err *err)
{
	char manifest[FILE_PATH_SIZE];
	enum err_code code =
		file_path(from, BACKUP_MANIFEST_NAME, manifest, err);

	if (code == ERR_OK)
		code = manifest_read(manifest, ret_info, err);
	if (code != ERR_OK)
		return err_wrap(err, code, "read backup");
	return ERR_OK;
}

/* ---- restoring ---- */

/* Shared with the child that makes the store. */
struct restore {
	const struct restore_plan *plan;
	struct backup_info info;
	char source[FILE_PATH_SIZE];  /* the store in the backup */
	struct shadow shadow;         /* of it, for the copy */
	char working[FILE_PATH_SIZE]; /* the store in the making */
	bool needs_rebuild;
	uint32_t epoch;
};

/* What the journal ends with, and whether all of the store follows from it. */
static enum err_code source_judge(struct restore *restore,
				  const struct verify_report *report,
				  struct err *err)
{
	char text[FINDING_PRINT_SIZE];

	if (report->verdict != VERDICT_CLEAN &&
	    report->verdict != VERDICT_FINDINGS)
		return err_set(err, ERR_CORRUPT, "%s", report->text);
	if (report->audit.head.pos.value != restore->info.pos.value ||
	    report->audit.head.chain != restore->info.chain)
		return err_set(err, ERR_CORRUPT,
			       "its manifest is that of another backup");
	/* Those about the journal come first. */
	if (report->audit.journal_findings > 0) {
		finding_print(&report->audit.list[0], false, text,
			      sizeof(text));
		return err_set(err, ERR_CORRUPT, "%s", text);
	}
	restore->needs_rebuild = report->verdict == VERDICT_FINDINGS;
	return ERR_OK;
}

static enum err_code working_judge(const struct verify_report *report,
				   struct err *err)
{
	char text[FINDING_PRINT_SIZE];

	if (report->verdict == VERDICT_CLEAN)
		return ERR_OK;
	if (report->verdict != VERDICT_FINDINGS)
		return err_set(err, ERR_CORRUPT, "%s", report->text);
	finding_print(&report->audit.list[0], false, text, sizeof(text));
	return err_set(err, ERR_CORRUPT, "%s", text);
}

static enum err_code store_verify(struct restore *restore, bool is_source,
				  struct err *err)
{
	const struct verify_plan plan = {.scratch = restore->plan->scratch};
	struct verify_report *report = malloc(sizeof(*report));
	enum err_code code;

	if (report == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	code = verify_run(is_source ? restore->source : restore->working, &plan,
			  report, err);
	if (code == ERR_OK)
		code = is_source ? source_judge(restore, report, err)
				 : working_judge(report, err);
	free(report);
	return code;
}

/* What a crash left of an earlier attempt goes, unless it is none. */
static enum err_code working_clear(const struct restore *restore,
				   struct err *err)
{
	struct lock lock;
	enum err_code code;

	if (env_absent(restore->working, NULL) == ERR_OK)
		return ERR_OK;
	code = lock_open(restore->working, &lock, err);
	if (code != ERR_OK)
		return code;
	code = folder_remove(restore->working, err);
	lock_close(&lock);
	return code;
}

static enum err_code source_copy(const struct restore *restore, struct err *err)
{
	uint64_t map_size = restore->plan->map_size != 0
				    ? restore->plan->map_size
				    : restore->info.map_size;
	struct env *env;
	enum err_code code =
		env_open(restore->shadow.path, ENV_READ, &env, err);

	if (code != ERR_OK)
		return code;
	code = env_copy(env, restore->working, map_size, err);
	env_close(env);
	return code;
}

/* Beyond the backup's epoch and every one that this box has a key of. */
static enum err_code epoch_choose(struct restore *restore, const char *keys,
				  struct err *err)
{
	uint32_t lived;
	enum err_code code = keys_epoch_last(keys, &lived, err);

	if (code != ERR_OK)
		return code;
	restore->epoch = pos_epoch(restore->info.pos);
	if (lived > restore->epoch)
		restore->epoch = lived;
	if (restore->epoch == EPOCH_MAX)
		return err_set(err, ERR_OVERFLOW, "no epoch is left");
	restore->epoch++;
	return ERR_OK;
}

/* In a network the others are asked first for what was lost: the daemon does
 * that, and begins the epoch then. */
static enum err_code restored_mark(struct restore *restore,
				   struct ledger *ledger, bool *ret_is_marked,
				   struct err *err)
{
	struct txn *txn;
	uint32_t site;
	enum err_code code = txn_begin(ledger_env(ledger), &txn, err);

	if (code != ERR_OK)
		return code;
	code = site_number_get(txn_view(txn), &site, err);
	*ret_is_marked = code == ERR_OK && site != 0;
	if (*ret_is_marked)
		code = site_restored_put(txn, true, err);
	if (code != ERR_OK || !*ret_is_marked) {
		txn_abandon(txn);
		return code;
	}
	restore->epoch = pos_epoch(restore->info.pos);
	return txn_commit(txn, err);
}

static enum err_code epoch_begin(struct restore *restore, struct ledger *ledger,
				 struct err *err)
{
	struct epoch_plan plan = {.now = restore->plan->now,
				  .clock_trusted =
					  restore->plan->clock_trusted};
	char keys[FILE_PATH_SIZE];
	char name[KEY_NAME_SIZE];
	enum err_code code = ledger_keys_folder(restore->plan->to, keys, err);

	if (code == ERR_OK)
		code = epoch_choose(restore, keys, err);
	if (code != ERR_OK)
		return code;
	plan.epoch = restore->epoch;
	keys_epoch_name(plan.epoch, name);
	code = keys_make(keys, name, plan.public_key, err);
	if (code != ERR_OK)
		return code;
	return ledger_epoch_open(ledger, &plan, err);
}

/* In a child: damage that an audit does not meet, or that a rebuild would
 * mend, may still crash whoever copies or empties its pages. */
static enum err_code working_make(void *context, struct err *err)
{
	const struct rebuild_plan silent = {.progress = NULL};
	struct restore *restore = context;
	bool is_marked = false;
	struct ledger *ledger;
	enum err_code code = source_copy(restore, err);

	if (code == ERR_OK)
		code = ledger_open(restore->working, ENV_WRITE, &ledger, err);
	if (code != ERR_OK)
		return code;
	if (restore->needs_rebuild)
		code = rebuild_run(ledger_env(ledger), &silent, err);
	if (code == ERR_OK)
		code = restored_mark(restore, ledger, &is_marked, err);
	if (code == ERR_OK && !is_marked)
		code = epoch_begin(restore, ledger, err);
	ledger_close(ledger);
	return code;
}

static enum err_code child_judge(const struct child_end *end, struct err *err)
{
	switch (end->how) {
	case CHILD_RETURNED:
		if (end->code == ERR_OK)
			return ERR_OK;
		return err_set(err, end->code, "%s", end->err.text);
	case CHILD_CRASHED:
		return err_set(err, ERR_CORRUPT,
			       "it is damaged: copying it crashed");
	case CHILD_LATE:
		break;
	}
	return err_set(err, ERR_CORRUPT,
		       "it is damaged: copying it never ended");
}

/* The shadow is ours, so that it goes whatever becomes of the child. */
static enum err_code working_child(struct restore *restore, struct err *err)
{
	const struct child_watch watch = {.look = NULL};
	struct child_end end;
	enum err_code code = shadow_open(
		restore->source, restore->plan->scratch, &restore->shadow, err);

	if (code != ERR_OK)
		return code;
	code = child_run(working_make, restore, &watch, &end, err);
	shadow_close(&restore->shadow);
	if (code != ERR_OK)
		return code;
	return child_judge(&end, err);
}

/* From here on there is something to clear away if it fails. */
static enum err_code working_steps(struct restore *restore, struct err *err)
{
	enum err_code code = working_child(restore, err);

	if (code == ERR_OK)
		code = store_verify(restore, false, err);
	if (code == ERR_OK)
		code = folder_rename(restore->working, restore->plan->to, err);
	if (code != ERR_OK) {
		/* What this leaves the next attempt clears. */
		enum err_code cleared = working_clear(restore, NULL);

		(void)cleared;
	}
	return code;
}

static enum err_code restore_steps(struct restore *restore, struct err *err)
{
	enum err_code code = env_absent(restore->plan->to, err);

	if (code == ERR_OK)
		code = backup_read(restore->plan->from, &restore->info, err);
	if (code == ERR_OK)
		code = store_verify(restore, true, err);
	if (code == ERR_OK)
		code = working_clear(restore, err);
	if (code == ERR_OK)
		code = working_steps(restore, err);
	return code;
}

static enum err_code restore_run(struct restore *restore, struct err *err)
{
	enum err_code code = file_path(restore->plan->from, BACKUP_STORE_NAME,
				       restore->source, err);

	if (code == ERR_OK)
		code = file_beside(restore->plan->to, ".restored",
				   restore->working, err);
	if (code == ERR_OK)
		code = restore_steps(restore, err);
	return code;
}

enum err_code backup_restore(const struct restore_plan *plan,
			     uint32_t *ret_epoch, struct err *err)
{
	struct restore *restore = child_share(sizeof(*restore));
	enum err_code code;

	if (restore == NULL)
		return err_sys(err, errno, "share memory");
	restore->plan = plan;
	code = restore_run(restore, err);
	if (code == ERR_OK)
		*ret_epoch = restore->epoch;
	child_unshare(restore, sizeof(*restore));
	if (code != ERR_OK)
		return err_wrap(err, code, "restore %s", plan->from);
	return ERR_OK;
}
