#include <stdlib.h>
#include <string.h>

#include "gateway/edge/envoy_guard.h"
#include "gateway/edge/envoy_parts.h"

#define ROOM_LOOK_MS 1000
#define TICK_MS 1000
#define GROWN_MS 50

/* ---- moments and links ---- */

struct sync_now envoy_moment(const struct envoy *envoy)
{
	struct clock_reading now = clock_now(envoy->config.clock);

	return (struct sync_now){
		.ms = (uint64_t)clock_monotonic_ms(envoy->config.clock),
		.utc = now.moment,
		.is_trusted = now.is_trusted,
	};
}

/* The peer engine numbers links as the server does. */
static bool link_index(const struct envoy *envoy, const struct link *link,
		       uint32_t *ret_index)
{
	for (uint32_t i = 0; i < ENVOY_LINKS_MAX; i++) {
		if (link_server_link(envoy->links, i) == link) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

enum exchange_links envoy_links(const struct envoy *envoy)
{
	enum exchange_links best = EXCHANGE_ALONE;
	struct link *link;

	for (size_t i = 0; i < ENVOY_LINKS_MAX; i++) {
		link = link_server_link(envoy->links, i);
		if (link == NULL || !link_is_reached(link))
			continue;
		if (!link_is_metered(link))
			return EXCHANGE_UP;
		best = EXCHANGE_METERED;
	}
	return best;
}

/* What fails here is the store; the keeper finds that out too, and it is the
 * keeper's to end the daemon. */
void envoy_failed(const struct envoy *envoy, const char *what,
		  const struct err *err)
{
	log_event(envoy->config.log, LEVEL_ERROR, "sync_failed", "%s: %s", what,
		  err->text);
}

/* ---- the port of the peer engine ---- */

static bool port_send(void *context, const struct sync_out *out)
{
	struct envoy *envoy = context;
	struct link *link = link_server_link(envoy->links, out->link);
	char topic[SYNC_TOPIC_SIZE];
	struct link_message message = {.payload = out->payload,
				       .qos = 1,
				       .is_retained = out->is_retained};

	if (link == NULL)
		return false;
	sync_topic_write(out, topic);
	message.topic = span_of(topic);
	return link_server_publish(link, &message) == ERR_OK;
}

static bool port_admit(void *context, const struct sync_admit *admit)
{
	struct envoy *envoy = context;

	return exchange_admit(envoy->exchange, admit);
}

static bool port_keep(void *context, const struct peer_row *row)
{
	struct envoy *envoy = context;

	return exchange_keep(envoy->exchange, row);
}

/* ---- jobs for the keeper ---- */

static enum err_code job_run(void *context, struct batch *batch,
			     struct err *err)
{
	struct envoy *envoy = context;

	return exchange_run(envoy->exchange, batch, err);
}

/* In the keeper's thread. */
static void job_done(void *context, enum err_code code)
{
	struct envoy *envoy = context;

	atomic_store(&envoy->job_code, (int)code);
	wake_signal(&envoy->wake);
}

/* What others say may not use up the room that this box books into: they keep
 * it, and people are told. Looked at once a second. */
static bool is_tight(struct envoy *envoy, uint64_t ms)
{
	struct env_usage usage;
	uint64_t reserve;
	bool was = envoy->is_tight;

	if (ms < envoy->room_ms ||
	    env_usage(ledger_env(envoy->config.ledger), &usage, NULL) != ERR_OK)
		return was;
	envoy->room_ms = ms + ROOM_LOOK_MS;
	reserve = 2 * (usage.map_size / KEEPER_RESERVE_SHARE);
	envoy->is_tight = usage.room < (was ? reserve + reserve / 4 : reserve);
	if (envoy->is_tight != was)
		log_event(envoy->config.log, LEVEL_WARNING,
			  was ? "peers_taken" : "peers_wait",
			  was ? "what other sites say is taken again"
			      : "the store has little room: what other sites "
				"say is not taken for now");
	return envoy->is_tight;
}

static enum err_code prepare(struct envoy *envoy, bool *ret_is_due,
			     struct err *err)
{
	uint64_t asked = atomic_load(&envoy->flush_asked);
	struct sync_now now = envoy_moment(envoy);
	struct exchange_now given = {
		.ms = now.ms,
		.utc = now.utc,
		.is_trusted = now.is_trusted,
		.links = envoy_links(envoy),
		.is_asked = atomic_load(&envoy->flush_asked) >
			    atomic_load(&envoy->flush_done),
	};
	struct sync_counts counts;
	struct view *view;
	bool are_kept;
	enum err_code code;

	given.is_tight = is_tight(envoy, now.ms);
	code = view_begin(ledger_env(envoy->config.ledger), &view, err);

	if (code != ERR_OK)
		return code;
	are_kept = envoy_words_keep(envoy, view);
	sync_counts(envoy->sync, &counts);
	given.is_unanswered = counts.haves_got == 0;
	code = feed_unsealed(view, envoy->config.site, &given.unsealed, err);
	if (code == ERR_OK)
		code = exchange_prepare(envoy->exchange, view, &given,
					ret_is_due, err);
	view_end(view);
	if (code != ERR_OK)
		return code;
	(void)pthread_mutex_lock(&envoy->mutex); /* cannot fail */
	envoy->state.unsealed = given.unsealed;
	envoy->state.may_seal = exchange_may_seal(envoy->exchange);
	(void)pthread_mutex_unlock(&envoy->mutex);
	keeper_may_act(envoy->config.keeper,
		       exchange_may_seal(envoy->exchange) &&
			       regaining_may_act(&envoy->regaining, now.ms));
	envoy->flush_taken = asked;
	/* Nothing that a job could do for it. */
	if (!exchange_is_sealing(envoy->exchange) && are_kept)
		atomic_store(&envoy->flush_done, asked);
	return ERR_OK;
}

/* False: the keeper has no room now. */
bool envoy_job_give(struct envoy *envoy, struct keeper_job *job)
{
	atomic_store(&envoy->job_code, JOB_PENDING);
	envoy->is_job_out = true;
	envoy->job_out = job;
	if (keeper_give(envoy->config.keeper, job) == ERR_OK)
		return true;
	envoy->is_job_out = false;
	return false;
}

/* Hands what is due to the keeper, unless something is there already. */
static void turn(struct envoy *envoy)
{
	bool is_due = false;
	struct err err;

	envoy_words_turn(envoy);
	if (envoy->is_job_out || atomic_load(&envoy->is_stopping) ||
	    !envoy_finish(envoy) || envoy_is_reborn(envoy))
		return;
	if (prepare(envoy, &is_due, &err) != ERR_OK) {
		envoy_failed(envoy, "prepare", &err);
		return;
	}
	if (!is_due) {
		(void)envoy_regains(envoy); /* or there is nothing to do */
		return;
	}
	if (!envoy_job_give(envoy, &envoy->job))
		envoy_ended(envoy, false);
}

static void job_collect(struct envoy *envoy)
{
	int code = atomic_load(&envoy->job_code);

	if (!envoy->is_job_out || code == JOB_PENDING)
		return;
	envoy->is_job_out = false;
	if (envoy->job_out == &envoy->rebirth)
		envoy_rebirth_finish(envoy);
	else if (envoy->job_out == &envoy->regain)
		envoy_regain_finish(envoy, code == (int)ERR_OK);
	else
		envoy_ended(envoy, code == (int)ERR_OK);
}

/* ---- events ---- */

struct sync_step envoy_step(const struct envoy *envoy, const struct view *view)
{
	return (struct sync_step){
		.now = envoy_moment(envoy),
		.view = view,
		.is_early = envoy->is_job_out || envoy->is_unfinished,
	};
}

/* Runs @event on the peer engine with a snapshot of the present. */
typedef enum err_code event_fn(struct envoy *envoy,
			       const struct sync_step *step,
			       const void *argument, struct err *err);

static void event(struct envoy *envoy, event_fn *run, const void *argument)
{
	struct sync_step step;
	struct view *view;
	struct err err;
	enum err_code code =
		view_begin(ledger_env(envoy->config.ledger), &view, &err);

	if (code == ERR_OK) {
		step = envoy_step(envoy, view);
		(void)envoy_words_keep(envoy, view); /* or they are held back */
		code = run(envoy, &step, argument, &err);
		view_end(view);
	}
	if (code != ERR_OK)
		envoy_failed(envoy, "sync", &err);
	turn(envoy);
}

static enum err_code link_event(struct envoy *envoy,
				const struct sync_step *step,
				const void *argument, struct err *err)
{
	return sync_link(envoy->sync, step, argument, err);
}

static enum err_code frame_event(struct envoy *envoy,
				 const struct sync_step *step,
				 const void *argument, struct err *err)
{
	return sync_frame(envoy->sync, step, argument, err);
}

static enum err_code tick_event(struct envoy *envoy,
				const struct sync_step *step,
				const void *argument, struct err *err)
{
	(void)argument;
	return sync_tick(envoy->sync, step, err);
}

static enum err_code grew_event(struct envoy *envoy,
				const struct sync_step *step,
				const void *argument, struct err *err)
{
	(void)argument;
	return sync_grew(envoy->sync, step, err);
}

static enum err_code carried_event(struct envoy *envoy,
				   const struct sync_step *step,
				   const void *argument, struct err *err)
{
	(void)argument;
	return sync_carried(envoy->sync, step, err);
}

/* What a stick shows counts as what a peer shows. */
static void carried_take(struct envoy *envoy)
{
	struct sync_finding finding = {
		.kind = SYNC_FOUND_SELF,
		.peer = SPAN_LITERAL("a stick"),
		.feed = {envoy->config.site, 0, 0},
	};

	if (atomic_exchange(&envoy->is_ahead, false))
		envoy_found(envoy, &finding);
	if (atomic_exchange(&envoy->is_carried, false))
		event(envoy, carried_event, NULL);
}

static void link_changed(struct envoy *envoy, struct link *link, bool is_up)
{
	struct sync_link change = {.is_up = is_up,
				   .is_metered = link_is_metered(link)};

	if (!link_index(envoy, link, &change.link))
		return;
	event(envoy, link_event, &change);
}

static void on_up(void *context, struct link *link)
{
	link_changed(context, link, true);
}

static void on_down(void *context, struct link *link, struct span reason)
{
	(void)reason; /* the server has logged it */
	link_changed(context, link, false);
}

static void on_message(void *context, struct link *link,
		       const struct link_message *message)
{
	struct envoy *envoy = context;
	struct sync_in in = {0};
	struct join_topic join;

	if (join_topic_read(message->topic, &join)) {
		if (link_index(envoy, link, &in.link))
			envoy_join_ask_take(envoy, in.link, &join,
					    message->payload);
		return;
	}
	if (!sync_topic_read(message->topic, &in) ||
	    !link_index(envoy, link, &in.link))
		return;
	in.is_retained = message->is_retained;
	in.payload = message->payload;
	event(envoy, frame_event, &in);
}

/* There is room again: what waits is tried with any event. */
static void on_room(void *context, struct link *link)
{
	(void)link;
	event(context, tick_event, NULL);
}

/* ---- the thread ---- */

static void on_tick(void *context, uint32_t what)
{
	struct envoy *envoy = context;

	(void)what;
	event(envoy, tick_event, NULL);
	envoy_state_publish(envoy);
}

/* The keeper commits thousands of times a second under load; peers need not
 * hear of each. */
static void on_grown(void *context, uint32_t what)
{
	struct envoy *envoy = context;

	(void)what;
	/* What a job has sealed is not looked at before its end (envoy_step).
	 */
	if (envoy->is_job_out || envoy->is_unfinished) {
		loop_timer_once(envoy->grown_timer, GROWN_MS);
		return;
	}
	envoy->is_grown = false;
	event(envoy, grew_event, NULL);
}

static void on_wake(void *context, uint32_t what)
{
	struct envoy *envoy = context;

	(void)what;
	job_collect(envoy);
	if (atomic_load(&envoy->is_stopping))
		envoy_join_stop(envoy->join);
	/* An answer says that HQ has spoken. */
	if (!envoy_join_is_out(envoy->join) ||
	    atomic_load(&envoy->is_stopping) || envoy_words_are_kept(envoy))
		envoy_join_turn(envoy->join, envoy_join_say, envoy);
	/* A job that is out would come back to nobody. */
	if (atomic_load(&envoy->is_stopping) && !envoy->is_job_out &&
	    !envoy_join_is_out(envoy->join)) {
		loop_stop(envoy->loop);
		return;
	}
	carried_take(envoy);
	turn(envoy);
	if (!envoy->is_grown) {
		envoy->is_grown = true;
		loop_timer_once(envoy->grown_timer, GROWN_MS);
	}
}

static void *envoy_thread(void *context)
{
	struct envoy *envoy = context;
	struct err err;

	if (loop_run(envoy->loop, &err) != ERR_OK)
		envoy_failed(envoy, "loop", &err);
	return NULL;
}

/* ---- starting and stopping ---- */

static enum err_code sync_begin(struct envoy *envoy, struct err *err)
{
	const struct envoy_config *config = &envoy->config;
	const struct founding *identity = ledger_identity(config->ledger);
	struct sync_config sync = {
		.site = config->site,
		.name = identity->site,
		.is_hq = config->is_hq,
		.boot = config->boot,
		.seed = config->seed,
		.links_max = ENVOY_LINKS_MAX,
		.holds_words = envoy->has_failed_words,
	};
	struct sync_port port = {envoy, port_send, port_admit, port_keep,
				 envoy_found};
	struct journal_head head;
	struct view *view;
	enum err_code code = view_begin(ledger_env(config->ledger), &view, err);

	memcpy(sync.net_id, identity->net_id, sizeof(sync.net_id));
	if (code != ERR_OK)
		return code;
	code = sync_open(&sync, &port, view, &envoy->sync, err);
	if (code == ERR_OK)
		code = regaining_begin(&envoy->regaining, config->site, view,
				       err);
	if (code == ERR_OK)
		code = ledger_head(view, &head, err);
	view_end(view);
	if (code != ERR_OK)
		return code;
	envoy->self = (struct sync_self){
		.epoch = pos_epoch(head.pos),
		.signer = config->signer,
		.ask = true,
		.is_behind = voice_wants_words(&envoy->voice)};
	sync_self_set(envoy->sync, &envoy->self);
	return ERR_OK;
}

static enum err_code exchange_begin(struct envoy *envoy, struct err *err)
{
	const struct founding *identity = ledger_identity(envoy->config.ledger);
	struct exchange_config exchange = {.site = envoy->config.site,
					   .boot = envoy->config.boot,
					   .desk = envoy->config.desk,
					   .has_no_links =
						   envoy->config.has_no_links};
	struct guard_memory memory;
	enum err_code code;

	memcpy(exchange.net_id, identity->net_id, sizeof(exchange.net_id));
	code = envoy_guard_look(&envoy->config, &envoy->incarnation, &memory,
				err);
	exchange.verdict = incarnation_verdict(&envoy->incarnation);
	if (code == ERR_OK)
		code = exchange_open(&exchange, &envoy->exchange, err);
	if (code == ERR_OK) {
		exchange_signer_set(envoy->exchange, envoy->config.signer);
		envoy_words_begin(envoy, &memory);
	}
	return code;
}

static enum err_code loop_begin(struct envoy *envoy, struct err *err)
{
	struct loop_call tick = {on_tick, envoy};
	struct loop_call woken = {on_wake, envoy};
	struct loop_call grown = {on_grown, envoy};
	struct link_server_config server = {
		.path = envoy->config.socket,
		.days = envoy->config.days,
		.clock = envoy->config.clock,
		.log = envoy->config.log,
		.handlers = {on_up, on_down, on_message, on_room, envoy},
	};
	enum err_code code = loop_open(&envoy->loop, err);

	server.loop = envoy->loop;
	if (code == ERR_OK)
		code = loop_add_wake(envoy->loop, &envoy->wake, woken,
				     &envoy->wake_source, err);
	if (code == ERR_OK)
		code = loop_add_timer(envoy->loop, tick, &envoy->tick_timer,
				      err);
	if (code == ERR_OK)
		code = loop_add_timer(envoy->loop, grown, &envoy->grown_timer,
				      err);
	if (code == ERR_OK)
		code = link_server_open(&server, &envoy->links, err);
	if (code == ERR_OK)
		loop_timer_every(envoy->tick_timer, TICK_MS);
	return code;
}

static void envoy_release(struct envoy *envoy)
{
	link_server_close(envoy->links);
	loop_remove(envoy->wake_source);
	loop_remove(envoy->tick_timer);
	loop_remove(envoy->grown_timer);
	loop_close(envoy->loop);
	sync_close(envoy->sync);
	exchange_close(envoy->exchange);
	epoch_keys_release(&envoy->keys);
	envoy_join_close(envoy->join);
	wake_release(&envoy->wake);
	(void)pthread_mutex_destroy(&envoy->mutex); /* nobody holds it */
	free(envoy);
}

enum err_code envoy_start(const struct envoy_config *config,
			  struct envoy **ret_envoy, struct err *err)
{
	struct envoy *envoy = calloc(1, sizeof(*envoy));
	enum err_code code;
	int number;

	if (envoy == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	envoy->config = *config;
	envoy->backlog.site = config->site;
	envoy->job = (struct keeper_job){
		.run = job_run, .done = job_done, .context = envoy};
	envoy->rebirth = (struct keeper_job){.run = envoy_rebirth_run,
					     .is_whole = true,
					     .done = job_done,
					     .context = envoy};
	envoy->regain = (struct keeper_job){
		.run = envoy_regain_run, .done = job_done, .context = envoy};
	epoch_keys_init(&envoy->keys, config->keys, config->credentials);
	(void)pthread_mutex_init(&envoy->mutex, NULL); /* cannot fail */
	code = wake_init(&envoy->wake, err);
	if (code == ERR_OK)
		code = exchange_begin(envoy, err);
	if (code == ERR_OK)
		code = sync_begin(envoy, err);
	if (code == ERR_OK)
		code = envoy_join_begin(envoy, err);
	if (code == ERR_OK)
		code = loop_begin(envoy, err);
	if (code != ERR_OK) {
		envoy_release(envoy);
		return code;
	}
	number = pthread_create(&envoy->thread, NULL, envoy_thread, envoy);
	if (number != 0) {
		envoy_release(envoy);
		return err_sys(err, number, "start the envoy's thread");
	}
	*ret_envoy = envoy;
	return ERR_OK;
}

void envoy_stop(struct envoy *envoy)
{
	if (envoy == NULL)
		return;
	atomic_store(&envoy->is_stopping, true);
	wake_signal(&envoy->wake);
	(void)pthread_join(envoy->thread, NULL); /* it is ours and runs */
	envoy_release(envoy);
}

void envoy_notice(struct envoy *envoy)
{
	wake_signal(&envoy->wake);
}

uint64_t envoy_flush(struct envoy *envoy)
{
	uint64_t asked = atomic_fetch_add(&envoy->flush_asked, 1) + 1;

	wake_signal(&envoy->wake);
	return asked;
}

uint64_t envoy_flushed(struct envoy *envoy)
{
	return atomic_load(&envoy->flush_done);
}

void envoy_carried(struct envoy *envoy, bool is_ahead)
{
	if (is_ahead)
		atomic_store(&envoy->is_ahead, true);
	atomic_store(&envoy->is_carried, true);
	wake_signal(&envoy->wake);
}
