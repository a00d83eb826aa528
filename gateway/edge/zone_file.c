#include "gateway/edge/zone_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ZONE_FOLDER "/usr/share/zoneinfo"
#define ZONE_PATH_SIZE 128

/* Reads up to the end. A file that has more than fits is no zone. */
static enum err_code zone_read(int fd, struct zone *ret_zone, struct err *err)
{
	char *bytes = malloc(ZONE_FILE_SIZE_MAX + 1);
	size_t size = 0;
	ssize_t got = 1;
	enum err_code code = ERR_OK;

	if (bytes == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	while (got > 0 && size <= ZONE_FILE_SIZE_MAX) {
		got = read(fd, bytes + size, ZONE_FILE_SIZE_MAX + 1 - size);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got < 0)
			code = err_sys(err, errno, "read");
		else
			size += (size_t)got;
	}
	if (code == ERR_OK &&
	    zone_parse((struct span){bytes, size}, ret_zone) != ERR_OK)
		code = err_set(err, ERR_CORRUPT, "not a file of a time zone");
	free(bytes);
	return code;
}

enum err_code zone_load(const char *name, struct zone *ret_zone,
			struct err *err)
{
	char path[ZONE_PATH_SIZE];
	enum err_code code;
	int fd;

	if (name[0] == '\0' || name[0] == '/' || strstr(name, "..") != NULL ||
	    !text_format(path, sizeof(path), ZONE_FOLDER "/%s", name))
		return err_set(err, ERR_INVALID, "%s is no time zone", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "there is no %s", path);
	if (fd < 0)
		return err_sys(err, errno, "open %s", path);
	code = zone_read(fd, ret_zone, err);
	(void)close(fd);
	return code == ERR_OK ? ERR_OK : err_wrap(err, code, "%s", path);
}
