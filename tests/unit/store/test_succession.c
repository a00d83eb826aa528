/*
 * A disk went back in time: the peers give back what was lost, and the box goes
 * on as the next epoch.
 */
#include "store/fold.h"
#include "store/master.h"
#include "store/promise.h"
#include "store/regain.h"
#include "tests/support/rebuilt.h"
#include "tests/support/set_back.h"

static void what_peers_have_comes_back_and_a_new_epoch_goes_on(void **state)
{
	struct bed *bed = *state;
	struct succession succession;
	struct guard guard;
	struct env *peers;
	uint64_t count;

	live(bed);
	guard = guard_now(bed);
	peers = roll_back(bed);
	fetch(bed, peers, 2); /* the last delta had not left */
	assert_done(journal_recover(bed->w.ledger, SITE, &count, &bed->w.err),
		    &bed->w.err);
	assert_int_equal(count, 2);
	assert_done(journal_recover(bed->w.ledger, SITE, &count, &bed->w.err),
		    &bed->w.err);
	assert_int_equal(count, 0);
	succession = succeed(bed, &guard);
	assert_int_equal(succession.parent_epoch, 1);
	assert_int_equal(succession.parent_seq, 2);
	assert_int_equal(succession.lost_first, 8);
	assert_int_equal(succession.lost_last, 8);
	(void)warehouse_receive(&bed->w, "TEA", 7);
	assert_int_equal(seal(bed), 1);
	assert_int_equal(guard_now(bed).epoch, 2);
	assert_audit(bed);
	env_close(peers);
}

/* Two entries of the image were never sealed, and of the lost ones nobody has
 * any: the new epoch tells the two again, once for the network and not a second
 * time for the box. */
static void what_was_never_sealed_is_told_again_in_the_new_epoch(void **state)
{
	struct bed *bed = *state;
	struct units units = {0};
	struct succession succession;
	struct env *peers;
	struct view *view;

	live(bed);
	peers = roll_back(bed);
	succession = succeed(bed, NULL);
	assert_int_equal(succession.parent_seq, 1);
	assert_int_equal(seal(bed), 1);
	assert_int_equal(seal(bed), 0);
	view = look(bed);
	assert_done(site_balance_walk(view, NULL, units_add, &units,
				      &bed->w.err),
		    &bed->w.err);
	assert_int_equal(units.tea, 30);
	assert_int_equal(units.cup, 3);
	assert_rebuilt(&bed->w, view);
	view_end(view);
	assert_audit(bed);
	env_close(peers);
}

/* The new epoch told two entries again, and then somebody comes who had them in
 * the old one: they count there, and here no more. Folding all anew comes to
 * the same. */
static void what_the_old_feed_turns_out_to_have_counts_once(void **state)
{
	struct bed *bed = *state;
	struct units before;
	struct units after;
	struct units peers_have;
	struct env *peers;
	struct view *view;
	struct txn *txn;

	live(bed);
	peers = roll_back(bed);
	(void)succeed(bed, NULL);
	assert_int_equal(seal(bed), 1);
	view = look(bed);
	before = units_of(bed, view);
	view_end(view);
	assert_int_equal(before.tea, 30);
	assert_done(view_begin(peers, &view, &bed->w.err), &bed->w.err);
	peers_have = units_of(bed, view);
	view_end(view);
	fetch(bed, peers, 3);
	view = look(bed);
	after = units_of(bed, view);
	view_end(view);
	assert_true(peers_have.tea > before.tea || peers_have.cup > before.cup);
	assert_int_equal(after.tea, peers_have.tea);
	assert_int_equal(after.cup, peers_have.cup);
	assert_done(txn_begin(ledger_env(bed->w.ledger), &txn, &bed->w.err),
		    &bed->w.err);
	assert_done(feed_rebuild(bed->desk, txn, &bed->w.err), &bed->w.err);
	after = units_of(bed, txn_view(txn));
	txn_abandon(txn);
	feed_desk_abandon(bed->desk);
	assert_int_equal(after.tea, peers_have.tea);
	assert_int_equal(after.cup, peers_have.cup);
	env_close(peers);
}

static struct latest proposal_of(struct bed *bed, const struct view *view)
{
	struct latest latest = {.entry = {.kind = ENTRY_ITEM}};

	assert_done(feed_latest_get(view, SITE, SPAN_LITERAL("LAMP"), &latest,
				    &bed->w.err),
		    &bed->w.err);
	return latest;
}

/* What the site says of an item was told in the old epoch and again in the new
 * one. Which of the two came first to whom is nothing that shows. */
