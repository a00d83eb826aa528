#include "gateway/edge/envoy_guard.h"

#include "store/guard.h"

void envoy_guard_keep(const struct envoy_config *config,
		      const struct view *view)
{
	const struct founding *identity = ledger_identity(config->ledger);
	struct guard guard;
	struct err err;
	enum err_code code =
		guard_of(view, identity->net_id, config->site, &guard, &err);

	if (code == ERR_NOT_FOUND)
		return; /* nothing is sealed yet */
	if (code == ERR_OK)
		code = guard_write(config->guard, &guard, &err);
	if (code != ERR_OK)
		log_event(config->log, LEVEL_ERROR, "guard_failed", "%s",
			  err.text);
}

static enum err_code verdict_of(const struct envoy_config *config,
				const struct view *view,
				struct incarnation_config *ret_config,
				struct err *err)
{
	const struct founding *identity = ledger_identity(config->ledger);
	enum err_code seen =
		guard_read(config->guard, &ret_config->guard, NULL);
	struct guard now = {.site = config->site};
	enum err_code code =
		guard_of(view, identity->net_id, config->site, &now, err);

	ret_config->has_guard = seen == ERR_OK;
	ret_config->verdict = GUARD_MISSING;
	if (code == ERR_OK && seen == ERR_OK)
		return guard_judge(view, &ret_config->guard, &now,
				   &ret_config->verdict, err);
	if (code != ERR_NOT_FOUND)
		return code;
	if (seen == ERR_NOT_FOUND)
		ret_config->verdict = GUARD_SAME;
	else if (seen == ERR_OK)
		ret_config->verdict = GUARD_ROLLBACK;
	return ERR_OK;
}

enum err_code envoy_guard_look(const struct envoy_config *config,
			       struct incarnation *incarnation, struct err *err)
{
	struct incarnation_config given = {
		.site = config->site, .has_no_links = config->has_no_links};
	enum guard_verdict verdict;
	struct view *view;
	enum err_code code = view_begin(ledger_env(config->ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = verdict_of(config, view, &given, err);
	if (code == ERR_OK)
		code = incarnation_begin(incarnation, &given, view, err);
	view_end(view);
	if (code != ERR_OK)
		return code;
	verdict = incarnation_verdict(incarnation);
	if (verdict != GUARD_SAME)
		log_event(config->log,
			  verdict == GUARD_ROLLBACK ? LEVEL_ALERT
						    : LEVEL_WARNING,
			  "guard",
			  "%s: this site's feed does not go on before peers "
			  "have been heard",
			  guard_verdict_name(verdict));
	return ERR_OK;
}
