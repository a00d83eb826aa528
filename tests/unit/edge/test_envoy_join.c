/*
 * Bare boxes that ask HQ over a link: who has a secret is answered, one after
 * the other; who has not costs little and is only counted.
 *
 * Method: HQ's box on a real store with the keeper's real thread, which a job
 * of the test holds up where a test needs it; the clock is the test's.
 */
#include <pthread.h>

#include "gateway/edge/envoy_join.h"
#include "tests/unit/edge/bench_hq.h"

#define PATIENCE_MS 180000
#define CODES (JOIN_COUNTED_MAX + 4)
#define SAID_MAX 64
#define LINK 3

struct heard {
	uint32_t link;
	uint32_t number;
	enum join_type type;
	enum join_refusal reason;
};

struct scene {
	struct bench *bench;
	struct ring *ring;
	struct wake ring_wake;
	struct wake loop_wake;
	struct wake wake;
	struct clock clock;
	struct keeper *keeper;
	struct envoy_join *join;
	struct join_code codes[CODES];
	uint64_t now_ms;
	struct heard said[SAID_MAX];
	size_t said_count;
	/* The job that holds the keeper up. */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_held;
	bool is_holding;
	struct keeper_job holding;
	struct keeper_job others[KEEPER_JOBS_MAX];
	atomic_int done; /* of those */
};

/* ---- holding the keeper up ---- */

static enum err_code hold(void *context, struct batch *batch, struct err *err)
{
	struct scene *scene = context;

	(void)batch;
	(void)err;
	pthread_mutex_lock(&scene->mutex);
	scene->is_holding = true;
	pthread_cond_broadcast(&scene->changed);
	while (scene->is_held)
		pthread_cond_wait(&scene->changed, &scene->mutex);
	pthread_mutex_unlock(&scene->mutex);
	return ERR_OK;
}

static enum err_code nothing(void *context, struct batch *batch,
			     struct err *err)
{
	(void)context;
	(void)batch;
	(void)err;
	return ERR_OK;
}

static void job_done(void *context, enum err_code code)
{
	struct scene *scene = context;

	ASSERT(code == ERR_OK);
	atomic_fetch_add(&scene->done, 1);
	wake_signal(&scene->wake);
}

/* Returns when the keeper is in it. */
static void keeper_hold(struct scene *scene)
{
	scene->is_held = true;
	scene->is_holding = false;
	scene->holding = (struct keeper_job){
		.run = hold, .done = job_done, .context = scene};
	assert_code(keeper_give(scene->keeper, &scene->holding), ERR_OK);
	pthread_mutex_lock(&scene->mutex);
	while (!scene->is_holding)
		pthread_cond_wait(&scene->changed, &scene->mutex);
	pthread_mutex_unlock(&scene->mutex);
}

static void keeper_release(struct scene *scene)
{
	pthread_mutex_lock(&scene->mutex);
	scene->is_held = false;
	pthread_cond_broadcast(&scene->changed);
	pthread_mutex_unlock(&scene->mutex);
}

/* ---- the bed ---- */

static void invite_all(struct scene *scene)
{
	struct bench *bench = scene->bench;
	struct invite invite = {.expires_ms = UINT64_MAX >> 8};
	struct batch *batch;
	struct err err;
	char name[16];

	for (size_t i = 0; i < CODES; i++) {
		assert_true(text_format(name, sizeof(name), "sh-%02zu", i));
		assert_true(name_set(&invite.site, span_of(name)));
		assert_done(batch_begin(bench->w->ledger, &batch, &err), &err);
		batch_time(batch, (struct moment){bench->w->now_ms}, true);
		assert_done(hq_invite(&bench->keys.hq, batch, &invite,
				      &scene->codes[i], &err),
			    &err);
		assert_done(batch_commit(batch, &err), &err);
		feed_desk_committed(bench->desk);
	}
}

static void ring_path(const struct scene *scene, char path[160])
{
	snprintf(path, 160, "%s/intake.ring", scene->bench->w->folder);
}

