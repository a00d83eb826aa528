/*
 * The lives of a box: its keys, its start guard, and what becomes of it when
 * its disk was set back (core/incarnation.h), as depotd's envoy does it.
 */
#include <inttypes.h>
#include <string.h>

#include "store/file.h"
#include "store/journal.h"
#include "store/seal.h"
#include "tests/sim/node_parts.h"

/* ---- keys ---- */

static enum err_code key_make(void *context, uint32_t after,
			      uint32_t *ret_epoch,
			      uint8_t ret_public[KEY_PUBLIC_SIZE],
			      struct err *err)
{
	const struct node *node = context;
	char folder[FILE_PATH_SIZE];
	char name[KEY_NAME_SIZE];
	uint64_t drawn;
	uint32_t last = 0;
	enum err_code code = ledger_keys_folder(node->store, folder, err);

	if (code == ERR_OK)
		code = keys_epoch_last(folder, &last, err);
	if (code != ERR_OK)
		return code;
	seal_random(&drawn, sizeof(drawn));
	*ret_epoch = incarnation_epoch(last > after ? last : after, drawn);
	keys_epoch_name(*ret_epoch, name);
	return keys_make(folder, name, ret_public, err);
}

static enum err_code key_of(void *context, uint32_t epoch,
			    const struct signer **ret_signer, struct err *err)
{
	struct node *node = context;
	char folder[FILE_PATH_SIZE];
	char name[KEY_NAME_SIZE];
	enum err_code code;

	for (size_t i = 0; i < node->key_count; i++) {
		if (node->keys[i].epoch == epoch) {
			*ret_signer = node->keys[i].signer;
			return ERR_OK;
		}
	}
	ASSERT(node->key_count < SIM_KEYS_MAX);
	code = ledger_keys_folder(node->store, folder, err);
	keys_epoch_name(epoch, name);
	if (code == ERR_OK)
		code = signer_open(folder, name,
				   &node->keys[node->key_count].signer, err);
	if (code != ERR_OK)
		return code;
	node->keys[node->key_count].epoch = epoch;
	*ret_signer = node->keys[node->key_count++].signer;
	return ERR_OK;
}

void epochs_close(struct node *node)
{
	for (size_t i = 0; i < node->key_count; i++)
		signer_close(node->keys[i].signer);
	node->key_count = 0;
}

bool epochs_open(struct node *node)
{
	struct journal_head head;
	struct view *view;
	struct err err;
	enum err_code code = view_begin(ledger_env(node->ledger), &view, &err);

	if (code != ERR_OK)
		return went(node, code, &err, "view");
	code = journal_head_get(view, &head, &err);
	view_end(view);
	node->self = (struct sync_self){.epoch = pos_epoch(head.pos)};
	if (code == ERR_OK)
		code = key_of(node, node->self.epoch, &node->self.signer, &err);
	return went(node, code, &err, "the epoch's key");
}

/* ---- the guard ---- */

static struct guard_place guard_place_of(const struct node *node)
{
	return (struct guard_place){node->guard, node->sim->net_id, node->site};
}

bool guard_look(struct node *node)
{
	struct incarnation_config config = {.site = node->site};
	struct guard_place place = guard_place_of(node);
	struct view *view;
	struct err err;
	enum err_code code = view_begin(ledger_env(node->ledger), &view, &err);

	if (code == ERR_OK) {
		code = guard_recall(&place, view, &config.memory, &err);
		if (code == ERR_OK)
			code = incarnation_begin(&node->incarnation, &config,
						 view, &err);
		view_end(view);
	}
	node->memory = config.memory;
	if (code == ERR_OK &&
	    incarnation_verdict(&node->incarnation) != GUARD_SAME)
		sim_log(node->sim, node, "guard: %s",
			guard_verdict_name(
				incarnation_verdict(&node->incarnation)));
	return went(node, code, &err, "guard");
}

void guard_keep(struct node *node)
{
	struct guard_place place = guard_place_of(node);
	struct view *view;
	struct err err;
	enum err_code code = view_begin(ledger_env(node->ledger), &view, &err);

	if (code == ERR_OK) {
		code = guard_save(&place, view, &err);
		view_end(view);
	}
	(void)went(node, code, &err, "guard");
}

