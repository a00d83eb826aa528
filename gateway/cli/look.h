/*
 * look - what there is and what happened: status, stock, journal, trace.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_LOOK_H
#define DEPOT_GATEWAY_CLI_LOOK_H

#include "gateway/cli/cli.h"

extern const struct verb look_verbs[];

#endif
