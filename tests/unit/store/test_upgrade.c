/*
 * A store that an older depot wrote is read as it is, and becomes one of
 * today's when it is opened for writing. tests/golden/store/format-1.mdb is
 * the day of tests/support/day.h as the last depot of format 1 wrote it, cut
 * behind its last page.
 */
#include "tests/unit/store/env_bed.h"

#include "store/audit.h"
#include "store/ledger.h"
#include "store/rebuild.h"
#include "store/resize.h"
#include "tests/support/dump.h"

#define OLD_STORE DEPOT_GOLDEN "/store/format-1.mdb"
#define OLD_ENTRIES 35
#define FIRST_NEW TABLE_TRANSFER

static void file_copy(const char *from, const char *to)
{
	FILE *in = fopen(from, "rb");
	FILE *out = fopen(to, "wb");
	char buffer[4096];
	size_t size;

	assert_non_null(in);
	assert_non_null(out);
	while ((size = fread(buffer, 1, sizeof(buffer), in)) > 0)
		assert_int_equal(fwrite(buffer, 1, size, out), size);
	(void)fclose(in);
	assert_int_equal(fclose(out), 0);
}

static void old_store_lay(struct fixture *f)
{
	char path[SCRATCH_PATH_SIZE + 16];

	assert_int_equal(mkdir(f->store, 0700), 0);
	assert_true(text_format(path, sizeof(path), "%s/data.mdb", f->store));
	file_copy(OLD_STORE, path);
}

/* Its format and journal, without writing to it. */
static void assert_format(struct fixture *f, uint32_t format)
{
	uint64_t count;
	struct view *view;
	struct env *env;

	assert_done(env_open(f->store, ENV_READ, &env, &f->err), &f->err);
	assert_int_equal(env_format(env), format);
	assert_done(view_begin(env, &view, &f->err), &f->err);
	assert_done(view_count(view, TABLE_JOURNAL, &count, &f->err), &f->err);
	assert_int_equal(count, OLD_ENTRIES);
	view_end(view);
	env_close(env);
}

static enum err_code no_row(void *context, struct span key, struct span value,
			    struct err *err)
{
	(void)context, (void)key, (void)value, (void)err;
	fail_msg("a table that is not there has a row");
	return ERR_OK;
}

/* Method: each way to read, of each table that format 1 did not have. */
static void an_old_store_reads_as_if_its_new_tables_were_empty(void **state)
{
	struct fixture *f = *state;
	const struct span all = {"", 0};
	struct view *view;
	struct env *env;
	size_t tables = 0;

	old_store_lay(f);
	assert_done(env_open(f->store, ENV_READ, &env, &f->err), &f->err);
	assert_done(view_begin(env, &view, &f->err), &f->err);
	for (size_t i = FIRST_NEW; i < TABLE_COUNT; i++, tables++) {
		enum table table = (enum table)i;
		uint64_t count = 1;
		struct span key;
		struct span row;

		assert_code(view_get(view, table, span_of("x"), &row, &f->err),
			    ERR_NOT_FOUND);
		assert_code(view_last(view, table, all, &key, &row, &f->err),
			    ERR_NOT_FOUND);
		assert_done(view_count(view, table, &count, &f->err), &f->err);
		assert_int_equal(count, 0);
		assert_done(view_walk(view, table, all, all, no_row, NULL,
				      &f->err),
			    &f->err);
	}
	view_end(view);
	env_close(env);
	assert_int_equal(tables, 6);
	assert_format(f, 1); /* reading has upgraded nothing */
}

static void assert_clean(struct fixture *f, struct ledger *ledger)
{
	static struct audit_result result;
	const struct audit_plan plan = {.progress = NULL};
	struct view *view;

	assert_done(view_begin(ledger_env(ledger), &view, &f->err), &f->err);
	assert_done(audit_run(view, &plan, &result, &f->err), &f->err);
	view_end(view);
	assert_int_equal(result.entries, OLD_ENTRIES);
	assert_true(audit_is_clean(&result));
}

/* Method: the derived tables after the upgrade are those that the journal
 * gives when all of them are emptied and folded again. */
