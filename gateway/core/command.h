/*
 * command - what people and integrators may ask the ledger to do.
 *
 * Layer     gateway/core
 * Threads   command_run: the keeper; query_run: any, on a view
 *
 * One table names every command, who may use it and what it takes; the CLI's
 * help, the control socket and the cmd topics all go by it. Commands write
 * (through the keeper, as the named account, in the journal for ever); queries
 * read a view.
 *
 * Both take a JSON object and give one, never longer than the buffer: lists
 * come in pages ("next" is what to give as "after"). A failure is
 * {"error": {"code", "text_en", "text_zh"}}.
 */
#ifndef DEPOT_GATEWAY_CORE_COMMAND_H
#define DEPOT_GATEWAY_CORE_COMMAND_H

#include "gateway/core/engine.h"
#include "gateway/core/event.h"
#include "gateway/ingest/json_out.h"
#include "rules/ledger/entry.h"
#include "store/ledger.h"

/* Result of a command or query is at most this long. */
#define REPLY_SIZE_MAX (256 * 1024)

enum command_effect {
	COMMAND_QUERY, /* reads a view */
	COMMAND_WRITE, /* changes the ledger */
};

struct command_spec {
	const char *name; /* "item.import" */
	enum command_effect effect;
	uint32_t roles; /* bits of enum role; one of them is needed; 0: any */
	const char *help_en;
	const char *help_zh;
};

/* The table, sorted by name. NULL if there is no such command. */
const struct command_spec *command_find(struct span name);
const struct command_spec *command_table(size_t *ret_count);

/*
 * Runs a command that writes. What is wrong with the request is in the reply
 * (its "error"), and then nothing was written.
 * Errors as engine_step.
 */
MUST_CHECK enum err_code command_run(struct engine *engine, struct batch *batch,
				     const struct command *command,
				     struct err *err);

/* Runs a query on @view. Errors only of the store. */
MUST_CHECK enum err_code query_run(struct engine *engine,
				   const struct view *view,
				   const struct command *command,
				   struct err *err);

#endif
