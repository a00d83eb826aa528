/*
 * Which lives of its site a box's journal goes on from, and whose feeds are
 * this box's own words.
 *
 * Method: a box that took another one's place (tests/support/replaced.h), with
 * what control and feeds say of the lives before; lives of its own are opened
 * in its ledger.
 */
#include "store/past.h"
#include "store/transfer.h"
#include "tests/support/replaced.h"

static struct past past_of(struct bed *bed, uint32_t site)
{
	struct view *view = bed_look(bed);
	struct past past = {.count = 99};

	assert_done(past_read(view, site, &past, &bed->w.err), &bed->w.err);
	view_end(view);
	return past;
}

static bool lived(struct bed *bed, uint32_t epoch)
{
	struct view *view = bed_look(bed);
	bool is = true;

	assert_done(past_is_lived(view, epoch, &is, &bed->w.err), &bed->w.err);
	view_end(view);
	return is;
}

static bool ours(struct bed *bed, uint32_t site, uint32_t epoch,
		 uint64_t branch)
{
	struct feed_id id = {site, epoch, branch};
	struct view *view = bed_look(bed);
	bool is = true;

	assert_done(past_is_ours(view, id, false, &is, &bed->w.err),
		    &bed->w.err);
	view_end(view);
	return is;
}

/* ---- lives of this box ---- */

static enum err_code succession_post(void *context, struct batch *batch,
				     struct err *err)
{
	return batch_post(batch, context, NULL, err);
}

/* The journal goes on as @epoch; @parent 0: without a word about it. */
static void live_on(struct bed *bed, uint32_t epoch, uint32_t parent)
{
	struct warehouse *w = &bed->w;
	struct epoch_plan plan = {.epoch = epoch, .now = w->now};
	struct entry entry;
	char folder[FILE_PATH_SIZE];
	char name[KEY_NAME_SIZE];

	entry_init(&entry, ENTRY_SUCCESSION);
	entry.body.succession.parent_epoch = parent;
	entry.body.succession.reason = SUCCESSION_ROLLBACK;
	if (parent != 0) {
		plan.also = succession_post;
		plan.context = &entry;
	}
	assert_done(ledger_keys_folder(w->store, folder, &w->err), &w->err);
	keys_epoch_name(epoch, name);
	assert_done(keys_make(folder, name, plan.public_key, &w->err), &w->err);
	assert_done(ledger_epoch_open(w->ledger, &plan, &w->err), &w->err);
}

/* ---- lives of others ---- */

static void certify(struct bed *bed, uint32_t epoch, uint32_t parent)
{
	struct entry entry = feeds_certificate(&bed->feeds, BEFORE);

	entry.body.certificate.epoch = epoch;
	entry.body.certificate.parent_epoch = parent;
	(void)feeds_say(&bed->feeds, SITE_CONTROL, &entry);
	bed_hear_all(bed, SITE_CONTROL, 1);
}

/* ---- the line ---- */

static int joined_setup(void **state)
{
	return bed_setup_as(state, SUCCESSION_JOINED, 1);
}

/* The network of one that it was is a life that no other will hear of. */
static void a_site_that_joined_has_no_past(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(past_of(bed, BEFORE).count, 0);
	assert_true(lived(bed, NEW_EPOCH));
	assert_false(lived(bed, 1)); /* in another network */
	assert_false(lived(bed, 9));
	assert_false(lived(bed, 0));
}

static void a_network_of_one_has_none_either(void **state)
{
	struct warehouse *w = *state;
	struct view *view;
	struct past past = {.count = 9};
	bool is = true;

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	assert_done(past_read(view, SITE_FIRST, &past, &w->err), &w->err);
	assert_int_equal(past.count, 0);
	is = false;
	assert_done(past_is_ours(view, (struct feed_id){SITE_FIRST, 1, 0},
				 false, &is, &w->err),
		    &w->err);
	assert_false(is);
	view_end(view);
}

static void a_box_in_anothers_place_goes_on_from_that_ones_life(void **state)
{
	struct bed *bed = *state;
	struct past past = past_of(bed, BEFORE);

	assert_int_equal(past.count, 1);
	assert_int_equal(past.epochs[0], 1);
	assert_false(lived(bed, 1));
}

static void its_own_lives_come_before_those_of_others(void **state)
{
	static const uint32_t line[] = {9, 5, NEW_EPOCH, 1};
	struct bed *bed = *state;
	struct past past;

	live_on(bed, 5, NEW_EPOCH);
	live_on(bed, 9, 5);
	live_on(bed, 12, 0); /* its founding names the one before */
	past = past_of(bed, BEFORE);
	assert_int_equal(past.count, ARRAY_LEN(line));
	for (size_t i = 0; i < ARRAY_LEN(line); i++)
		assert_int_equal(past.epochs[i], line[i]);
	assert_true(lived(bed, 5));
	bed_restart(bed);
	assert_int_equal(past_of(bed, BEFORE).count, ARRAY_LEN(line));
}

