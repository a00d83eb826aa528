/*
 * Whatever befell the derived tables, the journal gives them back byte by
 * byte; and while they are half made nobody is served from them.
 */
#include "tests/support/check.h"

#include <signal.h>

#include "store/rebuild.h"
#include "store/row.h"
#include "tests/support/day.h"
#include "tests/support/dump.h"
#include "tests/support/store.h"

#define SCRATCH_MAP_SIZE (UINT64_C(16) << 20)
#define RECEIPTS 9000 /* several steps of a rebuild */

static const struct rebuild_plan silent;

static int setup(void **state)
{
	struct warehouse *w = calloc(1, sizeof(*w));

	warehouse_open(w);
	day_post(w);
	*state = w;
	return 0;
}

/* The same with a journal of several steps. */
static int setup_long(void **state)
{
	struct warehouse *w;

	assert_int_equal(setup(state), 0);
	w = *state;
	warehouse_begin(w);
	for (size_t i = 0; i < RECEIPTS; i++) {
		char sku[16];
		struct entry entry;

		assert_true(text_format(sku, sizeof(sku), "SKU-%zu", i % 700));
		entry = move_of(MOVEMENT_RECEIVE, sku, 1 + (int64_t)i % 9,
				"supplier:acme", i % 3 == 0 ? "DOCK" : "A-01");
		(void)warehouse_post(w, &entry);
	}
	warehouse_commit(w);
	return 0;
}

static int teardown(void **state)
{
	warehouse_close(*state);
	free(*state);
	return 0;
}

static void reopen(struct warehouse *w)
{
	ledger_close(w->ledger);
	w->ledger = NULL;
	assert_done(ledger_open(w->store, ENV_WRITE, &w->ledger, &w->err),
		    &w->err);
}

static void a_rebuild_changes_no_byte_of_what_posting_made(void **state)
{
	struct warehouse *w = *state;
	struct env *env = ledger_env(w->ledger);
	struct dump before = dump_env(env);

	assert_true(before.rows > 2000);
	assert_done(rebuild_run(env, &silent, &w->err), &w->err);
	assert_dump(&before, dump_env(env));
	reopen(w);
	assert_dump(&before, dump_env(ledger_env(w->ledger)));
	free(before.bytes);
}

/* Method: every derived table is emptied, then filled with rubbish. */
static void a_rebuild_mends_tables_that_were_lost_or_forged(void **state)
{
	struct warehouse *w = *state;
	struct env *env = ledger_env(w->ledger);
	struct key lodger = key_of_pair(4711, ENV_LODGER);
	struct dump before = dump_env(env);
	size_t count;
	const enum table *tables = fold_tables(&count);

	for (size_t i = 0; i < count; i++) {
		struct txn *txn;

		assert_done(txn_begin(env, &txn, &w->err), &w->err);
		if (i % 2 == 0)
			assert_done(txn_clear(txn, tables[i], &w->err),
				    &w->err);
		assert_done(txn_put(txn, tables[i],
				    tables[i] == TABLE_PROMISE
					    ? key_span(&lodger)
					    : SPAN_LITERAL("rubbish"),
				    SPAN_LITERAL("rubbish"), &w->err),
			    &w->err);
		assert_done(txn_commit(txn, &w->err), &w->err);
	}
	assert_done(rebuild_run(env, &silent, &w->err), &w->err);
	assert_dump(&before, dump_env(env));
	free(before.bytes);
}

struct stop {
	uint64_t steps; /* until then it goes on */
	uint64_t seen;
	bool is_kill;
};

static enum err_code stop_here(void *context, uint64_t done, uint64_t total)
{
	struct stop *stop = context;

	assert_in_range(done, 0, total);
	if (++stop->seen < stop->steps)
		return ERR_OK;
	if (stop->is_kill)
		(void)raise(SIGKILL);
	return ERR_STOPPED;
}

/* Nothing is served, and nothing is written, from half a table. */
static void half_made_refused(struct warehouse *w)
{
	struct journal_head head;
	struct view *view;
	struct ledger *other;
	struct batch *batch;
	bool is_pending = false;

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	assert_done(rebuild_pending(view, &is_pending, &w->err), &w->err);
	assert_true(is_pending);
	assert_code(ledger_head(view, &head, &w->err), ERR_AGAIN);
	assert_non_null(strstr(w->err.text, "rebuild"));
	view_end(view);
	assert_code(batch_begin(w->ledger, &batch, &w->err), ERR_AGAIN);
	ledger_close(w->ledger);
	w->ledger = NULL;
	assert_code(ledger_open(w->store, ENV_READ, &other, &w->err),
		    ERR_AGAIN);
	assert_non_null(strstr(w->err.text, "rebuild"));
}

/* Method: stopped after each step in turn, then opened again. */
static void a_rebuild_cut_short_is_finished_at_the_next_open(void **state)
{
	struct warehouse *w = *state;
	struct dump before = dump_env(ledger_env(w->ledger));
	size_t stops = 0;

	for (uint64_t step = 1;; step++) {
		struct stop stop = {.steps = step};
		struct rebuild_plan plan = {stop_here, &stop};
		enum err_code code =
			rebuild_run(ledger_env(w->ledger), &plan, &w->err);

		assert_code(code, ERR_STOPPED);
		if (stop.seen == (RECEIPTS + DAY_ENTRIES + 1) / 2000 + 1)
			break; /* the last step: it is whole */
		half_made_refused(w);
		assert_done(ledger_open(w->store, ENV_WRITE, &w->ledger,
					&w->err),
			    &w->err);
		assert_dump(&before, dump_env(ledger_env(w->ledger)));
		stops++;
	}
	assert_int_equal(stops, 4);
	assert_dump(&before, dump_env(ledger_env(w->ledger)));
	free(before.bytes);
}

