#include "store/env_lmdb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/env_port.h"
#include "store/file.h"
#include "store/mdbfile.h"

static const char *const table_names[TABLE_COUNT] = {
	[TABLE_META] = "meta",
	[TABLE_JOURNAL] = "journal",
	[TABLE_BALANCE] = "balance",
	[TABLE_HELD] = "held",
	[TABLE_ITEM] = "item",
	[TABLE_SKU] = "sku",
	[TABLE_ITEM_NAME] = "item_name",
	[TABLE_CODE] = "code",
	[TABLE_PLACE] = "place",
	[TABLE_PLACE_NAME] = "place_name",
	[TABLE_BIN] = "bin",
	[TABLE_LOT] = "lot",
	[TABLE_SERIAL] = "serial",
	[TABLE_DEVICE] = "device",
	[TABLE_ACCOUNT] = "account",
	[TABLE_PROMISE] = "promise",
	[TABLE_DOCUMENT] = "document",
	[TABLE_TASK] = "task",
	[TABLE_ALERT] = "alert",
	[TABLE_SEEN] = "seen",
	[TABLE_SESSION] = "session",
	[TABLE_PARKED] = "parked",
	[TABLE_OBSERVATION] = "observation",
	[TABLE_PRIVATE] = "private",
	[TABLE_ASKED] = "asked",
	[TABLE_TRANSFER] = "transfer",
	[TABLE_DELTA] = "delta",
	[TABLE_FEED] = "feed",
	[TABLE_SITE_BALANCE] = "site_balance",
	[TABLE_ROSTER] = "roster",
	[TABLE_PEER] = "peer",
};

const char *table_name(enum table table)
{
	ASSERT((size_t)table < TABLE_COUNT);
	return table_names[table];
}

/* ---- LMDB's words for ours ---- */

static enum err_code code_of(int number)
{
	switch (number) {
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return ERR_FULL;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_INCOMPATIBLE:
	case MDB_BAD_DBI:
	case MDB_NOTFOUND:
		return ERR_CORRUPT;
	case MDB_VERSION_MISMATCH:
		return ERR_VERSION;
	case MDB_READERS_FULL:
	case MDB_MAP_RESIZED:
		return ERR_AGAIN;
	default:
		return ERR_IO;
	}
}

static const char *advice(int number)
{
	switch (number) {
	case MDB_MAP_FULL:
		return "enlarge it with depot resize";
	case MDB_PANIC:
		return "a write failed, so the store takes no more: check the "
		       "disk, then start depot again";
	case MDB_READERS_FULL:
		return "too many programs read the store";
	default:
		return ENV_ADVICE;
	}
}

enum err_code env_failed(struct err *err, int number, const char *what,
			 const char *name)
{
	if (number > 0)
		return file_error(err, number, "%s %s", what, name);
	return err_set(err, code_of(number), "%s %s: %s: %s", what, name,
		       mdb_strerror(number), advice(number));
}

/* LMDB says EIO of a write that was cut short, as by a disk that is full. */
int env_full_disk(const struct env *env, int number)
{
	struct statvfs disk;

	if (number == EIO && !env->is_allocated &&
	    statvfs(env->path, &disk) == 0 &&
	    disk.f_bavail * disk.f_frsize < (UINT64_C(1) << 20))
		return ENOSPC;
	return number;
}

/* ---- opening and closing ---- */

void env_close(struct env *env)
{
	if (env == NULL)
		return;
	ASSERT(env->txn.view.txn == NULL);
	for (size_t i = 0; i < ENV_VIEWS_MAX; i++) {
		ASSERT(!env->views[i].is_used);
		if (env->views[i].txn != NULL)
			mdb_txn_abort(env->views[i].txn);
	}
	if (env->mdb != NULL)
		mdb_env_close(env->mdb);
	claim_end(&env->claim);
	lock_close(&env->lock);
	(void)pthread_mutex_destroy(&env->views_mutex);
	free(env);
}

/* Claimed before it is opened: a new file, in a locked draft, nobody has. */
static enum err_code mdb_claim(struct env *env, struct err *err)
{
	char file[FILE_PATH_SIZE];
	enum err_code code = file_path(env->path, MDBFILE_NAME, file, err);

	if (code != ERR_OK)
		return code;
	return claim_begin(&env->claim, file, err);
}