/* Two lives went before: HQ's certificate says which one before which. */
static void hq_tells_of_lives_that_nobody_here_lived(void **state)
{
	struct bed *bed = *state;
	struct past past;

	live_on(bed, 8, 6);
	assert_int_equal(past_of(bed, BEFORE).count, 1);
	certify(bed, 6, 3);
	certify(bed, 3, 1);
	past = past_of(bed, BEFORE);
	assert_int_equal(past.count, 3);
	assert_int_equal(past.epochs[0], 6);
	assert_int_equal(past.epochs[1], 3);
	assert_int_equal(past.epochs[2], 1);
}

static void who_names_itself_or_what_comes_after_ends_the_line(void **state)
{
	struct bed *bed = *state;

	live_on(bed, 8, 6);
	certify(bed, 6, 6);
	assert_int_equal(past_of(bed, BEFORE).count, 1);
	certify(bed, 6, 7);
	assert_int_equal(past_of(bed, BEFORE).count, 1);
}

static void the_line_is_looked_at_for_so_many_lives(void **state)
{
	struct bed *bed = *state;
	struct past past;

	for (uint32_t i = 1; i <= PAST_EPOCHS_MAX + 3; i++)
		live_on(bed, NEW_EPOCH + i, NEW_EPOCH + i - 1);
	past = past_of(bed, BEFORE);
	assert_int_equal(past.count, PAST_EPOCHS_MAX);
	for (uint32_t i = 0; i < PAST_EPOCHS_MAX; i++)
		assert_int_equal(past.epochs[i],
				 NEW_EPOCH + PAST_EPOCHS_MAX + 2 - i);
}

/* ---- whose words ---- */

static void feeds_of_the_line_are_ours(void **state)
{
	struct bed *bed = *state;

	live_on(bed, 5, NEW_EPOCH);
	assert_true(ours(bed, BEFORE, 5, 0));
	assert_true(ours(bed, BEFORE, NEW_EPOCH, 0));
	assert_true(ours(bed, BEFORE, 1, 0));
	/* Of its own lives another box wrote the branches; of others' lives
	 * all that is here counts. */
	assert_false(ours(bed, BEFORE, 5, 0x1234));
	assert_false(ours(bed, BEFORE, NEW_EPOCH, 0x1234));
	assert_true(ours(bed, BEFORE, 1, 0x1234));
}

static void feeds_of_others_are_not(void **state)
{
	struct bed *bed = *state;

	assert_false(ours(bed, BEFORE, 7, 0)); /* a twin's */
	assert_false(ours(bed, BEFORE + 1, 1, 0));
	assert_false(ours(bed, SITE_CONTROL, 1, 0));
	assert_false(ours(bed, SITE_MASTER, 1, 0));
}

static void what_this_box_signs_is_ours_whatever_its_name(void **state)
{
	struct bed *bed = *state;
	struct view *view = bed_look(bed);
	bool is = false;

	assert_done(past_is_ours(view, (struct feed_id){BEFORE + 1, 7, 9}, true,
				 &is, &bed->w.err),
		    &bed->w.err);
	assert_true(is);
	/* HQ's word is nobody's book. */
	assert_done(past_is_ours(view, (struct feed_id){SITE_CONTROL, 1, 0},
				 true, &is, &bed->w.err),
		    &bed->w.err);
	assert_false(is);
	view_end(view);
}

/* ---- transfers of lives that turn out to be ours ---- */

#define BETWEEN 2 /* the life between that of the box before and this one's */

static int third_setup(void **state)
{
	return bed_setup_at(state, BETWEEN + 1, SUCCESSION_REPLACED, BETWEEN);
}

static int64_t shipped(struct bed *bed)
{
	struct transfer_sums sums = {.shipped = 0};
	struct view *view = bed_look(bed);

	assert_done(transfer_sums(view, SPAN_LITERAL("4-3-1"),
				  SPAN_LITERAL("TEA"), &sums, &bed->w.err),
		    &bed->w.err);
	view_end(view);
	return sums.shipped;
}

