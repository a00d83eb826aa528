/*
 * die_at - ends depot at its nth step upon files, from outside of it.
 *
 *	LD_PRELOAD=libe2e_die_at.so DIE_AT=n
 *
 * A step is a call that makes, names, syncs or removes something; the nth is
 * not done. A child counts on from where its parent was. Programs of another
 * name live.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static long steps_left = -1;

/* 0: never. */
static long steps_given(void)
{
	const char *given = getenv("DIE_AT");
	long steps = 0;

	if (strcmp(program_invocation_short_name, "depot") != 0)
		return 0;
	for (; given != NULL && *given >= '0' && *given <= '9'; given++)
		steps = 10 * steps + (*given - '0');
	return steps;
}

static void step(void)
{
	if (steps_left < 0)
		steps_left = steps_given();
	if (steps_left > 0 && --steps_left == 0)
		(void)raise(SIGKILL);
}

int fsync(int fd)
{
	step();
	return (int)syscall(SYS_fsync, fd);
}

int mkdir(const char *path, mode_t mode)
{
	step();
	return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int unlink(const char *path)
{
	step();
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int unlinkat(int folder, const char *path, int flags)
{
	step();
	return (int)syscall(SYS_unlinkat, folder, path, flags);
}

int rename(const char *from, const char *to)
{
	step();
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	step();
	return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to,
	      unsigned flags)
{
	step();
	return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to,
			    flags);
}
