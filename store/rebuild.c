#include "store/rebuild.h"

#include <inttypes.h>

#include "store/draft.h"
#include "store/fold.h"
#include "store/found.h"
#include "store/journal.h"
#include "store/row.h"
#include "store/transfer.h"

/* Entries a transaction: some thousand pages at most. */
#define STEP_ENTRIES 2000

#define PENDING_ROW_SIZE_MAX 32

static const struct span pending_key = {"rebuild", 7};

/* ---- the mark of a rebuild under way ---- */

static enum err_code pending_get(const struct view *view, struct pos *ret_next,
				 struct err *err)
{
	struct reader reader;
	struct pos next;
	enum err_code code =
		row_get(view, TABLE_META, pending_key, &reader, err);

	if (code != ERR_OK)
		return code;
	next = read_pos(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_META, err);
	*ret_next = next;
	return ERR_OK;
}

static enum err_code pending_put(struct txn *txn, struct pos next,
				 struct err *err)
{
	uint8_t buffer[PENDING_ROW_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_pos(&writer, next);
	return row_put(txn, TABLE_META, pending_key, &writer, err);
}

enum err_code rebuild_pending(const struct view *view, bool *ret_is_pending,
			      struct err *err)
{
	struct pos next;
	enum err_code code = pending_get(view, &next, err);

	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	*ret_is_pending = code == ERR_OK;
	return ERR_OK;
}

/* ---- a step ---- */

struct step {
	struct txn *txn;
	uint64_t folded;
	struct pos next; /* the entry after the last one folded */
};

static enum err_code row_fold(void *context, const struct journal_row *row,
			      struct err *err)
{
	struct step *step = context;
	struct entry entry;
	enum err_code code;

	if (step->folded == STEP_ENTRIES)
		return ERR_STOPPED;
	code = entry_decode(row->bytes, &entry);
	if (code == ERR_OK)
		code = fold_entry(step->txn, row->pos, &entry, row->bytes, err);
	else if (code == ERR_VERSION)
		code = ERR_OK; /* nothing was folded from it when it came */
	else
		(void)err_set(err, code, "it cannot be read");
	/* No room is no fault of the entry's. */
	if (code == ERR_FULL || code == ERR_IO)
		return code;
	if (code != ERR_OK)
		return err_wrap(err, ERR_CORRUPT,
				"entry %" PRIu32 ".%" PRIu64 " does not fold",
				pos_epoch(row->pos), pos_number(row->pos));
	step->folded++;
	step->next.value = row->pos.value + 1;
	return ERR_OK;
}

/* Folds the entries of @journal from @step->next on into @step's transaction.
 * *@ret_is_last tells whether there are no more. */
static enum err_code step_fold(const struct view *journal, struct step *step,
			       bool *ret_is_last, struct err *err)
{
	enum err_code code;

	step->folded = 0;
	code = journal_walk(journal, step->next, row_fold, step, err);
	*ret_is_last = code == ERR_OK;
	return code == ERR_STOPPED ? ERR_OK : code;
}

/* ---- all steps, in the store itself ---- */

static enum err_code first_pos(const struct view *view, struct pos *ret_pos,
			       struct err *err)
{
	struct journal_head head;
	enum err_code code = journal_head_get(view, &head, err);

	if (code == ERR_OK)
		code = journal_verify(view, (struct pos){0}, &head, err);
	*ret_pos = pos_make(1, 1);
	return code;
}

/* Marks it begun, and empties the tables: one transaction. */
static enum err_code rebuild_begin(struct env *env, struct err *err)
{
	struct txn *txn;
	struct pos first;
	enum err_code code = txn_begin(env, &txn, err);

