#include "gateway/edge/ring_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/edge/ring_slot.h"

#define ASIDE_TRIES 10

uint64_t ring_file_size(uint32_t slot_count)
{
	return (UINT64_C(1) + slot_count) * RING_SLOT_SIZE;
}

static enum err_code read_at(int fd, void *buffer, size_t size, off_t at,
			     struct err *err)
{
	uint8_t *bytes = buffer;

	while (size > 0) {
		ssize_t got = pread(fd, bytes, size, at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, errno, "read");
		if (got == 0)
			return err_set(err, ERR_IO, "read: end of file");
		bytes += got;
		at += got;
		size -= (size_t)got;
	}
	return ERR_OK;
}

static enum err_code write_at(int fd, const void *buffer, size_t size, off_t at,
			      struct err *err)
{
	const uint8_t *bytes = buffer;

	while (size > 0) {
		ssize_t put = pwrite(fd, bytes, size, at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_sys(err, errno, "write");
		bytes += put;
		at += put;
		size -= (size_t)put;
	}
	return ERR_OK;
}

static enum err_code fd_lock(int fd, struct err *err)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return ERR_OK;
	if (errno == EWOULDBLOCK)
		return err_set(err, ERR_AGAIN, "another process has it open");
	return err_sys(err, errno, "lock");
}

/* Whether the open file is just as long and of just the form that is wanted:
 * only then it may be mapped (a short file would be SIGBUS). */
static enum err_code file_check(int fd, uint32_t slot_count, bool *ret_fits,
				struct err *err)
{
	uint8_t encoded[RING_HEAD_ENCODED_SIZE];
	struct stat info;
	enum err_code code;

	if (fstat(fd, &info) < 0)
		return err_sys(err, errno, "stat");
	*ret_fits = false;
	if (!S_ISREG(info.st_mode))
		return err_set(err, ERR_IO, "not a regular file");
	if ((uint64_t)info.st_size != ring_file_size(slot_count))
		return ERR_OK;
	code = read_at(fd, encoded, sizeof(encoded), 0, err);
	if (code == ERR_OK)
		*ret_fits = head_read(encoded) == slot_count;
	return code;
}

/*
 * Renames @path to a name that nothing has. Old files are evidence, and may
 * hold readings: none is ever written over.
 */
static enum err_code file_set_aside(const char *path,
				    struct ring_report *report, struct err *err)
{
	for (int i = 0; i < ASIDE_TRIES; i++) {
		bool fits = i == 0 ? text_format(report->aside,
						 sizeof(report->aside),
						 "%s.old", path)
				   : text_format(report->aside,
						 sizeof(report->aside),
						 "%s.old.%d", path, i);

		if (!fits)
			return err_set(err, ERR_INVALID, "path is too long");
		if (renameat2(AT_FDCWD, path, AT_FDCWD, report->aside,
			      RENAME_NOREPLACE) == 0)
			return ERR_OK;
		if (errno != EEXIST)
			return err_sys(err, errno, "rename to %s",
				       report->aside);
	}
	return err_set(err, ERR_CONFLICT,
		       "%d files set aside lie beside it already; look at "
		       "%s.old and remove them",
		       ASIDE_TRIES, path);
}

/* All whole slots of a file that cannot be mapped as it is (too short, or of
 * another count) are read into memory. @ret_slots is owned by the caller. */
static enum err_code old_read(int fd, struct slot **ret_slots,
			      uint32_t *ret_count, struct err *err)
{
	uint8_t encoded[RING_HEAD_ENCODED_SIZE];
	struct slot *slots = NULL;
	struct stat info;
	uint64_t count;
	enum err_code code;

	if (fstat(fd, &info) < 0)
		return err_sys(err, errno, "stat");
	if (info.st_size < RING_SLOT_SIZE)
		return ERR_NOT_FOUND;
	code = read_at(fd, encoded, sizeof(encoded), 0, err);
	if (code != ERR_OK)
		return code;
	count = (uint64_t)info.st_size / RING_SLOT_SIZE - 1;
	if (count > head_read(encoded))
		count = head_read(encoded);
	if (count == 0)
		return ERR_NOT_FOUND;
	slots = calloc((size_t)count, sizeof(*slots));
	if (slots == NULL)
		return err_set(err, ERR_FULL, "no memory for the old slots");
	code = read_at(fd, slots, (size_t)count * sizeof(*slots),
		       RING_SLOT_SIZE, err);
	if (code != ERR_OK) {
		free(slots);
		return code;
	}
	*ret_slots = slots;
	*ret_count = (uint32_t)count;
	return ERR_OK;
}

