/*
 * Sealing: the journal's entries, and what HQ says, become signed deltas.
 */
#include <inttypes.h>
#include <string.h>

#include "store/feed_parts.h"
#include "store/heir.h"
#include "store/journal.h"
#include "store/roster.h"
#include "store/site.h"

/* ---- what is not sealed yet ---- */

/* An epoch of the journal, and how much of it is in deltas. */
struct stretch {
	struct pos end;           /* of the epoch's last entry */
	struct feed_record feed;  /* this box's */
	struct founding founding; /* of the epoch */
	bool is_succession; /* it goes on from a parent that is given up */
};

static enum err_code own_note(void *context, const struct feed_record *feed,
			      struct err *err)
{
	struct feed_record *own = context;

	(void)err;
	/* Past a fork of our own feed, this box's branch is the longest. */
	if (feed->is_own && feed->seq >= own->seq)
		*own = *feed;
	return ERR_OK;
}

static enum err_code own_feed(const struct view *view, uint32_t site,
			      uint32_t epoch, struct feed_record *ret_feed,
			      struct err *err)
{
	struct feed_id id = {site, epoch, 0};

	*ret_feed = feed_fresh(id);
	ret_feed->is_own = true;
	return feed_walk_epoch(view, site, epoch, own_note, ret_feed, err);
}

static enum err_code stretch_load(const struct view *view, uint32_t site,
				  struct pos end, struct stretch *stretch,
				  struct err *err)
{
	uint32_t epoch = pos_epoch(end);
	struct entry entry;
	enum err_code code =
		journal_read(view, pos_make(epoch, 1), &entry, err);

	if (code == ERR_NOT_FOUND ||
	    (code == ERR_OK && entry.kind != ENTRY_FOUNDING))
		return err_set(err, ERR_CORRUPT,
			       "epoch %" PRIu32
			       " does not begin with its founding",
			       epoch);
	if (code != ERR_OK)
		return code;
	stretch->end = end;
	stretch->founding = entry.body.founding;
	stretch->is_succession = false;
	if (pos_number(end) > 1) {
		code = journal_read(view, pos_make(epoch, 2), &entry, err);
		if (code != ERR_OK && code != ERR_VERSION)
			return code;
		stretch->is_succession =
			code == ERR_OK && entry.kind == ENTRY_SUCCESSION;
	}
	return own_feed(view, site, epoch, &stretch->feed, err);
}

static uint64_t stretch_left(const struct stretch *stretch)
{
	uint64_t end = pos_number(stretch->end);

	return end > stretch->feed.number ? end - stretch->feed.number : 0;
}

/*
 * The first epoch with entries that are not sealed, walking back from the
 * journal's end over epochs that are not sealed to theirs. *@ret_count counts
 * them all. A parent that was given up by a succession is not gone back to.
 */
static enum err_code stretch_find(const struct view *view, uint32_t site,
				  struct stretch *ret_stretch,
				  uint64_t *ret_count, struct err *err)
{
	struct journal_head head;
	struct stretch stretch;
	uint64_t count = 0;
	enum err_code code = journal_head_get(view, &head, err);

	if (code == ERR_OK)
		code = stretch_load(view, site, head.pos, &stretch, err);
	while (code == ERR_OK) {
		struct pos before = stretch.founding.previous;

		count += stretch_left(&stretch);
		if (stretch_left(&stretch) > 0 || count == 0)
			*ret_stretch = stretch;
		if (before.value == 0 || stretch.is_succession)
			break;
		code = stretch_load(view, site, before, &stretch, err);
		if (code == ERR_OK && stretch_left(&stretch) == 0)
			break;
	}
	if (code == ERR_OK)
		*ret_count = count;
	return code;
}

enum err_code feed_unsealed(const struct view *view, uint32_t site,
			    uint64_t *ret_count, struct err *err)
{
	struct stretch stretch;

	return stretch_find(view, site, &stretch, ret_count, err);
}

/* ---- writing a delta ---- */

/* Writes what is in the arena as rows; what does not fit is left out of it. */
static enum err_code rows_fill(struct feed_desk *desk, struct rows *rows,
			       struct pos first, struct writer *writer,
			       struct err *err)
{
	struct arena *arena = &desk->arena;
	enum err_code code = ERR_OK;

	rows_mark(rows);
	for (uint32_t i = 0; i < arena->count; i++) {
		struct pos pos = {first.value + i};

		code = rows_write(rows, pos, arena_at(arena, i), writer);
		if (code == ERR_FULL && i > 0) {
			arena->count = i;
			rows_rewind(rows);
			writer_init(writer, desk->rows_buffer,
				    sizeof(desk->rows_buffer));
			return rows_fill(desk, rows, first, writer, err);
		}
		if (code != ERR_OK)
			return err_set(err, code,
				       "entry %" PRIu32 ".%" PRIu64
				       " cannot be sealed",
				       pos_epoch(pos), pos_number(pos));
	}
	return code;
}