	if (code != ERR_OK)
		return code;
	code = pending_get(txn_view(txn), &first, err);
	if (code == ERR_NOT_FOUND) {
		code = first_pos(txn_view(txn), &first, err);
		if (code == ERR_OK)
			code = pending_put(txn, first, err);
		if (code == ERR_OK)
			code = fold_clear(txn, err);
		if (code == ERR_OK)
			return txn_commit(txn, err);
	}
	txn_abandon(txn);
	return code;
}

static enum err_code step_run(struct env *env, const struct view *journal,
			      struct step *step, bool *ret_is_last,
			      struct err *err)
{
	enum err_code code = txn_begin(env, &step->txn, err);

	if (code != ERR_OK)
		return code;
	code = pending_get(txn_view(step->txn), &step->next, err);
	if (code == ERR_OK)
		code = step_fold(journal, step, ret_is_last, err);
	if (code == ERR_OK)
		code = *ret_is_last ? txn_delete(step->txn, TABLE_META,
						 pending_key, err)
				    : pending_put(step->txn, step->next, err);
	if (code == ERR_OK)
		return txn_commit(step->txn, err);
	txn_abandon(step->txn);
	return code;
}

/* A snapshot a step: one for all would keep every page from being used
 * again. */
static enum err_code steps_run(struct env *env, const struct rebuild_plan *plan,
			       struct err *err)
{
	bool is_last = false;
	uint64_t done = 0;

	while (!is_last) {
		struct step step = {.folded = 0};
		struct view *journal;
		uint64_t total = 0;
		enum err_code code = view_begin(env, &journal, err);

		if (code != ERR_OK)
			return code;
		code = view_count(journal, TABLE_JOURNAL, &total, err);
		if (code == ERR_OK)
			code = step_run(env, journal, &step, &is_last, err);
		view_end(journal);
		done += step.folded;
		if (code == ERR_OK && plan->progress != NULL)
			code = plan->progress(plan->context, done, total);
		if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}

enum err_code rebuild_run(struct env *env, const struct rebuild_plan *plan,
			  struct err *err)
{
	enum err_code code = rebuild_begin(env, err);

	if (code == ERR_OK)
		code = steps_run(env, plan, err);
	if (code != ERR_OK)
		return err_wrap(err, code, "rebuild");
	return ERR_OK;
}

enum err_code rebuild_resume(struct env *env, struct err *err)
{
	const struct rebuild_plan silent = {.progress = NULL};
	struct view *view;
	bool is_pending = false;
	enum err_code code = view_begin(env, &view, err);

	if (code != ERR_OK)
		return code;
	code = rebuild_pending(view, &is_pending, err);
	view_end(view);
	if (code != ERR_OK || !is_pending)
		return code;
	return rebuild_run(env, &silent, err);
}

/* ---- what a newer format adds ---- */

static enum err_code row_fold_new(void *context, const struct journal_row *row,
				  struct err *err)
{
	struct entry entry;
	enum err_code code = entry_decode(row->bytes, &entry);

	if (code == ERR_VERSION)
		return ERR_OK;
	if (code != ERR_OK)
		return err_wrap(err, ERR_CORRUPT,
				"entry %" PRIu32 ".%" PRIu64 " cannot be read",
				pos_epoch(row->pos), pos_number(row->pos));
	if (entry.carried.value == 0)
		code = found_fold(context, row->pos, &entry, err);
	if (code != ERR_OK)
		return code;
	return transfer_fold_own(context, row->pos, &entry, err);
}

enum err_code rebuild_upgrade(void *context, struct txn *txn, struct err *err)
{
	struct pos next;
	enum err_code code = pending_get(txn_view(txn), &next, err);

