/*
 * No commit that env.h acknowledged is lost to a power cut, and none is half
 * there. Method: see powercut.h. The workload changes rows of three tables in
 * each commit, small ones and ones longer than a page, takes some out and
 * clears a table now and then, so that pages are used again; the check knows
 * from the number of the last commit alone what every row has to be.
 */
#include <stdlib.h>
#include <string.h>

#include "rules/base/bytes.h"
#include "store/env.h"
#include "tests/powercut/powercut.h"
#include "tests/support/check.h"

#define MAP_SIZE (UINT64_C(1) << 20)
#define SLOTS 40
#define CHANGES 5
#define VALUE_SIZE_MAX 6000
#define COMMITS_NORMAL 120
#define COMMITS_FULL 400

static const enum table tables[] = {TABLE_BALANCE, TABLE_ITEM, TABLE_SEEN};

/* The commit that last wrote each slot; 0: the row is not there. */
struct model {
	uint64_t written[ARRAY_LEN(tables)][SLOTS];
};

struct change {
	size_t table;
	size_t slot;
	bool is_removal;
};

/* The change number @index of the commit @commit. */
static struct change change_of(uint64_t commit, uint64_t index)
{
	uint64_t state = commit * 1000 + index;
	uint64_t random = test_random(&state);

	return (struct change){
		.table = random % ARRAY_LEN(tables),
		.slot = (random >> 8) % SLOTS,
		.is_removal = (random >> 32) % 4 == 0,
	};
}

/* Every 17th commit empties the last table. */
static bool is_clearing(uint64_t commit)
{
	return commit % 17 == 0;
}

static void model_step(struct model *model, uint64_t commit)
{
	if (is_clearing(commit))
		memset(model->written[ARRAY_LEN(tables) - 1], 0,
		       sizeof(model->written[0]));
	for (uint64_t i = 0; i < CHANGES; i++) {
		struct change change = change_of(commit, i);

		model->written[change.table][change.slot] =
			change.is_removal ? 0 : commit;
	}
}

static struct span number_key(uint64_t number, char buffer[8])
{
	struct writer writer;

	writer_init(&writer, buffer, 8);
	write_u64(&writer, number);
	return (struct span){buffer, 8};
}

/* The value of a row follows from where it is and which commit wrote it. */
static struct span value_of(size_t table, size_t slot, uint64_t commit)
{
	static char value[VALUE_SIZE_MAX];
	uint64_t state = (commit * 64 + table) * 64 + slot;
	uint64_t random = test_random(&state);
	size_t size = random % 8 == 0 ? VALUE_SIZE_MAX : 8 + random % 200;

	for (size_t i = 0; i < size; i++)
		value[i] = (char)(test_random(&state) & 0xff);
	return (struct span){value, size};
}

/* ---- writing ---- */

static enum err_code change_put(struct txn *txn, uint64_t commit,
				struct change change, struct err *err)
{
	char buffer[8];
	struct span key = number_key(change.slot, buffer);
	enum err_code code;

	if (!change.is_removal)
		return txn_put(txn, tables[change.table], key,
			       value_of(change.table, change.slot, commit),
			       err);
	code = txn_delete(txn, tables[change.table], key, err);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code commit_put(struct env *env, uint64_t commit,
				struct err *err)
{
	char buffer[8];
	struct txn *txn;
	enum err_code code = txn_begin(env, &txn, err);

	if (code != ERR_OK)
		return code;
	if (is_clearing(commit))
		code = txn_clear(txn, tables[ARRAY_LEN(tables) - 1], err);
	for (uint64_t i = 0; i < CHANGES && code == ERR_OK; i++)
		code = change_put(txn, commit, change_of(commit, i), err);
	if (code == ERR_OK)
		code = txn_append(txn, TABLE_JOURNAL,
				  number_key(commit, buffer),
				  value_of(3, 0, commit), err);
	if (code == ERR_OK)
		return txn_commit(txn, err);
	txn_abandon(txn);
	return code;
}

/* A snapshot is kept for some commits, which keeps their pages from use. */
static void reader_turn(struct env *env, uint64_t commit, struct view **view)
{
	struct err err;

	if (commit % 20 == 5)
		assert_done(view_begin(env, view, &err), &err);
	if (commit % 20 == 12) {
		view_end(*view);
		*view = NULL;
	}
}

/* Every 20th commit is the last one of its process. */
static bool is_killed_in(uint64_t commit)
{
	return commit % 20 == 15;
}

static void restart(const char *folder, struct env **env)
{
	struct err err;

	env_close(*env);
	assert_done(env_open(folder, ENV_WRITE, env, &err), &err);
}

static void run(void *context, const char *folder)
{
	uint64_t commits = *(uint64_t *)context;
	struct view *view = NULL;
	struct env *env;
	struct err err;

	assert_done(env_create(folder, MAP_SIZE, NULL, NULL, &err), &err);
	assert_done(env_open(folder, ENV_WRITE, &env, &err), &err);
	powercut_begin(folder);
	for (uint64_t i = 1; i <= commits; i++) {
		reader_turn(env, i, &view);
		if (is_killed_in(i))
			powercut_kill_in_commit();
		assert_done(commit_put(env, i, &err), &err);
		if (is_killed_in(i))
			restart(folder, &env);
		powercut_mark_acked(i);
	}
	powercut_end();
	view_end(view);
	env_close(env);
}

/* ---- judging ---- */

static enum err_code row_check(const struct view *view, enum table table,
			       uint64_t number, struct span expected,
			       struct err *err)
{
	char buffer[8];
	struct span value;
	enum err_code code =
		view_get(view, table, number_key(number, buffer), &value, err);

