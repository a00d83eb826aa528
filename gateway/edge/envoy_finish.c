/*
 * The end of a turn of the exchange: what its job did is told to the peer
 * engine, and the packs of the turn give their places back. The store may be
 * hard to read just then; the turn is not over before that was done.
 */
#include "gateway/edge/envoy_guard.h"
#include "gateway/edge/envoy_parts.h"

static enum err_code finish(struct envoy *envoy, const struct view *view,
			    struct err *err)
{
	bool is_committed = envoy->was_committed;
	struct sync_step step = envoy_step(envoy, view);
	enum err_code code;

	if (is_committed && exchange_sealed(envoy->exchange) > 0)
		envoy_guard_keep(&envoy->config, view);
	(void)envoy_words_keep(envoy, view); /* or they are held back */
	code = exchange_finish(envoy->exchange, is_committed, envoy->sync,
			       &step, err);
	if (!is_committed || exchange_sealed(envoy->exchange) == 0 ||
	    exchange_has_more(envoy->exchange) ||
	    exchange_is_closing(envoy->exchange))
		return code;
	/* What was booked meanwhile was not asked for. */
	(void)pthread_mutex_lock(&envoy->mutex); /* cannot fail */
	envoy->state.unsealed = 0;
	(void)pthread_mutex_unlock(&envoy->mutex);
	atomic_store(&envoy->flush_done, envoy->flush_taken);
	return code;
}

bool envoy_finish(struct envoy *envoy)
{
	struct view *view;
	struct err err;
	enum err_code code;

	if (!envoy->is_unfinished)
		return true;
	code = view_begin(ledger_env(envoy->config.ledger), &view, &err);
	if (code == ERR_OK) {
		envoy->is_unfinished = false;
		code = finish(envoy, view, &err);
		view_end(view);
	}
	if (code != ERR_OK)
		envoy_failed(envoy, "finish", &err);
	return !envoy->is_unfinished;
}

void envoy_ended(struct envoy *envoy, bool is_committed)
{
	envoy->is_unfinished = true;
	envoy->was_committed = is_committed;
	(void)envoy_finish(envoy); /* or with the next turn */
}
