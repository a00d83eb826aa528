#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/recount.h"
#include "store/rows.h"
#include "tests/sim/check_parts.h"

/* Bytes are counted once in so many steps. */
#define BOUNDS_EVERY 64

/* ---- what every box must be able to show ---- */

void check_read(const struct looking *look, enum err_code code,
		const struct err *err)
{
	if (code != ERR_OK)
		sim_fail(look->sim, "site %u: checking: %s: %s",
			 look->node->site, err_code_name(code), err->text);
}

static struct seen_head *seen_head_of(struct node *node, struct feed_id id)
{
	for (size_t i = 0; i < node->seen_count; i++) {
		struct seen_head *seen = &node->seen[i];

		if (seen->id.site == id.site && seen->id.epoch == id.epoch &&
		    seen->id.branch == id.branch)
			return seen;
	}
	if (node->seen_count == SIM_FEEDS_MAX)
		return NULL;
	node->seen[node->seen_count] = (struct seen_head){.id = id};
	return &node->seen[node->seen_count++];
}

/* I1, I12: a head moves forward or stays, and what it was is still there. */
static enum err_code head_check(void *context, const struct feed_record *feed,
				struct err *err)
{
	struct looking *look = context;
	struct seen_head *seen = seen_head_of(look->node, feed->id);
	uint8_t hash[HASH_SIZE];
	enum err_code code;

	if (seen == NULL)
		return err_set(err, ERR_FULL, "more than %d feeds",
			       SIM_FEEDS_MAX);
	code = check_standing(look, feed, seen, err);
	if (code == ERR_OK && seen->folded != feed_folded(feed))
		code = check_sums(look, feed, err);
	seen->folded = feed_folded(feed);
	if (seen->seq == feed->seq || code != ERR_OK)
		return code;
	/* After a fork branch 0 is what all branches share. */
	if (feed->seq < seen->seq && feed->state == FEED_FORKED) {
		seen->seq = 0;
		return ERR_OK;
	}
	if (feed->seq < seen->seq)
		sim_fail(look->sim,
			 "I1: site %u: feed %u.%u went back from %" PRIu64
			 " to %" PRIu64,
			 look->node->site, feed->id.site, feed->id.epoch,
			 seen->seq, feed->seq);
	if (seen->seq > 0) {
		code = feed_hash_at(look->view, feed->id, seen->seq, hash, err);
		if (code == ERR_OK &&
		    memcmp(hash, seen->hash, sizeof(hash)) != 0)
			sim_fail(look->sim,
				 "I1: site %u: feed %u.%u has another delta "
				 "%" PRIu64 " than it had",
				 look->node->site, feed->id.site,
				 feed->id.epoch, seen->seq);
	}
	seen->seq = feed->seq;
	memcpy(seen->hash, feed->hash, sizeof(seen->hash));
	return code;
}

/* ---- a step ---- */

void check_step(struct node *node)
{
	struct sim *sim = node->sim;
	struct looking look = {.sim = sim, .node = node};
	struct view *view;
	struct err err;
	enum err_code code;

	if (node->is_up && sim_is_sound(sim))
		check_waiting(node);
	if (!node->is_up || !node->is_unchecked || !sim_is_sound(sim))
		return;
	node->is_unchecked = false;
	code = view_begin(ledger_env(node->ledger), &view, &err);
	if (code == ERR_OK) {
		look.view = view;
		code = feed_walk(view, NULL, head_check, &look, &err);
		if (code == ERR_OK)
			code = check_control(&look, &err);
		if (code == ERR_OK)
			code = check_own_sums(&look, &err);
		if (code == ERR_OK && sim->totals.checks++ % BOUNDS_EVERY == 0)
			code = check_bounds(&look, &err);
		view_end(view);
	}
	check_read(&look, code, &err);
}

/* ---- agreement ---- */

/* What counts of all feeds, and what is not sealed, after the last commit. */
static bool vector_of(struct node *node)
{
	struct looking look = {.sim = node->sim, .node = node};
	struct view *view;
	struct err err;
	enum err_code code;

	if (!node->is_undigested)
		return true;
	code = view_begin(ledger_env(node->ledger), &view, &err);
	if (code == ERR_OK) {
		look.view = view;
		code = check_counted(&look, &node->counted, &node->is_over,
				     &err);
		if (code == ERR_OK)
			code = feed_unsealed(view, node->site, &node->unsealed,
					     &err);
		view_end(view);
	}
	check_read(&look, code, &err);
	node->is_undigested = code != ERR_OK;
	return code == ERR_OK;
}

