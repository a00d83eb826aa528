/*
 * wipe - files are written over and removed, as far as the medium lets go.
 *
 * Layer     store
 * Threads   any
 *
 * A disk that writes in place has nothing left of a file that was written over.
 * Flash does not write in place: what its controller has set aside, and what a
 * copying file system (btrfs, a snapshot) keeps, cannot be reached from here.
 * There only the medium's own erase command, or encryption under it, helps;
 * whoever needs that is told so.
 */
#ifndef DEPOT_STORE_WIPE_H
#define DEPOT_STORE_WIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/err.h"

/* What was done; the caller zeroes it. */
struct wipe {
	uint64_t files;
	uint64_t bytes;
	/* After each chunk; may be NULL. */
	void (*progress)(void *context, uint64_t bytes);
	void *context;
};

/*
 * Writes over the regular file @path, to its end, synced, and removes its name.
 * Any other kind of file (a socket, a symbolic link) only loses its name: a
 * link is never followed. One that is not there is done.
 *
 * A file with another name (a hard link) is written over as well: there was
 * one of it. ERR_IO: the system refused
 */
MUST_CHECK enum err_code wipe_file(struct wipe *wipe, const char *path,
				   struct err *err);
/*
 * The same of all that lies in the folder @path, WIPE_DEPTH_MAX deep, and then
 * of the folder itself, unless @is_kept. Another file system that is mounted
 * in it is left alone, and ERR_CONFLICT.
 */
#define WIPE_DEPTH_MAX 8
MUST_CHECK enum err_code wipe_folder(struct wipe *wipe, const char *path,
				     bool is_kept, struct err *err);

/*
 * Fills the free room of the file system of @folder with one file, syncs and
 * removes it: what was let go of earlier lay there. ERR_IO
 */
MUST_CHECK enum err_code wipe_free_room(struct wipe *wipe, const char *folder,
					struct err *err);
/* Removes that file where a fill was cut short. */
void wipe_fill_remove(const char *folder);

#endif
