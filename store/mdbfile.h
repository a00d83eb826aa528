/*
 * mdbfile - the frame of data.mdb, judged before LMDB maps it.
 *
 * Layer     store; knows LMDB's file format (data version 1), not its library
 * Threads   any
 * On disk   docs/format/store.md
 *
 * LMDB 0.9.24 believes what its first two pages say: a file cut short is a
 * SIGBUS, a page size of 0 a SIGFPE, a wild root page number a SIGSEGV. So
 * the frame is judged first: the two meta pages, the roots that the newer one
 * names, and the list of tables. Damage further inside is not seen here; rows
 * carry checksums, and a doubtful file is verified in a child process.
 */
#ifndef DEPOT_STORE_MDBFILE_H
#define DEPOT_STORE_MDBFILE_H

#include <stdint.h>

#include "rules/base/err.h"

#define MDBFILE_NAME "data.mdb"
#define MDBFILE_READERS_NAME "lock.mdb"

/*
 * Judges the frame of the file at @path, which a writer may be changing
 * meanwhile.
 *
 * ERR_NOT_FOUND  there is no such file
 * ERR_CORRUPT    LMDB must not see it; the text says what is wrong
 * ERR_IO         it cannot be read
 */
MUST_CHECK enum err_code mdbfile_check(const char *path, struct err *err);

/*
 * Says in both meta pages of the file behind @fd, which has passed
 * mdbfile_check and which nobody else has open, that its map has @map_size
 * bytes. Not synced.
 *
 * ERR_INVALID  the map would be smaller than what it holds
 */
MUST_CHECK enum err_code mdbfile_resize(int fd, uint64_t map_size,
					struct err *err);

/*
 * Gives LMDB's table of readers in @folder its place on the disk. LMDB writes
 * it through a map, where a full disk would be a SIGBUS. This process must not
 * have the store open: LMDB's locks are on that file.
 */
MUST_CHECK enum err_code mdbfile_readers_allocate(const char *folder,
						  struct err *err);

#endif
