/*
 * on_command - commands and queries that come as messages.
 *
 * Layer     gateway/core, inside the engine only
 * Threads   the keeper
 *
 * cmd/{account}/{name} takes {"v", "id", "args"?}; MQTT hides the publisher,
 * so the account stands in the topic and the broker's access list binds it.
 * The reply goes to res/{account}/{name}/{id} as {"v", "id", "result"} or
 * {"v", "id", "error"}: what the control socket would have said; or to the
 * sender's own MQTT 5 Response Topic, if that lies under res/{account}/, and
 * with its Correlation Data. A list's page is as long as a message may be. An
 * id that cannot be read is "none".
 */
#ifndef DEPOT_GATEWAY_CORE_ON_COMMAND_H
#define DEPOT_GATEWAY_CORE_ON_COMMAND_H

#include "gateway/core/answers.h"
#include "gateway/core/state.h"

/* True if @rest, what follows cmd/, is an account and a command. */
bool command_topic_is_valid(struct span rest);

/* Errors as engine_step. */
MUST_CHECK enum err_code on_command(struct intake *intake, struct span rest,
				    struct answers *answers, struct err *err);

/* Replies that the store is full. */
void on_command_full(struct engine *engine, const struct message *message,
		     struct span rest, struct answers *answers);

#endif
