#include "store/founding_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/file.h"

#define MARK_NAME "founding"

bool founding_mark_is_there(const char *folder)
{
	char path[FILE_PATH_SIZE];

	return file_path(folder, MARK_NAME, path, NULL) == ERR_OK &&
	       access(path, F_OK) == 0;
}

static enum err_code folder_sync(const char *folder, struct err *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err_code code = ERR_OK;

	if (fd < 0 || fsync(fd) < 0)
		code = file_error(err, errno, "sync %.200s", folder);
	if (fd >= 0)
		(void)close(fd); /* opened for reading */
	return code;
}

/* A file that was removed meanwhile keeps nobody else out. */
static enum err_code mark_take(int fd, const char *path, struct err *err)
{
	bool is_locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
	struct stat info;

	if (!is_locked && errno != EWOULDBLOCK)
		return file_error(err, errno, "lock %.200s", path);
	if (!is_locked || fstat(fd, &info) < 0 || info.st_nlink == 0)
		return err_set(err, ERR_AGAIN,
			       "another process is making this store");
	return ERR_OK;
}

enum err_code founding_mark_lay(const char *folder,
				struct founding_mark *ret_mark, struct err *err)
{
	char path[FILE_PATH_SIZE];
	enum err_code code = file_path(folder, MARK_NAME, path, err);
	int fd;

	if (code != ERR_OK)
		return code;
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return file_error(err, errno, "create folder %.200s", folder);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return file_error(err, errno, "create %.200s", path);
	code = mark_take(fd, path, err);
	if (code == ERR_OK)
		code = folder_sync(folder, err);
	if (code != ERR_OK)
		(void)close(fd); /* nothing was written */
	else
		ret_mark->fd = fd;
	return code;
}

enum err_code founding_mark_clear(const char *folder, struct err *err)
{
	char path[FILE_PATH_SIZE];
	enum err_code code = file_path(folder, MARK_NAME, path, err);

	if (code != ERR_OK || !founding_mark_is_there(folder))
		return code;
	if (unlink(path) < 0 && errno != ENOENT)
		return file_error(err, errno, "remove %.200s", path);
	return folder_sync(folder, err);
}

void founding_mark_close(struct founding_mark *mark)
{
	if (mark->fd >= 0)
		(void)close(mark->fd); /* nothing was written */
	mark->fd = -1;
}
