/*
 * What HQ says of where a life ends, behind what it said before.
 *
 * Method: HQ's own box on a real store, which holds a site's feed as peers
 * brought it, up to delta 2, and two lines of two further deltas each that the
 * site's key signed: either goes on, or the feed forks.
 */
#include "gateway/core/hq_fence.h"

#include <inttypes.h>

#include "gateway/core/hq_ends.h"
#include "gateway/core/hq_succeed.h"
#include "tests/support/entries.h"
#include "tests/support/moves.h"
#include "tests/unit/edge/bench_hq.h"

#define SITE (SITE_FIRST + 1)
#define SHARED 2
#define LINE_SIZE 2
#define HEAD (SHARED + LINE_SIZE)

static const struct feed_id whole = {SITE, 1, 0};

struct line {
	struct delta deltas[LINE_SIZE];
	uint8_t hashes[LINE_SIZE][HASH_SIZE];
	char rows[LINE_SIZE][512];
};

struct scene {
	struct bench *bench;
	struct signer *key;
	struct line tea;
	struct line cup;
};

static struct batch *begin(struct scene *scene)
{
	struct warehouse *w = scene->bench->w;
	struct batch *batch;
	struct err err;

	w->now_ms++;
	assert_done(batch_begin(w->ledger, &batch, &err), &err);
	batch_time(batch, (struct moment){w->now_ms}, true);
	return batch;
}

static void commit(struct scene *scene, struct batch *batch)
{
	struct err err;

	assert_done(batch_commit(batch, &err), &err);
	feed_desk_committed(scene->bench->desk);
}

static void drop(struct scene *scene, struct batch *batch)
{
	batch_abandon(batch);
	feed_desk_abandon(scene->bench->desk);
}

static void hq_says(struct scene *scene, struct entry *entry)
{
	struct hq_word word = {entry, 1, false};
	struct batch *batch = begin(scene);
	struct err err;

	assert_done(hq_say(&scene->bench->keys.hq, batch, &word, NULL, &err),
		    &err);
	commit(scene, batch);
}

static void certify(struct scene *scene)
{
	struct entry entry;
	struct certificate *certificate = &entry.body.certificate;

	entry_init(&entry, ENTRY_CERTIFICATE);
	*certificate = (struct certificate){.site = SITE,
					    .epoch = 1,
					    .role = SITE_ROLE_SITE,
					    .valid_until_ms = 9000000000000};
	TEXT_SET(certificate->name, "sh-02");
	memcpy(certificate->public_key, signer_public(scene->key),
	       KEY_PUBLIC_SIZE);
	hq_says(scene, &entry);
}

/* ---- what peers bring ---- */

static void site_write(struct scene *scene, struct batch *batch,
		       struct entry entry)
{
	struct warehouse *w = scene->bench->w;
	struct feed_write write = {.id = whole,
				   .plan = {.signer = scene->key,
					    .now = {w->now_ms},
					    .rows_max = DELTA_ROWS_MAX},
				   .count = 1};
	struct bytes bytes;
	struct span span;
	uint64_t seq;
	struct err err;

	entry.stamp.value = (uint64_t)w->now_ms << STAMP_COUNTER_BITS;
	entry.effective.ms = w->now_ms++;
	bytes = encode(&entry);
	span = (struct span){(const char *)bytes.data, bytes.size};
	write.entries = &span;
	assert_done(feed_write(scene->bench->desk, batch_txn(batch), &write,
			       &seq, &err),
		    &err);
}

/* Deltas that were sealed and have not come yet. */
static void line_write(struct scene *scene, const char *item, int64_t units,
		       struct line *line)
{
	struct batch *batch = begin(scene);
	struct err err;

	for (size_t i = 0; i < LINE_SIZE; i++) {
		struct delta *delta = &line->deltas[i];

		site_write(scene, batch,
			   move_of(MOVEMENT_RECEIVE, item, units, "supplier:x",
				   "DOCK"));
		assert_done(feed_delta(batch_view(batch), whole, SHARED + 1 + i,
				       delta, &err),
			    &err);
		assert_in_range(delta->rows.size, 1, sizeof(line->rows[i]));
		memcpy(line->rows[i], delta->rows.data, delta->rows.size);
		delta->rows.data = line->rows[i];
		delta_hash(ledger_identity(scene->bench->w->ledger)->net_id,
			   &delta->header, line->hashes[i]);
	}
	drop(scene, batch);
}

static struct feed_id branch_of(const struct line *line)
{
	return (struct feed_id){SITE, 1, feed_branch_of(line->hashes[0])};
}