static enum err_code header_fill(struct feed_desk *desk,
				 const struct view *view,
				 const struct feed_record *feed,
				 const struct seal_plan *plan,
				 struct delta *delta, struct err *err)
{
	struct delta_header *header = &delta->header;

	header->site = feed->id.site;
	header->epoch = feed->id.epoch;
	header->seq = feed->seq + 1;
	memcpy(header->previous, feed->hash, HASH_SIZE);
	header->stamp = stamp_next(feed->stamp, plan->now);
	if (plan->clock_trusted && stamp_is_near(header->stamp, plan->now))
		header->flags |= DELTA_CLOCK_TRUSTED;
	header->boot = plan->boot;
	header->first = feed->number + 1;
	header->rules = FEED_RULES;
	header->row_count = desk->arena.count;
	header->rows_size = (uint32_t)delta->rows.size;
	delta_rows_hash(desk->net_id, delta->rows, header->rows_hash);
	return feed_control(view, &header->control, err);
}

static bool starts_segment(const struct feed_record *feed)
{
	return feed->segment == 0 ||
	       feed->seq + 1 - feed->segment >= ROWS_SEGMENT_DELTAS;
}

/* The delta of what is in the arena, signed, and stored. */
static enum err_code delta_make(struct feed_desk *desk, struct txn *txn,
				const struct feed_record *feed,
				const struct seal_plan *plan,
				struct delta *delta, struct err *err)
{
	enum err_code code =
		header_fill(desk, txn_view(txn), feed, plan, delta, err);

	if (code != ERR_OK)
		return code;
	if (starts_segment(feed))
		delta->header.flags |= DELTA_SEGMENT_START;
	delta_sign(plan->signer, desk->net_id, &delta->header,
		   delta->signature);
	return feed_delta_put(desk, txn, feed->id, delta, err);
}

/* Of what HQ says, void rows have to be known at once. */
static bool may_be_late(const struct feed_record *feed,
			const struct seal_plan *plan)
{
	return plan->is_busy && feed->is_own && feed->id.site >= SITE_FIRST &&
	       feed->late < FEED_LATE_MAX;
}

/* Seals the entries in the arena, the next ones of @feed, whose segment is in
 * @slot. */
static enum err_code arena_seal(struct feed_desk *desk, struct txn *txn,
				struct feed_record *feed,
				struct desk_rows *slot,
				const struct seal_plan *plan, struct err *err)
{
	struct applying applying = {
		.desk = desk, .txn = txn, .feed = feed, .what = APPLY_ALL};
	bool is_late = may_be_late(feed, plan);
	struct pos first = pos_make(feed->id.epoch, feed->number + 1);
	struct delta delta = {.header = {.flags = 0}};
	uint8_t hash[HASH_SIZE];
	struct writer writer;
	enum err_code code;

	if (is_late)
		applying.what &= ~(unsigned)APPLY_BALANCES;
	writer_init(&writer, desk->rows_buffer, sizeof(desk->rows_buffer));
	code = rows_fill(desk, slot->rows, first, &writer, err);
	if (code != ERR_OK)
		return code;
	delta.rows = (struct span){(char *)desk->rows_buffer, writer.size};
	code = delta_make(desk, txn, feed, plan, &delta, err);
	if (code == ERR_OK)
		code = delta_apply(&applying, delta.header.first, err);
	if (code != ERR_OK)
		return code;
	delta_hash(desk->net_id, &delta.header, hash);
	feed_advance(feed, &delta.header, hash);
	desk_rows_done(slot, feed);
	feed->counted = feed->seq;
	feed->late += is_late;
	feed_settle(feed, UINT64_MAX);
	code = feed_put(txn, feed, err);
	if (code == ERR_OK && feed->seq == 1) {
		code = heir_note(txn, desk->net_id, &delta, err);
		applying.has_fence = true; /* if HQ has chosen another */
	}
	if (code == ERR_OK)
		code = told_settle(
			desk, txn, feed,
			&(struct told_range){.first = delta.header.first,
					     .last = feed->number},
			err);
	if (code == ERR_OK && applying.has_fence)
		code = feed_fences_apply(desk, txn, err);
	return code;
}

/* ---- the journal's entries ---- */

struct collecting {
	struct arena *arena;
	uint32_t epoch;
	uint32_t rows_max;
};

static enum err_code entry_collect(void *context, const struct journal_row *row,
				   struct err *err)
{
	struct collecting *collecting = context;

	(void)err;
	if (pos_epoch(row->pos) != collecting->epoch ||
	    collecting->arena->count == collecting->rows_max ||
	    !arena_add(collecting->arena, row->bytes))
		return ERR_STOPPED;
	return ERR_OK;
}

static enum err_code journal_collect(struct feed_desk *desk,
				     const struct view *view,
				     const struct feed_record *feed,
				     uint32_t rows_max, struct err *err)
{
	struct collecting collecting = {&desk->arena, feed->id.epoch, rows_max};
	struct pos from = pos_make(feed->id.epoch, feed->number + 1);
	enum err_code code;

	arena_reset(&desk->arena);
	code = journal_walk(view, from, entry_collect, &collecting, err);
	return code == ERR_STOPPED ? ERR_OK : code;
}

