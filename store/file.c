#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "rules/base/text.h"

/* What an operator can do about it; NULL: errno's sentence says it all. */
static const char *advice(int number)
{
	switch (number) {
	case EACCES:
	case EPERM:
		return "run this with sudo, or as the user that owns "
		       "the store";
	case EROFS:
		return "look into the kernel's log for why, then mount it "
		       "for writing";
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return "make room there";
	default:
		return NULL;
	}
}

enum err_code file_error(struct err *err, int number, const char *format, ...)
{
	char what[ERR_TEXT_SIZE];
	const char *hint = advice(number);
	enum err_code code;
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	if (hint == NULL)
		return err_sys(err, number, "%s", what);
	code = number == EFBIG ? ERR_FULL : err_sys(NULL, number, "%s", what);
	return err_set(err, code, "%s: %s: %s", what, strerror(number), hint);
}

enum err_code file_beside(const char *path, const char *end, char *ret_path,
			  struct err *err)
{
	size_t size = strlen(path);

	while (size > 1 && path[size - 1] == '/')
		size--;
	if (size >= FILE_PATH_SIZE ||
	    !text_format(ret_path, FILE_PATH_SIZE, "%.*s%s", (int)size, path,
			 end))
		return err_set(err, ERR_INVALID, "path too long: %.60s...",
			       path);
	return ERR_OK;
}

enum err_code file_path(const char *folder, const char *name, char *ret_path,
			struct err *err)
{
	if (!text_format(ret_path, FILE_PATH_SIZE, "%s/%s", folder, name))
		return err_set(err, ERR_INVALID, "path too long: %.60s...",
			       folder);
	return ERR_OK;
}

/* @need bytes more than the disk has given to us already. */
static enum err_code room_judge(const struct statvfs *disk, uint64_t need,
				struct err *err)
{
	uint64_t room = (uint64_t)disk->f_bavail * disk->f_frsize;

	if (disk->f_blocks == 0 || need <= room)
		return ERR_OK;
	return err_set(err, ERR_FULL,
		       "the disk has %llu MiB free, and the store needs %llu: "
		       "make room there",
		       (unsigned long long)(room >> 20),
		       (unsigned long long)(need >> 20));
}

enum err_code file_room_check(const char *folder, uint64_t size,
			      struct err *err)
{
	struct statvfs disk;

	if (statvfs(folder, &disk) < 0)
		return file_error(err, errno, "stat %s", folder);
	return room_judge(&disk, size, err);
}

/* As a file system may use up all it has before it says no, which everybody
 * else on it would feel. */
static enum err_code fd_room_check(int fd, uint64_t size, struct err *err)
{
	struct statvfs disk;
	struct stat info;
	uint64_t has;

	if (fstat(fd, &info) < 0 || fstatvfs(fd, &disk) < 0)
		return err_sys(err, errno, "stat");
	has = (uint64_t)info.st_blocks * 512;
	return has >= size ? ERR_OK : room_judge(&disk, size - has, err);
}

enum err_code file_allocate(int fd, uint64_t size, struct err *err)
{
	struct stat info;
	enum err_code code = fd_room_check(fd, size, err);
	int number;

	if (code != ERR_OK)
		return code;
	if (size > INT64_MAX)
		return err_set(err, ERR_INVALID, "%llu bytes is too much",
			       (unsigned long long)size);
	/* glibc's goes block by block where the file system has no call. */
	do {
		number = posix_fallocate(fd, 0, (off_t)size);
	} while (number == EINTR);
	if (number == EOPNOTSUPP || number == EINVAL) {
		number = 0;
		if (fstat(fd, &info) < 0 || ((uint64_t)info.st_size < size &&
					     ftruncate(fd, (off_t)size) < 0))
			number = errno;
	}
	if (number != 0)
		return file_error(err, number, "allocate %llu MiB",
				  (unsigned long long)(size >> 20));
	return ERR_OK;
}
