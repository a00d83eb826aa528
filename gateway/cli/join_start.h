/*
 * join_start - what comes behind a join, in the same command: the box is
 * started, now and at each boot, and has a scanner.
 *
 * Layer     programs
 * Threads   the program's one, before any other
 */
#ifndef DEPOT_GATEWAY_CLI_JOIN_START_H
#define DEPOT_GATEWAY_CLI_JOIN_START_H

#include "gateway/cli/cli.h"

/*
 * Runs @join; and where that went well, or HQ has only not answered yet, what
 * --start and --device ask for. @join is a child then: it becomes the ledger's
 * owner, and starting needs root. Debian's own broker, which has the port, is
 * stopped only if the person says so, or --yes.
 */
MUST_CHECK enum exit_code join_start(struct cli *cli,
				     enum exit_code (*join)(struct cli *cli));

#endif
