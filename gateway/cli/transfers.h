/*
 * transfers - goods between sites, and the claims that come of them.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_TRANSFERS_H
#define DEPOT_GATEWAY_CLI_TRANSFERS_H

#include "gateway/cli/cli.h"

extern const struct verb transfer_verbs[];

#endif
