/*
 * What others have of this box's past comes back: core/regaining.h, driven by
 * the envoy and the keeper.
 */
#include <inttypes.h>

#include "gateway/edge/envoy_parts.h"

enum err_code envoy_regain_run(void *context, struct batch *batch,
			       struct err *err)
{
	struct envoy *envoy = context;
	enum err_code code =
		regaining_run(&envoy->regaining,
			      ledger_identity(envoy->config.ledger)->net_id,
			      batch, err);

	if (code != ERR_OK)
		log_event(envoy->config.log, LEVEL_ERROR, "regain_failed", "%s",
			  err->text);
	return code;
}

void envoy_regain_finish(struct envoy *envoy, bool is_committed)
{
	struct regaining_done done;

	regaining_finish(&envoy->regaining, is_committed,
			 envoy_moment(envoy).ms, &done);
	if (done.is_caught_up && done.regained > 0)
		log_event(envoy->config.log, LEVEL_WARNING, "regained",
			  "%" PRIu64 " entries of this site's past came back "
			  "from others",
			  done.regained);
	if (done.is_told)
		log_event(envoy->config.log, LEVEL_ALERT, "taken_over",
			  "the book of the box before is here up to delta "
			  "%" PRIu64 " of epoch %" PRIu32 ", sealed at %" PRId64
			  " ms: what it had not told anybody by then is lost, "
			  "and all has to be counted again",
			  done.parent_seq, done.parent_epoch,
			  stamp_moment(done.parent_stamp).ms);
}

bool envoy_regains(struct envoy *envoy)
{
	struct regaining_now now = {.ms = envoy_moment(envoy).ms,
				    .links = envoy_links(envoy)};
	enum regaining_job job = REGAINING_NOTHING;
	struct view *view;
	struct err err;
	enum err_code code;

	if (exchange_was_set_back(envoy->exchange))
		return false;
	code = view_begin(ledger_env(envoy->config.ledger), &view, &err);
	if (code == ERR_OK) {
		code = regaining_look(&envoy->regaining, envoy->sync, view,
				      &now, &job, &err);
		view_end(view);
	}
	if (code != ERR_OK) {
		envoy_failed(envoy, "regain", &err);
		return false;
	}
	if (job == REGAINING_NOTHING)
		return false;
	if (!envoy_job_give(envoy, &envoy->regain)) {
		envoy_regain_finish(envoy, false);
		return false;
	}
	return true;
}
