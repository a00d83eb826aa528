/*
 * env - the one LMDB environment: tables, transactions, walks.
 *
 * Layer     store; only env.c and env_rows.c know LMDB, through env_lmdb.h
 * Threads   one struct txn at a time in the whole process (the keeper's); up
 *           to ENV_VIEWS_MAX views, each used by one thread at a time
 * On disk   docs/format/store.md; a folder with data.mdb, lock.mdb and
 *           writer.lock
 *
 * What always holds:
 *   - after a commit that returned ERR_OK, a power cut at any moment leaves
 *     either exactly what was committed or something newer;
 *   - a folder with the store's name holds a whole store or does not exist:
 *     it is created under another name, synced and renamed;
 *   - the map's size is what env_create was told, and the file has been
 *     allocated to that size (unless the file system cannot), so that a full
 *     disk cannot stop a commit. Only a copy (env_copy) has another one;
 *   - at most one process holds the store for writing: writer.lock (flock).
 *
 * Default LMDB sync only. Not used, each has lost data somewhere: NOSYNC,
 * NOMETASYNC, WRITEMAP, NOLOCK, DUPSORT, nested transactions.
 *
 * Rows are plain spans here. What a row means, and its checksum, are the
 * business of the table's own module.
 */
#ifndef DEPOT_STORE_ENV_H
#define DEPOT_STORE_ENV_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/err.h"
#include "rules/base/text.h"

/* The tables. Their names on disk are in env.c and never change meaning; nor do
 * their numbers, which are in every row's checksum: a new one goes to the end.
 */
enum table {
	TABLE_META,        /* name -> value */
	TABLE_JOURNAL,     /* epoch, pos -> entry */
	TABLE_BALANCE,     /* item, place -> cells by condition and lot */
	TABLE_HELD,        /* place, item: was ever held there */
	TABLE_ITEM,        /* item_no -> item */
	TABLE_SKU,         /* sku -> item_no */
	TABLE_ITEM_NAME,   /* item_no -> sku */
	TABLE_CODE,        /* code -> item_no, pack */
	TABLE_PLACE,       /* place_no -> place */
	TABLE_PLACE_NAME,  /* kind, name -> place_no */
	TABLE_BIN,         /* bin name -> bin */
	TABLE_LOT,         /* item_no, lot -> expiry */
	TABLE_SERIAL,      /* item_no, serial (item 0: SSCC) -> place */
	TABLE_DEVICE,      /* device name -> device */
	TABLE_ACCOUNT,     /* account name -> account */
	TABLE_PROMISE,     /* item_no, ENV_LODGER, order -> units for it */
	TABLE_DOCUMENT,    /* kind, id -> document (orders, counts ...) */
	TABLE_TASK,        /* task id -> task */
	TABLE_ALERT,       /* alert id -> alert */
	TABLE_SEEN,        /* device_no, boot, seq -> result */
	TABLE_SESSION,     /* device_no -> scanner session */
	TABLE_PARKED,      /* number -> raw input and reason */
	TABLE_OBSERVATION, /* time, device -> raw observation */
	TABLE_PRIVATE,     /* never leaves the box */
	TABLE_ASKED,       /* account, id of a command -> its reply */
	/* since format 2 */
	TABLE_TRANSFER,     /* transfer id -> what its two sites say of it */
	TABLE_DELTA,        /* site, epoch, seq -> sealed delta */
	TABLE_FEED,         /* site, epoch -> state of that feed */
	TABLE_SITE_BALANCE, /* other sites' balances, by feed */
	TABLE_ROSTER,       /* who belongs to the network */
	TABLE_PEER,         /* cursors of those we exchange deltas with */
	TABLE_COUNT
};

/*
 * Two tables have no tree of their own on disk, because each page that a commit
 * touches costs it 4 KiB:
 *
 * META lies in LMDB's list of tables, which every commit writes; a table's name
 * is no key of META. PROMISE lies in the tree of BALANCE, each promise behind
 * the balances of its item, for a movement writes both; there only a promise's
 * key has ENV_LODGER (u32) behind its first four bytes, where that of a balance
 * has a place. Counting or clearing META, BALANCE or PROMISE walks over what
 * they share.
 */
#define ENV_LODGER UINT32_MAX

/* The table's name, on disk and for sentences. Never NULL. */
const char *table_name(enum table table);

