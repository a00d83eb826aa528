#include "store/wipe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/base/text.h"
#include "store/file.h"
#include "store/seal.h"

#define CHUNK_SIZE 65536
#define FILL_NAME ".depot-wipe"

static void told(const struct wipe *wipe)
{
	if (wipe->progress != NULL)
		wipe->progress(wipe->context, wipe->bytes);
}

/* ---- one file ---- */

static bool is_no_room(int number)
{
	return number == ENOSPC || number == EDQUOT || number == EFBIG;
}

/* @size bytes from the start, or, with @is_filling, until there is no room. One
 * random block, again and again: nothing along the way can leave it out as
 * zeros. */
static enum err_code write_over(struct wipe *wipe, int fd, uint64_t size,
				bool is_filling, struct err *err)
{
	static _Thread_local char chunk[CHUNK_SIZE];
	uint64_t left = size;

	seal_random(chunk, sizeof(chunk));
	while (left > 0) {
		size_t part = left < CHUNK_SIZE ? (size_t)left : CHUNK_SIZE;
		ssize_t put = write(fd, chunk, part);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && is_filling && is_no_room(errno))
			break;
		if (put < 0)
			return err_sys(err, errno, "write over it");
		left -= (uint64_t)put;
		wipe->bytes += (uint64_t)put;
		told(wipe);
	}
	if (fsync(fd) < 0 && !(is_filling && is_no_room(errno)))
		return err_sys(err, errno, "sync it");
	return ERR_OK;
}

/* Only what is a regular file there and then is opened, and written. */
static enum err_code entry_over(struct wipe *wipe, int folder, const char *name,
				struct err *err)
{
	struct stat info;
	enum err_code code;
	int fd = openat(folder, name,
			O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == EACCES && fchmodat(folder, name, 0600, 0) == 0)
		fd = openat(folder, name,
			    O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_sys(err, errno, "open %s", name);
	if (fstat(fd, &info) < 0)
		code = err_sys(err, errno, "look at %s", name);
	else if (!S_ISREG(info.st_mode))
		code = ERR_OK;
	else
		code = write_over(wipe, fd, (uint64_t)info.st_size, false, err);
	(void)close(fd); /* it was synced */
	return code;
}

static enum err_code entry_wipe(struct wipe *wipe, int folder, const char *name,
				struct err *err)
{
	struct stat info;
	enum err_code code = ERR_OK;

	if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT
			       ? ERR_OK
			       : err_sys(err, errno, "look at %s", name);
	if (S_ISREG(info.st_mode))
		code = entry_over(wipe, folder, name, err);
	if (code != ERR_OK)
		return code;
	if (unlinkat(folder, name, 0) < 0)
		return err_sys(err, errno, "remove %s", name);
	wipe->files++;
	return ERR_OK;
}

enum err_code wipe_file(struct wipe *wipe, const char *path, struct err *err)
{
	return entry_wipe(wipe, AT_FDCWD, path, err);
}

/* ---- a folder ---- */

static enum err_code tree_wipe(struct wipe *wipe, int folder, int depth,
			       struct err *err);

static enum err_code subfolder_wipe(struct wipe *wipe, int folder,
				    const char *name, int depth,
				    struct err *err)
{
	struct stat info;
	struct stat here;
	enum err_code code;
	int fd;

	if (depth == 0)
		return err_set(err, ERR_CONFLICT, "%s lies too deep", name);
	fd = openat(folder, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "open %s", name);
	if (fstat(fd, &info) < 0 || fstat(folder, &here) < 0) {
		code = err_sys(err, errno, "look at %s", name);
		(void)close(fd);
		return code;
	}
	if (info.st_dev != here.st_dev) {
		(void)close(fd);
		return err_set(err, ERR_CONFLICT,
			       "another file system is mounted on %s", name);
	}
	code = tree_wipe(wipe, fd, depth - 1, err);
	if (code == ERR_OK && unlinkat(folder, name, AT_REMOVEDIR) < 0)
		code = err_sys(err, errno, "remove %s", name);
	return code;
}

/* Takes @folder, the descriptor. */
static enum err_code tree_wipe(struct wipe *wipe, int folder, int depth,
			       struct err *err)
{
	DIR *list = fdopendir(folder);
	struct dirent *entry;
	enum err_code code = ERR_OK;

	if (list == NULL) {
		code = err_sys(err, errno, "read the folder");
		(void)close(folder);
		return code;
	}
	while (code == ERR_OK && (entry = readdir(list)) != NULL) {
		struct stat info;

		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (fstatat(folder, entry->d_name, &info,
			    AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(info.st_mode))
			code = subfolder_wipe(wipe, folder, entry->d_name,
					      depth, err);
		else
			code = entry_wipe(wipe, folder, entry->d_name, err);
	}
	if (code == ERR_OK && fsync(folder) < 0 && errno != EINVAL)
		code = err_sys(err, errno, "sync the folder");
	(void)closedir(list);
	return code;
}

enum err_code wipe_folder(struct wipe *wipe, const char *path, bool is_kept,
			  struct err *err)
{
	enum err_code code;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return ERR_OK;
	if (fd < 0)
		return err_sys(err, errno, "open %s", path);
	code = tree_wipe(wipe, fd, WIPE_DEPTH_MAX, err);
	if (code == ERR_OK && !is_kept && rmdir(path) < 0)
		code = err_sys(err, errno, "remove %s", path);
	return code == ERR_OK ? ERR_OK : err_wrap(err, code, "wipe %s", path);
}

/* ---- free room ---- */

void wipe_fill_remove(const char *folder)
{
	char path[FILE_PATH_SIZE];

	if (file_path(folder, FILL_NAME, path, NULL) == ERR_OK)
		(void)unlink(path);
}

enum err_code wipe_free_room(struct wipe *wipe, const char *folder,
			     struct err *err)
{
	char path[FILE_PATH_SIZE];
	enum err_code code = file_path(folder, FILL_NAME, path, err);
	int fd;

	if (code != ERR_OK)
		return code;
	wipe_fill_remove(folder);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		  0600);
	if (fd < 0)
		return err_sys(err, errno, "make %s", path);
	code = write_over(wipe, fd, UINT64_MAX, true, err);
	(void)close(fd);
	if (unlink(path) < 0 && code == ERR_OK)
		code = err_sys(err, errno, "remove %s", path);
	return code;
}
