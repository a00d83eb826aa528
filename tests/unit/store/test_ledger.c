/*
 * Opening a store, and batches: all of a batch is there, or nothing.
 */
#include "tests/support/check.h"

#include <sys/stat.h>

#include "store/balance.h"
#include "store/keys.h"
#include "store/row.h"
#include "tests/support/day.h"
#include "tests/support/dump.h"
#include "tests/support/store.h"

static struct journal_head head_of(struct warehouse *w)
{
	struct journal_head head = {.chain = 0};
	struct view *view;

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	assert_done(ledger_head(view, &head, &w->err), &w->err);
	view_end(view);
	return head;
}

static struct entry entry_at(struct warehouse *w, uint64_t number)
{
	struct entry entry = {.kind = ENTRY_LOSS};
	struct view *view;

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	assert_done(journal_read(view, pos_make(1, number), &entry, &w->err),
		    &w->err);
	view_end(view);
	return entry;
}

static struct entry receipt(void)
{
	return move_of(MOVEMENT_RECEIVE, "TEA", 3, "supplier:acme", "DOCK");
}

/* ---- founding and opening ---- */

static void a_new_store_is_founded_with_keys_of_its_own(void **state)
{
	struct warehouse *w = *state;
	const struct founding *identity = ledger_identity(w->ledger);
	struct entry first = entry_at(w, 1);
	uint8_t zeros[32] = {0};
	struct stat info;
	char path[128];

	assert_int_equal(first.kind, ENTRY_FOUNDING);
	assert_memory_equal(&first.body.founding, identity, sizeof(*identity));
	assert_span(name_span(&identity->org), "acme");
	assert_int_equal(identity->previous.value, 0);
	assert_memory_not_equal(identity->public_key, zeros, 32);
	assert_memory_not_equal(identity->net_id, zeros, 16);
	assert_int_equal(head_of(w).pos.value, pos_make(1, 1).value);
	assert_true(text_format(path, sizeof(path), "%s-keys", w->store));
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0700);
	assert_true(text_format(path, sizeof(path), "%s-keys/epoch-1.key",
				w->store));
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	assert_int_equal(info.st_size, 64);
}

