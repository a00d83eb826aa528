/*
 * The audit finds whatever differs from what was written, and nothing else.
 * Sabotage is done in a transaction that is abandoned, and audited there.
 */
#include "tests/support/check.h"

#include "store/audit.h"
#include "store/balance.h"
#include "store/row.h"
#include "tests/support/day.h"

#define KEYS_MAX 256
#define VALUE_SIZE 8192

static const struct audit_plan silent;
static struct audit_result result; /* too large for a stack */

static int setup(void **state)
{
	struct warehouse *w = calloc(1, sizeof(*w));

	warehouse_open(w);
	day_post(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	warehouse_close(*state);
	free(*state);
	return 0;
}

static void audit(const struct view *view)
{
	struct err err = {.text = ""};

	assert_done(audit_run(view, &silent, &result, &err), &err);
}

static bool has_finding(enum finding_kind kind)
{
	for (size_t i = 0; i < result.findings && i < FINDINGS_MAX; i++)
		if (result.list[i].kind == kind)
			return true;
	return false;
}

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
	assert_int_equal(tables, 19);
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

/* ---- lies with a good checksum ---- */

static struct txn *lie_begin(struct warehouse *w)
{
	struct txn *txn;

	assert_done(txn_begin(ledger_env(w->ledger), &txn, &w->err), &w->err);
	return txn;
}

static struct key balance_key_of(const struct view *view, const char *sku,
				 const char *bin)
{
	struct place place = place_bin(span_of(bin));
	struct item_no item;
	struct place_no number;

	assert_code(item_find(view, span_of(sku), &item, NULL), ERR_OK);
	assert_code(place_find(view, &place, &number, NULL), ERR_OK);
	return key_of_pair(item.value, number.value);
}

/* Seals a row with one cell of good units without lot. */
static void balance_forge(struct txn *txn, struct key key, struct pos pos,
			  int64_t units)
{
	uint8_t buffer[64];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_pos(&writer, pos);
	if (units != 0) {
		write_u8(&writer, CONDITION_GOOD);
		write_span(&writer, (struct span){"", 0});
		write_signed(&writer, units);
	}
	assert_code(row_put(txn, TABLE_BALANCE, key_span(&key), &writer, NULL),
		    ERR_OK);
}

static struct pos balance_pos(const struct view *view, struct key key)
{
	struct reader reader;

	assert_code(row_get(view, TABLE_BALANCE, key_span(&key), &reader, NULL),
		    ERR_OK);
	return read_pos(&reader);
}

static void a_balance_with_other_units_is_unexplained(void **state)
{
	struct txn *txn = lie_begin(*state);
	const struct view *view = txn_view(txn);
	struct key key = balance_key_of(view, "CUP", "DOCK");
	struct pos pos = balance_pos(view, key);

	balance_forge(txn, key, pos, 46); /* 80 - 30 - 5 = 45 */
	audit(view);
	assert_true(has_finding(FINDING_BALANCE));
	assert_true(has_finding(FINDING_SUM));
	assert_int_equal(result.unexplained, 1);
	assert_int_equal(result.journal_findings, 0);
	balance_forge(txn, key, pos, 0);
	audit(view);
	assert_true(has_finding(FINDING_BALANCE));
	assert_int_equal(result.unexplained, 45);
	balance_forge(txn, key, pos, -45);
	audit(view);
	assert_true(has_finding(FINDING_NEGATIVE));
	assert_true(has_finding(FINDING_TALLY));
	assert_int_equal(result.unexplained, 90);
	balance_forge(txn, key, pos, 45);
	audit(view);
	assert_true(audit_is_clean(&result));
	txn_abandon(txn);
}

static void a_balance_of_another_last_movement_is_found(void **state)
{
	struct txn *txn = lie_begin(*state);
	struct key key = balance_key_of(txn_view(txn), "CUP", "DOCK");

	balance_forge(txn, key, pos_make(1, 3), 45);
	audit(txn_view(txn));
	assert_int_equal(result.findings, 1);
	assert_true(has_finding(FINDING_TOUCHED));
	txn_abandon(txn);
}

static void a_balance_that_no_movement_made_is_found(void **state)
{
	struct txn *txn = lie_begin(*state);
	struct key key = balance_key_of(txn_view(txn), "TEA", "B-02");

	balance_forge(txn, key, pos_make(1, 3), 9);
	audit(txn_view(txn));
	assert_true(has_finding(FINDING_EXTRA));
	assert_true(has_finding(FINDING_SUM));
	assert_int_equal(result.unexplained, 9);
	txn_abandon(txn);
}

static void a_promise_that_parts_from_the_bin_is_found(void **state)
{
	struct txn *txn = lie_begin(*state);
	struct item_no item;
	struct key key;
	uint8_t buffer[64];
	struct writer writer;

	assert_code(item_find(txn_view(txn), span_of("TEA"), &item, NULL),
		    ERR_OK);
	key = key_of_number(item.value);
	key_add_text(&key, span_of("SO-2"));
	writer_init(&writer, buffer, sizeof(buffer));
	write_signed(&writer, 6); /* 5 stand in PICKED */
	write_signed(&writer, 0);
	write_pos(&writer, pos_make(1, 9));
	assert_code(row_put(txn, TABLE_PROMISE, key_span(&key), &writer, NULL),
		    ERR_OK);
	audit(txn_view(txn));
	assert_int_equal(result.findings, 1);
	assert_true(has_finding(FINDING_PROMISE));
	assert_int_equal(result.list[0].stored, 6);
	assert_int_equal(result.list[0].computed, 5);
	txn_abandon(txn);
}

/* An item that was never moved has no balance to compare with. */
static void a_promise_of_what_never_moved_is_found(void **state)
{
	struct txn *txn = lie_begin(*state);
	struct item described = sample_item();
	struct item_no item;
	struct key key;
	uint8_t buffer[64];
	struct writer writer;

	assert_code(item_find(txn_view(txn), sku_span(&described.sku), &item,
			      NULL),
		    ERR_OK);
	key = key_of_number(item.value);
	writer_init(&writer, buffer, sizeof(buffer));
	write_signed(&writer, 0);
	write_signed(&writer, 3);
	write_pos(&writer, pos_make(1, 9));
	assert_code(row_put(txn, TABLE_PROMISE, key_span(&key), &writer, NULL),
		    ERR_OK);
	audit(txn_view(txn));
	assert_int_equal(result.findings, 1);
	assert_true(has_finding(FINDING_PROMISE));
	assert_int_equal(result.list[0].stored, 3);
	txn_abandon(txn);
}

/* Its row says when it was last touched, which a count goes by. */
static void the_row_of_an_empty_bin_is_missed_too(void **state)
{
	struct warehouse *w = *state;
	struct entry in =
		move_of(MOVEMENT_RECEIVE, "MUG", 4, "supplier:acme", "DOCK");
	struct entry out = move_of(MOVEMENT_PUTAWAY, "MUG", 4, "DOCK", "A-01");
	struct txn *txn;
	struct key key;

	(void)warehouse_enter(w, &in);
	(void)warehouse_enter(w, &out);
	txn = lie_begin(w);
	key = balance_key_of(txn_view(txn), "MUG", "DOCK");
	assert_code(txn_delete(txn, TABLE_BALANCE, key_span(&key), NULL),
		    ERR_OK);
	audit(txn_view(txn));
	assert_int_equal(result.findings, 1);
	assert_true(has_finding(FINDING_MISSING));
	assert_int_equal(result.unexplained, 0);
	txn_abandon(txn);
}

/* ---- lies in the journal ---- */

/* Appends @entry to the journal alone, chained, with the head moved on. */
static void journal_forge(struct txn *txn, struct entry *entry)
{
	struct journal_head head;
	struct entry_bytes bytes;

	assert_code(ledger_head(txn_view(txn), &head, NULL), ERR_OK);
	if (entry->stamp.value == 0)
		entry->stamp.value = head.stamp.value + 1;
	assert_code(journal_append(txn, &head, entry, &bytes, NULL), ERR_OK);
	assert_code(journal_head_put(txn, &head, NULL), ERR_OK);
}

static void a_movement_in_the_journal_alone_is_found(void **state)
{
	struct txn *txn = lie_begin(*state);
	struct entry entry =
		move_of(MOVEMENT_RECEIVE, "CUP", 3, "supplier:acme", "DOCK");

	journal_forge(txn, &entry);
	audit(txn_view(txn));
	assert_true(has_finding(FINDING_BALANCE));
	assert_true(has_finding(FINDING_TOUCHED));
	assert_int_equal(result.unexplained, 6); /* two places, 3 each */
	assert_int_equal(result.journal_findings, 0);
	txn_abandon(txn);
}

static void a_movement_that_takes_more_than_there_is_is_found(void **state)
{
	struct txn *txn = lie_begin(*state);
	struct entry entry =
		move_of(MOVEMENT_SHIP, "CUP", 1000, "DOCK", "customer");

	journal_forge(txn, &entry);
	audit(txn_view(txn));
	assert_true(has_finding(FINDING_NEGATIVE));
	assert_int_equal(result.journal_findings, 1);
	txn_abandon(txn);
}

static void
found_units_without_count_claim_or_reason_are_unexplained(void **state)
{
	struct txn *txn = lie_begin(*state);
	struct entry entry = move_of(MOVEMENT_FOUND, "CUP", 7, "found", "DOCK");

	entry.body.movement.reason.size = 0;
	journal_forge(txn, &entry);
	audit(txn_view(txn));
	assert_true(has_finding(FINDING_REASON));
	assert_true(has_finding(FINDING_UNSOUND));
	assert_int_equal(result.unexplained, 7);
	txn_abandon(txn);
}

static void a_founding_in_the_middle_of_an_epoch_is_found(void **state)
{
	struct txn *txn = lie_begin(*state);
	struct entry entry = sample_entry(ENTRY_FOUNDING);

	entry.stamp.value = 0;
	journal_forge(txn, &entry);
	audit(txn_view(txn));
	assert_int_equal(result.findings, 1);
	assert_true(has_finding(FINDING_EPOCH));
	txn_abandon(txn);
}

/* Chained and numbered as it should be, with the stamp of the one before. */
static void an_entry_stamped_no_later_than_the_last_is_found(void **state)
{
	struct txn *txn = lie_begin(*state);
	struct entry entry = sample_entry(ENTRY_LOSS);
	struct journal_head head;
	struct entry_bytes bytes;

	assert_code(ledger_head(txn_view(txn), &head, NULL), ERR_OK);
	entry.stamp = head.stamp;
	head.stamp.value--;
	assert_code(journal_append(txn, &head, &entry, &bytes, NULL), ERR_OK);
	assert_code(journal_head_put(txn, &head, NULL), ERR_OK);
	audit(txn_view(txn));
	assert_int_equal(result.findings, 1);
	assert_true(has_finding(FINDING_STAMP));
	txn_abandon(txn);
}

/* Two names lead to one number: a lie that every checksum covers. */
static void a_name_that_leads_to_another_number_is_found(void **state)
{
	struct txn *txn = lie_begin(*state);
	struct key item = key_of_text(SPAN_LITERAL("CUP"));
	struct key place = {.size = 0};
	uint8_t buffer[16];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_u32(&writer, 1); /* TEA's */
	assert_code(row_put(txn, TABLE_SKU, key_span(&item), &writer, NULL),
		    ERR_OK);
	audit(txn_view(txn));
	assert_true(has_finding(FINDING_NAME));
	txn_abandon(txn);
	txn = lie_begin(*state);
	key_add_u8(&place, PLACE_BIN);
	key_add_text(&place, SPAN_LITERAL("B-02"));
	writer_init(&writer, buffer, sizeof(buffer));
	write_u32(&writer, PLACE_NO_DOCK);
	assert_code(row_put(txn, TABLE_PLACE_NAME, key_span(&place), &writer,
			    NULL),
		    ERR_OK);
	audit(txn_view(txn));
	assert_true(has_finding(FINDING_NAME));
	txn_abandon(txn);
}

static void an_entry_of_a_newer_depot_is_counted_and_not_judged(void **state)
{
	struct txn *txn = lie_begin(*state);
	struct entry entry = sample_entry(ENTRY_LOSS);

	entry.stamp.value = 0;
	entry.actor.kind = (enum actor_kind)(ACTOR_RULE + 1);
	journal_forge(txn, &entry);
	audit(txn_view(txn));
	assert_true(audit_is_clean(&result));
	assert_int_equal(result.newer, 1);
	txn_abandon(txn);
}

/* Method: the last entries are taken away one by one, the head left alone;
 * then the first one. */
static void a_journal_cut_short_is_found(void **state)
{
	struct warehouse *w = *state;
	struct txn *txn = lie_begin(w);
	struct rows *rows = rows_of(txn_view(txn), TABLE_JOURNAL);

	for (size_t i = rows->count - 1; i > rows->count - 5; i--) {
		assert_code(txn_delete(txn, TABLE_JOURNAL,
				       key_span(&rows->keys[i]), NULL),
			    ERR_OK);
		audit(txn_view(txn));
		assert_true(has_finding(FINDING_HEAD));
	}
	txn_abandon(txn);
	txn = lie_begin(w);
	assert_code(txn_delete(txn, TABLE_JOURNAL, key_span(&rows->keys[0]),
			       NULL),
		    ERR_OK);
	audit(txn_view(txn));
	assert_true(has_finding(FINDING_GAP));
	assert_int_equal(result.list[0].pos.value, pos_make(1, 1).value);
	txn_abandon(txn);
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
	assert_int_equal(tried, 19);
	finding.kind = FINDING_BALANCE;
	{
		char text[FINDING_PRINT_SIZE];

		finding_print(&finding, false, text, sizeof(text));
		assert_string_equal(text,
				    "\xe7\xbb\xbf\xe8\x8c\xb6 in A-01: "
				    "the balance says -5, the journal 12");
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_day_of_every_kind_of_entry_is_clean),
		cmocka_unit_test(an_empty_store_is_clean),
		TEST(an_audit_tells_how_far_it_is_and_can_be_ended),
		TEST(every_changed_byte_of_every_row_is_found),
		TEST(every_row_that_is_taken_away_is_missed),
		TEST(a_balance_with_other_units_is_unexplained),
		TEST(a_balance_of_another_last_movement_is_found),
		TEST(a_balance_that_no_movement_made_is_found),
		TEST(a_promise_that_parts_from_the_bin_is_found),
		TEST(a_promise_of_what_never_moved_is_found),
		TEST(the_row_of_an_empty_bin_is_missed_too),
		TEST(a_movement_in_the_journal_alone_is_found),
		TEST(a_movement_that_takes_more_than_there_is_is_found),
		TEST(found_units_without_count_claim_or_reason_are_unexplained),
		TEST(a_founding_in_the_middle_of_an_epoch_is_found),
		TEST(an_entry_stamped_no_later_than_the_last_is_found),
		TEST(a_name_that_leads_to_another_number_is_found),
		TEST(an_entry_of_a_newer_depot_is_counted_and_not_judged),
		TEST(a_journal_cut_short_is_found),
		TEST(findings_beyond_the_list_are_counted),
		cmocka_unit_test(
			every_finding_has_its_sentence_in_both_languages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
