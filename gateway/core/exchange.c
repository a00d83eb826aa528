#include "gateway/core/exchange.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "store/closing.h"
#include "store/feed_refusal.h"
#include "store/site.h"

/* A pack on its way through the transaction. */
struct passage {
	struct sync_admit ticket;
	struct unpacker *unpacker;
	struct admission_work work;
};

struct exchange {
	struct exchange_config config;
	const struct signer *signer;
	/* Set while the writer has the exchange, too, and looked at there. */
	atomic_bool was_set_back;
	bool may_seal;
	uint64_t started_ms; /* of the first turn, plus 1 */
	uint64_t heard_ms;   /* a link has been up since, plus 1; 0: none is */

	struct sync_admit tickets[EXCHANGE_TICKETS_MAX]; /* oldest first */
	size_t ticket_count;
	struct peer_row kept[EXCHANGE_KEPT_MAX];
	size_t kept_count;
	struct fork_proof proofs[EXCHANGE_PROOFS_MAX];
	size_t proof_count;
	struct feed_refusal refusals[EXCHANGE_REFUSALS_MAX];
	size_t refusal_count;
	uint64_t refusals_ms;    /* when they were written last, plus 1 */
	uint64_t waits_since_ms; /* the oldest unsealed entry; 0: none does */
	bool is_late;   /* what was sealed is not folded (struct seal_plan) */
	bool has_ended; /* the last try found that the feed has ended, or that
			 * its epoch wants its own key */

	/* Of the turn under way. */
	struct passage passages[EXCHANGE_PACKS_MAX];
	size_t passage_count;
	size_t kept_taken; /* the first so many of the queue */
	size_t proofs_taken;
	bool is_counting; /* the refusals are written */
	bool is_sealing;
	bool is_busy;
	bool is_closing; /* a person closes the site (store/closing.h) */
	uint32_t rows_max;
	struct exchange_now now;
	uint32_t sealed;
	bool has_more; /* to be sealed, in another turn */
	uint32_t admitted;
};

enum err_code exchange_open(const struct exchange_config *config,
			    struct exchange **ret_exchange, struct err *err)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	enum err_code code = ERR_OK;

	if (exchange == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	exchange->config = *config;
	if (config->gather_rows == 0)
		exchange->config.gather_rows = EXCHANGE_GATHER_ROWS;
	exchange->is_late = true; /* as far as anybody knows yet */
	atomic_init(&exchange->was_set_back, config->verdict == GUARD_ROLLBACK);
	for (size_t i = 0; i < EXCHANGE_PACKS_MAX && code == ERR_OK; i++)
		code = unpacker_open(&exchange->passages[i].unpacker, err);
	if (code != ERR_OK) {
		exchange_close(exchange);
		return code;
	}
	*ret_exchange = exchange;
	return ERR_OK;
}

void exchange_close(struct exchange *exchange)
{
	if (exchange == NULL)
		return;
	for (size_t i = 0; i < EXCHANGE_PACKS_MAX; i++)
		unpacker_close(exchange->passages[i].unpacker);
	free(exchange);
}

void exchange_signer_set(struct exchange *exchange, const struct signer *signer)
{
	exchange->signer = signer;
	exchange->has_ended = false;
}

/* ---- the queues ---- */

bool exchange_admit(struct exchange *exchange, const struct sync_admit *admit)
{
	struct sync_admit *ticket;

	if (exchange->ticket_count == EXCHANGE_TICKETS_MAX)
		return false;
	ticket = &exchange->tickets[exchange->ticket_count++];
	*ticket = *admit;
	ticket->peer = (struct span){"", 0}; /* borrowed for the call only */
	return true;
}

bool exchange_keep(struct exchange *exchange, const struct peer_row *row)
{
	if (exchange->kept_count == EXCHANGE_KEPT_MAX)
		return false;
	exchange->kept[exchange->kept_count++] = *row;
	return true;
}

void exchange_found(struct exchange *exchange,
		    const struct sync_finding *finding)
{
	if (finding->kind == SYNC_FOUND_SELF) {
		atomic_store(&exchange->was_set_back, true);
		exchange->may_seal = false;
	} else if (exchange->proof_count < EXCHANGE_PROOFS_MAX)
		exchange->proofs[exchange->proof_count++] = *finding->proof;
}

bool exchange_was_set_back(const struct exchange *exchange)
{
	return atomic_load(&exchange->was_set_back);
}

void exchange_succeeded(struct exchange *exchange, const struct signer *signer)
{
	exchange->signer = signer;
	exchange->config.verdict = GUARD_SAME;
	atomic_store(&exchange->was_set_back, false);
	exchange->may_seal = true;
	exchange->waits_since_ms = 0;
	exchange->has_ended = false;
}

