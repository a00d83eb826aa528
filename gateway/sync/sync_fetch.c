#include <string.h>

#include "gateway/sync/sync_parts.h"

/* ---- HAVE ---- */

static void self_shown(struct sync *sync, const struct pull *pull,
		       const struct frame_entry *entry)
{
	struct sync_finding finding = {
		.kind = SYNC_FOUND_SELF,
		.peer = name_span(&sync->peers[pull->peer].name),
		.feed = entry->feed,
		.seq = entry->seq,
	};
	struct writer writer;

	writer_init(&writer, finding.hash, sizeof(finding.hash));
	write_u64(&writer, entry->hash_start);
	sync->port.found(sync->port.context, &finding);
}

static void offer_take(struct sync *sync, struct pull *pull, uint32_t feed,
		       const struct frame_entry *entry)
{
	struct feed_row *row = &sync->feeds[feed];

	if (row->offered < entry->seq)
		row->offered = entry->seq;
	/* Beyond where a feed parted, its branches are asked for. */
	if (entry->lowest <= row->record.seq + 1 && !feed_is_split(sync, row))
		sync->peers[pull->peer].feeds[feed].offer = entry->seq;
	else
		pull->is_short = true;
}

static enum err_code have_entry(struct sync *sync, uint32_t pull,
				const struct frame_entry *entry,
				struct err *err)
{
	struct pull *which = &sync->pulls[pull];
	uint32_t feed = feed_row_of(sync, entry->feed);
	const struct feed_row *row;
	uint64_t start;
	enum err_code code;

	if (feed == NONE) {
		which->is_short = true;
		return ERR_OK;
	}
	row = &sync->feeds[feed];
	if (entry->seq > row->record.seq) {
		if (feed_is_own(sync, row) && !feed_is_split(sync, row))
			self_shown(sync, which, entry);
		if (!feed_is_own(sync, row))
			offer_take(sync, which, feed, entry);
		return ERR_OK;
	}
	code = feed_hash_start(sync, feed, entry->seq, &start, err);
	/* The delta behind it names its hash. */
	if (feed_is_damaged(sync, feed, entry->seq + 1, code)) {
		which->is_short = true;
		return ERR_OK;
	}
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK || start == entry->hash_start)
		return code;
	which->is_short = true;
	if (feed_is_own(sync, row))
		self_shown(sync, which, entry);
	fork_suspect(sync, pull, feed, entry->seq);
	return ERR_OK;
}

