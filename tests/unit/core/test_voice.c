/*
 * HQ speaks at once where its guard agrees, and waits where nobody can tell
 * whether its disk went back in time.
 */
#include "gateway/core/voice.h"
#include "tests/support/set_back_words.h"

#define SECOND_MS 1000

struct scene {
	struct bed *bed;
	struct voice voice;
	atomic_int told;
	struct voice_now now;
	unsigned turns; /* of being sure or not */
};

/* A start. The box's own journal is not looked at but for its epoch. */
static void begin(struct scene *scene)
{
	struct guard_memory memory = recall(scene->bed);

	atomic_store(&scene->told, HQ_LISTENS);
	voice_begin(&scene->voice, &memory, true, &scene->told);
	scene->now = (struct voice_now){.ms = 0, .links = EXCHANGE_ALONE};
	scene->turns = 0;
}

static enum hq_voice heard(struct scene *scene)
{
	struct bed *bed = scene->bed;
	struct view *view = look(bed);
	bool has_turned = false;

	scene->now.view = view;
	assert_done(voice_look(&scene->voice, &scene->now, &has_turned,
			       &bed->w.err),
		    &bed->w.err);
	view_end(view);
	scene->turns += has_turned;
	return (enum hq_voice)atomic_load(&scene->told);
}

static enum hq_voice later(struct scene *scene, uint64_t ms)
{
	scene->now.ms += ms;
	return heard(scene);
}

static struct scene scene_of(void **state)
{
	struct scene scene = {.bed = *state};

	return scene;
}

static void with_a_guard_that_agrees_hq_speaks_at_once(void **state)
{
	struct scene scene = scene_of(state);

	vouch(scene.bed, true);
	begin(&scene);
	assert_int_equal(heard(&scene), HQ_SPEAKS);
	word_say(scene.bed);
	assert_int_equal(heard(&scene), HQ_SPEAKS);
	begin(&scene);
	assert_int_equal(heard(&scene), HQ_SPEAKS);
	assert_int_equal(scene.turns, 0);
	assert_false(voice_wants_words(&scene.voice));
}

static void without_a_guard_it_waits_until_somebody_was_heard(void **state)
{
	struct scene scene = scene_of(state);

	begin(&scene);
	assert_int_equal(heard(&scene), HQ_LISTENS);
	assert_int_equal(later(&scene, 3600 * SECOND_MS), HQ_LISTENS);
	scene.now.links = EXCHANGE_UP; /* and nobody answers */
	assert_int_equal(later(&scene, 3600 * SECOND_MS), HQ_LISTENS);
	assert_int_equal(later(&scene, 3600 * SECOND_MS), HQ_LISTENS);
	scene.now.is_answered = true;
	assert_int_equal(heard(&scene), HQ_LISTENS);
	assert_int_equal(later(&scene, VOICE_HEAR_MS - 1), HQ_LISTENS);
	scene.now.links = EXCHANGE_ALONE;
	assert_int_equal(later(&scene, SECOND_MS), HQ_LISTENS);
	scene.now.links = EXCHANGE_METERED;
	assert_int_equal(later(&scene, SECOND_MS), HQ_LISTENS);
	assert_int_equal(later(&scene, VOICE_HEAR_MS - 1), HQ_LISTENS);
	assert_int_equal(scene.turns, 0);
	assert_int_equal(later(&scene, 1), HQ_SPEAKS);
	assert_int_equal(scene.turns, 1);
	assert_true(voice_is_sure(&scene.voice));
}

static void a_person_may_say_that_all_is_there(void **state)
{
	struct scene scene = scene_of(state);

	save(scene.bed); /* of nobody's vouching */
	begin(&scene);
	assert_int_equal(heard(&scene), HQ_LISTENS);
	atomic_store(&scene.told, HQ_CONFIRMED);
	assert_int_equal(heard(&scene), HQ_SPEAKS);
	assert_int_equal(scene.turns, 1);
	/* Not against what is known. */
	begin(&scene);
	scene.now.was_set_back = true;
	atomic_store(&scene.told, HQ_CONFIRMED);
	assert_int_equal(heard(&scene), HQ_DOUBTS);
}

static struct sync_finding finding_of(uint32_t site, uint64_t seq)
{
	return (struct sync_finding){
		.kind = SYNC_FOUND_SELF, .feed = {site, 1, 0}, .seq = seq};
}

/* Two words are said after the image, and the store goes back to it. */
static struct env *words_lose(struct bed *bed)
{
	assert_done(env_copy(ledger_env(bed->w.ledger), bed->image, 0,
			     &bed->w.err),
		    &bed->w.err);
	word_say(bed);
	word_say(bed);
	vouch(bed, true);
	return roll_back(bed);
}

