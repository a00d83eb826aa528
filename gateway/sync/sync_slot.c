#include <string.h>

#include "gateway/sync/follow.h"
#include "gateway/sync/sync_parts.h"

/* Of a ticket the lower bits are the slot's index, the rest its generation. */
#define TICKET_SHIFT 10
_Static_assert(SYNC_WAITING_MAX <= 1 << TICKET_SHIFT, "fits a ticket");

uint64_t slot_cost(size_t size)
{
	return size < COST_MIN ? COST_MIN : size;
}

void refusal_note(struct sync *sync, enum admission reason, struct feed_id feed,
		  uint64_t seq, uint32_t peer)
{
	struct sync_refusal *refusal =
		&sync->refusals[sync->refusal_count % SYNC_REFUSALS_MAX];

	*refusal = (struct sync_refusal){.reason = reason,
					 .feed = feed,
					 .seq = seq,
					 .peer = sync->peers[peer].name,
					 .ms = sync->now.ms};
	sync->refusal_count++;
	sync->counts.refused[reason]++;
}

static void slot_free(struct sync *sync, struct slot *slot)
{
	ASSERT(slot->state != SLOT_FREE);
	slot->state = SLOT_FREE;
	slot->generation++;
	sync->free_slots[sync->free_count++] = (uint32_t)(slot - sync->slots);
	sync->counts.waiting--;
	if (slot->session != 0)
		pull_freed(sync, slot->session, slot_cost(slot->size));
	else
		sync->news_held--;
}

/* It may never be read, and who sent it is asked anyway. */
static void news_evict(struct sync *sync)
{
	struct slot *oldest = NULL;

	for (uint32_t i = 0; i < sync->config.waiting_max; i++) {
		struct slot *slot = &sync->slots[i];

		if (slot->state == SLOT_WAITING && slot->session == 0 &&
		    (oldest == NULL || slot->order < oldest->order) &&
		    slot->pack.first_seq > feed_reach(sync, slot->feed) + 1)
			oldest = slot;
	}
	if (oldest != NULL)
		slot_free(sync, oldest);
}

uint32_t slot_take(struct sync *sync, const struct slot *like,
		   struct span bytes)
{
	uint32_t at;
	struct slot *slot;

	ASSERT(bytes.size <= SYNC_FRAME_SIZE_MAX);
	if (like->session == 0 && sync->news_held >= sync->reserve)
		news_evict(sync);
	/* What was granted to sessions has its place, whatever comes as news.
	 */
	if (sync->free_count == 0 ||
	    (like->session == 0 && sync->news_held >= sync->reserve)) {
		sync->counts.waiting_full++;
		return NONE;
	}
	at = sync->free_slots[--sync->free_count];
	slot = &sync->slots[at];
	slot->state = SLOT_WAITING;
	slot->feed = like->feed;
	slot->peer = like->peer;
	slot->session = like->session;
	slot->pack = like->pack;
	slot->size = bytes.size;
	slot->order = sync->order++;
	slot->since_ms = sync->now.ms;
	memcpy(slot->bytes, bytes.data, bytes.size);
	sync->counts.waiting++;
	sync->news_held += like->session == 0 ? 1 : 0;
	if (sync->counts.waiting > sync->counts.waiting_peak)
		sync->counts.waiting_peak = sync->counts.waiting;
	return at;
}

void slots_drop(struct sync *sync, uint32_t feed, uint32_t session)
{
	for (uint32_t i = 0; i < sync->config.waiting_max; i++) {
		struct slot *slot = &sync->slots[i];

		if (slot->state == SLOT_WAITING && slot->feed == feed &&
		    slot->session == session)
			slot_free(sync, slot);
	}
}

bool slots_hold(const struct sync *sync, uint32_t session)
{
	for (uint32_t i = 0; i < sync->config.waiting_max; i++) {
		if (sync->slots[i].state != SLOT_FREE &&
		    sync->slots[i].session == session)
			return true;
	}
	return false;
}

/* ---- to the caller ---- */

static bool feed_is_out(const struct sync *sync, uint32_t feed)
{
	for (uint32_t i = 0; i < sync->config.waiting_max; i++) {
		if (sync->slots[i].state == SLOT_OUT &&
		    sync->slots[i].feed == feed)
			return true;
	}
	return false;
}

static bool slot_is_ready(const struct sync *sync, const struct slot *slot)
{
	return slot->state == SLOT_WAITING &&
	       slot->pack.first_seq <= sync->feeds[slot->feed].record.seq + 1 &&
	       !feed_is_out(sync, slot->feed);
}

