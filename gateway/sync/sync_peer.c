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

	if (sync->peers[peer].serve != NONE)
		serve_end(sync, sync->peers[peer].serve);
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
			      .serve = NONE,
			      .feeds = feeds,
			      .quiet_ms = QUIET_MS_MIN,
			      .rate_ms = sync->now.ms,
			      .rate_left = sync->config.serve_rate};
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

/* From now on HELLO may name it. */
static void base_take(struct sync *sync, struct peer *peer,
		      const struct frame *frame)
{
	const struct frame_ack *ack = &frame->body.ack;
	struct frame_list list = {0};
	struct frame_entry entry;
	struct reader reader;
	bool is_whole = true;

	for (uint32_t i = 0; ack->base == 0 && i < sync->config.feeds_max; i++)
		peer->feeds[i].base = 0;
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

static void ack_take(struct sync *sync, struct peer *peer,
		     const struct frame *frame)
{
	const struct frame_ack *ack = &frame->body.ack;
	struct frame_list list = {0};
	struct frame_entry entry;
	struct reader reader;
	bool has_raised = false;

	life_begin(sync, peer, ack->epoch);
	reader_init(&reader, ack->entries.data, ack->entries.size);
	while (frame_entry_read(&reader, &list, &entry))
		has_raised = acked_raise(sync, peer, &entry) || has_raised;
	/* One that was said long ago does not change what HELLO means. */
	if (ack->stamp.value > peer->ack_stamp.value || has_raised) {
		peer->ack_stamp = ack->stamp;
		base_take(sync, peer, frame);
	}
}

enum err_code peer_on_ack(struct sync *sync, uint32_t peer, uint32_t link,
			  const struct frame *frame, struct err *err)
{
	const struct frame_ack *ack = &frame->body.ack;
	struct peer *whose = &sync->peers[peer];
	uint8_t key[KEY_PUBLIC_SIZE];
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
	if (ack->base != 0 && ack->base != whose->ack_label)
		serve_refuse(sync, peer, link, 0,
			     (struct frame_refuse){.code = REFUSE_BASE});
	else
		ack_take(sync, whose, frame);
	return ERR_OK;
}

enum err_code peer_has_all(struct sync *sync, uint32_t peer, struct err *err)
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
	sync->peers[peer].all_stamp = head->stamp;
	for (uint32_t i = 0; i < sync->feed_count; i++) {
		const struct feed_record *record =
			&sync->feeds[sync->feed_order[i]].record;
		struct frame_entry entry = {
			.feed = record->id,
			.seq = record->seq,
			.hash_start = frame_hash_start(record->hash)};

		if (record->seq > 0)
			(void)acked_raise(sync, &sync->peers[peer], &entry);
	}
	return ERR_OK;
}

void peer_covers(struct sync *sync, uint32_t peer,
		 const uint8_t digest[VECTOR_DIGEST_SIZE])
{
	memcpy(sync->peers[peer].covered, digest, VECTOR_DIGEST_SIZE);
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

static bool was_ours(const struct sync *sync,
		     const uint8_t digest[VECTOR_DIGEST_SIZE])
{
	for (uint32_t i = 0; i < PAST_MAX && i < sync->past_count; i++) {
		if (memcmp(digest, sync->past[i], VECTOR_DIGEST_SIZE) == 0)
			return true;
	}
	return memcmp(digest, sync->digest, VECTOR_DIGEST_SIZE) == 0;
}

bool peer_is_covered(const struct sync *sync, uint32_t peer,
		     const uint8_t digest[VECTOR_DIGEST_SIZE])
{
	return was_ours(sync, digest) ||
	       memcmp(digest, sync->peers[peer].covered, VECTOR_DIGEST_SIZE) ==
		       0;
}

/* ---- what we have ---- */

/* Lists in list_bytes what differs from what @peer was told; false: nothing. */
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
	return list.count > 0;
}

static void ack_told(struct sync *sync, struct peer *peer,
		     const struct frame *frame)
{
	struct frame_list list = {0};
	struct frame_entry entry;
	struct reader reader;

	peer->our_label = frame_ack_label(frame, sync->config.net_id);
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
	struct sync_out out = {.link = peer->link_last,
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

void peers_ack(struct sync *sync)
{
	if (sync->self.signer == NULL)
		return;
	for (uint32_t i = 0; i < sync->peer_count; i++) {
		struct peer *peer = &sync->peers[sync->peer_order[i]];

		if (!link_is_up(sync, peer->link_last) ||
		    !ack_is_due(sync, peer))
			continue;
		peer->is_ack_due = false;
		peer->has_news = false;
		peer->our_ack_ms = sync->now.ms;
		/* A list that is too long for a frame takes several. */
		while (ack_send(sync, peer))
			;
	}
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