static enum err_code mdb_start(struct env *env, enum env_mode mode,
			       uint64_t map_size, struct err *err)
{
	unsigned flags = mode == ENV_READ ? MDB_RDONLY : 0;
	int number = mdb_env_create(&env->mdb);

	if (number == 0)
		number = mdb_env_set_maxdbs(env->mdb, TABLE_COUNT);
	if (number == 0 && map_size != ENV_MAP_AS_IT_IS)
		number = mdb_env_set_mapsize(env->mdb, map_size);
	/* NOTLS: a view is not bound to the thread that began it. */
	if (number == 0)
		number = mdb_env_open(env->mdb, env->path, flags | MDB_NOTLS,
				      0600);
	if (number != 0)
		return env_failed(err, number, "open", env->path);
	return ERR_OK;
}

enum err_code env_start(const char *folder, enum env_mode mode,
			uint64_t map_size, struct lock *take_lock,
			struct env **ret_env, struct err *err)
{
	struct env *env = calloc(1, sizeof(*env));
	enum err_code code = ERR_OK;

	if (env == NULL) {
		lock_close(take_lock);
		return err_sys(err, ENOMEM, "open %s", folder);
	}
	env->lock = *take_lock;
	*take_lock = LOCK_NONE;
	(void)pthread_mutex_init(&env->views_mutex, NULL);
	if (!text_format(env->path, sizeof(env->path), "%s", folder))
		code = err_set(err, ERR_INVALID, "path too long");
	if (code == ERR_OK && map_size == ENV_MAP_AS_IT_IS)
		code = mdb_claim(env, err);
	if (code == ERR_OK && mode == ENV_WRITE)
		code = mdbfile_readers_allocate(env->path, err);
	if (code == ERR_OK)
		code = mdb_start(env, mode, map_size, err);
	if (code != ERR_OK) {
		env_close(env);
		return code;
	}
	*ret_env = env;
	return ERR_OK;
}

static enum err_code handles_open(struct env *env, MDB_txn *txn, size_t count,
				  unsigned flags, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		const char *name = i == TABLE_META ? NULL : table_names[i];
		int number;

		if (i == TABLE_PROMISE) {
			env->tables[i] = env->tables[TABLE_BALANCE];
			continue;
		}
		/* Without a name: LMDB's own list of tables. */
		ASSERT(table_names[i] != NULL);
		number = mdb_dbi_open(txn, name, flags, &env->tables[i]);
		if (number != 0)
			return env_failed(err, number, "open table",
					  table_names[i]);
	}
	env->tables_count = count;
	return ERR_OK;
}

enum err_code env_tables_open(struct env *env, size_t count, struct err *err)
{
	MDB_txn *txn;
	enum err_code code;
	int number = mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &txn);

	if (number != 0)
		return env_failed(err, number, "read", env->path);
	code = handles_open(env, txn, count, 0, err);
	if (code != ERR_OK) {
		mdb_txn_abort(txn);
		return code;
	}
	number = mdb_txn_commit(txn); /* keeps the handles; writes nothing */
	if (number != 0)
		return env_failed(err, number, "open tables of", env->path);
	return ERR_OK;
}

enum err_code env_tables_create(struct txn *txn, struct err *err)
{
	return handles_open(txn->view.env, txn->view.txn, TABLE_COUNT,
			    MDB_CREATE, err);
}

void env_format_set(struct env *env, uint32_t format)
{
	env->format = format;
}

uint32_t env_format(const struct env *env)
{
	return env->format;
}

enum err_code env_allocate(struct env *env, struct err *err)
{
	uint64_t size = env_map_size(env);
	struct stat file;
	mdb_filehandle_t fd;
	enum err_code code = ERR_OK;

	(void)mdb_env_get_fd(env->mdb, &fd);
	if (fstat(fd, &file) < 0)
		return err_sys(err, errno, "stat %s", env->path);
	if ((uint64_t)file.st_size < size ||
	    (uint64_t)file.st_blocks * 512 < size)
		code = file_allocate(fd, size, err);
	env->is_allocated = code == ERR_OK;
	return code;
}

enum err_code env_sync(struct env *env, struct err *err)
{
	int number = mdb_env_sync(env->mdb, 1);

	if (number != 0)
		return env_failed(err, number, "sync", env->path);
	return ERR_OK;
}

enum err_code env_rows_copy(struct env *env, const char *folder,
			    struct err *err)
{
	char file[FILE_PATH_SIZE];
	enum err_code code = file_path(folder, MDBFILE_NAME, file, err);
	int number;

