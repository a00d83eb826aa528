/*
 * scan - types as a scanner would.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_SCAN_H
#define DEPOT_GATEWAY_CLI_SCAN_H

#include "gateway/cli/cli.h"

extern const struct verb scan_verbs[];

#endif
