/*
 * What is wrong under a good checksum, in the tables and in the journal: the
 * audit finds it by what the rest says.
 */
#include "tests/support/check.h"

#include "store/balance.h"
#include "store/row.h"
#include "tests/support/audited.h"

/* ---- lies in the tables ---- */

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
	key = key_of_pair(item.value, ENV_LODGER);
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
	key = key_of_pair(item.value, ENV_LODGER);
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

static void entry_remove(struct txn *txn, uint64_t number)
{
	struct key key = {.size = 0};

	key_add_u64(&key, pos_make(1, number).value);
	assert_code(txn_delete(txn, TABLE_JOURNAL, key_span(&key), NULL),
		    ERR_OK);
}

/* Method: the last entries are taken away one by one, the head left alone;
 * then the first one. */
static void a_journal_cut_short_is_found(void **state)
{
	struct warehouse *w = *state;
	struct txn *txn = lie_begin(w);

	for (uint64_t i = 0; i < 4; i++) {
		entry_remove(txn, 1 + DAY_ENTRIES - i);
		audit(txn_view(txn));
		assert_true(has_finding(FINDING_HEAD));
	}
	txn_abandon(txn);
	txn = lie_begin(w);
	entry_remove(txn, 1);
	audit(txn_view(txn));
	assert_true(has_finding(FINDING_GAP));
	assert_int_equal(result.list[0].pos.value, pos_make(1, 1).value);
	txn_abandon(txn);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, audited_setup, audited_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
