#include "store/succession.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/rows.h"

/* Deltas that come back in one commit. */
#define STEP_DELTAS 64

/* ---- the own feed ---- */

static enum err_code own_note(void *context, const struct feed_record *feed,
			      struct err *err)
{
	struct feed_record *own = context;

	(void)err;
	if (feed->is_own && feed->id.site == own->id.site &&
	    feed->id.epoch == own->id.epoch && feed->seq >= own->seq)
		*own = *feed;
	return ERR_OK;
}

/* Of the journal's present epoch; seq 0: nothing was sealed. */
static enum err_code own_feed(const struct view *view, uint32_t site,
			      struct feed_record *ret_feed,
			      struct journal_head *ret_head, struct err *err)
{
	enum err_code code = journal_head_get(view, ret_head, err);

	if (code != ERR_OK)
		return code;
	*ret_feed = (struct feed_record){
		.id = {.site = site, .epoch = pos_epoch(ret_head->pos)}};
	return feed_walk(view, NULL, own_note, ret_feed, err);
}

/* ---- the journal's lost end ---- */

struct recovering {
	struct ledger *ledger;
	struct rows *rows;
	struct batch *batch;
	struct feed_record feed;
	uint64_t head; /* number of the journal's last entry */
	uint64_t count;
	struct entry_bytes bytes;
	uint8_t copy[DELTA_ROWS_SIZE_MAX]; /* a put lets borrowed rows go */
};

/* Both as a row has them: without a device's own numbers. */
static bool entries_equal(const struct entry *ours, const struct entry *theirs)
{
	struct entry copies[2] = {*ours, *theirs};
	UNINITIALIZED uint8_t bytes[2][ENTRY_SIZE_MAX];
	struct span spans[2];

	for (size_t i = 0; i < 2; i++) {
		struct writer writer;

		copies[i].actor.boot.size = 0;
		copies[i].actor.seq = 0;
		writer_init(&writer, bytes[i], sizeof(bytes[i]));
		entry_encode(&writer, &copies[i]);
		spans[i] = (struct span){(const char *)bytes[i], writer.size};
	}
	return span_equal(spans[0], spans[1]);
}

static enum err_code entry_compare(struct recovering *recovering,
				   struct pos pos, const struct entry *sealed,
				   struct err *err)
{
	struct entry ours;
	enum err_code code =
		journal_read(batch_view(recovering->batch), pos, &ours, err);

	if (code != ERR_OK)
		return code;
	if (!entries_equal(&ours, sealed))
		return err_set(err, ERR_CONFLICT,
			       "entry %" PRIu32 ".%" PRIu64
			       " was sealed with other words: another box "
			       "wrote this epoch, too",
			       pos_epoch(pos), pos_number(pos));
	return ERR_OK;
}

static enum err_code entry_recover(struct recovering *recovering,
				   struct pos pos, struct err *err)
{
	struct span bytes = {(const char *)recovering->bytes.data,
			     recovering->bytes.size};
	struct entry entry;
	enum err_code code = entry_decode(bytes, &entry);

	if (code != ERR_OK)
		return err_set(err, code,
			       "a sealed entry of this site cannot be read");
	if (pos_number(pos) <= recovering->head)
		return entry_compare(recovering, pos, &entry, err);
	code = batch_restore(recovering->batch, &entry, err);
	if (code == ERR_OK)
		recovering->count++;
	return code;
}

static enum err_code rows_recover(struct recovering *recovering,
				  const struct delta_header *header,
				  struct err *err)
{
	struct reader reader;
	enum err_code code = ERR_OK;

	reader_init(&reader, recovering->copy, header->rows_size);
	for (uint32_t i = 0; i < header->row_count && code == ERR_OK; i++) {
		struct pos pos = pos_make(header->epoch, header->first + i);

		code = rows_read(recovering->rows, pos, &reader,
				 &recovering->bytes);
		if (code == ERR_OK)
			code = entry_recover(recovering, pos, err);
	}
	return code;
}

static enum err_code delta_recover(struct recovering *recovering, uint64_t seq,
				   struct err *err)
{
	struct delta delta;
	enum err_code code = feed_delta(batch_view(recovering->batch),
					recovering->feed.id, seq, &delta, err);