/* Sealing, and not about to begin an epoch. */
static bool is_in_its_epoch(const struct node *node)
{
	return node->incarnation.phase == INCARNATION_WATCHING &&
	       !exchange_was_set_back(node->exchange);
}

/* What others have of its past is to come into its book, or it has yet to say
 * that it is there. */
static bool is_regaining(const struct node *node)
{
	const struct regaining *regaining = &node->regaining;

	return node->self.epoch > 1 && !node->is_over &&
	       (regaining->is_due ||
		(regaining->is_open && regaining->held > 0));
}

bool check_is_settled(struct sim *sim)
{
	for (size_t i = 0; i < sim->node_count; i++) {
		struct node *node = &sim->nodes[i];

		if (!node->is_up || !is_in_its_epoch(node) ||
		    exchange_is_late(node->exchange) || !vector_of(node) ||
		    is_regaining(node) ||
		    ((node->unsealed > 0 || node->has_news) &&
		     !node->is_over) ||
		    node->counted != sim->nodes[0].counted)
			return false;
	}
	return true;
}

/* I3: the same deltas, the same balances, whatever the order they came in. */
struct agreeing {
	struct looking look;
	const struct view *other_view;
	const struct node *other;
};

static enum err_code digest_check(void *context, const struct feed_record *feed,
				  struct err *err)
{
	struct agreeing *agreeing = context;
	struct sim *sim = agreeing->look.sim;
	uint8_t ours[HASH_SIZE];
	uint8_t theirs[HASH_SIZE];
	enum err_code code;

	if (feed->counted <= feed->base)
		return ERR_OK;
	code = feed_digest(agreeing->look.view, sim->net_id, feed->id, ours,
			   err);
	if (code == ERR_OK)
		code = feed_digest(agreeing->other_view, sim->net_id, feed->id,
				   theirs, err);
	if (code == ERR_OK && memcmp(ours, theirs, sizeof(ours)) != 0)
		sim_fail(sim,
			 "I3: sites %u and %u have other balances of feed "
			 "%u.%u at %" PRIu64,
			 agreeing->look.node->site, agreeing->other->site,
			 feed->id.site, feed->id.epoch, feed->seq);
	return code;
}

static void agreement_check(struct sim *sim, struct node *a, struct node *b)
{
	struct agreeing agreeing = {{sim, a, NULL}, NULL, b};
	struct view *view;
	struct view *other;
	struct err err;
	enum err_code code = view_begin(ledger_env(a->ledger), &view, &err);

	if (code == ERR_OK) {
		code = view_begin(ledger_env(b->ledger), &other, &err);
		if (code == ERR_OK) {
			agreeing.look.view = view;
			agreeing.other_view = other;
			code = feed_walk(view, NULL, digest_check, &agreeing,
					 &err);
			view_end(other);
		}
		view_end(view);
	}
	check_read(&agreeing.look, code, &err);
}

/* ---- I8: nothing lost, nothing invented ---- */

struct reckoning {
	struct looking look;
	struct rows *rows;
	bool is_counting;  /* the delta counts */
	bool has_recount;  /* the restored site is asked to count */
	bool is_recounted; /* and the one with another box in its place */
	struct check_endings endings;
};

static void recount_reckon(struct reckoning *reckoning, uint32_t site,
			   const struct entry *entry)
{
	if (entry->kind != ENTRY_TASK ||
	    !span_is(reason_span(&entry->body.task.reason), RECOUNT_REASON))
		return;
	reckoning->has_recount |= site == reckoning->look.sim->restored_site;
	reckoning->is_recounted |= site == reckoning->look.sim->replaced_site;
}

static void entry_reckon(struct reckoning *reckoning, struct feed_id id,
			 struct pos pos, const struct entry_bytes *bytes)
{
	struct sim *sim = reckoning->look.sim;
	struct span span = {(const char *)bytes->data, bytes->size};
	struct fact told = {.site = id.site};
	struct fact *fact = NULL;
	struct entry entry;

