#include <string.h>

#include "gateway/sync/fill.h"
#include "gateway/sync/sync_parts.h"

/* ---- what a peer may cost ---- */

static void rate_fill(struct sync *sync, struct asker *asker)
{
	uint64_t passed = sync->now.ms - asker->rate_ms;
	uint64_t rate = sync->config.serve_rate;

	if (passed > 1000)
		passed = 1000;
	asker->rate_left += rate * passed / 1000;
	if (asker->rate_left > rate)
		asker->rate_left = rate;
	asker->rate_ms = sync->now.ms;
}

static void rate_take(struct asker *asker, size_t size)
{
	asker->rate_left =
		asker->rate_left > size ? asker->rate_left - size : 0;
}

void serve_refuse(struct sync *sync, uint32_t peer, uint32_t link,
		  uint32_t session, struct frame_refuse refuse)
{
	struct peer *whom = &sync->peers[peer];
	struct asker *asker = &whom->askers[link];
	struct frame frame = {.type = FRAME_REFUSE,
			      .session = session,
			      .body.refuse = refuse};
	struct sync_out out = {.link = link,
			       .plane = SYNC_PLANE_REPLY,
			       .to = name_span(&whom->name),
			       .session = session};

	/* One a second: nobody makes us talk. */
	if (asker->refuse_ms != 0 &&
	    sync->now.ms - asker->refuse_ms < HELLO_SPACING_MS)
		return;
	asker->refuse_ms = sync->now.ms;
	(void)sync_say(sync, &out, &frame);
}

/* ---- sessions ---- */

static struct asker *asker_of(struct sync *sync, const struct serve *serve)
{
	return &sync->peers[serve->peer].askers[serve->link];
}

void serve_end(struct sync *sync, uint32_t serve)
{
	ASSERT(sync->serves[serve].is_used);
	sync->serves[serve].is_used = false;
	asker_of(sync, &sync->serves[serve])->serve = NONE;
	sync->counts.serves--;
}

/* A place for a session; those that went silent make way. */
static uint32_t serve_place(struct sync *sync)
{
	uint32_t oldest = NONE;

	for (uint32_t i = 0; i < sync->config.serves_max; i++) {
		const struct serve *serve = &sync->serves[i];

		if (!serve->is_used)
			return i;
		if (oldest == NONE ||
		    serve->heard_ms < sync->serves[oldest].heard_ms)
			oldest = i;
	}
	if (sync->now.ms - sync->serves[oldest].heard_ms < SYNC_STALL_MS)
		return NONE;
	serve_end(sync, oldest);
	return oldest;
}

static uint32_t serve_begin(struct sync *sync, uint32_t peer, uint32_t link,
			    const struct frame *frame)
{
	struct asker *asker = &sync->peers[peer].askers[link];
	uint64_t credit = frame->body.hello.credit;
	uint32_t serve;

	if (asker->serve != NONE)
		serve_end(sync, asker->serve);
	serve = serve_place(sync);
	if (serve == NONE)
		return NONE;
	memset(&sync->serves[serve], 0, sizeof(sync->serves[serve]));
	sync->serves[serve].is_used = true;
	sync->serves[serve].peer = peer;
	sync->serves[serve].link = link;
	sync->serves[serve].session = frame->session;
	sync->serves[serve].heard_ms = sync->now.ms;
	sync->serves[serve].granted =
		credit < SERVE_CREDIT_MAX ? credit : SERVE_CREDIT_MAX;
	asker->serve = serve;
	sync->counts.serves++;
	return serve;
}

/* The session of @peer on @link that @frame belongs to. */
static struct serve *serve_of(struct sync *sync, uint32_t peer, uint32_t link,
			      const struct frame *frame)
{
	uint32_t serve = sync->peers[peer].askers[link].serve;

	if (serve == NONE || sync->serves[serve].session != frame->session)
		return NULL;
	sync->serves[serve].heard_ms = sync->now.ms;
	return &sync->serves[serve];
}

