/*
 * scratch - a folder of its own for a test, gone when the test is.
 */
#ifndef DEPOT_TESTS_SUPPORT_SCRATCH_H
#define DEPOT_TESTS_SUPPORT_SCRATCH_H

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/check.h"

#define SCRATCH_PATH_SIZE 128

struct scratch {
	char folder[64];
};

static inline void scratch_make(struct scratch *scratch)
{
	assert_true(text_format(scratch->folder, sizeof(scratch->folder),
				"/tmp/depot-test-XXXXXX"));
	assert_non_null(mkdtemp(scratch->folder));
}

/* Formats the path of @name in the folder into @path (SCRATCH_PATH_SIZE). */
static inline const char *scratch_path(const struct scratch *scratch,
				       const char *name, char *path)
{
	assert_true(text_format(path, SCRATCH_PATH_SIZE, "%s/%s",
				scratch->folder, name));
	return path;
}

/* Removes the folder and the files in it (folders in it are not expected). */
static inline void scratch_remove(const struct scratch *scratch)
{
	DIR *folder = opendir(scratch->folder);
	const struct dirent *entry;

	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			assert_int_equal(
				unlinkat(dirfd(folder), entry->d_name, 0), 0);
	}
	(void)closedir(folder);
	assert_int_equal(rmdir(scratch->folder), 0);
}

#endif