	if (code != ERR_OK)
		return code;
	number = mdb_env_copy2(env->mdb, folder, MDB_CP_COMPACT);
	/* Compacting fails if pages have leaked, which does no harm to a store
	 * but would leave it without a backup. Then a plain copy will do. */
	if (number == MDB_INCOMPATIBLE) {
		(void)unlink(file);
		number = mdb_env_copy2(env->mdb, folder, 0);
	}
	if (number != 0)
		return env_failed(err, number, "copy to", folder);
	return ERR_OK;
}

/* ---- how it is doing ---- */

uint64_t env_map_size(const struct env *env)
{
	MDB_envinfo info;

	(void)mdb_env_info(env->mdb, &info);
	return info.me_mapsize;
}

/* Sums what the list of free pages holds: a number of pages, then each. */
static int free_pages_count(MDB_txn *txn, uint64_t *ret_pages)
{
	const MDB_dbi free_list = 0;
	MDB_cursor *cursor;
	MDB_val key;
	MDB_val value;
	uint64_t pages = 0;
	int number = mdb_cursor_open(txn, free_list, &cursor);

	if (number != 0)
		return number;
	while ((number = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		size_t count = 0;

		if (value.mv_size >= sizeof(count))
			memcpy(&count, value.mv_data, sizeof(count));
		pages += count;
	}
	mdb_cursor_close(cursor);
	*ret_pages = pages;
	return number == MDB_NOTFOUND ? 0 : number;
}

struct reader_census {
	uint32_t readers;
	uint64_t oldest; /* the commit that the oldest one sees */
};

/* A line is "pid thread commit", the last "-" for a slot at rest. */
static int reader_counted(const char *line, void *context)
{
	struct reader_census *census = context;
	struct span text = span_of(line);
	uint64_t commit;
	size_t start;

	while (text.size > 0 && text.data[text.size - 1] == '\n')
		text.size--;
	for (start = text.size; start > 0 && text.data[start - 1] != ' ';)
		start--;
	text.data += start;
	text.size -= start;
	if (!span_to_u64(text, UINT64_MAX, &commit))
		return 0;
	census->readers++;
	if (commit < census->oldest)
		census->oldest = commit;
	return 0;
}

/* Bytes at the end of the map that are not used yet. What is not allocated
 * has to find its place on the disk first. */
static uint64_t room_beyond(const struct env *env,
			    const struct env_usage *usage)
{
	uint64_t room = usage->map_size - usage->used;
	uint64_t disk_room;
	struct statvfs disk;

	if (usage->is_allocated || statvfs(env->path, &disk) < 0 ||
	    disk.f_blocks == 0)
		return room;
	disk_room = (uint64_t)disk.f_bavail * disk.f_frsize;
	return room < disk_room ? room : disk_room;
}

enum err_code env_usage(struct env *env, struct env_usage *ret_usage,
			struct err *err)
{
	struct reader_census census = {.oldest = UINT64_MAX};
	struct env_usage usage = {.is_allocated = env->is_allocated};
	struct view *view;
	MDB_envinfo info;
	MDB_stat stat;
	enum err_code code;
	int number;

	/* Counted first, so as not to count our own. */
	(void)mdb_reader_list(env->mdb, reader_counted, &census);
	code = view_begin(env, &view, err);
	if (code != ERR_OK)
		return code;
	number = free_pages_count(view->txn, &usage.free_size);
	view_end(view);
	if (number != 0)
		return env_failed(err, number, "count free pages of",
				  env->path);
	(void)mdb_env_info(env->mdb, &info);
	(void)mdb_env_stat(env->mdb, &stat);
	usage.map_size = info.me_mapsize;
	usage.used = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
	usage.free_size *= stat.ms_psize;
	usage.room = usage.free_size + room_beyond(env, &usage);
	usage.readers = census.readers;
	if (census.oldest < info.me_last_txnid)
		usage.oldest_lag = info.me_last_txnid - census.oldest;
	*ret_usage = usage;
	return ERR_OK;
}

enum err_code env_reader_check(struct env *env, uint32_t *ret_cleared,
			       struct err *err)
{
	int cleared = 0;
	int number = mdb_reader_check(env->mdb, &cleared);

	if (number != 0)
		return env_failed(err, number, "check readers of", env->path);
	*ret_cleared = (uint32_t)cleared;
	return ERR_OK;
}
