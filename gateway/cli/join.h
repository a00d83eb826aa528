/*
 * join - depot join: a bare box becomes a site.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_JOIN_H
#define DEPOT_GATEWAY_CLI_JOIN_H

#include "gateway/cli/cli.h"

extern const struct verb join_verbs[];

#endif
