/*
 * forks - depot hq successors, succeed, choose; depot fork ...
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_FORKS_H
#define DEPOT_GATEWAY_CLI_FORKS_H

#include "gateway/cli/cli.h"

extern const struct verb fork_verbs[];

#endif
