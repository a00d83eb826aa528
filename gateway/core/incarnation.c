#include "gateway/core/incarnation.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/core/hq.h"
#include "store/heir.h"
#include "store/recount.h"

/* Beyond other lives of the site, and keys that were made for nothing. */
_Static_assert(16 * INCARNATION_EPOCHS <= HEIR_STEP_MAX,
	       "the old key may vouch for the epoch that is drawn");

uint32_t incarnation_epoch(uint32_t after, uint64_t drawn)
{
	uint64_t epoch = (uint64_t)after + 1 + drawn % INCARNATION_EPOCHS;

	return epoch < EPOCH_MAX ? (uint32_t)epoch : EPOCH_MAX;
}

/* ---- the start ---- */

/* The rollback that @guard tells of has its answer in the journal already. */
static enum err_code is_answered(const struct view *view,
				 const struct guard *guard, bool *ret_is,
				 struct err *err)
{
	struct journal_head head;
	struct entry entry;
	enum err_code code = journal_head_get(view, &head, err);

	*ret_is = false;
	if (code != ERR_OK || pos_epoch(head.pos) <= guard->epoch)
		return code;
	code = journal_read(view, pos_make(pos_epoch(head.pos), 2), &entry,
			    err);
	if (code == ERR_OK && entry.kind == ENTRY_SUCCESSION)
		*ret_is = entry.body.succession.parent_epoch >= guard->epoch;
	return code == ERR_NOT_FOUND || code == ERR_VERSION ? ERR_OK : code;
}

/* Two boxes signed the journal's epoch, and that was known when this one
 * stopped. */
