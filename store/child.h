/*
 * child - work that may crash or never end, in a process of its own.
 *
 * Layer     store
 * Threads   any; the child has only the one that forked it. In a program of
 *           several threads the work may use what glibc keeps usable over
 *           fork(2), malloc among it, and nothing that another thread may
 *           hold locked; a claim (store/lock.h) is kept usable
 */
#ifndef DEPOT_STORE_CHILD_H
#define DEPOT_STORE_CHILD_H

#include <stddef.h>
#include <stdint.h>

#include "rules/base/err.h"

/* What the child does. What it leaves in memory is lost, except in what
 * child_share gave. */
typedef enum err_code child_work_fn(void *context, struct err *err);

/* Called ten times a second meanwhile; other than ERR_OK ends the child, and
 * is child_run's result. */
typedef enum err_code child_look_fn(void *context, struct err *err);

struct child_watch {
	uint64_t time_limit_ms; /* 0: an hour */
	child_look_fn *look;    /* may be NULL */
	void *context;
};

enum child_how {
	CHILD_RETURNED = 1, /* with @code, and @err if that is not ERR_OK */
	CHILD_CRASHED,      /* by @signal, or 0: it exited on its own */
	CHILD_LATE,         /* and was killed */
};

struct child_end {
	enum child_how how;
	int signal;
	enum err_code code;
	struct err err;
};

/*
 * Runs @work in a child and waits for its end. ERR_OK, whatever end that was;
 * *@ret_end is set then.
 *
 * ERR_FULL, ERR_IO  the system refused; or a code of @watch's look
 */
MUST_CHECK enum err_code child_run(child_work_fn *work, void *context,
				   const struct child_watch *watch,
				   struct child_end *ret_end, struct err *err);

/* Zeroed memory that parent and child share; NULL: there is none. */
void *child_share(size_t size);
/* Takes NULL. */
void child_unshare(void *memory, size_t size);

#endif