/* ---- preparing ---- */

static uint64_t flush_ms(enum exchange_links links)
{
	switch (links) {
	case EXCHANGE_UP:
		return EXCHANGE_FLUSH_MS;
	case EXCHANGE_METERED:
		return EXCHANGE_FLUSH_METERED_MS;
	case EXCHANGE_ALONE:
		break;
	}
	return EXCHANGE_FLUSH_ALONE_MS;
}

bool exchange_may_seal(const struct exchange *exchange)
{
	return exchange->may_seal;
}

static uint64_t listen_ms(const struct exchange *exchange)
{
	if (exchange->config.verdict != GUARD_SAME)
		return EXCHANGE_WITNESS_MS;
	return exchange->now.is_unanswered ? EXCHANGE_ASK_MS
					   : EXCHANGE_LISTEN_MS;
}

/* Peers are witnesses: whoever has more of our feed says so at once. */
static void listen(struct exchange *exchange)
{
	const struct exchange_now *now = &exchange->now;
	bool is_sure = exchange->config.verdict == GUARD_SAME;

	if (exchange->started_ms == 0)
		exchange->started_ms = now->ms + 1;
	if (now->links == EXCHANGE_ALONE)
		exchange->heard_ms = 0;
	else if (exchange->heard_ms == 0)
		exchange->heard_ms = now->ms + 1;
	if (exchange_was_set_back(exchange) || exchange->may_seal)
		return;
	if (exchange->heard_ms != 0)
		exchange->may_seal =
			now->ms + 1 - exchange->heard_ms >= listen_ms(exchange);
	else
		exchange->may_seal =
			is_sure && (exchange->config.has_no_links ||
				    now->ms + 1 - exchange->started_ms >=
					    EXCHANGE_FLUSH_ALONE_MS);
}

/* Many leave at once, few when the first of them has waited. */
static bool seal_is_due(struct exchange *exchange)
{
	const struct exchange_now *now = &exchange->now;
	bool is_alone = now->links == EXCHANGE_ALONE;
	uint64_t many = is_alone ? EXCHANGE_GATHER_ROWS_ALONE
				 : exchange->config.gather_rows;

	exchange->rows_max = is_alone ? DELTA_ROWS_MAX : DELTA_ROWS_LIVE_MAX;
	exchange->is_busy = !is_alone && !exchange->is_closing &&
			    !now->is_asked && !exchange->has_ended &&
			    now->unsealed >= many;
	listen(exchange);
	if ((now->unsealed == 0 && !exchange->is_late &&
	     !exchange->is_closing) ||
	    exchange->signer == NULL) {
		exchange->waits_since_ms = 0;
		return false;
	}
	if (exchange->waits_since_ms == 0)
		exchange->waits_since_ms = now->ms + 1;
	if (!exchange->may_seal)
		return false;
	if (now->ms + 1 - exchange->waits_since_ms >= flush_ms(now->links))
		return true;
	return !exchange->has_ended &&
	       (exchange->is_closing || now->is_asked || now->unsealed >= many);
}

static bool refusals_are_due(const struct exchange *exchange)
{
	return exchange->refusal_count > 0 &&
	       (exchange->refusals_ms == 0 ||
		exchange->now.ms + 1 - exchange->refusals_ms >=
			EXCHANGE_REFUSALS_MS);
}

static bool is_hqs(const struct sync_admit *admit)
{
	return admit->pack.feed.site < SITE_FIRST;
}

/* What is damaged is about one feed, and the packs of the others go on. */
static bool is_unreadable(enum err_code code)
{
	return code == ERR_CORRUPT || code == ERR_IO;
}

/* Those that wait stay in their order; after an error all do. */
static enum err_code tickets_judge(struct exchange *exchange,
				   const struct view *view, struct err *err)
{
	bool is_taken[EXCHANGE_TICKETS_MAX] = {false};
	size_t count = 0;
	size_t left = 0;

	for (size_t i = 0;
	     i < exchange->ticket_count && count < EXCHANGE_PACKS_MAX; i++) {
		struct passage *passage = &exchange->passages[count];
		enum err_code code;

		if (exchange->now.is_tight && !is_hqs(&exchange->tickets[i]))
			continue;
		passage->ticket = exchange->tickets[i];
		code = admit_judge(passage->unpacker, view, &passage->ticket,
				   &passage->work, err);
		if (is_unreadable(code)) {
			passage->work.good = 0;
			passage->work.result.is_unreadable = true;
		} else if (code != ERR_OK) {
			return code;
		}
		is_taken[i] = true;
		count++;
	}
	for (size_t i = 0; i < exchange->ticket_count; i++)
		if (!is_taken[i])
			exchange->tickets[left++] = exchange->tickets[i];
	exchange->passage_count = count;
	exchange->ticket_count = left;
	return ERR_OK;
}

