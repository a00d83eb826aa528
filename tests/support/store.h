/*
 * store - what tests need of a store's folder from outside.
 */
#ifndef DEPOT_TESTS_SUPPORT_STORE_H
#define DEPOT_TESTS_SUPPORT_STORE_H

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/scratch.h"

/* Removes the store in @folder, if there is one. */
static inline void store_remove(const char *folder)
{
	static const char *const names[] = {"data.mdb", "lock.mdb",
					    "writer.lock"};
	char path[SCRATCH_PATH_SIZE + 16];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)text_format(path, sizeof(path), "%s/%s", folder,
				  names[i]);
		(void)unlink(path);
	}
	(void)rmdir(folder);
}

/* Opens @folder/data.mdb behind the store's back. */
static inline int store_data_open(const char *folder)
{
	char path[SCRATCH_PATH_SIZE + 16];
	int fd;

	(void)text_format(path, sizeof(path), "%s/data.mdb", folder);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static inline bool path_is_there(const char *path)
{
	struct stat info;

	return lstat(path, &info) == 0;
}

/*
 * Calls @work in a child process, which may crash without harm. Returns its
 * result (0 to 255), or minus the signal that ended it.
 */
static inline int child_run(int (*work)(void *context), void *context)
{
	pid_t child;
	int status;

	(void)fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(work(context));
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

#endif
