/*
 * env - the one LMDB environment: tables, transactions, walks.
 *
 * Layer     store; env.c is the only file that includes lmdb.h
 * Threads   one struct txn at a time in the whole process (the keeper's); any
 *           number of views, each used by one thread
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
 *     disk cannot stop a commit. Only env_resize, offline, changes it;
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

/* The tables. Their names on disk are in env.c and never change meaning. */
enum table {
	TABLE_META,        /* name -> value */
	TABLE_JOURNAL,     /* epoch, pos -> entry */
	TABLE_BALANCE,     /* item, place -> cells by condition and lot */
	TABLE_HELD,        /* place, item: was ever held there */
	TABLE_ITEM,        /* item_no -> item */
	TABLE_SKU,         /* sku -> item_no */
	TABLE_CODE,        /* code -> item_no, pack */
	TABLE_PLACE,       /* place_no -> place */
	TABLE_PLACE_NAME,  /* kind, name -> place_no */
	TABLE_LOT,         /* item_no, lot -> expiry */
	TABLE_SERIAL,      /* item_no, serial (item 0: SSCC) -> place */
	TABLE_DEVICE,      /* device name -> device */
	TABLE_ACCOUNT,     /* account name -> account */
	TABLE_DOCUMENT,    /* kind, id -> document (orders, counts ...) */
	TABLE_TASK,        /* task id -> task */
	TABLE_ALERT,       /* alert id -> alert */
	TABLE_SEEN,        /* device_no, boot, seq -> result */
	TABLE_SESSION,     /* device_no -> scanner session */
	TABLE_PARKED,      /* number -> raw input and reason */
	TABLE_OBSERVATION, /* time, device -> raw observation */
	TABLE_PRIVATE,     /* never leaves the box */
	TABLE_COUNT
};

#define ENV_FORMAT_VERSION 1

struct env;
struct view; /* a consistent read: a snapshot, or a transaction's own */
struct txn;  /* the write transaction */

enum env_mode {
	ENV_READ,  /* beside a writer in another process */
	ENV_WRITE, /* takes writer.lock */
};

/*
 * Creates an empty store folder at @path for a map of @map_size bytes (a
 * multiple of the page size) in which @fill, called once with a write
 * transaction, lays the first rows. Everything is on disk under its final
 * name when this returns ERR_OK; on failure nothing of that name exists.
 *
 * ERR_CONFLICT  @path exists already
 * ERR_FULL      the disk has no room for the map
 * ERR_IO        anything else that the system refused
 */
typedef enum err_code env_fill_fn(void *context, struct txn *txn,
				  struct err *err);
MUST_CHECK enum err_code env_create(const char *path, uint64_t map_size,
				    env_fill_fn *fill, void *context,
				    struct err *err);

/*
 * Opens the store at @path. @ret_env is owned by the caller until env_close.
 *
 * ERR_NOT_COMMISSIONED  nothing is there: say so, never create one instead
 * ERR_AGAIN             another process writes it (the text names its pid)
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

struct env_usage {
	uint64_t map_size;   /* bytes */
	uint64_t used;       /* bytes up to the last used page */
	uint64_t free_pages; /* bytes in pages inside that can be used again */
	uint32_t readers;    /* reader slots in use */
};
MUST_CHECK enum err_code env_usage(struct env *env, struct env_usage *ret_usage,
				   struct err *err);

/* Clears reader slots of dead processes. Once a minute, any thread. */
MUST_CHECK enum err_code
env_reader_check(struct env *env, uint32_t *ret_cleared, struct err *err);

/*
 * Copies the store, as of one moment, compacted, to a new folder @path whose
 * map is @map_size (0: as it is), synced and renamed into place. Writers go on
 * meanwhile. Backup and offline resize are both this.
 */
MUST_CHECK enum err_code env_copy(struct env *env, const char *path,
				  uint64_t map_size, struct err *err);

/* ---- reading ---- */

/*
 * Begins a snapshot. Keep it under 5 s: the pages of everything that changes
 * meanwhile cannot be used again. *@ret_view is owned until view_end.
 */
MUST_CHECK enum err_code view_begin(struct env *env, struct view **ret_view,
				    struct err *err);
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
 * The last row whose key starts with @prefix.
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
 * failure nothing of the transaction is in the store. Ends @txn either way.
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
