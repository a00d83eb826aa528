/*
 * feed_parts - what the parts of the feed share. Nobody else includes it.
 *
 * Layer     store
 * Threads   the writer's; what takes a view: any
 */
#ifndef DEPOT_STORE_FEED_PARTS_H
#define DEPOT_STORE_FEED_PARTS_H

#include "rules/base/bytes.h"
#include "store/feed.h"
#include "store/row.h"
#include "store/rows.h"

/* Version of the rules that deltas are written by. */
#define FEED_RULES 1

/* Kinds of TABLE_FEED's rows: the first byte of their keys. */
#define FEED_ROW 'f'     /* site, epoch, branch: struct feed_record */
#define FEED_PROOF 'p'   /* site, epoch, seq, branch: a fork's proof */
#define FEED_VOID 'x'    /* site, epoch, branch, number: why it is void */
#define FEED_REFUSAL 'q' /* site, epoch, admission: how often */
/* 'h', 'e': store/heir.c */
#define FEED_LATEST 'l' /* site, kind, key: the last entry of that */
#define FEED_NAMING 'n' /* feed, seq: that delta tells again, from where */
/* 'r': store/regain.c */

#define FEED_ROW_SIZE_MAX 256

/* ---- feed.c ---- */

void key_add_feed(struct key *key, struct feed_id id);
struct feed_id read_feed(struct reader *reader);
/* The feed @id as it begins: no delta yet. */
struct feed_record feed_fresh(struct feed_id id);
MUST_CHECK enum err_code
feed_put(struct txn *txn, const struct feed_record *feed, struct err *err);
/* As feed_get, but a feed that is not there is a fresh one. */
MUST_CHECK enum err_code feed_get_or_fresh(const struct view *view,
					   struct feed_id id,
					   struct feed_record *ret_feed,
					   struct err *err);
MUST_CHECK enum err_code feed_delta_put(struct feed_desk *desk, struct txn *txn,
					struct feed_id id,
					const struct delta *delta,
					struct err *err);
MUST_CHECK enum err_code feed_delta_delete(struct txn *txn, struct feed_id id,
					   uint64_t seq, struct err *err);
/* Visits the records of all branches of a site's epoch. */
MUST_CHECK enum err_code feed_walk_epoch(const struct view *view, uint32_t site,
					 uint32_t epoch, feed_visit_fn *visit,
					 void *context, struct err *err);

/* ---- feed_limit.c ---- */

/* Where a feed ends by what the roster says: UINT64_MAX for nowhere. */
MUST_CHECK enum err_code feed_limit(const struct view *view,
				    const struct feed_record *feed,
				    uint64_t *ret_limit, struct err *err);
/* Up to where deltas of it are taken: what counts, and of the branches of
 * control, until the root has spoken, all. For the word with which the root
 * speaks names a delta of one of them, which has to be here. */
MUST_CHECK enum err_code feed_takes(const struct view *view,
				    const struct feed_record *feed,
				    uint64_t *ret_limit, struct err *err);

/* ---- feed_desk.c ---- */

/* A delta's entries, written out one after the other. */
struct arena {
	uint32_t count;
	size_t size;
	struct {
		uint32_t at;
		uint32_t size;
	} entries[DELTA_ROWS_MAX];
	char bytes[FEED_ENTRIES_SIZE_MAX];
};

void arena_reset(struct arena *arena);
/* False: no room. */
MUST_CHECK bool arena_add(struct arena *arena, struct span bytes);
struct span arena_at(const struct arena *arena, uint32_t index);

/* What a delta changed in TABLE_SITE_BALANCE so far; feed_account.c. */
struct accounts;

#define DESK_BUFFER_SIZE ROW_DELTA_SIZE_MAX

struct desk_rows {
	struct feed_id id; /* site 0: free */
	uint64_t seq;
	uint8_t hash[HASH_SIZE];
	uint64_t used;
	struct rows *rows;
};