/* ---- HELLO ---- */

/* What the one who asks has for sure: HAVE need not say it. */
struct base {
	enum base_kind {
		BASE_NONE,
		BASE_ACK,    /* what the ACK says that it named */
		BASE_VECTOR, /* all that our vector of that number had */
	} kind;
	uint64_t number;
};

/* The present beats the past: the vector that it has, then what it says that
 * we know of. */
static struct base base_find(const struct sync *sync, const struct peer *peer,
			     const struct frame_hello *hello)
{
	struct base base = {.kind = BASE_VECTOR};

	if (vector_find(sync, frame_digest_start(hello->digest), &base.number))
		return base;
	if (hello->base != 0 && hello->base == peer->ack_label)
		return (struct base){.kind = BASE_ACK};
	if (hello->base != 0 && vector_find(sync, hello->base, &base.number))
		return base;
	return (struct base){.kind = BASE_NONE};
}

/* A branch of which only the common part is here is none that can be given. */
static bool entry_is_due(const struct feed_row *row, const struct acked *acked,
			 const struct base *base)
{
	if (!row->is_here || row->record.seq <= row->record.base)
		return false;
	switch (base->kind) {
	case BASE_NONE:
		return true;
	case BASE_ACK:
		return acked->base != row->record.seq ||
		       acked->base_hash != frame_hash_start(row->record.hash);
	case BASE_VECTOR:
		return row->changed > base->number;
	}
	return true;
}

/* *@ret_branched: a branch is in the list. */
static void have_list(struct sync *sync, const struct peer *peer,
		      const struct base *base, struct frame_have *have,
		      bool *ret_branched)
{
	size_t room = SYNC_FRAME_SIZE_MAX - 64;
	struct frame_list list = {.has_lowest = true};
	struct writer writer;

	writer_init(&writer, sync->list_bytes, room);
	for (uint32_t i = 0; i < sync->feed_count; i++) {
		uint32_t feed = sync->feed_order[i];
		const struct feed_record *record = &sync->feeds[feed].record;
		struct frame_entry entry = {
			.feed = record->id,
			.seq = record->seq,
			.hash_start = frame_hash_start(record->hash),
			.lowest = record->lowest > 0 ? record->lowest : 1};

		if (!entry_is_due(&sync->feeds[feed], &peer->feeds[feed], base))
			continue;
		/* What does not fit is told when this has been fetched. */
		if (writer.size + FRAME_ENTRY_SIZE_MAX > room) {
			have->flags |= HAVE_MORE;
			break;
		}
		frame_entry_write(&writer, &list, &entry);
		*ret_branched = *ret_branched || entry.feed.branch != 0;
	}
	ASSERT(writer_ok(&writer));
	have->count = list.count;
	have->entries =
		(struct span){(const char *)sync->list_bytes, writer.size};
}

/* @base NULL: the vectors are equal. */
static enum err_code have_say(struct sync *sync, const struct sync_out *whereto,
			      uint32_t peer, const struct base *base,
			      struct err *err)
{
	struct peer *whom = &sync->peers[peer];
	struct sync_out out = *whereto;
	struct frame frame = {.type = FRAME_HAVE, .session = out.session};
	bool is_branched = false;

	if (base == NULL)
		frame.body.have.flags = HAVE_EQUAL;
	else if (base->kind != BASE_NONE)
		frame.body.have.flags = HAVE_PARTIAL;
	memcpy(frame.body.have.digest, sync->digest,
	       sizeof(frame.body.have.digest));
	if (base != NULL)
		have_list(sync, whom, base, &frame.body.have, &is_branched);
	rate_take(&whom->askers[out.link], frame.body.have.entries.size + 64);
	/* If it is lost HELLO comes again. */
	(void)sync_say(sync, &out, &frame);
	/* Who does not know of a branch cannot ask for it. */
	return is_branched ? proofs_say(sync, &out, err) : ERR_OK;
}

