/*
 * What HQ's people do: they certify, choose, revoke, fence and close, and have
 * the root speak again. All of it goes through the engine's commands, but for
 * the root's word, which needs the root's key (hq_renew).
 */
#include "gateway/core/command.h"
#include "gateway/core/hq.h"
#include "gateway/core/hq_root.h"
#include "gateway/core/hq_parents.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gateway/ingest/json_out.h"
#include "rules/ledger/transfer.h"
#include "store/heir.h"
#include "tests/sim/check_parts.h"
#include "tests/sim/node_parts.h"

#define ARGUMENTS_ROOM 400
/* Writing off, until nothing is in the way. */
#define CLEARINGS_MAX 32

/* ---- HQ's keys ---- */

/* They follow from the schedule's seed and the epoch. */
static struct signer *key_of(const struct sim *sim, uint8_t purpose,
			     uint32_t epoch)
{
	uint8_t seed[32] = {purpose, (uint8_t)epoch};
	struct signer *signer;
	struct err err;
	uint64_t number = sim->schedule.seed;

	memcpy(seed + 2, &number, sizeof(number));
	if (signer_of_seed(seed, &signer, &err) != ERR_OK)
		return NULL;
	return signer;
}

void hq_close(struct node *hq)
{
	signer_close(hq->control);
	signer_close(hq->master);
	hq->control = NULL;
	hq->master = NULL;
}

static void keys_take(struct node *node, uint32_t control, uint32_t master)
{
	hq_close(node);
	node->control = key_of(node->sim, 1, control);
	node->master = key_of(node->sim, 2, master);
	node->hq.control_epoch = control;
	node->hq.master_epoch = master;
	node->hq.control = node->control;
	node->hq.master = node->master;
}

void hq_open(struct node *node)
{
	struct certificate master = {.epoch = 1};
	struct root root = {.epoch = 1};
	struct view *view;
	struct err err;
	enum err_code code = view_begin(ledger_env(node->ledger), &view, &err);

	if (code == ERR_OK) {
		code = roster_root(view, &root, &err);
		if (code == ERR_OK)
			code = roster_site(view, SITE_MASTER, &master, &err);
		view_end(view);
	}
	if (code != ERR_OK && code != ERR_NOT_FOUND) {
		(void)went(node, code, &err, "HQ's epochs");
		return;
	}
	node->hq = (struct hq){.identity = ledger_identity(node->ledger),
			       .desk = node->desk,
			       .boot = node->boot,
			       .voice = &node->hq_voice};
	keys_take(node, root.epoch, master.epoch);
}

/* ---- founding ---- */

static struct entry certificate_of(const struct batch *batch, uint32_t site,
				   const struct name *name,
				   const uint8_t *public_key)
{
	struct entry entry;

	entry_init(&entry, ENTRY_CERTIFICATE);
	entry.body.certificate = hq_certificate(batch, site, SITE_ROLE_SITE);
	entry.body.certificate.name = *name;
	memcpy(entry.body.certificate.public_key, public_key, KEY_PUBLIC_SIZE);
	return entry;
}

/* Of each site, and of the liar, whom HQ knows no better. */
static void certificates_make(const struct sim *sim, const struct batch *batch,
			      struct hq_word *word)
{
	const struct liar *liar = &sim->liar;

	for (size_t i = 1; i < sim->node_count; i++) {
		const struct node *site = &sim->nodes[i];

		word->entries[word->count++] = certificate_of(
			batch, site->site, &site->name,
			ledger_identity(site->ledger)->public_key);
	}
	if (liar->site != SITE_NONE)
		word->entries[word->count++] =
			certificate_of(batch, liar->site, &liar->name,
				       signer_public(liar->signer));
}

static enum err_code root_open(const struct node *hq, struct signer **ret_root,
			       struct err *err)
{
	char folder[FILE_PATH_SIZE];
	enum err_code code = ledger_keys_folder(hq->store, folder, err);

	return code == ERR_OK ? signer_open(folder, "root.key", ret_root, err)
			      : code;
}

static bool commission(struct node *hq, struct batch *batch)
{
	struct entry entries[SIM_NODES_MAX + 1];
	struct hq_word word = {.entries = entries};
	struct signer *root = NULL;
	struct err err;
	enum err_code code = root_open(hq, &root, &err);

	if (code == ERR_OK)
		code = hq_found(&hq->hq, batch, root, &err);
	signer_close(root);
	certificates_make(hq->sim, batch, &word);
	atomic_store(&hq->hq_voice, HQ_SPEAKS); /* these are its first words */
	if (code == ERR_OK)
		code = hq_say(&hq->hq, batch, &word, NULL, &err);
	return went(hq, code, &err, "commission");
}

