#include <string.h>

#include "gateway/sync/sync_parts.h"

void pull_want(struct sync *sync, uint32_t peer, uint64_t at_ms)
{
	struct peer *whom = &sync->peers[peer];

	if (at_ms < whom->refused_until_ms)
		at_ms = whom->refused_until_ms;
	if (at_ms == 0)
		at_ms = 1;
	if (whom->pull_ms == 0 || whom->pull_ms > at_ms)
		whom->pull_ms = at_ms;
}

void pull_want_all(struct sync *sync, uint64_t at_ms)
{
	for (uint32_t i = 0; i < sync->peer_count; i++) {
		uint32_t peer = sync->peer_order[i];
		const struct peer *whom = &sync->peers[peer];

		if ((whom->has_head || whom->has_hint) &&
		    !peer_is_covered(sync, peer, whom->head.digest))
			pull_want(sync, peer, at_ms);
	}
}

uint32_t pull_of_session(const struct sync *sync, uint32_t session)
{
	for (uint32_t i = 0; session != 0 && i < sync->config.pulls_max; i++) {
		if (sync->pulls[i].state != PULL_FREE &&
		    sync->pulls[i].session == session)
			return i;
	}
	return NONE;
}

/* ---- credit ---- */

/* What may be granted in all: each pack that waits takes at least COST_MIN. */
static uint64_t credit_left(const struct sync *sync)
{
	uint64_t all =
		(uint64_t)(sync->config.waiting_max - sync->reserve) * COST_MIN;
	uint64_t out = 0;

	for (uint32_t i = 0; i < sync->config.pulls_max; i++) {
		const struct pull *pull = &sync->pulls[i];

		if (pull->state != PULL_FREE)
			out += pull->granted - pull->freed;
	}
	/* What a session that is over left here waits without one. */
	for (uint32_t i = 0; i < sync->config.waiting_max; i++) {
		const struct slot *slot = &sync->slots[i];

		if (slot->state != SLOT_FREE && slot->session != 0 &&
		    pull_of_session(sync, slot->session) == NONE)
			out += slot_cost(slot->size);
	}
	return out < all ? all - out : 0;
}

static uint64_t window_of(const struct sync *sync)
{
	uint64_t all =
		(uint64_t)(sync->config.waiting_max - sync->reserve) * COST_MIN;
	uint64_t window = all / sync->config.pulls_max;

	return window < WINDOW_MIN ? WINDOW_MIN : window;
}

void pull_freed(struct sync *sync, uint32_t session, uint64_t cost)
{
	uint32_t pull = pull_of_session(sync, session);

	if (pull != NONE)
		sync->pulls[pull].freed += cost;
}

/* ---- saying ---- */

bool pull_say(struct sync *sync, const struct pull *pull,
	      const struct frame *frame)
{
	struct sync_out out = {
		.link = pull->link,
		.plane = SYNC_PLANE_REQUEST,
		.to = name_span(&sync->peers[pull->peer].name),
	};

	return sync_say(sync, &out, frame);
}

static void hello_say(struct sync *sync, struct pull *pull)
{
	struct frame frame = {.type = FRAME_HELLO, .session = pull->session};
	struct frame_hello *hello = &frame.body.hello;

	hello->version_min = FRAME_VERSION;
	hello->version_max = FRAME_VERSION;
	hello->net = frame_net(sync->config.net_id);
	hello->boot = sync->config.boot;
	memcpy(hello->digest, sync->digest, sizeof(hello->digest));
	hello->base = sync->peers[pull->peer].our_label;
	hello->credit = pull->granted;
	pull->said_ms = sync->now.ms;
	pull->tries++;
	/* If it is lost it is said again. */
	(void)pull_say(sync, pull, &frame);
}

/* The link to reach @peer by: another one than last time if that did not go
 * well, one that is not metered before one that is. */
static uint32_t link_to(const struct sync *sync, const struct peer *peer)
{
	uint32_t best = NONE;

	for (uint32_t i = 1; i <= sync->config.links_max; i++) {
		uint32_t link = (peer->link_last + i) % sync->config.links_max;

		if (!link_is_up(sync, link) || (peer->links >> link & 1) == 0)
			continue;
		if (best == NONE || (sync->links[best].status.is_metered &&
				     !sync->links[link].status.is_metered))
			best = link;
	}
	return best;
}