static void line_comes(struct scene *scene, const struct line *line,
		       struct feed_id id)
{
	struct batch *batch = begin(scene);
	enum admission admission;
	struct err err;

	for (size_t i = 0; i < LINE_SIZE; i++) {
		assert_done(feed_admit(scene->bench->desk, batch_txn(batch), id,
				       &line->deltas[i], &admission, &err),
			    &err);
		assert_string_equal(admission_name(admission), "applied");
	}
	commit(scene, batch);
}

static void site_forks(struct scene *scene)
{
	const struct line *first = &scene->tea;
	const struct line *second = &scene->cup;
	struct batch *batch;
	struct fork_proof proof;
	struct err err;

	if (memcmp(first->hashes[0], second->hashes[0], HASH_SIZE) > 0) {
		first = &scene->cup;
		second = &scene->tea;
	}
	proof.first = first->deltas[0].header;
	proof.second = second->deltas[0].header;
	memcpy(proof.first_signature, first->deltas[0].signature,
	       SIGNATURE_SIZE);
	memcpy(proof.second_signature, second->deltas[0].signature,
	       SIGNATURE_SIZE);
	batch = begin(scene);
	assert_done(fork_note(scene->bench->desk, batch_txn(batch), &proof,
			      &err),
		    &err);
	commit(scene, batch);
	line_comes(scene, &scene->tea, branch_of(&scene->tea));
	line_comes(scene, &scene->cup, branch_of(&scene->cup));
}

static int scene_setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	const uint8_t seed[32] = {77};
	struct entry founding;
	struct batch *batch;
	void *bench;

	assert_non_null(scene);
	assert_int_equal(bench_setup(&bench), 0);
	scene->bench = bench;
	assert_code(signer_of_seed(seed, &scene->key, NULL), ERR_OK);
	certify(scene);
	entry_init(&founding, ENTRY_FOUNDING);
	founding.body.founding = *ledger_identity(scene->bench->w->ledger);
	memcpy(founding.body.founding.public_key, signer_public(scene->key),
	       KEY_PUBLIC_SIZE);
	batch = begin(scene);
	site_write(scene, batch, founding);
	site_write(scene, batch,
		   move_of(MOVEMENT_RECEIVE, "TEA", 4, "supplier:x", "DOCK"));
	commit(scene, batch);
	line_write(scene, "TEA", 10, &scene->tea);
	line_write(scene, "CUP", 7, &scene->cup);
	*state = scene;
	return 0;
}

static int scene_teardown(void **state)
{
	struct scene *scene = *state;
	void *bench = scene->bench;

	signer_close(scene->key);
	free(scene);
	return bench_teardown(&bench);
}

/* ---- HQ's people ---- */

static const struct hq_ending fencing = {.site = SITE};
static const struct hq_ending revoking = {.site = SITE, .is_revoked = true};
static const struct hq_ending closing = {.site = SITE, .is_closed = true};

static struct hq_ending at(struct hq_ending ending, uint64_t seq)
{
	ending.has_seq = true;
	ending.seq = seq;
	return ending;
}

static struct fence ended(struct scene *scene, struct hq_ending ending)
{
	struct batch *batch = begin(scene);
	struct fence fence;
	struct err err;

	assert_done(hq_end(&scene->bench->keys.hq, batch, &ending, &fence,
			   &err),
		    &err);
	commit(scene, batch);
	return fence;
}

static struct hq_choice choice_of(const struct line *line)
{
	return (struct hq_choice){.branch = branch_of(line)};
}

static struct fence chosen(struct scene *scene, struct hq_choice choice)
{
	struct batch *batch = begin(scene);
	struct fence fence;
	struct err err;

	assert_done(hq_choose(&scene->bench->keys.hq, batch, &choice, &fence,
			      &err),
		    &err);
	commit(scene, batch);
	return fence;
}

static uint64_t counted(struct scene *scene, struct feed_id id)
{
	struct batch *batch = begin(scene);
	struct feed_record feed;
	struct err err;

	assert_done(feed_get(batch_view(batch), id, &feed, &err), &err);
	drop(scene, batch);
	return feed.counted;
}

static void assert_fence(struct fence fence, uint64_t seq,
			 enum fence_verdict verdict, const struct line *line)
{
	assert_int_equal(fence.seq, seq);
	assert_int_equal(fence.verdict, verdict);
	assert_memory_equal(fence.hash, line->hashes[seq - SHARED - 1],
			    HASH_SIZE);
}

/* ---- the place ---- */

