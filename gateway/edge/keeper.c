#include "gateway/edge/keeper.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/edge/keeper_event.h"
#include "gateway/edge/keeper_scrub.h"
#include "gateway/edge/queue.h"

#define ANSWERS_MAX 512
#define TICK_MS 1000
#define INTENTS_PER_TICK 8
/* How often a full store is asked whether there is room again. */
#define ROOM_CHECK_MS 1000
/* A batch of so many was under load: the next one may gather. */
#define LOAD_MIN 8

struct keeper {
	struct keeper_config config;
	struct answers *answers;
	struct queue *answer_queue;
	struct queue *request_queue; /* of struct keeper_request * */
	struct queue *job_queue;     /* of struct keeper_job * */
	struct ring_slot *slots;     /* the batch in work */
	uint32_t slot_count;
	int64_t taken_at; /* monotonic ms; of the last batch */
	int64_t tick_at;
	int64_t room_at;
	struct keeper_scrub scrub;
	atomic_bool is_stopping;
	atomic_bool may_act;
	bool is_started;
	pthread_t thread;

	/* What others see; the rest is the thread's. */
	pthread_mutex_t mutex;
	struct keeper_state state;
	struct err failure;
};

/* ---- telling ---- */

static void state_publish(struct keeper *keeper, struct pos head,
			  struct moment now)
{
	(void)pthread_mutex_lock(&keeper->mutex); /* cannot fail: ours */
	keeper->state.head = head;
	keeper->state.committed = now;
	keeper->state.commits++;
	keeper->state.counters = *engine_counters(keeper->config.engine);
	(void)pthread_mutex_unlock(&keeper->mutex);
	wake_signal(keeper->config.loop_wake);
}

static void full_set(struct keeper *keeper, bool is_full)
{
	bool was_full;

	(void)pthread_mutex_lock(&keeper->mutex);
	was_full = keeper->state.is_full;
	keeper->state.is_full = is_full;
	(void)pthread_mutex_unlock(&keeper->mutex);
	if (was_full == is_full)
		return;
	log_event(keeper->config.log, is_full ? LEVEL_ALERT : LEVEL_NOTICE,
		  is_full ? "store_full" : "store_has_room", "%s",
		  is_full ? "the store has no room: readings are refused"
			  : "the store has room again");
	wake_signal(keeper->config.loop_wake);
}

/* The store fails: nothing more is taken, and the loop ends the daemon. The
 * thread stays until then, so that who gave it a job gets it back. */
static void fail(struct keeper *keeper, const struct err *err)
{
	(void)pthread_mutex_lock(&keeper->mutex);
	keeper->failure = *err;
	keeper->state.is_failed = true;
	(void)pthread_mutex_unlock(&keeper->mutex);
	log_event(keeper->config.log, LEVEL_ALERT, "keeper_failed", "%s",
		  err->text);
	wake_signal(keeper->config.loop_wake);
}

static void answer_send(void *context, const struct answers_message *message)
{
	struct keeper *keeper = context;
	struct keeper_answer answer;

	if (!answer_pack(message, &answer))
		return;
	if (queue_push(keeper->answer_queue, &answer) == ERR_OK)
		return;
	(void)pthread_mutex_lock(&keeper->mutex);
	keeper->state.answers_dropped++;
	(void)pthread_mutex_unlock(&keeper->mutex);
}

/* ---- batches ---- */

static enum err_code slot_step(struct keeper *keeper, struct batch *batch,
			       const struct ring_slot *slot, struct err *err)
{
	struct engine *engine = keeper->config.engine;
	struct event event = event_of(slot);

	if (slot->deaths >= RING_DEATHS_MAX)
		return engine_park_raw(engine, batch, &event, WORD_DIED_TWICE,
				       keeper->answers, err);
	ring_mark_working(keeper->config.ring, slot);
	return engine_step(engine, batch, &event, keeper->answers, err);
}

/* Ends a transaction that leaves no trace. */
static void drop(struct keeper *keeper, struct batch *batch)
{
	if (keeper->config.desk != NULL)
		feed_desk_abandon(keeper->config.desk);
	batch_abandon(batch);
}

static enum err_code commit(struct keeper *keeper, struct batch *batch,
			    struct err *err)
{
	enum err_code code = batch_commit(batch, err);

	if (keeper->config.desk == NULL)
		return code;
	if (code == ERR_OK)
		feed_desk_committed(keeper->config.desk);
	else
		feed_desk_abandon(keeper->config.desk);
	return code;
}