/* ---- HQ's words ---- */

static bool is_speaker(const struct node *node)
{
	return node->is_hq && node->ledger != NULL;
}

static void vouch(struct node *node, bool is_sure)
{
	struct guard_place place = guard_place_of(node);
	struct view *view;
	struct err err;
	enum err_code code = view_begin(ledger_env(node->ledger), &view, &err);

	if (code == ERR_OK) {
		code = guard_vouch(&place, view, is_sure, &err);
		view_end(view);
	}
	(void)went(node, code, &err, "guard");
}

void words_vouch(struct node *node)
{
	vouch(node, true);
	node->voice.is_sure = true;
}

void words_keep(struct node *node)
{
	if (is_speaker(node) && voice_is_sure(&node->voice))
		guard_keep(node);
}

void words_begin(struct node *node)
{
	voice_begin(&node->voice, &node->memory, node->is_hq, &node->hq_voice);
	words_turn(node);
	words_keep(node);
	node->self.is_behind = voice_wants_words(&node->voice);
}

void words_turn(struct node *node)
{
	struct voice_now now = {.ms = sync_moment(node).ms,
				.was_set_back =
					exchange_was_set_back(node->exchange),
				.links = node_links(node)};
	enum hq_voice before = node->voice.voice;
	struct sync_counts counts = {.haves_got = 0};
	bool has_turned = false;
	struct view *view;
	struct err err;
	enum err_code code;

	if (!is_speaker(node))
		return;
	if (node->sync != NULL)
		sync_counts(node->sync, &counts);
	now.is_answered = counts.haves_got > 0;
	code = view_begin(ledger_env(node->ledger), &view, &err);
	if (code == ERR_OK) {
		now.view = view;
		code = voice_look(&node->voice, &now, &has_turned, &err);
		view_end(view);
	}
	if (!went(node, code, &err, "words"))
		return;
	if (node->voice.voice != before)
		sim_log(node->sim, node, "voice %d", (int)node->voice.voice);
	if (has_turned)
		vouch(node, voice_is_sure(&node->voice));
	if (node->sync == NULL || now.was_set_back ||
	    node->self.is_behind == voice_wants_words(&node->voice))
		return;
	node->self.is_behind = voice_wants_words(&node->voice);
	sync_self_set(node->sync, &node->self);
}

/* ---- a new epoch ---- */

static bool rebirth_run(struct node *node)
{
	struct incarnation_port port = {node, key_make, key_of};
	struct incarnation_run run = {
		.ledger = node->ledger,
		.port = &port,
		.now = node_clock(node),
		.clock_trusted = node->clock.is_trusted,
	};
	struct err err;
	enum err_code code = incarnation_run(&node->incarnation, &run, &err);

	feed_desk_abandon(node->desk);
	return went(node, code, &err, "a new epoch");
}

bool epochs_turn(struct node *node)
{
	struct incarnation_now now = {.ms = sync_moment(node).ms,
				      .links = node_links(node),
				      .self = node->self};
	struct incarnation_result result;

	if (incarnation_look(&node->incarnation, node->exchange, node->sync,
			     &now) != INCARNATION_DUE ||
	    !rebirth_run(node) ||
	    !incarnation_finish(&node->incarnation, node->exchange, node->sync,
				now.ms, &result))
		return false;
	node->self = (struct sync_self){.epoch = result.epoch,
					.signer = result.signer};
	node->sim->totals.successions++;
	node->sim->totals.regained += result.regained;
	node->sim->totals.carried += result.carried;
	node_committed(node);
	guard_keep(node);
	sim_log(node->sim, node,
		"epoch %" PRIu32 " goes on from %" PRIu32 ", delta %" PRIu64
		": %" PRIu64 " regained, %" PRIu64 " carried",
		result.epoch, result.succession.parent_epoch,
		result.succession.parent_seq, result.regained, result.carried);
	return true;
}
