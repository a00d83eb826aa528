/* Who has what: ACKs, heads that say the same, and our own word on it. */
#include <string.h>

#include "gateway/sync/ack.h"
#include "gateway/sync/sync_parts.h"

/* ---- vectors ---- */

bool vector_find(const struct sync *sync, uint64_t start, uint64_t *ret_number)
{
	uint64_t left =
		sync->past_count < PAST_MAX ? sync->past_count : PAST_MAX;
	uint64_t number = sync->past_count;
	uint64_t at = frame_digest_start(sync->digest);

	while (at != start && left-- > 0)
		at = frame_digest_start(sync->past[--number % PAST_MAX]);
	if (at != start)
		return false;
	*ret_number = number;
	return true;
}

/* Its vector was ours. */
static bool peer_is_level(const struct sync *sync, const struct peer *peer)
{
	return memcmp(peer->covered, sync->digest, VECTOR_DIGEST_SIZE) == 0;
}

/* ---- what they have ---- */

/* Whose ACKs count. ERR_NOT_FOUND: not those of that epoch. */
static enum err_code peer_life(struct sync *sync, uint32_t peer, uint32_t site,
			       uint32_t epoch, uint8_t ret_key[KEY_PUBLIC_SIZE],
			       struct err *err)
{
	struct certificate life;
	enum err_code code = ack_life(sync->view, site, &life, err);

	if (code != ERR_OK)
		return code;
	if (!span_equal(name_span(&life.name),
			name_span(&sync->peers[peer].name)))
		return ERR_DENIED;
	if (life.epoch != epoch)
		return ERR_NOT_FOUND;
	memcpy(ret_key, life.public_key, KEY_PUBLIC_SIZE);
	return ERR_OK;
}

/* ---- what it has ---- */

static bool acked_raise(struct sync *sync, struct peer *peer,
			const struct frame_entry *entry)
{
	uint32_t feed = feed_row_of(sync, entry->feed);
	struct acked *acked;

	if (feed == NONE)
		return false;
	acked = &peer->feeds[feed];
	if (acked->seq >= entry->seq)
		return false;
	acked->seq = entry->seq;
	acked->hash_start = entry->hash_start;
	peer->is_dirty = true;
	return true;
}

/* It has what our vector of that @number had: of what changed since it may have
 * less, and that is not known. */
static bool vector_take(struct sync *sync, struct peer *peer, uint64_t number)
{
	bool has_raised = false;

	for (uint32_t i = 0; i < sync->feed_count; i++) {
		const struct feed_row *row = &sync->feeds[sync->feed_order[i]];
		struct frame_entry entry = {
			.feed = row->record.id,
			.seq = row->record.seq,
			.hash_start = frame_hash_start(row->record.hash)};

		if (row->record.seq > 0 && row->changed <= number &&
		    acked_raise(sync, peer, &entry))
			has_raised = true;
	}
	return has_raised;
}

/* A new life of the site says anew what it has. */
static void acked_forget(struct sync *sync, struct peer *peer)
{
	for (uint32_t i = 0; i < sync->config.feeds_max; i++) {
		peer->feeds[i].seq = 0;
		peer->feeds[i].kept = 0;
	}
	peer->ack_label = 0;
}

static void life_begin(struct sync *sync, struct peer *peer, uint32_t epoch)
{
	if (peer->ack_epoch != epoch)
		acked_forget(sync, peer);
	peer->ack_epoch = epoch;
}

/* What the base of an ACK says, if that is a vector that we had, or nothing. */
static void base_begin(struct sync *sync, struct peer *peer,
		       const uint64_t *number)
{
	for (uint32_t i = 0; i < sync->config.feeds_max; i++) {
		const struct feed_row *row = &sync->feeds[i];
		bool has = number != NULL && row->is_used && row->is_here &&
			   row->changed <= *number;

		peer->feeds[i].base = has ? row->record.seq : 0;
		peer->feeds[i].base_hash =
			has ? frame_hash_start(row->record.hash) : 0;
	}
}