struct feed_desk {
	uint8_t net_id[NET_ID_SIZE];
	uint64_t uses;
	size_t rows_max; /* so many of ->rows are used */
	struct desk_rows rows[FEED_DESK_ROWS_MAX];
	struct accounts *accounts;
	struct told *told; /* NULL until something was told twice */
	struct told *told_other;
	struct arena arena;
	struct entry_bytes entry;
	uint8_t rows_buffer[DELTA_ROWS_SIZE_MAX];
	uint8_t buffer[DESK_BUFFER_SIZE];
};

/*
 * The segment's state after @feed's head, ready for its next delta; that
 * @is_start begins a segment. desk_rows_done says what the state is then.
 */
MUST_CHECK enum err_code
desk_rows_get(struct feed_desk *desk, const struct view *view,
	      const struct feed_record *feed, bool is_start,
	      struct desk_rows **ret_slot, struct err *err);
void desk_rows_done(struct desk_rows *slot, const struct feed_record *feed);
/*
 * Reads a delta's rows into the desk's arena. *@ret_is_sound is false, and
 * @rows as it was, when they are not in their one form.
 */
MUST_CHECK enum err_code desk_rows_read(struct feed_desk *desk,
					struct rows *rows,
					const struct delta *delta,
					bool *ret_is_sound, struct err *err);

/* ---- feed_account.c ---- */

MUST_CHECK enum err_code accounts_open(struct accounts **ret_accounts,
				       struct err *err);
void accounts_close(struct accounts *accounts);
/* Begins a delta. */
void accounts_begin(struct accounts *accounts, struct feed_id feed);
/* *@ret_fits is false, and nothing moved, if a sum would leave 64 bits. */
MUST_CHECK enum err_code accounts_move(struct accounts *accounts,
				       const struct view *view, struct pos pos,
				       const struct movement *movement,
				       bool *ret_fits, struct err *err);
/* Writes what changed. */
MUST_CHECK enum err_code accounts_flush(struct accounts *accounts,
					struct txn *txn, struct err *err);
/* Removes a feed's rows. */
MUST_CHECK enum err_code accounts_clear(struct txn *txn, struct feed_id feed,
					struct err *err);

/* ---- feed_law.c ---- */

struct feed_law {
	const uint8_t *net_id;
	uint32_t site;
	uint32_t epoch;
	bool is_closed; /* a closing came before */
};
/* Why @entry, at @number of its epoch, is void; 0: it is not. */
enum void_reason feed_law_judge(const struct feed_law *law, uint64_t number,
				const struct entry *entry);
/*
 * Marks @bytes, the entry at @number of @header's delta, as one of a newer
 * depot where it was written by rules beyond FEED_RULES: entry_decode says
 * ERR_VERSION then. It was read, since the segment's state needs that. The
 * root's statement stays what it is: nothing else names control's key.
 */
void feed_rules_apply(const struct delta_header *header, uint64_t number,
		      struct entry_bytes *bytes);

/* ---- feed_naming.c ---- */

/* The places that entries of one delta name (struct entry, carried and
 * regained): all lie within these two. */
struct naming {
	struct pos first; /* 0: it tells nothing again */
	struct pos last;
};
void naming_add(struct naming *naming, const struct entry *entry);
/* Of delta @seq of @feed; nothing if it tells nothing again. */
MUST_CHECK enum err_code naming_put(struct txn *txn, struct feed_id feed,
				    uint64_t seq, const struct naming *naming,
				    struct err *err);
/* Visits the deltas of @feed that tell again, in order; what is not ERR_OK ends
 * the walk. */
typedef enum err_code naming_visit_fn(void *context, uint64_t seq,
				      const struct naming *naming,
				      struct err *err);
MUST_CHECK enum err_code naming_walk(const struct view *view,
				     const struct feed_record *feed,
				     naming_visit_fn *visit, void *context,
				     struct err *err);

/* ---- feed_apply.c ---- */

/* What a delta takes effect in. */
enum apply {
	APPLY_BALANCES = 1,  /* and the count of rows and void ones */
	APPLY_TRANSFERS = 2, /* store/transfer.h */
	APPLY_REST = 4,      /* roster, latest entries, the feed's own end */
	APPLY_ALL = 7,
};