/*
 * Format 1 ended with ASKED. A store of format 1 can be read: the tables that
 * it does not have are empty. Before anything is written to it, it has to be
 * upgraded.
 */
#define ENV_FORMAT_VERSION 2

/* In TABLE_META: u32, the version of the store's format. */
#define ENV_FORMAT_KEY "format"

/* Keys have 1 to this many bytes. */
#define ENV_KEY_SIZE_MAX 511

/* Snapshots open at once in one process. */
#define ENV_VIEWS_MAX 64

#define ENV_MAP_SIZE_MIN (UINT64_C(1) << 20)

/* What to do about a damaged store; at the end of a sentence, behind ": ". */
#define ENV_ADVICE "run depot verify; depot restore brings back a backup"

struct env;
struct view; /* a consistent read: a snapshot, or a transaction's own */
struct txn;  /* the write transaction */

enum env_mode {
	ENV_READ,  /* beside a writer in another process */
	ENV_WRITE, /* takes writer.lock */
};

/*
 * Creates an empty store folder at @path for a map of @map_size bytes (a
 * multiple of the page size, at least ENV_MAP_SIZE_MIN) in which @fill (may be
 * NULL), called once with a write transaction, lays the first rows.
 * Everything is on disk under its final name when this returns ERR_OK; on
 * failure nothing of that name exists.
 *
 * ERR_INVALID   @map_size or @path will not do
 * ERR_CONFLICT  @path exists already
 * ERR_AGAIN     another process is creating it
 * ERR_FULL      the disk has no room for the map
 * ERR_IO        anything else that the system refused
 */
typedef enum err_code env_fill_fn(void *context, struct txn *txn,
				  struct err *err);
MUST_CHECK enum err_code env_create(const char *path, uint64_t map_size,
				    env_fill_fn *fill, void *context,
				    struct err *err);

/* ERR_CONFLICT  something of that name is there already; ERR_IO as usual */
MUST_CHECK enum err_code env_absent(const char *path, struct err *err);

/*
 * Opens the store at @path. @ret_env is owned by the caller until env_close.
 *
 * For writing, what the disk still owes of the map is allocated first; if
 * the disk is too full for that, the store opens all the same, and
 * env_usage.is_allocated is false.
 *
 * ERR_NOT_COMMISSIONED  nothing is there: say so, never create one instead
 * ERR_AGAIN             another process writes it (the text names its pid), or
 *                       this one has it open already, in whatever mode
 * ERR_VERSION           its format is newer than ENV_FORMAT_VERSION
 * ERR_CORRUPT           the files are not a store (too short, no meta page);
 *                       checked before LMDB maps them. The caller says
 *                       "depot verify"
 * ERR_IO                read-only disk, permissions ...
 */
MUST_CHECK enum err_code env_open(const char *path, enum env_mode mode,
				  struct env **ret_env, struct err *err);
/* Takes NULL. All views and transactions must have ended. */
void env_close(struct env *env);

/* The format of the store, at most ENV_FORMAT_VERSION. */
uint32_t env_format(const struct env *env);

/*
 * Makes a store of ENV_FORMAT_VERSION of an older one that is open for
 * writing, in one transaction: the tables that it lacks, then what @fill (may
 * be NULL) lays into them, then the version. After a failure the store is what
 * it was, and @env good for env_close only. Does nothing to a store of today's
 * format. The opener's thread, before there are views.
 *
 * ERR_FULL, ERR_IO  as txn_commit
 */
MUST_CHECK enum err_code env_upgrade(struct env *env, env_fill_fn *fill,
				     void *context, struct err *err);

struct env_usage {
	uint64_t map_size;   /* bytes */
	uint64_t used;       /* bytes up to the last used page */
	uint64_t free_size;  /* bytes in pages inside that can be used again */
	uint64_t room;       /* bytes that commits can still take, of the map
			      * and, where it is not allocated, of the disk */
	uint32_t readers;    /* snapshots of all processes, this moment */
	uint64_t oldest_lag; /* commits since the oldest of them began; one that
			      * is forgotten makes the file grow and grow */
	bool is_allocated;   /* no commit can fail for want of disk */
};
/* Walks the list of free pages: once a second, not once a reading. */
MUST_CHECK enum err_code env_usage(struct env *env, struct env_usage *ret_usage,
				   struct err *err);

/* Clears reader slots of dead processes. Once a minute, any thread. */
MUST_CHECK enum err_code
env_reader_check(struct env *env, uint32_t *ret_cleared, struct err *err);

