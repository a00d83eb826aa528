/*
 * Sealing: the journal's entries in deltas, each once, in order, by the key of
 * their epoch.
 */
#include <sys/stat.h>

#include "store/audit.h"
#include "store/feed.h"
#include "store/keys.h"
#include "store/rows.h"
#include "tests/support/entries.h"
#include "tests/support/warehouse.h"

#define SITE SITE_FIRST

struct bed {
	struct warehouse w;
	char keys[128];
	struct signer *signers[3]; /* by epoch, from 1 */
	struct feed_desk *desk;
};

static void signer_load(struct bed *bed, uint32_t epoch)
{
	char name[KEY_NAME_SIZE];

	keys_epoch_name(epoch, name);
	assert_done(signer_open(bed->keys, name, &bed->signers[epoch - 1],
				&bed->w.err),
		    &bed->w.err);
}

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	warehouse_open(&bed->w);
	assert_true(text_format(bed->keys, sizeof(bed->keys), "%s-keys",
				bed->w.store));
	signer_load(bed, 1);
	assert_done(feed_desk_open(ledger_identity(bed->w.ledger)->net_id,
				   &bed->desk, &bed->w.err),
		    &bed->w.err);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	feed_desk_close(bed->desk);
	for (size_t i = 0; i < ARRAY_LEN(bed->signers); i++)
		signer_close(bed->signers[i]);
	warehouse_close(&bed->w);
	free(bed);
	return 0;
}

static struct seal_plan plan_of(struct bed *bed, uint32_t epoch, uint32_t rows)
{
	return (struct seal_plan){.site = SITE,
				  .signer = bed->signers[epoch - 1],
				  .now = bed->w.now,
				  .clock_trusted = true,
				  .boot = 1,
				  .rows_max = rows};
}

static enum err_code seal(struct bed *bed, uint32_t epoch, uint32_t rows,
			  uint64_t *ret_seq)
{
	struct seal_plan plan = plan_of(bed, epoch, rows);
	struct txn *txn;
	enum err_code code;

	assert_done(txn_begin(ledger_env(bed->w.ledger), &txn, &bed->w.err),
		    &bed->w.err);
	code = feed_seal(bed->desk, txn, &plan, ret_seq, &bed->w.err);
	if (code != ERR_OK) {
		txn_abandon(txn);
		feed_desk_abandon(bed->desk);
		return code;
	}
	assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
	feed_desk_committed(bed->desk);
	return ERR_OK;
}

static uint64_t unsealed(struct bed *bed)
{
	struct view *view;
	uint64_t count;

	assert_done(view_begin(ledger_env(bed->w.ledger), &view, &bed->w.err),
		    &bed->w.err);
	assert_done(feed_unsealed(view, SITE, &count, &bed->w.err),
		    &bed->w.err);
	view_end(view);
	return count;
}

static struct feed_record feed_of(struct bed *bed, uint32_t epoch)
{
	struct feed_record feed;
	struct view *view;

	assert_done(view_begin(ledger_env(bed->w.ledger), &view, &bed->w.err),
		    &bed->w.err);
	assert_done(feed_get(view, (struct feed_id){SITE, epoch, 0}, &feed,
			     &bed->w.err),
		    &bed->w.err);
	view_end(view);
	return feed;
}

static void every_entry_is_sealed_once_and_in_order(void **state)
{
	struct bed *bed = *state;
	uint64_t seq = 0;
	uint64_t deltas = 0;

	for (int i = 0; i < 25; i++)
		(void)warehouse_receive(&bed->w, "TEA", 1 + i);
	assert_int_equal(unsealed(bed), 26);
	do {
		assert_code(seal(bed, 1, 10, &seq), ERR_OK);
		deltas += seq != 0;
		if (seq != 0)
			assert_int_equal(seq, deltas);
	} while (seq != 0);
	assert_int_equal(deltas, 3);
	assert_int_equal(unsealed(bed), 0);
	assert_int_equal(feed_of(bed, 1).number, 26);
	assert_true(feed_of(bed, 1).is_own);
	(void)warehouse_receive(&bed->w, "TEA", 1);
	assert_int_equal(unsealed(bed), 1);
	assert_code(seal(bed, 1, 10, &seq), ERR_OK);
	assert_int_equal(seq, 4);
}

struct sealed {
	int64_t tea;
};

static enum err_code tea_add(void *context, const struct site_balance_key *key,
			     const struct balance *balance, struct err *err)
{
	struct sealed *sealed = context;

	(void)err;
	if (place_is_bin(&key->place, "A-01"))
		sealed->tea += balance->cells[0].quantity.units;
	return ERR_OK;
}

/* Its balances as sealed are those of the journal when all is sealed, and the
 * store's own audit stands. */
static void what_is_sealed_adds_up_to_the_journal(void **state)
{
	struct bed *bed = *state;
	static struct audit_result result;
	const struct audit_plan whole = {.progress = NULL};
	struct sealed sealed = {0};
	struct feed_id id = {SITE, 1, 0};
	struct view *view;
	uint64_t seq;

	for (int i = 0; i < 20; i++)
		(void)warehouse_receive(&bed->w, "TEA", 10);
	(void)warehouse_pick(&bed->w, "TEA", 30);
	assert_code(seal(bed, 1, DELTA_ROWS_MAX, &seq), ERR_OK);
	assert_int_equal(seq, 1);
	assert_done(view_begin(ledger_env(bed->w.ledger), &view, &bed->w.err),
		    &bed->w.err);
	assert_code(site_balance_walk(view, &id, tea_add, &sealed, NULL),
		    ERR_OK);
	assert_int_equal(sealed.tea, 170);
	assert_done(audit_run(view, &whole, &result, &bed->w.err), &bed->w.err);
	assert_true(audit_is_clean(&result));
	view_end(view);
}

