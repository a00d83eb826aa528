/*
 * replace - writes a file so that readers see the old one or the new one.
 *
 * Layer     gateway/edge
 * Threads   any; a struct replace belongs to one
 *
 * The new file is made beside the old one, as NAME.new, and renamed. Writers
 * of one file keep each other out (store/lock.h, or flock on the folder).
 */
#ifndef DEPOT_GATEWAY_EDGE_REPLACE_H
#define DEPOT_GATEWAY_EDGE_REPLACE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "rules/base/err.h"

struct replace {
	FILE *out; /* write here; what fails is told by replace_commit */
	int folder;
	const char *name; /* borrowed until the end */
};

/*
 * Begins to write @name in @folder (a descriptor, borrowed). The file will
 * have @mode, whatever the umask, and the folder's owner where root writes.
 * ERR_IO, ERR_FULL  the system refused
 */
MUST_CHECK enum err_code replace_begin(struct replace *replace, int folder,
				       const char *name, mode_t mode,
				       struct err *err);

/*
 * Puts the new file in the old one's place; @is_durable: also on the disk.
 * Ends @replace either way; on failure the old file is as it was.
 */
MUST_CHECK enum err_code replace_commit(struct replace *replace,
					bool is_durable, struct err *err);
/* Forgets what was written. */
void replace_abandon(struct replace *replace);

/* True if what was written so far is what the old file holds. */
bool replace_is_same(struct replace *replace);

#endif
