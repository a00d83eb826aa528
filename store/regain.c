#include "store/regain.h"

#include <string.h>

#include "store/closing.h"
#include "store/feed_parts.h"
#include "store/journal.h"
#include "store/past.h"

/* Its rows in TABLE_FEED, beside feed_parts.h's: the first byte of the key. */
#define FEED_REGAINED 'r' /* feed: seq and hash of the last delta looked at */

/* ---- how far a feed was looked at ---- */

static struct key place_key(struct feed_id id)
{
	struct key key = {.size = 0};

	key_add_u8(&key, FEED_REGAINED);
	key_add_feed(&key, id);
	return key;
}

enum err_code regain_note(struct txn *txn, const struct feed_record *feed,
			  struct err *err)
{
	struct key key = place_key(feed->id);
	uint8_t buffer[8 + HASH_SIZE + ROW_CHECKSUM_SIZE];
	struct writer writer;

	if (feed->seq == 0)
		return ERR_OK;
	writer_init(&writer, buffer, sizeof(buffer));
	write_u64(&writer, feed->seq);
	write_raw(&writer, feed->hash, HASH_SIZE);
	return row_put(txn, TABLE_FEED, key_span(&key), &writer, err);
}

struct placing {
	const struct view *view;
	struct feed_id id;
	uint64_t seq;
};

/* A feed may have parted since: what was looked at under another name of its
 * epoch is in this branch, too, if it has the same delta there. */
static enum err_code place_look(void *context, struct span key,
				struct span value, struct err *err)
{
	struct placing *placing = context;
	uint8_t hash[HASH_SIZE];
	struct reader reader;
	struct span there;
	uint64_t seq;
	enum err_code code = row_open(TABLE_FEED, key, value, &reader, err);

	if (code != ERR_OK)
		return code;
	seq = read_u64(&reader);
	there = read_raw(&reader, HASH_SIZE);
	if (!reader_done(&reader))
		return row_garbled(TABLE_FEED, err);
	if (seq <= placing->seq)
		return ERR_OK;
	code = feed_hash_at(placing->view, placing->id, seq, hash, err);
	if (code == ERR_OK && memcmp(hash, there.data, HASH_SIZE) == 0)
		placing->seq = seq;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* The seq up to which @feed was looked at. What a branch shares is its
 * parent's to tell. */
static enum err_code place_of_feed(const struct view *view,
				   const struct feed_record *feed,
				   uint64_t *ret_seq, struct err *err)
{
	struct placing placing = {view, feed->id, feed->base};
	struct key prefix = {.size = 0};
	enum err_code code;

	key_add_u8(&prefix, FEED_REGAINED);
	key_add_u32(&prefix, feed->id.site);
	key_add_u32(&prefix, feed->id.epoch);
	code = view_walk(view, TABLE_FEED, key_span(&prefix), key_span(&prefix),
			 place_look, &placing, err);
	if (code == ERR_OK)
		*ret_seq = placing.seq;
	return code;
}

/* ---- which feed ---- */

struct finding {
	const struct view *view;
	bool is_lived;
	/* Up to there HQ has written off what the site held. What a site closed
	 * by itself is told again like any life: it comes to nothing only as a
	 * whole, and an heir may have told its beginning before it heard of the
	 * end. */
	uint32_t closed_epoch;
	bool is_found;
	struct feed_record feed;
	uint64_t seq; /* looked at */
};

static enum err_code feed_look(void *context, const struct feed_record *feed,
			       struct err *err)
{
	struct finding *finding = context;
	enum err_code code;

	/* Another box wrote that branch. */
	if (finding->is_lived && feed->id.branch != 0 && !feed->is_own)
		return ERR_OK;
	if (feed->counted <= feed->base ||
	    feed->id.epoch <= finding->closed_epoch)
		return ERR_OK;
	code = place_of_feed(finding->view, feed, &finding->seq, err);
	if (code != ERR_OK || finding->seq >= feed->counted)
		return code;
	finding->feed = *feed;
	finding->is_found = true;
	return ERR_STOPPED;
}

/* The oldest epoch first: what it says goes before what its heirs say. */
static enum err_code feed_find(const struct view *view, uint32_t site,
			       struct finding *finding, struct err *err)
{
	struct past past = {.count = 0};
	enum err_code code = past_read(view, site, &past, err);

