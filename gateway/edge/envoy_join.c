#include "gateway/edge/envoy_join.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS 60000
#define JOB_PENDING (-1)

struct waiting {
	uint32_t link;
	uint32_t number;
	size_t size;
	uint8_t frame[JOIN_FRAME_SIZE_MAX];
};

/* The tries of one invitation within a minute, and at all. */
struct tries {
	uint64_t began_ms;
	uint64_t last_ms;
	uint32_t count;
};

struct envoy_join {
	struct envoy_join_config config;
	struct keeper_job job;
	bool is_out;
	bool is_stopped;
	atomic_int job_code;

	uint64_t looks; /* that may still be had, in thousandths */
	uint64_t looks_ms;

	struct waiting waiting[JOIN_WAITING_MAX]; /* [0] is with the keeper */
	size_t waiting_count;
	uint8_t answer[JOIN_FRAME_SIZE_MAX];
	size_t answer_size;

	struct tries tries[JOIN_COUNTED_MAX];
	struct envoy_join_counts counts;
};

/* ---- how often ---- */

static bool look_take(struct envoy_join *join, uint64_t now_ms)
{
	uint64_t passed = now_ms - join->looks_ms;

	join->looks_ms = now_ms;
	if (passed > UINT32_MAX)
		passed = UINT32_MAX;
	join->looks += passed * JOIN_LOOKS_PER_S;
	if (join->looks > JOIN_LOOKS_MAX * 1000)
		join->looks = JOIN_LOOKS_MAX * 1000;
	if (join->looks < 1000)
		return false;
	join->looks -= 1000;
	return true;
}

/* Of an invitation that there is: its own place, or that of the one whose last
 * try is the longest ago. */
static size_t tries_find(struct envoy_join *join, uint32_t number)
{
	struct envoy_join_counts *counts = &join->counts;
	size_t oldest = 0;

	for (size_t i = 0; i < counts->tried_count; i++) {
		if (counts->tried[i].number == number)
			return i;
		if (join->tries[i].last_ms < join->tries[oldest].last_ms)
			oldest = i;
	}
	if (counts->tried_count < JOIN_COUNTED_MAX)
		oldest = counts->tried_count++;
	counts->tried[oldest] = (struct envoy_join_tried){.number = number};
	join->tries[oldest] = (struct tries){0};
	return oldest;
}

/* False: too often within this minute. */
static bool try_take(struct tries *tries, uint64_t now_ms)
{
	if (tries->count == 0 || now_ms - tries->began_ms >= MINUTE_MS) {
		tries->began_ms = now_ms;
		tries->count = 0;
	}
	if (tries->count >= JOIN_TRIES_PER_MIN)
		return false;
	tries->count++;
	return true;
}

/* ---- the keeper's part ---- */

static enum err_code job_run(void *context, struct batch *batch,
			     struct err *err)
{
	struct envoy_join *join = context;
	const struct waiting *ask = &join->waiting[0];

	return hq_join(join->config.hq, batch,
		       (struct span){(const char *)ask->frame, ask->size},
		       join->answer, &join->answer_size, err);
}

static void job_done(void *context, enum err_code code)
{
	struct envoy_join *join = context;

	atomic_store(&join->job_code, (int)code);
	wake_signal(join->config.wake);
}

static void waiting_shift(struct envoy_join *join)
{
	join->waiting_count--;
	memmove(join->waiting, join->waiting + 1,
		join->waiting_count * sizeof(join->waiting[0]));
}

static void next_give(struct envoy_join *join)
{
	if (join->is_out || join->is_stopped || join->waiting_count == 0)
		return;
	atomic_store(&join->job_code, JOB_PENDING);
	join->answer_size = 0;
	join->is_out = true;
	/* It has no place for it now: the next wake tries again. */
	if (keeper_give(join->config.keeper, &join->job) != ERR_OK)
		join->is_out = false;
}

static void answer_count(struct envoy_join *join)
{
	struct span frame = {(const char *)join->answer, join->answer_size};
	enum join_type type;
	uint32_t number;

	if (join_peek(frame, &type, &number) != ERR_OK)
		return;
	join->counts.welcomed += type == JOIN_ANSWER;
	join->counts.refused += type == JOIN_REFUSE;
}

