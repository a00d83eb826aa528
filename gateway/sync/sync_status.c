#include <string.h>

#include "gateway/sync/sync_parts.h"

void sync_link_status(const struct sync *sync, uint32_t link,
		      struct sync_link_status *ret_status)
{
	ASSERT(link < sync->config.links_max);
	*ret_status = sync->links[link].status;
}

/* What of our own feed @peer has not, as far as it signed. */
static void backlog_set(const struct sync *sync, const struct view *view,
			const struct peer *peer,
			struct sync_peer_status *status)
{
	uint32_t feed = feed_own(sync);
	const struct feed_row *own;
	struct delta delta;

	if (feed == NONE)
		return;
	own = &sync->feeds[feed];
	status->acked_seq = peer->feeds[feed].seq;
	if (status->acked_seq >= own->record.seq)
		return;
	status->backlog_deltas = own->record.seq - status->acked_seq;
	status->backlog_entries = own->record.number;
	if (status->acked_seq > 0 &&
	    feed_delta(view, own->record.id, status->acked_seq, &delta, NULL) ==
		    ERR_OK)
		status->backlog_entries -=
			delta.header.first + delta.header.row_count - 1;
}

static uint32_t links_up(const struct sync *sync, uint32_t links)
{
	for (uint32_t i = 0; i < sync->config.links_max; i++) {
		if (!sync->links[i].status.is_up)
			links &= ~(1u << i);
	}
	return links;
}

static bool is_serving(const struct peer *peer)
{
	for (uint32_t i = 0; i < SYNC_LINKS_MAX; i++) {
		if (peer->askers[i].serve != NONE)
			return true;
	}
	return false;
}

bool sync_peer_at(const struct sync *sync, const struct view *view,
		  size_t index, struct sync_peer_status *ret_status)
{
	const struct peer *peer;
	uint64_t silent_ms;

	if (index >= sync->peer_count)
		return false;
	peer = &sync->peers[sync->peer_order[index]];
	silent_ms = sync->last_ms - peer->head_ms;
	*ret_status = (struct sync_peer_status){
		.name = peer->name,
		.site = peer->site,
		.links = links_up(sync, peer->links),
		.heard_ms = peer->heard_ms,
		.has_head = peer->has_head,
		.is_stale = !peer->has_head ||
			    silent_ms > (uint64_t)SYNC_HEADS_MISSED_MAX *
						peer->head.next_s * 1000,
		.has_ack = peer->ack_stamp.value != 0 ||
			   peer->all_stamp.value != 0,
		.acked_stamp = peer->all_stamp.value > peer->ack_stamp.value
				       ? peer->all_stamp
				       : peer->ack_stamp,
		.is_pulling = peer->pull != NONE,
		.is_serving = is_serving(peer),
	};
	if (peer->has_head) {
		ret_status->epoch = peer->head.epoch;
		ret_status->seq = peer->head.seq;
		ret_status->stamp = peer->head.stamp;
		ret_status->clock_trusted =
			(peer->head.flags & HEAD_CLOCK_TRUSTED) != 0;
	}
	backlog_set(sync, view, peer, ret_status);
	/* A head whose digest is ours says it too, and is signed. */
	ret_status->has_ack |= ret_status->acked_seq > 0;
	return true;
}

uint64_t sync_acked(const struct sync *sync, uint32_t site, struct feed_id feed)
{
	uint32_t row = feed_find(sync, feed);

	for (uint32_t i = 0; row != NONE && i < sync->peer_count; i++) {
		const struct peer *peer = &sync->peers[sync->peer_order[i]];

		if (peer->site == site)
			return peer->feeds[row].seq;
	}
	return 0;
}

/* What of @feed @peer has signed to exist. */
static uint64_t seq_signed(const struct sync *sync, const struct peer *peer,
			   uint32_t feed)
{
	struct feed_id id = sync->feeds[feed].record.id;
	uint64_t seq = peer->feeds[feed].seq;

	if (peer->has_head && id.branch == 0 && peer->head.site == id.site &&
	    peer->head.epoch == id.epoch && peer->head.seq > seq)
		seq = peer->head.seq;
	return seq;
}

/* Since when it is silent. */
static uint64_t silent_since(const struct sync *sync, const struct peer *peer)
{
	return peer->head_ms > sync->first_ms ? peer->head_ms : sync->first_ms;
}

static bool is_lost(const struct sync *sync, const struct peer *peer)
{
	uint64_t bound = SYNC_LOST_MS;
	uint64_t heads =
		(uint64_t)SYNC_HEADS_MISSED_MAX * peer->head.next_s * 1000;

	if (peer->has_head && heads > bound)
		bound = heads;
	return sync->last_ms - silent_since(sync, peer) > bound;
}

/* Whoever is not lost will be asked for what he has. What a session offers is
 * no more than said. */
static void signed_set(const struct sync *sync, uint32_t feed,
		       struct sync_feed_status *status)
{
	for (uint32_t i = 0; i < sync->peer_count; i++) {
		const struct peer *peer = &sync->peers[sync->peer_order[i]];
		uint64_t seq = seq_signed(sync, peer, feed);

		if (!is_lost(sync, peer) && seq > status->signed_seq) {
			status->signed_seq = seq;
			status->signed_by = peer->name;
		} else if (is_lost(sync, peer) && seq > status->beyond_seq) {
			status->beyond_seq = seq;
			status->beyond_by = peer->name;
			status->beyond_ms = silent_since(sync, peer);
		}
	}
	if (status->beyond_seq <= status->signed_seq ||
	    status->record.id.site == sync->config.site)
		status->beyond_seq = 0;
}

static void pending_set(const struct sync *sync, uint32_t feed,
			struct sync_feed_status *status)
{
	for (uint32_t i = 0; i < sync->config.waiting_max; i++) {
		const struct slot *slot = &sync->slots[i];

		if (slot->state == SLOT_FREE || slot->feed != feed)
			continue;
		if (status->pending++ == 0 ||
		    slot->pack.first_seq < status->pending_first)
			status->pending_first = slot->pack.first_seq;
	}
}

bool sync_feed_at(const struct sync *sync, size_t index,
		  struct sync_feed_status *ret_status)
{
	const struct feed_row *row;
	uint32_t feed;

	if (index >= sync->feed_count)
		return false;
	feed = sync->feed_order[index];
	row = &sync->feeds[feed];
	*ret_status = (struct sync_feed_status){
		.record = row->record,
		.offered = row->offered,
		.stuck_seq = row->stuck_seq,
		.stuck = row->stuck,
		.stuck_since_ms = row->stuck_since_ms,
		.damaged_seq = row->damaged_seq,
		.damaged_ms = row->damaged_ms,
	};
	if (row->source != NONE)
		ret_status->source =
			sync->peers[sync->pulls[row->source].peer].name;
	pending_set(sync, feed, ret_status);
	signed_set(sync, feed, ret_status);
	return true;
}

bool sync_refusal_at(const struct sync *sync, size_t index,
		     struct sync_refusal *ret_refusal)
{
	if (index >= SYNC_REFUSALS_MAX || index >= sync->refusal_count)
		return false;
	*ret_refusal = sync->refusals[(sync->refusal_count - 1 - index) %
				      SYNC_REFUSALS_MAX];
	return true;
}

void sync_counts(const struct sync *sync, struct sync_counts *ret_counts)
{
	*ret_counts = sync->counts;
}
