/*
 * asked - the ids of commands that were run, and the reply to each.
 *
 * Layer     store
 * Threads   asked_mark: the writer; asked_find: any, through a view
 * On disk   docs/format/tables.md; not derived: survives a rebuild
 *
 * Whoever sends a command may name it by an id of their own making, and may
 * then send it again as often as they like: it acts once, and gets the reply
 * that it got. Per account the last ASKED_WINDOW ids are remembered. The id is
 * marked in the transaction of the command's effects.
 */
#ifndef DEPOT_STORE_ASKED_H
#define DEPOT_STORE_ASKED_H

#include "rules/base/ids.h"
#include "store/env.h"

#define ASKED_WINDOW 1024
#define ASKED_ID_SIZE_MAX REF_SIZE_MAX
#define ASKED_REPLY_SIZE_MAX PAYLOAD_OUT_SIZE_MAX

enum asked_state {
	ASKED_NEW,    /* run it, then asked_mark it */
	ASKED_BEFORE, /* the same command: *ret_reply is what it got */
	ASKED_REUSED, /* the id is of another command */
};

/* A command by its name. Borrowed. */
struct asked_name {
	struct span account; /* 1 to NAME_SIZE_MAX bytes */
	struct span id;      /* 1 to ASKED_ID_SIZE_MAX bytes without NUL */
};

/*
 * Looks a command up by its name and the hash of its content. *@ret_reply is
 * set for ASKED_BEFORE only, and borrowed as view_get says.
 * ERR_CORRUPT  a row is damaged
 */
MUST_CHECK enum err_code asked_find(const struct view *view,
				    const struct asked_name *name,
				    uint64_t content,
				    enum asked_state *ret_state,
				    struct span *ret_reply, struct err *err);

/*
 * Remembers the command and its reply, of at most ASKED_REPLY_SIZE_MAX bytes.
 * The account's oldest one is forgotten for it when there are ASKED_WINDOW.
 * Only after asked_find said ASKED_NEW in the same transaction.
 *
 * ERR_FULL     no room in the map
 * ERR_CORRUPT  a row is damaged
 */
MUST_CHECK enum err_code asked_mark(struct txn *txn,
				    const struct asked_name *name,
				    uint64_t content, struct span reply,
				    struct err *err);

#endif