/* Control goes before master data, news before backlog, then as they came. */
static uint32_t slot_rank(const struct slot *slot)
{
	if (slot->pack.feed.site == SITE_CONTROL)
		return 0;
	if (slot->pack.feed.site == SITE_MASTER)
		return 1;
	return slot->session == 0 ? 2 : 3;
}

static struct slot *slot_next(struct sync *sync)
{
	struct slot *best = NULL;

	for (uint32_t i = 0; i < sync->config.waiting_max; i++) {
		struct slot *slot = &sync->slots[i];

		if (!slot_is_ready(sync, slot))
			continue;
		if (best == NULL || slot_rank(slot) < slot_rank(best) ||
		    (slot_rank(slot) == slot_rank(best) &&
		     slot->order < best->order))
			best = slot;
	}
	return best;
}

static enum err_code slot_offer(struct sync *sync, struct slot *slot,
				bool *ret_taken, struct err *err)
{
	struct sync_admit admit = {
		.ticket = slot->generation << TICKET_SHIFT |
			  (uint32_t)(slot - sync->slots),
		.peer = name_span(&sync->peers[slot->peer].name),
		.pack = slot->pack,
		.bytes = {(const char *)slot->bytes, slot->size},
		.is_news = slot->session == 0,
	};
	enum err_code code =
		follow_start(sync->view, sync->config.net_id, slot->pack.feed,
			     slot->pack.first_seq, &admit.start, err);

	if (code != ERR_OK)
		return code;
	*ret_taken = sync->port.admit(sync->port.context, &admit);
	if (*ret_taken)
		slot->state = SLOT_OUT;
	return ERR_OK;
}

/* What is here meanwhile, or has waited too long beyond a gap. */
static void slots_tidy(struct sync *sync)
{
	for (uint32_t i = 0; i < sync->config.waiting_max; i++) {
		struct slot *slot = &sync->slots[i];
		uint64_t last = slot->pack.first_seq + slot->pack.count - 1;
		uint64_t here;

		if (slot->state != SLOT_WAITING)
			continue;
		here = sync->feeds[slot->feed].record.seq;
		if (last <= here ||
		    (slot->pack.first_seq > here + 1 &&
		     sync->now.ms - slot->since_ms >= PENDING_MS))
			slot_free(sync, slot);
	}
}

/* What it would follow is damaged here: all of the feed that waits comes again
 * later, and what waits behind it goes on. */
static void slot_pause(struct sync *sync, struct slot *slot)
{
	uint32_t feed = slot->feed;
	uint32_t session = slot->session;

	slot_free(sync, slot);
	slots_drop(sync, feed, session);
	if (session != 0)
		pull_spoiled(sync, session, feed);
	feed_pause(sync, feed);
}

enum err_code slots_pump(struct sync *sync, struct err *err)
{
	struct slot *slot;
	bool is_taken = true;

	slots_tidy(sync);
	while (is_taken && (slot = slot_next(sync)) != NULL) {
		enum err_code code = slot_offer(sync, slot, &is_taken, err);

		/* It follows a delta whose body is gone: old news. */
		if (code == ERR_NOT_FOUND)
			slot_free(sync, slot);
		else if (feed_is_damaged(sync, slot->feed,
					 slot->pack.first_seq - 1, code))
			slot_pause(sync, slot);
		else if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}

/* ---- from the caller ---- */

static struct slot *slot_of_ticket(struct sync *sync, uint32_t ticket)
{
	uint32_t at = ticket & ((1u << TICKET_SHIFT) - 1);
	struct slot *slot;

