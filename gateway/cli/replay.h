/*
 * replay - a recorded day on a store of its own.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_REPLAY_H
#define DEPOT_GATEWAY_CLI_REPLAY_H

#include "gateway/cli/cli.h"

extern const struct verb replay_verbs[];

#endif
