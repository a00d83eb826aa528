#include "gateway/edge/envoy_look.h"

#include <string.h>

#include "store/closing.h"
#include "store/roster.h"

/* ---- what is stuck ---- */

/* Only who is not heard any more has signed for it. */
#define UNREACHABLE "unreachable"
/* What is here of it could not be read. */
#define DAMAGED "damaged"

/* Anybody can offer anything: so far as it is signed to exist. */
static uint64_t last_offered(const struct sync_feed_status *feed)
{
	return feed->offered < feed->signed_seq ? feed->offered
						: feed->signed_seq;
}

/* NULL: it goes on. */
static const char *why_stuck(const struct sync_feed_status *feed)
{
	if (feed->damaged_seq != 0)
		return DAMAGED;
	switch (feed->record.state) {
	case FEED_FORKED:
	case FEED_DESYNCHRONIZED:
		return feed_state_name(feed->record.state);
	case FEED_FENCED:
	case FEED_SEALED:
		return NULL;
	case FEED_WAITING_GAP:
	case FEED_CONTIGUOUS:
	case FEED_ADMITTED:
	case FEED_UNKNOWN:
		break;
	}
	if (feed->stuck_seq > feed->record.seq &&
	    feed->stuck != ADMISSION_FENCED)
		return admission_name(feed->stuck);
	if (feed->record.state == FEED_WAITING_GAP)
		return feed_state_name(FEED_WAITING_GAP);
	/* Somebody has more, and it does not come. */
	if (last_offered(feed) > feed->record.seq)
		return "missing";
	return feed->beyond_seq > feed->record.seq ? UNREACHABLE : NULL;
}

static bool feed_is(struct feed_id a, struct feed_id b)
{
	return a.site == b.site && a.epoch == b.epoch && a.branch == b.branch;
}

/* Whose pack was refused last, or who is asked now, or has signed for it. */
static struct name whose(const struct sync *sync,
			 const struct sync_feed_status *feed)
{
	struct sync_refusal refusal;

	for (size_t i = 0; sync_refusal_at(sync, i, &refusal); i++)
		if (feed_is(refusal.feed, feed->record.id))
			return refusal.peer;
	return feed->source.size > 0 ? feed->source : feed->signed_by;
}

static struct envoy_stuck stuck_of(const struct sync *sync,
				   const struct sync_feed_status *feed,
				   const char *why)
{
	struct envoy_stuck stuck = {
		.feed = feed->record.id,
		.first = feed->record.seq + 1,
		.last = last_offered(feed),
		.why = why,
		.from = whose(sync, feed),
		.since_ms = feed->stuck_since_ms,
	};

	if (strcmp(why, UNREACHABLE) == 0) {
		stuck.last = feed->beyond_seq;
		stuck.from = feed->beyond_by;
		stuck.since_ms = feed->beyond_ms;
	}
	if (strcmp(why, DAMAGED) == 0)
		return (struct envoy_stuck){.feed = feed->record.id,
					    .first = feed->damaged_seq,
					    .last = feed->damaged_seq,
					    .why = why,
					    .since_ms = feed->damaged_ms};
	if (stuck.last < stuck.first)
		stuck.last = stuck.first;
	if (stuck.last < feed->stuck_seq)
		stuck.last = feed->stuck_seq;
	return stuck;
}

size_t envoy_look_stuck(const struct sync *sync, const struct view *view,
			struct envoy_stuck stuck[ENVOY_STUCK_MAX])
{
	struct sync_feed_status feed;
	size_t count = 0;

	for (size_t i = 0; sync_feed_at(sync, i, &feed); i++) {
		const char *why = why_stuck(&feed);

		struct certificate site = {.epoch = 0};

		if (why == NULL)
			continue;
		/* A fork that HQ has answered with a new epoch is history. */
		if (roster_site(view, feed.record.id.site, &site, NULL) ==
			    ERR_OK &&
		    site.epoch > feed.record.id.epoch)
			continue;
		if (count < ENVOY_STUCK_MAX) {
			stuck[count] = stuck_of(sync, &feed, why);
			stuck[count].site = site.name;
		}
		count++;
	}
	return count;
}

/* ---- what HQ has ---- */

/* As the view has it: the engine hears of a delta a moment later. */
static enum err_code own_find(const struct sync *sync, const struct view *view,
			      struct feed_record *ret_own, struct err *err)
{
	struct sync_feed_status feed;
	struct feed_id id = {0};

	/* By epoch: the last one is what the journal goes into. */
	for (size_t i = 0; sync_feed_at(sync, i, &feed); i++)
		if (feed.record.is_own)
			id = feed.record.id;
	return feed_get(view, id, ret_own, err);
}

