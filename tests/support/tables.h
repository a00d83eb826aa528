/*
 * tables - an empty store with a transaction under way, for tests of one
 * table's module.
 */
#ifndef DEPOT_TESTS_SUPPORT_TABLES_H
#define DEPOT_TESTS_SUPPORT_TABLES_H

#include "store/row.h"
#include "tests/support/store.h"

struct tables {
	struct scratch scratch;
	char path[SCRATCH_PATH_SIZE];
	struct env *env;
	struct txn *txn;
	struct err err;
};

static inline void tables_begin(struct tables *t)
{
	assert_done(env_open(t->path, ENV_WRITE, &t->env, &t->err), &t->err);
	assert_done(txn_begin(t->env, &t->txn, &t->err), &t->err);
}

static inline void tables_open(struct tables *t, uint64_t map_size)
{
	scratch_make(&t->scratch);
	scratch_path(&t->scratch, "store", t->path);
	assert_done(env_create(t->path, map_size, NULL, NULL, &t->err),
		    &t->err);
	tables_begin(t);
}

/* What was written so far stays; a new transaction begins. */
static inline void tables_commit(struct tables *t)
{
	assert_done(txn_commit(t->txn, &t->err), &t->err);
	t->txn = NULL;
	assert_done(txn_begin(t->env, &t->txn, &t->err), &t->err);
}

/* What was written since the last commit is gone; a new one begins. */
static inline void tables_abandon(struct tables *t)
{
	txn_abandon(t->txn);
	t->txn = NULL;
	assert_done(txn_begin(t->env, &t->txn, &t->err), &t->err);
}

/* Commits, closes the store and opens it again, as a restart does. */
static inline void tables_reopen(struct tables *t)
{
	assert_done(txn_commit(t->txn, &t->err), &t->err);
	t->txn = NULL;
	env_close(t->env);
	tables_begin(t);
}

static inline void tables_close(struct tables *t)
{
	txn_abandon(t->txn);
	env_close(t->env);
	store_remove(t->path);
	scratch_remove(&t->scratch);
}

static inline uint64_t tables_rows(const struct tables *t, enum table table)
{
	uint64_t count;

	assert_code(view_count(txn_view(t->txn), table, &count, NULL), ERR_OK);
	return count;
}

/* Asserts that the row @key is there and holds @value, byte for byte, before
 * its checksum, which fits. Both are in hex. */
static inline void assert_row(const struct tables *t, enum table table,
			      const char *key, const char *value)
{
	char hex[1024] = "";
	char bytes[128];
	struct reader found;
	size_t size = strlen(key) / 2;

	assert_true(size <= sizeof(bytes));
	for (size_t i = 0; i < size; i++) {
		char pair[3] = {key[2 * i], key[2 * i + 1], '\0'};

		bytes[i] = (char)strtoull(pair, NULL, 16);
	}
	assert_code(row_get(txn_view(t->txn), table, (struct span){bytes, size},
			    &found, NULL),
		    ERR_OK);
	assert_true(2 * found.size < sizeof(hex));
	for (size_t i = 0; i < found.size; i++)
		assert_true(text_format(hex + 2 * i, 3, "%02x",
					(unsigned)found.data[i]));
	assert_string_equal(hex, value);
}

struct tables_damage {
	char key[128];
	size_t key_size;
	char value[8192];
	size_t value_size;
	uint64_t left; /* rows to pass before the one wanted */
};

static inline enum err_code tables_damage_visit(void *context, struct span key,
						struct span value,
						struct err *err)
{
	struct tables_damage *damage = context;

	(void)err;
	if (damage->left-- > 0)
		return ERR_OK;
	assert_true(key.size <= sizeof(damage->key));
	assert_true(value.size <= sizeof(damage->value));
	memcpy(damage->key, key.data, key.size);
	memcpy(damage->value, value.data, value.size);
	damage->key_size = key.size;
	damage->value_size = value.size;
	return ERR_STOPPED;
}

/* Flips one bit of the value of the row at @index of @table. */
static inline void tables_flip(struct tables *t, enum table table,
			       uint64_t index)
{
	static struct tables_damage damage;
	struct span all = {"", 0};

	damage.left = index;
	assert_code(view_walk(txn_view(t->txn), table, all, all,
			      tables_damage_visit, &damage, NULL),
		    ERR_STOPPED);
	damage.value[damage.value_size / 2] ^= 4;
	assert_done(txn_put(t->txn, table,
			    (struct span){damage.key, damage.key_size},
			    (struct span){damage.value, damage.value_size},
			    &t->err),
		    &t->err);
}

#endif
