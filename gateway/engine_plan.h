/*
 * engine_plan - what the engine is told of the configuration.
 *
 * Layer     programs: the daemon, and the CLI where no daemon runs
 * Threads   any; pure
 */
#ifndef DEPOT_GATEWAY_ENGINE_PLAN_H
#define DEPOT_GATEWAY_ENGINE_PLAN_H

#include "gateway/config.h"
#include "gateway/core/engine.h"

static inline struct engine_plan engine_plan_of(const struct config *config)
{
	return (struct engine_plan){
		.parked = {config->store.parked_max_count,
			   config->store.parked_max_bytes},
		.session_timeout_ms =
			(int64_t)config->scanner.session_timeout_ms,
		.observation_keep_ms =
			(int64_t)config->store.observation_hours * 3600000,
		.rfid_hold_ms = (int64_t)config->rfid.hold_ms,
		.recount_units =
			(int64_t)config->scanner.blind_recount_threshold,
		.recount_percent = config->scanner.blind_recount_percent,
	};
}

#endif
