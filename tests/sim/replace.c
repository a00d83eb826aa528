/*
 * A box burns, with its disk and its keys, and another one takes its place: it
 * has nothing of the site's book but what the others have of it, over its links
 * or by sticks.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/core/carry.h"
#include "gateway/core/hq_join.h"
#include "gateway/sync/join.h"
#include "store/journal.h"
#include "store/joining.h"
#include "store/pack.h"
#include "store/seal.h"
#include "store/site.h"
#include "tests/sim/node_parts.h"

#define HOUR_MS UINT64_C(3600000)
#define NEW_KEY "joining.key"

/* What becomes of the new box, until it is there. */
struct arriving {
	struct node *node;
	char store[SIM_PATH_SIZE];
	struct ledger *ledger;
	uint8_t public_key[KEY_PUBLIC_SIZE];
	struct join_answer answer;
};

/* ---- at HQ ---- */

static void ask_make(const struct arriving *arriving,
		     const struct join_code *code, struct join_frame *ask)
{
	memset(ask, 0, sizeof(*ask));
	ask->type = JOIN_ASK;
	ask->number = code->number;
	ask->body.ask.epoch = 1;
	ask->body.ask.boot = 1;
	seal_random(ask->body.ask.nonce, JOIN_NONCE_SIZE);
	memcpy(ask->body.ask.public_key, arriving->public_key, KEY_PUBLIC_SIZE);
}

static enum err_code admitted(struct arriving *arriving, struct batch *batch,
			      const struct join_code *code, bool *ret_is,
			      struct err *err)
{
	const struct node *hq = &arriving->node->sim->nodes[0];
	struct span secret = {(const char *)code->secret, sizeof(code->secret)};
	uint8_t bytes[JOIN_FRAME_SIZE_MAX];
	uint8_t answer[JOIN_FRAME_SIZE_MAX];
	uint8_t key[JOIN_KEY_SIZE];
	struct join_frame frame;
	struct writer writer;
	size_t size = 0;
	enum err_code result;

	*ret_is = false;
	join_key(code->number, secret, key);
	ask_make(arriving, code, &frame);
	writer_init(&writer, bytes, sizeof(bytes));
	join_write(&writer, &frame, key);
	result = hq_join(&hq->hq, batch,
			 (struct span){(const char *)bytes, writer.size},
			 answer, &size, err);
	if (result == ERR_OK && size > 0)
		result = join_read((struct span){(const char *)answer, size},
				   key, &frame);
	if (result != ERR_OK || size == 0 || frame.type != JOIN_ANSWER)
		return result;
	arriving->answer = frame.body.answer;
	*ret_is = true;
	return ERR_OK;
}

/* Its people invite the box and take it in. False: they can't just now. */
static bool hq_welcome(struct arriving *arriving)
{
	struct node *hq = &arriving->node->sim->nodes[0];
	struct invite invite = {.site = arriving->node->name,
				.expires_ms =
					(uint64_t)node_clock(hq).ms + HOUR_MS};
	struct batch *batch = node_begin(hq);
	struct join_code code;
	bool is_welcome = false;
	struct err err;
	enum err_code result;

	if (batch == NULL)
		return false;
	result = hq_invite(&hq->hq, batch, &invite, &code, &err);
	if (result == ERR_OK)
		result = admitted(arriving, batch, &code, &is_welcome, &err);
	if (result != ERR_OK || !is_welcome) {
		batch_abandon(batch);
		feed_desk_abandon(hq->desk);
		if (result != ERR_AGAIN && result != ERR_CONFLICT)
			(void)went(hq, result, &err, "welcome");
		return false;
	}
	if (!node_commit(hq, batch))
		return false;
	hq->has_grown = true;
	node_turn(hq);
	return true;
}

/* ---- the new box ---- */

static bool box_make(struct arriving *arriving)
{
	struct node *node = arriving->node;
	struct ledger_plan plan = {.map_size = NODE_MAP_SIZE,
				   .now = node_clock(node),
				   .clock_trusted = true};
	char folder[FILE_PATH_SIZE];
	struct err err;

	FITS(text_format(arriving->store, sizeof(arriving->store), "%s/again",
			 node->folder));
	FITS(name_set(&plan.founding.org, SPAN_LITERAL("nobody")));
	FITS(name_set(&plan.founding.site, SPAN_LITERAL("bare")));
	FITS(ref_set(&plan.founding.timezone, SPAN_LITERAL("UTC")));
	return went(node, ledger_create(arriving->store, &plan, &err), &err,
		    "bare box") &&
	       went(node,
		    ledger_open(arriving->store, ENV_WRITE, &arriving->ledger,
				&err),
		    &err, "open") &&
	       went(node, ledger_keys_folder(arriving->store, folder, &err),
		    &err, "keys") &&
	       went(node,
		    keys_make(folder, NEW_KEY, arriving->public_key, &err),
		    &err, "key");
}