	(void)context;
	if (code == ERR_NOT_FOUND)
		return journal_walk(txn_view(txn), pos_make(1, 1), row_fold_new,
				    txn, err);
	/* It was cut short: from the start, with the new tables. */
	if (code == ERR_OK)
		code = fold_clear(txn, err);
	if (code == ERR_OK)
		code = pending_put(txn, pos_make(1, 1), err);
	return code;
}

/* ---- a store of its own, to compare with ---- */

struct compare {
	const struct view *other;
	enum table table;
	uint64_t common; /* rows whose key is in both */
	struct rebuild_difference *difference;
};

static void rows_differ(struct compare *compare, uint64_t rows)
{
	if (compare->difference->rows == 0)
		compare->difference->table = compare->table;
	compare->difference->rows += rows;
}

static enum err_code row_compare(void *context, struct span key,
				 struct span value, struct err *err)
{
	struct compare *compare = context;
	struct span other;
	enum err_code code =
		view_get(compare->other, compare->table, key, &other, err);

	if (code == ERR_OK)
		compare->common++;
	if (code == ERR_NOT_FOUND || !span_equal(value, other))
		rows_differ(compare, 1);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code row_count(void *context, struct span key,
			       struct span value, struct err *err)
{
	uint64_t *count = context;

	(void)key, (void)value, (void)err;
	(*count)++;
	return ERR_OK;
}

static enum err_code table_compare(const struct view *view,
				   struct compare *compare, struct err *err)
{
	struct span prefix = fold_prefix(compare->table);
	uint64_t others = 0;
	enum err_code code;

	code = view_walk(view, compare->table, prefix, prefix, row_compare,
			 compare, err);
	if (code == ERR_OK && prefix.size == 0)
		code = view_count(compare->other, compare->table, &others, err);
	else if (code == ERR_OK)
		code = view_walk(compare->other, compare->table, prefix, prefix,
				 row_count, &others, err);
	if (code == ERR_OK && others > compare->common)
		rows_differ(compare, others - compare->common);
	return code;
}

static enum err_code tables_compare(const struct view *view,
				    const struct view *other,
				    struct rebuild_difference *ret_difference,
				    struct err *err)
{
	struct rebuild_difference difference = {.rows = 0};
	size_t count;
	const enum table *tables = fold_tables(&count);

	for (size_t i = 0; i < count; i++) {
		struct compare compare = {.other = other,
					  .table = tables[i],
					  .difference = &difference};
		enum err_code code = table_compare(view, &compare, err);

		if (code != ERR_OK)
			return code;
	}
	*ret_difference = difference;
	return ERR_OK;
}

static enum err_code scratch_fill(struct env *scratch,
				  const struct view *journal, struct err *err)
{
	struct step step = {.next = pos_make(1, 1)};
	bool is_last = false;

	while (!is_last) {
		enum err_code code = txn_begin(scratch, &step.txn, err);

		if (code != ERR_OK)
			return code;
		code = step_fold(journal, &step, &is_last, err);
		if (code != ERR_OK) {
			txn_abandon(step.txn);
			return code;
		}
		code = txn_commit(step.txn, err);
		if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}

static enum err_code scratch_compare(const struct view *view,
				     struct env *scratch,
				     struct rebuild_difference *ret_difference,
				     struct err *err)
{
	struct view *other;
	enum err_code code = scratch_fill(scratch, view, err);

	if (code == ERR_OK)
		code = view_begin(scratch, &other, err);
	if (code != ERR_OK)
		return code;
	code = tables_compare(view, other, ret_difference, err);
	view_end(other);
	return code;
}

enum err_code rebuild_compare(const struct view *view, const char *scratch,
			      uint64_t map_size,
			      struct rebuild_difference *ret_difference,
			      struct err *err)
{
	struct env *env = NULL;
	enum err_code removed;
	enum err_code code = env_create(scratch, map_size, NULL, NULL, err);

	if (code != ERR_OK)
		return err_wrap(err, code, "rebuild beside the store");
	code = env_open(scratch, ENV_WRITE, &env, err);
	if (code == ERR_OK)
		code = scratch_compare(view, env, ret_difference, err);
	env_close(env);
	removed = folder_remove(scratch, code == ERR_OK ? err : NULL);
	if (code == ERR_OK)
		code = removed;
	if (code != ERR_OK)
		return err_wrap(err, code, "rebuild beside the store");
	return ERR_OK;
}
