/*
 * The writer's part of an incarnation: what peers gave comes back into the
 * journal, and the next epoch opens, once, whatever fails on the way.
 *
 * Method: a real ledger whose disk was set back (tests/support/set_back.h). The
 * port is the test's: it counts, and fails where it is told to.
 */
#include "gateway/core/incarnation.h"
#include "store/recount.h"
#include "store/heir.h"
#include "store/site.h"
#include "tests/support/mute_port.h"
#include "tests/support/set_back.h"

#define NEXT_KEYS_MAX 8

struct scene {
	struct bed *bed;
	struct env *peers;
	struct guard guard; /* of the last delta that was sealed */
	struct exchange *exchange;
	struct sync *sync;
	struct incarnation incarnation;
	struct incarnation_result result;
	/* The port. */
	size_t made;
	uint32_t after; /* as it was last asked */
	uint32_t epochs[NEXT_KEYS_MAX];
	struct signer *signers[NEXT_KEYS_MAX];
	enum err_code make_code; /* what it says instead */
	enum err_code old_code;  /* of the parent's key */
	enum err_code next_code; /* of the one that was made */
};

/* ---- the port ---- */

static enum err_code key_make(void *context, uint32_t after,
			      uint32_t *ret_epoch,
			      uint8_t ret_public[KEY_PUBLIC_SIZE],
			      struct err *err)
{
	struct scene *scene = context;
	size_t at = scene->made;

	scene->after = after;
	if (scene->make_code != ERR_OK)
		return err_set(err, scene->make_code, "no key is made");
	assert_true(at < NEXT_KEYS_MAX);
	scene->made++;
	scene->epochs[at] = after + 10;
	scene->signers[at] = NULL;
	*ret_epoch = after + 10;
	{
		uint8_t seed[32];

		memset(seed, (int)(60 + at), sizeof(seed));
		assert_done(signer_of_seed(seed, &scene->signers[at], err),
			    err);
	}
	memcpy(ret_public, signer_public(scene->signers[at]), KEY_PUBLIC_SIZE);
	return ERR_OK;
}

static enum err_code key_of(void *context, uint32_t epoch,
			    const struct signer **ret_signer, struct err *err)
{
	struct scene *scene = context;

	for (size_t i = 0; i < scene->made; i++) {
		if (scene->epochs[i] != epoch)
			continue;
		if (scene->next_code != ERR_OK)
			return err_set(err, scene->next_code, "no next key");
		*ret_signer = scene->signers[i];
		return ERR_OK;
	}
	if (scene->old_code != ERR_OK)
		return err_set(err, scene->old_code, "no old key");
	*ret_signer = scene->bed->signer;
	return ERR_OK;
}

/* ---- a box that was set back ---- */

static const uint8_t *net_of(const struct scene *scene)
{
	return ledger_identity(scene->bed->w.ledger)->net_id;
}

static void sync_begin(struct scene *scene)
{
	struct sync_config config = {.site = SITE,
				     .boot = 5,
				     .seed = 5,
				     .feeds_max = 16,
				     .peers_max = 4,
				     .waiting_max = 16};
	struct sync_port port = {scene, never_send, never_admit, never_keep,
				 never_found};
	struct view *view = look(scene->bed);

	memcpy(config.net_id, net_of(scene), NET_ID_SIZE);
	assert_true(name_set(&config.name, SPAN_LITERAL("hz-01")));
	assert_done(sync_open(&config, &port, view, &scene->sync,
			      &scene->bed->w.err),
		    &scene->bed->w.err);
	view_end(view);
}

static enum guard_verdict judged(struct scene *scene)
{
	struct guard now = guard_now(scene->bed);
	struct view *view = look(scene->bed);
	enum guard_verdict verdict;

	assert_done(guard_judge(view, &scene->guard, &now, &verdict,
				&scene->bed->w.err),
		    &scene->bed->w.err);
	view_end(view);
	return verdict;
}