enum err_code envoy_look_end(const struct sync *sync, const struct view *view,
			     struct envoy_end *ret_end, struct err *err)
{
	struct feed_record own = {.seq = 0};
	struct closing closing;
	struct fence fence;
	enum err_code code = own_find(sync, view, &own, err);

	*ret_end = (struct envoy_end){.is_ended = false};
	if (code == ERR_OK)
		code = roster_fence(view, own.id, &fence, err);
	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	code = closing_get(view, &closing, err);
	if (code != ERR_NOT_FOUND)
		return code;
	*ret_end = (struct envoy_end){true, own.id.epoch, fence.seq,
				      fence.verdict};
	return ERR_OK;
}

static enum err_code delta_size(const struct view *view, struct feed_id id,
				uint64_t seq, uint64_t *ret_size,
				struct err *err)
{
	struct delta delta;
	enum err_code code = feed_delta(view, id, seq, &delta, err);

	*ret_size = 0;
	if (code == ERR_OK)
		*ret_size = delta.rows.size + SIGNATURE_SIZE;
	return code == ERR_NOT_FOUND ? ERR_OK : code; /* pruned */
}

/* Moves both ends to where they are now. */
static enum err_code bytes_sum(struct envoy_backlog *backlog,
			       const struct view *view,
			       const struct feed_record *own, uint64_t acked,
			       struct err *err)
{
	enum err_code code = ERR_OK;
	uint64_t size;

	if (!feed_is(backlog->feed, own->id) || backlog->from > acked ||
	    backlog->to > own->seq || backlog->to < acked)
		*backlog = (struct envoy_backlog){backlog->site, own->id, acked,
						  acked, 0};
	for (uint32_t i = 0; i < ENVOY_BACKLOG_LOOK && code == ERR_OK; i++) {
		bool is_behind = backlog->from < acked;

		if (!is_behind && backlog->to == own->seq)
			return ERR_OK;
		code = delta_size(view, own->id,
				  is_behind ? backlog->from + 1
					    : backlog->to + 1,
				  &size, err);
		if (code != ERR_OK)
			return code;
		if (is_behind) {
			backlog->from++;
			backlog->bytes -=
				size < backlog->bytes ? size : backlog->bytes;
		} else {
			backlog->to++;
			backlog->bytes += size;
		}
	}
	return code;
}

/* The stamp of a delta, if its writer's clock was trusted. */
static enum err_code stamp_at(const struct view *view, struct feed_id id,
			      uint64_t seq, struct moment *ret_moment,
			      bool *ret_is_trusted, struct err *err)
{
	struct delta delta;
	enum err_code code = feed_delta(view, id, seq, &delta, err);

	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	*ret_moment = stamp_moment(delta.header.stamp);
	*ret_is_trusted = (delta.header.flags & DELTA_CLOCK_TRUSTED) != 0;
	return ERR_OK;
}

static enum err_code entries_set(const struct view *view,
				 const struct feed_record *own,
				 struct envoy_hq *hq, struct err *err)
{
	struct delta delta;
	enum err_code code;

	hq->entries += own->number;
	if (hq->seq == 0)
		return ERR_OK;
	code = feed_delta(view, own->id, hq->seq, &delta, err);
	if (code == ERR_OK)
		hq->entries -= delta.header.first + delta.header.row_count - 1;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code envoy_look_hq(struct envoy_backlog *backlog,
			    const struct sync *sync, const struct view *view,
			    struct envoy_hq *ret_hq, struct err *err)
{
	struct envoy_hq hq = {.is_known = false};
	struct feed_record own = {.seq = 0};
	enum err_code code =
		feed_unsealed(view, backlog->site, &hq.entries, err);

	if (code == ERR_OK)
		code = own_find(sync, view, &own, err);
	if (code == ERR_NOT_FOUND) {
		*ret_hq = hq;
		return ERR_OK; /* nothing is sealed yet */
	}
	if (code != ERR_OK)
		return code;
	hq.seq = sync_acked(sync, SITE_FIRST, own.id);
	hq.is_known = hq.seq > 0;
	hq.deltas = own.seq > hq.seq ? own.seq - hq.seq : 0;
	if (hq.seq > 0)
		code = stamp_at(view, own.id, hq.seq, &hq.as_of, &hq.has_as_of,
				err);
	if (code == ERR_OK && hq.deltas > 0)
		code = stamp_at(view, own.id, hq.seq + 1, &hq.oldest,
				&hq.has_oldest, err);
	if (code == ERR_OK && hq.deltas > 0)
		code = entries_set(view, &own, &hq, err);
	if (code == ERR_OK && hq.deltas > 0)
		code = bytes_sum(backlog, view, &own, hq.seq, err);
	if (code != ERR_OK)
		return code;
	hq.bytes = hq.deltas > 0 ? backlog->bytes : 0;
	*ret_hq = hq;
	return ERR_OK;
}
