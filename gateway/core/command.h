/*
 * command - what people and integrators may ask the ledger to do.
 *
 * Layer     gateway/core
 * Threads   command_run: the keeper; query_run: any, each with a desk of its
 *           own
 *
 * One table names every command, who may use it and what it takes; the
 * control socket, the cmd topics and the CLI all go by it. Commands write
 * (through the keeper, as the named account, in the journal for ever); queries
 * read a view.
 *
 * Both take a JSON object and write one; docs/commands.md has each of them. A
 * query's reply says as of when, and lists come in pages: "next", where
 * present, is what to give as "after" for the next page, so a list is as long
 * as the reply's buffer allows. A command may have an "id" of its sender's
 * making: sent again, it acts once and gets the same reply. What is wrong with
 * the request is a reply too:
 *   {"error": {"code": "unknown_item", "text_en": "...", "text_zh": "..."}}
 */
#ifndef DEPOT_GATEWAY_CORE_COMMAND_H
#define DEPOT_GATEWAY_CORE_COMMAND_H

#include "gateway/core/event.h"
#include "gateway/core/site_age.h"
#include "gateway/core/spec.h"
#include "gateway/ingest/json_out.h"
#include "rules/ledger/entry.h"
#include "store/ledger.h"

struct engine; /* core/engine.h */

/* A reply never needs more. */
#define REPLY_SIZE_MAX (256 * 1024)

/* The longest arguments; what is longer comes as a file. */
#define ARGUMENTS_SIZE_MAX PAYLOAD_IN_SIZE_MAX

/* NULL if there is no such command. */
const struct command_spec *command_find(struct span name);
/* All of them, by name. */
const struct command_spec *command_at(size_t index, size_t *ret_count);

/*
 * Runs a command that writes. What is wrong with the request is in the reply,
 * and then nothing was written. Errors as engine_step.
 */
MUST_CHECK enum err_code command_run(struct engine *engine, struct batch *batch,
				     const struct command *command,
				     struct err *err);

/* True for what may be a command's id: it stands in topics. */
bool command_id_is_valid(struct span id);

/*
 * Runs a command or query that came as a message, {"v", "id", "args"}, in the
 * keeper's batch: what command_run and query_run do. The id is required;
 * *@ret_id is empty if none could be read. The caller commits, whatever the
 * reply says, and looks whether the reply has had room.
 */
MUST_CHECK enum err_code command_take(struct engine *engine,
				      struct batch *batch,
				      const struct command *command,
				      struct ref *ret_id, struct err *err);

/* A thread's working memory for queries. */
struct desk;
/* ERR_FULL: out of memory. */
MUST_CHECK enum err_code desk_open(struct desk **ret_desk, struct err *err);
void desk_close(struct desk *desk);
/* The site's time zone, borrowed, for what is due next; without it queries do
 * not say that. */
struct zone;
void desk_zone(struct desk *desk, const struct zone *zone);

/* Who tells how old sites are; without it queries go by the stamps of their
 * last deltas. */
void desk_ages(struct desk *desk, site_age_fn *age, void *context);

/* Runs a query on @view as of @now (0: the clock cannot be trusted; then as_of
 * is null). Errors only of the store. */
MUST_CHECK enum err_code query_run(struct desk *desk, const struct view *view,
				   struct moment now,
				   const struct command *command,
				   struct err *err);

#endif