void node_commission(struct node *hq)
{
	struct batch *batch = node_begin(hq);

	if (batch == NULL)
		return;
	if (!commission(hq, batch)) {
		batch_abandon(batch);
		return;
	}
	if (node_commit(hq, batch)) {
		hq->has_grown = true;
		words_vouch(hq);
	}
	node_turn(hq);
}

/* ---- asking a box ---- */

bool node_ask(struct node *node, const char *command, const char *arguments)
{
	static char reply[REPLY_SIZE_MAX];
	struct json_out out;
	struct event event = {.kind = EVENT_COMMAND,
			      .at = node_clock(node),
			      .clock_trusted = node->clock.is_trusted};
	struct command *asked = &event.body.command;
	struct batch *batch;
	struct err err;
	enum err_code code;

	if (!node->is_up || (batch = node_begin(node)) == NULL)
		return false;
	out_init(&out, reply, sizeof(reply));
	FITS(name_set(&asked->account, SPAN_LITERAL(SIM_ACCOUNT)));
	asked->name = span_of(command);
	asked->arguments = span_of(arguments);
	asked->reply = &out;
	answers_reset(node->answers);
	code = engine_step(node->engine, batch, &event, node->answers, &err);
	if (code != ERR_OK || !engine_wrote(node->engine)) {
		batch_abandon(batch);
		feed_desk_abandon(node->desk);
		(void)went(node, code, &err, command);
		return false;
	}
	sim_log(node->sim, node, "%s %s", command, arguments);
	if (!node_commit(node, batch))
		return true;
	words_keep(node);
	node->has_grown = node->is_hq;
	node->has_news |= node->is_hq;
	node_turn(node);
	return true;
}

PRINTF_LIKE(3, 4)
static bool ask_with(struct node *node, const char *command, const char *format,
		     ...)
{
	char arguments[ARGUMENTS_ROOM];
	va_list list;
	int size;

	va_start(list, format);
	size = vsnprintf(arguments, sizeof(arguments), format, list);
	va_end(list);
	ASSERT(size >= 0 && (size_t)size < sizeof(arguments));
	return node_ask(node, command, arguments);
}

/* ---- by itself ---- */

/* What depotd's tick does at HQ. */
void hq_turn(struct node *hq)
{
	struct batch *batch;
	uint32_t count = 0;
	struct err err;
	enum err_code code;

	if (!hq->is_up || !hq->is_hq || !hq->has_come)
		return;
	hq->has_come = false;
	batch = node_begin(hq);
	if (batch == NULL)
		return;
	code = hq_parents_end(&hq->hq, batch, &count, &err);
	if (code == ERR_OK && count > 0) {
		sim_log(hq->sim, hq, "ends %u", count);
		if (node_commit(hq, batch))
			hq->has_grown = true;
		return;
	}
	batch_abandon(batch);
	feed_desk_abandon(hq->desk);
	if (code != ERR_AGAIN)
		(void)went(hq, code, &err, "parents");
}

/* ---- certifying and choosing ---- */

/* One of those that wait, each as likely. */
struct draw {
	struct node *hq;
	const struct view *view;
	uint64_t count;
	struct heir heir;
	struct feed_id branch;
};

static bool is_drawn(struct draw *lot)
{
	return random_below(&lot->hq->sim->random, ++lot->count) == 0;
}

static enum err_code heir_draw(void *context, const struct heir *heir,
			       struct err *err)
{
	struct draw *lot = context;
	struct certificate certificate;
	enum err_code code = roster_certificate(lot->view, heir->site,
						heir->epoch, &certificate, err);

	if (code == ERR_NOT_FOUND && is_drawn(lot))
		lot->heir = *heir;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code branch_draw(void *context, const struct feed_record *feed,
				 struct err *err)
{
	struct draw *lot = context;

