/*
 * work - moving, counting, tasks, alerts, what is parked.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_WORK_H
#define DEPOT_GATEWAY_CLI_WORK_H

#include "gateway/cli/cli.h"

extern const struct verb work_verbs[];

#endif