void envoy_join_turn(struct envoy_join *join, envoy_join_say_fn *say,
		     void *context)
{
	int code;

	if (join == NULL)
		return;
	code = atomic_load(&join->job_code);
	if (join->is_out && code != JOB_PENDING) {
		join->is_out = false;
		if (code == (int)ERR_OK && join->answer_size > 0) {
			answer_count(join);
			say(context, join->waiting[0].link,
			    join->waiting[0].number,
			    (struct span){(const char *)join->answer,
					  join->answer_size});
		}
		waiting_shift(join);
	}
	next_give(join);
}

bool envoy_join_is_out(const struct envoy_join *join)
{
	return join != NULL && join->is_out;
}

void envoy_join_stop(struct envoy_join *join)
{
	if (join != NULL)
		join->is_stopped = true;
}

/* ---- hearing ---- */

/* The answer to a box that asks too often: it has the secret. */
static void busy_say(struct envoy_join *join, const struct view *view,
		     const struct envoy_join_ask *ask, envoy_join_say_fn *say,
		     void *context)
{
	uint8_t answer[JOIN_FRAME_SIZE_MAX];
	size_t size = 0;

	join->counts.busy++;
	if (hq_join_busy(view, ask->frame, answer, &size, NULL) == ERR_OK)
		say(context, ask->link, ask->number,
		    (struct span){(const char *)answer, size});
}

static void ask_put(struct envoy_join *join, const struct envoy_join_ask *ask)
{
	struct waiting *waiting = &join->waiting[join->waiting_count];

	if (join->waiting_count == JOIN_WAITING_MAX) {
		join->counts.dropped++;
		return;
	}
	waiting->link = ask->link;
	waiting->number = ask->number;
	waiting->size = ask->frame.size;
	memcpy(waiting->frame, ask->frame.data, ask->frame.size);
	join->waiting_count++;
}

/* True: @ask has the secret of the invitation that its topic names, and may be
 * handed on. */
static bool ask_judge(struct envoy_join *join, const struct view *view,
		      const struct envoy_join_ask *ask, envoy_join_say_fn *say,
		      void *context)
{
	uint32_t number = 0;
	enum err_code code = hq_join_check(view, ask->frame, &number, NULL);
	size_t at;

	if (code == ERR_NOT_FOUND || number != ask->number) {
		join->counts.strangers++;
		return false;
	}
	at = tries_find(join, number);
	join->tries[at].last_ms = ask->now_ms;
	join->counts.tried[at].tries++;
	if (code != ERR_OK) {
		join->counts.denied++;
		join->counts.tried[at].denied++;
		return false;
	}
	if (try_take(&join->tries[at], ask->now_ms))
		return true;
	busy_say(join, view, ask, say, context);
	return false;
}

void envoy_join_heard(struct envoy_join *join, const struct envoy_join_ask *ask,
		      envoy_join_say_fn *say, void *context)
{
	struct view *view;
	bool is_good;

	join->counts.asked++;
	if (ask->frame.size > JOIN_FRAME_SIZE_MAX ||
	    !look_take(join, ask->now_ms) ||
	    view_begin(ledger_env(join->config.ledger), &view, NULL) !=
		    ERR_OK) {
		join->counts.dropped++;
		return;
	}
	is_good = ask_judge(join, view, ask, say, context);
	view_end(view);
	if (is_good)
		ask_put(join, ask);
	next_give(join);
}

void envoy_join_counts(const struct envoy_join *join,
		       struct envoy_join_counts *ret_counts)
{
	*ret_counts = join != NULL ? join->counts
				   : (struct envoy_join_counts){.asked = 0};
}

/* ---- opening and closing ---- */

enum err_code envoy_join_open(const struct envoy_join_config *config,
			      struct envoy_join **ret_join, struct err *err)
{
	struct envoy_join *join = calloc(1, sizeof(*join));

	if (join == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	join->config = *config;
	join->job = (struct keeper_job){
		.run = job_run, .done = job_done, .context = join};
	join->looks = JOIN_LOOKS_MAX * 1000;
	*ret_join = join;
	return ERR_OK;
}

void envoy_join_close(struct envoy_join *join)
{
	if (join == NULL)
		return;
	ASSERT(!join->is_out);
	seal_wipe(join->answer, sizeof(join->answer));
	free(join);
}
