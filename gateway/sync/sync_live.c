#include <string.h>

#include "gateway/sync/follow.h"
#include "gateway/sync/sync_parts.h"

/* ---- in ---- */

/* One more of @feed that waits, or of @peer, is too many: it is fetched. */
static bool news_is_enough(const struct sync *sync, uint32_t feed,
			   uint32_t peer)
{
	uint32_t of_feed = 0;
	uint32_t of_peer = 0;

	for (uint32_t i = 0; i < sync->config.waiting_max; i++) {
		const struct slot *slot = &sync->slots[i];

		if (slot->state != SLOT_WAITING || slot->session != 0)
			continue;
		of_feed += slot->feed == feed ? 1 : 0;
		of_peer += slot->peer == peer ? 1 : 0;
	}
	return of_feed >= NEWS_PENDING_MAX ||
	       (of_peer > 0 && of_peer >= sync->reserve / NEWS_SENDERS);
}

/* Other news that is not judged yet says something else at its place: one of
 * them is forged, and nobody knows which. */
static bool news_differs(const struct sync *sync, uint32_t feed,
			 const struct pack *pack, struct span bytes)
{
	bool differs = false;

	for (uint32_t i = 0; i < sync->config.waiting_max; i++) {
		const struct slot *slot = &sync->slots[i];
		uint64_t last = slot->pack.first_seq + slot->pack.count - 1;

		if (slot->state == SLOT_FREE || slot->session != 0 ||
		    slot->feed != feed || last < pack->first_seq ||
		    slot->pack.first_seq > pack->first_seq + pack->count - 1)
			continue;
		if (slot->size == bytes.size &&
		    memcmp(slot->bytes, bytes.data, bytes.size) == 0)
			return false;
		differs = true;
	}
	return differs;
}

/* A broker or a carrier held it back. Only a clock that is trusted may say so,
 * and only of a writer whose clock was. What lies beyond a gap cannot be read
 * yet, and does no harm. */
static bool news_is_old(struct sync *sync, const struct pack *told,
			struct span bytes)
{
	struct pack_start start;
	const struct delta *last;
	struct pack pack;
	int64_t age_ms;

	if (!sync->now.is_trusted ||
	    follow_start(sync->view, sync->config.net_id, told->feed,
			 told->first_seq, &start, NULL) != ERR_OK ||
	    unpacker_read(sync->unpacker, bytes, &start, &pack) != ERR_OK)
		return false;
	last = unpacker_delta(sync->unpacker, pack.count - 1);
	age_ms = sync->now.utc.ms - stamp_moment(last->header.stamp).ms;
	return (last->header.flags & DELTA_CLOCK_TRUSTED) != 0 &&
	       age_ms > SYNC_LIVE_AGE_MS;
}

static void more_ask(struct sync *sync, uint32_t peer)
{
	sync->peers[peer].has_more = true;
	pull_want(sync, peer, sync->now.ms);
}

static void news_keep(struct sync *sync, uint32_t peer, uint32_t feed,
		      const struct pack *pack, struct span bytes)
{
	const struct feed_row *row = &sync->feeds[feed];
	struct slot like = {.feed = feed, .peer = peer, .pack = *pack};
	uint64_t reach = feed_reach(sync, feed);
	uint64_t last = pack->first_seq + pack->count - 1;

	if (last <= row->record.seq ||
	    (last <= reach && !news_differs(sync, feed, pack, bytes)))
		return;
	if (pack->first_seq > reach + 1) {
		more_ask(sync, peer);
		if (!row->is_here || news_is_enough(sync, feed, peer))
			return;
	}
	(void)slot_take(sync, &like, bytes); /* no room: heads will tell */
}

enum err_code live_on_frame(struct sync *sync, uint32_t peer,
			    const struct frame *frame, struct err *err)
{
	struct span bytes = frame->body.pack;
	struct pack pack;
	uint32_t feed;

	(void)err;
	if (pack_peek(bytes, &pack) != ERR_OK) {
		sync->counts.frames_garbled++;
		return ERR_OK;
	}
	feed = feed_find(sync, pack.feed);
	if (feed == NONE && pack.first_seq > 1)
		more_ask(sync, peer); /* a name is soon invented: no row */
	else if (feed == NONE)
		feed = feed_row_of(sync, pack.feed);
	if (feed == NONE || feed_is_own(sync, &sync->feeds[feed]) ||
	    feed_is_blocked(sync, &sync->feeds[feed]))
		return ERR_OK;
	if (news_is_old(sync, &pack, bytes))
		sync->counts.live_old++;
	else
		news_keep(sync, peer, feed, &pack, bytes);
	return ERR_OK;
}

/* ---- out ---- */

static enum err_code news_pack(struct sync *sync, const struct delta *delta,
			       struct feed_id id, struct writer *writer)
{
	static const enum pack_codec codecs[] = {PACK_PLAIN, PACK_ZSTD};
	struct frame head = {.type = FRAME_LIVE};
	enum err_code code = ERR_FULL;
	uint32_t fitting;

	/* Plain is shortest for a few rows; what is too long is compressed. */
	for (size_t i = 0; i < ARRAY_LEN(codecs) && code == ERR_FULL; i++) {
		writer_init(writer, sync->frame_bytes, SYNC_FRAME_SIZE_MAX);
		frame_write(writer, &head);
		packer_begin(sync->packer, id, codecs[i], PACK_ROOM);
		code = packer_add(sync->packer, delta);
		if (code == ERR_OK)
			code = packer_end(sync->packer, writer, &fitting);
	}
	return code;
}

static enum err_code news_say(struct sync *sync, uint32_t feed, uint64_t seq,
			      struct err *err)
{
	const struct feed_row *row = &sync->feeds[feed];
	struct delta delta;
	struct writer writer;
	enum err_code code =
		feed_delta(sync->view, row->record.id, seq, &delta, err);

	if (feed_is_damaged(sync, feed, seq, code))
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	if (news_pack(sync, &delta, row->record.id, &writer) != ERR_OK)
		return ERR_OK; /* too long to be news: it is fetched */
	for (uint32_t i = 0; i < sync->config.links_max; i++) {
		struct sync_out out = {.link = i, .plane = SYNC_PLANE_LIVE};

		/* What is lost is fetched. */
		if (link_is_up(sync, i))
			(void)sync_send(
				sync, &out,
				(struct span){(const char *)sync->frame_bytes,
					      writer.size});
	}
	return ERR_OK;
}

static bool some_link_is_up(const struct sync *sync)
{
	for (uint32_t i = 0; i < sync->config.links_max; i++) {
		if (link_is_up(sync, i))
			return true;
	}
	return false;
}

static enum err_code feed_news(struct sync *sync, uint32_t feed,
			       struct err *err)
{
	struct feed_row *row = &sync->feeds[feed];
	enum err_code code = ERR_OK;

	/* More than a few, or nobody to hear it: that is backlog. */
	if (row->record.seq - row->told > NEWS_MAX || !some_link_is_up(sync))
		row->told = row->record.seq;
	while (code == ERR_OK && row->told < row->record.seq)
		code = news_say(sync, feed, ++row->told, err);
	return code;
}

enum err_code live_pump(struct sync *sync, struct err *err)
{
	enum err_code code = ERR_OK;

	for (uint32_t i = 0; i < sync->feed_count && code == ERR_OK; i++) {
		struct feed_row *row = &sync->feeds[sync->feed_order[i]];

		if (row->is_here && feed_is_own(sync, row) &&
		    row->told < row->record.seq)
			code = feed_news(sync, sync->feed_order[i], err);
	}
	return code;
}
