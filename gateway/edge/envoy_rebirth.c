/*
 * What becomes of a box that was set back: core/incarnation.h, driven by the
 * envoy and the keeper.
 */
#include <inttypes.h>

#include "gateway/edge/envoy_guard.h"
#include "gateway/edge/envoy_parts.h"

/* ---- what peers show ---- */

/* Our own feed goes on elsewhere; it is shown again and again. */
static void self_found(struct envoy *envoy, const struct sync_finding *finding)
{
	bool was_known;

	if (!incarnation_found(&envoy->incarnation, envoy->self.epoch,
			       finding)) {
		if (!envoy->is_twin_told)
			log_event(envoy->config.log, LEVEL_ALERT, "twin_found",
				  "another box goes on under this site's name, "
				  "in epoch %" PRIu32
				  ": HQ has to say which one stays",
				  finding->feed.epoch);
		envoy->is_twin_told = true;
		return;
	}
	was_known = exchange_was_set_back(envoy->exchange);
	exchange_found(envoy->exchange, finding);
	voice_found(&envoy->voice, finding, was_known);
	envoy_words_turn(envoy);
	if (!was_known)
		log_event(envoy->config.log, LEVEL_ALERT, "set_back",
			  "epoch %" PRIu32 ", delta %" PRIu64
			  " of this site, shown by %.*s, is not here",
			  finding->feed.epoch, finding->seq,
			  (int)finding->peer.size, finding->peer.data);
}

void envoy_found(void *context, const struct sync_finding *finding)
{
	struct envoy *envoy = context;

	if (finding->kind == SYNC_FOUND_SELF) {
		self_found(envoy, finding);
		return;
	}
	exchange_found(envoy->exchange, finding);
	log_event(envoy->config.log, LEVEL_ALERT, "fork_found",
		  "site %" PRIu32 ", epoch %" PRIu32 ", delta %" PRIu64
		  ", shown by %.*s",
		  finding->feed.site, finding->feed.epoch, finding->seq,
		  (int)finding->peer.size, finding->peer.data);
}

/* ---- a new epoch ---- */

enum err_code envoy_rebirth_run(void *context, struct batch *batch,
				struct err *err)
{
	struct envoy *envoy = context;
	struct clock_reading now = clock_now(envoy->config.clock);
	struct incarnation_port port = epoch_keys_port(&envoy->keys);
	struct incarnation_run run = {
		.ledger = envoy->config.ledger,
		.port = &port,
		.now = now.moment,
		.clock_trusted = now.is_trusted,
	};

	(void)batch; /* it has transactions of its own */
	return incarnation_run(&envoy->incarnation, &run, err);
}

static uint64_t lost_count(const struct succession *succession)
{
	return succession->lost_first == 0
		       ? 0
		       : succession->lost_last - succession->lost_first + 1;
}

void envoy_rebirth_finish(struct envoy *envoy)
{
	struct incarnation_result result;
	struct view *view;
	struct err err;

	if (!incarnation_finish(&envoy->incarnation, envoy->exchange,
				envoy->sync, envoy_moment(envoy).ms, &result))
		return;
	envoy->self = (struct sync_self){.epoch = result.epoch,
					 .signer = result.signer};
	log_event(envoy->config.log, LEVEL_ALERT, "succession",
		  "epoch %" PRIu32 " goes on from delta %" PRIu64
		  " of epoch %" PRIu32 ": %" PRIu64
		  " entries came back, %" PRIu64 " are told again, %" PRIu64
		  " are known to be lost; HQ has "
		  "to certify it, and all has to be counted again",
		  result.epoch, result.succession.parent_seq,
		  result.succession.parent_epoch, result.regained,
		  result.carried, lost_count(&result.succession));
	if (view_begin(ledger_env(envoy->config.ledger), &view, &err) !=
	    ERR_OK) {
		envoy_failed(envoy, "guard", &err);
		return;
	}
	envoy_guard_keep(&envoy->config, view);
	view_end(view);
	envoy_words_turn(envoy);
}

bool envoy_is_reborn(struct envoy *envoy)
{
	struct incarnation_now now = {.ms = envoy_moment(envoy).ms,
				      .links = envoy_links(envoy),
				      .self = envoy->self};

	if (incarnation_look(&envoy->incarnation, envoy->exchange, envoy->sync,
			     &now) != INCARNATION_DUE)
		return false;
	if (!envoy_job_give(envoy, &envoy->rebirth))
		envoy_rebirth_finish(envoy);
	return true;
}