/* Copies what waits in the old file to the front of the new one. */
static enum err_code old_carry(int old_fd, int new_fd,
			       const struct ring_config *config,
			       struct ring_report *report, struct err *err)
{
	struct slot *slots = NULL;
	struct scan scan = {0};
	uint32_t count = 0;
	enum err_code code = old_read(old_fd, &slots, &count, err);

	if (code == ERR_NOT_FOUND) {
		report->is_unreadable = true;
		return ERR_OK;
	}
	if (code != ERR_OK)
		return code;
	code = scan_slots(slots, count, config->last_taken, &scan, err);
	for (uint32_t i = 0; code == ERR_OK && i < scan.count; i++) {
		if (i >= config->slot_count) {
			report->left = scan.count - i;
			break;
		}
		code = write_at(new_fd, &slots[scan.found[i]], RING_SLOT_SIZE,
				(off_t)ring_file_size(i), err);
		report->carried++;
	}
	report->damaged = scan.damaged;
	free(scan.found);
	free(slots);
	return code;
}

/* Makes a whole new file under another name and gives it @path's. */
static enum err_code file_create(const struct ring_config *config, int old_fd,
				 int *ret_fd, struct ring_report *report,
				 struct err *err)
{
	uint8_t encoded[RING_HEAD_ENCODED_SIZE];
	char name[RING_PATH_SIZE];
	enum err_code code;
	int fd;
	int number;

	if (!text_format(name, sizeof(name), "%s.new", config->path))
		return err_set(err, ERR_INVALID, "path is too long");
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		  0600);
	if (fd < 0)
		return err_sys(err, errno, "create %s", name);
	code = fd_lock(fd, err);
	if (code != ERR_OK)
		goto out;
	number = posix_fallocate(fd, 0,
				 (off_t)ring_file_size(config->slot_count));
	if (number != 0) {
		code = err_sys(err, number, "allocate");
		goto out;
	}
	head_write(encoded, config->slot_count);
	code = write_at(fd, encoded, sizeof(encoded), 0, err);
	if (code == ERR_OK && old_fd >= 0)
		code = old_carry(old_fd, fd, config, report, err);
	if (code == ERR_OK && old_fd >= 0)
		code = file_set_aside(config->path, report, err);
	if (code == ERR_OK && rename(name, config->path) < 0)
		code = err_sys(err, errno, "rename");
out:
	if (code != ERR_OK) {
		(void)unlink(name); /* it may not be there */
		(void)close(fd);
		return code;
	}
	report->is_created = true;
	*ret_fd = fd;
	return ERR_OK;
}

enum err_code ring_file_open(const struct ring_config *config, int *ret_fd,
			     struct ring_report *report, struct err *err)
{
	int fd = open(config->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	bool fits = false;
	enum err_code code;
	int number;

	if (fd < 0 && errno == ENOENT)
		return file_create(config, -1, ret_fd, report, err);
	if (fd < 0)
		return err_sys(err, errno, "open");
	code = fd_lock(fd, err);
	if (code == ERR_OK)
		code = file_check(fd, config->slot_count, &fits, err);
	if (code == ERR_OK && !fits) {
		code = file_create(config, fd, ret_fd, report, err);
		(void)close(fd);
		return code;
	}
	/* Blocks that are missing would be SIGBUS when the disk is full. */
	number = code != ERR_OK ? 0
				: posix_fallocate(fd, 0,
						  (off_t)ring_file_size(
							  config->slot_count));
	if (number != 0)
		code = err_sys(err, number, "allocate");
	if (code != ERR_OK) {
		(void)close(fd);
		return code;
	}
	*ret_fd = fd;
	return ERR_OK;
}
