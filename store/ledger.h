/*
 * ledger - a site's open store: who it is, and batches of entries.
 *
 * Layer     store
 * Threads   a batch: the writer (keeper, or a CLI command under the lock);
 *           views for reading: any
 *
 * What always holds after a batch_commit that returned ERR_OK:
 *   - its entries are in the journal, in the order of posting, and folded into
 *     every derived table; the head says so; all of it is on disk;
 *   - whatever else the batch wrote (seen, parked, sessions, the ring's
 *     number) is on disk with it, or nothing of it is.
 */
#ifndef DEPOT_STORE_LEDGER_H
#define DEPOT_STORE_LEDGER_H

#include "rules/ledger/entry.h"
#include "store/env.h"
#include "store/file.h"
#include "store/journal.h"

struct ledger;
struct batch;

/*
 * Founds a network of one at @path: root key, site, epoch 1, the first entry.
 * @founding's public_key is made here, and its net_id unless it is given: a
 * site that joins a network has that network's id and no root key. Errors as
 * env_create; ERR_CONFLICT also when keys of an earlier store lie beside @path:
 * they are never replaced. Those of a founding that a crash cut short are
 * (store/founding_mark.h).
 */
struct ledger_plan {
	struct founding founding;
	uint64_t map_size; /* bytes */
	struct moment now;
	bool clock_trusted;
};
MUST_CHECK enum err_code ledger_create(const char *path,
				       const struct ledger_plan *plan,
				       struct err *err);

/*
 * Opens the store at @path and checks the last entries against the head.
 * For writing, a store of an older format is upgraded first, and a rebuild that
 * was cut short finished; for reading, that one is ERR_AGAIN. Else errors as
 * env_open; ERR_CORRUPT also when the tail of the journal does not fit the
 * head.
 */
MUST_CHECK enum err_code ledger_open(const char *path, enum env_mode mode,
				     struct ledger **ret_ledger,
				     struct err *err);
/* Takes NULL. */
void ledger_close(struct ledger *ledger);

struct env *ledger_env(struct ledger *ledger);
/* Who this store is; valid until ledger_close. */
const struct founding *ledger_identity(const struct ledger *ledger);

/* Who this store was before it joined a network under another name.
 * ERR_NOT_FOUND  it was nobody else (@err untouched) */
MUST_CHECK enum err_code ledger_former(const struct view *view,
				       const struct founding *identity,
				       struct founding *ret_founding,
				       struct err *err);

/* The end of the journal as @view sees it. ERR_AGAIN: a rebuild is under way,
 * and none of the derived tables is whole. */
MUST_CHECK enum err_code ledger_head(const struct view *view,
				     struct journal_head *ret_head,
				     struct err *err);
/* The last ring slot whose effects @view has; 0: none. */
MUST_CHECK enum err_code ledger_ring(const struct view *view,
				     uint64_t *ret_number, struct err *err);

/* The folder of @path's keys, into @folder of FILE_PATH_SIZE bytes.
 * ERR_INVALID  too long */
MUST_CHECK enum err_code ledger_keys_folder(const char *path, char *folder,
					    struct err *err);

/*
 * Begins the next life of the journal: @plan's epoch, which must be beyond the
 * present one, opens with a founding that names the end of this one. The same
 * organisation, site and network, unless a network of one joins another (then
 * ERR_CONFLICT where it has a number already); another key, made with
 * keys_make.
 *
 * Errors as batch_post and batch_commit.
 */
struct epoch_plan {
	uint32_t epoch;
	uint8_t public_key[32];
	struct moment now;
	bool clock_trusted;
	/* What belongs to that commit behind the founding; NULL: nothing. */
	enum err_code (*also)(void *context, struct batch *batch,
			      struct err *err);
	void *context;
	/* A network of one that joins another: its new organisation, name, zone
	 * and network. NULL: it stays what it is. Not while others read the
	 * ledger's identity. */
	const struct founding *joins;
};
MUST_CHECK enum err_code ledger_epoch_open(struct ledger *ledger,
					   const struct epoch_plan *plan,
					   struct err *err);

/* ---- writing ---- */

/*
 * Begins a batch at the time @now, which every entry of it is stamped with
 * (batch_time moves it on). One at a time.
 */
MUST_CHECK enum err_code batch_begin(struct ledger *ledger,
				     struct batch **ret_batch, struct err *err);
/* Sets the clock for the entries that follow. */
void batch_time(struct batch *batch, struct moment now, bool is_trusted);
struct moment batch_now(const struct batch *batch);
bool batch_clock_trusted(const struct batch *batch);

/* Sees what the batch has written so far. */
const struct view *batch_view(struct batch *batch);
struct txn *batch_txn(struct batch *batch);
/* Pos that the next entry posted will have. */
struct pos batch_next(const struct batch *batch);

/*
 * Posts @entry: journals and folds it. Sets its stamp and clock flags, and its
 * effective time to the batch's when it is 0; what is told again keeps its own.
 *
 * ERR_CONFLICT, ERR_OVERFLOW, ERR_INVALID  as fold_entry; the batch is then
 *     good for nothing but batch_abandon, so look before you post
 * ERR_FULL  no room in the map; likewise
 */
MUST_CHECK enum err_code batch_post(struct batch *batch, struct entry *entry,
				    struct pos *ret_pos, struct err *err);

/*
 * Posts an entry that this journal had once, as peers give it back: with the
 * stamp and the times that it had then. Its stamp must be after the head's.
 * Errors as batch_post.
 */
MUST_CHECK enum err_code
batch_restore(struct batch *batch, const struct entry *entry, struct err *err);

/* Notes that the ring's slots up to @number are taken by this batch. */
void batch_ring(struct batch *batch, uint64_t number);

/* Commits and ends the batch. Errors as txn_commit; a batch in which a post
 * failed commits nothing and gets that post's code. */
MUST_CHECK enum err_code batch_commit(struct batch *batch, struct err *err);
/* Takes NULL. */
void batch_abandon(struct batch *batch);

#endif
