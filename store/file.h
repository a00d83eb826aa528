/*
 * file - paths, room and sentences for the files of a store.
 *
 * Layer     store
 * Threads   any
 */
#ifndef DEPOT_STORE_FILE_H
#define DEPOT_STORE_FILE_H

#include <stdint.h>

#include "rules/base/err.h"

/* Longest path of a store's file, with its NUL. */
#define FILE_PATH_SIZE 1024

/* @folder/@name into @ret_path of FILE_PATH_SIZE bytes.
 * ERR_INVALID  too long */
MUST_CHECK enum err_code file_path(const char *folder, const char *name,
				   char *ret_path, struct err *err);

/* ERR_FULL  the disk under @folder has no room for @size bytes more */
MUST_CHECK enum err_code file_room_check(const char *folder, uint64_t size,
					 struct err *err);

/* The name beside @path that is @path and @end, "store" and "-keys", into
 * @ret_path of FILE_PATH_SIZE bytes; slashes that @path ends in are left out.
 * ERR_INVALID  too long */
MUST_CHECK enum err_code file_beside(const char *path, const char *end,
				     char *ret_path, struct err *err);

/*
 * Makes the file at least @size bytes long, every byte of which has its place
 * on the disk. Where the file system cannot promise that, the file is just
 * made that long. What the file holds stays as it is.
 *
 * ERR_FULL  the disk has not that much room
 */
MUST_CHECK enum err_code file_allocate(int fd, uint64_t size, struct err *err);

/* As err_sys, with what an operator can do about @number appended where that
 * is known (no permission, read-only, full). */
PRINTF_LIKE(3, 4)
enum err_code file_error(struct err *err, int number, const char *format, ...);

#endif
