#include "gateway/edge/envoy_refused.h"

#include <inttypes.h>

#include "store/roster.h"

size_t envoy_look_refused(const struct sync *sync, const struct view *view,
			  struct envoy_refusal refused[ENVOY_REFUSALS_MAX])
{
	size_t count = 0;

	while (count < ENVOY_REFUSALS_MAX &&
	       sync_refusal_at(sync, count, &refused[count].what)) {
		struct certificate site = {.epoch = 0};

		refused[count].site = (struct name){.size = 0};
		if (roster_site(view, refused[count].what.feed.site, &site,
				NULL) == ERR_OK)
			refused[count].site = site.name;
		count++;
	}
	return count;
}

void envoy_frames_refused(const struct sync_counts *counts,
			  struct envoy_frames ret_frames[ENVOY_FRAMES])
{
	const struct envoy_frames frames[ENVOY_FRAMES] = {
		{"garbled", counts->frames_garbled},
		{"newer", counts->frames_newer},
		{"foreign", counts->frames_foreign},
		{"unasked", counts->frames_unasked},
		{"head_forged", counts->heads_forged},
		{"ack_forged", counts->acks_forged},
		{"proof_forged", counts->proofs_forged},
	};

	for (size_t i = 0; i < ENVOY_FRAMES; i++)
		ret_frames[i] = frames[i];
}

/* ---- the log ---- */

/* What honest boxes send, too: late answers to what was asked, deltas that come
 * before HQ's word of them or after its last. */
static enum log_level level_of(enum admission reason)
{
	return reason == ADMISSION_STRANGER || reason == ADMISSION_FENCED
		       ? LEVEL_INFO
		       : LEVEL_WARNING;
}

static bool is_quiet(const struct envoy_said_row *row, uint64_t ms)
{
	return row->is_used && ms - row->ms < ENVOY_SAID_MS;
}

/* Whether @row may be said, which then it is. */
static bool row_take(struct envoy_said_row *row,
		     const struct envoy_said_row *like)
{
	if (is_quiet(row, like->ms))
		return false;
	*row = *like;
	return true;
}

bool envoy_said_take(struct envoy_said *said, uint32_t site,
		     enum admission reason, uint64_t ms)
{
	struct envoy_said_row like = {true, site, reason, ms};
	struct envoy_said_row *room = NULL;

	for (size_t i = 0; i < ENVOY_SAID_MAX; i++) {
		struct envoy_said_row *row = &said->rows[i];

		if (row->is_used && row->site == site && row->reason == reason)
			return row_take(row, &like);
		if (room == NULL && !is_quiet(row, ms))
			room = row;
	}
	return room != NULL && row_take(room, &like);
}

static void pack_say(struct envoy_said *said,
		     const struct sync_refusal *refusal, uint64_t ms,
		     struct log *log)
{
	struct log_line line;

	/* The rest of what lies behind a gap is asked for: nothing is wrong. */
	if (refusal->reason == ADMISSION_GAP ||
	    !envoy_said_take(said, refusal->feed.site, refusal->reason, ms))
		return;
	log_begin(&line, level_of(refusal->reason), "delta_refused",
		  "a delta from %.*s was refused (%s); more of this site and "
		  "reason are counted: depot peers",
		  (int)refusal->peer.size, refusal->peer.data,
		  admission_name(refusal->reason));
	log_add_number(&line, "site", refusal->feed.site);
	log_add_number(&line, "feed_epoch", refusal->feed.epoch);
	log_add_number(&line, "seq", (int64_t)refusal->seq);
	log_submit(log, &line);
}

static void packs_say(struct envoy_said *said, const struct sync *sync,
		      const struct sync_counts *counts, uint64_t ms,
		      struct log *log)
{
	struct sync_refusal refusal;
	uint64_t count = 0;
	uint64_t news;

	for (size_t i = 0; i < ARRAY_LEN(counts->refused); i++)
		count += counts->refused[i];
	news = count - said->packs;
	said->packs = count;
	for (uint64_t i = news < SYNC_REFUSALS_MAX ? news : SYNC_REFUSALS_MAX;
	     i > 0; i--)
		if (sync_refusal_at(sync, i - 1, &refusal))
			pack_say(said, &refusal, ms, log);
}

/* An answer that came too late is nobody's fault. */
static bool is_fault(const struct envoy_frames *frames)
{
	return !span_is(span_of(frames->reason), "unasked");
}

static void frames_say(struct envoy_said *said,
		       const struct sync_counts *counts, uint64_t ms,
		       struct log *log)
{
	struct envoy_frames frames[ENVOY_FRAMES];
	struct envoy_said_row like = {.is_used = true, .ms = ms};

	envoy_frames_refused(counts, frames);
	for (size_t i = 0; i < ENVOY_FRAMES; i++) {
		bool has_more = frames[i].count > said->frames[i];

		said->frames[i] = frames[i].count;
		if (has_more && is_fault(&frames[i]) &&
		    row_take(&said->frame_rows[i], &like))
			log_event(log, LEVEL_WARNING, "frame_refused",
				  "frames that peers sent were refused (%s), "
				  "%" PRIu64 " since the start; more of this "
				  "reason are counted: depot peers",
				  frames[i].reason, frames[i].count);
	}
}

void envoy_say_refused(struct envoy_said *said, const struct sync *sync,
		       uint64_t ms, struct log *log)
{
	struct sync_counts counts;

	sync_counts(sync, &counts);
	packs_say(said, sync, &counts, ms, log);
	frames_say(said, &counts, ms, log);
}