static int rebuild_and_die(void *context)
{
	struct warehouse *w = context;
	struct stop stop = {.steps = 3, .is_kill = true};
	struct rebuild_plan plan = {stop_here, &stop};

	if (ledger_open(w->store, ENV_WRITE, &w->ledger, &w->err) != ERR_OK)
		return 1;
	return (int)rebuild_run(ledger_env(w->ledger), &plan, &w->err);
}

static void a_rebuild_that_was_killed_is_finished_at_the_next_open(void **state)
{
	struct warehouse *w = *state;
	struct dump before = dump_env(ledger_env(w->ledger));

	ledger_close(w->ledger);
	w->ledger = NULL;
	assert_int_equal(child_run(rebuild_and_die, w), -SIGKILL);
	assert_done(ledger_open(w->store, ENV_WRITE, &w->ledger, &w->err),
		    &w->err);
	assert_dump(&before, dump_env(ledger_env(w->ledger)));
	free(before.bytes);
}

static void a_damaged_journal_is_not_rebuilt_from(void **state)
{
	struct warehouse *w = *state;
	struct env *env = ledger_env(w->ledger);
	struct dump before = dump_env(env);
	struct key key = {.size = 0};
	struct view *view;
	struct txn *txn;
	struct span row;
	char bytes[512];
	bool is_pending = true;

	key_add_u64(&key, pos_make(1, 5).value);
	assert_done(txn_begin(env, &txn, &w->err), &w->err);
	assert_done(view_get(txn_view(txn), TABLE_JOURNAL, key_span(&key), &row,
			     &w->err),
		    &w->err);
	assert_true(row.size <= sizeof(bytes));
	memcpy(bytes, row.data, row.size);
	bytes[10] ^= 1;
	row.data = bytes;
	assert_done(txn_put(txn, TABLE_JOURNAL, key_span(&key), row, &w->err),
		    &w->err);
	assert_done(txn_commit(txn, &w->err), &w->err);
	assert_code(rebuild_run(env, &silent, &w->err), ERR_CORRUPT);
	assert_non_null(strstr(w->err.text, "1.5"));
	assert_dump(&before, dump_env(env));
	assert_done(view_begin(env, &view, &w->err), &w->err);
	assert_done(rebuild_pending(view, &is_pending, &w->err), &w->err);
	assert_false(is_pending);
	view_end(view);
	free(before.bytes);
}

static struct rebuild_difference compare(struct warehouse *w,
					 const struct view *view)
{
	struct rebuild_difference difference = {.rows = UINT64_MAX};
	char scratch[128];

	assert_true(
		text_format(scratch, sizeof(scratch), "%s/scratch", w->folder));
	assert_done(rebuild_compare(view, scratch, SCRATCH_MAP_SIZE,
				    &difference, &w->err),
		    &w->err);
	assert_false(path_is_there(scratch));
	return difference;
}

struct row {
	struct span key;
	struct span value;
};

static enum err_code row_first(void *context, struct span key,
			       struct span value, struct err *err)
{
	(void)err;
	*(struct row *)context = (struct row){key, value};
	return ERR_STOPPED;
}

/* Method: in every derived table the first row is taken away; then a row is
 * put beside it; then it is sealed anew with a byte more. */
static void
a_comparison_beside_the_store_finds_every_row_that_differs(void **state)
{
	struct warehouse *w = *state;
	size_t count;
	size_t compared = 0;
	const enum table *tables = fold_tables(&count);

	for (size_t i = 0; i < count; i++) {
		struct rebuild_difference difference;
		struct txn *txn;
		struct row first;
		struct span none = {"", 0};
		struct key key;
		char bytes[ENTRY_SIZE_MAX];
		struct writer writer;

		assert_done(txn_begin(ledger_env(w->ledger), &txn, &w->err),
			    &w->err);
		assert_code(view_walk(txn_view(txn), tables[i], none, none,
				      row_first, &first, &w->err),
			    ERR_STOPPED);
		key = key_of_text(first.key);
		writer_init(&writer, bytes, sizeof(bytes));
		write_raw(&writer, first.value.data, first.value.size);
		assert_done(txn_delete(txn, tables[i], key_span(&key), &w->err),
			    &w->err);
		difference = compare(w, txn_view(txn));
		assert_int_equal(difference.rows, 1);
		assert_int_equal(difference.table, tables[i]);
		assert_done(row_put(txn, tables[i], key_span(&key), &writer,
				    &w->err),
			    &w->err);
		assert_int_equal(compare(w, txn_view(txn)).rows, 1);
		key_add_u8(&key, 'x');
		assert_done(row_put(txn, tables[i], key_span(&key), &writer,
				    &w->err),
			    &w->err);
		assert_int_equal(compare(w, txn_view(txn)).rows, 2);
		txn_abandon(txn);
		compared++;
	}
	assert_int_equal(compared, 18);
}

static void a_sound_store_compares_equal(void **state)
{
	struct warehouse *w = *state;
	struct view *view;

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	assert_int_equal(compare(w, view).rows, 0);
	view_end(view);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_LONG(name) \
	cmocka_unit_test_setup_teardown(name, setup_long, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_LONG(a_rebuild_changes_no_byte_of_what_posting_made),
		TEST(a_rebuild_mends_tables_that_were_lost_or_forged),
		TEST_LONG(a_rebuild_cut_short_is_finished_at_the_next_open),
		TEST_LONG(
			a_rebuild_that_was_killed_is_finished_at_the_next_open),
		TEST(a_damaged_journal_is_not_rebuilt_from),
		TEST(a_comparison_beside_the_store_finds_every_row_that_differs),
		TEST_LONG(a_sound_store_compares_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