static void keeper_begin(struct scene *scene)
{
	struct warehouse *w = scene->bench->w;
	char path[160];
	struct ring_config ring = {.slot_count = 16, .wake = &scene->ring_wake};
	struct keeper_config config = {.ledger = w->ledger,
				       .engine = w->engine,
				       .ring_wake = &scene->ring_wake,
				       .clock = &scene->clock,
				       .loop_wake = &scene->loop_wake,
				       .desk = scene->bench->desk,
				       .batch_max = 16};
	struct ring_report report;
	struct err err;

	clock_init(&scene->clock, NULL, NULL);
	assert_done(wake_init(&scene->ring_wake, &err), &err);
	assert_done(wake_init(&scene->loop_wake, &err), &err);
	assert_done(wake_init(&scene->wake, &err), &err);
	ring_path(scene, path);
	ring.path = path;
	assert_done(ring_open(&ring, &scene->ring, &report, &err), &err);
	config.ring = scene->ring;
	assert_done(keeper_start(&config, &scene->keeper, &err), &err);
}

static int scene_setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct envoy_join_config config;
	struct err err;
	void *bench;

	assert_non_null(scene);
	assert_int_equal(bench_setup(&bench), 0);
	scene->bench = bench;
	scene->now_ms = 1000000;
	assert_int_equal(pthread_mutex_init(&scene->mutex, NULL), 0);
	assert_int_equal(pthread_cond_init(&scene->changed, NULL), 0);
	invite_all(scene);
	keeper_begin(scene);
	config = (struct envoy_join_config){.ledger = scene->bench->w->ledger,
					    .keeper = scene->keeper,
					    .hq = &scene->bench->keys.hq,
					    .wake = &scene->wake};
	assert_done(envoy_join_open(&config, &scene->join, &err), &err);
	*state = scene;
	return 0;
}

static int scene_teardown(void **state)
{
	struct scene *scene = *state;
	void *bench = scene->bench;
	char path[160];

	keeper_stop(scene->keeper);
	envoy_join_close(scene->join);
	ring_close(scene->ring);
	ring_path(scene, path);
	(void)unlink(path);
	wake_release(&scene->ring_wake);
	wake_release(&scene->loop_wake);
	wake_release(&scene->wake);
	(void)pthread_mutex_destroy(&scene->mutex);
	(void)pthread_cond_destroy(&scene->changed);
	free(scene);
	return bench_teardown(&bench);
}

/* ---- asking ---- */

static const struct join_code *code_of(const struct scene *scene,
				       uint32_t number)
{
	for (size_t i = 0; i < CODES; i++)
		if (scene->codes[i].number == number)
			return &scene->codes[i];
	fail_msg("an answer for invitation %u", number);
	return NULL;
}

static void on_said(void *context, uint32_t link, uint32_t number,
		    struct span payload)
{
	struct scene *scene = context;
	const struct join_code *code = code_of(scene, number);
	struct heard *said = &scene->said[scene->said_count++];
	struct join_frame frame;
	uint8_t key[JOIN_KEY_SIZE];

	assert_true(scene->said_count <= SAID_MAX);
	join_key(number,
		 (struct span){(const char *)code->secret,
			       sizeof(code->secret)},
		 key);
	assert_code(join_read(payload, key, &frame), ERR_OK);
	*said = (struct heard){
		.link = link, .number = number, .type = frame.type};
	if (frame.type == JOIN_REFUSE)
		said->reason = frame.body.refuse.reason;
}

struct asking {
	size_t code;
	uint8_t box;      /* whose key */
	uint32_t number;  /* of the topic; 0: the code's */
	bool is_mistyped; /* another secret */
	size_t cut;       /* bytes that are missing */
};

static void hear(struct scene *scene, const struct asking *asking)
{
	const struct join_code *code = &scene->codes[asking->code];
	struct join_code typed = *code;
	struct join_frame frame;
	uint8_t bytes[JOIN_FRAME_SIZE_MAX];
	uint8_t key[JOIN_KEY_SIZE];
	struct writer writer;
	struct envoy_join_ask ask = {.link = LINK, .number = code->number};

	memset(&frame, 0, sizeof(frame));
	frame.type = JOIN_ASK;
	frame.number = code->number;
	frame.body.ask.epoch = 1;
	memset(frame.body.ask.public_key, asking->box, KEY_PUBLIC_SIZE);
	typed.secret[3] ^= asking->is_mistyped;
	join_key(code->number,
		 (struct span){(const char *)typed.secret,
			       sizeof(typed.secret)},
		 key);
	writer_init(&writer, bytes, sizeof(bytes));
	join_write(&writer, &frame, key);
	assert_true(writer_ok(&writer));
	if (asking->number != 0)
		ask.number = asking->number;
	ask.frame =
		(struct span){(const char *)bytes, writer.size - asking->cut};
	ask.now_ms = scene->now_ms;
	envoy_join_heard(scene->join, &ask, on_said, scene);
}