/* Commits, and only then speaks. */
static enum err_code finish(struct keeper *keeper, struct batch *batch,
			    struct err *err)
{
	struct pos head = {batch_next(batch).value - 1};
	struct moment now = batch_now(batch);
	enum err_code code = commit(keeper, batch, err);

	if (code != ERR_OK)
		return code;
	answers_render(keeper->answers, head, answer_send, keeper);
	state_publish(keeper, head, now);
	return ERR_OK;
}

/* Runs @count slots from @first as one batch. */
static enum err_code slots_run(struct keeper *keeper, uint32_t first,
			       uint32_t count, struct err *err)
{
	struct ring *ring = keeper->config.ring;
	uint64_t last = keeper->slots[first + count - 1].number;
	struct batch *batch;
	enum err_code code;

	answers_reset(keeper->answers);
	code = batch_begin(keeper->config.ledger, &batch, err);
	if (code != ERR_OK)
		return code;
	for (uint32_t i = first; i < first + count && code == ERR_OK; i++)
		code = slot_step(keeper, batch, &keeper->slots[i], err);
	ring_mark_idle(ring);
	if (code != ERR_OK) {
		drop(keeper, batch);
		return code;
	}
	batch_ring(batch, last);
	code = finish(keeper, batch, err);
	if (code == ERR_OK)
		ring_release_upto(ring, last);
	return code;
}

/* The engine cannot take this one: it is kept unread. */
static enum err_code slot_park(struct keeper *keeper,
			       const struct ring_slot *slot, struct err *err)
{
	struct event event = event_of(slot);
	struct batch *batch;
	enum err_code code;

	log_event(keeper->config.log, LEVEL_ERROR, "reading_failed",
		  "a reading could not be booked and is parked: %s", err->text);
	answers_reset(keeper->answers);
	code = batch_begin(keeper->config.ledger, &batch, err);
	if (code != ERR_OK)
		return code;
	code = engine_park_raw(keeper->config.engine, batch, &event,
			       WORD_ENGINE_FAILED, keeper->answers, err);
	if (code != ERR_OK) {
		drop(keeper, batch);
		return code;
	}
	batch_ring(batch, slot->number);
	code = finish(keeper, batch, err);
	if (code == ERR_OK)
		ring_release_upto(keeper->config.ring, slot->number);
	return code;
}

static bool is_of_store(enum err_code code)
{
	return code == ERR_FULL || code == ERR_CORRUPT || code == ERR_IO;
}

/* Nothing can be written: the senders are told, and the slots are void. */
static void slots_refuse(struct keeper *keeper, uint32_t first)
{
	struct pos none = {0};
	struct keeper_state state;

	answers_reset(keeper->answers);
	for (uint32_t i = first; i < keeper->slot_count; i++) {
		struct event event = event_of(&keeper->slots[i]);

		engine_refuse_full(keeper->config.engine, &event,
				   keeper->answers);
	}
	keeper_state(keeper, &state);
	if (state.head.value != 0)
		none = state.head;
	answers_render(keeper->answers, none, answer_send, keeper);
	ring_void_upto(keeper->config.ring,
		       keeper->slots[keeper->slot_count - 1].number);
	wake_signal(keeper->config.loop_wake);
}

/* What the store says decides: full stops intake, damage stops the daemon. */
static void store_failed(struct keeper *keeper, enum err_code code,
			 uint32_t first, const struct err *err)
{
	if (code != ERR_FULL) {
		fail(keeper, err);
		return;
	}
	full_set(keeper, true);
	slots_refuse(keeper, first);
}

static void slots_singly(struct keeper *keeper)
{
	for (uint32_t i = 0; i < keeper->slot_count; i++) {
		struct err err;
		enum err_code code = slots_run(keeper, i, 1, &err);

		if (code != ERR_OK && !is_of_store(code))
			code = slot_park(keeper, &keeper->slots[i], &err);
		if (code != ERR_OK) {
			store_failed(keeper, code, i, &err);
			return;
		}
	}
}

/*
 * Under load a batch waits a little for more: a commit costs the same for one
 * reading as for a hundred, and the processor's time is what intake lacks. An
 * idle keeper never waits: the first reading after a pause is a batch.
 */
static void slots_gather(struct keeper *keeper)
{
	const struct keeper_config *config = &keeper->config;
	int64_t until = keeper->taken_at + config->batch_ms;
	uint32_t waiting = ring_waiting(config->ring);
	uint32_t before = 0;

	/* The wake is not armed, so this sleeps a millisecond at a time. */
	while (keeper->slot_count >= LOAD_MIN && waiting > before &&
	       waiting < config->batch_max &&
	       clock_monotonic_ms(config->clock) < until &&
	       !atomic_load(&keeper->is_stopping)) {
		wake_wait(config->ring_wake, 1);
		before = waiting;
		waiting = ring_waiting(config->ring);
	}
	keeper->taken_at = clock_monotonic_ms(config->clock);
}

