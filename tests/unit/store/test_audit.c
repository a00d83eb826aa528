/*
 * The audit finds whatever differs from what was written, and nothing else.
 * Sabotage is done in a transaction that is abandoned, and audited there.
 */
#include "tests/support/check.h"

#include "store/row.h"
#include "tests/support/audited.h"

#define KEYS_MAX 256
#define VALUE_SIZE 8192

static void findings_show(void)
{
	char text[FINDING_PRINT_SIZE];

	for (size_t i = 0; i < result.findings && i < FINDINGS_MAX; i++) {
		finding_print(&result.list[i], false, text, sizeof(text));
		printf("  %s\n", text);
	}
}

/* ---- what is whole ---- */

static void a_day_of_every_kind_of_entry_is_clean(void **state)
{
	struct warehouse *w = *state;
	struct view *view;

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	audit(view);
	view_end(view);
	findings_show();
	assert_true(audit_is_clean(&result));
	assert_int_equal(result.entries, 1 + DAY_ENTRIES);
	assert_int_equal(result.movements, DAY_MOVEMENTS);
	assert_int_equal(result.items, 4);
	assert_int_equal(result.found, 2);
	assert_int_equal(result.lost, 4);
	assert_int_equal(result.newer, 0);
	assert_int_equal(pos_number(result.head.pos), result.entries);
	assert_true(result.rows > 30);
}

static void an_empty_store_is_clean(void **state)
{
	struct warehouse w;
	struct view *view;

	(void)state;
	warehouse_open(&w);
	assert_done(view_begin(ledger_env(w.ledger), &view, &w.err), &w.err);
	audit(view);
	view_end(view);
	assert_true(audit_is_clean(&result));
	assert_int_equal(result.entries, 1);
	assert_int_equal(result.movements, 0);
	warehouse_close(&w);
}

struct told {
	size_t calls;
	enum err_code answer;
};

static enum err_code told(void *context, enum table table, uint64_t done,
			  uint64_t total)
{
	struct told *count = context;

	assert_in_range(table, 0, TABLE_COUNT - 1);
	assert_in_range(done, 0, total);
	count->calls++;
	return count->answer;
}

static void an_audit_tells_how_far_it_is_and_can_be_ended(void **state)
{
	struct warehouse *w = *state;
	struct told count = {.answer = ERR_OK};
	struct audit_plan plan = {told, &count};
	struct view *view;

	warehouse_begin(w);
	for (size_t i = 0; i < 10000; i++) {
		struct entry entry = move_of(MOVEMENT_RECEIVE, "TEA", 1,
					     "supplier:acme", "DOCK");

		(void)warehouse_post(w, &entry);
	}
	warehouse_commit(w);
	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	assert_done(audit_run(view, &plan, &result, &w->err), &w->err);
	assert_int_equal(count.calls, TABLE_COUNT + 2);
	count.answer = ERR_STOPPED;
	assert_code(audit_run(view, &plan, &result, &w->err), ERR_STOPPED);
	assert_int_equal(count.calls, TABLE_COUNT + 3);
	view_end(view);
}

/* ---- damage to rows ---- */

struct rows {
	size_t count;
	struct key keys[KEYS_MAX];
};

static enum err_code row_note(void *context, struct span key, struct span value,
			      struct err *err)
{
	struct rows *rows = context;

	(void)value;
	(void)err;
	assert_true(rows->count < KEYS_MAX);
	rows->keys[rows->count++] = key_of_text(key);
	return ERR_OK;
}

static struct rows *rows_of(const struct view *view, enum table table)
{
	static struct rows rows;
	struct span all = {"", 0};

	rows.count = 0;
	assert_code(view_walk(view, table, all, all, row_note, &rows, NULL),
		    ERR_OK);
	return &rows;
}

/* A copy of the row, as what lies in the store may not be written to. */
static struct span row_copy(const struct view *view, enum table table,
			    const struct key *key)
{
	static char copy[VALUE_SIZE];
	struct span value;

	assert_code(view_get(view, table, key_span(key), &value, NULL), ERR_OK);
	assert_true(value.size <= sizeof(copy));
	memcpy(copy, value.data, value.size);
	return (struct span){copy, value.size};
}

/*
 * Method: in every table, in every row, each byte in turn is set to another
 * value, without touching the rest; then each row is removed.
 */
