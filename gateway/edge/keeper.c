#include "gateway/edge/keeper_parts.h"

#include <stdlib.h>

#include "gateway/edge/keeper_event.h"

#define ANSWERS_MAX 512
/* How often a full store is asked whether there is room again. */
#define ROOM_CHECK_MS 1000

/* ---- telling ---- */

void keeper_publish(struct keeper *keeper, struct pos head, struct moment now)
{
	(void)pthread_mutex_lock(&keeper->mutex); /* cannot fail: ours */
	keeper->state.head = head;
	keeper->state.committed = now;
	keeper->state.commits++;
	keeper->state.counters = *engine_counters(keeper->config.engine);
	(void)pthread_mutex_unlock(&keeper->mutex);
	wake_signal(keeper->config.loop_wake);
}

void keeper_full(struct keeper *keeper, bool is_full)
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

void keeper_fail(struct keeper *keeper, const struct err *err)
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

void keeper_answers_say(struct keeper *keeper, struct pos head)
{
	answers_render(keeper->answers, head, answer_send, keeper);
}

/* ---- transactions ---- */

void keeper_drop(struct keeper *keeper, struct batch *batch)
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

enum err_code keeper_finish(struct keeper *keeper, struct batch *batch,
			    struct err *err)
{
	struct pos head = {batch_next(batch).value - 1};
	struct moment now = batch_now(batch);
	enum err_code code = commit(keeper, batch, err);

	if (code != ERR_OK)
		return code;
	keeper_answers_say(keeper, head);
	keeper_publish(keeper, head, now);
	return ERR_OK;
}

bool keeper_is_of_store(enum err_code code)
{
	return code == ERR_FULL || code == ERR_CORRUPT || code == ERR_IO;
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
		keeper_full(keeper, true);
	else if (keeper->state.is_full && usage.room >= reserve + reserve / 2)
		keeper_full(keeper, false);
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
	else if (left > KEEPER_TICK_MS)
		left = KEEPER_TICK_MS;
	if (keeper->state.is_failed)
		left = KEEPER_TICK_MS; /* nothing is due any more */
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
		keeper_slots_take(keeper);
		keeper_request_take(keeper);
		keeper_job_take(keeper);
		keeper_tick_take(keeper);
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