static void pull_begin(struct sync *sync, uint32_t peer, uint32_t link)
{
	struct peer *whom = &sync->peers[peer];
	struct pull *pull = sync->pulls;

	while (pull->state != PULL_FREE)
		pull++;
	*pull = (struct pull){.state = PULL_HELLO,
			      .peer = peer,
			      .link = link,
			      .session = sync_random(sync),
			      .useful_ms = sync->now.ms,
			      .window = window_of(sync),
			      .search = {.feed = NONE}};
	pull->granted = pull->window;
	whom->pull = (uint32_t)(pull - sync->pulls);
	whom->pull_ms = 0;
	whom->has_more = false;
	whom->link_last = link;
	for (uint32_t i = 0; i < sync->config.feeds_max; i++) {
		whom->feeds[i].offer = 0;
		whom->feeds[i].awaited = 0;
	}
	sync->counts.sessions_begun++;
	sync->counts.pulls++;
	hello_say(sync, pull);
}

static void sources_leave(struct sync *sync, uint32_t pull)
{
	for (uint32_t i = 0; i < sync->feed_count; i++) {
		struct feed_row *row = &sync->feeds[sync->feed_order[i]];

		if (row->source == pull)
			row->source = NONE;
	}
}

void pull_end(struct sync *sync, uint32_t pull)
{
	struct pull *which = &sync->pulls[pull];
	struct peer *peer = &sync->peers[which->peer];

	ASSERT(which->state != PULL_FREE);
	sources_leave(sync, pull);
	peer->pull = NONE;
	peer->pull_end_ms = sync->now.ms;
	if (which->has_news)
		peer->quiet_ms = QUIET_MS_MIN;
	else if (peer->quiet_ms < QUIET_MS_MAX)
		peer->quiet_ms *= 2;
	which->state = PULL_FREE;
	sync->counts.pulls--;
}

/* It said nothing useful for too long: its feeds may come from others. */
static void pull_stalled(struct sync *sync, uint32_t pull)
{
	uint32_t peer = sync->pulls[pull].peer;

	sync->counts.stalls++;
	pull_end(sync, pull);
	pull_want_all(sync, sync->now.ms);
	sync->peers[peer].pull_ms = 0;
	pull_want(sync, peer, sync->now.ms + SYNC_HELLO_MS);
}

void pull_spoiled(struct sync *sync, uint32_t session, uint32_t feed)
{
	uint32_t pull = pull_of_session(sync, session);

	if (pull == NONE)
		return;
	sync->peers[sync->pulls[pull].peer].feeds[feed].offer = 0;
	sync->pulls[pull].is_short = true;
	if (sync->feeds[feed].source == pull)
		sync->feeds[feed].source = NONE;
}

void pull_on_refuse(struct sync *sync, uint32_t pull,
		    const struct frame_refuse *refuse)
{
	struct peer *peer = &sync->peers[sync->pulls[pull].peer];
	uint32_t whom = sync->pulls[pull].peer;
	uint64_t wait = (uint64_t)refuse->retry_s * 1000;

	if (wait < HELLO_SPACING_MS)
		wait = HELLO_SPACING_MS;
	if (wait > QUIET_MS_MAX)
		wait = QUIET_MS_MAX;
	switch (refuse->code) {
	case REFUSE_VERSION:
	case REFUSE_NET:
		wait = QUIET_MS_MAX;
		break;
	case REFUSE_PRUNED:
		/* Of one range; the others come, and then this one stalls. */
		sync->pulls[pull].is_short = true;
		return;
	case REFUSE_BUSY:
	case REFUSE_SESSION:
	case REFUSE_BASE:
		break;
	}
	pull_end(sync, pull);
	peer->refused_until_ms = sync->now.ms + wait;
	pull_want(sync, whom, peer->refused_until_ms);
}

/* ---- each step ---- */

static bool all_is_here(const struct sync *sync, const struct pull *pull)
{
	const struct peer *peer = &sync->peers[pull->peer];

	for (uint32_t i = 0; i < sync->feed_count; i++) {
		uint32_t feed = sync->feed_order[i];

		if (peer->feeds[feed].offer > sync->feeds[feed].record.seq)
			return false;
	}
	return !pull->is_short;
}

