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
 *
 * HQ has two feeds more, what it says to all: control and master. There is no
 * new epoch of those without the root key. But what is remembered here was said
 * to nobody beyond its end, since it is on the disk before a delta leaves. So
 * an HQ that was set back and has its words again, up to there, goes on behind
 * them (core/voice.h).
 */
#ifndef DEPOT_STORE_GUARD_H
#define DEPOT_STORE_GUARD_H

#include "store/delta.h"
#include "store/env.h"

#define GUARD_MACHINE_SIZE 32

/* The end of what HQ said in control or in master. */
struct guard_word {
	uint32_t epoch;
	uint64_t seq; /* 0: nothing was said */
	uint8_t hash[HASH_SIZE];
};
enum guard_feed {
	GUARD_CONTROL,
	GUARD_MASTER,
};
#define GUARD_FEEDS 2
struct guard_words {
	struct guard_word ends[GUARD_FEEDS];
};

/* The end of the own feed, as it was remembered. */
struct guard {
	uint8_t net_id[NET_ID_SIZE];
	uint32_t site;
	uint32_t epoch;
	uint64_t seq; /* 0: HQ has sealed nothing of its own yet */
	uint8_t hash[HASH_SIZE];
	uint64_t number; /* of the last entry that was sealed */
	uint8_t machine[GUARD_MACHINE_SIZE]; /* zeros: not known */
	/* At HQ only. A file of depot before it had them does not. */
	bool has_words;
	/* Nothing was said beyond these ends, as far as anybody knows. False
	 * in a file that was begun anew, until somebody vouches for it. */
	bool is_sure;
	struct guard_words words;
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

/* The guard as it should be now; not whether it is sure. ERR_NOT_FOUND: nothing
 * is sealed yet, and at HQ nothing said. */
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
	enum guard_verdict verdict; /* of the own feed */
	/*
	 * Of HQ's words. SAME: they are all here, surely. ROLLBACK: some are
	 * not. MISSING, MOVED, FOREIGN: nobody can tell, or the guard was not
	 * sure itself. SAME at a site, which has none.
	 */
	enum guard_verdict words;
	bool has_guard;
	struct guard guard; /* if has_guard */
};

/*
 * A store that has sealed nothing yet is SAME where nothing is remembered, a
 * ROLLBACK where something is; a file that cannot be read is as good as none,
 * but no first start. (HQ's first words are remembered before its first start.)
 * ERR_CORRUPT, ERR_IO  the store's
 */
MUST_CHECK enum err_code guard_recall(const struct guard_place *place,
				      const struct view *view,
				      struct guard_memory *ret_memory,
				      struct err *err);

/*
 * Remembers the end of the own feed and of HQ's words; nothing to do before
 * there is any. What is remembered and not here stays remembered: HQ's words
 * until they are here, the own feed until its next epoch begins. Whether the
 * words are sure stays as it is; on another machine they are not.
 * Errors as guard_of and guard_write.
 */
MUST_CHECK enum err_code guard_save(const struct guard_place *place,
				    const struct view *view, struct err *err);

/* As guard_save, and says from now on whether HQ's words are sure. */
MUST_CHECK enum err_code guard_vouch(const struct guard_place *place,
				     const struct view *view, bool is_sure,
				     struct err *err);

/* ---- HQ's words (store/guard_words.c) ---- */

/* The ends of the last epochs of control and master that @view has. */
MUST_CHECK enum err_code guard_words_of(const struct view *view,
					struct guard_words *ret_words,
					struct err *err);

/* *@ret_are: @view has all of @words, or an epoch that came after them. */
MUST_CHECK enum err_code guard_words_held(const struct view *view,
					  const struct guard_words *words,
					  bool *ret_are, struct err *err);

bool guard_words_equal(const struct guard_words *a,
		       const struct guard_words *b);

/* Raises @words to what @view has, but for those that it lacks. */
MUST_CHECK enum err_code guard_words_raise(const struct view *view,
					   struct guard_words *words,
					   struct err *err);

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
