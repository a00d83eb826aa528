#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "rules/ledger/entry.h"
#include "store/file.h"
#include "store/journal.h"
#include "store/mdbfile.h"
#include "store/site.h"
#include "tests/sim/disk.h"
#include "tests/sim/node_parts.h"

#define ANSWERS_MAX 16

const char *const sim_skus[SIM_SKUS] = {"MUG", "SOAP", "RICE", "TEA"};
const char *const sim_bins[SIM_BINS] = {"A-01", "A-02", "A-03"};

struct moment node_clock(const struct node *node)
{
	int64_t ms = node->sim->now_ms + node->clock.offset_ms;

	if (node->clock.is_stuck)
		ms = node->clock.stuck_ms;
	return (struct moment){ms < 0 ? 0 : ms};
}

bool went(struct node *node, enum err_code code, const struct err *err,
	  const char *what)
{
	if (code == ERR_OK)
		return true;
	sim_fail(node->sim, "site %u: %s: %s: %s", node->site, what,
		 err_code_name(code), err->text);
	return false;
}

struct sync_now sync_moment(const struct node *node)
{
	return (struct sync_now){
		.ms = (uint64_t)(node->sim->now_ms - node->started_ms),
		.utc = node_clock(node),
		.is_trusted = node->clock.is_trusted,
	};
}

/* ---- founding ---- */

static void post(struct node *node, struct batch *batch, struct entry *entry)
{
	struct err err;

	entry->actor.kind = ACTOR_RULE;
	FITS(name_set(&entry->actor.name, SPAN_LITERAL("setup")));
	(void)went(node, batch_post(batch, entry, NULL, &err), &err, "setup");
}

static void furnish(struct node *node, struct batch *batch)
{
	struct entry entry;

	for (size_t i = 0; i < SIM_SKUS; i++) {
		entry_init(&entry, ENTRY_ITEM);
		FITS(sku_set(&entry.body.item.sku, span_of(sim_skus[i])));
		entry.body.item.unit = UNIT_EACH;
		post(node, batch, &entry);
	}
	for (size_t i = 0; i < SIM_BINS; i++) {
		entry_init(&entry, ENTRY_BIN);
		FITS(place_name_set(&entry.body.bin.name,
				    span_of(sim_bins[i])));
		post(node, batch, &entry);
	}
	entry_init(&entry, ENTRY_ACCOUNT);
	FITS(name_set(&entry.body.account.name, SPAN_LITERAL(SIM_ACCOUNT)));
	entry.body.account.roles = ROLE_MANAGER | ROLE_LOGISTICS | ROLE_HQ;
	post(node, batch, &entry);
	entry_init(&entry, ENTRY_DEVICE);
	FITS(name_set(&entry.body.device.name, SPAN_LITERAL(SIM_DEVICE)));
	entry.body.device.kind = DEVICE_SCANNER;
	post(node, batch, &entry);
}

void node_furnish(struct node *node, struct ledger *ledger)
{
	struct batch *batch;
	struct err err;

	if (!went(node, batch_begin(ledger, &batch, &err), &err, "begin"))
		return;
	batch_time(batch, node_clock(node), true);
	furnish(node, batch);
	(void)went(node, batch_commit(batch, &err), &err, "commit");
}

void node_found(struct node *node)
{
	struct ledger_plan plan = {.map_size = NODE_MAP_SIZE,
				   .now = node_clock(node),
				   .clock_trusted = true};
	struct batch *batch;
	struct err err;

	FITS(name_set(&plan.founding.org, SPAN_LITERAL(SIM_ORG)));
	plan.founding.site = node->name;
	FITS(ref_set(&plan.founding.timezone, SPAN_LITERAL("UTC")));
	if (!node->is_hq)
		memcpy(plan.founding.net_id, node->sim->net_id, NET_ID_SIZE);
	if (!went(node, ledger_create(node->store, &plan, &err), &err,
		  "found") ||
	    !went(node,
		  ledger_open(node->store, ENV_WRITE, &node->ledger, &err),
		  &err, "open"))
		return;
	if (node->is_hq)
		memcpy(node->sim->net_id, ledger_identity(node->ledger)->net_id,
		       NET_ID_SIZE);
	if (went(node, batch_begin(node->ledger, &batch, &err), &err,
		 "begin")) {
		batch_time(batch, node_clock(node), true);
		furnish(node, batch);
		(void)went(node,
			   site_number_put(batch_txn(batch), node->site, &err),
			   &err, "number");
		(void)went(node, batch_commit(batch, &err), &err, "commit");
	}
	ledger_close(node->ledger);
	node->ledger = NULL;
}

/* ---- a box's life ---- */

static bool port_send(void *context, const struct sync_out *out)
{
	struct node *node = context;
	char topic[SYNC_TOPIC_SIZE];

	sync_topic_write(out, topic);
	return net_publish(&node->sim->net, node->index, out->link, topic,
			   out->is_retained, out->payload);
}

static bool port_admit(void *context, const struct sync_admit *admit)
{
	struct node *node = context;

	return exchange_admit(node->exchange, admit);
}

static bool port_keep(void *context, const struct peer_row *row)
{
	struct node *node = context;

	return exchange_keep(node->exchange, row);
}

