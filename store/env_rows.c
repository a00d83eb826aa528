/*
 * The rows of env.h: views, walks and transactions.
 */
#include "store/env_lmdb.h"

#include <errno.h>
#include <string.h>

#include "rules/base/bytes.h"

static struct MDB_val val_of(struct span span)
{
	static const char nothing[1];
	const char *data = span.data != NULL ? span.data : nothing;

	/* LMDB takes what it only reads without const. */
	return (MDB_val){.mv_size = span.size,
			 .mv_data = (void *)(uintptr_t)data};
}

static struct span span_of_val(const MDB_val *val)
{
	return (struct span){val->mv_data, val->mv_size};
}

/* ---- views ---- */

static struct view *view_take(struct env *env)
{
	struct view *free_view = NULL;

	(void)pthread_mutex_lock(&env->views_mutex);
	/* The first free one: those at the start have a transaction to renew.
	 */
	for (size_t i = 0; i < ENV_VIEWS_MAX && free_view == NULL; i++)
		if (!env->views[i].is_used)
			free_view = &env->views[i];
	if (free_view != NULL)
		free_view->is_used = true;
	(void)pthread_mutex_unlock(&env->views_mutex);
	return free_view;
}

static void view_give(struct view *view)
{
	(void)pthread_mutex_lock(&view->env->views_mutex);
	view->is_used = false;
	(void)pthread_mutex_unlock(&view->env->views_mutex);
}

#define LOOKS_MAX 1000

/*
 * LMDB 0.9.24 takes the number of the last commit from the lock file and then
 * copies the meta page of that number. A reader that is overtaken by two
 * commits in between copies a page that is being used again: it sees a commit
 * that is newer than its number, and that may not be on the disk yet. So it
 * looks again if that may have happened.
 */
static int snapshot_begin(struct view *view)
{
	MDB_env *mdb = view->env->mdb;
	MDB_envinfo info;
	int number = view->txn != NULL
			     ? mdb_txn_renew(view->txn)
			     : mdb_txn_begin(mdb, NULL, MDB_RDONLY, &view->txn);

	for (int looks = 0; number == 0; looks++) {
		(void)mdb_env_info(mdb, &info);
		if (info.me_last_txnid < mdb_txn_id(view->txn) + 2)
			break;
		if (looks == LOOKS_MAX)
			return EBUSY;
		mdb_txn_reset(view->txn);
		number = mdb_txn_renew(view->txn);
	}
	return number;
}

enum err_code view_begin(struct env *env, struct view **ret_view,
			 struct err *err)
{
	struct view *view = view_take(env);
	int number;

	if (view == NULL)
		return err_set(err, ERR_AGAIN, "%d snapshots are open",
			       ENV_VIEWS_MAX);
	view->env = env;
	number = snapshot_begin(view);
	if (number != 0) {
		if (view->txn != NULL)
			mdb_txn_abort(view->txn);
		view->txn = NULL;
		view_give(view);
		return env_failed(err, number, "read", env->path);
	}
	*ret_view = view;
	return ERR_OK;
}

void view_end(struct view *view)
{
	if (view == NULL)
		return;
	ASSERT(view != &view->env->txn.view);
	mdb_txn_reset(view->txn);
	view_give(view);
}

/* ---- tables that share a tree: env.h, ENV_LODGER ---- */

static bool has_tree(enum table table)
{
	return table != TABLE_META && table != TABLE_BALANCE &&
	       table != TABLE_PROMISE;
}

static bool is_table_name(struct span key)
{
	for (size_t i = 0; i < TABLE_COUNT; i++)
		if (span_is(key, table_name((enum table)i)))
			return true;
	return false;
}

static bool is_lodger(struct span key)
{
	struct reader reader;

	reader_init(&reader, key.data, key.size);
	(void)read_u32(&reader);
	return read_u32(&reader) == ENV_LODGER && reader_ok(&reader);
}

