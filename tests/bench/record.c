#include "tests/bench/record.h"

#include <string.h>

#include <lmdb.h>

#include "store/env.h"
#include "tests/bench/bench.h"

/* One step; a key and a value follow a put. */
struct step {
	MDB_dbi table;
	unsigned flags;
	uint32_t key_size; /* 0: a commit */
	uint32_t value_size;
};

static struct record *running;

static void add(struct record *record, const void *bytes, size_t size)
{
	if (size > record->capacity - record->size) {
		record->capacity = 2 * record->capacity + size;
		record->bytes = realloc(record->bytes, record->capacity);
		if (record->bytes == NULL)
			bench_die("out of memory");
	}
	memcpy(record->bytes + record->size, bytes, size);
	record->size += size;
}

int __real_mdb_cursor_put(MDB_cursor *cursor, MDB_val *key, MDB_val *value,
			  unsigned flags);
int __wrap_mdb_cursor_put(MDB_cursor *cursor, MDB_val *key, MDB_val *value,
			  unsigned flags);
int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);

int __wrap_mdb_cursor_put(MDB_cursor *cursor, MDB_val *key, MDB_val *value,
			  unsigned flags)
{
	struct step step = {mdb_cursor_dbi(cursor), flags,
			    (uint32_t)key->mv_size, (uint32_t)value->mv_size};

	if (running != NULL) {
		add(running, &step, sizeof(step));
		add(running, key->mv_data, key->mv_size);
		add(running, value->mv_data, value->mv_size);
		running->puts++;
		running->put_size += key->mv_size + value->mv_size;
	}
	return __real_mdb_cursor_put(cursor, key, value, flags);
}

int __wrap_mdb_txn_commit(MDB_txn *txn)
{
	static const struct step commit;

	if (running != NULL) {
		add(running, &commit, sizeof(commit));
		running->commits++;
	}
	return __real_mdb_txn_commit(txn);
}

void record_start(struct record *record)
{
	running = record;
}

void record_stop(void)
{
	running = NULL;
}

void record_release(struct record *record)
{
	free(record->bytes);
	*record = (struct record){.bytes = NULL};
}

/* ---- the replay ---- */

static void must(int number, const char *what)
{
	if (number != 0)
		bench_die("%s: %s", what, mdb_strerror(number));
}

/* Opened in the order in which the store opens them, the tables have the same
 * handles. */
static MDB_env *plain_open(const char *path)
{
	MDB_env *env;
	MDB_txn *txn;

	must(mdb_env_create(&env), "create");
	must(mdb_env_set_maxdbs(env, TABLE_COUNT), "create");
	must(mdb_env_open(env, path, MDB_NOTLS, 0600), "open");
	must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), "begin");
	for (size_t i = 0; i < TABLE_COUNT; i++) {
		MDB_dbi table;

		if (i == TABLE_META || i == TABLE_PROMISE)
			continue; /* in the tree of another: env.h */
		must(mdb_dbi_open(txn, table_name((enum table)i), 0, &table),
		     "open a table");
	}
	must(mdb_txn_commit(txn), "open tables");
	return env;
}

static size_t step_run(MDB_txn *txn, const uint8_t *at, const struct step *step)
{
	MDB_val key = {step->key_size, (void *)(uintptr_t)at};
	MDB_val value = {step->value_size,
			 (void *)(uintptr_t)(at + step->key_size)};

	must(mdb_put(txn, step->table, &key, &value, step->flags), "put");
	return (size_t)step->key_size + step->value_size;
}

double record_replay(const struct record *record, const char *path)
{
	MDB_env *env = plain_open(path);
	MDB_txn *txn = NULL;
	uint64_t began = bench_now_ns();
	double seconds;
	size_t at = 0;

	while (at < record->size) {
		struct step step;

		memcpy(&step, record->bytes + at, sizeof(step));
		at += sizeof(step);
		if (txn == NULL)
			must(mdb_txn_begin(env, NULL, 0, &txn), "begin");
		if (step.key_size > 0) {
			at += step_run(txn, record->bytes + at, &step);
		} else {
			must(mdb_txn_commit(txn), "commit");
			txn = NULL;
		}
	}
	seconds = bench_seconds(began);
	mdb_env_close(env);
	return seconds;
}
