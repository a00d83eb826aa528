/*
 * The journal: numbers without gaps, and a chain that shows what was changed.
 */
#include "tests/support/check.h"

#include "store/journal.h"
#include "store/row.h"
#include "store/seal.h"
#include "tests/support/entries.h"
#include "tests/support/tables.h"

#define MAP_SIZE (UINT64_C(4) << 20)
#define ENTRIES 40

static struct journal_head head;

/* Entries of every kind in turn, appended to an empty store. */
static int setup(void **state)
{
	struct tables *t = calloc(1, sizeof(*t));

	tables_open(t, MAP_SIZE);
	head = (struct journal_head){.pos = pos_make(1, 0)};
	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry entry =
			sample_entry(kind_at(i % ENTRY_KIND_COUNT));
		struct entry_bytes bytes;

		entry.stamp.value = 1000 + i;
		assert_done(journal_append(t->txn, &head, &entry, &bytes,
					   &t->err),
			    &t->err);
		assert_int_equal(head.pos.value, pos_make(1, i + 1).value);
	}
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	tables_close(*state);
	free(*state);
	return 0;
}

static void entries_read_back_by_their_pos(void **state)
{
	struct tables *t = *state;
	struct entry entry;

	for (size_t i = 0; i < ENTRIES; i++) {
		assert_done(journal_read(txn_view(t->txn), pos_make(1, i + 1),
					 &entry, &t->err),
			    &t->err);
		assert_int_equal(entry.stamp.value, 1000 + i);
		assert_int_equal(entry.kind, kind_at(i % ENTRY_KIND_COUNT));
	}
	assert_code(journal_read(txn_view(t->txn), pos_make(1, ENTRIES + 1),
				 &entry, &t->err),
		    ERR_NOT_FOUND);
	assert_code(journal_read(txn_view(t->txn), pos_make(2, 1), &entry,
				 &t->err),
		    ERR_NOT_FOUND);
}

struct seen {
	uint64_t next;
	size_t rows;
	uint64_t stop_at;
};

static enum err_code see(void *context, const struct journal_row *row,
			 struct err *err)
{
	struct seen *seen = context;

	(void)err;
	assert_int_equal(pos_number(row->pos), seen->next);
	seen->next++;
	seen->rows++;
	return pos_number(row->pos) == seen->stop_at ? ERR_STOPPED : ERR_OK;
}

static void a_walk_begins_and_ends_where_it_is_told_to(void **state)
{
	struct tables *t = *state;
	struct seen seen = {.next = 1};

	assert_done(journal_walk(txn_view(t->txn), pos_make(1, 1), see, &seen,
				 &t->err),
		    &t->err);
	assert_int_equal(seen.rows, ENTRIES);
	seen = (struct seen){.next = 10, .stop_at = 20};
	assert_code(journal_walk(txn_view(t->txn), pos_make(1, 10), see, &seen,
				 &t->err),
		    ERR_STOPPED);
	assert_int_equal(seen.rows, 11);
}

/* Two links of a chain, worked out by another program from its definition:
 * SipHash-2-4 of the bytes under "depot v1" and the checksum before. */
static void the_chain_is_siphash_under_the_checksum_before(void **state)
{
	static const uint64_t pinned[] = {
		UINT64_C(0x9b72b5ac4b8281f0),
		UINT64_C(0x313f5d99a823aac2),
	};
	uint64_t first = seal_checksum(0, SPAN_LITERAL("depot"));
	uint64_t second = seal_checksum(first, SPAN_LITERAL("depot"));

	(void)state;
	assert_int_equal(first, pinned[0]);
	assert_int_equal(second, pinned[1]);
}

static enum err_code verify(struct tables *t, struct pos from)
{
	return journal_verify(txn_view(t->txn), from, &head, &t->err);
}

static void a_whole_journal_verifies_from_anywhere(void **state)
{
	struct tables *t = *state;

	assert_done(verify(t, (struct pos){0}), &t->err);
	for (uint64_t i = 1; i <= ENTRIES; i++)
		assert_done(verify(t, pos_make(1, i)), &t->err);
}

static struct span row_get_copy(struct tables *t, uint64_t number, char *copy,
				struct key *key)
{
	struct span value;

	*key = (struct key){.size = 0};
	key_add_u64(key, pos_make(1, number).value);
	assert_done(view_get(txn_view(t->txn), TABLE_JOURNAL, key_span(key),
			     &value, &t->err),
		    &t->err);
	memcpy(copy, value.data, value.size);
	return (struct span){copy, value.size};
}

/* Method: every byte of every row, its checksum included, changed in turn. */
static void every_changed_byte_breaks_the_chain_where_it_is(void **state)
{
	struct tables *t = *state;
	size_t changed = 0;
	size_t broken = 0; /* and said what to do */

	for (uint64_t number = 1; number <= ENTRIES; number++) {
		char copy[ENTRY_SIZE_MAX];
		struct key key;
		struct span row = row_get_copy(t, number, copy, &key);

		for (size_t at = 0; at < row.size; at++) {
			char place[32];

			copy[at] ^= 0x40;
			assert_done(txn_put(t->txn, TABLE_JOURNAL,
					    key_span(&key), row, &t->err),
				    &t->err);
			assert_code(verify(t, (struct pos){0}), ERR_CORRUPT);
			assert_true(text_format(place, sizeof(place), "1.%llu",
						(unsigned long long)number));
			assert_non_null(strstr(t->err.text, place));
			if (strstr(t->err.text, "chain") != NULL) {
				assert_non_null(
					strstr(t->err.text, "depot restore"));
				broken++;
			}
			copy[at] ^= 0x40;
			changed++;
		}
		assert_done(txn_put(t->txn, TABLE_JOURNAL, key_span(&key), row,
				    &t->err),
			    &t->err);
	}
	assert_done(verify(t, (struct pos){0}), &t->err);
	assert_true(changed > 3000 && broken > 0);
}