/* Whether a row of the tree that @table lies in is one of @table. */
static bool is_of(enum table table, const MDB_val *key)
{
	if (has_tree(table))
		return true;
	if (table == TABLE_META)
		return !is_table_name(span_of_val(key));
	return is_lodger(span_of_val(key)) == (table == TABLE_PROMISE);
}

/* Counts the rows of @table and, if @is_deleted, removes them. */
static int rows_go(MDB_cursor *cursor, enum table table, bool is_deleted,
		   uint64_t *ret_count)
{
	MDB_val key;
	MDB_val value;
	int number = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);

	*ret_count = 0;
	while (number == 0) {
		if (is_of(table, &key)) {
			*ret_count += 1;
			number = is_deleted ? mdb_cursor_del(cursor, 0) : 0;
		}
		if (number == 0)
			number = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	return number == MDB_NOTFOUND ? 0 : number;
}

static int rows_walk(MDB_txn *txn, const struct env *env, enum table table,
		     bool is_deleted, uint64_t *ret_count)
{
	MDB_cursor *cursor;
	int number = mdb_cursor_open(txn, env->tables[table], &cursor);

	if (number != 0)
		return number;
	number = rows_go(cursor, table, is_deleted, ret_count);
	mdb_cursor_close(cursor);
	return number;
}

/* ---- reading ---- */

static int cursor_of(struct env *env, enum table table, MDB_cursor **ret_cursor)
{
	MDB_cursor **cursor = &env->txn.cursors[table];
	int number = 0;

	if (*cursor == NULL)
		number = mdb_cursor_open(env->txn.view.txn, env->tables[table],
					 cursor);
	*ret_cursor = *cursor;
	return number;
}

static int cursor_find(struct env *env, enum table table, MDB_val *key,
		       MDB_val *ret_value)
{
	MDB_cursor *cursor;
	int number = cursor_of(env, table, &cursor);

	if (number != 0)
		return number;
	return mdb_cursor_get(cursor, key, ret_value, MDB_SET_KEY);
}

enum err_code view_get(const struct view *view, enum table table,
		       struct span key, struct span *ret_value, struct err *err)
{
	MDB_val value;
	MDB_val wanted = val_of(key);
	int number;

	ASSERT((size_t)table < TABLE_COUNT);
	if (key.size == 0 || key.size > ENV_KEY_SIZE_MAX ||
	    table_is_absent(view->env, table))
		return ERR_NOT_FOUND;
	if (view == &view->env->txn.view)
		number = cursor_find(view->env, table, &wanted, &value);
	else
		number = mdb_get(view->txn, view->env->tables[table], &wanted,
				 &value);
	if (number == MDB_NOTFOUND)
		return ERR_NOT_FOUND;
	if (number != 0)
		return env_failed(err, number, "get", table_name(table));
	*ret_value = span_of_val(&value);
	return ERR_OK;
}

enum err_code view_count(const struct view *view, enum table table,
			 uint64_t *ret_count, struct err *err)
{
	MDB_stat stat;
	int number;

	ASSERT((size_t)table < TABLE_COUNT);
	if (table_is_absent(view->env, table)) {
		*ret_count = 0;
		return ERR_OK;
	}
	if (has_tree(table)) {
		number = mdb_stat(view->txn, view->env->tables[table], &stat);
		*ret_count = number == 0 ? stat.ms_entries : 0;
	} else {
		number = rows_walk(view->txn, view->env, table, false,
				   ret_count);
	}
	if (number != 0)
		return env_failed(err, number, "count", table_name(table));
	return ERR_OK;
}

static bool has_prefix(const MDB_val *key, struct span prefix)
{
	return key->mv_size >= prefix.size &&
	       (prefix.size == 0 ||
		memcmp(key->mv_data, prefix.data, prefix.size) == 0);
}