/* A delta of @feed, whose entries are in the desk's arena, takes effect. */
struct applying {
	struct feed_desk *desk;
	struct txn *txn;
	struct feed_record *feed;     /* changed as it goes */
	unsigned what;                /* bits of enum apply */
	bool has_fence;               /* set: the roster ends some feed */
	bool has_parent;              /* set: who went before this box */
	struct feed_record *replayed; /* feed_refold.c: as it came out */
	struct feed_law law;
	bool is_ours;         /* this box's journal has said it, or will */
	struct naming naming; /* of the delta under way */
};
/* @first is the number of the arena's first entry. */
MUST_CHECK enum err_code delta_apply(struct applying *applying, uint64_t first,
				     struct err *err);

/*
 * Lets @delta, the next of @applying->feed, take effect, and moves the head
 * over it. Writes neither the delta nor the record.
 */
MUST_CHECK enum err_code delta_enter(struct applying *applying,
				     const struct delta *delta,
				     const uint8_t hash[HASH_SIZE],
				     struct err *err);
/* Moves the head of @feed over @delta. */
void feed_advance(struct feed_record *feed, const struct delta_header *header,
		  const uint8_t hash[HASH_SIZE]);

/* ---- feed_refold.c ---- */

/* The record of @id as it was when @seq was its head; nothing is counted. */
MUST_CHECK enum err_code feed_record_at(const struct view *view,
					struct feed_id id, uint64_t seq,
					struct feed_record *ret_feed,
					struct err *err);
/*
 * Folds @feed's balances, rows and void rows again from its stored deltas, up
 * to @feed->counted, and stores the record.
 */
MUST_CHECK enum err_code feed_refold(struct feed_desk *desk, struct txn *txn,
				     struct feed_record *feed, struct err *err);
/* Folds what is late of @feed, and stores the record. */
MUST_CHECK enum err_code late_fold(struct feed_desk *desk, struct txn *txn,
				   struct feed_record *feed, struct err *err);
/* Lets what the roster ends take effect on the feeds that are here. */
MUST_CHECK enum err_code feed_fences_apply(struct feed_desk *desk,
					   struct txn *txn, struct err *err);
/* The state that goes with where a feed ends. */
void feed_settle(struct feed_record *feed, uint64_t limit);

/* Folds a feed's balances again, and what its site says of transfers. */
MUST_CHECK enum err_code feed_fold_again(struct feed_desk *desk,
					 struct txn *txn,
					 struct feed_record *feed,
					 struct err *err);

/*
 * Who went before whom on this box's own site is known better than it was: what
 * an epoch says of transfers may have been folded as another's, and is in the
 * journal or comes to be. Folds them again.
 */
MUST_CHECK enum err_code feed_line_again(struct feed_desk *desk,
					 struct txn *txn, struct err *err);

/* ---- feed_told.c ---- */

/* As told_elsewhere, for the writer. */
MUST_CHECK enum err_code told_of_desk(struct feed_desk *desk,
				      const struct view *view,
				      const struct told_entry *what,
				      bool *ret_is, struct err *err);
/* Entries @range of @feed came, went, or count otherwise than they did: folds
 * again the feeds in which their words stand as well. */
struct told_range {
	uint64_t first;
	uint64_t last;
	uint64_t came_from; /* the branch in which they stood; 0: in none */
};
MUST_CHECK enum err_code told_settle(struct feed_desk *desk, struct txn *txn,
				     const struct feed_record *feed,
				     const struct told_range *range,
				     struct err *err);

/* ---- feed_latest.c ---- */

MUST_CHECK enum err_code latest_fold(struct txn *txn, uint32_t site,
				     struct pos pos, const struct entry *entry,
				     struct err *err);
/* Forgets all of @site's; the caller folds its feeds anew. */
MUST_CHECK enum err_code latest_clear(struct txn *txn, uint32_t site,
				      struct err *err);

/* ---- fork.c ---- */

/* The lowest seq that a proof of @id's epoch is about; UINT64_MAX: none is. */
MUST_CHECK enum err_code fork_first(const struct view *view, struct feed_id id,
				    uint64_t *ret_seq, struct err *err);

/* Begins the branches of proofs that @feed, whose head just moved, has come
 * to. */
MUST_CHECK enum err_code fork_reached(struct feed_desk *desk, struct txn *txn,
				      struct feed_record *feed,
				      struct err *err);

#endif