	if (id.site < SIM_SITE_HQ)
		return; /* HQ's word */
	if (truth_read(span, pos, &told, &entry))
		fact = truth_find(&sim->truth, id.site, told.pos, told.hash);
	if (fact == NULL) {
		sim_fail(sim,
			 "I8: site %u holds an entry %u.%u.%" PRIu64
			 " (%s, first at %u.%" PRIu64 ") that never happened",
			 reckoning->look.node->site, id.site, pos_epoch(pos),
			 pos_number(pos), entry_kind_name(entry.kind),
			 pos_epoch(told.pos), pos_number(told.pos));
		return;
	}
	fact->is_found |= reckoning->is_counting;
	recount_reckon(reckoning, id.site, &entry);
}

static enum err_code delta_reckon(struct reckoning *reckoning,
				  const struct feed_record *feed, uint64_t seq,
				  struct err *err)
{
	struct feed_id id = feed->id;
	UNINITIALIZED struct entry_bytes bytes;
	struct reader reader;
	struct delta delta;
	enum err_code code =
		feed_delta(reckoning->look.view, id, seq, &delta, err);

	if (code != ERR_OK)
		return code;
	if ((delta.header.flags & DELTA_SEGMENT_START) != 0)
		rows_reset(reckoning->rows);
	reader_init(&reader, delta.rows.data, delta.rows.size);
	for (uint32_t i = 0; i < delta.header.row_count; i++) {
		struct pos pos = pos_make(id.epoch, delta.header.first + i);

		if (rows_read(reckoning->rows, pos, &reader, &bytes) !=
		    ERR_OK) {
			sim_fail(reckoning->look.sim,
				 "feed %u.%u, delta %" PRIu64
				 ": row %u does not read",
				 id.site, id.epoch, seq, i);
			return ERR_OK;
		}
		entry_reckon(reckoning, id, pos, &bytes);
	}
	return ERR_OK;
}

static enum err_code feed_reckon(void *context, const struct feed_record *feed,
				 struct err *err)
{
	struct reckoning *reckoning = context;
	enum err_code code = ERR_OK;

	if (feed->id.site == reckoning->look.sim->liar.site)
		return ERR_OK; /* it never happened */
	rows_reset(reckoning->rows);
	for (uint64_t seq = 1; seq <= feed->seq && code == ERR_OK; seq++) {
		reckoning->is_counting = seq <= feed->counted;
		code = delta_reckon(reckoning, feed, seq, err);
	}
	return code;
}

static enum err_code row_reckon(void *context, const struct journal_row *row,
				struct err *err)
{
	struct reckoning *reckoning = context;
	const struct looking *look = &reckoning->look;
	struct fact told = {.site = look->node->site};
	struct fact *fact = NULL;
	struct entry entry;

	(void)err;
	if (truth_read(row->bytes, row->pos, &told, &entry)) {
		fact = truth_find(&look->sim->truth, told.site, told.pos,
				  told.hash);
		recount_reckon(reckoning, look->node->site, &entry);
	}
	if (fact != NULL)
		fact->is_waiting = true;
	return ERR_OK;
}

/* A box that goes on in a life which HQ ended, or that has no say any more,
 * tells nobody: what it journals waits there for people, and so does what it
 * asks them to count. */
static void over_reckon(struct reckoning *reckoning, struct node *node)
{
	struct node *teller = reckoning->look.node;
	struct view *view;
	struct err err;
	enum err_code code = view_begin(ledger_env(node->ledger), &view, &err);

	reckoning->look.node = node;
	if (code == ERR_OK) {
		code = journal_walk(view, pos_make(1, 1), row_reckon, reckoning,
				    &err);
		view_end(view);
	}
	check_read(&reckoning->look, code, &err);
	reckoning->look.node = teller;
}

static bool check_is_out(const struct sim *sim, uint32_t site)
{
	const struct node *node = &sim->nodes[site - SIM_SITE_HQ];

	return node->was_ended || node->is_over;
}

/* What nobody has was on a medium that was lost, and is to be counted again. */
static void lost_check(struct sim *sim, const struct reckoning *reckoning)
{
	uint64_t lost = 0;
	uint64_t burnt = 0;

	for (size_t i = 0; i < sim->truth.count; i++) {
		const struct fact *fact = &sim->truth.facts[i];

		if (fact->is_found || fact->again.value != 0)
			continue;
		if (fact->is_waiting ||
		    check_is_ended(&reckoning->endings, fact) ||
		    check_is_unheard(&reckoning->endings, fact)) {
			sim->totals.ended++;
			continue;
		}
		lost += fact->site != sim->replaced_site;
		burnt += fact->site == sim->replaced_site;
		if (!fact->may_be_lost)
			sim_fail(sim,
				 "I8: entry %u.%u.%" PRIu64
				 " is nowhere, and no medium was lost with it",
				 fact->site, pos_epoch(fact->pos),
				 pos_number(fact->pos));
	}
	if (lost > 0 && sim->has_evidence && !reckoning->has_recount)
		sim_fail(sim,
			 "I8: %" PRIu64
			 " entries are lost, and nobody is asked "
			 "to count site %u",
			 lost, sim->restored_site);
	/* One that HQ ended tells nobody. */
	if (burnt > 0 && !reckoning->is_recounted &&
	    !check_is_out(sim, sim->replaced_site))
		sim_fail(sim,
			 "I8: %" PRIu64 " entries burnt with a box, and nobody "
			 "is asked to count site %u",
			 burnt, sim->replaced_site);
	sim->totals.lost += lost + burnt;
}