enum err_code view_walk(const struct view *view, enum table table,
			struct span from, struct span prefix,
			view_visit_fn *visit, void *context, struct err *err)
{
	struct span start = span_compare(from, prefix) < 0 ? prefix : from;
	MDB_val key = val_of(start);
	MDB_val value;
	MDB_cursor *cursor;
	enum err_code code = ERR_OK;
	int number;

	ASSERT((size_t)table < TABLE_COUNT);
	if (table_is_absent(view->env, table))
		return ERR_OK;
	number = mdb_cursor_open(view->txn, view->env->tables[table], &cursor);
	if (number != 0)
		return env_failed(err, number, "walk", table_name(table));
	number = mdb_cursor_get(cursor, &key, &value,
				start.size == 0 ? MDB_FIRST : MDB_SET_RANGE);
	while (number == 0 && code == ERR_OK && has_prefix(&key, prefix)) {
		if (is_of(table, &key))
			code = visit(context, span_of_val(&key),
				     span_of_val(&value), err);
		if (code == ERR_OK)
			number = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	if (number != 0 && number != MDB_NOTFOUND)
		return env_failed(err, number, "walk", table_name(table));
	return code;
}

/* The first key after all that start with @prefix, into @key of as many
 * bytes. An empty span if there is none: @prefix is all 0xff, or empty. */
static struct span prefix_end(struct span prefix, char *key)
{
	size_t size = prefix.size;

	while (size > 0 && (unsigned char)prefix.data[size - 1] == 0xff)
		size--;
	if (size == 0)
		return (struct span){key, 0};
	memcpy(key, prefix.data, size);
	key[size - 1]++;
	return (struct span){key, size};
}

/* To the last row before @end; before none if @end is empty. */
static int cursor_to_end(MDB_cursor *cursor, struct span end, MDB_val *key,
			 MDB_val *value)
{
	int number = MDB_NOTFOUND;

	if (end.size > 0) {
		*key = val_of(end);
		number = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
	}
	if (number == MDB_NOTFOUND)
		return mdb_cursor_get(cursor, key, value, MDB_LAST);
	if (number == 0)
		return mdb_cursor_get(cursor, key, value, MDB_PREV);
	return number;
}

enum err_code view_last(const struct view *view, enum table table,
			struct span prefix, struct span *ret_key,
			struct span *ret_value, struct err *err)
{
	char after[ENV_KEY_SIZE_MAX];
	MDB_cursor *cursor;
	MDB_val key;
	MDB_val value;
	int number;

	ASSERT((size_t)table < TABLE_COUNT && has_tree(table));
	if (prefix.size > ENV_KEY_SIZE_MAX || table_is_absent(view->env, table))
		return ERR_NOT_FOUND;
	number = mdb_cursor_open(view->txn, view->env->tables[table], &cursor);
	if (number != 0)
		return env_failed(err, number, "read", table_name(table));
	number = cursor_to_end(cursor, prefix_end(prefix, after), &key, &value);
	mdb_cursor_close(cursor);
	if (number == MDB_NOTFOUND ||
	    (number == 0 && !has_prefix(&key, prefix)))
		return ERR_NOT_FOUND;
	if (number != 0)
		return env_failed(err, number, "read", table_name(table));
	*ret_key = span_of_val(&key);
	*ret_value = span_of_val(&value);
	return ERR_OK;
}

/* ---- writing ---- */

enum err_code txn_begin(struct env *env, struct txn **ret_txn, struct err *err)
{
	struct txn *txn = &env->txn;
	int number;

	ASSERT(txn->view.txn == NULL);
	number = mdb_txn_begin(env->mdb, NULL, 0, &txn->view.txn);
	if (number != 0) {
		txn->view.txn = NULL;
		return env_failed(err, number, "write", env->path);
	}
	txn->view.env = env;
	memset(txn->cursors, 0, sizeof(txn->cursors));
	txn->failure = ERR_OK;
	*ret_txn = txn;
	return ERR_OK;
}

static void cursors_close(struct txn *txn)
{
	for (size_t i = 0; i < TABLE_COUNT; i++)
		if (txn->cursors[i] != NULL)
			mdb_cursor_close(txn->cursors[i]);
}

enum err_code txn_commit(struct txn *txn, struct err *err)
{
	const struct env *env = txn->view.env;
	enum err_code failure = txn->failure;
	int number;

	if (failure != ERR_OK) {
		txn_abandon(txn);
		return err_set(err, failure,
			       "commit: a step of the transaction had failed");
	}
	cursors_close(txn);
	number = mdb_txn_commit(txn->view.txn);
	txn->view.txn = NULL;
	if (number != 0)
		return env_failed(err, env_full_disk(env, number), "commit to",
				  env->path);
	return ERR_OK;
}

void txn_abandon(struct txn *txn)
{
	if (txn == NULL)
		return;
	cursors_close(txn);
	mdb_txn_abort(txn->view.txn);
	txn->view.txn = NULL;
}

const struct view *txn_view(struct txn *txn)
{
	return &txn->view;
}

/* Remembers what spoiled the transaction. */
static enum err_code spoiled(struct txn *txn, int number, const char *what,
			     enum table table, struct err *err)
{
	enum err_code code;

	if (number == MDB_BAD_TXN && txn->failure != ERR_OK)
		return err_set(err, txn->failure,
			       "%s %s: an earlier step had failed", what,
			       table_name(table));
	code = env_failed(err, env_full_disk(txn->view.env, number), what,
			  table_name(table));
	if (txn->failure == ERR_OK)
		txn->failure = code;
	return code;
}

static int put(struct txn *txn, enum table table, struct span key,
	       struct span value, unsigned flags)
{
	MDB_val name = val_of(key);
	MDB_val data = val_of(value);
	MDB_cursor *cursor;
	int number;

	ASSERT((size_t)table < TABLE_COUNT);
	ASSERT(!table_is_absent(txn->view.env, table));
	ASSERT(key.size >= 1 && key.size <= ENV_KEY_SIZE_MAX);
	ASSERT(is_of(table, &name));
	number = cursor_of(txn->view.env, table, &cursor);
	if (number != 0)
		return number;
	return mdb_cursor_put(cursor, &name, &data, flags);
}

enum err_code txn_put(struct txn *txn, enum table table, struct span key,
		      struct span value, struct err *err)
{
	int number = put(txn, table, key, value, 0);

	if (number != 0)
		return spoiled(txn, number, "put", table, err);
	return ERR_OK;
}

enum err_code txn_append(struct txn *txn, enum table table, struct span key,
			 struct span value, struct err *err)
{
	int number = put(txn, table, key, value, MDB_APPEND);

	if (number == MDB_KEYEXIST)
		return err_set(err, ERR_CONFLICT,
			       "append to %s: there is such a key, or a later "
			       "one",
			       table_name(table));
	if (number != 0)
		return spoiled(txn, number, "append to", table, err);
	return ERR_OK;
}

enum err_code txn_delete(struct txn *txn, enum table table, struct span key,
			 struct err *err)
{
	MDB_val name = val_of(key);
	int number;

	ASSERT((size_t)table < TABLE_COUNT);
	ASSERT(!table_is_absent(txn->view.env, table));
	ASSERT(key.size >= 1 && key.size <= ENV_KEY_SIZE_MAX);
	ASSERT(is_of(table, &name));
	number = mdb_del(txn->view.txn, txn->view.env->tables[table], &name,
			 NULL);
	if (number == MDB_NOTFOUND)
		return ERR_NOT_FOUND;
	if (number != 0)
		return spoiled(txn, number, "delete from", table, err);
	return ERR_OK;
}

enum err_code txn_clear(struct txn *txn, enum table table, struct err *err)
{
	uint64_t count;
	int number;

	ASSERT((size_t)table < TABLE_COUNT);
	ASSERT(!table_is_absent(txn->view.env, table));
	if (has_tree(table))
		number = mdb_drop(txn->view.txn, txn->view.env->tables[table],
				  0);
	else
		number = rows_walk(txn->view.txn, txn->view.env, table, true,
				   &count);
	if (number != 0)
		return spoiled(txn, number, "clear", table, err);
	return ERR_OK;
}
