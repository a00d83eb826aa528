#include "gateway/edge/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/base/text.h"

#define NEW_NAME_SIZE 64

static void new_name(const char *name, char *buffer)
{
	bool fits = text_format(buffer, NEW_NAME_SIZE, "%s.new", name);

	ASSERT(fits);
}

/* What root writes for the daemon must be the daemon's to read. */
static bool owner_take(int fd, int folder)
{
	struct stat info;

	if (geteuid() != 0)
		return true;
	return fstat(folder, &info) == 0 &&
	       fchown(fd, info.st_uid, info.st_gid) == 0;
}

enum err_code replace_begin(struct replace *replace, int folder,
			    const char *name, mode_t mode, struct err *err)
{
	char path[NEW_NAME_SIZE];
	int number;
	int fd;

	new_name(name, path);
	(void)unlinkat(folder, path, 0); /* of a writer that died */
	fd = openat(folder, path,
		    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(err, errno, "create %s", path);
	*replace = (struct replace){.folder = folder, .name = name};
	if (owner_take(fd, folder) && fchmod(fd, mode) == 0)
		replace->out = fdopen(fd, "w+");
	if (replace->out != NULL)
		return ERR_OK;
	number = errno;
	(void)close(fd);
	(void)unlinkat(folder, path, 0);
	return err_sys(err, number, "create %s", path);
}

/* errno of what failed; 0: nothing. */
static int finish(struct replace *replace, bool is_durable)
{
	FILE *out = replace->out;
	int number = 0;

	errno = EIO;
	if (fflush(out) != 0 || ferror(out) != 0 ||
	    (is_durable && fsync(fileno(out)) < 0))
		number = errno;
	if (fclose(out) != 0 && number == 0)
		number = errno;
	return number;
}

enum err_code replace_commit(struct replace *replace, bool is_durable,
			     struct err *err)
{
	char path[NEW_NAME_SIZE];
	int number = finish(replace, is_durable);

	new_name(replace->name, path);
	if (number == 0 &&
	    renameat(replace->folder, path, replace->folder, replace->name) < 0)
		number = errno;
	if (number != 0) {
		(void)unlinkat(replace->folder, path, 0);
		return err_sys(err, number, "write %s", replace->name);
	}
	if (is_durable && fsync(replace->folder) < 0)
		return err_sys(err, errno, "sync the folder of %s",
			       replace->name);
	return ERR_OK;
}

void replace_abandon(struct replace *replace)
{
	char path[NEW_NAME_SIZE];

	(void)fclose(replace->out); /* it is not wanted */
	new_name(replace->name, path);
	(void)unlinkat(replace->folder, path, 0);
}

static bool files_equal(FILE *a, FILE *b)
{
	char left[512];
	char right[512];
	size_t size;

	do {
		size = fread(left, 1, sizeof(left), a);
		if (fread(right, 1, sizeof(right), b) != size ||
		    memcmp(left, right, size) != 0)
			return false;
	} while (size == sizeof(left));
	return ferror(a) == 0 && ferror(b) == 0;
}

bool replace_is_same(struct replace *replace)
{
	int fd = openat(replace->folder, replace->name,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	FILE *old = fd < 0 ? NULL : fdopen(fd, "r");
	bool is_same = false;

	if (old != NULL) {
		rewind(replace->out);
		is_same = files_equal(replace->out, old);
		(void)fclose(old); /* opened for reading: nothing to lose */
		(void)fseek(replace->out, 0, SEEK_END);
	} else if (fd >= 0) {
		(void)close(fd);
	}
	return is_same;
}