/* Turns until so many were answered since the start of the test. */
static void wait_said(struct scene *scene, size_t count)
{
	int64_t end = clock_monotonic_ms(&scene->clock) + PATIENCE_MS;

	while (scene->said_count < count) {
		if (clock_monotonic_ms(&scene->clock) > end)
			fail_msg("%zu answers of %zu", scene->said_count,
				 count);
		wake_arm(&scene->wake);
		envoy_join_turn(scene->join, on_said, scene);
		if (scene->said_count < count)
			wake_wait(&scene->wake, 100);
		wake_disarm(&scene->wake);
	}
}

static struct envoy_join_counts counts(const struct scene *scene)
{
	struct envoy_join_counts now;

	envoy_join_counts(scene->join, &now);
	return now;
}

/* ---- the stories ---- */

static void who_has_the_secret_is_answered_where_it_asked(void **state)
{
	struct scene *scene = *state;

	hear(scene, &(struct asking){.code = 1, .box = 1});
	assert_true(envoy_join_is_out(scene->join));
	wait_said(scene, 1);
	assert_false(envoy_join_is_out(scene->join));
	assert_int_equal(scene->said[0].link, LINK);
	assert_int_equal(scene->said[0].number, scene->codes[1].number);
	assert_int_equal(scene->said[0].type, JOIN_ANSWER);
	/* Another box with the same code. */
	hear(scene, &(struct asking){.code = 1, .box = 2});
	wait_said(scene, 2);
	assert_int_equal(scene->said[1].type, JOIN_REFUSE);
	assert_int_equal(scene->said[1].reason, JOIN_USED);
	assert_int_equal(counts(scene).asked, 2);
	assert_int_equal(counts(scene).welcomed, 1);
	assert_int_equal(counts(scene).refused, 1);
	assert_int_equal(counts(scene).tried_count, 1);
	assert_int_equal(counts(scene).tried[0].tries, 2);
	assert_int_equal(counts(scene).tried[0].denied, 0);
}

/* Method: the keeper is held up, so whatever is handed on would be seen. */
static void strangers_are_counted_and_told_nothing(void **state)
{
	struct scene *scene = *state;
	uint8_t big[JOIN_FRAME_SIZE_MAX + 1] = {0};
	struct envoy_join_ask ask = {.link = LINK,
				     .number = 1,
				     .frame = {(const char *)big, sizeof(big)},
				     .now_ms = scene->now_ms};

	keeper_hold(scene);
	hear(scene, &(struct asking){.box = 1, .is_mistyped = true});
	assert_int_equal(counts(scene).denied, 1);
	assert_int_equal(counts(scene).tried[0].denied, 1);
	assert_int_equal(counts(scene).tried[0].number, scene->codes[0].number);
	hear(scene, &(struct asking){.box = 1, .cut = 5});
	assert_int_equal(counts(scene).denied, 2);
	hear(scene,
	     &(struct asking){.box = 1, .number = scene->codes[1].number});
	assert_int_equal(counts(scene).strangers, 1);
	envoy_join_heard(scene->join, &ask, on_said, scene);
	assert_int_equal(counts(scene).dropped, 1);
	ask.frame = SPAN_LITERAL("hello?");
	envoy_join_heard(scene->join, &ask, on_said, scene);
	ask.frame.size = 0;
	envoy_join_heard(scene->join, &ask, on_said, scene);
	assert_int_equal(counts(scene).strangers, 3);
	assert_int_equal(counts(scene).asked, 6);
	assert_false(envoy_join_is_out(scene->join));
	keeper_release(scene);
	assert_int_equal(scene->said_count, 0);
}

/* A flood: so many are looked at, and after a second so many more. A clock that
 * jumps gives no more than a quiet time does. */
