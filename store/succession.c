#include "store/succession.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/regain.h"
#include "store/rows.h"
#include "store/site.h"

/* Deltas that come back in one commit. */
#define STEP_DELTAS 64

/* ---- the own feed ---- */

static enum err_code own_note(void *context, const struct feed_record *feed,
			      struct err *err)
{
	struct feed_record *own = context;

	(void)err;
	if (feed->id.site != own->id.site || feed->id.epoch != own->id.epoch)
		return ERR_OK;
	if (feed->is_own ? !own->is_own || feed->seq >= own->seq
			 : !own->is_own && feed->id.branch == 0)
		*own = *feed;
	return ERR_OK;
}

/* Of the journal's present epoch; seq 0: nothing was sealed. A store that was
 * set back to before its first delta has the feed as peers gave it. */
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

struct recovering;
/* What is done with an entry of the feed. */
typedef enum err_code take_fn(struct recovering *recovering, struct pos pos,
			      const struct entry *sealed, struct err *err);

struct recovering {
	struct ledger *ledger;
	take_fn *take;
	uint64_t alike;  /* up to there journal and feed are one history */
	uint64_t shared; /* and as far as the feed counts */
	bool is_counted; /* the delta under way */
	struct succession_told told;
	struct rows *rows;
	struct batch *batch;
	struct netting *netting;
	struct feed_record feed;
	uint64_t head; /* number of the journal's last entry */
	uint64_t count;
	struct entry_bytes bytes;
	uint8_t copy[DELTA_ROWS_SIZE_MAX]; /* a put lets borrowed rows go */
};

static enum err_code entry_compare(struct recovering *recovering,
				   struct pos pos, const struct entry *sealed,
				   struct err *err)
{
	struct entry ours;
	enum err_code code =
		journal_read(batch_view(recovering->batch), pos, &ours, err);

	if (code != ERR_OK)
		return code;
	if (!regain_is_same(&ours, sealed))
		return err_set(err, ERR_CONFLICT,
			       "entry %" PRIu32 ".%" PRIu64
			       " was sealed with other words: another box "
			       "wrote this epoch, too",
			       pos_epoch(pos), pos_number(pos));
	return ERR_OK;
}

static enum err_code entry_recover(struct recovering *recovering,
				   struct pos pos, const struct entry *sealed,
				   struct err *err)
{
	enum err_code code;

	if (pos_number(pos) <= recovering->head)
		return entry_compare(recovering, pos, sealed, err);
	code = batch_restore(recovering->batch, sealed, err);
	if (code == ERR_OK)
		recovering->count++;
	return code;
}

static enum err_code row_take(struct recovering *recovering, struct pos pos,
			      struct err *err)
{
	struct span bytes = {(const char *)recovering->bytes.data,
			     recovering->bytes.size};
	struct entry entry;
	enum err_code code = entry_decode(bytes, &entry);

	if (code != ERR_OK)
		return err_set(err, code,
			       "a sealed entry of this site cannot be read");
	return recovering->take(recovering, pos, &entry, err);
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
			code = row_take(recovering, pos, err);
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
	recovering->take = entry_recover;
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

/* ---- what the next epoch says of this one ---- */

enum err_code succession_of(const struct view *view, uint32_t site,
			    const struct succession_case *what,
			    struct succession *ret_succession, struct err *err)
{
	struct succession succession = {.reason = what->reason};
	const struct guard *guard = what->guard;
	struct journal_head head;
	struct feed_record feed;
	uint64_t known;
	enum err_code code = own_feed(view, site, &feed, &head, err);

	if (code != ERR_OK)
		return code;
	succession.parent_epoch = pos_epoch(head.pos);
	succession.parent_seq = feed.seq;
	memcpy(succession.parent_hash, feed.hash, HASH_SIZE);
	known = feed.number > what->kept ? feed.number : what->kept;
	if (guard != NULL && guard->site == site &&
	    guard->epoch == succession.parent_epoch && guard->number > known) {
		succession.lost_first = known + 1;
		succession.lost_last = guard->number;
	}
	*ret_succession = succession;
	return ERR_OK;
}

/* ---- telling again ---- */

/* The walk over the feed is the recovering one's; what differs is what is done
 * with an entry. */
static void entry_again(struct entry *entry)
{
	entry->clock_flags &= ENTRY_EFFECTIVE_TRUSTED;
	entry->actor.boot.size = 0;
	entry->actor.seq = 0;
}

static enum err_code entry_carry(struct recovering *telling, struct pos pos,
				 struct err *err)
{
	struct entry entry;
	enum err_code code =
		journal_read(batch_view(telling->batch), pos, &entry, err);