#define REFUSE_NOTHING ((enum refuse_code)0)

static bool hello_is_early(const struct sync *sync, const struct asker *asker)
{
	return asker->hello_ms != 0 &&
	       sync->now.ms - asker->hello_ms < HELLO_SPACING_MS;
}

static enum refuse_code hello_check(struct sync *sync, struct asker *asker,
				    const struct frame_hello *hello)
{

	if (hello->net != frame_net(sync->config.net_id)) {
		sync->counts.frames_foreign++;
		return REFUSE_NET;
	}
	if (hello->version_min > FRAME_VERSION ||
	    hello->version_max < FRAME_VERSION)
		return REFUSE_VERSION;
	rate_fill(sync, asker);
	if (hello_is_early(sync, asker) ||
	    asker->rate_left < sync->config.serve_rate / 4)
		return REFUSE_BUSY;
	asker->hello_ms = sync->now.ms;
	return REFUSE_NOTHING;
}

/* Who asks and is not where we are may have what we have not. */
static void hello_back(struct sync *sync, uint32_t peer)
{
	const struct peer *whom = &sync->peers[peer];

	if (whom->pull == NONE &&
	    (whom->pull_end_ms == 0 ||
	     sync->now.ms - whom->pull_end_ms >= SYNC_HEAD_MS_MIN))
		pull_want(sync, peer, sync->now.ms + HELLO_SPACING_MS);
}

enum err_code serve_on_hello(struct sync *sync, uint32_t peer, uint32_t link,
			     const struct frame *frame, struct err *err)
{
	const struct frame_hello *hello = &frame->body.hello;
	struct peer *whom = &sync->peers[peer];
	struct asker *asker = &whom->askers[link];
	enum refuse_code refused;
	struct sync_out out = {.link = link,
			       .plane = SYNC_PLANE_REPLY,
			       .to = name_span(&whom->name),
			       .session = frame->session};
	struct base base;

	/* A broker said it twice: it has its answer. */
	if (hello_is_early(sync, asker) &&
	    asker->hello_session == frame->session)
		return ERR_OK;
	refused = hello_check(sync, asker, hello);
	if (refused != REFUSE_NOTHING) {
		serve_refuse(sync, peer, link, frame->session,
			     (struct frame_refuse){refused, 5});
		return ERR_OK;
	}
	asker->hello_session = frame->session;
	if (memcmp(hello->digest, sync->digest, sizeof(sync->digest)) == 0)
		peer_covers(sync, peer, sync->digest);
	if (memcmp(hello->digest, sync->digest, sizeof(sync->digest)) == 0)
		return have_say(sync, &out, peer, NULL, err);
	if (serve_begin(sync, peer, link, frame) == NONE) {
		serve_refuse(sync, peer, link, frame->session,
			     (struct frame_refuse){REFUSE_BUSY, 5});
		return ERR_OK;
	}
	base = base_find(sync, whom, hello);
	if (!peer_is_covered(sync, peer, hello->digest))
		hello_back(sync, peer);
	return have_say(sync, &out, peer, &base, err);
}

/* ---- WANT, CREDIT ---- */

static void grant(struct serve *serve, uint64_t granted)
{
	uint64_t most = serve->sent + SERVE_CREDIT_MAX;

	if (granted > most)
		granted = most;
	if (granted > serve->granted)
		serve->granted = granted;
}

void serve_on_want(struct sync *sync, uint32_t peer, uint32_t link,
		   const struct frame *frame)
{
	struct serve *serve = serve_of(sync, peer, link, frame);
	struct reader reader;

	if (serve == NULL) {
		serve_refuse(sync, peer, link, frame->session,
			     (struct frame_refuse){REFUSE_SESSION, 0});
		return;
	}
	grant(serve, frame->body.want.granted);
	if (frame->body.want.number <= serve->wants)
		return;
	serve->wants = frame->body.want.number;
	serve->count = 0;
	serve->turn = 0;
	reader_init(&reader, frame->body.want.ranges.data,
		    frame->body.want.ranges.size);
	while (serve->count < WANT_RANGES_MAX &&
	       frame_range_read(&reader, &serve->ranges[serve->count]))
		serve->count++;
}