	if (code == ERR_NOT_FOUND)
		return err_set(err, ERR_CORRUPT,
			       "delta %" PRIu64 " of the own feed is missing",
			       seq);
	if (code != ERR_OK)
		return code;
	memcpy(recovering->copy, delta.rows.data, delta.rows.size);
	if ((delta.header.flags & DELTA_SEGMENT_START) != 0)
		rows_reset(recovering->rows);
	rows_mark(recovering->rows);
	return rows_recover(recovering, &delta.header, err);
}

/* From the feed's first delta on: its own rows are the journal's entries, and
 * to compare them all is to know that it is one history. */
static enum err_code step_recover(struct recovering *recovering, uint64_t *seq,
				  struct err *err)
{
	uint64_t last = *seq + STEP_DELTAS;
	enum err_code code =
		batch_begin(recovering->ledger, &recovering->batch, err);

	if (code != ERR_OK)
		return code;
	while (code == ERR_OK && *seq < last && *seq <= recovering->feed.seq)
		code = delta_recover(recovering, (*seq)++, err);
	if (code != ERR_OK) {
		batch_abandon(recovering->batch);
		return code;
	}
	return batch_commit(recovering->batch, err);
}

static enum err_code recover(struct recovering *recovering, uint32_t site,
			     struct err *err)
{
	struct journal_head head;
	struct view *view;
	uint64_t seq = 1;
	enum err_code code =
		view_begin(ledger_env(recovering->ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = own_feed(view, site, &recovering->feed, &head, err);
	view_end(view);
	if (code != ERR_OK)
		return code;
	recovering->head = pos_number(head.pos);
	if (recovering->feed.number <= recovering->head)
		return ERR_OK; /* nothing is lost that anybody has */
	while (code == ERR_OK && seq <= recovering->feed.seq)
		code = step_recover(recovering, &seq, err);
	return code;
}

enum err_code journal_recover(struct ledger *ledger, uint32_t site,
			      uint64_t *ret_count, struct err *err)
{
	struct recovering *recovering = calloc(1, sizeof(*recovering));
	enum err_code code;

	if (recovering == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	recovering->ledger = ledger;
	code = rows_open(&recovering->rows, err);
	if (code == ERR_OK)
		code = recover(recovering, site, err);
	if (code == ERR_OK)
		*ret_count = recovering->count;
	rows_close(recovering->rows);
	free(recovering);
	if (code != ERR_OK)
		return err_wrap(err, code, "recover the journal's end");
	return ERR_OK;
}

/* ---- the next epoch ---- */

enum err_code succession_of(const struct view *view, uint32_t site,
			    const struct guard *guard,
			    enum succession_reason reason,
			    struct succession *ret_succession, struct err *err)
{
	struct succession succession = {.reason = reason};
	struct journal_head head;
	struct feed_record feed;
	uint64_t known;
	enum err_code code = own_feed(view, site, &feed, &head, err);

	if (code != ERR_OK)
		return code;
	succession.parent_epoch = pos_epoch(head.pos);
	succession.parent_seq = feed.seq;
	memcpy(succession.parent_hash, feed.hash, HASH_SIZE);
	known = feed.number > pos_number(head.pos) ? feed.number
						   : pos_number(head.pos);
	if (guard != NULL && guard->site == site &&
	    guard->epoch == succession.parent_epoch && guard->number > known) {
		succession.lost_first = known + 1;
		succession.lost_last = guard->number;
	}
	*ret_succession = succession;
	return ERR_OK;
}

enum err_code succession_open(struct ledger *ledger, uint32_t site,
			      const struct epoch_plan *plan,
			      const struct succession *succession,
			      struct err *err)
{
	struct epoch_plan whole = *plan;
	struct journal_head head;
	struct feed_record feed;
	struct view *view;
	enum err_code code = view_begin(ledger_env(ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = own_feed(view, site, &feed, &head, err);
	view_end(view);
	if (code != ERR_OK)
		return code;
	whole.succession = succession;
	whole.sealed = pos_make(succession->parent_epoch, feed.number);
	return ledger_epoch_open(ledger, &whole, err);
}