/* A start of the daemon. */
static void scene_begin(struct scene *scene, enum guard_verdict verdict)
{
	struct incarnation_config config = {.site = SITE,
					    .memory = {.verdict = verdict,
						       .has_guard = true,
						       .guard = scene->guard},
					    .has_no_links = true};
	struct exchange_config exchange = {
		.site = SITE, .boot = 5, .desk = scene->bed->desk};
	struct view *view = look(scene->bed);

	assert_done(incarnation_begin(&scene->incarnation, &config, view,
				      &scene->bed->w.err),
		    &scene->bed->w.err);
	view_end(view);
	exchange_close(scene->exchange);
	sync_close(scene->sync);
	memcpy(exchange.net_id, net_of(scene), NET_ID_SIZE);
	exchange.verdict = incarnation_verdict(&scene->incarnation);
	assert_done(exchange_open(&exchange, &scene->exchange,
				  &scene->bed->w.err),
		    &scene->bed->w.err);
	sync_begin(scene);
}

static int scene_setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	void *bed;

	assert_non_null(scene);
	assert_int_equal(setup(&bed), 0);
	scene->bed = bed;
	live(scene->bed);
	scene->guard = guard_now(scene->bed);
	scene->peers = roll_back(scene->bed);
	*state = scene;
	return 0;
}

static int scene_teardown(void **state)
{
	struct scene *scene = *state;
	void *bed = scene->bed;

	exchange_close(scene->exchange);
	sync_close(scene->sync);
	for (size_t i = 0; i < scene->made; i++)
		signer_close(scene->signers[i]);
	env_close(scene->peers);
	free(scene);
	return teardown(&bed);
}

/* Until the writer is due: peers are not asked here, for there are no links. */
static void wait_due(struct scene *scene)
{
	struct incarnation_now now = {.ms = 1000, .links = EXCHANGE_ALONE};

	(void)incarnation_look(&scene->incarnation, scene->exchange,
			       scene->sync, &now);
	now.ms += INCARNATION_FETCH_MS_MAX + INCARNATION_RETRY_MS;
	assert_int_equal(incarnation_look(&scene->incarnation, scene->exchange,
					  scene->sync, &now),
			 INCARNATION_DUE);
}

static enum err_code run(struct scene *scene)
{
	const struct incarnation_port port = {scene, key_make, key_of};
	struct incarnation_run what = {.ledger = scene->bed->w.ledger,
				       .port = &port,
				       .now = scene->bed->w.now,
				       .clock_trusted = true};

	wait_due(scene);
	return incarnation_run(&scene->incarnation, &what, &scene->bed->w.err);
}

static bool finish(struct scene *scene)
{
	return incarnation_finish(&scene->incarnation, scene->exchange,
				  scene->sync, 2000, &scene->result);
}

static struct pos head(struct scene *scene)
{
	struct view *view = look(scene->bed);
	struct journal_head at;

	assert_done(ledger_head(view, &at, &scene->bed->w.err),
		    &scene->bed->w.err);
	view_end(view);
	return at.pos;
}

static struct entry entry_at(struct scene *scene, struct pos pos)
{
	struct view *view = look(scene->bed);
	struct entry entry;

	assert_done(journal_read(view, pos, &entry, &scene->bed->w.err),
		    &scene->bed->w.err);
	view_end(view);
	return entry;
}

static bool is_vouched(struct scene *scene)
{
	struct heir heir = {.site = SITE,
			    .epoch = scene->result.epoch,
			    .succession = scene->result.succession};
	struct entry founding =
		entry_at(scene, pos_make(scene->result.epoch, 1));

	memcpy(heir.public_key, founding.body.founding.public_key,
	       KEY_PUBLIC_SIZE);
	return heir_verify(signer_public(scene->bed->signer), net_of(scene),
			   &heir);
}

/* ---- the story ---- */

/* live() of sealing.h: 3 entries were sealed and 2 not when the image was
 * taken, then 2 more in delta 2 and one in delta 3, which peers have not. */
