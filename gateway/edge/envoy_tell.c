/*
 * What others see of the envoy: a picture of its state, taken once a second.
 */
#include "gateway/edge/envoy_look.h"
#include "gateway/edge/envoy_parts.h"

static void links_tell(struct envoy *envoy, struct envoy_state *state)
{
	state->link_count = 0;
	for (uint32_t i = 0; i < ENVOY_LINKS_MAX; i++) {
		struct link *link = link_server_link(envoy->links, i);
		struct envoy_link *told = &state->links[state->link_count];
		struct link_used used;

		if (link == NULL)
			break;
		used = link_used_today(link);
		told->name = link_name(link);
		told->is_here = link_is_here(link);
		told->used = used.in + used.out;
		told->budget = link_budget(link);
		told->is_spent = told->budget > 0 && told->used >= told->budget;
		sync_link_status(envoy->sync, i, &told->status);
		state->link_count++;
	}
}

static void peers_tell(const struct envoy *envoy, const struct view *view,
		       struct envoy_state *state)
{
	struct sync_peer_status peer;

	state->peer_count = 0;
	while (sync_peer_at(envoy->sync, view, state->peer_count, &peer)) {
		if (state->peer_count < ENVOY_PEERS_MAX)
			state->peers[state->peer_count] = peer;
		state->peer_count++;
	}
}

void envoy_state_publish(struct envoy *envoy)
{
	struct envoy_state *state = &envoy->state;
	enum err_code code = ERR_OK;
	struct view *view;
	struct err err;

	if (view_begin(ledger_env(envoy->config.ledger), &view, &err) != ERR_OK)
		return;
	(void)pthread_mutex_lock(&envoy->mutex); /* cannot fail: ours */
	state->ms = (uint64_t)clock_monotonic_ms(envoy->config.clock);
	if (state->start_ms == 0)
		state->start_ms = state->ms;
	links_tell(envoy, state);
	peers_tell(envoy, view, state);
	state->stuck_count = envoy_look_stuck(envoy->sync, view, state->stuck);
	state->refused_count =
		envoy_look_refused(envoy->sync, view, state->refused);
	envoy_say_refused(&envoy->said, envoy->sync, state->ms,
			  envoy->config.log);
	if (!envoy->config.is_hq)
		code = envoy_look_hq(&envoy->backlog, envoy->sync, view,
				     &state->hq, &err);
	if (code == ERR_OK && !envoy->config.is_hq)
		code = envoy_look_end(envoy->sync, view, &state->end, &err);
	sync_counts(envoy->sync, &state->counts);
	state->is_hq = envoy->join != NULL;
	envoy_join_counts(envoy->join, &state->joining);
	state->was_set_back = exchange_was_set_back(envoy->exchange);
	state->has_twin = incarnation_has_twin(&envoy->incarnation);
	if (incarnation_is_provisional(&envoy->incarnation, envoy->exchange,
				       view, &state->is_provisional,
				       &err) != ERR_OK)
		state->is_provisional = true;
	(void)pthread_mutex_unlock(&envoy->mutex);
	view_end(view);
	if (code != ERR_OK)
		envoy_failed(envoy, "status", &err);
}

void envoy_state(struct envoy *envoy, struct envoy_state *ret_state)
{
	(void)pthread_mutex_lock(&envoy->mutex);
	*ret_state = envoy->state;
	(void)pthread_mutex_unlock(&envoy->mutex);
}