static void an_hq_that_knows_its_end_speaks_on_behind_it(void **state)
{
	struct scene scene = scene_of(state);
	struct env *peers = words_lose(scene.bed);
	struct sync_finding shown = finding_of(SITE_CONTROL, 3);

	begin(&scene);
	scene.now.was_set_back = true;
	assert_int_equal(heard(&scene), HQ_BEHIND);
	assert_true(voice_wants_words(&scene.voice));
	/* A peer shows no more than is remembered. */
	voice_found(&scene.voice, &shown, true);
	assert_int_equal(heard(&scene), HQ_BEHIND);
	words_fetch(scene.bed, peers, 3);
	scene.now.was_set_back = false; /* its own ledger goes on elsewhere */
	assert_int_equal(heard(&scene), HQ_BEHIND);
	atomic_store(&scene.told, HQ_CONFIRMED);
	assert_int_equal(heard(&scene), HQ_BEHIND);
	words_fetch(scene.bed, peers, 4);
	assert_int_equal(heard(&scene), HQ_SPEAKS);
	assert_false(voice_wants_words(&scene.voice));
	assert_int_equal(scene.turns, 0);
	env_close(peers);
}

static void whoever_shows_more_than_the_guard_takes_its_word_away(void **state)
{
	struct scene scene = scene_of(state);
	struct env *peers = words_lose(scene.bed);
	struct sync_finding shown = finding_of(SITE_CONTROL, 5);

	begin(&scene);
	scene.now.was_set_back = true;
	assert_int_equal(heard(&scene), HQ_BEHIND);
	voice_found(&scene.voice, &shown, true);
	assert_int_equal(heard(&scene), HQ_DOUBTS);
	assert_int_equal(scene.turns, 1);
	assert_true(voice_wants_words(&scene.voice));
	words_fetch(scene.bed, peers, 4);
	assert_int_equal(heard(&scene), HQ_DOUBTS);
	env_close(peers);
}

/* The guard went back with the store. */
static void an_hq_that_spoke_and_is_shown_more_is_silent(void **state)
{
	static const uint32_t sites[] = {SITE_CONTROL, SITE_MASTER, SITE};

	for (size_t i = 0; i < ARRAY_LEN(sites); i++) {
		struct scene scene = scene_of(state);
		struct sync_finding shown = finding_of(sites[i], 1);

		vouch(scene.bed, true);
		begin(&scene);
		assert_int_equal(heard(&scene), HQ_SPEAKS);
		voice_found(&scene.voice, &shown, false);
		scene.now.was_set_back = true;
		assert_int_equal(heard(&scene), HQ_DOUBTS);
		assert_int_equal(scene.turns, 1);
	}
}

/* Method: the box's ledger goes on in an epoch that HQ has not certified. */
static void without_a_certificate_only_the_guard_lets_it_speak(void **state)
{
	struct scene scene = scene_of(state);
	struct guard guard;
	struct env *peers;

	live(scene.bed);
	vouch(scene.bed, true);
	guard = recall(scene.bed).guard;
	peers = roll_back(scene.bed);
	(void)succeed(scene.bed, &guard);
	save(scene.bed);
	begin(&scene);
	assert_int_equal(heard(&scene), HQ_SPEAKS);
	vouch(scene.bed, false);
	begin(&scene);
	scene.now.links = EXCHANGE_UP;
	scene.now.is_answered = true;
	assert_int_equal(heard(&scene), HQ_DOUBTS);
	assert_int_equal(later(&scene, 10 * VOICE_HEAR_MS), HQ_DOUBTS);
	assert_int_equal(later(&scene, 10 * VOICE_HEAR_MS), HQ_DOUBTS);
	atomic_store(&scene.told, HQ_CONFIRMED);
	assert_int_equal(heard(&scene), HQ_DOUBTS);
	env_close(peers);
}

static void a_site_has_no_words(void **state)
{
	struct scene scene = scene_of(state);
	struct sync_finding shown = finding_of(SITE_CONTROL, 9);
	struct guard_memory memory = recall(scene.bed);

	voice_begin(&scene.voice, &memory, false, NULL);
	voice_found(&scene.voice, &shown, false);
	(void)heard(&scene);
	assert_false(voice_wants_words(&scene.voice));
	assert_int_equal(scene.turns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(with_a_guard_that_agrees_hq_speaks_at_once),
		TEST(without_a_guard_it_waits_until_somebody_was_heard),
		TEST(a_person_may_say_that_all_is_there),
		TEST(an_hq_that_knows_its_end_speaks_on_behind_it),
		TEST(whoever_shows_more_than_the_guard_takes_its_word_away),
		TEST(an_hq_that_spoke_and_is_shown_more_is_silent),
		TEST(without_a_certificate_only_the_guard_lets_it_speak),
		TEST(a_site_has_no_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