/* It has the number of its epoch now. */
static bool key_name(const struct arriving *arriving)
{
	char folder[FILE_PATH_SIZE];
	char name[KEY_NAME_SIZE];
	char from[FILE_PATH_SIZE];
	char to[FILE_PATH_SIZE];

	keys_epoch_name(arriving->answer.epoch, name);
	return ledger_keys_folder(arriving->store, folder, NULL) == ERR_OK &&
	       file_path(folder, NEW_KEY, from, NULL) == ERR_OK &&
	       file_path(folder, name, to, NULL) == ERR_OK &&
	       rename(from, to) == 0;
}

static bool box_join(struct arriving *arriving)
{
	struct node *node = arriving->node;
	const struct join_answer *answer = &arriving->answer;
	struct founding founding = {.org = answer->org,
				    .site = answer->name,
				    .timezone = answer->timezone};
	struct joining_plan plan = {
		.epoch = {.epoch = answer->epoch,
			  .now = node_clock(node),
			  .clock_trusted = true,
			  .joins = &founding},
		.site = answer->site,
		.succession = {.parent_epoch = answer->parent_epoch,
			       .reason = SUCCESSION_REPLACED}};
	uint64_t carried;
	struct err err;

	memcpy(founding.net_id, answer->net_id, NET_ID_SIZE);
	memcpy(plan.epoch.public_key, arriving->public_key, KEY_PUBLIC_SIZE);
	if (!key_name(arriving)) {
		sim_fail(node->sim, "site %u: no key", node->site);
		return false;
	}
	if (!went(node, joining_open(arriving->ledger, &plan, &carried, &err),
		  &err, "join"))
		return false;
	node_furnish(node, arriving->ledger);
	return sim_is_sound(node->sim);
}

/* All that the old one had is gone; its people and their scanner are not. */
static void box_swap(struct arriving *arriving)
{
	struct node *node = arriving->node;
	struct sim *sim = node->sim;

	if (node->is_up)
		node_crash(node);
	truth_set_back(&sim->truth, node->index, (struct pos){0});
	(void)unlink(node->guard);
	FITS(text_format(node->store, sizeof(node->store), "%s",
			 arriving->store));
	/* What the bare box founded for itself is nobody's news. */
	node->told = pos_make(1, 1);
	node->seen_count = 0;
	node->control_seen.epoch = 0;
	node->control_seen.counted = 0;
	sim->replaced_site = node->site;
	sim_log(sim, node, "is replaced, as epoch %" PRIu32,
		arriving->answer.epoch);
	node_start(node);
}

/* HQ knows it as it was, and nobody did anything to it that takes more. */
static bool may_be_replaced(const struct sim *sim, const struct node *node)
{
	return sim->replaced_site == SITE_NONE && !node->is_hq &&
	       !node->is_clone && !node->was_ended && !node->is_over &&
	       !sim->image.is_there && sim->restored_site == SITE_NONE;
}

bool box_replace(struct sim *sim, struct node *node)
{
	struct node *hq = &sim->nodes[0];
	struct arriving arriving = {.node = node};
	bool is_welcome;

	if (!may_be_replaced(sim, node))
		return false;
	if (!hq->is_up)
		node_start(hq);
	is_welcome = sim_is_sound(sim) && box_make(&arriving) &&
		     hq_welcome(&arriving) && box_join(&arriving);
	ledger_close(arriving.ledger);
	if (is_welcome)
		box_swap(&arriving);
	return is_welcome;
}

/* ---- taking the book back, as depotd's envoy does it ---- */

bool regain_open(struct node *node)
{
	struct view *view;
	struct err err;
	enum err_code code = view_begin(ledger_env(node->ledger), &view, &err);

	if (code == ERR_OK) {
		code = regaining_begin(&node->regaining, node->site, view,
				       &err);
		view_end(view);
	}
	return went(node, code, &err, "regaining");
}

static enum regaining_job regain_look(struct node *node)
{
	struct regaining_now now = {.ms = sync_moment(node).ms,
				    .links = node_links(node)};
	enum regaining_job job = REGAINING_NOTHING;
	struct view *view;
	struct err err;
	enum err_code code = view_begin(ledger_env(node->ledger), &view, &err);