	if (at >= sync->config.waiting_max)
		return NULL;
	slot = &sync->slots[at];
	if (slot->state != SLOT_OUT ||
	    (uint32_t)(slot->generation << TICKET_SHIFT) !=
		    (ticket & ~((1u << TICKET_SHIFT) - 1)))
		return NULL;
	return slot;
}

static void feed_stuck(struct sync *sync, struct feed_row *row,
		       const struct sync_result *result)
{
	if (row->stuck_seq != result->refused_seq)
		row->stuck_since_ms = sync->now.ms;
	row->stuck_seq = result->refused_seq;
	row->stuck = result->refused;
}

/* News that does not join: a session will show why. */
static void peer_ask(struct sync *sync, uint32_t peer)
{
	struct peer *whom = &sync->peers[peer];

	whom->has_more = true;
	pull_want(sync, peer,
		  whom->pull_end_ms + SYNC_HEAD_MS_MIN > sync->now.ms
			  ? whom->pull_end_ms + SYNC_HEAD_MS_MIN
			  : sync->now.ms);
}

/* One peer sent it while control, which may know it, came from another one:
 * then it is asked for again soon. */
static void stranger_block(struct sync *sync, struct feed_row *row,
			   uint32_t peer)
{
	bool is_news = sync->control_ms != 0 &&
		       sync->now.ms + 1 - sync->control_ms < BLOCKED_MS;

	row->blocked_until_ms =
		sync->now.ms + (is_news ? SYNC_HELLO_MS : BLOCKED_MS);
	if (is_news)
		peer_ask(sync, peer);
}

/* What a refusal means for the feed and for who sent it. */
static enum err_code slot_refused(struct sync *sync, const struct slot *slot,
				  const struct sync_result *result,
				  struct err *err)
{
	struct feed_row *row = &sync->feeds[slot->feed];
	uint32_t pull = pull_of_session(sync, slot->session);

	refusal_note(sync, result->refused, slot->pack.feed,
		     result->refused_seq, slot->peer);
	switch (result->refused) {
	case ADMISSION_STRANGER:
		stranger_block(sync, row, slot->peer);
		break;
	case ADMISSION_FENCED:
		row->blocked_until_ms = sync->now.ms + BLOCKED_MS;
		break;
	case ADMISSION_FORK:
		if (result->delta != NULL)
			return fork_found(sync, slot->feed, slot->peer,
					  result->delta, err);
		break;
	case ADMISSION_BROKEN:
	case ADMISSION_FORGED:
	case ADMISSION_GARBLED:
		/* It may be honest, and its feed another than ours from some
		 * position on. */
		fork_suspect(sync, pull, slot->feed, row->record.seq);
		if (pull == NONE)
			peer_ask(sync, slot->peer);
		break;
	case ADMISSION_APPLIED:
	case ADMISSION_DUPLICATE:
	case ADMISSION_GAP:
		break;
	}
	feed_stuck(sync, row, result);
	return ERR_OK;
}

/* It says nothing of other news of the feed: each is judged by itself. */
static bool is_of_sender(enum admission refused)
{
	return refused == ADMISSION_BROKEN || refused == ADMISSION_FORGED ||
	       refused == ADMISSION_GARBLED;
}

static bool has_more(const struct sync *sync, const struct slot *slot)
{
	uint64_t here = sync->feeds[slot->feed].record.seq;

	return here >= slot->pack.first_seq &&
	       here < slot->pack.first_seq + slot->pack.count - 1;
}

void slot_again(struct sync *sync, uint32_t ticket)
{
	struct slot *slot = slot_of_ticket(sync, ticket);

	if (slot != NULL)
		slot->state = SLOT_WAITING;
}

enum err_code slot_on_result(struct sync *sync,
			     const struct sync_result *result, struct err *err)
{
	struct slot *slot = slot_of_ticket(sync, result->ticket);
	enum err_code code = ERR_OK;
	uint32_t session;
	uint32_t feed;

	if (slot == NULL)
		return ERR_OK;
	if (result->is_unreadable) {
		(void)feed_is_damaged(sync, slot->feed,
				      sync->feeds[slot->feed].record.seq,
				      ERR_CORRUPT);
		slot_pause(sync, slot);
		return ERR_OK;
	}
	if (!result->is_committed) {
		slot->state = SLOT_WAITING;
		return ERR_OK;
	}
	session = slot->session;
	feed = slot->feed;
	/* Some of it went in; the rest had to wait for that. */
	if (result->refused == ADMISSION_APPLIED && has_more(sync, slot)) {
		slot->state = SLOT_WAITING;
		return ERR_OK;
	}
	if (result->refused == ADMISSION_APPLIED && session == 0)
		sync->peers[slot->peer].has_news = true;
	if (result->refused == ADMISSION_APPLIED)
		sync->counts.packs_admitted++;
	else
		code = slot_refused(sync, slot, result, err);
	slot_free(sync, slot);
	if (result->refused != ADMISSION_APPLIED) {
		if (session != 0 || !is_of_sender(result->refused))
			slots_drop(sync, feed, session);
		if (session != 0)
			pull_spoiled(sync, session, feed);
	}
	return code;
}
