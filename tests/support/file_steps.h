/*
 * file_steps - the calls that make, name, sync or remove files, each a step.
 *
 * In place of the C library's, as the program's own names and those of a
 * library that is loaded before it go first. Whoever includes this says what
 * a step is.
 */
#ifndef DEPOT_TESTS_SUPPORT_FILE_STEPS_H
#define DEPOT_TESTS_SUPPORT_FILE_STEPS_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Before each of these calls; the one in which it dies is not done. */
static void file_step(void);

int fsync(int fd)
{
	file_step();
	return (int)syscall(SYS_fsync, fd);
}

int mkdir(const char *path, mode_t mode)
{
	file_step();
	return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int unlink(const char *path)
{
	file_step();
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int unlinkat(int folder, const char *path, int flags)
{
	file_step();
	return (int)syscall(SYS_unlinkat, folder, path, flags);
}

int rename(const char *from, const char *to)
{
	file_step();
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	file_step();
	return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to,
	      unsigned flags)
{
	file_step();
	return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to,
			    flags);
}

#endif