	if (code == ERR_OK) {
		code = regaining_look(&node->regaining, node->sync, view, &now,
				      &job, &err);
		view_end(view);
	}
	return went(node, code, &err, "regain") ? job : REGAINING_NOTHING;
}

void regain_turn(struct node *node)
{
	while (node->is_up && sim_is_sound(node->sim) &&
	       !exchange_was_set_back(node->exchange) &&
	       regain_look(node) != REGAINING_NOTHING) {
		struct batch *batch = node_begin(node);
		struct regaining_done done;
		struct err err;

		if (batch == NULL)
			return;
		if (!went(node,
			  regaining_run(&node->regaining, node->sim->net_id,
					batch, &err),
			  &err, "regain")) {
			batch_abandon(batch);
			return;
		}
		if (!node_commit(node, batch))
			return;
		regaining_finish(&node->regaining, true, sync_moment(node).ms,
				 &done);
		node->sim->totals.retaken += done.regained;
		sim_log(node->sim, node, "regains %" PRIu64 "%s%s",
			done.regained, done.is_caught_up ? ", all" : "",
			done.is_told ? ", and says so" : "");
	}
}

/* ---- sticks ---- */

struct stick {
	struct node *from;
	struct node *to;
	const struct view *view;
	uint64_t taken;
};

/* Through the same checks as any other pack. False: it goes no further. */
static bool delta_take(struct stick *stick, const struct feed_record *feed,
		       uint64_t seq)
{
	struct node *to = stick->to;
	struct delta delta;
	enum admission admission = ADMISSION_GAP;
	struct batch *batch = node_begin(to);
	struct err err;
	enum err_code code;

	if (batch == NULL)
		return false;
	code = feed_delta(stick->view, feed->id, seq, &delta, &err);
	if (code == ERR_OK)
		code = feed_judge(batch_view(batch), to->sim->net_id, &delta,
				  feed->id.branch, &admission, &err);
	if (code == ERR_OK && admission == ADMISSION_APPLIED)
		code = feed_admit(to->desk, batch_txn(batch), feed->id, &delta,
				  &admission, &err);
	if (code != ERR_OK || admission != ADMISSION_APPLIED) {
		batch_abandon(batch);
		feed_desk_abandon(to->desk);
		(void)went(to, code, &err, "stick");
		return false;
	}
	stick->taken++;
	return node_commit(to, batch);
}

/* The feeds that are no branches and not the box's own: those have ways of
 * their own (the exchange's). */
static enum err_code feed_take(void *context, const struct feed_record *feed,
			       struct err *err)
{
	struct stick *stick = context;
	struct node *to = stick->to;
	struct feed_record here = {.seq = 0};
	struct view *view;
	enum err_code code;

	if (feed->id.branch != 0 || feed->state == FEED_FORKED ||
	    (feed->id.site == to->site && feed->id.epoch >= to->self.epoch) ||
	    (to->is_hq && feed->id.site < SIM_SITE_HQ) || !to->is_up)
		return ERR_OK;
	code = view_begin(ledger_env(to->ledger), &view, err);
	if (code != ERR_OK)
		return code;
	code = feed_get(view, feed->id, &here, err);
	view_end(view);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	for (uint64_t seq = code == ERR_OK ? here.seq + 1 : 1;
	     seq <= feed->seq && to->is_up; seq++)
		if (!delta_take(stick, feed, seq))
			break;
	return ERR_OK;
}

bool stick_carry(struct sim *sim, struct node *from, struct node *to)
{
	struct stick stick = {.from = from, .to = to};
	struct view *view;
	struct err err;
	enum err_code code;

	if (from == to || !from->is_up || !to->is_up ||
	    exchange_was_set_back(to->exchange))
		return false;
	code = view_begin(ledger_env(from->ledger), &view, &err);
	if (code == ERR_OK) {
		stick.view = view;
		code = feed_walk(view, NULL, feed_take, &stick, &err);
		view_end(view);
	}
	(void)went(from, code, &err, "stick");
	if (stick.taken == 0)
		return false;
	sim_log(sim, to, "takes %" PRIu64 " deltas by stick from %u",
		stick.taken, from->site);
	if (!to->is_up)
		return true;
	to->has_news = to->has_come = true;
	WITH_SYNC(to, sync_carried(to->sync, &step, sync_err));
	node_turn(to);
	return true;
}
