/*
 * pull_out - a stick that is pulled out while depot reads from it.
 *
 *	LD_PRELOAD=libe2e_pull_out.so PULL_OUT=PATH PULL_OUT_AT=n
 *
 * After n bytes of the file PATH every read of it fails as one from a device
 * that is gone. A read that would go beyond is cut there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH_SIZE 4096

static size_t bytes_left;
static int is_begun;

static int is_stick(int fd)
{
	const char *stick = getenv("PULL_OUT");
	char link[64];
	char path[PATH_SIZE];
	ssize_t size;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	size = readlink(link, path, sizeof(path) - 1);
	if (stick == NULL || size < 0)
		return 0;
	path[size] = '\0';
	return strcmp(path, stick) == 0;
}

static size_t bytes_given(void)
{
	const char *given = getenv("PULL_OUT_AT");
	size_t bytes = 0;

	for (; given != NULL && *given >= '0' && *given <= '9'; given++)
		bytes = 10 * bytes + (size_t)(*given - '0');
	return bytes;
}

ssize_t read(int fd, void *bytes, size_t size)
{
	ssize_t got;

	if (!is_stick(fd))
		return syscall(SYS_read, fd, bytes, size);
	if (!is_begun)
		bytes_left = bytes_given();
	is_begun = 1;
	if (bytes_left == 0) {
		errno = EIO;
		return -1;
	}
	got = syscall(SYS_read, fd, bytes,
		      size < bytes_left ? size : bytes_left);
	if (got > 0)
		bytes_left -= (size_t)got;
	return got;
}