void serve_on_credit(struct sync *sync, uint32_t peer, uint32_t link,
		     const struct frame *frame)
{
	struct serve *serve = serve_of(sync, peer, link, frame);

	if (serve != NULL)
		grant(serve, frame->body.credit.granted);
}

/* ---- BATCHES ---- */

static void range_drop(struct serve *serve, uint32_t at)
{
	memmove(&serve->ranges[at], &serve->ranges[at + 1],
		(serve->count - at - 1) * sizeof(serve->ranges[0]));
	serve->count--;
	if (serve->turn >= serve->count)
		serve->turn = 0;
}

static uint64_t serve_credit(const struct serve *serve)
{
	return serve->granted - serve->sent;
}

/* What of @range may leave: the store may hold more already, which its owner
 * has not told of yet (sync_grew: for the guard's sake). */
static struct fill range_fill(const struct sync *sync,
			      const struct frame_range *range)
{
	uint32_t feed = feed_find(sync, range->feed);
	struct fill fill = {range->feed, range->first, 0, PACK_ROOM};

	if (feed != NONE && sync->feeds[feed].is_here)
		fill.last = sync->feeds[feed].record.seq;
	if (fill.last > range->last)
		fill.last = range->last;
	return fill;
}

/* Adds the next pack to the frame in @writer. *@ret_added: it fitted, there and
 * into the credit.
 * ERR_NOT_FOUND: there is none to be had of the range in turn. */
static enum err_code serve_pack(struct sync *sync, struct serve *serve,
				struct writer *writer, bool *ret_added,
				struct err *err)
{
	struct frame_range *range = &serve->ranges[serve->turn];
	struct fill fill = range_fill(sync, range);
	struct writer pack;
	enum err_code code;

	writer_init(&pack, sync->list_bytes, SYNC_FRAME_SIZE_MAX);
	code = fill_pack(sync->packer, sync->view, &fill, &pack, err);
	*ret_added = code == ERR_OK &&
		     writer->size + pack.size + 3 <= SYNC_FRAME_SIZE_MAX &&
		     slot_cost(pack.size) <= serve_credit(serve);
	if (!*ret_added)
		return code;
	frame_pack_write(writer, (struct span){(const char *)sync->list_bytes,
					       pack.size});
	serve->sent += slot_cost(pack.size);
	range->first = fill.first;
	if (range->first > range->last)
		range_drop(serve, serve->turn);
	else if (range->feed.site != SITE_CONTROL &&
		 range->feed.site != SITE_MASTER)
		serve->turn = (serve->turn + 1) % serve->count;
	return ERR_OK;
}

/* A little of many feeds goes in one frame: what stands before each frame on
 * its way would be as long as that. */
static bool serve_may_add(const struct serve *serve,
			  const struct writer *writer)
{
	const struct frame_range *range = &serve->ranges[serve->turn];

	return serve->count > 0 && range->last - range->first < SERVE_LITTLE &&
	       writer->size < SYNC_FRAME_SIZE_MAX / 2 &&
	       serve_credit(serve) >= COST_MIN;
}

/* What is there goes; what cannot be had is refused when its turn comes again.
 */
static enum err_code serve_fill(struct sync *sync, struct serve *serve,
				struct writer *writer, uint32_t *ret_packs,
				struct err *err)
{
	uint32_t packs = 0;
	bool is_added = true;
	enum err_code code = ERR_OK;

	while (code == ERR_OK && is_added &&
	       (packs == 0 || serve_may_add(serve, writer))) {
		code = serve_pack(sync, serve, writer, &is_added, err);
		packs += code == ERR_OK && is_added ? 1 : 0;
	}
	*ret_packs = packs;
	return code != ERR_OK && packs > 0 ? ERR_OK : code;
}

