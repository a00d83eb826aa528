/*
 * guard - the start guard: a second memory of how far this box had come.
 *
 * Layer     store
 * Threads   guard_write, guard_save: the writer, after sealing and before a
 *           delta leaves; the rest: at start
 * On disk   docs/format/store.md: a small file outside the store's folder,
 *           best on another medium
 *
 * A disk that goes back in time takes the store with it, and nothing in the
 * store can tell. What was remembered elsewhere can: this file, and what peers
 * have of our own feed. Whoever goes on after a rollback signs other deltas
 * with the same seqs, which everybody must take for a fraud; so a store that is
 * behind itself begins a new epoch instead (store/succession.h).
 */
#ifndef DEPOT_STORE_GUARD_H
#define DEPOT_STORE_GUARD_H

#include "store/delta.h"
#include "store/env.h"

#define GUARD_MACHINE_SIZE 32

/* The end of the own feed, as it was remembered. */
struct guard {
	uint8_t net_id[NET_ID_SIZE];
	uint32_t site;
	uint32_t epoch;
	uint64_t seq;
	uint8_t hash[HASH_SIZE];
	uint64_t number; /* of the last entry that was sealed */
	uint8_t machine[GUARD_MACHINE_SIZE]; /* zeros: not known */
};

/*
 * Replaces the file @path, synced, in one step that a power cut leaves done or
 * undone. ERR_IO, ERR_FULL  the system refused
 */
MUST_CHECK enum err_code
guard_write(const char *path, const struct guard *guard, struct err *err);
/*
 * ERR_NOT_FOUND  there is none (@err untouched)
 * ERR_CORRUPT    it is damaged: as good as none, and worth a sentence
 * ERR_VERSION    of a newer depot
 */
MUST_CHECK enum err_code guard_read(const char *path, struct guard *ret_guard,
				    struct err *err);

/* Zeros if the machine has no id. A hash: the id itself stays here. */
void guard_machine(uint8_t ret_machine[GUARD_MACHINE_SIZE]);

enum guard_verdict {
	GUARD_SAME = 1,     /* the store has what is remembered, or more */
	GUARD_ROLLBACK = 2, /* the store is behind it, or has another hash
			     * there: succeed before anything is sealed */
	GUARD_MISSING = 3,  /* no guard, or a damaged one: provisional, unless a
			     * peer is a witness */
	GUARD_MOVED = 4,    /* it stands, on another machine: provisional */
	GUARD_FOREIGN = 5,  /* another site's or network's: somebody mixed boxes
			     * up; as missing, and say so */
};
/* "rollback" ... Never NULL. */
const char *guard_verdict_name(enum guard_verdict verdict);

/* The guard as it should be now. ERR_NOT_FOUND: nothing is sealed yet. */
MUST_CHECK enum err_code guard_of(const struct view *view,
				  const uint8_t net_id[NET_ID_SIZE],
				  uint32_t site, struct guard *ret_guard,
				  struct err *err);

/* Judges what is remembered by what @view has. @now: guard_machine's. A feed
 * that has entries which its own journal has not, or other ones, is a rollback
 * too: peers gave them back, and the journal did not get that far. Allocates.
 */
MUST_CHECK enum err_code guard_judge(const struct view *view,
				     const struct guard *guard,
				     const struct guard *now,
				     enum guard_verdict *ret_verdict,
				     struct err *err);

/* Where a store's guard stands, and whose it is. Borrowed, all of it. */
struct guard_place {
	const char *path;
	const uint8_t *net_id; /* NET_ID_SIZE bytes */
	uint32_t site;
};

/* What is remembered there, judged at a start. */
struct guard_memory {
	enum guard_verdict verdict;
	bool has_guard;
	struct guard guard; /* if has_guard */
};

/*
 * A store that has sealed nothing yet is SAME where nothing is remembered, a
 * ROLLBACK where something is; a file that cannot be read is as good as none,
 * but no first start. ERR_CORRUPT, ERR_IO  the store's
 */
MUST_CHECK enum err_code guard_recall(const struct guard_place *place,
				      const struct view *view,
				      struct guard_memory *ret_memory,
				      struct err *err);

/* Remembers the end of the own feed; nothing to do before one was sealed.
 * Errors as guard_of and guard_write. */
MUST_CHECK enum err_code guard_save(const struct guard_place *place,
				    const struct view *view, struct err *err);

/*
 * As guard_judge, for what a witness says of our own feed: a peer, or our own
 * retained head. SAME or ROLLBACK. A head that is lower than ours, with our
 * hash, is SAME: it has not heard the rest yet.
 */
MUST_CHECK enum err_code guard_witness(const struct view *view,
				       struct feed_id feed, uint64_t seq,
				       const uint8_t hash[HASH_SIZE],
				       enum guard_verdict *ret_verdict,
				       struct err *err);

#endif
