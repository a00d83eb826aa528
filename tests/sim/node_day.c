#include <inttypes.h>
#include <string.h>

#include "rules/ledger/entry.h"
#include "store/journal.h"
#include "tests/sim/disk.h"
#include "tests/sim/node_parts.h"

#define TURN_ROUNDS_MAX 10000
/* Some more than what a commit of this size writes. */
#define CUT_WRITES_MAX 12

/* ---- transactions ---- */

/* After its disk was set back a journal is given what it had. */
static bool is_recovered(struct node *node, const struct fact *fact)
{
	struct fact *known;

	if (node->site != node->sim->restored_site)
		return false;
	known = truth_find(&node->sim->truth, fact->site, fact->pos,
			   fact->hash);
	if (known != NULL)
		known->may_be_lost = false;
	return known != NULL;
}

/* Notes for truth what the commit that is about to be made, or was made,
 * adds. What is told again it knows. */
static enum err_code fact_note(void *context, const struct journal_row *row,
			       struct err *err)
{
	struct node *node = context;
	struct truth *truth = &node->sim->truth;
	struct fact fact = {.site = node->site, .box = node->index};
	struct entry entry;

	(void)err;
	node->told = row->pos;
	if (!truth_read(row->bytes, row->pos, &fact, &entry)) {
		sim_fail(node->sim, "site %u: its journal does not read",
			 node->site);
		return ERR_STOPPED;
	}
	if (fact.pos.value != row->pos.value) {
		fact.again = fact.pos;
		fact.pos = row->pos;
		truth_add(truth, &fact);
		return ERR_OK;
	}
	if (is_recovered(node, &fact))
		return ERR_OK;
	if (entry.kind == ENTRY_MOVEMENT)
		truth_move(truth, &entry.body.movement);
	if (entry.kind == ENTRY_ITEM)
		truth_item(truth, node->site, &entry.body.item);
	node->sim->totals.claims += entry.kind == ENTRY_CLAIM;
	node->sim->totals.entries++;
	truth_add(truth, &fact);
	return ERR_OK;
}

void truth_follow(struct node *node)
{
	struct pos from = {node->told.value + 1};
	struct view *view;
	struct err err;

	if (!went(node, view_begin(ledger_env(node->ledger), &view, &err), &err,
		  "view"))
		return;
	if (node->told.value == 0)
		from = pos_make(1, 1);
	(void)went(node, journal_walk(view, from, fact_note, node, &err), &err,
		   "truth");
	view_end(view);
}

void node_committed(struct node *node)
{
	node->is_unchecked = true;
	node->is_uncounted = true;
	node->is_undigested = true;
	truth_follow(node);
}

/* The disk dies in the middle of it; what it got to, the next start shows. */
static bool commit_cut(struct node *node, struct batch *batch)
{
	struct err err;
	enum err_code code;

	disk_die_after(random_below(&node->sim->random, CUT_WRITES_MAX));
	code = batch_commit(batch, &err);
	sim_log(node->sim, node, "commits: %s", err_code_name(code));
	node->sim->totals.crashes_in_commit++;
	node_crash(node);
	return false;
}

/*
 * Ends a transaction, if the power does not go just now. Returns false if it
 * did: the box is down.
 */
bool node_commit(struct node *node, struct batch *batch)
{
	struct err err;

	if (node->crash == CRASH_BEFORE_COMMIT) {
		batch_abandon(batch);
		node->sim->totals.crashes_in_commit++;
		node_crash(node);
		return false;
	}
	if (node->crash == CRASH_IN_COMMIT)
		return commit_cut(node, batch);
	if (!went(node, batch_commit(batch, &err), &err, "commit"))
		return false;
	feed_desk_committed(node->desk);
	node_committed(node);
	if (node->crash == CRASH_AFTER_COMMIT) {
		node->sim->totals.crashes_in_commit++;
		node_crash(node);
		return false;
	}
	return true;
}

struct batch *node_begin(struct node *node)
{
	struct batch *batch = NULL;
	struct err err;

	if (went(node, batch_begin(node->ledger, &batch, &err), &err, "begin"))
		batch_time(batch, node_clock(node), node->clock.is_trusted);
	return batch;
}

