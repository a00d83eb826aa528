/*
 * keep - keeping the store: audit, verify, rebuild, resize, backup, restore.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_KEEP_H
#define DEPOT_GATEWAY_CLI_KEEP_H

#include "gateway/cli/cli.h"

extern const struct verb keep_verbs[];

#endif
