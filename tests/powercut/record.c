#include "tests/powercut/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "rules/base/check.h"
#include "rules/base/text.h"
#include "tests/powercut/powercut.h"

ssize_t __real_pwrite(int fd, const void *data, size_t size, off_t offset);
ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __real_writev(int fd, const struct iovec *parts, int count);
int __real_fdatasync(int fd);
int __real_fsync(int fd);

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset);
ssize_t __wrap_write(int fd, const void *data, size_t size);
ssize_t __wrap_writev(int fd, const struct iovec *parts, int count);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_msync(void *start, size_t size, int flags);
int __wrap_ftruncate(int fd, off_t size);
int __real_ftruncate(int fd, off_t size);

struct file_name {
	dev_t device;
	ino_t inode;
	bool is_set;
};

static struct record record;
static struct file_name recorded; /* is_set: recording */
static struct file_name watched;
static bool is_touched;
static bool is_killing;

static struct file_name file_name_of(const char *path)
{
	struct stat info;

	if (stat(path, &info) < 0) {
		perror(path);
		abort();
	}
	return (struct file_name){info.st_dev, info.st_ino, true};
}

static bool is_file(int fd, const struct file_name *name)
{
	struct stat info;

	return name->is_set && fstat(fd, &info) == 0 &&
	       info.st_dev == name->device && info.st_ino == name->inode;
}

static struct event *event_add(enum event_kind kind)
{
	if (record.count == record.room) {
		record.room = record.room == 0 ? 1024 : 2 * record.room;
		record.events = realloc(record.events,
					record.room * sizeof(struct event));
		ASSERT(record.events != NULL);
	}
	record.events[record.count] = (struct event){.kind = kind};
	return &record.events[record.count++];
}

/* A write of which @done bytes of @data arrived in the kernel. */
static void write_note(int fd, const void *data, ssize_t done, off_t offset)
{
	struct event *event;

	if (done > 0 && is_file(fd, &watched))
		is_touched = true;
	if (done <= 0 || !is_file(fd, &recorded))
		return;
	ASSERT((size_t)offset + (size_t)done <= record.size);
	event = event_add(EVENT_WRITE);
	event->is_dsync = (fcntl(fd, F_GETFL) & O_DSYNC) != 0;
	if (event->is_dsync && is_killing) {
		event->is_dsync = false;
		is_killing = false;
	}
	event->offset = (uint64_t)offset;
	event->size = (size_t)done;
	event->bytes = malloc((size_t)done);
	ASSERT(event->bytes != NULL);
	memcpy(event->bytes, data, (size_t)done);
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset)
{
	ssize_t done = __real_pwrite(fd, data, size, offset);
	int number = errno;

	write_note(fd, data, done, offset);
	errno = number;
	return done;
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
	off_t offset = lseek(fd, 0, SEEK_CUR);
	ssize_t done = __real_write(fd, data, size);
	int number = errno;

	write_note(fd, data, done, offset);
	errno = number;
	return done;
}

/* One write, not one for each part: that is how the kernel gets it. */
ssize_t __wrap_writev(int fd, const struct iovec *parts, int count)
{
	off_t offset = lseek(fd, 0, SEEK_CUR);
	ssize_t done = __real_writev(fd, parts, count);
	int number = errno;
	size_t size = 0;
	uint8_t *data;

	for (int i = 0; i < count; i++)
		size += parts[i].iov_len;
	data = malloc(size);
	ASSERT(data != NULL && (done < 0 || (size_t)done == size));
	size = 0;
	for (int i = 0; i < count; i++) {
		memcpy(data + size, parts[i].iov_base, parts[i].iov_len);
		size += parts[i].iov_len;
	}
	write_note(fd, data, done, offset);
	free(data);
	errno = number;
	return done;
}

static void sync_note(int fd, int result)
{
	int number = errno;

	if (result == 0 && is_file(fd, &recorded))
		(void)event_add(EVENT_SYNC);
	errno = number;
}

int __wrap_fdatasync(int fd)
{
	int result = __real_fdatasync(fd);

	sync_note(fd, result);
	return result;
}

int __wrap_fsync(int fd)
{
	int result = __real_fsync(fd);

	sync_note(fd, result);
	return result;
}

/* The store is never written through its map. */
int __wrap_msync(void *start, size_t size, int flags)
{
	(void)start;
	(void)size;
	(void)flags;
	check_failed(__FILE__, __LINE__, "msync is not called");
}

/* Nor does its file change its size. */
int __wrap_ftruncate(int fd, off_t size)
{
	ASSERT(!is_file(fd, &recorded));
	return __real_ftruncate(fd, size);
}

static void base_read(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat info;
	size_t got;

	ASSERT(file != NULL && fstat(fileno(file), &info) == 0);
	record.size = (size_t)info.st_size;
	record.base = malloc(record.size);
	ASSERT(record.base != NULL);
	got = fread(record.base, 1, record.size, file);
	ASSERT(got == record.size);
	(void)fclose(file);
}

void powercut_begin(const char *folder)
{
	char path[512];

	ASSERT(!recorded.is_set && record.base == NULL);
	(void)text_format(path, sizeof(path), "%s/data.mdb", folder);
	base_read(path);
	recorded = file_name_of(path);
}

void powercut_mark_acked(uint64_t n)
{
	ASSERT(recorded.is_set);
	event_add(EVENT_ACK)->acked = n;
}

void powercut_kill_in_commit(void)
{
	is_killing = true;
}

void powercut_end(void)
{
	ASSERT(!is_killing);
	recorded.is_set = false;
}

const struct record *record_taken(void)
{
	return &record;
}

void record_watch(const char *path)
{
	watched = file_name_of(path);
	is_touched = false;
}

bool record_is_touched(void)
{
	return is_touched;
}
