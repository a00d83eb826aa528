/*
 * founding_mark - tells keys whose store never came to be from those of a store
 * that was lost.
 *
 * Layer     store
 * Threads   one; commissioning and start only
 * On disk   an empty file "founding" in the folder of keys, from before the
 *           first key is made until the store has its name or is first opened
 *           for writing
 *
 * While it is there nothing was ever signed with these keys or written to their
 * store: they can be thrown away. The right to found is a flock(2) on it, so a
 * crash lets go of it.
 */
#ifndef DEPOT_STORE_FOUNDING_MARK_H
#define DEPOT_STORE_FOUNDING_MARK_H

#include <stdbool.h>

#include "rules/base/err.h"

struct founding_mark {
	int fd; /* -1: not held */
};

#define FOUNDING_MARK_NONE ((struct founding_mark){.fd = -1})

/* A founding was cut short in the folder of keys @folder, or is under way. */
bool founding_mark_is_there(const char *folder);

/*
 * Lays the mark in @folder, which is made if need be, or takes over the one of
 * a founding that was cut short. Held until founding_mark_close; the file stays
 * until founding_mark_clear.
 *
 * ERR_AGAIN  another process is founding there
 * ERR_IO, ERR_FULL  the system refused
 */
MUST_CHECK enum err_code founding_mark_lay(const char *folder,
					   struct founding_mark *ret_mark,
					   struct err *err);
/* Takes it away, on the disk too; one that is not there is as good. */
MUST_CHECK enum err_code founding_mark_clear(const char *folder,
					     struct err *err);
/* Takes one that is not held. */
void founding_mark_close(struct founding_mark *mark);

#endif
