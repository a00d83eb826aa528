/*
 * close - depot close, depot wipe: a warehouse ends, and its box is handed
 * back.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_CLOSE_H
#define DEPOT_GATEWAY_CLI_CLOSE_H

#include "gateway/cli/cli.h"

extern const struct verb close_verbs[];

enum exit_code wipe_run(struct cli *cli);

#endif