static void every_changed_byte_of_every_row_is_found(void **state)
{
	struct warehouse *w = *state;
	size_t changed = 0;
	size_t tables = 0;

	for (size_t table = 0; table < TABLE_COUNT; table++) {
		struct rows *rows;
		struct txn *txn;

		assert_done(txn_begin(ledger_env(w->ledger), &txn, &w->err),
			    &w->err);
		rows = rows_of(txn_view(txn), (enum table)table);
		tables += rows->count > 0;
		for (size_t i = 0; i < rows->count; i++) {
			const struct key *key = &rows->keys[i];
			struct span row =
				row_copy(txn_view(txn), (enum table)table, key);
			char *bytes = (char *)(uintptr_t)row.data;

			if (span_is(key_span(key), ENV_FORMAT_KEY))
				continue;
			for (size_t at = 0; at < row.size; at++) {
				bytes[at] ^= 0x10;
				assert_code(txn_put(txn, (enum table)table,
						    key_span(key), row, NULL),
					    ERR_OK);
				audit(txn_view(txn));
				if (audit_is_clean(&result))
					fail_msg("table %s row %zu byte %zu",
						 table_name((enum table)table),
						 i, at);
				bytes[at] ^= 0x10;
				changed++;
			}
			assert_code(txn_put(txn, (enum table)table,
					    key_span(key), row, NULL),
				    ERR_OK);
		}
		audit(txn_view(txn));
		assert_true(audit_is_clean(&result)); /* all put back */
		txn_abandon(txn);
	}
	printf("%zu bytes in %zu tables changed, each was found\n", changed,
	       tables);
	assert_true(changed > 3000);
	assert_int_equal(tables, 20);
}

/* Method: each row of the journal and of what is folded from it in numbers is
 * taken away in turn. */
static void every_row_that_is_taken_away_is_missed(void **state)
{
	static const enum table tables[] = {
		TABLE_JOURNAL, TABLE_BALANCE,    TABLE_HELD,      TABLE_SKU,
		TABLE_PLACE,   TABLE_PLACE_NAME, TABLE_ITEM_NAME, TABLE_PROMISE,
	};
	struct warehouse *w = *state;
	size_t removed = 0;

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		struct rows *rows;
		struct txn *txn;
		struct view *view;

		assert_done(view_begin(ledger_env(w->ledger), &view, &w->err),
			    &w->err);
		rows = rows_of(view, tables[i]);
		view_end(view);
		for (size_t j = 0; j < rows->count; j++) {
			assert_done(txn_begin(ledger_env(w->ledger), &txn,
					      &w->err),
				    &w->err);
			assert_code(txn_delete(txn, tables[i],
					       key_span(&rows->keys[j]), NULL),
				    ERR_OK);
			audit(txn_view(txn));
			if (audit_is_clean(&result))
				fail_msg("row %zu of table %s", j,
					 table_name(tables[i]));
			txn_abandon(txn);
			removed++;
		}
	}
	printf("%zu rows taken away, each was missed\n", removed);
	assert_true(removed > 80);
}

/* Method: 150 rows are damaged; all are counted, 100 are listed. */
static void findings_beyond_the_list_are_counted(void **state)
{
	struct warehouse *w = *state;
	struct txn *txn = lie_begin(w);

	for (uint32_t i = 0; i < 150; i++) {
		struct key key = key_of_number(1000 + i);

		assert_code(txn_put(txn, TABLE_SESSION, key_span(&key),
				    SPAN_LITERAL("nothing sealed"), NULL),
			    ERR_OK);
	}
	audit(txn_view(txn));
	assert_int_equal(result.findings, 150);
	for (size_t i = 0; i < FINDINGS_MAX; i++)
		assert_int_equal(result.list[i].kind, FINDING_ROW);
	txn_abandon(txn);
}

/* ---- words ---- */

/* Method: every kind with every field set, whole and cut at every size. */
static void every_finding_has_its_sentence_in_both_languages(void **state)
{
	struct finding finding = {
		.table = TABLE_BALANCE,
		.pos = pos_make(2, 77),
		.place = place_bin(SPAN_LITERAL("A-01")),
		.stored = -5,
		.computed = 12,
	};
	size_t tried = 0;

	(void)state;
	assert_true(sku_set(&finding.item,
			    SPAN_LITERAL("\xe7\xbb\xbf\xe8\x8c\xb6")));
	for (int kind = FINDING_GAP; kind <= FINDING_KIND_MAX; kind++) {
		char text[FINDING_PRINT_SIZE];

		finding.kind = (enum finding_kind)kind;
		assert_true(strlen(finding_name(finding.kind)) > 0);
		for (size_t size = 1; size <= sizeof(text); size++) {
			for (int zh = 0; zh < 2; zh++) {
				finding_print(&finding, zh == 1, text, size);
				assert_true(strlen(text) < size);
				assert_true(utf8_is_valid(span_of(text)));
				assert_null(strchr(text, '%'));
			}
		}
		assert_true(strlen(text) > 10);
		tried++;
	}
	assert_int_equal(tried, FINDING_KIND_MAX);
	finding.kind = FINDING_BALANCE;
	{
		char text[FINDING_PRINT_SIZE];

		finding_print(&finding, false, text, sizeof(text));
		assert_string_equal(text,
				    "\xe7\xbb\xbf\xe8\x8c\xb6 in A-01: "
				    "the balance says -5, the journal 12");
	}
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, audited_setup, audited_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_day_of_every_kind_of_entry_is_clean),
		cmocka_unit_test(an_empty_store_is_clean),
		TEST(an_audit_tells_how_far_it_is_and_can_be_ended),
		TEST(every_changed_byte_of_every_row_is_found),
		TEST(every_row_that_is_taken_away_is_missed),
		TEST(findings_beyond_the_list_are_counted),
		cmocka_unit_test(
			every_finding_has_its_sentence_in_both_languages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