/* From now on HELLO may name it. */
static void base_take(struct sync *sync, struct peer *peer,
		      const struct frame *frame, const uint64_t *number)
{
	const struct frame_ack *ack = &frame->body.ack;
	struct frame_list list = {0};
	struct frame_entry entry;
	struct reader reader;
	bool is_whole = true;

	if (ack->base == 0 || number != NULL)
		base_begin(sync, peer, number);
	reader_init(&reader, ack->entries.data, ack->entries.size);
	while (frame_entry_read(&reader, &list, &entry)) {
		uint32_t feed = feed_find(sync, entry.feed);

		if (feed == NONE) {
			is_whole = false;
			continue;
		}
		peer->feeds[feed].base = entry.seq;
		peer->feeds[feed].base_hash = entry.hash_start;
	}
	peer->ack_label = 0;
	if (is_whole)
		peer->ack_label = frame_ack_label(frame, sync->config.net_id);
}

/* @number: of the vector that is its base; NULL: an ACK is, or nothing. */
static void ack_take(struct sync *sync, struct peer *peer,
		     const struct frame *frame, const uint64_t *number)
{
	const struct frame_ack *ack = &frame->body.ack;
	struct frame_list list = {0};
	struct frame_entry entry;
	struct reader reader;
	bool has_raised = false;

	life_begin(sync, peer, ack->epoch);
	if (number != NULL)
		has_raised = vector_take(sync, peer, *number);
	reader_init(&reader, ack->entries.data, ack->entries.size);
	while (frame_entry_read(&reader, &list, &entry))
		has_raised = acked_raise(sync, peer, &entry) || has_raised;
	/* One that was said long ago does not change what HELLO means. */
	if (ack->stamp.value > peer->ack_stamp.value || has_raised) {
		peer->ack_stamp = ack->stamp;
		base_take(sync, peer, frame, number);
	}
}

