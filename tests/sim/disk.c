#include "tests/sim/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "rules/base/check.h"

#define MAPS_MAX 64

/* A write that no sync has followed; what was there before lies in
 * disk.bytes. */
struct unsynced {
	uint64_t file;
	off_t offset;
	size_t size;
	size_t at;
};

/* LMDB's map of a data file, by which it is written too: a copy costs a
 * quarter of a call. */
struct map {
	uint8_t *bytes; /* NULL: free */
	size_t size;
	uint64_t file;
	int fd;
};

static struct {
	struct unsynced *writes;
	size_t count;
	size_t room;
	uint8_t *bytes;
	size_t size;
	size_t bytes_room;
	uint64_t writes_left;
	uint64_t lost;
	uint64_t syncs;
	struct map maps[MAPS_MAX];
} disk = {.writes_left = UINT64_MAX};

/* Names that the linker gives. */
ssize_t __real_pwrite(int fd, const void *data, size_t size, off_t offset);
ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset);
ssize_t __wrap_write(int fd, const void *data, size_t size);
ssize_t __wrap_writev(int fd, const struct iovec *parts, int count);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_posix_fallocate(int fd, off_t offset, off_t size);
void *__real_mmap(void *start, size_t size, int access, int flags, int fd,
		  off_t offset);
void *__wrap_mmap(void *start, size_t size, int access, int flags, int fd,
		  off_t offset);
int __real_munmap(void *start, size_t size);
int __wrap_munmap(void *start, size_t size);

void disk_reset(void)
{
	disk.count = 0;
	disk.size = 0;
	disk.writes_left = UINT64_MAX;
	disk.lost = 0;
	disk.syncs = 0;
}

void disk_die_after(uint64_t writes)
{
	disk.writes_left = writes;
}

uint64_t disk_writes_lost(void)
{
	return disk.lost;
}

uint64_t disk_syncs(void)
{
	return disk.syncs;
}

/* ---- noting ---- */

static uint64_t file_of(int fd)
{
	struct stat info;
	int result = fstat(fd, &info);

	ASSERT(result == 0);
	return info.st_ino;
}

static struct map *map_of(int fd)
{
	for (size_t i = 0; i < MAPS_MAX; i++)
		if (disk.maps[i].bytes != NULL && disk.maps[i].fd == fd)
			return &disk.maps[i];
	return NULL;
}

/* Before @size bytes of @map are written. */
static void note(const struct map *map, size_t size, off_t offset)
{
	if (disk.count == disk.room) {
		disk.room = disk.room == 0 ? 256 : 2 * disk.room;
		disk.writes = realloc(disk.writes,
				      disk.room * sizeof(disk.writes[0]));
		ASSERT(disk.writes != NULL);
	}
	if (disk.bytes_room - disk.size < size) {
		disk.bytes_room = 2 * (disk.bytes_room + size) + 65536;
		disk.bytes = realloc(disk.bytes, disk.bytes_room);
		ASSERT(disk.bytes != NULL);
	}
	disk.writes[disk.count++] =
		(struct unsynced){map->file, offset, size, disk.size};
	memcpy(disk.bytes + disk.size, map->bytes + offset, size);
	disk.size += size;
}

static void forget(uint64_t file)
{
	size_t kept = 0;

	for (size_t i = 0; i < disk.count; i++)
		if (disk.writes[i].file != file)
			disk.writes[kept++] = disk.writes[i];
	disk.count = kept;
	if (kept == 0)
		disk.size = 0;
}

/* ---- the calls ---- */

static bool is_dead(void)
{
	if (disk.writes_left == 0) {
		errno = EIO;
		return true;
	}
	if (disk.writes_left != UINT64_MAX)
		disk.writes_left--;
	return false;
}

void *__wrap_mmap(void *start, size_t size, int access, int flags, int fd,
		  off_t offset)
{
	bool is_data = access == PROT_READ && fd >= 0 &&
		       (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
	void *bytes = __real_mmap(start, size,
				  is_data ? PROT_READ | PROT_WRITE : access,
				  flags, fd, offset);
	size_t i = 0;

	if (bytes == MAP_FAILED || !is_data)
		return bytes;
	while (disk.maps[i].bytes != NULL) {
		i++;
		ASSERT(i < MAPS_MAX);
	}
	disk.maps[i] = (struct map){bytes, size, file_of(fd), fd};
	return bytes;
}

int __wrap_munmap(void *start, size_t size)
{
	for (size_t i = 0; i < MAPS_MAX; i++)
		if (disk.maps[i].bytes == start)
			disk.maps[i].bytes = NULL;
	return __real_munmap(start, size);
}

/* What is not a map's is LMDB's page of meta, which is written through. */
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset)
{
	struct map *map = map_of(fd);

	if (is_dead())
		return -1;
	if (map == NULL || (size_t)offset + size > map->size)
		return __real_pwrite(fd, data, size, offset);
	note(map, size, offset);
	memcpy(map->bytes + offset, data, size);
	return (ssize_t)size;
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
	if (is_dead())
		return -1;
	return __real_write(fd, data, size);
}

/* LMDB's way of writing pages that lie side by side. Cut after any of them. */
ssize_t __wrap_writev(int fd, const struct iovec *parts, int count)
{
	off_t offset = lseek(fd, 0, SEEK_CUR);
	ssize_t done = 0;

	for (int i = 0; i < count; i++) {
		size_t size = parts[i].iov_len;

		if (__wrap_pwrite(fd, parts[i].iov_base, size, offset) !=
		    (ssize_t)size)
			return -1;
		offset += (off_t)size;
		done += (ssize_t)size;
	}
	ASSERT(lseek(fd, offset, SEEK_SET) == offset);
	return done;
}

int __wrap_fdatasync(int fd)
{
	if (disk.writes_left == 0) {
		errno = EIO;
		return -1;
	}
	disk.syncs++;
	if (map_of(fd) != NULL)
		forget(map_of(fd)->file);
	return 0;
}

int __wrap_fsync(int fd)
{
	return __wrap_fdatasync(fd);
}

int __wrap_posix_fallocate(int fd, off_t offset, off_t size)
{
	struct stat info;

	if (fstat(fd, &info) < 0)
		return errno;
	if (info.st_size < offset + size && ftruncate(fd, offset + size) < 0)
		return errno;
	return 0;
}

/* ---- the cut ---- */

void disk_power_cut(const char *path, struct random *random)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint64_t file;

	ASSERT(fd >= 0);
	disk.writes_left = UINT64_MAX;
	file = file_of(fd);
	for (size_t i = disk.count; i-- > 0;) {
		const struct unsynced *write = &disk.writes[i];
		ssize_t done;

		if (write->file != file || random_hits(random, 500))
			continue;
		disk.lost++;
		done = __real_pwrite(fd, disk.bytes + write->at, write->size,
				     write->offset);
		ASSERT(done == (ssize_t)write->size);
	}
	forget(file);
	(void)close(fd);
}
