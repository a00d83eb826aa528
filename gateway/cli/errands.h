/*
 * errands - what waits for somebody: tasks, alerts, parked readings.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_ERRANDS_H
#define DEPOT_GATEWAY_CLI_ERRANDS_H

#include "gateway/cli/cli.h"

extern const struct verb errand_verbs[];

#endif