enum err_code exchange_prepare(struct exchange *exchange,
			       const struct view *view,
			       const struct exchange_now *now, bool *ret_is_due,
			       struct err *err)
{
	enum err_code code;

	ASSERT(exchange->passage_count == 0);
	exchange->now = *now;
	code = closing_is_due(view, exchange->config.site,
			      &exchange->is_closing, err);
	/* Last, for what is judged is out of the queue and waits for its
	 * finish. */
	if (code == ERR_OK)
		code = tickets_judge(exchange, view, err);
	if (code != ERR_OK)
		return code;
	exchange->is_sealing = seal_is_due(exchange);
	exchange->kept_taken = exchange->kept_count;
	exchange->proofs_taken = exchange->proof_count;
	exchange->is_counting = refusals_are_due(exchange);
	exchange->sealed = 0;
	exchange->has_more = false;
	exchange->admitted = 0;
	*ret_is_due = exchange->passage_count > 0 || exchange->is_sealing ||
		      exchange->kept_taken > 0 || exchange->proofs_taken > 0 ||
		      exchange->is_counting;
	return ERR_OK;
}

/* ---- in the transaction ---- */

static enum err_code packs_apply(struct exchange *exchange, struct txn *txn,
				 struct err *err)
{
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < exchange->passage_count && code == ERR_OK; i++) {
		struct passage *passage = &exchange->passages[i];

		if (passage->work.good == 0)
			continue;
		code = admit_apply(exchange->config.desk, txn,
				   passage->unpacker, &passage->work, err);
		/* The next turn is without it. */
		passage->work.result.is_unreadable = code == ERR_CORRUPT;
		if (code == ERR_CORRUPT)
			code = ERR_STOPPED;
		exchange->admitted += passage->work.good;
	}
	return code;
}

static enum err_code notes_put(struct exchange *exchange, struct txn *txn,
			       struct err *err)
{
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < exchange->kept_taken && code == ERR_OK; i++)
		code = peer_row_put(txn, &exchange->kept[i], err);
	for (size_t i = 0; i < exchange->proofs_taken && code == ERR_OK; i++)
		code = fork_note(exchange->config.desk, txn,
				 &exchange->proofs[i], err);
	for (size_t i = 0; exchange->is_counting &&
			   i < exchange->refusal_count && code == ERR_OK;
	     i++)
		code = feed_refusal_add(txn, &exchange->refusals[i], err);
	return code;
}

/* All that waits, or as much of it as readings can wait for. */
static enum err_code journal_seal(struct exchange *exchange,
				  struct batch *batch, struct err *err)
{
	struct txn *txn = batch_txn(batch);
	struct seal_plan plan = {
		.site = exchange->config.site,
		.signer = exchange->signer,
		.now = exchange->now.utc,
		.clock_trusted = exchange->now.is_trusted,
		.boot = exchange->config.boot,
		.rows_max = exchange->rows_max,
		.is_busy = exchange->is_busy,
	};
	enum err_code code = ERR_OK;
	uint64_t seq = 1;

	while (code == ERR_OK && seq != 0 && !exchange_was_set_back(exchange)) {
		exchange->has_more = exchange->sealed * exchange->rows_max >=
				     EXCHANGE_ROWS_MAX;
		if (exchange->has_more)
			break;
		code = feed_seal(exchange->config.desk, txn, &plan, &seq, err);
		if (code == ERR_OK && seq != 0)
			exchange->sealed++;
	}
	/* Nothing was sealed, and what peers sent is taken all the same. */
	exchange->has_ended = code == ERR_CONFLICT || code == ERR_DENIED;
	if (exchange->has_ended)
		return feed_fold_late(exchange->config.desk, txn, plan.site,
				      err);
	if (code == ERR_OK && exchange->is_closing && !exchange->has_more &&
	    !exchange_was_set_back(exchange))
		code = closing_post(batch, exchange->config.desk, plan.site,
				    err);
	return code;
}

enum err_code exchange_run(struct exchange *exchange, struct batch *batch,
			   struct err *err)
{
	struct txn *txn = batch_txn(batch);
	enum err_code code = ERR_OK;

