#include <string.h>

#include "gateway/sync/ack.h"
#include "gateway/sync/sync_parts.h"
#include "store/heir.h"
#include "store/roster.h"

/* The first place in the order at or after @name. */
static uint32_t order_place(const struct sync *sync, struct span name)
{
	uint32_t place = 0;

	while (place < sync->peer_count &&
	       span_compare(
		       name_span(&sync->peers[sync->peer_order[place]].name),
		       name) < 0)
		place++;
	return place;
}

uint32_t peer_find(const struct sync *sync, struct span name)
{
	uint32_t place = order_place(sync, name);
	uint32_t peer;

	if (place == sync->peer_count)
		return NONE;
	peer = sync->peer_order[place];
	return span_equal(name_span(&sync->peers[peer].name), name) ? peer
								    : NONE;
}

static void peer_forget(struct sync *sync, uint32_t place)
{
	uint32_t peer = sync->peer_order[place];

	for (uint32_t i = 0; i < SYNC_LINKS_MAX; i++) {
		uint32_t serve = sync->peers[peer].askers[i].serve;

		if (serve != NONE)
			serve_end(sync, serve);
	}
	sync->peers[peer].is_used = false;
	sync->peer_count--;
	memmove(&sync->peer_order[place], &sync->peer_order[place + 1],
		(sync->peer_count - place) * sizeof(sync->peer_order[0]));
}

/* Of those who never proved who they are, the one heard longest ago. */
static bool peer_make_room(struct sync *sync)
{
	uint32_t oldest = NONE;

	for (uint32_t place = 0; place < sync->peer_count; place++) {
		const struct peer *peer = &sync->peers[sync->peer_order[place]];

		if (peer->site != 0 || peer->pull != NONE)
			continue;
		if (oldest == NONE ||
		    peer->heard_ms <
			    sync->peers[sync->peer_order[oldest]].heard_ms)
			oldest = place;
	}
	if (oldest == NONE)
		return false;
	peer_forget(sync, oldest);
	return true;
}

static void peer_init(struct sync *sync, struct peer *peer, struct span name)
{
	struct acked *feeds = peer->feeds;
	bool fits;

	*peer = (struct peer){.is_used = true,
			      .pull = NONE,
			      .link_heard = NONE,
			      .feeds = feeds,
			      .quiet_ms = QUIET_MS_MIN};
	for (uint32_t i = 0; i < SYNC_LINKS_MAX; i++)
		peer->askers[i] =
			(struct asker){.rate_ms = sync->now.ms,
				       .rate_left = sync->config.serve_rate,
				       .serve = NONE};
	memset(feeds, 0, sync->config.feeds_max * sizeof(feeds[0]));
	fits = name_set(&peer->name, name);
	ASSERT(fits);
}

/* Packs remember who sent them: a number is not used again while they wait. */
static bool peer_is_named(const struct sync *sync, uint32_t peer)
{
	for (uint32_t i = 0; i < sync->config.waiting_max; i++) {
		if (sync->slots[i].state != SLOT_FREE &&
		    sync->slots[i].peer == peer)
			return true;
	}
	return false;
}

static uint32_t free_peer(const struct sync *sync)
{
	for (uint32_t i = 0; i < sync->config.peers_max; i++) {
		if (!sync->peers[i].is_used && !peer_is_named(sync, i))
			return i;
	}
	return NONE;
}

uint32_t peer_of(struct sync *sync, struct span name)
{
	uint32_t peer = peer_find(sync, name);
	uint32_t place;

	if (peer != NONE)
		return peer;
	if (sync->peer_count == sync->config.peers_max && !peer_make_room(sync))
		return NONE;
	peer = free_peer(sync);
	if (peer == NONE)
		return NONE;
	peer_init(sync, &sync->peers[peer], name);
	place = order_place(sync, name);
	memmove(&sync->peer_order[place + 1], &sync->peer_order[place],
		(sync->peer_count - place) * sizeof(sync->peer_order[0]));
	sync->peer_order[place] = peer;
	sync->peer_count++;
	return peer;
}

/* Where @peer is known to be is to be left for @in's link only if it is silent
 * there: the other costs money, or a broker keeps a head of who is gone. */