static void range_refuse(struct sync *sync, struct serve *serve)
{
	serve_refuse(sync, serve->peer, serve->link, serve->session,
		     (struct frame_refuse){REFUSE_PRUNED, 60});
	range_drop(serve, serve->turn);
}

/* What is here and cannot be read is to be had from others. */
static bool range_is_damaged(struct sync *sync, const struct serve *serve,
			     enum err_code code)
{
	const struct frame_range *range = &serve->ranges[serve->turn];
	uint32_t feed = feed_find(sync, range->feed);

	return feed != NONE && feed_is_damaged(sync, feed, range->first, code);
}

static enum err_code serve_frame(struct sync *sync, struct serve *serve,
				 bool *ret_sent, struct err *err)
{
	struct peer *peer = &sync->peers[serve->peer];
	struct frame head = {.type = FRAME_BATCHES, .session = serve->session};
	struct sync_out out = {.link = serve->link,
			       .plane = SYNC_PLANE_REPLY,
			       .to = name_span(&peer->name),
			       .session = serve->session,
			       .is_bulk = true};
	struct serve before = *serve;
	struct writer writer;
	uint32_t packs;
	enum err_code code;

	writer_init(&writer, sync->frame_bytes, SYNC_FRAME_SIZE_MAX);
	frame_write(&writer, &head);
	code = serve_fill(sync, serve, &writer, &packs, err);
	if (code == ERR_NOT_FOUND || range_is_damaged(sync, serve, code)) {
		range_refuse(sync, serve);
		*ret_sent = true;
		return ERR_OK;
	}
	if (code != ERR_OK)
		return code;
	ASSERT(packs > 0); /* the first one always fits */
	*ret_sent = sync_send(sync, &out,
			      (struct span){(const char *)sync->frame_bytes,
					    writer.size});
	if (!*ret_sent) {
		*serve = before; /* when there is room */
		return ERR_OK;
	}
	serve->heard_ms = sync->now.ms;
	rate_take(asker_of(sync, serve), writer.size);
	sync->counts.packs_served += packs;
	return ERR_OK;
}

static bool serve_may_send(struct sync *sync, const struct serve *serve)
{
	struct asker *asker;

	if (!serve->is_used || serve->count == 0 ||
	    !link_takes(sync, serve->link) ||
	    serve_credit(serve) < SYNC_FRAME_SIZE_MAX)
		return false;
	asker = asker_of(sync, serve);
	rate_fill(sync, asker);
	return asker->rate_left >= SYNC_FRAME_SIZE_MAX;
}

static void serves_tidy(struct sync *sync)
{
	for (uint32_t i = 0; i < sync->config.serves_max; i++) {
		const struct serve *serve = &sync->serves[i];

		if (serve->is_used &&
		    (sync->now.ms - serve->heard_ms >= SERVE_IDLE_MS ||
		     !link_is_up(sync, serve->link)))
			serve_end(sync, i);
	}
}

enum err_code serves_pump(struct sync *sync, struct err *err)
{
	uint32_t left = SERVE_FRAMES_STEP;
	uint32_t idle = 0;

	serves_tidy(sync);
	/* One frame each in turn, until nobody can be sent any. */
	while (left > 0 && idle < sync->config.serves_max) {
		struct serve *serve;
		bool is_sent = false;
		enum err_code code = ERR_OK;

		sync->serve_turn =
			(sync->serve_turn + 1) % sync->config.serves_max;
		serve = &sync->serves[sync->serve_turn];
		if (serve_may_send(sync, serve))
			code = serve_frame(sync, serve, &is_sent, err);
		if (code != ERR_OK)
			return code;
		idle = is_sent ? 0 : idle + 1;
		left -= is_sent ? 1 : 0;
	}
	return ERR_OK;
}
