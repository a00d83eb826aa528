/*
 * env_port - what opening, creating and copying a store need of LMDB.
 *
 * Layer     store; between env_open.c (folders, sentences, order of steps)
 *           and env.c (LMDB). Nobody else includes it
 * Threads   one, the opener's
 */
#ifndef DEPOT_STORE_ENV_PORT_H
#define DEPOT_STORE_ENV_PORT_H

#include "store/env.h"
#include "store/lock.h"

/* As map_size: the file is there, and its map is what it says. */
#define ENV_MAP_AS_IT_IS 0

/*
 * Starts LMDB in @folder: for a new file of @map_size bytes, or, with
 * ENV_MAP_AS_IT_IS, for one that has passed mdbfile_check. @take_lock, held
 * or not, is env_close's to release, also when this fails.
 *
 * ERR_AGAIN  this process has it open already
 */
MUST_CHECK enum err_code env_start(const char *folder, enum env_mode mode,
				   uint64_t map_size, struct lock *take_lock,
				   struct env **ret_env, struct err *err);

/* Opens the handles of the first @count tables, which are all there.
 * ERR_CORRUPT  one is not */
MUST_CHECK enum err_code env_tables_open(struct env *env, size_t count,
					 struct err *err);
/* Creates all tables that are not there. They can be used from now on. */
MUST_CHECK enum err_code env_tables_create(struct txn *txn, struct err *err);

/* What env_format tells; set by whoever has read or written it. */
void env_format_set(struct env *env, uint32_t format);

/* Gives the whole map its place on the disk, as far as it has not got it.
 * ERR_FULL  no room: commits may fail for want of it */
MUST_CHECK enum err_code env_allocate(struct env *env, struct err *err);

/* Puts on the disk what of the file is in the kernel's memory only. */
MUST_CHECK enum err_code env_sync(struct env *env, struct err *err);

/* The rows, as of one moment, into data.mdb of the empty @folder. */
MUST_CHECK enum err_code env_rows_copy(struct env *env, const char *folder,
				       struct err *err);

/* Bytes of the map. */
uint64_t env_map_size(const struct env *env);

#endif