enum err_code peer_on_ack(struct sync *sync, uint32_t peer, uint32_t link,
			  const struct frame *frame, struct err *err)
{
	const struct frame_ack *ack = &frame->body.ack;
	struct peer *whose = &sync->peers[peer];
	uint8_t key[KEY_PUBLIC_SIZE];
	uint64_t number;
	enum err_code code;

	code = peer_life(sync, peer, ack->site, ack->epoch, key, err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK; /* before its certificate: it will say it again
				*/
	if (code == ERR_OK &&
	    !frame_ack_verify(frame, key, sync->config.net_id))
		code = ERR_DENIED;
	if (code == ERR_DENIED) {
		sync->counts.acks_forged++;
		return ERR_OK;
	}
	if (code != ERR_OK)
		return code;
	whose->site = ack->site;
	if (ack->base == 0 || ack->base == whose->ack_label)
		ack_take(sync, whose, frame, NULL);
	else if (vector_find(sync, ack->base, &number))
		ack_take(sync, whose, frame, &number);
	else
		serve_refuse(sync, peer, link, 0,
			     (struct frame_refuse){.code = REFUSE_BASE});
	return ERR_OK;
}

enum err_code peer_has(struct sync *sync, uint32_t peer, uint64_t number,
		       struct err *err)
{
	const struct frame_head *head = &sync->peers[peer].head;
	uint8_t key[KEY_PUBLIC_SIZE];
	enum err_code code =
		peer_life(sync, peer, head->site, head->epoch, key, err);

	if (code == ERR_NOT_FOUND || code == ERR_DENIED)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	life_begin(sync, &sync->peers[peer], head->epoch);
	if (number == sync->past_count)
		sync->peers[peer].all_stamp = head->stamp;
	(void)vector_take(sync, &sync->peers[peer], number);
	return ERR_OK;
}

/* What both have need not be listed: our next ACK stands on it. */
static void level_take(struct sync *sync, struct peer *peer)
{
	peer->our_label = frame_digest_start(sync->digest);
	for (uint32_t i = 0; i < sync->feed_count; i++) {
		uint32_t feed = sync->feed_order[i];
		const struct feed_row *row = &sync->feeds[feed];

		if (!row->is_here || peer->feeds[feed].ours == row->record.seq)
			continue;
		peer->feeds[feed].ours = row->record.seq;
		peer->is_level_due = true;
	}
}

void peer_covers(struct sync *sync, uint32_t peer,
		 const uint8_t digest[VECTOR_DIGEST_SIZE])
{
	memcpy(sync->peers[peer].covered, digest, VECTOR_DIGEST_SIZE);
	if (peer_is_level(sync, &sync->peers[peer]))
		level_take(sync, &sync->peers[peer]);
}

enum err_code peers_judge(struct sync *sync, struct err *err)
{
	for (uint32_t i = 0; i < sync->peer_count; i++) {
		struct peer *peer = &sync->peers[sync->peer_order[i]];
		struct certificate life = {.epoch = 0};
		enum err_code code = ERR_OK;

		if (peer->ack_epoch != 0)
			code = ack_life(sync->view, peer->site, &life, err);
		if (code != ERR_OK && code != ERR_NOT_FOUND)
			return code;
		if (life.epoch == peer->ack_epoch)
			continue;
		acked_forget(sync, peer);
		peer->ack_epoch = 0;
		peer->ack_stamp = (struct stamp){0};
		peer->all_stamp = (struct stamp){0};
	}
	return ERR_OK;
}

bool peer_is_covered(const struct sync *sync, uint32_t peer,
		     const uint8_t digest[VECTOR_DIGEST_SIZE])
{
	uint64_t number;

	return vector_find(sync, frame_digest_start(digest), &number) ||
	       memcmp(digest, sync->peers[peer].covered, VECTOR_DIGEST_SIZE) ==
		       0;
}

/* ---- what we have ---- */

/* Lists in list_bytes what differs from what @peer was told; false: nothing is
 * to be said. */
static bool ack_list(struct sync *sync, const struct peer *peer,
		     struct frame_ack *ack)
{
	struct frame_list list = {0};
	struct writer writer;
	size_t room = SYNC_REQUEST_SIZE_MAX - 128;

	writer_init(&writer, sync->list_bytes, room);
	for (uint32_t i = 0; i < sync->feed_count; i++) {
		uint32_t feed = sync->feed_order[i];
		const struct feed_row *row = &sync->feeds[feed];
		struct frame_entry entry = {
			.feed = row->record.id,
			.seq = row->record.seq,
			.hash_start = frame_hash_start(row->record.hash)};

		if (!row->is_here || row->record.seq == 0 ||
		    peer->feeds[feed].ours == row->record.seq ||
		    writer.size + FRAME_ENTRY_SIZE_MAX > room)
			continue;
		frame_entry_write(&writer, &list, &entry);
	}
	ASSERT(writer_ok(&writer));
	ack->count = list.count;
	ack->entries =
		(struct span){(const char *)sync->list_bytes, writer.size};
	return list.count > 0 || peer->is_level_due;
}

static void ack_told(struct sync *sync, struct peer *peer,
		     const struct frame *frame)
{
	struct frame_list list = {0};
	struct frame_entry entry;
	struct reader reader;

	peer->our_label = frame_ack_label(frame, sync->config.net_id);
	peer->is_level_due = false;
	reader_init(&reader, frame->body.ack.entries.data,
		    frame->body.ack.entries.size);
	while (frame_entry_read(&reader, &list, &entry))
		peer->feeds[feed_find(sync, entry.feed)].ours = entry.seq;
}

/* Stamps of ACKs rise also when the clock went back. */
static struct stamp ack_stamp(struct sync *sync, struct peer *peer)
{
	uint32_t own = feed_own(sync);
	struct stamp last = {peer->our_stamp};

	if (own != NONE && sync->feeds[own].record.stamp.value > last.value)
		last = sync->feeds[own].record.stamp;
	last = stamp_next(last, sync->now.utc);
	peer->our_stamp = last.value;
	return last;
}

static bool ack_send(struct sync *sync, struct peer *peer)
{
	struct frame frame = {.type = FRAME_ACK};
	struct sync_out out = {.link = peer->link_heard,
			       .plane = SYNC_PLANE_REQUEST,
			       .to = name_span(&peer->name)};

	if (!ack_list(sync, peer, &frame.body.ack))
		return false;
	frame.body.ack.site = sync->config.site;
	frame.body.ack.epoch = sync->self.epoch;
	frame.body.ack.base = peer->our_label;
	frame.body.ack.stamp = ack_stamp(sync, peer);
	frame_ack_sign(&frame, sync->self.signer, sync->config.net_id);
	if (!sync_say(sync, &out, &frame)) {
		peer->is_ack_due = true; /* when there is room */
		return false;
	}
	ack_told(sync, peer, &frame);
	return true;
}

/* Between HQ and its sites what is durable is said now and then also when no
 * session asks for it: for what came as news. */
static bool ack_is_due(const struct sync *sync, const struct peer *peer)
{
	bool is_hq = peer->has_head && (peer->head.flags & HEAD_IS_HQ) != 0;
	uint64_t interval = head_interval_ms(sync);

	if (peer->is_ack_due)
		return true;
	if (!peer->has_head || !(is_hq || sync->config.is_hq))
		return false;
	if ((uint64_t)peer->head.next_s * 1000 > interval)
		interval = (uint64_t)peer->head.next_s * 1000;
	/* What it said as news it may wait to hear of: before it is wiped. */
	if (peer->has_news && interval <= SYNC_HEAD_MS_MAX)
		interval = SYNC_HEAD_MS_MIN;
	return sync->now.ms - peer->our_ack_ms >= interval;
}

/*
 * A peer whose vector is ours reads in our next head that we have it all, as
 * any other does; a head is said again and again, an ACK once. On a metered
 * link heads are rare. News is answered at once: somebody may wait for it.
 */
static bool head_tells(const struct sync *sync, const struct peer *peer)
{
	return peer_is_level(sync, peer) && !peer->has_news &&
	       !sync->links[peer->link_heard].status.is_metered;
}

/* Whether it was said already; if not, it is due. */
static bool head_has_told(struct sync *sync, const struct peer *peer)
{
	struct link *link = &sync->links[peer->link_heard];
	bool is_said = link->has_head && memcmp(link->head_digest, sync->digest,
						VECTOR_DIGEST_SIZE) == 0;

	link->is_head_due = link->is_head_due || !is_said;
	return is_said;
}

/* A list that is too long for a frame takes several. */
static void ack_say(struct sync *sync, struct peer *peer)
{
	peer->is_ack_due = false;
	peer->has_news = false;
	peer->our_ack_ms = sync->now.ms;
	while (ack_send(sync, peer))
		;
}

void peers_ack(struct sync *sync)
{
	if (sync->self.signer == NULL)
		return;
	for (uint32_t i = 0; i < sync->peer_count; i++) {
		struct peer *peer = &sync->peers[sync->peer_order[i]];

		if (!link_takes(sync, peer->link_heard))
			continue;
		/* The first session comes before what is said as a rule. */
		if (peer->our_ack_ms == 0)
			peer->our_ack_ms = sync->now.ms;
		if (!ack_is_due(sync, peer))
			continue;
		if (!head_tells(sync, peer)) {
			ack_say(sync, peer);
		} else if (head_has_told(sync, peer)) {
			peer->is_ack_due = false;
			peer->is_level_due = false;
			peer->our_ack_ms = sync->now.ms;
		}
	}
}