static void a_missing_entry_is_named(void **state)
{
	struct tables *t = *state;
	struct key key = {.size = 0};
	struct seen seen = {.next = 1};

	key_add_u64(&key, pos_make(1, 17).value);
	assert_done(txn_delete(t->txn, TABLE_JOURNAL, key_span(&key), &t->err),
		    &t->err);
	assert_code(verify(t, (struct pos){0}), ERR_CORRUPT);
	assert_non_null(strstr(t->err.text, "1.17 is missing"));
	assert_code(journal_walk(txn_view(t->txn), pos_make(1, 1), see, &seen,
				 &t->err),
		    ERR_CORRUPT);
	assert_int_equal(seen.rows, 16);
}

static void a_journal_cut_short_does_not_fit_its_head(void **state)
{
	struct tables *t = *state;
	struct key key = {.size = 0};

	key_add_u64(&key, pos_make(1, ENTRIES).value);
	assert_done(txn_delete(t->txn, TABLE_JOURNAL, key_span(&key), &t->err),
		    &t->err);
	assert_code(verify(t, (struct pos){0}), ERR_CORRUPT);
	assert_non_null(strstr(t->err.text, "ends at 1.39"));
	assert_non_null(strstr(t->err.text, "says 1.40"));
}

/* Epoch 2 has numbers and a chain of its own, behind all of epoch 1. */
static void the_next_epoch_begins_at_1_with_a_new_chain(void **state)
{
	struct tables *t = *state;
	struct entry entry = sample_entry(ENTRY_FOUNDING);
	struct entry_bytes bytes;

	head.pos = pos_make(2, 0);
	head.chain = 0;
	entry.stamp.value = 2000;
	for (size_t i = 0; i < 3; i++) {
		entry.stamp.value++;
		assert_done(journal_append(t->txn, &head, &entry, &bytes,
					   &t->err),
			    &t->err);
	}
	assert_int_equal(head.pos.value, pos_make(2, 3).value);
	assert_done(verify(t, (struct pos){0}), &t->err);
	assert_done(verify(t, pos_make(1, 30)), &t->err);
	assert_done(verify(t, pos_make(2, 1)), &t->err);
}

/* A head that is behind the journal would write over it. */
static void an_old_head_cannot_append(void **state)
{
	struct tables *t = *state;
	struct journal_head old = {.pos = pos_make(1, 20)};
	struct entry entry = sample_entry(ENTRY_LOSS);
	struct entry_bytes bytes;

	assert_code(journal_append(t->txn, &old, &entry, &bytes, &t->err),
		    ERR_CONFLICT);
	assert_int_equal(pos_number(old.pos), 20);
	assert_done(verify(t, (struct pos){0}), &t->err);
}

static void a_head_is_stored_and_loaded(void **state)
{
	struct tables *t = *state;
	struct journal_head read;

	assert_code(journal_head_get(txn_view(t->txn), &read, &t->err),
		    ERR_CORRUPT);
	assert_done(journal_head_put(t->txn, &head, &t->err), &t->err);
	assert_done(journal_head_get(txn_view(t->txn), &read, &t->err),
		    &t->err);
	assert_int_equal(read.pos.value, head.pos.value);
	assert_int_equal(read.chain, head.chain);
	assert_int_equal(read.stamp.value, head.stamp.value);
}

static void an_entry_of_a_newer_depot_is_told_from_a_garbled_one(void **state)
{
	struct tables *t = *state;
	struct entry entry = sample_entry(ENTRY_LOSS);
	struct entry_bytes bytes;
	struct key key;
	char copy[ENTRY_SIZE_MAX];
	struct span row;

	entry.stamp.value = 5000;
	entry.actor.kind = (enum actor_kind)9;
	assert_done(journal_append(t->txn, &head, &entry, &bytes, &t->err),
		    &t->err);
	assert_code(journal_read(txn_view(t->txn), head.pos, &entry, &t->err),
		    ERR_VERSION);
	assert_non_null(strstr(t->err.text, "newer"));
	row = row_get_copy(t, 3, copy, &key);
	copy[0] = 0;
	assert_done(txn_put(t->txn, TABLE_JOURNAL, key_span(&key), row,
			    &t->err),
		    &t->err);
	assert_code(journal_read(txn_view(t->txn), pos_make(1, 3), &entry,
				 &t->err),
		    ERR_CORRUPT);
	assert_non_null(strstr(t->err.text, "1.3"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(entries_read_back_by_their_pos),
		TEST(a_walk_begins_and_ends_where_it_is_told_to),
		cmocka_unit_test(
			the_chain_is_siphash_under_the_checksum_before),
		TEST(a_whole_journal_verifies_from_anywhere),
		TEST(every_changed_byte_breaks_the_chain_where_it_is),
		TEST(a_missing_entry_is_named),
		TEST(a_journal_cut_short_does_not_fit_its_head),
		TEST(the_next_epoch_begins_at_1_with_a_new_chain),
		TEST(an_old_head_cannot_append),
		TEST(a_head_is_stored_and_loaded),
		TEST(an_entry_of_a_newer_depot_is_told_from_a_garbled_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
