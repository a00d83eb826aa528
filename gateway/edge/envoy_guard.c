#include "gateway/edge/envoy_guard.h"

#include "store/guard.h"

struct guard_place envoy_guard_place(const struct envoy_config *config)
{
	return (struct guard_place){config->guard,
				    ledger_identity(config->ledger)->net_id,
				    config->site};
}

void envoy_guard_keep(const struct envoy_config *config,
		      const struct view *view)
{
	struct guard_place place = envoy_guard_place(config);
	struct err err;

	if (guard_save(&place, view, &err) != ERR_OK)
		log_event(config->log, LEVEL_ERROR, "guard_failed", "%s",
			  err.text);
}

enum err_code envoy_guard_look(const struct envoy_config *config,
			       struct incarnation *incarnation,
			       struct guard_memory *ret_memory, struct err *err)
{
	struct incarnation_config given = {
		.site = config->site, .has_no_links = config->has_no_links};
	struct guard_place place = envoy_guard_place(config);
	enum guard_verdict verdict;
	struct view *view;
	enum err_code code = view_begin(ledger_env(config->ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = guard_recall(&place, view, &given.memory, err);
	if (code == ERR_OK)
		code = incarnation_begin(incarnation, &given, view, err);
	view_end(view);
	if (code != ERR_OK)
		return code;
	*ret_memory = given.memory;
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