/* The head that is held is at 4 all the while. */
static void an_end_is_moved_by_who_names_a_delta_only(void **state)
{
	struct scene *scene = *state;
	const struct line *tea = &scene->tea;

	line_comes(scene, tea, whole);
	assert_fence(ended(scene, at(fencing, 3)), 3, FENCE_ENDED, tea);
	assert_int_equal(counted(scene, whole), 3);
	assert_fence(ended(scene, fencing), 3, FENCE_ENDED, tea);
	assert_fence(ended(scene, revoking), 3, FENCE_REVOKED, tea);
	assert_int_equal(counted(scene, whole), 3);
	assert_fence(ended(scene, closing), 3, FENCE_CLOSED, tea);
	assert_int_equal(counted(scene, whole), 3);
	assert_fence(chosen(scene, (struct hq_choice){.branch = whole}), 3,
		     FENCE_CLOSED, tea);
	assert_int_equal(counted(scene, whole), 3);
	/* The verdict stays, too. */
	assert_fence(ended(scene, at(fencing, 4)), 4, FENCE_CLOSED, tea);
	assert_int_equal(counted(scene, whole), 4);
}

/* ---- the verdict ---- */

/* From the weakest. */
static const enum fence_verdict verdicts[] = {
	FENCE_STAYS, FENCE_ENDED, FENCE_DROPPED, FENCE_REVOKED, FENCE_CLOSED,
};

static void verdict_say(struct scene *scene, struct batch *batch,
			enum fence_verdict verdict, struct fence *fence)
{
	const struct hq *hq = &scene->bench->keys.hq;
	struct hq_ending ending = fencing;
	struct hq_choice choice = {.branch = whole};
	enum err_code code;
	struct err err;

	ending.is_revoked = verdict == FENCE_REVOKED;
	ending.is_closed = verdict == FENCE_CLOSED;
	choice.is_dropped = verdict == FENCE_DROPPED;
	if (verdict == FENCE_STAYS || verdict == FENCE_DROPPED)
		code = hq_choose(hq, batch, &choice, fence, &err);
	else
		code = hq_end(hq, batch, &ending, fence, &err);
	assert_done(code, &err);
}

/* Method: each behind each; what every node then has is the stronger one. */
static void a_verdict_is_never_taken_back(void **state)
{
	struct scene *scene = *state;
	size_t pairs = 0;

	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
		for (size_t j = 0; j < ARRAY_LEN(verdicts); j++, pairs++) {
			struct batch *batch = begin(scene);
			struct fence said;
			struct fence there;
			struct err err;

			verdict_say(scene, batch, verdicts[i], &said);
			assert_int_equal(said.verdict, verdicts[i]);
			verdict_say(scene, batch, verdicts[j], &said);
			assert_done(roster_fence(batch_view(batch), whole,
						 &there, &err),
				    &err);
			assert_int_equal(there.verdict,
					 verdicts[i > j ? i : j]);
			assert_int_equal(said.verdict, there.verdict);
			drop(scene, batch);
		}
	assert_int_equal(pairs, 25);
	assert_int_equal(pairs, FENCE_VERDICT_MAX * FENCE_VERDICT_MAX);
}

/* ---- branches ---- */

static void assert_conflict(struct scene *scene, struct hq_ending ending)
{
	struct batch *batch = begin(scene);
	struct fence fence = {.seq = 99};
	struct fence there;
	struct err err;

	assert_code(hq_end(&scene->bench->keys.hq, batch, &ending, &fence,
			   &err),
		    ERR_CONFLICT);
	assert_int_equal(fence.seq, 99);
	assert_code(roster_fence(batch_view(batch), whole, &there, &err),
		    ERR_NOT_FOUND);
	drop(scene, batch);
}

static void a_fork_is_decided_before_it_is_ended(void **state)
{
	struct scene *scene = *state;
	struct warehouse *w = scene->bench->w;
	const struct line *tea = &scene->tea;
	char words[200];

	site_forks(scene);
	assert_conflict(scene, fencing);
	assert_conflict(scene, revoking);
	assert_conflict(scene, closing);
	assert_conflict(scene, at(fencing, 3));
	ask_refused(w, "hq.close", "{\"site\":\"sh-02\"}", "epoch_forked");
	ask_refused(w, "hq.revoke", "{\"site\":\"sh-02\"}", "epoch_forked");
	snprintf(words, sizeof(words),
		 "{\"site\":\"sh-02\",\"branch\":\"%016" PRIx64 "\"}",
		 branch_of(tea).branch);
	ask_ok(w, "hq.choose", words);
	assert_reply(w, "\"seq\":4,\"verdict\":\"stays\"");
	/* The chosen branch's goods are seen, and stay in the books. */
	ask_ok(w, "hq.close", "{\"site\":\"sh-02\"}");
	assert_reply(w, "\"seq\":4,\"verdict\":\"closed\","
			"\"written_off\":24,\"cells\":2,");
	assert_int_equal(counted(scene, branch_of(tea)), HEAD);
	assert_int_equal(counted(scene, branch_of(&scene->cup)), SHARED);
	ask_ok(w, "hq.revoke", "{\"site\":\"sh-02\"}");
	assert_reply(w, "\"seq\":4,\"verdict\":\"closed\"");
	assert_int_equal(counted(scene, branch_of(tea)), HEAD);
}

