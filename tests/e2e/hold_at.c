/*
 * hold_at - holds a program before it opens a file, from outside of it.
 *
 *	LD_PRELOAD=libe2e_hold_at.so HOLD_AT=name HOLD_BY=path
 *
 * As long as there is a FIFO at that path, whoever opens a file of that name
 * (the last part of its path) waits until somebody has opened the FIFO for
 * writing and closed it again.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef FILE *open_fn(const char *path, const char *mode);

static int is_named(const char *path)
{
	const char *name = getenv("HOLD_AT");
	const char *slash = strrchr(path, '/');

	return name != NULL && slash != NULL && strcmp(slash + 1, name) == 0;
}

static void hold(void)
{
	const char *fifo = getenv("HOLD_BY");
	int fd = fifo == NULL ? -1 : open(fifo, O_RDONLY | O_CLOEXEC);
	char byte;

	if (fd < 0)
		return;
	while (read(fd, &byte, 1) != 0)
		;
	(void)close(fd);
}

FILE *fopen(const char *path, const char *mode)
{
	void *symbol = dlsym(RTLD_NEXT, "fopen");
	open_fn *original;

	memcpy(&original, &symbol, sizeof(original));
	if (is_named(path))
		hold();
	return original(path, mode);
}
