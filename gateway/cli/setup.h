/*
 * setup - init, and the configuration.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_SETUP_H
#define DEPOT_GATEWAY_CLI_SETUP_H

#include "gateway/cli/cli.h"

extern const struct verb setup_verbs[];

#endif
