/*
 * manifest - the text file that says what a backup holds.
 *
 * Layer     store; part of backup
 * Threads   any
 * On disk   docs/format/tables.md
 */
#ifndef DEPOT_STORE_MANIFEST_H
#define DEPOT_STORE_MANIFEST_H

#include "rules/base/err.h"
#include "rules/base/ids.h"
#include "rules/base/stamp.h"

#define MANIFEST_SIZE_MAX 1024

/* What the manifest says. */
struct backup_info {
	struct name org;
	struct name site;
	uint8_t net_id[16];
	struct pos pos;    /* the journal's end */
	uint64_t chain;    /* its last entry's checksum */
	uint64_t entries;  /* in the journal */
	uint64_t items;    /* that have a number */
	uint64_t map_size; /* of the store that was backed up */
	struct moment made;
};

/* Writes @info's manifest as the new file @path, and syncs it. */
MUST_CHECK enum err_code manifest_write(const char *path,
					const struct backup_info *info,
					struct err *err);

/* ERR_NOT_FOUND, ERR_CORRUPT, ERR_VERSION: as backup_read. */
MUST_CHECK enum err_code
manifest_read(const char *path, struct backup_info *ret_info, struct err *err);

#endif