static void port_found(void *context, const struct sync_finding *finding)
{
	struct node *node = context;

	/* Our own feed goes on elsewhere; it is shown again and again. */
	if (finding->kind == SYNC_FOUND_SELF &&
	    !incarnation_found(&node->incarnation, node->self.epoch, finding))
		return;
	if (finding->kind == SYNC_FOUND_SELF)
		voice_found(&node->voice, finding,
			    exchange_was_set_back(node->exchange));
	exchange_found(node->exchange, finding);
	/* I7: nobody is accused who has one disk in one box. */
	if (finding->feed.site != node->sim->suspect_site &&
	    finding->feed.site != node->sim->liar.site &&
	    !(finding->feed.site < SIM_SITE_HQ && node->sim->is_hq_unguarded) &&
	    (finding->kind != SYNC_FOUND_SELF ||
	     finding->feed.site != node->sim->restored_site))
		sim_fail(node->sim,
			 "I7: site %u accuses site %u of delta %" PRIu64,
			 node->site, finding->feed.site, finding->seq);
	sim_log(node->sim, node, "found %d site %u seq %" PRIu64,
		(int)finding->kind, finding->feed.site, finding->seq);
}

static bool sync_begin(struct node *node)
{
	struct sync_config config = {
		.site = node->site,
		.name = node->name,
		.is_hq = node->is_hq,
		.boot = node->boot,
		.seed = node->boot,
		.links_max = NET_BROKERS_MAX,
		.peers_max = 16,
		.feeds_max = 32,
		.waiting_max = 16,
	};
	struct sync_port port = {node, port_send, port_admit, port_keep,
				 port_found};
	struct view *view;
	struct err err;
	enum err_code code;

	memcpy(config.net_id, node->sim->net_id, NET_ID_SIZE);
	code = view_begin(ledger_env(node->ledger), &view, &err);
	if (code == ERR_OK) {
		code = sync_open(&config, &port, view, &node->sync, &err);
		view_end(view);
	}
	if (code == ERR_OK)
		sync_self_set(node->sync, &node->self);
	return went(node, code, &err, "sync");
}

static bool engine_begin(struct node *node)
{
	struct exchange_config config = {
		.site = node->site,
		.boot = node->boot,
		.verdict = incarnation_verdict(&node->incarnation),
		/* Every other box is soon busy: what it folds is late. */
		.gather_rows = node->index % 2 == 1 ? 4 : 0};
	struct engine_plan plan = {
		.parked = {1000, 1000000},
		.session_timeout_ms = 15 * 60 * 1000,
		.observation_keep_ms = 86400000,
		.rfid_hold_ms = 5000,
		.recount_units = 5,
		.recount_percent = 20,
		.hq = node->is_hq ? &node->hq : NULL,
	};
	struct err err;

	memcpy(config.net_id, node->sim->net_id, NET_ID_SIZE);
	if (!went(node,
		  engine_open(&plan, ledger_identity(node->ledger),
			      &node->engine, &err),
		  &err, "engine") ||
	    !went(node, answers_open(ANSWERS_MAX, &node->answers, &err), &err,
		  "answers") ||
	    !went(node, feed_desk_open(config.net_id, &node->desk, &err), &err,
		  "desk"))
		return false;
	config.desk = node->desk;
	if (!went(node, exchange_open(&config, &node->exchange, &err), &err,
		  "exchange"))
		return false;
	exchange_signer_set(node->exchange, node->self.signer);
	return true;
}

/* I6: what was committed before the power went is there. */
static void durable_check(struct node *node)
{
	struct journal_head head;
	struct view *view;
	struct err err;

	if (!went(node, view_begin(ledger_env(node->ledger), &view, &err), &err,
		  "view"))
		return;
	if (went(node, journal_head_get(view, &head, &err), &err, "head") &&
	    head.pos.value < node->told.value)
		sim_fail(node->sim,
			 "I6: site %u lost entries: it was at %u.%" PRIu64
			 ", and is at %u.%" PRIu64,
			 node->site, pos_epoch(node->told),
			 pos_number(node->told), pos_epoch(head.pos),
			 pos_number(head.pos));
	view_end(view);
}

void node_start(struct node *node)
{
	struct err err;

	ASSERT(!node->is_up);
	node->boot = random_next(&node->sim->random) | 1;
	node->started_ms = node->sim->now_ms;
	node->crash = CRASH_NONE;
	if (!went(node,
		  ledger_open(node->store, ENV_WRITE, &node->ledger, &err),
		  &err, "open") ||
	    !epochs_open(node) || !guard_look(node) || !engine_begin(node))
		return;
	words_begin(node);
	if (!sync_begin(node) || !regain_open(node))
		return;
	if (node->is_hq)
		hq_open(node);
	node->is_up = true;
	node->is_unchecked = true;
	node->is_uncounted = true;
	node->is_undigested = true;
	node->has_news = true;
	node->has_come = true;
	durable_check(node);
	truth_follow(node);
	node->sim->net.is_listening[node->index] = true;
	sim_log(node->sim, node, "starts");
	for (uint32_t broker = 0; broker < NET_BROKERS_MAX; broker++)
		node_link(node, broker, true);
}

/* What is in memory is gone; what was committed is not. */
static void node_drop(struct node *node)
{
	node->is_up = false;
	node->sim->net.is_listening[node->index] = false;
	sync_close(node->sync);
	exchange_close(node->exchange);
	feed_desk_close(node->desk);
	answers_close(node->answers);
	engine_close(node->engine);
	epochs_close(node);
	hq_close(node);
	ledger_close(node->ledger);
	node->sync = NULL;
	node->desk = NULL;
	node->exchange = NULL;
	node->answers = NULL;
	node->engine = NULL;
	node->ledger = NULL;
	for (uint32_t broker = 0; broker < NET_BROKERS_MAX; broker++)
		node->sim->net.links[node->index][broker].is_up = false;
}

void node_crash(struct node *node)
{
	char file[FILE_PATH_SIZE];

	sim_log(node->sim, node, "loses power");
	node_drop(node);
	if (went(node, file_path(node->store, MDBFILE_NAME, file, NULL), NULL,
		 "path"))
		disk_power_cut(file, &node->sim->random);
}

void node_stop(struct node *node)
{
	if (node->is_up)
		node_drop(node);
}