static void
what_is_said_of_an_item_twice_is_shown_alike_everywhere(void **state)
{
	struct bed *bed = *state;
	struct warehouse *w = &bed->w;
	struct latest shown[3];
	struct env *peers;
	struct view *view;
	struct txn *txn;

	(void)warehouse_receive(w, "TEA", 10);
	assert_int_equal(seal(bed), 1);
	(void)warehouse_describe(w, "LAMP", "Lamp", false);
	assert_done(env_copy(ledger_env(w->ledger), bed->image, 0, &w->err),
		    &w->err);
	assert_int_equal(seal(bed), 2);
	peers = roll_back(bed);
	(void)succeed(bed, NULL);
	assert_int_equal(seal(bed), 1);
	view = look(bed);
	shown[0] = proposal_of(bed, view);
	view_end(view);
	fetch(bed, peers, 2);
	view = look(bed);
	shown[1] = proposal_of(bed, view);
	view_end(view);
	/* In the order of the epochs. */
	assert_done(txn_begin(ledger_env(w->ledger), &txn, &w->err), &w->err);
	assert_done(feed_rebuild(bed->desk, txn, &w->err), &w->err);
	shown[2] = proposal_of(bed, txn_view(txn));
	txn_abandon(txn);
	feed_desk_abandon(bed->desk);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pos_epoch(shown[i].pos), 1);
	assert_int_equal(shown[1].entry.stamp.value,
			 shown[2].entry.stamp.value);
	assert_int_equal(shown[1].entry.carried.value,
			 shown[2].entry.carried.value);
	env_close(peers);
}

/* A clock that is dead, and stands at the beginning of 1970: that is when the
 * entry happened, as far as the box knows, and it stays so in every telling. A
 * moment of 0 is not one that is missing. */
static void what_happened_at_the_beginning_of_1970_counts_once_too(void **state)
{
	struct bed *bed = *state;
	struct warehouse *w = &bed->w;
	const struct moment now = w->now;
	struct units units;
	struct env *peers;
	struct view *view;

	(void)warehouse_receive(w, "TEA", 10);
	assert_int_equal(seal(bed), 1);
	w->now.ms = -1; /* and one more when it is entered */
	(void)warehouse_receive(w, "TEA", 5);
	assert_int_equal(w->now.ms, 0);
	w->now = now;
	assert_done(env_copy(ledger_env(w->ledger), bed->image, 0, &w->err),
		    &w->err);
	assert_int_equal(seal(bed), 2);
	peers = roll_back(bed);
	(void)succeed(bed, NULL);
	assert_int_equal(seal(bed), 1);
	fetch(bed, peers, 2);
	view = look(bed);
	units = units_of(bed, view);
	view_end(view);
	assert_int_equal(units.tea, 15);
	env_close(peers);
}

/* The old image went on before anybody noticed: the journal has other entries
 * under the same numbers. Nothing is changed, and a new epoch opens. */
static void a_journal_that_went_another_way_is_told_and_not_mixed(void **state)
{
	struct bed *bed = *state;
	struct succession succession;
	struct units ours;
	struct units theirs;
	struct env *peers;
	struct view *view;
	uint64_t count = 99;

	live(bed);
	peers = roll_back(bed);
	(void)warehouse_receive(&bed->w, "RADIO", 1);
	fetch(bed, peers, 3);
	assert_code(journal_recover(bed->w.ledger, SITE, &count, &bed->w.err),
		    ERR_CONFLICT);
	assert_int_equal(count, 99);
	succession = succeed(bed, NULL);
	assert_int_equal(succession.parent_seq, 3);
	assert_int_equal(succession.lost_last, 0);
	assert_int_equal(seal(bed), 1);
	/* What only the feed had is in the book again, and counts once. */
	assert_done(view_begin(peers, &view, &bed->w.err), &bed->w.err);
	theirs = units_of(bed, view);
	view_end(view);
	view = look(bed);
	ours = units_of(bed, view);
	assert_int_equal(ours.cup, theirs.cup);
	assert_int_equal(ours.tea - 1, theirs.tea); /* and the radio */
	assert_rebuilt(&bed->w, view);
	view_end(view);
	assert_audit(bed);
	env_close(peers);
}

/* HQ asked for a task, and has the answer. The image of before went on. */
static void a_task_of_hqs_is_there_when_its_answer_comes_back(void **state)
{
	struct bed *bed = *state;
	struct warehouse *w = &bed->w;
	struct intent_result answer;
	struct entry entry;
	struct env *peers;
	struct view *view;
	struct task task;

	(void)warehouse_receive(w, "TEA", 10);
	assert_int_equal(seal(bed), 1);
	assert_done(env_copy(ledger_env(w->ledger), bed->image, 0, &w->err),
		    &w->err);
	entry_init(&entry, ENTRY_TASK);
	entry.actor.kind = ACTOR_RULE;
	TEXT_SET(entry.actor.name, REGAIN_HQ);
	entry.body.task.kind = TASK_COUNT;
	entry.body.task.state = TASK_OPEN;
	TEXT_SET(entry.body.task.id, "t1-4");
	TEXT_SET(entry.body.task.bin, "A-01");
	(void)warehouse_enter(w, &entry);
	entry_init(&entry, ENTRY_INTENT_RESULT);
	entry.actor.kind = ACTOR_RULE;
	TEXT_SET(entry.actor.name, REGAIN_HQ);
	TEXT_SET(entry.body.intent_result.id, "ask-1");
	entry.body.intent_result.state = INTENT_DONE;
	(void)warehouse_enter(w, &entry);
	assert_int_equal(seal(bed), 2);
	peers = roll_back(bed);
	(void)warehouse_receive(w, "RADIO", 1);
	fetch(bed, peers, 2);
	(void)succeed(bed, NULL);
	view = look(bed);
	assert_done(intent_answer(view, SPAN_LITERAL("ask-1"), &answer,
				  &w->err),
		    &w->err);
	assert_int_equal(answer.state, INTENT_DONE);
	assert_done(task_get(view, SPAN_LITERAL("t1-4"), &task, &w->err),
		    &w->err);
	assert_int_equal(task.state, TASK_OPEN);
	view_end(view);
	assert_audit(bed);
	env_close(peers);
}