static void a_life_goes_on_as_the_next_epoch(void **state)
{
	struct scene *scene = *state;
	struct entry last;

	scene_begin(scene, judged(scene));
	assert_int_equal(incarnation_verdict(&scene->incarnation),
			 GUARD_ROLLBACK);
	fetch(scene->bed, scene->peers, 2);
	assert_done(run(scene), &scene->bed->w.err);
	assert_true(finish(scene));
	assert_int_equal(scene->after, 1);
	assert_int_equal(scene->result.epoch, 11);
	assert_ptr_equal(scene->result.signer, scene->signers[0]);
	assert_int_equal(scene->result.regained, 2);
	assert_int_equal(scene->result.carried, 0);
	assert_int_equal(scene->result.succession.reason, SUCCESSION_ROLLBACK);
	assert_int_equal(scene->result.succession.parent_epoch, 1);
	assert_int_equal(scene->result.succession.parent_seq, 2);
	assert_int_equal(scene->result.succession.lost_first, 8);
	assert_int_equal(scene->result.succession.lost_last, 8);
	assert_true(is_vouched(scene));
	last = entry_at(scene, head(scene));
	assert_int_equal(last.kind, ENTRY_TASK);
	assert_int_equal(last.body.task.kind, TASK_COUNT);
	assert_int_equal(last.body.task.state, TASK_OPEN);
	assert_span(reason_span(&last.body.task.reason), RECOUNT_REASON);
	assert_int_equal(last.body.task.bin.size, 0); /* the whole site */
	assert_span(name_span(&last.body.task.id), "t11-3");
	/* It seals at once, and is set back no more. */
	assert_int_equal(incarnation_verdict(&scene->incarnation), GUARD_SAME);
	assert_false(exchange_was_set_back(scene->exchange));
	assert_true(exchange_may_seal(scene->exchange));
}

/* A crash behind the commit and before the guard is written: the old guard is
 * of an epoch that has its answer. */
static void a_rollback_that_was_answered_is_none_after_a_crash(void **state)
{
	struct scene *scene = *state;
	uint32_t epoch;

	scene_begin(scene, judged(scene));
	fetch(scene->bed, scene->peers, 2);
	assert_done(run(scene), &scene->bed->w.err);
	epoch = pos_epoch(head(scene));
	assert_int_equal(epoch, 11);
	scene_begin(scene, GUARD_ROLLBACK);
	assert_int_equal(incarnation_verdict(&scene->incarnation), GUARD_SAME);
	assert_false(exchange_was_set_back(scene->exchange));
	assert_int_equal(scene->made, 1);
	/* A guard of the new life that is ahead is another rollback. */
	scene->guard.epoch = epoch;
	scene_begin(scene, GUARD_ROLLBACK);
	assert_int_equal(incarnation_verdict(&scene->incarnation),
			 GUARD_ROLLBACK);
}

/* An epoch that a person opened, or a joining, answers no rollback. */
static void an_epoch_that_begins_otherwise_is_no_answer(void **state)
{
	struct scene *scene = *state;
	struct epoch_plan plan = {.epoch = 3, .now = scene->bed->w.now};

	assert_done(keys_make(scene->bed->keys, "epoch-3.key", plan.public_key,
			      &scene->bed->w.err),
		    &scene->bed->w.err);
	assert_done(ledger_epoch_open(scene->bed->w.ledger, &plan,
				      &scene->bed->w.err),
		    &scene->bed->w.err);
	scene_begin(scene, GUARD_ROLLBACK); /* nothing behind the founding */
	assert_int_equal(incarnation_verdict(&scene->incarnation),
			 GUARD_ROLLBACK);
	(void)warehouse_receive(&scene->bed->w, "TEA", 1);
	scene_begin(scene, GUARD_ROLLBACK);
	assert_int_equal(incarnation_verdict(&scene->incarnation),
			 GUARD_ROLLBACK);
}

/* ---- why ---- */

