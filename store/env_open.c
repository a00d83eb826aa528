/*
 * The folder side of env.h: what has to be so before LMDB may open a store,
 * and the order in which one comes to be. LMDB itself is in env.c.
 */
#include "store/env.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/base/bytes.h"
#include "store/env_port.h"
#include "store/draft.h"
#include "store/file.h"
#include "store/lock.h"
#include "store/mdbfile.h"

/* ---- opening ---- */

/* What there is at the path of a store without a data file. */
static enum err_code missing(const char *path, struct err *err)
{
	struct stat info;

	if (stat(path, &info) < 0)
		return err_set(err, ERR_NOT_COMMISSIONED,
			       "there is no store: run depot init, or depot "
			       "restore if there is a backup");
	return err_set(err, ERR_CORRUPT,
		       "the folder has no %s: if it belongs on another disk, "
		       "mount that; depot restore brings back a backup",
		       MDBFILE_NAME);
}

static enum err_code file_check(const char *path, struct err *err)
{
	char file[FILE_PATH_SIZE];
	struct err why;
	enum err_code code = file_path(path, MDBFILE_NAME, file, &why);

	if (code == ERR_OK)
		code = mdbfile_check(file, &why);
	if (code == ERR_OK)
		return ERR_OK;
	if (code == ERR_NOT_FOUND)
		return missing(path, err);
	if (code == ERR_CORRUPT)
		return err_set(err, code, "%.300s: " ENV_ADVICE, why.text);
	return err_set(err, code, "%s", why.text);
}

/* How many tables a store of each format has. */
static const size_t tables_of_format[ENV_FORMAT_VERSION + 1] = {
	[1] = TABLE_ASKED + 1,
	[2] = TABLE_PEER + 1,
};
_Static_assert(TABLE_PEER + 1 == TABLE_COUNT, "a new table is a new format");

static enum err_code format_judge(struct span row, uint32_t *ret_version,
				  struct err *err)
{
	struct reader reader;
	uint32_t version;

	reader_init(&reader, row.data, row.size);
	version = read_u32(&reader);
	if (!reader_done(&reader) || version == 0)
		return err_set(err, ERR_CORRUPT, "the format row is damaged");
	if (version > ENV_FORMAT_VERSION)
		return err_set(
			err, ERR_VERSION,
			"the store has format %u, this depot knows %u: "
			"install the depot that wrote it, or a newer one",
			version, ENV_FORMAT_VERSION);
	*ret_version = version;
	return ERR_OK;
}

static enum err_code format_read(struct env *env, struct err *err)
{
	struct view *view;
	struct span row;
	uint32_t version = 0;
	enum err_code code = view_begin(env, &view, err);

	if (code != ERR_OK)
		return code;
	code = view_get(view, TABLE_META, span_of(ENV_FORMAT_KEY), &row, err);
	if (code == ERR_NOT_FOUND)
		code = err_set(err, ERR_CORRUPT,
			       "this is no depot store: no format row");
	else if (code == ERR_OK)
		code = format_judge(row, &version, err);
	view_end(view);
	if (code == ERR_OK)
		env_format_set(env, version);
	return code;
}

/* A full disk must not keep anybody from reading; env_usage tells of it. */
static enum err_code room_take(struct env *env, struct err *err)
{
	struct err why;
	enum err_code code = env_allocate(env, &why);

	if (code == ERR_OK || code == ERR_FULL)
		return ERR_OK;
	return err_set(err, code, "%s", why.text);
}

static enum err_code env_ready(struct env *env, enum env_mode mode,
			       struct err *err)
{
	/* The format first: a newer one may have other tables. */
	enum err_code code = env_tables_open(env, TABLE_META + 1, err);

	if (code == ERR_OK)
		code = format_read(env, err);
	if (code == ERR_OK)
		code = env_tables_open(env, tables_of_format[env_format(env)],
				       err);
	if (code != ERR_OK || mode == ENV_READ)
		return code;
	/* A writer that was killed within its last commit may have left that in
	 * the kernel's memory only. We are about to answer for it. */
	code = env_sync(env, err);
	if (code == ERR_OK)
		code = room_take(env, err);
	return code;
}

enum err_code env_open(const char *path, enum env_mode mode,
		       struct env **ret_env, struct err *err)
{
	struct lock lock = LOCK_NONE;
	struct env *env = NULL;
	enum err_code code = file_check(path, err);

	if (code == ERR_OK && mode == ENV_WRITE)
		code = lock_open(path, &lock, err);
	if (code == ERR_OK)
		code = env_start(path, mode, ENV_MAP_AS_IT_IS, &lock, &env,
				 err);
	if (code == ERR_OK)
		code = env_ready(env, mode, err);
	if (code != ERR_OK) {
		env_close(env);
		return err_wrap(err, code, "open store %s", path);
	}
	*ret_env = env;
	return ERR_OK;
}

/* ---- creating ---- */