	/* What comes of the own feed now is beyond the journal. */
	if (exchange_was_set_back(exchange))
		code = site_mark_put(txn, SITE_MARK_SET_BACK, err);
	if (code == ERR_OK)
		code = packs_apply(exchange, txn, err);
	if (code == ERR_OK)
		code = notes_put(exchange, txn, err);
	if (code == ERR_OK && exchange->is_sealing)
		code = journal_seal(exchange, batch, err);
	return code;
}

bool exchange_is_sealing(const struct exchange *exchange)
{
	return exchange->is_sealing;
}

bool exchange_is_late(const struct exchange *exchange)
{
	return exchange->is_late;
}

bool exchange_is_closing(const struct exchange *exchange)
{
	return exchange->is_closing;
}

uint32_t exchange_sealed(const struct exchange *exchange)
{
	return exchange->sealed;
}

bool exchange_has_more(const struct exchange *exchange)
{
	return exchange->has_more;
}

uint32_t exchange_admitted(const struct exchange *exchange)
{
	return exchange->admitted;
}

/* ---- after it ---- */

/* NULL: nothing was refused so. */
static struct feed_refusal *refusal_find(struct exchange *exchange,
					 const struct feed_refusal *like)
{
	for (size_t i = 0; i < exchange->refusal_count; i++) {
		struct feed_refusal *row = &exchange->refusals[i];

		if (row->site == like->site && row->epoch == like->epoch &&
		    row->admission == like->admission)
			return row;
	}
	return NULL;
}

/* Anybody can make up sites: the last places are for all others, by reason. */
static struct feed_refusal *refusal_row(struct exchange *exchange,
					struct feed_refusal like)
{
	struct feed_refusal *row = refusal_find(exchange, &like);

	if (row == NULL && exchange->refusal_count >=
				   EXCHANGE_REFUSALS_MAX - ADMISSION_GARBLED) {
		like.site = SITE_NONE;
		like.epoch = 0;
		row = refusal_find(exchange, &like);
	}
	if (row == NULL) {
		ASSERT(exchange->refusal_count < EXCHANGE_REFUSALS_MAX);
		row = &exchange->refusals[exchange->refusal_count++];
		*row = like;
	}
	return row;
}

/* Duplicates and gaps are no refusals. */
static void refusal_count(struct exchange *exchange,
			  const struct admission_work *work)
{
	enum admission reason = work->result.refused;
	struct feed_refusal *row;

	if (reason == ADMISSION_APPLIED || reason == ADMISSION_DUPLICATE ||
	    reason == ADMISSION_GAP)
		return;
	row = refusal_row(exchange,
			  (struct feed_refusal){.site = work->feed.site,
						.epoch = work->feed.epoch,
						.admission = reason});
	row->count++;
	row->last_seq = work->result.refused_seq;
	row->last = exchange->now.utc;
}

static void refusals_finish(struct exchange *exchange)
{
	if (exchange->is_counting) {
		exchange->refusal_count = 0;
		exchange->refusals_ms = exchange->now.ms + 1;
	}
	for (size_t i = 0; i < exchange->passage_count; i++)
		refusal_count(exchange, &exchange->passages[i].work);
}

static void notes_forget(struct exchange *exchange)
{
	exchange->kept_count -= exchange->kept_taken;
	memmove(exchange->kept, exchange->kept + exchange->kept_taken,
		exchange->kept_count * sizeof(exchange->kept[0]));
	exchange->proof_count -= exchange->proofs_taken;
	memmove(exchange->proofs, exchange->proofs + exchange->proofs_taken,
		exchange->proof_count * sizeof(exchange->proofs[0]));
}

enum err_code exchange_finish(struct exchange *exchange, bool is_committed,
			      struct sync *sync, const struct sync_step *step,
			      struct err *err)
{
	enum err_code code = ERR_OK;

	/* Each has its slot to give back, whatever became of another. */
	for (size_t i = 0; i < exchange->passage_count; i++) {
		struct sync_result *result = &exchange->passages[i].work.result;
		enum err_code said;

		result->is_committed = is_committed;
		said = sync_admitted(sync, step, result,
				     code == ERR_OK ? err : NULL);
		if (code == ERR_OK)
			code = said;
	}
	if (is_committed)
		refusals_finish(exchange);
	exchange->passage_count = 0;
	if (!is_committed)
		return code;
	if (exchange->is_sealing)
		exchange->is_late = exchange->is_busy && !exchange->has_ended;
	if (exchange->is_sealing && !exchange->has_more)
		exchange->waits_since_ms = 0;
	if (code == ERR_OK &&
	    (exchange->sealed > 0 || exchange->proofs_taken > 0))
		code = sync_grew(sync, step, err);
	notes_forget(exchange);
	return code;
}
