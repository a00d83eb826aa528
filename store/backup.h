/*
 * backup - a copy of the store to be carried away, and the way back.
 *
 * Layer     store
 * Threads   any; restoring: one process, before the store is there
 * On disk   docs/format/tables.md: a folder with the store, compacted, in
 *           "store", and a text file, "manifest", that says what it holds.
 *           No key is ever in it
 *
 * A restored store is not the one that was backed up: that may have gone on,
 * and told others what it did. So restoring begins the next epoch of the
 * journal, with a key of its own, and names never come twice.
 */
#ifndef DEPOT_STORE_BACKUP_H
#define DEPOT_STORE_BACKUP_H

#include "store/ledger.h"
#include "store/manifest.h"

#define BACKUP_STORE_NAME "store"
#define BACKUP_MANIFEST_NAME "manifest"

/*
 * Copies the store, as of one moment, into the new folder @to. Writers go on
 * meanwhile. The folder is whole or not there.
 *
 * ERR_CONFLICT  @to exists already
 * ERR_AGAIN     another process is making it
 * ERR_FULL, ERR_IO, ERR_INVALID, ERR_CORRUPT  as env_copy
 */
MUST_CHECK enum err_code backup_make(struct ledger *ledger, const char *to,
				     struct moment now,
				     struct backup_info *ret_info,
				     struct err *err);

/*
 * Reads what the backup in @from says of itself.
 * ERR_NOT_FOUND  there is no backup
 * ERR_CORRUPT    the manifest is not as it was written
 * ERR_VERSION    it was made by a newer depot
 */
MUST_CHECK enum err_code
backup_read(const char *from, struct backup_info *ret_info, struct err *err);

struct restore_plan {
	const char *from;
	const char *to;
	const char *scratch; /* folder for temporary files */
	uint64_t map_size;   /* 0: as it was */
	struct moment now;
	bool clock_trusted;
};

/*
 * Verifies the backup, makes the store @to from it, with the derived tables
 * rebuilt if they need it, begins its next epoch, and verifies what came out;
 * all in child processes, so that no damage reaches the caller. The store's
 * keys, in the folder beside it, are kept if there are any; the new epoch is
 * beyond every one of them, since this box has lived through those. The store
 * is whole or not there. On success *@ret_epoch is its epoch.
 *
 * In a network the epoch stays the backup's, and nothing is sealed in it any
 * more: the store is marked (site_restored_get), and the daemon asks the others
 * for what it lost before it begins the next one.
 *
 * ERR_CONFLICT  @to exists already
 * ERR_AGAIN     another process is restoring it
 * ERR_CORRUPT   the backup is damaged; nothing was made
 * and what backup_read, verify_run, env_copy and keys_make give
 */
MUST_CHECK enum err_code backup_restore(const struct restore_plan *plan,
					uint32_t *ret_epoch, struct err *err);

#endif
