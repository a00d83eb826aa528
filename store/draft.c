#include "store/draft.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/base/text.h"

/* Calls @each for every name in @folder that is not a folder itself. */
typedef enum err_code each_file_fn(const char *path, struct err *err);
static enum err_code each_file(const char *folder, each_file_fn *each,
			       struct err *err)
{
	DIR *listing = opendir(folder);
	enum err_code code = ERR_OK;
	const struct dirent *entry;

	if (listing == NULL)
		return file_error(err, errno, "list %s", folder);
	errno = 0;
	while (code == ERR_OK && (entry = readdir(listing)) != NULL) {
		char path[FILE_PATH_SIZE];

		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		code = file_path(folder, entry->d_name, path, err);
		if (code == ERR_OK)
			code = each(path, err);
		errno = 0;
	}
	if (code == ERR_OK && errno != 0)
		code = file_error(err, errno, "list %s", folder);
	(void)closedir(listing);
	return code;
}

/* fsync of a file or a folder. */
static enum err_code path_sync(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int number = 0;

	if (fd < 0)
		return file_error(err, errno, "open %s", path);
	if (fsync(fd) < 0)
		number = errno;
	(void)close(fd);
	/* Some file systems sync folders by themselves and refuse to be told.
	 */
	if (number != 0 && number != EINVAL)
		return file_error(err, number, "sync %s", path);
	return ERR_OK;
}

/* The folder above @path is synced, which makes @path's own name durable. */
static enum err_code parent_sync(const char *path, struct err *err)
{
	char parent[FILE_PATH_SIZE];
	char *slash;
	int fd;

	(void)text_format(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (slash == NULL)
		(void)text_format(parent, sizeof(parent), ".");
	else
		slash[slash == parent ? 1 : 0] = '\0';
	/* It may be a link, unlike what path_sync takes. */
	fd = open(parent, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	if (fd < 0)
		return file_error(err, errno, "open %s", parent);
	if (fsync(fd) < 0 && errno != EINVAL) {
		enum err_code code = file_error(err, errno, "sync %s", parent);

		(void)close(fd);
		return code;
	}
	(void)close(fd);
	return ERR_OK;
}

/* A draft may hold a folder: a backup's store. */
static enum err_code file_remove(const char *path, struct err *err)
{
	if (unlink(path) == 0 || errno == ENOENT)
		return ERR_OK;
	if (errno == EISDIR)
		return folder_remove(path, err);
	return file_error(err, errno, "remove %s", path);
}

/* Without the lock file, which we hold, a second process would not see us. */
static enum err_code leftover_remove(const char *path, struct err *err)
{
	if (strcmp(strrchr(path, '/') + 1, LOCK_FILE_NAME) == 0)
		return ERR_OK;
	return file_remove(path, err);
}

enum err_code draft_begin(struct draft *draft, const char *path,
			  struct err *err)
{
	struct stat info;
	enum err_code code;

	*draft = (struct draft){.lock = LOCK_NONE};
	code = file_beside(path, "", draft->final, err);
	if (code == ERR_OK)
		code = file_beside(path, ".partial", draft->path, err);
	if (code != ERR_OK)
		return code;
	if (lstat(draft->final, &info) == 0)
		return err_set(err, ERR_CONFLICT, "%s exists already",
			       draft->final);
	if (mkdir(draft->path, 0700) < 0 && errno != EEXIST)
		return file_error(err, errno, "make folder %s", draft->path);
	/* From here on whatever lies in it is a dead process's. */
	code = lock_open(draft->path, &draft->lock, err);
	if (code == ERR_OK)
		code = each_file(draft->path, leftover_remove, err);
	if (code != ERR_OK && code != ERR_AGAIN)
		draft_abandon(draft);
	return code;
}

/* RENAME_NOREPLACE, as plain rename would swallow an empty folder. */
static enum err_code name_take(const char *from, const char *to,
			       struct err *err)
{
	struct stat info;

	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return ERR_OK;
	if (errno == EEXIST)
		return err_set(err, ERR_CONFLICT, "%s exists already", to);
	if (errno != EINVAL && errno != ENOSYS)
		return file_error(err, errno, "rename %s", from);
	/* A file system that does not know the flag. */
	if (lstat(to, &info) == 0)
		return err_set(err, ERR_CONFLICT, "%s exists already", to);
	if (rename(from, to) < 0)
		return file_error(err, errno, "rename %s", from);
	return ERR_OK;
}

enum err_code draft_commit(struct draft *draft, struct err *err)
{
	enum err_code code = each_file(draft->path, path_sync, err);

	if (code == ERR_OK)
		code = path_sync(draft->path, err);
	if (code == ERR_OK)
		code = name_take(draft->path, draft->final, err);
	if (code != ERR_OK)
		goto out;
	code = parent_sync(draft->final, err);
	/* Not durable, so it must not be there. If even this fails, the disk
	 * is beyond what we can do for it. */
	if (code != ERR_OK)
		(void)rename(draft->final, draft->path);
out:
	if (code != ERR_OK)
		draft_abandon(draft);
	lock_close(&draft->lock);
	return code;
}

void draft_abandon(struct draft *draft)
{
	/* Whoever abandons has something worse to tell already. */
	if (each_file(draft->path, file_remove, NULL) == ERR_OK)
		(void)rmdir(draft->path);
	lock_close(&draft->lock);
}

enum err_code folder_remove(const char *path, struct err *err)
{
	enum err_code code = each_file(path, file_remove, err);

	if (code == ERR_OK && rmdir(path) < 0)
		code = file_error(err, errno, "remove %s", path);
	return code;
}

enum err_code folder_rename(const char *from, const char *to, struct err *err)
{
	enum err_code code = name_take(from, to, err);

	if (code == ERR_OK)
		code = parent_sync(to, err);
	return code;
}

enum err_code folder_exchange(const char *a, const char *b, struct err *err)
{
	if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0)
		return parent_sync(b, err);
	if (errno == EINVAL || errno == ENOSYS)
		return err_set(err, ERR_IO,
			       "the file system of %s cannot exchange two "
			       "folders: depot backup and depot restore do "
			       "the same in two steps",
			       b);
	return file_error(err, errno, "exchange %s and %s", a, b);
}