static void a_flood_is_looked_at_so_often_and_no_more(void **state)
{
	struct scene *scene = *state;
	struct asking mistyped = {.box = 1, .is_mistyped = true};

	for (int i = 0; i < JOIN_LOOKS_MAX; i++)
		hear(scene, &mistyped);
	assert_int_equal(counts(scene).dropped, 0);
	hear(scene, &mistyped);
	hear(scene, &mistyped);
	assert_int_equal(counts(scene).dropped, 2);
	assert_int_equal(counts(scene).denied, JOIN_LOOKS_MAX);
	scene->now_ms += 1000;
	for (int i = 0; i < JOIN_LOOKS_PER_S + 5; i++)
		hear(scene, &mistyped);
	assert_int_equal(counts(scene).denied,
			 JOIN_LOOKS_MAX + JOIN_LOOKS_PER_S);
	assert_int_equal(counts(scene).dropped, 2 + 5);
	scene->now_ms += UINT64_C(1) << 40;
	for (int i = 0; i < JOIN_LOOKS_MAX + 1; i++)
		hear(scene, &mistyped);
	assert_int_equal(counts(scene).dropped, 2 + 5 + 1);
	assert_int_equal(counts(scene).asked,
			 2 * JOIN_LOOKS_MAX + JOIN_LOOKS_PER_S + 5 + 2 + 1);
}

/* Whoever has the secret and asks without end is told to wait; a minute later
 * he is heard. Nobody else is held up by it. */
static void one_code_is_tried_so_often_in_a_minute(void **state)
{
	struct scene *scene = *state;
	size_t said = 0;

	for (; said < JOIN_TRIES_PER_MIN; said++) {
		hear(scene, &(struct asking){.box = 1});
		wait_said(scene, said + 1);
		assert_int_equal(scene->said[said].type, JOIN_ANSWER);
	}
	hear(scene, &(struct asking){.box = 1});
	assert_int_equal(scene->said_count, ++said); /* at once */
	assert_int_equal(scene->said[said - 1].reason, JOIN_BUSY);
	assert_int_equal(counts(scene).busy, 1);
	hear(scene, &(struct asking){.code = 2, .box = 2});
	wait_said(scene, ++said);
	assert_int_equal(scene->said[said - 1].type, JOIN_ANSWER);
	scene->now_ms += 59999;
	hear(scene, &(struct asking){.box = 1});
	assert_int_equal(scene->said_count, ++said);
	assert_int_equal(scene->said[said - 1].reason, JOIN_BUSY);
	scene->now_ms += 1;
	hear(scene, &(struct asking){.box = 1});
	wait_said(scene, ++said);
	assert_int_equal(scene->said[said - 1].type, JOIN_ANSWER);
}

static void what_waits_for_the_keeper_is_bounded(void **state)
{
	struct scene *scene = *state;

	keeper_hold(scene);
	for (size_t i = 0; i < JOIN_WAITING_MAX + 3; i++)
		hear(scene, &(struct asking){.code = i, .box = (uint8_t)i});
	assert_int_equal(counts(scene).dropped, 3);
	assert_int_equal(scene->said_count, 0);
	keeper_release(scene);
	wait_said(scene, JOIN_WAITING_MAX);
	for (size_t i = 0; i < JOIN_WAITING_MAX; i++) {
		assert_int_equal(scene->said[i].number, scene->codes[i].number);
		assert_int_equal(scene->said[i].type, JOIN_ANSWER);
	}
	/* There is room again. */
	hear(scene, &(struct asking){.code = JOIN_WAITING_MAX, .box = 9});
	wait_said(scene, JOIN_WAITING_MAX + 1);
	assert_int_equal(counts(scene).welcomed, JOIN_WAITING_MAX + 1);
}

/* Method: others' jobs take all the keeper's places. */
static void a_keeper_that_has_no_place_is_asked_again(void **state)
{
	struct scene *scene = *state;
	int given = 1;

	keeper_hold(scene);
	for (size_t i = 0; i < KEEPER_JOBS_MAX; i++) {
		scene->others[i] = (struct keeper_job){
			.run = nothing, .done = job_done, .context = scene};
		if (keeper_give(scene->keeper, &scene->others[i]) == ERR_OK)
			given++;
	}
	hear(scene, &(struct asking){.box = 1});
	assert_false(envoy_join_is_out(scene->join));
	envoy_join_turn(scene->join, on_said, scene);
	assert_false(envoy_join_is_out(scene->join));
	keeper_release(scene);
	wait_said(scene, 1);
	assert_int_equal(atomic_load(&scene->done), given);
	assert_in_range(given, KEEPER_JOBS_MAX, KEEPER_JOBS_MAX + 1);
	assert_int_equal(scene->said[0].type, JOIN_ANSWER);
}