static void the_reason_is_what_happened(void **state)
{
	struct scene *scene = *state;
	struct txn *txn;

	/* People came back with a backup: they said so. */
	assert_done(txn_begin(ledger_env(scene->bed->w.ledger), &txn,
			      &scene->bed->w.err),
		    &scene->bed->w.err);
	assert_done(site_restored_put(txn, true, &scene->bed->w.err),
		    &scene->bed->w.err);
	assert_done(txn_commit(txn, &scene->bed->w.err), &scene->bed->w.err);
	scene_begin(scene, GUARD_SAME);
	assert_done(run(scene), &scene->bed->w.err);
	assert_true(finish(scene));
	assert_int_equal(scene->result.succession.reason, SUCCESSION_RESTORED);
	assert_int_equal(scene->result.carried, 2);
	/* Once it is answered, it is no backup any more. */
	scene_begin(scene, GUARD_SAME);
	assert_int_equal(incarnation_verdict(&scene->incarnation), GUARD_SAME);
}

/* No guard tells, but peers show our feed with other words than the journal's:
 * another box of this image worked on. */
static void other_words_under_our_numbers_are_a_clones(void **state)
{
	struct scene *scene = *state;

	(void)warehouse_receive(&scene->bed->w, "RADIO", 1);
	fetch(scene->bed, scene->peers, 3);
	scene_begin(scene, GUARD_SAME);
	exchange_found(scene->exchange,
		       &(struct sync_finding){
			       .kind = SYNC_FOUND_SELF, .feed = own, .seq = 3});
	assert_done(run(scene), &scene->bed->w.err);
	assert_true(finish(scene));
	assert_int_equal(scene->result.succession.reason, SUCCESSION_CLONE);
	assert_int_equal(scene->result.succession.parent_seq, 3);
	assert_int_equal(scene->result.regained, 3);
	assert_int_equal(scene->result.carried, 1);
}

/* ---- what fails ---- */

/* The box vouches for nobody then, and HQ's people have to. */
static void assert_unvouched(struct scene *scene, enum err_code old_code)
{
	static const uint8_t zeros[SIGNATURE_SIZE];

	scene->old_code = old_code;
	scene_begin(scene, GUARD_ROLLBACK);
	assert_done(run(scene), &scene->bed->w.err);
	assert_true(finish(scene));
	assert_memory_equal(scene->result.succession.signature, zeros,
			    SIGNATURE_SIZE);
	assert_false(is_vouched(scene));
	assert_int_equal(pos_epoch(head(scene)), scene->result.epoch);
}

static void without_the_old_key_nobody_vouches_and_it_goes_on(void **state)
{
	assert_unvouched(*state, ERR_NOT_FOUND);
}

static void a_damaged_old_key_is_as_good_as_none(void **state)
{
	assert_unvouched(*state, ERR_CORRUPT);
}

/* Nothing was written, and nothing is lost. */
static void assert_again(struct scene *scene, enum err_code expected,
			 struct pos before)
{
	struct incarnation_result untouched = {.epoch = 7};

	scene->result = untouched;
	assert_code(run(scene), expected);
	assert_non_null(strstr(scene->bed->w.err.text, "begin a new epoch: "));
	assert_false(finish(scene));
	assert_int_equal(scene->result.epoch, 7);
	assert_int_equal(head(scene).value, before.value);
	assert_true(exchange_was_set_back(scene->exchange));
	assert_false(exchange_may_seal(scene->exchange));
}

/*
 * Method: each thing that the port can fail in, one after the other, ten times;
 * then all goes well. A key costs an epoch's number, of which there are 2^24:
 * one is made for all of these tries. And no epoch is opened whose key cannot
 * be taken, or each try would open another one.
 */