static void slots_take(struct keeper *keeper)
{
	struct err err;
	enum err_code code;

	slots_gather(keeper);
	keeper->slot_count = 0;
	while (keeper->slot_count < keeper->config.batch_max &&
	       ring_peek(keeper->config.ring, keeper->slot_count,
			 &keeper->slots[keeper->slot_count]))
		keeper->slot_count++;
	if (keeper->slot_count == 0)
		return;
	if (keeper->state.is_full) {
		slots_refuse(keeper, 0);
		return;
	}
	code = slots_run(keeper, 0, keeper->slot_count, &err);
	if (code == ERR_OK)
		return;
	if (is_of_store(code) && code != ERR_FULL)
		store_failed(keeper, code, 0, &err);
	else
		slots_singly(keeper); /* a full map may hold a smaller batch */
}

/* ---- commands and time ---- */

static enum err_code event_run(struct keeper *keeper, const struct event *event,
			       struct err *err)
{
	struct batch *batch;
	enum err_code code;

	answers_reset(keeper->answers);
	code = batch_begin(keeper->config.ledger, &batch, err);
	if (code != ERR_OK)
		return code;
	code = engine_step(keeper->config.engine, batch, event, keeper->answers,
			   err);
	if (code != ERR_OK || !engine_wrote(keeper->config.engine)) {
		drop(keeper, batch);
		return code;
	}
	return finish(keeper, batch, err);
}

static void request_take(struct keeper *keeper)
{
	struct clock_reading now = clock_now(keeper->config.clock);
	struct keeper_request *request;
	struct event event = {.kind = EVENT_COMMAND,
			      .at = now.moment,
			      .clock_trusted = now.is_trusted};
	struct err err;

	if (!queue_pop(keeper->request_queue, &request))
		return;
	event.body.command = request->command;
	request->code = event_run(keeper, &event, &err);
	if (request->code == ERR_CORRUPT || request->code == ERR_IO)
		fail(keeper, &err);
	else if (request->code != ERR_OK)
		log_event(keeper->config.log, LEVEL_ERROR, "command_failed",
			  "%s", err.text);
	request->done(request);
}

/* What it committed is in the store; the end of the journal is read there. */
static enum err_code whole_run(struct keeper *keeper, struct keeper_job *job,
			       struct err *err)
{
	struct journal_head head;
	struct view *view;
	enum err_code code = job->run(job->context, NULL, err);

	if (keeper->config.desk != NULL)
		feed_desk_abandon(keeper->config.desk);
	if (code != ERR_OK)
		return code;
	code = view_begin(ledger_env(keeper->config.ledger), &view, err);
	if (code != ERR_OK)
		return code;
	code = ledger_head(view, &head, err);
	view_end(view);
	if (code == ERR_OK)
		state_publish(keeper, head.pos,
			      clock_now(keeper->config.clock).moment);
	return code;
}

static enum err_code job_run(struct keeper *keeper, struct keeper_job *job,
			     struct err *err)
{
	struct clock_reading now = clock_now(keeper->config.clock);
	struct batch *batch;
	enum err_code code = batch_begin(keeper->config.ledger, &batch, err);

	if (code != ERR_OK)
		return code;
	batch_time(batch, now.moment, now.is_trusted);
	answers_reset(keeper->answers);
	code = job->run(job->context, batch, err);
	if (code != ERR_OK) {
		drop(keeper, batch);
		return code;
	}
	return finish(keeper, batch, err);
}

static void job_take(struct keeper *keeper)
{
	struct keeper_job *job;
	struct err err;
	enum err_code code;

	if (!queue_pop(keeper->job_queue, &job))
		return;
	/* What a feed adds waits until there is room: peers keep it. */
	if (keeper->state.is_full)
		code = err_set(&err, ERR_FULL, "the store has no room");
	else if (job->is_whole)
		code = whole_run(keeper, job, &err);
	else
		code = job_run(keeper, job, &err);
	if (code == ERR_CORRUPT || code == ERR_IO)
		fail(keeper, &err);
	else if (code == ERR_FULL && !keeper->state.is_full)
		full_set(keeper, true);
	else if (code != ERR_OK && code != ERR_FULL)
		log_event(keeper->config.log, LEVEL_ERROR, "feed_work_failed",
			  "%s", err.text);
	job->done(job->context, code);
}

/* What nobody reads is read again, a little each second. Damage stops nothing
 * by itself: whoever needs the row is told, and so are the people. */