/* The one that is out is answered, those behind it are not handed on. */
static void after_a_stop_nothing_more_is_handed_on(void **state)
{
	struct scene *scene = *state;

	keeper_hold(scene);
	hear(scene, &(struct asking){.code = 0, .box = 1});
	hear(scene, &(struct asking){.code = 1, .box = 1});
	envoy_join_stop(scene->join);
	keeper_release(scene);
	wait_said(scene, 1);
	envoy_join_turn(scene->join, on_said, scene);
	assert_false(envoy_join_is_out(scene->join));
	assert_int_equal(scene->said_count, 1);
	hear(scene, &(struct asking){.code = 2, .box = 1});
	assert_false(envoy_join_is_out(scene->join));
}

/* What HQ cannot say now is not answered; the box asks again. */
static void an_ask_that_the_store_refused_is_let_go(void **state)
{
	struct scene *scene = *state;
	struct hq *hq = &scene->bench->keys.hq;

	keeper_hold(scene);
	hear(scene, &(struct asking){.code = 0, .box = 1});
	hq->control_epoch = 9; /* no such feed: the word is refused */
	keeper_release(scene);
	while (envoy_join_is_out(scene->join)) {
		wake_arm(&scene->wake);
		envoy_join_turn(scene->join, on_said, scene);
		if (envoy_join_is_out(scene->join))
			wake_wait(&scene->wake, 100);
		wake_disarm(&scene->wake);
	}
	assert_int_equal(scene->said_count, 0);
	assert_int_equal(counts(scene).welcomed, 0);
	keeper_hold(scene);
	hq->control_epoch = 1;
	keeper_release(scene);
	hear(scene, &(struct asking){.code = 0, .box = 1});
	wait_said(scene, 1);
	assert_int_equal(scene->said[0].type, JOIN_ANSWER);
}

/* Of more invitations than are counted apart, those tried last are. */
static void the_invitations_that_were_tried_last_are_counted_apart(void **state)
{
	struct scene *scene = *state;
	struct envoy_join_counts now;
	size_t found = 0;

	for (size_t i = 0; i < CODES; i++) {
		scene->now_ms++;
		hear(scene, &(struct asking){
				    .code = i, .box = 1, .is_mistyped = true});
	}
	now = counts(scene);
	assert_int_equal(now.denied, CODES);
	assert_int_equal(now.tried_count, JOIN_COUNTED_MAX);
	for (size_t i = 0; i < now.tried_count; i++)
		for (size_t j = CODES - JOIN_COUNTED_MAX; j < CODES; j++)
			found += now.tried[i].number == scene->codes[j].number;
	assert_int_equal(found, JOIN_COUNTED_MAX);
}

static void a_box_that_is_not_hq_has_none(void **state)
{
	struct envoy_join_counts none = {.asked = 9};

	(void)state;
	envoy_join_turn(NULL, on_said, NULL);
	envoy_join_stop(NULL);
	envoy_join_close(NULL);
	assert_false(envoy_join_is_out(NULL));
	envoy_join_counts(NULL, &none);
	assert_int_equal(none.asked, 0);
}

#define STORY_OF(name) \
	cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_OF(who_has_the_secret_is_answered_where_it_asked),
		STORY_OF(strangers_are_counted_and_told_nothing),
		STORY_OF(a_flood_is_looked_at_so_often_and_no_more),
		STORY_OF(one_code_is_tried_so_often_in_a_minute),
		STORY_OF(what_waits_for_the_keeper_is_bounded),
		STORY_OF(a_keeper_that_has_no_place_is_asked_again),
		STORY_OF(after_a_stop_nothing_more_is_handed_on),
		STORY_OF(an_ask_that_the_store_refused_is_let_go),
		STORY_OF(
			the_invitations_that_were_tried_last_are_counted_apart),
		cmocka_unit_test(a_box_that_is_not_hq_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