static void a_try_that_fails_writes_nothing_and_wastes_no_epoch(void **state)
{
	struct scene *scene = *state;
	struct pos before = head(scene);

	scene_begin(scene, GUARD_ROLLBACK);
	for (int i = 0; i < 10; i++) {
		scene->make_code = ERR_IO;
		assert_again(scene, ERR_IO, before);
	}
	assert_int_equal(scene->made, 0);
	scene->make_code = ERR_OK;
	for (int i = 0; i < 10; i++) {
		scene->next_code = ERR_FULL;
		assert_again(scene, ERR_FULL, before);
	}
	scene->next_code = ERR_OK;
	for (int i = 0; i < 10; i++) {
		scene->old_code = ERR_IO;
		assert_again(scene, ERR_IO, before);
	}
	scene->old_code = ERR_OK;
	assert_int_equal(scene->made, 1);
	assert_done(run(scene), &scene->bed->w.err);
	assert_true(finish(scene));
	assert_int_equal(scene->made, 1);
	assert_int_equal(scene->result.epoch, scene->epochs[0]);
	assert_int_equal(pos_epoch(head(scene)), scene->epochs[0]);
	assert_true(is_vouched(scene));
}

/* A crash between the key and the epoch: the key is of no use to the next try,
 * which does not know it, and no harm. */
static void a_key_that_was_made_for_nothing_is_left_behind(void **state)
{
	struct scene *scene = *state;

	scene_begin(scene, GUARD_ROLLBACK);
	scene->old_code = ERR_IO;
	assert_code(run(scene), ERR_IO);
	scene->old_code = ERR_OK;
	scene_begin(scene, GUARD_ROLLBACK);
	assert_int_equal(incarnation_verdict(&scene->incarnation),
			 GUARD_ROLLBACK);
	assert_done(run(scene), &scene->bed->w.err);
	assert_true(finish(scene));
	assert_int_equal(scene->made, 2);
	assert_int_equal(scene->result.carried, 2);
}

/* Method: HQ told of an epoch of this site that this disk does not remember. */
static void the_next_epoch_is_beyond_all_that_peers_told_of(void **state)
{
	struct scene *scene = *state;
	struct bed *bed = scene->bed;
	uint8_t seed[32] = {9};
	struct signer *later;
	struct entry entry;
	struct bytes bytes;
	struct span span;
	struct feed_write write = {.id = {SITE, 40, 0},
				   .plan = {.now = bed->w.now, .rows_max = 1},
				   .entries = &span,
				   .count = 1};
	struct txn *txn;
	uint64_t seq;

	assert_done(signer_of_seed(seed, &later, &bed->w.err), &bed->w.err);
	write.plan.signer = later;
	entry_init(&entry, ENTRY_FOUNDING);
	entry.body.founding = *ledger_identity(bed->w.ledger);
	entry.stamp.value = (uint64_t)bed->w.now.ms << STAMP_COUNTER_BITS;
	entry.effective = bed->w.now;
	bytes = encode(&entry);
	span = (struct span){(const char *)bytes.data, bytes.size};
	assert_done(txn_begin(ledger_env(bed->w.ledger), &txn, &bed->w.err),
		    &bed->w.err);
	assert_done(feed_write(bed->desk, txn, &write, &seq, &bed->w.err),
		    &bed->w.err);
	assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
	feed_desk_committed(bed->desk);
	signer_close(later);
	scene_begin(scene, GUARD_ROLLBACK);
	assert_done(run(scene), &bed->w.err);
	assert_true(finish(scene));
	assert_int_equal(scene->after, 40);
	assert_int_equal(scene->result.epoch, 50);
	assert_int_equal(scene->result.succession.parent_epoch, 1);
}

#define STORY(name) \
	cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_life_goes_on_as_the_next_epoch),
		STORY(a_rollback_that_was_answered_is_none_after_a_crash),
		STORY(an_epoch_that_begins_otherwise_is_no_answer),
		STORY(the_reason_is_what_happened),
		STORY(other_words_under_our_numbers_are_a_clones),
		STORY(without_the_old_key_nobody_vouches_and_it_goes_on),
		STORY(a_damaged_old_key_is_as_good_as_none),
		STORY(a_try_that_fails_writes_nothing_and_wastes_no_epoch),
		STORY(a_key_that_was_made_for_nothing_is_left_behind),
		STORY(the_next_epoch_is_beyond_all_that_peers_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
