/*
 * draft - a folder that is whole under its name or not there.
 *
 * Layer     store
 * Threads   any
 * On disk   while a folder is being made it is called NAME.partial
 *
 * A power cut between any two steps leaves NAME absent or complete, because
 * the only step that makes NAME appear is one rename of a synced folder. What
 * a crash leaves of NAME.partial is removed by the next attempt.
 */
#ifndef DEPOT_STORE_DRAFT_H
#define DEPOT_STORE_DRAFT_H

#include "rules/base/err.h"
#include "store/file.h"
#include "store/lock.h"

/* A folder in the making. */
struct draft {
	char path[FILE_PATH_SIZE];  /* NAME.partial: fill this one */
	char final[FILE_PATH_SIZE]; /* NAME */
	struct lock lock;           /* against a second one who makes it */
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

/*
 * Removes the folder @path and all that is in it, as little as that may be.
 * Nobody has a store in it open. ERR_IO: something is left of it.
 */
MUST_CHECK enum err_code folder_remove(const char *path, struct err *err);

/*
 * Gives the whole, synced folder @from the name @to, durably. What is open in
 * it stays open.
 * ERR_CONFLICT  something is called @to
 * ERR_IO        the system refused; nothing was renamed
 */
MUST_CHECK enum err_code folder_rename(const char *from, const char *to,
				       struct err *err);

/*
 * Lets two whole, synced folders in the same folder change names, in one step
 * that a power cut leaves done or undone.
 * ERR_IO  the file system cannot; nothing was changed
 */
MUST_CHECK enum err_code folder_exchange(const char *a, const char *b,
					 struct err *err);

#endif