static void
what_all_branches_share_can_be_cut_before_one_is_chosen(void **state)
{
	struct scene *scene = *state;
	struct fence fence;

	site_forks(scene);
	fence = ended(scene, at(fencing, 1));
	assert_int_equal(fence.seq, 1);
	assert_int_equal(counted(scene, whole), 1);
	fence = ended(scene, revoking);
	assert_int_equal(fence.seq, 1);
	assert_int_equal(fence.verdict, FENCE_REVOKED);
	/* To choose is not to give back. */
	fence = chosen(scene, choice_of(&scene->tea));
	assert_int_equal(fence.seq, 1);
	assert_int_equal(fence.verdict, FENCE_REVOKED);
	assert_int_equal(counted(scene, whole), 1);
}

static void
of_the_chosen_branch_a_cut_stays_and_is_named_by_its_own_hash(void **state)
{
	struct scene *scene = *state;
	const struct line *tea = &scene->tea;
	const struct line *cup = &scene->cup;
	struct hq_choice choice = choice_of(tea);

	site_forks(scene);
	choice.has_seq = true;
	choice.seq = 3;
	assert_fence(chosen(scene, choice), 3, FENCE_STAYS, tea);
	choice.has_seq = false;
	assert_fence(chosen(scene, choice), 3, FENCE_STAYS, tea);
	assert_int_equal(counted(scene, branch_of(tea)), 3);
	/* A cut of one branch is none of the other. */
	assert_fence(chosen(scene, choice_of(cup)), 4, FENCE_STAYS, cup);
	assert_int_equal(counted(scene, branch_of(cup)), 4);
	assert_int_equal(counted(scene, branch_of(tea)), SHARED);
	assert_fence(ended(scene, at(fencing, 3)), 3, FENCE_ENDED, cup);
	assert_int_equal(counted(scene, branch_of(cup)), 3);
	assert_fence(ended(scene, at(fencing, 4)), 4, FENCE_ENDED, cup);
	assert_fence(ended(scene, revoking), 4, FENCE_REVOKED, cup);
	assert_int_equal(counted(scene, branch_of(cup)), 4);
}

/* ---- by the way ---- */

static size_t ends_left(struct scene *scene)
{
	struct hq_life life = {.site = SITE, .epoch = 2};
	struct hq_ends ends = {.lives = &life, .life_count = 1};
	struct entry entries[2];
	struct batch *batch = begin(scene);
	size_t count = 0;
	struct err err;

	assert_done(hq_ends_add(&ends, batch_view(batch), entries, &count,
				ARRAY_LEN(entries), &err),
		    &err);
	drop(scene, batch);
	return count;
}

/* HQ was set back, and has its words again before it has the site's. */
static void a_life_that_has_its_end_gets_none_by_the_way(void **state)
{
	struct scene *scene = *state;
	struct entry entry;

	assert_int_equal(ends_left(scene), 1);
	entry_init(&entry, ENTRY_FENCE);
	entry.body.fence = (struct fence){
		.site = SITE, .epoch = 1, .seq = 4, .verdict = FENCE_REVOKED};
	memcpy(entry.body.fence.hash, scene->tea.hashes[1], HASH_SIZE);
	hq_says(scene, &entry);
	assert_int_equal(ends_left(scene), 0);
	line_comes(scene, &scene->tea, whole);
	assert_int_equal(counted(scene, whole), 4);
}

#define STORY_OF(name) \
	cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_OF(an_end_is_moved_by_who_names_a_delta_only),
		STORY_OF(a_verdict_is_never_taken_back),
		STORY_OF(a_fork_is_decided_before_it_is_ended),
		STORY_OF(
			what_all_branches_share_can_be_cut_before_one_is_chosen),
		STORY_OF(
			of_the_chosen_branch_a_cut_stays_and_is_named_by_its_own_hash),
		STORY_OF(a_life_that_has_its_end_gets_none_by_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
