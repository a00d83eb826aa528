/*
 * direct - the store without its daemon, under its lock.
 *
 * Layer     programs
 * Threads   one
 *
 * What asks directly is what the daemon would run: core's commands and
 * queries. Who may open the store's files is trusted to say who acts.
 */
#ifndef DEPOT_GATEWAY_CLI_DIRECT_H
#define DEPOT_GATEWAY_CLI_DIRECT_H

#include "gateway/config.h"
#include "gateway/core/command.h"
#include "store/ledger.h"

struct direct;

/*
 * Opens the configured store. For writing root becomes the store's owner
 * first, for good, so that no file of the store is root's afterwards.
 * Errors as ledger_open.
 */
MUST_CHECK enum err_code direct_open(const struct config *config,
				     enum env_mode mode,
				     struct direct **ret_direct,
				     struct err *err);
/* Takes NULL. */
void direct_close(struct direct *direct);

struct ledger *direct_ledger(struct direct *direct);
/* NULL unless it is open for writing. */
struct feed_desk *direct_feeds(struct direct *direct);

/*
 * Runs a query, or a command and its commit. @command's account is set to the
 * one that acts: @account, or if that is empty the one of the user.
 *
 * ERR_NOT_FOUND  no account belongs to the user
 * else as query_run, engine_step, batch_commit
 */
MUST_CHECK enum err_code direct_run(struct direct *direct,
				    const struct command_spec *spec,
				    struct command *command,
				    struct span account, struct err *err);

/*
 * Takes @payload as a reading of @device, and writes what it would be
 * answered into @buffer of PAYLOAD_OUT_SIZE_MAX bytes; *@ret_size is 0 if
 * nothing is.
 */
MUST_CHECK enum err_code direct_scan(struct direct *direct, struct span device,
				     struct span payload, char *buffer,
				     size_t *ret_size, struct err *err);

/* The user on whose behalf this runs: of sudo, if root got here that way. */
uint64_t direct_uid(void);

/*
 * If root runs this: becomes the owner of what lies at @path, or, where
 * nothing does, of the folder that it is to lie in. Later calls do nothing.
 * ERR_IO  the system refused
 */
MUST_CHECK enum err_code direct_become_owner(const char *path, struct err *err);

#endif