enum exchange_links node_links(const struct node *node)
{
	for (size_t i = 0; i < NET_BROKERS_MAX; i++)
		if (node->sim->net.links[node->index][i].is_up)
			return EXCHANGE_UP;
	return EXCHANGE_ALONE;
}

static bool prepare(struct node *node)
{
	struct sync_now now = sync_moment(node);
	struct exchange_now given = {.ms = now.ms,
				     .utc = now.utc,
				     .is_trusted = now.is_trusted,
				     .links = node_links(node)};
	bool is_due = false;
	struct view *view;
	struct err err;
	enum err_code code = view_begin(ledger_env(node->ledger), &view, &err);

	if (code == ERR_OK) {
		if (node->is_uncounted)
			code = feed_unsealed(view, node->site, &node->unsealed,
					     &err);
		node->is_uncounted = code != ERR_OK;
		given.unsealed = node->unsealed;
		if (code == ERR_OK)
			code = exchange_prepare(node->exchange, view, &given,
						&is_due, &err);
		view_end(view);
	}
	return went(node, code, &err, "prepare") && is_due;
}

/* Begin, work, end: as the keeper does it. False: the box is down. */
static bool exchange_once(struct node *node)
{
	struct batch *batch = node_begin(node);
	struct err err;

	if (batch == NULL)
		return false;
	if (!went(node, exchange_run(node->exchange, batch, &err), &err,
		  "exchange")) {
		batch_abandon(batch);
		return false;
	}
	if (!node_commit(node, batch))
		return false;
	node->has_news |= exchange_admitted(node->exchange) > 0;
	node->has_come |= exchange_admitted(node->exchange) > 0;
	node->sim->totals.sealed += exchange_sealed(node->exchange);
	node->sim->totals.admitted += exchange_admitted(node->exchange);
	sim_log(node->sim, node, "seals %u, admits %u",
		exchange_sealed(node->exchange),
		exchange_admitted(node->exchange));
	/* Before a delta leaves. */
	if (exchange_sealed(node->exchange) > 0)
		guard_keep(node);
	WITH_SYNC(node, exchange_finish(node->exchange, true, node->sync, &step,
					sync_err));
	return true;
}

/* Whatever the engine of peers left to do. */
void node_turn(struct node *node)
{
	unsigned rounds = 0;

	if (node->is_up)
		words_turn(node);
	if (node->is_up && epochs_turn(node))
		words_turn(node);
	if (node->is_up && node->self.epoch > 1)
		regain_turn(node);
	while (node->is_up && sim_is_sound(node->sim) && prepare(node)) {
		if (!exchange_once(node))
			return;
		if (++rounds == TURN_ROUNDS_MAX)
			sim_fail(node->sim, "site %u: never comes to rest",
				 node->site);
	}
	if (node->is_up && node->has_grown && sim_is_sound(node->sim)) {
		node->has_grown = false;
		WITH_SYNC(node, sync_grew(node->sync, &step, sync_err));
	}
}

/* ---- what happens to a box ---- */

void node_link(struct node *node, uint32_t broker, bool is_up)
{
	struct net *net = &node->sim->net;
	struct net_link *link = &net->links[node->index][broker];
	struct sync_link change = {.link = broker, .is_up = is_up};

	if (!link->is_there || link->is_up == is_up || !node->is_up)
		return;
	link->is_up = is_up;
	WITH_SYNC(node, sync_link(node->sync, &step, &change, sync_err));
	if (is_up)
		net_subscribed(net, node->index, broker);
	node_turn(node);
}

void node_frame(struct node *node, const struct net_message *message)
{
	struct sync_in in = {0};

	if (!node->is_up || !sync_topic_read(span_of(message->topic), &in))
		return;
	in.link = message->broker;
	in.is_retained = message->is_retained;
	in.payload =
		(struct span){(const char *)message->payload, message->size};
	WITH_SYNC(node, sync_frame(node->sync, &step, &in, sync_err));
	node_turn(node);
}

void node_tick(struct node *node)
{
	if (!node->is_up)
		return;
	WITH_SYNC(node, sync_tick(node->sync, &step, sync_err));
	hq_turn(node);
	node_turn(node);
	words_take(node);
}
