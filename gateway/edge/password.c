#include "gateway/edge/password.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err_code password_check(int fd, const char *path, struct err *err)
{
	struct stat info;

	if (fstat(fd, &info) < 0)
		return err_sys(err, errno, "look at %s", path);
	if (!S_ISREG(info.st_mode))
		return err_set(err, ERR_UNSAFE, "%s is no regular file", path);
	if ((info.st_mode & 07037) != 0)
		return err_set(err, ERR_UNSAFE,
			       "%s has mode %04o, others must not read it",
			       path, (unsigned)info.st_mode & 07777u);
	return ERR_OK;
}

enum err_code password_read(const char *path, char *password, size_t size,
			    struct err *err)
{
	enum err_code code;
	ssize_t count;
	int fd;

	password[0] = '\0';
	if (path[0] == '\0')
		return ERR_OK;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_sys(err, errno, "open password file %s", path);
	code = password_check(fd, path, err);
	if (code == ERR_OK) {
		count = read(fd, password, size - 1);
		if (count < 0)
			code = err_sys(err, errno, "read %s", path);
		else
			password[count] = '\0';
	}
	(void)close(fd); /* opened for reading: nothing to lose */
	password[strcspn(password, "\r\n")] = '\0';
	return code;
}