/* Rows that are too many for one delta's bytes go into the next. */
static void a_delta_is_closed_where_its_bytes_end(void **state)
{
	struct bed *bed = *state;
	uint64_t seq = 0;
	uint64_t deltas = 0;

	warehouse_begin(&bed->w);
	for (int i = 0; i < 1000; i++) {
		struct entry entry = sample_entry(ENTRY_ITEM);
		char text[ITEM_NAME_SIZE_MAX + 1];

		assert_true(text_format(text, 32, "SKU-%d", i));
		assert_true(sku_set(&entry.body.item.sku, span_of(text)));
		memset(text, 'a' + i % 26, ITEM_NAME_SIZE_MAX);
		text[ITEM_NAME_SIZE_MAX] = '\0';
		text[0] = (char)('a' + i / 26 % 26);
		text[1] = (char)('a' + i / 676 % 26);
		assert_true(
			item_name_set(&entry.body.item.name_en, span_of(text)));
		(void)warehouse_post(&bed->w, &entry);
	}
	warehouse_commit(&bed->w);
	do {
		assert_code(seal(bed, 1, DELTA_ROWS_MAX, &seq), ERR_OK);
		deltas += seq != 0;
	} while (seq != 0);
	printf("%llu deltas\n", (unsigned long long)deltas);
	assert_in_range(deltas, 2, 8);
	assert_int_equal(unsealed(bed), 0);
	assert_int_equal(feed_of(bed, 1).rows, 1001);
	assert_int_equal(feed_of(bed, 1).void_rows, 0);
}

static void epoch_open(struct bed *bed, uint32_t epoch)
{
	struct epoch_plan plan = {
		.epoch = epoch, .now = bed->w.now, .clock_trusted = true};
	char name[KEY_NAME_SIZE];

	keys_epoch_name(epoch, name);
	assert_done(keys_make(bed->keys, name, plan.public_key, &bed->w.err),
		    &bed->w.err);
	assert_done(ledger_epoch_open(bed->w.ledger, &plan, &bed->w.err),
		    &bed->w.err);
	signer_load(bed, epoch);
}

/* An epoch that ended is sealed to its end first, and only by its own key. */
static void the_epoch_before_is_sealed_first_by_its_own_key(void **state)
{
	struct bed *bed = *state;
	uint64_t seq;

	(void)warehouse_receive(&bed->w, "TEA", 1);
	epoch_open(bed, 2);
	(void)warehouse_receive(&bed->w, "TEA", 2);
	assert_int_equal(unsealed(bed), 4);
	assert_code(seal(bed, 2, 100, &seq), ERR_DENIED);
	assert_non_null(strstr(bed->w.err.text, "epoch 1"));
	assert_code(seal(bed, 1, 100, &seq), ERR_OK);
	assert_int_equal(seq, 1);
	assert_int_equal(feed_of(bed, 1).number, 2);
	assert_int_equal(unsealed(bed), 2);
	assert_code(seal(bed, 1, 100, &seq), ERR_DENIED);
	assert_non_null(strstr(bed->w.err.text, "epoch 2"));
	assert_code(seal(bed, 2, 100, &seq), ERR_OK);
	assert_int_equal(feed_of(bed, 2).number, 2);
	assert_int_equal(unsealed(bed), 0);
}

/* A long life: the segment's state is begun anew, and read again after a
 * restart from any delta. */
static void segments_go_on_over_restarts(void **state)
{
	struct bed *bed = *state;
	uint64_t seq;

	for (uint64_t i = 1; i <= ROWS_SEGMENT_DELTAS + 40; i++) {
		(void)warehouse_receive(&bed->w, "TEA", 1);
		assert_code(seal(bed, 1, 2, &seq), ERR_OK);
		assert_int_equal(seq, i);
		if (i % 37 == 0)
			feed_desk_abandon(bed->desk);
	}
	assert_int_equal(feed_of(bed, 1).segment, ROWS_SEGMENT_DELTAS + 1);
}

/* The clock is ten years ahead once; NTP puts it right. Nothing that is said
 * then may be taken for a trusted word of ten years hence. */
static void
what_is_said_after_a_clock_was_ahead_has_no_trusted_time(void **state)
{
	struct bed *bed = *state;
	struct moment right = bed->w.now;
	uint64_t seq;
	struct feed_record feed;

	bed->w.clock_trusted = true;
	(void)warehouse_receive(&bed->w, "TEA", 1);
	assert_code(seal(bed, 1, 10, &seq), ERR_OK);
	assert_int_equal(feed_of(bed, 1).clock_flags, DELTA_CLOCK_TRUSTED);
	bed->w.now.ms += INT64_C(10) * 365 * 86400 * 1000;
	(void)warehouse_receive(&bed->w, "TEA", 1);
	assert_code(seal(bed, 1, 10, &seq), ERR_OK);
	bed->w.now = right;
	(void)warehouse_receive(&bed->w, "TEA", 1);
	assert_code(seal(bed, 1, 10, &seq), ERR_OK);
	feed = feed_of(bed, 1);
	assert_int_equal(feed.seq, 3);
	assert_true(stamp_moment(feed.stamp).ms > right.ms + STAMP_NEAR_MS);
	assert_int_equal(feed.clock_flags, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_entry_is_sealed_once_and_in_order),
		TEST(what_is_sealed_adds_up_to_the_journal),
		TEST(a_delta_is_closed_where_its_bytes_end),
		TEST(the_epoch_before_is_sealed_first_by_its_own_key),
		TEST(segments_go_on_over_restarts),
		TEST(what_is_said_after_a_clock_was_ahead_has_no_trusted_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