static enum err_code is_forked(const struct view *view, uint32_t site,
			       uint32_t epoch, bool *ret_is, struct err *err)
{
	struct feed_id whole = {site, epoch, 0};
	struct feed_record feed;
	enum err_code code = feed_get(view, whole, &feed, err);

	if (code == ERR_OK)
		*ret_is = feed.state == FEED_FORKED;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/*
 * The guard tells by HQ's words that the disk went back, and what was not
 * sealed may be lost, too: a new epoch, with its recount. One without a
 * certificate was begun for that.
 */
static enum err_code lost_words(const struct view *view,
				const struct guard_memory *memory, bool *ret_is,
				struct err *err)
{
	if (memory->words != GUARD_ROLLBACK)
		return ERR_OK;
	return hq_own_certified(view, ret_is, err);
}

enum err_code incarnation_begin(struct incarnation *incarnation,
				const struct incarnation_config *config,
				const struct view *view, struct err *err)
{
	struct journal_head head;
	bool is_over = false;
	bool has_forked = false;
	bool has_lost = false;
	enum err_code code = journal_head_get(view, &head, err);

	*incarnation = (struct incarnation){.config = *config,
					    .phase = INCARNATION_WATCHING};
	if (code == ERR_OK && config->memory.verdict == GUARD_ROLLBACK &&
	    config->memory.has_guard)
		code = is_answered(view, &config->memory.guard, &is_over, err);
	if (code == ERR_OK)
		code = is_forked(view, config->site, pos_epoch(head.pos),
				 &has_forked, err);
	if (code == ERR_OK)
		code = lost_words(view, &config->memory, &has_lost, err);
	if (code == ERR_OK)
		code = site_mark_get(view, &incarnation->mark, err);
	if (code != ERR_OK)
		return code;
	incarnation->kept = pos_number(head.pos);
	if (is_over)
		incarnation->config.memory.verdict = GUARD_SAME;
	if (has_forked || has_lost || incarnation->mark != SITE_MARK_NONE)
		incarnation->config.memory.verdict = GUARD_ROLLBACK;
	return ERR_OK;
}

enum guard_verdict incarnation_verdict(const struct incarnation *incarnation)
{
	return incarnation->config.memory.verdict;
}

/* ---- what peers show ---- */

bool incarnation_found(struct incarnation *incarnation, uint32_t epoch,
		       const struct sync_finding *finding)
{
	/* HQ's own words have epochs of their own. */
	if (finding->kind != SYNC_FOUND_SELF ||
	    finding->feed.site != incarnation->config.site ||
	    finding->feed.epoch <= epoch ||
	    incarnation->config.memory.verdict != GUARD_SAME)
		return true;
	incarnation->has_twin = true;
	return false;
}

bool incarnation_has_twin(const struct incarnation *incarnation)
{
	return incarnation->has_twin;
}

/* What is held of the own site's feeds and, at HQ, of its words. */
struct own_held {
	uint64_t deltas;
	bool is_open;  /* more of them is to come */
	bool is_ahead; /* more than the journal had is here */
};

/* HQ's disk took its words along when it went back. What is said in control by
 * others than this box is never its own. */
static bool is_of_us(const struct incarnation *incarnation,
		     const struct feed_record *feed)
{
	return feed->id.site == incarnation->config.site ||
	       (feed->id.site < SITE_FIRST && feed->is_own &&
		feed->state != FEED_FENCED);
}

static struct own_held own_held(const struct incarnation *incarnation,
				const struct sync *sync, uint32_t epoch)
{
	struct own_held held = {.deltas = 0};
	struct sync_feed_status feed;

	for (size_t i = 0; sync_feed_at(sync, i, &feed); i++) {
		if (!is_of_us(incarnation, &feed.record))
			continue;
		held.deltas += feed.record.seq;
		if (feed.record.id.site == incarnation->config.site &&
		    feed.record.id.epoch == epoch &&
		    feed.record.number > incarnation->kept)
			held.is_ahead = true;
		/* What was refused, or goes on in branches, does not come. */
		if (feed.stuck_seq == 0 && feed.offered > feed.record.seq &&
		    feed.record.state != FEED_FORKED)
			held.is_open = true;
	}
	return held;
}

static void fetching_begin(struct incarnation *incarnation, struct sync *sync,
			   const struct incarnation_now *now)
{
	struct sync_self self = now->self;
	struct sync_counts counts;

	self.recover = true;
	self.ask = true;
	sync_self_set(sync, &self);
	sync_counts(sync, &counts);
	incarnation->phase = INCARNATION_FETCHING;
	incarnation->haves = counts.haves_got;
	incarnation->begun_ms = 0;
	incarnation->since_ms = now->ms + 1;
}

/* Without a link: it waited for long, or a stick has brought what was lost, and
 * no other one came for a while. */
static bool is_tired(struct incarnation *incarnation,
		     const struct own_held *held, uint64_t ms)
{
	incarnation->begun_ms = 0;
	if (held->is_ahead &&
	    ms - incarnation->quiet_ms >= INCARNATION_QUIET_MS)
		return true;
	return ms - incarnation->since_ms >= (incarnation->config.has_no_links
						      ? INCARNATION_FETCH_MS_MAX
						      : INCARNATION_ALONE_MS);
}

/* True when nothing more is to be waited for. */
static bool has_fetched(struct incarnation *incarnation,
			const struct sync *sync,
			const struct incarnation_now *now)
{
	struct own_held held = own_held(incarnation, sync, now->self.epoch);
	bool is_news = held.deltas != incarnation->held;
	uint64_t ms = now->ms + 1;
	struct sync_counts counts;

	incarnation->held = held.deltas;
	if (is_news)
		incarnation->quiet_ms = ms;
	if (now->links == EXCHANGE_ALONE)
		return is_tired(incarnation, &held, ms);
	if (incarnation->begun_ms == 0) {
		incarnation->begun_ms = ms;
		incarnation->quiet_ms = ms;
	}
	if (held.is_open)
		incarnation->quiet_ms = ms;
	if (ms - incarnation->begun_ms >= INCARNATION_FETCH_MS_MAX)
		return true;
	sync_counts(sync, &counts);
	return counts.haves_got > incarnation->haves &&
	       ms - incarnation->quiet_ms >= INCARNATION_QUIET_MS;
}

enum incarnation_phase incarnation_look(struct incarnation *incarnation,
					const struct exchange *exchange,
					struct sync *sync,
					const struct incarnation_now *now)
{
	if (incarnation->phase == INCARNATION_WATCHING &&
	    exchange_was_set_back(exchange))
		fetching_begin(incarnation, sync, now);
	if (incarnation->phase == INCARNATION_FETCHING &&
	    has_fetched(incarnation, sync, now) &&
	    now->ms >= incarnation->retry_ms)
		incarnation->phase = INCARNATION_DUE;
	return incarnation->phase;
}

/* ---- in the writer ---- */

static enum err_code count_ask(void *context, struct batch *batch,
			       struct err *err)
{
	(void)context;
	return recount_post(batch, err);
}

/* Of the own site: what peers told of is beyond the journal's. */
static enum err_code last_note(void *context, const struct feed_record *feed,
			       struct err *err)
{
	struct feed_id *last = context;

	(void)err;
	if (feed->id.site == last->site && feed->id.epoch > last->epoch)
		last->epoch = feed->id.epoch;
	return ERR_OK;
}

struct working {
	struct incarnation *incarnation;
	const struct incarnation_run *run;
	struct succession_plan plan;
	bool is_other;  /* the journal went another way than the feed */
	bool is_forked; /* somebody else signed the epoch, too */
};

static enum succession_reason reason_of(const struct working *working)
{
	if (working->incarnation->mark == SITE_MARK_RESTORED)
		return SUCCESSION_RESTORED;
	if (working->is_forked)
		return SUCCESSION_CLONE;
	if (working->incarnation->config.memory.verdict == GUARD_ROLLBACK)
		return SUCCESSION_ROLLBACK;
	return working->is_other ? SUCCESSION_CLONE : SUCCESSION_ROLLBACK;
}

static enum err_code case_look(struct working *working, uint32_t *ret_last,
			       struct err *err)
{
	const struct incarnation *incarnation = working->incarnation;
	struct feed_id last = {.site = incarnation->config.site};
	struct succession_case what = {
		.guard = incarnation->config.memory.has_guard
				 ? &incarnation->config.memory.guard
				 : NULL,
		.kept = incarnation->kept,
	};
	struct journal_head head;
	struct view *view;
	enum err_code code =
		view_begin(ledger_env(working->run->ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = journal_head_get(view, &head, err);
	if (code == ERR_OK)
		code = is_forked(view, last.site, pos_epoch(head.pos),
				 &working->is_forked, err);
	what.reason = reason_of(working);
	if (code == ERR_OK)
		code = succession_of(view, last.site, &what,
				     &working->plan.succession, err);
	last.epoch = working->plan.succession.parent_epoch;
	if (code == ERR_OK)
		code = feed_walk(view, NULL, last_note, &last, err);
	view_end(view);
	if (code == ERR_OK)
		*ret_last = last.epoch;
	return code;
}

/* One that was made for a try that failed is as good for the next. */
static enum err_code key_find(struct working *working, uint32_t last,
			      struct err *err)
{
	const struct incarnation_port *port = working->run->port;
	struct incarnation_key *made = &working->incarnation->made;
	struct epoch_plan *epoch = &working->plan.epoch;
	enum err_code code = ERR_OK;

	if (made->epoch <= last)
		code = port->key_make(port->context, last, &made->epoch,
				      made->public_key, err);
	if (code != ERR_OK)
		return code;
	epoch->epoch = made->epoch;
	memcpy(epoch->public_key, made->public_key, KEY_PUBLIC_SIZE);
	/* Now: once the epoch is open nothing may fail any more, or the next
	 * try would open another one behind it. */
	return port->key_of(port->context, made->epoch,
			    &working->incarnation->result.signer, err);
}

/* The old key says whose the new one is, if it is at hand: a damaged one is
 * not. */
static enum err_code vouch(struct working *working, struct err *err)
{
	const struct incarnation_port *port = working->run->port;
	struct succession_plan *plan = &working->plan;
	struct heir heir = {.site = plan->site,
			    .epoch = plan->epoch.epoch,
			    .succession = plan->succession};
	const struct signer *old;
	enum err_code code = port->key_of(
		port->context, plan->succession.parent_epoch, &old, err);

	if (code == ERR_NOT_FOUND || code == ERR_CORRUPT)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	memcpy(heir.public_key, plan->epoch.public_key, KEY_PUBLIC_SIZE);
	heir_sign(old, ledger_identity(working->run->ledger)->net_id, &heir);
	plan->succession = heir.succession;
	return ERR_OK;
}

static enum err_code epoch_open(struct working *working,
				struct succession_told *ret_told,
				struct err *err)
{
	const struct incarnation_run *run = working->run;
	struct succession_plan *plan = &working->plan;
	uint32_t last = 0;
	enum err_code code = case_look(working, &last, err);

	if (code == ERR_OK)
		code = key_find(working, last, err);
	if (code == ERR_OK)
		code = vouch(working, err);
	if (code == ERR_OK)
		code = succession_open(run->ledger, plan, ret_told, err);
	return code;
}

static enum err_code run_all(struct working *working, struct err *err)
{
	struct incarnation *incarnation = working->incarnation;
	struct incarnation_result *result = &incarnation->result;
	const struct incarnation_run *run = working->run;
	struct succession_told told = {0};
	uint64_t regained = 0;
	enum err_code code = journal_recover(
		run->ledger, incarnation->config.site, &regained, err);

	working->is_other = code == ERR_CONFLICT;
	if (code == ERR_OK || code == ERR_CONFLICT)
		code = epoch_open(working, &told, err);
	if (code != ERR_OK)
		return code;
	result->epoch = working->plan.epoch.epoch;
	result->succession = working->plan.succession;
	result->regained = regained + told.regained;
	result->carried = told.carried;
	return ERR_OK;
}

enum err_code incarnation_run(struct incarnation *incarnation,
			      const struct incarnation_run *run,
			      struct err *err)
{
	struct working working = {
		.incarnation = incarnation,
		.run = run,
		.plan = {.site = incarnation->config.site,
			 .epoch = {.now = run->now,
				   .clock_trusted = run->clock_trusted,
				   .also = count_ask}},
	};

	ASSERT(incarnation->phase == INCARNATION_DUE);
	incarnation->code = run_all(&working, err);
	if (incarnation->code != ERR_OK)
		return err_wrap(err, incarnation->code, "begin a new epoch");
	return ERR_OK;
}

/* ---- after it ---- */

bool incarnation_finish(struct incarnation *incarnation,
			struct exchange *exchange, struct sync *sync,
			uint64_t ms, struct incarnation_result *ret_result)
{
	const struct incarnation_result *result = &incarnation->result;

	ASSERT(incarnation->phase == INCARNATION_DUE);
	if (result->epoch == 0) {
		incarnation->phase = INCARNATION_FETCHING;
		incarnation->retry_ms = ms + INCARNATION_RETRY_MS;
		return false;
	}
	incarnation->phase = INCARNATION_WATCHING;
	incarnation->config.memory.verdict = GUARD_SAME;
	incarnation->has_twin = false;
	incarnation->mark = SITE_MARK_NONE;
	exchange_succeeded(exchange, result->signer);
	sync_self_set(sync, &(struct sync_self){.epoch = result->epoch,
						.signer = result->signer});
	*ret_result = *result;
	incarnation->result = (struct incarnation_result){0};
	return true;
}

enum err_code incarnation_is_provisional(const struct incarnation *incarnation,
					 const struct exchange *exchange,
					 const struct view *view,
					 bool *ret_is_provisional,
					 struct err *err)
{
	struct journal_head head;
	uint8_t key[KEY_PUBLIC_SIZE];
	bool is_provisional = true;
	enum err_code code = journal_head_get(view, &head, err);

	if (code == ERR_OK)
		code = site_key(view, incarnation->config.site,
				pos_epoch(head.pos), key, &is_provisional, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	*ret_is_provisional =
		is_provisional || incarnation->has_twin ||
		exchange_was_set_back(exchange) ||
		(incarnation->config.memory.verdict != GUARD_SAME &&
		 !exchange_may_seal(exchange));
	return ERR_OK;
}