static void scrub_take(struct keeper *keeper)
{
	struct err err;
	enum err_code code;

	if (keeper->state.is_full || ring_waiting(keeper->config.ring) > 0)
		return;
	code = keeper_scrub_step(&keeper->scrub, keeper->config.ledger,
				 clock_monotonic_ms(keeper->config.clock),
				 &err);
	if (code == ERR_OK)
		return;
	if (code == ERR_CORRUPT) {
		(void)pthread_mutex_lock(&keeper->mutex);
		keeper->state.is_damaged = true;
		(void)pthread_mutex_unlock(&keeper->mutex);
	}
	log_event(keeper->config.log, LEVEL_ERROR, "scrub_failed", "%s",
		  err.text);
}

/* What HQ asks for, one to a commit. An intent that fails is answered so the
 * next time; it is the store's failures that end the daemon. */
static enum err_code intents_take(struct keeper *keeper, struct event event,
				  struct err *err)
{
	enum err_code code = ERR_OK;

	event.kind = EVENT_INTENT;
	for (int i = 0; i < INTENTS_PER_TICK && code == ERR_OK; i++) {
		if (!atomic_load(&keeper->may_act))
			return ERR_OK;
		code = event_run(keeper, &event, err);
		if (code == ERR_OK && !engine_wrote(keeper->config.engine))
			return ERR_OK;
	}
	if (code == ERR_OK || is_of_store(code))
		return code;
	log_event(keeper->config.log, LEVEL_ERROR, "intent_failed", "%s",
		  err->text);
	return ERR_OK;
}

static void tick_take(struct keeper *keeper)
{
	int64_t now_ms = clock_monotonic_ms(keeper->config.clock);
	struct clock_reading now = clock_now(keeper->config.clock);
	struct event event = {.kind = EVENT_TICK,
			      .at = now.moment,
			      .clock_trusted = now.is_trusted,
			      .uptime_ms = clock_boot_ms(keeper->config.clock)};
	struct err err;
	enum err_code code;

	if (now_ms < keeper->tick_at || keeper->state.is_full)
		return;
	keeper->tick_at = now_ms + TICK_MS;
	code = event_run(keeper, &event, &err);
	if (code == ERR_OK)
		code = intents_take(keeper, event, &err);
	if (code == ERR_FULL)
		full_set(keeper, true);
	else if (code != ERR_OK)
		fail(keeper, &err);
	else
		scrub_take(keeper);
}

/* Intake stops while there is still room for what must be written. */
static void room_check(struct keeper *keeper)
{
	int64_t now_ms = clock_monotonic_ms(keeper->config.clock);
	uint64_t reserve = keeper->config.reserve_size;
	struct env_usage usage;
	struct err err;

	if (now_ms < keeper->room_at)
		return;
	keeper->room_at = now_ms + ROOM_CHECK_MS;
	if (env_usage(ledger_env(keeper->config.ledger), &usage, &err) !=
	    ERR_OK)
		return; /* the next commit will say what is the matter */
	if (reserve == 0)
		reserve = usage.map_size / KEEPER_RESERVE_SHARE;
	if (usage.room < reserve)
		full_set(keeper, true);
	else if (keeper->state.is_full && usage.room >= reserve + reserve / 2)
		full_set(keeper, false);
}

/* ---- the thread ---- */

static bool has_work(const struct keeper *keeper)
{
	if (keeper->state.is_failed)
		return !queue_is_empty(keeper->job_queue) ||
		       atomic_load(&keeper->is_stopping);
	return ring_waiting(keeper->config.ring) > 0 ||
	       !queue_is_empty(keeper->request_queue) ||
	       !queue_is_empty(keeper->job_queue) ||
	       atomic_load(&keeper->is_stopping);
}

static void keeper_wait(struct keeper *keeper)
{
	int64_t left =
		keeper->tick_at - clock_monotonic_ms(keeper->config.clock);

	if (left < 1)
		left = 1;
	else if (left > TICK_MS)
		left = TICK_MS;
	if (keeper->state.is_failed)
		left = TICK_MS; /* nothing is due any more */
	wake_arm(keeper->config.ring_wake);
	if (!has_work(keeper))
		wake_wait(keeper->config.ring_wake, (int)left);
	wake_disarm(keeper->config.ring_wake);
}

/* What waits in the ring was PUBACKed: it is taken before the end, since the
 * ring does not outlive a reboot. The client has stopped by then. */
static bool is_over(const struct keeper *keeper)
{
	if (!atomic_load(&keeper->is_stopping))
		return false;
	return keeper->state.is_failed || keeper->state.is_full ||
	       ring_waiting(keeper->config.ring) == 0;
}