/* Only the epoch's own key signs for it, and only as long as it may. */
static enum err_code stretch_check(const struct view *view,
				   const struct stretch *stretch,
				   const struct seal_plan *plan,
				   struct err *err)
{
	const struct feed_id *id = &stretch->feed.id;
	uint64_t limit;
	bool is_behind;
	enum err_code code = site_restored_get(view, &is_behind, err);

	if (code != ERR_OK)
		return code;
	if (is_behind)
		return err_set(err, ERR_CONFLICT,
			       "this store is behind what was sealed: a new "
			       "epoch has to be opened");
	if (memcmp(signer_public(plan->signer), stretch->founding.public_key,
		   KEY_PUBLIC_SIZE) != 0)
		return err_set(err, ERR_DENIED,
			       "epoch %" PRIu32
			       " has entries that are not sealed, and this is "
			       "not its key",
			       id->epoch);
	code = feed_limit(view, &stretch->feed, &limit, err);
	if (code == ERR_OK &&
	    (stretch->feed.state == FEED_SEALED || stretch->feed.seq >= limit))
		return err_set(err, ERR_CONFLICT,
			       "the feed of site %" PRIu32 ", epoch %" PRIu32
			       ", has ended at %" PRIu64
			       ": a new epoch has to be opened",
			       id->site, id->epoch, stretch->feed.seq);
	return code;
}

/* Before the arena is needed for more. */
static enum err_code seal_prepare(struct feed_desk *desk, struct txn *txn,
				  const struct seal_plan *plan,
				  struct stretch *stretch, struct err *err)
{
	const struct feed_record *feed = &stretch->feed;
	enum err_code code;

	if (may_be_late(feed, plan))
		return ERR_OK;
	code = feed_fold_late(desk, txn, plan->site, err);
	if (code == ERR_OK)
		code = own_feed(txn_view(txn), plan->site, feed->id.epoch,
				&stretch->feed, err);
	return code;
}

enum err_code feed_seal(struct feed_desk *desk, struct txn *txn,
			const struct seal_plan *plan, uint64_t *ret_seq,
			struct err *err)
{
	const struct view *view = txn_view(txn);
	struct desk_rows *slot;
	struct stretch stretch;
	uint64_t count;
	enum err_code code =
		stretch_find(view, plan->site, &stretch, &count, err);

	ASSERT(plan->rows_max >= 1 && plan->rows_max <= DELTA_ROWS_MAX);
	if (code == ERR_OK && count > 0)
		code = stretch_check(view, &stretch, plan, err);
	if (code == ERR_OK)
		code = seal_prepare(desk, txn, plan, &stretch, err);
	if (code == ERR_OK && count == 0) {
		*ret_seq = 0;
		return ERR_OK;
	}
	/* The segment first: reading it needs the arena. */
	if (code == ERR_OK)
		code = desk_rows_get(desk, view, &stretch.feed,
				     starts_segment(&stretch.feed), &slot, err);
	if (code == ERR_OK)
		code = journal_collect(desk, view, &stretch.feed,
				       plan->rows_max, err);
	if (code == ERR_OK)
		code = arena_seal(desk, txn, &stretch.feed, slot, plan, err);
	if (code == ERR_OK)
		*ret_seq = stretch.feed.seq;
	return code;
}

/* ---- what HQ says ---- */

enum err_code feed_write(struct feed_desk *desk, struct txn *txn,
			 const struct feed_write *write, uint64_t *ret_seq,
			 struct err *err)
{
	const struct view *view = txn_view(txn);
	struct feed_record feed;
	struct desk_rows *slot;
	uint64_t voids;
	uint64_t number;
	enum err_code code = feed_get_or_fresh(view, write->id, &feed, err);

	ASSERT(write->count >= 1 && write->count <= DELTA_ROWS_MAX);
	if (code == ERR_OK)
		code = desk_rows_get(desk, view, &feed, starts_segment(&feed),
				     &slot, err);
	if (code != ERR_OK)
		return code;
	feed.is_own = true;
	voids = feed.void_rows;
	arena_reset(&desk->arena);
	for (size_t i = 0; i < write->count; i++)
		if (!arena_add(&desk->arena, write->entries[i]))
			return err_set(err, ERR_INVALID,
				       "more than one delta holds");
	number = feed.number;
	code = arena_seal(desk, txn, &feed, slot, &write->plan, err);
	if (code == ERR_OK && feed.number - number < write->count)
		code = err_set(err, ERR_INVALID, "more than one delta holds");
	if (code == ERR_OK && feed.void_rows > voids)
		code = err_set(err, ERR_INVALID,
			       "an entry is not this feed's to say");
	if (code == ERR_OK)
		*ret_seq = feed.seq;
	return code;
}