	if (code == ERR_NOT_FOUND)
		return err_set(err, ERR_CORRUPT, "row %llu of table %d is gone",
			       (unsigned long long)number, (int)table);
	if (code != ERR_OK || span_equal(value, expected))
		return code;
	return err_set(err, ERR_CORRUPT, "row %llu of table %d is another one",
		       (unsigned long long)number, (int)table);
}

static enum err_code count_check(const struct view *view, enum table table,
				 uint64_t expected, struct err *err)
{
	uint64_t count = 0;
	enum err_code code = view_count(view, table, &count, err);

	if (code == ERR_OK && count != expected)
		return err_set(err, ERR_CORRUPT,
			       "table %d has %llu rows, not %llu", (int)table,
			       (unsigned long long)count,
			       (unsigned long long)expected);
	return code;
}

static enum err_code table_check(const struct view *view,
				 const struct model *model, size_t table,
				 struct err *err)
{
	enum err_code code = ERR_OK;
	uint64_t rows = 0;

	for (size_t slot = 0; slot < SLOTS && code == ERR_OK; slot++) {
		uint64_t commit = model->written[table][slot];

		if (commit == 0)
			continue;
		rows++;
		code = row_check(view, tables[table], slot,
				 value_of(table, slot, commit), err);
	}
	if (code == ERR_OK)
		code = count_check(view, tables[table], rows, err);
	return code;
}

/* The store has to be what it was after the commit @last, to the byte. */
static enum err_code rows_check(const struct view *view, uint64_t last,
				struct err *err)
{
	struct model model = {0};
	enum err_code code = count_check(view, TABLE_JOURNAL, last, err);

	for (uint64_t i = 1; i <= last && code == ERR_OK; i++) {
		model_step(&model, i);
		code = row_check(view, TABLE_JOURNAL, i, value_of(3, 0, i),
				 err);
	}
	for (size_t i = 0; i < ARRAY_LEN(tables) && code == ERR_OK; i++)
		code = table_check(view, &model, i, err);
	return code;
}

static enum err_code last_commit(const struct view *view, uint64_t *ret_last,
				 struct err *err)
{
	struct span key;
	struct span value;
	struct reader reader;
	enum err_code code = view_last(view, TABLE_JOURNAL, (struct span){0},
				       &key, &value, err);

	*ret_last = 0;
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	reader_init(&reader, key.data, key.size);
	*ret_last = read_u64(&reader);
	return ERR_OK;
}

static enum powercut_verdict env_judge(struct env *env, uint64_t acked,
				       struct err *err)
{
	struct view *view;
	uint64_t last = 0;
	enum err_code code = view_begin(env, &view, err);

	if (code != ERR_OK)
		return POWERCUT_DAMAGED;
	code = last_commit(view, &last, err);
	if (code == ERR_OK && last < acked) {
		view_end(view);
		(void)err_set(err, ERR_CORRUPT,
			      "commit %llu was acknowledged, %llu is the last",
			      (unsigned long long)acked,
			      (unsigned long long)last);
		return POWERCUT_LOST;
	}
	if (code == ERR_OK)
		code = rows_check(view, last, err);
	view_end(view);
	if (code != ERR_OK)
		return POWERCUT_DAMAGED;
	/* What is there takes the next commit. */
	if (last % 8 == 0 && commit_put(env, last + 1, err) != ERR_OK)
		return POWERCUT_DAMAGED;
	return POWERCUT_FINE;
}

static enum powercut_verdict check(void *context, const char *folder,
				   uint64_t acked, struct err *err)
{
	struct env *env;
	enum powercut_verdict verdict;

	(void)context;
	if (env_open(folder, ENV_WRITE, &env, err) != ERR_OK)
		return POWERCUT_DAMAGED;
	verdict = env_judge(env, acked, err);
	env_close(env);
	return verdict;
}

int main(void)
{
	uint64_t commits = powercut_is_full() ? COMMITS_FULL : COMMITS_NORMAL;
	const struct powercut_workload workload = {
		.name = "env",
		.context = &commits,
		.run = run,
		.check = check,
	};

	return powercut_main(&workload);
}
