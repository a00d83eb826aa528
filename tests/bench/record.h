/*
 * record - what the ledger puts into LMDB, taken down to be put again without
 * a ledger.
 *
 * The program is linked with mdb_cursor_put and mdb_txn_commit wrapped; while a
 * recording runs, each put of a write transaction and the end of each are
 * noted. A replay does the same puts (mdb_put, for it has no cursors), with the
 * same flags, to the tables of the same names, with a commit wherever there was
 * one: what any store must pay that keeps these bytes in LMDB.
 */
#ifndef DEPOT_TESTS_BENCH_RECORD_H
#define DEPOT_TESTS_BENCH_RECORD_H

#include <stddef.h>
#include <stdint.h>

struct record {
	uint8_t *bytes;
	size_t size;
	size_t capacity;
	uint64_t puts;
	uint64_t commits;
	uint64_t put_size; /* bytes of keys and values */
};

/* Appends to @record, which begins all zero, until record_stop. */
void record_start(struct record *record);
void record_stop(void);
void record_release(struct record *record);

/* Replays into the store at @path, which nobody has open. Returns seconds. */
double record_replay(const struct record *record, const char *path);

#endif