	(void)err;
	if (feed->id.site >= SITE_FIRST && feed->id.branch != 0 &&
	    feed->state != FEED_FENCED && is_drawn(lot))
		lot->branch = feed->id;
	return ERR_OK;
}

static bool lot_draw(struct draw *lot, bool is_heir)
{
	struct view *view;
	struct err err;
	enum err_code code;

	if (!lot->hq->is_up)
		return false;
	code = view_begin(ledger_env(lot->hq->ledger), &view, &err);
	if (code == ERR_OK) {
		lot->view = view;
		code = is_heir ? heir_walk(view, heir_draw, lot, &err)
			       : feed_walk(view, NULL, branch_draw, lot, &err);
		view_end(view);
	}
	return went(lot->hq, code, &err, "what waits for HQ") && lot->count > 0;
}

static void name_of(const struct sim *sim, uint32_t site,
		    char text[NAME_SIZE_MAX + 1])
{
	const struct name *name =
		site == sim->liar.site ? &sim->liar.name
				       : &sim->nodes[site - SIM_SITE_HQ].name;

	text_print(name_span(name), text, NAME_SIZE_MAX + 1);
}

/* People carry the key where nobody vouches for it. */
static bool succeed(struct node *hq)
{
	char key[2 * KEY_PUBLIC_SIZE + 1];
	char name[NAME_SIZE_MAX + 1];
	struct draw lot = {.hq = hq};

	if (!lot_draw(&lot, true))
		return false;
	for (size_t i = 0; i < KEY_PUBLIC_SIZE; i++)
		(void)snprintf(key + 2 * i, 3, "%02x", lot.heir.public_key[i]);
	name_of(hq->sim, lot.heir.site, name);
	if (lot.heir.is_vouched)
		return ask_with(hq, "hq.succeed",
				"{\"site\":\"%s\",\"epoch\":%" PRIu32 "}", name,
				lot.heir.epoch);
	return ask_with(hq, "hq.succeed",
			"{\"site\":\"%s\",\"epoch\":%" PRIu32
			",\"key\":\"%s\"}",
			name, lot.heir.epoch, key);
}

static bool choose(struct node *hq, bool is_dropped)
{
	char name[NAME_SIZE_MAX + 1];
	struct draw lot = {.hq = hq};

	if (!lot_draw(&lot, false))
		return false;
	name_of(hq->sim, lot.branch.site, name);
	return ask_with(hq, "hq.choose",
			"{\"site\":\"%s\",\"epoch\":%" PRIu32
			",\"branch\":\"%016" PRIx64
			"\",\"drop\":%s,\"reason\":\"" SIM_ENDED "\"}",
			name, lot.branch.epoch, lot.branch.branch,
			is_dropped ? "true" : "false");
}

/* ---- ending ---- */

static bool site_end(struct node *hq, const char *command, uint32_t site)
{
	struct sim *sim = hq->sim;
	char name[NAME_SIZE_MAX + 1];

	name_of(sim, site, name);
	if (!ask_with(hq, command,
		      "{\"site\":\"%s\",\"reason\":\"" SIM_ENDED "\"}", name))
		return false;
	if (site != sim->liar.site)
		sim->nodes[site - SIM_SITE_HQ].was_ended = true;
	return true;
}

/* What is between @node and a neighbour is said to be out, or is settled. */
static void way_settle(struct node *node, struct node *other)
{
	uint32_t last = 0;

	for (size_t i = 0; i < 2; i++) {
		last = node->loading[i] > last ? node->loading[i] : last;
		last = other->loading[i] > last ? other->loading[i] : last;
	}
	for (uint32_t number = 1; number <= 2 * last + 2; number++) {
		struct transfer_id out = {node->site, other->site, number};
		struct transfer_id in = {other->site, node->site, number};
		char text[TRANSFER_ID_PRINT_SIZE];

		transfer_id_print(&out, text);
		(void)ask_with(node, "transfer.ship", "{\"transfer\":\"%s\"}",
			       text);
		transfer_id_print(&in, text);
		(void)ask_with(other, "transfer.ship", "{\"transfer\":\"%s\"}",
			       text);
		(void)ask_with(node, "transfer.close", "{\"transfer\":\"%s\"}",
			       text);
	}
	/* Nobody loads these trucks any more. */
	for (size_t i = 0; i < 2; i++)
		node->loading[i] = other->loading[i] = last + 1;
}

/* Its people settle what is under way, write off what is left, and close it. */
static bool leave(struct node *node)
{
	struct sim *sim = node->sim;
	uint32_t sites = sim->schedule.node_count;

	/* Not a site whose disk is in doubt: nobody closes that before it has
	 * been counted. */
	if (check_is_doubtful(sim, node->site))
		return false;
	way_settle(node, &sim->nodes[(node->index + 1) % sites]);
	way_settle(node, &sim->nodes[(node->index + sites - 1) % sites]);
	for (unsigned i = 0; i < CLEARINGS_MAX; i++)
		if (!node_ask(node, "site.clear", "{\"reason\":\"over\"}"))
			break;
	return node_ask(node, "site.close", "{}");
}

/* ---- the root ---- */

static bool renew_say(struct node *node, struct batch *batch)
{
	uint32_t control = node->hq.control_epoch;
	uint32_t master = node->hq.master_epoch;
	struct hq_renewed renewed;
	struct signer *root = NULL;
	struct err err;
	enum err_code code = root_open(node, &root, &err);

	keys_take(node, control + 1, master + 1);
	if (code == ERR_OK)
		code = hq_renew(&node->hq, batch, root, &renewed, &err);
	signer_close(root);
	if (code != ERR_OK && code != ERR_AGAIN)
		(void)went(node, code, &err, "renew");
	if (code != ERR_OK)
		return false;
	sim_log(node->sim, node, "control %" PRIu32 " ends with delta %" PRIu64,
		renewed.before, renewed.seq);
	return true;
}

/* A person who has nothing but the root key left. */
static bool is_behind(struct node *node)
{
	enum hq_silence silence = HQ_SILENCE_NONE;
	struct view *view;
	struct err err;
	enum err_code code = view_begin(ledger_env(node->ledger), &view, &err);

	if (code == ERR_OK) {
		code = hq_silence_of(&node->hq, view, &silence, &err);
		view_end(view);
	}
	return went(node, code, &err, "is it behind") &&
	       (silence == HQ_SILENCE_BEHIND || silence == HQ_SILENCE_ROOT);
}

/* The daemon is stopped for it, as the command wants it. */
static bool renew(struct node *node, bool is_whim)
{
	struct batch *batch;
	bool is_said;

	if (!node->is_up || (!is_whim && !is_behind(node)) ||
	    (batch = node_begin(node)) == NULL)
		return false;
	is_said = renew_say(node, batch);
	if (!is_said) {
		batch_abandon(batch);
		feed_desk_abandon(node->desk);
	} else if (!node_commit(node, batch)) {
		return true;
	} else {
		words_vouch(node);
	}
	node_stop(node);
	if (sim_is_sound(node->sim))
		node_start(node);
	return is_said;
}

/* ---- which act ---- */

bool hq_act(struct sim *sim, const struct action *action)
{
	struct node *hq = &sim->nodes[0];
	struct node *node = &sim->nodes[action->node == 0 ? 1 : action->node];
	uint32_t site = node->site;

	/* Whoever wants something of a box switches it on. */
	if (!hq->is_up)
		node_start(hq);
	if (action->kind == ACTION_LEAVE && !node->is_up)
		node_start(node);

	switch (action->kind) {
	case ACTION_SUCCEED:
		return succeed(hq);
	case ACTION_CHOOSE:
		return choose(hq, action->amount == 1);
	case ACTION_REVOKE:
		if (action->amount == 1 && sim->liar.site != SITE_NONE)
			site = sim->liar.site;
		return site_end(hq, "hq.revoke", site);
	case ACTION_FENCE:
		return site_end(hq, "hq.fence", site);
	case ACTION_CLOSE:
		return site_end(hq, "hq.close", site);
	case ACTION_LEAVE:
		return leave(node);
	case ACTION_RENEW:
		return renew(hq, action->amount == 1);
	case ACTION_MASTER:
	case ACTION_PROPOSE:
	case ACTION_ADOPT:
	case ACTION_ASK:
		return words_act(sim, action);
	case ACTION_REPLACE:
		return box_replace(sim, node);
	case ACTION_STICK:
		return stick_carry(sim, &sim->nodes[action->amount],
				   &sim->nodes[action->node]);
	case ACTION_WORK:
	case ACTION_CUT:
	case ACTION_HEAL:
	case ACTION_NOTICE:
	case ACTION_PARTITION:
	case ACTION_BROKER_RESTART:
	case ACTION_CRASH:
	case ACTION_START:
	case ACTION_CLOCK_JUMP:
	case ACTION_CLOCK_STUCK:
	case ACTION_CLOCK_SET:
	case ACTION_AGAIN:
	case ACTION_GARBAGE:
	case ACTION_LIE:
	case ACTION_IMAGE:
	case ACTION_RESTORE:
	case ACTION_CLONE:
		break;
	}
	return false;
}