static bool is_second_best(const struct sync *sync, const struct peer *peer,
			   const struct sync_in *in)
{
	const struct link *at = &sync->links[peer->link_heard];
	uint64_t silent_ms = sync->now.ms - peer->link_heard_ms;

	if (!in->is_retained &&
	    (!sync->links[in->link].status.is_metered || at->status.is_metered))
		return false;
	return silent_ms <= (uint64_t)SYNC_HEADS_MISSED_MAX * SYNC_HEAD_MS_MAX;
}

void peer_heard(struct sync *sync, struct peer *peer, const struct sync_in *in)
{
	peer->links |= 1u << in->link;
	peer->heard_ms = sync->now.ms;
	if (peer->link_heard != in->link &&
	    link_is_up(sync, peer->link_heard) &&
	    is_second_best(sync, peer, in))
		return;
	peer->link_heard = in->link;
	peer->link_heard_ms = sync->now.ms;
}

/* ---- who it is ---- */

enum err_code peer_key(struct sync *sync, uint32_t site, uint32_t epoch,
		       struct span name, uint8_t ret_key[KEY_PUBLIC_SIZE],
		       struct err *err)
{
	struct certificate certificate;
	enum err_code code = roster_site(sync->view, site, &certificate, err);

	if (code != ERR_OK)
		return code;
	if (!span_equal(name_span(&certificate.name), name))
		return ERR_DENIED;
	return site_key(sync->view, site, epoch, ret_key, NULL, err);
}

/* ---- TABLE_PEER ---- */

static enum err_code row_load(void *context, const struct peer_row *row,
			      struct err *err)
{
	struct sync *sync = context;
	struct certificate certificate;
	struct acked *acked;
	uint32_t peer;
	uint32_t feed;
	enum err_code code;

	code = ack_life(sync->view, row->peer, &certificate, err);
	if (code == ERR_NOT_FOUND ||
	    (code == ERR_OK && certificate.epoch != row->epoch))
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	peer = peer_of(sync, name_span(&certificate.name));
	feed = feed_row_of(sync, row->feed);
	if (peer == NONE || feed == NONE)
		return ERR_OK;
	sync->peers[peer].site = row->peer;
	sync->peers[peer].ack_epoch = row->epoch;
	if (row->stamp.value > sync->peers[peer].ack_stamp.value)
		sync->peers[peer].ack_stamp = row->stamp;
	acked = &sync->peers[peer].feeds[feed];
	if (acked->seq >= row->seq)
		return ERR_OK;
	acked->seq = row->seq;
	acked->kept = row->seq;
	acked->hash_start = row->hash_start;
	return ERR_OK;
}

enum err_code peers_load(struct sync *sync, struct err *err)
{
	return peer_row_walk(sync->view, row_load, sync, err);
}

/* False: no room, or enough for this time. */
static bool peer_keep(struct sync *sync, struct peer *peer, uint32_t *left)
{
	for (uint32_t i = 0; i < sync->feed_count; i++) {
		uint32_t feed = sync->feed_order[i];
		struct acked *acked = &peer->feeds[feed];
		struct peer_row row = {.peer = peer->site,
				       .epoch = peer->ack_epoch,
				       .feed = sync->feeds[feed].record.id,
				       .seq = acked->seq,
				       .hash_start = acked->hash_start,
				       .stamp = peer->ack_stamp.value != 0
							? peer->ack_stamp
							: peer->all_stamp};

		if (acked->seq == acked->kept || acked->seq == 0)
			continue;
		if (*left == 0 || !sync->port.keep(sync->port.context, &row))
			return false;
		(*left)--;
		acked->kept = acked->seq;
	}
	peer->is_dirty = false;
	return true;
}

void peers_keep(struct sync *sync)
{
	uint32_t left = KEEP_ROWS_TICK;

	for (uint32_t i = 0; i < sync->peer_count; i++) {
		struct peer *peer = &sync->peers[sync->peer_order[i]];

		if (peer->is_dirty && peer->site != 0 &&
		    !peer_keep(sync, peer, &left))
			return;
	}
}
