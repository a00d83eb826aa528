#include "store/closing.h"

#include <string.h>

#include "store/journal.h"
#include "store/master.h"
#include "store/roster.h"
#include "store/row.h"
#include "store/transfer.h"

static const struct span closing_key = {"closing", 7};

#define CLOSING_ROW_SIZE_MAX 64

/* ---- the wish ---- */

enum err_code closing_get(const struct view *view, struct closing *ret_closing,
			  struct err *err)
{
	struct closing closing;
	struct reader reader;
	enum err_code code =
		row_get(view, TABLE_META, closing_key, &reader, err);

	if (code != ERR_OK)
		return code;
	closing.asked.ms = read_signed(&reader);
	if (!name_set(&closing.account, read_span(&reader, NAME_SIZE_MAX)) ||
	    !reader_done(&reader))
		return row_garbled(TABLE_META, err);
	*ret_closing = closing;
	return ERR_OK;
}

enum err_code closing_put(struct txn *txn, const struct closing *closing,
			  struct err *err)
{
	uint8_t buffer[CLOSING_ROW_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_signed(&writer, closing->asked.ms);
	write_span(&writer, name_span(&closing->account));
	return row_put(txn, TABLE_META, closing_key, &writer, err);
}

/* ---- the feed ---- */

struct own {
	uint32_t site;
	uint32_t epoch;
	bool is_found;
	struct feed_record feed;
};

/* Past a fork of our own feed, this box's branch is the longest. */
static enum err_code own_note(void *context, const struct feed_record *feed,
			      struct err *err)
{
	struct own *own = context;

	(void)err;
	if (feed->id.site != own->site || feed->id.epoch != own->epoch ||
	    !feed->is_own || (own->is_found && feed->seq < own->feed.seq))
		return ERR_OK;
	own->feed = *feed;
	own->is_found = true;
	return ERR_OK;
}

enum err_code closing_feed(const struct view *view, uint32_t site,
			   struct feed_record *ret_feed, struct err *err)
{
	struct own own = {.site = site};
	struct journal_head head;
	enum err_code code = ledger_head(view, &head, err);