static enum err_code map_size_check(uint64_t map_size, struct err *err)
{
	uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);

	if (map_size >= ENV_MAP_SIZE_MIN && map_size % page_size == 0 &&
	    map_size <= SIZE_MAX / 2)
		return ERR_OK;
	return err_set(err, ERR_INVALID,
		       "a map of %llu bytes: must be at least %llu and a "
		       "multiple of %llu",
		       (unsigned long long)map_size,
		       (unsigned long long)ENV_MAP_SIZE_MIN,
		       (unsigned long long)page_size);
}

static enum err_code format_write(struct txn *txn, struct err *err)
{
	char row[4];
	struct writer writer;

	writer_init(&writer, row, sizeof(row));
	write_u32(&writer, ENV_FORMAT_VERSION);
	return txn_put(txn, TABLE_META, span_of(ENV_FORMAT_KEY),
		       (struct span){row, writer.size}, err);
}

/* Tables, format and first rows: one transaction. */
static enum err_code rows_lay(struct env *env, env_fill_fn *fill, void *context,
			      struct err *err)
{
	struct txn *txn;
	enum err_code code = txn_begin(env, &txn, err);

	if (code != ERR_OK)
		return code;
	code = env_tables_create(txn, err);
	if (code == ERR_OK)
		code = format_write(txn, err);
	if (code == ERR_OK && fill != NULL)
		code = fill(context, txn, err);
	if (code != ERR_OK) {
		txn_abandon(txn);
		return code;
	}
	code = txn_commit(txn, err);
	if (code == ERR_OK)
		env_format_set(env, ENV_FORMAT_VERSION);
	return code;
}

enum err_code env_upgrade(struct env *env, env_fill_fn *fill, void *context,
			  struct err *err)
{
	uint32_t format = env_format(env);
	enum err_code code = ERR_OK;

	if (format < ENV_FORMAT_VERSION)
		code = rows_lay(env, fill, context, err);
	if (code != ERR_OK)
		return err_wrap(err, code, "upgrade from format %u to %u",
				format, ENV_FORMAT_VERSION);
	return ERR_OK;
}

enum err_code env_absent(const char *path, struct err *err)
{
	struct stat info;

	if (lstat(path, &info) == 0)
		return err_set(err, ERR_CONFLICT, "%s exists already", path);
	if (errno != ENOENT)
		return file_error(err, errno, "stat %s", path);
	return ERR_OK;
}

enum err_code env_create(const char *path, uint64_t map_size, env_fill_fn *fill,
			 void *context, struct err *err)
{
	struct lock none = LOCK_NONE; /* the draft's own lock guards it */
	struct draft draft;
	struct env *env = NULL;
	enum err_code code = map_size_check(map_size, err);

	if (code == ERR_OK)
		code = draft_begin(&draft, path, err);
	if (code != ERR_OK)
		return err_wrap(err, code, "create store %s", path);
	code = file_room_check(draft.path, map_size, err);
	if (code == ERR_OK)
		code = env_start(draft.path, ENV_WRITE, map_size, &none, &env,
				 err);
	/* After LMDB, which lays its meta pages only into an empty file. */
	if (code == ERR_OK)
		code = env_allocate(env, err);
	if (code == ERR_OK)
		code = rows_lay(env, fill, context, err);
	env_close(env);
	if (code == ERR_OK)
		code = draft_commit(&draft, err);
	else
		draft_abandon(&draft);
	if (code != ERR_OK)
		return err_wrap(err, code, "create store %s", path);
	return ERR_OK;
}

/* ---- copying ---- */

static enum err_code copy_finish(const char *folder, uint64_t map_size,
				 struct err *err)
{
	char file[FILE_PATH_SIZE];
	enum err_code code = file_path(folder, MDBFILE_NAME, file, err);
	int fd;

	if (code == ERR_OK)
		code = mdbfile_check(file, err);
	if (code != ERR_OK)
		return code;
	fd = open(file, O_RDWR | O_CLOEXEC);
	/* LMDB makes it with a mode of its own. */
	if (fd < 0 || fchmod(fd, 0600) < 0)
		code = file_error(err, errno, "open %s", file);
	if (code == ERR_OK)
		code = mdbfile_resize(fd, map_size, err);
	if (code == ERR_OK)
		code = file_allocate(fd, map_size, err);
	if (fd >= 0)
		(void)close(fd); /* draft_commit syncs it by name */
	return code;
}

enum err_code env_copy(struct env *env, const char *path, uint64_t map_size,
		       struct err *err)
{
	struct draft draft;
	enum err_code code;

	if (map_size == 0)
		map_size = env_map_size(env);
	code = map_size_check(map_size, err);
	if (code == ERR_OK)
		code = draft_begin(&draft, path, err);
	if (code != ERR_OK)
		return err_wrap(err, code, "copy store to %s", path);
	code = env_rows_copy(env, draft.path, err);
	if (code == ERR_OK)
		code = copy_finish(draft.path, map_size, err);
	if (code == ERR_OK)
		code = draft_commit(&draft, err);
	else
		draft_abandon(&draft);
	if (code != ERR_OK)
		return err_wrap(err, code, "copy store to %s", path);
	return ERR_OK;
}
