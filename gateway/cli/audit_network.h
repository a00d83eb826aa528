/*
 * audit_network - depot audit --network.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_AUDIT_NETWORK_H
#define DEPOT_GATEWAY_CLI_AUDIT_NETWORK_H

#include "gateway/cli/cli.h"

/* Reads the store's files, beside a daemon too: it takes no turn of the
 * daemon's, and can crash without harm. */
enum exit_code audit_network(struct cli *cli);

#endif
