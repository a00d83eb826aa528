/*
 * task - who took a task, and what came of it.
 *
 * Layer     gateway/core, inside the engine only
 * Threads   the keeper
 */
#ifndef DEPOT_GATEWAY_CORE_TASK_H
#define DEPOT_GATEWAY_CORE_TASK_H

#include "gateway/core/state.h"

/*
 * A message on task/@rest: "{id}/claim/{account}" or "{id}/done/{account}".
 * Of a site check done has the answers, {"answers": [...], "note": "..."}.
 * The broker's access list binds the account. What is no such thing is parked.
 */
MUST_CHECK enum err_code on_task(struct intake *intake, struct span rest,
				 struct err *err);

/*
 * Moves the task @id to @state for @account.
 * ERR_NOT_FOUND  there is no such task
 * ERR_CONFLICT   it is done or cancelled already
 */
MUST_CHECK enum err_code task_move(struct act *act, struct span id,
				   enum task_state state, struct span account,
				   struct err *err);

#endif