	*finding = (struct finding){.view = view};
	if (code == ERR_OK)
		code = closing_by_hq(view, site, &finding->closed_epoch, err);
	for (size_t i = past.count; i-- > 0 && code == ERR_OK;) {
		code = past_is_lived(view, past.epochs[i], &finding->is_lived,
				     err);
		if (code == ERR_OK)
			code = feed_walk_epoch(view, site, past.epochs[i],
					       feed_look, finding, err);
	}
	return code == ERR_STOPPED ? ERR_OK : code;
}

enum err_code regain_is_due(const struct view *view, uint32_t site,
			    bool *ret_is_due, struct err *err)
{
	struct finding finding;
	enum err_code code = feed_find(view, site, &finding, err);

	if (code == ERR_OK)
		*ret_is_due = finding.is_found;
	return code;
}

/* ---- a delta ---- */

struct regaining {
	struct batch *batch;
	struct netting *netting;
	const uint8_t *net_id;
	struct finding finding;
	struct feed_desk *desk; /* for reading; not the writer's */
	struct told *told;
	uint64_t rows;
	uint64_t regained;
};

static enum err_code is_here(const struct regaining *regaining, struct pos pos,
			     const struct entry *sealed, bool *ret_is,
			     struct err *err)
{
	struct entry ours;
	enum err_code code = ERR_NOT_FOUND;

	if (regaining->finding.is_lived)
		code = journal_read(batch_view(regaining->batch), pos, &ours,
				    err);
	*ret_is = code == ERR_VERSION ||
		  (code == ERR_OK && regain_is_same(&ours, sealed));
	return code == ERR_NOT_FOUND || code == ERR_VERSION ? ERR_OK : code;
}

static enum err_code entry_take(void *context, struct pos pos,
				const struct entry *sealed, struct err *err)
{
	struct regaining *regaining = context;
	const struct feed_record *feed = &regaining->finding.feed;
	struct feed_law law = {.net_id = regaining->net_id,
			       .site = feed->id.site,
			       .epoch = feed->id.epoch};
	struct told_entry what = {feed, pos, sealed};
	bool is_known;
	bool is_told = false;
	enum err_code code = is_here(regaining, pos, sealed, &is_known, err);

	regaining->rows++;
	if (code != ERR_OK || is_known ||
	    feed_law_judge(&law, pos_number(pos), sealed) != 0)
		return code;
	code = told_elsewhere(regaining->told, batch_view(regaining->batch),
			      &what, &is_known, err);
	if (code == ERR_OK && !is_known)
		code = regain_entry(regaining->netting, pos, sealed, &is_told,
				    err);
	regaining->regained += is_told;
	return code;
}

static enum err_code delta_regain(struct regaining *regaining, struct err *err)
{
	struct finding *finding = &regaining->finding;
	const struct view *view = batch_view(regaining->batch);
	struct delta_place place = {finding->feed.id, finding->seq + 1};
	struct feed_record at = {.id = finding->feed.id, .seq = place.seq};
	enum err_code code = feed_entries(regaining->desk, view, &place,
					  entry_take, regaining, err);

	if (code == ERR_OK)
		code = feed_hash_at(view, at.id, at.seq, at.hash, err);
	if (code == ERR_NOT_FOUND)
		code = err_set(err, ERR_CORRUPT, "a delta is missing");
	if (code == ERR_OK)
		code = regain_note(batch_txn(regaining->batch), &at, err);
	if (code == ERR_OK)
		finding->seq = at.seq;
	return code;
}

/* ---- a step ---- */

static enum err_code deltas_regain(struct regaining *regaining, uint32_t site,
				   bool *ret_is_done, struct err *err)
{
	struct finding *finding = &regaining->finding;
	enum err_code code = ERR_OK;

	*ret_is_done = false;
	while (code == ERR_OK && regaining->rows < REGAIN_ROWS_MAX) {
		if (!finding->is_found || finding->seq >= finding->feed.counted)
			code = feed_find(batch_view(regaining->batch), site,
					 finding, err);
		if (code == ERR_OK && !finding->is_found) {
			*ret_is_done = true;
			break;
		}
		if (code == ERR_OK)
			code = delta_regain(regaining, err);
	}
	return code;
}

enum err_code regain_step(struct batch *batch,
			  const uint8_t net_id[NET_ID_SIZE], uint32_t site,
			  struct regain_step *ret_step, struct err *err)
{
	struct regaining regaining = {.batch = batch, .net_id = net_id};
	bool is_done = false;
	enum err_code code = feed_desk_open(net_id, &regaining.desk, err);

	if (code == ERR_OK)
		code = told_open(net_id, &regaining.told, err);
	if (code == ERR_OK)
		code = netting_open(batch, &regaining.netting, err);
	if (code == ERR_OK)
		code = deltas_regain(&regaining, site, &is_done, err);
	if (code == ERR_OK)
		code = netting_finish(regaining.netting, err);
	netting_close(regaining.netting);
	told_close(regaining.told);
	feed_desk_close(regaining.desk);
	if (code != ERR_OK)
		return err_wrap(err, code, "regain what this site's past says");
	*ret_step = (struct regain_step){regaining.regained, is_done};
	return ERR_OK;
}
