/*
 * shadow - a store's folder to read in, without touching the store's own.
 *
 * Layer     store
 * Threads   any; a struct shadow belongs to one thread
 *
 * LMDB keeps its table of readers beside the data, in a file that it creates
 * and writes even when it only reads. A doubtful store, and a backup, are to
 * stay as they are: so the data is opened through a link in a folder of our
 * own, and writers are kept away as long as it stands. While somebody writes
 * the store already, its readers have to be told to him, and the store's own
 * folder is used.
 */
#ifndef DEPOT_STORE_SHADOW_H
#define DEPOT_STORE_SHADOW_H

#include <stdbool.h>

#include "rules/base/err.h"
#include "store/file.h"
#include "store/lock.h"

struct shadow {
	char path[FILE_PATH_SIZE]; /* give this one to env_open, ENV_READ */
	bool is_own;               /* it is a folder of ours */
	struct lock lock;
};

/*
 * Makes a shadow of the store in @folder within the folder @parent.
 *
 * ERR_NOT_COMMISSIONED  there is no store in @folder
 * ERR_INVALID           a path is too long
 * ERR_FULL, ERR_IO
 */
MUST_CHECK enum err_code shadow_open(const char *folder, const char *parent,
				     struct shadow *ret_shadow,
				     struct err *err);
/* What is open in it must have been closed. */
void shadow_close(struct shadow *shadow);

#endif