/* All is here and committed: say so, and leave. */
static void pull_finish(struct sync *sync, uint32_t pull)
{
	struct pull *which = &sync->pulls[pull];

	if (slots_hold(sync, which->session)) {
		which->useful_ms = sync->now.ms; /* it waits for us */
		return;
	}
	if (all_is_here(sync, which))
		peer_covers(sync, which->peer, which->digest);
	sync->peers[which->peer].is_ack_due = true;
	pull_end(sync, pull);
}

/* An answer to a search is due; one that is lost is asked for again. */
static bool search_waits(const struct sync *sync, struct pull *pull)
{
	if (pull->search.asked == 0)
		return false;
	if (sync->now.ms - pull->useful_ms >= SYNC_HELLO_MS &&
	    pull->search.tries < HELLO_TRIES_MAX)
		return false;
	return true;
}

static void pull_pump(struct sync *sync, uint32_t pull)
{
	struct pull *which = &sync->pulls[pull];
	bool is_silent = sync->now.ms - which->useful_ms >= SYNC_STALL_MS;

	if (!link_is_up(sync, which->link)) {
		pull_end(sync, pull);
		return;
	}
	if (which->state == PULL_HELLO) {
		if (sync->now.ms - which->said_ms < SYNC_HELLO_MS)
			return;
		if (which->tries == HELLO_TRIES_MAX)
			pull_stalled(sync, pull);
		else
			hello_say(sync, which);
		return;
	}
	if (fetch_is_open(sync, pull) || search_waits(sync, which)) {
		fetch_credit(sync, which);
		if (is_silent)
			pull_stalled(sync, pull);
		return;
	}
	if (!fetch_ask(sync, pull))
		pull_finish(sync, pull);
}

/* Something is being fetched that is still to come: whoever else only may have
 * something is asked later. */
static bool is_fetching(const struct sync *sync)
{
	for (uint32_t i = 0; i < sync->feed_count; i++) {
		if (sync->feeds[sync->feed_order[i]].source != NONE)
			return true;
	}
	return false;
}

/* Its own feed goes further than anything that was offered. */
static bool has_surely(const struct sync *sync, const struct peer *peer)
{
	struct feed_id id = {peer->head.site, peer->head.epoch, 0};
	uint32_t feed;

	if (!peer->has_head && !peer->has_hint)
		return true;
	feed = feed_find(sync, id);
	return feed == NONE || sync->feeds[feed].source == NONE;
}

/* Who to fetch from next: HQ, then who has waited longest. */
static uint32_t peer_next(const struct sync *sync)
{
	uint32_t best = NONE;
	bool is_busy = is_fetching(sync);

	for (uint32_t i = 0; i < sync->peer_count; i++) {
		uint32_t at = sync->peer_order[i];
		const struct peer *peer = &sync->peers[at];
		bool is_hq = (peer->head.flags & HEAD_IS_HQ) != 0;

		if (peer->pull_ms == 0 || peer->pull_ms > sync->now.ms ||
		    peer->pull != NONE || link_to(sync, peer) == NONE ||
		    (is_busy && !has_surely(sync, peer)))
			continue;
		if (best == NONE || is_hq ||
		    peer->pull_ms < sync->peers[best].pull_ms)
			best = at;
		if (is_hq)
			break;
	}
	return best;
}

static bool has_nothing(const struct sync *sync, uint32_t peer)
{
	const struct peer *whom = &sync->peers[peer];

	if (sync->self.ask && !whom->was_asked)
		return false;
	return whom->has_head && !whom->has_more &&
	       peer_is_covered(sync, peer, whom->head.digest);
}

static void pulls_begin(struct sync *sync)
{
	while (sync->counts.pulls < sync->config.pulls_max &&
	       credit_left(sync) >= window_of(sync)) {
		uint32_t peer = peer_next(sync);

		if (peer == NONE)
			return;
		if (has_nothing(sync, peer))
			sync->peers[peer].pull_ms = 0;
		else
			pull_begin(sync, peer,
				   link_to(sync, &sync->peers[peer]));
		sync->peers[peer].was_asked = true;
	}
}

enum err_code pulls_pump(struct sync *sync, struct err *err)
{
	(void)err;
	for (uint32_t i = 0; i < sync->config.pulls_max; i++) {
		if (sync->pulls[i].state != PULL_FREE)
			pull_pump(sync, i);
	}
	pulls_begin(sync);
	return ERR_OK;
}