static void truth_check(struct sim *sim, struct node *node)
{
	struct reckoning reckoning = {.look = {sim, node, NULL}};
	struct view *view;
	struct err err;
	enum err_code code = rows_open(&reckoning.rows, &err);

	truth_seek(&sim->truth);
	if (code == ERR_OK)
		code = view_begin(ledger_env(node->ledger), &view, &err);
	if (code == ERR_OK) {
		reckoning.look.view = view;
		code = feed_walk(view, NULL, feed_reckon, &reckoning, &err);
		if (code == ERR_OK)
			code = check_endings_find(&reckoning.look,
						  &reckoning.endings, &err);
		view_end(view);
	}
	rows_close(reckoning.rows);
	check_read(&reckoning.look, code, &err);
	for (size_t i = 0; i < sim->node_count && sim_is_sound(sim); i++)
		if (sim->nodes[i].is_up && sim->nodes[i].is_over)
			over_reckon(&reckoning, &sim->nodes[i]);
	if (sim_is_sound(sim))
		lost_check(sim, &reckoning);
}

/* ---- the end ---- */

void check_end(struct sim *sim)
{
	struct node *node =
		&sim->nodes[random_below(&sim->random, sim->node_count)];

	for (size_t i = 1; i < sim->node_count && sim_is_sound(sim); i++)
		agreement_check(sim, &sim->nodes[0], &sim->nodes[i]);
	if (sim_is_sound(sim))
		check_roster(sim);
	if (sim_is_sound(sim))
		check_words(sim);
	/* They hold the same deltas by hash: one stands for all, as far as
	 * feeds go. */
	if (sim_is_sound(sim))
		truth_check(sim, node);
	if (sim_is_sound(sim))
		check_book(sim);
	if (sim_is_sound(sim))
		check_transfers(sim);
	if (sim_is_sound(sim))
		check_audits(sim, node);
}

/* ---- for whoever has to find out ---- */

void check_explain(const struct node *node)
{
	struct sync_feed_status feed;
	struct sync_refusal refusal;

	if (!node->is_up)
		return;
	printf("site %u: %s%s%s%s%s%s unsealed %" PRIu64 "\n", node->site,
	       node->is_up ? "up" : "down",
	       node->is_up && is_in_its_epoch(node) ? "" : ", between epochs",
	       node->is_up && exchange_is_late(node->exchange) ? ", late" : "",
	       node->has_news ? ", has news" : "",
	       node->is_over ? ", over" : "",
	       node->counted == node->sim->nodes[0].counted ? "" : ", differs",
	       node->unsealed);
	for (size_t i = 0; sync_feed_at(node->sync, i, &feed); i++)
		printf("  feed %u.%u.%016" PRIx64 " %s seq %" PRIu64
		       " counted %" PRIu64 " offered %" PRIu64
		       " source %.*s pending %u stuck "
		       "%" PRIu64 " %s\n",
		       feed.record.id.site, feed.record.id.epoch,
		       feed.record.id.branch,
		       feed_state_name(feed.record.state), feed.record.seq,
		       feed.record.counted, feed.offered, (int)feed.source.size,
		       feed.source.data, feed.pending, feed.stuck_seq,
		       feed.stuck_seq != 0 ? admission_name(feed.stuck) : "");
	for (size_t i = 0; sync_refusal_at(node->sync, i, &refusal) && i < 5;
	     i++)
		printf("  refused %u.%u seq %" PRIu64 ": %s, from %.*s\n",
		       refusal.feed.site, refusal.feed.epoch, refusal.seq,
		       admission_name(refusal.reason), (int)refusal.peer.size,
		       refusal.peer.data);
}
