#include <string.h>

#include "gateway/sync/sync_parts.h"
#include "store/roster.h"

/* The first place in the order at or after @id. */
static uint32_t order_place(const struct sync *sync, struct feed_id id)
{
	uint32_t low = 0;
	uint32_t high = sync->feed_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct feed_row *row =
			&sync->feeds[sync->feed_order[middle]];

		if (feed_id_compare(row->record.id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t feed_find(const struct sync *sync, struct feed_id id)
{
	uint32_t place = order_place(sync, id);
	uint32_t feed;

	if (place == sync->feed_count)
		return NONE;
	feed = sync->feed_order[place];
	return feed_id_compare(sync->feeds[feed].record.id, id) == 0 ? feed
								     : NONE;
}

/* Somebody offers it in the session @pull, or is to send it. */
static bool pull_needs(const struct sync *sync, uint32_t pull, uint32_t feed)
{
	const struct pull *which = &sync->pulls[pull];
	const struct acked *of;

	if (which->state == PULL_FREE)
		return false;
	of = &sync->peers[which->peer].feeds[feed];
	return of->offer != 0 || of->awaited != 0;
}

static bool feed_is_offered(const struct sync *sync, uint32_t feed)
{
	if (sync->feeds[feed].source != NONE)
		return true;
	for (uint32_t i = 0; i < sync->config.pulls_max; i++) {
		if (pull_needs(sync, i, feed))
			return true;
	}
	return false;
}

/* Nothing is here of it. */
static bool feed_is_bare(const struct sync *sync, uint32_t feed)
{
	if (sync->feeds[feed].is_here)
		return false;
	for (uint32_t i = 0; i < sync->config.waiting_max; i++) {
		if (sync->slots[i].state != SLOT_FREE &&
		    sync->slots[i].feed == feed)
			return false;
	}
	for (uint32_t i = 0; i < sync->config.pulls_max; i++) {
		if (sync->pulls[i].search.feed == feed)
			return false;
	}
	return true;
}

static void feed_forget(struct sync *sync, uint32_t place)
{
	uint32_t feed = sync->feed_order[place];

	/* What it was offered is not to be taken for fetched. */
	for (uint32_t i = 0; i < sync->config.pulls_max; i++) {
		if (pull_needs(sync, i, feed))
			sync->pulls[i].is_short = true;
	}
	sync->feeds[feed].is_used = false;
	sync->feed_count--;
	memmove(&sync->feed_order[place], &sync->feed_order[place + 1],
		(sync->feed_count - place) * sizeof(sync->feed_order[0]));
	for (uint32_t i = 0; i < sync->config.peers_max; i++)
		sync->peers[i].feeds[feed] = (struct acked){0};
}

/* A feed that the store does not know makes way: somebody only spoke of it. If
 * @is_here, for one that it knows, so does one that is offered. */
static bool feed_make_room(struct sync *sync, bool is_here)
{
	uint32_t offered = NONE;

	for (uint32_t place = sync->feed_count; place-- > 0;) {
		uint32_t feed = sync->feed_order[place];

		if (!feed_is_bare(sync, feed))
			continue;
		if (!feed_is_offered(sync, feed)) {
			feed_forget(sync, place);
			return true;
		}
		offered = offered == NONE ? place : offered;
	}
	if (!is_here || offered == NONE)
		return false;
	feed_forget(sync, offered);
	return true;
}

static uint32_t free_row(const struct sync *sync)
{
	uint32_t feed = 0;

	while (sync->feeds[feed].is_used)
		feed++;
	return feed;
}

static uint32_t row_make(struct sync *sync, struct feed_id id, bool is_here)
{
	uint32_t feed = feed_find(sync, id);
	uint32_t place;

	if (feed != NONE)
		return feed;
	if (sync->feed_count == sync->config.feeds_max &&
	    !feed_make_room(sync, is_here))
		return NONE;
	feed = free_row(sync);
	sync->feeds[feed] = (struct feed_row){.is_used = true, .source = NONE};
	sync->feeds[feed].record.id = id;
	sync->feeds[feed].record.state = FEED_UNKNOWN;
	place = order_place(sync, id);
	memmove(&sync->feed_order[place + 1], &sync->feed_order[place],
		(sync->feed_count - place) * sizeof(sync->feed_order[0]));
	sync->feed_order[place] = feed;
	sync->feed_count++;
	return feed;
}

uint32_t feed_row_of(struct sync *sync, struct feed_id id)
{
	uint32_t feed = row_make(sync, id, false);

	if (feed == NONE)
		sync->counts.feeds_no_room++;
	return feed;
}

/* Of a copy of this box the branch is a feed like any other; what both share
 * stays ours, and so does a life that has just begun. What HQ said in an epoch
 * that the root has ended is nobody's. */
bool feed_is_own(const struct sync *sync, const struct feed_row *row)
{
	struct feed_id id = row->record.id;

	if (sync->self.recover ||
	    (sync->self.is_behind && id.site < SITE_FIRST))
		return false;
	if (id.site == sync->config.site && id.epoch != sync->self.epoch)
		return false;
	if (row->is_here && row->record.is_own)
		return id.site >= SITE_FIRST ||
		       row->record.state != FEED_FENCED;
	return id.site == sync->config.site && id.branch == 0;
}

/* After a fork it is the branch that goes on here. */
uint32_t feed_own(const struct sync *sync)
{
	uint32_t own = NONE;

	for (uint32_t i = 0; i < sync->feed_count; i++) {
		uint32_t feed = sync->feed_order[i];
		const struct feed_record *record = &sync->feeds[feed].record;

		if (record->id.site == sync->config.site &&
		    record->id.epoch == sync->self.epoch &&
		    sync->feeds[feed].is_here && record->is_own)
			own = feed;
	}
	return own;
}

/* The proof may be here long before what the branches share. */
bool feed_is_split(const struct sync *sync, const struct feed_row *row)
{
	const struct feed_record *whole = &row->record;

	if (!row->is_here || whole->state != FEED_FORKED ||
	    whole->id.branch != 0)
		return false;
	for (uint32_t i = 0; i < sync->feed_count; i++) {
		const struct feed_record *other = &sync->feeds[i].record;

		if (sync->feeds[i].is_here && other->id.branch != 0 &&
		    other->id.site == whole->id.site &&
		    other->id.epoch == whole->id.epoch && other->parent == 0 &&
		    other->base == whole->seq)
			return true;
	}
	return false;
}

/* ---- reading the store ---- */

static void record_take(struct sync *sync, struct feed_row *row,
			const struct feed_record *record)
{
	bool was_here = row->is_here;

	if (!was_here || record->seq != row->record.seq ||
	    memcmp(record->hash, row->record.hash, HASH_SIZE) != 0)
		row->changed = sync->past_count + 1;
	if (record->state == FEED_FORKED &&
	    (!was_here || row->record.state != FEED_FORKED))
		sync->is_alarm_due = true;
	if ((was_here && record->seq > row->record.seq) ||
	    record->seq >= row->stuck_seq)
		row->stuck_seq = 0;
	if (row->damaged_seq == row->record.seq &&
	    record->seq > row->record.seq)
		row->damaged_seq = 0;
	row->record = *record;
	row->is_here = true;
	row->is_mark = true;
	if (row->offered < record->seq)
		row->offered = record->seq;
}

/* A word of HQ's that is not to leave yet. */
static bool is_held(const struct sync *sync, const struct feed_record *record)
{
	return sync->config.holds_words && record->is_own &&
	       record->id.site < SITE_FIRST;
}

/* Else a peer that has heard all it was told of would take the rest for
 * known. */
static void held_as(void *context, struct feed_record *record)
{
	const struct sync *sync = context;
	uint32_t feed;

	if (!is_held(sync, record))
		return;
	feed = feed_find(sync, record->id);
	if (feed != NONE && sync->feeds[feed].is_here)
		*record = sync->feeds[feed].record;
	else
		record->seq = record->base;
}

static enum err_code feed_visit(void *context, const struct feed_record *record,
				struct err *err)
{
	struct sync *sync = context;
	uint32_t feed;

	(void)err;
	if (is_held(sync, record)) {
		feed = feed_find(sync, record->id);
		if (feed != NONE)
			sync->feeds[feed].is_mark = sync->feeds[feed].is_here;
		return ERR_OK;
	}
	feed = row_make(sync, record->id, true);
	if (feed == NONE)
		sync->counts.feeds_left_out++;
	else
		record_take(sync, &sync->feeds[feed], record);
	return ERR_OK;
}

/* What was refused for want of a certificate may be welcome now. */
static enum err_code control_read(struct sync *sync, struct err *err)
{
	struct pos control = {0};
	enum err_code code = feed_control(sync->view, &control, err);

	if (code == ERR_NOT_FOUND)
		code = ERR_OK;
	if (code != ERR_OK || control.value == sync->control.value)
		return code;
	code = peers_judge(sync, err);
	if (code != ERR_OK)
		return code;
	sync->control = control;
	sync->control_ms = sync->now.ms + 1;
	for (uint32_t i = 0; i < sync->feed_count; i++)
		sync->feeds[sync->feed_order[i]].blocked_until_ms = 0;
	for (uint32_t i = 0; i < sync->peer_count; i++)
		sync->peers[sync->peer_order[i]].quiet_ms = QUIET_MS_MIN;
	pull_want_all(sync, sync->now.ms + HELLO_SPACING_MS);
	return ERR_OK;
}

enum err_code feeds_read(struct sync *sync, struct err *err)
{
	const struct feed_telling telling = {held_as, sync};
	enum err_code code;

	sync->counts.feeds_left_out = 0;
	for (uint32_t i = 0; i < sync->feed_count; i++)
		sync->feeds[sync->feed_order[i]].is_mark = false;
	code = feed_walk(sync->view, NULL, feed_visit, sync, err);
	if (code != ERR_OK)
		return code;
	for (uint32_t i = 0; i < sync->feed_count; i++) {
		struct feed_row *row = &sync->feeds[sync->feed_order[i]];

		row->is_here = row->is_mark;
	}
	code = feed_vector_digest_as(sync->view, sync->config.net_id, &telling,
				     sync->digest, err);
	if (code != ERR_OK)
		return code;
	sync->is_grown = false;
	return control_read(sync, err);
}

/* ---- positions ---- */

/* How far the packs bring @reach, news only if @with_news; it is the same when
 * none does. */
static uint64_t reach_once(const struct sync *sync, uint32_t feed,
			   uint64_t reach, bool with_news)
{
	for (uint32_t i = 0; i < sync->config.waiting_max; i++) {
		const struct slot *slot = &sync->slots[i];
		uint64_t last = slot->pack.first_seq + slot->pack.count - 1;

		if (slot->state != SLOT_FREE && slot->feed == feed &&
		    (with_news || slot->session != 0) &&
		    slot->pack.first_seq <= reach + 1 && last > reach)
			reach = last;
	}
	return reach;
}

static uint64_t reach_of(const struct sync *sync, uint32_t feed, bool with_news)
{
	uint64_t reach = sync->feeds[feed].record.seq;
	uint64_t next = reach_once(sync, feed, reach, with_news);

	while (next != reach) {
		reach = next;
		next = reach_once(sync, feed, reach, with_news);
	}
	return reach;
}

uint64_t feed_reach(const struct sync *sync, uint32_t feed)
{
	return reach_of(sync, feed, true);
}

uint64_t feed_fetched(const struct sync *sync, uint32_t feed)
{
	return reach_of(sync, feed, false);
}

enum err_code feed_hash_start(struct sync *sync, uint32_t feed, uint64_t seq,
			      uint64_t *ret_start, struct err *err)
{
	const struct feed_record *record = &sync->feeds[feed].record;
	uint8_t hash[HASH_SIZE];
	enum err_code code;

	if (!sync->feeds[feed].is_here || seq > record->seq)
		return ERR_NOT_FOUND;
	if (seq == record->seq) {
		*ret_start = frame_hash_start(record->hash);
		return ERR_OK;
	}
	code = feed_hash_at(sync->view, record->id, seq, hash, err);
	if (code == ERR_OK)
		*ret_start = frame_hash_start(hash);
	return code;
}

bool feed_is_blocked(const struct sync *sync, const struct feed_row *row)
{
	return row->blocked_until_ms > sync->now.ms;
}

bool feed_is_damaged(struct sync *sync, uint32_t feed, uint64_t seq,
		     enum err_code code)
{
	struct feed_row *row = &sync->feeds[feed];

	if (code != ERR_CORRUPT && code != ERR_IO)
		return false;
	if (row->damaged_seq != seq)
		row->damaged_ms = sync->now.ms;
	row->damaged_seq = seq;
	sync->counts.reads_failed++;
	return true;
}

void feed_pause(struct sync *sync, uint32_t feed)
{
	sync->feeds[feed].blocked_until_ms = sync->now.ms + BLOCKED_MS;
}