	if (code != ERR_OK)
		return code;
	own.epoch = pos_epoch(head.pos);
	code = feed_walk(view, NULL, own_note, &own, err);
	if (code == ERR_OK && !own.is_found)
		return ERR_NOT_FOUND;
	if (code == ERR_OK)
		*ret_feed = own.feed;
	return code;
}

enum err_code closing_is_due(const struct view *view, uint32_t site,
			     bool *ret_is_due, struct err *err)
{
	struct closing closing;
	struct feed_record feed;
	enum err_code code = closing_get(view, &closing, err);

	*ret_is_due = false;
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	code = closing_feed(view, site, &feed, err);
	if (code == ERR_OK)
		*ret_is_due =
			feed.state != FEED_SEALED && feed.state != FEED_FENCED;
	else if (code == ERR_NOT_FOUND)
		*ret_is_due = true;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* ---- the totals ---- */

struct totals {
	uint32_t site;
	struct site_closing closing;
};

static enum err_code balance_add_up(void *context, struct item_no item,
				    struct place_no place,
				    const struct balance *balance,
				    struct err *err)
{
	struct totals *totals = context;

	(void)item;
	(void)err;
	if (place_no_kind(place) != PLACE_BIN)
		return ERR_OK;
	for (size_t i = 0; i < balance->count; i++)
		if (__builtin_add_overflow(totals->closing.units,
					   balance->cells[i].quantity.units,
					   &totals->closing.units))
			totals->closing.units = INT64_MAX;
	return ERR_OK;
}

static enum err_code transfer_count(void *context,
				    const struct transfer_record *record,
				    struct err *err)
{
	struct totals *totals = context;
	struct transfer_id id;

	(void)err;
	if (transfer_id_parse(place_name_span(&record->id), &id) &&
	    (id.from == totals->site || id.to == totals->site) &&
	    !transfer_is_closed(&record->states))
		totals->closing.open_transfers++;
	return ERR_OK;
}

enum err_code closing_totals(const struct view *view, uint32_t site,
			     struct site_closing *ret_totals, struct err *err)
{
	struct totals totals = {.site = site};
	struct feed_record feed = {.rows = 0};
	enum err_code code = closing_feed(view, site, &feed, err);

	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	totals.closing.rows = feed.rows;
	code = balance_walk_all(view, balance_add_up, &totals, err);
	if (code == ERR_OK)
		code = transfer_walk(view, (struct span){"", 0}, transfer_count,
				     &totals, err);
	if (code == ERR_OK)
		*ret_totals = totals.closing;
	return code;
}

/* ---- HQ's word ---- */

static enum err_code closed_note(void *context, struct pos pos,
				 const struct entry *entry, struct err *err)
{
	const struct fence *fence = &entry->body.fence;
	uint32_t *epoch = context;

	(void)pos;
	(void)err;
	if (fence->verdict == FENCE_CLOSED && fence->epoch > *epoch)
		*epoch = fence->epoch;
	return ERR_OK;
}

enum err_code closing_by_hq(const struct view *view, uint32_t site,
			    uint32_t *ret_epoch, struct err *err)
{
	uint32_t epoch = 0;
	enum err_code code =
		roster_walk_fences(view, site, closed_note, &epoch, err);

	if (code == ERR_OK)
		*ret_epoch = epoch;
	return code;
}

/* ---- the SEAL, held against what is here ---- */

struct said {
	uint32_t epoch;
	bool is_there;
	uint8_t digest[HASH_SIZE];
};

static enum err_code seal_note(void *context, struct pos pos,
			       const struct entry *entry, struct err *err)
{
	struct said *said = context;

	(void)err;
	if (pos_epoch(pos) != said->epoch)
		return ERR_OK;
	said->is_there = true;
	memcpy(said->digest, entry->body.closing.digest, HASH_SIZE);
	return ERR_OK;
}

enum err_code closing_compare(const struct view *view,
			      const uint8_t net_id[NET_ID_SIZE],
			      struct feed_id feed,
			      enum closing_verdict *ret_verdict,
			      struct err *err)
{
	struct said said = {.epoch = feed.epoch};
	uint8_t here[HASH_SIZE];
	enum err_code code = feed_latest_walk(view, feed.site, ENTRY_CLOSING,
					      seal_note, &said, err);

	if (code == ERR_OK && said.is_there)
		code = feed_digest(view, net_id, feed, here, err);
	if (code != ERR_OK)
		return code;
	*ret_verdict = CLOSING_OPEN;
	if (said.is_there)
		*ret_verdict = memcmp(said.digest, here, HASH_SIZE) == 0
				       ? CLOSING_AGREES
				       : CLOSING_DIFFERS;
	return ERR_OK;
}

/* ---- the SEAL ---- */

/* It is the journal's last entry, if it is there. */
static enum err_code is_posted(const struct view *view, bool *ret_is_posted,
			       struct err *err)
{
	struct journal_head head;
	struct entry entry;
	enum err_code code = ledger_head(view, &head, err);

	if (code == ERR_OK)
		code = journal_read(view, head.pos, &entry, err);
	*ret_is_posted = code == ERR_OK && entry.kind == ENTRY_CLOSING;
	return code == ERR_VERSION ? ERR_OK : code;
}

static enum err_code closing_fill(const struct view *view,
				  const struct feed_desk *desk, uint32_t site,
				  struct entry *entry, struct err *err)
{
	struct closing closing;
	struct feed_record feed;
	enum err_code code = closing_get(view, &closing, err);

	entry_init(entry, ENTRY_CLOSING);
	entry->actor =
		(struct actor){.kind = ACTOR_ACCOUNT, .name = closing.account};
	if (code == ERR_OK)
		code = closing_feed(view, site, &feed, err);
	if (code == ERR_OK)
		code = closing_totals(view, site, &entry->body.closing, err);
	if (code == ERR_OK)
		code = feed_digest(view, feed_desk_net(desk), feed.id,
				   entry->body.closing.digest, err);
	return code;
}

enum err_code closing_post(struct batch *batch, struct feed_desk *desk,
			   uint32_t site, struct err *err)
{
	const struct view *view = batch_view(batch);
	struct entry entry;
	struct pos pos;
	struct closing wish;
	bool is_due = false;
	bool is_there = false;
	enum err_code code = closing_get(view, &wish, err);

	if (code == ERR_OK)
		code = is_posted(view, &is_there, err);
	if (code == ERR_OK && !is_there)
		code = closing_is_due(view, site, &is_due, err);
	if (code != ERR_OK || !is_due)
		return code;
	code = feed_fold_late(desk, batch_txn(batch), site, err);
	if (code == ERR_OK)
		code = closing_fill(view, desk, site, &entry, err);
	return code == ERR_OK ? batch_post(batch, &entry, &pos, err) : code;
}