/* The first delta of the life between, with the word of the first one's key. */
static void between_says(struct bed *bed)
{
	struct feeds *feeds = &bed->feeds;
	struct signer *key = feeds_signer(77);
	struct writing *writing = writing_new(0);
	struct entry entry = founding_by(feeds->net_id, key);
	struct feed_id id = {BEFORE, BETWEEN, 0};
	struct feed_write write = {.id = id,
				   .plan = {.signer = key,
					    .now = {feeds->now_ms++},
					    .clock_trusted = true,
					    .boot = 9,
					    .rows_max = DELTA_ROWS_MAX},
				   .entries = writing->spans};
	struct heir heir = {.site = BEFORE,
			    .epoch = BETWEEN,
			    .succession = {.parent_epoch = 1,
					   .parent_seq = 1,
					   .reason = SUCCESSION_ROLLBACK}};
	uint64_t seq;

	memcpy(heir.public_key, signer_public(key), KEY_PUBLIC_SIZE);
	memset(heir.succession.parent_hash, 5, HASH_SIZE);
	heir_sign(feeds_signer_of(feeds, BEFORE), feeds->net_id, &heir);
	writing_add(feeds, writing, &entry);
	entry_init(&entry, ENTRY_SUCCESSION);
	entry.body.succession = heir.succession;
	writing_add(feeds, writing, &entry);
	write.count = writing->count;
	assert_done(feed_write(feeds->author.desk, feeds->author.t.txn, &write,
			       &seq, &feeds->err),
		    &feeds->err);
	signer_close(key);
}

static void before_ships(struct bed *bed)
{
	before_moves(bed, MOVEMENT_RECEIVE, 9, "supplier:x", "A-01");
	before_moves(bed, MOVEMENT_TRANSFER_OUT, 5, "A-01", "transit:4-3-1");
	assert_false(ours(bed, BEFORE, 1, 0));
	assert_int_equal(shipped(bed), 5); /* as by another */
}

static void assert_shipped_once(struct bed *bed)
{
	assert_true(ours(bed, BEFORE, 1, 0));
	assert_true(regain_all(bed) > 0);
	assert_int_equal(shipped(bed), 5);
	assert_sound(bed);
}

/* Nobody here knows yet that the first life is this box's past when that one's
 * deltas come; those of the life between tell. */
static void
what_an_epoch_shipped_that_turns_out_to_be_ours_counts_once(void **state)
{
	struct bed *bed = *state;

	before_ships(bed);
	between_says(bed);
	assert_admission(bed_hear(bed, (struct feed_id){BEFORE, BETWEEN, 0}, 1),
			 "applied");
	assert_shipped_once(bed);
}

static void so_it_does_where_hq_tells_who_went_before(void **state)
{
	struct bed *bed = *state;

	before_ships(bed);
	certify(bed, BETWEEN, 1);
	assert_shipped_once(bed);
}

/* ---- bad rows ---- */

/* The founding, and the word behind it, of the present life. */
static void a_damaged_beginning_is_an_error_and_no_answer(void **state)
{
	struct bed *bed = *state;
	struct warehouse *w = &bed->w;

	for (uint64_t number = 2; number >= 1; number--) {
		struct past past = {.count = 77};
		struct key key = {.size = 0};
		struct view *view;

		key_add_u64(&key, pos_make(NEW_EPOCH, number).value);
		warehouse_begin(w);
		assert_done(txn_put(batch_txn(w->batch), TABLE_JOURNAL,
				    key_span(&key), SPAN_LITERAL("spoilt"),
				    &w->err),
			    &w->err);
		warehouse_commit(w);
		view = bed_look(bed);
		assert_code(past_read(view, BEFORE, &past, &w->err),
			    ERR_CORRUPT);
		view_end(view);
		assert_int_equal(past.count, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_site_that_joined_has_no_past,
						joined_setup, bed_teardown),
		cmocka_unit_test_setup_teardown(
			a_network_of_one_has_none_either, warehouse_setup,
			warehouse_teardown),
		TEST(a_box_in_anothers_place_goes_on_from_that_ones_life),
		TEST(its_own_lives_come_before_those_of_others),
		TEST(hq_tells_of_lives_that_nobody_here_lived),
		TEST(who_names_itself_or_what_comes_after_ends_the_line),
		TEST(the_line_is_looked_at_for_so_many_lives),
		TEST(feeds_of_the_line_are_ours),
		TEST(feeds_of_others_are_not),
		TEST(what_this_box_signs_is_ours_whatever_its_name),
		cmocka_unit_test_setup_teardown(
			what_an_epoch_shipped_that_turns_out_to_be_ours_counts_once,
			third_setup, bed_teardown),
		cmocka_unit_test_setup_teardown(
			so_it_does_where_hq_tells_who_went_before, third_setup,
			bed_teardown),
		TEST(a_damaged_beginning_is_an_error_and_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