/* HQ ended the epoch before what the box had sealed last: that counts nowhere,
 * and the next epoch tells it again. */
static void what_a_fence_cut_off_is_told_again_in_the_new_epoch(void **state)
{
	struct bed *bed = *state;
	struct units all;
	struct units left;
	struct units after;
	struct entry entry;
	struct view *view;
	struct txn *txn;

	live(bed);
	view = look(bed);
	all = units_of(bed, view);
	entry_init(&entry, ENTRY_FENCE);
	entry.body.fence = (struct fence){
		.site = SITE, .epoch = 1, .seq = 1, .verdict = FENCE_ENDED};
	assert_done(feed_hash_at(view, own, 1, entry.body.fence.hash,
				 &bed->w.err),
		    &bed->w.err);
	view_end(view);
	assert_done(txn_begin(ledger_env(bed->w.ledger), &txn, &bed->w.err),
		    &bed->w.err);
	say(bed, txn, &entry);
	assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
	view = look(bed);
	left = units_of(bed, view);
	view_end(view);
	assert_true(left.tea < all.tea && left.cup < all.cup);
	(void)succeed(bed, NULL);
	assert_int_equal(seal(bed), 1);
	view = look(bed);
	after = units_of(bed, view);
	assert_rebuilt(&bed->w, view);
	view_end(view);
	assert_int_equal(after.tea, all.tea);
	assert_int_equal(after.cup, all.cup);
	assert_audit(bed);
}

/* PICKED -> PACKED */
static void pack(struct bed *bed, const char *order, int64_t units)
{
	struct entry entry = warehouse_movement(MOVEMENT_PACK, "TEA", units);
	struct movement *movement = &entry.body.movement;

	movement->from.place = place_bin(SPAN_LITERAL(BIN_PICKED));
	movement->from.condition = CONDITION_GOOD;
	movement->to.place = place_bin(SPAN_LITERAL(BIN_PACKED));
	movement->to.condition = CONDITION_GOOD;
	entry.ref.kind = REF_ORDER;
	assert_true(ref_set(&entry.ref.text, span_of(order)));
	(void)warehouse_enter(&bed->w, &entry);
}

static struct promise promise_of(struct bed *bed, const char *order)
{
	struct promise promise = {.picked = {0}};
	struct item_no item = warehouse_item(&bed->w, "TEA");
	struct view *view = look(bed);
	enum err_code code =
		promise_get(view, item, span_of(order), &promise, &bed->w.err);

	view_end(view);
	if (code != ERR_NOT_FOUND)
		assert_done(code, &bed->w.err);
	return promise;
}

/* People packed an order again after the disk went back. That it was packed
 * before comes back all the same, though no unit stands picked for it: the
 * units of the other order are not its. */
static void what_was_done_for_an_order_twice_comes_back_too(void **state)
{
	struct bed *bed = *state;
	struct warehouse *w = &bed->w;
	struct env *peers;

	(void)warehouse_receive(w, "TEA", 10);
	(void)warehouse_pick(w, "TEA", 3);
	(void)warehouse_pick_for(w, "SO-2", "TEA", 4);
	assert_int_equal(seal(bed), 1);
	assert_done(env_copy(ledger_env(w->ledger), bed->image, 0, &w->err),
		    &w->err);
	pack(bed, "SO-1", 3);
	assert_int_equal(seal(bed), 2);
	peers = roll_back(bed);
	pack(bed, "SO-1", 2);
	fetch(bed, peers, 2);
	(void)succeed(bed, NULL);
	assert_int_equal(promise_of(bed, "SO-1").picked.units, 0);
	assert_int_equal(promise_of(bed, "SO-1").packed.units, 5);
	assert_int_equal(promise_of(bed, "SO-2").picked.units, 4);
	assert_audit(bed);
	assert_int_equal(seal(bed), 1);
	env_close(peers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_peers_have_comes_back_and_a_new_epoch_goes_on),
		TEST(what_was_never_sealed_is_told_again_in_the_new_epoch),
		TEST(what_the_old_feed_turns_out_to_have_counts_once),
		TEST(what_is_said_of_an_item_twice_is_shown_alike_everywhere),
		TEST(what_happened_at_the_beginning_of_1970_counts_once_too),
		TEST(a_journal_that_went_another_way_is_told_and_not_mixed),
		TEST(a_task_of_hqs_is_there_when_its_answer_comes_back),
		TEST(what_a_fence_cut_off_is_told_again_in_the_new_epoch),
		TEST(what_was_done_for_an_order_twice_comes_back_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
