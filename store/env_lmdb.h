/*
 * env_lmdb - what env.c and env_rows.c share, and the home of lmdb.h: no
 * other file includes either.
 *
 * Layer     store
 * Threads   as in env.h
 */
#ifndef DEPOT_STORE_ENV_LMDB_H
#define DEPOT_STORE_ENV_LMDB_H

#include <lmdb.h>
#include <pthread.h>

#include "store/env.h"
#include "store/file.h"
#include "store/lock.h"

struct view {
	struct env *env;
	MDB_txn *txn; /* in a pooled view that is not in use: reset */
	bool is_used;
};

struct txn {
	struct view view;
	enum err_code failure; /* ERR_OK, or what spoiled the transaction */
	/* One a table, opened when it is first needed: LMDB looks on the page
	 * where a cursor stands before it goes down the tree from its root,
	 * and the rows of a movement lie near each other. */
	MDB_cursor *cursors[TABLE_COUNT];
};

struct env {
	MDB_env *mdb;
	MDB_dbi tables[TABLE_COUNT];
	size_t tables_count; /* of an older store: the first so many are there
			      */
	uint32_t format;
	struct lock lock;
	bool is_allocated;
	struct txn txn; /* the one there can be */
	pthread_mutex_t views_mutex;
	struct view views[ENV_VIEWS_MAX];
	char path[FILE_PATH_SIZE];
	struct claim claim;
};

/* Sets @err to "@what @name: " and what LMDB's @number (not 0) means and asks
 * for; returns the code for it. */
enum err_code env_failed(struct err *err, int number, const char *what,
			 const char *name);

/* Whether the store is of a format that did not have @table yet. */
static inline bool table_is_absent(const struct env *env, enum table table)
{
	return (size_t)table >= env->tables_count;
}

/* @number, or ENOSPC if that is what it comes from. */
int env_full_disk(const struct env *env, int number);

#endif