/* A store that is there is never founded again, nor are its keys touched. */
static void a_name_that_is_taken_is_not_founded(void **state)
{
	struct warehouse *w = *state;
	struct ledger_plan plan = {.map_size = WAREHOUSE_MAP_SIZE,
				   .now = w->now};
	struct stat before;
	struct stat after;
	char key[128];

	assert_true(
		text_format(key, sizeof(key), "%s-keys/root.key", w->store));
	assert_int_equal(stat(key, &before), 0);
	assert_true(name_set(&plan.founding.org, SPAN_LITERAL("acme")));
	assert_true(name_set(&plan.founding.site, SPAN_LITERAL("hz-02")));
	assert_code(ledger_create(w->store, &plan, &w->err), ERR_CONFLICT);
	assert_int_equal(stat(key, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}

/* Whoever lost the store still has the keys, and a backup perhaps. */
static void keys_of_a_lost_store_are_never_replaced(void **state)
{
	struct warehouse *w = *state;
	struct ledger_plan plan = {.map_size = WAREHOUSE_MAP_SIZE,
				   .now = w->now};

	ledger_close(w->ledger);
	w->ledger = NULL;
	store_remove(w->store);
	assert_true(name_set(&plan.founding.org, SPAN_LITERAL("acme")));
	assert_true(name_set(&plan.founding.site, SPAN_LITERAL("hz-01")));
	assert_code(ledger_create(w->store, &plan, &w->err), ERR_CONFLICT);
	assert_non_null(strstr(w->err.text, "keys"));
	assert_false(path_is_there(w->store));
}

static void two_networks_never_have_one_id(void **state)
{
	struct warehouse *w = *state;
	struct warehouse other;

	warehouse_open(&other);
	assert_memory_not_equal(ledger_identity(w->ledger)->net_id,
				ledger_identity(other.ledger)->net_id, 16);
	warehouse_close(&other);
}

static size_t times_in(const char *text, const char *part)
{
	size_t times = 0;

	while ((text = strstr(text, part)) != NULL) {
		times++;
		text += strlen(part);
	}
	return times;
}

/* A site of a network that is there: its id, a key of its own, no root. */
static void a_site_that_joins_has_the_network_s_id_and_no_root_key(void **state)
{
	struct warehouse *w = *state;
	struct ledger_plan plan = {.map_size = WAREHOUSE_MAP_SIZE,
				   .now = {WAREHOUSE_START_MS}};
	struct ledger *joined;
	char folder[FILE_PATH_SIZE];
	char path[128];
	char root[FILE_PATH_SIZE];

	plan.founding = *ledger_identity(w->ledger);
	assert_true(name_set(&plan.founding.site, SPAN_LITERAL("hz-02")));
	assert_true(text_format(path, sizeof(path), "%s/joined", w->folder));
	assert_done(ledger_create(path, &plan, &w->err), &w->err);
	assert_done(ledger_open(path, ENV_WRITE, &joined, &w->err), &w->err);
	assert_memory_equal(ledger_identity(joined)->net_id,
			    plan.founding.net_id, NET_ID_SIZE);
	assert_memory_not_equal(ledger_identity(joined)->public_key,
				plan.founding.public_key, KEY_PUBLIC_SIZE);
	ledger_close(joined);
	assert_done(ledger_keys_folder(path, folder, &w->err), &w->err);
	assert_done(file_path(folder, "root.key", root, &w->err), &w->err);
	assert_false(path_is_there(root));
	assert_done(file_path(folder, "epoch-1.key", root, &w->err), &w->err);
	assert_true(path_is_there(root));
}

static void no_store_is_no_store_and_none_is_made(void **state)
{
	struct warehouse *w = *state;
	struct ledger *none;
	char path[128];

	assert_true(text_format(path, sizeof(path), "%s/nowhere", w->folder));
	assert_code(ledger_open(path, ENV_WRITE, &none, &w->err),
		    ERR_NOT_COMMISSIONED);
	assert_non_null(strstr(w->err.text, "depot init"));
	assert_int_equal(times_in(w->err.text, path), 1); /* named once */
	assert_false(path_is_there(path));
}

/* The sentence says what to do, too. */
static int open_in_child(void *context)
{
	struct warehouse *w = context;
	struct ledger *other;
	enum err_code code = ledger_open(w->store, ENV_WRITE, &other, &w->err);

	if (times_in(w->err.text, w->store) != 1 ||
	    times_in(w->err.text, "stop it first") != 1)
		return -1;
	return (int)code;
}

/* Method: in a child, as one process may open a store only once. */
static void a_second_writer_is_told_to_try_later(void **state)
{
	struct warehouse *w = *state;

	assert_int_equal(child_run(open_in_child, w), ERR_AGAIN);
}

/* Method: each of the last entries damaged in turn. */
static void a_store_whose_last_entries_are_damaged_does_not_open(void **state)
{
	struct warehouse *w = *state;
	size_t tried = 0;

	day_post(w);
	for (uint64_t number = 1; number <= 1 + DAY_ENTRIES; number++) {
		struct key key = {.size = 0};
		struct env *env;
		struct txn *txn;
		struct span row;
		char copy[ENTRY_SIZE_MAX];

		ledger_close(w->ledger);
		w->ledger = NULL;
		key_add_u64(&key, pos_make(1, number).value);
		assert_done(env_open(w->store, ENV_WRITE, &env, &w->err),
			    &w->err);
		assert_done(txn_begin(env, &txn, &w->err), &w->err);
		assert_done(view_get(txn_view(txn), TABLE_JOURNAL,
				     key_span(&key), &row, &w->err),
			    &w->err);
		memcpy(copy, row.data, row.size);
		row.data = copy;
		for (int turn = 0; turn < 2; turn++) {
			copy[row.size / 2] ^= 8; /* and back */
			assert_done(txn_put(txn, TABLE_JOURNAL, key_span(&key),
					    row, &w->err),
				    &w->err);
			assert_done(txn_commit(txn, &w->err), &w->err);
			env_close(env);
			assert_code(ledger_open(w->store, ENV_WRITE, &w->ledger,
						&w->err),
				    turn == 0 ? ERR_CORRUPT : ERR_OK);
			if (turn == 1)
				break;
			assert_done(env_open(w->store, ENV_WRITE, &env,
					     &w->err),
				    &w->err);
			assert_done(txn_begin(env, &txn, &w->err), &w->err);
		}
		tried++;
	}
	assert_int_equal(tried, 1 + DAY_ENTRIES);
}

/* ---- batches ---- */

static void a_batch_is_there_when_it_is_committed(void **state)
{
	struct warehouse *w = *state;
	struct entry entry = receipt();
	struct entry read;
	struct pos pos = {0};

	warehouse_begin(w);
	assert_int_equal(batch_next(w->batch).value, pos_make(1, 2).value);
	assert_done(batch_post(w->batch, &entry, &pos, &w->err), &w->err);
	assert_int_equal(pos.value, pos_make(1, 2).value);
	assert_int_equal(batch_next(w->batch).value, pos_make(1, 3).value);
	assert_int_equal(head_of(w).pos.value, pos_make(1, 1).value);
	warehouse_commit(w);
	assert_int_equal(head_of(w).pos.value, pos_make(1, 2).value);
	ledger_close(w->ledger);
	assert_done(ledger_open(w->store, ENV_WRITE, &w->ledger, &w->err),
		    &w->err);
	assert_int_equal(head_of(w).pos.value, pos_make(1, 2).value);
	read = entry_at(w, 2);
	assert_memory_equal(&read.body, &entry.body, sizeof(entry.body));
}

static void an_abandoned_batch_leaves_nothing(void **state)
{
	struct warehouse *w = *state;
	struct dump before = dump_env(ledger_env(w->ledger));
	struct entry entry = receipt();

	warehouse_begin(w);
	(void)warehouse_post(w, &entry);
	batch_ring(w->batch, 9);
	batch_abandon(w->batch);
	batch_abandon(NULL);
	assert_dump(&before, dump_env(ledger_env(w->ledger)));
	assert_int_equal(head_of(w).pos.value, pos_make(1, 1).value);
	free(before.bytes);
}

/* Method: one movement that takes too much, one that is none, one of a kind
 * that owes a reason; each among good ones. */
static void a_batch_in_which_a_post_failed_commits_nothing(void **state)
{
	struct warehouse *w = *state;
	struct dump before = dump_env(ledger_env(w->ledger));
	struct entry bad[] = {
		move_of(MOVEMENT_SHIP, "TEA", 99, "DOCK", "customer"),
		move_of(MOVEMENT_SHIP, "TEA", 1, "supplier:acme", "customer"),
		move_of(MOVEMENT_SCRAP, "TEA", 1, "DOCK", "scrap"),
	};
	static const enum err_code codes[] = {ERR_CONFLICT, ERR_INVALID,
					      ERR_INVALID};

	bad[2].body.movement.reason.size = 0;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct entry good = receipt();

		warehouse_begin(w);
		(void)warehouse_post(w, &good);
		assert_code(batch_post(w->batch, &bad[i], NULL, &w->err),
			    codes[i]);
		assert_code(batch_commit(w->batch, &w->err), codes[i]);
		assert_dump(&before, dump_env(ledger_env(w->ledger)));
		assert_int_equal(head_of(w).pos.value, pos_make(1, 1).value);
	}
	free(before.bytes);
}

/* Method: an entry of each kind without the name that it goes by. */
static void an_entry_without_a_name_is_refused(void **state)
{
	struct warehouse *w = *state;
	size_t refused = 0;

	for (int kind = ENTRY_ITEM; kind <= ENTRY_ORDER; kind++) {
		struct entry entry = sample_entry((enum entry_kind)kind);
		struct field_table table =
			entry_body_fields((enum entry_kind)kind);

		*((char *)&entry + table.fields[0].offset) = 0;
		warehouse_begin(w);
		assert_code(batch_post(w->batch, &entry, NULL, &w->err),
			    ERR_INVALID);
		batch_abandon(w->batch);
		refused++;
	}
	assert_int_equal(refused, 9);
}

static void stamps_rise_whatever_the_clock_does(void **state)
{
	static const int64_t clock[] = {0, 5000, -100000, 3, 3, 86400000, -1};
	struct warehouse *w = *state;
	struct stamp last = head_of(w).stamp;

	for (size_t i = 0; i < ARRAY_LEN(clock); i++) {
		struct entry entry = receipt();

		w->now.ms += clock[i];
		warehouse_begin(w);
		(void)warehouse_post(w, &entry);
		warehouse_commit(w);
		assert_true(head_of(w).stamp.value > last.value);
		last = head_of(w).stamp;
		assert_int_equal(entry.effective.ms, w->now.ms);
	}
}

static void what_was_trusted_is_said_of_both_times(void **state)
{
	struct warehouse *w = *state;
	struct entry entry = receipt();

	(void)warehouse_enter(w, &entry);
	assert_int_equal(entry_at(w, 2).clock_flags,
			 ENTRY_CLOCK_TRUSTED | ENTRY_EFFECTIVE_TRUSTED);
	entry = receipt();
	entry.effective.ms = WAREHOUSE_START_MS - 5000; /* a late scan */
	(void)warehouse_enter(w, &entry);
	assert_int_equal(entry_at(w, 3).clock_flags, ENTRY_CLOCK_TRUSTED);
	assert_int_equal(entry_at(w, 3).effective.ms,
			 WAREHOUSE_START_MS - 5000);
	w->clock_trusted = false;
	entry = receipt();
	(void)warehouse_enter(w, &entry);
	assert_int_equal(entry_at(w, 4).clock_flags, 0);
}

static uint64_t ring_of(struct warehouse *w)
{
	uint64_t number = 99;
	struct view *view;

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	assert_done(ledger_ring(view, &number, &w->err), &w->err);
	view_end(view);
	return number;
}

static void
the_ring_number_moves_with_the_batch_that_took_its_slots(void **state)
{
	struct warehouse *w = *state;
	struct entry entry = receipt();

	assert_int_equal(ring_of(w), 0);
	warehouse_begin(w);
	(void)warehouse_post(w, &entry);
	batch_ring(w->batch, 17);
	assert_int_equal(ring_of(w), 0);
	warehouse_commit(w);
	assert_int_equal(ring_of(w), 17);
	warehouse_begin(w); /* one that took none */
	warehouse_commit(w);
	assert_int_equal(ring_of(w), 17);
	warehouse_begin(w);
	batch_ring(w->batch, 18);
	batch_abandon(w->batch);
	assert_int_equal(ring_of(w), 17);
}

static void a_batch_sees_what_it_wrote(void **state)
{
	struct warehouse *w = *state;
	struct entry in = receipt();
	struct entry out = move_of(MOVEMENT_SHIP, "TEA", 3, "DOCK", "customer");
	struct item_no item;

	warehouse_begin(w);
	assert_code(item_find(batch_view(w->batch), span_of("TEA"), &item,
			      &w->err),
		    ERR_NOT_FOUND);
	(void)warehouse_post(w, &in);
	assert_code(item_find(batch_view(w->batch), span_of("TEA"), &item,
			      &w->err),
		    ERR_OK);
	(void)warehouse_post(w, &out);
	warehouse_commit(w);
}

/* ---- epochs ---- */

static void the_next_epoch_goes_on_from_the_last(void **state)
{
	struct warehouse *w = *state;
	struct epoch_plan plan = {.epoch = 2, .now = w->now};
	struct journal_head before;
	struct entry entry = receipt();
	struct pos pos;

	day_post(w);
	before = head_of(w);
	memset(plan.public_key, 7, sizeof(plan.public_key));
	assert_done(ledger_epoch_open(w->ledger, &plan, &w->err), &w->err);
	assert_int_equal(head_of(w).pos.value, pos_make(2, 1).value);
	assert_true(head_of(w).stamp.value > before.stamp.value);
	assert_int_equal(ledger_identity(w->ledger)->previous.value,
			 before.pos.value);
	assert_int_equal(ledger_identity(w->ledger)->previous_chain,
			 before.chain);
	pos = warehouse_enter(w, &entry);
	assert_int_equal(pos.value, pos_make(2, 2).value);
	ledger_close(w->ledger);
	assert_done(ledger_open(w->store, ENV_WRITE, &w->ledger, &w->err),
		    &w->err);
	assert_int_equal(ledger_identity(w->ledger)->public_key[0], 7);
	assert_int_equal(head_of(w).pos.value, pos_make(2, 2).value);
}

static void the_highest_epoch_with_a_key_is_known(void **state)
{
	static const char *const others[] = {
		"epoch-0007.key", "epoch-.key",         "epoch-12.key.bak",
		"root.key",       "epoch-99999999.key",
	};
	struct warehouse *w = *state;
	uint8_t public_key[KEY_PUBLIC_SIZE];
	char folder[FILE_PATH_SIZE];
	char name[KEY_NAME_SIZE];
	uint32_t epoch = 99;

	assert_done(ledger_keys_folder(w->store, folder, &w->err), &w->err);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_done(keys_make(folder, others[i], public_key, &w->err),
			    &w->err);
	assert_done(keys_epoch_last(folder, &epoch, &w->err), &w->err);
	assert_int_equal(epoch, 1);
	keys_epoch_name(11, name);
	assert_string_equal(name, "epoch-11.key");
	assert_done(keys_make(folder, name, public_key, &w->err), &w->err);
	assert_done(keys_epoch_last(folder, &epoch, &w->err), &w->err);
	assert_int_equal(epoch, 11);
	assert_done(keys_epoch_last("/nonexistent", &epoch, &w->err), &w->err);
	assert_int_equal(epoch, 0);
}

#define TEST(name)                                             \
	cmocka_unit_test_setup_teardown(name, warehouse_setup, \
					warehouse_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_store_is_founded_with_keys_of_its_own),
		TEST(a_name_that_is_taken_is_not_founded),
		TEST(keys_of_a_lost_store_are_never_replaced),
		TEST(two_networks_never_have_one_id),
		TEST(a_site_that_joins_has_the_network_s_id_and_no_root_key),
		TEST(no_store_is_no_store_and_none_is_made),
		TEST(a_second_writer_is_told_to_try_later),
		TEST(a_store_whose_last_entries_are_damaged_does_not_open),
		TEST(a_batch_is_there_when_it_is_committed),
		TEST(an_abandoned_batch_leaves_nothing),
		TEST(a_batch_in_which_a_post_failed_commits_nothing),
		TEST(an_entry_without_a_name_is_refused),
		TEST(stamps_rise_whatever_the_clock_does),
		TEST(what_was_trusted_is_said_of_both_times),
		TEST(the_ring_number_moves_with_the_batch_that_took_its_slots),
		TEST(a_batch_sees_what_it_wrote),
		TEST(the_next_epoch_goes_on_from_the_last),
		TEST(the_highest_epoch_with_a_key_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