/*
 * Copies the store, as of one moment, compacted, to a new folder @path whose
 * map is @map_size (0: as it is), synced and renamed into place. Writers go on
 * meanwhile. Backup and offline resize are both this. Any thread, except
 * within its own transaction. Holds a snapshot as long as it takes.
 *
 * ERR_INVALID   @map_size or @path will not do, or it is smaller than the rows
 * ERR_CONFLICT  @path exists already
 * ERR_AGAIN     another process is making that copy
 * ERR_FULL      the disk has no room for it
 * ERR_CORRUPT   LMDB noticed damage
 */
MUST_CHECK enum err_code env_copy(struct env *env, const char *path,
				  uint64_t map_size, struct err *err);

/* ---- reading ---- */

/*
 * Begins a snapshot. Keep it under 5 s: the pages of everything that changes
 * meanwhile cannot be used again. *@ret_view is owned until view_end. Views
 * are pooled: after the first few, beginning one allocates nothing. It may be
 * handed to another thread.
 *
 * ERR_AGAIN  ENV_VIEWS_MAX are open, or too many in all processes
 */
MUST_CHECK enum err_code view_begin(struct env *env, struct view **ret_view,
				    struct err *err);
/* Takes NULL. */
void view_end(struct view *view);

/*
 * Finds @key. The value is borrowed: valid until the view ends, or, in a
 * transaction's view, until the next put or delete.
 *
 * ERR_NOT_FOUND  there is no such row (@err untouched: it is no accident)
 * ERR_CORRUPT    LMDB noticed damage
 */
MUST_CHECK enum err_code view_get(const struct view *view, enum table table,
				  struct span key, struct span *ret_value,
				  struct err *err);

/* Rows in @table. */
MUST_CHECK enum err_code view_count(const struct view *view, enum table table,
				    uint64_t *ret_count, struct err *err);

/*
 * Calls @visit for each row whose key is at or after @from and starts with
 * @prefix (which may be empty), in key order. Key and value are borrowed
 * until @visit returns. What @visit returns, if not ERR_OK, ends the walk and
 * is the result; ERR_STOPPED is the polite way to say "enough". @visit must
 * not write to @table.
 */
typedef enum err_code view_visit_fn(void *context, struct span key,
				    struct span value, struct err *err);
MUST_CHECK enum err_code view_walk(const struct view *view, enum table table,
				   struct span from, struct span prefix,
				   view_visit_fn *visit, void *context,
				   struct err *err);

/*
 * The last row whose key starts with @prefix. Not of META, BALANCE, PROMISE.
 * ERR_NOT_FOUND  there is none
 */
MUST_CHECK enum err_code view_last(const struct view *view, enum table table,
				   struct span prefix, struct span *ret_key,
				   struct span *ret_value, struct err *err);

/* ---- writing: the keeper only ---- */

MUST_CHECK enum err_code txn_begin(struct env *env, struct txn **ret_txn,
				   struct err *err);
/*
 * Makes everything durable. ERR_FULL: map or disk; ERR_IO: the disk. On
 * failure nothing of the transaction is in the store. Ends @txn either way. A
 * transaction in which a step failed as below commits nothing and gets the
 * code of that step.
 */
MUST_CHECK enum err_code txn_commit(struct txn *txn, struct err *err);
/* Takes NULL. */
void txn_abandon(struct txn *txn);

/* The transaction's own view, which sees its uncommitted rows. Valid until
 * the transaction ends; not to be given to view_end. */
const struct view *txn_view(struct txn *txn);

/*
 * Sets the row @key to @value; both are copied.
 * ERR_FULL  the map has no room; @txn is good for nothing but txn_abandon
 */
MUST_CHECK enum err_code txn_put(struct txn *txn, enum table table,
				 struct span key, struct span value,
				 struct err *err);
/* The same for a key after all others of the table: twice as fast.
 * ERR_CONFLICT  it is not after all others */
MUST_CHECK enum err_code txn_append(struct txn *txn, enum table table,
				    struct span key, struct span value,
				    struct err *err);
/* ERR_NOT_FOUND  there is no such row (@err untouched) */
MUST_CHECK enum err_code txn_delete(struct txn *txn, enum table table,
				    struct span key, struct err *err);
/* Removes all rows of @table: rebuild's first step. */
MUST_CHECK enum err_code txn_clear(struct txn *txn, enum table table,
				   struct err *err);

#endif