enum err_code pull_on_have(struct sync *sync, uint32_t pull,
			   const struct frame *frame, struct err *err)
{
	const struct frame_have *have = &frame->body.have;
	struct pull *which = &sync->pulls[pull];
	struct frame_list list = {.has_lowest = true};
	struct frame_entry entry;
	struct reader reader;

	if (which->state != PULL_HELLO)
		return ERR_OK;
	sync->counts.haves_got++;
	if ((have->flags & HAVE_EQUAL) != 0) {
		sync->counts.sessions_equal++;
		peer_covers(sync, which->peer, have->digest);
		pull_end(sync, pull);
		return ERR_OK;
	}
	which->state = PULL_FETCHING;
	which->is_short = (have->flags & HAVE_MORE) != 0;
	memcpy(which->digest, have->digest, sizeof(which->digest));
	which->useful_ms = sync->now.ms;
	reader_init(&reader, have->entries.data, have->entries.size);
	while (frame_entry_read(&reader, &list, &entry)) {
		enum err_code code = have_entry(sync, pull, &entry, err);

		if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}

/* ---- WANT ---- */

/* Whether @pull fetches @feed now and is not done with it. */
static bool feed_is_open(const struct sync *sync, uint32_t pull, uint32_t feed)
{
	const struct peer *peer = &sync->peers[sync->pulls[pull].peer];

	return sync->feeds[feed].source == pull &&
	       feed_fetched(sync, feed) < peer->feeds[feed].offer;
}

static bool feed_may_come(const struct sync *sync, uint32_t pull, uint32_t feed)
{
	const struct peer *peer = &sync->peers[sync->pulls[pull].peer];
	const struct feed_row *row = &sync->feeds[feed];

	return row->source == NONE && peer->feeds[feed].offer != 0 &&
	       !feed_is_blocked(sync, row) && !feed_is_own(sync, row) &&
	       feed_fetched(sync, feed) < peer->feeds[feed].offer;
}

/* Control that is here and not committed yet. */
static bool control_waits(const struct sync *sync, uint32_t feed)
{
	const struct feed_row *row = &sync->feeds[feed];

	return row->record.id.site == SITE_CONTROL &&
	       feed_fetched(sync, feed) > row->record.seq;
}

/* True if something that was asked for has yet to come. */
bool fetch_is_open(struct sync *sync, uint32_t pull)
{
	bool is_open = false;

	for (uint32_t i = 0; i < sync->feed_count; i++) {
		uint32_t feed = sync->feed_order[i];

		if (sync->feeds[feed].source != pull)
			continue;
		if (feed_is_open(sync, pull, feed))
			is_open = true;
		else if (!control_waits(sync, feed))
			sync->feeds[feed].source = NONE;
	}
	return is_open;
}

static void want_add(struct writer *writer, struct frame_want *want,
		     const struct frame_range *range)
{
	frame_range_write(writer, range);
	want->count++;
}

/* What of control this peer has is not committed here yet. */
static bool control_is_open(const struct sync *sync, uint32_t pull)
{
	const struct peer *peer = &sync->peers[sync->pulls[pull].peer];

	for (uint32_t i = 0; i < sync->feed_count; i++) {
		uint32_t feed = sync->feed_order[i];
		const struct feed_row *row = &sync->feeds[feed];

		if (row->record.id.site == SITE_CONTROL &&
		    row->source == pull &&
		    row->record.seq < peer->feeds[feed].offer)
			return true;
	}
	return false;
}

static void want_list(struct sync *sync, uint32_t pull, struct writer *writer,
		      struct frame_want *want)
{
	struct peer *peer = &sync->peers[sync->pulls[pull].peer];

	/* In order of their ids: control, then master data, then the rest.
	 * Control alone, for it says who the others are. */
	for (uint32_t i = 0; i < sync->feed_count; i++) {
		uint32_t feed = sync->feed_order[i];
		struct frame_range range = {
			.feed = sync->feeds[feed].record.id};

		if (range.feed.site != SITE_CONTROL &&
		    control_is_open(sync, pull))
			break;
		if (want->count == WANT_RANGES_MAX ||
		    !feed_may_come(sync, pull, feed))
			continue;
		range.first = feed_fetched(sync, feed) + 1;
		range.last = peer->feeds[feed].offer;
		want_add(writer, want, &range);
		peer->feeds[feed].awaited = range.first;
		sync->feeds[feed].source = pull;
	}
}

/* A search is for when all else is here: a peer that lies about one feed does
 * not hold up the others. */
static void want_search(struct sync *sync, struct pull *pull,
			struct writer *writer, struct frame_want *want)
{
	struct frame_range range;

	if (want->count > 0 || pull->search.feed == NONE)
		return;
	range.first = fork_ask(pull);
	range.last = range.first;
	range.feed = sync->feeds[pull->search.feed].record.id;
	if (range.first != 0)
		want_add(writer, want, &range);
}

/* Asks for what comes next. False: there is nothing. */
bool fetch_ask(struct sync *sync, uint32_t pull)
{
	struct pull *which = &sync->pulls[pull];
	struct frame frame = {.type = FRAME_WANT, .session = which->session};
	struct frame_want *want = &frame.body.want;
	struct writer writer;

	writer_init(&writer, sync->list_bytes, SYNC_REQUEST_SIZE_MAX - 64);
	want_list(sync, pull, &writer, want);
	want_search(sync, which, &writer, want);
	ASSERT(writer_ok(&writer));
	if (want->count == 0)
		return false;
	which->granted = which->freed + which->window;
	want->granted = which->granted;
	want->number = ++which->wants;
	want->ranges =
		(struct span){(const char *)sync->list_bytes, writer.size};
	which->useful_ms = sync->now.ms;
	/* If it is lost the session stalls, and another one begins. */
	(void)pull_say(sync, which, &frame);
	return true;
}

/* Half a window is worth a frame; less is, if the server waits for it. */
static bool credit_is_due(const struct pull *pull)
{
	uint64_t most = pull->freed + pull->window;

	if (most - pull->granted >= pull->window / 2)
		return true;
	return pull->granted - pull->received < SYNC_FRAME_SIZE_MAX &&
	       most - pull->received >= SYNC_FRAME_SIZE_MAX;
}

void fetch_credit(struct sync *sync, struct pull *pull)
{
	struct frame frame = {.type = FRAME_CREDIT, .session = pull->session};

	if (!credit_is_due(pull))
		return;
	/* Nothing was under way: the server could not but be silent. */
	if (pull->granted - pull->received < SYNC_FRAME_SIZE_MAX)
		pull->useful_ms = sync->now.ms;
	pull->granted = pull->freed + pull->window;
	frame.body.credit.granted = pull->granted;
	(void)pull_say(sync, pull, &frame);
}

/* ---- BATCHES ---- */

static bool pack_was_asked(const struct sync *sync, uint32_t pull,
			   uint32_t feed, const struct pack *pack)
{
	const struct peer *peer = &sync->peers[sync->pulls[pull].peer];

	return feed != NONE && sync->feeds[feed].source == pull &&
	       pack->first_seq + pack->count - 1 <= peer->feeds[feed].offer;
}

static void batches_keep(struct sync *sync, uint32_t pull, uint32_t feed,
			 const struct pack *pack, struct span bytes)
{
	struct pull *which = &sync->pulls[pull];
	struct slot like = {.feed = feed,
			    .peer = which->peer,
			    .session = which->session,
			    .pack = *pack};
	uint64_t reach = feed_fetched(sync, feed);

	if (slot_take(sync, &like, bytes) == NONE) {
		which->freed += slot_cost(bytes.size);
		return;
	}
	which->has_news = true;
	if (pack->first_seq <= reach + 1)
		which->useful_ms = sync->now.ms;
}

static bool pack_is_here(const struct sync *sync, uint32_t feed,
			 const struct pack *pack)
{
	if (pack->first_seq + pack->count - 1 <= feed_fetched(sync, feed))
		return true;
	for (uint32_t i = 0; i < sync->config.waiting_max; i++) {
		const struct slot *slot = &sync->slots[i];

		if (slot->state != SLOT_FREE && slot->session != 0 &&
		    slot->feed == feed &&
		    slot->pack.first_seq == pack->first_seq &&
		    slot->pack.count == pack->count)
			return true;
	}
	return false;
}

/* Counts a pack that came. Of no use: it makes room at once. */
static void batches_count(struct sync *sync, struct pull *pull, size_t size,
			  bool is_useful)
{
	pull->received += slot_cost(size);
	if (!is_useful) {
		pull->freed += slot_cost(size);
		sync->counts.frames_unasked++;
	}
}

/* A window more than it may: it does not care, and is left for a while. */
static bool server_is_left(struct sync *sync, uint32_t pull)
{
	struct pull *which = &sync->pulls[pull];

	if (which->received <= which->granted + which->window)
		return false;
	sync->peers[which->peer].refused_until_ms = sync->now.ms + QUIET_MS_MAX;
	pull_end(sync, pull);
	return true;
}

/*
 * True if the server has not sent it in this session: it sends each feed in
 * order. A broker repeats what it carries; that is not its sender's doing, and
 * not counted against its credit.
 */
static bool pack_is_next(struct sync *sync, const struct pull *pull,
			 uint32_t feed, const struct pack *pack)
{
	struct acked *of = &sync->peers[pull->peer].feeds[feed];

	if (of->awaited == 0 || pack->first_seq < of->awaited)
		return false;
	of->awaited = pack->first_seq + pack->count;
	return true;
}

/* Something else has brought it meanwhile. It has cost the server credit all
 * the same; no more of it would come if that were not given back. */
static void batches_skip(struct sync *sync, uint32_t pull, size_t size)
{
	struct pull *which = &sync->pulls[pull];

	which->received += slot_cost(size);
	which->freed += slot_cost(size);
	which->useful_ms = sync->now.ms;
	(void)server_is_left(sync, pull);
}

static enum err_code pack_on_reply(struct sync *sync, uint32_t pull,
				   struct span bytes, struct err *err)
{
	struct pull *which = &sync->pulls[pull];
	struct pack pack = {0};
	uint32_t feed = NONE;
	bool is_next;
	bool is_useful;

	if (which->state == PULL_FETCHING && pack_peek(bytes, &pack) == ERR_OK)
		feed = feed_find(sync, pack.feed);
	if (feed != NONE && feed == which->search.feed &&
	    pack.first_seq == which->search.asked) {
		which->received += slot_cost(bytes.size);
		which->freed += slot_cost(bytes.size);
		return fork_on_pack(sync, pull, bytes, &pack, err);
	}
	is_next = feed != NONE && pack_is_next(sync, which, feed, &pack);
	if (feed != NONE && pack_is_here(sync, feed, &pack)) {
		if (is_next)
			batches_skip(sync, pull, bytes.size);
		return ERR_OK;
	}
	is_useful = pack_was_asked(sync, pull, feed, &pack) &&
		    which->received + slot_cost(bytes.size) <= which->granted;
	batches_count(sync, which, bytes.size, is_useful);
	if (!server_is_left(sync, pull) && is_useful)
		batches_keep(sync, pull, feed, &pack, bytes);
	return ERR_OK;
}

enum err_code pull_on_batches(struct sync *sync, uint32_t pull,
			      const struct frame *frame, struct err *err)
{
	struct span packs = frame->body.packs;
	enum err_code code = ERR_OK;
	struct reader reader;
	struct span bytes;

	reader_init(&reader, packs.data, packs.size);
	/* The session may end with any of them. */
	while (code == ERR_OK &&
	       pull_of_session(sync, frame->session) == pull &&
	       frame_pack_read(&reader, &bytes))
		code = pack_on_reply(sync, pull, bytes, err);
	return code;
}
