/*
 * lock - who may open a store: one writer among all processes, and in each
 * process one handle.
 *
 * Layer     store
 * Threads   any; a struct lock or claim belongs to one thread
 * On disk   writer.lock in the store's folder: the holder's process id in
 *           decimal and a line feed; the right itself is a flock(2) on it
 *
 * The kernel lets go of a dead process's lock, so there is no stale lock to
 * clear and nobody has to judge whether a process id still means what it
 * meant. The number is only there for the sentence. The file is never
 * removed: removing it would let two processes hold two files of one name.
 */
#ifndef DEPOT_STORE_LOCK_H
#define DEPOT_STORE_LOCK_H

#include <sys/types.h>

#include "rules/base/err.h"

#define LOCK_FILE_NAME "writer.lock"

struct lock {
	int fd; /* -1: not held */
};

#define LOCK_NONE ((struct lock){.fd = -1})

/*
 * Takes the right to write the store in @folder, without waiting. Held until
 * lock_close or the process's end.
 *
 * ERR_AGAIN  another process, or this one, holds it; the text names its pid
 * ERR_IO     the file cannot be made or locked
 */
MUST_CHECK enum err_code lock_open(const char *folder, struct lock *ret_lock,
				   struct err *err);
/*
 * Keeps writers away from the store in @folder, which is only looked at: the
 * folder and what is in it stay as they are. Without a lock file nobody ever
 * wrote there under its lock, and nothing is held.
 *
 * ERR_AGAIN  another process writes it; the text names its pid
 */
MUST_CHECK enum err_code lock_guard(const char *folder, struct lock *ret_lock,
				    struct err *err);
/* Takes one that is not held. */
void lock_close(struct lock *lock);

/* This process's handle of a file. In the caller's storage, which must not
 * move while the claim stands. */
struct claim {
	pid_t holder; /* a child inherits the list, but not the locks */
	dev_t device;
	ino_t inode;
	struct claim *next; /* in the list of all */
};

/*
 * Claims the file at @path for this process. LMDB's own locks are fcntl
 * locks, which a process loses altogether when it closes any of its handles
 * of the file; so it must not have two.
 *
 * ERR_AGAIN  this process has the file open already
 * ERR_IO     there is no such file
 */
MUST_CHECK enum err_code claim_begin(struct claim *claim, const char *path,
				     struct err *err);
/* Takes one that does not stand. */
void claim_end(struct claim *claim);

#endif