static void opening_an_old_store_for_writing_upgrades_it(void **state)
{
	const struct rebuild_plan plan = {.progress = NULL};
	struct fixture *f = *state;
	struct ledger *ledger;
	struct dump upgraded;

	old_store_lay(f);
	assert_done(ledger_open(f->store, ENV_WRITE, &ledger, &f->err),
		    &f->err);
	assert_int_equal(env_format(ledger_env(ledger)), ENV_FORMAT_VERSION);
	assert_clean(f, ledger);
	upgraded = dump_env(ledger_env(ledger));
	assert_done(rebuild_run(ledger_env(ledger), &plan, &f->err), &f->err);
	assert_dump(&upgraded, dump_env(ledger_env(ledger)));
	free(upgraded.bytes);
	ledger_close(ledger);
	assert_format(f, ENV_FORMAT_VERSION);
}

static enum err_code fill_one(void *context, struct txn *txn, struct err *err)
{
	enum err_code *code = context;

	assert_done(txn_put(txn, FIRST_NEW, span_of("x"), span_of("y"), err),
		    err);
	return *code;
}

/* Method: the first rows of an upgrade cannot be laid; then they can. */
static void an_upgrade_that_fails_leaves_the_old_store(void **state)
{
	struct fixture *f = *state;
	enum err_code filled[] = {ERR_IO, ERR_OK};
	struct env *env;
	struct view *view;
	uint64_t count;

	old_store_lay(f);
	for (size_t i = 0; i < ARRAY_LEN(filled); i++) {
		assert_format(f, 1);
		assert_done(env_open(f->store, ENV_WRITE, &env, &f->err),
			    &f->err);
		assert_code(env_upgrade(env, fill_one, &filled[i], &f->err),
			    filled[i]);
		if (i == 0)
			env_close(env);
	}
	/* Once is enough. */
	assert_done(env_upgrade(env, fill_one, &filled[0], &f->err), &f->err);
	assert_done(view_begin(env, &view, &f->err), &f->err);
	assert_done(view_count(view, FIRST_NEW, &count, &f->err), &f->err);
	assert_int_equal(count, 1);
	view_end(view);
	env_close(env);
	assert_format(f, ENV_FORMAT_VERSION);
}

static void an_old_store_keeps_its_format_when_it_is_resized(void **state)
{
	struct fixture *f = *state;

	old_store_lay(f);
	assert_done(store_resize(f->store, MAP_SIZE * 2, &f->err), &f->err);
	assert_format(f, 1);
}

/*
 * The list of tables and the rows of META share one page (docs/format/
 * store.md), which has to have room for both. Method: META with every row at
 * its longest, and what is left over still takes 500 bytes of rows to come.
 */
static void the_tables_and_the_rows_of_meta_fit_one_page(void **state)
{
	static const struct {
		const char *key;
		size_t size;
	} rows[] = {{"head", 30},   {"ring", 12},     {"rebuild", 14},
		    {"scrub", 180}, {"tocome1", 230}, {"tocome2", 230}};
	struct fixture *f = *state;
	char value[256] = {0};
	struct env *env;
	struct txn *txn;

	store_make(f);
	assert_done(env_open(f->store, ENV_WRITE, &env, &f->err), &f->err);
	assert_done(txn_begin(env, &txn, &f->err), &f->err);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_done(txn_put(txn, TABLE_META, span_of(rows[i].key),
				    (struct span){value, rows[i].size},
				    &f->err),
			    &f->err);
	assert_done(txn_commit(txn, &f->err), &f->err);
	env_close(env);
	/* Opening looks at that page before LMDB does. */
	assert_done(env_open(f->store, ENV_READ, &env, &f->err), &f->err);
	env_close(env);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_old_store_reads_as_if_its_new_tables_were_empty),
		TEST(opening_an_old_store_for_writing_upgrades_it),
		TEST(an_upgrade_that_fails_leaves_the_old_store),
		TEST(an_old_store_keeps_its_format_when_it_is_resized),
		TEST(the_tables_and_the_rows_of_meta_fit_one_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
