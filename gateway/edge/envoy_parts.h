/*
 * envoy_parts - the envoy's state, and what its files need of each other.
 *
 * Layer     gateway/edge; included by envoy*.c only
 * Threads   the envoy's, but where it says the keeper's
 */
#ifndef DEPOT_GATEWAY_EDGE_ENVOY_PARTS_H
#define DEPOT_GATEWAY_EDGE_ENVOY_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "gateway/core/exchange.h"
#include "gateway/core/incarnation.h"
#include "gateway/core/regaining.h"
#include "gateway/core/voice.h"
#include "gateway/edge/envoy.h"
#include "gateway/edge/epoch_keys.h"
#include "gateway/edge/link_server.h"
#include "gateway/edge/loop.h"

struct envoy {
	struct envoy_config config;
	struct loop *loop;
	struct wake wake; /* the keeper committed, a job is done, or stop */
	struct loop_source *wake_source;
	struct loop_source *tick_timer;
	struct loop_source *grown_timer;
	bool is_grown; /* the timer runs */
	struct link_server *links;
	struct sync *sync;
	struct exchange *exchange;
	struct envoy_join *join; /* NULL: this is not HQ */
	struct epoch_keys keys;
	struct incarnation incarnation;
	struct regaining regaining;
	struct voice voice;       /* HQ's */
	struct guard_words words; /* of HQ, as the guard has them */
	bool has_failed_words;    /* the guard could not be written */
	struct sync_self self;    /* as the peer engine was told */

	struct keeper_job job;     /* of the exchange */
	struct keeper_job rebirth; /* of the incarnation */
	struct keeper_job regain;  /* of the regaining */
	const struct keeper_job *job_out;
	bool is_twin_told;
	bool is_tight;    /* the store has little room left, ... */
	uint64_t room_ms; /* ... and is looked at again then */
	bool is_job_out;
	bool is_unfinished;  /* the exchange's job is back, its turn not over */
	bool was_committed;  /* by that job */
	atomic_int job_code; /* JOB_PENDING, or an enum err_code */
	atomic_bool is_stopping;
	atomic_ullong flush_asked;
	atomic_ullong flush_done;
	uint64_t flush_taken; /* that the job which is out is to fulfil */
	atomic_bool is_carried;
	atomic_bool is_ahead;
	pthread_t thread;

	pthread_mutex_t mutex; /* of what others see */
	struct envoy_state state;
	struct envoy_backlog backlog;
	struct envoy_said said; /* in the log */
};

#define JOB_PENDING (-1)

/* ---- envoy.c ---- */

struct sync_now envoy_moment(const struct envoy *envoy);
enum exchange_links envoy_links(const struct envoy *envoy);
/* An event at the present. Early while a job may have sealed what the guard
 * does not remember: no delta leaves before that, whatever the event. */
struct sync_step envoy_step(const struct envoy *envoy, const struct view *view);
void envoy_failed(const struct envoy *envoy, const char *what,
		  const struct err *err);
/* Hands a job to the keeper, which has none. False: it has no room now. */
bool envoy_job_give(struct envoy *envoy, struct keeper_job *job);

/* ---- envoy_tell.c ---- */

/* Takes the picture that envoy_state gives. */
void envoy_state_publish(struct envoy *envoy);

/* ---- envoy_finish.c ---- */

/* The exchange's job is back, or was not taken. */
void envoy_ended(struct envoy *envoy, bool is_committed);
/* False: the last turn of the exchange is not over, for the store cannot be
 * read; it is tried with each turn, and none is prepared before. */
bool envoy_finish(struct envoy *envoy);

/* ---- envoy_rebirth.c ---- */

/* port.found of the peer engine. */
void envoy_found(void *context, const struct sync_finding *finding);
/* The job of a new epoch; the keeper's thread. */
enum err_code envoy_rebirth_run(void *context, struct batch *batch,
				struct err *err);
void envoy_rebirth_finish(struct envoy *envoy);
/* True if the exchange has to wait for a new epoch. */
bool envoy_is_reborn(struct envoy *envoy);

/* ---- envoy_words.c: at HQ; elsewhere they do nothing ---- */

/* At the start, as @memory judged. */
void envoy_words_begin(struct envoy *envoy, const struct guard_memory *memory);
/* Before anything of @view leaves: what HQ said is in the guard. Where it could
 * not be written the peer engine holds the words back. False then. */
bool envoy_words_keep(struct envoy *envoy, const struct view *view);
/* The same, of the present. */
bool envoy_words_are_kept(struct envoy *envoy);
/* Whether HQ may speak now, and what the guard and the peer engine are to know
 * of that. */
void envoy_words_turn(struct envoy *envoy);

/* ---- envoy_regain.c ---- */

/* The job; the keeper's thread. */
enum err_code envoy_regain_run(void *context, struct batch *batch,
			       struct err *err);
void envoy_regain_finish(struct envoy *envoy, bool is_committed);
/* True if the keeper was given it. */
bool envoy_regains(struct envoy *envoy);

/* ---- envoy_asked.c ---- */

/* Where this is HQ: boxes may ask. ERR_FULL: no memory. */
MUST_CHECK enum err_code envoy_join_begin(struct envoy *envoy, struct err *err);
/* What came on the plane of joining, on the link of that number. */
void envoy_join_ask_take(struct envoy *envoy, uint32_t link,
			 const struct join_topic *topic, struct span payload);
/* An envoy_join_say_fn; the context is the envoy. */
void envoy_join_say(void *context, uint32_t link, uint32_t number,
		    struct span payload);

#endif