static void jobs_refuse(struct keeper *keeper)
{
	struct keeper_job *job;

	while (queue_pop(keeper->job_queue, &job))
		job->done(job->context, ERR_STOPPED);
}

static void *keeper_thread(void *context)
{
	struct keeper *keeper = context;

	while (!is_over(keeper)) {
		keeper_wait(keeper);
		if (keeper->state.is_failed) {
			jobs_refuse(keeper);
			continue;
		}
		room_check(keeper);
		slots_take(keeper);
		request_take(keeper);
		job_take(keeper);
		tick_take(keeper);
		(void)pthread_mutex_lock(&keeper->mutex);
		keeper->state.progress++;
		(void)pthread_mutex_unlock(&keeper->mutex);
	}
	return NULL;
}

static void keeper_release(struct keeper *keeper)
{
	answers_close(keeper->answers);
	queue_close(keeper->answer_queue);
	queue_close(keeper->request_queue);
	queue_close(keeper->job_queue);
	free(keeper->slots);
	(void)pthread_mutex_destroy(&keeper->mutex); /* nobody holds it */
	free(keeper);
}

static enum err_code keeper_prepare(struct keeper *keeper, struct err *err)
{
	const struct keeper_config *config = &keeper->config;
	struct journal_head head;
	struct view *view;
	enum err_code code;

	keeper->slots = calloc(config->batch_max, sizeof(*keeper->slots));
	if (keeper->slots == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	code = answers_open(config->batch_max, &keeper->answers, err);
	if (code == ERR_OK)
		code = queue_open(sizeof(struct keeper_answer), ANSWERS_MAX,
				  config->loop_wake, &keeper->answer_queue,
				  err);
	if (code == ERR_OK)
		code = queue_open(sizeof(struct keeper_request *),
				  KEEPER_COMMANDS_MAX, config->ring_wake,
				  &keeper->request_queue, err);
	if (code == ERR_OK)
		code = queue_open(sizeof(struct keeper_job *), KEEPER_JOBS_MAX,
				  config->ring_wake, &keeper->job_queue, err);
	if (code == ERR_OK)
		code = view_begin(ledger_env(config->ledger), &view, err);
	if (code != ERR_OK)
		return code;
	code = ledger_head(view, &head, err);
	view_end(view);
	if (code == ERR_OK)
		keeper->state.head = head.pos;
	return code;
}

void keeper_may_act(struct keeper *keeper, bool may_act)
{
	atomic_store(&keeper->may_act, may_act);
}

enum err_code keeper_start(const struct keeper_config *config,
			   struct keeper **ret_keeper, struct err *err)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	enum err_code code;
	int number;

	if (keeper == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	keeper->config = *config;
	keeper_scrub_init(&keeper->scrub, config->scrub_hours);
	(void)pthread_mutex_init(&keeper->mutex, NULL); /* cannot fail */
	code = keeper_prepare(keeper, err);
	if (code != ERR_OK) {
		keeper_release(keeper);
		return code;
	}
	number = pthread_create(&keeper->thread, NULL, keeper_thread, keeper);
	if (number != 0) {
		keeper_release(keeper);
		return err_sys(err, number, "start the keeper's thread");
	}
	keeper->is_started = true;
	*ret_keeper = keeper;
	return ERR_OK;
}

void keeper_stop(struct keeper *keeper)
{
	if (keeper == NULL)
		return;
	atomic_store(&keeper->is_stopping, true);
	wake_signal(keeper->config.ring_wake);
	(void)pthread_join(keeper->thread, NULL); /* it is ours and runs */
	keeper_release(keeper);
}

bool keeper_answer(struct keeper *keeper, struct keeper_answer *ret_answer)
{
	return queue_pop(keeper->answer_queue, ret_answer);
}

enum err_code keeper_ask(struct keeper *keeper, struct keeper_request *request)
{
	return queue_push(keeper->request_queue, &request) == ERR_OK
		       ? ERR_OK
		       : ERR_AGAIN;
}

enum err_code keeper_give(struct keeper *keeper, struct keeper_job *job)
{
	return queue_push(keeper->job_queue, &job) == ERR_OK ? ERR_OK
							     : ERR_AGAIN;
}

void keeper_state(struct keeper *keeper, struct keeper_state *ret_state)
{
	(void)pthread_mutex_lock(&keeper->mutex);
	*ret_state = keeper->state;
	(void)pthread_mutex_unlock(&keeper->mutex);
}

const char *keeper_failure(const struct keeper *keeper)
{
	return keeper->failure.text;
}
