/*
 * folder - folders and files that are whole under their name or not there.
 *
 * Layer     store
 * Threads   any
 * On disk   while a folder is being made it is called NAME.partial
 *
 * A power cut between any two steps leaves NAME absent or complete, because
 * the only step that makes NAME appear is one rename of a synced folder. What
 * a crash leaves of NAME.partial is removed by the next attempt.
 */
#ifndef DEPOT_STORE_FOLDER_H
#define DEPOT_STORE_FOLDER_H

#include <stdint.h>

#include "rules/base/err.h"
#include "store/lock.h"

/* Longest path of a store's file, with its NUL. */
#define FOLDER_PATH_SIZE 1024

/* A folder in the making. */
struct draft {
	char path[FOLDER_PATH_SIZE];  /* NAME.partial: fill this one */
	char final[FOLDER_PATH_SIZE]; /* NAME */
	struct lock lock;             /* against a second one who makes it */
};

/*
 * Makes the empty folder @path.partial, which becomes @path at draft_commit.
 *
 * ERR_CONFLICT  @path exists already
 * ERR_AGAIN     another process is making it (the text names its pid)
 * ERR_INVALID   the path is too long
 * ERR_FULL, ERR_IO
 */
MUST_CHECK enum err_code draft_begin(struct draft *draft, const char *path,
				     struct err *err);
/*
 * Syncs the files in the folder and the folder, gives it its name and syncs
 * the folder above. Ends @draft either way; after a failure neither name is
 * there.
 *
 * ERR_CONFLICT  somebody else made @path meanwhile
 * ERR_FULL, ERR_IO
 */
MUST_CHECK enum err_code draft_commit(struct draft *draft, struct err *err);
/* Removes what there is of it. */
void draft_abandon(struct draft *draft);

/* @folder/@name into @ret_path of FOLDER_PATH_SIZE bytes.
 * ERR_INVALID  too long */
MUST_CHECK enum err_code folder_file(const char *folder, const char *name,
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
enum err_code folder_error(struct err *err, int number, const char *format,
			   ...);

#endif