	if (code == ERR_VERSION)
		return ERR_OK; /* nobody here can tell what it says */
	if (code != ERR_OK)
		return code;
	if (entry.kind == ENTRY_FOUNDING || entry.kind == ENTRY_SUCCESSION)
		return ERR_OK;
	entry_again(&entry);
	entry.carried = pos;
	entry.regained = (struct pos){0};
	telling->told.carried++;
	return batch_post(telling->batch, &entry, NULL, err);
}

/* As long as both say the same, it is one history. Where HQ has ended the feed
 * before, nobody else has what both say: it is told again. */
static enum err_code entry_weigh(struct recovering *telling, struct pos pos,
				 const struct entry *sealed, struct err *err)
{
	struct entry ours;
	bool is_told = false;
	enum err_code code;

	if (pos_number(pos) == telling->alike + 1 &&
	    pos_number(pos) <= telling->head) {
		code = journal_read(batch_view(telling->batch), pos, &ours,
				    err);
		if (code == ERR_VERSION ||
		    (code == ERR_OK && regain_is_same(&ours, sealed))) {
			telling->alike++;
			telling->shared += telling->is_counted;
			return ERR_OK;
		}
		if (code != ERR_OK)
			return code;
	}
	code = regain_entry(telling->netting, pos, sealed, &is_told, err);
	telling->told.regained += is_told;
	return code;
}

/* ---- the next epoch ---- */

struct opening {
	const struct succession_plan *plan;
	struct recovering *telling;
};

static enum err_code succession_tell(void *context, struct batch *batch,
				     struct err *err)
{
	struct opening *opening = context;
	const struct epoch_plan *plan = &opening->plan->epoch;
	struct recovering *telling = opening->telling;
	uint32_t parent = telling->feed.id.epoch;
	struct entry entry;
	enum err_code code;

	entry_init(&entry, ENTRY_SUCCESSION);
	entry.body.succession = opening->plan->succession;
	telling->batch = batch;
	code = netting_open(batch, &telling->netting, err);
	if (code == ERR_OK)
		code = site_restored_put(batch_txn(batch), false, err);
	if (code == ERR_OK)
		code = batch_post(batch, &entry, NULL, err);
	for (uint64_t seq = 1; seq <= telling->feed.seq && code == ERR_OK;
	     seq++) {
		telling->is_counted = seq <= telling->feed.counted;
		code = delta_recover(telling, seq, err);
	}
	if (code == ERR_OK)
		code = netting_finish(telling->netting, err);
	if (code == ERR_OK)
		code = regain_note(batch_txn(batch), &telling->feed, err);
	for (uint64_t number = telling->shared + 1;
	     number <= telling->head && code == ERR_OK; number++)
		code = entry_carry(telling, pos_make(parent, number), err);
	if (code == ERR_OK && plan->also != NULL)
		code = plan->also(plan->context, batch, err);
	return code;
}

static enum err_code epoch_begin(struct ledger *ledger,
				 const struct succession_plan *plan,
				 struct recovering *telling, struct err *err)
{
	struct opening opening = {plan, telling};
	struct epoch_plan epoch = plan->epoch;
	struct journal_head head;
	struct view *view;
	enum err_code code = view_begin(ledger_env(ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = own_feed(view, plan->site, &telling->feed, &head, err);
	view_end(view);
	if (code != ERR_OK)
		return code;
	telling->head = pos_number(head.pos);
	telling->take = entry_weigh;
	epoch.also = succession_tell;
	epoch.context = &opening;
	return ledger_epoch_open(ledger, &epoch, err);
}

enum err_code succession_open(struct ledger *ledger,
			      const struct succession_plan *plan,
			      struct succession_told *ret_told, struct err *err)
{
	struct recovering *telling = calloc(1, sizeof(*telling));
	enum err_code code;

	if (telling == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	code = rows_open(&telling->rows, err);
	if (code == ERR_OK)
		code = epoch_begin(ledger, plan, telling, err);
	if (code == ERR_OK)
		*ret_told = telling->told;
	netting_close(telling->netting);
	rows_close(telling->rows);
	free(telling);
	return code;
}
