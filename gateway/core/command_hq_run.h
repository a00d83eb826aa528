/*
 * command_hq_run - a command that HQ asked for.
 *
 * Layer     gateway/core, inside the engine only
 * Threads   the keeper
 */
#ifndef DEPOT_GATEWAY_CORE_COMMAND_HQ_RUN_H
#define DEPOT_GATEWAY_CORE_COMMAND_HQ_RUN_H

#include "gateway/core/act.h"
#include "gateway/core/command.h"

/*
 * Runs @command, which writes, as @act's actor: HQ's control feed is its right,
 * so no account is looked for. What is wrong with the request is in the reply,
 * and then nothing was written. Errors as engine_step.
 */
MUST_CHECK enum err_code command_run_for_hq(struct engine *engine,
					    struct act *act,
					    const struct command *command,
					    struct err *err);

#endif
