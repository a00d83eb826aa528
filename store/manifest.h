/*
 * manifest - the text file that says what a backup holds.
 *
 * Layer     store; part of backup
 * Threads   any
 * On disk   docs/format/tables.md
 */
#ifndef DEPOT_STORE_MANIFEST_H
#define DEPOT_STORE_MANIFEST_H

#include "store/backup.h"

#define MANIFEST_SIZE_MAX 1024

/* Writes @info's manifest as the new file @path, and syncs it. */
MUST_CHECK enum err_code manifest_write(const char *path,
					const struct backup_info *info,
					struct err *err);

/* ERR_NOT_FOUND, ERR_CORRUPT, ERR_VERSION: as backup_read. */
MUST_CHECK enum err_code
manifest_read(const char *path, struct backup_info *ret_info, struct err *err);

#endif
