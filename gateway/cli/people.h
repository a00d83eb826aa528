/*
 * people - accounts, devices, and who may speak at the managed broker.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_PEOPLE_H
#define DEPOT_GATEWAY_CLI_PEOPLE_H

#include "gateway/cli/cli.h"

extern const struct verb people_verbs[];

#endif
